"""Figure: the common part of the figures that move, one .js file for each, run by anywidget.

The same script runs in JupyterLab, VS Code, Colab and on the rendered page, where there is no kernel.
Used by every widget.
"""

from __future__ import annotations

from pathlib import Path

import anywidget
import traitlets

__all__ = ["Figure"]

_HERE = Path(__file__).parent


class Figure(anywidget.AnyWidget):
    """A widget whose state is numbers and whose picture is drawn by its own script.

    A subclass names its script, `script = "name.js"`, and declares synced traits. The script is read together with
    `common.js`, which gives it the slider, the canvas and the colours; it ends with `export default { render }`.
    """

    script = ""
    _css = _HERE / "common.css"
    caption = traitlets.Unicode("").tag(sync=True)

    def __init_subclass__(cls, **kwargs) -> None:
        if "script" in cls.__dict__:  # anywidget derives from the subclass once more, to add its own traits
            cls._esm = (_HERE / "common.js").read_text("utf-8") + (_HERE / cls.script).read_text("utf-8")
        super().__init_subclass__(**kwargs)
