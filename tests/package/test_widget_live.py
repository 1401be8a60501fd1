"""Live figures: moving a slider in Python computes the flow anew, and what is drawn is what the flow says."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from ipywidgets import Widget

from nf_course import MLP, AffineCoupling, Flow, LULinear, Sequential, StandardNormal, data, models, randomise
from nf_course.widgets.live import live_layers, live_stretch, live_temperature


@pytest.fixture
def flow():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return randomise(models.realnvp(2, couplings=4, hidden=(16,)), seed=3, scale=0.25)


def cloud(ax) -> torch.Tensor:
    """The points of a scatter plot."""
    return torch.tensor(np.asarray(ax.collections[-1].get_offsets()))


def linear(features: int) -> Flow:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return Flow(LULinear(features), StandardNormal(features))


def test_each_stop_shows_the_points_of_the_flow(flow):
    x = data.moons(50)
    live = live_layers(flow, x, data.moons_labels(50))
    assert isinstance(live, Widget) and live.children[0].value == 2
    with torch.no_grad():
        h, _ = flow.bijection.encode(x)
        for k, layer in enumerate([*reversed(flow.bijection.couplings), None]):
            live.children[0].value = k
            left, right = live.result.axes
            assert right.get_title() == f"after {k} of 4 layers"
            assert torch.allclose(cloud(right), h.double(), atol=1e-5)
            assert torch.allclose(cloud(left), flow.bijection.encode(x)[0].double(), atol=1e-5)
            h = layer.decode(h)[0] if layer else h
    assert torch.allclose(cloud(right), x.double(), atol=1e-5)


def test_any_bijection_counts_as_one_layer_and_a_sequence_as_its_parts():
    assert live_layers(linear(2), torch.randn(5, 2)).children[0].max == 1
    sequence = Flow(Sequential(LULinear(2), LULinear(2), LULinear(2)), StandardNormal(2))
    assert live_layers(sequence, torch.randn(5, 2)).children[0].max == 3


def test_a_conditional_flow_has_one_context_for_all():
    layer = AffineCoupling(MLP(1, 2, hidden=(8,), context_features=3, zero_init=False))
    conditional = Flow(Sequential(layer), StandardNormal(2))
    x = torch.randn(6, 2)
    for context in (torch.zeros(1, 3), torch.ones(1, 3)):
        live = live_layers(conditional, x, context=context)
        want, _ = conditional.bijection.encode(x, context.expand(6, 3))
        assert torch.allclose(cloud(live.result.axes[0]), want.double(), atol=1e-6)
        assert live_temperature(conditional, 10, context=context).result.axes
    with pytest.raises(ValueError, match="context"):
        live_temperature(conditional, 10)


def test_temperature_scales_the_noise_and_keeps_it(flow):
    before = torch.random.get_rng_state()
    live = live_temperature(flow, 30, seed=7)
    assert torch.equal(torch.random.get_rng_state(), before)
    shown = {}
    for temperature in (0.0, 0.5, 1.0):
        live.children[0].value = temperature
        (ax,) = live.result.axes
        shown[temperature] = cloud(ax)
        assert ax.get_title() == f"temperature {temperature:.2f}"
    with torch.no_grad():
        for temperature, got in shown.items():
            noise = torch.randn(30, 2, generator=torch.Generator().manual_seed(7))
            assert torch.allclose(got, flow.bijection.decode(temperature * noise)[0].double(), atol=1e-5)


@pytest.mark.parametrize("channels", [1, 3])
def test_pictures(channels):
    live = live_temperature(linear(channels * 20), 12, shape=(channels, 4, 5))
    pictures = []
    for temperature in (0.2, 1.2):
        live.children[0].value = temperature
        (ax,) = live.result.axes
        pictures.append(np.asarray(ax.images[0].get_array()))
    assert pictures[0].shape[2:] == ((3,) if channels == 3 else ())
    assert not np.allclose(pictures[0], pictures[1], equal_nan=True)


def test_the_stretch_of_a_function_is_found_by_autograd():
    live = live_stretch(lambda x: torch.sinh(x) / 2, slab=0.0, width=0.05)
    for slab in (0.0, 1.0):
        live.children[0].value = slab
        texts = [text.get_text() for ax in live.result.axes for text in ax.texts]
        assert f"{np.cosh(slab) / 2:.2f}" in texts  # the stretch over a narrow slab is the slope
    assert live.children[1].value == 0.05


def test_no_figure_stays_open(flow):
    before = plt.get_fignums()
    live = live_layers(flow, data.moons(20))
    live.children[0].value = 0
    live_temperature(flow, 10)
    live_stretch(lambda x: 2 * x)
    assert plt.get_fignums() == before


def test_what_does_not_fit_is_refused_at_once(flow):
    with pytest.raises(ValueError, match=r"points of the plane, \(N, 2\), got shape \(5, 3\)"):
        live_layers(flow, torch.randn(5, 3))
    with pytest.raises(ValueError, match="each of 5 points, got 2"):
        live_layers(flow, torch.randn(5, 2), torch.tensor([0, 1]))
    with pytest.raises(ValueError, match="give their shape"):
        live_temperature(linear(3))
    for shape in ((1, 4, 4), (2, 5, 2), (20,)):
        with pytest.raises(ValueError, match="of 20 numbers with C 1 or 3"):
            live_temperature(linear(20), shape=shape)
    for f in (lambda x: x**2, torch.zeros_like, lambda x: torch.log(x)):
        with pytest.raises((ValueError, TypeError), match="expected a function"):
            live_stretch(f)
    with pytest.raises(TypeError, match="torch operations"):
        live_stretch(lambda x: x.detach() * 2)
