"""01.logdet: the log-determinant of an elementwise map in D dimensions."""

import torch

from nf_course.grading.exercise import Case, Exercise, Finding, Mistake
from nf_course.grading.operators import DETERMINANTS

TASK = r"""
An elementwise map takes $x \in \mathbb R^D$ to

$$z_d = \sinh(a_d\, x_d), \qquad a_d > 0, \qquad d = 1, \dots, D$$

Its Jacobian $\partial z / \partial x$ is diagonal. Return $\log|\det \partial z / \partial x|$ for each row of `x`:
`x` has shape `(N, D)`, `a` has shape `(D,)`, the result has shape `(N,)`. It must hold where the product of
the $D$ slopes no longer fits a float, as at $D = 64$ with entries of size 20.
"""

HINTS = (
    "The determinant of a diagonal matrix is the product of its diagonal. What is dz_d/dx_d? Mind the chain rule.",
    "The derivative of sinh(a x) is a cosh(a x). The logarithm of a product is the sum of the logarithms: "
    "take the logarithm first, the product never.",
    "Sum log(a_d) + log(cosh(a_d x_d)) over the features, that is over dim 1. (In float32 one cosh alone overflows "
    "beyond |a x| = 89. The chapter's log_cosh does not; here it is not asked for.)",
)


def log_det(x, a):
    return (torch.log(a) + torch.log(torch.cosh(a * x))).sum(dim=1)


def cases(draw):
    sizes = ((7, 4, 1.0), (1, 3, 1.0), (5, 9, 2.0), (4, 64, 20.0))
    return [Case((scale * draw.normal(n, d), draw.uniform(0.5, 2.0, d))) for n, d, scale in sizes]


def jacobian(ask, draw):
    """Against autograd: slogdet of the full Jacobian, row by row."""
    x, a = draw.normal(3, 5), draw.uniform(0.5, 2.0, 5)
    got = ask(x, a)
    for row in range(3):
        full = torch.autograd.functional.jacobian(lambda v: torch.sinh(a * v), x[row])
        want = torch.linalg.slogdet(full)[1].item()
        if abs(got[row].item() - want) > 1e-5 * (1 + abs(want)):
            return Finding("property", f"{want:.4f}, slogdet of the Jacobian by autograd", f"{got[row].item():.4f}")
    return None


MISTAKES = (
    Mistake(
        "sign",
        "the sign: this is log|det dx/dz|, of the way back",
        lambda x, a: -log_det(x, a),
    ),
    Mistake(
        "no_chain",
        "the chain rule: the derivative of sinh(a x) is a cosh(a x), and log a is missing",
        lambda x, a: torch.log(torch.cosh(a * x)).sum(dim=1),
    ),
    Mistake(
        "no_inner",
        "the argument of cosh: the slope is a cosh(a x), with a inside as well",
        lambda x, a: (torch.log(a) + torch.log(torch.cosh(x))).sum(dim=1),
    ),
    Mistake(
        "a_once",
        "a mean of log a where the sum over the features belongs",
        lambda x, a: torch.log(torch.cosh(a * x)).sum(dim=1) + torch.log(a).mean(),
    ),
    Mistake(
        "a_times_d",
        "the sum of log a is counted D times: one log a for each feature is enough",
        lambda x, a: torch.log(torch.cosh(a * x)).sum(dim=1) + len(a) * torch.log(a).sum(),
    ),
    Mistake(
        "a_not_log",
        "a is added, not its logarithm: log(a cosh(a x)) = log a + log cosh(a x)",
        lambda x, a: (a + torch.log(torch.cosh(a * x))).sum(dim=1),
    ),
    Mistake(
        "inverse_a",
        "1/a stands where a belongs: the chain rule multiplies by a, so log a is added",
        lambda x, a: (torch.log(torch.cosh(a * x)) - torch.log(a)).sum(dim=1),
    ),
    Mistake(
        "divided_inside",
        "the argument of cosh: it is a x, as in the map, not x/a",
        lambda x, a: (torch.log(a) + torch.log(torch.cosh(x / a))).sum(dim=1),
    ),
    *(
        Mistake("product", "the logarithms are multiplied: slopes multiply, so their logarithms add", answer)
        for answer in (
            lambda x, a: (torch.log(a) + torch.log(torch.cosh(a * x))).prod(dim=1),
            lambda x, a: (torch.log(a) * torch.log(torch.cosh(a * x))).sum(dim=1),
        )
    ),
    Mistake(
        "det_then_log",
        "the product is taken before the logarithm: it overflows at D = 64; sum the logarithms instead",
        lambda x, a: torch.log((a * torch.cosh(a * x)).prod(dim=1)),
    ),
    Mistake(
        "log_of_sum",
        "the logarithm of a sum: the determinant is a product, so take the sum of the logarithms",
        lambda x, a: torch.log((a * torch.cosh(a * x)).sum(dim=1)),
    ),
    Mistake(
        "mean",
        "a mean over the features where the sum belongs",
        lambda x, a: (torch.log(a) + torch.log(torch.cosh(a * x))).mean(dim=1),
    ),
    Mistake(
        "whole_batch",
        "the sum runs over the batch as well: one number for each row, so sum over dim 1 only",
        lambda x, a: log_det(x, a).sum(),
    ),
    Mistake(
        "over_batch",
        "the sum runs over the batch (dim 0): sum over the features, dim 1",
        lambda x, a: (torch.log(a) + torch.log(torch.cosh(a * x))).sum(dim=0),
    ),
    Mistake(
        "per_feature",
        "the sum over the features (dim 1) is missing",
        lambda x, a: torch.log(a) + torch.log(torch.cosh(a * x)),
    ),
    Mistake(
        "not_log",
        "the determinant itself: the exercise asks for its logarithm",
        lambda x, a: (a * torch.cosh(a * x)).prod(dim=1),
    ),
    Mistake(
        "map_not_slope",
        "the logarithm of the map, not of its derivative",
        lambda x, a: torch.log(torch.sinh(a * x).abs()).sum(dim=1),
    ),
    Mistake(
        "sinh_stays",
        "the derivative of sinh is cosh, not sinh",
        lambda x, a: (torch.log(a) + torch.log(torch.sinh(a * x).abs())).sum(dim=1),
    ),
    Mistake(
        "sinh_no_abs",
        "the derivative of sinh is cosh, which is positive: the logarithm of sinh is NaN where x < 0",
        lambda x, a: torch.log(a * torch.sinh(a * x)).sum(dim=1),
    ),
)

EXERCISE = Exercise(
    id="01.logdet",
    title="The log-determinant of an elementwise map",
    level="core",
    minutes=10,
    points=2,
    anchor="sec-01-log-det",
    task=TASK,
    hints=HINTS,
    references=(log_det,),
    returns=("ladj (N,)",),
    cases=cases,
    mistakes=MISTAKES,
    independent=jacobian,
    gradient=("x", "a"),
    avoid=dict.fromkeys(DETERMINANTS, "the Jacobian is diagonal: no determinant of a matrix is needed"),
)
