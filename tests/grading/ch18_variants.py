"""Answers to chapter 18's exercises, as learners write them: right ones, and wrong ones with the mistake they make."""

import math

import torch

# 18.segments ------------------------------------------------------------------------------------------------------


def segments_loop(layers, weight):
    best = None
    for k in range(1, layers + 1):
        memory = (layers + k - 1) // k + k * weight
        if best is None or memory < best[1]:
            best = (k, memory)
    return best


def segments_torch(layers, weight):
    k = torch.arange(1, layers + 1, dtype=torch.float64)
    memory = torch.ceil(layers / k) + k * weight
    place = memory.argmin()
    return k[place], memory[place]


def segments_counted(layers, weight):
    return min(((k, len(range(0, layers, k)) + k * weight) for k in range(1, layers + 1)), key=lambda pair: pair[1])


def segments_whole(layers, weight):
    k = torch.arange(1, layers + 1)
    memory = (layers + k - 1) // k + k * weight
    return k[memory.argmin()].item(), memory.min().item()


def segments_rounded(layers, weight):
    k = torch.arange(1, layers + 1, dtype=torch.float32)
    memory = torch.ceil(layers * (1 / k)) + k * weight  # what torch makes of ceil(layers / k)
    return int(k[memory.argmin()]), float(memory.min())


