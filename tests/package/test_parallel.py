"""Several processes train as one: torchrun starts two over gloo, which run this file; what each did is compared.

Each case below runs here, in one process, and there, in two; curves must agree to the rounding of float64. The wrong
variants are what is easily written instead, and must be told from the right one by the same comparison.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
import torch
from torch.optim.optimizer import register_optimizer_step_pre_hook

from nf_course import (
    MLP,
    ActNorm,
    AffineCoupling,
    Bijection,
    Flow,
    Halves,
    LULinear,
    Sequential,
    StandardNormal,
    data,
    devices,
    fit,
    parallel,
    training,
)

# Float64 rounds a gradient by some 1e-16. Where it is near zero, as ActNorm's first ones are, Adam divides by its eps of
# 1e-8, which leaves 1e-8, times lr = 1e-2 at each step. What is wrong below is off by more than 1e-3.
ROUNDING = 1e-8


def flow_of(*more, context=0):
    torch.manual_seed(0)
    coupling = AffineCoupling(MLP(1, 2, (8,), context_features=context), Halves())
    return Flow(Sequential(ActNorm(2), coupling, LULinear(2), ActNorm(2), *more), StandardNormal(2)).double()


def moons(n, seed):
    return data.moons(n, seed=seed).double() * torch.tensor([3.0, 0.5])


def trained(flow=None, train=None, **arguments):
    """Seven rows in two processes: four and three. Held out: 26 and 25. The clip is met at every step."""
    flow = flow_of() if flow is None else flow
    arguments = {"steps": 30, "batch_size": 7, "evaluate_every": 10, "lr": 1e-2, "clip": 0.5} | arguments
    train = moons(103, 1) if train is None else train
    history = fit(flow, train, **{"valid": moons(51, 2)} | arguments, progress=False)
    weights = torch.cat([p.detach().flatten() for p in flow.parameters()]).tolist()
    return {"train": history.train_nll, "valid": history.valid_nll, "weights": weights, "stopped": history.stopped}


class Spare(torch.nn.Module):
    """A weight that a share may never meet: its gradient stays away in some processes, or in all."""

    def __init__(self):
        super().__init__()
        self.met, self.never = torch.nn.Parameter(torch.ones(1)), torch.nn.Parameter(torch.ones(1))


def plain(folder):
    rows, first = [], ActNorm._initialise
    ActNorm._initialise = lambda self, x: (rows.append(len(x)), first(self, x))[1]
    try:
        return trained() | {"initialised with": rows}
    finally:
        ActNorm._initialise = first


def with_context_and_loss(folder):
    """A loss of one's own, with a context; `met` gets a gradient from rows with x > 5 only, `never` from none."""
    flow = flow_of(context=1)
    flow.spare = Spare().double()

    def loss(flow, x, context):
        value, far = -flow.log_prob(x, context) * (1 + context[:, 0].square()), x[:, 0] > 5
        return value + flow.spare.met * x[:, 0] * far if far.any() else value

    x, valid = moons(103, 1), moons(51, 2)
    done = trained(flow, x, valid=valid, context=x[:, :1].sin(), valid_context=valid[:, :1].sin(), loss=loss)
    return done | {"never": flow.spare.never.item(), "no gradient": flow.spare.never.grad is None}


def stops_early(folder):
    return trained(train=moons(16, 1), steps=600, lr=5e-2, clip=10.0, patience=3)


def held_out_is_the_training_set(folder):
    return trained(valid=None)


def noise(folder):
    """What each process draws in its steps: once for ActNorm's pass, then at each step."""
    drawn = []

    def loss(flow, x, context):
        drawn.append(torch.rand(1).item())
        return -flow.log_prob(x)

    return trained(loss=loss, steps=3) | {"drawn": drawn}


def writes(folder):
    saved, save = [], training.save_checkpoint
    training.save_checkpoint = lambda path, state: (saved.append(state["step"]), save(path, state))
    try:
        return trained(checkpoint=folder / "run.pt") | {"saved": saved}
    finally:
        training.save_checkpoint = save


# Wrong on purpose: what replaces the right function of `parallel`, for the time of one run.
def equal_weights(loss, parameters, weight, right=parallel.average):
    return right(loss, parameters, 1 / parallel.size())


