"""15.bent: the log-density of a pose, and of the same pose with a knee bent backwards."""

import torch
import torch.nn.functional as F

from nf_course.grading.exercise import Case, Exercise, Finding, mistakes_of
from nf_course.grading.exercises.ch15_pose.shared import anywhere, real_poses
from nf_course.grading.parts import Base, Layer

TASK = r"""
A density of poses should find a knee that bends the wrong way less likely than the same knee bent the right way. Make
such a pose: mirror the shin about the thigh. With the hip $h$, the knee $k$ and the ankle $a$, the thigh's direction
$t$ has length 1; what the shin has along $t$ stays, and what it has across $t$ changes its sign, so that no bone
changes its length and the knee bends as far as before, to the other side:

$$\begin{gathered}
t = \frac{k - h}{\lVert k - h \rVert}, \qquad s = a - k, \\
a' = k + 2\, (s \cdot t)\, t - s
\end{gathered}$$

Only the ankle moves. Then ask a flow about both poses: it sees the joints about the root, $x_j - x_0$, the root left
out and one joint after the other, in one row of $3 (J - 1)$ numbers.

`joints` has shape `(N, J, 3)`, in metres, the root first, at any place. `leg` is a triple of places in it, of hip, knee
and ankle; the ankle is never the root. `bijection.encode(x)` returns the pair `(z, ladj)` for rows `x` of shape
`(N, 3 * (J - 1))`, and `base.log_prob(z)` the log-density of the flow's base, shape `(N,)`. Return the pair
`(before, after)` of log-densities, shape `(N,)` each.
"""

HINTS = (
    "First the second pose, then the density of both by the same few lines. Which bone must have kept its length?",
    "F.normalize(v, dim=1) makes rows of length 1, and (s * t).sum(1, keepdim=True) is s . t for each pose. Write the "
    "new ankle into joints.clone(). A row is (pose[:, 1:] - pose[:, :1]).flatten(1).",
    "t = F.normalize(joints[:, knee] - joints[:, hip], dim=1); s = joints[:, ankle] - joints[:, knee]; after = "
    "joints.clone(); after[:, ankle] = joints[:, knee] + 2 * (s * t).sum(1, keepdim=True) * t - s; and for both poses "
    "z, ladj = bijection.encode(row), base.log_prob(z) + ladj.",
)


def bent(bijection, base, joints, leg):
    hip, knee, ankle = leg
    thigh = F.normalize(joints[:, knee] - joints[:, hip], dim=1)
    shin = joints[:, ankle] - joints[:, knee]
    backwards = joints.clone()
    backwards[:, ankle] = joints[:, knee] + 2 * (shin * thigh).sum(1, keepdim=True) * thigh - shin

    def log_prob(pose):
        z, ladj = bijection.encode((pose[:, 1:] - pose[:, :1]).flatten(1))
        return base.log_prob(z) + ladj

    return log_prob(joints), log_prob(backwards)


def _flow(draw, joints):
    d = 3 * (joints.shape[1] - 1)
    return Layer("bijection", draw.matrix(d, scale=4.0), draw.normal(d)), Base("base", draw.uniform(1.5, 6.0, d))


def cases(draw):
    """Both legs of real bodies; three joints, the hip the root; a leg anywhere in the list; one pose."""
    made = []
    bodies = ((real_poses(draw, 4), (4, 5, 6)), (draw.normal(3, 3, 3), (0, 1, 2)), (real_poses(draw, 1), (7, 8, 9)))
    other = (draw.normal(5, 6, 3), tuple(1 + draw.permutation(5)[:3].cpu()))
    for joints, leg in (*bodies, other, (0.5 * draw.normal(2, 5, 3), (3, 0, 1))):
        joints = anywhere(draw, joints)
        made.append(Case((*_flow(draw, joints), joints, tuple(int(j) for j in leg))))
    return made


