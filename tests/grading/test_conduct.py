"""What an answer does besides giving a result, and results that are no results: each has its own message, and 0 points."""

import contextlib
import math
import random
import sys
import time
import warnings

import numpy as np
import pytest
import torch
from torch import nn

import nf_course as nf
from nf_course.grading import check
from nf_course.grading.borrowed import PACKAGE
from nf_course.grading.registry import chapters
from tests.grading.tables import RIGHT

EXERCISES = [exercise for chapter in chapters() for exercise in chapter.exercises]


@pytest.fixture(autouse=True)
def no_file(monkeypatch):
    monkeypatch.setenv("NF_COURSE_PROGRESS_FILE", "off")


def right(x, mask, scale_net, shift_net):
    return scale_net(x[:, mask]).sum(1)


def result(function, name="03.logdet", **options):
    found = check(name, *(function if isinstance(function, tuple) else (function,)), **options)
    assert len(found.lines) <= 12 and all(len(line) <= 120 for line in found.lines)
    assert repr(found) == f"{found.earned:g}"
    return found


def wrong(function, test, mistake=None, text="", name="03.logdet", **options):
    found = result(function, name, **options)
    shown = " ".join(" ".join(found.lines).split())
    assert (found.earned, found.status, found.test, found.mistake) == (0, "wrong", test, mistake), shown
    assert text in shown, shown
    return found


# -- blank, undefined, not callable --------------------------------------------------------------------------------


def raises_not_implemented(*args):
    raise NotImplementedError()


def returns_none(*args):
    pass


def returns_dots(*args):
    return ...


@pytest.mark.parametrize("blank", [raises_not_implemented, returns_none, returns_dots])
@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.id)
def test_blank_is_no_error(exercise, blank, capsys):
    found = result(tuple([blank] * len(exercise.references)), exercise.id)
    assert (found.earned, found.status) == (0, "not answered yet")
    first = capsys.readouterr().out
    again = result(tuple([blank] * len(exercise.references)), exercise.id)
    assert capsys.readouterr().out == first == "\n".join(again.lines) + "\n", "the same text each time"
    assert "not answered yet" in first and "0x" not in first


def test_half_blank_is_blank():
    good = next(e for e in EXERCISES if e.id == "03.bad_mask").references[0]
    assert result((good, raises_not_implemented), "03.bad_mask").status == "not answered yet"


def test_without_answers_it_looks_for_the_name():
    scope = {"check": check}
    exec(
        "undefined = check('03.logdet')\ndef log_det(x, m, s, t): return s(x[:, m]).sum(1)\nfound = check('03.logdet')",
        scope,
    )
    assert scope["undefined"].status == "not answered yet" and scope["found"].earned == 2


def test_unknown_exercise_suggests(capsys):
    assert check("03.logdte", right).earned == 0
    assert "did you mean 03.logdet" in capsys.readouterr().out
    assert check(right, right).status == "no such exercise"


def test_called_instead_of_handed_over():
    wrong(torch.zeros(3), "callable", text="no brackets behind the name: log_det, not log_det(...)")


def test_in_quotes_or_in_another_order():
    wrong("log_det", "callable", text="no quotes around the name: log_det")
    good_masks, bad_masks = next(e for e in EXERCISES if e.id == "03.bad_mask").references
    wrong((bad_masks, good_masks), "defined", name="03.bad_mask", text="in another order")


def test_an_operator_that_torch_lacks_is_an_error_and_no_blank():
    wrong(lambda x, mask, s, t: mask[None] @ mask[:, None], "error", text="not implemented for 'Bool'")
    wrong(nn.Module(), "error", text='missing the required "forward" function')


def test_seed_and_hint_as_text():
    assert result(right, seed="0x4F21").seed == 0x4F21
    assert any(line.startswith("  hint 2") for line in result(right, hint="2").lines)
    assert any(line.startswith("  hint 1") for line in result(right, hint="please").lines)


def test_wrong_number_of_functions():
    wrong((right, right), "defined", text="got 2 functions")
    wrong(right, "defined", name="03.bad_mask", text="got 1 function")


def test_signature():
    wrong(lambda x, mask: x, "signature", text="too many positional arguments")
    wrong(lambda mask, x, scale_net, shift_net: x, "signature", text="another order")
    wrong(lambda x, *, mask, scale_net, shift_net: x, "signature", text="log_det(x, *, mask, scale_net, shift_net)")
    wrong(Called, "signature", text="a class is handed over")
    assert result(lambda data, kept, s, t: s(data[:, kept]).sum(1)).earned == 2, "other names are fine"


