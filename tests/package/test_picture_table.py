"""The table of chapter 13: each way is measured as its name says, on small models without training."""

import pytest
import torch

from nf_course import data, models
from nf_course.clouds import chamfer
from nf_course.models.cflow import shared_latent
from nf_course.picture_pairs import picture_pairs
from nf_course.picture_table import VIEWS, nearest_picture, picture_table, shared_codes


class TestNearestPicture:
    def test_it_is_the_least_sum_of_squares(self):
        pictures, bank = torch.rand(5, 1, 6, 6), torch.rand(40, 1, 6, 6)
        far = (pictures[:, None] - bank).square().sum((2, 3, 4))
        torch.testing.assert_close(nearest_picture(pictures, bank)[:, 0], far.argmin(1))
        torch.testing.assert_close(nearest_picture(pictures, bank, k=3), far.argsort(1)[:, :3])

    def test_a_picture_of_the_bank_finds_itself(self):
        bank = torch.rand(10, 1, 4, 4)
        assert nearest_picture(bank, bank)[:, 0].tolist() == list(range(10))

    def test_no_two_of_one_shape(self):
        pictures, bank, among = torch.rand(5, 1, 6, 6), torch.rand(40, 1, 6, 6), torch.arange(8).repeat(5)
        found = nearest_picture(pictures, bank, among, k=8)
        assert all(sorted(among[row].tolist()) == list(range(8)) for row in found)
        far = (pictures[:, None] - bank).square().sum((2, 3, 4)).gather(1, found)
        assert (far.diff(dim=1) >= 0).all()
        torch.testing.assert_close(found[:, :1], nearest_picture(pictures, bank))
        for row, first in zip(range(5), found[:, 0]):  # of each shape its own nearest picture
            same = (among == among[first]).nonzero()[:, 0]
            assert first == same[(pictures[row] - bank[same]).square().sum((1, 2, 3)).argmin()]

    def test_other_sizes_are_named(self):
        with pytest.raises(ValueError, match=r"a bank of the same size, got \(2, 1, 4, 4\) and \(3, 1, 5, 5\)"):
            nearest_picture(torch.rand(2, 1, 4, 4), torch.rand(3, 1, 5, 5))


@pytest.fixture(scope="module")
def parts():
    """Small models, and two pictures of each training shape."""
    torch.manual_seed(0)
    points, model = models.pointflow(code=4).eval(), models.picture_shapes(4, 4, steps=2, hidden=(8,))
    bank = picture_pairs(points, "train", views=2)
    model.code.fit(bank.pictures)
    for flow in (model.to_shape, model.to_picture):
        flow.eval()
    shared = shared_latent(4, steps=1, hidden=(8,)).eval()
    return {"points": points, "model": model.eval(), "shared": shared, "bank": bank}


@pytest.fixture(scope="module")
def rows(parts):
    return {(row.direction, row.way): row for row in picture_table("valid", 1, 3, **parts)}


class TestPictureTable:
    def test_every_row_is_measured_on_every_shape(self, rows):
        for (direction, _), row in rows.items():
            assert list(row.each) == (list(VIEWS) if direction == "cloud" else ["closest", "coverage"])
            assert all(values.shape == (12,) and values.isfinite().all() for values in row.each.values())
            assert row.figures == {name: values.mean().item() for name, values in row.each.items()}

    def test_more_tries_are_nearer(self, rows):
        for few, many in (
            (("cloud", "retrieval"), ("cloud", "retrieval, best of shapes")),
            (("picture", "retrieval"), ("picture", "retrieval, best of views")),
            (("picture", "C-Flow, a sample"), ("picture", "C-Flow, best of samples")),
        ):
            assert (rows[few].tries, rows[many].tries) == (1, 3)
            for name in rows[few].each:
                assert (rows[many].each[name] <= rows[few].each[name]).all()

    def test_the_floors_are_floors(self, rows):
        draw = rows["cloud", "another draw of the true surface"].figures
        assert all(draw[view] < 0.02 for view in VIEWS)
        for (direction, _), row in rows.items():
            if direction == "cloud":
                assert all(row.figures[view] >= draw[view] for view in VIEWS)

    def test_retrieval_is_the_cloud_of_the_nearest_picture(self, rows, parts):
        bank = parts["bank"]
        for name, view in VIEWS.items():
            pairs = picture_pairs(parts["points"], "valid", 1, points=512, **view)
            far = (pairs.pictures[:, None] - bank.pictures).square().sum((2, 3, 4))
            wanted = chamfer(bank.clouds[far.argmin(1)], pairs.clouds)
            torch.testing.assert_close(rows["cloud", "retrieval"].each[name], wanted)

    def test_the_random_state_stays_and_the_rows_repeat(self, rows, parts):
        torch.manual_seed(7)
        before = torch.get_rng_state()
        again = picture_table("valid", 1, 3, **parts)
        assert torch.equal(before, torch.get_rng_state())
        assert all(row.figures == rows[row.direction, row.way].figures for row in again)

    def test_views_that_training_has_not_seen_are_outside_of_its_range(self):
        low, high = VIEWS["turned"]["turn"]
        assert (low, high) == (VIEWS["seen"]["turn"][1], 360 + VIEWS["seen"]["turn"][0])
        assert VIEWS["tilted"]["tilt"] != VIEWS["seen"]["tilt"]
        assert len(data.furniture("test")) == 41

    def test_nothing_asked_is_refused(self):
        with pytest.raises(ValueError, match="at least 1 view and 1 sample, got 1 and 0"):
            picture_table(views=1, samples=0)


def test_the_shared_latent_learns(parts):
    """Trained, it brings a picture's code nearer to its shape's code than untrained; and the same each time."""
    before = torch.get_rng_state()
    both = shared_codes(parts["bank"], parts["model"], steps=40)
    assert torch.equal(before, torch.get_rng_state())
    codes = parts["model"].code(parts["bank"].pictures)

    def loss(some):
        with torch.no_grad():
            return some.loss(codes, parts["bank"].codes, 4.0).mean()

    assert loss(both) < loss(parts["shared"]) - 1
    again = shared_codes(parts["bank"], parts["model"], steps=40)
    torch.testing.assert_close(loss(again), loss(both))
