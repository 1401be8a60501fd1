"""What makes much of little data: varied poses, stretched clouds, codes of pictures, pictures beside clouds."""

import pytest
import torch

from nf_course import data, models
from nf_course.models.pointflow import matching_loss, pointflow, stretched, stretched_nll
from nf_course.picture_code import PictureCode
from nf_course.picture_pairs import picture_pairs
from nf_course.pose_variations import turned_about, varied

FRAMES = data.poses("valid")


class TestVaried:
    @pytest.mark.parametrize(
        "how", [{}, {"turn": 40.0}, {"exchange": 1.0, "turn": 0.0}, {"lean": 90.0}, {"exchange": 0.0}]
    )
    def test_bones_keep_their_length(self, how):
        length = FRAMES.bones().norm(dim=2)[:1]
        more = varied(FRAMES, 2, 0, **how)
        assert more.shape == (2 * len(FRAMES), 16, 3) and bool((more[:, 0] == 0).all())
        torch.testing.assert_close(FRAMES.bones(more).norm(dim=2), length.expand(len(more), -1), atol=1e-4, rtol=0)

    def test_nothing_asked_for_is_the_frames_themselves(self):
        torch.testing.assert_close(varied(FRAMES, 1, 0, turn=0.0, exchange=0.0), FRAMES.joints)

    def test_the_same_for_the_same_seed(self):
        assert torch.equal(varied(FRAMES, 1, 3), varied(FRAMES, 1, 3))
        assert not torch.equal(varied(FRAMES, 1, 3), varied(FRAMES, 1, 4))

    def test_exchange_moves_limbs_and_leaves_the_trunk(self):
        more = varied(FRAMES, 1, 0, turn=0.0, exchange=1.0)
        moved = (more - FRAMES.joints).norm(dim=2).mean(0)
        ends = [k for k, name in enumerate(FRAMES.names) if name.split("_")[-1] in ("elbow", "wrist", "knee", "ankle")]
        assert set(moved.gt(1e-4).nonzero()[:, 0].tolist()) == set(ends) and moved[ends].min() > 0.05

    def test_a_limb_is_held_as_the_other_body_held_it(self):
        """Between two frames of one clip turned against each other, an exchanged arm keeps its angle to the chest."""
        still = data.Poses(FRAMES.joints[:1].repeat(40, 1, 1), FRAMES.clip[:40], FRAMES.names, FRAMES.parents, ())
        turned = varied(still, 1, 0, turn=0.0, exchange=0.0, lean=60.0)
        mixed = data.Poses(turned, still.clip, FRAMES.names, FRAMES.parents, ())
        torch.testing.assert_close(varied(mixed, 1, 1, turn=0.0, exchange=1.0), turned, atol=1e-4, rtol=0)

    def test_leaning_turns_the_whole(self):
        more = varied(FRAMES, 1, 0, turn=0.0, exchange=0.0, lean=60.0)
        torch.testing.assert_close(
            torch.cdist(more, more), torch.cdist(FRAMES.joints, FRAMES.joints), atol=1e-3, rtol=0
        )
        assert (more - FRAMES.joints).norm(dim=2).max() > 0.5

    @pytest.mark.parametrize("bad", [{"copies": 0}, {"turn": -1.0}, {"exchange": 1.5}, {"lean": -1.0}])
    def test_bad_input(self, bad):
        with pytest.raises(ValueError, match="varied: expected at least 1 copy, angles from 0 on and a probability"):
            varied(FRAMES, **({"copies": 1, "seed": 0} | bad))

    def test_what_hangs_on_a_joint_turns_with_it(self):
        chain = torch.arange(4.0)[None, :, None] * torch.tensor([1.0, 0, 0])  # four joints in a line
        rotations = torch.eye(3).repeat(1, 4, 1, 1)
        rotations[0, 1] = rotations[0, 2] = torch.tensor([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])  # 90 degrees, twice
        assert turned_about(chain, rotations, (-1, 0, 1, 2))[0].tolist() == [[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]]


class TestStretched:
    def test_each_axis_by_its_own_factor(self):
        torch.manual_seed(0)
        clouds = torch.randn(200, 5, 3).abs() + 0.1
        factors = stretched(clouds, 0.2) / clouds  # (200, 5, 3)
        torch.testing.assert_close(factors, factors[:, :1].expand_as(factors))
        assert 0.8 <= factors.abs().min() and factors.abs().max() <= 1.2 and factors[:, :, 1:].min() > 0
        assert 60 < (factors[:, 0, 0] < 0).sum() < 140  # half of them mirrored

    def test_losses_train_what_they_name(self):
        torch.manual_seed(0)
        model, clouds = pointflow(code=4, couplings=2, hidden=(8,)), torch.randn(6, 20, 3)
        stretched_nll(model, clouds).mean().backward()
        assert all(p.grad is not None for p in model.parameters())
        model = models.continuous_pointflow(code=4, hidden=(8,))
        loss = matching_loss(model, clouds)
        loss.mean().backward()
        with_gradient = {name.split(".")[0] for name, p in model.named_parameters() if p.grad is not None}
        assert loss.shape == (6,) and with_gradient == {"points"}


