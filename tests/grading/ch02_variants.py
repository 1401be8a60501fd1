"""Answers to chapter 2's exercises, as learners write them: right ones, and wrong ones with the mistake they make."""

import math
import statistics
from functools import reduce
from itertools import accumulate

import numpy as np
import torch
from torch.distributions import MultivariateNormal, Normal

# 02.compose -------------------------------------------------------------------------------------------------------


def compose_list(x, layers):
    h, ladjs = x, []
    for layer in layers:
        h, ladj = layer.encode(h)
        ladjs.append(ladj)
    return h, torch.stack(ladjs).sum(dim=0)


def compose_recursive(x, layers):
    h, ladj = layers[0].encode(x)
    if len(layers) == 1:
        return h, ladj
    z, rest = compose_recursive(h, layers[1:])
    return z, ladj + rest


def compose_zero(x, layers):
    total = 0
    for k in range(len(layers)):
        z, ladj = layers[k].encode(x)
        x = z
        total += ladj
    return x, total


def compose_reduce(x, layers):
    def step(state, layer):
        z, ladj = layer.encode(state[0])
        return z, state[1] + ladj

    return reduce(step, layers, (x, x.new_zeros(len(x))))


def compose_from_decode(x, layers):
    for layer in layers:
        x, _ = layer.encode(x)
    z, total = x, 0
    for layer in reversed(layers):
        x, ladj = layer.decode(x)
        total = total - ladj
    return z, total


def compose_at_x(x, layers):
    z = x
    for layer in layers:
        z, _ = layer.encode(z)
    return z, sum(layer.encode(x)[1] for layer in layers)


def compose_at_output(x, layers):
    total = 0
    for layer in layers:
        x = layer.encode(x)[0]
        total = total + layer.encode(x)[1]
    return x, total


def compose_last_only(x, layers):
    for layer in layers:
        x, ladj = layer.encode(x)
    return x, ladj


def compose_first_only(x, layers):
    z, ladj = layers[0].encode(x)
    for layer in layers[1:]:
        z, _ = layer.encode(z)
    return z, ladj


def compose_mean(x, layers):
    z, total = compose_list(x, layers)
    return z, total / len(layers)


def compose_product(x, layers):
    total = 1
    for layer in layers:
        x, ladj = layer.encode(x)
        total = total * ladj
    return x, total


def compose_negated(x, layers):
    total = 0
    for layer in layers:
        z, _ = layer.encode(x)
        total = total + layer.decode(z)[1]
        x = z
    return x, total


def compose_not_log(x, layers):
    det = 1
    for layer in layers:
        x, ladj = layer.encode(x)
        det = det * torch.exp(ladj)
    return x, det


def compose_whole_batch(x, layers):
    total = 0
    for layer in layers:
        x, ladj = layer.encode(x)
        total = total + ladj.sum()
    return x, total


def compose_stacked(x, layers):
    ladjs = []
    for layer in layers:
        x, ladj = layer.encode(x)
        ladjs.append(ladj)
    return x, torch.stack(ladjs)


def compose_stacked_last(x, layers):
    z, ladjs = compose_stacked(x, layers)
    return z, ladjs.T


def compose_cat(x, layers):
    z, ladjs = compose_stacked(x, layers)
    return z, ladjs.flatten()


def compose_reversed(x, layers):
    total = 0
    for layer in reversed(layers):
        x, ladj = layer.encode(x)
        total = total + ladj
    return x, total


def compose_decodes(x, layers):
    total = 0
    for layer in reversed(layers):
        x, ladj = layer.decode(x)
        total = total + ladj
    return x, total


def compose_decodes_in_order(x, layers):
    total = 0
    for layer in layers:
        x, ladj = layer.decode(x)
        total = total + ladj
    return x, total


def compose_every_layer_sees_x(x, layers):
    total = 0
    for layer in layers:
        z, ladj = layer.encode(x)
        total = total + ladj
    return z, total


def compose_without_last(x, layers):
    total = x.new_zeros(len(x))
    for k in range(len(layers) - 1):
        x, ladj = layers[k].encode(x)
        total = total + ladj
    return x, total


def compose_without_first(x, layers):
    total = x.new_zeros(len(x))
    for k in range(1, len(layers)):
        x, ladj = layers[k].encode(x)
        total = total + ladj
    return x, total


def compose_x_returned(x, layers):
    h, total = x, 0
    for layer in layers:
        h, ladj = layer.encode(h)
        total = total + ladj
    return x, total


def compose_pair_order(x, layers):
    z, total = compose_list(x, layers)
    return total, z


def compose_z_only(x, layers):
    return compose_list(x, layers)[0]


def compose_ladj_only(x, layers):
    return compose_list(x, layers)[1]


def compose_pops(x, layers):
    todo, total = layers.copy(), 0.0
    while len(todo) > 0:
        x, ladj = todo.pop(0).encode(x)
        total = ladj + total
    return [x, total]


def compose_accumulate(x, layers):
    stops = list(accumulate(layers, lambda at, layer: layer.encode(at[0]), initial=(x, torch.zeros_like(x[:, 0]))))
    return stops[-1][0], torch.cat([ladj[None] for _, ladj in stops]).cumsum(0)[-1]


