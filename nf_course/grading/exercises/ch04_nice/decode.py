"""04.decode: a stack of additive couplings backwards, the kept kind changing from one to the next."""

import torch

from nf_course.grading.exercise import Case, Exercise, Finding, Mistake

TASK = r"""
The couplings of NICE take turns. Coupling $k = 0, 1, \dots, L - 1$ keeps the features 0, 2, 4, ... where $k$ is even
and shifts the others; where $k$ is odd, it keeps the features 1, 3, 5, ... and shifts those in even places:

$$\begin{gathered}
h_0 = x, \qquad h_{k+1,\text{kept}} = h_{k,\text{kept}}, \\
h_{k+1,\text{moved}} = h_{k,\text{moved}} + \mathtt{nets[k]}(h_{k,\text{kept}}), \qquad z = h_L
\end{gathered}$$

Undo all of them. `z` has shape `(N, D)`, where `D` may be odd, and `nets` is a list of $L$ networks, each from the
kept features of its coupling to the moved ones. Return `x`, of shape `(N, D)`, with every feature in its place. Leave
`z` and the list as they were. Gradients must flow through the networks, so write into no tensor that one of them has
been given, not even into other columns of it.
"""

HINTS = (
    "What was done last is undone first: k runs from L - 1 down to 0, and each step subtracts what encode added.",
    "Keep the two kinds apart until the end, even = z[:, 0::2] and odd = z[:, 1::2]. Which of them does step k move, "
    "and what does its net see: the z that you were given, or what has been undone so far?",
    "for k in reversed(range(len(nets))): where k is even, odd = odd - nets[k](even), else even = even - nets[k](odd). "
    "At the end x = torch.empty_like(z), x[:, 0::2] = even, x[:, 1::2] = odd.",
)


def decode(z, nets):
    even, odd = z[:, 0::2], z[:, 1::2]
    for k in reversed(range(len(nets))):
        if k % 2 == 0:
            odd = odd - nets[k](even)
        else:
            even = even - nets[k](odd)
    x = torch.empty_like(z)
    x[:, 0::2], x[:, 1::2] = even, odd
    return x


def cases(draw):
    made = []
    for n, d, depth in ((9, 6, 4), (1, 5, 3), (4, 7, 2), (3, 2, 5), (7, 4, 4)):
        even, odd = (d + 1) // 2, d // 2
        sizes = [(even, odd) if k % 2 == 0 else (odd, even) for k in range(depth)]
        nets = [draw.net(f"nets[{k}]", *size, amplitude=2.0) for k, size in enumerate(sizes)]
        made.append(Case((2 * draw.normal(n, d), nets)))
    return made


def encodes_again(ask, draw):
    """Encode the answer, feature by feature, and arrive at z."""
    for index in (0, 2):
        z, nets = cases(draw)[index].args
        columns = list(ask(z, nets).unbind(1))
        for k, net in enumerate(nets):
            shift = net(torch.stack(columns[k % 2 :: 2], 1))
            for place, feature in enumerate(range(1 - k % 2, len(columns), 2)):
                columns[feature] = columns[feature] + shift[:, place]
        error = (torch.stack(columns, 1) - z).abs().max().item()
        if not error < 1e-5:
            return Finding("property", "encode(decode(z)) = z", f"a difference of {error:.2g}")
    return None


def _join(even, odd):
    x = torch.empty(len(even), even.shape[1] + odd.shape[1], dtype=even.dtype, device=even.device)
    x[:, 0::2], x[:, 1::2] = even, odd
    return x


def _run(order=lambda n: reversed(range(n)), sign=-1, even_moves_odd=True, join=_join, parity=lambda k, n: k % 2):
    """The loop with one thing changed."""

    def answer(z, nets):
        even, odd = z[:, 0::2], z[:, 1::2]
        for k in order(len(nets)):
            if (parity(k, len(nets)) == 0) == even_moves_odd:
                odd = odd + sign * nets[k](even)
            else:
                even = even + sign * nets[k](odd)
        return join(even, odd)

    return answer


def _sees_z(z, nets):
    """Every net is shown the z that came in."""
    even, odd = z[:, 0::2], z[:, 1::2]
    new_even, new_odd = even, odd
    for k in reversed(range(len(nets))):
        if k % 2 == 0:
            new_odd = new_odd - nets[k](even)
        else:
            new_even = new_even - nets[k](odd)
    return _join(new_even, new_odd)


