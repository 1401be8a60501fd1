"""Answers to chapter 12's exercises, as learners write them: right ones, and wrong ones with the mistake they make."""

import torch
import torch.nn.functional as F

# 12.edit ----------------------------------------------------------------------------------------------------------


def edit_unpacked(flow, w, source, target):
    z, ladj = flow.encode(w, source)
    w_new, ladj_back = flow.decode(z, target)
    return w_new


@torch.no_grad()
def edit_no_grad(flow, w, source, target):
    return flow.decode(flow.encode(w, context=source)[0], context=target)[0]


def edit_rows(flow, w, source, target):
    edited = []
    for n in range(len(w)):
        row = slice(n, n + 1)
        z = flow.encode(w[row], source[row])[0]
        edited.append(flow.decode(z, target[row])[0])
    return torch.cat(edited)


def edit_as_a_change(flow, w, source, target):
    z = flow.encode(w, source)[0]
    return w + flow.decode(z, target)[0] - flow.decode(z, source)[0]


def _edit(flow, w, a, b):
    z, _ = flow.encode(w, a)
    return flow.decode(z, b)[0]


def edit_exchanged(flow, w, source, target):
    return _edit(flow, w, target, source)


def edit_target_twice(flow, w, source, target):
    return _edit(flow, w, target, target)


def edit_source_twice(flow, w, source, target):
    return _edit(flow, w, source, source)


def edit_not_encoded(flow, w, source, target):
    return flow.decode(w, target)[0]


def edit_notes(flow, w, source, target):
    return flow.encode(w, target)[0]


def edit_latent(flow, w, source, target):
    z, ladj = flow.encode(w, source)
    return z


def edit_decode_first(flow, w, source, target):
    z, _ = flow.decode(w, source)
    return flow.encode(z, target)[0]


def edit_encoded_twice(flow, w, source, target):
    z, _ = flow.encode(w, source)
    w_new, _ = flow.encode(z, target)
    return w_new


def edit_difference(flow, w, source, target):
    return _edit(flow, w, source, target - source)


def edit_from_zero(flow, w, source, target):
    return _edit(flow, w, torch.zeros_like(source), target)


def edit_not_passed(flow, w, source, target):
    z, _ = flow.encode(w, source)
    return flow.decode(z)[0]


def edit_not_passed_at_all(flow, w, source, target):
    z, _ = flow.encode(w)
    return flow.decode(z)[0]


def edit_first_source(flow, w, source, target):
    return _edit(flow, w, source[0].expand_as(source), target)


def edit_mean_target(flow, w, source, target):
    return _edit(flow, w, source, target.mean(0).expand_as(target))


def edit_half_way(flow, w, source, target):
    return _edit(flow, w, source, 0.5 * (source + target))


def edit_too_far(flow, w, source, target):
    return _edit(flow, w, source, target + (target - source))


def edit_clamped(flow, w, source, target):
    return _edit(flow, w, source, target.clamp(0, 1))


def edit_unit_latent(flow, w, source, target):
    z, _ = flow.encode(w, source)
    z = z / z.norm(dim=1, keepdim=True)
    return flow.decode(z, target)[0]


def edit_change_only(flow, w, source, target):
    return _edit(flow, w, source, target) - w


def edit_added(flow, w, source, target):
    return w + _edit(flow, w, source, target)


def edit_latent_difference(flow, w, source, target):
    z_source, z_target = flow.encode(w, source)[0], flow.encode(w, target)[0]
    return flow.decode(z_target - z_source, target)[0]


def edit_mean_latent(flow, w, source, target):
    z = torch.zeros_like(w)
    return flow.decode(z, target)[0]


def edit_mean_direction(flow, w, source, target):
    z = torch.zeros_like(w)
    return w + flow.decode(z, target)[0] - flow.decode(z, source)[0]


def edit_ladj_added(flow, w, source, target):
    z, ladj = flow.encode(w, source)
    return flow.decode(z + ladj[:, None], target)[0]


def edit_drawn(flow, w, source, target):
    z = torch.randn_like(w)
    return flow.decode(z, target)[0]


def edit_turned_round(flow, w, source, target):
    edited = _edit(flow, w, source, target)
    return torch.stack([edited[-1 - n] for n in range(len(w))]) if len(w) > 1 else edited.roll(1, 1)


