"""The property test must fail on broken bijections: each mutation of the core, and the property that catches it.

A mutation replaces a few characters of the package's own source, so it breaks when that source changes its form;
then the table is brought in step.
"""

from __future__ import annotations

import inspect
import re
import sys
import types

import pytest
import torch

from nf_course import (
    BijectionError,
    actnorm,
    bijection,
    check_bijection,
    conditioners,
    coupling,
    dequantize,
    encoded,
    injector,
    linear,
    masks,
    reshape,
)
from tests.package import cases
from tests.package.cases import CASES

cflow = sys.modules["nf_course.models.cflow"]  # `models.cflow` is the function

# module, what the source says, what the mutant says, the case that meets it, the property that must object
MUTATIONS = [
    (coupling, "sum_features(log_scale)", "-sum_features(log_scale)", "affine, halves, odd D", "encode ladj"),
    (coupling, "sum_features(log_scale)", "log_scale.mean(1)", "affine, halves, odd D", "encode ladj"),
    (coupling, "sum_features(log_scale)", "log_scale.sum()", "affine, halves, odd D", "ladj shape"),
    (coupling, "sum_features(log_scale)", "log_scale.exp().prod(1)", "affine, halves, odd D", "encode ladj"),
    (coupling, "torch.exp(log_scale), -log_scale", "torch.exp(log_scale), log_scale", "affine, D = 2", "decode ladj"),
    (coupling, "(moved - shift) / torch.exp(log_scale)", "moved / torch.exp(log_scale) - shift", "affine, D = 2", "round trip"),
    (coupling, "_sum_all(scales_a, scales_b)", "_sum_all(scales_b)", "stack of couplings", "encode ladj"),
    (coupling, "sum_features(reduce(torch.add, part))", "sum_features(part[-1])", "stack of three couplings", "encode ladj"),
    (coupling, "reversed(self.couplings)", "self.couplings", "stack of couplings", "round trip"),
    (coupling, "self.conditioner(kept, context)", "self.conditioner(kept, context) + moved.repeat(1, per_feature)", "affine, D = 2", "round trip"),
    (coupling, "self.conditioner(kept, context)", "self.conditioner(kept, context * 0)", "affine, context", "context"),
    (coupling, "self.conditioner(kept, context)", "self.conditioner(kept - kept.mean(0), context)", "affine, halves, odd D", "rows independent"),
    (coupling, "moved + shift", "moved.add_(shift)", "additive, odd D", "input unchanged"),
    (coupling, "self.mask.merge(kept, moved)", "torch.cat((kept, moved), 1)", "affine, alternating, even D", "round trip"),
    (coupling, "self.mask.merge(kept, moved)", "self.mask.merge(kept, moved).flip(1)", "affine, halves, odd D", "round trip"),
    (injector, "* x + shift, sum_features(log_scale)", "* x + shift, sum_features(log_scale) / 2", "injector", "encode ladj"),
    (injector, "* x + shift, sum_features(log_scale)", "* x + shift, log_scale.sum(1)", "injector, images", "ladj shape"),
    (injector, "(z - shift) / torch.exp(log_scale)", "z / torch.exp(log_scale) - shift", "injector", "round trip"),
    (injector, ", -sum_features(log_scale)", ", sum_features(log_scale)", "injector, images", "decode ladj"),
    (injector, "self.conditioner(context)", "self.conditioner(context * 0)", "injector", "gradient"),
    (injector, "self.conditioner(context)", "self.conditioner(context - context.mean(0))", "injector", "rows independent"),
    (encoded, "self.bijection.encode(x, self.features(x, context))", "self.bijection.encode(x, self.features(x, -context))", "encoded context", "round trip"),
    (cflow, "ladj = ladj + more", "ladj = more", "layer by layer", "encode ladj"),
    (cflow, "reversed(list(zip(self.target, self._activations(z, context))))", "zip(self.target, self._activations(z, context))", "layer by layer", "round trip"),
    (cflow, "seen = [context]", "seen = [context - context.mean(0)]", "layer by layer", "rows independent"),
    (cflow, "seen = [context]", "seen = [0 * context]", "layer by layer", "gradient"),
    (masks, "squares[:, :, 0::3]", "squares[:, :, 0::2]", "affine, checkerboard", "round trip"),
    (masks, "x[:, 0::2] = kept", "x[:, 0::2] = kept.flip(1)", "affine, alternating, odd D", "round trip"),
    (masks, "return x[:, :d], x[:, d:]", "return x[:, :d], x[:, : x.shape[1] - d]", "affine, halves flipped", "round trip"),
    (linear, "positions = math.prod(x.shape[2:])", "positions = 1", "LU, 1x1 convolution, H != W", "encode ladj"),
    (linear, "positions = math.prod(x.shape[2:])", "positions = x.shape[-1] ** 2", "LU, 1x1 convolution, H != W", "encode ladj"),
    (linear, "positions = math.prod(x.shape[2:])", "positions = x[:, 0].numel()", "LU, vectors", "rows independent"),
    (linear, "self.log_abs_s.sum()", "self.log_abs_s.exp().sum()", "LU, vectors", "encode ladj"),
    (linear, "-self._ladj(z)", "self._ladj(z)", "LU, vectors", "decode ladj"),
    (linear, "self.upper.triu(1)", "self.upper", "LU, vectors", "round trip"),
    (linear, "self.upper.triu(1)", "self.upper.triu(0) + 0.1 * torch.eye(self.features)", "LU, vectors", "encode ladj"),
    (linear, "self.lower.tril(-1)", "self.lower", "LU, vectors", "round trip"),
    (linear, "self.lower.tril(-1)", "self.lower.tril(-1) + torch.eye(self.features)", "LU, vectors", "round trip"),
    (linear, "self.sign_s * self.log_abs_s.exp()", "self.log_abs_s", "LU, vectors", "encode ladj"),
    (linear, "self.permutation.argsort()", "self.permutation", "LU, vectors", "round trip"),
    (actnorm, "positions = math.prod(x.shape[2:])", "positions = 1", "actnorm, images, H != W", "encode ladj"),
    (actnorm, ".expand(len(x))", "", "actnorm, vectors", "ladj shape"),
    (actnorm, "-self._ladj(z)", "self._ladj(z)", "actnorm, vectors", "decode ladj"),
    (actnorm, "if self.training and not self._has_begun():", "if True:", "actnorm, images, H != W", "rows independent"),
    (reshape, "channels_to_pixels(z), _zeros", "z.reshape(len(z), z.shape[1] // 4, 2 * z.shape[2], 2 * z.shape[3]), _zeros", "squeeze", "round trip"),
    (reshape, "return torch.cat((z.flatten(1), x[:, self.on :].flatten(1)), 1), ladj", "return torch.cat((z.flatten(1), x[:, self.on :].flatten(1)), 1), 0 * ladj", "split", "encode ladj"),
    (reshape, "z[:, cut:].unflatten(1, self.leave_shape)", "torch.randn_like(z[:, cut:]).unflatten(1, self.leave_shape)", "split", "round trip"),
    (dequantize, "math.log(1 - 2 * self.alpha)", "0.0", "logit", "encode ladj"),
    (dequantize, "- log_1_y", "+ log_1_y", "logit", "encode ladj"),
    (bijection, "torch.stack(ladjs).sum(0)", "ladjs[-1]", "sequential", "encode ladj"),
    (bijection, "torch.stack(ladjs).sum(0)", "torch.stack(ladjs).sum()", "sequential", "ladj shape"),
    (bijection, "reversed(self.bijections)", "self.bijections", "sequential", "round trip"),
    (conditioners, "torch.cat((kept, context), 1)", "torch.cat((kept, 0 * context), 1)", "affine, context", "context"),
]  # fmt: skip


