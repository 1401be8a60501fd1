"""16.total_variation: the isotropic total variation of images, smoothed so that it has a gradient everywhere."""

import torch
import torch.nn.functional as F

from nf_course import data
from nf_course.grading.exercise import Case, Exercise, Finding, mistakes_of

TASK = r"""
Total variation adds up the slopes of an image, whichever way they point. For each image, with the differences to the
pixel below and to the one on the right,

$$\begin{gathered}
\mathrm{TV}_n = \sum_{c,\,h,\,w} \left( \sqrt{\delta_{\downarrow}^2 + \delta_{\rightarrow}^2 + \epsilon^2}
- \epsilon \right), \\
\delta_{\downarrow} = x_{n,c,h+1,w} - x_{n,c,h,w}, \\
\delta_{\rightarrow} = x_{n,c,h,w+1} - x_{n,c,h,w}
\end{gathered}$$

Under the root $\epsilon$ keeps the gradient finite where an image is flat; taken off again, a flat image has a total
variation of 0. A difference that would lead beyond the image is 0: in the last row $\delta_{\downarrow} = 0$, in the
last column $\delta_{\rightarrow} = 0$, and the other difference of these pixels still counts.

`x` has shape `(N, C, H, W)`; `smoothing`, which is $\epsilon$, is one positive number. Return the total variation of
each image, shape `(N,)`. A gradient must reach `x`.
"""

HINTS = (
    "Each pixel gives one root, of both its differences together: H times W of them for each channel. What are the "
    "differences of a pixel in the last row, in the last column, in the corner of both?",
    "x[:, :, 1:] - x[:, :, :-1] has one row too few. F.pad(..., (0, 0, 0, 1)) of torch.nn.functional adds a row of "
    "zeros below; (0, 1) adds a column on the right.",
    "down = F.pad(x[:, :, 1:] - x[:, :, :-1], (0, 0, 0, 1)); right = F.pad(x[..., 1:] - x[..., :-1], (0, 1)); then "
    "((down**2 + right**2 + smoothing**2).sqrt() - smoothing).sum((1, 2, 3)).",
)


def total_variation(x, smoothing):
    down = F.pad(x[:, :, 1:] - x[:, :, :-1], (0, 0, 0, 1))
    right = F.pad(x[:, :, :, 1:] - x[:, :, :, :-1], (0, 1))
    slopes = torch.sqrt(down.square() + right.square() + smoothing**2) - smoothing
    return slopes.sum((1, 2, 3))


def cases(draw):
    """Images higher than wide and wider than high, with flat parts, digits; one image, one channel; less smoothing."""
    made = []
    for n, c, h, w, epsilon in ((4, 2, 3, 5, 0.3), (1, 3, 5, 2, 0.1), (3, 1, 4, 4, 0.2)):
        x = draw.normal(n, c, h, w)
        x[-1, -1, :2, :2] = x[-1, -1, 0, 0]
        made.append(Case((x, epsilon * draw.uniform(0.8, 1.2, 1).item())))
    digits = data.digits("train").images[draw.integer(0, 1000) :][:3].to(x)[..., 1:] / 16  # (3, 1, 8, 7)
    made.append(Case((digits, 0.01)))
    return made


def known_images(ask, draw):
    """One bright pixel, in the middle, in a corner, on an edge; a step; a flat image: their slopes can be counted."""
    h, w, a, e = 4, 5, draw.uniform(0.5, 2.0, 1).item(), 0.2
    slope, corner = (a**2 + e**2) ** 0.5 - e, (2 * a**2 + e**2) ** 0.5 - e
    x = torch.zeros(6, 2, h, w).to(draw.normal(1))
    x[0, 0, 1, 2] = x[1, 1, 0, 0] = x[2, 0, 3, 4] = x[3, 0, 3, 1] = a
    x[4, :, 2:] = a
    x[5] = a
    for n, (what, want) in enumerate(
        (
            ("one pixel in the middle", 2 * slope + corner),
            ("one pixel in the first corner", corner),
            ("one pixel in the last corner", 2 * slope),
            ("one pixel in the last row", 3 * slope),
            ("a step between two rows, in two channels", 2 * w * slope),
            ("a flat image", 0.0),
        )
    ):
        got = ask(x, e)[n].item()
        if abs(got - want) > 1e-5 * (1 + want):
            return Finding("property", f"{want:.4f} for {what}", f"{got:.4f}")
    return None


def _differences(x):
    return F.pad(x.diff(dim=2), (0, 0, 0, 1)), F.pad(x.diff(dim=3), (0, 1))


