"""16.inpaint: the data term of pictures with holes, in which the hidden pixels have no say."""

import math

import torch

from nf_course import data
from nf_course.grading.exercise import Case, Exercise, Finding, mistakes_of

TASK = r"""
A picture with holes: where `seen` is True, $y$ is the pixel with normal noise of deviation $\sigma$; elsewhere $y$ may
hold any number, and says nothing. Up to a constant, minus the log-likelihood of what was seen is

$$\text{data}(x)_n = \frac{1}{2 \sigma^2} \sum_{c,\,h,\,w} m_{nhw}\, (x_{nchw} - y_{nchw})^2$$

`x` and `y` have shape `(N, C, H, W)`. `seen`, the $m$ above, has shape `(N, 1, H, W)` and holds booleans: a mask for
each picture, the same for all its channels. `sigma` is one number. Return the data term of each picture, shape `(N,)`,
without the constant: 0 where nothing was seen. A gradient must reach `x`.
"""

HINTS = (
    "How much may the result change when a hidden pixel of y does? What must stand there in place of its square?",
    "(N, 1, H, W) meets (N, C, H, W) by broadcasting: multiply the squares by seen, or take torch.where(seen, ..., 0). "
    "Then sum over all dimensions but the first.",
    "(seen * (x - y)).square().sum((1, 2, 3)) / (2 * sigma**2).",
)


def inpaint_term(x, y, seen, sigma):
    difference = torch.where(seen, x - y, 0)
    return difference.square().sum((1, 2, 3)) / (2 * sigma**2)


def cases(draw):
    """Several channels and one; one picture; one with nothing seen, one with all; and digits with a hole in each."""
    made = []
    for n, c, h, w in ((4, 2, 3, 5), (1, 3, 4, 2), (3, 1, 5, 4)):
        x, sigma = 1.3 * draw.normal(n, c, h, w), draw.uniform(0.3, 0.7, 1).item()
        y = x + 2 * sigma * draw.normal(n, c, h, w) + 0.3
        seen = draw.uniform(0, 1, n, 1, h, w) < 0.6
        if n > 1:
            seen[1], seen[2] = False, True
        made.append(Case((x, torch.where(seen, y, 4 * draw.normal(n, c, h, w)), seen, sigma)))
    digits = data.digits("train").images[draw.integer(0, 1000) :][:2].to(made[0].args[0]) / 16  # (2, 1, 8, 8)
    seen, (top, left) = torch.ones_like(digits, dtype=torch.bool), (draw.integer(0, 4), draw.integer(0, 4))
    seen[0, :, top : top + 4], seen[1, :, :, left : left + 4] = False, False
    made.append(Case((digits + 0.3 * draw.normal(2, 1, 8, 8), torch.where(seen, digits, 0.5), seen, 0.25)))
    return made


def pixel_by_pixel(ask, draw):
    """One pixel after the other; and what is hidden, in x or in y, changes nothing."""
    x, y, sigma = draw.normal(2, 2, 3, 4), draw.normal(2, 2, 3, 4), 1.7
    seen = draw.uniform(0, 1, 2, 1, 3, 4) < 0.5
    seen[:, :, 0, :2] = torch.tensor([True, False], device=seen.device)
    got = ask(x, y, seen, sigma)
    for n in range(2):
        places = [(c, h, w) for c in range(2) for h in range(3) for w in range(4) if seen[n, 0, h, w]]
        want = sum(((x[n][p] - y[n][p]).item() / sigma) ** 2 / 2 for p in places)
        if abs(got[n].item() - want) > 1e-5 * (1 + want):
            return Finding("property", f"{want:.4f}, added pixel by pixel", f"{got[n].item():.4f}")
    for what, pair in (
        ("y", (x, torch.where(seen, y, 1000 * draw.normal(2, 2, 3, 4)))),
        ("x", (torch.where(seen, x, 1000 * draw.normal(2, 2, 3, 4)), y)),
    ):
        if not torch.allclose(ask(*pair, seen, sigma), got, rtol=1e-5, atol=1e-5):
            return Finding("property", f"the same term, whatever the hidden pixels of {what} are", "another one")
    return None


