"""Sandbox: bubblewrap around the warm process in which submissions run; it sees Python, torch, and no model answer.

No network, own process, user and mount namespaces, nothing writable but /tmp and /dev/shm, no process started
(filter.py), dead with its parent. Not promised: faults of the kernel, answers copied from what is public, what
border.py names, and what the parts compute that checks hand to answers (parts.py): its Coupling is that of chapter 3.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import site
import socket
import subprocess
import sys
import sysconfig
import tempfile
from contextlib import suppress
from pathlib import Path

import nf_course
from nf_course.grading.classroom.border import SandboxFault, expect_ready
from nf_course.grading.classroom.filter import MACHINES

__all__ = ["Sandbox", "SandboxMissing", "Unsafe", "expect_sandbox"]

PACKAGE = Path(nf_course.__file__).parent
# What the worker's own nf_course holds: what answers are handed, what runs them, and what tasks allow them to use.
COPIED = (
    *(
        "grading/call.py",
        "grading/guard.py",
        "grading/blame.py",
        "grading/borrowed.py",
        "grading/exercise.py",
        "grading/parts.py",
    ),
    *(f"grading/classroom/{name}.py" for name in ("cells", "wire", "worker", "filter")),
    *("expect.py", "resize.py", "devices.py"),
)
INIT = """from nf_course.devices import device, setting
from nf_course.resize import enlarge, reduce


def __getattr__(name):
    from nf_course.grading.classroom.cells import Nothing

    if name.startswith("_"):
        raise AttributeError(name)
    return Nothing(name, "nf_course")
