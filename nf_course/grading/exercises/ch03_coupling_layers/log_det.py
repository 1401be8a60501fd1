"""03.logdet: the log-determinant of an affine coupling."""

import torch

from nf_course.grading.exercise import Exercise, Finding, Mistake
from nf_course.grading.exercises.ch03_coupling_layers.encode import encode
from nf_course.grading.exercises.ch03_coupling_layers.shared import cases
from nf_course.grading.operators import AUTOGRAD, DETERMINANTS

TASK = r"""
The Jacobian of an affine coupling is block triangular: its diagonal is one for a kept feature and $s_i$ for a moved
one, whatever the nets are. So

$$\log \left| \det \frac{\partial z}{\partial x} \right| = \sum_{i \,\in\, \text{moved}} \log s_i, \qquad
\log s = \mathtt{scale\_net}(x_{\text{kept}})$$

Return it for encode, one number for each row of `x`, shape `(N,)`. `x` has shape `(N, D)`; `mask`, `scale_net` and
`shift_net` are as in the exercise on encode. `shift_net` is handed over as well: decide whether it matters.
"""

HINTS = (
    "Hold the kept features fixed: the shift then moves all points by the same amount. What does that do to a volume?",
    "scale_net returns logarithms already, one for each moved feature. A kept feature adds log 1 = 0.",
    "scale_net(x[:, mask]) has shape (N, number moved). Sum it over dim 1.",
)


def log_det(x, mask, scale_net, shift_net):
    return scale_net(x[:, mask]).sum(dim=1)


def jacobian(ask, draw):
    """Against autograd: slogdet of the full Jacobian of a coupling, row by row."""
    for index in (0, 1):
        x, mask, scale_net, shift_net = cases(draw)[index].args
        got = ask(x, mask, scale_net, shift_net)
        for row in range(min(len(x), 3)):
            full = torch.autograd.functional.jacobian(
                lambda v, mask=mask, nets=(scale_net, shift_net): encode(v[None], mask, *nets)[0], x[row]
            )
            want = torch.linalg.slogdet(full)[1].item()
            if abs(got[row].item() - want) > 1e-5 * (1 + abs(want)):
                return Finding("property", f"{want:.4f}, slogdet of the Jacobian by autograd", f"{got[row].item():.4f}")
    return None


def _of(formula):
    """An answer that is `formula(log_scale, shift)`."""

    def answer(x, mask, scale_net, shift_net):
        return formula(scale_net(x[:, mask]), shift_net(x[:, mask]))

    return answer


def _halves(x, mask, scale_net, shift_net):
    return scale_net(x[:, : x.shape[1] // 2]).sum(dim=1)


MISTAKES = (
    Mistake(
        "sign",
        "the sign: encode adds +sum(log_scale) over the moved features; minus is decode's",
        _of(lambda s, t: -s.sum(1)),
    ),
    Mistake(
        "mean",
        "a mean over the moved features where the sum belongs: log-dets of factors add",
        _of(lambda s, t: s.mean(1)),
    ),
    Mistake(
        "whole_batch",
        "the sum runs over the batch as well: one number for each row, so sum over dim 1 only",
        _of(lambda s, t: s.sum()),
    ),
    Mistake("batch_mean", "averaged over the batch: each row has its own log-det", _of(lambda s, t: s.sum(1).mean())),
    Mistake(
        "times_batch", "multiplied by the batch size: each row is counted once", _of(lambda s, t: s.sum(1) * len(s))
    ),
    Mistake("per_feature", "the sum over the moved features (dim 1) is missing", _of(lambda s, t: s)),
    Mistake(
        "not_log",
        "scale_net returns logarithms already: sum them as they are, without exp",
        _of(lambda s, t: torch.exp(s).sum(1)),
    ),
    Mistake(
        "log_again",
        "scale_net returns logarithms already: no second log",
        _of(lambda s, t: torch.log(s.abs()).sum(1)),
    ),
    Mistake(
        "log_again",
        "scale_net returns logarithms already: no second log",
        _of(lambda s, t: torch.log(s).sum(1)),
    ),
    Mistake(
        "abs", "an absolute value: log s may be negative, where a feature is shrunk", _of(lambda s, t: s.abs().sum(1))
    ),
    Mistake(
        "product", "the logarithms are multiplied: scales multiply, their logarithms add", _of(lambda s, t: s.prod(1))
    ),
    Mistake(
        "over_batch", "the sum runs over the batch (dim 0): sum over the features, dim 1", _of(lambda s, t: s.sum(0))
    ),
    Mistake(
        "determinant",
        "the determinant itself: the exercise asks for its logarithm",
        _of(lambda s, t: torch.exp(s.sum(1))),
    ),
    Mistake("shift", "the shift does not change a volume: leave it out", _of(lambda s, t: (s + t).sum(1))),
    Mistake("shift", "the shift does not change a volume: leave it out", _of(lambda s, t: (s - t).sum(1))),
    Mistake("shift_only", "this sums the shift: the log-det is in the scale", _of(lambda s, t: t.sum(1))),
    Mistake(
        "all_features",
        "untouched entries are counted: a kept feature has scale 1 and adds log 1 = 0",
        lambda x, mask, scale_net, shift_net: scale_net(x[:, mask]).sum(1) + mask.sum(),
    ),
    Mistake(
        "roles",
        "kept and moved are exchanged: scale_net sees x[:, mask], the kept features",
        lambda x, mask, scale_net, shift_net: scale_net(x[:, ~mask]).sum(dim=1),
    ),
    Mistake("halves", "the first half is kept whatever the mask says: use x[:, mask]", _halves),
)

EXERCISE = Exercise(
    id="03.logdet",
    title="The log-determinant of a coupling",
    level="core",
    minutes=10,
    points=2,
    anchor="sec-03-log-det",
    task=TASK,
    hints=HINTS,
    references=(log_det,),
    returns=("ladj (N,)",),
    cases=cases,
    mistakes=MISTAKES,
    independent=jacobian,
    gradient=("x", "scale_net"),
    avoid={
        **dict.fromkeys(DETERMINANTS, "the Jacobian is triangular: its log-det is a sum, no determinant is needed"),
        **dict.fromkeys(AUTOGRAD, "the Jacobian is known: its diagonal needs no automatic differentiation"),
    },
)
