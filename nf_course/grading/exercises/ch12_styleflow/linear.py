"""12.linear: the smallest step in w that changes one predicted attribute and leaves the others."""

import torch

from nf_course.grading.exercise import Case, Exercise, Finding, mistakes_of

TASK = r"""
Least squares predicts $K$ attributes of a face from its latent, $a \approx L w + \text{const}$: row $j$ of $L$ says
how prediction $j$ grows with $w$. The edit without a flow moves $w$ so that prediction $k$ changes by what is wanted
and no other changes. Many steps do; the shortest one is wanted. With the $k$-th unit vector $e_k$

$$\begin{gathered}
w' = w + \operatorname*{arg\,min}_{\delta} \lVert \delta \rVert^2 \\
\text{with} \quad L \delta = \mathtt{step}\; e_k
\end{gathered}$$

`w` has shape `(N, F)` and `L` has shape `(K, F)`, with $K \le F$ and rows that are independent, but neither of length 1
nor at right angles. `k` counts from 0. `step` has shape `(N,)`: each face has its own. Return $w'$, shape `(N, F)`.
"""

HINTS = (
    "Row k of L is the way up for prediction k. Why does a step along it change the other predictions too?",
    "torch.linalg.pinv(L) has shape (F, K). Which of its columns changes prediction k by 1, and no other?",
    "direction = torch.linalg.pinv(L)[:, k], shape (F,); then w + step[:, None] * direction.",
)


def linear_edit(w, L, k, step):
    direction = torch.linalg.pinv(L)[:, k]
    return w + step[:, None] * direction


def _directions(draw, k, f, *, size=1.0):
    """Independent rows of different lengths, all leaning to one side, so that each step moves every prediction."""
    lengths = size * draw.uniform(0.4, 2.5, k, 1)
    common = torch.nn.functional.normalize(draw.normal(1, f), dim=1)
    rows = draw.rotation(f)[:k] + draw.uniform(0.4, 0.9, k, 1) * draw.signs(k)[:, None] * common
    return lengths * torch.nn.functional.normalize(rows, dim=1)


def cases(draw):
    """Sizes that differ, one face, one attribute, as many attributes as numbers in w; rows of L far below 1, and rows
    in units that differ by hundreds.
    """
    made = []
    for n, k_all, f, k, size in (
        (5, 3, 7, 1, 1.0),
        (1, 2, 4, 1, 1.0),
        (4, 1, 5, 0, 1.0),
        (3, 4, 4, 2, 1.0),
        (2, 3, 6, 2, 1e-3),
        (6, 5, 9, 0, 1.0),
    ):
        L = _directions(draw, k_all, f, size=size)
        if k_all == 5:
            L = L * torch.tensor([1.0, 30.0, 0.1, 3.0, 300.0]).to(L)[:, None]
        step = draw.signs(n) * draw.uniform(0.5, 2.0, n) * (size if size < 1 else 1.0)
        made.append(Case((2 * draw.normal(n, f), L, k, step)))
    return made


def target_reached(ask, draw):
    """By the predictions: one changes by `step`, the others do not; and nothing is spent where no prediction looks."""
    for place, (w, L, k, step) in enumerate(case.args for case in cases(draw)[:4]):
        change = ask(w, L, k, step) - w
        want = torch.zeros(len(w), len(L)).to(w)
        want[:, k] = step
        error = (change @ L.T - want).abs().max().item()
        if not error < 1e-5:
            return Finding("property", f"L (w' - w) = step in column {k}, and 0 in the others", f"off by {error:.2g}")
        basis = torch.linalg.qr(L.T)[0]
        spent = (change - change @ basis @ basis.T).abs().max().item()
        if not spent < 1e-5:
            return Finding(
                "property", f"the shortest change, in the span of the rows (case {place})", f"{spent:.2g} beside"
            )
    return None


def _along(direction):
    """w + step * `direction(L, k)`."""
    return lambda w, L, k, step: w + step[:, None] * direction(L, k)


def _column(L, k):
    return torch.linalg.pinv(L)[:, k]


def _unit(v):
    return v / v.norm()


def _rows(L):
    return L / L.norm(dim=1, keepdim=True)


def _others(L, k):
    return torch.cat((L[:k], L[k + 1 :]))


