"""Answers to chapter 16's exercises, as learners write them: right ones, and wrong ones with the mistake they make."""

import math

import torch
import torch.nn.functional as F

# 16.gradient ------------------------------------------------------------------------------------------------------


def gradient_backward(flow, x, y, A, sigma, weight):
    x = x.clone()
    x.requires_grad = True
    z, ladj = flow.encode(x)
    log_p = torch.distributions.Normal(0.0, 1.0).log_prob(z).sum(dim=1) + ladj
    data = ((torch.einsum("md,nd->nm", A, x) - y) / sigma).pow(2).sum(dim=1) / 2
    (data - weight * log_p).sum().backward()
    return x.grad


def gradient_by_hand(flow, x, y, A, sigma, weight):
    """The data term by its formula, the prior by autograd."""
    leaf = x.detach().clone().requires_grad_(True)
    z, ladj = flow.encode(leaf)
    score = torch.autograd.grad((ladj - (z * z).sum(1) / 2).sum(), leaf)[0]
    return (x @ A.T - y) @ A / sigma**2 - weight.unsqueeze(1) * score


def gradient_func(flow, x, y, A, sigma, weight):
    def energy(x):
        z, ladj = flow.encode(x)
        constant = z.shape[1] / 2 * math.log(2 * math.pi)
        log_p = ladj - 0.5 * z.norm(dim=1) ** 2 - constant
        return ((A @ x.T - y.T).norm(dim=0) ** 2 / (2 * sigma**2) - weight * log_p).sum()

    return torch.func.grad(energy)(x)


def gradient_rows(flow, x, y, A, sigma, weight):
    rows = []
    for n in range(len(x)):
        row = x[n : n + 1].detach().clone().requires_grad_()
        z, ladj = flow.encode(row)
        energy = ((A @ row[0] - y[n]) ** 2).sum() / (2 * sigma**2) + weight[n] * (0.5 * (z**2).sum() - ladj[0])
        rows.append(torch.autograd.grad(energy, row)[0][0])
    return torch.stack(rows)


def gradient_vmap(flow, x, y, A, sigma, weight):
    def energy(x, y, weight):
        z, ladj = flow.encode(x[None])
        return (A @ x - y).square().sum() / (2 * sigma**2) - weight * (ladj[0] - 0.5 * z.square().sum())

    return torch.func.vmap(torch.func.grad(energy))(x, y, weight)


def gradient_chain_rule(flow, x, y, A, sigma, weight):
    """J^T z by one vector product, the slope of ladj by another."""
    leaf = x.detach().requires_grad_()
    z, ladj = flow.encode(leaf)
    (pulled,) = torch.autograd.grad(z, leaf, z.detach(), retain_graph=True)
    (volume,) = torch.autograd.grad(ladj.sum(), leaf)
    return (x @ A.T - y) @ A / sigma**2 + weight[:, None] * (pulled - volume)


def _energies(flow, x, y, A, sigma, weight):
    z, ladj = flow.encode(x)
    return (x @ A.T - y).square().sum(1) / (2 * sigma**2), ladj - 0.5 * z.square().sum(1), z, ladj


def _slope(energy):
    """The gradient of `energy(data, log_p, weight, z, ladj, x)`."""

    def answer(flow, x, y, A, sigma, weight):
        x = x.detach().requires_grad_()
        data, log_p, z, ladj = _energies(flow, x, y, A, sigma, weight)
        return torch.autograd.grad(energy(data, log_p, weight, z, ladj, x).sum(), x)[0]

    return answer


def gradient_prior_sign(*args):
    return _slope(lambda data, log_p, w, z, ladj, x: data + w * log_p)(*args)


def gradient_data_sign(flow, x, y, A, sigma, weight):
    prior = _slope(lambda data, log_p, w, z, ladj, x: -w * log_p)(flow, x, y, A, sigma, weight)
    return (y - x @ A.T) @ A / sigma**2 + prior


def gradient_downhill(*args):
    return -gradient_by_hand(*args)


def gradient_z_not_followed(flow, x, y, A, sigma, weight):
    z, ladj = flow.encode(x)
    x = x.detach().requires_grad_()
    energy = (x @ A.T - y).square().sum(1) / (2 * sigma**2) - weight * (ladj - 0.5 * z.square().sum(1))
    return torch.autograd.grad(energy.sum(), x)[0]


def gradient_score(*args):
    return _slope(lambda data, log_p, w, z, ladj, x: log_p)(*args)


def gradient_no_weight(*args):
    return _slope(lambda data, log_p, w, z, ladj, x: data - log_p)(*args)


def gradient_weight_on_both(*args):
    return _slope(lambda data, log_p, w, z, ladj, x: w * (data - log_p))(*args)


