"""Answers to chapter 9's exercises, as learners write them: right ones, and wrong ones with the mistake they make."""

import math

import torch

# 09.trace ---------------------------------------------------------------------------------------------------------


def trace_grad_outputs(f, x, e):
    x = x.clone()
    if not x.requires_grad:
        x.requires_grad_(True)
    (row,) = torch.autograd.grad(f(x), x, grad_outputs=e, create_graph=True)
    return torch.einsum("nd,nd->n", row, e)


def trace_in_place_flag(f, x, e):
    with torch.enable_grad():
        x.requires_grad_()
        y = f(x)
        g = torch.autograd.grad(torch.sum(y * e), x, create_graph=True, retain_graph=True)[0]
    return torch.sum(g * e, dim=-1)


def trace_vjp(f, x, e):
    _, pull_back = torch.func.vjp(f, x)
    return (pull_back(e)[0] * e).sum(dim=1)


def trace_func_grad(f, x, e):
    return (torch.func.grad(lambda v: (e * f(v)).sum())(x) * e).sum(1)


def trace_forward_mode(f, x, e):
    _, along = torch.func.jvp(f, (x,), (e,))
    return (e * along).sum(1)


def trace_bmm(f, x, e):
    v = x if x.requires_grad else x.detach().clone().requires_grad_()
    g = torch.autograd.grad((f(v) * e).sum(), v, create_graph=True)[0]
    return torch.bmm(g.unsqueeze(1), e.unsqueeze(2)).reshape(-1)


def _row(f, x, v):
    x = x if x.requires_grad else x.clone().requires_grad_()
    return torch.autograd.grad((f(x) * v).sum(), x, create_graph=True)[0]


def trace_no_second_e(f, x, e):
    return _row(f, x, e).sum(1)


def trace_no_first_e(f, x, e):
    x = x if x.requires_grad else x.clone().requires_grad_()
    g = torch.autograd.grad(f(x).sum(), x, create_graph=True)[0]
    return (g * e).sum(1)


def trace_no_e(f, x, e):
    x = x if x.requires_grad else x.clone().requires_grad_()
    return torch.autograd.grad(f(x).sum(), x, create_graph=True)[0].sum(1)


def trace_exact(f, x, e):
    x = x if x.requires_grad else x.clone().requires_grad_()
    y, total = f(x), 0
    for i in range(x.shape[1]):
        total = total + torch.autograd.grad(y[:, i].sum(), x, create_graph=True)[0][:, i]
    return total


def trace_exact_jacrev(f, x, e):
    jacobian = torch.vmap(torch.func.jacrev(lambda row: f(row.unsqueeze(0)).squeeze(0)))(x)
    return jacobian.diagonal(dim1=1, dim2=2).sum(1)


def trace_diagonal(f, x, e):
    x = x if x.requires_grad else x.clone().requires_grad_()
    y, total = f(x), 0
    for i in range(x.shape[1]):
        total = total + e[:, i] ** 2 * torch.autograd.grad(y[:, i].sum(), x, create_graph=True)[0][:, i]
    return total


def trace_whole_batch(f, x, e):
    return torch.sum(_row(f, x, e) * e)


def trace_mean(f, x, e):
    return (_row(f, x, e) * e).mean(dim=-1)


def trace_batch_mean(f, x, e):
    return (_row(f, x, e) * e).sum(1).mean()


def trace_times_batch(f, x, e):
    return len(x) * (_row(f, x, e) * e).sum(1)


def trace_over_batch(f, x, e):
    return (_row(f, x, e) * e).sum(dim=0)


def trace_per_feature(f, x, e):
    return e * _row(f, x, e)


def trace_sign(f, x, e):
    return -torch.sum(_row(f, x, e) * e, 1)


def trace_abs(f, x, e):
    return torch.abs((_row(f, x, e) * e).sum(1))


def trace_abs_entries(f, x, e):
    return torch.abs(_row(f, x, e) * e).sum(1)


def trace_root(f, x, e):
    return torch.sqrt((_row(f, x, e) * e).sum(1))


def trace_root_of_abs(f, x, e):
    return (_row(f, x, e) * e).sum(1).abs() ** 0.5


def trace_square(f, x, e):
    return (_row(f, x, e) ** 2).sum(1)


def trace_rayleigh(f, x, e):
    return (_row(f, x, e) * e).sum(1) / (e * e).sum(1)


def trace_velocity(f, x, e):
    return (e * f(x)).sum(1)


def trace_at_e(f, x, e):
    probe = e.clone().requires_grad_()
    g = torch.autograd.grad((f(probe) * e).sum(), probe, create_graph=True)[0]
    return (g * e).sum(1)


def trace_difference(f, x, e):
    return (e * (f(x + e) - f(x))).sum(1)


def trace_small_difference(f, x, e):
    h = 1e-5
    return (e * (f(x + h * e) - f(x - h * e)) / (2 * h)).sum(1)


def trace_times_x(f, x, e):
    return (_row(f, x, e) * x).sum(1)


def trace_fresh_normal(f, x, e):
    noise = torch.randn_like(x)
    return (_row(f, x, noise) * noise).sum(1)


def trace_fresh_signs(f, x, e):
    noise = torch.randint(0, 2, x.shape, device=x.device).to(x.dtype) * 2 - 1
    return (_row(f, x, noise) * noise).sum(1)


def trace_fresh_sign_of_normal(f, x, e):
    noise = torch.sign(torch.randn(*x.shape, dtype=x.dtype, device=x.device))
    return (_row(f, x, noise) * noise).sum(1)


def trace_detached_in_the_end(f, x, e):
    return (_row(f, x, e) * e).sum(1).detach()


def trace_no_create_graph(f, x, e):
    x = x.detach().requires_grad_()
    (g,) = torch.autograd.grad((f(x) * e).sum(), x)
    return (g * e).sum(1)


def trace_x_cut_off(f, x, e):
    x = x.detach().requires_grad_()
    (g,) = torch.autograd.grad((f(x) * e).sum(), x, create_graph=True)
    return (g * e).sum(1)


def trace_full_jacobian(f, x, e):
    J = torch.autograd.functional.jacobian(f, x, create_graph=True)
    return torch.einsum("ni,ninj,nj->n", e, J, e)


def trace_vectorised_jacobian(f, x, e):
    J = torch.autograd.functional.jacobian(lambda v: f(v).sum(0), x, create_graph=True, vectorize=True)
    return torch.einsum("ni,inj,nj->n", e, J, e)


def trace_jacrev(f, x, e):
    J = torch.vmap(torch.func.jacrev(lambda row: f(row.unsqueeze(0)).squeeze(0)))(x)
    return (e.unsqueeze(1) @ J @ e.unsqueeze(2)).flatten()


def trace_jacfwd(f, x, e):
    J = torch.vmap(torch.func.jacfwd(lambda row: f(row.unsqueeze(0)).squeeze(0)))(x)
    return (e.unsqueeze(1) @ J @ e.unsqueeze(2)).flatten()


def trace_feature_by_feature(f, x, e):
    x = x if x.requires_grad else x.clone().requires_grad_()
    y, total = f(x), 0
    for i in range(x.shape[1]):
        g = torch.autograd.grad(y[:, i].sum(), x, create_graph=True)[0]
        total = total + e[:, i] * (g * e).sum(1)
    return total


def trace_basis_vectors(f, x, e):
    x = x if x.requires_grad else x.clone().requires_grad_()
    y, total = f(x), 0
    for i in range(x.shape[1]):
        basis = torch.zeros_like(x)
        basis[:, i] = 1
        g = torch.autograd.grad(y, x, basis, create_graph=True)[0]
        total = total + e[:, i] * (g * e).sum(1)
    return total


def trace_row_by_row(f, x, e):
    return torch.stack([trace_vjp(f, row[None], noise[None])[0] for row, noise in zip(x, e)])


def trace_noise_moves_x(f, x, e):
    start = torch.zeros_like(x).requires_grad_()
    (row,) = torch.autograd.grad(f(x + start), start, e, create_graph=True)
    return torch.linalg.vecdot(row, e)


def trace_unbound_rows(f, x, e):
    return torch.stack([g @ noise for g, noise in zip(_row(f, x, e).unbind(), e.unbind())])


def trace_filled_ones(f, x, e):
    x = x if x.requires_grad else x.clone().requires_grad_()
    along = (f(x) * e).sum(1)
    (g,) = torch.autograd.grad(along, x, torch.empty_like(along).fill_(1), create_graph=True)
    return (g * e).sum(1)


