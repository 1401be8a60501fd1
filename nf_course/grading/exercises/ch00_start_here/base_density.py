"""00.setup: the log-density of the base, which also shows that torch and the course are installed."""

import math

import torch

from nf_course.grading.exercise import Case, Exercise, Finding, Mistake

TASK = r"""
Every flow starts from a base whose density is known in closed form. Write the log-density of the standard normal in
$D$ dimensions, one number for each row of `z`:

$$\log p_Z(z) = -\tfrac12 \sum_{d=1}^{D} z_d^2 - \tfrac{D}{2} \log 2\pi$$

`z` has shape `(N, D)`, the result has shape `(N,)`. If the check answers with a point, your machine is ready for the
course.
"""

HINTS = (
    "The batch is dim 0 and stays; the features are dim 1 and are summed over.",
    "The constant belongs to each feature, so a row of D features has D of them: D/2 times log(2 pi). "
    "The size of the last dimension is z.shape[1].",
    "Two terms: -0.5 * z.square().sum(dim=1), and -0.5 * D * math.log(2 * math.pi). Add them.",
)


def standard_normal_log_prob(z):
    D = z.shape[1]
    return -0.5 * z.square().sum(dim=1) - 0.5 * D * math.log(2 * math.pi)


def cases(draw):
    return [Case((scale * draw.normal(n, d),)) for n, d, scale in ((6, 2, 1.0), (1, 3, 1.0), (5, 7, 3.0))]


def mass_is_one(ask, draw):
    """The density in one dimension integrates to one; in D dimensions exp(log p(0)) is (2 pi)^(-D/2)."""
    grid = torch.linspace(-12, 12, 2001, dtype=torch.float64, device=draw.device)
    mass = torch.trapezoid(torch.exp(ask(grid[:, None])), grid).item()
    if abs(mass - 1) > 1e-5:
        return Finding("property", "a total mass of 1 for D = 1", f"{mass:.4g}", likely="exp of it is not a density")
    return None


def _constant_once(z):
    return -0.5 * z.square().sum(dim=1) - 0.5 * math.log(2 * math.pi)


def _no_constant(z):
    return -0.5 * z.square().sum(dim=1)


def _no_half(z):
    return -z.square().sum(dim=1) - 0.5 * z.shape[1] * math.log(2 * math.pi)


MISTAKES = (
    Mistake("no_half", "the factor 1/2 in front of the squares: it is -z^2/2, not -z^2", _no_half),
    Mistake(
        "constant_once",
        "the constant: log(2 pi)/2 is there once for each of the D features, not once for the row",
        _constant_once,
    ),
    Mistake(
        "constant_no_half",
        "the constant: it is -D/2 log(2 pi), with the factor 1/2",
        lambda z: _no_constant(z) - z.shape[1] * math.log(2 * math.pi),
    ),
    Mistake(
        "constant_sign",
        "the sign of the constant: -D/2 log(2 pi) is added, a minus like that of the squares",
        lambda z: _no_constant(z) + 0.5 * z.shape[1] * math.log(2 * math.pi),
    ),
    Mistake(
        "rows_for_features",
        "D is the number of features, z.shape[1]; z.shape[0] is the number of rows",
        lambda z: _no_constant(z) - 0.5 * z.shape[0] * math.log(2 * math.pi),
    ),
    Mistake(
        "square_of_sum",
        "the sum is squared: square each feature, then sum",
        lambda z: -0.5 * z.sum(dim=1).square() - 0.5 * z.shape[1] * math.log(2 * math.pi),
    ),
    Mistake("no_constant", "the constant -D/2 log(2 pi) is missing: without it the mass is not 1", _no_constant),
    Mistake("sign", "the sign: a log-density falls as z moves away from 0", lambda z: -standard_normal_log_prob(z)),
    Mistake(
        "mean",
        "a mean over the features where the sum belongs: independent log-densities add",
        lambda z: standard_normal_log_prob(z) / z.shape[1],
    ),
    Mistake(
        "per_feature",
        "the sum over the features (dim 1) is missing: one number for each row, not for each entry",
        lambda z: -0.5 * z.square() - 0.5 * math.log(2 * math.pi),
    ),
    Mistake(
        "whole_batch",
        "the sum runs over the batch as well: sum over dim 1 only",
        lambda z: standard_normal_log_prob(z).sum(),
    ),
    Mistake(
        "not_log",
        "the density itself: the exercise asks for its logarithm",
        lambda z: standard_normal_log_prob(z).exp(),
    ),
)

EXERCISE = Exercise(
    id="00.setup",
    title="Set-up check: the density of the base",
    level="warm-up",
    minutes=5,
    points=1,
    anchor="sec-00-base-density",
    task=TASK,
    hints=HINTS,
    references=(standard_normal_log_prob,),
    returns=("log_prob (N,)",),
    cases=cases,
    mistakes=MISTAKES,
    independent=mass_is_one,
    gradient=("z",),
)