# -- unusual but right ---------------------------------------------------------------------------------------------


class Module(nn.Module):
    def forward(self, x, mask, scale_net, shift_net):
        return right(x, mask, scale_net, shift_net)


class Called:
    def __call__(self, x, mask, scale_net, shift_net):
        return right(x, mask, scale_net, shift_net)


def prints_and_warns(x, mask, scale_net, shift_net):
    print("shape", x.shape)
    print("to stderr", file=sys.stderr)
    warnings.warn("deprecated", stacklevel=1)
    return right(x, mask, scale_net, shift_net)


def with_defaults(x, mask, scale_net, shift_net=None, *more, verbose=False):
    return right(x, mask, scale_net, shift_net)


@pytest.mark.parametrize("honest", [Module(), Called(), prints_and_warns, with_defaults, lambda *a: right(*a)])
def test_honest_oddities_earn_all(honest, capsys):
    assert result(honest).earned == 2
    captured = capsys.readouterr()
    assert captured.out.count("\n") == 1 and captured.err == "", "one line, and nothing on stderr (nbgrader: 0 points)"


def test_other_defaults_of_the_learner_do_no_harm():
    torch.set_default_dtype(torch.float64)
    try:
        for exercise in EXERCISES:
            assert result(exercise.references, exercise.id).earned == exercise.points
        assert torch.get_default_dtype() == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)


def test_in_no_grad_and_in_a_thread():
    with torch.no_grad():
        assert result(right).earned == 2
        assert not torch.is_grad_enabled()


def test_full_score_prints_the_same_line_each_time(capsys):
    for _ in range(3):
        result(right)
    lines = set(capsys.readouterr().out.splitlines())
    assert lines == {"ok 03.logdet  2/2                                      Exercise 3, Coupling layers"}


# -- wrong kinds of results ----------------------------------------------------------------------------------------


class Liar(torch.Tensor):
    pass


@pytest.mark.parametrize(
    ("function", "test", "text"),
    [
        (lambda *a: (right(*a), right(*a)), "type", "a tuple of 2"),
        (lambda *a: (right(*a),), "type", "a comma too many"),
        (lambda *a: right(*a).numpy(), "type", "NumPy array of shape (17,)"),
        (lambda *a: right(*a).tolist(), "type", "torch.stack"),
        (lambda *a: 0.5, "type", "one result for each row"),
        (lambda *a: right, "type", "a function is returned"),
        (lambda *a: "0.5", "type", "a str"),
        (lambda *a: True, "type", "True or False"),
        (lambda *a: right(*a).as_subclass(Liar), "type", "a subclass of Tensor"),
        (lambda *a: right(*a).to_sparse(), "type", "dense tensor"),
        (lambda *a: right(*a).to("meta"), "type", "on meta"),
        (lambda *a: right(*a)[:, None], "shape", "keepdim"),
        (lambda *a: right(*a)[None], "shape", "a dimension of size 1 in front"),
        (lambda *a: torch.stack([right(*a)] * 2), "shape", "shape (2, 17)"),
        (lambda x, m, s, t: torch.linalg.slogdet(torch.diag_embed(s(x[:, m]))), "type", "a pair to unpack"),
        (lambda *a: right(*a)[:-1], "shape", "shape (17,)"),
        (lambda *a: right(*a).float(), "dtype", "torch.float64, as the input"),
        (lambda *a: right(*a).long(), "dtype", "torch.int64"),
        (lambda *a: right(*a).to(torch.complex128), "dtype", "torch.complex128"),
        (lambda *a: right(*a).double(), "dtype", "torch.float32, as the input"),
        (lambda *a: right(*a) / 0, "finite", "infinity in 17 of 17"),
        (lambda *a: right(*a) * float("nan"), "finite", "NaN in 17 of 17"),
        (lambda *a: right(*a) + 1, "value", "all off by +1"),
        (lambda *a: right(*a) * 3, "value", "all 3 times too large"),
        (lambda *a: right(*a) / 2, "value", "all 0.5 times the right number"),
        (lambda *a: right(*a).flip(0), "value", "the right numbers in the wrong places"),
        (lambda *a: right(*a) * 0 + 1, "value", "the same number everywhere"),
    ],
)
def test_wrong_kind_of_result(function, test, text):
    wrong(function, test, text=text)


