"""15.best_of: how near the best of n samples comes to the truth, for every n, whatever the order of the samples."""

import math
from functools import lru_cache

import torch

from nf_course.grading.exercise import Case, Exercise, Finding, mistakes_of
from nf_course.grading.exercises.ch15_pose.shared import real_poses

TASK = r"""
Many bodies fit one picture. Of $n$ that a density draws, how near does the nearest come to the truth? Sample $s$ of
pose $i$ misses it by $e_{s,i}$, the mean distance of its joints, the root left out, in millimetres:

$$e_{s,i} = \frac{1000}{J - 1} \sum_{j=1}^{J-1} \lVert x_{s,i,j} - x^\star_{i,j} \rVert$$

With $K$ samples at hand there are $\binom Kn$ choices of $n$ among them. Average the least error over all of these
choices, and not only over the first $n$ samples: put each pose's errors in order, $e_{(1),i} \le \dots \le e_{(K),i}$.
The $k$-th is the least of a choice if the other $n - 1$ of it come from the $K - k$ behind it, and so

$$b_n = \frac1N \sum_{i=1}^{N} \sum_{k=1}^{K} \frac{\binom{K-k}{n-1}}{\binom Kn}\, e_{(k),i}$$

`samples` has shape `(K, N, J, 3)` and `truth` has shape `(N, J, 3)`, in metres, the root first and at 0 in both. There
may be 200 samples. Return $(b_1, \dots, b_K)$, shape `(K,)`.
"""

HINTS = (
    "Each pose has a best sample of its own. What is b_1, and what is b_K? Both are plain numbers of the errors.",
    "(samples - truth)[:, :, 1:].norm(dim=3) are distances, (K, N, J - 1). sort(0).values puts each pose's errors in "
    "order. math.comb(a, b) is exact, and 0 for b > a.",
    "ordered = errors.sort(0).values.mean(1), shape (K,); for each n the weights "
    "[math.comb(K - k, n - 1) / math.comb(K, n) for k in range(1, K + 1)], as ordered.new_tensor(...), times ordered, "
    "summed.",
)


def best_of(samples, truth):
    errors = 1000 * (samples - truth)[:, :, 1:].norm(dim=3).mean(2)
    ordered, K = errors.sort(0).values.mean(1), len(errors)
    curve = []
    for n in range(1, K + 1):
        choices = math.comb(K, n)
        weights = [math.comb(K - k, n - 1) / choices for k in range(1, K + 1)]
        curve.append(ordered.new_tensor(weights) @ ordered)
    return torch.stack(curve)


def cases(draw):
    """Real bodies with wrong depths; as many samples as poses; one pose; one sample; two hundred samples."""
    truth = real_poses(draw, 4)
    depths = draw.uniform(0.02, 0.2, 9, 4, 1) * draw.normal(9, 4, 16)
    samples = truth + torch.stack((0 * depths, 0 * depths, depths), 3)
    samples[:, :, 0] = 0
    made = [Case((samples, truth))]
    for s, n, j in ((5, 5, 4), (8, 1, 5), (1, 6, 3), (200, 3, 2), (6, 7, 6)):
        truth = draw.normal(n, j, 3)
        samples = truth + draw.uniform(0.05, 0.5, s, n, 1, 1) * draw.normal(s, n, j, 3)
        truth[:, 0], samples[:, :, 0] = 0, 0
        made.append(Case((samples, truth)))
    return made


def choice_by_choice(ask, draw):
    """Samples that miss by so many millimetres exactly, some joints by more and some by less; each choice by hand."""
    s, n, j = 6, 4, 5
    wanted = 100 * (1 + torch.stack([draw.permutation(s) for _ in range(n)], 1)) + draw.uniform(0, 50, s, n)
    away = torch.nn.functional.normalize(draw.normal(s, n, j, 3), dim=3)
    shares = draw.uniform(0.5, 1.5, s, n, j, 1)
    away = away * shares / shares[:, :, 1:].mean(2, keepdim=True) * wanted[:, :, None, None] / 1000
    away[:, :, 0] = 0
    truth = real_poses(draw, n)[:, :j]
    got, table = ask(truth + away, truth), wanted.tolist()
    for many in range(1, s + 1):
        chosen = [[row for row in range(s) if bits >> row & 1] for bits in range(2**s) if bits.bit_count() == many]
        least = [min(table[row][i] for row in rows) for rows in chosen for i in range(n)]
        want = sum(least) / len(least)
        if abs(float(got[many - 1]) - want) > 1e-4:
            expected = f"{want:.3f} mm for the best of {many}: all {len(chosen)} choices of {s} were tried"
            return Finding("property", expected, f"{float(got[many - 1]):.3f}")
    return None


