"""MaskEditor: paint the mask of each coupling, see which entries of the Jacobian are still zero after k of them.

Row i of J_k is row i of J_{k-1} where x_i is kept; where it is moved, the rows of all kept features join it.
Chapter 3.
"""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import traitlets
from matplotlib.patches import Rectangle

from nf_course.plotting import COLOURS, jacobian_pattern, readable, side_by_side
from nf_course.widgets.base import Figure

__all__ = ["MaskEditor"]

_FIRST, _SECOND = [True] * 3 + [False] * 3, [False] * 3 + [True] * 3
_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


class MaskEditor(Figure):
    """The pattern of a stack of couplings under the reader's hand: masks, Jacobian, features left untouched.

    `masks` holds one list of booleans for each coupling, True where a feature is kept; `applied` says after how many
    couplings the Jacobian is shown. Its pattern is that of couplings whose networks depend on all they are given. In
    a running notebook `masks` follows the buttons, so `IndexMask(editor.masks[0])` is the first mask as painted.

    >>> editor = MaskEditor(masks=[[True, False, False], [False, True, True]], applied=1)
    >>> editor.applied = 3
    Traceback (most recent call last):
    traitlets.traitlets.TraitError: MaskEditor.applied: expected a number of couplings, 0 to 2, got 3
    """

    scripts = ("mask_editor.js",)
    masks = traitlets.List(traitlets.List(traitlets.Bool())).tag(sync=True)
    applied = traitlets.Int(1).tag(sync=True)
    caption = traitlets.Unicode(
        "Press a cell to let a coupling keep or move a feature, or drag over several; the arrow keys go from cell to "
        "cell, space presses. Move the slider to apply the couplings one after the other. Then try to leave one "
        "feature untouched by all four, with no mask repeated."
    ).tag(sync=True)

    def __init__(self, **kwargs) -> None:
        masks = kwargs.pop("masks", [_FIRST, _SECOND, _FIRST, _SECOND])
        try:
            masks = [list(map(bool, mask)) for mask in masks]
        except (TypeError, RuntimeError):
            raise traitlets.TraitError(
                f"MaskEditor.masks: expected a list of masks, each a list of True and False, got {masks!r:.80}"
            ) from None
        super().__init__(masks=masks, **kwargs)

    @traitlets.validate("masks")
    def _keeps_and_moves(self, proposal):
        masks = proposal.value
        if not masks or len({len(mask) for mask in masks}) != 1 or any(len(set(mask)) != 2 for mask in masks):
            raise traitlets.TraitError(
                f"MaskEditor.masks: expected masks of one length, each with True and False, got {masks}"
            )
        return masks

    @traitlets.validate("applied")
    def _not_more_than_there_are(self, proposal):
        if not 0 <= proposal.value <= len(self.masks):
            raise traitlets.TraitError(
                f"MaskEditor.applied: expected a number of couplings, 0 to {len(self.masks)}, got {proposal.value}"
            )
        return proposal.value

    @traitlets.observe("masks")
    def _fewer(self, change) -> None:
        self.applied = min(self.applied, len(self.masks))

    def pattern(self, applied: int | None = None) -> np.ndarray:
        """Which entries of the Jacobian of the first couplings are not zero: (D, D), by default as many as applied."""
        J = np.eye(len(self.masks[0]), dtype=bool)
        for mask in np.array(self.masks)[: self.applied if applied is None else applied]:
            J = np.where(mask[:, None], J, J | J[mask].any(0))
        return J

    def untouched(self) -> list[int]:
        """The features that all couplings applied so far keep."""
        return np.flatnonzero(np.array(self.masks)[: self.applied].all(0)).tolist()

    def still(self) -> mpl.figure.Figure:
        K, D = np.shape(self.masks)
        figure, (left, right) = side_by_side(2, ["the masks", f"∂z/∂x after {self.applied} of {K}"], size=3.3)
        for (k, i), kept in np.ndenumerate(self.masks):
            on = k < self.applied
            colour = COLOURS["grid"] if kept else COLOURS["moved"]
            left.add_patch(
                Rectangle((i - 0.46, k - 0.42), 0.92, 0.84, color=colour, alpha=0.7 if on else 0.2, linewidth=0)
            )
            look = {"weight": "bold" if kept else "normal", "color": COLOURS["ink" if on else "muted"]}
            left.text(i, k, "keep" if kept else "move", ha="center", va="center", fontsize=min(9, 52 / D), **look)
        left.set(xlim=(-0.5, D - 0.5), ylim=(K - 0.5, -0.5), aspect="equal")
        left.set_xticks(range(D), [f"$x_{{{i + 1}}}$" for i in range(D)], color=readable(COLOURS["x"]))
        left.set_yticks(range(K), [f"$f_{{{k + 1}}}$" for k in range(K)])
        left.tick_params(length=0, top=False, labeltop=True, labelbottom=False)
        left.spines[:].set_visible(False)

        now, before, same = self.pattern(), self.pattern(max(0, self.applied - 1)), self.untouched()
        fresh = now & ~before
        jacobian_pattern(np.where(fresh, 1.0, 0.35 * now), right, numbers=False)
        right.plot(*np.nonzero(fresh)[::-1], "o", color="white", markersize=5)
        for i in same:
            right.add_patch(
                Rectangle(
                    (-0.46, i - 0.42), D - 0.08, 0.84, zorder=5, fill=False, color=COLOURS["wrong"], linewidth=1.6
                )
            )
            right.text(i, i, "1", ha="center", va="center", fontsize=9)
        return figure

    def describe(self) -> str:
        def names(features):
            words = [f"x{i + 1}".translate(_SUBSCRIPTS) for i in features]
            return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)

        D, k, now = len(self.masks[0]), self.applied, self.pattern()
        before, same = self.pattern(max(0, k - 1)), self.untouched()
        fewer = (~before).sum() - (~now).sum()
        kept = "; ".join(f"coupling {k} keeps {names(np.flatnonzero(m))}" for k, m in enumerate(self.masks, 1))
        after = f"After {k} coupling{'s' * (k > 1)}: {(~now).sum()} of {D * D} entries of ∂z/∂x are zero"
        change = f", {fewer} fewer than before (dots)." if fewer else ", as before."
        return (
            f"Pattern of the Jacobian, {D} by {D}. {after + change if k else 'No coupling yet: z = x.'} "
            f"{f'Untouched: {names(same)}.' if same else 'Every feature has been moved.'} Masks: {kept}."
        )
