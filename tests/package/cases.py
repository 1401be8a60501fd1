"""The table of all bijections: name, constructor, shape of x, number of context features, for one property test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from nf_course import (
    MLP,
    RK4,
    RRDB,
    ActNorm,
    AdditiveCoupling,
    AffineCoupling,
    AffineInjector,
    Alternating,
    Bijection,
    Checkerboard,
    ContinuousFlow,
    ConvField,
    ConvNet,
    CouplingStack,
    DiagonalScaling,
    Dopri5,
    Encoded,
    Enlarge,
    Flatten,
    Guess,
    Halves,
    IndexMask,
    Inverse,
    Logit,
    LULinear,
    MLPField,
    PointField,
    Reversible,
    Sequential,
    Split,
    Squeeze,
    ToLevel,
    models,
    randomise,
)
from nf_course.models.cflow import cflow


@dataclass(frozen=True)
class Case:
    name: str
    build: Callable[[], Bijection]
    shape: tuple[int, ...]
    context: tuple[int, ...] = ()
    unit_interval: bool = False
    identity: bool = False
    tolerance: float = 1e-9

    def make(self, device="cpu", seed: int = 0) -> tuple[Bijection, torch.Tensor, torch.Tensor | None]:
        """The bijection in float64 with randomised parameters, x and context, always the same for a seed."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            bijection = randomise(self.build().double(), seed=seed).eval()
            x = torch.rand(3, *self.shape).double() if self.unit_interval else torch.randn(3, *self.shape).double()
            context = torch.randn(3, *self.context).double() if self.context else None
        move = {"device": device}
        return bijection.to(**move), x.to(**move), None if context is None else context.to(**move)


def mlp(kept, moved, context=0):
    return MLP(kept, 2 * moved, hidden=(8,), context_features=context)


def conv(kept, moved, context=0):
    return ConvNet(kept, 2 * moved, hidden=6, context_features=context)


def two_couplings(context=0):
    first = AffineCoupling(mlp(2, 3, context))
    second = AffineCoupling(mlp(3, 2, context), Halves().flipped())
    return first, second


def injected(scale=2):
    """The encoder's features, at their own size and enlarged, in an injector and a coupling."""
    here = AffineInjector(ConvNet(3, 4, 6, zero_init=False))
    there = Encoded(ToLevel(3, scale), Sequential(here, AffineCoupling(ConvNet(1, 2, 6, 3))))
    return Encoded(RRDB(1, features=3, blocks=1, growth=2), there)


def layer_by_layer():
    """5 numbers given 3. What the last source layer makes of them no target layer sees: it has no gradient here."""
    joined = cflow(3, 5, steps=3, hidden=(8,)).bijection
    joined.source[-1].requires_grad_(False)
    return joined


def srflow():
    """Without its dequantization."""
    flow = models.srflow((1, 8, 4), 2, levels=1, steps=1, hidden=4, features=3, blocks=1)
    return flow.bijection[1:]


def multi_scale():
    """Two levels over 1 x 4 x 4 images, the way image flows are put together."""
    coarse = Sequential(Squeeze(), LULinear(8), AffineCoupling(conv(4, 4)), Flatten((8, 1, 1)))
    return Sequential(Squeeze(), ActNorm(4), LULinear(4), AffineCoupling(conv(2, 2)), Split(coarse, (4, 2, 2)))


