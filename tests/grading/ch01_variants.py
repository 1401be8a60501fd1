"""Answers to chapter 1's exercises, as learners write them: right ones, and wrong ones with the mistake they make."""

import math

import torch
from torch.distributions import LogNormal, Normal

HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)


# 01.lognormal -----------------------------------------------------------------------------------------------------


def lognormal_base_and_slope(x, mu, sigma):
    z = torch.log(x)
    base = -((z - mu) ** 2) / (2 * sigma**2) - sigma.log() - HALF_LOG_2PI
    log_slope = torch.log(torch.abs(1 / x))
    return base + log_slope


def lognormal_distribution(x, mu, sigma):
    return LogNormal(mu, sigma).log_prob(x)


def lognormal_normal(x, mu, sigma):
    z = x.log()
    return Normal(mu, sigma).log_prob(z) - z


def lognormal_density_first(x, mu, sigma):
    density = torch.exp(-0.5 * ((torch.log(x) - mu) / sigma) ** 2) / (x * sigma * math.sqrt(2 * math.pi))
    return torch.log(density)


def lognormal_no_slope(x, mu, sigma):
    return Normal(mu, sigma).log_prob(torch.log(x))


def lognormal_slope_sign(x, mu, sigma):
    return Normal(mu, sigma).log_prob(torch.log(x)) + torch.log(x)


def lognormal_base_at_x(x, mu, sigma):
    return Normal(mu, sigma).log_prob(x) - torch.log(x)


def lognormal_exp(x, mu, sigma):
    return Normal(mu, sigma).log_prob(torch.exp(x)) + x


def lognormal_no_log_sigma(x, mu, sigma):
    z = torch.log(x)
    return -0.5 * ((z - mu) / sigma) ** 2 - HALF_LOG_2PI - z


def lognormal_no_half(x, mu, sigma):
    z = torch.log(x)
    return -(((z - mu) / sigma) ** 2) - sigma.log() - HALF_LOG_2PI - z


def lognormal_no_constant(x, mu, sigma):
    z = torch.log(x)
    return -0.5 * ((z - mu) / sigma) ** 2 - sigma.log() - z


def lognormal_constant_no_half(x, mu, sigma):
    z = torch.log(x)
    return -0.5 * ((z - mu) / sigma) ** 2 - sigma.log() - math.log(2 * math.pi) - z


def lognormal_slope_not_log(x, mu, sigma):
    return Normal(mu, sigma).log_prob(x.log()) + torch.abs(1 / x)


def lognormal_minus_reciprocal(x, mu, sigma):
    return Normal(mu, sigma).log_prob(x.log()) - 1 / x


def lognormal_math_log(x, mu, sigma):
    z = torch.log(x)
    return -0.5 * ((z - mu) / sigma) ** 2 - math.log(sigma) - HALF_LOG_2PI - z


def lognormal_float(x, mu, sigma):
    return LogNormal(float(mu), float(sigma)).log_prob(x)


def lognormal_variance(x, mu, sigma):
    return LogNormal(mu, sigma.sqrt()).log_prob(x)


def lognormal_not_log(x, mu, sigma):
    return LogNormal(mu, sigma).log_prob(x).exp()


def lognormal_sigma_squared(x, mu, sigma):
    return Normal(mu, sigma**2).log_prob(x.log()) - x.log()


def lognormal_log_sigma_sign(x, mu, sigma):
    z = torch.log(x)
    return -0.5 * ((z - mu) / sigma) ** 2 + torch.log(sigma) - HALF_LOG_2PI - z


def lognormal_sigma_not_log(x, mu, sigma):
    z = torch.log(x)
    return -0.5 * ((z - mu) / sigma) ** 2 - sigma - HALF_LOG_2PI - z


def lognormal_square_sign(x, mu, sigma):
    z = torch.log(x)
    return (z - mu) ** 2 / (2 * sigma**2) - sigma.log() - HALF_LOG_2PI - z


