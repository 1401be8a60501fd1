"""Answers to chapter 11's exercises, as learners write them: right ones, and wrong ones with the mistake they make."""

import math

import torch
import torch.nn.functional as F

from nf_course import enlarge, reduce

# 11.injector ------------------------------------------------------------------------------------------------------


def injector_split(x, theta):
    C = x.shape[1]
    a, t = theta[:, :C], theta[:, C:]
    log_s = 2 * (a / 2).tanh()
    return x * log_s.exp() + t, log_s.flatten(1).sum(1)


def injector_view(x, theta):
    N, C, H, W = x.shape
    a, t = theta.view(N, 2, C, H, W).unbind(1)
    s = torch.exp(2 * torch.tanh(0.5 * a))
    return [torch.addcmul(t, s, x), s.log().sum(dim=[1, 2, 3])]


def injector_sigmoid(x, theta):
    """tanh(a / 2) = 2 sigmoid(a) - 1."""
    a, t = theta.split(x.shape[1], dim=1)
    log_scale = 4 * torch.sigmoid(a) - 2
    return t + log_scale.exp() * x, torch.einsum("nchw->n", log_scale)


def injector_images(x, theta):
    zs, ladjs = [], []
    for image, out in zip(x, theta):
        a, t = out.chunk(2)
        log_s = 2 * torch.tanh(a / 2)
        zs.append(image * torch.exp(log_s) + t)
        ladjs.append(log_s.sum())
    return torch.stack(zs), torch.stack(ladjs)


def _injector(x, theta):
    a, t = theta.chunk(2, dim=1)
    return a, t, 2 * torch.tanh(a / 2)


def injector_exchanged(x, theta):
    t, a = theta.chunk(2, dim=1)
    r = 2 * torch.tanh(a / 2)
    return r.exp() * x + t, r.sum((1, 2, 3))


def injector_interleaved(x, theta):
    N, C, H, W = x.shape
    a, t = theta.view(N, C, 2, H, W).unbind(2)
    r = 2 * torch.tanh(a / 2)
    return r.exp() * x + t, r.sum((1, 2, 3))


def injector_last_dim(x, theta):
    a, t = theta.chunk(2, dim=-1)
    r = 2 * torch.tanh(a / 2)
    return x * r.exp() + t, r.sum((1, 2, 3))


def injector_default_dim(x, theta):
    a, t = theta.chunk(2)
    r = 2 * torch.tanh(a / 2)
    return r.exp() * x + t, r.sum((1, 2, 3))


def injector_not_bounded(x, theta):
    a, t = theta.chunk(2, 1)
    return a.exp() * x + t, a.sum((1, 2, 3))


def injector_ladj_not_bounded(x, theta):
    a, t, r = _injector(x, theta)
    return r.exp() * x + t, a.flatten(1).sum(1)


def injector_clamped(x, theta):
    a, t, _ = _injector(x, theta)
    r = torch.clamp(a, -2, 2)
    return r.exp() * x + t, r.sum((1, 2, 3))


def injector_tanh(x, theta):
    a, t, _ = _injector(x, theta)
    r = torch.tanh(a)
    return r.exp() * x + t, r.sum((1, 2, 3))


def injector_twice_tanh(x, theta):
    a, t, _ = _injector(x, theta)
    r = torch.tanh(a) * 2
    return r.exp() * x + t, r.sum((1, 2, 3))


def injector_half_ladj(x, theta):
    a, t, r = _injector(x, theta)
    return r.exp() * x + t, torch.tanh(a / 2).sum((1, 2, 3))


def injector_glow_scale(x, theta):
    a, t, _ = _injector(x, theta)
    s = torch.sigmoid(a + 2)
    return s * x + t, torch.log(s).sum((1, 2, 3))


def injector_not_exp(x, theta):
    a, t, r = _injector(x, theta)
    return r * x + t, r.sum((1, 2, 3))


def injector_decode(x, theta):
    a, t, r = _injector(x, theta)
    return (x - t) / r.exp(), -r.sum((1, 2, 3))


def injector_sign(x, theta):
    a, t, r = _injector(x, theta)
    return r.exp() * x + t, -r.sum((1, 2, 3))


def injector_scale_sign(x, theta):
    a, t, r = _injector(x, theta)
    return x / r.exp() + t, r.sum((1, 2, 3))


def injector_abs(x, theta):
    a, t, r = _injector(x, theta)
    return r.exp() * x + t, r.abs().sum((1, 2, 3))


def injector_shift_first(x, theta):
    a, t, r = _injector(x, theta)
    return (x + t) * r.exp(), r.sum((1, 2, 3))


def injector_shift_sign(x, theta):
    a, t, r = _injector(x, theta)
    return x * r.exp() - t, r.sum((1, 2, 3))


def injector_no_shift(x, theta):
    a, t, r = _injector(x, theta)
    return x * r.exp(), r.sum((1, 2, 3))


