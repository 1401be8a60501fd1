"""04.encode: one additive coupling over even and odd features, with its log-determinant."""

import torch

from nf_course.grading.exercise import Case, Exercise, Finding, Mistake
from nf_course.grading.operators import AUTOGRAD, DETERMINANTS

TASK = r"""
NICE divides the features into those in even places, 0, 2, 4, ..., and those in odd places. One coupling keeps the one
kind and shifts the other:

$$z_{\text{kept}} = x_{\text{kept}}, \qquad z_{\text{moved}} = x_{\text{moved}} + \mathtt{net}(x_{\text{kept}})$$

`x` has shape `(N, D)`, and `D` may be odd. `parity` says which kind is *kept*: 0 for features 0, 2, 4, ..., 1 for
features 1, 3, 5, ... `net` takes the kept features and returns one number for each moved one. Return the pair
`(z, ladj)`: `z` with every feature in the place that it had in `x`, and `ladj` of shape `(N,)`,
$\log \left| \det \partial z / \partial x \right|$ of each row. Leave `x` as it was.
"""

HINTS = (
    "x[:, parity::2] are the kept features, x[:, 1 - parity::2] the moved ones: a slice with a step of 2.",
    "Write the moved ones back with the same slice of a copy of x. cat would put all kept ones in front. And what does "
    "a shift do to a volume?",
    "z = x.clone(); z[:, 1 - parity::2] = moved + net(kept); then return z, x.new_zeros(len(x)).",
)


def encode(x, net, parity):
    kept, moved = x[:, parity::2], x[:, 1 - parity :: 2]
    z = x.clone()
    z[:, 1 - parity :: 2] = moved + net(kept)
    return z, x.new_zeros(len(x))


def cases(draw):
    made = []
    for n, d, parity in ((17, 6, 0), (1, 5, 1), (8, 7, 0), (4, 2, 1), (6, 5, 0)):
        kept = (d + 1 - parity) // 2
        made.append(Case((2 * draw.normal(n, d), draw.net("net", kept, d - kept, amplitude=2.0), parity)))
    return made


def round_trip_and_volume(ask, draw):
    """Undo the answer feature by feature; and its Jacobian has a determinant of one."""
    for index in (1, 2):
        x, net, parity = cases(draw)[index].args
        z, ladj = ask(x, net, parity)
        kept = torch.stack([z[:, i] for i in range(x.shape[1]) if i % 2 == parity], 1)
        shift, columns = net(kept), [z[:, i] for i in range(x.shape[1])]
        for place, feature in enumerate(i for i in range(x.shape[1]) if i % 2 != parity):
            columns[feature] = columns[feature] - shift[:, place]
        error = (torch.stack(columns, 1) - x).abs().max().item()
        if not error < 1e-5:
            return Finding("property", "decode(encode(x)) = x", f"a difference of {error:.2g}")
        full = torch.autograd.functional.jacobian(
            lambda v, net=net, parity=parity: encode(v[None], net, parity)[0][0], x[0]
        )
        want = torch.linalg.slogdet(full)[1].item()
        if abs(ladj[0].item() - want) > 1e-5:
            return Finding("property", f"{want:.4f}, slogdet of the Jacobian by autograd", f"{ladj[0].item():.4f}")
    return None


def _put(x, parity, moved):
    z = x.clone()
    z[:, 1 - parity :: 2] = moved
    return z


def _with(formula):
    """The right log-det, and moved features of another formula, `formula(moved, net(kept))`."""

    def answer(x, net, parity):
        kept, moved = x[:, parity::2], x[:, 1 - parity :: 2]
        return _put(x, parity, formula(moved, net(kept))), x.new_zeros(len(x))

    return answer


def _joined(join):
    """The right numbers, joined otherwise: `join(kept, moved, parity)`."""

    def answer(x, net, parity):
        kept, moved = x[:, parity::2], x[:, 1 - parity :: 2]
        return join(kept, moved + net(kept), parity), x.new_zeros(len(x))

    return answer


def _ladj(make):
    """The right z, and another log-det, `make(x, shift)`."""

    def answer(x, net, parity):
        return encode(x, net, parity)[0], make(x, net(x[:, parity::2]))

    return answer


def _halves(sizes):
    def answer(x, net, parity):
        d = sizes(x.shape[1], parity)
        kept, moved = x[:, :d], x[:, d:]
        return torch.cat((kept, moved + net(kept)), 1), x.new_zeros(len(x))

    return answer


def _net_sees_moved(x, net, parity):
    moved = x[:, 1 - parity :: 2]
    return _put(x, parity, moved + net(moved)), x.new_zeros(len(x))


def _always(parity):
    return lambda x, net, _: encode(x, net, parity)


