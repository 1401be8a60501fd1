"""08.bits: the held-out bits per dimension of a trained flow, over several draws of the dequantization noise."""

import math

import torch

from nf_course.grading.exercise import Case, Exercise, Finding, Mistake
from nf_course.grading.parts import Base, Layer

TASK = r"""
A flow was trained on dequantized images, scaled to $[0, 1)$: $x = (k + u) / \mathtt{bins}$ with whole numbers $k$ from
0 to $\mathtt{bins} - 1$ and uniform noise $u$. Report what it costs to write down a held-out image, in bits per
dimension. With $K$ draws $u_1, \dots, u_K$ of the noise for each of $N$ images,

$$\begin{gathered}
\text{bits/dim} = -\frac{1}{D \log 2} \Bigl( \frac{1}{K N} \sum_{j=1}^{K} \sum_{n=1}^{N} \log p(x_{j,n})
 - D \log \mathtt{bins} \Bigr), \\
x_{j,n} = \frac{k_n + u_{j,n}}{\mathtt{bins}}
\end{gathered}$$

- `images`, `(N, D)`: the whole numbers $k$;
- `noise`, `(K, N, D)`: the draws, in $[0, 1)$, ready to use;
- `layer.encode(x)` takes a batch `(N, D)` and returns `(z, ladj)`, `base.log_prob(z)` is the base density, so that
  $\log p(x)$ is as always;
- `bins`: a whole number.

Return one number.
"""

HINTS = (
    "The density is one over the scaled data. A bin has width 1/bins along each of D axes: what is its volume?",
    "For each draw: x = (images + noise[j]) / bins, then log p(x) = base.log_prob(z) + ladj. Average over draws and "
    "images.",
    "With that mean in nats: -(mean - D * math.log(bins)) / (D * math.log(2)), and D = images.shape[1].",
)


def held_out_bits(images, noise, layer, base, bins):
    D = images.shape[1]
    log_probs = []
    for u in noise:
        z, ladj = layer.encode((images + u) / bins)
        log_probs.append(base.log_prob(z) + ladj)
    nats = torch.stack(log_probs).mean() - D * math.log(bins)
    return -nats / (D * math.log(2))


def cases(draw):
    made = []
    for k, n, d, bins in ((3, 5, 4, 17), (2, 1, 6, 256), (4, 7, 3, 5)):
        images = (bins * draw.uniform(0, 1, n, d)).long().clamp(0, bins - 1)
        layer = Layer("layer", draw.matrix(d, scale=3.0), draw.normal(d))
        base = Base("base", draw.uniform(3, 8, d))
        made.append(Case((images, draw.uniform(0, 1, k, n, d), layer, base, bins)))
    return made


def a_flow_that_knows_nothing(ask, draw):
    """Moving all draws of one image into another order changes nothing, and each image counts alike."""
    images, noise, layer, base, bins = cases(draw)[2].args
    whole = ask(images, noise, layer, base, bins).item()
    turned = ask(images, noise.flip(0), layer, base, bins).item()
    if abs(whole - turned) > 1e-6 * (1 + abs(whole)):
        return Finding("property", "the same number for the draws in another order", f"{whole:.4f} and {turned:.4f}")
    parts = [ask(images[i : i + 1], noise[:, i : i + 1], layer, base, bins).item() for i in range(len(images))]
    if abs(whole - sum(parts) / len(parts)) > 1e-6 * (1 + abs(whole)):
        return Finding("property", "the mean over the images one by one", f"{whole:.4f} for all together")
    return None


def _log_prob(x, layer, base):
    z, ladj = layer.encode(x)
    return base.log_prob(z) + ladj


def _all(images, noise, layer, base, scaled):
    """log p of every draw and image, (K, N)."""
    return torch.stack([_log_prob(scaled(images, u), layer, base) for u in noise])


def _bits(combine, scaled=None):
    """An answer that combines (log p (K, N), D, bins)."""

    def answer(images, noise, layer, base, bins):
        at = (lambda k, u: (k + u) / bins) if scaled is None else (lambda k, u: scaled(k, u, bins))
        return combine(_all(images, noise, layer, base, at), images.shape[1], bins)

    return answer


def _right(log_p, D, bins):
    return -(log_p.mean() - D * math.log(bins)) / (D * math.log(2))


def _one_draw(images, noise, layer, base, bins):
    return held_out_bits(images, noise[:1], layer, base, bins)


def _last_draw(images, noise, layer, base, bins):
    return held_out_bits(images, noise[-1:], layer, base, bins)


def _mean_noise(images, noise, layer, base, bins):
    return held_out_bits(images, noise.mean(0, keepdim=True), layer, base, bins)


def _other_density(log_prob):
    def answer(images, noise, layer, base, bins):
        log_p = torch.stack([log_prob((images + u) / bins, layer, base) for u in noise])
        return _right(log_p, images.shape[1], bins)

    return answer