def edit_pair(flow, w, source, target):
    z, _ = flow.encode(w, source)
    return flow.decode(z, target)


def edit_ladj(flow, w, source, target):
    z, _ = flow.encode(w, source)
    return flow.decode(z, target)[1]


def edit_not_unpacked(flow, w, source, target):
    z = flow.encode(w, source)
    return flow.decode(z, target)[0]


def edit_called(flow, w, source, target):
    z, _ = flow(w, source)
    return flow.decode(z, target)[0]


def edit_in_place(flow, w, source, target):
    w[:] = _edit(flow, w, source, target)
    return w


def edit_source_in_place(flow, w, source, target):
    z, _ = flow.encode(w, source)
    source.copy_(target)
    return flow.decode(z, source)[0]


# 12.linear --------------------------------------------------------------------------------------------------------


def linear_gram(w, L, k, step):
    wanted = torch.zeros(len(L), dtype=L.dtype, device=L.device)
    wanted[k] = 1
    return w + torch.outer(step, L.T @ torch.linalg.solve(L @ L.T, wanted))


def linear_lstsq(w, L, k, step):
    wanted = step * torch.eye(len(L), dtype=L.dtype, device=L.device)[:, k : k + 1]  # (K, N)
    return w + torch.linalg.lstsq(L, wanted).solution.T


def linear_projected(w, L, k, step):
    """What is left of row k without the others, over what prediction k makes of it."""
    others = L[[j for j in range(len(L)) if j != k]]
    q = torch.linalg.qr(others.T)[0]
    left = L[k] - q @ (q.T @ L[k])
    left = left - q @ (q.T @ left)
    return w + step[:, None] * left / (L[k] @ left)


def linear_triangular(w, L, k, step):
    q, r = torch.linalg.qr(L.T)
    unit = torch.eye(len(L), dtype=L.dtype, device=L.device)[:, k : k + 1]
    direction = q @ torch.linalg.solve_triangular(r.T, unit, upper=False)
    return w + step[:, None] * direction.T


def linear_loop(w, L, k, step):
    inverse = L.T @ torch.linalg.inv(L @ L.T)
    return torch.stack([row + s * inverse[:, k] for row, s in zip(w, step)])


def _pinv(L):
    return torch.linalg.pinv(L)


def linear_along_row(w, L, k, step):
    return w + step[:, None] * L[k]


def linear_along_unit_row(w, L, k, step):
    return w + step[:, None] * F.normalize(L[k], dim=0)


def linear_others_move(w, L, k, step):
    return w + step[:, None] * L[k] / L[k].square().sum()


def _left(L, k):
    others = torch.cat((L[:k], L[k + 1 :]))
    return L[k] - others.T @ torch.linalg.pinv(others.T) @ L[k] if len(others) else L[k]


def linear_not_rescaled(w, L, k, step):
    return w + step[:, None] * _left(L, k)


def linear_unit_step(w, L, k, step):
    left = _left(L, k)
    return w + step[:, None] * left / left.norm()


def linear_one_by_one(w, L, k, step):
    v = L[k].clone()
    for j in range(len(L)):
        if j != k:
            v = v - (v @ L[j]) / (L[j] @ L[j]) * L[j]
    return w + step[:, None] * v / (L[k] @ v)


def linear_rows_of_length_one(w, L, k, step):
    return w + step[:, None] * _pinv(F.normalize(L, dim=1))[:, k]


def linear_first_numbers(w, L, k, step):
    K = len(L)
    moved = w.clone()
    moved[:, :K] += step[:, None] * torch.linalg.inv(L[:, :K])[:, k]
    return moved


def linear_ridge(w, L, k, step):
    gram = L @ L.T + 1e-6 * torch.eye(len(L), dtype=L.dtype, device=L.device)
    return w + step[:, None] * (L.T @ torch.linalg.inv(gram))[:, k]


def linear_strong_ridge(w, L, k, step):
    gram = L @ L.T + 0.1 * torch.eye(len(L), dtype=L.dtype, device=L.device)
    return w + step[:, None] * (L.T @ torch.linalg.inv(gram))[:, k]


def linear_transposed(w, L, k, step):
    return w + step[:, None] * _pinv(L)[k]


