"""14.sample: any number of points of each code's shape. Many answers are right, so their latents are judged."""

import torch
from torch import Tensor

from nf_course.grading.exercise import Case, Exercise, Finding, Mistake
from nf_course.grading.exercises.ch14_shapes.shared import shape_flow
from nf_course.grading.parts import map_tensors

TASK = r"""
A flow over points is a shape of any resolution: draw as many points of it as you like, all with the same code. For
the shapes of the codes $s_1, \dots, s_N$,

$$\begin{gathered}
z_{n,i} \sim \mathcal{N}(0, I_3) \quad \text{independently}, \\
x_{n,i} = f^{-1}(z_{n,i};\, s_n), \\
n = 1, \dots, N, \qquad i = 1, \dots, \mathtt{count}
\end{gathered}$$

`code` has shape `(N, K)`. `flow.decode(z, c)` takes latents of points, `(M, 3)`, with a code for each, `(M, K)`, and
returns the pair `(x, ladj)`. Draw with the `generator` that you are given, on the CPU, and let the latents have the
dtype of the codes. Return the points of each shape, a tensor of shape `(N, count, 3)`.
"""

HINTS = (
    "Every point needs a latent of its own and the code of its shape. How many rows does flow.decode get?",
    "N * count rows: torch.randn(N * count, 3, generator=generator, dtype=code.dtype). code.repeat_interleave(count, 0)"
    " gives each code count times in a row.",
    "z as in hint 2; then x, ladj = flow.decode(z, code.repeat_interleave(count, 0)), and x.view(N, count, 3).",
)

ENOUGH = 500  # rows of which means and covariances are looked at


def sample_points(flow, code, count, generator):
    z = torch.randn(len(code) * count, 3, generator=generator, dtype=code.dtype)
    x, _ = flow.decode(z, code.repeat_interleave(count, 0))
    return x.view(len(code), count, 3)


def _case(draw, n, count, k, kept, shift=2.0):
    """Codes on both sides of zero, their mean on one of them, and a flow that each of them moves far."""
    flow = shape_flow(draw, kept, k, shift=shift)
    flow.shift_net.bias.mul_(0.2)
    flow.shift_net.context_weight.copy_(draw.uniform(0.7, 1.0, 3 - kept, k) * draw.signs(k))
    side = 1 - 2.0 * (torch.arange(n, device=draw.device) % 4 == draw.integer(0, 4))  # one in four is on the other
    code = draw.uniform(0.3, 0.9, n, k) * side[:, None] * flow.shift_net.context_weight[0].sign()
    generator = torch.Generator("cpu").manual_seed(draw.integer(0, 2**31))
    return Case((map_tensors(Tensor.cpu, flow), code.cpu(), count, generator))


def cases(draw):
    """Many points of few shapes, few of many, one shape, one point, and as few as can be.

    Where the flow moves points by up to 1e4, latents of ordinary size mean that each point is right to 1e-4.
    """
    sizes = ((4, 1000, 2, 1), (600, 3, 3, 2), (1, 1200, 1, 1), (800, 1, 2, 1, 1e4), (2, 1, 3, 2))
    return [_case(draw, *size) for size in sizes]


def judge(case, value):
    """Take the points back to their latents by the code of their shape, and look whether those are normal noise."""
    _, code, count, _ = case.args
    n, want = len(code), (len(code), count, 3)
    if isinstance(value, (tuple, list)) and len(value) == 2 and isinstance(value[0], Tensor):
        return _found("pair", "the points alone, a tensor", "the pair (x, ladj)")
    if not isinstance(value, Tensor):
        return Finding("type", "a torch.Tensor", f"a {type(value).__name__}")
    x = value.detach()
    if x.shape != want:
        shapes = {
            (n * count, 3): "flat",
            (count, n, 3): "points_first",
            (n, 3, count): "transposed",
            (n * count,): "ladj",
            (n, count): "ladj",
            (n, 3): "one_point",
            (count, 3): "one_shape",
        }
        return _found(shapes.get(tuple(x.shape)), f"shape {want}", f"shape {tuple(x.shape)}", "shape")
    if x.dtype != code.dtype or x.device != code.device:
        return Finding("dtype", f"{code.dtype} on {code.device}, as the codes", f"{x.dtype} on {x.device}")
    if not torch.isfinite(x).all():
        return Finding("finite", "finite points", "NaN or infinity among them")
    flow, code, x = (map_tensors(_double, part) for part in (case.args[0], code, x))
    z = _latents(flow, x, code[:, None])
    if n * count < ENOUGH or _noise(z):
        return None
    return _found(_why(flow, code, x, z), "independent standard normal latents of each shape's points", _moments(z))


