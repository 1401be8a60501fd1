"""11.injector: an affine injector, from the output of its network."""

import torch

from nf_course.grading.exercise import Case, Exercise, Finding, mistakes_of

TASK = r"""
The network of an affine injector sees the context alone, and its output says how every number of $x$ is scaled and
shifted. With $a$ and $t$ from $\theta(c)$,

$$\begin{gathered}
z = s \odot x + t, \qquad \log s = 2 \tanh(a / 2), \\
\text{ladj} = \sum_{i=1}^{C \cdot H \cdot W} \log s_i
\end{gathered}$$

`x` has shape `(N, C, H, W)`. `theta` is what the network returned, `(N, 2 * C, H, W)`: its first $C$ channels are $a$,
the other $C$ are $t$. Return the pair `(z, ladj)`: `z` of the shape of `x`, and `ladj`,
$\log \left| \det \partial z / \partial x \right|$ for the given context, of shape `(N,)`.
"""

HINTS = (
    "Each number of x has a scale of its own. What is the Jacobian of such a map, and the log of its determinant?",
    "theta.chunk(2, 1) takes the channels apart. The scale is exp(log_scale); ladj is a sum over all dimensions but "
    "the first.",
    "a, shift = theta.chunk(2, 1); log_scale = 2 * torch.tanh(a / 2); z = torch.exp(log_scale) * x + shift; "
    "ladj = log_scale.sum((1, 2, 3)).",
)


def injector_encode(x, theta):
    a, shift = theta.chunk(2, 1)
    log_scale = 2 * torch.tanh(a / 2)
    return torch.exp(log_scale) * x + shift, log_scale.sum((1, 2, 3))


def cases(draw):
    """All sizes different, one channel, one image; 504 scales whose product is 0; and an a far beyond the bound, of
    either sign, whose log s nearly cancel.
    """
    made = []
    for n, c, h, w, low, high in (
        (5, 3, 4, 2, -3, 3),
        (1, 2, 6, 4, -3, 3),
        (4, 1, 2, 6, -3, 3),
        (2, 3, 14, 12, -12, -6),
    ):
        a, shift = draw.uniform(low, high, n, c, h, w), 1.5 * draw.normal(n, c, h, w)
        made.append(Case((2 * draw.normal(n, c, h, w), torch.cat((a, shift), 1))))
    a = torch.cat((draw.uniform(3, 30, 3, 2, 6, 8), -draw.uniform(3, 30, 3, 2, 6, 8)), 1)
    theta = torch.cat((a[:, draw.permutation(4)], draw.normal(3, 4, 6, 8)), 1)
    return [*made, Case((2 * draw.normal(3, 4, 6, 8), theta))]


def by_its_answers(ask, draw):
    """An affine map shows its scales: z at x + 1 less z at x. One number of x reaches one number of z, and no other."""
    x, theta = cases(draw)[0].args
    z, ladj = ask(x, theta)
    scales = ask(x + 1, theta)[0] - z
    want = scales.log().sum((1, 2, 3))
    if not torch.allclose(ladj, want, rtol=1e-5, atol=1e-5):
        return Finding("property", f"{want[0].item():.4f}, from z at x + 1 and at x", f"{ladj[0].item():.4f}")
    one = torch.zeros_like(x)
    one[2, 1, 3, 0] = 1
    change = ask(x + one, theta)[0] - z
    if not torch.allclose(change, one * scales, rtol=1e-5, atol=1e-5):
        return Finding("property", "one number of z that follows one number of x", "others that follow it too")
    return None


def _log_s(a):
    return 2 * torch.tanh(a / 2)


def _all(v):
    return v.sum((1, 2, 3))


def _answer(
    *,
    apart=lambda theta: theta.chunk(2, 1),
    log_s=_log_s,
    z=lambda x, r, t: torch.exp(r) * x + t,
    ladj=lambda r, t, a: _all(r),
):
    """The right answer but for the parts that are given; r is log s."""

    def answer(x, theta):
        a, t = apart(theta)
        return z(x, log_s(a), t), ladj(log_s(a), t, a)

    return answer


def _other_scale(scale):
    """Another scale, `scale(a)`, with the ladj that belongs to it; and with the right one."""
    return (
        _answer(log_s=lambda a: a, z=lambda x, a, t: scale(a) * x + t, ladj=lambda r, t, a: _all(scale(a).log())),
        _answer(log_s=lambda a: a, z=lambda x, a, t: scale(a) * x + t, ladj=lambda r, t, a: _all(_log_s(a))),
    )


def _right(change):
    return lambda x, theta: change(*injector_encode(x, theta))


