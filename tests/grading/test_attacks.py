"""Attempts to win points, or to break the check, with something other than an answer."""

import sys

import numpy as np
import pytest
import torch

from nf_course.grading import check
from nf_course.grading.draw import Draw
from nf_course.grading.registry import chapters, find

EXERCISES = [exercise for chapter in chapters() for exercise in chapter.exercises]


@pytest.fixture(autouse=True)
def no_file(monkeypatch):
    monkeypatch.setenv("NF_COURSE_PROGRESS_FILE", "off")


def right(x, mask, scale_net, shift_net):
    return scale_net(x[:, mask]).sum(1)


class Agreeable(torch.Tensor):
    """A tensor that agrees with everything."""

    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        return True


class AlwaysEqual:
    def __eq__(self, other):
        return True

    def __hash__(self):
        return 0

    def __getattr__(self, name):
        return self

    def __call__(self, *args, **kwargs):
        return self


class AnyFloat(float):
    def __float__(self):
        raise SystemExit

    def __sub__(self, other):
        return 0.0


class Anything(type):
    def __instancecheck__(cls, other):
        return True


class Pretender(metaclass=Anything):
    __class__ = torch.Tensor


ODD_VALUES = [
    0,
    -1.5,
    float("nan"),
    10**400,
    "x",
    [],
    (),
    {},
    [[]],
    (1, 2),
    [1, 2, 3, 4, 5],
    (None, None),
    (torch.zeros(1), None),
    object(),
    int,
    ValueError("returned, not raised"),
    1j,
    True,
    np.zeros(3),
    np.float32(1),
    torch.zeros(()),
    torch.zeros(0),
    torch.zeros(3, 3),
    torch.zeros(2, dtype=torch.bool),
    torch.zeros(2, dtype=torch.complex64),
    torch.zeros(2, dtype=torch.bfloat16),
    torch.zeros(2).to_sparse(),
    torch.empty(2, device="meta"),
    torch.zeros(1).as_subclass(Agreeable),
    tuple(torch.zeros(1).as_subclass(Agreeable) for _ in range(5)),
    [torch.zeros(3, 3)] * 5,
    AlwaysEqual(),
    [AlwaysEqual()] * 2,
    AnyFloat(1),
    Pretender(),
    (x for x in range(3)),
    torch.Generator(),
    range(10**9),
    "\x1b[31m" * 100,
]


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.id)
def test_odd_values_are_wrong_and_break_nothing(exercise, capsys):
    for value in ODD_VALUES:
        found = check(exercise.id, *[lambda *args, value=value: value] * len(exercise.references))
        assert (found.earned, found.status) == (0, "wrong"), value
        assert found.test != "check", found.lines
        text = capsys.readouterr().out
        assert text.count("\n") <= 12 and "\x1b" not in text


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.id)
def test_inputs_handed_back_earn_nothing(exercise):
    for place in range(len(exercise.arguments())):
        assert check(exercise.id, *[lambda *args, p=place: args[p]] * len(exercise.references)).earned == 0


def test_hard_coded_results_for_a_seen_seed():
    exercise = find("03.logdet")[1]
    seen = {case.args[0].shape: right(*case.args) for case in exercise.cases(Draw(1, "03.logdet cases"))}

    def remembered(x, mask, scale_net, shift_net):
        return seen[x.shape]

    assert check("03.logdet", remembered).earned == 0


@pytest.mark.parametrize(
    "name", ["__eq__", "__ne__", "__le__", "__lt__", "isclose", "allclose", "equal", "any", "all", "__bool__"]
)
def test_patched_comparisons(monkeypatch, name):
    monkeypatch.setattr(torch.Tensor, name, lambda *args, **kwargs: True)
    if hasattr(torch, name):
        monkeypatch.setattr(torch, name, lambda *args, **kwargs: True)
    assert check("03.logdet", lambda *a: -right(*a)).earned == 0


def test_numbers_that_approximate():
    """A derivative by differences is right to eight digits in float64, and shows in float32."""

    def differences(x, a):
        h = 1e-6
        return torch.log((torch.sinh(a * (x + h)) - torch.sinh(a * (x - h))) / (2 * h)).sum(1)

    found = check("01.logdet", differences)
    assert found.earned == 0 and found.test in ("value", "dtype")


def test_cached_buffer_is_no_answer():
    buffer = torch.zeros(17, dtype=torch.float64)

    def reuses(x, mask, scale_net, shift_net):
        buffer[: len(x)] = right(x, mask, scale_net, shift_net).detach()
        return buffer[: len(x)]

    assert check("03.logdet", reuses).earned == 0


def test_displayhook_and_stdout_are_put_back():
    stdout = sys.stdout

    def replaces(*a):
        sys.stdout = None
        return right(*a)

    assert check("03.logdet", replaces).earned == 2, "odd, but the answer is right"
    assert sys.stdout is stdout


def test_answer_cannot_reach_the_model_answers_by_its_arguments():
    """What a call hands over holds tensors and plain values only: nothing that leads back to the exercise."""

    def leaves(value):
        if isinstance(value, (torch.Tensor, str, int, float, torch.Generator, type(None))):
            return
        if type(value) in (tuple, list):
            for inner in value:
                leaves(inner)
            return
        assert type(value).__module__ == "nf_course.grading.parts", value
        for inner in vars(value).values():
            leaves(inner)

    for exercise in EXERCISES:
        for case in exercise.cases(Draw(0)):
            for arg in case.args:
                leaves(arg)
