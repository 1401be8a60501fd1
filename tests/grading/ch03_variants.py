"""Answers to chapter 3's exercises, as learners write them: right ones, and wrong ones with the mistake they make."""

import torch

# 03.encode --------------------------------------------------------------------------------------------------------


def encode_index_copy(x, mask, scale_net, shift_net):
    kept, moved = x[:, mask], x[:, ~mask]
    where = torch.nonzero(~mask)[:, 0]
    return x.index_copy(1, where, moved * scale_net(kept).exp() + shift_net(kept))


def encode_empty(x, mask, scale_net, shift_net):
    z = torch.empty_like(x)
    z[:, mask] = x[:, mask]
    z[:, ~mask] = torch.exp(scale_net(x[:, mask])) * x[:, ~mask] + shift_net(x[:, mask])
    return z


def encode_columns(x, mask, scale_net, shift_net):
    log_scale, shift = scale_net(x[:, mask]), shift_net(x[:, mask])
    columns, used = [], 0
    for d in range(x.shape[1]):
        if mask[d]:
            columns.append(x[:, d])
        else:
            columns.append(x[:, d] * torch.exp(log_scale[:, used]) + shift[:, used])
            used += 1
    return torch.stack(columns, dim=1)


def encode_cat_and_argsort(x, mask, scale_net, shift_net):
    kept, moved = torch.where(mask)[0], torch.where(~mask)[0]
    z = torch.cat([x[:, kept], x[:, moved] * scale_net(x[:, kept]).exp() + shift_net(x[:, kept])], dim=1)
    return z[:, torch.cat([kept, moved]).argsort()]


def encode_where(x, mask, scale_net, shift_net):
    log_scale = torch.zeros_like(x)
    shift = torch.zeros_like(x)
    log_scale[:, ~mask] = scale_net(x[:, mask])
    shift[:, ~mask] = shift_net(x[:, mask])
    return torch.where(mask, x, x * torch.exp(log_scale) + shift)


def encode_einsum(x, mask, scale_net, shift_net):
    kept = x[:, mask]
    rows = torch.eye(len(mask), dtype=x.dtype, device=x.device)[~mask]
    moved = scale_net(kept).exp() * x[:, ~mask] + shift_net(kept)
    return x * mask + torch.einsum("nm,md->nd", moved, rows)


def encode_in_place_on_own_copies(x, mask, scale_net, shift_net):
    moved, kept = x[:, ~mask], x[:, mask]
    moved *= scale_net(kept).exp()
    moved += shift_net(kept)
    return x.masked_scatter(~mask, moved)


def encode_transposed_view(x, mask, scale_net, shift_net):
    columns = x.T.clone()
    kept = columns[mask].T
    columns[~mask] = (torch.exp(scale_net(kept)) * columns[~mask].T + shift_net(kept)).T
    return columns.T


class EncodeObject:
    __name__ = "EncodeObject"

    def __call__(self, x, mask, scale_net, shift_net):
        moved = torch.where(~mask)[0].tolist()
        log_scale, shift = scale_net(x[:, mask]), shift_net(x[:, mask])
        columns = list(x.unbind(1))
        for j, d in enumerate(moved):
            columns[d] = torch.addcmul(shift[:, j], log_scale[:, j].exp(), x[:, d])
        return torch.stack(columns, -1)


def _encoded(x, mask, moved):
    z = x.clone()
    z[:, ~mask] = moved
    return z


def encode_not_exp(x, mask, scale_net, shift_net):
    kept, moved = x[:, mask], x[:, ~mask]
    return _encoded(x, mask, scale_net(kept) * moved + shift_net(kept))


def encode_decode(x, mask, scale_net, shift_net):
    kept, moved = x[:, mask], x[:, ~mask]
    return _encoded(x, mask, (moved - shift_net(kept)) / scale_net(kept).exp())


def encode_scale_sign(x, mask, scale_net, shift_net):
    kept, moved = x[:, mask], x[:, ~mask]
    return _encoded(x, mask, torch.exp(-scale_net(kept)) * moved + shift_net(kept))


def encode_shift_first(x, mask, scale_net, shift_net):
    kept, moved = x[:, mask], x[:, ~mask]
    return _encoded(x, mask, torch.exp(scale_net(kept)) * (moved + shift_net(kept)))


