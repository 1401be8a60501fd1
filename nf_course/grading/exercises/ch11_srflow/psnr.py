"""11.psnr: the peak signal-to-noise ratio of each image of a batch."""

import math

import torch

from nf_course.grading.exercise import Case, Exercise, Finding, mistakes_of

TASK = r"""
How close an enlarged picture is to the true one is told in decibels, by the mean squared error over the
$D = C \cdot H \cdot W$ numbers of the picture. Values run from 0 to 1, so that the peak of the signal is 1:

$$\mathrm{PSNR}(x_n, x^\star_n) = -10 \log_{10} \frac1D \sum_{i=1}^{D} (x_{n,i} - x^\star_{n,i})^2$$

`x` and `truth`, which is $x^\star$, have shape `(N, C, H, W)`. A sample may lie a little below 0 or above 1, and is
taken as it is: no clamp, no rounding. No image equals its truth. Return the PSNR of each image, shape `(N,)`.
"""

HINTS = (
    "One number for each image: over which dimensions does the mean run, and which one is left?",
    "(x - truth).square() has the shape of x; .mean((1, 2, 3)) leaves the batch; torch.log10 is the log to base 10.",
    "mse = (x - truth).square().mean((1, 2, 3)); then -10 * torch.log10(mse).",
)


def psnr(x, truth):
    mse = (x - truth).square().mean((1, 2, 3))
    return -10 * torch.log10(mse)


def cases(draw):
    """Errors of all sizes, different ones in each image, channel and pixel; samples below 0 and above 1; errors of
    1e-6, which show what is added to them; and errors above 1, where decibels are negative.
    """
    made = []
    for n, c, h, w, error in ((5, 3, 4, 6, 0.35), (1, 2, 3, 5, 0.1), (4, 1, 7, 2, 0.35), (3, 3, 5, 5, 1e-6)):
        truth = draw.uniform(0, 1, n, c, h, w)
        size = error * draw.uniform(0.2, 1.0, n, 1, 1, 1) * draw.uniform(0.3, 1.0, 1, c, 1, 1)
        made.append(Case((truth + size * (0.4 + draw.uniform(-1, 1, n, c, h, w)), truth)))
    truth, size = draw.uniform(0.9, 1, 6, 4, 2, 3), draw.uniform(0.7, 1.2, 6, 1, 1, 1)
    size[2] = 1.2
    return [*made, Case((truth - size - draw.uniform(-0.1, 0.1, 6, 4, 2, 3), truth))]


def known_decibels(ask, draw):
    """Errors of one size and either sign: 10^(-q / 20) everywhere makes q decibels."""
    q = draw.uniform(7, 50, 6)
    truth = draw.uniform(0, 1, 6, 2, 3, 4)
    signs = torch.where(draw.normal(6, 2, 3, 4) < 0, -1.0, 1.0)
    got = ask(truth + signs * (10 ** (-q / 20))[:, None, None, None], truth)
    if not torch.allclose(got, q, rtol=1e-5, atol=1e-5):
        expected = f"{q[0].item():.4f}, where each number is wrong by {10 ** (-q[0].item() / 20):.4g}"
        return Finding("property", expected, f"{got[0].item():.4f}")
    return None


_IMAGE = (1, 2, 3)


def _db(mse):
    return -10 * torch.log10(mse)


def _of(formula):
    """`formula(error)` of x - truth."""
    return lambda x, truth: formula(x - truth)


def _mse(change):
    """`change(mse)` of the right mean squared error, (N,)."""
    return _of(lambda e: change(e.square().mean(_IMAGE)))


def _seen(change):
    """The right PSNR of `change(x)` against `change(truth)`."""
    return lambda x, truth: psnr(change(x), change(truth))


_LUMA = (0.299, 0.587, 0.114)


def _peak(peak):
    """The peak of the signal is `peak(x, truth)` instead of 1."""
    return lambda x, truth: psnr(x, truth) + 20 * torch.log10(peak(x, truth))


