"""Time nf_course beside other flow libraries: the same models with the same weights, taken in turn in one process.

    python -m benchmarks.compare --out benchmarks/results/laptop.json

Needs the extra [bench]. A round times every library once, in a new order; ratios are taken within a round, so that
a busy machine slows all alike, and their median is reported. The floor is the same networks' forward, backward and
Adam alone, with no flow arithmetic: what is above 1.00 is the price of the flow.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import os
import platform
import random
import statistics
import time
import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch
from torch import nn

from benchmarks.memory import kept_mib, peak_mib
from benchmarks.peers import CHANNELS_LAST, FLOOR, MODULES, OURS, Peer, Unsupported, build
from benchmarks.workloads import WORKLOADS, Workload

TASKS = ("train", "log_prob", "sample")
Times = dict[str, list[float]]  # library -> seconds for one call, one entry for each round


def models(workload: Workload, libraries: list[str]) -> dict[str, Peer]:
    """Each library's model, the floor first, those of images in both orders of memory; a library that cannot build
    this workload is left out, with a word.
    """
    flow, built = workload.flow(), {}
    orders = ("", CHANNELS_LAST) if workload.images else ("",)
    for name in (FLOOR, *(library + order for order in orders for library in libraries)):
        word = ""
        try:
            built[name] = build(name, workload, copy.deepcopy(flow))
            if built[name].difference:
                word = f"{name}: {built[name].difference}"
        except (Unsupported, ModuleNotFoundError) as reason:
            word = f"without {name}: {reason}"
        if word and not name.endswith(CHANNELS_LAST):  # said already
            print(f"{workload.name}: {word}")
    return built


def parameters(model: nn.Module) -> int:
    """How many learned numbers it holds."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


def assert_same(workload: Workload, peers: dict[str, Peer]) -> None:
    """Every library holds the flow's parameters, but for those that its peer says it lacks, and in float64, built anew
    so that nothing is rounded on the way, it computes the same log_prob and decode.
    """
    flow = workload.flow()
    for name, peer in peers.items():
        count, wanted = parameters(peer) + peer.fewer, parameters(flow)
        assert count == wanted, f"{workload.name}, {name}: {count} parameters, expected {wanted}"
    flow.double()
    x, context = (None if t is None else t.double() for t in workload.data())
    z = x.flatten(1)  # any numbers will do for a latent
    try:
        torch.set_default_dtype(torch.float64)
        for name in peers.keys() - {FLOOR}:
            twin = build(name, workload, copy.deepcopy(flow))
            log_prob = twin.log_prob(twin.arrange(x), context)
            torch.testing.assert_close(log_prob, flow.log_prob(x, context), atol=1e-9, rtol=1e-9)
            decoded = twin.arrange(twin.decode(twin.arrange(z), context))
            torch.testing.assert_close(decoded, flow.bijection.decode(z, context)[0], atol=1e-9, rtol=1e-9)
    finally:
        torch.set_default_dtype(torch.float32)


def calls(workload: Workload, peer: Peer) -> dict[str, Callable[[], None]]:
    """What is timed: one training step, one log_prob and one sample, each of a whole batch."""
    x, context = workload.data()
    x = peer.arrange(x)
    adam = torch.optim.Adam(peer.parameters(), lr=1e-6, fused=True)  # so small that the weights stay what they are

    def train():
        adam.zero_grad()
        if hasattr(peer, "backward"):  # the floor
            peer.backward()
        else:
            (-peer.log_prob(x, context).mean()).backward()
        adam.step()

    @torch.no_grad()
    def log_prob():
        peer.log_prob(x, context)

    @torch.no_grad()
    def sample():
        peer.sample(workload.batch, context)

    return {"train": train, "log_prob": log_prob, "sample": sample}


def clock_name() -> str:
    """With one thread the process's own CPU time, which other work on the machine does not add to; else wall time."""
    return "process_time" if torch.get_num_threads() == 1 else "perf_counter"


def seconds(call: Callable[[], None], repeats: int) -> float:
    clock = getattr(time, clock_name())
    started = clock()
    for _ in range(repeats):
        call()
    return (clock() - started) / repeats


def measure(workload: Workload, peers: dict[str, Peer], rounds: int, slice_s: float) -> dict[str, Times]:
    """task -> library -> times. `slice_s` is how long one library is timed in one go."""
    every = {name: calls(workload, peer) for name, peer in peers.items()}
    times = {task: {name: [] for name in peers} for task in TASKS}
    order, shuffle = list(peers), random.Random(0).shuffle
    for task in TASKS:
        for name in peers:
            seconds(every[name][task], repeats=3)  # warm up
        repeats = max(1, math.ceil(slice_s / seconds(every[FLOOR][task], repeats=3)))
        for _ in range(rounds):
            shuffle(order)
            for name in order:
                times[task][name].append(seconds(every[name][task], repeats))
    return times


def memory(workload: Workload, peers: dict[str, Peer]) -> dict[str, dict[str, float]]:
    """library -> MiB kept for the backward pass of a training step, and MiB alive at its worst moment."""
    found = {}
    x, context = workload.data()
    for name, peer in peers.items():
        if name == FLOOR:
            continue
        mine = peer.arrange(x)
        own = [tensor for tensor in (x, mine, context, *peer.parameters(), *peer.buffers()) if tensor is not None]
        peer.zero_grad()
        kept = kept_mib(lambda peer=peer, mine=mine: -peer.log_prob(mine, context).mean(), own)
        peak = peak_mib(lambda peer=peer, mine=mine: (-peer.log_prob(mine, context).mean()).backward())
        found[name] = {"kept_mib": kept, "peak_mib": peak}
        peer.zero_grad()
    return found


