"""Answers to chapter 8's exercises, as learners write them: right ones, and wrong ones with the mistake they make."""

import math

import torch

# 08.actnorm -------------------------------------------------------------------------------------------------------


def first_batch(x):
    flat = x.transpose(0, 1).flatten(1)
    std = flat.std(1, correction=0)
    return -torch.log(std), -flat.mean(1) / std


def actnorm_views(x, log_scale, shift, initialised):
    if not initialised:
        log_scale, shift = first_batch(x)
    z = x * torch.exp(log_scale).view(1, -1, 1, 1) + shift.view(1, -1, 1, 1)
    pixels = x.shape[2] * x.shape[3]
    return z, pixels * log_scale.sum() * torch.ones(len(x), dtype=x.dtype, device=x.device), log_scale, shift


def actnorm_moments(x, log_scale, shift, initialised):
    if initialised is False:
        mean = x.mean((0, 2, 3))
        variance = (x - mean[:, None, None]).square().mean((0, 2, 3))
        log_scale = -0.5 * variance.log()
        shift = -mean * log_scale.exp()
    z = torch.einsum("c,nchw->nchw", log_scale.exp(), x) + shift[None, :, None, None]
    return z, log_scale[None, :, None, None].expand_as(x).sum((1, 2, 3)), log_scale, shift


def actnorm_loop(x, log_scale, shift, initialised):
    log_scale, shift = log_scale.clone(), shift.clone()
    channels = []
    for c in range(x.shape[1]):
        if not initialised:
            spread = torch.sqrt(((x[:, c] - x[:, c].mean()) ** 2).mean())
            log_scale[c] = torch.log(1 / spread)
            shift[c] = -x[:, c].mean() / spread
        channels.append(torch.exp(log_scale[c]) * x[:, c] + shift[c])
    ladj = torch.stack([x[0, 0].numel() * log_scale.sum() for _ in x])
    return torch.stack(channels, 1), ladj, log_scale, shift


def actnorm_in_order(x, log_scale, shift, initialised):
    """A list of four does as well as a tuple."""
    if not initialised:
        with torch.no_grad():
            log_scale, shift = first_batch(x)
    N, C, H, W = x.size()
    scale = log_scale.exp().reshape(C, 1, 1)
    return [torch.addcmul(shift.reshape(C, 1, 1), scale, x), (H * W * log_scale.sum()).repeat(N), log_scale, shift]


def affine(x, log_scale, shift):
    return log_scale.exp().view(1, -1, 1, 1) * x + shift.view(1, -1, 1, 1)


def per_image(x, log_scale):
    return (x.shape[2] * x.shape[3] * log_scale.sum()).expand(len(x))


def actnorm_no_pixels(x, log_scale, shift, initialised):
    z, _, log_scale, shift = actnorm_views(x, log_scale, shift, initialised)
    return z, log_scale.sum().expand(len(x)), log_scale, shift


def actnorm_height_twice(x, log_scale, shift, initialised):
    z, _, log_scale, shift = actnorm_views(x, log_scale, shift, initialised)
    return z, (x.shape[2] ** 2 * log_scale.sum()).expand(len(x)), log_scale, shift


def actnorm_width_twice(x, log_scale, shift, initialised):
    z, _, log_scale, shift = actnorm_views(x, log_scale, shift, initialised)
    return z, (x.shape[-1] ** 2 * log_scale.sum()).expand(len(x)), log_scale, shift


def actnorm_channels(x, log_scale, shift, initialised):
    z, _, log_scale, shift = actnorm_views(x, log_scale, shift, initialised)
    return z, (x[0].numel() * log_scale.sum()).expand(len(x)), log_scale, shift


def actnorm_mean(x, log_scale, shift, initialised):
    z, _, log_scale, shift = actnorm_views(x, log_scale, shift, initialised)
    return z, (x[0, 0].numel() * log_scale.mean()).expand(len(x)), log_scale, shift


def actnorm_times_batch(x, log_scale, shift, initialised):
    z, _, log_scale, shift = actnorm_views(x, log_scale, shift, initialised)
    return z, (x[:, 0].numel() * log_scale.sum()).expand(len(x)), log_scale, shift