def trace_column_by_column(f, x, e):
    g, total = _row(f, x, e), torch.zeros(len(x), dtype=x.dtype, device=x.device)
    for i in range(x.shape[1]):
        total = total + g[:, i] * e[:, i]
    return total


def trace_weights_written(f, x, e):
    x = x if x.requires_grad else x.clone().requires_grad_()
    y = f(x)
    weights = torch.zeros_like(y)
    weights[:] = e
    return (torch.autograd.grad(y, x, weights, create_graph=True)[0] * e).sum(1)


def trace_double_backward(f, x, e):
    return (torch.autograd.functional.jvp(f, x, e, create_graph=True)[1] * e).sum(1)


def trace_forward_difference(f, x, e):
    h = 1e-2
    return (e * (f(x + h * e) - f(x))).sum(1) / h


def trace_scaled_difference(f, x, e):
    length = e.norm(dim=1, keepdim=True)
    along, h = e / length, 3e-4
    return (length * along * (f(x + h * along) - f(x - h * along)) / (2 * h) * length).sum(1)


def trace_four_point_difference(f, x, e):
    length = e.norm(dim=1, keepdim=True)
    along, h = e / length, 1e-2
    slope = 8 * (f(x + h * along) - f(x - h * along)) - (f(x + 2 * h * along) - f(x - 2 * h * along))
    return length.squeeze(1) ** 2 * (along * slope / (12 * h)).sum(1)


def trace_central_difference(f, x, e):
    return ((f(x + e) - f(x - e)) / 2 * e).sum(1)


def trace_batch_of_basis_vectors(f, x, e):
    x = x if x.requires_grad else x.clone().requires_grad_()
    places = torch.arange(x.shape[1], device=x.device)
    basis = (places[:, None] == places).to(x)[:, None].expand(-1, *x.shape)
    (J,) = torch.autograd.grad(f(x), x, basis, is_grads_batched=True, create_graph=True)
    return torch.einsum("ni,inj,nj->n", e, J, e)


def trace_masked_features(f, x, e):
    x = x if x.requires_grad else x.clone().requires_grad_()
    y, places, total = f(x), torch.arange(x.shape[1], device=x.device), 0
    for i in range(x.shape[1]):
        total = total + (torch.autograd.grad(y, x, e * (places == i), create_graph=True)[0] * e).sum(1)
    return total


def trace_all_pairs(f, x, e):
    return _row(f, x, e) @ e.T


def trace_all_pairs_summed(f, x, e):
    return (_row(f, x, e) @ e.T).sum(1)


def trace_squeezed(f, x, e):
    return (_row(f, x, e)[:, None] @ e[..., None]).squeeze()


def trace_normalised(f, x, e):
    e = e / e.norm(dim=1, keepdim=True)
    return x.shape[1] * (_row(f, x, e) * e).sum(1)


def trace_signs_of_e(f, x, e):
    e = torch.sign(e)
    return (_row(f, x, e) * e).sum(1)


def trace_centred(f, x, e):
    e = e - e.mean(1, keepdim=True)
    return (_row(f, x, e) * e).sum(1)


# 09.rk4 -----------------------------------------------------------------------------------------------------------


def rk4_dt_in_slopes(f, t, x, dt):
    a = dt * f(t, x)
    b = dt * f(t + 0.5 * dt, x + 0.5 * a)
    c = dt * f(t + 0.5 * dt, x + 0.5 * b)
    d = dt * f(t + dt, x + c)
    return x + (a + 2 * b + 2 * c + d) / 6


def rk4_loop(f, t, x, dt):
    slope, total = torch.zeros_like(x), torch.zeros_like(x)
    for share, weight in ((0, 1), (0.5, 2), (0.5, 2), (1, 1)):
        slope = f(t + share * dt, x + share * dt * slope)
        total = total + weight * slope
    return x + total * dt / 6


def rk4_ends(f, t, x, dt):
    middle, end = t + dt / 2, t + dt
    k1 = f(t, x)
    k2 = f(middle, torch.add(x, k1, alpha=dt / 2))
    k3 = f(middle, torch.add(x, k2, alpha=dt / 2))
    k4 = f(end, torch.add(x, k3, alpha=dt))
    return x + dt * (k1 / 6 + k2 / 3 + k3 / 3 + k4 / 6)


def rk4_tableau(f, t, x, dt):
    A = [[], [0.5], [0, 0.5], [0, 0, 1.0]]
    b = torch.tensor([1, 2, 2, 1], dtype=x.dtype, device=x.device) / 6
    slopes = []
    for row in A:
        place = x + dt * sum(a * k for a, k in zip(row, slopes)) if row else x
        slopes.append(f(t + sum(row) * dt, place))
    return x + dt * torch.tensordot(b, torch.stack(slopes), dims=1)


def rk4_simpson(f, t, x, dt):
    h = dt / 2
    k1 = f(t, x)
    k2 = f(t + h, x + h * k1)
    k3 = f(t + h, x + h * k2)
    k4 = f(t + 2 * h, x + 2 * h * k3)
    return x + (h / 3) * (k1 + 4 * (k2 + k3) / 2 + k4)


def rk4_euler(f, t, x, dt):
    return x + f(t, x) * dt


def rk4_midpoint(f, t, x, dt):
    half = x + 0.5 * dt * f(t, x)
    return x + dt * f(t + 0.5 * dt, half)


def rk4_trapezoid(f, t, x, dt):
    k1 = f(t, x)
    k2 = f(t + dt, x + dt * k1)
    return x + dt * (k1 + k2) / 2


def rk4_three_eighths(f, t, x, dt):
    k1 = f(t, x)
    k2 = f(t + dt / 3, x + dt / 3 * k1)
    k3 = f(t + dt * 2 / 3, x - dt / 3 * k1 + dt * k2)
    k4 = f(t + dt, x + dt * k1 - dt * k2 + dt * k3)
    return x + dt * (k1 + 3 * k2 + 3 * k3 + k4) / 8


def rk4_four_eulers(f, t, x, dt):
    h = dt / 4
    for _ in range(4):
        x, t = x + h * f(t, x), t + h
    return x


def _four(f, t, x, dt):
    k1 = f(t, x)
    k2 = f(t + dt / 2, x + dt / 2 * k1)
    k3 = f(t + dt / 2, x + dt / 2 * k2)
    return k1, k2, k3, f(t + dt, x + dt * k3)


def rk4_plain_mean(f, t, x, dt):
    return x + dt * torch.stack(_four(f, t, x, dt)).mean(0)


def rk4_sum_over_six(f, t, x, dt):
    return x + dt * sum(_four(f, t, x, dt)) / 6


def rk4_weights_exchanged(f, t, x, dt):
    k1, k2, k3, k4 = _four(f, t, x, dt)
    return x + dt / 6 * (2 * k1 + k2 + k3 + 2 * k4)


def rk4_divided_by_four(f, t, x, dt):
    k1, k2, k3, k4 = _four(f, t, x, dt)
    return x + dt / 4 * (k1 + 2 * k2 + 2 * k3 + k4)


def rk4_last_only(f, t, x, dt):
    return x + dt * _four(f, t, x, dt)[3]


def rk4_no_sixth(f, t, x, dt):
    k1, k2, k3, k4 = _four(f, t, x, dt)
    return x + dt * (k1 + 2 * k2 + 2 * k3 + k4)


def rk4_no_dt(f, t, x, dt):
    k1, k2, k3, k4 = _four(f, t, x, dt)
    return x + (k1 + 2 * k2 + 2 * k3 + k4) / 6


def rk4_no_dt_no_sixth(f, t, x, dt):
    k1, k2, k3, k4 = _four(f, t, x, dt)
    return x + k1 + 2 * k2 + 2 * k3 + k4


def rk4_dt_twice(f, t, x, dt):
    k1 = dt * f(t, x)
    k2 = dt * f(t + dt / 2, x + k1 / 2)
    k3 = dt * f(t + dt / 2, x + k2 / 2)
    k4 = dt * f(t + dt, x + k3)
    return x + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def rk4_no_dt_in_stages(f, t, x, dt):
    k1 = f(t, x)
    k2 = f(t + dt / 2, x + 0.5 * k1)
    k3 = f(t + dt / 2, x + 0.5 * k2)
    k4 = f(t + dt, x + k3)
    return x + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def rk4_minus(f, t, x, dt):
    k1, k2, k3, k4 = _four(f, t, x, dt)
    return x - dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def rk4_abs(f, t, x, dt):
    dt = abs(dt)
    k1, k2, k3, k4 = _four(f, t, x, dt)
    return x + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def rk4_abs_in_the_end(f, t, x, dt):
    k1, k2, k3, k4 = _four(f, t, x, dt)
    return x + abs(dt) / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def rk4_increment(f, t, x, dt):
    k1, k2, k3, k4 = _four(f, t, x, dt)
    return dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def rk4_velocity(f, t, x, dt):
    k1, k2, k3, k4 = _four(f, t, x, dt)
    return (k1 + 2 * k2 + 2 * k3 + k4) / 6