def linear_pinv_of_transpose(w, L, k, step):
    return w + step[:, None] * _pinv(L.T)[:, k]


def linear_transpose_for_inverse(w, L, k, step):
    return w + step[:, None] * L.T[:, k] / (L**2).sum()


def linear_from_one(w, L, k, step):
    return w + step[:, None] * _pinv(L)[:, k - 1]


def linear_first_attribute(w, L, k, step):
    return w + step[:, None] * _pinv(L)[:, 0]


def linear_all(w, L, k, step):
    return w + step[:, None] * (_pinv(L) @ torch.ones(len(L), dtype=L.dtype, device=L.device))


def linear_no_step(w, L, k, step):
    return w + _pinv(L)[:, k]


def linear_step_sign(w, L, k, step):
    return w - step[:, None] * _pinv(L)[:, k]


def linear_step_abs(w, L, k, step):
    return w + torch.abs(step)[:, None] * _pinv(L)[:, k]


def linear_divided_by_step(w, L, k, step):
    return w + _pinv(L)[:, k] / step[:, None]


def linear_one_step(w, L, k, step):
    return w + step.mean() * _pinv(L)[:, k]


def linear_target(w, L, k, step):
    missing = step - (w @ L.T)[:, k]
    return w + missing[:, None] * _pinv(L)[:, k]


def linear_others_reset(w, L, k, step):
    wanted = torch.zeros_like(w @ L.T)
    wanted[:, k] = step
    return w + (wanted - w @ L.T) @ _pinv(L).T


def linear_change_only(w, L, k, step):
    return step[:, None] * _pinv(L)[:, k]


def linear_unchanged(w, L, k, step):
    return w.clone()


def linear_lost(w, L, k, step):
    predictions = w @ L.T
    predictions[:, k] += step
    return predictions @ _pinv(L).T


def linear_predictions(w, L, k, step):
    predictions = w @ L.T
    predictions[:, k] += step
    return predictions


def linear_renormalised(w, L, k, step):
    new = linear_loop(w, L, k, step)
    return F.normalize(new, dim=1) * w.norm(dim=1)[:, None]


def linear_no_new_dim(w, L, k, step):
    return w + step * _pinv(L)[:, k]


def linear_in_place(w, L, k, step):
    w += step[:, None] * _pinv(L)[:, k]
    return w


# 12.matrix --------------------------------------------------------------------------------------------------------


def matrix_loop(before, after, delta):
    K = len(delta)
    M = torch.empty(K, K, dtype=before.dtype, device=before.device)
    for k in range(K):
        M[k] = (after[k] - before).abs().mean(0) / delta[k].abs()
    on = torch.diagonal(M).sum()
    return M, (M.sum() - on) / M.sum()


def matrix_mask(before, after, delta):
    M = ((after - before[None]) / delta.view(-1, 1, 1)).abs().mean(dim=1)
    beside = ~torch.eye(len(delta), dtype=torch.bool, device=M.device)
    return M, M[beside].sum() / M.sum()


def matrix_einsum(before, after, delta):
    N, K = before.shape
    M = torch.einsum("knj,k->kj", torch.abs(after - before), 1 / delta.abs()) / N
    return [M, (M - torch.diag(torch.diag(M))).sum() / M.sum()]


def matrix_float(before, after, delta):
    M = torch.stack([(edited - before).abs().mean(0) / abs(size) for edited, size in zip(after, delta)])
    return M, 1 - float(M.trace()) / float(M.sum())


def _pair(M):
    return M, 1 - M.trace() / M.sum()


def _right_matrix(before, after, delta):
    return (after - before).abs().mean(1) / delta.abs()[:, None]


def matrix_signed(before, after, delta):
    return _pair((after - before).mean(1) / delta[:, None])


def matrix_abs_of_mean(before, after, delta):
    return _pair(((after - before).mean(1) / delta[:, None]).abs())


def matrix_signed_delta(before, after, delta):
    return _pair((after - before).abs().mean(1) / delta[:, None])


def matrix_not_divided(before, after, delta):
    return _pair((after - before).abs().mean(1))


def matrix_multiplied(before, after, delta):
    return _pair((after - before).abs().mean(1) * delta.abs()[:, None])


def matrix_columns(before, after, delta):
    return _pair((after - before).abs().mean(1) / delta.abs())


