"""Answers to chapter 4's exercises, as learners write them: right ones, and wrong ones with the mistake they make."""

import math
from functools import reduce

import torch
import torch.nn.functional as F

# 04.encode --------------------------------------------------------------------------------------------------------


def encode_empty(x, net, parity):
    z = torch.empty_like(x)
    z[:, parity::2] = x[:, parity::2]
    z[:, 1 - parity :: 2] = x[:, 1 - parity :: 2] + net(x[:, parity::2])
    return z, torch.zeros(x.shape[0], dtype=x.dtype, device=x.device)


def encode_branches(x, net, parity):
    even, odd = x[:, ::2], x[:, 1::2]
    if parity == 0:
        odd = odd + net(even)
    else:
        even = even + net(odd)
    z = torch.zeros_like(x)
    z[:, ::2], z[:, 1::2] = even, odd
    return z, 0 * x.sum(dim=1)


def encode_columns(x, net, parity):
    shift, columns, used = net(x[:, parity::2]), [], 0
    for i in range(x.shape[1]):
        if i % 2 == parity:
            columns.append(x[:, i])
        else:
            columns.append(x[:, i] + shift[:, used])
            used += 1
    return torch.stack(columns, 1), torch.zeros_like(x).sum(1)


def encode_mask(x, net, parity):
    kept = torch.arange(x.shape[1], device=x.device) % 2 == parity
    shift = torch.zeros_like(x)
    shift[:, ~kept] = net(x[:, kept])
    return [x + shift, torch.zeros_like(x[:, 0])]


def encode_index_add(x, net, parity):
    moved = torch.arange(1 - parity, x.shape[1], 2, device=x.device)
    return x.index_add(1, moved, net(x[:, parity::2])), x.new_zeros(len(x))


def encode_argsort(x, net, parity):
    order = torch.cat([torch.arange(parity, x.shape[1], 2), torch.arange(1 - parity, x.shape[1], 2)]).to(x.device)
    kept, moved = x[:, parity::2], x[:, 1 - parity :: 2]
    return torch.cat([kept, moved + net(kept)], 1)[:, order.argsort()], torch.zeros(len(x)).to(x)


def encode_rows(x, net, parity):
    rows = []
    for row in x:
        out = row.clone()
        out[1 - parity :: 2] += net(row[None, parity::2])[0]
        rows.append(out)
    return torch.stack(rows), x.new_zeros(x.shape[0])


def _kinds(x, parity):
    return x[:, parity::2], x[:, 1 - parity :: 2]


def _back(kept, moved, parity):
    z = kept.new_empty(len(kept), kept.shape[1] + moved.shape[1])
    z[:, parity::2], z[:, 1 - parity :: 2] = kept, moved
    return z


def encode_subtracts(x, net, parity):
    kept, moved = _kinds(x, parity)
    return _back(kept, moved - net(kept), parity), x.new_zeros(len(x))


def encode_shift_only(x, net, parity):
    z = x.clone()
    z[:, 1 - parity :: 2] = net(x[:, parity::2])
    return z, x.new_zeros(len(x))


def encode_product(x, net, parity):
    kept, moved = _kinds(x, parity)
    return _back(kept, moved * net(kept), parity), x.new_zeros(len(x))


def encode_exp(x, net, parity):
    kept, moved = _kinds(x, parity)
    return _back(kept, moved * torch.exp(net(kept)), parity), x.new_zeros(len(x))


def encode_cat(x, net, parity):
    kept, moved = _kinds(x, parity)
    return torch.cat([kept, moved + net(kept)], dim=1), torch.zeros(len(x), dtype=x.dtype)


def encode_cat_moved_first(x, net, parity):
    kept, moved = _kinds(x, parity)
    return torch.cat([moved + net(kept), kept], dim=1), torch.zeros(len(x), dtype=x.dtype)


def encode_cat_even_first(x, net, parity):
    even, odd = x[:, ::2], x[:, 1::2]
    if parity == 0:
        odd = odd + net(even)
    else:
        even = even + net(odd)
    return torch.cat((even, odd), 1), x.new_zeros(len(x))