def injector_no_scale(x, theta):
    a, t, r = _injector(x, theta)
    return x + t, r.sum((1, 2, 3))


def injector_all_bounded(x, theta):
    log_s, t = (2 * torch.tanh(theta / 2)).chunk(2, 1)
    return x * log_s.exp() + t, log_s.sum((1, 2, 3))


def injector_half_kept(x, theta):
    a, t, r = _injector(x, theta)
    d = x.shape[1] // 2
    z = x.clone()
    z[:, d:] = (r.exp() * x + t)[:, d:]
    return z, r[:, d:].sum((1, 2, 3))


def injector_mean(x, theta):
    a, t, r = _injector(x, theta)
    return r.exp() * x + t, r.mean(dim=(1, 2, 3))


def injector_mean_of_pixels(x, theta):
    a, t, r = _injector(x, theta)
    return r.exp() * x + t, r.flatten(2).mean(2).sum(1)


def injector_times_pixels(x, theta):
    a, t, r = _injector(x, theta)
    H, W = x.shape[2:]
    return r.exp() * x + t, H * W * r.sum((1, 2, 3))


def injector_channels(x, theta):
    a, t, r = _injector(x, theta)
    return r.exp() * x + t, r.sum(1)


def injector_pixels(x, theta):
    a, t, r = _injector(x, theta)
    return r.exp() * x + t, r.flatten(2).sum(-1)


def injector_per_number(x, theta):
    a, t, r = _injector(x, theta)
    return r.exp() * x + t, r


def injector_whole_batch(x, theta):
    a, t, r = _injector(x, theta)
    return r.exp() * x + t, torch.sum(r)


def injector_over_batch(x, theta):
    a, t, r = _injector(x, theta)
    return r.exp() * x + t, r.sum(dim=0)


def injector_theta_summed(x, theta):
    a, t, r = _injector(x, theta)
    return r.exp() * x + t, theta.sum((1, 2, 3))


def injector_not_log(x, theta):
    a, t, r = _injector(x, theta)
    s = r.exp()
    return s * x + t, s.sum((1, 2, 3))


def injector_product(x, theta):
    a, t, r = _injector(x, theta)
    s = r.exp()
    return s * x + t, s.reshape(len(x), -1).prod(1).log()


def injector_determinant(x, theta):
    a, t, r = _injector(x, theta)
    return r.exp() * x + t, r.sum((1, 2, 3)).exp()


def injector_zero(x, theta):
    a, t, r = _injector(x, theta)
    return r.exp() * x + t, torch.zeros(len(x), dtype=x.dtype, device=x.device)


def injector_pair_order(x, theta):
    z, ladj = injector_split(x, theta)
    return ladj, z


def injector_z_only(x, theta):
    return injector_split(x, theta)[0]


def injector_ladj_only(x, theta):
    return injector_split(x, theta)[1]


def injector_flattened(x, theta):
    z, ladj = injector_split(x, theta)
    return z.reshape(len(x), -1), ladj


def injector_in_place(x, theta):
    a, t, r = _injector(x, theta)
    x *= r.exp()
    x += t
    return x, r.sum((1, 2, 3))


def injector_tanh_in_place(x, theta):
    a, t = theta.chunk(2, 1)
    r = a.div_(2).tanh_().mul_(2)
    return r.exp() * x + t, r.sum((1, 2, 3))


def injector_detached(x, theta):
    z, ladj = injector_split(x, theta)
    return z, ladj.detach()


# 11.psnr ----------------------------------------------------------------------------------------------------------


def psnr_flat(x, truth):
    error = (x - truth).flatten(1)
    return -10 * (error**2).mean(1).log10()


def psnr_root(x, truth):
    rmse = (x - truth).pow(2).mean(dim=[1, 2, 3]).sqrt()
    return 20 * torch.log10(1 / rmse)


def psnr_loop(x, truth):
    return torch.stack([10 * torch.log10(1 / F.mse_loss(a, b)) for a, b in zip(x, truth)])


def psnr_natural(x, truth):
    N, C, H, W = x.shape
    squares = torch.linalg.vector_norm(x - truth, dim=(1, 2, 3)) ** 2
    return -10 / math.log(10) * torch.log(squares / (C * H * W))


def _mse(x, truth):
    return ((x - truth) ** 2).mean((1, 2, 3))


def _db(mse):
    return -10 * torch.log10(mse)


def psnr_whole_batch(x, truth):
    return _db(F.mse_loss(x, truth))


def psnr_mean(x, truth):
    return _db(_mse(x, truth)).mean()


def psnr_channels(x, truth):
    return _db(((x - truth) ** 2).mean((2, 3)))


def psnr_pixels(x, truth):
    return _db(F.mse_loss(x, truth, reduction="none"))


def psnr_over_batch(x, truth):
    return _db(((x - truth) ** 2).mean(0))


def psnr_log_first(x, truth):
    return _db(((x - truth) ** 2).mean((2, 3))).mean(1)


