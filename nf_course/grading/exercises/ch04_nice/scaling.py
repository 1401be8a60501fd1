"""04.scaling: the diagonal scaling, the one part of NICE that has a log-determinant."""

import torch

from nf_course.grading.exercise import Case, Exercise, Finding, Mistake
from nf_course.grading.operators import AUTOGRAD, DETERMINANTS

TASK = r"""
Additive couplings cannot change a volume, so NICE ends with a layer that can: a diagonal matrix with positive entries,
one for each feature, whose logarithms are learned,

$$z_i = S_{ii}\, x_i, \qquad S_{ii} = \exp(\mathtt{log\_scale}_i), \qquad
\log \left| \det \frac{\partial z}{\partial x} \right| = \sum_{i=1}^{D} \log S_{ii}$$

`x` has shape `(N, D)` and `log_scale` shape `(D,)`. Return the pair `(z, ladj)` of encode, `ladj` of shape `(N,)`: the
same number for each row, and yet one for each.
"""

HINTS = (
    "log_scale holds logarithms: what multiplies x is their exponential, and what adds up to ladj is they themselves.",
    "The log-determinant does not depend on x. It has to come once for each row all the same: look at expand.",
    "z = torch.exp(log_scale) * x; ladj = log_scale.sum().expand(len(x)).",
)


def scale(x, log_scale):
    z = torch.exp(log_scale) * x
    return z, log_scale.sum().expand(len(x))


def cases(draw):
    made = []
    for n, d, center in ((17, 6, 0.5), (1, 5, -0.8), (8, 1, 1.2), (3, 784, 3.0), (6, 64, -2.0)):
        made.append(Case((2 * draw.normal(n, d), center + draw.normal(d))))
    return made


def slope_of_each(ask, draw):
    """Move one feature of x: the difference of z is its scale, and the logarithms of all of them add up to ladj."""
    x, log_scale = draw.normal(3, 4), draw.normal(4)
    z, ladj = ask(x, log_scale)
    total = 0.0
    for feature in range(4):
        moved = x.clone()
        moved[:, feature] += 1
        slope = (ask(moved, log_scale)[0] - z)[0, feature].item()
        if not slope > 0:
            return Finding("property", "a positive scale for each feature", f"{slope:.4f} for feature {feature}")
        total += torch.tensor(slope, dtype=torch.float64).log().item()
    if abs(ladj[0].item() - total) > 1e-5 * (1 + abs(total)):
        return Finding("property", f"{total:.4f}, the log-scales measured on z, added up", f"{ladj[0].item():.4f}")
    return None


def _ladj(make):
    """The right z and another log-det, `make(log_scale, x)`."""
    return lambda x, log_scale: (scale(x, log_scale)[0], make(log_scale, x))


def _z(make):
    """Another z, `make(x, log_scale)`, and the right log-det."""
    return lambda x, log_scale: (make(x, log_scale), scale(x, log_scale)[1])


_ONE = "the log-det has no rows: repeat it for each of the N rows, log_scale.sum().expand(len(x))"
_SHARED = "one scale for all features: each has its own, log_scale has D numbers"