def first_share_only(flow, first_pass, rows, seed):
    with torch.no_grad():
        first_pass(parallel.share(rows))
    parallel.send_weights(flow)


def each_its_own(mean, rows):
    return mean


def mean_of_means(mean, rows, right=parallel.mean_over_processes):
    return right(mean, 1)


def not_sent(flow):
    pass


def no_average(loss, parameters, weight):
    return loss


def same_noise(seed):
    return seed


def wrong(name, instead, folder, case=plain):
    right = getattr(parallel, name)
    setattr(parallel, name, instead)
    try:
        return case(folder)
    finally:
        setattr(parallel, name, right)


# Errors: each must end both processes, in step, so that the next case can begin.
def met_in_rank_1(step, what):
    """A loss to which `what` happens at that step, in the process of rank 1 alone (of one process: in it)."""
    calls = []
    first = 1 if parallel.size() > 1 else 0  # ActNorm's pass is one more call

    def loss(flow, x, context):
        calls.append(len(x))
        value = -flow.log_prob(x)
        if len(calls) == step + first and parallel.rank() == parallel.size() - 1:
            return what(value)
        return value

    return loss


def raises(value):
    raise ZeroDivisionError("met in rank 1")


def interrupts(value):
    raise KeyboardInterrupt


def signals(value):
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in what a shell has started in the background
        signal.signal(signal.SIGINT, signal.default_int_handler)
    os.kill(os.getpid(), signal.SIGINT)
    return value


def signalled_between(folder):
    """Ctrl-C in rank 1 in step 13, when the gradients are exchanged: the other may be a step further already."""
    steps = []

    def signal_in_rank_1(optimizer, args, kwargs):
        steps.append(1)
        if len(steps) == 13 and parallel.rank() == parallel.size() - 1:
            os.kill(os.getpid(), signal.SIGINT)

    hook = register_optimizer_step_pre_hook(signal_in_rank_1)
    try:
        return trained()
    finally:
        hook.remove()


def nan_in_rank_1(folder):
    x = moons(103, 1)
    if parallel.rank() == 1:
        x[3, 1] = torch.nan
    return trained(train=x)


def shares_as_data(folder):
    return trained(train=moons(103, 1)[parallel.rank() :: parallel.size()])


def other_seeds(folder):
    return trained(seed=parallel.rank())


class OwnMean(Bijection):
    """Remembers the mean of the rows that it sees, as batch normalisation would."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.zeros(2))

    def encode(self, x, context=None):
        if self.training:
            self.mean.copy_(x.detach().mean(0))
        return x - self.mean, x.new_zeros(len(x))


def own_statistics(folder):
    return trained(flow_of(OwnMean()))


def no_disk(folder):
    (folder / "file").write_text("not a folder")
    return trained(checkpoint=folder / "file" / "run.pt")


CASES = {
    "plain": plain,
    "context and loss": with_context_and_loss,
    "stops early": stops_early,
    "no held-out set": held_out_is_the_training_set,
    "noise": noise,
    "writes": writes,
    "interrupted": lambda folder: trained(loss=met_in_rank_1(13, interrupts)),
    "signalled": lambda folder: trained(loss=met_in_rank_1(13, signals)),
    "signalled between": signalled_between,
    "wrong: equal weights": partial(wrong, "average", equal_weights),
    "wrong: ActNorm from a share": partial(wrong, "start_alike", first_share_only),
    "wrong: held-out NLL of a share": partial(wrong, "mean_over_processes", each_its_own),
    "wrong: mean of held-out means": partial(wrong, "mean_over_processes", mean_of_means),
    "wrong: gradients of a share": partial(wrong, "average", no_average),
    "wrong: same noise": partial(wrong, "noise_seed", same_noise, case=noise),
    "raises": lambda folder: trained(loss=met_in_rank_1(5, raises)),
    "not finite": lambda folder: trained(loss=met_in_rank_1(14, lambda value: value * torch.nan)),
    "NaN in one": nan_in_rank_1,
    "shares as data": shares_as_data,
    "other seeds": other_seeds,
    "one row": lambda folder: trained(batch_size=1),
    "one held-out row": lambda folder: trained(valid=moons(51, 2)[:1]),
    "own statistics": own_statistics,
    "no disk": no_disk,
}


def outcome(name, folder):
    try:
        return CASES[name](folder)
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}


def every_case(folder):
    with parallel.joined():
        results = {name: outcome(name, folder) for name in CASES}
        (folder / f"rank{parallel.rank()}.json").write_text(json.dumps(results))


def killed_once(folder):
    """Rank 1 is killed in step 25, in its first life; what is left is the checkpoint of step 20."""

    def kill(value):
        if os.environ["TORCHELASTIC_RESTART_COUNT"] == "0":
            (folder / "killed").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return value

    with parallel.joined():
        done = trained(checkpoint=folder / "run.pt", loss=met_in_rank_1(25, kill))
        (folder / f"rank{parallel.rank()}.json").write_text(json.dumps(done))


def one_leaves(folder):
    """An error that `fit` knows nothing of: one process ends before it begins."""
    with parallel.joined():
        if parallel.rank() == 1:
            raise LookupError("only in rank 1")
        trained()


def one_hangs(folder):
    with parallel.joined(minutes=0.05):
        if parallel.rank() == 1:
            time.sleep(60)
        trained()


def not_joined(folder):
    trained()


def torchrun(*words, restarts=0, seconds=120):
    """The exit code, and what the processes said; one that takes too long is asked to end, workers and all."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "NF_COURSE_DEVICE": "cpu"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen([*command, f"--max-restarts={restarts}", *map(str, words)], env=environment, **pipes) as run:
        try:
            out, err = run.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            run.terminate()
            out, err = run.communicate()
            pytest.fail(f"still running after {seconds} s: {err}")
    return subprocess.CompletedProcess(run.args, run.returncode, out, err)


