"""Answers to chapter 17's exercises, as learners write them: right ones, and wrong ones with the mistake they make."""

import math

import torch

# 17.bridge --------------------------------------------------------------------------------------------------------


def bridge_loop(x, A, B, radius):
    missed = 0
    for row in x:
        near_a = min(math.dist(row.tolist(), point.tolist()) for point in A) <= radius
        near_b = min(math.dist(row.tolist(), point.tolist()) for point in B) <= radius
        missed += not (near_a or near_b)
    return missed / len(x)


def bridge_broadcast(x, A, B, radius):
    to_a = (x[:, None] - A[None]).square().sum(2).amin(1)
    to_b = (x[:, None] - B[None]).square().sum(2).amin(1)
    return ((to_a > radius**2) & (to_b > radius**2)).float().mean()


def bridge_any(x, A, B, radius):
    near = (torch.cdist(x, A) <= radius).any(1) | (torch.cdist(x, B) <= radius).any(1)
    return 1 - near.to(x.dtype).mean()


def bridge_least(x, A, B, radius):
    least = torch.minimum(torch.cdist(x, A).min(dim=1)[0], torch.cdist(x, B).min(dim=1)[0])
    return torch.count_nonzero(least > radius) / x.shape[0]


def _least(x, A):
    return (x[:, None] - A).norm(dim=2).min(1).values


def bridge_or(x, A, B, radius):
    return ((_least(x, A) > radius) | (_least(x, B) > radius)).double().mean()


def bridge_a_alone(x, A, B, radius):
    return (_least(x, A) > radius).double().mean()


def bridge_b_alone(x, A, B, radius):
    return (_least(x, B) > radius).double().mean()


def bridge_inside(x, A, B, radius):
    return ((_least(x, A) <= radius) | (_least(x, B) <= radius)).double().mean()


def bridge_count(x, A, B, radius):
    return ((_least(x, A) > radius) & (_least(x, B) > radius)).double().sum()


def bridge_per_cent(x, A, B, radius):
    return 100 * bridge_broadcast(x, A, B, radius)


def bridge_centres(x, A, B, radius):
    a, b = (x - A.mean(0)).norm(dim=1), (x - B.mean(0)).norm(dim=1)
    return ((a > radius) & (b > radius)).double().mean()


def bridge_farthest(x, A, B, radius):
    a, b = torch.cdist(x, A).max(1).values, torch.cdist(x, B).max(1).values
    return ((a > radius) & (b > radius)).double().mean()


def bridge_mean_distance(x, A, B, radius):
    a, b = torch.cdist(x, A).mean(1), torch.cdist(x, B).mean(1)
    return ((a > radius) & (b > radius)).double().mean()


def bridge_first_point(x, A, B, radius):
    a, b = (x - A[0]).norm(dim=1), (x - B[0]).norm(dim=1)
    return ((a > radius) & (b > radius)).double().mean()


def bridge_squared(x, A, B, radius):
    a, b = ((x[:, None] - P).square().sum(2).min(1).values for P in (A, B))
    return ((a > radius) & (b > radius)).double().mean()


def bridge_manhattan(x, A, B, radius):
    a, b = ((x[:, None] - P).abs().sum(2).min(1).values for P in (A, B))
    return ((a > radius) & (b > radius)).double().mean()


def bridge_largest_coordinate(x, A, B, radius):
    a, b = ((x[:, None] - P).abs().amax(2).min(1).values for P in (A, B))
    return ((a > radius) & (b > radius)).double().mean()


def bridge_points_counted(x, A, B, radius):
    return (torch.cdist(torch.cat((A, B)), x).min(1).values > radius).double().mean()


def bridge_all_pairs(x, A, B, radius):
    return (torch.cdist(x, torch.cat((A, B))) > radius).double().mean()


def bridge_not_counted(x, A, B, radius):
    return (_least(x, A) > radius) & (_least(x, B) > radius)


def bridge_in_place(x, A, B, radius):
    share = bridge_broadcast(x, A, B, radius)
    x -= A[0]
    return share


# 17.stretch -------------------------------------------------------------------------------------------------------


