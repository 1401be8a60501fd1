"""12.identity: how much of a face stayed, on a scale on which a stranger is 0."""

import torch
import torch.nn.functional as F

from nf_course.grading.exercise import Case, Exercise, Finding, mistakes_of

TASK = r"""
Is it still the same face? Features describe each face, by a network or by hand; $\varphi_n$ are those of face $n$
before the edit, $\varphi'_n$ those after it. Only their direction counts, so that each is divided by its length first,
$u = \varphi / \lVert \varphi \rVert$. A distance says little by itself: compare it with that between strangers, each
face and the next one, the last and the first, all before the edit. The measure is 1 where nothing changed, and 0 where
an edited face is as far from itself as from a stranger:

$$\begin{gathered}
d_n = \lVert u'_n - u_n \rVert, \qquad s_n = \lVert u_{n+1} - u_n \rVert, \quad u_{N+1} = u_1, \\
\text{kept} = 1 - \frac{\sum_n d_n}{\sum_n s_n}
\end{gathered}$$

`before` and `after` have shape `(N, F)`, with $N \ge 2$ and no row of zeros. Return one number. It may be below 0.
"""

HINTS = (
    "Two kinds of pairs: a face and itself after the edit, and a face and its neighbour. Which of them is the scale?",
    "F.normalize(v, dim=1) of torch.nn.functional divides rows by their lengths. u.roll(-1, 0) puts the next row in "
    "each place. .norm(dim=1) is the length of each row.",
    "u, v = F.normalize(before, dim=1), F.normalize(after, dim=1); "
    "1 - (v - u).norm(dim=1).sum() / (u.roll(-1, 0) - u).norm(dim=1).sum().",
)


def identity_kept(before, after):
    u, v = F.normalize(before, dim=1), F.normalize(after, dim=1)
    own = (v - u).norm(dim=1)
    strangers = (u.roll(-1, 0) - u).norm(dim=1)
    return 1 - own.sum() / strangers.sum()


def cases(draw):
    """Features of all lengths; edits that keep much, that keep little, and that lead beyond a stranger; two faces."""
    made = []
    for n, f, change in ((6, 4, 0.4), (2, 5, 0.3), (5, 3, 0.1), (4, 7, 1.5), (3, 2, 0.2)):
        before = draw.normal(n, f) + 0.5
        after = before + change * draw.uniform(0.3, 2.0, n, 1) * draw.normal(n, f)
        after = -after if change > 1 else after
        lengths = draw.uniform(0.3, 3.0, n, 1), draw.uniform(0.3, 3.0, n, 1)
        made.append(Case((before * lengths[0], after * lengths[1])))
    for n in (4, 6):  # small features, unequally so, of which each direction is as good as any
        small = draw.normal(n, 3)
        lengths = 10.0 ** torch.linspace(-7, -4, n, dtype=small.dtype, device=small.device)[:, None]
        made.append(Case((lengths * small, lengths * (small + 0.3 * draw.normal(n, 3)))))
    return made


def known_faces(ask, draw):
    """Faces that only became longer: 1. The next face in each place: 0. Unit vectors at right angles, turned alike."""
    before = draw.normal(5, 4)
    lengths = draw.uniform(0.2, 5.0, 5, 1)
    basis, angle = draw.rotation(6)[:4], draw.uniform(0.1, 1.5, 1).item()
    cos, sin, half = torch.tensor([angle, torch.pi / 2 - angle, (torch.pi - angle) / 2], dtype=torch.float64).cos()
    turned = cos.item() * basis + sin.item() * _beyond(basis, draw)
    chord = 2 * half.item()  # 2 sin(angle / 2)
    for what, want, pair in (
        ("faces that only became longer", 1.0, (before, lengths * before)),
        ("strangers, the next face in each place", 0.0, (before, lengths * before.roll(-1, 0))),
        (f"features turned by {angle:.3f} radians", 1 - chord / 2**0.5, (lengths[:4] * basis, turned)),
    ):
        got = float(ask(*pair))
        if abs(got - want) > 1e-5:
            return Finding("property", f"{want:.4f} for {what}", f"{got:.4f}")
    return None


def _beyond(basis, draw):
    """A unit vector at right angles to each row, and to all others."""
    free = draw.normal(basis.shape[1]).to(basis)
    free = free - basis.T @ (basis @ free)
    return (free / free.norm()).expand_as(basis)


def _unit(v):
    return F.normalize(v, dim=1)


def _of(formula):
    """`formula(own, strangers)` of the distances, (N,) each."""

    def answer(before, after):
        u, v = _unit(before), _unit(after)
        return formula((v - u).norm(dim=1), (u.roll(-1, 0) - u).norm(dim=1))

    return answer


def _right(own, strangers):
    return 1 - own.sum() / strangers.sum()


