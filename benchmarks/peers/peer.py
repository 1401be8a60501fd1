"""Peer: the four things that are asked of every library's model."""

from __future__ import annotations

from torch import Tensor, nn

__all__ = ["Peer", "Unsupported"]


class Unsupported(Exception):
    """The library has no such model; the message says what is missing."""


class Peer(nn.Module):
    """A library's model, called as that library's documentation calls it."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def log_prob(self, x: Tensor, context: Tensor | None) -> Tensor:
        """(N, D) -> (N,), nats."""
        raise NotImplementedError

    def sample(self, n: int, context: Tensor | None) -> Tensor:
        """n draws, (n, D); one for each row of the context, where there is one."""
        raise NotImplementedError

    def decode(self, z: Tensor, context: Tensor | None) -> Tensor:
        """Latent to data, for the check that `sample` computes the same map."""
        raise NotImplementedError

    def arrange(self, x: Tensor) -> Tensor:
        """The features in the order that the library's model needs to be the same map; its own inverse."""
        return x
