"""Answers to chapter 7's exercises, as learners write them: right ones, and wrong ones with the mistake they make."""

import numpy as np
import torch


def eye(like):
    return torch.eye(len(like), dtype=like.dtype, device=like.device)


def factors_of(lower, upper, sign_s, log_abs_s):
    return lower.tril(-1) + eye(lower), upper.triu(1) + torch.diag(sign_s * log_abs_s.exp())


# 07.build_w -------------------------------------------------------------------------------------------------------


def build_with_matrix(permutation, lower, upper, sign_s, log_abs_s):
    P = eye(lower)[permutation]
    L = torch.tril(lower, diagonal=-1) + eye(lower)
    U = torch.triu(upper, diagonal=1) + torch.diag_embed(sign_s * torch.exp(log_abs_s))
    return P @ L @ U


def build_with_masks(permutation, lower, upper, sign_s, log_abs_s):
    C = len(permutation)
    below = torch.ones(C, C, dtype=lower.dtype, device=lower.device).tril(-1)
    L = lower * below + eye(lower)
    U = upper * below.T + eye(lower) * (sign_s * log_abs_s.exp())
    return torch.matmul(L, U)[permutation, :]


def build_with_zeros(permutation, lower, upper, sign_s, log_abs_s):
    C = len(permutation)
    P = torch.zeros(C, C, dtype=lower.dtype, device=lower.device)
    P[torch.arange(C), permutation] = 1.0
    L, U = factors_of(lower, upper, sign_s, log_abs_s)
    return torch.linalg.multi_dot([P, L, U])


def build_by_columns(permutation, lower, upper, sign_s, log_abs_s):
    L, U = factors_of(lower, upper, sign_s, log_abs_s)
    columns = [(L @ U[:, j]) for j in range(len(U))]
    return torch.stack(columns, dim=1).index_select(0, permutation)


def build_filled_in(permutation, lower, upper, sign_s, log_abs_s):
    L, U = lower.tril(-1), upper.triu(1)
    L.fill_diagonal_(1)
    U.diagonal().copy_(sign_s * log_abs_s.exp())
    return torch.gather(L @ U, 0, permutation[:, None].expand_as(L))


def build_einsum(permutation, lower, upper, sign_s, log_abs_s):
    L, U = factors_of(lower, upper, sign_s, log_abs_s)
    P = torch.nn.functional.one_hot(permutation, len(permutation)).to(L)
    return torch.einsum("ij,jk,kl->il", P, L, U)


def build_entry_by_entry(permutation, lower, upper, sign_s, log_abs_s):
    C = len(permutation)
    L, U = torch.zeros_like(lower), torch.zeros_like(upper)
    for i in range(C):
        L[i, i], U[i, i] = 1.0, sign_s[i] * torch.exp(log_abs_s[i])
        for j in range(C):
            if j < i:
                L[i, j] = lower[i, j]
            if j > i:
                U[i, j] = upper[i, j]
    W = L @ U
    return torch.stack([W[p] for p in permutation])


def build_sign_in_exp(permutation, lower, upper, sign_s, log_abs_s):
    L = lower.tril(-1) + eye(lower)
    return (L @ (upper.triu(1) + torch.diag(torch.exp(sign_s * log_abs_s))))[permutation]


def build_rows_scaled(permutation, lower, upper, sign_s, log_abs_s):
    L, s = lower.tril(-1) + eye(lower), sign_s * log_abs_s.exp()
    return (L @ (s[:, None] * (upper.triu(1) + eye(upper))))[permutation]


def build_columns_scaled(permutation, lower, upper, sign_s, log_abs_s):
    L, s = lower.tril(-1) + eye(lower), sign_s * log_abs_s.exp()
    return (L @ ((upper.triu(1) + eye(upper)) * s))[permutation]


def build_not_triangular(permutation, lower, upper, sign_s, log_abs_s):
    return ((lower + eye(lower)) @ (upper + torch.diag(sign_s * log_abs_s.exp())))[permutation]


def build_plain_product(permutation, lower, upper, sign_s, log_abs_s):
    return (lower @ upper)[permutation]


def build_other_triangles(permutation, lower, upper, sign_s, log_abs_s):
    L, U = lower.triu(1) + eye(lower), upper.tril(-1) + torch.diag(sign_s * log_abs_s.exp())
    return (L @ U)[permutation]


def build_sum(permutation, lower, upper, sign_s, log_abs_s):
    return (lower.tril(-1) + upper.triu(1) + torch.diag(sign_s * log_abs_s.exp()))[permutation]