def _of(formula):
    """`formula(squares, sigma)` of the right squares, (N, C, H, W), 0 where hidden."""
    return lambda x, y, seen, sigma: formula((seen * (x - y)).square(), sigma)


def _each(squares, sigma):
    return squares.sum((1, 2, 3)) / (2 * sigma**2)


def _masked(mask):
    """The right term with another mask, `mask(seen)`."""
    return lambda x, y, seen, sigma: _each(mask(seen) * (x - y).square(), sigma)


def _difference(d):
    """Another difference, `d(x, y, seen)`."""
    return lambda x, y, seen, sigma: _each(d(x, y, seen).square(), sigma)


def _over(count):
    """Divided by `count(seen, x)` as well."""
    return lambda x, y, seen, sigma: _each((seen * (x - y)).square(), sigma) / count(seen, x)


def _with_constant(count):
    def answer(x, y, seen, sigma):
        return inpaint_term(x, y, seen, sigma) + count(seen, x) * math.log(sigma * math.sqrt(2 * math.pi))

    return answer


def _pixels(seen, x):
    """How many numbers each picture shows, (N,)."""
    return seen.expand_as(x).sum((1, 2, 3))


def _turned(seen):
    """The mask upside down, left for right, or both."""
    return (seen.flip(2), seen.flip(3), seen.flip(2, 3))