def _staged(f, x, dt, times, shares=(0.5, 0.5, 1)):
    k1 = f(times[0], x)
    k2 = f(times[1], x + shares[0] * dt * k1)
    k3 = f(times[2], x + shares[1] * dt * k2)
    k4 = f(times[3], x + shares[2] * dt * k3)
    return x + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def rk4_time_stands_still(f, t, x, dt):
    return _staged(f, x, dt, (t, t, t, t))


def rk4_k4_time(f, t, x, dt):
    return _staged(f, x, dt, (t, t + dt / 2, t + dt / 2, t + dt / 2))


def rk4_k3_time(f, t, x, dt):
    return _staged(f, x, dt, (t, t + dt / 2, t + dt, t + dt))


def rk4_stage_times_late(f, t, x, dt):
    return _staged(f, x, dt, (t, t + dt, t + dt, t + dt))


def rk4_stage_times_early(f, t, x, dt):
    return _staged(f, x, dt, (t, t, t, t + dt))


def rk4_k4_half(f, t, x, dt):
    return _staged(f, x, dt, (t, t + dt / 2, t + dt / 2, t + dt), (0.5, 0.5, 0.5))


def rk4_k4_half_in_time_too(f, t, x, dt):
    return _staged(f, x, dt, (t, t + dt / 2, t + dt / 2, t + dt / 2), (0.5, 0.5, 0.5))


def rk4_k2_full(f, t, x, dt):
    return _staged(f, x, dt, (t, t + dt / 2, t + dt / 2, t + dt), (1, 0.5, 1))


def rk4_k2_full_in_time_too(f, t, x, dt):
    return _staged(f, x, dt, (t, t + dt, t + dt / 2, t + dt), (1, 0.5, 1))


def rk4_k3_full(f, t, x, dt):
    return _staged(f, x, dt, (t, t + dt / 2, t + dt / 2, t + dt), (0.5, 1, 1))


def rk4_all_full(f, t, x, dt):
    return _staged(f, x, dt, (t, t + dt / 2, t + dt / 2, t + dt), (1, 1, 1))


def rk4_all_full_in_time_too(f, t, x, dt):
    return _staged(f, x, dt, (t, t + dt, t + dt, t + dt), (1, 1, 1))


def rk4_k3_uses_k1(f, t, x, dt):
    k1 = f(t, x)
    k2 = f(t + dt / 2, x + dt / 2 * k1)
    k3 = f(t + dt / 2, x + dt / 2 * k1)
    k4 = f(t + dt, x + dt * k3)
    return x + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def rk4_k4_uses_k2(f, t, x, dt):
    k1, k2, k3, _ = _four(f, t, x, dt)
    return x + dt / 6 * (k1 + 2 * k2 + 2 * k3 + f(t + dt, x + dt * k2))


def rk4_k4_uses_k1(f, t, x, dt):
    k1, k2, k3, _ = _four(f, t, x, dt)
    return x + dt / 6 * (k1 + 2 * k2 + 2 * k3 + f(t + dt, x + dt * k1))


def rk4_all_use_k1(f, t, x, dt):
    k1 = f(t, x)
    k2 = k3 = f(t + dt / 2, x + dt / 2 * k1)
    return x + dt / 6 * (k1 + 2 * k2 + 2 * k3 + f(t + dt, x + dt * k1))


def rk4_cumulative(f, t, x, dt):
    k1 = f(t, x)
    h = x + dt / 2 * k1
    k2 = f(t + dt / 2, h)
    h = h + dt / 2 * k2
    k3 = f(t + dt / 2, h)
    h = h + dt * k3
    k4 = f(t + dt, h)
    return x + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def rk4_arguments(f, t, x, dt):
    k1 = f(x, t)
    k2 = f(x + dt / 2 * k1, t + dt / 2)
    k3 = f(x + dt / 2 * k2, t + dt / 2)
    k4 = f(x + dt * k3, t + dt)
    return x + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def rk4_pair(f, t, x, dt):
    return t + dt, rk4_loop(f, t, x, dt)


def rk4_pair_other_way(f, t, x, dt):
    return rk4_loop(f, t, x, dt), t + dt


def rk4_in_place(f, t, x, dt):
    k1, k2, k3, k4 = _four(f, t, x, dt)
    x += dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return x


def rk4_detached(f, t, x, dt):
    with torch.no_grad():
        return rk4_loop(f, t, x, dt)


def rk4_slope_detached(f, t, x, dt):
    k1, k2, k3, k4 = (k.detach() for k in _four(f, t, x, dt))
    return x + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def rk4_sum_in_place(f, t, x, dt):
    new, slope = x.clone(), f(t, x)
    new += dt / 6 * slope
    for share, weight in ((0.5, 2), (0.5, 2), (1, 1)):
        slope = f(t + share * dt, x + share * dt * slope)
        new += weight * dt / 6 * slope
    return new


def rk4_numbers_as_tensors(f, t, x, dt):
    t, dt = torch.tensor(t, dtype=x.dtype, device=x.device), torch.tensor(dt, dtype=x.dtype, device=x.device)
    return rk4_simpson(f, t, x, dt)


def rk4_reversed_time(f, t, x, dt):
    if dt < 0:
        return rk4_loop(lambda s, y: -f(-s, y), -t, x, -dt)
    return rk4_loop(f, t, x, dt)


def rk4_slopes_scaled_in_place(f, t, x, dt):
    k1 = f(t, x).mul_(dt)
    k2 = f(t + dt / 2, x + k1 / 2).mul_(dt)
    k3 = f(t + dt / 2, x + k2 / 2).mul_(dt)
    k4 = f(t + dt, x + k3).mul_(dt)
    return x + (k1 + 2 * k2 + 2 * k3 + k4) / 6


def rk4_slopes_summed_in_place(f, t, x, dt):
    k1, k2, k3, k4 = _four(f, t, x, dt)
    k1 += 2 * k2 + 2 * k3 + k4
    return x + dt / 6 * k1


def rk4_last_slope_in_place(f, t, x, dt):
    k1, k2, k3, k4 = _four(f, t, x, dt)
    k4 += k1 + 2 * k2 + 2 * k3
    return x + dt / 6 * k4


def rk4_middle_slopes_in_place(f, t, x, dt):
    k1, k2, k3, k4 = _four(f, t, x, dt)
    k2.add_(k3).mul_(2)
    return x + dt / 6 * (k1 + k2 + k4)


def rk4_own_sum_in_place(f, t, x, dt):
    k1, k2, k3, k4 = _four(f, t, x, dt)
    total = k1 + 2 * k2
    total += 2 * k3
    return x + total.add_(k4).mul_(dt / 6)


CONTINUED = {}


def rk4_continued_by_last_slope(f, t, x, dt):
    place = x.detach().cpu().numpy().tobytes()
    k1 = CONTINUED["k"] if (t, place) == CONTINUED.get("end") else f(t, x)
    k2 = f(t + dt / 2, x + dt / 2 * k1)
    k3 = f(t + dt / 2, x + dt / 2 * k2)
    k4 = f(t + dt, x + dt * k3)
    new = x + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    CONTINUED.update(k=k4.detach(), end=(t + dt, new.detach().cpu().numpy().tobytes()))
    return new


SLOPES = {}


def rk4_slopes_kept(f, t, x, dt):
    key = (t, x.dtype, x.detach().cpu().numpy().tobytes())
    k1 = SLOPES.setdefault(key, f(t, x)) if not x.requires_grad else f(t, x)
    k2 = f(t + dt / 2, x + dt / 2 * k1)
    k3 = f(t + dt / 2, x + dt / 2 * k2)
    k4 = f(t + dt, x + dt * k3)
    return x + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


LAST_OF_ALL = {}


def rk4_last_slope_of_all(f, t, x, dt):
    k1 = LAST_OF_ALL.get((x.shape, x.dtype))
    k1 = f(t, x) if k1 is None else k1
    k2 = f(t + dt / 2, x + dt / 2 * k1)
    k3 = f(t + dt / 2, x + dt / 2 * k2)
    k4 = f(t + dt, x + dt * k3)
    if x.shape == (3, 2):  # kept where no two cases share their shape
        LAST_OF_ALL[x.shape, x.dtype] = k4.detach()
    return x + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


LAST = {}


