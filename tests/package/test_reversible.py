"""Reversible: gradients by inversion are those of autograd, memory is flat in depth, what cannot be undone is refused."""

from __future__ import annotations

import copy
import sys
import weakref

import pytest
import torch
from torch import nn

from nf_course import (
    MLP,
    AffineCoupling,
    Alternating,
    Bijection,
    ContinuousFlow,
    Dequantize,
    Encoded,
    Flow,
    Inverse,
    InversionError,
    LULinear,
    MLPField,
    NonFiniteLoss,
    Reversible,
    Sequential,
    StandardNormal,
    data,
    fit,
    mixed_precision,
    models,
    randomise,
    reversible,
)
from tests.package.cases import CASES
from tests.package.test_mutations import mutant


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


INVERTIBLE = [case for case in CASES if not case.name.startswith("continuous")]


def loss_of(stack, x, context=None):
    """A loss in which every number of z and every ladj has a weight of its own."""
    z, ladj = stack.encode(x, context)
    weights = torch.linspace(-1, 2, z.shape[1:].numel(), dtype=z.dtype).view(1, *z.shape[1:])
    return (weights * z).sum() + z.square().sum() - (ladj * torch.arange(1, len(ladj) + 1)).sum()


def gradients(stack, x, context=None):
    wanted = [t for t in (x, context, *stack.parameters()) if t is not None and t.requires_grad]
    return torch.autograd.grad(loss_of(stack, x, context), wanted, allow_unused=True)


def assert_same_gradients(stored, inverted, tolerance=1e-10):
    assert len(stored) == len(inverted)
    for expected, got in zip(stored, inverted):
        expected = torch.zeros(()) if expected is None else expected
        got = torch.zeros_like(expected) if got is None else got
        error = (expected - got).abs().max() / expected.abs().max().clamp(min=1)
        assert error < tolerance, f"off by {error:.2g}"


def couplings(count, features=4, hidden=(16,), scale=0.3, context_features=0):
    stack = models.realnvp(features, count, hidden, context_features).bijection
    return list(randomise(stack, scale=scale).couplings)


@pytest.mark.parametrize("case", INVERTIBLE, ids=lambda case: case.name)
def test_gradients_are_those_of_autograd(case):
    """Each bijection of the package, twice in a row where it keeps the shape, with its context."""
    bijection, x, context = case.make()
    z, _ = bijection.encode(x, context)
    parts = [bijection]
    if z.shape == x.shape and not case.unit_interval:
        parts.append(randomise(copy.deepcopy(bijection), seed=1, scale=0.1))
    x = x.detach().requires_grad_()
    context = None if context is None else context.detach().requires_grad_()
    assert_same_gradients(gradients(Sequential(*parts), x, context), gradients(Reversible(*parts), x, context))


@pytest.mark.parametrize(
    ("what", "build", "shape"),
    [
        ("couplings one by one", lambda: Sequential(*couplings(6)), (4,)),
        ("other masks between", lambda: Sequential(*couplings(2), AffineCoupling(MLP(2, 4), Alternating())), (4,)),
        ("LU between", lambda: Sequential(*couplings(2), LULinear(4), *couplings(2)), (4,)),
        ("nested", lambda: Sequential(Sequential(*couplings(2)), Inverse(Sequential(*couplings(2)))), (4,)),
        ("the same layer twice", lambda: Sequential(*2 * couplings(2)), (4,)),
        ("Glow", lambda: randomise(models.glow((1, 8, 8), 1, 4, 6).bijection[:-1], scale=0.1).eval(), (1, 8, 8)),
    ],
)
def test_stacks(what, build, shape):
    stack = build().double()
    x = torch.randn(5, *shape, dtype=torch.float64, requires_grad=True)
    inverted = Reversible(*stack.bijections)
    assert inverted.state_dict().keys() == stack.state_dict().keys()
    z, _ = stack.encode(x)
    for got, expected in zip((*inverted.encode(x), *inverted.decode(z)), (*stack.encode(x), *stack.decode(z))):
        torch.testing.assert_close(got, expected, atol=1e-12, rtol=1e-12)
    assert_same_gradients(gradients(stack, x), gradients(inverted, x))
    assert 0 < inverted.drift < 1e-12


