"""fit: reaches the known optimum, is seeded, stops in the right way, and never loses weights."""

from __future__ import annotations

import copy
import io
import math
import os

import numpy as np
import pytest
import torch

from nf_course import (
    ActNorm,
    Bijection,
    Flow,
    LULinear,
    NonFiniteLoss,
    Sequential,
    StandardNormal,
    data,
    fit,
    load_checkpoint,
    mean_nll,
    models,
    save_checkpoint,
)

quiet = {"progress": False}


def gaussian_flow():
    torch.manual_seed(0)
    return Flow(Sequential(ActNorm(3), LULinear(3)), StandardNormal(3))


def gaussian_data(n=4000, seed=0):
    generator = torch.Generator().manual_seed(seed)
    A = torch.tensor([[2.0, 0.0, 0.0], [1.0, 0.5, 0.0], [-0.5, 0.3, 1.0]])
    return torch.randn(n, 3, generator=generator) @ A.T + torch.tensor([3.0, -1.0, 0.5])


def small(seed=0):
    torch.manual_seed(seed)
    return models.realnvp(2, 2, hidden=(16,))


def test_reaches_the_closed_form_of_a_gaussian():
    """The best Gaussian has the sample's covariance S: its NLL is half log det(2 pi e S)."""
    x, flow = gaussian_data(), gaussian_flow()
    fit(flow, x, steps=600, batch_size=500, lr=2e-2, **quiet)
    best = 0.5 * (torch.logdet(torch.cov(x.T, correction=0)) + 3 * math.log(2 * math.pi * math.e)).item()
    assert 0 <= mean_nll(flow, x) - best + 1e-4 < 2e-3


def test_same_seed_same_weights_and_the_global_state_is_left_alone():
    x, flows = data.moons(400, seed=0), []
    for _ in range(2):
        flow = small()
        torch.manual_seed(123)
        fit(flow, x, steps=20, seed=5, **quiet)
        after = torch.rand(1)
        flows.append(flow)
    torch.manual_seed(123)
    assert torch.equal(after, torch.rand(1))
    assert all(torch.equal(a, b) for a, b in zip(flows[0].parameters(), flows[1].parameters()))
    other = small()
    fit(other, x, steps=20, seed=6, **quiet)
    assert not all(torch.equal(a, b) for a, b in zip(flows[0].parameters(), other.parameters()))


def test_keeps_the_best_weights_and_stops_early():
    """Sixteen points are soon learned by heart: held-out loss turns, training stops, the best weights are back."""
    flow, x, valid = small(), data.moons(16, seed=0), data.moons(500, seed=1)
    history = fit(flow, x, valid, steps=2000, lr=2e-2, evaluate_every=10, patience=5, **quiet)
    assert "no better held-out loss" in history.stopped
    assert len(history.train_nll) == history.best_step + 50 < 2000
    assert history.best_nll == min(history.valid_nll) < history.valid_nll[-1]
    assert mean_nll(flow, valid) == pytest.approx(history.best_nll)


def doubled(flow, x, context):
    return -2 * flow.log_prob(x, context)


class Explodes(Bijection):
    """Fine for `after` calls, then NaN: a stand-in for a step that was too large."""

    def __init__(self, after):
        super().__init__()
        self.scale, self.calls, self.after = torch.nn.Parameter(torch.zeros(2)), 0, after

    def encode(self, x, context=None):
        self.calls += self.training
        scale = self.scale * (math.nan if self.calls > self.after and self.training else 1.0)
        return x * scale.exp(), scale.sum().expand(len(x))


def test_non_finite_loss_stops_says_when_and_puts_good_weights_back():
    flow = Flow(Explodes(after=25), StandardNormal(2))
    with pytest.raises(NonFiniteLoss, match=r"not finite at step 26.*step 20") as error:
        fit(flow, data.moons(200, seed=0), steps=100, evaluate_every=10, **quiet)
    assert error.value.step == 26
    assert torch.isfinite(flow.bijection.scale).all() and flow.bijection.scale.abs().max() > 0


@pytest.mark.parametrize(("valid", "what"), [(None, "loss after the step"), (data.moons(50, seed=1), "held-out loss")])
def test_a_last_step_that_blows_up_is_not_kept(valid, what):
    flow, x = small(), data.moons(50, seed=0)
    before = copy.deepcopy(flow.state_dict())
    with pytest.raises(NonFiniteLoss, match=rf"{what} is not finite at step 1.*step 0"):
        fit(flow, x, valid, steps=1, lr=1e38, **quiet)
    assert all(torch.equal(before[k], v) for k, v in flow.state_dict().items())


