"""Answers to chapter 5's exercises, as learners write them: right ones, and wrong ones with the mistake they make."""

import math

import numpy as np
import torch
import torch.nn.functional as F

# 05.bits ----------------------------------------------------------------------------------------------------------


def bits_by_width(log_density, shape, bins, low, high):
    C, H, W = shape
    D = C * H * W
    width = (high - low) / bins
    return -(log_density / D + math.log(width)) / math.log(2)


def bits_with_log2(log_density, shape, bins, low, high):
    D = np.prod(shape).item()
    return -log_density / (D * math.log(2)) + math.log2(bins / (high - low))


def bits_rescaled(log_density, shape, bins, low, high):
    """To a density over grey levels first."""
    D = torch.Size(shape).numel()
    log_density = log_density - D * math.log(bins / (high - low))
    return -log_density / math.log(2) / D


def bits_loop(log_density, shape, bins, low, high):
    D = shape[0] * shape[1] * shape[2]
    return torch.stack([-(p + D * math.log((high - low) / bins)) / D / math.log(2) for p in log_density])


def bits_no_constant(log_density, shape, bins, low, high):
    return -log_density / (math.prod(shape) * math.log(2))


def bits_interval_only(log_density, shape, bins, low, high):
    D = math.prod(shape)
    return -(log_density + D * math.log(high - low)) / (D * math.log(2))


def bits_sign_of_constant(log_density, shape, bins, low, high):
    D = math.prod(shape)
    return -(log_density + D * math.log(bins / (high - low))) / (D * math.log(2))


def bits_steps(log_density, shape, bins, low, high):
    D = math.prod(shape)
    return -(log_density + D * math.log((high - low) / (bins - 1))) / (D * math.log(2))


def bits_unit_interval(log_density, shape, bins, low, high):
    return -log_density / (math.prod(shape) * math.log(2)) + math.log2(bins)


def bits_from_zero(log_density, shape, bins, low, high):
    return bits_by_width(log_density, shape, bins, 0, high)


def bits_times_bins(log_density, shape, bins, low, high):
    D = math.prod(shape)
    return -(log_density - D * math.log((high - low) * bins)) / (D * math.log(2))


def bits_constant_once(log_density, shape, bins, low, high):
    D = math.prod(shape)
    return -(log_density + math.log((high - low) / bins)) / (D * math.log(2))


def bits_always_256(log_density, shape, bins, low, high):
    return bits_by_width(log_density, shape, 256, low, high)


def bits_nats(log_density, shape, bins, low, high):
    D = math.prod(shape)
    return -(log_density + D * math.log((high - low) / bins)) / D


def bits_times_log_2(log_density, shape, bins, low, high):
    return bits_nats(log_density, shape, bins, low, high) * math.log(2)


def bits_mixed(log_density, shape, bins, low, high):
    return -log_density / math.prod(shape) - math.log2((high - low) / bins)


def bits_per_image(log_density, shape, bins, low, high):
    return bits_by_width(log_density, shape, bins, low, high) * math.prod(shape)


def bits_negative(log_density, shape, bins, low, high):
    return -bits_by_width(log_density, shape, bins, low, high)


def bits_no_channels(log_density, shape, bins, low, high):
    _, H, W = shape
    return bits_by_width(log_density, (1, H, W), bins, low, high)


def bits_summed_shape(log_density, shape, bins, low, high):
    return bits_by_width(log_density, (sum(shape), 1, 1), bins, low, high)


def bits_channels_as_divisor(log_density, shape, bins, low, high):
    D = math.prod(shape)
    return -(log_density + D * math.log((high - low) / bins)) / (shape[0] * math.log(2))


def bits_mean(log_density, shape, bins, low, high):
    return bits_by_width(log_density, shape, bins, low, high).mean()


def bits_item(log_density, shape, bins, low, high):
    return torch.tensor(
        [bits_by_width(p.item(), shape, bins, low, high) for p in log_density],
        dtype=log_density.dtype,
        device=log_density.device,
    )


# 05.bound ---------------------------------------------------------------------------------------------------------