def _by_row(decode, z):
    def one(row):
        return decode(row[None])[0][0]

    return torch.stack([torch.autograd.functional.jacobian(one, row) for row in z])


def stretch_rows(decode, z):
    largest, smallest = [], []
    for J in _by_row(decode, z):
        s = torch.linalg.svd(J)[1]
        largest.append(s.max())
        smallest.append(s.min())
    return max(largest), 1 / min(smallest)


def stretch_vmap(decode, z):
    J = torch.func.vmap(torch.func.jacrev(lambda row: decode(row[None])[0][0]))(z)
    s = torch.linalg.svdvals(J)
    return s.max(), s.min().reciprocal()


def stretch_whole(decode, z):
    """The Jacobian of the whole batch, (N, D, N, D), of which the blocks are taken."""
    full = torch.autograd.functional.jacobian(lambda v: decode(v)[0], z)
    n = torch.arange(len(z))
    J = full[n, :, n, :]
    return torch.linalg.matrix_norm(J, ord=2).max(), torch.linalg.matrix_norm(torch.linalg.inv(J), ord=2).max()


def stretch_summed_outputs(decode, z):
    """Rows do not mix: the Jacobian of the sum over the batch holds each row's own."""
    J = torch.autograd.functional.jacobian(lambda v: decode(v)[0].sum(0), z).transpose(0, 1)
    s = torch.linalg.eigvalsh(J @ J.mT).sqrt()
    return s[:, -1].max(), (1 / s[:, 0]).max()


def stretch_forward(decode, z):
    J = torch.func.jacfwd(lambda v: decode(v)[0].sum(0))(z).permute(1, 0, 2)
    s = torch.linalg.svdvals(J)
    return s.amax().item(), 1 / s.amin().item()


def _values(decode, z):
    return torch.linalg.svdvals(_by_row(decode, z))


def stretch_exchanged(decode, z):
    s = _values(decode, z)
    return (1 / s).max(), s.max()


def stretch_not_reciprocal(decode, z):
    s = _values(decode, z)
    return s.max(), s.min()


def stretch_of_largest(decode, z):
    s = _values(decode, z)
    return s[:, 0].max(), (1 / s[:, 0]).max()


def stretch_mean(decode, z):
    s = _values(decode, z)
    return s[:, 0].mean(), (1 / s[:, -1]).mean()


def stretch_mean_jacobian(decode, z):
    s = torch.linalg.svdvals(_by_row(decode, z).mean(0))
    return s[0], 1 / s[-1]


def stretch_best(decode, z):
    s = _values(decode, z)
    return s[:, 0].max(), (1 / s[:, -1]).min()


def stretch_same_latent(decode, z):
    s = _values(decode, z)
    k = s[:, 0].argmax()
    return s[k, 0], 1 / s[k, -1]


def stretch_first(decode, z):
    s = _values(decode, z[:1])[0]
    return s[0], 1 / s[-1]


def stretch_each(decode, z):
    s = _values(decode, z)
    return s[:, 0], 1 / s[:, -1]


def stretch_squared(decode, z):
    J = _by_row(decode, z)
    s = torch.linalg.eigvalsh(J.mT @ J)
    return s.max(), 1 / s.min()


def stretch_eigenvalues(decode, z):
    s = torch.linalg.eigvals(_by_row(decode, z)).abs()
    return s.max(), 1 / s.min()


def stretch_diagonal(decode, z):
    s = torch.stack([J.diagonal() for J in _by_row(decode, z)]).abs()
    return s.max(), 1 / s.min()


def stretch_frobenius(decode, z):
    J = _by_row(decode, z)
    return torch.linalg.matrix_norm(J).max(), torch.linalg.matrix_norm(torch.linalg.inv(J)).max()


def stretch_volume(decode, z):
    _, ladj = decode(z)
    return ladj.exp().max(), (-ladj).exp().max()


def stretch_per_dimension(decode, z):
    _, ladj = decode(z)
    mean = (ladj / z.shape[1]).exp()
    return mean.max(), (1 / mean).max()


def stretch_condition(decode, z):
    s = _values(decode, z)
    condition = (s[:, 0] / s[:, -1]).max()
    return condition, condition


