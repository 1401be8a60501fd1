"""Peer: the four things that are asked of every library's model."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["ChannelsLast", "Peer", "Unsupported"]


class Unsupported(Exception):
    """The library has no such model; the message says what is missing."""


class Peer(nn.Module):
    """A library's model, called as that library's documentation calls it."""

    difference = ""  # in words, where the library cannot hold the model as it is
    fewer = 0  # how many learned parameters that leaves out

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def log_prob(self, x: Tensor, context: Tensor | None) -> Tensor:
        """(N, ...) -> (N,), nats."""
        raise NotImplementedError

    def sample(self, n: int, context: Tensor | None) -> Tensor:
        """n draws, (n, ...); one for each row of the context, where there is one."""
        raise NotImplementedError

    def decode(self, z: Tensor, context: Tensor | None) -> Tensor:
        """Latent, (N, D) in nf_course's order, to data: for the check that `sample` computes the same map."""
        raise NotImplementedError

    def arrange(self, x: Tensor) -> Tensor:
        """The features in the order that the library's model needs to be the same map; its own inverse."""
        return x


class ChannelsLast(Peer):
    """A peer with its weights and its images in channels_last: two lines for a reader, `model.to(...)`, `x.to(...)`."""

    def __init__(self, peer: Peer) -> None:
        super().__init__(peer.to(memory_format=torch.channels_last))
        self.difference, self.fewer = peer.difference, peer.fewer

    def log_prob(self, x, context):
        return self.model.log_prob(x, context)

    def sample(self, n, context):
        return self.model.sample(n, context)

    def decode(self, z, context):
        return self.model.decode(z, context)

    def arrange(self, x):
        return self.model.arrange(x).to(memory_format=torch.channels_last) if x.ndim == 4 else self.model.arrange(x)
