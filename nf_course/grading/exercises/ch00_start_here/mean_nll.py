"""00.nats: the loss that trains every flow."""

import math

import torch

from nf_course.grading.exercise import Case, Exercise, Finding, Mistake

TASK = r"""
A flow is trained by making the data likely. The loss is the mean negative log-likelihood, in nats per point:

$$\mathrm{NLL} = -\frac1N \sum_{n=1}^{N} \log p_X(x_n)$$

`log_prob` has shape `(N,)` and holds $\log p_X(x_n)$ in nats. Return one number, a tensor without dimensions, that
training can *minimise*.
"""

HINTS = (
    "A likely sample has a large log-probability, and the loss must then be small. Which sign does that need?",
    "The logarithm is taken already, for each sample. What is left is an average over the N samples.",
    "Negate log_prob and take its mean over dim 0.",
)


def mean_nll(log_prob):
    return -log_prob.mean()


def cases(draw):
    # one batch of unlikely samples, and two whose mean is positive for certain: a density may well exceed 1
    return [
        Case((3 * draw.normal(8) - 4,)),
        Case((draw.uniform(0.5, 3.0, 1),)),
        Case((draw.uniform(-1.0, 4.0, 13) + 1,)),
    ]


def two_halves(ask, draw):
    """The loss of two equal halves is the mean of their losses."""
    a, b = draw.normal(6) - 2, draw.normal(6) - 5
    whole, halves = ask(torch.cat((a, b))).item(), (ask(a).item() + ask(b).item()) / 2
    if abs(whole - halves) > 1e-5 * (1 + abs(halves)):
        return Finding(
            "property",
            f"{halves:.4g}, the mean of two halves of a batch",
            f"{whole:.4g}",
            likely="not a mean over samples",
        )
    return None


MISTAKES = (
    Mistake("sign", "the sign: minimising this would make the data unlikely", lambda log_prob: log_prob.mean()),
    Mistake(
        "sum",
        "a sum where the mean belongs: the loss would grow with the size of the batch",
        lambda log_prob: -log_prob.sum(),
    ),
    Mistake(
        "bits",
        "bits instead of nats: dividing by log 2 changes the unit, and the exercise asks for nats",
        lambda log_prob: -log_prob.mean() / math.log(2),
    ),
    Mistake(
        "log_again",
        "a second logarithm: log_prob is a log-probability already",
        lambda log_prob: -log_prob.log().mean(),
    ),
    Mistake(
        "log_of_mean",
        "the logarithm of the mean probability; the likelihood of independent samples is the mean of the logarithms",
        lambda log_prob: -(torch.logsumexp(log_prob, 0) - math.log(len(log_prob))),
    ),
    Mistake(
        "abs",
        "the absolute value: a density may exceed 1, and its loss is then negative; only the sign changes",
        lambda log_prob: log_prob.abs().mean(),
    ),
    Mistake(
        "exp",
        "the mean of the probabilities: the loss is a mean of log_prob as it is, without exp",
        lambda log_prob: -log_prob.exp().mean(),
    ),
    Mistake("no_mean", "the mean over the samples is missing: training needs one number", lambda log_prob: -log_prob),
)

EXERCISE = Exercise(
    id="00.nats",
    title="The loss, in nats",
    level="warm-up",
    minutes=5,
    points=1,
    anchor="sec-00-nll",
    task=TASK,
    hints=HINTS,
    references=(mean_nll,),
    returns=("nll, a single number",),
    cases=cases,
    mistakes=MISTAKES,
    independent=two_halves,
    gradient=("log_prob",),
)
