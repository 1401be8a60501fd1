"""What a call to somebody else's function may leave behind: global settings, printed text, time without end."""

from __future__ import annotations

import contextlib
import io
import random
import signal
import sys
import threading
import time
import warnings
from collections.abc import Iterator

import numpy as np
import torch

__all__ = ["OutOfTime", "changed_since", "quiet", "restore", "snapshot", "time_limit"]


class OutOfTime(BaseException):
    """The time is up. No `Exception`, so that an answer's own `except Exception` does not swallow it."""


def snapshot() -> dict[str, object]:
    """The global state, each piece under the words in which a report names it."""
    return {
        "torch's default dtype": torch.get_default_dtype(),
        "torch's default device": torch.get_default_device(),
        "torch's grad mode": torch.is_grad_enabled(),
        "torch's number of threads": torch.get_num_threads(),
        "torch's deterministic mode": torch.are_deterministic_algorithms_enabled(),
        "torch's anomaly mode": torch.is_anomaly_enabled(),
        "torch's random numbers": torch.get_rng_state(),
        "CUDA's random numbers": torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else [],
        "NumPy's random numbers": np.random.get_state(),
        "Python's random numbers": random.getstate(),
    }


def changed_since(before: dict[str, object]) -> list[str]:
    """The names of what differs from `before`."""
    now = snapshot()
    return [name for name, value in before.items() if not _same(value, now[name])]


def restore(before: dict[str, object]) -> None:
    """Put everything that differs back as it was."""
    for name in changed_since(before):
        _RESTORE[name](before[name])


def _restore_cuda(states: list[torch.Tensor]) -> None:
    for index, state in enumerate(states):
        torch.cuda.set_rng_state(state, index)


_RESTORE = {
    "torch's default dtype": torch.set_default_dtype,
    "torch's default device": torch.set_default_device,
    "torch's grad mode": torch.set_grad_enabled,
    "torch's number of threads": torch.set_num_threads,
    "torch's deterministic mode": torch.use_deterministic_algorithms,
    "torch's anomaly mode": torch.autograd.set_detect_anomaly,
    "torch's random numbers": torch.set_rng_state,
    "CUDA's random numbers": _restore_cuda,
    "NumPy's random numbers": np.random.set_state,
    "Python's random numbers": random.setstate,
}


def _same(a: object, b: object) -> bool:
    if isinstance(a, torch.Tensor):
        return isinstance(b, torch.Tensor) and bool(np.array_equal(a.numpy(), b.numpy()))
    if isinstance(a, np.ndarray):
        return bool(np.array_equal(a, b))
    if isinstance(a, (tuple, list)) and any(isinstance(item, (np.ndarray, torch.Tensor)) for item in a):
        return len(a) == len(b) and all(_same(x, y) for x, y in zip(a, b, strict=True))
    return a == b


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Swallow prints and warnings: an answer is called a dozen times, and text on stderr would count as an error."""
    sink = io.StringIO()
    stdout, stderr = sys.stdout, sys.stderr
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(sink), contextlib.redirect_stderr(sink):
            warnings.simplefilter("ignore")
            yield
    finally:
        sys.stdout, sys.stderr = stdout, stderr  # whatever the call did to them


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise `OutOfTime` inside the block when its time is up, where the system can: POSIX, main thread.

    Elsewhere the block runs to its end and its duration is looked at afterwards.
    """
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(signum, frame):
        raise OutOfTime

    started = time.monotonic()
    previous = signal.signal(signal.SIGALRM, ring)
    left, every = signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.01), 0.5)  # again, for a bare except
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
        if left:  # somebody else's alarm was running: let it ring when it would have
            signal.setitimer(signal.ITIMER_REAL, max(left - (time.monotonic() - started), 0.01), every)