def bound_loop(x, u, bins, density):
    total = 0
    for noise in u:
        total = total + density.log_prob((x + noise) / bins)
    return total / len(u) - x.shape[1] * math.log(bins)


def bound_stack(x, u, bins, density):
    log_p = torch.stack([density.log_prob((x + u[s]) / bins) for s in range(u.shape[0])])
    return torch.mean(log_p - x.size(-1) * np.log(bins).item(), dim=0)


def bound_reshape(x, u, bins, density):
    S, N, D = u.shape
    v = (x[None] + u).reshape(S * N, D) / bins
    return density.log_prob(v).reshape(S, N).sum(0) / S - D * math.log(bins)


def bound_expand(x, u, bins, density):
    S = len(u)
    repeated = x.repeat(S, 1) + u.flatten(0, 1)
    ladj = torch.full_like(repeated, 1 / bins).log().sum(1)
    return (density.log_prob(repeated / bins) + ladj).view(S, len(x)).mean(0)


def bound_rows(x, u, bins, density):
    rows = []
    for n in range(len(x)):
        v = (x[n] + u[:, n]) / bins
        rows.append(density.log_prob(v).mean() - x.shape[1] * math.log(bins))
    return torch.stack(rows)


def bound_no_constant(x, u, bins, density):
    return torch.stack([density.log_prob((x + noise) / bins) for noise in u]).mean(0)


def bound_sign(x, u, bins, density):
    return bound_no_constant(x, u, bins, density) + x.shape[1] * math.log(bins)


def bound_constant_once(x, u, bins, density):
    return bound_no_constant(x, u, bins, density) - math.log(bins)


def bound_steps(x, u, bins, density):
    return bound_loop(x, u, bins - 1, density)


def bound_steps_in_scale(x, u, bins, density):
    return bound_no_constant(x, u, bins - 1, density) - x.shape[1] * math.log(bins)


def bound_steps_in_constant(x, u, bins, density):
    return bound_no_constant(x, u, bins, density) - x.shape[1] * math.log(bins - 1)


def bound_noise_after(x, u, bins, density):
    log_p = torch.stack([density.log_prob(x / bins + noise) for noise in u])
    return log_p.mean(0) - x.shape[1] * math.log(bins)


def bound_noise_after_steps(x, u, bins, density):
    log_p = torch.stack([density.log_prob(x / (bins - 1) + noise) for noise in u])
    return log_p.mean(0) - x.shape[1] * math.log(bins)


def bound_not_scaled(x, u, bins, density):
    log_p = torch.stack([density.log_prob(x + noise) for noise in u])
    return log_p.mean(0) - x.shape[1] * math.log(bins)


def bound_grey_levels(x, u, bins, density):
    return torch.stack([density.log_prob(x + noise) for noise in u]).mean(0)


def bound_centred(x, u, bins, density):
    return bound_loop(x, u - 0.5, bins, density)


def bound_half(x, u, bins, density):
    return bound_loop(x, 0.5 * u, bins, density)


def bound_no_noise(x, u, bins, density):
    return bound_loop(x, torch.zeros_like(u), bins, density)


def bound_minus_noise(x, u, bins, density):
    return bound_loop(x, -u, bins, density)


def bound_mean_of_the_noise(x, u, bins, density):
    return bound_loop(x, u.mean(0, keepdim=True), bins, density)


def bound_first_draw(x, u, bins, density):
    return bound_loop(x, u[:1], bins, density)


def bound_log_mean_exp(x, u, bins, density):
    log_p = torch.stack([density.log_prob((x + noise) / bins) for noise in u])
    return torch.logsumexp(log_p, 0) - math.log(len(u)) - x.shape[1] * math.log(bins)


def bound_summed(x, u, bins, density):
    return sum(density.log_prob((x + noise) / bins) for noise in u) - x.shape[1] * math.log(bins)


def bound_best_draw(x, u, bins, density):
    log_p = torch.stack([density.log_prob((x + noise) / bins) for noise in u])
    return log_p.amax(0) - x.shape[1] * math.log(bins)