def segments_floor(layers, weight):
    return min(((k, layers // k + k * weight) for k in range(1, layers + 1)), key=lambda pair: pair[1])


def segments_smooth(layers, weight):
    return min(((k, layers / k + k * weight) for k in range(1, layers + 1)), key=lambda pair: pair[1])


def segments_one_less(layers, weight):
    memories = [(layers - 1) // k + k * weight for k in range(1, layers + 1)]
    return memories.index(min(memories)) + 1, min(memories)


def segments_one_more(layers, weight):
    memories = [len(range(0, layers + 1, k)) + k * weight for k in range(1, layers + 1)]
    return memories.index(min(memories)) + 1, min(memories)


def segments_unweighted(layers, weight):
    memories = [len(range(0, layers, k)) + k for k in range(1, layers + 1)]
    return memories.index(min(memories)) + 1, min(memories)


def segments_weight_on_both(layers, weight):
    memories = [weight * (len(range(0, layers, k)) + k) for k in range(1, layers + 1)]
    return memories.index(min(memories)) + 1, min(memories)


def segments_root(layers, weight):
    k = max(1, min(layers, int(math.sqrt(layers / weight))))
    return k, math.ceil(layers / k) + k * weight


def segments_last(layers, weight):
    best = (1, layers + weight)
    for k in range(1, layers + 1):
        memory = math.ceil(layers / k) + k * weight
        if memory <= best[1]:
            best = (k, memory)
    return best


def segments_inner(layers, weight):
    ks = range(2, layers) if layers > 2 else [2]
    return min(((k, math.ceil(layers / k) + k * weight) for k in ks), key=lambda pair: pair[1])


def segments_swapped(layers, weight):
    return segments_loop(layers, weight)[::-1]


# 18.undo ----------------------------------------------------------------------------------------------------------


def undo_minus(z, grad_z, grad_ladj, log_scale, shift):
    x = (z - shift) * torch.exp(-log_scale)
    return x, grad_z * log_scale.exp(), grad_z * (z - shift) + grad_ladj.unsqueeze(1), grad_z.clone()


def undo_rows(z, grad_z, grad_ladj, log_scale, shift):
    rows = []
    for n in range(len(z)):
        s = log_scale[n].exp()
        x = (z[n] - shift[n]) / s
        rows.append((x, s * grad_z[n], s * x * grad_z[n] + grad_ladj[n], 1.0 * grad_z[n]))
    return tuple(torch.stack(column) for column in zip(*rows))


def undo_einsum(z, grad_z, grad_ladj, log_scale, shift):
    s = torch.exp(log_scale)
    x = torch.div(z - shift, s)
    ladj = torch.einsum("n,nd->nd", grad_ladj, torch.ones_like(z))
    return [x, torch.einsum("nd,nd->nd", s, grad_z), torch.addcmul(ladj, grad_z, s * x), grad_z + 0]


def _changed(index, change):
    def answer(z, grad_z, grad_ladj, log_scale, shift):
        result = list(undo_minus(z, grad_z, grad_ladj, log_scale, shift))
        result[index] = change(z, grad_z, grad_ladj[:, None], log_scale.exp(), shift, result[0])
        return tuple(result)

    return answer


def undo_order(z, grad_z, grad_ladj, log_scale, shift):
    x = z * torch.exp(-log_scale) - shift
    return x, grad_z * log_scale.exp(), grad_z * log_scale.exp() * x + grad_ladj[:, None], grad_z


def undo_encoded(z, grad_z, grad_ladj, log_scale, shift):
    s = log_scale.exp()
    x = z * s + shift
    return x, grad_z * s, grad_z * s * x + grad_ladj[:, None], grad_z


def undo_multiplied(z, grad_z, grad_ladj, log_scale, shift):
    s = log_scale.exp()
    x = (z - shift) * s
    return x, grad_z * s, grad_z * s * x + grad_ladj[:, None], grad_z


def undo_all_minus(z, grad_z, grad_ladj, log_scale, shift):
    x, grad_x, grad_log_scale, grad_shift = undo_minus(z, grad_z, grad_ladj, log_scale, shift)
    return x, grad_x, -grad_log_scale, -grad_shift


def undo_by_autograd(z, grad_z, grad_ladj, log_scale, shift):
    x = ((z - shift) / log_scale.exp()).detach().requires_grad_()
    log_scale, shift = (t.detach().requires_grad_() for t in (log_scale, shift))
    outputs = (log_scale.exp() * x + shift, log_scale.sum(1))
    return x.detach(), *torch.autograd.grad(outputs, (x, log_scale, shift), (grad_z, grad_ladj))


UNDO_WRONG = {
    "grad_divided": _changed(1, lambda z, g, w, s, t, x: g / s),
    "grad_same": _changed(1, lambda z, g, w, s, t, x: g),
    "ladj_in_x": _changed(1, lambda z, g, w, s, t, x: g * s + w),
    "no_ladj": _changed(2, lambda z, g, w, s, t, x: g * (z - t)),
    "ladj_sign": _changed(2, lambda z, g, w, s, t, x: g * (z - t) - w),
    "ladj_mean": _changed(2, lambda z, g, w, s, t, x: g * (z - t) + w / z.shape[1]),
    "ladj_times_scale": _changed(2, lambda z, g, w, s, t, x: g * (z - t) + w * s),
    "of_the_scale": _changed(2, lambda z, g, w, s, t, x: g * x + w),
    "at_z": _changed(2, lambda z, g, w, s, t, x: g * z + w),
    "shift_scaled": _changed(3, lambda z, g, w, s, t, x: g * s),
    "shift_sign": _changed(3, lambda z, g, w, s, t, x: -g),
    "summed": _changed(3, lambda z, g, w, s, t, x: g.sum(0)),
}

# 18.inversion -----------------------------------------------------------------------------------------------------


def inversion_while(layers, z, grad_z, grad_ladj):
    layers = list(layers)
    while layers:
        layer = layers.pop()
        x = layer.decode(z)[0].detach().clone().requires_grad_(True)
        out, ladj = layer.encode(x)
        loss = (out * grad_z).sum() + (ladj * grad_ladj).sum()
        loss.backward()
        z, grad_z = x.detach(), x.grad
    return z, grad_z


def inversion_recursive(layers, z, grad_z, grad_ladj):
    if not layers:
        return z, grad_z
    *before, last = layers
    x = last.decode(z.detach())[0].detach().requires_grad_()
    out, ladj = last.encode(x)
    (grad,) = torch.autograd.grad([out, ladj], [x], [grad_z, grad_ladj])
    del out, ladj
    return inversion_recursive(before, x.detach(), grad, grad_ladj)


def inversion_func(layers, z, grad_z, grad_ladj):
    for layer in layers[::-1]:
        z = layer.decode(z)[0]
        _, pull = torch.func.vjp(layer.encode, z)
        (grad_z,) = pull((grad_z, grad_ladj))
    return z, grad_z


def inversion_in_two(layers, z, grad_z, grad_ladj):
    """The two terms of the recursion one by one, from one graph."""
    for layer in reversed(layers):
        with torch.no_grad():
            z = layer.decode(z)[0]
        x = z.clone().requires_grad_()
        out, ladj = layer.encode(x)
        through = torch.autograd.grad(out, x, grad_z, retain_graph=True)[0]
        grad_z = through + torch.autograd.grad(ladj, x, grad_ladj)[0]
    return z, grad_z


def _inversion(gradient, forwards=False, from_z=False):
    def answer(layers, z, grad_z, grad_ladj):
        for layer in layers if forwards else reversed(layers):
            x = layer.decode(z)[0].detach().requires_grad_()
            out, ladj = layer.encode(x)
            grad_z = gradient(x, out, ladj, grad_z, grad_ladj)
            z = z if from_z else x.detach()
        return z, grad_z

    return answer


def _pull(x, out, ladj, grad_z, grad_ladj):
    return torch.autograd.grad((out, ladj), x, (grad_z, grad_ladj))[0]


def inversion_keeps_the_total(layers, z, grad_z, grad_ladj):
    """grad_ladj is used up at the last layer."""
    first = True
    for layer in reversed(layers):
        x = layer.decode(z)[0].detach().requires_grad_()
        out, ladj = layer.encode(x)
        loss = (out * grad_z).sum() + ((ladj * grad_ladj).sum() if first else 0)
        (grad_z,) = torch.autograd.grad(loss, x)
        z, first = x.detach(), False
    return z, grad_z


def inversion_same_gradient(layers, z, grad_z, grad_ladj):
    for layer in reversed(layers):
        x = layer.decode(z)[0].detach().requires_grad_()
        found = _pull(x, *layer.encode(x), grad_z, grad_ladj)
        z = x.detach()
    return z, found


def inversion_through_decode(layers, z, grad_z, grad_ladj):
    for layer in reversed(layers):
        z = z.detach().requires_grad_()
        x, ladj = layer.decode(z)
        grad_z = torch.autograd.grad((x, ladj), z, (grad_z, grad_ladj))[0]
        z = x
    return z.detach(), grad_z


def inversion_at_z(layers, z, grad_z, grad_ladj):
    for layer in reversed(layers):
        leaf = z.detach().requires_grad_()
        grad_z = _pull(leaf, *layer.encode(leaf), grad_z, grad_ladj)
        z = layer.decode(z)[0].detach()
    return z, grad_z


def inversion_whole_graph(layers, z, grad_z, grad_ladj):
    with torch.no_grad():
        for layer in reversed(layers):
            z = layer.decode(z)[0]
    h = x = z.clone().requires_grad_()
    ladjs = []
    for layer in layers:
        h, ladj = layer.encode(h)
        ladjs.append(ladj)
    return z, torch.autograd.grad((h, sum(ladjs)), x, (grad_z, grad_ladj))[0]


def inversion_list_of_points(layers, z, grad_z, grad_ladj):
    points = []
    for layer in reversed(layers):
        z = layer.decode(z)[0].detach()
        points.append(z)
    for layer, point in zip(reversed(layers), points):
        leaf = point.detach().requires_grad_()
        grad_z = _pull(leaf, *layer.encode(leaf), grad_z, grad_ladj)
    return z, grad_z


def inversion_from_z_each_time(layers, z, grad_z, grad_ladj):
    """The right gradient, by undoing everything above again for each layer."""
    for k in reversed(range(len(layers))):
        x = z
        for layer in reversed(layers[k:]):
            x = layer.decode(x)[0].detach()
        leaf = x.clone().requires_grad_()
        grad_z = _pull(leaf, *layers[k].encode(leaf), grad_z, grad_ladj)
    return x, grad_z


def inversion_swapped(*args):
    x, grad_x = inversion_while(*args)
    return grad_x, x


def inversion_summed(*args):
    x, grad_x = inversion_while(*args)
    return x, grad_x.sum(0, keepdim=True).repeat(len(grad_x), 1)


INVERSION_WRONG = {
    "order": _inversion(_pull, forwards=True),
    "no_ladj": _inversion(lambda x, out, ladj, g, w: torch.autograd.grad((out * g).sum(), x)[0]),
    "ladj_sign": _inversion(lambda x, out, ladj, g, w: torch.autograd.grad((out, ladj), x, (g, -w))[0]),
    "ladj_summed": _inversion(lambda x, out, ladj, g, w: torch.autograd.grad((out * g).sum() + ladj.sum(), x)[0]),
    "ones": _inversion(lambda x, out, ladj, g, w: torch.autograd.grad(out.sum() + (ladj * w).sum(), x)[0]),
    "same_point": _inversion(_pull, from_z=True),
}

# 18.shares --------------------------------------------------------------------------------------------------------


def shares_loop(losses, gradients, rows, clip):
    total = int(rows.sum())
    loss = sum(int(n) / total * m for n, m in zip(rows, losses))
    gradient = sum(int(n) / total * g for n, g in zip(rows, gradients))
    norm = torch.linalg.vector_norm(gradient)
    return loss, gradient * clip / norm if norm > clip else gradient


def shares_einsum(losses, gradients, rows, clip):
    weights = rows.double() / rows.sum().double()
    weights = weights.to(losses.dtype)
    gradient = torch.einsum("r,rp->p", weights, gradients)
    scale = min(1.0, clip / gradient.square().sum().sqrt().item())
    return (weights * losses).sum(), scale * gradient


def shares_sums(losses, gradients, rows, clip):
    counts = rows.to(losses)[:, None]
    both = torch.cat((losses[:, None], gradients), 1)
    mean = (counts * both).sum(0) / counts.sum()
    gradient = mean[1:]
    return mean[0], torch.where(gradient.norm() > clip, clip * gradient / gradient.norm(), gradient)


def _shares(weights, clip=lambda g, c: g * min(1.0, c / g.norm().item())):
    def answer(losses, gradients, rows, c):
        w = weights(rows.to(losses))
        return (w * losses).sum(), clip((w[:, None] * gradients).sum(0), c)

    return answer


def shares_clipped_each(losses, gradients, rows, clip):
    total, loss = 0, 0
    for m, g, n in zip(losses, gradients, rows):
        if g.norm() > clip:
            g = g * clip / g.norm()
        total, loss = total + n / rows.sum() * g, loss + n / rows.sum() * m
    return loss, total


def shares_inverse(losses, gradients, rows, clip):
    w = torch.where(rows > 0, 1 / rows.clamp(min=1).to(losses), 0 * losses)
    w = w / w.sum()
    gradient = w @ gradients
    return w @ losses, gradient * min(1.0, clip / gradient.norm().item())


def _share(n):
    return n / n.sum()


SHARES_WRONG = {
    "plain_mean": _shares(lambda n: torch.ones_like(n) / len(n)),
    "sum": _shares(torch.ones_like),
    "not_divided": _shares(lambda n: n),
    "mean_of_weighted": _shares(lambda n: _share(n) / len(n)),
    "not_clipped": _shares(_share, lambda g, c: g),
    "always_scaled": _shares(_share, lambda g, c: c * g / g.norm()),
    "clipped_by_value": _shares(_share, lambda g, c: torch.clip(g, -c, c)),
    "squared_norm": _shares(_share, lambda g, c: g * min(1.0, c / (g @ g).item())),
    "other_norm": _shares(_share, lambda g, c: g * min(1.0, c / g.abs().sum().item())),
    "zeroed": _shares(_share, lambda g, c: g if g.norm() <= c else 0 * g),
}


def _named(table, prefix):
    for name, answer in table.items():
        answer.__name__ = f"{prefix}_{name}"
    return [(answer, name) for name, answer in table.items()]


RIGHT = {
    "18.segments": [(segments_loop,), (segments_torch,), (segments_counted,), (segments_whole,)],
    "18.undo": [(undo_minus,), (undo_rows,), (undo_einsum,), (undo_by_autograd,)],
    "18.inversion": [(inversion_while,), (inversion_func,), (inversion_in_two,)],
    "18.shares": [(shares_loop,), (shares_einsum,), (shares_sums,)],
}
WRONG = {
    "18.segments": [
        (segments_floor, "floor"),
        (segments_smooth, "no_rounding"),
        (segments_one_less, "one_less"),
        (segments_one_more, "one_more"),
        (segments_unweighted, "no_weight"),
        (segments_weight_on_both, "weight_on_inputs"),
        (segments_root, "square_root"),
        (segments_last, "last_of_several"),
        (segments_inner, "only_every"),
        (segments_rounded, "single"),
        (segments_swapped, "swapped"),
    ],
    "18.undo": [
        (undo_order, "order"),
        (undo_encoded, "encoded"),
        (undo_multiplied, "scale_sign"),
        (undo_all_minus, "shift_sign"),
        *_named(UNDO_WRONG, "undo"),
    ],
    "18.inversion": [
        (inversion_keeps_the_total, "ladj_once"),
        (inversion_same_gradient, "not_handed_on"),
        (inversion_through_decode, "through_decode"),
        (inversion_at_z, "at_z"),
        (inversion_whole_graph, "graph_of_all"),
        (inversion_list_of_points, "points_kept"),
        (inversion_recursive, "points_kept"),  # each call waits for the next one, with its point in hand
        (inversion_from_z_each_time, "cost"),
        (inversion_swapped, "swapped"),
        (inversion_summed, "summed"),
        *_named(INVERSION_WRONG, "inversion"),
    ],
    "18.shares": [
        (shares_clipped_each, "clipped_each"),
        (shares_inverse, "inverse_weights"),
        *_named(SHARES_WRONG, "shares"),
    ],
}
