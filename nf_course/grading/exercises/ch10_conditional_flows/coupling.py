"""10.coupling: an affine coupling whose network sees a context."""

import torch

from nf_course.grading.exercise import Case, Exercise, Finding, Mistake

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
    made = []
    for n, d, k in ((6, 4, 2), (1, 5, 3), (7, 3, 1), (3, 2, 4)):
        net = draw.net("net", d // 2 + k, 2 * (d - d // 2))
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


def _parts(x, c, net):
    d = x.shape[1] // 2
    log_scale, shift = net(torch.cat((x[:, :d], c), 1)).chunk(2, 1)
    return x[:, :d], x[:, d:], log_scale, shift


def _moved(formula):
    """Other moved features, `formula(moved, log_scale, shift)`, beside the right ladj."""

    def answer(x, c, net):
        kept, moved, s, t = _parts(x, c, net)
        return torch.cat((kept, formula(moved, s, t)), 1), s.sum(1)

    return answer


def _ladj(formula):
    """The right z, with `formula(log_scale, shift)` as ladj."""

    def answer(x, c, net):
        kept, moved, s, t = _parts(x, c, net)
        return torch.cat((kept, torch.exp(s) * moved + t), 1), formula(s, t)

    return answer


def _pair(z, ladj):
    def answer(x, c, net):
        kept, moved, s, t = _parts(x, c, net)
        return torch.cat((kept, z(moved, s, t)), 1), ladj(s, t)

    return answer


def _seen(seen):
    """A net that sees something else, `seen(kept, moved, c)`."""

    def answer(x, c, net):
        d = x.shape[1] // 2
        kept, moved = x[:, :d], x[:, d:]
        s, t = net(seen(kept, moved, c)).chunk(2, 1)
        return torch.cat((kept, torch.exp(s) * moved + t), 1), s.sum(1)

    return answer


def _upper_half(x, c, net):
    d = x.shape[1] - x.shape[1] // 2
    kept, moved = x[:, :d], x[:, d:]
    s, t = net(torch.cat((kept, c), 1)).chunk(2, 1)
    return torch.cat((kept, torch.exp(s) * moved + t), 1), s.sum(1)


def _moves_first(x, c, net):
    m = x.shape[1] - x.shape[1] // 2
    moved, kept = x[:, :m], x[:, m:]
    s, t = net(torch.cat((kept, c), 1)).chunk(2, 1)
    return torch.cat((torch.exp(s) * moved + t, kept), 1), s.sum(1)


def _interleaved(x, c, net):
    d = x.shape[1] // 2
    kept, moved = x[:, :d], x[:, d:]
    out = net(torch.cat((kept, c), 1))
    s, t = out[:, ::2], out[:, 1::2]
    return torch.cat((kept, torch.exp(s) * moved + t), 1), s.sum(1)


def _context_in_z(x, c, net):
    z, ladj = conditional_encode(x, c, net)
    d = x.shape[1] // 2
    return torch.cat((z[:, :d], c, z[:, d:]), 1), ladj


def _context_counted(x, c, net):
    z, ladj = conditional_encode(x, c, net)
    return z, ladj + c.sum(1)


def _context_added(x, c, net):
    """The context joins what is moved instead of what is seen: it shifts z as well."""
    z, ladj = conditional_encode(x, c, net)
    d = x.shape[1] // 2
    return torch.cat((z[:, :d], z[:, d:] + c.mean(1, keepdim=True)), 1), ladj


_NO_CONTEXT = "the context is not in what the net takes, one tensor: net(torch.cat((kept, c), 1))"
_SIGN = "the sign of log_scale: encode multiplies by exp(+log_scale), and ladj is + its sum"
_DECODE = "this is decode: encode multiplies by exp(log_scale) and then adds the shift"
_NOT_EXP = "the net returns the log of the scale: multiply by exp(log_scale)"
_EXCHANGED = "scale and shift are exchanged: the first half of the net's output is log s, the second t"

MISTAKES = (
    Mistake("no_context", _NO_CONTEXT, _seen(lambda kept, moved, c: kept)),
    Mistake(
        "zero_context",
        "the context is replaced by zeros: z must depend on c",
        _seen(lambda kept, moved, c: torch.cat((kept, 0 * c), 1)),
    ),
    Mistake(
        "context_first",
        "the order in cat: the kept features first, the context behind them",
        _seen(lambda kept, moved, c: torch.cat((c, kept), 1)),
    ),
    Mistake(
        "sees_moved",
        "the net sees the moved features: only what is kept can be seen by decode as well",
        _seen(lambda kept, moved, c: torch.cat((moved, c), 1)),
    ),
    Mistake(
        "sees_moved",
        "the net sees the moved features: only what is kept can be seen by decode as well",
        _seen(lambda kept, moved, c: torch.cat((moved[:, : kept.shape[1]], c), 1)),
    ),
    Mistake(
        "sees_all",
        "the net sees all of x: it takes the kept features and the context",
        _seen(lambda kept, moved, c: torch.cat((kept, moved, c), 1)),
    ),
    Mistake(
        "context_only",
        "the net sees the context alone: the kept features belong to it too",
        _seen(lambda kept, moved, c: c),
    ),
    Mistake(
        "along_the_batch",
        "cat along dim 0, the batch: put them side by side, along dim 1",
        _seen(lambda kept, moved, c: torch.cat((kept, c))),
    ),
    Mistake(
        "upper_half", "the halves: D // 2 features are kept, so that an odd D moves one more than it keeps", _upper_half
    ),
    Mistake(
        "moves_first",
        "the first features are moved: here the first D // 2 are kept, and the others moved",
        _moves_first,
    ),
    Mistake("exchanged", _EXCHANGED, _pair(lambda v, s, t: torch.exp(t) * v + s, lambda s, t: t.sum(1))),
    Mistake("exchanged", _EXCHANGED, _pair(lambda v, s, t: torch.exp(t) * v + s, lambda s, t: s.sum(1))),
    Mistake(
        "interleaved",
        "log s and t do not take turns: the first half of the net's output is log s, the second t",
        _interleaved,
    ),
    Mistake("not_exp", _NOT_EXP, _moved(lambda v, s, t: s * v + t)),
    Mistake("not_exp", _NOT_EXP, _pair(lambda v, s, t: s * v + t, lambda s, t: s.abs().log().sum(1))),
    Mistake("decode", _DECODE, _pair(lambda v, s, t: (v - t) * torch.exp(-s), lambda s, t: -s.sum(1))),
    Mistake("decode", _DECODE, _moved(lambda v, s, t: (v - t) * torch.exp(-s))),
    Mistake("sign", _SIGN, _ladj(lambda s, t: -s.sum(1))),
    Mistake("sign", _SIGN, _moved(lambda v, s, t: torch.exp(-s) * v + t)),
    Mistake("sign", _SIGN, _pair(lambda v, s, t: torch.exp(-s) * v + t, lambda s, t: -s.sum(1))),
    Mistake(
        "shift_first",
        "the order: scale first, then shift; here the shift is scaled too",
        _moved(lambda v, s, t: torch.exp(s) * (v + t)),
    ),
    Mistake("shift_sign", "the sign of the shift: encode adds it", _moved(lambda v, s, t: torch.exp(s) * v - t)),
    Mistake("no_shift", "the shift is missing", _moved(lambda v, s, t: torch.exp(s) * v)),
    Mistake("no_scale", "the scale is missing: multiply by exp(log_scale) first", _moved(lambda v, s, t: v + t)),
    Mistake(
        "context_counted",
        "the context is counted in ladj: dz/dx is taken at a fixed c, which adds nothing",
        _context_counted,
    ),
    Mistake(
        "context_in_z", "the context is in z: it is seen, not transformed, and z has the D features of x", _context_in_z
    ),
    Mistake(
        "context_in_z",
        "the context is in z: it is seen, not transformed, and z has the D features of x",
        lambda x, c, net: (torch.cat((conditional_encode(x, c, net)[0], c), 1), conditional_encode(x, c, net)[1]),
    ),
    Mistake("context_added", "the context is added to z: it acts through the net only", _context_added),
    Mistake(
        "shift_counted",
        "the shift does not change a volume: ladj is the sum of log_scale alone",
        _ladj(lambda s, t: (s + t).sum(1)),
    ),
    Mistake("mean", "a mean over the moved features: log-dets of factors add", _ladj(lambda s, t: s.mean(1))),
    Mistake("not_log", "ladj is the sum of log_scale as it is, without exp", _ladj(lambda s, t: s.exp().sum(1))),
    Mistake("determinant", "this is the determinant: ladj is its logarithm", _ladj(lambda s, t: s.sum(1).exp())),
    Mistake(
        "whole_batch", "ladj is summed over the batch as well: one number for each row", _ladj(lambda s, t: s.sum())
    ),
    Mistake(
        "over_batch",
        "ladj is summed over the batch (dim 0): sum over the features, dim 1",
        _ladj(lambda s, t: s.sum(0)),
    ),
    Mistake("per_feature", "the sum over the moved features (dim 1) is missing in ladj", _ladj(lambda s, t: s)),
    Mistake(
        "moved_only",
        "the moved features alone: z has all D features",
        lambda x, c, net: (conditional_encode(x, c, net)[0][:, x.shape[1] // 2 :], conditional_encode(x, c, net)[1]),
    ),
    Mistake(
        "moved_before_kept",
        "the parts are joined in the wrong order: the kept features come first",
        lambda x, c, net: (
            conditional_encode(x, c, net)[0].roll(x.shape[1] - x.shape[1] // 2, 1),
            conditional_encode(x, c, net)[1],
        ),
    ),
    Mistake("pair_order", "the pair is the wrong way round: (z, ladj)", lambda *args: conditional_encode(*args)[::-1]),
    Mistake("z_only", "z alone: return the pair (z, ladj)", lambda *args: conditional_encode(*args)[0]),
    Mistake("ladj_only", "ladj alone: return the pair (z, ladj)", lambda *args: conditional_encode(*args)[1]),
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
    mistakes=MISTAKES,
    independent=jacobian_and_round_trip,
    gradient=("x", "c", "net"),
)