def actnorm_sign(x, log_scale, shift, initialised):
    z, ladj, log_scale, shift = actnorm_views(x, log_scale, shift, initialised)
    return z, -ladj, log_scale, shift


def actnorm_scalar(x, log_scale, shift, initialised):
    z, _, log_scale, shift = actnorm_views(x, log_scale, shift, initialised)
    return z, x.shape[2] * x.shape[3] * log_scale.sum(), log_scale, shift


def actnorm_not_log(x, log_scale, shift, initialised):
    z, _, log_scale, shift = actnorm_views(x, log_scale, shift, initialised)
    return z, per_image(x, log_scale.exp()), log_scale, shift


def actnorm_every_time(x, log_scale, shift, initialised):
    return actnorm_views(x, *first_batch(x), True)


def actnorm_never(x, log_scale, shift, initialised):
    return affine(x, log_scale, shift), per_image(x, log_scale), log_scale, shift


def actnorm_flag(x, log_scale, shift, initialised):
    if initialised:
        log_scale, shift = first_batch(x)
    return affine(x, log_scale, shift), per_image(x, log_scale), log_scale, shift


def actnorm_not_kept(x, log_scale, shift, initialised):
    new_scale, new_shift = (log_scale, shift) if initialised else first_batch(x)
    return affine(x, new_scale, new_shift), per_image(x, new_scale), log_scale, shift


def actnorm_old_ladj(x, log_scale, shift, initialised):
    ladj = per_image(x, log_scale)
    if not initialised:
        log_scale, shift = first_batch(x)
    return affine(x, log_scale, shift), ladj, log_scale, shift


def actnorm_unbiased(x, log_scale, shift, initialised):
    if not initialised:
        std = x.std((0, 2, 3))
        log_scale, shift = -std.log(), -x.mean((0, 2, 3)) / std
    return affine(x, log_scale, shift), per_image(x, log_scale), log_scale, shift


def actnorm_variance(x, log_scale, shift, initialised):
    if not initialised:
        var = x.var((0, 2, 3), correction=0)
        log_scale, shift = -var.log(), -x.mean((0, 2, 3)) / var
    return affine(x, log_scale, shift), per_image(x, log_scale), log_scale, shift


def actnorm_shift_not_divided(x, log_scale, shift, initialised):
    if not initialised:
        log_scale, shift = first_batch(x)[0], -x.mean((0, 2, 3))
    return affine(x, log_scale, shift), per_image(x, log_scale), log_scale, shift


def actnorm_scale_up(x, log_scale, shift, initialised):
    if not initialised:
        std = x.std((0, 2, 3), correction=0)
        log_scale, shift = std.log(), -x.mean((0, 2, 3)) / std
    return affine(x, log_scale, shift), per_image(x, log_scale), log_scale, shift


def actnorm_shift_sign(x, log_scale, shift, initialised):
    if not initialised:
        std = x.std((0, 2, 3), correction=0)
        log_scale, shift = -std.log(), x.mean((0, 2, 3)) / std
    return affine(x, log_scale, shift), per_image(x, log_scale), log_scale, shift


def actnorm_one_for_all(x, log_scale, shift, initialised):
    if not initialised:
        std = x.std(correction=0)
        log_scale, shift = (-std.log()).repeat(x.shape[1]), (-x.mean() / std).repeat(x.shape[1])
    return affine(x, log_scale, shift), per_image(x, log_scale), log_scale, shift


def actnorm_shift_first(x, log_scale, shift, initialised):
    if not initialised:
        log_scale, shift = first_batch(x)[0], -x.mean((0, 2, 3))
    z = (x + shift.view(1, -1, 1, 1)) * log_scale.exp().view(1, -1, 1, 1)
    return z, per_image(x, log_scale), log_scale, shift


def actnorm_decode(x, log_scale, shift, initialised):
    if not initialised:
        log_scale, shift = first_batch(x)
    x = (x - shift.view(1, -1, 1, 1)) / log_scale.exp().view(1, -1, 1, 1)
    return x, -per_image(x, log_scale), log_scale, shift


