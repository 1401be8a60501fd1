"""What a check hands to an answer besides tensors: small networks, couplings and densities.

Each part is a frozen record of tensors and plain values, and nothing else. So it can be copied for every call, can be
asked which of its tensors a gradient reached, and can be rebuilt from its name and its tensors in another process.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

__all__ = [
    "BadInput",
    "Base",
    "ContextLayer",
    "Coupling",
    "Decoder",
    "Density",
    "Field",
    "Itself",
    "Kept",
    "Layer",
    "Net",
    "Part",
    "Undoable",
    "map_tensors",
    "tensors_in",
]


class BadInput(ValueError):
    """A part was called with something that it cannot take. The message says what it takes."""


class Part:
    """The common base of all parts, by which copies and searches know them."""


def _need(ok: bool, message: str) -> None:
    if not ok:
        raise BadInput(message)


def _shape(value: Any) -> str:
    return str(tuple(value.shape)) if isinstance(value, Tensor) else type(value).__name__


@dataclass(frozen=True, eq=False)
class Net(Part):
    """A small network, (N, features) -> (N, outputs): `amplitude * tanh(kept @ weight.T + bias [+ context])`."""

    name: str
    weight: Tensor  # (outputs, features)
    bias: Tensor  # (outputs,)
    context_weight: Tensor | None = None  # (outputs, K)
    amplitude: float = 1.0

    def __call__(self, kept: Tensor, context: Tensor | None = None) -> Tensor:
        features = self.weight.shape[1]
        fits = isinstance(kept, Tensor) and kept.ndim == 2 and kept.shape[1] == features
        _need(fits, f"{self.name} takes {features} features, (N, {features}), and was given {_shape(kept)}")
        hidden = kept @ self.weight.T + self.bias
        if self.context_weight is not None:
            _need(isinstance(context, Tensor), f"{self.name} needs the context, and was given none")
            hidden = hidden + context @ self.context_weight.T
        return self.amplitude * torch.tanh(hidden)

    def __repr__(self) -> str:
        return self.name


@dataclass(frozen=True, eq=False)
class Coupling(Part):
    """An affine coupling that needs a context: `encode(x, context) -> (z, ladj)`, and `decode` likewise."""

    name: str
    mask: Tensor  # (D,), True where kept
    scale_net: Net
    shift_net: Net

    def encode(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        log_scale, shift = self._log_scale_and_shift(x, context)
        z = x.clone()
        z[:, ~self.mask] = torch.exp(log_scale) * x[:, ~self.mask] + shift
        return z, log_scale.sum(1)

    def decode(self, z: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        log_scale, shift = self._log_scale_and_shift(z, context)
        x = z.clone()
        x[:, ~self.mask] = (z[:, ~self.mask] - shift) * torch.exp(-log_scale)
        return x, -log_scale.sum(1)

    def _log_scale_and_shift(self, x: Tensor, context: Tensor | None) -> tuple[Tensor, Tensor]:
        features = len(self.mask)
        fits = isinstance(x, Tensor) and x.ndim == 2 and x.shape[1] == features
        _need(fits, f"{self.name} takes a tensor (N, {features}), and was given {_shape(x)}")
        _need(isinstance(context, Tensor), f"{self.name} expects a context (N, K), and was given none")
        return self.scale_net(x[:, self.mask], context), self.shift_net(x[:, self.mask], context)

    def __repr__(self) -> str:
        return self.name


@dataclass(frozen=True, eq=False)
class Decoder(Part):
    """A flow's way from latent to data, (N, D) -> ((N, D), (N,)): x = asinh(A z + b), with its ladj."""

    name: str
    matrix: Tensor  # (D, D)
    offset: Tensor  # (D,)

    def __call__(self, z: Tensor) -> tuple[Tensor, Tensor]:
        features = len(self.offset)
        fits = isinstance(z, Tensor) and z.ndim == 2 and z.shape[1] == features
        _need(fits, f"{self.name} takes latents of shape (N, {features}), and was given {_shape(z)}")
        _need(z.is_floating_point(), f"{self.name} takes floating-point latents, and was given {z.dtype}")
        y = z @ self.matrix.to(z).T + self.offset.to(z)
        log_det = torch.linalg.slogdet(self.matrix)[1].to(z)
        return torch.asinh(y), log_det - 0.5 * torch.log1p(y.square()).sum(1)

    def latents(self, x: Tensor) -> Tensor:
        """The z that x came from: the check's own way back."""
        return torch.linalg.solve(self.matrix, (torch.sinh(x.to(self.matrix)) - self.offset).T).T

    def __repr__(self) -> str:
        return self.name


