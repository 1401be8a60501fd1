"""02.compare: two models in two units: the gain in nats, and its standard error from paired differences."""

import math

from nf_course.grading.exercise import Case, Exercise, Finding, Mistake

TASK = r"""
Two models were scored on the same $M$ test points. Model A gives log-densities over $x$ (prices in dollars, say), model
B over $u = g(x)$ (their logarithms). Which one is better, by how much, and how sure is that?

- `log_prob_a`, `(M,)`: $\log p_A(x_m)$, per unit of $x$;
- `log_prob_b`, `(M,)`: $\log p_B(u_m)$, per unit of $u$;
- `ladj`, `(M,)`: $\log \left| \det \partial u / \partial x \right|$ at each point.

Bring B to the unit of A, take the differences point by point, and return the pair `(gain, error)`: the mean gain of B
over A in nats per point, positive if B is better, and its standard error,

$$\begin{gathered}
\mathtt{gain} = \frac1M \sum_m d_m, \qquad \mathtt{error} = \frac{s_d}{\sqrt M}, \\
s_d^2 = \frac{1}{M-1} \sum_m (d_m - \mathtt{gain})^2
\end{gathered}$$
"""

HINTS = (
    "B's density over u becomes one over x by the change of variables. Which sign does ladj have there?",
    "d = log p_B(x) - log p_A(x), one number for each point. Everything that is asked for comes from d alone.",
    "d = log_prob_b + ladj - log_prob_a. Return d.mean() and d.std() / math.sqrt(len(d)); std divides by M - 1.",
)


def compare(log_prob_a, log_prob_b, ladj):
    d = log_prob_b + ladj - log_prob_a
    return d.mean(), d.std() / math.sqrt(len(d))


def _scores(draw, m, better=1):
    """Points that are hard for one model are hard for the other; the log-dets vary from point to point.

    B is the better model, or with `better=-1` the worse one.
    """
    hard = 1.5 * draw.normal(m)
    ladj = -draw.uniform(4.0, 7.0) + 0.8 * draw.normal(m)
    log_prob_a = -3 - hard + 0.3 * draw.normal(m)
    log_prob_b = -3 - hard - ladj + 0.3 * draw.normal(m) + better * draw.uniform(1.2, 2.0)
    return log_prob_a, log_prob_b, ladj


def cases(draw):
    return [Case(_scores(draw, m, better)) for m, better in ((40, 1), (7, -1), (150, 1))]


def unit_does_not_matter(ask, draw):
    """Measure u in another unit: densities and log-dets change, the comparison does not."""
    log_prob_a, log_prob_b, ladj = _scores(draw, 30)
    shift = draw.normal(30)
    first, second = ask(log_prob_a, log_prob_b, ladj), ask(log_prob_a, log_prob_b - shift, ladj + shift)
    for name, a, b in zip(("gain", "error"), first, second):
        if abs(a.item() - b.item()) > 1e-6 * (1 + abs(a.item())):
            return Finding("property", f"the same {name} if u has another unit", f"{a.item():.4f} and {b.item():.4f}")
    return None


def _of(combine):
    """An answer made of the right differences."""
    return lambda log_prob_a, log_prob_b, ladj: combine(log_prob_b + ladj - log_prob_a)


def _root(d):
    return math.sqrt(len(d))


def _difference(make):
    """An answer that is right from its differences on, `make(a, b, ladj)`."""

    def answer(log_prob_a, log_prob_b, ladj):
        d = make(log_prob_a, log_prob_b, ladj)
        return d.mean(), d.std() / _root(d)

    return answer


def _unpaired(combine):
    def answer(log_prob_a, log_prob_b, ladj):
        b = log_prob_b + ladj
        return b.mean() - log_prob_a.mean(), combine(log_prob_a.std() / _root(b), b.std() / _root(b))

    return answer


def _of_raw(log_prob_a, log_prob_b, ladj):
    """The gain in one unit, the errors of the scores as they came."""
    variance = log_prob_a.var() + log_prob_b.var()
    return (log_prob_b + ladj - log_prob_a).mean(), (variance / len(ladj)).sqrt()


_UNPAIRED = (
    "the errors of the two means are combined: both models meet the same points, so use the spread of the differences"
)
_REVERSED = "A minus B: the gain of B is wanted, positive where B's log-density is the higher one"
_SIZE_ONLY = "the sign of the gain is lost: it is negative where A is the better model"
_ROOT = "the standard error is the standard deviation divided by the square root of M"
_TWO = "about two standard errors, the half width of an interval: one is asked for"
_UNITS_APART = "the log-det enters the gain as a mean: bring each point to the unit of A first, then take the spread"

