"""Reversible: a Sequential whose backward pass stores no activations, since it can compute them again from z.

h_{k-1} = f_k^{-1}(h_k);  dL/dh_{k-1} = (df_k/dh_{k-1})^T dL/dh_k + dL/dladj * d ladj_k/dh_{k-1}.
Chapter 18.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import singledispatch

import torch
from torch import Tensor, nn

from nf_course.bijection import Bijection, Sequential
from nf_course.continuous import ContinuousFlow
from nf_course.coupling import AdditiveCoupling, AffineCoupling, CouplingStack
from nf_course.dequantize import Dequantize
from nf_course.encoded import Encoded
from nf_course.reshape import Split

__all__ = ["InversionError", "Reversible"]

Gathered = dict[Tensor, Tensor]  # a parameter or context, and its gradient so far


class InversionError(ArithmeticError):
    """The way back did not lead to x: gradients taken on it would be wrong. `.drift` says by how much it missed."""

    def __init__(self, drift: float, tolerance: float, dtype: torch.dtype) -> None:
        super().__init__(
            f"Reversible: expected decode(encode(x)) within {tolerance:.1g} of x, missed by {drift:.2g} in {dtype}, "
            "so no gradient is given. Use float64, fewer or gentler layers, a wider `tolerance` if you can bear the "
            "error, or Sequential, which stores its activations. A part that is random, or that changed between "
            "encode and backward, has the same effect"
        )
        self.drift = drift


class Reversible(Sequential):
    r"""`Sequential`, with the same weights under the same names, whose memory does not grow with its depth.

    .. math:: h_{k-1} = f_k^{-1}(h_k), \qquad
              \bar h_{k-1} = \Big(\frac{\partial f_k}{\partial h_{k-1}}\Big)^{\!\top} \bar h_k
              + \frac{\partial\, \text{ladj}_k}{\partial h_{k-1}}\, \bar\ell

    Here :math:`\bar h` is the gradient of the loss with respect to h, :math:`\bar\ell` that with respect to ladj.
    `encode` keeps x and z only. The backward pass undoes one part at a time, from z to x: it decodes, encodes again
    with a graph, takes the gradients, and lets go of both. A coupling's network is evaluated once for both. Inside a
    `Sequential`, `CouplingStack`, `Split` or `Encoded` that is done part by part too; any other part is undone whole.

    Shapes: as for `Sequential`. Cost: four evaluations of each conditioner's size in place of three (a backward pass
    counts for two); activations of one part in place of all. `decode` is that of `Sequential`, and stores.
    After each backward pass `drift` is the largest error of the recomputed x, relative to the largest number in x
    where that is above 1. Errors: `InversionError` where the drift exceeds `tolerance` (by default the square root of
    the dtype's precision: 3.5e-4 in float32), and no gradient is given; `TypeError` for parts that have no exact
    inverse (`Dequantize`, `ContinuousFlow`: place them in front, in a `Sequential`) or that hold dropout or batch
    normalisation, which do not compute the same twice. Gradients of gradients are not available.
    Source: Gomez et al., 2017 (arXiv 1707.04585), there for residual networks. Chapter 18.

    >>> from nf_course import MLP
    >>> _ = torch.manual_seed(0)
    >>> couplings = [AffineCoupling(MLP(1, 2, zero_init=False)) for _ in range(2)]
    >>> x, gradients = torch.randn(5, 2), []
    >>> for stack in (Sequential(*couplings), Reversible(*couplings)):
    ...     z, ladj = stack.encode(x)
    ...     gradients.append(torch.autograd.grad(z.square().sum() - ladj.sum(), list(stack.parameters())))
    >>> all(torch.allclose(a, b, atol=1e-5) for a, b in zip(*gradients))
    True
    """

    def __init__(self, *bijections: Bijection, tolerance: float | None = None) -> None:
        super().__init__(*bijections)
        for module in self.modules():
            if isinstance(module, _NOT_EXACT):
                raise TypeError(
                    f"Reversible: {type(module).__name__} has no inverse that gives its input back to rounding; "
                    "write Sequential(it, Reversible(the others))"
                )
            if isinstance(module, _NOT_TWICE_THE_SAME):
                raise TypeError(
                    f"Reversible: {type(module).__name__} does not compute the same thing twice in training, "
                    "so its layer could not be undone; leave it out, or use Sequential"
                )
        self.tolerance = tolerance
        self.drift = 0.0

    def encode(self, x, context=None):
        parameters = [p for p in self.parameters() if p.requires_grad]
        tensors = [x, *parameters] if context is None else [x, context, *parameters]
        if not (torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors)):
            return super().encode(x, context)
        return _ByInversion.apply(self, x, context, *parameters)


_NOT_EXACT = (Dequantize, ContinuousFlow)
_NOT_TWICE_THE_SAME = (nn.modules.dropout._DropoutNd, nn.modules.batchnorm._BatchNorm)


class _ByInversion(torch.autograd.Function):
    """encode without a graph; its backward goes from z back to x."""

    @staticmethod
    def forward(ctx, stack: Reversible, x: Tensor, context: Tensor | None, *parameters: Tensor):
        z, ladj = Sequential.encode(stack, x, context)
        ctx.stack, ctx.autocast = stack, _autocast_of(x)
        ctx.save_for_backward(x, z, context, *parameters)  # autograd then sees it if one of them is changed meanwhile
        return z.view_as(z), ladj

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, grad_z: Tensor, grad_ladj: Tensor):
        x, z, context, *parameters = ctx.saved_tensors
        if context is not None:
            context = context.detach().requires_grad_(ctx.needs_input_grad[2])
        gathered: Gathered = {}
        with torch.autocast(**ctx.autocast):
            h, grad_x = undo_sequential(ctx.stack, z.detach(), grad_z, grad_ladj, context, gathered)
        _expect_back_at(x, h, z, ctx.stack)
        given = None if context is None else gathered.get(context)
        return None, grad_x, given, *(gathered.get(parameter) for parameter in parameters)


@singledispatch
def undo(
    part: Bijection, z: Tensor, grad_z: Tensor, grad_ladj: Tensor, context: Tensor | None, gathered: Gathered
) -> tuple[Tensor, Tensor]:
    """x = decode(z) and the loss's gradient there; those of context and parameters are added to `gathered`.

    z and grad_z `(N, ...)`, grad_ladj (N,). This form serves every bijection: decode, then encode with a graph.
    """
    with torch.no_grad():
        x = part.decode(z, context)[0]
    x = x.detach().requires_grad_()
    with torch.enable_grad():
        outputs = part.encode(x, context)
    grad_x = _pull_back(outputs, (grad_z, grad_ladj), x, part.parameters(), context, gathered)
    return x.detach(), grad_x


@undo.register
def undo_sequential(part: Sequential, z, grad_z, grad_ladj, context, gathered):
    """The last part first."""
    for bijection in reversed(part.bijections):
        z, grad_z = undo(bijection, z, grad_z, grad_ladj, context, gathered)
    return z, grad_z


@undo.register(CouplingStack)
@undo.register(AffineCoupling)
@undo.register(AdditiveCoupling)
def undo_couplings(part, z, grad_z, grad_ladj, context, gathered):
    """Couplings that take turns: the two parts of h, and of its gradient, stay apart until all are undone."""
    couplings = part.couplings if isinstance(part, CouplingStack) else [part]
    (a, b), (grad_a, grad_b) = part.mask.split(z), part.mask.split(grad_z)
    for coupling in reversed(couplings):
        if coupling.mask == part.mask:  # a is kept, b is moved
            a, b, grad_a, grad_b = _undo_moved(coupling, a, b, grad_a, grad_b, grad_ladj, context, gathered)
        else:
            b, a, grad_b, grad_a = _undo_moved(coupling, b, a, grad_b, grad_a, grad_ladj, context, gathered)
    return part.mask.merge(a, b), part.mask.merge(grad_a, grad_b)


def _undo_moved(coupling, kept, moved, grad_kept, grad_moved, grad_ladj, context, gathered):
    r"""One evaluation of the network, for the inverse, whose graph holds the gradients of the forward map as well.

    encode(decode(z, theta), theta) = z whatever theta is. Differentiated: d encode/d theta = -s * d decode/d theta,
    with s = exp(log_scale) the derivative of encode.
    """
    kept = kept.detach().requires_grad_()
    with torch.enable_grad():
        moved, minus_log_scale = coupling.decode_moved(kept, moved, context)
    grad_moved = grad_moved * torch.exp(-minus_log_scale.detach())  # through z_moved = s * x_moved + t
    each = grad_ladj.view(-1, *[1] * (moved.ndim - 1)).expand_as(moved)  # ladj is a sum: each log-scale gets it whole
    outputs, grads = (moved, minus_log_scale), (-grad_moved, -each)
    more = _pull_back(outputs, grads, kept, coupling.parameters(), context, gathered)
    return kept.detach(), moved.detach(), grad_kept + more, grad_moved


@undo.register
def undo_split(part: Split, z, grad_z, grad_ladj, context, gathered):
    """What left for the latent is as it was; the rest is undone by itself."""
    cut = z.shape[1] - math.prod(part.leave_shape)
    on, grad_on = undo(part.rest, z[:, :cut], grad_z[:, :cut], grad_ladj, context, gathered)
    left, grad_left = (t[:, cut:].unflatten(1, part.leave_shape) for t in (z, grad_z))
    return torch.cat((on, left), 1), torch.cat((grad_on, grad_left), 1)  # (N, C, H, W)


@undo.register
def undo_encoded(part: Encoded, z, grad_z, grad_ladj, context, gathered):
    """The features are computed once, serve every part inside as a context, and hand their gradient on."""
    with torch.enable_grad():
        features = part.features(z, context)
    inside = features.detach().requires_grad_()
    z, grad_z = undo(part.bijection, z, grad_z, grad_ladj, inside, gathered)
    grad_features = gathered.pop(inside, None)
    if grad_features is not None and features.requires_grad:
        wanted = _wanted(part.encoder.parameters(), context)
        _gather(gathered, wanted, torch.autograd.grad(features, wanted, grad_features, allow_unused=True))
    return z, grad_z


def _pull_back(outputs, grads, x: Tensor, parameters, context, gathered: Gathered) -> Tensor:
    """The gradient with respect to x; those of parameters and context go to `gathered`."""
    pairs = [(output, grad) for output, grad in zip(outputs, grads) if output.requires_grad]
    if not pairs:  # a volume-preserving part that does not look at x
        return torch.zeros_like(x)
    wanted = _wanted(parameters, context)
    outputs, grads = zip(*pairs)
    grad_x, *others = torch.autograd.grad(outputs, [x, *wanted], grads, allow_unused=True)
    _gather(gathered, wanted, others)
    return torch.zeros_like(x) if grad_x is None else grad_x


def _wanted(parameters, context: Tensor | None) -> list[Tensor]:
    wanted = [parameter for parameter in parameters if parameter.requires_grad]
    return wanted + [context] if context is not None and context.requires_grad else wanted


def _gather(gathered: Gathered, tensors: Sequence[Tensor], grads: Sequence[Tensor | None]) -> None:
    for tensor, grad in zip(tensors, grads):
        if grad is not None:
            gathered[tensor] = gathered[tensor] + grad if tensor in gathered else grad


def _expect_back_at(x: Tensor, h: Tensor, z: Tensor, stack: Reversible) -> None:
    """Where encode itself gave something that is not finite, its gradients are not finite either, and say so."""
    if not x.numel():
        return
    stack.drift = ((h - x).abs().max() / x.abs().max().clamp(min=1)).item()
    tolerance = torch.finfo(x.dtype).eps ** 0.5 if stack.tolerance is None else stack.tolerance
    if not stack.drift <= tolerance and z.isfinite().all():
        raise InversionError(stack.drift, tolerance, x.dtype)


def _autocast_of(x: Tensor) -> dict:
    kind = x.device.type
    return {"device_type": kind, "dtype": torch.get_autocast_dtype(kind), "enabled": torch.is_autocast_enabled(kind)}
