"""Answers to chapter 14's exercises, as learners write them: right ones, and wrong ones with the mistake they make."""

import math

import torch
import torch.nn.functional as F
from torch.distributions import Normal

C = 0.5 * math.log(2 * math.pi)

# 14.set_log_prob --------------------------------------------------------------------------------------------------


def set_loop(flow, points, code):
    totals = []
    for cloud, s in zip(points, code):
        z, ladj = flow.encode(cloud, s.expand(len(cloud), -1))
        totals.append(Normal(torch.zeros_like(z), torch.ones_like(z)).log_prob(z).sum() + ladj.sum())
    return torch.stack(totals)


def set_points_in_turn(flow, points, code):
    total = 0
    for i in range(points.shape[1]):
        z, ladj = flow.encode(points[:, i], code)
        total = total + ladj - 0.5 * (z**2).sum(dim=1) - 1.5 * math.log(2 * math.pi)
    return total


def set_expanded(flow, points, code):
    N, P, D = points.shape
    codes = code[:, None, :].expand(-1, P, -1).reshape(N * P, -1)
    z, ladj = flow.encode(points.flatten(0, 1), codes)
    base = -0.5 * z.reshape(N, P * D).square().sum(-1) - 0.5 * P * D * math.log(2 * math.pi)
    return base + ladj.reshape(N, P).sum(-1)


def set_index_add(flow, points, code):
    N, P = points.shape[:2]
    owner = torch.arange(N, device=points.device).repeat_interleave(P)
    z, ladj = flow.encode(points.reshape(-1, 3), code[owner])
    each = ladj - (z.pow(2) / 2 + C).sum(1)
    return torch.zeros_like(code[:, 0]).index_add(0, owner, each)


def set_places_first(flow, points, code):
    N, P, _ = points.shape
    z, ladj = flow.encode(points.transpose(0, 1).reshape(N * P, 3), code.repeat(P, 1))
    return (ladj + (-0.5 * z**2 - C).sum(1)).view(P, N).sum(0)


def _rows(flow, points, code):
    """z (N, P, 3) and ladj (N, P)."""
    N, P, _ = points.shape
    z, ladj = flow.encode(points.reshape(N * P, 3), code.repeat_interleave(P, dim=0))
    return z.reshape(N, P, 3), ladj.reshape(N, P)


def _normal(z):
    return (-0.5 * z**2 - C).sum(-1)


def set_ladj_broadcast(flow, points, code):
    z, ladj = _rows(flow, points, code)
    return (_normal(z).sum(1, keepdim=True) + ladj).sum(1)


def set_ladj_of_all(flow, points, code):
    z, ladj = _rows(flow, points, code)
    return (_normal(z) + ladj.sum(1)[:, None]).sum(1)


def set_ladj_each_coordinate(flow, points, code):
    z, ladj = _rows(flow, points, code)
    return (-0.5 * z**2 - C + ladj[..., None]).sum((1, 2))


def set_ladj_mean(flow, points, code):
    z, ladj = _rows(flow, points, code)
    return _normal(z).sum(1) + ladj.mean(1)


def set_no_ladj(flow, points, code):
    return _normal(_rows(flow, points, code)[0]).sum(1)


def set_ladj_sign(flow, points, code):
    z, ladj = _rows(flow, points, code)
    return (_normal(z) - ladj).sum(1)


def set_ladj_twice(flow, points, code):
    z, ladj = _rows(flow, points, code)
    return (_normal(z) + ladj).sum(1) + ladj.sum(1)


def set_ladj_only(flow, points, code):
    return _rows(flow, points, code)[1].sum(1)


def set_mean(flow, points, code):
    z, ladj = _rows(flow, points, code)
    return (_normal(z) + ladj).mean(dim=1)


def set_mean_of_coordinates(flow, points, code):
    z, ladj = _rows(flow, points, code)
    return ((-0.5 * z**2 - C).mean(-1) + ladj).sum(1)


def set_no_constant(flow, points, code):
    z, ladj = _rows(flow, points, code)
    return -0.5 * (z**2).sum((1, 2)) + ladj.sum(1)


def set_constant_once(flow, points, code):
    z, ladj = _rows(flow, points, code)
    return -0.5 * (z**2).sum((1, 2)) - C + ladj.sum(1)


def set_constant_each_point(flow, points, code):
    z, ladj = _rows(flow, points, code)
    return (-0.5 * (z**2).sum(2) - C + ladj).sum(1)


def set_constant_double(flow, points, code):
    z, ladj = _rows(flow, points, code)
    return ((-0.5 * z**2 - math.log(2 * math.pi)).sum(2) + ladj).sum(1)


def set_no_half(flow, points, code):
    z, ladj = _rows(flow, points, code)
    return ((-(z**2) - C).sum(2) + ladj).sum(1)


def set_at_x(flow, points, code):
    z, ladj = _rows(flow, points, code)
    return (_normal(points) + ladj).sum(1)


def set_decode(flow, points, code):
    N, P, _ = points.shape
    z, ladj = flow.decode(points.reshape(N * P, 3), code.repeat_interleave(P, 0))
    return (_normal(z) + ladj).view(N, P).sum(1)


def set_codes_in_turn(flow, points, code):
    N, P, _ = points.shape
    z, ladj = flow.encode(points.reshape(-1, 3), code.repeat(P, 1))
    return (_normal(z) + ladj).view(N, P).sum(1)


