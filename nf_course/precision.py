"""mixed_precision: the networks of a flow compute in half precision, its maps and log-determinants do not.

theta = net(kept) in bfloat16;  z_moved = exp(log_scale) * x_moved + shift and ladj = sum log_scale in float32.
Chapter 8.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from nf_course.conditioners import MLP, ConvNet

__all__ = ["mixed_precision"]


@contextmanager
def mixed_precision(flow: nn.Module, dtype: torch.dtype = torch.bfloat16) -> Iterator[nn.Module]:
    """Inside the block every `MLP` and `ConvNet` of `flow` runs under autocast, and gives its output back in float32.

    The networks are where the time goes, and they may be inexact: a flow is invertible whatever they compute. A sum
    of many log-scales may not, so everything else stays in the weights' own precision. `encode` and `decode` agree
    only if both run inside the block, or both outside. Pays on GPUs with bfloat16 units; on a CPU it is for tests.
    Errors: `TypeError` for anything but a half-precision dtype.

    >>> from nf_course import models
    >>> flow = models.glow((1, 8, 8), steps=1, hidden=8).eval()
    >>> with mixed_precision(flow):
    ...     log_prob = flow.log_prob(torch.zeros(2, 1, 8, 8))
    >>> log_prob.dtype
    torch.float32
    """
    if dtype not in (torch.bfloat16, torch.float16):
        raise TypeError(f"mixed_precision: expected torch.bfloat16 or torch.float16, got {dtype}")
    networks = [module for module in flow.modules() if isinstance(module, MLP | ConvNet)]

    def in_half(forward):
        def run(kept, context=None):
            with torch.autocast(kept.device.type, dtype):
                theta = forward(kept, context)
            return theta.to(kept.dtype)

        return run

    before = [vars(network).get("forward") for network in networks]  # another block's, if this one is inside it
    for network in networks:
        network.forward = in_half(network.forward)  # on the object, over its class's own
    try:
        yield flow
    finally:
        for network, outer in zip(networks, before):
            del network.forward
            if outer is not None:
                network.forward = outer