def _size(down, right, more=0.0):
    return torch.sqrt(down.square() + right.square() + more)


def _slope(down, right, e):
    return _size(down, right, e**2) - e


def _of(slopes):
    """`slopes(down, right, smoothing)` for each pixel instead of the right ones, summed."""
    return lambda x, smoothing: slopes(*_differences(x), smoothing).sum((1, 2, 3))


def _total(total):
    """`total(slopes)` of the right slopes, (N, C, H, W)."""
    return lambda x, smoothing: total(_slope(*_differences(x), smoothing))


def _with(differences):
    """Other differences, `differences(x)`."""
    return lambda x, smoothing: _slope(*differences(x), smoothing).sum((1, 2, 3))


def _inner(x):
    return x.diff(dim=2)[..., :-1], x.diff(dim=3)[:, :, :-1]


def _round(x):
    return x.roll(-1, 2) - x, x.roll(-1, 3) - x


def _backward(x):
    return F.pad(x.diff(dim=2), (0, 0, 1, 0)), F.pad(x.diff(dim=3), (1, 0))


def _central(x):
    return torch.gradient(x, dim=(2, 3))


def _to_black(x):
    return F.pad(x, (0, 0, 0, 1)).diff(dim=2), F.pad(x, (0, 1)).diff(dim=3)


def _flat(x):
    """Differences in the image as one long row: the end of a row meets the start of the next."""
    w, long = x.shape[3], x.flatten(2)
    down = F.pad(long[..., w:] - long[..., :-w], (0, w))
    return down.view_as(x), F.pad(long.diff(dim=2), (0, 1)).view_as(x)


def _channels(x):
    return F.pad(x.diff(dim=1), (0, 0, 0, 0, 0, 1)), F.pad(x.diff(dim=2), (0, 0, 0, 1))


def _joined(x, smoothing):
    down, right = _differences(x)
    return _slope(_size(down, right).norm(dim=1), torch.zeros_like(x[:, 0]), smoothing).sum((1, 2))


def _off(times):
    """The smoothing is taken off from the sum, `times(x)` times."""
    return lambda x, smoothing: _size(*_differences(x), smoothing**2).sum((1, 2, 3)) - times(x) * smoothing


def _one_root(x, more):
    return (_size(*_differences(x)).square().sum((1, 2, 3)) + more).sqrt()


