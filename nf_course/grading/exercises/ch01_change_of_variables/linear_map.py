"""01.matrix: the density of a linear image of the standard normal."""

import math

import torch

from nf_course.grading.exercise import Case, Exercise, Finding, Mistake

TASK = r"""
Let $z \sim \mathcal N(0, I_D)$ and $x = A z + b$ with an invertible $D \times D$ matrix $A$. Then

$$\log p_X(x) = \log \mathcal N\!\left(A^{-1}(x - b);\, 0, I_D\right) - \log|\det A|$$

Write it for a batch: `x` has shape `(N, D)`, each row a point, `A` has shape `(D, D)`, `b` has shape `(D,)`, the
result has shape `(N,)`. Solve the linear system instead of inverting the matrix (`torch.linalg.solve`), and take
the logarithm of the determinant without the determinant (`torch.linalg.slogdet`): at $D = 64$ the determinant
underflows.
"""

HINTS = (
    "Each sample is a row, but torch.linalg.solve(A, B) wants its right-hand sides as the columns of B: that is "
    "(x - b).T, and the result comes back as columns too.",
    "torch.linalg.slogdet(A) returns a pair, the sign and the logarithm of the absolute value: take .logabsdet.",
    "z = torch.linalg.solve(A, (x - b).T).T; add the standard normal log-density of z, summed over dim 1, and subtract "
    "log|det A|, for A is the way from z to x.",
)


def linear_log_prob(x, A, b):
    z = torch.linalg.solve(A, (x - b).T).T
    _, log_abs_det = torch.linalg.slogdet(A)
    log_base = -0.5 * (z.square() + math.log(2 * math.pi)).sum(dim=1)
    return log_base - log_abs_det


def cases(draw):
    made = []
    for n, d, sign, scale in ((6, 3, 1, 1.0), (1, 2, -1, 0.5), (9, 5, -1, 2.0), (4, 64, 1, 1e-6)):
        A, b = draw.matrix(d, sign=sign, scale=scale), scale * draw.normal(d)
        made.append(Case((draw.normal(n, d) @ A.T + b, A, b)))
    return made


def gaussian(ask, draw):
    """x is normal with mean b and covariance A A^T: its density by another route, the Cholesky factor of that."""
    A, b = draw.matrix(4, sign=-1), draw.normal(4)
    x = draw.normal(5, 4) @ A.T + b
    C = torch.linalg.cholesky(A @ A.T)
    u = torch.linalg.solve_triangular(C, (x - b).T, upper=False).T
    want = -0.5 * u.square().sum(1) - C.diagonal().log().sum() - 2 * math.log(2 * math.pi)
    got = ask(x, A, b)
    worst = (got - want).abs().argmax().item()
    if abs(got[worst] - want[worst]) > 1e-5 * (1 + abs(want[worst])):
        expected = f"{want[worst].item():.4f}, the density of N(b, A A^T)"
        return Finding("property", expected, f"{got[worst].item():.4f}")
    return None


def _latents(x, A, b):
    return torch.linalg.solve(A, (x - b).T).T


def _base(z):
    return -0.5 * (z.square() + math.log(2 * math.pi)).sum(dim=1)


def _log_abs_det(A):
    return torch.linalg.slogdet(A)[1]


def _with(log_det):
    """An answer that takes `log_det(A, x)` for the log-determinant, and is right otherwise."""
    return lambda x, A, b: _base(_latents(x, A, b)) - log_det(A, x)


_ABS = "the absolute value: a determinant may be negative, and its logarithm is then NaN; use slogdet's second value"
_DIAGONAL = "the log-det of A's diagonal: that is right for a triangular A only; use slogdet"
_NOT_LOG = "the determinant itself is subtracted: its logarithm belongs there, slogdet's second value"


