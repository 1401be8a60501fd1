"""15.coverage: how often the true depth of a joint lies where the samples said it would, level by level."""

import torch

from nf_course.grading.exercise import Case, Exercise, Finding, mistakes_of
from nf_course.grading.exercises.ch15_pose.shared import cameras, real_poses

TASK = r"""
Does a density of depths know how sure it is? Take the *rank* of the true depth of joint $j$ in pose $i$, the number of
its own $K$ samples that are smaller. If truth and samples come from one density, all ranks from 0 to $K$ are equally
likely, and so the ranks in the middle count out the central interval of level $\lambda$:

$$\begin{gathered}
r_{ij} = \#\{s : d_{s,i,j} < d_{i,j}\}, \\
\text{inside at level } \lambda \iff \lvert 2\, r_{ij} - K \rvert \le \lambda\, (K + 1)
\end{gathered}$$

For each level and each joint, return the share of the poses that are inside. Samples are calibrated if it is about
$\lambda$ at every level; where it is less, they are too sure.

`samples` has shape `(K, N, J)`, `depths` has shape `(N, J)`: the truth; `levels` has shape `(L,)`, numbers between 0
and 1 in any order. No depth equals one of its samples. Return the shares, shape `(L, J)`, of the dtype of `depths`.
"""

HINTS = (
    "A truth in the very middle of its samples: what is 2 r - K? And over what is the share, levels, samples, poses or "
    "joints?",
    "(samples < depths).sum(0) are the ranks, (N, J), whole numbers. levels[:, None, None] stands beside (N, J) as "
    "(L, 1, 1), and the comparison has shape (L, N, J).",
    "off = (2 * (samples < depths).sum(0) - len(samples)).abs(); then "
    "(off <= levels[:, None, None] * (len(samples) + 1)).to(depths).mean(1).",
)


def depth_coverage(samples, depths, levels):
    rank = (samples < depths).sum(0)
    off_centre = (2 * rank - len(samples)).abs()
    inside = off_centre <= levels[:, None, None] * (len(samples) + 1)
    return inside.to(depths).mean(1)


def cases(draw):
    """Skew samples of another place and width for each joint and pose, truths that spread wider in some joints; depths
    of real bodies; one joint, one pose, one level; levels that end on a rank. Elsewhere no level comes near to one.
    """
    made = []
    for s, n, j, levels in ((12, 150, 4, (0.8, 0.5, 0.955)), (20, 160, 2, (0.683, 0.88)), (28, 200, 1, (0.5,))):
        place, width = 3 * draw.normal(n, j), draw.uniform(0.3, 3.0, n, j)
        samples = place + width * torch.exp(0.8 * draw.normal(s, n, j))
        spread = torch.exp(0.3 + draw.uniform(0.4, 1.3, j) * draw.normal(n, j))
        made.append(Case((samples, place + width * spread, _row(draw, levels))))
    joints = real_poses(draw, 60)
    depths = (joints[:, 1:] @ cameras(draw, 60).transpose(1, 2))[..., 2]
    noise = 0.1 * depths.abs() * (torch.exp(0.7 * draw.normal(15, 60, 15)) * draw.signs(15) - draw.normal(60, 15))
    made.append(Case((depths + noise, depths, _row(draw, (0.25, 0.683, 0.62, 0.4)))))
    made.append(Case((draw.normal(9, 1, 3), draw.normal(1, 3), _row(draw, (0.63, 0.35)))))
    samples = draw.normal(120, 60, 2)  # a rank on each side that a level of 0.74 leaves out, and 0.744 does not
    ranks = draw.uniform(0, 121, 60, 2).floor()
    ranks[:6] = torch.tensor([15.0, 105.0]).to(ranks)
    made.append(Case((samples, _of_ranks(samples, ranks.long()), _row(draw, (0.744, 0.31)))))
    for s, levels in (
        (15, (0.8125, 0.4375)),
        (7, (0.375, 0.875, 0.625)),
    ):  # odd multiples of 1 / (K + 1), exact in floats
        made.append(Case((draw.normal(s, 80, 3), 1.2 * draw.normal(80, 3), _row(draw, levels))))
    return made


def _of_ranks(samples, ranks):
    """Truths between two neighbours among the samples, or beyond them."""
    ordered = samples.sort(0).values
    between = torch.cat((ordered[:1] - 1, (ordered[1:] + ordered[:-1]) / 2, ordered[-1:] + 1))
    return between.gather(0, ranks[None])[0]


def _row(draw, levels):
    return torch.tensor(levels, dtype=torch.float64, device=draw.device)