def encode_shift_sign(x, mask, scale_net, shift_net):
    kept, moved = x[:, mask], x[:, ~mask]
    return _encoded(x, mask, torch.exp(scale_net(kept)) * moved - shift_net(kept))


def encode_no_shift(x, mask, scale_net, shift_net):
    return _encoded(x, mask, torch.exp(scale_net(x[:, mask])) * x[:, ~mask])


def encode_no_scale(x, mask, scale_net, shift_net):
    return _encoded(x, mask, x[:, ~mask] + shift_net(x[:, mask]))


def encode_exp_of_all(x, mask, scale_net, shift_net):
    kept = x[:, mask]
    return _encoded(x, mask, torch.exp(scale_net(kept) * x[:, ~mask] + shift_net(kept)))


def encode_nets_exchanged(x, mask, scale_net, shift_net):
    kept = x[:, mask]
    return _encoded(x, mask, torch.exp(shift_net(kept)) * x[:, ~mask] + scale_net(kept))


def encode_nets_see_moved(x, mask, scale_net, shift_net):
    moved = x[:, ~mask]
    return _encoded(x, mask, scale_net(moved).exp() * moved + shift_net(moved))


def encode_pair(x, mask, scale_net, shift_net):
    log_scale = scale_net(x[:, mask])
    return _encoded(x, mask, log_scale.exp() * x[:, ~mask] + shift_net(x[:, mask])), log_scale.sum(dim=1)


def encode_cat_moved_first(x, mask, scale_net, shift_net):
    kept, moved = x[:, mask], x[:, ~mask]
    return torch.cat((torch.exp(scale_net(kept)) * moved + shift_net(kept), kept), dim=-1)


def encode_cat(x, mask, scale_net, shift_net):
    kept, moved = x[:, mask], x[:, ~mask]
    return torch.cat((kept, torch.exp(scale_net(kept)) * moved + shift_net(kept)), dim=-1)


def encode_roles(x, mask, scale_net, shift_net):
    z = x.clone()
    z[:, mask] = torch.exp(scale_net(x[:, ~mask])) * x[:, mask] + shift_net(x[:, ~mask])
    return z


