"""The side of the border where a submission runs: a warm process that forks one child for each, and the child itself.

python -m nf_course.grading.classroom.worker FD, inside the sandbox of `sandbox.py`; FD is a Unix socket to the grader.
The grader sends a socket with each job. The child leaves the warm process's namespaces before it runs a line.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import inspect
import json
import os
import resource
import signal
import socket
import sys
import time
from typing import Any

import torch

from nf_course.grading import guard
from nf_course.grading.blame import blame
from nf_course.grading.call import GradientOf, LocalAnswer
from nf_course.grading.classroom.cells import run_cells
from nf_course.grading.classroom.filter import forbid
from nf_course.grading.classroom.wire import MOST_BYTES, WireError, pack, receive, send, unpack
from nf_course.grading.exercise import Case

__all__ = ["main", "serve"]

MOST_MEMORY = 2 * 2**30  # bytes, above what the warm process has mapped already
MOST_THREADS, MOST_FILES, LARGEST_FILE = 64, 64, 16 * 2**20
PR_SET_PDEATHSIG, PR_SET_DUMPABLE = 1, 4
CLONE = {"user": 0x10000000, "pid": 0x20000000, "mount": 0x00020000, "ipc": 0x08000000, "net": 0x40000000}
MS_NOSUID_NODEV, MS_REC_PRIVATE = 0x2 | 0x4, 0x4000 | 0x40000

SAFE = "NF_COURSE_UNSAFE" not in os.environ  # outside a sandbox there is nothing to build on

_libc = ctypes.CDLL(None, use_errno=True)


# --- the warm process


def main(descriptor: int) -> None:
    """Wait for jobs; for each fork a supervisor, which forks the child that runs the submission."""
    _libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    torch.set_num_threads(1)
    with contextlib.suppress(
        ImportError
    ):  # most sheets import it; the first time it looks for fonts, which takes seconds
        importlib.import_module("matplotlib.pyplot")
    control = socket.socket(fileno=descriptor)
    control.sendall(b"ready")
    running: dict[int, int] = {}  # job -> its supervisor
    while True:
        message, fds, _, _ = socket.recv_fds(control, 4096, 1)
        if not message:
            return
        job = json.loads(message)
        if "stop" in job:
            _end(running.pop(job["stop"], 0))
            control.sendall(b"done!")
            continue
        pid = os.fork()
        if pid == 0:
            control.close()
            _supervise(socket.socket(fileno=fds[0]), job["seconds"])
            os._exit(0)
        os.close(fds[0])
        running[job["start"]] = pid


def _end(supervisor: int) -> None:
    if supervisor:
        with contextlib.suppress(ProcessLookupError):
            os.kill(supervisor, signal.SIGTERM)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(supervisor, 0)


def _supervise(end: socket.socket, seconds: float) -> None:
    """New namespaces, a child that is the first process in them, and its end, with which all others in them end."""
    if SAFE:
        users = os.getuid(), os.getgid()
        _unshare("user", "pid", "mount", "ipc", "net")
        for name, text in (("setgroups", "deny"), ("uid_map", f"0 {users[0]} 1"), ("gid_map", f"0 {users[1]} 1")):
            with open(f"/proc/self/{name}", "w") as file:
                file.write(text)
    child = os.fork()
    if child == 0:
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        os.setsid()
        _settle()
        serve(end)
        os._exit(0)
    end.close()

    def finish(*_) -> None:
        with contextlib.suppress(ProcessLookupError):  # the first process of a namespace takes all others along
            os.kill(child, signal.SIGKILL) if SAFE else os.killpg(child, signal.SIGKILL)

    signal.signal(signal.SIGTERM, finish)
    until = time.monotonic() + seconds
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        if time.monotonic() > until or (SAFE and _too_much()):
            finish()
        time.sleep(0.02)
    finish()


def _too_much() -> bool:
    """Whether the child has too many threads or takes too much memory: the kernel's own limits do not hold for root."""
    ours = {1, os.getpid(), os.getppid()}  # of bubblewrap, this one, and the warm process
    theirs = [name for name in os.listdir("/proc") if name.isdigit() and int(name) not in ours]
    sizes = [_size(pid) for pid in theirs]
    return sum(threads for threads, _ in sizes) > MOST_THREADS or sum(memory for _, memory in sizes) > MOST_MEMORY


def _size(pid: str) -> tuple[int, int]:
    """Threads of a process, and bytes of it that lie in no file: its own, and those that it shares with others."""
    try:
        with open(f"/proc/{pid}/status") as file:
            told = dict(line.split(":", 1) for line in file)
        return int(told["Threads"]), sum(int(told[name].split()[0]) for name in ("RssAnon", "RssShmem")) << 10
    except (OSError, ValueError, KeyError):  # it has ended
        return 0, 0


def _unshare(*names: str) -> None:
    if _libc.unshare(sum(CLONE[name] for name in names)):
        raise OSError(ctypes.get_errno(), "the namespaces of a submission cannot be made")