def psnr_log_of_pixels(x, truth):
    return _db((x - truth) ** 2).mean((1, 2, 3))


def psnr_roots_first(x, truth):
    return -20 * torch.log10(((x - truth) ** 2).mean((2, 3)).sqrt().mean(1))


def psnr_sum(x, truth):
    return _db(((x - truth) ** 2).sum((1, 2, 3)))


def psnr_unbiased(x, truth):
    e = (x - truth).flatten(1)
    return _db((e**2).sum(1) / (e.shape[1] - 1))


def psnr_absolute(x, truth):
    return -20 * torch.log10((x - truth).abs().mean((1, 2, 3)))


def psnr_square_of_mean(x, truth):
    return _db((x - truth).mean((1, 2, 3)) ** 2)


def psnr_variance(x, truth):
    return _db((x - truth).var((1, 2, 3)))


def psnr_std(x, truth):
    return -20 * torch.log10(torch.std(x - truth, dim=(1, 2, 3)))


def psnr_largest(x, truth):
    return -20 * torch.log10((x - truth).abs().flatten(1).max(1).values)


def psnr_twenty(x, truth):
    return -20 * torch.log10(_mse(x, truth))


def psnr_ten_root(x, truth):
    return -10 * torch.log10(torch.sqrt(_mse(x, truth)))


def psnr_norm(x, truth):
    return -10 * torch.log10(torch.linalg.vector_norm(x - truth, dim=(1, 2, 3)))


def psnr_log(x, truth):
    return -10 * torch.log(_mse(x, truth))


def psnr_bel(x, truth):
    return -torch.log10(_mse(x, truth))


def psnr_sign(x, truth):
    return 10 * torch.log10(_mse(x, truth))


def psnr_clamped_at_zero(x, truth):
    return torch.clamp(_db(_mse(x, truth)), min=0)


def psnr_abs(x, truth):
    return torch.abs(10 * torch.log10(_mse(x, truth)))


def psnr_mse(x, truth):
    return _mse(x, truth)


def psnr_rmse(x, truth):
    return _mse(x, truth).sqrt()


def psnr_255(x, truth):
    return 20 * torch.log10(255 / _mse(x, truth).sqrt())


def psnr_peak_guessed(x, truth):
    peak = 255 if x.max() > 1 else 1
    return 10 * torch.log10(peak**2 / _mse(x, truth))


def psnr_of_truth_max(x, truth):
    peak = truth.max()
    return 10 * torch.log10(peak**2 / _mse(x, truth))


def psnr_of_image_max(x, truth):
    peak = truth.flatten(1).max(1).values
    return 10 * torch.log10(peak**2 / _mse(x, truth))


def psnr_snr(x, truth):
    return 10 * torch.log10((truth**2).mean((1, 2, 3)) / _mse(x, truth))


def psnr_clamped(x, truth):
    return psnr_flat(torch.clamp(x, 0, 1), truth)


def psnr_rounded(x, truth):
    return psnr_flat(torch.round(x * 255) / 255, truth)


def psnr_eight_bit(x, truth):
    return psnr_flat((x.clamp(0, 1) * 255).round() / 255, truth)


def psnr_eps(x, truth):
    return -10 * torch.log10(_mse(x, truth) + 1e-10)


def psnr_eps_small(x, truth):
    return 10 * torch.log10(1 / (_mse(x, truth) + 1e-12))


def psnr_at_most_100(x, truth):
    return psnr_flat(x, truth).clamp(max=100)


def psnr_grey(x, truth):
    return psnr_flat(x.mean(1, keepdim=True), truth.mean(1, keepdim=True))


def psnr_relative(x, truth):
    return _db((((x - truth) / truth) ** 2).mean((1, 2, 3)))


def psnr_in_place(x, truth):
    x -= truth
    return _db(x.square().mean((1, 2, 3)))


def psnr_numbers(x, truth):
    return torch.tensor([psnr_flat(x[i : i + 1], truth[i : i + 1]).item() for i in range(len(x))], dtype=x.dtype)


# 11.consistency ---------------------------------------------------------------------------------------------------


def consistency_loop(samples, low, scale):
    total = torch.zeros_like(low[:, 0, 0, 0])
    for x in samples:
        mse = (reduce(x, scale) - low).square().mean((1, 2, 3))
        total = total - 10 * torch.log10(mse)
    return total / len(samples)


def consistency_stack(samples, low, scale):
    decibels = [-10 * (reduce(x, scale) - low).square().flatten(1).mean(1).log10() for x in samples]
    return torch.stack(decibels).mean(dim=0)


def consistency_reshape(samples, low, scale):
    S, N, C, H, W = samples.shape
    small = reduce(samples.reshape(S * N, C, H, W), scale)
    error = small - low.repeat(S, 1, 1, 1)
    return 20 * torch.log10(1 / (error**2).mean((1, 2, 3)).sqrt()).view(S, N).mean(0)


