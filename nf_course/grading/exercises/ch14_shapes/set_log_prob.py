"""14.set_log_prob: the log-density of sets of points given their codes, a sum in which each point counts once."""

import math

import torch

from nf_course.grading.exercise import Case, Exercise, Finding, mistakes_of
from nf_course.grading.exercises.ch14_shapes.shared import HALF, each_point, log_normal, shape_flow

TASK = r"""
A shape is a set $X$ of $P$ points. Given its code $s$, the points are independent of each other, and all have the
density of one flow over space, whose base is a standard normal:

$$\begin{gathered}
\log p(X \mid s) = \sum_{i=1}^{P} \log p(x_i \mid s), \\
\log p(x_i \mid s) = \log \mathcal{N}(z_i;\, 0, I_3) + \log \left| \det \frac{\partial z_i}{\partial x_i} \right|, \\
z_i = f(x_i;\, s)
\end{gathered}$$

`points` has shape `(N, P, 3)`, $N$ sets, and `code` has shape `(N, K)`, a code for each set. `flow.encode(x, c)` knows
of no sets: it takes points of shape `(M, 3)` with a code for each, `(M, K)`, and returns the pair `(z, ladj)`, of
shapes `(M, 3)` and `(M,)`. Return $\log p(X \mid s)$ with all its constants, shape `(N,)`. $P$ may be several hundred.
"""

HINTS = (
    "The flow wants rows: all points of all sets, one below the other, each beside the code of its own set. What order "
    "do rows have after points.reshape(N * P, 3)?",
    "code.repeat_interleave(P, 0) repeats each code P times in a row, which is the order of the points. Each point "
    "brings three numbers to the base density, and one log-det.",
    "z, ladj = flow.encode(points.reshape(N * P, 3), code.repeat_interleave(P, 0)); then each = (-z^2 / 2 - "
    "log(2 pi) / 2).sum(1) + ladj, and each.view(N, P).sum(1).",
)


def set_log_prob(flow, points, code):
    n, p, _ = points.shape
    z, ladj = flow.encode(points.reshape(n * p, 3), code.repeat_interleave(p, 0))
    each = (-0.5 * z.square() - 0.5 * math.log(2 * math.pi)).sum(1) + ladj
    return each.view(n, p).sum(1)


def cases(draw):
    """More points than sets and fewer, one set, one point, as many points as sets; densities above 1, and p(X) of 0."""
    sizes = ((4, 7, 3, 1), (1, 5, 2, 2), (3, 1, 4, 1), (5, 5, 1, 2), (2, 200, 2, 1))
    made = [Case((shape_flow(draw, kept, k), draw.normal(n, p, 3), draw.normal(n, k))) for n, p, k, kept in sizes]
    return [*made, Case((shape_flow(draw, 1, 3, narrow=True), 0.01 * draw.normal(6, 2, 3), draw.normal(6, 3)))]


def one_by_one(ask, draw):
    """Points made by decode, whose densities are known one by one; two sets are one; and their order is nothing."""
    flow, points, code = cases(draw)[0].args
    n, p, _ = points.shape
    x, want = torch.empty_like(points), torch.zeros_like(code[:, 0])
    for i in range(p):
        z = draw.normal(n, 3)
        x[:, i], ladj = flow.decode(z, code)
        want += torch.distributions.Normal(torch.zeros_like(z), torch.ones_like(z)).log_prob(z).sum(1) - ladj
    got = ask(flow, x, code)
    if not torch.allclose(got, want, rtol=1e-5, atol=1e-5):
        return Finding("property", f"{want[0].item():.4f}, point by point through decode", f"{got[0].item():.4f}")
    if not torch.allclose(ask(flow, x[:, draw.permutation(p)], code), want, rtol=1e-5, atol=1e-5):
        return Finding("property", "the same for the points in another order", "another number")
    parts = ask(flow, x[:, :3], code) + ask(flow, x[:, 3:], code)
    if not torch.allclose(parts, want, rtol=1e-5, atol=1e-5):
        return Finding("property", "the sum of two parts is that of the whole set", "another number")
    return None


def _of(formula):
    """`formula(z, ladj)`, of shapes (N, P, 3) and (N, P)."""
    return lambda flow, points, code: formula(*each_point(flow, points, code))


def _each(formula):
    """The sum over the points of another log-density, `formula(z, ladj)` (N, P)."""
    return _of(lambda z, ladj: formula(z, ladj).sum(1))


def _whole(z, ladj):
    return log_normal(z) + ladj


