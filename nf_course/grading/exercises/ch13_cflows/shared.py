"""13.shared: from one kind of data to the other through a latent that both share, in the direction that exists."""

import torch

from nf_course.grading.exercise import Case, Exercise, Finding, mistakes_of
from nf_course.grading.parts import Layer

TASK = r"""
Two flows lead to one latent space, $f_1 : \mathcal{X}_1 \to \mathcal{Z}$ and $f_2 : \mathcal{X}_2 \to \mathcal{Z}$. To
turn $x_1$ into $x_2$, the lecture notes write $z = f_1^{-1}(x_1)$ and $x_2 = f_2(z)$; but $f_1^{-1}$ takes latents,
not data. The direction that exists is

$$z = f_1(x_1), \qquad x_2 = f_2^{-1}(z)$$

Each flow is a list of layers here, the data's side first. So $f_1$ is the layers of `first`, one after the other, and
$f_2$ those of `second`; the lists need not be equally long. `layer.encode(x)` returns the pair `(z, ladj)` and
`layer.decode(z)` the pair `(x, ladj)`, each `ladj` that of the map just made, of shape `(N,)`. `x1` has shape `(N, D)`.
Return the pair `(x2, ladj)`: $x_2$ of shape `(N, D)`, and $\log \left| \det \partial x_2 / \partial x_1 \right|$ of the
whole way, of shape `(N,)`.
"""

HINTS = (
    "Data in, latent out, data out again: which flow is encoded, which decoded, and in which order does each of them "
    "run through its layers?",
    "layer.encode for each layer of first; then layer.decode for each of reversed(second). Every step brings its ladj, "
    "and all of them are added: decode's has its sign already.",
    "Start with ladj = torch.zeros_like(x1[:, 0]). In both loops: x, more = layer.encode(x) or layer.decode(x), and "
    "then ladj = ladj + more.",
)


def to_second(x1, first, second):
    x, ladj = x1, torch.zeros_like(x1[:, 0])
    for layer in first:
        x, more = layer.encode(x)
        ladj = ladj + more
    for layer in reversed(second):
        x, more = layer.decode(x)
        ladj = ladj + more
    return x, ladj


def _flow(draw, name, d, count):
    """Wide matrices: decode divides by them, so that sinh after sinh stays within bounds."""
    return [
        Layer(f"{name}[{k}]", draw.matrix(d, sign=(-1) ** k, scale=2.5), draw.uniform(0.2, 0.8, d))
        for k in range(count)
    ]


def cases(draw):
    """As many layers on either side and not, one row, one number, layers that differ; one layer each, a linear way."""
    return [
        Case((draw.normal(n, d), _flow(draw, "first", d, one), _flow(draw, "second", d, other)))
        for n, d, one, other in ((6, 3, 2, 2), (1, 4, 1, 2), (5, 2, 3, 1), (3, 1, 2, 2), (2, 5, 1, 1))
    ]


def there_and_back(ask, draw):
    """The way back by the same lists exchanged, slogdet of the way by autograd, and a flow into itself: nothing."""
    x1, first, second = cases(draw)[0].args
    x2, ladj = ask(x1, first, second)
    back, back_ladj = ask(x2, second, first)
    error = max((back - x1).abs().max().item(), (ladj + back_ladj).abs().max().item())
    if not error < 1e-5:
        return Finding("property", "x1 again, and a ladj of 0 in all, with first and second exchanged", f"{error:.2g}")

    def way(x):
        h = x[None]
        for layer in first:
            h = layer.encode(h)[0]
        for layer in second[::-1]:
            h = layer.decode(h)[0]
        return h[0]

    want = torch.linalg.slogdet(torch.autograd.functional.jacobian(way, x1[0]))[1].item()
    if abs(ladj[0].item() - want) > 1e-5 * (1 + abs(want)):
        return Finding("property", f"{want:.4f}, slogdet of dx2/dx1 by autograd", f"{ladj[0].item():.4f}")
    x2, ladj = ask(x1, first, list(first))
    if not max((x2 - x1).abs().max().item(), ladj.abs().max().item()) < 1e-5:
        return Finding("property", "x1 itself and a ladj of 0, where both flows are the same", "something else")
    return None


def _run(x, layers, method):
    """Through layers in the order given, all with one method: where it ends, the ladjs, and the stops before each."""
    ladjs, stops = [], []
    for layer in layers:
        stops.append(x)
        x, ladj = getattr(layer, method)(x)
        ladjs.append(ladj)
    return x, ladjs, stops


