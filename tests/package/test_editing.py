"""Edits by a conditional flow: identity, undo, order; the baselines; and what is measured of them.

The worlds here are small: w has a few numbers, its picture is w itself, and an attribute is a function of it.
"""

import math

import pytest
import torch

from nf_course import (
    RK4,
    ConcatSquashField,
    ContinuousFlow,
    FlowEdit,
    GradientEdit,
    LinearEdit,
    RegressionEdit,
    StandardNormal,
    StyleEditor,
    check_bijection,
    data,
    disentanglement,
    edit_table,
    fit,
    mean_nll,
    measure_edits,
    models,
    randomise,
    standard_attributes,
)
from nf_course.edit_measures import look


def see(w):
    return w


def bent(w):
    """Two attributes of four numbers, each bent, that share a direction."""
    return torch.stack(
        (w[:, 0] + 0.4 * torch.tanh(2 * w[:, 1]), 0.8 * w[:, 0] + w[:, 2] + 0.4 * torch.tanh(w[:, 3])), 1
    )


NAMES = ("one", "two")


@pytest.fixture(scope="module")
def random_flow():
    return randomise(models.styleflow(features=4, context_features=2, hidden=(16,)), scale=0.3)


@pytest.fixture(scope="module")
def learned():
    """A flow that has seen 2000 of the small world, and what it was shown."""
    torch.manual_seed(0)
    w = torch.randn(2000, 4)
    a = bent(w)
    flow = models.styleflow(4, 2, hidden=(32, 32))
    fit(flow, w, context=a, steps=250, batch_size=128, lr=1e-2, evaluate_every=250, progress=False)
    return flow, w, a


def test_the_field_is_gated_by_time_and_context():
    field = ConcatSquashField(3, (8,), 2)
    x, c = torch.randn(2, 3), torch.randn(2, 2)
    assert (field(0.5, x, c) == 0).all()
    randomise(field)
    assert not torch.allclose(field(0.5, x, c), field(0.6, x, c))
    assert not torch.allclose(field(0.5, x, c), field(0.5, x, -c))
    layer = ContinuousFlow(field.double(), RK4(steps=12))
    check_bijection(layer, x.double(), c.double(), tolerance=1e-5)
    for context, words in ((None, "got none"), (c[:, :1], r"\(2, 2\)"), (c[..., None, None], r"context \(N, 2\)")):
        with pytest.raises(ValueError, match=words):
            field(0.5, x.double(), context if context is None else context.double())
    assert randomise(ConcatSquashField(3, (8,)).double())(0.5, x.double()).shape == (2, 3)


def test_an_edit_to_the_same_attributes_is_no_edit_and_an_edit_can_be_undone(random_flow):
    w, a, b = torch.randn(3, 50, 4).unbind(0)
    a, b = a[:, :2], b[:, :2]
    edit = FlowEdit(random_flow)
    there = edit(w, a, b)
    assert (there - w).norm(dim=1).min() > 0.01
    torch.testing.assert_close(edit(w, a, a), w, rtol=0, atol=1e-3)
    torch.testing.assert_close(edit(there, b, a), w, rtol=0, atol=1e-3)


def edit_of_the_notes(flow, w, target):
    """w' = f(w; a_target), as the lecture notes have it: the flow's generative direction, fed with w instead of z."""
    return FlowEdit(flow).decode(w, target)


def test_the_edit_of_the_notes_moves_a_face_that_should_stay(learned):
    """It takes w for a z, and so makes *a* face with the target attributes, another one; and does so again and again."""
    flow, w, a = learned
    w, a = w[:200], a[:200]
    stays = FlowEdit(flow)(w, a, a)
    moves = edit_of_the_notes(flow, w, a)
    assert (stays - w).norm(dim=1).max() < 5e-3
    assert (moves - w).norm(dim=1).mean() > 0.2
    b = a + torch.tensor([1.0, 0.0])
    there_and_back = edit_of_the_notes(flow, edit_of_the_notes(flow, w, b), a)
    undone = FlowEdit(flow)(FlowEdit(flow)(w, a, b), b, a)
    assert (there_and_back - w).norm(dim=1).mean() > 20 * (undone - w).norm(dim=1).mean()