def set_first_code(flow, points, code):
    return set_loop(flow, points, code[:1].expand_as(code))


def set_zero_code(flow, points, code):
    return set_loop(flow, points, torch.zeros_like(code))


def set_wrong_view(flow, points, code):
    N, P, _ = points.shape
    z, ladj = flow.encode(points.reshape(-1, 3), code.repeat_interleave(P, 0))
    return (_normal(z) + ladj).view(P, N).sum(0)


def set_places_first_alone(flow, points, code):
    N, P, _ = points.shape
    z, ladj = flow.encode(points.transpose(0, 1).reshape(-1, 3), code.repeat_interleave(P, 0))
    return (_normal(z) + ladj).view(N, P).sum(1)


def set_mixed_coordinates(flow, points, code):
    return set_loop(flow, points.permute(0, 2, 1).reshape(points.shape), code)


def set_centred(flow, points, code):
    return set_loop(flow, points - points.mean(1, keepdim=True), code)


def set_not_summed(flow, points, code):
    z, ladj = _rows(flow, points, code)
    return _normal(z) + ladj


def set_over_sets(flow, points, code):
    z, ladj = _rows(flow, points, code)
    return (_normal(z) + ladj).sum(0)


def set_whole_batch(flow, points, code):
    z, ladj = _rows(flow, points, code)
    return _normal(z).sum() + ladj.sum()


def set_product(flow, points, code):
    z, ladj = _rows(flow, points, code)
    return torch.log(torch.prod(torch.exp(_normal(z) + ladj), dim=1))


def set_density(flow, points, code):
    return set_loop(flow, points, code).exp()


def set_mixture(flow, points, code):
    z, ladj = _rows(flow, points, code)
    return torch.logsumexp(_normal(z) + ladj, 1)


def set_orders(flow, points, code):
    return set_loop(flow, points, code) + math.lgamma(points.shape[1] + 1)


def set_one_point(flow, points, code):
    z, ladj = flow.encode(points[:, 0], code)
    return _normal(z) + ladj


def set_negated(flow, points, code):
    return -set_loop(flow, points, code)


def set_not_rows(flow, points, code):
    z, ladj = flow.encode(points, code[:, None].expand(-1, points.shape[1], -1))
    return (_normal(z) + ladj).sum(1)


def set_codes_not_repeated(flow, points, code):
    z, ladj = flow.encode(points.flatten(0, 1), code)
    return (_normal(z) + ladj).view(points.shape[:2]).sum(1)


def set_code_not_passed(flow, points, code):
    z, ladj = flow.encode(points.flatten(0, 1))
    return (_normal(z) + ladj).view(points.shape[:2]).sum(1)


def set_in_place(flow, points, code):
    N, P, _ = points.shape
    z, ladj = flow.encode(points.view(N * P, 3), code.repeat_interleave(P, 0))
    points.copy_(z.view(N, P, 3))
    return (_normal(points) + ladj.view(N, P)).sum(1)


@torch.no_grad()
def set_no_grad(flow, points, code):
    return set_loop(flow, points, code)


# 14.sample --------------------------------------------------------------------------------------------------------


def sample_loop(flow, code, count, generator):
    shapes = []
    for s in code:
        z = torch.randn((count, 3), generator=generator).to(code)
        shapes.append(flow.decode(z, s.expand(count, -1))[0])
    return torch.stack(shapes)


def sample_expanded(flow, code, count, generator):
    N, K = code.shape
    z = torch.empty(N, count, 3, dtype=code.dtype).normal_(generator=generator)
    x, ladj = flow.decode(z.flatten(0, 1), code[:, None].expand(N, count, K).reshape(-1, K))
    return x.unflatten(0, (N, count))


def sample_places_first(flow, code, count, generator):
    z = torch.randn(count * len(code), 3, generator=generator, dtype=code.dtype)
    return flow.decode(z, code.repeat(count, 1))[0].view(count, len(code), 3).transpose(0, 1)


def sample_inverse_cdf(flow, code, count, generator):
    u = torch.rand(len(code) * count, 3, generator=generator, dtype=torch.float64).clamp(1e-12)
    x, _ = flow.decode(Normal(0.0, 1.0).icdf(u).to(code.dtype), code.repeat_interleave(count, 0))
    return x.reshape(len(code), count, 3)


@torch.no_grad()
def sample_one_by_one(flow, code, count, generator):
    points = [flow.decode(torch.randn(len(code), 3, generator=generator).to(code), code)[0] for _ in range(count)]
    return torch.stack(points, dim=1)


def _noise(code, count, generator):
    return torch.randn(len(code) * count, 3, generator=generator, dtype=code.dtype)


def _sampled(flow, code, z):
    """Points (N, count, 3) of latents (N * count, 3)."""
    count = len(z) // len(code)
    return flow.decode(z, code.repeat_interleave(count, 0))[0].view(len(code), count, 3)


def sample_pair(flow, code, count, generator):
    return flow.decode(_noise(code, count, generator), code.repeat_interleave(count, 0))


def sample_ladj(flow, code, count, generator):
    return sample_pair(flow, code, count, generator)[1].view(len(code), count)


def sample_flat(flow, code, count, generator):
    return sample_pair(flow, code, count, generator)[0]


def sample_points_first(flow, code, count, generator):
    return sample_places_first(flow, code, count, generator).transpose(0, 1)


def sample_transposed(flow, code, count, generator):
    return sample_loop(flow, code, count, generator).mT


