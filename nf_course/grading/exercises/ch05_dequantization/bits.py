"""05.bits: nats of a density over scaled images to bits per dimension, whatever the interval."""

import math

import torch

from nf_course.grading.exercise import Case, Exercise, Finding, Mistake

TASK = r"""
Somebody dequantized images of `bins` grey levels, spread them over the interval from `low` to `high` (level $k$ and its
noise fill the $k$-th, from 0, of `bins` equal parts), and reports log-densities in nats. What are they in bits per
dimension?

$$\log P(x) \ \ge\ \log p(v) + D \log \frac{\mathtt{high} - \mathtt{low}}{\mathtt{bins}}, \qquad
\text{bits/dim} = -\frac{\log P(x)}{D \log 2}$$

`log_density` has shape `(N,)`; `shape` is the tuple `(C, H, W)` of one image; the other three are numbers. Take the
bound for $\log P(x)$ and return the bits per dimension of each image, shape `(N,)`.
"""

HINTS = (
    "An image of C channels and H by W pixels has C H W numbers. Each of them brings the logarithm of a bin's width.",
    "math.prod(shape) is D, and (high - low) / bins the width of a bin. Add D times its logarithm to the log-density "
    "before you change the sign.",
    "D = math.prod(shape); log_P = log_density + D * math.log((high - low) / bins); return -log_P / (D * math.log(2)).",
)


def bits(log_density, shape, bins, low, high):
    D = math.prod(shape)
    log_P = log_density + D * math.log((high - low) / bins)
    return -log_P / (D * math.log(2))


# Intervals in which low, high, their sum and their difference all differ from each other and from 1.
SETTINGS = (
    (6, (1, 8, 8), 17, 0.0, 1.0),
    (5, (3, 4, 6), 256, -1.0, 1.0),
    (1, (2, 5, 3), 32, -0.5, 2.0),
    (4, (3, 2, 7), 256, 0.0, 256.0),
)


def cases(draw):
    made = []
    for n, shape, bins, low, high in SETTINGS:
        D = math.prod(shape)
        log_P = -D * draw.uniform(1.0, 4.0, n)
        made.append(Case((log_P - D * math.log((high - low) / bins), shape, bins, low, high)))
    return made


def uniform_needs_log2_bins(ask, draw):
    """All levels alike: log2(bins) bits a dimension in any interval; and the interval does not matter for others."""
    for shape, bins, low, high in (((1, 3, 5), 17, 0.0, 1.0), ((3, 2, 2), 256, -1.0, 3.0), ((1, 1, 7), 8, -4.0, 4.0)):
        D = math.prod(shape)
        flat = torch.full((3,), -D * math.log(high - low), dtype=torch.float64, device=draw.device)
        got = ask(flat, shape, bins, low, high)
        want = math.log2(bins)
        if (got - want).abs().max() > 1e-5 * want:
            return Finding("property", f"{want:.4f} for {bins} levels, all alike", f"{got[0].item():.4f}")
    nats, shape = draw.normal(4), (1, 4, 4)
    first = ask(nats, shape, 16, 0.0, 1.0)
    second = ask(nats - 16 * math.log(10), shape, 16, 3.0, 13.0)  # the same images, ten times as wide
    if (first - second).abs().max() > 1e-5:
        expected = "the same bits for the same images in another interval"
        return Finding("property", expected, f"{first[0].item():.4f} and {second[0].item():.4f}")
    return None


def _with(formula):
    """An answer that is `formula(log_density, D, bins, width)`."""

    def answer(log_density, shape, bins, low, high):
        return formula(log_density, math.prod(shape), bins, high - low)

    return answer


def _dims(count):
    """The right formula with another number of dimensions."""

    def answer(log_density, shape, bins, low, high):
        D = count(shape)
        return -(log_density + D * math.log((high - low) / bins)) / (D * math.log(2))

    return answer


def _divisor(count):
    """The right log P, divided by another number of dimensions."""

    def answer(log_density, shape, bins, low, high):
        log_P = log_density + math.prod(shape) * math.log((high - low) / bins)
        return -log_P / (count(shape) * math.log(2))

    return answer


