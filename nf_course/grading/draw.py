"""Random numbers for the cases of a check: every one from a generator of its own, never from torch's global one."""

from __future__ import annotations

import zlib

import torch
from torch import Tensor

from nf_course.grading.parts import Coupling, Net

__all__ = ["Draw", "parity_of"]

_CPU = {"dtype": torch.float64, "device": "cpu"}  # said each time: a learner may have set other defaults


class Draw:
    """Draws float64 tensors on a device from a seed. The same seed gives the same numbers on every device."""

    def __init__(self, seed: int, key: str = "", device: torch.device | str = "cpu") -> None:
        self.device = torch.device(device)
        mixed = zlib.crc32(f"{seed} {key}".encode())  # 32 bits: torch's generator looks at no more of a seed
        self._generator = torch.Generator("cpu").manual_seed(mixed)

    def normal(self, *shape: int) -> Tensor:
        return torch.randn(shape, generator=self._generator, **_CPU).to(self.device)

    def uniform(self, low: float, high: float, *shape: int) -> Tensor:
        unit = torch.rand(shape, generator=self._generator, **_CPU)
        return (low + (high - low) * unit).to(self.device)

    def integer(self, low: int, high: int) -> int:
        """A whole number, low <= n < high."""
        return int(torch.randint(low, high, (), generator=self._generator, device="cpu"))

    def signs(self, n: int) -> Tensor:
        """n signs, +1 or -1, of both kinds if n > 1: an answer that loses them must show it."""
        signs = torch.ones(n, **_CPU)
        signs[: self.integer(1, n) if n > 1 else 0] = -1
        return signs[self._order(n)].to(self.device)

    def permutation(self, n: int, *, parity: int | None = None) -> Tensor:
        """A permutation of range(n) that is not its own inverse (n > 2); with the parity asked for, +1 or -1."""
        while True:
            order = self._order(n)
            if n > 2 and torch.equal(order, order.argsort()):
                continue
            if parity is None or parity_of(order) == parity:
                return order.to(self.device)

    def mask(self, features: int, kept: int) -> Tensor:
        """A mask (D,), True where kept, that starts moved and ends kept, the two mixed in between where they can be.

        So neither part simply comes first: what is joined in the wrong order shows.
        """
        while True:
            order = self._order(features - 2).tolist()
            mask = [False, *(place < kept - 1 for place in order), True]
            if mask != sorted(mask) or min(kept, features - kept) < 2:
                return torch.tensor(mask, device=self.device)

    def rotation(self, n: int) -> Tensor:
        """A random orthogonal matrix."""
        return torch.linalg.qr(self.normal(n, n).cpu())[0].to(self.device)

    def matrix(self, n: int, *, sign: int = 1, scale: float = 1.0) -> Tensor:
        """A well-conditioned n x n matrix whose determinant has this sign; `scale` times it shrinks or grows."""
        matrix = self.rotation(n) @ torch.diag(self.uniform(0.5, 2.0, n)) @ self.rotation(n)
        if torch.linalg.slogdet(matrix)[0] * sign < 0:
            matrix[0] = -matrix[0]
        return scale * matrix

    def net(self, name: str, features: int, outputs: int, *, context: int = 0, amplitude: float = 1.0) -> Net:
        weight = self.normal(outputs, features) / features**0.5
        context_weight = self.normal(outputs, context) if context else None
        return Net(name, weight, self.normal(outputs), context_weight, amplitude)

    def coupling(self, name: str, mask: Tensor, *, context: int) -> Coupling:
        kept, moved = int(mask.sum()), int((~mask).sum())
        scale_net = self.net("scale_net", kept, moved, context=context)
        return Coupling(name, mask, scale_net, self.net("shift_net", kept, moved, context=context, amplitude=2.0))

    def _order(self, n: int) -> Tensor:
        return torch.randperm(n, generator=self._generator, device="cpu")


def parity_of(order: Tensor) -> int:
    """+1 for an even permutation, -1 for an odd one: an even cycle counts -1."""
    order, parity, seen = order.tolist(), 1, set()
    for start in range(len(order)):
        length, place = 0, start
        while place not in seen:
            seen.add(place)
            place, length = order[place], length + 1
        if length and length % 2 == 0:
            parity = -parity
    return parity
