"""14.bound: the probability of a set whose code is not known, bounded from below by one draw of a code encoder."""

import math

import torch

from nf_course.grading.exercise import Case, Exercise, Finding, mistakes_of
from nf_course.grading.exercises.ch14_shapes.shared import HALF, each_point, log_normal, shape_flow
from nf_course.grading.parts import Base

TASK = r"""
How probable is a set of points if its code is not known? The integral over all codes is out of reach. An encoder
guesses which codes fit: $q(s \mid X)$ is a normal density whose means and log-deviations are *means over the points* of
what a network says of each, so that their order does not matter. A code is drawn from it with the noise $e$:

$$\begin{gathered}
(m,\ \log \sigma) = \frac1P \sum_{i=1}^{P} \mathtt{encoder}(x_i), \\
s = m + \sigma \odot e, \\
\log p(X) \ \ge\ \mathbb{E}_{e} \Bigl[\, \sum_{i=1}^{P} \log p(x_i \mid s) \\
+\ \log p(s) - \log q(s \mid X) \Bigr]
\end{gathered}$$

`points` has shape `(N, P, 3)` and `noise`, standard normal, has shape `(N, K)`: one draw of $e$ for each set.
`encoder(x)` takes points `(M, 3)` and returns `(M, 2 * K)`, the $K$ means and then the $K$ log-deviations.
`flow.encode(x, c)` is that of Exercise 1, from `(M, 3)` and `(M, K)` to `(z, ladj)`, with a standard normal base.
`prior.log_prob(s)`, from `(M, K)` to `(M,)`, is $\log p(s)$. Return what stands in the brackets, with all its
constants, shape `(N,)`. Gradients must reach the encoder too.
"""

HINTS = (
    "Four steps: the encoder's guess for each set, a code of it, the log-density of the set given this code, and what "
    "the code itself costs.",
    "encoder(points.reshape(N * P, 3)).view(N, P, -1).mean(1).chunk(2, 1) gives m and log sigma. With s = m + sigma e "
    "each number of the code has log q = -e^2 / 2 - log sigma - log(2 pi) / 2.",
    "The set's log-density is Exercise 1 with the code s. Then: that + prior.log_prob(s) - log_q.sum(1), of which only "
    "the first is a sum over points.",
)


def lower_bound(encoder, flow, prior, points, noise):
    n, p, _ = points.shape
    rows = points.reshape(n * p, 3)
    mean, log_std = encoder(rows).view(n, p, -1).mean(1).chunk(2, 1)
    code = mean + log_std.exp() * noise
    log_q = (-0.5 * noise.square() - log_std - 0.5 * math.log(2 * math.pi)).sum(1)
    z, ladj = flow.encode(rows, code.repeat_interleave(p, 0))
    each = (-0.5 * z.square() - 0.5 * math.log(2 * math.pi)).sum(1) + ladj
    return each.view(n, p).sum(1) + prior.log_prob(code) - log_q


def _models(draw, k, kept, narrow=False):
    encoder = draw.net("encoder", 3, 2 * k, amplitude=1.2)
    encoder.bias.copy_(draw.uniform(0.4, 1.0, 2 * k) * draw.signs(2 * k))
    return encoder, shape_flow(draw, kept, k, narrow=narrow), Base("prior", draw.uniform(2.0, 6.0, k))


def cases(draw):
    """More points than sets and fewer, one set, one point, one number of a code; densities above 1, and p(X) of 0."""
    sizes = ((4, 6, 3, 1), (1, 5, 2, 2), (3, 1, 2, 1), (5, 3, 1, 2), (2, 200, 4, 1))
    made = [Case((*_models(draw, k, kept), draw.normal(n, p, 3), draw.normal(n, k))) for n, p, k, kept in sizes]
    return [*made, Case((*_models(draw, 2, 1, narrow=True), 0.01 * draw.normal(2, 5, 3), draw.normal(2, 2)))]