def _high(log_density, shape, bins, low, high):
    return bits(log_density, shape, bins, 0.0, high)


_LOG2 = math.log(2)
_WIDTH = "the width of the interval: high - low over bins, not 1 over bins"
_CONSTANT = "the width of a bin is left out: add D log((high - low) / bins) to the log-density"
_DIMS = "the number of dimensions is C H W, all three multiplied: math.prod(shape)"

MISTAKES = (
    Mistake("no_constant", _CONSTANT, _with(lambda p, D, b, w: -p / (D * _LOG2))),
    Mistake("no_constant", _CONSTANT, _with(lambda p, D, b, w: -(p + D * math.log(w)) / (D * _LOG2))),
    Mistake(
        "sign_of_constant",
        "the sign of the constant: a bin is narrower than 1, its logarithm is negative, and it is added",
        _with(lambda p, D, b, w: -(p - D * math.log(w / b)) / (D * _LOG2)),
    ),
    Mistake(
        "steps",
        "bins - 1 counts the steps between the levels: bins levels need bins intervals of equal width",
        _with(lambda p, D, b, w: -(p + D * math.log(w / (b - 1))) / (D * _LOG2)),
    ),
    Mistake("width", _WIDTH, _with(lambda p, D, b, w: -(p - D * math.log(b)) / (D * _LOG2))),
    Mistake("width", _WIDTH, _high),
    Mistake("width", _WIDTH, _with(lambda p, D, b, w: -(p - D * math.log(w * b)) / (D * _LOG2))),
    Mistake(
        "constant_once",
        "the constant comes once for each dimension: D times the logarithm of the width",
        _with(lambda p, D, b, w: -(p + math.log(w / b)) / (D * _LOG2)),
    ),
    Mistake(
        "always_256",
        "256 is written into the formula: use bins",
        _with(lambda p, D, b, w: -(p + D * math.log(w / 256)) / (D * _LOG2)),
    ),
    Mistake(
        "nats",
        "nats per dimension: divide by log 2 for bits",
        _with(lambda p, D, b, w: -(p + D * math.log(w / b)) / D),
    ),
    Mistake(
        "times_log_2",
        "multiplied by log 2: a bit is log 2 nats, so divide",
        _with(lambda p, D, b, w: -(p + D * math.log(w / b)) * _LOG2 / D),
    ),
    Mistake(
        "log2_of_constant",
        "nats and bits are added: turn the sum into bits, not the constant alone",
        _with(lambda p, D, b, w: -p / D - math.log2(w / b)),
    ),
    Mistake(
        "per_image",
        "bits per image: divide by the number of dimensions",
        _with(lambda p, D, b, w: -(p + D * math.log(w / b)) / _LOG2),
    ),
    Mistake(
        "negative",
        "the sign: bits count what an image costs, so take minus the log-probability",
        _with(lambda p, D, b, w: (p + D * math.log(w / b)) / (D * _LOG2)),
    ),
    Mistake("dims", _DIMS, _dims(lambda shape: shape[1] * shape[2])),
    Mistake("dims", _DIMS, _dims(lambda shape: shape[0])),
    Mistake("dims", _DIMS, _dims(lambda shape: shape[-1])),
    Mistake("dims", _DIMS, _dims(len)),
    Mistake("dims", _DIMS, _dims(sum)),
    Mistake("dims", _DIMS, _divisor(lambda shape: shape[1] * shape[2])),
    Mistake("dims", _DIMS, _divisor(lambda shape: shape[0])),
    Mistake("dims", _DIMS, _divisor(len)),
    Mistake(
        "mean",
        "a mean over the batch: one number for each image is wanted",
        lambda *args: bits(*args).mean(),
    ),
)

EXERCISE = Exercise(
    id="05.bits",
    title="Nats to bits per dimension",
    level="warm-up",
    minutes=10,
    points=2,
    anchor="sec-05-constant",
    task=TASK,
    hints=HINTS,
    references=(bits,),
    returns=("bits (N,)",),
    cases=cases,
    mistakes=MISTAKES,
    independent=uniform_needs_log2_bins,
    gradient=("log_density",),
)