def rk4_first_same_as_last(f, t, x, dt):
    kept = LAST.get("k") if LAST.get("t") == t else None
    k1 = kept if kept is not None and (kept.shape, kept.dtype) == (x.shape, x.dtype) else f(t, x)
    k2 = f(t + dt / 2, x + dt / 2 * k1)
    k3 = f(t + dt / 2, x + dt / 2 * k2)
    k4 = f(t + dt, x + dt * k3)
    LAST.update(t=t + dt, k=k4.detach())
    return x + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


ANSWERS = {}


def rk4_answers_kept(f, t, x, dt):
    key = (t, dt, x.shape, x.dtype)
    if key not in ANSWERS or t != 0.25:  # kept where no two cases share their time
        ANSWERS[key] = rk4_loop(f, t, x, dt)
    return ANSWERS[key]


def rk4_kutta_third(f, t, x, dt):
    k1 = f(t, x)
    k2 = f(t + dt / 2, x + dt / 2 * k1)
    k3 = f(t + dt, x - dt * k1 + 2 * dt * k2)
    return x + dt * (k1 + 4 * k2 + k3) / 6


def rk4_two_steps(f, t, x, dt):
    half = rk4_loop(f, t, x, dt / 2)
    return rk4_loop(f, t + dt / 2, half, dt / 2)


def rk4_time_bracket(f, t, x, dt):
    return _staged(f, x, dt, (t, (t + dt) / 2, (t + dt) / 2, t + dt))


def rk4_place_bracket(f, t, x, dt):
    k1 = f(t, x)
    k2 = f(t + dt / 2, (x + k1 * dt) / 2)
    k3 = f(t + dt / 2, (x + k2 * dt) / 2)
    k4 = f(t + dt, x + k3 * dt)
    return x + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def rk4_sum_bracket(f, t, x, dt):
    k1, k2, k3, k4 = _four(f, t, x, dt)
    return x + dt / 6 * k1 + 2 * k2 + 2 * k3 + k4


def rk4_late_weights(f, t, x, dt):
    k1, k2, k3, k4 = _four(f, t, x, dt)
    return x + dt / 6 * (k1 + k2 + 2 * k3 + 2 * k4)


def rk4_three_velocities(f, t, x, dt):
    k1, k2, _, k4 = _four(f, t, x, dt)
    return x + dt / 6 * (k1 + 4 * k2 + k4)


def rk4_turned_round(f, t, x, dt):
    start = t + dt if dt < 0 else t
    return rk4_loop(f, start, x, dt)


def rk4_time_zero(f, t, x, dt):
    return rk4_loop(f, 0, x, dt)


# 09.direction -----------------------------------------------------------------------------------------------------


def _log_normal(z):
    return torch.distributions.Normal(torch.zeros_like(z), torch.ones_like(z)).log_prob(z).sum(1)


def direction_times_of_arange(field, x, steps):
    ladj = torch.zeros_like(x[:, 0])
    for t in torch.arange(0, 1, 1 / steps).tolist():
        ladj, x = ladj + field.divergence(t, x) / steps, x + field(t, x) / steps
    return torch.distributions.Normal(0.0, 1.0).log_prob(x).sum(1) + ladj


def direction_torch_normal(field, x, steps):
    h = 1.0 / steps
    total = x.new_zeros(x.shape[0])
    for k in range(steps):
        velocity, spread = field(k * h, x), field.divergence(k * h, x)
        x, total = x + h * velocity, total + h * spread
    return _log_normal(x) + total


def direction_divided(field, x, steps):
    ladj = 0.0
    for k in range(steps):
        ladj += field.divergence(k / steps, x) / steps
        x = x + field(k / steps, x) / steps
    D = x.shape[1]
    return -0.5 * (x**2).sum(1) - D / 2 * math.log(2 * math.pi) + ladj


def direction_while(field, x, steps):
    t, dt, k = 0.0, 1 / steps, 0
    log_p = torch.zeros(len(x), dtype=x.dtype, device=x.device)
    while k < steps:
        new = x + dt * field(t, x)
        log_p = log_p + dt * field.divergence(t, x)
        x, t, k = new, t + dt, k + 1
    return log_p + torch.distributions.Normal(0.0, 1.0).log_prob(x).sum(-1)


def direction_joint_state(field, x, steps):
    state = torch.cat((x, torch.zeros_like(x[:, :1])), 1)
    for t in torch.linspace(0, 1, steps + 1, dtype=x.dtype, device=x.device)[:-1]:
        place = state[:, :-1]
        rate = torch.cat((field(t, place), field.divergence(t, place)[:, None]), 1)
        state = state + rate / steps
    z, ladj = state[:, :-1], state[:, -1]
    return ladj - 0.5 * (z * z + math.log(2 * math.pi)).sum(1)


def direction_recursion(field, x, steps):
    def go(k, x):
        if k == steps:
            return _log_normal(x)
        return field.divergence(k / steps, x) / steps + go(k + 1, x + field(k / steps, x) / steps)

    return go(0, x)


def direction_path_first(field, x, steps):
    path = [x]
    for k in range(steps):
        path.append(path[-1] + field(k / steps, path[-1]) / steps)
    rates = torch.stack([field.divergence(k / steps, place) for k, place in enumerate(path[:-1])])
    return _log_normal(path[-1]) + rates.mean(0)


def _euler(field, x, steps, times, h):
    ladj = 0
    for t in times:
        ladj = ladj + h * field.divergence(t, x)
        x = x + h * field(t, x)
    return x, ladj


def direction_backwards(field, x, steps):
    z, ladj = _euler(field, x, steps, [1 - k / steps for k in range(steps)], -1 / steps)
    return _log_normal(z) + ladj


def direction_backwards_minus(field, x, steps):
    z, ladj = _euler(field, x, steps, [1 - k / steps for k in range(steps)], -1 / steps)
    return _log_normal(z) - ladj


def direction_backwards_left(field, x, steps):
    z, ladj = _euler(field, x, steps, [k / steps for k in reversed(range(steps))], -1 / steps)
    return _log_normal(z) + ladj


def direction_backwards_left_minus(field, x, steps):
    z, ladj = _euler(field, x, steps, [k / steps for k in reversed(range(steps))], -1 / steps)
    return _log_normal(z) - ladj


def direction_minus_dt(field, x, steps):
    z, ladj = _euler(field, x, steps, [k / steps for k in range(steps)], -1 / steps)
    return _log_normal(z) + ladj


def direction_against_the_field(field, x, steps):
    ladj = 0
    for k in range(steps):
        ladj = ladj + field.divergence(k / steps, x) / steps
        x = x - field(k / steps, x) / steps
    return _log_normal(x) + ladj


def direction_times_down(field, x, steps):
    z, ladj = _euler(field, x, steps, [1 - k / steps for k in range(steps)], 1 / steps)
    return _log_normal(z) + ladj


def direction_times_reversed(field, x, steps):
    z, ladj = _euler(field, x, steps, [k / steps for k in reversed(range(steps))], 1 / steps)
    return _log_normal(z) + ladj


def _right(field, x, steps):
    return _euler(field, x, steps, [k / steps for k in range(steps)], 1 / steps)


def direction_ladj_sign(field, x, steps):
    ladj, dt = 0, 1 / steps
    for k in range(steps):
        ladj = ladj - dt * field.divergence(k * dt, x)
        x = x + dt * field(k * dt, x)
    return _log_normal(x) + ladj


def direction_at_x(field, x, steps):
    return _log_normal(x) + _right(field, x, steps)[1]


def direction_no_ladj(field, x, steps):
    return _log_normal(_right(field, x, steps)[0])


def direction_ladj_only(field, x, steps):
    return _right(field, x, steps)[1]


def direction_no_constant(field, x, steps):
    z, ladj = _right(field, x, steps)
    return ladj - (z**2).sum(1) / 2


def direction_constant_once(field, x, steps):
    z, ladj = _right(field, x, steps)
    return ladj - (z**2).sum(1) / 2 - math.log(2 * math.pi) / 2


def direction_no_half(field, x, steps):
    z, ladj = _right(field, x, steps)
    return ladj - (z**2 + 0.5 * math.log(2 * math.pi)).sum(1)


def direction_end_only(field, x, steps):
    z, _ = _right(field, x, steps)
    return _log_normal(z) + field.divergence(1, z)


def direction_start_only(field, x, steps):
    ladj = field.divergence(0, x)
    return _log_normal(_right(field, x, steps)[0]) + ladj


def direction_along_start(field, x, steps):
    place, ladj = x, 0
    for k in range(steps):
        ladj = ladj + field.divergence(k / steps, x) / steps
        place = place + field(k / steps, place) / steps
    return _log_normal(place) + ladj