def lognormal_log10(x, mu, sigma):
    z = torch.log10(x)
    return Normal(mu, sigma).log_prob(z) - z


def lognormal_log10_of_sigma(x, mu, sigma):
    z = x.log10()
    return -0.5 * ((z - mu) / sigma) ** 2 - sigma.log10() - HALF_LOG_2PI - z


def lognormal_log10_of_base(x, mu, sigma):
    return Normal(mu, sigma).log_prob(torch.log10(x)) + torch.log(1 / x)


def lognormal_log10_of_slope(x, mu, sigma):
    return Normal(mu, sigma).log_prob(torch.log(x)) + torch.log10(1 / x)


# 01.logdet --------------------------------------------------------------------------------------------------------


def log_det_product_inside(x, a):
    return torch.log(a * torch.cosh(a * x)).sum(1)


def log_det_stable(x, a):
    u = (a * x).abs()
    return (torch.log(a) + u + torch.log1p(torch.exp(-2 * u)) - math.log(2)).sum(-1)


def log_det_loop(x, a):
    total = torch.zeros(len(x), dtype=x.dtype, device=x.device)
    for d in range(x.shape[1]):
        total = total + torch.log(a[d]) + torch.log(torch.cosh(a[d] * x[:, d]))
    return total


def log_det_by_exp(x, a):
    slope = a * (torch.exp(a * x) + torch.exp(-a * x)) / 2
    return slope.log().sum(dim=1)


def log_det_separate_sums(x, a):
    return a.log().sum() + torch.cosh(x * a[None, :]).log().sum(1)


def log_det_sign(x, a):
    return -torch.log(a * torch.cosh(a * x)).sum(1)


def log_det_no_chain(x, a):
    return torch.log(torch.cosh(a * x)).sum(1)


def log_det_no_inner(x, a):
    return torch.log(a * torch.cosh(x)).sum(1)


def log_det_over_batch(x, a):
    return torch.log(a * torch.cosh(a * x)).sum(0)


def log_det_sinh_stays(x, a):
    return torch.log(torch.abs(a * torch.sinh(a * x))).sum(-1)


def log_det_sinh_no_abs(x, a):
    return (torch.log(a) + torch.log(torch.sinh(a * x))).sum(-1)


def log_det_a_once(x, a):
    return torch.log(torch.cosh(a * x)).sum(1) + torch.log(a).mean()


def log_det_det_then_log(x, a):
    det = torch.prod(a * torch.cosh(a * x), dim=1)
    return torch.log(det)


def log_det_log_of_sum(x, a):
    return torch.log((a * torch.cosh(a * x)).sum(1))


def log_det_mean(x, a):
    return torch.log(a * torch.cosh(a * x)).mean(1)


def log_det_whole_batch(x, a):
    return torch.log(a * torch.cosh(a * x)).sum()


def log_det_per_feature(x, a):
    return torch.log(a * torch.cosh(a * x))


def log_det_not_log(x, a):
    return torch.prod(a * torch.cosh(a * x), dim=1)


def log_det_map(x, a):
    return torch.log(torch.abs(torch.sinh(a * x))).sum(1)


def log_det_a_times_d(x, a):
    return (torch.log(a).sum() + torch.log(torch.cosh(a * x))).sum(1)


def log_det_a_not_log(x, a):
    return a.sum() + torch.cosh(a * x).log().sum(1)


def log_det_inverse_a(x, a):
    return torch.log(torch.cosh(a * x) / a).sum(1)


def log_det_divided_inside(x, a):
    return torch.log(a * torch.cosh(x / a)).sum(1)


def log_det_product(x, a):
    return torch.log(a * torch.cosh(a * x)).prod(1)


def log_det_log_times_log(x, a):
    return (a.log() * torch.cosh(a * x).log()).sum(-1)


# 01.sign ----------------------------------------------------------------------------------------------------------


def sign_subtracted(z, ladj_decode):
    return Normal(0.0, 1.0).log_prob(z).sum(1) - ladj_decode


