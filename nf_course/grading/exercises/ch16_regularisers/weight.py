"""16.weight: the weight of a prior, chosen on held-out pictures, and used on new ones."""

import torch

from nf_course.grading.exercise import Case, Exercise, Finding, mistakes_of
from nf_course.grading.parts import Field

TASK = r"""
How far should a prior be trusted? Its weight $\lambda$ is chosen on held-out pictures, of which the truth is known: the
one of least mean squared error there, over all $N$ pictures and all $D$ numbers of each,

$$\begin{gathered}
\lambda^\star = \operatorname*{arg\,min}_{\lambda \,\in\, \texttt{weights}} \mathrm{MSE}(\lambda), \\
\mathrm{MSE}(\lambda) = \frac{1}{N D} \sum_{n=1}^{N} \lVert r_\lambda(\mathtt{seen}_n) - \mathtt{truth}_n \rVert^2
\end{gathered}$$

Then it stands, and new pictures, of which nobody has the truth, are restored with it.

`restore(weight, pictures)`, the $r_\lambda$, takes one number and a batch of pictures, and returns them restored, in
the same shape. `weights` has shape `(K,)`, in any order. `seen` and `truth`, the held-out pictures, both have shape
`(N, D)`, or that of images, `(N, C, H, W)`; `new` holds $M$ more, `(M, ...)`. Return the pair `(weight, restored)`: the
chosen weight itself, one number, and all of `new` restored with it.
"""

HINTS = (
    "Two sets of pictures, two jobs: which of them has a say in the choice, and which only in the result?",
    "For each weight restore `seen` and take the mean of the squared difference to `truth`: K numbers. argmin of them "
    "is a place in `weights`, not the weight.",
    "errors = torch.stack([(restore(w, seen) - truth).square().mean() for w in weights]); "
    "best = weights[errors.argmin()]; return best, restore(best, new).",
)


def choose_weight(restore, weights, seen, truth, new):
    errors = torch.stack([(restore(w, seen) - truth).square().mean() for w in weights])
    best = weights[errors.argmin()]
    return best, restore(best, new)


WAYS = {  # to choose another weight, by the mistake that they are; some cases at least must tell any two apart
    "largest": ("largest",),
    "other_measure": ("absolute", "root", "decibels", "median", "variance"),
    "one_decides": ("worst", "best", "pixel", "first", "last"),
    "some_numbers": ("first_channel", "first_numbers", "last_numbers"),
    "some_pictures": ("not_first", "not_last", "every_other", "first_half"),
    "each_its_own": ("votes",),
    "bias": ("bias", "mean_picture"),
    "no_truth": ("misfit",),
    "on_new": ("misfit_new",),
    "not_chosen": ("lightest", "heaviest", "top", "bottom"),
}


def cases(draw):
    """Images and rows, one held-out picture, one new one; many weights, so that other ways come to other ones."""
    while True:
        sizes = ((6, 3, 20, 2, 2, 3), (5, 1, 16, 4), (7, 4, 24, 3, 1, 2), (8, 2, 12, 3))
        made, places = zip(*(_clear_case(draw, *size) for size in sizes), strict=True)
        ends = {way: tuple(place[way] for place in places) for way in places[0]}
        kinds = [{ends[way] for way in ways} for ways in (("right",), *WAYS.values())]
        if len(set().union(*kinds)) == sum(map(len, kinds)):
            return [*made, _single(draw)]


def _single(draw):
    """One held-out picture, to which neither end of the weights or of their list is right."""
    while True:
        case = _draw_case(draw, 1, 2, 6, 5)
        places, _ = _places(*case.args)
        if places["right"] not in [places[way] for way in WAYS["not_chosen"]]:
            return case


def _clear_case(draw, *size):
    """A case in which the right weight is ahead and the votes have a winner, and where each way ends."""
    while True:
        case = _draw_case(draw, *size)
        places, clear = _places(*case.args)
        if clear:
            return case, places


