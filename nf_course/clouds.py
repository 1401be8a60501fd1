"""chamfer, earth_mover, one_nn_accuracy: how far apart two clouds of points are, and two sets of clouds.

CD(X, Y) = mean_x min_y d(x, y)^2 + mean_y min_x d(x, y)^2;   EMD(X, Y) = min over pairings of the mean d(x, y).
Chapters 13 and 14.
"""

from __future__ import annotations

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

__all__ = ["chamfer", "earth_mover", "one_nn_accuracy", "pairwise"]


def chamfer(x: Tensor, y: Tensor) -> Tensor:
    r"""Chamfer distance of each pair of clouds: the mean square of the way to the nearest point, both ways, added.

    .. math:: \tfrac1P \sum_i \min_j \|x_i - y_j\|^2 + \tfrac1Q \sum_j \min_i \|x_i - y_j\|^2

    It is blind to how densely the points lie. Shapes: x (N, P, 3), y (N, Q, 3) -> (N,), in squares of their unit.
    Errors: `ValueError` for other shapes or an empty cloud. Cost: N P Q distances. Source: Fan, Su and Guibas, 2017
    (arXiv 1612.00603). Chapter 14.

    >>> x = torch.zeros(1, 2, 3)
    >>> chamfer(x, x + torch.tensor([1.0, 0.0, 0.0])).item()  # 1 there and 1 back
    2.0
    """
    _expect_clouds(x, y, "chamfer")
    ways = torch.cdist(x, y)  # (N, P, Q)
    return ways.amin(2).square().mean(1) + ways.amin(1).square().mean(1)


def earth_mover(x: Tensor, y: Tensor) -> Tensor:
    r"""Earth mover's distance of each pair of clouds: points are paired so that the mean way is shortest.

    .. math:: \min_{\pi} \tfrac1P \sum_i \|x_i - y_{\pi(i)}\|

    Exact, by the Hungarian method. It sees density, which the Chamfer distance does not. Shapes: x and y (N, P, 3) ->
    (N,), in their unit. Errors: `ValueError` for other shapes, or clouds of different sizes. Cost: about P^3, some
    0.1 s a pair for 512 points. Source: Rubner, Tomasi and Guibas, 2000. Chapter 14.

    >>> x = torch.tensor([[[0.0, 0, 0], [1, 0, 0]]])
    >>> round(earth_mover(x, x.flip(1) + torch.tensor([0.0, 0, 0.5])).item(), 3)
    0.5
    """
    _expect_clouds(x, y, "earth_mover")
    if x.shape != y.shape:
        raise ValueError(f"earth_mover: expected as many points in both, got {x.shape[1]} and {y.shape[1]}")
    found = []
    for ways in torch.cdist(x, y).double().cpu().numpy():  # (P, P)
        rows, columns = linear_sum_assignment(ways)
        found.append(float(ways[rows, columns].mean()))
    return torch.tensor(found, dtype=x.dtype, device=x.device)


def pairwise(distance, x: Tensor, y: Tensor) -> Tensor:
    """`distance` of every cloud of x with every one of y: (N, P, 3), (M, Q, 3) -> (N, M)."""
    return torch.stack([distance(row.expand(len(y), *row.shape), y) for row in x])


def one_nn_accuracy(between: Tensor, within_x: Tensor, within_y: Tensor) -> float:
    """How well the nearest neighbour tells two sets of clouds apart: about 0.5 if they are alike, 1 if they are not.

    Each cloud of both sets is given the set of its nearest neighbour; the share of right answers is returned. Near 0
    each has its neighbour in the other set: copies. Shapes: distances between the sets (N, M), and within each,
    (N, N) and (M, M). Errors: `ValueError` for shapes that do not fit. Source: Lopez-Paz and Oquab, 2017
    (arXiv 1610.06545), for clouds Yang et al., 2019 (arXiv 1906.12347). Chapter 14.

    >>> x, y = torch.tensor([[0.0], [1.0]]), torch.tensor([[9.0], [10.0]])
    >>> one_nn_accuracy(torch.cdist(x, y), torch.cdist(x, x), torch.cdist(y, y))
    1.0
    """
    n, m = between.shape
    if within_x.shape != (n, n) or within_y.shape != (m, m) or n < 2 or m < 2:
        raise ValueError(
            f"one_nn_accuracy: expected ({n}, {n}) and ({m}, {m}) beside distances ({n}, {m}) of two sets of two or "
            f"more, got {tuple(within_x.shape)} and {tuple(within_y.shape)}"
        )
    whole = torch.cat((torch.cat((within_x, between), 1), torch.cat((between.T, within_y), 1)))  # (n + m, n + m)
    nearest = whole.clone().fill_diagonal_(torch.inf).argmin(1)
    own = torch.arange(n + m, device=whole.device) < n
    return (own[nearest] == own).double().mean().item()


def _expect_clouds(x: Tensor, y: Tensor, who: str) -> None:
    for cloud in (x, y):
        if not isinstance(cloud, Tensor) or cloud.ndim != 3 or cloud.shape[2] != 3 or cloud.shape[1] == 0:
            got = tuple(cloud.shape) if isinstance(cloud, Tensor) else type(cloud).__name__
            raise ValueError(f"{who}: expected clouds (N, P, 3), got {got}")
    if len(x) != len(y):
        raise ValueError(f"{who}: expected pairs, as many clouds in both, got {len(x)} and {len(y)}")