def _half_kept(x, theta):
    """As a coupling: the first half of the channels is left as it is."""
    a, t = theta.chunk(2, 1)
    d = x.shape[1] // 2
    z = torch.cat((x[:, :d], (torch.exp(_log_s(a)) * x + t)[:, d:]), 1)
    return z, _all(_log_s(a)[:, d:])


_ROWS = (
    (
        "exchanged",
        "a and t are exchanged: the first C channels of theta are a, the other C are t",
        _answer(apart=lambda theta: theta.chunk(2, 1)[::-1]),
        _answer(z=lambda x, r, t: torch.exp(_log_s(t)) * x + r),
        _answer(ladj=lambda r, t, a: _all(_log_s(t))),
    ),
    (
        "interleaved",
        "a and t do not take turns: the first C channels of theta are a, the other C are t",
        _answer(apart=lambda theta: (theta[:, ::2], theta[:, 1::2])),
    ),
    (
        "wrong_dim",
        "theta is taken apart along another dimension: its channels are dim 1",
        *(
            _answer(apart=lambda theta, d=d: theta.chunk(2, d), z=z)
            for d in (0, 2, 3)
            for z in (lambda x, r, t: torch.exp(r) * x + t, lambda x, r, t: x * torch.exp(r) + t)
        ),
    ),
    (
        "not_bounded",
        "the bound is missing: log s = 2 tanh(a / 2), not a itself",
        _answer(log_s=lambda a: a),
        _answer(z=lambda x, r, t: torch.exp(2 * torch.atanh(r / 2)) * x + t),
        _answer(ladj=lambda r, t, a: _all(a)),
    ),
    (
        "clamped",
        "a is cut off by clamp: the bound is a smooth one, log s = 2 tanh(a / 2)",
        *(_answer(log_s=lambda a, b=b: a.clamp(-b, b)) for b in (1, 2, 3, 5)),
    ),
    (
        "other_bound",
        "tanh with other numbers: log s = 2 tanh(a / 2), with the 2 outside and the 1 / 2 inside",
        _answer(log_s=torch.tanh),
        _answer(log_s=lambda a: torch.tanh(a / 2)),
        _answer(log_s=lambda a: 2 * torch.tanh(a)),
        _answer(log_s=lambda a: 2 * torch.tanh(2 * a)),
        _answer(log_s=lambda a: torch.tanh(a) / 2),
        _answer(log_s=lambda a: torch.tanh(2 * a) / 2),
        _answer(ladj=lambda r, t, a: _all(r) / 2),
        _answer(ladj=lambda r, t, a: _all(torch.tanh(a))),
        _answer(ladj=lambda r, t, a: 2 * _all(torch.tanh(a))),
    ),
    (
        "other_scale",
        "the scale is exp(2 tanh(a / 2)): no sigmoid, softplus, or number added to it",
        *_other_scale(torch.sigmoid),
        *_other_scale(lambda a: torch.sigmoid(a + 2)),
        *_other_scale(torch.nn.functional.softplus),
        _other_scale(lambda a: _log_s(a).exp() + 1e-6)[0],
        *(_answer(ladj=lambda r, t, a, e=e: _all((r.exp() + e).log())) for e in (1e-5, 1e-6)),
    ),
    (
        "not_exp",
        "2 tanh(a / 2) is the logarithm of the scale: multiply by its exp",
        _answer(z=lambda x, r, t: r * x + t),
        _answer(z=lambda x, r, t: r * x + t, ladj=lambda r, t, a: _all(r.abs().log())),
        _answer(z=lambda x, r, t: (1 + r) * x + t),
    ),
    (
        "decode",
        "this is decode: encode multiplies by s and then adds t",
        _answer(z=lambda x, r, t: (x - t) * torch.exp(-r), ladj=lambda r, t, a: -_all(r)),
        _answer(z=lambda x, r, t: (x - t) * torch.exp(-r)),
    ),
    (
        "sign",
        "the sign of log s: encode multiplies by exp(+log s), and ladj is + its sum",
        _answer(ladj=lambda r, t, a: -_all(r)),
        _answer(z=lambda x, r, t: torch.exp(-r) * x + t),
        _answer(log_s=lambda a: -_log_s(a)),
    ),
    (
        "abs",
        "ladj with an absolute value: it may be negative",
        _answer(ladj=lambda r, t, a: _all(r.abs())),
        _answer(ladj=lambda r, t, a: _all(r).abs()),
    ),
    (
        "shift_first",
        "the order: scale first, then shift; here the shift is scaled too",
        _answer(z=lambda x, r, t: torch.exp(r) * (x + t)),
    ),
    ("shift_sign", "the sign of the shift: encode adds it", _answer(z=lambda x, r, t: torch.exp(r) * x - t)),
    (
        "no_shift",
        "the shift is missing: where x is 0, z is t",
        _answer(z=lambda x, r, t: torch.exp(r) * x),
    ),
    (
        "no_scale",
        "the scale is missing: multiply x by exp(log s) before t is added",
        _answer(z=lambda x, r, t: x + t),
        _answer(z=lambda x, r, t: x + t, ladj=lambda r, t, a: 0 * _all(r)),
    ),
    (
        "shift_bounded",
        "t goes through the tanh as well: only a is bounded",
        _answer(z=lambda x, r, t: torch.exp(r) * x + _log_s(t)),
        _answer(z=lambda x, r, t: torch.exp(r) * x + torch.tanh(t)),
    ),
    (
        "half_kept",
        "half of the channels are left as they are: that is a coupling; an injector reaches every number",
        _half_kept,
    ),
    (
        "mean",
        "a mean instead of a sum in ladj: log-dets of factors add, over channels and over pixels",
        _answer(ladj=lambda r, t, a: r.mean((1, 2, 3))),
        _answer(ladj=lambda r, t, a: r.mean((2, 3)).sum(1)),
        _answer(ladj=lambda r, t, a: r.mean(1).sum((1, 2))),
    ),
    (
        "times_pixels",
        "H * W is counted twice: log s has a number for each pixel already, and they are summed",
        _answer(ladj=lambda r, t, a: _all(r) * r.shape[2] * r.shape[3]),
    ),
    (
        "part_of_the_sum",
        "ladj is not summed over all of C, H and W: one number is left for each image",
        _answer(ladj=lambda r, t, a: r.sum(1)),
        _answer(ladj=lambda r, t, a: r.sum((2, 3))),
        _answer(ladj=lambda r, t, a: r.sum(-1)),
        _answer(ladj=lambda r, t, a: r.sum((1, 2))),
        _answer(ladj=lambda r, t, a: r.flatten(1)),
    ),
    ("per_number", "the sum is missing in ladj: one number for each image", _answer(ladj=lambda r, t, a: r)),
    (
        "whole_batch",
        "ladj is summed over the batch as well: one number for each image",
        _answer(ladj=lambda r, t, a: r.sum()),
        _answer(ladj=lambda r, t, a: r.sum().expand(len(r))),
    ),
    (
        "over_batch",
        "ladj is summed over dim 0, the batch: sum over dims 1, 2 and 3",
        _answer(ladj=lambda r, t, a: r.sum(0)),
        _answer(ladj=lambda r, t, a: r.sum((0, 2, 3))),
        _answer(ladj=lambda r, t, a: r.sum((0, 1, 2))),
    ),
    (
        "theta_summed",
        "t does not change a volume: ladj is the sum of log s alone",
        _answer(ladj=lambda r, t, a: _all(r + t)),
        _answer(ladj=lambda r, t, a: _all(a + t)),
        _answer(ladj=lambda r, t, a: _all(_log_s(a) + _log_s(t))),
    ),
    ("not_log", "ladj is the sum of log s as it is, without exp", _answer(ladj=lambda r, t, a: _all(r.exp()))),
    (
        "product",
        "a product of many scales is 0 or infinite in floating point: add their logarithms",
        _answer(ladj=lambda r, t, a: r.exp().flatten(1).prod(1).log()),
        _answer(ladj=lambda r, t, a: _all(r).exp().log()),
    ),
    (
        "determinant",
        "this is the determinant: ladj is its logarithm",
        _answer(ladj=lambda r, t, a: _all(r).exp()),
        _answer(ladj=lambda r, t, a: r.exp().flatten(1).prod(1)),
    ),
    ("zero", "ladj is not 0: the scales change volumes", _answer(ladj=lambda r, t, a: 0 * _all(r))),
    ("pair_order", "the pair is the wrong way round: (z, ladj)", _right(lambda z, ladj: (ladj, z))),
    ("z_only", "z alone: return the pair (z, ladj)", _right(lambda z, ladj: z)),
    ("ladj_only", "ladj alone: return the pair (z, ladj)", _right(lambda z, ladj: ladj)),
    ("flattened", "z is flattened: it keeps the shape of x", _right(lambda z, ladj: (z.flatten(1), ladj))),
)

EXERCISE = Exercise(
    id="11.injector",
    title="An affine injector",
    level="core",
    minutes=10,
    points=2,
    anchor="sec-11-injector",
    task=TASK,
    hints=HINTS,
    references=(injector_encode,),
    returns=("z (N, C, H, W)", "ladj (N,)"),
    cases=cases,
    mistakes=mistakes_of(_ROWS),
    independent=by_its_answers,
    gradient=("x", "theta"),
)