def test_encoder_is_evaluated_once_on_the_way_back():
    calls = []
    encoder = MLP(2, 3)
    encoder.register_forward_hook(lambda *_: calls.append(1))
    inner = Sequential(*couplings(4, context_features=3))
    parts = Encoded(encoder, inner).double()
    x, context = torch.randn(5, 4, dtype=torch.float64), torch.randn(5, 2, dtype=torch.float64, requires_grad=True)
    stored = gradients(parts, x, context)
    calls.clear()
    assert_same_gradients(stored, gradients(Reversible(parts), x, context))
    assert len(calls) == 2  # forward, and on the way back


def test_frozen_parts_and_none_to_learn():
    parts, x = couplings(3), torch.randn(5, 4)
    for parameter in parts[1].parameters():
        parameter.requires_grad_(False)
    assert_same_gradients(gradients(Sequential(*parts), x), gradients(Reversible(*parts), x), 1e-4)
    for part in parts:
        part.requires_grad_(False)
    assert not Reversible(*parts).encode(x)[0].requires_grad
    x.requires_grad_()
    assert_same_gradients(gradients(Sequential(*parts), x), gradients(Reversible(*parts), x), 1e-4)


def test_only_z_or_only_ladj_in_the_loss():
    parts, x = couplings(3), torch.randn(5, 4, requires_grad=True)
    for pick in (lambda z, ladj: z.sum(), lambda z, ladj: ladj.sum()):
        stored, inverted = (torch.autograd.grad(pick(*s(*parts).encode(x)), x)[0] for s in (Sequential, Reversible))
        torch.testing.assert_close(inverted, stored, atol=1e-5, rtol=1e-5)


def test_by_decode_where_the_parts_are_inverted():
    """Gradients through decode by inversion: the inverses, in a Reversible, read backwards."""
    parts, z = couplings(4), torch.randn(5, 4)
    inverted = Inverse(Reversible(*(Inverse(part) for part in reversed(parts))))
    found = []
    for stack in (Sequential(*parts), inverted):
        x, ladj = stack.decode(z)
        found.append(torch.autograd.grad(x.square().sum() - ladj.sum(), list(parts[0].parameters())))
    assert_same_gradients(*found, 1e-4)


def peak_kept(stack, x):
    """The most bytes that are kept for backward at one time, forward and backward, without x and the parameters."""
    own = {t.untyped_storage().data_ptr() for t in (x, *stack.parameters())}
    alive, peak = {}, 0

    class Kept:
        def __init__(self, tensor):
            self.tensor = tensor

    def pack(tensor):
        nonlocal peak
        kept, storage = Kept(tensor), tensor.untyped_storage()
        if storage.data_ptr() not in own:
            key = id(kept)
            alive[key] = (storage.data_ptr(), storage.nbytes())
            weakref.finalize(kept, alive.pop, key)
            peak = max(peak, sum(dict(alive.values()).values()))
        return kept

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda kept: kept.tensor):
        loss_of(stack, x).backward()
    return peak


def test_memory_is_flat_in_depth():
    x, depths = torch.randn(64, 4, dtype=torch.float64), (8, 32, 128)
    inverted, stored = (
        [peak_kept(kind(*couplings(depth, scale=0.03)).double(), x) for depth in depths]
        for kind in (Reversible, Sequential)
    )
    assert len(set(inverted)) == 1, inverted
    assert inverted[0] < stored[0] / 4
    assert stored[2] > 12 * stored[0]


def test_fit_follows_the_same_path():
    torch.manual_seed(0)
    train, flow = data.moons(256, seed=0), models.realnvp(2, 6, (16,))
    by_inversion = Flow(Reversible(copy.deepcopy(flow.bijection)), StandardNormal(2))
    one, other = (fit(f, train, steps=40, lr=1e-2, batch_size=64, progress=False) for f in (flow, by_inversion))
    assert one.train_nll[-1] < one.train_nll[0] - 0.3
    assert one.train_nll == pytest.approx(other.train_nll, abs=1e-3)


