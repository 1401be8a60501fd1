"""09.rk4: one step of the classical method of Runge and Kutta."""

import torch

from nf_course.grading.exercise import Case, Exercise, Finding, mistakes_of
from nf_course.grading.exercises.ch09_continuous_flows.shared import Field, draw_field
from nf_course.grading.parts import Itself, Kept

TASK = r"""
Write one step, from time $t$ to $t + dt$, of the classical method of Runge and Kutta for $dx/dt = f(t, x)$:

$$\begin{aligned}
k_1 &= f(t,\ x), \\
k_2 &= f\bigl(t + \tfrac{dt}{2},\ x + \tfrac{dt}{2} k_1\bigr), \\
k_3 &= f\bigl(t + \tfrac{dt}{2},\ x + \tfrac{dt}{2} k_2\bigr), \\
k_4 &= f(t + dt,\ x + dt\, k_3), \\
x(t + dt) &\approx x + \tfrac{dt}{6} (k_1 + 2 k_2 + 2 k_3 + k_4)
\end{aligned}$$

`f(t, x)` takes a number and a batch, and returns the velocities, of the shape of `x`. That shape is any, `(N, D)` or
`(N, C, H, W)` or `(N,)`: the step does not look at it. `t` and `dt` are numbers, and `dt` may be negative: decode is
solved backwards in time. Return the new `x`, of the shape of the old one, and leave the old one as it was, and what `f`
returned too: it may be a tensor that `f` keeps.
"""

HINTS = (
    "Four velocities: one at the start, two in the middle, one at the end. Each is taken at a place that the velocity "
    "before it leads to, always starting from the old x.",
    "The time goes along with the place: t, t + dt / 2 twice, t + dt. A negative dt needs no case of its own.",
    "k1 = f(t, x); k2 = f(t + dt / 2, x + dt / 2 * k1); k3 = f(t + dt / 2, x + dt / 2 * k2); "
    "k4 = f(t + dt, x + dt * k3); return x + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4).",
)


def rk4_step(f, t, x, dt):
    k1 = f(t, x)
    k2 = f(t + dt / 2, x + dt / 2 * k1)
    k3 = f(t + dt / 2, x + dt / 2 * k2)
    k4 = f(t + dt, x + dt * k3)
    return x + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def cases(draw):
    made = []
    for size, t, dt in (((6, 3), 0.2, 0.8), ((1, 4), 1.0, -0.7), ((2, 1, 3, 2), 0.1, 0.9), ((5,), 1.4, -1.1)):
        numbers = draw.normal(*size)[0].numel()
        made.append(Case((draw_field(draw, numbers, name="f", amplitude=1.5, steep=1.6), t, draw.normal(*size), dt)))
    return made


def calls(ask, draw):
    """What an answer does to tensors that are not its own, or keeps from call to call; then steps in closed form."""
    return step_after_step(ask, draw) or velocity_is_x(ask, draw) or velocity_is_kept(ask, draw) or short(ask, draw)


def short(ask, draw):
    """dx/dt = a tanh(w x) and dx/dt = a tanh(u t + b) have solutions in closed form; a short step comes close."""
    a, w, u, b = (draw.uniform(0.6, 1.2, 1) for _ in range(4))
    t, x, zero = 0.3, draw.uniform(-1.0, 1.0, 4, 1), torch.zeros_like(a)
    for dt in (0.1, -0.1):
        of_place, of_time = Field("f", w[:, None], zero, zero, a.item()), Field("f", 0 * w[:, None], u, b, a.item())
        moved = torch.asinh(torch.exp(a * w * dt) * torch.sinh(w * x)) / w
        carried = x + a / u * (torch.log(torch.cosh(u * (t + dt) + b)) - torch.log(torch.cosh(u * t + b)))
        for f, want, of in ((of_place, moved, "place"), (of_time, carried, "time")):
            error = (ask(f, t, x, dt) - want).abs().max().item()
            if not error < 1e-5:
                expected = f"an error below 1e-5 for a velocity that depends on the {of} only, dt = {dt}"
                return Finding("property", expected, f"{error:.1g}")
    return None


def velocity_is_x(ask, draw):
    """dx/dt = x, where f returns the very tensor it was given: what changes the one in place changes the other."""
    x, dt = draw.normal(3, 2), 0.8
    got, want = ask(Itself("f"), 0.0, x, dt), x * (1 + dt + dt**2 / 2 + dt**3 / 6 + dt**4 / 24)
    if torch.allclose(got, want, rtol=1e-5, atol=1e-5):
        return None
    expected = f"{want[0, 0].item():.4f} for a velocity f(t, x) = x"
    return Finding("property", expected, f"{got[0, 0].item():.4f}", likely=_CHANGED, mistake="velocity_changed")


