"""Compare nf_course/data/furniture.npz with the models that it was made from: sizes, creators, and where points lie.

    apt-get download sweethome3d-furniture && dpkg-deb -x sweethome3d-furniture_*.deb furniture
    python tools/check_furniture.py             every eighth point of every shape, 5 minutes; exit 1 if one is off
    python tools/check_furniture.py --every 16  every sixteenth shape only

Points were drawn by chance, so that a second derivation has others. What can be compared: each lies on the surface of
the model that the file names, to within the rounding of 16 bits, when the model is turned and scaled as its catalogue
says, moved to the middle of its bounding box, and divided by the largest coordinate of the cloud (`scale`, in metres).
"""

import argparse
import re
import sys
import zipfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = Path("furniture/usr/share/sweethome3d/furniture"), Path("/usr/share/sweethome3d/furniture")
FULL, STRIDE = 32767, 8
ROUNDING = np.sqrt(3) / 2 / FULL + 1e-7  # half a step of 16 bits along each axis


def catalogue() -> dict[str, tuple[zipfile.ZipFile, dict[str, str]]]:
    """Every model by its id: the archive that holds it, and what its catalogue says of it."""
    folder = next((f for f in FOLDERS if f.is_dir()), None)
    if folder is None:
        raise FileNotFoundError("sweethome3d-furniture is not unpacked here: see the head of this script")
    found = {}
    for file in sorted(folder.glob("*.sh3f")):
        archive = zipfile.ZipFile(file)
        entries: dict[str, dict[str, str]] = {}
        for line in archive.read("PluginFurnitureCatalog.properties").decode("latin-1").splitlines():
            if match := re.match(r"(\w+)#(\d+)=(.*)", line.strip()):
                entries.setdefault(match[2], {})[match[1]] = match[3]
        found |= {entry["id"]: (archive, entry) for entry in entries.values()}
    return found


def triangles(archive: zipfile.ZipFile, model: str) -> np.ndarray:
    """The surface of a Wavefront model: corners of triangles (T, 3, 3)."""
    corners, faces = [], []
    for line in archive.read(model.lstrip("/")).decode("latin-1").splitlines():
        kind, *words = line.split() or [""]
        if kind == "v":
            corners.append([float(word) for word in words[:3]])
        elif kind == "f":
            k = [int(word.split("/")[0]) for word in words]
            k = [i - 1 if i > 0 else len(corners) + i for i in k]
            faces += [(k[0], k[i], k[i + 1]) for i in range(1, len(k) - 1)]
    return np.array(corners)[np.array(faces)]


def farthest(points: np.ndarray, surface: np.ndarray) -> float:
    """The largest distance of a point from the nearest triangle whose plane it is over: (P, 3), (T, 3, 3)."""
    a, e, f = surface[:, 0], surface[:, 1] - surface[:, 0], surface[:, 2] - surface[:, 0]
    ee, ef, ff = (e * e).sum(1), (e * f).sum(1), (f * f).sum(1)
    area = ee * ff - ef**2
    area[area < 1e-18] = np.nan  # a triangle without area has no point of its own
    worst = 0.0
    for point in points:
        v = point - a
        ve, vf = (v * e).sum(1), (v * f).sum(1)
        s = np.clip((ff * ve - ef * vf) / area, 0, 1)
        t = np.clip((ee * vf - ef * ve) / area, 0, 1 - s)
        worst = max(worst, np.nanmin(np.linalg.norm(v - s[:, None] * e - t[:, None] * f, axis=1)))
    return worst


def main() -> int:
    """Print what is off; 1 if anything is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=int, default=1, help="of so many shapes, look at one (default: 1)")
    given = parser.parse_args()
    data, models, off = np.load(ROOT / "nf_course" / "data" / "furniture.npz"), catalogue(), []
    for n in range(0, len(data["id"]), given.every):
        archive, entry = models[str(data["id"][n])]
        surface = triangles(archive, entry["model"])
        if "modelRotation" in entry:
            surface = surface @ np.array([float(word) for word in entry["modelRotation"].split()]).reshape(3, 3).T
        low, high = surface.min((0, 1)), surface.max((0, 1))
        size = np.array([float(entry[side]) for side in ("width", "height", "depth")]) / 100  # metres
        surface = (surface - (low + high) / 2) / (high - low) * size / data["scale"][n]
        way = farthest(data["points"][n, ::STRIDE] / FULL, surface)
        creator = entry.get("creator", data["creator"][n])  # some stand only in a file of licences
        if way > ROUNDING or not np.allclose(size, data["size"][n]) or creator != data["creator"][n]:
            off.append(f"{data['id'][n]}: {way:.1e} from the surface, size {size}, by {creator}")
    print("\n".join(off) or f"all points looked at lie on their surfaces to within {ROUNDING:.1e}")
    return bool(off)


if __name__ == "__main__":
    sys.exit(main())
