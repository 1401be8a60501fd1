"""Answers to chapter 13's exercises, as learners write them: right ones, and wrong ones with the mistake they make."""

import math

import torch
import torch.nn.functional as F

# 13.shared --------------------------------------------------------------------------------------------------------


def shared_indices(x1, first, second):
    x, total = x1, 0
    for k in range(len(first)):
        x, ladj = first[k].encode(x)
        total = total + ladj
    for k in range(len(second) - 1, -1, -1):
        x, ladj = second[k].decode(x)
        total = total + ladj
    return x, total


def shared_recursive(x1, first, second):
    if first:
        z, ladj = first[0].encode(x1)
        x2, rest = shared_recursive(z, first[1:], second)
    elif second:
        z, ladj = second[-1].decode(x1)
        x2, rest = shared_recursive(z, first, second[:-1])
    else:
        return x1, torch.zeros_like(x1[:, 0])
    return x2, ladj + rest


def shared_stacked(x1, first, second):
    steps = [layer.encode for layer in first] + [layer.decode for layer in second[::-1]]
    x, ladjs = x1.clone(), []
    for step in steps:
        x, ladj = step(x)
        ladjs.append(ladj)
    return [x, torch.stack(ladjs, 1).sum(1)]


def shared_encoded_again(x1, first, second):
    """The volume of f2 is taken in its own direction, at x2, and subtracted."""
    z, ladj = x1, 0
    for layer in first:
        z, more = layer.encode(z)
        ladj = ladj + more
    x2 = z
    for layer in reversed(second):
        x2 = layer.decode(x2)[0]
    h = x2
    for layer in second:
        h, less = layer.encode(h)
        ladj = ladj - less
    return x2, ladj


def _through(x, layers, way):
    total = torch.zeros(len(x), dtype=x.dtype, device=x.device)
    for layer in layers:
        x, ladj = layer.encode(x) if way == "encode" else layer.decode(x)
        total = total + ladj
    return x, total


def _across(x1, first, second):
    z, there = _through(x1, first, "encode")
    x2, back = _through(z, second[::-1], "decode")
    return x2, there, back


def shared_notes(x1, first, second):
    z, there = _through(x1, first[::-1], "decode")
    x2, back = _through(z, second, "encode")
    return x2, there + back


def shared_encoded_twice(x1, first, second):
    z, there = _through(x1, first, "encode")
    x2, back = _through(z, second, "encode")
    return x2, there + back


def shared_decoded_twice(x1, first, second):
    z, there = _through(x1, first[::-1], "decode")
    x2, back = _through(z, second[::-1], "decode")
    return x2, there + back


def shared_exchanged(x1, first, second):
    x2, there, back = _across(x1, second, first)
    return x2, there + back


def shared_not_reversed(x1, first, second):
    z, there = _through(x1, first, "encode")
    x2, back = _through(z, second, "decode")
    return x2, there + back


def shared_first_reversed(x1, first, second):
    x2, there, back = _across(x1, list(reversed(first)), second)
    return x2, there + back


def shared_in_turn(x1, first, second):
    x, total = x1, 0
    for f, g in zip(first, second[::-1]):
        x, ladj = f.encode(x)
        total = total + ladj
        x, ladj = g.decode(x)
        total = total + ladj
    return x, total


def shared_latent(x1, first, second):
    return _through(x1, first, "encode")


def shared_same_flow(x1, first, second):
    x2, there, back = _across(x1, first, first)
    return x2, there + back


def shared_not_encoded(x1, first, second):
    return _through(x1, second[::-1], "decode")


def shared_one_turn(x1, first, second):
    z, there = first[0].encode(x1)
    x2, back = second[-1].decode(z)
    return x2, there + back


def shared_last_of_first(x1, first, second):
    x2, there, back = _across(x1, first[-1:], second)
    return x2, there + back


def shared_decode_subtracted(x1, first, second):
    x2, there, back = _across(x1, first, second)
    return x2, there - back


def shared_encode_subtracted(x1, first, second):
    x2, there, back = _across(x1, first, second)
    return x2, back - there


def shared_negated(x1, first, second):
    x2, there, back = _across(x1, first, second)
    return x2, -(there + back)


def shared_encode_only(x1, first, second):
    x2, there, _ = _across(x1, first, second)
    return x2, there


def shared_decode_only(x1, first, second):
    x2, _, back = _across(x1, first, second)
    return x2, back


def shared_last_ladj(x1, first, second):
    x = x1
    for layer in first:
        x, ladj = layer.encode(x)
    for layer in reversed(second):
        x, ladj = layer.decode(x)
    return x, ladj


def shared_last_of_each(x1, first, second):
    x = x1
    for layer in first:
        x, there = layer.encode(x)
    for layer in reversed(second):
        x, back = layer.decode(x)
    return x, there + back


def shared_at_one_point(x1, first, second):
    x2, _, _ = _across(x1, first, second)
    return x2, sum(f.encode(x1)[1] for f in first) - sum(f.encode(x1)[1] for f in second)


def shared_ladj_after_the_step(x1, first, second):
    x, total = x1, 0
    for layer in first:
        x = layer.encode(x)[0]
        total = total + layer.encode(x)[1]
    for layer in reversed(second):
        x = layer.decode(x)[0]
        total = total + layer.decode(x)[1]
    return x, total


def shared_multiplied(x1, first, second):
    x2, there, back = _across(x1, first, second)
    return x2, there * back


def shared_determinant(x1, first, second):
    x2, there, back = _across(x1, first, second)
    return x2, there.exp() * back.exp()


def shared_absolute(x1, first, second):
    x2, there, back = _across(x1, first, second)
    return x2, torch.abs(there + back)


def shared_mean(x1, first, second):
    x2, there, back = _across(x1, first, second)
    return x2, (there + back).mean() * torch.ones_like(there)


