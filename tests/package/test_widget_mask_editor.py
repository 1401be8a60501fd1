"""MaskEditor: the pattern that its script draws is that of autograd's Jacobian of the package's couplings."""

import json
from functools import partial
from itertools import pairwise

import pytest
import torch
import traitlets

from nf_course import MLP, AffineCoupling, IndexMask, Sequential, randomise
from nf_course.widgets.mask_editor import MaskEditor
from tests.package import javascript

evaluate = partial(javascript.evaluate, "mask_editor.js")


def jacobian_of(masks: list[list[bool]], applied: int) -> tuple[torch.Tensor, torch.Tensor]:
    """(which entries differ from zero somewhere, which rows are rows of the identity everywhere), by autograd."""
    D = len(masks[0])
    layers = []
    for mask in masks[:applied]:
        kept = sum(mask)
        layers.append(AffineCoupling(MLP(kept, 2 * (D - kept), hidden=(16,)), IndexMask(mask)))
    flow = randomise(Sequential(*layers).double(), seed=3)
    x = torch.randn(8, D, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    rows = [torch.autograd.functional.jacobian(lambda r: flow.encode(r)[0], row[None])[0, :, 0] for row in x]
    jacobians = torch.stack(rows)  # (8, D, D)
    entries = (jacobians.abs() > 1e-12).any(0)
    return entries, (jacobians == torch.eye(D, dtype=torch.float64)).all(2).all(0)


def random_masks(seed: int, K: int, D: int) -> list[list[bool]]:
    generator = torch.Generator().manual_seed(seed)
    masks = []
    while len(masks) < K:
        mask = (torch.rand(D, generator=generator) < 0.6).tolist()
        if len(set(mask)) == 2:
            masks.append(mask)
    return masks


CASES = [random_masks(seed, K=4, D=6) for seed in range(6)] + [random_masks(9, K=3, D=2), random_masks(10, K=5, D=5)]


def test_the_pattern_is_the_jacobians():
    asked = [(masks, k) for masks in CASES for k in range(len(masks) + 1)]
    got = evaluate(f"{json.dumps(asked)}.map(([masks, k]) => [pattern(masks, k), untouched(masks, k)])")
    for (masks, k), (pattern, untouched) in zip(asked, got, strict=True):
        entries, identity = jacobian_of(masks, k)
        assert pattern == entries.tolist(), (masks, k)
        assert untouched == identity.nonzero()[:, 0].tolist(), (masks, k)


def test_every_preset_is_made_of_masks_and_does_what_it_says():
    got = evaluate(
        "Object.keys(PRESETS).map((name) => { const masks = preset(name, 4, 6);"
        " return [name, masks.every(isMask), untouched(masks, 4), masks.map(String), zeros(pattern(masks, 4))]; })"
    )
    found = {name: rest for name, *rest in got}
    assert set(found) == {"halves", "alternating", "one mask for all", "busy, but bad"}
    assert all(rest[0] for rest in found.values())
    assert found["halves"][1] == found["alternating"][1] == []
    assert found["halves"][3] == found["alternating"][3] == 0
    assert found["one mask for all"][1] == [0, 1, 2]
    assert found["busy, but bad"][1] == [4]
    words = found["busy, but bad"][2]
    assert all(a != b for a, b in pairwise(words))


def test_what_is_no_mask_is_refused():
    for masks in ([], [[True, True]], [[True, False], [True, False, True]]):
        with pytest.raises(traitlets.TraitError, match="one length"):
            MaskEditor(masks=masks)
    with pytest.raises(traitlets.TraitError, match="applied"):
        MaskEditor(applied=5)
    editor = MaskEditor()
    assert IndexMask(editor.masks[0]).as_bool(6).tolist() == [True] * 3 + [False] * 3


def test_fewer_masks_than_were_applied():
    editor = MaskEditor(applied=4)
    editor.masks = [[True, False]] * 2
    assert editor.applied == 2
    with pytest.raises(traitlets.TraitError, match="0 to 2, got 3"):
        editor.applied = 3


def test_script_and_python_say_the_same():
    states = [(masks, k) for masks in CASES for k in range(len(masks) + 1)]
    got = evaluate(
        f"{json.dumps(states)}.map(([masks, applied]) => [words({{ masks, applied }}), pattern(masks, applied)])"
    )
    for (masks, k), (words, pattern) in zip(states, got, strict=True):
        editor = MaskEditor(masks=masks, applied=k)
        assert words == editor.describe()
        assert pattern == editor.pattern().tolist()


def test_the_still_picture_marks_what_is_new_and_what_is_untouched():
    editor = MaskEditor(masks=[[True, True, False], [False, True, True]], applied=1)
    masks, jacobian = editor.still().axes
    assert [text.get_text() for text in masks.texts] == ["keep", "keep", "move", "move", "keep", "keep"]
    assert sum(len(line.get_xdata()) for line in jacobian.lines if line.get_marker() == "o") == 2  # row 3 takes up two
    assert [text.get_text() for text in jacobian.texts] == ["1", "1"] and jacobian.get_title() == "∂z/∂x after 1 of 2"