def bound_over_images(x, u, bins, density):
    log_p = torch.stack([density.log_prob((x + noise) / bins) for noise in u])
    return log_p.mean(1) - x.shape[1] * math.log(bins)


def bound_batch_mean(x, u, bins, density):
    return bound_loop(x, u, bins, density).mean()


def bound_draws_kept(x, u, bins, density):
    log_p = torch.stack([density.log_prob((x + noise) / bins) for noise in u])
    return log_p - x.shape[1] * math.log(bins)


def bound_bits(x, u, bins, density):
    return -bound_loop(x, u, bins, density) / (x.shape[1] * math.log(2))


def bound_negative(x, u, bins, density):
    return x.shape[1] * math.log(bins) - bound_no_constant(x, u, bins, density)


def bound_no_grad(x, u, bins, density):
    with torch.no_grad():
        return bound_loop(x, u, bins, density)


def bound_noise_in_place(x, u, bins, density):
    u += x
    u /= bins
    log_p = torch.stack([density.log_prob(v) for v in u])
    return log_p.mean(0) - x.shape[1] * math.log(bins)


# 05.importance ----------------------------------------------------------------------------------------------------


def estimate_shifted(log_p, log_q):
    w = log_p - log_q
    top = w.max(0).values
    return w.mean(0), top + (w - top).exp().mean(0).log()


def estimate_mean_inside(log_p, log_q):
    K = log_p.shape[0]
    w = log_p - log_q
    return w.sum(0) / K, torch.logsumexp(w - math.log(K), dim=0)


def estimate_loop(log_p, log_q):
    bounds, estimates = [], []
    for n in range(log_p.shape[1]):
        w = log_p[:, n] - log_q[:, n]
        bounds.append(w.mean())
        estimates.append(torch.logsumexp(w, 0) - np.log(len(w)).item())
    return torch.stack(bounds), torch.stack(estimates)


def estimate_softplus(log_p, log_q):
    w = log_p - log_q
    total = w[0]
    for row in w[1:]:
        total = torch.logaddexp(total, row)
    return log_p.mean(0) - log_q.mean(0), total - math.log(len(w))


def estimate_no_log_q(log_p, log_q):
    return log_p.mean(0), torch.logsumexp(log_p, 0) - math.log(len(log_p))


def estimate_sign_of_log_q(log_p, log_q):
    return estimate_shifted(log_p, -log_q)


def estimate_no_log_k(log_p, log_q):
    w = log_p - log_q
    return w.mean(0), w.logsumexp(0)


def estimate_plus_log_k(log_p, log_q):
    w = log_p - log_q
    return w.mean(0), w.logsumexp(0) + math.log(len(w))


def estimate_over_k(log_p, log_q):
    w = log_p - log_q
    return w.mean(0), w.logsumexp(0) / len(w)


def estimate_log_n(log_p, log_q):
    w = log_p - log_q
    return w.mean(0), w.logsumexp(0) - math.log(w.size(1))


def estimate_underflow(log_p, log_q):
    w = log_p - log_q
    return w.mean(0), torch.log(torch.exp(w).mean(0))


def estimate_ratio(log_p, log_q):
    return (log_p - log_q).mean(0), torch.log((torch.exp(log_p) / torch.exp(log_q)).mean(0))


def estimate_same_twice(log_p, log_q):
    bound = (log_p - log_q).mean(0)
    return bound, bound


def estimate_best_draw(log_p, log_q):
    w = log_p - log_q
    return w.mean(0), w.amax(0)


def estimate_apart(log_p, log_q):
    K = math.log(len(log_p))
    return (log_p - log_q).mean(0), (log_p.logsumexp(0) - K) - (log_q.logsumexp(0) - K)


def estimate_pair_order(log_p, log_q):
    return estimate_shifted(log_p, log_q)[::-1]


def estimate_summed(log_p, log_q):
    w = log_p - log_q
    return w.sum(0), w.logsumexp(0) - math.log(len(w))


def estimate_over_images(log_p, log_q):
    return estimate_shifted(log_p.T, log_q.T)


def estimate_negative(log_p, log_q):
    bound, estimate = estimate_shifted(log_p, log_q)
    return -bound, -estimate