def sign_negated_first(z, ladj_decode):
    ladj_encode = -ladj_decode
    D = z.shape[1]
    return -0.5 * (z**2).sum(1) - D * HALF_LOG_2PI + ladj_encode


def sign_by_det(z, ladj_decode):
    det = torch.exp(ladj_decode)
    return -0.5 * (z.square() + math.log(2 * math.pi)).sum(1) + torch.log(1 / det)


def sign_loop(z, ladj_decode):
    return torch.stack([-0.5 * (row @ row) - len(row) * HALF_LOG_2PI - l for row, l in zip(z, ladj_decode)])


def sign_still_there(z, ladj_decode):
    log_base = -0.5 * (z.square() + math.log(2 * math.pi)).sum(dim=1)
    return log_base + ladj_decode


def sign_no_ladj(z, ladj_decode):
    return -0.5 * (z.square() + math.log(2 * math.pi)).sum(dim=1)


def sign_in_each_feature(z, ladj_decode):
    terms = -0.5 * (z.square() + math.log(2 * math.pi)) - ladj_decode.unsqueeze(1)
    return terms.sum(1)


def sign_both_negated(z, ladj_decode):
    return 0.5 * (z.square() + math.log(2 * math.pi)).sum(dim=1) - ladj_decode


def sign_negative(z, ladj_decode):
    return -(Normal(0.0, 1.0).log_prob(z).sum(1) - ladj_decode)


def sign_no_half(z, ladj_decode):
    return -(z**2).sum(1) - z.shape[1] * HALF_LOG_2PI - ladj_decode


def sign_no_constant(z, ladj_decode):
    return -0.5 * (z**2).sum(1) - ladj_decode


def sign_mean_ladj(z, ladj_decode):
    return Normal(0.0, 1.0).log_prob(z).sum(1) - ladj_decode.mean()


def sign_abs(z, ladj_decode):
    return Normal(0.0, 1.0).log_prob(z).sum(1) - torch.abs(ladj_decode)


def sign_reciprocal(z, ladj_decode):
    return Normal(0.0, 1.0).log_prob(z).sum(1) + ladj_decode.reciprocal()


def sign_constant_once(z, ladj_decode):
    return -0.5 * (z**2).sum(1) - HALF_LOG_2PI - ladj_decode


def sign_sum_ladj(z, ladj_decode):
    return Normal(0.0, 1.0).log_prob(z).sum(1) - ladj_decode.sum()


def sign_exp_ladj(z, ladj_decode):
    return Normal(0.0, 1.0).log_prob(z).sum(1) - torch.exp(ladj_decode)


def sign_plus_one_over_det(z, ladj_decode):
    return Normal(0.0, 1.0).log_prob(z).sum(1) + 1 / ladj_decode.exp()


def sign_twice(z, ladj_decode):
    return Normal(0.0, 1.0).log_prob(z).sum(1) - 2 * ladj_decode


def sign_over_d(z, ladj_decode):
    return (Normal(0.0, 1.0).log_prob(z) - ladj_decode[:, None] / z.shape[1] ** 2).sum(1)


def sign_keepdim(z, ladj_decode):
    log_base = -0.5 * (z.square() + math.log(2 * math.pi)).sum(dim=1, keepdim=True)
    return log_base - ladj_decode


def sign_keepdim_still_there(z, ladj_decode):
    return Normal(0.0, 1.0).log_prob(z).sum(1, keepdim=True) + ladj_decode


def sign_ladj_as_column(z, ladj_decode):
    return Normal(0.0, 1.0).log_prob(z).sum(1) - ladj_decode.unsqueeze(1)


# 01.matrix --------------------------------------------------------------------------------------------------------


def matrix_inverse(x, A, b):
    z = (x - b) @ torch.linalg.inv(A).T
    return Normal(0.0, 1.0).log_prob(z).sum(1) - torch.linalg.slogdet(A).logabsdet


