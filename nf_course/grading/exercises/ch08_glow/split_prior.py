"""08.split_prior: a learned Gaussian prior for what leaves, written as an affine coupling before a standard normal."""

import math

import torch

from nf_course.grading.exercise import Case, Exercise, Finding, Mistake

TASK = r"""
At a split, one half of the channels leaves. Glow gives it a normal prior whose mean and deviation are predicted from
the half that goes on. The same density comes from an affine coupling before a standard normal:

$$\N\bigl(x_{\text{leave}};\ \mu,\ \operatorname{diag}(\sigma^2)\bigr) = \N(z;\ 0,\ I) \prod_i s_i, \qquad
z = s \odot x_{\text{leave}} + t$$

`x_leave`, `mean` (which is $\mu$) and `log_std` (which is $\log \sigma$) all have shape `(N, C, H, W)`. Return
`(log_scale, shift, log_prob)`: $\log s$ and $t$ of that coupling, of the same shape, and the log-density of each row,
in nats, of shape `(N,)`. Compute the latter from $z$ and $\log s$.
"""

HINTS = (
    "If x_leave = mean + std * eps with eps standard normal, then z should be eps. Solve for eps.",
    "eps = (x_leave - mean) / std, and that is s x + t with s = 1 / std. What is t?",
    "log_scale = -log_std, shift = -mean * exp(-log_std). log_prob sums log_scale - z**2 / 2 - log(2 pi) / 2 over all "
    "but dim 0.",
)


def split_prior(x_leave, mean, log_std):
    log_scale, shift = -log_std, -mean * torch.exp(-log_std)
    z = torch.exp(log_scale) * x_leave + shift
    log_prob = (log_scale - 0.5 * z.square() - 0.5 * math.log(2 * math.pi)).flatten(1).sum(1)
    return log_scale, shift, log_prob


def cases(draw):
    made = []
    for size in ((3, 2, 4, 3), (1, 3, 2, 2), (5, 1, 1, 3)):
        mean, log_std = 1.5 * draw.normal(*size), draw.uniform(0.2, 0.9, *size) * (2 * (draw.normal(*size) > 0) - 1)
        made.append(Case((mean + torch.exp(log_std) * draw.normal(*size), mean, log_std)))
    return made


def undone_by_the_prior(ask, draw):
    """Draw from the prior: the coupling must give the noise back, and the density is that of torch.distributions."""
    _, mean, log_std = cases(draw)[0].args
    noise = draw.normal(*mean.shape)
    x_leave = mean + log_std.exp() * noise
    log_scale, shift, log_prob = ask(x_leave, mean, log_std)
    error = (log_scale.exp() * x_leave + shift - noise).abs().max().item()
    if not error < 1e-5:
        return Finding("property", "s x + t gives back the noise that x was drawn with", f"a difference of {error:.2g}")
    want = torch.distributions.Normal(mean, log_std.exp()).log_prob(x_leave).sum((1, 2, 3))
    if not torch.allclose(log_prob, want, rtol=1e-5, atol=1e-5):
        return Finding("property", f"{want[0].item():.4f}, by torch.distributions", f"{log_prob[0].item():.4f}")
    return None


def _right(mean, log_std):
    return -log_std, -mean * torch.exp(-log_std)


def _density(x, log_scale, shift):
    z = torch.exp(log_scale) * x + shift
    return (log_scale - 0.5 * z.square() - 0.5 * math.log(2 * math.pi)).flatten(1).sum(1)


def _with(coupling, own=True):
    """Another coupling, `coupling(mean, log_std)`; its own density, or the right one."""

    def answer(x_leave, mean, log_std):
        log_scale, shift = coupling(mean, log_std)
        return log_scale, shift, _density(x_leave, *((log_scale, shift) if own else _right(mean, log_std)))

    return answer


def _with_density(density):
    """The right coupling with another density, `density(x, z, log_scale)`."""

    def answer(x_leave, mean, log_std):
        log_scale, shift = _right(mean, log_std)
        return log_scale, shift, density(x_leave, torch.exp(log_scale) * x_leave + shift, log_scale)

    return answer


_HALF = 0.5 * math.log(2 * math.pi)
_DECODE = "log_std and mean as they are: they lead from latent to data, the coupling from data to latent"
_SCALE = "the sign of log_scale: dividing by the deviation is s = 1 / sigma, so log s = -log sigma"
_SHIFT = "the shift is divided as well: (x - mean) / std = x / std - mean / std"
_SHIFT_SIGN = "the sign of the shift: the mean is taken off"

