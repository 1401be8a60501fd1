"""06.coupling: an affine coupling written with a mask of zeros and ones, and the log-det that belongs to it."""

import torch

from nf_course.grading.exercise import Case, Exercise, Finding, Mistake

TASK = r"""
RealNVP's paper writes a coupling with a mask $b$. The network has seen the kept pixels and has answered with a whole
image $r$ of log-scales and one, $t$, of shifts, with values at the kept pixels too, where nobody needs them:

$$
\begin{gathered}
z = b \odot x + (1 - b) \odot \bigl(x \odot e^{\,r} + t\bigr), \\
\log \left| \det \frac{\partial z}{\partial x} \right| = \sum_{c,h,w} \bigl((1 - b) \odot r\bigr)_{chw}
\end{gathered}
$$

`x`, `log_scale` ($r$) and `shift` ($t$) have shape `(N, C, H, W)`; `mask` is $b$, of shape `(H, W)` and booleans,
`True` where a pixel is *kept*, and the same for all channels. Return the pair `(z, ladj)`, with `ladj` of shape `(N,)`.
"""

HINTS = (
    "At a kept pixel z = x whatever the network says there. What is the logarithm of the slope at such a pixel?",
    "Mask the network's answers first, and the rest is an ordinary scale and shift: a log-scale of 0 and a shift of 0 "
    "leave a pixel as it is.",
    "s = torch.where(mask, 0, log_scale), t likewise; z = x * s.exp() + t; ladj = s.sum((1, 2, 3)).",
)


def masked_encode(x, mask, log_scale, shift):
    log_scale = torch.where(mask, 0, log_scale)
    shift = torch.where(mask, 0, shift)
    return x * torch.exp(log_scale) + shift, log_scale.flatten(1).sum(1)


def cases(draw):
    made = []
    for n, c, h, w in ((5, 1, 4, 4), (1, 2, 3, 5), (3, 3, 2, 6)):
        mask = draw.uniform(0, 1, h, w) < 0.5  # any mask: a checkerboard would hide an answer that ignores it
        mask[0, 0], mask[0, 1], mask[-1, 0], mask[-1, -1] = True, False, False, True
        made.append(Case((2 * draw.normal(n, c, h, w), mask, draw.normal(n, c, h, w), 2 * draw.normal(n, c, h, w))))
    return made


def slopes(ask, draw):
    """Move every pixel by one: the log of how far z moves, added up, is the log-determinant."""
    x, mask, log_scale, shift = cases(draw)[1].args
    z, ladj = ask(x, mask, log_scale, shift)
    further, _ = ask(x + 1, mask, log_scale, shift)
    if (z - x)[..., mask].abs().max().item() > 1e-9:
        return Finding("property", "kept pixels as they were", "a kept pixel that has changed")
    want = (further - z).log().sum().item()
    if abs(ladj[0].item() - want) > 1e-5 * (1 + abs(want)):
        return Finding("property", f"{want:.4f}, the sum of the log of the slopes", f"{ladj[0].item():.4f}")
    return None


def _sum(values):
    return values.flatten(1).sum(1)


def _ladj(combine):
    """The right z with another log-det, `combine(keep, log_scale)`, keep 1 at kept pixels."""

    def answer(x, mask, log_scale, shift):
        return masked_encode(x, mask, log_scale, shift)[0], combine(mask.to(x), log_scale)

    return answer


def _z(combine):
    """The right log-det with another z, `combine(b, x, log_scale, shift)`."""

    def answer(x, mask, log_scale, shift):
        return combine(mask.to(x), x, log_scale, shift), masked_encode(x, mask, log_scale, shift)[1]

    return answer


_SCALE_KEPT = "the kept pixels are scaled as well: only the moved ones are, (1 - b) * (...)"
_COUNTS_KEPT = "the log-scales of the kept pixels are counted: nothing is scaled there, their log-slope is 0"

MISTAKES = (
    Mistake("counts_kept", _COUNTS_KEPT, _ladj(lambda b, s: _sum(s))),
    Mistake(
        "only_kept",
        "the sum runs over the kept pixels: it is the moved ones that are scaled",
        _ladj(lambda b, s: _sum(b * s)),
    ),
    Mistake(
        "ladj_sign",
        "the sign of ladj: this is decode's; encode adds + log_scale",
        _ladj(lambda b, s: -_sum((1 - b) * s)),
    ),
    Mistake(
        "mean", "a mean over the pixels where the sum belongs", _ladj(lambda b, s: ((1 - b) * s).flatten(1).mean(1))
    ),
    Mistake(
        "per_channel",
        "one number for each channel: sum over channels, rows and columns, one number for each image",
        _ladj(lambda b, s: ((1 - b) * s).sum((2, 3))),
    ),
    Mistake(
        "whole_batch",
        "the sum runs over the batch as well: one number for each image, (N,)",
        _ladj(lambda b, s: ((1 - b) * s).sum()),
    ),
    Mistake(
        "not_log",
        "the scales are summed: the sum is that of their logarithms, log_scale itself",
        _ladj(lambda b, s: _sum((1 - b) * s.exp())),
    ),
    Mistake("scales_kept", _SCALE_KEPT, _z(lambda b, x, s, t: x * s.exp() + (1 - b) * t)),
    Mistake(
        "shifts_kept",
        "the kept pixels are shifted as well: mask the shift too",
        _z(lambda b, x, s, t: x * ((1 - b) * s).exp() + t),
    ),
    Mistake(
        "no_mask_in_z", "the mask is missing in z: kept pixels stay as they are", _z(lambda b, x, s, t: x * s.exp() + t)
    ),
    Mistake("kept_lost", "the kept pixels are lost: add b * x", _z(lambda b, x, s, t: (1 - b) * (x * s.exp() + t))),
    Mistake(
        "not_exp",
        "log_scale is the logarithm of the scale: multiply by exp(log_scale)",
        _z(lambda b, x, s, t: b * x + (1 - b) * (x * s + t)),
    ),
    Mistake(
        "shift_first",
        "the order: scale first, then shift; here the shift is scaled too",
        _z(lambda b, x, s, t: b * x + (1 - b) * (x + t) * s.exp()),
    ),
    Mistake(
        "decode",
        "this is decode: encode multiplies by exp(log_scale) and then adds the shift",
        _z(lambda b, x, s, t: b * x + (1 - b) * (x - t) * (-s).exp()),
    ),
    Mistake(
        "roles",
        "kept and moved are exchanged: mask is True where a pixel is kept",
        lambda x, mask, s, t: masked_encode(x, ~mask, s, t),
    ),
    Mistake("no_mask", "the mask is not used at all", lambda x, mask, s, t: (x * s.exp() + t, _sum(s))),
    Mistake("z_only", "z alone: return the pair (z, ladj)", lambda *args: masked_encode(*args)[0]),
    Mistake("pair_order", "the pair is the wrong way round: (z, ladj)", lambda *args: masked_encode(*args)[::-1]),
)

EXERCISE = Exercise(
    id="06.coupling",
    title="A coupling with a mask",
    level="core",
    minutes=10,
    points=2,
    anchor="sec-06-mask-sum",
    task=TASK,
    hints=HINTS,
    references=(masked_encode,),
    returns=("z (N, C, H, W)", "ladj (N,)"),
    cases=cases,
    mistakes=MISTAKES,
    independent=slopes,
    gradient=("x", "log_scale", "shift"),
)