def matrix_mean_delta(before, after, delta):
    return _pair((after - before).abs().mean(1) / delta.abs().mean())


def matrix_rows_to_one(before, after, delta):
    M = (after - before).abs().mean(1)
    return _pair(M / M.sum(1, keepdim=True))


def matrix_by_diagonal(before, after, delta):
    M = (after - before).abs().mean(1)
    return _pair(M / M.diagonal()[:, None])


def matrix_transposed(before, after, delta):
    return _pair(_right_matrix(before, after, delta).T)


def matrix_over_edits(before, after, delta):
    return _pair((after - before).abs().mean(0))


def matrix_over_attributes(before, after, delta):
    return _pair((after - before).abs().mean(2) / delta.abs()[:, None])


def matrix_faces_first(before, after, delta):
    N, K = before.shape
    edits = after.view(N, K, K)
    return _pair((edits - before.unsqueeze(1)).abs().mean(0) / delta.abs().unsqueeze(1))


def matrix_sum(before, after, delta):
    return _pair((after - before).abs().sum(1) / delta.abs()[:, None])


def matrix_wrong_count(before, after, delta):
    return _pair((after - before).abs().sum(1) / len(after) / delta.abs()[:, None])


def matrix_rms(before, after, delta):
    return _pair((after - before).pow(2).mean(1).sqrt() / delta.abs()[:, None])


def matrix_deviation(before, after, delta):
    return _pair((after - before).std(1, correction=0) / delta.abs()[:, None])


def matrix_median(before, after, delta):
    return _pair((after - before).abs().median(dim=1).values / delta.abs()[:, None])


def matrix_largest(before, after, delta):
    return _pair((after - before).abs().max(dim=1).values / delta.abs()[:, None])


def matrix_values(before, after, delta):
    return _pair(after.abs().mean(1) / delta.abs()[:, None])


def matrix_diagonal_share(before, after, delta):
    M = _right_matrix(before, after, delta)
    return M, M.trace() / M.sum()


def matrix_by_trace(before, after, delta):
    M = _right_matrix(before, after, delta)
    return M, (M.sum() - M.trace()) / M.trace()


def matrix_beside(before, after, delta):
    M = _right_matrix(before, after, delta)
    return M, M.sum() - M.trace()


def matrix_beside_mean(before, after, delta):
    M = _right_matrix(before, after, delta)
    return M, M[~torch.eye(len(M), dtype=torch.bool, device=M.device)].mean()


def matrix_mean_of_rows(before, after, delta):
    M = _right_matrix(before, after, delta)
    return M, ((M.sum(1) - M.diagonal()) / M.sum(1)).mean()


def matrix_share_of_each(before, after, delta):
    M = _right_matrix(before, after, delta)
    return M, 1 - M.diagonal() / M.sum(1)


def matrix_triangle(before, after, delta):
    M = _right_matrix(before, after, delta)
    return M, torch.triu(M, diagonal=1).sum() / M.sum()


def matrix_percent(before, after, delta):
    M = _right_matrix(before, after, delta)
    return M, 100 * (M.sum() - M.trace()) / M.sum()


def matrix_raw_leak(before, after, delta):
    raw = (after - before).abs().mean(1)
    return raw / delta.abs()[:, None], 1 - raw.trace() / raw.sum()


def matrix_pair_order(before, after, delta):
    M, leak = matrix_loop(before, after, delta)
    return leak, M


def matrix_only(before, after, delta):
    return _right_matrix(before, after, delta)


def matrix_leak_only(before, after, delta):
    return matrix_loop(before, after, delta)[1]


def matrix_each_face(before, after, delta):
    M = (after - before).abs() / delta.abs()[:, None, None]
    return M, matrix_loop(before, after, delta)[1]


def matrix_first_face(before, after, delta):
    return _pair((after[:, 0] - before[0]).abs() / delta.abs()[:, None])


def matrix_in_place(before, after, delta):
    after -= before
    return _pair(after.abs().mean(1) / delta.abs()[:, None])


def matrix_delta_in_place(before, after, delta):
    return _pair((after - before).abs().mean(1) / delta.abs_()[:, None])


# 12.identity ------------------------------------------------------------------------------------------------------


