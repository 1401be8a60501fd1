"""Pictures that weigh little, and that can be read on a phone.

Matplotlib writes a picture in true colour; 256 colours, chosen for it, look the same and weigh a third. And a row of
panels is told where it can be cut, so that nf-figures.js can stack the panels on a narrow screen.
"""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from docutils import nodes
from PIL import Image

FARTHEST = 20  # of 255: no pixel's red, green or blue may be further from what it was
FLAT = 48  # most frequent colours of a picture, which are kept as they are
LIGHT = 20_000  # bytes: smaller pictures are left alone
BLANK = 250  # a column of pixels is blank where all of it is at least so light
GAP, WIDE = 0.005, 1.6  # least width of a gap, as a share of the picture; least width over height to be cut
LABEL, HAIR = 0.03, 0.002  # greatest width of a label beside an upright axis; least of the gap before it
AXIS = 0.08, 0.55  # how far right of a gap the upright line of an axis is looked for; its share of the height, at least
TEXT = 14, 0.7  # pixels of a letter's height, at least; share of the picture's that a label takes, at most
EVEN = 1.6  # greatest width of a panel, in those of the narrowest, where there are more than two
PANELS = "nf-panels-"  # a class that says how many there are
MOST = 5  # panels in a row; a picture of more pieces is a grid of small images


def lighten(path: Path) -> int:
    """Write a PNG again with 256 colours where nobody can tell; the bytes saved."""
    before = path.stat().st_size
    with Image.open(path) as picture:
        if before < LIGHT or picture.mode == "P" or (picture.mode == "RGBA" and picture.getextrema()[3][0] < 255):
            return 0
        true = picture.convert("RGB")
    pixels = np.asarray(true, dtype=np.uint32) @ np.array([1 << 16, 1 << 8, 1], dtype=np.uint32)
    packed, place, count = np.unique(pixels, return_inverse=True, return_counts=True)
    colours = np.stack([packed >> 16, packed >> 8 & 255, packed & 255], axis=1).astype(np.float32)
    # the colours of paper, areas and lines stay what they are; the others are spread over the rest
    flat = colours[np.argsort(-count, kind="stable")[:FLAT]]
    rest = true.quantize(256 - len(flat), method=Image.Quantize.MAXCOVERAGE).getpalette()
    palette = np.concatenate([flat, np.array(rest, dtype=np.float32).reshape(-1, 3)])[:256]
    nearest = np.concatenate([_nearest(part, palette) for part in np.array_split(colours, 1 + len(colours) // 4096)])
    if np.abs(palette[nearest] - colours).max() > FARTHEST:
        return 0
    small = Image.fromarray(nearest[place].reshape(pixels.shape).astype(np.uint8))
    small.putpalette(palette.astype(np.uint8).tobytes())
    out = io.BytesIO()
    small.save(out, "png", optimize=True)
    if out.tell() >= before:
        return 0
    path.write_bytes(out.getvalue())
    return before - out.tell()


def _nearest(colours: np.ndarray, palette: np.ndarray) -> np.ndarray:
    """The number of the nearest colour of the palette, for each."""
    return ((palette**2).sum(1) - 2 * colours @ palette.T).argmin(1)


def lighten_all(app, exception) -> None:
    """Every picture of the built pages, two at a time."""
    if exception is None and app.builder.format == "html":
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lighten, sorted((Path(app.outdir) / "_images").glob("*.png"))))


def cuts(picture: Image.Image, panels: int = 0) -> list[float]:
    """Where a row of panels can be cut, as shares of the width: n - 1 places for n panels, none where it is one piece.

    The panels of a row are about equally wide, so the k-th of n - 1 cuts lies in a blank gap near k/n. Of all n for
    which every gap is there and the pieces are even, the largest is taken, unless its gaps are much narrower than those
    of fewer panels, or leave out a wider one.
    Labels and numbers of an axis belong to the panel on their right. A grid of many small images is one piece, unless
    the number of `panels` is given: then the cuts are the gaps nearest to its equal parts.
    """
    if picture.width < WIDE * picture.height:
        return []
    white = np.asarray(picture.convert("L")) >= BLANK
    blank = white.all(axis=0)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], blank, [0]])))
    runs = [(start, end) for start, end in edges.reshape(-1, 2) if start > 0 and end < len(blank)]
    every = [(start / len(blank), end / len(blank)) for start, end in runs if end - start >= HAIR * len(blank)]
    runs = [(start, end) for start, end in every if end - start >= GAP]
    if panels:
        parts = [k / panels for k in range(1, panels)] if runs else []
        return [sum(min(runs, key=lambda run, part=part: abs(sum(run) / 2 - part))) / 2 for part in parts]
    found, widest, fewer = [], 0.0, []
    for n in range(2, 13):
        near = [[r for r in runs if abs((r[0] + r[1]) / 2 - k / n) < 0.35 / n] for k in range(1, n)]
        if not all(near):
            continue
        gaps = [max(several, key=lambda r: r[1] - r[0]) for several in near]
        least, middles = min(end - start for start, end in gaps), [(start + end) / 2 for start, end in gaps]
        widths = np.diff([0, *middles, 1])
        wider = [gap for gap in fewer if gap not in gaps and gap[1] - gap[0] > least]  # it would no longer be a cut
        if found and (wider or widths.max() > EVEN * widths.min()):
            continue
        if least >= 0.5 * widest:
            fewer = gaps
            found = [sum(_before_labels(gap, every, white)) / 2 for gap in gaps]
            widest = max(widest, least)
    return found if len(found) < MOST else []


def _before_labels(gap: tuple, every: list[tuple], white: np.ndarray) -> tuple[float, float]:
    """The gap, or one further left where only a narrow piece of text, the label of an axis, stands between the two."""
    k, (height, width) = every.index(gap), white.shape
    upright = ~white[:, round(gap[1] * width) : round((gap[1] + AXIS[0]) * width)]
    if max(map(_longest, upright.T), default=0) < AXIS[1] * height:  # no axis follows: images beside each other
        return gap
    while k > 0 and every[k][0] - every[k - 1][1] < LABEL:
        piece = white[:, round(every[k - 1][1] * width) : round(every[k][0] * width)]
        ink = ~piece.all(axis=1)
        letters = np.diff(np.flatnonzero(np.diff(np.concatenate([[False], ink, [False]]))))[::2]
        if letters.max() < TEXT[0] or ink.sum() > TEXT[1] * height:  # a stray point, or a part of a panel
            break
        k -= 1
    return every[k]


def _longest(column: np.ndarray) -> int:
    """Pixels of the longest run of ink in a column."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], column, [False]])))
    return int((edges[1::2] - edges[::2]).max(initial=0))


def mark_panels(app, doctree, docname) -> None:
    """Give each wide picture its cuts, in thousandths, as a class: nf-cuts-333-667.

    A cell whose picture keeps the number of its panels to itself names it: `mystnb: {image: {classes: nf-panels-2}}`.
    """
    for image in doctree.findall(nodes.image):
        path = Path(app.srcdir) / image["uri"]
        if path.suffix == ".png" and path.is_file():
            with Image.open(path) as picture:
                given = [name.removeprefix(PANELS) for name in image["classes"] if name.startswith(PANELS)]
                if places := cuts(picture, *map(int, given)):
                    image["classes"].append("nf-cuts-" + "-".join(f"{1000 * place:.0f}" for place in places))
