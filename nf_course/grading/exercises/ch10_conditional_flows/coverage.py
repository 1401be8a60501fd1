"""10.coverage: how often the truth lies in the interval that was promised."""

import math

import torch

from nf_course.grading.exercise import Case, Exercise, Finding, mistakes_of

TASK = r"""
A conditional density promises intervals. For each of $N$ rows, $S$ samples were drawn from $p(x \mid c_n)$; the truth
$x_n$ is known as well. The central interval of level $\ell$ runs between two quantiles of that row's own samples,

$$\bigl[\, q_n\bigl(\tfrac{1 - \ell}{2}\bigr),\ q_n\bigl(\tfrac{1 + \ell}{2}\bigr) \bigr]$$

and the coverage is the share of rows whose truth lies in its interval, both ends included. For a density that is right
it is about $\ell$.

`samples` has shape `(S, N)`: column $n$ belongs to row $n$. `x` has shape `(N,)`, and `level`, between 0 and 1, is
$\ell$. Quantiles are those of `torch.quantile`, which interpolates linearly between neighbouring samples. Return one
number between 0 and 1.
"""

HINTS = (
    "At level 0.9, how much of the probability lies below the interval, and how much above it?",
    "torch.quantile(samples, q, dim=0) gives the q-quantile of each column, shape (N,).",
    "low and high are the quantiles (1 - level) / 2 and (1 + level) / 2 along dim 0; "
    "((low <= x) & (x <= high)).double().mean().",
)


def coverage(samples, x, level):
    low = torch.quantile(samples, (1 - level) / 2, dim=0)
    high = torch.quantile(samples, (1 + level) / 2, dim=0)
    return ((low <= x) & (x <= high)).double().mean().item()


def cases(draw):
    """Skew samples of another place and width in each row; truths that spread wider; whole numbers, with ties; truths
    that are samples. Levels of all kinds.
    """
    made = []
    for s, n, level in ((12, 900, 0.8), (28, 700, 0.5), (19, 1500, 0.683), (21, 1500, 0.955)):
        place, width = 3 * draw.normal(n), draw.uniform(0.3, 3.0, n)
        samples = place + width * torch.exp(0.8 * draw.normal(s, n))
        made.append(Case((samples, place + width * torch.exp(0.3 + 1.1 * draw.normal(n)), level)))
    made.append(Case((draw.normal(9, 1), draw.normal(1), 0.6)))
    made.append(Case(((2 * draw.normal(41, 600)).round(), (2.2 * draw.normal(600)).round(), 0.5)))
    samples = (256 * draw.normal(25, 400).exp()).round() / 256  # the ends are samples, the fourth from each side
    chosen = draw.uniform(0, 25, 1, 400).long()
    made.append(Case((samples, samples.gather(0, chosen)[0], 0.75)))
    return made


def known_share(ask, draw):
    """Samples 0, ..., S - 1 in some order, whose quantiles are known; truths placed inside and outside at will."""
    n, s = 40, 21
    samples = torch.stack([draw.permutation(s).to(torch.float64) for _ in range(n)], 1)
    for level, inside in ((0.9, 31), (0.4, 12), (0.7, 40), (0.68268949, 17), (0.9544997, 23)):
        low, high = (s - 1) * (1 - level) / 2, (s - 1) * (1 + level) / 2
        share, gap = draw.uniform(0.01, 0.99, n), 1e-5
        x = low + share * (high - low)
        x[0], x[1] = low + gap, high - gap
        x[inside:] = torch.where(share < 0.5, low - share, high + share)[inside:]
        if inside < n:  # on both sides of both ends: a level that is rounded takes one too many, or one too few
            x[-1], x[-2] = low - gap, high + gap
        got = float(ask(samples, x[draw.permutation(n)], level))
        if abs(got - inside / n) > 1e-5:
            expected = f"{inside / n:.4f}: {inside} of {n} truths were put inside at level {level}"
            likely, mistake = ("", None) if round(level, 1) == level else (_ROUNDED, "rounded_level")
            return Finding("property", expected, f"{got:.4f}", likely=likely, mistake=mistake)
    return None