def compose_vmap(x, layers):
    def one(row):
        h, total = row[None], row.new_zeros(1)
        for layer in layers:
            h, ladj = layer.encode(h)
            total = total + ladj
        return h[0], total[0]

    return torch.func.vmap(one)(x)


def compose_in_place_on_copies(x, layers):
    h, total = x.clone(), torch.zeros(x.shape[0], dtype=torch.float64, device=x.device)
    for layer in layers:
        h, ladj = layer.encode(h)
        total += ladj
    return h, total.to(x.dtype)


def compose_einsum(x, layers):
    ladjs = x.new_empty(len(layers), len(x))
    for k, layer in enumerate(layers):
        x, ladjs[k] = layer.encode(x)
    return x, torch.einsum("kn->n", ladjs)


def compose_jacobian(x, layers):
    def stack(row):
        h = row[None]
        for layer in layers:
            h = layer.encode(h)[0]
        return h[0], h[0]

    jacobians, z = torch.func.vmap(torch.func.jacrev(stack, has_aux=True))(x)
    return z, torch.linalg.slogdet(jacobians)[1]


def compose_return_in_the_loop(x, layers):
    total = 0
    for layer in layers:
        x, ladj = layer.encode(x)
        total = total + ladj
        return x, total


def compose_first_without_volume(x, layers):
    return layers[0].encode(x)[0], torch.zeros_like(x[:, 0])


def compose_overwritten_from_x(x, layers):
    for layer in layers:
        z, ladj = layer.encode(x)
    return z, ladj


def compose_absolute(x, layers):
    total = 0
    for layer in layers:
        x, ladj = layer.encode(x)
        total = total + torch.abs(ladj)
    return x, total


def compose_absolute_total(x, layers):
    z, total = compose_list(x, layers)
    return z, torch.abs(total)


def compose_from_one(x, layers):
    total = torch.ones_like(x[:, 0])
    for layer in layers:
        x, ladj = layer.encode(x)
        total = total + ladj
    return x, total


def compose_empties_the_list(x, layers):
    total = 0
    while layers:
        x, ladj = layers.pop(0).encode(x)
        total = total + ladj
    return x, total


def compose_writes_into_x(x, layers):
    total = 0
    for layer in layers:
        x[:], ladj = layer.encode(x.clone())
        total = total + ladj
    return x, total


def compose_detached(x, layers):
    z, total = compose_list(x, layers)
    return z, total.detach()


def compose_item(x, layers):
    total = torch.zeros_like(x[:, 0])
    for layer in layers:
        x, ladj = layer.encode(x)
        for n in range(len(x)):
            total[n] += ladj[n].item()
    return x, total


def compose_through_numpy(x, layers):
    z, total = compose_list(x, layers)
    return torch.from_numpy(z.detach().cpu().numpy()).to(z), torch.from_numpy(total.detach().cpu().numpy()).to(z)


@torch.no_grad()
def compose_no_grad(x, layers):
    return compose_list(x, layers)


# 02.base_swap -----------------------------------------------------------------------------------------------------


def swap_sum(x, bijection, base):
    return sum((base.log_prob(bijection.encode(x)[0]), bijection.encode(x)[1]))


def swap_unpacked(x, bijection, base):
    latent, log_det = bijection.encode(x)
    log_base = base.log_prob(latent)
    return torch.add(log_det, log_base)


def swap_through_decode(x, bijection, base):
    z, _ = bijection.encode(x)
    _, ladj_decode = bijection.decode(z)
    return base.log_prob(z) - ladj_decode


def swap_log_of_product(x, bijection, base):
    z, ladj = bijection.encode(x)
    return torch.log(base.log_prob(z).exp() * ladj.exp())


def swap_rows(x, bijection, base):
    rows = []
    for row in x:
        z, ladj = bijection.encode(row[None])
        rows.append(base.log_prob(z) + ladj)
    return torch.cat(rows)


def swap_base_at_x(x, bijection, base):
    _, ladj = bijection.encode(x)
    return base.log_prob(x) + ladj


def swap_base_alone_at_x(x, bijection, base):
    return base.log_prob(x)


def swap_no_ladj(x, bijection, base):
    return base.log_prob(bijection.encode(x)[0])


def swap_minus_ladj(x, bijection, base):
    z, ladj = bijection.encode(x)
    return base.log_prob(z) - ladj


def swap_normal(x, bijection, base):
    z, ladj = bijection.encode(x)
    return Normal(0.0, 1.0).log_prob(z).sum(1) + ladj


def swap_decode(x, bijection, base):
    z, ladj = bijection.decode(x)
    return base.log_prob(z) + ladj


def swap_decode_minus(x, bijection, base):
    z, ladj = bijection.decode(x)
    return base.log_prob(z) - ladj


def swap_negative(x, bijection, base):
    z, ladj = bijection.encode(x)
    return -base.log_prob(z) - ladj


def swap_not_log(x, bijection, base):
    z, ladj = bijection.encode(x)
    return base.log_prob(z).exp() * ladj.exp()


def swap_exp_ladj(x, bijection, base):
    z, ladj = bijection.encode(x)
    return base.log_prob(z) + torch.exp(ladj)


def swap_product(x, bijection, base):
    z, ladj = bijection.encode(x)
    return base.log_prob(z) * ladj


def swap_mean_ladj(x, bijection, base):
    z, ladj = bijection.encode(x)
    return base.log_prob(z) + ladj.mean()