def identity_by_hand(before, after):
    u = before / before.norm(dim=1, keepdim=True)
    v = after / after.norm(dim=1, keepdim=True)
    following = torch.cat((u[1:], u[:1]))
    return 1 - ((u - v) ** 2).sum(1).sqrt().mean() / ((u - following) ** 2).sum(1).sqrt().mean()


def identity_loop(before, after):
    u = [row / torch.sqrt(row @ row) for row in before]
    v = [row / torch.sqrt(row @ row) for row in after]
    own = sum(torch.dist(a, b) for a, b in zip(u, v))
    strangers = sum(torch.dist(u[n], u[(n + 1) % len(u)]) for n in range(len(u)))
    return 1 - own / strangers


def identity_vector_norm(before, after):
    u, v = (f / torch.linalg.vector_norm(f, dim=1)[:, None] for f in (before, after))
    own = torch.linalg.vector_norm(v - u, dim=1).sum()
    strangers = torch.linalg.vector_norm(u.roll(1, dims=0) - u, dim=1).sum()
    return ((strangers - own) / strangers).item()


def identity_pairwise(before, after):
    u, v = F.normalize(before), F.normalize(after)
    others = torch.roll(u, shifts=-1, dims=0)
    return 1 - F.pairwise_distance(u, v, eps=0).mean() / F.pairwise_distance(u, others, eps=0).mean()


def _units(before, after):
    return F.normalize(before, dim=1), F.normalize(after, dim=1)


def _kept(u, v):
    return 1 - (v - u).norm(dim=1).mean() / (u.roll(-1, 0) - u).norm(dim=1).mean()


def identity_not_normalised(before, after):
    return _kept(before, after)


def identity_before_only(before, after):
    return _kept(F.normalize(before, dim=1), after)


def identity_columns(before, after):
    return _kept(F.normalize(before, dim=0), F.normalize(after, dim=0))


def identity_sum_of_one(before, after):
    return _kept(before / before.abs().sum(1, keepdim=True), after / after.abs().sum(1, keepdim=True))


def identity_standardised(before, after):
    def standard(f):
        return (f - f.mean(1, keepdim=True)) / f.std(1, keepdim=True)

    return _kept(standard(before), standard(after))


def identity_epsilon(before, after):
    return _kept(*(f / (f.norm(dim=1, keepdim=True) + 1e-8) for f in (before, after)))


def identity_squared(before, after):
    u, v = _units(before, after)
    return 1 - ((v - u) ** 2).sum(1).mean() / ((u.roll(-1, 0) - u) ** 2).sum(1).mean()


def identity_cosine_distance(before, after):
    own = 1 - F.cosine_similarity(before, after)
    strangers = 1 - F.cosine_similarity(before, before.roll(-1, 0))
    return 1 - own.mean() / strangers.mean()


def identity_absolute(before, after):
    u, v = _units(before, after)
    return 1 - (v - u).abs().sum() / (u.roll(-1, 0) - u).abs().sum()


def identity_largest(before, after):
    u, v = _units(before, after)
    return 1 - (v - u).abs().max(1).values.mean() / (u.roll(-1, 0) - u).abs().max(1).values.mean()


def identity_angle(before, after):
    own = torch.acos(F.cosine_similarity(before, after))
    strangers = torch.acos(F.cosine_similarity(before, before.roll(-1, 0)))
    return 1 - own.mean() / strangers.mean()


def identity_one_norm(before, after):
    u, v = _units(before, after)
    return 1 - (v - u).norm() / (u.roll(-1, 0) - u).norm()


def identity_over_batch(before, after):
    u, v = _units(before, after)
    return 1 - (v - u).norm(dim=0).mean() / (u.roll(-1, 0) - u).norm(dim=0).mean()


def identity_ratios(before, after):
    u, v = _units(before, after)
    return (1 - (v - u).norm(dim=1) / (u.roll(-1, 0) - u).norm(dim=1)).mean()


def identity_each_face(before, after):
    u, v = _units(before, after)
    return 1 - (v - u).norm(dim=1) / (u.roll(-1, 0) - u).norm(dim=1)


def identity_lost(before, after):
    return 1 - _kept(*_units(before, after))


def identity_upside_down(before, after):
    return 1 - 1 / (1 - _kept(*_units(before, after)))


