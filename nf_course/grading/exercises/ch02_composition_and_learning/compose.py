"""02.compose: encode through a list of layers, each log-determinant at the point that its layer receives."""

import torch

from nf_course.grading.exercise import Case, Exercise, Finding, Mistake
from nf_course.grading.parts import Layer

TASK = r"""
Send data through a list of invertible layers, the first one first, and account for the volume:

$$\begin{gathered}
h_0 = x, \qquad h_k = f_k(h_{k-1}), \qquad z = h_L, \\
\log \left| \det \frac{\partial z}{\partial x} \right| = \sum_{k=1}^{L} \log \left| \det J_{f_k}(h_{k-1}) \right|
\end{gathered}$$

`x` has shape `(N, D)`; `layers` holds $f_1, \dots, f_L$ in this order, at least one. Each of them has `encode(x)`,
which returns the pair `(z, ladj)` with `ladj` of shape `(N,)`, and `decode(z)`, which you need not call. Return the
pair `(z, ladj)` of the whole stack.
"""

HINTS = (
    "Two things change from layer to layer: the point, which is replaced, and the sum of the log-dets, which grows.",
    "One call of layer.encode gives both. Call it once for each layer, at the point where the layer before has ended.",
    "Start with a sum of zeros. For each layer: x, ladj = layer.encode(x), add ladj to the sum. Return x and the sum.",
)


def encode_all(x, layers):
    total = torch.zeros_like(x[:, 0])
    for layer in layers:
        x, ladj = layer.encode(x)
        total = total + ladj
    return x, total


def _layers(draw, d, count):
    """A list, as the task says. Curved, and none like another: a Jacobian of another point or order shows."""
    return [
        Layer(f"layers[{k}]", draw.matrix(d, sign=(-1) ** k, scale=1.5), draw.uniform(0.3, 1.2, d))
        for k in range(count)
    ]


def cases(draw):
    return [Case((draw.normal(n, d), _layers(draw, d, count))) for n, d, count in ((6, 3, 3), (1, 2, 1), (5, 4, 4))]


def inverse_and_jacobian(ask, draw):
    """Decode the z again, last layer first, and take slogdet of the full Jacobian of the stack by autograd."""
    x, layers = draw.normal(3, 3), _layers(draw, 3, 3)
    z, ladj = ask(x, layers)
    back = z
    for layer in reversed(layers):
        back, _ = layer.decode(back)
    error = (back - x).abs().max().item()
    if not error < 1e-5:
        return Finding("property", "decoding z gives x back", f"a difference of {error:.2g}")

    def whole(row):
        h = row[None]
        for layer in layers:
            h, _ = layer.encode(h)
        return h[0]

    for row in range(2):
        want = torch.linalg.slogdet(torch.autograd.functional.jacobian(whole, x[row]))[1].item()
        if abs(ladj[row].item() - want) > 1e-5 * (1 + abs(want)):
            return Finding("property", f"{want:.4f}, slogdet of the Jacobian by autograd", f"{ladj[row].item():.4f}")
    return None


def _stops(x, layers):
    """All stops h_0 to h_L and the log-dets between them."""
    stops, ladjs = [x], []
    for layer in layers:
        z, ladj = layer.encode(stops[-1])
        stops.append(z)
        ladjs.append(ladj)
    return stops, ladjs


def _ladj(combine):
    """An answer with the right z and another log-det, made of those of the layers."""

    def answer(x, layers):
        stops, ladjs = _stops(x, layers)
        return stops[-1], combine(ladjs)

    return answer


def _at(choose):
    """The right z, and each log-det taken at another point: `choose(stops, k)` for layer k, counted from 0."""

    def answer(x, layers):
        stops, _ = _stops(x, layers)
        return stops[-1], sum(layer.encode(choose(stops, k))[1] for k, layer in enumerate(layers))

    return answer


def _every_layer_sees_x(x, layers):
    return layers[-1].encode(x)[0], sum(layer.encode(x)[1] for layer in layers)


def _decodes(order):
    def answer(x, layers):
        total = torch.zeros_like(x[:, 0])
        for layer in order(layers):
            x, ladj = layer.decode(x)
            total = total + ladj
        return x, total

    return answer


def _product(ladjs):
    return torch.stack(ladjs).prod(0)


_NOT_ADDED = "the log-dets stand side by side: add them, one number for each row"
_SHORT = "a layer is left out: the loop runs over all of them, from the first to the last"
_ONE_TURN = "only the first layer is applied: does the return stand inside the loop?"
_ABSOLUTE = "the bars stand around the determinant, inside the logarithm: a log-det may be negative, add it as it is"
_SEES_X = "every layer starts from x: give it the point that the layer before has returned"