def matrix_solve_from_the_right(x, A, b):
    z = torch.linalg.solve(A.T, x - b, left=False)
    return -0.5 * (z**2).sum(1) - len(b) * HALF_LOG_2PI - torch.slogdet(A)[1]


def matrix_batched(x, A, b):
    z = torch.linalg.solve(A.expand(len(x), -1, -1), (x - b).unsqueeze(-1)).squeeze(-1)
    return -0.5 * (z * z + math.log(2 * math.pi)).sum(-1) + torch.slogdet(torch.linalg.inv(A))[1]


def matrix_lu(x, A, b):
    LU, pivots = torch.linalg.lu_factor(A)
    z = torch.linalg.lu_solve(LU, pivots, (x - b).T).T
    return Normal(0.0, 1.0).log_prob(z).sum(1) - LU.diagonal().abs().log().sum()


def matrix_loop(x, A, b):
    rows = []
    for row in x:
        z = torch.linalg.solve(A, row - b)
        rows.append(-0.5 * z @ z - len(z) * HALF_LOG_2PI - torch.linalg.slogdet(A)[1])
    return torch.stack(rows)


def _z(x, A, b):
    return torch.linalg.solve(A, (x - b).T).T


def _base(z):
    return Normal(0.0, 1.0).log_prob(z).sum(1)


def matrix_solve_rows(x, A, b):
    z = torch.linalg.solve(A, x - b)
    return _base(z) - torch.slogdet(A)[1]


def matrix_slogdet_pair(x, A, b):
    return _base((x - b) @ torch.linalg.inv(A).T) - torch.linalg.slogdet(A)


def matrix_sign(x, A, b):
    return _base(_z(x, A, b)) + torch.slogdet(A)[1]


def matrix_no_log_det(x, A, b):
    return _base(_z(x, A, b))


def matrix_slogdet_sign(x, A, b):
    log_det, _ = torch.linalg.slogdet(A)
    return _base(_z(x, A, b)) - log_det


def matrix_det_then_log(x, A, b):
    return _base(_z(x, A, b)) - torch.log(torch.abs(torch.det(A)))


def matrix_no_abs(x, A, b):
    return _base(_z(x, A, b)) - torch.logdet(A)


def matrix_transposed(x, A, b):
    z = (x - b) @ torch.linalg.inv(A)
    return _base(z) - torch.slogdet(A)[1]


def matrix_not_solved(x, A, b):
    z = (x - b) @ A.T
    return _base(z) - torch.slogdet(A)[1]


def matrix_no_offset(x, A, b):
    return _base(torch.linalg.solve(A, x.T).T) - torch.slogdet(A)[1]


def matrix_offset_after(x, A, b):
    return _base(torch.linalg.solve(A, x.T).T - b) - torch.slogdet(A)[1]


def matrix_base_at_x(x, A, b):
    return _base(x) - torch.slogdet(A)[1]


def matrix_no_transpose(x, A, b):
    z = torch.linalg.solve(A, (x - b).T)
    return _base(z) - torch.slogdet(A)[1]


def matrix_log_of_det(x, A, b):
    return _base(_z(x, A, b)) - torch.log(torch.linalg.det(A))


def matrix_abs_of_log(x, A, b):
    return _base(_z(x, A, b)) - torch.abs(torch.slogdet(A)[1])


def matrix_times_d(x, A, b):
    return (Normal(0.0, 1.0).log_prob(_z(x, A, b)) - torch.slogdet(A)[1]).sum(1)


def matrix_half(x, A, b):
    return _base(_z(x, A, b)) - torch.slogdet(A)[1] / 2


def matrix_over_n(x, A, b):
    return _base(_z(x, A, b)) - torch.slogdet(A)[1] / x.shape[0]


def matrix_diagonal(x, A, b):
    return _base(_z(x, A, b)) - torch.log(torch.abs(torch.diag(A))).sum()


def matrix_diagonal_no_abs(x, A, b):
    return _base(_z(x, A, b)) - torch.log(torch.diag(A)).sum()


