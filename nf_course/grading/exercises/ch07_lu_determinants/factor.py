"""07.factor: start the layer from a rotation. Pivoting is not unique, so W is rebuilt and compared."""

import torch
from torch import Tensor

from nf_course.grading.exercise import Case, Exercise, Finding, Mistake
from nf_course.grading.exercises.ch07_lu_determinants.build_w import build_w

TASK = r"""
A linear layer starts from a random rotation $W$, and is trained in its factors. Write the step between: take an
invertible $W$ of shape `(C, C)` apart, once, into the five tensors of which

$$W = P\, L\, \bigl(U + \operatorname{diag}(s)\bigr), \qquad s = \mathtt{sign\_s} \odot \exp(\mathtt{log\_abs\_s})$$

Return `(permutation, lower, upper, sign_s, log_abs_s)` as the exercise that builds $W$ takes them: row $i$ of $P$
has its one in column `permutation[i]`, only the strict triangles of `lower` and `upper` count, the vectors have
shape `(C,)`. `torch.linalg.lu(W)` returns the matrices $P$, $L$, $U$ with $W = P L U$. The check puts your factors
together again.
"""

HINTS = (
    "torch.linalg.lu does the factorisation. What remains is to store P as indices, and the diagonal of U as "
    "sign and logarithm.",
    "Row i of P has a single one. In which column? argmax finds it, along the right dimension.",
    "permutation = P.argmax(dim=1), s = U.diagonal(), sign_s = s.sign(), log_abs_s = s.abs().log(); L and U can "
    "be returned as they are.",
)


def factor(W):
    P, L, U = torch.linalg.lu(W)
    s = U.diagonal()
    return P.argmax(dim=1), L.tril(-1), U.triu(1), s.sign(), s.abs().log()


def cases(draw):
    made = []
    for channels in (4, 1, 3, 7):
        matrix = draw.rotation(channels)
        while channels > 2 and _own_inverse(matrix):  # a P that undoes itself would hide a turned-round permutation
            matrix = draw.rotation(channels)
        made.append(Case((matrix,)))
    return made


def _own_inverse(matrix: Tensor) -> bool:
    P = torch.linalg.lu(matrix.cpu())[0]
    return torch.equal(P, P.T)


def judge(case, value):
    """Put the factors together again; if that is not W, look for one repair that makes it W, and name that."""
    (W,) = case.args
    channels = len(W)
    if not isinstance(value, (tuple, list)) or len(value) != 5 or not all(isinstance(v, Tensor) for v in value):
        if isinstance(value, (tuple, list)) and len(value) == 3:
            return _found("three", "five tensors", "three: P, L, U", "type")
        names = ("permutation", "lower", "upper", "sign_s", "log_abs_s")
        if isinstance(value, (tuple, list)) and len(value) == 5:
            name, odd = next((n, v) for n, v in zip(names, value, strict=True) if not isinstance(v, Tensor))
            likely = "max returns values and indices: use argmax" if isinstance(odd, tuple) else ""
            return Finding("type", f"{name}: a torch.Tensor", f"a {type(odd).__name__}", likely=likely)
        got = f"{len(value)} things" if isinstance(value, (tuple, list)) else f"a {type(value).__name__}"
        return Finding("type", f"five tensors: ({', '.join(names)})", got)
    permutation, lower, upper, sign_s, log_abs_s = (v.detach() for v in value)
    if permutation.ndim == 2:
        return _found("matrix", f"permutation of shape ({channels},)", f"shape {tuple(permutation.shape)}", "shape")
    for name, tensor, shape in (
        ("permutation", permutation, (channels,)),
        ("lower", lower, (channels, channels)),
        ("upper", upper, (channels, channels)),
        ("sign_s", sign_s, (channels,)),
        ("log_abs_s", log_abs_s, (channels,)),
    ):
        if tensor.shape != shape:
            return Finding("shape", f"{name} of shape {shape}", f"shape {tuple(tensor.shape)}")
    if permutation.is_floating_point() or sorted(permutation.tolist()) != list(range(channels)):
        whole = sorted(permutation.tolist()) == list(range(channels))
        expected = f"permutation: the {'whole numbers' if whole else 'indices'} 0 to {channels - 1}, each once"
        return _found(None if whole else "no_permutation_at_all", expected, str(permutation.tolist())[:30], "dtype")
    if not all(torch.isfinite(v).all() for v in (lower, upper, sign_s, log_abs_s)):
        bad = "log_abs_s" if not torch.isfinite(log_abs_s).all() else "the factors"
        return _found("no_abs" if bad == "log_abs_s" else None, "finite factors", f"NaN or infinity in {bad}", "finite")
    lower, upper, sign_s, log_abs_s = (v.to(W) for v in (lower, upper, sign_s, log_abs_s))
    right = (permutation.to(W.device), lower, upper, sign_s, log_abs_s)
    if not torch.isin(sign_s, torch.tensor([-1.0, 1.0], device="cpu").to(W)).all():
        got = str([round(s, 2) for s in sign_s.tolist()])[:30]
        name = "signs_zero" if torch.isin(sign_s, torch.tensor([0.0, 1.0], device="cpu").to(W)).all() else "signs"
        return _found(name, "sign_s of +1 and -1", got)
    error = (build_w(*right) - W).abs().max().item()
    if error < 1e-5:
        return None
    return _found(_why(W, *right), "factors that give W again", f"another matrix (difference {error:.2g})")


