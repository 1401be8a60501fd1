"""13.cycle: how far from where it began a way to the other kind of data and back ends."""

from dataclasses import replace

import torch

from nf_course.grading.exercise import Case, Exercise, Finding, mistakes_of

TASK = r"""
What is made of $x_1$ should lead back to $x_1$. The cycle term measures whether it does: go from $x_1$ to samples of
$x_2$, come back from each at temperature 0, which is the point to which the flow back decodes $z = 0$, and see how far
from $x_1$ you end. With the flows $f_{\text{there}}$ of $p(x_2 \mid x_1)$, which is `there`, and $f_{\text{back}}$ of
$p(x_1 \mid x_2)$, which is `back`,

$$\begin{gathered}
x_2^{(k,n)} = f_{\text{there}}^{-1}\bigl(e_{k,n};\ x_1^{(n)}\bigr), \\
\tilde{x}_1^{(k,n)} = f_{\text{back}}^{-1}\bigl(0;\ x_2^{(k,n)}\bigr), \\
\text{cycle} = \frac{1}{K N} \sum_{k=1}^{K} \sum_{n=1}^{N} \bigl\lVert \tilde{x}_1^{(k,n)} - x_1^{(n)} \bigr\rVert^2
\end{gathered}$$

`x1` has shape `(N, D1)`. `noise` holds the $e_{k,n}$, drawn for you: `(K, N, D2)`, for each row of `x1` $K$ draws, and
`D1` and `D2` may differ. `flow.decode(z, context)` of either flow takes two tensors with as many rows and returns the
pair `(x, ladj)`. Return one number, through which a gradient reaches both flows: it is a term of their loss.
"""

HINTS = (
    "Two calls of decode for each draw. What is the latent of each, what its context, and how many numbers have they?",
    "The flows take rows, (rows, D). Loop over noise, one (N, D2) at a time; or flatten it to (K * N, D2), with x1 "
    "repeated to match, x1.repeat(K, 1).",
    "For each e of noise: x2, _ = there.decode(e, x1); again, _ = back.decode(torch.zeros_like(x1), x2); sum "
    "(again - x1)^2 over dim 1. Return the mean of all.",
)


def cycle_term(there, back, x1, noise):
    squares = []
    for e in noise:
        x2, _ = there.decode(e, x1)
        again, _ = back.decode(torch.zeros_like(x1), x2)
        squares.append((again - x1).square().sum(1))
    return torch.stack(squares).mean()