MISTAKES = (
    Mistake("one_number", _ONE, _ladj(lambda s, x: s.sum())),
    Mistake("one_number", _ONE, _ladj(lambda s, x: s.sum(0, keepdim=True))),
    Mistake("no_log_det", "the log-det is left out: a scaling does change volumes", _ladj(lambda s, x: 0 * x[:, 0])),
    Mistake(
        "sign",
        "the sign: encode multiplies by S, so its log-det is +sum(log_scale)",
        _ladj(lambda s, x: -s.sum().expand(len(x))),
    ),
    Mistake(
        "decode",
        "this is decode: encode multiplies by exp(+log_scale), and its log-det has no minus",
        lambda x, s: (torch.exp(-s) * x, -s.sum().expand(len(x))),
    ),
    Mistake(
        "z_decoded",
        "z is divided by the scale: encode multiplies by exp(+log_scale)",
        _z(lambda x, s: x * torch.exp(-s)),
    ),
    Mistake("not_exp", "log_scale holds logarithms: multiply by exp(log_scale)", _z(lambda x, s: s * x)),
    Mistake(
        "log_of_log",
        "log_scale holds logarithms already: no second log, and no log of exp of a sum",
        lambda x, s: (s * x, torch.log(s.abs()).sum().expand(len(x))),
    ),
    Mistake(
        "log_of_log",
        "log_scale holds logarithms already: no second log, and no log of exp of a sum",
        _ladj(lambda s, x: torch.log(s.abs()).sum().expand(len(x))),
    ),
    Mistake("added", "log_scale is added: this would be a shift, of log-det 0", _z(lambda x, s: x + s)),
    Mistake("mean", "a mean over the features where the sum belongs", _ladj(lambda s, x: s.mean().expand(len(x)))),
    Mistake(
        "times_batch",
        "multiplied by the batch size: each row is counted once",
        _ladj(lambda s, x: (len(x) * s.sum()).expand(len(x))),
    ),
    Mistake(
        "per_feature",
        "the sum over the features is missing: one number for each row, (N,)",
        _ladj(lambda s, x: s.expand_as(x)),
    ),
    Mistake(
        "per_feature", "the sum over the features is missing: one number for each row, (N,)", _ladj(lambda s, x: s)
    ),
    Mistake(
        "determinant",
        "the determinant itself: its logarithm is asked for",
        _ladj(lambda s, x: torch.exp(s).prod().expand(len(x))),
    ),
    Mistake(
        "sum_of_scales",
        "the scales are added: the log-det adds their logarithms",
        _ladj(lambda s, x: torch.exp(s).sum().expand(len(x))),
    ),
    Mistake(
        "product",
        "the logarithms are multiplied: scales multiply, their logarithms add",
        _ladj(lambda s, x: s.prod().expand(len(x))),
    ),
    Mistake(
        "det_then_log",
        "a product of D scales overflows or underflows: add up the logarithms, which you have",
        _ladj(lambda s, x: torch.log(torch.exp(s).prod()).expand(len(x))),
    ),
    Mistake(
        "abs",
        "an absolute value: log S may be negative, where a feature is shrunk",
        _ladj(lambda s, x: s.abs().sum().expand(len(x))),
    ),
    Mistake("at_x", "x has entered the log-det: the scale is the same everywhere", _ladj(lambda s, x: (s * x).sum(1))),
    Mistake(
        "at_x",
        "x has entered the log-det: the scale is the same everywhere",
        _ladj(lambda s, x: scale(x, s)[0].abs().log().sum(1)),
    ),
    *(
        Mistake("shared", _SHARED, answer)
        for answer in (
            lambda x, s: (torch.exp(s.mean()) * x, s.sum().expand(len(x))),
            lambda x, s: (torch.exp(s[0]) * x, (len(s) * s[0]).expand(len(x))),
            lambda x, s: (torch.exp(s[0]) * x, s[0].expand(len(x))),
            lambda x, s: (torch.exp(s.sum()) * x, s.sum().expand(len(x))),
        )
    ),
    Mistake("z_only", "z alone: return the pair (z, ladj)", lambda *args: scale(*args)[0]),
    Mistake("pair_order", "the pair is the wrong way round: (z, ladj)", lambda *args: scale(*args)[::-1]),
)

EXERCISE = Exercise(
    id="04.scaling",
    title="The diagonal scaling",
    level="warm-up",
    minutes=5,
    points=1,
    anchor="sec-04-scaling",
    task=TASK,
    hints=HINTS,
    references=(scale,),
    returns=("z (N, D)", "ladj (N,)"),
    cases=cases,
    mistakes=MISTAKES,
    independent=slope_of_each,
    gradient=("x", "log_scale"),
    avoid={
        **dict.fromkeys(DETERMINANTS, "the matrix is diagonal: its log-det is a sum, no determinant is needed"),
        **dict.fromkeys(AUTOGRAD, "the Jacobian is known: its diagonal needs no automatic differentiation"),
    },
)