class TestPictureCode:
    def test_the_best_linear_code_there_is(self):
        """No other plane of that dimension comes closer to the pictures (Eckart and Young)."""
        torch.manual_seed(0)
        pictures = torch.randn(200, 1, 4, 4) * torch.linspace(0.1, 2, 16).view(1, 1, 4, 4)
        code = PictureCode(3, size=4).fit(pictures)
        error = (code.decode(code(pictures)) - pictures).square().sum()
        rows = pictures.flatten(1) - pictures.flatten(1).mean(0)
        for _ in range(20):
            q = torch.linalg.qr(torch.randn(16, 3))[0]
            assert error < (rows - rows @ q @ q.T).square().sum()
        numbers = code(pictures)
        torch.testing.assert_close(numbers.T @ numbers / 200, torch.eye(3), atol=1e-4, rtol=0)  # white

    def test_the_weights_hold_it(self):
        code = PictureCode(2, size=3).fit(torch.rand(9, 1, 3, 3))
        other = PictureCode(2, size=3)
        other.load_state_dict(code.state_dict())
        picture = torch.rand(1, 1, 3, 3)
        assert torch.equal(other(picture), code(picture)) and not list(code.parameters())

    @pytest.mark.parametrize(
        ("call", "words"),
        [
            (lambda: PictureCode(17, size=4), "expected 1 to 16 features for 4 x 4, got 17"),
            (lambda: PictureCode(2, size=4).fit(torch.zeros(2, 1, 4, 4)), "expected more than 2 pictures, got 2"),
            (lambda: PictureCode(2, size=4)(torch.zeros(2, 1, 5, 4)), "PictureCode"),
            (lambda: PictureCode(2, size=4)(torch.full((1, 1, 4, 4), torch.nan)), "PictureCode"),
            (lambda: PictureCode(2, size=4).decode(torch.zeros(1, 3)), "PictureCode.decode"),
        ],
    )
    def test_bad_input(self, call, words):
        with pytest.raises(ValueError, match=words):
            call()


class TestPicturePairs:
    model = models.pointflow(code=4, couplings=1, hidden=(8,))

    def test_to_measure_shapes_stay_as_they_are(self):
        pairs = picture_pairs(self.model, "valid", views=2, points=64)
        shapes = data.furniture("valid", 64).points
        assert torch.equal(pairs.clouds, shapes.repeat(2, 1, 1)) and torch.equal(
            pairs.shape, torch.arange(12).repeat(2)
        )
        assert torch.equal(pairs.codes[:12], pairs.codes[12:]) and not torch.equal(
            pairs.pictures[0], pairs.pictures[12]
        )

    def test_views_are_where_they_were_asked_for_and_the_same_each_time(self):
        one, two = (picture_pairs(self.model, "valid", views=3, turn=(70.0, 90.0)) for _ in range(2))
        assert 70 <= one.turn.min() and one.turn.max() <= 90 and torch.equal(one.pictures, two.pictures)

    def test_nobodys_random_state_moves(self):
        before = torch.get_rng_state()
        picture_pairs(self.model, "train", views=1)
        assert torch.equal(before, torch.get_rng_state())


class TestPictureShapes:
    def test_the_loss_is_its_parts(self):
        torch.manual_seed(0)
        model = models.picture_shapes(4, 6, size=8, steps=2, hidden=(16,)).eval()
        pictures, shapes = torch.rand(20, 1, 8, 8), torch.randn(20, 6)
        model.code.fit(pictures)
        plain = model.loss(shapes, pictures, source=0.0, cycle=0.0)
        torch.testing.assert_close(plain, -model.log_prob(shapes, pictures))
        source = model.loss(shapes, pictures, source=1.0, cycle=0.0) - plain
        c = model.code(pictures)
        own = model.to_shape.bijection.source_log_prob(c) + model.to_picture.bijection.source_log_prob(shapes)
        torch.testing.assert_close(source, -own)
        assert (model.loss(shapes, pictures, source=0.0, cycle=1.0) > plain).all()

    def test_both_ways_give_what_they_say(self):
        torch.manual_seed(0)
        model = models.picture_shapes(4, 6, size=8, steps=2, hidden=(16,)).eval()
        model.code.fit(torch.rand(20, 1, 8, 8))
        assert model.sample(3, torch.rand(3, 1, 8, 8)).shape == (3, 6)
        seen = model.pictures(torch.randn(5, 6))
        assert seen.shape == (5, 1, 8, 8) and 0 <= seen.min() and seen.max() <= 1