def _double(tensor: Tensor) -> Tensor:
    return tensor.double() if tensor.is_floating_point() else tensor


def _latents(flow, x: Tensor, code: Tensor, way: str = "encode") -> Tensor:
    """Where the points come from, if these are their codes, (N, 1, K) or (N, count, K)."""
    codes = code.expand(*x.shape[:2], code.shape[-1]).reshape(-1, code.shape[-1])
    return getattr(flow, way)(x.reshape(-1, 3), codes)[0].view(x.shape)


def _noise(z: Tensor) -> bool:
    """Normal numbers, each independent of those of its own shape and of those of the others."""
    n, count, _ = z.shape
    rows = z.reshape(-1, 3)
    if len(rows.abs().round(decimals=9).unique(dim=0)) < len(rows) or not _normal(rows):
        return False
    tables = (z.transpose(0, 1).reshape(count, -1), z.reshape(n, -1))  # a row for each place in a set, for each set
    return all(_uncorrelated(table) for table in tables if len(table) >= ENOUGH)


def _normal(z: Tensor) -> bool:
    """Means, covariances, fourth moments and tails within six standard errors of the standard normal's."""
    error = len(z) ** -0.5
    fourth = (z.pow(4).mean(0) - 3).abs().max() < 6 * 96**0.5 * error
    beyond = ((z.abs() > 2.2).double().mean(0) - 0.0278).abs().max() < 6 * 0.1644 * error
    neighbours = (z[1:] * z[:-1]).mean(0).abs().max() < 6 * error
    return bool(_uncorrelated(z) and fourth and beyond and neighbours)


def _uncorrelated(z: Tensor) -> bool:
    error, unit = len(z) ** -0.5, torch.eye(z.shape[1], dtype=z.dtype)
    return bool(z.mean(0).abs().max() < 6 * error and (z.T @ z / len(z) - unit).abs().max() < 6 * 2**0.5 * error)


