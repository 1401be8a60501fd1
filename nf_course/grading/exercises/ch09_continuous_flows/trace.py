"""09.trace: the trace of a Jacobian, estimated from one backward pass."""

import torch

from nf_course.grading.exercise import Case, Exercise, Finding, Mistake

TASK = r"""
For noise $e$ of mean 0 and covariance $I$ the number $e^\top J e$ has the trace of $J$ as its mean. Hutchinson's
estimate of a divergence takes one draw $e_n$ for each row $x_n$:

$$\operatorname{tr} J_n \approx e_n^\top J_n\, e_n, \qquad J_n = \frac{\partial f(x_n)}{\partial x_n}$$

`f` takes a batch `(N, D)` and returns one of the same shape, each row from the same row alone; `x` and `e` have shape
`(N, D)`. Return $e_n^\top J_n e_n$ for the noise `e` that is given, shape `(N,)`. Call `f` on the whole batch
and use one backward pass: no loop or `vmap` over features or rows, no full Jacobian. `x` may come with `requires_grad`
or without it. The result must carry a gradient on to `x` and to the parameters of `f`, for training goes through it.
"""

HINTS = (
    "A backward pass gives a row vector times J. Which scalar must you differentiate for that row vector to be e^T?",
    "The rows do not mix, so the gradient of (f(x) * e).sum() with respect to x holds e_n^T J_n in row n. "
    "What is left is an inner product with e_n.",
    "x = x if x.requires_grad else x.detach().requires_grad_(); (g,) = torch.autograd.grad((f(x) * e).sum(), x, "
    "create_graph=True); then (g * e).sum(1).",
)


def hutchinson(f, x, e):
    x = x if x.requires_grad else x.detach().requires_grad_()
    (g,) = torch.autograd.grad((f(x) * e).sum(), x, create_graph=True)
    return (g * e).sum(1)


def cases(draw):
    made = []
    for n, d in ((5, 3), (1, 4), (4, 4), (7, 2)):
        f = draw.net("f", d, d, amplitude=2.0)
        e = torch.stack([draw.signs(d) for _ in range(n)]) if d == 2 else draw.normal(n, d)
        made.append(Case((f, 0.7 * draw.normal(n, d), e)))
    return made


