"""One training in several processes, one for each device: each takes its rows, and the gradient is the whole batch's.

grad 1/N sum_n l_n = sum_r n_r/N grad m_r,  where process r has n_r of the N rows, with the mean loss m_r.
Chapter 18; used by `fit`. In a single process each of these does nothing, or gives back what it was given.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn

from nf_course.devices import device

__all__ = ["ProcessFailed", "average", "by_rank_0", "joined", "rank", "share", "size", "together"]

T = TypeVar("T")


class ProcessFailed(RuntimeError):
    """Another process of the same training met an error, or is gone; this one stops with it."""


@contextmanager
def joined(minutes: float = 30) -> Iterator[None]:
    """Inside the block the processes that torchrun started are one training: `with joined(): fit(...)`.

    They speak through NCCL between CUDA devices, one for each, and through gloo otherwise. One that waits for the
    others for more than `minutes` gives up. Without torchrun the block is an ordinary one. Meant for one machine: on
    several, torchrun counts restarts on each by itself, and a restart may then fail.
    Errors: `ValueError` on MPS, which has no way to speak. Source: Li et al., 2020 (arXiv 2006.15704), for the idea of
    averaged gradients; here without its overlap of sending and computing.
    """
    if int(os.environ.get("WORLD_SIZE", 1)) == 1 or dist.is_initialized():
        yield
        return
    where = device()
    if where.type not in ("cpu", "cuda"):
        raise ValueError(f"joined: expected several CUDA devices or CPUs, got {where}; set NF_COURSE_DEVICE=cpu")
    if where.type == "cuda":
        torch.cuda.set_device(where)
    backend = "cpu:gloo,cuda:nccl" if where.type == "cuda" else "gloo"
    store, number, count = next(dist.rendezvous("env://"))
    # After a restart torchrun's store still holds the addresses of processes that are gone (PyTorch issue 135712).
    store = dist.PrefixStore(f"restart {os.environ.get('TORCHELASTIC_RESTART_COUNT', 0)}", store)
    wait = timedelta(minutes=minutes)
    dist.init_process_group(backend, store=store, rank=number, world_size=count, timeout=wait)
    try:
        yield
    finally:
        dist.destroy_process_group()


def size() -> int:
    """How many processes train together.

    Errors: `RuntimeError` where torchrun started several that were not `joined`: each would train on its own.
    """
    if dist.is_available() and dist.is_initialized():
        return dist.get_world_size()
    if (started := int(os.environ.get("WORLD_SIZE", 1))) > 1:
        raise RuntimeError(
            f"expected the {started} processes of torchrun to train together, but they were not joined; "
            "write: with nf_course.parallel.joined(): fit(...)"
        )
    return 1


def rank() -> int:
    """Which of them this one is: 0 to `size() - 1`. Rank 0 is the one that prints and writes."""
    return dist.get_rank() if size() > 1 else 0


def share(rows: Tensor) -> Tensor:
    """This process's rows of a batch, (N, ...) -> (n_r, ...): consecutive ones, and nobody has two more than another.

    Errors: `ValueError` for fewer rows than processes: a mean over no rows is none.

    >>> share(torch.arange(3)).tolist()  # a single process takes them all
    [0, 1, 2]
    """
    if (processes := size()) == 1:
        return rows
    if len(rows) < processes:
        raise ValueError(
            f"share: expected at least one row for each of the {processes} processes, got {len(rows)}: "
            "start fewer processes, or give more rows (batch_size counts those of all processes together)"
        )
    return rows.tensor_split(processes)[rank()]


@torch.no_grad()
def average(loss: Tensor, parameters: Sequence[nn.Parameter], weight: float) -> Tensor:
    r"""The mean loss of the whole batch, from that of each share; the gradients become those of it.

    .. math:: m = \sum_r w_r m_r, \qquad \nabla m = \sum_r w_r \nabla m_r, \qquad w_r = n_r / N

    With equal weights instead, the rows of a smaller share would count for more than those of a larger one. All that
    is sent goes in one message: the loss, the gradients, and for each parameter whether it has one; where it has none
    in any process, it stays without. Cost: one all-reduce, and twice the memory of the gradients.
    """
    if size() == 1:
        return loss
    there = loss.new_tensor([p.grad is not None for p in parameters])
    gradients = [torch.zeros_like(p) if p.grad is None else weight * p.grad for p in parameters]
    flat = torch.cat([weight * loss.reshape(1), there, *(g.flatten() for g in gradients)])  # (1 + P + sizes,)
    with _heard():
        dist.all_reduce(flat)
    loss, there, *gradients = flat.split([1, len(there), *(p.numel() for p in parameters)])
    for p, has_gradient, gradient in zip(parameters, there.tolist(), gradients, strict=True):
        if has_gradient:
            p.grad = torch.empty_like(p).copy_(gradient.view_as(p))  # in p's own memory format, as Adam asks for
    return loss[0]


def mean_over_processes(mean: float, rows: int) -> float:
    """From the mean over the rows of each process, the mean over all rows: sum_r n_r m_r / sum_r n_r, in float64."""
    if size() == 1:
        return mean
    sums = torch.tensor([rows * mean, rows], dtype=torch.float64, device="cpu")
    with _heard():
        dist.all_reduce(sums)
    return (sums[0] / sums[1]).item()


def noise_seed(seed: int) -> int:
    """A seed for each process, so that no two dequantize with the same noise; rank 0's is `seed` itself."""
    return seed + 1_000_003 * rank()  # not in the high bits: the CPU's generator reads the lowest 32 only