_ROWS = (
    (
        "anisotropic",
        "two roots or absolute values for each pixel: one root of both squares together makes it isotropic",
        _of(lambda down, right, e: down.abs() + right.abs()),
        _of(lambda down, right, e: _slope(down, 0 * down, e) + _slope(right, 0 * right, e)),
        _of(lambda down, right, e: _slope(down.abs() + right.abs(), 0 * down, e)),
        _of(lambda down, right, e: down.abs().maximum(right.abs())),
        lambda x, smoothing: sum(_slope(d, 0 * d, smoothing).sum((1, 2, 3)) for d in (x.diff(dim=2), x.diff(dim=3))),
        lambda x, smoothing: sum(_size(d, 0 * d, smoothing**2).sum((1, 2, 3)) for d in (x.diff(dim=2), x.diff(dim=3))),
    ),
    (
        "no_root",
        "squares without a root: edges would cost their square; the root of each pixel's sum is asked for",
        _of(lambda down, right, e: down.square() + right.square()),
        _of(lambda down, right, e: down.square() + right.square() + e**2),
        _of(lambda down, right, e: down.square() + right.square() + e**2 - e),
        _of(lambda down, right, e: 0.5 * (down.square() + right.square())),
    ),
    (
        "root_of_sum",
        "one root of the sum over all pixels: each pixel has its own root, and these are summed",
        lambda x, smoothing: _one_root(x, 0),
        lambda x, smoothing: _one_root(x, smoothing**2),
        lambda x, smoothing: _one_root(x, smoothing**2) - smoothing,
        lambda x, smoothing: _one_root(x, x[0].numel() * smoothing**2),
    ),
    (
        "no_smoothing",
        "the smoothing is missing: where the image is flat, the root has no gradient",
        _of(lambda down, right, e: _size(down, right)),
        *(_of(lambda down, right, e, more=more: _size(down, right, more)) for more in (1e-8, 1e-6, 1e-12)),
    ),
    (
        "not_taken_off",
        "epsilon is not taken off again: a flat image has a total variation of 0",
        _of(lambda down, right, e: _size(down, right, e**2)),
    ),
    (
        "taken_off_once",
        "epsilon is taken off too seldom, or too often: once for each root, which are C H W in an image",
        _off(lambda x: 1),
        _off(lambda x: x[0, 0].numel()),
        _off(lambda x: x.numel()),
        _off(lambda x: x.shape[1]),
        _off(lambda x: 2 * x[0].numel()),
    ),
    (
        "epsilon_place",
        "epsilon stands elsewhere: its square is added under the root, once, and epsilon is taken off behind it",
        _of(lambda down, right, e: _size(down, right, e)),
        _of(lambda down, right, e: _size(down, right, e) - e),
        _of(lambda down, right, e: _size(down, right, e) - e**0.5),
        _of(lambda down, right, e: _size(down, right) + e),
        _of(lambda down, right, e: _size(down, right) - e),
        _of(lambda down, right, e: _size(down, right, e**2) + e),
        _of(lambda down, right, e: _size(down, right, e**2) - e**2),
        _of(lambda down, right, e: _size(down, right, e**4) - e**2),
        _of(lambda down, right, e: _size(down, right, 2 * e**2) - e),
        _of(lambda down, right, e: _size(down + e, right + e) - e),
        _of(lambda down, right, e: _size(down, right).clamp(min=e)),
        _of(lambda down, right, e: _size(down, right).clamp(min=e) - e),
        _of(lambda down, right, e: torch.sqrt(down.square() + right.square() + e**2 - e)),
    ),
    (
        "edges_dropped",
        "the last row or column is left out: its pixels count, with a difference of 0 where there is none",
        _with(_inner),
        _with(lambda x: (d[:, :, 1:, 1:] for d in _backward(x))),
        _with(lambda x: (d[:, :, :-1] for d in _differences(x))),
        _with(lambda x: (d[..., :-1] for d in _differences(x))),
    ),
    (
        "wrapped",
        "the image is taken as a ring: the last row does not meet the first one",
        _with(_round),
        _with(lambda x: (x - x.roll(1, 2), x - x.roll(1, 3))),
    ),
    (
        "to_black",
        "the image is padded, and its edge counts: the difference beyond it is 0, not that to a black pixel",
        _with(_to_black),
    ),
    (
        "other_pixel",
        "differences to the pixel above or on the left: both are to the next one, below and on the right",
        _with(_backward),
        _with(lambda x: (_backward(x)[0], _differences(x)[1])),
        _with(lambda x: (_differences(x)[0], _backward(x)[1])),
    ),
    (
        "central",
        "central differences: they skip a pixel, and do not see a checkerboard",
        _with(_central),
    ),
    (
        "rows_run_on",
        "the image is taken apart into one long row: the end of a row is no neighbour of the next one's start",
        _with(_flat),
    ),
    (
        "one_direction",
        "one direction alone: both differences stand under the root",
        _with(lambda x: (_differences(x)[0], torch.zeros_like(x))),
        _with(lambda x: (torch.zeros_like(x), _differences(x)[1])),
    ),
    (
        "wrong_dimension",
        "a difference between channels: rows are dim 2, columns are dim 3",
        _with(_channels),
    ),
    ("joined_channels", "the channels stand under one root: each has its own", _joined),
    (
        "mean",
        "a mean, or divided by something: the slopes are summed",
        _total(lambda slopes: slopes.mean((1, 2, 3))),
        _total(lambda slopes: slopes.sum((2, 3)).mean(1)),
        _total(lambda slopes: slopes.mean((2, 3)).sum(1)),
        _total(lambda slopes: slopes.sum((1, 2, 3)) / 2),
    ),
    (
        "whole_batch",
        "summed or averaged over the images: one number for each, (N,)",
        _total(lambda slopes: slopes.sum()),
        _total(lambda slopes: slopes.sum((1, 2, 3)).mean()),
        _total(lambda slopes: slopes.sum().expand(len(slopes))),
    ),
    (
        "not_summed",
        "a sum is missing: over channels, rows and columns, (1, 2, 3)",
        _total(lambda slopes: slopes),
        _total(lambda slopes: slopes.sum((2, 3))),
        _total(lambda slopes: slopes.sum(1)),
    ),
    (
        "sign",
        "this is minus the total variation, a log-prior: its value is not below 0",
        _total(lambda r: -r.sum((1, 2, 3))),
    ),
)

EXERCISE = Exercise(
    id="16.total_variation",
    title="Isotropic total variation",
    level="core",
    minutes=10,
    points=2,
    anchor="sec-16-tv",
    task=TASK,
    hints=HINTS,
    references=(total_variation,),
    returns=("TV (N,)",),
    cases=cases,
    mistakes=mistakes_of(_ROWS),
    independent=known_images,
    gradient=("x",),
)