MISTAKES = (
    Mistake(
        "solve_rows",
        "solve wants the right-hand sides as columns: torch.linalg.solve(A, (x - b).T).T",
        lambda x, A, b: torch.linalg.solve(A, x - b),
    ),
    Mistake(
        "slogdet_pair",
        "slogdet returns a pair, (sign, log|det|): take torch.linalg.slogdet(A).logabsdet",
        lambda x, A, b: _base(_latents(x, A, b)) - torch.linalg.slogdet(A),
    ),
    Mistake(
        "sign",
        "the sign of the log-det: A is the way from z to x, so log|det A| is subtracted",
        lambda x, A, b: _base(_latents(x, A, b)) + _log_abs_det(A),
    ),
    Mistake(
        "no_transpose",
        "a .T is missing: solve gives the latents as columns, (D, N); turn them back into rows before the sum",
        lambda x, A, b: _base(torch.linalg.solve(A, (x - b).T)) - _log_abs_det(A),
    ),
    Mistake("no_log_det", "the log-det is missing", lambda x, A, b: _base(_latents(x, A, b))),
    Mistake(
        "slogdet_sign",
        "slogdet returns (sign, log|det|): the sign was used as the logarithm",
        lambda x, A, b: _base(_latents(x, A, b)) - torch.linalg.slogdet(A)[0],
    ),
    Mistake(
        "abs_of_log",
        "the absolute value stands inside the logarithm: log|det A| may be negative, and is subtracted as it is",
        _with(lambda A, x: _log_abs_det(A).abs()),
    ),
    Mistake(
        "times_d",
        "the log-det is multiplied by D: it is one number for the whole map",
        _with(lambda A, x: len(A) * _log_abs_det(A)),
    ),
    Mistake(
        "half",
        "half the log-det: the 1/2 belongs to log det(A A^T), log|det A| enters whole",
        _with(lambda A, x: 0.5 * _log_abs_det(A)),
    ),
    Mistake(
        "over_n",
        "the log-det is divided by N: every row has the whole of it",
        _with(lambda A, x: _log_abs_det(A) / len(x)),
    ),
    Mistake("diagonal", _DIAGONAL, _with(lambda A, x: A.diagonal().abs().log().sum())),
    Mistake("diagonal", _DIAGONAL, _with(lambda A, x: A.diagonal().log().sum())),
    Mistake("not_log", _NOT_LOG, _with(lambda A, x: torch.linalg.det(A))),
    Mistake("not_log", _NOT_LOG, _with(lambda A, x: torch.linalg.det(A).abs())),
    Mistake(
        "det_then_log",
        "the determinant is taken before the logarithm: it underflows at D = 64; use slogdet",
        lambda x, A, b: _base(_latents(x, A, b)) - torch.log(torch.linalg.det(A).abs()),
    ),
    Mistake("no_abs", _ABS, _with(lambda A, x: torch.logdet(A))),
    Mistake("no_abs", _ABS, _with(lambda A, x: torch.log(torch.linalg.det(A)))),
    Mistake(
        "no_constant",
        "the constant -D/2 log(2 pi) of the base is missing",
        lambda x, A, b: -0.5 * _latents(x, A, b).square().sum(dim=1) - _log_abs_det(A),
    ),
    Mistake(
        "transposed",
        "the transpose: with samples as rows, solve A z = x - b for columns, that is for (x - b).T",
        lambda x, A, b: _base(torch.linalg.solve(A.T, (x - b).T).T) - _log_abs_det(A),
    ),
    Mistake(
        "not_solved",
        "A is applied instead of solved for: z = A^-1 (x - b)",
        lambda x, A, b: _base((x - b) @ A.T) - _log_abs_det(A),
    ),
    Mistake(
        "no_offset",
        "the offset: subtract b before solving",
        lambda x, A, b: _base(_latents(x, A, torch.zeros_like(b))) - _log_abs_det(A),
    ),
    Mistake(
        "offset_added",
        "the sign of the offset: x = A z + b, so subtract b before solving",
        lambda x, A, b: _base(_latents(x, A, -b)) - _log_abs_det(A),
    ),
    Mistake(
        "offset_after",
        "the order: subtract b first, then solve",
        lambda x, A, b: _base(_latents(x, A, torch.zeros_like(b)) - b) - _log_abs_det(A),
    ),
    Mistake("base_at_x", "the base density is taken at x: it belongs at z", lambda x, A, b: _base(x) - _log_abs_det(A)),
)

EXERCISE = Exercise(
    id="01.matrix",
    title="The density of a linear map",
    level="core",
    minutes=15,
    points=2,
    anchor="sec-01-linear-map",
    task=TASK,
    hints=HINTS,
    references=(linear_log_prob,),
    returns=("log_prob (N,)",),
    cases=cases,
    mistakes=MISTAKES,
    independent=gaussian,
    gradient=("x", "A", "b"),
)