def actnorm_not_exp(x, log_scale, shift, initialised):
    if not initialised:
        log_scale, shift = first_batch(x)
    return log_scale.view(1, -1, 1, 1) * x + shift.view(1, -1, 1, 1), per_image(x, log_scale), log_scale, shift


def actnorm_two(x, log_scale, shift, initialised):
    return actnorm_views(x, log_scale, shift, initialised)[:2]


def actnorm_detached(x, log_scale, shift, initialised):
    if not initialised:
        log_scale, shift = first_batch(x)
    ladj = torch.full((len(x),), x.shape[2] * x.shape[3] * log_scale.sum().item(), dtype=x.dtype, device=x.device)
    return affine(x, log_scale, shift), ladj, log_scale, shift


def actnorm_slogdet(x, log_scale, shift, initialised):
    z, _, log_scale, shift = actnorm_views(x, log_scale, shift, initialised)
    per_pixel = torch.linalg.slogdet(torch.diag(log_scale.exp()))[1]
    return z, (x.shape[2] * x.shape[3] * per_pixel).expand(len(x)), log_scale, shift


# 08.split_prior ---------------------------------------------------------------------------------------------------


def log_normal(z):
    return -0.5 * z**2 - 0.5 * math.log(2 * math.pi)


def prior_divided(x_leave, mean, log_std):
    std = log_std.exp()
    z = (x_leave - mean) / std
    return -log_std, -mean / std, (log_normal(z) - log_std).sum((1, 2, 3))


def prior_distributions(x_leave, mean, log_std):
    log_scale = -log_std
    shift = -mean * log_scale.exp()
    base = torch.distributions.Normal(torch.zeros_like(mean), torch.ones_like(mean))
    z = log_scale.exp() * x_leave + shift
    return log_scale, shift, base.log_prob(z).sum((1, 2, 3)) + log_scale.sum((1, 2, 3))


def prior_of_x(x_leave, mean, log_std):
    log_prob = torch.distributions.Normal(mean, log_std.exp()).log_prob(x_leave)
    return log_std.neg(), -mean * torch.exp(-log_std), log_prob.flatten(1).sum(1)


def prior_rows(x_leave, mean, log_std):
    log_scale, shift, rows = -log_std, -(mean / torch.exp(log_std)), []
    for x, s, t in zip(x_leave, log_scale, shift):
        rows.append(log_normal(s.exp() * x + t).sum() + s.sum())
    return log_scale, shift, torch.stack(rows)


def own_density(x, s, t):
    return (log_normal(s.exp() * x + t) + s).sum((1, 2, 3))


def right_density(x_leave, mean, log_std):
    return prior_divided(x_leave, mean, log_std)[2]


def prior_decode(x_leave, mean, log_std):
    return log_std, mean, own_density(x_leave, log_std, mean)


def prior_decode_right(x_leave, mean, log_std):
    return log_std, mean, right_density(x_leave, mean, log_std)


def prior_scale_sign(x_leave, mean, log_std):
    shift = -mean / log_std.exp()
    return log_std, shift, own_density(x_leave, log_std, shift)


def prior_scale_sign_right(x_leave, mean, log_std):
    return log_std, -mean / log_std.exp(), right_density(x_leave, mean, log_std)


def prior_scale_sign_both(x_leave, mean, log_std):
    shift = -mean * log_std.exp()
    return log_std, shift, own_density(x_leave, log_std, shift)


def prior_shift_not_divided(x_leave, mean, log_std):
    return -log_std, -mean, own_density(x_leave, -log_std, -mean)


def prior_shift_not_divided_right(x_leave, mean, log_std):
    return -log_std, -mean, right_density(x_leave, mean, log_std)


def prior_shift_sign(x_leave, mean, log_std):
    shift = mean / log_std.exp()
    return -log_std, shift, own_density(x_leave, -log_std, shift)


def prior_shift_sign_right(x_leave, mean, log_std):
    return -log_std, mean / log_std.exp(), right_density(x_leave, mean, log_std)


def prior_variance(x_leave, mean, log_std):
    s = -log_std / 2
    return s, -mean * s.exp(), own_density(x_leave, s, -mean * s.exp())


def prior_scale_itself(x_leave, mean, log_std):
    return 1 / log_std.exp(), -mean / log_std.exp(), right_density(x_leave, mean, log_std)


