"""read_picture, write_picture: picture files of any common kind as colours from 0 to 1, and back to a file.

Grey becomes three equal colours, 16 bits become 0 to 1 as well, transparency is kept apart;  corrupt files are refused.
Chapter 11.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

__all__ = ["Picture", "file_form", "read_picture", "write_picture"]

MOST = 64_000_000  # pixels: more than any camera gives, less than fills a machine


@dataclass(frozen=True)
class Picture:
    """Colours (3, h, w) and, where the file has it, opacity (1, h, w), both 0 to 1; `notes` say what was converted."""

    colours: Tensor
    opacity: Tensor | None = None
    grey: bool = False
    notes: tuple[str, ...] = ()


def read_picture(path: str | Path) -> Picture:
    """The picture in a file: PNG, JPEG, WebP, TIFF, ..., grey or in colour, 8 or 16 bits, upright as it was taken.

    Errors: `FileNotFoundError`; `ValueError` for what is no picture, is cut off, or holds floating-point numbers.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Image.new("L", (5, 4), 255).save(f"{folder}/white.png")
    ...     white = read_picture(f"{folder}/white.png")
    >>> white.colours.shape, white.colours.min().item(), white.grey
    (torch.Size([3, 4, 5]), 1.0, True)
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"there is no file {path}" if not path.is_dir() else f"{path} is a folder, not a picture"
        )
    notes = []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a tag that is not understood, of many pixels: both are looked at here
            with Image.open(path) as image:
                if image.width * image.height > MOST:
                    raise ValueError(f"{path}: expected at most {MOST:,} pixels, got {image.width} x {image.height}")
                if getattr(image, "n_frames", 1) > 1:
                    notes.append(f"the first of {image.n_frames} frames")
                image.load()
                upright = ImageOps.exif_transpose(image)
    except (UnidentifiedImageError, OSError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
        expected = "expected a picture (PNG, JPEG, WebP, TIFF, ...)"
        raise ValueError(f"{path}: {expected}, got a file that cannot be read: {error}") from error
    if upright.mode == "F":
        raise ValueError(f"{path}: expected 8 or 16 bits for each colour, got floating-point numbers")
    if upright.mode.startswith("I"):
        counts = np.asarray(upright, dtype=np.int64)
        if counts.min() < 0 or counts.max() > 65535:
            raise ValueError(f"{path}: expected at most 16 bits for each pixel, got up to {counts.max():,}")
        notes.append("16 bits, written with 8")
        grey = torch.from_numpy(counts).to(torch.float32)[None] / 65535
        return Picture(grey.expand(3, -1, -1).contiguous(), None, True, tuple(notes))
    clear = upright.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in upright.info
    grey = upright.mode in ("1", "L", "LA", "La")
    if upright.mode not in ("1", "L", "LA", "P", "PA", "RGB", "RGBA"):
        notes.append(f"{upright.mode} turned into RGB")
    values = torch.from_numpy(np.array(upright.convert("RGBA" if clear else "RGB"))).permute(2, 0, 1) / 255
    return Picture(values[:3].contiguous(), values[3:].contiguous() if clear else None, grey, tuple(notes))


def file_form(path: str | Path, clear: bool = False) -> str:
    """The kind of file that a name's ending asks for.

    Errors: `ValueError` for an unknown ending, or one that has no transparency where there is some.

    >>> file_form("leaf.JPG")
    'JPEG'
    """
    path = Path(path)
    form = Image.registered_extensions().get(path.suffix.lower())
    if form is None or form not in Image.SAVE:
        raise ValueError(f"{path}: expected a name that ends in .png, .jpg, .webp or .tif, got {path.suffix!r}")
    if clear and form not in ("PNG", "WEBP", "TIFF"):
        raise ValueError(
            f"{path}: a {form} file has no transparency, and the picture has; expected .png, .webp or .tif"
        )
    return form


def write_picture(path: str | Path, colours: Tensor, opacity: Tensor | None = None, grey: bool = False) -> None:
    """Write colours (3, h, w), 0 to 1, with 8 bits; a file of that name is replaced only by a whole one.

    Errors: `ValueError` for an ending that no writer knows, or one that cannot hold the opacity.
    """
    path = Path(path)
    form = file_form(path, opacity is not None)
    planes = colours.mean(0, keepdim=True) if grey else colours  # the three are equal
    if opacity is not None:
        planes = torch.cat((planes, opacity))
    counts = planes.mul(255).round().clamp(0, 255).to(torch.uint8).permute(1, 2, 0).cpu().numpy()
    image = Image.fromarray(counts[:, :, 0] if counts.shape[2] == 1 else counts)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.part")
    try:
        image.save(temporary, form, **({"quality": 95, "subsampling": 0} if form == "JPEG" else {}))
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