def swap_sum_ladj(x, bijection, base):
    z, ladj = bijection.encode(x)
    return base.log_prob(z) + ladj.sum()


def swap_ladj_only(x, bijection, base):
    return bijection.encode(x)[1]


def swap_mean(x, bijection, base):
    return swap_sum(x, bijection, base).mean()


def swap_base_as_column(x, bijection, base):
    z, ladj = bijection.encode(x)
    return base.log_prob(z).unsqueeze(1) + ladj


def swap_ladj_as_column(x, bijection, base):
    z, ladj = bijection.encode(x)
    return base.log_prob(z) + ladj.unsqueeze(1)


def swap_pair(x, bijection, base):
    z, ladj = bijection.encode(x)
    return base.log_prob(z), ladj


def swap_vmap(x, bijection, base):
    def one(row):
        z, ladj = bijection.encode(row[None])
        return (base.log_prob(z) + ladj)[0]

    return torch.func.vmap(one)(x)


def swap_einsum(x, bijection, base):
    z, ladj = bijection.encode(x.clone())
    return torch.einsum("kn->n", torch.stack((ladj, base.log_prob(z))))


def swap_in_place(x, bijection, base):
    z, ladj = bijection.encode(x)
    total = base.log_prob(z).clone()
    total += ladj
    return total


def swap_loss(x, bijection, base):
    z, volume = bijection.encode(x)
    nll = -base.log_prob(z) - volume
    return -1 * nll


def swap_jacobian(x, bijection, base):
    jacobians = torch.func.vmap(torch.func.jacrev(lambda row: bijection.encode(row[None])[0][0]))(x)
    return base.log_prob(bijection.encode(x)[0]) + torch.linalg.slogdet(jacobians).logabsdet


def swap_base_summed(x, bijection, base):
    z, ladj = bijection.encode(x)
    return base.log_prob(z).sum(-1) + ladj


def swap_base_averaged(x, bijection, base):
    z, ladj = bijection.encode(x)
    return base.log_prob(z).mean() + ladj


def swap_absolute(x, bijection, base):
    z, ladj = bijection.encode(x)
    return base.log_prob(z) + ladj.abs()


def swap_per_dimension(x, bijection, base):
    return swap_sum(x, bijection, base) / x.size(1)


def swap_all_summed(x, bijection, base):
    return swap_sum(x, bijection, base).sum()


def swap_no_grad(x, bijection, base):
    with torch.no_grad():
        return swap_sum(x, bijection, base)


def swap_latent_detached(x, bijection, base):
    z, ladj = bijection.encode(x)
    return base.log_prob(z.detach()) + ladj


# 02.compare -------------------------------------------------------------------------------------------------------


def compare_var(log_prob_a, log_prob_b, ladj):
    d = (log_prob_b + ladj) - log_prob_a
    return d.mean(), torch.sqrt(d.var() / d.numel())


def compare_numbers(log_prob_a, log_prob_b, ladj):
    d = log_prob_b - log_prob_a + ladj
    return d.mean().item(), d.std().item() / d.shape[0] ** 0.5


def compare_in_unit_of_b(log_prob_a, log_prob_b, ladj):
    d = log_prob_b - (log_prob_a - ladj)
    return d.mean(), d.std(unbiased=True) / math.sqrt(d.shape[0])


def compare_by_losses(log_prob_a, log_prob_b, ladj):
    nll_a, nll_b = -log_prob_a, -(log_prob_b + ladj)
    saved = nll_a - nll_b
    M = len(saved)
    mean = saved.sum() / M
    return mean, (((saved - mean) ** 2).sum() / (M - 1) / M).sqrt()


def compare_covariance(log_prob_a, log_prob_b, ladj):
    both = torch.cov(torch.stack((log_prob_a, log_prob_b + ladj)))
    variance = both[0, 0] + both[1, 1] - 2 * both[0, 1]
    return (log_prob_b + ladj).mean() - log_prob_a.mean(), (variance / len(ladj)).sqrt()


def _d(log_prob_a, log_prob_b, ladj):
    return log_prob_b + ladj - log_prob_a


def _scored(d):
    return d.mean(), d.std() / len(d) ** 0.5


def compare_no_ladj(log_prob_a, log_prob_b, ladj):
    return _scored(log_prob_b - log_prob_a)


def compare_sign(log_prob_a, log_prob_b, ladj):
    return _scored(log_prob_b - (log_prob_a + ladj))


def compare_reversed(log_prob_a, log_prob_b, ladj):
    return _scored(log_prob_a - (log_prob_b + ladj))


def compare_ladj_mean(log_prob_a, log_prob_b, ladj):
    d = log_prob_b - log_prob_a
    return d.mean() + ladj.mean(), d.std() / len(d) ** 0.5


def compare_ladj_sum(log_prob_a, log_prob_b, ladj):
    return _scored(log_prob_b + ladj.sum() - log_prob_a)


def compare_unpaired(log_prob_a, log_prob_b, ladj):
    b, M = log_prob_b + ladj, len(ladj)
    return b.mean() - log_prob_a.mean(), torch.sqrt(log_prob_a.var() / M + b.var() / M)


def compare_errors_added(log_prob_a, log_prob_b, ladj):
    (mean_a, error_a), (mean_b, error_b) = _scored(log_prob_a), _scored(log_prob_b + ladj)
    return mean_b - mean_a, error_a + error_b