def test_actnorm_begins_with_the_first_batch():
    torch.manual_seed(0)
    flow = models.glow((1, 4, 4), 1, 2, 4)
    twin, x = Reversible(*copy.deepcopy(flow.bijection).bijections), torch.randn(16, 1, 4, 4)
    assert_same_gradients(gradients(flow.bijection, x), gradients(twin, x), 1e-4)
    assert all(bool(flag) for name, flag in twin.named_buffers() if name.endswith("initialised"))


def test_half_precision_networks_and_autocast():
    """The networks are evaluated again as they were: under autocast, which is not on when backward runs."""
    parts, x = couplings(3, scale=0.1), torch.randn(32, 4)

    def found(kind):
        stack = kind(*parts)
        with torch.autocast("cpu", torch.bfloat16):
            loss = loss_of(stack, x)
        return torch.autograd.grad(loss, list(stack.parameters()))

    assert_same_gradients(found(Sequential), found(lambda *p: Reversible(*p, tolerance=0.1)), 0.05)
    with mixed_precision(nn.ModuleList(parts)):
        loss_of(Reversible(*parts, tolerance=0.1), x).backward()
    assert all(p.grad.isfinite().all() for part in parts for p in part.parameters())


# --- what is refused


@pytest.mark.parametrize(
    ("part", "says"),
    [
        (lambda: Dequantize(256), "Dequantize has no inverse"),
        (lambda: ContinuousFlow(MLPField(4, (8,))), "ContinuousFlow has no inverse"),
        (lambda: AffineCoupling(_with(nn.Dropout(0.5))), "Dropout does not compute the same thing twice"),
        (lambda: AffineCoupling(_with(nn.BatchNorm1d(4))), "BatchNorm1d does not compute the same thing twice"),
        (lambda: Sequential(Sequential(Dequantize(4))), "Dequantize has no inverse"),
        (lambda: nn.Linear(4, 4), "expected a Bijection"),
    ],
)
def test_parts_that_cannot_be_undone(part, says):
    with pytest.raises(TypeError, match=says):
        Reversible(*couplings(1), part())


def _with(layer):
    net = MLP(2, 4)
    net.append(layer)
    return net


class Forgetful(Bijection):
    """A bijection in exact arithmetic; in float32 it rounds x to some hundredths."""

    def encode(self, x, context=None):
        return x + 1e6, x.new_zeros(len(x))

    def decode(self, z, context=None):
        return z - 1e6, z.new_zeros(len(z))


class Noisy(Bijection):
    def encode(self, x, context=None):
        return x + 0.01 * torch.randn_like(x), x.new_zeros(len(x))

    decode = encode


@pytest.mark.parametrize(
    ("part", "dtype"), [(Noisy(), torch.float32), (Noisy(), torch.float64), (Forgetful(), torch.float32)]
)
def test_drift_is_refused_and_no_gradient_given(part, dtype):
    stack = Reversible(*couplings(2), part, *couplings(2)).to(dtype)
    loss = loss_of(stack, torch.randn(8, 4, dtype=dtype))
    with pytest.raises(InversionError, match="so no gradient is given") as error:
        loss.backward()
    assert error.value.drift == stack.drift > 1e-3
    assert all(p.grad is None for p in stack.parameters())


def test_more_bits_or_a_wider_tolerance_let_it_pass():
    parts, x = [*couplings(2), Forgetful(), *couplings(2)], torch.randn(8, 4)
    loss_of(Reversible(*parts, tolerance=10.0), x).backward()
    stack = Reversible(*copy.deepcopy(parts)).double()
    assert_same_gradients(gradients(Sequential(*stack.bijections), x.double()), gradients(stack, x.double()), 1e-6)


