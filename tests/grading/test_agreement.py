"""The model answers compute what nf_course computes: exercise and package teach one and the same convention."""

import math

import torch

import nf_course as nf
from nf_course import edit_baselines, edit_measures, editing, latents, models, pose_table, quality, restoration
from nf_course.face_features import face_features, feature_distance
from nf_course.grading.draw import Draw
from nf_course.grading.registry import find


def references(name):
    return find(name)[1].references


class FromNets(torch.nn.Module):
    """The exercise's two nets as a conditioner of nf_course, with the bounded log-scale undone."""

    def __init__(self, scale_net, shift_net):
        super().__init__()
        self.scale_net, self.shift_net = scale_net, shift_net

    def forward(self, kept, context=None):
        a = 2 * torch.atanh(self.scale_net(kept) / 2)
        return torch.cat((a, self.shift_net(kept)), 1)


def test_affine_coupling():
    encode, decode, log_det = (references(f"03.{name}")[0] for name in ("encode", "decode", "logdet"))
    for case in find("03.encode")[1].cases(Draw(0)):
        x, mask, scale_net, shift_net = case.args
        layer = nf.AffineCoupling(FromNets(scale_net, shift_net), nf.IndexMask(mask.tolist()))
        z, ladj = layer.encode(x)
        torch.testing.assert_close(encode(*case.args), z)
        torch.testing.assert_close(log_det(*case.args), ladj)
        torch.testing.assert_close(decode(z, mask, scale_net, shift_net), x)


def test_two_couplings():
    (encode_two,) = references("03.two_couplings")
    torch.manual_seed(0)
    first = nf.AffineCoupling(nf.MLP(2, 4, context_features=3, zero_init=False))
    second = nf.AffineCoupling(nf.MLP(2, 4, context_features=3, zero_init=False), nf.Halves().flipped())
    x, context = torch.randn(5, 4), torch.randn(5, 3)
    for got, want in zip(encode_two(x, first, second, context), nf.Sequential(first, second).encode(x, context)):
        torch.testing.assert_close(got, want)


def test_composition_and_base():
    (encode_all,), (log_prob,), (affine_mle,) = (references(f"02.{n}") for n in ("compose", "base_swap", "affine_mle"))
    torch.manual_seed(0)
    layers = [nf.randomise(layer) for layer in (nf.LULinear(3), nf.AffineCoupling(nf.MLP(1, 4)), nf.LULinear(3))]
    x, base = torch.randn(50, 3) @ torch.randn(3, 3), nf.StandardNormal(3)
    for got, want in zip(encode_all(x, layers), nf.Sequential(*layers).encode(x)):
        torch.testing.assert_close(got, want)
    flow = nf.Flow(nf.Sequential(*layers), base)
    torch.testing.assert_close(log_prob(x, flow.bijection, base), flow.log_prob(x))

    mu, L, nll = affine_mle(x)
    best = nf.Flow(nf.Inverse(nf.LULinear(3)), base)  # decode is a matrix: give it the one in closed form
    matrix = best.bijection.bijection
    with torch.no_grad():
        matrix.permutation.copy_(torch.arange(3))
        matrix.lower.copy_(L / L.diagonal()), matrix.upper.zero_()
        matrix.sign_s.fill_(1), matrix.log_abs_s.copy_(L.diagonal().log())
    torch.testing.assert_close(torch.tensor(nf.mean_nll(best, x - mu)), nll)


def test_lu_linear():
    build_w, log_det, solve, sign_and_log_det, factor = (
        references(f"07.{name}")[0] for name in ("build_w", "logdet", "solve", "sign", "factor")
    )
    torch.manual_seed(0)
    layer = nf.LULinear(5).double()
    nf.randomise(layer)
    factors = (layer.permutation, layer.lower, layer.upper, layer.sign_s, layer.log_abs_s)
    torch.testing.assert_close(build_w(*factors), layer.weight())
    image = torch.randn(3, 5, 2, 4, dtype=torch.float64)
    torch.testing.assert_close(log_det(image, layer.log_abs_s), layer.encode(image)[1])
    z = torch.randn(6, 5, dtype=torch.float64)
    torch.testing.assert_close(solve(z, *factors), layer.decode(z)[0])
    sign, log_abs_det = sign_and_log_det(layer.permutation, layer.sign_s, layer.log_abs_s)
    torch.testing.assert_close((sign, log_abs_det), tuple(torch.linalg.slogdet(layer.weight())))
    W = layer.weight().detach()
    torch.testing.assert_close(build_w(*factor(W)), W)


