"""C-Flows: two kinds of data, such as pictures and shapes, and flows that lead from one to the other.

Shared latent: z = f_1(x_1), x_2 = f_2^-1(z).   Layer by layer: h^l = s_l(h^(l-1)), x_2^l = t_l(x_2^(l-1); h^(l-1)).
Chapter 13.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from nf_course.actnorm import ActNorm
from nf_course.bijection import Bijection, Sequential
from nf_course.conditioners import MLP
from nf_course.coupling import AffineCoupling
from nf_course.expect import expect_context
from nf_course.flow import Flow, StandardNormal
from nf_course.linear import LULinear
from nf_course.masks import Halves

__all__ = ["LayerByLayer", "SharedLatent", "cflow", "cycle_distance", "shared_latent"]


class SharedLatent(nn.Module):
    r"""Two flows to one latent space; a pair is to have one latent.

    .. math:: z = f_1(x_1), \qquad x_2 = f_2^{-1}(z)

    The loss of a pair is :math:`-\log p_1(x_1) - \log p_2(x_2)` :math:`{}+ \lambda \|f_1(x_1) - f_2(x_2)\|^2`. Each
    x_1 has one x_2 and the other way round, since both maps are bijections: there is nothing to sample. So both must
    have as many numbers. Shapes: x_1 and x_2 (N, D). Errors: `ValueError` for flows over different sizes.
    Source: Grover et al., 2020 (AlignFlow, arXiv 1905.12892). Chapter 13.

    >>> _ = torch.manual_seed(0)
    >>> both, x = shared_latent(4, steps=2, hidden=(16,)).eval(), torch.randn(3, 4)
    >>> torch.allclose(both.to_first(both.to_second(x)), x, atol=1e-4)  # there and back, exactly
    True
    """

    def __init__(self, first: Flow, second: Flow) -> None:
        super().__init__()
        if first.base.shape != second.base.shape:
            raise ValueError(
                f"SharedLatent: expected flows over as many numbers, got {first.base.shape} and {second.base.shape}"
            )
        self.first, self.second = first, second

    def loss(self, x1: Tensor, x2: Tensor, weight: float = 1.0) -> Tensor:
        """Of each pair, (N,) in nats: both negative log-likelihoods and `weight` times the squares between latents."""
        (z1, ladj1), (z2, ladj2) = self.first.bijection.encode(x1), self.second.bijection.encode(x2)
        fit = -self.first.base.log_prob(z1) - ladj1 - self.second.base.log_prob(z2) - ladj2
        return fit + weight * (z1 - z2).square().sum(1)

    def to_second(self, x1: Tensor) -> Tensor:
        """x_2 = f_2^-1(f_1(x_1))."""
        return self.second.bijection.decode(self.first.bijection.encode(x1)[0])[0]

    def to_first(self, x2: Tensor) -> Tensor:
        """x_1 = f_1^-1(f_2(x_2))."""
        return self.first.bijection.decode(self.second.bijection.encode(x2)[0])[0]


class LayerByLayer(Bijection):
    r"""A flow over x_2 whose layers see what a flow over x_1 has made of x_1 by then: p(x_2 | x_1).

    .. math:: h^0 = x_1, \quad h^l = s_l(h^{l-1}), \qquad x_2^l = t_l(x_2^{l-1};\, h^{l-1}), \qquad
              \text{ladj} = \textstyle\sum_l \log\left|\det \partial x_2^l / \partial x_2^{l-1}\right|

    x_1 is the context. The source layers s_l change what the target layers see, and add no term: for given x_1 their
    outputs are constants. They are bijections so that they can be trained to carry x_1 to a normal base at the same
    time, which is what `source_log_prob` is for. x_1 and x_2 need not have as many numbers, and x_2 has a latent of its
    own, to sample.

    Shapes: x (N, D_2), context (N, D_1). Errors: `ValueError` unless there is one source layer for each target layer.
    Cost: one encode of either flow. Source: Pumarola et al., 2020 (C-Flow, arXiv 1912.07009). Chapter 13.

    >>> _ = torch.manual_seed(0)
    >>> flow = cflow(3, 5, steps=2, hidden=(16,)).eval()  # 3 numbers given, 5 modelled
    >>> flow.sample(2, torch.zeros(2, 3)).shape
    torch.Size([2, 5])
    """

    def __init__(self, source: Iterable[Bijection], target: Iterable[Bijection], context_features: int) -> None:
        super().__init__()
        self.source, self.target = nn.ModuleList(source), nn.ModuleList(target)
        self.context_features = context_features
        if len(self.source) != len(self.target) or not self.source:
            raise ValueError(
                f"LayerByLayer: expected a source layer for each target layer, got {len(self.source)} and "
                f"{len(self.target)}"
            )

    def encode(self, x, context=None):
        ladj = x.new_zeros(len(x))
        for layer, h in zip(self.target, self._activations(x, context)):
            x, more = layer.encode(x, h)
            ladj = ladj + more
        return x, ladj

    def decode(self, z, context=None):
        ladj = z.new_zeros(len(z))
        for layer, h in reversed(list(zip(self.target, self._activations(z, context)))):
            z, more = layer.decode(z, h)
            ladj = ladj + more
        return z, ladj

    def source_log_prob(self, x1: Tensor) -> Tensor:
        """Log-density of x_1 under the source flow with a standard normal base: (N, D_1) -> (N,)."""
        z, ladj = Sequential(*self.source).encode(x1)
        return StandardNormal(x1.shape[1]).to(x1).log_prob(z) + ladj

    def _activations(self, like: Tensor, context: Tensor | None) -> list[Tensor]:
        """What each target layer sees: x_1, s_1(x_1), s_2(s_1(x_1)), ... without the last."""
        expect_context(context, self.context_features, len(like), "LayerByLayer")
        seen = [context]
        for layer in self.source[:-1]:
            seen.append(layer.encode(seen[-1])[0])
        return seen


def cycle_distance(there: Flow, back: Flow, x1: Tensor) -> Tensor:
    r"""From x_1 to a sample of x_2 and back at temperature 0: how far from x_1 one ends, (N, D_1) -> (N,).

    .. math:: \|g(\tilde x_2) - x_1\|^2, \qquad \tilde x_2 \sim p(x_2 \mid x_1), \quad g(x_2) = f^{-1}(0;\, x_2)

    The cycle term of C-Flow: differentiable in the weights of both, for the sample is a decoded draw.
    """
    z = there.base.sample(len(x1)).to(x1)
    x2, _ = there.bijection.decode(z, x1)
    again, _ = back.bijection.decode(torch.zeros_like(x1), x2)
    return (again - x1).square().sum(1)


def shared_latent(features: int, steps: int = 6, hidden: Sequence[int] = (128, 128)) -> SharedLatent:
    """Two flows of `steps` couplings each, over (N, features) on either side."""
    first, second = (Flow(Sequential(*_layers(features, steps, hidden)), StandardNormal(features)) for _ in range(2))
    return SharedLatent(first, second)


def cflow(given: int, features: int, steps: int = 6, hidden: Sequence[int] = (128, 128)) -> Flow:
    """p(x_2 | x_1), (N, features) given (N, given): `steps` couplings on either side, joined layer by layer."""
    source, target = _layers(given, steps, hidden), _layers(features, steps, hidden, context=given)
    return Flow(LayerByLayer(source, target, given), StandardNormal(features))


def _layers(features: int, steps: int, hidden: Sequence[int], context: int = 0) -> list[Bijection]:
    """One layer is ActNorm, a learned matrix and a coupling."""
    kept, moved = features // 2, features - features // 2
    return [
        Sequential(
            ActNorm(features), LULinear(features), AffineCoupling(MLP(kept, 2 * moved, hidden, context), Halves())
        )
        for _ in range(steps)
    ]