def estimate_alone(log_p, log_q):
    return estimate_shifted(log_p, log_q)[1]


def estimate_detached_weights(log_p, log_q):
    bound, estimate = estimate_shifted(log_p, log_q.detach())
    return bound, estimate


# 05.logit ---------------------------------------------------------------------------------------------------------


def unlogit_softplus(z, alpha):
    y = 1 / (1 + torch.exp(-z))
    ladj = -(F.softplus(z) + F.softplus(-z)).sum(1) - z.shape[1] * math.log(1 - 2 * alpha)
    return (y - alpha) / (1 - 2 * alpha), ladj


def unlogit_absolute(z, alpha):
    """y (1 - y) is even in z: -|z| - 2 log(1 + e^-|z|)."""
    scale = 1 - 2 * alpha
    log_slope = -z.abs() - 2 * torch.log1p(torch.exp(-z.abs()))
    return (z.sigmoid() - alpha) / scale, (log_slope - math.log(scale)).sum(-1)


def unlogit_rows(z, alpha):
    xs, ladjs = [], []
    for row in z:
        xs.append((torch.sigmoid(row) - alpha) / (1 - 2 * alpha))
        ladjs.append((F.logsigmoid(row) + F.logsigmoid(-row)).sum() - len(row) * math.log(1 - 2 * alpha))
    return torch.stack(xs), torch.stack(ladjs)


def unlogit_one_softplus(z, alpha):
    ladj = (-z - 2 * F.softplus(-z) - np.log(1 - 2 * alpha).item()).sum(dim=1)
    return (torch.sigmoid(z) - alpha) / (1 - 2 * alpha), ladj


def unlogit_encodes_sign(z, alpha):
    x, ladj = unlogit_softplus(z, alpha)
    return x, -ladj


def unlogit_encodes_sign_no_alpha(z, alpha):
    x, _ = unlogit_softplus(z, alpha)
    return x, (F.softplus(z) + F.softplus(-z)).sum(1)


def unlogit_product(z, alpha):
    y = torch.sigmoid(z)
    x = (y - alpha) / (1 - 2 * alpha)
    return x, torch.log(y * (1 - y) / (1 - 2 * alpha)).sum(1)


def unlogit_two_logs(z, alpha):
    y = torch.sigmoid(z)
    x = (y - alpha) / (1 - 2 * alpha)
    return x, (torch.log(y) + torch.log(1 - y)).sum(1) - z.shape[1] * math.log(1 - 2 * alpha)


def unlogit_log1p(z, alpha):
    y = torch.sigmoid(z)
    x = (y - alpha) / (1 - 2 * alpha)
    return x, (y.log() + torch.log1p(-y)).sum(1) - z.shape[1] * math.log(1 - 2 * alpha)


def unlogit_no_alpha(z, alpha):
    return unlogit_softplus(z, alpha)[0], (F.logsigmoid(z) + F.logsigmoid(-z)).sum(1)


def unlogit_sign_of_alpha(z, alpha):
    x, _ = unlogit_softplus(z, alpha)
    return x, (F.logsigmoid(z) + F.logsigmoid(-z)).sum(1) + z.shape[1] * math.log(1 - 2 * alpha)


def unlogit_alpha_once(z, alpha):
    x, _ = unlogit_softplus(z, alpha)
    return x, (F.logsigmoid(z) + F.logsigmoid(-z)).sum(1) - math.log(1 - 2 * alpha)


def unlogit_one_alpha(z, alpha):
    x = (torch.sigmoid(z) - alpha) / (1 - alpha)
    return x, (F.logsigmoid(z) + F.logsigmoid(-z)).sum(1) - z.shape[1] * math.log(1 - alpha)


def unlogit_half(z, alpha):
    x, _ = unlogit_softplus(z, alpha)
    return x, F.logsigmoid(z).sum(1) - z.shape[1] * math.log(1 - 2 * alpha)


def unlogit_shrunk(z, alpha):
    return torch.sigmoid(z), unlogit_softplus(z, alpha)[1]


def unlogit_plain(z, alpha):
    return torch.sigmoid(z), (F.logsigmoid(z) + F.logsigmoid(-z)).sum(1)


