"""07.build_w: the matrix of a 1x1 convolution from its factors."""

import torch

from nf_course.grading.exercise import Case, Exercise, Finding, Mistake
from nf_course.grading.exercises.ch07_lu_determinants.shared import draw_factors

TASK = r"""
Build the matrix of an invertible $1 \times 1$ convolution from its factors:

$$W = P\, L\, \bigl(U + \operatorname{diag}(s)\bigr), \qquad s = \mathtt{sign\_s} \odot \exp(\mathtt{log\_abs\_s})$$

`permutation` is a tensor of $C$ indices: row $i$ of $P$ has its one in column `permutation[i]`, so that
$(P y)_i = y_{\mathtt{permutation}[i]}$. `lower` and `upper` are full $C \times C$ parameter matrices of which only
the *strict* triangles count: $L$ is the strictly lower triangle of `lower` plus ones on the diagonal, $U$ is the
strictly upper triangle of `upper`. `sign_s` and `log_abs_s` have shape `(C,)`. Return $W$, of shape `(C, C)`.
"""

HINTS = (
    "torch.tril and torch.triu take a second argument: which diagonal to start from. Strict means without the "
    "main one.",
    "Multiplying by P from the left reorders rows. No matrix P is needed: index the rows of the product.",
    "L = lower.tril(-1) + identity; U = upper.triu(1) + torch.diag(sign_s * log_abs_s.exp()); W = (L @ "
    "U)[permutation].",
)


def build_w(permutation, lower, upper, sign_s, log_abs_s):
    identity = torch.eye(len(permutation), dtype=lower.dtype, device=lower.device)
    L = lower.tril(-1) + identity
    U = upper.triu(1) + torch.diag(sign_s * torch.exp(log_abs_s))
    return (L @ U)[permutation]


def cases(draw):
    return [Case(draw_factors(draw, c)) for c in (4, 1, 3, 7)]


def determinant(ask, draw):
    """|det W| depends on s alone: sum log|s|. And the strict triangles are all of lower and upper that counts."""
    factors = draw_factors(draw, 6)
    W = ask(*factors)
    want, got = factors[4].sum().item(), torch.linalg.slogdet(W)[1].item()
    if not abs(got - want) < 1e-5 * (1 + abs(want)):
        return Finding("property", f"log|det W| = sum(log_abs_s) = {want:.4f}", f"{got:.4f}")
    return None


def _with(make):
    """A wrong W from `make(permutation, lower, upper, s, identity)`."""

    def answer(permutation, lower, upper, sign_s, log_abs_s):
        identity = torch.eye(len(permutation), dtype=lower.dtype, device=lower.device)
        return make(permutation, lower, upper, sign_s * torch.exp(log_abs_s), identity)

    return answer


def _plain(permutation, lower, upper, s, identity):
    return ((lower.tril(-1) + identity) @ (upper.triu(1) + torch.diag(s)))[permutation]