def stretch_summed(decode, z):
    s = torch.linalg.svdvals(_by_row(decode, z).sum(0))
    return s[0], 1 / s[-1]


def stretch_secants(decode, z):
    if len(z) < 2:
        return stretch_vmap(decode, z)
    ratio = torch.pdist(decode(z)[0]) / torch.pdist(z)
    return ratio.max(), 1 / ratio.min()


def stretch_logs(decode, z):
    s = _values(decode, z).log()
    return s.max(), -s.min()


def stretch_differences(decode, z):
    h = 1e-6
    steps = h * torch.eye(z.shape[1]).to(z)
    J = torch.stack([(decode(z + step)[0] - decode(z - step)[0]) / (2 * h) for step in steps], 2)
    s = torch.linalg.svdvals(J)
    return s.max(), 1 / s.min()


def stretch_in_place(decode, z):
    found = stretch_vmap(decode, z)
    z.mul_(2)
    return found


# 17.mixture -------------------------------------------------------------------------------------------------------


def mixture_distributions(flow, x, logits, means, scales):
    z, ladj = flow.encode(x)
    parts = torch.distributions.Independent(torch.distributions.Normal(means, scales), 1)
    base = torch.distributions.MixtureSameFamily(torch.distributions.Categorical(logits=logits), parts)
    return base.log_prob(z) + ladj


def mixture_loop(flow, x, logits, means, scales):
    z, ladj = flow.encode(x)
    log_w = logits - torch.logsumexp(logits, 0)
    terms = []
    for k in range(len(logits)):
        log_n = torch.distributions.Normal(means[k], scales[k]).log_prob(z).sum(1)
        terms.append(log_w[k] + log_n + ladj)
    return torch.stack(terms).logsumexp(0)


def mixture_shifted(flow, x, logits, means, scales):
    """logsumexp by hand: the largest term is taken out."""
    z, ladj = flow.encode(x)
    squares = ((z.unsqueeze(1) - means) ** 2 / scales**2).sum(-1)
    volume = z.shape[1] * math.log(2 * math.pi) + 2 * scales.log().sum(1)
    terms = logits.log_softmax(0) - (squares + volume) / 2
    top = terms.max(1, keepdim=True).values.detach()
    return top.squeeze(1) + (terms - top).exp().sum(1).log() + ladj


def mixture_two_sums(flow, x, logits, means, scales):
    z, ladj = flow.encode(x)
    n = torch.distributions.Normal(means, scales).log_prob(z[:, None]).sum(2)
    return torch.logsumexp(logits + n, 1) - torch.logsumexp(logits, 0) + ladj


def _parts(flow, x, logits, means, scales):
    z, ladj = flow.encode(x)
    return torch.log_softmax(logits, 0), torch.distributions.Normal(means, scales).log_prob(z[:, None]).sum(2), ladj


def mixture_mean_of_logs(*args):
    w, n, ladj = _parts(*args)
    return (w.exp() * n).sum(1) + ladj


def mixture_product(*args):
    w, n, ladj = _parts(*args)
    return (w + n).sum(1) + ladj


def mixture_largest(*args):
    w, n, ladj = _parts(*args)
    return (w + n).max(1).values + ladj


def mixture_no_weights(*args):
    _, n, ladj = _parts(*args)
    return torch.logsumexp(n, 1) + ladj


def mixture_equal_weights(*args):
    _, n, ladj = _parts(*args)
    return torch.logsumexp(n, 1) - math.log(n.shape[1]) + ladj


def mixture_logits(flow, x, logits, means, scales):
    _, n, ladj = _parts(flow, x, logits, means, scales)
    return torch.logsumexp(n + logits, 1) + ladj


def mixture_weights_added(*args):
    w, n, ladj = _parts(*args)
    return torch.logsumexp(n + w.exp(), 1) + ladj


def mixture_weights_sign(*args):
    w, n, ladj = _parts(*args)
    return torch.logsumexp(n - w, 1) + ladj


def mixture_no_ladj(*args):
    w, n, _ = _parts(*args)
    return torch.logsumexp(n + w, 1)


