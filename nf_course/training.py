"""fit: maximum likelihood by minibatches, as one explicit loop.

minimise  -1/N sum_n log p(x_n | c_n)  with Adam and a cosine step size; the best held-out weights are kept.
Chapter 2.
"""

from __future__ import annotations

import copy
import math
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from numbers import Integral
from pathlib import Path

import torch
from torch import Tensor
from tqdm.auto import tqdm

from nf_course import parallel
from nf_course.checkpoint import load_checkpoint, save_checkpoint
from nf_course.expect import expect_finite
from nf_course.flow import Flow
from nf_course.solvers import SolverError

__all__ = ["History", "NonFiniteLoss", "fit", "mean_nll"]


class NonFiniteLoss(FloatingPointError):
    """Training met NaN or infinity; `.step` says when. The flow holds its last good weights."""

    def __init__(self, step: int, what: str, kept: str) -> None:
        super().__init__(
            f"fit: the {what} is not finite at step {step}; the flow is back at {kept}. "
            "Try a smaller lr, smaller clip, or look for outliers in the data"
        )
        self.step = step


@dataclass
class History:
    """What happened: losses in nats per sample, and when the best held-out loss was met."""

    train_nll: list[float] = field(default_factory=list)  # one for each step, of its minibatch
    valid_steps: list[int] = field(default_factory=list)
    valid_nll: list[float] = field(default_factory=list)  # of the whole held-out set; of the training set if none
    best_step: int = 0
    best_nll: float = math.inf
    seconds: float = 0.0
    stopped: str = "all steps done"


@torch.no_grad()
def mean_nll(flow: Flow, x: Tensor, context: Tensor | None = None, batch_size: int = 4096) -> float:
    """Mean negative log-likelihood of x in nats per sample, in evaluation mode, in batches.

    >>> from nf_course import Inverse, LULinear, StandardNormal
    >>> flow = Flow(LULinear(2), StandardNormal(2))
    >>> round(mean_nll(flow, torch.zeros(3, 2)), 4)  # a rotation of the origin: log(2 pi)
    1.8379
    """
    if len(x) == 0 or batch_size < 1:
        raise ValueError(f"mean_nll: expected at least 1 row and batch_size >= 1, got {len(x)} rows, {batch_size}")
    was_training = flow.training
    flow.eval()
    try:
        total = 0.0
        for i in range(0, len(x), batch_size):
            rows = slice(i, i + batch_size)
            total -= flow.log_prob(x[rows], None if context is None else context[rows]).double().sum().item()
        return total / len(x)
    finally:
        flow.train(was_training)


