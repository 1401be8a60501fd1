"""17.typical: how well likelihood, and typicality, tell what belongs from what does not."""

import torch

from nf_course.grading.exercise import Case, Exercise, Finding, mistakes_of

TASK = r"""
A score is high for what belongs, or should be. Its AUROC is the chance that of one belonging $i$ and one stranger $j$,
drawn at random, the belonging has the higher score; a tie counts one half,

$$A(s) = \frac{1}{N M} \sum_{i=1}^N \sum_{j=1}^M \Bigl( [\,s_i > s_j\,] + \tfrac12\, [\,s_i = s_j\,] \Bigr)$$

A value below one half is a finding, and is to be reported as it is. Compute it for two scores: for the log-likelihood
$\log p$ itself; and for typicality, $-\lvert \log p - \mu \rvert$, with $\mu$ the mean log-likelihood of held-out data
that are known to belong.

`inside`, of shape `(N,)`, and `outside`, of shape `(M,)`, hold the log-likelihoods of what belongs and of the
strangers; `reference`, of shape `(R,)`, those of the held-out data. Log-likelihoods of single precision have many ties.
Return the pair $(A_{\log p}, A_{\text{typicality}})$, two numbers between 0 and 1.
"""

HINTS = (
    "All pairs: inside[:, None] against outside gives (N, M). And what is typical has a *small* distance to mu.",
    "The mean of (a > b) counts the pairs that are won; add half of the mean of (a == b).",
    "def auroc(a, b): return ((a[:, None] > b).double() + 0.5 * (a[:, None] == b).double()).mean(). "
    "For typicality: a = -(inside - reference.mean()).abs(), and b likewise.",
)


def two_aurocs(inside, outside, reference):
    def auroc(belongs, stranger):
        difference = belongs[:, None] - stranger  # (N, M)
        return (0.5 + 0.5 * torch.sign(difference)).mean().item()

    centre = reference.mean()
    return auroc(inside, outside), auroc(-(inside - centre).abs(), -(outside - centre).abs())


def cases(draw):
    """Strangers on the high side, on the low side, in the middle; on a grid, with many ties; one of each."""
    made = []
    for n, m, r, shift, width, grid in (
        (25, 40, 30, 1.2, 0.6, 4),
        (33, 18, 12, -0.9, 1.5, 2),
        (21, 21, 50, 0.1, 0.4, 4),
        (17, 29, 9, 0.7, 2.0, 1),
    ):
        while True:
            inside = (grid * draw.normal(n)).round() / grid
            outside = (grid * (shift + width * draw.normal(m))).round() / grid
            reference = draw.uniform(0.1, 0.5, 1) + 0.8 * draw.normal(r)
            values = torch.cat((inside, outside)).unique()
            gaps = (values[:, None] + values - 2 * reference.mean()).abs()  # two values at equal distance from mu
            if gaps.min() > 1e-3:
                break
        made.append(Case((inside - 3, outside - 3, reference - 3)))
    made.append(Case((draw.normal(1), draw.normal(1), draw.normal(4))))
    return made


def known_order(ask, draw):
    """Scores whose order is known; strictly monotone changes of them; and inside and outside exchanged."""
    n, m = 12, 15
    inside, outside = draw.normal(n), 0.5 * draw.normal(m) + 0.8
    outside[:4] = inside[:4]
    reference = draw.normal(20) + 0.31
    first, second = (float(v) for v in ask(inside, outside, reference))
    wins = sum(1.0 if a > b else 0.5 if a == b else 0.0 for a in inside.tolist() for b in outside.tolist())
    for what, want, got in (
        (f"{wins / (n * m):.4f}: {wins:g} of {n * m} pairs are won", wins / (n * m), first),
        (
            "1 minus the first number when inside and outside change places",
            1 - first,
            float(ask(outside, inside, reference)[0]),
        ),
        ("1 minus the second when they change places", 1 - second, float(ask(outside, inside, reference)[1])),
        ("the same typicality after a shift of all", second, float(ask(inside + 2, outside + 2, reference + 2)[1])),
        ("1 where all strangers are far above", 1.0, float(ask(inside, outside.abs() + 50, reference)[1])),
        ("0 there for the likelihood", 0.0, float(ask(inside, outside.abs() + 50, reference)[0])),
    ):
        if abs(got - want) > 1e-6:
            return Finding("property", what, f"{got:.4f}")
    return None


def _auroc(a, b, tie=0.5):
    return ((a[:, None] > b).double() + tie * (a[:, None] == b).double()).mean().item()