def _way(there, back, *, flip_first=False, flip_second=True, exchange=False):
    """Other methods and orders, each ladj that comes on the way added."""

    def answer(x1, first, second):
        first, second = (second, first) if exchange else (first, second)
        z, more, _ = _run(x1, first[::-1] if flip_first else first, there)
        x2, rest, _ = _run(z, second[::-1] if flip_second else second, back)
        return x2, sum(more + rest)

    return answer


def _ladj(combine):
    """The right x2, and a ladj `combine(of encode, of decode)` of two lists."""

    def answer(x1, first, second):
        z, more, _ = _run(x1, first, "encode")
        x2, rest, _ = _run(z, second[::-1], "decode")
        return x2, combine(more, rest)

    return answer


def _at_one_point(x1, first, second):
    """The right x2, and every ladj taken at the start of its flow."""
    z = _run(x1, first, "encode")[0]
    ladj = sum(layer.encode(x1)[1] for layer in first) + sum(layer.decode(z)[1] for layer in second)
    return to_second(x1, first, second)[0], ladj


def _right(change):
    return lambda x1, first, second: change(*to_second(x1, first, second), x1)


def _latent(x1, first, second):
    z, more, _ = _run(x1, first, "encode")
    return z, sum(more)


def _one_layer(pick_first, pick_second):
    return lambda x1, first, second: to_second(x1, pick_first(first), pick_second(second))


def _whole(items):
    return items


def _in_turn(turn):
    """One layer of either flow after the other, as far as the shorter list goes."""

    def answer(x1, first, second):
        x, ladj = x1, 0.0
        for one, other in zip(first, turn(second)):
            x, more = one.encode(x)
            x, rest = other.decode(x)
            ladj = ladj + more + rest
        return x, ladj

    return answer


def _one_step_late(x1, first, second):
    """The right x2, and every ladj taken where its layer has ended."""
    z, _, stops = _run(x1, first, "encode")
    x2, _, others = _run(z, second[::-1], "decode")
    ladj = sum(layer.encode(x)[1] for layer, x in zip(first, [*stops[1:], z]))
    return x2, ladj + sum(layer.decode(x)[1] for layer, x in zip(second[::-1], [*others[1:], x2]))


def _not_unpacked(x1, first, second):
    for layer in first:
        x1 = layer.encode(x1)
    return second[-1].decode(x1)