def _apart(samples, truth):
    return (samples - truth)[:, :, 1:]


def _errors(samples, truth):
    return 1000 * _apart(samples, truth).norm(dim=3).mean(2)


@lru_cache(maxsize=64)
def _weights(s, ways, all_ways, first=1):
    """A row for each n, of the weights ways(s, k, n) / all_ways(s, n), k from `first` on."""
    rows = [[ways(s, k, n) / all_ways(s, n) for k in range(first, first + s)] for n in range(1, s + 1)]
    return torch.tensor(rows, dtype=torch.float64)


def _ways(s, k, n):
    return math.comb(s - k, n - 1)


def _repeated(s, k, n):
    """Of n samples with repetition the k-th least is the least."""
    return (s - k + 1) ** n - (s - k) ** n


def _by(e, ways=_ways, all_ways=math.comb, first=1):
    """Sorted, weighted by such chances, and the mean over what is left."""
    ordered = e.sort(0).values
    return _weights(len(e), ways, all_ways, first).to(e) @ ordered


def _curve(e):
    return _by(e).mean(1)


def _of(errors):
    """The right curve of other errors, `errors(samples, truth)`, (K, N)."""
    return lambda samples, truth: _curve(errors(samples, truth))


def _from(formula):
    """`formula(e)` of the right errors, (K, N)."""
    return lambda samples, truth: formula(_errors(samples, truth))


def _counts(e):
    return torch.arange(1, len(e) + 1).to(e)


def _factorials(e):
    """Binomial coefficients of factorials, which are infinite from 171! on."""
    k, n = _counts(e), _counts(e)[:, None]
    factorial = lambda a: torch.exp(torch.lgamma(a + 1))  # noqa: E731
    choose = lambda a, b: factorial(a) / factorial(b) / factorial((a - b).clamp(min=0)) * (b <= a)  # noqa: E731
    s = 0 * n + len(e)
    return (choose(len(e) - k + 0 * n, n - 1 + 0 * k) / choose(s, n) @ e.sort(0).values).mean(1)