def test_almost_right_is_shown_to_more_digits():
    found = wrong(lambda z: setup(z) + 9e-5, "value", name="00.setup")
    expected, got = found.lines[2].split("got")
    assert expected.split()[1] != got.split()[0]


def setup(z):
    return -0.5 * (z**2 + np.log(2 * np.pi)).sum(1)


def test_where_one_number_is_wanted_rows_are_too_many():
    name = "07.sign"
    wrong(lambda p, s, log_abs_s: (1, log_abs_s), "shape", text="a sum, a mean or a product is missing", name=name)
    model = next(e for e in EXERCISES if e.id == name).references[0]
    assert result(lambda *a: (np.int64(model(*a)[0]), model(*a)[1]), name).earned == 3, "a NumPy number will do"


def test_python_number_where_one_number_is_wanted():
    def total_mass(log_prob, us, vs):
        p = log_prob(torch.cartesian_prod(us, vs)).exp()
        return float(p.sum() * (us[1] - us[0]) * (vs[1] - vs[0]))

    assert result(total_mass, "01.mass").earned == 3
    wrong(lambda log_prob: -log_prob.mean().item(), "gradient", "detached", name="00.nats")


# -- gradient, inputs, twice, state --------------------------------------------------------------------------------


def test_gradient():
    wrong(lambda *a: right(*a).detach(), "gradient", "detached", "reaches x")
    wrong(lambda *a: torch.tensor(right(*a).tolist(), dtype=a[0].dtype), "gradient", "detached")
    wrong(lambda x, m, s, t: right(x.detach(), m, s, t), "gradient", "detached", "reaches x")

    def half_cut(x, mask, scale_net, shift_net):
        log_scale = scale_net(x[:, mask])
        return log_scale[:, :1].detach().sum(1) + log_scale[:, 1:].sum(1)

    wrong(half_cut, "gradient", "detached", "another one, or a part of it")

    def no_grad(z):
        with torch.no_grad():
            return -0.5 * (z**2 + np.log(2 * np.pi)).sum(1)

    wrong(no_grad, "gradient", "detached", name="00.setup")

    def writes_beside_what_a_net_has_seen(z, nets):
        x = z.clone()
        for k in reversed(range(len(nets))):
            x[:, 1 - k % 2 :: 2] -= nets[k](x[:, k % 2 :: 2])
        return x

    wrong(writes_beside_what_a_net_has_seen, "gradient", text="a tensor that is written to later", name="04.decode")


def test_inputs_changed_in_place():
    def squares_in_place(z):
        return -0.5 * (z.mul_(z) + np.log(2 * np.pi)).sum(1)

    def decode_in_place(z, mask, scale_net, shift_net):
        z[:, ~mask] = (z[:, ~mask] - shift_net(z[:, mask])) * torch.exp(-scale_net(z[:, mask]))
        return z

    def through_data(x, mask, scale_net, shift_net):
        ladj = right(x, mask, scale_net, shift_net)
        x.data[:] = 0
        return ladj

    wrong(squares_in_place, "inputs", "in_place", "z.clone()", name="00.setup")
    wrong(decode_in_place, "inputs", "in_place", "z.clone()", name="03.decode")
    wrong(through_data, "inputs", "in_place", "x.clone()")

    def net_zeroed(x, mask, scale_net, shift_net):
        ladj = right(x, mask, scale_net, shift_net)
        shift_net.bias.zero_()
        return ladj

    wrong(net_zeroed, "inputs", "in_place", "shift_net as it was")


@pytest.mark.parametrize("change", ["pop()", "reverse()", "append(layers[0])", "clear()"])
def test_a_list_changed_in_place(change):
    def answer(x, layers):
        total = 0
        for layer in list(layers):
            x, ladj = layer.encode(x)
            total = total + ladj
        eval(f"layers.{change}", {"layers": layers})
        return x, total

    wrong(answer, "inputs", "in_place", "work on a copy, list(layers)", name="02.compose")


# -- the course's own functions ------------------------------------------------------------------------------------


def bits_by_package(log_density, shape, bins, low, high):
    return nf.density_bits_per_dim(log_density, math.prod(shape), bins, high - low)


def bits_imported(log_density, shape, bins, low, high):
    from nf_course.bits import density_bits_per_dim as mine

    return mine(log_density, math.prod(shape), bins, high - low)


def bits_mapped(log_density, shape, bins, low, high):
    return next(map(bits_by_package, [log_density], [shape], [bins], [low], [high]))


