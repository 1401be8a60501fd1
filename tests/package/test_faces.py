"""The generator of faces, its latents, the measures of attributes, and the feature of a face's structure."""

from importlib import import_module

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from nf_course import attributes, data
from nf_course.attributes import ATTRIBUTES, Standardise, face_attributes, standard_attributes
from nf_course.data._files import FOLDER
from nf_course.face_features import face_features, feature_distance

GENERATOR = data.face_generator()


@pytest.fixture(scope="module")
def pictures():
    return GENERATOR(data.faces("test", 64).w)


def test_the_generator_is_what_its_file_says():
    w = torch.randn(3, 100, generator=torch.Generator().manual_seed(0))
    with np.load(FOLDER / "face_generator_int8.npz") as file:
        x = w.view(-1, 100, 1, 1)
        for i in range(5):
            weight = torch.from_numpy(file[f"w{i}"] * file[f"s{i}"][None, :, None, None])
            x = F.conv_transpose2d(x, weight, torch.from_numpy(file[f"b{i}"]), (2 if i else 1), (1 if i else 0))
            x = x.tanh() if i == 4 else x.relu()
    torch.testing.assert_close(GENERATOR(w), (x + 1) / 2, rtol=0, atol=1e-5)


def test_faces_are_pictures_that_follow_w_and_nothing_is_trained():
    w = torch.randn(2, 100, generator=torch.Generator().manual_seed(1)).requires_grad_()
    images = GENERATOR(w)
    assert images.shape == (2, 3, 64, 64) and images.min() >= 0 and images.max() <= 1 and images.std() > 0.1
    (slope,) = torch.autograd.grad(images[0].sum(), w)
    assert (slope[0] != 0).all() and (slope[1] == 0).all()
    assert not list(GENERATOR.parameters()) and not GENERATOR.state_dict()


def test_batches_do_not_matter():
    w = data.faces("test", 64).w[:40]
    together = GENERATOR(w)
    torch.testing.assert_close(torch.cat([GENERATOR(row[None]) for row in w[::13]]), together[::13], rtol=0, atol=1e-5)
    assert GENERATOR(w[:0]).shape == (0, 3, 64, 64)


@pytest.mark.parametrize(
    "w, error, words",
    [
        (torch.zeros(2, 99), ValueError, r"expected shape \(N, 100\), got \(2, 99\)"),
        (torch.zeros(100), ValueError, "use x\\[None\\]"),
        (torch.zeros(2, 100).double(), TypeError, "expected w of torch.float32"),
        (torch.zeros(2, 100, dtype=torch.long), TypeError, "floating-point"),
        (torch.full((2, 100), torch.nan), ValueError, "200 NaN"),
    ],
)
def test_what_the_generator_refuses(w, error, words):
    with pytest.raises(error, match=words):
        GENERATOR(w)


def test_faces_of_the_splits():
    first = {split: data.faces(split, 4) for split in ("train", "valid", "test")}
    for split, (w, a) in first.items():
        more = data.faces(split, 7)
        assert torch.equal(more.w[:4], w) and torch.equal(more.attributes[:4], a)
        torch.testing.assert_close(a, standard_attributes(GENERATOR(w)), rtol=0, atol=3e-3)  # shipped in half precision
    assert len({w[0, 0].item() for w, _ in first.values()}) == 3
    for n in (0, -1, 2.0, True):
        with pytest.raises(ValueError, match="whole number n, at least 1"):
            data.faces("test", n)
    with pytest.raises(ValueError, match="split should be"):
        data.faces("all")


def test_a_face_beyond_those_that_ship_is_drawn_once(monkeypatch):
    w, a = data.faces("test", 1002)
    torch.testing.assert_close(a[1000:], standard_attributes(GENERATOR(w[1000:])), rtol=0, atol=1e-4)
    a.zero_(), w.zero_()  # a caller's copy
    monkeypatch.setattr(import_module("nf_course.data.faces"), "_generator", None)  # to call it is an error
    again = data.faces("test", 1001)
    assert again.attributes.abs().min() > 0 and again.w.abs().min() > 0


def test_w_is_standard_normal_and_the_constants_are_those_of_the_first_thousand_faces():
    w, a = data.faces("train", 1000)
    assert abs(w.mean()) < 0.01 and abs(w.std() - 1) < 0.01
    found = Standardise.of(Standardise().undo(a))
    np.testing.assert_allclose(found.means, attributes.MEANS, atol=2e-5)
    np.testing.assert_allclose(found.deviations, attributes.DEVIATIONS, atol=2e-5)


