"""16.gradient: the gradient of the MAP objective, with a flow's density as the prior."""

import torch

from nf_course.grading.exercise import Case, Exercise, Finding, mistakes_of
from nf_course.grading.parts import Layer

TASK = r"""
What was seen is $y = A x + \text{noise}$, with normal noise of deviation $\sigma$; a flow $f$ to $\mathcal N(0, I)$ is
the prior. Each row of a batch has its own MAP objective, with its own weight $\lambda_n$:

$$\begin{gathered}
E_n(x_n) = \frac{\lVert A x_n - y_n \rVert^2}{2 \sigma^2} - \lambda_n \log p(x_n), \\
\log p(x) = \log \mathcal N(f(x);\, 0, I) + \log \lvert \det J_f(x) \rvert
\end{gathered}$$

`flow.encode(x)` returns the pair `(z, ladj)`: $f(x)$, shape `(N, D)`, and the log-determinant, shape `(N,)`. `x` has
shape `(N, D)`, `y` has `(N, M)`, `A` has `(M, D)`, `weight`, which holds the $\lambda_n$, has `(N,)`; `sigma` is one
number. Return $\nabla E_n(x_n)$ for each row, shape `(N, D)`: the way uphill, which a descent subtracts. It must not
depend on how many rows there are. Autograd may do all of it, and needs one pass through the flow: differences of values
of $E$, or a pass for each feature, will not do.
"""

HINTS = (
    "Rows do not mix: the gradient of the sum of all E_n with respect to x holds each row's own. And the mean?",
    "Begin with x = x.detach().requires_grad_(), write E, shape (N,), out of x, and let torch.autograd.grad "
    "differentiate E.sum(). The constant of log N has no gradient.",
    "z, ladj = flow.encode(x); E = (x @ A.T - y).square().sum(1) / (2 * sigma**2) - weight * (ladj - "
    "0.5 * z.square().sum(1)); torch.autograd.grad(E.sum(), x)[0].",
)


def map_gradient(flow, x, y, A, sigma, weight):
    x = x.detach().requires_grad_()
    z, ladj = flow.encode(x)
    log_p = ladj - 0.5 * z.square().sum(1)
    data = (x @ A.T - y).square().sum(1) / (2 * sigma**2)
    return torch.autograd.grad((data - weight * log_p).sum(), x)[0]


def cases(draw):
    """Fewer numbers seen than there are, as many, and more; one row; weights of 0 and large ones."""
    made = []
    for n, d, m in ((5, 4, 3), (1, 5, 2), (4, 3, 3), (3, 6, 6), (2, 5, 7)):
        flow = draw_flow(draw, d)
        A, sigma = draw.normal(m, d) / d**0.5, draw.uniform(0.4, 0.8, 1).item()
        weight = draw.uniform(0.4, 0.8, n) if n < 3 else torch.cat((draw.uniform(0.3, 3.0, n - 1), 0 * draw.normal(1)))
        made.append(Case((flow, 1.2 * draw.normal(n, d), draw.normal(n, m), A, sigma, weight)))
    return made


def draw_flow(draw, features):
    """A curved flow of one layer, neither near the identity nor volume preserving."""
    return Layer("flow", draw.matrix(features, scale=1.5), draw.normal(features))


def evaluations(case, operators):
    """flow.encode runs an asinh for each number: two or three passes are a detour, 2 D of them are differences."""
    _, numbers = operators.get("asinh", (0, 0))
    if numbers > 3 * case.args[1].numel():
        got = f"flow.encode of {numbers // case.args[1][0].numel()} rows"
        return Finding("cost", "one pass over the rows", got, likely=_DIFFERENCES, mistake="cost")
    return None


_DIFFERENCES = "differences of values, or one pass for each number: a single backward pass gives all derivatives"


def by_definition(ask, draw):
    """Against differences of E, with its log-determinant from the Jacobian; and alone as in a batch."""
    n, d, m = 3, 3, 2
    flow, A, sigma = draw_flow(draw, d), draw.normal(m, d), 0.7
    x, y, weight = draw.normal(n, d), draw.normal(n, m), draw.uniform(0.5, 2.0, n)

    def objective(row, k):
        J = torch.autograd.functional.jacobian(lambda v: flow.encode(v[None])[0][0], row)
        log_p = torch.distributions.Normal(0.0, 1.0).log_prob(flow.encode(row[None])[0]).sum() + J.det().abs().log()
        return 0.5 * ((A @ row - y[k]) / sigma).square().sum() - weight[k] * log_p

    got, h = ask(flow, x, y, A, sigma, weight), 1e-5
    for k in range(n):
        for i in range(d):
            step = h * torch.eye(d).to(x)[i]
            want = ((objective(x[k] + step, k) - objective(x[k] - step, k)) / (2 * h)).item()
            if abs(got[k, i].item() - want) > 1e-5 * (1 + abs(want)):
                return Finding("property", f"the slope {want:.4f} of E, measured", f"{got[k, i].item():.4f}")
    alone = ask(flow, x[1:2], y[1:2], A, sigma, weight[1:2])[0]
    if not torch.allclose(alone, got[1], rtol=1e-5, atol=1e-5):
        return Finding("property", "the same gradient for a row alone as in a batch", "another one")
    return None