def passes(case, operators):
    """f and its derivative each run as often as f's tanh and the derivative of that: once, or twice for a detour.

    A loop runs them more often; a batch of basis vectors runs them once, for so many times the numbers of x.
    """
    for operator, what in (("tanh_backward", "passes for derivatives"), ("tanh", "calls of f")):
        runs, numbers = operators.get(operator, (0, 0))
        count = max(runs, -(-numbers // case.args[1].numel()))
        if not count:
            return Finding("cost", "one backward pass", "none", likely=_DIFFERENCE, mistake="difference")
        if count > 2:
            return Finding("cost", "one of each", f"{count} {what}", "right numbers", likely=_ONE_PASS, mistake="cost")
    return None


def _jacobian(f, row):
    return torch.autograd.functional.jacobian(lambda v: f(v[None])[0], row)


def along_the_axes(ask, draw):
    """Noise along each axis in turn adds up to the trace; noise ten thousand times as large to 10^8 times as much."""
    n, d = 4, 5
    f, x, e = draw.net("f", d, d), draw.normal(n, d), draw.normal(n, d)
    axes = torch.eye(d, dtype=x.dtype, device=x.device)
    total = sum(ask(f, x, axis.expand(n, d).clone()) for axis in axes)
    exact = torch.stack([_jacobian(f, row).trace() for row in x])
    if not torch.allclose(total, exact, rtol=1e-5, atol=1e-5):
        expected = f"{exact[0].item():.4f}, the trace, as the sum over e along each axis"
        return Finding("property", expected, f"{total[0].item():.4f}")
    small, large = ask(f, x, e), ask(f, x, 1e4 * e)
    if not torch.allclose(large / 1e8, small, rtol=1e-5, atol=1e-5):
        return Finding(
            "property",
            "10^8 times as much for noise 10^4 times as large",
            "another number",
            likely=_DIFFERENCE,
            mistake="difference",
        )
    return None


def _vjp(f, x, v):
    """v_n^T J_n for each row."""
    x = x.detach().requires_grad_()
    return torch.autograd.grad((f(x) * v).sum(), x, create_graph=True)[0]


def _of(formula):
    """An answer that is `formula(g, e)`, with the right g = e^T J."""
    return lambda f, x, e: formula(_vjp(f, x, e), e)


def _diagonals(f, x):
    return torch.stack([_jacobian(f, row).diagonal() for row in x])


def _fresh(draw_noise):
    """Noise of its own, from the global generator, which a check puts back after each call."""

    def answer(f, x, e):
        e = draw_noise(x)
        return (_vjp(f, x, e) * e).sum(1)

    return answer


_DIFFERENCE = "a difference of two values of f instead of a derivative: use torch.autograd.grad, which is exact"
_ONE_PASS = (
    "one backward pass serves all rows and features: differentiate (f(x) * e).sum(), without a loop or a Jacobian"
)
_FRESH = "new noise is drawn inside: the estimate must be that of the `e` which is given"

MISTAKES = (
    Mistake(
        "no_second_e",
        "e is missing on the right: the backward pass gives e^T J, and its inner product with e is still to be taken",
        _of(lambda g, e: g.sum(1)),
    ),
    Mistake(
        "no_first_e",
        "e is missing on the left: differentiate (f(x) * e).sum(), not f(x).sum()",
        lambda f, x, e: (_vjp(f, x, torch.ones_like(e)) * e).sum(1),
    ),
    Mistake(
        "no_e",
        "one backward pass of f(x).sum() adds all entries of J, also those off the diagonal: e belongs on both sides",
        lambda f, x, e: _vjp(f, x, torch.ones_like(e)).sum(1),
    ),
    Mistake(
        "exact",
        "this is the trace itself, at the price of D passes: asked for is e^T J e for the given e",
        lambda f, x, e: _diagonals(f, x).sum(1),
    ),
    Mistake(
        "diagonal",
        "only the diagonal of J is used: e^T J e has the entries off it as well, each times e_i e_j",
        lambda f, x, e: (_diagonals(f, x) * e.square()).sum(1),
    ),
    Mistake("whole_batch", "summed over the batch as well: one estimate for each row", _of(lambda g, e: (g * e).sum())),
    Mistake("mean", "a mean over the features: the inner product is a sum", _of(lambda g, e: (g * e).mean(1))),
    Mistake(
        "batch_mean", "averaged over the batch: one estimate for each row", _of(lambda g, e: (g * e).sum(1).mean())
    ),
    Mistake(
        "times_batch",
        "multiplied by the batch size: each row is counted once",
        _of(lambda g, e: (g * e).sum(1) * len(e)),
    ),
    Mistake(
        "over_batch", "summed over the batch (dim 0): sum over the features, dim 1", _of(lambda g, e: (g * e).sum(0))
    ),
    Mistake("per_feature", "the sum over the features (dim 1) is missing", _of(lambda g, e: g * e)),
    Mistake(
        "all_pairs",
        "g @ e.T multiplies each row with every other, (N, N): row by row it is (g * e).sum(1)",
        _of(lambda g, e: g @ e.T),
    ),
    Mistake(
        "all_pairs",
        "g @ e.T multiplies each row with every other, (N, N): row by row it is (g * e).sum(1)",
        _of(lambda g, e: (g @ e.T).sum(1)),
    ),
    Mistake(
        "squeezed",
        "squeeze() drops a batch of one too: say which dimension, squeeze(1), or sum over it, (g * e).sum(1)",
        _of(lambda g, e: (g * e).sum(1).squeeze()),
    ),
    Mistake(
        "normalised",
        "e is scaled to length 1: its covariance is I only as it is given",
        _of(lambda g, e: (g * e).sum(1) / e.square().sum(1) * e.shape[1]),
    ),
    Mistake(
        "signs_of_e",
        "only the signs of e are used: e^T J e is asked for the e that is given",
        lambda f, x, e: (_vjp(f, x, e.sign()) * e.sign()).sum(1),
    ),
    Mistake(
        "centred",
        "the mean of e is taken off: its mean is 0 over many draws, and e is used as it is given",
        lambda f, x, e: (_vjp(f, x, e - e.mean(1, keepdim=True)) * (e - e.mean(1, keepdim=True))).sum(1),
    ),
    Mistake("sign", "the sign: e^T J e as it is, with no minus", _of(lambda g, e: -(g * e).sum(1))),
    Mistake("abs", "an absolute value: a trace may be negative", _of(lambda g, e: (g * e).sum(1).abs())),
    Mistake("abs", "an absolute value: a trace may be negative", _of(lambda g, e: (g * e).abs().sum(1))),
    Mistake("root", "a square root: e^T J e is the estimate as it is", _of(lambda g, e: (g * e).sum(1).sqrt())),
    Mistake("root", "a square root: e^T J e is the estimate as it is", _of(lambda g, e: (g * e).sum(1).abs().sqrt())),
    Mistake(
        "square",
        "this is the squared length of e^T J: multiply it by e, not by itself",
        _of(lambda g, e: g.square().sum(1)),
    ),
    Mistake(
        "rayleigh",
        "divided by e^T e: the covariance of e is I already, and no division is needed",
        _of(lambda g, e: (g * e).sum(1) / e.square().sum(1)),
    ),
    Mistake(
        "velocity",
        "this is e^T f, without a derivative: differentiate it with respect to x",
        lambda f, x, e: (f(x) * e).sum(1),
    ),
    Mistake("at_e", "the derivative is taken at e: it belongs at x", lambda f, x, e: (_vjp(f, e, e) * e).sum(1)),
    Mistake("difference", _DIFFERENCE, lambda f, x, e: ((f(x + e) - f(x)) * e).sum(1)),
    Mistake("difference", _DIFFERENCE, lambda f, x, e: ((f(x + e) - f(x - e)) * e).sum(1) / 2),
    Mistake("difference", _DIFFERENCE, lambda f, x, e: ((f(x + 0.1 * e) - f(x - 0.1 * e)) * e).sum(1) / 0.2),
    Mistake("difference", _DIFFERENCE, lambda f, x, e: ((f(x + 0.1 * e) - f(x)) * e).sum(1) / 0.1),
    Mistake("difference", _DIFFERENCE, lambda f, x, e: ((f(x + 0.01 * e) - f(x)) * e).sum(1) / 0.01),
    Mistake("difference", _DIFFERENCE, lambda f, x, e: ((f(x + 0.001 * e) - f(x)) * e).sum(1) / 0.001),
    Mistake(
        "times_x", "e^T J is multiplied by x: the inner product is with e", lambda f, x, e: (_vjp(f, x, e) * x).sum(1)
    ),
    Mistake("fresh_noise", _FRESH, _fresh(torch.randn_like)),
    Mistake("fresh_noise", _FRESH, _fresh(lambda x: torch.randn_like(x).sign())),
    Mistake("fresh_noise", _FRESH, _fresh(lambda x: 2.0 * torch.randint(2, x.shape, device=x.device).to(x) - 1)),
    Mistake("fresh_noise", _FRESH, _fresh(lambda x: 2 * torch.bernoulli(torch.full_like(x, 0.5)) - 1)),
)

EXERCISE = Exercise(
    id="09.trace",
    title="Hutchinson's estimate of a trace",
    level="core",
    minutes=15,
    points=2,
    anchor="sec-09-hutchinson",
    task=TASK,
    hints=HINTS,
    references=(hutchinson,),
    returns=("estimate (N,)",),
    cases=cases,
    mistakes=MISTAKES,
    independent=along_the_axes,
    gradient=("x", "f"),
    cost=passes,
)