def build_between(permutation, lower, upper, sign_s, log_abs_s):
    L, U = factors_of(lower, upper, sign_s, log_abs_s)
    return L @ U[permutation]


def build_inverse_permutation(permutation, lower, upper, sign_s, log_abs_s):
    L, U = factors_of(lower, upper, sign_s, log_abs_s)
    P = eye(lower)[:, permutation]
    return P @ L @ U


def build_columns(permutation, lower, upper, sign_s, log_abs_s):
    L, U = factors_of(lower, upper, sign_s, log_abs_s)
    return (L @ U)[:, permutation]


def build_no_permutation(permutation, lower, upper, sign_s, log_abs_s):
    L, U = factors_of(lower, upper, sign_s, log_abs_s)
    return L @ U


def build_lower_not_strict(permutation, lower, upper, sign_s, log_abs_s):
    _, U = factors_of(lower, upper, sign_s, log_abs_s)
    return (torch.tril(lower) @ U)[permutation]


def build_lower_diagonal_added(permutation, lower, upper, sign_s, log_abs_s):
    _, U = factors_of(lower, upper, sign_s, log_abs_s)
    return ((torch.tril(lower) + eye(lower)) @ U)[permutation]


def build_upper_not_strict(permutation, lower, upper, sign_s, log_abs_s):
    L, _ = factors_of(lower, upper, sign_s, log_abs_s)
    return (L @ (torch.triu(upper) + torch.diag(sign_s * log_abs_s.exp())))[permutation]


def build_no_unit_diagonal(permutation, lower, upper, sign_s, log_abs_s):
    _, U = factors_of(lower, upper, sign_s, log_abs_s)
    return (lower.tril(-1) @ U)[permutation]


def build_no_sign(permutation, lower, upper, sign_s, log_abs_s):
    L = lower.tril(-1) + eye(lower)
    return (L @ (upper.triu(1) + torch.diag(log_abs_s.exp())))[permutation]


def build_not_exp(permutation, lower, upper, sign_s, log_abs_s):
    L = lower.tril(-1) + eye(lower)
    return (L @ (upper.triu(1) + torch.diag(sign_s * log_abs_s)))[permutation]


def build_no_diagonal(permutation, lower, upper, sign_s, log_abs_s):
    return ((lower.tril(-1) + eye(lower)) @ upper.triu(1))[permutation]


def build_added_to_all(permutation, lower, upper, sign_s, log_abs_s):
    return ((lower.tril(-1) + eye(lower)) @ (upper.triu(1) + sign_s * log_abs_s.exp()))[permutation]


def build_order(permutation, lower, upper, sign_s, log_abs_s):
    L, U = factors_of(lower, upper, sign_s, log_abs_s)
    return (U @ L)[permutation]


def build_elementwise(permutation, lower, upper, sign_s, log_abs_s):
    L, U = factors_of(lower, upper, sign_s, log_abs_s)
    return (L * U)[permutation]


def build_transposed(permutation, lower, upper, sign_s, log_abs_s):
    L, U = factors_of(lower, upper, sign_s, log_abs_s)
    return U.T @ L.T @ eye(lower)[:, permutation]


# 07.logdet --------------------------------------------------------------------------------------------------------


def log_det_ones(x, log_abs_s):
    N, _, H, W = x.shape
    return H * W * log_abs_s.sum() * torch.ones(N, dtype=x.dtype, device=x.device)


def log_det_repeat(x, log_abs_s):
    pixels = x[0, 0].numel()
    return (pixels * torch.sum(log_abs_s)).repeat(x.shape[0])


def log_det_broadcast(x, log_abs_s):
    per_pixel = log_abs_s[None, :, None, None].expand_as(x)
    return per_pixel.sum(dim=(1, 2, 3))


def log_det_list(x, log_abs_s):
    N, C, H, W = x.size()
    return torch.stack([log_abs_s.sum() * (H * W) for _ in range(N)])


def log_det_vmap(x, log_abs_s):
    return torch.vmap(lambda image: image.shape[1] * image.shape[2] * log_abs_s.sum())(x)


def log_det_einsum(x, log_abs_s):
    return torch.einsum("c,nchw->n", log_abs_s, torch.ones_like(x))


def log_det_exp_of_sum(x, log_abs_s):
    return (x.shape[2] * x.shape[3] * log_abs_s.sum().exp()).expand(len(x))


def log_det_log_again(x, log_abs_s):
    return (x.shape[2] * x.shape[3] * torch.log(log_abs_s).sum()).expand(len(x))


