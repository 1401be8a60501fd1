"""07.solve: decode a linear layer by two triangular solves."""

import torch

from nf_course.grading.exercise import Case, Exercise, Finding, Mistake
from nf_course.grading.exercises.ch07_lu_determinants.build_w import build_w
from nf_course.grading.exercises.ch07_lu_determinants.shared import draw_factors
from nf_course.grading.operators import SOLVERS

TASK = r"""
Decode $z = W x$ with $W = P L (U + \operatorname{diag}(s))$, without an inverse and without a general solver:

$$y = P^\top z, \qquad L\, v = y, \qquad (U + \operatorname{diag}(s))\, x = v$$

`z` has shape `(N, C)`, each row a vector $z_n = W x_n$; the factors are as in the exercise that builds $W$
(`permutation`, `lower`, `upper`, `sign_s`, `log_abs_s`). Return `x`, of shape `(N, C)`. Use
`torch.linalg.solve_triangular`, which costs $O(C^2)$ for each vector.
"""

HINTS = (
    "Undo the factors from the left: first the permutation, then L, then U. P^T undoes P, and so does the "
    "inverse order.",
    "solve_triangular(A, B, upper=...) takes the right-hand sides as the columns of B. Your vectors are rows: "
    "transpose, "
    "solve, transpose back. permutation.argsort() is the inverse permutation.",
    "y = z.T[permutation.argsort()]; solve with L (upper=False, unitriangular=True), then with U + diag(s) "
    "(upper=True); "
    "the result's .T is x.",
)


def solve(z, permutation, lower, upper, sign_s, log_abs_s):
    U = upper.triu(1) + torch.diag(sign_s * torch.exp(log_abs_s))
    y = z.T[permutation.argsort()]
    v = torch.linalg.solve_triangular(lower.tril(-1), y, upper=False, unitriangular=True)
    return torch.linalg.solve_triangular(U, v, upper=True).T


def cases(draw):
    made = []
    for n, c in ((5, 4), (1, 3), (8, 7)):
        factors = draw_factors(draw, c)
        made.append(Case((draw.normal(n, c) @ build_w(*factors).T, *factors)))
    return made


def residual(ask, draw):
    """W x = z, with W built from its factors."""
    factors = draw_factors(draw, 5)
    z = draw.normal(6, 5)
    error = (ask(z, *factors) @ build_w(*factors).T - z).abs().max().item()
    if not error < 1e-5:
        return Finding("property", "W x = z", f"a difference of {error:.2g}")
    return None


def _triangles(lower, upper, sign_s, log_abs_s):
    one = torch.eye(len(lower), dtype=lower.dtype, device=lower.device)
    return lower.tril(-1) + one, upper.triu(1) + torch.diag(sign_s * torch.exp(log_abs_s))


def _with_w(change):
    """The solution for another matrix, `change(permutation, L, U)`: what a wrong order of steps amounts to."""

    def answer(z, permutation, lower, upper, sign_s, log_abs_s):
        L, U = _triangles(lower, upper, sign_s, log_abs_s)
        return torch.linalg.solve(change(permutation, L, U), z.T).T

    return answer


def _raw_lower(z, permutation, lower, upper, sign_s, log_abs_s):
    _, U = _triangles(lower, upper, sign_s, log_abs_s)
    return torch.linalg.solve((lower.tril() @ U)[permutation], z.T).T


def _raw_upper(z, permutation, lower, upper, sign_s, log_abs_s):
    L, U = _triangles(lower, upper, sign_s, log_abs_s)
    return torch.linalg.solve((L @ (upper.triu() + U.diag().diag()))[permutation], z.T).T


def _encode(z, *factors):
    return z @ build_w(*factors).T


def _rows_for_columns(z, *factors):
    return torch.linalg.solve(build_w(*factors).T, z.T).T


def _left(z, permutation, lower, upper, sign_s, log_abs_s):
    L, U = _triangles(lower, upper, sign_s, log_abs_s)
    y = torch.linalg.solve_triangular(U, z.T, upper=True)
    return torch.linalg.solve_triangular(L, y, upper=False)[permutation.argsort()].T


def _no_upper_diagonal(z, permutation, lower, upper, sign_s, log_abs_s):
    L, _ = _triangles(lower, upper, sign_s, log_abs_s)
    v = torch.linalg.solve_triangular(L, z.T[permutation.argsort()], upper=False)
    return torch.linalg.solve_triangular(upper.triu(1), v, upper=True).T


def _no_lower_diagonal(z, permutation, lower, upper, sign_s, log_abs_s):
    _, U = _triangles(lower, upper, sign_s, log_abs_s)
    v = torch.linalg.solve_triangular(lower.tril(-1), z.T[permutation.argsort()], upper=False)
    return torch.linalg.solve_triangular(U, v, upper=True).T