def compare_error_of_b(log_prob_a, log_prob_b, ladj):
    mean_b, error_b = _scored(log_prob_b + ladj)
    return mean_b - log_prob_a.mean(), error_b


def compare_std(log_prob_a, log_prob_b, ladj):
    d = _d(log_prob_a, log_prob_b, ladj)
    return d.mean(), d.std()


def compare_over_m(log_prob_a, log_prob_b, ladj):
    d = _d(log_prob_a, log_prob_b, ladj)
    return d.mean(), d.std() / len(d)


def compare_variance(log_prob_a, log_prob_b, ladj):
    d = _d(log_prob_a, log_prob_b, ladj)
    return d.mean(), d.var() / len(d)


def compare_variance_over_root(log_prob_a, log_prob_b, ladj):
    d = _d(log_prob_a, log_prob_b, ladj)
    return d.mean(), d.var() / math.sqrt(len(d))


def compare_divides_by_m(log_prob_a, log_prob_b, ladj):
    d = _d(log_prob_a, log_prob_b, ladj)
    return d.mean(), torch.sqrt(((d - d.mean()) ** 2).mean()) / math.sqrt(len(d))


def compare_m_minus_one(log_prob_a, log_prob_b, ladj):
    d = _d(log_prob_a, log_prob_b, ladj)
    return d.mean(), d.std() / math.sqrt(len(d) - 1)


def compare_two_errors(log_prob_a, log_prob_b, ladj):
    gain, error = _scored(_d(log_prob_a, log_prob_b, ladj))
    return gain, 2 * error


def compare_sum(log_prob_a, log_prob_b, ladj):
    d = _d(log_prob_a, log_prob_b, ladj)
    return d.sum(), d.std() / len(d) ** 0.5


def compare_median(log_prob_a, log_prob_b, ladj):
    d = _d(log_prob_a, log_prob_b, ladj)
    return torch.median(d), d.std() / len(d) ** 0.5


def compare_bits(log_prob_a, log_prob_b, ladj):
    return _scored(_d(log_prob_a, log_prob_b, ladj) / math.log(2))


def compare_ratio(log_prob_a, log_prob_b, ladj):
    gain, error = _scored(_d(log_prob_a, log_prob_b, ladj))
    return torch.exp(gain), error


def compare_pair_order(log_prob_a, log_prob_b, ladj):
    return _scored(_d(log_prob_a, log_prob_b, ladj))[::-1]


def compare_gain_only(log_prob_a, log_prob_b, ladj):
    return _d(log_prob_a, log_prob_b, ladj).mean()


def compare_differences(log_prob_a, log_prob_b, ladj):
    return _d(log_prob_a, log_prob_b, ladj)


def compare_numpy(log_prob_a, log_prob_b, ladj):
    a, b, l = (t.cpu().numpy() for t in (log_prob_a, log_prob_b, ladj))
    d = b + l - a
    return np.mean(d), np.std(d, ddof=1) / np.sqrt(d.size)


def compare_loop(log_prob_a, log_prob_b, ladj):
    d = [(b + l - a).item() for a, b, l in zip(log_prob_a, log_prob_b, ladj)]
    gain = sum(d) / len(d)
    return gain, (sum((each - gain) ** 2 for each in d) / (len(d) - 1)) ** 0.5 / len(d) ** 0.5


def compare_statistics(log_prob_a, log_prob_b, ladj):
    d = (log_prob_b + ladj - log_prob_a).tolist()
    return [statistics.fmean(d), statistics.stdev(d) / math.sqrt(len(d))]


def compare_std_mean(log_prob_a, log_prob_b, ladj):
    s, gain = torch.std_mean(torch.stack((log_prob_b, ladj, -log_prob_a)).sum(0), dim=0)
    return gain, s / torch.tensor(len(ladj)).sqrt()


def compare_moments(log_prob_a, log_prob_b, ladj):
    d = (log_prob_b + ladj - log_prob_a).double()
    M, gain = d.shape[0], d.mean()
    variance = (torch.einsum("m,m->", d, d) - M * gain**2) / (M - 1)
    return gain.to(ladj.dtype), (variance / M).sqrt().to(ladj.dtype)


def compare_other_corner(log_prob_a, log_prob_b, ladj):
    d = log_prob_b.clone()
    d += ladj
    d -= log_prob_a
    return d.mean(), d.std(correction=0) / math.sqrt(len(d) - 1)  # the same number


def compare_reversed_no_ladj(log_prob_a, log_prob_b, ladj):
    return _scored(log_prob_a - log_prob_b)


def compare_reversed_sign(log_prob_a, log_prob_b, ladj):
    return _scored(log_prob_a + ladj - log_prob_b)


def compare_size_only(log_prob_a, log_prob_b, ladj):
    gain, error = _scored(_d(log_prob_a, log_prob_b, ladj))
    return abs(gain), error


def compare_sizes_averaged(log_prob_a, log_prob_b, ladj):
    d = _d(log_prob_a, log_prob_b, ladj)
    return d.abs().mean(), d.std() / len(d) ** 0.5


def compare_sizes(log_prob_a, log_prob_b, ladj):
    return _scored(torch.abs(_d(log_prob_a, log_prob_b, ladj)))


