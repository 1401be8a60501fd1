"""09.direction: the log-density of data, by an equation that is solved from the data to the base."""

import math

import torch

from nf_course.grading.exercise import Case, Exercise, Finding, mistakes_of
from nf_course.grading.exercises.ch09_continuous_flows.shared import by_rk4, by_two_stages, draw_field, log_normal

TASK = r"""
Time runs from $t = 0$, where the data are, to $t = 1$, where the base $\N(0, I)$ is. A point $x_0 = x$ of the data
drifts with the velocity $f(t, x)$, and $\ell$ adds up the divergence that it meets:

$$\begin{gathered}
\frac{dx}{dt} = f(t, x), \qquad \frac{d\ell}{dt} = \operatorname{tr} \frac{\partial f}{\partial x}(t, x), \\
\log p(x) = \log \N\bigl(x(1);\, 0, I\bigr) + \ell(1)
\end{gathered}$$

Solve both together by Euler's method with `steps` equal steps, that is $dt = 1 / \mathtt{steps}$ and $t_k = k\, dt$:

$$\begin{aligned}
x_{k+1} &= x_k + dt\, f(t_k, x_k), \\
\ell_{k+1} &= \ell_k + dt \operatorname{tr} \frac{\partial f}{\partial x}(t_k, x_k), \qquad \ell_0 = 0
\end{aligned}$$

`x` has shape `(N, D)`. `field(t, x)` takes a number and a batch and returns the velocities, `(N, D)`;
`field.divergence(t, x)` returns the trace for each row, `(N,)`. Return $\log p(x)$ with all its constants, shape
`(N,)`.
"""

HINTS = (
    "Which end is x at, and at which end is the density known? That is the direction in which time runs.",
    "In each step take velocity and divergence at the same time and place, before x is moved. dt belongs to both.",
    "for k in range(steps): t = k / steps; ladj = ladj + field.divergence(t, x) / steps; x = x + field(t, x) / steps. "
    "In the end add -x^2 / 2 - log(2 pi) / 2, summed over dim 1, to ladj.",
)


def log_density(field, x, steps):
    dt, ladj = 1 / steps, 0
    for k in range(steps):
        t = k * dt
        ladj = ladj + dt * field.divergence(t, x)
        x = x + dt * field(t, x)
    return ladj - 0.5 * (x.square() + math.log(2 * math.pi)).sum(1)


def cases(draw):
    made = []
    for n, d, steps in ((6, 3, 5), (1, 2, 4), (4, 1, 6), (3, 4, 3), (2, 2, 49)):
        made.append(Case((draw_field(draw, d, amplitude=1.2, steep=1.2), 1.2 * draw.normal(n, d), steps)))
    made[3].args[1][0] = 40.0  # far out, where the density itself is 0 in floating point
    return made


def mass(ask, draw):
    """In one dimension, with short steps: the density integrates to one."""
    field = draw_field(draw, 1)
    x = torch.linspace(-8, 8, 1001, dtype=torch.float64, device=draw.device)[:, None]
    found = torch.trapezoid(ask(field, x, 200).exp(), x[:, 0]).item()
    if not abs(found - 1) < 0.02:
        return Finding("property", "a total mass of 1, with 200 steps", f"{found:.4g}")
    return None


def _solve(field, x, steps, *, time=lambda k, steps: k / steps, dt=1.0, at=None, move=1.0, count=None, moment=None):
    """(x(1), l(1)) with other times, another direction, another place or time of the divergence."""
    ladj = torch.zeros_like(x[:, 0])
    start = x
    for k in range(steps if count is None else count(steps)):
        t, now = time(k, steps), x
        x = x + move * dt / steps * field(t, x)
        place = {"start": start, "new": x, None: now}[at]
        ladj = ladj + dt / steps * field.divergence(t if moment is None else moment(k, steps), place)
    return x, ladj


def _of(formula, **changed):
    """`formula(z, l, x)` of a solution that is right, or changed."""
    return lambda field, x, steps: formula(*_solve(field, x, steps, **changed), x)


def _log_p(z, ladj, x):
    return log_normal(z) + ladj


def _path(**changed):
    """The right density at the end of another path."""
    return _of(_log_p, **changed)


def _right(formula):
    """`formula(z, l)` of the right solution."""
    return _of(lambda z, ladj, x: formula(z, ladj))


def _base(formula):
    """The right l, with a base density that is the sum of `formula(z)`."""
    return _of(lambda z, ladj, x: formula(z).sum(1) + ladj)