def test_base_and_sampling():
    (log_prob,), (sample,) = references("00.setup"), references("00.sample")
    z = torch.randn(4, 3)
    torch.testing.assert_close(log_prob(z), nf.StandardNormal((3,)).log_prob(z))
    decode = nf.AffineCoupling(nf.MLP(1, 2)).decode
    x = sample(decode, 6, 2, torch.Generator().manual_seed(0))
    assert x.shape == (6, 2) and math.isfinite(x.sum().item())


def test_density_through_decode():
    (log_prob_from_decode,) = references("01.sign")
    torch.manual_seed(0)
    flow = nf.Flow(nf.AffineCoupling(nf.MLP(1, 2, zero_init=False)), nf.StandardNormal((2,)))
    z = torch.randn(5, 2)
    x, ladj = flow.bijection.decode(z)
    torch.testing.assert_close(log_prob_from_decode(z, ladj), flow.log_prob(x))


def test_nice():
    names = ("encode", "decode", "logistic", "scaling", "bits")
    encode, decode, logistic_log_prob, scale, bits_per_dim = (references(f"04.{name}")[0] for name in names)
    torch.manual_seed(0)
    nets = [nf.MLP(3, 3, (8,), zero_init=False) for _ in range(3)]
    masks = [nf.Alternating().flipped() if k % 2 else nf.Alternating() for k in range(3)]
    stack = nf.CouplingStack(map(nf.AdditiveCoupling, nets, masks))
    x = torch.randn(5, 6)
    z = x
    for k, net in enumerate(nets):
        z, ladj = encode(z, net, k % 2)
    torch.testing.assert_close((z, ladj), stack.encode(x))
    torch.testing.assert_close(decode(z, nets), x)
    torch.testing.assert_close(logistic_log_prob(3 * x), nf.StandardLogistic(6).log_prob(3 * x))
    layer = nf.randomise(nf.DiagonalScaling(6))
    torch.testing.assert_close(scale(x, layer.log_scale), layer.encode(x))
    for width in (1, 2):
        ours = nf.density_bits_per_dim(1980.50, dims=784, bins=256, width=width)
        assert math.isclose(bits_per_dim(torch.tensor(1980.50).double(), 784, 256, width).item(), ours)


def test_dequantization():
    (bits,), (bound,), (unlogit,) = references("05.bits"), references("05.bound"), references("05.logit")
    torch.manual_seed(0)
    ours = nf.density_bits_per_dim(500.0, dims=192, bins=17, width=2)
    assert math.isclose(bits(torch.tensor(500.0).double(), (3, 8, 8), 17, -1.0, 1.0).item(), ours)
    x, density = torch.randint(17, (4, 6)), nf.Flow(nf.Logit(), nf.StandardNormal(6))
    whole = nf.Flow(nf.Sequential(nf.Dequantize(17), nf.Logit()), nf.StandardNormal(6))
    torch.manual_seed(1)
    want = whole.log_prob(x)
    torch.manual_seed(1)  # the same noise
    torch.testing.assert_close(bound(x, torch.rand(1, 4, 6), 17, density), want)
    z = 4 * torch.randn(4, 6)
    torch.testing.assert_close(unlogit(z, 0.05), nf.Logit(0.05).decode(z))