def _share(inside):
    return inside.double().mean().item()


def _between(low, high, inside=lambda low, x, high: (low <= x) & (x <= high), **kwargs):
    """The interval between other quantiles, `low(level)` and `high(level)`; None: no end on this side."""

    def answer(samples, x, level):
        a = torch.quantile(samples, low(level), dim=0, **kwargs) if low else torch.full_like(x, -torch.inf)
        b = torch.quantile(samples, high(level), dim=0, **kwargs) if high else torch.full_like(x, torch.inf)
        return _share(inside(a, x, b))

    return answer


def _lower(level):
    return (1 - level) / 2


def _upper(level):
    return (1 + level) / 2


def _ends(samples, level):
    return torch.quantile(samples, _lower(level), dim=0), torch.quantile(samples, _upper(level), dim=0)


def _inside(samples, x, level):
    low, high = _ends(samples, level)
    return (low <= x) & (x <= high)


def _of(formula):
    """`formula(inside)` of the right booleans."""
    return lambda samples, x, level: formula(_inside(samples, x, level))


def _index(round_low, round_high):
    """Sorted samples at whole positions instead of interpolated quantiles."""

    def answer(samples, x, level):
        ordered, s = samples.sort(0).values, len(samples)
        low, high = round_low(_lower(level) * s), round_high(_upper(level) * s)
        return _share((ordered[max(low, 0)] <= x) & (x <= ordered[min(high, s - 1)]))

    return answer


def _pooled(samples, x, level):
    low, high = torch.quantile(samples, _lower(level)), torch.quantile(samples, _upper(level))
    return _share((low <= x) & (x <= high))


def _over_rows(samples, x, level):
    low, high = torch.quantile(samples, _lower(level), dim=1), torch.quantile(samples, _upper(level), dim=1)
    return _share((low <= x) & (x <= high))


def _normal(unbiased):
    def answer(samples, x, level):
        z = torch.special.ndtri(torch.tensor(_upper(level), dtype=x.dtype, device=x.device))
        return _share((x - samples.mean(0)).abs() <= z * samples.std(0, unbiased=unbiased))

    return answer


def _around(middle):
    """As far to both sides of `middle(samples)` as the level of the samples lies."""

    def answer(samples, x, level):
        centre = middle(samples)
        return _share((x - centre).abs() <= torch.quantile((samples - centre).abs(), level, dim=0))

    return answer


def _half_width(middle):
    """The right width, around `middle(samples)`."""

    def answer(samples, x, level):
        low, high = _ends(samples, level)
        return _share((x - middle(samples)).abs() <= (high - low) / 2)

    return answer


def _shortest(samples, x, level):
    ordered = samples.sort(0).values
    gap = max(math.ceil(level * (len(ordered) - 1)), 1)
    start = (ordered[gap:] - ordered[:-gap]).argmin(0, keepdim=True)
    return _share((ordered.gather(0, start)[0] <= x) & (x <= ordered.gather(0, start + gap)[0]))


def _rounded(steps):
    """The level to the nearest 1 / steps."""
    return lambda samples, x, level: coverage(samples, x, round(level * steps) / steps)


def _truth_included(samples, x, level):
    return coverage(torch.cat((samples, x[None])), x, level)


def _broadcast(samples, x, level):
    low, high = _ends(samples, level)
    return _share((low[:, None] <= x) & (x <= high[:, None]))


def _multiplied(samples, x, level):
    low, high = _ends(samples, level)
    return _share(low <= x) * _share(x <= high)


def _rank(samples, x, level):
    below = (samples <= x).double().mean(0)
    return _share((below >= _lower(level)) & (below <= _upper(level)))


