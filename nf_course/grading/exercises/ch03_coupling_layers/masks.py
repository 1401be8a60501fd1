"""03.bad_mask: masks that work together, and masks that look as if they did. Judged by what they do, not by values."""

import torch
from torch import Tensor

from nf_course.grading.exercise import Case, Exercise, Finding, Mistake

TASK = r"""
A flow of $k$ couplings has $k$ masks. That neighbours differ is not enough. Write two functions, each returning a
list of `k` boolean masks of length `D` (`True` where a feature is *kept*), for any `D >= 3` and `k >= 2`:

- `good_masks(D, k)`: every feature is moved by at least one coupling.
- `bad_masks(D, k)`: the masks look busy, and yet some feature is never moved. However the flow is trained, its encode
  leaves that feature as it is, and row $i$ of its Jacobian is a row of the identity,
  $\partial z_i / \partial x_j = \delta_{ij}$.

In both lists every mask keeps at least one feature and moves at least one, and neighbouring masks differ.
The check builds flows with random nets from your masks and looks at their Jacobians. Many answers are right.
"""

HINTS = (
    "Write the masks as rows of a table, k rows and D columns. A column that is True from top to bottom is a "
    "feature that is never moved.",
    "For the good list take a mask and its complement in turn: what one keeps, the other moves.",
    "For the bad list keep the last feature in every mask, and let the mask and its complement take turns on "
    "the other D - 1.",
)


def good_masks(D, k):
    even = torch.arange(D) % 2 == 0
    return [even if i % 2 == 0 else ~even for i in range(k)]


def bad_masks(D, k):
    even = torch.arange(D) % 2 == 0
    last = torch.arange(D) == D - 1
    return [(even if i % 2 == 0 else ~even) | last for i in range(k)]


def cases(draw):
    # fewer masks than features, and more: a table that runs out of rows, or lasts just long enough, must show it
    sizes = ((3, 2), (6, 4), (3, 7), (5, 3), (draw.integer(7, 12), draw.integer(2, 7)))
    return [Case(size, function) for function in (0, 1) for size in sizes]


def judge(case, value):
    """The rules of the task, one after the other, on a table of k rows and D columns."""
    D, k = case.args
    table = _table(value, D, k)
    if isinstance(table, Finding):
        return table
    if table.all(1).any():
        return _found("all_kept", "masks that move at least one feature", _row(table, table.all(1)))
    if not table.any(1).all():
        return _found("none_kept", "masks that keep at least one feature", _row(table, ~table.any(1)))
    same = (table[1:] == table[:-1]).all(1)
    if same.any():
        first = same.nonzero()[0].item()
        return _found("same_mask", "neighbouring masks that differ", f"masks {first} and {first + 1} alike")
    never_moved = table.all(0)
    if case.function == 0 and never_moved.any():
        return _found("never_moved", "every feature moved at least once", _column(never_moved, "is kept by every mask"))
    if case.function == 1 and not never_moved.any():
        always = ~table.any(0)
        if always.any():
            return _found(
                "convention", "a feature that no mask moves", _column(always, "is False in every mask: always moved")
            )
        return _found("all_moved", "a feature that no mask moves", "every feature is moved by some mask")
    return None


def identity_rows(ask, draw):
    """Build the flow, take its Jacobian: the bad masks leave a row of the identity, the good ones none."""
    for function, bad in ((0, False), (1, True)):
        D, k = 5, 4
        table = _table(ask(D, k, function=function), D, k)
        context = draw.normal(1, 2)
        couplings = [draw.coupling("coupling", mask.to(draw.device), context=2) for mask in table]

        def encode(x, couplings=couplings, context=context):
            z = x[None]
            for coupling in couplings:
                z, _ = coupling.encode(z, context)
            return z[0]

        jacobian = torch.autograd.functional.jacobian(encode, draw.normal(D))
        untouched = (jacobian - torch.eye(D, device="cpu").to(jacobian)).abs().amax(1) < 1e-9
        if bool(untouched.any()) != bad:
            want = "a row of the identity" if bad else "no row of the identity"
            return Finding("property", f"{want} in the flow's Jacobian", f"{int(untouched.sum())} such rows")
    return None


def _table(value, D, k) -> Tensor | Finding:
    """Anything that is obviously k rows of D booleans, as one tensor."""
    try:
        if len(value) != k:
            return _found("count", f"{k} masks", f"{len(value)}", "shape")
        rows = [torch.as_tensor(row, device="cpu").detach() for row in value]
    except Exception:  # not a list of masks at all: the message says what is wanted
        got = type(value).__name__
        if isinstance(value, (list, tuple)) and value:
            got += f" of {type(value[0]).__name__}"
        return Finding("type", f"a list of {k} boolean tensors of length {D}", f"a {got}")
    for row in rows:
        zeros_and_ones = row.ndim == 1 and all(entry in (0, 1) for entry in row.tolist())
        if row.dtype != torch.bool and (not zeros_and_ones or len(row) != D):
            return _found("indices", f"booleans, {D} in each mask", str(row.tolist())[:30], "dtype")
        if row.shape != (D,):
            return _found("length", f"masks of shape ({D},)", f"shape {tuple(row.shape)}", "shape")
    return torch.stack([row.bool() for row in rows])


def _row(table: Tensor, which: Tensor) -> str:
    index = which.nonzero()[0].item()
    return f"mask {index} is {table[index].int().tolist()}"


def _column(which: Tensor, what: str) -> str:
    return f"feature {which.nonzero()[0].item()} {what}"


def _found(name: str, expected: str, got: str, test: str = "value") -> Finding:
    message = next(mistake.message for mistake in MISTAKES if mistake.name == name)
    return Finding(test, expected, got, likely=message, mistake=name)


MISTAKES = (
    Mistake("never_moved", "a feature that every mask keeps passes through the whole flow unchanged"),
    Mistake("all_moved", "these masks do move every feature: that is a good list; keep one feature in all of them"),
    Mistake("convention", "True means kept: a column of False is a feature that is moved every time"),
    Mistake("same_mask", "one mask twice in a row: the second coupling conditions on the same features again"),
    Mistake("all_kept", "a mask that keeps everything moves nothing: that coupling is the identity"),
    Mistake("none_kept", "a mask that keeps nothing leaves the nets nothing to see"),
    Mistake("count", "the list needs one mask for each of the k couplings"),
    Mistake("length", "each mask has one entry for each of the D features"),
    Mistake("indices", "these are indices or weights: a mask is D booleans, True where kept"),
)

EXERCISE = Exercise(
    id="03.bad_mask",
    title="Design a bad mask",
    level="stretch",
    minutes=15,
    points=3,
    anchor="sec-03-masks",
    task=TASK,
    hints=HINTS,
    references=(good_masks, bad_masks),
    returns=("k masks (D,)",),
    cases=cases,
    mistakes=MISTAKES,
    judge=judge,
    independent=identity_rows,
)