_ROWS = (
    (
        "all_pixels",
        "hidden pixels count too: what y holds there says nothing",
        _masked(torch.ones_like),
    ),
    ("hidden", "the mask is the wrong way round: seen is True where the pixel is known", _masked(torch.logical_not)),
    (
        "hidden_as_black",
        "only one of x and y is masked: the other still counts where the pixel is hidden; mask their difference",
        _difference(lambda x, y, seen: x - seen * y),
        _difference(lambda x, y, seen: seen * x - y),
        _difference(lambda x, y, seen: torch.where(seen, x - y, x)),
    ),
    (
        "one_mask",
        "one mask for all pictures: each has its own",
        _masked(lambda seen: seen[:1]),
        _masked(lambda seen: seen.any(0, keepdim=True)),
        _masked(lambda seen: seen.all(0, keepdim=True)),
    ),
    (
        "mask_turned",
        "the mask lies on other pixels: seen[n, 0, h, w] belongs to the pixel (h, w)",
        *(_masked(lambda seen, k=k: _turned(seen)[k]) for k in range(3)),
        _masked(lambda seen: seen.roll(1, 3)),
    ),
    (
        "half",
        "a factor of 2: the squares are divided by 2 sigma^2",
        _of(lambda squares, sigma: 2 * _each(squares, sigma)),
        _of(lambda squares, sigma: 0.5 * _each(squares, sigma)),
    ),
    (
        "sigma",
        "sigma: divide by 2 sigma^2, the variance twice",
        _of(lambda squares, sigma: squares.sum((1, 2, 3)) / (2 * sigma)),
        _of(lambda squares, sigma: squares.sum((1, 2, 3)) / sigma),
        _of(lambda squares, sigma: squares.sum((1, 2, 3)) / 2),
        _of(lambda squares, sigma: squares.sum((1, 2, 3))),
        _of(lambda squares, sigma: squares.sum((1, 2, 3)) * sigma**2 / 2),
        _of(lambda squares, sigma: squares.sum((1, 2, 3)) / 2 * sigma),
    ),
    (
        "mean_of_all",
        "a mean over all pixels: the squares are summed",
        _over(lambda seen, x: x[0].numel()),
        _over(lambda seen, x: x[0, 0].numel()),
    ),
    (
        "mean_of_seen",
        "divided by the number of pixels seen: they are summed, and who sees more knows more",
        _over(_pixels),
        _over(lambda seen, x: _pixels(seen, x).clamp(min=1)),
        _over(lambda seen, x: seen.sum((1, 2, 3))),
        _over(lambda seen, x: seen.sum((1, 2, 3)).clamp(min=1)),
        _over(lambda seen, x: seen.to(x).mean((1, 2, 3))),
    ),
    (
        "one_channel",
        "one channel, or a mean over them: the mask covers all channels alike, and all are summed",
        _of(lambda squares, sigma: _each(squares[:, :1], sigma)),
        _of(lambda squares, sigma: squares.mean(1).sum((1, 2)) / (2 * sigma**2)),
    ),
    (
        "whole_batch",
        "summed or averaged over the pictures: one number for each, (N,)",
        _of(lambda squares, sigma: _each(squares, sigma).sum()),
        _of(lambda squares, sigma: _each(squares, sigma).mean()),
        _of(lambda squares, sigma: _each(squares, sigma).sum().expand(len(squares))),
        lambda x, y, seen, sigma: (x - y)[seen.expand_as(x)].square().mean() / (2 * sigma**2),
    ),
    (
        "not_summed",
        "a sum is missing: over channels, rows and columns, (1, 2, 3)",
        _of(lambda squares, sigma: squares / (2 * sigma**2)),
        _of(lambda squares, sigma: squares.sum((2, 3)) / (2 * sigma**2)),
        _of(lambda squares, sigma: squares.sum(1) / (2 * sigma**2)),
        _of(lambda squares, sigma: squares.sum(3) / (2 * sigma**2)),
    ),
    (
        "root",
        "a root, or absolute values: squares are summed",
        _of(lambda squares, sigma: squares.sum((1, 2, 3)).sqrt() / (2 * sigma**2)),
        _of(lambda squares, sigma: squares.sum((1, 2, 3)).sqrt() / sigma),
        _of(lambda squares, sigma: squares.sqrt().sum((1, 2, 3)) / (2 * sigma**2)),
        _of(lambda squares, sigma: squares.sqrt().sum((1, 2, 3)) / sigma),
    ),
    (
        "square_of_sum",
        "differences of both signs cancel: square each before the sum",
        lambda x, y, seen, sigma: (seen * (x - y)).sum((1, 2, 3)).square() / (2 * sigma**2),
        lambda x, y, seen, sigma: (seen * (x - y)).sum((1, 2, 3)) / (2 * sigma**2),
        lambda x, y, seen, sigma: (seen * (x - y)).sum(1).square().sum((1, 2)) / (2 * sigma**2),
    ),
    (
        "sign",
        "this is the log-likelihood: the data term is minus it, and never below 0",
        _of(lambda squares, sigma: -_each(squares, sigma)),
    ),
    (
        "likelihood",
        "an exponential: the data term is minus a logarithm",
        _of(lambda squares, sigma: torch.exp(-_each(squares, sigma))),
    ),
    (
        "constant",
        "the constant of the normal density is added: leave it out",
        _with_constant(_pixels),
        _with_constant(lambda seen, x: x[0].numel()),
        _with_constant(lambda seen, x: 1),
    ),
    (
        "clamped",
        "x or y is clamped: take the numbers as they are",
        _difference(lambda x, y, seen: seen * (x.clamp(0, 1) - y)),
        _difference(lambda x, y, seen: seen * (x - y.clamp(0, 1))),
        _difference(lambda x, y, seen: seen * (x.clamp(0, 1) - y.clamp(0, 1))),
    ),
)

EXERCISE = Exercise(
    id="16.inpaint",
    title="The data term of a picture with holes",
    level="warm-up",
    minutes=5,
    points=2,
    anchor="sec-16-inpaint",
    task=TASK,
    hints=HINTS,
    references=(inpaint_term,),
    returns=("data (N,)",),
    cases=cases,
    mistakes=mistakes_of(_ROWS),
    independent=pixel_by_pixel,
    gradient=("x",),
)