def _draw_case(draw, n, m, k, *size):
    """A truth that for each picture is what its own weight would restore, and noise, much or little."""
    numbers = torch.Size(size).numel()
    turn = 0.3 * draw.normal(numbers, numbers) / numbers**0.5
    turn.diagonal().add_(0.6)
    pace = draw.uniform(0.3, 1.0, numbers) * draw.signs(numbers)
    bias = 0.3 * draw.normal(numbers) - draw.uniform(0.5, 2.5, 1) * pace
    restore, weights = Field("restore", turn, pace, bias, 1.5), draw.uniform(0.2, 0.8, k)
    weights = ((torch.arange(k).to(pace) + weights) * 3 / k)[draw.permutation(k)]
    seen, new = draw.normal(n, *size), draw.normal(m, *size)
    own, noise = draw.uniform(0.0, 3.0, n), 10 ** draw.uniform(-1.1, 0, n)
    own[1:3], noise[1:3] = weights[k // 2], 0.2  # two pictures agree
    noise = noise.view(-1, *[1] * len(size)) * draw.normal(n, *size) * draw.normal(n, *size)
    return Case((restore, weights, seen, restore(own, seen) + noise, new))


def _all(restore, weights, pictures):
    """The pictures under every weight, (K, N, ...), in one batch: restore takes a weight for each picture too."""
    k, n = len(weights), len(pictures)
    batch = restore(weights.repeat_interleave(n), pictures.repeat(k, *[1] * (pictures.ndim - 1)))
    return batch.unflatten(0, (k, n))


def _places(restore, weights, seen, truth, new):
    """Where in `weights` each way of choosing ends; and whether the right one and the votes are clear."""
    restored = _all(restore, weights, seen)
    differences = (restored - truth).flatten(2)  # (K, N, D)
    squares = differences.square().mean(2)  # (K, N)
    votes = torch.bincount(squares.argmin(0), minlength=len(weights))
    scores = {
        "right": squares.mean(1),
        "absolute": differences.abs().mean((1, 2)),
        "root": squares.sqrt().mean(1),
        "decibels": squares.log().mean(1),
        "variance": differences.flatten(1).var(1),
        "median": squares.median(1).values,
        "worst": squares.amax(1),
        "best": squares.amin(1),
        "first": squares[:, 0],
        "last": squares[:, -1],
        "first_channel": (restored - truth)[:, :, 0].flatten(1).square().mean(1),  # or number, of rows
        "first_numbers": differences[..., : differences.shape[2] // 2].square().mean((1, 2)),
        "last_numbers": differences[..., differences.shape[2] // 2 :].square().mean((1, 2)),
        "not_first": squares[:, 1:].mean(1),
        "not_last": squares[:, :-1].mean(1),
        "every_other": squares[:, ::2].mean(1),
        "first_half": squares[:, : (squares.shape[1] + 1) // 2].mean(1),
        "pixel": differences.abs().amax((1, 2)),
        "votes": -votes,
        "bias": differences.mean((1, 2)).abs(),
        "mean_picture": differences.mean(1).square().mean(1),
        "largest": -squares.mean(1),
        "misfit": (restored - seen).flatten(1).square().mean(1),
        "misfit_new": (_all(restore, weights, new) - new).flatten(1).square().mean(1),
        "lightest": weights,
        "heaviest": -weights,
        "top": torch.arange(len(weights)),
        "bottom": -torch.arange(len(weights)),
    }
    least, second = scores["right"].sort().values[:2].tolist()
    first, next_one = votes.sort(descending=True).values[:2].tolist()
    return {way: int(score.argmin()) for way, score in scores.items()}, second > 1.0003 * least and first > next_one


def each_in_turn(ask, draw):
    """A truth that one of the weights restores exactly, each weight in turn: it is the one, wherever it stands."""
    restore, weights, seen, _, new = _draw_case(draw, 3, 2, 5, 2, 1, 3).args
    for w in weights:
        best, restored = ask(restore, weights, seen, restore(w, seen), new)
        if abs(float(best) - w.item()) > 1e-5:
            return Finding("property", f"the weight {w.item():.4f}, which restores the truth", f"{float(best):.4f}")
        if not torch.allclose(restored, restore(w, new), rtol=1e-5, atol=1e-5):
            return Finding("property", f"new pictures restored with the weight {w.item():.4f}", "other ones")
    return None


def _by(choice):
    """Another way to choose; what follows is right."""

    def answer(restore, weights, seen, truth, new):
        best = weights[_places(restore, weights, seen, truth, new)[0][choice]]
        return best, restore(best, new)

    return answer


def _then(result):
    """The right choice, and `result(restore, weights, k, seen, new)` of it."""

    def answer(restore, weights, seen, truth, new):
        return result(restore, weights, _places(restore, weights, seen, truth, new)[0]["right"], seen, new)

    return answer


def _own_weights(restore, weights, seen, truth, new):
    """For each held-out picture its own weight, (N,)."""
    return weights[(_all(restore, weights, seen) - truth).flatten(2).square().mean(2).argmin(0)]


def _with_error(restore, weights, seen, truth, new):
    best, restored = choose_weight(restore, weights, seen, truth, new)
    return (restore(best, seen) - truth).square().mean(), restored


def _averaged(restore, weights, seen, truth, new):
    mean = _own_weights(restore, weights, seen, truth, new).mean()
    return mean, restore(mean, new)


def _each_its_own(restore, weights, seen, truth, new):
    own = _own_weights(restore, weights, seen, truth, new)
    return own, torch.stack([restore(w, new) for w in own])


def _rows(name, message, *more):
    return name, message, *(_by(way) for way in WAYS[name]), *more


_ROWS = (
    _rows("largest", "this is the weight of the largest error: argmin, not argmax"),
    _rows(
        "other_measure",
        "another measure: roots, absolute errors, decibels, medians and variances choose otherwise than mean squares",
    ),
    _rows("one_decides", "one picture or pixel decides alone: the mean over all held-out pictures does"),
    _rows("some_numbers", "some of the numbers of a picture have no say: the mean runs over all D of them"),
    _rows("some_pictures", "some of the held-out pictures have no say: the mean runs over all N of them"),
    _rows(
        "each_its_own",
        "each held-out picture has a weight of its own here: one is chosen for all, by the mean of their errors",
        _averaged,
        _each_its_own,
    ),
    _rows("bias", "differences of both signs cancel: square each before the mean"),
    _rows("no_truth", "chosen by the distance to what was seen: that favours no restoration; compare with the truth"),
    _rows("on_new", "chosen on the new pictures: they have no say, and nobody has their truth"),
    _rows("not_chosen", "the least or the greatest weight, or the first or last of the list: choose by the errors"),
    (
        "index",
        "this is the place of the weight in the list: weights[k] is asked for",
        _then(lambda restore, weights, k, seen, new: (k, restore(weights[k], new))),
        _then(lambda restore, weights, k, seen, new: (float(k), restore(weights[k], new))),
        _then(lambda restore, weights, k, seen, new: (k, restore(k, new))),
    ),
    ("error", "this is the least error: the weight that has it is asked for", _with_error),
    (
        "last_of_loop",
        "the new pictures are restored with another weight, the last or first of the loop: use the one chosen",
        _then(lambda restore, weights, k, seen, new: (weights[k], restore(weights[-1], new))),
        _then(lambda restore, weights, k, seen, new: (weights[k], restore(weights[0], new))),
    ),
    (
        "held_out_restored",
        "the held-out pictures are returned: the new ones are to be restored",
        _then(lambda restore, weights, k, seen, new: (weights[k], restore(weights[k], seen))),
    ),
    (
        "not_restored",
        "the new pictures come back as they were: restore(weight, new)",
        _then(lambda restore, weights, k, seen, new: (weights[k], new)),
    ),
    (
        "all_weights",
        "the new pictures are restored with every weight: the chosen one alone",
        _then(lambda restore, weights, k, seen, new: (weights[k], _all(restore, weights, new))),
        _then(lambda restore, weights, k, seen, new: (weights[k], _all(restore, weights, new).mean(0))),
    ),
    (
        "twice",
        "the new pictures are restored twice: once will do",
        _then(lambda restore, weights, k, seen, new: (weights[k], restore(weights[k], restore(weights[k], new)))),
    ),
    (
        "clamped",
        "the restored pictures are clamped: return them as restore gives them",
        _then(lambda restore, weights, k, seen, new: (weights[k], restore(weights[k], new).clamp(0, 1))),
    ),
    (
        "exchanged",
        "the arguments of restore are exchanged: restore(weight, pictures)",
        lambda restore, weights, seen, truth, new: restore(seen, weights[0]),
        lambda restore, weights, seen, truth, new: restore(seen, weights[0].item()),
    ),
    ("pair_order", "the pair is the wrong way round: (weight, restored)", lambda *a: choose_weight(*a)[::-1]),
    ("weight_alone", "the weight alone: return the pair (weight, restored)", lambda *a: choose_weight(*a)[0]),
    ("restored_alone", "the restored pictures alone: return (weight, restored)", lambda *a: choose_weight(*a)[1]),
)

EXERCISE = Exercise(
    id="16.weight",
    title="Choose the weight on held-out pictures",
    level="core",
    minutes=15,
    points=3,
    anchor="sec-16-weight",
    task=TASK,
    hints=HINTS,
    references=(choose_weight,),
    returns=("weight, a single number", "restored (M, ...)"),
    cases=cases,
    mistakes=mistakes_of(_ROWS),
    independent=each_in_turn,
)
