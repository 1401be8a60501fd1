"""09.matching: the loss that trains a velocity field without solving an equation."""

import math

import torch

from nf_course.grading.exercise import Case, Exercise, Finding, mistakes_of
from nf_course.grading.exercises.ch09_continuous_flows.shared import Field, draw_field

TASK = r"""
Flow matching draws a straight line from a point $x$ of the data, at $t = 0$, to a draw $z$ of the base, at $t = 1$, and
asks the field for the velocity of that line, at one random time $t$ on it:

$$\text{loss} = \bigl\lVert f(t, x_t) - (z - x) \bigr\rVert^2, \qquad x_t = (1 - t)\, x + t\, z$$

`x` and `z` have the same shape, `(N, D)` or that of images, `(N, C, H, W)`. `t` has shape `(N,)`: a time for each row.
`field(t, x)` takes `t` as it is, `(N,)`, and a batch of that shape, and returns velocities of the same shape. Return
the squared distance for each row, summed over all its numbers, shape `(N,)`. Times of exactly 0 and 1 occur, and images
whose channels come last in memory, which `view` cannot take apart: `reshape` and `flatten` can.
"""

HINTS = (
    "How fast does (1 - t) x + t z move as t grows? The derivative with respect to t is the target.",
    "t has one number for each row, and must meet rows of any shape: give it as many dimensions of size 1 as x has "
    "behind its first. The field gets t as it came.",
    "place = t.view(-1, *[1] * (x.ndim - 1)); x_t = (1 - place) * x + place * z; then (field(t, x_t) - (z - x)) "
    "squared, .flatten(1).sum(1).",
)


def matching_loss(field, x, z, t):
    place = t.view(-1, *[1] * (x.ndim - 1))
    x_t = (1 - place) * x + place * z
    return (field(t, x_t) - (z - x)).square().flatten(1).sum(1)


def cases(draw):
    """Rows and images; times at the ends; and channels last in memory."""
    made = []
    for size in ((5, 5), (3, 2, 3, 3), (1, 3), (2, 1, 2, 2)):
        x, z = 1.5 * draw.normal(*size), draw.normal(*size)
        field = draw_field(draw, x[0].numel(), amplitude=1.5, shape=size[1:])
        t = draw.uniform(0.1, 0.4, size[0]) + 0.5 * (draw.uniform(0, 1, size[0]) > 0.5)
        if size[0] > 2:  # several rows at the ends: one alone may hardly show that t was kept off them
            t[-3], t[-2] = 0.0, 1.0
        if x.ndim == 4:
            x, z = (image.contiguous(memory_format=torch.channels_last) for image in (x, z))
        made.append(Case((field, x, z, t)))
    return made


def constant_field(ask, draw):
    """Of a field that moves all points by the same c, every line to z = x + c + d has the loss |d|^2, at any time."""
    for size, speed in (((5, 3), 1.0), ((5, 2, 2, 3), 1.0), ((5, 3), 1e7)):
        x, t = draw.normal(*size), draw.uniform(0.0, 1.0, 5)
        numbers = x[0].numel()
        bias = draw.normal(numbers)
        zero = torch.zeros_like(bias)
        field = Field("field", torch.diag(zero), zero, bias, speed)
        step, off = speed * torch.tanh(bias).reshape(x.shape[1:]), draw.normal(*size)
        for z, want in ((x + step, torch.zeros_like(t)), (x + step + off, off.flatten(1).square().sum(1))):
            got = ask(field, x, z, t)
            if not torch.allclose(got, want, rtol=1e-5, atol=1e-5):
                expected = f"{want[0].item():.4f} for lines that {'differ from' if want.any() else 'are'} the field's"
                likely, mistake = (_CANCELLATION, "cancellation") if speed > 1 else ("", None)
                if speed > 1 and (got - want).abs().max() > speed:  # more than rounding can do
                    likely, mistake = _BOUNDED, "bounded"
                return Finding("property", expected, f"{got[0].item():.4g}", likely=likely, mistake=mistake)
    return far_apart(ask, draw) or at_the_ends(ask, draw)


def far_apart(ask, draw):
    """Lines of great length under a field of ordinary size: the squared length is their loss, to one part in 10^4."""
    for distance in (30.0, 1e3, 1e6):
        x, z, t = draw.normal(3, 4), distance * draw.normal(3, 4), draw.uniform(0.0, 1.0, 3)
        field = draw_field(draw, 4, amplitude=1e-5 * distance)
        got, want = ask(field, x, z, t), (z - x).square().sum(1)
        if not torch.allclose(got, want, rtol=1e-3, atol=0.0):
            expected = f"{want[0].item():.6g} for points that are {(z - x)[0].norm().item():.0f} apart"
            return Finding("property", expected, f"{got[0].item():.6g}", likely=_BOUNDED, mistake="bounded")
    return None