def built_the_other_way(ask, draw):
    """Legs built in the thigh's own axes, of which two are turned round; and straight legs, which stay as they are."""
    n, turn = 4, torch.stack([draw.rotation(3) for _ in range(4)])
    joints, leg = anywhere(draw, real_poses(draw, n)), (7, 8, 9)
    bijection, base = _flow(draw, joints)
    own = draw.uniform(-0.4, 0.4, n, 3)  # the shin: along the thigh, and across it
    two = []
    for signs in ([1.0, 1, 1], [1.0, -1, -1], [1.0, 0, 0]):
        pose = joints.clone()
        pose[:, 8] = pose[:, 7] + 0.42 * turn[:, :, 0]
        pose[:, 9] = pose[:, 8] + (turn @ (own * torch.tensor(signs).to(own))[..., None])[..., 0]
        z, ladj = bijection.encode(pose.sub(pose[:, :1])[:, 1:].reshape(n, -1))
        two.append((pose, base.log_prob(z) + ladj))
    (one, p), (other, q), (straight, same) = two
    for what, pose, want in (
        ("a leg built in the axes of its thigh", one, (p, q)),
        ("a knee that was bent backwards already", other, (q, p)),
        ("a straight leg, which stays", straight, (same, same)),
    ):
        got = ask(bijection, base, pose, leg)
        for name, g, w in zip(("before", "after"), got, want, strict=True):
            if not torch.allclose(g, w, rtol=1e-5, atol=1e-5):
                return Finding("property", f"{name}: {w[0].item():.4f} for {what}", f"{g[0].item():.4f}")
    return None


def _row(pose):
    return (pose[:, 1:] - pose[:, :1]).flatten(1)


def _log_prob(bijection, base, x):
    z, ladj = bijection.encode(x)
    return base.log_prob(z) + ladj


def _moved(formula):
    """Another ankle, `formula(h, k, a)`, of the points (N, 3)."""

    def answer(bijection, base, joints, leg):
        after = joints.clone()
        after[:, leg[2]] = formula(*(joints[:, j] for j in leg))
        return tuple(_log_prob(bijection, base, _row(pose)) for pose in (joints, after))

    return answer


def _dot(a, b):
    return (a * b).sum(1, keepdim=True)


def _mirrored(h, k, a, t=None):
    t = F.normalize(k - h, dim=1) if t is None else t
    return k + 2 * _dot(a - k, t) * t - (a - k)


def _poses(joints, leg):
    after = joints.clone()
    after[:, leg[2]] = _mirrored(*(joints[:, j] for j in leg))
    return joints, after


def _not_about_root_once(bijection, base, joints, leg):
    """The second pose alone is not taken about the root."""
    before, after = _poses(joints, leg)
    return _log_prob(bijection, base, _row(before)), _log_prob(bijection, base, after[:, 1:].flatten(1))


def _in_the_row(about_root, place):
    """The new ankle is written into the row, at `place(ankle)`."""

    def answer(bijection, base, joints, leg):
        x = _row(joints).unflatten(1, (-1, 3))
        after = x.clone()
        new = _mirrored(*(joints[:, j] for j in leg)) - about_root * joints[:, 0]
        after[:, place(leg[2]) % x.shape[1]] = new
        return tuple(_log_prob(bijection, base, row.flatten(1)) for row in (x, after))

    return answer


def _leg_in_the_row(bijection, base, joints, leg):
    """Hip, knee and ankle are looked up in the row, where the root is not."""
    x = _row(joints).unflatten(1, (-1, 3))
    after = x.clone()
    after[:, leg[2] - 1] = _mirrored(*(x[:, j - 1] for j in leg))
    return tuple(_log_prob(bijection, base, row.flatten(1)) for row in (x, after))


def _rows(row):
    """The right poses, put into rows in another way."""
    return lambda bijection, base, joints, leg: tuple(_log_prob(bijection, base, row(p)) for p in _poses(joints, leg))


def _density(formula):
    """Another density of the right poses, `formula(bijection, base, x)`."""
    return lambda bijection, base, joints, leg: tuple(formula(bijection, base, _row(p)) for p in _poses(joints, leg))


