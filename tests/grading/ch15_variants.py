"""Answers to chapter 15's exercises, as learners write them: right ones, and wrong ones with the mistake they make."""

import math

import torch
import torch.nn.functional as F

# 15.project -------------------------------------------------------------------------------------------------------


def project_einsum(joints, view):
    u, v, d = torch.einsum("nab,njb->anj", view, joints - joints[:, [0]])[:, :, 1:]
    return torch.stack((u, v), dim=-1).reshape(len(joints), -1), d


def project_turned_first(joints, view):
    turned = torch.matmul(view, joints.mT).mT
    turned = turned - turned[:, 0:1]
    return turned[:, 1:, :2].reshape(joints.shape[0], 2 * (joints.shape[1] - 1)), turned[:, 1:, 2]


def project_loop(joints, view):
    flat, depths = [], []
    for pose, rotation in zip(joints, view):
        places = [rotation @ (joint - pose[0]) for joint in pose[1:]]
        flat.append(torch.cat([place[:2] for place in places]))
        depths.append(torch.stack([place[2] for place in places]))
    return torch.stack(flat), torch.stack(depths)


def project_row_by_row(joints, view):
    about_root = joints[:, 1:] - joints[:, :1]
    right, up, near = (view[:, k : k + 1] for k in range(3))  # (N, 1, 3)
    u, v, d = ((about_root * axis).sum(2) for axis in (right, up, near))
    flat = torch.empty(len(joints), 2 * u.shape[1], dtype=u.dtype, device=u.device)
    flat[:, 0::2], flat[:, 1::2] = u, v
    return flat, d


def _pair(turned):
    return turned[..., :2].flatten(1), turned[..., 2]


def _about_root(joints):
    return joints[:, 1:] - joints[:, :1]


def _turned(joints, view):
    return _about_root(joints) @ view.mT


def project_not_about_root(joints, view):
    return _pair(joints[:, 1:] @ view.transpose(1, 2))


def project_depth_absolute(joints, view):
    return _turned(joints, view)[..., :2].flatten(1), (joints[:, 1:] @ view.mT)[..., 2]


def project_root_not_turned(joints, view):
    return _pair((joints @ view.mT - joints[:, :1])[:, 1:])


def project_about_mean(joints, view):
    return _pair((joints - joints.mean(1, keepdim=True))[:, 1:] @ view.mT)


def project_one_root(joints, view):
    return _pair((joints[:, 1:] - joints[0, 0]) @ view.mT)


def project_differences(joints, view):
    return _pair(joints.diff(dim=1) @ view.mT)


def project_transposed(joints, view):
    return _pair(_about_root(joints) @ view)


def project_columns(joints, view):
    return _pair(view @ _about_root(joints))


def project_reshaped(joints, view):
    columns = view @ _about_root(joints).mT
    return _pair(columns.reshape(len(joints), -1, 3))


def project_no_camera(joints, view):
    return _pair(_about_root(joints))


def project_first_camera(joints, view):
    return _pair(_about_root(joints) @ view[0].T)


def project_grouped(joints, view):
    u, v, d = _turned(joints, view).unbind(2)
    return torch.cat([u, v], dim=1), d


def project_grouped_by_transpose(joints, view):
    turned = _turned(joints, view)
    return turned[..., :2].transpose(1, 2).flatten(1), turned[..., 2]


def _stacked(a, b):
    return torch.stack((a, b), 2).flatten(1)


def project_v_first(joints, view):
    u, v, d = _turned(joints, view).unbind(2)
    return _stacked(v, u), d


def project_depth_is_v(joints, view):
    u, v, d = _turned(joints, view).unbind(2)
    return _stacked(u, d), v


def project_depth_away(joints, view):
    flat, d = _pair(_turned(joints, view))
    return flat, -d


def project_rows_down(joints, view):
    u, v, d = _turned(joints, view).unbind(2)
    return _stacked(u, -v), d


def project_perspective(joints, view):
    turned = _turned(joints, view)
    return (turned[..., :2] / turned[..., 2:]).flatten(1), turned[..., 2]


def project_distance(joints, view):
    turned = _turned(joints, view)
    return turned[..., :2].flatten(1), turned.norm(dim=2)


def project_size_of_depth(joints, view):
    flat, d = _pair(_turned(joints, view))
    return flat, d.abs()


def project_from_nearest(joints, view):
    flat, d = _pair(_turned(joints, view))
    return flat, d - d.max(1, keepdim=True).values


def project_millimetres(joints, view):
    return _pair(1000 * _turned(joints, view))


def project_depth_in_millimetres(joints, view):
    flat, d = _pair(_turned(joints, view))
    return flat, 1000 * d


def project_unit(joints, view):
    return _pair(F.normalize(_turned(joints, view), dim=2))


def project_with_root(joints, view):
    return _pair((joints - joints[:, :1]) @ view.mT)


def project_without_last(joints, view):
    return _pair(((joints - joints[:, :1]) @ view.mT)[:, :-1])


def project_pair_order(joints, view):
    flat, depths = project_einsum(joints, view)
    return depths, flat


def project_not_flat(joints, view):
    turned = _turned(joints, view)
    return turned[..., :2], turned[..., 2]


def project_split(joints, view):
    return _turned(joints, view).split((2, 1), dim=2)


def project_one_tensor(joints, view):
    return _turned(joints, view)


def project_flat_only(joints, view):
    return project_einsum(joints, view)[0]


def project_in_place(joints, view):
    joints -= joints[:, :1].clone()
    return _pair(joints[:, 1:] @ view.mT)


# 15.best_of -------------------------------------------------------------------------------------------------------