def encode_ladj_shift(x, net, parity):
    kept, moved = _kinds(x, parity)
    shift = net(kept)
    return _back(kept, moved + shift, parity), shift.sum(dim=1)


def encode_ladj_minus_shift(x, net, parity):
    kept, moved = _kinds(x, parity)
    return _back(kept, moved + net(kept), parity), -net(kept).sum(dim=1)


def encode_ladj_log_shift(x, net, parity):
    kept, moved = _kinds(x, parity)
    return _back(kept, moved + net(kept), parity), torch.log(net(kept).abs()).sum(-1)


def encode_determinant(x, net, parity):
    return encode_empty(x, net, parity)[0], torch.ones(len(x), dtype=x.dtype, device=x.device)


def encode_zero(x, net, parity):
    return encode_empty(x, net, parity)[0], 0


def encode_zero_point(x, net, parity):
    return encode_empty(x, net, parity)[0], 0.0


def encode_zero_tensor(x, net, parity):
    return encode_empty(x, net, parity)[0], torch.tensor(0.0, dtype=x.dtype)


def encode_zeros_like(x, net, parity):
    return encode_empty(x, net, parity)[0], torch.zeros_like(x)


def encode_zeros_of_moved(x, net, parity):
    return encode_empty(x, net, parity)[0], torch.zeros_like(x[:, 1 - parity :: 2])


def encode_roles(x, net, parity):
    moved, kept = _kinds(x, parity)
    return _back(kept, moved + net(kept), 1 - parity), x.new_zeros(len(x))


def encode_always_even(x, net, parity):
    z = x.clone()
    z[:, 1::2] = x[:, 1::2] + net(x[:, 0::2])
    return z, x.new_zeros(len(x))


def encode_always_odd(x, net, parity):
    z = x.clone()
    z[:, 0::2] = x[:, 0::2] + net(x[:, 1::2])
    return z, x.new_zeros(len(x))


def encode_net_sees_moved(x, net, parity):
    kept, moved = _kinds(x, parity)
    return _back(kept, moved + net(moved), parity), x.new_zeros(len(x))


def encode_halves(x, net, parity):
    d = x.shape[1] // 2
    return torch.cat((x[:, :d], x[:, d:] + net(x[:, :d])), 1), x.new_zeros(len(x))


def encode_larger_half(x, net, parity):
    first, second = x.chunk(2, dim=1)
    return torch.cat((first, second + net(first)), 1), x.new_zeros(len(x))


def encode_kept_lost(x, net, parity):
    kept, moved = _kinds(x, parity)
    z = torch.zeros_like(x)
    z[:, 1 - parity :: 2] = moved + net(kept)
    return z, x.new_zeros(len(x))


def encode_moved_only(x, net, parity):
    kept, moved = _kinds(x, parity)
    return moved + net(kept), x.new_zeros(len(x))


def encode_z_only(x, net, parity):
    return encode_empty(x, net, parity)[0]


def encode_pair_order(x, net, parity):
    z, ladj = encode_empty(x, net, parity)
    return ladj, z


def encode_in_place(x, net, parity):
    x[:, 1 - parity :: 2] += net(x[:, parity::2])
    return x, x.new_zeros(len(x))


def encode_detached(x, net, parity):
    z = x.clone()
    z[:, 1 - parity :: 2] = x[:, 1 - parity :: 2] + net(x[:, parity::2]).detach()
    return z, x.new_zeros(len(x))


def encode_slogdet(x, net, parity):
    z = encode_empty(x, net, parity)[0]
    eye = torch.eye(x.shape[1], dtype=x.dtype, device=x.device)
    return z, torch.linalg.slogdet(eye.expand(len(x), -1, -1))[1]


# 04.decode --------------------------------------------------------------------------------------------------------


def decode_enumerated(z, nets):
    even, odd = z[:, 0::2], z[:, 1::2]
    for k, net in reversed(list(enumerate(nets))):
        if k % 2:
            even = even - net(odd)
        else:
            odd = odd - net(even)
    x = z.clone()
    x[:, 0::2] = even
    x[:, 1::2] = odd
    return x