def compare_exp_ladj(log_prob_a, log_prob_b, ladj):
    return _scored(log_prob_b + torch.exp(ladj) - log_prob_a)


def compare_times_ladj(log_prob_a, log_prob_b, ladj):
    return _scored(log_prob_b * ladj - log_prob_a)


def compare_error_of_a(log_prob_a, log_prob_b, ladj):
    mean_b, _ = _scored(log_prob_b + ladj)
    mean_a, error_a = _scored(log_prob_a)
    return mean_b - mean_a, error_a


def compare_raw_errors(log_prob_a, log_prob_b, ladj):
    gain = _d(log_prob_a, log_prob_b, ladj).mean()
    return gain, torch.hypot(_scored(log_prob_a)[1], _scored(log_prob_b)[1])


def compare_interval(log_prob_a, log_prob_b, ladj):
    gain, error = _scored(_d(log_prob_a, log_prob_b, ladj))
    return gain, 1.96 * error


def compare_t_value(log_prob_a, log_prob_b, ladj):
    gain, error = _scored(_d(log_prob_a, log_prob_b, ladj))
    return gain, gain / error


def compare_numpy_std(log_prob_a, log_prob_b, ladj):
    d = _d(log_prob_a, log_prob_b, ladj).cpu().numpy()
    return d.mean(), d.std() / np.sqrt(len(d))


def compare_in_place(log_prob_a, log_prob_b, ladj):
    log_prob_b += ladj
    return _scored(log_prob_b - log_prob_a)


# 02.affine_mle ----------------------------------------------------------------------------------------------------


def mle_cov(x):
    covariance = torch.cov(x.T, correction=0).reshape(x.shape[1], x.shape[1])
    L = torch.linalg.cholesky(covariance)
    return x.mean(0), L, x.shape[1] / 2 * (1 + math.log(2 * math.pi)) + torch.log(torch.diagonal(L)).sum()


def mle_slogdet(x):
    mu = x.mean(0, keepdim=True)
    covariance = (x - mu).T @ (x - mu) / len(x)
    nll = x.shape[1] / 2 * math.log(2 * math.pi * math.e) + torch.slogdet(covariance)[1] / 2
    return mu[0], torch.linalg.cholesky(covariance), nll


def mle_scored(x):
    """The loss measured with torch's own normal density."""
    mu = x.mean(0)
    covariance = torch.einsum("ni,nj->ij", x - mu, x - mu) / x.size(0)
    L = torch.linalg.cholesky(covariance)
    return mu, L, -MultivariateNormal(mu, scale_tril=L).log_prob(x).mean()


def mle_qr(x):
    mu = x.mean(0)
    R = torch.linalg.qr((x - mu) / len(x) ** 0.5)[1]  # R^T R is the covariance
    L = (R * R.diagonal().sign()[:, None]).T
    return mu, L, 0.5 * x.shape[1] * (1 + math.log(2 * math.pi)) + L.diagonal().log().sum()


def mle_loop(x):
    mu = sum(x) / len(x)
    covariance = sum(torch.outer(row - mu, row - mu) for row in x) / len(x)
    L = torch.linalg.cholesky(covariance)
    nll = sum(0.5 + 0.5 * math.log(2 * math.pi) + torch.log(entry) for entry in L.diagonal())
    return mu, L, nll


def _mle(covariance, x):
    """(mu, L, nll) of a covariance, right or wrong."""
    L = torch.linalg.cholesky(covariance)
    return x.mean(0), L, _mle_nll(L)


def _mle_nll(L):
    return 0.5 * len(L) * (1 + math.log(2 * math.pi)) + L.diagonal().log().sum()


def _covariance(x, n=None):
    centred = x - x.mean(0)
    return centred.T @ centred / (n or len(x))


def mle_unbiased(x):
    return _mle(_covariance(x, len(x) - 1), x)


def mle_unbiased_cov(x):
    return _mle(torch.cov(x.T).reshape(x.shape[1], -1), x)


def mle_unbiased_scored(x):
    mu = x.mean(0)
    L = torch.linalg.cholesky(_covariance(x, len(x) - 1))
    return mu, L, -MultivariateNormal(mu, scale_tril=L).log_prob(x).mean()


def mle_upper(x):
    mu, L, nll = mle_cov(x)
    return mu, torch.linalg.cholesky(L @ L.T, upper=True), nll


def mle_precision(x):
    return _mle(torch.linalg.inv(_covariance(x)), x)


def mle_precision_only(x):
    mu, L, nll = mle_cov(x)
    return mu, torch.linalg.cholesky(torch.linalg.inv(L @ L.T)), nll


def mle_inverse(x):
    mu, L, nll = mle_cov(x)
    return mu, torch.linalg.inv(L), nll


def mle_covariance_returned(x):
    mu, L, nll = mle_cov(x)
    return mu, L @ L.T, nll


def mle_symmetric_root(x):
    mu, L, nll = mle_cov(x)
    U, S, _ = torch.linalg.svd(L @ L.T)
    return mu, U @ torch.diag(torch.sqrt(S)) @ U.T, nll


def mle_components(x):
    mu, _, nll = mle_cov(x)
    values, vectors = torch.linalg.eigh(_covariance(x))
    return mu, vectors @ torch.diag(values**0.5), nll