def prior_no_ladj(x_leave, mean, log_std):
    z = (x_leave - mean) / log_std.exp()
    return -log_std, -mean / log_std.exp(), log_normal(z).sum((1, 2, 3))


def prior_ladj_sign(x_leave, mean, log_std):
    z = (x_leave - mean) / log_std.exp()
    return -log_std, -mean / log_std.exp(), (log_normal(z) + log_std).sum((1, 2, 3))


def prior_no_constant(x_leave, mean, log_std):
    z = (x_leave - mean) / log_std.exp()
    return -log_std, -mean / log_std.exp(), (-z.square() / 2 - log_std).sum((1, 2, 3))


def prior_constant_once(x_leave, mean, log_std):
    s, t, log_prob = prior_no_constant(x_leave, mean, log_std)
    return s, t, log_prob - math.log(2 * math.pi) / 2


def prior_no_half(x_leave, mean, log_std):
    z = (x_leave - mean) / log_std.exp()
    density = -z.square() - 0.5 * math.log(2 * math.pi) - log_std
    return -log_std, -mean / log_std.exp(), density.sum((1, 2, 3))


def prior_at_x(x_leave, mean, log_std):
    return -log_std, -mean / log_std.exp(), (log_normal(x_leave) - log_std).sum((1, 2, 3))


def prior_mean(x_leave, mean, log_std):
    z = (x_leave - mean) / log_std.exp()
    return -log_std, -mean / log_std.exp(), (log_normal(z) - log_std).mean((1, 2, 3))


def prior_whole_batch(x_leave, mean, log_std):
    return -log_std, -mean / log_std.exp(), right_density(x_leave, mean, log_std).sum()


def prior_channels_only(x_leave, mean, log_std):
    z = (x_leave - mean) / log_std.exp()
    return -log_std, -mean / log_std.exp(), (log_normal(z) - log_std).sum(1)


def prior_per_number(x_leave, mean, log_std):
    z = (x_leave - mean) / log_std.exp()
    return -log_std, -mean / log_std.exp(), log_normal(z) - log_std


def prior_density_only(x_leave, mean, log_std):
    return right_density(x_leave, mean, log_std)


def prior_detached(x_leave, mean, log_std):
    s, t, log_prob = prior_divided(x_leave, mean, log_std)
    return s, t, log_prob.detach()


# 08.bits ----------------------------------------------------------------------------------------------------------


def density(x, layer, base):
    z, ladj = layer.encode(x)
    return base.log_prob(z) + ladj


def bits_of(nats, images):
    return -nats / (images.shape[1] * math.log(2))


def bits_at_once(images, noise, layer, base, bins):
    K, N, D = noise.shape
    x = ((images + noise) / bins).reshape(K * N, D)
    log_p = density(x, layer, base).mean() - D * math.log(bins)
    return -log_p / math.log(2) / D


def bits_running(images, noise, layer, base, bins):
    total = 0.0
    for u in noise:
        total = total + density((images + u) / bins, layer, base).mean()
    return -(total / len(noise)) / (images.shape[1] * math.log(2)) + math.log2(bins)


def bits_in_bits(images, noise, layer, base, bins):
    D = images.shape[1]
    draws = torch.stack([density((images + u) / bins, layer, base) for u in noise]) / math.log(2)
    return (D * math.log2(bins) - draws.mean()) / D


def bits_one_by_one(images, noise, layer, base, bins):
    found = []
    for j in range(noise.shape[0]):
        for n in range(noise.shape[1]):
            x = (images[n] + noise[j, n]) / bins
            found.append(density(x[None], layer, base)[0])
    return bits_of(sum(found) / len(found) - len(images[0]) * math.log(bins), images)


def all_draws(images, noise, layer, base, bins):
    return torch.stack([density((images + u) / bins, layer, base) for u in noise])


def bits_no_constant(images, noise, layer, base, bins):
    return bits_of(all_draws(images, noise, layer, base, bins).mean(), images)


def bits_constant_sign(images, noise, layer, base, bins):
    nats = all_draws(images, noise, layer, base, bins).mean() + images.shape[1] * math.log(bins)
    return bits_of(nats, images)


