"""08.actnorm: encode of ActNorm, with its initialisation from the first batch and its log-determinant."""

import torch

from nf_course.grading.exercise import Case, Exercise, Finding, Mistake
from nf_course.grading.operators import AUTOGRAD, DETERMINANTS

TASK = r"""
ActNorm scales and shifts each channel $c$, at every pixel $p$ alike:

$$\begin{gathered}
z_{c,p} = s_c\, x_{c,p} + b_c, \\
\log \left| \det \frac{\partial z}{\partial x} \right| = H\, W \sum_{c=1}^{C} \log s_c
\end{gathered}$$

`x` has shape `(N, C, H, W)`; `log_scale` holds $\log s$ and `shift` holds $b$, both of shape `(C,)`. If `initialised`
is `False`, this is the first batch: replace both, so that over the batch and all pixels each channel of $z$ has mean 0
and standard deviation 1 (the deviation that divides by $N H W$). If it is `True`, use them as they are. Return
`(z, ladj, log_scale, shift)`: `ladj` of shape `(N,)`, and the two vectors that were used. Those that came in stay as
they were.
"""

HINTS = (
    "From z = s x + b with mean m and deviation d of x: the deviation of z is s d, its mean s m + b. What must s and "
    "b be?",
    "torch.std_mean(x, dim=(0, 2, 3), correction=0) gives deviation and mean of each channel; s = 1 / d, b = -m / d.",
    "Broadcast with log_scale.exp()[:, None, None]. The log-det is H * W * log_scale.sum(), once for each image: "
    ".expand(len(x)).",
)


def actnorm(x, log_scale, shift, initialised):
    N, _, H, W = x.shape
    if not initialised:
        std, mean = torch.std_mean(x, dim=(0, 2, 3), correction=0)
        log_scale, shift = -std.log(), -mean / std
    z = log_scale.exp()[:, None, None] * x + shift[:, None, None]
    ladj = (H * W * log_scale.sum()).expand(N)
    return z, ladj, log_scale, shift


def cases(draw):
    made = []
    for size, initialised in (((4, 3, 2, 5), False), ((3, 2, 4, 3), True), ((1, 4, 3, 2), False), ((5, 1, 2, 4), True)):
        channels = size[1]
        spread, centre = draw.uniform(0.3, 2.5, channels), draw.uniform(1.0, 3.0, channels) * draw.signs(channels)
        x = spread[:, None, None] * draw.normal(*size) + centre[:, None, None]
        log_scale = draw.uniform(0.2, 0.7, channels) * draw.signs(channels)
        made.append(Case((x, log_scale, draw.normal(channels), initialised)))
    return made


def once_and_for_all(ask, draw):
    """The first batch is normalised; then a batch of unit steps gives the Jacobian column by column."""
    x, log_scale, shift, _ = cases(draw)[0].args
    z, _, log_scale, shift = ask(x, log_scale, shift, False)
    for name, off in (("mean 0", z.mean((0, 2, 3))), ("deviation 1", z.std((0, 2, 3), correction=0) - 1)):
        if off.abs().max().item() > 1e-5:
            expected = f"{name} in each channel of the first batch"
            return Finding("property", expected, f"a difference of {off.abs().max().item():.2g}")
    size = x[0].numel()
    steps = torch.cat((torch.zeros(1, size).to(x), torch.eye(size).to(x))).view(-1, *x.shape[1:])
    z, ladj, *_ = ask(x[:1] + steps, log_scale, shift, True)
    jacobian = (z[1:] - z[:1]).flatten(1).T
    want = torch.linalg.slogdet(jacobian)[1].item()
    if abs(ladj[0].item() - want) > 1e-5 * (1 + abs(want)):
        return Finding("property", f"{want:.4f}, slogdet of the Jacobian", f"{ladj[0].item():.4f}")
    return None


def _first(x):
    std, mean = torch.std_mean(x, dim=(0, 2, 3), correction=0)
    return -std.log(), -mean / std


def _scaled(x, log_scale, shift):
    return log_scale.exp()[:, None, None] * x + shift[:, None, None]


def _ladj(x, log_scale):
    return (x.shape[2] * x.shape[3] * log_scale.sum()).expand(len(x))


def _with_ladj(ladj):
    """Right but for the log-det, `ladj(x, log_scale)`."""

    def answer(x, log_scale, shift, initialised):
        z, _, log_scale, shift = actnorm(x, log_scale, shift, initialised)
        return z, ladj(x, log_scale), log_scale, shift

    return answer


def _times(factor):
    """The sum of the log-scales with another factor in front, `factor(N, C, H, W)`."""
    return _with_ladj(lambda x, log_scale: (factor(*x.shape) * log_scale.sum()).expand(len(x)))


def _with_first(first):
    """Right but for the initialisation, `first(x)`."""

    def answer(x, log_scale, shift, initialised):
        if not initialised:
            log_scale, shift = first(x)
        return _scaled(x, log_scale, shift), _ladj(x, log_scale), log_scale, shift

    return answer


def _unbiased(x):
    std, mean = torch.std_mean(x, dim=(0, 2, 3))
    return -std.log(), -mean / std


def _variance(x):
    variance, mean = torch.var_mean(x, dim=(0, 2, 3), correction=0)
    return -variance.log(), -mean / variance


def _shift_not_divided(x):
    return _first(x)[0], -x.mean((0, 2, 3))


def _scale_up(x):
    log_scale, shift = _first(x)
    return -log_scale, shift


def _shift_sign(x):
    log_scale, shift = _first(x)
    return log_scale, -shift