_CAT = "the features are not where they were: cat puts one kind behind the other; write back with z[:, 1 - parity::2]"
_ZERO = "a shift does not change a volume, whatever the net is: the log-det is 0 for each row"
_HALVES = "halves: the even and the odd features are asked for, slices with a step of 2"
_PARITY = "parity is not looked at: 0 keeps features 0, 2, 4, ..., and 1 keeps 1, 3, 5, ..."

MISTAKES = (
    Mistake("sign", "this is decode: encode adds the shift", _with(lambda moved, shift: moved - shift)),
    Mistake("shift_only", "the moved features themselves are lost: add the shift to them", _with(lambda m, t: t)),
    Mistake("product", "the shift is multiplied: an additive coupling adds it", _with(lambda m, t: m * t)),
    Mistake("exp", "this is a scale: an additive coupling adds what the net returns", _with(lambda m, t: m * t.exp())),
    Mistake("cat", _CAT, _joined(lambda kept, moved, parity: torch.cat((kept, moved), 1))),
    Mistake("cat", _CAT, _joined(lambda kept, moved, parity: torch.cat((moved, kept), 1))),
    Mistake(
        "cat",
        _CAT,
        _joined(lambda kept, moved, parity: torch.cat((kept, moved) if parity == 0 else (moved, kept), 1)),
    ),
    Mistake("ladj_shift", _ZERO, _ladj(lambda x, shift: shift.sum(1))),
    Mistake("ladj_shift", _ZERO, _ladj(lambda x, shift: -shift.sum(1))),
    Mistake("ladj_shift", _ZERO, _ladj(lambda x, shift: shift.abs().log().sum(1))),
    Mistake(
        "determinant",
        "1 is the determinant: its logarithm is asked for, 0",
        _ladj(lambda x, shift: x.new_ones(len(x))),
    ),
    Mistake(
        "one_number",
        "one log-det for each row is asked for: zeros of shape (N,), as x.new_zeros(len(x)) gives them",
        _ladj(lambda x, shift: x.new_zeros(())),
    ),
    Mistake(
        "one_number",
        "one log-det for each row is asked for: zeros of shape (N,), as x.new_zeros(len(x)) gives them",
        _ladj(lambda x, shift: 0),
    ),
    Mistake(
        "one_number",
        "one log-det for each row is asked for: zeros of shape (N,), as x.new_zeros(len(x)) gives them",
        _ladj(lambda x, shift: 0.0),
    ),
    Mistake(
        "per_feature",
        "the log-scales of the features are summed over dim 1: one number for each row, (N,)",
        _ladj(lambda x, shift: torch.zeros_like(x)),
    ),
    Mistake(
        "per_feature",
        "the log-scales of the features are summed over dim 1: one number for each row, (N,)",
        _ladj(lambda x, shift: torch.zeros_like(shift)),
    ),
    Mistake(
        "roles",
        "kept and moved are exchanged: parity 0 keeps features 0, 2, 4, ... and moves the others",
        lambda x, net, parity: encode(x, net, 1 - parity),
    ),
    Mistake("parity_ignored", _PARITY, _always(0)),
    Mistake("parity_ignored", _PARITY, _always(1)),
    Mistake("net_sees_moved", "the net sees the moved features: give it the kept ones", _net_sees_moved),
    Mistake("halves", _HALVES, _halves(lambda d, parity: d // 2)),
    Mistake("halves", _HALVES, _halves(lambda d, parity: (d + 1) // 2)),
    Mistake("halves", _HALVES, _halves(lambda d, parity: (d + 1 - parity) // 2)),
    Mistake(
        "kept_lost",
        "the kept features are lost: z_kept = x_kept",
        lambda x, net, parity: (
            _put(torch.zeros_like(x), parity, encode(x, net, parity)[0][:, 1 - parity :: 2]),
            0 * x[:, 0],
        ),
    ),
    Mistake(
        "moved_only",
        "the moved features alone: z has all D features",
        lambda x, net, parity: (encode(x, net, parity)[0][:, 1 - parity :: 2], 0 * x[:, 0]),
    ),
    Mistake("z_only", "z alone: return the pair (z, ladj)", lambda *args: encode(*args)[0]),
    Mistake("pair_order", "the pair is the wrong way round: (z, ladj)", lambda *args: encode(*args)[::-1]),
)

EXERCISE = Exercise(
    id="04.encode",
    title="Even and odd",
    level="core",
    minutes=10,
    points=2,
    anchor="sec-04-additive",
    task=TASK,
    hints=HINTS,
    references=(encode,),
    returns=("z (N, D)", "ladj (N,)"),
    cases=cases,
    mistakes=MISTAKES,
    independent=round_trip_and_volume,
    gradient=("x", "net"),
    avoid={
        **dict.fromkeys(DETERMINANTS, "the log-det is known without any determinant: a shift keeps volumes"),
        **dict.fromkeys(AUTOGRAD, "the log-det is known without automatic differentiation: a shift keeps volumes"),
    },
)