def shared_batch_sum(x1, first, second):
    x2, there, back = _across(x1, first, second)
    return x2, torch.sum(there + back)


def shared_no_volume(x1, first, second):
    x2, _, _ = _across(x1, first, second)
    return x2, torch.zeros_like(x2[:, 0])


def shared_pair_order(x1, first, second):
    x2, there, back = _across(x1, first, second)
    return there + back, x2


def shared_x2_only(x1, first, second):
    return _across(x1, first, second)[0]


def shared_ladj_only(x1, first, second):
    return sum(_across(x1, first, second)[1:])


def shared_not_unpacked(x1, first, second):
    x = x1
    for layer in first:
        x = layer.encode(x)
    for layer in second[::-1]:
        x = layer.decode(x)
    return x


def shared_turned_in_place(x1, first, second):
    second.reverse()
    z, there = _through(x1, first, "encode")
    x2, back = _through(z, second, "decode")
    return x2, there + back


def shared_popped(x1, first, second):
    x, total = x1, 0
    while first:
        x, ladj = first.pop(0).encode(x)
        total = total + ladj
    while second:
        x, ladj = second.pop().decode(x)
        total = total + ladj
    return x, total


def shared_in_place(x1, first, second):
    x2, there, back = _across(x1, first, second)
    x1[:] = x2
    return x1, there + back


def shared_detached(x1, first, second):
    x2, there, back = _across(x1, first, second)
    return x2, (there + back).detach()


@torch.no_grad()
def shared_no_grad(x1, first, second):
    x2, there, back = _across(x1, first, second)
    return x2, there + back


# 13.layers --------------------------------------------------------------------------------------------------------


def layers_seen_first(x2, x1, source, target, base):
    seen = [x1]
    for s in source[:-1]:
        seen.append(s.encode(seen[-1])[0])
    ladjs = []
    for t, h in zip(target, seen):
        x2, ladj = t.encode(x2, h)
        ladjs.append(ladj)
    return base.log_prob(x2) + torch.stack(ladjs).sum(0)


def layers_indices(x2, x1, source, target, base):
    x, h, total = x2, x1, 0.0
    for k in range(len(target)):
        x, ladj = target[k].encode(x, context=h)
        total = total + ladj
        if k + 1 < len(target):
            h = source[k].encode(h)[0]
    return total + base.log_prob(x)


def layers_recursive(x2, x1, source, target, base):
    if not target:
        return base.log_prob(x2)
    x, ladj = target[0].encode(x2, x1)
    return ladj + layers_recursive(x, source[0].encode(x1)[0], source[1:], target[1:], base)


def layers_rows(x2, x1, source, target, base):
    found = []
    for n in range(len(x2)):
        x, h, ladj = x2[n : n + 1], x1[n : n + 1], 0
        for s, t in zip(source, target):
            x, more = t.encode(x, h)
            h, _ = s.encode(h)
            ladj = ladj + more
        found.append(base.log_prob(x) + ladj)
    return torch.cat(found)


def _run(x2, x1, source, target, *, late=False, context=None):
    """z, the ladjs of the target, the last h and the ladjs of the source; `context(h)` is what a target layer sees."""
    x, h, ladjs, others = x2, x1, [], []
    for s, t in zip(source, target):
        if late:
            h, other = s.encode(h)
        x, ladj = t.encode(x, context(h) if context else h)
        if not late:
            h, other = s.encode(h)
        ladjs.append(ladj)
        others.append(other)
    return x, ladjs, h, others


def layers_after_the_step(x2, x1, source, target, base):
    h, ladj = x1, 0.0
    for s, t in zip(source, target):
        x2, _ = t.encode(x2, h)
        ladj = ladj + t.encode(x2, h)[1]
        h, _ = s.encode(h)
    return base.log_prob(x2) + ladj


def layers_source_counted(x2, x1, source, target, base):
    z, ladjs, _, others = _run(x2, x1, source, target)
    return base.log_prob(z) + sum(ladjs) + sum(others)


def layers_seen_counted(x2, x1, source, target, base):
    z, ladjs, _, others = _run(x2, x1, source, target)
    return base.log_prob(z) + sum(ladjs) + sum(others[:-1])


def layers_source_only(x2, x1, source, target, base):
    z, _, _, others = _run(x2, x1, source, target)
    return base.log_prob(z) + sum(others)


def _log_normal(z):
    return -0.5 * (z**2).sum(1) - 0.5 * z.shape[1] * math.log(2 * math.pi)


def layers_joint(x2, x1, source, target, base):
    z, ladjs, h, others = _run(x2, x1, source, target)
    return base.log_prob(z) + sum(ladjs) + _log_normal(h) + sum(others)


def layers_one_late(x2, x1, source, target, base):
    z, ladjs, _, _ = _run(x2, x1, source, target, late=True)
    return base.log_prob(z) + sum(ladjs)


def layers_x1_for_all(x2, x1, source, target, base):
    z, ladjs, _, _ = _run(x2, x1, source, target, context=lambda h: x1)
    return base.log_prob(z) + sum(ladjs)


def layers_last_for_all(x2, x1, source, target, base):
    last = x1
    for s in source:
        last, _ = s.encode(last)
    z, ladjs, _, _ = _run(x2, x1, source, target, context=lambda h: last)
    return base.log_prob(z) + sum(ladjs)


def layers_other_end(x2, x1, source, target, base):
    seen = [x1]
    for s in source[:-1]:
        seen.append(s.encode(seen[-1])[0])
    total = 0
    for t, h in zip(target, reversed(seen)):
        x2, ladj = t.encode(x2, h)
        total = total + ladj
    return base.log_prob(x2) + total


def layers_each_from_x1(x2, x1, source, target, base):
    h, total = x1, 0
    for s, t in zip(source, target):
        x2, ladj = t.encode(x2, h)
        total = total + ladj
        h, _ = s.encode(x1)
    return base.log_prob(x2) + total