def _one_for_all(x):
    return (-x.std(correction=0).log()).expand(x.shape[1]), (-x.mean() / x.std(correction=0)).expand(x.shape[1])


def _every_time(x, log_scale, shift, initialised):
    return actnorm(x, log_scale, shift, False)


def _never(x, log_scale, shift, initialised):
    return actnorm(x, log_scale, shift, True)


def _flag_turned(x, log_scale, shift, initialised):
    return actnorm(x, log_scale, shift, not initialised)


def _not_kept(x, log_scale, shift, initialised):
    z, ladj, *_ = actnorm(x, log_scale, shift, initialised)
    return z, ladj, log_scale, shift


def _old_ladj(x, log_scale, shift, initialised):
    z, _, *used = actnorm(x, log_scale, shift, initialised)
    return z, _ladj(x, log_scale), *used


def _shift_first(x, log_scale, shift, initialised):
    if not initialised:
        log_scale, shift = _first(x)[0], -x.mean((0, 2, 3))
    return log_scale.exp()[:, None, None] * (x + shift[:, None, None]), _ladj(x, log_scale), log_scale, shift


def _decode(x, log_scale, shift, initialised):
    _, ladj, log_scale, shift = actnorm(x, log_scale, shift, initialised)
    return (x - shift[:, None, None]) * (-log_scale).exp()[:, None, None], -ladj, log_scale, shift


def _not_exp(x, log_scale, shift, initialised):
    _, ladj, log_scale, shift = actnorm(x, log_scale, shift, initialised)
    return log_scale[:, None, None] * x + shift[:, None, None], ladj, log_scale, shift


def _two(x, log_scale, shift, initialised):
    return actnorm(x, log_scale, shift, initialised)[:2]


_SQUARE = "the factor is H*W: here H*H or W*W, and images need not be square"

MISTAKES = (
    Mistake("no_pixels", "the factor H*W is missing: the scale acts at every pixel", _times(lambda N, C, H, W: 1)),
    Mistake("square", _SQUARE, _times(lambda N, C, H, W: H * H)),
    Mistake("square", _SQUARE, _times(lambda N, C, H, W: W * W)),
    Mistake(
        "channels",
        "the channels are counted twice: the sum runs over them already",
        _times(lambda N, C, H, W: C * H * W),
    ),
    Mistake("mean", "a mean over the channels: their logarithms add", _times(lambda N, C, H, W: H * W / C)),
    Mistake(
        "times_batch",
        "multiplied by the batch size: each image has its own log-det",
        _times(lambda N, C, H, W: N * H * W),
    ),
    Mistake("sign", "the sign: this is decode's log-det", _times(lambda N, C, H, W: -H * W)),
    Mistake(
        "scalar",
        "one log-det for the whole batch: it would pass by broadcasting and be counted once where a sum over the "
        "batch is taken; .expand(len(x))",
        _with_ladj(lambda x, log_scale: x.shape[2] * x.shape[3] * log_scale.sum()),
    ),
    Mistake(
        "not_log",
        "log_scale holds logarithms already: sum them without exp",
        _with_ladj(lambda x, log_scale: (x.shape[2] * x.shape[3] * log_scale.exp().sum()).expand(len(x))),
    ),
    Mistake("every_time", "it initialises at every call: only if initialised is False", _every_time),
    Mistake("never", "it never initialises: if initialised is False, log_scale and shift come from x", _never),
    Mistake("flag", "the flag is read the wrong way round: initialised=False is the first batch", _flag_turned),
    Mistake("not_kept", "the new log_scale and shift are used and thrown away: return them", _not_kept),
    Mistake("old_ladj", "the log-det is that of the old log_scale: compute it after the initialisation", _old_ladj),
    Mistake(
        "unbiased",
        "the deviation divides by N*H*W - 1, torch's default: correction=0 is asked for",
        _with_first(_unbiased),
    ),
    Mistake("variance", "the variance where the standard deviation belongs", _with_first(_variance)),
    Mistake(
        "shift_not_divided",
        "shift is -mean / std: the mean has been scaled before b is added",
        _with_first(_shift_not_divided),
    ),
    Mistake("scale_up", "the sign of log_scale: s = 1 / std, so log s = -log std", _with_first(_scale_up)),
    Mistake("shift_sign", "the sign of the shift: b = -mean / std takes the mean off", _with_first(_shift_sign)),
    Mistake(
        "one_for_all",
        "one mean and one deviation for all channels: each has its own, dim=(0, 2, 3)",
        _with_first(_one_for_all),
    ),
    Mistake(
        "shift_first",
        "s (x + b), the order of the published Glow code: here s x + b, hence b = -mean / std",
        _shift_first,
    ),
    Mistake("decode", "this is decode: encode multiplies by s and then adds b", _decode),
    Mistake("not_exp", "log_scale is the logarithm of s: multiply by its exp", _not_exp),
    Mistake("two", "z and ladj alone: return log_scale and shift as well, as they were used", _two),
)

EXERCISE = Exercise(
    id="08.actnorm",
    title="ActNorm and its first batch",
    level="core",
    minutes=15,
    points=3,
    anchor="sec-08-actnorm",
    task=TASK,
    hints=HINTS,
    references=(actnorm,),
    returns=("z (N, C, H, W)", "ladj (N,)", "log_scale (C,)", "shift (C,)"),
    cases=cases,
    mistakes=MISTAKES,
    independent=once_and_for_all,
    gradient=("log_scale", "shift"),
    avoid={
        **dict.fromkeys(DETERMINANTS, "the Jacobian is diagonal: its log-det is a sum"),
        **dict.fromkeys(AUTOGRAD, "the Jacobian is known: it needs no automatic differentiation"),
    },
)
