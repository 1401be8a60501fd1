"""The checks of what goes into a bijection: each error says what was expected and what came.

They look at shapes and dtypes only, which costs about a microsecond; values are looked at once, in `Flow`.
Chapter 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

__all__ = ["expect_context", "expect_features", "expect_finite", "expect_floating", "expect_shape"]


def _words(shape: Sequence[int | None]) -> str:
    return "(" + ", ".join(["N", *("any" if size is None else str(size) for size in shape)]) + ")"


def expect_floating(x: Tensor, who: str) -> None:
    """Raise `TypeError` unless `x` is a tensor of floating-point numbers with a batch dimension."""
    if not isinstance(x, Tensor):
        raise TypeError(f"{who}: expected a torch.Tensor, got {type(x).__name__}; wrap it in torch.as_tensor(...)")
    if not x.is_floating_point():
        raise TypeError(
            f"{who}: expected floating-point numbers, got {x.dtype}; "
            "use x.float(), or put Dequantize() first if these are counts or pixels"
        )
    if x.ndim < 2:
        raise ValueError(
            f"{who}: expected a batch, (N, ...features), got shape {tuple(x.shape)}; "
            "for one sample use x[None], for scalars x[:, None]"
        )


def expect_shape(x: Tensor, shape: Sequence[int | None], who: str) -> None:
    """Raise unless `x` has shape `(N, *shape)`; `None` in `shape` stands for any size."""
    expect_floating(x, who)
    got = x.shape[1:]
    if len(got) != len(shape) or any(want is not None and want != size for want, size in zip(shape, got)):
        raise ValueError(f"{who}: expected shape {_words(shape)}, got {tuple(x.shape)}")


def expect_features(x: Tensor, features: int, who: str) -> None:
    """Raise unless `x` is `(N, features, ...)`: any number of further dimensions."""
    expect_floating(x, who)
    if x.shape[1] != features:
        raise ValueError(f"{who}: expected {features} features in dim 1, got shape {tuple(x.shape)}")


def expect_context(context: Tensor | None, features: int, batch: int, who: str) -> None:
    """Raise unless `context` is `(batch, features)` or `(batch, features, H, W)`."""

    def wanted() -> str:  # made only where it is needed: a size in words would fix it in a compiled graph
        return f"expected a context of shape ({batch}, {features}) or ({batch}, {features}, H, W)"

    if context is None:
        raise ValueError(f"{who}: {wanted()}, got none; pass context=...")
    if not isinstance(context, Tensor) or not context.is_floating_point():
        got = context.dtype if isinstance(context, Tensor) else type(context).__name__
        raise TypeError(f"{who}: {wanted()} of floating-point numbers, got {got}")
    if context.ndim not in (2, 4) or context.shape[1] != features:
        raise ValueError(f"{who}: {wanted()}, got {tuple(context.shape)}")
    if context.shape[0] != batch:
        raise ValueError(f"{who}: {wanted()}, got {tuple(context.shape)}: {len(context)} contexts for {batch} samples")


def expect_finite(x: Tensor, who: str) -> None:
    """Raise `ValueError` if `x` holds NaN or infinity; says how many, and where the first one is."""
    if not x.is_floating_point() or torch.compiler.is_compiling() or math.isfinite(x.detach().sum().item()):
        return  # a finite sum has finite terms: one pass over the data in the usual case
    bad = ~torch.isfinite(x.detach())
    if bad.any():
        where = tuple(bad.nonzero()[0].tolist())
        raise ValueError(
            f"{who}: expected finite numbers, got {int(bad.sum())} NaN or infinite of {x.numel()}, first at {where}"
        )
