"""07.sign: sign and logarithm of the determinant from the factors, with the parity of the permutation."""

import itertools

import torch

from nf_course.grading.draw import parity_of
from nf_course.grading.exercise import Case, Exercise, Finding, Mistake
from nf_course.grading.exercises.ch07_lu_determinants.build_w import build_w
from nf_course.grading.exercises.ch07_lu_determinants.shared import draw_factors
from nf_course.grading.operators import DETERMINANTS

TASK = r"""
What `torch.linalg.slogdet` finds in $O(C^3)$ can be read off the factors of $W = P L (U + \operatorname{diag}(s))$:

$$\operatorname{sign} \det W = \operatorname{sign}(P) \prod_{c} \operatorname{sign}(s_c), \qquad
\log|\det W| = \sum_c \log|s_c|$$

$\operatorname{sign}(P)$ is the parity of the permutation: $+1$ if an even number of swaps makes it, $-1$ if an odd
number does. `permutation` holds $C$ indices, `sign_s` (of $+1$ and $-1$) and `log_abs_s` have shape `(C,)`. Return
the pair `(sign, log_abs_det)`, two numbers, without any determinant. The second is a tensor that carries a gradient on
to `log_abs_s`, for training goes through it.
"""

HINTS = (
    "L has ones on its diagonal, so its determinant is 1. What is left is P and diag(s).",
    "Count the pairs that stand in the wrong order, i < j with permutation[i] > permutation[j]. An even count is +1.",
    "Start with sign = sign_s.prod(); for each i < j with permutation[i] > permutation[j] flip it. "
    "The second number is log_abs_s.sum().",
)


def sign_and_log_det(permutation, sign_s, log_abs_s):
    order = permutation.tolist()
    inversions = sum(order[i] > order[j] for j in range(len(order)) for i in range(j))
    return (-1) ** inversions * sign_s.prod(), log_abs_s.sum()


def cases(draw):
    made = []
    # cycles of these lengths: an answer that counts the moved elements, or follows one cycle, is wrong in one of them
    for cycles, minus in (
        ((3, 2), 1),
        ((1,), 1),
        ((2, 2), 1),
        ((4, 1, 1), 2),
        ((3,), 2),
        ((5, 2), 1),
        ((3, 3), 1),
        ((4, 3, 2), 2),
    ):
        channels = sum(cycles)
        sign_s = torch.ones(channels, dtype=torch.float64, device=draw.device)
        sign_s[:minus] = -1
        log_abs_s = draw.uniform(0.2, 0.9, channels) * draw.signs(channels)
        made.append(Case((_of_cycles(draw, cycles), sign_s, log_abs_s)))
    return made


def _of_cycles(draw, cycles) -> torch.Tensor:
    """A random permutation with cycles of these lengths."""
    names = draw.permutation(sum(cycles))
    permutation, start = names.clone(), 0
    for length in cycles:
        cycle = names[start : start + length]
        permutation[cycle] = cycle.roll(-1)
        start += length
    return permutation


def slogdet(ask, draw):
    """Against torch.linalg.slogdet of the whole matrix."""
    for channels in (2, 5, 8, *range(3, 13)):  # so many that luck with the parity does not last
        factors = draw_factors(draw, channels)
        sign, log_abs_det = ask(factors[0], factors[3], factors[4])
        want_sign, want = (value.item() for value in torch.linalg.slogdet(build_w(*factors)))
        if sign.item() != want_sign or abs(log_abs_det.item() - want) > 1e-5 * (1 + abs(want)):
            expected = f"({want_sign:+.0f}, {want:.4f}) from slogdet of W"
            return Finding("property", expected, f"({sign.item():+.0f}, {log_abs_det.item():.4f})")
    return None


def _sign(formula):
    """The right logarithm with another sign, `formula(parity, sign_s)`."""
    return lambda permutation, sign_s, log_abs_s: (formula(parity_of(permutation), sign_s), log_abs_s.sum())


