"""08.attribute: an attribute as a direction in latent space, and an edit along it."""

from nf_course.grading.exercise import Case, Exercise, Finding, Mistake

TASK = r"""
Some images have an attribute, others have not. In latent space the attribute is taken to be a direction, the difference
of the two means, and an edit is a step along it:

$$v = \frac{1}{|A|} \sum_{n \in A} z_n - \frac{1}{|B|} \sum_{n \in B} z_n, \qquad z' = z_{\text{new}} + \alpha\, v$$

`z` has shape `(N, D)`; `has` is a boolean tensor of shape `(N,)`, `True` for the rows in $A$ and `False` for those in
$B$, at least one of each. `z_new`, of shape `(M, D)`, holds the latents to edit, `strength` is $\alpha$, a number.
Return the edited latents, `(M, D)`, and leave `z_new` as it was.
"""

HINTS = (
    "z[has] are the rows with the attribute, z[~has] those without it. How many of each does not matter.",
    "Each mean runs over the rows, dim 0, and leaves a vector with D entries.",
    "direction = z[has].mean(0) - z[~has].mean(0); return z_new + strength * direction.",
)


def edit(z, has, z_new, strength):
    direction = z[has].mean(0) - z[~has].mean(0)
    return z_new + strength * direction


def cases(draw):
    made = []
    for n, with_it, d, m, strength in ((9, 3, 4, 2, 1.5), (5, 4, 3, 1, -0.7), (12, 5, 6, 4, 2.0)):
        has = draw.mask(n, with_it)
        z = draw.normal(n, d) + has[:, None] * draw.normal(d) * 2 + draw.normal(d)
        made.append(Case((z, has, draw.normal(m, d), strength)))
    return made


def carries_one_mean_to_the_other(ask, draw):
    """A step of 1 carries the mean of those without the attribute to the mean of those with it."""
    z, has, _, _ = cases(draw)[0].args
    moved = ask(z, has, z[~has].mean(0, keepdim=True), 1.0)
    error = (moved[0] - z[has].mean(0)).abs().max().item()
    if not error < 1e-5:
        return Finding("property", "a step of 1 from the mean without it to the mean with it", f"{error:.2g} away")
    return None


def _along(direction):
    return lambda z, has, z_new, strength: z_new + strength * direction(z, has)


def _length_one(z, has):
    v = z[has].mean(0) - z[~has].mean(0)
    return v / v.norm()


MISTAKES = (
    Mistake(
        "reversed",
        "the direction is turned round: with the attribute minus without it",
        _along(lambda z, h: z[~h].mean(0) - z[h].mean(0)),
    ),
    Mistake(
        "one_mean",
        "the mean of those with the attribute alone: it holds all that they share; take off the others' mean",
        _along(lambda z, h: z[h].mean(0)),
    ),
    Mistake(
        "all",
        "the mean of all rows is taken off: those with the attribute are among them; use z[~has]",
        _along(lambda z, h: z[h].mean(0) - z.mean(0)),
    ),
    Mistake("sums", "sums for means: the groups have different sizes", _along(lambda z, h: z[h].sum(0) - z[~h].sum(0))),
    Mistake(
        "sums",
        "sums for means: the groups have different sizes",
        _along(lambda z, h: (z * h[:, None]).mean(0) - (z * ~h[:, None]).mean(0)),
    ),
    Mistake(
        "length_one",
        "the direction is scaled to length 1: use the difference of the means as it is",
        _along(_length_one),
    ),
    Mistake(
        "over_features",
        "the means run over the features: over the rows, dim 0",
        _along(lambda z, h: z[h].mean() - z[~h].mean()),
    ),
    Mistake("no_strength", "the strength is not used", lambda z, h, new, a: new + (z[h].mean(0) - z[~h].mean(0))),
    Mistake(
        "direction_only",
        "the step alone: add it to z_new",
        lambda z, h, new, a: (a * (z[h].mean(0) - z[~h].mean(0))).expand_as(new),
    ),
    Mistake(
        "direction_only", "the step alone: add it to z_new", lambda z, h, new, a: a * (z[h].mean(0) - z[~h].mean(0))
    ),
    Mistake(
        "scaled",
        "z_new is multiplied by the strength too: only the direction is",
        lambda z, h, new, a: a * (new + z[h].mean(0) - z[~h].mean(0)),
    ),
    Mistake(
        "blend",
        "a blend, (1 - strength) z_new + strength v: z_new stays whole",
        lambda z, h, new, a: (1 - a) * new + a * (z[h].mean(0) - z[~h].mean(0)),
    ),
)

EXERCISE = Exercise(
    id="08.attribute",
    title="An attribute is a direction",
    level="warm-up",
    minutes=10,
    points=2,
    anchor="sec-08-attribute",
    task=TASK,
    hints=HINTS,
    references=(edit,),
    returns=("z (M, D)",),
    cases=cases,
    mistakes=MISTAKES,
    independent=carries_one_mean_to_the_other,
    gradient=("z", "z_new"),
)
