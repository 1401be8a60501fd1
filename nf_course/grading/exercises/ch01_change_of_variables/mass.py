"""01.mass: does a density integrate to one? The check that finds a missing log-det without knowing it."""

import torch

from nf_course.grading.exercise import Case, Exercise, Finding, Mistake
from nf_course.grading.parts import Density

TASK = r"""
A density integrates to one, and that is a test of a flow which needs no second implementation. Integrate over the
plane:

$$m = \int\!\!\int p(x_1, x_2)\, dx_1\, dx_2 \approx \sum_i \sum_j p(u_i, v_j)\, \Delta u\, \Delta v$$

`log_prob` takes points $(x_1, x_2)$, of shape `(M, 2)`, and returns `(M,)`. `us` holds the evenly spaced grid values of
$x_1$ and `vs` those of $x_2$; they may differ in number, in spacing and in range. The density is negligible at the
border, so the plain sum and the trapezoidal rule agree. Return the total mass, a tensor without dimensions. Report what
you find: it need not be one.
"""

HINTS = (
    "Make every pair (u, v) a row of one (M, 2) tensor, ask for all log-densities at once, then sum.",
    "torch.cartesian_prod(us, vs) makes the pairs. The sum needs densities, not logarithms, and the area of one cell.",
    "Sum torch.exp(log_prob(points)) and multiply by (us[1] - us[0]) * (vs[1] - vs[0]).",
)


def total_mass(log_prob, us, vs):
    points = torch.cartesian_prod(us, vs)
    cell = (us[1] - us[0]) * (vs[1] - vs[0])
    return torch.exp(log_prob(points)).sum() * cell


CENTRES = ((0.0, 0.0), (0.0, 0.0), (30.0, -20.0))  # the last one shows which axis is which


def _density(draw, mass, centre=(0.0, 0.0)):
    weights = draw.uniform(0.5, 1.5, 3)
    means = draw.uniform(-1.5, 1.5, 3, 2) + torch.tensor(centre, dtype=torch.float64, device=draw.device)
    return Density("log_prob", means, draw.uniform(0.6, 1.0, 3, 2), weights / weights.sum(), mass)


def _grid(draw, n, m, centre=(0.0, 0.0)):
    u, v = draw.uniform(7.5, 8.0).item(), draw.uniform(9.0, 10.0).item()
    make = {"dtype": torch.float64, "device": draw.device}
    return torch.linspace(-u, u, n, **make) + centre[0], torch.linspace(-v, v, m, **make) + centre[1]


def cases(draw):
    masses = (1.0, draw.uniform(0.3, 0.8).item(), draw.uniform(1.5, 3.0).item())
    sizes = ((29, 38), (39, 35), (33, 43))  # just fine enough, so that a loop over all points is quick as well
    return [
        Case((_density(draw, mass, centre), *_grid(draw, *size, centre)))
        for mass, size, centre in zip(masses, sizes, CENTRES, strict=True)
    ]


def known_mass(ask, draw):
    """The mass is known without any sum: it is what the density was made with."""
    mass = draw.uniform(0.4, 2.0).item()
    got = ask(_density(draw, mass), *_grid(draw, 31, 41)).item()
    if abs(got - mass) > 1e-5 * (1 + mass):
        return Finding("property", f"{mass:.4f}, the exact mass of this density", f"{got:.4f}")
    return None


def _sum(log_prob, us, vs):
    return torch.exp(log_prob(torch.cartesian_prod(us, vs))).sum()


def _diagonal(log_prob, us, vs):
    n = min(len(us), len(vs))
    points = torch.stack((us[:n], vs[:n]), 1)
    return torch.exp(log_prob(points)).sum() * (us[1] - us[0]) * (vs[1] - vs[0])


def _pairs_of_neighbours(indexing):
    """The grids are stacked in front and reshaped: (u, u') and (v, v') instead of (u, v)."""

    def answer(log_prob, us, vs):
        points = torch.stack(torch.meshgrid(us, vs, indexing=indexing)).reshape(-1, 2)
        return torch.exp(log_prob(points)).sum() * (us[1] - us[0]) * (vs[1] - vs[0])

    return answer


