"""05.bound: dequantize with the given noise, and the lower bound on log P(x) that follows."""

import math

import torch

from nf_course.grading.exercise import Case, Exercise, Finding, Mistake
from nf_course.grading.parts import Base

TASK = r"""
A density over $[0, 1]^D$ has been fitted to dequantized images. What does it say of the whole numbers? By Jensen's
inequality, with noise $u_s$ that is uniform over $[0, 1)^D$,

$$\log P(x) \ \ge\ \frac1S \sum_{s=1}^{S} \log p\!\left(\frac{x + u_s}{\mathtt{bins}}\right) - D \log \mathtt{bins}$$

(in expectation over the noise). `x` has shape `(N, D)` and holds whole numbers from 0 to `bins - 1`; `u` has shape
`(S, N, D)`, $S$ draws of the noise for every image. `density.log_prob(v)` takes values of shape `(N, D)`, any number of
rows, and returns `(N,)`, in nats. Return the right-hand side for each image, shape `(N,)`.
"""

HINTS = (
    "x + u broadcasts to (S, N, D). Noise first, while a bin still has width one, then the division.",
    "density.log_prob wants two dimensions: go through the S draws in a loop, or flatten (S, N, D) to (S N, D) and "
    "give the result its shape (S, N) back.",
    "v = (x + u) / bins; log_p = density.log_prob(v.flatten(0, 1)).view(len(u), -1); "
    "return log_p.mean(dim=0) - x.shape[1] * math.log(bins).",
)


def bound(x, u, bins, density):
    v = (x + u) / bins
    log_p = density.log_prob(v.flatten(0, 1)).view(v.shape[:2])
    return log_p.mean(dim=0) - x.shape[1] * math.log(bins)


def _counts(draw, n, d, bins):
    x = draw.uniform(0.0, float(bins), n, d).floor().clamp(0, bins - 1).long()
    x[0, 0], x[-1, -1] = bins - 1, bins - 1  # the highest level, which a wrong scale sends out of the interval
    return x


def _density(draw, d):
    return Base("density", draw.uniform(1.5, 6.0, d))


def cases(draw):
    made = []
    for s, n, d, bins in ((4, 3, 5, 17), (1, 6, 2, 4), (7, 1, 3, 256), (3, 5, 4, 2)):
        made.append(Case((_counts(draw, n, d, bins), draw.uniform(0.0, 1.0, s, n, d), bins, _density(draw, d))))
    return made


def below_the_probability(ask, draw):
    """One pixel, all levels, a fine grid of noise: the integral over a bin, and below the log of its probability."""
    bins, fine = 5, 2000
    density = _density(draw, 1)
    x = torch.arange(bins, device=draw.device)[:, None]
    u = ((torch.arange(fine, dtype=torch.float64, device=draw.device) + 0.5) / fine)[:, None, None].expand(-1, bins, 1)
    got = ask(x, u.contiguous(), bins, density)
    inside = density.log_prob(((x + u) / bins).reshape(-1, 1)).view(fine, bins)
    want, log_P = inside.mean(0) - math.log(bins), torch.logsumexp(inside, 0) - math.log(fine * bins)
    off = (got - want).abs().argmax()
    if (got - want).abs().max() > 1e-4:
        return Finding("property", f"{want[off].item():.4f}, by integration over a bin", f"{got[off].item():.4f}")
    if (got > log_P + 1e-9).any():
        return Finding("property", "a bound: at most the log-probability of the bin", "more")
    return None


def _with(values, constant, combine=lambda log_p: log_p.mean(0)):
    """An answer made of `values(x, u, bins)`, `combine(log_p)` of (S, N), and `constant(D, bins)`."""

    def answer(x, u, bins, density):
        v = values(x, u, bins)
        log_p = density.log_prob(v.flatten(0, 1)).view(v.shape[:2])
        return combine(log_p) + constant(x.shape[1], bins)

    return answer


def _right(x, u, bins):
    return (x + u) / bins


def _minus_d_log(D, bins):
    return -D * math.log(bins)


def _steps(x, u, bins):
    return (x + u) / (bins - 1)


def _minus_d_log_steps(D, bins):
    return -D * math.log(bins - 1)


def _mean_of_the_noise(x, u, bins, density):
    return density.log_prob((x + u.mean(0)) / bins) + _minus_d_log(x.shape[1], bins)


def _first_draw(x, u, bins, density):
    return density.log_prob((x + u[0]) / bins) + _minus_d_log(x.shape[1], bins)


