"""check_bijection: everything that makes a map a bijection with the right log-dets, as one property test.

decode(encode(x)) = x,  ladj = log|det J| with J by automatic differentiation, in both directions, and more.
Chapters 1 and 3; use it on every bijection that you write.
"""

from __future__ import annotations

import copy
import io
import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from nf_course.bijection import Bijection
from nf_course.expect import expect_finite, expect_floating

__all__ = ["BijectionError", "check_bijection", "log_abs_det_jacobian", "randomise"]


class BijectionError(AssertionError):
    """A property that a bijection lacks; `.property` names it in a word or two."""

    def __init__(self, name: str, detail: str) -> None:
        super().__init__(f"{name}: {detail}")
        self.property = name


def randomise(module: nn.Module, seed: int = 0, scale: float = 0.3) -> nn.Module:
    """Move every parameter away from its initial value, since many bugs are invisible at the identity."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            noise = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
            parameter.add_(scale * noise.to(parameter))
    return module


def log_abs_det_jacobian(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    r"""log|det df/dx| for each row of x, from the full Jacobian by autograd: (N, ...) -> (N,).

    The slow and certain way, O(D^3): what every `ladj` of the package is checked against.

    >>> log_abs_det_jacobian(lambda x: 3 * x, torch.ones(1, 2)).exp().round().item()
    9.0
    """
    rows = []
    for i in range(len(x)):
        row = x[i : i + 1]
        with torch.enable_grad():
            jacobian = torch.autograd.functional.jacobian(lambda r: function(r).flatten(), row)
        rows.append(torch.linalg.slogdet(jacobian.reshape(-1, row.numel())).logabsdet)
    return torch.stack(rows) if len(x) else x.new_zeros(0)


@torch.enable_grad()
def check_bijection(
    bijection: Bijection,
    x: Tensor,
    context: Tensor | None = None,
    *,
    tolerance: float = 1e-9,
    uses_context: bool | None = None,
    identity: bool = False,
) -> None:
    """Raise `BijectionError` unless `bijection` is what its contract says, at the points x (N >= 2).

    Checked: ladj is (N,), finite, on x's dtype and device; z has as many numbers as x, and differs from it
    (unless `identity`); round trip from both sides; ladj against autograd's Jacobian from both sides; x is not
    written to; row i does not depend on row j; a gradient reaches every parameter, and it is that of z and ladj;
    the context matters where `uses_context` (by default: where one is given), and all holds for another context
    too; a copy with other weights that loads the state_dict agrees, nothing is held outside the state_dict, and
    float32 stays float32.

    Give x in float64, and parameters away from their initial values (`randomise`). The bijection is checked in the
    mode, training or evaluation, that it is in. The Jacobian costs O(D^3).

    >>> from nf_course import LULinear
    >>> _ = torch.manual_seed(0)
    >>> check_bijection(LULinear(3).double(), torch.randn(4, 3, dtype=torch.float64))
    """
    expect_floating(x, "check_bijection")
    expect_finite(x, "check_bijection")
    if len(x) < 2:
        raise ValueError(f"check_bijection: expected at least 2 rows, got {len(x)}")
    x = x.detach()
    z, _ = _apply(bijection.encode, x, context, "encode")
    if not identity and z.shape == x.shape and torch.equal(z, x):
        raise BijectionError("moves", "z equals x; randomise the parameters first, or pass identity=True")

    _check_map(bijection, x, context, tolerance)
    _check_held(bijection)
    _check_gradients(bijection, x, context)
    if context is not None:
        other = context + 1.0
        same = torch.equal(bijection.encode(x, other)[0], z)
        if same == (uses_context is not False):
            raise BijectionError("context", f"z {'does not change' if same else 'changes'} with the context")
        _check_map(bijection, x, other, tolerance)  # a context of zeros hides a direction that forgets it
    _check_saved(bijection, x, context, tolerance)


def _check_map(bijection: Bijection, x: Tensor, context: Tensor | None, tolerance: float) -> None:
    """The two directions against each other, each row against the batch, each ladj against the Jacobian."""
    z, ladj = _apply(bijection.encode, x, context, "encode")
    # Latent points that no encode has produced: decode must be right there too.
    z_other = z.detach() + 0.1 * _noise(z, seed=0)
    x_other, ladj_other = _apply(bijection.decode, z_other, context, "decode")

    rows = [(slice(i, i + 1), None if context is None else context[i : i + 1]) for i in range(len(x))]
    for i, (row, c) in enumerate(rows):
        z_alone, ladj_alone = bijection.encode(x[row], c)
        _close(z_alone, z[row], tolerance, "rows independent", f"z of row {i} alone and in the batch")
        _close(ladj_alone, ladj[row], tolerance, "rows independent", f"ladj of row {i} alone and in the batch")

    _close(bijection.decode(z, context)[0], x, tolerance, "round trip", "decode(encode(x))")
    _close(bijection.encode(x_other, context)[0], z_other, tolerance, "round trip", "encode(decode(z))")

    for i, (row, c) in enumerate(rows):
        exact = log_abs_det_jacobian(lambda r, c=c: bijection.encode(r, c)[0], x[row])
        what = f"row {i}: ladj of encode against log|det| of autograd's Jacobian"
        _close(ladj[row], exact, tolerance, "encode ladj", what)
        exact = log_abs_det_jacobian(lambda r, c=c: bijection.decode(r, c)[0], z_other[row])
        what = f"row {i}: ladj of decode against log|det| of autograd's Jacobian"
        _close(ladj_other[row], exact, tolerance, "decode ladj", what)


def _apply(direction: Callable, source: Tensor, context: Tensor | None, name: str) -> tuple[Tensor, Tensor]:
    """(target, ladj) = direction(source), of the right form, and the source is as it was."""
    before = source.clone()
    result = direction(source, context)
    if not isinstance(result, tuple) or len(result) != 2:
        raise BijectionError("pair", f"{name} gave a {type(result).__name__}, expected a pair: (tensor, ladj)")
    if not torch.equal(before, source):
        raise BijectionError("input unchanged", f"{name} wrote into its input")
    _check_form(source, *result, name)
    return result


def _close(got: Tensor, want: Tensor, tolerance: float, name: str, what: str) -> None:
    if got.shape != want.shape:
        raise BijectionError(name, f"{what} has shape {tuple(got.shape)}, expected {tuple(want.shape)}")
    error = (got - want).abs().max().item() if got.numel() else 0.0
    scale = max(1.0, want.abs().max().item()) if want.numel() else 1.0
    if not error <= tolerance * scale:  # a NaN fails too
        raise BijectionError(name, f"{what} differs by {error:.3g}, allowed {tolerance * scale:.1g}")


def _noise(like: Tensor, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(like.shape, generator=generator, dtype=torch.float64).to(like)


def _check_form(source: Tensor, target: Tensor, ladj: Tensor, direction: str) -> None:
    if not isinstance(ladj, Tensor) or ladj.shape != (len(source),):
        got = tuple(ladj.shape) if isinstance(ladj, Tensor) else ladj
        raise BijectionError("ladj shape", f"{direction} gave {got}, expected ({len(source)},)")
    if ladj.dtype != source.dtype or ladj.device != source.device:
        raise BijectionError("ladj dtype", f"{direction} gave {ladj.dtype} on {ladj.device} for {source.dtype}")
    if target.dtype != source.dtype or target.device != source.device:
        raise BijectionError("dtype", f"{direction} gave {target.dtype} on {target.device} for {source.dtype}")
    if len(target) != len(source) or math.prod(target.shape[1:]) != math.prod(source.shape[1:]):
        raise BijectionError("dimension", f"{direction} turned {tuple(source.shape)} into {tuple(target.shape)}")
    if not (torch.isfinite(target).all() and torch.isfinite(ladj).all()):
        raise BijectionError("finite", f"{direction} gave NaN or infinity")


def _check_gradients(bijection: Bijection, x: Tensor, context: Tensor | None) -> None:
    """A gradient reaches every parameter; along a random direction it is the slope that a small step measures."""
    names, parameters = zip(*[("", x), *((n, p) for n, p in bijection.named_parameters() if p.requires_grad)])
    directions = [_noise(p, seed) for seed, p in enumerate(parameters)]

    def loss(bijection: Bijection, x: Tensor) -> Tensor:
        z, ladj = bijection.encode(x, context)
        weights = torch.linspace(1, 2, z.numel(), dtype=z.dtype, device=z.device).view_as(z)
        return (weights * z.square()).sum() + ladj.sum()

    x_leaf = x.clone().requires_grad_()
    gradients = torch.autograd.grad(loss(bijection, x_leaf), [x_leaf, *parameters[1:]], allow_unused=True)
    for name, gradient in zip(names, gradients, strict=True):
        if name and (gradient is None or not gradient.abs().sum() > 0):
            raise BijectionError("gradient", f"none reaches {name}")
    if x.dtype != torch.float64:
        return  # too coarse for a small step

    def loss_after(step: float) -> float:
        moved = copy.deepcopy(bijection)
        with torch.no_grad():
            for name, direction in zip(names[1:], directions[1:], strict=True):
                moved.get_parameter(name).add_(step * direction)
            return loss(moved, x + step * directions[0]).item()

    slope = sum((g * v).sum().item() for g, v in zip(gradients, directions, strict=True) if g is not None)
    measured = (loss_after(1e-6) - loss_after(-1e-6)) / 2e-6
    size = math.sqrt(sum(g.square().sum().item() for g in gradients if g is not None))
    if not abs(slope - measured) <= 1e-4 * max(1.0, size):
        raise BijectionError(
            "gradient", f"autograd gives a slope of {slope:.6g}, a small step {measured:.6g}: is something detached?"
        )


def _check_held(bijection: Bijection) -> None:
    """Every tensor and every layer is one that state_dict, .to(device) and parameters() know of."""
    registries = vars(nn.Module())  # _parameters, _buffers, _modules, ...
    for where, module in bijection.named_modules():
        loose = [name for name, value in vars(module).items() if name not in registries and _holds_state(value)]
        loose += [name for name in module._non_persistent_buffers_set if module.get_buffer(name).numel()]
        if loose:
            path = f"{where}.{loose[0]}".strip(".")
            mend = "make it a buffer (persistent), a parameter or an nn.ModuleList, or do not keep it"
            raise BijectionError("state_dict", f"it does not carry {path}, which is lost in saving; {mend}")


def _holds_state(value: object) -> bool:
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return isinstance(value, Tensor | nn.Module) or any(_holds_state(part) for part in parts)


def _check_saved(bijection: Bijection, x: Tensor, context: Tensor | None, tolerance: float) -> None:
    """A copy with other weights, once it has loaded the saved state_dict, is the same map; float32 stays float32."""
    clone = randomise(copy.deepcopy(bijection), seed=1)
    file = io.BytesIO()
    torch.save(bijection.state_dict(), file)
    file.seek(0)
    clone.load_state_dict(torch.load(file, weights_only=True))
    for got, want, what in zip(clone.encode(x, context), bijection.encode(x, context), ("z", "ladj"), strict=True):
        _close(got, want, tolerance, "state_dict", f"{what} after saving and loading")

    context = None if context is None else context.float()
    for got, what in zip(clone.float().encode(x.float(), context), ("z", "ladj"), strict=True):
        if got.dtype != torch.float32:
            raise BijectionError("dtype", f"{what} is {got.dtype} for an input and weights of torch.float32")
