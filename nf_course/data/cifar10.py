"""CIFAR-10, small colour photographs in ten classes: read from your own copy, of which none ships with the package."""

import pickle
from pathlib import Path

import numpy as np
import torch

from nf_course.data._files import DataFileError, check_split
from nf_course.data.mnist import LabelledImages

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
BATCH, VALID = 10_000, 5_000  # images in each of the six files; held out of the last training file
PIXELS = 3 * 32 * 32
FOLDERS = ("cifar-10-batches-py", "cifar-10-batches-bin")
WANTED = (
    "CIFAR-10 is six files, data_batch_1 to data_batch_5 and test_batch (the python version) or the same with .bin "
    "(the binary version), unpacked from the archive of https://www.cs.toronto.edu/~kriz/cifar.html; "
    "torchvision.datasets.CIFAR10(folder, download=True) fetches the python version. nf_course downloads nothing, and "
    "ships patches of other photographs: photo_patches()."
)


def cifar10(folder: str | Path, split: str = "train") -> LabelledImages:
    """CIFAR-10, from files that you have: 45 000 photographs to train on, 5000 to validate, 10 000 to test.

    The first 45 000 of the five training files, their last 5000, and the test file, in their order.

    Args:
        folder: where the six files lie, or where the archive was unpacked (``cifar-10-batches-py`` or
            ``cifar-10-batches-bin`` inside it). The python version is read first if both are there. It is
            pickled; only bytes, numbers, lists and dictionaries are unpickled, so that it cannot run code.
        split: ``"train"``, ``"valid"`` or ``"test"``.

    Returns:
        :class:`LabelledImages` with ``images`` ``(n, 3, 32, 32)`` uint8, red, green and blue, 0 to 255, and
        ``labels`` ``(n,)`` int64, 0 (airplane) to 9 (truck).

    Raises:
        DataFileError: a file is missing, cut off, not what its name says, or asks for code to be run.

    >>> cifar10("no/such/folder", "test")
    Traceback (most recent call last):
        ...
    nf_course.data._files.DataFileError: test_batch is missing: neither it nor test_batch.bin is in ...

    Source: A. Krizhevsky (2009), *Learning Multiple Layers of Features from Tiny Images*. Its page
    names no licence, so it does not ship with the package, and nothing is downloaded. Chapters 6 and 8.
    """
    check_split(split)
    names = {"train": [f"data_batch_{k}" for k in range(1, 6)], "valid": ["data_batch_5"], "test": ["test_batch"]}
    batches = [_batch(_find(folder, name)) for name in names[split]]
    images, labels = (np.concatenate(arrays) for arrays in zip(*batches))
    part = {"train": slice(-VALID), "valid": slice(-VALID, None), "test": slice(None)}[split]
    images = torch.from_numpy(images[part]).reshape(-1, 3, 32, 32)
    return LabelledImages(images, torch.from_numpy(labels[part].astype(np.int64)))


def _find(folder: str | Path, name: str) -> Path:
    places = [Path(folder).expanduser() / inner for inner in ("", *FOLDERS)]
    for path in [place / file for place in places for file in (name, f"{name}.bin")]:
        if path.is_file():
            return path
    where = ", ".join(map(str, places))
    raise DataFileError(f"{name} is missing: neither it nor {name}.bin is in one of {where}. {WANTED}")


def _batch(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Pixels (BATCH, 3072) and labels (BATCH,) of one file."""
    try:
        pixels, labels = (_from_bytes if path.suffix == ".bin" else _from_pickle)(path)
    except Exception as error:  # a broken pickle can raise anything
        raise DataFileError(f"{path} cannot be read ({error or type(error).__name__}). {WANTED}") from error
    if labels.min() < 0 or labels.max() > 9:
        raise DataFileError(f"{path} holds labels {labels.min()} to {labels.max()}, not 0 to 9. {WANTED}")
    return pixels, labels


def _from_bytes(path: Path) -> tuple[np.ndarray, np.ndarray]:
    size = BATCH * (1 + PIXELS)
    if path.stat().st_size != size:
        raise ValueError(f"it has {path.stat().st_size} bytes, not {size}")
    table = np.fromfile(path, np.uint8).reshape(BATCH, 1 + PIXELS)
    return table[:, 1:], table[:, 0]


class _Kept:
    """Stands in for what NumPy would rebuild from a pickle: keeps the arguments and the state, and runs nothing."""

    def __init__(self, *arguments) -> None:
        self.arguments = arguments

    def __setstate__(self, state) -> None:
        self.state = state


class _Unpickler(pickle.Unpickler):
    names = (
        ("numpy.core.multiarray", "_reconstruct"),
        ("numpy._core.multiarray", "_reconstruct"),
        ("numpy", "ndarray"),
        ("numpy", "dtype"),
    )

    def find_class(self, module: str, name: str) -> type:
        if (module, name) not in self.names:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which CIFAR-10 has no use for: it was refused")
        return _Kept


def _from_pickle(path: Path) -> tuple[np.ndarray, np.ndarray]:
    with open(path, "rb") as file:
        found = _Unpickler(file, encoding="bytes").load()
    if not isinstance(found, dict) or not {b"data", b"labels"} <= set(found):
        raise ValueError("it is no dictionary with 'data' and 'labels'")
    if not isinstance(found[b"data"], _Kept):
        raise ValueError("its 'data' are no array")
    _, shape, dtype, fortran, raw = found[b"data"].state  # how NumPy pickles an array
    if shape != (BATCH, PIXELS) or dtype.arguments[0] not in (b"u1", "u1"):
        raise ValueError(f"its 'data' are an array {shape} of {dtype.arguments[0]!r}, not {(BATCH, PIXELS)} of bytes")
    labels = found[b"labels"]
    if len(labels) != BATCH or not all(type(label) is int for label in labels):
        raise ValueError(f"its 'labels' are not {BATCH} whole numbers")
    return np.frombuffer(raw, np.uint8).reshape(shape, order="F" if fortran else "C"), np.array(labels)
