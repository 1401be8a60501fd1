"""The side of the border where a submission runs: a warm process that forks one child for each, and the child itself.

python -m nf_course.grading.classroom.worker FD, inside the sandbox of `sandbox.py`; FD is a Unix socket to the grader.
The grader sends a socket with each job. The child leaves the warm process's namespaces before it runs a line.
"""

from __future__ import annotations

import ast
import contextlib
import ctypes
import inspect
import json
import linecache
import os
import re
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
from nf_course.grading.classroom.wire import WireError, pack, receive, send, unpack
from nf_course.grading.exercise import Case

__all__ = ["main", "serve"]

CELL_SECONDS = 10.0  # for one cell
MOST_MEMORY = 2 * 2**30  # bytes, above what the warm process has mapped already
MOST_PROCESSES, MOST_FILES, LARGEST_FILE = 64, 64, 16 * 2**20
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
        if time.monotonic() > until or (SAFE and (_all_of(child) > MOST_MEMORY or _processes() > MOST_PROCESSES)):
            finish()
        time.sleep(0.02)
    finish()


def _processes() -> int:
    """How many there are in the sandbox, ours among them."""
    return sum(name.isdigit() for name in os.listdir("/proc"))


def _all_of(child: int) -> int:
    """Bytes of memory of the child and of all that it started, without what is shared with the warm process."""
    total = 0
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) >= child:
            with contextlib.suppress(OSError, ValueError, IndexError):
                with open(f"/proc/{name}/statm") as file:
                    resident, shared = file.read().split()[1:3]
                total += (int(resident) - int(shared)) * resource.getpagesize()
    return total


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
        for place, size in ((b"/tmp", b"size=16m,nr_inodes=2000"), (b"/proc", b"size=4k,nr_inodes=4")):
            _mount(b"tmpfs", place, MS_NOSUID_NODEV, size)
        os.chdir("/tmp")
        _drop_capabilities()
    with open(os.devnull, "r+b", buffering=0) as nothing:
        for descriptor in (0, 1, 2):
            os.dup2(nothing.fileno(), descriptor)
    mapped = int(resource.getpagesize()) * _MAPPED + MOST_MEMORY
    for limit, most in (
        (resource.RLIMIT_AS, mapped),
        (resource.RLIMIT_NPROC, MOST_PROCESSES),
        (resource.RLIMIT_NOFILE, MOST_FILES),
        (resource.RLIMIT_FSIZE, LARGEST_FILE),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (most, most))
    for name in set(os.environ) - {"LANG"}:
        del os.environ[name]
    os.environ.update(HOME="/tmp", MPLBACKEND="agg", OMP_NUM_THREADS="1")


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
            message, blobs = receive(end, time.monotonic() + 600)
        except (EOFError, TimeoutError, WireError):
            return
        if "cells" in message:
            started = _run_cells(message["cells"], message["wanted"])
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


class _Nothing:
    """What a notebook has and a submission here does not need: every attribute and every call of it is itself."""

    def __getattr__(self, name: str) -> _Nothing:
        return self

    def __call__(self, *args: Any, **options: Any) -> _Nothing:
        return self


def _run_cells(cells: list[dict[str, Any]], wanted: dict[str, list[str]]) -> dict[str, Any]:
    """The cells that the answers need, in their order; "EXERCISE NAME" -> what stands under the name at its check.

    As in a notebook that is run from top to bottom, the last definition before the cell that checks it counts; one
    that comes after it counts where there is none before.
    """
    trees = [_parsed(number, cell["source"]) for number, cell in enumerate(cells)]
    needed = _needed(trees, {name for names in wanted.values() for name in names})
    space: dict[str, Any] = {"__name__": "__main__", "get_ipython": _Nothing(), "display": _Nothing()}
    found: dict[str, Any] = {}
    checked: set[str] = set()
    for number, (cell, tree) in enumerate(zip(cells, trees, strict=True)):
        if tree is not None and number in needed:
            _run(tree, f"<cell {number + 1}>", space)
            for exercise, names in wanted.items():
                for name in names:
                    key = f"{exercise} {name}"
                    own = cell["answers"] in (None, exercise) or name not in wanted.get(cell["answers"], ())
                    if name in _bound(tree) and name in space and own and (key not in found or exercise not in checked):
                        found[key] = space[name]
        checked.update(cell["checks"])
    return found


def _parsed(number: int, source: str) -> ast.Module | None:
    place = f"<cell {number + 1}>"
    for text in (source, _plain(source)):  # as it stands first: a line of an expression may begin with % too
        linecache.cache[place] = (len(text), None, text.splitlines(True), place)
        with contextlib.suppress(BaseException), guard.quiet():
            return ast.parse(text, place)
    return None


def _run(tree: ast.Module, place: str, space: dict[str, Any]) -> None:
    with contextlib.suppress(BaseException), guard.quiet(), guard.time_limit(CELL_SECONDS):
        for statement in tree.body:
            if isinstance(statement, ast.Import | ast.ImportFrom):
                for alias in statement.names:  # one by one: one that is not to be had does not take the others along
                    alone = ast.copy_location(type(statement)(**{**vars(statement), "names": [alias]}), statement)
                    with contextlib.suppress(ImportError):
                        exec(compile(ast.Module([alone], []), place, "exec"), space)
            else:
                exec(compile(ast.Module([statement], []), place, "exec"), space)


def _needed(trees: list[ast.Module | None], names: set[str]) -> set[int]:
    """The cells that bind one of the names, or one that such a cell mentions, and so on."""
    needed: set[int] = set()
    while True:
        more = {n for n, tree in enumerate(trees) if tree is not None and _bound(tree) & (names | {"*"})} - needed
        if not more:
            return needed
        needed |= more
        names = names.union(*(_mentioned(trees[n]) for n in more))


def _bound(tree: ast.Module) -> set[str]:
    """The names that a cell binds at its own level, within ifs, loops and the like too."""
    bound: set[str] = set()
    todo: list[ast.AST] = list(tree.body)
    while todo:
        node = todo.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            bound.add(node.name)
            continue
        if isinstance(node, ast.Import | ast.ImportFrom):
            bound.update((alias.asname or alias.name.split(".")[0]) for alias in node.names)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bound.add(node.id)
        todo += [] if isinstance(node, ast.Lambda) else ast.iter_child_nodes(node)
    return bound


def _mentioned(tree: ast.Module) -> set[str]:
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def _plain(source: str) -> str:
    """Without the lines that only Jupyter understands."""
    return re.sub(r"(?m)^([ \t]*)(?:[%!?].*|[\w.]+\?{1,2}[ \t]*)$", r"\1pass", source)


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