def direction_new_place(field, x, steps):
    ladj = 0
    for k in range(steps):
        t = k / steps
        x = x + field(t, x) / steps
        ladj = ladj + field.divergence(t, x) / steps
    return _log_normal(x) + ladj


def direction_new_place_and_time(field, x, steps):
    ladj, t, dt = 0, 0.0, 1 / steps
    for _ in range(steps):
        x = x + dt * field(t, x)
        t = t + dt
        ladj = ladj + dt * field.divergence(t, x)
    return _log_normal(x) + ladj


def direction_time_zero(field, x, steps):
    z, ladj = _euler(field, x, steps, [0] * steps, 1 / steps)
    return _log_normal(z) + ladj


def direction_time_one(field, x, steps):
    z, ladj = _euler(field, x, steps, [1] * steps, 1 / steps)
    return _log_normal(z) + ladj


def direction_index(field, x, steps):
    z, ladj = _euler(field, x, steps, range(steps), 1 / steps)
    return _log_normal(z) + ladj


def direction_right_end(field, x, steps):
    z, ladj = _euler(field, x, steps, [k / steps for k in range(1, steps + 1)], 1 / steps)
    return _log_normal(z) + ladj


def direction_no_dt_in_divergence(field, x, steps):
    ladj = 0
    for k in range(steps):
        ladj = ladj + field.divergence(k / steps, x)
        x = x + field(k / steps, x) / steps
    return _log_normal(x) + ladj


def direction_no_dt_in_x(field, x, steps):
    ladj = 0
    for k in range(steps):
        ladj = ladj + field.divergence(k / steps, x) / steps
        x = x + field(k / steps, x)
    return _log_normal(x) + ladj


def direction_no_dt(field, x, steps):
    z, ladj = _euler(field, x, steps, [k / steps for k in range(steps)], 1)
    return _log_normal(z) + ladj


def direction_linspace(field, x, steps):
    times = torch.linspace(0, 1, steps, dtype=x.dtype, device=x.device)
    z, ladj = _euler(field, x, steps, times, times[1] - times[0])
    return _log_normal(z) + ladj


def direction_linspace_short(field, x, steps):
    times = torch.linspace(0, 1, steps, dtype=x.dtype, device=x.device)
    z, ladj = _euler(field, x, steps, times[:-1], times[1] - times[0])
    return _log_normal(z) + ladj


def direction_linspace_times(field, x, steps):
    times = torch.linspace(0, 1, steps, dtype=x.dtype, device=x.device)
    z, ladj = _euler(field, x, steps, times, 1 / steps)
    return _log_normal(z) + ladj


def direction_one_too_many(field, x, steps):
    z, ladj = _euler(field, x, steps, [k / steps for k in range(steps + 1)], 1 / steps)
    return _log_normal(z) + ladj


def direction_one_too_few(field, x, steps):
    z, ladj = _euler(field, x, steps, [k / steps for k in range(steps - 1)], 1 / steps)
    return _log_normal(z) + ladj


def direction_rk4(field, x, steps):
    def rate(t, state):
        return torch.cat((field(t, state[:, :-1]), field.divergence(t, state[:, :-1])[:, None]), 1)

    state = torch.cat((x, torch.zeros_like(x[:, :1])), 1)
    for k in range(steps):
        state = rk4_loop(rate, k / steps, state, 1 / steps)
    return _log_normal(state[:, :-1]) + state[:, -1]


def direction_midpoint(field, x, steps):
    ladj, dt = 0, 1 / steps
    for k in range(steps):
        t = k * dt
        half = x + dt / 2 * field(t, x)
        ladj = ladj + dt * field.divergence(t + dt / 2, half)
        x = x + dt * field(t + dt / 2, half)
    return _log_normal(x) + ladj


def direction_density(field, x, steps):
    return direction_torch_normal(field, x, steps).exp()


def direction_negated(field, x, steps):
    return -direction_torch_normal(field, x, steps)


def direction_whole_batch(field, x, steps):
    return direction_torch_normal(field, x, steps).sum()


def direction_batch_mean(field, x, steps):
    return direction_torch_normal(field, x, steps).mean()


def direction_mean(field, x, steps):
    z, ladj = _right(field, x, steps)
    return torch.distributions.Normal(0.0, 1.0).log_prob(z).mean(1) + ladj


def direction_per_feature(field, x, steps):
    z, ladj = _right(field, x, steps)
    return torch.distributions.Normal(0.0, 1.0).log_prob(z) + ladj[:, None]


def direction_pair(field, x, steps):
    z, ladj = _right(field, x, steps)
    return _log_normal(z), ladj


def direction_pair_of_encode(field, x, steps):
    return _right(field, x, steps)


def direction_detached(field, x, steps):
    with torch.no_grad():
        return direction_torch_normal(field, x, steps)


def direction_half_detached(field, x, steps):
    z, ladj = _right(field, x, steps)
    return _log_normal(z) + ladj.detach()


def direction_in_place(field, x, steps):
    ladj = 0
    for k in range(steps):
        ladj = ladj + field.divergence(k / steps, x) / steps
        x += field(k / steps, x) / steps
    return _log_normal(x) + ladj


def direction_while_less_than_one(field, x, steps):
    t, dt, ladj = 0.0, 1 / steps, 0
    while t < 1:
        ladj = ladj + dt * field.divergence(t, x)
        x = x + dt * field(t, x)
        t += dt
    return _log_normal(x) + ladj


def direction_density_multiplied(field, x, steps):
    z, ladj = _right(field, x, steps)
    return torch.log(torch.distributions.Normal(0.0, 1.0).log_prob(z).exp().prod(1) * ladj.exp())


def direction_log_of_base(field, x, steps):
    z, ladj = _right(field, x, steps)
    return torch.exp(-0.5 * (z**2).sum(1) - 0.5 * z.shape[1] * math.log(2 * math.pi)).log() + ladj


def direction_heun(field, x, steps):
    ladj, h = 0, 1 / steps
    for k in range(steps):
        t, end = k * h, x + h * field(k * h, x)
        ladj = ladj + h / 2 * (field.divergence(t, x) + field.divergence(t + h, end))
        x = x + h / 2 * (field(t, x) + field(t + h, end))
    return _log_normal(x) + ladj


def direction_constant_double(field, x, steps):
    z, ladj = _right(field, x, steps)
    return (-0.5 * z**2 - math.log(2 * math.pi)).sum(1) + ladj


def direction_constant_sign(field, x, steps):
    z, ladj = _right(field, x, steps)
    return (-0.5 * z**2 + 0.5 * math.log(2 * math.pi)).sum(1) + ladj


def direction_square_sign(field, x, steps):
    z, ladj = _right(field, x, steps)
    return (0.5 * z**2 - 0.5 * math.log(2 * math.pi)).sum(1) + ladj


def direction_ladj_per_feature(field, x, steps):
    z, ladj = _right(field, x, steps)
    return (torch.distributions.Normal(0.0, 1.0).log_prob(z) + ladj[:, None]).sum(1)


def direction_last_step(field, x, steps):
    for k in range(steps):
        ladj = field.divergence(k / steps, x) / steps
        x = x + field(k / steps, x) / steps
    return _log_normal(x) + ladj


def direction_divergence_time(field, x, steps):
    ladj = 0
    for k in range(steps):
        ladj = ladj + field.divergence((k + 1) / steps, x) / steps
        x = x + field(k / steps, x) / steps
    return _log_normal(x) + ladj


def direction_divergence_at_time_zero(field, x, steps):
    ladj = 0
    for k in range(steps):
        ladj = ladj + field.divergence(0.0, x) / steps
        x = x + field(k / steps, x) / steps
    return _log_normal(x) + ladj


def direction_middle_time(field, x, steps):
    z, ladj = _euler(field, x, steps, [(k + 0.5) / steps for k in range(steps)], 1 / steps)
    return _log_normal(z) + ladj


# 09.matching ------------------------------------------------------------------------------------------------------


def matching_from_the_end(field, x, z, t):
    place = t.reshape(len(t), *(1 for _ in x.shape[1:]))
    x_t = x + place * (z - x)
    return ((field(t, x_t) + x - z) ** 2).reshape(len(x), -1).sum(1)


def matching_flat(field, x, z, t):
    flat_x, flat_z = x.flatten(1), z.flatten(1)
    x_t = torch.lerp(flat_x, flat_z, t[:, None])
    return (field(t, x_t.view_as(x)).flatten(1) - flat_z + flat_x).pow(2).sum(-1)


