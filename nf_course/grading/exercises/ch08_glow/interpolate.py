"""08.interpolate: from one latent to another without leaving the shell where the samples are."""

import math

import torch

from nf_course.grading.exercise import Case, Exercise, Finding, Mistake
from nf_course.grading.parts import Decoder

TASK = r"""
Halfway between two independent draws of $\N(0, I)$, on the straight line, lies a point with half their variance, too
near to the origin for a sample. Divide by what the mixing takes away,

$$z(t) = \frac{(1 - t)\, z_0 + t\, z_1}{\sqrt{(1 - t)^2 + t^2}}, \qquad x(t) = f^{-1}(z(t))$$

and $z(t)$ is again a draw of $\N(0, I)$, for each $t$. `z_0` and `z_1` have shape `(N, D)`; `decode(z)` takes `(N, D)`
and returns the pair `(x, ladj)`; `steps` is a whole number, at least 2. Return the decoded points at `steps` equally
spaced $t$ from 0 to 1, both ends included, as one tensor of shape `(steps, N, D)`.
"""

HINTS = (
    "What are the values of t for steps = 5? The first is 0, the last is 1.",
    "t = k / (steps - 1) for k = 0, ..., steps - 1. Mix the latents, divide by the square root, then decode.",
    "Collect decode(z)[0] for each t in a list, and torch.stack puts them together along a new dimension 0.",
)


def interpolate(decode, z_0, z_1, steps):
    path = []
    for k in range(steps):
        t = k / (steps - 1)
        z = ((1 - t) * z_0 + t * z_1) / math.sqrt((1 - t) ** 2 + t**2)
        path.append(decode(z)[0])
    return torch.stack(path)


def _decoder(draw, features):
    return Decoder("decode", draw.matrix(features), draw.normal(features))


def cases(draw):
    made = []
    for n, d, steps in ((4, 3, 5), (1, 5, 4), (6, 2, 7)):
        made.append(Case((_decoder(draw, d), draw.normal(n, d), draw.normal(n, d), steps)))
    return made


def on_the_shell(ask, draw):
    """With two orthogonal latents of one length, all points in between have that length."""
    decode = _decoder(draw, 3)
    directions = draw.rotation(3)
    x = ask(decode, 2 * directions[:1], 2 * directions[1:2], 6)
    for k, point in enumerate(x):
        length = decode.latents(point).norm().item()
        if abs(length - 2) > 1e-5:
            expected = "length 2.0000 all the way between two orthogonal latents of length 2"
            return Finding("property", expected, f"{length:.4f} at step {k}")
    return None


def _weights(weights, ends=True):
    """A path of latents with the weights `weights(t)` of the two ends."""

    def answer(decode, z_0, z_1, steps):
        path = []
        for k in range(steps):
            a, b = weights(k / (steps - 1) if ends else k / steps)
            path.append(decode(a * z_0 + b * z_1)[0])
        return torch.stack(path)

    return answer


def _shell(t):
    root = math.sqrt((1 - t) ** 2 + t**2)
    return (1 - t) / root, t / root


def _square(t):
    return (1 - t) / ((1 - t) ** 2 + t**2), t / ((1 - t) ** 2 + t**2)


def _great_circle(decode, z_0, z_1, steps):
    cosine = (z_0 * z_1).sum(1, keepdim=True) / (z_0.norm(dim=1, keepdim=True) * z_1.norm(dim=1, keepdim=True))
    angle = torch.acos(cosine)
    path = []
    for k in range(steps):
        t = k / (steps - 1)
        z = (torch.sin((1 - t) * angle) * z_0 + torch.sin(t * angle) * z_1) / torch.sin(angle)
        path.append(decode(z)[0])
    return torch.stack(path)


def _in_data(decode, z_0, z_1, steps):
    x_0, x_1 = decode(z_0)[0], decode(z_1)[0]
    return torch.stack([(1 - k / (steps - 1)) * x_0 + k / (steps - 1) * x_1 for k in range(steps)])


def _in_data_on_the_shell(decode, z_0, z_1, steps):
    x_0, x_1 = decode(z_0)[0], decode(z_1)[0]
    weights = [_shell(k / (steps - 1)) for k in range(steps)]
    return torch.stack([a * x_0 + b * x_1 for a, b in weights])


def _own_length(decode, z_0, z_1, steps):
    path = []
    for k in range(steps):
        t = k / (steps - 1)
        z = (1 - t) * z_0 + t * z_1
        path.append(decode(z / z.norm(dim=1, keepdim=True))[0])
    return torch.stack(path)


def _latents(decode, z_0, z_1, steps):
    return torch.stack([a * z_0 + b * z_1 for a, b in (_shell(k / (steps - 1)) for k in range(steps))])


def _rows_first(decode, z_0, z_1, steps):
    return interpolate(decode, z_0, z_1, steps).transpose(0, 1)


def _joined(decode, z_0, z_1, steps):
    return interpolate(decode, z_0, z_1, steps).flatten(0, 1)


_DATA = "the ends are decoded and then mixed: a double exposure; mix the latents, then decode"

MISTAKES = (
    Mistake(
        "straight",
        "the straight line: in the middle its points are too short; divide by the square root of (1 - t)**2 + t**2",
        _weights(lambda t: (1 - t, t)),
    ),
    Mistake("no_root", "divided by (1 - t)**2 + t**2 without the square root", _weights(_square)),
    Mistake(
        "other_pace",
        "weights sqrt(1 - t) and sqrt(t): on the shell as well, but at another pace than the formula's",
        _weights(lambda t: (math.sqrt(1 - t), math.sqrt(t))),
    ),
    Mistake(
        "great_circle",
        "this is the great circle, sin((1 - t) a) and sin(t a): a good path as well, but not the formula asked for",
        _great_circle,
    ),
    Mistake("in_data", _DATA, _in_data),
    Mistake("in_data", _DATA, _in_data_on_the_shell),
    Mistake("last_missing", "t never reaches 1: k / (steps - 1), both ends included", _weights(_shell, ends=False)),
    Mistake("backwards", "the path runs backwards: at t = 0 stands z_0", _weights(lambda t: _shell(1 - t))),
    Mistake("own_length", "each point is divided by its own length: divide by the root in the formula", _own_length),
    Mistake("latents", "the latents of the path: decode them", _latents),
    Mistake("rows_first", "the dimensions are (N, steps, D): the steps come first", _rows_first),
    Mistake("joined", "steps and rows are joined: stack them, (steps, N, D)", _joined),
)

EXERCISE = Exercise(
    id="08.interpolate",
    title="Stay on the shell",
    level="stretch",
    minutes=15,
    points=2,
    anchor="sec-08-interpolation",
    task=TASK,
    hints=HINTS,
    references=(interpolate,),
    returns=("x (steps, N, D)",),
    cases=cases,
    mistakes=MISTAKES,
    independent=on_the_shell,
    gradient=("z_0", "z_1"),
)
