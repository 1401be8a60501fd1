"""09.matching: the loss that trains a velocity field without solving an equation."""

import torch

from nf_course.grading.exercise import Case, Exercise, Finding, Mistake
from nf_course.grading.exercises.ch09_continuous_flows.shared import Field, draw_field

TASK = r"""
Flow matching draws a straight line from a point $x$ of the data, at $t = 0$, to a draw $z$ of the base, at $t = 1$, and
asks the field for the velocity of that line, at one random time $t$ on it:

$$\text{loss} = \bigl\lVert f(t, x_t) - (z - x) \bigr\rVert^2, \qquad x_t = (1 - t)\, x + t\, z$$

`x` and `z` have the same shape, `(N, D)` or that of images, `(N, C, H, W)`. `t` has shape `(N,)`: a time for each row.
`field(t, x)` takes `t` as it is, `(N,)`, and a batch of that shape, and returns velocities of the same shape. Return
the squared distance for each row, summed over all its numbers, shape `(N,)`.
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
    made = []
    for size in ((4, 4), (3, 2, 3, 3), (1, 3), (2, 1, 2, 2)):
        x, z = 1.5 * draw.normal(*size), draw.normal(*size)
        field = draw_field(draw, x[0].numel(), amplitude=1.5)
        made.append(Case((field, x, z, draw.uniform(0.1, 0.4, size[0]) + 0.5 * (draw.uniform(0, 1, size[0]) > 0.5))))
    return made


def constant_field(ask, draw):
    """Of a field that moves all points by the same c, every line to z = x + c + d has the loss |d|^2, at any time."""
    for size in ((5, 3), (5, 2, 2, 3)):
        x, t = draw.normal(*size), draw.uniform(0.0, 1.0, 5)
        numbers = x[0].numel()
        bias = draw.normal(numbers)
        zero = torch.zeros_like(bias)
        field = Field("field", torch.diag(zero), zero, bias)
        step, off = torch.tanh(bias).reshape(x.shape[1:]), draw.normal(*size)
        for z, want in ((x + step, torch.zeros_like(t)), (x + step + off, off.flatten(1).square().sum(1))):
            got = ask(field, x, z, t)
            if not torch.allclose(got, want, rtol=1e-5, atol=1e-5):
                expected = f"{want[0].item():.4f} for lines that {'differ from' if want.any() else 'are'} the field's"
                return Finding("property", expected, f"{got[0].item():.4f}")
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


def _noise_first(field, x, z, t):
    return _sum(field(t, _line(t, z, x)) - (x - z))


def _features(field, x, z, t):
    return _sum(field(t, (1 - t) * x + t * z) - (z - x))


def _column(field, x, z, t):
    return _sum(field(t, (1 - t[:, None]) * x + t[:, None] * z) - (z - x))


def _image(field, x, z, t):
    t_ = t[:, None, None, None]
    return _sum(field(t, (1 - t_) * x + t_ * z) - (z - x))


def _view_image(field, x, z, t):
    t_ = t.view(-1, 1, 1, 1)
    return _sum(field(t, (1 - t_) * x + t_ * z) - (z - x))


def _reshaped_time(field, x, z, t):
    t = _rows(t, x)
    return _sum(field(t, (1 - t) * x + t * z) - (z - x))


def _column_time(field, x, z, t):
    t = t[:, None]
    return _sum(field(t, (1 - t) * x + t * z) - (z - x))


_BROADCAST = "t meets the wrong dimension: reshape it to (N, 1) or (N, 1, 1, 1), t.view(-1, *[1] * (x.ndim - 1))"
_FIELD_TIME = "the field takes t as it came, (N,); only in the line is it reshaped"

MISTAKES = (
    Mistake("broadcast", _BROADCAST, _features),
    Mistake("broadcast", _BROADCAST, _column),
    Mistake("broadcast", _BROADCAST, _image),
    Mistake("broadcast", _BROADCAST, _view_image),
    Mistake("field_time", _FIELD_TIME, _reshaped_time),
    Mistake("field_time", _FIELD_TIME, _column_time),
    Mistake(
        "target_sign",
        "the sign of the target: the line runs from x to z, so its velocity is z - x",
        _target(lambda x, z, x_t, t: x - z),
    ),
    Mistake(
        "times_exchanged",
        "the ends are exchanged: t = 0 is at x, so x_t = (1 - t) x + t z",
        _at(lambda x, z, t: (t, _line(t, z, x))),
    ),
    Mistake(
        "noise_first",
        "noise at t = 0 and data at t = 1, as most papers have it: here the data are at t = 0 and the target is z - x",
        _noise_first,
    ),
    Mistake(
        "noise_first",
        "noise at t = 0 and data at t = 1, as most papers have it: here the data are at t = 0 and the target is z - x",
        lambda field, x, z, t: _sum(field(1 - t, _line(t, x, z)) - (x - z)),
    ),
    Mistake("target_z", "the target is z: asked for is the velocity z - x", _target(lambda x, z, x_t, t: z)),
    Mistake("target_x", "the target is x: asked for is the velocity z - x", _target(lambda x, z, x_t, t: x)),
    Mistake(
        "target_x_t", "the target is the point x_t: asked for is the velocity z - x", _target(lambda x, z, x_t, t: x_t)
    ),
    Mistake(
        "target_from_x_t",
        "the target is what is left of the line, z - x_t: its velocity is z - x all the way",
        _target(lambda x, z, x_t, t: z - x_t),
    ),
    Mistake(
        "target_sum",
        "the target is z + x: the derivative of (1 - t) x + t z is z - x",
        _target(lambda x, z, x_t, t: z + x),
    ),
    Mistake("no_target", "the target is missing: this is the squared speed", _target(lambda x, z, x_t, t: 0.0)),
    Mistake(
        "times_t",
        "the velocity z - x is multiplied by t: it is the same at all times",
        _target(lambda x, z, x_t, t: t * (z - x)),
    ),
    Mistake("at_x", "the field is asked at x: it belongs at x_t, on the line", _at(lambda x, z, t: (t, x))),
    Mistake("at_z", "the field is asked at z: it belongs at x_t, on the line", _at(lambda x, z, t: (t, z))),
    Mistake("at_middle", "x_t is the middle for every t: (1 - t) x + t z", _at(lambda x, z, t: (t, (x + z) / 2))),
    Mistake(
        "unscaled",
        "the line starts at x: x is to be multiplied by 1 - t",
        _at(lambda x, z, t: (t, x + _rows(t, x) * z)),
    ),
    Mistake(
        "time_missing", "the time is not passed to the field: field(t, x_t)", _at(lambda x, z, t: (0.0, _line(t, x, z)))
    ),
    Mistake(
        "time_missing", "the time is not passed to the field: field(t, x_t)", _at(lambda x, z, t: (1.0, _line(t, x, z)))
    ),
    Mistake(
        "time_reversed",
        "the field is asked at 1 - t: the time that belongs to x_t is t",
        _at(lambda x, z, t: (1 - t, _line(t, x, z))),
    ),
    Mistake(
        "one_time",
        "one time for the whole batch: each row has its own",
        _at(lambda x, z, t: (t[0], (1 - t[0]) * x + t[0] * z)),
    ),
    Mistake(
        "one_time",
        "one time for the whole batch: each row has its own",
        _at(lambda x, z, t: (t.mean(), (1 - t.mean()) * x + t.mean() * z)),
    ),
    Mistake(
        "arguments",
        "the arguments of the field are exchanged: time first, field(t, x_t)",
        lambda field, x, z, t: field(_line(t, x, z), t),
    ),
    Mistake(
        "mean",
        "a mean over the numbers of a row: the squared distance is their sum",
        _with(lambda v: v.square().flatten(1).mean(1)),
    ),
    Mistake("whole_batch", "summed over the batch as well: one loss for each row", _with(lambda v: v.square().sum())),
    Mistake("batch_mean", "averaged over the batch: one loss for each row", _with(lambda v: _sum(v).mean())),
    Mistake("batch_mean", "averaged over the batch: one loss for each row", _with(lambda v: v.square().mean())),
    Mistake(
        "dim_1_only",
        "summed over one dimension only: of an image all of C, H and W belong to the row, .flatten(1).sum(1)",
        _with(lambda v: v.square().sum(1)),
    ),
    Mistake(
        "dim_1_only",
        "summed over one dimension only: of an image all of C, H and W belong to the row, .flatten(1).sum(1)",
        _with(lambda v: v.square().sum(-1)),
    ),
    Mistake("per_feature", "not summed: one loss for each row, .flatten(1).sum(1)", _with(lambda v: v.square())),
    Mistake("not_squared", "not squared: differences of either sign cancel", _with(lambda v: v.flatten(1).sum(1))),
    Mistake("abs", "absolute values: the distance is squared", _with(lambda v: v.abs().flatten(1).sum(1))),
    Mistake("root", "the distance itself: it is to be squared", _with(lambda v: v.flatten(1).norm(dim=1))),
    Mistake(
        "sum_squared",
        "summed before it was squared: square each number, then sum",
        _with(lambda v: v.flatten(1).sum(1).square()),
    ),
    Mistake("half", "a factor one half: the squared distance is without it", _with(lambda v: 0.5 * _sum(v))),
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
    mistakes=MISTAKES,
    independent=constant_field,
    gradient=("field",),
)
