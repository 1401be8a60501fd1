"""13.layers: log p(x2 | x1) of two flows that are joined layer by layer."""

import math

import torch

from nf_course.grading.exercise import Case, Exercise, Finding, mistakes_of
from nf_course.grading.parts import Base, ContextLayer, Layer

TASK = r"""
A C-Flow joins two flows layer by layer. The source layers $s_1, \dots, s_L$ carry $x_1$ along, and each of the target
layers $t_1, \dots, t_L$ sees what the source has made of $x_1$ by then:

$$\begin{gathered}
h^0 = x_1, \qquad h^l = s_l(h^{l-1}), \\
x_2^0 = x_2, \qquad x_2^l = t_l\bigl(x_2^{l-1};\ h^{l-1}\bigr), \qquad z = x_2^L, \\
\log p(x_2 \mid x_1) = \log p(z) + \sum_{l=1}^{L} \log \left| \det
\frac{\partial x_2^l}{\partial x_2^{l-1}} \right|
\end{gathered}$$

`x2` has shape `(N, D2)` and `x1` has shape `(N, D1)`; the two sizes may differ. `source` and `target` are lists of as
many layers, $l = 1$ first. `s.encode(h)` of a source layer returns the pair $s(h)$, `(N, D1)`, and its `ladj`;
`t.encode(x, h)` of a target layer returns the pair $t(x; h)$, `(N, D2)`, and its `ladj`. `base.log_prob(z)` is
$\log p(z)$. All log-determinants and log-densities have shape `(N,)`. Return $\log p(x_2 \mid x_1)$, shape `(N,)`.
"""

HINTS = (
    "For a given x1 all the h are constants. Whose ladj then belongs to a density of x2, and at which h does each "
    "target layer look?",
    "zip(source, target) walks through both lists at once. Within a step the target layer comes first: it sees the h "
    "from before the source layer.",
    "In each step: x2, more = t.encode(x2, h); ladj = ladj + more; h, _ = s.encode(h). At the end base.log_prob(x2) + "
    "ladj.",
)


def layered_log_prob(x2, x1, source, target, base):
    h, ladj = x1, torch.zeros_like(x2[:, 0])
    for s, t in zip(source, target):
        x2, more = t.encode(x2, h)
        ladj = ladj + more
        h, _ = s.encode(h)
    return base.log_prob(x2) + ladj


