"""torch.compile sees every flow as one graph, in training and in evaluation, for any batch size; and gives its values.

The graphs are traced and run by the "eager" backend, in seconds; one small flow goes through inductor.
"""

from __future__ import annotations

import copy

import pytest
import torch

from nf_course import (
    ActNorm,
    Dequantize,
    Flow,
    Logit,
    LULinear,
    Sequential,
    StandardNormal,
    models,
    randomise,
)

FLOWS = {
    "RealNVP": (lambda: models.realnvp(3, 4, (16,)), (3,), ()),
    "RealNVP, context": (lambda: models.realnvp(3, 4, (16,), context_features=2), (3,), (2,)),
    "NICE": (lambda: models.nice((1, 3, 3), 3, hidden=(8,)), (1, 3, 3), ()),
    "RealNVP for images": (lambda: models.realnvp_images((1, 8, 8), 2, 1, 6), (1, 8, 8), ()),
    "Glow": (lambda: models.glow((1, 8, 8), 2, 2, 6), (1, 8, 8), ()),
    "Glow, image context": (lambda: models.glow((1, 8, 8), 1, 2, 6, context_features=2), (1, 8, 8), (2, 4, 4)),
    "Glow of pixels in (0, 1)": (lambda: models.glow((1, 8, 8), 1, 1, 6, prepare=[Logit()]), (1, 8, 8), ()),
}


@pytest.fixture(autouse=True)
def _fresh():
    torch.manual_seed(0)
    torch.compiler.reset()
    yield
    torch.compiler.reset()


def inputs(shape, context, batch):
    x = torch.rand(batch, *shape)
    return (x, torch.rand(batch, *context)) if context else (x,)


def made(name):
    """The flow off the identity, its ActNorms begun."""
    build, shape, context = FLOWS[name]
    flow = build()
    flow.log_prob(*inputs(shape, context, 16))
    return randomise(flow, scale=0.05), shape, context


def graphs(module, *args) -> int:
    """How many graphs dynamo makes of one call."""
    torch.compiler.reset()
    return torch._dynamo.explain(module)(*args).graph_count


@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
@pytest.mark.parametrize("name", FLOWS)
def test_one_graph_with_the_same_values_and_gradients(name, training):
    flow, shape, context = made(name)
    flow.train(training)
    twin = copy.deepcopy(flow)
    compiled = torch.compile(twin, backend="eager", fullgraph=True)
    args = inputs(shape, context, 8)
    expected, got = flow(*args), compiled(*args)
    torch.testing.assert_close(got, expected, atol=1e-5, rtol=1e-5)
    expected.mean().backward()
    got.mean().backward()
    for (label, wanted), found in zip(flow.named_parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(
            found.grad, wanted.grad, atol=1e-4, rtol=1e-4, msg=lambda text, n=label: f"{n}: {text}"
        )


@pytest.mark.parametrize("name", ["RealNVP, context", "Glow"])
def test_one_graph_for_any_batch_size(name):
    flow, shape, context = made(name)
    compiled = torch.compile(flow, backend="eager", fullgraph=True, dynamic=True)
    with torch._dynamo.config.patch(error_on_recompile=True):
        for batch in (7, 5, 13):  # (8 is the size of the images: dynamo would take the two for one)
            args = inputs(shape, context, batch)
            torch.testing.assert_close(compiled(*args), flow(*args), atol=1e-5, rtol=1e-5)


def test_after_weights_are_loaded():
    """The copy has seen no batch of its own; it has the flag from the weights, and compiles in training at once."""
    flow, shape, context = made("Glow")
    loaded = FLOWS["Glow"][0]()
    loaded.load_state_dict(flow.state_dict())
    args = inputs(shape, context, 8)
    assert loaded.training
    got = torch.compile(loaded, backend="eager", fullgraph=True)(*args)
    torch.testing.assert_close(got, flow(*args), atol=1e-5, rtol=1e-5)


def test_dequantization_too():
    flow = Flow(
        Sequential(Dequantize(17), Logit(), *models.glow((1, 8, 8), 1, 1, 4).bijection.bijections), StandardNormal(64)
    )
    x = torch.randint(0, 17, (8, 1, 8, 8)).float()
    flow.log_prob(x)
    assert torch.compile(flow, backend="eager", fullgraph=True)(x).shape == (8,)


def test_sampling_and_decode():
    flow, shape, context = made("Glow")
    flow.eval()
    decode = torch.compile(lambda z: flow.bijection.decode(z)[0], backend="eager", fullgraph=True)
    z = torch.randn(4, 64)
    torch.testing.assert_close(decode(z), flow.bijection.decode(z)[0], atol=1e-4, rtol=1e-4)


def test_inductor_on_a_small_one():
    flow, shape, context = made("RealNVP")
    args = inputs(shape, context, 8)
    got = torch.compile(copy.deepcopy(flow), fullgraph=True)(*args)
    torch.testing.assert_close(got, flow(*args), atol=1e-5, rtol=1e-5)


# --- that a break would be seen


class Peeking(ActNorm):
    """As ActNorm was: the tensor of the flag is read at each call."""

    def _has_begun(self):
        return bool(self.initialised)


def test_a_break_is_seen():
    flow, shape, context = made("Glow")
    args = inputs(shape, context, 8)
    assert graphs(flow, *args) == 1
    for module in list(flow.modules()):
        if type(module) is ActNorm:
            module.__class__ = Peeking
    assert graphs(flow, *args) > 2
    with pytest.raises(torch._dynamo.exc.TorchDynamoException):
        torch.compile(flow, backend="eager", fullgraph=True)(*args)


# --- the flag and its shadow


def first_batch(layer):
    return layer.train().encode(3 * torch.randn(64, 2) + 1)[0]


def test_the_flag_is_obeyed_however_it_was_set():
    begun, x = ActNorm(2), torch.randn(64, 2)
    first_batch(begun)
    shift = begun.shift.clone()
    for layer in (begun, copy.deepcopy(begun), ActNorm(2)):
        layer.load_state_dict(begun.state_dict())
        layer.train().encode(x + 5)
        assert torch.equal(layer.shift, shift)  # never again
    begun.load_state_dict(ActNorm(2).state_dict())  # weights that have seen nothing: it begins anew
    first_batch(begun)
    assert begun.initialised and not torch.equal(begun.shift, shift)
    by_hand = ActNorm(2)
    by_hand.initialised.fill_(True)
    by_hand.train().encode(x)
    assert torch.equal(by_hand.shift, torch.zeros(2))


def test_flow_of_x_is_its_log_prob_where_a_subclass_says_otherwise():
    class Halved(Flow):
        def log_prob(self, x, context=None):
            return 0.5 * super().log_prob(x, context)

    flow, x = Halved(LULinear(2), StandardNormal(2)), torch.randn(3, 2)
    assert torch.equal(flow(x), flow.log_prob(x))