def test_image_couplings():
    names = ("masks", "coupling", "squeeze", "unsqueeze", "split")
    kept_and_moved, masked_encode, squeeze, unsqueeze, log_prob = (references(f"06.{name}")[0] for name in names)
    torch.manual_seed(0)
    x, layer = torch.randn(3, 2, 4, 6), nf.AffineCoupling(nf.ConvNet(4, 8, 8, zero_init=False), nf.Checkerboard())
    mask = nf.Checkerboard().as_bool(2, 4, 6)
    for got, want in zip(kept_and_moved(x), (torch.where(mask, x, 0), torch.where(mask, 0, x))):
        torch.testing.assert_close(got, want)
    kept, moved = layer.mask.split(x)
    log_scale, shift = (
        layer.mask.merge(torch.zeros_like(kept), value) for value in layer.log_scale_and_shift(kept, moved, None)
    )
    torch.testing.assert_close(masked_encode(x, mask, log_scale, shift), layer.encode(x))
    torch.testing.assert_close(squeeze(x), nf.Squeeze().encode(x)[0])
    torch.testing.assert_close(unsqueeze(squeeze(x)), x)
    h, rest = squeeze(x), nf.randomise(nf.LULinear(24))
    flow = nf.Flow(nf.Split(nf.Sequential(nf.Flatten((4, 2, 3)), rest), (8, 2, 3)), nf.StandardNormal(48))
    torch.testing.assert_close(log_prob(h, torch.zeros(3), rest), flow.log_prob(h))


def test_glow():
    (actnorm,), (split_prior,), (held_out_bits,) = (references(f"08.{n}") for n in ("actnorm", "split_prior", "bits"))
    torch.manual_seed(0)
    x, layer = 3 * torch.randn(6, 4, 2, 3) + 1, nf.ActNorm(4)
    want = layer.encode(x)
    got = actnorm(x, torch.zeros(4), torch.zeros(4), False)
    torch.testing.assert_close(got, (*want, layer.log_scale.detach(), layer.shift.detach()))
    torch.testing.assert_close(actnorm(x, layer.log_scale, layer.shift, True)[:2], layer.encode(x))

    coupling = nf.AffineCoupling(nf.ConvNet(2, 4, 8, zero_init=False))
    on, leave = x.chunk(2, 1)
    log_s, t = coupling.log_scale_and_shift(on, leave, None)
    log_scale, shift, log_prob = split_prior(leave, -t * torch.exp(-log_s), -log_s)
    torch.testing.assert_close((log_scale, shift), (log_s, t))
    z, ladj = coupling.encode(x)
    torch.testing.assert_close(log_prob, nf.StandardNormal((2, 2, 3)).log_prob(z[:, 2:]) + ladj)

    images, noise, flow = torch.randint(17, (5, 6)), torch.rand(3, 5, 6), nf.Flow(nf.Logit(), nf.StandardNormal(6))
    log_p = torch.stack([flow.log_prob((images + u) / 17) for u in noise]).mean()
    ours = nf.density_bits_per_dim(log_p.item(), dims=6, bins=17)
    assert math.isclose(held_out_bits(images, noise, nf.Logit(), flow.base, 17).item(), ours, rel_tol=1e-5)


def test_continuous_flows():
    names = ("trace", "rk4", "direction", "matching")
    hutchinson, rk4_step, log_density, matching_loss = (references(f"09.{name}")[0] for name in names)
    torch.manual_seed(0)
    field = nf.randomise(nf.MLPField(3, (8,))).double()
    x = torch.randn(5, 3).double().requires_grad_()
    e, v = nf.rademacher(x), field(0.3, x)
    torch.testing.assert_close(hutchinson(lambda y: field(0.3, y), x, e), nf.HutchinsonTrace()(v, x, e))
    step = nf.RK4(steps=1)(lambda t, state: (field(t, state[0]),), (x,), 0.0, 1.0)[0]
    torch.testing.assert_close(rk4_step(field, 0.0, x, 1.0), step)

    class WithDivergence:
        def __call__(self, t, y):
            return field(t, y)

        def divergence(self, t, y):
            y = y.detach().requires_grad_()
            return nf.ExactTrace()(field(t, y), y, None)

    flow = nf.Flow(nf.ContinuousFlow(field), nf.StandardNormal(3)).double()
    close = log_density(WithDivergence(), x.detach(), 1000)  # Euler: an error of the order of a step
    torch.testing.assert_close(close, flow.log_prob(x.detach()), rtol=0, atol=2e-3)
    torch.manual_seed(1)
    want = nf.flow_matching_loss(flow, x)
    torch.manual_seed(1)  # the same draws
    z, t = flow.base.sample(5), torch.rand(5, dtype=x.dtype)
    torch.testing.assert_close(matching_loss(field, x, z, t), want)