def _no_noise(x, u, bins, density):
    return density.log_prob((x / bins).to(u)) + _minus_d_log(x.shape[1], bins)


_STEPS = "bins - 1: there are bins levels, each with a bin of width 1 / bins"
_CONSTANT = "the constant: -D log bins brings the density from a unit of v to a unit of x"
_NOISE_AFTER = "the noise is added after the division: it would be bins times as wide as a bin"

MISTAKES = (
    Mistake("no_constant", _CONSTANT, _with(_right, lambda D, b: 0.0)),
    Mistake(
        "sign_of_constant",
        "the sign of the constant: v = (x + u) / bins shrinks, so its log-determinant is -D log bins",
        _with(_right, lambda D, b: D * math.log(b)),
    ),
    Mistake(
        "constant_once", "the constant comes once for each of the D pixels", _with(_right, lambda D, b: -math.log(b))
    ),
    Mistake("steps", _STEPS, _with(_steps, _minus_d_log_steps)),
    Mistake("steps", _STEPS, _with(_steps, _minus_d_log)),
    Mistake("steps", _STEPS, _with(_right, _minus_d_log_steps)),
    Mistake("noise_after", _NOISE_AFTER, _with(lambda x, u, b: x / b + u, _minus_d_log)),
    Mistake("noise_after", _NOISE_AFTER, _with(lambda x, u, b: x / (b - 1) + u, _minus_d_log)),
    Mistake(
        "not_scaled",
        "the division by bins is missing: the density was fitted to values from 0 to 1",
        _with(lambda x, u, b: x + u, _minus_d_log),
    ),
    Mistake(
        "not_scaled",
        "the division by bins is missing: the density was fitted to values from 0 to 1",
        _with(lambda x, u, b: x + u, lambda D, b: 0.0),
    ),
    Mistake(
        "centred",
        "the noise is centred: level k fills its bin from k to k + 1",
        _with(lambda x, u, b: (x + u - 0.5) / b, _minus_d_log),
    ),
    Mistake(
        "half",
        "the noise fills half of each bin: u as it is runs from 0 to 1",
        _with(lambda x, u, b: (x + u / 2) / b, _minus_d_log),
    ),
    Mistake("no_noise", "the noise is left out: this is the density at the lower edge of each bin", _no_noise),
    Mistake(
        "minus_noise",
        "the noise is subtracted: x - u lies in the bin below",
        _with(lambda x, u, b: (x - u) / b, _minus_d_log),
    ),
    Mistake(
        "mean_of_the_noise",
        "the noise is averaged before the logarithm is taken: average log p over the draws",
        _mean_of_the_noise,
    ),
    Mistake("first_draw", "only the first draw is used: average log p over all S", _first_draw),
    Mistake(
        "log_mean_exp",
        "the log of the mean density: a tighter estimate, and the next exercise; here the mean of the logs is wanted",
        _with(_right, _minus_d_log, lambda p: torch.logsumexp(p, 0) - math.log(len(p))),
    ),
    Mistake(
        "summed", "the sum over the S draws: their mean is wanted", _with(_right, _minus_d_log, lambda p: p.sum(0))
    ),
    Mistake(
        "best_draw",
        "the best of the S draws: take their mean",
        _with(_right, _minus_d_log, lambda p: p.max(0).values),
    ),
    Mistake(
        "over_images",
        "averaged over the images (dim 1): average over the draws, dim 0",
        _with(_right, _minus_d_log, lambda p: p.mean(1)),
    ),
    Mistake(
        "batch_mean",
        "averaged over the images as well: one number for each",
        _with(_right, _minus_d_log, torch.mean),
    ),
    Mistake("draws_kept", "the mean over the S draws, dim 0, is missing", _with(_right, _minus_d_log, lambda p: p)),
    Mistake(
        "bits",
        "bits per dimension: nats per image are asked for",
        lambda *args: -bound(*args) / (args[0].shape[1] * math.log(2)),
    ),
    Mistake("negative", "the negative: a log-probability is asked for, not a loss", lambda *args: -bound(*args)),
)

EXERCISE = Exercise(
    id="05.bound",
    title="The bound",
    level="core",
    minutes=15,
    points=3,
    anchor="sec-05-bound",
    task=TASK,
    hints=HINTS,
    references=(bound,),
    returns=("log P at least, (N,)",),
    cases=cases,
    mistakes=MISTAKES,
    independent=below_the_probability,
    gradient=("u", "density"),
)
