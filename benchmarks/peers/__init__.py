"""One module for each library: `build(workload, flow)` gives a `Peer` with the weights of the nf_course flow.

Where a library accepts any network it gets the same `nn.Sequential`. Where its own scale function differs from
2 tanh(a/2), the place it offers for another one is used, with as few operations as it allows.
"""

from __future__ import annotations

from importlib import import_module

from benchmarks.peers.peer import Peer, Unsupported

__all__ = ["FLOOR", "MODULES", "OURS", "Peer", "Unsupported", "build"]

FLOOR, OURS = "floor", "nf_course"
MODULES = {
    FLOOR: "floor",
    OURS: "ours",
    "FrEIA": "freia",
    "zuko": "zuko",
    "normflows": "normflows",
    "nflows": "nflows",
}


def build(name: str, workload, flow) -> Peer:
    """The workload's model in the library of this name, with the weights of `flow`; `Unsupported` says why not."""
    return import_module(f"benchmarks.peers.{MODULES[name]}").build(workload, flow)