def sample_one_point(flow, code, count, generator):
    return flow.decode(torch.randn(len(code), 3, generator=generator, dtype=code.dtype), code)[0]


def sample_one_shape(flow, code, count, generator):
    return sample_loop(flow, code[:1], count, generator)[0]


def sample_repeated(flow, code, count, generator):
    z = torch.randn(len(code), 3, generator=generator, dtype=code.dtype)
    return _sampled(flow, code, z.repeat_interleave(count, 0))


def sample_mode(flow, code, count, generator):
    return _sampled(flow, code, torch.zeros(len(code) * count, 3, dtype=code.dtype))


def sample_shared_noise(flow, code, count, generator):
    z = torch.randn(count, 3, generator=generator, dtype=code.dtype)
    return torch.stack([flow.decode(z, s.expand(count, -1))[0] for s in code])


def sample_shared_coordinates(flow, code, count, generator):
    z = torch.randn(len(code) * count, 1, generator=generator, dtype=code.dtype)
    return _sampled(flow, code, z.expand(-1, 3))


def sample_codes_in_turn(flow, code, count, generator):
    x, _ = flow.decode(_noise(code, count, generator), code.repeat(count, 1))
    return x.view(len(code), count, 3)


def sample_mixed_rows(flow, code, count, generator):
    x, _ = flow.decode(_noise(code, count, generator), code.repeat_interleave(count, 0))
    return x.view(count, len(code), 3).transpose(0, 1)


def sample_mixed_coordinates(flow, code, count, generator):
    x, _ = flow.decode(_noise(code, count, generator), code.repeat_interleave(count, 0))
    return x.view(len(code), 3, count).transpose(1, 2)


def sample_first_code(flow, code, count, generator):
    return _sampled(flow, code[:1].expand_as(code), _noise(code, count, generator))


def sample_last_code(flow, code, count, generator):
    return _sampled(flow, code[-1].expand_as(code), _noise(code, count, generator))


def sample_mean_code(flow, code, count, generator):
    return _sampled(flow, code.mean(0, keepdim=True).expand_as(code), _noise(code, count, generator))


def sample_zero_code(flow, code, count, generator):
    return _sampled(flow, torch.zeros_like(code), _noise(code, count, generator))


def sample_not_decoded(flow, code, count, generator):
    return _noise(code, count, generator).view(len(code), count, 3)


def sample_encoded(flow, code, count, generator):
    x, _ = flow.encode(_noise(code, count, generator), code.repeat_interleave(count, 0))
    return x.view(len(code), count, 3)


def sample_decoded_twice(flow, code, count, generator):
    return _sampled(flow, code, sample_loop(flow, code, count, generator).flatten(0, 1))


def sample_noise_after(flow, code, count, generator):
    noise = _noise(code, count, generator).view(len(code), count, 3)
    return sample_mode(flow, code, count, generator) + noise


def sample_uniform(flow, code, count, generator):
    return _sampled(flow, code, torch.rand(len(code) * count, 3, generator=generator, dtype=code.dtype))


def sample_uniform_both_sides(flow, code, count, generator):
    u = torch.rand(len(code) * count, 3, generator=generator, dtype=code.dtype)
    return _sampled(flow, code, math.sqrt(12) * (u - 0.5))


def sample_cut_off(flow, code, count, generator):
    return _sampled(flow, code, _noise(code, count, generator).clamp(-2, 2))


def sample_cool(flow, code, count, generator):
    return _sampled(flow, code, 0.8 * _noise(code, count, generator))


def sample_shifted(flow, code, count, generator):
    return _sampled(flow, code, 0.3 + _noise(code, count, generator))


def sample_no_generator(flow, code, count, generator):
    return _sampled(flow, code, torch.randn(len(code) * count, 3, dtype=code.dtype))


def sample_seed_of_generator(flow, code, count, generator):
    again = torch.Generator().manual_seed(generator.initial_seed() % 1000)
    return _sampled(flow, code, _noise(code, count, again))


def sample_own_generator(flow, code, count, generator):
    return _sampled(flow, code, _noise(code, count, torch.Generator().manual_seed(0)))


def sample_single(flow, code, count, generator):
    z = torch.randn(len(code) * count, 3, generator=generator)
    return flow.decode(z, code.repeat_interleave(count, 0))[0].view(len(code), count, 3)


def sample_not_rows(flow, code, count, generator):
    z = torch.randn(len(code), count, 3, generator=generator, dtype=code.dtype)
    return flow.decode(z, code[:, None].expand(-1, count, -1))[0]


def sample_codes_not_repeated(flow, code, count, generator):
    x, _ = flow.decode(_noise(code, count, generator), code)
    return x.view(len(code), count, 3)


def sample_code_not_passed(flow, code, count, generator):
    x, _ = flow.decode(_noise(code, count, generator))
    return x.view(len(code), count, 3)


def sample_in_place(flow, code, count, generator):
    codes = code.unsqueeze_(1).expand(-1, count, -1)
    x, _ = flow.decode(_noise(code, count, generator), codes.reshape(len(code) * count, -1))
    return x.view(len(code), count, 3)


# 14.chamfer -------------------------------------------------------------------------------------------------------


def chamfer_broadcast(x, y):
    d = ((x.unsqueeze(2) - y.unsqueeze(1)) ** 2).sum(-1)
    return d.min(dim=2).values.mean(dim=1) + d.min(dim=1)[0].mean(dim=1)


