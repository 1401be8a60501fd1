"""Figure: the common part of the figures that move, one .js file for each, run by anywidget.

The same script runs in JupyterLab, VS Code, Colab and on the rendered page, where there is no kernel.
Used by every widget.
"""

from __future__ import annotations

import base64
import difflib
import io
from pathlib import Path

import anywidget
import matplotlib as mpl
import matplotlib.pyplot as plt
import traitlets
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from nf_course.plotting.style import RC

__all__ = ["Figure"]

_HERE = Path(__file__).parent


class Figure(anywidget.AnyWidget):
    """A widget whose state is numbers and whose picture is drawn by its own script.

    A subclass names its scripts, `scripts = ("name.js",)`, and declares synced traits. They are read together, after
    `common.js`, which gives them slider, canvas and colours; the last ends with
    `export default { render: whenNear(render) }`, which draws a figure when the reader comes near it.

    Where no script runs (a PDF, a preview of the notebook, a reader who has switched scripts off) a still picture
    stands in: `still()` draws it with matplotlib from the same traits, `describe()` puts it into words.

    A figure that is computed is made by its method `of`, and names in `held` a trait that is empty without it.

    Traits that the reader changes are synced both ways: in a running notebook `figure.observe(f, "trait")` hears of
    every move, and `figure.trait = value` moves the figure.
    """

    scripts: tuple[str, ...] = ()
    _css = _HERE / "common.css"
    held: str = ""  # the trait that only `of` can fill, where a figure is made by `of`
    caption = traitlets.Unicode("").tag(sync=True)

    def __init__(self, **traits) -> None:
        who = type(self).__name__
        for name in traits.keys() - {*self.trait_names(), "model_id"}:  # traitlets would do nothing and say little
            close = difflib.get_close_matches(name, self.trait_names(sync=True), 1)
            raise TypeError(f"{who}: there is no {name!r}" + (f"; is {close[0]!r} meant?" if close else ""))
        if self.held and not traits.get(self.held):
            raise ValueError(f"{who}: expected a figure made by {who}.of(...), which computes what it shows")
        super().__init__(**traits)

    def __init_subclass__(cls, **kwargs) -> None:
        if "scripts" in cls.__dict__:  # anywidget derives from the subclass once more, to add its own traits
            cls._esm = "".join((_HERE / name).read_text("utf-8") for name in ("common.js", *cls.scripts))
        super().__init_subclass__(**kwargs)

    def still(self) -> mpl.figure.Figure:
        """The figure as it stands now, without its controls."""
        raise NotImplementedError(f"{type(self).__name__} has no still picture")

    def describe(self) -> str:
        """What the still picture shows, in a sentence or two: its text alternative."""
        raise NotImplementedError(f"{type(self).__name__} has no description")

    def _repr_mimebundle_(self, **kwargs) -> tuple[dict, dict]:
        data, metadata = super()._repr_mimebundle_(**kwargs)
        return data | {"image/png": self._png(), "text/plain": self.describe()}, metadata

    def _png(self) -> str:
        """The still picture at twice the resolution, in base64, in the course's style whatever the notebook's is."""
        full, small = io.BytesIO(), io.BytesIO()
        with mpl.rc_context(RC):
            figure = self.still()
            plt.close(figure)  # pyplot would show it a second time at the end of the cell
            FigureCanvasAgg(figure).print_figure(full, format="png", dpi=2 * figure.dpi, bbox_inches="tight")
        # 256 colours are enough for a drawing, and a third of the size: the page carries one for each figure
        Image.open(full).convert("RGB").quantize(256).save(small, "png", optimize=True)
        return base64.b64encode(small.getvalue()).decode()
