"""01.lognormal: the change of variables in one dimension, with the map exp."""

import math

import torch

from nf_course.grading.exercise import Case, Exercise, Finding, Mistake

TASK = r"""
Let $z \sim \mathcal N(\mu, \sigma^2)$ and $x = e^z$. Then $x > 0$ has the log-normal density. With $z = \log x$ the
change of variables gives

$$\log p_X(x) = \log \mathcal N(\log x;\, \mu, \sigma^2) + \log \left| \frac{dz}{dx} \right|$$

Write it. `x` has shape `(N,)` and is positive, `mu` and `sigma` are tensors without dimensions, the result has shape
`(N,)`. Gradients must flow to `mu` and `sigma` as well as to `x`, so take their logarithms with `torch.log`, not with
`math.log`. Write the formula out: it is four terms long.
"""

HINTS = (
    "Go from x back to z first: z = log x. Then take the normal log-density at z, and the slope of the map that "
    "took you there.",
    "The slope is dz/dx = 1/x, so its logarithm is -log x. The normal's own constant has a log sigma in it.",
    "With z = log x and u = (z - mu) / sigma the four terms are -u^2/2, -log sigma, -log(2 pi)/2 and -log x.",
)

_HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)


def lognormal_log_prob(x, mu, sigma):
    z = torch.log(x)
    u = (z - mu) / sigma
    return -0.5 * u**2 - torch.log(sigma) - 0.5 * math.log(2 * math.pi) - z


def cases(draw):
    made = []
    for n in (7, 1, 12):
        mu, sigma = draw.uniform(-1.5, 1.5), draw.uniform(0.3, 0.8)
        made.append(Case((torch.exp(mu + sigma * draw.normal(n)), mu, sigma)))
    return made


def mass_is_one(ask, draw):
    """The density integrates to one over x > 0, on a grid that is fine where x is small."""
    mu, sigma = draw.uniform(-0.5, 0.5), draw.uniform(0.4, 0.8)
    x = torch.exp(mu + sigma * torch.linspace(-9, 9, 4001, dtype=torch.float64, device=draw.device))
    mass = torch.trapezoid(torch.exp(ask(x, mu, sigma)), x).item()
    if abs(mass - 1) > 1e-4:
        return Finding("property", "a total mass of 1", f"{mass:.4g}", likely="exp of it is not a density")
    return None


def _normal(z, mu, sigma):
    return -0.5 * ((z - mu) / sigma) ** 2 - torch.log(sigma) - _HALF_LOG_2PI


def _no_half(x, mu, sigma):
    return lognormal_log_prob(x, mu, sigma) - 0.5 * ((torch.log(x) - mu) / sigma) ** 2


def _variance(x, mu, sigma):
    """sigma taken for the variance."""
    return lognormal_log_prob(x, mu, torch.sqrt(sigma))


def _log10(x, mu, sigma):
    return _normal(torch.log10(x), mu, sigma) - torch.log10(x)


def _log10_of_sigma(x, mu, sigma):
    return _log10(x, mu, sigma) + torch.log(sigma) - torch.log10(sigma)


MISTAKES = (
    Mistake(
        "no_slope",
        "the slope of the map is missing: add log|dz/dx| = -log x",
        lambda x, mu, sigma: _normal(torch.log(x), mu, sigma),
    ),
    Mistake(
        "slope_sign",
        "the sign of the slope: log|dz/dx| = -log x; +log x is log|dx/dz|, the other direction",
        lambda x, mu, sigma: _normal(torch.log(x), mu, sigma) + torch.log(x),
    ),
    Mistake(
        "slope_not_log",
        "the slope itself is added: its logarithm belongs there, log(1/x) = -log x",
        lambda x, mu, sigma: _normal(torch.log(x), mu, sigma) + 1 / x,
    ),
    Mistake(
        "minus_reciprocal",
        "the logarithm of the slope 1/x is -log x, not -1/x",
        lambda x, mu, sigma: _normal(torch.log(x), mu, sigma) - 1 / x,
    ),
    Mistake(
        "base_at_x",
        "the base density is taken at x: it belongs at z = log x",
        lambda x, mu, sigma: _normal(x, mu, sigma) - torch.log(x),
    ),
    Mistake(
        "exp",
        "the map is turned round: z = log x, not exp(x)",
        lambda x, mu, sigma: _normal(torch.exp(x), mu, sigma) + x,
    ),
    Mistake(
        "no_log_sigma",
        "the -log sigma of the normal density is missing",
        lambda x, mu, sigma: lognormal_log_prob(x, mu, sigma) + torch.log(sigma),
    ),
    Mistake(
        "log_sigma_sign",
        "the sign of log sigma: a wider normal is lower, so it is subtracted",
        lambda x, mu, sigma: lognormal_log_prob(x, mu, sigma) + 2 * torch.log(sigma),
    ),
    Mistake(
        "sigma_not_log",
        "sigma itself is subtracted: its logarithm belongs there, -log sigma",
        lambda x, mu, sigma: lognormal_log_prob(x, mu, sigma) + torch.log(sigma) - sigma,
    ),
    Mistake(
        "square_sign",
        "the sign of the square: it is -u^2/2, for the density falls away from mu",
        lambda x, mu, sigma: lognormal_log_prob(x, mu, sigma) + ((torch.log(x) - mu) / sigma) ** 2,
    ),
    Mistake("no_half", "the factor 1/2 in front of the square: it is -u^2/2, not -u^2", _no_half),
    Mistake(
        "no_constant",
        "the constant -log(2 pi)/2 of the normal density is missing",
        lambda x, mu, sigma: lognormal_log_prob(x, mu, sigma) + _HALF_LOG_2PI,
    ),
    Mistake(
        "constant_no_half",
        "the constant: it is -log(2 pi)/2, with the factor 1/2",
        lambda x, mu, sigma: lognormal_log_prob(x, mu, sigma) - _HALF_LOG_2PI,
    ),
    Mistake("variance", "sigma is the standard deviation: it is squared in the variance", _variance),
    Mistake(
        "sigma_squared",
        "sigma^2 stands where sigma belongs: torch's Normal(mu, sigma) takes the standard deviation",
        lambda x, mu, sigma: lognormal_log_prob(x, mu, sigma**2),
    ),
    *(
        Mistake("log10", "the logarithm to base 10: the inverse of exp is torch.log, to base e", answer)
        for answer in (
            _log10,
            _log10_of_sigma,
            lambda x, mu, sigma: _normal(torch.log10(x), mu, sigma) - torch.log(x),
            lambda x, mu, sigma: _normal(torch.log(x), mu, sigma) - torch.log10(x),
        )
    ),
    Mistake(
        "not_log",
        "the density itself: the exercise asks for its logarithm",
        lambda x, mu, sigma: lognormal_log_prob(x, mu, sigma).exp(),
    ),
)

EXERCISE = Exercise(
    id="01.lognormal",
    title="The log-normal density",
    level="core",
    minutes=10,
    points=2,
    anchor="sec-01-one-dim",
    task=TASK,
    hints=HINTS,
    references=(lognormal_log_prob,),
    returns=("log_prob (N,)",),
    cases=cases,
    mistakes=MISTAKES,
    independent=mass_is_one,
    gradient=("x", "mu", "sigma"),
)
