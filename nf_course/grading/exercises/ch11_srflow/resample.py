"""11.resample: a real picture whose coarse latents are kept and whose fine ones are drawn again."""

import torch

from nf_course.grading.exercise import Case, Exercise, Finding, mistakes_of

TASK = r"""
The latent of a multi-scale flow comes in parts, one for each of its $L$ levels, the coarsest first:
$z = (z_L, \dots, z_1)$. Encode a real picture, keep its first $k$ parts, and draw the others again at the
temperature $T$:

$$\begin{gathered}
z = f(x; c), \\
\tilde{z} = \bigl(z_L, \dots, z_{L-k+1},\ T e_{L-k}, \dots, T e_1\bigr), \\
\tilde{x} = f^{-1}(\tilde{z}; c)
\end{gathered}$$

`flow.encode(x, c)` returns `(z, ladj)` with `z` flat, of shape `(N, D)`: one part after the other, each flattened.
`flow.decode(z, c)` returns `(x, ladj)`. In this exercise a picture is a row of numbers too, so `x` has shape `(N, D)`,
and `c` has shape `(N, K)`. `noise` is the list $e_L, \dots, e_1$, drawn for you: one tensor `(N, channels, height,
width)` for each part, in the same order, with as many numbers as the part has. `keep` is $k$, from 0 (all is drawn
again) to $L$ (nothing is); `temperature` is $T$. Return the new pictures $\tilde{x}$, in the shape of `x`.
"""

HINTS = (
    "Three steps: to the latent of the picture, another latent, and back. Both ways go by the same context.",
    "z.split(sizes, 1), with sizes = [e[0].numel() for e in noise], gives the parts. e.flatten(1) makes a row of "
    "numbers of each picture's noise.",
    "parts = z.split(sizes, 1); new = [*parts[:keep], *(temperature * e.flatten(1) for e in noise[keep:])]; "
    "x, _ = flow.decode(torch.cat(new, 1), c).",
)


def resample(flow, x, c, noise, keep, temperature):
    z, _ = flow.encode(x, c)
    parts = z.split([e[0].numel() for e in noise], 1)
    new = [*parts[:keep], *(temperature * e.flatten(1) for e in noise[keep:])]
    return flow.decode(torch.cat(new, 1), c)[0]


