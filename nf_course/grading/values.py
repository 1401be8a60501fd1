"""Is what came back a tensor of the right shape, dtype and device, and finite? Each no has its own friendly words."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import Tensor

from nf_course.grading.compare import NUMBERS, PLAIN, arrays, readable
from nf_course.grading.exercise import Finding

__all__ = ["STAGES"]


def _pairs(value: Any, want: Any, names: tuple[str, ...]):
    """(name, item, wanted item) for each output; the name only where there are several."""
    if isinstance(want, tuple):
        return [(name.split(",")[0].split(" (")[0], v, w) for name, v, w in zip(names, value, want, strict=True)]
    return [("", value, want)]


def type_of(value: Any, want: Any, names: tuple[str, ...]) -> Finding | None:
    """A tensor, or the right number of them. A Python number does where one number is wanted."""
    if isinstance(want, tuple):
        expected = f"{len(want)} results, ({', '.join(names)})"
        if not isinstance(value, (tuple, list)):
            likely = f"return {'both' if len(want) == 2 else f'all {len(want)}'}, with a comma between them"
            return Finding("type", expected, f"one {_kind(value)}", likely=likely)
        if len(value) != len(want):
            likely = f"return these {len(want)} and no more" if len(value) > len(want) else "one of them is missing"
            return Finding("type", expected, f"{len(value)} results", likely=likely)
    for name, item, wanted in _pairs(value, want, names):
        finding = _tensor(name, item, wanted)
        if finding:
            return finding
    return None


_TUPLE = "one tensor is wanted: is there a comma too many, a pair to unpack, or a second result?"


def _tensor(name: str, item: Any, wanted: Any) -> Finding | None:
    label = f" for {name}" if name else ""
    expected = f"a torch.Tensor{label}"
    one_number = not isinstance(wanted, Tensor) or wanted.ndim == 0
    if type(item) in PLAIN:
        if not readable(item):
            return Finding("type", f"an ordinary, dense tensor{label}", f"a {item.layout} tensor on {item.device}")
        if item.is_complex() and not isinstance(wanted, Tensor):  # a dtype of its own has only what is no tensor
            return Finding("type", f"a real number{label}", "a complex one", likely="take its .real, or its .abs()")
        return None
    if isinstance(item, (bool, np.bool_)):
        return Finding("type", expected, "True or False: the result of a comparison")
    if one_number and type(item) in NUMBERS:
        return None
    likely = {
        list: "a list: put tensors together with torch.stack or torch.cat",
        np.ndarray: "stay with torch: NumPy arrays carry no gradient and do not live on a GPU",
        float: "a Python number: one result for each row of the batch is wanted",
        int: "a Python number: one result for each row of the batch is wanted",
    }.get(type(item), "")
    if isinstance(item, tuple):
        likely = _TUPLE
    elif isinstance(item, Tensor):
        likely = "a subclass of Tensor: return an ordinary tensor"
    elif isinstance(item, (np.ndarray, np.generic)):
        likely = "stay with torch: NumPy arrays carry no gradient and do not live on a GPU"
    elif callable(item):
        likely = "a function is returned, not its result: call it"
    return Finding("type", expected, f"a {_kind(item)}", likely=likely)


def _kind(value: Any) -> str:
    if isinstance(value, (tuple, list)):
        return f"{type(value).__name__} of {len(value)}"
    if isinstance(value, np.ndarray):
        return f"NumPy array of shape {value.shape}"
    return type(value).__name__


def shape_of(value: Any, want: Any, names: tuple[str, ...]) -> Finding | None:
    for name, item, wanted in _pairs(value, want, names):
        got, right = _shape(item), _shape(wanted)
        if got == right:
            continue
        label = f"{name} of " if name else ""
        return Finding("shape", f"{label}shape {right}", f"shape {got}", likely=_why_shape(got, right))
    return None


def _why_shape(got: tuple[int, ...], right: tuple[int, ...]) -> str:
    if got == (*right, 1):
        where = "last dimension" if right else "dimension"
        return f"keepdim=True, or a missing {'[:, 0]' if right else '[0]'}: the result has no {where} of size 1"
    if got == (1, *right):
        return "a dimension of size 1 in front: take [0], or leave out an unsqueeze or [None]"
    if right[:1] == (1,) and got == tuple(size for size in right if size != 1):
        return "a batch of one is lost: squeeze() drops every dimension of size 1, squeeze(1) that one only"
    if got == () and right:
        return "everything was summed or averaged, the batch too: one number for each row is wanted"
    if not right:
        return "one number is wanted: a sum, a mean or a product is missing"
    if len(right) == 1 and right[0] > 1 and got == right * 2:
        return "(N, 1) met (N,) and became (N, N): is there a keepdim=True or an unsqueeze too many?"
    if got[:-1] == right:
        summed = "features (dim 1)" if len(right) == 1 else f"last dimension (dim {len(right)})"
        return f"a sum over the {summed} is missing"
    if len(got) == 2 and got == right[::-1]:
        return "the result is transposed"
    return ""


def dtype_of(value: Any, want: Any, names: tuple[str, ...]) -> Finding | None:
    for name, item, wanted in _pairs(value, want, names):
        if not isinstance(item, Tensor) or not isinstance(wanted, Tensor):
            continue
        label = f" for {name}" if name else ""
        if item.device != wanted.device:
            likely = "make new tensors with device=x.device"
            return Finding("dtype", f"a tensor on {wanted.device}{label}", f"one on {item.device}", likely=likely)
        integer = not item.is_floating_point() and not item.is_complex()
        if item.dtype != wanted.dtype and not (integer and wanted.ndim == 0 and wanted == wanted.round()):
            likely = "the result keeps the dtype of the input: make new tensors with dtype=x.dtype"
            return Finding("dtype", f"{wanted.dtype}{label}, as the input", str(item.dtype), likely=likely)
    return None


def finite(value: Any, want: Any, names: tuple[str, ...]) -> Finding | None:
    for name, item, _ in _pairs(value, want, names):
        (numbers,) = arrays(item)
        bad = ~np.isfinite(numbers)
        if bad.any():
            nan, infinity = bool(np.isnan(numbers).any()), bool(np.isinf(numbers).any())
            kind = " and ".join(["NaN"] * nan + ["infinity"] * infinity)
            expected = f"finite numbers{' for ' + name if name else ''}"
            likely = "a log of zero, a division by zero, or an overflow, as of a long product"
            if nan:
                likely = (
                    "a log of something negative, 0 / 0, or infinity minus infinity: log 0 - log 0 is -inf - (-inf)"
                )
            return Finding("finite", expected, f"{kind} in {int(bad.sum())} of {bad.size}", likely=likely)
    return None


def _shape(item: Any) -> tuple[int, ...]:
    return tuple(item.shape) if isinstance(item, Tensor) else ()


STAGES = (type_of, shape_of, dtype_of, finite)  # in this order, each over all cases
