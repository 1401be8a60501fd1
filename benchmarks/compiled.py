"""torch.compile on nf_course itself: a training step compiled, against the same step as it is and against the floor.

    python -m benchmarks.compiled --out benchmarks/results/compiled.json

Taken in turn, ratios within a round, as in `compare`. Compiling costs once; what it gains a step says when it has paid.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import statistics
import time
from datetime import UTC, datetime
from pathlib import Path

import torch

from benchmarks.compare import calls, clock_name, machine, parameters, ratio, seconds, versions
from benchmarks.peers import FLOOR, OURS, build
from benchmarks.workloads import WORKLOADS, Workload

COMPILED = f"{OURS} compiled"


def measure(workload: Workload, rounds: int, slice_s: float) -> dict:
    """Times of a training step, and the seconds that compiling took (that of the first step)."""
    flow = workload.flow()
    peers = {FLOOR: build(FLOOR, workload, copy.deepcopy(flow)), OURS: build(OURS, workload, copy.deepcopy(flow))}
    peers[COMPILED] = build(OURS, workload, copy.deepcopy(flow))
    peers[COMPILED].model.compile(fullgraph=True)  # flow(x) is compiled; log_prob is called through it
    peers[COMPILED].log_prob = lambda x, context: peers[COMPILED].model(x, context)
    steps = {name: calls(workload, peer)["train"] for name, peer in peers.items()}
    started, clock = time.perf_counter(), time.process_time()
    steps[COMPILED]()
    compiling, busy = time.perf_counter() - started, time.process_time() - clock
    for step in steps.values():
        seconds(step, repeats=3)
    repeats = max(1, math.ceil(slice_s / seconds(steps[FLOOR], repeats=3)))
    times: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(rounds):
        for name, step in steps.items():
            times[name].append(seconds(step, repeats))
    eager, compiled = (statistics.median(times[name]) for name in (OURS, COMPILED))
    return {
        "model": str(workload),
        "parameters": parameters(flow),
        "compiled_against_floor": ratio(times, COMPILED, FLOOR),
        "compiled_against_eager": ratio(times, COMPILED, OURS),
        "eager_against_floor": ratio(times, OURS, FLOOR),
        "compile_s": round(compiling, 1),
        "compile_processor_s": round(busy, 1),
        "pays_after_steps": math.ceil(compiling / (eager - compiled)) if compiled < eager else None,
        "median_ms": {name: round(1e3 * statistics.median(of), 4) for name, of in times.items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.compiled",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--workloads", nargs="+", choices=WORKLOADS, default=["W1", "W2", "W5"], metavar="W")
    parser.add_argument("--slice", type=float, default=0.01, help="seconds for one timing (default 0.01)")
    parser.add_argument("--out", type=Path, help="a JSON file for the result, the machine and the versions")
    args = parser.parse_args()
    if args.rounds < 2:
        parser.error("--rounds: at least 2, for quartiles")
    torch.set_num_threads(1)
    torch._inductor.config.force_disable_caches = True  # or a second run would report what a first one has paid
    settings = {"rounds": args.rounds, "slice_s": args.slice, "threads": 1, "clock": clock_name()}
    record = {"date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"), "machine": machine(), "versions": versions()}
    record |= {"settings": settings | {"dtype": "float32", "optimizer": "Adam, fused", "backend": "inductor"}}
    record["workloads"] = {}
    for name in args.workloads:
        found = record["workloads"][name] = measure(WORKLOADS[name], args.rounds, args.slice)
        against = [found[key]["median"] for key in ("compiled_against_floor", "compiled_against_eager")]
        pays = found["pays_after_steps"]
        after = f"pays after {pays} steps" if pays else "does not pay"
        print(f"{name}: {against[0]:.2f} x floor, {against[1]:.2f} x eager, {found['compile_s']} s to compile, {after}")
    if args.out:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(json.dumps(record, indent=1) + "\n")
        print(f"written to {args.out}")


if __name__ == "__main__":
    main()