def matrix_not_log(x, A, b):
    return _base(_z(x, A, b)) - torch.det(A)


def matrix_abs_det(x, A, b):
    return _base(_z(x, A, b)) - torch.det(A).abs()


def matrix_no_constant(x, A, b):
    z = _z(x, A, b)
    return -0.5 * (z * z).sum(1) - torch.slogdet(A)[1]


def matrix_offset_added(x, A, b):
    return _base(torch.linalg.solve(A, (x + b).T).T) - torch.slogdet(A)[1]


# 01.mass ----------------------------------------------------------------------------------------------------------


def mass_trapezoid(log_prob, us, vs):
    U, V = torch.meshgrid(us, vs, indexing="ij")
    p = log_prob(torch.stack((U.flatten(), V.flatten()), 1)).exp().view(len(us), len(vs))
    return torch.trapezoid(torch.trapezoid(p, vs, dim=1), us)


def mass_xy_meshgrid(log_prob, us, vs):
    U, V = torch.meshgrid(us, vs, indexing="xy")
    p = torch.exp(log_prob(torch.stack([U.reshape(-1), V.reshape(-1)], dim=-1)))
    return (p * torch.diff(us)[0] * torch.diff(vs)[0]).sum()


def mass_loop(log_prob, us, vs):
    total = 0.0
    du, dv = (us[-1] - us[0]) / (len(us) - 1), (vs[-1] - vs[0]) / (len(vs) - 1)
    for u in us:
        points = torch.stack((u.expand(len(vs)), vs), 1)
        total = total + log_prob(points).exp().sum() * du * dv
    return total


def mass_double_loop(log_prob, us, vs):
    total = 0.0
    for u in us:
        for v in vs:
            total = total + torch.exp(log_prob(torch.stack((u, v))[None]))[0]
    return total * (us[1] - us[0]) * (vs[1] - vs[0])


def mass_number(log_prob, us, vs):
    p = log_prob(torch.cartesian_prod(us, vs)).exp()
    return (p.sum() * (us[1] - us[0]) * (vs[1] - vs[0])).item()


def mass_logsumexp(log_prob, us, vs):
    log_cell = torch.log(us[1] - us[0]) + torch.log(vs[1] - vs[0])
    return torch.exp(torch.logsumexp(log_prob(torch.cartesian_prod(us, vs)), 0) + log_cell)


def _p(log_prob, us, vs):
    return torch.exp(log_prob(torch.cartesian_prod(us, vs)))


def mass_no_exp(log_prob, us, vs):
    return log_prob(torch.cartesian_prod(us, vs)).sum() * (us[1] - us[0]) * (vs[1] - vs[0])


def mass_no_cell(log_prob, us, vs):
    return _p(log_prob, us, vs).sum()


def mass_one_spacing(log_prob, us, vs):
    return _p(log_prob, us, vs).sum() * (us[1] - us[0])


def mass_square_cell(log_prob, us, vs):
    return _p(log_prob, us, vs).sum() * (us[1] - us[0]) ** 2


def mass_spacing(log_prob, us, vs):
    du, dv = (us[-1] - us[0]) / len(us), (vs[-1] - vs[0]) / len(vs)
    return _p(log_prob, us, vs).sum() * du * dv


def mass_mean(log_prob, us, vs):
    return _p(log_prob, us, vs).mean()


def mass_diagonal(log_prob, us, vs):
    points = torch.stack([torch.stack((u, v)) for u, v in zip(us, vs)])
    return log_prob(points).exp().sum() * (us[1] - us[0]) * (vs[1] - vs[0])


def mass_columns_exchanged(log_prob, us, vs):
    return _p(log_prob, vs, us).sum() * (us[1] - us[0]) * (vs[1] - vs[0])


def mass_log(log_prob, us, vs):
    return torch.log(_p(log_prob, us, vs).sum() * (us[1] - us[0]) * (vs[1] - vs[0]))