def at_the_ends(ask, draw):
    """A field that is 0 at one end of one line, and far from 0 a millionth beside it, in time or place."""
    x, z, steep = draw.normal(1, 3), draw.normal(1, 3), 1e6
    for t, end in ((0.0, x), (1.0, z)):
        weight, pace = steep * torch.eye(3).to(x), torch.full_like(x[0], steep)
        field = Field("field", weight, pace, -steep * (end[0] + t), 5.0)
        got, want = ask(field, x, z, torch.full_like(x[:, 0], t)).item(), (z - x).square().sum().item()
        if abs(got - want) > 1e-5 * (1 + want):
            expected = f"{want:.4f} for a field that is 0 at t = {t:.0f} on the line"
            return Finding("property", expected, f"{got:.4f}", likely=_CLAMPED, mistake="clamped")
    return None


def _rows(t, x):
    return t.reshape(-1, *[1] * (x.ndim - 1))


def _line(t, x, z):
    return (1 - _rows(t, x)) * x + _rows(t, x) * z


def _sum(value):
    return value.square().flatten(1).sum(1)


def _with(reduce):
    """The right difference of velocities, put together by `reduce`."""
    return lambda field, x, z, t: reduce(field(t, _line(t, x, z)) - (z - x))


def _target(target):
    """Another target, `target(x, z, x_t, t)`."""

    def answer(field, x, z, t):
        x_t = _line(t, x, z)
        return _sum(field(t, x_t) - target(x, z, x_t, _rows(t, x)))

    return answer


def _at(place):
    """The field at another time and place, `place(x, z, t)`; the target is right."""
    return lambda field, x, z, t: _sum(field(*place(x, z, t)) - (z - x))


def _time(shape):
    """t in other shapes, `shape(t, x)`: for the line alone, or for the field as well."""

    def answer(field, x, z, t, field_too=False):
        place = shape(t, x)
        return _sum(field(place if field_too else t, (1 - place) * x + place * z) - (z - x))

    return answer


def _time_too(shape):
    return lambda field, x, z, t: _time(shape)(field, x, z, t, field_too=True)


def _quarter_circle(velocity):
    """x_t = cos x + sin z, of the angle t pi / 2."""

    def answer(field, x, z, t):
        angle = _rows(t, x) * math.pi / 2
        x_t = angle.cos() * x + angle.sin() * z
        return _sum(field(t, x_t) - velocity(x, z, angle))

    return answer


def _huber(delta, factor):
    """Squares up to delta and straight beyond."""

    def reduce(v):
        loss = torch.where(v.abs() <= delta, v.square() / 2, delta * (v.abs() - delta / 2))
        return factor * loss.flatten(1).sum(1)

    return _with(reduce)


def _other_time(change):
    """Another time, `change(t)`, for field and line."""
    return lambda field, x, z, t: matching_loss(field, x, z, change(t))


def _dropped(keep):
    """The right loss, set to 0 where `keep(t)` is False."""
    return lambda field, x, z, t: matching_loss(field, x, z, t) * keep(t)


def _smallest_noise(sigma):
    """The line of most papers that keep a smallest noise: here a rest of x at t = 1."""
    return lambda field, x, z, t: _sum(field(t, _line(t, x, z) + sigma * _rows(t, x) * x) - (z - (1 - sigma) * x))


def _with_target(combine):
    """`combine(velocity, target)` of the right two, each (N, numbers)."""
    return lambda field, x, z, t: combine(field(t, _line(t, x, z)).flatten(1), (z - x).flatten(1))