def _by(objective, after=lambda g, x: g):
    """The gradient of another objective, `objective(r, z, ladj, sigma, weight, x)`, r = A x - y; `after` changes it."""

    def answer(flow, x, y, A, sigma, weight):
        leaf = x.detach().requires_grad_()
        z, ladj = flow.encode(leaf)
        total = objective(leaf @ A.T - y, z, ladj, sigma, weight, leaf).sum()
        return after(torch.autograd.grad(total, leaf)[0], x)

    return answer


def _half(v):
    return 0.5 * v.square().sum(1)


def _data(r, sigma):
    return _half(r) / sigma**2


def _right(r, z, ladj, sigma, weight, x):
    return _data(r, sigma) - weight * (ladj - _half(z))


def _prior(log_p):
    """The right data term, and another log-density `log_p(z, ladj, x)`."""
    return _by(lambda r, z, ladj, s, w, x: _data(r, s) - w * log_p(z, ladj, x))


def _noise(data):
    """Another data term, `data(r, sigma)`, and the right prior."""
    return _by(lambda r, z, ladj, s, w, x: data(r, s) - w * (ladj - _half(z)))


def _weights(objective):
    """`objective(data, log_p, weight)` of the right terms."""
    return _by(lambda r, z, ladj, s, w, x: objective(_data(r, s), ladj - _half(z), w))


def _after(change):
    return _by(_right, change)


def _by_hand(gradient):
    """`gradient(r, x, A, sigma)` for the data term, and the right one of the prior."""

    def answer(flow, x, y, A, sigma, weight):
        prior = _by(lambda r, z, ladj, s, w, x: -w * (ladj - _half(z)))(flow, x, y, A, sigma, weight)
        return gradient(x @ A.T - y, x, A, sigma) + prior

    return answer


def _values(flow, x, y, A, sigma, weight):
    z, ladj = flow.encode(x)
    return _right(x @ A.T - y, z, ladj, sigma, weight, x)


def _latent_score(flow, x, y, A, sigma, weight):
    return (x @ A.T - y) @ A / sigma**2 + weight[:, None] * flow.encode(x)[0]