def best_of_logarithms(samples, truth):
    distances = torch.linalg.vector_norm(samples[:, :, 1:] - truth[None, :, 1:], dim=-1)
    ordered = torch.sort(1000 * distances.mean(-1), dim=0)[0]
    s = len(ordered)
    k = torch.arange(1, s + 1, dtype=torch.float64, device=samples.device)
    curve = []
    for n in range(1, s + 1):
        log_ways = torch.lgamma(s - k + 1) - math.lgamma(n) - torch.lgamma((s - k - n + 2).clamp(min=1))
        log_all = math.lgamma(s + 1) - math.lgamma(n + 1) - math.lgamma(s - n + 1)
        weights = torch.exp(log_ways - log_all) * (k <= s - n + 1)
        curve.append((weights[:, None].to(ordered) * ordered).sum(0).mean())
    return torch.stack(curve)


def best_of_survival(samples, truth):
    """E min = the sum of the steps between neighbours, each times the chance that all n lie behind it."""
    e = 1000 * ((samples - truth)[:, :, 1:] ** 2).sum(3).sqrt().mean(2)
    ordered, s = e.sort(0).values, len(e)
    steps = torch.diff(ordered, dim=0, prepend=torch.zeros_like(ordered[:1])).mean(1)
    curve, behind = [], torch.ones_like(steps)
    left = torch.arange(s, 0, -1).to(steps)  # how many are still there at each step
    for n in range(s):
        behind = behind * (left - n).clamp(min=0) / (s - n)
        curve.append((behind * steps).sum())
    return torch.stack(curve)


def best_of_ratios(samples, truth):
    """Weights by their ratios: n / S at first, and then (S - k - n + 1) / (S - k) times the one before."""
    joints = truth.shape[1] - 1
    e = 1000 * (samples - truth).norm(dim=3).sum(2) / joints
    ordered, s = e.sort(0).values, len(e)
    curve = []
    for n in range(1, s + 1):
        weight, total = n / s, 0.0
        for k in range(1, s - n + 2):
            total = total + weight * ordered[k - 1]
            weight = weight * (s - k - n + 1) / max(s - k, 1)
        curve.append(total.mean())
    return torch.stack(curve)


def best_of_pose_by_pose(samples, truth):
    s, n = samples.shape[:2]
    table = [[math.comb(s - k, m - 1) / math.comb(s, m) for k in range(1, s + 1)] for m in range(1, s + 1)]
    weights = torch.tensor(table, dtype=samples.dtype, device=samples.device)
    curves = []
    for i in range(n):
        errors = torch.stack([(body - truth[i])[1:].norm(dim=1).mean() for body in samples[:, i]])
        curves.append(weights @ torch.sort(errors).values)
    return 1000 * sum(curves) / n


def _errors(samples, truth):
    return 1000 * (samples - truth)[:, :, 1:].norm(dim=3).mean(2)


def _table(s, ways, choices=math.comb):
    return [[ways(s, k, n) / choices(s, n) for k in range(1, s + 1)] for n in range(1, s + 1)]


def _ways(s, k, n):
    return math.comb(s - k, n - 1)


def _weighted(errors, ways=_ways, choices=math.comb):
    ordered = errors.sort(0).values
    return ordered.new_tensor(_table(len(errors), ways, choices)) @ ordered


def _curve(errors):
    return _weighted(errors).mean(1)


def best_of_first(samples, truth):
    return _errors(samples, truth).cummin(0).values.mean(1)


def best_of_first_loop(samples, truth):
    e = _errors(samples, truth)
    return torch.stack([e[:n].amin(0).mean() for n in range(1, len(e) + 1)])