def _mount(kind: bytes, place: bytes, flags: int, options: bytes | None = None) -> None:
    if _libc.mount(kind, place, kind, flags, options):
        raise OSError(ctypes.get_errno(), f"{kind.decode()} cannot be mounted on {place.decode()}")


def _settle() -> None:
    """Files of its own, no sight of other processes, no rights over its own namespaces, and limits."""
    if SAFE:
        _libc.mount(None, b"/", None, MS_REC_PRIVATE, None)
        some = b"size=16m,nr_inodes=2000"
        for place, size in ((b"/tmp", some), (b"/dev/shm", some), (b"/proc", b"size=4k,nr_inodes=4")):
            _mount(b"tmpfs", place, MS_NOSUID_NODEV, size)
        os.chdir("/tmp")
        _drop_capabilities()
        forbid(_libc)
    with open(os.devnull, "r+b", buffering=0) as nothing:
        for descriptor in (0, 1, 2):
            os.dup2(nothing.fileno(), descriptor)
    mapped = int(resource.getpagesize()) * _MAPPED + MOST_MEMORY
    for limit, most in (
        (resource.RLIMIT_AS, mapped),
        (resource.RLIMIT_NPROC, MOST_THREADS),
        (resource.RLIMIT_NOFILE, MOST_FILES),
        (resource.RLIMIT_FSIZE, LARGEST_FILE),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (most, most))
    for name in set(os.environ) - {"LANG"}:
        del os.environ[name]
    # torch.compile would start a compiler; disabled, it leaves a function as it is
    os.environ.update(HOME="/tmp", MPLBACKEND="agg", OMP_NUM_THREADS="1", TORCHDYNAMO_DISABLE="1")


def _drop_capabilities() -> None:
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)  # version 3, this process
    nothing = (ctypes.c_uint32 * 6)()
    if _libc.capset(header, nothing):
        raise OSError(ctypes.get_errno(), "capabilities cannot be dropped")


with open("/proc/self/statm") as _file:
    _MAPPED = int(_file.read().split()[0]) + 2**18  # pages, and a GiB of room for what torch maps on its first calls


# --- the child


def serve(end: socket.socket) -> None:
    """Run the cells of a submission, then answer calls until the grader hangs up."""
    started: dict[str, Any] = {}
    send(end, {"ready": True}, [], time.monotonic() + 60)
    while True:
        try:
            message, blobs = receive(end, time.monotonic() + 600, MOST_BYTES)  # the grader's, cells among them
        except (EOFError, TimeoutError, WireError):
            return
        if "cells" in message:
            started = run_cells(message["cells"], message["wanted"], *message["seconds"])
            reply, out = {"defined": {key: _describe(value) for key, value in started.items()}}, []
        else:
            reply, out = _call(message, blobs, started)
        try:
            send(end, reply, out, time.monotonic() + 60)
        except (WireError, ValueError):  # too large, or not finite where it must be
            send(
                end,
                {"error": _error("TooLarge", "the result is too large to be handed over")},
                [],
                time.monotonic() + 60,
            )


def _describe(value: Any) -> dict[str, Any]:
    """What can be said without a call: enough for the grader to say what is wrong with it."""
    if value is None or value is Ellipsis:
        return {"blank": True}
    told: dict[str, Any] = {"kind": type(value).__name__, "callable": callable(value), "class": isinstance(value, type)}
    told["name"] = str(getattr(value, "__name__", ""))[:80]
    with contextlib.suppress(BaseException):
        signature = inspect.signature(value)
        told["signature"] = [
            [p.name, int(p.kind), p.default is not p.empty] for p in list(signature.parameters.values())[:40]
        ]
    return told


def _call(message: dict[str, Any], blobs: list[bytes], started: dict[str, Any]) -> tuple[dict[str, Any], list[bytes]]:
    functions = tuple(started.get(key) for key in message["functions"])
    gradient = message.get("gradient")
    request = GradientOf(tuple(gradient["arguments"]), unpack(gradient["weights"], blobs)) if gradient else None
    case = Case(unpack(message["args"], blobs), message["function"])
    outcome = LocalAnswer(functions)(case, limit=message["limit"], watch=message["watch"], gradient=request)
    out: list[bytes] = []
    try:
        with guard.quiet():
            reply = {
                "value": pack(outcome.value, out),
                "error": None if outcome.error is None else vars(outcome.error),
                "inputs_changed": list(outcome.inputs_changed),
                "state_changed": list(outcome.state_changed),
                "operators": {name: list(counts) for name, counts in outcome.operators.items()},
                "gradients": None if outcome.gradients is None else pack(outcome.gradients, out),
            }
    except BaseException as error:  # a value that resists being looked at
        told = blame(error, functions[message["function"]])
        return {"error": _error(told.kind, told.message)}, []
    return reply, out


def _error(kind: str, text: str) -> dict[str, Any]:
    return {"kind": kind, "message": text, "where": "", "blank": False, "stopped": False, "likely": ""}


if __name__ == "__main__":
    main(int(sys.argv[1]))