def _codes(change):
    """The points get other codes, `change(code, P)` (N * P, K)."""

    def answer(flow, points, code):
        n, p, _ = points.shape
        z, ladj = flow.encode(points.reshape(n * p, 3), change(code, p))
        return _whole(z, ladj).view(n, p).sum(1)

    return answer


def _one_code(change):
    return _codes(lambda code, p: change(code).expand_as(code).repeat_interleave(p, 0))


def _rows(change):
    """The points are made rows in another way, `change(points)`, or they are other points."""

    def answer(flow, points, code):
        n, p, _ = points.shape
        z, ladj = flow.encode(change(points).reshape(n * p, 3), code.repeat_interleave(p, 0))
        return _whole(z, ladj).view(n, p).sum(1)

    return answer


def _flat(join):
    """`join(each, N, P)` of the flat log-densities (N * P,)."""
    return _of(lambda z, ladj: join(_whole(z, ladj).flatten(), *ladj.shape))


def _at_x(flow, points, code):
    return (log_normal(points) + each_point(flow, points, code)[1]).sum(1)


def _decoded(flow, points, code):
    n, p, _ = points.shape
    z, ladj = flow.decode(points.reshape(n * p, 3), code.repeat_interleave(p, 0))
    return _whole(z, ladj).view(n, p).sum(1)