def fit(
    flow: Flow,
    train: Tensor,
    valid: Tensor | None = None,
    *,
    context: Tensor | None = None,
    valid_context: Tensor | None = None,
    steps: int = 1000,
    batch_size: int = 256,
    lr: float = 1e-3,
    clip: float = 10.0,
    evaluate_every: int | None = None,
    patience: int | None = None,
    seed: int = 0,
    loss: Callable[[Flow, Tensor, Tensor | None], Tensor] | None = None,
    checkpoint: str | Path | None = None,
    progress: bool | None = None,
) -> History:
    """Fit `flow` to `train`, (N, ...), by maximum likelihood; leave it at its best held-out weights.

    Every `evaluate_every` steps (default: 20 times in all) the held-out negative log-likelihood is measured; after
    `patience` measurements without a better one, training stops. `clip` bounds the norm of the gradient.
    `loss(flow, x, context)`, (N,), takes the place of the negative log-likelihood in the steps of training (then
    `History.train_nll` holds it); what is measured on held-out data, and decides what is best, stays the likelihood.
    `seed` fixes the order of the batches and the noise inside the flow; the global random state is put back.
    With `checkpoint`, the whole state is written there at the start and at each measurement, and a later call with
    the same arguments goes on from it. Ctrl-C stops early and keeps the best weights.

    In the processes of `torchrun`, inside `parallel.joined()`, all call `fit` with the same arguments, the whole data
    included: each takes its rows of every batch and of the held-out set, and the losses are those of one process.
    Only the noise inside the flow differs. Rank 0 alone writes the checkpoint and shows progress.

    Errors: `NonFiniteLoss` says at which step, after putting the last good weights back; a continuous flow's
    `SolverError` comes after the same. NaN in the data, a checkpoint that cannot be written, or that is of another
    run, are refused before the first step.
    Cost: one `log_prob` forward and backward per step.

    >>> from nf_course import data, models
    >>> _ = torch.manual_seed(0)
    >>> flow = models.realnvp(features=2, couplings=2, hidden=(16,))
    >>> history = fit(flow, data.moons(512, seed=0), steps=60, lr=1e-2, progress=False)
    >>> history.valid_nll[-1] < history.train_nll[0]
    True
    """
    with parallel.together():
        _check_whole(steps=steps, least=0)
        _check_whole(batch_size=batch_size, evaluate_every=evaluate_every, patience=patience, least=1)
        _check_data(train, context, "train")
        if valid is not None:
            _check_data(valid, valid_context, "valid")
        if (valid_context is not None) != (valid is not None and context is not None):
            raise ValueError("fit: expected valid_context where valid and context are both given, and only there")
        parallel.share(train[:batch_size])  # refuses a batch of fewer rows than processes
    loss = _negative_log_likelihood if loss is None else loss
    lr = float(lr)  # a NumPy number in the optimizer's state would make a checkpoint unreadable
    evaluate_every = evaluate_every or max(1, steps // 20)
    held_out = train if valid is None else valid
    held_out_context = context if valid is None else valid_context
    my_held_out = [None if x is None else parallel.share(x) for x in (held_out, held_out_context)]
    parameters = [p for p in flow.parameters() if p.requires_grad]
    optimizer = torch.optim.Adam(parameters, lr=lr, fused=train.device.type in ("cpu", "cuda"))
    batches = torch.Generator().manual_seed(seed)
    order = torch.empty(0, dtype=torch.long, device="cpu")  # what is left of this pass over the data
    run = {"steps": steps, "batch_size": batch_size, "lr": lr, "clip": clip, "seed": seed, "rows": len(train)}
    run = {name: float(value) for name, value in run.items()} | {"loss": getattr(loss, "__qualname__", repr(loss))}
    resumes = checkpoint is not None and Path(checkpoint).exists()
    data = {"train": train, "valid": valid, "context": context, "valid_context": valid_context}
    counts = {"evaluate_every": evaluate_every, "patience": patience}
    parallel.expect_one_run(flow, data, **run, **counts, checkpoint_found=resumes)
    parallel.send_weights(flow)
    history, best, first = History(), _weights(flow), 0

    def mean_loss_of(rows: Tensor) -> Tensor:
        return loss(flow, train[rows], None if context is None else context[rows]).mean()

    def save(step: int) -> None:
        if checkpoint is None:
            return
        state = {"step": step, "run": run, "flow": flow.state_dict(), "best": best, "history": asdict(history)}
        state |= {"optimizer": optimizer.state_dict(), "batches": batches.get_state(), "order": order.clone()}
        parallel.by_rank_0(lambda: save_checkpoint(checkpoint, state))

    def expect_finite_loss(value: float, what: str, step: int) -> None:
        if not math.isfinite(value):
            flow.load_state_dict(best)
            raise NonFiniteLoss(step, what, f"its weights of step {history.best_step}")

    if resumes:
        with parallel.together():
            state = load_checkpoint(checkpoint, map_location=train.device)
            _check_run(state.get("run"), run, checkpoint)
            try:
                flow.load_state_dict(state["flow"])
                optimizer.load_state_dict(state["optimizer"])
            except (RuntimeError, ValueError) as error:
                flow.load_state_dict(best)  # a weight that does not fit may come after some that did
                raise ValueError(
                    f"{checkpoint}: expected a checkpoint of this flow; it is left as it is. {error}"
                ) from error
            batches.set_state(state["batches"].cpu())
            history, best, first = History(**state["history"]), state["best"], state["step"]
            order = state["order"].cpu()
    else:
        save(0)  # a path that cannot be written to is better met now than after the first measurement

    started = time.perf_counter() - history.seconds
    if progress is None:
        progress = os.environ.get("NF_COURSE_PROGRESS", "on") != "off"
    progress = progress and parallel.rank() == 0
    devices = [train.device] if train.device.type == "cuda" else []
    bar = tqdm(total=steps, initial=first, disable=not progress, desc="fit", unit="step")
    with bar, torch.random.fork_rng(devices), parallel.interrupts_at_one_step():
        torch.manual_seed(parallel.noise_seed(seed + first))
        flow.train()
        try:
            for step in range(first + 1, steps + 1):
                if patience is not None and step > history.best_step + patience * evaluate_every:
                    history.stopped = f"no better held-out loss in {patience} measurements"
                    break
                if len(order) < min(batch_size, len(train)):
                    order = torch.randperm(len(train), generator=batches, device="cpu")
                rows, order = order[:batch_size].to(train.device), order[batch_size:]
                mine = parallel.share(rows)  # all of them, in a single process
                if step == 1:
                    parallel.start_alike(flow, mean_loss_of, rows, seed)

                for group in optimizer.param_groups:
                    group["lr"] = lr * 0.5 * (1 + math.cos(math.pi * (step - 1) / steps))
                with parallel.together():
                    mean_loss = mean_loss_of(mine)
                    optimizer.zero_grad()
                    mean_loss.backward()
                mean_loss = parallel.average(mean_loss, parameters, weight=len(mine) / len(rows))
                norm = torch.nn.utils.clip_grad_norm_(parameters, clip)
                expect_finite_loss(mean_loss.item(), "loss", step)
                expect_finite_loss(norm.item(), "gradient", step)
                optimizer.step()
                history.train_nll.append(mean_loss.item())
                bar.update()

                if step % evaluate_every == 0 or step == steps:
                    parallel.expect_same_weights(flow, step)
                    with parallel.together():
                        nll = mean_nll(flow, *my_held_out)
                    nll = parallel.mean_over_processes(nll, rows=len(my_held_out[0]))
                    expect_finite_loss(nll, "loss after the step" if valid is None else "held-out loss", step)
                    history.valid_steps.append(step)
                    history.valid_nll.append(nll)
                    history.seconds = time.perf_counter() - started
                    if nll < history.best_nll:
                        history.best_nll, history.best_step, best = nll, step, _weights(flow)
                    bar.set_postfix(train=f"{mean_loss.item():.3f}", valid=f"{nll:.3f}")
                    save(step)
        except KeyboardInterrupt:
            history.stopped = "interrupted"
        except (SolverError, parallel.ProcessFailed):
            flow.load_state_dict(best)
            raise
        history.seconds = time.perf_counter() - started
    if history.best_step:
        flow.load_state_dict(best)
    flow.eval()
    return history


def _negative_log_likelihood(flow: Flow, x: Tensor, context: Tensor | None) -> Tensor:
    return -flow.log_prob(x, context)


def _weights(flow: Flow) -> dict[str, Tensor]:
    return copy.deepcopy(flow.state_dict())


def _check_data(x: Tensor, context: Tensor | None, name: str) -> None:
    for value, what in ((x, name), (context, f"the context of {name}")):
        if value is not None and not isinstance(value, Tensor):
            raise TypeError(f"fit: expected {what} as a torch.Tensor, got {type(value).__name__}")
    if x.ndim < 2 or len(x) == 0:
        raise ValueError(f"fit: expected {name} as a tensor (N, ...features) with N > 0, got {tuple(x.shape)}")
    expect_finite(x, f"fit ({name})")
    if context is not None and len(context) != len(x):
        raise ValueError(f"fit: expected one context for each of the {len(x)} rows of {name}, got {len(context)}")


def _check_whole(least: int, **values: int | None) -> None:
    for name, value in values.items():
        if value is not None and not (isinstance(value, Integral) and value >= least):
            raise ValueError(f"fit: expected {name} as a whole number, at least {least}, got {value}")


def _check_run(saved: dict | None, run: dict, checkpoint: str | Path) -> None:
    """A checkpoint goes on only as the run that it is of: same number of rows, steps, lr, ..."""
    if saved is None:
        raise ValueError(f"{checkpoint}: expected a checkpoint written by fit, got another file; it is left as it is")
    words = {name: [f"{v:g}" if isinstance(v, float) else str(v) for v in (saved.get(name), run[name])] for name in run}
    if changed := [f"{name}={before} (now {now})" for name, (before, now) in words.items() if before != now]:
        raise ValueError(
            f"{checkpoint}: expected the run that it is a checkpoint of, with {', '.join(changed)}; "
            "it is left as it is: give another path to start afresh"
        )