def test_edits_reach_their_target_and_leave_the_other_attribute(learned):
    flow, w, a = learned
    editor = StyleEditor(flow, see, bent, NAMES)
    edited = editor.edit(w[:500], {"one": a[:500, 0] + 1})
    moved = bent(edited) - a[:500]
    assert 0.8 < moved[:, 0].mean() < 1.2 and moved[:, 1].abs().mean() < 0.3
    linear = StyleEditor(LinearEdit(w, a), see, bent, NAMES)
    by_linear = bent(linear.edit(w[:500], {"one": a[:500, 0] + 1})) - a[:500]
    assert by_linear[:, 1].abs().mean() > 2 * moved[:, 1].abs().mean()


def test_the_flow_learns_more_than_a_gaussian(learned):
    flow, w, a = learned
    plain = -StandardNormal(4).log_prob(w).mean().item()
    assert mean_nll(flow, w, a) < plain - 1


def test_sequential_edits(random_flow):
    editor = StyleEditor(random_flow, see, bent, NAMES)
    w = torch.randn(20, 4)
    a = editor.measure(w)
    torch.testing.assert_close(a, bent(w))
    first = editor.edit(w, {"one": 1.0})
    aimed = editor.target(a, {"one": 1.0})
    both = editor.edit(first, {"two": -1.0}, source=aimed)
    other_way = editor.edit(editor.edit(w, {1: -1.0}), {0: 1.0}, source=editor.target(a, {"two": -1.0}))
    torch.testing.assert_close(both, other_way, rtol=0, atol=1e-3)
    torch.testing.assert_close(both, editor.edit(w, {"one": 1.0, "two": -1.0}), rtol=0, atol=1e-3)
    assert not torch.allclose(both, editor.edit(first, {"two": -1.0}), atol=1e-2)  # measured again
    torch.testing.assert_close(editor.undo(first, {"one": 1.0}, a), w, rtol=0, atol=1e-3)


def test_measured_again_an_edit_comes_nearer(learned):
    flow, w, a = learned
    editor = StyleEditor(flow, see, bent, NAMES)
    target = editor.target(a[:200], {"one": a[:200, 0] - 1})
    once = editor.move(w[:200], a[:200], target)
    twice = editor.move(once, editor.measure(once), target)
    assert (bent(twice) - target).abs().median() < (bent(once) - target).abs().median() / 2


def test_any_generator_any_flow():
    """A picture of w is any function of it; a flow that is no continuous one edits by its own two directions."""
    torch.manual_seed(0)
    stylegan = torch.nn.Linear(4, 3 * 8 * 8)
    editor = StyleEditor(
        randomise(models.realnvp(4, couplings=2, hidden=(8,), context_features=1)),
        lambda w: stylegan(w).view(-1, 3, 8, 8) / 2 + 0.5,
        lambda images: images.mean((1, 2, 3))[:, None],
        ["light"],
        batch_size=7,
    )
    w = torch.randn(20, 4)
    edited = editor.edit(w, {"light": torch.linspace(0, 1, 20)})
    assert not torch.allclose(edited, w)
    torch.testing.assert_close(
        editor.undo(edited, {"light": torch.linspace(0, 1, 20)}, editor.measure(w)), w, rtol=0, atol=1e-5
    )


def test_what_the_editor_refuses(random_flow):
    editor = StyleEditor(random_flow, see, bent, NAMES)
    w = torch.randn(3, 4)
    for call, error, words in (
        (lambda: editor.edit(w, {"three": 0.0}), ValueError, "expected an attribute, one, two or 0 to 1, got 'three'"),
        (lambda: editor.edit(w, {2: 0.0}), ValueError, "got 2"),
        (lambda: editor.edit(w, {"one": math.nan}), ValueError, "3 NaN"),
        (lambda: editor.edit(w[0], {"one": 0.0}), ValueError, "expected a batch"),
        (lambda: editor.edit(w / 0, {"one": 0.0}), ValueError, "finite"),
        (lambda: editor.edit(w, {"one": 0.0}, source=torch.zeros(3, 5)), ValueError, r"\(3, 2\)"),
        (lambda: StyleEditor(random_flow, see, bent), ValueError, "given 5 attributes"),
        (lambda: StyleEditor(None, see, bent), TypeError, "expected a Flow or edit"),
        (lambda: StyleEditor(random_flow, see, see, NAMES).measure(w), ValueError, "the attributes measured"),
        (lambda: measure_edits(editor, w, "one", shift=0.0), ValueError, "not 0"),
    ):
        with pytest.raises(error, match=words):
            call()