def ratio(times: Times, name: str, to: str) -> dict[str, float]:
    """Median and quartiles of the ratio within a round."""
    ratios = [a / b for a, b in zip(times[name], times[to])]
    low, median, high = statistics.quantiles(ratios, n=4, method="inclusive")
    return {"median": round(median, 4), "low": round(low, 4), "high": round(high, 4)}


def summary(times: dict[str, Times]) -> dict[str, dict]:
    """For each task: every library against the floor, and nf_course against the fastest other library; where images
    lie in memory in two orders, in each of them.
    """
    result = {}
    for task, of_task in times.items():
        against_floor = {name: ratio(of_task, name, FLOOR) for name in of_task}
        result[task] = {"against_floor": against_floor}
        for order, ending in (("", ""), (CHANNELS_LAST, "_channels_last")):
            libraries = [name for name in of_task if name != FLOOR and name.endswith(CHANNELS_LAST) == bool(order)]
            others, ours = [name for name in libraries if name != OURS + order], OURS + order
            if others and ours in libraries:
                fastest = min(others, key=lambda name: against_floor[name]["median"])
                against = ratio(of_task, ours, fastest)
                result[task] |= {f"fastest_other{ending}": fastest, f"ours_against_it{ending}": against}
    return result


def table(workload: Workload, times: dict[str, Times]) -> str:
    """A Markdown table: medians, with the quartiles of nf_course against the fastest other library below."""
    tasks = summary(times)
    lines = [f"{workload.name}: {workload}", "", "| x floor | " + " | ".join(TASKS) + " |", "| --- " * 4 + "|"]
    for name in times[TASKS[0]]:
        if name == FLOOR:
            cells = [f"{1e3 * statistics.median(times[task][name]):.2f} ms" for task in TASKS]
        else:
            cells = [f"{tasks[task]['against_floor'][name]['median']:.2f}" for task in TASKS]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    for order, ending in (("", ""), (CHANNELS_LAST, "_channels_last")):
        if all(f"fastest_other{ending}" in tasks[task] for task in TASKS):
            cells = []
            for task in TASKS:
                ours = tasks[task][f"ours_against_it{ending}"]
                spread = f"{ours['median']:.2f} [{ours['low']:.2f}, {ours['high']:.2f}]"
                cells.append(f"{spread} x {tasks[task][f'fastest_other{ending}'].removesuffix(order)}")
            lines.append(f"| {OURS}{order} / fastest other | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def short(workloads: dict[str, dict]) -> str:
    """The README's table, from a result that was written with --out: nf_course against the fastest other library."""
    lines = ["| nf_course / fastest other library | training step | `log_prob` | `sample` |", "| --- " * 4 + "|"]
    for of_workload in workloads.values():
        for ending in ("", "_channels_last"):
            tasks = [of_workload["summary"][task] for task in TASKS]
            if all(f"ours_against_it{ending}" in task for task in tasks):
                cells = [
                    f"{task[f'ours_against_it{ending}']['median']:.2f} x {task[f'fastest_other{ending}'].split()[0]}"
                    for task in tasks
                ]
                lines.append(f"| {of_workload['model']}{ending.replace('_', ' ')} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def machine() -> dict:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return {
        "cpu": names[0] if names else platform.processor(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "load_at_start": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
    }


def versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in ("torch", "numpy", OURS, *(name for name in MODULES if name not in (FLOOR, OURS))):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.compare",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    libraries = [name for name in MODULES if name != FLOOR]
    parser.add_argument("--rounds", type=int, default=60, help="how often every library is timed (default 60)")
    parser.add_argument("--workloads", nargs="+", choices=WORKLOADS, default=list(WORKLOADS), metavar="W")
    parser.add_argument("--libraries", nargs="+", choices=libraries, default=libraries, metavar="LIBRARY")
    parser.add_argument("--threads", type=int, default=1, help="torch's threads (default 1)")
    parser.add_argument("--slice", type=float, default=0.01, help="seconds for one timing (default 0.01)")
    parser.add_argument("--out", type=Path, help="a JSON file for the result, the machine and the versions")
    args = parser.parse_args()
    if args.rounds < 2:
        parser.error("--rounds: at least 2, for quartiles")

    warnings.filterwarnings("ignore", r"torch\.(lu|triangular_solve) is deprecated")  # normflows and nflows call them
    torch.set_num_threads(args.threads)
    record = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": machine(),
        "versions": versions(),
        "settings": {
            "rounds": args.rounds,
            "slice_s": args.slice,
            "threads": args.threads,
            "clock": clock_name(),
            "dtype": "float32",
            "optimizer": "Adam, fused",
        },
        "workloads": {},
    }
    for name in args.workloads:
        workload = WORKLOADS[name]
        peers = models(workload, args.libraries)
        assert_same(workload, peers)
        times = measure(workload, peers, args.rounds, args.slice)
        print(table(workload, times), end="\n\n", flush=True)
        record["workloads"][name] = {
            "model": str(workload),
            "parameters": parameters(workload.flow()),
            "differences": {name: peer.difference for name, peer in peers.items() if peer.difference},
            "summary": summary(times),
            "memory": memory(workload, peers),
            "median_ms": {
                task: {library: round(1e3 * statistics.median(of_task[library]), 4) for library in of_task}
                for task, of_task in times.items()
            },
        }
    if args.out:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(json.dumps(record, indent=1) + "\n")
        print(f"written to {args.out}")


if __name__ == "__main__":
    main()