def identity_no_strangers(before, after):
    u, v = _units(before, after)
    return 1 - (v - u).norm(dim=1).mean()


def identity_cosine(before, after):
    return F.cosine_similarity(before, after).mean()


def identity_strangers_after(before, after):
    u, v = _units(before, after)
    return 1 - (v - u).norm(dim=1).mean() / (v.roll(-1, 0) - u).norm(dim=1).mean()


def identity_not_closed(before, after):
    u, v = _units(before, after)
    return 1 - (v - u).norm(dim=1).mean() / (u[1:] - u[:-1]).norm(dim=1).mean()


def identity_features_rolled(before, after):
    u, v = _units(before, after)
    return 1 - (v - u).norm(dim=1).mean() / (u.roll(-1, 1) - u).norm(dim=1).mean()


def identity_flipped(before, after):
    u, v = _units(before, after)
    return 1 - (v - u).norm(dim=1).mean() / (u.flip(0) - u).norm(dim=1).mean()


def identity_first_stranger(before, after):
    u, v = _units(before, after)
    return 1 - (v - u).norm(dim=1).mean() / (u - u[0]).norm(dim=1).mean()


def identity_every_pair(before, after):
    u, v = _units(before, after)
    return 1 - (v - u).norm(dim=1).mean() / F.pdist(u).mean()


def identity_mean_by_sum(before, after):
    u, v = _units(before, after)
    return 1 - (v - u).norm(dim=1).mean() / (u.roll(-1, 0) - u).norm(dim=1).sum()


def identity_clamped(before, after):
    return _kept(*_units(before, after)).clamp(0, 1)


def identity_median(before, after):
    u, v = _units(before, after)
    return 1 - (v - u).norm(dim=1).median() / (u.roll(-1, 0) - u).norm(dim=1).median()


def identity_percent(before, after):
    return 100 * _kept(*_units(before, after))


def identity_in_place(before, after):
    before /= before.norm(dim=1, keepdim=True)
    return _kept(before, F.normalize(after, dim=1))


RIGHT = {
    "12.edit": [(edit_unpacked,), (edit_no_grad,), (edit_rows,), (edit_as_a_change,)],
    "12.linear": [(linear_gram,), (linear_lstsq,), (linear_projected,), (linear_triangular,), (linear_loop,)],
    "12.matrix": [(matrix_loop,), (matrix_mask,), (matrix_einsum,), (matrix_float,)],
    "12.identity": [(identity_by_hand,), (identity_loop,), (identity_vector_norm,), (identity_pairwise,)],
}

