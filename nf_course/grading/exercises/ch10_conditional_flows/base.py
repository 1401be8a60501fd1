"""10.base: the log-density of a flow whose base depends on the context."""

import math

import torch

from nf_course.grading.exercise import Case, Exercise, Finding, Mistake

TASK = r"""
A flow with a conditional base takes $x$ to $z = f(x; c)$, and expects it in a normal density that the context moves and
widens:

$$\begin{aligned}
\log p(x \mid c) ={}& \log \N\bigl(z;\ m(c),\ \operatorname{diag}(s(c)^2)\bigr) \\
&+ \log \left| \det \frac{\partial z}{\partial x} \right|, \\
\bigl(m(c),\ \log s(c)\bigr) ={}& \mathtt{base\_net}(c)
\end{aligned}$$

`x` has shape `(N, D)` and `c` has shape `(N, K)`. `layer.encode(x, c)` returns the pair `(z, ladj)`, of shapes `(N, D)`
and `(N,)`. `base_net(c)` returns `(N, 2 * D)`: the $D$ means, then the $D$ logarithms of the standard deviations.
Return $\log p(x \mid c)$ with all its constants, shape `(N,)`.
"""

HINTS = (
    "Two densities meet here: that of the base at z, which depends on c by its mean and deviation, and the volume that "
    "the layer brings in.",
    "For each number log N(z; mean, std^2) = -((z - mean) / std)^2 / 2 - log std - log(2 pi) / 2. What is log std, "
    "for a net that returns it?",
    "z, ladj = layer.encode(x, c); mean, log_std = base_net(c).chunk(2, 1); e = (z - mean) * exp(-log_std); then "
    "(-e^2 / 2 - log_std - log(2 pi) / 2).sum(1) + ladj.",
)


def conditional_log_prob(layer, base_net, x, c):
    z, ladj = layer.encode(x, c)
    mean, log_std = base_net(c).chunk(2, 1)
    noise = (z - mean) * torch.exp(-log_std)
    return (-0.5 * noise.square() - log_std - 0.5 * math.log(2 * math.pi)).sum(1) + ladj


def cases(draw):
    made = []
    for n, d, kept, k in ((6, 3, 1, 2), (1, 4, 2, 3), (5, 2, 1, 1), (4, 5, 2, 2)):
        layer = draw.coupling("layer", draw.mask(d, kept), context=k)
        made.append(Case((layer, draw.net("base_net", k, 2 * d, amplitude=1.2), draw.normal(n, d), draw.normal(n, k))))
    return made


def one_more_layer(ask, draw):
    """By torch.distributions, and through decode: x made from noise has the density of the noise, over the volume."""
    layer, base_net, x, c = cases(draw)[0].args
    mean, log_std = base_net(c).tensor_split(2, 1)
    z = mean + log_std.exp() * draw.normal(*x.shape)
    x, ladj = layer.decode(z, c)
    want = torch.distributions.Normal(mean, log_std.exp()).log_prob(z).sum(1) - ladj
    got = ask(layer, base_net, x, c)
    if not torch.allclose(got, want, rtol=1e-5, atol=1e-5):
        return Finding(
            "property", f"{want[0].item():.4f}, through decode and torch.distributions", f"{got[0].item():.4f}"
        )
    return None


_HALF = 0.5 * math.log(2 * math.pi)


def _of(formula):
    """`formula(z, ladj, mean, log_std, x)`."""

    def answer(layer, base_net, x, c):
        z, ladj = layer.encode(x, c)
        mean, log_std = base_net(c).chunk(2, 1)
        return formula(z, ladj, mean, log_std, x)

    return answer


def _log_normal(z, mean, log_std):
    return (-0.5 * ((z - mean) * torch.exp(-log_std)).square() - log_std - _HALF).sum(1)


def _base(formula):
    """The right ladj, with a base density that is the sum of `formula(z, mean, log_std)`."""
    return _of(lambda z, ladj, m, r, x: formula(z, m, r).sum(1) + ladj)


def _square(z, m, r):
    return -0.5 * ((z - m) * torch.exp(-r)).square()


def _decode(layer, base_net, x, c):
    mean, log_std = base_net(c).chunk(2, 1)
    z, ladj = layer.decode(x, c)
    return _log_normal(z, mean, log_std) + ladj