def _features(change):
    """The right measure of features `change(f)` instead of unit ones."""

    def answer(before, after):
        u, v = change(before), change(after)
        return _right((v - u).norm(dim=1), (u.roll(-1, 0) - u).norm(dim=1))

    return answer


def _distance(d):
    """Another distance, `d(u, v)`, (N,), of unit features."""

    def answer(before, after):
        u, v = _unit(before), _unit(after)
        return _right(d(u, v), d(u, u.roll(-1, 0)))

    return answer


def _strangers(s):
    """Other strangers: their distances `s(u, v)`."""

    def answer(before, after):
        u, v = _unit(before), _unit(after)
        return _right((v - u).norm(dim=1), s(u, v))

    return answer


def _own(before, after):
    return (_unit(after) - _unit(before)).norm(dim=1)


def _every_pair(u):
    return torch.cdist(u, u)


def _angle(u, v):
    return torch.acos((u * v).sum(1).clamp(-1, 1))


_ROWS = (
    (
        "not_normalised",
        "the features are taken as they are: divide each by its length first",
        _features(lambda f: f),
    ),
    (
        "one_normalised",
        "the features of one side alone are divided by their lengths: both are",
        lambda before, after: _right(
            (after - _unit(before)).norm(dim=1), (_unit(before).roll(-1, 0) - _unit(before)).norm(dim=1)
        ),
        lambda before, after: _right((_unit(after) - before).norm(dim=1), (before.roll(-1, 0) - before).norm(dim=1)),
        lambda before, after: _right(
            (_unit(after) - _unit(before)).norm(dim=1), (before.roll(-1, 0) - before).norm(dim=1)
        ),
        lambda before, after: _right(
            (after - before).norm(dim=1), (_unit(before).roll(-1, 0) - _unit(before)).norm(dim=1)
        ),
    ),
    (
        "columns_normalised",
        "the features are normalised along the batch: each face has its own length, dim=1",
        _features(lambda f: F.normalize(f, dim=0)),
        _features(lambda f: f / f.norm()),
    ),
    (
        "other_length",
        "divided by something other than the length, the root of the sum of squares",
        _features(lambda f: F.normalize(f, p=1, dim=1)),
        _features(lambda f: f / f.abs().amax(1, keepdim=True)),
        _features(lambda f: f / f.square().sum(1, keepdim=True)),
        _features(lambda f: f / f.sum(1, keepdim=True)),
    ),
    (
        "standardised",
        "the features are standardised, or their mean is taken off: they are divided by their length, and that is all",
        _features(lambda f: (f - f.mean(1, keepdim=True)) / f.std(1, keepdim=True)),
        _features(lambda f: (f - f.mean(0)) / f.std(0)),
        _features(lambda f: _unit(f - f.mean(0))),
        _features(lambda f: _unit(f - f.mean(1, keepdim=True))),
        _features(lambda f: torch.softmax(f, 1)),
    ),
    (
        "epsilon",
        "a small number is added to the length: features may be small, and no row is 0",
        *(_features(lambda f, e=e: f / (f.norm(dim=1, keepdim=True) + e)) for e in (1e-5, 1e-6, 1e-8)),
        _features(lambda f: F.normalize(f, dim=1, eps=1e-5)),
    ),
    (
        "squared",
        "squared distances: the distance itself is summed",
        _distance(lambda u, v: (v - u).square().sum(1)),
        _distance(lambda u, v: 1 - (u * v).sum(1)),
    ),
    (
        "absolute",
        "sums of absolute differences: the distance is the Euclidean one",
        _distance(lambda u, v: (v - u).abs().sum(1)),
    ),
    (
        "largest",
        "the largest difference alone: the distance is the Euclidean one",
        _distance(lambda u, v: (v - u).abs().amax(1)),
    ),
    ("angle", "angles: the distance is the straight one between the ends", _distance(_angle)),
    (
        "whole_batch_norm",
        "one length for the whole batch: each face has its own distance, and these are summed",
        _of(lambda own, strangers: 1 - own.norm() / strangers.norm()),
    ),
    (
        "over_batch",
        "the lengths run over the batch, dim 0: a distance belongs to a face, dim 1",
        lambda before, after: _right(
            (_unit(after) - _unit(before)).norm(dim=0), (_unit(before).roll(-1, 0) - _unit(before)).norm(dim=0)
        ),
    ),
    (
        "ratios_averaged",
        "a ratio for each face, and then a mean: sum the distances first, and divide the sums",
        _of(lambda own, strangers: 1 - (own / strangers).mean()),
        _of(lambda own, strangers: (1 - own / strangers).sum()),
        _of(lambda own, strangers: 1 - (own / strangers).sum()),
    ),
    (
        "each_face",
        "a number for each face: one for all of them is asked for",
        _of(lambda own, strangers: 1 - own / strangers),
        _of(lambda own, strangers: own),
    ),
    (
        "not_from_one",
        "this is what was lost: 1 - it is asked for",
        _of(lambda own, strangers: own.sum() / strangers.sum()),
        _of(lambda own, strangers: own.sum() / strangers.sum() - 1),
    ),
    (
        "upside_down",
        "the ratio is upside down: divide by the distances of strangers",
        _of(lambda own, strangers: 1 - strangers.sum() / own.sum()),
        _of(lambda own, strangers: strangers.sum() / own.sum()),
    ),
    (
        "no_strangers",
        "no comparison with strangers: distances are divided by theirs",
        _of(lambda own, strangers: 1 - own.mean()),
        _of(lambda own, strangers: own.mean()),
        _of(lambda own, strangers: 1 - own.sum()),
        _of(lambda own, strangers: 1 - own.mean() / 2),
    ),
    (
        "cosine",
        "a cosine similarity: the measure is made of distances",
        lambda before, after: (_unit(before) * _unit(after)).sum(1).mean(),
        lambda before, after: (_unit(before) * _unit(after)).sum(1),
    ),
    (
        "strangers_after",
        "strangers are taken from the edited faces: both of a pair are as they were before",
        _strangers(lambda u, v: (v.roll(-1, 0) - v).norm(dim=1)),
        _strangers(lambda u, v: (v.roll(-1, 0) - u).norm(dim=1)),
        _strangers(lambda u, v: (u.roll(-1, 0) - v).norm(dim=1)),
        _strangers(lambda u, v: (u.roll(1, 0) - v).norm(dim=1)),
        _strangers(lambda u, v: (v.roll(1, 0) - u).norm(dim=1)),
    ),
    (
        "not_closed",
        "the last face has no stranger: the first one is its next",
        _strangers(lambda u, v: (u[1:] - u[:-1]).norm(dim=1)),
        _of(lambda own, strangers: 1 - own.mean() / strangers[:-1].mean()),
    ),
    (
        "features_rolled",
        "the features of a face are moved along, not the faces: roll along dim 0",
        _strangers(lambda u, v: (u.roll(-1, 1) - u).norm(dim=1)),
        _strangers(lambda u, v: (u.roll(1, 1) - u).norm(dim=1)),
        _strangers(lambda u, v: (u.roll(-1) - u).norm(dim=1)),
    ),
    (
        "reversed",
        "the batch is turned round: each face is compared with the next one, the last with the first",
        _strangers(lambda u, v: (u.flip(0) - u).norm(dim=1)),
        _strangers(lambda u, v: (u.roll(-2, 0) - u).norm(dim=1)),
    ),
    (
        "first_stranger",
        "one face is the stranger of all: each is compared with the next one",
        _strangers(lambda u, v: (u[:1] - u).norm(dim=1)),
        _strangers(lambda u, v: (u - u.mean(0)).norm(dim=1)),
    ),
    (
        "every_pair",
        "all pairs of faces: each is compared with the next one alone",
        _strangers(lambda u, v: _every_pair(u)),
        lambda before, after: 1 - _own(before, after).mean() / _every_pair(_unit(before)).mean(),
        lambda before, after: (
            1 - _own(before, after).mean() / (_every_pair(_unit(before)).sum() / (len(before) * (len(before) - 1)))
        ),
        lambda before, after: 1 - _own(before, after).mean() / torch.pdist(_unit(before)).mean(),
    ),
    (
        "unnormalised_counts",
        "sums of different numbers of distances: both have N, or take both means",
        _of(lambda own, strangers: 1 - own.mean() / strangers.sum()),
        _of(lambda own, strangers: 1 - own.sum() / strangers.mean()),
    ),
    (
        "clamped",
        "cut off at 0: the measure may be below it",
        _of(lambda own, strangers: _right(own, strangers).clamp(min=0)),
        _of(lambda own, strangers: _right(own, strangers).abs()),
    ),
    (
        "middle",
        "medians or largest distances: all distances are summed",
        _of(lambda own, strangers: 1 - own.median() / strangers.median()),
        _of(lambda own, strangers: 1 - own.max() / strangers.max()),
    ),
    ("percent", "a percentage: the measure is 1 where nothing changed", _of(lambda o, s: 100 * _right(o, s))),
)

EXERCISE = Exercise(
    id="12.identity",
    title="Is it still the same face?",
    level="stretch",
    minutes=10,
    points=2,
    anchor="sec-12-identity",
    task=TASK,
    hints=HINTS,
    references=(identity_kept,),
    returns=("kept, a single number",),
    cases=cases,
    mistakes=mistakes_of(_ROWS),
    independent=known_faces,
)
