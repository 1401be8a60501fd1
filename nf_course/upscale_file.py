"""upscale_file: a picture file in, larger picture files out, and a report of what was done.

nf-course upscale IMAGE --scale 4 --temperature 0.8 --samples 3.
Chapter 11.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from nf_course.pictures import file_form, read_picture, write_picture
from nf_course.quality import brightness, diversity, psnr
from nf_course.recipes import upscaler
from nf_course.resize import enlarge, reduce

__all__ = ["Upscaled", "upscale_file"]


@dataclass(frozen=True)
class Upscaled:
    """What was written, and what is known about it."""

    files: tuple[Path, ...]
    words: str  # the report, some lines


def upscale_file(
    path: str | Path,
    out: str | Path | None = None,
    scale: int = 4,
    temperature: float = 0.8,
    samples: int = 1,
    seed: int = 0,
) -> Upscaled:
    """Enlarge the picture in a file by SRFlow with the weights that ship; PNG beside it unless `out` says where.

    Grey stays grey, transparency is interpolated, 16 bits are read and 8 written. With several samples a number is
    put before the ending of each name. Errors: `FileNotFoundError` and `ValueError`, as `read_picture`, `Upscaler` and
    `write_picture` raise them; nothing is written then.
    """
    path, started = Path(path), time.perf_counter()
    if not (isinstance(samples, int) and samples >= 1):
        raise ValueError(f"upscale: expected samples, a whole number, at least 1, got {samples!r}")
    if not 0 <= temperature <= 2:
        raise ValueError(f"upscale: expected a temperature from 0 to 2, got {temperature!r}")
    picture, enlarger = read_picture(path), upscaler(scale)
    out = path.with_name(f"{path.stem}-{scale}x.png") if out is None else Path(out)
    if out.resolve() == path.resolve():
        raise ValueError(f"upscale: expected another name than that of the picture itself, {path}")
    file_form(out, picture.opacity is not None)  # better refused now than after the work
    large = enlarger(picture.colours, temperature, samples, seed)
    if picture.grey:  # what colour there is in a sample is chance
        large = brightness(large).expand(-1, 3, -1, -1)
    opacity = None if picture.opacity is None else enlarge(picture.opacity[None], scale)[0].clamp(0, 1)
    names = [out] if samples == 1 else [out.with_name(f"{out.stem}-{k + 1}{out.suffix}") for k in range(samples)]
    for name, sample in zip(names, large, strict=True):
        write_picture(name, sample, opacity, picture.grey)
    height, width = picture.colours.shape[1:]
    again = psnr(reduce(large, scale), picture.colours.expand(samples, -1, -1, -1)).mean().item()
    lines = [
        f"{path}: {width} x {height} pixels" + "".join(f", {note}" for note in picture.notes),
        f"SRFlow {scale}x, temperature {temperature:g}, seed {seed}: {scale * width} x {scale * height} pixels "
        f"in {time.perf_counter() - started:.1f} s",
        f"reduced again, it is the picture within {again:.1f} dB",
    ]
    if samples > 1:
        spread = 255 * diversity(large[:, None]).item()
        lines.append(f"between the {samples} samples a pixel varies by {spread:.1f} of 255 levels")
    if picture.grey:
        lines.append("grey: the colours of the samples were averaged")
    if opacity is not None:
        lines.append("the transparency was interpolated")
    lines.append("wrote " + ", ".join(str(name) for name in names))
    return Upscaled(tuple(names), "\n".join(lines))