def _why(flow, code: Tensor, x: Tensor, z: Tensor) -> str | None:
    """The first explanation by which the points come from normal noise after all."""
    n, count, _ = x.shape
    own, row = code[:, None], torch.arange(n * count)
    if len(x.reshape(-1, 3).round(decimals=9).unique(dim=0)) < n * count:
        return "repeated"
    if n > 1 and torch.allclose(z, z[:1].expand_as(z), atol=1e-5):
        return "shared_noise"
    ways = (
        ("codes_in_turn", lambda: _latents(flow, x, code[row.view(n, count) % n])),
        ("mixed_rows", lambda: _latents(flow, x, code[row.view(count, n).T // count])),
        ("mixed_coordinates", lambda: _latents(flow, x.transpose(1, 2).reshape(n, count, 3), own)),
        ("one_code", lambda: _latents(flow, x, code[:1, None])),
        ("one_code", lambda: _latents(flow, x, code[-1:, None])),
        ("one_code", lambda: _latents(flow, x, code.mean(0)[None, None])),
        ("no_code", lambda: _latents(flow, x, 0 * code[:1, None])),
        ("not_decoded", lambda: x),
        ("encoded", lambda: _latents(flow, x, own, "decode")),
        ("decoded_twice", lambda: _latents(flow, z, own)),
        ("noise_after", lambda: x - _latents(flow, 0 * x, own, "decode")),
    )
    return next((name for name, latents in ways if _noise(latents())), None) or _kind(z.reshape(-1, 3))


def _kind(z: Tensor) -> str | None:
    if torch.corrcoef(z.T).min() > 0.99:
        return "shared_coordinates"
    scaled = (z - z.mean(0)) / z.std(0)
    if (scaled.pow(4).mean(0) - 1.8).abs().max() < 0.25 and scaled.abs().max() < 2:
        return "uniform"
    if z.abs().max() < 3 and (z.max() - z < 1e-4).sum() > 10:
        return "cut_off"
    return "other_normal" if _normal(scaled) else None


def _moments(z: Tensor) -> str:
    return f"mean {z.mean():.2g}, variance {z.var():.2g}, {100 * (z.abs() > 2.2).double().mean():.2g} % beyond 2.2"


def _found(name: str | None, expected: str, got: str, test: str = "value") -> Finding:
    likely = next((mistake.message for mistake in MISTAKES if mistake.name == name), "")
    return Finding(test, expected, got, likely=likely, mistake=name)


def generator_decides(ask, draw):
    """The same seed gives the same points, another one others, and so does the same generator later; float32 too."""
    flow, code, count, _ = _case(draw, 3, 5, 2, 1).args
    later = torch.Generator("cpu").manual_seed(1)
    torch.rand(50, generator=later)
    seeds = [torch.Generator("cpu").manual_seed(seed) for seed in (1, 1, 2)]
    first, again, other, after = (ask(flow, code, count, generator) for generator in (*seeds, later))
    if not torch.equal(first, again):
        return _found("generator", "the same points for the same generator", "different ones", "property")
    if torch.equal(first, other) or torch.equal(first, after):
        got = "the same points for another seed" if torch.equal(first, other) else "the same points again"
        return _found("generator", "other points from another generator, or from the same one later", got, "property")
    ask(map_tensors(_single, flow), code.float(), count, later)  # float32 must come back: the judge looks
    return None


def _single(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.is_floating_point() else tensor


def _failing(call):
    """`call(flow, z, code)` of noise that is drawn as it should be."""

    def answer(flow, code, count, generator):
        z = torch.randn(len(code) * count, 3, generator=generator, dtype=code.dtype)
        return call(flow, z, code).view(len(code), count, 3)

    return answer


_ROWS = (
    ("pair", "decode returns the pair (x, ladj): take x out of it"),
    ("ladj", "this is ladj, the second thing that decode returns: take the first, x"),
    ("flat", "the points of all shapes are in one list: .view(N, count, 3) sorts them by shape"),
    ("points_first", "the first two dimensions are exchanged: shapes first, and then their points"),
    ("transposed", "the last two dimensions are exchanged: a point is a row of three coordinates"),
    ("one_point", "one point for each shape: each gets count of them"),
    ("one_shape", "the points of one shape: every code has its own"),
    ("repeated", "the same points again and again: draw a latent for every point of every shape"),
    ("shared_noise", "all shapes are made of the same latents: draw N * count of them, not count"),
    ("shared_coordinates", "the coordinates of a latent are one number: draw three for each point"),
    ("codes_in_turn", "the codes take turns, and the shapes are mixed: repeat_interleave(count, 0), not repeat"),
    (
        "mixed_rows",
        "the points are sorted into other shapes than those of their codes: .view(N, count, 3), no transpose",
    ),
    (
        "mixed_coordinates",
        "coordinates of different points are mixed: .view(N, count, 3) as it is, without a transpose",
    ),
    ("one_code", "one code for all shapes, the first, the last or their mean: each has its own"),
    ("no_code", "zeros stand for the codes: each point gets the code of its shape"),
    ("not_decoded", "these are the latents z: they have not been through decode"),
    ("encoded", "the latents have been through encode: decode leads from latents to points"),
    ("decoded_twice", "decoded twice: once is enough"),
    ("noise_after", "the latent 0 is decoded and noise added to the point: the noise is what is decoded"),
    ("uniform", "the noise is uniform (torch.rand); the base is the normal distribution (torch.randn)"),
    ("cut_off", "the noise is cut off: the normal distribution has tails, so no clamp"),
    ("other_normal", "the latents are normal, but of another mean or deviation: they are 0 and 1"),
    (
        "generator",
        "the generator does not decide the points: pass generator=generator to torch.randn, and seed nothing",
    ),
)
MISTAKES = (
    *(Mistake(name, message) for name, message in _ROWS),
    Mistake(
        "single",
        "the latents are float32 and the codes float64: torch.randn(..., dtype=code.dtype)",
        lambda flow, code, count, generator: flow.decode(
            torch.randn(len(code) * count, 3, generator=generator), code.repeat_interleave(count, 0)
        ),
    ),
    Mistake(
        "not_rows",
        "flow.decode takes latents as rows, (N * count, 3), with a code for each",
        lambda flow, code, count, generator: flow.decode(
            torch.randn(len(code), count, 3, generator=generator, dtype=code.dtype), code
        ),
    ),
    Mistake(
        "codes_not_repeated",
        "N codes meet N * count latents: each code is needed count times, code.repeat_interleave(count, 0)",
        _failing(lambda flow, z, code: flow.decode(z, code)[0]),
    ),
    Mistake(
        "code_not_passed",
        "the code is not passed on: flow.decode(z, c)",
        _failing(lambda flow, z, code: flow.decode(z)[0]),
    ),
)

EXERCISE = Exercise(
    id="14.sample",
    title="Sample a shape",
    level="core",
    minutes=10,
    points=3,
    anchor="sec-14-sample",
    task=TASK,
    hints=HINTS,
    references=(sample_points,),
    returns=("points (N, count, 3)",),
    cases=cases,
    mistakes=MISTAKES,
    judge=judge,
    independent=generator_decides,
)
