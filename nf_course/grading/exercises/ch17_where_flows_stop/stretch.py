"""17.stretch: the two constants of a bi-Lipschitz map, as far as a batch of latents shows them."""

import torch

from nf_course.grading.exercise import Case, Exercise, Finding, mistakes_of
from nf_course.grading.parts import Decoder

TASK = r"""
How far does a flow stretch space? At a latent $z$ let $s_1(z) \ge \dots \ge s_D(z) > 0$ be the singular values of the
Jacobian $\partial x / \partial z$ of decode. There decode stretches by $s_1$ at the most, and encode, whose Jacobian is
the inverse matrix, by $1 / s_D$. Over a batch of latents, what is seen of the two constants is

$$\begin{gathered}
L_{\text{decode}} = \max_n\, s_1(z_n), \\
L_{\text{encode}} = \max_n\, \frac{1}{s_D(z_n)}
\end{gathered}$$

`decode(z)` returns the pair `(x, ladj)`, where `x` has the shape of `z`, `(N, D)`, and row $n$ of `x` depends on row
$n$ of `z` only. Return the pair $(L_{\text{decode}}, L_{\text{encode}})$, two single numbers. Take the Jacobians from
autograd; differences of values of decode, or more than three passes of the batch through it, will not do.
"""

HINTS = (
    "A Jacobian for each row, (N, D, D). Which function of torch.linalg gives the singular values of all?",
    "x, _ = decode(z); the gradient of x[:, i].sum() with respect to z is row i of the Jacobian, for all n at once, "
    "since rows do not mix. Stack them for i = 0, ..., D - 1.",
    "s = torch.linalg.svdvals(J), (N, D), largest first: s[:, 0].max() and (1 / s[:, -1]).max().",
)


def stretches(decode, z):
    z = z.detach().requires_grad_()
    x, _ = decode(z)
    rows = [torch.autograd.grad(x[:, i].sum(), z, retain_graph=True)[0] for i in range(z.shape[1])]
    s = torch.linalg.svdvals(torch.stack(rows, 1))  # (N, D, D) -> (N, D)
    return s[:, 0].max().item(), (1 / s[:, -1]).max().item()


def draw_decoder(draw, features):
    """A curved map that is not symmetric; its asinh stretches near 0 and flattens far away."""
    return Decoder("decode", draw.matrix(features, scale=1.3), draw.normal(features))


def cases(draw):
    """Batches in which the two largest stretches are at two latents; and one latent alone."""
    made = []
    for n, d in ((9, 4), (13, 3), (6, 5)):
        while True:
            decode, z = draw_decoder(draw, d), 1.5 * draw.normal(n, d)
            s = torch.linalg.svdvals(_jacobians(decode, z))
            most, least = s[s[:, 0].argmax(), -1], s[s[:, -1].argmin(), 0]  # the other one, where one is largest
            apart = 1.05 * s[:, -1].min() < most < 0.95 * s[:, -1].max()
            if apart and 1.05 * s[:, 0].min() < least < 0.95 * s[:, 0].max():
                break
        made.append(Case((decode, z)))
    return [*made, Case((draw_decoder(draw, 4), draw.normal(1, 4)))]


def passes(case, operators):
    """decode runs one asinh for each number of the batch."""
    _, numbers = operators.get("asinh", (0, 0))
    if numbers > 3 * case.args[1].numel():
        got = f"decode of {numbers // case.args[1].shape[1]} rows"
        return Finding("cost", "at most three passes of the batch", got, likely=_DIFFERENCES, mistake="cost")
    return None


_DIFFERENCES = "differences, or a pass for each number: autograd finds all derivatives in one pass through decode"


def by_formula(ask, draw):
    """Against the Jacobian by the chain rule; and latents that are given twice, or in another order, change nothing."""
    n, d = 7, 3
    decode, z = draw_decoder(draw, d), draw.normal(n, d)
    y = z @ decode.matrix.T + decode.offset
    J = decode.matrix / torch.sqrt(1 + y.square())[..., None]
    eigen = torch.linalg.eigvalsh(J.mT @ J)
    want = (eigen[:, -1].max().sqrt().item(), (1 / eigen[:, 0]).max().sqrt().item())
    for latents in (z, torch.cat((z, z)), z.flip(0)):
        got = ask(decode, latents)
        for name, a, b in zip(("decode", "encode"), got, want):
            if abs(float(a) - b) > 1e-5 * b:
                return Finding("property", f"a stretch of {b:.4f} for {name}, by the chain rule", f"{float(a):.4f}")
    return None


def _jacobians(decode, z):
    y = z @ decode.matrix.to(z).T + decode.offset.to(z)
    return decode.matrix.to(z) / torch.sqrt(1 + y.square())[..., None]


def _from(pair):
    """`pair(s, J)` of the right singular values, (N, D), and Jacobians."""

    def answer(decode, z):
        J = _jacobians(decode, z)
        return tuple(pair(torch.linalg.svdvals(J), J))

    return answer


def _right(s):
    return s[:, 0].max().item(), (1 / s[:, -1]).max().item()


def _with(values):
    """Other numbers in the place of singular values, `values(J)`, (N, D) in falling order."""
    return _from(lambda s, J: _right(values(J)))


def _one_matrix(decode, z):
    """The Jacobian of the sum over the batch."""
    return _right(torch.linalg.svdvals(_jacobians(decode, z).sum(0))[None])


