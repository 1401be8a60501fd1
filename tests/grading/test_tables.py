"""Every exercise against its tables: right variants earn all, wrong ones nothing and are called by their name."""

import statistics
import time

import pytest

from nf_course.grading import check
from nf_course.grading.call import LocalAnswer
from nf_course.grading.check import _device
from nf_course.grading.compare import arrays, worst
from nf_course.grading.draw import Draw
from nf_course.grading.exercise import LEVELS
from nf_course.grading.verdict import judge
from tests.grading.tables import EXERCISES, RIGHT, RIGHT_ROWS, WRONG, WRONG_ROWS, label

SEEDS = (1, 2, 0x4F21)
MANY_SEEDS = range(20)
QUICK = 2  # seconds of the processor


def verdict(name, functions, seed):
    return judge(EXERCISES[name], LocalAnswer(tuple(functions)), seed, _device())


@pytest.mark.parametrize("name", EXERCISES)
def test_has_its_tables(name):
    exercise = EXERCISES[name]
    assert len(RIGHT.get(name, ())) >= 3, "at least three right variants"
    named = {mistake for _, mistake in WRONG.get(name, ())}
    own = {mistake.name for mistake in exercise.mistakes}
    assert len(own) >= 3 and own <= named, f"no wrong variant for {own - named}"
    assert named - own <= {"detached", "cost", "in_place"}, "a mistake that no check names"
    messages = [mistake.message for mistake in exercise.mistakes]
    assert len(set(messages)) == len(own), "every mistake has its own message"


@pytest.mark.parametrize("name", EXERCISES)
def test_is_well_formed(name):
    exercise = EXERCISES[name]
    assert exercise.level in LEVELS and 1 <= exercise.points <= 5 and exercise.minutes >= 5
    assert len(exercise.hints) == 3 and all(len(hint.split()) <= 80 for hint in exercise.hints)
    assert exercise.anchor.startswith(f"sec-{name[:2]}-")
    task = exercise.task.replace("\\_", "_")
    assert all(argument in task for argument in exercise.arguments())
    shapes = {str([getattr(arg, "shape", arg) for arg in case.args]) for case in exercise.cases(Draw(0))}
    assert len(shapes) >= 3, "at least three shapes"
    assert all(len(mistake.message) <= 170 for mistake in exercise.mistakes), "two lines of a report"


@pytest.mark.parametrize(("name", "functions"), RIGHT_ROWS, ids=lambda v: v if isinstance(v, str) else label(v))
def test_right_variant_earns_all(name, functions):
    for seed in SEEDS:
        found = verdict(name, functions, seed)
        assert found.status == "right", found


@pytest.mark.parametrize("name", EXERCISES)
def test_model_answer_earns_all_whatever_the_seed(name):
    for seed in MANY_SEEDS:
        found = verdict(name, EXERCISES[name].references, seed)
        assert found.status == "right", (seed, found)


@pytest.mark.parametrize(
    ("name", "functions", "mistake"), WRONG_ROWS, ids=lambda v: v if isinstance(v, str) else label(v)
)
def test_wrong_variant_earns_nothing_and_is_quickly_told_its_name(name, functions, mistake):
    seconds = []
    for seed in SEEDS:
        started = time.process_time()
        found = verdict(name, functions, seed)
        seconds.append(time.process_time() - started)
        assert found.status == "wrong" and found.finding.mistake == mistake, (seed, found)
        assert found.finding.likely
    assert statistics.median(seconds) < QUICK


@pytest.mark.parametrize("name", [name for name, exercise in EXERCISES.items() if not exercise.judge])
def test_margins(name):
    """Over twenty seeds right answers lie within a hundredth of the tolerance, mistakes ten times outside it.

    An answer that computes in float32 from end to end is off by some 1e-7: within a tenth.
    """
    exercise = EXERCISES[name]
    for seed in MANY_SEEDS:
        cases = exercise.cases(Draw(seed, f"{name} cases"))
        right = LocalAnswer(exercise.references)
        wanted = [arrays(right(case).value) for case in cases]
        for (function,) in RIGHT[name]:
            answer = LocalAnswer((function,))
            error = max(worst(arrays(answer(case).value), want) for case, want in zip(cases, wanted))
            assert error <= (0.1 if "in_float32" in function.__name__ else 0.01), (
                f"{function.__name__}, seed {seed}: {error:.2g} of the tolerance"
            )
        for mistake in exercise.mistakes:
            answer = LocalAnswer((mistake.answer,))
            errors = (worst(arrays(answer(case).value), want) for case, want in zip(cases, wanted))
            assert any(error >= 10 for error in errors), f"{mistake.name}, seed {seed}: within ten times the tolerance"


@pytest.mark.parametrize("name", EXERCISES)
def test_a_right_answer_is_quickly_told(name, monkeypatch, tmp_path):
    monkeypatch.setenv("NF_COURSE_PROGRESS_FILE", str(tmp_path / "points.json"))
    started = time.process_time()
    check(name, *EXERCISES[name].references)
    assert time.process_time() - started < QUICK
