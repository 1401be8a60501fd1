"""04.logistic: the log-density of the logistic base, for latents of any size."""

import math

import torch
import torch.nn.functional as F

from nf_course.grading.exercise import Case, Exercise, Finding, Mistake

TASK = r"""
The standard logistic variable has the sigmoid for its distribution function, so its density is
$p(z) = \sigma'(z) = \sigma(z)\,\sigma(-z)$. For $D$ independent ones

$$\log p(z) = -\sum_{i=1}^{D} \Bigl[ \log\bigl(1 + e^{z_i}\bigr) + \log\bigl(1 + e^{-z_i}\bigr) \Bigr]$$

Write it. `z` has shape `(N, D)`, the result `(N,)`. It has to be right for *every* `z`: the check goes out to
$\pm 2000$, where $e^{2000}$ is infinity in floating point, while $\log p(z)$ is a harmless number near $-2000$.
"""

HINTS = (
    "Far out on the right log(1 + e^z) is z, far out on the left it is 0. Only the computer's way through e^z fails.",
    "torch.nn.functional.softplus(z) is log(1 + e^z), and logsigmoid(z) = -softplus(-z); both are safe for every z. "
    "By hand: the density is even, so |z| may stand for z.",
    "log p = logsigmoid(z) + logsigmoid(-z) for each number, summed over dim 1. "
    "Or -|z| - 2 log1p(exp(-|z|)), the same thing.",
)


def logistic_log_prob(z):
    return -(F.softplus(z) + F.softplus(-z)).sum(dim=1)


def cases(draw):
    ordinary = [Case((scale * draw.normal(n, d),)) for n, d, scale in ((7, 3, 2.0), (1, 5, 3.0), (12, 1, 4.0))]
    far = draw.normal(6, 4)
    far[1, 0], far[2, 3], far[3, 1], far[4, 0], far[5, 2] = 45.0, -60.0, 800.0, -900.0, 2000.0
    far[5, 0] = -2000.0
    return [*ordinary, Case((far,))]


def mass_and_quantiles(ask, draw):
    """In one dimension: the mass is one, and up to t it is sigmoid(t)."""
    z = torch.linspace(-40, 40, 20_001, dtype=torch.float64, device=draw.device)[:, None]
    density = ask(z).exp()
    mass = torch.trapezoid(density, z[:, 0]).item()
    if abs(mass - 1) > 1e-4:
        return Finding("property", "a total mass of 1", f"{mass:.4g}", likely="exp of it is not a density")
    t = draw.uniform(-2.0, 2.0).item()
    below = torch.trapezoid(density * (z[:, 0] <= t), z[:, 0]).item()
    want = 1 / (1 + math.exp(-t))
    if abs(below - want) > 5e-3:
        return Finding("property", f"{want:.3f} of the mass below {t:.2f}, the sigmoid", f"{below:.3f}")
    return None


def _right(z):
    """One number for each entry."""
    return -(F.softplus(z) + F.softplus(-z))


def _floor(epsilon):
    return lambda z: torch.log(torch.sigmoid(z) * torch.sigmoid(-z) + epsilon).sum(1)


def _each_floor(epsilon):
    return lambda z: (torch.log(torch.sigmoid(z) + epsilon) + torch.log(torch.sigmoid(-z) + epsilon)).sum(1)


_OVERFLOW = (
    "the formula is right and its numbers are not: e^z overflows or sigmoid rounds to 0 far out; use softplus, "
    "logsigmoid or |z|"
)
_CLAMPED = "a small number is added, or z is clamped: far out the density is then far too high"
_ONE = "this is one of two factors: p = sigmoid(z) sigmoid(-z), so both logarithms are needed"
_SIGMAS = math.pi / math.sqrt(3)

