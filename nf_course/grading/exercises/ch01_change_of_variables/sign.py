"""01.sign: find the missing sign, when the log-determinant was computed on the way from latent to data."""

import math

import torch

from nf_course.grading.exercise import Case, Exercise, Finding, Mistake

TASK = r"""
Somebody has sampled `z` from the standard normal, decoded it to `x`, and kept the log-determinant *of that
direction*,

$$\mathtt{ladj\_decode} = \log \left| \det \frac{\partial x}{\partial z} \right|, \qquad \text{shape } (N,)$$

and computes the density of the samples $x$ like this:

```python
def log_prob_from_decode(z, ladj_decode):
    log_base = -0.5 * (z.square() + math.log(2 * math.pi)).sum(dim=1)
    return log_base + ladj_decode
```

The samples are right and the densities are wrong. Write the function correctly: `z` has shape `(N, D)`, the result is
$\log p_X(x)$, of shape `(N,)`.
"""

HINTS = (
    "Think of one dimension and of a map that stretches: x = 10 z. Is the density of x higher or lower than that of z?",
    "The formula has log|det dz/dx|. You have log|det dx/dz|. The two matrices are inverses of each other.",
    "The determinant of an inverse is one over the determinant, so its logarithm changes its sign: subtract.",
)


def log_prob_from_decode(z, ladj_decode):
    log_base = -0.5 * (z.square() + math.log(2 * math.pi)).sum(dim=1)
    return log_base - ladj_decode


def cases(draw):
    def made(n, d):  # log-determinants of both signs, whatever the seed
        return Case((draw.normal(n, d), draw.signs(n) * draw.uniform(0.5, 3.0, n)))

    return [made(n, d) for n, d in ((6, 2), (1, 3), (8, 5))]


def mass_is_one(ask, draw):
    """For x = sinh(a z) in one dimension the density integrates to one over x."""
    a = draw.uniform(0.4, 0.9)
    z = torch.linspace(-9, 9, 4001, dtype=torch.float64, device=draw.device)
    x, ladj = torch.sinh(a * z), torch.log(a * torch.cosh(a * z))
    mass = torch.trapezoid(torch.exp(ask(z[:, None], ladj)), x).item()
    if abs(mass - 1) > 1e-4:
        return Finding(
            "property", "a total mass of 1 for x = sinh(a z)", f"{mass:.4g}", likely="exp of it is no density"
        )
    return None


def _base(z):
    return -0.5 * (z.square() + math.log(2 * math.pi)).sum(dim=1)


def _in_each_feature(z, ladj_decode):
    terms = -0.5 * (z.square() + math.log(2 * math.pi))
    return (terms - ladj_decode[:, None]).sum(dim=1)


_BROADCAST = (
    "(N, 1) meets (N,), and every row meets every other one: (N, N). Leave out keepdim=True, unsqueeze or [:, None]"
)


MISTAKES = (
    Mistake(
        "sign",
        "the sign is still there: log|det dz/dx| = -log|det dx/dz|, so the decode log-det is subtracted",
        lambda z, ladj_decode: _base(z) + ladj_decode,
    ),
    Mistake(
        "no_ladj",
        "the density of z, not of x: the log-det must enter",
        lambda z, ladj_decode: _base(z),
    ),
    Mistake(
        "in_each_feature",
        "the log-det is counted once in each feature: it belongs to the whole row, so subtract it after the sum",
        _in_each_feature,
    ),
    Mistake(
        "both_negated",
        "the whole expression is negated: only the log-det changes its sign",
        lambda z, ladj_decode: -_base(z) - ladj_decode,
    ),
    Mistake(
        "negative",
        "this is the negative log-likelihood: the exercise asks for the log-density",
        lambda z, ladj_decode: -_base(z) + ladj_decode,
    ),
    Mistake(
        "no_half",
        "the factor 1/2 in front of the squares: it is -z^2/2, not -z^2",
        lambda z, ladj_decode: _base(z) - 0.5 * z.square().sum(dim=1) - ladj_decode,
    ),
    Mistake(
        "no_constant",
        "the constant -D/2 log(2 pi) of the base is missing",
        lambda z, ladj_decode: -0.5 * z.square().sum(dim=1) - ladj_decode,
    ),
    Mistake(
        "constant_once",
        "the constant -log(2 pi)/2 comes once for each of the D features, not once for a row",
        lambda z, ladj_decode: -0.5 * z.square().sum(dim=1) - 0.5 * math.log(2 * math.pi) - ladj_decode,
    ),
    Mistake(
        "mean_ladj",
        "each row has its own log-det: do not average it over the batch",
        lambda z, ladj_decode: _base(z) - ladj_decode.mean(),
    ),
    Mistake(
        "sum_ladj",
        "each row has its own log-det: it has shape (N,) already, do not sum it over the batch",
        lambda z, ladj_decode: _base(z) - ladj_decode.sum(),
    ),
    *(
        Mistake("keepdim", _BROADCAST, answer)
        for answer in (
            lambda z, ladj_decode: _base(z)[:, None] - ladj_decode,
            lambda z, ladj_decode: _base(z)[:, None] + ladj_decode,
            lambda z, ladj_decode: _base(z) - ladj_decode[:, None],
        )
    ),
    *(
        Mistake("exp_ladj", "exp of the log-det: a log-density takes the logarithm as it is", answer)
        for answer in (
            lambda z, ladj_decode: _base(z) - torch.exp(ladj_decode),
            lambda z, ladj_decode: _base(z) + torch.exp(-ladj_decode),
        )
    ),
    Mistake(
        "twice",
        "the log-det is subtracted twice: once is enough",
        lambda z, ladj_decode: _base(z) - 2 * ladj_decode,
    ),
    Mistake(
        "over_d",
        "the log-det is divided by D: it belongs to the whole row already",
        lambda z, ladj_decode: _base(z) - ladj_decode / z.shape[1],
    ),
    Mistake(
        "abs",
        "the absolute value stands inside the logarithm already: log|det| may be negative, and is subtracted as it is",
        lambda z, ladj_decode: _base(z) - ladj_decode.abs(),
    ),
    Mistake(
        "reciprocal",
        "one over the determinant is a minus for its logarithm, not one over the logarithm",
        lambda z, ladj_decode: _base(z) + 1 / ladj_decode,
    ),
)

EXERCISE = Exercise(
    id="01.sign",
    title="Find the missing sign",
    level="warm-up",
    minutes=5,
    points=1,
    anchor="sec-01-sign-table",
    task=TASK,
    hints=HINTS,
    references=(log_prob_from_decode,),
    returns=("log_prob (N,)",),
    cases=cases,
    mistakes=MISTAKES,
    independent=mass_is_one,
    gradient=("z", "ladj_decode"),
)
