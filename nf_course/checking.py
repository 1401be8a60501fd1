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
    for row in x.split(1):
        with torch.enable_grad():
            jacobian = torch.autograd.functional.jacobian(lambda r: function(r).flatten(), row)
        rows.append(torch.linalg.slogdet(jacobian.reshape(-1, row.numel())).logabsdet)
    return torch.stack(rows)


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
    written to; row i does not depend on row j; a gradient reaches every parameter; the context matters where
    `uses_context` (by default: where one is given); a copy with other weights that loads the state_dict agrees.

    Give x in float64, and parameters away from their initial values (`randomise`). The Jacobian costs O(D^3).

    >>> from nf_course import LULinear
    >>> _ = torch.manual_seed(0)
    >>> check_bijection(LULinear(3).double(), torch.randn(4, 3, dtype=torch.float64))
    """
    if len(x) < 2:
        raise ValueError(f"check_bijection: expected at least 2 rows, got {len(x)}")

    def close(got: Tensor, want: Tensor, name: str, what: str) -> None:
        error = (got - want).abs().max().item() if got.numel() else 0.0
        scale = max(1.0, want.abs().max().item()) if want.numel() else 1.0
        if not error <= tolerance * scale:  # a NaN fails too
            raise BijectionError(name, f"{what} differs by {error:.3g}, allowed {tolerance * scale:.1g}")

    before = x.clone()
    z, ladj = bijection.encode(x, context)
    if not torch.equal(before, x):
        raise BijectionError("input unchanged", "encode wrote into its input")
    _check_form(x, z, ladj, "encode")
    if not identity and z.shape == x.shape and torch.equal(z, x):
        raise BijectionError("moves", "z equals x; randomise the parameters first, or pass identity=True")

    # Latent points that no encode has produced: decode must be right there too.
    z_other = z.detach() + 0.1 * torch.randn_like(z)
    z_before = z_other.clone()
    x_other, ladj_other = bijection.decode(z_other, context)
    if not torch.equal(z_before, z_other):
        raise BijectionError("input unchanged", "decode wrote into its input")
    _check_form(z_other, x_other, ladj_other, "decode")

    for i in range(len(x)):
        row = slice(i, i + 1)
        z_alone, ladj_alone = bijection.encode(x[row], None if context is None else context[row])
        close(z_alone, z[row], "rows independent", f"z of row {i} alone and in the batch")
        close(ladj_alone, ladj[row], "rows independent", f"ladj of row {i} alone and in the batch")

    close(bijection.decode(z, context)[0], x, "round trip", "decode(encode(x))")
    close(bijection.encode(x_other, context)[0], z_other, "round trip", "encode(decode(z))")

    for i in range(len(x)):
        row = slice(i, i + 1)
        c = None if context is None else context[row]
        exact = log_abs_det_jacobian(lambda r, c=c: bijection.encode(r, c)[0], x[row])
        close(ladj[row], exact, "encode ladj", f"row {i}: ladj of encode against log|det| of autograd's Jacobian")
        exact = log_abs_det_jacobian(lambda r, c=c: bijection.decode(r, c)[0], z_other[row])
        close(ladj_other[row], exact, "decode ladj", f"row {i}: ladj of decode against log|det| of autograd's Jacobian")

    _check_gradients(bijection, x, context)
    if context is not None:
        other = context + 1.0
        same = torch.equal(bijection.encode(x, other)[0], z)
        if same == (uses_context is not False):
            raise BijectionError("context", f"z {'does not change' if same else 'changes'} with the context")

    clone = randomise(copy.deepcopy(bijection), seed=1)
    file = io.BytesIO()
    torch.save(bijection.state_dict(), file)
    file.seek(0)
    clone.load_state_dict(torch.load(file, weights_only=True))
    close(clone.encode(x, context)[0], z, "state_dict", "z after saving and loading")
    close(clone.encode(x, context)[1], ladj, "state_dict", "ladj after saving and loading")


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
    bijection.zero_grad()
    z, ladj = bijection.encode(x, context)
    weights = torch.linspace(1, 2, z.numel(), dtype=z.dtype, device=z.device).view_as(z)
    loss = (weights * z.square()).sum() + ladj.sum()
    if loss.requires_grad:
        loss.backward()
    for name, parameter in bijection.named_parameters():
        if parameter.grad is None or not parameter.grad.abs().sum() > 0:
            raise BijectionError("gradient", f"none reaches {name}")
    bijection.zero_grad()