def _counted(swaps):
    """The right logarithm, and the sign that this way of counting swaps gives."""
    return lambda permutation, sign_s, log_abs_s: (
        (-1) ** swaps(permutation.tolist()) * sign_s.prod(),
        log_abs_s.sum(),
    )


MISTAKES = (
    Mistake(
        "no_parity", "the parity of the permutation is missing: det P is +1 or -1", _sign(lambda parity, s: s.prod())
    ),
    Mistake(
        "parity_only",
        "the signs of s are missing: multiply by their product",
        _sign(lambda parity, s: parity + 0 * s[0]),
    ),
    Mistake(
        "parity_sign",
        "the parity is turned round: an even number of swaps is +1",
        _sign(lambda parity, s: -parity * s.prod()),
    ),
    Mistake(
        "sum_of_signs",
        "the signs are added: a determinant is a product, so multiply them",
        _sign(lambda parity, s: parity * s.sum()),
    ),
    Mistake(
        "neighbours",
        "only neighbours are compared: count every pair i < j that stands in the wrong order",
        _counted(lambda order: sum(a > b for a, b in itertools.pairwise(order))),
    ),
    Mistake(
        "all_pairs",
        "every pair is compared in both orders, so that each counts: compare i < j only",
        _counted(lambda order: sum(a > b for a in order for b in order)),
    ),
    Mistake(
        "displaced",
        "the indices that moved are counted: a cycle of length m is made by m - 1 swaps, and there may be several",
        _counted(lambda order: max(sum(i != place for place, i in enumerate(order)) - 1, 0)),
    ),
    Mistake(
        "displaced",
        "the indices that moved are counted: a cycle of length m is made by m - 1 swaps, and there may be several",
        _counted(lambda order: sum(i != place for place, i in enumerate(order))),
    ),
    Mistake(
        "displaced",
        "the indices that moved are counted: a cycle of length m is made by m - 1 swaps, and there may be several",
        _counted(lambda order: sum(i != place for place, i in enumerate(order)) // 2),
    ),
    Mistake("always_positive", "the sign is always +1: det W may be negative", _sign(lambda parity, s: s.prod().abs())),
    Mistake(
        "signed_log",
        "the signs do not enter the logarithm: it is log|det W|, a plain sum",
        lambda permutation, s, log_abs_s: (parity_of(permutation) * s.prod(), (s * log_abs_s).sum()),
    ),
    Mistake(
        "product",
        "the logarithms are multiplied: they add",
        lambda permutation, s, log_abs_s: (parity_of(permutation) * s.prod(), log_abs_s.prod()),
    ),
    Mistake(
        "not_log",
        "this is |det W| itself: the second number is its logarithm",
        lambda permutation, s, log_abs_s: (parity_of(permutation) * s.prod(), log_abs_s.sum().exp()),
    ),
    Mistake(
        "pair_order",
        "the pair is the wrong way round: (sign, log_abs_det), as slogdet has it",
        lambda permutation, s, log_abs_s: (log_abs_s.sum(), parity_of(permutation) * s.prod()),
    ),
    Mistake(
        "determinant",
        "one number, the determinant: return the pair (sign, log_abs_det)",
        lambda permutation, s, log_abs_s: parity_of(permutation) * s.prod() * log_abs_s.sum().exp(),
    ),
    Mistake(
        "log_only",
        "the logarithm alone: return the pair (sign, log_abs_det)",
        lambda permutation, s, log_abs_s: log_abs_s.sum(),
    ),
)

EXERCISE = Exercise(
    id="07.sign",
    title="The sign of the determinant",
    level="stretch",
    minutes=15,
    points=3,
    anchor="sec-07-sign",
    task=TASK,
    hints=HINTS,
    references=(sign_and_log_det,),
    returns=("sign, +1 or -1", "log_abs_det, a single number"),
    cases=cases,
    mistakes=MISTAKES,
    independent=slogdet,
    gradient=("log_abs_s",),
    avoid=dict.fromkeys(
        DETERMINANTS,
        "the exercise asks for the sign without a determinant: count swaps, or follow the cycles",
    ),
)
