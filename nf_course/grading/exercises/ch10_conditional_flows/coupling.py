"""10.coupling: an affine coupling whose network sees a context."""

import math

import torch

from nf_course.grading.exercise import Case, Exercise, Finding, mistakes_of

TASK = r"""
A conditional coupling keeps the first $D // 2$ features, moves the others, and lets its network see the context $c$ as
well as what was kept:

$$\begin{gathered}
z_{\text{kept}} = x_{\text{kept}}, \qquad z_{\text{moved}} = s \odot x_{\text{moved}} + t, \\
(\log s,\ t) = \mathtt{net}\bigl([x_{\text{kept}},\ c]\bigr), \qquad
\text{ladj} = \sum_{i \,\in\, \text{moved}} \log s_i
\end{gathered}$$

`x` has shape `(N, D)` and `c` has shape `(N, K)`; $D$ may be odd, and then more features are moved than kept. `net`
takes one tensor, the kept features and behind them the context, `(N, D // 2 + K)`, and returns `(N, 2 * m)`: $\log s$
for the $m$ moved features, then $t$ for them. Return the pair `(z, ladj)`: `z` of shape `(N, D)` with every feature in
its place, and `ladj`, $\log \left| \det \partial z / \partial x \right|$ for the given `c`, of shape `(N,)`.
"""

HINTS = (
    "What does the network see, and what is transformed? The context is in the first and not in the second.",
    "kept, moved = x[:, :d], x[:, d:] with d = D // 2. torch.cat puts two tensors side by side along dim 1, "
    "and chunk(2, dim=1) takes the output of the net apart.",
    "log_scale, shift = net(torch.cat((kept, c), 1)).chunk(2, 1); z is kept beside log_scale.exp() * moved + shift; "
    "ladj is log_scale.sum(1).",
)


def conditional_encode(x, c, net):
    d = x.shape[1] // 2
    kept, moved = x[:, :d], x[:, d:]
    log_scale, shift = net(torch.cat((kept, c), 1)).chunk(2, 1)
    z = torch.cat((kept, torch.exp(log_scale) * moved + shift), 1)
    return z, log_scale.sum(1)