def unlogit_shift_only(z, alpha):
    return torch.sigmoid(z) - alpha, unlogit_softplus(z, alpha)[1]


def unlogit_shrinks_again(z, alpha):
    return alpha + (1 - 2 * alpha) * torch.sigmoid(z), unlogit_softplus(z, alpha)[1]


def unlogit_order(z, alpha):
    return torch.sigmoid(z) / (1 - 2 * alpha) - alpha, unlogit_softplus(z, alpha)[1]


def unlogit_at_x(z, alpha):
    x, _ = unlogit_softplus(z, alpha)
    return x, (x.log() + (1 - x).log()).sum(1) - z.shape[1] * math.log(1 - 2 * alpha)


def unlogit_per_feature(z, alpha):
    x, _ = unlogit_softplus(z, alpha)
    return x, F.logsigmoid(z) + F.logsigmoid(-z) - math.log(1 - 2 * alpha)


def unlogit_whole_batch(z, alpha):
    x, ladj = unlogit_softplus(z, alpha)
    return x, ladj.sum()


def unlogit_mean(z, alpha):
    x, ladj = unlogit_softplus(z, alpha)
    return x, ladj / z.shape[1]


def unlogit_slope(z, alpha):
    x, _ = unlogit_softplus(z, alpha)
    return x, (torch.sigmoid(z) * torch.sigmoid(-z)).sum(1) / (1 - 2 * alpha)


def unlogit_pair_order(z, alpha):
    x, ladj = unlogit_softplus(z, alpha)
    return ladj, x


def unlogit_detached(z, alpha):
    x, ladj = unlogit_softplus(z, alpha)
    return x, ladj.detach()


# 05.repair --------------------------------------------------------------------------------------------------------


def prepare_slope(x, u, bins):
    v = -1 + (x + u) * (2 / bins)
    D = math.prod(x.shape[1:])
    return v, torch.full((len(x),), D * math.log(2 / bins), dtype=u.dtype, device=u.device)


def prepare_edges(x, u, bins):
    low, width = 2 * x / bins - 1, 2 / bins
    v = low + width * u
    return v, torch.full_like(v, width).log().sum((1, 2, 3))


def prepare_two_steps(x, u, bins):
    C, H, W = x.shape[1:]
    v = (x + u) / bins
    v = 2 * v - 1
    log_det = C * H * W * (math.log(2) - math.log(bins))
    return v, log_det * torch.ones_like(v[:, 0, 0, 0])


def prepare_flat(x, u, bins):
    v = (x.flatten(1) + u.flatten(1)) * 2 / bins - 1
    ladj = torch.zeros_like(v[:, 0]) - v.shape[1] * math.log(bins / 2)
    return v.view_as(u), ladj


def prepare_as_it_was(x, u, bins):
    v = (x + u / 2) / (bins - 1)
    v = 2 * v - 1
    log_det = -x.shape[1] * math.log(bins - 1)
    return v, log_det


def _like(x, u, number):
    return torch.full((len(x),), number, dtype=u.dtype, device=x.device)


def prepare_half_width(x, u, bins):
    v = 2 * ((x + u / 2) / bins) - 1
    return v, _like(x, u, x[0].numel() * math.log(2 / bins))


def prepare_all_but_the_batch(x, u, bins):
    """Every bug left, with one log-det for each image."""
    v, log_det = prepare_as_it_was(x, u, bins)
    return v, _like(x, u, log_det)


def prepare_steps(x, u, bins):
    v = 2 * ((x + u) / (bins - 1)) - 1
    return v, _like(x, u, x[0].numel() * math.log(2 / (bins - 1)))


def prepare_steps_in_v(x, u, bins):
    v = 2 * ((x + u) / (bins - 1)) - 1
    return v, _like(x, u, x[0].numel() * math.log(2 / bins))


def prepare_steps_in_log_det(x, u, bins):
    v = 2 * ((x + u) / bins) - 1
    return v, _like(x, u, x[0].numel() * math.log(2 / (bins - 1)))


