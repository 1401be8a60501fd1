"""13.retrieval: the baseline without a flow: the shape that belongs to the nearest training picture."""

import torch

from nf_course.grading.exercise import Case, Exercise, Finding, mistakes_of

TASK = r"""
Before a flow may boast of its shapes, see what a search finds. For each new picture $x_n$ take the training picture
that is nearest to it, pixel by pixel, and answer with the shape that was seen there:

$$m(n) = \operatorname*{arg\,min}_{m} \lVert x_n - t_m \rVert^2, \qquad \hat{s}_n = s_{m(n)}$$

The norm runs over all pixels. `pictures` has shape `(N, C, H, W)`; `train_pictures`, the $t_m$, has shape
`(M, C, H, W)`, and `train_shapes`, the $s_m$, has shape `(M, P, 3)`: clouds of $P$ points. $N$ and $M$ differ, and no
two training pictures are equally near. Return the shapes $\hat{s}_n$, `(N, P, 3)`, one for each new picture.
"""

HINTS = (
    "Each of N pictures is compared with each of M: how many distances are there, and along which of the two "
    "dimensions do you look for the smallest?",
    "flatten(1) makes a row of numbers of each picture; torch.cdist(a, b) of rows (N, F) and (M, F) is (N, M).",
    "nearest = torch.cdist(pictures.flatten(1), train_pictures.flatten(1)).argmin(1), shape (N,); then "
    "train_shapes[nearest].",
)


def retrieve(pictures, train_pictures, train_shapes):
    distances = torch.cdist(pictures.flatten(1), train_pictures.flatten(1))
    return train_shapes[distances.argmin(1)]


