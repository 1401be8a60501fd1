"""The result is right. And the rest: cost, float32, gradient, inputs, the same answer twice, global state."""

from __future__ import annotations

from dataclasses import replace

import torch

from nf_course.grading.call import GradientOf
from nf_course.grading.compare import arrays, worst
from nf_course.grading.exercise import Finding
from nf_course.grading.parts import Part, map_tensors
from nf_course.grading.trial import Call, Trial
from nf_course.grading.values import STAGES

__all__ = ["cost", "global_state", "gradient", "inputs", "same_twice", "single_precision"]


def cost(trial: Trial) -> Finding | None:
    """No operator that the exercise rules out was run, and none more often than it allows."""
    for call in trial.calls:
        for name, reason in trial.exercise.avoid.items():
            used = next((operator for operator in sorted(call.outcome.operators) if name in operator), None)
            if used:
                finding = Finding("cost", "another way", f"the right number, by {used}", likely=reason, mistake="cost")
                return trial.at(call, finding)
        finding = trial.exercise.cost and trial.exercise.cost(call.case, call.outcome.operators)
        if finding:
            return trial.at(call, finding)
    return None


def single_precision(trial: Trial) -> Finding | None:
    """The first call in float32: float32 must come back, as training uses it. (The results above were in float64.)"""
    if trial.exercise.judge:
        return None
    case = replace(trial.calls[0].case, args=tuple(map_tensors(_single, arg) for arg in trial.calls[0].case.args))
    call = Call(case, trial.ask(case), trial.right(case).value)
    trial.others.append(call)
    if call.outcome.error:
        error = call.outcome.error
        text = f"{error.kind}: {error.message}"
        return trial.at(call, Finding("dtype", "an answer for float32 inputs too", text, error.where, error.likely))
    for stage in STAGES:
        finding = stage(call.outcome.value, call.wanted, trial.exercise.returns)
        if finding:
            return trial.at(call, finding)
    if worst(arrays(call.outcome.value), arrays(call.wanted)) > 1000:
        return trial.at(call, Finding("dtype", "the same answer for float32 inputs", "another one"))
    return None


def _single(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.float() if tensor.is_floating_point() else tensor


def gradient(trial: Trial) -> Finding | None:
    """A gradient reaches every argument that it should, and is the right one: a part of it cut off shows as well."""
    for index, call in enumerate(trial.calls):
        names = trial.exercise.arguments(call.case.function)
        for name in trial.exercise.gradient:
            finding = _gradient_to(trial, call, index, name, names.index(name))
            if finding:
                return trial.at(call, finding)
    return None


def _gradient_to(trial: Trial, call: Call, index: int, name: str, place: int) -> Finding | None:
    outputs = call.wanted if isinstance(call.wanted, tuple) else (call.wanted,)
    draw = trial.draw(f"weights {index}")
    request = GradientOf((place,), tuple(draw.normal(*output.shape) for output in outputs))
    right = trial.right(call.case, gradient=request).gradients
    if right is None or all(g is None or not bool(g.any()) for g in right):
        return None
    outcome = trial.ask(call.case, gradient=request)
    expected = f"a gradient that reaches {name}"
    if outcome.error:
        error = outcome.error
        return inputs(trial) or Finding("gradient", expected, f"{error.kind}: {error.message}", likely=error.likely)
    cut = (
        "something cuts it: detach(), .item(), float(...), math.log(...), .data, no_grad, NumPy, "
        "torch.tensor(...) or torch.full(...) of a tensor"
    )
    if outcome.gradients is None or all(g is None for g in outcome.gradients):
        return Finding("gradient", expected, "none", likely=cut, mistake="detached")
    for got, want in zip(outcome.gradients, right, strict=True):
        if want is None:
            continue
        got = torch.zeros_like(want) if got is None else got
        if worst(arrays(got), arrays(want)) > 100:  # a gradient is allowed to be less exact than a value
            return Finding("gradient", expected, "another one, or a part of it", likely=cut, mistake="detached")
    return None


def inputs(trial: Trial) -> Finding | None:
    """The arguments are as they were."""
    for call in trial.calls + trial.others:
        if call.outcome.inputs_changed:
            place = call.outcome.inputs_changed[0]
            name = trial.exercise.arguments(call.case.function)[place]
            likely = f"work on a copy, {name}.clone(): an assignment to {name}[...] changes the caller's tensor"
            if isinstance(call.case.args[place], list):
                likely = f"work on a copy, list({name}): pop, reverse and append change the caller's list"
            elif isinstance(call.case.args[place], Part):
                likely = f"what {name} returned is changed in place, by +=, mul_ and the like: {name} may have kept it"
            finding = Finding("inputs", f"{name} as it was", "changed in place", likely=likely, mistake="in_place")
            return trial.at(call, finding)
    return None


def same_twice(trial: Trial) -> Finding | None:
    """The first call once more. An exercise with a judge of its own says itself whether two calls must agree."""
    if trial.exercise.judge:
        return None
    call = trial.calls[0]
    outcome = trial.ask(call.case)
    if not outcome.error and worst(arrays(outcome.value), arrays(call.outcome.value)) <= 1:
        return None
    likely = "something random, or something remembered from the call before"
    finding = Finding("again", "the same answer twice", "another one", likely=likely, mistake="not_same_twice")
    return trial.at(call, finding)


def global_state(trial: Trial) -> Finding | None:
    """Default dtype, random numbers, grad mode and the like are as before. They have been put back already."""
    for call in trial.calls + trial.others:
        if call.outcome.state_changed:
            what = call.outcome.state_changed[0]
            likely = "a function should leave global settings alone; this one was put back for you"
            if "random numbers" in what:
                likely = "something was drawn from the global generator, or it was seeded; it was put back for you"
            finding = Finding("state", f"{what} as before", "changed", likely=likely, mistake="global_state")
            return trial.at(call, finding)
    return None