def test_conditional_flows():
    (encode,), (log_prob,), (posterior,) = references("10.coupling"), references("10.base"), references("10.bayes")
    torch.manual_seed(0)
    x, c = torch.randn(5, 5), torch.randn(5, 2)
    layer = nf.AffineCoupling(nf.MLP(2, 6, context_features=2, zero_init=False))

    def net(kept_and_context):
        a, shift = layer.conditioner(kept_and_context[:, :2], kept_and_context[:, 2:]).chunk(2, 1)
        return torch.cat((2 * torch.tanh(a / 2), shift), 1)

    torch.testing.assert_close(encode(x, c, net), layer.encode(x, c))
    base = nf.ConditionalNormal(5, nf.MLP(2, 10, zero_init=False))
    got = log_prob(layer, lambda c: torch.cat(base.mean_and_log_scale(c, len(c)), 1), x, c)
    torch.testing.assert_close(got, nf.Flow(layer, base).log_prob(x, c))

    log_lik, counts = 50 * torch.randn(4, 3), torch.tensor([5, 0, 20])
    want = torch.softmax(log_lik + counts.log(), 1)
    torch.testing.assert_close(posterior(log_lik, counts), want)


def test_srflow():
    names = ("injector", "psnr", "consistency", "resample")
    injector_encode, psnr, consistency, resample = (references(f"11.{name}")[0] for name in names)
    torch.manual_seed(0)
    x, c = torch.randn(4, 3, 2, 6), torch.randn(4, 5, 2, 6)
    layer = nf.AffineInjector(nf.ConvNet(5, 6, 8, zero_init=False))
    torch.testing.assert_close(injector_encode(x, layer.conditioner(c)), layer.encode(x, c))
    samples, low = torch.rand(2, 4, 3, 8, 12), torch.rand(4, 3, 2, 3)
    torch.testing.assert_close(psnr(samples[0], samples[1]), quality.psnr(samples[0], samples[1]))
    want = torch.stack([quality.psnr(nf.reduce(sample, 4), low) for sample in samples]).mean(0)
    torch.testing.assert_close(consistency(samples, low, 4), want)

    flow = nf.randomise(models.srflow((1, 8, 8), scale=2, levels=2, steps=1, hidden=8, features=8, blocks=1)).double()
    bijection = flow.bijection[1:]  # without the noise of dequantization
    x, c = 255 * torch.rand(3, 1, 8, 8).double(), torch.rand(3, 1, 4, 4).double()
    noise = [torch.randn(3, *shape).double() for shape in latents.part_shapes((1, 8, 8), levels=2)]
    again = latents.latent_parts(bijection.encode(resample(bijection, x, c, noise, 1, 0.7), c)[0], (1, 8, 8), levels=2)
    torch.testing.assert_close(again[0], latents.latent_parts(bijection.encode(x, c)[0], (1, 8, 8), levels=2)[0])
    torch.testing.assert_close(again[1], 0.7 * noise[1])
    torch.testing.assert_close(resample(bijection, x, c, noise, 2, 0.7), x)


