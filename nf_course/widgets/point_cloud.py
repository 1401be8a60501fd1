"""PointCloud: points in space that the reader turns, and that slide from one frame to the next with their colours.

A point is drawn at R (x - centre) / reach, R a rotation: rows right, up and towards the eye; near is large and strong.
Chapter 2.
"""

from __future__ import annotations

import math

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import traitlets
from matplotlib.colors import ListedColormap, Normalize, to_rgb
from torch import Tensor

from nf_course.plotting import COLOURS, CYCLE, VALUES
from nf_course.plotting._values import array, is_tensor_of_integers
from nf_course.widgets._given import amount, numbers
from nf_course.widgets._space import FOG, Ground, ground_of, nearness, project, rotation
from nf_course.widgets.base import Figure
from nf_course.widgets.words import number

__all__ = ["PointCloud"]

MOST_SIZE = 1e30  # so that squares are finite
MOST_POINTS, MOST_BYTES, MOST_CLASSES = 10_000, 1_500_000, 12


class PointCloud(Figure):
    """A cloud of points in space under the reader's hand: drag it, turn it by sliders or arrow keys, walk its frames.

    The eye looks at the centre from `azimuth` (degrees about the upright axis) and `elevation` (above the ground);
    `up` says which axis is upright, "z" or "y". With up="z", azimuth 0 looks along the x axis from its positive side
    and y runs to the right; with up="y" it looks along z and x runs to the right. `frame` counts from 0 and may stand
    between two frames: the points then are on the straight way from one to the next.

    Points travel as int16 in units of `unit` about `centre`, numbers that colour them as 256 steps from `low` to
    `high`. `edges`, pairs of points, are drawn as sticks: the bones of a pose.

    >>> import torch
    >>> data = torch.randn(500, 3, generator=torch.Generator().manual_seed(0))
    >>> cloud = PointCloud.of(data, data[:, 0], value_name="price", labels=["carat", "depth", "price"])
    >>> cloud.describe()
    '500 points, seen from azimuth −60°, elevation 20°. Coloured by price, −2.69 to 4.10.'
    >>> walk = PointCloud.of(torch.stack([data, 2 * data]), names=["data", "latent"], frame=0.5)
    >>> bool((walk.positions() - 1.5 * data.numpy()).__abs__().max() < walk.unit)
    True
    """

    scripts = ("point_cloud.js",)
    held = "points"
    points = traitlets.Bytes(b"").tag(sync=True)  # int16 [frame][point][coordinate]
    frames = traitlets.Int(1).tag(sync=True)
    unit = traitlets.Float(1.0).tag(sync=True)
    centre = traitlets.List(traitlets.Float(), [0.0, 0.0, 0.0]).tag(sync=True)
    reach = traitlets.Float(1.0).tag(sync=True)  # what is farther from the centre may leave the picture
    paint = traitlets.Enum(["side", "values", "classes", "rgb"], "side").tag(sync=True)
    values = traitlets.Bytes(b"").tag(sync=True)  # a byte for each point, or three
    low = traitlets.Float(0.0).tag(sync=True)
    high = traitlets.Float(1.0).tag(sync=True)
    value_name = traitlets.Unicode("value").tag(sync=True)
    classes = traitlets.List(traitlets.Unicode()).tag(sync=True)
    side = traitlets.Enum(["x", "z", "model"], "x").tag(sync=True)  # whose colour points have that carry none
    names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    frame_name = traitlets.Unicode("frame").tag(sync=True)
    labels = traitlets.List(traitlets.Unicode(), ["x", "y", "z"], minlen=3, maxlen=3).tag(sync=True)
    edges = traitlets.List(traitlets.List(traitlets.Int(), minlen=2, maxlen=2)).tag(sync=True)
    about = traitlets.Unicode("").tag(sync=True)
    up = traitlets.Enum(["y", "z"], "z").tag(sync=True)
    azimuth = traitlets.Float(-60.0).tag(sync=True)
    elevation = traitlets.Float(20.0).tag(sync=True)
    frame = traitlets.Float(0.0).tag(sync=True)
    caption = traitlets.Unicode("").tag(sync=True)

    @classmethod
    def of(
        cls,
        points: Tensor | np.ndarray,
        values: Tensor | np.ndarray | None = None,
        *,
        frames: Tensor | list | None = None,
        names: list[str] | None = None,
        **traits,
    ) -> PointCloud:
        """The figure of `points`, (N, 3), or (F, N, 3) for F frames of the same points.

        Args:
            values: (N,) real numbers are colours from low to high, (N,) whole numbers classes, (N, 3) rgb, 0 to 1 or
                uint8.
            frames: more frames, (N, 3) each, that follow the first.
            names: of the frames.
            **traits: such as `value_name`, `classes` (their names), `labels` (of the axes), `up`, `azimuth`,
                `elevation`, `frame`, `edges`, `about` (what the cloud is, in words), `reach`, `low`, `high`, `caption`.
        """
        cloud = _cloud(points, frames)
        count = cloud.shape[1]
        lowest, highest = cloud.min(axis=(0, 1)), cloud.max(axis=(0, 1))
        centre = (lowest + highest) / 2
        off = cloud - centre
        unit = max(float(np.abs(off).max()), 1e-9) / 32767
        names = [str(name) for name in names] if names is not None else [f"{k + 1}" for k in range(len(cloud))]
        if len(names) != len(cloud):
            raise ValueError(f"PointCloud: expected a name for each of {len(cloud)} frames, got {len(names)}")
        edges = _edges(traits.pop("edges", None), count)
        if traits.get("up") == "y":
            traits.setdefault("azimuth", 30.0)
        farthest, corner = np.sqrt((off**2).sum(-1)).max(), np.linalg.norm(highest - centre)
        reach = traits.setdefault("reach", max(float(farthest), 0.88 * float(corner), 1e-9))
        if not amount(reach, "PointCloud", "a reach above 0", 0, MOST_SIZE):
            raise ValueError(f"PointCloud: expected a reach above 0, got {reach!r}")
        return cls(
            points=(off / unit).round().astype("<i2").tobytes(),
            frames=len(cloud),
            unit=unit,
            centre=centre.tolist(),
            names=names,
            edges=edges,
            **_paint(values, count, traits),
            **({"caption": _caption(len(cloud))} | traits),
        )

    @traitlets.validate("reach")
    def _reaches_out(self, proposal):
        if not 0 < proposal["value"] < math.inf:
            raise traitlets.TraitError(f"PointCloud: expected a reach above 0, got {proposal['value']}")
        return proposal["value"]

    @traitlets.validate("edges")
    def _known_ends(self, proposal):
        count = len(self.points) // (6 * self.frames)
        if any(not 0 <= i < count for pair in proposal["value"] for i in pair):
            raise traitlets.TraitError(
                f"PointCloud: expected edges between points 0 to {count - 1}, got {proposal['value']}"
            )
        return proposal["value"]

    @traitlets.validate("names")
    def _name_for_each(self, proposal):
        if len(proposal["value"]) != self.frames:
            raise traitlets.TraitError(
                f"PointCloud: expected a name for each of {self.frames} frames, got {len(proposal['value'])}"
            )
        return proposal["value"]

    @traitlets.validate("azimuth", "elevation", "frame")
    def _known_view(self, proposal):
        name, value = proposal["trait"].name, proposal["value"]
        low, high = {"azimuth": (-180, 180), "elevation": (-90, 90), "frame": (0, self.frames - 1)}[name]
        if not low <= value <= high:
            raise traitlets.TraitError(f"PointCloud: expected {name} from {low} to {high}, got {value}")
        return value

    def positions(self, frame: float | None = None) -> np.ndarray:
        """Where the points are, at the present place between the frames by default: (N, 3)."""
        frame = self.frame if frame is None else frame
        stops = np.frombuffer(self.points, "<i2").reshape(self.frames, -1, 3) * self.unit + self.centre
        k = min(int(frame), self.frames - 1)
        after = stops[min(k + 1, self.frames - 1)]
        return (1 - (frame - k)) * stops[k] + (frame - k) * after

    def project(self, points: np.ndarray) -> np.ndarray:
        """Points (N, 3) to (N, 3): right and up in the picture, in units of reach, and depth towards the eye."""
        return project((points - np.array(self.centre)) / self.reach, rotation(self.azimuth, self.elevation, self.up))

    def describe(self) -> str:
        """What is seen, from where, at which frame, in which colours."""
        k, share = divmod(self.frame, 1)
        where = (
            f"“{self.names[int(k)]}”"
            if share == 0
            else f"between “{self.names[int(k)]}” and “{self.names[int(k) + 1]}”"
        )
        at = f", {self.frame_name} {where}" if self.frames > 1 else ""
        view = f"seen from azimuth {number(self.azimuth, 0)}°, elevation {number(self.elevation, 0)}°"
        text = f"{len(self.points) // (6 * self.frames)} points{at}, {view}."
        if self.paint == "values":
            low, high = _written(self.low, self.high)
            text += f" Coloured by {self.value_name}, {low} to {high}."
        if self.paint == "classes":
            text += f" Colours: {', '.join(self.classes)}."
        return f"{self.about} {text}".strip()

    def still(self) -> mpl.figure.Figure:
        """The cloud from where it is seen now, with its ground, and a scale of its colours."""
        figure, ax = plt.subplots(figsize=(4.6, 4.2), layout="constrained")
        ground = self._ground()
        foot = min(ground.corners, key=lambda corner: self.project(corner[None])[0, 0])  # the one farthest left
        head = foot + (ground.height * np.eye(3)[ground.axes[2]])
        for line in [*ground.along_u, *ground.along_v, np.stack([foot, head])]:
            ax.plot(*self.project(line)[:, :2].T, color=COLOURS["grid"], linewidth=0.8, zorder=0)
        self._name_axes(ax, ground, head)
        seen, colours = self.project(self.positions()), self._colours()
        order = seen[:, 2].argsort()
        seen, near = seen[order], nearness(seen[order, 2])
        colours = colours[order] + (FOG * (1 - near))[:, None] * (1 - colours[order])
        for pair in self.edges:
            ax.plot(*self.project(self.positions()[pair])[:, :2].T, color=COLOURS["muted"], linewidth=1.2, zorder=1)
        size = float(np.clip(16000 / len(seen), 7, 40)) * (0.45 + near)
        ax.scatter(
            seen[:, 0], seen[:, 1], s=size, c=colours, edgecolors="white", linewidths=0.2, rasterized=True, zorder=2
        )
        ax.set(aspect="equal", xlim=(-1.06, 1.06), ylim=(-1.14, 1.06))
        ax.set_axis_off()
        if self.frames > 1:
            ax.set_title(self.names[round(self.frame)])
        if self.paint == "values":
            scale = mpl.cm.ScalarMappable(Normalize(self.low, self.high), VALUES)
            figure.colorbar(scale, ax=ax, shrink=0.6, label=self.value_name)
        for name, colour in zip(self.classes, _class_colours(len(self.classes))):
            ax.plot([], [], "o", color=colour, label=name)
        if self.classes:
            ax.legend(loc="upper right")
        return figure

    def _colours(self) -> np.ndarray:
        data = np.frombuffer(self.values, np.uint8)
        if self.paint == "rgb":
            return data.reshape(-1, 3) / 255
        if self.paint == "classes":
            return np.array([to_rgb(colour) for colour in _class_colours(len(self.classes))])[data]
        if self.paint == "values":
            return VALUES(data)[:, :3]
        return np.tile(to_rgb(COLOURS[self.side]), (len(self.points) // (6 * self.frames), 1))

    def _ground(self) -> Ground:
        stops = np.frombuffer(self.points, "<i2").reshape(-1, 3) * self.unit
        low, high = (np.clip(end(stops, 0), -self.reach, self.reach) + self.centre for end in (np.min, np.max))
        return ground_of(low, high, self.up)

    def _name_axes(self, ax, ground: Ground, head: np.ndarray) -> None:
        """Each ground axis at its edge nearest to the eye, the upright one at its top."""
        middle = self.project(np.concatenate([ground.along_u, ground.along_v]).mean((0, 1))[None])[0, :2]
        for axis, lines in zip(ground.axes, (ground.along_u, ground.along_v)):
            spot = max((self.project(line.mean(0)[None])[0] for line in (lines[0], lines[-1])), key=lambda p: p[2])[:2]
            away = (spot - middle) / max(np.linalg.norm(spot - middle), 1e-6)
            ax.text(*np.clip(spot + 0.1 * away, -1, 1), self.labels[axis], ha="center", va="center")
        spot = np.clip(self.project(head[None])[0, :2] + [0, 0.06], -1, 1)
        ax.text(*spot, self.labels[ground.axes[2]], ha="center", va="center")


def _caption(frames: int) -> str:
    turn = (
        "Drag the cloud to turn it, or give it the focus and press the arrow keys. Near points are large and strong, "
        "far ones small and faint."
    )
    walk = " Move the first slider: every point keeps its colour on its way. Between two frames it slides straight."
    return turn + (walk if frames > 1 else "")


def _cloud(points, frames) -> np.ndarray:
    """Checked points, (F, N, 3)."""
    several = isinstance(points, (list, tuple)) and all(isinstance(part, (Tensor, np.ndarray)) for part in points)
    if several and points and all(part.ndim == 2 for part in points):  # a list of frames
        points, frames = points[0], [*points[1:], *(frames if frames is not None else [])]
    stops = [_numbers(points, "points (N, 3)")]
    if stops[0].ndim == 3:
        if frames is not None:
            raise ValueError("PointCloud: expected points (N, 3) where frames are given, got both (F, N, 3) and frames")
        stops = list(stops[0])
    stops += [_numbers(frame, "frames (N, 3)") for frame in frames] if frames is not None else []
    shapes = {stop.shape for stop in stops}
    if len(shapes) != 1 or stops[0].ndim != 2 or stops[0].shape[1] != 3 or len(stops[0]) == 0:
        found = ", ".join(str(shape) for shape in sorted(shapes)) or "no frame"
        raise ValueError(f"PointCloud: expected points (N, 3), or frames (F, N, 3) of the same points, got {found}")
    cloud = np.stack(stops)
    if not np.isfinite(cloud).all():
        raise ValueError("PointCloud: expected finite points, got NaN or infinity")
    farthest = np.abs(cloud).max()
    if farthest > MOST_SIZE:
        raise ValueError(f"PointCloud: expected points within {MOST_SIZE:g} of 0, got {farthest:.3g}; rescale them")
    if cloud.shape[1] > MOST_POINTS:
        raise ValueError(f"PointCloud: expected at most {MOST_POINTS} points, got {cloud.shape[1]}; draw some of them")
    if 2 * cloud.size > MOST_BYTES:
        raise ValueError(
            f"PointCloud: {len(cloud)} frames of {cloud.shape[1]} points take {2 * cloud.size / 1e6:.1f} MB, "
            f"expected at most {MOST_BYTES / 1e6:.1f} MB; take fewer frames or fewer points"
        )
    return cloud


def _numbers(values, what: str) -> np.ndarray:
    return array(numbers(values, "PointCloud", what))


def _edges(edges, count: int) -> list[list[int]]:
    if edges is None:
        return []
    pairs = numbers(edges, "PointCloud", "edges, pairs of points")
    if pairs.numel() == 0:
        return []
    if pairs.ndim != 2 or pairs.shape[1] != 2 or pairs.is_floating_point():
        raise ValueError(f"PointCloud: expected edges, pairs of numbers of points, got shape {tuple(pairs.shape)}")
    if not (0 <= int(pairs.min()) and int(pairs.max()) < count):
        raise ValueError(f"PointCloud: expected edges between points 0 to {count - 1}, got {pairs.tolist()}")
    return pairs.tolist()


def _paint(values, count: int, given: dict) -> dict:
    """Colours of the points as traits: numbers in 256 steps, numbers of classes, or rgb."""
    if values is None:
        return {"paint": "side"}
    table = _numbers(values, f"values ({count},) or rgb ({count}, 3)")
    if table.shape not in ((count,), (count, 3)):
        raise ValueError(f"PointCloud: expected values ({count},) or rgb ({count}, 3), got {table.shape}")
    if not np.isfinite(table).all():
        raise ValueError("PointCloud: expected finite values, got NaN or infinity")
    whole = is_tensor_of_integers(values)
    if table.ndim == 2:
        if whole:
            table = table / 255
        if table.min() < 0 or table.max() > 1:
            raise ValueError("PointCloud: expected rgb from 0 to 1, or uint8")
        return {"paint": "rgb", "values": (255 * table).round().astype(np.uint8).tobytes()}
    if whole:
        kinds, index = np.unique(table, return_inverse=True)
        names = [str(name) for name in given.pop("classes", [f"{kind:.0f}" for kind in kinds])]
        if len(kinds) > MOST_CLASSES or len(names) != len(kinds):
            raise ValueError(
                f"PointCloud: whole numbers are classes, expected at most {MOST_CLASSES} and a name for each, got "
                f"{len(kinds)} and {len(names)} names; give numbers that are amounts as floats"
            )
        return {"paint": "classes", "classes": names, "values": index.astype(np.uint8).tobytes()}
    low, high = (given.pop(name, end) for name, end in (("low", table.min().item()), ("high", table.max().item())))
    low, high = (amount(end, "PointCloud", "low and high", -1e300, 1e300) for end in (low, high))
    if not low <= high:
        raise ValueError(f"PointCloud: expected low below high, got {low} and {high}")
    shares = np.clip((table - low) / ((high - low) or 1), 0, 1)
    return {"paint": "values", "values": (255 * shares).round().astype(np.uint8).tobytes(), "low": low, "high": high}


def _class_colours(count: int) -> list:
    return CYCLE[:count] if count <= len(CYCLE) else list(ListedColormap(VALUES(np.linspace(0, 1, count))).colors)


def _written(low: float, high: float) -> list[str]:
    digits = min(3, max(0, 2 - math.floor(math.log10(max(high - low, 1e-9)))))
    return [number(low, digits), number(high, digits)]
