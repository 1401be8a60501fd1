"""18.undo: one affine coupling undone: the moved half, and the gradients that come with it."""

import torch

from nf_course.grading.exercise import Case, Exercise, Finding, mistakes_of

TASK = r"""
The moved half of an affine coupling is $z = s \odot x + t$ with $\log s$ and $t$ from its network, and the layer
adds $\ell = \sum_i \log s_i$ to the log-determinant. On the way back only $z$ is known, and the gradients of the loss:
$\bar z$, with respect to $z$, and $\bar\ell$, with respect to $\ell$. The network has just been evaluated again, so
that `log_scale` and `shift` are there.

Return four tensors `(x, grad_x, grad_log_scale, grad_shift)`, each of shape `(N, d)`: $x$ itself, and the gradients of
the loss with respect to $x$, to $\log s$ and to $t$, each of these three as a variable of its own. `z`, `grad_z`,
`log_scale` and `shift` have shape `(N, d)`, `grad_ladj` has `(N,)`. Four lines of formulas will do.
"""

HINTS = (
    "Three variables, x, log s and t, act on the loss through z = exp(log s) x + t; one acts through ladj as well.",
    "dz/dx = s, dz/dt = 1, dz/dlog s = s x. And ladj is the sum of the log s of its row: how does it change with each?",
    "x = (z - shift) / s; grad_x = s * grad_z; grad_log_scale = grad_z * s * x + grad_ladj[:, None]; and grad_shift is "
    "grad_z.",
)


def undo(z, grad_z, grad_ladj, log_scale, shift):
    s = torch.exp(log_scale)
    x = (z - shift) / s
    return x, s * grad_z, grad_z * s * x + grad_ladj[:, None], grad_z


def cases(draw):
    """One row, one feature, more features than rows and fewer."""
    return [
        Case(
            (
                draw.normal(n, d),
                draw.normal(n, d),
                draw.normal(n) - 0.5,
                0.7 * draw.normal(n, d) + 0.2,
                draw.normal(n, d),
            )
        )
        for n, d in ((4, 3), (1, 5), (6, 1), (2, 7), (3, 3))
    ]


def by_autograd(ask, draw):
    """Against automatic differentiation of the layer and of its log-determinant."""
    n, d = 3, 4
    x, log_scale, shift = (draw.normal(n, d).requires_grad_() for _ in range(3))
    grad_z, grad_ladj = draw.normal(n, d), draw.normal(n)
    z = torch.exp(log_scale) * x + shift
    wanted = torch.autograd.grad((z, log_scale.sum(1)), (x, log_scale, shift), (grad_z, grad_ladj))
    got = ask(z.detach(), grad_z, grad_ladj, log_scale.detach(), shift.detach())
    for name, have, want in zip(("x", "grad_x", "grad_log_scale", "grad_shift"), got, (x.detach(), *wanted)):
        if (have - want).abs().max() > 1e-5 * (1 + want.abs().max()):
            return Finding("property", f"{name} as autograd has it", f"off by {(have - want).abs().max().item():.2g}")
    return None


def _with(**changed):
    """The right answer but for what is changed: x, grad_x, grad_log_scale, grad_shift, each a function of all."""

    def answer(z, grad_z, grad_ladj, log_scale, shift):
        s = torch.exp(log_scale)
        known = {"z": z, "g": grad_z, "l": grad_ladj, "log_s": log_scale, "t": shift, "s": s, "x": (z - shift) / s}
        if "x" in changed:
            known["x"] = changed["x"](known)
        right = {
            "x": known["x"],
            "grad_x": s * grad_z,
            "grad_log_scale": grad_z * s * known["x"] + grad_ladj[:, None],
            "grad_shift": grad_z,
        }
        return tuple(changed[name](known) if name in changed and name != "x" else right[name] for name in right)

    return answer


