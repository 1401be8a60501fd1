"""Furniture and poses as data, cameras and distances of clouds, PointFlow: tables of cases, one property each."""

import math

import pytest
import torch

from nf_course.clouds import chamfer, earth_mover, one_nn_accuracy, pairwise
from nf_course.data import furniture, poses
from nf_course.models.pointflow import PointNet, continuous_pointflow, pointflow
from nf_course.render import camera, depth_image, silhouette


class TestFurniture:
    def test_no_creator_stands_on_two_sides(self):
        parts = [set(furniture(split).creators) for split in ("train", "valid", "test")]
        assert not (parts[0] & parts[1] or parts[0] & parts[2] or parts[1] & parts[2])
        assert sum(len(furniture(split)) for split in ("train", "valid", "test")) == len(furniture()) == 233

    def test_the_first_points_are_a_sample_of_all(self):
        few, all_ = furniture("test", 256), furniture("test")
        torch.testing.assert_close(few.points, all_.points[:, :256])
        # the same mean within four standard errors
        error = (few.points.mean(1) - all_.points.mean(1)).abs() / (all_.points.std(1) / 16)
        assert error.max() < 4

    def test_the_box_is_in_the_middle_and_reaches_one(self):
        points = furniture().points
        torch.testing.assert_close(points.abs().amax((1, 2)), torch.ones(233), atol=1e-4, rtol=0)
        assert (points.amax(1) + points.amin(1)).abs().max() < 0.25

    def test_every_shape_has_its_credit(self):
        whole = furniture()
        assert all(whole.creators) and set(whole.licences) == {"CC0-1.0", "CC-BY-3.0", "CC-BY-3.0-US"}
        assert len(set(whole.ids)) == 233 == len(whole.credits())

    @pytest.mark.parametrize(
        ("call", "words"),
        [
            (lambda: furniture("all"), "split"),
            (lambda: furniture("train", 0), "from 1 to 2048, got 0"),
            (lambda: furniture("train", 4096), "got 4096"),
            (lambda: furniture("train", 1.5), "got 1.5"),
            (lambda: furniture().only("desk"), "expected some of chair"),
            (lambda: furniture().only(), "expected some of chair"),
        ],
    )
    def test_bad_input(self, call, words):
        with pytest.raises(ValueError, match=words):
            call()


class TestPoses:
    def test_no_clip_stands_on_two_sides(self):
        parts = [set(poses(split).clip.tolist()) for split in ("train", "valid", "test")]
        assert not (parts[0] & parts[1] or parts[0] & parts[2] or parts[1] & parts[2])
        assert sum(len(poses(split)) for split in ("train", "valid", "test")) == len(poses()) == 1810

    def test_root_and_turn_are_gone(self):
        frames = poses()
        assert frames.joints[:, 0].abs().max() == 0
        left, right = (frames.joints[:, frames.names.index(f"{side}_hip")] for side in ("left", "right"))
        assert (left - right)[:, 2].abs().max() < 1e-5 and (left - right)[:, 0].min() > -1e-5

    def test_bones_keep_their_length_mirrored_too(self):
        frames = poses()
        lengths = frames.bones().norm(dim=2)
        assert lengths.std(0).max() < 1e-5
        mirrored = frames.mirrored()
        torch.testing.assert_close(mirrored.bones().norm(dim=2).sum(1), lengths.sum(1))
        left, right = (mirrored.joints[:, frames.names.index(f"{side}_hip")] for side in ("left", "right"))
        assert (left - right)[:, 0].min() > -1e-5, "still the left hip on the left"

    def test_bad_split(self):
        with pytest.raises(ValueError, match="split"):
            poses("walk")


