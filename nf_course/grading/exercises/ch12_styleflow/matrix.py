"""12.matrix: what moved when one attribute was edited, and how much of it should not have."""

import torch

from nf_course.grading.exercise import Case, Exercise, Finding, mistakes_of

TASK = r"""
The same $N$ faces were edited $K$ times: edit $k$ was to change attribute $k$ by $\delta_k$, which may be negative, and
to leave the others. All $K$ attributes were measured before, $a_{n,j}$, and after each edit, $a'_{k,n,j}$. How far each
attribute moved, for each unit that was asked for, is a matrix; and the share of all movement that went to attributes
which should have stayed is a score, 0 at best (the chapter's *others / reached* is another one):

$$\begin{gathered}
M_{kj} = \frac1N \sum_{n=1}^{N} \frac{\lvert a'_{k,n,j} - a_{n,j} \rvert}{\lvert \delta_k \rvert}, \\
\text{leak} = \frac{\sum_{k \ne j} M_{kj}}{\sum_{k,j} M_{kj}}
\end{gathered}$$

`before` has shape `(N, K)`, `after` has shape `(K, N, K)` with the edit first, and `delta` has shape `(K,)`. Return the
pair `(M, leak)`: the matrix of shape `(K, K)`, a row for each edit, and one number.
"""

HINTS = (
    "A change up and a change down are both changes: where does the absolute value belong, before or after the mean?",
    "(after - before).abs() has shape (K, N, K): edit, face, attribute. Which of them is averaged over? delta[:, None] "
    "divides the rows.",
    "M = (after - before).abs().mean(1) / delta.abs()[:, None]; leak = 1 - M.trace() / M.sum().",
)


def disentanglement_matrix(before, after, delta):
    M = (after - before).abs().mean(1) / delta.abs()[:, None]
    return M, 1 - M.trace() / M.sum()


def cases(draw):
    """More faces than attributes and fewer, one face, one attribute; sizes of edits that differ by their sign too."""
    made = []
    for n, k in ((7, 3), (1, 4), (5, 1), (2, 5), (4, 4)):
        before = draw.normal(n, k)
        delta = draw.signs(k) * draw.uniform(0.4, 3.0, k)
        moved = torch.eye(k).to(before) + draw.uniform(-0.6, 0.6, k, k) + 0.5 * draw.normal(k, n, k).transpose(0, 1)
        made.append(Case((before, before + (delta[:, None] * moved).transpose(0, 1), delta)))
    return made


def made_to_order(ask, draw):
    """Edits that move attribute j by exactly A[k, j] |delta_k|, up for some faces and down for others."""
    n, k = 6, 3
    A, delta = draw.uniform(0.1, 1.0, k, k), draw.signs(k) * draw.uniform(0.5, 2.0, k)
    signs = torch.where(draw.normal(k, n, k) < 0, -1.0, 1.0)
    before = draw.normal(n, k)
    M, leak = ask(before, before + signs * (A * delta.abs()[:, None])[:, None], delta)
    if not torch.allclose(M, A, rtol=1e-5, atol=1e-5):
        return Finding("property", "the matrix by which the attributes were moved, up or down", "another one")
    beside = sum(A[i, j].item() for i in range(k) for j in range(k) if i != j)
    want = beside / A.sum().item()
    if abs(float(leak) - want) > 1e-5:
        return Finding("property", f"a leak of {want:.4f}", f"{float(leak):.4f}")
    M, leak = ask(before, before + torch.diag(delta)[:, None], delta)
    if abs(float(leak)) > 1e-9:
        return Finding("property", "a leak of 0, where each edit moves its own attribute alone", f"{float(leak):.4g}")
    return None


def _changes(before, after):
    return (after - before).abs()


def _leak(M):
    return 1 - M.trace() / M.sum()


def _matrix(formula):
    """Another matrix, `formula(after - before, delta)`, and the leak that belongs to it."""

    def answer(before, after, delta):
        M = formula(after - before, delta)
        return M, _leak(M)

    return answer


def _score(formula):
    """The right matrix, and `formula(M)` for the score."""

    def answer(before, after, delta):
        M, _ = disentanglement_matrix(before, after, delta)
        return M, formula(M)

    return answer


def _diagonal(M):
    return M.diagonal()


def _beside(M):
    return M.sum() - M.trace()


def _size(delta):
    return delta.abs()[:, None]