def log_det_product(x, log_abs_s):
    return (x.shape[2] * x.shape[3] * log_abs_s.prod()).expand(len(x))


def log_det_sides_added(x, log_abs_s):
    return ((x.shape[2] + x.shape[3]) * log_abs_s.sum()).expand(len(x))


def log_det_divided(x, log_abs_s):
    return (log_abs_s.sum() / (x.shape[2] * x.shape[3])).expand(len(x))


def log_det_batch_mean(x, log_abs_s):
    return (x.shape[2] * x.shape[3] * log_abs_s.sum()).expand(len(x)) / len(x)


def log_det_full(x, log_abs_s):
    return torch.full((len(x),), float(x.shape[2] * x.shape[3] * log_abs_s.sum()), dtype=x.dtype, device=x.device)


def log_det_no_pixels(x, log_abs_s):
    return log_abs_s.sum().expand(x.shape[0])


def log_det_height_only(x, log_abs_s):
    return (x.shape[2] * log_abs_s.sum()).expand(len(x))


def log_det_width_only(x, log_abs_s):
    return (x.shape[-1] * log_abs_s.sum()).repeat(len(x))


def log_det_square(x, log_abs_s):
    return (x.shape[2] ** 2 * log_abs_s.sum()).expand(len(x))


def log_det_square_width(x, log_abs_s):
    return (x.shape[3] ** 2 * log_abs_s.sum()).expand(len(x))


def log_det_sign(x, log_abs_s):
    return -(x.shape[2] * x.shape[3] * log_abs_s.sum()).expand(len(x))


def log_det_channels(x, log_abs_s):
    return (x[0].numel() * log_abs_s.sum()).expand(len(x))


def log_det_times_batch(x, log_abs_s):
    N, _, H, W = x.shape
    return (N * H * W * log_abs_s.sum()).expand(N)


def log_det_mean(x, log_abs_s):
    return (x.shape[2] * x.shape[3] * log_abs_s.mean()).expand(len(x))


def log_det_scalar(x, log_abs_s):
    return x.shape[2] * x.shape[3] * log_abs_s.sum()


def log_det_not_log(x, log_abs_s):
    return (x.shape[2] * x.shape[3] * log_abs_s.exp().sum()).expand(len(x))


def log_det_abs(x, log_abs_s):
    return (x.shape[2] * x.shape[3] * log_abs_s.abs().sum()).expand(len(x))


def log_det_wrong_dims(x, log_abs_s):
    return (x.shape[1] * x.shape[2] * log_abs_s.sum()).expand(len(x))


def log_det_slogdet(x, log_abs_s):
    return (x.shape[2] * x.shape[3] * torch.linalg.slogdet(torch.diag(log_abs_s.exp()))[1]).expand(len(x))


# 07.solve ---------------------------------------------------------------------------------------------------------


def solve_with_matrix(z, permutation, lower, upper, sign_s, log_abs_s):
    P = eye(lower)[permutation]
    L, U = factors_of(lower, upper, sign_s, log_abs_s)
    v = torch.linalg.solve_triangular(L, P.T @ z.T, upper=False)
    return torch.linalg.solve_triangular(U, v, upper=True).T


def solve_by_hand(z, permutation, lower, upper, sign_s, log_abs_s):
    C = len(permutation)
    L, U = factors_of(lower, upper, sign_s, log_abs_s)
    y = z[:, torch.argsort(permutation)]
    v = []
    for i in range(C):
        v.append(y[:, i] - sum(L[i, j] * v[j] for j in range(i)))
    x = [None] * C
    for i in reversed(range(C)):
        x[i] = (v[i] - sum(U[i, j] * x[j] for j in range(i + 1, C))) / U[i, i]
    return torch.stack(x, dim=1)


def solve_from_the_right(z, permutation, lower, upper, sign_s, log_abs_s):
    L, U = factors_of(lower, upper, sign_s, log_abs_s)
    y = torch.empty_like(z)
    y[:, permutation] = z
    v = torch.linalg.solve_triangular(L.T, y, upper=True, left=False)
    return torch.linalg.solve_triangular(U.T, v, upper=False, left=False)


def solve_each(z, permutation, lower, upper, sign_s, log_abs_s):
    L, U = factors_of(lower, upper, sign_s, log_abs_s)
    rows = []
    for row in z:
        y = row[permutation.argsort()].unsqueeze(1)
        v = torch.linalg.solve_triangular(L, y, upper=False, unitriangular=True)
        rows.append(torch.linalg.solve_triangular(U, v, upper=True).squeeze(1))
    return torch.stack(rows)


