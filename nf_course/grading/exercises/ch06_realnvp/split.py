"""06.split: the log-density of a flow of two levels, with one prior over all that has left."""

import math

import torch

from nf_course.grading.exercise import Case, Exercise, Finding, Mistake
from nf_course.grading.parts import Layer

TASK = r"""
The first level of a flow has encoded images to `h`, of shape `(N, C, H, W)`, with log-determinant `ladj`, of shape
`(N,)`. Now the image splits. The first $C_1 = \lfloor C/2 \rfloor$ channels, $h_1$, go on: flattened to `(N, C1*H*W)`
they pass the second level, $f_2$, whose `rest.encode` returns a pair $(z_1, \log|\det J_{f_2}|)$. The other channels,
$h_2$, leave as they are. The base is a standard normal over all $D = CHW$ numbers of the latent $z = (z_1, h_2)$:

$$
\begin{gathered}
\log p_X(x) = \log p_Z(z) + \mathtt{ladj} \\
{} + \log \left| \det J_{f_2}(h_1) \right|, \\
-2 \log p_Z(z) = \lVert z_1 \rVert^2 + \lVert h_2 \rVert^2 + D \log 2\pi
\end{gathered}
$$

Return $\log p_X(x)$, one number for each image, shape `(N,)`.
"""

HINTS = (
    "The latent is one vector of D numbers: z_1 and the flattened h_2, side by side. The base does not care who left "
    "when.",
    "h[:, : C // 2].flatten(1) goes through rest.encode, which gives a pair; h[:, C // 2 :].flatten(1) does not.",
    "z = torch.cat((z1, h2), 1); -0.5 * (z.square().sum(1) + z.shape[1] * math.log(2 * math.pi)) is its base; "
    "both log-dets are added to it.",
)


def log_prob(h, ladj, rest):
    on = h.shape[1] // 2
    z1, ladj_rest = rest.encode(h[:, :on].flatten(1))
    z = torch.cat((z1, h[:, on:].flatten(1)), 1)
    log_base = -0.5 * (z.square().sum(1) + z.shape[1] * math.log(2 * math.pi))
    return log_base + ladj + ladj_rest