def test_linear_edits_are_exact_where_the_world_is_linear():
    torch.manual_seed(0)
    w, mix = torch.randn(100, 6, dtype=torch.float64), torch.randn(6, 3, dtype=torch.float64)
    a = w @ mix + 0.5
    target = a.clone()
    target[:, 1] += 1
    for keep in (False, True):
        edited = LinearEdit(w, a, keep)(w, a, target)
        moved = edited @ mix + 0.5 - a
        torch.testing.assert_close(moved[:, 1], torch.ones(100, dtype=torch.float64))
        assert (moved[:, [0, 2]].abs().max() < 1e-9) == keep
    shortest = LinearEdit(w, a)(w, a, target) - w
    assert shortest.norm(dim=1).max() < (edited - w).norm(dim=1).min()


def test_regression_falls_short_where_attributes_say_little():
    """a = w_1 + noise, as much of the one as of the other: E[w_1 | a] = a / 2, and the edit goes half the way."""
    torch.manual_seed(0)
    w = torch.randn(4000, 2)
    edit = RegressionEdit(w, w[:, :1] + torch.randn(4000, 1), steps=400)
    step = edit(torch.zeros(1, 2), torch.zeros(1, 1), torch.ones(1, 1))
    assert abs(step[0, 0] - 0.5) < 0.15 and abs(step[0, 1]) < 0.15


def test_the_search_by_gradients_reaches_what_it_looks_at():
    torch.manual_seed(0)
    w = torch.randn(50, 4)
    target = bent(w) + torch.tensor([1.0, 0.0])
    found = GradientEdit(see, bent, penalty=1e-3, steps=200)(w, bent(w), target)
    assert (bent(found) - target).square().mean() < 0.01 and not found.requires_grad
    generator = data.face_generator()
    w = data.faces("test", 2).w
    a = standard_attributes(generator(w))
    target = a + torch.tensor([1.0, 0, 0, 0, 0])
    with torch.no_grad():  # it needs gradients also where nobody asks for them
        found = GradientEdit(generator, standard_attributes, steps=25, lr=0.1)(w, a, target)
    assert (standard_attributes(generator(found)) - target).square().mean() < (a - target).square().mean() / 4


def test_measures_of_an_edit_of_faces():
    generator, w = data.face_generator(), data.faces("test", 12).w
    still = StyleEditor(lambda w, source, target: w, generator, standard_attributes)
    seen = look(still, w)
    nothing = measure_edits(still, w, "hair", seen=seen)
    assert nothing.reached == nothing.others == nothing.face_distance == nothing.step == nothing.log_density == 0
    assert nothing.error == 1 and nothing.norm == pytest.approx(w.norm(dim=1).mean().item())

    linear = StyleEditor(LinearEdit(*data.faces("train", 300)), generator, standard_attributes)
    found = measure_edits(linear, w, "lightness", shift=0.5, seen=seen)
    source, ways = seen.attributes, torch.tensor([1.0, -1.0]).repeat(6)
    after = standard_attributes(generator(linear.edit(w, {"lightness": source[:, 0] + 0.5 * ways})))
    change = (after - source) * ways[:, None]
    assert found.reached == pytest.approx(change[:, 0].mean().item() / 0.5, abs=1e-4)
    assert found.error == pytest.approx((change[:, 0] - 0.5).square().mean().sqrt().item(), abs=1e-4)
    torch.testing.assert_close(found.moved, change.abs().mean(0), rtol=0, atol=1e-4)
    torch.testing.assert_close(found.drift, change.mean(0), rtol=0, atol=1e-4)
    assert found.others == pytest.approx(change[:, 1:].abs().mean().item(), abs=1e-4)
    assert 0.02 < found.face_distance < 0.5 and 0.1 < found.step < 3
    assert measure_edits(linear, w, 0, shift=-0.5, seen=seen).reached == pytest.approx(found.reached, abs=0.5)


def test_the_table_has_a_row_for_each_way_to_edit():
    flow = models.styleflow(hidden=(8,))
    rows = edit_table(n=4, flow=flow, train=300)
    assert [row["edit"] for row in rows] == ["linear", "linear, others kept", "regression", "flow"]
    assert rows[-1]["reached"] == 0 and math.isnan(rows[-1]["others / reached"])  # it has learned nothing
    assert rows[0]["reached"] > 0.5 and rows[0]["others"] > rows[1]["others"]
    assert len(disentanglement(StyleEditor(flow, data.face_generator(), standard_attributes), torch.zeros(2, 100))) == 5
