r"""Toy distributions in the plane: densities with holes, corners and pieces that a Gaussian cannot follow.

Each function draws ``n`` independent points and returns a float32 tensor of shape ``(n, 2)`` on the CPU. The
same ``n``, arguments and ``seed`` give the same points; torch's global random state is neither read nor
changed. All sets are on one scale, about :math:`[-3, 3]` in each direction, *fixed by the formula* and not by
the sample: so the density is the same for every ``n`` and seed, and train and test sets match. Sets that are
made of pieces have a companion ``..._labels`` that returns, for the same ``n`` and ``seed``, the piece each
point belongs to.
"""

import math
import operator

import torch
from torch import Tensor


def moons(n: int, noise: float = 0.1, seed: int = 0) -> Tensor:
    r"""Two interleaving half circles. The course's first data set: its two pieces hook into one another.

    With :math:`t \sim U(0, \pi)`, moon :math:`k` drawn from {0, 1} with equal chance, and :math:`\epsilon
    \sim N(0, I)`,

    .. math:: x = 2 \begin{cases} (\cos t - \tfrac12,\ \sin t - \tfrac14) & k = 0 \\
              (\tfrac12 - \cos t,\ \tfrac14 - \sin t) & k = 1 \end{cases} + \text{noise} \cdot \epsilon.

    Args:
        n: number of points.
        noise: standard deviation of the Gaussian noise, in the units of the result. With 0 the points lie on
            two curves and have *no* density in the plane.
        seed: of the private random generator.

    Returns:
        Tensor of shape ``(n, 2)``, float32; x in [-3, 3] and y in [-1.5, 1.5] before the noise.

    >>> moons(4).shape, moons(4).dtype
    (torch.Size([4, 2]), torch.float32)
    >>> bool(torch.equal(moons(1000, seed=7), moons(1000, seed=7)))
    True

    The same set, off by scale and position, is scikit-learn's ``make_moons``. Chapters 0, 2, 3, 9 and 17.
    """
    generator, moon = _pieces(n, 2, seed)
    _check_noise(noise)
    t = math.pi * torch.rand(n, generator=generator)
    upper = torch.stack([t.cos() - 0.5, t.sin() - 0.25], dim=1)
    # The lower moon is the upper one turned by 180 degrees.
    points = 2 * torch.where(moon[:, None] == 0, upper, -upper)
    return points + noise * torch.randn(n, 2, generator=generator)


def moons_labels(n: int, seed: int = 0) -> Tensor:
    """The moon, 0 (upper) or 1 (lower), of each point of ``moons(n, seed=seed)``: shape ``(n,)``, int64.

    >>> points, labels = moons(500, noise=0.0), moons_labels(500)
    >>> bool((points[labels == 0, 1] >= -0.5).all())
    True
    """
    return _pieces(n, 2, seed)[1]


def rings(n: int, noise: float = 0.08, radii: tuple[float, ...] = (1.0, 2.0, 3.0), seed: int = 0) -> Tensor:
    r"""Concentric rings: the holes that a continuous, invertible map of one Gaussian blob cannot make.

    With angle :math:`t \sim U(0, 2\pi)`, ring :math:`k` drawn with equal chance and :math:`\epsilon \sim N(0,
    1)`,

    .. math:: x = (r_k + \text{noise} \cdot \epsilon) \, (\cos t, \sin t).

    Args:
        n: number of points.
        noise: standard deviation of the radius.
        radii: one positive radius for each ring.
        seed: of the private random generator.

    Returns:
        Tensor of shape ``(n, 2)``, float32.

    >>> rings(3, noise=0.0, radii=(2.0,)).norm(dim=1)
    tensor([2.0000, 2.0000, 2.0000])
    """
    if len(radii) == 0 or not all(0 < radius < math.inf for radius in radii):
        raise ValueError(f"radii should be one positive number for each ring, got {radii}")
    generator, ring = _pieces(n, len(radii), seed)
    _check_noise(noise)
    t = 2 * math.pi * torch.rand(n, generator=generator)
    radius = torch.tensor(radii)[ring] + noise * torch.randn(n, generator=generator)
    return radius[:, None] * torch.stack([t.cos(), t.sin()], dim=1)