def cases(draw):
    """One to four parts of different sizes, all of them kept, some, and none; one picture; a temperature of 0."""
    made = []
    for n, k, keep, temperature, shapes in (
        (5, 2, 1, 0.7, ((4, 1, 2), (3, 2, 2), (2, 3, 1))),
        (1, 3, 2, 0.8, ((6, 1, 1), (2, 1, 2), (1, 2, 4))),
        (4, 1, 0, 0.6, ((3, 2, 1), (2, 2, 3))),
        (3, 2, 2, 0.5, ((2, 1, 3), (1, 3, 3))),
        (3, 2, 1, 0.0, ((2, 2, 1), (3, 1, 2))),
        (2, 2, 1, 1.3, ((8, 1, 1), (4, 1, 2), (2, 2, 3), (1, 2, 2))),
    ):
        d = sum(c * h * w for c, h, w in shapes)
        flow = draw.coupling("flow", draw.mask(d, d // 2), context=k)
        noise = [draw.normal(n, *shape) for shape in shapes]
        made.append(Case((flow, 2 * draw.normal(n, d), draw.normal(n, k), noise, keep, temperature)))
    return made


def encoded_again(ask, draw):
    """The latent of what comes back holds the kept parts as they were, and the noise times T behind them."""
    flow, x, c, noise, _, _ = cases(draw)[0].args
    latent = flow.encode(x, c)[0]
    ends = [0, 8, 20, 26]
    for keep, temperature in ((1, 0.9), (2, 0.4), (3, 0.5), (0, 1.0)):
        got = flow.encode(ask(flow, x, c, noise, keep, temperature), c)[0]
        for part, e in enumerate(noise):
            want = latent[:, ends[part] : ends[part + 1]] if part < keep else temperature * e.reshape(len(x), -1)
            error = (got[:, ends[part] : ends[part + 1]] - want).abs().max().item()
            if not error < 1e-5:
                which = "as it was" if part < keep else f"noise times {temperature}"
                return Finding("property", f"part {part + 1} of 3 {which}, with keep={keep}", f"off by {error:.2g}")
    return None


def _sizes(noise):
    return [e[0].numel() for e in noise]


def _flat(noise):
    return torch.cat([e.flatten(1) for e in noise], 1)


def _kept(noise, keep):
    return sum(_sizes(noise)[:keep])


def _answer(
    *,
    encode=lambda flow, x, c: flow.encode(x, c)[0],
    latent=lambda z, e, n, t: torch.cat((z[:, :n], t * e[:, n:]), 1),
    flat=_flat,
    kept=_kept,
    decode=lambda flow, z, c: flow.decode(z, c)[0],
):
    """The right answer but for the parts that are given; e is the noise, flat, and n how many numbers are kept."""

    def answer(flow, x, c, noise, keep, temperature):
        z = latent(encode(flow, x, c), flat(noise), kept(noise, keep), temperature)
        return decode(flow, z, c)

    return answer


def _fine(z, e, n, t, where):
    """Other fine parts, `where(z, e, t)`."""
    return torch.cat((z[:, :n], where(z[:, n:], e[:, n:], t)), 1)


def _other_fine(where):
    return _answer(latent=lambda z, e, n, t: _fine(z, e, n, t, where))


def _drawn(flow, x, c, noise, keep, temperature):
    """Noise of one's own: the same numbers as those of an answer that draws it in this way."""
    z = flow.encode(x, c)[0]
    new = [p if i < keep else temperature * torch.randn_like(p) for i, p in enumerate(z.split(_sizes(noise), 1))]
    return flow.decode(torch.cat(new, 1), c)[0]


def _drawn_for_all(flow, x, c, noise, keep, temperature):
    z, n = flow.encode(x, c)[0], _kept(noise, keep)
    return flow.decode(torch.cat((z[:, :n], temperature * torch.randn_like(z)[:, n:]), 1), c)[0]


def _drawn_behind(flow, x, c, noise, keep, temperature):
    z, n = flow.encode(x, c)[0], _kept(noise, keep)
    return flow.decode(torch.cat((z[:, :n], temperature * torch.randn_like(z[:, n:])), 1), c)[0]


def _parts(change):
    """The list of new parts is changed before it is joined."""

    def answer(flow, x, c, noise, keep, temperature):
        parts = flow.encode(x, c)[0].split(_sizes(noise), 1)
        return flow.decode(torch.cat(change([*parts[:keep]], [temperature * e.flatten(1) for e in noise], keep), 1), c)[
            0
        ]

    return answer


_ROWS = (
    (
        "keeps_fine",
        "the fine parts are kept and the coarse ones drawn again: the coarsest come first, and the first k stay",
        _answer(latent=lambda z, e, n, t: torch.cat((t * e[:, :n], z[:, n:]), 1)),
    ),
    (
        "keeps_last",
        "the last k parts are kept: the coarsest come first, and the first k stay",
        lambda flow, x, c, noise, keep, t: flow.decode(
            torch.cat(
                [
                    p if i >= len(noise) - keep else t * noise[i].flatten(1)
                    for i, p in enumerate(flow.encode(x, c)[0].split(_sizes(noise), 1))
                ],
                1,
            ),
            c,
        )[0],
    ),
    (
        "counts_from_fine",
        "keep counts the parts that stay, not those that are drawn again",
        _answer(kept=lambda noise, keep: _kept(noise, len(noise) - keep)),
    ),
    (
        "one_part_off",
        "one part too many or too few: the first k stay, parts[:keep]",
        _answer(kept=lambda noise, keep: _kept(noise, keep + 1)),
        _answer(kept=lambda noise, keep: _kept(noise, max(keep - 1, 0))),
    ),
    (
        "counts_numbers",
        "keep counts parts, not numbers of z: add up how many numbers the first k parts have",
        _answer(kept=lambda noise, keep: keep),
        _answer(kept=lambda noise, keep: sum(e.shape[1] for e in noise[:keep])),
        _answer(kept=lambda noise, keep: sum(e.numel() for e in noise[:keep])),
    ),
    ("no_temperature", "the temperature is missing: the noise is multiplied by it", _other_fine(lambda z, e, t: e)),
    (
        "temperature_everywhere",
        "the temperature is on the kept parts as well: they stay as they are",
        _answer(latent=lambda z, e, n, t: t * torch.cat((z[:, :n], e[:, n:]), 1)),
    ),
    (
        "temperature_on_kept",
        "the temperature is on the kept parts: it belongs to the noise",
        _answer(latent=lambda z, e, n, t: torch.cat((t * z[:, :n], e[:, n:]), 1)),
    ),
    (
        "other_temperature",
        "T itself is the deviation of what is drawn: no square, no root, and no division",
        _other_fine(lambda z, e, t: t**2 * e),
        _other_fine(lambda z, e, t: t**0.5 * e),
        _other_fine(lambda z, e, t: e / t),
        _other_fine(lambda z, e, t: (1 - t) * e),
    ),
    (
        "temperature_added",
        "the temperature is added: noise is multiplied by it",
        _other_fine(lambda z, e, t: t + e),
    ),
    (
        "added",
        "noise is added to the fine parts: they are replaced by it",
        _other_fine(lambda z, e, t: z + t * e),
        _answer(latent=lambda z, e, n, t: z + t * e),
        _other_fine(lambda z, e, t: t * (z + e)),
    ),
    (
        "blended",
        "the fine parts are blended with noise: nothing of them is left",
        _other_fine(lambda z, e, t: (1 - t) * z + t * e),
        _other_fine(lambda z, e, t: t * z + (1 - t) * e),
        _other_fine(lambda z, e, t: abs(1 - t**2) ** 0.5 * z + t * e),
    ),
    (
        "cooled",
        "the picture's own fine parts are multiplied by the temperature: noise takes their place",
        _other_fine(lambda z, e, t: t * z),
    ),
    (
        "scaled_as_before",
        "the noise is given the size of what it replaces: its deviation is T",
        _other_fine(lambda z, e, t: t * e * z.std(1, keepdim=True)),
        _other_fine(lambda z, e, t: t * e * z.norm(dim=1, keepdim=True) / e.norm(dim=1, keepdim=True)),
    ),
    ("zeros", "the fine parts are zeros: the noise is missing", _other_fine(lambda z, e, t: 0 * z)),
    ("unchanged", "nothing is drawn again: the picture comes back as it was", _other_fine(lambda z, e, t: z)),
    ("all_drawn", "nothing is kept: this is a fresh sample", _answer(latent=lambda z, e, n, t: t * e)),
    (
        "own_noise",
        "noise of your own is drawn: it comes with the arguments, so that the same call gives the same picture",
        _drawn,
        _drawn_for_all,
        _drawn_behind,
    ),
    (
        "one_noise",
        "all pictures get the same noise: each has its own",
        _other_fine(lambda z, e, t: t * e[:1].expand_as(e)),
    ),
    (
        "noise_from_the_start",
        "the noise of the first parts fills the later ones: each part has its own, noise[keep:]",
        _answer(latent=lambda z, e, n, t: torch.cat((z[:, :n], t * e[:, : e.shape[1] - n]), 1)),
    ),
    (
        "channels_last",
        "the noise is flattened in another order: e.flatten(1), without permute or transpose before it",
        _answer(flat=lambda noise: torch.cat([e.permute(0, 2, 3, 1).flatten(1) for e in noise], 1)),
        _answer(flat=lambda noise: torch.cat([e.transpose(2, 3).flatten(1) for e in noise], 1)),
    ),
    (
        "mixed_rows",
        "the numbers of different pictures are mixed: flatten from dim 1 on, and join along dim 1",
        _answer(flat=lambda noise: torch.cat([e.flatten() for e in noise]).reshape(len(noise[0]), -1)),
        _answer(flat=lambda noise: torch.cat([e.permute(1, 2, 3, 0).reshape(len(e), -1) for e in noise], 1)),
    ),
    (
        "not_flattened",
        "parts and noise have different shapes: e.flatten(1) makes a row of numbers of each picture's noise",
        lambda flow, x, c, noise, keep, t: flow.decode(
            torch.cat([*flow.encode(x, c)[0].split(_sizes(noise), 1)[:keep], *(t * e for e in noise[keep:])], 1), c
        )[0],
    ),
    (
        "fine_first",
        "the parts are joined in the wrong order: the kept ones come first, and then the fine ones in theirs",
        _parts(lambda kept, drawn, keep: [*drawn[keep:], *kept]),
        _parts(lambda kept, drawn, keep: [*kept, *drawn[keep:][::-1]]),
        _parts(lambda kept, drawn, keep: [*drawn[keep:][::-1], *kept[::-1]]),
    ),
    (
        "not_encoded",
        "the picture itself is cut up: encode it first, flow.encode(x, c)",
        _answer(encode=lambda flow, x, c: x),
    ),
    (
        "decoded_first",
        "the directions are exchanged: encode the picture, and decode the new latent",
        _answer(encode=lambda flow, x, c: flow.decode(x, c)[0], decode=lambda flow, z, c: flow.encode(z, c)[0]),
        _answer(encode=lambda flow, x, c: flow.decode(x, c)[0]),
        _answer(decode=lambda flow, z, c: flow.encode(z, c)[0]),
    ),
    ("latent", "this is the new latent: decode it", _answer(decode=lambda flow, z, c: z)),
    (
        "pair",
        "decode returns a pair: return the pictures, and not ladj",
        _answer(decode=lambda flow, z, c: flow.decode(z, c)),
        _answer(decode=lambda flow, z, c: flow.decode(z, c)[1]),
    ),
    (
        "no_context",
        "the context is not passed on: flow.encode(x, c) and flow.decode(z, c)",
        _answer(encode=lambda flow, x, c: flow.encode(x)[0]),
        _answer(decode=lambda flow, z, c: flow.decode(z)[0]),
    ),
    (
        "other_context",
        "another context on the way back, or on the way there: both go by c, row by row",
        _answer(decode=lambda flow, z, c: flow.decode(z, 0 * c)[0]),
        _answer(encode=lambda flow, x, c: flow.encode(x, 0 * c)[0]),
        _answer(encode=lambda flow, x, c: flow.encode(x, 0 * c)[0], decode=lambda flow, z, c: flow.decode(z, 0 * c)[0]),
        _answer(decode=lambda flow, z, c: flow.decode(z, c[:1].expand_as(c))[0]),
    ),
    (
        "clamped",
        "the noise is clamped: it is multiplied by T, and nothing else",
        *(_other_fine(lambda z, e, t, b=b: t * e.clamp(-b, b)) for b in (1, 2)),
    ),
)

EXERCISE = Exercise(
    id="11.resample",
    title="Draw the details again",
    level="stretch",
    minutes=15,
    points=3,
    anchor="sec-11-resample",
    task=TASK,
    hints=HINTS,
    references=(resample,),
    returns=("x (N, D)",),
    cases=cases,
    mistakes=mistakes_of(_ROWS),
    independent=encoded_again,
)