def chamfer_loop(x, y):
    totals = []
    for a, b in zip(x, y):
        there = torch.stack([(b - point).pow(2).sum(1).min() for point in a]).mean()
        back = torch.stack([(a - point).pow(2).sum(1).min() for point in b]).mean()
        totals.append(there + back)
    return torch.stack(totals)


def chamfer_expanded(x, y):
    d = x.pow(2).sum(2)[:, :, None] - 2 * torch.einsum("npd,nqd->npq", x, y) + y.pow(2).sum(2)[:, None]
    d = d.clamp(min=0)
    return d.amin(dim=-1).sum(-1) / x.shape[1] + d.amin(dim=-2).sum(-1) / y.shape[1]


def chamfer_tree(x, y):
    from scipy.spatial import cKDTree

    totals = []
    for a, b in zip(x.detach().cpu().numpy(), y.detach().cpu().numpy()):
        totals.append((cKDTree(b).query(a)[0] ** 2).mean() + (cKDTree(a).query(b)[0] ** 2).mean())
    return torch.tensor(totals, dtype=x.dtype, device=x.device)


def chamfer_gather(x, y):
    way = torch.cdist(x, y)
    to_y = way.argmin(2)[..., None].expand(-1, -1, 3)
    to_x = way.argmin(1)[..., None].expand(-1, -1, 3)
    there = (x - y.gather(1, to_y)).square().sum(2).mean(1)
    return there + (y - x.gather(1, to_x)).square().sum(2).mean(1)


def _squares(x, y):
    return (x[:, :, None] - y[:, None]).square().sum(-1)


def chamfer_there(x, y):
    return _squares(x, y).min(2).values.mean(1)


def chamfer_back(x, y):
    return _squares(x, y).min(1).values.mean(1)


def chamfer_same_way_twice(x, y):
    d = _squares(x, y)
    return d.amin(2).mean(1) + d.amin(2).mean(1)


def chamfer_not_squared(x, y):
    d = torch.cdist(x, y)
    return d.amin(2).mean(1) + d.amin(1).mean(1)


def chamfer_root(x, y):
    d = _squares(x, y)
    return d.amin(2).mean(1).sqrt() + d.amin(1).mean(1).sqrt()


def chamfer_root_of_all(x, y):
    return chamfer_broadcast(x, y) ** 0.5


def chamfer_fourth_power(x, y):
    d = _squares(x, y) ** 2
    return d.amin(2).mean(1) + d.amin(1).mean(1)


def chamfer_square_of_mean(x, y):
    d = torch.cdist(x, y)
    return d.amin(2).mean(1) ** 2 + d.amin(1).mean(1) ** 2


def chamfer_halved(x, y):
    return 0.5 * chamfer_broadcast(x, y)


def chamfer_larger(x, y):
    d = _squares(x, y)
    return torch.max(d.amin(2).mean(1), d.amin(1).mean(1))


def chamfer_sum(x, y):
    d = _squares(x, y)
    return d.amin(2).sum(1) + d.amin(1).sum(1)


def chamfer_all_points(x, y):
    d = _squares(x, y)
    return torch.cat((d.amin(2), d.amin(1)), 1).mean(1)


def chamfer_by_p(x, y):
    d = _squares(x, y)
    return (d.amin(2).sum(1) + d.amin(1).sum(1)) / x.shape[1]


def chamfer_hausdorff(x, y):
    d = _squares(x, y)
    return torch.maximum(d.amin(2).amax(1), d.amin(1).amax(1))


def chamfer_median(x, y):
    d = _squares(x, y)
    return d.amin(2).median(dim=1).values + d.amin(1).median(dim=1).values


def chamfer_all_pairs(x, y):
    return _squares(x, y).flatten(1).mean(1)


def chamfer_farthest(x, y):
    d = _squares(x, y)
    return d.max(2).values.mean(1) + d.max(1).values.mean(1)


def chamfer_nearest_pair(x, y):
    return _squares(x, y).flatten(1).min(1).values


def chamfer_mean_of_coordinates(x, y):
    d = (x[:, :, None] - y[:, None]).square().mean(-1)
    return d.amin(2).mean(1) + d.amin(1).mean(1)


def chamfer_absolute(x, y):
    d = torch.cdist(x, y, p=1)
    return d.amin(2).mean(1) + d.amin(1).mean(1)


def chamfer_products(x, y):
    d = torch.bmm(x, y.transpose(1, 2))
    return d.amin(2).mean(1) + d.amin(1).mean(1)


def chamfer_any_cloud(x, y):
    N, P, _ = x.shape
    d = torch.cdist(x.reshape(-1, 3), y.reshape(-1, 3)) ** 2
    return d.min(1).values.view(N, P).mean(1) + d.min(0).values.view(N, -1).mean(1)


def chamfer_by_index(x, y):
    return ((x - y) ** 2).sum(-1).mean(-1)


def chamfer_by_index_cut(x, y):
    n = min(x.shape[1], y.shape[1])
    return ((x[:, :n] - y[:, :n]) ** 2).sum(-1).mean(-1)


def chamfer_cut(x, y):
    n = min(x.shape[1], y.shape[1])
    return chamfer_broadcast(x[:, :n], y[:, :n])


def chamfer_centres(x, y):
    return F.pairwise_distance(x.mean(1), y.mean(1), eps=0) ** 2