def ranks_of(folder):
    return [json.loads((folder / f"rank{rank}.json").read_text()) for rank in (0, 1)]


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """What each of two processes found in every case: {case: [of rank 0, of rank 1]}."""
    folder = tmp_path_factory.mktemp("two")
    done = torchrun(__file__, "every_case", folder)
    assert done.returncode == 0, done.stderr
    first, second = ranks_of(folder)
    return {name: [first[name], second[name]] for name in CASES}


@pytest.fixture(scope="module")
def one(tmp_path_factory):
    """The same in one process."""
    return lambda name: outcome(name, tmp_path_factory.mktemp("one"))


def apart(done, expected, what):
    """The largest difference of a curve from that of one process."""
    assert len(done[what]) == len(expected[what])
    return max(abs(a - b) for a, b in zip(done[what], expected[what]))


ALIKE = ["plain", "context and loss", "stops early", "no held-out set", "writes", "interrupted", "signalled"]


@pytest.mark.parametrize("name", ALIKE)
def test_two_processes_have_the_curve_of_one(one, two, name):
    expected = one(name)
    for done in two[name]:
        assert done["stopped"] == expected["stopped"]
        assert all(apart(done, expected, what) < ROUNDING for what in ("train", "valid", "weights"))
    assert all(two[name][0][what] == two[name][1][what] for what in ("train", "valid", "weights"))  # to the last bit


def test_the_cases_are_what_they_are_meant_to_be(one, two):
    """Clipped at every step, stopped early, interrupted at one step, a parameter that stays without a gradient."""
    assert apart(one("plain"), trained(clip=1e9), "train") > 1e-3
    assert "no better" in two["stops early"][0]["stopped"] and len(two["stops early"][0]["train"]) < 600
    for name in ("interrupted", "signalled"):
        assert [len(done["train"]) for done in two[name]] == [12, 12]
    for done in two["context and loss"]:
        assert done["no gradient"] and done["never"] == 1.0


def test_a_signal_between_two_exchanges_stops_both_after_the_same_step(one, two):
    for done in two["signalled between"]:
        assert done["stopped"] == "interrupted" and len(done["train"]) == 13
        assert all(apart(done, one("interrupted"), what) < ROUNDING for what in ("valid", "weights"))


def test_actnorm_is_initialised_once_from_the_whole_batch(two):
    """Two layers, seven rows each; the same numbers in both processes, since the weights are."""
    assert [done["initialised with"] for done in two["plain"]] == [[7, 7], [7, 7]]


