"""07.logdet: the log-determinant of a 1x1 convolution on images."""

import torch
import torch.nn.functional as F

from nf_course.grading.exercise import Case, Exercise, Finding, Mistake
from nf_course.grading.exercises.ch07_lu_determinants.build_w import build_w
from nf_course.grading.exercises.ch07_lu_determinants.shared import draw_factors
from nf_course.grading.operators import DETERMINANTS

TASK = r"""
A $1 \times 1$ convolution multiplies the channels of *every pixel* by the same matrix $W = P L (U +
\operatorname{diag}(s))$. Its log-determinant is

$$\log \left| \det \frac{\partial z}{\partial x} \right| = H\, W \sum_{c=1}^{C} \log |s_c|$$

where $H \times W$ is the size of the image. `x` has shape `(N, C, H, W)`, `log_abs_s` has shape `(C,)`. Return one
number for each image, shape `(N,)`, at a cost of $O(C)$: no determinant is computed.
"""

HINTS = (
    "The Jacobian of the whole image is block diagonal, with the same block W at each pixel. How many blocks "
    "are there?",
    "The sum over log_abs_s is one number, the same for every image. The result needs one entry for each of the "
    "N images.",
    "N, C, H, W = x.shape; the number is H * W * log_abs_s.sum(); .expand(N) repeats it without copying.",
)


def log_det(x, log_abs_s):
    N, _, H, W = x.shape
    return (H * W * log_abs_s.sum()).expand(N)


def cases(draw):
    sizes = ((3, 4, 2, 5), (1, 3, 4, 3), (6, 2, 3, 7))
    return [Case((draw.normal(*size), draw.uniform(0.2, 0.7, size[1]) * draw.signs(size[1]))) for size in sizes]


def jacobian(ask, draw):
    """Against autograd: slogdet of the Jacobian of F.conv2d on a whole image of 2 x 3 pixels."""
    factors = draw_factors(draw, 3)
    W, x = build_w(*factors), draw.normal(2, 3, 2, 3)
    full = torch.autograd.functional.jacobian(lambda v: F.conv2d(v, W[:, :, None, None]), x[0])
    want = torch.linalg.slogdet(full.reshape(18, 18))[1].item()
    got = ask(x, factors[4])[0].item()
    if abs(got - want) > 1e-5 * (1 + abs(want)):
        return Finding("property", f"{want:.4f}, slogdet of the Jacobian by autograd", f"{got:.4f}")
    return None


def _times(factor):
    """The right sum with another factor in front, `factor(N, C, H, W)`."""
    return lambda x, log_abs_s: (factor(*x.shape) * log_abs_s.sum()).expand(len(x))


MISTAKES = (
    Mistake("no_pixels", "the factor H*W is missing: the same W acts at every pixel", _times(lambda N, C, H, W: 1)),
    Mistake("height_only", "the factor is H*W: here only the height is counted", _times(lambda N, C, H, W: H)),
    Mistake("width_only", "the factor is H*W: here only the width is counted", _times(lambda N, C, H, W: W)),
    Mistake(
        "square", "the factor is H*W: here H*H or W*W, and images need not be square", _times(lambda N, C, H, W: H * H)
    ),
    Mistake(
        "square", "the factor is H*W: here H*H or W*W, and images need not be square", _times(lambda N, C, H, W: W * W)
    ),
    Mistake("sign", "the sign: this is decode's log-det", _times(lambda N, C, H, W: -H * W)),
    Mistake(
        "channels",
        "the channels are counted twice: the sum runs over them already",
        _times(lambda N, C, H, W: C * H * W),
    ),
    Mistake(
        "times_batch",
        "multiplied by the batch size: each image has its own log-det",
        _times(lambda N, C, H, W: N * H * W),
    ),
    Mistake(
        "mean",
        "a mean over the channels where the sum belongs",
        _times(lambda N, C, H, W: H * W / C),
    ),
    Mistake(
        "scalar",
        "one number for the whole batch: return one for each image, shape (N,); try .expand(len(x))",
        lambda x, log_abs_s: x.shape[2] * x.shape[3] * log_abs_s.sum(),
    ),
    Mistake(
        "not_log",
        "log_abs_s holds logarithms already: sum them as they are",
        lambda x, log_abs_s: (x.shape[2] * x.shape[3] * log_abs_s.exp().sum()).expand(len(x)),
    ),
    Mistake(
        "abs",
        "the absolute value is inside the logarithm already: log|s| may be negative",
        lambda x, log_abs_s: (x.shape[2] * x.shape[3] * log_abs_s.abs().sum()).expand(len(x)),
    ),
    Mistake(
        "not_log",
        "log_abs_s holds logarithms already: sum them as they are",
        lambda x, log_abs_s: (x.shape[2] * x.shape[3] * log_abs_s.sum().exp()).expand(len(x)),
    ),
    Mistake(
        "log_again",
        "log_abs_s holds logarithms already: no second log",
        lambda x, log_abs_s: (x.shape[2] * x.shape[3] * log_abs_s.log().sum()).expand(len(x)),
    ),
    Mistake(
        "product",
        "the logarithms are multiplied: they add",
        lambda x, log_abs_s: (x.shape[2] * x.shape[3] * log_abs_s.prod()).expand(len(x)),
    ),
    Mistake("sides_added", "the factor is H*W, the number of pixels, not H + W", _times(lambda N, C, H, W: H + W)),
    Mistake(
        "divided",
        "divided by the number of pixels: each of the H*W pixels adds one",
        _times(lambda N, C, H, W: 1 / H / W),
    ),
    Mistake(
        "batch_mean", "divided by the batch size: each image has its own log-det", _times(lambda N, C, H, W: H * W / N)
    ),
    Mistake(
        "batch_for_pixels",
        "the wrong dimensions of x: H and W are x.shape[2] and x.shape[3]",
        _times(lambda N, C, H, W: C * H),
    ),
)
EXERCISE = Exercise(
    id="07.logdet",
    title="The log-determinant of a 1x1 convolution",
    level="core",
    minutes=10,
    points=2,
    anchor="sec-07-conv-log-det",
    task=TASK,
    hints=HINTS,
    references=(log_det,),
    returns=("ladj (N,)",),
    cases=cases,
    mistakes=MISTAKES,
    independent=jacobian,
    gradient=("log_abs_s",),
    avoid=dict.fromkeys(DETERMINANTS, "the point of the factors is that no determinant is computed"),
)