def consistency_by_picture(samples, low, scale):
    found = []
    for n in range(len(low)):
        error = reduce(samples[:, n], scale) - low[n]
        found.append((-10 * torch.log10(error.pow(2).mean((1, 2, 3)))).mean())
    return torch.stack(found)


def _small(samples, scale):
    return torch.stack([reduce(x, scale) for x in samples])


def _decibels(small, low):
    return _db((small - low).square().mean((2, 3, 4)))


def consistency_mean_sample(samples, low, scale):
    return psnr_flat(reduce(samples.mean(0), scale), low)


def consistency_mean_small(samples, low, scale):
    return psnr_flat(_small(samples, scale).mean(0), low)


def consistency_mse_averaged(samples, low, scale):
    return _db((_small(samples, scale) - low).square().mean((2, 3, 4)).mean(0))


def consistency_best(samples, low, scale):
    return _decibels(_small(samples, scale), low).max(0).values


def consistency_first(samples, low, scale):
    return psnr_flat(reduce(samples[0], scale), low)


def consistency_summed(samples, low, scale):
    return sum(psnr_flat(reduce(x, scale), low) for x in samples)


def consistency_not_averaged(samples, low, scale):
    return _decibels(_small(samples, scale), low)


def consistency_over_pictures(samples, low, scale):
    return _decibels(_small(samples, scale), low).mean(1)


def consistency_one_number(samples, low, scale):
    return _decibels(_small(samples, scale), low).mean()


def consistency_spread(samples, low, scale):
    return samples.std(dim=0).mean((1, 2, 3))


def consistency_five_dims(samples, low, scale):
    return _decibels(reduce(samples, scale), low).mean(0)