def solve_explicit_inverses(z, permutation, lower, upper, sign_s, log_abs_s):
    L, U = factors_of(lower, upper, sign_s, log_abs_s)
    L_inverse = torch.linalg.solve_triangular(L, eye(L), upper=False)
    U_inverse = torch.linalg.solve_triangular(U, eye(U), upper=True)
    return torch.einsum("ij,jk,nk->ni", U_inverse, L_inverse, z[:, permutation.argsort()])


def solve_rows_divided(z, permutation, lower, upper, sign_s, log_abs_s):
    s = (sign_s * log_abs_s.exp())[:, None]
    y = torch.zeros_like(z.T).index_copy(0, permutation, z.T)
    v = torch.linalg.solve_triangular(lower, y, upper=False, unitriangular=True)
    return torch.linalg.solve_triangular(upper / s, v / s, upper=True, unitriangular=True).mT


def solve_l_with_upper(z, permutation, lower, upper, sign_s, log_abs_s):
    L, U = factors_of(lower, upper, sign_s, log_abs_s)
    v = torch.linalg.solve_triangular(L, z.T[permutation.argsort()], upper=True)
    return torch.linalg.solve_triangular(U, v, upper=True).T


def solve_upper_false(z, permutation, lower, upper, sign_s, log_abs_s):
    L, U = factors_of(lower, upper, sign_s, log_abs_s)
    v = torch.linalg.solve_triangular(L, z.T[permutation.argsort()], upper=False)
    return torch.linalg.solve_triangular(U, v, upper=False).T


def solve_upper_unit(z, permutation, lower, upper, sign_s, log_abs_s):
    L, U = factors_of(lower, upper, sign_s, log_abs_s)
    v = torch.linalg.solve_triangular(L, z.T[permutation.argsort()], upper=False, unitriangular=True)
    return torch.linalg.solve_triangular(U, v, upper=True, unitriangular=True).T


def solve_no_diagonal(z, permutation, lower, upper, sign_s, log_abs_s):
    return _solve(lower.tril(-1) + eye(lower), upper.triu(1), z.T[permutation.argsort()])


def solve_no_unit_diagonal(z, permutation, lower, upper, sign_s, log_abs_s):
    _, U = factors_of(lower, upper, sign_s, log_abs_s)
    return _solve(lower.tril(-1), U, z.T[permutation.argsort()])


def solve_permutation_last(z, permutation, lower, upper, sign_s, log_abs_s):
    return _solve(*factors_of(lower, upper, sign_s, log_abs_s), z.T)[:, permutation.argsort()]


def solve_left_false(z, permutation, lower, upper, sign_s, log_abs_s):
    L, U = factors_of(lower, upper, sign_s, log_abs_s)
    v = torch.linalg.solve_triangular(L, z[:, permutation.argsort()], upper=False, left=False)
    return torch.linalg.solve_triangular(U, v, upper=True, left=False)


def solve_sign_in_exp(z, permutation, lower, upper, sign_s, log_abs_s):
    U = upper.triu(1) + torch.diag(torch.exp(sign_s * log_abs_s))
    return _solve(lower.tril(-1) + eye(lower), U, z.T[permutation.argsort()])


def _solve(L, U, y):
    v = torch.linalg.solve_triangular(L, y, upper=False)
    return torch.linalg.solve_triangular(U, v, upper=True).T


def solve_permutation(z, permutation, lower, upper, sign_s, log_abs_s):
    return _solve(*factors_of(lower, upper, sign_s, log_abs_s), z.T[permutation])


def solve_no_permutation(z, permutation, lower, upper, sign_s, log_abs_s):
    return _solve(*factors_of(lower, upper, sign_s, log_abs_s), z.T)


def solve_order(z, permutation, lower, upper, sign_s, log_abs_s):
    L, U = factors_of(lower, upper, sign_s, log_abs_s)
    y = z.T[permutation.argsort()]
    v = torch.linalg.solve_triangular(U, y, upper=True)
    return torch.linalg.solve_triangular(L, v, upper=False).T


def solve_from_u(z, permutation, lower, upper, sign_s, log_abs_s):
    L, U = factors_of(lower, upper, sign_s, log_abs_s)
    x = torch.linalg.solve_triangular(U, z.T, upper=True)
    x = torch.linalg.solve_triangular(L, x, upper=False)
    return x[permutation.argsort()].T