def _left_false(z, permutation, lower, upper, sign_s, log_abs_s):
    L, U = _triangles(lower, upper, sign_s, log_abs_s)
    v = torch.linalg.solve_triangular(L, z[:, permutation.argsort()], upper=False, left=False)
    return torch.linalg.solve_triangular(U, v, upper=True, left=False)


MISTAKES = (
    Mistake(
        "permutation",
        "P is applied again instead of undone: use the inverse permutation, permutation.argsort()",
        _with_w(lambda p, L, U: (L @ U)[p.argsort()]),
    ),
    Mistake("no_permutation", "the permutation is not undone", _with_w(lambda p, L, U: L @ U)),
    Mistake(
        "order", "the order: first P, then L, then U; here U is solved before L", _with_w(lambda p, L, U: (U @ L)[p])
    ),
    Mistake("from_the_right", "the order: undo the factors from the left, P first; here U is undone first", _left),
    Mistake(
        "lower_diagonal",
        "the diagonal of `lower` is used: L has ones there; pass unitriangular=True, or build L with tril(-1)",
        _raw_lower,
    ),
    Mistake("upper_not_strict", "the diagonal of `upper` gets in beside s; use triu(1)", _raw_upper),
    Mistake(
        "no_sign",
        "the sign of s is lost: s = sign_s * exp(log_abs_s)",
        lambda z, p, lower, upper, sign_s, log_abs_s: solve(z, p, lower, upper, torch.ones_like(sign_s), log_abs_s),
    ),
    Mistake(
        "not_exp",
        "log_abs_s is a logarithm: s = sign_s * exp(log_abs_s)",
        lambda z, p, lower, upper, sign_s, log_abs_s: solve(
            z, p, lower, upper, sign_s * log_abs_s.sign(), log_abs_s.abs().log()
        ),
    ),
    Mistake("lower_only", "only L was solved: (U + diag(s)) x = v is still to be done", _with_w(lambda p, L, U: L[p])),
    Mistake(
        "upper_only",
        "only U was solved: L v = y is missing, or was solved with upper=True, which sees a diagonal of ones",
        _with_w(lambda p, L, U: U[p]),
    ),
    Mistake(
        "upper_false",
        "U is solved with upper=False, which sees its diagonal only: upper=True for U + diag(s)",
        _with_w(lambda p, L, U: (L @ U.diagonal().diag())[p]),
    ),
    Mistake(
        "upper_unit",
        "unitriangular=True for U as well: its diagonal is s, so s is never used",
        _with_w(lambda p, L, U: (L @ (U.triu(1) + torch.eye(len(U)).to(U)))[p]),
    ),
    Mistake("no_diagonal", "a triangle without its diagonal is singular: U needs diag(s)", _no_upper_diagonal),
    Mistake(
        "no_unit_diagonal",
        "tril(-1) has zeros on its diagonal: pass unitriangular=True, or add the identity",
        _no_lower_diagonal,
    ),
    Mistake(
        "permutation_last",
        "the order: P is undone first, on z; here it is undone last, on x",
        _with_w(lambda p, L, U: (L @ U)[:, p.argsort()]),
    ),
    Mistake(
        "left_false",
        "left=False solves x A = B: for rows that is the transpose, so pass L.T and U.T and swap `upper`",
        _left_false,
    ),
    Mistake(
        "sign_in_exp",
        "the sign is inside exp: s = sign_s * exp(log_abs_s)",
        lambda z, p, lower, upper, sign_s, log_abs_s: solve(
            z, p, lower, upper, torch.ones_like(sign_s), sign_s * log_abs_s
        ),
    ),
    Mistake("encode", "this is encode, W z: decode solves W x = z", _encode),
    Mistake("rows", "rows and columns: this solves x W = z; the vectors are z_n = W x_n", _rows_for_columns),
    Mistake(
        "transposed", "the result is transposed: samples are rows, (N, C)", lambda z, *factors: solve(z, *factors).T
    ),
)

EXERCISE = Exercise(
    id="07.solve",
    title="Decode without an inverse",
    level="core",
    minutes=15,
    points=2,
    anchor="sec-07-triangular-solve",
    task=TASK,
    hints=HINTS,
    references=(solve,),
    returns=("x (N, C)",),
    cases=cases,
    mistakes=MISTAKES,
    independent=residual,
    gradient=("z", "lower", "upper", "log_abs_s"),
    avoid=dict.fromkeys(
        SOLVERS,
        "the exercise asks for two triangular solves, without an inverse or a general solver",
    ),
)