def layers_each_at_x2(x2, x1, source, target, base):
    h, total = x1, 0
    for s, t in zip(source, target):
        z, ladj = t.encode(x2, h)
        total = total + ladj
        h, _ = s.encode(h)
    return base.log_prob(z) + total


def layers_source_sees_target(x2, x1, source, target, base):
    h, total = x1, 0
    for s, t in zip(source, target):
        x2, ladj = t.encode(x2, h)
        total = total + ladj
        h, _ = s.encode(x2)
    return base.log_prob(x2) + total


def layers_exchanged(x2, x1, source, target, base):
    z, ladjs, _, _ = _run(x1, x2, source, target)
    return base.log_prob(z) + sum(ladjs)


def layers_lists_exchanged(x2, x1, source, target, base):
    z, ladjs, _, _ = _run(x2, x1, target, source)
    return base.log_prob(z) + sum(ladjs)


def layers_reversed_target(x2, x1, source, target, base):
    z, ladjs, _, _ = _run(x2, x1, source, target[::-1])
    return base.log_prob(z) + sum(ladjs)


def layers_reversed_source(x2, x1, source, target, base):
    z, ladjs, _, _ = _run(x2, x1, list(reversed(source)), target)
    return base.log_prob(z) + sum(ladjs)


def layers_reversed_both(x2, x1, source, target, base):
    z, ladjs, _, _ = _run(x2, x1, source[::-1], target[::-1])
    return base.log_prob(z) + sum(ladjs)


def layers_decoded(x2, x1, source, target, base):
    seen = [x1]
    for s in source:
        seen.append(s.encode(seen[-1])[0])
    total = 0
    for k in reversed(range(len(target))):
        x2, ladj = target[k].decode(x2, seen[k])
        total = total + ladj
    return base.log_prob(x2) - total


def layers_decoded_forward(x2, x1, source, target, base):
    h, total = x1, 0
    for s, t in zip(source, target):
        x2, ladj = t.decode(x2, h)
        total = total + ladj
        h, _ = s.encode(h)
    return base.log_prob(x2) + total


def layers_source_decoded(x2, x1, source, target, base):
    h, total = x1, 0
    for s, t in zip(source, target):
        x2, ladj = t.encode(x2, h)
        total = total + ladj
        h, _ = s.decode(h)
    return base.log_prob(x2) + total


def layers_sign(x2, x1, source, target, base):
    z, ladjs, _, _ = _run(x2, x1, source, target)
    return base.log_prob(z) - sum(ladjs)


def layers_absolute(x2, x1, source, target, base):
    z, ladjs, _, _ = _run(x2, x1, source, target)
    return base.log_prob(z) + torch.abs(sum(ladjs))


def layers_last_not_counted(x2, x1, source, target, base):
    z, ladjs, _, _ = _run(x2, x1, source, target)
    return base.log_prob(z) + sum(ladjs[:-1])


def layers_no_ladj(x2, x1, source, target, base):
    return base.log_prob(_run(x2, x1, source, target)[0])


def layers_ladj_only(x2, x1, source, target, base):
    return sum(_run(x2, x1, source, target)[1])


def layers_last_ladj(x2, x1, source, target, base):
    h = x1
    for s, t in zip(source, target):
        x2, ladj = t.encode(x2, h)
        h, _ = s.encode(h)
    return base.log_prob(x2) + ladj


def layers_mean_ladj(x2, x1, source, target, base):
    z, ladjs, _, _ = _run(x2, x1, source, target)
    return base.log_prob(z) + torch.stack(ladjs).mean(0)


def layers_at_x2(x2, x1, source, target, base):
    return base.log_prob(x2) + sum(_run(x2, x1, source, target)[1])


def layers_every_stop(x2, x1, source, target, base):
    h, total = x1, 0
    for s, t in zip(source, target):
        x2, ladj = t.encode(x2, h)
        h, _ = s.encode(h)
        total = total + ladj + base.log_prob(x2)
    return total


def layers_base_at_h(x2, x1, source, target, base):
    _, ladjs, h, _ = _run(x2, x1, source, target)
    return base.log_prob(h) + sum(ladjs)


def layers_standard_normal(x2, x1, source, target, base):
    z, ladjs, _, _ = _run(x2, x1, source, target)
    return _log_normal(z) + sum(ladjs)


def layers_left_out(x2, x1, source, target, base):
    h, total = x1, 0
    for k in range(len(target) - 1):
        x2, ladj = target[k].encode(x2, h)
        total = total + ladj
        h, _ = source[k].encode(h)
    return base.log_prob(x2) + total


def layers_one_context(x2, x1, source, target, base):
    z, ladjs, _, _ = _run(x2, x1[0].expand_as(x1), source, target)
    return base.log_prob(z) + sum(ladjs)


def layers_no_context(x2, x1, source, target, base):
    total = 0
    for t in target:
        x2, ladj = t.encode(x2)
        total = total + ladj
    return base.log_prob(x2) + total


def layers_zero_context(x2, x1, source, target, base):
    z, ladjs, _, _ = _run(x2, x1, source, target, context=torch.zeros_like)
    return base.log_prob(z) + sum(ladjs)


def layers_not_unpacked(x2, x1, source, target, base):
    h, total = x1, 0
    for s, t in zip(source, target):
        x2, ladj = t.encode(x2, h)
        total = total + ladj
        h = s.encode(h)
    return base.log_prob(x2) + total


def layers_batch_sum(x2, x1, source, target, base):
    z, ladjs, _, _ = _run(x2, x1, source, target)
    return base.log_prob(z) + torch.stack(ladjs).sum()


def layers_mean_nll(x2, x1, source, target, base):
    z, ladjs, _, _ = _run(x2, x1, source, target)
    return (base.log_prob(z) + sum(ladjs)).mean()


