"""picture_table: clouds of pictures and pictures of clouds, by C-Flow, by a shared latent and by retrieval.

Chamfer distance to the true cloud;  least root mean square difference to a picture of the true shape.
Chapter 13.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from nf_course import data
from nf_course.clouds import chamfer, pairwise
from nf_course.models.cflow import SharedLatent, shared_latent
from nf_course.models.picture_shapes import PictureShapes
from nf_course.models.pointflow import PointFlow
from nf_course.picture_pairs import TILT, TURN, PicturePairs, picture_pairs
from nf_course.render import camera, depth_image
from nf_course.training import fit

__all__ = ["VIEWS", "PictureRow", "nearest_picture", "picture_table", "shared_codes"]

VIEWS = {  # the first as in training, the others as never there
    "seen": {"turn": (-TURN, TURN), "tilt": TILT},
    "turned": {"turn": (TURN, 360.0 - TURN), "tilt": TILT},
    "tilted": {"turn": (-TURN, TURN), "tilt": TILT + 40.0},
}
POINTS = 512  # of every cloud that is compared
WEIGHT = 4.0  # of the distance of latents: likelihood asks for less than 1, but with 4 validation shapes are nearer


@dataclass(frozen=True)
class PictureRow:
    """One way to answer, and how far its answers are from the truth, for each of the held-out pictures or clouds.

    `tries` is how many answers were given, of which one counts: "best", the nearest to the truth, or "best look", the
    one whose own picture is most like the picture given, which takes the camera and no truth. Measured is, of clouds,
    the Chamfer distance, from each of `VIEWS`; of pictures the root mean square difference: `closest`, of an answer to
    the nearest picture of the true shape, and `coverage`, of the pictures of the true shape to the nearest answer.
    """

    direction: str  # "cloud" or "picture": what is asked for
    way: str
    tries: int
    each: dict[str, Tensor]  # (n,) each

    @property
    def figures(self) -> dict[str, float]:
        """The means."""
        return {name: values.mean().item() for name, values in self.each.items()}


def nearest_picture(pictures: Tensor, bank: Tensor, among: Tensor | None = None, k: int = 1) -> Tensor:
    r"""The k pictures of a bank that differ least from each picture, by the sum of squares over pixels; nearest first.

    .. math:: \arg\min_j \sum_p (x_p - b_{jp})^2

    With `among`, (M,), the shape that each picture of the bank is of, no two of the k are of one shape. Shapes:
    pictures (N, 1, size, size), bank (M, 1, size, size) -> (N, k), rows of the bank. Cost: N M size^2. Chapter 13.

    >>> bank = torch.tensor([0.0, 0.4, 0.9]).view(3, 1, 1, 1)
    >>> nearest_picture(bank[2:] - 0.1, bank, k=2).tolist()
    [[2, 1]]
    """
    if pictures.shape[1:] != bank.shape[1:] or pictures.ndim != 4:
        raise ValueError(
            f"nearest_picture: expected pictures (N, C, H, W) and a bank of the same size, got {tuple(pictures.shape)} "
            f"and {tuple(bank.shape)}"
        )
    far = torch.cdist(pictures.flatten(1), bank.flatten(1))  # (N, M)
    if among is None:
        return far.topk(k, largest=False).indices
    best = torch.full((len(pictures), int(among.max()) + 1), torch.inf)
    best = best.scatter_reduce(1, among.expand_as(far), far, "amin")  # (N, shapes)
    shapes = best.topk(k, largest=False).indices
    return torch.stack([far.masked_fill(among != shapes[:, i : i + 1], torch.inf).argmin(1) for i in range(k)], 1)


def shared_codes(train: PicturePairs, model: PictureShapes, steps: int = 200, weight: float = WEIGHT) -> SharedLatent:
    """A shared latent of picture codes and shape codes, trained here: some 5 s. The same each time."""
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        both = shared_latent(train.codes.shape[1], steps=4, hidden=(64, 64))
        pairs = _Pairs(both, weight)
        fit(pairs, train.codes, context=model.code(train.pictures), steps=steps, batch_size=128, lr=5e-3)
    return both.eval()


class _Pairs(nn.Module):
    """A shared latent as `fit` takes it: its loss is minus a log-density of pairs, but for a constant (chapter 13)."""

    def __init__(self, both: SharedLatent, weight: float) -> None:
        super().__init__()
        self.both, self.weight = both, weight

    def log_prob(self, x2: Tensor, x1: Tensor) -> Tensor:
        return -self.both.loss(x1, x2, self.weight)


@torch.no_grad()
def picture_table(
    split: str = "test",
    views: int = 2,
    samples: int = 10,
    points: PointFlow | None = None,
    model: PictureShapes | None = None,
    shared: SharedLatent | None = None,
    bank: PicturePairs | None = None,
    seed: int = 0,
) -> list[PictureRow]:
    """The rows for either direction, on every shape of a split from `views` cameras of each of `VIEWS`.

    Args: `points` and `model`, by default those that ship; `shared`, by default trained here; `bank`, the training
    pictures to retrieve from, by default all that the C-Flow has seen. Best of `samples`, of as many retrieved shapes
    or pictures beside it. The random state of the caller stays as it is. Errors: `ValueError` for less than one view
    or sample. Cost: some 35 s on one core: 10 for the bank, 5 for the shared latent, 10 for each of the `views`.

    >>> from nf_course import models
    >>> _ = torch.manual_seed(0)
    >>> points, model = models.pointflow(code=4).eval(), models.picture_shapes(4, 4, steps=1, hidden=(8,)).eval()
    >>> shared, bank = shared_latent(4, steps=1, hidden=(8,)).eval(), picture_pairs(points, "train", views=1)
    >>> rows = picture_table("valid", 1, 2, points, model, shared, bank)
    >>> rows[1].way, rows[1].tries, list(rows[1].figures)
    ('C-Flow, best look of samples', 2, ['seen', 'turned', 'tilted'])
    """
    if views < 1 or samples < 1:
        raise ValueError(f"picture_table: expected at least 1 view and 1 sample, got {views} and {samples}")
    from nf_course.recipes import trained  # here: recipes are made of everything else

    points = trained("pointflow-couplings")[0] if points is None else points
    model = trained("cflow-furniture")[0] if model is None else model
    bank = picture_pairs(points, "train") if bank is None else bank
    if shared is None:
        with torch.enable_grad():
            shared = shared_codes(bank, model)
    with torch.random.fork_rng([]):
        torch.manual_seed(seed)
        return _clouds(split, views, samples, points, model, shared, bank) + _pictures(split, samples, points, model)


def _clouds(split, views, samples, points, model, shared, bank) -> list[PictureRow]:
    """Every way from a picture to clouds; of several answers one, the one that looks most alike, and the nearest."""
    found: dict[tuple[str, int], dict[str, Tensor]] = {}
    for name, view in VIEWS.items():
        pairs = picture_pairs(points, split, views, points=2 * POINTS, **view)
        pictures, truth = pairs.pictures, pairs.clouds[:, :POINTS]
        sampled = torch.stack([_cloud(points, model.sample(len(pictures), pictures)) for _ in range(samples)])
        retrieved = bank.clouds[nearest_picture(pictures, bank.pictures, bank.shape, samples).T]
        far = {}
        for who, kind, clouds in (("C-Flow", "samples", sampled), ("retrieval", "shapes", retrieved)):
            look = torch.stack([_unlike(cloud, pictures, camera(pairs.turn, view["tilt"])) for cloud in clouds])
            each = torch.stack([_far(cloud, truth) for cloud in clouds])  # (samples, n)
            far["C-Flow, a sample" if who == "C-Flow" else who, 1] = each[0]
            far[f"{who}, best look of {kind}", samples] = each.gather(0, look.argmin(0)[None])[0]
            far[f"{who}, best of {kind}", samples] = each.amin(0)
        for way, codes in (
            ("C-Flow, temperature 0", model.sample(len(pictures), pictures, 0.0)),
            ("shared latent", shared.to_second(model.code(pictures))),
            ("mean of the training codes", bank.codes.mean(0).expand_as(pairs.codes)),
            ("code of the true cloud", pairs.codes),
        ):
            far[way, 1] = _far(_cloud(points, codes), truth)
        far["another draw of the true surface", 1] = _far(pairs.clouds[:, POINTS:], truth)
        for key, values in far.items():
            found.setdefault(key, {})[name] = values
    return [PictureRow("cloud", way, tries, each) for (way, tries), each in found.items()]


def _cloud(points: PointFlow, codes: Tensor) -> Tensor:
    return points.decode(codes, POINTS)  # (n, POINTS, 3)


def _unlike(clouds: Tensor, pictures: Tensor, view: Tensor) -> Tensor:
    """How much the picture of each cloud differs from the picture given, (n,): no truth is needed, only the camera."""
    return (depth_image(clouds, view) - pictures).square().mean((1, 2, 3)).sqrt()


def _far(x: Tensor, y: Tensor) -> Tensor:
    """Chamfer distances, (n,), of a few pairs at a time, which stay in the processor's cache: three times as fast."""
    return torch.cat([chamfer(a, b) for a, b in zip(x.split(4), y.split(4))])