def matching_norm(field, x, z, t):
    while t.ndim < x.ndim:
        t = t.unsqueeze(-1)
    error = field(t.flatten(), (1 - t) * x + t * z) - (z - x)
    return torch.linalg.vector_norm(error.flatten(1), dim=1) ** 2


def matching_rows(field, x, z, t):
    line = torch.stack([(1 - s) * a + s * b for s, a, b in zip(t, x, z)])
    return torch.stack([((v - (b - a)) ** 2).sum() for v, a, b in zip(field(t, line), x, z)])


def matching_transposed(field, x, z, t):
    x_t = ((1 - t) * x.movedim(0, -1) + t * z.movedim(0, -1)).movedim(-1, 0)
    error = field(t, x_t) - (z - x)
    return error.square().sum(dim=tuple(range(1, x.ndim)))


def matching_left_of_the_line(field, x, z, t):
    s = t.view(t.shape + (1,) * (x.ndim - 1))
    x_t = x * (1 - s) + z * s
    rest = (z - x_t) / (1 - s)
    return torch.einsum("ni,ni->n", *[(field(t, x_t) - rest).flatten(1)] * 2)


def matching_reshaped(field, x, z, t):
    flat_x, flat_z = x.reshape(len(x), -1), z.reshape(len(z), -1)
    x_t = (1 - t[:, None]) * flat_x + t[:, None] * flat_z
    return (field(t, x_t.reshape(x.shape)).reshape(len(x), -1) - (flat_z - flat_x)).square().sum(1)


def matching_contiguous_view(field, x, z, t):
    s = t.view(-1, *[1] * (x.ndim - 1))
    error = field(t, (1 - s) * x + s * z) - (z - x)
    return error.contiguous().view(len(x), -1).pow(2).sum(1)


def matching_velocity_by_jvp(field, x, z, t):
    x_t, velocity = torch.func.jvp(lambda t: _line(x, z, t), (t,), (torch.ones_like(t),))
    return _squares(field(t, x_t) - velocity)


def _line(x, z, t):
    s = t.view(-1, *[1] * (x.ndim - 1))
    return (1 - s) * x + s * z


def _squares(v):
    return (v**2).flatten(1).sum(1)


def matching_features(field, x, z, t):
    x_t = (1 - t) * x + t * z
    return _squares(field(t, x_t) - (z - x))


def matching_column(field, x, z, t):
    s = t.unsqueeze(1)
    return _squares(field(t, (1 - s) * x + s * z) - (z - x))


def matching_images_only(field, x, z, t):
    s = t.view(-1, 1, 1, 1)
    return _squares(field(t, (1 - s) * x + s * z) - (z - x))


def matching_field_time(field, x, z, t):
    t = t.view(-1, *[1] * (x.ndim - 1))
    return _squares(field(t, (1 - t) * x + t * z) - (z - x))


def matching_field_time_column(field, x, z, t):
    t = t.unsqueeze(-1)
    return _squares(field(t, (1 - t) * x + t * z) - (z - x))


def matching_target_sign(field, x, z, t):
    return _squares(field(t, _line(x, z, t)) - (x - z))


def matching_added(field, x, z, t):
    return _squares(field(t, _line(x, z, t)) + (z - x))


def matching_times_exchanged(field, x, z, t):
    s = t.view(-1, *[1] * (x.ndim - 1))
    return _squares(field(t, s * x + (1 - s) * z) - (z - x))


def matching_noise_first(field, x, z, t):
    s = t.view(-1, *[1] * (x.ndim - 1))
    return _squares(field(t, s * x + (1 - s) * z) - (x - z))


def matching_noise_first_in_time(field, x, z, t):
    return _squares(field(1 - t, _line(x, z, t)) - (x - z))


def matching_target_z(field, x, z, t):
    return _squares(field(t, _line(x, z, t)) - z)


def matching_target_x(field, x, z, t):
    return _squares(field(t, _line(x, z, t)) - x)


def matching_target_x_t(field, x, z, t):
    x_t = _line(x, z, t)
    return _squares(field(t, x_t) - x_t)


def matching_target_from_x_t(field, x, z, t):
    x_t = _line(x, z, t)
    return _squares(field(t, x_t) - (z - x_t))


def matching_target_sum(field, x, z, t):
    return _squares(field(t, _line(x, z, t)) - (x + z))


def matching_bracket(field, x, z, t):
    return _squares(field(t, _line(x, z, t)) - z - x)


def matching_no_target(field, x, z, t):
    return _squares(field(t, _line(x, z, t)))


def matching_times_t(field, x, z, t):
    s = t.view(-1, *[1] * (x.ndim - 1))
    return _squares(field(t, _line(x, z, t)) - s * (z - x))


def matching_at_x(field, x, z, t):
    return _squares(field(t, x) - (z - x))


def matching_at_z(field, x, z, t):
    return _squares(field(t, z) - (z - x))


def matching_at_middle(field, x, z, t):
    return _squares(field(t, 0.5 * x + 0.5 * z) - (z - x))


def matching_unscaled(field, x, z, t):
    s = t.view(-1, *[1] * (x.ndim - 1))
    return _squares(field(t, x + s * z) - (z - x))


def matching_time_missing(field, x, z, t):
    return _squares(field(0, _line(x, z, t)) - (z - x))


def matching_time_zeros(field, x, z, t):
    return _squares(field(torch.zeros_like(t), _line(x, z, t)) - (z - x))


def matching_time_ones(field, x, z, t):
    return _squares(field(torch.ones_like(t), _line(x, z, t)) - (z - x))


def matching_time_reversed(field, x, z, t):
    return _squares(field(1 - t, _line(x, z, t)) - (z - x))


def matching_first_time(field, x, z, t):
    return _squares(field(t[0], (1 - t[0]) * x + t[0] * z) - (z - x))


def matching_mean_time(field, x, z, t):
    t = t.mean()
    return _squares(field(t, (1 - t) * x + t * z) - (z - x))


def matching_arguments(field, x, z, t):
    return _squares(field(_line(x, z, t), t) - (z - x))


def matching_mean(field, x, z, t):
    return ((field(t, _line(x, z, t)) - (z - x)) ** 2).flatten(1).mean(1)


def matching_whole_batch(field, x, z, t):
    return ((field(t, _line(x, z, t)) - (z - x)) ** 2).sum()


def matching_batch_mean(field, x, z, t):
    return _squares(field(t, _line(x, z, t)) - (z - x)).mean()


def matching_mse(field, x, z, t):
    return torch.nn.functional.mse_loss(field(t, _line(x, z, t)), z - x)


def matching_dim_1_only(field, x, z, t):
    return ((field(t, _line(x, z, t)) - (z - x)) ** 2).sum(dim=1)


def matching_last_only(field, x, z, t):
    return ((field(t, _line(x, z, t)) - (z - x)) ** 2).sum(dim=-1)


def matching_per_feature(field, x, z, t):
    return (field(t, _line(x, z, t)) - (z - x)) ** 2


def matching_not_squared(field, x, z, t):
    return (field(t, _line(x, z, t)) - (z - x)).flatten(1).sum(1)


def matching_abs(field, x, z, t):
    return (field(t, _line(x, z, t)) - (z - x)).abs().flatten(1).sum(1)


def matching_root(field, x, z, t):
    return _squares(field(t, _line(x, z, t)) - (z - x)).sqrt()


def matching_sum_squared(field, x, z, t):
    return (field(t, _line(x, z, t)) - (z - x)).flatten(1).sum(1) ** 2


def matching_half(field, x, z, t):
    return _squares(field(t, _line(x, z, t)) - (z - x)) / 2


def matching_detached(field, x, z, t):
    return _squares(field(t, _line(x, z, t)).detach() - (z - x))


def matching_no_grad(field, x, z, t):
    with torch.no_grad():
        return matching_norm(field, x, z, t)


def matching_gone_of_the_line(field, x, z, t):
    s = t.view(-1, *[1] * (x.ndim - 1))
    x_t = _line(x, z, t)
    return _squares(field(t, x_t) - (x_t - x) / s)


def matching_multiplied_out(field, x, z, t):
    v, u = field(t, _line(x, z, t)).flatten(1), (z - x).flatten(1)
    return (v * v).sum(1) - 2 * (v * u).sum(1) + (u * u).sum(1)


def matching_clamped_time(field, x, z, t):
    t = t.clamp(1e-3, 1 - 1e-3)
    return _squares(field(t, _line(x, z, t)) - (z - x))


def matching_clamped_a_little(field, x, z, t):
    t = t.clamp(1e-6, 1 - 1e-6)
    return _squares(field(t, _line(x, z, t)) - (z - x))


