"""04.bits: nats of a density over scaled grey levels to bits per dimension."""

import math

from nf_course.grading.exercise import Case, Exercise, Finding, Mistake

TASK = r"""
A paper reports `log_density`, the logarithm of a density in nats, for images of $D$ numbers that were dequantized and
scaled. The `bins` grey levels fill an interval of length `width`: 1 if the data stand in $[0, 1]$, 2 for $[-1, 1]$,
`bins` if they were not scaled at all. A bin is `width / bins` wide, so an image, one cell of the $D$-dimensional grid,
has the probability $P \approx p(x) \cdot (\mathtt{width} / \mathtt{bins})^D$. Bits per dimension are $-\log_2 P$,
divided by $D$:

$$\frac{\text{bits}}{\text{dim}} = - \frac{\mathtt{log\_density} + D \log(\mathtt{width} / \mathtt{bins})}{D \log 2}$$

`log_density` has shape `(N,)`, one number for each image, `dims` is $D$, and `bins` and `width` are numbers. Return the
bits per dimension of each image, shape `(N,)`.
"""

HINTS = (
    "Three steps: from a density to a probability, by the volume of a cell; from nats to bits; from an image to one "
    "of its dimensions.",
    "The volume enters as a logarithm and once for each of the D dimensions: D log(width / bins). "
    "A probability below one has a negative logarithm, and bits are counted positive.",
    "-(log_density + dims * math.log(width / bins)) / (dims * math.log(2)). "
    "NICE on MNIST, 1980.50 nats, 784 dimensions, width 1, should give 4.36.",
)


def bits_per_dim(log_density, dims, bins, width):
    log_probability = log_density + dims * math.log(width / bins)
    return -log_probability / (dims * math.log(2))


def cases(draw):
    made = []
    for n, dims, bins, width in (
        (5, 784, 256, 1.0),
        (1, 64, 17, 1.0),
        (3, 3072, 256, 2.0),
        (4, 64, 17, 17.0),
        (7, 12, 4, 0.5),
    ):
        wanted = draw.uniform(0.3, 0.9, n) * math.log(bins)  # nats of information in a dimension
        made.append(Case((-dims * (wanted + math.log(width / bins)), dims, bins, width)))
    return made


def another_unit(ask, draw):
    """A uniform density over all levels costs log2(bins); and rescaled data cost what they did before."""
    dims, bins, width = 40, 32, 3.0
    uniform = -dims * draw.uniform(1.0, 1.0, 2) * math.log(width)
    got = ask(uniform, dims, bins, width)[0].item()
    if abs(got - 5) > 1e-5:
        return Finding("property", "5.0000 bits for a uniform density over 32 levels", f"{got:.4f}")
    nats = -20 * draw.uniform(1.0, 2.0, 3)
    first, second = ask(nats, dims, bins, width), ask(nats - dims * math.log(2), dims, bins, 2 * width)
    if (first - second).abs().max().item() > 1e-5:
        return Finding("property", "the same bits if the data are stretched to twice the width", "others")
    return None


def _bits(x, dims):
    return -x / (dims * math.log(2))


_CONSTANT = "the width of a bin is left out: a density has to become a probability first, add D log(width / bins)"

MISTAKES = (
    Mistake("no_constant", _CONSTANT, lambda l, dims, bins, width: _bits(l, dims)),
    Mistake(
        "constant_sign",
        "the sign of the constant: a probability is density times volume, so D log(width / bins) is added",
        lambda l, dims, bins, width: _bits(l - dims * math.log(width / bins), dims),
    ),
    Mistake(
        "constant_once",
        "the constant comes once for each of the D dimensions",
        lambda l, dims, bins, width: _bits(l + math.log(width / bins), dims),
    ),
    Mistake(
        "sign",
        "the sign: bits are counted positive, minus the logarithm of the probability",
        lambda l, dims, bins, width: -bits_per_dim(l, dims, bins, width),
    ),
    Mistake(
        "nats",
        "nats, not bits: divide by log 2",
        lambda l, dims, bins, width: bits_per_dim(l, dims, bins, width) * math.log(2),
    ),
    Mistake(
        "times_log_2",
        "multiplied by log 2: a bit is log 2 = 0.69 nats, so divide by it",
        lambda l, dims, bins, width: bits_per_dim(l, dims, bins, width) * math.log(2) ** 2,
    ),
    Mistake(
        "log10",
        "the logarithm of ten: bits are counted with log 2",
        lambda l, dims, bins, width: bits_per_dim(l, dims, bins, width) * math.log(2) / math.log(10),
    ),
    Mistake(
        "per_image",
        "bits for the whole image: divide by D",
        lambda l, dims, bins, width: bits_per_dim(l, dims, bins, width) * dims,
    ),
    Mistake(
        "levels_minus_one",
        "bins - 1 counts the steps between the levels: each level has a bin of its own, so divide by bins",
        lambda l, dims, bins, width: bits_per_dim(l, dims, bins - 1, width),
    ),
    Mistake(
        "always_256",
        "256 whatever bins says: digits of 8 by 8 pixels have 17 levels",
        lambda l, dims, bins, width: bits_per_dim(l, dims, 256, width),
    ),
    Mistake(
        "width_ignored",
        "the width is not used: over [-1, 1] a bin is twice as wide as over [0, 1]",
        lambda l, dims, bins, width: bits_per_dim(l, dims, bins, 1.0),
    ),
    Mistake(
        "width_turned",
        "the width stands on the wrong side: a bin is width / bins wide",
        lambda l, dims, bins, width: bits_per_dim(l, dims, bins * width, 1.0),
    ),
    Mistake(
        "not_log",
        "the volume of a cell enters as its logarithm: log(width / bins), D times",
        lambda l, dims, bins, width: _bits(l + dims * width / bins, dims),
    ),
    Mistake(
        "constant_in_nats",
        "two units in one sum: log2(bins) is in bits, log_density / D still in nats",
        lambda l, dims, bins, width: math.log2(bins / width) - l / dims,
    ),
    Mistake(
        "mean",
        "averaged over the images: one number for each is asked for",
        lambda l, dims, bins, width: bits_per_dim(l, dims, bins, width).mean(),
    ),
)

EXERCISE = Exercise(
    id="04.bits",
    title="From nats to bits per dimension",
    level="core",
    minutes=10,
    points=2,
    anchor="sec-04-bits",
    task=TASK,
    hints=HINTS,
    references=(bits_per_dim,),
    returns=("bits/dim (N,)",),
    cases=cases,
    mistakes=MISTAKES,
    independent=another_unit,
    gradient=("log_density",),
)
