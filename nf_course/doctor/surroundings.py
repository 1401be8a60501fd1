"""What stands around the package: kernel, record of points, machine, sandbox, browser."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import json
import os
import platform
import shutil
import subprocess
import tempfile

from nf_course.doctor.finding import Amiss

__all__ = ["chromium", "kernel", "machine", "progress", "sandbox"]

GIGABYTE = 2**30


def kernel() -> str:
    """Jupyter's kernel for this Python."""
    mend = "pip install ipykernel jupyterlab"
    if importlib.util.find_spec("ipykernel") is None:
        raise Amiss("missing", "no Jupyter kernel for this Python", mend)
    kernels = importlib.import_module("jupyter_client.kernelspec").KernelSpecManager().find_kernel_specs()
    if "python3" not in kernels:
        raise Amiss("missing", "Jupyter knows no kernel python3", "python -m ipykernel install --user")
    lab = "" if importlib.util.find_spec("jupyterlab") else "; JupyterLab is not here: pip install jupyterlab"
    return f"ipykernel {importlib.metadata.version('ipykernel')}{lab}"


def progress() -> str:
    """The record of points: there or not, it can be written."""
    file = importlib.import_module("nf_course.grading.progress").path()
    if file is None:
        return "NF_COURSE_PROGRESS_FILE=off: points are given and not kept"
    place = "name another place in NF_COURSE_PROGRESS_FILE"
    if file.exists():
        try:
            json.loads(file.read_text("utf-8"))
        except ValueError:
            raise Amiss("broken", f"{file} is no record of points", "the next check puts it aside") from None
        with file.open("ab"):
            pass
    folder = next(parent for parent in file.parents if parent.exists())
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise Amiss("broken", f"{file} cannot be written: {error.strerror}", place) from error
    return str(file)


def machine() -> str:
    """Cores and memory."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIGABYTE
    except (AttributeError, ValueError, OSError):  # Windows
        return f"{cores} cores, {platform.machine()}"
    if memory < 2:
        raise Amiss("missing", f"{memory:.1f} GB of memory, some chapters take 2", "close what else runs, or use Colab")
    return f"{cores} cores, {memory:.0f} GB of memory, {platform.machine()}"


def sandbox() -> str:
    """Whether a class can be graded here."""
    sandbox = importlib.import_module("nf_course.grading.classroom.sandbox")
    try:
        sandbox.expect_sandbox()
    except sandbox.SandboxMissing as error:
        what, _, how = str(error).partition(". ")
        raise Amiss(
            "broken" if shutil.which("bwrap") else "missing", what, how.split("--unsafe")[0].rstrip()
        ) from error
    return "bubblewrap works, to grade a class"


def chromium() -> str:
    """The browser of the tests."""
    names = (os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome")
    found = next((path for name in names if name and (path := shutil.which(name))), None)
    if not found:
        raise Amiss("missing", "for the browser tests alone", "apt-get install chromium, or name it in CHROMIUM")
    done = subprocess.run([found, "--version"], capture_output=True, text=True, timeout=30)
    if done.returncode:
        raise Amiss("broken", f"{found}: {done.stderr or done.returncode}", "apt-get install --reinstall chromium")
    return f"{done.stdout.strip()}, for the browser tests"
