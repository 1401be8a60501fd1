"""Coupling layers: one part of x is kept and decides how the other part is moved.

z_moved = exp(log_scale) * x_moved + shift, (log_scale, shift) a network of x_kept;  ladj = sum log_scale.
Chapters 3 (derivation), 4 (additive), 6 (images) and 10 (context).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce

import torch
from torch import Tensor, nn

from nf_course.bijection import Bijection, sum_features
from nf_course.expect import expect_floating
from nf_course.masks import Halves, Mask

__all__ = ["AdditiveCoupling", "AffineCoupling", "CouplingStack"]


class _Coupling(Bijection):
    """Split, move one part, merge. A subclass says how to move, in `encode_moved` and `decode_moved`."""

    def __init__(self, conditioner: nn.Module, mask: Mask = Halves()) -> None:  # noqa: B008  (a frozen value)
        super().__init__()
        self.conditioner = conditioner
        self.mask = mask

    def encode(self, x, context=None):
        expect_floating(x, f"{type(self).__name__}.encode")
        kept, moved = self.mask.split(x)
        moved, log_scale = self.encode_moved(kept, moved, context)
        return self.mask.merge(kept, moved), sum_features(log_scale)

    def decode(self, z, context=None):
        expect_floating(z, f"{type(self).__name__}.decode")
        kept, moved = self.mask.split(z)
        moved, log_scale = self.decode_moved(kept, moved, context)
        return self.mask.merge(kept, moved), sum_features(log_scale)

    def _parameters_for(self, kept: Tensor, moved: Tensor, context: Tensor | None, per_feature: int) -> Tensor:
        theta = self.conditioner(kept, context)
        if theta.shape[1] != per_feature * moved.shape[1] or theta.shape[2:] != moved.shape[2:]:
            wanted = (len(moved), per_feature * moved.shape[1], *moved.shape[2:])
            raise ValueError(
                f"{type(self).__name__}: expected the conditioner to give {wanted} "
                f"({per_feature} for each moved feature), got {tuple(theta.shape)}"
            )
        return theta


class AffineCoupling(_Coupling):
    r"""RealNVP's coupling: the moved part is scaled and shifted by functions of the kept part.

    .. math:: z_{kept} = x_{kept}, \quad z_{moved} = s \odot x_{moved} + t, \quad
              (a, t) = \theta(x_{kept}, c), \quad \log s = 2\tanh(a/2), \qquad \text{ladj} = \textstyle\sum_i \log s_i

    The bound `|log s| < 2` keeps each layer invertible in floating point; log s = 0 at a = 0, with slope one.

    Shapes: x and z (N, D) or (N, C, H, W); `conditioner(kept, context)` gives 2 numbers for each moved one along
    dim 1, a then t. Cost: one evaluation of the conditioner, in either direction; it is never inverted.
    Errors: `ValueError` where the conditioner's output does not fit the moved part.
    Source: Dinh, Sohl-Dickstein and Bengio, 2017 (arXiv 1605.08803), eq. 4 to 8. Chapter 3.

    >>> from nf_course import MLP
    >>> _ = torch.manual_seed(0)
    >>> layer = AffineCoupling(MLP(1, 2 * 2, zero_init=False))  # keeps 1 of 3 features, moves 2
    >>> x = torch.randn(4, 3)
    >>> z, ladj = layer.encode(x)
    >>> torch.equal(z[:, :1], x[:, :1]), torch.allclose(layer.decode(z)[0], x, atol=1e-6), ladj.shape
    (True, True, torch.Size([4]))
    """

    def encode_moved(self, kept, moved, context=None):
        log_scale, shift = self.log_scale_and_shift(kept, moved, context)
        return torch.exp(log_scale) * moved + shift, log_scale

    def decode_moved(self, kept, moved, context=None):
        log_scale, shift = self.log_scale_and_shift(kept, moved, context)
        return (moved - shift) / torch.exp(log_scale), -log_scale

    def log_scale_and_shift(self, kept: Tensor, moved: Tensor, context: Tensor | None) -> tuple[Tensor, Tensor]:
        a, shift = self._parameters_for(kept, moved, context, per_feature=2).chunk(2, 1)
        return 2 * torch.tanh(a / 2), shift


class AdditiveCoupling(_Coupling):
    r"""NICE's coupling: the moved part is shifted by a function of the kept part; volume does not change.

    .. math:: z_{kept} = x_{kept}, \quad z_{moved} = x_{moved} + t(x_{kept}, c), \qquad \text{ladj} = 0

    Shapes: x and z (N, D) or (N, C, H, W); `conditioner(kept, context)` gives 1 number for each moved one.
    Cost: one evaluation of the conditioner, in either direction. Errors: as for `AffineCoupling`.
    Source: Dinh, Krueger and Bengio, 2014 (arXiv 1410.8516). Chapters 3 and 4.

    >>> from nf_course import MLP
    >>> _ = torch.manual_seed(0)
    >>> layer = AdditiveCoupling(MLP(2, 2, zero_init=False))
    >>> z, ladj = layer.encode(torch.randn(3, 4))
    >>> ladj.tolist()
    [0.0, 0.0, 0.0]
    """

    def encode_moved(self, kept, moved, context=None):
        shift = self._parameters_for(kept, moved, context, per_feature=1)
        return moved + shift, torch.zeros_like(moved)  # every log-scale is 0

    def decode_moved(self, kept, moved, context=None):
        shift = self._parameters_for(kept, moved, context, per_feature=1)
        return moved - shift, torch.zeros_like(moved)


class CouplingStack(Bijection):
    r"""Couplings that take turns over one partition: the two parts stay apart until the last one is done.

    The same map as `Sequential(*couplings)`, with the same weights, without a `cat` and a sum in each layer.

    Shapes: as for the couplings. Errors: `ValueError` if a mask is neither the first one's nor its flip.
    Cost: one evaluation of each conditioner, in either direction.

    >>> from nf_course import MLP
    >>> _ = torch.manual_seed(0)
    >>> even = AffineCoupling(MLP(1, 2, zero_init=False))
    >>> odd = AffineCoupling(MLP(1, 2, zero_init=False), Halves().flipped())
    >>> x = torch.randn(3, 2)
    >>> from nf_course import Sequential
    >>> torch.allclose(CouplingStack([even, odd]).encode(x)[1], Sequential(even, odd).encode(x)[1], atol=1e-6)
    True
    """

    def __init__(self, couplings: Iterable[AffineCoupling | AdditiveCoupling]) -> None:
        super().__init__()
        self.couplings = nn.ModuleList(couplings)
        if not self.couplings:
            raise ValueError("CouplingStack: expected at least one coupling, got none")
        for position, coupling in enumerate(self.couplings):
            if not hasattr(coupling, "encode_moved"):
                raise TypeError(f"CouplingStack: part {position} is a {type(coupling).__name__}, expected a coupling")
        self.mask = self.couplings[0].mask
        for position, coupling in enumerate(self.couplings):
            if coupling.mask not in (self.mask, self.mask.flipped()):
                raise ValueError(
                    f"CouplingStack: expected {self.mask} or its flip in every coupling, "
                    f"got {coupling.mask} in coupling {position}; use Sequential for different partitions"
                )

    def encode(self, x, context=None):
        expect_floating(x, "CouplingStack.encode")
        a, b = self.mask.split(x)
        scales_a, scales_b = [], []  # the log-scales of each part, one tensor for each coupling that moved it
        for coupling in self.couplings:
            if coupling.mask == self.mask:  # a is kept, b is moved
                b, log_scale = coupling.encode_moved(a, b, context)
                scales_b.append(log_scale)
            else:
                a, log_scale = coupling.encode_moved(b, a, context)
                scales_a.append(log_scale)
        return self.mask.merge(a, b), _sum_all(scales_a, scales_b)

    def decode(self, z, context=None):
        expect_floating(z, "CouplingStack.decode")
        a, b = self.mask.split(z)
        scales_a, scales_b = [], []
        for coupling in reversed(self.couplings):
            if coupling.mask == self.mask:
                b, log_scale = coupling.decode_moved(a, b, context)
                scales_b.append(log_scale)
            else:
                a, log_scale = coupling.decode_moved(b, a, context)
                scales_a.append(log_scale)
        return self.mask.merge(a, b), _sum_all(scales_a, scales_b)


def _sum_all(*parts: list[Tensor]) -> Tensor:
    """Sum of all log-scales, (N,): over the couplings number by number, then over the features, which is faster."""
    return reduce(torch.add, [sum_features(reduce(torch.add, part)) for part in parts if part])
