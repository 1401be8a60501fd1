"""Answers to chapter 0's exercises, as learners write them: right ones, and wrong ones with the mistake they make."""

import math

import torch
from torch.distributions import Independent, MultivariateNormal, Normal

# 00.setup ---------------------------------------------------------------------------------------------------------


def setup_one_sum(z):
    return -0.5 * (z**2 + math.log(2 * math.pi)).sum(-1)


def setup_distribution(z):
    return Normal(torch.zeros_like(z), torch.ones_like(z)).log_prob(z).sum(dim=1)


def setup_independent(z):
    base = Independent(Normal(torch.zeros_like(z), torch.ones_like(z)), 1)
    return base.log_prob(z)


def setup_multivariate(z):
    D = z.shape[1]
    mean = torch.zeros(D, dtype=z.dtype, device=z.device)
    return MultivariateNormal(mean, torch.eye(D, dtype=z.dtype, device=z.device)).log_prob(z)


def setup_loop(z):
    rows = []
    for row in z:
        total = 0.0
        for value in row:
            total = total - value**2 / 2 - math.log(math.sqrt(2 * math.pi))
        rows.append(total)
    return torch.stack(rows)


def setup_float32_constant(z):
    N, D = z.shape
    return -0.5 * torch.einsum("nd,nd->n", z, z) - D / 2 * torch.log(torch.tensor(2 * torch.pi))


def setup_no_half(z):
    return -(z**2).sum(1) - z.shape[1] / 2 * math.log(2 * math.pi)


def setup_constant_once(z):
    return -0.5 * (z**2).sum(1) - 0.5 * math.log(2 * math.pi)


def setup_no_constant(z):
    return -0.5 * (z**2).sum(1)


def setup_sign(z):
    return 0.5 * (z**2 + math.log(2 * math.pi)).sum(1)


def setup_mean(z):
    return Normal(0.0, 1.0).log_prob(z).mean(1)


def setup_per_feature(z):
    return Normal(0.0, 1.0).log_prob(z)


def setup_whole_batch(z):
    return Normal(0.0, 1.0).log_prob(z).sum()


def setup_not_log(z):
    return torch.exp(-0.5 * (z**2).sum(1)) / (2 * math.pi) ** (z.shape[1] / 2)


def setup_vmap(z):
    return torch.vmap(lambda row: -0.5 * row @ row - 0.5 * len(row) * math.log(2 * math.pi))(z)


def setup_in_place_on_a_copy(z):
    y = z.clone()
    y.pow_(2).add_(math.log(2 * math.pi)).mul_(-0.5)
    return y.sum(1)


def setup_in_float32(z):
    y = z.float()
    return (-0.5 * (y**2).sum(1) - 0.5 * y.shape[1] * math.log(2 * math.pi)).to(z.dtype)


def setup_constant_no_half(z):
    return -0.5 * (z**2).sum(1) - z.shape[1] * math.log(2 * math.pi)


def setup_constant_sign(z):
    return -0.5 * (z**2).sum(1) + z.shape[1] / 2 * math.log(2 * math.pi)


def setup_rows_for_features(z):
    return -0.5 * (z**2).sum(1) - len(z) / 2 * math.log(2 * math.pi)


def setup_square_of_sum(z):
    return -0.5 * z.sum(1) ** 2 - z.shape[1] / 2 * math.log(2 * math.pi)


# 00.nats ----------------------------------------------------------------------------------------------------------


def nats_mean_of_negative(log_prob):
    return torch.mean(-log_prob)


def nats_sum_over_count(log_prob):
    return -log_prob.sum() / len(log_prob)


def nats_builtin_sum(log_prob):
    return -sum(log_prob) / log_prob.shape[0]


def nats_loop(log_prob):
    total = 0
    for value in log_prob:
        total -= value
    return total / log_prob.numel()


def nats_sign(log_prob):
    return torch.mean(log_prob)


def nats_sum(log_prob):
    return -torch.sum(log_prob)


def nats_bits(log_prob):
    return -log_prob.mean() / math.log(2)


def nats_log_again(log_prob):
    return -torch.log(log_prob).mean()


def nats_log_of_mean(log_prob):
    return -torch.log(torch.exp(log_prob).mean())


def nats_no_mean(log_prob):
    return -log_prob


def nats_dot(log_prob):
    return torch.dot(log_prob, log_prob.new_full((len(log_prob),), -1 / len(log_prob)))


def nats_abs(log_prob):
    return torch.abs(log_prob).mean()


def nats_exp(log_prob):
    return -torch.exp(log_prob).mean()


# 00.sample --------------------------------------------------------------------------------------------------------


def sample_first_of_pair(decode, n, D, generator):
    return decode(torch.randn((n, D), generator=generator))[0]


def sample_normal(decode, n, D, generator):
    z = torch.normal(torch.zeros(n, D), torch.ones(n, D), generator=generator)
    x, _ = decode(z)
    return x


def sample_row_by_row(decode, n, D, generator):
    rows = [decode(torch.randn(1, D, generator=generator))[0] for _ in range(n)]
    return torch.cat(rows)