_CANCELLATION = "small differences of large velocities are lost in |v|^2 + |u|^2 - 2 v u: subtract first, then square"
_CLAMPED = "t is kept off its ends, or a little of x left in x_t at t = 1: both go into the field and line as they are"
_BOUNDED = "large differences count less, by a clamp or as in a Huber loss: every one is squared, whatever its size"
_ROWS = (
    (
        "broadcast",
        "t meets the wrong dimension: reshape it to (N, 1) or (N, 1, 1, 1), t.view(-1, *[1] * (x.ndim - 1))",
        _time(lambda t, x: t),
        _time(lambda t, x: t[:, None]),
        _time(lambda t, x: t[:, None, None, None]),
        _time(lambda t, x: t.view(-1, 1, 1, 1)),
    ),
    (
        "field_time",
        "the field takes t as it came, (N,); only in the line is it reshaped",
        _time_too(_rows),
        _time_too(lambda t, x: t[:, None]),
    ),
    (
        "ends",
        "a division by t or 1 - t, which is 0 / 0 at one end of the line: the velocity is z - x, without a division",
        _target(lambda x, z, x_t, t: (z - x_t) / (1 - t)),
        _target(lambda x, z, x_t, t: (x_t - x) / t),
        _target(lambda x, z, x_t, t: ((z - x_t) / (1 - t)).nan_to_num()),
        _target(lambda x, z, x_t, t: ((x_t - x) / t).nan_to_num()),
        *(_target(lambda x, z, x_t, t, e=e: (z - x_t) / (1 - t + e)) for e in (1e-3, 1e-4, 1e-5, 1e-6)),
        *(_target(lambda x, z, x_t, t, e=e: (x_t - x) / (t + e)) for e in (1e-3, 1e-4, 1e-5, 1e-6)),
    ),
    (
        "ends_dropped",
        "the ends of the line do not count: times of exactly 0 and 1 have a loss like all others",
        _dropped(lambda t: (t > 0) & (t < 1)),
        _dropped(lambda t: t > 0),
        _dropped(lambda t: t < 1),
    ),
    (
        "view",
        "view cannot take apart images whose channels come last in memory: use .flatten(1) or .reshape(len(x), -1)",
        _with(lambda v: v.square().view(len(v), -1).sum(1)),
    ),
    (
        "flat_rows",
        "the field is given flat rows: it takes x_t in the shape of x, as a network for images must",
        lambda field, x, z, t: _sum(field(t, _line(t, x, z).flatten(1)) - (z - x).flatten(1)),
    ),
    (
        "target_sign",
        "the sign of the target: the line runs from x to z, so its velocity is z - x",
        _target(lambda x, z, x_t, t: x - z),
    ),
    (
        "times_exchanged",
        "the ends are exchanged: t = 0 is at x, so x_t = (1 - t) x + t z",
        _at(lambda x, z, t: (t, _line(t, z, x))),
    ),
    (
        "noise_first",
        "noise at t = 0 and data at t = 1, as most papers have it: here the data are at t = 0 and the target is z - x",
        lambda field, x, z, t: _sum(field(t, _line(t, z, x)) - (x - z)),
        lambda field, x, z, t: _sum(field(1 - t, _line(t, x, z)) - (x - z)),
    ),
    (
        "quarter_circle",
        "x_t lies on a quarter circle, cos and sin: the line of the task is (1 - t) x + t z",
        _quarter_circle(lambda x, z, angle: z - x),
        _quarter_circle(lambda x, z, angle: math.pi / 2 * (angle.cos() * z - angle.sin() * x)),
    ),
    ("target_z", "the target is z: asked for is the velocity z - x", _target(lambda x, z, x_t, t: z)),
    ("target_x", "the target is x: asked for is the velocity z - x", _target(lambda x, z, x_t, t: x)),
    ("target_x_t", "the target is the point x_t: asked for is the velocity z - x", _target(lambda x, z, x_t, t: x_t)),
    (
        "target_from_x_t",
        "the target is what is left of the line, z - x_t: its velocity is z - x all the way",
        _target(lambda x, z, x_t, t: z - x_t),
    ),
    (
        "target_sum",
        "the target is z + x: the derivative of (1 - t) x + t z is z - x",
        _target(lambda x, z, x_t, t: z + x),
    ),
    ("no_target", "the target is missing: this is the squared speed", _target(lambda x, z, x_t, t: 0.0)),
    (
        "times_t",
        "the velocity z - x is multiplied by t: it is the same at all times",
        _target(lambda x, z, x_t, t: t * (z - x)),
    ),
    ("at_x", "the field is asked at x: it belongs at x_t, on the line", _at(lambda x, z, t: (t, x))),
    ("at_z", "the field is asked at z: it belongs at x_t, on the line", _at(lambda x, z, t: (t, z))),
    ("at_middle", "x_t is the middle for every t: (1 - t) x + t z", _at(lambda x, z, t: (t, (x + z) / 2))),
    (
        "unscaled",
        "the line starts at x: x is to be multiplied by 1 - t",
        _at(lambda x, z, t: (t, x + _rows(t, x) * z)),
    ),
    (
        "time_missing",
        "the time is not passed to the field: field(t, x_t)",
        _at(lambda x, z, t: (0.0, _line(t, x, z))),
        _at(lambda x, z, t: (1.0, _line(t, x, z))),
    ),
    (
        "time_reversed",
        "the field is asked at 1 - t: the time that belongs to x_t is t",
        _at(lambda x, z, t: (1 - t, _line(t, x, z))),
    ),
    (
        "one_time",
        "one time for the whole batch: each row has its own",
        _at(lambda x, z, t: (t[0], (1 - t[0]) * x + t[0] * z)),
        _at(lambda x, z, t: (t.mean(), (1 - t.mean()) * x + t.mean() * z)),
        _at(lambda x, z, t: (t.mean(), _line(t, x, z))),
    ),
    (
        "arguments",
        "the arguments of the field are exchanged: time first, field(t, x_t)",
        lambda field, x, z, t: field(_line(t, x, z), t),
    ),
    (
        "mean",
        "a mean over the numbers of a row: the squared distance is their sum",
        _with(lambda v: v.square().flatten(1).mean(1)),
        _with(lambda v: v.square().flatten(2).sum(2).mean(1) if v.ndim > 2 else v.square().sum(1)),
        _with(lambda v: v.square().flatten(1).mean(1) if v.ndim > 2 else v.square().sum(1)),
    ),
    ("whole_batch", "summed over the batch as well: one loss for each row", _with(lambda v: v.square().sum())),
    (
        "batch_mean",
        "averaged over the batch: one loss for each row",
        _with(lambda v: _sum(v).mean()),
        _with(lambda v: v.square().mean()),
    ),
    (
        "dim_1_only",
        "summed over one dimension only: of an image all of C, H and W belong to the row, .flatten(1).sum(1)",
        _with(lambda v: v.square().sum(1)),
        _with(lambda v: v.square().sum(-1)),
    ),
    ("per_feature", "not summed: one loss for each row, .flatten(1).sum(1)", _with(lambda v: v.square())),
    ("not_squared", "not squared: differences of either sign cancel", _with(lambda v: v.flatten(1).sum(1))),
    ("abs", "absolute values: the distance is squared", _with(lambda v: v.abs().flatten(1).sum(1))),
    ("root", "the distance itself: it is to be squared", _with(lambda v: v.flatten(1).norm(dim=1))),
    (
        "sum_squared",
        "summed before it was squared: square each number, then sum",
        _with(lambda v: v.flatten(1).sum(1).square()),
    ),
    (
        "norms_subtracted",
        "the lengths are subtracted: the distance is the length of the difference",
        _with_target(lambda v, u: (v.norm(dim=1) - u.norm(dim=1)).square()),
        _with_target(lambda v, u: v.square().sum(1) - u.square().sum(1)),
    ),
    ("half", "a factor one half: the squared distance is without it", _with(lambda v: 0.5 * _sum(v))),
    (
        "bounded",  # with larger bounds than these it is found by the independent test
        _BOUNDED,
        *(_huber(delta, factor) for delta in (0.5, 1.0, 2.0) for factor in (1, 2, 1 / delta)),
        *(_with(lambda v, most=most: _sum(v.clamp(-most, most))) for most in (1, 2)),
        *(_with(lambda v, most=most: _sum(v).clamp(max=most)) for most in (1, 10)),
        _with(lambda v: 2 * ((v.square() + 1).sqrt() - 1).flatten(1).sum(1)),
        _with(lambda v: _sum(v).log1p()),
    ),
    (
        "clamped",
        _CLAMPED,
        *(_other_time(lambda t, e=e: t.clamp(e, 1 - e)) for e in (0.05, 0.01, 1e-3)),
        *(_other_time(lambda t, e=e: t.clamp(min=e)) for e in (0.05, 0.01)),
        *(_other_time(lambda t, e=e: t.clamp(max=1 - e)) for e in (0.05, 0.01)),
        *(_other_time(lambda t, e=e: e + (1 - 2 * e) * t) for e in (0.05, 0.01, 1e-3)),
        *(_smallest_noise(sigma) for sigma in (1e-3, 1e-4)),
    ),
    ("cancellation", _CANCELLATION, None),  # right on the cases: the independent test finds it
)

EXERCISE = Exercise(
    id="09.matching",
    title="The loss of flow matching",
    level="stretch",
    minutes=15,
    points=3,
    anchor="sec-09-matching",
    task=TASK,
    hints=HINTS,
    references=(matching_loss,),
    returns=("loss (N,)",),
    cases=cases,
    mistakes=mistakes_of(_ROWS),
    independent=constant_field,
    gradient=("field",),
)