def cases(draw):
    """x1 smaller than x2, larger, as large; one row, one draw, as many draws as rows."""
    made = []
    for k, n, d1, d2 in ((3, 5, 2, 4), (4, 1, 5, 3), (1, 6, 3, 3), (2, 3, 4, 2), (4, 4, 3, 5)):
        there = draw.coupling("there", draw.mask(d2, d2 // 2), context=d1)
        back = draw.coupling("back", draw.mask(d1, d1 // 2), context=d2)
        made.append(Case((there, back, 1.2 * draw.normal(n, d1), draw.normal(k, n, d2))))
    return made


def known_samples(ask, draw):
    """Noise made from samples by encode, the way back by its nets; and two flows that change nothing."""
    there, back, x1, _ = cases(draw)[0].args
    n = len(x1)
    samples = draw.normal(2, n, len(there.mask))
    noise = torch.stack([there.encode(x2, x1)[0] for x2 in samples])
    total, origin = 0.0, torch.zeros(n, int(back.mask.sum())).to(x1)
    for x2 in samples:
        moved = -back.shift_net(origin, x2) * torch.exp(-back.scale_net(origin, x2))
        total += x1[:, back.mask].square().sum().item() + (moved - x1[:, ~back.mask]).square().sum().item()
    still = [
        replace(flow, scale_net=_silent(flow.scale_net), shift_net=_silent(flow.shift_net)) for flow in (there, back)
    ]
    for what, want, flows, e in (
        (", by hand, for samples that were given", total / (2 * n), (there, back), noise),
        (" for two flows that change nothing: the mean of |x1|^2", x1.square().sum().item() / n, still, noise),
        (", by hand, for draws in another order", total / (2 * n), (there, back), noise.flip(0)),
    ):
        got = float(ask(*flows, x1, e))
        if not abs(got - want) <= 1e-5 * (1 + abs(want)):
            return Finding("property", f"{want:.4f}{what}", f"{got:.4f}")
    return None


def _silent(net):
    return replace(net, amplitude=0.0)


def _answer(
    *,
    noise=lambda e, x1: e,
    there=lambda flow, e, x1: flow.decode(e, x1)[0],
    sample=lambda x2: x2,
    back=lambda flow, x2, x1, e: flow.decode(torch.zeros_like(x1), x2)[0],
    again=lambda x: x,
    square=lambda again, x1, x2: (again - x1).square().sum(1),
    combine=lambda squares: squares.mean(),
):
    """The right answer but for the parts that are given; lists over the draws are put together as (K, N, ...)."""

    def answer(f, g, x1, e):
        draws = noise(e, x1)
        x2 = sample(torch.stack([there(f, e_k, x1) for e_k in draws]))
        ends = again(torch.stack([back(g, x, x1, e_k) for x, e_k in zip(x2, draws)]))
        return combine(torch.stack([square(end, x1, x) for end, x in zip(ends, x2)]))

    return answer


def _flat(x1_rows, noise_rows=lambda e: e.flatten(0, 1)):
    """All draws in one call, with `x1_rows(x1, K)` beside them."""

    def answer(f, g, x1, e):
        x, z = x1_rows(x1, len(e)), noise_rows(e)
        x2, _ = f.decode(z, x)
        return (g.decode(torch.zeros_like(x), x2)[0] - x).square().sum(1).mean()

    return answer


def _mean_kept(x):
    return x.mean(0, keepdim=True).expand_as(x)


def _volumes(f, g, x1, e):
    ladjs = [(f.decode(z, x1)[1], g.decode(torch.zeros_like(x1), f.decode(z, x1)[0])[1]) for z in e]
    return [torch.stack(found) for found in zip(*ladjs)]


def _with_ladj(formula):
    return lambda f, g, x1, e: formula(cycle_term(f, g, x1, e), *_volumes(f, g, x1, e))


_SCALED = (lambda c: c / 2, lambda c: 2 * c, torch.neg, torch.log, lambda c: (-c).exp())
_ROWS = (
    (
        "warm_return",
        "the way back is drawn as well: at temperature 0 it starts from zeros",
        _answer(back=lambda flow, x2, x1, e: flow.decode(torch.randn_like(x1), x2)[0]),
        _answer(back=lambda flow, x2, x1, e: flow.decode(e, x2)[0]),
        _answer(back=lambda flow, x2, x1, e: flow.decode(e[:, : x1.shape[1]], x2)[0]),
    ),
    (
        "cold_sample",
        "the way there is taken at temperature 0: there the noise is the latent, and zeros belong to the way back",
        _answer(there=lambda flow, e, x1: flow.decode(torch.zeros_like(e), x1)[0]),
    ),
    (
        "own_noise",
        "noise of your own is drawn: it comes with the arguments, so that the same call gives the same number",
        _answer(there=lambda flow, e, x1: flow.decode(torch.randn_like(e), x1)[0]),
        _answer(noise=lambda e, x1: torch.randn_like(e)),
    ),
    (
        "zeros_of_x2",
        "the zeros have the size of the noise: the way back starts from a latent of x1, zeros_like(x1)",
        _answer(back=lambda flow, x2, x1, e: flow.decode(torch.zeros_like(e), x2)[0]),
        lambda f, g, x1, e: g.decode(torch.zeros_like(e.flatten(0, 1)), f.decode(e[0], x1)[0])[0],
    ),
    (
        "not_returned",
        "the way back is missing: this compares x2, or noise, with x1",
        _answer(back=lambda flow, x2, x1, e: x2),
        _answer(back=lambda flow, x2, x1, e: e),
        lambda f, g, x1, e: (torch.stack([f.decode(z, x1)[0] for z in e]) - x1).square().sum(2).mean(),
    ),
    (
        "context_noise",
        "the way back is given the noise: its context is the sample, x2",
        _answer(back=lambda flow, x2, x1, e: flow.decode(torch.zeros_like(x1), e)[0]),
    ),
    (
        "context_x1",
        "the way back is given x1, where it should be found again: its context is the sample, x2",
        _answer(back=lambda flow, x2, x1, e: flow.decode(torch.zeros_like(x1), x1)[0]),
        _answer(back=lambda flow, x2, x1, e: flow.decode(x1, x2)[0]),
        _answer(back=lambda flow, x2, x1, e: flow.decode(x2, x1)[0]),
    ),
    (
        "exchanged",
        "the two flows are exchanged: `there` leads from x1 to x2, `back` from x2 to x1",
        lambda f, g, x1, e: cycle_term(g, f, x1, e),
    ),
    (
        "same_flow",
        "one flow for both ways: `there` leads from x1 to x2, `back` from x2 to x1",
        lambda f, g, x1, e: cycle_term(f, f, x1, e),
        lambda f, g, x1, e: cycle_term(g, g, x1, e),
    ),
    (
        "encoded",
        "encode leads to a latent: samples, and the point at temperature 0, come from decode",
        _answer(there=lambda flow, e, x1: flow.encode(e, x1)[0]),
        _answer(back=lambda flow, x2, x1, e: flow.encode(torch.zeros_like(x1), x2)[0]),
        _answer(
            there=lambda flow, e, x1: flow.encode(e, x1)[0],
            back=lambda flow, x2, x1, e: flow.encode(torch.zeros_like(x1), x2)[0],
        ),
    ),
    (
        "in_latent",
        "a distance between latents: x1 is encoded on the way back; decode zeros, and compare with x1",
        _answer(back=lambda flow, x2, x1, e: flow.encode(x1, x2)[0]),
        _answer(back=lambda flow, x2, x1, e: flow.encode(x1, x2)[0], square=lambda a, x1, x2: a.square().sum(1)),
    ),
    (
        "mean_noise",
        "the draws are averaged before the way there: each of them is a way of its own",
        _answer(noise=lambda e, x1: e.mean(0, keepdim=True)),
    ),
    (
        "mean_sample",
        "the samples are averaged before the way back: a mean of samples is no sample, come back from each",
        _answer(sample=_mean_kept),
    ),
    (
        "mean_end",
        "the ends are averaged before the distance: spread around x1 counts, so square first",
        _answer(again=_mean_kept),
    ),
    (
        "one_draw",
        "one draw alone: average over all K of them",
        _answer(noise=lambda e, x1: e[:1]),
        _answer(noise=lambda e, x1: e[-1:]),
    ),
    (
        "best_draw",
        "the nearest or the farthest draw alone, or a median: average over all K of them",
        _answer(combine=lambda s: s.amin(0).mean()),
        _answer(combine=lambda s: s.amax(0).mean()),
        _answer(combine=lambda s: s.min()),
        _answer(combine=lambda s: s.median()),
    ),
    (
        "same_draw",
        "the same draws for every row: e[k, n] belongs to row n",
        _answer(noise=lambda e, x1: e[:, :1].expand_as(e)),
    ),
    (
        "rows_mixed",
        "rows are mixed: flattened noise has all rows of draw 1 first, so x1 is repeated as a whole, x1.repeat(K, 1)",
        _flat(lambda x1, k: x1.repeat_interleave(k, 0)),
        _flat(lambda x1, k: x1.repeat(k, 1), lambda e: e.transpose(0, 1).flatten(0, 1)),
        _flat(lambda x1, k: x1.repeat(k, 1), lambda e: e.permute(1, 2, 0).reshape(-1, e.shape[2])),
        _flat(lambda x1, k: x1.repeat(k, 1), lambda e: e.transpose(1, 2).reshape(-1, e.shape[2])),
    ),
    (
        "root",
        "distances: their squares are averaged",
        _answer(square=lambda a, x1, x2: (a - x1).norm(dim=1)),
        _answer(square=lambda a, x1, x2: (a - x1).norm(dim=1), combine=lambda s: s.mean().square()),
        _answer(combine=lambda s: s.sum().sqrt()),
    ),
    (
        "square_of_sum",
        "differences are summed before they are squared: those of either sign cancel; square first, then sum",
        _answer(square=lambda a, x1, x2: (a - x1).sum(1).square()),
        _answer(square=lambda a, x1, x2: (a - x1).mean(1).square()),
    ),
    (
        "root_of_mean",
        "the root of the mean: the mean of the squares itself is asked for",
        lambda *args: cycle_term(*args).sqrt(),
        _answer(square=lambda a, x1, x2: (a - x1).square().mean(1), combine=lambda s: s.mean().sqrt()),
    ),
    (
        "absolute",
        "absolute differences: squares are summed",
        _answer(square=lambda a, x1, x2: (a - x1).abs().sum(1)),
        _answer(square=lambda a, x1, x2: (a - x1).abs().mean(1)),
    ),
    (
        "mean_feature",
        "a mean over the D1 numbers of x1 as well: the norm sums their squares, the mean is over draws and rows",
        _answer(square=lambda a, x1, x2: (a - x1).square().mean(1)),
    ),
    (
        "summed",
        "a sum over draws or rows: the mean over both is asked for",
        _answer(combine=lambda s: s.sum()),
        _answer(combine=lambda s: s.sum(0).mean()),
        _answer(combine=lambda s: s.sum(1).mean()),
    ),
    (
        "wrong_count",
        "divided by another number than K * N",
        *(lambda f, g, x1, e, p=p: cycle_term(f, g, x1, e) * e.shape[p] for p in (0, 1)),
        lambda f, g, x1, e: cycle_term(f, g, x1, e) * e.shape[0] * e.shape[1] / e.shape[2],
        lambda f, g, x1, e: cycle_term(f, g, x1, e) / e.shape[2],
        *(lambda f, g, x1, e, p=p: cycle_term(f, g, x1, e) * e.shape[p] / e.shape[2] for p in (0, 1)),
        lambda f, g, x1, e: cycle_term(f, g, x1, e) * e.shape[0] / max(e.shape[0] - 1, 1),
    ),
    (
        "per_row",
        "a number for each row or draw: one for all of them is asked for",
        _answer(combine=lambda s: s.mean(0)),
        _answer(combine=lambda s: s.mean(1)),
        _answer(combine=lambda s: s),
        _answer(combine=lambda s: s.flatten()),
        _answer(combine=lambda s: s.sum(0)),
    ),
    (
        "not_compared",
        "this is where one ends: take x1, where one began, off it",
        _answer(square=lambda a, x1, x2: a.square().sum(1)),
        _answer(square=lambda a, x1, x2: (a + x1).square().sum(1)),
    ),
    (
        "centred",
        "means are taken off: the distance is that of the points as they are",
        _answer(square=lambda a, x1, x2: (a - x1 - (a - x1).mean(0)).square().sum(1)),
        _answer(square=lambda a, x1, x2: (a - x1 - (a - x1).mean(1, keepdim=True)).square().sum(1)),
    ),
    (
        "relative",
        "divided by the size of x1: the squares are averaged as they are",
        _answer(square=lambda a, x1, x2: (a - x1).square().sum(1) / x1.square().sum(1)),
        lambda f, g, x1, e: cycle_term(f, g, x1, e) / x1.square().sum(1).mean(),
    ),
    (
        "scaled",
        "the mean square itself is asked for: no half, no sign, no exp or log",
        *(lambda *args, change=change: change(cycle_term(*args)) for change in _SCALED),
    ),
    (
        "ladj_used",
        "ladj has no place in a distance: only where the points go counts",
        _with_ladj(lambda c, there, back: c - there.mean()),
        _with_ladj(lambda c, there, back: c + there.mean()),
        _with_ladj(lambda c, there, back: c - back.mean()),
        _with_ladj(lambda c, there, back: c + back.mean()),
        _with_ladj(lambda c, there, back: c + (there + back).mean()),
        _with_ladj(lambda c, there, back: c - (there + back).mean()),
    ),
    (
        "one_context",
        "one x1 for the whole batch, or zeros: each row has its own",
        _answer(there=lambda flow, e, x1: flow.decode(e, x1[:1].expand_as(x1))[0]),
        _answer(there=lambda flow, e, x1: flow.decode(e, x1.mean(0, keepdim=True).expand_as(x1))[0]),
        _answer(there=lambda flow, e, x1: flow.decode(e, 0 * x1)[0]),
        _answer(back=lambda flow, x2, x1, e: flow.decode(torch.zeros_like(x1), 0 * x2)[0]),
    ),
    (
        "no_context",
        "the context is not passed on, or is a pair: x2, _ = there.decode(e, x1), and then back.decode(zeros, x2)",
        _answer(there=lambda flow, e, x1: flow.decode(e)[0]),
        _answer(back=lambda flow, x2, x1, e: flow.decode(torch.zeros_like(x1))[0]),
    ),
    (
        "all_at_once",
        "all draws in one call: decode takes rows, (rows, D2); loop over the draws, or flatten(0, 1) them",
        lambda f, g, x1, e: f.decode(e, x1)[0],
        lambda f, g, x1, e: f.decode(e, x1.expand(len(e), *x1.shape))[0],
    ),
    (
        "not_repeated",
        "the draws are flattened and x1 is not: repeat it to as many rows, x1.repeat(K, 1)",
        lambda f, g, x1, e: (
            (g.decode(torch.zeros_like(x1), f.decode(e.flatten(0, 1), x1)[0])[0] - x1).square().sum(1).mean()
        ),
    ),
    (
        "not_unpacked",
        "decode returns a pair: unpack it, again, _ = back.decode(zeros, x2)",
        lambda f, g, x1, e: g.decode(torch.zeros_like(x1), f.decode(e[0], x1)[0]) - x1,
    ),
)

EXERCISE = Exercise(
    id="13.cycle",
    title="There and back",
    level="stretch",
    minutes=15,
    points=3,
    anchor="sec-13-cycle",
    task=TASK,
    hints=HINTS,
    references=(cycle_term,),
    returns=("cycle, a single number",),
    cases=cases,
    mistakes=mistakes_of(_ROWS),
    independent=known_samples,
    gradient=("there", "back"),
)