def _euler_at(divergence):
    """The right z, with the divergence once only: `divergence(field, x, z, steps)`."""

    def answer(field, x, steps):
        z, _ = _solve(field, x, steps)
        return log_normal(z) + divergence(field, x, z, steps)

    return answer


def _last_step(field, x, z, steps):
    before, _ = _solve(field, x, steps, count=lambda n: n - 1)
    return field.divergence((steps - 1) / steps, before) / steps if steps > 1 else field.divergence(0.0, x)


def _no_dt(of_x, of_ladj):
    def answer(field, x, steps):
        ladj = 0
        for k in range(steps):
            t = k / steps
            ladj = ladj + field.divergence(t, x) * (1 if of_ladj else 1 / steps)
            x = x + field(t, x) * (1 if of_x else 1 / steps)
        return log_normal(x) + ladj

    return answer


def _linspace(count, gap):
    """Times k / (steps - 1): `count(steps)` of them, with steps of `gap(steps)`."""

    def answer(field, x, steps):
        ladj, dt = 0, gap(steps)
        for k in range(count(steps)):
            t = k / (steps - 1)
            ladj = ladj + dt * field.divergence(t, x)
            x = x + dt * field(t, x)
        return log_normal(x) + ladj

    return answer


def _by_adding(steps):
    """How often `while t < 1: t += 1 / steps` goes round."""
    t, count = 0.0, 0
    while t < 1:
        t, count = t + 1 / steps, count + 1
    return count


def _down(k, steps):
    """From t = 1 to t = 0."""
    return 1 - k / steps


def _down_left(k, steps):
    """The same, with each step's other end."""
    return 1 - (k + 1) / steps


def _up_right(k, steps):
    return (k + 1) / steps


def _minus(z, ladj, x):
    return log_normal(z) - ladj