MISTAKES = (
    Mistake(
        "inverse_permutation",
        "the permutation is applied the wrong way round: row i of P has its one in column permutation[i]",
        _with(lambda p, lower, upper, s, one: _plain(p.argsort(), lower, upper, s, one)),
    ),
    Mistake(
        "columns",
        "the columns are permuted: P stands on the left, so it reorders rows",
        _with(
            lambda p, lower, upper, s, one: _plain(torch.arange(len(p), device=p.device), lower, upper, s, one)[:, p]
        ),
    ),
    Mistake(
        "no_permutation",
        "P is missing: the rows are not permuted",
        _with(lambda p, lower, upper, s, one: (lower.tril(-1) + one) @ (upper.triu(1) + torch.diag(s))),
    ),
    Mistake(
        "lower_not_strict",
        "L is not unit triangular: the diagonal of `lower` gets in; use tril(-1) and add the identity",
        _with(lambda p, lower, upper, s, one: (lower.tril() @ (upper.triu(1) + torch.diag(s)))[p]),
    ),
    Mistake(
        "lower_diagonal_added",
        "L is not unit triangular: the identity is added to tril(), which has a diagonal already; use tril(-1)",
        _with(lambda p, lower, upper, s, one: ((lower.tril() + one) @ (upper.triu(1) + torch.diag(s)))[p]),
    ),
    Mistake(
        "upper_not_strict",
        "U is not strict: the diagonal of `upper` gets in beside s; use triu(1)",
        _with(lambda p, lower, upper, s, one: ((lower.tril(-1) + one) @ (upper.triu() + torch.diag(s)))[p]),
    ),
    Mistake(
        "no_unit_diagonal",
        "L has no diagonal: add the identity, or W is singular",
        _with(lambda p, lower, upper, s, one: (lower.tril(-1) @ (upper.triu(1) + torch.diag(s)))[p]),
    ),
    Mistake(
        "no_sign",
        "the sign of s is lost: s = sign_s * exp(log_abs_s)",
        _with(lambda p, lower, upper, s, one: _plain(p, lower, upper, s.abs(), one)),
    ),
    Mistake(
        "not_exp",
        "log_abs_s is a logarithm: s = sign_s * exp(log_abs_s)",
        lambda p, lower, upper, sign_s, log_abs_s: _with(
            lambda p, lower, upper, s, one: _plain(p, lower, upper, sign_s * log_abs_s, one)
        )(p, lower, upper, sign_s, log_abs_s),
    ),
    Mistake(
        "sign_in_exp",
        "the sign is inside exp: s = sign_s * exp(log_abs_s), or s is never negative",
        lambda p, lower, upper, sign_s, log_abs_s: build_w(
            p, lower, upper, torch.ones_like(sign_s), sign_s * log_abs_s
        ),
    ),
    Mistake(
        "scaled",
        "s multiplies the rows or columns of U: it is added, U + diag(s), and leaves the rest of U alone",
        _with(lambda p, lower, upper, s, one: ((lower.tril(-1) + one) @ torch.diag(s) @ (upper.triu(1) + one))[p]),
    ),
    Mistake(
        "scaled",
        "s multiplies the rows or columns of U: it is added, U + diag(s), and leaves the rest of U alone",
        _with(lambda p, lower, upper, s, one: ((lower.tril(-1) + one) @ (upper.triu(1) + one) @ torch.diag(s))[p]),
    ),
    Mistake(
        "not_triangular",
        "`lower` and `upper` are used whole: take their strict triangles, lower.tril(-1) and upper.triu(1)",
        _with(lambda p, lower, upper, s, one: ((lower + one) @ (upper + torch.diag(s)))[p]),
    ),
    Mistake(
        "not_triangular",
        "`lower` and `upper` are used whole: take their strict triangles, lower.tril(-1) and upper.triu(1)",
        _with(lambda p, lower, upper, s, one: (lower @ upper)[p]),
    ),
    Mistake(
        "other_triangles",
        "the triangles are exchanged: tril(-1) of `lower`, triu(1) of `upper`",
        _with(lambda p, lower, upper, s, one: ((lower.triu(1) + one) @ (upper.tril(-1) + torch.diag(s)))[p]),
    ),
    Mistake(
        "sum",
        "L and U stand in one matrix, as they are stored: W is their product",
        _with(lambda p, lower, upper, s, one: (lower.tril(-1) + upper.triu(1) + torch.diag(s))[p]),
    ),
    Mistake(
        "between",
        "the permutation stands between L and U: P is on the left, (L @ U)[permutation]",
        _with(lambda p, lower, upper, s, one: (lower.tril(-1) + one) @ (upper.triu(1) + torch.diag(s))[p]),
    ),
    Mistake(
        "no_diagonal",
        "diag(s) is missing: U has nothing on its diagonal, and W is singular",
        _with(lambda p, lower, upper, s, one: ((lower.tril(-1) + one) @ upper.triu(1))[p]),
    ),
    Mistake(
        "added_to_all",
        "s is added to every row of U instead of its diagonal: use torch.diag(s)",
        _with(lambda p, lower, upper, s, one: ((lower.tril(-1) + one) @ (upper.triu(1) + s))[p]),
    ),
    Mistake(
        "order",
        "the order of the factors: W = P L U, with L to the left of U",
        _with(lambda p, lower, upper, s, one: ((upper.triu(1) + torch.diag(s)) @ (lower.tril(-1) + one))[p]),
    ),
    Mistake(
        "elementwise",
        "L * U multiplies entry by entry: the matrix product is L @ U",
        _with(lambda p, lower, upper, s, one: ((lower.tril(-1) + one) * (upper.triu(1) + torch.diag(s)))[p]),
    ),
    Mistake(
        "transposed",
        "this is the transpose of W",
        lambda *factors: build_w(*factors).T,
    ),
)

EXERCISE = Exercise(
    id="07.build_w",
    title="Build W from its factors",
    level="core",
    minutes=15,
    points=2,
    anchor="sec-07-build-w",
    task=TASK,
    hints=HINTS,
    references=(build_w,),
    returns=("W (C, C)",),
    cases=cases,
    mistakes=MISTAKES,
    independent=determinant,
    gradient=("lower", "upper", "log_abs_s"),
)