def layers_negated(x2, x1, source, target, base):
    z, ladjs, _, _ = _run(x2, x1, source, target)
    return -(base.log_prob(z) + sum(ladjs))


def layers_density(x2, x1, source, target, base):
    z, ladjs, _, _ = _run(x2, x1, source, target)
    return base.log_prob(z).exp() * sum(ladjs).exp()


def layers_latent(x2, x1, source, target, base):
    return _run(x2, x1, source, target)[0]


def layers_pair(x2, x1, source, target, base):
    z, ladjs, _, _ = _run(x2, x1, source, target)
    return z, sum(ladjs)


def layers_popped(x2, x1, source, target, base):
    h, total = x1, 0
    while target:
        x2, ladj = target.pop(0).encode(x2, h)
        h, _ = source.pop(0).encode(h)
        total = total + ladj
    return base.log_prob(x2) + total


def layers_ladj_in_place(x2, x1, source, target, base):
    h = x1
    total = torch.zeros_like(x2[:, 0])
    for s, t in zip(source, target):
        z, ladj = t.encode(x2, h)
        x2.copy_(z)
        total = total + ladj
        h, _ = s.encode(h)
    return base.log_prob(x2) + total


def layers_source_detached(x2, x1, source, target, base):
    h, total = x1, 0
    for s, t in zip(source, target):
        x2, ladj = t.encode(x2, h)
        total = total + ladj
        with torch.no_grad():
            h, _ = s.encode(h)
    return base.log_prob(x2) + total


# 13.retrieval -----------------------------------------------------------------------------------------------------


def retrieval_broadcast(pictures, train_pictures, train_shapes):
    squares = (pictures[:, None] - train_pictures[None]).square().sum((2, 3, 4))  # (N, M)
    return train_shapes[squares.argmin(dim=1)]


def retrieval_loop(pictures, train_pictures, train_shapes):
    found = []
    for picture in pictures:
        best, shape = float("inf"), None
        for candidate, points in zip(train_pictures, train_shapes):
            distance = torch.sum((picture - candidate) ** 2).item()
            if distance < best:
                best, shape = distance, points
        found.append(shape)
    return torch.stack(found)


def retrieval_expanded(pictures, train_pictures, train_shapes):
    """|x|^2 is the same for every t_m and can be left out."""
    a, b = pictures.flatten(1), train_pictures.flatten(1)
    score = b.square().sum(1) - 2 * a @ b.T
    return train_shapes.index_select(0, score.min(1).indices)


def retrieval_topk(pictures, train_pictures, train_shapes):
    similarity = -torch.stack([(train_pictures - p).pow(2).mean((1, 2, 3)) for p in pictures])
    return train_shapes[similarity.topk(1, dim=1).indices[:, 0]]


def retrieval_one_hot(pictures, train_pictures, train_shapes):
    distances = torch.cdist(pictures.flatten(1), train_pictures.flatten(1))
    chosen = F.one_hot(distances.argmin(1), len(train_shapes)).to(train_shapes)
    return torch.einsum("nm,mpd->npd", chosen, train_shapes)


def _squares(pictures, train_pictures):
    return (pictures.flatten(1)[:, None] - train_pictures.flatten(1)).square().sum(2)


def retrieval_farthest(pictures, train_pictures, train_shapes):
    return train_shapes[_squares(pictures, train_pictures).argmax(1)]


def retrieval_over_pictures(pictures, train_pictures, train_shapes):
    return train_shapes[_squares(pictures, train_pictures).argmin(0)]


def retrieval_one_for_all(pictures, train_pictures, train_shapes):
    return train_shapes[_squares(pictures, train_pictures).argmin()]


def retrieval_for_the_first(pictures, train_pictures, train_shapes):
    nearest = _squares(pictures[:1], train_pictures).argmin()
    return train_shapes[nearest].repeat(len(pictures), 1, 1)


def retrieval_absolute(pictures, train_pictures, train_shapes):
    distances = (pictures[:, None] - train_pictures).abs().sum((2, 3, 4))
    return train_shapes[distances.argmin(1)]


def retrieval_largest(pictures, train_pictures, train_shapes):
    distances = (pictures[:, None] - train_pictures).abs().amax((2, 3, 4))
    return train_shapes[distances.argmin(1)]


def retrieval_cubes(pictures, train_pictures, train_shapes):
    distances = (pictures[:, None] - train_pictures).abs().pow(3).sum((2, 3, 4))
    return train_shapes[distances.argmin(1)]


def retrieval_cosine(pictures, train_pictures, train_shapes):
    a, b = F.normalize(pictures.flatten(1)), F.normalize(train_pictures.flatten(1))
    return train_shapes[(a @ b.T).argmax(1)]


def retrieval_centred(pictures, train_pictures, train_shapes):
    a, b = (x - x.mean((1, 2, 3), keepdim=True) for x in (pictures, train_pictures))
    return train_shapes[_squares(a, b).argmin(1)]


def retrieval_correlation(pictures, train_pictures, train_shapes):
    a, b = (x.flatten(1) - x.flatten(1).mean(1, keepdim=True) for x in (pictures, train_pictures))
    return train_shapes[(F.normalize(a) @ F.normalize(b).T).argmax(1)]


def retrieval_inner_product(pictures, train_pictures, train_shapes):
    return train_shapes[(pictures.flatten(1) @ train_pictures.flatten(1).T).argmax(1)]


def retrieval_signed(pictures, train_pictures, train_shapes):
    differences = (pictures[:, None] - train_pictures).sum((2, 3, 4))
    return train_shapes[differences.argmin(1)]


def retrieval_square_of_sum(pictures, train_pictures, train_shapes):
    differences = (pictures[:, None] - train_pictures).sum((2, 3, 4))
    return train_shapes[(differences**2).argmin(1)]