def _starts_again(z, nets):
    """Each step starts from z: only the last one of the loop is left."""
    x = z
    for k in reversed(range(len(nets))):
        x = z.clone()
        x[:, 1 - k % 2 :: 2] = z[:, 1 - k % 2 :: 2] - nets[k](z[:, k % 2 :: 2])
    return x


def _first_of_the_loop(z, nets):
    return _run(order=lambda n: [n - 1])(z, nets)


def _halves(z, nets):
    d = (z.shape[1] + 1) // 2
    first, second = z[:, :d], z[:, d:]
    for k in reversed(range(len(nets))):
        if k % 2 == 0:
            second = second - nets[k](first)
        else:
            first = first - nets[k](second)
    return torch.cat((first, second), 1)


def _cat_inside(z, nets):
    """Each coupling by itself, its two kinds joined by cat."""
    x = z
    for k in reversed(range(len(nets))):
        kept, moved = x[:, k % 2 :: 2], x[:, 1 - k % 2 :: 2]
        moved = moved - nets[k](kept)
        x = torch.cat((kept, moved) if k % 2 == 0 else (moved, kept), 1)
    return x


_CAT = "cat puts the even features in front and the odd ones behind: write them back with x[:, 0::2] and x[:, 1::2]"
_ORDER = "the couplings are undone from the first to the last: the one that was applied last comes off first"
_ENCODE = "this is encode: decode subtracts, from the last coupling to the first"
_LEFT_OUT = "a coupling is left out: the loop runs over all of them, down to k = 0"
_ONE_TURN = "only one coupling is undone: does the return stand inside the loop, or does each step start from z again?"

MISTAKES = (
    Mistake("encode", _ENCODE, _run(order=range, sign=1)),
    Mistake("sign", "the sign: encode added the shift, so decode subtracts it", _run(sign=1)),
    Mistake("order", _ORDER, _run(order=range)),
    Mistake(
        "parity",
        "the kinds are exchanged: coupling 0 keeps features 0, 2, 4, ..., counted from the first coupling",
        _run(even_moves_odd=False),
    ),
    Mistake(
        "parity_from_the_end",
        "the kinds are counted from the end: whether coupling k keeps even or odd depends on k, not on the turn",
        _run(parity=lambda k, n: (n - 1 - k) % 2),
    ),
    Mistake(
        "same_kind",
        "the same kind is moved each time: the couplings take turns",
        _run(parity=lambda k, n: 0),
    ),
    Mistake("cat", _CAT, _run(join=lambda even, odd: torch.cat((even, odd), 1))),
    Mistake("cat", _CAT, _run(join=lambda even, odd: torch.cat((odd, even), 1))),
    Mistake("cat", _CAT, _cat_inside),
    Mistake("swapped", "even and odd features are exchanged in x", _run(join=lambda even, odd: _swap(even, odd))),
    Mistake("sees_z", "every net is shown the z that came in: give it what has been undone so far", _sees_z),
    Mistake("one_turn", _ONE_TURN, _starts_again),
    Mistake("one_turn", _ONE_TURN, _first_of_the_loop),
    Mistake("left_out", _LEFT_OUT, _run(order=lambda n: range(n - 1, 0, -1))),
    Mistake("left_out", _LEFT_OUT, _run(order=lambda n: range(n - 2, -1, -1))),
    Mistake("halves", "halves: NICE divides into features in even and in odd places, slices with a step of 2", _halves),
    Mistake(
        "pair",
        "a pair is returned: here x alone is asked for",
        lambda z, nets: (decode(z, nets), z.new_zeros(len(z))),
    ),
)


def _swap(even, odd):
    """Fits for an even number of features only, as a learner finds out."""
    x = torch.empty(len(even), even.shape[1] + odd.shape[1], dtype=even.dtype, device=even.device)
    x[:, 1::2], x[:, 0::2] = even, odd
    return x


EXERCISE = Exercise(
    id="04.decode",
    title="Back through the stack",
    level="core",
    minutes=15,
    points=2,
    anchor="sec-04-additive",
    task=TASK,
    hints=HINTS,
    references=(decode,),
    returns=("x (N, D)",),
    cases=cases,
    mistakes=MISTAKES,
    independent=encodes_again,
    gradient=("z", "nets"),
)