_ROWS = (
    (
        "prior_sign",
        "the sign of the prior: a large log p makes E small, so its term is - weight * log p",
        _weights(lambda data, log_p, w: data + w * log_p),
    ),
    (
        "data_sign",
        "the sign of the data term: A x - y, and both terms of E as they stand",
        _weights(lambda data, log_p, w: -data - w * log_p),
        _noise(lambda r, s: -_data(r, s)),
    ),
    (
        "downhill",
        "this is -E's gradient, the way downhill: a descent subtracts what you return",
        _after(lambda g, x: -g),
    ),
    (
        "data_alone",
        "the prior has no effect: its gradient, - weight * grad log p, is missing; is z followed by autograd?",
        _weights(lambda data, log_p, w: data),
    ),
    (
        "prior_alone",
        "this is the gradient of the prior alone: the data term's, A^T (A x - y) / sigma^2, is missing",
        _weights(lambda data, log_p, w: -w * log_p),
        _weights(lambda data, log_p, w: w * log_p),
        _weights(lambda data, log_p, w: log_p),
        _weights(lambda data, log_p, w: -log_p),
    ),
    (
        "no_weight",
        "the weight is not used: log p is multiplied by it, row by row",
        _weights(lambda data, log_p, w: data - log_p),
    ),
    (
        "weight_on_data",
        "the weight belongs to log p, and to nothing else",
        _weights(lambda data, log_p, w: w * data - log_p),
        _weights(lambda data, log_p, w: w * (data - log_p)),
        _weights(lambda data, log_p, w: (1 - w) * data - w * log_p),
        _weights(lambda data, log_p, w: data / w - log_p),
        _weights(lambda data, log_p, w: data - log_p / w),
    ),
    (
        "one_weight",
        "one weight for all rows: row n has its own, and (N,) times (N,) keeps them apart",
        *(
            _by(lambda r, z, ladj, s, w, x, one=one: _data(r, s) - one(w) * (ladj - _half(z)))
            for one in (torch.mean, torch.sum, lambda w: w[0], lambda w: w[:, None])
        ),
    ),
    (
        "no_ladj",
        "the log-determinant is missing: log p has two terms, and ladj depends on x too",
        _prior(lambda z, ladj, x: -_half(z)),
    ),
    ("ladj_sign", "the sign of ladj: log p adds it", _prior(lambda z, ladj, x: -_half(z) - ladj)),
    (
        "no_base",
        "ladj alone is no log-density: log N(z; 0, I), which is - |z|^2 / 2 and a constant, is missing",
        _prior(lambda z, ladj, x: ladj),
    ),
    (
        "base_sign",
        "the sign of the base: log N(z; 0, I) is - |z|^2 / 2 and a constant",
        _prior(lambda z, ladj, x: ladj + _half(z)),
    ),
    ("base_at_x", "the base is asked at x: its argument is z = f(x)", _prior(lambda z, ladj, x: ladj - _half(x))),
    ("normal_prior", "a normal prior on x itself: the flow has no part in it", _prior(lambda z, ladj, x: -_half(x))),
    (
        "base_factor",
        "the factor of the base: log N(z; 0, I) is - |z|^2 / 2 and a constant, summed over the features",
        _prior(lambda z, ladj, x: ladj - z.square().sum(1)),
        _prior(lambda z, ladj, x: ladj - 0.5 * z.square().mean(1)),
        _prior(lambda z, ladj, x: ladj - 0.5 * z.norm(dim=1)),
    ),
    (
        "latent_score",
        "-z is the gradient of log N with respect to z: the chain rule, through f and ladj, leads on to x",
        _latent_score,
    ),
    (
        "sigma",
        "sigma: the data term is divided by 2 sigma^2, the variance twice",
        _noise(lambda r, s: _half(r) / s),
        _noise(lambda r, s: _half(r)),
        _noise(lambda r, s: _half(r) * s**2),
        _noise(lambda r, s: _half(r) * s),
        _noise(lambda r, s: _half(r) / s**4),
    ),
    (
        "half",
        "a factor of 2: the data term is |A x - y|^2 / (2 sigma^2), so that its gradient is A^T (A x - y) / sigma^2",
        _noise(lambda r, s: 2 * _data(r, s)),
        _noise(lambda r, s: 0.5 * _data(r, s)),
    ),
    (
        "other_distance",
        "another distance: squares are summed, without a root, an absolute value or a mean",
        _noise(lambda r, s: r.norm(dim=1) / (2 * s**2)),
        _noise(lambda r, s: r.norm(dim=1) / s),
        _noise(lambda r, s: r.abs().sum(1) / (2 * s**2)),
        _noise(lambda r, s: r.square().mean(1) / (2 * s**2)),
        _noise(lambda r, s: r.square().mean(1) / s**2),
    ),
    (
        "no_transpose",
        "the chain rule through A: with rows as points, the data term's gradient is (A x - y) @ A / sigma^2",
        _by_hand(lambda r, x, A, sigma: r @ A.T / sigma**2),
        _by_hand(lambda r, x, A, sigma: r / sigma**2),
    ),
    (
        "transposed",
        "A is transposed: with rows as points, A x is x @ A.T",
        lambda flow, x, y, A, sigma, weight: map_gradient(flow, x, y, A.T, sigma, weight),
    ),
    (
        "mean",
        "divided by the number of rows: a mean over the batch makes each gradient smaller; take the sum",
        _after(lambda g, x: g / len(x)),
    ),
    (
        "normalised",
        "the gradient is scaled or clipped: return it as it is",
        _after(lambda g, x: g / g.norm(dim=1, keepdim=True)),
        _after(lambda g, x: g / g.norm()),
        _after(lambda g, x: g.clamp(-1, 1)),
        _after(lambda g, x: g.sign()),
        _after(lambda g, x: g / x.shape[1]),
    ),
    ("stepped", "a step is taken already: return the gradient, not the next x", _after(lambda g, x: x - g)),
    (
        "summed",
        "summed over rows or features: one number for each number of x, (N, D)",
        _after(lambda g, x: g.sum(1)),
        _after(lambda g, x: g.sum(0)),
        _after(lambda g, x: g.sum(0).expand_as(g)),
    ),
    (
        "objective",
        "this is E itself: its gradient with respect to x is asked for",
        _values,
        lambda *a: _values(*a).sum(),
        lambda *a: _values(*a).mean(),
    ),
)

EXERCISE = Exercise(
    id="16.gradient",
    title="The gradient of the MAP objective",
    level="core",
    minutes=15,
    points=3,
    anchor="sec-16-map",
    task=TASK,
    hints=HINTS,
    references=(map_gradient,),
    returns=("gradient (N, D)",),
    cases=cases,
    mistakes=mistakes_of(_ROWS),
    independent=by_definition,
    cost=evaluations,
)