def velocity_is_kept(ask, draw):
    """A constant velocity, one tensor that f returns at every call. (That it was changed shows in its own test too.)"""
    x, velocity, dt = draw.normal(3, 2), draw.normal(3, 2), 0.8
    got, want = ask(Kept("f", velocity), 0.0, x, dt), x + dt * velocity
    if torch.allclose(got, want, rtol=1e-5, atol=1e-5):
        return None
    expected = f"{want[0, 0].item():.4f} for an f that returns one tensor, which it keeps"
    return Finding("property", expected, f"{got[0, 0].item():.4f}", likely=_CHANGED, mistake="velocity_changed")


def step_after_step(ask, draw):
    """The same place and time with another field; another place; on from there: nothing is left of the last call."""
    f, g = (draw_field(draw, 2, name="f", amplitude=1.5, steep=1.6) for _ in range(2))
    dt, x, got = 0.5, draw.normal(3, 2), None
    for field, t, start in ((f, 0.25, x), (g, 0.25, x), (g, 0.25, draw.normal(3, 2)), (g, 0.75, None)):
        start = got if start is None else start
        got, want = ask(field, t, start, dt), rk4_step(field, t, start, dt)
        if not torch.allclose(got, want, rtol=1e-5, atol=1e-5):
            expected = f"{want[0, 0].item():.4f}, whatever was called before"
            return Finding("property", expected, f"{got[0, 0].item():.4f}", likely=_REMEMBERED, mistake="remembered")
    return None


def _mean(*weights):
    """The right four velocities with other weights, in sixths."""
    return lambda f, t, x, dt: x + dt / 6 * sum(w * k for w, k in zip(weights, _slopes(f, t, x, dt), strict=True))


def _slopes(f, t, x, dt, times=(0.0, 0.5, 0.5, 1.0), lengths=(0.0, 0.5, 0.5, 1.0), after=(0, 0, 1, 2)):
    """The velocities; stage i at t + times[i] dt and x + lengths[i] dt k, with k that of stage after[i]."""
    slopes = [f(t + times[0] * dt, x)]
    for i in (1, 2, 3):
        slopes.append(f(t + times[i] * dt, x + lengths[i] * dt * slopes[after[i]]))
    return slopes


def _stages(**changed):
    """The right weights with other velocities."""

    def answer(f, t, x, dt):
        k1, k2, k3, k4 = _slopes(f, t, x, dt, **changed)
        return x + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)

    return answer


def _sum(combine):
    """`combine(x, dt, k)` with k = k1 + 2 k2 + 2 k3 + k4."""

    def answer(f, t, x, dt):
        k1, k2, k3, k4 = _slopes(f, t, x, dt)
        return combine(x, dt, k1 + 2 * k2 + 2 * k3 + k4)

    return answer


def _euler(f, t, x, dt):
    return x + dt * f(t, x)


def _midpoint(f, t, x, dt):
    return x + dt * f(t + dt / 2, x + dt / 2 * f(t, x))


def _trapezoid(f, t, x, dt):
    k1 = f(t, x)
    return x + dt / 2 * (k1 + f(t + dt, x + dt * k1))


def _three_eighths(f, t, x, dt):
    k1 = f(t, x)
    k2 = f(t + dt / 3, x + dt * k1 / 3)
    k3 = f(t + 2 * dt / 3, x + dt * (k2 - k1 / 3))
    k4 = f(t + dt, x + dt * (k1 - k2 + k3))
    return x + dt / 8 * (k1 + 3 * k2 + 3 * k3 + k4)


def _no_dt_in_stages(f, t, x, dt):
    k1 = f(t, x)
    k2 = f(t + dt / 2, x + k1 / 2)
    k3 = f(t + dt / 2, x + k2 / 2)
    k4 = f(t + dt, x + k3)
    return x + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def _cumulative(f, t, x, dt):
    k1 = f(t, x)
    at_2 = x + dt / 2 * k1
    k2 = f(t + dt / 2, at_2)
    at_3 = at_2 + dt / 2 * k2
    k3 = f(t + dt / 2, at_3)
    at_4 = at_3 + dt * k3
    return x + dt / 6 * (k1 + 2 * k2 + 2 * k3 + f(t + dt, at_4))


