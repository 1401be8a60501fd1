"""05.repair: a function that prepares images, with five bugs that look right. Find and mend them."""

import math
from itertools import product

import torch

from nf_course.grading.exercise import Case, Exercise, Finding, Mistake

TASK = r"""
This function is to prepare images for a flow over $[-1, 1]$. It runs, the flow trains, and the bits per dimension that
come out are the best in the house. There are five mistakes in its lines (besides, `log_det` is one number, where one
for each image is wanted):

```python
def prepare(x, u, bins):
    v = (x + u / 2) / (bins - 1)  # counts and noise, to [0, 1]
    v = 2 * v - 1  # and on to [-1, 1]
    log_det = -x.shape[1] * math.log(bins - 1)
    return v, log_det
```

`x` has shape `(N, C, H, W)` and holds whole numbers from 0 to `bins - 1`; `u` has the same shape and is uniform over
$[0, 1)$. Write it right: level $k$ and its noise are to fill the $k$-th (from 0) of `bins` equal parts of $[-1, 1]$,
without a gap and without overlap. Return the pair `(v, ladj)`, where `ladj`, of shape `(N,)`, is the log-determinant of
the map from $x + u$ to $v$ for each image.
"""

HINTS = (
    "Put in the lowest and the highest values: x = 0 with u = 0 should give -1, and x = bins - 1 with u near 1 should "
    "give 1. And level k with u = 1 should meet level k + 1 with u = 0.",
    "The map from x + u to v is straight: which slope does it have, and how many numbers are there in an image? "
    "A log-determinant is one number for each image, even where all are equal.",
    "v = 2 * (x + u) / bins - 1. The slope is 2 / bins for each of the C H W numbers: "
    "ladj = x[0].numel() * log(2 / bins), repeated N times.",
)


def prepare(x, u, bins):
    v = 2 * (x + u) / bins - 1
    D = x[0].numel()
    return v, v.new_full((len(x),), D * math.log(2 / bins))


def cases(draw):
    made = []
    for n, shape, bins in ((4, (1, 8, 8), 17), (1, (3, 2, 5), 256), (3, (2, 3, 4), 4)):
        x = draw.uniform(0.0, float(bins), n, *shape).floor().clamp(0, bins - 1).long()
        made.append(Case((x, draw.uniform(0.0, 1.0, n, *shape), bins)))
    return made


def bins_tile_the_interval(ask, draw):
    """Edges of all bins, one after the other; and the log-determinant from the volume of a bin."""
    bins = 6
    x = torch.arange(bins, device=draw.device)[:, None, None, None].expand(-1, 1, 2, 3).contiguous()
    zero = torch.zeros(bins, 1, 2, 3, dtype=torch.float64, device=draw.device)
    low, ladj = ask(x, zero, bins)
    high, _ = ask(x, zero + 1, bins)
    if (low[1:] - high[:-1]).abs().max() > 1e-6:
        return Finding("property", "each bin ends where the next begins", "a gap or an overlap")
    ends = low.min().item(), high.max().item()
    if max(abs(ends[0] + 1), abs(ends[1] - 1)) > 1e-6:
        return Finding("property", "bins from -1 to 1", f"from {ends[0]:.4f} to {ends[1]:.4f}")
    want = (high - low)[0].log().sum().item()
    if (ladj - want).abs().max() > 1e-5:
        return Finding("property", f"{want:.4f}, log of the volume of a bin", f"{ladj[0].item():.4f}")
    return None


def _leftover(half, scale, constant, interval, dims):
    """The function with these bugs left in it, and a log-det of shape (N,)."""

    def answer(x, u, bins):
        v = 2 * (x + (u / 2 if half else u)) / (bins - 1 if scale else bins) - 1
        D = x.shape[1] if dims else x[0].numel()
        slope = (1 if interval else 2) / (bins - 1 if constant else bins)
        return v, v.new_full((len(x),), D * math.log(slope))

    return answer


