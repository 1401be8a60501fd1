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


def evaluate(script: str, expression: str, *before: str):
    """The value of a JavaScript expression that uses the functions of `script`, after the statements `before`."""
    source = (Path(nf_course.widgets.__file__).parent / script).read_text("utf-8")
    code = [source.replace("export default { render };", ""), *before, f"console.log(JSON.stringify({expression}));"]
    run = subprocess.run([node(), "-"], input="\n".join(code), capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)
