"""Fifteen colour photographs, and patches cut from them: natural images small enough to ship."""

import io

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from nf_course.data._files import FOLDER, MEND, DataFileError, check_split, read

BYTES = {  # each photograph, and how long its JPEG is
    "china": 180074,
    "flower": 111950,
    "astronaut": 123831,
    "coffee": 136599,
    "cat": 61419,
    "rocket": 111932,
    "mountain": 154971,
    "puppies": 102182,
    "stream": 244546,
    "peaks": 174031,
    "sunset": 105982,
    "fig": 156115,
    "brushes": 194095,
    "drum": 112551,
    "dandelions": 85817,
}
HELD_OUT = {"valid": ("sunset", "fig"), "test": ("peaks", "drum")}  # the other eleven are "train"
SHORTEST = 300  # pixels: the shortest side of any of the photographs
LICENCES = {
    "CC-BY-2.0": "CC BY 2.0 (https://creativecommons.org/licenses/by/2.0/)",
    "CC-BY-4.0": "CC BY 4.0 (https://creativecommons.org/licenses/by/4.0/)",
    "CC0": "CC0 1.0 (https://creativecommons.org/publicdomain/zero/1.0/)",
    "public domain": "public domain",
}


def photos(split: str | None = None) -> dict[str, Tensor]:
    """Fifteen photographs in colour: buildings, people, animals, plants, mountains, things.

    Args:
        split: None gives all fifteen. ``"valid"`` gives sunset and fig, ``"test"`` peaks and drum,
            ``"train"`` the other eleven: in each pair one view into the distance and one of what is near, and
            contrasts and colours spread much as in all fifteen together.

    Returns:
        For each name a tensor of shape ``(3, height, width)``, uint8: red, green and blue, 0 to 255, as a screen
        shows them (gamma-encoded, not proportional to light). The longer side has 451 to 640 pixels.

    All are stored as JPEG, quality 95, at full resolution of colour: in each block of 8 by 8 pixels the finest
    detail is rounded away. That makes them somewhat easier to model than photographs straight from a sensor, so
    compare likelihoods on them with each other only.

    >>> pictures = photos()
    >>> len(pictures), pictures["china"].shape, pictures["china"].dtype
    (15, torch.Size([3, 427, 640]), torch.uint8)
    >>> list(photos("test"))
    ['peaks', 'drum']

    Source: scikit-learn, scikit-image and the Debian package lomiri-wallpapers-16.04; CC BY 2.0, CC BY 4.0,
    CC0 or public domain. Name the photographer where you show one: :func:`photo_credits` has the lines, NOTICE
    the whole story. Chapters 8, 11, 16 and 17.
    """
    file = _file()
    return {name: _decode(name, file[name].tobytes()) for name in (BYTES if split is None else _names(split))}


def photo_patches(split: str = "train", size: int = 32) -> Tensor:
    """Square patches of the photographs, cut side by side: no two overlap, and no photograph is in two splits.

    A grid is laid on each photograph from its top left corner; what is left over at the right and at the
    bottom is dropped. Patches of one photograph resemble each other, so the split is by photograph: patches
    drawn at random would put half a leaf into ``"train"`` and the other half into ``"test"``.

    Few photographs are behind the many patches: two in ``"valid"`` and two in ``"test"``. They can
    tell a better model from a worse one; the level of a likelihood on them is not its level on photographs at
    large. Where a photograph is clipped to black or to white, patches are equal pixel by pixel: six of the
    3758 of 32 x 32 repeat another of the same photograph, and at 8 x 8 some are in two splits.

    Args:
        split: ``"train"``, ``"valid"`` or ``"test"``: which photographs, see :func:`photos`.
        size: side of the patches in pixels, 1 to 300.

    Returns:
        Tensor of shape ``(n, 3, size, size)``, uint8, 0 to 255: photograph by photograph in the order of
        ``photos(split)``, and within each row by row.

    >>> photo_patches("train").shape
    torch.Size([2678, 3, 32, 32])
    >>> [len(photo_patches(split)) for split in ("train", "valid", "test")]
    [2678, 520, 560]
    >>> [len(photo_patches(split, size=8)) for split in ("train", "valid", "test")]
    [43998, 8560, 9040]

    Source, licences and credits: as for :func:`photos`. Chapters 8, 11, 16 and 17.
    """
    if not isinstance(size, int) or isinstance(size, bool) or not 1 <= size <= SHORTEST:
        raise ValueError(f"size should be a whole number from 1 to {SHORTEST}, got {size!r}")
    _names(split)
    patches = []
    for photo in photos(split).values():
        rows, columns = photo.shape[1] // size, photo.shape[2] // size
        whole = photo[:, : rows * size, : columns * size]
        grid = whole.reshape(3, rows, size, columns, size).permute(1, 3, 0, 2, 4)
        patches.append(grid.reshape(rows * columns, 3, size, size))
    return torch.cat(patches)


def photo_credits() -> dict[str, str]:
    """The line of credit of each photograph, for the page that shows it.

    Each line says who made it, under which licence, where it comes from and what was changed.

    >>> print(photo_credits()["drum"])
    drum: Jakub Mede, 2018; CC BY 4.0 (https://creativecommons.org/licenses/by/4.0/);
    lomiri-wallpapers-16.04 (Wine_by_Jakkub_Mede.jpg); reduced and re-encoded
    """
    found = {}
    for line in _file()["_credits"].tolist():
        *about, licence, origin, _ = line.split("; ")
        # The file says "reduced" of all; those of scikit-learn and scikit-image kept their size.
        change = "re-encoded" if origin.startswith("scikit-") else "reduced and re-encoded"
        found[line.partition(":")[0]] = "; ".join([*about, LICENCES[licence], origin, change])
    return found


def _names(split: str) -> list[str]:
    check_split(split)
    held_out = {name: part for part, names in HELD_OUT.items() for name in names}
    return [name for name in BYTES if held_out.get(name, "train") == split]


def _file() -> dict[str, np.ndarray]:
    lengths = {name: ((length,), "u") for name, length in BYTES.items()}
    return read("photos.npz", **lengths, _credits=((len(BYTES),), "U"))


def _decode(name: str, jpeg: bytes) -> Tensor:
    try:
        with Image.open(io.BytesIO(jpeg), formats=["JPEG"]) as image:
            return torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1).contiguous()
    except (OSError, ValueError, SyntaxError) as error:
        what = f"holds no JPEG image {name!r} ({error}). Expected at {FOLDER / 'photos.npz'}: 15 photographs."
        raise DataFileError(f"photos.npz {what} {MEND.format(name='photos.npz')}") from error
