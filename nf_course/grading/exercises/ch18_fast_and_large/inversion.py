"""18.inversion: the gradient of a whole stack by inversion, with one layer's graph at a time."""

import torch

from nf_course.grading.exercise import Case, Exercise, Finding, mistakes_of
from nf_course.grading.parts import Undoable

TASK = r"""
`layers` is a list of bijections in encode order, data first; `layer.encode(x)` gives `(z, ladj)`, `layer.decode(z)`
gives `(x, ladj)`. The loss depends on the last $z$ and on the total $\ell$ of all log-determinants. You are given `z`,
shape `(N, D)`, and the gradients of the loss with respect to both: `grad_z`, `(N, D)`, and `grad_ladj`, `(N,)`.

Go back through the stack. Return the pair `(x, grad_x)`, both `(N, D)`: the point that `z` came from, and the gradient
of the loss there. Keep one layer's graph at a time: `encode` refuses a point that has a graph behind it, and notices
when the points of more than a few layers are still held. Autograd may differentiate one `encode` at a time; each layer
is decoded once and encoded once.
"""

HINTS = (
    "The last layer comes first. What do you know once it is undone? What you knew at the start, one layer on.",
    "x = layer.decode(z)[0].detach().requires_grad_(), encode it again, and ask torch.autograd.grad for the gradient "
    "of both outputs with respect to x.",
    "grad_z, = torch.autograd.grad(layer.encode(x), x, (grad_z, grad_ladj)); z = x.detach(); on with the layer before.",
)


def gradient_by_inversion(layers, z, grad_z, grad_ladj):
    for layer in reversed(layers):
        with torch.no_grad():
            x, _ = layer.decode(z)
        x.requires_grad_()
        (grad_z,) = torch.autograd.grad(layer.encode(x), x, (grad_z, grad_ladj))
        z = x.detach()
    return z, grad_z


def cases(draw):
    """Six layers, one, two; one row, one feature."""
    made = []
    for count, n, d in ((6, 3, 4), (1, 4, 3), (2, 1, 5), (5, 2, 1), (7, 4, 2)):
        layers = [draw_layer(draw, k, d) for k in range(count)]
        z = draw.normal(n, d)
        for layer in layers:
            z, _ = layer.encode(z)
        made.append(Case((layers, z, draw.normal(n, d), draw.normal(n) - 0.5)))
    return made


def draw_layer(draw, k, features):
    return Undoable(f"layers[{k}]", draw.matrix(features, scale=1.3), draw.normal(features))


def evaluations(case, operators):
    """encode runs an asinh for each number, decode a sinh: once a layer, and some patience for a second time."""
    layers, z = case.args[0], case.args[1]
    for name, operator in (("encode", "asinh"), ("decode", "sinh")):
        _, numbers = operators.get(operator, (0, 0))
        if numbers > 2 * len(layers) * z.numel():
            got = f"{numbers // z.numel()} times {name} for {len(layers)} layers"
            return Finding("cost", "each layer decoded once and encoded once", got, likely=_AGAIN, mistake="cost")
    return None


_AGAIN = "the way back starts at the last z again for each layer: go on from the point that has just been found"


def against_autograd(ask, draw):
    """The gradient of a loss through the whole stack, its graph stored, by plain matrices."""
    n, d = 3, 3
    layers = [draw_layer(draw, k, d) for k in range(5)]
    x = draw.normal(n, d).requires_grad_()
    z, total = x, 0
    for layer in layers:
        y = z @ layer.matrix.T + layer.offset
        slope = torch.linalg.slogdet(layer.matrix)[1] - 0.5 * torch.log1p(y.square()).sum(1)
        z, total = torch.asinh(y), total + slope
    weights, ladj_weights = draw.normal(n, d), draw.normal(n)
    (wanted,) = torch.autograd.grad((weights * z).sum() + (ladj_weights * total).sum(), x)
    back, grad_x = ask(layers, z.detach(), weights, ladj_weights)
    if (back - x).abs().max() > 1e-5 * (1 + x.abs().max()):
        return Finding("property", "the x that z came from", f"off by {(back - x).abs().max().item():.2g}")
    if (grad_x - wanted).abs().max() > 1e-5 * (1 + wanted.abs().max()):
        return Finding("property", "autograd's gradient through the stack", "another one")
    return None


def _step(layer, z, grad_z, grad_ladj):
    with torch.no_grad():
        x, _ = layer.decode(z)
    x = x.detach().requires_grad_()
    out, ladj = layer.encode(x)
    return x, out, ladj, grad_z, grad_ladj


def _by(gradient, order=reversed, point=lambda x, z: x):
    """`gradient(x, out, ladj, grad_z, grad_ladj)` is what a layer hands on."""

    def answer(layers, z, grad_z, grad_ladj):
        for layer in order(layers):
            step = _step(layer, z, grad_z, grad_ladj)
            grad_z, z = gradient(*step), point(step[0].detach(), z)
        return z, grad_z

    return answer


def _right(x, out, ladj, grad_z, grad_ladj):
    return torch.autograd.grad((out, ladj), x, (grad_z, grad_ladj))[0]