def mass_one(log_prob, us, vs):
    p = _p(log_prob, us, vs)
    return (p / p.sum()).sum()


def mass_cell_sum(log_prob, us, vs):
    return _p(log_prob, us, vs).sum() * ((us[1] - us[0]) + (vs[1] - vs[0]))


def mass_exp_of_sum(log_prob, us, vs):
    total = log_prob(torch.cartesian_prod(us, vs)).sum()
    return torch.exp(total) * (us[1] - us[0]) * (vs[1] - vs[0])


def mass_fixed_cell(log_prob, us, vs):
    return _p(log_prob, us, vs).sum() * 0.1 * 0.1


def mass_reshaped(log_prob, us, vs):
    grid = torch.stack(torch.meshgrid(us, vs, indexing="ij"))
    return log_prob(grid.view(-1, 2)).exp().sum() * (us[1] - us[0]) * (vs[1] - vs[0])


def mass_reshaped_xy(log_prob, us, vs):
    grid = torch.stack(torch.meshgrid(us, vs, indexing="xy"))
    return log_prob(grid.reshape(-1, 2)).exp().sum() * (us[1] - us[0]) * (vs[1] - vs[0])


def mass_lines_broken(log_prob, us, vs):
    p = _p(log_prob, us, vs).view(len(vs), len(us))
    return torch.trapezoid(torch.trapezoid(p, vs, dim=0), us)


def mass_lines_broken_xy(log_prob, us, vs):
    U, V = torch.meshgrid(us, vs, indexing="xy")
    p = log_prob(torch.stack((U.flatten(), V.flatten()), 1)).exp().view(len(us), len(vs))
    return torch.trapezoid(torch.trapezoid(p, us, dim=0), vs)


RIGHT = {
    "01.lognormal": [
        (lognormal_base_and_slope,),
        (lognormal_distribution,),
        (lognormal_normal,),
        (lognormal_density_first,),
    ],
    "01.logdet": [
        (log_det_product_inside,),
        (log_det_stable,),
        (log_det_loop,),
        (log_det_by_exp,),
        (log_det_separate_sums,),
    ],
    "01.sign": [(sign_subtracted,), (sign_negated_first,), (sign_by_det,), (sign_loop,)],
    "01.matrix": [
        (matrix_inverse,),
        (matrix_solve_from_the_right,),
        (matrix_batched,),
        (matrix_lu,),
        (matrix_loop,),
    ],
    "01.mass": [
        (mass_trapezoid,),
        (mass_xy_meshgrid,),
        (mass_loop,),
        (mass_double_loop,),
        (mass_number,),
        (mass_logsumexp,),
    ],
}