def _neighbours(draw, picture, kind):
    """Four training pictures for a new one: a little off everywhere, far off in one place, brighter, and cut out.

    `kind` says which is the nearest; that one is at least a tenth nearer than the next.
    """
    pixels = picture.numel()
    step = 0.04 * draw.uniform(0.9, 1.1, 1).item()
    even = step * (pixels**0.5)  # length of the even change
    length = picture.norm().item()
    spike = {"even": 1.5, "spike": 0.8, "bright": 1.9, "cut": 1.7}[kind] * even
    bright = {"even": 1.8, "spike": 2.0, "bright": 0.6, "cut": 2.1}[kind] * even / length
    cut = {"even": 2.2, "spike": 1.6, "bright": 1.5, "cut": 0.5}[kind] * even
    far, edge = torch.zeros_like(picture).flatten(), torch.zeros_like(picture).flatten()
    place = pixels - 1 - draw.integer(0, picture[0].numel())  # in the last channel: the others alone do not see it
    far[place] = spike
    order = draw.permutation(pixels)[: max(pixels // 3, 1)]
    signs = draw.signs(len(order))
    edge[order] = cut * signs / len(order) ** 0.5
    return [picture + step, picture + far.view_as(picture), picture * (1 + bright), picture + edge.view_as(picture)]


def _few_pixels(draw, picture):
    """Three training pictures for a new one: one pixel off, six a little less, and one that no square of rows holds.

    The first is the nearest. By the largest difference the second is, within the largest square the third.
    """
    off = torch.zeros(3, picture.numel()).to(picture)
    one, *six = draw.permutation(picture.numel() - 1)[:7].tolist()
    off[0, one], off[1, six], off[2, -1] = 0.15, 0.1 * draw.signs(6).to(picture), 0.4
    return picture + off.view(3, *picture.shape)


def cases(draw):
    """Pictures of all sizes, not square; one new picture, two, fewer than training pictures and more."""
    made = []
    for n, shape, points in ((5, (1, 4, 6), 4), (1, (3, 3, 5), 7), (4, (2, 5, 4), 1), (7, (1, 6, 5), 3)):
        kinds = ("even", "spike", "bright", "cut")
        pictures = draw.uniform(0.1, 0.9, n, *shape)
        near = [_neighbours(draw, picture, kinds[i % 4]) for i, picture in enumerate(pictures)]
        training = torch.stack([t for four in near for t in four])
        training = training[draw.permutation(len(training))]
        made.append(Case((pictures, training, draw.normal(len(training), points, 3))))
    for shape in ((1, 3, 7), (2, 7, 4)):
        pictures = draw.uniform(0.1, 0.9, 2, *shape)
        training = torch.cat([_few_pixels(draw, picture) for picture in pictures])
        training = training[draw.permutation(len(training))]
        made.append(Case((pictures, training, draw.normal(len(training), 2, 3))))
    pictures = draw.uniform(0.1, 0.9, 6, 1, 3, 4)  # more new pictures than training ones; some that were seen already
    training = torch.cat((pictures[[4, 1]], draw.uniform(0.1, 0.9, 2, 1, 3, 4)))
    made.append(Case((pictures, training, draw.normal(4, 5, 3))))
    return made


def order_does_not_count(ask, draw):
    """Training pictures themselves find their own shapes, in any order; one training picture is everybody's answer."""
    training, shapes = draw.uniform(0, 1, 6, 1, 4, 3), draw.normal(6, 5, 3)
    order = draw.permutation(6)
    got = ask(training[order] + 1e-3 * draw.normal(6, 1, 4, 3), training, shapes)
    if not torch.equal(got, shapes[order]):
        wrong = sum(not torch.equal(g, s) for g, s in zip(got, shapes[order]))
        return Finding(
            "property", "each training picture, with a little noise, finds its own shape", f"{wrong} of 6 not"
        )
    one = ask(training, training[2:3], shapes[2:3])
    if not torch.equal(one, shapes[2:3].expand(6, 5, 3)):
        return Finding("property", "the only training shape for all, where there is one", "something else")
    return None


def _rows(pictures):
    return pictures.flatten(1)


def _squares(pictures, training):
    return torch.cdist(_rows(pictures), _rows(training)).square()


def _by(score, pick=lambda d: d.argmin(1)):
    """The shapes that another score, `score(pictures, training)` of shape (N, M), picks."""
    return lambda pictures, training, shapes: shapes[pick(score(pictures, training))]


def _of(change):
    """The right search among changed pictures, `change(rows)`."""
    return _by(lambda p, t: torch.cdist(change(_rows(p)), change(_rows(t))))


def _norm(p):
    return lambda a, b: torch.cdist(_rows(a), _rows(b), p=p)


def _unit(rows):
    return rows / rows.norm(dim=1, keepdim=True)


def _centred(rows):
    return rows - rows.mean(1, keepdim=True)


def _shapes(change):
    """`change(distances (N, M), shapes)`."""
    return lambda pictures, training, shapes: change(_squares(pictures, training), shapes)


def _mean_of_nearest(k):
    def answer(pictures, training, shapes):
        nearest = _squares(pictures, training).topk(min(k, len(training)), dim=1, largest=False).indices
        return shapes[nearest].mean(1)

    return answer


def _weighted(temperature):
    def answer(pictures, training, shapes):
        weights = torch.softmax(-_squares(pictures, training) / temperature, 1)
        return torch.einsum("nm,mpd->npd", weights, shapes)

    return answer


def _whole_batch(pictures, training, shapes):
    nearest = (_rows(pictures).mean(0) - _rows(training)).square().sum(1).argmin()
    return shapes[nearest].expand(len(pictures), *shapes.shape[1:])


def _part(take):
    return _by(lambda p, t: torch.cdist(_rows(take(p)), _rows(take(t))))


_ROWS = (
    (
        "farthest",
        "the farthest training picture, or the one with the largest distance: the smallest is asked for, argmin",
        _by(_squares, lambda d: d.argmax(1)),
    ),
    (
        "over_pictures",
        "the smallest distance along dim 0: this finds a new picture for each training one; look along dim 1",
        _by(_squares, lambda d: d.argmin(0)),
        lambda pictures, training, shapes: shapes[_squares(training, pictures).argmin(1)],
    ),
    (
        "one_for_all",
        "one shape for the whole batch: each new picture has a nearest one of its own, argmin(1)",
        _by(_squares, lambda d: d.argmin()),
        _by(_squares, lambda d: (d.argmin() % d.shape[1]).expand(len(d))),
        _by(_squares, lambda d: d.argmin() % d.shape[1]),
        _by(_squares, lambda d: d.sum(0).argmin().expand(len(d))),
        _by(_squares, lambda d: d[0].argmin().expand(len(d))),
        _whole_batch,
    ),
    (
        "absolute",
        "absolute differences are summed: the distance is the Euclidean one, of squares",
        _by(_norm(1.0)),
    ),
    (
        "largest",
        "the largest difference of a pixel alone: the distance is the Euclidean one, of all pixels",
        _by(_norm(torch.inf)),
    ),
    (
        "other_power",
        "another power of the differences: the distance is the Euclidean one, of squares",
        *(_by(_norm(p)) for p in (3.0, 4.0, 0.5)),
    ),
    (
        "direction",
        "pictures are divided by their length, or compared by cosine: take them as they are, brightness counts",
        _of(_unit),
        _by(lambda p, t: _unit(_rows(p)) @ _unit(_rows(t)).T),
    ),
    (
        "centred",
        "the mean of each picture is taken off, or they are correlated: take them as they are",
        _of(_centred),
        _of(lambda rows: _unit(_centred(rows))),
        _by(lambda p, t: _unit(_centred(_rows(p))) @ _unit(_centred(_rows(t))).T, lambda d: d.argmax(1)),
        _by(lambda p, t: (_rows(p)[:, None] - _rows(t)).var(2)),
    ),
    (
        "inner_product",
        "the largest inner product: bright training pictures win; it is the distance that is smallest",
        _by(lambda p, t: _rows(p) @ _rows(t).T, lambda d: d.argmax(1)),
        _by(lambda p, t: _rows(p) @ _rows(t).T),
    ),
    (
        "signed",
        "differences are summed without a square: those of either sign cancel",
        _by(lambda p, t: (_rows(p)[:, None] - _rows(t)).sum(2)),
        _by(lambda p, t: (_rows(p)[:, None] - _rows(t)).sum(2).abs()),
        _by(lambda p, t: (_rows(p)[:, None] - _rows(t)).sum(2).square()),
    ),
    (
        "silhouette",
        "pictures are cut at a threshold or rounded first: the depth in them counts, take them as they are",
        *(_of(lambda rows, least=least: (rows > least).to(rows)) for least in (0.0, 0.5)),
        _of(torch.round),
    ),
    (
        "part_of_it",
        "some of the pixels alone, or means of them: the norm runs over all channels, rows and columns",
        _part(lambda x: x[:, :1, :1]),
        _part(lambda x: x[:, 0]),
        _part(lambda x: x[:, -1]),
        _part(lambda x: x.mean(1)),
        _part(lambda x: x[:, :, 0]),
        _part(lambda x: x[..., 0]),
        _part(lambda x: x[:, :, :1, :1]),
        _part(lambda x: x.mean((2, 3))),
        _part(lambda x: x.mean(2)),
        _part(lambda x: x.mean(3)),
        _part(lambda x: x[:, :, : min(x.shape[2:]), : min(x.shape[2:])]),
    ),
    (
        "other_order",
        "the pixels of the two sets are flattened in different orders: flatten(1) for both",
        _by(lambda p, t: torch.cdist(p.transpose(2, 3).flatten(1), _rows(t))),
        _by(lambda p, t: torch.cdist(p.flip(2).flatten(1), _rows(t))),
    ),
    (
        "second",
        "the nearest is passed over: a picture that was seen in training may find itself",
        _by(_squares, lambda d: d.topk(2, dim=1, largest=False).indices[:, 1]),
    ),
    (
        "averaged",
        "shapes of several neighbours are averaged: their mean is no shape; take that of the nearest alone",
        *(_mean_of_nearest(k) for k in (2, 3, 4, 5)),
        *(_weighted(t) for t in (1.0, 0.1, 0.01)),
        _shapes(lambda d, shapes: shapes.mean(0).expand(len(d), *shapes.shape[1:])),
    ),
    (
        "pictures_order",
        "the first N training shapes, in their order: each picture needs a search of its own",
        _shapes(lambda d, shapes: shapes[: len(d)]),
        _shapes(lambda d, shapes: shapes[torch.arange(len(d)) % len(shapes)]),
    ),
    (
        "index",
        "these are indices: pick the shapes by them, train_shapes[nearest]",
        _shapes(lambda d, shapes: d.argmin(1)),
    ),
    (
        "distance",
        "these are distances: the shapes are asked for",
        _shapes(lambda d, s: d),
        _shapes(lambda d, s: d.amin(1)),
        _shapes(lambda d, s: d.sqrt()),
        _shapes(lambda d, s: d.sqrt().amin(1)),
    ),
    (
        "picture",
        "this is the nearest training picture: the shape that belongs to it is asked for",
        lambda pictures, training, shapes: training[_squares(pictures, training).argmin(1)],
    ),
    (
        "extra_dimension",
        "the indices have a dimension too many: argmin(1) without keepdim, and topk(1) with [:, 0]",
        _by(_squares, lambda d: d.argmin(1, keepdim=True)),
    ),
    (
        "sorted_shapes",
        "points or coordinates of a shape are in another order: return it as it is",
        _shapes(lambda d, shapes: shapes[d.argmin(1)].sort(1).values),
        _shapes(lambda d, shapes: shapes[d.argmin(1)].flip(1)),
        _shapes(lambda d, shapes: shapes[d.argmin(1)].flip(2)),
    ),
    (
        "transposed",
        "the shapes are transposed or flattened: (N, P, 3)",
        _shapes(lambda d, shapes: shapes[d.argmin(1)].transpose(1, 2)),
        _shapes(lambda d, shapes: shapes[d.argmin(1)].flatten(1)),
    ),
    (
        "pair",
        "a pair is returned: the shapes alone are asked for",
        _shapes(lambda d, shapes: (shapes[d.argmin(1)], d.argmin(1))),
        _shapes(lambda d, shapes: (d.argmin(1), shapes[d.argmin(1)])),
        _shapes(lambda d, shapes: (shapes[d.argmin(1)], d.amin(1))),
        _shapes(lambda d, shapes: (shapes[d.argmin(1)], d.sqrt().amin(1))),
    ),
    (
        "not_flattened",
        "pictures (N, C, H, W) are no rows of numbers: flatten(1) makes rows of them, or [:, None] leaves room for M",
        lambda pictures, training, shapes: shapes[torch.cdist(pictures, training).argmin(1)],
        lambda pictures, training, shapes: shapes[(pictures - training).square().sum((1, 2, 3)).argmin(1)],
        lambda pictures, training, shapes: shapes[(pictures - training).square().flatten(1).sum(1).argmin()],
        lambda pictures, training, shapes: shapes[(pictures[:, None] - training).square().sum(1).argmin(1)],
    ),
)

EXERCISE = Exercise(
    id="13.retrieval",
    title="The nearest picture, and its shape",
    level="warm-up",
    minutes=10,
    points=2,
    anchor="sec-13-baseline",
    task=TASK,
    hints=HINTS,
    references=(retrieve,),
    returns=("shapes (N, P, 3)",),
    cases=cases,
    mistakes=mistakes_of(_ROWS),
    independent=order_does_not_count,
)