def whatever_the_encoder(ask, draw):
    """Codes of one number: over a grid of noise the bound's exp, weighed by the noise, gives p(X), and not q."""
    _, flow, prior = _models(draw, 1, 1)
    points, grid = draw.normal(1, 4, 3), 41
    for _ in range(2):
        encoder = _models(draw, 1, 1)[0]
        mean, log_std = encoder(points[0]).mean(0)
        noise = torch.linspace(-5, 5, grid, dtype=points.dtype, device=points.device)[:, None]
        many = points.expand(grid, 4, 3).contiguous()
        weights = log_normal(noise) + math.log(10 / (grid - 1))
        got = torch.logsumexp(ask(encoder, flow, prior, many, noise) + weights, 0).item()
        codes = mean + log_std.exp() * noise  # the same stretch of codes, and the sum over them
        joint = torch.stack([log_normal(z) + ladj for z, ladj in (flow.encode(many[:, i], codes) for i in range(4))])
        step = math.log(10 / (grid - 1)) + log_std
        want = torch.logsumexp(joint.sum(0) + prior.log_prob(codes) + step, 0).item()
        if not abs(got - want) < 1e-5 * (1 + abs(want)):
            return Finding("property", f"log p(X) = {want:.4f}, by the mean of exp over a grid of e", f"{got:.4f}")
    return None


def _guess(encoder, points):
    """m and log sigma of each point, (N, P, K) each."""
    n, p, _ = points.shape
    return encoder(points.reshape(n * p, 3)).view(n, p, -1).chunk(2, 2)


def _answer(
    *,
    guess=lambda encoder, points: tuple(values.mean(1) for values in _guess(encoder, points)),
    code=lambda m, r, e: m + r.exp() * e,
    given=lambda m, r, s: s,
    each=lambda flow, points, s: (lambda z, ladj: log_normal(z) + ladj)(*each_point(flow, points, s)),
    prior=lambda prior, m, e, s: prior.log_prob(s),
    log_q=lambda m, r, e: (-0.5 * e.square() - r - HALF).sum(1),
    total=lambda points, p, q: points.sum(1) + p - q,
):
    """The right answer but for the parts that are given; r is log sigma, and `given` the code that the flow gets."""

    def answer(encoder, flow, prior_, points, noise):
        m, r = guess(encoder, points)
        s = code(m, r, noise)
        return total(each(flow, points, given(m, r, s)), prior(prior_, m, noise, s), log_q(m, r, noise))

    return answer


def _set(change):
    """Another summary of the set than the mean over its points, `change(values, dim 1)`."""
    return _answer(guess=lambda encoder, points: tuple(change(values) for values in _guess(encoder, points)))


def _terms(formula):
    """Another log q, the sum of `formula(e, r)` over the numbers of a code."""
    return _answer(log_q=lambda m, r, e: formula(e, r).sum(1))


def _total(formula):
    """`formula(each point (N, P), log p(s), log q)`."""
    return _answer(total=formula)


def _points(formula):
    """Other log-densities of the points, `formula(z, ladj)` (N, P)."""
    return _answer(each=lambda flow, points, s: formula(*each_point(flow, points, s)))


def _halves(change):
    """Another reading of the encoder's output, `change(out)` of (N, 2 K)."""
    return _answer(guess=lambda encoder, points: change(torch.cat([v.mean(1) for v in _guess(encoder, points)], 1)))


def _in_turn(flow, points, s):
    n, p, _ = points.shape
    z, ladj = flow.encode(points.reshape(n * p, 3), s.repeat(p, 1))
    return (log_normal(z) + ladj).view(n, p)


def _of_center(encoder, points):
    return encoder(points.mean(1)).chunk(2, 1)


def _kl(m, r):
    return 0.5 * (m.square() + (2 * r).exp() - 1 - 2 * r).sum(1)


def _analytic(encoder, flow, prior, points, noise):
    m, r = (values.mean(1) for values in _guess(encoder, points))
    z, ladj = each_point(flow, points, m + r.exp() * noise)
    return (log_normal(z) + ladj).sum(1) - _kl(m, r)


