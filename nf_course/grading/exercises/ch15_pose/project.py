"""15.project: what a camera's picture holds of a pose, and what it does not."""

import torch

from nf_course.grading.exercise import Case, Exercise, Finding, mistakes_of
from nf_course.grading.exercises.ch15_pose.shared import anywhere, cameras, real_poses

TASK = r"""
A camera far away sees where the joints of a body are to the right and above, and not how near they are. Let $x_j$ be
the joints in the world, $x_0$ the root, and $R$ the rotation of the camera, whose rows are its right, its up and the
direction towards it. About the root, joint $j$ is at

$$(u_j,\ v_j,\ d_j) = R\,(x_j - x_0)$$

The *flat pose* is $(u_1, v_1, u_2, v_2, \dots)$, one joint after the other, and $(d_1, d_2, \dots)$ are the *depths*;
the root, which is 0 in both, is left out. There is no perspective.

`joints` has shape `(N, J, 3)`, in metres, the root first, at any place. `view` has shape `(N, 3, 3)`, a rotation for
each pose. Return the pair `(flat, depths)`, of shapes `(N, 2 * (J - 1))` and `(N, J - 1)`, in metres.
"""

HINTS = (
    "Two things happen, in either order: the root moves to 0, and the camera turns the world. What becomes of it?",
    "joints[:, 1:] - joints[:, :1] holds a joint in each row, and R x of rows is rows @ R.T. Which dimensions of view "
    "does .transpose exchange for that?",
    "turned = (joints[:, 1:] - joints[:, :1]) @ view.transpose(1, 2); then turned[..., :2].flatten(1) and "
    "turned[..., 2].",
)


def project(joints, view):
    about_root = joints[:, 1:] - joints[:, :1]
    turned = about_root @ view.transpose(1, 2)
    return turned[..., :2].flatten(1), turned[..., 2]


def cases(draw):
    """Real bodies; three poses of four joints, where every wrong product fits as well; one pose; a single bone."""
    made = [Case((anywhere(draw, real_poses(draw, 5)), cameras(draw, 5)))]
    for n, j in ((3, 4), (1, 7), (4, 2), (2, 5)):
        made.append(Case((anywhere(draw, draw.normal(n, j, 3)), cameras(draw, n))))
    return made


def distances(ask, draw):
    """By lengths, which no camera changes; and by a camera at the side, whose right, up and depth are -z, y and x."""
    joints = anywhere(draw, real_poses(draw, 4))
    flat, depths = ask(joints, cameras(draw, 4))
    want = (joints[:, 1:] - joints[:, :1]).norm(dim=2)
    got = (flat.unflatten(1, (-1, 2)).square().sum(2) + depths.square()).sqrt()
    if not torch.allclose(got, want, rtol=1e-6, atol=1e-6):
        return Finding("property", "u^2 + v^2 + d^2 as the square of the distance to the root", "another one")
    side = torch.tensor([[0.0, 0, -1], [0, 1, 0], [1, 0, 0]]).to(joints).repeat(4, 1, 1)
    flat, depths = ask(joints, side)
    x, y, z = (joints - joints[:, :1]).unbind(2)
    for what, got, want in (("u = -z", flat[:, ::2], -z), ("v = y", flat[:, 1::2], y), ("d = x", depths, x)):
        if not torch.allclose(got, want[:, 1:], rtol=1e-6, atol=1e-6):
            return Finding("property", f"{what}, for a camera that stands at the side, at +x", "another one")
    return None


def _turned(joints, view):
    return (joints[:, 1:] - joints[:, :1]) @ view.transpose(1, 2)


def _pair(turned):
    return turned[..., :2].flatten(1), turned[..., 2]


def _from(points):
    """The pair of other points, `points(joints, view)`, (N, J - 1, 3)."""
    return lambda joints, view: _pair(points(joints, view))