def _joined(draw, d1, d2, count):
    source = [
        Layer(f"source[{k}]", draw.matrix(d1, sign=(-1) ** k, scale=1.5), draw.uniform(0.3, 1.2, d1))
        for k in range(count)
    ]
    target = [
        draw.coupling(f"target[{k}]", draw.mask(d2, d2 // 2 if k % 2 else (d2 + 1) // 2), context=d1)
        for k in range(count)
    ]
    if count > 1:  # a coupling has the same ladj at what goes in and at what comes out: a curved layer has not
        name, weight = f"target[{count - 1}]", draw.normal(d2, d1)
        target[-1] = ContextLayer(name, draw.matrix(d2, scale=1.5), weight, draw.uniform(0.3, 1.2, d2))
    return source, target


def cases(draw):
    """x1 smaller than x2, larger, one number, as large; one to four layers; one row."""
    made = []
    for n, d1, d2, count in ((6, 2, 4, 3), (1, 3, 2, 2), (4, 1, 3, 4), (5, 3, 3, 2), (3, 4, 2, 1)):
        source, target = _joined(draw, d1, d2, count)
        made.append(
            Case(
                (1.5 * draw.normal(n, d2), draw.normal(n, d1), source, target, Base("base", draw.uniform(2.0, 9.0, d2)))
            )
        )
    return made


def sampled_and_conditional(ask, draw):
    """Through decode, from noise to x2; and what the last source layer does changes nothing."""
    x2, x1, source, target, base = cases(draw)[0].args
    seen = [x1]
    for s in source[:-1]:
        seen.append(s.encode(seen[-1])[0])
    z = draw.normal(*x2.shape)
    x, volume = z, 0.0
    for t, h in list(zip(target, seen))[::-1]:
        x, ladj = t.decode(x, h)
        volume = volume + ladj
    want, got = base.log_prob(z) - volume, ask(x, x1, source, target, base)
    if not torch.allclose(got, want, rtol=1e-5, atol=1e-5):
        return Finding("property", f"{want[0].item():.4f}, through decode, from noise", f"{got[0].item():.4f}")
    other, _ = _joined(draw, x1.shape[1], x2.shape[1], len(source))
    same = ask(x, x1, [*source[:-1], other[0]], target, base)
    if not torch.allclose(same, got, rtol=1e-5, atol=1e-5):
        return Finding("property", "the same with another last source layer, which nobody sees", "another number")
    return None


def _stops(x2, x1, source, target, *, seen=lambda h, k: h[k]):
    """Where the target ends, its ladjs, its stops, and the source's h_0 ... h_L with theirs."""
    h, source_ladjs, stops, ladjs = [x1], [], [x2], []
    for s in source:
        z, ladj = s.encode(h[-1])
        h.append(z)
        source_ladjs.append(ladj)
    for k, t in enumerate(target):
        z, ladj = t.encode(stops[-1], seen(h, k))
        stops.append(z)
        ladjs.append(ladj)
    return stops, ladjs, h, source_ladjs


def _of(formula):
    """`formula(stops, ladjs, h, ladjs of the source, base)`."""

    def answer(x2, x1, source, target, base):
        return formula(*_stops(x2, x1, source, target), base)

    return answer


def _seen(seen):
    """Target layers look at another h: `seen(h, k)` for layer k, counted from 0."""

    def answer(x2, x1, source, target, base):
        stops, ladjs, *_ = _stops(x2, x1, source, target, seen=seen)
        return base.log_prob(stops[-1]) + sum(ladjs)

    return answer


def _lists(change_source, change_target):
    return lambda x2, x1, source, target, base: layered_log_prob(
        x2, x1, change_source(source), change_target(target), base
    )


def _same(items):
    return items


def _turned(items):
    return items[::-1]


def _methods(source_method, target_method, turn=_same, sign=1):
    def answer(x2, x1, source, target, base):
        h, ladj = [x1], 0.0
        for s in source:
            h.append(getattr(s, source_method)(h[-1])[0])
        for t, seen in turn(list(zip(target, h))):
            x2, more = getattr(t, target_method)(x2, seen)
            ladj = ladj + more
        return base.log_prob(x2) + sign * ladj

    return answer


def _each_from_x1(x2, x1, source, target, base):
    """Every source layer starts from x1."""
    h = [x1] + [s.encode(x1)[0] for s in source]
    ladj = 0.0
    for t, seen in zip(target, h):
        x2, more = t.encode(x2, seen)
        ladj = ladj + more
    return base.log_prob(x2) + ladj


def _each_at_x2(x2, x1, source, target, base):
    """Every target layer starts from x2."""
    h, ladj = x1, 0.0
    for s, t in zip(source, target):
        z, more = t.encode(x2, h)
        ladj = ladj + more
        h, _ = s.encode(h)
    return base.log_prob(z) + ladj


def _normal(z):
    return (-0.5 * z.square() - 0.5 * math.log(2 * math.pi)).sum(1)


def _exchanged(x2, x1, source, target, base):
    return layered_log_prob(x1, x2, source, target, base)


def _target_leads(x2, x1, source, target, base):
    """The source is given what the target has made of x2."""
    h, ladj = x1, 0.0
    for s, t in zip(source, target):
        x2, more = t.encode(x2, h)
        ladj = ladj + more
        h, _ = s.encode(x2)
    return base.log_prob(x2) + ladj


def _after_the_step(x2, x1, source, target, base):
    """Each ladj is taken where the target layer has arrived."""
    stops, _, h, _ = _stops(x2, x1, source, target)
    return base.log_prob(stops[-1]) + sum(t.encode(x, c)[1] for t, x, c in zip(target, stops[1:], h))


_ROWS = (
    (
        "after_the_step",
        "ladj is taken at what a target layer has returned: it belongs to the x2 that the layer was given",
        _after_the_step,
    ),
    (
        "source_counted",
        "ladj of the source is counted: for a given x1 its outputs are constants, and add nothing to log p(x2 | x1)",
        _of(lambda x, l, h, m, base: base.log_prob(x[-1]) + sum(l) + sum(m)),
        _of(lambda x, l, h, m, base: base.log_prob(x[-1]) + sum(l) + sum(m[:-1])),
        _of(lambda x, l, h, m, base: base.log_prob(x[-1]) + sum(l) - sum(m)),
        _of(lambda x, l, h, m, base: base.log_prob(x[-1]) + sum(l) - sum(m[:-1])),
    ),
    (
        "source_only",
        "this is ladj of the source: the target's is asked for, x2 is what is modelled",
        _of(lambda x, l, h, m, base: base.log_prob(x[-1]) + sum(m)),
        _of(lambda x, l, h, m, base: sum(m)),
    ),
    (
        "joint",
        "a density of x1 is added: x1 is given, and log p(x2 | x1) has a base for x2 alone",
        _of(lambda x, l, h, m, base: base.log_prob(x[-1]) + sum(l) + _normal(h[-1]) + sum(m)),
        _of(lambda x, l, h, m, base: base.log_prob(x[-1]) + sum(l) + _normal(h[-1])),
        _of(lambda x, l, h, m, base: base.log_prob(x[-1]) + sum(l) - _normal(h[-1]) - sum(m)),
    ),
    (
        "one_late",
        "each target layer sees one source layer too many: t_l sees h^(l-1), from before s_l, and t_1 sees x1 itself",
        _seen(lambda h, k: h[k + 1]),
    ),
    (
        "x1_for_all",
        "every target layer sees x1: t_l sees h^(l-1), what the source layers have made of it by then",
        _seen(lambda h, k: h[0]),
    ),
    (
        "last_for_all",
        "every target layer sees where the source ends: t_l sees h^(l-1), what it is by then",
        _seen(lambda h, k: h[-1]),
        _seen(lambda h, k: h[-2]),
    ),
    (
        "other_end",
        "the source is seen from its other end: t_1 sees x1, and the last target layer what s_(L-1) has made",
        _seen(lambda h, k: h[len(h) - 2 - k]),
        _seen(lambda h, k: h[len(h) - 1 - k]),
    ),
    (
        "each_from_x1",
        "every source layer starts from x1: it takes what the one before has made, h^l = s_l(h^(l-1))",
        _each_from_x1,
    ),
    ("each_at_x2", "every target layer starts from x2: it takes what the one before has made", _each_at_x2),
    (
        "source_sees_target",
        "a source layer is given what became of x2: it takes h alone, or x1 could not be carried along without x2",
        _target_leads,
    ),
    (
        "exchanged",
        "x1 and x2 are exchanged: x1 goes through source, x2 through target",
        _exchanged,
        lambda x2, x1, source, target, base: layered_log_prob(x2, x1, target, source, base),
    ),
    (
        "reversed_target",
        "the target layers run from the last to the first: encode starts with the first",
        _lists(_same, _turned),
        _methods("encode", "encode", _turned),
    ),
    (
        "reversed_source",
        "the source layers run from the last to the first: h^1 is made by the first",
        _lists(_turned, _same),
    ),
    ("reversed_both", "both lists are turned round: encode starts with the first layers", _lists(_turned, _turned)),
    (
        "decoded",
        "decode leads from noise to x2: a density needs encode",
        *(
            _methods(s, "decode", turn, sign)
            for s in ("encode", "decode")
            for turn in (_same, _turned)
            for sign in (1, -1)
        ),
    ),
    ("source_decoded", "the source is decoded: h^l = s_l(h^(l-1)) is its encode", _methods("decode", "encode")),
    (
        "ladj_sign",
        "the sign of ladj: encode's is added as it is, and log p(z) is too",
        _of(lambda x, l, h, m, base: base.log_prob(x[-1]) - sum(l)),
        _of(lambda x, l, h, m, base: base.log_prob(x[-1]) + sum(l).abs()),
        _of(lambda x, l, h, m, base: sum(l) - base.log_prob(x[-1])),
    ),
    ("no_ladj", "ladj of the target layers is missing", _of(lambda x, l, h, m, base: base.log_prob(x[-1]))),
    ("ladj_only", "the base is missing: log p(z) is base.log_prob(z)", _of(lambda x, l, h, m, base: sum(l))),
    (
        "one_ladj",
        "ladj of one layer alone: they add up over all target layers",
        _of(lambda x, l, h, m, base: base.log_prob(x[-1]) + l[-1]),
        _of(lambda x, l, h, m, base: base.log_prob(x[-1]) + l[0]),
    ),
    (
        "mean_ladj",
        "a mean of the ladjs: log-dets of layers add",
        _of(lambda x, l, h, m, base: base.log_prob(x[-1]) + sum(l) / len(l)),
    ),
    (
        "at_x2",
        "the base is asked at x2: it belongs to z, where the last target layer ends",
        _of(lambda x, l, h, m, base: base.log_prob(x[0]) + sum(l)),
    ),
    (
        "every_stop",
        "the base is asked at every stop: z alone, where the last target layer ends, has its density",
        _of(lambda x, l, h, m, base: sum(base.log_prob(z) for z in x[1:]) + sum(l)),
    ),
    (
        "base_at_h",
        "the base is asked where the source ends: it belongs to z, where the target ends",
        _of(lambda x, l, h, m, base: base.log_prob(h[-1]) + sum(l)),
    ),
    (
        "standard_normal",
        "the base is not a standard normal here: ask base.log_prob(z)",
        _of(lambda x, l, h, m, base: _normal(x[-1]) + sum(l)),
        _of(lambda x, l, h, m, base: -0.5 * x[-1].square().sum(1) + sum(l)),
    ),
    (
        "layer_left_out",
        "a layer is left out: the last target layer belongs to it too",
        _lists(lambda s: s[:-1], _same),
        _lists(_same, lambda t: t[1:]),
        _of(lambda x, l, h, m, base: base.log_prob(x[-1]) + sum(l[:-1])),
    ),
    (
        "one_context",
        "one x1 for the whole batch: each row has its own",
        lambda x2, x1, s, t, base: layered_log_prob(x2, x1[:1].expand_as(x1), s, t, base),
        lambda x2, x1, s, t, base: layered_log_prob(x2, x1.mean(0, keepdim=True).expand_as(x1), s, t, base),
        _seen(lambda h, k: h[k][:1].expand_as(h[k])),
    ),
    (
        "no_context",
        "the target layers are given no context, or zeros: t.encode(x2, h)",
        lambda x2, x1, source, target, base: target[0].encode(x2),
        _seen(lambda h, k: 0 * h[k]),
    ),
    (
        "not_unpacked",
        "encode returns a pair: unpack it, h, _ = s.encode(h)",
        _seen(lambda h, k: (h[k], 0) if k else h[k]),
    ),
    (
        "over_batch",
        "ladj is summed or averaged over the batch: each row has its own",
        _of(lambda x, l, h, m, base: base.log_prob(x[-1]) + sum(l).sum()),
        _of(lambda x, l, h, m, base: base.log_prob(x[-1]) + sum(l).mean()),
        _of(lambda x, l, h, m, base: (base.log_prob(x[-1]) + sum(l)).mean()),
        _of(lambda x, l, h, m, base: (base.log_prob(x[-1]) + sum(l)).sum()),
    ),
    ("negated", "this is -log p(x2 | x1): no minus sign", _of(lambda x, l, h, m, base: -base.log_prob(x[-1]) - sum(l))),
    (
        "density",
        "this is p(x2 | x1): its logarithm is asked for",
        _of(lambda x, l, h, m, b: (b.log_prob(x[-1]) + sum(l)).exp()),
    ),
    (
        "latent",
        "this is z, or z with ladj: the log-density is asked for",
        _of(lambda x, l, h, m, base: x[-1]),
        _of(lambda x, l, h, m, base: (x[-1], sum(l))),
    ),
)

EXERCISE = Exercise(
    id="13.layers",
    title="Layer by layer",
    level="core",
    minutes=15,
    points=3,
    anchor="sec-13-layers",
    task=TASK,
    hints=HINTS,
    references=(layered_log_prob,),
    returns=("log_prob (N,)",),
    cases=cases,
    mistakes=mistakes_of(_ROWS),
    independent=sampled_and_conditional,
    gradient=("x2", "x1", "source", "target", "base"),
)
