"""09.direction: the log-density of data, by an equation that is solved from the data to the base."""

import math

import torch

from nf_course.grading.exercise import Case, Exercise, Finding, Mistake
from nf_course.grading.exercises.ch09_continuous_flows.shared import draw_field, log_normal

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
    return made


def mass(ask, draw):
    """In one dimension, with short steps: the density integrates to one."""
    field = draw_field(draw, 1)
    x = torch.linspace(-8, 8, 1001, dtype=torch.float64, device=draw.device)[:, None]
    found = torch.trapezoid(ask(field, x, 200).exp(), x[:, 0]).item()
    if not abs(found - 1) < 0.02:
        return Finding("property", "a total mass of 1, with 200 steps", f"{found:.4g}")
    return None


def _solve(field, x, steps, *, time=lambda k, steps: k / steps, dt=1.0, at=None, move=1.0, count=None):
    """(x(1), l(1)) with other times, another direction, another place or time of the divergence."""
    ladj = torch.zeros_like(x[:, 0])
    start = x
    for k in range(steps if count is None else count(steps)):
        t, now = time(k, steps), x
        x = x + move * dt / steps * field(t, x)
        place = {"start": start, "new": x, None: now}[at]
        ladj = ladj + dt / steps * field.divergence(t, place)
    return x, ladj


def _of(formula, **changed):
    """`formula(z, l, x)` of a solution that is right, or changed."""
    return lambda field, x, steps: formula(*_solve(field, x, steps, **changed), x)


def _log_p(z, ladj, x):
    return log_normal(z) + ladj


def _euler_at(divergence):
    """The right z, with the divergence once only: `divergence(field, x, z)`."""

    def answer(field, x, steps):
        z, _ = _solve(field, x, steps)
        return log_normal(z) + divergence(field, x, z)

    return answer


def _new_time_and_place(field, x, steps):
    ladj = 0
    for k in range(steps):
        x = x + field(k / steps, x) / steps
        ladj = ladj + field.divergence((k + 1) / steps, x) / steps
    return log_normal(x) + ladj


def _no_dt(of_x, of_ladj):
    def answer(field, x, steps):
        ladj = 0
        for k in range(steps):
            t = k / steps
            ladj = ladj + field.divergence(t, x) * (1 if of_ladj else 1 / steps)
            x = x + field(t, x) * (1 if of_x else 1 / steps)
        return log_normal(x) + ladj

    return answer


def _linspace(field, x, steps):
    """dt is the distance of `steps` times from 0 to 1, of which there are steps - 1."""
    ladj, dt = 0, 1 / (steps - 1)
    for k in range(steps):
        ladj = ladj + dt * field.divergence(k * dt, x)
        x = x + dt * field(k * dt, x)
    return log_normal(x) + ladj


def _linspace_short(field, x, steps):
    ladj, dt = 0, 1 / (steps - 1)
    for k in range(steps - 1):
        ladj = ladj + dt * field.divergence(k * dt, x)
        x = x + dt * field(k * dt, x)
    return log_normal(x) + ladj


def _linspace_times(field, x, steps):
    ladj = 0
    for k in range(steps):
        t = k / (steps - 1)
        ladj = ladj + field.divergence(t, x) / steps
        x = x + field(t, x) / steps
    return log_normal(x) + ladj


def _rk4(field, x, steps):
    def rate(t, x):
        return field(t, x), field.divergence(t, x)

    ladj, dt = 0, 1 / steps
    for k in range(steps):
        t = k * dt
        (v1, d1) = rate(t, x)
        (v2, d2) = rate(t + dt / 2, x + dt / 2 * v1)
        (v3, d3) = rate(t + dt / 2, x + dt / 2 * v2)
        (v4, d4) = rate(t + dt, x + dt * v3)
        x = x + dt / 6 * (v1 + 2 * v2 + 2 * v3 + v4)
        ladj = ladj + dt / 6 * (d1 + 2 * d2 + 2 * d3 + d4)
    return log_normal(x) + ladj


def _midpoint(field, x, steps):
    ladj, dt = 0, 1 / steps
    for k in range(steps):
        t = (k + 0.5) * dt
        middle = x + dt / 2 * field(k * dt, x)
        ladj = ladj + dt * field.divergence(t, middle)
        x = x + dt * field(t, middle)
    return log_normal(x) + ladj


def _down(k, steps):
    """From t = 1 to t = 0."""
    return 1 - k / steps


def _down_left(k, steps):
    """The same, with each step's other end."""
    return 1 - (k + 1) / steps


_HALF = 0.5 * math.log(2 * math.pi)
_BACKWARDS = (
    "solved backwards, from t = 1 to 0: that is decode, the way of sampling; x lies at t = 0, so time runs from 0 to 1"
)
_TIMES_DOWN = "the times run from 1 down to 0, and the steps forwards: t_k = k dt"
_RIGHT_END = "each step takes the field at its end, t_{k+1}: Euler's method takes it at its start, t_k = k dt"
_LINSPACE = "dt is not 1 / steps: linspace(0, 1, steps) has steps - 1 gaps, and `steps` steps need t_k = k / steps"
_OTHER = "another solver: the result is asked for with Euler's method, a step as the task has it"
_NO_DT = "dt is missing: a step is 1 / steps long, for x and for the integral of the divergence"
_MINUS = "d log p / dt is minus the divergence along the path, and so log p(x) = log N(z) plus its integral: + here"