def _typicality(values, centre):
    return -(values - centre).abs()


def _both(auroc):
    """Another `auroc(a, b)` for both scores."""

    def answer(inside, outside, reference):
        centre = reference.mean()
        typical = _typicality(inside, centre), _typicality(outside, centre)
        return auroc(inside, outside), auroc(*typical)

    return answer


def _score(score):
    """Another second score, `score(values, inside, outside, reference)`."""

    def answer(inside, outside, reference):
        args = inside, outside, reference
        return _auroc(inside, outside), _auroc(score(inside, *args), score(outside, *args))

    return answer


def _paired(a, b):
    n = min(len(a), len(b))
    return ((a[:n] > b[:n]).double() + 0.5 * (a[:n] == b[:n]).double()).mean().item()


def _accuracy(a, b):
    cut = torch.cat((a, b)).median()
    return 0.5 * ((a > cut).double().mean() + (b <= cut).double().mean()).item()


def _counted(a, b):
    return len(a) * len(b) * _auroc(a, b)


def _apart(a, b):
    return ((a.mean() - b.mean()) / torch.cat((a, b)).std()).item()


_ROWS = (
    (
        "one_minus",
        "1 - A: pairs are won where what *belongs* has the higher score; a value below a half stays as it is",
        _both(lambda a, b: 1 - _auroc(a, b)),
        lambda i, o, r: (1 - two_aurocs(i, o, r)[0], two_aurocs(i, o, r)[1]),
    ),
    (
        "turned_round",
        "max(A, 1 - A): the direction was fixed before; turning it round hides that a score points the wrong way",
        _both(lambda a, b: max(_auroc(a, b), 1 - _auroc(a, b))),
    ),
    (
        "ties_lost",
        "ties are counted as lost: each is one half of a pair won",
        _both(lambda a, b: _auroc(a, b, 0.0)),
    ),
    (
        "ties_won",
        "ties are counted as won: each is one half of a pair won",
        _both(lambda a, b: _auroc(a, b, 1.0)),
    ),
    (
        "typicality_sign",
        "the sign of typicality: what is typical has a small |log p - mu|, and the score is minus it",
        _score(lambda v, i, o, r: (v - r.mean()).abs()),
    ),
    (
        "no_distance",
        "log p - mu without its absolute value orders as log p does: too likely is not typical either",
        _score(lambda v, i, o, r: v),
        _score(lambda v, i, o, r: -v),
    ),
    (
        "other_centre",
        "mu is the mean of the reference: neither of what is being judged, nor of both together",
        _score(lambda v, i, o, r: _typicality(v, i.mean())),
        _score(lambda v, i, o, r: _typicality(v, o.mean())),
        _score(lambda v, i, o, r: _typicality(v, torch.cat((i, o)).mean())),
        _score(lambda v, i, o, r: _typicality(v, v.mean())),
        _score(lambda v, i, o, r: _typicality(v, 0.0)),
        _score(lambda v, i, o, r: _typicality(v, r.max())),
    ),
    ("median", "the median of the reference: mu is its mean", _score(lambda v, i, o, r: _typicality(v, r.median()))),
    ("pair_order", "the pair is exchanged: first that of log p", lambda *a: two_aurocs(*a)[::-1]),
    (
        "row_by_row",
        "row against row: every one that belongs is compared with every stranger, N M pairs",
        _both(_paired),
    ),
    (
        "threshold",
        "the accuracy at one threshold: an AUROC has none, it compares pairs",
        _both(_accuracy),
    ),
    ("counted", "a number of pairs: divide by N M", _both(_counted)),
    (
        "means",
        "a distance of means: count the pairs that are won",
        _both(_apart),
        _both(lambda a, b: (a.mean() - b.mean()).item()),
        _both(lambda a, b: (a > b.mean()).double().mean().item()),
    ),
    ("doubled", "2 A - 1 runs from -1 to 1: a chance is asked for", _both(lambda a, b: 2 * _auroc(a, b) - 1)),
)

EXERCISE = Exercise(
    id="17.typical",
    title="Likelihood against typicality",
    level="core",
    minutes=15,
    points=3,
    anchor="sec-17-typical",
    task=TASK,
    hints=HINTS,
    references=(two_aurocs,),
    returns=("A of log p, a single number", "A of typicality, a single number"),
    cases=cases,
    mistakes=mistakes_of(_ROWS),
    independent=known_order,
)
