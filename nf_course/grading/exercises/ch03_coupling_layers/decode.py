"""03.decode: the same coupling backwards. The nets are not inverted: they see what was kept."""

import torch

from nf_course.grading.exercise import Exercise, Finding, Mistake
from nf_course.grading.exercises.ch03_coupling_layers.shared import (
    cases,
    cat_back,
    cat_moved_first,
    put_back,
)

TASK = r"""
Undo the affine coupling $z_{\text{moved}} = s \odot x_{\text{moved}} + t$. Since $z_{\text{kept}} = x_{\text{kept}}$,
the same nets give the same $\log s$ and $t$, and no net has to be inverted:

$$\begin{gathered}
x_{\text{kept}} = z_{\text{kept}}, \qquad x_{\text{moved}} = (z_{\text{moved}} - t) \oslash s, \\
\log s = \mathtt{scale\_net}(z_{\text{kept}}), \qquad t = \mathtt{shift\_net}(z_{\text{kept}})
\end{gathered}$$

`z` has shape `(N, D)`; `mask`, `scale_net` and `shift_net` are as in the exercise on encode. Return `x`, of shape
`(N, D)`.
"""

HINTS = (
    "Undo the last step first: encode scaled and then shifted, so decode takes the shift off and then undoes "
    "the scale.",
    "z[:, mask] is what the nets saw on the way there. Call them with it again.",
    "With kept = z[:, mask]: x = z.clone(), then x[:, ~mask] = (z[:, ~mask] - shift_net(kept)) * "
    "torch.exp(-scale_net(kept)).",
)


def decode(z, mask, scale_net, shift_net):
    kept, moved = z[:, mask], z[:, ~mask]
    x = z.clone()
    x[:, ~mask] = (moved - shift_net(kept)) * torch.exp(-scale_net(kept))
    return x


def round_trip(ask, draw):
    """Encode the answer again, feature by feature."""
    z, mask, scale_net, shift_net = cases(draw)[2].args
    x = ask(z, mask, scale_net, shift_net)
    log_scale, shift = scale_net(x[:, mask]), shift_net(x[:, mask])
    again = [None] * len(mask)
    for column, feature in enumerate((~mask).nonzero()[:, 0].tolist()):
        again[feature] = x[:, feature] * log_scale[:, column].exp() + shift[:, column]
    for feature in mask.nonzero()[:, 0].tolist():
        again[feature] = x[:, feature]
    error = (torch.stack(again, 1) - z).abs().max().item()
    if not error < 1e-5:
        return Finding("property", "encode(decode(z)) = z", f"a difference of {error:.2g}")
    return None


def _split(formula, join=put_back):
    def answer(z, mask, scale_net, shift_net):
        kept, moved = z[:, mask], z[:, ~mask]
        return join(z, mask, formula(moved, scale_net(kept), shift_net(kept)))

    return answer


def _halves(z, mask, scale_net, shift_net):
    d = z.shape[1] // 2
    kept, moved = z[:, :d], z[:, d:]
    return torch.cat((kept, (moved - shift_net(kept)) * torch.exp(-scale_net(kept))), 1)


def _kept_lost(z, mask, scale_net, shift_net):
    return put_back(torch.zeros_like(z), mask, decode(z, mask, scale_net, shift_net)[:, ~mask])


def _nets_see_moved(z, mask, scale_net, shift_net):
    moved = z[:, ~mask]
    return put_back(z, mask, (moved - shift_net(moved)) * torch.exp(-scale_net(moved)))


def _moved_only(z, mask, scale_net, shift_net):
    return decode(z, mask, scale_net, shift_net)[:, ~mask]


def _pair(z, mask, scale_net, shift_net):
    return decode(z, mask, scale_net, shift_net), -scale_net(z[:, mask]).sum(1)


MISTAKES = (
    Mistake(
        "encode",
        "this is encode: decode takes the shift off and multiplies by exp(-log_scale)",
        _split(lambda z, s, t: torch.exp(s) * z + t),
    ),
    Mistake(
        "shift_last",
        "the order: (z - shift) * exp(-log_scale); here the shift comes off after the scale was undone",
        _split(lambda z, s, t: z * torch.exp(-s) - t),
    ),
    Mistake(
        "scale_sign",
        "the sign of log_scale: decode divides by the scale, that is times exp(-log_scale)",
        _split(lambda z, s, t: (z - t) * torch.exp(s)),
    ),
    Mistake(
        "shift_sign",
        "the sign of the shift: encode added it, so decode subtracts it",
        _split(lambda z, s, t: (z + t) * torch.exp(-s)),
    ),
    Mistake(
        "not_exp",
        "scale_net returns the log of the scale: divide by exp(log_scale)",
        _split(lambda z, s, t: (z - t) / s),
    ),
    Mistake("no_shift", "the shift is missing", _split(lambda z, s, t: z * torch.exp(-s))),
    Mistake("no_scale", "the scale is missing: multiply by exp(-log_scale)", _split(lambda z, s, t: z - t)),
    Mistake(
        "bracket",
        "a bracket: (z - shift) * exp(-log_scale); here only the shift is scaled",
        _split(lambda z, s, t: z - t * torch.exp(-s)),
    ),
    Mistake(
        "nets_exchanged",
        "the two nets are exchanged: scale_net gives log_scale, shift_net the shift",
        _split(lambda z, s, t: (z - s) * torch.exp(-t)),
    ),
    Mistake(
        "nets_see_moved",
        "the nets see the moved features: give them z[:, mask], as encode did",
        _nets_see_moved,
    ),
    Mistake("moved_only", "the moved features alone: x has all D features", _moved_only),
    Mistake("pair", "the pair (x, ladj): here x alone is asked for", _pair),
    Mistake(
        "cat",
        "the features are not where they were: kept and moved are joined by cat, and the mask is no first half; "
        "write the moved ones back with x[:, ~mask] = ...",
        _split(lambda z, s, t: (z - t) * torch.exp(-s), cat_back),
    ),
    Mistake(
        "cat",
        "the features are not where they were: kept and moved are joined by cat, and the mask is no first half; "
        "write the moved ones back with x[:, ~mask] = ...",
        _split(lambda z, s, t: (z - t) * torch.exp(-s), cat_moved_first),
    ),
    Mistake(
        "roles",
        "kept and moved are exchanged: mask is True where a feature is kept, and the nets see the kept ones",
        lambda z, mask, scale_net, shift_net: decode(z, ~mask, scale_net, shift_net),
    ),
    Mistake("halves", "the first half is kept whatever the mask says: use z[:, mask] and z[:, ~mask]", _halves),
    Mistake("kept_lost", "the kept features are lost: x_kept = z_kept", _kept_lost),
)

EXERCISE = Exercise(
    id="03.decode",
    title="Decode with the same nets",
    level="core",
    minutes=10,
    points=2,
    anchor="sec-03-decode",
    task=TASK,
    hints=HINTS,
    references=(decode,),
    returns=("x (N, D)",),
    cases=cases,
    mistakes=MISTAKES,
    independent=round_trip,
    gradient=("z", "scale_net", "shift_net"),
)