def test_each_process_has_noise_of_its_own(two):
    first, second = (done["drawn"] for done in two["noise"])
    assert first[0] == second[0]  # ActNorm's pass
    assert len({*first[1:], *second[1:]}) == 6
    first, second = (done["drawn"] for done in two["wrong: same noise"])
    assert first == second


def test_only_rank_0_writes(two):
    assert [done["saved"] for done in two["writes"]] == [[0, 10, 20, 30], []]


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("wrong: equal weights", "train"),
        ("wrong: ActNorm from a share", "train"),
        ("wrong: held-out NLL of a share", "valid"),
        ("wrong: mean of held-out means", "valid"),
    ],
)
def test_the_curve_tells_wrong_from_right(one, two, name, what):
    for done in two[name]:
        assert apart(done, one("plain"), what) > 1e-3


@pytest.mark.parametrize(
    ("name", "rank_0", "rank_1"),
    [
        ("raises", "ProcessFailed: process 1 of 2 stopped: ZeroDivisionError: met in rank 1", "ZeroDivisionError: met"),
        ("not finite", *["NonFiniteLoss: fit: the loss is not finite at step 14"] * 2),
        ("NaN in one", "ProcessFailed: process 1 of 2 stopped: ValueError: fit (train)", "ValueError: fit (train)"),
        ("shares as data", *["whole data in every process, got train = ((52, 2)"] * 2),
        ("other seeds", *["got seed = 0.0 in process 0 and 1.0 in process 1"] * 2),
        ("one row", *["at least one row for each of the 2 processes, got 1: start fewer processes"] * 2),
        ("one held-out row", *["at least one row for each of the 2 processes, got 1"] * 2),
        ("own statistics", *["the same weights in every process after step 10, got bijection.bijections.4.mean"] * 2),
        ("no disk", "FileExistsError", "ProcessFailed: process 0 of 2 stopped: FileExistsError"),
        ("wrong: gradients of a share", *["expected the same weights in every process after step 10"] * 2),
    ],
)
def test_an_error_ends_both_and_says_why(two, name, rank_0, rank_1):
    for done, words in zip(two[name], (rank_0, rank_1)):
        assert words in done["error"]


def test_a_killed_worker_is_started_again_and_the_curve_goes_on(tmp_path):
    done = torchrun(__file__, "killed_once", tmp_path, restarts=1)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "killed").exists()
    for again in ranks_of(tmp_path):
        assert all(apart(again, trained(), what) < ROUNDING for what in ("train", "valid", "weights"))


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("one_leaves", "LookupError: only in rank 1"),
        ("one_hangs", "process 0 of 2: another process did not answer"),
        ("not_joined", "write: with nf_course.parallel.joined(): fit(...)"),
    ],
)
def test_what_fit_cannot_know_ends_both_soon_too(tmp_path, case, words):
    done = torchrun(__file__, case, tmp_path, seconds=50)
    assert done.returncode != 0 and words in done.stderr


def test_the_command_runs_in_several_processes(tmp_path):
    """The digits in float32, images channels-last: rank 0 alone writes and speaks."""
    words = ["glow-digits", "--steps", "3", "--out", tmp_path]
    done = torchrun("-m", "nf_course.train", *words)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("bits/dim on test") == 1
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".csv", ".json", ".png", ".safetensors"]
    card = json.loads((tmp_path / "glow-digits.json").read_text())
    assert card["steps"] == 3 and card["machine"].endswith("2 processes")


def test_the_command_says_what_is_wrong_and_fails(tmp_path):
    command = [sys.executable, "-m", "nf_course.train", "no-such-recipe", "--out", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and "expected one of" in done.stderr


def test_each_process_has_a_device_of_its_own(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.delenv("NF_COURSE_DEVICE", raising=False)
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    assert devices.device() == torch.device("cuda")
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert devices.device() == torch.device("cuda:1")
    monkeypatch.setenv("NF_COURSE_DEVICE", "cuda")
    assert devices.device() == torch.device("cuda:1")
    monkeypatch.setenv("LOCAL_RANK", "2")
    with pytest.raises(RuntimeError, match="--nproc-per-node=2"):
        devices.device()
    monkeypatch.setenv("NF_COURSE_DEVICE", "cpu")
    assert devices.device() == torch.device("cpu")


if __name__ == "__main__":
    globals()[sys.argv[1]](Path(sys.argv[2]))
