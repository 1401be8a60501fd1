"""Draw the pictures in README.md: book/_static/flow.png, noise on its way through a trained flow, and its density;
book/_static/pictures.png, a photograph enlarged by the SRFlow that ships, and a face edited by the StyleFlow.

Run it as python tools/readme_figures.py; it takes half a minute on one core.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import torch

from nf_course import StyleEditor, enlarge, fit, reduce, standard_attributes
from nf_course.data import face_generator, faces, moons, photos
from nf_course.models import realnvp
from nf_course.plotting import density2d
from nf_course.recipes import trained, upscaler

FOLDER = Path(__file__).resolve().parent.parent / "book" / "_static"
EXTENT = (-3.4, 3.4, -3.4, 3.4)


def main() -> None:
    """Draw both."""
    for name, draw in (("flow.png", moons_on_their_way), ("pictures.png", photograph_and_face)):
        path = FOLDER / name
        draw().savefig(path, dpi=110)
        print(f"{name}: {path.stat().st_size // 1000} kB")


def moons_on_their_way() -> plt.Figure:
    """Train, decode one coupling after the other, draw."""
    torch.manual_seed(3)  # the flow of chapter 0
    flow = realnvp(features=2)
    fit(flow, moons(10_000, seed=1), steps=1200, lr=5e-3)

    with torch.no_grad():
        z = torch.randn(3000, 2)
        stages = [z]
        for coupling in reversed(flow.bijection.couplings):
            stages.append(coupling.decode(stages[-1])[0])

    figure, axes = plt.subplots(1, 5, figsize=(12.5, 2.8), layout="constrained")
    colour = torch.atan2(z[:, 1], z[:, 0])  # each point keeps the colour of where it started
    titles = ["noise z", "after 3 couplings", "after 5", "samples x"]
    for ax, k, title in zip(axes, (0, 3, 5, 8), titles):
        ax.scatter(*stages[k].T, c=colour, cmap="twilight_shifted", s=3, linewidths=0)
        ax.set_title(title, fontsize=12)
    density2d(flow, EXTENT, ax=axes[4])
    axes[4].set_title("density p(x)", fontsize=12)
    for ax in axes:
        ax.set(xlim=EXTENT[:2], ylim=EXTENT[2:], xticks=[], yticks=[], xlabel="", ylabel="", aspect="equal")
    return figure


def photograph_and_face() -> plt.Figure:
    """Above, part of a test photograph; below, a test face, the side of its light moved by -2 to 2 deviations."""
    truth = photos("test")["peaks"][:, 96:192, 272:368] / 255
    given = reduce(truth[None], 4)[0].mul(255).round().clamp(0, 255) / 255
    samples = upscaler(4)(given, temperature=0.8, samples=2, seed=0)
    above = {
        "given": given,
        "bicubic": enlarge(given[None], 4)[0],
        "one sample": samples[0],
        "another": samples[1],
        "the photograph": truth,
    }
    flow, _ = trained("styleflow-faces")
    editor = StyleEditor(flow, face_generator(), standard_attributes)
    shifts = (-2.0, -1.0, 0.0, 1.0, 2.0)
    w = faces("test", 1000).w[[50]].expand(len(shifts), -1)
    source = editor.measure(w)
    target = source.clone()
    target[:, editor.index("light side")] += torch.tensor(shifts)
    with torch.no_grad():
        below = editor.generator(editor.move(w, source, target))

    figure, axes = plt.subplots(2, 5, figsize=(7.5, 3.4), layout="constrained")
    titles = [*above, "light from the left", "", "as drawn", "", "from the right"]
    for ax, picture, title in zip(axes.flat, [*above.values(), *below], titles):
        ax.imshow(picture.clamp(0, 1).permute(1, 2, 0), interpolation="nearest")
        ax.set_title(title, fontsize=11)
        ax.set_axis_off()
    return figure


if __name__ == "__main__":
    main()