def _why(W, permutation, lower, upper, sign_s, log_abs_s) -> str | None:
    def gives(want=W, permutation=permutation, lower=lower, upper=upper, sign_s=sign_s, log_abs_s=log_abs_s):
        return bool((build_w(permutation, lower, upper, sign_s, log_abs_s) - want).abs().max() < 1e-5)

    s = torch.linalg.lu(W)[2].diagonal()
    if gives(permutation=permutation.argsort()):
        return "inverse_permutation"
    if gives(sign_s=s.sign()):
        return "no_sign"
    if gives(log_abs_s=s.abs().log()):
        return "not_log"
    if gives(upper=upper * s[:, None]):
        return "divided"
    if gives(want=W.T):
        return "transposed"
    if gives(lower=upper, upper=lower):
        return "exchanged"
    if gives(permutation=torch.linalg.lu(W)[0].argmax(1)):
        return "no_permutation"
    return None


def _found(name: str | None, expected: str, got: str, test: str = "value") -> Finding:
    likely = next((mistake.message for mistake in MISTAKES if mistake.name == name), "")
    return Finding(test, expected, got, likely=likely, mistake=name)


def volume_kept(ask, draw):
    """A rotation keeps volumes: whatever the factors are, sum(log_abs_s) is 0."""
    total = ask(draw.rotation(6))[4].sum().item()
    if abs(total) > 1e-5:
        return Finding("property", "sum(log_abs_s) = log|det W| = 0 for a rotation", f"{total:.4f}")
    return None


MISTAKES = (
    Mistake(
        "inverse_permutation",
        "the permutation is turned round: row i of P has its one in column permutation[i]: P.argmax(dim=1)",
    ),
    Mistake(
        "no_permutation",
        "the permutation that lu returned is not used: store it, or the rows come back in another order",
    ),
    Mistake("no_sign", "the signs of s are lost: sign_s is the sign of U's diagonal"),
    Mistake("signs", "sign_s holds signs alone, s.sign(); the sizes go into log_abs_s, the last of the five"),
    Mistake("signs_zero", "a negative s has the sign -1, not 0 or False: use s.sign()"),
    Mistake("not_log", "log_abs_s must be the logarithm of |s|"),
    Mistake("no_abs", "the logarithm of a negative s is NaN: take its absolute value first"),
    Mistake(
        "no_permutation_at_all",
        "these are no permutation: P, the first that torch.linalg.lu returns, has one 1 in each row; "
        "lu_factor's pivots are swaps",
    ),
    Mistake("divided", "U is divided by s: only its diagonal is replaced, the strict triangle stays as it is"),
    Mistake("transposed", "these are the factors of the transpose of W"),
    Mistake("exchanged", "lower and upper are exchanged"),
    Mistake("matrix", "P is returned as a matrix: store the column of each row's one, P.argmax(dim=1)"),
    Mistake("three", "lu's own three matrices: store P as indices, and U's diagonal as sign_s and log_abs_s"),
)

EXERCISE = Exercise(
    id="07.factor",
    title="Start from a rotation",
    level="stretch",
    minutes=15,
    points=3,
    anchor="sec-07-initialise",
    task=TASK,
    hints=HINTS,
    references=(factor,),
    returns=("permutation (C,)", "lower (C, C)", "upper (C, C)", "sign_s (C,)", "log_abs_s (C,)"),
    cases=cases,
    mistakes=MISTAKES,
    judge=judge,
    independent=volume_kept,
)
