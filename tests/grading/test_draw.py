"""The random numbers behind every check: new for each seed and each key, and the same for the same."""

import pytest
import torch

from nf_course.grading.draw import Draw
from tests.grading.tables import EXERCISES

SEEDS = (0, 1, 2, 0x4F21, 2**16, 2**31, 2**32, 2**40 + 1)


def numbers(seed, key=""):
    return tuple(Draw(seed, key).normal(4).tolist())


def test_every_seed_and_every_key_has_numbers_of_its_own():
    pairs = [
        (seed, key) for seed in SEEDS for key in ("", "03.encode cases", "03.encode signature", "04.additive cases")
    ]
    assert len({numbers(*pair) for pair in pairs}) == len(pairs)
    assert all(numbers(*pair) == numbers(*pair) for pair in pairs)


def test_a_seed_and_a_key_do_not_run_together():
    assert len({numbers(1, "1 x"), numbers(11, " x"), numbers(11, "x"), numbers(1, "1x")}) == 4


def tensors(value):
    if isinstance(value, torch.Tensor):
        return [value]
    return [found for each in value for found in tensors(each)] if isinstance(value, list | tuple) else []


@pytest.mark.parametrize("name", EXERCISES)
def test_another_seed_gives_other_inputs(name):
    """So that no answer can hold the right numbers beforehand. Two exercises hand over no tensors."""
    first, second = (
        [tensor for case in EXERCISES[name].cases(Draw(seed, f"{name} cases")) for tensor in tensors(list(case.args))]
        for seed in (1, 2)
    )
    same = [torch.equal(a.double(), b.double()) for a, b in zip(first, second) if a.shape == b.shape]
    assert not first or len(same) < len(first) or not all(same)