def bits_constant_once(images, noise, layer, base, bins):
    return bits_of(all_draws(images, noise, layer, base, bins).mean() - math.log(bins), images)


def bits_less_one(images, noise, layer, base, bins):
    nats = all_draws(images, noise, layer, base, bins).mean() - images.shape[1] * math.log(bins - 1)
    return bits_of(nats, images)


def bits_less_one_scaled(images, noise, layer, base, bins):
    return bits_at_once(images, noise, layer, base, bins - 1)


def bits_less_one_data(images, noise, layer, base, bins):
    nats = all_draws(images, noise, layer, base, bins - 1).mean() - images.shape[1] * math.log(bins)
    return bits_of(nats, images)


def bits_nats(images, noise, layer, base, bins):
    return bits_at_once(images, noise, layer, base, bins) * math.log(2)


def bits_per_image(images, noise, layer, base, bins):
    return bits_at_once(images, noise, layer, base, bins) * images.shape[1]


def bits_sign(images, noise, layer, base, bins):
    return -bits_at_once(images, noise, layer, base, bins)


def bits_one_draw(images, noise, layer, base, bins):
    return bits_at_once(images, noise[:1], layer, base, bins)


def bits_last_draw(images, noise, layer, base, bins):
    for u in noise:
        log_p = density((images + u) / bins, layer, base)
    return bits_of(log_p.mean() - images.shape[1] * math.log(bins), images)


def bits_log_mean(images, noise, layer, base, bins):
    draws = all_draws(images, noise, layer, base, bins)
    nats = (torch.logsumexp(draws, 0) - math.log(len(noise))).mean() - images.shape[1] * math.log(bins)
    return bits_of(nats, images)


def bits_best_draw(images, noise, layer, base, bins):
    nats = all_draws(images, noise, layer, base, bins).amax(0).mean() - images.shape[1] * math.log(bins)
    return bits_of(nats, images)


def bits_sum(images, noise, layer, base, bins):
    nats = all_draws(images, noise, layer, base, bins).sum() - images.shape[1] * math.log(bins)
    return bits_of(nats, images)


def bits_noise_after(images, noise, layer, base, bins):
    draws = torch.stack([density(images / bins + u, layer, base) for u in noise])
    return bits_of(draws.mean() - images.shape[1] * math.log(bins), images)


def bits_no_noise(images, noise, layer, base, bins):
    log_p = density(images.to(noise.dtype) / bins, layer, base)
    return bits_of(log_p.mean() - images.shape[1] * math.log(bins), images)


def bits_centred(images, noise, layer, base, bins):
    return bits_at_once(images, noise - 0.5, layer, base, bins)


def bits_mean_noise(images, noise, layer, base, bins):
    log_p = density((images + noise.mean(0)) / bins, layer, base)
    return bits_of(log_p.mean() - images.shape[1] * math.log(bins), images)


def bits_not_scaled(images, noise, layer, base, bins):
    draws = torch.stack([density(images + u, layer, base) for u in noise])
    return bits_of(draws.mean() - images.shape[1] * math.log(bins), images)


def bits_not_scaled_at_all(images, noise, layer, base, bins):
    return bits_of(torch.stack([density(images + u, layer, base) for u in noise]).mean(), images)


def bits_no_ladj(images, noise, layer, base, bins):
    draws = torch.stack([base.log_prob(layer.encode((images + u) / bins)[0]) for u in noise])
    return bits_of(draws.mean() - images.shape[1] * math.log(bins), images)


def bits_ladj_sign(images, noise, layer, base, bins):
    pairs = [layer.encode((images + u) / bins) for u in noise]
    draws = torch.stack([base.log_prob(z) - ladj for z, ladj in pairs])
    return bits_of(draws.mean() - images.shape[1] * math.log(bins), images)


def bits_at_x(images, noise, layer, base, bins):
    draws = torch.stack([base.log_prob((images + u) / bins) + layer.encode((images + u) / bins)[1] for u in noise])
    return bits_of(draws.mean() - images.shape[1] * math.log(bins), images)


def bits_rows(images, noise, layer, base, bins):
    return bits_of(all_draws(images, noise, layer, base, bins).mean(0) - images.shape[1] * math.log(bins), images)