def gradient_mixture(*args):
    return _slope(lambda data, log_p, w, z, ladj, x: (1 - w) * data - w * log_p)(*args)


def gradient_mean_weight(*args):
    return _slope(lambda data, log_p, w, z, ladj, x: data - w.mean() * log_p)(*args)


def gradient_weights_meet_all(*args):
    return _slope(lambda data, log_p, w, z, ladj, x: data - w[:, None] * log_p)(*args)


def gradient_no_ladj(*args):
    return _slope(lambda data, log_p, w, z, ladj, x: data + 0.5 * w * (z**2).sum(1))(*args)


def gradient_ladj_detached(*args):
    return _slope(lambda data, log_p, w, z, ladj, x: data - w * (ladj.detach() - 0.5 * (z**2).sum(1)))(*args)


def gradient_ladj_sign(*args):
    return _slope(lambda data, log_p, w, z, ladj, x: data + w * (0.5 * (z**2).sum(1) + ladj))(*args)


def gradient_no_base(*args):
    return _slope(lambda data, log_p, w, z, ladj, x: data - w * ladj)(*args)


def gradient_base_sign(*args):
    return _slope(lambda data, log_p, w, z, ladj, x: data - w * (ladj + 0.5 * (z**2).sum(1)))(*args)


def gradient_base_at_x(*args):
    return _slope(lambda data, log_p, w, z, ladj, x: data - w * (ladj - 0.5 * (x**2).sum(1)))(*args)


def gradient_normal_prior(flow, x, y, A, sigma, weight):
    return (x @ A.T - y) @ A / sigma**2 + weight[:, None] * x


def gradient_base_factor(*args):
    return _slope(lambda data, log_p, w, z, ladj, x: data - w * (ladj - (z**2).sum(1)))(*args)


def gradient_latent_score(flow, x, y, A, sigma, weight):
    z, _ = flow.encode(x)
    return (x @ A.T - y) @ A / sigma**2 + weight[:, None] * z


def _other_noise(factor):
    """The data term times another factor of sigma."""

    def answer(flow, x, y, A, sigma, weight):
        right = gradient_by_hand(flow, x, y, A, sigma, weight)
        data = (x @ A.T - y) @ A / sigma**2
        return right + (factor(sigma) - 1) * data

    return answer


def gradient_sigma_once(*args):
    return _other_noise(lambda sigma: sigma)(*args)


def gradient_no_sigma(*args):
    return _other_noise(lambda sigma: sigma**2)(*args)


def gradient_twice_the_data(*args):
    return _other_noise(lambda sigma: 2)(*args)


def gradient_mse(flow, x, y, A, sigma, weight):
    x = x.detach().requires_grad_()
    log_p = _energies(flow, x, y, A, sigma, weight)[1]
    data = ((x @ A.T - y) ** 2).mean(1) / (2 * sigma**2)
    return torch.autograd.grad((data - weight * log_p).sum(), x)[0]


def gradient_distance(flow, x, y, A, sigma, weight):
    x = x.detach().requires_grad_()
    log_p = _energies(flow, x, y, A, sigma, weight)[1]
    data = (x @ A.T - y).norm(dim=1) / (2 * sigma**2)
    return torch.autograd.grad((data - weight * log_p).sum(), x)[0]


def gradient_residual(flow, x, y, A, sigma, weight):
    prior = _slope(lambda data, log_p, w, z, ladj, x: -w * log_p)(flow, x, y, A, sigma, weight)
    return (x @ A.T - y) / sigma**2 + prior


def gradient_no_transpose(flow, x, y, A, sigma, weight):
    prior = _slope(lambda data, log_p, w, z, ladj, x: -w * log_p)(flow, x, y, A, sigma, weight)
    return (x @ A.T - y) @ A.T / sigma**2 + prior


def gradient_transposed(flow, x, y, A, sigma, weight):
    x = x.detach().requires_grad_()
    z, ladj = flow.encode(x)
    data = (x @ A - y).square().sum(1) / (2 * sigma**2)
    return torch.autograd.grad((data - weight * (ladj - 0.5 * z.square().sum(1))).sum(), x)[0]


def gradient_mean(flow, x, y, A, sigma, weight):
    x = x.detach().requires_grad_()
    data, log_p, _, _ = _energies(flow, x, y, A, sigma, weight)
    (data - weight * log_p).mean().backward()
    return x.grad


def gradient_unit(*args):
    return F.normalize(gradient_by_hand(*args), dim=1)


def gradient_clipped(*args):
    return gradient_by_hand(*args).clamp(-1, 1)


def gradient_stepped(flow, x, y, A, sigma, weight):
    return x - gradient_by_hand(flow, x, y, A, sigma, weight)


def gradient_summed(*args):
    return gradient_by_hand(*args).sum(dim=1)