def decode_layer_by_layer(z, nets):
    x = z
    for k in range(len(nets) - 1, -1, -1):
        h = x.clone()
        h[:, 1 - k % 2 :: 2] = x[:, 1 - k % 2 :: 2] - nets[k](x[:, k % 2 :: 2])
        x = h
    return x


def decode_recursive(z, nets):
    if not nets:
        return z
    k = len(nets) - 1
    kept, moved = z[:, k % 2 :: 2], z[:, 1 - k % 2 :: 2]
    return decode_recursive(_back(kept, moved - nets[k](kept), k % 2), nets[:-1])


def decode_list_of_two(z, nets):
    parts = [z[:, ::2], z[:, 1::2]]
    for k in range(len(nets))[::-1]:
        parts[1 - k % 2] = parts[1 - k % 2] - nets[k](parts[k % 2])
    return _back(*parts, 0)


def decode_columns(z, nets):
    columns = list(z.unbind(1))
    for k in reversed(range(len(nets))):
        shift = nets[k](torch.stack(columns[k % 2 :: 2], dim=1))
        for j, i in enumerate(range(1 - k % 2, z.shape[1], 2)):
            columns[i] = columns[i] - shift[:, j]
    return torch.stack(columns, 1)


def decode_reduce(z, nets):
    def step(x, k):
        shift = torch.zeros_like(x)
        shift[:, 1 - k % 2 :: 2] = nets[k](x[:, k % 2 :: 2])
        return x - shift

    return reduce(step, range(len(nets) - 1, -1, -1), z)


def _loop(z, nets, order, sign=-1, parity=lambda k: k % 2):
    even, odd = z[:, ::2], z[:, 1::2]
    for k in order:
        if parity(k) == 0:
            odd = odd + sign * nets[k](even)
        else:
            even = even + sign * nets[k](odd)
    return even, odd


def decode_encodes(z, nets):
    return _back(*_loop(z, nets, range(len(nets)), sign=1), 0)


def decode_adds(z, nets):
    return _back(*_loop(z, nets, range(len(nets))[::-1], sign=1), 0)


def decode_forwards(z, nets):
    return _back(*_loop(z, nets, range(len(nets))), 0)


def decode_parity(z, nets):
    return _back(*_loop(z, nets, range(len(nets))[::-1], parity=lambda k: 1 - k % 2), 0)


def decode_counts_from_the_end(z, nets):
    even, odd = z[:, ::2], z[:, 1::2]
    for k, net in enumerate(reversed(nets)):
        if k % 2 == 0:
            odd = odd - net(even)
        else:
            even = even - net(odd)
    return _back(even, odd, 0)


def decode_same_kind(z, nets):
    x = z.clone()
    for net in nets[::-1]:
        x[:, 1::2] = x[:, 1::2] - net(x[:, 0::2])
    return x


def decode_cat(z, nets):
    return torch.cat(_loop(z, nets, range(len(nets))[::-1]), dim=1)


def decode_cat_odd_first(z, nets):
    even, odd = _loop(z, nets, range(len(nets))[::-1])
    return torch.cat([odd, even], dim=1)


def decode_cat_each_time(z, nets):
    for k in reversed(range(len(nets))):
        even, odd = z[:, ::2], z[:, 1::2]
        if k % 2 == 0:
            odd = odd - nets[k](even)
        else:
            even = even - nets[k](odd)
        z = torch.cat((even, odd), 1)
    return z


def decode_swapped(z, nets):
    even, odd = _loop(z, nets, range(len(nets))[::-1])
    x = torch.empty_like(z)
    x[:, 1::2] = even
    x[:, ::2] = odd
    return x


def decode_sees_z(z, nets):
    x = z.clone()
    for k in reversed(range(len(nets))):
        x[:, 1 - k % 2 :: 2] -= nets[k](z[:, k % 2 :: 2])
    return x


def decode_starts_again(z, nets):
    for k in reversed(range(len(nets))):
        kept, moved = z[:, k % 2 :: 2], z[:, 1 - k % 2 :: 2]
        x = _back(kept, moved - nets[k](kept), k % 2)
    return x


def decode_returns_in_the_loop(z, nets):
    x = z.clone()
    for k in reversed(range(len(nets))):
        x[:, 1 - k % 2 :: 2] -= nets[k](z[:, k % 2 :: 2])
        return x