def _sampled(layer, base_net, x, c):
    """mean + std z instead of (z - mean) / std."""
    z, ladj = layer.encode(x, c)
    mean, log_std = base_net(c).chunk(2, 1)
    return (-0.5 * (mean + torch.exp(log_std) * z).square() - log_std - _HALF).sum(1) + ladj


def _base_of(argument):
    """The net of the base is given something else, `argument(z, c)`."""

    def answer(layer, base_net, x, c):
        z, ladj = layer.encode(x, c)
        mean, log_std = base_net(argument(z, c)).chunk(2, 1)
        return _log_normal(z, mean, log_std) + ladj

    return answer


def _interleaved(layer, base_net, x, c):
    z, ladj = layer.encode(x, c)
    out = base_net(c)
    return _log_normal(z, out[:, ::2], out[:, 1::2]) + ladj


def _no_context(layer, base_net, x, c):
    return layer.encode(x)


_STD = "log_std is taken for the standard deviation itself: std = exp(log_std)"
_VARIANCE = "log_std is taken for the log of the variance: the net returns that of the deviation, std = exp(log_std)"
_EXCHANGED = "mean and log-deviation are exchanged: the means are the first half of the net's output"

MISTAKES = (
    Mistake(
        "no_log_std",
        "- sum(log_std) is missing: a wider normal is a lower one",
        _base(lambda z, m, r: _square(z, m, r) - _HALF),
    ),
    Mistake(
        "log_std_sign",
        "the sign of log_std: - sum(log_std), for a wider normal is a lower one",
        _base(lambda z, m, r: _square(z, m, r) + r - _HALF),
    ),
    Mistake(
        "no_ladj",
        "the log-det of the layer is missing: log p(x | c) = log p(z | c) + ladj",
        _of(lambda z, ladj, m, r, x: _log_normal(z, m, r)),
    ),
    Mistake(
        "ladj_sign",
        "the sign of the log-det: encode's ladj is added",
        _of(lambda z, ladj, m, r, x: _log_normal(z, m, r) - ladj),
    ),
    Mistake("ladj_only", "the base density is missing", _of(lambda z, ladj, m, r, x: ladj)),
    Mistake(
        "at_x",
        "the base density is taken at x: it belongs to z",
        _of(lambda z, ladj, m, r, x: _log_normal(x, m, r) + ladj),
    ),
    Mistake(
        "standard",
        "this base is a standard normal one: its mean and deviation come from base_net(c)",
        _base(lambda z, m, r: -0.5 * z.square() - _HALF),
    ),
    Mistake("no_mean", "the mean is missing: (z - mean) / std", _base(lambda z, m, r: _square(z, 0, r) - r - _HALF)),
    Mistake(
        "no_scale",
        "the deviation is missing in the square: (z - mean) / std",
        _base(lambda z, m, r: _square(z, m, 0 * r) - r - _HALF),
    ),
    Mistake(
        "mean_only",
        "the deviation is missing: it comes from base_net(c) as well",
        _base(lambda z, m, r: _square(z, m, 0 * r) - _HALF),
    ),
    Mistake(
        "mean_sign", "the sign of the mean: it is taken off z", _base(lambda z, m, r: _square(z, -m, r) - r - _HALF)
    ),
    Mistake(
        "times_std",
        "multiplied by the deviation: z - mean is divided by it",
        _base(lambda z, m, r: _square(z, m, -r) - r - _HALF),
    ),
    Mistake("decoded_noise", "mean + std * z makes samples from noise: the density needs (z - mean) / std", _sampled),
    Mistake(
        "bracket",
        "a bracket: (z - mean) / std; here only one of the two is divided",
        _base(lambda z, m, r: -0.5 * (z - m * torch.exp(-r)).square() - r - _HALF),
    ),
    Mistake(
        "bracket",
        "a bracket: (z - mean) / std; here only one of the two is divided",
        _base(lambda z, m, r: -0.5 * (z * torch.exp(-r) - m).square() - r - _HALF),
    ),
    Mistake(
        "not_squared_std",
        "the square holds for std as well: ((z - mean) / std)^2",
        _base(lambda z, m, r: -0.5 * (z - m).square() * torch.exp(-r) - r - _HALF),
    ),
    Mistake("variance", _VARIANCE, _base(lambda z, m, r: _square(z, m, r / 2) - r / 2 - _HALF)),
    Mistake("std", _STD, _base(lambda z, m, r: -0.5 * ((z - m) / r).square() - r.abs().log() - _HALF)),
    Mistake("std", _STD, _base(lambda z, m, r: -0.5 * ((z - m) / r).square() - r.log() - _HALF)),
    Mistake("std", _STD, _base(lambda z, m, r: -0.5 * ((z - m) / r).square() - r - _HALF)),
    Mistake(
        "exp_log_std",
        "this takes off std where log std belongs: - sum(log_std), without exp",
        _base(lambda z, m, r: _square(z, m, r) - r.exp() - _HALF),
    ),
    Mistake("exchanged", _EXCHANGED, _base(lambda z, m, r: _square(z, r, m) - m - _HALF)),
    Mistake(
        "interleaved", "means and log-deviations do not take turns: the first D numbers are the means", _interleaved
    ),
    Mistake(
        "no_half",
        "the square without its one half: log N = -e^2 / 2 - log std - log(2 pi) / 2",
        _base(lambda z, m, r: 2 * _square(z, m, r) - r - _HALF),
    ),
    Mistake(
        "square_sign",
        "the sign of the square: log N = -e^2 / 2 - log std - log(2 pi) / 2",
        _base(lambda z, m, r: -_square(z, m, r) - r - _HALF),
    ),
    Mistake(
        "no_constant",
        "log(2 pi) / 2 is missing, once for each of the D numbers",
        _base(lambda z, m, r: _square(z, m, r) - r),
    ),
    Mistake(
        "constant_once",
        "log(2 pi) / 2 is counted once: it comes with each of the D numbers",
        _of(lambda z, ladj, m, r, x: (_square(z, m, r) - r).sum(1) - _HALF + ladj),
    ),
    Mistake(
        "constant_double", "log(2 pi) without its one half", _base(lambda z, m, r: _square(z, m, r) - r - 2 * _HALF)
    ),
    Mistake(
        "mean_of_features",
        "a mean over the features: log-densities of independent numbers add",
        _of(lambda z, ladj, m, r, x: _log_normal(z, m, r) / z.shape[1] + ladj),
    ),
    Mistake(
        "ladj_per_feature",
        "ladj is added to each of the D numbers before they are summed: it is added once",
        _of(lambda z, ladj, m, r, x: _log_normal(z, m, r) + z.shape[1] * ladj),
    ),
    Mistake(
        "whole_batch",
        "summed over the batch: one log-density for each row",
        _of(lambda z, ladj, m, r, x: (_log_normal(z, m, r) + ladj).sum()),
    ),
    Mistake(
        "batch_mean",
        "averaged over the batch: one log-density for each row",
        _of(lambda z, ladj, m, r, x: (_log_normal(z, m, r) + ladj).mean()),
    ),
    Mistake(
        "per_feature",
        "the sum over the features (dim 1) is missing",
        _of(lambda z, ladj, m, r, x: _square(z, m, r) - r - _HALF + ladj[:, None]),
    ),
    Mistake(
        "density",
        "this is p(x | c): its logarithm is asked for",
        _of(lambda z, ladj, m, r, x: (_log_normal(z, m, r) + ladj).exp()),
    ),
    Mistake(
        "negated", "this is -log p(x | c): no minus sign", _of(lambda z, ladj, m, r, x: -_log_normal(z, m, r) - ladj)
    ),
    Mistake("decode", "x is decoded: it is data, and layer.encode(x, c) leads to its latent", _decode),
    Mistake("no_context", "the context is not passed to the layer: layer.encode(x, c)", _no_context),
    Mistake(
        "base_sees_z",
        "the base is asked with z: its mean and deviation depend on the context, base_net(c)",
        _base_of(lambda z, c: z),
    ),
    Mistake(
        "zero_context",
        "the base is asked with zeros: its mean and deviation depend on the context, base_net(c)",
        _base_of(lambda z, c: 0 * c),
    ),
)

EXERCISE = Exercise(
    id="10.base",
    title="A base that depends on the context",
    level="core",
    minutes=15,
    points=3,
    anchor="sec-10-base",
    task=TASK,
    hints=HINTS,
    references=(conditional_log_prob,),
    returns=("log_prob (N,)",),
    cases=cases,
    mistakes=MISTAKES,
    independent=one_more_layer,
    gradient=("layer", "base_net", "x", "c"),
)