def test_attributes_are_partly_linear_in_w():
    """Least squares from 1000 faces on others; with more faces .86, .78, .72, .67, .57."""
    (w, a), (w_new, a_new) = data.faces("train", 1000), data.faces("test", 64)
    one, one_new = torch.ones(len(w), 1), torch.ones(len(w_new), 1)
    fitted = torch.linalg.lstsq(torch.cat((w, one), 1), a).solution
    left = (a_new - torch.cat((w_new, one_new), 1) @ fitted).square().mean(0)
    explained = 1 - left / a_new.var(0)
    assert (explained > torch.tensor([0.7, 0.55, 0.5, 0.4, 0.25])).all() and (explained < 0.95).all(), explained


def change(images, edit):
    """How far each measure goes under an edit of the pictures, in deviations: the mean over the faces."""
    return (standard_attributes(edit(images.clone())) - standard_attributes(images)).mean(0)


def test_attributes_measure_what_they_are_called(pictures):
    def top_lighter(x):
        x[:, :, :10, 24:40] += 0.2
        return x

    def face_redder(x):
        x[:, 0, 30:46, 26:38] += 0.2
        x[:, 2, 30:46, 26:38] -= 0.2 * 0.299 / 0.114  # as light as before
        return x

    def margins_darker(x):
        x[:, :, :30, :6] -= 0.2
        x[:, :, :30, -6:] -= 0.2
        return x

    def right_lighter(x):
        x[:, :, 24:52, 34:42] += 0.1
        x[:, :, 24:52, 22:30] -= 0.1
        return x

    def face_lighter(x):
        x[:, :, 24:52, 22:42] += 0.2
        return x

    edits = {
        "lightness": face_lighter,
        "warmth": face_redder,
        "background": margins_darker,
        "light side": right_lighter,
        "hair": top_lighter,
    }
    for k, name in enumerate(ATTRIBUTES):
        moved = change(pictures, edits[name])
        assert moved[k].abs() > 0.5 and (moved[k] < 0) == (name == "background")
        assert (torch.cat((moved[:k], moved[k + 1 :])).abs() < 0.05).all(), (name, moved)


def test_attributes_of_mirrored_and_recoloured_faces(pictures):
    measured = face_attributes(pictures)
    mirrored = face_attributes(pictures.flip(3))
    torch.testing.assert_close(mirrored, measured * torch.tensor([1.0, 1, 1, -1, 1]), rtol=0, atol=1e-5)
    blue = face_attributes(pictures.flip(1))[:, 1]
    torch.testing.assert_close(blue, -measured[:, 1], rtol=0, atol=1e-5)
    with pytest.raises(ValueError, match=r"expected shape \(N, 3, 64, 64\)"):
        face_attributes(pictures[:, :, :32])


def test_standardise():
    scale = Standardise([1.0, 2.0], [0.5, 4.0])
    a = torch.tensor([[1.5, -2.0]])
    assert scale(a).tolist() == [[1.0, -1.0]] and torch.equal(scale.undo(scale(a)), a)
    for means, deviations in (([0.0], [1.0, 1.0]), ([0.0], [0.0])):
        with pytest.raises(ValueError, match="as many deviations above 0"):
            Standardise(means, deviations)
    assert attributes.attribute_index("hair") == attributes.attribute_index(4) == 4
    for odd in ("smile", 5, -1, True):
        with pytest.raises(ValueError, match="expected an attribute, one of lightness"):
            attributes.attribute_index(odd)


def test_the_feature_hardly_sees_light_and_colour(pictures):
    """Two faces are at 0.83, the same face in other light at 0.02 to 0.06; a step of a pixel to the side counts 0.2."""
    tint = torch.tensor([1.15, 1.0, 0.85]).view(3, 1, 1)
    light = torch.linspace(0.7, 1.3, 64)
    others = feature_distance(pictures, pictures.roll(1, 0)).mean()
    for same in (
        pictures * 1.3,
        pictures * 0.7,
        pictures * tint,
        pictures**0.7,
        pictures**1.4,
        (0.8 * tint * pictures) ** 0.8,
        pictures * light,
    ):
        assert feature_distance(pictures, same.clamp(0, 1)).mean() < others / 8
    assert feature_distance(pictures, pictures.flip(3)).mean() > others / 2
    assert others / 8 < feature_distance(pictures, pictures.roll(1, 3)).mean() < others / 2


def test_features_have_length_one_and_their_distance_is_symmetric(pictures):
    torch.testing.assert_close(face_features(pictures).norm(dim=1), torch.ones(64))
    a, b = pictures[:8], pictures[8:16]
    assert (feature_distance(a, a) == 0).all() and torch.equal(feature_distance(a, b), feature_distance(b, a))
    assert torch.isfinite(face_features(torch.zeros(1, 3, 64, 64))).all()
    with pytest.raises(ValueError, match="two batches of one shape"):
        feature_distance(a, b[:1])