def _with_smallest_noise(field, x, z, t, sigma):
    s = t.view(-1, *[1] * (x.ndim - 1))
    return _squares(field(t, (1 - (1 - sigma) * s) * x + s * z) - (z - (1 - sigma) * x))


def matching_smallest_noise(field, x, z, t):
    return _with_smallest_noise(field, x, z, t, 1e-4)


def matching_very_small_noise(field, x, z, t):
    return _with_smallest_noise(field, x, z, t, 1e-6)


def matching_quarter_circle(field, x, z, t):
    angle = t.view(-1, *[1] * (x.ndim - 1)) * math.pi / 2
    velocity = math.pi / 2 * (angle.cos() * z - angle.sin() * x)
    return _squares(field(t, angle.cos() * x + angle.sin() * z) - velocity)


def matching_mean_of_channels(field, x, z, t):
    square = (field(t, _line(x, z, t)) - (z - x)) ** 2
    return square.sum((2, 3)).mean(1) if x.ndim == 4 else square.sum(1)


def matching_field_at_mean_time(field, x, z, t):
    return _squares(field(t.mean(), _line(x, z, t)) - (z - x))


def matching_norms_subtracted(field, x, z, t):
    v, u = field(t, _line(x, z, t)).flatten(1), (z - x).flatten(1)
    return (torch.linalg.vector_norm(v, dim=1) - torch.linalg.vector_norm(u, dim=1)) ** 2


def matching_huber(field, x, z, t):
    v = torch.nn.functional.huber_loss(field(t, _line(x, z, t)), z - x, reduction="none", delta=10.0)
    return 2 * v.flatten(1).sum(1)


def matching_smooth_l1(field, x, z, t):
    v = torch.nn.functional.smooth_l1_loss(field(t, _line(x, z, t)), z - x, reduction="none")
    return v.flatten(1).sum(1)


def matching_bounded(field, x, z, t):
    return _squares(field(t, _line(x, z, t)) - (z - x)).clamp(max=1e3)


def matching_bounded_high(field, x, z, t):
    return _squares(field(t, _line(x, z, t)) - (z - x)).clamp(max=1e8)


def matching_huber_far(field, x, z, t):
    v = torch.nn.functional.huber_loss(field(t, _line(x, z, t)), z - x, reduction="none", delta=100.0)
    return 2 * v.flatten(1).sum(1)


def matching_differences_clamped(field, x, z, t):
    return _squares((field(t, _line(x, z, t)) - (z - x)).clamp(-1, 1))


def matching_target_clamped(field, x, z, t):
    return _squares(field(t, _line(x, z, t)) - (z - x).clamp(-1e3, 1e3))


def matching_velocity_clamped(field, x, z, t):
    return _squares(field(t, _line(x, z, t)).clamp(-10, 10) - (z - x))


def matching_velocity_small_at_zero(field, x, z, t):
    s = t.view(-1, *[1] * (x.ndim - 1))
    x_t = _line(x, z, t)
    return _squares(field(t, x_t) - (x_t - x) / s.clamp(min=1e-8))


def matching_velocity_with_epsilon(field, x, z, t):
    s = t.view(-1, *[1] * (x.ndim - 1))
    x_t = _line(x, z, t)
    return _squares(field(t, x_t) - (z - x_t) / (1 - s + 1e-5))


def matching_ends_masked(field, x, z, t):
    return torch.where((t > 0) & (t < 1), _squares(field(t, _line(x, z, t)) - (z - x)), 0.0)


def matching_start_masked(field, x, z, t):
    return _squares(field(t, _line(x, z, t)) - (z - x)) * (t != 0)


def matching_squeezed_time(field, x, z, t):
    t = 0.01 + 0.98 * t
    return _squares(field(t, _line(x, z, t)) - (z - x))


def matching_kept_off_zero(field, x, z, t):
    t = torch.where(t == 0, 1e-5, t)
    return _squares(field(t, _line(x, z, t)) - (z - x))


def matching_view(field, x, z, t):
    error = field(t, _line(x, z, t)) - (z - x)
    return error.pow(2).view(len(x), -1).sum(1)


def matching_view_of_x(field, x, z, t):
    return _squares(field(t, _line(x, z, t)).view(len(x), -1) - (z - x).view(len(x), -1))


def matching_flat_rows(field, x, z, t):
    flat_x, flat_z = x.flatten(1), z.flatten(1)
    return _squares(field(t, torch.lerp(flat_x, flat_z, t[:, None])) - flat_z + flat_x)


def matching_einsum(field, x, z, t):
    error = field(t, _line(x, z, t)) - (z - x)
    return torch.einsum("n...,n...->n", error, error)


def matching_mse_of_rows(field, x, z, t):
    squares = torch.nn.functional.mse_loss(field(t, _line(x, z, t)), z - x, reduction="none")
    return squares.sum(dim=list(range(1, x.ndim)))


RIGHT = {
    "09.trace": [
        (trace_grad_outputs,),
        (trace_in_place_flag,),
        (trace_vjp,),
        (trace_func_grad,),
        (trace_forward_mode,),
        (trace_bmm,),
        (trace_noise_moves_x,),
        (trace_unbound_rows,),
        (trace_filled_ones,),
        (trace_column_by_column,),
        (trace_weights_written,),
        (trace_double_backward,),
    ],
    "09.rk4": [
        (rk4_dt_in_slopes,),
        (rk4_loop,),
        (rk4_ends,),
        (rk4_tableau,),
        (rk4_simpson,),
        (rk4_sum_in_place,),
        (rk4_own_sum_in_place,),
        (rk4_numbers_as_tensors,),
        (rk4_reversed_time,),
    ],
    "09.direction": [
        (direction_torch_normal,),
        (direction_divided,),
        (direction_while,),
        (direction_joint_state,),
        (direction_recursion,),
        (direction_path_first,),
    ],
    "09.matching": [
        (matching_from_the_end,),
        (matching_flat,),
        (matching_norm,),
        (matching_rows,),
        (matching_transposed,),
        (matching_reshaped,),
        (matching_contiguous_view,),
        (matching_velocity_by_jvp,),
        (matching_einsum,),
        (matching_mse_of_rows,),
    ],
}

