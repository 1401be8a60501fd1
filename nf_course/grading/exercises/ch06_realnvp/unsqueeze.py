"""06.unsqueeze: four channels become a 2 x 2 square of pixels again."""

import torch

from nf_course.grading.exercise import Case, Exercise, Finding, Mistake
from nf_course.grading.exercises.ch06_realnvp.shared import channels_to_squares, squares_to_channels

TASK = r"""
Decode a squeeze: put every number back in the place that it came from,

$$
x_{c,\; 2h + i,\; 2w + j} = z_{4c + 2i + j,\; h,\; w}, \qquad i, j \in \{0, 1\}
$$

`z` has shape `(N, 4C, H/2, W/2)`. Return `x`, of shape `(N, C, H, W)`, again without `F.pixel_shuffle`. The order is
part of the map: a decode that reads the four channels in any other order gives a picture that looks nearly right.
"""

HINTS = (
    "The channel number is 4c + 2i + j, so that dimension is three in one: C, 2 and 2.",
    "z.reshape(N, C, 2, 2, h, w) has the dimensions N, C, i, j, h, w. A row number is 2h + i: h must stand before i.",
    "permute(0, 1, 4, 2, 5, 3) brings them to N, C, h, i, w, j; then reshape(N, C, 2 * h, 2 * w).",
)


def unsqueeze(z):
    N, C, h, w = z.shape
    squares = z.reshape(N, C // 4, 2, 2, h, w)
    return squares.permute(0, 1, 4, 2, 5, 3).reshape(N, C // 4, 2 * h, 2 * w)


def cases(draw):
    return [Case((draw.normal(*size),)) for size in ((3, 8, 2, 3), (1, 4, 1, 2), (2, 12, 3, 1), (2, 8, 2, 2))]


def square_by_square(ask, draw):
    """Each square of pixels holds the four channels of one small pixel, row by row."""
    z = draw.normal(2, 8, 3, 2)
    x = ask(z)
    for c in range(2):
        for h in range(3):
            for w in range(2):
                square = x[:, c, 2 * h : 2 * h + 2, 2 * w : 2 * w + 2].flatten(1)
                if (square - z[:, 4 * c : 4 * c + 4, h, w]).abs().max().item() > 1e-9:
                    want = f"channels {4 * c} to {4 * c + 3} of small pixel ({h}, {w}) in one square"
                    return Finding("property", want, "other numbers")
    return None


def _view(z):
    N, C, h, w = z.shape
    return z.reshape(N, C // 4, 2 * h, 2 * w)


def _same_permutation(z):
    """The permutation of squeeze once more: (N, C, i, j, h, w) -> (N, C, j, w, i, h)."""
    N, C, h, w = z.shape
    return z.reshape(N, C // 4, 2, 2, h, w).permute(0, 1, 3, 5, 2, 4).reshape(N, C // 4, 2 * w, 2 * h)


def _same_permutation_forced(z):
    N, C, h, w = z.shape
    return z.reshape(N, C // 4, 2, 2, h, w).permute(0, 1, 3, 5, 2, 4).reshape(N, C // 4, 2 * h, 2 * w)


def _quarters(z):
    N, C, h, w = z.shape
    return z.reshape(N, C // 4, 2, 2, h, w).permute(0, 1, 2, 4, 3, 5).reshape(N, C // 4, 2 * h, 2 * w)


_AGAIN = (
    "the permutation of squeeze once more: the way back needs its inverse, from N, C, i, j, h, w to N, C, h, i, w, j"
)

MISTAKES = (
    Mistake("view", "a reshape alone: the four channels would fill rows one after the other; permute first", _view),
    Mistake("again", _AGAIN, _same_permutation),
    Mistake("again", _AGAIN, _same_permutation_forced),
    Mistake(
        "quarters",
        "each channel fills a quarter of the image: h must stand before i, w before j, so that neighbours alternate",
        _quarters,
    ),
    Mistake(
        "columns_first",
        "the squares are filled column by column: channel 4c + 2i + j belongs to row i, column j",
        lambda z: channels_to_squares(z, (0, 2, 1, 3)),
    ),
    Mistake(
        "clockwise",
        "the squares are filled clockwise: row by row is 0 1 / 2 3",
        lambda z: channels_to_squares(z, (0, 1, 3, 2)),
    ),
    Mistake(
        "diagonals",
        "the diagonal is filled first, as a checkerboard would: row by row is 0 1 / 2 3",
        lambda z: channels_to_squares(z, (0, 3, 1, 2)),
    ),
    Mistake(
        "backwards",
        "the order is turned round: the first channel belongs to pixel (0, 0)",
        lambda z: channels_to_squares(z, (3, 2, 1, 0)),
    ),
    Mistake(
        "grouped",
        "the channels are taken C apart: the four of one square stand side by side, 4c to 4c + 3",
        lambda z: channels_to_squares(z, grouped=False),
    ),
    Mistake(
        "transposed", "rows and columns of the image are exchanged", lambda z: channels_to_squares(z).transpose(2, 3)
    ),
    Mistake("squeeze", "this is squeeze: the way back makes images larger and channels fewer", squares_to_channels),
    Mistake(
        "pair",
        "the pair (x, ladj): here x alone is asked for",
        lambda z: (unsqueeze(z), torch.zeros_like(z[:, 0, 0, 0])),
    ),
)

_BY_HAND = "F.pixel_shuffle does it in one call; here the numbers are to be moved by reshape and permute, or by slices"

EXERCISE = Exercise(
    id="06.unsqueeze",
    title="And back",
    level="core",
    minutes=10,
    points=2,
    anchor="sec-06-squeeze",
    task=TASK,
    hints=HINTS,
    references=(unsqueeze,),
    returns=("x (N, C, H, W)",),
    cases=cases,
    mistakes=MISTAKES,
    independent=square_by_square,
    gradient=("z",),
    avoid={"pixel_shuffle": _BY_HAND},
)
