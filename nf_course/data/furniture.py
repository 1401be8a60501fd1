r"""Furniture: 233 shapes as clouds of 2048 points on their surfaces, chairs, tables, cabinets and others.

y points up, every shape looks the same way, and stands in the middle of its bounding box. The points of a shape were
drawn at random from its surface, as many as its area asks for; the loader puts them in an order of chance, so that the
first P of them are a random sample as well.
"""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from nf_course.data._files import check_split, read

SHAPES, POINTS = 233, 2048
MANY = 10  # a creator of so many shapes is for training only


@dataclass(frozen=True)
class Furniture:
    """One split of the shapes.

    Attributes:
        points: shape ``(n, P, 3)``, float32, x to the right, y up, z to the front; the largest coordinate of each shape
            is 1 or -1.
        metres: shape ``(n,)``: how long 1 is.
        label: shape ``(n,)``: index into ``kinds``.
        kinds: names of the kinds: chair, stool, sofa, table, bed, cabinet, lamp, car, person, bench.
        names, creators, licences, ids: of each shape; the credits that its licence asks for.
    """

    points: Tensor
    metres: Tensor
    label: Tensor
    kinds: tuple[str, ...]
    names: tuple[str, ...]
    creators: tuple[str, ...]
    licences: tuple[str, ...]
    ids: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.points)

    def only(self, *kinds: str) -> "Furniture":
        """The shapes of these kinds, in the same order.

        >>> set(furniture("test").only("chair").kind_names())
        {'chair'}
        """
        unknown = [kind for kind in kinds if kind not in self.kinds]
        if unknown or not kinds:
            raise ValueError(f"Furniture.only: expected some of {', '.join(self.kinds)}, got {', '.join(kinds)!r}")
        wanted = torch.tensor([self.kinds.index(kind) for kind in kinds])
        return self._rows(torch.isin(self.label, wanted).nonzero()[:, 0])

    def kind_names(self) -> list[str]:
        """The kind of each shape."""
        return [self.kinds[k] for k in self.label.tolist()]

    def credits(self) -> list[str]:
        """A line for each shape: what it is, who made it, under which licence."""
        return [f"{n}: {c}; {lic}; {i}" for n, c, lic, i in zip(self.names, self.creators, self.licences, self.ids)]

    def _rows(self, rows: Tensor) -> "Furniture":
        words = (tuple(t[i] for i in rows.tolist()) for t in (self.names, self.creators, self.licences, self.ids))
        return Furniture(self.points[rows], self.metres[rows], self.label[rows], self.kinds, *words)


def furniture(split: str | None = None, points: int = POINTS) -> Furniture:
    """Shapes as clouds of points: 180 to train on, 12 to validate, 41 to test.

    Args:
        split: ``"train"``, ``"valid"``, ``"test"``, or None for all. Split by *creator*: variants of one model are by
            one hand, so that none stands on both sides. Creators of ten shapes or more are in train.
        points: how many of the 2048 points of each shape.

    Returns:
        :class:`Furniture`, with ``points`` of shape ``(n, points, 3)``.

    >>> train, test = furniture("train", 512), furniture("test")
    >>> train.points.shape, test.points.shape
    (torch.Size([180, 512, 3]), torch.Size([41, 2048, 3]))
    >>> set(train.creators) & set(test.creators)
    set()

    Errors: `ValueError` for another split or number of points.
    Source: the models of sweethome3d-furniture 1.8 in Debian, CC0 (56 shapes) and CC BY 3.0 (177), see NOTICE.
    Chapters 13 and 14.
    """
    if split is not None:
        check_split(split)
    if not isinstance(points, int) or isinstance(points, bool) or not 1 <= points <= POINTS:
        raise ValueError(f"furniture: expected a number of points from 1 to {POINTS}, got {points!r}")
    arrays = read(
        "furniture.npz",
        points=((SHAPES, POINTS, 3), "i"),
        scale=((SHAPES,), "f"),
        label=((SHAPES,), "u"),
        **dict.fromkeys(("name", "creator", "licence", "id"), ((SHAPES,), "U")),
    )
    order = np.random.default_rng(0).permuted(np.tile(np.arange(POINTS), (SHAPES, 1)), axis=1)[:, :points]
    cloud = np.take_along_axis(arrays["points"], order[:, :, None], 1).astype(np.float32) / 32767
    creators = tuple(map(str, arrays["creator"]))
    everything = Furniture(
        torch.from_numpy(cloud),
        torch.from_numpy(arrays["scale"].copy()),
        torch.from_numpy(arrays["label"].astype(np.int64)),
        tuple(map(str, arrays["classes"])),
        tuple(map(str, arrays["name"])),
        creators,
        tuple(map(str, arrays["licence"])),
        tuple(map(str, arrays["id"])),
    )
    where = _split_of(creators)
    rows = [i for i, creator in enumerate(creators) if split in (None, where.get(creator, "train"))]
    return everything._rows(torch.tensor(rows))


def _split_of(creators: tuple[str, ...]) -> dict[str, str]:
    """Of the creators of few shapes, by name, every third is for the test and every sixth for validation."""
    few = sorted(name for name, many in Counter(creators).items() if many < MANY)
    return dict.fromkeys(few[1::3], "test") | dict.fromkeys(few[2::6], "valid")