@dataclass(frozen=True, eq=False)
class Field(Part):
    """A velocity, (t, (N, ...)) -> (N, ...): `amplitude * tanh(x @ weight.T + t * pace + bias)`, row by row.

    t is one number, or (N,); `divergence(t, x)` is tr(df/dx), (N,). With a `shape`, rows of x have that one and no
    other. Images whose channels come last in memory give such images.
    """

    name: str
    weight: Tensor  # (F, F), F numbers in a row of x
    pace: Tensor  # (F,)
    bias: Tensor  # (F,)
    amplitude: float = 1.0
    shape: tuple[int, ...] | None = None

    def __call__(self, t: float | Tensor, x: Tensor) -> Tensor:
        velocity = (self.amplitude * self._tanh(t, x, self.name)).reshape(x.shape)
        last = x.ndim == 4 and x.is_contiguous(memory_format=torch.channels_last)
        return velocity.contiguous(memory_format=torch.channels_last) if last else velocity

    def divergence(self, t: float | Tensor, x: Tensor) -> Tensor:
        slope = 1 - self._tanh(t, x, f"{self.name}.divergence").square()
        return self.amplitude * slope @ self.weight.diagonal()

    def _tanh(self, t: float | Tensor, x: Tensor, name: str) -> Tensor:
        numbers = len(self.bias)
        fits = isinstance(x, Tensor) and x.ndim > 0 and x[:1].numel() == numbers
        _need(fits, f"{name}(t, x) takes {numbers} number(s) in each row of x, and was given {_shape(x)}")
        if self.shape is not None:
            whole = f"(N, {', '.join(map(str, self.shape))})"
            _need(x.shape[1:] == self.shape, f"{name}(t, x) takes x of shape {whole}, and was given {_shape(x)}")
        rows = x.reshape(len(x), numbers)
        if isinstance(t, Tensor) and t.ndim:
            _need(
                t.shape == (len(x),),
                f"{name}(t, x) takes one number for t, or ({len(x)},) here, and was given {_shape(t)}",
            )
            t = t[:, None]  # (N, 1)
        return torch.tanh(rows @ self.weight.T + t * self.pace + self.bias)

    def __repr__(self) -> str:
        return self.name


@dataclass(frozen=True, eq=False)
class Itself(Part):
    """The velocity x, `lambda t, x: x`: what it returns is the very tensor that it was given."""

    name: str

    def __call__(self, t: float | Tensor, x: Tensor) -> Tensor:
        return x

    def __repr__(self) -> str:
        return self.name


@dataclass(frozen=True, eq=False)
class Kept(Part):
    """The same velocity everywhere and always: what it returns is a tensor that it keeps."""

    name: str
    velocity: Tensor

    def __call__(self, t: float | Tensor, x: Tensor) -> Tensor:
        fits = isinstance(x, Tensor) and x.shape == self.velocity.shape
        _need(fits, f"{self.name}(t, x) takes x of shape {tuple(self.velocity.shape)}, and was given {_shape(x)}")
        return self.velocity

    def __repr__(self) -> str:
        return self.name


@dataclass(frozen=True, eq=False)
class Layer(Part):
    """A curved layer, z = asinh(A x + b): `encode(x) -> (z, ladj)` and `decode(z) -> (x, ladj)`, both (N, D)."""

    name: str
    matrix: Tensor  # (D, D)
    offset: Tensor  # (D,)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        self._check(x, "encode")
        y = x @ self.matrix.T + self.offset
        return torch.asinh(y), self._ladj(y)

    def decode(self, z: Tensor) -> tuple[Tensor, Tensor]:
        self._check(z, "decode")
        y = torch.sinh(z)
        return torch.linalg.solve(self.matrix, (y - self.offset).T).T, -self._ladj(y)

    def _ladj(self, y: Tensor) -> Tensor:
        return torch.linalg.slogdet(self.matrix)[1] - 0.5 * torch.log1p(y.square()).sum(1)

    def _check(self, x: Tensor, direction: str) -> None:
        features = len(self.offset)
        fits = isinstance(x, Tensor) and x.ndim == 2 and x.shape[1] == features
        _need(fits, f"{self.name}.{direction} takes a tensor (N, {features}), and was given {_shape(x)}")

    def __repr__(self) -> str:
        return self.name


