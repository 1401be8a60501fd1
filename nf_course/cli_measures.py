"""What `nf-course measure WHAT` prints: the table of a chapter, measured here and now.

nf-course measure upscaling | edits | pictures | shapes | poses | priors; with --json as rows for a script.
Chapters 11 to 16.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields, is_dataclass

from torch import Tensor

from nf_course.edit_measures import edit_table
from nf_course.picture_table import picture_table
from nf_course.pose_table import pose_table
from nf_course.prior_table import prior_table
from nf_course.shape_table import shape_table
from nf_course.upscale_table import upscale_table

__all__ = ["MEASURES", "add_measure"]


def add_measure(commands: argparse._SubParsersAction) -> None:
    """The command's own options."""
    parser = commands.add_parser(
        "measure",
        help="the table of a chapter, measured here and now",
        description="The table of chapter 11 (upscaling), 12 (edits), 13 (pictures), 14 (shapes), 15 (poses) or "
        "16 (priors),\non data held out. Seconds to minutes each.",
        epilog="examples:\n  nf-course measure upscaling --scale 2 --size 128\n"
        "  nf-course measure edits --faces 100 --search 4\n  nf-course measure poses --json",
    )
    parser.add_argument("what", choices=list(MEASURES), help="chapters 11 to 16, in their order")
    parser.add_argument("--scale", type=int, default=4, help="of upscaling: 4 (default) or 2")
    parser.add_argument("--size", type=int, help="of upscaling: only a square of so many pixels in the middle")
    parser.add_argument("--faces", type=int, default=500, help="of edits: how many held-out faces (default: 500)")
    parser.add_argument("--search", type=int, default=0, help="of edits: the search by gradients too, on so many faces")
    parser.add_argument("--json", action="store_true", help="for a script: {what, rows: [...]}")
    parser.set_defaults(run=_measure)


def _measure(given: argparse.Namespace) -> None:
    compute, show = MEASURES[given.what]
    rows = compute(**vars(given))
    if given.json:
        print(json.dumps({"what": given.what, "rows": _plain(rows)}, indent=1))
    else:
        show(rows, **vars(given))


def _plain(value: object) -> object:
    """What JSON can hold: rows become tables by name, numbers that are none become null."""
    if is_dataclass(value):
        figures = getattr(value, "figures", None)  # the means, in place of the values of each picture
        names = [field.name for field in fields(value) if figures is None or field.name != "each"]
        return _plain({name: getattr(value, name) for name in names} | (figures or {}))
    if hasattr(value, "_asdict"):
        return _plain(value._asdict())
    if isinstance(value, dict):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, Tensor):
        return _plain(value.tolist())
    return None if isinstance(value, float) and not math.isfinite(value) else value


def upscaling(rows: list, scale: int, size: int | None, **_) -> None:
    """Chapter 11: photographs of the test split enlarged."""
    part = "whole" if size is None else f"the middle {size} x {size} pixels"
    print(f"{scale} x {scale}, photographs of the test split, {part}; again: reduced again, against what was given")
    print(f"{'method':12}{'temperature':>12}{'PSNR':>8}{'SSIM':>8}{'again':>8}{'texture':>9}{'diversity':>11}")
    for row in rows:
        warmth = "" if row.temperature is None else f"{row.temperature:.1f}"
        print(
            f"{row.method:12}{warmth:>12}{row.psnr:>8.2f}{row.ssim:>8.3f}{row.again:>8.1f}{row.texture:>9.3f}"
            f"{row.diversity:>11.1f}"
        )


def edits(rows: list, faces: int, **_) -> None:
    """Chapter 12: faces of the test split edited."""
    print(f"{faces} held-out faces, each attribute moved by one deviation; means over the attributes, in deviations")
    columns = ("reached", "error", "others", "others / reached", "face_distance", "norm")
    print(f"{'edit':24}" + "".join(f"{name.replace('_', ' '):>18}" for name in columns))
    for row in rows:
        name = row["edit"] if row["faces"] == faces else f"{row['edit']} ({row['faces']})"  # on so many of them
        print(f"{name:24}" + "".join(f"{row[column]:>18.3f}" for column in columns))


def pictures(rows: list, **_) -> None:
    """Chapter 13: clouds of pictures, and pictures of clouds."""
    for direction, words in (
        ("cloud", "clouds of pictures, Chamfer distance to the true cloud; held-out shapes, by view"),
        ("picture", "pictures of clouds, root mean square difference of pixels; held-out shapes"),
    ):
        some = [row for row in rows if row.direction == direction]
        print(words)
        _print(("way", "tries", *some[0].figures), [(row.way, row.tries, *row.figures.values()) for row in some], 4)


def shapes(rows: dict, **_) -> None:
    """Chapter 14: shapes known again through their codes, and new ones."""
    known, new = rows.values()
    print("held-out shapes known again, from 512 of their points")
    _print(list(known[0]), [list(row.values()) for row in known], 4)
    print("new shapes beside the held-out ones; 1-NNA: 0.5 could not be told apart")
    _print(list(new[0]), [list(row.values()) for row in new], 3)


def poses(rows: list, **_) -> None:
    """Chapter 15: depths of flat poses."""
    print("held-out clips, one camera of chance for each frame; errors in mm, NLL in nats, coverage in %")
    counts, levels = rows[0].best.keys(), rows[0].coverage.keys()
    header = ("clips", "method", "NLL", "guess", *(f"best of {n}" for n in counts), *(f"in {p:.0%}" for p in levels))
    lines = []
    for row in rows:
        best, inside = row.best or dict.fromkeys(counts, math.nan), row.coverage or dict.fromkeys(levels, math.nan)
        nll = math.nan if row.nll is None else row.nll
        lines.append(
            (row.split, row.method, nll, row.guess, *best.values(), *(100 * share for share in inside.values()))
        )
    _print(header, lines, 1)


def priors(rows: list, **_) -> None:
    """Chapter 16: pictures and poses restored with one prior and another."""
    print("each prior at the weight that is best on validation data, then on test data; PSNR in dB, or mm")
    _print(
        ("task", "prior", "start", "weight", "validation", "test", "unit"),
        [(*row[:3], "" if row.weight is None else f"{row.weight:g}", *row[4:]) for row in rows],
        2,
    )


MEASURES: dict[str, tuple[Callable, Callable]] = {  # what computes the rows, and what prints them
    "upscaling": (lambda scale, size, **_: upscale_table(scale, size=size), upscaling),
    "edits": (lambda faces, search, **_: edit_table(faces, oracle=search), edits),
    "pictures": (lambda **_: picture_table(), pictures),
    "shapes": (lambda **_: dict(zip(("known", "new"), shape_table())), shapes),
    "poses": (lambda **_: pose_table(), poses),
    "priors": (lambda **_: prior_table(), priors),
}


def _print(header: Sequence[str], rows: Iterable[Sequence[object]], digits: int) -> None:
    """Columns as wide as they must be: words to the left, numbers to the right, NaN left out."""

    def word(value: object) -> str:
        if isinstance(value, float):
            return "" if math.isnan(value) else f"{value:.{digits}f}"
        return str(value)

    words = [[word(value) for value in row] for row in rows]
    numbers = [not isinstance(value, str) for value in next(iter(rows))]
    widths = [max(map(len, column)) for column in zip(header, *words)]
    for line in (list(header), *words):
        cells = (w.rjust(n) if right else w.ljust(n) for w, n, right in zip(line, widths, numbers))
        print("  ".join(cells).rstrip())