def _ladj_first_only(layers, z, grad_z, grad_ladj):
    for place, layer in enumerate(reversed(layers)):
        x, out, ladj, *_ = _step(layer, z, grad_z, grad_ladj)
        weight = grad_ladj if place == 0 else 0 * grad_ladj
        (grad_z,) = torch.autograd.grad((out, ladj), x, (grad_z, weight))
        z = x.detach()
    return z, grad_z


def _all_at_once(layers, z, grad_z, grad_ladj):
    for layer in reversed(layers):
        z = layer.decode(z)[0].detach()
    x = z.requires_grad_()
    total = 0
    for layer in layers:
        z, ladj = layer.encode(z)
        total = total + ladj
    return x.detach(), torch.autograd.grad((z, total), x, (grad_z, grad_ladj))[0]


def _points_kept(layers, z, grad_z, grad_ladj):
    points = [z]
    for layer in reversed(layers):
        points.append(layer.decode(points[-1])[0].detach())
    for layer, x in zip(reversed(layers), points[1:]):
        x.requires_grad_()
        (grad_z,) = torch.autograd.grad(layer.encode(x), x, (grad_z, grad_ladj))
    return points[-1].detach(), grad_z


def _decode_only(layers, z, grad_z, grad_ladj):
    """The gradient through decode: of the inverse, which is another matrix."""
    for layer in reversed(layers):
        leaf = z.detach().requires_grad_()
        z, ladj = layer.decode(leaf)
        (grad_z,) = torch.autograd.grad((z, ladj), leaf, (grad_z, grad_ladj))
    return z.detach(), grad_z


def _forwards(layers, z, grad_z, grad_ladj):
    for layer in reversed(layers):
        x = z.detach().requires_grad_()
        (grad_z,) = torch.autograd.grad(layer.encode(x), x, (grad_z, grad_ladj))
        with torch.no_grad():
            z, _ = layer.decode(z)
    return z, grad_z


_ROWS = (
    (
        "order",
        "the last layer is undone first: reversed(layers)",
        _by(_right, order=list),
    ),
    (
        "no_ladj",
        "the log-determinant is part of the loss: at each layer its own adds a gradient, grad_ladj times its slope",
        _by(lambda x, out, ladj, g, w: torch.autograd.grad(out, x, g)[0]),
    ),
    (
        "ladj_once",
        "every layer adds its own ladj to the total, so grad_ladj enters at every layer",
        _ladj_first_only,
    ),
    (
        "ladj_sign",
        "the gradient of ladj is added with its sign as it is: encode's ladj, not decode's",
        _by(lambda x, out, ladj, g, w: torch.autograd.grad((out, ladj), x, (g, -w))[0]),
    ),
    (
        "ladj_summed",
        "grad_ladj is one number for each row, and is the cotangent of ladj: no sum, no mean",
        _by(lambda x, out, ladj, g, w: torch.autograd.grad((out, ladj), x, (g, torch.ones_like(w)))[0]),
        _by(lambda x, out, ladj, g, w: torch.autograd.grad((out, ladj), x, (g, w.mean().expand_as(w)))[0]),
    ),
    (
        "ones",
        "grad_z is what is pulled back: a sum of z pulls back ones",
        _by(lambda x, out, ladj, g, w: torch.autograd.grad((out, ladj), x, (torch.ones_like(g), w))[0]),
    ),
    (
        "not_handed_on",
        "each layer pulls back the gradient that the layer after it has found, not grad_z again",
        lambda layers, z, grad_z, grad_ladj: _by(lambda x, out, ladj, g, w: _right(x, out, ladj, grad_z, w))(
            layers, z, grad_z, grad_ladj
        ),
    ),
    (
        "same_point",
        "each layer is undone from the point that the layer after it has led back to, not from z again",
        _by(_right, point=lambda x, z: z),
    ),
    (
        "through_decode",
        "this differentiates decode; the gradient goes back through encode, at the point that decode has found",
        _decode_only,
    ),
    (
        "at_z",
        "encode is differentiated at x, the point that decode has found: here it was taken at z",
        _forwards,
    ),
    (
        "summed",
        "each row has a gradient of its own",
        lambda *a: (lambda x, g: (x, g.sum(0).expand_as(g)))(*gradient_by_inversion(*a)),
        lambda *a: (lambda x, g: (x, g.mean(0).expand_as(g)))(*gradient_by_inversion(*a)),
    ),
    (
        "graph_of_all",
        "the graph of the whole stack: cut each point off, x.detach().requires_grad_(), and take layer by layer",
        _all_at_once,
    ),
    (
        "points_kept",
        "the points of all layers are kept in a list: one at a time is enough, since the next one is decoded from it",
        _points_kept,
    ),
    (
        "swapped",
        "the two results are exchanged: first x, then its gradient",
        lambda *a: gradient_by_inversion(*a)[::-1],
    ),
)

EXERCISE = Exercise(
    id="18.inversion",
    title="Gradients by inversion",
    level="stretch",
    minutes=20,
    points=4,
    anchor="sec-18-inversion",
    task=TASK,
    hints=HINTS,
    references=(gradient_by_inversion,),
    returns=("x (N, D)", "grad_x (N, D)"),
    cases=cases,
    mistakes=mistakes_of(_ROWS),
    independent=against_autograd,
    cost=evaluations,
)