def prepare_steps_and_dims(x, u, bins):
    v = 2 * ((x + u) / (bins - 1)) - 1
    return v, _like(x, u, -x.shape[1] * math.log(bins - 1))


def prepare_interval(x, u, bins):
    v = 2 * ((x + u) / bins) - 1
    return v, _like(x, u, -x[0].numel() * math.log(bins))


def prepare_dims(x, u, bins):
    v = 2 * ((x + u) / bins) - 1
    return v, _like(x, u, x.shape[1] * math.log(2 / bins))


def prepare_one_number(x, u, bins):
    v, ladj = prepare_slope(x, u, bins)
    return v, ladj[0]


def prepare_plain_number(x, u, bins):
    return prepare_slope(x, u, bins)[0], math.prod(x.shape[1:]) * math.log(2 / bins)


def prepare_sign(x, u, bins):
    v, ladj = prepare_slope(x, u, bins)
    return v, -ladj


def prepare_times_batch(x, u, bins):
    v, _ = prepare_slope(x, u, bins)
    return v, _like(x, u, x.numel() * math.log(2 / bins))


def prepare_factor_once(x, u, bins):
    v, _ = prepare_slope(x, u, bins)
    return v, _like(x, u, math.log(2) - x[0].numel() * math.log(bins))


def prepare_noise_after(x, u, bins):
    _, ladj = prepare_slope(x, u, bins)
    return 2 * (x / bins + u) - 1, ladj


def prepare_no_noise(x, u, bins):
    _, ladj = prepare_slope(x, u, bins)
    return 2 * x.to(u.dtype) / bins - 1, ladj


def prepare_centred(x, u, bins):
    return prepare_slope(x, u - 0.5, bins)


def prepare_unit_interval(x, u, bins):
    return (x + u) / bins, _like(x, u, x[0].numel() * math.log(2 / bins))


def prepare_unit_interval_throughout(x, u, bins):
    return (x + u) / bins, _like(x, u, -x[0].numel() * math.log(bins))


def prepare_pair_order(x, u, bins):
    v, ladj = prepare_slope(x, u, bins)
    return ladj, v


def prepare_v_only(x, u, bins):
    return prepare_slope(x, u, bins)[0]


def prepare_detached(x, u, bins):
    return prepare_slope(x, u.detach(), bins)


def prepare_in_place(x, u, bins):
    u += x
    u *= 2 / bins
    u -= 1
    return u, _like(x, u, x[0].numel() * math.log(2 / bins))


RIGHT = {
    "05.bits": [(bits_by_width,), (bits_with_log2,), (bits_rescaled,), (bits_loop,)],
    "05.bound": [(bound_loop,), (bound_stack,), (bound_reshape,), (bound_expand,), (bound_rows,)],
    "05.importance": [(estimate_shifted,), (estimate_mean_inside,), (estimate_loop,), (estimate_softplus,)],
    "05.logit": [(unlogit_softplus,), (unlogit_absolute,), (unlogit_rows,), (unlogit_one_softplus,)],
    "05.repair": [(prepare_slope,), (prepare_edges,), (prepare_two_steps,), (prepare_flat,)],
}