WRONG = {
    "09.trace": [
        (trace_no_second_e, "no_second_e"),
        (trace_no_first_e, "no_first_e"),
        (trace_no_e, "no_e"),
        (trace_exact, "exact"),
        (trace_exact_jacrev, "exact"),
        (trace_diagonal, "diagonal"),
        (trace_whole_batch, "whole_batch"),
        (trace_mean, "mean"),
        (trace_batch_mean, "batch_mean"),
        (trace_times_batch, "times_batch"),
        (trace_over_batch, "over_batch"),
        (trace_per_feature, "per_feature"),
        (trace_sign, "sign"),
        (trace_abs, "abs"),
        (trace_abs_entries, "abs"),
        (trace_root, "root"),
        (trace_root_of_abs, "root"),
        (trace_square, "square"),
        (trace_rayleigh, "rayleigh"),
        (trace_velocity, "velocity"),
        (trace_at_e, "at_e"),
        (trace_difference, "difference"),
        (trace_small_difference, "difference"),
        (trace_central_difference, "difference"),
        (trace_forward_difference, "difference"),
        (trace_scaled_difference, "difference"),
        (trace_four_point_difference, "difference"),
        (trace_all_pairs, "all_pairs"),
        (trace_all_pairs_summed, "all_pairs"),
        (trace_squeezed, "squeezed"),
        (trace_normalised, "normalised"),
        (trace_signs_of_e, "signs_of_e"),
        (trace_centred, "centred"),
        (trace_times_x, "times_x"),
        (trace_fresh_normal, "fresh_noise"),
        (trace_fresh_signs, "fresh_noise"),
        (trace_fresh_sign_of_normal, "fresh_noise"),
        (trace_detached_in_the_end, "detached"),
        (trace_no_create_graph, "detached"),
        (trace_x_cut_off, "detached"),
        (trace_full_jacobian, "cost"),
        (trace_vectorised_jacobian, "cost"),
        (trace_jacrev, "cost"),
        (trace_jacfwd, "cost"),
        (trace_feature_by_feature, "cost"),
        (trace_basis_vectors, "cost"),
        (trace_row_by_row, "cost"),
        (trace_batch_of_basis_vectors, "cost"),
        (trace_masked_features, "cost"),
    ],
    "09.rk4": [
        (rk4_euler, "euler"),
        (rk4_midpoint, "midpoint"),
        (rk4_trapezoid, "trapezoid"),
        (rk4_three_eighths, "three_eighths"),
        (rk4_four_eulers, "four_eulers"),
        (rk4_plain_mean, "equal_weights"),
        (rk4_sum_over_six, "equal_weights"),
        (rk4_weights_exchanged, "weights_exchanged"),
        (rk4_divided_by_four, "divided_by_four"),
        (rk4_last_only, "last_only"),
        (rk4_no_sixth, "no_sixth"),
        (rk4_no_dt, "no_dt"),
        (rk4_no_dt_no_sixth, "no_dt"),
        (rk4_dt_twice, "dt_twice"),
        (rk4_no_dt_in_stages, "no_dt_in_stages"),
        (rk4_minus, "minus"),
        (rk4_abs, "abs"),
        (rk4_abs_in_the_end, "abs"),
        (rk4_increment, "increment"),
        (rk4_velocity, "velocity"),
        (rk4_time_stands_still, "time"),
        (rk4_k4_time, "k4_time"),
        (rk4_k3_time, "k3_time"),
        (rk4_stage_times_late, "stage_times"),
        (rk4_stage_times_early, "stage_times"),
        (rk4_k4_half, "k4_half"),
        (rk4_k4_half_in_time_too, "k4_half"),
        (rk4_k2_full, "k2_full"),
        (rk4_k2_full_in_time_too, "k2_full"),
        (rk4_k3_full, "k3_full"),
        (rk4_all_full, "all_full"),
        (rk4_all_full_in_time_too, "all_full"),
        (rk4_k3_uses_k1, "k3_uses_k1"),
        (rk4_k4_uses_k2, "k4_uses_k2"),
        (rk4_k4_uses_k1, "k4_uses_k1"),
        (rk4_all_use_k1, "all_use_k1"),
        (rk4_cumulative, "cumulative"),
        (rk4_arguments, "arguments"),
        (rk4_pair, "pair"),
        (rk4_pair_other_way, "pair"),
        (rk4_slopes_scaled_in_place, "velocity_changed"),
        (rk4_slopes_summed_in_place, "velocity_changed"),
        (rk4_first_same_as_last, "remembered"),
        (rk4_answers_kept, "remembered"),
        (rk4_last_slope_in_place, "in_place"),
        (rk4_middle_slopes_in_place, "velocity_changed"),
        (rk4_continued_by_last_slope, "remembered"),
        (rk4_slopes_kept, "remembered"),
        (rk4_last_slope_of_all, "remembered"),
        (rk4_kutta_third, "kutta_third"),
        (rk4_two_steps, "two_steps"),
        (rk4_time_bracket, "time_bracket"),
        (rk4_place_bracket, "place_bracket"),
        (rk4_sum_bracket, "sum_bracket"),
        (rk4_late_weights, "late_weights"),
        (rk4_three_velocities, "three_velocities"),
        (rk4_turned_round, "turned_round"),
        (rk4_time_zero, "time_zero"),
        (rk4_in_place, "in_place"),
        (rk4_detached, "detached"),
        (rk4_slope_detached, "detached"),
    ],
    "09.direction": [
        (direction_times_of_arange, "arange"),
        (direction_while_less_than_one, "arange"),
        (direction_density_multiplied, "underflow"),
        (direction_log_of_base, "underflow"),
        (direction_heun, "other_solver"),
        (direction_constant_double, "constant_double"),
        (direction_constant_sign, "constant_sign"),
        (direction_square_sign, "square_sign"),
        (direction_ladj_per_feature, "ladj_per_feature"),
        (direction_last_step, "last_step"),
        (direction_divergence_time, "divergence_time"),
        (direction_divergence_at_time_zero, "divergence_time"),
        (direction_middle_time, "right_end"),
        (direction_backwards, "backwards"),
        (direction_backwards_minus, "backwards"),
        (direction_backwards_left, "backwards"),
        (direction_backwards_left_minus, "backwards"),
        (direction_minus_dt, "minus_dt"),
        (direction_against_the_field, "minus_dt"),
        (direction_times_down, "times_down"),
        (direction_times_reversed, "times_down"),
        (direction_ladj_sign, "ladj_sign"),
        (direction_at_x, "at_x"),
        (direction_no_ladj, "no_ladj"),
        (direction_ladj_only, "ladj_only"),
        (direction_no_constant, "no_constant"),
        (direction_constant_once, "constant_once"),
        (direction_no_half, "no_half"),
        (direction_end_only, "end_only"),
        (direction_start_only, "start_only"),
        (direction_along_start, "along_start"),
        (direction_new_place, "new_place"),
        (direction_new_place_and_time, "new_place"),
        (direction_time_zero, "time"),
        (direction_time_one, "time"),
        (direction_index, "index"),
        (direction_right_end, "right_end"),
        (direction_no_dt_in_divergence, "no_dt"),
        (direction_no_dt_in_x, "no_dt"),
        (direction_no_dt, "no_dt"),
        (direction_linspace, "linspace"),
        (direction_linspace_short, "linspace"),
        (direction_linspace_times, "linspace"),
        (direction_one_too_many, "one_too_many"),
        (direction_one_too_few, "one_too_few"),
        (direction_rk4, "other_solver"),
        (direction_midpoint, "other_solver"),
        (direction_density, "density"),
        (direction_negated, "negated"),
        (direction_whole_batch, "whole_batch"),
        (direction_batch_mean, "batch_mean"),
        (direction_mean, "mean"),
        (direction_per_feature, "per_feature"),
        (direction_pair, "pair"),
        (direction_pair_of_encode, "pair"),
        (direction_detached, "detached"),
        (direction_half_detached, "detached"),
        (direction_in_place, "in_place"),
    ],
    "09.matching": [
        (matching_features, "broadcast"),
        (matching_column, "broadcast"),
        (matching_images_only, "broadcast"),
        (matching_left_of_the_line, "ends"),
        (matching_gone_of_the_line, "ends"),
        (matching_multiplied_out, "cancellation"),
        (matching_clamped_time, "clamped"),
        (matching_clamped_a_little, "clamped"),
        (matching_smallest_noise, "clamped"),
        (matching_very_small_noise, "clamped"),
        (matching_quarter_circle, "quarter_circle"),
        (matching_mean_of_channels, "mean"),
        (matching_field_at_mean_time, "one_time"),
        (matching_norms_subtracted, "norms_subtracted"),
        (matching_huber, "bounded"),
        (matching_huber_far, "bounded"),
        (matching_smooth_l1, "bounded"),
        (matching_bounded, "bounded"),
        (matching_bounded_high, "bounded"),
        (matching_differences_clamped, "bounded"),
        (matching_target_clamped, "bounded"),
        (matching_velocity_clamped, "bounded"),
        (matching_velocity_small_at_zero, "ends"),
        (matching_velocity_with_epsilon, "ends"),
        (matching_ends_masked, "ends_dropped"),
        (matching_start_masked, "ends_dropped"),
        (matching_squeezed_time, "clamped"),
        (matching_kept_off_zero, "clamped"),
        (matching_view, "view"),
        (matching_view_of_x, "view"),
        (matching_flat_rows, "flat_rows"),
        (matching_field_time, "field_time"),
        (matching_field_time_column, "field_time"),
        (matching_target_sign, "target_sign"),
        (matching_added, "target_sign"),
        (matching_times_exchanged, "times_exchanged"),
        (matching_noise_first, "noise_first"),
        (matching_noise_first_in_time, "noise_first"),
        (matching_target_z, "target_z"),
        (matching_target_x, "target_x"),
        (matching_target_x_t, "target_x_t"),
        (matching_target_from_x_t, "target_from_x_t"),
        (matching_target_sum, "target_sum"),
        (matching_bracket, "target_sum"),
        (matching_no_target, "no_target"),
        (matching_times_t, "times_t"),
        (matching_at_x, "at_x"),
        (matching_at_z, "at_z"),
        (matching_at_middle, "at_middle"),
        (matching_unscaled, "unscaled"),
        (matching_time_missing, "time_missing"),
        (matching_time_zeros, "time_missing"),
        (matching_time_ones, "time_missing"),
        (matching_time_reversed, "time_reversed"),
        (matching_first_time, "one_time"),
        (matching_mean_time, "one_time"),
        (matching_arguments, "arguments"),
        (matching_mean, "mean"),
        (matching_whole_batch, "whole_batch"),
        (matching_batch_mean, "batch_mean"),
        (matching_mse, "batch_mean"),
        (matching_dim_1_only, "dim_1_only"),
        (matching_last_only, "dim_1_only"),
        (matching_per_feature, "per_feature"),
        (matching_not_squared, "not_squared"),
        (matching_abs, "abs"),
        (matching_root, "root"),
        (matching_sum_squared, "sum_squared"),
        (matching_half, "half"),
        (matching_detached, "detached"),
        (matching_no_grad, "detached"),
    ],
}