def solve_lower_diagonal(z, permutation, lower, upper, sign_s, log_abs_s):
    _, U = factors_of(lower, upper, sign_s, log_abs_s)
    v = torch.linalg.solve_triangular(lower, z.T[permutation.argsort()], upper=False)
    return torch.linalg.solve_triangular(U, v, upper=True).T


def solve_upper_not_strict(z, permutation, lower, upper, sign_s, log_abs_s):
    L, _ = factors_of(lower, upper, sign_s, log_abs_s)
    return _solve(L, upper.triu() + torch.diag(sign_s * log_abs_s.exp()), z.T[permutation.argsort()])


def solve_no_sign(z, permutation, lower, upper, sign_s, log_abs_s):
    L, _ = factors_of(lower, upper, sign_s, log_abs_s)
    return _solve(L, upper.triu(1) + torch.diag(log_abs_s.exp()), z.T[permutation.argsort()])


def solve_not_exp(z, permutation, lower, upper, sign_s, log_abs_s):
    L, _ = factors_of(lower, upper, sign_s, log_abs_s)
    return _solve(L, upper.triu(1) + torch.diag(sign_s * log_abs_s), z.T[permutation.argsort()])


def solve_lower_only(z, permutation, lower, upper, sign_s, log_abs_s):
    L, _ = factors_of(lower, upper, sign_s, log_abs_s)
    return torch.linalg.solve_triangular(L, z.T[permutation.argsort()], upper=False).T


def solve_upper_only(z, permutation, lower, upper, sign_s, log_abs_s):
    _, U = factors_of(lower, upper, sign_s, log_abs_s)
    return torch.linalg.solve_triangular(U, z.T[permutation.argsort()], upper=True).T


def solve_encode(z, permutation, lower, upper, sign_s, log_abs_s):
    L, U = factors_of(lower, upper, sign_s, log_abs_s)
    return z @ (L @ U)[permutation].T


def solve_rows(z, permutation, lower, upper, sign_s, log_abs_s):
    L, U = factors_of(lower, upper, sign_s, log_abs_s)
    y = torch.linalg.solve_triangular(U, z, upper=True, left=False)  # x P L = y
    y = torch.linalg.solve_triangular(L, y, upper=False, left=False)  # x P = y
    return y[:, permutation]


def solve_transposed(z, permutation, lower, upper, sign_s, log_abs_s):
    return solve_with_matrix(z, permutation, lower, upper, sign_s, log_abs_s).T


def solve_inverse(z, permutation, lower, upper, sign_s, log_abs_s):
    L, U = factors_of(lower, upper, sign_s, log_abs_s)
    return z @ torch.linalg.inv((L @ U)[permutation]).T


def solve_general(z, permutation, lower, upper, sign_s, log_abs_s):
    L, U = factors_of(lower, upper, sign_s, log_abs_s)
    return torch.linalg.solve((L @ U)[permutation], z.T).T


# 07.sign ----------------------------------------------------------------------------------------------------------


def sign_cycles(permutation, sign_s, log_abs_s):
    seen, parity = set(), 1
    for start in range(len(permutation)):
        length, i = 0, start
        while i not in seen:
            seen.add(i)
            i = int(permutation[i])
            length += 1
        if length > 0 and length % 2 == 0:
            parity = -parity
    return parity * torch.prod(sign_s), torch.sum(log_abs_s)


def sign_swaps(permutation, sign_s, log_abs_s):
    order, swaps = permutation.tolist(), 0
    for i in range(len(order)):
        while order[i] != i:
            j = order[i]
            order[i], order[j] = order[j], order[i]
            swaps += 1
    sign = -1 if swaps % 2 else 1
    for s in sign_s:
        sign = sign * s
    return sign, log_abs_s.sum()


def sign_vectorised(permutation, sign_s, log_abs_s):
    wrong_way = (permutation[:, None] > permutation[None, :]).triu(1).sum()
    return (1 - 2 * (wrong_way % 2)) * sign_s.prod(), log_abs_s.sum()


def sign_integers(permutation, sign_s, log_abs_s):
    order = permutation.tolist()
    swaps = sum(a > b for i, a in enumerate(order) for b in order[i + 1 :])
    minus = int((sign_s < 0).sum())
    return (-1) ** (swaps + minus), log_abs_s.sum()


def sign_numpy(permutation, sign_s, log_abs_s):
    order = permutation.cpu().numpy()
    swaps = np.triu(order[:, None] > order[None, :], 1).sum()
    return (-1) ** (swaps + (sign_s.cpu().numpy() < 0).sum()), log_abs_s.sum()


