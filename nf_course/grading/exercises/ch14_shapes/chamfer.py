"""14.chamfer: how far apart two clouds of points are, by the nearest point of the other, both ways."""

import torch

from nf_course.grading.exercise import Case, Exercise, Finding, mistakes_of

TASK = r"""
How far is a cloud of points from another one, if neither says which point belongs to which? The Chamfer distance asks
each point for the nearest one of the other cloud, and does so both ways:

$$\begin{gathered}
\mathrm{CD}(X, Y) = \frac1P \sum_{i=1}^{P} \min_j \lVert x_i - y_j \rVert^2 \\
+\ \frac1Q \sum_{j=1}^{Q} \min_i \lVert x_i - y_j \rVert^2
\end{gathered}$$

`x` has shape `(N, P, 3)` and `y` has shape `(N, Q, 3)`: $N$ pairs of clouds, of different sizes if $P \ne Q$. Return a
distance for each pair, shape `(N,)`.
"""

HINTS = (
    "All distances of a pair of clouds make a table of P rows and Q columns. What do its rows hold, what its columns?",
    "torch.cdist(x, y) has shape (N, P, Q) and holds the lengths, not yet squared. The smallest number of each row "
    "belongs to a point of x, the smallest of each column to one of y.",
    "squares = torch.cdist(x, y).square(); then squares.amin(2).mean(1) + squares.amin(1).mean(1).",
)


def chamfer(x, y):
    squares = torch.cdist(x, y).square()
    return squares.amin(2).mean(1) + squares.amin(1).mean(1)


def cases(draw):
    """Clouds of different sizes, and of one; one pair, one point, two distant clouds; now x is wider, now y is."""
    made = []
    for n, p, q, size, apart in (
        (3, 5, 8, 1, 0.5),
        (1, 6, 4, 2, 1),
        (4, 1, 3, 1, 1),
        (5, 7, 7, 1, 0.2),
        (2, 30, 40, 2, 6),
    ):
        wide = 1 + 1.5 * (torch.arange(n, device=draw.device) % 2).double()[:, None, None]
        x, y = wide * draw.normal(n, p, 3), (3.5 - wide) * draw.normal(n, q, 3)
        made.append(Case((size * x, size * y + apart * draw.normal(n, 1, 3))))
    return made


def known_distances(ask, draw):
    """A lattice and itself, moved by less than half a step; part of it; points twice; and other orders."""
    steps = torch.arange(3, device=draw.device, dtype=torch.float64)
    lattice = torch.cartesian_prod(steps, steps, steps)  # (27, 3)
    shift = draw.uniform(-0.4, 0.4, 4, 1, 3)
    x = lattice.expand(4, 27, 3)
    y = x[:, draw.permutation(27)] + shift
    length = shift.square().sum((1, 2))
    part = y[:, :5]
    nearest = (lattice[:, None] - part[:, None]).square().sum(3).min(2).values.mean(1)  # (4,), by hand
    for what, want, args in (
        ("twice the square of a shift of less than half a step", 2 * length, (x, y)),
        ("0 for the same points in another order", 0 * length, (x, x[:, draw.permutation(27)])),
        ("the same with every point of y twice", 2 * length, (x, torch.cat((y, y), 1))),
        ("by hand, where y is five points", length + nearest, (x, part)),
        ("the same with x and y exchanged", length + nearest, (part, x)),
    ):
        got = ask(*(arg.contiguous() for arg in args))
        if not torch.allclose(got, want, rtol=1e-5, atol=1e-5):
            return Finding("property", f"{what}: {want[0].item():.4f}", f"{got[0].item():.4f}")
    return None


def _of(formula):
    """`formula(squares)`, of all squared distances (N, P, Q)."""
    return lambda x, y: formula((x[:, :, None] - y[:, None]).square().sum(3))


def _moved(change):
    """The right distance of other clouds, `change(cloud)`."""
    return lambda x, y: chamfer(change(x), change(y))


def _there(d):
    return d.amin(2).mean(1)


def _back(d):
    return d.amin(1).mean(1)


def _cut(x, y):
    n = min(x.shape[1], y.shape[1])
    return x[:, :n], y[:, :n]


