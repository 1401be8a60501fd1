"""shape_table: PointFlows beside simpler ways to describe a shape and to draw new ones, on held-out furniture.

nats per point = -1/P sum_i log p(x_i | s);  1-NNA = share of clouds whose nearest neighbour is of their own set.
Chapter 14.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping

import torch
from torch import Tensor

from nf_course import data
from nf_course.clouds import chamfer, earth_mover, one_nn_accuracy, pairwise
from nf_course.continuous import ContinuousFlow
from nf_course.models.pointflow import PointFlow, stretched

__all__ = ["drawn_points", "generation_table", "normals_of", "reconstruction_table", "shape_table"]

SEEN = 512  # points of a shape that an encoder, a normal or the kernels are given; it is measured on others
KERNEL = 0.05  # deviation of the kernels on the points seen: the best of 0.03, 0.04, ... on the validation shapes
NAMES = {"pointflow-couplings": "PointFlow, couplings", "pointflow-continuous": "PointFlow, continuous"}
Row = dict[str, float | str]


def shape_table(
    models: Mapping[str, PointFlow] | None = None,
    *,
    points: int = 512,
    paired: int = 256,
    rated: int = 64,
    new: int = 64,
    draws: int = 3,
    seed: int = 0,
) -> tuple[list[Row], list[Row]]:
    """The rows of `reconstruction_table` and those of `generation_table`, by default for the PointFlows that ship.

    `new` is the number of points of a new cloud; the others are as in the two. Cost: about a minute on one core.
    """
    if models is None:
        from nf_course.recipes import trained  # here: recipes are made of everything else

        models = {words: trained(name)[0] for name, words in NAMES.items()}
    return (
        reconstruction_table(models, points=points, paired=paired, rated=rated, seed=seed),
        generation_table(models, points=new, draws=draws, seed=seed),
    )


@torch.no_grad()
def reconstruction_table(
    models: Mapping[str, PointFlow], *, points: int = 512, paired: int = 256, rated: int = 64, seed: int = 0
) -> list[Row]:
    r"""How well held-out shapes are known again, from 512 of their points: one row for each way, means over the shapes.

    .. math:: \text{nats} = -\tfrac1P \textstyle\sum_i \log p(x_i \mid \text{what was seen})

    "chamfer" compares `points` points drawn from the description with as many others of the shape, "earth mover" the
    first `paired` of both, "nats" are those of the first `rated`, NaN where there is no density; "kept" says how many
    numbers were kept of the shape. Ways: a normal with the moments of the points seen; the training shape nearest to
    them by Chamfer; each of `models`, by the mean code of its encoder; kernels on the points seen; and, as the floor,
    more points of the shape itself. Errors: `ValueError` for numbers of points that a shape does not have.
    Cost: 41 `points` drawn and 41 `rated` densities of each model; the earth mover takes the cube of `paired`.

    >>> from nf_course import models
    >>> _ = torch.manual_seed(0)
    >>> rows = reconstruction_table({"untrained": models.pointflow(code=4)}, points=32, paired=16, rated=16)
    >>> [row["way"] for row in rows][:3]
    ['normal of each shape', 'nearest training shape', 'untrained']
    """
    test, train = data.furniture("test").points, data.furniture("train").points
    most = (test.shape[1] - SEEN) // 2
    if not (1 <= points <= most and 1 <= paired <= points and 1 <= rated <= points):
        raise ValueError(
            f"reconstruction_table: expected points from 1 to {most}, paired and rated from 1 to points, got "
            f"points={points}, paired={paired}, rated={rated}"
        )
    seen, truth, more = test[:, :SEEN], test[:, SEEN : SEEN + points], test[:, -points:]
    rows: list[Row] = []

    def add(way: str, kept: float, drawn: Tensor, log_p: Tensor | None = None) -> None:
        found = {
            "chamfer": chamfer(drawn, truth).mean().item(),
            "earth mover": earth_mover(drawn[:, :paired], truth[:, :paired]).mean().item(),
            "nats": math.nan if log_p is None else -log_p.mean().item(),
        }
        rows.append({"way": way, "kept": kept} | found)

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        normal = normals_of(seen)
        log_p = normal.log_prob(truth[:, :rated].transpose(0, 1))  # (rated, N)
        add("normal of each shape", 9, normal.sample((points,)).transpose(0, 1), log_p)
        nearest = pairwise(chamfer, seen[:, :256], train[:, :256]).argmin(1)
        add("nearest training shape", 1, train[nearest, :points])
        for name, model in models.items():
            code = model.code(seen)
            log_p = model.log_prob_given(truth[:, :rated], code) / rated
            add(name, code.shape[1], drawn_points(model, code, points), log_p)
        kernels = seen[:, torch.randint(SEEN, (points,))]
        kernels = kernels + KERNEL * torch.randn_like(kernels)
        add("kernels on the points seen", 3 * SEEN, kernels, _kernel_log_prob(truth[:, :rated], seen))
        add("more of the shape itself", math.inf, more)
    return rows


@torch.no_grad()
def generation_table(models: Mapping[str, PointFlow], *, points: int = 64, draws: int = 3, seed: int = 0) -> list[Row]:
    """1-NN accuracy of new shapes against the 41 test shapes, by Chamfer and by earth mover's distance; 0.5 is ideal.

    Each way draws as many clouds as there are test shapes, `draws` times over, of which the mean is taken. Ways: each
    of `models`; a normal of codes in place of its flow over codes, decoded by the first of `models`; normals with the
    moments of training shapes; training shapes, as they come and with as many of each kind as the test set has: what
    one who knows them by heart would give. By chance alone an accuracy moves by some 0.06 from draw to draw.
    Errors: `ValueError` for fewer than 1 draw, or no model. Cost: 2500 pairs a row and draw, 1 s for clouds of 64
    points, 5 s for 128; the earth mover takes P^3.
    """
    if draws < 1 or not models:
        raise ValueError(f"generation_table: expected draws of 1 or more and a model, got {draws} and {list(models)}")
    test = data.furniture("test", points).points
    distances = {"chamfer": chamfer, "earth mover": earth_mover}
    within_test = {name: _within(distance, test) for name, distance in distances.items()}
    rows: list[Row] = []
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        for way, draw in _ways(models, points):
            found = dict.fromkeys(distances, 0.0)
            for _ in range(draws):
                clouds = draw(len(test))
                for name, distance in distances.items():
                    between, within = pairwise(distance, clouds, test), _within(distance, clouds)
                    found[name] += one_nn_accuracy(between, within, within_test[name]) / draws
            rows.append({"way": way, **found})
    return rows


def drawn_points(model: PointFlow, code: Tensor, points: int) -> Tensor:
    """As `model.decode`, in less than half of the time where the flow is continuous: its trace is left out.

    (N, K) -> (N, points, 3).
    """
    flow = model.points.bijection
    if not isinstance(flow, ContinuousFlow):
        return model.decode(code, points)
    z = model.points.base.sample(len(code) * points)
    rows = flow.path(z, flow.span[::-1], code.repeat_interleave(points, 0))[-1]
    return rows.view(len(code), points, 3)


def normals_of(clouds: Tensor) -> torch.distributions.MultivariateNormal:
    """A normal with the mean and the covariance of the points of each cloud: (N, P, 3) -> a batch of N normals.

    >>> clouds = torch.randn(2, 50, 3, generator=torch.Generator().manual_seed(0))
    >>> torch.allclose(normals_of(clouds).mean, clouds.mean(1))
    True
    """
    off = clouds - clouds.mean(1, keepdim=True)
    covariance = off.transpose(1, 2) @ off / (clouds.shape[1] - 1)  # (N, 3, 3)
    flat = 1e-6 * torch.eye(3).to(clouds)  # a table top has no extent in one direction
    return torch.distributions.MultivariateNormal(clouds.mean(1), covariance + flat)


def _ways(models: Mapping[str, PointFlow], points: int) -> Iterator[tuple[str, Callable[[int], Tensor]]]:
    """Each way to draw n new clouds, by name."""
    train, test = data.furniture("train"), data.furniture("test", 1)
    for name, model in models.items():
        yield name, lambda n, model=model: drawn_points(model, model.prior.sample(n), points)
    first = next(iter(models.values()))
    mean, deviation = first.posterior(stretched(train.points[:, :SEEN].repeat(8, 1, 1)))
    codes = mean + deviation * torch.randn_like(mean)
    normal = torch.distributions.MultivariateNormal(codes.mean(0), codes.T.cov())
    yield "normal of codes", lambda n: drawn_points(first, normal.sample((n,)), points)

    def some(n: int) -> Tensor:
        return train.points[torch.randperm(len(train))[:n]]

    def like_test(n: int) -> Tensor:
        chosen = []
        for kind, many in zip(*test.label.unique(return_counts=True), strict=True):
            rows = (train.label == kind).nonzero()[:, 0]
            chosen.append(rows[torch.randperm(len(rows))[:many]])
        return train.points[torch.cat(chosen), :points]

    yield "normals of training shapes", lambda n: normals_of(some(n)).sample((points,)).transpose(0, 1)
    yield "training shapes", lambda n: some(n)[:, :points]
    yield "training shapes, kinds as in the test set", like_test


def _within(distance: Callable[[Tensor, Tensor], Tensor], x: Tensor) -> Tensor:
    """Distances of all pairs of one set, each computed once: (N, P, 3) -> (N, N)."""
    upper = x.new_zeros(len(x), len(x))
    for i in range(len(x) - 1):
        upper[i, i + 1 :] = distance(x[i].expand(len(x) - i - 1, -1, -1), x[i + 1 :])
    return upper + upper.T


def _kernel_log_prob(x: Tensor, centres: Tensor) -> Tensor:
    """log-density of points under normal kernels of deviation KERNEL: (N, P, 3), (N, Q, 3) -> (N, P)."""
    squares = torch.cdist(x, centres).square()  # (N, P, Q)
    constant = math.log(centres.shape[1]) + 1.5 * math.log(2 * math.pi * KERNEL**2)
    return torch.logsumexp(-squares / (2 * KERNEL**2), 2) - constant
