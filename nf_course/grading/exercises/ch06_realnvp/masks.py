"""06.masks: what a checkerboard keeps and what it moves, as two whole images."""

import torch

from nf_course.grading.exercise import Case, Exercise, Finding, Mistake

TASK = r"""
A checkerboard keeps the pixels whose row and column, counted from zero, add up to an even number, and moves the
others. It is the same board in every channel of every image. Write the two parts as whole images, with zeros where a
pixel belongs to the other part:

$$
\text{kept} = b \odot x, \qquad \text{moved} = (1 - b) \odot x, \qquad
b_{hw} = \begin{cases} 1 & h + w \text{ even} \\ 0 & h + w \text{ odd} \end{cases}
$$

`x` has shape `(N, C, H, W)`, and $H$ and $W$ may be odd. Return the pair `(kept, moved)`, each of the shape of `x`.
"""

HINTS = (
    "One board of H rows and W columns is enough: broadcasting repeats it over channels and images.",
    "torch.arange(H)[:, None] is a column of row numbers, torch.arange(W) a row of column numbers; the sum is (H, W).",
    "even = (rows + columns) % 2 == 0; then kept = torch.where(even, x, 0) and moved = x - kept.",
)


def kept_and_moved(x):
    rows = torch.arange(x.shape[2], device=x.device)[:, None]
    columns = torch.arange(x.shape[3], device=x.device)
    even = (rows + columns) % 2 == 0
    kept = torch.where(even, x, 0)
    return kept, x - kept


def cases(draw):
    return [Case((draw.normal(*size),)) for size in ((3, 2, 4, 6), (1, 1, 5, 3), (2, 3, 2, 7))]


def pixel_by_pixel(ask, draw):
    """Every pixel stands in one part and is zero in the other; its four neighbours stand in the other."""
    x = draw.normal(2, 2, 3, 4)
    kept, moved = ask(x)
    for h in range(3):
        for w in range(4):
            here, other = (kept, moved) if (h + w) % 2 == 0 else (moved, kept)
            if not torch.equal(here[:, :, h, w], x[:, :, h, w]) or other[:, :, h, w].any():
                name = "kept" if (h + w) % 2 == 0 else "moved"
                return Finding("property", f"pixel ({h}, {w}) in {name}, and zero in the other part", "something else")
    return None


def _board(board):
    """An answer with another board, `board(c, h, w)` of the indices, True where kept."""

    def answer(x):
        _, C, H, W = x.shape
        c, h, w = (torch.arange(n, device=x.device) for n in (C, H, W))
        keep = board(c[:, None, None], h[:, None], w)
        kept = torch.where(keep, x, 0)
        return kept, torch.where(keep, 0, x)

    return answer


def _by_sample(x):
    n = torch.arange(len(x), device=x.device)[:, None, None, None]
    h, w = torch.arange(x.shape[2], device=x.device)[:, None], torch.arange(x.shape[3], device=x.device)
    keep = (n + h + w) % 2 == 0
    return torch.where(keep, x, 0), torch.where(keep, 0, x)


def _flat(x):
    keep = (torch.arange(x.shape[2] * x.shape[3], device=x.device) % 2 == 0).view(x.shape[2:])
    return torch.where(keep, x, 0), torch.where(keep, 0, x)


def _selected(x):
    kept, _ = kept_and_moved(torch.ones_like(x[0, 0])[None, None])
    keep = kept[0, 0] > 0
    return x[:, :, keep], x[:, :, ~keep]


def _booleans(x):
    kept, _ = kept_and_moved(torch.ones_like(x))
    return kept == 1, kept == 0


MISTAKES = (
    Mistake(
        "roles",
        "the parts are exchanged: kept are the pixels with row + column even",
        lambda x: kept_and_moved(x)[::-1],
    ),
    Mistake(
        "rows",
        "these are stripes, every other row: the column counts as well, h + w",
        _board(lambda c, h, w: (h + 0 * w) % 2 == 0),
    ),
    Mistake(
        "columns",
        "these are stripes, every other column: the row counts as well, h + w",
        _board(lambda c, h, w: (w + 0 * h) % 2 == 0),
    ),
    Mistake(
        "product",
        "h * w is even wherever one of the two is: it is their sum that alternates",
        _board(lambda c, h, w: (h * w) % 2 == 0),
    ),
    Mistake(
        "blocks",
        "the squares of this board are two pixels wide: a checkerboard changes at every pixel",
        _board(lambda c, h, w: (h // 2 + w // 2) % 2 == 0),
    ),
    Mistake(
        "channels",
        "the board changes from channel to channel: it is the same in all of them",
        _board(lambda c, h, w: (c + h + w) % 2 == 0),
    ),
    Mistake("samples", "the board changes from image to image: it is the same in all of them", _by_sample),
    Mistake("flat", "every other number of the flattened image: that is a checkerboard only where W is odd", _flat),
    Mistake(
        "moved_whole", "moved is the whole image: it is zero where a pixel is kept", lambda x: (kept_and_moved(x)[0], x)
    ),
    Mistake(
        "kept_whole", "kept is the whole image: it is zero where a pixel is moved", lambda x: (x, kept_and_moved(x)[1])
    ),
    Mistake(
        "selected",
        "the pixels of each part in a row: here both parts keep the shape of x, with zeros in between",
        _selected,
    ),
    Mistake(
        "boards", "the boards themselves are returned: multiply x by each", lambda x: kept_and_moved(torch.ones_like(x))
    ),
    Mistake("boards", "the boards themselves are returned: multiply x by each", _booleans),
    Mistake("kept_only", "kept alone: return the pair (kept, moved)", lambda x: kept_and_moved(x)[0]),
)

EXERCISE = Exercise(
    id="06.masks",
    title="Both colours of a checkerboard",
    level="warm-up",
    minutes=10,
    points=2,
    anchor="sec-06-masks",
    task=TASK,
    hints=HINTS,
    references=(kept_and_moved,),
    returns=("kept (N, C, H, W)", "moved (N, C, H, W)"),
    cases=cases,
    mistakes=MISTAKES,
    independent=pixel_by_pixel,
    gradient=("x",),
)