BORROWED = [(bits_by_package, "density_bits_per_dim"), (bits_imported, "density_bits_per_dim")]
BORROWED += [(bits_mapped, "density_bits_per_dim"), (lambda *_: nf.StandardNormal(3), "StandardNormal")]


@pytest.mark.parametrize(("function", "name"), BORROWED)
def test_an_answer_that_calls_the_course_is_told_so(function, name):
    found = wrong(function, "error", name="05.bits", text=f"Borrowed: {name} of nf_course is called")
    assert "write it yourself" in " ".join(found.lines)
    assert sys.getprofile() is None


def test_a_folder_of_a_like_name_is_not_the_package():
    """A learner's helper in a file beside the package, whose path begins with the same letters."""
    path = PACKAGE.rstrip("/\\") + "_of_mine/helper.py"
    scope = {}
    exec(compile("import math\ndef width(low, high, bins): return (high - low) / bins", path, "exec"), scope)

    def bits(log_density, shape, bins, low, high):
        return -(log_density / math.prod(shape) + math.log(scope["width"](low, high, bins))) / math.log(2)

    assert result(bits, "05.bits").status == "right"


def test_what_tasks_allow_is_not_borrowed():
    """`reduce` of the package, a part that is handed over, and a helper of the learner's own of the same name."""
    assert result(RIGHT["11.consistency"][0], "11.consistency").status == "right"

    def density_bits_per_dim(log_density, D, width):
        return -(log_density / D + math.log(width)) / math.log(2)

    def bits(log_density, shape, bins, low, high):
        return density_bits_per_dim(log_density, math.prod(shape), (high - low) / bins)

    assert result(bits, "05.bits").status == "right"


def test_same_answer_twice():
    calls = []

    def counts(x, mask, scale_net, shift_net):
        calls.append(1)
        return right(x, mask, scale_net, shift_net) + (1e-3 if len(calls) > 14 else 0)

    assert result(counts).earned == 0
    wrong(lambda *a: right(*a) + np.random.default_rng().normal(), "value")


def numpy_state():
    return np.random.get_state()[1].copy()  # noqa: NPY002


def set_dtype(*a):
    torch.set_default_dtype(torch.float64)
    return right(*a)


def set_seed(*a):
    torch.manual_seed(0)
    return right(*a)


def draws(*a):
    torch.randn(1)
    return right(*a)


def grad_off(*a):
    value = right(*a)
    torch.set_grad_enabled(False)
    return value


def numpy_seed(*a):
    np.random.seed(0)  # noqa: NPY002
    return right(*a)


def python_random(*a):
    random.random()
    return right(*a)


@pytest.mark.parametrize("function", [set_dtype, set_seed, draws, grad_off, numpy_seed, python_random])
def test_global_state_is_reported_and_put_back(function):
    before = torch.get_rng_state(), numpy_state(), random.getstate()
    wrong(function, "state", "global_state", "put back")
    assert torch.get_default_dtype() == torch.float32 and torch.is_grad_enabled()
    assert torch.equal(torch.get_rng_state(), before[0]) and (numpy_state() == before[1]).all()
    assert random.getstate() == before[2]


def test_a_check_leaves_random_numbers_alone():
    before = torch.get_rng_state(), numpy_state(), random.getstate()
    for exercise in EXERCISES:
        result(exercise.references, exercise.id)
        result(lambda *args: 1.0, exercise.id) if len(exercise.references) == 1 else None
    assert torch.equal(torch.get_rng_state(), before[0]) and (numpy_state() == before[1]).all()
    assert random.getstate() == before[2]


def test_seed_repeats_the_failure():
    first = result(lambda *a: -right(*a))
    again = result(lambda *a: -right(*a), seed=first.seed)
    other = result(lambda *a: -right(*a), seed=first.seed + 1)
    assert first.lines == again.lines != other.lines
    assert f'again     check("03.logdet", log_det, seed=0x{first.seed:04X})' in first.lines[-1]


# -- errors of the learner -----------------------------------------------------------------------------------------


def exits(*a):
    sys.exit("bye")


class Nasty(Exception):
    def __str__(self):
        raise SystemExit("from __str__")


def nasty(*a):
    raise Nasty


def control_characters(*a):
    raise ValueError("\x1b[31mred\x1b[0m\nsecond line\u202e")


def recursion(*a):
    return recursion(*a)


def undefined_name(x, *a):
    return x + not_defined  # noqa: F821


def dtype_clash(x, mask, scale_net, shift_net):
    return x @ torch.ones(x.shape[1])