def test_a_default_device_elsewhere_does_not_matter():
    """With torch.set_default_device("cuda") the order of the batches is still drawn on the CPU."""
    flow, x = small(), data.moons(50, seed=0)
    with torch.device("meta"):
        assert fit(flow, x, steps=2, **quiet).best_step == 2


def test_context_is_used():
    """x = c + noise: with c the best NLL is that of the noise."""
    torch.manual_seed(0)
    c = torch.randn(4000, 2)
    x = 2 * c + 0.1 * torch.randn(4000, 2)
    flow = models.realnvp(2, 2, hidden=(32,), context_features=2)
    fit(flow, x[:3500], x[3500:], context=c[:3500], valid_context=c[3500:], steps=600, lr=5e-3, **quiet)
    noise = 2 * (0.5 * math.log(2 * math.pi * math.e) + math.log(0.1))
    assert mean_nll(flow, x[3500:], c[3500:]) < noise + 0.5


class TestCheckpoint:
    def test_goes_on_where_it_stopped(self, tmp_path):
        x, path = data.moons(300, seed=0), tmp_path / "run.pt"
        arguments = {"steps": 40, "batch_size": 64, "evaluate_every": 10, **quiet}
        whole = small()
        fit(whole, x, **arguments)

        stopped = small()
        original = save_checkpoint

        def stop_after_20(target, state):
            original(target, state)
            if state["step"] == 20:
                raise RuntimeError("power cut")

        import nf_course.training as training

        training.save_checkpoint = stop_after_20
        try:
            with pytest.raises(RuntimeError, match="power cut"):
                fit(stopped, x, checkpoint=path, **arguments)
        finally:
            training.save_checkpoint = original
        resumed = small(seed=99)
        history = fit(resumed, x, checkpoint=path, **arguments)
        assert len(history.train_nll) == 40 and history.valid_steps == [10, 20, 30, 40]
        for a, b in zip(whole.parameters(), resumed.parameters()):
            assert torch.equal(a, b)  # also in the middle of a pass over the data

    def test_refuses_the_checkpoint_of_another_flow_and_leaves_both_alone(self, tmp_path):
        x, path = data.moons(50, seed=0), tmp_path / "run.pt"
        fit(small(), x, steps=2, checkpoint=path, **quiet)
        kept = path.read_bytes()
        for other in (models.realnvp(2, 4, hidden=(16,)), models.realnvp(2, 2, hidden=(8,))):
            before = copy.deepcopy(other.state_dict())
            with pytest.raises(ValueError, match=r"run\.pt: expected a checkpoint of this flow"):
                fit(other, x, steps=2, checkpoint=path, **quiet)
            assert all(torch.equal(before[k], v) for k, v in other.state_dict().items())
        assert path.read_bytes() == kept

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"steps": 3}, r"steps=2 \(now 3\)"),
            ({"lr": 0.1}, r"lr=0.001 \(now 0.1\)"),
            ({"batch_size": 8, "seed": 1}, r"batch_size=256 \(now 8\), seed=0 \(now 1\)"),
            ({"train": data.moons(40, seed=0)}, r"rows=50 \(now 40\)"),
            ({"loss": doubled}, r"loss=_negative_log_likelihood \(now doubled\)"),
        ],
    )
    def test_refuses_to_go_on_with_other_arguments(self, tmp_path, change, words):
        arguments = {"train": data.moons(50, seed=0), "steps": 2, "checkpoint": tmp_path / "run.pt", **quiet}
        fit(small(), **arguments)
        with pytest.raises(ValueError, match=f"{words}.*another path"):
            fit(small(), **{**arguments, **change})

    def test_refuses_weights_alone(self, tmp_path):
        torch.save(small().state_dict(), tmp_path / "weights.pt")
        with pytest.raises(ValueError, match="expected a checkpoint written by fit"):
            fit(small(), data.moons(50, seed=0), steps=2, checkpoint=tmp_path / "weights.pt", **quiet)

    def test_a_path_that_cannot_be_written_is_met_before_the_first_step(self, tmp_path):
        flow, before = small(), small().state_dict()
        (tmp_path / "file").write_text("not a folder")
        with pytest.raises(OSError):
            fit(flow, data.moons(50, seed=0), steps=40, checkpoint=tmp_path / "file" / "run.pt", **quiet)
        assert all(torch.equal(before[k], v) for k, v in flow.state_dict().items())

    def test_folders_with_spaces_and_accents_are_made(self, tmp_path):
        path = tmp_path / "Mes modèles" / "été 1.pt"
        fit(small(), data.moons(50, seed=0), steps=2, checkpoint=str(path), **quiet)
        assert load_checkpoint(path)["step"] == 2

    def test_a_run_that_stopped_early_stays_stopped(self, tmp_path):
        x, valid = data.moons(16, seed=0), data.moons(100, seed=1)
        arguments = {"steps": 2000, "lr": 2e-2, "evaluate_every": 10, "patience": 3, "checkpoint": tmp_path / "run.pt"}
        first = fit(small(), x, valid, **arguments, **quiet)
        again = fit(small(), x, valid, **arguments, **quiet)
        assert again.train_nll == first.train_nll and again.stopped == first.stopped != "all steps done"

    def test_numpy_arguments_can_be_read_back(self, tmp_path):
        numbers = {"steps": np.int64(4), "lr": np.float64(1e-3), "batch_size": np.int64(16), "clip": np.float32(5)}
        for _ in range(2):
            history = fit(small(), data.moons(50, seed=0), checkpoint=tmp_path / "run.pt", **numbers, **quiet)
            assert len(history.train_nll) == 4

    def test_interrupted_run_keeps_its_best(self, monkeypatch):
        flow, x, calls = small(), data.moons(100, seed=0), []
        forward = flow.log_prob

        def interrupted(*args):
            calls.append(1)
            if len(calls) == 30:
                raise KeyboardInterrupt
            return forward(*args)

        monkeypatch.setattr(flow, "log_prob", interrupted)
        history = fit(flow, x, steps=100, evaluate_every=10, **quiet)
        assert history.stopped == "interrupted" and history.best_step in (10, 20)

    @pytest.mark.parametrize("damage", [lambda b: b[: len(b) // 2], lambda b: b"", lambda b: b"hello" * 20])
    def test_damaged_file_is_refused_and_left_alone(self, tmp_path, damage):
        path = tmp_path / "run.pt"
        save_checkpoint(path, {"a": torch.ones(1000)})
        path.write_bytes(damage(path.read_bytes()))
        kept = path.read_bytes()
        with pytest.raises(ValueError, match=r"expected a checkpoint.*left as it is"):
            load_checkpoint(path)
        assert path.read_bytes() == kept

    def test_code_in_a_file_is_not_run(self, tmp_path):
        class Evil:
            def __reduce__(self):
                return os.system, (f"touch {tmp_path}/ran",)

        torch.save({"a": Evil()}, tmp_path / "evil.pt")
        with pytest.raises(ValueError, match="expected a checkpoint"):
            load_checkpoint(tmp_path / "evil.pt")
        assert not (tmp_path / "ran").exists()

    def test_a_crash_while_writing_leaves_the_old_file(self, tmp_path, monkeypatch):
        path = tmp_path / "run.pt"
        save_checkpoint(path, {"step": 1})

        def crash(state, file):
            file.write(b"half of it")
            raise OSError("No space left on device")

        monkeypatch.setattr(torch, "save", crash)
        with pytest.raises(OSError, match="No space"):
            save_checkpoint(path, {"step": 2})
        monkeypatch.undo()
        assert load_checkpoint(path) == {"step": 1}
        assert list(tmp_path.iterdir()) == [path]


def test_quiet_when_asked(monkeypatch, capsys):
    monkeypatch.setenv("NF_COURSE_PROGRESS", "off")
    fit(small(), data.moons(50, seed=0), steps=2)
    assert capsys.readouterr() == ("", "")
    fit(small(), data.moons(50, seed=0), steps=2, progress=True)
    assert "fit" in capsys.readouterr().err


def test_weights_can_be_saved_by_torch_alone():
    flow, file = small(), io.BytesIO()
    torch.save(flow.state_dict(), file)
    file.seek(0)
    copy.deepcopy(flow).load_state_dict(torch.load(file, weights_only=True))
