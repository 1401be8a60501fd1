"""17.mixture: the log-density of a flow whose base is a mixture of normal densities."""

import math

import torch

from nf_course.grading.exercise import Case, Exercise, Finding, mistakes_of
from nf_course.grading.parts import Layer

TASK = r"""
A flow $z = f(x)$ whose base has $K$ islands:

$$\begin{gathered}
p_Z(z) = \sum_{k=1}^K w_k \prod_{i=1}^D \mathcal N(z_i;\, m_{ki}, s_{ki}^2), \\
w = \operatorname{softmax}(a), \\
\log p_X(x) = \log p_Z(f(x)) + \log \lvert \det J_f(x) \rvert
\end{gathered}$$

`flow.encode(x)` returns the pair `(z, ladj)`: $f(x)$, shape `(N, D)`, and the log-determinant, shape `(N,)`. `x` has
shape `(N, D)`; `logits`, the $a$ above, has `(K,)`; `means`, the $m_{ki}$, and `scales`, the deviations $s_{ki} > 0$,
both have `(K, D)`. Return $\log p_X(x)$ for each row, shape `(N,)`. It must be right and finite where every one of the
$K$ densities is too small for a floating-point number, and gradients must reach `x`, `logits`, `means` and `scales`.
"""

HINTS = (
    "The logarithm of a sum of exponentials: torch.logsumexp. Each of its K terms is log w_k plus a sum over D.",
    "z[:, None] - means has shape (N, K, D). log w is torch.log_softmax(logits, 0). ladj is that of the map alone: "
    "where does it stand?",
    "u = (z[:, None] - means) / scales; log_n = (-0.5 * u**2 - scales.log() - 0.5 * log(2 pi)).sum(2); "
    "torch.logsumexp(log_softmax(logits, 0) + log_n, 1) + ladj.",
)


def mixture_log_prob(flow, x, logits, means, scales):
    z, ladj = flow.encode(x)
    log_normal = torch.distributions.Normal(means, scales).log_prob(z[:, None]).sum(2)  # (N, K, D) -> (N, K)
    return torch.logsumexp(torch.log_softmax(logits, 0) + log_normal, 1) + ladj


def cases(draw):
    """Two, three and four islands, one island, one row; and a base so narrow that every density underflows."""
    made = []
    for n, d, k, width in ((6, 3, 3, 1.0), (4, 2, 2, 1.3), (1, 4, 4, 0.8), (5, 5, 1, 1.0), (3, 4, 2, 0.02)):
        flow = Layer("flow", draw.matrix(d, scale=1.4), draw.normal(d))
        scales = width * draw.uniform(0.6, 1.8, k, d)
        made.append(Case((flow, 1.5 * draw.normal(n, d), 1.5 * draw.normal(k), 1.2 * draw.normal(k, d), scales)))
    return made


def by_definition(ask, draw):
    """Against torch.distributions and the Jacobian; a logit more for all changes nothing; the islands have no order."""
    n, d, k = 4, 3, 3
    flow = Layer("flow", draw.matrix(d, scale=1.4), draw.normal(d))
    x, logits, means, scales = draw.normal(n, d), draw.normal(k), draw.normal(k, d), draw.uniform(0.5, 2.0, k, d)
    parts = torch.distributions.Independent(torch.distributions.Normal(means, scales), 1)
    base = torch.distributions.MixtureSameFamily(torch.distributions.Categorical(logits=logits), parts)
    J = torch.stack([torch.autograd.functional.jacobian(lambda v: flow.encode(v[None])[0][0], row) for row in x])
    want = base.log_prob(flow.encode(x)[0]) + J.det().abs().log()
    order = draw.permutation(k)
    for what, args in (
        ("the density of its definition", (logits, means, scales)),
        ("the same with 2 added to all logits", (logits + 2, means, scales)),
        ("the same with the islands in another order", (logits[order], means[order], scales[order])),
    ):
        got = ask(flow, x, *args)
        if not torch.allclose(got.to(want), want, rtol=1e-5, atol=1e-5):
            return Finding("property", f"{want[0].item():.4f}: {what}", f"{got[0].item():.4f}")
    return None