def mixture_ladj_sign(*args):
    w, n, ladj = _parts(*args)
    return torch.logsumexp(n + w, 1) - ladj


def mixture_ladj_often(*args):
    w, n, ladj = _parts(*args)
    return torch.logsumexp(n + w, 1) + n.shape[1] * ladj


def mixture_at_x(flow, x, logits, means, scales):
    n = torch.distributions.Normal(means, scales).log_prob(x[:, None]).sum(2)
    return torch.logsumexp(n + torch.log_softmax(logits, 0), 1) + flow.encode(x)[1]


_HALF = 0.5 * math.log(2 * math.pi)


def _with(exponent, volume, constant=_HALF):
    def answer(flow, x, logits, means, scales):
        z, ladj = flow.encode(x)
        n = (-exponent(z[:, None] - means, scales) - volume(scales) - constant).sum(2)
        return torch.logsumexp(n + torch.log_softmax(logits, 0), 1) + ladj

    return answer


def _named(name, function):
    function.__name__ = name
    return function


def _u(d, s):
    return 0.5 * (d / s).square()


mixture_no_log_scale = _named("mixture_no_log_scale", _with(_u, torch.zeros_like))
mixture_log_scale_sign = _named("mixture_log_scale_sign", _with(_u, lambda s: -s.log()))
mixture_variances = _named("mixture_variances", _with(lambda d, s: 0.5 * d.square() / s, lambda s: 0.5 * s.log()))
mixture_log_scales = _named("mixture_log_scales", _with(lambda d, s: _u(d, s.exp()), lambda s: s))
mixture_no_half = _named("mixture_no_half", _with(lambda d, s: 2 * _u(d, s), torch.log))
mixture_no_constant = _named("mixture_no_constant", _with(_u, torch.log, 0.0))


def mixture_each_feature(flow, x, logits, means, scales):
    z, ladj = flow.encode(x)
    n = torch.distributions.Normal(means, scales).log_prob(z[:, None])
    return torch.logsumexp(n + torch.log_softmax(logits, 0)[:, None], 1).sum(1) + ladj


def mixture_mean_of_features(flow, x, logits, means, scales):
    z, ladj = flow.encode(x)
    n = torch.distributions.Normal(means, scales).log_prob(z[:, None]).mean(2)
    return torch.logsumexp(n + torch.log_softmax(logits, 0), 1) + ladj


def mixture_density(*args):
    return mixture_distributions(*args).exp()


def mixture_loss(*args):
    return -mixture_distributions(*args)


def mixture_underflow(*args):
    w, n, ladj = _parts(*args)
    return (w.exp() * n.exp()).sum(1).log() + ladj


def mixture_underflow_floor(*args):
    w, n, ladj = _parts(*args)
    return ((w + n).exp().sum(1) + 1e-12).log() + ladj


def mixture_sum(*args):
    return mixture_distributions(*args).sum()


def mixture_mean(*args):
    return mixture_distributions(*args).mean()


def mixture_not_summed(*args):
    w, n, ladj = _parts(*args)
    return w + n + ladj[:, None]


def mixture_detached(flow, x, logits, means, scales):
    return mixture_distributions(flow, x, logits, means.detach(), scales)


def mixture_weights_detached(flow, x, logits, means, scales):
    return mixture_distributions(flow, x, torch.tensor(logits.tolist()).to(x), means, scales)


def mixture_in_place(flow, x, logits, means, scales):
    value = mixture_distributions(flow, x, logits, means, scales)
    with torch.no_grad():
        logits -= logits.logsumexp(0)
    return value


# 17.typical -------------------------------------------------------------------------------------------------------


def _count(a, b):
    won = sum((x > b).sum().item() + 0.5 * (x == b).sum().item() for x in a)
    return won / (len(a) * len(b))


def typical_loop(inside, outside, reference):
    mu = reference.mean()
    return _count(inside, outside), _count(-(inside - mu).abs(), -(outside - mu).abs())


def typical_squares(inside, outside, reference):
    """Distances squared have the same order."""
    mu = reference.sum() / len(reference)
    a, b = (inside - mu) ** 2, (outside - mu) ** 2
    first = (inside.unsqueeze(1) > outside).float().mean() + (inside.unsqueeze(1) == outside).float().mean() / 2
    return first, (a.unsqueeze(1) < b).float().mean() + (a.unsqueeze(1) == b).float().mean() / 2