MISTAKES = (
    *(
        Mistake("overflow", _OVERFLOW, answer)
        for answer in (
            lambda z: (-z - 2 * torch.log(1 + torch.exp(-z))).sum(1),
            lambda z: (-z - 2 * torch.log1p(torch.exp(-z))).sum(1),
            lambda z: (z - 2 * torch.log(1 + torch.exp(z))).sum(1),
            lambda z: -(torch.log(1 + torch.exp(z)) + torch.log(1 + torch.exp(-z))).sum(1),
            lambda z: -(torch.log1p(torch.exp(z)) + torch.log1p(torch.exp(-z))).sum(1),
            lambda z: (torch.log(torch.sigmoid(z)) + torch.log(torch.sigmoid(-z))).sum(1),
            lambda z: (torch.log(torch.sigmoid(z)) + torch.log(1 - torch.sigmoid(z))).sum(1),
            lambda z: torch.log(torch.sigmoid(z) * (1 - torch.sigmoid(z))).sum(1),
            lambda z: torch.log(torch.sigmoid(z) * torch.sigmoid(-z)).sum(1),
            lambda z: torch.log(torch.exp(-z) / (1 + torch.exp(-z)) ** 2).sum(1),
            lambda z: torch.log(torch.exp(z) / (1 + torch.exp(z)) ** 2).sum(1),
            lambda z: -2 * torch.log(2 * torch.cosh(z / 2)).sum(1),
            lambda z: torch.log((torch.sigmoid(z) * torch.sigmoid(-z)).prod(1)),
        )
    ),
    *(Mistake("clamped", _CLAMPED, _floor(epsilon)) for epsilon in (1e-12, 1e-10, 1e-9, 1e-8, 1e-7, 1e-6)),
    *(Mistake("clamped", _CLAMPED, _each_floor(epsilon)) for epsilon in (1e-12, 1e-10, 1e-9, 1e-8, 1e-7, 1e-6)),
    *(
        Mistake("clamped", _CLAMPED, lambda z, most=most: _right(z.clamp(-most, most)).sum(1))
        for most in (10, 20, 30, 50, 80, 88, 100, 500, 700)
    ),
    Mistake("one_factor", _ONE, lambda z: F.logsigmoid(z).sum(1)),
    Mistake("one_factor", _ONE, lambda z: F.logsigmoid(-z).sum(1)),
    Mistake(
        "no_two",
        "the factor 2: log p = -z - 2 log(1 + e^-z), since the denominator of the density is squared",
        lambda z: (-z.abs() - torch.log1p(torch.exp(-z.abs()))).sum(1),
    ),
    Mistake(
        "squared",
        "the same factor twice: one has z, the other -z",
        lambda z: 2 * F.logsigmoid(z).sum(1),
    ),
    Mistake(
        "abs_half",
        "|z| in one place and z in the other: -|z| - 2 log(1 + e^-|z|), the same in both",
        lambda z: (-z - 2 * torch.log1p(torch.exp(-z.abs()))).sum(1),
    ),
    Mistake("sign", "the sign: a density below one has a negative logarithm", lambda z: -_right(z).sum(1)),
    Mistake("not_log", "the density itself: its logarithm is asked for", lambda z: _right(z).sum(1).exp()),
    Mistake("not_log", "the density itself: its logarithm is asked for", lambda z: _right(z).exp().sum(1)),
    Mistake("not_log", "the density itself: its logarithm is asked for", lambda z: _right(z).exp().prod(1)),
    Mistake("cdf", "this is the sigmoid, the distribution function: the density is its derivative", torch.sigmoid),
    Mistake(
        "per_feature",
        "the sum over the features (dim 1) is missing: independent variables multiply, their logarithms add",
        _right,
    ),
    Mistake("mean", "a mean over the features where the sum belongs", lambda z: _right(z).mean(1)),
    Mistake("whole_batch", "the sum runs over the batch as well: one number for each row", lambda z: _right(z).sum()),
    Mistake("over_batch", "the sum runs over the batch (dim 0): sum over the features", lambda z: _right(z).sum(0)),
    Mistake(
        "normal",
        "this is the normal base: the logistic one falls like exp(-|z|)",
        lambda z: (-0.5 * z.square() - 0.5 * math.log(2 * math.pi)).sum(1),
    ),
    Mistake(
        "unit_deviation",
        "scaled to a deviation of one: the standard logistic has the deviation pi / sqrt(3)",
        lambda z: (_right(_SIGMAS * z) + math.log(_SIGMAS)).sum(1),
    ),
    Mistake(
        "laplace",
        "only the tails are there: -|z| lacks the 2 log(1 + e^-|z|) that rounds the peak",
        lambda z: -z.abs().sum(1),
    ),
)

EXERCISE = Exercise(
    id="04.logistic",
    title="The logistic base, however far out",
    level="core",
    minutes=10,
    points=2,
    anchor="sec-04-logistic",
    task=TASK,
    hints=HINTS,
    references=(logistic_log_prob,),
    returns=("log_prob (N,)",),
    cases=cases,
    mistakes=MISTAKES,
    independent=mass_and_quantiles,
    gradient=("z",),
)