MISTAKES = (
    Mistake("backwards", _BACKWARDS, _of(_log_p, time=_down, dt=-1.0)),
    Mistake("backwards", _BACKWARDS, _of(lambda z, l, x: log_normal(z) - l, time=_down, dt=-1.0)),
    Mistake("backwards", _BACKWARDS, _of(_log_p, time=_down_left, dt=-1.0)),
    Mistake("backwards", _BACKWARDS, _of(lambda z, l, x: log_normal(z) - l, time=_down_left, dt=-1.0)),
    Mistake(
        "minus_dt",
        "x moves against the field: from t = 0 to 1 the step is + dt f(t, x)",
        _of(_log_p, dt=-1.0),
    ),
    Mistake(
        "minus_dt",
        "x moves against the field: from t = 0 to 1 the step is + dt f(t, x)",
        _of(_log_p, move=-1.0),
    ),
    Mistake("times_down", _TIMES_DOWN, _of(_log_p, time=_down)),
    Mistake("times_down", _TIMES_DOWN, _of(_log_p, time=_down_left)),
    Mistake("ladj_sign", _MINUS, _of(lambda z, l, x: log_normal(z) - l)),
    Mistake(
        "at_x",
        "the base density is taken at x: it belongs at t = 1, to the z where the path ends",
        _of(lambda z, l, x: log_normal(x) + l),
    ),
    Mistake("no_ladj", "the integral of the divergence is missing", _of(lambda z, l, x: log_normal(z))),
    Mistake("ladj_only", "the base density is missing: log N(x(1); 0, I) belongs to it", _of(lambda z, l, x: l)),
    Mistake(
        "no_constant",
        "log(2 pi) / 2 is missing, once for each of the D numbers",
        _of(lambda z, l, x: l - 0.5 * z.square().sum(1)),
    ),
    Mistake(
        "constant_once",
        "log(2 pi) / 2 is counted once: it comes with each of the D numbers",
        _of(lambda z, l, x: l - 0.5 * z.square().sum(1) - _HALF),
    ),
    Mistake(
        "no_half",
        "the square without its one half: log N = -z^2 / 2 - log(2 pi) / 2",
        _of(lambda z, l, x: l - (z.square() + _HALF).sum(1)),
    ),
    Mistake(
        "end_only",
        "the divergence is taken at the end only: it adds up along the whole path",
        _euler_at(lambda field, x, z: field.divergence(1.0, z)),
    ),
    Mistake(
        "start_only",
        "the divergence is taken at the start only: it adds up along the whole path",
        _euler_at(lambda field, x, z: field.divergence(0.0, x)),
    ),
    Mistake(
        "along_start",
        "the divergence is taken at the first x in every step: it belongs where the path is, x_k",
        _of(_log_p, at="start"),
    ),
    Mistake(
        "new_place",
        "x was moved before its divergence was taken: both belong to the same x_k and t_k",
        _of(_log_p, at="new"),
    ),
    Mistake(
        "new_place",
        "x was moved before its divergence was taken: both belong to the same x_k and t_k",
        _new_time_and_place,
    ),
    Mistake("time", "the time stands still: pass t_k = k dt to the field", _of(_log_p, time=lambda k, steps: 0.0)),
    Mistake("time", "the time stands still: pass t_k = k dt to the field", _of(_log_p, time=lambda k, steps: 1.0)),
    Mistake("index", "the number of the step is passed as the time: t_k = k dt", _of(_log_p, time=lambda k, steps: k)),
    Mistake("right_end", _RIGHT_END, _of(_log_p, time=lambda k, steps: (k + 1) / steps)),
    Mistake("no_dt", _NO_DT, _no_dt(False, True)),
    Mistake("no_dt", _NO_DT, _no_dt(True, False)),
    Mistake("no_dt", _NO_DT, _no_dt(True, True)),
    Mistake("linspace", _LINSPACE, _linspace),
    Mistake("linspace", _LINSPACE, _linspace_short),
    Mistake("linspace", _LINSPACE, _linspace_times),
    Mistake(
        "one_too_many", "one step too many: k runs from 0 to steps - 1", _of(_log_p, count=lambda steps: steps + 1)
    ),
    Mistake(
        "arange",
        "arange(0, 1, 1 / steps) may have one entry too many, by rounding: t = k / steps for k in range(steps)",
        _of(_log_p, count=lambda steps: len(torch.arange(0, 1, 1 / steps))),
    ),
    Mistake(
        "one_too_few", "one step is missing: k runs from 0 to steps - 1", _of(_log_p, count=lambda steps: steps - 1)
    ),
    Mistake("other_solver", _OTHER, _rk4),
    Mistake("other_solver", _OTHER, _midpoint),
    Mistake("density", "this is p(x): its logarithm is asked for", _of(lambda z, l, x: torch.exp(log_normal(z) + l))),
    Mistake("negated", "this is -log p(x): no minus sign", _of(lambda z, l, x: -log_normal(z) - l)),
    Mistake(
        "whole_batch", "summed over the batch: one log-density for each row", _of(lambda z, l, x: _log_p(z, l, x).sum())
    ),
    Mistake(
        "batch_mean",
        "averaged over the batch: one log-density for each row",
        _of(lambda z, l, x: _log_p(z, l, x).mean()),
    ),
    Mistake(
        "mean",
        "a mean over the features: log-densities of independent numbers add",
        _of(lambda z, l, x: l + log_normal(z) / z.shape[1]),
    ),
    Mistake(
        "per_feature",
        "the sum over the features (dim 1) is missing in the base density",
        _of(lambda z, l, x: l[:, None] - 0.5 * z.square() - _HALF),
    ),
    Mistake("pair", "a pair: return log p(x) alone, one number for each row", _of(lambda z, l, x: (log_normal(z), l))),
    Mistake("pair", "a pair: return log p(x) alone, one number for each row", _of(lambda z, l, x: (z, l))),
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
    mistakes=MISTAKES,
    independent=mass,
    gradient=("x", "field"),
)