BUGS = {  # in the order in which they are named, where several are left
    "half_width": "the noise fills half of each bin: u as it is, without the division by 2",
    "steps": "bins - 1 counts steps between levels: bins levels fill bins parts, in v and in the log-det",
    "interval": "v runs over [-1, 1], twice as long as [0, 1]: its slope is 2 / bins",
    "dims": "x.shape[1] is the number of channels: an image has C H W numbers",
}


def _leftovers():
    """Every way to leave some bugs in, the fewest first."""
    found = []
    for half, scale, constant, interval, dims in sorted(product((False, True), repeat=5), key=sum):
        present = {"half_width": half, "steps": scale or constant, "interval": interval, "dims": dims}
        first = next((name for name, there in present.items() if there), None)
        if first:
            found.append(Mistake(first, BUGS[first], _leftover(half, scale, constant, interval, dims)))
    return found


def _one_number(x, u, bins):
    v, ladj = prepare(x, u, bins)
    return v, ladj[0]


def _plain_number(x, u, bins):
    return prepare(x, u, bins)[0], x[0].numel() * math.log(2 / bins)


def _as_it_was(x, u, bins):
    v = (x + u / 2) / (bins - 1)
    v = 2 * v - 1
    log_det = -x.shape[1] * math.log(bins - 1)
    return v, log_det


def _with(v=None, ladj=None):
    """The right one with another v(x, u, bins), or another ladj(right)."""

    def answer(x, u, bins):
        right_v, right_ladj = prepare(x, u, bins)
        return right_v if v is None else v(x, u, bins), right_ladj if ladj is None else ladj(right_ladj)

    return answer


_BATCH = "one log-det for each image, (N,), though all are equal: v.new_full((len(x),), ...)"

MISTAKES = (
    Mistake("as_it_was", "this is the function as it was: it is the one to be mended", _as_it_was),
    *_leftovers(),
    Mistake("batch", _BATCH, _one_number),
    Mistake("batch", _BATCH, _plain_number),
    Mistake(
        "sign",
        "the sign of the log-det: 2 / bins is below one, so its logarithm is negative",
        _with(ladj=torch.neg),
    ),
    Mistake(
        "times_batch",
        "the batch is counted as dimensions: x.numel() counts all images, x[0].numel() one",
        lambda x, u, bins: (prepare(x, u, bins)[0], prepare(x, u, bins)[1] * len(x)),
    ),
    Mistake(
        "slope_twice",
        "the factor 2 comes once for each number, not once for the image",
        lambda x, u, bins: (
            prepare(x, u, bins)[0],
            u.new_full((len(x),), math.log(2) - x[0].numel() * math.log(bins)),
        ),
    ),
    Mistake(
        "noise_after",
        "the noise is added after the division: it would reach over many bins",
        _with(v=lambda x, u, bins: 2 * (x / bins + u) - 1),
    ),
    Mistake("no_noise", "the noise is lost: x + u fills the bin", _with(v=lambda x, u, bins: 2 * x.to(u) / bins - 1)),
    Mistake(
        "centred",
        "the noise is centred: level k fills its part from its lower edge on",
        _with(v=lambda x, u, bins: 2 * (x + u - 0.5) / bins - 1),
    ),
    Mistake(
        "unit_interval",
        "v lies in [0, 1]: the flow wants [-1, 1]",
        _with(v=lambda x, u, bins: (x + u) / bins),
    ),
    Mistake(
        "unit_interval",
        "v lies in [0, 1]: the flow wants [-1, 1]",
        lambda x, u, bins: ((x + u) / bins, u.new_full((len(x),), -x[0].numel() * math.log(bins))),
    ),
    Mistake("pair_order", "the pair is in the other order: (v, ladj)", lambda *args: prepare(*args)[::-1]),
    Mistake("v_only", "the log-det is missing: return (v, ladj)", lambda *args: prepare(*args)[0]),
)

EXERCISE = Exercise(
    id="05.repair",
    title="Five mistakes in four lines",
    level="stretch",
    minutes=15,
    points=3,
    anchor="sec-05-break",
    task=TASK,
    hints=HINTS,
    references=(prepare,),
    returns=("v (N, C, H, W)", "ladj (N,)"),
    cases=cases,
    mistakes=MISTAKES,
    independent=bins_tile_the_interval,
    gradient=("u",),
)
