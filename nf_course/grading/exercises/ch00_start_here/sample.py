"""00.sample: from noise to data. Many answers are right, so the samples are judged by the latents they came from."""

import torch
from torch import Tensor

from nf_course.grading.exercise import Case, Exercise, Finding, Mistake

TASK = r"""
To sample from a flow, draw latents from the base and decode them:

$$z_n \sim \mathcal N(0, I_D), \qquad x_n = \mathtt{decode}(z_n), \qquad n = 1, \dots, N$$

`decode(z)` takes latents of shape `(n, D)` and returns the pair `(x, ladj)`, as every flow of this course does.
Return the samples `x` alone, of shape `(n, D)`. Draw with the `generator` that you are given, so that the same
seed gives the same samples.
"""

HINTS = (
    "Two steps: noise first, then the decoder. The decoder answers with two things, and only the first is wanted.",
    "Standard normal numbers come from torch.randn, not from torch.rand, and torch.randn takes generator=generator.",
    "z = torch.randn(n, D, generator=generator); then x, ladj = decode(z), and x is the answer.",
)

ROWS = 1500  # enough that each mean is known to 0.03, each variance to 0.04


def sample(decode, n, D, generator):
    z = torch.randn(n, D, generator=generator)
    x, _ = decode(z)
    return x


def cases(draw):
    from nf_course.grading.parts import Decoder

    made = []
    for n, d in ((ROWS, 2), (1, 3), (ROWS, 5)):
        decode = Decoder("decode", draw.matrix(d).cpu(), (draw.normal(d) + 1.5).cpu())
        made.append(Case((decode, n, d, torch.Generator("cpu").manual_seed(draw.integer(0, 2**31)))))
    return made


def judge(case, value):
    """Take the samples back to their latents, and look whether those are n different standard normal vectors."""
    decode, n, d, _ = case.args
    if isinstance(value, (tuple, list)) and len(value) == 2 and isinstance(value[0], Tensor):
        return _found("pair", "x alone, a tensor", "the pair (x, ladj)")
    if not isinstance(value, Tensor):
        return Finding("type", "a torch.Tensor", f"a {type(value).__name__}")
    if not value.is_floating_point():
        return Finding("dtype", "floating-point samples", str(value.dtype))
    x = value.detach().cpu().double()
    if x.shape != (n, d):
        name = {(d, n): "transposed", (n,): "ladj"}.get(tuple(x.shape))
        return _found(name, f"shape ({n}, {d})", f"shape {tuple(x.shape)}", "shape")
    if not torch.isfinite(x).all():
        return Finding("finite", "finite samples", "NaN or infinity among them")
    if n < ROWS:
        return None  # one row says nothing about a distribution
    z = decode.latents(x)
    different = len(torch.unique(x, dim=0))
    if different < 0.9 * n or (different < n and _normal(z)):  # a few equal ones come of noise that was cut off
        return _found("repeated", f"{n} different samples", f"{different} different ones")
    if _normal(z):
        return None
    return _found(_why(decode, x), "standard normal latents: mean 0, variance 1, 2.8 % beyond 2.2", _moments(z))


def _normal(z: Tensor) -> bool:
    """Means, covariances, fourth moments and tails within six standard errors of the standard normal's."""
    n, d = z.shape
    error = n**-0.5
    close = (z.mean(0).abs() < 6 * error).all() and (
        (z.T @ z / n - torch.eye(d, device="cpu")).abs() < 6 * 2**0.5 * error
    ).all()
    fourth = ((z**4).mean(0).sub(3).abs() < 6 * 96**0.5 * error).all()
    # the fourth moment alone would let a uniform of variance 1 pass, and noise that was cut off
    beyond = ((z.abs() > 2.2).double().mean(0).sub(0.0278).abs() < 6 * 0.1644 * error).all()
    return bool(close and fourth and beyond)


def _why(decode, x: Tensor) -> str | None:
    z = decode.latents(x)
    if _normal(x):
        return "not_decoded"
    if (((z - z.mean(0)) / z.std(0)) ** 4).mean(0).sub(1.8).abs().max() < 0.25 and z.abs().max() < 2:
        return "uniform"
    if z.abs().max() < 3 and _repeats(z):
        return "cut_off"
    if torch.corrcoef(z.T).min() > 0.99:
        return "shared"
    if _normal(decode.latents(decode.latents(x))):
        return "decoded_twice"
    return None


def _repeats(z: Tensor) -> bool:
    """Many latents at the very same largest value, as clamp leaves them."""
    return bool((z.max() - z < 1e-4).sum() > 10)


def _moments(z: Tensor) -> str:
    return f"mean {z.mean():.2g}, variance {z.var():.2g}, {100 * (z.abs() > 2.2).double().mean():.2g} % beyond 2.2"


def _found(name: str | None, expected: str, got: str, test: str = "value") -> Finding:
    likely = next((mistake.message for mistake in MISTAKES if mistake.name == name), "")
    return Finding(test, expected, got, likely=likely, mistake=name)


def generator_decides(ask, draw):
    """The same seed gives the same samples; another seed gives others."""
    decode, n, d, _ = cases(draw)[1].args
    first, again, other = (ask(decode, n, d, torch.Generator("cpu").manual_seed(seed)) for seed in (1, 1, 2))
    if not torch.equal(first, again) or torch.equal(first, other):
        got = "different ones" if not torch.equal(first, again) else "the same samples for another seed as well"
        return _found("generator", "the same samples for the same generator seed", got, "property")
    return None


MISTAKES = (
    Mistake("pair", "decode returns the pair (x, ladj): take x out of it"),
    Mistake("ladj", "this is ladj, the second thing that decode returns: take the first, x"),
    Mistake("not_decoded", "these are the latents z: they have not been through decode"),
    Mistake("uniform", "the noise is uniform (torch.rand); the base is the normal distribution (torch.randn)"),
    Mistake("cut_off", "the noise is cut off: the normal distribution has tails, so no clamp"),
    Mistake("repeated", "one latent was decoded many times: draw n of them"),
    Mistake("shared", "all features of a latent are the same number: draw n times D of them"),
    Mistake("transposed", "the shape is the wrong way round: samples are rows, features are columns"),
    Mistake("decoded_twice", "decoded twice: once is enough"),
    Mistake("generator", "the generator is not what decides the samples: pass generator=generator to torch.randn"),
)

EXERCISE = Exercise(
    id="00.sample",
    title="Sample from a flow",
    level="core",
    minutes=10,
    points=2,
    anchor="sec-00-sampling",
    task=TASK,
    hints=HINTS,
    references=(sample,),
    returns=("x (n, D)",),
    cases=cases,
    mistakes=MISTAKES,
    judge=judge,
    independent=generator_decides,
)