_ROWS = (
    (
        "whole_batch",
        "one number for the whole batch: each image has its own PSNR, shape (N,)",
        _of(lambda e: _db(e.square().mean())),
        _of(lambda e: _db(e.square().mean()).expand(len(e))),
        lambda x, truth: psnr(x, truth).mean(),
        lambda x, truth: psnr(x, truth).sum(),
    ),
    (
        "part_of_the_mean",
        "the mean does not run over all of C, H and W: one number is left for each image",
        *(_of(lambda e, d=d: _db(e.square().mean(d))) for d in (1, 2, 3, (2, 3), (1, 2), (1, 3))),
        _of(lambda e: _db(e.square())),
    ),
    (
        "over_batch",
        "the mean runs over dim 0, the batch: it runs over dims 1, 2 and 3",
        *(_of(lambda e, d=d: _db(e.square().mean(d))) for d in (0, (0, 1), (0, 2, 3), (0, 1, 2), (0, 1, 3))),
    ),
    (
        "log_first",
        "the logarithm of each channel or pixel, and then a mean: the mean square over the whole image comes first",
        _of(lambda e: _db(e.square().mean((2, 3))).mean(1)),
        _of(lambda e: _db(e.square().mean(1)).mean((1, 2))),
        _of(lambda e: _db(e.square()).mean(_IMAGE)),
    ),
    (
        "roots_first",
        "the root of each channel or pixel, and then a mean: the square is averaged over the whole image",
        _of(lambda e: -20 * torch.log10(e.square().mean((2, 3)).sqrt().mean(1))),
        _of(lambda e: -20 * torch.log10(e.square().mean(1).sqrt().mean((1, 2)))),
        _of(lambda e: -20 * torch.log10(e.square().sum(1).sqrt().mean((1, 2)))),
    ),
    (
        "sum",
        "a sum where the mean belongs: divide by C * H * W",
        _of(lambda e: _db(e.square().sum(_IMAGE))),
        _of(lambda e: _db(e.square().sum(_IMAGE) / len(e))),
        _of(lambda e: _db(e.square().sum(1).mean((1, 2)))),
        _of(lambda e: _db(e.square().sum((2, 3)).mean(1))),
    ),
    (
        "unbiased",
        "divided by D - 1: a mean divides by D",
        _of(lambda e: _db(e.square().sum(_IMAGE) / (e[0].numel() - 1))),
    ),
    (
        "absolute",
        "absolute errors: the square of each error is averaged",
        _of(lambda e: _db(e.abs().mean(_IMAGE))),
        _of(lambda e: -20 * torch.log10(e.abs().mean(_IMAGE))),
    ),
    (
        "square_of_mean",
        "the mean is taken before the square: errors of opposite sign cancel there",
        _of(lambda e: _db(e.mean(_IMAGE).square())),
    ),
    (
        "variance",
        "a variance takes the mean error off: a picture that is too light is wrong too",
        _of(lambda e: _db(e.flatten(1).var(1))),
        _of(lambda e: _db(e.flatten(1).var(1, unbiased=False))),
        _of(lambda e: -20 * torch.log10(e.flatten(1).std(1))),
    ),
    (
        "largest_error",
        "the largest error counts alone: 'peak' is the signal's, and errors are averaged",
        _of(lambda e: -20 * torch.log10(e.abs().amax(_IMAGE))),
        _of(lambda e: _db(e.abs().amax(_IMAGE))),
    ),
    (
        "twenty",
        "-20 belongs to the root of the mean squared error, -10 to the mean squared error itself",
        _mse(lambda m: -20 * torch.log10(m)),
    ),
    (
        "root",
        "the root of the mean squared error: -10 belongs to the mean squared error itself",
        _mse(lambda m: _db(m.sqrt())),
    ),
    (
        "norm",
        "the length of the error, not divided by D: its mean square is asked for",
        _of(lambda e: _db(e.flatten(1).norm(dim=1))),
        _of(lambda e: _db(e.flatten(1).norm(dim=1) / e[0].numel())),
    ),
    (
        "natural_log",
        "the logarithm is to base 10: torch.log10",
        _mse(lambda m: -10 * m.log()),
        _mse(lambda m: -20 * m.sqrt().log()),
        _mse(lambda m: -10 * torch.log2(m)),
    ),
    (
        "bel",
        "the factor 10 is missing: decibels",
        _mse(lambda m: -torch.log10(m)),
        _mse(lambda m: -torch.log10(m.sqrt())),
        _mse(lambda m: -m.log()),
    ),
    (
        "sign",
        "the sign: a smaller error is a larger PSNR, -10 log10",
        _mse(lambda m: 10 * torch.log10(m)),
        _mse(lambda m: 20 * torch.log10(m)),
    ),
    (
        "absolute_value",
        "an absolute value: an error above the peak makes decibels negative",
        _mse(lambda m: _db(m).abs()),
        _mse(lambda m: _db(m).clamp(min=0)),
    ),
    (
        "no_log",
        "this is the mean squared error, or its root: the decibels are asked for",
        _mse(lambda m: m),
        _mse(lambda m: m.sqrt()),
        _mse(lambda m: 1 / m),
        _mse(lambda m: -m),
    ),
    (
        "peak_255",
        "a peak of 255: these values run to 1, also where a sample lies above it",
        _mse(lambda m: _db(m) + 20 * math.log10(255)),
        _mse(lambda m: _db(m) - 20 * math.log10(255)),
        _mse(lambda m: _db(m) + 10 * math.log10(255)),
        _mse(lambda m: _db(m) + 20 * math.log10(256)),
        lambda x, truth: psnr(x, truth) + (20 * math.log10(255) if x.max() > 1 else 0),
    ),
    (
        "peak_of_image",
        "the largest value found takes the part of the peak: the peak is 1, whatever is in the picture",
        _peak(lambda x, truth: truth.max()),
        _peak(lambda x, truth: truth.amax(_IMAGE)),
        _peak(lambda x, truth: x.max()),
        _peak(lambda x, truth: x.amax(_IMAGE)),
        _peak(lambda x, truth: truth.amax(_IMAGE) - truth.amin(_IMAGE)),
    ),
    (
        "signal",
        "the mean square of the picture takes the part of the peak: that is SNR; the peak is 1",
        _peak(lambda x, truth: truth.square().mean(_IMAGE).sqrt()),
        _peak(lambda x, truth: truth.flatten(1).std(1)),
    ),
    (
        "clamped",
        "x is clamped to 0 and 1: it is taken as it is",
        lambda x, truth: psnr(x.clamp(0, 1), truth),
        _of(lambda e: psnr(e.clamp(-1, 1), 0 * e)),
    ),
    (
        "rounded",
        "x is rounded to 255 levels: it is taken as it is",
        _seen(lambda v: (255 * v).round() / 255),
        lambda x, truth: psnr((255 * x).round() / 255, truth),
        _seen(lambda v: (255 * v).clamp(0, 255).round() / 255),
        lambda x, truth: psnr((255 * x.clamp(0, 1)).round() / 255, truth),
    ),
    (
        "epsilon",
        "a small number is added, or the error cut off from below: no error is 0 here, take it as it is",
        *(_mse(lambda m, e=e: _db(m + e)) for e in (1e-6, 1e-8, 1e-9, 1e-10, 1e-12)),
        *(_mse(lambda m, e=e: _db(m.clamp(min=e))) for e in (1e-6, 1e-8, 1e-9, 1e-10)),
        *(_mse(lambda m, e=e: -20 * torch.log10(m.sqrt() + e)) for e in (1e-6, 1e-8)),
        _mse(lambda m: _db(m).clamp(max=100)),
        _mse(lambda m: _db(m).clamp(0, 100)),
    ),
    (
        "grey",
        "the pictures are made grey first: every channel counts",
        _seen(lambda v: v.mean(1, keepdim=True)),
        _seen(lambda v: v[:, :1]),
        _seen(lambda v: sum(k * v[:, i : i + 1] for i, k in zip(range(v.shape[1]), _LUMA))),
    ),
    (
        "relative",
        "errors relative to the truth: the difference itself is squared",
        lambda x, truth: psnr(x / truth, torch.ones_like(x)),
    ),
)

EXERCISE = Exercise(
    id="11.psnr",
    title="PSNR of each image",
    level="core",
    minutes=5,
    points=2,
    anchor="sec-11-measures",
    task=TASK,
    hints=HINTS,
    references=(psnr,),
    returns=("PSNR (N,)",),
    cases=cases,
    mistakes=mistakes_of(_ROWS),
    independent=known_decibels,
)