def decode_without_first(z, nets):
    return _back(*_loop(z, nets, range(len(nets) - 1, 0, -1)), 0)


def decode_without_last(z, nets):
    return _back(*_loop(z, nets, range(len(nets) - 1)[::-1]), 0)


def decode_halves(z, nets):
    a, b = z.chunk(2, 1)
    for k in reversed(range(len(nets))):
        if k % 2 == 0:
            b = b - nets[k](a)
        else:
            a = a - nets[k](b)
    return torch.cat([a, b], 1)


def decode_pair(z, nets):
    return decode_recursive(z, nets), torch.zeros(len(z), dtype=z.dtype, device=z.device)


def decode_empties_the_list(z, nets):
    x = z
    while nets:
        k = len(nets) - 1
        kept, moved = x[:, k % 2 :: 2], x[:, 1 - k % 2 :: 2]
        x = _back(kept, moved - nets.pop()(kept), k % 2)
    return x


def decode_no_grad(z, nets):
    with torch.no_grad():
        return decode_recursive(z, nets)


# 04.logistic ------------------------------------------------------------------------------------------------------


def logistic_logsigmoid(z):
    return (F.logsigmoid(z) + F.logsigmoid(-z)).sum(1)


def logistic_abs(z):
    return torch.sum(-z.abs() - 2 * torch.log1p(torch.exp(-z.abs())), dim=1)


def logistic_one_softplus(z):
    return (-z - 2 * F.softplus(-z)).sum(-1)


def logistic_logaddexp(z):
    zero = torch.zeros_like(z)
    return -(torch.logaddexp(z, zero) + torch.logaddexp(-z, zero)).sum(dim=1)


def logistic_loop(z):
    total = z.new_zeros(len(z))
    for i in range(z.shape[1]):
        total = total + F.logsigmoid(z[:, i]) - F.softplus(z[:, i])
    return total


def logistic_logsumexp(z):
    ends = torch.stack((z, -z, torch.zeros_like(z), torch.zeros_like(z)))
    return -torch.logsumexp(ends, 0).sum(1)  # (1 + e^z)(1 + e^-z) = 2 + e^z + e^-z


def logistic_rows(z):
    return torch.stack([-(F.softplus(row) + F.softplus(-row)).sum() for row in z])


def logistic_cosh(z):
    size = z.abs() / 2
    return -2 * (size + torch.log1p(torch.exp(-2 * size))).sum(1)


def logistic_naive(z):
    return (-z - 2 * torch.log(1 + torch.exp(-z))).sum(dim=1)


def logistic_naive_both(z):
    return -(torch.log(1 + z.exp()) + torch.log(1 + (-z).exp())).sum(1)


def logistic_log_of_sigmoids(z):
    return (torch.log(torch.sigmoid(z)) + torch.log(torch.sigmoid(-z))).sum(1)


def logistic_log_of_one_minus(z):
    u = torch.sigmoid(z)
    return torch.log(u * (1 - u)).sum(1)


def logistic_log_of_two(z):
    u = torch.sigmoid(z)
    return (u.log() + (1 - u).log()).sum(1)


def logistic_log_of_density(z):
    return torch.log(torch.exp(-z) / (1 + torch.exp(-z)) ** 2).sum(1)


def logistic_log_of_product(z):
    return torch.log((torch.sigmoid(z) * torch.sigmoid(-z)).prod(dim=1))


def logistic_log_cosh(z):
    return -2 * torch.log(2 * torch.cosh(0.5 * z)).sum(1)


def logistic_epsilon(z):
    return torch.log(torch.sigmoid(z) * torch.sigmoid(-z) + 1e-8).sum(1)


def logistic_epsilon_in_each(z):
    return (torch.log(torch.sigmoid(z) + 1e-10) + torch.log(torch.sigmoid(-z) + 1e-10)).sum(1)


def logistic_clamped(z):
    z = z.clamp(-50, 50)
    return (-z - 2 * torch.log1p(torch.exp(-z))).sum(1)


def logistic_one_factor(z):
    return F.logsigmoid(z).sum(1)


def logistic_other_factor(z):
    return -F.softplus(z).sum(1)


