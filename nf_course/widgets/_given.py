"""What a moving figure is given, checked: a flow of the plane, its points and their classes, numbers of any kind.

Each error says what was expected and what came. Used by FlowExplorer, FlowFrames, ImageSliders, PointCloud, live.
"""

from __future__ import annotations

import math
import operator

import torch
from torch import Tensor

from nf_course.expect import expect_finite, expect_shape
from nf_course.flow import Flow, StandardNormal

MOST_SAMPLES = 10_000


def expect_flow(flow: Flow, who: str) -> None:
    """Raise unless this is a flow of the plane, without context."""
    if not isinstance(flow, Flow):
        raise TypeError(f"{who}: expected a Flow, a bijection with its base, got {type(flow).__name__}")
    if flow.context_features:
        raise ValueError(f"{who}: expected a flow without context, got one of {flow.context_features} numbers")
    if type(flow.base) is not StandardNormal or flow.base.shape != (2,):
        got = getattr(flow.base, "shape", "")
        raise ValueError(
            f"{who}: expected a flow of the plane, with the base StandardNormal(2), "
            f"got {type(flow.base).__name__}{'' if got == '' else tuple(got)}"
        )


def points_of(data: Tensor, who: str) -> Tensor:
    """Points of the plane, one or more, on the CPU and as float32: what a page can hold."""
    expect_shape(data, (2,), f"{who} (data)")
    if not len(data):
        raise ValueError(f"{who}: expected at least one point, (n, 2), got shape {tuple(data.shape)}")
    points = data.detach().cpu().float()
    expect_finite(points, f"{who} (data)")
    return points


def classes_of(groups, count: int, who: str) -> Tensor | None:
    """A class for each point, (count,), on the CPU."""
    if groups is None:
        return None
    classes = numbers(groups, who, "a class for each point, as whole numbers")
    if classes.shape != (count,) or classes.is_floating_point() or classes.min() < 0:
        negative = classes.numel() and classes.min() < 0
        raise ValueError(
            f"{who}: expected a class for each of {count} points, as whole numbers from 0, "
            f"got {'negative ones, ' if negative else ''}shape {tuple(classes.shape)} of {classes.dtype}"
        )
    return classes.long()


def how_many(samples: int, who: str, name: str = "samples", least: int = 1) -> int:
    """A number of draws that a page can hold."""
    try:
        count = operator.index(samples)
    except TypeError:
        count = None
    if count is None or isinstance(samples, bool) or not least <= count <= MOST_SAMPLES:
        raise ValueError(f"{who}: expected {name} from {least} to {MOST_SAMPLES}, a whole number, got {samples!r}")
    return count


def amount(value, who: str, name: str, low: float, high: float) -> float:
    """A finite number within bounds, of whatever kind."""
    try:
        number = math.nan if isinstance(value, str) else float(value)
    except (TypeError, ValueError, RuntimeError):
        number = math.nan
    if not low <= number <= high:
        raise ValueError(f"{who}: expected {name} from {low:g} to {high:g}, got {value!r}")
    return number


def numbers(values, who: str, what: str) -> Tensor:
    """A tensor, an array or a list as a tensor on the CPU, without gradient."""
    try:
        if not isinstance(values, Tensor) and hasattr(values, "__array__"):
            values = values.__array__().copy()  # torch knows no negative strides
        tensor = torch.as_tensor(values).detach().cpu()
    except (TypeError, ValueError, RuntimeError) as error:
        reason = str(error).partition("\n")[0]
        got = type(values).__name__
        raise TypeError(f"{who}: expected {what}, in a tensor, an array or a list, got {got}: {reason}") from None
    if tensor.is_complex():
        raise TypeError(f"{who}: expected {what}, got {tensor.dtype}; take its real part, or its size")
    return tensor