def _ranked(a, b):
    """Mann and Whitney: the ranks of a, with ties at their mean rank."""
    both = torch.cat((a, b))
    rank = (both[:, None] > both).double().sum(1) + 0.5 * ((both[:, None] == both).double().sum(1) + 1)
    n = len(a)
    return (rank[:n].sum() - n * (n + 1) / 2) / (n * len(b))


def typical_ranks(inside, outside, reference):
    mu = torch.mean(reference)
    return _ranked(inside, outside), _ranked(-torch.abs(inside - mu), -torch.abs(outside - mu))


def _searched(a, b):
    b = b.sort().values
    below, upto = torch.searchsorted(b, a), torch.searchsorted(b, a, right=True)
    return ((below + upto).double() / 2).mean() / len(b)


def typical_searched(inside, outside, reference):
    mu = reference.mean()
    return _searched(inside, outside), _searched(-(inside - mu).abs(), -(outside - mu).abs())


def _both(auroc):
    def answer(inside, outside, reference):
        mu = reference.mean()
        return auroc(inside, outside), auroc(-(inside - mu).abs(), -(outside - mu).abs())

    return answer


typical_one_minus = _named("typical_one_minus", _both(lambda a, b: 1 - _count(a, b)))
typical_turned = _named("typical_turned", _both(lambda a, b: max(_count(a, b), _count(b, a))))
typical_ties_lost = _named("typical_ties_lost", _both(lambda a, b: (a[:, None] > b).double().mean()))
typical_ties_won = _named("typical_ties_won", _both(lambda a, b: (a[:, None] >= b).double().mean()))
typical_counted = _named("typical_counted", _both(lambda a, b: _count(a, b) * len(a) * len(b)))
typical_doubled = _named("typical_doubled", _both(lambda a, b: 2 * _count(a, b) - 1))
typical_means = _named("typical_means", _both(lambda a, b: a.mean() - b.mean()))


def typical_first_one_minus(inside, outside, reference):
    first, second = typical_ranks(inside, outside, reference)
    return 1 - first, second


def typical_no_sign(inside, outside, reference):
    mu = reference.mean()
    return _count(inside, outside), _count((inside - mu).abs(), (outside - mu).abs())


def typical_no_distance(inside, outside, reference):
    mu = reference.mean()
    return _count(inside, outside), _count(-(inside - mu), -(outside - mu))


def typical_of_inside(inside, outside, reference):
    mu = inside.mean()
    return _count(inside, outside), _count(-(inside - mu).abs(), -(outside - mu).abs())


def typical_each_its_own(inside, outside, reference):
    return _count(inside, outside), _count(-(inside - inside.mean()).abs(), -(outside - outside.mean()).abs())


def typical_median(inside, outside, reference):
    mu = reference.median()
    return _count(inside, outside), _count(-(inside - mu).abs(), -(outside - mu).abs())


def typical_pair_order(*args):
    first, second = typical_ranks(*args)
    return second, first


def _row_by_row(a, b):
    n = min(len(a), len(b))
    return ((a[:n] > b[:n]).double() + 0.5 * (a[:n] == b[:n]).double()).mean()


def _threshold(a, b):
    cut = torch.cat((a, b)).median()
    return ((a > cut).double().mean() + (b <= cut).double().mean()) / 2


typical_row_by_row = _named("typical_row_by_row", _both(_row_by_row))
typical_threshold = _named("typical_threshold", _both(_threshold))


def typical_in_place(inside, outside, reference):
    found = typical_ranks(inside, outside, reference)
    reference.sub_(reference.mean())
    return found


RIGHT = {
    "17.bridge": [(bridge_loop,), (bridge_broadcast,), (bridge_any,), (bridge_least,)],
    "17.stretch": [(stretch_rows,), (stretch_vmap,), (stretch_whole,), (stretch_summed_outputs,), (stretch_forward,)],
    "17.mixture": [(mixture_distributions,), (mixture_loop,), (mixture_shifted,), (mixture_two_sums,)],
    "17.typical": [(typical_loop,), (typical_squares,), (typical_ranks,), (typical_searched,)],
}