def logistic_no_two(z):
    return (-z.abs() - torch.log1p(torch.exp(-z.abs()))).sum(1)


def logistic_squared(z):
    return 2 * F.logsigmoid(z).sum(1)


def logistic_abs_half(z):
    return (-z - 2 * torch.log1p((-z.abs()).exp())).sum(1)


def logistic_sign(z):
    return (F.softplus(z) + F.softplus(-z)).sum(1)


def logistic_density(z):
    return (torch.sigmoid(z) * torch.sigmoid(-z)).prod(1)


def logistic_density_summed(z):
    return (torch.sigmoid(z) * (1 - torch.sigmoid(z))).sum(1)


def logistic_cdf(z):
    return 1 / (1 + torch.exp(-z))


def logistic_per_feature(z):
    return F.logsigmoid(z) + F.logsigmoid(-z)


def logistic_mean(z):
    return (F.logsigmoid(z) + F.logsigmoid(-z)).mean(1)


def logistic_whole_batch(z):
    return (F.logsigmoid(z) + F.logsigmoid(-z)).sum()


def logistic_over_batch(z):
    return (F.logsigmoid(z) + F.logsigmoid(-z)).sum(0)


def logistic_normal(z):
    return torch.distributions.Normal(0.0, 1.0).log_prob(z).sum(1)


def logistic_unit_deviation(z):
    scale = math.pi / 3**0.5
    return (F.logsigmoid(scale * z) + F.logsigmoid(-scale * z) + math.log(scale)).sum(1)


def logistic_laplace(z):
    return -z.abs().sum(dim=1)


def logistic_no_grad(z):
    with torch.no_grad():
        return logistic_logsigmoid(z)


# 04.scaling -------------------------------------------------------------------------------------------------------


def scale_repeat(x, log_scale):
    return x * log_scale.exp(), log_scale.sum().repeat(len(x))


def scale_zeros(x, log_scale):
    return x * torch.exp(log_scale), x.new_zeros(len(x)) + log_scale.sum()


def scale_expand_first(x, log_scale):
    return torch.exp(log_scale)[None, :] * x, log_scale.expand_as(x).sum(dim=1)


def scale_matrix(x, log_scale):
    return x @ torch.diag(torch.exp(log_scale)), log_scale.sum() * torch.ones_like(x[:, 0])


def scale_columns(x, log_scale):
    z = torch.stack([x[:, i] * log_scale[i].exp() for i in range(x.shape[1])], 1)
    return [z, sum(log_scale[i] for i in range(x.shape[1])) + 0 * x[:, 0]]


def scale_einsum(x, log_scale):
    rows = torch.ones(len(x), dtype=x.dtype, device=x.device)
    return torch.einsum("nd,d->nd", x, log_scale.exp()), torch.einsum("n,d->n", rows, log_scale)


def scale_log_of_each(x, log_scale):
    scales = torch.exp(log_scale)
    return scales * x, torch.log(scales).sum().expand(x.shape[0])


def scale_one_number(x, log_scale):
    return torch.exp(log_scale) * x, log_scale.sum()


def scale_one_row(x, log_scale):
    return torch.exp(log_scale) * x, log_scale.sum(dim=0, keepdim=True)


def scale_no_log_det(x, log_scale):
    return torch.exp(log_scale) * x, torch.zeros(len(x), dtype=x.dtype, device=x.device)


def scale_sign(x, log_scale):
    return torch.exp(log_scale) * x, -log_scale.sum().expand(len(x))


def scale_decode(x, log_scale):
    return x / torch.exp(log_scale), -log_scale.sum().expand(len(x))


def scale_z_decoded(x, log_scale):
    return x / torch.exp(log_scale), log_scale.sum().expand(len(x))


def scale_not_exp(x, log_scale):
    return log_scale * x, log_scale.sum().expand(len(x))


def scale_log_of_scale(x, log_scale):
    return log_scale * x, log_scale.abs().log().sum().expand(len(x))


def scale_log_again(x, log_scale):
    return torch.exp(log_scale) * x, torch.log(log_scale.abs()).sum().expand(len(x))


def scale_added(x, log_scale):
    return x + log_scale, log_scale.sum().expand(len(x))


