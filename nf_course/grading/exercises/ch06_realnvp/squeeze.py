"""06.squeeze: each 2 x 2 square of pixels becomes four channels, by reshaping."""

import torch

from nf_course.grading.exercise import Case, Exercise, Finding, Mistake
from nf_course.grading.exercises.ch06_realnvp.shared import channels_to_squares, squares_to_channels

TASK = r"""
Squeeze turns every $2 \times 2$ square of pixels into four channels of one pixel of a smaller image, row by row:

$$
z_{4c + 2i + j,\; h,\; w} = x_{c,\; 2h + i,\; 2w + j}, \qquad i, j \in \{0, 1\}
$$

`x` has shape `(N, C, H, W)` with even $H$ and $W$. Return `z`, of shape `(N, 4C, H/2, W/2)`. `F.pixel_unshuffle` would
do it in one call, and is not allowed here: move the numbers by hand.
"""

HINTS = (
    "Every row number is 2h + i, so the dimension H is two dimensions in one, H/2 and 2, in this order. So is W.",
    "x.reshape(N, C, H // 2, 2, W // 2, 2) has the dimensions N, C, h, i, w, j. In which order does z want them?",
    "permute(0, 1, 3, 5, 2, 4) brings them to N, C, i, j, h, w; then reshape(N, 4 * C, H // 2, W // 2).",
)


def squeeze(x):
    N, C, H, W = x.shape
    squares = x.reshape(N, C, H // 2, 2, W // 2, 2)
    return squares.permute(0, 1, 3, 5, 2, 4).reshape(N, 4 * C, H // 2, W // 2)


def cases(draw):
    return [Case((draw.normal(*size),)) for size in ((3, 2, 4, 6), (1, 1, 2, 4), (2, 3, 6, 2), (2, 2, 4, 4))]


def square_by_square(ask, draw):
    """Four channels of one small pixel are the four pixels of one square, row by row."""
    x = draw.normal(2, 3, 4, 6)
    z = ask(x)
    for c in range(3):
        for h in range(2):
            for w in range(3):
                square = x[:, c, 2 * h : 2 * h + 2, 2 * w : 2 * w + 2].flatten(1)
                if (z[:, 4 * c : 4 * c + 4, h, w] - square).abs().max().item() > 1e-9:
                    return Finding("property", f"the square at ({2 * h}, {2 * w}) of channel {c}", "other numbers")
    return None


def _view(x):
    N, C, H, W = x.shape
    return x.reshape(N, 4 * C, H // 2, W // 2)


def _quarters(x):
    N, C, H, W = x.shape
    return x.reshape(N, C, 2, H // 2, 2, W // 2).permute(0, 1, 2, 4, 3, 5).reshape(N, 4 * C, H // 2, W // 2)


def _interleaved(x):
    """Right pixels, and h, w permuted to the front: (N, h, w, C, i, j) seen as (N, 4C, h, w)."""
    N, C, H, W = x.shape
    return x.reshape(N, C, H // 2, 2, W // 2, 2).permute(0, 2, 4, 1, 3, 5).reshape(N, 4 * C, H // 2, W // 2)


def _no_permute(x):
    N, C, H, W = x.shape
    return x.reshape(N, C, H // 2, 2, W // 2, 2).reshape(N, 4 * C, H // 2, W // 2)


_VIEW = "a reshape alone: it keeps the numbers in their order in memory, and tears the squares apart; permute first"

MISTAKES = (
    Mistake("view", _VIEW, _view),
    Mistake("view", _VIEW, _no_permute),
    Mistake(
        "quarters",
        "these are the four quarters of the image: H splits into (H/2, 2), not (2, H/2); neighbours belong together",
        _quarters,
    ),
    Mistake(
        "columns_first",
        "the squares are read column by column: channel 4c + 2i + j, with j the column, counts fastest",
        lambda x: squares_to_channels(x, (0, 2, 1, 3)),
    ),
    Mistake(
        "clockwise",
        "the squares are read clockwise: row by row is 0 1 / 2 3",
        lambda x: squares_to_channels(x, (0, 1, 3, 2)),
    ),
    Mistake(
        "diagonals",
        "the diagonal comes first, as a checkerboard would sort them: row by row is 0 1 / 2 3",
        lambda x: squares_to_channels(x, (0, 3, 1, 2)),
    ),
    Mistake(
        "grouped",
        "the four pixels of one channel stand C apart, as cat leaves them: channel 4c + 2i + j keeps them together",
        lambda x: squares_to_channels(x, grouped=False),
    ),
    Mistake(
        "backwards",
        "the order is turned round: pixel (0, 0) comes first",
        lambda x: squares_to_channels(x, (3, 2, 1, 0)),
    ),
    Mistake(
        "interleaved",
        "the channels stand last when the reshape comes: bring them to the front, N, C, i, j, h, w",
        _interleaved,
    ),
    Mistake(
        "transposed",
        "rows and columns of the small image are exchanged: h before w",
        lambda x: squares_to_channels(x).transpose(2, 3),
    ),
    Mistake("one_corner", "one pixel of four is left: all four become channels", lambda x: x[:, :, ::2, ::2]),
    Mistake(
        "unsqueeze", "this goes the other way: squeeze makes images smaller and channels more", channels_to_squares
    ),
    Mistake(
        "pair", "the pair (z, ladj): here z alone is asked for", lambda x: (squeeze(x), torch.zeros_like(x[:, 0, 0, 0]))
    ),
)

_BY_HAND = (
    "F.pixel_unshuffle does it in one call; here the numbers are to be moved by reshape and permute, or by slices"
)

EXERCISE = Exercise(
    id="06.squeeze",
    title="Squeeze by hand",
    level="core",
    minutes=10,
    points=2,
    anchor="sec-06-squeeze",
    task=TASK,
    hints=HINTS,
    references=(squeeze,),
    returns=("z (N, 4C, H/2, W/2)",),
    cases=cases,
    mistakes=MISTAKES,
    independent=square_by_square,
    gradient=("x",),
    avoid={"pixel_unshuffle": _BY_HAND},
)