def sign_bubble_sort(permutation, sign_s, log_abs_s):
    order, sign, done = permutation.clone(), sign_s.prod(), False
    while not done:
        done = True
        for i in range(len(order) - 1):
            if order[i] > order[i + 1]:
                order[[i, i + 1]] = order[[i + 1, i]]
                sign, done = -sign, False
    return sign, torch.einsum("c->", log_abs_s)


def sign_neighbours(permutation, sign_s, log_abs_s):
    swaps = int((permutation[1:] < permutation[:-1]).sum())
    return (-1) ** swaps * sign_s.prod(), log_abs_s.sum()


def sign_all_pairs(permutation, sign_s, log_abs_s):
    swaps = int((permutation[:, None] > permutation[None, :]).sum())
    return (-1) ** swaps * sign_s.prod(), log_abs_s.sum()


def _displaced(permutation):
    return int((permutation != torch.arange(len(permutation), device=permutation.device)).sum())


def sign_displaced(permutation, sign_s, log_abs_s):
    return (-1) ** _displaced(permutation) * sign_s.prod(), log_abs_s.sum()


def sign_displaced_less_one(permutation, sign_s, log_abs_s):
    return (-1) ** max(_displaced(permutation) - 1, 0) * sign_s.prod(), log_abs_s.sum()