def test_styleflow():
    names = ("edit", "linear", "matrix", "identity")
    edit, linear_edit, disentanglement_matrix, identity_kept = (references(f"12.{name}")[0] for name in names)
    torch.manual_seed(0)
    flow = nf.randomise(models.styleflow(features=6, context_features=3, hidden=(8,)), seed=0).double()
    w, source, target = (torch.randn(5, size, dtype=torch.float64) for size in (6, 3, 3))
    ours = editing.FlowEdit(flow, flow.bijection.solver)
    torch.testing.assert_close(edit(flow.bijection, w, source, target), ours(w, source, target))

    latents = torch.randn(40, 6, dtype=torch.float64)
    attributes = latents @ torch.randn(6, 3, dtype=torch.float64) + 0.1 * torch.randn(40, 3, dtype=torch.float64)
    linear, step = edit_baselines.LinearEdit(latents, attributes, keep=True), torch.randn(5, dtype=torch.float64)
    D = torch.linalg.pinv(linear.directions).T  # (K, F), the rows that least squares found
    moved = source.clone()
    moved[:, 1] += step
    torch.testing.assert_close(linear_edit(w, D, 1, step), linear(w, source, moved))

    editor = editing.StyleEditor(
        linear,
        lambda w: w.float().sigmoid().repeat(1, 2048).reshape(-1, 3, 64, 64),
        lambda images: images.flatten(1)[:, :3].double().square(),
        names=("a", "b", "c"),
    )
    found = edit_measures.disentanglement(editor, w, 0.5)
    before, ways = editor.measure(w), torch.tensor([1.0, -1, 1, -1, 1]).to(w)
    after = [editor.measure(editor.edit(w, {k: before[:, k] + 0.5 * ways}, source=before)) for k in range(3)]
    M, _ = disentanglement_matrix(before, torch.stack(after), torch.tensor([0.5, -0.5, 0.5]).to(w))
    torch.testing.assert_close(0.5 * M, torch.stack([measures.moved for measures in found]))

    images, edited = torch.rand(2, 4, 3, 64, 64)
    features, other = (face_features(picture) for picture in (images, edited))
    own = feature_distance(images, edited)
    strangers = feature_distance(images, images.roll(-1, 0))
    torch.testing.assert_close(identity_kept(3 * features, other / 2), 1 - own.mean() / strangers.mean())


def test_cflows():
    names = ("shared", "layers", "retrieval", "cycle")
    to_second, layered_log_prob, retrieve, cycle_term = (references(f"13.{name}")[0] for name in names)
    torch.manual_seed(0)
    both = nf.randomise(models.shared_latent(4, steps=2, hidden=(8,))).double().eval()
    x1 = torch.randn(5, 4, dtype=torch.float64)
    x2, ladj = to_second(x1, *(list(flow.bijection) for flow in (both.first, both.second)))
    torch.testing.assert_close(x2, both.to_second(x1))
    torch.testing.assert_close(ladj, both.first.bijection.encode(x1)[1] - both.second.bijection.encode(x2)[1])

    there, back = (
        nf.randomise(models.cflow(*sizes, steps=2, hidden=(8,))).double().eval() for sizes in ((4, 3), (3, 4))
    )
    x2, joined = torch.randn(5, 3, dtype=torch.float64), there.bijection
    got = layered_log_prob(x2, x1, list(joined.source), list(joined.target), there.base)
    torch.testing.assert_close(got, there.log_prob(x2, x1))

    state = torch.get_rng_state()
    want = models.cycle_distance(there, back, x1).mean()
    torch.set_rng_state(state)
    noise = there.base.sample(5).to(x1)[None]
    torch.testing.assert_close(cycle_term(joined, back.bijection, x1, noise), want)

    pictures, clouds = torch.rand(6, 1, 8, 8), torch.rand(6, 7, 3)
    torch.testing.assert_close(retrieve(pictures[[4, 2]], pictures, clouds), clouds[[4, 2]])