def cases(draw):
    """Even and odd D, down to 1, where nothing is kept; log s up to 6; twenty near -60 and 60, whose product is 0."""
    made = []
    for n, d, k, amplitude in ((6, 4, 2, 1), (1, 5, 3, 1), (7, 3, 1, 1), (5, 1, 2, 1), (3, 2, 4, 6), (2, 40, 2, 60)):
        net = draw.net("net", d // 2 + k, 2 * (d - d // 2), amplitude=float(amplitude))
        if amplitude == 6:
            net.bias[:2] += 3 * draw.signs(2)
        if d == 40:
            net.bias[:18] -= 4
            net.bias[18:20] += 4
        made.append(Case((1.5 * draw.normal(n, d), draw.normal(n, k), net)))
    return made


def jacobian_and_round_trip(ask, draw):
    """For each of two contexts: slogdet of dz/dx by autograd; and x again, from z and the same context."""
    x, c, net = cases(draw)[1].args
    d = x.shape[1] // 2
    for context in (c, c + 1):
        z, ladj = ask(x, context, net)
        full = torch.autograd.functional.jacobian(lambda v, context=context: conditional_encode(v, context, net)[0], x)
        want = torch.linalg.slogdet(full[0, :, 0])[1].item()
        if abs(ladj[0].item() - want) > 1e-5 * (1 + abs(want)):
            return Finding("property", f"{want:.4f}, slogdet of dz/dx at this c by autograd", f"{ladj[0].item():.4f}")
        seen = net(torch.cat((z[:, :d], context), 1))
        back = (z[:, d:] - seen[:, x.shape[1] - d :]) / seen[:, : x.shape[1] - d].exp()
        error = (torch.cat((z[:, :d], back), 1) - x).abs().max().item()
        if not error < 1e-5:
            return Finding("property", "decode(encode(x)) = x with the same context", f"a difference of {error:.2g}")
    return None


def _answer(
    *,
    halves=lambda x: (x[:, : x.shape[1] // 2], x[:, x.shape[1] // 2 :]),
    seen=lambda kept, moved, c: torch.cat((kept, c), 1),
    apart=lambda out, d: out.chunk(2, 1),
    z=lambda v, s, t: torch.exp(s) * v + t,
    ladj=lambda s, t: s.sum(1),
):
    """The right answer but for the parts that are given; v are the moved features, s is log_scale and t the shift."""

    def answer(x, c, net):
        kept, moved = halves(x)
        s, t = apart(net(seen(kept, moved, c)), kept.shape[1])
        return torch.cat((kept, z(moved, s, t)), 1), ladj(s, t)

    return answer


def _log_scale(change):
    """Another log_scale, `change(log_scale)`, for z and ladj."""
    return _answer(z=lambda v, s, t: torch.exp(change(s)) * v + t, ladj=lambda s, t: change(s).sum(1))


def _other_scale(scale):
    """Another scale, `scale(log_scale)`, with the ladj that belongs to it."""
    return _answer(z=lambda v, s, t: scale(s) * v + t, ladj=lambda s, t: scale(s).log().sum(1))


def _moves_first(x, c, net):
    m = x.shape[1] - x.shape[1] // 2
    moved, kept = x[:, :m], x[:, m:]
    s, t = net(torch.cat((kept, c), 1)).chunk(2, 1)
    return torch.cat((torch.exp(s) * moved + t, kept), 1), s.sum(1)


def _last_left(x, c, net):
    """As many moved as kept: the last of an odd number is left as it is."""
    d = x.shape[1] // 2
    z, ladj = _answer(
        halves=lambda x: (x[:, :d], x[:, d : 2 * d]), apart=lambda out, d: (out[:, :d], out[:, d : 2 * d])
    )(x, c, net)
    return torch.cat((z, x[:, 2 * d :]), 1), ladj


def _blind(scale, shift, ladj):
    """The context is 0 for the scale, the shift, or ladj."""

    def answer(x, c, net):
        d = x.shape[1] // 2
        s, t = net(torch.cat((x[:, :d], c), 1)).chunk(2, 1)
        blind_s, blind_t = net(torch.cat((x[:, :d], 0 * c), 1)).chunk(2, 1)
        z = (blind_s if scale else s).exp() * x[:, d:] + (blind_t if shift else t)
        return torch.cat((x[:, :d], z), 1), (blind_s if ladj else s).sum(1)

    return answer


def _right(change):
    """`change(z, ladj, x, c)` of what is right."""
    return lambda x, c, net: change(*conditional_encode(x, c, net), x, c)


def _with_context(join):
    """The right ladj, and z of `join(kept, moved, c)`."""

    def change(z, ladj, x, c):
        d = x.shape[1] // 2
        return torch.cat(join(z[:, :d], z[:, d:], c), 1), ladj

    return _right(change)


_ROWS = (
    (
        "no_context",
        "the context is not in what the net takes, one tensor: net(torch.cat((kept, c), 1))",
        _answer(seen=lambda kept, moved, c: kept),
    ),
    (
        "zero_context",
        "the context is replaced by zeros: scale, shift and ladj must all depend on c",
        _blind(True, True, True),
        _blind(True, False, True),
        _blind(False, True, False),
        _blind(False, False, True),
    ),
    (
        "one_context",
        "one context for the whole batch: each row has its own",
        _answer(seen=lambda kept, moved, c: torch.cat((kept, c[:1].expand_as(c)), 1)),
        _answer(seen=lambda kept, moved, c: torch.cat((kept, c.mean(0, keepdim=True).expand_as(c)), 1)),
    ),
    (
        "context_first",
        "the order in cat: the kept features first, the context behind them",
        _answer(seen=lambda kept, moved, c: torch.cat((c, kept), 1)),
    ),
    (
        "sees_moved",
        "the net sees the moved features: only what is kept can be seen by decode as well",
        _answer(seen=lambda kept, moved, c: torch.cat((moved, c), 1)),
        _answer(seen=lambda kept, moved, c: torch.cat((moved[:, : kept.shape[1]], c), 1)),
    ),
    (
        "sees_all",
        "the net sees all of x: it takes the kept features and the context",
        _answer(seen=lambda kept, moved, c: torch.cat((kept, moved, c), 1)),
    ),
    (
        "context_only",
        "the net sees the context alone: the kept features belong to it too",
        _answer(seen=lambda kept, moved, c: c),
    ),
    (
        "along_the_batch",
        "cat along dim 0, the batch: put them side by side, along dim 1",
        _answer(seen=lambda kept, moved, c: torch.cat((kept, c))),
    ),
    (
        "upper_half",
        "the halves: D // 2 features are kept, so that an odd D moves one more than it keeps",
        _answer(halves=lambda x: x.tensor_split([(x.shape[1] + 1) // 2], 1)),
        _answer(halves=lambda x: x.chunk(2, 1)),
    ),
    (
        "last_left",
        "the last of an odd number of features is left as it is: all behind the first D // 2 are moved",
        _last_left,
    ),
    (
        "split_at_d",
        "the net's output is taken apart at D // 2: log s has m = D - D // 2 numbers, as many as are moved",
        _answer(apart=lambda out, d: (out[:, :d], out[:, d:])),
        _answer(apart=lambda out, d: (out[:, :d], out[:, d:]), z=lambda v, s, t: v * torch.exp(s) + t),
    ),
    ("moves_first", "the first features are moved: here the first D // 2 are kept, and the others moved", _moves_first),
    (
        "exchanged",
        "scale and shift are exchanged: the first half of the net's output is log s, the second t",
        _answer(z=lambda v, s, t: torch.exp(t) * v + s, ladj=lambda s, t: t.sum(1)),
        _answer(z=lambda v, s, t: torch.exp(t) * v + s, ladj=lambda s, t: s.sum(1)),
    ),
    (
        "interleaved",
        "log s and t do not take turns: the first half of the net's output is log s, the second t",
        _answer(apart=lambda out, d: (out[:, ::2], out[:, 1::2])),
    ),
    (
        "not_exp",
        "the net returns the log of the scale: multiply by exp(log_scale)",
        _answer(z=lambda v, s, t: s * v + t),
        _answer(z=lambda v, s, t: s * v + t, ladj=lambda s, t: s.abs().log().sum(1)),
    ),
    (
        "other_scale",
        "the scale is exp(log_scale): no sigmoid, softplus, or number added to it",
        _other_scale(torch.sigmoid),
        _other_scale(lambda s: torch.sigmoid(s + 2)),
        _other_scale(torch.nn.functional.softplus),
        _other_scale(lambda s: s.exp() + 1e-6),
        *(_answer(ladj=lambda s, t, e=e: (s.exp() + e).log().sum(1)) for e in (1e-6, 1e-8, 1e-12)),
    ),
    (
        "bounded",
        "log_scale is bounded, by clamp or tanh: here the net's output is taken as it is, however large",
        *(_log_scale(lambda s, b=b: s.clamp(-b, b)) for b in (1, 2, 3, 4, 5, 7, 10, 20, 50)),
        *(_log_scale(lambda s, b=b: s.clamp(max=b)) for b in (1, 2, 3, 5, 10, 20, 50)),
        *(_log_scale(lambda s, b=b: s.clamp(min=-b)) for b in (1, 2, 3, 5, 10, 20, 50)),
        *(_log_scale(lambda s, b=b: s.clamp(-b, 2)) for b in (5, 10, 20)),
        *(_log_scale(lambda s, b=b: b * torch.tanh(s)) for b in (1, 2, 3, 5)),
        *(_log_scale(lambda s, b=b: b * torch.tanh(s / b)) for b in (2, 3, 5, 10)),
        *(_log_scale(lambda s, b=b: 2 * b / math.pi * torch.atan(s / b)) for b in (1, 1.9, 2, 5)),
        *(_answer(z=lambda v, s, t, b=b: torch.exp(s.clamp(-b, b)) * v + t) for b in (1, 2, 3, 5, 10, 20, 50)),
        *(_answer(ladj=lambda s, t, b=b: s.clamp(-b, b).sum(1)) for b in (1, 2, 3, 5, 10, 20, 50)),
    ),
    (
        "decode",
        "this is decode: encode multiplies by exp(log_scale) and then adds the shift",
        _answer(z=lambda v, s, t: (v - t) * torch.exp(-s), ladj=lambda s, t: -s.sum(1)),
        _answer(z=lambda v, s, t: (v - t) * torch.exp(-s)),
    ),
    (
        "sign",
        "the sign of log_scale: encode multiplies by exp(+log_scale), and ladj is + its sum",
        _answer(ladj=lambda s, t: -s.sum(1)),
        _answer(z=lambda v, s, t: torch.exp(-s) * v + t),
        _log_scale(lambda s: -s),
    ),
    (
        "abs",
        "ladj with an absolute value: it may be negative",
        _answer(ladj=lambda s, t: s.abs().sum(1)),
        _answer(ladj=lambda s, t: s.sum(1).abs()),
    ),
    (
        "shift_first",
        "the order: scale first, then shift; here the shift is scaled too",
        _answer(z=lambda v, s, t: torch.exp(s) * (v + t)),
    ),
    ("shift_sign", "the sign of the shift: encode adds it", _answer(z=lambda v, s, t: torch.exp(s) * v - t)),
    ("no_shift", "the shift is missing", _answer(z=lambda v, s, t: torch.exp(s) * v)),
    ("no_scale", "the scale is missing: multiply by exp(log_scale) first", _answer(z=lambda v, s, t: v + t)),
    (
        "context_counted",
        "the context is counted in ladj: dz/dx is taken at a fixed c, which adds nothing",
        _right(lambda z, ladj, x, c: (z, ladj + c.sum(1))),
    ),
    (
        "context_in_z",
        "the context is in z: it is seen, not transformed, and z has the D features of x",
        _with_context(lambda kept, moved, c: (kept, c, moved)),
        _with_context(lambda kept, moved, c: (kept, moved, c)),
    ),
    (
        "context_added",
        "the context is added to z: it acts through the net only",
        _with_context(lambda kept, moved, c: (kept, moved + c.mean(1, keepdim=True))),
    ),
    (
        "shift_counted",
        "the shift does not change a volume: ladj is the sum of log_scale alone",
        _answer(ladj=lambda s, t: (s + t).sum(1)),
    ),
    ("mean", "a mean over the moved features: log-dets of factors add", _answer(ladj=lambda s, t: s.mean(1))),
    ("not_log", "ladj is the sum of log_scale as it is, without exp", _answer(ladj=lambda s, t: s.exp().sum(1))),
    (
        "product",
        "a product of many scales is 0 in floating point, and its log -inf: add the log_scale",
        _answer(ladj=lambda s, t: s.exp().prod(1).log()),
    ),
    ("determinant", "this is the determinant: ladj is its logarithm", _answer(ladj=lambda s, t: s.sum(1).exp())),
    (
        "whole_batch",
        "ladj is summed over the batch as well: one number for each row",
        _answer(ladj=lambda s, t: s.sum()),
    ),
    (
        "over_batch",
        "ladj is summed over the batch (dim 0): sum over the features, dim 1",
        _answer(ladj=lambda s, t: s.sum(0)),
    ),
    ("per_feature", "the sum over the moved features (dim 1) is missing in ladj", _answer(ladj=lambda s, t: s)),
    (
        "moved_only",
        "the moved features alone: z has all D features",
        _right(lambda z, ladj, x, c: (z[:, x.shape[1] // 2 :], ladj)),
    ),
    (
        "moved_before_kept",
        "the parts are joined in the wrong order: the kept features come first",
        _right(lambda z, ladj, x, c: (z.roll(x.shape[1] - x.shape[1] // 2, 1), ladj)),
    ),
    ("pair_order", "the pair is the wrong way round: (z, ladj)", _right(lambda z, ladj, x, c: (ladj, z))),
    ("z_only", "z alone: return the pair (z, ladj)", _right(lambda z, ladj, x, c: z)),
    ("ladj_only", "ladj alone: return the pair (z, ladj)", _right(lambda z, ladj, x, c: ladj)),
)

EXERCISE = Exercise(
    id="10.coupling",
    title="A coupling that sees a context",
    level="core",
    minutes=10,
    points=2,
    anchor="sec-10-coupling",
    task=TASK,
    hints=HINTS,
    references=(conditional_encode,),
    returns=("z (N, D)", "ladj (N,)"),
    cases=cases,
    mistakes=mistakes_of(_ROWS),
    independent=jacobian_and_round_trip,
    gradient=("x", "c", "net"),
)
