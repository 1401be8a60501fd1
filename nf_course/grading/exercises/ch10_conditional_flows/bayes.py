"""10.bayes: classes from a flow for each class, by the theorem of Bayes."""

import math

import torch

from nf_course.grading.exercise import Case, Exercise, Finding, mistakes_of

TASK = r"""
A flow that is conditioned on the class gives $\log p(x \mid k)$ for every class $k$. Together with how frequent the
classes are, this is a classifier:

$$p(k \mid x_n) = \frac{p(x_n \mid k)\, p(k)}{\sum_{j} p(x_n \mid j)\, p(j)}, \qquad
p(k) = \frac{\mathtt{counts}_k}{\sum_j \mathtt{counts}_j}$$

`log_lik` has shape `(N, K)` and holds $\log p(x_n \mid k)$. `counts` has shape `(K,)` and holds how often each class
occurred in training, whole numbers, not all zero. Return the probabilities $p(k \mid x_n)$, shape `(N, K)`. Two things
happen with real flows. Log-likelihoods may be $-2000$ or $+1500$, where `exp` gives 0 or infinity. And a class may have
the count 0; its probability is then exactly 0, however likely it makes $x_n$.
"""

HINTS = (
    "Products become sums if you stay with logarithms. What is log p(x | k) + log p(k), and what does a row of it lack "
    "to be log p(k | x)?",
    "A constant that is added to a whole row cancels in the fraction; torch.softmax takes the largest of a row off "
    "before its exp. log 0 = -inf is welcome there: exp makes it an exact 0.",
    "prior = counts / counts.sum(); torch.softmax(log_lik + prior.log(), dim=1).",
)


def posterior(log_lik, counts):
    prior = counts.to(log_lik) / counts.sum()
    return torch.softmax(log_lik + prior.log(), dim=1)


def cases(draw):
    """Numbers of ordinary size; far below zero; far above, with a class that never occurred; one row."""
    rows = torch.linspace(-3400, -600, 5, dtype=torch.float64, device=draw.device)[:, None]
    far = rows + 2 * draw.normal(5, 4)
    far[0, 1], far[3, 2] = far[0, 1] - 2000, far[3, 2] + 2000
    high = 1500 + 2 * draw.normal(3, 3)
    unseen = draw.integer(0, 3)
    high[:, unseen] += 2000
    counts = _counts(draw, 3)
    counts[unseen] = 0
    return [
        Case((-3 + 1.5 * draw.normal(6, 3), _counts(draw, 3))),
        Case((far, _counts(draw, 4))),
        Case((high, counts)),
        Case((-4 + draw.normal(1, 2), _counts(draw, 2))),
    ]


def _counts(draw, classes):
    """Whole numbers, no two of them near to each other."""
    return (draw.permutation(classes) * 25 + draw.uniform(4, 12, classes).long()).long()


def odds(ask, draw):
    """Of two classes the odds are a sigmoid; and what is added to a whole row changes nothing, however much it is."""
    log_lik, counts = draw.normal(7, 2), _counts(draw, 2)
    want = torch.sigmoid(log_lik[:, 0] - log_lik[:, 1] + torch.log(counts[0] / counts[1]))
    for shift in (0.0, -2500.0, 900.0, -1e6):
        got = ask(log_lik + shift, counts)[:, 0]
        if not torch.allclose(got, want, rtol=1e-5, atol=1e-5):
            expected = f"{want[0].item():.4f}, a sigmoid of the log-odds" + (f", at {shift:+.0f}" if shift else "")
            likely, mistake = (_CLAMP, "clamp") if shift == -1e6 else ("", None)
            return Finding("property", expected, f"{got[0].item():.4f}", likely=likely, mistake=mistake)
    return unseen(ask, draw)


def unseen(ask, draw):
    """A class that never occurred has the probability 0 exactly, and the others share what is left, at any odds."""
    log_lik, counts = draw.normal(4, 3), torch.tensor([0, 3, 5], device=draw.device)
    want = torch.sigmoid(log_lik[:, 1] - log_lik[:, 2] + math.log(3 / 5))
    for ahead, low in ((0.0, 0.0), (50.0, 0.0), (1e6, 0.0), (1e6, 1e6)):
        got = ask(log_lik + ahead * (counts == 0) - low, counts)
        if bool(got[:, 0].any()) or not torch.allclose(got[:, 1], want, rtol=1e-5, atol=1e-5):
            expected = f"0 and {want[0].item():.4f} for the counts 0, 3, 5, log_lik of the first ahead by {ahead:.0f}"
            expected += f", all near {-low:.0f}" if low else ""
            found = f"{got[0, 0].item():.4g} and {got[0, 1].item():.4f}"
            return Finding("property", expected, found, likely=_EPSILON, mistake="prior_epsilon")
    return None


def _log_prior(log_lik, counts):
    return torch.log(counts.to(log_lik) / counts.sum())


def _of(formula):
    """`formula(log_lik, log_prior)`."""
    return lambda log_lik, counts: formula(log_lik, _log_prior(log_lik, counts))


