"""Handwritten digits of 8 by 8 pixels: the smallest images that are still worth a model."""

from typing import NamedTuple

import torch
from torch import Tensor

from nf_course.data._files import read, split_rows


class Digits(NamedTuple):
    """One split of the digits; unpacks as ``images, labels = digits("train")``.

    Attributes:
        images: shape ``(n, 1, 8, 8)``, uint8, whole numbers 0 (paper) to 16 (ink): 17 grey levels, not 256.
        labels: shape ``(n,)``, int64, the digit drawn.
    """

    images: Tensor
    labels: Tensor


def digits(split: str = "train") -> Digits:
    """Handwritten digits as 8 x 8 counts of dark pixels: 1397 to train on, 200 to validate, 200 to test.

    A pixel counts how many of the 4 x 4 scanner pixels under it were dark, hence 17 levels, 0 to 16. The
    values are whole numbers: a density needs them dequantized first (:class:`nf_course.Dequantize` with
    ``bins=17``).

    The split is a fixed permutation of the rows. The file does not say who wrote which digit, so the same 13
    hands appear in every split, and a likelihood on ``"test"`` is that of known writers.

    Args:
        split: ``"train"``, ``"valid"`` or ``"test"``.

    Returns:
        :class:`Digits` with ``images`` ``(n, 1, 8, 8)`` uint8 and ``labels`` ``(n,)`` int64.

    >>> images, labels = digits("train")
    >>> images.shape, images.dtype, int(images.max()), labels.shape
    (torch.Size([1397, 1, 8, 8]), torch.uint8, 16, torch.Size([1397]))
    >>> [len(digits(split).labels) for split in ("train", "valid", "test")]
    [1397, 200, 200]

    Source: E. Alpaydin and C. Kaynak (1998), *Optical Recognition of Handwritten Digits*, UCI Machine
    Learning Repository, CC BY 4.0, its test set as scikit-learn's ``load_digits`` gives it. Credits in
    NOTICE. Chapters 2 and 4 to 6.
    """
    arrays = read("digits.npz", images=((1797, 8, 8), "u"), labels=((1797,), "u"))
    rows = split_rows(1797, valid=200, test=200, split=split, seed=0)
    images = torch.from_numpy(arrays["images"][rows.numpy()])[:, None]
    return Digits(images, torch.from_numpy(arrays["labels"][rows.numpy()]).long())