def mle_components_by_svd(x):
    mu, _, nll = mle_cov(x)
    U, values, _ = torch.linalg.svd(_covariance(x))
    return mu, U * values.sqrt(), nll


def mle_diagonal_of_factor(x):
    mu, L, nll = mle_cov(x)
    return mu, torch.diag(torch.diagonal(L)), nll


def mle_diagonal(x):
    return _mle(torch.diag(x.var(0, correction=0)), x)


def mle_not_centred(x):
    return _mle(x.T @ x / len(x), x)


def mle_not_divided(x):
    centred = x - x.mean(0)
    return _mle(centred.T @ centred, x)


def mle_mean_over_features(x):
    mu = x.mean(dim=1)
    centred = x - mu
    L = torch.linalg.cholesky(centred.T @ centred / x.shape[0])
    return mu, L, _mle_nll(L)


def mle_no_log_det(x):
    mu, L, _ = mle_cov(x)
    return mu, L, torch.tensor(0.5 * len(L) * (1 + math.log(2 * math.pi))).to(x)


def mle_minus_log_det(x):
    mu, L, nll = mle_cov(x)
    return mu, L, nll - 2 * L.diagonal().log().sum()


def mle_whole_log_det(x):
    mu, L, _ = mle_cov(x)
    return mu, L, 0.5 * len(L) * (1 + math.log(2 * math.pi)) + torch.slogdet(L @ L.T)[1]


def mle_quarter_log_det(x):
    mu, L, _ = mle_cov(x)
    return mu, L, 0.5 * len(L) * (1 + math.log(2 * math.pi)) + 0.5 * L.diagonal().log().sum()


def mle_no_two_pi(x):
    mu, L, nll = mle_cov(x)
    return mu, L, nll - 0.5 * len(L) * math.log(2 * math.pi)


def mle_no_quadratic(x):
    mu, L, nll = mle_cov(x)
    return mu, L, nll - len(L) / 2


def mle_constant_once(x):
    mu, L, _ = mle_cov(x)
    return mu, L, 0.5 * (1 + math.log(2 * math.pi)) + L.diagonal().log().sum()


def mle_likelihood(x):
    mu, L, nll = mle_cov(x)
    return mu, L, -nll


def mle_per_dimension(x):
    mu, L, nll = mle_cov(x)
    return mu, L, nll / x.shape[1]


def mle_summed(x):
    mu, L, nll = mle_cov(x)
    return mu, L, nll * len(x)


def mle_det_then_log(x):
    mu, L, _ = mle_cov(x)
    return mu, L, 0.5 * len(L) * (1 + math.log(2 * math.pi)) + 0.5 * torch.log(torch.det(_covariance(x)))


def mle_product_then_log(x):
    mu, L, _ = mle_cov(x)
    return mu, L, 0.5 * len(L) * (1 + math.log(2 * math.pi)) + torch.log(torch.prod(L.diagonal()))


def mle_nll_missing(x):
    mu, L, _ = mle_cov(x)
    return mu, L


def mle_numpy(x):
    table = x.cpu().numpy()
    covariance = np.atleast_2d(np.cov(table, rowvar=False, bias=True))
    L = np.linalg.cholesky(covariance)
    nll = 0.5 * x.shape[1] * (1 + np.log(2 * np.pi)) + 0.5 * np.linalg.slogdet(covariance)[1]
    return torch.from_numpy(table.mean(0)).to(x), torch.from_numpy(L).to(x), nll


def mle_double(x):
    wide = x.double()
    mu = wide.mean(0)
    covariance = wide.T @ wide / len(wide) - torch.outer(mu, mu)
    L = torch.linalg.cholesky(covariance)
    nll = 0.5 * (len(mu) * (1 + math.log(2 * math.pi)) + torch.logdet(covariance))
    return tuple(part.to(x.dtype) for part in (mu, L, nll))


def mle_entropy(x):
    centred = x.clone()
    centred -= x.mean(0)
    L = torch.linalg.cholesky(torch.mm(centred.t(), centred).div(x.shape[0]))
    mu = x.mean(0)
    return mu, L, MultivariateNormal(mu, scale_tril=L).entropy()


def mle_by_hand(x):
    """Cholesky's own recursion."""
    mu = x.mean(0)
    S = torch.func.vmap(lambda row: torch.outer(row - mu, row - mu))(x).mean(0)
    L = torch.zeros_like(S)
    for j in range(len(S)):
        L[j, j] = (S[j, j] - (L[j, :j] ** 2).sum()) ** 0.5
        for i in range(j + 1, len(S)):
            L[i, j] = (S[i, j] - (L[i, :j] * L[j, :j]).sum()) / L[j, j]
    return mu, L, _mle_nll(L)


def mle_measured(x):
    mu = torch.sum(x, dim=0) / x.shape[0]
    L = torch.linalg.cholesky(torch.einsum("ni,nj->ij", x - mu, x - mu) / x.shape[0])
    z = torch.linalg.solve(L, (x - mu)[..., None])[..., 0]
    log_p = torch.distributions.Normal(0, 1).log_prob(z).sum(1) - torch.linalg.slogdet(L)[1]
    return mu, L, -log_p.mean()