def chamfer_centred(x, y):
    return chamfer_broadcast(x - x.mean(dim=1, keepdim=True), y - y.mean(dim=1, keepdim=True))


def chamfer_batch_mean(x, y):
    return chamfer_broadcast(x, y).mean()


def chamfer_not_averaged(x, y):
    d = _squares(x, y)
    return d.amin(2) + d.amin(1)


def chamfer_each_point(x, y):
    return _squares(x, y).min(2).values


def chamfer_with_places(x, y):
    d = _squares(x, y)
    return d.min(2).mean(1) + d.min(1).mean(1)


def chamfer_places(x, y):
    return _squares(x, y).argmin(2).to(x).mean(1)


def chamfer_in_place(x, y):
    y -= x.mean(1, keepdim=True)
    return chamfer_broadcast(x - x.mean(1, keepdim=True), y)


# 14.bound ---------------------------------------------------------------------------------------------------------


def bound_distributions(encoder, flow, prior, points, noise):
    N, P, D = points.shape
    out = encoder(points.flatten(0, 1)).view(N, P, -1).mean(dim=1)
    q = Normal(out[:, : noise.shape[1]], out[:, noise.shape[1] :].exp())
    s = q.loc + q.scale * noise
    z, ladj = flow.encode(points.flatten(0, 1), s[:, None].expand(-1, P, -1).flatten(0, 1))
    log_x = Normal(torch.zeros_like(z), torch.ones_like(z)).log_prob(z).sum(1) + ladj
    return log_x.view(N, P).sum(1) + prior.log_prob(s) - q.log_prob(s).sum(1)


def bound_loop(encoder, flow, prior, points, noise):
    bounds = []
    for cloud, e in zip(points, noise):
        m, r = encoder(cloud).mean(0).chunk(2)
        s = m + torch.exp(r) * e
        z, ladj = flow.encode(cloud, s.repeat(len(cloud), 1))
        value = ladj.sum() - 0.5 * (z**2).sum() - 3 * len(cloud) * C
        value = value + prior.log_prob(s[None])[0]
        bounds.append(value + 0.5 * (e**2).sum() + r.sum() + len(e) * C)
    return torch.stack(bounds)


def bound_points_in_turn(encoder, flow, prior, points, noise):
    N, P, _ = points.shape
    K = noise.shape[1]
    guess = sum(encoder(points[:, i]) for i in range(P)) / P
    mean, std = guess[:, :K], torch.exp(guess[:, K:])
    s = torch.addcmul(mean, std, noise)
    total = prior.log_prob(s) + (0.5 * ((s - mean) / std) ** 2 + std.log() + C).sum(1)
    for i in range(P):
        z, ladj = flow.encode(points[:, i], s)
        total = total + _normal(z) + ladj
    return total


def bound_by_the_set(encoder, flow, prior, points, noise):
    N, P, _ = points.shape
    m, r = torch.einsum("npk->nk", encoder(points.reshape(-1, 3)).view(N, P, -1) / P).tensor_split(2, dim=1)
    s = m + r.exp() * noise
    log_q = -0.5 * noise.pow(2).sum(1) - r.sum(1) - 0.5 * noise.shape[1] * math.log(2 * math.pi)
    return set_expanded(flow, points, s) + (prior.log_prob(s) - log_q)


def _guess(encoder, points):
    N, P, _ = points.shape
    return encoder(points.reshape(N * P, 3)).view(N, P, -1).mean(1).chunk(2, 1)


def _log_q(r, e):
    return (-0.5 * e**2 - r - C).sum(1)


def _bound(encoder, flow, prior, points, noise):
    """log p(X | s), log p(s), log q, as they should be."""
    m, r = _guess(encoder, points)
    s = m + r.exp() * noise
    return set_loop(flow, points, s), prior.log_prob(s), _log_q(r, noise)


def _with_code(encoder, flow, prior, points, noise, code, guess=_guess):
    """The bound with another code, or another guess."""
    m, r = guess(encoder, points)
    s = code(m, r)
    return set_loop(flow, points, s) + prior.log_prob(s) - _log_q(r, noise)


def bound_no_log_q(*args):
    like, p, q = _bound(*args)
    return like + p


def bound_log_q_sign(*args):
    like, p, q = _bound(*args)
    return like + p + q


def bound_no_prior(*args):
    like, p, q = _bound(*args)
    return like - q


def bound_prior_sign(*args):
    like, p, q = _bound(*args)
    return like - p - q


def bound_likelihood_only(*args):
    return _bound(*args)[0]


def bound_code_only(*args):
    like, p, q = _bound(*args)
    return p - q


def bound_code_of_each_point(encoder, flow, prior, points, noise):
    like, p, q = _bound(encoder, flow, prior, points, noise)
    return like + points.shape[1] * (p - q)


def bound_mean_over_points(encoder, flow, prior, points, noise):
    like, p, q = _bound(encoder, flow, prior, points, noise)
    return like / points.shape[1] + p - q


def bound_per_point(encoder, flow, prior, points, noise):
    like, p, q = _bound(encoder, flow, prior, points, noise)
    return (like + p - q) / points.shape[1]


def bound_density_of_noise(encoder, flow, prior, points, noise):
    like, p, _ = _bound(encoder, flow, prior, points, noise)
    return like + p - Normal(torch.zeros_like(noise), torch.ones_like(noise)).log_prob(noise).sum(1)