def rings_labels(n: int, rings: int = 3, seed: int = 0) -> Tensor:
    """The ring, 0 to ``rings - 1``, of each point of ``rings(n, seed=seed)``: shape ``(n,)``, int64.

    >>> rings_labels(6, rings=1)
    tensor([0, 0, 0, 0, 0, 0])
    """
    return _pieces(n, rings, seed)[1]


def pinwheel(n: int, arms: int = 5, noise: float = 0.3, twist: float = 0.25, seed: int = 0) -> Tensor:
    r"""Curved arms about a centre: each is a long thin Gaussian, wound by an angle that grows outward.

    With arm :math:`k` drawn with equal chance and :math:`\epsilon \sim N(0, I)`: in the frame of its arm a
    point is :math:`u = (1 + 0.3\,\epsilon_1,\ \tfrac{\text{noise}}{3}\,\epsilon_2)`, and

    .. math:: x = 1.6 \, R\!\left(\tfrac{2\pi k}{\text{arms}} + \text{twist} \cdot e^{u_1}\right) u,

    where :math:`R(\theta)` turns by :math:`\theta`.

    Args:
        n: number of points.
        arms: number of arms, at least 1.
        noise: width of an arm; 0.3 leaves the arms apart.
        twist: how far an arm winds; 0 gives straight spokes.
        seed: of the private random generator.

    Returns:
        Tensor of shape ``(n, 2)``, float32; almost all points lie within a circle of radius 3.

    >>> pinwheel(3).shape
    torch.Size([3, 2])

    After Johnson et al. (2016), *Composing graphical models with neural networks*, arXiv 1603.06277.
    """
    generator, arm = _pieces(n, arms, seed)
    _check_noise(noise)
    e = torch.randn(n, 2, generator=generator)
    u = torch.stack([1 + 0.3 * e[:, 0], noise / 3 * e[:, 1]], dim=1)
    angle = 2 * math.pi / arms * arm + twist * u[:, 0].exp()
    cos, sin = angle.cos(), angle.sin()
    return 1.6 * torch.stack([cos * u[:, 0] - sin * u[:, 1], sin * u[:, 0] + cos * u[:, 1]], dim=1)


def pinwheel_labels(n: int, arms: int = 5, seed: int = 0) -> Tensor:
    """The arm, 0 to ``arms - 1``, of each point of ``pinwheel(n, arms, seed=seed)``: shape ``(n,)``, int64.

    >>> pinwheel_labels(1000).unique().tolist()
    [0, 1, 2, 3, 4]
    """
    return _pieces(n, arms, seed)[1]


def checkerboard(n: int, seed: int = 0) -> Tensor:
    r"""Uniform on the dark squares of a 4 by 4 board: a density with jumps, and *known* in closed form.

    .. math:: p(x) = \begin{cases} 1/18 & \lfloor x_1/1.5 \rfloor + \lfloor x_2/1.5 \rfloor \text{ even} \\
              0 & \text{otherwise} \end{cases}

    on the square :math:`[-3, 3)^2`. Its entropy, :math:`\ln 18 \approx 2.890` nats, is the best negative
    log-likelihood that any model can reach.

    Args:
        n: number of points.
        seed: of the private random generator.

    Returns:
        Tensor of shape ``(n, 2)``, float32, in [-3, 3).

    >>> column, row = (checkerboard(1000) / 1.5).floor().unbind(dim=1)
    >>> bool(((column + row) % 2 == 0).all())
    True
    """
    generator, square = _pieces(n, 8, seed)
    row = square // 2 - 2  # two dark squares in each of the rows -2, -1, 0, 1
    column = 2 * (square % 2) - 2 + row % 2
    corner = torch.stack([column, row], dim=1)
    return 1.5 * (corner + torch.rand(n, 2, generator=generator))