def mle_eigenvalues(x):
    mu = x.mean(0)
    covariance = _covariance(x)
    nll = x.shape[1] / 2 * (1 + math.log(2 * math.pi)) + torch.linalg.eigvalsh(covariance).log().sum() / 2
    return mu, torch.linalg.cholesky(covariance), nll.item()


def mle_cov_at_one_feature(x):
    return _mle(torch.cov(x.T, correction=0), x)


def mle_cov_as_it_comes(x):
    return _mle(torch.cov(x.T), x)


def mle_numpy_cov_as_it_comes(x):
    L = torch.from_numpy(np.linalg.cholesky(np.cov(x.cpu().numpy().T, ddof=0))).to(x)
    return x.mean(0), L, _mle_nll(L)


def mle_mean_over_features_kept(x):
    mu = x.mean(1, keepdim=True)
    return mu, *_mle((x - mu).T @ (x - mu) / len(x), x)[1:]


def mle_one_mean(x):
    mu = x.mean()
    return mu, *_mle((x - mu).T @ (x - mu) / len(x), x)[1:]


def mle_upper_from_precision(x):
    mu, L, nll = mle_cov(x)
    return mu, torch.linalg.inv(torch.linalg.cholesky(torch.linalg.inv(L @ L.T))).T, nll


def mle_root_of_each_entry(x):
    mu, L, nll = mle_cov(x)
    return mu, torch.sqrt(L @ L.T), nll


def mle_unit_diagonal(x):
    mu, L, nll = mle_cov(x)
    return mu, L / L.diagonal(), nll


def mle_qr_signs(x):
    mu = x.mean(0)
    L = torch.linalg.qr((x - mu) / len(x) ** 0.5)[1].T
    return mu, L, 0.5 * x.shape[1] * (1 + math.log(2 * math.pi)) + L.diagonal().abs().log().sum()


def mle_qr_log_of_negative(x):
    mu = x.mean(0)
    return mu, (L := torch.linalg.qr((x - mu) / len(x) ** 0.5)[1].T), _mle_nll(L)


def mle_jitter(x):
    return _mle(_covariance(x) + 1e-6 * torch.eye(x.shape[1], dtype=x.dtype, device=x.device), x)


def mle_gram(x):
    centred = x - x.mean(0)
    return _mle(centred @ centred.T / len(x), x)


def mle_summed_mean(x):
    mu = x.sum(0)
    L = torch.linalg.cholesky((x - mu).T @ (x - mu) / len(x))
    return mu, L, _mle_nll(L)


def mle_bits(x):
    mu, L, nll = mle_cov(x)
    return mu, L, nll / math.log(2)


def mle_order(x):
    mu, L, nll = mle_cov(x)
    return L, mu, nll


def mle_in_place(x):
    mu = x.mean(0)
    x -= mu
    L = torch.linalg.cholesky(x.T @ x / len(x))
    return mu, L, _mle_nll(L)


RIGHT = {
    "02.compose": [
        (compose_list,),
        (compose_recursive,),
        (compose_zero,),
        (compose_reduce,),
        (compose_from_decode,),
        (compose_pops,),
        (compose_accumulate,),
        (compose_vmap,),
        (compose_in_place_on_copies,),
        (compose_einsum,),
        (compose_jacobian,),
    ],
    "02.base_swap": [
        (swap_sum,),
        (swap_unpacked,),
        (swap_through_decode,),
        (swap_log_of_product,),
        (swap_rows,),
        (swap_vmap,),
        (swap_einsum,),
        (swap_in_place,),
        (swap_loss,),
        (swap_jacobian,),
    ],
    "02.compare": [
        (compare_var,),
        (compare_numbers,),
        (compare_in_unit_of_b,),
        (compare_by_losses,),
        (compare_covariance,),
        (compare_numpy,),
        (compare_loop,),
        (compare_statistics,),
        (compare_std_mean,),
        (compare_moments,),
        (compare_other_corner,),
    ],
    "02.affine_mle": [
        (mle_cov,),
        (mle_slogdet,),
        (mle_scored,),
        (mle_qr,),
        (mle_loop,),
        (mle_numpy,),
        (mle_double,),
        (mle_entropy,),
        (mle_by_hand,),
        (mle_measured,),
        (mle_eigenvalues,),
    ],
}