_ROWS = (
    (
        "one_way",
        "one way only: the points of both clouds are asked for the nearest of the other",
        _of(_there),
        _of(_back),
    ),
    (
        "same_way_twice",
        "the same way twice: one minimum runs over the points of y, the other one over those of x",
        _of(lambda d: 2 * _there(d)),
        _of(lambda d: 2 * _back(d)),
    ),
    (
        "not_squared",
        "distances, not their squares: torch.cdist and norm take the root",
        _of(lambda d: _there(d.sqrt()) + _back(d.sqrt())),
    ),
    (
        "root",
        "a root after the mean: squares are averaged, and that is all",
        _of(lambda d: _there(d).sqrt() + _back(d).sqrt()),
        _of(lambda d: (_there(d) + _back(d)).sqrt()),
    ),
    (
        "squared_twice",
        "the fourth power: the sum of the squares of three differences is a squared distance already",
        _of(lambda d: _there(d.square()) + _back(d.square())),
    ),
    (
        "square_of_mean",
        "the mean is squared: square each distance, and then take the mean",
        _of(lambda d: _there(d.sqrt()).square() + _back(d.sqrt()).square()),
    ),
    ("halved", "the mean of both ways: they are added", _of(lambda d: (_there(d) + _back(d)) / 2)),
    (
        "larger",
        "the larger or the smaller way: both are added",
        _of(lambda d: torch.maximum(_there(d), _back(d))),
        _of(lambda d: torch.minimum(_there(d), _back(d))),
    ),
    (
        "sum",
        "sums over the points: means are asked for, so that clouds of any size can be compared",
        _of(lambda d: d.amin(2).sum(1) + d.amin(1).sum(1)),
    ),
    (
        "wrong_count",
        "divided by another number of points: one mean has P terms, the other one Q",
        _of(lambda d: (d.amin(2).sum(1) + d.amin(1).sum(1)) / d.shape[1]),
        _of(lambda d: (d.amin(2).sum(1) + d.amin(1).sum(1)) / d.shape[2]),
        _of(lambda d: (d.amin(2).sum(1) + d.amin(1).sum(1)) / (d.shape[1] + d.shape[2])),
        _of(lambda d: d.amin(2).sum(1) / d.shape[2] + d.amin(1).sum(1) / d.shape[1]),
    ),
    (
        "worst_point",
        "the largest of the smallest distances, as in Hausdorff's: their mean is asked for",
        _of(lambda d: torch.maximum(d.amin(2).amax(1), d.amin(1).amax(1))),
        _of(lambda d: d.amin(2).amax(1) + d.amin(1).amax(1)),
    ),
    (
        "median",
        "a median over the points: their mean is asked for",
        _of(lambda d: d.amin(2).median(1).values + d.amin(1).median(1).values),
    ),
    (
        "all_pairs",
        "all pairs of points: each point counts the nearest alone",
        _of(lambda d: d.mean((1, 2))),
        _of(lambda d: 2 * d.mean((1, 2))),
    ),
    ("farthest", "the farthest point: the nearest, min", _of(lambda d: d.amax(2).mean(1) + d.amax(1).mean(1))),
    (
        "nearest_pair",
        "the one nearest pair of each two clouds: a mean over the points is asked for",
        _of(lambda d: d.amin((1, 2))),
        _of(lambda d: 2 * d.amin((1, 2))),
    ),
    (
        "mean_of_coordinates",
        "a mean over the three coordinates: a squared distance is their sum",
        _of(lambda d: (_there(d) + _back(d)) / 3),
    ),
    (
        "absolute",
        "absolute differences of coordinates: squares are added",
        lambda x, y: _city(x, y),
        lambda x, y: _city(x, y, square=True),
    ),
    (
        "products",
        "products of points are no distances: |x - y|^2 = |x|^2 - 2 x . y + |y|^2",
        lambda x, y: _there(x @ y.mT) + _back(x @ y.mT),
    ),
    (
        "other_pairs",
        "the nearest point of any cloud of the batch: cloud n of x has to do with cloud n of y alone",
        lambda x, y: _any_cloud(x, y),
        lambda x, y: chamfer(x, y.flip(0)) if len(x) > 1 else chamfer(x, y.flip(2)),
    ),
    (
        "by_index",
        "point i is compared with point i: the clouds have no common order, so ask for the nearest one",
        lambda x, y: (x - y).square().sum(2).mean(1),
        lambda x, y: (y - x).square().sum(2).mean(1),
        lambda x, y: (lambda a, b: (a - b).square().sum(2).mean(1))(*_cut(x, y)),
        lambda x, y: (lambda a, b: 2 * (a - b).square().sum(2).mean(1))(*_cut(x, y)),
    ),
    ("cut", "the larger cloud is cut to the size of the smaller: all points count", lambda x, y: chamfer(*_cut(x, y))),
    (
        "centres",
        "the centres of the clouds are compared: every point counts",
        lambda x, y: (x.mean(1) - y.mean(1)).square().sum(1),
    ),
    (
        "centred",
        "the clouds are centred or brought to size: where they lie is part of the distance",
        _moved(lambda cloud: cloud - cloud.mean(1, keepdim=True)),
        _moved(lambda cloud: cloud / cloud.abs().amax((1, 2), keepdim=True)),
    ),
    (
        "batch_mean",
        "one number for all pairs: each pair has its own distance",
        _of(lambda d: (_there(d) + _back(d)).mean()),
        _of(lambda d: (_there(d) + _back(d)).sum()),
    ),
    (
        "not_averaged",
        "the mean over the points is missing",
        _of(lambda d: d.amin(2) + d.amin(1)),
        _of(lambda d: d.amin(2)),
        _of(lambda d: (d.amin(2), d.amin(1))),
    ),
    (
        "with_places",
        "min over a dimension returns values and places: take .values, or amin",
        _of(lambda d: d.min(2).mean(1)),
    ),
    ("places", "the places of the smallest numbers: min, not argmin", _of(lambda d: d.argmin(2).to(d).mean(1))),
)


def _city(x, y, *, square=False):
    """By sums of absolute differences, or by their squares."""
    ways = (x[:, :, None] - y[:, None]).abs().sum(3)
    return (lambda d: _there(d) + _back(d))(ways.square() if square else ways)


def _any_cloud(x, y):
    d = torch.cdist(x.flatten(0, 1), y.flatten(0, 1)).square()
    return d.amin(1).view(x.shape[:2]).mean(1) + d.amin(0).view(y.shape[:2]).mean(1)


EXERCISE = Exercise(
    id="14.chamfer",
    title="The Chamfer distance",
    level="warm-up",
    minutes=5,
    points=2,
    anchor="sec-14-distances",
    task=TASK,
    hints=HINTS,
    references=(chamfer,),
    returns=("distances (N,)",),
    cases=cases,
    mistakes=mistakes_of(_ROWS),
    independent=known_distances,
)