def gaussians(n: int, modes: int = 8, noise: float = 0.25, radius: float = 2.5, seed: int = 0) -> Tensor:
    r"""Round Gaussians at equal angles on a circle: islands, with nothing between them.

    With island :math:`k` drawn with equal chance, :math:`\theta_k = 2\pi k / \text{modes}` and
    :math:`\epsilon \sim N(0, I)`,

    .. math:: x = \text{radius} \, (\cos\theta_k, \sin\theta_k) + \text{noise} \cdot \epsilon.

    Args:
        n: number of points.
        modes: number of islands, at least 1; two give the simplest set that one blob cannot become.
        noise: standard deviation of an island.
        radius: of the circle that the islands lie on.
        seed: of the private random generator.

    Returns:
        Tensor of shape ``(n, 2)``, float32.

    >>> gaussians(1000, modes=2, noise=0.0)[:, 0].unique()
    tensor([-2.5000,  2.5000])
    """
    generator, mode = _pieces(n, modes, seed)
    _check_noise(noise)
    angle = 2 * math.pi / modes * mode
    centre = radius * torch.stack([angle.cos(), angle.sin()], dim=1)
    return centre + noise * torch.randn(n, 2, generator=generator)


def gaussians_labels(n: int, modes: int = 8, seed: int = 0) -> Tensor:
    """The island, 0 to ``modes - 1``, of each point of ``gaussians(n, modes, seed=seed)``: ``(n,)``, int64.

    >>> gaussians_labels(1000, modes=2).unique()
    tensor([0, 1])
    """
    return _pieces(n, modes, seed)[1]


def spiral(n: int, noise: float = 0.1, turns: float = 1.5, seed: int = 0) -> Tensor:
    r"""One long arm that winds outward: a curve in the plane, thickened by noise.

    With :math:`s \sim U(0, 1)`, angle :math:`t = 2\pi\,\text{turns}\,\sqrt{s}` (the root spreads the points
    evenly along the arm) and :math:`\epsilon \sim N(0, I)`,

    .. math:: x = 3 \sqrt{s} \, (\cos t, \sin t) + \text{noise} \cdot \epsilon.

    Args:
        n: number of points.
        noise: standard deviation of the Gaussian noise; with 0 the points have no density in the plane.
        turns: how often the arm goes round.
        seed: of the private random generator.

    Returns:
        Tensor of shape ``(n, 2)``, float32.

    >>> bool((spiral(1000, noise=0.0).norm(dim=1) <= 3.0001).all())
    True
    """
    generator, _ = _pieces(n, 1, seed)
    _check_noise(noise)
    radius = torch.rand(n, generator=generator).sqrt()
    t = 2 * math.pi * turns * radius
    arm = 3 * radius[:, None] * torch.stack([t.cos(), t.sin()], dim=1)
    return arm + noise * torch.randn(n, 2, generator=generator)


def _pieces(n: int, pieces: int, seed: int) -> tuple[torch.Generator, Tensor]:
    """A fresh generator and its first draw, the piece of each point: points and labels share it and agree."""
    for name, value in (("n", n), ("the number of pieces", pieces)):
        try:
            positive = operator.index(value) > 0 and not isinstance(value, bool)
        except TypeError:
            positive = False
        if not positive:
            raise ValueError(f"{name} should be a positive whole number, got {value!r}")
    generator = torch.Generator().manual_seed(seed)
    return generator, torch.randint(pieces, (n,), generator=generator)


def _check_noise(noise: float) -> None:
    if not (math.isfinite(noise) and noise >= 0):
        raise ValueError(f"noise should be a standard deviation, finite and not negative, got {noise}")