_ROWS = (
    (
        "notes",
        "the direction in the notes: f_1^-1 takes latents, and x1 is data; encode it with first, then decode",
        _way("decode", "encode", flip_first=True, flip_second=False),
        _way("decode", "encode"),
        _way("decode", "encode", flip_second=False),
    ),
    (
        "encoded_twice",
        "encoded twice, by first and by second: from the latent to x2 leads decode",
        _way("encode", "encode", flip_second=False),
        _way("encode", "encode"),
    ),
    (
        "decoded_twice",
        "x1 is decoded: it is data, and first.encode leads to its latent",
        _way("decode", "decode", flip_first=True),
        _way("decode", "decode"),
    ),
    (
        "exchanged",
        "first and second are exchanged: x1 belongs to first, x2 to second",
        _way("encode", "decode", exchange=True),
    ),
    (
        "not_reversed",
        "decode runs through the layers of second from the last to the first: reversed(second)",
        _way("encode", "decode", flip_second=False),
    ),
    (
        "interleaved",
        "layers of first and second take turns: all of first come first, then all of second from the last",
        _in_turn(_whole),
        _in_turn(reversed),
    ),
    (
        "first_reversed",
        "encode runs through the layers of first as they stand, data's side first",
        _way("encode", "decode", flip_first=True),
        _way("encode", "decode", flip_first=True, flip_second=False),
    ),
    ("latent", "this is z, where the first flow ends: decode it with second", _latent),
    (
        "same_flow",
        "one flow there and back gives x1 again: encode with first, decode with second",
        _right(lambda x2, ladj, x1: (x1, 0 * ladj)),
        _right(lambda x2, ladj, x1: (x1, ladj)),
        lambda x1, first, second: to_second(x1, first, first),
    ),
    (
        "not_encoded",
        "x1 is taken for a latent: encode it with first before you decode",
        lambda x1, first, second: to_second(x1, [], second),
    ),
    (
        "one_layer",
        "layers are left out: the loops run over all of first, and over all of second",
        _one_layer(lambda f: f[:1], _whole),
        _one_layer(lambda f: f[-1:], _whole),
        _one_layer(_whole, lambda s: s[:1]),
        _one_layer(_whole, lambda s: s[-1:]),
        _one_layer(lambda f: f[:1], lambda s: s[:1]),
        _one_layer(lambda f: f[:1], lambda s: s[-1:]),
        _one_layer(lambda f: f[-1:], lambda s: s[-1:]),
    ),
    (
        "decode_subtracted",
        "decode's ladj is subtracted: it belongs to the map from z to x2 and has its sign already; add it",
        _ladj(lambda more, rest: sum(more) - sum(rest)),
    ),
    (
        "encode_subtracted",
        "encode's ladj is subtracted: the way starts with that map, so it is added",
        _ladj(lambda more, rest: sum(rest) - sum(more)),
    ),
    ("negated", "the sign of ladj, all of it: this is that of the way back", _ladj(lambda m, r: -sum(m) - sum(r))),
    ("encode_only", "ladj ends at z: decode's, from z to x2, belongs to it too", _ladj(lambda m, r: sum(m))),
    ("decode_only", "ladj starts at z: encode's, from x1 to z, belongs to it too", _ladj(lambda m, r: sum(r))),
    (
        "not_summed",
        "ladj of some layers is lost: add up that of every step",
        _ladj(lambda more, rest: rest[-1]),
        _ladj(lambda more, rest: more[-1] + rest[-1]),
        _ladj(lambda more, rest: more[0] + rest[0]),
        _ladj(lambda more, rest: more[-1] + sum(rest)),
        _ladj(lambda more, rest: sum(more) + rest[-1]),
        _ladj(lambda more, rest: more[0] + sum(rest)),
        _ladj(lambda more, rest: sum(more) + rest[0]),
    ),
    (
        "at_one_point",
        "ladj is taken at another point: each belongs where the step before has ended, and its own begins",
        _at_one_point,
        _one_step_late,
        lambda x1, f, s: (to_second(x1, f, s)[0], sum(g.encode(x1)[1] for g in f) - sum(g.encode(x1)[1] for g in s)),
    ),
    (
        "multiplied",
        "ladjs are multiplied: determinants are, and their logarithms add",
        _ladj(lambda m, r: sum(m) * sum(r)),
    ),
    ("no_log", "this is the determinant: its logarithm is asked for", _ladj(lambda m, r: (sum(m) + sum(r)).exp())),
    (
        "absolute",
        "an absolute value of ladj: the bars stand inside the logarithm",
        _ladj(lambda more, rest: (sum(more) + sum(rest)).abs()),
        _ladj(lambda more, rest: sum(item.abs() for item in more + rest)),
    ),
    (
        "over_batch",
        "ladj is summed or averaged over the batch: each row has its own",
        _ladj(lambda more, rest: (sum(more) + sum(rest)).sum()),
        _ladj(lambda more, rest: (sum(more) + sum(rest)).mean()),
        _ladj(lambda more, rest: (sum(more) + sum(rest)).mean().expand_as(more[0])),
        _ladj(lambda more, rest: (sum(more) + sum(rest)).sum().expand_as(more[0])),
    ),
    ("no_volume", "ladj is 0 only where the way keeps volumes: add that of every step", _ladj(lambda m, r: 0 * m[0])),
    ("pair_order", "the pair is the wrong way round: (x2, ladj)", _right(lambda x2, ladj, x1: (ladj, x2))),
    ("x2_only", "x2 alone: return the pair (x2, ladj)", _right(lambda x2, ladj, x1: x2)),
    ("ladj_only", "ladj alone: return the pair (x2, ladj)", _right(lambda x2, ladj, x1: ladj)),
    (
        "not_unpacked",
        "encode returns a pair: unpack it, x, more = layer.encode(x)",
        _not_unpacked,
    ),
)

EXERCISE = Exercise(
    id="13.shared",
    title="Across, through a shared latent",
    level="core",
    minutes=10,
    points=2,
    anchor="sec-13-shared",
    task=TASK,
    hints=HINTS,
    references=(to_second,),
    returns=("x2 (N, D)", "ladj (N,)"),
    cases=cases,
    mistakes=mistakes_of(_ROWS),
    independent=there_and_back,
    gradient=("x1", "first", "second"),
)
