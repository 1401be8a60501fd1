"""Run a widget's script outside the browser, so that its numbers can be compared with the package's."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

import nf_course.widgets


def node() -> str:
    """Node.js: the system's, or the one that comes with Playwright."""
    found = shutil.which("node")
    if found is None:
        driver = pytest.importorskip("playwright._impl._driver")
        found = str(driver.compute_driver_executable()[0])
    return found


def evaluate(scripts: str | tuple[str, ...], expression: str, *before: str):
    """The value of a JavaScript expression that uses the functions of a script, or of several, after the statements `before`."""
    folder = Path(nf_course.widgets.__file__).parent
    names = ("common.js", *((scripts,) if isinstance(scripts, str) else scripts))
    source = "".join((folder / name).read_text("utf-8") for name in names)
    code = [
        source.replace("export default { render: whenNear(render) };", ""),
        *before,
        f"console.log(JSON.stringify({expression}));",
    ]
    run = subprocess.run([node(), "-"], input="\n".join(code), capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)