_ROWS = (
    (
        "no_log_q",
        "log q(s | X) is missing: without it the best encoder has no deviation at all, and this is no bound",
        _total(lambda each, p, q: each.sum(1) + p),
    ),
    ("log_q_sign", "the sign of log q: it is taken off", _total(lambda each, p, q: each.sum(1) + p + q)),
    ("no_prior", "log p(s) is missing: a code has its price", _total(lambda each, p, q: each.sum(1) - q)),
    ("prior_sign", "the sign of log p(s): it is added", _total(lambda each, p, q: each.sum(1) - p - q)),
    (
        "likelihood_only",
        "log p(X | s) alone: log p(s) - log q(s | X) belongs to it",
        _total(lambda each, p, q: each.sum(1)),
    ),
    ("code_only", "log p(X | s), the sum over the points, is missing", _total(lambda each, p, q: p - q)),
    (
        "code_of_each_point",
        "the code is counted with every point: a set has one code, so log p(s) - log q(s | X) comes once",
        _total(lambda each, p, q: (each + (p - q)[:, None]).sum(1)),
    ),
    (
        "mean_over_points",
        "a mean over the points: their log-densities add",
        _total(lambda each, p, q: each.mean(1) + p - q),
        _total(lambda each, p, q: (each.sum(1) + p - q) / each.shape[1]),
    ),
    (
        "density_of_noise",
        "this is the log-density of the noise e: s is stretched by sigma, so that - sum(log sigma) belongs to log q",
        _terms(lambda e, r: -0.5 * e.square() - HALF),
    ),
    (
        "log_std_sign",
        "the sign of log sigma in log q: a wider normal is a lower one, - log sigma",
        _terms(lambda e, r: -0.5 * e.square() + r - HALF),
    ),
    (
        "standardised_twice",
        "e is divided by sigma: (s - m) / sigma is e itself",
        _terms(lambda e, r: -0.5 * (e * (-r).exp()).square() - r - HALF),
        _terms(lambda e, r: -0.5 * (e * r.exp()).square() - r - HALF),
    ),
    (
        "q_at_mean",
        "log q is taken at the mean of the code: it belongs to the code that was drawn",
        _terms(lambda e, r: -r - HALF + 0 * e),
    ),
    (
        "entropy",
        "the mean of log q, minus the entropy: the one draw of it is asked for",
        _terms(lambda e, r: -0.5 - r - HALF + 0 * e),
    ),
    (
        "q_constant",
        "log(2 pi) / 2 in log q is missing, or counted once: it comes with each of the K numbers",
        _terms(lambda e, r: -0.5 * e.square() - r),
        _answer(log_q=lambda m, r, e: (-0.5 * e.square() - r).sum(1) - HALF),
    ),
    (
        "q_mean",
        "a mean over the K numbers of the code: their log-densities add",
        _answer(log_q=lambda m, r, e: (-0.5 * e.square() - r - HALF).mean(1)),
    ),
    (
        "prior_at_noise",
        "log p(s) is taken at the noise: it belongs to the code s",
        _answer(prior=lambda prior, m, e, s: prior.log_prob(e)),
    ),
    (
        "prior_at_mean",
        "log p(s) is taken at the mean m: it belongs to the code s",
        _answer(prior=lambda prior, m, e, s: prior.log_prob(m)),
    ),
    (
        "standard_prior",
        "a standard normal stands for the density of codes: it is prior.log_prob(s)",
        _answer(prior=lambda prior, m, e, s: log_normal(s)),
    ),
    ("analytic", "the divergence from a standard normal, in closed form: the prior is another density", _analytic),
    (
        "mean_code",
        "the mean m is taken for the code: s = m + sigma e",
        _answer(given=lambda m, r, s: m),
        _answer(code=lambda m, r, e: m),
    ),
    ("noise_code", "the noise is taken for the code: s = m + sigma e", _answer(code=lambda m, r, e: e)),
    ("no_std", "sigma is missing: s = m + sigma e", _answer(code=lambda m, r, e: m + e)),
    ("no_mean", "the mean is missing: s = m + sigma e", _answer(code=lambda m, r, e: r.exp() * e)),
    ("minus", "the sign of the noise: s = m + sigma e", _answer(code=lambda m, r, e: m - r.exp() * e)),
    (
        "not_exp",
        "log sigma is taken for sigma: exp takes the log back",
        _answer(code=lambda m, r, e: m + r * e),
        _answer(code=lambda m, r, e: m + r.abs() * e),
    ),
    (
        "variance",
        "log sigma is taken for the log of the variance: the encoder returns that of the deviation",
        _halves(lambda out: (out.chunk(2, 1)[0], out.chunk(2, 1)[1] / 2)),
        _answer(code=lambda m, r, e: m + (r / 2).exp() * e),
        _answer(code=lambda m, r, e: m + (2 * r).exp() * e),
    ),
    (
        "softplus",
        "sigma is exp(log sigma): no softplus",
        _halves(lambda out: (out.chunk(2, 1)[0], torch.nn.functional.softplus(out.chunk(2, 1)[1]).log())),
        _answer(code=lambda m, r, e: m + torch.nn.functional.softplus(r) * e),
    ),
    (
        "exchanged",
        "means and log-deviations are exchanged: the means are the first half",
        _halves(lambda out: out.chunk(2, 1)[::-1]),
    ),
    (
        "interleaved",
        "means and log-deviations do not take turns: the first K numbers are the means",
        _halves(lambda out: (out[:, ::2], out[:, 1::2])),
    ),
    (
        "maximum",
        "the largest of what the network says of the points: here it is their mean",
        _set(lambda values: values.amax(1)),
    ),
    (
        "sum_of_points",
        "the sum of what the network says of the points: their mean does not depend on how many they are",
        _set(lambda values: values.sum(1)),
    ),
    (
        "first_point",
        "one point stands for its set: the mean over all P of them",
        _set(lambda values: values[:, 0]),
    ),
    (
        "mean_first",
        "the mean of the points is encoded: encode each point, and then take the mean",
        _answer(guess=_of_center),
    ),
    (
        "over_sets",
        "the mean runs over the sets as well: each set has its own guess",
        _set(lambda values: values.mean((0, 1), keepdim=True)[0].expand(len(values), -1)),
    ),
    (
        "no_ladj",
        "the log-dets of the points are missing: log p(x | s) = log p(z) + ladj",
        _points(lambda z, ladj: log_normal(z)),
    ),
    ("ladj_sign", "the sign of the log-dets: encode's ladj is added", _points(lambda z, ladj: log_normal(z) - ladj)),
    (
        "ladj_of_the_set",
        "every point gets the log-dets of its whole set: each counts once",
        _points(lambda z, ladj: log_normal(z) + ladj.sum(1, keepdim=True)),
        _points(lambda z, ladj: log_normal(z).sum(1, keepdim=True) + ladj),
    ),
    (
        "point_constant",
        "log(2 pi) / 2 is missing from the density of the points, once for each coordinate of each point",
        _points(lambda z, ladj: -0.5 * z.square().sum(2) + ladj),
    ),
    (
        "codes_in_turn",
        "the codes take turns: the points of a set follow each other, so repeat_interleave, not repeat",
        _answer(each=_in_turn),
    ),
    (
        "negated",
        "this is the loss, an upper bound of -log p(X): no minus sign",
        _total(lambda each, p, q: q - p - each.sum(1)),
    ),
    (
        "whole_batch",
        "one number for all sets: each has its own bound",
        _total(lambda each, p, q: (each.sum(1) + p - q).mean()),
        _total(lambda each, p, q: (each.sum(1) + p - q).sum()),
    ),
    (
        "exp",
        "exp, and then log: of many points that is log 0 = -inf; stay with logarithms",
        _total(lambda each, p, q: each.exp().prod(1).log() + p - q),
        _total(lambda each, p, q: (each.sum(1) + p - q).exp()),
        _total(lambda each, p, q: (each.sum(1).exp() * p.exp() / q.exp()).log()),
    ),
    (
        "encoder_of_sets",
        "the encoder takes points as rows, (N * P, 3): the mean over a set comes after it",
        lambda encoder, flow, prior, points, noise: encoder(points),
    ),
)

EXERCISE = Exercise(
    id="14.bound",
    title="A set without its code",
    level="stretch",
    minutes=20,
    points=3,
    anchor="sec-14-bound",
    task=TASK,
    hints=HINTS,
    references=(lower_bound,),
    returns=("bound (N,)",),
    cases=cases,
    mistakes=mistakes_of(_ROWS),
    independent=whatever_the_encoder,
    gradient=("encoder", "flow", "prior", "points"),
)