def cases(draw):
    made = []
    for n, c, h, w in ((6, 4, 2, 1), (1, 3, 1, 2), (4, 5, 2, 2)):
        d = (c // 2) * h * w
        rest = Layer("rest", draw.matrix(d, scale=1.6), draw.uniform(0.3, 1.2, d))
        made.append(Case((draw.normal(n, c, h, w), 3 * draw.normal(n), rest)))
    return made


def whole_map(ask, draw):
    """The whole second part as one map of D numbers: its Jacobian by autograd, its base by torch.distributions."""
    h, ladj, rest = draw.normal(2, 4, 1, 2), draw.normal(2), Layer("rest", draw.matrix(4), draw.uniform(0.3, 1.2, 4))
    got = ask(h, ladj, rest)

    def split(v):
        return torch.cat((rest.encode(v[None, :4])[0][0], v[4:]))

    for row in range(2):
        flat = h[row].flatten()
        log_det = torch.linalg.slogdet(torch.autograd.functional.jacobian(split, flat))[1]
        z = split(flat)
        normal = torch.distributions.Normal(torch.zeros_like(z), torch.ones_like(z))
        want = (normal.log_prob(z).sum() + log_det + ladj[row]).item()
        if abs(got[row].item() - want) > 1e-5 * (1 + abs(want)):
            return Finding("property", f"{want:.4f}, by the Jacobian of the whole map", f"{got[row].item():.4f}")
    return None


def _pieces(h, rest, first=True):
    on = h.shape[1] // 2
    go, leave = (h[:, :on], h[:, on:]) if first else (h[:, -on:], h[:, :-on])
    z1, ladj_rest = rest.encode(go.flatten(1))
    return go.flatten(1), leave.flatten(1), z1, ladj_rest


def _base(z):
    return -0.5 * (z.square().sum(1) + z.shape[1] * math.log(2 * math.pi))


def _of(formula, first=True):
    """An answer of `formula(h1, h2, z1, ladj, ladj_rest)`."""

    def answer(h, ladj, rest):
        h1, h2, z1, ladj_rest = _pieces(h, rest, first)
        return formula(h1, h2, z1, ladj, ladj_rest)

    return answer


_TWICE = "the half that leaves is counted twice: once in the base over z, and that is all"
_HALF_CONSTANT = "the constant counts D = C*H*W numbers, those that left early too: here only a part of them"

MISTAKES = (
    Mistake("twice", _TWICE, _of(lambda h1, h2, z1, a, b: _base(z1) + 2 * _base(h2) + a + b)),
    Mistake(
        "forgotten",
        "the half that leaves is missing in the base: it is a part of the latent like any other",
        _of(lambda h1, h2, z1, a, b: _base(z1) + a + b),
    ),
    Mistake(
        "only_left",
        "the half that goes on is missing in the base: its latent is z1",
        _of(lambda h1, h2, z1, a, b: _base(h2) + a + b),
    ),
    Mistake(
        "no_rest",
        "the log-determinant of the second level is missing: rest.encode returns it beside z1",
        _of(lambda h1, h2, z1, a, b: _base(z1) + _base(h2) + a),
    ),
    Mistake(
        "no_first",
        "the log-determinant of the first level, ladj, is missing: log-dets add over the levels",
        _of(lambda h1, h2, z1, a, b: _base(z1) + _base(h2) + b),
    ),
    Mistake("no_ladj", "both log-determinants are missing", _of(lambda h1, h2, z1, a, b: _base(z1) + _base(h2))),
    Mistake(
        "minus",
        "the sign of the log-dets: encode's are added",
        _of(lambda h1, h2, z1, a, b: _base(z1) + _base(h2) - a - b),
    ),
    Mistake(
        "minus_rest",
        "the sign of the second level's log-det: encode's are added",
        _of(lambda h1, h2, z1, a, b: _base(z1) + _base(h2) + a - b),
    ),
    Mistake(
        "base_at_h",
        "the base is taken at h1: it belongs at z1, where the second level has ended",
        _of(lambda h1, h2, z1, a, b: _base(h1) + _base(h2) + a + b),
    ),
    Mistake(
        "no_constant",
        "the constant, -D/2 log(2 pi), is missing",
        _of(lambda h1, h2, z1, a, b: -0.5 * (z1.square().sum(1) + h2.square().sum(1)) + a + b),
    ),
    Mistake(
        "half_constant", _HALF_CONSTANT, _of(lambda h1, h2, z1, a, b: _base(z1) - 0.5 * h2.square().sum(1) + a + b)
    ),
    Mistake(
        "half_constant", _HALF_CONSTANT, _of(lambda h1, h2, z1, a, b: _base(h2) - 0.5 * z1.square().sum(1) + a + b)
    ),
    Mistake(
        "no_half",
        "the square is not halved: -z^2 / 2",
        _of(lambda h1, h2, z1, a, b: _base(z1) + _base(h2) - 0.5 * (z1.square().sum(1) + h2.square().sum(1)) + a + b),
    ),
    Mistake(
        "plus_square",
        "the sign of the square: -z^2 / 2",
        _of(lambda h1, h2, z1, a, b: _base(z1) + _base(h2) + z1.square().sum(1) + h2.square().sum(1) + a + b),
    ),
    Mistake(
        "mean",
        "a mean over the numbers of the latent where their sum belongs",
        _of(lambda h1, h2, z1, a, b: _base(torch.cat((z1, h2), 1)) / (z1.shape[1] + h2.shape[1]) + a + b),
    ),
    Mistake(
        "other_half",
        "the other channels go on: the first C // 2 do, the rest leave",
        _of(lambda h1, h2, z1, a, b: _base(z1) + _base(h2) + a + b, first=False),
    ),
    Mistake(
        "whole_batch",
        "the sum runs over the batch as well: one number for each image, (N,)",
        lambda *args: log_prob(*args).sum(),
    ),
    Mistake("not_log", "exp of the log-density: the logarithm is asked for", lambda *args: log_prob(*args).exp()),
    Mistake("nll", "the negative log-density: the sign is the wrong way round", lambda *args: -log_prob(*args)),
    Mistake(
        "all_go_on",
        "all channels go to rest: the first C // 2 go on, the others leave",
        lambda h, ladj, rest: _base(rest.encode(h.flatten(1))[0]) + ladj,
    ),
)

EXERCISE = Exercise(
    id="06.split",
    title="A flow of two levels",
    level="stretch",
    minutes=15,
    points=3,
    anchor="sec-06-split",
    task=TASK,
    hints=HINTS,
    references=(log_prob,),
    returns=("log_prob (N,)",),
    cases=cases,
    mistakes=MISTAKES,
    independent=whole_map,
    gradient=("h", "ladj", "rest"),
)