def scale_mean(x, log_scale):
    return torch.exp(log_scale) * x, log_scale.mean().expand(len(x))


def scale_times_batch(x, log_scale):
    return torch.exp(log_scale) * x, log_scale.expand_as(x).sum().expand(len(x))


def scale_per_feature(x, log_scale):
    return torch.exp(log_scale) * x, log_scale.expand(len(x), -1)


def scale_log_scale_itself(x, log_scale):
    return torch.exp(log_scale) * x, log_scale


def scale_determinant(x, log_scale):
    return torch.exp(log_scale) * x, torch.exp(log_scale).prod().expand(len(x))


def scale_sum_of_scales(x, log_scale):
    return torch.exp(log_scale) * x, torch.exp(log_scale).sum().expand(len(x))


def scale_product(x, log_scale):
    return torch.exp(log_scale) * x, log_scale.prod().expand(len(x))


def scale_det_then_log(x, log_scale):
    return torch.exp(log_scale) * x, torch.log(torch.prod(torch.exp(log_scale))).expand(len(x))


def scale_abs(x, log_scale):
    return torch.exp(log_scale) * x, log_scale.abs().sum().expand(len(x))


def scale_at_x(x, log_scale):
    return torch.exp(log_scale) * x, (log_scale * x).sum(1)


def scale_log_of_z(x, log_scale):
    z = torch.exp(log_scale) * x
    return z, torch.log(z.abs()).sum(1)


def scale_shared(x, log_scale):
    return torch.exp(log_scale.mean()) * x, log_scale.sum().expand(len(x))


def scale_first(x, log_scale):
    return torch.exp(log_scale[0]) * x, (x.shape[1] * log_scale[0]).expand(len(x))


def scale_first_counted_once(x, log_scale):
    return torch.exp(log_scale[0]) * x, log_scale[0].expand(len(x))


def scale_by_determinant(x, log_scale):
    return torch.exp(log_scale.sum()) * x, log_scale.sum().expand(len(x))


def scale_z_only(x, log_scale):
    return torch.exp(log_scale) * x


def scale_pair_order(x, log_scale):
    return log_scale.sum().expand(len(x)), torch.exp(log_scale) * x


def scale_item(x, log_scale):
    return torch.exp(log_scale) * x, torch.full((len(x),), log_scale.sum().item(), dtype=x.dtype, device=x.device)


def scale_detached(x, log_scale):
    return torch.exp(log_scale) * x, log_scale.detach().sum().expand(len(x))


def scale_in_place(x, log_scale):
    x *= log_scale.exp()
    return x, log_scale.sum().expand(len(x))


def scale_slogdet(x, log_scale):
    matrix = torch.diag(torch.exp(log_scale))
    return x @ matrix, torch.linalg.slogdet(matrix)[1].expand(len(x))


# 04.bits ----------------------------------------------------------------------------------------------------------


def bits_split(log_density, dims, bins, width):
    return math.log2(bins / width) - log_density / (dims * math.log(2))


def bits_log2(log_density, dims, bins, width):
    return -(log_density / math.log(2) + dims * math.log2(width / bins)) / dims


def bits_tensor(log_density, dims, bins, width):
    cell = torch.log(torch.as_tensor(width / bins, dtype=log_density.dtype, device=log_density.device))
    return (log_density + dims * cell) / -dims / math.log(2)


def bits_steps(log_density, dims, bins, width):
    nats = -log_density - dims * math.log(width) + dims * math.log(bins)
    return nats / math.log(2) / dims


def bits_loop(log_density, dims, bins, width):
    return torch.stack([-(one / dims + math.log(width / bins)) / math.log(2) for one in log_density])


def bits_no_constant(log_density, dims, bins, width):
    return -log_density / dims / math.log(2)


def bits_constant_sign(log_density, dims, bins, width):
    return -(log_density + dims * math.log(bins / width)) / (dims * math.log(2))


def bits_constant_once(log_density, dims, bins, width):
    return -(log_density + math.log(width / bins)) / (dims * math.log(2))


def bits_sign(log_density, dims, bins, width):
    return (log_density + dims * math.log(width / bins)) / (dims * math.log(2))