@dataclass(frozen=True, eq=False)
class Undoable(Layer):
    """A `Layer` of a stack that is undone with little memory: `encode` takes a point with no graph behind it, and
    looks whether the points that layers of this stack were given before are still held.
    """

    MOST = 3  # the point in hand, the one before, and one more out of courtesy

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        self._check(x, "encode")
        behind = (
            "encode takes a point with no graph behind it, x.detach().requires_grad_(): a graph would keep all layers"
        )
        _need(x.grad_fn is None, behind)
        with contextlib.suppress(RuntimeError, NotImplementedError):  # inside torch.func a tensor has no storage
            _POINTS.append((weakref.ref(self), weakref.ref(x.untyped_storage())))
        # of layers that are still there, so that what an earlier call has returned does not count
        held = {id(storage()): (layer, storage) for layer, storage in _POINTS if layer() and storage() is not None}
        _POINTS[:] = held.values()
        many = f"encode found the points of {len(held)} layers still held: keep none but the one in hand"
        _need(len(held) <= self.MOST, many)
        return super().encode(x)


_POINTS: list[tuple[weakref.ref, weakref.ref]] = []


@dataclass(frozen=True, eq=False)
class ContextLayer(Part):
    """A curved layer that needs a context, z = asinh(A x + B c + b): its ladj differs at x and at z."""

    name: str
    matrix: Tensor  # (D, D)
    context_weight: Tensor  # (D, K)
    offset: Tensor  # (D,)

    def encode(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        return self._given(x, context).encode(x)

    def decode(self, z: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        return self._given(z, context).decode(z)

    def _given(self, x: Tensor, context: Tensor | None) -> _LayerOfRows:
        features, wanted = self.context_weight.shape
        fits = isinstance(x, Tensor) and x.ndim == 2 and x.shape[1] == features
        _need(fits, f"{self.name} takes a tensor (N, {features}), and was given {_shape(x)}")
        fits = isinstance(context, Tensor) and context.ndim == 2 and context.shape[1] == wanted
        _need(fits, f"{self.name} expects a context (N, {wanted}), and was given {_shape(context)}")
        return _LayerOfRows(self.name, self.matrix, self.offset + context @ self.context_weight.T)

    def __repr__(self) -> str:
        return self.name


class _LayerOfRows(Layer):
    """A `Layer` whose offset is another one in each row, (N, D)."""

    def _check(self, x: Tensor, direction: str) -> None:
        pass  # done where it was made


@dataclass(frozen=True, eq=False)
class Base(Part):
    """Independent Student-t variables, each with its degrees of freedom: `log_prob(z)`, (N, D) -> (N,)."""

    name: str
    df: Tensor  # (D,)

    def log_prob(self, z: Tensor) -> Tensor:
        fits = isinstance(z, Tensor) and z.ndim == 2 and z.shape[1] == len(self.df)
        _need(fits, f"{self.name}.log_prob takes latents of shape (N, {len(self.df)}), and was given {_shape(z)}")
        half = (self.df + 1) / 2
        constant = torch.lgamma(half) - torch.lgamma(self.df / 2) - 0.5 * torch.log(math.pi * self.df)
        return (constant - half * torch.log1p(z.square() / self.df)).sum(1)

    def __repr__(self) -> str:
        return self.name


@dataclass(frozen=True, eq=False)
class Density(Part):
    """A mixture of Gaussians in the plane, (M, 2) -> (M,), whose total mass is `mass` (not always 1, on purpose)."""

    name: str
    means: Tensor  # (K, 2)
    scales: Tensor  # (K, 2)
    weights: Tensor  # (K,), sum to one
    mass: float

    def __call__(self, points: Tensor) -> Tensor:
        fits = isinstance(points, Tensor) and points.ndim == 2 and points.shape[1] == 2
        _need(fits, f"{self.name} takes points of shape (M, 2), and was given {_shape(points)}")
        u = (points[:, None] - self.means) / self.scales  # (M, K, 2)
        terms = -0.5 * u.square().sum(2) - torch.log(self.scales).sum(1) - math.log(2 * math.pi)
        return torch.logsumexp(terms + torch.log(self.weights), 1) + math.log(self.mass)

    def __repr__(self) -> str:
        return self.name


def map_tensors(change: Callable[[Tensor], Tensor], value: Any) -> Any:
    """The same value with every tensor in it replaced: inside parts, tuples and lists. Generators are copied."""
    if isinstance(value, Tensor):
        return change(value)
    if isinstance(value, torch.Generator):
        return torch.Generator(device=value.device).set_state(value.get_state())
    if isinstance(value, Part):
        fields = {f.name: map_tensors(change, getattr(value, f.name)) for f in dataclasses.fields(value)}
        return type(value)(**fields)
    if isinstance(value, (tuple, list)):
        return type(value)(map_tensors(change, item) for item in value)
    return value


def tensors_in(value: Any) -> list[Tensor]:
    """Every tensor inside a value, in a fixed order."""
    found: list[Tensor] = []
    map_tensors(lambda tensor: (found.append(tensor), tensor)[1], value)
    return found