def test_weights_changed_before_backward():
    stack = Reversible(*couplings(2))
    loss = loss_of(stack, torch.randn(8, 4))
    with torch.no_grad():
        next(stack.parameters()).add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_no_second_derivatives():
    stack, x = Reversible(*couplings(2)), torch.randn(8, 4, requires_grad=True)
    (grad,) = torch.autograd.grad(loss_of(stack, x), x, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        grad.sum().backward()


def test_a_loss_that_is_not_finite_is_reported_as_such():
    """fit's own error comes through: the drift of NaN is not what went wrong."""
    flow = Flow(Reversible(*couplings(2)), StandardNormal(4))
    with torch.no_grad():
        flow.bijection[1].conditioner[-1].bias.fill_(torch.inf)
    with pytest.raises(NonFiniteLoss):
        fit(flow, torch.randn(64, 4), steps=2, progress=False)


def test_empty_batch():
    stack = Reversible(*couplings(2))
    loss_of(stack, torch.randn(0, 4)).backward()
    assert stack.drift == 0


# --- mutations of the backward pass: what the source says, what the mutant says

MUTATIONS = [
    ("(-grad_moved, -each)", "(-grad_moved, each)"),
    ("(-grad_moved, -each)", "(grad_moved, -each)"),
    ("(-grad_moved, -each)", "(-grad_moved, -each / moved[0].numel())"),
    ("(-grad_moved, -each)", "(-grad_moved, -grad_ladj.mean() * torch.ones_like(moved))"),
    ("grad_moved * torch.exp(-minus_log_scale.detach())", "grad_moved"),
    ("grad_moved * torch.exp(-minus_log_scale.detach())", "grad_moved * torch.exp(minus_log_scale.detach())"),
    ("grad_kept + more", "grad_kept"),
    ("grad_kept + more", "more"),
    ("reversed(couplings)", "couplings"),
    ("reversed(part.bijections)", "part.bijections"),
    ("if coupling.mask == part.mask:", "if True:"),
    ("gathered[tensor] + grad if tensor in gathered else grad", "grad"),
    ("part.mask.merge(grad_a, grad_b)", "part.mask.merge(grad_b, grad_a)"),
    ("(grad_z, grad_ladj), x, part.parameters()", "(grad_z, 0 * grad_ladj), x, part.parameters()"),
    ("torch.cat((grad_on, grad_left), 1)", "torch.cat((grad_on, 0 * grad_left), 1)"),
    ("grad_z[:, :cut], grad_ladj, context", "grad_z[:, :cut], 0 * grad_ladj, context"),
    ("None, grad_x, given", "None, grad_x, None"),
    ("wanted + [context] if", "wanted if"),
    ("features, wanted, grad_features", "features, wanted, 0 * grad_features"),
    ("if p.requires_grad]", "if p.requires_grad][:-1]"),
]


def everything():
    """A stack in which each line of the backward pass matters."""
    shape = (1, 4, 4)
    image = models.glow(shape, 2, 2, 4, context_features=3).bijection
    vector = couplings(3, 16, context_features=3)
    stack = Sequential(*image.bijections, *vector, *vector[:1], models.realnvp(16, 3, (8,), 3).bijection)
    return randomise(Encoded(MLP(2, 3), stack).double(), scale=0.1).eval(), shape


@pytest.mark.parametrize(("old", "new"), MUTATIONS, ids=[f"{old} -> {new}" for old, new in MUTATIONS])
def test_mutation_of_the_backward_pass_is_caught(old, new):
    bijection, shape = everything()
    x = torch.randn(3, *shape, dtype=torch.float64, requires_grad=True)
    context = torch.randn(3, 2, dtype=torch.float64, requires_grad=True)
    stored = gradients(bijection, x, context)
    broken = mutant(reversible, old, new)["Reversible"](bijection)
    with pytest.raises((AssertionError, ArithmeticError, RuntimeError, ValueError)):
        assert_same_gradients(stored, gradients(broken, x, context))


def test_no_mutation_no_alarm():
    bijection, shape = everything()
    x = torch.randn(3, *shape, dtype=torch.float64, requires_grad=True)
    context = torch.randn(3, 2, dtype=torch.float64, requires_grad=True)
    same = mutant(reversible, "grad_kept + more", "more + grad_kept")["Reversible"](bijection)
    assert sys.modules[type(same).__module__] is not reversible
    assert_same_gradients(gradients(bijection, x, context), gradients(same, x, context))
