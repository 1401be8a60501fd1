"""Sprite sheet: many pictures side by side in one file, PNG where every number counts, else WebP or JPEG.

Used by ImageSliders.
"""

import io
import math
from collections.abc import Callable

import numpy as np
from PIL import Image, features

MOST_BYTES = 2_000_000  # of the sheet; a page should not weigh more for one figure
MOST_PIXELS = 2**24  # of the sheet: what every browser, also a phone's, can hold in one canvas
QUALITIES = (50, 65, 75, 85, 92)
ERROR = 5.0  # of 255, root mean square, 34 dB: the lowest quality that stays below is taken
BLOCK, MARGIN = 16, 4  # pixels: lossy formats work in blocks, and smooth colours over their borders


def contact_sheet(tiles: np.ndarray, across: int, gap: int | None = None) -> np.ndarray:
    """Pictures (n, C, H, W) side by side in rows, masked between them: (rows, columns) or (rows, columns, 3)."""
    n, channels, h, w = tiles.shape
    gap = max(1, h // 12) if gap is None else gap
    rows = -(-n // across)
    sheet = np.full((rows * (h + gap) - gap, across * (w + gap) - gap, channels), 255, np.uint8)
    empty = np.ones(sheet.shape[:2], bool)
    for k, tile in enumerate(tiles):
        here = np.s_[k // across * (h + gap) :, k % across * (w + gap) :]
        sheet[here][:h, :w], empty[here][:h, :w] = tile.transpose(1, 2, 0), False
    return np.ma.masked_array(sheet[..., 0], empty) if channels == 1 else sheet


def sprite_sheet(tiles: np.ndarray, lossless: bool) -> dict:
    """The sprite sheet of tiles (T, C, H, W) and where each stands on it, as traits."""
    count, channels, height, width = tiles.shape
    margin = 0 if lossless else MARGIN
    cell = [height, width] if lossless else [-(-(side + 2 * margin) // BLOCK) * BLOCK for side in (height, width)]
    pixels = count * cell[0] * cell[1]
    wanted = "take fewer values on an axis, fewer samples, or smaller pictures"
    if pixels > MOST_PIXELS or max(cell) > 4096:
        raise ValueError(
            f"ImageSliders: {count} pictures of {height} x {width} make {pixels / 1e6:.0f} million pixels, "
            f"expected at most {MOST_PIXELS / 1e6:.0f} million and no side above 4096; {wanted}"
        )
    columns = max(1, min(count, math.ceil(math.sqrt(count * cell[0] / cell[1]))))
    rows = -(-count // columns)
    around = (margin, cell[0] - height - margin), (margin, cell[1] - width - margin)
    padded = np.pad(tiles, ((0, 0), (0, 0), *around), mode="edge")  # so that nothing bleeds in from the neighbours
    padded = np.pad(padded, ((0, rows * columns - count), (0, 0), (0, 0), (0, 0)))
    sheet = padded.reshape(rows, columns, channels, *cell).transpose(0, 3, 1, 4, 2)
    sheet = sheet.reshape(rows * cell[0], columns * cell[1], channels)

    def error(data: bytes) -> float:  # of the tiles, without their margins
        back = decoded(data)[..., :channels].reshape(rows, cell[0], columns, cell[1], channels)
        back = back.transpose(0, 2, 4, 1, 3).reshape(-1, channels, *cell)[:count]
        back = back[:, :, margin : margin + height, margin : margin + width]
        return float(np.sqrt(np.mean((back.astype(float) - tiles) ** 2)))

    data, mime = (_encoded(sheet, "PNG", optimize=True), "image/png") if lossless else _lossy(sheet, error)
    if len(data) > MOST_BYTES:
        raise ValueError(
            f"ImageSliders: the sheet of {count} pictures of {height} x {width} takes {len(data) / 1e6:.1f} MB, "
            f"expected at most {MOST_BYTES / 1e6:.0f} MB; {wanted}" + (", or lossless=False" if lossless else "")
        )
    where = {"cell": cell, "margin": margin, "columns": columns}
    return {"sheet": data, "mime": mime, "error": round(error(data), 2)} | where


def decoded(data: bytes) -> np.ndarray:
    """A picture file as a page sees it: (rows, columns, 3), uint8."""
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def _encoded(sheet: np.ndarray, kind: str, **options) -> bytes:
    out = io.BytesIO()
    Image.fromarray(sheet[..., 0] if sheet.shape[2] == 1 else sheet).save(out, format=kind, **options)
    return out.getvalue()


def _lossy(sheet: np.ndarray, error: Callable[[bytes], float]) -> tuple[bytes, str]:
    """WebP or JPEG, each with the lowest quality whose error is below `ERROR`; the smaller of the two."""
    found = []
    for kind in ["WEBP", "JPEG"] if features.check("webp") else ["JPEG"]:
        for quality in QUALITIES:
            data = _encoded(sheet, kind, quality=quality, **({"optimize": True} if kind == "JPEG" else {}))
            good = error(data) <= ERROR
            if good:
                break
        found.append((not good, len(data), data, f"image/{kind.lower()}"))
    return min(found)[2:]