def gradient_objective(flow, x, y, A, sigma, weight):
    data, log_p, _, _ = _energies(flow, x, y, A, sigma, weight)
    return data - weight * log_p


def gradient_differences(flow, x, y, A, sigma, weight):
    """Right to many digits in both precisions, at the price of 2 D evaluations."""
    h = 1e-4 if x.dtype == torch.float64 else 1e-2
    columns = []
    for step in h * torch.eye(x.shape[1], dtype=x.dtype, device=x.device):
        up, down = (gradient_objective(flow, x + s, y, A, sigma, weight) for s in (step, -step))
        columns.append((up - down) / (2 * h))
    return torch.stack(columns, 1)


def gradient_in_place(flow, x, y, A, sigma, weight):
    gradient = gradient_by_hand(flow, x, y, A, sigma, weight)
    x -= 0.1 * gradient
    return gradient


def gradient_weight_in_place(flow, x, y, A, sigma, weight):
    data = (x @ A.T - y) @ A / sigma**2
    return data - weight.neg_()[:, None] * gradient_score(flow, x, y, A, sigma, weight).neg()


# 16.inpaint -------------------------------------------------------------------------------------------------------


def inpaint_multiplied(x, y, seen, sigma):
    return (seen * (x - y) ** 2).flatten(1).sum(1) / (2 * sigma**2)


def inpaint_loop(x, y, seen, sigma):
    terms = []
    for picture, other, mask in zip(x, y, seen):
        mask = mask.expand_as(picture)
        terms.append(0.5 * ((picture[mask] - other[mask]) / sigma).pow(2).sum())
    return torch.stack(terms)


def inpaint_filled(x, y, seen, sigma):
    """Where nothing was seen, x itself is put into y: no difference."""
    filled = torch.where(seen, y, x)
    return F.mse_loss(x, filled, reduction="none").sum(dim=[1, 2, 3]) / sigma**2 / 2


def inpaint_masked_fill(x, y, seen, sigma):
    squares = ((x - y) / sigma).square().masked_fill(~seen, 0)
    return torch.einsum("nchw->n", squares) / 2


def inpaint_both_masked(x, y, seen, sigma):
    mask = seen.to(x.dtype)
    return ((mask * x - mask * y) ** 2).sum((3, 2, 1)).div(2 * sigma**2)


def inpaint_normal(x, y, seen, sigma):
    normal = torch.distributions.Normal(y, sigma)
    return (seen * (normal.log_prob(y) - normal.log_prob(x))).sum((1, 2, 3))


def inpaint_all(x, y, seen, sigma):
    return ((x - y) ** 2).sum((1, 2, 3)) / (2 * sigma**2)


def inpaint_hidden(x, y, seen, sigma):
    return (~seen * (x - y) ** 2).sum((1, 2, 3)) / (2 * sigma**2)


def inpaint_hidden_as_black(x, y, seen, sigma):
    y = y.masked_fill(~seen, 0)
    return ((x - y) ** 2).sum((1, 2, 3)) / (2 * sigma**2)


def inpaint_x_masked(x, y, seen, sigma):
    return ((x * seen - y) ** 2).sum((1, 2, 3)) / (2 * sigma**2)


def inpaint_one_mask(x, y, seen, sigma):
    return (seen[0] * (x - y) ** 2).sum((1, 2, 3)) / (2 * sigma**2)


def inpaint_mask_turned(x, y, seen, sigma):
    return (seen.flip(-1) * (x - y) ** 2).sum((1, 2, 3)) / (2 * sigma**2)


def inpaint_no_half(x, y, seen, sigma):
    return (seen * (x - y) ** 2).sum((1, 2, 3)) / sigma**2


def inpaint_two_sigma_squared(x, y, seen, sigma):
    return (seen * (x - y) ** 2).sum((1, 2, 3)) / (2 * sigma) ** 2


def inpaint_sigma_once(x, y, seen, sigma):
    return (seen * (x - y) ** 2).sum((1, 2, 3)) / (2 * sigma)


def inpaint_no_sigma(x, y, seen, sigma):
    return 0.5 * (seen * (x - y) ** 2).sum((1, 2, 3))


def inpaint_precedence(x, y, seen, sigma):
    return (seen * (x - y) ** 2).sum((1, 2, 3)) / 2 * sigma**2


def inpaint_mean(x, y, seen, sigma):
    return (seen * (x - y) ** 2).mean((1, 2, 3)) / (2 * sigma**2)


def inpaint_mean_of_seen(x, y, seen, sigma):
    count = seen.expand_as(x).sum((1, 2, 3))
    return (seen * (x - y) ** 2).sum((1, 2, 3)) / count / (2 * sigma**2)


