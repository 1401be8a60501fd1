"""MaskEditor: paint the mask of each coupling, see which entries of the Jacobian are still zero after k of them.

Row i of J_k is row i of J_{k-1} where x_i is kept; where it is moved, the rows of all kept features join it.
Chapter 3.
"""

from __future__ import annotations

import traitlets

from nf_course.widgets.base import Figure

__all__ = ["MaskEditor"]

_FIRST, _SECOND = [True] * 3 + [False] * 3, [False] * 3 + [True] * 3


class MaskEditor(Figure):
    """The pattern of a stack of couplings under the reader's hand: masks, Jacobian, features left untouched.

    `masks` holds one list of booleans for each coupling, True where a feature is kept; `applied` says after how many
    couplings the Jacobian is shown. Its pattern is that of couplings whose networks depend on all they are given. In
    a running notebook `masks` follows the buttons, so `IndexMask(editor.masks[0])` is the first mask as painted.

    >>> MaskEditor(masks=[[True, False, False], [False, True, True]], applied=1).applied
    1
    """

    script = "mask_editor.js"
    masks = traitlets.List(traitlets.List(traitlets.Bool()), [_FIRST, _SECOND, _FIRST, _SECOND]).tag(sync=True)
    applied = traitlets.Int(1).tag(sync=True)
    caption = traitlets.Unicode(
        "Press a cell to let a coupling keep or move a feature, or drag over several; the arrow keys go from cell to "
        "cell, space presses. Move the slider to apply the couplings one after the other. Then try to leave one "
        "feature untouched by all four, with no mask repeated."
    ).tag(sync=True)

    def __init__(self, **kwargs) -> None:
        masks = [list(map(bool, mask)) for mask in kwargs.pop("masks", [_FIRST, _SECOND, _FIRST, _SECOND])]
        if not masks or len({len(mask) for mask in masks}) != 1 or any(len(set(mask)) != 2 for mask in masks):
            raise ValueError(f"MaskEditor: expected masks of one length, each with True and False, got {masks}")
        applied = kwargs.pop("applied", 1)
        if not 0 <= applied <= len(masks):
            raise ValueError(f"MaskEditor: expected applied from 0 to {len(masks)}, got {applied}")
        super().__init__(masks=masks, applied=applied, **kwargs)