class TestClouds:
    def test_distances_by_hand(self):
        x = torch.tensor([[[0.0, 0, 0], [1, 0, 0], [2, 0, 0]]])
        y = torch.tensor([[[0.0, 0, 0], [0, 0, 0], [2, 0, 0]]])
        assert chamfer(x, y).item() == pytest.approx(1 / 3)  # the middle point is 1 away; all of y lie on x
        assert earth_mover(x, y).item() == pytest.approx(1 / 3)

    def test_only_the_earth_mover_sees_density(self):
        a, b = torch.zeros(1, 1, 3), torch.tensor([[[1.0, 0, 0]]])
        x, y = torch.cat((a, a, a, b), 1), torch.cat((a, b, b, b), 1)
        assert chamfer(x, y).item() == 0 and earth_mover(x, y).item() == pytest.approx(0.5)

    @pytest.mark.parametrize("distance", [chamfer, earth_mover])
    def test_order_and_direction_do_not_matter(self, distance):
        torch.manual_seed(0)
        x, y = torch.randn(3, 20, 3), torch.randn(3, 20, 3)
        want = distance(x, y)
        torch.testing.assert_close(distance(y, x), want)
        torch.testing.assert_close(distance(x[:, torch.randperm(20)], y), want)
        assert distance(x, x).abs().max() < 1e-5
        assert pairwise(distance, x, y).shape == (3, 3)
        torch.testing.assert_close(pairwise(distance, x, y).diagonal(), want)

    def test_one_nn_accuracy_in_its_limits(self):
        torch.manual_seed(0)
        near, far = torch.randn(50, 2), torch.randn(50, 2)
        accuracy = lambda x, y: one_nn_accuracy(torch.cdist(x, y), torch.cdist(x, x), torch.cdist(y, y))  # noqa: E731
        assert accuracy(near, far + 100) == 1.0
        assert 0.35 < accuracy(near, far) < 0.65
        assert accuracy(near, near + 1e-3) == 0.0  # copies

    @pytest.mark.parametrize(
        ("call", "words"),
        [
            (lambda: chamfer(torch.zeros(2, 5, 2), torch.zeros(2, 5, 3)), r"clouds \(N, P, 3\), got \(2, 5, 2\)"),
            (lambda: chamfer(torch.zeros(2, 0, 3), torch.zeros(2, 5, 3)), "got"),
            (lambda: chamfer(torch.zeros(2, 5, 3), torch.zeros(3, 5, 3)), "as many clouds in both, got 2 and 3"),
            (lambda: earth_mover(torch.zeros(1, 5, 3), torch.zeros(1, 4, 3)), "as many points in both, got 5 and 4"),
            (
                lambda: one_nn_accuracy(torch.zeros(2, 3), torch.zeros(3, 3), torch.zeros(3, 3)),
                r"\(2, 2\) and \(3, 3\)",
            ),
        ],
    )
    def test_bad_input(self, call, words):
        with pytest.raises(ValueError, match=words):
            call()


class TestCamera:
    def test_it_is_a_rotation(self):
        R = camera(torch.linspace(0, 360, 7), torch.linspace(-80, 80, 7))
        torch.testing.assert_close(R @ R.transpose(1, 2), torch.eye(3).expand(7, 3, 3), atol=1e-6, rtol=0)
        torch.testing.assert_close(torch.linalg.det(R), torch.ones(7))

    @pytest.mark.parametrize(
        ("turn", "tilt", "near"), [(0, 0, (0, 0, 1)), (90, 0, (1, 0, 0)), (180, 0, (0, 0, -1)), (30, 90, (0, 1, 0))]
    )
    def test_where_it_stands(self, turn, tilt, near):
        torch.testing.assert_close(camera(turn, tilt)[0, 2], torch.tensor(near, dtype=torch.float32), atol=1e-6, rtol=0)

    def test_the_nearest_point_is_seen(self):
        cloud = torch.tensor([[[0.0, 0, -0.9], [0, 0, 0.3], [0, 0, 0.1]]])
        front, back = (depth_image(cloud, camera(a), 5, reach=1.0, splat=0)[0, 0, 2, 2] for a in (0.0, 180.0))
        assert front.item() == pytest.approx(0.65) and back.item() == pytest.approx(0.95)

    def test_up_is_up_and_turning_turns(self):
        cloud = torch.tensor([[[0.0, 0.7, 0.0], [0.7, 0.0, 0.0]]])
        picture = silhouette(cloud, camera(0.0), 10, reach=1.0, splat=0)[0, 0]
        assert picture[1, 5] == 1 and picture[5, 8] == 1 and picture.sum() == 2
        assert silhouette(cloud, camera(180.0), 10, reach=1.0, splat=0)[0, 0, 5, 1] == 1

    def test_what_lies_outside_is_not_drawn(self):
        cloud = torch.tensor([[[5.0, 0, 0], [0, -5, 0]]])
        assert depth_image(cloud, camera(0.0)).sum() == 0

    @pytest.mark.parametrize(
        ("points", "view", "words"),
        [
            (torch.zeros(5, 3), camera(0.0), r"points \(N, P, 3\), got \(5, 3\)"),
            (torch.zeros(2, 5, 3), torch.eye(3), r"view \(2, 3, 3\) or \(1, 3, 3\), got \(3, 3\)"),
        ],
    )
    def test_bad_input(self, points, view, words):
        with pytest.raises(ValueError, match=words):
            depth_image(points, view)


