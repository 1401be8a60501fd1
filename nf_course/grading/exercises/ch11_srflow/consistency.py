"""11.consistency: samples of a large picture, reduced again, against the small one that was given."""

import math

import torch
import torch.nn.functional as F

from nf_course.grading.exercise import Case, Exercise, Finding, mistakes_of
from nf_course.resize import enlarge, reduce

TASK = r"""
For each of $N$ small pictures $c_n$, $S$ large ones $x_{s,n}$ were drawn. Whatever they invent, reduced again they
should give what was there. How well they do is a PSNR of small pictures, averaged over the samples:

$$\begin{gathered}
\mathrm{PSNR}_{s,n} = -10 \log_{10} \tfrac{1}{D} \bigl\lVert \operatorname{reduce}(x_{s,n}) - c_n \bigr\rVert^2, \\
\text{consistency}_n = \frac1S \sum_{s=1}^{S} \mathrm{PSNR}_{s,n}
\end{gathered}$$

where $D$ counts the numbers of a *small* picture. `samples` has shape `(S, N, C, H, W)`; `low`, the $c_n$, has shape
`(N, C, H / scale, W / scale)`. `reduce(x, scale)` of `nf_course` takes one batch of pictures, `(N, C, H, W)`, and
reduces each of them; the cell at the top has imported it. Take all values as they are, without clamp or rounding.
Return one number for each picture, shape `(N,)`.
"""

HINTS = (
    "Every sample is judged by itself: what comes first, the logarithm or the mean over the samples?",
    "samples.flatten(0, 1) makes one batch of S * N pictures, which reduce can take; .unflatten(0, (S, N)) takes the "
    "batch apart again.",
    "again = reduce(samples.flatten(0, 1), scale).unflatten(0, samples.shape[:2]); "
    "mse = (again - low).square().mean((2, 3, 4)); then (-10 * torch.log10(mse)).mean(0).",
)


def consistency(samples, low, scale):
    again = reduce(samples.flatten(0, 1), scale).unflatten(0, samples.shape[:2])
    mse = (again - low).square().mean((2, 3, 4))
    return (-10 * torch.log10(mse)).mean(0)


def cases(draw):
    """S, N, C, H and W all different; one sample, one picture, one channel; three scales; samples that fit well and
    badly, below 0 and above 1; one that fits within 1e-6; and errors above 1, where decibels are negative.
    """
    made = []
    sizes = ((3, 4, 2, 6, 5, 4), (1, 3, 3, 4, 5, 2), (4, 1, 1, 3, 5, 3), (2, 5, 3, 3, 2, 2), (6, 2, 3, 4, 4, 2))
    for s, n, c, h, w, scale in sizes:
        low = draw.uniform(0, 1, n, c, h, w)
        error = 10 ** draw.uniform(-2.0, -0.5, s, n, 1, 1, 1) * draw.uniform(0.4, 1.0, 1, 1, c, 1, 1)
        detail = 0.3 * draw.normal(s, n, c, h * scale, w * scale)
        made.append(Case((enlarge(low, scale) + error * (0.5 + detail), low, scale)))
    samples, _, scale = made[-1].args
    low = reduce(samples[0] - 0.2, scale)
    made.append(Case((samples[:1] - 0.2 + 1e-6 * draw.uniform(0.5, 2.0, 1, len(low), 1, 1, 1), low, scale)))
    low, error = draw.uniform(0.9, 1, 4, 1, 3, 2), draw.uniform(0.8, 1.2, 3, 4, 1, 1, 1)
    error[:, 1] = 1.25
    made.append(Case((enlarge(low, 2) - error - 0.2 * draw.uniform(-1, 1, 3, 4, 1, 6, 4), low, 2)))
    return made


def by_plain_areas(ask, draw):
    """Pictures of one colour each stay so when they are reduced: the decibels follow from the colours alone."""
    s, n, scale = 3, 4, 2
    colours, given = draw.uniform(-0.2, 1.2, s, n), draw.uniform(0, 1, n)
    samples = colours[:, :, None, None, None].expand(s, n, 3, 6, 4).contiguous()
    got = ask(samples, given[:, None, None, None].expand(n, 3, 3, 2).contiguous(), scale)
    want = (-20 * (colours - given).abs().log10()).mean(0)
    if not torch.allclose(got, want, rtol=1e-4, atol=1e-4):
        return Finding("property", f"{want[0].item():.4f}, for samples of one colour each", f"{got[0].item():.4f}")
    return None


def _again(samples, scale, by=reduce):
    return by(samples.flatten(0, 1), scale).unflatten(0, samples.shape[:2])


def _db(mse):
    return -10 * torch.log10(mse)


def _of(formula, by=reduce):
    """`formula(error)` of the errors (S, N, C, h, w), reduced by `by`."""
    return lambda samples, low, scale: formula(_again(samples, scale, by) - low)


def _right(e):
    return _db(e.square().mean((2, 3, 4))).mean(0)