MISTAKES = (
    Mistake("decode", _DECODE, _with(lambda m, r: (r, m))),
    Mistake("decode", _DECODE, _with(lambda m, r: (r, m), own=False)),
    Mistake("scale_sign", _SCALE, _with(lambda m, r: (r, -m * torch.exp(-r)))),
    Mistake("scale_sign", _SCALE, _with(lambda m, r: (r, -m * torch.exp(-r)), own=False)),
    Mistake("scale_sign", _SCALE, _with(lambda m, r: (r, -m * torch.exp(r)))),
    Mistake("shift_not_divided", _SHIFT, _with(lambda m, r: (-r, -m))),
    Mistake("shift_not_divided", _SHIFT, _with(lambda m, r: (-r, -m), own=False)),
    Mistake("shift_sign", _SHIFT_SIGN, _with(lambda m, r: (-r, m * torch.exp(-r)))),
    Mistake("shift_sign", _SHIFT_SIGN, _with(lambda m, r: (-r, m * torch.exp(-r)), own=False)),
    Mistake(
        "variance",
        "log_std is read as the logarithm of the variance: no factor one half",
        _with(lambda m, r: (-0.5 * r, -m * torch.exp(-0.5 * r))),
    ),
    Mistake(
        "scale_itself",
        "the scale itself where its logarithm is asked for: the first of the three is log s",
        lambda x, m, r: (torch.exp(-r), -m * torch.exp(-r), _density(x, *_right(m, r))),
    ),
    Mistake(
        "no_ladj",
        "the volume is missing: log N(z; 0, I) is a density of z; add the sum of log_scale",
        _with_density(lambda x, z, r: (-0.5 * z.square() - _HALF).flatten(1).sum(1)),
    ),
    Mistake(
        "ladj_sign",
        "the sign of the log-det: + sum(log_scale), for the coupling is an encode",
        _with_density(lambda x, z, r: (-r - 0.5 * z.square() - _HALF).flatten(1).sum(1)),
    ),
    Mistake(
        "no_constant",
        "log(2 pi) / 2 is missing, once for each number",
        _with_density(lambda x, z, r: (r - 0.5 * z.square()).flatten(1).sum(1)),
    ),
    Mistake(
        "constant_once",
        "log(2 pi) / 2 is counted once: it comes with each of the C*H*W numbers",
        _with_density(lambda x, z, r: (r - 0.5 * z.square()).flatten(1).sum(1) - _HALF),
    ),
    Mistake(
        "no_half",
        "the square without its one half: log N = -z**2 / 2 - log(2 pi) / 2",
        _with_density(lambda x, z, r: (r - z.square() - _HALF).flatten(1).sum(1)),
    ),
    Mistake(
        "at_x",
        "the base density is taken at x_leave: it belongs to z",
        _with_density(lambda x, z, r: (r - 0.5 * x.square() - _HALF).flatten(1).sum(1)),
    ),
    Mistake(
        "mean",
        "a mean over the numbers of a row: log-densities of independent numbers add",
        _with_density(lambda x, z, r: (r - 0.5 * z.square() - _HALF).flatten(1).mean(1)),
    ),
    Mistake(
        "whole_batch",
        "summed over the batch as well: one log-density for each row",
        _with_density(lambda x, z, r: (r - 0.5 * z.square() - _HALF).sum()),
    ),
    Mistake(
        "channels_only",
        "summed over the channels only: height and width belong to the row too, flatten(1).sum(1)",
        _with_density(lambda x, z, r: (r - 0.5 * z.square() - _HALF).sum(1)),
    ),
    Mistake(
        "per_number",
        "not summed: one log-density for each row, flatten(1).sum(1)",
        _with_density(lambda x, z, r: r - 0.5 * z.square() - _HALF),
    ),
    Mistake(
        "density_only",
        "log_prob alone: return (log_scale, shift, log_prob)",
        lambda x, m, r: _density(x, *_right(m, r)),
    ),
)

EXERCISE = Exercise(
    id="08.split_prior",
    title="A prior is a coupling",
    level="core",
    minutes=10,
    points=2,
    anchor="sec-08-split-prior",
    task=TASK,
    hints=HINTS,
    references=(split_prior,),
    returns=("log_scale (N, C, H, W)", "shift (N, C, H, W)", "log_prob (N,)"),
    cases=cases,
    mistakes=MISTAKES,
    independent=undone_by_the_prior,
    gradient=("x_leave", "mean", "log_std"),
)