MODELS = {
    "coupling": lambda: pointflow(code=4, couplings=3, hidden=(16,), prior=2),
    "continuous": lambda: continuous_pointflow(code=4, hidden=(16,), prior=2),
}


@pytest.mark.parametrize("build", MODELS.values(), ids=MODELS)
class TestPointFlow:
    def test_a_set_is_the_sum_of_its_points_each_counted_once(self, build):
        torch.manual_seed(0)
        model, cloud, code = build().eval(), torch.randn(2, 6, 3), torch.randn(2, 4)
        whole = model.log_prob_given(cloud, code)
        each = torch.stack([model.log_prob_given(cloud[:, i : i + 1], code) for i in range(6)]).sum(0)
        torch.testing.assert_close(whole, each, atol=1e-4, rtol=1e-4)
        twice = model.log_prob_given(torch.cat((cloud, cloud), 1), code)
        torch.testing.assert_close(twice, 2 * whole, atol=1e-4, rtol=1e-4)

    def test_the_order_of_points_does_not_matter(self, build):
        torch.manual_seed(0)
        model, cloud = build().eval(), torch.randn(2, 6, 3)
        order = torch.randperm(6)
        torch.testing.assert_close(model.code(cloud), model.code(cloud[:, order]))
        torch.manual_seed(1)
        one = model.log_prob(cloud)
        torch.manual_seed(1)
        torch.testing.assert_close(model.log_prob(cloud[:, order]), one, atol=1e-4, rtol=1e-4)

    def test_it_is_below_the_truth_on_average(self, build):
        """The bound against the integral over codes, by importance sampling."""
        torch.manual_seed(0)
        model = build().eval()
        cloud = torch.randn(1, 5, 3)
        with torch.no_grad():
            draws = model.log_prob(cloud.expand(4000, -1, -1))
        truth = torch.logsumexp(draws, 0) - math.log(4000)
        assert draws.mean() <= truth + 0.05

    def test_any_number_of_points(self, build):
        torch.manual_seed(0)
        model = build().eval()
        assert model.decode(torch.randn(3, 4), 1).shape == (3, 1, 3)
        assert model.sample(2, points=33).shape == (2, 33, 3)

    @pytest.mark.parametrize(
        ("call", "words"),
        [
            (lambda m: m.log_prob(torch.zeros(2, 5, 2)), r"shape \(N, any, 3\)"),
            (lambda m: m.log_prob(torch.full((2, 5, 3), torch.nan)), "PointFlow"),
            (lambda m: m.log_prob_given(torch.zeros(2, 5, 3), torch.zeros(2, 3)), "context of shape"),
            (lambda m: m.log_prob_given(torch.zeros(2, 5, 3), torch.zeros(3, 4)), "context of shape"),
        ],
    )
    def test_bad_input(self, build, call, words):
        with pytest.raises(ValueError, match=words):
            call(build())


def test_pointnet_takes_any_size():
    torch.manual_seed(0)
    net, cloud = PointNet(5), torch.randn(2, 7, 3)
    torch.testing.assert_close(net(cloud), net(torch.cat((cloud, cloud), 1)))  # every point twice: the same set