def sign_displaced_halved(permutation, sign_s, log_abs_s):
    return (-1) ** (_displaced(permutation) // 2) * sign_s.prod(), log_abs_s.sum()


def _parity(permutation):
    order = permutation.tolist()
    return (-1) ** sum(a > b for i, a in enumerate(order) for b in order[i + 1 :])


def sign_no_parity(permutation, sign_s, log_abs_s):
    return sign_s.prod(), log_abs_s.sum()


def sign_parity_only(permutation, sign_s, log_abs_s):
    return _parity(permutation), log_abs_s.sum()


def sign_parity_sign(permutation, sign_s, log_abs_s):
    return -_parity(permutation) * sign_s.prod(), log_abs_s.sum()


def sign_sum_of_signs(permutation, sign_s, log_abs_s):
    return _parity(permutation) * sign_s.sum(), log_abs_s.sum()


def sign_always_positive(permutation, sign_s, log_abs_s):
    return 1, log_abs_s.sum()


def sign_signed_log(permutation, sign_s, log_abs_s):
    return _parity(permutation) * sign_s.prod(), (sign_s * log_abs_s).sum()


def sign_product(permutation, sign_s, log_abs_s):
    return _parity(permutation) * sign_s.prod(), log_abs_s.prod()


def sign_not_log(permutation, sign_s, log_abs_s):
    return _parity(permutation) * sign_s.prod(), log_abs_s.exp().prod()


def sign_pair_order(permutation, sign_s, log_abs_s):
    return log_abs_s.sum(), _parity(permutation) * sign_s.prod()


def sign_determinant(permutation, sign_s, log_abs_s):
    return _parity(permutation) * (sign_s * log_abs_s.exp()).prod()


def sign_log_only(permutation, sign_s, log_abs_s):
    return log_abs_s.sum()


def sign_det(permutation, sign_s, log_abs_s):
    P = torch.eye(len(permutation), dtype=sign_s.dtype, device=sign_s.device)[permutation]
    return torch.linalg.det(P) * sign_s.prod(), log_abs_s.sum()


# 07.factor --------------------------------------------------------------------------------------------------------


def factor_as_they_are(W):
    P, L, U = torch.linalg.lu(W)
    s = torch.diag(U)
    return P.argmax(1), L, U, torch.sign(s), torch.log(torch.abs(s))


def factor_nonzero(W):
    P, L, U = torch.linalg.lu(W)
    return [P.nonzero()[:, 1], L.tril(-1), U.triu(1), U.diag().sign(), U.diag().abs().log()]


def factor_by_product(W):
    P, L, U = torch.linalg.lu(W)
    indices = torch.arange(len(W), dtype=W.dtype, device=W.device)
    s = U.diagonal()
    return (P @ indices).round().long(), L, U, torch.where(s < 0, -1.0, 1.0).to(W), s.square().log() / 2


def factor_lu_factor(W):
    LU, pivots = torch.linalg.lu_factor(W)
    P, L, U = torch.lu_unpack(LU, pivots)
    return P.T.argmax(0), LU, LU, U.diagonal().sgn(), U.diagonal().abs().log()


def factor_by_hand(W):
    A, C = W.clone(), len(W)
    order = list(range(C))  # row i of the eliminated matrix is row order[i] of W
    for k in range(C):
        pivot = k + int(A[k:, k].abs().argmax())
        A[[k, pivot]] = A[[pivot, k]]
        order[k], order[pivot] = order[pivot], order[k]
        A[k + 1 :, k] /= A[k, k].clone()
        A[k + 1 :, k + 1 :] -= torch.outer(A[k + 1 :, k], A[k, k + 1 :])
    permutation = torch.tensor(order, device=W.device).argsort()
    return permutation, A, A, A.diagonal().sign(), A.diagonal().abs().log()


def factor_other_dtypes(W):
    P, L, U = torch.linalg.lu(W)
    s = U.diagonal()
    return torch.where(P == 1)[1].int(), L.float(), U.float(), s.sign().int(), s.abs().log()


def factor_max(W):
    P, L, U = torch.linalg.lu(W)
    s = U.diagonal()
    return [P.max(dim=1).indices, L - eye(W), U - torch.diag(s), s / s.abs(), 0.5 * torch.log(s * s)]


def factor_pivots(W):
    LU, pivots = torch.linalg.lu_factor(W)
    return pivots - 1, LU.tril(-1), LU.triu(1), LU.diagonal().sign(), LU.diagonal().abs().log()


def factor_signs(W):
    P, L, U = torch.linalg.lu(W)
    return P.argmax(1), L, U, U.diagonal(), U.diagonal().abs().log()


def factor_signs_zero(W):
    P, L, U = torch.linalg.lu(W)
    return P.argmax(1), L, U, U.diagonal() > 0, U.diagonal().abs().log()


def factor_divided(W):
    P, L, U = torch.linalg.lu(W)
    s = U.diagonal()
    return P.argmax(1), L, U / s[:, None], s.sign(), s.abs().log()


def factor_transposed(W):
    P, L, U = torch.linalg.lu(W.T)
    return P.argmax(1), L, U, U.diagonal().sign(), U.diagonal().abs().log()


def factor_inverse_permutation(W):
    P, L, U = torch.linalg.lu(W)
    return P.argmax(dim=0), L, U, U.diagonal().sign(), U.diagonal().abs().log()


def factor_no_permutation(W):
    P, L, U = torch.linalg.lu(W)
    return torch.arange(len(W)), L, U, U.diagonal().sign(), U.diagonal().abs().log()


def factor_no_sign(W):
    P, L, U = torch.linalg.lu(W)
    return P.argmax(1), L, U, torch.ones(len(W)), U.diagonal().abs().log()


def factor_not_log(W):
    P, L, U = torch.linalg.lu(W)
    return P.argmax(1), L, U, U.diagonal().sign(), U.diagonal().abs()


def factor_no_abs(W):
    P, L, U = torch.linalg.lu(W)
    return P.argmax(1), L, U, U.diagonal().sign(), U.diagonal().log()


def factor_exchanged(W):
    P, L, U = torch.linalg.lu(W)
    return P.argmax(1), U, L, U.diagonal().sign(), U.diagonal().abs().log()


def factor_matrix(W):
    P, L, U = torch.linalg.lu(W)
    return P, L, U, U.diagonal().sign(), U.diagonal().abs().log()


def factor_three(W):
    return torch.linalg.lu(W)


RIGHT = {
    "07.build_w": [
        (build_with_matrix,),
        (build_with_masks,),
        (build_with_zeros,),
        (build_by_columns,),
        (build_filled_in,),
        (build_einsum,),
        (build_entry_by_entry,),
    ],
    "07.logdet": [
        (log_det_ones,),
        (log_det_repeat,),
        (log_det_broadcast,),
        (log_det_list,),
        (log_det_vmap,),
        (log_det_einsum,),
    ],
    "07.solve": [
        (solve_with_matrix,),
        (solve_by_hand,),
        (solve_from_the_right,),
        (solve_each,),
        (solve_explicit_inverses,),
        (solve_rows_divided,),
    ],
    "07.sign": [
        (sign_cycles,),
        (sign_swaps,),
        (sign_vectorised,),
        (sign_integers,),
        (sign_numpy,),
        (sign_bubble_sort,),
    ],
    "07.factor": [
        (factor_as_they_are,),
        (factor_nonzero,),
        (factor_by_product,),
        (factor_lu_factor,),
        (factor_by_hand,),
        (factor_other_dtypes,),
        (factor_max,),
    ],
}

WRONG = {
    "07.build_w": [
        (build_inverse_permutation, "inverse_permutation"),
        (build_columns, "columns"),
        (build_no_permutation, "no_permutation"),
        (build_lower_not_strict, "lower_not_strict"),
        (build_lower_diagonal_added, "lower_diagonal_added"),
        (build_upper_not_strict, "upper_not_strict"),
        (build_no_unit_diagonal, "no_unit_diagonal"),
        (build_no_sign, "no_sign"),
        (build_not_exp, "not_exp"),
        (build_no_diagonal, "no_diagonal"),
        (build_added_to_all, "added_to_all"),
        (build_sign_in_exp, "sign_in_exp"),
        (build_rows_scaled, "scaled"),
        (build_columns_scaled, "scaled"),
        (build_not_triangular, "not_triangular"),
        (build_plain_product, "not_triangular"),
        (build_other_triangles, "other_triangles"),
        (build_sum, "sum"),
        (build_between, "between"),
        (build_order, "order"),
        (build_elementwise, "elementwise"),
        (build_transposed, "transposed"),
    ],
    "07.logdet": [
        (log_det_no_pixels, "no_pixels"),
        (log_det_height_only, "height_only"),
        (log_det_width_only, "width_only"),
        (log_det_square, "square"),
        (log_det_square_width, "square"),
        (log_det_sign, "sign"),
        (log_det_channels, "channels"),
        (log_det_times_batch, "times_batch"),
        (log_det_mean, "mean"),
        (log_det_scalar, "scalar"),
        (log_det_not_log, "not_log"),
        (log_det_abs, "abs"),
        (log_det_wrong_dims, "batch_for_pixels"),
        (log_det_exp_of_sum, "not_log"),
        (log_det_log_again, "log_again"),
        (log_det_product, "product"),
        (log_det_sides_added, "sides_added"),
        (log_det_divided, "divided"),
        (log_det_batch_mean, "batch_mean"),
        (log_det_full, "detached"),
        (log_det_slogdet, "cost"),
    ],
    "07.solve": [
        (solve_permutation, "permutation"),
        (solve_no_permutation, "no_permutation"),
        (solve_order, "order"),
        (solve_from_u, "from_the_right"),
        (solve_lower_diagonal, "lower_diagonal"),
        (solve_upper_not_strict, "upper_not_strict"),
        (solve_no_sign, "no_sign"),
        (solve_not_exp, "not_exp"),
        (solve_lower_only, "lower_only"),
        (solve_upper_only, "upper_only"),
        (solve_encode, "encode"),
        (solve_rows, "rows"),
        (solve_transposed, "transposed"),
        (solve_l_with_upper, "upper_only"),
        (solve_upper_false, "upper_false"),
        (solve_upper_unit, "upper_unit"),
        (solve_no_diagonal, "no_diagonal"),
        (solve_no_unit_diagonal, "no_unit_diagonal"),
        (solve_permutation_last, "permutation_last"),
        (solve_left_false, "left_false"),
        (solve_sign_in_exp, "sign_in_exp"),
        (solve_inverse, "cost"),
        (solve_general, "cost"),
    ],
    "07.sign": [
        (sign_no_parity, "no_parity"),
        (sign_parity_only, "parity_only"),
        (sign_parity_sign, "parity_sign"),
        (sign_neighbours, "neighbours"),
        (sign_all_pairs, "all_pairs"),
        (sign_displaced, "displaced"),
        (sign_displaced_less_one, "displaced"),
        (sign_displaced_halved, "displaced"),
        (sign_sum_of_signs, "sum_of_signs"),
        (sign_always_positive, "always_positive"),
        (sign_signed_log, "signed_log"),
        (sign_product, "product"),
        (sign_not_log, "not_log"),
        (sign_pair_order, "pair_order"),
        (sign_determinant, "determinant"),
        (sign_log_only, "log_only"),
        (sign_det, "cost"),
    ],
    "07.factor": [
        (factor_inverse_permutation, "inverse_permutation"),
        (factor_no_permutation, "no_permutation"),
        (factor_no_sign, "no_sign"),
        (factor_not_log, "not_log"),
        (factor_no_abs, "no_abs"),
        (factor_exchanged, "exchanged"),
        (factor_matrix, "matrix"),
        (factor_three, "three"),
        (factor_pivots, "no_permutation_at_all"),
        (factor_signs, "signs"),
        (factor_signs_zero, "signs_zero"),
        (factor_divided, "divided"),
        (factor_transposed, "transposed"),
    ],
}