def _turned(change):
    """`after` is taken as (face, edit, attribute), by a view that does not transpose."""

    def answer(before, after, delta):
        n, k = before.shape
        M = change((after.reshape(n, k, k) - before[:, None]).abs().mean(0), delta)
        return M, _leak(M)

    return answer


_ROWS = (
    (
        "signed",
        "changes up and down cancel: the absolute value belongs before the mean over the faces",
        _matrix(lambda e, d: e.mean(1) / _size(d)),
        _matrix(lambda e, d: e.mean(1) / d[:, None]),
        _matrix(lambda e, d: e.mean(1).abs() / _size(d)),
        _matrix(lambda e, d: (e.mean(1) / d[:, None]).abs()),
    ),
    (
        "signed_delta",
        "a negative delta makes a row negative: divide by its absolute value",
        _matrix(lambda e, d: e.abs().mean(1) / d[:, None]),
    ),
    (
        "not_divided",
        "the division by |delta_k| is missing: the movement for each unit that was asked for",
        _matrix(lambda e, d: e.abs().mean(1)),
    ),
    (
        "multiplied",
        "multiplied by delta: divide by its absolute value",
        _matrix(lambda e, d: e.abs().mean(1) * _size(d)),
        _matrix(lambda e, d: e.abs().mean(1) * d[:, None]),
    ),
    (
        "columns_divided",
        "the columns are divided by delta: it belongs to the edits, which are the rows, delta[:, None]",
        _matrix(lambda e, d: e.abs().mean(1) / d.abs()),
        _matrix(lambda e, d: e.abs().mean(1) / d),
    ),
    (
        "one_delta",
        "one size for all edits: each row is divided by its own |delta_k|",
        _matrix(lambda e, d: e.abs().mean(1) / d.abs().mean()),
        _matrix(lambda e, d: e.abs().mean(1) / d[0].abs()),
        _matrix(lambda e, d: e.abs().mean(1) / d.norm()),
        _matrix(lambda e, d: e.abs().mean(1) / d.sum().abs()),
        _matrix(lambda e, d: e.abs().mean(1) / d.abs().max()),
    ),
    (
        "by_what_moved",
        "the rows are divided by how far their own attribute moved, or by their sum: divide by what was asked for",
        _matrix(lambda e, d: e.abs().mean(1) / _diagonal(e.abs().mean(1))[:, None]),
        _matrix(lambda e, d: e.abs().mean(1) / e.abs().mean(1).sum(1, keepdim=True)),
        _matrix(lambda e, d: e.abs().mean(1) / e.abs().mean(1).sum()),
    ),
    (
        "transposed",
        "the matrix is transposed: a row for each edit, a column for each attribute",
        _matrix(lambda e, d: (e.abs().mean(1) / _size(d)).T),
    ),
    (
        "over_edits",
        "the mean runs over the edits, dim 0: it runs over the faces, dim 1",
        _matrix(lambda e, d: e.abs().mean(0)),
        _matrix(lambda e, d: e.abs().mean(0) / _size(d)),
        _matrix(lambda e, d: e.abs().mean(0) / d.abs()),
    ),
    (
        "over_attributes",
        "the mean runs over the attributes, dim 2: it runs over the faces, dim 1",
        _matrix(lambda e, d: e.abs().mean(2)),
        _matrix(lambda e, d: e.abs().mean(2) / _size(d)),
    ),
    (
        "faces_first",
        "edits and faces are mixed up: after has shape (K, N, K), with the edit first",
        _turned(lambda M, d: M / _size(d)),
    ),
    ("sum", "a sum over the faces: their mean is asked for", _matrix(lambda e, d: e.abs().sum(1) / _size(d))),
    (
        "wrong_count",
        "divided by another number than that of the faces, N",
        _matrix(lambda e, d: e.abs().sum(1) / len(d) / _size(d)),
        _matrix(lambda e, d: e.abs().mean((1, 2)).expand(len(d), len(d)) / _size(d)),
    ),
    (
        "squares",
        "squares of the changes: their absolute values are averaged",
        _matrix(lambda e, d: e.square().mean(1).sqrt() / _size(d)),
        _matrix(lambda e, d: e.square().mean(1) / _size(d)),
        _matrix(lambda e, d: e.square().mean(1) / _size(d) ** 2),
    ),
    (
        "deviation",
        "a deviation or a variance over the faces: a change that all of them share would not count",
        _matrix(lambda e, d: e.std(1, unbiased=False) / _size(d)),
        _matrix(lambda e, d: e.var(1, unbiased=False) / _size(d)),
        _matrix(lambda e, d: e.std(1) / _size(d)),
        _matrix(lambda e, d: e.abs().std(1) / _size(d)),
    ),
    (
        "middle_or_largest",
        "the median or the largest change: their mean over the faces is asked for",
        _matrix(lambda e, d: e.abs().median(1).values / _size(d)),
        _matrix(lambda e, d: e.abs().amax(1) / _size(d)),
    ),
    (
        "values",
        "the attributes themselves are averaged: their changes, after - before, are asked for",
        lambda before, after, delta: _matrix(lambda e, d: e.abs().mean(1) / _size(d))(0 * before, after, delta),
        lambda before, after, delta: _matrix(lambda e, d: (e.abs().mean(1) - before.abs().mean(0)).abs() / _size(d))(
            0 * before, after, delta
        ),
    ),
    (
        "diagonal_share",
        "this is the share that went where it should: the leak is the rest of it",
        _score(lambda M: M.trace() / M.sum()),
    ),
    (
        "divided_by_diagonal",
        "divided by what the edited attributes moved: divide by all movement, the diagonal with it",
        _score(lambda M: _beside(M) / M.trace()),
        _score(lambda M: M.trace() / _beside(M)),
    ),
    (
        "beside_only",
        "the sum beside the diagonal alone, or a mean of it: the leak is its share of all movement",
        _score(_beside),
        _score(lambda M: _beside(M) / (len(M) * (len(M) - 1))),
        _score(lambda M: _beside(M) / max(len(M) * (len(M) - 1), 1)),
        _score(lambda M: _beside(M) / len(M)),
        _score(lambda M: _beside(M) / len(M) ** 2),
    ),
    (
        "mean_of_rows",
        "a share for each edit, and their mean: one share of all movement is asked for, sum by sum",
        _score(lambda M: (1 - M.diagonal() / M.sum(1)).mean()),
        _score(lambda M: (1 - M.diagonal() / M.sum(0)).mean()),
        _score(lambda M: 1 - (M.diagonal() / M.sum()).mean()),
    ),
    (
        "share_of_each",
        "a share for each edit: one number for the whole matrix is asked for",
        _score(lambda M: 1 - M.diagonal() / M.sum(1)),
        _score(lambda M: 1 - M.diagonal() / M.sum(0)),
        _score(lambda M: 1 - M.diagonal() / M.sum()),
    ),
    (
        "triangle",
        "one side of the diagonal: both sides are beside it",
        _score(lambda M: M.triu(1).sum() / M.sum()),
        _score(lambda M: M.tril(-1).sum() / M.sum()),
    ),
    ("percent", "a percentage: a share between 0 and 1 is asked for", _score(lambda M: 100 * _leak(M))),
    (
        "of_raw_changes",
        "the leak of movement that is not divided by |delta_k|: take the sums of M",
        lambda before, after, delta: (
            disentanglement_matrix(before, after, delta)[0],
            _leak(_changes(before, after).mean(1)),
        ),
    ),
    ("pair_order", "the pair is the wrong way round: (M, leak)", lambda *a: disentanglement_matrix(*a)[::-1]),
    ("matrix_only", "M alone: return the pair (M, leak)", lambda *a: disentanglement_matrix(*a)[0]),
    ("leak_only", "the leak alone: return the pair (M, leak)", lambda *a: disentanglement_matrix(*a)[1]),
    (
        "each_face",
        "the mean over the faces, dim 1, is missing",
        lambda before, after, delta: (
            _changes(before, after) / delta.abs()[:, None, None],
            disentanglement_matrix(before, after, delta)[1],
        ),
    ),
    (
        "of_one_face",
        "one face alone: average over all N of them",
        _matrix(lambda e, d: e[:, 0].abs() / _size(d)),
        _matrix(lambda e, d: e[:, -1].abs() / _size(d)),
    ),
)

EXERCISE = Exercise(
    id="12.matrix",
    title="What else moved?",
    level="core",
    minutes=10,
    points=3,
    anchor="sec-12-matrix",
    task=TASK,
    hints=HINTS,
    references=(disentanglement_matrix,),
    returns=("M (K, K)", "leak, a single number"),
    cases=cases,
    mistakes=mistakes_of(_ROWS),
    independent=made_to_order,
)