def _lines_broken(log_prob, us, vs):
    """The densities are in the order of cartesian_prod, and are read with the lengths exchanged."""
    p = torch.exp(log_prob(torch.cartesian_prod(us, vs))).reshape(len(vs), len(us))
    return torch.trapezoid(torch.trapezoid(p, us, dim=1), vs)


def _lines_broken_xy(log_prob, us, vs):
    U, V = torch.meshgrid(us, vs, indexing="xy")
    p = torch.exp(log_prob(torch.stack((U.flatten(), V.flatten()), 1))).reshape(len(us), len(vs))
    return torch.trapezoid(torch.trapezoid(p, vs, dim=1), us)


_RESHAPED = "the grid is reshaped the wrong way: keep each u with its v, and the lengths in the grid's own order"


def _mean_times_box(log_prob, us, vs):
    box = (us[-1] - us[0]) * (vs[-1] - vs[0])
    return torch.exp(log_prob(torch.cartesian_prod(us, vs))).mean() * box


MISTAKES = (
    Mistake(
        "no_exp",
        "the logarithms are summed: take exp of the log-density first",
        lambda log_prob, us, vs: log_prob(torch.cartesian_prod(us, vs)).sum() * (us[1] - us[0]) * (vs[1] - vs[0]),
    ),
    Mistake("no_cell", "the area of one cell is missing: multiply the sum by du * dv", _sum),
    Mistake(
        "one_spacing",
        "the area of a cell is du * dv: two spacings, one for each axis",
        lambda log_prob, us, vs: _sum(log_prob, us, vs) * (us[1] - us[0]),
    ),
    Mistake(
        "cell_sum",
        "the spacings are added: the area of a cell is their product, du * dv",
        lambda log_prob, us, vs: _sum(log_prob, us, vs) * (us[1] - us[0] + vs[1] - vs[0]),
    ),
    Mistake(
        "exp_of_sum",
        "exp of the sum: take exp of each log-density first, then sum",
        lambda log_prob, us, vs: torch.exp(log_prob(torch.cartesian_prod(us, vs)).sum()),
    ),
    *(
        Mistake(
            "fixed_cell",
            "the size of a cell is written down: compute it from the grid, (us[1] - us[0]) * (vs[1] - vs[0])",
            lambda log_prob, us, vs, cell=cell: _sum(log_prob, us, vs) * cell,
        )
        for cell in (0.01, 0.1, 0.25, 0.04, 0.0025, 0.0004, 0.0001)
    ),
    *(
        Mistake("reshaped", _RESHAPED, answer)
        for answer in (_pairs_of_neighbours("ij"), _pairs_of_neighbours("xy"), _lines_broken, _lines_broken_xy)
    ),
    Mistake(
        "square_cell",
        "the spacing of one axis is used for both: the cells are rectangles, du * dv",
        lambda log_prob, us, vs: _sum(log_prob, us, vs) * (us[1] - us[0]) ** 2,
    ),
    Mistake(
        "spacing",
        "the spacing: n points make n - 1 intervals, so du = us[1] - us[0], not (us[-1] - us[0]) / n",
        _mean_times_box,
    ),
    Mistake(
        "mean",
        "a mean where the sum times the cell's area belongs",
        lambda log_prob, us, vs: torch.exp(log_prob(torch.cartesian_prod(us, vs))).mean(),
    ),
    Mistake("diagonal", "only the pairs (us[i], vs[i]) are summed: the integral needs every u with every v", _diagonal),
    Mistake(
        "columns_exchanged",
        "the columns are exchanged: the first column of the points is u, the second is v",
        lambda log_prob, us, vs: total_mass(log_prob, vs, us),
    ),
    Mistake(
        "log_mass",
        "the logarithm of the mass: the exercise asks for the mass",
        lambda log_prob, us, vs: total_mass(log_prob, us, vs).log(),
    ),
    Mistake(
        "normalised",
        "always one: the mass is normalised away, or written down; compute it",
        lambda log_prob, us, vs: torch.ones_like(us[0]),
    ),
)

EXERCISE = Exercise(
    id="01.mass",
    title="Does it integrate to one?",
    level="stretch",
    minutes=15,
    points=3,
    anchor="sec-01-mass",
    task=TASK,
    hints=HINTS,
    references=(total_mass,),
    returns=("mass, a single number",),
    cases=cases,
    mistakes=MISTAKES,
    independent=known_mass,
)
