"""10.base: the log-density of a flow whose base depends on the context."""

import math

import torch

from nf_course.grading.exercise import Case, Exercise, Finding, mistakes_of

TASK = r"""
A flow with a conditional base takes $x$ to $z = f(x; c)$, and expects it in a normal density that the context moves and
widens:

$$\begin{aligned}
\log p(x \mid c) ={}& \log \N\bigl(z;\ m(c),\ \operatorname{diag}(s(c)^2)\bigr) \\
&+ \log \left| \det \frac{\partial z}{\partial x} \right|, \\
\bigl(m(c),\ \log s(c)\bigr) ={}& \mathtt{base\_net}(c)
\end{aligned}$$

`x` has shape `(N, D)` and `c` has shape `(N, K)`. `layer.encode(x, c)` returns the pair `(z, ladj)`, of shapes `(N, D)`
and `(N,)`. `base_net(c)` returns `(N, 2 * D)`: the $D$ means, then the $D$ logarithms of the standard deviations,
which may be 60 or -15 and are taken as they come. Return $\log p(x \mid c)$ with all its constants, shape `(N,)`.
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
    """Ordinary deviations; wide ones, a log_std near 60; narrow ones of -6, so many that their product is 0; and very
    narrow ones near -15, for which z lies within a few deviations of the mean.
    """
    made = []
    sizes = ((6, 3, 1, 2, 1.2), (1, 4, 2, 3, 1.2), (5, 2, 1, 1, 1.2), (4, 5, 2, 2, 60.0), (2, 150, 70, 2, 6.0))
    for n, d, kept, k, amplitude in sizes:
        layer = draw.coupling("layer", draw.mask(d, kept), context=k)
        base_net = draw.net("base_net", k, 2 * d, amplitude=amplitude)
        if d == 5:
            base_net.weight[d:] *= 0.2  # so that none is narrow, which would drown the others
            base_net.bias[d:] = 3 + base_net.bias[d:].abs()
        if d == 150:
            base_net.bias[d:] -= 4
        made.append(Case((layer, base_net, draw.normal(n, d), draw.normal(n, k))))
    return [*made, near_the_mean(draw)]


def near_the_mean(draw):
    n, d, k = 3, 4, 2
    layer, base_net = draw.coupling("layer", draw.mask(d, 2), context=k), draw.net("base_net", k, 2 * d, amplitude=15.0)
    base_net.bias[d:] -= 4
    c = draw.normal(n, k)
    mean, log_std = base_net(c).chunk(2, 1)
    x, _ = layer.decode(mean + log_std.exp() * draw.normal(n, d), c)
    return Case((layer, base_net, x, c))


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


def _whole(z, m, r):
    """log N of each number."""
    return _square(z, m, r) - r - _HALF


def _other(log_std):
    """Another log_std, `log_std(r)`."""
    return _base(lambda z, m, r: _whole(z, m, log_std(r)))


def _layer_sees(context):
    """The layer is given another context, `context(c)`."""

    def answer(layer, base_net, x, c):
        z, ladj = layer.encode(x, context(c))
        return _log_normal(z, *base_net(c).chunk(2, 1)) + ladj

    return answer


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


_ROWS = (
    (
        "no_log_std",
        "- sum(log_std) is missing: a wider normal is a lower one",
        _base(lambda z, m, r: _square(z, m, r) - _HALF),
    ),
    (
        "log_std_sign",
        "the sign of log_std: - sum(log_std), for a wider normal is a lower one",
        _base(lambda z, m, r: _square(z, m, r) + r - _HALF),
    ),
    (
        "log_std_twice",
        "log_std is counted twice: once in log N, and not as a log-det as well",
        _base(lambda z, m, r: _whole(z, m, r) - r),
    ),
    (
        "no_ladj",
        "the log-det of the layer is missing: log p(x | c) = log p(z | c) + ladj",
        _of(lambda z, ladj, m, r, x: _log_normal(z, m, r)),
    ),
    (
        "ladj_sign",
        "the sign of the log-det: encode's ladj is added",
        _of(lambda z, ladj, m, r, x: _log_normal(z, m, r) - ladj),
    ),
    (
        "ladj_twice",
        "the log-det of the layer is counted twice",
        _of(lambda z, ladj, m, r, x: _log_normal(z, m, r) + 2 * ladj),
    ),
    ("ladj_only", "the base density is missing", _of(lambda z, ladj, m, r, x: ladj)),
    (
        "at_x",
        "the base density is taken at x: it belongs to z",
        _of(lambda z, ladj, m, r, x: _log_normal(x, m, r) + ladj),
    ),
    (
        "standard",
        "this base is a standard normal one: its mean and deviation come from base_net(c)",
        _base(lambda z, m, r: -0.5 * z.square() - _HALF),
    ),
    ("no_mean", "the mean is missing: (z - mean) / std", _base(lambda z, m, r: _square(z, 0, r) - r - _HALF)),
    (
        "no_scale",
        "the deviation is missing in the square: (z - mean) / std",
        _base(lambda z, m, r: _square(z, m, 0 * r) - r - _HALF),
    ),
    (
        "mean_only",
        "the deviation is missing: it comes from base_net(c) as well",
        _base(lambda z, m, r: _square(z, m, 0 * r) - _HALF),
    ),
    ("mean_sign", "the sign of the mean: it is taken off z", _base(lambda z, m, r: _square(z, -m, r) - r - _HALF)),
    (
        "times_std",
        "multiplied by the deviation: z - mean is divided by it",
        _base(lambda z, m, r: _square(z, m, -r) - r - _HALF),
    ),
    ("decoded_noise", "mean + std * z makes samples from noise: the density needs (z - mean) / std", _sampled),
    (
        "bracket",
        "a bracket: (z - mean) / std; here only one of the two is divided",
        _base(lambda z, m, r: -0.5 * (z - m * torch.exp(-r)).square() - r - _HALF),
        _base(lambda z, m, r: -0.5 * (z * torch.exp(-r) - m).square() - r - _HALF),
    ),
    (
        "standardised_twice",
        "z is standardised twice: (z - mean) / std belongs to a standard normal, z to one with mean and std",
        _base(lambda z, m, r: _whole((z - m) * torch.exp(-r), m, r)),
    ),
    (
        "not_squared_std",
        "the square holds for std as well: ((z - mean) / std)^2",
        _base(lambda z, m, r: -0.5 * (z - m).square() * torch.exp(-r) - r - _HALF),
    ),
    (
        "variance",
        "log_std is taken for the log of the variance: the net returns that of the deviation, std = exp(log_std)",
        _other(lambda r: r / 2),
    ),
    (
        "std",
        "log_std is taken for the standard deviation itself: std = exp(log_std)",
        _base(lambda z, m, r: -0.5 * ((z - m) / r).square() - r.abs().log() - _HALF),
        _base(lambda z, m, r: -0.5 * ((z - m) / r).square() - r.log() - _HALF),
        _base(lambda z, m, r: -0.5 * ((z - m) / r).square() - r - _HALF),
    ),
    (
        "bounded",
        "log_std or std is bounded, by clamp or tanh, or by eps in gaussian_nll_loss: here it is taken as it comes, "
        "however small or large",
        *(_other(lambda r, b=b: r.clamp(-b, b)) for b in (1, 2, 3, 4, 5, 7, 10, 20, 50)),
        *(_other(lambda r, b=b: r.clamp(max=b)) for b in (1, 2, 3, 5, 10, 20, 50)),
        *(_other(lambda r, b=b: r.clamp(min=-b)) for b in (1, 2, 3, 5, 7, 10)),
        *(_other(lambda r, b=b: r.clamp(-b, 2)) for b in (5, 10, 20)),
        *(_other(lambda r, b=b: r.clamp(min=math.log(b))) for b in (0.1, 0.01, 1e-3, 1e-4, 1e-5, 1e-6)),
        *(_other(lambda r, b=b: b * torch.tanh(r)) for b in (1, 2, 3, 5)),
        *(_other(lambda r, b=b: b * torch.tanh(r / b)) for b in (2, 3, 5, 10)),
        *(_base(lambda z, m, r, b=b: _square(z, m, r.clamp(-b, b)) - r - _HALF) for b in (1, 2, 3, 5, 10)),
        *(_base(lambda z, m, r, b=b: _square(z, m, r) - r.clamp(-b, b) - _HALF) for b in (1, 2, 3, 5, 10)),
    ),
    (
        "other_std",
        "std is exp(log_std): no softplus, and no small number added to it",
        _other(lambda r: torch.nn.functional.softplus(r).log()),
        *(_other(lambda r, e=e: (r.exp() + e).log()) for e in (1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-8)),
        *(_other(lambda r, e=e: 0.5 * ((2 * r).exp() + e).log()) for e in (1e-3, 1e-4, 1e-5, 1e-6, 1e-8)),
    ),
    ("abs_log_std", "an absolute value: log_std may be negative, where std is below 1", _other(lambda r: r.abs())),
    (
        "exp_log_std",
        "this takes off std where log std belongs: - sum(log_std), without exp",
        _base(lambda z, m, r: _square(z, m, r) - r.exp() - _HALF),
    ),
    (
        "exchanged",
        "mean and log-deviation are exchanged: the means are the first half of the net's output",
        _base(lambda z, m, r: _square(z, r, m) - m - _HALF),
    ),
    ("interleaved", "means and log-deviations do not take turns: the first D numbers are the means", _interleaved),
    (
        "no_half",
        "the square without its one half: log N = -e^2 / 2 - log std - log(2 pi) / 2",
        _base(lambda z, m, r: 2 * _square(z, m, r) - r - _HALF),
    ),
    (
        "square_sign",
        "the sign of the square: log N = -e^2 / 2 - log std - log(2 pi) / 2",
        _base(lambda z, m, r: -_square(z, m, r) - r - _HALF),
    ),
    (
        "no_constant",
        "log(2 pi) / 2 is missing, once for each of the D numbers",
        _base(lambda z, m, r: _square(z, m, r) - r),
    ),
    (
        "constant_once",
        "log(2 pi) / 2 is counted once: it comes with each of the D numbers",
        _of(lambda z, ladj, m, r, x: (_square(z, m, r) - r).sum(1) - _HALF + ladj),
    ),
    ("constant_double", "log(2 pi) without its one half", _base(lambda z, m, r: _square(z, m, r) - r - 2 * _HALF)),
    (
        "constant_sign",
        "the sign of log(2 pi) / 2: it is taken off",
        _base(lambda z, m, r: _square(z, m, r) - r + _HALF),
    ),
    (
        "mean_of_features",
        "a mean over the features: log-densities of independent numbers add",
        _of(lambda z, ladj, m, r, x: _log_normal(z, m, r) / z.shape[1] + ladj),
    ),
    (
        "ladj_per_feature",
        "ladj is added to each of the D numbers before they are summed: it is added once",
        _of(lambda z, ladj, m, r, x: _log_normal(z, m, r) + z.shape[1] * ladj),
    ),
    (
        "whole_batch",
        "summed over the batch: one log-density for each row",
        _of(lambda z, ladj, m, r, x: (_log_normal(z, m, r) + ladj).sum()),
    ),
    (
        "batch_mean",
        "averaged over the batch: one log-density for each row",
        _of(lambda z, ladj, m, r, x: (_log_normal(z, m, r) + ladj).mean()),
    ),
    (
        "of_batch",
        "log_std or ladj is summed or averaged over the batch: each row has its own",
        _of(lambda z, ladj, m, r, x: _log_normal(z, m, r) + r.sum(1) - r.sum() + ladj),
        _of(lambda z, ladj, m, r, x: _log_normal(z, m, r) + ladj.sum()),
        _of(lambda z, ladj, m, r, x: _log_normal(z, m, r) + ladj.mean()),
    ),
    (
        "per_feature",
        "the sum over the features (dim 1) is missing",
        _of(lambda z, ladj, m, r, x: _square(z, m, r) - r - _HALF + ladj[:, None]),
    ),
    (
        "density",
        "this is p(x | c): its logarithm is asked for",
        _of(lambda z, ladj, m, r, x: (_log_normal(z, m, r) + ladj).exp()),
    ),
    (
        "product",
        "exp or a product of many, and then log: far out that is log 0 = -inf; add logarithms",
        _of(lambda z, ladj, m, r, x: _whole(z, m, r).exp().prod(1).log() + ladj),
        _of(lambda z, ladj, m, r, x: (_whole(z, m, r).sum(1) + ladj).exp().log()),
        _of(lambda z, ladj, m, r, x: (_square(z, m, r) - _HALF).sum(1) - r.exp().prod(1).log() + ladj),
    ),
    ("negated", "this is -log p(x | c): no minus sign", _of(lambda z, ladj, m, r, x: -_log_normal(z, m, r) - ladj)),
    ("decode", "x is decoded: it is data, and layer.encode(x, c) leads to its latent", _decode),
    ("no_context", "the context is not passed to the layer: layer.encode(x, c)", _no_context),
    (
        "base_sees_z",
        "the base is asked with z: its mean and deviation depend on the context, base_net(c)",
        _base_of(lambda z, c: z),
    ),
    (
        "zero_context",
        "the base is asked with zeros: its mean and deviation depend on the context, base_net(c)",
        _base_of(lambda z, c: 0 * c),
    ),
    (
        "one_context",
        "one context for the whole batch: each row has its own",
        _base_of(lambda z, c: c[:1]),
        _base_of(lambda z, c: c.mean(0, keepdim=True)),
        _layer_sees(lambda c: c[:1].expand_as(c)),
    ),
    (
        "layer_blind",
        "the layer is asked with zeros: its scale and shift depend on the context, layer.encode(x, c)",
        _layer_sees(lambda c: 0 * c),
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
    mistakes=mistakes_of(_ROWS),
    independent=one_more_layer,
    gradient=("layer", "base_net", "x", "c"),
)