WRONG = {
    "17.bridge": [
        (bridge_or, "either"),
        (bridge_a_alone, "one_piece"),
        (bridge_b_alone, "one_piece"),
        (bridge_inside, "near"),
        (bridge_count, "count"),
        (bridge_per_cent, "per_cent"),
        (bridge_centres, "centre"),
        (bridge_farthest, "farthest"),
        (bridge_mean_distance, "mean_distance"),
        (bridge_first_point, "first_point"),
        (bridge_squared, "squared"),
        (bridge_manhattan, "other_distance"),
        (bridge_largest_coordinate, "other_distance"),
        (bridge_points_counted, "pieces"),
        (bridge_all_pairs, "pieces"),
        (bridge_not_counted, "not_counted"),
        (bridge_in_place, "in_place"),
    ],
    "17.stretch": [
        (stretch_exchanged, "exchanged"),
        (stretch_not_reciprocal, "not_reciprocal"),
        (stretch_of_largest, "encode_of_largest"),
        (stretch_mean, "mean"),
        (stretch_mean_jacobian, "mean"),
        (stretch_best, "best_latent"),
        (stretch_same_latent, "same_latent"),
        (stretch_first, "first_latent"),
        (stretch_each, "each_row"),
        (stretch_squared, "squared"),
        (stretch_eigenvalues, "eigenvalues"),
        (stretch_diagonal, "diagonal"),
        (stretch_frobenius, "frobenius"),
        (stretch_volume, "volume"),
        (stretch_per_dimension, "volume"),
        (stretch_condition, "condition"),
        (stretch_summed, "summed"),
        (stretch_secants, "secants"),
        (stretch_logs, "logarithm"),
        (stretch_differences, "cost"),
        (stretch_in_place, "in_place"),
    ],
    "17.mixture": [
        (mixture_mean_of_logs, "mean_of_logs"),
        (mixture_product, "product"),
        (mixture_largest, "largest"),
        (mixture_no_weights, "no_weights"),
        (mixture_equal_weights, "equal_weights"),
        (mixture_logits, "not_normalised"),
        (mixture_weights_added, "weights_not_log"),
        (mixture_weights_sign, "weights_sign"),
        (mixture_no_ladj, "no_ladj"),
        (mixture_ladj_sign, "ladj_sign"),
        (mixture_ladj_often, "ladj_often"),
        (mixture_at_x, "at_x"),
        (mixture_no_log_scale, "scales"),
        (mixture_log_scale_sign, "scales"),
        (mixture_variances, "variance"),
        (mixture_log_scales, "variance"),
        (mixture_no_half, "half"),
        (mixture_no_constant, "constant"),
        (mixture_each_feature, "each_feature"),
        (mixture_mean_of_features, "mean_of_features"),
        (mixture_density, "not_log"),
        (mixture_loss, "sign"),
        (mixture_underflow, "underflow"),
        (mixture_underflow_floor, "underflow"),
        (mixture_sum, "whole_batch"),
        (mixture_mean, "whole_batch"),
        (mixture_not_summed, "not_summed"),
        (mixture_detached, "detached"),
        (mixture_weights_detached, "detached"),
        (mixture_in_place, "in_place"),
    ],
    "17.typical": [
        (typical_one_minus, "one_minus"),
        (typical_first_one_minus, "one_minus"),
        (typical_turned, "turned_round"),
        (typical_ties_lost, "ties_lost"),
        (typical_ties_won, "ties_won"),
        (typical_no_sign, "typicality_sign"),
        (typical_no_distance, "no_distance"),
        (typical_of_inside, "other_centre"),
        (typical_each_its_own, "other_centre"),
        (typical_median, "median"),
        (typical_pair_order, "pair_order"),
        (typical_row_by_row, "row_by_row"),
        (typical_threshold, "threshold"),
        (typical_counted, "counted"),
        (typical_means, "means"),
        (typical_doubled, "doubled"),
        (typical_in_place, "in_place"),
    ],
}
