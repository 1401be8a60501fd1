"""Draw book/_static/flow.png, the picture in README.md: noise on its way through a trained flow, and its density.

Run it as python tools/readme_figure.py; it takes half a minute on one core.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import torch

from nf_course import fit
from nf_course.data import moons
from nf_course.models import realnvp
from nf_course.plotting import density2d

OUT = Path(__file__).resolve().parent.parent / "book" / "_static" / "flow.png"
EXTENT = (-3.4, 3.4, -3.4, 3.4)


def main() -> None:
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
    figure.savefig(OUT, dpi=110)
    print(f"{OUT.name}: {OUT.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main()