def every_rank(ask, draw):
    """Truths of known ranks, between samples of known order. With every rank once the share is the level itself; and
    with a rank that is chosen for each pose, it is counted by hand.
    """
    s, j, levels = 19, 3, (0.4, 0.8, 0.1, 0.7)  # level * (K + 1) / 2 is whole
    for n, where in ((s + 1, "each rank once"), (30, "ranks that were chosen")):
        order = torch.stack([draw.permutation(s).double() for _ in range(n * j)], 1).view(s, n, j)
        columns = [draw.permutation(n) if n == s + 1 else draw.uniform(0, s + 1, n).floor() for _ in range(j)]
        ranks = torch.stack(columns, 1).to(order)
        place, width = 5 * draw.normal(n, j), draw.uniform(0.1, 2.0, n, j)
        truth = place + width * (ranks - draw.uniform(0.2, 0.8, n, j))
        got, table = ask(place + width * order, truth, _row(draw, levels)), ranks.tolist()
        for row, level in enumerate(levels):
            for joint in range(j):
                inside = sum(abs(2 * int(ranks[joint]) - s) < 20 * level for ranks in table)
                if abs(float(got[row, joint]) - inside / n) > 1e-5:
                    expected = f"{inside / n:.4f} at level {level}, for {where}"
                    return Finding("property", expected, f"{float(got[row, joint]):.4f} for joint {joint}")
    return None


def _rank(samples, depths):
    return (samples < depths).sum(0)


def _off(samples, depths):
    return (2 * _rank(samples, depths) - len(samples)).abs()


def _limit(samples, levels):
    return levels[:, None, None] * (len(samples) + 1)


def _share(inside, like):
    return inside.to(like).mean(1)


def _when(inside):
    """Other truth values, `inside(r, K, level)`: ranks (N, J), and levels (L, 1, 1)."""
    return lambda samples, depths, levels: _share(
        inside(_rank(samples, depths).to(depths), len(samples), levels[:, None, None]), depths
    )


def _inside(samples, depths, levels):
    return _off(samples, depths) <= _limit(samples, levels)


def _of(formula):
    """`formula(inside)` of the right truth values, (L, N, J), as numbers."""
    return lambda samples, depths, levels: formula(_inside(samples, depths, levels).to(depths))


def _right(formula):
    """`formula(shares, levels)` of the right shares."""
    return lambda samples, depths, levels: formula(depth_coverage(samples, depths, levels), levels)


def _level(change):
    """Other levels, `change(levels)`."""
    return lambda samples, depths, levels: depth_coverage(samples, depths, change(levels))


def _samples(change):
    """Other samples, `change(samples, depths)`."""
    return lambda samples, depths, levels: depth_coverage(change(samples, depths), depths, levels)


def _pooled(*dims):
    """The ranks of each truth among the samples of several poses, or of several joints, thrown together."""

    def answer(samples, depths, levels):
        rows = samples.movedim(dims, tuple(range(1, 1 + len(dims)))).flatten(0, len(dims))  # (many, what is left)
        for dim in dims:
            rows = rows.unsqueeze(dim)
        return _share(_off(rows, depths) <= _limit(rows, levels), depths)

    return answer


def _between(low, high, **kwargs):
    """An interval between interpolated quantiles."""

    def answer(samples, depths, levels):
        a, b = (torch.quantile(samples, q(levels), dim=0, **kwargs) for q in (low, high))
        return _share((a <= depths) & (depths <= b), depths)

    return answer


def _between_sorted(samples, depths, levels):
    """An interval between two of the sorted samples, by rounded places."""
    ordered, s = samples.sort(0).values, len(samples)
    low, high = (ordered[(s * q).long().clamp(max=s - 1)] for q in ((1 - levels) / 2, (1 + levels) / 2))
    return _share((low <= depths) & (depths <= high), depths)


def _normal(unbiased):
    def answer(samples, depths, levels):
        z = torch.special.ndtri((1 + levels) / 2)[:, None, None]
        return _share((depths - samples.mean(0)).abs() <= z * samples.std(0, unbiased=unbiased), depths)

    return answer


def _around(middle):
    """As far to both sides of `middle(samples)` as the level of the samples lies."""

    def answer(samples, depths, levels):
        centre = middle(samples)
        return _share((depths - centre).abs() <= torch.quantile((samples - centre).abs(), levels, dim=0), depths)

    return answer


