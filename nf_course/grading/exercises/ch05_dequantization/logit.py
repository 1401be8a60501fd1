"""05.logit: back from the logit axis, with a log-determinant that is finite far out."""

import math

import torch
import torch.nn.functional as F

from nf_course.grading.exercise import Case, Exercise, Finding, Mistake

TASK = r"""
Encode shrinks the unit interval by `alpha` at both ends and opens it to the real line:

$$y = \alpha + (1 - 2\alpha)\, x, \qquad z = \log \frac{y}{1 - y}$$

Write decode, `unlogit(z, alpha)`: from `z` of shape `(N, D)` back to `x`, with *its own* log-determinant, one number
for each row. Return the pair `(x, ladj)`. From $y = 1 / (1 + e^{-z})$,

$$\frac{dy}{dz} = y\,(1 - y), \qquad
\log \left| \det \frac{\partial x}{\partial z} \right| = \sum_i \log \frac{dx_i}{dz_i}$$

A latent may lie far out: at $z = 40$, $y$ is 1 to the last digit and $\log(1 - y)$ is $-\infty$, while the true value
is $-40$. Your log-determinant must be right there, too.
"""

HINTS = (
    "First y = sigmoid(z), then undo the shrinking: x is y moved by alpha and divided by 1 - 2 alpha. What does that "
    "division add to the log-determinant of each of the D numbers?",
    "log y = -log(1 + e^-z), and log(1 - y) = -log(1 + e^z): neither needs y. torch has F.logsigmoid for them.",
    "x = (torch.sigmoid(z) - alpha) / (1 - 2 * alpha); "
    "ladj = (F.logsigmoid(z) + F.logsigmoid(-z) - math.log(1 - 2 * alpha)).sum(dim=1).",
)


def unlogit(z, alpha):
    x = (torch.sigmoid(z) - alpha) / (1 - 2 * alpha)
    log_slope = F.logsigmoid(z) + F.logsigmoid(-z) - math.log(1 - 2 * alpha)
    return x, log_slope.sum(dim=1)


def cases(draw):
    far = 5 * draw.normal(3, 4)
    far[0, 0], far[1, 2], far[2, 3] = 40.0, -60.0, 300.0
    return [
        Case((2 * draw.normal(6, 5), 0.05)),
        Case((draw.normal(1, 3), 0.2)),
        Case((far, 0.0)),
        Case((3 * draw.normal(4, 64), 0.01)),
    ]


def round_trip(ask, draw):
    """Encode what comes back; and the log-determinant by autograd, number by number, where it is harmless."""
    z, alpha = 1.5 * draw.normal(4, 3), 0.1
    x, ladj = ask(z, alpha)
    y = alpha + (1 - 2 * alpha) * x
    off = ((y / (1 - y)).log() - z).abs().max().item()
    if not off < 1e-5:
        return Finding("property", "encode(decode(z)) = z", f"off by {off:.2g}")
    t = z.clone().requires_grad_()
    (slope,) = torch.autograd.grad(((torch.sigmoid(t) - alpha) / (1 - 2 * alpha)).sum(), t)
    want = slope.log().sum(1)
    if (ladj - want).abs().max() > 1e-5:
        return Finding("property", f"{want[0].item():.4f}, by autograd", f"{ladj[0].item():.4f}")
    return None


def _with(ladj=None, x=None):
    """The right x and another log-determinant `ladj(z, alpha)`, or another x `x(y, alpha)` and the right rest."""

    def answer(z, alpha):
        right_x, right_ladj = unlogit(z, alpha)
        return (
            right_x if x is None else x(torch.sigmoid(z), alpha),
            right_ladj if ladj is None else ladj(z, alpha),
        )

    return answer


def _log_slope(z):
    return F.logsigmoid(z) + F.logsigmoid(-z)


def _both(ladj, x):
    return _with(ladj, x)


def _of_x(z, alpha):
    """y (1 - y) with x in place of y."""
    x = unlogit(z, alpha)[0]
    return (torch.log(x) + torch.log(1 - x) - math.log(1 - 2 * alpha)).sum(1)


_FAR_OUT = "far out y is 0 or 1 to the last digit and the log infinite: F.logsigmoid(z) and F.logsigmoid(-z) are exact"
_NO_ALPHA = "alpha is left out of the log-det: the division by 1 - 2 alpha adds -log(1 - 2 alpha) for each number"
_SIGN = "the sign: this is encode's log-det; decode squeezes the line into an interval, so its own is negative far out"
_SHRUNK = "x is still shrunk: take alpha off, then divide by 1 - 2 alpha"