def test_shapes():
    names = ("set_log_prob", "sample", "chamfer", "bound")
    set_log_prob, sample_points, chamfer, lower_bound = (references(f"14.{name}")[0] for name in names)
    torch.manual_seed(0)
    model = nf.randomise(models.pointflow(code=4, couplings=2, hidden=(8,), prior=2)).double().eval()
    points, code = torch.randn(3, 7, 3, dtype=torch.float64), torch.randn(3, 4, dtype=torch.float64)
    flow = model.points.bijection
    torch.testing.assert_close(set_log_prob(flow, points, code), model.log_prob_given(points, code))
    drawn = sample_points(flow, code, 7, torch.Generator().manual_seed(0))
    z, _ = flow.encode(drawn.flatten(0, 1), code.repeat_interleave(7, 0))
    want = torch.randn(z.shape, dtype=z.dtype, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(z.sort(0).values, want.sort(0).values)
    torch.testing.assert_close(chamfer(points, points[:, :5] + 1), nf.chamfer(points, points[:, :5] + 1))

    class Means(torch.nn.Module):  # the exercise's encoder, as PointFlow wants one: its deviation is a softplus
        def forward(self, x):
            mean, log_deviation = (each(x.flatten(0, 1)).unflatten(0, x.shape[:2]).mean(1)).chunk(2, 1)
            return torch.cat((mean, (log_deviation.exp() - 0.01).expm1().log()), 1)

    each = torch.nn.Linear(3, 8).double()
    model.encoder = Means()
    state = torch.get_rng_state()
    want = model.log_prob(points)
    torch.set_rng_state(state)
    got = lower_bound(each, flow, model.prior, points, torch.randn_like(code))
    torch.testing.assert_close(got, want)


def test_poses():
    names = ("project", "best_of", "coverage", "bent")
    project, best_of, depth_coverage, bent = (references(f"15.{name}")[0] for name in names)
    torch.manual_seed(0)
    joints, views = torch.randn(5, 6, 3), nf.random_cameras(5, seed=0)
    torch.testing.assert_close(project(joints, views), nf.seen_by(views, joints))
    joints = joints - joints[:, :1]
    samples = torch.randn(12, 5, 6, 3)
    samples = samples - samples[:, :, :1]
    errors = torch.stack([nf.joint_error(one, joints) for one in samples])
    torch.testing.assert_close(best_of(samples, joints), pose_table.best_of(errors))
    drawn, depths, levels = torch.randn(19, 40, 3), torch.randn(40, 3), torch.tensor([0.9, 0.2, 0.5])
    want = torch.stack([pose_table.coverage(drawn[..., [j]], depths[:, [j]], levels.tolist()) for j in range(3)], 1)
    torch.testing.assert_close(depth_coverage(drawn, depths, levels), want)
    prior = nf.randomise(models.pose_prior(joints=6, steps=2, hidden=(8,))).eval()
    before, after = bent(prior.bijection, prior.base, joints, (1, 3, 4))
    torch.testing.assert_close(before, prior.log_prob(joints[:, 1:].flatten(1)))
    assert (after != before).all()


def test_regularisers():
    names = ("gradient", "inpaint", "weight", "total_variation")
    map_gradient, inpaint_term, choose_weight, total_variation = (references(f"16.{name}")[0] for name in names)
    torch.manual_seed(0)
    flow = nf.randomise(models.realnvp(4, couplings=2, hidden=(8,))).double().eval()
    x, y = (torch.randn(3, n, dtype=torch.float64) for n in (4, 2))
    A, weight = torch.randn(2, 4, dtype=torch.float64), torch.tensor([0.5, 1.0, 0.0], dtype=torch.float64)
    step = map_gradient(flow.bijection, x, y, A, 0.7, weight)
    near = nf.map_estimate(flow, lambda x: (x @ A.T - y).square().sum(1) / (2 * 0.7**2), weight, x, steps=1, lr=1e-6)
    torch.testing.assert_close(near.x, x - 1e-6 * step.sign(), atol=1e-9, rtol=0)  # Adam's first step: the sign alone

    image, seen = torch.rand(3, 2, 5, 6, dtype=torch.float64), torch.rand(3, 1, 5, 6) < 0.5
    other = torch.rand_like(image)
    want = restoration.masked(other, seen, 0.3)(image)
    torch.testing.assert_close(inpaint_term(image, other, seen, 0.3), want)
    torch.testing.assert_close(total_variation(image, 0.1), restoration.total_variation(image, 0.1))
    chosen, restored = choose_weight(lambda w, r: w * r, torch.tensor([0.0, 1.0, 2.0]), image, 2.1 * image, other)
    assert chosen == 2 and torch.equal(restored, 2 * other)