_ROWS = (
    (
        "ladj_of_the_set",
        "every point gets the log-dets of its whole set: sum them with (N, P), not (N, 1), so that each counts once",
        _each(lambda z, ladj: log_normal(z) + ladj.sum(1, keepdim=True)),
        _each(lambda z, ladj: log_normal(z).sum(1, keepdim=True) + ladj),
        _each(lambda z, ladj: _whole(z, ladj).sum(1, keepdim=True).expand_as(ladj)),
    ),
    (
        "ladj_each_coordinate",
        "ladj is added to each of the three coordinates before they are summed: it comes once for each point",
        _each(lambda z, ladj: log_normal(z) + 3 * ladj),
    ),
    (
        "ladj_once",
        "one log-det for a whole set: each of its points brings one, and they add",
        _of(lambda z, ladj: log_normal(z).sum(1) + ladj[:, 0]),
        _of(lambda z, ladj: log_normal(z).sum(1) + ladj.mean(1)),
    ),
    ("no_ladj", "the log-dets are missing: log p(x | s) = log p(z) + ladj", _each(lambda z, ladj: log_normal(z))),
    ("ladj_sign", "the sign of the log-det: encode's ladj is added", _each(lambda z, ladj: log_normal(z) - ladj)),
    ("ladj_twice", "the log-det is counted twice", _each(lambda z, ladj: log_normal(z) + 2 * ladj)),
    ("ladj_only", "the base density is missing", _each(lambda z, ladj: ladj)),
    (
        "mean",
        "a mean over the points: their log-densities add, and a set of more points weighs more",
        _of(lambda z, ladj: _whole(z, ladj).mean(1)),
        _of(lambda z, ladj: log_normal(z).mean(1) + ladj.sum(1)),
        _of(lambda z, ladj: _whole(z, ladj).mean(1) / 3),
    ),
    (
        "mean_of_coordinates",
        "a mean over the three coordinates: log-densities of independent numbers add",
        _each(lambda z, ladj: log_normal(z) / 3 + ladj),
    ),
    (
        "no_constant",
        "log(2 pi) / 2 is missing, once for each coordinate of each point",
        _each(lambda z, ladj: -0.5 * z.square().sum(2) + ladj),
    ),
    (
        "constant_once",
        "log(2 pi) / 2 comes with each of the 3 P coordinates, not once a point or a set",
        _each(lambda z, ladj: -0.5 * z.square().sum(2) - HALF + ladj),
        _of(lambda z, ladj: (-0.5 * z.square().sum(2) + ladj).sum(1) - HALF),
        _of(lambda z, ladj: (-0.5 * z.square().sum(2) + ladj).sum(1) - 3 * HALF),
    ),
    (
        "constant_other",
        "the constant: log N(z; 0, 1) = -z^2 / 2 - log(2 pi) / 2, with its half and its minus",
        _each(lambda z, ladj: _whole(z, ladj) - 3 * HALF),
        _each(lambda z, ladj: _whole(z, ladj) + 6 * HALF),
    ),
    (
        "square",
        "the square: log N(z; 0, 1) = -z^2 / 2 - log(2 pi) / 2, with its half and its minus",
        _each(lambda z, ladj: _whole(z, ladj) - 0.5 * z.square().sum(2)),
        _each(lambda z, ladj: _whole(z, ladj) + z.square().sum(2)),
    ),
    ("at_x", "the base density is taken at x: it belongs to z", _at_x),
    ("decode", "the points are decoded: they are data, and flow.encode leads to their latents", _decoded),
    (
        "codes_in_turn",
        "the codes take turns: the points of a set follow each other, so repeat_interleave, not repeat",
        _codes(lambda code, p: code.repeat(p, 1)),
    ),
    (
        "one_code",
        "one code for all sets: each set has its own",
        _one_code(lambda code: code[:1]),
        _one_code(lambda code: code.mean(0, keepdim=True)),
    ),
    ("no_code", "zeros stand for the codes: each point gets the code of its set", _one_code(lambda code: 0 * code)),
    (
        "mixed_rows",
        "points of different sets are mixed: after reshape(N * P, 3) the points of a set follow each other",
        _rows(lambda points: points.transpose(0, 1)),
        _flat(lambda each, n, p: each.view(p, n).sum(0)),
    ),
    (
        "mixed_coordinates",
        "coordinates of different points are mixed: reshape(N * P, 3) as it is, without a transpose before it",
        _rows(lambda points: points.transpose(1, 2)),
        _rows(lambda points: points.reshape(3, -1).T),
    ),
    (
        "centred",
        "the points are centred or brought to size: where they lie, and how far apart, is what the density is of",
        _rows(lambda points: points - points.mean(1, keepdim=True)),
        _rows(lambda points: points / points.abs().amax((1, 2), keepdim=True)),
    ),
    (
        "not_summed",
        "the sum over the points of each set, .view(N, P).sum(1), is missing",
        _of(_whole),
        _flat(lambda each, n, p: each),
    ),
    (
        "over_sets",
        "summed over the sets, dim 0: sum over the points, dim 1",
        _of(lambda z, ladj: _whole(z, ladj).sum(0)),
    ),
    (
        "whole_batch",
        "one number for all sets: each has its own log-density",
        _of(lambda z, ladj: _whole(z, ladj).sum()),
        _of(lambda z, ladj: _whole(z, ladj).sum(1).mean()),
        _of(lambda z, ladj: _whole(z, ladj).mean()),
    ),
    (
        "product",
        "densities are multiplied, and then log is taken: of many points that is log 0 = -inf; add logarithms",
        _of(lambda z, ladj: _whole(z, ladj).exp().prod(1).log()),
        _of(lambda z, ladj: _whole(z, ladj).sum(1).exp().log()),
    ),
    (
        "density",
        "this is p(X | s): its logarithm is asked for",
        _of(lambda z, ladj: _whole(z, ladj).sum(1).exp()),
        _of(lambda z, ladj: _whole(z, ladj).exp().sum(1)),
    ),
    (
        "mixture",
        "densities of the points are added, as of a mixture: they are multiplied, so their logarithms add",
        _of(lambda z, ladj: _whole(z, ladj).logsumexp(1)),
        _of(lambda z, ladj: _whole(z, ladj).logsumexp(1) - math.log(ladj.shape[1])),
    ),
    (
        "orders",
        "log P! for the orders of the points: the sum over the points is all that is asked for",
        _of(lambda z, ladj: _whole(z, ladj).sum(1) + math.lgamma(ladj.shape[1] + 1)),
        _of(lambda z, ladj: _whole(z, ladj).sum(1) - math.lgamma(ladj.shape[1] + 1)),
    ),
    (
        "one_point",
        "one point stands for its set: sum over all P of them",
        _of(lambda z, ladj: _whole(z, ladj)[:, 0]),
        _of(lambda z, ladj: ladj.shape[1] * _whole(z, ladj)[:, 0]),
    ),
    ("negated", "this is -log p(X | s): no minus sign", _each(lambda z, ladj: -_whole(z, ladj))),
    (
        "not_rows",
        "flow.encode takes points as rows: points.reshape(N * P, 3), with a code for each",
        lambda flow, points, code: flow.encode(points, code),
    ),
    (
        "codes_not_repeated",
        "N codes meet N * P points: each code is needed P times, code.repeat_interleave(P, 0)",
        _codes(lambda code, p: code),
    ),
    (
        "code_not_passed",
        "the code is not passed on: flow.encode(x, c)",
        lambda flow, points, code: flow.encode(points.reshape(-1, 3)),
    ),
)

EXERCISE = Exercise(
    id="14.set_log_prob",
    title="The log-density of a set",
    level="core",
    minutes=15,
    points=3,
    anchor="sec-14-set",
    task=TASK,
    hints=HINTS,
    references=(set_log_prob,),
    returns=("log p(X | s) (N,)",),
    cases=cases,
    mistakes=mistakes_of(_ROWS),
    independent=one_by_one,
    gradient=("flow", "points", "code"),
)