def bits_float(images, noise, layer, base, bins):
    return float(bits_at_once(images, noise, layer, base, bins))


# 08.interpolate ---------------------------------------------------------------------------------------------------


def path_at_once(decode, z_0, z_1, steps):
    t = torch.linspace(0, 1, steps, dtype=z_0.dtype, device=z_0.device)[:, None, None]
    z = ((1 - t) * z_0 + t * z_1) / ((1 - t).square() + t.square()).sqrt()
    x, _ = decode(z.flatten(0, 1))
    return x.reshape(steps, *z_0.shape)


def path_lerp(decode, z_0, z_1, steps):
    points = []
    for t in [k / (steps - 1) for k in range(steps)]:
        points.append(decode(torch.lerp(z_0, z_1, t) * ((1 - t) ** 2 + t**2) ** -0.5)[0])
    return torch.stack(points, dim=0)


def path_angle(decode, z_0, z_1, steps):
    """The same weights as sine and cosine of an angle whose tangent is t / (1 - t)."""
    angles = [math.atan2(k, steps - 1 - k) for k in range(steps)]
    return torch.stack([decode(math.cos(a) * z_0 + math.sin(a) * z_1)[0] for a in angles])


def path_filled(decode, z_0, z_1, steps):
    out = torch.empty(steps, *z_0.shape, dtype=z_0.dtype, device=z_0.device)
    for k in range(steps):
        t = k / (steps - 1)
        out[k], _ = decode((z_0 + t * (z_1 - z_0)) / math.hypot(1 - t, t))
    return out


def mixed(decode, z_0, z_1, weights):
    return torch.stack([decode(a * z_0 + b * z_1)[0] for a, b in weights])


def times(steps):
    return [k / (steps - 1) for k in range(steps)]


def path_straight(decode, z_0, z_1, steps):
    return mixed(decode, z_0, z_1, [(1 - t, t) for t in times(steps)])


def path_no_root(decode, z_0, z_1, steps):
    return mixed(decode, z_0, z_1, [((1 - t) / (t**2 + (1 - t) ** 2), t / (t**2 + (1 - t) ** 2)) for t in times(steps)])


def path_other_pace(decode, z_0, z_1, steps):
    return mixed(decode, z_0, z_1, [((1 - t) ** 0.5, t**0.5) for t in times(steps)])


def path_great_circle(decode, z_0, z_1, steps):
    omega = torch.acos(torch.cosine_similarity(z_0, z_1))[:, None]
    points = [torch.sin((1 - t) * omega) * z_0 + torch.sin(t * omega) * z_1 for t in times(steps)]
    return torch.stack([decode(p / torch.sin(omega))[0] for p in points])


def path_in_data(decode, z_0, z_1, steps):
    (x_0, _), (x_1, _) = decode(z_0), decode(z_1)
    return torch.stack([torch.lerp(x_0, x_1, t) for t in times(steps)])


def path_in_data_shell(decode, z_0, z_1, steps):
    x_0, x_1 = decode(z_0)[0], decode(z_1)[0]
    return torch.stack([((1 - t) * x_0 + t * x_1) / math.hypot(1 - t, t) for t in times(steps)])


def path_last_missing(decode, z_0, z_1, steps):
    t = [k / steps for k in range(steps)]
    return mixed(decode, z_0, z_1, [((1 - s) / math.hypot(1 - s, s), s / math.hypot(1 - s, s)) for s in t])


def path_backwards(decode, z_0, z_1, steps):
    return path_at_once(decode, z_1, z_0, steps)


def path_own_length(decode, z_0, z_1, steps):
    points = [torch.lerp(z_0, z_1, t) for t in times(steps)]
    return torch.stack([decode(torch.nn.functional.normalize(p, dim=1))[0] for p in points])


def path_latents(decode, z_0, z_1, steps):
    return torch.stack([torch.lerp(z_0, z_1, t) / math.hypot(1 - t, t) for t in times(steps)])


def path_rows_first(decode, z_0, z_1, steps):
    return path_at_once(decode, z_0, z_1, steps).movedim(0, 1)


