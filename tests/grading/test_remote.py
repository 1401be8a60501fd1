"""The tests of an answer do not need its process: with only JSON and raw bytes in between, the verdicts are the same."""

import dataclasses
import json

import numpy as np
import pytest
import torch

from nf_course.grading import parts
from nf_course.grading.call import GradientOf, LocalAnswer, Outcome
from nf_course.grading.exercise import Case
from nf_course.grading.verdict import judge
from tests.grading.tables import EXERCISES, RIGHT, WRONG


def pack(value, blobs):
    """Plain JSON, with every tensor as a number: the place of its bytes in `blobs`."""
    if isinstance(value, torch.Tensor):
        blobs.append(value.detach().cpu().contiguous().numpy().tobytes())
        last = value.ndim == 4 and value.is_contiguous(memory_format=torch.channels_last)
        dtype = str(value.dtype).removeprefix("torch.")
        return {"tensor": len(blobs) - 1, "shape": list(value.shape), "dtype": dtype, "channels_last": last}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return pack(torch.from_numpy(value), blobs)
    if isinstance(value, torch.Generator):
        return {"generator": pack(value.get_state(), blobs)}
    if isinstance(value, parts.Part):
        fields = {f.name: pack(getattr(value, f.name), blobs) for f in dataclasses.fields(value)}
        return {"part": type(value).__name__, "fields": fields}
    if isinstance(value, (tuple, list)):
        return {"tuple" if isinstance(value, tuple) else "list": [pack(item, blobs) for item in value]}
    return value


def unpack(value, blobs):
    if not isinstance(value, dict):
        return value
    if "tensor" in value:
        array = np.frombuffer(bytearray(blobs[value["tensor"]]), dtype=value["dtype"])
        tensor = torch.from_numpy(array.copy()).reshape(value["shape"])
        return tensor.contiguous(memory_format=torch.channels_last) if value["channels_last"] else tensor
    if "generator" in value:
        return torch.Generator().set_state(unpack(value["generator"], blobs))
    if "part" in value:
        return getattr(parts, value["part"])(**{k: unpack(v, blobs) for k, v in value["fields"].items()})
    if "list" in value:
        return [unpack(item, blobs) for item in value["list"]]
    return tuple(unpack(item, blobs) for item in value["tuple"])


def through(value):
    """To the other side and back."""
    blobs = []
    return unpack(json.loads(json.dumps(pack(value, blobs))), blobs)


class RemoteAnswer:
    """Stands for a worker: what goes in and what comes out is JSON and bytes."""

    def __init__(self, functions):
        self.worker = LocalAnswer(functions)

    def __call__(self, case, *, limit=10.0, watch=False, gradient=None):
        request = GradientOf(gradient.arguments, through(gradient.weights)) if gradient else None
        out = self.worker(Case(through(case.args), case.function), limit=limit, watch=watch, gradient=request)
        return Outcome(
            value=through(out.value),
            error=out.error,
            inputs_changed=out.inputs_changed,
            state_changed=out.state_changed,
            operators=out.operators,
            gradients=None if out.gradients is None else through(out.gradients),
        )


@pytest.mark.parametrize("name", EXERCISES)
def test_same_verdict_from_another_process(name):
    exercise = EXERCISES[name]
    answers = [*RIGHT[name], *(functions for functions, _ in WRONG[name])]
    for functions in answers:
        here = judge(exercise, LocalAnswer(functions), seed=5)
        there = judge(exercise, RemoteAnswer(functions), seed=5)
        assert (here.status, here.finding and here.finding.mistake) == (
            there.status,
            there.finding and there.finding.mistake,
        )
