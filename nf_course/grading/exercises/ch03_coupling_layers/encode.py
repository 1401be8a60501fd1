"""03.encode: one affine coupling, from data to latent."""

import torch

from nf_course.grading.exercise import Exercise, Finding, Mistake
from nf_course.grading.exercises.ch03_coupling_layers.shared import (
    cases,
    cat_back,
    cat_moved_first,
    put_back,
)

TASK = r"""
An affine coupling keeps some features and moves the others:

$$\begin{gathered}
z_{\text{kept}} = x_{\text{kept}}, \qquad z_{\text{moved}} = s \odot x_{\text{moved}} + t, \\
\log s = \mathtt{scale\_net}(x_{\text{kept}}), \qquad t = \mathtt{shift\_net}(x_{\text{kept}})
\end{gathered}$$

`x` has shape `(N, D)`. `mask` is a boolean tensor of shape `(D,)`, `True` where a feature is *kept*; it may be any
pattern, not only the first half. Both nets take the kept features, `(N, number kept)`, and return one number for each
moved feature, `(N, number moved)`; `scale_net` returns the *logarithm* of the scale. Return `z`, with every
feature in the place it had in `x`, and leave `x` as it was.
"""

HINTS = (
    "x[:, mask] are the kept features, x[:, ~mask] the moved ones. Both nets see the kept features only.",
    "Start from a copy, z = x.clone(), so that the kept features are in place already and x is not changed.",
    "Then z[:, ~mask] = torch.exp(scale_net(kept)) * x[:, ~mask] + shift_net(kept), with kept = x[:, mask].",
)


def encode(x, mask, scale_net, shift_net):
    kept, moved = x[:, mask], x[:, ~mask]
    z = x.clone()
    z[:, ~mask] = torch.exp(scale_net(kept)) * moved + shift_net(kept)
    return z


def round_trip(ask, draw):
    """Undo the answer with the inverse written out feature by feature."""
    x, mask, scale_net, shift_net = cases(draw)[2].args
    z = ask(x, mask, scale_net, shift_net)
    log_scale, shift = scale_net(z[:, mask]), shift_net(z[:, mask])
    back = [None] * len(mask)
    for column, feature in enumerate((~mask).nonzero()[:, 0].tolist()):
        back[feature] = (z[:, feature] - shift[:, column]) / log_scale[:, column].exp()
    for feature in mask.nonzero()[:, 0].tolist():
        back[feature] = z[:, feature]
    error = (torch.stack(back, 1) - x).abs().max().item()
    if not error < 1e-5:
        return Finding("property", "decode(encode(x)) = x", f"a difference of {error:.2g}")
    return None


def _split(formula, join=put_back):
    """An answer that joins `formula(moved, log_scale, shift)` back with `join`."""

    def answer(x, mask, scale_net, shift_net):
        kept, moved = x[:, mask], x[:, ~mask]
        return join(x, mask, formula(moved, scale_net(kept), shift_net(kept)))

    return answer


def _halves(x, mask, scale_net, shift_net):
    d = x.shape[1] // 2
    kept, moved = x[:, :d], x[:, d:]
    return torch.cat((kept, torch.exp(scale_net(kept)) * moved + shift_net(kept)), 1)


def _kept_lost(x, mask, scale_net, shift_net):
    return put_back(torch.zeros_like(x), mask, encode(x, mask, scale_net, shift_net)[:, ~mask])


def _nets_see_moved(x, mask, scale_net, shift_net):
    moved = x[:, ~mask]
    return put_back(x, mask, torch.exp(scale_net(moved)) * moved + shift_net(moved))


def _pair(x, mask, scale_net, shift_net):
    return encode(x, mask, scale_net, shift_net), scale_net(x[:, mask]).sum(1)


MISTAKES = (
    Mistake(
        "not_exp",
        "scale_net returns the log of the scale: multiply by exp(log_scale)",
        _split(lambda x, s, t: s * x + t),
    ),
    Mistake(
        "decode",
        "this is decode: encode multiplies by exp(log_scale) and then adds the shift",
        _split(lambda x, s, t: (x - t) * torch.exp(-s)),
    ),
    Mistake(
        "scale_sign",
        "the sign of log_scale: encode multiplies by exp(+log_scale)",
        _split(lambda x, s, t: torch.exp(-s) * x + t),
    ),
    Mistake(
        "shift_first",
        "the order: scale first, then shift; here the shift is scaled too",
        _split(lambda x, s, t: torch.exp(s) * (x + t)),
    ),
    Mistake("shift_sign", "the sign of the shift: encode adds it", _split(lambda x, s, t: torch.exp(s) * x - t)),
    Mistake("no_shift", "the shift is missing", _split(lambda x, s, t: torch.exp(s) * x)),
    Mistake("no_scale", "the scale is missing: multiply by exp(log_scale) first", _split(lambda x, s, t: x + t)),
    Mistake(
        "exp_of_all",
        "a bracket: exp is taken of log_scale alone, exp(log_scale) * x + shift",
        _split(lambda x, s, t: torch.exp(s * x + t)),
    ),
    Mistake(
        "nets_exchanged",
        "the two nets are exchanged: scale_net gives log_scale, shift_net the shift",
        _split(lambda x, s, t: torch.exp(t) * x + s),
    ),
    Mistake(
        "nets_see_moved",
        "the nets see the moved features: give them x[:, mask], or decode could not call them again",
        _nets_see_moved,
    ),
    Mistake("pair", "the pair (z, ladj): here z alone is asked for", _pair),
    Mistake(
        "cat",
        "the features are not where they were: kept and moved are joined by cat, and the mask is no first half; "
        "write the moved ones back with z[:, ~mask] = ...",
        _split(lambda x, s, t: torch.exp(s) * x + t, cat_back),
    ),
    Mistake(
        "cat",
        "the features are not where they were: kept and moved are joined by cat, and the mask is no first half; "
        "write the moved ones back with z[:, ~mask] = ...",
        _split(lambda x, s, t: torch.exp(s) * x + t, cat_moved_first),
    ),
    Mistake(
        "roles",
        "kept and moved are exchanged: mask is True where a feature is kept, and the nets see the kept ones",
        lambda x, mask, scale_net, shift_net: encode(x, ~mask, scale_net, shift_net),
    ),
    Mistake("halves", "the first half is kept whatever the mask says: use x[:, mask] and x[:, ~mask]", _halves),
    Mistake("kept_lost", "the kept features are lost: z_kept = x_kept", _kept_lost),
    Mistake(
        "moved_only",
        "the moved features alone: z has all D features",
        _split(lambda x, s, t: torch.exp(s) * x + t, lambda x, mask, moved: moved),
    ),
)

EXERCISE = Exercise(
    id="03.encode",
    title="Encode with an affine coupling",
    level="core",
    minutes=10,
    points=2,
    anchor="sec-03-affine",
    task=TASK,
    hints=HINTS,
    references=(encode,),
    returns=("z (N, D)",),
    cases=cases,
    mistakes=MISTAKES,
    independent=round_trip,
    gradient=("x", "scale_net", "shift_net"),
)