def _sizes(x, scale):
    return (x.shape[2] // scale, x.shape[3] // scale)


def _each(change):
    """`change(decibels)` of those of each sample, (S, N)."""
    return _of(lambda e: change(_db(e.square().mean((2, 3, 4)))))


def _mse(change):
    """`change(mse)` of that of each sample, (S, N), and then the mean over samples."""
    return _of(lambda e: change(e.square().mean((2, 3, 4))).mean(0))


def _mixed(samples, low, scale):
    """The batch of S * N is taken apart as (N, S)."""
    s, n = samples.shape[:2]
    again = reduce(samples.flatten(0, 1), scale).reshape(n, s, *low.shape[1:])
    return _db((again - low[:, None]).square().mean((2, 3, 4))).mean(1)


def _repeated(samples, low, scale):
    """Each small picture S times in a row, against samples in which the pictures take turns."""
    s, n = samples.shape[:2]
    e = reduce(samples.flatten(0, 1), scale) - low.repeat_interleave(s, 0)
    return _db(e.square().mean((1, 2, 3))).reshape(s, n).mean(0)


def _at_full_size(samples, low, scale):
    return _right(samples - enlarge(low, scale))


def _nearest_at_full_size(samples, low, scale):
    return _right(samples - low.repeat_interleave(scale, 2).repeat_interleave(scale, 3))


def _mean_sample(samples, low, scale):
    return _db((reduce(samples.mean(0), scale) - low).square().mean((1, 2, 3)))


def _of_one(index):
    return lambda samples, low, scale: _db((reduce(samples[index], scale) - low).square().mean((1, 2, 3)))


def _all_five(samples, low, scale):
    return reduce(samples, scale)


def _clamped(samples, low, scale):
    return _right(_again(samples.clamp(0, 1), scale) - low)


def _rounded(x):
    return (255 * x).round() / 255


_ROWS = (
    (
        "mean_sample",
        "the samples are averaged first, and one picture is judged: each sample is judged by itself, then averaged",
        _mean_sample,
    ),
    (
        "mse_averaged",
        "the squared errors are averaged over the samples before the logarithm: average the decibels",
        _of(lambda e: _db(e.square().mean((0, 2, 3, 4)))),
    ),
    (
        "best_sample",
        "the best or the worst sample alone, or the middle one: average over all of them",
        _each(lambda d: d.amax(0)),
        _each(lambda d: d.amin(0)),
        _each(lambda d: d.median(0).values),
    ),
    ("one_sample", "one of the samples alone: average over all S of them", _of_one(0), _of_one(-1)),
    ("samples_summed", "a sum over the samples: their mean is asked for", _each(lambda d: d.sum(0))),
    (
        "not_averaged",
        "the mean over the samples, dim 0, is missing",
        _each(lambda d: d),
        _each(lambda d: d.T),
    ),
    ("over_pictures", "the mean runs over the pictures: it runs over the samples, dim 0", _each(lambda d: d.mean(1))),
    (
        "whole_batch",
        "one number for all pictures: each has its own, shape (N,)",
        _each(lambda d: d.mean()),
        _each(lambda d: d.mean().expand(d.shape[1])),
        _of(lambda e: _db(e.square().mean())),
        _of(lambda e: _db(e.square().mean((1, 2, 3, 4))).mean(0)),
    ),
    (
        "spread",
        "this is how much the samples differ from each other: compare each with what was given",
        lambda samples, low, scale: samples.std(0).mean((1, 2, 3)),
        lambda samples, low, scale: _again(samples, scale).std(0).mean((1, 2, 3)),
        lambda samples, low, scale: samples.var(0).flatten(1).mean(1).sqrt(),
    ),
    (
        "five_dims",
        "reduce takes one batch, (N, C, H, W): samples.flatten(0, 1) makes one of S and N",
        _all_five,
    ),
    (
        "mixed",
        "samples and pictures are mixed up: a batch made by flatten(0, 1) is taken apart as (S, N), in this order",
        _mixed,
    ),
    (
        "paired",
        "the small pictures are repeated in another order than the samples: in flatten(0, 1), the pictures take turns",
        _repeated,
    ),
    (
        "sliced",
        "every scale-th pixel is taken: reduce(x, scale) makes a weighted mean of the pixels around",
        _of(_right, lambda x, scale: x[:, :, ::scale, ::scale]),
        _of(_right, lambda x, scale: x[:, :, scale // 2 :: scale, scale // 2 :: scale]),
        _of(_right, lambda x, scale: x[:, :, scale - 1 :: scale, scale - 1 :: scale]),
    ),
    (
        "pooled",
        "a plain mean of scale x scale pixels: what was given was made by reduce(x, scale), whose kernel is another",
        _of(_right, F.avg_pool2d),
        _of(_right, F.max_pool2d),
    ),
    (
        "aliased",
        "interpolated without antialias, or by another kernel: what was given was made by reduce(x, scale)",
        *(
            _of(_right, lambda x, scale, m=m, a=a: F.interpolate(x, _sizes(x, scale), mode=m, antialias=a))
            for m, a in (("bicubic", False), ("bilinear", False), ("bilinear", True))
        ),
    ),
    (
        "other_scale",
        "the scale is fixed: it is an argument, and may be 2, 3 or 4",
        *(lambda samples, low, scale, k=k: _right(_again(samples, k) - low) for k in (2, 3, 4)),
    ),
    (
        "not_reduced",
        "the samples are compared as they are: reduce them first",
        lambda samples, low, scale: _right(samples - low),
    ),
    (
        "at_full_size",
        "what was given is enlarged and compared at full size: reduce the samples, and compare small pictures",
        _at_full_size,
        _nearest_at_full_size,
    ),
    (
        "given_reduced",
        "what was given is reduced as well: it is small already",
        lambda samples, low, scale: _right(_again(samples, scale) - reduce(low, scale)),
    ),
    (
        "clamped",
        "values are clamped to 0 and 1: take them as they are",
        _clamped,
        lambda samples, low, scale: _right(_again(samples, scale).clamp(0, 1) - low),
        lambda samples, low, scale: _right(_again(samples.clamp(0, 1), scale).clamp(0, 1) - low),
    ),
    (
        "rounded",
        "values are rounded to 255 levels: take them as they are",
        lambda samples, low, scale: _right(_rounded(_again(samples, scale)) - low),
        lambda samples, low, scale: _right(_again(_rounded(samples), scale) - low),
        lambda samples, low, scale: _right(_rounded(_again(samples, scale)) - _rounded(low)),
        lambda samples, low, scale: _right(_rounded(_again(samples, scale).clamp(0, 1)) - low),
    ),
    (
        "epsilon",
        "a small number is added to the error, or the error cut off from below: take it as it is",
        *(_mse(lambda m, e=e: _db(m + e)) for e in (1e-6, 1e-8, 1e-9, 1e-10, 1e-12)),
        *(_mse(lambda m, e=e: _db(m.clamp(min=e))) for e in (1e-6, 1e-8, 1e-9, 1e-10)),
    ),
    (
        "divided_by_large",
        "divided by the numbers of a large picture: the mean runs over those of a small one",
        lambda samples, low, scale: _right(_again(samples, scale) - low) + 20 * torch.log10(torch.tensor(float(scale))),
    ),
    (
        "sum",
        "a sum of squares where their mean belongs: divide by the numbers of a small picture",
        _of(lambda e: _db(e.square().sum((2, 3, 4))).mean(0)),
    ),
    (
        "log_first",
        "the logarithm of each channel or pixel, and then a mean: the mean squared error of a sample comes first",
        _of(lambda e: _db(e.square().mean((3, 4))).mean((0, 2))),
        _of(lambda e: _db(e.square()).mean((0, 2, 3, 4))),
        _of(lambda e: _db(e.square().mean(2)).mean((0, 2, 3))),
    ),
    (
        "absolute",
        "absolute errors: the square of each error is averaged",
        _of(lambda e: -20 * torch.log10(e.abs().mean((2, 3, 4))).mean(0)),
        _of(lambda e: _db(e.abs().mean((2, 3, 4))).mean(0)),
    ),
    (
        "square_of_mean",
        "the mean is taken before the square: errors of opposite sign cancel there",
        _of(lambda e: _db(e.mean((2, 3, 4)).square()).mean(0)),
    ),
    (
        "twenty",
        "-20 belongs to the root of the mean squared error, -10 to the mean squared error itself",
        _mse(lambda m: -20 * torch.log10(m)),
        _mse(lambda m: _db(m.sqrt())),
    ),
    ("natural_log", "the logarithm is to base 10: torch.log10", _mse(lambda m: -10 * m.log())),
    ("sign", "the sign: a smaller error is a larger PSNR, -10 log10", _mse(lambda m: 10 * torch.log10(m))),
    (
        "absolute_value",
        "an absolute value: an error above 1 makes decibels negative",
        _each(lambda d: d.abs().mean(0)),
        _each(lambda d: d.mean(0).abs()),
        _each(lambda d: d.clamp(min=0).mean(0)),
        _each(lambda d: d.mean(0).clamp(min=0)),
    ),
    (
        "peak_255",
        "a peak of 255: these values run to 1",
        _each(lambda d: d.mean(0) + 20 * math.log10(255)),
        _each(lambda d: d.mean(0) - 20 * math.log10(255)),
    ),
    (
        "no_log",
        "this is the mean squared error, or its root: the decibels are asked for",
        _mse(lambda m: m),
        _mse(lambda m: m.sqrt()),
    ),
)

EXERCISE = Exercise(
    id="11.consistency",
    title="Reduced again, is it what was given?",
    level="core",
    minutes=15,
    points=3,
    anchor="sec-11-consistency",
    task=TASK,
    hints=HINTS,
    references=(consistency,),
    returns=("consistency (N,)",),
    cases=cases,
    mistakes=mistakes_of(_ROWS),
    independent=by_plain_areas,
)