MISTAKES = (
    Mistake(
        "at_x",
        "all log-dets are taken at x: layer k's Jacobian belongs at h_(k-1), where the layer before has ended",
        _at(lambda stops, k: stops[0]),
    ),
    Mistake(
        "at_output",
        "each log-det is taken where its layer ends: it belongs where the layer starts; use the one that came with z",
        _at(lambda stops, k: stops[k + 1]),
    ),
    Mistake("last_only", "only the last layer's log-det is left: add them up", _ladj(lambda ladjs: ladjs[-1])),
    Mistake("first_only", "only the first layer's log-det is there: add them up", _ladj(lambda ladjs: ladjs[0])),
    Mistake(
        "mean",
        "the log-dets are averaged: they add, however many layers there are",
        _ladj(lambda ladjs: torch.stack(ladjs).mean(0)),
    ),
    Mistake("product", "the log-dets are multiplied: determinants multiply, their logarithms add", _ladj(_product)),
    Mistake(
        "negated",
        "the sign: encode's own log-dets are asked for, added as they are (decode's are their negatives)",
        _ladj(lambda ladjs: -sum(ladjs)),
    ),
    Mistake("absolute", _ABSOLUTE, _ladj(lambda ladjs: sum(ladj.abs() for ladj in ladjs))),
    Mistake("absolute", _ABSOLUTE, _ladj(lambda ladjs: sum(ladjs).abs())),
    Mistake("from_one", "the sum starts at 1: start it at 0", _ladj(lambda ladjs: 1 + sum(ladjs))),
    Mistake("not_log", "exp of the sum: the logarithm of the determinant is asked for", _ladj(lambda l: sum(l).exp())),
    Mistake(
        "whole_batch",
        "the sum runs over the batch as well: one number for each row, (N,)",
        _ladj(lambda ladjs: sum(ladjs).sum()),
    ),
    Mistake("not_added", _NOT_ADDED, _ladj(lambda ladjs: torch.stack(ladjs))),
    Mistake("not_added", _NOT_ADDED, _ladj(lambda ladjs: torch.stack(ladjs, 1))),
    Mistake("not_added", _NOT_ADDED, _ladj(lambda ladjs: torch.cat(ladjs))),
    Mistake(
        "reversed",
        "the layers run from the last to the first: that is decode's order, encode starts with layers[0]",
        lambda x, layers: encode_all(x, layers[::-1]),
    ),
    Mistake(
        "decodes",
        "this decodes: encode asks layer.encode, from the first layer to the last",
        _decodes(lambda layers: layers[::-1]),
    ),
    Mistake("decodes", "this decodes: encode asks layer.encode, from the first layer to the last", _decodes(tuple)),
    Mistake("every_layer_sees_x", _SEES_X, _every_layer_sees_x),
    Mistake("every_layer_sees_x", _SEES_X, lambda x, layers: layers[-1].encode(x)),
    Mistake("one_turn", _ONE_TURN, lambda x, layers: layers[0].encode(x)),
    Mistake("one_turn", _ONE_TURN, lambda x, layers: (layers[0].encode(x)[0], 0 * x[:, 0])),
    Mistake("left_out", _SHORT, lambda x, layers: encode_all(x, layers[:-1])),
    Mistake("left_out", _SHORT, lambda x, layers: encode_all(x, layers[1:])),
    Mistake(
        "x_returned", "the pair holds x: return where the last layer has ended", lambda *a: (a[0], encode_all(*a)[1])
    ),
    Mistake("pair_order", "the pair is the wrong way round: (z, ladj)", lambda *args: encode_all(*args)[::-1]),
    Mistake("z_only", "z alone: return the pair (z, ladj)", lambda *args: encode_all(*args)[0]),
    Mistake("ladj_only", "the log-det alone: return the pair (z, ladj)", lambda *args: encode_all(*args)[1]),
)

EXERCISE = Exercise(
    id="02.compose",
    title="Through a list of layers",
    level="core",
    minutes=10,
    points=2,
    anchor="sec-02-compose",
    task=TASK,
    hints=HINTS,
    references=(encode_all,),
    returns=("z (N, D)", "ladj (N,)"),
    cases=cases,
    mistakes=MISTAKES,
    independent=inverse_and_jacobian,
    gradient=("x", "layers"),
)