def _four_steps(f, t, x, dt):
    for k in range(4):
        x = x + dt / 4 * f(t + k * dt / 4, x)
    return x


def _kutta_third(f, t, x, dt):
    k1 = f(t, x)
    k2 = f(t + dt / 2, x + dt / 2 * k1)
    return x + dt / 6 * (k1 + 4 * k2 + f(t + dt, x + dt * (2 * k2 - k1)))


def _two_steps(f, t, x, dt):
    return rk4_step(f, t + dt / 2, rk4_step(f, t, x, dt / 2), dt / 2)


def _time_bracket(f, t, x, dt):
    k1 = f(t, x)
    k2 = f((t + dt) / 2, x + dt / 2 * k1)
    k3 = f((t + dt) / 2, x + dt / 2 * k2)
    return x + dt / 6 * (k1 + 2 * k2 + 2 * k3 + f(t + dt, x + dt * k3))


def _place_bracket(f, t, x, dt):
    k1 = f(t, x)
    k2 = f(t + dt / 2, (x + dt * k1) / 2)
    k3 = f(t + dt / 2, (x + dt * k2) / 2)
    return x + dt / 6 * (k1 + 2 * k2 + 2 * k3 + f(t + dt, x + dt * k3))


def _sum_bracket(f, t, x, dt):
    k1, k2, k3, k4 = _slopes(f, t, x, dt)
    return x + dt / 6 * k1 + 2 * k2 + 2 * k3 + k4


_CHANGED = (
    "what f returned is changed in place, and it may be x itself, or kept by f: k = dt * f(t, x), without mul_ or +="
)
_REMEMBERED = "a velocity is kept from the call before: the k1 of a step is f(t, x), with its own f and x"

