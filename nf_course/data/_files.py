"""Reading the small files that ship with the package.

Every loader comes through :func:`read`, so that a missing, cut-off or swapped file gives one clear message
that names the file, says what was expected of it and how to get it back, instead of a traceback from deep
inside NumPy.
"""

import zipfile
import zlib
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

FOLDER = Path(__file__).parent
MEND = (
    "Get it back with `git checkout -- nf_course/data/{name}` in a clone, "
    "or `pip install --force-reinstall --no-deps nf_course`."
)


class DataFileError(RuntimeError):
    """A data file, of the package or the user's own, is missing, unreadable, or does not hold what it should."""


def read(name: str, /, **expected: tuple[tuple[int, ...], str]) -> dict[str, np.ndarray]:
    """The arrays of the shipped file ``name``, checked against their expected ``key=(shape, dtype kind)``.

    The arrays are read once for each process and are read-only: copy before writing. Nothing is ever
    unpickled.

    >>> read("digits.npz", images=((1797, 8, 8), "u"))["images"].max()
    np.uint8(16)
    """
    return _read(FOLDER / name, tuple(expected.items()))


@cache
def _read(path: Path, expected: tuple) -> dict[str, np.ndarray]:
    wanted = ", ".join(f"{key} {shape}" for key, (shape, _) in expected)

    def fault(what: str) -> DataFileError:
        expectation = f"Expected at {path}: arrays {wanted}."
        return DataFileError(f"{path.name} {what}. {expectation} {MEND.format(name=path.name)}")

    if not path.is_file():
        raise fault("is missing")
    try:
        with np.load(path, allow_pickle=False) as file:  # no pickle: a data file can never run code
            arrays = {key: file[key] for key in file.files}
    except (OSError, EOFError, ValueError, KeyError, AttributeError, zlib.error, zipfile.BadZipFile) as error:
        raise fault(f"cannot be read ({error})") from error
    for key, (shape, kind) in expected:
        if key not in arrays:
            raise fault(f"has no array {key!r}, only {sorted(arrays)}")
        if arrays[key].shape != shape or arrays[key].dtype.kind != kind:
            raise fault(f"holds another {key!r}: shape {arrays[key].shape}, dtype {arrays[key].dtype}")
    for array in arrays.values():
        array.setflags(write=False)
    return arrays


SPLITS = ("train", "valid", "test")


def check_split(split: str) -> None:
    """ValueError unless ``split`` is the name of a split.

    >>> check_split("train")
    """
    if split not in SPLITS:
        raise ValueError(f"split should be one of {', '.join(map(repr, SPLITS))}, got {split!r}")


def split_rows(n: int, valid: int, test: int, split: str, seed: int) -> Tensor:
    """Row numbers of one of the splits of ``n`` rows: a fixed permutation, cut into train, valid and test.

    >>> parts = [split_rows(10, 2, 3, split, seed=0) for split in SPLITS]
    >>> [len(part) for part in parts], sorted(torch.cat(parts).tolist()) == list(range(10))
    ([5, 2, 3], True)
    """
    check_split(split)
    # NumPy's permutation: the stream of default_rng (PCG64) is the same on every machine.
    rows = torch.from_numpy(np.random.default_rng(seed).permutation(n))
    train = n - valid - test
    return {"train": rows[:train], "valid": rows[train : n - test], "test": rows[n - test :]}[split]