MISTAKES = (
    Mistake(
        "no_ladj",
        "two units are compared: log_prob_b is per unit of u; add ladj to bring it to the unit of x",
        _difference(lambda a, b, l: b - a),
    ),
    Mistake(
        "sign",
        "the sign of ladj: log p_B(x) = log p_B(u) + log|det du/dx|",
        _difference(lambda a, b, l: b - l - a),
    ),
    Mistake("reversed", _REVERSED, _difference(lambda a, b, l: a - b - l)),
    Mistake("reversed", _REVERSED, _difference(lambda a, b, l: a - b + l)),
    Mistake("reversed", _REVERSED, _difference(lambda a, b, l: a - b)),
    Mistake("size_only", _SIZE_ONLY, _of(lambda d: (d.mean().abs(), d.std() / _root(d)))),
    Mistake("size_only", _SIZE_ONLY, _of(lambda d: (d.abs().mean(), d.std() / _root(d)))),
    Mistake("size_only", _SIZE_ONLY, _of(lambda d: (d.abs().mean(), d.abs().std() / _root(d)))),
    Mistake(
        "exp_ladj",
        "exp of ladj: ladj is a logarithm already, and is added to another one",
        _difference(lambda a, b, l: b + l.exp() - a),
    ),
    Mistake(
        "product",
        "ladj is multiplied: densities are multiplied by the determinant, their logarithms add",
        _difference(lambda a, b, l: b * l - a),
    ),
    Mistake("ladj_mean", _UNITS_APART, _difference(lambda a, b, l: b - a + l.mean())),
    Mistake(
        "ladj_sum",
        "ladj is summed over the points: each point has its own",
        _difference(lambda a, b, l: b + l.sum() - a),
    ),
    Mistake("unpaired", _UNPAIRED, _unpaired(lambda a, b: (a**2 + b**2).sqrt())),
    Mistake("unpaired", _UNPAIRED, _unpaired(lambda a, b: a + b)),
    Mistake("unpaired", _UNPAIRED, _unpaired(lambda a, b: b)),
    Mistake("unpaired", _UNPAIRED, _unpaired(lambda a, b: a)),
    Mistake("unpaired", _UNPAIRED, _of_raw),
    Mistake("no_root", _ROOT, _of(lambda d: (d.mean(), d.std()))),
    Mistake("no_root", _ROOT, _of(lambda d: (d.mean(), d.std() / len(d)))),
    Mistake(
        "variance",
        "the variance stands where the standard deviation belongs: take its square root, then divide by sqrt(M)",
        _of(lambda d: (d.mean(), d.var() / len(d))),
    ),
    Mistake(
        "variance",
        "the variance stands where the standard deviation belongs: take its square root, then divide by sqrt(M)",
        _of(lambda d: (d.mean(), d.var() / _root(d))),
    ),
    Mistake(
        "divides_by_m",
        "the spread is divided by M: the mean is estimated from the same points, so divide by M - 1",
        _of(lambda d: (d.mean(), d.std(correction=0) / _root(d))),
    ),
    Mistake(
        "m_minus_one",
        "M - 1 belongs into the standard deviation, where std has it already; the root is that of M",
        _of(lambda d: (d.mean(), d.std() / math.sqrt(len(d) - 1))),
    ),
    Mistake("two_errors", _TWO, _of(lambda d: (d.mean(), 2 * d.std() / _root(d)))),
    Mistake("two_errors", _TWO, _of(lambda d: (d.mean(), 1.96 * d.std() / _root(d)))),
    Mistake(
        "t_value",
        "the gain in units of its error: the standard error itself is asked for",
        _of(lambda d: (d.mean(), d.mean() / (d.std() / _root(d)))),
    ),
    Mistake(
        "sum", "the sum of the gains: the mean per point is asked for", _of(lambda d: (d.sum(), d.std() / _root(d)))
    ),
    Mistake(
        "median",
        "the median of the differences: the mean is asked for, in which every point counts",
        _of(lambda d: (d.median(), d.std() / _root(d))),
    ),
    Mistake(
        "bits",
        "bits instead of nats: do not divide by log 2",
        _of(lambda d: (d.mean() / math.log(2), d.std() / _root(d) / math.log(2))),
    ),
    Mistake(
        "ratio",
        "exp of the gain, a ratio of densities: the difference of the logarithms is asked for, in nats",
        _of(lambda d: (d.mean().exp(), d.std() / _root(d))),
    ),
    Mistake(
        "pair_order", "the pair is the wrong way round: (gain, error)", _of(lambda d: (d.std() / _root(d), d.mean()))
    ),
    Mistake("gain_only", "the gain alone: return the pair (gain, error)", _of(lambda d: d.mean())),
    Mistake("differences", "the differences themselves: return their mean and its standard error", _of(lambda d: d)),
)

EXERCISE = Exercise(
    id="02.compare",
    title="Two models, two units",
    level="core",
    minutes=15,
    points=3,
    anchor="sec-02-units",
    task=TASK,
    hints=HINTS,
    references=(compare,),
    returns=("gain, a single number", "error, a single number"),
    cases=cases,
    mistakes=MISTAKES,
    independent=unit_does_not_matter,
)