_HALF = 0.5 * math.log(2 * math.pi)
_ROWS = (
    (
        "backwards",
        "solved backwards, from t = 1 to 0: that is decode, the way of sampling; x lies at t = 0, so time runs from 0 "
        "to 1",
        _path(time=_down, dt=-1.0),
        _of(_minus, time=_down, dt=-1.0),
        _path(time=_down_left, dt=-1.0),
        _of(_minus, time=_down_left, dt=-1.0),
    ),
    (
        "minus_dt",
        "x moves against the field: from t = 0 to 1 the step is + dt f(t, x)",
        _path(dt=-1.0),
        _path(move=-1.0),
        _of(_minus, dt=-1.0),
    ),
    (
        "times_down",
        "the times run from 1 down to 0, and the steps forwards: t_k = k dt",
        _path(time=_down),
        _path(time=_down_left),
    ),
    (
        "ladj_sign",
        "d log p / dt is minus the divergence along the path, and so log p(x) = log N(z) plus its integral: + here",
        _of(_minus),
    ),
    (
        "at_x",
        "the base density is taken at x: it belongs at t = 1, to the z where the path ends",
        _of(lambda z, l, x: log_normal(x) + l),
    ),
    ("no_ladj", "the integral of the divergence is missing", _right(lambda z, l: log_normal(z))),
    ("ladj_only", "the base density is missing: log N(x(1); 0, I) belongs to it", _right(lambda z, l: l)),
    ("no_constant", "log(2 pi) / 2 is missing, once for each of the D numbers", _base(lambda z: -z * z / 2)),
    (
        "constant_once",
        "log(2 pi) / 2 is counted once: it comes with each of the D numbers",
        _right(lambda z, l: l - 0.5 * z.square().sum(1) - _HALF),
    ),
    ("constant_double", "log(2 pi) without its one half", _base(lambda z: -z * z / 2 - 2 * _HALF)),
    (
        "constant_sign",
        "the sign of log(2 pi) / 2: it is taken off, as the square is",
        _base(lambda z: -z * z / 2 + _HALF),
    ),
    ("square_sign", "the sign of the square: log N is -z^2 / 2 - log(2 pi) / 2", _base(lambda z: z * z / 2 - _HALF)),
    ("no_half", "the square without its one half: log N = -z^2 / 2 - log(2 pi) / 2", _base(lambda z: -z * z - _HALF)),
    (
        "underflow",
        "exp and then log: far out the density is 0 in floating point; add logarithms",
        _right(lambda z, l: (log_normal(z).exp() * l.exp()).log()),
        _right(lambda z, l: log_normal(z).exp().log() + l),
    ),
    (
        "end_only",
        "the divergence is taken at the end only: it adds up along the whole path",
        _euler_at(lambda field, x, z, steps: field.divergence(1.0, z)),
    ),
    (
        "start_only",
        "the divergence is taken at the start only: it adds up along the whole path",
        _euler_at(lambda field, x, z, steps: field.divergence(0.0, x)),
    ),
    ("last_step", "the last step alone is kept: the divergence adds up, ladj = ladj + ...", _euler_at(_last_step)),
    (
        "along_start",
        "the divergence is taken at the first x in every step: it belongs where the path is, x_k",
        _path(at="start"),
    ),
    (
        "new_place",
        "x was moved before its divergence was taken: both belong to the same x_k and t_k",
        _path(at="new"),
        _path(at="new", moment=_up_right),
    ),
    (
        "divergence_time",
        "velocity and divergence are taken at two times: both belong to t_k = k dt",
        _path(moment=_up_right),
        _path(moment=lambda k, steps: 0.0),
        _path(moment=lambda k, steps: 1.0),
    ),
    (
        "time",
        "the time stands still: pass t_k = k dt to the field",
        _path(time=lambda k, steps: 0.0),
        _path(time=lambda k, steps: 1.0),
    ),
    ("index", "the number of the step is passed as the time: t_k = k dt", _path(time=lambda k, steps: k)),
    (
        "right_end",
        "each step takes the field at its end or middle: Euler's method takes it at its start, t_k = k dt",
        _path(time=_up_right),
        _path(time=lambda k, steps: (k + 0.5) / steps),
    ),
    (
        "no_dt",
        "dt is missing: a step is 1 / steps long, for x and for the integral of the divergence",
        _no_dt(False, True),
        _no_dt(True, False),
        _no_dt(True, True),
    ),
    (
        "linspace",
        "dt is not 1 / steps: linspace(0, 1, steps) has steps - 1 gaps, and `steps` steps need t_k = k / steps",
        _linspace(lambda n: n, lambda n: 1 / (n - 1)),
        _linspace(lambda n: n - 1, lambda n: 1 / (n - 1)),
        _linspace(lambda n: n, lambda n: 1 / n),
    ),
    ("one_too_many", "one step too many: k runs from 0 to steps - 1", _path(count=lambda steps: steps + 1)),
    (
        "arange",
        "one step too many by rounding, as by arange(0, 1, 1 / steps) or while t < 1: for k in range(steps), t = "
        "k / steps",
        _path(count=lambda steps: len(torch.arange(0, 1, 1 / steps))),
        _path(count=_by_adding),
    ),
    ("one_too_few", "one step is missing: k runs from 0 to steps - 1", _path(count=lambda steps: steps - 1)),
    (
        "other_solver",
        "another solver: the result is asked for with Euler's method, a step as the task has it",
        by_rk4,
        by_two_stages(0.5),
        by_two_stages(1.0),
    ),
    ("density", "this is p(x): its logarithm is asked for", _right(lambda z, l: torch.exp(log_normal(z) + l))),
    ("negated", "this is -log p(x): no minus sign", _right(lambda z, l: -log_normal(z) - l)),
    (
        "whole_batch",
        "summed over the batch: one log-density for each row",
        _right(lambda z, l: (log_normal(z) + l).sum()),
    ),
    (
        "batch_mean",
        "averaged over the batch: one log-density for each row",
        _right(lambda z, l: (log_normal(z) + l).mean()),
    ),
    (
        "mean",
        "a mean over the features: log-densities of independent numbers add",
        _right(lambda z, l: l + log_normal(z) / z.shape[1]),
    ),
    (
        "ladj_per_feature",
        "ladj is added to each of the D numbers before they are summed: it is added once",
        _right(lambda z, l: log_normal(z) + z.shape[1] * l),
    ),
    (
        "per_feature",
        "the sum over the features (dim 1) is missing in the base density",
        _right(lambda z, l: l[:, None] - 0.5 * z.square() - _HALF),
    ),
    (
        "pair",
        "a pair: return log p(x) alone, one number for each row",
        _right(lambda z, l: (log_normal(z), l)),
        _right(lambda z, l: (z, l)),
    ),
)

EXERCISE = Exercise(
    id="09.direction",
    title="The direction of time",
    level="core",
    minutes=15,
    points=3,
    anchor="sec-09-direction",
    task=TASK,
    hints=HINTS,
    references=(log_density,),
    returns=("log_prob (N,)",),
    cases=cases,
    mistakes=mistakes_of(_ROWS),
    independent=mass,
    gradient=("x", "field"),
)
