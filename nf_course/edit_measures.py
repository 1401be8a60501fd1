"""measure_edits, edit_table: did an edit reach its target, what else moved, and did the face stay?

M_kj = E abs(a'_j - a_j) when attribute k is moved by one deviation: the disentanglement matrix.
Chapter 12.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor

from nf_course import data
from nf_course.attributes import ATTRIBUTES, standard_attributes
from nf_course.edit_baselines import GradientEdit, LinearEdit, RegressionEdit
from nf_course.editing import StyleEditor
from nf_course.face_features import face_features
from nf_course.flow import Flow

__all__ = ["EditMeasures", "disentanglement", "edit_figures", "edit_table", "edits_of", "measure_edits"]


class EditMeasures(NamedTuple):
    """What edits of one attribute did, as means over the faces. `moved` is the row of the disentanglement matrix."""

    reached: float  # the part of the way to the target that was gone: 1 is all of it
    error: float  # root mean square of what is missing at the target, in deviations
    moved: Tensor  # (K,) how far each attribute went, in deviations, whichever way
    drift: Tensor  # (K,) the same with its sign: positive if it went along with the edited one
    others: float  # mean of `moved` over the attributes that should have stayed
    face_distance: float  # of the features before and after, 0 to sqrt(2)
    step: float  # ||w' - w||
    norm: float  # ||w'||; about 10 for w of 100 numbers
    log_density: float  # log N(w'; 0, I) - log N(w; 0, I), in nats


class _Seen(NamedTuple):
    attributes: Tensor
    features: Tensor


def measure_edits(
    editor: StyleEditor, w: Tensor, attribute: str | int, shift: float = 1.0, seen: _Seen | None = None
) -> EditMeasures:
    """Edit one attribute of every w, up by `shift` deviations for every other row and down for the rest, and look.

    Both ways, so that nothing is gained by moving faces towards the mean; signs are those of the shift.
    Shapes: w (N, D), N > 1. Errors: `ValueError` for a shift of 0 or an unknown attribute. Cost: the edit, and one
    picture of each w and w'; `look(editor, w)`, given as `seen`, saves the former.
    """
    if not (math.isfinite(shift) and shift):
        raise ValueError(f"measure_edits: expected a shift in deviations, not 0, got {shift}")
    k = editor.index(attribute)
    seen = look(editor, w) if seen is None else seen
    ways = torch.ones(len(w), device=w.device).to(w)
    ways[1::2] = -1
    source = seen.attributes
    edited = editor.edit(w, {k: source[:, k] + shift * ways}, source=source)
    after = look(editor, edited)
    change = (after.attributes - source) * ways[:, None] * math.copysign(1, shift)  # along the shift: positive
    moved, gone = change.abs().mean(0), change[:, k]
    rest = torch.arange(len(editor.names), device=w.device) != k
    return EditMeasures(
        reached=gone.mean().item() / abs(shift),
        error=(gone - abs(shift)).square().mean().sqrt().item(),
        moved=moved,
        drift=change.mean(0),
        others=moved[rest].mean().item() if rest.any() else 0.0,
        face_distance=(after.features - seen.features).norm(dim=1).mean().item(),
        step=(edited - w).norm(dim=1).mean().item(),
        norm=edited.norm(dim=1).mean().item(),
        log_density=(-0.5 * (edited.square() - w.square()).sum(1)).mean().item(),
    )


def look(editor: StyleEditor, w: Tensor) -> _Seen:
    """Attributes and features of the pictures of w, drawn once."""
    attributes, features = [], []
    with torch.no_grad():
        for rows in w.split(editor.batch_size):
            images = editor.generator(rows)
            attributes.append(editor.attributes(images))
            features.append(face_features(images))
    return _Seen(torch.cat(attributes), torch.cat(features))


def disentanglement(editor: StyleEditor, w: Tensor, shift: float = 1.0) -> list[EditMeasures]:
    """`measure_edits` of each attribute in turn; `torch.stack([m.moved for m in ...])` is the matrix, (K, K)."""
    seen = look(editor, w)
    return [measure_edits(editor, w, k, shift, seen) for k in range(len(editor.names))]


def edits_of(flow: Flow, w: Tensor, attributes: Tensor) -> dict[str, Any]:
    """Each way to edit by name, those that learn from examples fitted to (w, attributes)."""
    return {
        "linear": LinearEdit(w, attributes),
        "linear, others kept": LinearEdit(w, attributes, keep=True),
        "regression": RegressionEdit(w, attributes),
        "flow": flow,
    }


def edit_figures(flow: Flow, n: int) -> dict[str, float]:
    """What the card of a trained flow says about its edits of n test faces, as means over the attributes."""
    editor = StyleEditor(flow, data.face_generator(), standard_attributes)
    found = disentanglement(editor, data.faces("test", n).w)
    names = ("reached", "error", "others", "face_distance")
    return {name: round(sum(getattr(m, name) for m in found) / len(found), 4) for name in names}


def edit_table(
    n: int = 500, flow: Flow | None = None, train: int = 40_000, shift: float = 1.0, oracle: int = 0
) -> list[dict[str, float | str]]:
    """One row for each way to edit, its measures on n held-out faces, as means over the attributes.

    `flow` is the one that ships by default; the others are fitted to the first `train` training faces, by default those
    that it was trained on. With `oracle`, the search by gradients is measured too, on so many faces: some 5 s for each.
    `others / reached` is there because edits go unequally far. Cost: 5 n pictures a row, 15 s for n = 500.
    """
    if flow is None:
        from nf_course.recipes import trained  # here: recipes are made of everything else

        flow, _ = trained("styleflow-faces")
    generator, test = data.face_generator(), data.faces("test", n).w
    ways = edits_of(flow, *data.faces("train", train))
    if oracle:
        ways["search by gradients"] = GradientEdit(generator, standard_attributes)
    rows = []
    for name, edit in ways.items():
        w = test[:oracle] if isinstance(edit, GradientEdit) else test
        found = disentanglement(StyleEditor(edit, generator, standard_attributes), w, shift)
        row: dict[str, float | str] = {"edit": name, "faces": len(w)}
        for what in ("reached", "error", "others", "face_distance", "step", "norm", "log_density"):
            row[what] = sum(getattr(measures, what) for measures in found) / len(ATTRIBUTES)
        row["others / reached"] = sum(m.others / m.reached if m.reached else math.nan for m in found) / len(ATTRIBUTES)
        rows.append(row)
    return rows