"""
CHECK = "def check(*answers, **options): pass\ndef progress(): pass\n"
HIDDEN = ("nf_course", "zuko", "normflows", "nflows", "FrEIA", "flowjax", "distrax", "survae", "torchflows", "pyro")
READY_SECONDS = 120


class SandboxMissing(RuntimeError):
    """There is no sandbox on this system; the message says what is missing and how to get it."""


def expect_sandbox() -> None:
    """Refuse, before anything of a submission runs, where bubblewrap is absent or not allowed to work."""
    advice = (
        "On Debian and Ubuntu: apt-get install bubblewrap; Fedora: dnf install bubblewrap. macOS and Windows have no "
        "such thing: use the container recipe of the instructor's guide. --unsafe grades without a sandbox, and says "
        "so on every report: only for submissions that you would run yourself"
    )
    if sys.platform != "linux" or not shutil.which("bwrap"):
        raise SandboxMissing(f"expected bubblewrap (bwrap), which keeps submissions away from your files. {advice}")
    if platform.machine() not in MACHINES:
        raise SandboxMissing(f"expected a processor of {' or '.join(MACHINES)}, this is {platform.machine()}. {advice}")
    if _seen(sys.prefix, ["/tmp"]) or _seen(sys.base_prefix, ["/tmp"]):
        raise SandboxMissing(f"expected Python outside of the folder for temporary files, got {sys.prefix}. {advice}")
    tried = subprocess.run([*_namespaces(), "--ro-bind", "/", "/", "true"], capture_output=True, text=True)
    if tried.returncode:
        said = tried.stderr.strip().splitlines()[-1:] or [f"status {tried.returncode}"]
        raise SandboxMissing(f"bubblewrap is here, but this system does not let it work ({said[0]}). {advice}")


def _namespaces() -> list[str]:
    return ["bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--clearenv"]


class Sandbox:
    """A warm process in a sandbox of its own, for one submission after the other.

    `with Sandbox() as sandbox: end = sandbox.start(seconds); ...; sandbox.stop()` where `end` is the socket on which
    the submission's child serves (`worker.serve`). Errors: `SandboxMissing`.
    """

    safe = True

    def __init__(self) -> None:
        self._jobs = 0

    def __enter__(self) -> Sandbox:
        self._folder = tempfile.TemporaryDirectory(prefix="nf-course-grade-")
        _write_package(Path(self._folder.name))
        self._control, theirs = socket.socketpair()
        with theirs:
            command = [*self._around(), sys.executable, "-I", "-c", _START, str(theirs.fileno())]
            self._said = tempfile.TemporaryFile()
            self._process = subprocess.Popen(
                command,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=self._said,
                stderr=self._said,
                env=self._env(),
            )
        try:
            self._expect(b"ready", READY_SECONDS)
            with self.start(60) as end:  # a child that runs nothing, to see whether one can be had
                expect_ready(end)
            self.stop()
        except (TimeoutError, OSError, SandboxFault) as error:
            self._said.seek(0)
            said = self._said.read().decode(errors="replace").strip().splitlines()[-1:]
            self.__exit__()
            raise SandboxMissing(f"the sandbox does not work here: {' '.join(said) or error}") from error
        return self

    def __exit__(self, *_) -> None:
        self._control.close()
        with suppress(ProcessLookupError):
            self._process.kill()
        self._process.wait()
        self._said.close()
        self._folder.cleanup()

    def start(self, seconds: float) -> socket.socket:
        """A child for a submission, which ends by itself after so many seconds at the latest."""
        end, theirs = socket.socketpair()
        self._jobs += 1
        with theirs:
            socket.send_fds(
                self._control, [json.dumps({"start": self._jobs, "seconds": seconds}).encode()], [theirs.fileno()]
            )
        return end

    def stop(self) -> None:
        """End the child, and all that it started. Afterwards nothing of the submission is left."""
        self._control.sendall(json.dumps({"stop": self._jobs}).encode())
        self._expect(b"done!", 30)

    def _expect(self, word: bytes, seconds: float) -> None:
        self._control.settimeout(seconds)
        said = self._control.recv(len(word))
        if said != word:
            raise OSError("it has ended")

    def _around(self) -> list[str]:
        """The command that stands in front of Python."""
        seen = ["/usr", "/bin", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/localtime", sys.base_prefix, sys.prefix]
        arguments = _namespaces()
        for place in dict.fromkeys(os.path.abspath(place) for place in seen):
            if os.path.islink(place):
                arguments += ["--symlink", os.readlink(place), place]
            elif os.path.exists(place):
                arguments += ["--ro-bind", place, place]
        hidden = [place for name in HIDDEN for place in _installed(name)]  # libraries of flows would be the answer
        if (PACKAGE.parent / "pyproject.toml").exists():  # a checkout, with solutions, that may lie in one of these
            hidden.insert(0, str(PACKAGE.parent))
        for place in (place for place in hidden if _seen(place, seen)):
            arguments += ["--tmpfs", place]
            for inside in (inside for inside in (sys.base_prefix, sys.prefix) if _seen(inside, [place])):
                arguments += ["--ro-bind", inside, inside]
        arguments += ["--proc", "/proc", "--dev", "/dev", "--size", str(32 * 2**20), "--tmpfs", "/tmp"]
        arguments += ["--ro-bind", self._folder.name, "/course", "--chdir", "/tmp"]
        for place in (*(place for place in hidden if _seen(place, seen)), "/dev", "/"):
            arguments += [
                "--remount-ro",
                place,
            ]  # nothing stays that a submission writes: /tmp and /dev/shm are its own
        for name, value in self._env().items():
            arguments += ["--setenv", name, value]
        return arguments

    def _env(self) -> dict[str, str]:
        return {
            "OMP_NUM_THREADS": "1",
            "HOME": "/tmp",
            "MPLBACKEND": "agg",
            "LANG": "C.UTF-8",
            "NF_COURSE_WORKER": "/course",
        }


_START = (
    "import os, runpy, sys; sys.path.insert(0, os.environ['NF_COURSE_WORKER']); sys.argv = ['worker', sys.argv[1]];"
    "runpy.run_module('nf_course.grading.classroom.worker', run_name='__main__')"
)


class Unsafe(Sandbox):
    """The same process without a sandbox: a submission may read and write whatever its user may."""

    safe = False

    def _around(self) -> list[str]:
        return []

    def _env(self) -> dict[str, str]:
        return {**os.environ, "OMP_NUM_THREADS": "1", "NF_COURSE_WORKER": self._folder.name, "NF_COURSE_UNSAFE": "1"}


def _seen(place: str, seen: list[str]) -> bool:
    """Whether a folder is, or lies in, one of these."""
    return any(Path(place).is_relative_to(os.path.abspath(folder)) for folder in seen)


def _installed(name: str) -> list[str]:
    """Folders of a package within Python's own folders, also those that another copy of it hides from this process."""
    folders = {*map(os.path.abspath, sys.path), *map(os.path.abspath, site.getsitepackages())}
    folders |= {sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), "/usr/lib/python3/dist-packages"}
    inside = (os.path.abspath(sys.prefix), os.path.abspath(sys.base_prefix), "/usr")
    places = [os.path.join(folder, name) for folder in sorted(folders) if folder.startswith(inside)]
    return [place for place in places if os.path.isdir(place)]


def _write_package(folder: Path) -> None:
    """The worker's nf_course: no bijection, no model answer, no check."""
    for name in COPIED:
        target = folder / "nf_course" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(PACKAGE / name, target)
    (folder / "nf_course" / "__init__.py").write_text(INIT)
    (folder / "nf_course" / "grading" / "__init__.py").write_text(CHECK)
    (folder / "nf_course" / "grading" / "classroom" / "__init__.py").write_text("")
    folder.chmod(0o755)