def retrieval_silhouette(pictures, train_pictures, train_shapes):
    a, b = (x.flatten(1) > 0.5 for x in (pictures, train_pictures))
    return train_shapes[torch.cdist(a.to(pictures), b.to(pictures)).argmin(1)]


def retrieval_first_row(pictures, train_pictures, train_shapes):
    return train_shapes[torch.cdist(pictures[:, :, 0].flatten(1), train_pictures[:, :, 0].flatten(1)).argmin(1)]


def retrieval_square_part(pictures, train_pictures, train_shapes):
    """Right for pictures that are square."""
    side = min(pictures.shape[2:])
    a, b = (x[:, :, :side, :side].flatten(1) for x in (pictures, train_pictures))
    return train_shapes[torch.cdist(a, b).argmin(1)]


def retrieval_first_channel(pictures, train_pictures, train_shapes):
    """Right for pictures of one channel."""
    return train_shapes[torch.cdist(pictures[:, 0].flatten(1), train_pictures[:, 0].flatten(1)).argmin(1)]


def retrieval_grey(pictures, train_pictures, train_shapes):
    return train_shapes[_squares(pictures.mean(1), train_pictures.mean(1)).argmin(1)]


def retrieval_other_order(pictures, train_pictures, train_shapes):
    return train_shapes[torch.cdist(pictures.transpose(2, 3).flatten(1), train_pictures.flatten(1)).argmin(1)]


def retrieval_second(pictures, train_pictures, train_shapes):
    return train_shapes[_squares(pictures, train_pictures).argsort(1)[:, 1]]


def retrieval_mean_of_three(pictures, train_pictures, train_shapes):
    nearest = _squares(pictures, train_pictures).argsort(1)[:, :3]
    return train_shapes[nearest].mean(1)


def retrieval_mean(pictures, train_pictures, train_shapes):
    return train_shapes.mean(0).repeat(len(pictures), 1, 1)


def retrieval_pictures_order(pictures, train_pictures, train_shapes):
    return train_shapes[: len(pictures)]


def retrieval_index(pictures, train_pictures, train_shapes):
    return _squares(pictures, train_pictures).argmin(1)


def retrieval_distance(pictures, train_pictures, train_shapes):
    return torch.cdist(pictures.flatten(1), train_pictures.flatten(1)).min(1).values


def retrieval_picture(pictures, train_pictures, train_shapes):
    return train_pictures[_squares(pictures, train_pictures).argmin(1)]


def retrieval_extra_dimension(pictures, train_pictures, train_shapes):
    return train_shapes[_squares(pictures, train_pictures).topk(1, largest=False).indices]


def retrieval_sorted(pictures, train_pictures, train_shapes):
    return train_shapes[_squares(pictures, train_pictures).argmin(1)].sort(dim=1).values


def retrieval_transposed(pictures, train_pictures, train_shapes):
    return train_shapes[_squares(pictures, train_pictures).argmin(1)].mT


def retrieval_pair(pictures, train_pictures, train_shapes):
    nearest = _squares(pictures, train_pictures).argmin(1)
    return train_shapes[nearest], nearest


def retrieval_not_flattened(pictures, train_pictures, train_shapes):
    return train_shapes[((pictures - train_pictures) ** 2).sum((1, 2, 3)).argmin(1)]


def retrieval_cdist_of_pictures(pictures, train_pictures, train_shapes):
    return train_shapes[torch.cdist(pictures, train_pictures).argmin(1)]


def retrieval_pictures_in_place(pictures, train_pictures, train_shapes):
    found = []
    for picture in pictures:
        differences = train_pictures.sub_(picture)
        found.append(train_shapes[differences.square().sum((1, 2, 3)).argmin()])
        train_pictures += picture
    pictures *= 255
    return torch.stack(found)


def retrieval_shapes_in_place(pictures, train_pictures, train_shapes):
    nearest = _squares(pictures, train_pictures).argmin(1)
    found = train_shapes[nearest]
    train_shapes -= train_shapes.mean(1, keepdim=True)
    return found


# 13.cycle ---------------------------------------------------------------------------------------------------------


def cycle_flattened(there, back, x1, noise):
    start = x1.repeat(len(noise), 1)
    x2, _ = there.decode(noise.flatten(0, 1), start)
    again, _ = back.decode(torch.zeros_like(start), x2)
    return ((again - start) ** 2).sum(1).mean()


def cycle_total(there, back, x1, noise):
    K, N, _ = noise.shape
    total = 0
    for k in range(K):
        x2, ladj = there.decode(noise[k], context=x1)
        z = torch.zeros(N, x1.shape[1], dtype=x1.dtype, device=x1.device)
        again, ladj = back.decode(z, context=x2)
        total = total + torch.sum((x1 - again).square())
    return total / (K * N)


def cycle_expanded(there, back, x1, noise):
    K, N, D2 = noise.shape
    start = x1.expand(K, *x1.shape)
    x2 = there.decode(noise.reshape(K * N, D2), start.reshape(K * N, -1))[0]
    again = back.decode(torch.zeros_like(start).reshape(K * N, -1), x2)[0].view(K, N, -1)
    return F.mse_loss(again, start) * x1.shape[1]


def cycle_rows(there, back, x1, noise):
    """Row by row, its own draws at once."""
    found = []
    for n in range(len(x1)):
        start = x1[n : n + 1].expand(len(noise), -1)
        again = back.decode(torch.zeros_like(start), there.decode(noise[:, n], start)[0])[0]
        found.append(torch.linalg.vector_norm(again - start, dim=1).square().mean())
    return torch.stack(found).mean()


def _samples(there, x1, noise):
    return [there.decode(e, x1)[0] for e in noise]


def _ends(back, x1, samples):
    return torch.stack([back.decode(torch.zeros_like(x1), x2)[0] for x2 in samples])


