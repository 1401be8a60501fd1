"""Answers to chapter 6's exercises, as learners write them: right ones, and wrong ones with the mistake they make."""

import math

import torch
import torch.nn.functional as F

# 06.masks ---------------------------------------------------------------------------------------------------------


def masks_by_multiplying(x):
    H, W = x.shape[-2:]
    b = ((torch.arange(H)[:, None] + torch.arange(W)[None, :] + 1) % 2).to(x)
    return b * x, (1 - b) * x


def masks_by_slices(x):
    kept = torch.zeros_like(x)
    kept[:, :, ::2, ::2] = x[:, :, ::2, ::2]
    kept[:, :, 1::2, 1::2] = x[:, :, 1::2, 1::2]
    return kept, x - kept


def masks_by_loops(x):
    kept, moved = x.clone(), x.clone()
    for h in range(x.shape[2]):
        for w in range(x.shape[3]):
            if (h + w) % 2:
                kept[:, :, h, w] = 0
            else:
                moved[:, :, h, w] = 0
    return [kept, moved]


def masks_by_indices(x):
    grid = torch.meshgrid(*[torch.arange(n, device=x.device) for n in x.shape[2:]], indexing="ij")
    odd = sum(grid).remainder(2).bool()
    return x.masked_fill(odd, 0), x.masked_fill(~odd, 0)


def masks_by_powers(x):
    h, w = (torch.arange(n, device=x.device, dtype=x.dtype) for n in x.shape[2:])
    sign = torch.cos(math.pi * h).round()[:, None] * torch.cos(math.pi * w).round()
    return x * (1 + sign) / 2, x * (1 - sign) / 2


def _with(board):
    def answer(x):
        n, c, h, w = (torch.arange(size).view(-1, *[1] * place) for size, place in zip(x.shape, (3, 2, 1, 0)))
        b = (board(n, c, h, w) % 2 == 0).to(x)
        return b * x, (1 - b) * x

    return answer


