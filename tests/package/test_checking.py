"""check_bijection on bijections that are wrong and look right, and on right ones that are unusual.

Each wrong one gives the right z and ladj at the points where it is asked, so only one property can tell.
"""

from __future__ import annotations

import pytest
import torch

from nf_course import MLP, Bijection, BijectionError, check_bijection, randomise


class Right(Bijection):
    """An affine coupling in ten lines: keeps one of three features."""

    def __init__(self, context=0):
        super().__init__()
        self.net = MLP(1, 4, (8,), context)

    def scale_and_shift(self, kept, context):
        a, shift = self.net(kept, context).chunk(2, 1)
        return torch.tanh(a), shift

    def encode(self, x, context=None):
        a, shift = self.scale_and_shift(x[:, :1], context)
        return torch.cat((x[:, :1], a.exp() * x[:, 1:] + shift), 1), a.sum(1)

    def decode(self, z, context=None):
        a, shift = self.scale_and_shift(z[:, :1], context)
        return torch.cat((z[:, :1], (z[:, 1:] - shift) / a.exp()), 1), -a.sum(1)


class LadjDetached(Right):
    def encode(self, x, context=None):
        z, ladj = super().encode(x, context)
        return z, ladj.detach()


class LadjThroughPython(Right):
    def encode(self, x, context=None):
        z, ladj = super().encode(x, context)
        return z, x.new_tensor(ladj.tolist())


class ScaleDetached(Right):
    def scale_and_shift(self, kept, context):
        a, shift = super().scale_and_shift(kept, context)
        return a.detach(), shift


class KeptDetached(Right):
    """The Jacobian stays triangular, so no determinant shows it."""

    def scale_and_shift(self, kept, context):
        return super().scale_and_shift(kept.detach(), context)


class ContextForgottenInDecode(Right):
    def decode(self, z, context=None):
        return super().decode(z, torch.zeros_like(context))


class ContextForgottenInLadj(Right):
    def encode(self, x, context=None):
        return super().encode(x, context)[0], super().encode(x, torch.zeros_like(context))[1]


class LadjRemembered(Right):
    def encode(self, x, context=None):
        z, self._ladj = super().encode(x, context)
        return z, self._ladj

    def decode(self, z, context=None):
        return super().decode(z, context)[0], -self._ladj[: len(z)]


class Noisy(Right):
    def encode(self, x, context=None):
        z, ladj = super().encode(x, context)
        return z + 1e-6 * torch.randn_like(z), ladj


class LadjInDouble(Right):
    def encode(self, x, context=None):
        z, ladj = super().encode(x, context)
        return z, ladj.double()


class OnlyZ(Right):
    def encode(self, x, context=None):
        return super().encode(x, context)[0]


class DecodeOfAnotherShape(Right):
    def decode(self, z, context=None):
        x, ladj = super().decode(z, context)
        return x[:, None], ladj


class Permute(Bijection):
    """A permutation drawn at construction; how it is kept decides whether a saved model can be loaded."""

    def __init__(self, keep):
        super().__init__()
        permutation = torch.tensor([1, 2, 0])
        if keep == "plain":
            self.permutation = permutation
        elif keep == "list":
            self._in_list = [permutation]
        else:
            self.register_buffer("permutation", permutation, persistent=keep == "buffer")

    def order(self):
        return self._in_list[0] if hasattr(self, "_in_list") else self.permutation

    def encode(self, x, context=None):
        return x[:, self.order()], x.new_zeros(len(x))

    def decode(self, z, context=None):
        return z[:, self.order().argsort()], z.new_zeros(len(z))


class LayersInList(Bijection):
    """No parameter of theirs is trained, saved, or moved to a device."""

    def __init__(self):
        super().__init__()
        self.layers = [randomise(Right().double())]

    def encode(self, x, context=None):
        return self.layers[0].encode(x)

    def decode(self, z, context=None):
        return self.layers[0].decode(z)


def points(seed=0):
    return torch.randn(4, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


ZEROS = torch.zeros(4, 2, dtype=torch.float64)
WRONG = [
    (LadjDetached, None, "gradient"),
    (LadjThroughPython, None, "gradient"),
    (ScaleDetached, None, "gradient"),
    (KeptDetached, None, "gradient"),
    (lambda: ContextForgottenInDecode(2), ZEROS, "round trip"),
    (lambda: ContextForgottenInLadj(2), ZEROS, "encode ladj"),
    (LadjRemembered, None, "decode ladj"),
    (Noisy, None, "rows independent"),
    (LadjInDouble, None, "dtype"),
    (OnlyZ, None, "pair"),
    (DecodeOfAnotherShape, None, "round trip"),
    (lambda: Permute("plain"), None, "state_dict"),
    (lambda: Permute("list"), None, "state_dict"),
    (lambda: Permute("buffer that is not saved"), None, "state_dict"),
    (LayersInList, None, "state_dict"),
]


@pytest.mark.parametrize(("build", "context", "caught_by"), WRONG)
def test_wrong_ones_are_caught(build, context, caught_by):
    with pytest.raises(BijectionError) as error:
        check_bijection(randomise(build().double()), points(), context)
    assert error.value.property == caught_by, error.value


@pytest.mark.parametrize(
    ("build", "context"), [(Right, None), (lambda: Right(2), ZEROS), (lambda: Permute("buffer"), None)]
)
def test_right_ones_pass(build, context):
    check_bijection(randomise(build().double()), points(), context)


def test_right_in_no_grad_with_a_frozen_parameter_and_points_that_want_a_gradient():
    layer = randomise(Right().double())
    layer.net[0].weight.requires_grad_(False)
    with torch.no_grad():
        check_bijection(layer, points().requires_grad_())


def test_leaves_gradients_weights_and_the_random_state_alone():
    layer, x = randomise(Right().double()), points()
    layer.encode(x)[0].sum().backward()
    before = [(p.clone(), p.grad.clone()) for p in layer.parameters()]
    torch.manual_seed(0)
    check_bijection(layer, x)
    after = torch.rand(1)
    torch.manual_seed(0)
    assert torch.equal(after, torch.rand(1))
    for p, (value, grad) in zip(layer.parameters(), before, strict=True):
        assert torch.equal(p, value) and torch.equal(p.grad, grad)


def test_a_lost_layer_is_named():
    with pytest.raises(BijectionError, match=r"does not carry layers.*nn\.ModuleList"):
        check_bijection(LayersInList(), points())