_ROWS = (
    (
        "without_one",
        "K + 1 ranks are possible, from 0 to K: the bound is level * (K + 1)",
        _when(lambda r, s, level: (2 * r - s).abs() <= level * s),
        _when(lambda r, s, level: (2 * r - s).abs() <= level * (s - 1)),
    ),
    (
        "off_by_one",
        "the middle of the ranks 0, ..., K is K / 2: |2 r - K| is the distance from it, twice",
        _when(lambda r, s, level: (2 * r - s - 1).abs() <= level * (s + 1)),
        _when(lambda r, s, level: (2 * r - s + 1).abs() <= level * (s + 1)),
        _when(lambda r, s, level: (2 * r + 2 - s).abs() <= level * (s + 1)),
        _when(lambda r, s, level: (r - s // 2).abs() <= level * (s + 1) / 2),
    ),
    (
        "counted_poses",
        "the number of poses, or of joints, stands for K: that of the samples is samples.shape[0]",
        lambda samples, depths, levels: _share(
            (2 * _rank(samples, depths) - len(depths)).abs() <= levels[:, None, None] * (len(depths) + 1), depths
        ),
        lambda samples, depths, levels: _share(_off(samples, depths) <= _limit(depths, levels), depths),
        lambda samples, depths, levels: _share(
            (2 * _rank(samples, depths) - depths.shape[1]).abs() <= _limit(depths.T, levels), depths
        ),
    ),
    (
        "no_absolute_value",
        "without the absolute value only one end counts: a rank may be too low as well as too high",
        _when(lambda r, s, level: 2 * r - s <= level * (s + 1)),
        _when(lambda r, s, level: s - 2 * r <= level * (s + 1)),
    ),
    (
        "one_sided",
        "the lowest ranks are counted out: those in the middle make the central interval",
        _when(lambda r, s, level: r <= level * (s + 1)),
        _when(lambda r, s, level: r < level * (s + 1)),
        _when(lambda r, s, level: r <= level * s),
        _when(lambda r, s, level: r >= (1 - level) * s),
        _when(lambda r, s, level: r >= (1 - level) * (s + 1)),
    ),
    (
        "not_doubled",
        "a 2 is missing, or one too many: |2 r - K| <= level (K + 1)",
        _when(lambda r, s, level: (r - s).abs() <= level * (s + 1)),
        _when(lambda r, s, level: (r - s / 2).abs() <= level * (s + 1)),
        _when(lambda r, s, level: (2 * r - s).abs() <= level * (s + 1) / 2),
    ),
    (
        "level_left_out",
        "the level is what lies inside, not what is left out",
        _level(lambda levels: 1 - levels),
        _when(lambda r, s, level: (2 * r - s).abs() <= (1 - level) / 2 * (s + 1)),
        _when(lambda r, s, level: (2 * r - s).abs() <= (1 + level) / 2 * (s + 1)),
    ),
    (
        "percent_level",
        "the levels are shares already, between 0 and 1",
        _level(lambda l: l / 100),
    ),
    (
        "rounded_level",
        "a level is rounded, or the bound: it is taken as it is",
        _level(lambda levels: levels.round(decimals=2)),
        _level(lambda levels: levels.round(decimals=1)),
        _when(lambda r, s, level: (2 * r - s).abs() <= (level * (s + 1)).round()),
        _when(lambda r, s, level: (2 * r - s).abs() <= (level * (s + 1)).ceil()),
    ),
    (
        "end_left_out",
        "a rank on the very end of the interval counts: <=, not <",
        _when(lambda r, s, level: (2 * r - s).abs() < level * (s + 1)),
        _when(lambda r, s, level: (2 * r - s).abs() < (level * (s + 1)).floor()),
    ),
    (
        "one_level",
        "one level for all rows: each row has its own",
        _level(lambda levels: levels[:1].expand_as(levels)),
        _level(lambda levels: levels[-1:].expand_as(levels)),
        _level(lambda levels: levels.mean().expand_as(levels)),
    ),
    (
        "sorted_levels",
        "the levels are sorted: row l belongs to level l as it stands",
        _level(lambda levels: levels.sort().values),
        _level(lambda levels: levels.sort(descending=True).values),
    ),
    ("poses_pooled", "the samples of all poses are thrown together: a truth has a rank among its own", _pooled(1)),
    ("joints_pooled", "the samples of all joints are thrown together: each joint has its own", _pooled(2)),
    ("all_pooled", "all samples of the batch are thrown together: a truth has a rank among its own", _pooled(1, 2)),
    (
        "other_samples",
        "the samples of another joint or pose: depths[i, j] has its rank among samples[:, i, j]",
        _samples(lambda samples, depths: samples.roll(1, 2) if samples.shape[2] > 1 else samples.roll(1, 1)),
        _samples(lambda samples, depths: samples[:, :1].expand_as(samples)),
        _samples(lambda samples, depths: samples.roll(1, 1)),
    ),
    (
        "rank_among_truths",
        "the rank among the true depths of the poses: it is that among the samples of one of them",
        lambda samples, depths, levels: depth_coverage(depths[:, None].expand(-1, *depths.shape), depths, levels),
    ),
    (
        "one_sample",
        "one sample, or their mean, is compared with the truth: all K of them are counted",
        _samples(lambda samples, depths: samples[:1]),
        _samples(lambda samples, depths: samples.mean(0, keepdim=True)),
        lambda samples, depths, levels: _share(
            (2 * (samples.mean(0) < depths).long() - len(samples)).abs() <= _limit(samples, levels), depths
        ),
    ),
    (
        "sizes_compared",
        "the sizes of the depths are compared, or their squares: a depth has a sign",
        lambda samples, depths, levels: depth_coverage(samples.abs(), depths.abs(), levels),
    ),
    (
        "quantiles",
        "an interval between quantiles of the samples, as in chapter 10: here it is counted out in ranks",
        *(
            _between(lambda levels: (1 - levels) / 2, lambda levels: (1 + levels) / 2, interpolation=kind)
            for kind in ("linear", "nearest", "lower", "higher", "midpoint")
        ),
        _between(lambda levels: 1 - levels, lambda levels: levels),
        _between_sorted,
        _between(lambda levels: 0 * levels, lambda levels: levels),
    ),
    (
        "normal",
        "mean and deviation make a normal interval: the samples are skew, count their ranks",
        _normal(True),
        _normal(False),
    ),
    (
        "symmetric",
        "an interval of equal length to both sides of the median or mean: a central one has equal tails",
        _around(lambda samples: torch.quantile(samples, 0.5, dim=0)),
        _around(lambda samples: samples.mean(0)),
        _around(lambda samples: samples.median(0).values),
    ),
    (
        "whole_range",
        "from the lowest to the highest sample: the levels are not used",
        _when(lambda r, s, level: (r > 0) & (r < s) & (level > 0)),
        _when(lambda r, s, level: (r >= 0) & (level > 0)),
    ),
    ("misses", "this is the share outside: asked for is the share inside", _right(lambda share, levels: 1 - share)),
    ("percent", "a percentage: a share between 0 and 1 is asked for", _right(lambda share, levels: 100 * share)),
    (
        "rounded",
        "the shares are rounded: return them as they are",
        *(_right(lambda share, levels, d=d: share.round(decimals=d)) for d in (1, 2, 3)),
    ),
    (
        "count",
        "this counts the poses, or divides by another number: divide by that of the poses, N",
        _of(lambda inside: inside.sum(1)),
        lambda samples, depths, levels: _inside(samples, depths, levels).sum(1),
        lambda samples, depths, levels: _inside(samples, depths, levels).to(depths).sum(1) / len(samples),
        lambda samples, depths, levels: _inside(samples, depths, levels).to(depths).sum(1) / depths.numel(),
    ),
    (
        "joints_averaged",
        "averaged over the joints: each joint has its own share, and the mean runs over the poses, dim 1",
        _of(lambda inside: inside.mean((1, 2))),
        _of(lambda inside: inside.mean(2)),
        _of(lambda inside: inside.mean((1, 2), keepdim=True)[:, 0].expand(-1, inside.shape[2]).clone()),
    ),
    (
        "all_joints",
        "all joints of a pose at once: each joint has its own share",
        _of(lambda inside: inside.prod(2).mean(1)),
        _of(lambda inside: inside.amax(2).mean(1)),
        _of(lambda inside: inside.prod(2, keepdim=True).expand_as(inside).mean(1)),
    ),
    ("levels_averaged", "averaged over the levels, dim 0: each has its own row", _of(lambda inside: inside.mean(0))),
    (
        "one_number",
        "one number for everything: a share for each level and joint is asked for",
        _of(lambda inside: inside.mean()),
    ),
    (
        "transposed",
        "the table is transposed: a row for each level, a column for each joint",
        _right(lambda share, levels: share.T),
    ),
    (
        "each_pose",
        "one truth value for each pose: their mean over the poses, dim 1, is asked for",
        _of(lambda inside: inside),
        _inside,
    ),
    (
        "difference",
        "the difference to the level: the share itself is asked for",
        _right(lambda share, levels: share - levels[:, None]),
        _right(lambda share, levels: (share - levels[:, None]).abs()),
    ),
    (
        "level",
        "these are the levels, which are promised: count how often they are kept",
        _right(lambda share, levels: levels[:, None].expand_as(share).clone()),
        _right(lambda share, levels: levels),
    ),
    (
        "ranks",
        "these are ranks, or a mean of them: count those that are inside at each level",
        lambda samples, depths, levels: _rank(samples, depths),
        lambda samples, depths, levels: (samples < depths).to(depths).mean(0),
        lambda samples, depths, levels: (samples < depths).to(depths).mean((0, 1)).expand(len(levels), -1).clone(),
    ),
)

EXERCISE = Exercise(
    id="15.coverage",
    title="Are the depths calibrated?",
    level="core",
    minutes=10,
    points=3,
    anchor="sec-15-calibration",
    task=TASK,
    hints=HINTS,
    references=(depth_coverage,),
    returns=("shares (L, J)",),
    cases=cases,
    mistakes=mistakes_of(_ROWS),
    independent=every_rank,
)
