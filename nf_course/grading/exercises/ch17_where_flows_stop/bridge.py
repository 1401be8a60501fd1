"""17.bridge: the share of samples that are near neither of two pieces."""

import torch

from nf_course.grading.exercise import Case, Exercise, Finding, mistakes_of

TASK = r"""
Data lie in two pieces, and each piece is given by points of it: the rows of $A$ and of $B$. The distance of a sample to
a piece is its Euclidean distance to the *nearest* point of that piece. The bridge is what is near neither: its mass is
the share of the samples $x_n$ whose distance to $A$ and whose distance to $B$ are both above the radius $r$,

$$\begin{gathered}
\frac1N\, \#\bigl\{ n :\ d(x_n, A) > r \text{ and } d(x_n, B) > r \bigr\}, \\
d(x, A) = \min_p\, \lVert x - A_p \rVert
\end{gathered}$$

`x` has shape `(N, D)`, `A` has `(P, D)`, `B` has `(Q, D)`: there may be more points of one piece than of the other.
`radius`, which is $r$, is one number. Return the mass of the bridge, one number between 0 and 1.
"""

HINTS = (
    "A sample is in the bridge unless some point of A or some point of B is near. Which of `and` and `or` is it?",
    "torch.cdist(x, A) holds all distances, (N, P). The one to the piece is the least of each row.",
    "((torch.cdist(x, A).min(1).values > radius) & (torch.cdist(x, B).min(1).values > radius)).double().mean().",
)


def bridge_mass(x, A, B, radius):
    away = torch.cdist(x, torch.cat((A, B))).min(1).values > radius
    return away.double().mean().item()


def cases(draw):
    """Pieces of unequal size, some that meet, in two, three and five dimensions; samples near, between and beyond."""
    made = []
    for n, d, p, q, radius, apart in (
        (211, 2, 5, 9, 0.8, 1.5),
        (150, 3, 8, 4, 1.2, 1.5),
        (97, 5, 12, 6, 2.0, 1.5),
        (83, 2, 3, 2, 1.1, 0.2),
        (120, 2, 3, 4, 2.4, 1.5),  # wide enough for the mean and the farthest of a piece to differ
    ):
        centre = apart * torch.ones(d).to(draw.normal(1))
        A, B = 1.2 * draw.normal(p, d) - centre, 1.2 * draw.normal(q, d) + centre
        x = 1.8 * draw.normal(2 * n, d) + draw.uniform(-1.3, 1.3, 2 * n, 1) * centre
        nearest = torch.cdist(x, torch.cat((A, B)))
        clear = ((nearest - radius).abs() > 1e-4).all(1)
        made.append(Case((x[clear][:n], A, B, radius)))
    made.append(Case((draw.normal(1, 3) + 9, draw.normal(2, 3), draw.normal(1, 3), 1.0)))
    return made


def counted(ask, draw):
    """Samples that were put in the bridge or next to a given point, as many as was decided before."""
    d = 3
    A, B = draw.normal(6, d) - 10, draw.normal(4, d) + 10
    for inside in (0, 7, 20, 31):
        n, radius = 31, draw.uniform(0.5, 1.0, 1).item()
        step = draw.normal(n, d)
        step = step / step.norm(dim=1, keepdim=True) * (radius * draw.uniform(0.1, 0.95, n, 1))
        points = torch.cat((A, B))
        x = points[draw.uniform(0, 10, n).long()] + step
        x[:inside] = draw.uniform(-2.0, 2.0, inside, d)
        got = float(ask(x[draw.permutation(n)], A, B, radius))
        if abs(got - inside / n) > 1e-6:
            return Finding("property", f"{inside / n:.4f}: {inside} of {n} samples were put in between", f"{got:.4f}")
    return None


def _away(x, A, B, radius):
    return (torch.cdist(x, A).min(1).values > radius) & (torch.cdist(x, B).min(1).values > radius)


def _share(inside):
    return inside.double().mean().item()


def _with(distance):
    """Another distance of a sample to a piece, `distance(x, A)`, (N,)."""
    return lambda x, A, B, radius: _share((distance(x, A) > radius) & (distance(x, B) > radius))


def _of(change):
    return lambda *args: change(_away(*args))


def _all(x, A, p=2.0):
    return torch.cdist(x, A, p=p)


_ROWS = (
    (
        "either",
        "far from one piece is not enough: every sample near A is far from B; both distances must be above the radius",
        lambda x, A, B, r: _share((_all(x, A).min(1).values > r) | (_all(x, B).min(1).values > r)),
    ),
    (
        "one_piece",
        "one piece alone: a sample near the other one is not in the bridge",
        lambda x, A, B, r: _share(_all(x, A).min(1).values > r),
        lambda x, A, B, r: _share(_all(x, B).min(1).values > r),
    ),
    (
        "near",
        "this is the share that is near a piece: the bridge is what is left, 1 minus it",
        _of(lambda away: 1 - _share(away)),
    ),
    ("count", "a count: divide by the number of samples", _of(lambda away: float(away.sum().item()))),
    (
        "per_cent",
        "per cent, or divided by something else: a share of the samples, between 0 and 1",
        _of(lambda away: 100 * _share(away)),
        lambda x, A, B, r: _away(x, A, B, r).double().sum().item() / (len(A) + len(B)),
        lambda x, A, B, r: _away(x, A, B, r).double().sum().item() / x.numel(),
    ),
    (
        "centre",
        "the distance to the mean of a piece: a piece is where its points are, and the nearest one counts",
        _with(lambda x, A: (x - A.mean(0)).norm(dim=1)),
    ),
    (
        "farthest",
        "the farthest point of a piece: it is near when its *nearest* point is",
        _with(lambda x, A: _all(x, A).max(1).values),
    ),
    (
        "mean_distance",
        "the mean distance to the points of a piece: take the least",
        _with(lambda x, A: _all(x, A).mean(1)),
    ),
    (
        "first_point",
        "one point of each piece: the nearest of all its points counts",
        _with(lambda x, A: _all(x, A)[:, 0]),
    ),
    (
        "squared",
        "a squared distance is compared with the radius: take the root, or square the radius",
        _with(lambda x, A: _all(x, A).min(1).values.square()),
        lambda x, A, B, r: _share((_all(x, A).min(1).values > r**2) & (_all(x, B).min(1).values > r**2)),
    ),
    (
        "other_distance",
        "another distance: Euclidean is the root of the sum of squares over the coordinates",
        _with(lambda x, A: _all(x, A, 1.0).min(1).values),
        _with(lambda x, A: _all(x, A, torch.inf).min(1).values),
        _with(lambda x, A: (x[:, None] - A).square().mean(2).sqrt().min(1).values),
    ),
    (
        "pieces",
        "each point of a piece is asked whether samples are near: it is the samples that are counted",
        lambda x, A, B, r: _share(_all(x, torch.cat((A, B))).min(0).values > r),
        lambda x, A, B, r: _share(_all(x, torch.cat((A, B))) > r),
    ),
    (
        "not_counted",
        "one answer for each sample: their mean is the share",
        _of(lambda away: away),
        _of(lambda away: away.double()),
    ),
)

EXERCISE = Exercise(
    id="17.bridge",
    title="The mass of a bridge",
    level="warm-up",
    minutes=10,
    points=2,
    anchor="sec-17-bridge",
    task=TASK,
    hints=HINTS,
    references=(bridge_mass,),
    returns=("mass, a single number",),
    cases=cases,
    mistakes=mistakes_of(_ROWS),
    independent=counted,
)