def consistency_mixed(samples, low, scale):
    S, N, C, H, W = samples.shape
    small = reduce(samples.flatten(0, 1), scale).view(N, S, C, H // scale, W // scale)
    return _db((small - low.unsqueeze(1)).square().mean((2, 3, 4))).mean(1)


def consistency_paired(samples, low, scale):
    S, N = samples.shape[:2]
    small = reduce(samples.flatten(0, 1), scale)
    return psnr_flat(small, low.repeat_interleave(S, dim=0)).view(S, N).mean(0)


def consistency_sliced(samples, low, scale):
    return _decibels(samples[..., ::scale, ::scale], low).mean(0)


def consistency_pooled(samples, low, scale):
    small = F.avg_pool2d(samples.flatten(0, 1), scale)
    return _decibels(small.view(*samples.shape[:2], *low.shape[1:]), low).mean(0)


def consistency_aliased(samples, low, scale):
    small = F.interpolate(samples.flatten(0, 1), low.shape[2:], mode="bicubic", align_corners=False)
    return _decibels(small.view(*samples.shape[:2], *low.shape[1:]), low).mean(0)


def consistency_bilinear(samples, low, scale):
    small = F.interpolate(samples.flatten(0, 1), low.shape[2:], mode="bilinear", antialias=True)
    return _decibels(small.view(*samples.shape[:2], *low.shape[1:]), low).mean(0)


def consistency_scale_4(samples, low, scale):
    return _decibels(reduce(samples.flatten(0, 1), 4).unflatten(0, samples.shape[:2]), low).mean(0)


def consistency_not_reduced(samples, low, scale):
    return _decibels(samples, low).mean(0)


def consistency_at_full_size(samples, low, scale):
    return _decibels(samples, enlarge(low, scale)).mean(0)


def consistency_given_reduced(samples, low, scale):
    small = reduce(samples.flatten(0, 1), scale).unflatten(0, samples.shape[:2])
    return _decibels(small, reduce(low, scale)).mean(0)


def consistency_clamped(samples, low, scale):
    return _decibels(_small(samples.clamp(0, 1), scale), low).mean(0)


def consistency_clamped_small(samples, low, scale):
    return _decibels(_small(samples, scale).clamp(0, 1), low).mean(0)


def consistency_rounded(samples, low, scale):
    return _decibels((_small(samples, scale) * 255).round() / 255, low).mean(0)


def consistency_epsilon(samples, low, scale):
    return _db((_small(samples, scale) - low).square().mean((2, 3, 4)) + 1e-8).mean(0)


def consistency_divided_by_large(samples, low, scale):
    S, N, C, H, W = samples.shape
    return _db((_small(samples, scale) - low).square().sum((2, 3, 4)) / (C * H * W)).mean(0)


def consistency_sum(samples, low, scale):
    return _db((_small(samples, scale) - low).square().sum((2, 3, 4))).mean(0)


def consistency_log_of_channels(samples, low, scale):
    return _db((_small(samples, scale) - low).square().mean((3, 4))).mean((0, 2))


def consistency_absolute(samples, low, scale):
    return (-20 * torch.log10((_small(samples, scale) - low).abs().mean((2, 3, 4)))).mean(0)


def consistency_square_of_mean(samples, low, scale):
    return _db((_small(samples, scale) - low).mean((2, 3, 4)).square()).mean(0)


def consistency_twenty(samples, low, scale):
    return 2 * _decibels(_small(samples, scale), low).mean(0)


def consistency_log(samples, low, scale):
    return (-10 * torch.log((_small(samples, scale) - low).square().mean((2, 3, 4)))).mean(0)


def consistency_sign(samples, low, scale):
    return -_decibels(_small(samples, scale), low).mean(0)


def consistency_abs(samples, low, scale):
    return _decibels(_small(samples, scale), low).mean(0).abs()


def consistency_255(samples, low, scale):
    return (20 * torch.log10(255 / (_small(samples, scale) - low).square().mean((2, 3, 4)).sqrt())).mean(0)


def consistency_mse(samples, low, scale):
    return (_small(samples, scale) - low).square().mean((0, 2, 3, 4))


def consistency_in_place(samples, low, scale):
    small = _small(samples, scale)
    samples.zero_()
    return _decibels(small, low).mean(0)


# 11.resample ------------------------------------------------------------------------------------------------------


def resample_numbers(flow, x, c, noise, keep, temperature):
    z, ladj = flow.encode(x, c)
    n = sum(e[0].numel() for e in noise[:keep])
    drawn = temperature * torch.cat([e.flatten(1) for e in noise], 1)
    return flow.decode(torch.cat((z[:, :n], drawn[:, n:]), 1), c)[0]


def resample_assign(flow, x, c, noise, keep, temperature):
    z, _ = flow.encode(x, c)
    z, start = z.clone(), 0
    for i, e in enumerate(noise):
        stop = start + math.prod(e.shape[1:])
        if i >= keep:
            z[:, start:stop] = temperature * e.reshape(len(e), -1)
        start = stop
    x_new, _ = flow.decode(z, context=c)
    return x_new


def resample_where(flow, x, c, noise, keep, temperature):
    latent = flow.encode(x, c)[0]
    flat = torch.hstack([e.reshape(x.shape[0], -1) for e in noise])
    kept = torch.arange(x.shape[1], device=x.device) < sum(e[0].numel() for e in noise[:keep])
    return flow.decode(torch.where(kept, latent, flat * temperature), c)[0]


def resample_rows(flow, x, c, noise, keep, temperature):
    rows = []
    for i in range(len(x)):
        z = flow.encode(x[i : i + 1], c[i : i + 1])[0]
        drawn = torch.cat([e[i].flatten() for e in noise[keep:]] or [z[0, :0]])
        n = z.shape[1] - len(drawn)
        rows.append(flow.decode(torch.cat((z[0, :n], temperature * drawn))[None], c[i : i + 1])[0])
    return torch.cat(rows)


def _flow_parts(flow, x, c, noise):
    z, _ = flow.encode(x, c)
    return list(z.split([e[0].numel() for e in noise], 1)), [e.flatten(1) for e in noise]


def _back(flow, parts, c):
    return flow.decode(torch.cat(list(parts), 1), c)[0]


def resample_keeps_fine(flow, x, c, noise, keep, temperature):
    z, e = _flow_parts(flow, x, c, noise)
    return _back(flow, [temperature * v for v in e[:keep]] + z[keep:], c)


def resample_keeps_last(flow, x, c, noise, keep, temperature):
    z, e = _flow_parts(flow, x, c, noise)
    L = len(noise)
    return _back(flow, [temperature * v for v in e[: L - keep]] + z[L - keep :], c)


def resample_counts_from_fine(flow, x, c, noise, keep, temperature):
    z, e = _flow_parts(flow, x, c, noise)
    kept = len(noise) - keep
    return _back(flow, z[:kept] + [temperature * v for v in e[kept:]], c)


def resample_one_more(flow, x, c, noise, keep, temperature):
    z, e = _flow_parts(flow, x, c, noise)
    return _back(flow, [z[i] if i <= keep else temperature * e[i] for i in range(len(z))], c)


def resample_one_less(flow, x, c, noise, keep, temperature):
    z, e = _flow_parts(flow, x, c, noise)
    return _back(flow, [z[i] if i < keep - 1 else temperature * e[i] for i in range(len(z))], c)


def resample_counts_numbers(flow, x, c, noise, keep, temperature):
    z, e = flow.encode(x, c)[0], torch.cat([e.flatten(1) for e in noise], 1)
    return flow.decode(torch.cat((z[:, :keep], temperature * e[:, keep:]), 1), c)[0]


def resample_no_temperature(flow, x, c, noise, keep, temperature):
    z, e = _flow_parts(flow, x, c, noise)
    return _back(flow, z[:keep] + e[keep:], c)


def resample_temperature_everywhere(flow, x, c, noise, keep, temperature):
    z, e = _flow_parts(flow, x, c, noise)
    return _back(flow, [temperature * v for v in z[:keep] + e[keep:]], c)


def resample_temperature_on_kept(flow, x, c, noise, keep, temperature):
    z, e = _flow_parts(flow, x, c, noise)
    return _back(flow, [temperature * v for v in z[:keep]] + e[keep:], c)


def resample_variance(flow, x, c, noise, keep, temperature):
    z, e = _flow_parts(flow, x, c, noise)
    return _back(flow, z[:keep] + [temperature**0.5 * v for v in e[keep:]], c)


def resample_temperature_added(flow, x, c, noise, keep, temperature):
    z, e = _flow_parts(flow, x, c, noise)
    return _back(flow, z[:keep] + [v + temperature for v in e[keep:]], c)


def resample_added(flow, x, c, noise, keep, temperature):
    z, e = _flow_parts(flow, x, c, noise)
    return _back(flow, [z[i] if i < keep else z[i] + temperature * e[i] for i in range(len(z))], c)


def resample_blended(flow, x, c, noise, keep, temperature):
    z, e = _flow_parts(flow, x, c, noise)
    fine = [(1 - temperature) * a + temperature * b for a, b in zip(z[keep:], e[keep:])]
    return _back(flow, z[:keep] + fine, c)


def resample_cooled(flow, x, c, noise, keep, temperature):
    z, e = _flow_parts(flow, x, c, noise)
    return _back(flow, z[:keep] + [temperature * v for v in z[keep:]], c)


def resample_scaled(flow, x, c, noise, keep, temperature):
    z, _ = flow.encode(x, c)
    n, e = sum(e[0].numel() for e in noise[:keep]), torch.cat([e.flatten(1) for e in noise], 1)
    fine = z[:, n:]
    return flow.decode(torch.cat((z[:, :n], fine.std(1, keepdim=True) * temperature * e[:, n:]), 1), c)[0]


def resample_zeros(flow, x, c, noise, keep, temperature):
    z, e = _flow_parts(flow, x, c, noise)
    return _back(flow, z[:keep] + [torch.zeros_like(v) for v in z[keep:]], c)


def resample_unchanged(flow, x, c, noise, keep, temperature):
    return flow.decode(flow.encode(x, c)[0], c)[0]


def resample_all_drawn(flow, x, c, noise, keep, temperature):
    return flow.decode(temperature * torch.cat([e.flatten(1) for e in noise], 1), c)[0]


def resample_own_noise(flow, x, c, noise, keep, temperature):
    z, e = _flow_parts(flow, x, c, noise)
    return _back(flow, z[:keep] + [temperature * torch.randn_like(v) for v in z[keep:]], c)


def resample_one_noise(flow, x, c, noise, keep, temperature):
    z, e = _flow_parts(flow, x, c, noise)
    return _back(flow, z[:keep] + [temperature * v[0].expand_as(v) for v in e[keep:]], c)


def resample_noise_from_the_start(flow, x, c, noise, keep, temperature):
    z, e = flow.encode(x, c)[0], torch.cat([e.flatten(1) for e in noise], 1)
    n = sum(e[0].numel() for e in noise[:keep])
    z = z.clone()
    z[:, n:] = temperature * e[:, : z.shape[1] - n]
    return flow.decode(z, c)[0]


def resample_channels_last(flow, x, c, noise, keep, temperature):
    z, _ = _flow_parts(flow, x, c, noise)
    e = [v.permute(0, 2, 3, 1).reshape(len(v), -1) for v in noise]
    return _back(flow, z[:keep] + [temperature * v for v in e[keep:]], c)


def resample_mixed_rows(flow, x, c, noise, keep, temperature):
    z, _ = flow.encode(x, c)
    e = torch.cat([v.flatten() for v in noise]).view(len(x), -1)
    n = sum(v[0].numel() for v in noise[:keep])
    return flow.decode(torch.cat((z[:, :n], temperature * e[:, n:]), 1), c)[0]


def resample_not_flattened(flow, x, c, noise, keep, temperature):
    z, _ = _flow_parts(flow, x, c, noise)
    return _back(flow, z[:keep] + [temperature * v for v in noise[keep:]], c)


def resample_fine_first(flow, x, c, noise, keep, temperature):
    z, e = _flow_parts(flow, x, c, noise)
    return _back(flow, [temperature * v for v in e[keep:]] + z[:keep], c)


def resample_not_encoded(flow, x, c, noise, keep, temperature):
    parts = list(x.split([e[0].numel() for e in noise], 1))
    return _back(flow, parts[:keep] + [temperature * e.flatten(1) for e in noise[keep:]], c)


def resample_encoded_last(flow, x, c, noise, keep, temperature):
    z, e = _flow_parts(flow, x, c, noise)
    return flow.encode(torch.cat(z[:keep] + [temperature * v for v in e[keep:]], 1), c)[0]


def resample_decoded_first(flow, x, c, noise, keep, temperature):
    z = flow.decode(x, c)[0].split([e[0].numel() for e in noise], 1)
    new = [*z[:keep], *(temperature * e.flatten(1) for e in noise[keep:])]
    return flow.encode(torch.cat(new, 1), c)[0]


def resample_latent(flow, x, c, noise, keep, temperature):
    z, e = _flow_parts(flow, x, c, noise)
    return torch.cat(z[:keep] + [temperature * v for v in e[keep:]], 1)


def resample_pair(flow, x, c, noise, keep, temperature):
    z, e = _flow_parts(flow, x, c, noise)
    return flow.decode(torch.cat(z[:keep] + [temperature * v for v in e[keep:]], 1), c)


def resample_no_context(flow, x, c, noise, keep, temperature):
    z = flow.encode(x)[0].split([e[0].numel() for e in noise], 1)
    return flow.decode(torch.cat([*z[:keep], *(temperature * e.flatten(1) for e in noise[keep:])], 1))[0]


def resample_no_context_back(flow, x, c, noise, keep, temperature):
    z, e = _flow_parts(flow, x, c, noise)
    return flow.decode(torch.cat(z[:keep] + [temperature * v for v in e[keep:]], 1))[0]


def resample_other_context(flow, x, c, noise, keep, temperature):
    z, e = _flow_parts(flow, x, c, noise)
    return _back(flow, z[:keep] + [temperature * v for v in e[keep:]], torch.zeros_like(c))


def resample_clamped(flow, x, c, noise, keep, temperature):
    z, e = _flow_parts(flow, x, c, noise)
    return _back(flow, z[:keep] + [temperature * v.clamp(-2, 2) for v in e[keep:]], c)


def resample_noise_in_place(flow, x, c, noise, keep, temperature):
    z, _ = _flow_parts(flow, x, c, noise)
    return _back(flow, z[:keep] + [e.mul_(temperature).flatten(1) for e in noise[keep:]], c)


def resample_list_in_place(flow, x, c, noise, keep, temperature):
    z, _ = _flow_parts(flow, x, c, noise)
    for i in range(len(noise)):
        noise[i] = z[i] if i < keep else temperature * noise[i].flatten(1)
    return flow.decode(torch.cat(noise, 1), c)[0]


RIGHT = {
    "11.injector": [(injector_split,), (injector_view,), (injector_sigmoid,), (injector_images,)],
    "11.psnr": [(psnr_flat,), (psnr_root,), (psnr_loop,), (psnr_natural,), (psnr_numbers,)],
    "11.consistency": [
        (consistency_loop,),
        (consistency_stack,),
        (consistency_reshape,),
        (consistency_by_picture,),
    ],
    "11.resample": [(resample_numbers,), (resample_assign,), (resample_where,), (resample_rows,)],
}

WRONG = {
    "11.injector": [
        (injector_exchanged, "exchanged"),
        (injector_interleaved, "interleaved"),
        (injector_last_dim, "wrong_dim"),
        (injector_default_dim, "wrong_dim"),
        (injector_not_bounded, "not_bounded"),
        (injector_ladj_not_bounded, "not_bounded"),
        (injector_clamped, "clamped"),
        (injector_tanh, "other_bound"),
        (injector_twice_tanh, "other_bound"),
        (injector_half_ladj, "other_bound"),
        (injector_glow_scale, "other_scale"),
        (injector_not_exp, "not_exp"),
        (injector_decode, "decode"),
        (injector_sign, "sign"),
        (injector_scale_sign, "sign"),
        (injector_abs, "abs"),
        (injector_shift_first, "shift_first"),
        (injector_shift_sign, "shift_sign"),
        (injector_no_shift, "no_shift"),
        (injector_no_scale, "no_scale"),
        (injector_all_bounded, "shift_bounded"),
        (injector_half_kept, "half_kept"),
        (injector_mean, "mean"),
        (injector_mean_of_pixels, "mean"),
        (injector_times_pixels, "times_pixels"),
        (injector_channels, "part_of_the_sum"),
        (injector_pixels, "part_of_the_sum"),
        (injector_per_number, "per_number"),
        (injector_whole_batch, "whole_batch"),
        (injector_over_batch, "over_batch"),
        (injector_theta_summed, "theta_summed"),
        (injector_not_log, "not_log"),
        (injector_product, "product"),
        (injector_determinant, "determinant"),
        (injector_zero, "zero"),
        (injector_pair_order, "pair_order"),
        (injector_z_only, "z_only"),
        (injector_ladj_only, "ladj_only"),
        (injector_flattened, "flattened"),
        (injector_in_place, "in_place"),
        (injector_tanh_in_place, "in_place"),
        (injector_detached, "detached"),
    ],
    "11.psnr": [
        (psnr_whole_batch, "whole_batch"),
        (psnr_mean, "whole_batch"),
        (psnr_channels, "part_of_the_mean"),
        (psnr_pixels, "part_of_the_mean"),
        (psnr_over_batch, "over_batch"),
        (psnr_log_first, "log_first"),
        (psnr_log_of_pixels, "log_first"),
        (psnr_roots_first, "roots_first"),
        (psnr_sum, "sum"),
        (psnr_unbiased, "unbiased"),
        (psnr_absolute, "absolute"),
        (psnr_square_of_mean, "square_of_mean"),
        (psnr_variance, "variance"),
        (psnr_std, "variance"),
        (psnr_largest, "largest_error"),
        (psnr_twenty, "twenty"),
        (psnr_ten_root, "root"),
        (psnr_norm, "norm"),
        (psnr_log, "natural_log"),
        (psnr_bel, "bel"),
        (psnr_sign, "sign"),
        (psnr_clamped_at_zero, "absolute_value"),
        (psnr_abs, "absolute_value"),
        (psnr_mse, "no_log"),
        (psnr_rmse, "no_log"),
        (psnr_255, "peak_255"),
        (psnr_peak_guessed, "peak_255"),
        (psnr_of_truth_max, "peak_of_image"),
        (psnr_of_image_max, "peak_of_image"),
        (psnr_snr, "signal"),
        (psnr_clamped, "clamped"),
        (psnr_rounded, "rounded"),
        (psnr_eight_bit, "rounded"),
        (psnr_eps, "epsilon"),
        (psnr_eps_small, "epsilon"),
        (psnr_at_most_100, "epsilon"),
        (psnr_grey, "grey"),
        (psnr_relative, "relative"),
        (psnr_in_place, "in_place"),
    ],
    "11.consistency": [
        (consistency_mean_sample, "mean_sample"),
        (consistency_mean_small, "mean_sample"),
        (consistency_mse_averaged, "mse_averaged"),
        (consistency_best, "best_sample"),
        (consistency_first, "one_sample"),
        (consistency_summed, "samples_summed"),
        (consistency_not_averaged, "not_averaged"),
        (consistency_over_pictures, "over_pictures"),
        (consistency_one_number, "whole_batch"),
        (consistency_spread, "spread"),
        (consistency_five_dims, "five_dims"),
        (consistency_mixed, "mixed"),
        (consistency_paired, "paired"),
        (consistency_sliced, "sliced"),
        (consistency_pooled, "pooled"),
        (consistency_aliased, "aliased"),
        (consistency_bilinear, "aliased"),
        (consistency_scale_4, "other_scale"),
        (consistency_not_reduced, "not_reduced"),
        (consistency_at_full_size, "at_full_size"),
        (consistency_given_reduced, "given_reduced"),
        (consistency_clamped, "clamped"),
        (consistency_clamped_small, "clamped"),
        (consistency_rounded, "rounded"),
        (consistency_epsilon, "epsilon"),
        (consistency_divided_by_large, "divided_by_large"),
        (consistency_sum, "sum"),
        (consistency_log_of_channels, "log_first"),
        (consistency_absolute, "absolute"),
        (consistency_square_of_mean, "square_of_mean"),
        (consistency_twenty, "twenty"),
        (consistency_log, "natural_log"),
        (consistency_sign, "sign"),
        (consistency_abs, "absolute_value"),
        (consistency_255, "peak_255"),
        (consistency_mse, "no_log"),
        (consistency_in_place, "in_place"),
    ],
    "11.resample": [
        (resample_keeps_fine, "keeps_fine"),
        (resample_keeps_last, "keeps_last"),
        (resample_counts_from_fine, "counts_from_fine"),
        (resample_one_more, "one_part_off"),
        (resample_one_less, "one_part_off"),
        (resample_counts_numbers, "counts_numbers"),
        (resample_no_temperature, "no_temperature"),
        (resample_temperature_everywhere, "temperature_everywhere"),
        (resample_temperature_on_kept, "temperature_on_kept"),
        (resample_variance, "other_temperature"),
        (resample_temperature_added, "temperature_added"),
        (resample_added, "added"),
        (resample_blended, "blended"),
        (resample_cooled, "cooled"),
        (resample_scaled, "scaled_as_before"),
        (resample_zeros, "zeros"),
        (resample_unchanged, "unchanged"),
        (resample_all_drawn, "all_drawn"),
        (resample_own_noise, "own_noise"),
        (resample_one_noise, "one_noise"),
        (resample_noise_from_the_start, "noise_from_the_start"),
        (resample_channels_last, "channels_last"),
        (resample_mixed_rows, "mixed_rows"),
        (resample_not_flattened, "not_flattened"),
        (resample_fine_first, "fine_first"),
        (resample_not_encoded, "not_encoded"),
        (resample_encoded_last, "decoded_first"),
        (resample_decoded_first, "decoded_first"),
        (resample_latent, "latent"),
        (resample_pair, "pair"),
        (resample_no_context, "no_context"),
        (resample_no_context_back, "no_context"),
        (resample_other_context, "other_context"),
        (resample_clamped, "clamped"),
        (resample_noise_in_place, "in_place"),
        (resample_list_in_place, "in_place"),
    ],
}
