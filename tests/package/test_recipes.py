"""The recipes and the weights that ship: every figure of a card is measured again, and a damaged file harms nothing."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch

from nf_course import StandardNormal, load_weights, models, recipes_space, save_weights
from nf_course.editing import FlowEdit
from nf_course.recipes import FOLDER, RECIPES, held_out_bits, recipe, trained, trained_log

SHIPPED = sorted(path.stem for path in FOLDER.glob("*.safetensors"))
SPACE = [r.name for r in recipes_space.SPACE if r.name in SHIPPED]
IMAGES = [name for name in SHIPPED if name != "styleflow-faces" and name not in SPACE]
MB = 1_000_000


def test_what_ships():
    kinds = {"nice", "realnvp", "glow", "srflow", "l1", "styleflow"}
    assert kinds <= {name.split("-")[0] for name in SHIPPED} and set(SHIPPED) <= set(RECIPES)
    assert {r.name for r in recipes_space.SPACE} <= set(SHIPPED)
    sizes = [(FOLDER / f"{name}.safetensors").stat().st_size for name in SHIPPED]
    assert max(sizes) <= 3 * MB and sum(sizes) <= 17 * MB


def test_an_installed_package_has_them_too(monkeypatch):
    setuptools = pytest.importorskip("setuptools")
    monkeypatch.chdir(FOLDER.parents[1])
    distribution = setuptools.Distribution()
    distribution.parse_config_files(["pyproject.toml"])
    build = distribution.get_command_obj("build_py")
    build.finalize_options()
    build.manifest_files = {}
    folders = {"nf_course": "nf_course", "nf_course.data": "nf_course/data"}
    packed = {Path(file).name for package, folder in folders.items() for file in build.find_data_files(package, folder)}
    assert {f"{name}.{end}" for name in SHIPPED for end in ("safetensors", "json", "csv")} <= packed
    assert {path.name for path in FOLDER.parent.rglob("*.npz")} <= packed


@pytest.mark.parametrize("name", SHIPPED)
class TestShipped:
    def test_the_card_says_what_ran(self, name):
        card, its = json.loads((FOLDER / f"{name}.json").read_text()), recipe(name)
        assert {"recipe", "seed", "steps", "minutes", "machine", "torch", "parameters", "bits_per_dim"} <= set(card)
        assert (card["recipe"], card["batch_size"], card["lr"]) == (name, its.batch_size, its.lr)
        assert 0 < card["best_step"] <= card["steps"] <= its.steps
        assert card["training_images"] == len(its.training_images())

    def test_its_log_is_short_and_ends_where_the_run_did(self, name):
        _, card = trained(name)
        batches, held_out = trained_log(name)
        assert len(batches) <= 600 and batches[-1][0] == held_out[-1][0] == card["steps"]
        best_step, best = min(held_out, key=lambda pair: pair[1])
        assert best_step == card["best_step"] and abs(best - card["bits_per_dim"]["valid"]) < 0.05  # other noise

    def test_its_held_out_figures_are_measured_again(self, name):
        flow, card = trained(name)
        assert sum(p.numel() for p in flow.parameters()) == card["parameters"]
        for split in ("valid", "test"):
            context = recipe(name).context(split)
            passes = 1 if name in SPACE or context is not None else 4  # one pass where it is averaged over many numbers
            again = held_out_bits(flow, recipe(name).load(split), context, passes=passes)
            assert abs(again - card["bits_per_dim"][split]) < 0.01

    def test_the_other_figures_of_its_card_are_measured_again(self, name):
        flow, card = trained(name)
        assert ("figures" in card) == (recipe(name).figures is not None)
        again = recipe(name).figures(flow) if recipe(name).figures else {}
        assert again.keys() == card.get("figures", {}).keys()
        for what, figure in again.items():
            assert abs(figure - card["figures"][what]) <= 0.02 * max(1.0, abs(figure)), what


@pytest.mark.parametrize("name", IMAGES)
class TestShippedImages:
    def test_it_is_far_better_than_not_trained(self, name):
        _, card = trained(name)
        images, context, fresh = recipe(name).load("test"), recipe(name).context("test"), recipe(name).build().eval()
        given = None if context is None else context[:50]
        assert card["bits_per_dim"]["test"] < held_out_bits(fresh, images[:50], given, passes=1) - 0.5

    def test_it_comes_back_in_float32(self, name):
        """Encode and decode through all levels, weights as they were trained: behind the dequantization, within 1e-4."""
        flow, _ = trained(name)
        first, rest = flow.bijection[0], flow.bijection[1:]
        context = recipe(name).context("test")
        given = None if context is None else context[:64]
        with torch.no_grad():
            x, _ = first.encode(recipe(name).load("test")[:64])
            z, ladj = rest.encode(x, given)
            back, ladj_back = rest.decode(z, given)
        torch.testing.assert_close(back, x, atol=1e-4, rtol=0)
        torch.testing.assert_close(ladj_back, -ladj, atol=0.05, rtol=1e-4)

    def test_its_samples_are_images(self, name):
        flow, _ = trained(name)
        context = recipe(name).context("test")
        x = flow.sample(16, None if context is None else context[:16])
        low, high = x.min().item(), x.max().item()
        assert x.shape[1:] == recipe(name).load("test").shape[1:] and x.isfinite().all()
        assert low >= 0 and high <= flow.bijection[0].bins - 1 and torch.equal(x, x.round())


class TestShippedStyleFlow:
    """Latents given attributes: it knows the attributes, and gives its latents back."""

    def test_attributes_tell_it_about_the_latent(self):
        flow, card = trained("styleflow-faces")
        w, a = recipe("styleflow-faces").load("test"), recipe("styleflow-faces").context("test")
        right, wrong = (held_out_bits(flow, w, given, passes=1) for given in (a, a.roll(1, 0)))
        nats = 100 * math.log(2)
        base = StandardNormal(100)
        assert nats * right < -base.log_prob(w).mean().item() - 5 < nats * wrong - 10
        assert abs(right - card["bits_per_dim"]["test"]) < 0.01

    def test_it_comes_back_in_float32(self):
        flow, _ = trained("styleflow-faces")
        w, a = recipe("styleflow-faces").load("test")[:64], recipe("styleflow-faces").context("test")[:64]
        edit = FlowEdit(flow)
        torch.testing.assert_close(edit.decode(edit.encode(w, a), a), w, atol=1e-3, rtol=0)


@pytest.mark.parametrize("name", SPACE)
class TestShippedSpace:
    """Clouds, pictures and poses: what is given tells them much, and being trained more."""

    def test_it_is_far_better_than_not_trained(self, name):
        _, card = trained(name)
        x, context, fresh = recipe(name).load("test"), recipe(name).context("test"), recipe(name).build().eval()
        if recipe(name).begin:
            recipe(name).begin(fresh)
        given = None if context is None else context[:20]
        assert card["bits_per_dim"]["test"] < held_out_bits(fresh, x[:20], given, passes=1) - 0.5

    def test_the_right_context_is_worth_much(self, name):
        flow, _ = trained(name)
        x, context = recipe(name).load("test"), recipe(name).context("test")
        if context is not None:
            right, wrong = (held_out_bits(flow, x, given, passes=1) for given in (context, context.roll(1, 0)))
            assert right < wrong - 0.5

    def test_it_comes_back_in_float32(self, name):
        flow, _ = trained(name)
        x, context = recipe(name).load("test")[:20], recipe(name).context("test")
        given = None if context is None else context[:20]
        with torch.no_grad():
            if name.startswith("pointflow"):
                flow, given, x = flow.points, flow.code(x).repeat_interleave(16, 0), x[:, :16].flatten(0, 1)
            elif name.startswith("cflow"):
                flow, given = flow.to_shape, flow.code(given)
            z, _ = flow.bijection.encode(x, given)
            back, _ = flow.bijection.decode(z, given)
        torch.testing.assert_close(back, x, atol=5e-3 if "continuous" in name else 1e-4, rtol=0)


def test_the_noise_of_a_measurement_is_the_same_each_time_and_nobodys_random_state_moves():
    flow, images = recipe("nice-digits").build().eval(), recipe("nice-digits").load("test")[:20]
    before = torch.get_rng_state()
    assert held_out_bits(flow, images) == held_out_bits(flow, images) != held_out_bits(flow, images, seed=1)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: recipe("glow"), "expected one of nice-digits.*got 'glow'"),
        (lambda: trained_log("glow-cifar10"), "whose weights ship.*got 'glow-cifar10'"),
        (lambda: trained("glow-cifar10"), "whose weights ship.*got 'glow-cifar10'"),
        (lambda: recipe("glow-cifar10").load("train"), "expected a folder with CIFAR-10.*nothing is downloaded"),
        (lambda: recipe("glow-mnist-full").training_images(), "expected a folder with the four files of MNIST"),
        (lambda: recipe("nice-digits").load("dev"), "train.*valid.*test.*'dev'"),
    ],
)
def test_what_is_not_there(call, words):
    with pytest.raises(ValueError, match=words):
        call()


class TestWeights:
    def small(self):
        torch.manual_seed(1)
        return models.realnvp(4, couplings=2, hidden=(48, 48))

    def test_large_tensors_in_half_precision_small_ones_whole(self, tmp_path):
        flow, path = self.small(), tmp_path / "deep" / "w.safetensors"
        for p in flow.parameters():
            torch.nn.init.normal_(p)
        whole = sum(t.numel() * t.element_size() for t in flow.state_dict().values())
        assert save_weights(flow, path) == path.stat().st_size < 0.75 * whole
        loaded = load_weights(models.realnvp(4, couplings=2, hidden=(48, 48)), path)
        for name, tensor in flow.state_dict().items():
            got = loaded.state_dict()[name]
            if tensor.numel() < 1024:
                assert torch.equal(got, tensor)
            else:
                torch.testing.assert_close(got, tensor, rtol=2**-10, atol=1e-6)
        assert not loaded.training and all(p.dtype == torch.float32 for p in loaded.parameters())

    @pytest.mark.parametrize("cut", [0, 7, 100, -1])
    def test_a_damaged_file_harms_nothing(self, tmp_path, cut):
        flow, path = self.small(), tmp_path / "w.safetensors"
        save_weights(flow, path)
        path.write_bytes(path.read_bytes()[:cut])
        before = {k: v.clone() for k, v in flow.state_dict().items()}
        with pytest.raises(ValueError, match=r"w.safetensors: expected weights in safetensors form"):
            load_weights(flow, path)
        assert all(torch.equal(before[k], v) for k, v in flow.state_dict().items())

    @pytest.mark.parametrize(
        "other", [lambda: models.realnvp(4, couplings=3, hidden=(48, 48)), lambda: models.realnvp(5, 2, (48, 48))]
    )
    def test_weights_of_another_model_are_refused(self, tmp_path, other):
        save_weights(self.small(), tmp_path / "w.safetensors")
        flow = other()
        before = {k: v.clone() for k, v in flow.state_dict().items()}
        with pytest.raises(ValueError, match="expected the weights of this flow, got others"):
            load_weights(flow, tmp_path / "w.safetensors")
        assert all(torch.equal(before[k], v) for k, v in flow.state_dict().items())

    def test_a_failed_save_keeps_the_file_that_was_there(self, tmp_path):
        flow, path = self.small(), tmp_path / "w.safetensors"
        save_weights(flow, path)
        before = path.read_bytes()
        next(p for p in flow.parameters() if p.numel() >= 1024).data.fill_(1e6)
        with pytest.raises(ValueError, match="does not fit half precision"):
            save_weights(flow, path)
        assert path.read_bytes() == before

    def test_no_file(self, tmp_path):
        with pytest.raises(FileNotFoundError, match="there is no file"):
            load_weights(self.small(), tmp_path / "w.safetensors")