def sample_in_place(decode, n, D, generator):
    z = torch.empty(n, D, dtype=torch.float64).normal_(generator=generator)
    return decode(z)[0]


def sample_box_muller(decode, n, D, generator):
    u, v = torch.rand(n, D, generator=generator), torch.rand(n, D, generator=generator)
    z = torch.sqrt(-2 * torch.log(1 - u)) * torch.cos(2 * math.pi * v)
    return decode(z)[0]


def sample_inverse_cdf(decode, n, D, generator):
    return decode(Normal(0.0, 1.0).icdf(torch.rand(n, D, generator=generator, dtype=torch.float64)))[0]


def sample_column_by_column(decode, n, D, generator):
    z = torch.empty(n, D)
    for d in range(D):
        z[:, d] = torch.randn(n, generator=generator)
    with torch.no_grad():
        return decode(z)[0]


def sample_uniform_of_variance_one(decode, n, D, generator):
    return decode((torch.rand(n, D, generator=generator) - 0.5) * math.sqrt(12))[0]


def sample_uniform_around_zero(decode, n, D, generator):
    return decode(2 * torch.rand(n, D, generator=generator) - 1)[0]


def sample_cut_off(decode, n, D, generator):
    return decode(torch.randn(n, D, generator=generator).clamp(-2, 2))[0]


def sample_ladj(decode, n, D, generator):
    _, x = decode(torch.randn(n, D, generator=generator))
    return x


def sample_list(decode, n, D, generator):
    return list(decode(torch.randn(n, D, generator=generator)))


def sample_pair(decode, n, D, generator):
    return decode(torch.randn(n, D, generator=generator))


def sample_not_decoded(decode, n, D, generator):
    return torch.randn(n, D, generator=generator)


def sample_uniform(decode, n, D, generator):
    return decode(torch.rand(n, D, generator=generator))[0]


def sample_repeated(decode, n, D, generator):
    return decode(torch.randn(1, D, generator=generator).expand(n, D))[0]


def sample_shared(decode, n, D, generator):
    z = torch.randn(n, 1, generator=generator).repeat(1, D)
    return decode(z)[0]


def sample_transposed(decode, n, D, generator):
    return decode(torch.randn(n, D, generator=generator))[0].T


def sample_decoded_twice(decode, n, D, generator):
    return decode(decode(torch.randn(n, D, generator=generator))[0])[0]


def sample_no_generator(decode, n, D, generator):
    return decode(torch.randn(n, D))[0]


def sample_own_seed(decode, n, D, generator):
    return decode(torch.randn(n, D, generator=torch.Generator().manual_seed(0)))[0]


RIGHT = {
    "00.setup": [
        (setup_one_sum,),
        (setup_distribution,),
        (setup_independent,),
        (setup_multivariate,),
        (setup_loop,),
        (setup_float32_constant,),
        (setup_vmap,),
        (setup_in_place_on_a_copy,),
        (setup_in_float32,),
    ],
    "00.nats": [(nats_mean_of_negative,), (nats_sum_over_count,), (nats_builtin_sum,), (nats_loop,), (nats_dot,)],
    "00.sample": [
        (sample_first_of_pair,),
        (sample_normal,),
        (sample_row_by_row,),
        (sample_in_place,),
        (sample_box_muller,),
        (sample_inverse_cdf,),
        (sample_column_by_column,),
    ],
}

WRONG = {
    "00.setup": [
        (setup_no_half, "no_half"),
        (setup_constant_once, "constant_once"),
        (setup_no_constant, "no_constant"),
        (setup_constant_no_half, "constant_no_half"),
        (setup_constant_sign, "constant_sign"),
        (setup_rows_for_features, "rows_for_features"),
        (setup_square_of_sum, "square_of_sum"),
        (setup_sign, "sign"),
        (setup_mean, "mean"),
        (setup_per_feature, "per_feature"),
        (setup_whole_batch, "whole_batch"),
        (setup_not_log, "not_log"),
    ],
    "00.nats": [
        (nats_sign, "sign"),
        (nats_sum, "sum"),
        (nats_bits, "bits"),
        (nats_log_again, "log_again"),
        (nats_log_of_mean, "log_of_mean"),
        (nats_no_mean, "no_mean"),
        (nats_abs, "abs"),
        (nats_exp, "exp"),
    ],
    "00.sample": [
        (sample_pair, "pair"),
        (sample_list, "pair"),
        (sample_ladj, "ladj"),
        (sample_uniform_of_variance_one, "uniform"),
        (sample_uniform_around_zero, "uniform"),
        (sample_cut_off, "cut_off"),
        (sample_not_decoded, "not_decoded"),
        (sample_uniform, "uniform"),
        (sample_repeated, "repeated"),
        (sample_shared, "shared"),
        (sample_transposed, "transposed"),
        (sample_decoded_twice, "decoded_twice"),
        (sample_no_generator, "generator"),
        (sample_own_seed, "generator"),
    ],
}
