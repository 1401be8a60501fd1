"""03.two_couplings: one coupling after the other, with the log-dets added and the context passed on."""

import torch

from nf_course.grading.exercise import Case, Exercise, Finding, Mistake

TASK = r"""
One coupling leaves half of its input alone; two with complementary masks leave nothing alone. Write encode for two
couplings in a row, `first` and then `second`:

$$\begin{gathered}
h = f_1(x; c), \qquad z = f_2(h; c), \\
\log \left| \det \frac{\partial z}{\partial x} \right| =
\log \left| \det \frac{\partial h}{\partial x} \right| + \log \left| \det \frac{\partial z}{\partial h} \right|
\end{gathered}$$

Each coupling has `encode(x, context)`, which returns the pair `(z, ladj)` with `ladj` of shape `(N,)`. The context
`c` has shape `(N, K)` and both couplings need it. Return the pair `(z, ladj)` of the whole map.
"""

HINTS = (
    "The second coupling starts where the first one ended. At which point is its Jacobian taken?",
    "Each encode gives two things: the transformed batch goes on into the next coupling, the log-dets are collected.",
    "h, ladj_1 = first.encode(x, context); z, ladj_2 = second.encode(h, context); return z and the sum of the two.",
)


def encode_two(x, first, second, context):
    h, ladj_first = first.encode(x, context)
    z, ladj_second = second.encode(h, context)
    return z, ladj_first + ladj_second


def cases(draw):
    made = []
    for n, d, kept, k in ((6, 4, 2, 3), (1, 3, 1, 2), (9, 5, 3, 1)):
        mask = draw.mask(d, kept)
        first, second = draw.coupling("first", mask, context=k), draw.coupling("second", ~mask, context=k)
        made.append(Case((draw.normal(n, d), first, second, draw.normal(n, k))))
    return made


def inverse_and_jacobian(ask, draw):
    """Decode the z again, and take slogdet of the full Jacobian of the composed map by autograd."""
    x, first, second, context = cases(draw)[2].args
    z, ladj = ask(x, first, second, context)
    back, _ = first.decode(second.decode(z, context)[0], context)
    error = (back - x).abs().max().item()
    if not error < 1e-5:
        return Finding("property", "decoding z gives x back", f"a difference of {error:.2g}")
    for row in range(2):
        one = context[row : row + 1]
        full = torch.autograd.functional.jacobian(
            lambda v, one=one: second.encode(first.encode(v[None], one)[0], one)[0][0], x[row]
        )
        want = torch.linalg.slogdet(full)[1].item()
        if abs(ladj[row].item() - want) > 1e-5 * (1 + abs(want)):
            return Finding("property", f"{want:.4f}, slogdet of the Jacobian by autograd", f"{ladj[row].item():.4f}")
    return None


def _ladj(combine):
    """An answer with the right z and another log-det, `combine(ladj_first, ladj_second)`."""

    def answer(x, first, second, context):
        h, a = first.encode(x, context)
        z, b = second.encode(h, context)
        return z, combine(a, b)

    return answer


def _second_sees_x(x, first, second, context):
    _, a = first.encode(x, context)
    z, b = second.encode(x, context)
    return z, a + b


def _log_det_at_x(x, first, second, context):
    h, a = first.encode(x, context)
    z, _ = second.encode(h, context)
    return z, a + second.encode(x, context)[1]


def _no_context(x, first, second, context):
    h, a = first.encode(x)
    return second.encode(h)[0], a


def _context_once(x, first, second, context):
    h, a = first.encode(x, context)
    return second.encode(h)[0], a


def _decodes(x, first, second, context):
    h, a = second.decode(x, context)
    z, b = first.decode(h, context)
    return z, a + b


def _swapped(x, first, second, context):
    return encode_two(x, second, first, context)


def _both_decode(x, first, second, context):
    h, a = first.decode(x, context)
    z, b = second.decode(h, context)
    return z, a + b


def _h_returned(x, first, second, context):
    return first.encode(x, context)[0], encode_two(x, first, second, context)[1]


def _first_twice(x, first, second, context):
    return encode_two(x, first, first, context)


def _both_ladj(x, first, second, context):
    h, a = first.encode(x, context)
    return a, second.encode(h, context)[1]


MISTAKES = (
    Mistake("last_only", "the first coupling's log-det is lost: the two add", _ladj(lambda a, b: b)),
    Mistake("first_only", "the second coupling's log-det is lost: the two add", _ladj(lambda a, b: a)),
    Mistake("minus", "the log-dets are subtracted: they add", _ladj(lambda a, b: a - b)),
    Mistake(
        "negated", "the sign: both maps are encode, so both log-dets are added as they are", _ladj(lambda a, b: -a - b)
    ),
    Mistake(
        "product", "the log-dets are multiplied: determinants multiply, their logarithms add", _ladj(lambda a, b: a * b)
    ),
    Mistake("mean", "the log-dets are averaged: they add", _ladj(lambda a, b: (a + b) / 2)),
    Mistake("second_sees_x", "the second coupling starts from x: give it what the first one returned", _second_sees_x),
    Mistake(
        "log_det_at_x",
        "the second log-det is taken at x: its Jacobian belongs at h, where the first one ended",
        _log_det_at_x,
    ),
    Mistake("order", "the couplings are in the wrong order: first, then second", _swapped),
    Mistake("no_context", "the context is not passed on: both couplings need it", _no_context),
    Mistake("context_once", "the second coupling did not get the context", _context_once),
    Mistake("decodes", "this decodes: encode goes through first, then second", _decodes),
    Mistake(
        "both_decode",
        "this decodes, although in the right order: encode is asked for, first.encode and second.encode",
        _both_decode,
    ),
    Mistake("h_returned", "the z returned is h, the point between: return what the second coupling made", _h_returned),
    Mistake("first_twice", "the first coupling is used twice: first, then second", _first_twice),
    Mistake(
        "minus",
        "the log-dets are subtracted: they add",
        _ladj(lambda a, b: b - a),
    ),
    Mistake(
        "not_added",
        "the two log-dets stand side by side: add them, one number for each row",
        _ladj(lambda a, b: torch.stack((a, b))),
    ),
    Mistake(
        "not_added",
        "the two log-dets stand side by side: add them, one number for each row",
        _ladj(lambda a, b: torch.cat((a, b))),
    ),
    Mistake(
        "not_added",
        "the two log-dets stand side by side: add them, one number for each row",
        lambda *args: (encode_two(*args)[0], *_both_ladj(*args)),
    ),
    Mistake("pair_order", "the pair is the wrong way round: (z, ladj)", lambda *args: encode_two(*args)[::-1]),
    Mistake("z_only", "z alone: return the pair (z, ladj)", lambda *args: encode_two(*args)[0]),
    Mistake("ladj_only", "the log-det alone: return the pair (z, ladj)", lambda *args: encode_two(*args)[1]),
)

EXERCISE = Exercise(
    id="03.two_couplings",
    title="Two couplings and a context",
    level="core",
    minutes=10,
    points=2,
    anchor="sec-03-stacking",
    task=TASK,
    hints=HINTS,
    references=(encode_two,),
    returns=("z (N, D)", "ladj (N,)"),
    cases=cases,
    mistakes=MISTAKES,
    independent=inverse_and_jacobian,
    gradient=("x", "first", "second", "context"),
)