def _normals(z, means, scales):
    u = (z[:, None] - means) / scales
    return (-0.5 * u.square() - torch.log(scales) - 0.5 * math.log(2 * math.pi)).sum(2)


def _mix(formula):
    """`formula(log_w, log_n, ladj)` of the right parts, (K,), (N, K), (N,)."""

    def answer(flow, x, logits, means, scales):
        z, ladj = flow.encode(x)
        return formula(torch.log_softmax(logits, 0), _normals(z, means, scales), ladj)

    return answer


def _weights(log_w):
    """Other log-weights, `log_w(logits)`."""

    def answer(flow, x, logits, means, scales):
        z, ladj = flow.encode(x)
        return torch.logsumexp(log_w(logits) + _normals(z, means, scales), 1) + ladj

    return answer


def _terms(log_n):
    """Other terms, `log_n(z, means, scales)`, (N, K, D), to be summed over D."""

    def answer(flow, x, logits, means, scales):
        z, ladj = flow.encode(x)
        parts = log_n(z[:, None], means, scales).sum(2)
        return torch.logsumexp(torch.log_softmax(logits, 0) + parts, 1) + ladj

    return answer


def _normal(z, m, s):
    return -0.5 * ((z - m) / s).square() - torch.log(s) - 0.5 * math.log(2 * math.pi)


def _at_x(flow, x, logits, means, scales):
    _, ladj = flow.encode(x)
    return torch.logsumexp(torch.log_softmax(logits, 0) + _normals(x, means, scales), 1) + ladj


def _each_feature(flow, x, logits, means, scales):
    z, ladj = flow.encode(x)
    return torch.logsumexp(torch.log_softmax(logits, 0)[:, None] + _normal(z[:, None], means, scales), 1).sum(1) + ladj


def _right(log_w, log_n, ladj):
    return torch.logsumexp(log_w + log_n, 1) + ladj