WRONG = {
    "12.edit": [
        (edit_exchanged, "exchanged"),
        (edit_target_twice, "same_twice"),
        (edit_source_twice, "same_twice"),
        (edit_not_encoded, "not_encoded"),
        (edit_notes, "notes"),
        (edit_latent, "latent"),
        (edit_decode_first, "decode_first"),
        (edit_encoded_twice, "encoded_twice"),
        (edit_difference, "difference"),
        (edit_from_zero, "no_attributes"),
        (edit_not_passed, "not_passed"),
        (edit_not_passed_at_all, "not_passed"),
        (edit_first_source, "one_face"),
        (edit_mean_target, "one_face"),
        (edit_half_way, "half_way"),
        (edit_too_far, "too_far"),
        (edit_clamped, "bounded"),
        (edit_unit_latent, "normalised"),
        (edit_change_only, "direction"),
        (edit_added, "added"),
        (edit_latent_difference, "latents_mixed"),
        (edit_mean_latent, "base_mean"),
        (edit_mean_direction, "base_mean"),
        (edit_ladj_added, "ladj_used"),
        (edit_drawn, "drawn"),
        (edit_turned_round, "reversed_rows"),
        (edit_pair, "pair"),
        (edit_ladj, "ladj"),
        (edit_not_unpacked, "not_unpacked"),
        (edit_called, "called"),
        (edit_in_place, "in_place"),
        (edit_source_in_place, "in_place"),
    ],
    "12.linear": [
        (linear_along_row, "along_row"),
        (linear_along_unit_row, "along_unit_row"),
        (linear_others_move, "others_move"),
        (linear_not_rescaled, "not_rescaled"),
        (linear_unit_step, "unit_step"),
        (linear_one_by_one, "one_by_one"),
        (linear_rows_of_length_one, "rows_of_length_one"),
        (linear_first_numbers, "longer_than_needed"),
        (linear_ridge, "ridge"),
        (linear_strong_ridge, "ridge"),
        (linear_transposed, "transposed"),
        (linear_pinv_of_transpose, "transposed"),
        (linear_transpose_for_inverse, "transpose_for_inverse"),
        (linear_from_one, "next_attribute"),
        (linear_first_attribute, "next_attribute"),
        (linear_all, "all_attributes"),
        (linear_no_step, "no_step"),
        (linear_step_sign, "step_sign"),
        (linear_step_abs, "step_abs"),
        (linear_divided_by_step, "step_squared"),
        (linear_one_step, "one_step"),
        (linear_target, "target_for_step"),
        (linear_others_reset, "others_reset"),
        (linear_change_only, "change_only"),
        (linear_unchanged, "unchanged"),
        (linear_lost, "projected"),
        (linear_predictions, "predictions"),
        (linear_renormalised, "renormalised"),
        (linear_no_new_dim, "step_along_row"),
        (linear_in_place, "in_place"),
    ],
    "12.matrix": [
        (matrix_signed, "signed"),
        (matrix_abs_of_mean, "signed"),
        (matrix_signed_delta, "signed_delta"),
        (matrix_not_divided, "not_divided"),
        (matrix_multiplied, "multiplied"),
        (matrix_columns, "columns_divided"),
        (matrix_mean_delta, "one_delta"),
        (matrix_rows_to_one, "by_what_moved"),
        (matrix_by_diagonal, "by_what_moved"),
        (matrix_transposed, "transposed"),
        (matrix_over_edits, "over_edits"),
        (matrix_over_attributes, "over_attributes"),
        (matrix_faces_first, "faces_first"),
        (matrix_sum, "sum"),
        (matrix_wrong_count, "wrong_count"),
        (matrix_rms, "squares"),
        (matrix_deviation, "deviation"),
        (matrix_median, "middle_or_largest"),
        (matrix_largest, "middle_or_largest"),
        (matrix_values, "values"),
        (matrix_diagonal_share, "diagonal_share"),
        (matrix_by_trace, "divided_by_diagonal"),
        (matrix_beside, "beside_only"),
        (matrix_beside_mean, "beside_only"),
        (matrix_mean_of_rows, "mean_of_rows"),
        (matrix_share_of_each, "share_of_each"),
        (matrix_triangle, "triangle"),
        (matrix_percent, "percent"),
        (matrix_raw_leak, "of_raw_changes"),
        (matrix_pair_order, "pair_order"),
        (matrix_only, "matrix_only"),
        (matrix_leak_only, "leak_only"),
        (matrix_each_face, "each_face"),
        (matrix_first_face, "of_one_face"),
        (matrix_in_place, "in_place"),
        (matrix_delta_in_place, "in_place"),
    ],
    "12.identity": [
        (identity_not_normalised, "not_normalised"),
        (identity_before_only, "one_normalised"),
        (identity_columns, "columns_normalised"),
        (identity_sum_of_one, "other_length"),
        (identity_standardised, "standardised"),
        (identity_epsilon, "epsilon"),
        (identity_squared, "squared"),
        (identity_cosine_distance, "squared"),
        (identity_absolute, "absolute"),
        (identity_largest, "largest"),
        (identity_angle, "angle"),
        (identity_one_norm, "whole_batch_norm"),
        (identity_over_batch, "over_batch"),
        (identity_ratios, "ratios_averaged"),
        (identity_each_face, "each_face"),
        (identity_lost, "not_from_one"),
        (identity_upside_down, "upside_down"),
        (identity_no_strangers, "no_strangers"),
        (identity_cosine, "cosine"),
        (identity_strangers_after, "strangers_after"),
        (identity_not_closed, "not_closed"),
        (identity_features_rolled, "features_rolled"),
        (identity_flipped, "reversed"),
        (identity_first_stranger, "first_stranger"),
        (identity_every_pair, "every_pair"),
        (identity_mean_by_sum, "unnormalised_counts"),
        (identity_clamped, "clamped"),
        (identity_median, "middle"),
        (identity_percent, "percent"),
        (identity_in_place, "in_place"),
    ],
}
