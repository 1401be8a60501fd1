"""Faces of no real person: a small generator that ships, its latents, and the attributes measured on what it draws."""

from functools import cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nf_course.attributes import standard_attributes
from nf_course.data._files import SPLITS, check_split, read
from nf_course.expect import expect_finite, expect_shape

LATENTS = 100
CHANNELS = (LATENTS, 512, 256, 128, 64, 3)  # from the latent, 1 x 1 pixel, over 4, 8, 16, 32 to 64 x 64
SIZES = {"train": 4000, "valid": 500, "test": 500}
KNOWN = {"train": 40_000, "valid": 1000, "test": 1000}  # whose attributes ship, see tools/face_attributes.py
TOGETHER = {"cpu": 32, "cuda": 512}  # faces drawn at a time: what fits the cache, what fills the card


class Faces(NamedTuple):
    """`w` (n, 100), the latents; `attributes` (n, 5) of the faces G(w), in deviations from the mean."""

    w: Tensor
    attributes: Tensor


class FaceGenerator(nn.Module):
    r"""A DCGAN that turns 100 numbers into a face of 64 x 64 pixels: five transposed convolutions.

    .. math:: x = \tfrac12 (1 + \tanh h_5), \qquad h_i = T_i(\max(h_{i-1}, 0)) + b_i, \quad h_1 = T_1 w + b_1

    Its latent plays the part of StyleGAN's w. It is the plain input of a DCGAN, w ~ N(0, I), with no mapping network
    before it; what is said of w in StyleFlow holds for any vector that a generator draws from.

    Nothing in it is trained: the weights are buffers, stored as bytes with a scale for each channel, used as float32.
    The images can be differentiated in w. Shapes: w (N, 100) -> (N, 3, 64, 64), red, green and blue, 0 to 1.
    Errors: `ValueError` for another shape and for NaN, `TypeError` for another dtype than the weights have.
    Cost: some 5 ms a face on one core; faces are drawn 32 at a time. Source: Radford et al., 2016 (arXiv 1511.06434);
    the weights are those of gan_face_generate, trained on DigiFace-1M: faces rendered by a computer, see NOTICE.
    """

    def __init__(self) -> None:
        super().__init__()
        for i, (weight, bias) in enumerate(_weights()):
            self.register_buffer(f"weight{i}", weight.clone(), persistent=False)
            self.register_buffer(f"bias{i}", bias.clone(), persistent=False)
        self.features = LATENTS
        self.eval()

    def forward(self, w: Tensor) -> Tensor:
        expect_shape(w, (LATENTS,), "FaceGenerator")
        if w.dtype != self.weight0.dtype:
            raise TypeError(f"FaceGenerator: expected w of {self.weight0.dtype}, as the weights are, got {w.dtype}")
        expect_finite(w, "FaceGenerator")
        return torch.cat([self._draw(rows) for rows in w.split(TOGETHER.get(w.device.type, 32))])

    def _draw(self, w: Tensor) -> Tensor:
        h = w[:, :, None, None]  # (N, 100, 1, 1)
        for i in range(len(CHANNELS) - 1):
            stride, padding = (2, 1) if i else (1, 0)  # each doubles the sides, but for the first: 1 to 4
            h = F.conv_transpose2d(
                h.relu() if i else h, self.get_buffer(f"weight{i}"), self.get_buffer(f"bias{i}"), stride, padding
            )
        return (h.tanh() + 1) / 2  # (N, 3, 64, 64)


def face_generator() -> FaceGenerator:
    """The generator of faces that ships: `generator(w)`, (N, 100) -> (N, 3, 64, 64), 0 to 1, differentiable in w.

    >>> w = torch.zeros(2, 100)
    >>> images = face_generator()(w)
    >>> images.shape, bool((images >= 0).all() and (images <= 1).all())
    (torch.Size([2, 3, 64, 64]), True)

    Source: gan_face_generate 1.1.1, under the MIT licence; trained on DigiFace-1M, whose faces are synthetic. NOTICE
    has the whole story. Chapter 12.
    """
    return FaceGenerator()


def faces(split: str = "train", n: int | None = None) -> Faces:
    """Latents w ~ N(0, I) and the attributes of their faces: the triplets {w, G(w), A(G(w))}, without the pictures.

    Args:
        split: ``"train"``, ``"valid"`` or ``"test"``, each from a seed of its own.
        n: how many; by default 4000, 500 and 500. The first n are always the same ones: there is no end to them.

    Returns:
        ``w`` of shape ``(n, 100)`` and ``attributes`` of shape ``(n, 5)``, float32. The latter are measured in the
        pixels of G(w) by :func:`~nf_course.attributes.standard_attributes`, in deviations from the mean.

    The attributes of the first 40 000, 1000 and 1000 ship, in half precision. Each face beyond is drawn once for each
    process, which takes 5 ms.

    >>> w, attributes = faces("test", 8)
    >>> w.shape, attributes.shape, torch.equal(w, faces("test", 20).w[:8])
    (torch.Size([8, 100]), torch.Size([8, 5]), True)

    Source: as for :func:`face_generator`. Chapter 12.
    """
    check_split(split)
    n = SIZES[split] if n is None else n
    if not isinstance(n, int) or isinstance(n, bool) or n < 1:
        raise ValueError(f"faces: expected a whole number n, at least 1, got {n!r}")
    if split not in _MEASURED:
        shipped = read("face_attributes.npz", **{name: ((many, 5), "f") for name, many in KNOWN.items()})
        _MEASURED[split] = torch.from_numpy(shipped[split].astype(np.float32))
    if n > len(_MEASURED[split]):
        _MEASURED[split] = torch.cat((_MEASURED[split], measured(split, len(_MEASURED[split]), n)))
    return Faces(_latents(split, n), _MEASURED[split][:n].clone())


@torch.no_grad()
def measured(split: str, first: int, last: int) -> Tensor:
    """The attributes of the faces from `first` to before `last` of a split, drawn and measured now."""
    rows = _latents(split, last)[first:].split(TOGETHER["cpu"])
    return torch.cat([standard_attributes(_generator()(w)) for w in rows])


def _latents(split: str, n: int) -> Tensor:
    """NumPy's normal numbers: the first n do not depend on how many are drawn."""
    return torch.from_numpy(np.random.default_rng((12, SPLITS.index(split))).standard_normal((n, LATENTS), np.float32))


_MEASURED: dict[str, Tensor] = {}  # attributes of the first faces of each split, as many as are known so far


@cache
def _generator() -> FaceGenerator:
    return FaceGenerator()


@cache
def _weights() -> list[tuple[Tensor, Tensor]]:
    expected = {}
    for i, (inputs, outputs) in enumerate(pairwise(CHANNELS)):
        expected |= {
            f"w{i}": ((inputs, outputs, 4, 4), "i"),
            f"s{i}": ((outputs,), "f"),
            f"b{i}": ((outputs,), "f"),
        }
    file = read("face_generator_int8.npz", **expected)
    found = []
    for i in range(len(CHANNELS) - 1):
        weight = file[f"w{i}"].astype(np.float32) * file[f"s{i}"][None, :, None, None]
        found.append((torch.from_numpy(weight), torch.from_numpy(file[f"b{i}"].copy())))
    return found