def _scores(formula):
    """A softmax of other scores, `formula(log_lik, log_prior)`."""
    return lambda log_lik, counts: torch.softmax(formula(log_lik, _log_prior(log_lik, counts)), 1)


def _ratio(weights):
    return weights / weights.sum(1, keepdim=True)


def _smoothed(log_lik, counts):
    prior = (counts + 1).to(log_lik) / (counts + 1).sum()
    return torch.softmax(log_lik + prior.log(), 1)


def _epsilon(least):
    return lambda log_lik, counts: torch.softmax(log_lik + torch.log(counts.to(log_lik) / counts.sum() + least), 1)


def _zeroed(least):
    """Softmax of log-likelihoods and counts of at least 1, unseen classes set to 0, and normalised with `least`."""

    def answer(log_lik, counts):
        weights = torch.softmax(log_lik + counts.clamp(min=1).to(log_lik).log(), 1) * (counts > 0)
        return weights / (weights.sum(1, keepdim=True) + least) if least else weights

    return answer


_CLAMP = "the log-likelihoods are clamped, and differences between classes are lost"
_EPSILON = "a small number stands for a prior of 0, or for its log: log 0 = -inf is right, softmax makes it an exact 0"
_ROWS = (
    (
        "underflow",
        "exp of a log-likelihood is 0 or infinity, and their ratio NaN: stay with logarithms, and use softmax",
        _of(lambda l, p: _ratio(l.exp() * p.exp())),
        _of(lambda l, p: torch.exp(l + p - (l + p).exp().sum(1, keepdim=True).log())),
        _of(lambda l, p: torch.exp(l + p - (l.exp() * p.exp()).sum(1, keepdim=True).log())),
        _of(lambda l, p: torch.softmax((l.exp() * p.exp()).log(), 1)),
    ),
    (
        "epsilon",
        "a small number added against a division by zero: the row is lost all the same; use softmax of the logs",
        _of(lambda l, p: l.exp() * p.exp() / ((l + p).exp().sum(1, keepdim=True) + 1e-12)),
        *(
            _of(lambda l, p, e=e: torch.softmax((l.exp() * p.exp()).clamp(min=e).log(), 1))
            for e in (1e-8, 1e-12, 1e-30, 1e-300)
        ),
        *(_of(lambda l, p, e=e: torch.softmax((l.exp() * p.exp() + e).log(), 1)) for e in (1e-8, 1e-12, 1e-30, 1e-300)),
    ),
    (
        "patched",
        "NaN is patched over after the division: the row is lost all the same; use softmax of the logs",
        *(
            _of(lambda l, p, by=by: _ratio((l + p).exp()).nan_to_num(by(l)))
            for by in (lambda l: 0.0, lambda l: 1 / l.shape[1])
        ),
    ),
    (
        "global_max",
        "one number is taken off the whole table: take each row's own largest off, as softmax does",
        _of(lambda l, p: _ratio((l + p - (l + p).max()).exp())),
        _of(lambda l, p: _ratio((l - l.max()).exp() * p.exp())),
    ),
    (
        "pairwise",
        "-inf minus -inf is NaN, so that differences of pairs fail: take the largest of a row off, as softmax does",
        _of(lambda l, p: 1 / torch.exp((l + p)[:, None, :] - (l + p)[:, :, None]).sum(2)),
    ),
    (
        "row_shift",
        "what is taken off a row leaves exp at 0 or infinity: it must be the largest log p(x | k) + log p(k); the most "
        "likely class may be one with the count 0",
        _of(lambda l, p: _ratio((l - l.amax(1, keepdim=True)).exp() * p.exp())),
        _of(lambda l, p: _ratio(torch.softmax(l, 1) * p.exp())),
        _of(lambda l, p: _ratio((l - l.mean(1, keepdim=True)).exp() * p.exp())),
        _of(lambda l, p: _ratio((l - l.amin(1, keepdim=True)).exp() * p.exp())),
    ),
    (
        "clamp",
        _CLAMP,
        *(_scores(lambda l, p, b=b: l.clamp(-b, b) + p) for b in (20, 50, 80, 88, 100, 500, 700, 709, 1000)),
        *(_scores(lambda l, p, b=b: l.clamp(min=-b) + p) for b in (20, 50, 80, 88, 100, 500, 700, 709, 1000)),
    ),
    ("no_prior", "the prior is missing: add log p(k), by the counts", _scores(lambda l, p: l)),
    (
        "seen_only",
        "the counts say only which classes occurred: how often belongs to it, log p(k)",
        _scores(lambda l, p: l.masked_fill(p.isinf(), -torch.inf)),
    ),
    ("prior_twice", "the prior is counted twice", _scores(lambda l, p: l + 2 * p)),
    ("prior_not_log", "the prior is added to logarithms: add its logarithm", _scores(lambda l, p: l + p.exp())),
    (
        "other_log",
        "another logarithm than the natural one: exp takes back log, not log2 or log10",
        *(_scores(lambda l, p, base=base: l + p / math.log(base)) for base in (2, 10)),
    ),
    (
        "counts_added",
        "the counts are added to logarithms: add log(counts / counts.sum())",
        lambda log_lik, counts: torch.softmax(log_lik + counts, 1),
    ),
    (
        "prior_divided",
        "the prior is divided out: p(x | k) is multiplied by p(k), so log p(k) is added",
        _scores(lambda l, p: l - p),
    ),
    ("prior_only", "this is the prior: the likelihoods are not used", _of(lambda l, p: p.exp().expand_as(l).clone())),
    (
        "not_renormalised",
        "the prior is multiplied in after softmax: the rows do not sum to 1 any more",
        _of(lambda l, p: torch.softmax(l, 1) * p.exp()),
    ),
    (
        "averaged",
        "likelihood and prior are multiplied in Bayes' theorem, not added",
        _of(lambda l, p: (torch.softmax(l, 1) + p.exp()) / 2),
    ),
    ("smoothing", "the counts are smoothed: a class with the count 0 has the probability 0 here", _smoothed),
    (
        "prior_epsilon",
        _EPSILON,
        *(_epsilon(least) for least in (1e-3, 1e-4, 1e-6, 1e-8, 1e-12)),
        *(_scores(lambda l, p, least=least: l + p.clamp(min=least)) for least in (-100, -500, -1e3)),
    ),
    (
        "zeroed_after",
        "an unseen class is set to 0 after softmax, which had given it everything: -inf before softmax leaves it out",
        _of(lambda l, p: torch.softmax(l, 1) * p.isfinite()),
        _of(lambda l, p: torch.softmax(l + p.clamp(min=-80), 1) * p.isfinite()),
        _zeroed(0.0),
        _zeroed(1e-300),
    ),
    (
        "over_batch",
        "normalised over the rows (dim 0): for each row the classes sum to 1, dim 1",
        _of(lambda l, p: torch.softmax(l + p, 0)),
    ),
    (
        "whole_table",
        "normalised over the whole table: for each row the classes sum to 1",
        _of(lambda l, p: torch.softmax((l + p).flatten(), 0).view_as(l)),
    ),
    (
        "prior_along_rows",
        "the prior is laid along the rows: it has one number for each class, a column of log_lik",
        _scores(lambda l, p: l + p[:, None]),
    ),
    (
        "sorted_counts",
        "the counts are sorted: entry k belongs to class k as it stands",
        lambda log_lik, counts: posterior(log_lik, counts.sort().values),
        lambda log_lik, counts: posterior(log_lik, counts.sort(descending=True).values),
    ),
    (
        "log_posterior",
        "these are logarithms: the probabilities are asked for",
        _of(lambda l, p: torch.log_softmax(l + p, 1)),
    ),
    ("joint", "this is log p(x, k): it is still to be normalised over the classes", _of(lambda l, p: l + p)),
    (
        "not_normalised",
        "not normalised: the classes of a row must sum to 1",
        _of(lambda l, p: (l + p - (l + p).amax(1, keepdim=True)).exp()),
        _of(lambda l, p: (l + p).exp()),
    ),
    (
        "sigmoid",
        "a sigmoid of each number: the classes of a row compete, softmax",
        _of(lambda l, p: torch.sigmoid(l + p)),
    ),
    (
        "divided_logs",
        "logarithms are divided by their sum: it is exp of them that is to be normalised",
        _of(lambda l, p: _ratio(l + p)),
        _of(lambda l, p: _ratio(l)),
    ),
    (
        "negated",
        "the sign: softmax takes log-likelihoods, not negative ones",
        _scores(lambda l, p: -(l + p)),
        _scores(lambda l, p: -l + p),
    ),
    (
        "temperature",
        "divided before softmax: log p(x | k) + log p(k) goes in as it is",
        _of(lambda l, p: torch.softmax((l + p) / l.shape[1], 1)),
    ),
    (
        "most_likely",
        "the most likely class alone: asked for are the probabilities of all",
        _of(lambda l, p: (l + p).argmax(1)),
        _of(lambda l, p: torch.nn.functional.one_hot((l + p).argmax(1), l.shape[1]).to(l)),
        _of(lambda l, p: torch.nn.functional.one_hot((l + p).argmax(1), l.shape[1])),
        _of(lambda l, p: torch.softmax(l + p, 1).amax(1)),
    ),
    (
        "evidence",
        "this is log p(x): subtract it from log p(x | k) + log p(k), and take exp",
        _of(lambda l, p: torch.logsumexp(l + p, 1)),
    ),
)

EXERCISE = Exercise(
    id="10.bayes",
    title="Classify by Bayes",
    level="core",
    minutes=10,
    points=2,
    anchor="sec-10-bayes",
    task=TASK,
    hints=HINTS,
    references=(posterior,),
    returns=("probabilities (N, K)",),
    cases=cases,
    mistakes=mistakes_of(_ROWS),
    independent=odds,
    gradient=("log_lik",),
)