def stops(*a):
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (exits, "SystemExit: bye"),
        (nasty, "its message cannot be shown"),
        (control_characters, "ValueError: ?[31mred"),
        (recursion, "calls itself without end"),
        (undefined_name, "return x + not_defined # noqa: F821"),
        (lambda x, m, s, t: s(x[m]), "a mask selects along its own dimension"),
        (lambda x, m, s, t: x[torch.arange(x.shape[0] + 1)], "these indices belong to another dimension"),
        (lambda x, m, s, t: x[:, not m], "the opposite of a mask is ~mask"),
        (lambda x, m, s, t: x @ m.long()[:, None], "whole numbers or booleans meet floats"),
        (undefined_name, "a cell above that has not been run"),
        (dtype_clash, "float32 meets float64"),
        (lambda x, m, s, t: s(x), "scale_net takes 3 features, (N, 3), and was given (17, 6)"),
        (lambda x, m, s, t: s(x[:, m]).sum(3), "this dimension does not exist"),
    ],
)
def test_learner_error_in_a_line(function, text):
    found = wrong(function, "error", text=text)
    assert any(line.startswith("  at        test_conduct.py, line ") for line in found.lines)
    assert not any("Traceback" in line or "nf_course" in line for line in found.lines)


@pytest.mark.parametrize(
    ("function", "name", "test", "text"),
    [
        (lambda x, layers: layers[0](x), "02.compose", "error", "call one of its methods"),
        (lambda x, layers: layers[0].inverse(x), "02.compose", "error", "the methods that the task names"),
        (lambda x, layers: layers[0].encode(layers[0].encode(x)), "02.compose", "error", "a pair: unpack it"),
        (lambda x, layers: dict(zip("za", layers[0].encode(x))), "02.compose", "type", "return both"),
        (lambda x, layers: (*layers[0].encode(x), x), "02.compose", "type", "return these 2 and no more"),
        (lambda x: x.mean(0), "02.affine_mle", "type", "return all 3"),
        (lambda x: (x.mean(0), x.T @ x), "02.affine_mle", "type", "one of them is missing"),
        (lambda x: torch.linalg.cholesky(-x.T @ x), "02.affine_mle", "error", "features by features"),
    ],
)
def test_errors_and_results_of_chapter_2(function, name, test, text):
    wrong(function, test, text=text, name=name)


def test_interrupt_stops_the_check():
    calls = []

    def interrupted(*a):
        calls.append(1)
        stops()

    wrong(interrupted, "time", text="interrupted")
    assert len(calls) == 1


def test_endless_answers_are_stopped(monkeypatch):
    monkeypatch.setattr("nf_course.grading.trial.TIME_LIMIT", 0.3)

    def endless(*a):
        while True:
            with contextlib.suppress(Exception):
                time.sleep(0.01)

    def endless_bare(*a):
        until = time.monotonic() + 5
        while time.monotonic() < until:
            try:
                while time.monotonic() < until:
                    pass
            except:  # noqa: E722
                break
        while True:
            pass

    for function in (endless, endless_bare, lambda *a: (time.sleep(0.2), right(*a))[1]):
        started = time.monotonic()
        wrong(function, "time", text="a loop without end")
        assert time.monotonic() - started < 5


def test_somebody_elses_alarm_still_rings():
    import signal

    rung = []
    previous = signal.signal(signal.SIGALRM, lambda *a: rung.append(1))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        result(right)
        time.sleep(0.4)
        assert rung == [1]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


COMPLEX = torch.tensor(1 + 0j)


@pytest.mark.parametrize(
    ("name", "value"), [("10.coverage", COMPLEX), ("17.bridge", COMPLEX), ("17.stretch", (COMPLEX, COMPLEX))]
)
def test_a_complex_number_is_no_fault_of_the_check(name, value):
    """Where a Python number is right, no dtype is compared: eigenvalues came through to where reals were taken apart."""
    wrong(lambda *args: value, "type", None, "a complex one", name)


# -- hints ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.id)
def test_hints_fit_into_every_report(exercise):
    for level in (1, 2, 3):
        for function in (raises_not_implemented, lambda *a: 0.0, lambda *a: [][0]):
            found = result(tuple([function] * len(exercise.references)), exercise.id, hint=level)
            text = " ".join(" ".join(found.lines).split())
            assert exercise.hints[level - 1] in text, "a hint is shown whole"
            assert f"#{exercise.anchor}" in text