_HALF = 0.5 * math.log(2 * math.pi)
_ROWS = (
    (
        "mean_of_logs",
        "a mean of the logarithms: the densities are added, with their weights, and then the logarithm is taken",
        _mix(lambda w, n, ladj: (w.exp() * n).sum(1) + ladj),
        _mix(lambda w, n, ladj: n.mean(1) + ladj),
        _mix(lambda w, n, ladj: (w + n).mean(1) + ladj),
    ),
    (
        "product",
        "logarithms are summed over the islands: that is a product of densities; a mixture is their sum",
        _mix(lambda w, n, ladj: (w + n).sum(1) + ladj),
        _mix(lambda w, n, ladj: n.sum(1) + ladj),
    ),
    (
        "largest",
        "the largest term alone: the others belong to the sum as well",
        _mix(lambda w, n, ladj: (w + n).amax(1) + ladj),
    ),
    (
        "no_weights",
        "the weights are not used: log w_k, a log_softmax of the logits, is added to each log-density",
        _weights(torch.zeros_like),
    ),
    (
        "equal_weights",
        "equal weights: w is the softmax of the logits",
        _weights(lambda a: torch.zeros_like(a) - math.log(len(a))),
    ),
    (
        "not_normalised",
        "the logits are used as they are: weights sum to 1, so their logarithms are log_softmax(logits)",
        _weights(lambda a: a),
    ),
    ("weights_not_log", "weights are added to logarithms: add log w_k", _weights(lambda a: torch.softmax(a, 0))),
    ("weights_sign", "the sign of log w_k: it is added", _weights(lambda a: -torch.log_softmax(a, 0))),
    (
        "no_ladj",
        "the log-determinant is missing: this is the density of z, not of x",
        _mix(lambda w, n, ladj: _right(w, n, 0)),
    ),
    ("ladj_sign", "the sign of ladj: encode's is added", _mix(lambda w, n, ladj: _right(w, n, -ladj))),
    (
        "ladj_often",
        "ladj is counted for each island, or shared among them: it belongs to the map, and is added once",
        _mix(lambda w, n, ladj: _right(w, n, n.shape[1] * ladj)),
        _mix(lambda w, n, ladj: _right(w, n, ladj / n.shape[1])),
        _mix(lambda w, n, ladj: _right(w, n, 2 * ladj)),
        _mix(lambda w, n, ladj: torch.logsumexp(torch.cat((w + n, ladj[:, None]), 1), 1)),
    ),
    ("at_x", "the base is asked at x: its argument is z = f(x)", _at_x),
    (
        "scales",
        "log s is missing or has the wrong sign: a narrow normal density is high, - log s for each feature",
        _terms(lambda z, m, s: _normal(z, m, s) + torch.log(s)),
        _terms(lambda z, m, s: _normal(z, m, s) + 2 * torch.log(s)),
        _terms(lambda z, m, s: _normal(z, m, s) + 0.5 * torch.log(s)),
        _terms(lambda z, m, s: _normal(z, m, s) - torch.log(s)),
    ),
    (
        "variance",
        "scales are deviations: (z - m) / s is squared; they are neither variances nor their logarithms",
        _terms(lambda z, m, s: _normal(z, m, s.sqrt())),
        _terms(lambda z, m, s: _normal(z, m, s.exp())),
        _terms(lambda z, m, s: _normal(z, m, s.square())),
        _terms(lambda z, m, s: _normal(z, m, 1 / s)),
        _terms(lambda z, m, s: _normal(z, m, torch.ones_like(s))),
    ),
    (
        "half",
        "the exponent of a normal density is - u^2 / 2",
        _terms(lambda z, m, s: _normal(z, m, s) - 0.5 * ((z - m) / s).square()),
        _terms(lambda z, m, s: _normal(z, m, s) + ((z - m) / s).square()),
    ),
    (
        "constant",
        "the constant: - log(2 pi) / 2 for each of the D features, so that the density has mass 1",
        _terms(lambda z, m, s: _normal(z, m, s) + _HALF),
        _mix(lambda w, n, ladj: _right(w, n, ladj) - _HALF),
    ),
    (
        "each_feature",
        "a mixture for each feature: an island is chosen once for the whole row; sum over D, and mix then",
        _each_feature,
    ),
    (
        "mean_of_features",
        "a mean over the features: their log-densities are summed",
        _terms(lambda z, m, s: _normal(z, m, s) / z.shape[2]),
    ),
    (
        "not_log",
        "this is the density: its logarithm is asked for",
        _mix(lambda w, n, ladj: _right(w, n, ladj).exp()),
    ),
    ("sign", "this is minus the log-density, a loss", _mix(lambda w, n, ladj: -_right(w, n, ladj))),
    (
        "underflow",
        "exp before the sum underflows where all densities are small: torch.logsumexp takes the largest term out first",
        _mix(lambda w, n, ladj: torch.log((w + n).exp().sum(1)) + ladj),
        *(_mix(lambda w, n, ladj, e=e: torch.log((w + n).exp().sum(1) + e) + ladj) for e in (1e-12, 1e-10, 1e-8, 1e-6)),
        *(
            _mix(lambda w, n, ladj, e=e: torch.log((w + n).exp().sum(1).clamp(min=e)) + ladj)
            for e in (1e-12, 1e-30, 1e-300)
        ),
    ),
    (
        "whole_batch",
        "summed or averaged over the batch: one number for each row, (N,)",
        _mix(lambda w, n, ladj: _right(w, n, ladj).sum()),
        _mix(lambda w, n, ladj: _right(w, n, ladj).mean()),
        _mix(lambda w, n, ladj: torch.logsumexp(w + n, (0, 1)) + ladj),
    ),
    (
        "not_summed",
        "one number for each island: sum their densities, by logsumexp over dim 1",
        _mix(lambda w, n, ladj: w + n + ladj[:, None]),
    ),
)

EXERCISE = Exercise(
    id="17.mixture",
    title="A base with islands",
    level="core",
    minutes=15,
    points=3,
    anchor="sec-17-cures",
    task=TASK,
    hints=HINTS,
    references=(mixture_log_prob,),
    returns=("log_prob (N,)",),
    cases=cases,
    mistakes=mistakes_of(_ROWS),
    independent=by_definition,
    gradient=("x", "logits", "means", "scales"),
)
