"""02.base_swap: the log-density of a flow with whatever base it is given."""

import math

import torch

from nf_course.grading.exercise import Case, Exercise, Finding, Mistake
from nf_course.grading.parts import Base, Layer

TASK = r"""
A flow is a bijection and a base, and the base need not be normal:

$$\log p_X(x) = \log p_Z(z) + \log \left| \det \frac{\partial z}{\partial x} \right|, \qquad z = f(x)$$

Write its log-density for any base. `x` has shape `(N, D)`. `bijection.encode(x)` returns the pair `(z, ladj)`, and
`base.log_prob(z)` returns $\log p_Z(z)$, of shape `(N,)`, for a base that you do not know: here it has heavy tails.
Return $\log p_X(x)$, of shape `(N,)`.
"""

HINTS = (
    "Swapping the base changes one term of the formula. Which object computes that term, and at which point?",
    "The base knows about latents only: hand it z, never x. The log-det came with z from encode.",
    "z, ladj = bijection.encode(x); the answer is base.log_prob(z) + ladj.",
)


def log_prob(x, bijection, base):
    z, ladj = bijection.encode(x)
    return base.log_prob(z) + ladj


def _flow(draw, d, sign):
    return Layer("bijection", draw.matrix(d, sign=sign, scale=2.0), draw.normal(d)), Base(
        "base", draw.uniform(1.5, 6.0, d)
    )


def cases(draw):
    """Log-dets of either sign: at the last row the layer stretches most, at most of the others it shrinks."""
    made = []
    for n, d, sign in ((6, 3, -1), (1, 2, 1), (8, 5, 1)):
        bijection, base = _flow(draw, d, sign)
        steepest = bijection.decode(torch.zeros_like(bijection.offset)[None])[0]
        x = torch.cat((2 * draw.normal(n, d)[:-1], steepest)) if n > 1 else 2 * draw.normal(n, d)
        made.append(Case((x, bijection, base)))
    return made


def interval_keeps_its_probability(ask, draw):
    """In one dimension: the probability of an interval of x is that of its image, for any base."""
    bijection, base = _flow(draw, 1, 1)
    z = torch.linspace(-1.5, 2.0, 4001, dtype=torch.float64, device=draw.device)[:, None]
    x, _ = bijection.decode(z)
    want = torch.trapezoid(base.log_prob(z).exp(), z[:, 0]).item()
    got = torch.trapezoid(ask(x, bijection, base).exp(), x[:, 0]).item()
    if abs(got - want) > 1e-4:
        return Finding("property", f"{want:.4f}, the probability of an interval, from the base", f"{got:.4f}")
    return None


def _with(combine):
    """An answer that combines the base's log-density at z and the log-det in another way."""

    def answer(x, bijection, base):
        z, ladj = bijection.encode(x)
        return combine(base.log_prob(z), ladj)

    return answer


def _normal(x, bijection, base):
    z, ladj = bijection.encode(x)
    return -0.5 * (z.square() + math.log(2 * math.pi)).sum(1) + ladj


def _base_at_x(x, bijection, base):
    return base.log_prob(x) + bijection.encode(x)[1]


def _decode(sign):
    def answer(x, bijection, base):
        z, ladj = bijection.decode(x)
        return base.log_prob(z) + sign * ladj

    return answer


_EACH_OTHER = "(N, 1) meets (N,), and every row meets every other one: leave out keepdim=True, unsqueeze or [:, None]"
_BASE_SUMMED = "base.log_prob has added up the features already, (N,): another sum or mean would run over the batch"
_ABSOLUTE = "the bars stand around the determinant, inside the logarithm: a log-det may be negative, add it as it is"
_DECODE = "x is decoded: it is data already, so the way to its latent is bijection.encode(x)"

MISTAKES = (
    Mistake("base_at_x", "the base is asked at x: it knows latents only, so hand it z", _base_at_x),
    Mistake(
        "base_at_x",
        "the base is asked at x: it knows latents only, so hand it z",
        lambda x, bijection, base: base.log_prob(x),
    ),
    Mistake("no_ladj", "the log-det is missing: this is the density of z, not of x", _with(lambda p, l: p)),
    Mistake(
        "minus_ladj",
        "the sign of the log-det: encode's own is added; decode's would be subtracted",
        _with(lambda p, l: p - l),
    ),
    Mistake(
        "normal",
        "the base is not the standard normal here: ask the one you are given, base.log_prob(z)",
        _normal,
    ),
    Mistake("decode", _DECODE, _decode(1)),
    Mistake("decode", _DECODE, _decode(-1)),
    Mistake("negative", "the negative log-likelihood: the log-density is asked for", _with(lambda p, l: -(p + l))),
    Mistake("not_log", "the density itself: its logarithm is asked for", _with(lambda p, l: (p + l).exp())),
    Mistake("exp_ladj", "exp of the log-det: in a log-density it is added as it is", _with(lambda p, l: p + l.exp())),
    Mistake("absolute", _ABSOLUTE, _with(lambda p, l: p + l.abs())),
    Mistake(
        "per_dimension",
        "nats per feature: do not divide by D",
        lambda x, bijection, base: log_prob(x, bijection, base) / x.shape[1],
    ),
    Mistake("product", "the two are multiplied: densities multiply, their logarithms add", _with(lambda p, l: p * l)),
    Mistake(
        "mean_ladj", "the log-det is averaged over the batch: each row has its own", _with(lambda p, l: p + l.mean())
    ),
    Mistake("sum_ladj", "the log-det is summed over the batch: each row has its own", _with(lambda p, l: p + l.sum())),
    Mistake("base_summed", _BASE_SUMMED, _with(lambda p, l: p.sum() + l)),
    Mistake("base_summed", _BASE_SUMMED, _with(lambda p, l: p.mean() + l)),
    Mistake("ladj_only", "the log-det alone: the base's log-density at z is missing", _with(lambda p, l: l)),
    Mistake(
        "mean", "a mean over the batch: one log-density for each row is asked for", _with(lambda p, l: (p + l).mean())
    ),
    Mistake(
        "sum", "a sum over the batch: one log-density for each row is asked for", _with(lambda p, l: (p + l).sum())
    ),
    Mistake("each_other", _EACH_OTHER, _with(lambda p, l: p[:, None] + l)),
    Mistake("each_other", _EACH_OTHER, _with(lambda p, l: p + l[:, None])),
    Mistake("pair", "a pair is returned: add the two, one number for each row", _with(lambda p, l: (p, l))),
)

EXERCISE = Exercise(
    id="02.base_swap",
    title="Swap the base",
    level="warm-up",
    minutes=5,
    points=1,
    anchor="sec-02-base",
    task=TASK,
    hints=HINTS,
    references=(log_prob,),
    returns=("log_prob (N,)",),
    cases=cases,
    mistakes=MISTAKES,
    independent=interval_keeps_its_probability,
    gradient=("x", "bijection", "base"),
)