_ROWS = (
    ("euler", "this is Euler's method: three more velocities are needed", _euler),
    ("midpoint", "this is the midpoint rule, of second order: k3, k4 and the mean are missing", _midpoint),
    ("trapezoid", "the mean of two velocities, start and end: RK4 has two more in the middle", _trapezoid),
    (
        "three_eighths",
        "another method of fourth order, the 3/8 rule (torchdiffeq's rk4): the one of the task has stages at dt / 2",
        _three_eighths,
    ),
    (
        "kutta_third",
        "this is Kutta's method of third order: k2 and k3 are both in the middle, and k4 at the end",
        _kutta_third,
    ),
    ("four_eulers", "these are four short steps of Euler's method, not the four stages of RK4", _four_steps),
    ("two_steps", "these are two steps of half the length: one step is asked for", _two_steps),
    ("time_bracket", "a bracket: t + dt / 2, not (t + dt) / 2", _time_bracket),
    ("place_bracket", "a bracket: x + dt / 2 * k, not (x + dt * k) / 2", _place_bracket),
    ("sum_bracket", "a bracket: dt / 6 belongs to all four, dt / 6 * (k1 + 2 * k2 + ...)", _sum_bracket),
    (
        "equal_weights",
        "the four velocities have weights 1, 2, 2, 1, over 6",
        _mean(1.5, 1.5, 1.5, 1.5),
        _mean(1, 1, 1, 1),
    ),
    ("weights_exchanged", "the middle ones count twice: weights 1, 2, 2, 1", _mean(2, 1, 1, 2)),
    (
        "late_weights",
        "the double weights are those of k2 and k3: weights 1, 2, 2, 1",
        _mean(1, 2, 1, 2),
        _mean(1, 1, 2, 2),
        _mean(2, 2, 1, 1),
    ),
    (
        "three_velocities",
        "k2 or k3 counts four times and the other not at all: weights 1, 2, 2, 1",
        _mean(1, 4, 0, 1),
        _mean(1, 0, 4, 1),
    ),
    ("divided_by_four", "divided by 4: the weights 1, 2, 2, 1 add up to 6", _mean(1.5, 3, 3, 1.5)),
    ("last_only", "only k4 is used: the step is a mean of all four", _mean(0, 0, 0, 6)),
    ("no_sixth", "the division by 6 is missing: the weights 1, 2, 2, 1 add up to 6", _mean(6, 12, 12, 6)),
    (
        "no_dt",
        "dt is missing in the last line: x + dt / 6 * (...)",
        _sum(lambda x, dt, k: x + k / 6),
        _sum(lambda x, dt, k: x + k),
    ),
    (
        "dt_twice",
        "dt is counted twice: either k = f(...) with dt / 6 in the end, or k = dt * f(...) with 1 / 6",
        _sum(lambda x, dt, k: x + dt * dt / 6 * k),
    ),
    (
        "no_dt_in_stages",
        "dt is missing inside the stages: k2 = f(t + dt / 2, x + dt / 2 * k1), and so on",
        _no_dt_in_stages,
    ),
    ("minus", "the sign of the step: x + dt / 6 * (...); dt has its own sign", _mean(-1, -2, -2, -1)),
    (
        "abs",
        "dt must keep its sign: a negative one goes backwards in time",
        lambda f, t, x, dt: rk4_step(f, t, x, abs(dt)),
        _sum(lambda x, dt, k: x + abs(dt) / 6 * k),
    ),
    (
        "turned_round",
        "for a negative dt the step goes from t to t + dt as well: nothing is to be exchanged",
        lambda f, t, x, dt: rk4_step(f, min(t, t + dt), x, dt),
    ),
    ("increment", "the change alone: return x plus the change", _sum(lambda x, dt, k: dt / 6 * k)),
    ("velocity", "the mean velocity alone: return x + dt times it", _sum(lambda x, dt, k: k / 6)),
    ("time", "the time stands still: the stages are at t, t + dt / 2 twice, and t + dt", _stages(times=(0, 0, 0, 0))),
    ("time_zero", "t is not used: the first stage is at time t, not 0", lambda f, t, x, dt: rk4_step(f, 0.0, x, dt)),
    ("k4_time", "k4 belongs at the end: its time is t + dt, not t + dt / 2", _stages(times=(0, 0.5, 0.5, 0.5))),
    ("k3_time", "k3 belongs in the middle: its time is t + dt / 2", _stages(times=(0, 0.5, 1, 1))),
    (
        "stage_times",
        "the times of the stages: t, t + dt / 2 twice, t + dt; here k2 and k3 are not in the middle",
        _stages(times=(0, 1, 1, 1)),
        _stages(times=(0, 0, 0, 1)),
    ),
    (
        "k4_half",
        "k4 goes the whole step: f(t + dt, x + dt * k3)",
        _stages(lengths=(0, 0.5, 0.5, 0.5)),
        _stages(lengths=(0, 0.5, 0.5, 0.5), times=(0, 0.5, 0.5, 0.5)),
    ),
    (
        "k2_full",
        "k2 goes half a step: x + dt / 2 * k1",
        _stages(lengths=(0, 1, 0.5, 1)),
        _stages(lengths=(0, 1, 0.5, 1), times=(0, 1, 0.5, 1)),
    ),
    ("k3_full", "k3 goes half a step: x + dt / 2 * k2", _stages(lengths=(0, 0.5, 1, 1))),
    (
        "all_full",
        "k2 and k3 go half a step: x + dt / 2 * k",
        _stages(lengths=(0, 1, 1, 1)),
        _stages(lengths=(0, 1, 1, 1), times=(0, 1, 1, 1)),
    ),
    ("k3_uses_k1", "k3 is led by k2, not by k1 again, which would make it k2", _stages(after=(0, 0, 0, 2))),
    ("k4_uses_k2", "k4 is led by k3, not by k2", _stages(after=(0, 0, 1, 1))),
    ("k4_uses_k1", "k4 is led by k3, not by k1", _stages(after=(0, 0, 1, 0))),
    ("all_use_k1", "each stage is led by the one before it; here all are led by k1", _stages(after=(0, 0, 0, 0))),
    ("cumulative", "every stage starts from the old x: x must not be moved on the way", _cumulative),
    ("arguments", "the arguments of f are exchanged: time first, f(t, x)", lambda f, t, x, dt: x + dt * f(x, t)),
    (
        "pair",
        "a pair: return the new x alone",
        lambda *args: (args[1] + args[3], rk4_step(*args)),
        lambda *args: (rk4_step(*args), args[1] + args[3]),
    ),
    # These two are right on the cases: the independent test finds them.
    ("velocity_changed", _CHANGED, None),
    ("remembered", _REMEMBERED, None),
)

EXERCISE = Exercise(
    id="09.rk4",
    title="One step of RK4",
    level="core",
    minutes=10,
    points=2,
    anchor="sec-09-solver",
    task=TASK,
    hints=HINTS,
    references=(rk4_step,),
    returns=("x, of the shape of x",),
    cases=cases,
    mistakes=mistakes_of(_ROWS),
    independent=calls,
    gradient=("x", "f"),
)
