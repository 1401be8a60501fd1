"""C-Flows and flows of poses: tables of models and one property each."""

import pytest
import torch

from nf_course import check_bijection, randomise
from nf_course.models.cflow import LayerByLayer, SharedLatent, cflow, cycle_distance, shared_latent
from nf_course.models.poseflow import pose_prior, poseflow
from nf_course.models.realnvp import realnvp
from nf_course.posing import joint_error, random_cameras, seen_by, stood_up
from nf_course.render import camera

SMALL = {"steps": 3, "hidden": (16,)}


class TestLayerByLayer:
    def test_it_is_a_bijection_for_each_context(self):
        torch.manual_seed(0)
        flow = randomise(cflow(3, 5, **SMALL).double(), scale=0.1).eval()
        x, given = torch.randn(4, 5, dtype=torch.float64), torch.randn(4, 3, dtype=torch.float64)
        flow.bijection.source[-1].requires_grad_(False)  # what it makes of x_1 only `source_log_prob` sees
        check_bijection(flow.bijection, x, given)

    def test_each_layer_sees_the_source_of_the_same_depth(self):
        """A source of scalings: target layer l is handed x_1 times the product of the scales before it."""

        class Double(torch.nn.Module):
            def encode(self, x, context=None):
                return 2 * x, x.new_zeros(len(x))

        class Adds(torch.nn.Module):
            def encode(self, x, context=None):
                return x + context, x.new_zeros(len(x))

            def decode(self, z, context=None):
                return z - context, z.new_zeros(len(z))

        layer = LayerByLayer([Double() for _ in range(3)], [Adds() for _ in range(3)], context_features=1)
        x, given = torch.zeros(2, 1), torch.tensor([[1.0], [3.0]])
        torch.testing.assert_close(layer.encode(x, given)[0], (1 + 2 + 4) * given)
        torch.testing.assert_close(layer.decode(7 * given, given)[0], x)

    def test_the_source_has_a_density_of_its_own(self):
        torch.manual_seed(0)
        flow = randomise(cflow(3, 5, **SMALL).double(), scale=0.1).eval()
        x1 = torch.randn(2, 3, dtype=torch.float64)
        ladj = torch.stack(
            [
                torch.linalg.slogdet(
                    torch.autograd.functional.jacobian(
                        lambda r: torch.nn.Sequential(*[_Encode(s) for s in flow.bijection.source])(r[None])[0], row
                    )
                )[1]
                for row in x1
            ]
        )
        z = torch.nn.Sequential(*[_Encode(s) for s in flow.bijection.source])(x1)
        normal = torch.distributions.Normal(0, 1).log_prob(z).sum(1)
        torch.testing.assert_close(flow.bijection.source_log_prob(x1), normal + ladj)

    def test_layers_must_pair(self):
        parts = cflow(3, 5, **SMALL).bijection
        with pytest.raises(ValueError, match="a source layer for each target layer, got 2 and 3"):
            LayerByLayer(parts.source[:2], parts.target, 3)

    def test_a_missing_context_is_named(self):
        flow = cflow(3, 5, **SMALL)
        with pytest.raises(ValueError, match="context"):
            flow.log_prob(torch.randn(2, 5))