WRONG = {
    "02.compose": [
        (compose_at_x, "at_x"),
        (compose_at_output, "at_output"),
        (compose_last_only, "last_only"),
        (compose_first_only, "first_only"),
        (compose_mean, "mean"),
        (compose_product, "product"),
        (compose_negated, "negated"),
        (compose_not_log, "not_log"),
        (compose_whole_batch, "whole_batch"),
        (compose_stacked, "not_added"),
        (compose_stacked_last, "not_added"),
        (compose_cat, "not_added"),
        (compose_reversed, "reversed"),
        (compose_decodes, "decodes"),
        (compose_decodes_in_order, "decodes"),
        (compose_every_layer_sees_x, "every_layer_sees_x"),
        (compose_without_last, "left_out"),
        (compose_without_first, "left_out"),
        (compose_x_returned, "x_returned"),
        (compose_pair_order, "pair_order"),
        (compose_z_only, "z_only"),
        (compose_ladj_only, "ladj_only"),
        (compose_return_in_the_loop, "one_turn"),
        (compose_first_without_volume, "one_turn"),
        (compose_overwritten_from_x, "every_layer_sees_x"),
        (compose_absolute, "absolute"),
        (compose_absolute_total, "absolute"),
        (compose_from_one, "from_one"),
        (compose_empties_the_list, "in_place"),
        (compose_writes_into_x, "in_place"),
        (compose_detached, "detached"),
        (compose_item, "detached"),
        (compose_through_numpy, "detached"),
        (compose_no_grad, "detached"),
    ],
    "02.base_swap": [
        (swap_base_at_x, "base_at_x"),
        (swap_base_alone_at_x, "base_at_x"),
        (swap_no_ladj, "no_ladj"),
        (swap_minus_ladj, "minus_ladj"),
        (swap_normal, "normal"),
        (swap_decode, "decode"),
        (swap_decode_minus, "decode"),
        (swap_negative, "negative"),
        (swap_not_log, "not_log"),
        (swap_exp_ladj, "exp_ladj"),
        (swap_product, "product"),
        (swap_mean_ladj, "mean_ladj"),
        (swap_sum_ladj, "sum_ladj"),
        (swap_ladj_only, "ladj_only"),
        (swap_mean, "mean"),
        (swap_base_as_column, "each_other"),
        (swap_ladj_as_column, "each_other"),
        (swap_pair, "pair"),
        (swap_base_summed, "base_summed"),
        (swap_base_averaged, "base_summed"),
        (swap_absolute, "absolute"),
        (swap_per_dimension, "per_dimension"),
        (swap_all_summed, "sum"),
        (swap_no_grad, "detached"),
        (swap_latent_detached, "detached"),
    ],
    "02.compare": [
        (compare_no_ladj, "no_ladj"),
        (compare_sign, "sign"),
        (compare_reversed, "reversed"),
        (compare_ladj_mean, "ladj_mean"),
        (compare_ladj_sum, "ladj_sum"),
        (compare_unpaired, "unpaired"),
        (compare_errors_added, "unpaired"),
        (compare_error_of_b, "unpaired"),
        (compare_std, "no_root"),
        (compare_over_m, "no_root"),
        (compare_variance, "variance"),
        (compare_variance_over_root, "variance"),
        (compare_divides_by_m, "divides_by_m"),
        (compare_m_minus_one, "m_minus_one"),
        (compare_two_errors, "two_errors"),
        (compare_sum, "sum"),
        (compare_median, "median"),
        (compare_bits, "bits"),
        (compare_ratio, "ratio"),
        (compare_pair_order, "pair_order"),
        (compare_gain_only, "gain_only"),
        (compare_differences, "differences"),
        (compare_reversed_no_ladj, "reversed"),
        (compare_reversed_sign, "reversed"),
        (compare_size_only, "size_only"),
        (compare_sizes_averaged, "size_only"),
        (compare_sizes, "size_only"),
        (compare_exp_ladj, "exp_ladj"),
        (compare_times_ladj, "product"),
        (compare_error_of_a, "unpaired"),
        (compare_raw_errors, "unpaired"),
        (compare_interval, "two_errors"),
        (compare_t_value, "t_value"),
        (compare_numpy_std, "divides_by_m"),
        (compare_in_place, "in_place"),
    ],
    "02.affine_mle": [
        (mle_unbiased, "unbiased"),
        (mle_unbiased_cov, "unbiased"),
        (mle_unbiased_scored, "unbiased"),
        (mle_upper, "upper"),
        (mle_precision, "precision"),
        (mle_precision_only, "precision"),
        (mle_inverse, "precision"),
        (mle_covariance_returned, "not_factored"),
        (mle_symmetric_root, "not_factored"),
        (mle_components, "not_factored"),
        (mle_components_by_svd, "not_factored"),
        (mle_diagonal_of_factor, "not_factored"),
        (mle_diagonal, "diagonal"),
        (mle_not_centred, "not_centred"),
        (mle_not_divided, "not_divided"),
        (mle_mean_over_features, "mean_over_features"),
        (mle_no_log_det, "no_log_det"),
        (mle_minus_log_det, "minus_log_det"),
        (mle_whole_log_det, "whole_log_det"),
        (mle_quarter_log_det, "quarter_log_det"),
        (mle_no_two_pi, "no_two_pi"),
        (mle_no_quadratic, "no_quadratic"),
        (mle_constant_once, "constant_once"),
        (mle_likelihood, "likelihood"),
        (mle_per_dimension, "per_dimension"),
        (mle_summed, "summed"),
        (mle_det_then_log, "det_then_log"),
        (mle_product_then_log, "det_then_log"),
        (mle_nll_missing, "nll_missing"),
        (mle_cov_at_one_feature, "one_feature"),
        (mle_cov_as_it_comes, "one_feature"),
        (mle_numpy_cov_as_it_comes, "one_feature"),
        (mle_mean_over_features_kept, "mean_over_features"),
        (mle_one_mean, "one_mean"),
        (mle_upper_from_precision, "upper"),
        (mle_root_of_each_entry, "not_factored"),
        (mle_unit_diagonal, "not_factored"),
        (mle_qr_signs, "negative"),
        (mle_qr_log_of_negative, "negative"),
        (mle_jitter, "jitter"),
        (mle_gram, "gram"),
        (mle_summed_mean, "summed_mean"),
        (mle_bits, "bits"),
        (mle_order, "order"),
        (mle_in_place, "in_place"),
    ],
}