def _off(v, rows):
    """v without what lies in the span of the rows."""
    return v - torch.linalg.pinv(rows) @ (rows @ v) if len(rows) else v


def _one_by_one(L, k):
    """The others are taken off one after the other, though they are not at right angles to each other."""
    v = L[k]
    for row in _others(L, k):
        v = v - (v @ row) / (row @ row) * row
    return v


def _all_at_once(L, k):
    """The same, each from L[k] itself."""
    return L[k] - sum((L[k] @ row) / (row @ row) * row for row in _others(L, k))


def _first_numbers(w, L, k, step):
    """The first K numbers of w alone are moved: the target is reached, but not by the shortest way."""
    n = len(L)
    solved = torch.linalg.solve(L[:, :n], torch.eye(n).to(L)[:, k])
    return w + step[:, None] * torch.cat((solved, torch.zeros(L.shape[1] - n).to(L)))


def _ridge(e):
    return lambda L, k: L.T @ torch.linalg.solve(L @ L.T + e * torch.eye(len(L)).to(L), torch.eye(len(L)).to(L)[:, k])


def _right(change):
    """`change(w', w)` of the right edit."""
    return lambda w, L, k, step: change(linear_edit(w, L, k, step), w)


_ROWS = (
    (
        "along_row",
        "a step along row k of L, not divided: prediction k changes by |L_k|^2 times as much, and the others move too",
        _along(lambda L, k: L[k]),
    ),
    (
        "along_unit_row",
        "a step along the unit row: prediction k changes by |L_k| times as much, and the others move too",
        _along(lambda L, k: _unit(L[k])),
    ),
    (
        "others_move",
        "prediction k arrives, but the others move too: the step must be at right angles to their rows",
        _along(lambda L, k: L[k] / (L[k] @ L[k])),
        _along(lambda L, k: torch.linalg.pinv(L[k : k + 1])[:, 0]),
    ),
    (
        "not_rescaled",
        "the other rows are taken off, but prediction k does not change by step: divide by what L_k makes of the step",
        _along(lambda L, k: _off(L[k], _others(L, k))),
        _along(lambda L, k: _off(L[k], _others(L, k)) / (L[k] @ L[k])),
        _along(lambda L, k: _off(_unit(L[k]), _others(L, k))),
    ),
    (
        "unit_step",
        "a step of length `step` in w: it is prediction k that changes by step",
        _along(lambda L, k: _unit(_off(L[k], _others(L, k)))),
        _along(lambda L, k: _unit(_column(L, k))),
    ),
    (
        "one_by_one",
        "the other rows are taken off one by one: they are not at right angles to each other, so some of them is left",
        *(
            _along(lambda L, k, f=f, s=s: s(f(L, k), L[k]))
            for f in (_one_by_one, _all_at_once)
            for s in (
                lambda v, row: v,
                lambda v, row: v / (v @ row),
                lambda v, row: v / v.norm(),
                lambda v, row: v / (v @ v),
            )
        ),
    ),
    (
        "rows_of_length_one",
        "the rows of L are brought to length 1 first: predictions are then in other units, and step is not",
        _along(lambda L, k: _column(_rows(L), k)),
        lambda w, L, k, step: linear_edit(w, L / L.norm(), k, step),
    ),
    (
        "longer_than_needed",
        "the target is reached, but not by the shortest way: all numbers of w may move, torch.linalg.pinv(L)",
        _first_numbers,
    ),
    (
        "ridge",
        "something is added to L L^T, or small singular values are dropped: L has independent rows, take it as it is",
        *(_along(_ridge(e)) for e in (1.0, 0.1, 1e-2, 1e-3, 1e-4, 1e-6, 1e-8)),
        *(_along(lambda L, k, r=r: torch.linalg.pinv(L, rtol=r)[:, k]) for r in (0.1, 1e-2)),
        *(_along(lambda L, k, r=r: torch.linalg.pinv(L, atol=r)[:, k]) for r in (0.1, 1e-2)),
    ),
    (
        "transposed",
        "row and column are exchanged: L^+ has shape (F, K), and its column k is wanted",
        _along(lambda L, k: torch.linalg.pinv(L)[k]),
        _along(lambda L, k: torch.linalg.pinv(L).T[:, k]),
        _along(lambda L, k: torch.linalg.pinv(L.T)[:, k]),
        _along(lambda L, k: L[:, k]),
    ),
    (
        "transpose_for_inverse",
        "L^T takes the place of L^+: they are the same only for unit rows at right angles",
        lambda w, L, k, step: w + step[:, None] * (L.T / L.square().sum())[:, k],
        _along(lambda L, k: (L.T / L.square().sum(0)[:, None])[:, k]),
    ),
    (
        "next_attribute",
        "another attribute is changed: k counts from 0",
        _along(lambda L, k: _column(L, k - 1) if len(L) > 1 else 0 * L[0]),
        _along(lambda L, k: _column(L, k - 1)),
        _along(lambda L, k: _column(L, (k + 1) % len(L))),
        _along(lambda L, k: _column(L, 0)),
        _along(lambda L, k: _column(L, -1)),
    ),
    (
        "all_attributes",
        "all predictions change by step: only the k-th one shall",
        _along(lambda L, k: torch.linalg.pinv(L).sum(1)),
        _along(lambda L, k: torch.linalg.pinv(L).mean(1)),
    ),
    (
        "no_step",
        "the step is missing: prediction k changes by step, not by 1",
        lambda w, L, k, step: w + _column(L, k),
    ),
    ("step_sign", "the sign of the step", lambda w, L, k, step: w - step[:, None] * _column(L, k)),
    (
        "step_abs",
        "the step without its sign: a prediction may have to fall",
        lambda w, L, k, step: w + step.abs()[:, None] * _column(L, k),
    ),
    (
        "step_squared",
        "the step is divided by, or squared: the change grows with it as it is",
        lambda w, L, k, step: w + _column(L, k) / step[:, None],
        lambda w, L, k, step: w + (step**2)[:, None] * _column(L, k),
    ),
    (
        "one_step",
        "one step for all faces: each has its own",
        lambda w, L, k, step: w + step[0] * _column(L, k),
        lambda w, L, k, step: w + step.mean() * _column(L, k),
        lambda w, L, k, step: w + step.sum() * _column(L, k),
    ),
    (
        "target_for_step",
        "step is taken for the value that prediction k shall have: it is how much it changes",
        lambda w, L, k, step: w + (step - w @ L[k])[:, None] * _column(L, k),
    ),
    (
        "others_reset",
        "the other predictions go to 0: they stay as they are",
        lambda w, L, k, step: (
            w + (step[:, None] * torch.eye(len(L)).to(L)[k] - _others_only(w @ L.T, k)) @ torch.linalg.pinv(L).T
        ),
        lambda w, L, k, step: w + (step[:, None] * torch.eye(len(L)).to(L)[k] - w @ L.T) @ torch.linalg.pinv(L).T,
    ),
    ("change_only", "this is the change: return w' = w + the change", _right(lambda new, w: new - w)),
    ("unchanged", "w comes back as it was", _right(lambda new, w: w)),
    (
        "projected",
        "what no prediction sees is lost from w: w stays, and the change is added to it",
        lambda w, L, k, step: linear_edit(w @ L.T @ torch.linalg.pinv(L).T, L, k, step),
    ),
    (
        "predictions",
        "these are predictions: the latent that has them is asked for",
        lambda w, L, k, step: linear_edit(w, L, k, step) @ L.T,
        lambda w, L, k, step: w @ L.T + step[:, None] * torch.eye(len(L)).to(L)[k],
    ),
    (
        "renormalised",
        "w' is brought to the length of w: then the target is missed",
        _right(lambda new, w: new * w.norm(dim=1, keepdim=True) / new.norm(dim=1, keepdim=True)),
    ),
    (
        "step_along_row",
        "step has shape (N,) and belongs to the faces: step[:, None] stands beside (F,), step alone does not fit",
        lambda w, L, k, step: w + step * _column(L, k),
        lambda w, L, k, step: w + _column(L, k) * step,
    ),
)


def _others_only(predictions, k):
    return torch.cat((predictions[:, :k], 0 * predictions[:, k : k + 1], predictions[:, k + 1 :]), 1)


EXERCISE = Exercise(
    id="12.linear",
    title="The smallest linear edit",
    level="core",
    minutes=10,
    points=3,
    anchor="sec-12-linear",
    task=TASK,
    hints=HINTS,
    references=(linear_edit,),
    returns=("w (N, F)",),
    cases=cases,
    mistakes=mistakes_of(_ROWS),
    independent=target_reached,
)