def _both(there, back, x1, noise):
    return _ends(back, x1, _samples(there, x1, noise))


def _mean_square(ends, x1):
    return (ends - x1).square().sum(2).mean()


def cycle_warm_return(there, back, x1, noise):
    squares = []
    for e in noise:
        x2, _ = there.decode(e, x1)
        again, _ = back.decode(torch.randn_like(x1), x2)
        squares.append((again - x1).square().sum(1))
    return torch.stack(squares).mean()


def cycle_noise_returns(there, back, x1, noise):
    """Runs where D1 = D2 alone."""
    ends = torch.stack([back.decode(e, there.decode(e, x1)[0])[0] for e in noise])
    return _mean_square(ends, x1)


def cycle_cold_sample(there, back, x1, noise):
    return _mean_square(_both(there, back, x1, torch.zeros_like(noise)), x1)


def cycle_own_noise(there, back, x1, noise):
    squares = []
    for k in range(len(noise)):
        x2, _ = there.decode(torch.randn_like(noise[k]), x1)
        squares.append((back.decode(torch.zeros_like(x1), x2)[0] - x1).square().sum(1))
    return torch.stack(squares).mean()


def cycle_zeros_of_x2(there, back, x1, noise):
    """Right where D1 = D2 alone."""
    ends = torch.stack([back.decode(torch.zeros_like(e), there.decode(e, x1)[0])[0] for e in noise])
    return _mean_square(ends, x1)


def cycle_not_returned(there, back, x1, noise):
    return _mean_square(torch.stack(_samples(there, x1, noise)), x1)


def cycle_context_noise(there, back, x1, noise):
    return _mean_square(_ends(back, x1, noise), x1)


def cycle_context_x1(there, back, x1, noise):
    return _mean_square(_ends(back, x1, [x1 for _ in noise]), x1)


def cycle_exchanged(there, back, x1, noise):
    return _mean_square(_both(back, there, x1, noise), x1)


def cycle_same_flow(there, back, x1, noise):
    return _mean_square(_both(there, there, x1, noise), x1)


def cycle_encoded(there, back, x1, noise):
    samples = [there.encode(e, x1)[0] for e in noise]
    return _mean_square(_ends(back, x1, samples), x1)


def cycle_back_encoded(there, back, x1, noise):
    ends = [back.encode(torch.zeros_like(x1), x2)[0] for x2 in _samples(there, x1, noise)]
    return _mean_square(torch.stack(ends), x1)


def cycle_in_latent(there, back, x1, noise):
    latents = torch.stack([back.encode(x1, x2)[0] for x2 in _samples(there, x1, noise)])
    return latents.square().sum(2).mean()


def cycle_mean_noise(there, back, x1, noise):
    return _mean_square(_both(there, back, x1, noise.mean(0, keepdim=True)), x1)


def cycle_mean_sample(there, back, x1, noise):
    x2 = torch.stack(_samples(there, x1, noise)).mean(0)
    return _mean_square(_ends(back, x1, [x2]), x1)


def cycle_mean_end(there, back, x1, noise):
    return (_both(there, back, x1, noise).mean(0) - x1).square().sum(1).mean()


def cycle_one_draw(there, back, x1, noise):
    return _mean_square(_both(there, back, x1, noise[:1]), x1)


def cycle_last_draw(there, back, x1, noise):
    for e in noise:
        x2, _ = there.decode(e, x1)
        again, _ = back.decode(torch.zeros_like(x1), x2)
    return (again - x1).square().sum(1).mean()


def cycle_best_draw(there, back, x1, noise):
    return (_both(there, back, x1, noise) - x1).square().sum(2).min(0).values.mean()


def cycle_same_draw(there, back, x1, noise):
    return _mean_square(_both(there, back, x1, [e[0].expand_as(e) for e in noise]), x1)


def cycle_rows_mixed(there, back, x1, noise):
    start = x1.repeat_interleave(len(noise), dim=0)
    x2, _ = there.decode(noise.reshape(-1, noise.shape[2]), start)
    again, _ = back.decode(torch.zeros_like(start), x2)
    return (again - start).square().sum(1).mean()


def cycle_root(there, back, x1, noise):
    return (_both(there, back, x1, noise) - x1).norm(dim=2).mean()


def cycle_mean_distance_squared(there, back, x1, noise):
    return (_both(there, back, x1, noise) - x1).norm(dim=2).mean() ** 2


def cycle_norm(there, back, x1, noise):
    return torch.linalg.norm(_both(there, back, x1, noise) - x1)


def cycle_square_of_sum(there, back, x1, noise):
    return ((_both(there, back, x1, noise) - x1).sum(2) ** 2).mean()


def cycle_root_of_mean(there, back, x1, noise):
    return _mean_square(_both(there, back, x1, noise), x1) ** 0.5


def cycle_absolute(there, back, x1, noise):
    return (_both(there, back, x1, noise) - x1).abs().sum(2).mean()


def cycle_mean_feature(there, back, x1, noise):
    ends = _both(there, back, x1, noise)
    return F.mse_loss(ends, x1.expand_as(ends))


def cycle_summed(there, back, x1, noise):
    return (_both(there, back, x1, noise) - x1).square().sum()


def cycle_draws_summed(there, back, x1, noise):
    total = 0
    for e in noise:
        total = total + _mean_square(_both(there, back, x1, [e]), x1)
    return total


def cycle_count_of_numbers(there, back, x1, noise):
    return (_both(there, back, x1, noise) - x1).square().sum() / noise[0].numel()


def cycle_per_row(there, back, x1, noise):
    return (_both(there, back, x1, noise) - x1).square().sum(2).mean(0)


def cycle_per_draw(there, back, x1, noise):
    return (_both(there, back, x1, noise) - x1).square().sum(2).mean(1)


def cycle_not_compared(there, back, x1, noise):
    return _both(there, back, x1, noise).square().sum(2).mean()