_BINS = "bins - 1 for bins: there are bins levels, and each fills 1/bins of the unit interval"
_DRAWS = "one draw of the noise only: average over all K of them"
_UNSCALED = "the data are not divided by bins, though the flow was trained on data in [0, 1)"

MISTAKES = (
    Mistake(
        "no_constant",
        "the volume of a bin is missing: a density over [0, 1) is no probability yet; subtract D log(bins)",
        _bits(lambda p, D, b: -p.mean() / (D * math.log(2))),
    ),
    Mistake(
        "constant_sign",
        "the sign of D log(bins): log P = log p - D log(bins), since a bin is smaller than 1",
        _bits(lambda p, D, b: -(p.mean() + D * math.log(b)) / (D * math.log(2))),
    ),
    Mistake(
        "constant_once",
        "log(bins) is counted once: a bin has a width along each of the D axes",
        _bits(lambda p, D, b: -(p.mean() - math.log(b)) / (D * math.log(2))),
    ),
    Mistake("bins_less_one", _BINS, _bits(lambda p, D, b: -(p.mean() - D * math.log(b - 1)) / (D * math.log(2)))),
    Mistake(
        "bins_less_one",
        _BINS,
        _bits(lambda p, D, b: -(p.mean() - D * math.log(b - 1)) / (D * math.log(2)), lambda k, u, b: (k + u) / (b - 1)),
    ),
    Mistake("bins_less_one", _BINS, _bits(_right, lambda k, u, b: (k + u) / (b - 1))),
    Mistake(
        "nats", "nats per dimension: divide by log 2 as well", _bits(lambda p, D, b: -(p.mean() / D - math.log(b)))
    ),
    Mistake(
        "per_image",
        "bits per image: divide by D as well",
        _bits(lambda p, D, b: -(p.mean() - D * math.log(b)) / math.log(2)),
    ),
    Mistake(
        "sign",
        "the sign: bits are a cost, minus the logarithm of a probability",
        _bits(lambda p, D, b: -_right(p, D, b)),
    ),
    Mistake("one_draw", _DRAWS, _one_draw),
    Mistake("one_draw", _DRAWS, _last_draw),
    Mistake(
        "log_mean",
        "the logarithm of a mean over the draws: another bound, a tighter one; the mean of the logarithms is asked for",
        _bits(lambda p, D, b: _right(torch.logsumexp(p, 0) - math.log(len(p)), D, b)),
    ),
    Mistake(
        "best_draw",
        "the best draw of each image is picked: that is no bound on anything; take the mean",
        _bits(lambda p, D, b: _right(p.max(0).values, D, b)),
    ),
    Mistake(
        "sum",
        "a sum where the mean over draws and images belongs",
        _bits(lambda p, D, b: -(p.sum() - D * math.log(b)) / (D * math.log(2))),
    ),
    Mistake(
        "noise_after",
        "the noise is added after the division: it would be as wide as the whole interval; (images + noise) / bins",
        _bits(_right, lambda k, u, b: k / b + u),
    ),
    Mistake(
        "no_noise",
        "the noise is missing: the flow gives a density over dequantized data",
        _bits(_right, lambda k, u, b: (k + 0 * u) / b),
    ),
    Mistake(
        "centred",
        "the noise is centred, u - 1/2: the bin of k runs from k to k + 1",
        _bits(_right, lambda k, u, b: (k + u - 0.5) / b),
    ),
    Mistake("mean_noise", "the draws are averaged before encode: average the log-densities", _mean_noise),
    Mistake("not_scaled", _UNSCALED, _bits(_right, lambda k, u, b: k + u)),
    Mistake(
        "not_scaled",
        _UNSCALED,
        _bits(lambda p, D, b: -p.mean() / (D * math.log(2)), lambda k, u, b: k + u),
    ),
    Mistake(
        "no_ladj",
        "the log-det is missing: log p(x) = log p(z) + ladj",
        _other_density(lambda x, layer, base: base.log_prob(layer.encode(x)[0])),
    ),
    Mistake(
        "ladj_sign",
        "the sign of ladj: encode's log-det is added",
        _other_density(lambda x, layer, base: base.log_prob(layer.encode(x)[0]) - layer.encode(x)[1]),
    ),
    Mistake(
        "at_x",
        "the base density is taken at x: it belongs to z",
        _other_density(lambda x, layer, base: base.log_prob(x) + layer.encode(x)[1]),
    ),
    Mistake(
        "rows",
        "one number for each image: the mean over all of them is asked for",
        _bits(lambda p, D, b: -(p.mean(0) - D * math.log(b)) / (D * math.log(2))),
    ),
)

EXERCISE = Exercise(
    id="08.bits",
    title="Bits per dimension of a trained flow",
    level="core",
    minutes=15,
    points=3,
    anchor="sec-08-table",
    task=TASK,
    hints=HINTS,
    references=(held_out_bits,),
    returns=("bits/dim, one number",),
    cases=cases,
    mistakes=MISTAKES,
    independent=a_flow_that_knows_nothing,
)