def _pictures(split, samples, points, model) -> list[PictureRow]:
    """Every way from a cloud to pictures, (n, tries, 1, size, size), against those from a grid of cameras."""
    clouds, known = data.furniture(split).points, data.furniture("train").points
    grid = torch.linspace(-TURN, TURN, 13)
    truth = _seen(clouds, grid.expand(len(clouds), -1))  # (n, 13, 1, size, size)
    codes = points.code(clouds[:, :POINTS])
    of_nearest = known[pairwise(_far, clouds[:, :256], known[:, :256]).argmin(1)]
    turns = TURN * (2 * torch.rand(len(clouds), samples) - 1)
    drawn = torch.stack([model.pictures(codes) for _ in range(samples)], 1)
    lost = model.code.decode(model.code(truth.flatten(0, 1))).clamp(0, 1).view_as(truth)
    ways = {
        "C-Flow, a sample": drawn[:, :1],
        "C-Flow, temperature 0": model.pictures(codes, 0.0)[:, None],
        "C-Flow, best of samples": drawn,
        "retrieval": _seen(of_nearest, turns[:, :1]),
        "retrieval, best of views": _seen(of_nearest, turns),
        "code of a true picture": lost,
    }
    rows = []
    for way, answers in ways.items():
        far = torch.cdist(answers.flatten(2), truth.flatten(2)) / truth[0, 0].numel() ** 0.5  # (n, tries, 13)
        each = {"closest": far.amin((1, 2)), "coverage": far.amin(1).mean(1)}
        rows.append(PictureRow("picture", way, answers.shape[1], each))
    return rows


def _seen(clouds: Tensor, turns: Tensor) -> Tensor:
    """The picture of each cloud from each of its turns: (n, P, 3), (n, k) -> (n, k, 1, size, size)."""
    n, k = turns.shape
    return depth_image(clouds.repeat_interleave(k, 0), camera(turns.flatten(), TILT)).unflatten(0, (n, k))
