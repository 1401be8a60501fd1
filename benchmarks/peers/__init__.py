"""One module for each library: its `realnvp(workload, flow)` and `glow(workload, flow)` give a `Peer` with the weights
of the nf_course flow.

Where a library accepts any network it gets the same `nn.Sequential`. Where its own scale function differs from
2 tanh(a/2), the place it offers for another one is used, with as few operations as it allows.
"""

from __future__ import annotations

from importlib import import_module

from benchmarks.peers.peer import ChannelsLast, Peer, Unsupported

__all__ = ["CHANNELS_LAST", "FLOOR", "MODULES", "OURS", "Peer", "Unsupported", "build"]

FLOOR, OURS = "floor", "nf_course"
CHANNELS_LAST = " channels_last"  # after a library's name
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
    library = name.removesuffix(CHANNELS_LAST)
    peer = getattr(import_module(f"benchmarks.peers.{MODULES[library]}"), workload.kind)(workload, flow)
    return ChannelsLast(peer) if name != library else peer