def encode_halves(x, mask, scale_net, shift_net):
    a, b = x[:, : x.shape[1] // 2], x[:, x.shape[1] // 2 :]
    return torch.cat((a, b * scale_net(a).exp() + shift_net(a)), 1)


def encode_kept_lost(x, mask, scale_net, shift_net):
    z = torch.zeros_like(x)
    z[:, ~mask] = torch.exp(scale_net(x[:, mask])) * x[:, ~mask] + shift_net(x[:, mask])
    return z


def encode_moved_only(x, mask, scale_net, shift_net):
    return torch.exp(scale_net(x[:, mask])) * x[:, ~mask] + shift_net(x[:, mask])


def encode_in_place(x, mask, scale_net, shift_net):
    kept = x[:, mask]
    x[:, ~mask] = torch.exp(scale_net(kept)) * x[:, ~mask] + shift_net(kept)
    return x


# 03.decode --------------------------------------------------------------------------------------------------------


def decode_divides(z, mask, scale_net, shift_net):
    x = z.clone()
    x[:, ~mask] = (z[:, ~mask] - shift_net(z[:, mask])) / torch.exp(scale_net(z[:, mask]))
    return x


def decode_columns(z, mask, scale_net, shift_net):
    kept = z[:, mask]
    moved = iter(((z[:, ~mask] - shift_net(kept)) * torch.exp(-scale_net(kept))).unbind(1))
    return torch.stack([z[:, d] if keep else next(moved) for d, keep in enumerate(mask.tolist())], 1)


def decode_masked_scatter(z, mask, scale_net, shift_net):
    s, t = scale_net(z[:, mask]), shift_net(z[:, mask])
    new = (z[:, ~mask] - t) * (-s).exp()
    return z.masked_scatter(~mask.expand_as(z), new)


def decode_row_by_row(z, mask, scale_net, shift_net):
    out = []
    for row in z:
        kept = row[mask].unsqueeze(0)
        new = row.clone()
        new[~mask] = ((row[~mask] - shift_net(kept)[0]) * torch.exp(-scale_net(kept)[0])).to(row.dtype)
        out.append(new)
    return torch.stack(out)


def decode_solves(z, mask, scale_net, shift_net):
    kept = z[:, mask]
    matrices = torch.diag_embed(scale_net(kept).exp())
    moved = torch.linalg.solve(matrices, (z[:, ~mask] - shift_net(kept)).unsqueeze(-1)).squeeze(-1)
    return z.index_copy(1, torch.nonzero(~mask)[:, 0], moved)


def _decoded(z, mask, moved):
    x = z.clone()
    x[:, ~mask] = moved
    return x


def decode_encode(z, mask, scale_net, shift_net):
    return _decoded(z, mask, scale_net(z[:, mask]).exp() * z[:, ~mask] + shift_net(z[:, mask]))


def decode_shift_last(z, mask, scale_net, shift_net):
    return _decoded(z, mask, z[:, ~mask] * torch.exp(-scale_net(z[:, mask])) - shift_net(z[:, mask]))


def decode_scale_sign(z, mask, scale_net, shift_net):
    return _decoded(z, mask, (z[:, ~mask] - shift_net(z[:, mask])) * torch.exp(scale_net(z[:, mask])))


def decode_shift_sign(z, mask, scale_net, shift_net):
    return _decoded(z, mask, (z[:, ~mask] + shift_net(z[:, mask])) * torch.exp(-scale_net(z[:, mask])))


def decode_not_exp(z, mask, scale_net, shift_net):
    return _decoded(z, mask, (z[:, ~mask] - shift_net(z[:, mask])) / scale_net(z[:, mask]))


def decode_no_shift(z, mask, scale_net, shift_net):
    return _decoded(z, mask, z[:, ~mask] / torch.exp(scale_net(z[:, mask])))


def decode_no_scale(z, mask, scale_net, shift_net):
    return _decoded(z, mask, z[:, ~mask] - shift_net(z[:, mask]))


def decode_bracket(z, mask, scale_net, shift_net):
    kept = z[:, mask]
    return _decoded(z, mask, z[:, ~mask] - shift_net(kept) * torch.exp(-scale_net(kept)))


def decode_nets_exchanged(z, mask, scale_net, shift_net):
    kept = z[:, mask]
    return _decoded(z, mask, (z[:, ~mask] - scale_net(kept)) * torch.exp(-shift_net(kept)))


def decode_nets_see_moved(z, mask, scale_net, shift_net):
    moved = z[:, ~mask]
    return _decoded(z, mask, (moved - shift_net(moved)) / scale_net(moved).exp())


def decode_moved_only(z, mask, scale_net, shift_net):
    kept, moved = z[:, mask], z[:, ~mask]
    return (moved - shift_net(kept)) * torch.exp(-scale_net(kept))


def decode_pair(z, mask, scale_net, shift_net):
    return decode_divides(z, mask, scale_net, shift_net), -scale_net(z[:, mask]).sum(1)


def decode_cat_moved_first(z, mask, scale_net, shift_net):
    kept = z[:, mask]
    return torch.cat([(z[:, ~mask] - shift_net(kept)) * torch.exp(-scale_net(kept)), kept], 1)


def decode_cat(z, mask, scale_net, shift_net):
    kept = z[:, mask]
    return torch.cat([kept, (z[:, ~mask] - shift_net(kept)) * torch.exp(-scale_net(kept))], 1)


def decode_roles(z, mask, scale_net, shift_net):
    x = z.clone()
    x[:, mask] = (z[:, mask] - shift_net(z[:, ~mask])) * torch.exp(-scale_net(z[:, ~mask]))
    return x


def decode_halves(z, mask, scale_net, shift_net):
    a, b = z.tensor_split([z.shape[1] // 2], dim=1)
    return torch.cat([a, (b - shift_net(a)) * torch.exp(-scale_net(a))], 1)


def decode_kept_lost(z, mask, scale_net, shift_net):
    x = torch.zeros_like(z)
    x[:, ~mask] = (z[:, ~mask] - shift_net(z[:, mask])) * torch.exp(-scale_net(z[:, mask]))
    return x


# 03.logdet --------------------------------------------------------------------------------------------------------


def log_det_torch_sum(x, mask, scale_net, shift_net):
    log_scale = scale_net(x[:, mask])
    return torch.sum(log_scale, -1)


def log_det_scattered(x, mask, scale_net, shift_net):
    full = torch.zeros_like(x)
    full[:, ~mask] = scale_net(x[:, mask])
    return full.sum(1)


def log_det_loop(x, mask, scale_net, shift_net):
    ladj = torch.zeros(x.shape[0], dtype=x.dtype, device=x.device)
    log_scale = scale_net(x[:, mask])
    for d in range(log_scale.shape[1]):
        ladj = ladj + log_scale[:, d]
    return ladj


def log_det_of_scale(x, mask, scale_net, shift_net):
    scale = torch.exp(scale_net(x[:, torch.where(mask)[0]]))
    return torch.log(scale.prod(dim=1).abs())


def log_det_rows(x, mask, scale_net, shift_net):
    return torch.stack([scale_net(row[mask][None]).sum() for row in x])


def log_det_matmul(x, mask, scale_net, shift_net):
    log_scale = scale_net(x[:, mask])
    return log_scale @ torch.ones(log_scale.shape[1], dtype=x.dtype, device=x.device)


def log_det_vmap_trace(x, mask, scale_net, shift_net):
    return torch.vmap(torch.trace)(torch.diag_embed(scale_net(x[:, mask])))


def log_det_sign(x, mask, scale_net, shift_net):
    return -scale_net(x[:, mask]).sum(1)


def log_det_mean(x, mask, scale_net, shift_net):
    return scale_net(x[:, mask]).mean(1)


def log_det_whole_batch(x, mask, scale_net, shift_net):
    return scale_net(x[:, mask]).sum()


def log_det_batch_mean(x, mask, scale_net, shift_net):
    return scale_net(x[:, mask]).sum(dim=1).mean()


def log_det_times_batch(x, mask, scale_net, shift_net):
    return x.shape[0] * scale_net(x[:, mask]).sum(1)


def log_det_per_feature(x, mask, scale_net, shift_net):
    return scale_net(x[:, mask])


def log_det_not_log(x, mask, scale_net, shift_net):
    return scale_net(x[:, mask]).exp().sum(1)


def log_det_log_again(x, mask, scale_net, shift_net):
    return scale_net(x[:, mask]).abs().log().sum(1)


def log_det_log_nan(x, mask, scale_net, shift_net):
    return torch.log(scale_net(x[:, mask])).sum(1)


def log_det_abs(x, mask, scale_net, shift_net):
    return scale_net(x[:, mask]).abs().sum(1)


def log_det_product(x, mask, scale_net, shift_net):
    return scale_net(x[:, mask]).prod(dim=1)


def log_det_over_batch(x, mask, scale_net, shift_net):
    return scale_net(x[:, mask]).sum(dim=0)


def log_det_minus_shift(x, mask, scale_net, shift_net):
    return scale_net(x[:, mask]).sum(1) - shift_net(x[:, mask]).sum(1)


def log_det_determinant(x, mask, scale_net, shift_net):
    return scale_net(x[:, mask]).exp().prod(1)


def log_det_shift(x, mask, scale_net, shift_net):
    return (scale_net(x[:, mask]) + shift_net(x[:, mask])).sum(1)


def log_det_shift_only(x, mask, scale_net, shift_net):
    return shift_net(x[:, mask]).sum(1)


def log_det_all_features(x, mask, scale_net, shift_net):
    full = torch.ones_like(x)
    full[:, ~mask] = scale_net(x[:, mask])
    return full.sum(1)


def log_det_roles(x, mask, scale_net, shift_net):
    return scale_net(x[:, ~mask]).sum(1)


def log_det_halves(x, mask, scale_net, shift_net):
    kept, _ = x[:, : x.shape[1] // 2], x[:, x.shape[1] // 2 :]
    return scale_net(kept).sum(1)


def log_det_detached(x, mask, scale_net, shift_net):
    return scale_net(x[:, mask]).detach().sum(1)


def log_det_input_detached(x, mask, scale_net, shift_net):
    return scale_net(x.detach()[:, mask]).sum(1)


def log_det_autograd(x, mask, scale_net, shift_net):
    def encode(row):
        z = row.clone()
        z[~mask] = torch.exp(scale_net(row[None, mask])[0]) * row[~mask] + shift_net(row[None, mask])[0]
        return z

    jacobians = [torch.autograd.functional.jacobian(encode, row, create_graph=True) for row in x]
    return torch.stack([torch.linalg.slogdet(jacobian)[1] for jacobian in jacobians])


def log_det_by_grad(x, mask, scale_net, shift_net):
    x = x if x.requires_grad else x.clone().requires_grad_()
    z = torch.exp(scale_net(x[:, mask])) * x[:, ~mask] + shift_net(x[:, mask])
    total = 0
    for column, feature in enumerate(torch.where(~mask)[0]):
        (slope,) = torch.autograd.grad(z[:, column].sum(), x, create_graph=True)
        total = total + torch.log(slope[:, feature])
    return total


# 03.bad_mask ------------------------------------------------------------------------------------------------------


def good_alternating(D, k):
    first = torch.arange(D) % 2 == 0
    return [first if i % 2 == 0 else ~first for i in range(k)]


def good_halves(D, k):
    first = [d < D // 2 for d in range(D)]
    return [torch.tensor([not b if i % 2 else b for b in first]) for i in range(k)]


def good_one_kept(D, k):
    return torch.eye(max(D, k), dtype=torch.bool)[:k, :D] if k <= D else [torch.arange(D) == i % D for i in range(k)]


def good_lists(D, k):
    return [[(d + i) % 2 for d in range(D)] for i in range(k)]


def good_numpy(D, k):
    return [(torch.arange(D).numpy() + i) % 2 == 0 for i in range(k)]


def good_runs_out(D, k):
    return torch.eye(D, dtype=torch.bool)[:k]


def good_keeps_none_in_the_end(D, k):
    return [torch.arange(D) == i for i in range(k)]


def bad_all_moved_in_the_end(D, k):
    return [torch.arange(D) != i % D for i in range(k)]


def bad_last(D, k):
    masks = []
    for i in range(k):
        mask = torch.arange(D) % 2 == i % 2
        mask[-1] = True
        masks.append(mask)
    return masks


def bad_first(D, k):
    table = torch.zeros(k, D, dtype=torch.bool)
    table[:, 0] = True
    table[::2, 1] = True
    return table


def bad_lists(D, k):
    return [[1, i % 2, 1 - i % 2] + [0] * (D - 3) for i in range(k)]


def bad_all_but_one(D, k):
    return [torch.arange(D) != 1 + i % 2 for i in range(k)]


def bad_same(D, k):
    return [torch.arange(D) < D // 2] * k


def bad_all_kept(D, k):
    return [torch.ones(D, dtype=torch.bool) for _ in range(k)]


def bad_none_kept(D, k):
    return [torch.zeros(D, dtype=torch.bool) for _ in range(k)]


def bad_convention(D, k):
    return [~mask for mask in bad_last(D, k)]


def bad_count(D, k):
    return bad_last(D, k + 1)


def bad_length(D, k):
    return bad_last(D + 1, k)


def bad_indices(D, k):
    return [torch.arange(0, D - 1, 2) if i % 2 else torch.arange(1, D, 2) for i in range(k)]


# 03.two_couplings -------------------------------------------------------------------------------------------------


def two_accumulated(x, first, second, context):
    ladj = torch.zeros(len(x), dtype=x.dtype, device=x.device)
    for coupling in (first, second):
        x, one = coupling.encode(x, context)
        ladj = ladj + one
    return x, ladj


def two_unpacked(x, first, second, context):
    x, a = first.encode(x, context=context)
    x, b = second.encode(x, context=context)
    return [x, a + b]


def two_stacked(x, first, second, context):
    h, a = first.encode(x, context)
    z, b = second.encode(h, context)
    return z, torch.stack((a, b)).sum(0)


def two_by_decode(x, first, second, context):
    z = second.encode(first.encode(x, context)[0], context)[0]
    h, b = second.decode(z, context)
    _, a = first.decode(h, context)
    return z, -(a + b)


def two_last_only(x, first, second, context):
    x, ladj = first.encode(x, context)
    x, ladj = second.encode(x, context)
    return x, ladj


def two_first_only(x, first, second, context):
    h, ladj = first.encode(x, context)
    return second.encode(h, context)[0], ladj


def two_functools(x, first, second, context):
    from functools import reduce

    def step(state, coupling):
        z, ladj = coupling.encode(state[0], context)
        return z, state[1] + ladj

    return reduce(step, (first, second), (x, 0))


def two_row_by_row(x, first, second, context):
    rows = []
    for n in range(len(x)):
        h, a = first.encode(x[n : n + 1], context[n : n + 1])
        z, b = second.encode(h, context[n : n + 1])
        rows.append((z, a + b))
    return tuple(torch.cat(parts) for parts in zip(*rows))


def two_both_decode(x, first, second, context):
    h, a = first.decode(x, context)
    z, b = second.decode(h, context)
    return z, a + b


def two_h_returned(x, first, second, context):
    h, a = first.encode(x, context)
    z, b = second.encode(h, context)
    return h, a + b


def two_first_twice(x, first, second, context):
    h, a = first.encode(x, context)
    z, b = first.encode(h, context)
    return z, a + b


def two_minus_first(x, first, second, context):
    h, a = first.encode(x, context)
    z, b = second.encode(h, context)
    return z, b - a


def two_not_added_stack(x, first, second, context):
    h, a = first.encode(x, context)
    z, b = second.encode(h, context)
    return z, torch.stack([a, b])


def two_not_added_cat(x, first, second, context):
    h, a = first.encode(x, context)
    z, b = second.encode(h, context)
    return z, torch.cat([a, b])


def two_not_added(x, first, second, context):
    h, a = first.encode(x, context)
    z, b = second.encode(h, context)
    return z, a, b


def two_minus(x, first, second, context):
    h, a = first.encode(x, context)
    z, b = second.encode(h, context)
    return z, a - b


def two_negated(x, first, second, context):
    h, a = first.encode(x, context)
    z, b = second.encode(h, context)
    return z, -(a + b)


def two_product(x, first, second, context):
    h, a = first.encode(x, context)
    z, b = second.encode(h, context)
    return z, a * b


def two_mean(x, first, second, context):
    h, a = first.encode(x, context)
    z, b = second.encode(h, context)
    return z, 0.5 * (a + b)


def two_second_sees_x(x, first, second, context):
    h, a = first.encode(x, context)
    z, b = second.encode(x, context)
    return z, a + b


def two_log_det_at_x(x, first, second, context):
    h, a = first.encode(x, context)
    z = second.encode(h, context)[0]
    return z, a + second.encode(x, context)[1]


def two_order(x, first, second, context):
    h, a = second.encode(x, context)
    z, b = first.encode(h, context)
    return z, a + b


def two_no_context(x, first, second, context):
    h, a = first.encode(x)
    z, b = second.encode(h)
    return z, a + b


def two_context_once(x, first, second, context):
    h, a = first.encode(x, context)
    z, b = second.encode(h)
    return z, a + b


def two_decodes(x, first, second, context):
    h, b = second.decode(x, context)
    z, a = first.decode(h, context)
    return z, a + b


def two_pair_order(x, first, second, context):
    h, a = first.encode(x, context)
    z, b = second.encode(h, context)
    return a + b, z


def two_z_only(x, first, second, context):
    return second.encode(first.encode(x, context)[0], context)[0]


def two_ladj_only(x, first, second, context):
    h, a = first.encode(x, context)
    return a + second.encode(h, context)[1]


RIGHT = {
    "03.encode": [
        (encode_index_copy,),
        (encode_empty,),
        (encode_columns,),
        (encode_cat_and_argsort,),
        (encode_where,),
        (encode_einsum,),
        (encode_in_place_on_own_copies,),
        (encode_transposed_view,),
        (EncodeObject(),),
    ],
    "03.decode": [
        (decode_divides,),
        (decode_columns,),
        (decode_masked_scatter,),
        (decode_row_by_row,),
        (decode_solves,),
    ],
    "03.logdet": [
        (log_det_torch_sum,),
        (log_det_scattered,),
        (log_det_loop,),
        (log_det_of_scale,),
        (log_det_rows,),
        (log_det_matmul,),
        (log_det_vmap_trace,),
    ],
    "03.bad_mask": [
        (good_alternating, bad_last),
        (good_halves, bad_first),
        (good_one_kept, bad_all_but_one),
        (good_lists, bad_lists),
        (good_numpy, bad_last),
    ],
    "03.two_couplings": [
        (two_accumulated,),
        (two_unpacked,),
        (two_stacked,),
        (two_by_decode,),
        (two_functools,),
        (two_row_by_row,),
    ],
}

WRONG = {
    "03.encode": [
        (encode_not_exp, "not_exp"),
        (encode_decode, "decode"),
        (encode_scale_sign, "scale_sign"),
        (encode_shift_first, "shift_first"),
        (encode_shift_sign, "shift_sign"),
        (encode_no_shift, "no_shift"),
        (encode_no_scale, "no_scale"),
        (encode_exp_of_all, "exp_of_all"),
        (encode_nets_exchanged, "nets_exchanged"),
        (encode_nets_see_moved, "nets_see_moved"),
        (encode_pair, "pair"),
        (encode_cat_moved_first, "cat"),
        (encode_cat, "cat"),
        (encode_roles, "roles"),
        (encode_halves, "halves"),
        (encode_kept_lost, "kept_lost"),
        (encode_moved_only, "moved_only"),
        (encode_in_place, "in_place"),
    ],
    "03.decode": [
        (decode_encode, "encode"),
        (decode_shift_last, "shift_last"),
        (decode_scale_sign, "scale_sign"),
        (decode_shift_sign, "shift_sign"),
        (decode_not_exp, "not_exp"),
        (decode_no_shift, "no_shift"),
        (decode_no_scale, "no_scale"),
        (decode_bracket, "bracket"),
        (decode_nets_exchanged, "nets_exchanged"),
        (decode_nets_see_moved, "nets_see_moved"),
        (decode_moved_only, "moved_only"),
        (decode_pair, "pair"),
        (decode_cat_moved_first, "cat"),
        (decode_cat, "cat"),
        (decode_roles, "roles"),
        (decode_halves, "halves"),
        (decode_kept_lost, "kept_lost"),
    ],
    "03.logdet": [
        (log_det_sign, "sign"),
        (log_det_mean, "mean"),
        (log_det_whole_batch, "whole_batch"),
        (log_det_batch_mean, "batch_mean"),
        (log_det_times_batch, "times_batch"),
        (log_det_per_feature, "per_feature"),
        (log_det_not_log, "not_log"),
        (log_det_log_again, "log_again"),
        (log_det_log_nan, "log_again"),
        (log_det_abs, "abs"),
        (log_det_product, "product"),
        (log_det_over_batch, "over_batch"),
        (log_det_minus_shift, "shift"),
        (log_det_determinant, "determinant"),
        (log_det_shift, "shift"),
        (log_det_shift_only, "shift_only"),
        (log_det_all_features, "all_features"),
        (log_det_roles, "roles"),
        (log_det_halves, "halves"),
        (log_det_detached, "detached"),
        (log_det_input_detached, "detached"),
        (log_det_autograd, "cost"),
        (log_det_by_grad, "cost"),
    ],
    "03.bad_mask": [
        ((bad_last, bad_last), "never_moved"),
        ((good_alternating, good_alternating), "all_moved"),
        ((good_runs_out, bad_last), "count"),
        ((good_keeps_none_in_the_end, bad_last), "none_kept"),
        ((good_alternating, bad_all_moved_in_the_end), "all_moved"),
        ((good_alternating, bad_convention), "convention"),
        ((good_alternating, bad_same), "same_mask"),
        ((good_alternating, bad_all_kept), "all_kept"),
        ((good_alternating, bad_none_kept), "none_kept"),
        ((good_alternating, bad_count), "count"),
        ((good_alternating, bad_length), "length"),
        ((good_alternating, bad_indices), "indices"),
    ],
    "03.two_couplings": [
        (two_last_only, "last_only"),
        (two_first_only, "first_only"),
        (two_minus, "minus"),
        (two_minus_first, "minus"),
        (two_both_decode, "both_decode"),
        (two_h_returned, "h_returned"),
        (two_first_twice, "first_twice"),
        (two_not_added, "not_added"),
        (two_not_added_cat, "not_added"),
        (two_not_added_stack, "not_added"),
        (two_negated, "negated"),
        (two_product, "product"),
        (two_mean, "mean"),
        (two_second_sees_x, "second_sees_x"),
        (two_log_det_at_x, "log_det_at_x"),
        (two_order, "order"),
        (two_no_context, "no_context"),
        (two_context_once, "context_once"),
        (two_decodes, "decodes"),
        (two_pair_order, "pair_order"),
        (two_z_only, "z_only"),
        (two_ladj_only, "ladj_only"),
    ],
}