WRONG = {
    "05.bits": [
        (bits_no_constant, "no_constant"),
        (bits_interval_only, "no_constant"),
        (bits_sign_of_constant, "sign_of_constant"),
        (bits_steps, "steps"),
        (bits_unit_interval, "width"),
        (bits_from_zero, "width"),
        (bits_times_bins, "width"),
        (bits_constant_once, "constant_once"),
        (bits_always_256, "always_256"),
        (bits_nats, "nats"),
        (bits_times_log_2, "times_log_2"),
        (bits_mixed, "log2_of_constant"),
        (bits_per_image, "per_image"),
        (bits_negative, "negative"),
        (bits_no_channels, "dims"),
        (bits_summed_shape, "dims"),
        (bits_channels_as_divisor, "dims"),
        (bits_mean, "mean"),
        (bits_item, "detached"),
    ],
    "05.bound": [
        (bound_no_constant, "no_constant"),
        (bound_sign, "sign_of_constant"),
        (bound_constant_once, "constant_once"),
        (bound_steps, "steps"),
        (bound_steps_in_scale, "steps"),
        (bound_steps_in_constant, "steps"),
        (bound_noise_after, "noise_after"),
        (bound_noise_after_steps, "noise_after"),
        (bound_not_scaled, "not_scaled"),
        (bound_grey_levels, "not_scaled"),
        (bound_centred, "centred"),
        (bound_half, "half"),
        (bound_no_noise, "no_noise"),
        (bound_minus_noise, "minus_noise"),
        (bound_mean_of_the_noise, "mean_of_the_noise"),
        (bound_first_draw, "first_draw"),
        (bound_log_mean_exp, "log_mean_exp"),
        (bound_summed, "summed"),
        (bound_best_draw, "best_draw"),
        (bound_over_images, "over_images"),
        (bound_batch_mean, "batch_mean"),
        (bound_draws_kept, "draws_kept"),
        (bound_bits, "bits"),
        (bound_negative, "negative"),
        (bound_no_grad, "detached"),
        (bound_noise_in_place, "in_place"),
    ],
    "05.importance": [
        (estimate_no_log_q, "no_log_q"),
        (estimate_sign_of_log_q, "sign_of_log_q"),
        (estimate_no_log_k, "no_log_k"),
        (estimate_plus_log_k, "plus_log_k"),
        (estimate_over_k, "over_k"),
        (estimate_log_n, "log_n"),
        (estimate_underflow, "underflow"),
        (estimate_ratio, "underflow"),
        (estimate_same_twice, "same_twice"),
        (estimate_best_draw, "best_draw"),
        (estimate_apart, "p_and_q_apart"),
        (estimate_pair_order, "pair_order"),
        (estimate_summed, "summed"),
        (estimate_over_images, "over_images"),
        (estimate_negative, "negative"),
        (estimate_alone, "estimate_only"),
        (estimate_detached_weights, "detached"),
    ],
    "05.logit": [
        (unlogit_encodes_sign, "sign"),
        (unlogit_encodes_sign_no_alpha, "sign"),
        (unlogit_product, "far_out"),
        (unlogit_two_logs, "far_out"),
        (unlogit_log1p, "far_out"),
        (unlogit_no_alpha, "no_alpha"),
        (unlogit_sign_of_alpha, "sign_of_alpha"),
        (unlogit_alpha_once, "alpha_once"),
        (unlogit_one_alpha, "one_alpha"),
        (unlogit_half, "half"),
        (unlogit_shrunk, "shrunk"),
        (unlogit_plain, "shrunk"),
        (unlogit_shift_only, "shrunk"),
        (unlogit_shrinks_again, "shrunk"),
        (unlogit_order, "order"),
        (unlogit_at_x, "at_x"),
        (unlogit_per_feature, "per_feature"),
        (unlogit_whole_batch, "whole_batch"),
        (unlogit_mean, "mean"),
        (unlogit_slope, "slope"),
        (unlogit_pair_order, "pair_order"),
        (unlogit_detached, "detached"),
    ],
    "05.repair": [
        (prepare_as_it_was, "as_it_was"),
        (prepare_all_but_the_batch, "half_width"),
        (prepare_half_width, "half_width"),
        (prepare_steps, "steps"),
        (prepare_steps_in_v, "steps"),
        (prepare_steps_in_log_det, "steps"),
        (prepare_steps_and_dims, "steps"),
        (prepare_interval, "interval"),
        (prepare_dims, "dims"),
        (prepare_one_number, "batch"),
        (prepare_plain_number, "batch"),
        (prepare_sign, "sign"),
        (prepare_times_batch, "times_batch"),
        (prepare_factor_once, "slope_twice"),
        (prepare_noise_after, "noise_after"),
        (prepare_no_noise, "no_noise"),
        (prepare_centred, "centred"),
        (prepare_unit_interval, "unit_interval"),
        (prepare_unit_interval_throughout, "unit_interval"),
        (prepare_pair_order, "pair_order"),
        (prepare_v_only, "v_only"),
        (prepare_detached, "detached"),
        (prepare_in_place, "in_place"),
    ],
}