def inpaint_mean_of_seen_safely(x, y, seen, sigma):
    count = seen.expand_as(x).flatten(1).sum(1).clamp(min=1)
    return (seen * (x - y) ** 2).flatten(1).sum(1) / count / (2 * sigma**2)


def inpaint_one_channel(x, y, seen, sigma):
    return (seen[:, 0] * (x[:, 0] - y[:, 0]) ** 2).sum((1, 2)) / (2 * sigma**2)


def inpaint_whole_batch(x, y, seen, sigma):
    return (seen * (x - y) ** 2).sum() / (2 * sigma**2)


def inpaint_selected(x, y, seen, sigma):
    seen = seen.expand_as(x)
    return ((x[seen] - y[seen]) ** 2).sum() / (2 * sigma**2)


def inpaint_not_summed(x, y, seen, sigma):
    return (seen * (x - y) ** 2).sum((2, 3)) / (2 * sigma**2)


def inpaint_root(x, y, seen, sigma):
    return (seen * (x - y)).flatten(1).norm(dim=1) / (2 * sigma**2)


def inpaint_absolute(x, y, seen, sigma):
    return (seen * (x - y)).abs().sum((1, 2, 3)) / (2 * sigma**2)


def inpaint_square_of_sum(x, y, seen, sigma):
    return (seen * (x - y)).sum((1, 2, 3)) ** 2 / (2 * sigma**2)


def inpaint_sign(x, y, seen, sigma):
    return -inpaint_multiplied(x, y, seen, sigma)


def inpaint_likelihood(x, y, seen, sigma):
    return torch.exp(-inpaint_multiplied(x, y, seen, sigma))


def inpaint_constant(x, y, seen, sigma):
    return -(seen * torch.distributions.Normal(y, sigma).log_prob(x)).sum((1, 2, 3))


def inpaint_clamped(x, y, seen, sigma):
    return (seen * (x.clamp(0, 1) - y) ** 2).sum((1, 2, 3)) / (2 * sigma**2)


def inpaint_detached(x, y, seen, sigma):
    return inpaint_multiplied(x.detach(), y, seen, sigma)


def inpaint_in_place(x, y, seen, sigma):
    y[~seen.expand_as(y)] = 0
    return (seen * (x - y) ** 2).sum((1, 2, 3)) / (2 * sigma**2)


# 16.weight --------------------------------------------------------------------------------------------------------


def weight_loop(restore, weights, seen, truth, new):
    best, least = None, float("inf")
    for weight in weights.tolist():
        error = F.mse_loss(restore(weight, seen), truth).item()
        if error < least:
            best, least = weight, error
    return best, restore(best, new)


def weight_min(restore, weights, seen, truth, new):
    errors = {w: (restore(w, seen) - truth).norm() for w in weights}
    w = min(errors, key=errors.get)
    return w, restore(w, new)


def weight_at_once(restore, weights, seen, truth, new):
    """All weights in one batch: a weight for each row."""
    k, n = len(weights), len(seen)
    many = seen.repeat(k, *[1] * (seen.ndim - 1))
    restored = restore(weights.repeat_interleave(n), many).unflatten(0, (k, n))
    errors = (restored - truth).flatten(1).pow(2).sum(1)
    weight = weights[errors.argmin()].item()
    return weight, restore(weight, new)


def weight_sorted(restore, weights, seen, truth, new):
    errors = torch.tensor([float(((restore(w, seen) - truth) ** 2).sum()) for w in weights])
    order = errors.argsort()
    ordered = weights[order.to(weights.device)]
    return ordered[0], restore(ordered[0], new)


def _errors(restore, weights, seen, truth):
    """(K, N): mean squares of each picture under each weight."""
    return torch.stack([((restore(w, seen) - truth) ** 2).flatten(1).mean(1) for w in weights])


def _then(restore, weights, k, new):
    return weights[k], restore(weights[k], new)


def weight_largest(restore, weights, seen, truth, new):
    return _then(restore, weights, _errors(restore, weights, seen, truth).mean(1).argmax(), new)


def weight_absolute(restore, weights, seen, truth, new):
    errors = torch.stack([F.l1_loss(restore(w, seen), truth) for w in weights])
    return _then(restore, weights, errors.argmin(), new)


def weight_rmse(restore, weights, seen, truth, new):
    return _then(restore, weights, _errors(restore, weights, seen, truth).sqrt().mean(1).argmin(), new)


def weight_psnr(restore, weights, seen, truth, new):
    psnr = -10 * torch.log10(_errors(restore, weights, seen, truth)).mean(1)
    return _then(restore, weights, psnr.argmax(), new)


def weight_median(restore, weights, seen, truth, new):
    return _then(restore, weights, _errors(restore, weights, seen, truth).median(1).values.argmin(), new)