def _in_blocks(e):
    blocks = (e[: len(e) // n * n].unflatten(0, (-1, n)) for n in range(1, len(e) + 1))
    return torch.stack([block.amin(1).mean() for block in blocks])


def _mean_of_first(samples, truth):
    """The mean of the first n samples as one guess."""
    return _errors(samples.cumsum(0) / _counts(samples)[:, None, None, None], truth).mean(1)


_ROWS = (
    (
        "first_n",
        "the first n samples alone: another order would give another curve; average over all choices of n",
        _from(lambda e: e.cummin(0).values.mean(1)),
        _from(lambda e: e.flip(0).cummin(0).values.mean(1)),
    ),
    (
        "in_blocks",
        "the samples are cut into blocks of n: all choices of n count, and not only K // n of them",
        _from(_in_blocks),
    ),
    (
        "poses_first",
        "the mean over the poses came first: each pose has a best sample of its own, and the mean is of those",
        _from(lambda e: _by(e.mean(1))),
        _from(lambda e: e.mean(1).cummin(0).values),
    ),
    (
        "joints_apart",
        "the best is taken for each joint apart, so that joints of several samples make one body: take a mean first",
        lambda samples, truth: (
            _by(1000 * _apart(samples, truth).norm(dim=3).flatten(1)).unflatten(1, (len(truth), -1)).mean((1, 2))
        ),
        lambda samples, truth: (1000 * _apart(samples, truth).norm(dim=3)).cummin(0).values.mean((1, 2)),
    ),
    (
        "not_sorted",
        "the errors are not in order: weight k belongs to the k-th least of each pose",
        _from(lambda e: _weights(len(e), _ways, math.comb).to(e) @ e.mean(1)),
    ),
    (
        "worst_of",
        "the errors are in falling order: this is the worst of n, and the least comes first",
        _from(lambda e: (_weights(len(e), _ways, math.comb).to(e) @ e.sort(0, descending=True).values).mean(1)),
    ),
    (
        "with_repetition",
        "samples are drawn with repetition: a choice of n holds n different ones, and b_K is the best of all",
        _from(lambda e: _by(e, _repeated, lambda s, n: s**n).mean(1)),
    ),
    (
        "others_counted_wrong",
        "the ways are counted wrong: of a choice of n the other n - 1 come from the K - k behind the k-th",
        _from(lambda e: _by(e, lambda s, k, n: math.comb(s - k, n)).mean(1)),
        _from(lambda e: _by(e, lambda s, k, n: math.comb(s - k + 1, n - 1)).mean(1)),
        _from(lambda e: _by(e, lambda s, k, n: math.comb(s - k + 1, n)).mean(1)),
        _from(lambda e: _by(e, lambda s, k, n: math.comb(s - 1, n - 1)).mean(1)),
        _from(lambda e: _by(e, first=0, ways=lambda s, k, n: math.comb(s - k, n - 1)).mean(1)),
        _from(lambda e: _by(e, lambda s, k, n: math.comb(max(s - k - 1, 0), n - 1)).mean(1)),
        _from(lambda e: _by(e, lambda s, k, n: math.comb(s - k, n - 1) * (k <= s - n)).mean(1)),
    ),
    (
        "choices_counted_wrong",
        "divided by another number than that of all choices, C(K, n): the weights of each n sum to 1",
        _from(lambda e: _by(e, all_ways=lambda s, n: 1).mean(1)),
        _from(lambda e: _by(e, all_ways=lambda s, n: math.comb(s, n - 1)).mean(1)),
        _from(lambda e: _by(e, all_ways=lambda s, n: math.comb(s - 1, n - 1)).mean(1)),
    ),
    (
        "overflow",
        "factorials of floats are infinite from 171! on: math.comb counts in whole numbers, or stay with logarithms",
        _from(_factorials),
    ),
    (
        "order_statistic",
        "this is the n-th least error, not the least of n",
        _from(lambda e: e.sort(0).values.mean(1)),
        _from(lambda e: e.sort(0, descending=True).values.mean(1)),
    ),
    ("no_minimum", "this is the error of sample n itself: the least of n is asked for", _from(lambda e: e.mean(1))),
    (
        "mean_so_far",
        "a running mean of errors: the least of n is asked for",
        _from(lambda e: (e.cumsum(0) / _counts(e)[:, None]).mean(1)),
        _from(lambda e: (e.sort(0).values.cumsum(0) / _counts(e)[:, None]).mean(1)),
    ),
    (
        "mean_body",
        "samples are averaged into one body: each is compared with the truth by itself",
        _mean_of_first,
        lambda samples, truth: _errors(samples.mean(0, keepdim=True), truth).mean(1),
    ),
    (
        "best_of_all",
        "the best of all samples alone: a number for every n is asked for",
        _from(lambda e: e.min(0).values.mean()),
        _from(lambda e: e.min(0).values.mean().expand(len(e)).clone()),
    ),
    ("reversed", "the curve is turned round: it begins with the best of one", _from(lambda e: _curve(e).flip(0))),
    (
        "one_off",
        "the curve is moved by one: its first entry, the best of one, is the mean of all errors",
        _from(lambda e: _curve(e)[1:]),
        _from(lambda e: _curve(e)[:-1]),
        _from(lambda e: torch.cat((_curve(e)[1:], _curve(e)[-1:]))),
        _from(lambda e: torch.cat((_curve(e)[:1], _curve(e)[:-1]))),
    ),
    (
        "along_poses",
        "the order runs over the poses: it runs over the samples, dim 0",
        _from(lambda e: _by(e.T).mean(1)),
        _from(lambda e: e.min(1).values),
    ),
    (
        "root_counted",
        "the root is counted as a joint: it is right always, and makes the mean smaller",
        _of(lambda x, t: 1000 * (x - t).norm(dim=3).mean(2)),
    ),
    ("metres", "these are metres: a metre has 1000 millimetres", _of(lambda x, t: _errors(x, t) / 1000)),
    (
        "other_unit",
        "another unit: metres come in, and millimetres are asked for",
        *(_of(lambda x, t, k=k: _errors(x, t) * k) for k in (0.1, 0.01, 0.001**2, 1000)),
    ),
    (
        "sum_of_joints",
        "a sum over the joints: their mean is asked for",
        _of(lambda x, t: _errors(x, t) * (x.shape[2] - 1)),
        _of(lambda x, t: _errors(x, t) * (x.shape[2] - 1) / 1000),
    ),
    (
        "one_length",
        "one length, or one root, for the whole body: the distance of each joint first, and then their mean",
        _of(lambda x, t: 1000 * _apart(x, t).flatten(2).norm(dim=2)),
        _of(lambda x, t: 1000 * _apart(x, t).square().sum(3).mean(2).sqrt()),
        _of(lambda x, t: 1000 * _apart(x, t).square().mean((2, 3)).sqrt()),
    ),
    (
        "squared",
        "squared distances: the root of the sum of squares is missing",
        *(_of(lambda x, t, k=k: k * _apart(x, t).square().sum(3).mean(2)) for k in (1, 1e3, 1e6)),
        *(_of(lambda x, t, k=k: k * _apart(x, t).square().mean((2, 3))) for k in (1, 1e3, 1e6)),
    ),
    (
        "absolute",
        "absolute differences: the distance of a joint is the Euclidean one",
        _of(lambda x, t: 1000 * _apart(x, t).abs().sum(3).mean(2)),
        _of(lambda x, t: 1000 * _apart(x, t).abs().mean((2, 3))),
        _of(lambda x, t: 1000 * _apart(x, t).abs().amax(3).mean(2)),
    ),
    (
        "one_coordinate",
        "one coordinate of the three: the distance is that in space",
        *(_of(lambda x, t, k=k: 1000 * _apart(x, t)[..., k].abs().mean(2)) for k in range(3)),
    ),
    (
        "one_joint",
        "the farthest, nearest or middle joint alone: the mean over the joints is asked for",
        _of(lambda x, t: 1000 * _apart(x, t).norm(dim=3).amax(2)),
        _of(lambda x, t: 1000 * _apart(x, t).norm(dim=3).amin(2)),
        _of(lambda x, t: 1000 * _apart(x, t).norm(dim=3).median(2).values),
    ),
    (
        "aligned",
        "the bodies are moved over each other first: compare them about the root, as they are",
        _of(lambda x, t: _errors(x - x.mean(2, keepdim=True), t - t.mean(1, keepdim=True))),
        _of(lambda x, t: _errors(x - x[:, :, 1:].mean(2, keepdim=True), t - t[:, 1:].mean(1, keepdim=True))),
    ),
    (
        "not_the_mean_pose",
        "the median, the sum, the best or the worst of the poses: their mean is asked for",
        _from(lambda e: _by(e).median(1).values),
        _from(lambda e: _by(e).sum(1)),
        _from(lambda e: _by(e).amin(1)),
        _from(lambda e: _by(e).amax(1)),
    ),
    ("each_pose", "a curve for each pose: the mean over the poses is missing", _from(_by)),
    (
        "share",
        "divided by the error of one sample: millimetres are asked for",
        _from(lambda e: _curve(e) / _curve(e)[0]),
    ),
    (
        "gained",
        "this is what was gained over one sample: the error itself is asked for",
        _from(lambda e: _curve(e)[0] - _curve(e)),
    ),
)

EXERCISE = Exercise(
    id="15.best_of",
    title="The best of many",
    level="core",
    minutes=15,
    points=3,
    anchor="sec-15-best-of",
    task=TASK,
    hints=HINTS,
    references=(best_of,),
    returns=("b (K,)",),
    cases=cases,
    mistakes=mistakes_of(_ROWS),
    independent=choice_by_choice,
)