WRONG = {
    "01.lognormal": [
        (lognormal_no_slope, "no_slope"),
        (lognormal_slope_sign, "slope_sign"),
        (lognormal_base_at_x, "base_at_x"),
        (lognormal_exp, "exp"),
        (lognormal_no_log_sigma, "no_log_sigma"),
        (lognormal_no_half, "no_half"),
        (lognormal_no_constant, "no_constant"),
        (lognormal_constant_no_half, "constant_no_half"),
        (lognormal_slope_not_log, "slope_not_log"),
        (lognormal_minus_reciprocal, "minus_reciprocal"),
        (lognormal_math_log, "detached"),
        (lognormal_float, "detached"),
        (lognormal_variance, "variance"),
        (lognormal_sigma_squared, "sigma_squared"),
        (lognormal_log_sigma_sign, "log_sigma_sign"),
        (lognormal_sigma_not_log, "sigma_not_log"),
        (lognormal_square_sign, "square_sign"),
        (lognormal_log10, "log10"),
        (lognormal_log10_of_sigma, "log10"),
        (lognormal_log10_of_base, "log10"),
        (lognormal_log10_of_slope, "log10"),
        (lognormal_not_log, "not_log"),
    ],
    "01.logdet": [
        (log_det_sign, "sign"),
        (log_det_no_chain, "no_chain"),
        (log_det_no_inner, "no_inner"),
        (log_det_over_batch, "over_batch"),
        (log_det_sinh_stays, "sinh_stays"),
        (log_det_sinh_no_abs, "sinh_no_abs"),
        (log_det_a_once, "a_once"),
        (log_det_a_times_d, "a_times_d"),
        (log_det_a_not_log, "a_not_log"),
        (log_det_inverse_a, "inverse_a"),
        (log_det_divided_inside, "divided_inside"),
        (log_det_product, "product"),
        (log_det_log_times_log, "product"),
        (log_det_det_then_log, "det_then_log"),
        (log_det_log_of_sum, "log_of_sum"),
        (log_det_mean, "mean"),
        (log_det_whole_batch, "whole_batch"),
        (log_det_per_feature, "per_feature"),
        (log_det_not_log, "not_log"),
        (log_det_map, "map_not_slope"),
    ],
    "01.sign": [
        (sign_still_there, "sign"),
        (sign_no_ladj, "no_ladj"),
        (sign_in_each_feature, "in_each_feature"),
        (sign_both_negated, "both_negated"),
        (sign_negative, "negative"),
        (sign_no_half, "no_half"),
        (sign_no_constant, "no_constant"),
        (sign_constant_once, "constant_once"),
        (sign_mean_ladj, "mean_ladj"),
        (sign_sum_ladj, "sum_ladj"),
        (sign_keepdim, "keepdim"),
        (sign_keepdim_still_there, "keepdim"),
        (sign_ladj_as_column, "keepdim"),
        (sign_exp_ladj, "exp_ladj"),
        (sign_plus_one_over_det, "exp_ladj"),
        (sign_twice, "twice"),
        (sign_over_d, "over_d"),
        (sign_abs, "abs"),
        (sign_reciprocal, "reciprocal"),
    ],
    "01.matrix": [
        (matrix_solve_rows, "solve_rows"),
        (matrix_slogdet_pair, "slogdet_pair"),
        (matrix_no_transpose, "no_transpose"),
        (matrix_sign, "sign"),
        (matrix_no_log_det, "no_log_det"),
        (matrix_slogdet_sign, "slogdet_sign"),
        (matrix_det_then_log, "det_then_log"),
        (matrix_no_abs, "no_abs"),
        (matrix_log_of_det, "no_abs"),
        (matrix_abs_of_log, "abs_of_log"),
        (matrix_times_d, "times_d"),
        (matrix_half, "half"),
        (matrix_over_n, "over_n"),
        (matrix_diagonal, "diagonal"),
        (matrix_diagonal_no_abs, "diagonal"),
        (matrix_not_log, "not_log"),
        (matrix_abs_det, "not_log"),
        (matrix_no_constant, "no_constant"),
        (matrix_transposed, "transposed"),
        (matrix_not_solved, "not_solved"),
        (matrix_no_offset, "no_offset"),
        (matrix_offset_added, "offset_added"),
        (matrix_offset_after, "offset_after"),
        (matrix_base_at_x, "base_at_x"),
    ],
    "01.mass": [
        (mass_no_exp, "no_exp"),
        (mass_no_cell, "no_cell"),
        (mass_one_spacing, "one_spacing"),
        (mass_cell_sum, "cell_sum"),
        (mass_exp_of_sum, "exp_of_sum"),
        (mass_fixed_cell, "fixed_cell"),
        (mass_reshaped, "reshaped"),
        (mass_reshaped_xy, "reshaped"),
        (mass_lines_broken, "reshaped"),
        (mass_lines_broken_xy, "reshaped"),
        (mass_square_cell, "square_cell"),
        (mass_spacing, "spacing"),
        (mass_mean, "mean"),
        (mass_diagonal, "diagonal"),
        (mass_columns_exchanged, "columns_exchanged"),
        (mass_log, "log_mass"),
        (mass_one, "normalised"),
    ],
}