masks_rows, masks_columns = _with(lambda n, c, h, w: h), _with(lambda n, c, h, w: w)
masks_product, masks_blocks = _with(lambda n, c, h, w: h * w), _with(lambda n, c, h, w: h // 2 + w // 2)
masks_channels, masks_samples = _with(lambda n, c, h, w: c + h + w), _with(lambda n, c, h, w: n + h + w)


def masks_from_one(x):  # row and column counted from one: the same board
    return _with(lambda n, c, h, w: (h + 1) + (w + 1))(x)


def masks_roles(x):
    return _with(lambda n, c, h, w: h + w + 1)(x)


def masks_flat(x):
    b = (torch.arange(x[0, 0].numel()) + 1).remainder(2).reshape(x.shape[2:]).to(x)
    return b * x, x - b * x


def masks_moved_whole(x):
    return masks_by_slices(x)[0], x


def masks_kept_whole(x):
    return x, masks_by_slices(x)[1]


def masks_selected(x):
    H, W = x.shape[2:]
    even = (torch.arange(H)[:, None] + torch.arange(W)) % 2 == 0
    return x[..., even], x[..., ~even]


def masks_boards(x):
    return masks_by_slices(torch.ones_like(x))


def masks_booleans(x):
    kept, moved = masks_by_slices(torch.ones_like(x))
    return kept.bool(), moved.bool()


def masks_kept_only(x):
    return masks_by_slices(x)[0]


def masks_detached(x):
    kept, moved = masks_by_slices(x)
    return kept, moved.detach()


# 06.coupling ------------------------------------------------------------------------------------------------------


def coupling_formula(x, mask, log_scale, shift):
    b = mask.to(x.dtype)
    z = b * x + (1 - b) * (x * torch.exp(log_scale) + shift)
    return z, ((1 - b) * log_scale).sum(dim=(1, 2, 3))


def coupling_where(x, mask, log_scale, shift):
    z = torch.where(mask, x, x * log_scale.exp() + shift)
    return z, log_scale.masked_fill(mask, 0.0).sum((-1, -2, -3))


def coupling_index(x, mask, log_scale, shift):
    z = x.clone()
    z[:, :, ~mask] = torch.exp(log_scale[:, :, ~mask]) * x[:, :, ~mask] + shift[:, :, ~mask]
    return z, log_scale[:, :, ~mask].sum((1, 2))


def coupling_einsum(x, mask, log_scale, shift):
    moved = (~mask).to(x)
    scale = torch.exp(log_scale * moved)
    return torch.addcmul(shift * moved, scale, x), torch.einsum("nchw,hw->n", log_scale, moved)


def coupling_row_by_row(x, mask, log_scale, shift):
    rows = [coupling_formula(x[n : n + 1], mask, log_scale[n : n + 1], shift[n : n + 1]) for n in range(len(x))]
    return torch.cat([z for z, _ in rows]), torch.cat([ladj for _, ladj in rows])


def _coupling(z=None, ladj=None):
    def answer(x, mask, log_scale, shift):
        b = mask.to(x.dtype)
        right_z, right_ladj = coupling_formula(x, mask, log_scale, shift)
        return z(b, x, log_scale, shift) if z else right_z, ladj(b, log_scale) if ladj else right_ladj

    return answer


coupling_counts_kept = _coupling(ladj=lambda b, s: s.sum((1, 2, 3)))
coupling_only_kept = _coupling(ladj=lambda b, s: (b * s).sum((1, 2, 3)))
coupling_ladj_sign = _coupling(ladj=lambda b, s: ((b - 1) * s).sum((1, 2, 3)))
coupling_mean = _coupling(ladj=lambda b, s: ((1 - b) * s).mean((1, 2, 3)))
coupling_per_channel = _coupling(ladj=lambda b, s: ((1 - b) * s).sum((-2, -1)))
coupling_whole_batch = _coupling(ladj=lambda b, s: ((1 - b) * s).sum())
coupling_not_log = _coupling(ladj=lambda b, s: ((1 - b) * torch.exp(s)).sum((1, 2, 3)))
coupling_scales_kept = _coupling(z=lambda b, x, s, t: x * torch.exp(s) + (1 - b) * t)
coupling_shifts_kept = _coupling(z=lambda b, x, s, t: x * torch.exp(s * (1 - b)) + t)
coupling_no_mask_in_z = _coupling(z=lambda b, x, s, t: x * torch.exp(s) + t)
coupling_kept_lost = _coupling(z=lambda b, x, s, t: (1 - b) * (x * torch.exp(s) + t))
coupling_not_exp = _coupling(z=lambda b, x, s, t: b * x + (1 - b) * (x * s + t))
coupling_shift_first = _coupling(z=lambda b, x, s, t: b * x + (1 - b) * (x + t) * torch.exp(s))
coupling_decode = _coupling(z=lambda b, x, s, t: b * x + (1 - b) * (x - t) / torch.exp(s))
coupling_no_mask = _coupling(lambda b, x, s, t: x * torch.exp(s) + t, lambda b, s: s.sum((1, 2, 3)))


def coupling_roles(x, mask, log_scale, shift):
    return coupling_formula(x, ~mask, log_scale, shift)


def coupling_z_only(x, mask, log_scale, shift):
    return coupling_formula(x, mask, log_scale, shift)[0]


def coupling_pair_order(x, mask, log_scale, shift):
    z, ladj = coupling_formula(x, mask, log_scale, shift)
    return ladj, z


def coupling_in_place(x, mask, log_scale, shift):
    log_scale[:, :, mask] = 0
    return coupling_formula(x, mask, log_scale, shift)


def coupling_detached(x, mask, log_scale, shift):
    z, ladj = coupling_formula(x, mask, log_scale, shift)
    return z, ladj.detach()


# 06.squeeze -------------------------------------------------------------------------------------------------------


def squeeze_slices(x):
    parts = [x[:, :, i::2, j::2] for i in range(2) for j in range(2)]
    return torch.stack(parts, dim=2).flatten(1, 2)


def squeeze_unflatten(x):
    return x.unflatten(3, (-1, 2)).unflatten(2, (-1, 2)).movedim((3, 5), (2, 3)).flatten(1, 3)


def squeeze_unfold(x):
    N, C, H, W = x.shape
    return F.unfold(x, kernel_size=2, stride=2).view(N, 4 * C, H // 2, W // 2)


def squeeze_loops(x):
    N, C, H, W = x.shape
    z = x.new_empty(N, 4 * C, H // 2, W // 2)
    for c in range(C):
        for i in range(2):
            for j in range(2):
                z[:, 4 * c + 2 * i + j] = x[:, c, i::2, j::2]
    return z


def squeeze_einops_like(x):
    N, C, H, W = x.shape
    return torch.einsum("nchiwj->ncijhw", x.reshape(N, C, H // 2, 2, W // 2, 2)).reshape(N, -1, H // 2, W // 2)


def squeeze_view(x):
    N, C, H, W = x.shape
    return x.view(N, C * 4, H // 2, W // 2)


def squeeze_quarters(x):
    H, W = x.shape[2] // 2, x.shape[3] // 2
    quarters = [x[:, :, :H, :W], x[:, :, :H, W:], x[:, :, H:, :W], x[:, :, H:, W:]]
    return torch.stack(quarters, 2).flatten(1, 2)


def _squeeze(*corners):
    def answer(x):
        return torch.stack([x[:, :, i::2, j::2] for i, j in corners], 2).flatten(1, 2)

    return answer


squeeze_columns_first = _squeeze((0, 0), (1, 0), (0, 1), (1, 1))
squeeze_clockwise = _squeeze((0, 0), (0, 1), (1, 1), (1, 0))
squeeze_diagonals = _squeeze((0, 0), (1, 1), (0, 1), (1, 0))
squeeze_backwards = _squeeze((1, 1), (1, 0), (0, 1), (0, 0))


def squeeze_grouped(x):
    return torch.cat([x[:, :, ::2, ::2], x[:, :, ::2, 1::2], x[:, :, 1::2, ::2], x[:, :, 1::2, 1::2]], 1)


def squeeze_interleaved(x):
    N, C, H, W = x.shape
    blocks = x.view(N, C, H // 2, 2, W // 2, 2).permute(0, 2, 4, 1, 3, 5)  # N, h, w, C, i, j
    return blocks.reshape(N, C * 4, H // 2, W // 2)


def squeeze_transposed(x):
    return squeeze_slices(x).mT


def squeeze_one_corner(x):
    return x[:, :, 0::2, 0::2]


def squeeze_unsqueeze(x):
    N, C, H, W = x.shape
    z = x.new_zeros(N, C // 4, 2 * H, 2 * W)
    for k in range(4):
        z[:, :, k // 2 :: 2, k % 2 :: 2] = x.unflatten(1, (-1, 4))[:, :, k]
    return z


def squeeze_pair(x):
    return squeeze_slices(x), x.new_zeros(len(x))


def squeeze_library(x):
    return F.pixel_unshuffle(x, 2)


# 06.unsqueeze -----------------------------------------------------------------------------------------------------


def unsqueeze_slices(z):
    N, C, h, w = z.shape
    x = torch.zeros(N, C // 4, 2 * h, 2 * w, dtype=z.dtype, device=z.device)
    for k in range(4):
        x[:, :, k // 2 :: 2, k % 2 :: 2] = z[:, k::4]
    return x


def unsqueeze_stacks(z):
    a, b, c, d = (z[:, k::4] for k in range(4))
    upper, lower = torch.stack((a, b), -1).flatten(-2), torch.stack((c, d), -1).flatten(-2)
    return torch.stack((upper, lower), -2).flatten(2, 3)


def unsqueeze_unflatten(z):
    return z.unflatten(1, (-1, 2, 2)).permute(0, 1, 4, 2, 5, 3).flatten(4, 5).flatten(2, 3)


def unsqueeze_fold(z):
    N, C, h, w = z.shape
    return F.fold(z.reshape(N, C, h * w), (2 * h, 2 * w), kernel_size=2, stride=2)


def unsqueeze_transposed_convolution(z):
    kernel = torch.eye(4, dtype=z.dtype, device=z.device).view(4, 1, 2, 2)
    C = z.shape[1] // 4
    return F.conv_transpose2d(z, kernel.repeat(C, 1, 1, 1), stride=2, groups=C)


def unsqueeze_view(z):
    N, C, h, w = z.shape
    return z.reshape(N, C // 4, h * 2, w * 2)


def unsqueeze_again(z):
    N, C, h, w = z.shape
    return z.view(N, C // 4, 2, 2, h, w).permute(0, 1, 3, 5, 2, 4).reshape(N, C // 4, 2 * h, 2 * w)


def unsqueeze_again_wide(z):
    N, C, h, w = z.shape
    return z.view(N, C // 4, 2, 2, h, w).permute(0, 1, 3, 5, 2, 4).flatten(4, 5).flatten(2, 3)


def unsqueeze_quarters(z):
    a, b, c, d = (z[:, k::4] for k in range(4))
    return torch.cat((torch.cat((a, b), 3), torch.cat((c, d), 3)), 2)


def _unsqueeze(*corners):
    def answer(z):
        N, C, h, w = z.shape
        x = z.new_empty(N, C // 4, 2 * h, 2 * w)
        for k, (i, j) in enumerate(corners):
            x[:, :, i::2, j::2] = z[:, k::4]
        return x

    return answer


unsqueeze_columns_first = _unsqueeze((0, 0), (1, 0), (0, 1), (1, 1))
unsqueeze_clockwise = _unsqueeze((0, 0), (0, 1), (1, 1), (1, 0))
unsqueeze_diagonals = _unsqueeze((0, 0), (1, 1), (0, 1), (1, 0))
unsqueeze_backwards = _unsqueeze((1, 1), (1, 0), (0, 1), (0, 0))


def unsqueeze_grouped(z):
    N, C, h, w = z.shape
    x = z.new_empty(N, C // 4, 2 * h, 2 * w)
    for k, part in enumerate(z.chunk(4, 1)):
        x[:, :, k // 2 :: 2, k % 2 :: 2] = part
    return x


def unsqueeze_transposed(z):
    return unsqueeze_slices(z).transpose(-1, -2)


def unsqueeze_squeeze(z):
    return squeeze_slices(z)


def unsqueeze_pair(z):
    return unsqueeze_slices(z), z.new_zeros(len(z))


def unsqueeze_library(z):
    return F.pixel_shuffle(z, 2)


# 06.split ---------------------------------------------------------------------------------------------------------


def split_normal(h, ladj, rest):
    h1, h2 = h[:, : h.shape[1] // 2], h[:, h.shape[1] // 2 :]
    z1, ladj1 = rest.encode(h1.flatten(1))
    normal = torch.distributions.Normal(torch.zeros((), dtype=h.dtype, device=h.device), 1.0)
    return normal.log_prob(z1).sum(1) + normal.log_prob(h2).sum((1, 2, 3)) + ladj + ladj1


def split_by_level(h, ladj, rest):
    on = h.shape[1] // 2
    log_p = ladj - 0.5 * h[:, on:].square().sum((1, 2, 3)) - 0.5 * h[0, on:].numel() * math.log(2 * math.pi)
    z, more = rest.encode(h[:, :on].reshape(len(h), -1))
    return log_p + more - 0.5 * (z**2).sum(-1) - 0.5 * z.shape[1] * math.log(2 * math.pi)


def split_narrow(h, ladj, rest):
    C = h.shape[1]
    on, leave = torch.split(h, [C // 2, C - C // 2], dim=1)
    z, ladj_rest = rest.encode(on.flatten(start_dim=1))
    squares = torch.einsum("ni,ni->n", z, z) + torch.einsum("nchw,nchw->n", leave, leave)
    return ladj + ladj_rest - (squares + h[0].numel() * math.log(2 * math.pi)) / 2


def split_row_by_row(h, ladj, rest):
    return torch.cat([split_narrow(h[n : n + 1], ladj[n : n + 1], rest) for n in range(len(h))])


def _split(formula, other=False):
    def answer(h, ladj, rest):
        on = h.shape[1] // 2
        go, leave = (h[:, -on:], h[:, :-on]) if other else (h[:, :on], h[:, on:])
        z1, ladj_rest = rest.encode(go.flatten(1))
        return formula(go.flatten(1), leave.flatten(1), z1, ladj, ladj_rest)

    return answer


def _normal(z):
    return (-0.5 * z**2 - 0.5 * math.log(2 * math.pi)).sum(1)


split_twice = _split(lambda h1, h2, z1, a, b: _normal(z1) + _normal(h2) + _normal(h2) + a + b)
split_forgotten = _split(lambda h1, h2, z1, a, b: _normal(z1) + a + b)
split_only_left = _split(lambda h1, h2, z1, a, b: _normal(h2) + a + b)
split_no_rest = _split(lambda h1, h2, z1, a, b: _normal(z1) + _normal(h2) + a)
split_no_first = _split(lambda h1, h2, z1, a, b: _normal(z1) + _normal(h2) + b)
split_no_ladj = _split(lambda h1, h2, z1, a, b: _normal(torch.cat((z1, h2), 1)))
split_minus = _split(lambda h1, h2, z1, a, b: _normal(z1) + _normal(h2) - (a + b))
split_minus_rest = _split(lambda h1, h2, z1, a, b: _normal(z1) + _normal(h2) + a - b)
split_base_at_h = _split(lambda h1, h2, z1, a, b: _normal(h1) + _normal(h2) + a + b)
split_no_constant = _split(lambda h1, h2, z1, a, b: -(z1**2).sum(1) / 2 - (h2**2).sum(1) / 2 + a + b)
split_half_constant = _split(lambda h1, h2, z1, a, b: _normal(z1) - (h2**2).sum(1) / 2 + a + b)
split_half_constant_too = _split(lambda h1, h2, z1, a, b: _normal(h2) - (z1**2).sum(1) / 2 + a + b)
split_no_half = _split(
    lambda h1, h2, z1, a, b: (-(torch.cat((z1, h2), 1) ** 2) - 0.5 * math.log(2 * math.pi)).sum(1) + a + b
)
split_plus_square = _split(
    lambda h1, h2, z1, a, b: (0.5 * torch.cat((z1, h2), 1) ** 2 - 0.5 * math.log(2 * math.pi)).sum(1) + a + b
)
split_mean = _split(
    lambda h1, h2, z1, a, b: (-0.5 * torch.cat((z1, h2), 1) ** 2 - 0.5 * math.log(2 * math.pi)).mean(1) + a + b
)
split_other_half = _split(lambda h1, h2, z1, a, b: _normal(z1) + _normal(h2) + a + b, other=True)


def split_whole_batch(h, ladj, rest):
    return split_narrow(h, ladj, rest).sum()


def split_not_log(h, ladj, rest):
    return torch.exp(split_narrow(h, ladj, rest))


def split_nll(h, ladj, rest):
    return -split_narrow(h, ladj, rest)


def split_all_go_on(h, ladj, rest):
    z, more = rest.encode(h.flatten(1))
    return _normal(z) + ladj + more


def split_detached(h, ladj, rest):
    return split_narrow(h, ladj.detach(), rest)


RIGHT = {
    "06.masks": [
        (masks_by_multiplying,),
        (masks_by_slices,),
        (masks_by_loops,),
        (masks_by_indices,),
        (masks_by_powers,),
        (masks_from_one,),
    ],
    "06.coupling": [
        (coupling_formula,),
        (coupling_where,),
        (coupling_index,),
        (coupling_einsum,),
        (coupling_row_by_row,),
    ],
    "06.squeeze": [
        (squeeze_slices,),
        (squeeze_unflatten,),
        (squeeze_unfold,),
        (squeeze_loops,),
        (squeeze_einops_like,),
    ],
    "06.unsqueeze": [
        (unsqueeze_slices,),
        (unsqueeze_stacks,),
        (unsqueeze_unflatten,),
        (unsqueeze_fold,),
        (unsqueeze_transposed_convolution,),
    ],
    "06.split": [(split_normal,), (split_by_level,), (split_narrow,), (split_row_by_row,)],
}

WRONG = {
    "06.masks": [
        (masks_roles, "roles"),
        (masks_rows, "rows"),
        (masks_columns, "columns"),
        (masks_product, "product"),
        (masks_blocks, "blocks"),
        (masks_channels, "channels"),
        (masks_samples, "samples"),
        (masks_flat, "flat"),
        (masks_moved_whole, "moved_whole"),
        (masks_kept_whole, "kept_whole"),
        (masks_selected, "selected"),
        (masks_boards, "boards"),
        (masks_booleans, "boards"),
        (masks_kept_only, "kept_only"),
        (masks_detached, "detached"),
    ],
    "06.coupling": [
        (coupling_counts_kept, "counts_kept"),
        (coupling_only_kept, "only_kept"),
        (coupling_ladj_sign, "ladj_sign"),
        (coupling_mean, "mean"),
        (coupling_per_channel, "per_channel"),
        (coupling_whole_batch, "whole_batch"),
        (coupling_not_log, "not_log"),
        (coupling_scales_kept, "scales_kept"),
        (coupling_shifts_kept, "shifts_kept"),
        (coupling_no_mask_in_z, "no_mask_in_z"),
        (coupling_kept_lost, "kept_lost"),
        (coupling_not_exp, "not_exp"),
        (coupling_shift_first, "shift_first"),
        (coupling_decode, "decode"),
        (coupling_no_mask, "no_mask"),
        (coupling_roles, "roles"),
        (coupling_z_only, "z_only"),
        (coupling_pair_order, "pair_order"),
        (coupling_in_place, "in_place"),
        (coupling_detached, "detached"),
    ],
    "06.squeeze": [
        (squeeze_view, "view"),
        (squeeze_quarters, "quarters"),
        (squeeze_columns_first, "columns_first"),
        (squeeze_clockwise, "clockwise"),
        (squeeze_diagonals, "diagonals"),
        (squeeze_backwards, "backwards"),
        (squeeze_grouped, "grouped"),
        (squeeze_interleaved, "interleaved"),
        (squeeze_transposed, "transposed"),
        (squeeze_one_corner, "one_corner"),
        (squeeze_unsqueeze, "unsqueeze"),
        (squeeze_pair, "pair"),
        (squeeze_library, "cost"),
    ],
    "06.unsqueeze": [
        (unsqueeze_view, "view"),
        (unsqueeze_again, "again"),
        (unsqueeze_again_wide, "again"),
        (unsqueeze_quarters, "quarters"),
        (unsqueeze_columns_first, "columns_first"),
        (unsqueeze_clockwise, "clockwise"),
        (unsqueeze_diagonals, "diagonals"),
        (unsqueeze_backwards, "backwards"),
        (unsqueeze_grouped, "grouped"),
        (unsqueeze_transposed, "transposed"),
        (unsqueeze_squeeze, "squeeze"),
        (unsqueeze_pair, "pair"),
        (unsqueeze_library, "cost"),
    ],
    "06.split": [
        (split_twice, "twice"),
        (split_forgotten, "forgotten"),
        (split_only_left, "only_left"),
        (split_no_rest, "no_rest"),
        (split_no_first, "no_first"),
        (split_no_ladj, "no_ladj"),
        (split_minus, "minus"),
        (split_minus_rest, "minus_rest"),
        (split_base_at_h, "base_at_h"),
        (split_no_constant, "no_constant"),
        (split_half_constant, "half_constant"),
        (split_half_constant_too, "half_constant"),
        (split_no_half, "no_half"),
        (split_plus_square, "plus_square"),
        (split_mean, "mean"),
        (split_other_half, "other_half"),
        (split_whole_batch, "whole_batch"),
        (split_not_log, "not_log"),
        (split_nll, "nll"),
        (split_all_go_on, "all_go_on"),
        (split_detached, "detached"),
    ],
}