def path_joined(decode, z_0, z_1, steps):
    return torch.cat(list(path_at_once(decode, z_0, z_1, steps)))


def path_detached(decode, z_0, z_1, steps):
    return path_at_once(decode, z_0.detach(), z_1, steps)


# 08.attribute -----------------------------------------------------------------------------------------------------


def edit_sums(z, has, z_new, strength):
    weights = has.to(z.dtype)
    with_it = (weights[:, None] * z).sum(0) / weights.sum()
    without = ((1 - weights)[:, None] * z).sum(0) / (1 - weights).sum()
    return z_new + strength * (with_it - without)


def edit_loop(z, has, z_new, strength):
    groups = {True: [], False: []}
    for row, flag in zip(z, has.tolist()):
        groups[flag].append(row)
    direction = torch.stack(groups[True]).mean(0) - torch.stack(groups[False]).mean(0)
    return torch.stack([row + strength * direction for row in z_new])


def edit_where(z, has, z_new, strength):
    with_it, without = z[torch.where(has)[0]], z[torch.where(has == 0)[0]]
    return torch.add(z_new, torch.mean(with_it, dim=0) - torch.mean(without, dim=0), alpha=strength)


def edit_matrix(z, has, z_new, strength):
    one = torch.ones((), dtype=z.dtype)
    weights = torch.where(has, one / has.sum(), -one / (~has).sum())
    return z_new + strength * (weights @ z)


def direction_of(z, has):
    return z[has].mean(0) - z[~has].mean(0)


def edit_reversed(z, has, z_new, strength):
    return z_new - strength * direction_of(z, has)


def edit_one_mean(z, has, z_new, strength):
    return z_new + strength * z[has].mean(0)


def edit_all(z, has, z_new, strength):
    return z_new + strength * (z[has].mean(0) - z.mean(0))


def edit_sum(z, has, z_new, strength):
    return z_new + strength * (z[has].sum(0) - z[~has].sum(0))


def edit_mean_of_masked(z, has, z_new, strength):
    return z_new + strength * ((has[:, None] * z).mean(0) - ((~has)[:, None] * z).mean(0))


def edit_length_one(z, has, z_new, strength):
    return z_new + strength * torch.nn.functional.normalize(direction_of(z, has), dim=0)


def edit_over_features(z, has, z_new, strength):
    return z_new + strength * (z[has].mean() - z[~has].mean())


def edit_no_strength(z, has, z_new, strength):
    return z_new + direction_of(z, has)


def edit_direction_only(z, has, z_new, strength):
    return strength * direction_of(z, has)


def edit_direction_rows(z, has, z_new, strength):
    return (strength * direction_of(z, has)).expand(len(z_new), -1)


def edit_scaled(z, has, z_new, strength):
    return strength * (z_new + direction_of(z, has))


def edit_blend(z, has, z_new, strength):
    return (1 - strength) * z_new + strength * direction_of(z, has)


def edit_in_place(z, has, z_new, strength):
    z_new += strength * direction_of(z, has)
    return z_new


def edit_detached(z, has, z_new, strength):
    return z_new + strength * direction_of(z.detach(), has)


RIGHT = {
    "08.actnorm": [(actnorm_views,), (actnorm_moments,), (actnorm_loop,), (actnorm_in_order,)],
    "08.split_prior": [(prior_divided,), (prior_distributions,), (prior_of_x,), (prior_rows,)],
    "08.bits": [(bits_at_once,), (bits_running,), (bits_in_bits,), (bits_one_by_one,), (bits_float,)],
    "08.interpolate": [(path_at_once,), (path_lerp,), (path_angle,), (path_filled,)],
    "08.attribute": [(edit_sums,), (edit_loop,), (edit_where,), (edit_matrix,)],
}