def best_of_blocks(samples, truth):
    e = _errors(samples, truth)
    K = len(e)
    return torch.stack([e[: K // n * n].reshape(K // n, n, -1).min(dim=1).values.mean() for n in range(1, K + 1)])


def best_of_poses_first(samples, truth):
    return _weighted(_errors(samples, truth).mean(1))


def best_of_poses_first_in_order(samples, truth):
    return _errors(samples, truth).mean(1).cummin(0).values


def best_of_joints_apart(samples, truth):
    distances = 1000 * (samples - truth)[:, :, 1:].norm(dim=3)
    return torch.stack([_curve(distances[..., j]) for j in range(distances.shape[2])]).mean(0)


def best_of_not_sorted(samples, truth):
    e = _errors(samples, truth)
    return (e.new_tensor(_table(len(e), _ways)) @ e).mean(1)


def best_of_falling(samples, truth):
    e = _errors(samples, truth).sort(0, descending=True).values
    return (e.new_tensor(_table(len(e), _ways)) @ e).mean(1)


def best_of_with_repetition(samples, truth):
    chance = lambda s, k, n: (s - k + 1) ** n - (s - k) ** n  # noqa: E731
    return _weighted(_errors(samples, truth), chance, lambda s, n: s**n).mean(1)


def best_of_n_behind(samples, truth):
    return _weighted(_errors(samples, truth), lambda s, k, n: math.comb(s - k, n)).mean(1)


def best_of_counts_from_zero(samples, truth):
    return _weighted(_errors(samples, truth), lambda s, k, n: math.comb(s - k + 1, n - 1)).mean(1)


def best_of_last_missing(samples, truth):
    """range(1, K - n + 1) leaves out the last k."""
    e = _errors(samples, truth).sort(0).values.mean(1)
    K = len(e)
    curve = []
    for n in range(1, K + 1):
        terms = [math.comb(K - k, n - 1) / math.comb(K, n) * e[k - 1] for k in range(1, K - n + 1)]
        curve.append(sum(terms, torch.zeros_like(e[0])))
    return torch.stack(curve)


def best_of_not_divided(samples, truth):
    return _weighted(_errors(samples, truth), choices=lambda s, n: 1).mean(1)


def best_of_fewer_choices(samples, truth):
    return _weighted(_errors(samples, truth), choices=lambda s, n: math.comb(s - 1, n - 1)).mean(1)


def best_of_factorials(samples, truth):
    ordered = _errors(samples, truth).sort(0).values
    s = len(ordered)
    k, n = torch.arange(1.0, s + 1).to(ordered), torch.arange(1.0, s + 1).to(ordered)[:, None]

    def factorial(a):
        return torch.exp(torch.lgamma(a + 1))

    def choose(a, b):
        return factorial(a) / factorial(b) / factorial((a - b).clamp(min=0)) * (b <= a)

    weights = choose((s - k).expand(s, s), (n - 1).expand(s, s)) / choose(torch.full_like(n, s), n)
    return (weights @ ordered).mean(1)


def best_of_order_statistic(samples, truth):
    return _errors(samples, truth).sort(0).values.mean(1)


def best_of_each(samples, truth):
    return _errors(samples, truth).mean(1)


def best_of_running_mean(samples, truth):
    e = _errors(samples, truth).mean(1)
    return e.cumsum(0) / torch.arange(1, len(e) + 1, device=e.device)


def best_of_mean_body(samples, truth):
    bodies = torch.stack([samples[: n + 1].mean(0) for n in range(len(samples))])
    return _errors(bodies, truth).mean(1)


def best_of_all(samples, truth):
    return _errors(samples, truth).amin(0).mean()


def best_of_all_repeated(samples, truth):
    return _errors(samples, truth).amin(0).mean().repeat(len(samples))


def best_of_backwards(samples, truth):
    return _curve(_errors(samples, truth)).flip(0)


def best_of_from_two(samples, truth):
    return _curve(_errors(samples, truth))[1:]


def best_of_one_too_many(samples, truth):
    curve = _curve(_errors(samples, truth))
    return torch.stack([curve[min(n + 1, len(curve) - 1)] for n in range(len(curve))])


def best_of_along_poses(samples, truth):
    ordered = _errors(samples, truth).sort(1).values
    return torch.stack([ordered @ ordered.new_tensor(row) for row in _table(ordered.shape[1], _ways)]).mean(1)


def best_of_least_pose(samples, truth):
    return _errors(samples, truth).amin(1)


def best_of_root_counted(samples, truth):
    return _curve(1000 * (samples - truth).norm(dim=3).mean(2))


def best_of_metres(samples, truth):
    return _curve((samples - truth)[:, :, 1:].norm(dim=3).mean(2))


def best_of_centimetres(samples, truth):
    return _curve(100 * (samples - truth)[:, :, 1:].norm(dim=3).mean(2))


def best_of_sum(samples, truth):
    return _curve(1000 * (samples - truth)[:, :, 1:].norm(dim=3).sum(2))


def best_of_one_length(samples, truth):
    return _curve(1000 * (samples - truth).flatten(2).norm(dim=2))


def best_of_rms(samples, truth):
    return _curve(1000 * ((samples - truth)[:, :, 1:] ** 2).sum(3).mean(2).sqrt())


def best_of_squared(samples, truth):
    return _curve(1000 * ((samples - truth)[:, :, 1:] ** 2).sum(3).mean(2))


def best_of_absolute(samples, truth):
    return _curve(1000 * (samples - truth)[:, :, 1:].abs().sum(3).mean(2))


def best_of_depths(samples, truth):
    return _curve(1000 * (samples - truth)[:, :, 1:, 2].abs().mean(2))


def best_of_worst_joint(samples, truth):
    return _curve(1000 * (samples - truth)[:, :, 1:].norm(dim=3).max(2).values)


def best_of_aligned(samples, truth):
    centred = samples - samples.mean(2, keepdim=True), truth - truth.mean(1, keepdim=True)
    return _curve(_errors(*centred))


def best_of_median(samples, truth):
    return _weighted(_errors(samples, truth)).median(1).values


def best_of_sum_of_poses(samples, truth):
    return _weighted(_errors(samples, truth)).sum(1)


def best_of_each_pose(samples, truth):
    return _weighted(_errors(samples, truth))


def best_of_share(samples, truth):
    curve = _curve(_errors(samples, truth))
    return curve / curve[0]


def best_of_gained(samples, truth):
    curve = _curve(_errors(samples, truth))
    return curve[0] - curve


def best_of_in_place(samples, truth):
    samples -= truth
    return _curve(1000 * samples[:, :, 1:].norm(dim=3).mean(2))


# 15.coverage ------------------------------------------------------------------------------------------------------


def coverage_loop(samples, depths, levels):
    s, table = samples.shape[0], []
    rank = sum((sample < depths).long() for sample in samples)
    for level in levels.tolist():
        inside = torch.abs(2 * rank - s) <= level * (s + 1)
        table.append(inside.sum(0) / inside.shape[0])
    return torch.stack(table).to(depths.dtype)


def coverage_by_shares(samples, depths, levels):
    """The middle of the rank's bin, as a number between 0 and 1, in the middle of which the interval lies."""
    s = len(samples)
    place = (depths > samples).to(depths).sum(0).add(0.5) / (s + 1)
    inside = [(2 * place - 1).abs() <= level for level in levels]
    return torch.stack([one.to(depths).mean(0) for one in inside])


def coverage_sorted(samples, depths, levels):
    """By the order statistics between which the truth has such a rank."""
    s = len(samples)
    ordered = samples.sort(0).values
    ends = torch.full_like(ordered[:1], math.inf)
    ordered = torch.cat((-ends, ordered, ends))  # rank r: between ordered[r] and ordered[r + 1]
    table = []
    for level in levels.tolist():
        ranks = [r for r in range(s + 1) if abs(2 * r - s) <= level * (s + 1)]
        if ranks:
            inside = (ordered[ranks[0]] < depths) & (depths < ordered[ranks[-1] + 1])
        else:
            inside = torch.zeros_like(depths)
        table.append(inside.to(depths).mean(0))
    return torch.stack(table)


def coverage_joint_by_joint(samples, depths, levels):
    s, columns = len(samples), []
    for j in range(depths.shape[1]):
        above = (samples[:, :, j] >= depths[:, j]).sum(0)
        rank = s - above
        outside = (2 * rank - s).abs()[None] > levels[:, None] * (s + 1)
        columns.append(1 - outside.to(depths.dtype).mean(1))
    return torch.stack(columns, dim=1)


def _rank(samples, depths):
    return (samples < depths).sum(0)


def _bound(samples, levels):
    return levels[:, None, None] * (len(samples) + 1)


def _inside(samples, depths, levels):
    return (2 * _rank(samples, depths) - len(samples)).abs() <= _bound(samples, levels)


def _share(inside, depths):
    return inside.to(depths.dtype).mean(1)


def _right_share(samples, depths, levels):
    return _share(_inside(samples, depths, levels), depths)


def coverage_without_one(samples, depths, levels):
    share = (samples < depths).to(depths).mean(0)
    return _share((2 * share - 1).abs() <= levels[:, None, None], depths)


def coverage_off_by_one(samples, depths, levels):
    off = (2 * _rank(samples, depths) - (len(samples) + 1)).abs()
    return _share(off <= _bound(samples, levels), depths)


def coverage_whole_half(samples, depths, levels):
    off = (_rank(samples, depths) - len(samples) // 2).abs()
    return _share(off <= _bound(samples, levels) / 2, depths)


def coverage_by_poses(samples, depths, levels):
    K = depths.shape[0]
    return _share((2 * _rank(samples, depths) - K).abs() <= levels[:, None, None] * (K + 1), depths)


def coverage_no_abs(samples, depths, levels):
    return _share(2 * _rank(samples, depths) - len(samples) <= _bound(samples, levels), depths)


def coverage_lowest(samples, depths, levels):
    return _share(_rank(samples, depths) <= _bound(samples, levels), depths)


def coverage_not_doubled(samples, depths, levels):
    return _share((_rank(samples, depths) - len(samples)).abs() <= _bound(samples, levels), depths)


def coverage_not_halved(samples, depths, levels):
    return _share((_rank(samples, depths) - len(samples) / 2).abs() <= _bound(samples, levels), depths)


def coverage_alpha(samples, depths, levels):
    return _right_share(samples, depths, 1 - levels)


def coverage_percent_level(samples, depths, levels):
    return _right_share(samples, depths, levels / 100)


def coverage_rounded_level(samples, depths, levels):
    return _right_share(samples, depths, torch.round(levels, decimals=2))


def coverage_rounded_bound(samples, depths, levels):
    off = (2 * _rank(samples, depths) - len(samples)).abs()
    return _share(off <= _bound(samples, levels).round(), depths)


def coverage_end_left_out(samples, depths, levels):
    off = (2 * _rank(samples, depths) - len(samples)).abs()
    return _share(off < _bound(samples, levels), depths)


def coverage_first_level(samples, depths, levels):
    return _right_share(samples, depths, levels[:1]).repeat(len(levels), 1)


def coverage_sorted_levels(samples, depths, levels):
    return _right_share(samples, depths, levels.sort()[0])


def coverage_poses_pooled(samples, depths, levels):
    s = samples.shape[0] * samples.shape[1]
    rank = (samples[:, :, None] < depths).sum((0, 1))  # (S, N, 1, J) < (N, J)
    return _share((2 * rank - s).abs() <= levels[:, None, None] * (s + 1), depths)


def coverage_joints_pooled(samples, depths, levels):
    s = samples.shape[0] * samples.shape[2]
    rank = (samples[..., None] < depths[:, None]).sum((0, 2))  # (S, N, J, 1) < (N, 1, J)
    return _share((2 * rank - s).abs() <= levels[:, None, None] * (s + 1), depths)


def coverage_all_pooled(samples, depths, levels):
    everything = samples.flatten().sort().values
    rank = torch.searchsorted(everything, depths.contiguous())
    return _share((2 * rank - len(everything)).abs() <= levels[:, None, None] * (len(everything) + 1), depths)


def coverage_first_pose(samples, depths, levels):
    rank = (samples[:, :1] < depths).sum(0)
    return _share((2 * rank - len(samples)).abs() <= _bound(samples, levels), depths)


def coverage_among_truths(samples, depths, levels):
    rank = (depths[:, None] < depths).sum(0)
    return _share((2 * rank - len(depths)).abs() <= _bound(depths, levels), depths)


def coverage_of_the_mean(samples, depths, levels):
    return _right_share(samples.mean(0)[None], depths, levels)


def coverage_without_signs(samples, depths, levels):
    return _right_share(samples.abs(), depths.abs(), levels)


def coverage_quantiles(samples, depths, levels):
    """Chapter 10's exercise, for each joint."""
    low, high = torch.quantile(samples, (1 - levels) / 2, dim=0), torch.quantile(samples, (1 + levels) / 2, dim=0)
    return _share((low <= depths) & (depths <= high), depths)


def coverage_between_sorted(samples, depths, levels):
    ordered, K, table = samples.sort(0).values, len(samples), []
    for level in levels.tolist():
        low, high = ordered[int((1 - level) / 2 * K)], ordered[min(int((1 + level) / 2 * K), K - 1)]
        table.append(((low < depths) & (depths < high)).to(depths).mean(0))
    return torch.stack(table)


def coverage_normal(samples, depths, levels):
    z = torch.special.ndtri((1 + levels) / 2)[:, None, None]
    middle, spread = samples.mean(0), samples.std(0)
    return _share((middle - z * spread <= depths) & (depths <= middle + z * spread), depths)


def coverage_around_median(samples, depths, levels):
    middle = samples.quantile(0.5, dim=0)
    reach = (samples - middle).abs().quantile(levels, dim=0)
    return _share((depths - middle).abs() <= reach, depths)


def coverage_whole_range(samples, depths, levels):
    inside = (samples.amin(0) < depths) & (depths < samples.amax(0))
    return inside.to(depths).mean(0).repeat(len(levels), 1)


def coverage_misses(samples, depths, levels):
    return _share(~_inside(samples, depths, levels), depths)


def coverage_percent(samples, depths, levels):
    return 100 * _right_share(samples, depths, levels)


def coverage_rounded(samples, depths, levels):
    return torch.round(_right_share(samples, depths, levels), decimals=2)


def coverage_count(samples, depths, levels):
    return _inside(samples, depths, levels).sum(1).to(depths)


def coverage_by_samples(samples, depths, levels):
    return _inside(samples, depths, levels).sum(1).to(depths) / samples.shape[0]


def coverage_joints_averaged(samples, depths, levels):
    return _inside(samples, depths, levels).to(depths).flatten(1).mean(1)


def coverage_joints_not_poses(samples, depths, levels):
    return _inside(samples, depths, levels).to(depths).mean(-1)


def coverage_all_joints(samples, depths, levels):
    return _inside(samples, depths, levels).all(2).to(depths).mean(1)


def coverage_levels_averaged(samples, depths, levels):
    return _inside(samples, depths, levels).to(depths).mean(0)


def coverage_one_number(samples, depths, levels):
    return _inside(samples, depths, levels).to(depths).mean()


def coverage_transposed(samples, depths, levels):
    return _right_share(samples, depths, levels).T


def coverage_each_pose(samples, depths, levels):
    return _inside(samples, depths, levels)


def coverage_difference(samples, depths, levels):
    return _right_share(samples, depths, levels) - levels.unsqueeze(1)


def coverage_error(samples, depths, levels):
    return (_right_share(samples, depths, levels) - levels.unsqueeze(1)).abs()


def coverage_level(samples, depths, levels):
    return levels[:, None].repeat(1, depths.shape[1])


def coverage_ranks(samples, depths, levels):
    return _rank(samples, depths)


def coverage_in_place(samples, depths, levels):
    levels *= len(samples) + 1
    return _share((2 * _rank(samples, depths) - len(samples)).abs() <= levels[:, None, None], depths)


def coverage_sorted_in_place(samples, depths, levels):
    samples[:] = samples.sort(0).values
    return _right_share(samples, depths, levels)


# 15.bent ----------------------------------------------------------------------------------------------------------


def _row(pose):
    return (pose[:, 1:] - pose[:, :1]).flatten(1)


def _log_prob(bijection, base, pose):
    z, ladj = bijection.encode(_row(pose))
    return base.log_prob(z) + ladj


def _both(bijection, base, joints, after):
    return _log_prob(bijection, base, joints), _log_prob(bijection, base, after)


def bent_by_rotation(bijection, base, joints, leg):
    """Half a turn about the thigh: the rotation 2 t t^T - I."""
    hip, knee, ankle = leg
    t = joints[:, knee] - joints[:, hip]
    t = t / t.norm(dim=1, keepdim=True)
    half_turn = 2 * t[:, :, None] * t[:, None, :] - torch.eye(3, dtype=t.dtype, device=t.device)
    new = joints[:, knee] + torch.einsum("nab,nb->na", half_turn, joints[:, ankle] - joints[:, knee])
    chosen = torch.arange(joints.shape[1], device=joints.device) == ankle
    return _both(bijection, base, joints, torch.where(chosen[:, None], new[:, None], joints))


def bent_about_hip(bijection, base, joints, leg):
    """The thigh's line goes through the hip as well, and so the hip may stand for the knee."""
    h, k, a = joints[:, list(leg)].unbind(1)
    thigh, whole = k - h, a - h
    share = (whole * thigh).sum(1, keepdim=True) / (thigh * thigh).sum(1, keepdim=True)
    pose = joints.clone()
    pose[:, leg[2]] = h + 2 * share * thigh - whole
    return _both(bijection, base, joints, pose)


def bent_at_once(bijection, base, joints, leg):
    x = _row(joints)
    hip, knee, ankle = leg
    axis = F.normalize(joints[:, knee] - joints[:, hip])
    shin = joints[:, ankle] - joints[:, knee]
    across = shin - (shin * axis).sum(1)[:, None] * axis
    start = 3 * (ankle - 1)
    y = torch.cat((x[:, :start], x[:, start : start + 3] - 2 * across, x[:, start + 3 :]), 1)
    z, ladj = bijection.encode(torch.cat((x, y)))
    before, after = (base.log_prob(z) + ladj).chunk(2)
    return before, after


def bent_exchanged(bijection, base, joints, leg):
    """Hip and knee lie on one line, and so it does not matter which of them the mirroring starts from."""
    knee, hip, ankle = leg
    return bent_about_hip(bijection, base, joints, (hip, knee, ankle))


def bent_loop(bijection, base, joints, leg):
    hip, knee, ankle = leg
    poses = []
    for pose in joints:
        t, s = pose[knee] - pose[hip], pose[ankle] - pose[knee]
        new = pose.clone()
        new[ankle] = pose[knee] + 2 * torch.dot(s, t) / torch.dot(t, t) * t - s
        poses.append(new)
    return list(_both(bijection, base, joints, torch.stack(poses)))


def _moved(bijection, base, joints, leg, ankle):
    after = joints.clone()
    after[:, leg[2]] = ankle(*(joints[:, j] for j in leg))
    return _both(bijection, base, joints, after)


def _t(h, k):
    return F.normalize(k - h, dim=1)


def _dot(a, b):
    return (a * b).sum(1, keepdim=True)


def _mirrored(h, k, a):
    return k + 2 * _dot(a - k, _t(h, k)) * _t(h, k) - (a - k)


def _bent(joints, leg):
    after = joints.clone()
    after[:, leg[2]] = _mirrored(*(joints[:, j] for j in leg))
    return after


def bent_folded(bijection, base, joints, leg):
    return _moved(bijection, base, joints, leg, lambda h, k, a: a - 2 * _dot(a - k, _t(h, k)) * _t(h, k))


def bent_other_end(bijection, base, joints, leg):
    return _moved(bijection, base, joints, leg, lambda h, k, a: k - (a - k))


def bent_projected(bijection, base, joints, leg):
    return _moved(bijection, base, joints, leg, lambda h, k, a: k + _dot(a - k, _t(h, k)) * _t(h, k))


def bent_straightened(bijection, base, joints, leg):
    return _moved(bijection, base, joints, leg, lambda h, k, a: k + (a - k).norm(dim=1)[:, None] * _t(h, k))


def bent_not_unit(bijection, base, joints, leg):
    return _moved(bijection, base, joints, leg, lambda h, k, a: k + 2 * _dot(a - k, k - h) * (k - h) - (a - k))


def bent_half_unit(bijection, base, joints, leg):
    return _moved(bijection, base, joints, leg, lambda h, k, a: k + 2 * _dot(a - k, k - h) * _t(h, k) - (a - k))


def bent_one_length(bijection, base, joints, leg):
    def ankle(h, k, a):
        t = (k - h) / torch.linalg.norm(k - h)
        return k + 2 * _dot(a - k, t) * t - (a - k)

    return _moved(bijection, base, joints, leg, ankle)


def bent_no_two(bijection, base, joints, leg):
    return _moved(bijection, base, joints, leg, lambda h, k, a: k + _dot(a - k, _t(h, k)) * _t(h, k) - (a - k))


def bent_shin_added(bijection, base, joints, leg):
    return _moved(bijection, base, joints, leg, lambda h, k, a: k + 2 * _dot(a - k, _t(h, k)) * _t(h, k) + (a - k))


def bent_entry_by_entry(bijection, base, joints, leg):
    return _moved(bijection, base, joints, leg, lambda h, k, a: k + 2 * ((a - k) * _t(h, k)) * _t(h, k) - (a - k))


def bent_knee_forgotten(bijection, base, joints, leg):
    return _moved(bijection, base, joints, leg, lambda h, k, a: 2 * _dot(a - k, _t(h, k)) * _t(h, k) - (a - k))


def bent_place(bijection, base, joints, leg):
    return _moved(bijection, base, joints, leg, lambda h, k, a: 2 * _dot(a, _t(h, k)) * _t(h, k) - a)


def bent_whole_leg(bijection, base, joints, leg):
    def ankle(h, k, a):
        t = F.normalize(a - h, dim=1)
        return k + 2 * _dot(a - k, t) * t - (a - k)

    return _moved(bijection, base, joints, leg, ankle)


def bent_along_z(bijection, base, joints, leg):
    flip = torch.tensor([1.0, 1.0, -1.0], dtype=joints.dtype, device=joints.device)
    return _moved(bijection, base, joints, leg, lambda h, k, a: k + flip * (a - k))


def bent_hip_moved(bijection, base, joints, leg):
    hip, knee, ankle = leg
    return bent_loop(bijection, base, joints, (ankle, knee, hip))


def bent_leg_mixed(bijection, base, joints, leg):
    hip, ankle, knee = leg
    return bent_loop(bijection, base, joints, (hip, knee, ankle))


def bent_counts_from_root(bijection, base, joints, leg):
    hip, knee, ankle = (place - 1 for place in leg)
    return bent_loop(bijection, base, joints, (hip, knee, ankle))


def bent_all_joints(bijection, base, joints, leg):
    hip, knee, _ = leg
    t = _t(joints[:, hip], joints[:, knee])[:, None]
    v = joints - joints[:, [knee]]
    return _both(bijection, base, joints, joints[:, [knee]] + 2 * (v * t).sum(2, keepdim=True) * t - v)


def bent_not_at_all(bijection, base, joints, leg):
    return _both(bijection, base, joints, joints)


def bent_over_the_first(bijection, base, joints, leg):
    """The clone is missing, and both are asked about at the end."""
    after = joints
    after[:, leg[2]] = _mirrored(*(joints[:, j].clone() for j in leg))
    return _both(bijection, base, joints, after)


def bent_not_about_root(bijection, base, joints, leg):
    rows = (pose[:, 1:].flatten(1) for pose in (joints, _bent(joints, leg)))
    return tuple(base.log_prob(z) + ladj for z, ladj in map(bijection.encode, rows))


def bent_after_not_about_root(bijection, base, joints, leg):
    z, ladj = bijection.encode(_bent(joints, leg)[:, 1:].flatten(1))
    return _log_prob(bijection, base, joints), base.log_prob(z) + ladj


def _in_the_row(bijection, base, joints, new, start):
    x = _row(joints)
    y = x.clone()
    y[:, start : start + 3] = new
    return tuple(base.log_prob(z) + ladj for z, ladj in map(bijection.encode, (x, y)))


def bent_ankle_not_about_root(bijection, base, joints, leg):
    return _in_the_row(bijection, base, joints, _mirrored(*(joints[:, j] for j in leg)), 3 * (leg[2] - 1))


def bent_leg_in_the_row(bijection, base, joints, leg):
    x = _row(joints).unflatten(1, (-1, 3))
    return _in_the_row(bijection, base, joints, _mirrored(*(x[:, j - 1] for j in leg)), 3 * (leg[2] - 1))


def bent_about_mean(bijection, base, joints, leg):
    rows = ((pose - pose.mean(1, keepdim=True))[:, 1:].flatten(1) for pose in (joints, _bent(joints, leg)))
    return tuple(base.log_prob(z) + ladj for z, ladj in map(bijection.encode, rows))


def bent_with_root(bijection, base, joints, leg):
    rows = ((pose - pose[:, :1]).flatten(1) for pose in (joints, _bent(joints, leg)))
    return tuple(base.log_prob(z) + ladj for z, ladj in map(bijection.encode, rows))


def bent_without_last(bijection, base, joints, leg):
    rows = ((pose - pose[:, :1])[:, :-1].flatten(1) for pose in (joints, _bent(joints, leg)))
    return tuple(base.log_prob(z) + ladj for z, ladj in map(bijection.encode, rows))


def bent_by_coordinate(bijection, base, joints, leg):
    rows = (_row(pose).unflatten(1, (-1, 3)).mT.flatten(1) for pose in (joints, _bent(joints, leg)))
    return tuple(base.log_prob(z) + ladj for z, ladj in map(bijection.encode, rows))


def bent_no_row(bijection, base, joints, leg):
    poses = (pose[:, 1:] - pose[:, :1] for pose in (joints, _bent(joints, leg)))
    return tuple(base.log_prob(z) + ladj for z, ladj in map(bijection.encode, poses))


def bent_millimetres(bijection, base, joints, leg):
    return _both(bijection, base, 1000 * joints, 1000 * _bent(joints, leg))


def bent_no_ladj(bijection, base, joints, leg):
    return tuple(base.log_prob(bijection.encode(_row(pose))[0]) for pose in (joints, _bent(joints, leg)))


def _combined(bijection, base, joints, leg, formula):
    pairs = (bijection.encode(_row(pose)) for pose in (joints, _bent(joints, leg)))
    return tuple(formula(z, ladj) for z, ladj in pairs)


def bent_ladj_sign(bijection, base, joints, leg):
    return _combined(bijection, base, joints, leg, lambda z, ladj: base.log_prob(z) - ladj)


def bent_ladj_only(bijection, base, joints, leg):
    return _combined(bijection, base, joints, leg, lambda z, ladj: ladj)


def bent_one_ladj(bijection, base, joints, leg):
    z, ladj = bijection.encode(_row(joints))
    z_bent, _ = bijection.encode(_row(_bent(joints, leg)))
    return base.log_prob(z) + ladj, base.log_prob(z_bent) + ladj


def bent_at_x(bijection, base, joints, leg):
    rows = [_row(pose) for pose in (joints, _bent(joints, leg))]
    return tuple(base.log_prob(x) + bijection.encode(x)[1] for x in rows)


def bent_base_only(bijection, base, joints, leg):
    return base.log_prob(_row(joints)), base.log_prob(_row(_bent(joints, leg)))


def bent_decoded(bijection, base, joints, leg):
    pairs = [bijection.decode(_row(pose)) for pose in (joints, _bent(joints, leg))]
    return tuple(base.log_prob(z) + ladj for z, ladj in pairs)


def bent_standard_normal(bijection, base, joints, leg):
    normal = torch.distributions.Normal(0.0, 1.0)
    return _combined(bijection, base, joints, leg, lambda z, ladj: normal.log_prob(z).sum(1) + ladj)


def bent_densities(bijection, base, joints, leg):
    before, after = bent_loop(bijection, base, joints, leg)
    return before.exp(), after.exp()


def bent_negated(bijection, base, joints, leg):
    before, after = bent_loop(bijection, base, joints, leg)
    return -before, -after


def bent_difference(bijection, base, joints, leg):
    before, after = bent_loop(bijection, base, joints, leg)
    return before - after


def bent_before_and_difference(bijection, base, joints, leg):
    before, after = bent_loop(bijection, base, joints, leg)
    return before, after - before


def bent_pair_order(bijection, base, joints, leg):
    before, after = bent_loop(bijection, base, joints, leg)
    return after, before


def bent_after_only(bijection, base, joints, leg):
    return bent_loop(bijection, base, joints, leg)[1]


def bent_averaged(bijection, base, joints, leg):
    before, after = bent_loop(bijection, base, joints, leg)
    return before.mean(), after.mean()


def bent_ladj_averaged(bijection, base, joints, leg):
    return _combined(bijection, base, joints, leg, lambda z, ladj: base.log_prob(z) + ladj.mean())


def bent_per_number(bijection, base, joints, leg):
    before, after = bent_loop(bijection, base, joints, leg)
    return before / _row(joints).shape[1], after / _row(joints).shape[1]


def bent_in_place(bijection, base, joints, leg):
    before = _log_prob(bijection, base, joints)
    joints[:, leg[2]] = _mirrored(*(joints[:, j].clone() for j in leg))
    return before, _log_prob(bijection, base, joints)


def bent_root_in_place(bijection, base, joints, leg):
    joints -= joints[:, :1].clone()
    return bent_loop(bijection, base, joints, leg)


RIGHT = {
    "15.project": [(project_einsum,), (project_turned_first,), (project_loop,), (project_row_by_row,)],
    "15.best_of": [(best_of_logarithms,), (best_of_survival,), (best_of_ratios,), (best_of_pose_by_pose,)],
    "15.coverage": [(coverage_loop,), (coverage_by_shares,), (coverage_sorted,), (coverage_joint_by_joint,)],
    "15.bent": [(bent_by_rotation,), (bent_about_hip,), (bent_at_once,), (bent_loop,), (bent_exchanged,)],
}

WRONG = {
    "15.project": [
        (project_not_about_root, "not_about_root"),
        (project_depth_absolute, "half_about_root"),
        (project_root_not_turned, "root_after"),
        (project_about_mean, "mean_taken_off"),
        (project_one_root, "first_root"),
        (project_differences, "joint_before"),
        (project_transposed, "transposed"),
        (project_columns, "product_of_rows"),
        (project_reshaped, "read_by_rows"),
        (project_no_camera, "not_turned"),
        (project_first_camera, "first_camera"),
        (project_grouped, "grouped"),
        (project_grouped_by_transpose, "grouped"),
        (project_v_first, "exchanged"),
        (project_depth_is_v, "other_row"),
        (project_depth_away, "depth_sign"),
        (project_rows_down, "picture_axes"),
        (project_perspective, "perspective"),
        (project_distance, "distance"),
        (project_size_of_depth, "distance"),
        (project_from_nearest, "from_the_nearest"),
        (project_millimetres, "other_unit"),
        (project_depth_in_millimetres, "other_unit"),
        (project_unit, "rescaled"),
        (project_with_root, "root_kept"),
        (project_without_last, "last_left_out"),
        (project_pair_order, "pair_order"),
        (project_not_flat, "not_flattened"),
        (project_split, "depths_kept_apart"),
        (project_one_tensor, "not_taken_apart"),
        (project_flat_only, "flat_only"),
        (project_in_place, "in_place"),
    ],
    "15.best_of": [
        (best_of_first, "first_n"),
        (best_of_first_loop, "first_n"),
        (best_of_blocks, "in_blocks"),
        (best_of_poses_first, "poses_first"),
        (best_of_poses_first_in_order, "poses_first"),
        (best_of_joints_apart, "joints_apart"),
        (best_of_not_sorted, "not_sorted"),
        (best_of_falling, "worst_of"),
        (best_of_with_repetition, "with_repetition"),
        (best_of_n_behind, "others_counted_wrong"),
        (best_of_counts_from_zero, "others_counted_wrong"),
        (best_of_last_missing, "others_counted_wrong"),
        (best_of_not_divided, "choices_counted_wrong"),
        (best_of_fewer_choices, "choices_counted_wrong"),
        (best_of_factorials, "overflow"),
        (best_of_order_statistic, "order_statistic"),
        (best_of_each, "no_minimum"),
        (best_of_running_mean, "mean_so_far"),
        (best_of_mean_body, "mean_body"),
        (best_of_all, "best_of_all"),
        (best_of_all_repeated, "best_of_all"),
        (best_of_backwards, "reversed"),
        (best_of_from_two, "one_off"),
        (best_of_one_too_many, "one_off"),
        (best_of_along_poses, "along_poses"),
        (best_of_least_pose, "along_poses"),
        (best_of_root_counted, "root_counted"),
        (best_of_metres, "metres"),
        (best_of_centimetres, "other_unit"),
        (best_of_sum, "sum_of_joints"),
        (best_of_one_length, "one_length"),
        (best_of_rms, "one_length"),
        (best_of_squared, "squared"),
        (best_of_absolute, "absolute"),
        (best_of_depths, "one_coordinate"),
        (best_of_worst_joint, "one_joint"),
        (best_of_aligned, "aligned"),
        (best_of_median, "not_the_mean_pose"),
        (best_of_sum_of_poses, "not_the_mean_pose"),
        (best_of_each_pose, "each_pose"),
        (best_of_share, "share"),
        (best_of_gained, "gained"),
        (best_of_in_place, "in_place"),
    ],
    "15.coverage": [
        (coverage_without_one, "without_one"),
        (coverage_off_by_one, "off_by_one"),
        (coverage_whole_half, "off_by_one"),
        (coverage_by_poses, "counted_poses"),
        (coverage_no_abs, "no_absolute_value"),
        (coverage_lowest, "one_sided"),
        (coverage_not_doubled, "not_doubled"),
        (coverage_not_halved, "not_doubled"),
        (coverage_alpha, "level_left_out"),
        (coverage_percent_level, "percent_level"),
        (coverage_rounded_level, "rounded_level"),
        (coverage_rounded_bound, "rounded_level"),
        (coverage_end_left_out, "end_left_out"),
        (coverage_first_level, "one_level"),
        (coverage_sorted_levels, "sorted_levels"),
        (coverage_poses_pooled, "poses_pooled"),
        (coverage_joints_pooled, "joints_pooled"),
        (coverage_all_pooled, "all_pooled"),
        (coverage_first_pose, "other_samples"),
        (coverage_among_truths, "rank_among_truths"),
        (coverage_of_the_mean, "one_sample"),
        (coverage_without_signs, "sizes_compared"),
        (coverage_quantiles, "quantiles"),
        (coverage_between_sorted, "quantiles"),
        (coverage_normal, "normal"),
        (coverage_around_median, "symmetric"),
        (coverage_whole_range, "whole_range"),
        (coverage_misses, "misses"),
        (coverage_percent, "percent"),
        (coverage_rounded, "rounded"),
        (coverage_count, "count"),
        (coverage_by_samples, "count"),
        (coverage_joints_averaged, "joints_averaged"),
        (coverage_joints_not_poses, "joints_averaged"),
        (coverage_all_joints, "all_joints"),
        (coverage_levels_averaged, "levels_averaged"),
        (coverage_one_number, "one_number"),
        (coverage_transposed, "transposed"),
        (coverage_each_pose, "each_pose"),
        (coverage_difference, "difference"),
        (coverage_error, "difference"),
        (coverage_level, "level"),
        (coverage_ranks, "ranks"),
        (coverage_in_place, "in_place"),
        (coverage_sorted_in_place, "in_place"),
    ],
    "15.bent": [
        (bent_folded, "folded"),
        (bent_other_end, "other_end"),
        (bent_projected, "projected"),
        (bent_straightened, "straightened"),
        (bent_not_unit, "not_unit"),
        (bent_half_unit, "not_unit"),
        (bent_one_length, "one_length"),
        (bent_no_two, "no_two"),
        (bent_shin_added, "shin_added"),
        (bent_entry_by_entry, "entry_by_entry"),
        (bent_knee_forgotten, "knee_forgotten"),
        (bent_place, "not_the_shin"),
        (bent_whole_leg, "about_the_shin"),
        (bent_along_z, "about_an_axis"),
        (bent_hip_moved, "hip_moved"),
        (bent_leg_mixed, "leg_mixed"),
        (bent_counts_from_root, "leg_mixed"),
        (bent_all_joints, "all_mirrored"),
        (bent_not_at_all, "not_bent"),
        (bent_over_the_first, "not_bent"),
        (bent_not_about_root, "not_about_root"),
        (bent_after_not_about_root, "not_about_root"),
        (bent_ankle_not_about_root, "not_about_root"),
        (bent_leg_in_the_row, "leg_mixed"),
        (bent_about_mean, "other_origin"),
        (bent_with_root, "root_kept"),
        (bent_without_last, "last_left_out"),
        (bent_by_coordinate, "by_coordinate"),
        (bent_no_row, "not_a_row"),
        (bent_millimetres, "other_unit"),
        (bent_no_ladj, "no_ladj"),
        (bent_ladj_sign, "ladj_sign"),
        (bent_ladj_only, "ladj_only"),
        (bent_one_ladj, "ladj_of_before"),
        (bent_at_x, "at_x"),
        (bent_base_only, "base_only"),
        (bent_decoded, "decoded"),
        (bent_standard_normal, "standard_normal"),
        (bent_densities, "densities"),
        (bent_negated, "negated"),
        (bent_difference, "difference"),
        (bent_before_and_difference, "difference"),
        (bent_pair_order, "pair_order"),
        (bent_after_only, "after_only"),
        (bent_averaged, "averaged"),
        (bent_ladj_averaged, "averaged"),
        (bent_per_number, "per_number"),
        (bent_in_place, "in_place"),
        (bent_root_in_place, "in_place"),
    ],
}