def bits_nats(log_density, dims, bins, width):
    return -(log_density + dims * math.log(width / bins)) / dims


def bits_times_log_2(log_density, dims, bins, width):
    return -(log_density + dims * math.log(width / bins)) / dims * math.log(2)


def bits_log10(log_density, dims, bins, width):
    return -(log_density + dims * math.log(width / bins)) / (dims * math.log(10))


def bits_per_image(log_density, dims, bins, width):
    return -(log_density + dims * math.log(width / bins)) / math.log(2)


def bits_255(log_density, dims, bins, width):
    return -(log_density + dims * math.log(width / (bins - 1))) / (dims * math.log(2))


def bits_256(log_density, dims, bins, width):
    return -(log_density + dims * math.log(width / 256)) / (dims * math.log(2))


def bits_width_ignored(log_density, dims, bins, width):
    return -(log_density - dims * math.log(bins)) / (dims * math.log(2))


def bits_width_turned(log_density, dims, bins, width):
    return math.log2(bins * width) - log_density / (dims * math.log(2))


def bits_not_log(log_density, dims, bins, width):
    return -(log_density + dims * width / bins) / (dims * math.log(2))


def bits_two_units(log_density, dims, bins, width):
    return -log_density / dims + math.log2(bins / width)


def bits_mean(log_density, dims, bins, width):
    return (-(log_density + dims * math.log(width / bins)) / (dims * math.log(2))).mean()


def bits_item(log_density, dims, bins, width):
    return torch.tensor([math.log2(bins / width) - v / dims / math.log(2) for v in log_density.tolist()]).to(
        log_density
    )


RIGHT = {
    "04.encode": [
        (encode_empty,),
        (encode_branches,),
        (encode_columns,),
        (encode_mask,),
        (encode_index_add,),
        (encode_argsort,),
        (encode_rows,),
    ],
    "04.decode": [
        (decode_enumerated,),
        (decode_layer_by_layer,),
        (decode_recursive,),
        (decode_list_of_two,),
        (decode_columns,),
        (decode_reduce,),
    ],
    "04.logistic": [
        (logistic_logsigmoid,),
        (logistic_abs,),
        (logistic_one_softplus,),
        (logistic_logaddexp,),
        (logistic_loop,),
        (logistic_logsumexp,),
        (logistic_rows,),
        (logistic_cosh,),
    ],
    "04.scaling": [
        (scale_repeat,),
        (scale_zeros,),
        (scale_expand_first,),
        (scale_matrix,),
        (scale_columns,),
        (scale_einsum,),
        (scale_log_of_each,),
    ],
    "04.bits": [
        (bits_split,),
        (bits_log2,),
        (bits_tensor,),
        (bits_steps,),
        (bits_loop,),
    ],
}