MISTAKES = (
    Mistake("sign", _SIGN, _with(lambda z, a: -unlogit(z, a)[1])),
    Mistake("sign", _SIGN, _with(lambda z, a: -_log_slope(z).sum(1))),
    Mistake(
        "far_out",
        _FAR_OUT,
        _with(lambda z, a: (torch.log(torch.sigmoid(z) * (1 - torch.sigmoid(z))) - math.log(1 - 2 * a)).sum(1)),
    ),
    Mistake(
        "far_out",
        _FAR_OUT,
        _with(
            lambda z, a: (torch.log(torch.sigmoid(z)) + torch.log(1 - torch.sigmoid(z)) - math.log(1 - 2 * a)).sum(1)
        ),
    ),
    Mistake(
        "far_out",
        _FAR_OUT,
        _with(lambda z, a: (torch.log(torch.sigmoid(z)) + torch.log1p(-torch.sigmoid(z)) - math.log(1 - 2 * a)).sum(1)),
    ),
    Mistake("no_alpha", _NO_ALPHA, _with(lambda z, a: _log_slope(z).sum(1))),
    Mistake(
        "sign_of_alpha",
        "the sign of log(1 - 2 alpha): encode multiplies by 1 - 2 alpha, decode divides",
        _with(lambda z, a: (_log_slope(z) + math.log(1 - 2 * a)).sum(1)),
    ),
    Mistake(
        "alpha_once",
        "log(1 - 2 alpha) comes once for each of the D numbers",
        _with(lambda z, a: _log_slope(z).sum(1) - math.log(1 - 2 * a)),
    ),
    Mistake(
        "one_alpha",
        "alpha is taken off at one end only: 1 - 2 alpha, not 1 - alpha",
        _both(
            lambda z, a: (_log_slope(z) - math.log(1 - a)).sum(1),
            lambda y, a: (y - a) / (1 - a),
        ),
    ),
    Mistake(
        "one_alpha",
        "alpha is taken off at one end only: 1 - 2 alpha, not 1 - alpha",
        _with(lambda z, a: (_log_slope(z) - math.log(1 - a)).sum(1)),
    ),
    Mistake(
        "half",
        "log(1 - y) is missing: the slope is y (1 - y)",
        _with(lambda z, a: (F.logsigmoid(z) - math.log(1 - 2 * a)).sum(1)),
    ),
    Mistake("shrunk", _SHRUNK, _with(x=lambda y, a: y)),
    Mistake("shrunk", _SHRUNK, _with(x=lambda y, a: y - a)),
    Mistake("shrunk", _SHRUNK, _with(x=lambda y, a: a + (1 - 2 * a) * y)),
    Mistake("shrunk", _SHRUNK, _both(lambda z, a: _log_slope(z).sum(1), lambda y, a: y)),
    Mistake(
        "order",
        "divided before alpha is taken off: encode scaled first and shifted then, so undo the shift first",
        _with(x=lambda y, a: y / (1 - 2 * a) - a),
    ),
    Mistake("at_x", "the slope is y (1 - y) at y = sigmoid(z), not at x", _with(_of_x)),
    Mistake(
        "per_feature",
        "the sum over the D numbers (dim 1) is missing",
        _with(lambda z, a: _log_slope(z) - math.log(1 - 2 * a)),
    ),
    Mistake(
        "whole_batch",
        "the sum runs over the batch as well: one number for each row",
        _with(lambda z, a: (_log_slope(z) - math.log(1 - 2 * a)).sum()),
    ),
    Mistake(
        "mean",
        "a mean over the numbers where the sum belongs",
        _with(lambda z, a: (_log_slope(z) - math.log(1 - 2 * a)).mean(1)),
    ),
    Mistake(
        "slope",
        "the slopes are summed: take their logarithms first",
        _with(lambda z, a: (torch.sigmoid(z) * torch.sigmoid(-z) / (1 - 2 * a)).sum(1)),
    ),
    Mistake("pair_order", "the pair is in the other order: (x, ladj)", lambda z, a: unlogit(z, a)[::-1]),
)

EXERCISE = Exercise(
    id="05.logit",
    title="Back from the logit axis",
    level="core",
    minutes=10,
    points=2,
    anchor="sec-05-logit",
    task=TASK,
    hints=HINTS,
    references=(unlogit,),
    returns=("x (N, D)", "ladj (N,)"),
    cases=cases,
    mistakes=MISTAKES,
    independent=round_trip,
    gradient=("z",),
)