CASES = [
    Case("affine, halves, odd D", lambda: AffineCoupling(mlp(2, 3)), (5,)),
    Case("affine, halves flipped", lambda: AffineCoupling(mlp(3, 2), Halves().flipped()), (5,)),
    Case("affine, D = 2", lambda: AffineCoupling(mlp(1, 1)), (2,)),
    Case("affine, context", lambda: AffineCoupling(mlp(2, 3, 4)), (5,), context=(4,)),
    Case("affine, alternating, even D", lambda: AffineCoupling(mlp(3, 3), Alternating()), (6,)),
    Case("affine, alternating, odd D", lambda: AffineCoupling(mlp(3, 2), Alternating()), (5,)),
    Case("affine, alternating flipped", lambda: AffineCoupling(mlp(2, 3), Alternating().flipped()), (5,)),
    Case("affine, index mask", lambda: AffineCoupling(mlp(2, 3), IndexMask([0, 1, 0, 0, 1])), (5,)),
    Case("affine, channels", lambda: AffineCoupling(conv(2, 3)), (5, 2, 3)),
    Case("affine, channels, vector context", lambda: AffineCoupling(conv(2, 2, 3)), (4, 2, 3), context=(3,)),
    Case("affine, channels, image context", lambda: AffineCoupling(conv(2, 2, 1)), (4, 2, 4), context=(1, 4, 2)),
    Case("affine, checkerboard", lambda: AffineCoupling(conv(4, 4), Checkerboard()), (2, 2, 4)),
    Case("affine, checkerboard flipped", lambda: AffineCoupling(conv(2, 2), Checkerboard().flipped()), (1, 4, 2)),
    Case("additive, odd D", lambda: AdditiveCoupling(MLP(2, 3, (8,))), (5,)),
    Case("additive, context", lambda: AdditiveCoupling(MLP(2, 2, (8,), 3)), (4,), context=(3,)),
    Case("additive, channels", lambda: AdditiveCoupling(ConvNet(1, 2, 6)), (3, 2, 2)),
    Case("stack of couplings", lambda: CouplingStack(two_couplings()), (5,)),
    Case("stack of three couplings", lambda: CouplingStack([*two_couplings(), two_couplings()[0]]), (5,)),
    Case("stack of couplings, context", lambda: CouplingStack(two_couplings(3)), (5,), context=(3,)),
    Case(
        "stack of additive and affine",
        lambda: CouplingStack([AdditiveCoupling(MLP(2, 2, (8,))), AffineCoupling(mlp(2, 2), Halves().flipped())]),
        (4,),
    ),
    Case("stack, checkerboard", lambda: CouplingStack([AffineCoupling(conv(2, 2), Checkerboard())] * 1), (1, 4, 4)),
    Case("injector", lambda: AffineInjector(MLP(3, 2 * 4, (8,))), (4,), context=(3,)),
    Case("injector, images", lambda: AffineInjector(ConvNet(2, 2 * 3, 6)), (3, 2, 4), context=(2, 2, 4)),
    Case("injector of a guess", lambda: AffineInjector(Guess(MLP(2, 4, (8,)))), (4,), context=(2,)),
    Case("injector of an enlarged image", lambda: AffineInjector(Guess(Enlarge(2, 2))), (2, 2, 4), context=(2, 1, 2)),
    Case("encoded context", lambda: Encoded(MLP(2, 3, (8,)), Sequential(*two_couplings(3))), (5,), context=(2,)),
    Case("encoded context, images", injected, (2, 4, 6), context=(1, 2, 3)),
    Case("layer by layer", layer_by_layer, (5,), context=(3,)),
    Case("actnorm, vectors", lambda: ActNorm(4), (4,)),
    Case("actnorm, images, H != W", lambda: ActNorm(3), (3, 2, 3)),
    Case("actnorm, points", lambda: ActNorm(3), (3, 7)),
    Case("LU, vectors", lambda: LULinear(5), (5,)),
    Case("LU, 1x1 convolution, H != W", lambda: LULinear(3), (3, 2, 4)),
    Case("LU, points", lambda: LULinear(3), (3, 5)),
    Case("diagonal scaling", lambda: DiagonalScaling(4), (4,)),
    Case("squeeze", lambda: Squeeze(), (2, 4, 2), identity=True),
    Case("flatten", lambda: Flatten((2, 3, 1)), (2, 3, 1), identity=True),
    Case("split", lambda: Split(Sequential(LULinear(2), Flatten((2, 2, 1))), (5, 2, 1)), (5, 2, 1)),
    Case("split, vectors", lambda: Split(LULinear(2), (5,)), (5,)),
    Case("logit", lambda: Logit(), (3, 2), unit_interval=True),
    Case("inverse of a coupling", lambda: Inverse(AffineCoupling(mlp(2, 3))), (5,)),
    Case("inverse of an inverse", lambda: Inverse(Inverse(LULinear(4))), (4,)),
    Case("sequential", lambda: Sequential(LULinear(5), ActNorm(5), *two_couplings()), (5,)),
    Case("sequential, context", lambda: Sequential(*two_couplings(2), LULinear(5)), (5,), context=(2,)),
    Case("sequential of one", lambda: Sequential(LULinear(4)), (4,)),
    Case("sequential of none", lambda: Sequential(), (4,), identity=True),
    Case("sequential in sequential", lambda: Sequential(Sequential(LULinear(4)), ActNorm(4)), (4,)),
    Case("reversible", lambda: Reversible(LULinear(5), ActNorm(5), *two_couplings()), (5,)),
    Case("reversible, context", lambda: Reversible(CouplingStack(two_couplings(2))), (5,), context=(2,)),
    Case("multi-scale", multi_scale, (1, 4, 4)),
    Case("NICE", lambda: models.nice((1, 3, 3), 3, hidden=(8,)).bijection, (1, 3, 3)),
    Case("NICE, context", lambda: models.nice(4, 2, hidden=(8,), context_features=3).bijection, (4,), context=(3,)),
    Case("RealNVP for images", lambda: models.realnvp_images((1, 4, 8), 2, couplings=1, hidden=6).bijection, (1, 4, 8)),
    Case(
        "RealNVP for images, context",
        lambda: models.realnvp_images((3, 2, 4), 1, 1, 4, 2).bijection,
        (3, 2, 4),
        context=(2,),
    ),
    Case("Glow", lambda: models.glow((1, 8, 4), levels=2, steps=1, hidden=6).bijection, (1, 8, 4)),
    Case(
        "Glow, class context",
        lambda: models.glow((3, 4, 4), 1, 1, 4, context_features=2).bijection,
        (3, 4, 4),
        context=(2,),
    ),
    Case(
        "Glow, image context",
        lambda: models.glow((1, 4, 4), 2, 1, 4, context_features=3).bijection,
        (1, 4, 4),
        context=(3, 8, 8),
    ),
    Case("SRFlow", srflow, (1, 8, 4), context=(1, 4, 2)),
    Case("continuous", lambda: ContinuousFlow(MLPField(3, (8,)), RK4(16)), (3,), tolerance=1e-5),
    Case("continuous, context", lambda: ContinuousFlow(MLPField(2, (8,), 3), RK4(16)), (2,), (3,), tolerance=1e-5),
    Case("continuous, Dopri5", lambda: ContinuousFlow(MLPField(2, (8,)), Dopri5(1e-8, 1e-8)), (2,), tolerance=1e-5),
    Case("continuous, images", lambda: ContinuousFlow(ConvField(2, 3), RK4(16)), (2, 1, 2), tolerance=1e-5),
    Case(
        "continuous, images, context",
        lambda: ContinuousFlow(ConvField(1, 3, 2), RK4(16)),
        (1, 1, 3),
        (2,),
        tolerance=1e-5,
    ),
    Case(
        "continuous, images, image context",
        lambda: ContinuousFlow(ConvField(1, 3, 2), RK4(16)),
        (1, 1, 2),
        (2, 2, 4),
        tolerance=1e-5,
    ),
    Case("continuous, points", lambda: ContinuousFlow(PointField(2, 4, 2), RK4(16)), (2, 2), (2,), tolerance=1e-5),
]
