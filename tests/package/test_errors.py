"""Bad input: each row is a wrong call, the error it must raise, and the words that must stand in it (expected and got)."""

from __future__ import annotations

import pytest
import torch

from nf_course import (
    MLP,
    ActNorm,
    AffineCoupling,
    Bijection,
    Checkerboard,
    ConvNet,
    CouplingStack,
    Dequantize,
    Flatten,
    Halves,
    IndexMask,
    Logit,
    LULinear,
    Sequential,
    Split,
    Squeeze,
    check_bijection,
    device,
    fit,
    mean_nll,
    models,
)

NAN = float("nan")
flow = models.realnvp(3, 2, hidden=(4,))
conditional = models.realnvp(3, 2, hidden=(4,), context_features=2)
coupling = AffineCoupling(MLP(1, 4, (4,)))
x = torch.zeros(5, 3)

CASES = [
    ("feature count, flow", lambda: flow.log_prob(torch.zeros(5, 4)), ValueError, "expected (N, 1).*got (5, 2)"),
    ("feature count, LU", lambda: LULinear(3).encode(torch.zeros(5, 4)), ValueError, "expected 3 features.*(5, 4)"),
    ("feature count, decode", lambda: LULinear(3).decode(torch.zeros(5, 4)), ValueError, "expected 3 features.*(5, 4)"),
    ("feature count, actnorm", lambda: ActNorm(3).encode(torch.zeros(5, 2)), ValueError, "expected 3 features.*(5, 2)"),
    ("feature count, base", lambda: flow.base.log_prob(torch.zeros(5, 2)), ValueError, "expected shape (N, 3), got (5, 2)"),
    ("one feature", lambda: coupling.encode(torch.zeros(5, 1)), ValueError, "at least 2 features"),
    ("rank 1", lambda: flow.log_prob(torch.zeros(3)), ValueError, "expected a batch.*got shape (3,)"),
    ("rank 4 for vectors", lambda: coupling.encode(torch.zeros(5, 3, 2, 2)), ValueError, "expected (N, 1).*(5, 1, 2, 2)"),
    ("rank 2 for images", lambda: Squeeze().encode(torch.zeros(5, 3)), ValueError, "expected (N, C, H, W).*(5, 3)"),
    ("odd image", lambda: Squeeze().encode(torch.zeros(5, 1, 3, 4)), ValueError, "H and W even.*(5, 1, 3, 4)"),
    ("odd checkerboard", lambda: Checkerboard().split(torch.zeros(5, 1, 3, 4)), ValueError, "H and W even"),
    ("channels not by four", lambda: Squeeze().decode(torch.zeros(5, 3, 2, 2)), ValueError, "4C"),
    ("flatten, shape", lambda: Flatten((1, 2, 2)).encode(torch.zeros(5, 1, 2, 3)), ValueError, "(N, 1, 2, 2), got (5, 1, 2, 3)"),
    ("flatten, latent", lambda: Flatten((1, 2, 2)).decode(torch.zeros(5, 3)), ValueError, "(N, 4), got (5, 3)"),
    ("split, shape", lambda: Split(Flatten((1, 2)), (2, 2)).encode(torch.zeros(5, 2, 3)), ValueError, "(N, 2, 2), got (5, 2, 3)"),
    ("split, one channel", lambda: Split(Flatten((1, 2)), (1, 2)), ValueError, "at least 2 channels"),
    ("integers", lambda: flow.log_prob(torch.zeros(5, 3, dtype=torch.int64)), TypeError, "floating-point.*int64.*Dequantize"),
    ("integers, LU", lambda: LULinear(3).encode(torch.zeros(5, 3, dtype=torch.int32)), TypeError, "floating-point.*int32"),
    ("numpy", lambda: flow.log_prob(x.numpy()), TypeError, "expected a torch.Tensor, got ndarray"),
    ("nan", lambda: flow.log_prob(torch.tensor([[0.0, NAN, 0.0]])), ValueError, "1 NaN or infinite of 3, first at (0, 1)"),
    ("infinity", lambda: flow.log_prob(torch.full((2, 3), float("inf"))), ValueError, "6 NaN or infinite of 6"),
    ("no context", lambda: conditional.log_prob(x), ValueError, "expected a context of shape (5, 2).*got none"),
    ("no context, sample", lambda: conditional.sample(4), ValueError, "expected a context of shape (4, 2).*got none"),
    ("context size", lambda: conditional.log_prob(x, torch.zeros(5, 3)), ValueError, "(5, 2).*got (5, 3)"),
    ("context rank", lambda: conditional.log_prob(x, torch.zeros(2)), ValueError, "(5, 2).*got (2,)"),
    ("context batch", lambda: conditional.log_prob(x, torch.zeros(4, 2)), ValueError, "4 contexts for 5 samples"),
    ("context batch, sample", lambda: conditional.sample(3, torch.zeros(4, 2)), ValueError, "4 contexts for 3 samples"),
    ("context dtype", lambda: conditional.log_prob(x, torch.zeros(5, 2).long()), TypeError, "floating-point.*int64"),
    ("context nan", lambda: conditional.log_prob(x, torch.full((5, 2), NAN)), ValueError, "context.*10 NaN"),
    ("context unasked", lambda: flow.log_prob(x, torch.zeros(5, 2)), ValueError, "expected no context"),
    ("context, layer alone", lambda: AffineCoupling(MLP(1, 4, (4,), 2)).encode(x), ValueError, "MLP: expected a context"),
    ("image context for an MLP", lambda: MLP(1, 4, (4,), 2)(x[:, :1], torch.zeros(5, 2, 2, 2)), ValueError, "context of shape (N, 2)"),
    ("channels, ConvNet", lambda: ConvNet(2, 2)(torch.zeros(5, 3, 4, 4)), ValueError, "(N, 2, H, W), got (5, 3, 4, 4)"),
    ("conditioner's output", lambda: AffineCoupling(MLP(1, 2, (4,))).encode(x), ValueError, "(5, 4).*2 for each moved.*(5, 2)"),
    ("forward", lambda: coupling(x), TypeError, "encode.*decode"),
    ("not a bijection", lambda: Sequential(LULinear(3), torch.nn.ReLU()), TypeError, "part 1 is a ReLU"),
    ("encode not written", lambda: Bijection().encode(x), NotImplementedError, "does not define encode"),
    ("stack, other mask", lambda: CouplingStack([coupling, AffineCoupling(MLP(1, 4), IndexMask([1, 0, 0]))]), ValueError, "Halves.*coupling 1"),
    ("stack, empty", lambda: CouplingStack([]), ValueError, "at least one"),
    ("index mask, nothing moved", lambda: IndexMask([1, 1]), ValueError, "some features kept and some moved"),
    ("index mask, positions", lambda: IndexMask([0, 2]), ValueError, "True or False for each feature, got [0, 2]"),
    ("index mask, size", lambda: IndexMask([1, 0]).split(x), ValueError, "expected 2 features.*(5, 3)"),
    ("dequantize, not integers", lambda: Dequantize(4).encode(torch.full((1, 2), 0.5)), ValueError, "integers 0 to 3"),
    ("dequantize, too large", lambda: Dequantize(4).encode(torch.full((1, 2), 4)), ValueError, "integers 0 to 3.*4"),
    ("logit, outside", lambda: Logit().encode(torch.full((1, 2), 1.5)), ValueError, "[0, 1].*1.5"),
    ("logit, alpha", lambda: Logit(0.5), ValueError, "alpha < 0.5, got 0.5"),
    ("realnvp, one feature", lambda: models.realnvp(1), ValueError, "at least 2 features"),
    ("actnorm, one sample", lambda: ActNorm(3).encode(torch.zeros(1, 3)), ValueError, "varies.*1 sample"),
    ("actnorm, constant", lambda: ActNorm(2).encode(torch.tensor([[1.0, 2.0], [1.0, 3.0]])), ValueError, r"feature(s) [0]"),
    ("actnorm, nan", lambda: ActNorm(1).encode(torch.tensor([[NAN], [1.0]])), ValueError, "NaN"),
    ("fit, nan", lambda: fit(flow, torch.tensor([[0.0, NAN, 0.0]]), steps=1), ValueError, "fit (train): expected finite"),
    ("rank 0", lambda: flow.log_prob(torch.tensor(1.0)), ValueError, "expected a batch.*got shape ()"),
    ("complex numbers", lambda: flow.log_prob(x.cfloat()), TypeError, "floating-point.*complex64"),
    ("another dtype", lambda: flow.log_prob(x.double()), TypeError, "expected torch.float32, as the weights are, got torch.float64"),
    ("context of another dtype", lambda: conditional.log_prob(x, torch.zeros(5, 2).half()), TypeError, "(context): expected torch.float32.*float16"),
    ("context rank 3", lambda: conditional.log_prob(x, torch.zeros(5, 2, 2)), ValueError, "(5, 2, H, W), got (5, 2, 2)"),
    ("stack, not a coupling", lambda: CouplingStack([coupling, LULinear(3)]), TypeError, "part 1 is a LULinear, expected a coupling"),
    ("dequantize, no bins", lambda: Dequantize(0), ValueError, "at least 1, got 0"),
    ("dequantize, part of a bin", lambda: Dequantize(2.5), ValueError, "whole number of bins.*got 2.5"),
    ("dequantize, coarse numbers", lambda: Dequantize(256).encode(x.half()), TypeError, "float16 is too coarse.*256 bins"),
    ("mean_nll, nothing", lambda: mean_nll(flow, x[:0]), ValueError, "at least 1 row.*got 0 rows"),
    ("mean_nll, batch size", lambda: mean_nll(flow, x, batch_size=0), ValueError, "batch_size >= 1.*5 rows, 0"),
    ("check_bijection, nan", lambda: check_bijection(LULinear(3), x * NAN), ValueError, "expected finite"),
    ("check_bijection, integers", lambda: check_bijection(LULinear(3), x.long()), TypeError, "floating-point"),
    ("check_bijection, numpy", lambda: check_bijection(LULinear(3), x.numpy()), TypeError, "expected a torch.Tensor, got ndarray"),
    ("fit, steps", lambda: fit(flow, x, steps=-1), ValueError, "steps as a whole number, at least 0, got -1"),
    ("fit, batch size", lambda: fit(flow, x, batch_size=0), ValueError, "batch_size as a whole number, at least 1, got 0"),
    ("fit, evaluate_every", lambda: fit(flow, x, evaluate_every=-3), ValueError, "evaluate_every as a whole number.*-3"),
    ("fit, patience", lambda: fit(flow, x, patience=0), ValueError, "patience as a whole number.*0"),
    ("fit, numpy", lambda: fit(flow, x.numpy(), steps=1), TypeError, "expected train as a torch.Tensor, got ndarray"),
    ("fit, rank 1", lambda: fit(flow, x[:, 0], steps=1), ValueError, "(N, ...features).*got (5,)"),
    ("fit, list of contexts", lambda: fit(conditional, x, context=[0] * 5, steps=1), TypeError, "context of train as a torch.Tensor, got list"),
    ("fit, valid_context left out", lambda: fit(conditional, x, x, context=x[:, :2], steps=1), ValueError, "expected valid_context"),
    ("fit, valid_context alone", lambda: fit(conditional, x, context=x[:, :2], valid_context=x[:, :2], steps=1), ValueError, "expected valid_context"),
    ("fit, nothing", lambda: fit(flow, x[:0], steps=1), ValueError, "N > 0"),
    ("fit, context", lambda: fit(conditional, x, context=torch.zeros(4, 2), steps=1), ValueError, "5 rows of train, got 4"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "error", "words"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_says_what_was_expected(call, error, words):
    with pytest.raises(error) as info:
        call()
    message, position = str(info.value), 0
    for word in words.split(".*"):
        assert word in message[position:], f"{word!r} not in {message!r}"
        position = message.index(word, position) + len(word)


@pytest.mark.parametrize(
    ("name", "error", "words"), [("tpu", ValueError, "cpu, cuda or mps"), ("cuda", RuntimeError, "no such device")]
)
def test_a_forced_device_that_is_not_there(monkeypatch, name, error, words):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setenv("NF_COURSE_DEVICE", name)
    with pytest.raises(error, match=words):
        device()


def test_halves_of_a_frozen_mask_are_views():
    x = torch.zeros(2, 5)
    for part in Halves().split(x):
        assert part.untyped_storage().data_ptr() == x.untyped_storage().data_ptr()
