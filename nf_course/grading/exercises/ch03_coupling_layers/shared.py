"""What the exercises of this chapter have in common: their cases and the typical mixing-up of the two parts."""

from __future__ import annotations

import torch

from nf_course.grading.exercise import Case

__all__ = ["cases", "cat_back", "cat_moved_first", "put_back"]

SIZES = ((17, 6, 3), (1, 5, 2), (8, 7, 4), (4, 2, 1))  # rows, features, kept features


def cases(draw) -> list[Case]:
    """x (N, D), a mask (D,) that is True where kept, and two nets from the kept to the moved features."""
    made = []
    for n, d, kept in SIZES:
        scale_net, shift_net = (
            draw.net("scale_net", kept, d - kept),
            draw.net("shift_net", kept, d - kept, amplitude=2.0),
        )
        made.append(Case((2 * draw.normal(n, d), draw.mask(d, kept), scale_net, shift_net)))
    return made


def put_back(x, mask, moved):
    """x with its moved features replaced, each in its own place."""
    out = x.clone()
    out[:, ~mask] = moved
    return out


def cat_back(x, mask, moved):
    """The bug of alternating masks: the parts are joined again, but not where they came from."""
    return torch.cat((x[:, mask], moved), dim=1)


def cat_moved_first(x, mask, moved):
    """The same with the parts the other way round."""
    return torch.cat((moved, x[:, mask]), dim=1)
