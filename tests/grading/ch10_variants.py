"""Answers to chapter 10's exercises, as learners write them: right ones, and wrong ones with the mistake they make."""

import math

import torch
import torch.nn.functional as F

# 10.coupling ------------------------------------------------------------------------------------------------------


def coupling_clone(x, c, net):
    d = x.shape[1] // 2
    out = net(torch.hstack([x[:, :d], c]))
    m = out.shape[1] // 2
    z = x.clone()
    z[:, d:] = x[:, d:] * torch.exp(out[:, :m]) + out[:, m:]
    return z, torch.sum(out[:, :m], dim=-1)


def coupling_tensor_split(x, c, net):
    kept, moved = x.tensor_split([x.shape[1] // 2], dim=1)
    s, t = net(torch.cat([kept, c], dim=-1)).split(moved.shape[1], dim=1)
    return [torch.cat([kept, torch.addcmul(t, moved, s.exp())], dim=1), s.sum(dim=1)]


def coupling_rows(x, c, net):
    zs, ladjs = [], []
    for row, context in zip(x, c):
        d = len(row) // 2
        s, t = net(torch.cat((row[:d], context))[None])[0].chunk(2)
        zs.append(torch.cat((row[:d], row[d:] * s.exp() + t)))
        ladjs.append(s.sum())
    return torch.stack(zs), torch.stack(ladjs)


def coupling_log_of_scale(x, c, net):
    N, D = x.shape
    d = D // 2
    theta = net(torch.cat((x[:, :d], c), 1)).view(N, 2, D - d)
    scale, shift = theta[:, 0].exp(), theta[:, 1]
    return torch.cat((x[:, :d], scale * x[:, d:] + shift), 1), scale.log().sum(1)


def coupling_padded(x, c, net):
    d = x.shape[1] // 2
    s, t = (F.pad(half, (d, 0)) for half in net(torch.cat((x[:, :d], c), 1)).chunk(2, dim=1))
    return x * s.exp() + t, s.sum(1)


def _take_apart(x, c, net):
    d = x.shape[1] // 2
    s, t = net(torch.cat((x[:, :d], c), dim=1)).chunk(2, dim=1)
    return x[:, :d], x[:, d:], s, t


def coupling_no_context(x, c, net):
    d = x.shape[1] // 2
    kept, moved = x[:, :d], x[:, d:]
    s, t = net(kept).chunk(2, 1)
    return torch.cat((kept, s.exp() * moved + t), 1), s.sum(1)


def coupling_two_arguments(x, c, net):
    d = x.shape[1] // 2
    kept, moved = x[:, :d], x[:, d:]
    s, t = net(kept, c).chunk(2, 1)
    return torch.cat((kept, s.exp() * moved + t), 1), s.sum(1)


def _seeing(x, seen, net):
    d = x.shape[1] // 2
    s, t = net(seen).chunk(2, 1)
    return torch.cat((x[:, :d], s.exp() * x[:, d:] + t), 1), s.sum(1)


def coupling_zero_context(x, c, net):
    return _seeing(x, torch.cat((x[:, : x.shape[1] // 2], torch.zeros_like(c)), 1), net)


def coupling_context_first(x, c, net):
    return _seeing(x, torch.cat((c, x[:, : x.shape[1] // 2]), 1), net)


def coupling_sees_moved(x, c, net):
    return _seeing(x, torch.cat((x[:, x.shape[1] // 2 :], c), 1), net)


def coupling_sees_some_moved(x, c, net):
    d = x.shape[1] // 2
    return _seeing(x, torch.cat((x[:, d : 2 * d], c), 1), net)


def coupling_sees_all(x, c, net):
    return _seeing(x, torch.cat((x, c), 1), net)


def coupling_context_only(x, c, net):
    return _seeing(x, c, net)


def coupling_along_the_batch(x, c, net):
    return _seeing(x, torch.cat((x[:, : x.shape[1] // 2], c)), net)


def coupling_upper_half(x, c, net):
    d = math.ceil(x.shape[1] / 2)
    kept, moved = x[:, :d], x[:, d:]
    s, t = net(torch.cat((kept, c), 1)).chunk(2, 1)
    return torch.cat((kept, moved * s.exp() + t), 1), s.sum(1)


def coupling_chunk(x, c, net):
    kept, moved = x.chunk(2, 1)  # the first one is the larger one
    s, t = net(torch.cat((kept, c), 1)).chunk(2, 1)
    return torch.cat((kept, moved * s.exp() + t), 1), s.sum(1)


def coupling_moves_first(x, c, net):
    m = x.shape[1] - x.shape[1] // 2
    s, t = net(torch.cat((x[:, m:], c), 1)).chunk(2, 1)
    return torch.cat((x[:, :m] * s.exp() + t, x[:, m:]), 1), s.sum(1)


def coupling_exchanged(x, c, net):
    d = x.shape[1] // 2
    shift, log_scale = net(torch.cat((x[:, :d], c), 1)).chunk(2, 1)
    return torch.cat((x[:, :d], log_scale.exp() * x[:, d:] + shift), 1), log_scale.sum(1)


def coupling_exchanged_in_z(x, c, net):
    kept, moved, s, t = _take_apart(x, c, net)
    return torch.cat((kept, t.exp() * moved + s), 1), s.sum(1)


def coupling_interleaved(x, c, net):
    d = x.shape[1] // 2
    s, t = net(torch.cat((x[:, :d], c), 1)).view(len(x), -1, 2).unbind(-1)
    return torch.cat((x[:, :d], s.exp() * x[:, d:] + t), 1), s.sum(1)


def coupling_not_exp(x, c, net):
    kept, moved, s, t = _take_apart(x, c, net)
    return torch.cat((kept, s * moved + t), 1), s.sum(1)


def coupling_scale_and_its_log(x, c, net):
    kept, moved, s, t = _take_apart(x, c, net)
    return torch.cat((kept, s * moved + t), 1), torch.log(torch.abs(s)).sum(1)


def coupling_decode(x, c, net):
    kept, moved, s, t = _take_apart(x, c, net)
    return torch.cat((kept, (moved - t) / s.exp()), 1), -s.sum(1)


def coupling_decode_in_z(x, c, net):
    kept, moved, s, t = _take_apart(x, c, net)
    return torch.cat((kept, (moved - t) / s.exp()), 1), s.sum(1)


def coupling_sign(x, c, net):
    kept, moved, s, t = _take_apart(x, c, net)
    return torch.cat((kept, moved * s.exp() + t), 1), -s.sum(1)


def coupling_scale_sign(x, c, net):
    kept, moved, s, t = _take_apart(x, c, net)
    return torch.cat((kept, moved / s.exp() + t), 1), s.sum(1)


def coupling_both_signs(x, c, net):
    kept, moved, s, t = _take_apart(x, c, net)
    return torch.cat((kept, moved * (-s).exp() + t), 1), (-s).sum(1)


def coupling_shift_first(x, c, net):
    kept, moved, s, t = _take_apart(x, c, net)
    return torch.cat((kept, (moved + t) * s.exp()), 1), s.sum(1)


def coupling_shift_sign(x, c, net):
    kept, moved, s, t = _take_apart(x, c, net)
    return torch.cat((kept, moved * s.exp() - t), 1), s.sum(1)


def coupling_no_shift(x, c, net):
    kept, moved, s, t = _take_apart(x, c, net)
    return torch.cat((kept, moved * s.exp()), 1), s.sum(1)


def coupling_no_scale(x, c, net):
    kept, moved, s, t = _take_apart(x, c, net)
    return torch.cat((kept, moved + t), 1), s.sum(1)


def coupling_context_counted(x, c, net):
    z, ladj = coupling_clone(x, c, net)
    return z, ladj + c.sum(dim=1)


def coupling_context_in_the_middle(x, c, net):
    kept, moved, s, t = _take_apart(x, c, net)
    return torch.cat((kept, c, moved * s.exp() + t), 1), s.sum(1)


def coupling_context_behind(x, c, net):
    kept, moved, s, t = _take_apart(x, c, net)
    return torch.cat((kept, moved * s.exp() + t, c), 1), s.sum(1)


def coupling_context_added(x, c, net):
    kept, moved, s, t = _take_apart(x, c, net)
    return torch.cat((kept, moved * s.exp() + t + c.mean(1)[:, None]), 1), s.sum(1)


def coupling_shift_counted(x, c, net):
    z, _ = coupling_clone(x, c, net)
    return z, net(torch.cat((x[:, : x.shape[1] // 2], c), 1)).sum(1)


def coupling_mean(x, c, net):
    kept, moved, s, t = _take_apart(x, c, net)
    return torch.cat((kept, moved * s.exp() + t), 1), s.mean(1)


def coupling_not_log(x, c, net):
    kept, moved, s, t = _take_apart(x, c, net)
    return torch.cat((kept, moved * s.exp() + t), 1), s.exp().sum(1)


def coupling_determinant(x, c, net):
    kept, moved, s, t = _take_apart(x, c, net)
    return torch.cat((kept, moved * s.exp() + t), 1), s.exp().prod(1)


def coupling_whole_batch(x, c, net):
    kept, moved, s, t = _take_apart(x, c, net)
    return torch.cat((kept, moved * s.exp() + t), 1), s.sum()


def coupling_over_batch(x, c, net):
    kept, moved, s, t = _take_apart(x, c, net)
    return torch.cat((kept, moved * s.exp() + t), 1), s.sum(0)


def coupling_per_feature(x, c, net):
    kept, moved, s, t = _take_apart(x, c, net)
    return torch.cat((kept, moved * s.exp() + t), 1), s


def coupling_moved_only(x, c, net):
    kept, moved, s, t = _take_apart(x, c, net)
    return moved * s.exp() + t, s.sum(1)


def coupling_moved_before_kept(x, c, net):
    kept, moved, s, t = _take_apart(x, c, net)
    return torch.cat((moved * s.exp() + t, kept), 1), s.sum(1)


def coupling_pair_order(x, c, net):
    z, ladj = coupling_clone(x, c, net)
    return ladj, z


def coupling_z_only(x, c, net):
    return coupling_clone(x, c, net)[0]


def coupling_ladj_only(x, c, net):
    return coupling_clone(x, c, net)[1]


def coupling_in_place(x, c, net):
    d = x.shape[1] // 2
    s, t = net(torch.cat((x[:, :d], c), 1)).chunk(2, 1)
    x[:, d:] = x[:, d:] * s.exp() + t
    return x, s.sum(1)


def coupling_context_detached(x, c, net):
    return coupling_clone(x, c.detach(), net)


def coupling_ladj_detached(x, c, net):
    z, ladj = coupling_clone(x, c, net)
    return z, ladj.detach()


def coupling_clamped_at_two(x, c, net):
    kept, moved, s, t = _take_apart(x, c, net)
    s = s.clamp(-2, 2)
    return torch.cat((kept, s.exp() * moved + t), 1), s.sum(1)


def coupling_clamped_at_five(x, c, net):
    kept, moved, s, t = _take_apart(x, c, net)
    s = s.clamp(-5, 5)
    return torch.cat((kept, s.exp() * moved + t), 1), s.sum(1)


def coupling_bounded_by_tanh(x, c, net):
    kept, moved, s, t = _take_apart(x, c, net)
    s = 2 * torch.tanh(s / 2)
    return torch.cat((kept, s.exp() * moved + t), 1), s.sum(1)


def coupling_clamped_at_fifty(x, c, net):
    kept, moved, s, t = _take_apart(x, c, net)
    s = torch.clamp(s, min=-50, max=50)
    return torch.cat((kept, s.exp() * moved + t), 1), s.sum(1)


def coupling_clamped_above(x, c, net):
    kept, moved, s, t = _take_apart(x, c, net)
    s = s.clamp(max=20)
    return torch.cat((kept, s.exp() * moved + t), 1), s.sum(1)


def coupling_times_tanh(x, c, net):
    kept, moved, s, t = _take_apart(x, c, net)
    s = 5 * torch.tanh(s)
    return torch.cat((kept, s.exp() * moved + t), 1), s.sum(1)


def coupling_bounded_by_atan(x, c, net):
    kept, moved, s, t = _take_apart(x, c, net)
    s = 1.9 * 2 / math.pi * torch.atan(s / 1.9)
    return torch.cat((kept, s.exp() * moved + t), 1), s.sum(1)


def coupling_clamped_in_z(x, c, net):
    kept, moved, s, t = _take_apart(x, c, net)
    return torch.cat((kept, s.clamp(-10, 10).exp() * moved + t), 1), s.sum(1)


def coupling_log_of_product(x, c, net):
    kept, moved, s, t = _take_apart(x, c, net)
    return torch.cat((kept, s.exp() * moved + t), 1), torch.log(s.exp().prod(1))


def coupling_log_of_det(x, c, net):
    z = coupling_clone(x, c, net)[0]
    rows = torch.func.vmap(torch.func.jacfwd(lambda v, k: coupling_tensor_split(v[None], k[None], net)[0][0]))(x, c)
    return z, torch.linalg.det(rows).abs().log()


def coupling_slogdet(x, c, net):
    z = coupling_clone(x, c, net)[0]
    rows = torch.func.vmap(torch.func.jacfwd(lambda v, k: coupling_tensor_split(v[None], k[None], net)[0][0]))(x, c)
    return z, torch.linalg.slogdet(rows).logabsdet


def coupling_sigmoid(x, c, net):
    kept, moved, s, t = _take_apart(x, c, net)
    scale = torch.sigmoid(s + 2)
    return torch.cat((kept, scale * moved + t), 1), scale.log().sum(1)


def coupling_log_with_epsilon(x, c, net):
    kept, moved, s, t = _take_apart(x, c, net)
    return torch.cat((kept, s.exp() * moved + t), 1), torch.log(s.exp() + 1e-8).sum(1)


def coupling_abs(x, c, net):
    kept, moved, s, t = _take_apart(x, c, net)
    return torch.cat((kept, s.exp() * moved + t), 1), s.abs().sum(1)


def coupling_first_context(x, c, net):
    return coupling_clone(x, c[:1].repeat(len(c), 1), net)


def coupling_shift_without_context(x, c, net):
    kept, moved, s, _ = _take_apart(x, c, net)
    _, _, _, t = _take_apart(x, torch.zeros_like(c), net)
    return torch.cat((kept, s.exp() * moved + t), 1), s.sum(1)


def coupling_last_left(x, c, net):
    d = x.shape[1] // 2
    out = net(torch.cat((x[:, :d], c), 1))
    z = x.clone()
    z[:, d : 2 * d] = out[:, :d].exp() * x[:, d : 2 * d] + out[:, d : 2 * d]
    return z, out[:, :d].sum(1)


def coupling_split_at_d(x, c, net):
    d = x.shape[1] // 2
    out = net(torch.cat((x[:, :d], c), 1))
    s, t = out[:, :d], out[:, d:]
    return torch.cat((x[:, :d], s.exp() * x[:, d:] + t), 1), s.sum(1)


# 10.base ----------------------------------------------------------------------------------------------------------


def base_torch_normal(layer, base_net, x, c):
    z, ladj = layer.encode(x, c)
    mean, log_std = torch.chunk(base_net(c), 2, dim=-1)
    return torch.distributions.Normal(mean, log_std.exp()).log_prob(z).sum(-1) + ladj


def base_independent(layer, base_net, x, c):
    z, ladj = layer.encode(x, context=c)
    D = z.shape[1]
    out = base_net(c)
    normal = torch.distributions.Normal(out[:, :D], torch.exp(out[:, D:]))
    return ladj + torch.distributions.Independent(normal, 1).log_prob(z)


def base_one_more_layer(layer, base_net, x, c):
    h, ladj = layer.encode(x, c)
    mean, log_std = base_net(c).tensor_split(2, dim=1)
    z, more = (h - mean) / log_std.exp(), -log_std.sum(1)
    return -0.5 * (z**2).sum(1) - 0.5 * z.shape[1] * math.log(2 * math.pi) + ladj + more


def base_nll(layer, base_net, x, c):
    z, ladj = layer.encode(x, c)
    mean, log_std = base_net(c).split(z.shape[1], dim=1)
    nll = F.gaussian_nll_loss(mean, z, (2 * log_std).exp(), full=True, eps=1e-30, reduction="none")
    return ladj - nll.sum(1)


def base_nll_with_its_eps(layer, base_net, x, c):
    z, ladj = layer.encode(x, c)
    mean, log_std = base_net(c).split(z.shape[1], dim=1)
    return ladj - F.gaussian_nll_loss(mean, z, (2 * log_std).exp(), full=True, reduction="none").sum(1)


def base_multivariate(layer, base_net, x, c):
    z, ladj = layer.encode(x, c)
    mean, log_std = base_net(c).chunk(2, 1)
    normal = torch.distributions.MultivariateNormal(mean, scale_tril=torch.diag_embed(log_std.exp()))
    return normal.log_prob(z) + ladj


def _normal(mean, log_std, z):
    return torch.distributions.Normal(mean, log_std.exp()).log_prob(z).sum(1)


def _given(layer, base_net, x, c):
    z, ladj = layer.encode(x, c)
    mean, log_std = base_net(c).chunk(2, 1)
    return z, ladj, mean, log_std, 0.5 * math.log(2 * math.pi)


def base_no_log_std(layer, base_net, x, c):
    z, ladj, m, r, half = _given(layer, base_net, x, c)
    return (-0.5 * ((z - m) / r.exp()) ** 2 - half).sum(1) + ladj


def base_log_std_sign(layer, base_net, x, c):
    z, ladj, m, r, half = _given(layer, base_net, x, c)
    return (-0.5 * ((z - m) / r.exp()) ** 2 + r - half).sum(1) + ladj


def base_no_ladj(layer, base_net, x, c):
    z, ladj, m, r, half = _given(layer, base_net, x, c)
    return _normal(m, r, z)


def base_ladj_sign(layer, base_net, x, c):
    z, ladj, m, r, half = _given(layer, base_net, x, c)
    return _normal(m, r, z) - ladj


def base_ladj_only(layer, base_net, x, c):
    return layer.encode(x, c)[1]


def base_at_x(layer, base_net, x, c):
    z, ladj, m, r, half = _given(layer, base_net, x, c)
    return _normal(m, r, x) + ladj


def base_standard(layer, base_net, x, c):
    z, ladj = layer.encode(x, c)
    return torch.distributions.Normal(0.0, 1.0).log_prob(z).sum(1) + ladj


def base_no_mean(layer, base_net, x, c):
    z, ladj, m, r, half = _given(layer, base_net, x, c)
    return _normal(torch.zeros_like(m), r, z) + ladj


def base_no_scale(layer, base_net, x, c):
    z, ladj, m, r, half = _given(layer, base_net, x, c)
    return (-0.5 * (z - m) ** 2 - r - half).sum(1) + ladj


def base_mean_only(layer, base_net, x, c):
    z, ladj, m, r, half = _given(layer, base_net, x, c)
    return (-0.5 * (z - m) ** 2 - half).sum(1) + ladj


def base_mean_sign(layer, base_net, x, c):
    z, ladj, m, r, half = _given(layer, base_net, x, c)
    return _normal(-m, r, z) + ladj


def base_times_std(layer, base_net, x, c):
    z, ladj, m, r, half = _given(layer, base_net, x, c)
    return (-0.5 * ((z - m) * r.exp()) ** 2 - r - half).sum(1) + ladj


def base_decoded_noise(layer, base_net, x, c):
    z, ladj, m, r, half = _given(layer, base_net, x, c)
    z = m + r.exp() * z
    return (-0.5 * z**2 - r - half).sum(1) + ladj


def base_bracket_mean(layer, base_net, x, c):
    z, ladj, m, r, half = _given(layer, base_net, x, c)
    return (-0.5 * (z - m / r.exp()) ** 2 - r - half).sum(1) + ladj


def base_bracket_z(layer, base_net, x, c):
    z, ladj, m, r, half = _given(layer, base_net, x, c)
    return (-0.5 * (z / r.exp() - m) ** 2 - r - half).sum(1) + ladj


def base_not_squared_std(layer, base_net, x, c):
    z, ladj, m, r, half = _given(layer, base_net, x, c)
    return (-0.5 * (z - m) ** 2 / r.exp() - r - half).sum(1) + ladj


def base_variance(layer, base_net, x, c):
    z, ladj, m, r, half = _given(layer, base_net, x, c)
    return torch.distributions.Normal(m, r.exp().sqrt()).log_prob(z).sum(1) + ladj


def base_covariance(layer, base_net, x, c):
    z, ladj, m, r, half = _given(layer, base_net, x, c)
    return torch.distributions.MultivariateNormal(m, torch.diag_embed(r.exp())).log_prob(z) + ladj


def base_std(layer, base_net, x, c):
    z, ladj, m, r, half = _given(layer, base_net, x, c)
    return (-0.5 * ((z - m) / r) ** 2 - torch.log(r) - half).sum(1) + ladj


def base_std_abs(layer, base_net, x, c):
    z, ladj, m, r, half = _given(layer, base_net, x, c)
    return torch.distributions.Normal(m, r.abs()).log_prob(z).sum(1) + ladj


def base_divided_by_log(layer, base_net, x, c):
    z, ladj, m, r, half = _given(layer, base_net, x, c)
    return (-0.5 * ((z - m) / r) ** 2 - r - half).sum(1) + ladj


def base_exp_log_std(layer, base_net, x, c):
    z, ladj, m, r, half = _given(layer, base_net, x, c)
    std = r.exp()
    return (-0.5 * ((z - m) / std) ** 2 - std - half).sum(1) + ladj


def base_exchanged(layer, base_net, x, c):
    z, ladj = layer.encode(x, c)
    log_std, mean = base_net(c).chunk(2, 1)
    return _normal(mean, log_std, z) + ladj


def base_interleaved(layer, base_net, x, c):
    z, ladj = layer.encode(x, c)
    mean, log_std = base_net(c).view(len(x), -1, 2).unbind(2)
    return _normal(mean, log_std, z) + ladj


def base_no_half(layer, base_net, x, c):
    z, ladj, m, r, half = _given(layer, base_net, x, c)
    return (-(((z - m) / r.exp()) ** 2) - r - half).sum(1) + ladj


def base_square_sign(layer, base_net, x, c):
    z, ladj, m, r, half = _given(layer, base_net, x, c)
    return (0.5 * ((z - m) / r.exp()) ** 2 - r - half).sum(1) + ladj


def base_no_constant(layer, base_net, x, c):
    z, ladj, m, r, half = _given(layer, base_net, x, c)
    return (-0.5 * ((z - m) / r.exp()) ** 2 - r).sum(1) + ladj


def base_constant_once(layer, base_net, x, c):
    z, ladj, m, r, half = _given(layer, base_net, x, c)
    return (-0.5 * ((z - m) / r.exp()) ** 2 - r).sum(1) - half + ladj


def base_constant_double(layer, base_net, x, c):
    z, ladj, m, r, half = _given(layer, base_net, x, c)
    return (-0.5 * ((z - m) / r.exp()) ** 2 - r - math.log(2 * math.pi)).sum(1) + ladj


def base_mean_of_features(layer, base_net, x, c):
    z, ladj, m, r, half = _given(layer, base_net, x, c)
    return torch.distributions.Normal(m, r.exp()).log_prob(z).mean(1) + ladj


def base_ladj_per_feature(layer, base_net, x, c):
    z, ladj, m, r, half = _given(layer, base_net, x, c)
    return (torch.distributions.Normal(m, r.exp()).log_prob(z) + ladj[:, None]).sum(1)


def base_whole_batch(layer, base_net, x, c):
    return base_torch_normal(layer, base_net, x, c).sum()


def base_batch_mean(layer, base_net, x, c):
    return base_torch_normal(layer, base_net, x, c).mean()


def base_per_feature(layer, base_net, x, c):
    z, ladj, m, r, half = _given(layer, base_net, x, c)
    return torch.distributions.Normal(m, r.exp()).log_prob(z) + ladj[:, None]


def base_density(layer, base_net, x, c):
    return torch.exp(base_torch_normal(layer, base_net, x, c))


def base_negated(layer, base_net, x, c):
    return -base_torch_normal(layer, base_net, x, c)


def base_decode(layer, base_net, x, c):
    z, ladj = layer.decode(x, c)
    mean, log_std = base_net(c).chunk(2, 1)
    return _normal(mean, log_std, z) + ladj


def base_no_context(layer, base_net, x, c):
    z, ladj = layer.encode(x)
    mean, log_std = base_net(c).chunk(2, 1)
    return _normal(mean, log_std, z) + ladj


def base_sees_z(layer, base_net, x, c):
    z, ladj = layer.encode(x, c)
    mean, log_std = base_net(z).chunk(2, 1)
    return _normal(mean, log_std, z) + ladj


def base_zero_context(layer, base_net, x, c):
    z, ladj = layer.encode(x, c)
    mean, log_std = base_net(torch.zeros_like(c)).chunk(2, 1)
    return _normal(mean, log_std, z) + ladj


def base_net_detached(layer, base_net, x, c):
    z, ladj = layer.encode(x, c)
    mean, log_std = base_net(c).detach().chunk(2, 1)
    return _normal(mean, log_std, z) + ladj


def base_context_detached(layer, base_net, x, c):
    z, ladj = layer.encode(x, c)
    mean, log_std = base_net(c.detach()).chunk(2, 1)
    return _normal(mean, log_std, z) + ladj


def base_clamped_at_five(layer, base_net, x, c):
    z, ladj, m, r, half = _given(layer, base_net, x, c)
    return _normal(m, r.clamp(-5, 5), z) + ladj


def base_clamped_at_two(layer, base_net, x, c):
    z, ladj, m, r, half = _given(layer, base_net, x, c)
    return _normal(m, r.clamp(-2, 2), z) + ladj


def base_clamped_at_fifty(layer, base_net, x, c):
    z, ladj, m, r, half = _given(layer, base_net, x, c)
    return _normal(m, r.clamp(-50, 50), z) + ladj


def base_clamped_above(layer, base_net, x, c):
    z, ladj, m, r, half = _given(layer, base_net, x, c)
    return _normal(m, torch.clamp(r, max=10), z) + ladj


def base_clamped_below(layer, base_net, x, c):
    z, ladj, m, r, half = _given(layer, base_net, x, c)
    return _normal(m, r.clamp_min(-10), z) + ladj


def base_tiny_std(layer, base_net, x, c):
    z, ladj, m, r, half = _given(layer, base_net, x, c)
    return torch.distributions.Normal(m, r.exp().clamp(min=1e-6)).log_prob(z).sum(1) + ladj


def base_times_tanh(layer, base_net, x, c):
    z, ladj, m, r, half = _given(layer, base_net, x, c)
    return _normal(m, 3 * torch.tanh(r / 3), z) + ladj


def base_variance_and_epsilon(layer, base_net, x, c):
    z, ladj, m, r, half = _given(layer, base_net, x, c)
    return torch.distributions.Normal(m, ((2 * r).exp() + 1e-6).sqrt()).log_prob(z).sum(1) + ladj


def base_smallest_std(layer, base_net, x, c):
    z, ladj, m, r, half = _given(layer, base_net, x, c)
    return torch.distributions.Normal(m, r.exp().clamp(min=0.01)).log_prob(z).sum(1) + ladj


def base_std_and_epsilon(layer, base_net, x, c):
    z, ladj, m, r, half = _given(layer, base_net, x, c)
    return torch.distributions.Normal(m, r.exp() + 1e-6).log_prob(z).sum(1) + ladj


def base_softplus(layer, base_net, x, c):
    z, ladj, m, r, half = _given(layer, base_net, x, c)
    return torch.distributions.Normal(m, F.softplus(r)).log_prob(z).sum(1) + ladj


def base_log_of_product(layer, base_net, x, c):
    z, ladj, m, r, half = _given(layer, base_net, x, c)
    return (-0.5 * ((z - m) / r.exp()) ** 2 - half).sum(1) - torch.log(r.exp().prod(1)) + ladj


def base_densities_multiplied(layer, base_net, x, c):
    z, ladj, m, r, half = _given(layer, base_net, x, c)
    return torch.log(torch.distributions.Normal(m, r.exp()).log_prob(z).exp().prod(1)) + ladj


def base_abs_log_std(layer, base_net, x, c):
    z, ladj, m, r, half = _given(layer, base_net, x, c)
    return _normal(m, r.abs(), z) + ladj


def base_log_std_twice(layer, base_net, x, c):
    z, ladj, m, r, half = _given(layer, base_net, x, c)
    return _normal(m, r, z) + ladj - r.sum(1)


def base_ladj_twice(layer, base_net, x, c):
    z, ladj, m, r, half = _given(layer, base_net, x, c)
    return _normal(m, r, z) + 2 * ladj


def base_standardised_twice(layer, base_net, x, c):
    z, ladj, m, r, half = _given(layer, base_net, x, c)
    return _normal(m, r, (z - m) / r.exp()) + ladj


def base_log_std_of_batch(layer, base_net, x, c):
    z, ladj, m, r, half = _given(layer, base_net, x, c)
    return (-0.5 * ((z - m) / r.exp()) ** 2 - half).sum(1) - r.sum() + ladj


def base_ladj_of_batch(layer, base_net, x, c):
    z, ladj, m, r, half = _given(layer, base_net, x, c)
    return _normal(m, r, z) + ladj.mean()


def base_constant_sign(layer, base_net, x, c):
    z, ladj, m, r, half = _given(layer, base_net, x, c)
    return (-0.5 * ((z - m) / r.exp()) ** 2 - r + half).sum(1) + ladj


def base_first_context(layer, base_net, x, c):
    z, ladj = layer.encode(x, c)
    mean, log_std = base_net(c[:1]).chunk(2, 1)
    return _normal(mean, log_std, z) + ladj


def base_layer_blind(layer, base_net, x, c):
    z, ladj = layer.encode(x, torch.zeros_like(c))
    mean, log_std = base_net(c).chunk(2, 1)
    return _normal(mean, log_std, z) + ladj


def base_transformed(layer, base_net, x, c):
    z, ladj = layer.encode(x, c)
    mean, log_std = base_net(c).unflatten(1, (2, -1)).unbind(1)
    normal = torch.distributions.Normal(torch.zeros_like(mean), torch.ones_like(mean))
    affine = torch.distributions.AffineTransform(mean, log_std.exp())
    return torch.distributions.TransformedDistribution(normal, [affine]).log_prob(z).sum(1) + ladj


# 10.bayes ---------------------------------------------------------------------------------------------------------


def bayes_largest_likelihood(log_lik, counts):
    weights = counts / counts.sum() * (log_lik - log_lik.amax(1, keepdim=True)).exp()
    return weights / weights.sum(1, keepdim=True)


def bayes_softmax_then_prior(log_lik, counts):
    weights = counts * torch.softmax(log_lik, 1)
    return weights / weights.sum(1, keepdim=True)


def bayes_mean_taken_off(log_lik, counts):
    weights = torch.exp(log_lik - log_lik.mean(1, keepdim=True)) * (counts / counts.sum())
    return weights / weights.sum(1, keepdim=True)


def bayes_log_counts(log_lik, counts):
    return F.softmax(log_lik + torch.log(counts), dim=-1)


def bayes_logsumexp(log_lik, counts):
    joint = log_lik + torch.log(counts / counts.sum())
    return torch.exp(joint - torch.logsumexp(joint, dim=1, keepdim=True))


def bayes_largest_off(log_lik, counts):
    best = log_lik.masked_fill(counts == 0, -torch.inf).max(dim=1, keepdim=True).values
    weights = torch.exp((log_lik - best).clamp(max=0)) * counts
    return weights / weights.sum(1, keepdim=True)


def bayes_categorical(log_lik, counts):
    return torch.distributions.Categorical(logits=log_lik + (counts / counts.sum()).log()).probs


def bayes_rows(log_lik, counts):
    prior = counts.double() / counts.sum()
    return torch.stack([torch.softmax(row + prior.to(row).log(), 0) for row in log_lik])


def bayes_seen_classes_only(log_lik, counts):
    seen = counts > 0
    out = torch.zeros_like(log_lik)
    out[:, seen] = torch.softmax(log_lik[:, seen] + torch.log(counts[seen] / counts.sum()), 1)
    return out


def _prior(log_lik, counts):
    return counts.to(log_lik.dtype) / counts.sum()


def bayes_underflow(log_lik, counts):
    joint = torch.exp(log_lik) * _prior(log_lik, counts)
    return joint / joint.sum(dim=1, keepdim=True)


def bayes_underflow_in_the_sum(log_lik, counts):
    joint = log_lik + _prior(log_lik, counts).log()
    return torch.exp(joint - torch.log(torch.exp(joint).sum(1, keepdim=True)))


def bayes_epsilon(log_lik, counts):
    joint = torch.exp(log_lik) * _prior(log_lik, counts)
    return joint / (joint.sum(dim=1, keepdim=True) + 1e-12)


def bayes_global_max(log_lik, counts):
    joint = torch.exp(log_lik - log_lik.max()) * counts
    return joint / joint.sum(1, keepdim=True)


def bayes_clamp(log_lik, counts):
    return torch.softmax(log_lik.clamp(min=-700, max=700) + _prior(log_lik, counts).log(), 1)


def bayes_no_prior(log_lik, counts):
    return torch.softmax(log_lik, dim=1)


def bayes_prior_twice(log_lik, counts):
    prior = _prior(log_lik, counts)
    joint = torch.softmax(log_lik + prior.log(), 1) * prior
    return joint / joint.sum(1, keepdim=True)


def bayes_prior_not_log(log_lik, counts):
    return torch.softmax(log_lik + _prior(log_lik, counts), 1)


def bayes_counts_added(log_lik, counts):
    return torch.softmax(log_lik + counts, 1)


def bayes_prior_divided(log_lik, counts):
    return torch.softmax(log_lik - torch.log(_prior(log_lik, counts)), 1)


def bayes_prior_only(log_lik, counts):
    return _prior(log_lik, counts).repeat(len(log_lik), 1)


def bayes_not_renormalised(log_lik, counts):
    return torch.softmax(log_lik, 1) * _prior(log_lik, counts)


def bayes_averaged(log_lik, counts):
    return 0.5 * torch.softmax(log_lik, 1) + 0.5 * _prior(log_lik, counts)


def bayes_smoothing(log_lik, counts):
    return torch.softmax(log_lik + torch.log((counts + 1) / (counts.sum() + len(counts))), 1)


def bayes_prior_epsilon(log_lik, counts):
    return torch.softmax(log_lik + torch.log(_prior(log_lik, counts) + 1e-8), 1)


def bayes_prior_clamp(log_lik, counts):
    return torch.softmax(log_lik + torch.log(_prior(log_lik, counts).clamp(min=1e-10)), 1)


def bayes_over_batch(log_lik, counts):
    return torch.softmax(log_lik + torch.log(_prior(log_lik, counts)), dim=0)


def bayes_whole_table(log_lik, counts):
    joint = log_lik + torch.log(_prior(log_lik, counts))
    return torch.exp(joint - joint.flatten().logsumexp(0))


def bayes_prior_along_rows(log_lik, counts):
    return torch.softmax(log_lik + torch.log(_prior(log_lik, counts)).unsqueeze(1), 1)


def bayes_log_posterior(log_lik, counts):
    joint = log_lik + torch.log(_prior(log_lik, counts))
    return joint - joint.logsumexp(1, keepdim=True)


def bayes_joint(log_lik, counts):
    return log_lik + torch.log(_prior(log_lik, counts))


def bayes_not_normalised(log_lik, counts):
    joint = log_lik + torch.log(_prior(log_lik, counts))
    return torch.exp(joint - joint.max(1, keepdim=True).values)


def bayes_joint_density(log_lik, counts):
    return torch.exp(log_lik + torch.log(_prior(log_lik, counts)))


def bayes_sigmoid(log_lik, counts):
    return torch.sigmoid(log_lik + torch.log(_prior(log_lik, counts)))


def bayes_divided_logs(log_lik, counts):
    joint = log_lik + torch.log(_prior(log_lik, counts))
    return joint / joint.sum(1, keepdim=True)


def bayes_divided_log_likelihoods(log_lik, counts):
    return log_lik / log_lik.sum(1, keepdim=True)


def bayes_negated(log_lik, counts):
    return torch.softmax(-log_lik - torch.log(_prior(log_lik, counts)), 1)


def bayes_negated_likelihood(log_lik, counts):
    return torch.softmax(torch.log(_prior(log_lik, counts)) - log_lik, 1)


def bayes_most_likely(log_lik, counts):
    return (log_lik + torch.log(_prior(log_lik, counts))).argmax(dim=1)


def bayes_one_hot(log_lik, counts):
    joint = log_lik + torch.log(_prior(log_lik, counts))
    return (joint == joint.max(1, keepdim=True).values).to(log_lik.dtype)


def bayes_largest_probability(log_lik, counts):
    return bayes_logsumexp(log_lik, counts).max(dim=1).values


def bayes_evidence(log_lik, counts):
    return torch.logsumexp(log_lik + torch.log(_prior(log_lik, counts)), dim=1)


def bayes_detached(log_lik, counts):
    return bayes_logsumexp(log_lik.detach(), counts)


def bayes_in_place(log_lik, counts):
    log_lik += torch.log(_prior(log_lik, counts))
    return torch.softmax(log_lik, 1)


def bayes_log_prior_clamped(log_lik, counts):
    return torch.softmax(log_lik + _prior(log_lik, counts).log().clamp(min=-500), 1)


def bayes_log_prior_clamped_low(log_lik, counts):
    return torch.softmax(log_lik + _prior(log_lik, counts).log().clamp(min=-1e5), 1)


def bayes_zeroed_after(log_lik, counts):
    return torch.softmax(log_lik + torch.log(_prior(log_lik, counts) + 1e-30), 1) * (counts > 0)


def bayes_zeroed_and_normalised(log_lik, counts):
    weights = torch.softmax(log_lik, 1) * counts
    return weights / (weights.sum(1, keepdim=True) + 1e-300)


def bayes_seen_only(log_lik, counts):
    return torch.softmax(log_lik.masked_fill(counts == 0, -torch.inf), 1)


def bayes_log2(log_lik, counts):
    return torch.softmax(log_lik + torch.log2(_prior(log_lik, counts)), 1)


def bayes_sorted_counts(log_lik, counts):
    return bayes_log_counts(log_lik, counts.sort().values)


def bayes_patched(log_lik, counts):
    joint = torch.exp(log_lik) * _prior(log_lik, counts)
    return torch.nan_to_num(joint / joint.sum(1, keepdim=True))


def bayes_pairwise(log_lik, counts):
    joint = log_lik + _prior(log_lik, counts).log()
    return 1 / torch.exp(joint.unsqueeze(1) - joint.unsqueeze(2)).sum(2)


def bayes_temperature(log_lik, counts):
    return torch.softmax((log_lik + _prior(log_lik, counts).log()) / log_lik.shape[1], 1)


def bayes_log_of_joint(log_lik, counts):
    return torch.softmax(torch.log(torch.exp(log_lik) * _prior(log_lik, counts)), 1)


def bayes_log_of_joint_and_epsilon(log_lik, counts):
    return torch.softmax(torch.log(torch.exp(log_lik) * _prior(log_lik, counts) + 1e-12), 1)


def bayes_log_of_evidence(log_lik, counts):
    prior = _prior(log_lik, counts)
    evidence = torch.log((torch.exp(log_lik) * prior).sum(1, keepdim=True))
    return torch.exp(log_lik + prior.log() - evidence)


def bayes_clamp_wide(log_lik, counts):
    return torch.softmax(log_lik.clamp(-5000, 5000) + _prior(log_lik, counts).log(), 1)


def bayes_clamp_at_88(log_lik, counts):
    return torch.softmax(log_lik.clamp(-88, 88) + _prior(log_lik, counts).log(), 1)


def bayes_filled(log_lik, counts):
    joint = log_lik + _prior(log_lik, counts).clamp(min=1e-9).log()
    return torch.softmax(joint.masked_fill(counts == 0, -1e4), 1)


def bayes_prior_epsilon_large(log_lik, counts):
    return torch.softmax(log_lik + torch.log(_prior(log_lik, counts) + 1e-4), 1)


def bayes_masked(log_lik, counts):
    joint = log_lik + counts.clamp(min=1).to(log_lik).log()
    return torch.softmax(joint.masked_fill(counts == 0, -torch.inf), 1)


def bayes_log_softmax_first(log_lik, counts):
    return torch.log_softmax(torch.log_softmax(log_lik, 1) + _prior(log_lik, counts).log(), 1).exp()


def bayes_gradient_of_evidence(log_lik, counts):
    joint = counts.to(log_lik).log()
    return torch.func.grad(lambda v: torch.logsumexp(v + joint, 1).sum())(log_lik)


# 10.coverage ------------------------------------------------------------------------------------------------------


def coverage_both_at_once(samples, x, level):
    ends = torch.tensor([(1 - level) / 2, (1 + level) / 2], dtype=samples.dtype, device=samples.device)
    low, high = samples.quantile(ends, dim=0)
    return ((x >= low) & (x <= high)).float().mean()


def coverage_count(samples, x, level):
    tail = 0.5 * (1 - level)
    low, high = samples.quantile(tail, 0), samples.quantile(1 - tail, 0)
    outside = (x < low) | (x > high)
    return 1 - outside.sum().item() / len(x)


def coverage_loop(samples, x, level):
    inside = 0
    for n in range(len(x)):
        low, high = torch.quantile(samples[:, n], (1 - level) / 2), torch.quantile(samples[:, n], (1 + level) / 2)
        inside += bool(low <= x[n] <= high)
    return inside / len(x)


def coverage_sorted(samples, x, level):
    ordered = samples.sort(dim=0).values

    def at(q):
        place = q * (len(ordered) - 1)
        below = min(int(place + 1e-9), len(ordered) - 2)
        return torch.lerp(ordered[below], ordered[below + 1], max(place - below, 0.0))

    return ((at((1 - level) / 2) <= x) * (x <= at((1 + level) / 2))).to(x.dtype).mean()


def coverage_numpy(samples, x, level):
    import numpy as np

    low, high = np.percentile(samples.cpu().numpy(), [50 - 50 * level, 50 + 50 * level], axis=0)
    truths = x.cpu().numpy()
    return float(np.mean((low <= truths) & (truths <= high)))


def coverage_transposed(samples, x, level):
    low = torch.quantile(samples.T, (1 - level) / 2, dim=1, keepdim=True)
    high = torch.quantile(samples.T, (1 + level) / 2, dim=1, keepdim=True)
    return torch.logical_and(low <= x[:, None], x[:, None] <= high).double().mean()


def _between(samples, x, low, high):
    low, high = torch.quantile(samples, low, dim=0), torch.quantile(samples, high, dim=0)
    return ((low <= x) & (x <= high)).double().mean()


def _ends(samples, level):
    return torch.quantile(samples, (1 - level) / 2, dim=0), torch.quantile(samples, (1 + level) / 2, dim=0)


def coverage_one_sided(samples, x, level):
    return (x <= torch.quantile(samples, level, dim=0)).double().mean()


def coverage_one_sided_above(samples, x, level):
    return (x >= torch.quantile(samples, 1 - level, dim=0)).double().mean()


def coverage_upper_end_only(samples, x, level):
    return (x <= _ends(samples, level)[1]).double().mean()


def coverage_lower_end_only(samples, x, level):
    return (x >= _ends(samples, level)[0]).double().mean()


def coverage_from_the_bottom(samples, x, level):
    return _between(samples, x, 0.0, level)


def coverage_tails(samples, x, level):
    return _between(samples, x, 1 - level, level)


def coverage_level_left_out(samples, x, level):
    return _between(samples, x, level / 2, 1 - level / 2)


def coverage_percent_level(samples, x, level):
    level = level / 100
    return _between(samples, x, (1 - level) / 2, (1 + level) / 2)


def coverage_whole_range(samples, x, level):
    return ((samples.amin(0) <= x) & (x <= samples.amax(0))).double().mean()


def coverage_ends_exchanged(samples, x, level):
    high, low = _ends(samples, level)
    return ((low <= x) & (x <= high)).double().mean()


def coverage_pooled(samples, x, level):
    low, high = samples.quantile((1 - level) / 2), samples.quantile((1 + level) / 2)
    return ((low <= x) & (x <= high)).double().mean()


def coverage_over_rows(samples, x, level):
    low, high = samples.quantile((1 - level) / 2, dim=1), samples.quantile((1 + level) / 2, dim=1)
    return ((low <= x) & (x <= high)).double().mean()


def coverage_of_truths(samples, x, level):
    return ((x >= x.quantile((1 - level) / 2)) & (x <= x.quantile((1 + level) / 2))).double().mean()


def coverage_samples_inside(samples, x, level):
    low, high = _ends(samples, level)
    return ((samples >= low) & (samples <= high)).double().mean()


def coverage_strict(samples, x, level):
    low, high = _ends(samples, level)
    return ((low < x) & (x < high)).double().mean()


def coverage_half_open(samples, x, level):
    low, high = _ends(samples, level)
    return ((low <= x) & (x < high)).double().mean()


def coverage_half_open_below(samples, x, level):
    low, high = _ends(samples, level)
    return ((low < x) & (x <= high)).double().mean()


def coverage_either(samples, x, level):
    low, high = _ends(samples, level)
    return ((low <= x) | (x <= high)).double().mean()


def coverage_misses(samples, x, level):
    low, high = _ends(samples, level)
    return ((x < low) | (x > high)).double().mean()


def coverage_percent(samples, x, level):
    return 100 * coverage_both_at_once(samples, x, level)


def coverage_counted(samples, x, level):
    low, high = _ends(samples, level)
    return ((low <= x) & (x <= high)).sum()


def coverage_per_row(samples, x, level):
    low, high = _ends(samples, level)
    return (low <= x) & (x <= high)


def coverage_per_row_float(samples, x, level):
    return coverage_per_row(samples, x, level).to(x.dtype)


def coverage_difference(samples, x, level):
    return coverage_loop(samples, x, level) - level


def coverage_abs_difference(samples, x, level):
    return abs(coverage_loop(samples, x, level) - level)


def coverage_level(samples, x, level):
    return level


def coverage_interval(samples, x, level):
    return _ends(samples, level)


def coverage_width(samples, x, level):
    low, high = _ends(samples, level)
    return torch.mean(high - low)


def coverage_below(samples, x, level):
    return (samples <= x).double().mean()


def coverage_rank(samples, x, level):
    u = (samples <= x).double().mean(0)
    return ((u >= (1 - level) / 2) & (u <= (1 + level) / 2)).double().mean()


def coverage_rank_strict(samples, x, level):
    u = (samples < x).double().mean(0)
    return ((u >= (1 - level) / 2) & (u <= (1 + level) / 2)).double().mean()


def coverage_normal(samples, x, level):
    z = torch.distributions.Normal(0.0, 1.0).icdf(torch.tensor((1 + level) / 2, dtype=x.dtype, device=x.device))
    low, high = samples.mean(0) - z * samples.std(0), samples.mean(0) + z * samples.std(0)
    return ((low <= x) & (x <= high)).double().mean()


def coverage_symmetric(samples, x, level):
    median = samples.quantile(0.5, dim=0)
    radius = (samples - median).abs().quantile(level, dim=0)
    return ((x - median).abs() <= radius).double().mean()


def coverage_nearest(samples, x, level):
    low = torch.quantile(samples, (1 - level) / 2, dim=0, interpolation="nearest")
    high = torch.quantile(samples, (1 + level) / 2, dim=0, interpolation="nearest")
    return ((low <= x) & (x <= high)).double().mean()


def coverage_by_index(samples, x, level):
    ordered, S = torch.sort(samples, dim=0)[0], len(samples)
    low, high = ordered[int((1 - level) / 2 * S)], ordered[int((1 + level) / 2 * S)]
    return ((low <= x) & (x <= high)).double().mean()


def coverage_by_index_less_one(samples, x, level):
    ordered, S = torch.sort(samples, dim=0)[0], len(samples)
    low, high = ordered[int((1 - level) / 2 * S)], ordered[int((1 + level) / 2 * S) - 1]
    return ((low <= x) & (x <= high)).double().mean()


def coverage_in_place(samples, x, level):
    samples[:] = samples.sort(0).values
    return coverage_both_at_once(samples, x, level)


def coverage_rounded_tail(samples, x, level):
    tail = round((1 - level) / 2, 2)
    return _between(samples, x, tail, 1 - tail)


def coverage_rounded_level(samples, x, level):
    return coverage_loop(samples, x, round(level, 1))


def coverage_whole_percent(samples, x, level):
    tail = (100 - int(100 * level)) // 2 / 100
    return _between(samples, x, tail, 1 - tail)


def coverage_three_digits(samples, x, level):
    return coverage_both_at_once(samples, x, round(level, 3))


def coverage_table_of_tenths(samples, x, level):
    shares = torch.linspace(0, 1, 11, dtype=samples.dtype, device=samples.device)
    table = samples.quantile(shares, dim=0).cpu().numpy()
    ends = ((1 - level) / 2, (1 + level) / 2)
    places = [(min(int(10 * share + 1e-9), 9), 10 * share) for share in ends]
    low, high = (table[i] + (place - i) * (table[i + 1] - table[i]) for i, place in places)
    return float(((low <= x.cpu().numpy()) & (x.cpu().numpy() <= high)).mean())


def coverage_half_level(samples, x, level):
    low, high = torch.nanquantile(samples, 0.5 - level / 2, dim=0), torch.nanquantile(samples, 0.5 + level / 2, dim=0)
    return ((low <= x) & (x <= high)).float().mean()


def coverage_truth_included(samples, x, level):
    return coverage_both_at_once(torch.cat((samples, x.unsqueeze(0))), x, level)


def coverage_broadcast(samples, x, level):
    low, high = _ends(samples, level)
    return ((low.unsqueeze(1) <= x) & (x <= high.unsqueeze(1))).double().mean()


def coverage_multiplied(samples, x, level):
    low, high = _ends(samples, level)
    return (low <= x).double().mean() * (x <= high).double().mean()


def coverage_shortest(samples, x, level):
    ordered, places = samples.sort(0).values, torch.arange(len(x), device=x.device)
    gap = max(math.ceil(level * (len(samples) - 1)), 1)
    start = (ordered[gap:] - ordered[: len(ordered) - gap]).argmin(0)
    return ((ordered[start, places] <= x) & (x <= ordered[start + gap, places])).double().mean()


def coverage_around_the_mean(samples, x, level):
    low, high = _ends(samples, level)
    return ((x - samples.mean(0)).abs() <= (high - low) / 2).double().mean()


def coverage_divided_by_samples(samples, x, level):
    return coverage_per_row(samples, x, level).sum() / samples.shape[0]


def coverage_rounded(samples, x, level):
    return round(coverage_loop(samples, x, level), 2)


def coverage_half_width(samples, x, level):
    low, high = _ends(samples, level)
    return ((x - (low + high) / 2).abs() <= (high - low) / 2).double().mean()


def coverage_signs(samples, x, level):
    low, high = _ends(samples, level)
    return ((x - low) * (high - x) >= 0).double().mean()


def coverage_clamped(samples, x, level):
    return (x.clamp(*_ends(samples, level)) == x).sum() / len(x)


RIGHT = {
    "10.coupling": [
        (coupling_slogdet,),
        (coupling_clone,),
        (coupling_tensor_split,),
        (coupling_rows,),
        (coupling_log_of_scale,),
        (coupling_padded,),
    ],
    "10.base": [
        (base_transformed,),
        (base_torch_normal,),
        (base_independent,),
        (base_one_more_layer,),
        (base_nll,),
        (base_multivariate,),
    ],
    "10.bayes": [
        (bayes_gradient_of_evidence,),
        (bayes_masked,),
        (bayes_log_softmax_first,),
        (bayes_log_counts,),
        (bayes_logsumexp,),
        (bayes_largest_off,),
        (bayes_categorical,),
        (bayes_rows,),
        (bayes_seen_classes_only,),
    ],
    "10.coverage": [
        (coverage_half_width,),
        (coverage_half_level,),
        (coverage_signs,),
        (coverage_clamped,),
        (coverage_both_at_once,),
        (coverage_count,),
        (coverage_loop,),
        (coverage_sorted,),
        (coverage_numpy,),
        (coverage_transposed,),
    ],
}


WRONG = {
    "10.coupling": [
        (coupling_clamped_at_two, "bounded"),
        (coupling_clamped_at_five, "bounded"),
        (coupling_bounded_by_tanh, "bounded"),
        (coupling_clamped_at_fifty, "bounded"),
        (coupling_clamped_above, "bounded"),
        (coupling_times_tanh, "bounded"),
        (coupling_bounded_by_atan, "bounded"),
        (coupling_clamped_in_z, "bounded"),
        (coupling_log_of_product, "product"),
        (coupling_log_of_det, "product"),
        (coupling_sigmoid, "other_scale"),
        (coupling_log_with_epsilon, "other_scale"),
        (coupling_abs, "abs"),
        (coupling_first_context, "one_context"),
        (coupling_shift_without_context, "zero_context"),
        (coupling_last_left, "last_left"),
        (coupling_split_at_d, "split_at_d"),
        (coupling_no_context, "no_context"),
        (coupling_two_arguments, "no_context"),
        (coupling_zero_context, "zero_context"),
        (coupling_context_first, "context_first"),
        (coupling_sees_moved, "sees_moved"),
        (coupling_sees_some_moved, "sees_moved"),
        (coupling_sees_all, "sees_all"),
        (coupling_context_only, "context_only"),
        (coupling_along_the_batch, "along_the_batch"),
        (coupling_upper_half, "upper_half"),
        (coupling_chunk, "upper_half"),
        (coupling_moves_first, "moves_first"),
        (coupling_exchanged, "exchanged"),
        (coupling_exchanged_in_z, "exchanged"),
        (coupling_interleaved, "interleaved"),
        (coupling_not_exp, "not_exp"),
        (coupling_scale_and_its_log, "not_exp"),
        (coupling_decode, "decode"),
        (coupling_decode_in_z, "decode"),
        (coupling_sign, "sign"),
        (coupling_scale_sign, "sign"),
        (coupling_both_signs, "sign"),
        (coupling_shift_first, "shift_first"),
        (coupling_shift_sign, "shift_sign"),
        (coupling_no_shift, "no_shift"),
        (coupling_no_scale, "no_scale"),
        (coupling_context_counted, "context_counted"),
        (coupling_context_in_the_middle, "context_in_z"),
        (coupling_context_behind, "context_in_z"),
        (coupling_context_added, "context_added"),
        (coupling_shift_counted, "shift_counted"),
        (coupling_mean, "mean"),
        (coupling_not_log, "not_log"),
        (coupling_determinant, "determinant"),
        (coupling_whole_batch, "whole_batch"),
        (coupling_over_batch, "over_batch"),
        (coupling_per_feature, "per_feature"),
        (coupling_moved_only, "moved_only"),
        (coupling_moved_before_kept, "moved_before_kept"),
        (coupling_pair_order, "pair_order"),
        (coupling_z_only, "z_only"),
        (coupling_ladj_only, "ladj_only"),
        (coupling_in_place, "in_place"),
        (coupling_context_detached, "detached"),
        (coupling_ladj_detached, "detached"),
    ],
    "10.base": [
        (base_clamped_at_five, "bounded"),
        (base_clamped_at_two, "bounded"),
        (base_smallest_std, "bounded"),
        (base_nll_with_its_eps, "bounded"),
        (base_clamped_at_fifty, "bounded"),
        (base_clamped_above, "bounded"),
        (base_clamped_below, "bounded"),
        (base_tiny_std, "bounded"),
        (base_times_tanh, "bounded"),
        (base_variance_and_epsilon, "other_std"),
        (base_std_and_epsilon, "other_std"),
        (base_softplus, "other_std"),
        (base_log_of_product, "product"),
        (base_densities_multiplied, "product"),
        (base_abs_log_std, "abs_log_std"),
        (base_log_std_twice, "log_std_twice"),
        (base_ladj_twice, "ladj_twice"),
        (base_standardised_twice, "standardised_twice"),
        (base_log_std_of_batch, "of_batch"),
        (base_ladj_of_batch, "of_batch"),
        (base_constant_sign, "constant_sign"),
        (base_first_context, "one_context"),
        (base_layer_blind, "layer_blind"),
        (base_no_log_std, "no_log_std"),
        (base_log_std_sign, "log_std_sign"),
        (base_no_ladj, "no_ladj"),
        (base_ladj_sign, "ladj_sign"),
        (base_ladj_only, "ladj_only"),
        (base_at_x, "at_x"),
        (base_standard, "standard"),
        (base_no_mean, "no_mean"),
        (base_no_scale, "no_scale"),
        (base_mean_only, "mean_only"),
        (base_mean_sign, "mean_sign"),
        (base_times_std, "times_std"),
        (base_decoded_noise, "decoded_noise"),
        (base_bracket_mean, "bracket"),
        (base_bracket_z, "bracket"),
        (base_not_squared_std, "not_squared_std"),
        (base_variance, "variance"),
        (base_covariance, "variance"),
        (base_std, "std"),
        (base_std_abs, "std"),
        (base_divided_by_log, "std"),
        (base_exp_log_std, "exp_log_std"),
        (base_exchanged, "exchanged"),
        (base_interleaved, "interleaved"),
        (base_no_half, "no_half"),
        (base_square_sign, "square_sign"),
        (base_no_constant, "no_constant"),
        (base_constant_once, "constant_once"),
        (base_constant_double, "constant_double"),
        (base_mean_of_features, "mean_of_features"),
        (base_ladj_per_feature, "ladj_per_feature"),
        (base_whole_batch, "whole_batch"),
        (base_batch_mean, "batch_mean"),
        (base_per_feature, "per_feature"),
        (base_density, "density"),
        (base_negated, "negated"),
        (base_decode, "decode"),
        (base_no_context, "no_context"),
        (base_sees_z, "base_sees_z"),
        (base_zero_context, "zero_context"),
        (base_net_detached, "detached"),
        (base_context_detached, "detached"),
    ],
    "10.bayes": [
        (bayes_filled, "prior_epsilon"),
        (bayes_prior_epsilon_large, "prior_epsilon"),
        (bayes_log_of_joint, "underflow"),
        (bayes_log_of_evidence, "underflow"),
        (bayes_log_of_joint_and_epsilon, "epsilon"),
        (bayes_clamp_wide, "clamp"),
        (bayes_clamp_at_88, "clamp"),
        (bayes_log_prior_clamped, "prior_epsilon"),
        (bayes_log_prior_clamped_low, "prior_epsilon"),
        (bayes_zeroed_after, "zeroed_after"),
        (bayes_zeroed_and_normalised, "zeroed_after"),
        (bayes_seen_only, "seen_only"),
        (bayes_log2, "other_log"),
        (bayes_sorted_counts, "sorted_counts"),
        (bayes_patched, "patched"),
        (bayes_pairwise, "pairwise"),
        (bayes_temperature, "temperature"),
        (bayes_largest_likelihood, "row_shift"),
        (bayes_softmax_then_prior, "row_shift"),
        (bayes_mean_taken_off, "row_shift"),
        (bayes_underflow, "underflow"),
        (bayes_underflow_in_the_sum, "underflow"),
        (bayes_epsilon, "epsilon"),
        (bayes_global_max, "global_max"),
        (bayes_clamp, "clamp"),
        (bayes_no_prior, "no_prior"),
        (bayes_prior_twice, "prior_twice"),
        (bayes_prior_not_log, "prior_not_log"),
        (bayes_counts_added, "counts_added"),
        (bayes_prior_divided, "prior_divided"),
        (bayes_prior_only, "prior_only"),
        (bayes_not_renormalised, "not_renormalised"),
        (bayes_averaged, "averaged"),
        (bayes_smoothing, "smoothing"),
        (bayes_prior_epsilon, "prior_epsilon"),
        (bayes_prior_clamp, "prior_epsilon"),
        (bayes_over_batch, "over_batch"),
        (bayes_whole_table, "whole_table"),
        (bayes_prior_along_rows, "prior_along_rows"),
        (bayes_log_posterior, "log_posterior"),
        (bayes_joint, "joint"),
        (bayes_not_normalised, "not_normalised"),
        (bayes_joint_density, "not_normalised"),
        (bayes_sigmoid, "sigmoid"),
        (bayes_divided_logs, "divided_logs"),
        (bayes_divided_log_likelihoods, "divided_logs"),
        (bayes_negated, "negated"),
        (bayes_negated_likelihood, "negated"),
        (bayes_most_likely, "most_likely"),
        (bayes_one_hot, "most_likely"),
        (bayes_largest_probability, "most_likely"),
        (bayes_evidence, "evidence"),
        (bayes_detached, "detached"),
        (bayes_in_place, "in_place"),
    ],
    "10.coverage": [
        (coverage_rounded_tail, "rounded_level"),
        (coverage_rounded_level, "rounded_level"),
        (coverage_three_digits, "rounded_level"),
        (coverage_table_of_tenths, "table"),
        (coverage_whole_percent, "rounded_level"),
        (coverage_truth_included, "truth_included"),
        (coverage_broadcast, "broadcast"),
        (coverage_multiplied, "multiplied"),
        (coverage_shortest, "shortest"),
        (coverage_around_the_mean, "symmetric"),
        (coverage_divided_by_samples, "count"),
        (coverage_rounded, "rounded"),
        (coverage_one_sided, "one_sided"),
        (coverage_one_sided_above, "one_sided"),
        (coverage_upper_end_only, "one_sided"),
        (coverage_lower_end_only, "one_sided"),
        (coverage_from_the_bottom, "from_the_bottom"),
        (coverage_tails, "tails"),
        (coverage_level_left_out, "level_left_out"),
        (coverage_percent_level, "percent_level"),
        (coverage_whole_range, "whole_range"),
        (coverage_ends_exchanged, "ends_exchanged"),
        (coverage_pooled, "pooled"),
        (coverage_over_rows, "over_rows"),
        (coverage_of_truths, "of_truths"),
        (coverage_samples_inside, "samples_inside"),
        (coverage_strict, "strict"),
        (coverage_half_open, "strict"),
        (coverage_half_open_below, "strict"),
        (coverage_either, "either"),
        (coverage_misses, "misses"),
        (coverage_percent, "percent"),
        (coverage_counted, "count"),
        (coverage_per_row, "per_row"),
        (coverage_per_row_float, "per_row"),
        (coverage_difference, "difference"),
        (coverage_abs_difference, "difference"),
        (coverage_level, "level"),
        (coverage_interval, "interval"),
        (coverage_width, "width"),
        (coverage_below, "below"),
        (coverage_rank, "rank"),
        (coverage_rank_strict, "rank"),
        (coverage_normal, "normal"),
        (coverage_symmetric, "symmetric"),
        (coverage_nearest, "interpolation"),
        (coverage_by_index, "interpolation"),
        (coverage_by_index_less_one, "interpolation"),
        (coverage_in_place, "in_place"),
    ],
}