def mutant(module: types.ModuleType, old: str, new: str) -> dict[str, object]:
    """The names of `module` after replacing `old` by `new` everywhere in its source."""
    source = inspect.getsource(module)
    assert old in source, f"{module.__name__} no longer says {old!r}: bring the table of mutations in step"
    copy = types.ModuleType(module.__name__ + "_mutant")
    sys.modules[copy.__name__] = copy  # dataclasses look their module up
    exec(compile(source.replace(old, new), f"{module.__file__} (mutant)", "exec"), copy.__dict__)
    copy.Bijection = bijection.Bijection  # the parts that are not mutated are still Bijections to the mutant
    return copy.__dict__


def mutated_case(monkeypatch, module, old, new, name):
    """The case, made of the mutated classes: they stand in for the package's own in every module that uses them."""
    names = mutant(module, old, new)
    for user in (cases, coupling, linear, actnorm, reshape):
        for key in set(vars(user)) & set(names):
            changed = isinstance(names[key], type | types.FunctionType) and (
                getattr(names[key], "__module__", "") == module.__name__ + "_mutant"
            )
            if changed and user is not module and not re.match(r"^(Bijection|_Coupling)$", key):
                monkeypatch.setattr(user, key, names[key])
    return next(case for case in CASES if case.name == name)


@pytest.mark.parametrize(
    ("module", "old", "new", "name", "caught_by"),
    MUTATIONS,
    ids=[f"{m.__name__.split('.')[-1]}: {old} -> {new}" for m, old, new, *_ in MUTATIONS],
)
def test_mutation_is_caught(monkeypatch, module, old, new, name, caught_by):
    case = mutated_case(monkeypatch, module, old, new, name)
    broken, x, context = case.make()
    if module is actnorm and "if True" in new:
        broken.train()
    with pytest.raises(BijectionError) as error:
        check_bijection(broken, x, context, identity=case.identity)
    assert error.value.property == caught_by, f"caught, but by {error.value}"


def test_no_mutation_no_alarm(monkeypatch):
    """The machinery itself does not make the check fail."""
    case = mutated_case(monkeypatch, coupling, "log_scale", "log_scale", "affine, halves, odd D")
    broken, x, context = case.make()
    assert type(broken).__module__.endswith("_mutant")
    check_bijection(broken, x, context)


def test_logdets_that_cancel_prove_nothing():
    """A missing H*W in both directions cancels: encode + decode ladj = 0. Only the Jacobian tells."""

    class Forgetful(linear.LULinear):
        def _ladj(self, x):
            return self.log_abs_s.sum().expand(len(x))

    layer, x = Forgetful(3).double(), torch.randn(2, 3, 2, 2, dtype=torch.float64)
    with torch.no_grad():
        layer.log_abs_s += 0.5
    z, ladj = layer.encode(x)
    assert torch.allclose(layer.decode(z)[1], -ladj)
    with pytest.raises(BijectionError, match="encode ladj"):
        check_bijection(layer, x)