def _of(formula):
    """`formula(u, v, d)`: the two numbers of the flat pose and the depth, each (N, J - 1)."""

    def answer(joints, view):
        a, b, depth = formula(*_turned(joints, view).unbind(2))
        return torch.stack((a, b), 2).flatten(1), depth

    return answer


def _about(root):
    """Taken from another point than the root, `root(joints)`."""
    return _from(lambda joints, view: (joints[:, 1:] - root(joints)) @ view.transpose(1, 2))


def _with(view):
    """Another rotation, `view(R)`."""
    return _from(lambda joints, R: (joints[:, 1:] - joints[:, :1]) @ view(R).transpose(1, 2))


def _not_about_root(joints, view):
    return joints[:, 1:] @ view.transpose(1, 2)


def _flat(joints, view):
    return _pair(_turned(joints, view))[0]


def _depths(joints, view):
    return _turned(joints, view)[..., 2]


def _reshaped(joints, view):
    """The right numbers of R x as columns, read as if a joint were a row."""
    return (view @ (joints[:, 1:] - joints[:, :1]).transpose(1, 2)).reshape(len(joints), -1, 3)


_ROWS = (
    ("not_about_root", "the root is not taken off: x_j - x_0 is turned", _from(_not_about_root)),
    (
        "half_about_root",
        "the root is taken off one of the two: flat pose and depths are both about the root",
        lambda joints, view: (_pair(_not_about_root(joints, view))[0], _depths(joints, view)),
        lambda joints, view: (_flat(joints, view), _not_about_root(joints, view)[..., 2]),
    ),
    (
        "root_after",
        "the root is taken off after the turn, and was not turned itself: R x_j - x_0 is no place about the root",
        _from(lambda joints, view: _not_about_root(joints, view) - joints[:, :1]),
    ),
    (
        "mean_taken_off",
        "the mean of the joints is taken off, or another joint: the root is joint 0",
        _about(lambda joints: joints.mean(1, keepdim=True)),
        _about(lambda joints: joints[:, 1:].mean(1, keepdim=True)),
        _about(lambda joints: joints[:, 1:2]),
        _about(lambda joints: joints[:, -1:]),
    ),
    (
        "first_root",
        "one root for the whole batch: each pose has its own",
        _about(lambda joints: joints[:1, :1]),
        _about(lambda joints: joints[:, :1].mean(0, keepdim=True)),
    ),
    (
        "joint_before",
        "each joint is taken from the one before it in the list: all are taken from the root",
        _from(lambda joints, view: (joints[:, 1:] - joints[:, :-1]) @ view.transpose(1, 2)),
    ),
    (
        "transposed",
        "this turns by R^T, the rotation back: for joints in rows it is about_root @ view.transpose(1, 2)",
        _with(lambda R: R.transpose(1, 2)),
    ),
    (
        "product_of_rows",
        "view @ x takes vectors as columns, and here a joint is a row: transpose one of the two",
        _from(lambda joints, view: view @ (joints[:, 1:] - joints[:, :1])),
    ),
    ("read_by_rows", "a product of columns was reshaped into rows: transpose it back, (N, J - 1, 3)", _from(_reshaped)),
    (
        "not_turned",
        "the camera is not used: x and y of the world are u and v only for a camera in front",
        _from(lambda joints, view: joints[:, 1:] - joints[:, :1]),
    ),
    (
        "first_camera",
        "one camera for all poses: each has its own",
        _with(lambda R: R[:1].expand_as(R)),
        _with(lambda R: R.mean(0, keepdim=True).expand_as(R)),
    ),
    (
        "grouped",
        "all u and then all v: the flat pose holds u and v of one joint after the other",
        lambda joints, view: (
            torch.cat((_turned(joints, view)[..., 0], _turned(joints, view)[..., 1]), 1),
            _depths(joints, view),
        ),
    ),
    ("exchanged", "u and v are exchanged: u, to the right, comes first", _of(lambda u, v, d: (v, u, d))),
    (
        "other_row",
        "another row of R gives the depth: u, v and d belong to its rows 0, 1 and 2",
        _of(lambda u, v, d: (u, d, v)),
        _of(lambda u, v, d: (v, d, u)),
        _of(lambda u, v, d: (d, v, u)),
    ),
    (
        "depth_sign",
        "the sign of the depth: it grows towards the camera, the third row of R",
        _of(lambda u, v, d: (u, v, -d)),
    ),
    (
        "picture_axes",
        "an axis points the other way: u grows to the right and v upwards, as the rows of R do",
        _of(lambda u, v, d: (u, -v, d)),
        _of(lambda u, v, d: (-u, v, d)),
        _of(lambda u, v, d: (-u, -v, d)),
    ),
    (
        "perspective",
        "divided by a depth: there is no perspective, u and v are taken as they are",
        _of(lambda u, v, d: (u / d, v / d, d)),
        _of(lambda u, v, d: (u / (1 - d), v / (1 - d), d)),
        _of(lambda u, v, d: (u / (1 + d), v / (1 + d), d)),
    ),
    (
        "distance",
        "this is the distance to the root, or a depth without its sign: d is the third number of R (x_j - x_0)",
        _of(lambda u, v, d: (u, v, (u * u + v * v + d * d).sqrt())),
        _of(lambda u, v, d: (u, v, d.abs())),
    ),
    (
        "from_the_nearest",
        "the depths are counted from their mean, or from the nearest or farthest joint: they are about the root",
        _of(lambda u, v, d: (u, v, d - d.mean(1, keepdim=True))),
        _of(lambda u, v, d: (u, v, d - d.amin(1, keepdim=True))),
        _of(lambda u, v, d: (u, v, d - d.amax(1, keepdim=True))),
    ),
    (
        "other_unit",
        "another unit: metres come in, and metres are asked for",
        *(_of(lambda u, v, d, k=k: (k * u, k * v, k * d)) for k in (1000, 100, 0.001)),
        _of(lambda u, v, d: (u, v, 1000 * d)),
    ),
    (
        "rescaled",
        "the pose is brought to another size: metres are asked for",
        _from(lambda joints, view: _turned(joints, view) / _turned(joints, view).norm(dim=2, keepdim=True)),
        _from(lambda joints, view: _turned(joints, view) / _turned(joints, view).abs().amax((1, 2), keepdim=True)),
    ),
    (
        "root_kept",
        "the root is still there: it is 0 in both, and left out",
        _from(lambda joints, view: (joints - joints[:, :1]) @ view.transpose(1, 2)),
    ),
    (
        "last_left_out",
        "the last joint is left out, and the root is not",
        _from(lambda joints, view: (joints - joints[:, :1])[:, :-1] @ view.transpose(1, 2)),
    ),
    ("pair_order", "the pair is the wrong way round: (flat, depths)", lambda *a: project(*a)[::-1]),
    (
        "not_flattened",
        "one row of numbers for each pose: flatten(1) puts the joints one after the other",
        lambda joints, view: (_turned(joints, view)[..., :2], _depths(joints, view)),
    ),
    (
        "depths_kept_apart",
        "the depths have a dimension too many: turned[..., 2] drops it, turned[..., 2:] keeps it",
        lambda joints, view: (_flat(joints, view), _turned(joints, view)[..., 2:]),
        lambda joints, view: (_turned(joints, view)[..., :2], _turned(joints, view)[..., 2:]),
    ),
    ("not_taken_apart", "u, v and d together: return them as a pair, (flat, depths)", _turned),
    ("flat_only", "the flat pose alone: return the pair (flat, depths)", _flat),
)

EXERCISE = Exercise(
    id="15.project",
    title="What the picture keeps",
    level="warm-up",
    minutes=5,
    points=2,
    anchor="sec-15-camera",
    task=TASK,
    hints=HINTS,
    references=(project,),
    returns=("flat (N, 2 (J - 1))", "depths (N, J - 1)"),
    cases=cases,
    mistakes=mistakes_of(_ROWS),
    independent=distances,
    gradient=("joints",),
)