def bound_log_std_sign(encoder, flow, prior, points, noise):
    like, p, _ = _bound(encoder, flow, prior, points, noise)
    return like + p - _log_q(-_guess(encoder, points)[1], noise)


def bound_standardised_twice(encoder, flow, prior, points, noise):
    like, p, _ = _bound(encoder, flow, prior, points, noise)
    r = _guess(encoder, points)[1]
    return like + p - _log_q(r, noise / r.exp())


def bound_q_at_mean(encoder, flow, prior, points, noise):
    like, p, _ = _bound(encoder, flow, prior, points, noise)
    m, r = _guess(encoder, points)
    return like + p - Normal(m, r.exp()).log_prob(m).sum(1)


def bound_entropy(encoder, flow, prior, points, noise):
    like, p, _ = _bound(encoder, flow, prior, points, noise)
    m, r = _guess(encoder, points)
    return like + p + Normal(m, r.exp()).entropy().sum(1)


def bound_q_constant(encoder, flow, prior, points, noise):
    like, p, _ = _bound(encoder, flow, prior, points, noise)
    return like + p + (0.5 * noise**2 + _guess(encoder, points)[1]).sum(1)


def bound_q_mean(encoder, flow, prior, points, noise):
    like, p, _ = _bound(encoder, flow, prior, points, noise)
    m, r = _guess(encoder, points)
    return like + p - Normal(m, r.exp()).log_prob(m + r.exp() * noise).mean(1)


def bound_prior_at_noise(encoder, flow, prior, points, noise):
    like, _, q = _bound(encoder, flow, prior, points, noise)
    return like + prior.log_prob(noise) - q


def bound_prior_at_mean(encoder, flow, prior, points, noise):
    like, _, q = _bound(encoder, flow, prior, points, noise)
    return like + prior.log_prob(_guess(encoder, points)[0]) - q


def bound_standard_prior(encoder, flow, prior, points, noise):
    like, _, q = _bound(encoder, flow, prior, points, noise)
    m, r = _guess(encoder, points)
    return like + _normal(m + r.exp() * noise) - q


def bound_analytic(encoder, flow, prior, points, noise):
    m, r = _guess(encoder, points)
    kl = -0.5 * torch.sum(1 + 2 * r - m.pow(2) - (2 * r).exp(), dim=1)
    return _bound(encoder, flow, prior, points, noise)[0] - kl


def bound_mean_code(encoder, flow, prior, points, noise):
    _, p, q = _bound(encoder, flow, prior, points, noise)
    return set_loop(flow, points, _guess(encoder, points)[0]) + p - q


def bound_noise_code(encoder, flow, prior, points, noise):
    return _with_code(encoder, flow, prior, points, noise, lambda m, r: noise)


def bound_no_std(encoder, flow, prior, points, noise):
    return _with_code(encoder, flow, prior, points, noise, lambda m, r: m + noise)


def bound_no_mean(encoder, flow, prior, points, noise):
    return _with_code(encoder, flow, prior, points, noise, lambda m, r: r.exp() * noise)


def bound_minus(encoder, flow, prior, points, noise):
    return _with_code(encoder, flow, prior, points, noise, lambda m, r: m - r.exp() * noise)


def bound_not_exp(encoder, flow, prior, points, noise):
    return _with_code(encoder, flow, prior, points, noise, lambda m, r: m + r * noise)


def bound_variance(encoder, flow, prior, points, noise):
    return _with_code(encoder, flow, prior, points, noise, lambda m, r: m + torch.exp(0.5 * r) * noise)


def bound_variance_everywhere(encoder, flow, prior, points, noise):
    m, r = _guess(encoder, points)
    q = Normal(m, r.exp().sqrt())
    s = m + q.scale * noise
    return set_loop(flow, points, s) + prior.log_prob(s) - q.log_prob(s).sum(1)


def bound_softplus(encoder, flow, prior, points, noise):
    m, r = _guess(encoder, points)
    q = Normal(m, F.softplus(r))
    s = m + q.scale * noise
    return set_loop(flow, points, s) + prior.log_prob(s) - q.log_prob(s).sum(1)


def bound_exchanged(encoder, flow, prior, points, noise):
    def guess(encoder, points):
        log_std, mean = _guess(encoder, points)
        return mean, log_std

    return _with_code(encoder, flow, prior, points, noise, lambda m, r: m + r.exp() * noise, guess)


def bound_interleaved(encoder, flow, prior, points, noise):
    def guess(encoder, points):
        return torch.cat(_guess(encoder, points), 1).unflatten(1, (-1, 2)).unbind(2)

    return _with_code(encoder, flow, prior, points, noise, lambda m, r: m + r.exp() * noise, guess)


def _summary(encoder, flow, prior, points, noise, change):
    N, P, _ = points.shape
    guess = lambda encoder, points: change(encoder(points.reshape(N * P, 3)).view(N, P, -1)).chunk(2, 1)  # noqa: E731
    return _with_code(encoder, flow, prior, points, noise, lambda m, r: m + r.exp() * noise, guess)


def bound_maximum(*args):
    return _summary(*args, lambda out: out.max(dim=1).values)


def bound_sum_of_points(*args):
    return _summary(*args, lambda out: out.sum(dim=1))


def bound_first_point(*args):
    return _summary(*args, lambda out: out[:, 0])