def _rank_strict(samples, x, level):
    below = (samples < x).double().mean(0)
    return _share((below >= _lower(level)) & (below <= _upper(level)))


def _of_truths(samples, x, level):
    low, high = torch.quantile(x, _lower(level)), torch.quantile(x, _upper(level))
    return _share((low <= x) & (x <= high))


def _samples_inside(samples, x, level):
    low, high = _ends(samples, level)
    return _share((low <= samples) & (samples <= high))


def _table(entries):
    """The ends read off, linearly, between so many quantiles at equal distances from 0 to 1."""

    def answer(samples, x, level):
        shares = torch.linspace(0, 1, entries, dtype=samples.dtype, device=samples.device)
        table = torch.quantile(samples, shares, dim=0)

        def at(share):
            place = share * (entries - 1)
            below = min(int(place + 1e-9), entries - 2)
            return table[below] + (place - below) * (table[below + 1] - table[below])

        return _share((at(_lower(level)) <= x) & (x <= at(_upper(level))))

    return answer


_ROUNDED = "the level is rounded: 0.683 and 0.9545 are levels too, and (1 - level) / 2 is taken as it is"
_ROWS = (
    (
        "one_sided",
        "an interval with one end: what is left out, 1 - level, is divided between both tails",
        _between(None, lambda level: level),
        _between(lambda level: 1 - level, None),
        _between(None, _upper),
        _between(_lower, None),
    ),
    (
        "from_the_bottom",
        "the interval starts at the lowest sample: it is central, with (1 - level) / 2 below it",
        _between(lambda level: 0.0, lambda level: level),
    ),
    (
        "tails",
        "1 - level is left out at each end: it is divided between the two, (1 - level) / 2 each",
        _between(lambda level: 1 - level, lambda level: level),
    ),
    (
        "level_left_out",
        "the level is what lies inside, not what is left out: (1 - level) / 2 at each end",
        _between(lambda level: level / 2, lambda level: 1 - level / 2),
    ),
    (
        "percent_level",
        "the level is a share already, between 0 and 1: it is not divided by 100",
        _between(lambda level: (1 - level / 100) / 2, lambda level: (1 + level / 100) / 2),
    ),
    (
        "rounded_level",
        _ROUNDED,
        _between(lambda level: round(_lower(level), 2), lambda level: 1 - round(_lower(level), 2)),
        _between(lambda level: round(_lower(level), 2), lambda level: round(_upper(level), 2)),
        *(_rounded(steps) for steps in (5, 10, 20, 25, 40, 50, 100)),
    ),
    (
        "table",
        "the ends are read off a table of quantiles, tenths or hundredths: take the quantile at (1 - level) / 2 itself",
        *(_table(entries) for entries in (10, 11, 21, 101)),
    ),
    (
        "whole_range",
        "from the lowest to the highest sample: the level is not used",
        _between(lambda level: 0.0, lambda level: 1.0),
    ),
    ("ends_exchanged", "low and high are exchanged: no x lies above high and below low", _between(_upper, _lower)),
    ("pooled", "the samples of all rows are thrown together: each row has its own interval, dim=0", _pooled),
    (
        "broadcast",
        "each truth meets the intervals of all rows, (N, N): low, high and x are (N,), one for one",
        _broadcast,
    ),
    ("over_rows", "the quantiles run over the rows: they belong over the samples, dim=0", _over_rows),
    ("of_truths", "these are quantiles of the truths: the interval is made from the samples", _of_truths),
    ("samples_inside", "the samples are looked for in their own interval: look for the truths x", _samples_inside),
    (
        "truth_included",
        "the truth is put among the samples, and widens its own interval: the samples alone make it",
        _truth_included,
    ),
    (
        "strict",
        "an end of the interval does not count: both are included, low <= x and x <= high",
        _between(_lower, _upper, lambda low, x, high: (low < x) & (x < high)),
        _between(_lower, _upper, lambda low, x, high: (low <= x) & (x < high)),
        _between(_lower, _upper, lambda low, x, high: (low < x) & (x <= high)),
    ),
    (
        "either",
        "either end suffices here: both must hold, low <= x and x <= high",
        _between(_lower, _upper, lambda low, x, high: (low <= x) | (x <= high)),
    ),
    (
        "multiplied",
        "two shares are multiplied: both ends must hold in the same row, (low <= x) & (x <= high)",
        _multiplied,
    ),
    ("misses", "this is the share outside: asked for is the share inside", _of(lambda inside: 1 - _share(inside))),
    ("percent", "a percentage: a share between 0 and 1 is asked for", _of(lambda inside: 100 * _share(inside))),
    (
        "rounded",
        "the coverage is rounded: return it as it is",
        *(_of(lambda inside, digits=digits: round(_share(inside), digits)) for digits in (1, 2, 3)),
    ),
    (
        "count",
        "this counts the rows, or divides by another number: divide by that of the rows, N",
        _of(lambda inside: inside.sum()),
        lambda samples, x, level: _inside(samples, x, level).sum() / len(samples),
        _of(lambda inside: inside.sum() / max(len(inside) - 1, 1)),
    ),
    (
        "per_row",
        "one truth value for each row: their mean is asked for",
        _of(lambda inside: inside),
        _of(lambda inside: inside.double()),
        _of(lambda inside: inside.float()),
    ),
    (
        "difference",
        "the difference to the level: the coverage itself is asked for",
        lambda samples, x, level: _share(_inside(samples, x, level)) - level,
        lambda samples, x, level: abs(_share(_inside(samples, x, level)) - level),
    ),
    ("level", "this is the level, which is promised: count how often it is kept", lambda samples, x, level: level),
    (
        "interval",
        "these are the ends of the intervals: count the truths between them",
        lambda samples, x, level: _ends(samples, level),
    ),
    (
        "width",
        "this is the mean width of the intervals: count the truths in them",
        lambda samples, x, level: (_ends(samples, level)[1] - _ends(samples, level)[0]).mean(),
    ),
    (
        "below",
        "this is the mean share of samples below x: it needs no level",
        lambda samples, x, level: _share(samples <= x),
        lambda samples, x, level: _share(samples < x),
    ),
    (
        "rank",
        "the share of samples below x is compared with the levels: close to it, but asked for are the quantiles",
        _rank,
        _rank_strict,
    ),
    (
        "normal",
        "mean and deviation make a normal interval: the samples are skew, take their quantiles",
        _normal(True),
        _normal(False),
    ),
    (
        "symmetric",
        "an interval of equal length to both sides of the median or mean: a central one has equal tails",
        _around(lambda samples: torch.quantile(samples, 0.5, dim=0)),
        _around(lambda samples: samples.mean(0)),
        _half_width(lambda samples: samples.median(0).values),
        _half_width(lambda samples: torch.quantile(samples, 0.5, dim=0)),
        _half_width(lambda samples: samples.mean(0)),
    ),
    ("shortest", "the shortest interval that holds the level: a central one has equal tails", _shortest),
    (
        "interpolation",
        "no linear interpolation: the quantiles are those of torch.quantile as it comes",
        _between(_lower, _upper, interpolation="nearest"),
        _between(_lower, _upper, interpolation="lower"),
        _between(_lower, _upper, interpolation="higher"),
        _between(_lower, _upper, interpolation="midpoint"),
        _index(int, int),
        _index(int, lambda place: int(place) - 1),
        _index(round, round),
    ),
)

EXERCISE = Exercise(
    id="10.coverage",
    title="Do the intervals keep their promise?",
    level="stretch",
    minutes=15,
    points=3,
    anchor="sec-10-coverage",
    task=TASK,
    hints=HINTS,
    references=(coverage,),
    returns=("coverage, a single number",),
    cases=cases,
    mistakes=mistakes_of(_ROWS),
    independent=known_share,
)