def _of(formula):
    """`formula(before, after)` of the right ones."""
    return lambda bijection, base, joints, leg: formula(*bent(bijection, base, joints, leg))


def _combined(formula):
    """`formula(log p(z), ladj)`."""

    def density(bijection, base, x):
        z, ladj = bijection.encode(x)
        return formula(base.log_prob(z), ladj)

    return _density(density)


def _with_leg(order):
    """The places of the leg are taken otherwise, `order(leg)`."""
    return lambda bijection, base, joints, leg: bent(bijection, base, joints, order(leg))


def _all_joints(bijection, base, joints, leg):
    """Every joint is mirrored about the thigh, not the ankle alone."""
    t = F.normalize(joints[:, leg[1]] - joints[:, leg[0]], dim=1)[:, None]
    v = joints - joints[:, leg[1], None]
    after = joints[:, leg[1], None] + 2 * (v * t).sum(2, keepdim=True) * t - v
    return tuple(_log_prob(bijection, base, _row(pose)) for pose in (joints, after))


def _thigh_turned(bijection, base, joints, leg):
    """The thigh about the shin: the knee stays, the hip moves."""
    return bent(bijection, base, joints, leg[::-1])


def _ladj_of_before(bijection, base, joints, leg):
    before, after = (_row(pose) for pose in _poses(joints, leg))
    z, ladj = bijection.encode(before)
    return base.log_prob(z) + ladj, base.log_prob(bijection.encode(after)[0]) + ladj


def _written_in_place(bijection, base, joints, leg):
    """The second pose is written over the first before either is asked about."""
    after = _poses(joints, leg)[1]
    return (_log_prob(bijection, base, _row(after)),) * 2


