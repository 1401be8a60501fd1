"""10.bayes: classes from a flow for each class, by the theorem of Bayes."""

import torch

from nf_course.grading.exercise import Case, Exercise, Finding, Mistake

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
    """Of two classes the odds are a sigmoid; and what is added to a whole row changes nothing."""
    log_lik, counts = draw.normal(7, 2), _counts(draw, 2)
    want = torch.sigmoid(log_lik[:, 0] - log_lik[:, 1] + torch.log(counts[0] / counts[1]))
    for shift in (0.0, -2500.0, 900.0):
        got = ask(log_lik + shift, counts)[:, 0]
        if not torch.allclose(got, want, rtol=1e-5, atol=1e-5):
            expected = f"{want[0].item():.4f}, a sigmoid of the log-odds" + (f", at {shift:+.0f}" if shift else "")
            return Finding("property", expected, f"{got[0].item():.4f}")
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


def _epsilon(log_lik, counts):
    return torch.softmax(log_lik + torch.log(counts.to(log_lik) / counts.sum() + 1e-12), 1)


_UNDERFLOW = "exp of a log-likelihood is 0 or infinity, and their ratio NaN: stay with logarithms, and use softmax"
_EPSILON = "a small number added against a division by zero: the row is lost all the same; use softmax of the logs"
_ROW_SHIFT = (
    "what is taken off a row leaves exp at 0 or infinity: it must be the row's largest log p(x | k) + log p(k); the "
    "most likely class may be one with the count 0"
)
_ONE_HOT = "the most likely class alone: asked for are the probabilities of all"

MISTAKES = (
    Mistake("underflow", _UNDERFLOW, _of(lambda l, p: _ratio(l.exp() * p.exp()))),
    Mistake("underflow", _UNDERFLOW, _of(lambda l, p: torch.exp(l + p - (l + p).exp().sum(1, keepdim=True).log()))),
    Mistake("epsilon", _EPSILON, _of(lambda l, p: l.exp() * p.exp() / ((l + p).exp().sum(1, keepdim=True) + 1e-12))),
    Mistake(
        "global_max",
        "one number is taken off the whole table: take each row's own largest off, as softmax does",
        _of(lambda l, p: _ratio((l + p - (l + p).max()).exp())),
    ),
    Mistake(
        "global_max",
        "one number is taken off the whole table: take each row's own largest off, as softmax does",
        _of(lambda l, p: _ratio((l - l.max()).exp() * p.exp())),
    ),
    Mistake("row_shift", _ROW_SHIFT, _of(lambda l, p: _ratio((l - l.amax(1, keepdim=True)).exp() * p.exp()))),
    Mistake("row_shift", _ROW_SHIFT, _of(lambda l, p: _ratio(torch.softmax(l, 1) * p.exp()))),
    Mistake("row_shift", _ROW_SHIFT, _of(lambda l, p: _ratio((l - l.mean(1, keepdim=True)).exp() * p.exp()))),
    Mistake("row_shift", _ROW_SHIFT, _of(lambda l, p: _ratio((l - l.amin(1, keepdim=True)).exp() * p.exp()))),
    Mistake(
        "clamp",
        "the log-likelihoods are clamped, and differences between classes are lost",
        _scores(lambda l, p: l.clamp(-700, 700) + p),
    ),
    Mistake("no_prior", "the prior is missing: add log p(k), by the counts", _scores(lambda l, p: l)),
    Mistake("prior_twice", "the prior is counted twice", _scores(lambda l, p: l + 2 * p)),
    Mistake("prior_not_log", "the prior is added to logarithms: add its logarithm", _scores(lambda l, p: l + p.exp())),
    Mistake(
        "counts_added",
        "the counts are added to logarithms: add log(counts / counts.sum())",
        lambda log_lik, counts: torch.softmax(log_lik + counts, 1),
    ),
    Mistake(
        "prior_divided",
        "the prior is divided out: p(x | k) is multiplied by p(k), so log p(k) is added",
        _scores(lambda l, p: l - p),
    ),
    Mistake(
        "prior_only", "this is the prior: the likelihoods are not used", _of(lambda l, p: p.exp().expand_as(l).clone())
    ),
    Mistake(
        "not_renormalised",
        "the prior is multiplied in after softmax: the rows do not sum to 1 any more",
        _of(lambda l, p: torch.softmax(l, 1) * p.exp()),
    ),
    Mistake(
        "averaged",
        "likelihood and prior are multiplied in Bayes' theorem, not added",
        _of(lambda l, p: (torch.softmax(l, 1) + p.exp()) / 2),
    ),
    Mistake("smoothing", "the counts are smoothed: a class with the count 0 has the probability 0 here", _smoothed),
    Mistake(
        "prior_epsilon",
        "a small number is added to the prior: log 0 = -inf is right, softmax makes it an exact 0",
        _epsilon,
    ),
    Mistake(
        "over_batch",
        "normalised over the rows (dim 0): for each row the classes sum to 1, dim 1",
        _of(lambda l, p: torch.softmax(l + p, 0)),
    ),
    Mistake(
        "whole_table",
        "normalised over the whole table: for each row the classes sum to 1",
        _of(lambda l, p: torch.softmax((l + p).flatten(), 0).view_as(l)),
    ),
    Mistake(
        "prior_along_rows",
        "the prior is laid along the rows: it has one number for each class, a column of log_lik",
        _scores(lambda l, p: l + p[:, None]),
    ),
    Mistake(
        "log_posterior",
        "these are logarithms: the probabilities are asked for",
        _of(lambda l, p: torch.log_softmax(l + p, 1)),
    ),
    Mistake("joint", "this is log p(x, k): it is still to be normalised over the classes", _of(lambda l, p: l + p)),
    Mistake(
        "not_normalised",
        "not normalised: the classes of a row must sum to 1",
        _of(lambda l, p: (l + p - (l + p).amax(1, keepdim=True)).exp()),
    ),
    Mistake("not_normalised", "not normalised: the classes of a row must sum to 1", _of(lambda l, p: (l + p).exp())),
    Mistake(
        "sigmoid",
        "a sigmoid of each number: the classes of a row compete, softmax",
        _of(lambda l, p: torch.sigmoid(l + p)),
    ),
    Mistake(
        "divided_logs",
        "logarithms are divided by their sum: it is exp of them that is to be normalised",
        _of(lambda l, p: _ratio(l + p)),
    ),
    Mistake(
        "divided_logs",
        "logarithms are divided by their sum: it is exp of them that is to be normalised",
        _of(lambda l, p: _ratio(l)),
    ),
    Mistake("negated", "the sign: softmax takes log-likelihoods, not negative ones", _scores(lambda l, p: -(l + p))),
    Mistake("negated", "the sign: softmax takes log-likelihoods, not negative ones", _scores(lambda l, p: -l + p)),
    Mistake("most_likely", _ONE_HOT, _of(lambda l, p: (l + p).argmax(1))),
    Mistake(
        "most_likely", _ONE_HOT, _of(lambda l, p: torch.nn.functional.one_hot((l + p).argmax(1), l.shape[1]).to(l))
    ),
    Mistake("most_likely", _ONE_HOT, _of(lambda l, p: torch.nn.functional.one_hot((l + p).argmax(1), l.shape[1]))),
    Mistake("most_likely", _ONE_HOT, _of(lambda l, p: torch.softmax(l + p, 1).amax(1))),
    Mistake(
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
    mistakes=MISTAKES,
    independent=odds,
    gradient=("log_lik",),
)