def send_weights(flow: nn.Module) -> None:
    """Every process gets rank 0's weights and buffers."""
    if size() == 1:
        return
    for value in flow.state_dict().values():
        sent = value.contiguous()  # images may lie channels-last
        with _heard():
            dist.broadcast(sent, src=0)
        value.copy_(sent)


def start_alike(flow: nn.Module, first_pass: Callable[[Tensor], object], rows: Tensor, seed: int) -> None:
    """Layers that the first batch sets, such as ActNorm, see all its rows in every process, not a share of them.

    One more pass, `first_pass(rows)` without gradients, with the same noise everywhere; then rank 0's weights for all.
    """
    if size() == 1:
        return
    devices = [rows.device] if rows.device.type == "cuda" else []
    with torch.random.fork_rng(devices), torch.no_grad(), together():
        torch.manual_seed(seed)
        first_pass(rows)
    send_weights(flow)


def expect_one_run(flow: nn.Module, data: dict[str, Tensor | None], **arguments: object) -> None:
    """Errors: `ValueError` where the processes were given different data, arguments or flows, or see another disk."""
    if size() == 1:
        return
    shapes = {name: tuple(value.shape) for name, value in flow.state_dict().items()}
    given = {name: None if x is None else _fingerprint(x) for name, x in data.items()}
    _expect_same("expected the same flow, arguments and whole data in every process", given | arguments | shapes)


def expect_same_weights(flow: nn.Module, step: int) -> None:
    """Errors: `ValueError` where the weights went apart, as with a layer that learns from its own rows by itself."""
    if size() == 1:
        return
    sums = {name: _fingerprint(value) for name, value in flow.state_dict().items()}
    _expect_same(f"expected the same weights in every process after step {step}", sums)


def _expect_same(expected: str, values: dict[str, object]) -> None:
    everyone = _everyone({name: repr(value) for name, value in values.items()})
    for other, theirs in enumerate(everyone):
        for name in everyone[0] | theirs:
            one, two = everyone[0].get(name), theirs.get(name)
            if one != two:
                raise ValueError(f"fit: {expected}, got {name} = {one} in process 0 and {two} in process {other}")


def _fingerprint(x: Tensor) -> tuple:
    """Shape and sums: what two tensors that are not the same hardly have in common."""
    ends = (x, x[:1], x[-1:]) if x.ndim else (x,)
    return tuple(x.shape), *(part.detach().sum(dtype=torch.float64).item() for part in ends)


@contextmanager
def together() -> Iterator[None]:
    """All processes leave the block in the same way: an error or a Ctrl-C in one ends it in all, so none waits.

    Errors: that of this process; else `ProcessFailed` with that of another; `KeyboardInterrupt` for all.
    """
    if size() == 1:
        yield
        return
    problem = None
    try:
        yield
    except (Exception, KeyboardInterrupt) as error:
        problem = error
    if problem is None and _interrupted.is_set():
        problem = KeyboardInterrupt()
    found = torch.tensor(problem is not None, dtype=torch.int32, device="cpu")
    with _heard():
        dist.all_reduce(found)  # quick, as each step of a training passes here; words are exchanged only if needed
    if not found:
        return
    everyone = _everyone(None if problem is None else (type(problem).__name__, str(problem)))
    if problem is not None:
        raise problem
    for other, its_problem in enumerate(everyone):
        if its_problem is not None:
            kind, words = its_problem
            if kind == "KeyboardInterrupt":
                raise KeyboardInterrupt
            raise ProcessFailed(f"process {other} of {size()} stopped: {kind}: {words}")


def by_rank_0(work: Callable[[], T]) -> T:
    """`work()` is done by rank 0 while the others wait; all get its result, or its error.

    >>> by_rank_0(lambda: 3)
    3
    """
    if size() == 1:
        return work()
    result: list[Any] = [None]
    with together():
        if rank() == 0:
            result = [work()]
    with _heard():
        dist.broadcast_object_list(result, src=0)
    return result[0]


_interrupted = threading.Event()


@contextmanager
def interrupts_at_one_step() -> Iterator[None]:
    """A Ctrl-C waits for the next `together`, so that all processes stop at the same step; a second one does not."""
    if size() == 1 or threading.current_thread() is not threading.main_thread():
        yield
        return

    def note(number, frame):
        if _interrupted.is_set():
            raise KeyboardInterrupt
        _interrupted.set()

    _interrupted.clear()
    before = signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        _interrupted.clear()


def _everyone(value: T) -> list[T]:
    """What each process has, in the order of their ranks."""
    if size() == 1:
        return [value]
    values: list[Any] = [None] * size()
    with _heard():
        dist.all_gather_object(values, value)
    return values


@contextmanager
def _heard() -> Iterator[None]:
    """A message that does not come through, since a process died or hangs, in words."""
    try:
        yield
    except RuntimeError as error:
        raise ProcessFailed(
            f"process {rank()} of {size()}: another process did not answer; it has died, hangs, or did something else. "
            f"What it printed says why. ({error})"
        ) from error