def cycle_centred(there, back, x1, noise):
    change = _both(there, back, x1, noise) - x1
    return (change - change.mean(1, keepdim=True)).square().sum(2).mean()


def cycle_relative(there, back, x1, noise):
    return _mean_square(_both(there, back, x1, noise), x1) / x1.square().sum(1).mean()


def cycle_half(there, back, x1, noise):
    return 0.5 * _mean_square(_both(there, back, x1, noise), x1)


def cycle_negated(there, back, x1, noise):
    return -_mean_square(_both(there, back, x1, noise), x1)


def cycle_ladj_used(there, back, x1, noise):
    found = []
    for e in noise:
        x2, ladj = there.decode(e, x1)
        again, more = back.decode(torch.zeros_like(x1), x2)
        found.append((again - x1).square().sum(1) - ladj - more)
    return torch.stack(found).mean()


def cycle_one_context(there, back, x1, noise):
    samples = [there.decode(e, x1[0].expand_as(x1))[0] for e in noise]
    return _mean_square(_ends(back, x1, samples), x1)


def cycle_zero_context(there, back, x1, noise):
    samples = [torch.zeros_like(x2) for x2 in _samples(there, x1, noise)]
    return _mean_square(_ends(back, x1, samples), x1)


def cycle_no_context(there, back, x1, noise):
    ends = [back.decode(torch.zeros_like(x1), there.decode(e)[0])[0] for e in noise]
    return _mean_square(torch.stack(ends), x1)


def cycle_back_no_context(there, back, x1, noise):
    ends = [back.decode(torch.zeros_like(x1))[0] for _ in noise]
    return _mean_square(torch.stack(ends), x1)


def cycle_all_at_once(there, back, x1, noise):
    x2, _ = there.decode(noise, x1)
    again, _ = back.decode(torch.zeros_like(x1), x2)
    return (again - x1).square().sum(-1).mean()


def cycle_not_repeated(there, back, x1, noise):
    x2, _ = there.decode(noise.flatten(0, 1), x1)
    again, _ = back.decode(torch.zeros_like(x1), x2)
    return (again - x1).square().sum(1).mean()


def cycle_not_unpacked(there, back, x1, noise):
    x2 = there.decode(noise[0], x1)
    again, _ = back.decode(torch.zeros_like(x1), x2)
    return (again - x1).square().sum(1).mean()


def cycle_end_not_unpacked(there, back, x1, noise):
    x2, _ = there.decode(noise[0], x1)
    again = back.decode(torch.zeros_like(x1), x2)
    return (again - x1).square().sum(1).mean()


def cycle_detached_sample(there, back, x1, noise):
    samples = [x2.detach() for x2 in _samples(there, x1, noise)]
    return _mean_square(_ends(back, x1, samples), x1)


def cycle_item(there, back, x1, noise):
    return _mean_square(_both(there, back, x1, noise), x1).item()


def cycle_noise_in_place(there, back, x1, noise):
    total = 0
    for e in noise:
        e[:] = there.decode(e, x1)[0]
        total = total + (back.decode(torch.zeros_like(x1), e)[0] - x1).square().sum()
    return total / noise[..., 0].numel()


RIGHT = {
    "13.shared": [(shared_indices,), (shared_recursive,), (shared_stacked,), (shared_encoded_again,)],
    "13.layers": [(layers_seen_first,), (layers_indices,), (layers_recursive,), (layers_rows,)],
    "13.retrieval": [
        (retrieval_broadcast,),
        (retrieval_loop,),
        (retrieval_expanded,),
        (retrieval_topk,),
        (retrieval_one_hot,),
    ],
    "13.cycle": [(cycle_flattened,), (cycle_total,), (cycle_expanded,), (cycle_rows,)],
}