class _Encode(torch.nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        return self.layer.encode(x)[0]


class TestSharedLatent:
    def test_there_and_back_both_ways(self):
        torch.manual_seed(0)
        both = randomise(shared_latent(4, **SMALL).double()).eval()
        x = torch.randn(5, 4, dtype=torch.float64)
        torch.testing.assert_close(both.to_first(both.to_second(x)), x)
        torch.testing.assert_close(both.to_second(both.to_first(x)), x)

    def test_the_loss_is_two_likelihoods_and_a_distance(self):
        torch.manual_seed(0)
        both = randomise(shared_latent(4, **SMALL).double()).eval()
        x1, x2 = torch.randn(2, 5, 4, dtype=torch.float64)
        plain = -both.first.log_prob(x1) - both.second.log_prob(x2)
        torch.testing.assert_close(both.loss(x1, x2, weight=0.0), plain)
        z1, z2 = both.first.bijection.encode(x1)[0], both.second.bijection.encode(x2)[0]
        torch.testing.assert_close(both.loss(x1, x2, 3.0), plain + 3 * (z1 - z2).square().sum(1))

    def test_both_sides_must_be_as_large(self):
        with pytest.raises(ValueError, match=r"as many numbers, got \(3,\) and \(4,\)"):
            SharedLatent(realnvp(3), realnvp(4))


def test_a_cycle_that_closes_has_no_distance():
    """Where x_2 says all of x_1, and the way back knows it, the distance is 0."""

    class Shift(torch.nn.Module):
        def decode(self, z, context=None):
            return z + context, z.new_zeros(len(z))

    class Exact:
        class base:
            @staticmethod
            def sample(n):
                return torch.zeros(n, 2)

        bijection = Shift()

    x = torch.randn(3, 2)
    assert cycle_distance(Exact, Exact, x).abs().max() == 0


class TestPoses:
    def test_a_flat_pose_and_its_depths_are_the_pose(self):
        torch.manual_seed(0)
        joints, view = torch.randn(4, 16, 3), random_cameras(4, seed=0)
        flat, depths = seen_by(view, joints)
        assert flat.shape == (4, 30) and depths.shape == (4, 15)
        back = stood_up(flat, depths) @ view  # R^T undoes R
        torch.testing.assert_close(back, joints - joints[:, :1], atol=1e-5, rtol=1e-4)

    def test_a_camera_does_not_change_lengths(self):
        joints = torch.randn(3, 16, 3)
        seen = stood_up(*seen_by(random_cameras(3, seed=1), joints))
        torch.testing.assert_close(seen.norm(dim=2), (joints - joints[:, :1]).norm(dim=2))

    def test_cameras_are_repeatable_and_all_around(self):
        torch.testing.assert_close(random_cameras(5, seed=3), random_cameras(5, seed=3))
        near = random_cameras(500, seed=0)[:, 2]
        assert near[:, 1].abs().max() <= torch.tensor(20.0).deg2rad().sin() + 1e-6
        assert all((near[:, k].sign() == sign).float().mean() > 0.4 for k in (0, 2) for sign in (-1, 1))

    def test_every_hypothesis_has_the_flat_pose_that_was_given(self):
        torch.manual_seed(0)
        flow, flat = randomise(poseflow(**SMALL)).eval(), torch.randn(4, 30)
        joints = stood_up(flat, flow.sample(4, flat))
        torch.testing.assert_close(seen_by(camera(0.0), joints)[0], flat)

    @pytest.mark.parametrize(("build", "features", "context"), [(poseflow, 15, 30), (pose_prior, 45, 0)])
    def test_the_flows_are_bijections(self, build, features, context):
        torch.manual_seed(0)
        flow = randomise(build(**SMALL).double(), scale=0.02).eval()
        given = torch.randn(2, context, dtype=torch.float64) if context else None
        check_bijection(flow.bijection, torch.randn(2, features, dtype=torch.float64), given)

    def test_error_in_millimetres_without_the_root(self):
        truth = torch.zeros(2, 3, 3)
        joints = truth.clone()
        joints[:, 1, 0] = 0.2
        assert joint_error(joints, truth).tolist() == pytest.approx([100.0, 100.0])  # 200 of one joint of two
        assert joint_error(joints.expand(5, 2, 3, 3), truth).shape == (5, 2)

    @pytest.mark.parametrize(
        ("call", "words"),
        [
            (lambda: seen_by(torch.eye(3), torch.zeros(2, 16, 3)), r"view \(2, 3, 3\)"),
            (lambda: seen_by(camera(0.0), torch.zeros(2, 48)), r"shape \(N, any, 3\)"),
            (lambda: stood_up(torch.zeros(2, 28), torch.zeros(2, 15)), r"flat pose \(2, 30\), got \(2, 28\)"),
            (lambda: joint_error(torch.zeros(2, 5, 3), torch.zeros(2, 6, 3)), r"expected joints"),
        ],
    )
    def test_bad_input(self, call, words):
        with pytest.raises(ValueError, match=words):
            call()