_ROWS = (
    (
        "folded",
        "mirrored in the plane across the thigh, s - 2 (s . t) t: that folds the shin up along the thigh",
        _moved(lambda h, k, a: 2 * k - _mirrored(h, k, a)),
    ),
    (
        "other_end",
        "the shin is turned round as a whole, a' = k - s: what it has along the thigh stays",
        _moved(lambda h, k, a: 2 * k - a),
    ),
    (
        "projected",
        "half of the way: k + (s . t) t lies on the thigh's line, and the bone is shorter; 2 (s . t) t - s",
        _moved(lambda h, k, a: (a + _mirrored(h, k, a)) / 2),
        _moved(lambda h, k, a: a - (a + _mirrored(h, k, a)) / 2 + k),
    ),
    (
        "straightened",
        "this makes the leg straight: the knee bends as far as before, to the other side",
        _moved(lambda h, k, a: k + (a - k).norm(dim=1, keepdim=True) * F.normalize(k - h, dim=1)),
    ),
    (
        "not_unit",
        "the thigh's direction is not of length 1, so that the shin changes its length: divide by |k - h|",
        _moved(lambda h, k, a: _mirrored(h, k, a, k - h)),
        _moved(lambda h, k, a: k + 2 * _dot(a - k, k - h) * F.normalize(k - h, dim=1) - (a - k)),
        _moved(lambda h, k, a: _mirrored(h, k, a, (k - h) / (k - h).square().sum(1, keepdim=True))),
    ),
    (
        "one_length",
        "the directions are normalised over the batch: each thigh has its own length, dim=1",
        _moved(lambda h, k, a: _mirrored(h, k, a, (k - h) / (k - h).norm())),
        _moved(lambda h, k, a: _mirrored(h, k, a, F.normalize(k - h, dim=0))),
        _moved(
            lambda h, k, a: k + 2 * ((a - k) * F.normalize(k - h, dim=1)).sum() * F.normalize(k - h, dim=1) - (a - k)
        ),
    ),
    (
        "no_two",
        "(s . t) t is counted once: what the shin has along the thigh would be lost; 2 (s . t) t - s",
        _moved(lambda h, k, a: k + _dot(a - k, F.normalize(k - h, dim=1)) * F.normalize(k - h, dim=1) - (a - k)),
    ),
    (
        "shin_added",
        "the shin is added: the new one is 2 (s . t) t - s, with a minus",
        _moved(lambda h, k, a: _mirrored(h, k, a) + 2 * (a - k)),
    ),
    (
        "entry_by_entry",
        "the numbers of s and t are multiplied and not summed: s . t is one number for each pose",
        _moved(lambda h, k, a: k + 2 * (a - k) * F.normalize(k - h, dim=1) * F.normalize(k - h, dim=1) - (a - k)),
    ),
    (
        "knee_forgotten",
        "the knee is not added: 2 (s . t) t - s is the new shin, and starts at the knee",
        _moved(lambda h, k, a: _mirrored(h, k, a) - k),
    ),
    (
        "not_the_shin",
        "the place of the ankle is mirrored, not the shin: s = a - k starts at the knee",
        _moved(lambda h, k, a: 2 * _dot(a, F.normalize(k - h, dim=1)) * F.normalize(k - h, dim=1) - a),
        _moved(lambda h, k, a: k + 2 * _dot(a, F.normalize(k - h, dim=1)) * F.normalize(k - h, dim=1) - a),
        _moved(lambda h, k, a: h + 2 * _dot(a - k, F.normalize(k - h, dim=1)) * F.normalize(k - h, dim=1) - (a - k)),
    ),
    (
        "about_the_shin",
        "mirrored about a direction other than the thigh's, from hip to knee",
        _moved(lambda h, k, a: _mirrored(h, k, a, F.normalize(a - h, dim=1))),
        _moved(lambda h, k, a: _mirrored(h, k, a, F.normalize(h, dim=1))),
        _moved(lambda h, k, a: _mirrored(h, k, a, F.normalize(k, dim=1))),
    ),
    (
        "about_an_axis",
        "an axis of the room is turned round: a knee bends about its own thigh, which points anywhere",
        *(
            _moved(lambda h, k, a, s=s: k + (a - k) * torch.tensor(s).to(a))
            for s in ([1.0, 1, -1], [-1.0, 1, 1], [-1.0, 1, -1])
        ),
        *(_moved(lambda h, k, a, s=s: a * torch.tensor(s).to(a)) for s in ([1.0, 1, -1], [-1.0, 1, 1])),
    ),
    ("hip_moved", "the hip moves instead of the ankle: the places in leg are hip, knee, ankle", _thigh_turned),
    (
        "leg_mixed",
        "the places of the leg are mixed up: hip, knee and ankle, counted in joints as it stands",
        _with_leg(lambda leg: (leg[0], leg[2], leg[1])),
        _with_leg(lambda leg: tuple(j - 1 for j in leg)),
        _in_the_row(True, lambda ankle: ankle),
        _leg_in_the_row,
    ),
    ("all_mirrored", "all joints are mirrored: only the ankle moves", _all_joints),
    (
        "not_bent",
        "both are the density of one pose: the second is that of the mirrored one",
        _moved(lambda h, k, a: a),
        _written_in_place,
    ),
    (
        "not_about_root",
        "the root is not taken off, or not from all: the flow sees x_j - x_0",
        _rows(lambda pose: pose[:, 1:].flatten(1)),
        _not_about_root_once,
        _in_the_row(False, lambda ankle: ankle - 1),
    ),
    (
        "other_origin",
        "taken off is the mean, or another joint: the flow sees the joints about the root, joint 0",
        _rows(lambda pose: (pose - pose.mean(1, keepdim=True))[:, 1:].flatten(1)),
        _rows(lambda pose: (pose[:, 1:] - pose[:, 1:2]).flatten(1)),
        _rows(lambda pose: (pose[:, 1:] - pose[:1, :1]).flatten(1)),
    ),
    (
        "root_kept",
        "the root is still in the row: the flow sees 3 (J - 1) numbers",
        _rows(lambda pose: (pose - pose[:, :1]).flatten(1)),
        _rows(lambda pose: pose.flatten(1)),
    ),
    (
        "last_left_out",
        "the last joint is left out, and the root is not",
        _rows(lambda pose: (pose - pose[:, :1])[:, :-1].flatten(1)),
    ),
    (
        "by_coordinate",
        "all x, then all y, then all z: the row holds one joint after the other",
        _rows(lambda pose: (pose[:, 1:] - pose[:, :1]).transpose(1, 2).flatten(1)),
    ),
    (
        "not_a_row",
        "the flow is given (N, J - 1, 3): flatten(1) makes a row of each pose",
        _rows(lambda pose: pose[:, 1:] - pose[:, :1]),
    ),
    (
        "other_unit",
        "another unit: the flow knows metres",
        *(_rows(lambda pose, k=k: k * _row(pose)) for k in (1000, 100, 0.001)),
    ),
    ("no_ladj", "the log-det is missing: log p(x) = log p_Z(z) + ladj", _combined(lambda p, ladj: p)),
    ("ladj_sign", "the sign of the log-det: encode's ladj is added", _combined(lambda p, ladj: p - ladj)),
    ("ladj_only", "the base density is missing", _combined(lambda p, ladj: ladj)),
    ("ladj_of_before", "the log-det of the first pose stands in both: each pose has its own", _ladj_of_before),
    (
        "at_x",
        "the base density is taken at x: it belongs to z",
        _density(lambda f, base, x: base.log_prob(x) + f.encode(x)[1]),
    ),
    (
        "base_only",
        "the bijection is not used: log p_Z(x) is no density of poses",
        _density(lambda f, base, x: base.log_prob(x)),
    ),
    (
        "decoded",
        "a pose is decoded: it is data, and encode leads to its latent",
        _density(lambda f, base, x: base.log_prob(f.decode(x)[0]) + f.decode(x)[1]),
    ),
    (
        "standard_normal",
        "the base is not a standard normal one: ask base.log_prob(z)",
        _density(lambda f, base, x: (-0.5 * f.encode(x)[0].square() - 0.9189385332046727).sum(1) + f.encode(x)[1]),
    ),
    ("densities", "these are densities: their logarithms are asked for", _of(lambda p, q: (p.exp(), q.exp()))),
    ("negated", "these are -log p: no minus sign", _of(lambda p, q: (-p, -q))),
    (
        "difference",
        "the difference alone, or in the place of one of the two: return (before, after)",
        _of(lambda p, q: p - q),
        _of(lambda p, q: q - p),
        _of(lambda p, q: (p, q - p)),
        _of(lambda p, q: (p, p - q)),
    ),
    ("pair_order", "the pair is the wrong way round: (before, after)", _of(lambda p, q: (q, p))),
    (
        "after_only",
        "one of the two is missing: return the pair (before, after)",
        _of(lambda p, q: q),
        _of(lambda p, q: p),
    ),
    (
        "averaged",
        "averaged or summed over the poses: one log-density for each pose",
        _of(lambda p, q: (p.mean(), q.mean())),
        _of(lambda p, q: (p.sum(), q.sum())),
        _combined(lambda p, ladj: p + ladj.mean()),
        _combined(lambda p, ladj: p + ladj.sum()),
    ),
    (
        "per_number",
        "divided by the numbers of a row: the log-density is asked for",
        lambda f, base, joints, leg: tuple(v / (3 * joints.shape[1] - 3) for v in bent(f, base, joints, leg)),
    ),
)

EXERCISE = Exercise(
    id="15.bent",
    title="A knee bent backwards",
    level="stretch",
    minutes=15,
    points=3,
    anchor="sec-15-prior",
    task=TASK,
    hints=HINTS,
    references=(bent,),
    returns=("before (N,)", "after (N,)"),
    cases=cases,
    mistakes=mistakes_of(_ROWS),
    independent=built_the_other_way,
)