def _secants(decode, z):
    if len(z) < 2:
        return _right(torch.linalg.svdvals(_jacobians(decode, z)))
    x = decode(z)[0]
    ratio = torch.pdist(x) / torch.pdist(z)
    return ratio.max().item(), (1 / ratio).max().item()


_ROWS = (
    ("exchanged", "the two are exchanged: first decode, then encode", _from(lambda s, J: _right(s)[::-1])),
    (
        "not_reciprocal",
        "the least singular value is no stretch of encode: its reciprocal is, since encode has the inverse matrix",
        _from(lambda s, J: (s[:, 0].max().item(), s[:, -1].min().item())),
        _from(lambda s, J: (s[:, 0].max().item(), s[:, -1].max().item())),
    ),
    (
        "encode_of_largest",
        "1 / s_1 is by how much encode stretches the direction that it stretches least: take the smallest, s_D",
        _from(lambda s, J: (s[:, 0].max().item(), (1 / s[:, 0]).max().item())),
        _from(lambda s, J: (s[:, 0].max().item(), 1 / s[:, 0].max().item())),
    ),
    (
        "mean",
        "a mean over the batch: a constant that holds everywhere is the largest that was seen",
        _from(lambda s, J: (s[:, 0].mean().item(), (1 / s[:, -1]).mean().item())),
        _from(lambda s, J: (s[:, 0].median().item(), (1 / s[:, -1]).median().item())),
        _from(lambda s, J: _right(torch.linalg.svdvals(J.mean(0))[None])),
    ),
    (
        "best_latent",
        "the least of the batch where the largest is asked for: 1 / s_D is largest where s_D is smallest",
        _from(lambda s, J: (s[:, 0].min().item(), (1 / s[:, -1]).min().item())),
        _from(lambda s, J: (s[:, 0].max().item(), (1 / s[:, -1]).min().item())),
        _from(lambda s, J: (s[:, 0].min().item(), (1 / s[:, -1]).max().item())),
    ),
    (
        "same_latent",
        "both at one latent: encode need not stretch most where decode does; each maximum is over the whole batch",
        _from(lambda s, J: (s[:, 0].max().item(), 1 / s[s[:, 0].argmax(), -1].item())),
        _from(lambda s, J: (s[s[:, -1].argmin(), 0].item(), (1 / s[:, -1]).max().item())),
    ),
    (
        "first_latent",
        "one latent alone: the maximum is over all",
        _from(lambda s, J: _right(s[:1])),
        _from(lambda s, J: _right(s[-1:])),
    ),
    (
        "each_row",
        "a number for each latent: take the largest of the batch",
        _from(lambda s, J: (s[:, 0], 1 / s[:, -1])),
    ),
    (
        "squared",
        "eigenvalues of J^T J are squares of singular values: take the root",
        _with(lambda J: torch.linalg.svdvals(J).square()),
    ),
    (
        "eigenvalues",
        "eigenvalues: a matrix that is not symmetric stretches further than they say: take singular values",
        _with(lambda J: torch.linalg.eigvals(J).abs().sort(1, descending=True).values),
    ),
    (
        "diagonal",
        "the diagonal of the Jacobian alone: coordinates depend on each other",
        _with(lambda J: J.diagonal(dim1=1, dim2=2).abs().sort(1, descending=True).values),
    ),
    (
        "frobenius",
        "the norm of the whole matrix, or of its rows or columns: it is above the largest singular value, or below it",
        _from(
            lambda s, J: (
                J.flatten(1).norm(dim=1).max().item(),
                torch.linalg.inv(J).flatten(1).norm(dim=1).max().item(),
            )
        ),
        _with(lambda J: J.norm(dim=2).sort(1, descending=True).values),
        _with(lambda J: J.norm(dim=1).sort(1, descending=True).values),
        _from(lambda s, J: (J.abs().amax((1, 2)).max().item(), torch.linalg.inv(J).abs().amax((1, 2)).max().item())),
    ),
    (
        "volume",
        "the determinant is a change of volume: a map can keep volumes and stretch without end",
        _from(lambda s, J: (J.det().abs().max().item(), (1 / J.det().abs()).max().item())),
        _with(lambda J: (J.det().abs() ** (1 / J.shape[1]))[:, None]),
        _from(lambda s, J: (s.prod(1).log().max().item(), -s.prod(1).log().min().item())),
    ),
    (
        "condition",
        "s_1 / s_D is a condition number: two separate constants are asked for",
        _from(lambda s, J: 2 * ((s[:, 0] / s[:, -1]).max().item(),)),
        _from(lambda s, J: ((s[:, 0] / s[:, -1]).max().item(), (s[:, -1] / s[:, 0]).max().item())),
    ),
    (
        "summed",
        "one Jacobian of the whole batch, summed over the rows: each latent has its own, (N, D, D)",
        _one_matrix,
    ),
    ("secants", "ratios of distances between the latents: derivatives are asked for", _secants),
    (
        "logarithm",
        "logarithms: return the stretches themselves",
        _from(lambda s, J: (s[:, 0].log().max().item(), -s[:, -1].log().min().item())),
    ),
)

EXERCISE = Exercise(
    id="17.stretch",
    title="How far a flow stretches",
    level="core",
    minutes=15,
    points=3,
    anchor="sec-17-stretch",
    task=TASK,
    hints=HINTS,
    references=(stretches,),
    returns=("L of decode, a single number", "L of encode, a single number"),
    cases=cases,
    mistakes=mistakes_of(_ROWS),
    independent=by_formula,
    cost=passes,
)