def bound_mean_first(encoder, flow, prior, points, noise):
    def guess(encoder, points):
        return encoder(points.mean(1)).chunk(2, 1)

    return _with_code(encoder, flow, prior, points, noise, lambda m, r: m + r.exp() * noise, guess)


def bound_over_sets(*args):
    return _summary(*args, lambda out: out.mean((0, 1)).expand(len(out), -1))


def _like(encoder, flow, prior, points, noise, formula):
    m, r = _guess(encoder, points)
    s = m + r.exp() * noise
    return formula(*_rows(flow, points, s)) + prior.log_prob(s) - _log_q(r, noise)


def bound_no_ladj(*args):
    return _like(*args, lambda z, ladj: _normal(z).sum(1))


def bound_ladj_sign(*args):
    return _like(*args, lambda z, ladj: _normal(z).sum(1) - ladj.sum(1))


def bound_ladj_of_the_set(*args):
    return _like(*args, lambda z, ladj: (_normal(z).sum(1, keepdim=True) + ladj).sum(1))


def bound_point_constant(*args):
    return _like(*args, lambda z, ladj: (-0.5 * (z**2).sum(-1) + ladj).sum(1))


def bound_codes_in_turn(encoder, flow, prior, points, noise):
    m, r = _guess(encoder, points)
    s = m + r.exp() * noise
    return set_codes_in_turn(flow, points, s) + prior.log_prob(s) - _log_q(r, noise)


def bound_negated(*args):
    return -bound_loop(*args)


def bound_whole_batch(*args):
    return bound_loop(*args).mean()


def bound_product(*args):
    return _like(*args, lambda z, ladj: (_normal(z) + ladj).exp().prod(1).log())


def bound_ratio(*args):
    like, p, q = _bound(*args)
    return torch.log(like.exp() * p.exp() / q.exp())


def bound_encoder_of_sets(encoder, flow, prior, points, noise):
    m, r = encoder(points).mean(1).chunk(2, 1)
    s = m + r.exp() * noise
    return set_loop(flow, points, s) + prior.log_prob(s) - _log_q(r, noise)


def bound_in_place(encoder, flow, prior, points, noise):
    m, r = _guess(encoder, points)
    log_q = _log_q(r, noise)
    s = noise.mul_(r.exp()).add_(m)
    return set_loop(flow, points, s) + prior.log_prob(s) - log_q


def bound_code_detached(encoder, flow, prior, points, noise):
    m, r = _guess(encoder, points)
    s = (m + r.exp() * noise).detach()
    return set_loop(flow, points, s) + prior.log_prob(s) - _log_q(r, noise)


def bound_guess_detached(encoder, flow, prior, points, noise):
    with torch.no_grad():
        m, r = _guess(encoder, points)
    s = m + r.exp() * noise
    return set_loop(flow, points, s) + prior.log_prob(s) - _log_q(r, noise)


RIGHT = {
    "14.set_log_prob": [(set_loop,), (set_points_in_turn,), (set_expanded,), (set_index_add,), (set_places_first,)],
    "14.sample": [
        (sample_loop,),
        (sample_expanded,),
        (sample_places_first,),
        (sample_inverse_cdf,),
        (sample_one_by_one,),
    ],
    "14.chamfer": [(chamfer_broadcast,), (chamfer_loop,), (chamfer_expanded,), (chamfer_tree,), (chamfer_gather,)],
    "14.bound": [(bound_distributions,), (bound_loop,), (bound_points_in_turn,), (bound_by_the_set,)],
}