WRONG = {
    "04.encode": [
        (encode_subtracts, "sign"),
        (encode_shift_only, "shift_only"),
        (encode_product, "product"),
        (encode_exp, "exp"),
        (encode_cat, "cat"),
        (encode_cat_moved_first, "cat"),
        (encode_cat_even_first, "cat"),
        (encode_ladj_shift, "ladj_shift"),
        (encode_ladj_minus_shift, "ladj_shift"),
        (encode_ladj_log_shift, "ladj_shift"),
        (encode_determinant, "determinant"),
        (encode_zero, "one_number"),
        (encode_zero_point, "one_number"),
        (encode_zero_tensor, "one_number"),
        (encode_zeros_like, "per_feature"),
        (encode_zeros_of_moved, "per_feature"),
        (encode_roles, "roles"),
        (encode_always_even, "parity_ignored"),
        (encode_always_odd, "parity_ignored"),
        (encode_net_sees_moved, "net_sees_moved"),
        (encode_halves, "halves"),
        (encode_larger_half, "halves"),
        (encode_kept_lost, "kept_lost"),
        (encode_moved_only, "moved_only"),
        (encode_z_only, "z_only"),
        (encode_pair_order, "pair_order"),
        (encode_in_place, "in_place"),
        (encode_detached, "detached"),
        (encode_slogdet, "cost"),
    ],
    "04.decode": [
        (decode_encodes, "encode"),
        (decode_adds, "sign"),
        (decode_forwards, "order"),
        (decode_parity, "parity"),
        (decode_counts_from_the_end, "parity_from_the_end"),
        (decode_same_kind, "same_kind"),
        (decode_cat, "cat"),
        (decode_cat_odd_first, "cat"),
        (decode_cat_each_time, "cat"),
        (decode_swapped, "swapped"),
        (decode_sees_z, "sees_z"),
        (decode_starts_again, "one_turn"),
        (decode_returns_in_the_loop, "one_turn"),
        (decode_without_first, "left_out"),
        (decode_without_last, "left_out"),
        (decode_halves, "halves"),
        (decode_pair, "pair"),
        (decode_empties_the_list, "in_place"),
        (decode_no_grad, "detached"),
    ],
    "04.logistic": [
        (logistic_naive, "overflow"),
        (logistic_naive_both, "overflow"),
        (logistic_log_of_sigmoids, "overflow"),
        (logistic_log_of_one_minus, "overflow"),
        (logistic_log_of_two, "overflow"),
        (logistic_log_of_density, "overflow"),
        (logistic_log_of_product, "overflow"),
        (logistic_log_cosh, "overflow"),
        (logistic_epsilon, "clamped"),
        (logistic_epsilon_in_each, "clamped"),
        (logistic_clamped, "clamped"),
        (logistic_one_factor, "one_factor"),
        (logistic_other_factor, "one_factor"),
        (logistic_no_two, "no_two"),
        (logistic_squared, "squared"),
        (logistic_abs_half, "abs_half"),
        (logistic_sign, "sign"),
        (logistic_density, "not_log"),
        (logistic_density_summed, "not_log"),
        (logistic_cdf, "cdf"),
        (logistic_per_feature, "per_feature"),
        (logistic_mean, "mean"),
        (logistic_whole_batch, "whole_batch"),
        (logistic_over_batch, "over_batch"),
        (logistic_normal, "normal"),
        (logistic_unit_deviation, "unit_deviation"),
        (logistic_laplace, "laplace"),
        (logistic_no_grad, "detached"),
    ],
    "04.scaling": [
        (scale_one_number, "one_number"),
        (scale_one_row, "one_number"),
        (scale_no_log_det, "no_log_det"),
        (scale_sign, "sign"),
        (scale_decode, "decode"),
        (scale_z_decoded, "z_decoded"),
        (scale_not_exp, "not_exp"),
        (scale_log_of_scale, "log_of_log"),
        (scale_log_again, "log_of_log"),
        (scale_added, "added"),
        (scale_mean, "mean"),
        (scale_times_batch, "times_batch"),
        (scale_per_feature, "per_feature"),
        (scale_log_scale_itself, "per_feature"),
        (scale_determinant, "determinant"),
        (scale_sum_of_scales, "sum_of_scales"),
        (scale_product, "product"),
        (scale_det_then_log, "det_then_log"),
        (scale_abs, "abs"),
        (scale_at_x, "at_x"),
        (scale_log_of_z, "at_x"),
        (scale_shared, "shared"),
        (scale_first, "shared"),
        (scale_first_counted_once, "shared"),
        (scale_by_determinant, "shared"),
        (scale_z_only, "z_only"),
        (scale_pair_order, "pair_order"),
        (scale_item, "detached"),
        (scale_detached, "detached"),
        (scale_in_place, "in_place"),
        (scale_slogdet, "cost"),
    ],
    "04.bits": [
        (bits_no_constant, "no_constant"),
        (bits_constant_sign, "constant_sign"),
        (bits_constant_once, "constant_once"),
        (bits_sign, "sign"),
        (bits_nats, "nats"),
        (bits_times_log_2, "times_log_2"),
        (bits_log10, "log10"),
        (bits_per_image, "per_image"),
        (bits_255, "levels_minus_one"),
        (bits_256, "always_256"),
        (bits_width_ignored, "width_ignored"),
        (bits_width_turned, "width_turned"),
        (bits_not_log, "not_log"),
        (bits_two_units, "constant_in_nats"),
        (bits_mean, "mean"),
        (bits_item, "detached"),
    ],
}
