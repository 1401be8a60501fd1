"""shape_table: PointFlows beside simpler ways to describe a shape and to draw new ones, on held-out furniture.

nats per point = -1/P sum_i log p(x_i | s);  1-NNA = share of clouds whose nearest neighbour is of their own set.
Chapter 14;  nf-course measure shapes prints it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping

import torch
from torch import Tensor

from nf_course import data
from nf_course.clouds import chamfer, earth_mover, one_nn_accuracy, pairwise
from nf_course.models.pointflow import PointFlow, stretched

__all__ = ["KERNEL", "generation_table", "normals_of", "reconstruction_table", "shape_table"]

SEEN = 512  # points that an encoder, a normal or the kernels are given of a shape; others are measured on
KERNEL = 0.05  # deviation of the kernels on the points seen: the best of 0.02, 0.03, ... on the validation shapes
NAMES = {"pointflow-couplings": "PointFlow, couplings", "pointflow-continuous": "PointFlow, continuous"}
Row = dict[str, float | str]


def shape_table(
    models: Mapping[str, PointFlow] | None = None,
    *,
    points: int = 512,
    paired: int = 256,
    new: int = 128,
    draws: int = 1,
    seed: int = 0,
) -> tuple[list[Row], list[Row]]:
    """The rows of `reconstruction_table` and those of `generation_table`, by default for the PointFlows that ship.

    `points` and `paired` are for the first table, `new` points a cloud and `draws` for the second. Cost: see there.
    """
    if models is None:
        from nf_course.recipes import trained  # here: recipes are made of everything else

        models = {words: trained(name)[0] for name, words in NAMES.items()}
    return (
        reconstruction_table(models, points=points, paired=paired, seed=seed),
        generation_table(models, points=new, draws=draws, seed=seed),
    )


@torch.no_grad()
def reconstruction_table(
    models: Mapping[str, PointFlow], *, points: int = 512, paired: int = 256, seed: int = 0
) -> list[Row]:
    r"""How well held-out shapes are known again, from 512 of their points: one row for each way, means over the shapes.

    .. math:: \text{nats per point} = -\tfrac1P \textstyle\sum_i \log p(x_i \mid \text{what was seen})

    "chamfer" compares `points` points drawn from the description with as many others of the shape, "earth mover" the
    first `paired` of both; "kept" says how many numbers were kept of the shape. Ways: each of `models`, by the mean
    code of its encoder; a normal with the moments of the points seen; kernels on the points seen; the training shape
    nearest to them by Chamfer; and, as the floor, more points of the shape itself. Where there is no density, nats are
    NaN. Shapes: codes (41, K). Errors: `ValueError` for points outside of 1 to 768, paired outside of 1 to `points`.
    Cost: some 15 s; the earth mover takes P^3.

    >>> from nf_course import models
    >>> _ = torch.manual_seed(0)
    >>> rows = reconstruction_table({"untrained": models.pointflow(code=4)}, points=32, paired=16)
    >>> [row["way"] for row in rows][:2]
    ['normal of each shape', 'nearest training shape']
    """
    test, train = data.furniture("test").points, data.furniture("train").points
    most = (test.shape[1] - SEEN) // 2
    if not (1 <= points <= most and 1 <= paired <= points):
        raise ValueError(
            f"reconstruction_table: expected 1 <= paired <= points <= {most}, got paired={paired}, points={points}"
        )
    seen, truth, more = test[:, :SEEN], test[:, SEEN : SEEN + points], test[:, -points:]
    rows: list[Row] = []

    def add(way: str, kept: float, drawn: Tensor, nats: float = math.nan) -> None:
        rows.append(
            {
                "way": way,
                "kept": kept,
                "chamfer": chamfer(drawn, truth).mean().item(),
                "earth mover": earth_mover(drawn[:, :paired], truth[:, :paired]).mean().item(),
                "nats": nats,
            }
        )

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        normal = normals_of(seen)
        each = normal.log_prob(truth.transpose(0, 1))  # (P, N)
        add("normal of each shape", 9, normal.sample((points,)).transpose(0, 1), -each.mean().item())
        nearest = pairwise(chamfer, seen[:, :256], train[:, :256]).argmin(1)
        add("nearest training shape", 1, train[nearest, :points])
        for name, model in models.items():
            code = model.code(seen)
            nats = -(model.log_prob_given(truth, code) / points).mean().item()
            add(name, code.shape[1], model.decode(code, points), nats)
        kernels = seen[:, torch.randint(SEEN, (points,))]
        kernels = kernels + KERNEL * torch.randn_like(kernels)
        add("kernels on the points seen", 3 * SEEN, kernels, -_kernel_log_prob(truth, seen).mean().item())
        add("more of the shape itself", math.inf, more)
    return rows


@torch.no_grad()
def generation_table(models: Mapping[str, PointFlow], *, points: int = 128, draws: int = 1, seed: int = 0) -> list[Row]:
    """1-NN accuracy of new shapes against the 41 test shapes, by Chamfer and by earth mover's distance; 0.5 is ideal.

    Each way draws as many clouds as there are test shapes, `draws` times over, of which the mean is taken. Ways: each
    of `models`; a normal of codes in place of its flow over codes, decoded by the first of `models`; normals with the
    moments of training shapes; training shapes, as they come and with as many of each kind as the test set has: what
    one who knows them by heart would give. By chance alone an accuracy moves by some 0.06 from draw to draw.
    Errors: `ValueError` for fewer than 1 draw, points outside of 1 to 2048, no model. Cost: 2500 pairs a row and draw,
    2 s for clouds of 128 points; the earth mover takes P^3.
    """
    if draws < 1 or not models:
        raise ValueError(f"generation_table: expected draws of 1 or more and a model, got {draws} and {list(models)}")
    test = data.furniture("test", points).points
    distances = {"chamfer": chamfer, "earth mover": earth_mover}
    rows: list[Row] = []
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        within_test = {name: _within(distance, test) for name, distance in distances.items()}
        for way, draw in _ways(models, points):
            found = dict.fromkeys(distances, 0.0)
            for _ in range(draws):
                clouds = draw(len(test))
                for name, distance in distances.items():
                    between, within = pairwise(distance, clouds, test), _within(distance, clouds)
                    found[name] += one_nn_accuracy(between, within, within_test[name]) / draws
            rows.append({"way": way, **found})
    return rows


def normals_of(clouds: Tensor) -> torch.distributions.MultivariateNormal:
    """A normal with the mean and the covariance of the points of each cloud: (N, P, 3) -> a batch of N normals.

    >>> clouds = torch.randn(2, 50, 3, generator=torch.Generator().manual_seed(0))
    >>> torch.allclose(normals_of(clouds).mean, clouds.mean(1))
    True
    """
    off = clouds - clouds.mean(1, keepdim=True)
    covariance = off.transpose(1, 2) @ off / (clouds.shape[1] - 1)  # (N, 3, 3)
    flat = 1e-6 * torch.eye(3).to(clouds)  # a table top has none in one direction
    return torch.distributions.MultivariateNormal(clouds.mean(1), covariance + flat)


def _ways(models: Mapping[str, PointFlow], points: int) -> Iterator[tuple[str, Callable[[int], Tensor]]]:
    """Each way to draw n new clouds, by name."""
    train, test = data.furniture("train"), data.furniture("test", 1)
    for name, model in models.items():
        yield name, lambda n, model=model: model.sample(n, points=points)
    first = next(iter(models.values()))
    mean, deviation = first.posterior(stretched(train.points[:, :SEEN].repeat(8, 1, 1)))
    codes = mean + deviation * torch.randn_like(mean)
    normal = torch.distributions.MultivariateNormal(codes.mean(0), codes.T.cov())
    yield "normal of codes", lambda n: first.decode(normal.sample((n,)), points)

    def some(n: int) -> Tensor:
        return train.points[torch.randperm(len(train))[:n]]

    yield "normals of training shapes", lambda n: normals_of(some(n)).sample((points,)).transpose(0, 1)
    yield "training shapes", lambda n: some(n)[:, :points]

    def like_test(n: int) -> Tensor:
        chosen = []
        for kind, many in zip(*test.label.unique(return_counts=True)):
            rows = (train.label == kind).nonzero()[:, 0]
            chosen.append(rows[torch.randperm(len(rows))[:many]])
        return train.points[torch.cat(chosen), :points]

    yield "training shapes, kinds as in the test", like_test


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