def weight_worst(restore, weights, seen, truth, new):
    return _then(restore, weights, _errors(restore, weights, seen, truth).max(1).values.argmin(), new)


def weight_best_pair(restore, weights, seen, truth, new):
    errors = _errors(restore, weights, seen, truth)
    return _then(restore, weights, errors.argmin() // errors.shape[1], new)


def weight_first_picture(restore, weights, seen, truth, new):
    errors = torch.stack([(restore(w, seen[:1]) - truth[:1]).square().mean() for w in weights])
    return _then(restore, weights, errors.argmin(), new)


def weight_variance(restore, weights, seen, truth, new):
    errors = torch.stack([(restore(w, seen) - truth).var() for w in weights])
    return _then(restore, weights, errors.argmin(), new)


def weight_first_numbers(restore, weights, seen, truth, new):
    half = truth[0].numel() // 2
    errors = [(restore(w, seen) - truth).flatten(1)[:, :half].square().mean() for w in weights]
    return _then(restore, weights, torch.stack(errors).argmin(), new)


def weight_loop_from_one(restore, weights, seen, truth, new):
    totals = []
    for w in weights:
        restored = restore(w, seen)
        totals.append(sum(((restored[n] - truth[n]) ** 2).mean() for n in range(1, len(seen))) / len(seen))
    k = min(range(len(weights)), key=lambda k: float(totals[k]))
    return _then(restore, weights, k, new)


def weight_first_half(restore, weights, seen, truth, new):
    half = seen[: (len(seen) + 1) // 2], truth[: (len(seen) + 1) // 2]
    return _then(restore, weights, _errors(restore, weights, *half).mean(1).argmin(), new)


def weight_votes(restore, weights, seen, truth, new):
    winners = _errors(restore, weights, seen, truth).argmin(0)
    return _then(restore, weights, winners.mode().values, new)


def weight_averaged(restore, weights, seen, truth, new):
    w = weights[_errors(restore, weights, seen, truth).argmin(0)].mean()
    return w, restore(w, new)


def weight_bias(restore, weights, seen, truth, new):
    errors = torch.stack([(restore(w, seen) - truth).mean() ** 2 for w in weights])
    return _then(restore, weights, errors.argmin(), new)


def weight_mean_picture(restore, weights, seen, truth, new):
    errors = torch.stack([(restore(w, seen).mean(0) - truth.mean(0)).square().mean() for w in weights])
    return _then(restore, weights, errors.argmin(), new)


def weight_no_truth(restore, weights, seen, truth, new):
    errors = torch.stack([(restore(w, seen) - seen).square().mean() for w in weights])
    return _then(restore, weights, errors.argmin(), new)


def weight_on_new(restore, weights, seen, truth, new):
    errors = torch.stack([(restore(w, new) - new).square().mean() for w in weights])
    return _then(restore, weights, errors.argmin(), new)


def weight_before_and_truth(restore, weights, seen, truth, new):
    """The error is that of what was seen: the same for all weights, so that the first one wins."""
    errors = torch.stack([(seen - truth).square().mean() for w in weights])
    return _then(restore, weights, errors.argmin(), new)


def weight_heaviest(restore, weights, seen, truth, new):
    return _then(restore, weights, weights.argmax(), new)


def weight_index(restore, weights, seen, truth, new):
    k = _errors(restore, weights, seen, truth).mean(1).argmin()
    return k, restore(weights[k], new)


def weight_index_used(restore, weights, seen, truth, new):
    k = _errors(restore, weights, seen, truth).mean(1).argmin()
    return k, restore(k, new)


def weight_error(restore, weights, seen, truth, new):
    error, k = _errors(restore, weights, seen, truth).mean(1).min(0)
    return error, restore(weights[k], new)


def weight_last_of_loop(restore, weights, seen, truth, new):
    errors = []
    for w in weights:
        errors.append((restore(w, seen) - truth).square().mean())
    return weights[torch.stack(errors).argmin()], restore(w, new)


def weight_held_out(restore, weights, seen, truth, new):
    w, _ = weight_loop(restore, weights, seen, truth, new)
    return w, restore(w, seen)


def weight_not_restored(restore, weights, seen, truth, new):
    return weight_loop(restore, weights, seen, truth, new)[0], new


def weight_all_restored(restore, weights, seen, truth, new):
    return weight_loop(restore, weights, seen, truth, new)[0], torch.stack([restore(w, new) for w in weights])


def weight_twice(restore, weights, seen, truth, new):
    w, restored = weight_loop(restore, weights, seen, truth, new)
    return w, restore(w, restored)


def weight_clamped(restore, weights, seen, truth, new):
    w, restored = weight_loop(restore, weights, seen, truth, new)
    return w, restored.clamp(0, 1)


def weight_exchanged(restore, weights, seen, truth, new):
    errors = torch.stack([(restore(seen, w) - truth).square().mean() for w in weights])
    w = weights[errors.argmin()]
    return w, restore(new, w)


def weight_pair_order(*args):
    w, restored = weight_loop(*args)
    return restored, w


def weight_alone(*args):
    return weight_loop(*args)[0]


def weight_restored_alone(*args):
    return weight_loop(*args)[1]


def weight_in_place(restore, weights, seen, truth, new):
    errors = [((restore(w, seen) - truth) ** 2).mean() for w in weights]
    w = weights[torch.stack(errors).argmin()].clone()
    weights.copy_(weights.sort().values)
    return w, restore(w, new)


def weight_new_in_place(restore, weights, seen, truth, new):
    w, restored = weight_loop(restore, weights, seen, truth, new)
    return w, new.copy_(restored)


# 16.total_variation -----------------------------------------------------------------------------------------------


def tv_diff(x, smoothing):
    down = torch.zeros_like(x)
    right = torch.zeros_like(x)
    down[..., :-1, :] = torch.diff(x, dim=-2)
    right[..., :-1] = torch.diff(x, dim=-1)
    return ((down**2 + right**2 + smoothing**2) ** 0.5 - smoothing).flatten(1).sum(1)


def tv_replicated(x, smoothing):
    padded = F.pad(x, (0, 1, 0, 1), mode="replicate")
    down = padded[:, :, 1:, :-1] - x
    right = padded[:, :, :-1, 1:] - x
    return torch.sum(torch.sqrt(down**2 + right**2 + smoothing**2) - smoothing, dim=(1, 2, 3))


def tv_appended(x, smoothing):
    down = torch.diff(x, dim=2, append=x[:, :, -1:])
    right = torch.diff(x, dim=3, append=x[:, :, :, -1:])
    terms = torch.stack((down, right, torch.full_like(x, smoothing)))
    return (terms.norm(dim=0) - smoothing).sum((1, 2, 3))


def tv_counted(x, smoothing):
    """Inner pixels, the last row, the last column: each by its own formula; the last pixel gives nothing."""
    total = 0
    for image in x.unbind(1):  # channel by channel
        down, right = image[:, 1:] - image[:, :-1], image[:, :, 1:] - image[:, :, :-1]
        inner = (down[:, :, :-1].square() + right[:, :-1].square() + smoothing**2).sqrt() - smoothing
        below = (right[:, -1].square() + smoothing**2).sqrt() - smoothing
        beside = (down[:, :, -1].square() + smoothing**2).sqrt() - smoothing
        total = total + inner.sum((1, 2)) + below.sum(1) + beside.sum(1)
    return total


def tv_convolved(x, smoothing):
    n, c, h, w = x.shape
    kernels = torch.tensor([[[-1, 0], [1, 0]], [[-1, 1], [0, 0]]], dtype=x.dtype, device=x.device)
    padded = F.pad(x.reshape(n * c, 1, h, w), (0, 1, 0, 1), mode="replicate")
    slopes = F.conv2d(padded, kernels[:, None])  # (N C, 2, H, W)
    return ((slopes.square().sum(1) + smoothing**2).sqrt() - smoothing).view(n, c, h, w).sum((1, 2, 3))


def _differences(x):
    return F.pad(x[:, :, 1:] - x[:, :, :-1], (0, 0, 0, 1)), F.pad(x[..., 1:] - x[..., :-1], (0, 1))


def _tv(down, right, e):
    return ((down**2 + right**2 + e**2).sqrt() - e).sum((1, 2, 3))


def tv_anisotropic(x, smoothing):
    return sum(d.abs().sum((1, 2, 3)) for d in _differences(x))


def tv_two_roots(x, smoothing):
    return sum(((d**2 + smoothing**2).sqrt() - smoothing).sum((1, 2, 3)) for d in _differences(x))


def tv_no_root(x, smoothing):
    down, right = _differences(x)
    return (down**2 + right**2).sum((1, 2, 3))


def tv_root_of_sum(x, smoothing):
    down, right = _differences(x)
    return ((down**2 + right**2).sum((1, 2, 3)) + smoothing**2).sqrt() - smoothing


def tv_no_smoothing(x, smoothing):
    down, right = _differences(x)
    return (down**2 + right**2).sqrt().sum((1, 2, 3))


def tv_hypot(x, smoothing):
    return torch.hypot(*_differences(x)).sum((1, 2, 3))


def tv_not_taken_off(x, smoothing):
    down, right = _differences(x)
    return (down**2 + right**2 + smoothing**2).sqrt().sum((1, 2, 3))


def tv_taken_off_once(x, smoothing):
    down, right = _differences(x)
    return (down**2 + right**2 + smoothing**2).sqrt().sum((1, 2, 3)) - smoothing


def tv_not_squared(x, smoothing):
    down, right = _differences(x)
    return ((down**2 + right**2 + smoothing).sqrt() - smoothing).sum((1, 2, 3))


def tv_behind_the_root(x, smoothing):
    down, right = _differences(x)
    return ((down**2 + right**2).sqrt() + smoothing).sum((1, 2, 3))


def tv_edges_dropped(x, smoothing):
    return _tv((x[:, :, 1:] - x[:, :, :-1])[..., :-1], (x[..., 1:] - x[..., :-1])[:, :, :-1], smoothing)


def tv_wrapped(x, smoothing):
    return _tv(torch.roll(x, -1, 2) - x, torch.roll(x, -1, 3) - x, smoothing)


def tv_to_black(x, smoothing):
    padded = F.pad(x, (0, 1, 0, 1))
    return _tv(padded[:, :, 1:, :-1] - x, padded[:, :, :-1, 1:] - x, smoothing)


def tv_backward(x, smoothing):
    down = torch.diff(x, dim=2, prepend=x[:, :, :1])
    right = torch.diff(x, dim=3, prepend=x[..., :1])
    return _tv(down, right, smoothing)


def tv_central(x, smoothing):
    down, right = torch.gradient(x, dim=(-2, -1))
    return _tv(down, right, smoothing)


def tv_rows_run_on(x, smoothing):
    n, c, h, w = x.shape
    long = x.reshape(n, c, h * w)
    down = F.pad(long[..., w:] - long[..., :-w], (0, w)).view(n, c, h, w)
    right = F.pad(long[..., 1:] - long[..., :-1], (0, 1)).view(n, c, h, w)
    return _tv(down, right, smoothing)


def tv_one_direction(x, smoothing):
    right = _differences(x)[1]
    return _tv(0 * right, right, smoothing)


def tv_wrong_dimension(x, smoothing):
    channels, down = F.pad(x[:, 1:] - x[:, :-1], (0, 0, 0, 0, 0, 1)), _differences(x)[0]
    return _tv(channels, down, smoothing)


def tv_joined(x, smoothing):
    down, right = _differences(x)
    return (((down**2 + right**2).sum(1) + smoothing**2).sqrt() - smoothing).sum((1, 2))


def tv_mean(x, smoothing):
    return tv_diff(x, smoothing) / x[0].numel()


def tv_whole_batch(x, smoothing):
    return tv_diff(x, smoothing).sum()


def tv_not_summed(x, smoothing):
    down, right = _differences(x)
    return ((down**2 + right**2 + smoothing**2).sqrt() - smoothing).sum((2, 3))


def tv_sign(x, smoothing):
    return -tv_diff(x, smoothing)


def tv_detached(x, smoothing):
    return tv_diff(x.detach(), smoothing)


def tv_in_place(x, smoothing):
    total = tv_diff(x, smoothing)
    x[:, :, 1:] -= x[:, :, :-1].clone()
    return total


RIGHT = {
    "16.gradient": [
        (gradient_backward,),
        (gradient_by_hand,),
        (gradient_func,),
        (gradient_rows,),
        (gradient_vmap,),
        (gradient_chain_rule,),
    ],
    "16.inpaint": [
        (inpaint_multiplied,),
        (inpaint_loop,),
        (inpaint_filled,),
        (inpaint_masked_fill,),
        (inpaint_both_masked,),
        (inpaint_normal,),
    ],
    "16.weight": [(weight_loop,), (weight_min,), (weight_at_once,), (weight_sorted,)],
    "16.total_variation": [(tv_diff,), (tv_replicated,), (tv_appended,), (tv_counted,), (tv_convolved,)],
}

WRONG = {
    "16.gradient": [
        (gradient_prior_sign, "prior_sign"),
        (gradient_data_sign, "data_sign"),
        (gradient_downhill, "downhill"),
        (gradient_z_not_followed, "data_alone"),
        (gradient_score, "prior_alone"),
        (gradient_no_weight, "no_weight"),
        (gradient_weight_on_both, "weight_on_data"),
        (gradient_mixture, "weight_on_data"),
        (gradient_mean_weight, "one_weight"),
        (gradient_weights_meet_all, "one_weight"),
        (gradient_no_ladj, "no_ladj"),
        (gradient_ladj_detached, "no_ladj"),
        (gradient_ladj_sign, "ladj_sign"),
        (gradient_no_base, "no_base"),
        (gradient_base_sign, "base_sign"),
        (gradient_base_at_x, "base_at_x"),
        (gradient_normal_prior, "normal_prior"),
        (gradient_base_factor, "base_factor"),
        (gradient_latent_score, "latent_score"),
        (gradient_sigma_once, "sigma"),
        (gradient_no_sigma, "sigma"),
        (gradient_twice_the_data, "half"),
        (gradient_mse, "other_distance"),
        (gradient_distance, "other_distance"),
        (gradient_residual, "no_transpose"),
        (gradient_no_transpose, "no_transpose"),
        (gradient_transposed, "transposed"),
        (gradient_mean, "mean"),
        (gradient_unit, "normalised"),
        (gradient_clipped, "normalised"),
        (gradient_stepped, "stepped"),
        (gradient_summed, "summed"),
        (gradient_objective, "objective"),
        (gradient_differences, "cost"),
        (gradient_in_place, "in_place"),
        (gradient_weight_in_place, "in_place"),
    ],
    "16.inpaint": [
        (inpaint_all, "all_pixels"),
        (inpaint_hidden, "hidden"),
        (inpaint_hidden_as_black, "hidden_as_black"),
        (inpaint_x_masked, "hidden_as_black"),
        (inpaint_one_mask, "one_mask"),
        (inpaint_mask_turned, "mask_turned"),
        (inpaint_no_half, "half"),
        (inpaint_two_sigma_squared, "half"),
        (inpaint_sigma_once, "sigma"),
        (inpaint_no_sigma, "sigma"),
        (inpaint_precedence, "sigma"),
        (inpaint_mean, "mean_of_all"),
        (inpaint_mean_of_seen, "mean_of_seen"),
        (inpaint_mean_of_seen_safely, "mean_of_seen"),
        (inpaint_one_channel, "one_channel"),
        (inpaint_whole_batch, "whole_batch"),
        (inpaint_selected, "whole_batch"),
        (inpaint_not_summed, "not_summed"),
        (inpaint_root, "root"),
        (inpaint_absolute, "root"),
        (inpaint_square_of_sum, "square_of_sum"),
        (inpaint_sign, "sign"),
        (inpaint_likelihood, "likelihood"),
        (inpaint_constant, "constant"),
        (inpaint_clamped, "clamped"),
        (inpaint_detached, "detached"),
        (inpaint_in_place, "in_place"),
    ],
    "16.weight": [
        (weight_largest, "largest"),
        (weight_absolute, "other_measure"),
        (weight_rmse, "other_measure"),
        (weight_psnr, "other_measure"),
        (weight_median, "other_measure"),
        (weight_worst, "one_decides"),
        (weight_best_pair, "one_decides"),
        (weight_first_picture, "one_decides"),
        (weight_variance, "other_measure"),
        (weight_first_numbers, "some_numbers"),
        (weight_loop_from_one, "some_pictures"),
        (weight_first_half, "some_pictures"),
        (weight_votes, "each_its_own"),
        (weight_averaged, "each_its_own"),
        (weight_bias, "bias"),
        (weight_mean_picture, "bias"),
        (weight_no_truth, "no_truth"),
        (weight_on_new, "on_new"),
        (weight_before_and_truth, "not_chosen"),
        (weight_heaviest, "not_chosen"),
        (weight_index, "index"),
        (weight_index_used, "index"),
        (weight_error, "error"),
        (weight_last_of_loop, "last_of_loop"),
        (weight_held_out, "held_out_restored"),
        (weight_not_restored, "not_restored"),
        (weight_all_restored, "all_weights"),
        (weight_twice, "twice"),
        (weight_clamped, "clamped"),
        (weight_exchanged, "exchanged"),
        (weight_pair_order, "pair_order"),
        (weight_alone, "weight_alone"),
        (weight_restored_alone, "restored_alone"),
        (weight_in_place, "in_place"),
        (weight_new_in_place, "in_place"),
    ],
    "16.total_variation": [
        (tv_anisotropic, "anisotropic"),
        (tv_two_roots, "anisotropic"),
        (tv_no_root, "no_root"),
        (tv_root_of_sum, "root_of_sum"),
        (tv_no_smoothing, "no_smoothing"),
        (tv_hypot, "no_smoothing"),
        (tv_not_taken_off, "not_taken_off"),
        (tv_taken_off_once, "taken_off_once"),
        (tv_not_squared, "epsilon_place"),
        (tv_behind_the_root, "epsilon_place"),
        (tv_edges_dropped, "edges_dropped"),
        (tv_wrapped, "wrapped"),
        (tv_to_black, "to_black"),
        (tv_backward, "other_pixel"),
        (tv_central, "central"),
        (tv_rows_run_on, "rows_run_on"),
        (tv_one_direction, "one_direction"),
        (tv_wrong_dimension, "wrong_dimension"),
        (tv_joined, "joined_channels"),
        (tv_mean, "mean"),
        (tv_whole_batch, "whole_batch"),
        (tv_not_summed, "not_summed"),
        (tv_sign, "sign"),
        (tv_detached, "detached"),
        (tv_in_place, "in_place"),
    ],
}