_ROWS = (
    (
        "order",
        "the shift is taken off first, then the scale: x = (z - t) / s",
        _with(x=lambda k: k["z"] / k["s"] - k["t"]),
    ),
    (
        "encoded",
        "this moves z once more: x is the point that the layer came from, (z - t) / s",
        _with(x=lambda k: k["s"] * k["z"] + k["t"]),
    ),
    (
        "scale_sign",
        "divide by s to come back: multiplying by it goes on",
        _with(x=lambda k: (k["z"] - k["t"]) * k["s"]),
    ),
    (
        "grad_divided",
        "x is divided by s, its gradient multiplied: z = s x + t, so dz/dx = s",
        _with(grad_x=lambda k: k["g"] / k["s"]),
    ),
    ("grad_same", "the gradient of x is that of z times dz/dx = s", _with(grad_x=lambda k: k["g"])),
    (
        "ladj_in_x",
        "ladj does not depend on x: its term belongs to log s alone",
        _with(grad_x=lambda k: k["s"] * k["g"] + k["l"][:, None]),
    ),
    (
        "no_ladj",
        "ladj is the sum of the log s: it adds grad_ladj to the gradient of each of them",
        _with(grad_log_scale=lambda k: k["g"] * k["s"] * k["x"]),
    ),
    (
        "ladj_sign",
        "ladj grows with log s: its gradient is added",
        _with(grad_log_scale=lambda k: k["g"] * k["s"] * k["x"] - k["l"][:, None]),
    ),
    (
        "ladj_mean",
        "ladj is a sum over the features, not a mean: each log s gets all of grad_ladj",
        _with(grad_log_scale=lambda k: k["g"] * k["s"] * k["x"] + k["l"][:, None] / k["z"].shape[1]),
    ),
    (
        "ladj_times_scale",
        "grad_ladj is the derivative with respect to log s already: no factor s",
        _with(grad_log_scale=lambda k: k["g"] * k["s"] * k["x"] + k["s"] * k["l"][:, None]),
        _with(grad_log_scale=lambda k: k["g"] * k["x"] + k["l"][:, None] / k["s"]),
    ),
    (
        "of_the_scale",
        "this is the derivative with respect to s: log s is the variable, dz/dlog s = s x",
        _with(grad_log_scale=lambda k: k["g"] * k["x"] + k["l"][:, None]),
    ),
    (
        "at_z",
        "taken at z: the derivative of s x with respect to log s is s x, which is z - t",
        _with(grad_log_scale=lambda k: k["g"] * k["z"] + k["l"][:, None]),
        _with(grad_log_scale=lambda k: k["g"] * k["s"] * k["z"] + k["l"][:, None]),
    ),
    (
        "shift_scaled",
        "t is added after the scaling: dz/dt = 1",
        _with(grad_shift=lambda k: k["s"] * k["g"]),
        _with(grad_shift=lambda k: k["g"] / k["s"]),
    ),
    (
        "shift_sign",
        "these are gradients of encode, where t is added; decode's would have a minus",
        _with(grad_shift=lambda k: -k["g"]),
        _with(
            grad_x=lambda k: k["s"] * k["g"],
            grad_log_scale=lambda k: -k["g"] * k["s"] * k["x"] - k["l"][:, None],
            grad_shift=lambda k: -k["g"],
        ),
    ),
    (
        "summed",
        "each row has its own: nothing is summed over the batch",
        _with(grad_shift=lambda k: k["g"].sum(0)),
        _with(grad_shift=lambda k: k["g"].sum(0).expand_as(k["g"])),
    ),
)

EXERCISE = Exercise(
    id="18.undo",
    title="Undo a coupling, and its gradients",
    level="core",
    minutes=15,
    points=3,
    anchor="sec-18-inversion",
    task=TASK,
    hints=HINTS,
    references=(undo,),
    returns=("x (N, d)", "grad_x (N, d)", "grad_log_scale (N, d)", "grad_shift (N, d)"),
    cases=cases,
    mistakes=mistakes_of(_ROWS),
    independent=by_autograd,
)
