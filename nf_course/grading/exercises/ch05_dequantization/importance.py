"""05.importance: the bound and the importance-weighted estimate of log P(x), from the same draws of the noise."""

import math

import torch

from nf_course.grading.exercise import Case, Exercise, Finding, Mistake

TASK = r"""
For each image, $K$ draws of noise $u_k \sim q(u \mid x)$ were made. `log_p` holds $\log p(x + u_k)$, the log-density of
the model per unit of grey level, and `log_q` holds $\log q(u_k \mid x)$; both have shape `(K, N)`. Return the pair
`(bound, estimate)`, each of shape `(N,)`:

$$\begin{gathered}
\mathtt{bound} = \frac1K \sum_{k=1}^{K} \bigl(\log p(x + u_k) - \log q(u_k \mid x)\bigr), \\
\mathtt{estimate} = \log\, \frac1K \sum_{k=1}^{K} \frac{p(x + u_k)}{q(u_k \mid x)}
\end{gathered}$$

The first is the variational bound on $\log P(x)$, the second comes closer to $\log P(x)$ the more draws there are. An
image has many pixels: a log-density of $-1500$ nats is nothing unusual, and $e^{-1500}$ is zero in floating point.
"""

HINTS = (
    "Both numbers are made of the same log-weights, log p - log q. What is the logarithm of a mean of exponentials?",
    "torch.logsumexp(w, dim=0) is log sum exp(w), without over- or underflow. A mean has another 1/K inside the log.",
    "w = log_p - log_q; return w.mean(dim=0), torch.logsumexp(w, dim=0) - math.log(len(w)).",
)


def estimate(log_p, log_q):
    w = log_p - log_q
    return w.mean(dim=0), torch.logsumexp(w, dim=0) - math.log(len(w))


def _draws(draw, k, n, level):
    """Log-weights that scatter by a nat or two around another level for each image."""
    log_q = 2 * draw.normal(k, n) - draw.uniform(1.0, 3.0)
    return level * draw.uniform(0.8, 1.2, n) + 1.5 * draw.normal(k, n) + log_q, log_q


def cases(draw):
    return [Case(_draws(draw, k, n, level)) for k, n, level in ((5, 3, -4.0), (1, 4, -3.0), (64, 7, -1500.0))]


def exact_noise(ask, draw):
    """With q the model's own density inside the bin all weights are P(x); otherwise the estimate lies higher."""
    log_P, log_q = -1000 * draw.uniform(0.5, 1.5, 4), draw.normal(6, 4)
    for name, value in zip(("bound", "estimate"), ask(log_P + log_q, log_q)):
        if (value - log_P).abs().max() > 1e-6 * 1500:
            return Finding("property", f"{name}: log P itself where q is exact", "another number")
    bound, tighter = ask(*_draws(draw, 20, 5, -30.0))
    if (tighter < bound).any():
        return Finding("property", "an estimate that is at least the bound", "a smaller one")
    return None


def _with(combine):
    """An answer that is `combine(w)` of the right log-weights."""
    return lambda log_p, log_q: combine(log_p - log_q)


def _weights(make):
    """The right formulas with other log-weights."""
    return lambda log_p, log_q: estimate(make(log_p, log_q), torch.zeros_like(log_q))


def _log_mean(w):
    return torch.logsumexp(w, 0) - math.log(len(w))


_UNDERFLOW = "exp of -1500 is zero: torch.logsumexp keeps the largest weight outside of the exponentials"

MISTAKES = (
    Mistake(
        "no_log_q",
        "log q is left out: noise that was not drawn uniformly has a density, and its logarithm is subtracted",
        _weights(lambda p, q: p),
    ),
    Mistake(
        "sign_of_log_q",
        "the sign of log q: the weight is p divided by q, so its logarithm is subtracted",
        _weights(lambda p, q: p + q),
    ),
    Mistake(
        "no_log_k",
        "the mean needs its 1/K: subtract log K from the logsumexp",
        _with(lambda w: (w.mean(0), torch.logsumexp(w, 0))),
    ),
    Mistake(
        "plus_log_k",
        "log K is subtracted: dividing by K inside a logarithm takes log K off",
        _with(lambda w: (w.mean(0), torch.logsumexp(w, 0) + math.log(len(w)))),
    ),
    Mistake(
        "over_k",
        "the logsumexp is divided by K: 1/K stands inside the logarithm, so subtract log K",
        _with(lambda w: (w.mean(0), torch.logsumexp(w, 0) / len(w))),
    ),
    Mistake(
        "log_n",
        "log of the number of images: the mean runs over the K draws",
        _with(lambda w: (w.mean(0), torch.logsumexp(w, 0) - math.log(w.shape[1]))),
    ),
    Mistake("underflow", _UNDERFLOW, _with(lambda w: (w.mean(0), w.exp().mean(0).log()))),
    Mistake(
        "underflow", _UNDERFLOW, lambda p, q: ((p - q).mean(0), torch.log(torch.mean(torch.exp(p) / torch.exp(q), 0)))
    ),
    Mistake(
        "same_twice",
        "both are the mean of the logs: for the estimate the logarithm stands outside of the mean",
        _with(lambda w: (w.mean(0), w.mean(0))),
    ),
    Mistake(
        "best_draw",
        "the best draw alone: the estimate averages all weights, then takes the logarithm",
        _with(lambda w: (w.mean(0), w.max(0).values)),
    ),
    Mistake(
        "p_and_q_apart",
        "the logs of two means: p and q belong to the same draw, so divide before you average",
        lambda p, q: ((p - q).mean(0), _log_mean(p) - _log_mean(q)),
    ),
    Mistake(
        "pair_order", "the pair is in the other order: (bound, estimate)", _with(lambda w: (_log_mean(w), w.mean(0)))
    ),
    Mistake(
        "summed", "the bound is a sum over the draws: their mean is wanted", _with(lambda w: (w.sum(0), _log_mean(w)))
    ),
    Mistake(
        "over_images",
        "the means run over the images: average over the draws, dim 0",
        _with(lambda w: (w.mean(1), torch.logsumexp(w, 1) - math.log(w.shape[1]))),
    ),
    Mistake(
        "negative",
        "the negatives: log-probabilities are asked for, not losses",
        _with(lambda w: (-w.mean(0), -_log_mean(w))),
    ),
    Mistake("estimate_only", "the bound is missing: return (bound, estimate)", _with(_log_mean)),
)

EXERCISE = Exercise(
    id="05.importance",
    title="How far below?",
    level="core",
    minutes=10,
    points=2,
    anchor="sec-05-importance",
    task=TASK,
    hints=HINTS,
    references=(estimate,),
    returns=("bound (N,)", "estimate (N,)"),
    cases=cases,
    mistakes=MISTAKES,
    independent=exact_noise,
    gradient=("log_p", "log_q"),
)