WRONG = {
    "08.actnorm": [
        (actnorm_no_pixels, "no_pixels"),
        (actnorm_height_twice, "square"),
        (actnorm_width_twice, "square"),
        (actnorm_channels, "channels"),
        (actnorm_mean, "mean"),
        (actnorm_times_batch, "times_batch"),
        (actnorm_sign, "sign"),
        (actnorm_scalar, "scalar"),
        (actnorm_not_log, "not_log"),
        (actnorm_every_time, "every_time"),
        (actnorm_never, "never"),
        (actnorm_flag, "flag"),
        (actnorm_not_kept, "not_kept"),
        (actnorm_old_ladj, "old_ladj"),
        (actnorm_unbiased, "unbiased"),
        (actnorm_variance, "variance"),
        (actnorm_shift_not_divided, "shift_not_divided"),
        (actnorm_scale_up, "scale_up"),
        (actnorm_shift_sign, "shift_sign"),
        (actnorm_one_for_all, "one_for_all"),
        (actnorm_shift_first, "shift_first"),
        (actnorm_decode, "decode"),
        (actnorm_not_exp, "not_exp"),
        (actnorm_two, "two"),
        (actnorm_detached, "detached"),
        (actnorm_slogdet, "cost"),
    ],
    "08.split_prior": [
        (prior_decode, "decode"),
        (prior_decode_right, "decode"),
        (prior_scale_sign, "scale_sign"),
        (prior_scale_sign_right, "scale_sign"),
        (prior_scale_sign_both, "scale_sign"),
        (prior_shift_not_divided, "shift_not_divided"),
        (prior_shift_not_divided_right, "shift_not_divided"),
        (prior_shift_sign, "shift_sign"),
        (prior_shift_sign_right, "shift_sign"),
        (prior_variance, "variance"),
        (prior_scale_itself, "scale_itself"),
        (prior_no_ladj, "no_ladj"),
        (prior_ladj_sign, "ladj_sign"),
        (prior_no_constant, "no_constant"),
        (prior_constant_once, "constant_once"),
        (prior_no_half, "no_half"),
        (prior_at_x, "at_x"),
        (prior_mean, "mean"),
        (prior_whole_batch, "whole_batch"),
        (prior_channels_only, "channels_only"),
        (prior_per_number, "per_number"),
        (prior_density_only, "density_only"),
        (prior_detached, "detached"),
    ],
    "08.bits": [
        (bits_no_constant, "no_constant"),
        (bits_constant_sign, "constant_sign"),
        (bits_constant_once, "constant_once"),
        (bits_less_one, "bins_less_one"),
        (bits_less_one_scaled, "bins_less_one"),
        (bits_less_one_data, "bins_less_one"),
        (bits_nats, "nats"),
        (bits_per_image, "per_image"),
        (bits_sign, "sign"),
        (bits_one_draw, "one_draw"),
        (bits_last_draw, "one_draw"),
        (bits_log_mean, "log_mean"),
        (bits_best_draw, "best_draw"),
        (bits_sum, "sum"),
        (bits_noise_after, "noise_after"),
        (bits_no_noise, "no_noise"),
        (bits_centred, "centred"),
        (bits_mean_noise, "mean_noise"),
        (bits_not_scaled, "not_scaled"),
        (bits_not_scaled_at_all, "not_scaled"),
        (bits_no_ladj, "no_ladj"),
        (bits_ladj_sign, "ladj_sign"),
        (bits_at_x, "at_x"),
        (bits_rows, "rows"),
    ],
    "08.interpolate": [
        (path_straight, "straight"),
        (path_no_root, "no_root"),
        (path_other_pace, "other_pace"),
        (path_great_circle, "great_circle"),
        (path_in_data, "in_data"),
        (path_in_data_shell, "in_data"),
        (path_last_missing, "last_missing"),
        (path_backwards, "backwards"),
        (path_own_length, "own_length"),
        (path_latents, "latents"),
        (path_rows_first, "rows_first"),
        (path_joined, "joined"),
        (path_detached, "detached"),
    ],
    "08.attribute": [
        (edit_reversed, "reversed"),
        (edit_one_mean, "one_mean"),
        (edit_all, "all"),
        (edit_sum, "sums"),
        (edit_mean_of_masked, "sums"),
        (edit_length_one, "length_one"),
        (edit_over_features, "over_features"),
        (edit_no_strength, "no_strength"),
        (edit_direction_only, "direction_only"),
        (edit_direction_rows, "direction_only"),
        (edit_scaled, "scaled"),
        (edit_blend, "blend"),
        (edit_in_place, "in_place"),
        (edit_detached, "detached"),
    ],
}