WRONG = {
    "14.set_log_prob": [
        (set_ladj_broadcast, "ladj_of_the_set"),
        (set_ladj_of_all, "ladj_of_the_set"),
        (set_ladj_each_coordinate, "ladj_each_coordinate"),
        (set_ladj_mean, "ladj_once"),
        (set_no_ladj, "no_ladj"),
        (set_ladj_sign, "ladj_sign"),
        (set_ladj_twice, "ladj_twice"),
        (set_ladj_only, "ladj_only"),
        (set_mean, "mean"),
        (set_mean_of_coordinates, "mean_of_coordinates"),
        (set_no_constant, "no_constant"),
        (set_constant_once, "constant_once"),
        (set_constant_each_point, "constant_once"),
        (set_constant_double, "constant_other"),
        (set_no_half, "square"),
        (set_at_x, "at_x"),
        (set_decode, "decode"),
        (set_codes_in_turn, "codes_in_turn"),
        (set_first_code, "one_code"),
        (set_zero_code, "no_code"),
        (set_wrong_view, "mixed_rows"),
        (set_places_first_alone, "mixed_rows"),
        (set_mixed_coordinates, "mixed_coordinates"),
        (set_centred, "centred"),
        (set_not_summed, "not_summed"),
        (set_over_sets, "over_sets"),
        (set_whole_batch, "whole_batch"),
        (set_product, "product"),
        (set_density, "density"),
        (set_mixture, "mixture"),
        (set_orders, "orders"),
        (set_one_point, "one_point"),
        (set_negated, "negated"),
        (set_not_rows, "not_rows"),
        (set_codes_not_repeated, "codes_not_repeated"),
        (set_code_not_passed, "code_not_passed"),
        (set_in_place, "in_place"),
        (set_no_grad, "detached"),
    ],
    "14.sample": [
        (sample_pair, "pair"),
        (sample_ladj, "ladj"),
        (sample_flat, "flat"),
        (sample_points_first, "points_first"),
        (sample_transposed, "transposed"),
        (sample_one_point, "one_point"),
        (sample_one_shape, "one_shape"),
        (sample_repeated, "repeated"),
        (sample_mode, "repeated"),
        (sample_shared_noise, "shared_noise"),
        (sample_shared_coordinates, "shared_coordinates"),
        (sample_codes_in_turn, "codes_in_turn"),
        (sample_mixed_rows, "mixed_rows"),
        (sample_mixed_coordinates, "mixed_coordinates"),
        (sample_first_code, "one_code"),
        (sample_last_code, "one_code"),
        (sample_mean_code, "one_code"),
        (sample_zero_code, "no_code"),
        (sample_not_decoded, "not_decoded"),
        (sample_encoded, "encoded"),
        (sample_decoded_twice, "decoded_twice"),
        (sample_noise_after, "noise_after"),
        (sample_uniform, "uniform"),
        (sample_uniform_both_sides, "uniform"),
        (sample_cut_off, "cut_off"),
        (sample_cool, "other_normal"),
        (sample_shifted, "other_normal"),
        (sample_no_generator, "generator"),
        (sample_seed_of_generator, "generator"),
        (sample_own_generator, "generator"),
        (sample_single, "single"),
        (sample_not_rows, "not_rows"),
        (sample_codes_not_repeated, "codes_not_repeated"),
        (sample_code_not_passed, "code_not_passed"),
        (sample_in_place, "in_place"),
    ],
    "14.chamfer": [
        (chamfer_there, "one_way"),
        (chamfer_back, "one_way"),
        (chamfer_same_way_twice, "same_way_twice"),
        (chamfer_not_squared, "not_squared"),
        (chamfer_root, "root"),
        (chamfer_root_of_all, "root"),
        (chamfer_fourth_power, "squared_twice"),
        (chamfer_square_of_mean, "square_of_mean"),
        (chamfer_halved, "halved"),
        (chamfer_larger, "larger"),
        (chamfer_sum, "sum"),
        (chamfer_all_points, "wrong_count"),
        (chamfer_by_p, "wrong_count"),
        (chamfer_hausdorff, "worst_point"),
        (chamfer_median, "median"),
        (chamfer_all_pairs, "all_pairs"),
        (chamfer_farthest, "farthest"),
        (chamfer_nearest_pair, "nearest_pair"),
        (chamfer_mean_of_coordinates, "mean_of_coordinates"),
        (chamfer_absolute, "absolute"),
        (chamfer_products, "products"),
        (chamfer_any_cloud, "other_pairs"),
        (chamfer_by_index, "by_index"),
        (chamfer_by_index_cut, "by_index"),
        (chamfer_cut, "cut"),
        (chamfer_centres, "centres"),
        (chamfer_centred, "centred"),
        (chamfer_batch_mean, "batch_mean"),
        (chamfer_not_averaged, "not_averaged"),
        (chamfer_each_point, "not_averaged"),
        (chamfer_with_places, "with_places"),
        (chamfer_places, "places"),
        (chamfer_in_place, "in_place"),
    ],
    "14.bound": [
        (bound_no_log_q, "no_log_q"),
        (bound_log_q_sign, "log_q_sign"),
        (bound_no_prior, "no_prior"),
        (bound_prior_sign, "prior_sign"),
        (bound_likelihood_only, "likelihood_only"),
        (bound_code_only, "code_only"),
        (bound_code_of_each_point, "code_of_each_point"),
        (bound_mean_over_points, "mean_over_points"),
        (bound_per_point, "mean_over_points"),
        (bound_density_of_noise, "density_of_noise"),
        (bound_log_std_sign, "log_std_sign"),
        (bound_standardised_twice, "standardised_twice"),
        (bound_q_at_mean, "q_at_mean"),
        (bound_entropy, "entropy"),
        (bound_q_constant, "q_constant"),
        (bound_q_mean, "q_mean"),
        (bound_prior_at_noise, "prior_at_noise"),
        (bound_prior_at_mean, "prior_at_mean"),
        (bound_standard_prior, "standard_prior"),
        (bound_analytic, "analytic"),
        (bound_mean_code, "mean_code"),
        (bound_noise_code, "noise_code"),
        (bound_no_std, "no_std"),
        (bound_no_mean, "no_mean"),
        (bound_minus, "minus"),
        (bound_not_exp, "not_exp"),
        (bound_variance, "variance"),
        (bound_variance_everywhere, "variance"),
        (bound_softplus, "softplus"),
        (bound_exchanged, "exchanged"),
        (bound_interleaved, "interleaved"),
        (bound_maximum, "maximum"),
        (bound_sum_of_points, "sum_of_points"),
        (bound_first_point, "first_point"),
        (bound_mean_first, "mean_first"),
        (bound_over_sets, "over_sets"),
        (bound_no_ladj, "no_ladj"),
        (bound_ladj_sign, "ladj_sign"),
        (bound_ladj_of_the_set, "ladj_of_the_set"),
        (bound_point_constant, "point_constant"),
        (bound_codes_in_turn, "codes_in_turn"),
        (bound_negated, "negated"),
        (bound_whole_batch, "whole_batch"),
        (bound_product, "exp"),
        (bound_ratio, "exp"),
        (bound_encoder_of_sets, "encoder_of_sets"),
        (bound_in_place, "in_place"),
        (bound_code_detached, "detached"),
        (bound_guess_detached, "detached"),
    ],
}