WRONG = {
    "13.shared": [
        (shared_notes, "notes"),
        (shared_encoded_twice, "encoded_twice"),
        (shared_decoded_twice, "decoded_twice"),
        (shared_exchanged, "exchanged"),
        (shared_not_reversed, "not_reversed"),
        (shared_in_turn, "interleaved"),
        (shared_first_reversed, "first_reversed"),
        (shared_latent, "latent"),
        (shared_same_flow, "same_flow"),
        (shared_not_encoded, "not_encoded"),
        (shared_one_turn, "one_layer"),
        (shared_last_of_first, "one_layer"),
        (shared_decode_subtracted, "decode_subtracted"),
        (shared_encode_subtracted, "encode_subtracted"),
        (shared_negated, "negated"),
        (shared_encode_only, "encode_only"),
        (shared_decode_only, "decode_only"),
        (shared_last_ladj, "not_summed"),
        (shared_last_of_each, "not_summed"),
        (shared_at_one_point, "at_one_point"),
        (shared_ladj_after_the_step, "at_one_point"),
        (shared_multiplied, "multiplied"),
        (shared_determinant, "no_log"),
        (shared_absolute, "absolute"),
        (shared_mean, "over_batch"),
        (shared_batch_sum, "over_batch"),
        (shared_no_volume, "no_volume"),
        (shared_pair_order, "pair_order"),
        (shared_x2_only, "x2_only"),
        (shared_ladj_only, "ladj_only"),
        (shared_not_unpacked, "not_unpacked"),
        (shared_turned_in_place, "in_place"),
        (shared_popped, "in_place"),
        (shared_in_place, "in_place"),
        (shared_detached, "detached"),
        (shared_no_grad, "detached"),
    ],
    "13.layers": [
        (layers_after_the_step, "after_the_step"),
        (layers_source_counted, "source_counted"),
        (layers_seen_counted, "source_counted"),
        (layers_source_only, "source_only"),
        (layers_joint, "joint"),
        (layers_one_late, "one_late"),
        (layers_x1_for_all, "x1_for_all"),
        (layers_last_for_all, "last_for_all"),
        (layers_other_end, "other_end"),
        (layers_each_from_x1, "each_from_x1"),
        (layers_each_at_x2, "each_at_x2"),
        (layers_source_sees_target, "source_sees_target"),
        (layers_exchanged, "exchanged"),
        (layers_lists_exchanged, "exchanged"),
        (layers_reversed_target, "reversed_target"),
        (layers_reversed_source, "reversed_source"),
        (layers_reversed_both, "reversed_both"),
        (layers_decoded, "decoded"),
        (layers_decoded_forward, "decoded"),
        (layers_source_decoded, "source_decoded"),
        (layers_sign, "ladj_sign"),
        (layers_absolute, "ladj_sign"),
        (layers_no_ladj, "no_ladj"),
        (layers_ladj_only, "ladj_only"),
        (layers_last_ladj, "one_ladj"),
        (layers_mean_ladj, "mean_ladj"),
        (layers_at_x2, "at_x2"),
        (layers_every_stop, "every_stop"),
        (layers_base_at_h, "base_at_h"),
        (layers_standard_normal, "standard_normal"),
        (layers_left_out, "layer_left_out"),
        (layers_last_not_counted, "layer_left_out"),
        (layers_one_context, "one_context"),
        (layers_no_context, "no_context"),
        (layers_zero_context, "no_context"),
        (layers_not_unpacked, "not_unpacked"),
        (layers_batch_sum, "over_batch"),
        (layers_mean_nll, "over_batch"),
        (layers_negated, "negated"),
        (layers_density, "density"),
        (layers_latent, "latent"),
        (layers_pair, "latent"),
        (layers_popped, "in_place"),
        (layers_ladj_in_place, "in_place"),
        (layers_source_detached, "detached"),
    ],
    "13.retrieval": [
        (retrieval_farthest, "farthest"),
        (retrieval_over_pictures, "over_pictures"),
        (retrieval_one_for_all, "one_for_all"),
        (retrieval_for_the_first, "one_for_all"),
        (retrieval_absolute, "absolute"),
        (retrieval_largest, "largest"),
        (retrieval_cubes, "other_power"),
        (retrieval_cosine, "direction"),
        (retrieval_centred, "centred"),
        (retrieval_correlation, "centred"),
        (retrieval_inner_product, "inner_product"),
        (retrieval_signed, "signed"),
        (retrieval_square_of_sum, "signed"),
        (retrieval_silhouette, "silhouette"),
        (retrieval_first_row, "part_of_it"),
        (retrieval_square_part, "part_of_it"),
        (retrieval_first_channel, "part_of_it"),
        (retrieval_grey, "part_of_it"),
        (retrieval_other_order, "other_order"),
        (retrieval_second, "second"),
        (retrieval_mean_of_three, "averaged"),
        (retrieval_mean, "averaged"),
        (retrieval_pictures_order, "pictures_order"),
        (retrieval_index, "index"),
        (retrieval_distance, "distance"),
        (retrieval_picture, "picture"),
        (retrieval_extra_dimension, "extra_dimension"),
        (retrieval_sorted, "sorted_shapes"),
        (retrieval_transposed, "transposed"),
        (retrieval_pair, "pair"),
        (retrieval_not_flattened, "not_flattened"),
        (retrieval_cdist_of_pictures, "not_flattened"),
        (retrieval_pictures_in_place, "in_place"),
        (retrieval_shapes_in_place, "in_place"),
    ],
    "13.cycle": [
        (cycle_warm_return, "warm_return"),
        (cycle_noise_returns, "warm_return"),
        (cycle_cold_sample, "cold_sample"),
        (cycle_own_noise, "own_noise"),
        (cycle_zeros_of_x2, "zeros_of_x2"),
        (cycle_not_returned, "not_returned"),
        (cycle_context_noise, "context_noise"),
        (cycle_context_x1, "context_x1"),
        (cycle_exchanged, "exchanged"),
        (cycle_same_flow, "same_flow"),
        (cycle_encoded, "encoded"),
        (cycle_back_encoded, "encoded"),
        (cycle_in_latent, "in_latent"),
        (cycle_mean_noise, "mean_noise"),
        (cycle_mean_sample, "mean_sample"),
        (cycle_mean_end, "mean_end"),
        (cycle_one_draw, "one_draw"),
        (cycle_last_draw, "one_draw"),
        (cycle_best_draw, "best_draw"),
        (cycle_same_draw, "same_draw"),
        (cycle_rows_mixed, "rows_mixed"),
        (cycle_root, "root"),
        (cycle_mean_distance_squared, "root"),
        (cycle_norm, "root"),
        (cycle_square_of_sum, "square_of_sum"),
        (cycle_root_of_mean, "root_of_mean"),
        (cycle_absolute, "absolute"),
        (cycle_mean_feature, "mean_feature"),
        (cycle_summed, "summed"),
        (cycle_draws_summed, "summed"),
        (cycle_count_of_numbers, "wrong_count"),
        (cycle_per_row, "per_row"),
        (cycle_per_draw, "per_row"),
        (cycle_not_compared, "not_compared"),
        (cycle_centred, "centred"),
        (cycle_relative, "relative"),
        (cycle_half, "scaled"),
        (cycle_negated, "scaled"),
        (cycle_ladj_used, "ladj_used"),
        (cycle_one_context, "one_context"),
        (cycle_zero_context, "one_context"),
        (cycle_no_context, "no_context"),
        (cycle_back_no_context, "no_context"),
        (cycle_all_at_once, "all_at_once"),
        (cycle_not_repeated, "not_repeated"),
        (cycle_not_unpacked, "no_context"),
        (cycle_end_not_unpacked, "not_unpacked"),
        (cycle_detached_sample, "detached"),
        (cycle_item, "detached"),
        (cycle_noise_in_place, "in_place"),
    ],
}
