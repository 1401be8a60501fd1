"""12.edit: encode with the attributes that a face has, decode with those that it shall have."""

import torch

from nf_course.grading.exercise import Case, Exercise, Finding, mistakes_of

TASK = r"""
A flow between $z$ and a generator's latent $w$, given attributes $a$, edits a face: what the attributes do not say
stays in $z$, and another $w$ is made from it. With the attributes that the face has, `source`, and those that it shall
have, `target`,

$$z = f(w;\, a_{\text{source}}), \qquad w' = f^{-1}(z;\, a_{\text{target}})$$

`w` has shape `(N, F)`; `source` and `target` have shape `(N, K)`, a row for each face. `flow.encode(w, a)` returns the
pair `(z, ladj)`, of shapes `(N, F)` and `(N,)`, and `flow.decode(z, a)` returns `(w, ladj)`. Return the edited latents
$w'$, shape `(N, F)`.
"""

HINTS = (
    "An edit that changes nothing must return w: what happens to your answer where target equals source?",
    "Two calls: one of flow.encode, one of flow.decode. Each returns a pair, and each takes its own attributes.",
    "z, _ = flow.encode(w, source), and then the first of flow.decode(z, target).",
)


def edit(flow, w, source, target):
    z, _ = flow.encode(w, source)
    return flow.decode(z, target)[0]


def cases(draw):
    """Faces with other attributes each, one face, one attribute, attributes of which one alone changes."""
    made = []
    for n, f, kept, k in ((5, 4, 2, 3), (1, 6, 2, 2), (4, 5, 3, 1), (3, 7, 2, 5)):
        flow = draw.coupling("flow", draw.mask(f, kept), context=k)
        source = draw.normal(n, k)
        target = source + draw.signs(k) * draw.uniform(0.7, 1.5, n, k)
        if k == 5:
            target = torch.cat((source[:, :2], target[:, 2:3], source[:, 3:]), 1)
        made.append(Case((flow, 1.5 * draw.normal(n, f), source, target)))
    return made


def there_and_back(ask, draw):
    """No edit where nothing is to change; two edits in a row are one; and the reverse edit returns to the start."""
    flow, w, source, target = cases(draw)[0].args
    middle = source + draw.normal(*source.shape)
    once = ask(flow, w, source, target)
    for expected, got in (
        ("w itself, where target equals source", ask(flow, w, source, source)),
        ("w again, after the edit back to source", ask(flow, once, target, source)),
    ):
        if not torch.allclose(got, w, rtol=1e-5, atol=1e-5):
            return Finding("property", expected, f"off by {(got - w).abs().max().item():.2g}")
    twice = ask(flow, ask(flow, w, source, middle), middle, target)
    if not torch.allclose(twice, once, rtol=1e-5, atol=1e-5):
        return Finding("property", "two edits in a row give what one gives", "another w")
    return None


def _by(encode, decode):
    """Encode with the attributes `encode(source, target)`, decode with `decode(source, target)`."""

    def answer(flow, w, source, target):
        z, _ = flow.encode(w, encode(source, target))
        return flow.decode(z, decode(source, target))[0]

    return answer


def _source(s, t):
    return s


def _target(s, t):
    return t


def _decode_first(first, then):
    def answer(flow, w, source, target):
        z, _ = flow.decode(w, first(source, target))
        return flow.encode(z, then(source, target))[0]

    return answer


def _after(change):
    """`change(w', w, z)` of the right edit."""

    def answer(flow, w, source, target):
        z, _ = flow.encode(w, source)
        return change(flow.decode(z, target)[0], w, z)

    return answer


def _one_call(method, attributes):
    return lambda flow, w, source, target: getattr(flow, method)(w, attributes(source, target))[0]


def _latent_changed(change):
    """Decoded from another z, `change(z, z of target, ladj)`."""

    def answer(flow, w, source, target):
        z, ladj = flow.encode(w, source)
        return flow.decode(change(z, flow.encode(w, target)[0], ladj), target)[0]

    return answer


_ROWS = (
    (
        "exchanged",
        "source and target are exchanged: encode with the attributes that the face has, decode with the new ones",
        _by(_target, _source),
    ),
    (
        "same_twice",
        "the same attributes in both directions give w back: encode with source, decode with target",
        _by(_target, _target),
        _by(_source, _source),
        _after(lambda new, w, z: w),
    ),
    (
        "not_encoded",
        "w is taken for z: this is f^-1(w; target); encode w with source first",
        _one_call("decode", _target),
        _one_call("decode", _source),
        _one_call("decode", lambda s, t: t - s),
    ),
    (
        "notes",
        "w is encoded and that is all: f(w; target) is a z of the base, no latent of the generator; decode is missing",
        _one_call("encode", _target),
        _one_call("encode", lambda s, t: t - s),
    ),
    ("latent", "this is z: decode it with target", _one_call("encode", _source)),
    (
        "decode_first",
        "the directions are exchanged: w is encoded, with source, and z is decoded, with target",
        _decode_first(_source, _target),
        _decode_first(_target, _source),
    ),
    (
        "encoded_twice",
        "encode twice: z is taken back to w by decode",
        lambda flow, w, s, t: flow.encode(flow.encode(w, s)[0], t)[0],
        lambda flow, w, s, t: flow.decode(flow.decode(w, s)[0], t)[0],
    ),
    (
        "difference",
        "the flow is asked with the change, target - source: it was trained on attributes, so decode with target",
        _by(_source, lambda s, t: t - s),
        _by(lambda s, t: 0 * s, lambda s, t: t - s),
        _by(lambda s, t: t - s, _target),
        _by(_source, lambda s, t: s + t),
    ),
    (
        "no_attributes",
        "zeros stand for the attributes: encode with source, decode with target",
        _by(lambda s, t: 0 * s, _target),
        _by(_source, lambda s, t: 0 * t),
    ),
    (
        "not_passed",
        "the attributes are not passed on: flow.encode(w, source) and flow.decode(z, target)",
        lambda flow, w, s, t: flow.encode(w)[0],
        lambda flow, w, s, t: flow.decode(flow.encode(w, s)[0])[0],
        lambda flow, w, s, t: flow.decode(w)[0],
    ),
    (
        "one_face",
        "the attributes of the first face, or a mean over all, stand for every face: each has its own",
        _by(lambda s, t: s[:1].expand_as(s), _target),
        _by(_source, lambda s, t: t[:1].expand_as(t)),
        _by(lambda s, t: s[:1].expand_as(s), lambda s, t: t[:1].expand_as(t)),
        _by(lambda s, t: s.mean(0, keepdim=True).expand_as(s), _target),
        _by(_source, lambda s, t: t.mean(0, keepdim=True).expand_as(t)),
        _by(lambda s, t: s.mean(0, keepdim=True).expand_as(s), lambda s, t: t.mean(0, keepdim=True).expand_as(t)),
    ),
    (
        "half_way",
        "half of the way: decode with target itself",
        _by(_source, lambda s, t: (s + t) / 2),
        _after(lambda new, w, z: (new + w) / 2),
    ),
    (
        "too_far",
        "beyond the target: decode with target itself",
        _by(_source, lambda s, t: 2 * t - s),
        _by(_source, lambda s, t: s + 2 * (t - s)),
        _after(lambda new, w, z: w + 2 * (new - w)),
    ),
    (
        "bounded",
        "the attributes are clamped: take them as they are",
        *(_by(lambda s, t, b=b: s.clamp(*b), lambda s, t, b=b: t.clamp(*b)) for b in ((-1, 1), (0, 1))),
        *(_by(_source, lambda s, t, b=b: t.clamp(*b)) for b in ((-1, 1), (0, 1))),
        _by(lambda s, t: torch.sigmoid(s), lambda s, t: torch.sigmoid(t)),
        _by(_source, lambda s, t: t.round()),
    ),
    (
        "normalised",
        "z or w is brought to another length or deviation: take it as it is",
        _latent_changed(lambda z, other, ladj: torch.nn.functional.normalize(z, dim=1)),
        _latent_changed(lambda z, other, ladj: (z - z.mean(1, keepdim=True)) / z.std(1, keepdim=True)),
        _after(lambda new, w, z: new * w.norm(dim=1, keepdim=True) / new.norm(dim=1, keepdim=True)),
    ),
    (
        "direction",
        "this is the change, w' - w: return w' itself",
        _after(lambda new, w, z: new - w),
        _after(lambda new, w, z: w - new),
    ),
    (
        "added",
        "w is added to what decode returns: that is w' already",
        _after(lambda new, w, z: w + new),
        _after(lambda new, w, z: z + new),
    ),
    (
        "latents_mixed",
        "z is mixed with the z of target: the face as it is belongs to source alone",
        _latent_changed(lambda z, other, ladj: z - other),
        _latent_changed(lambda z, other, ladj: other - z),
    ),
    (
        "base_mean",
        "z is replaced by zeros: then every face becomes the same one; it carries what the attributes do not say",
        _latent_changed(lambda z, other, ladj: 0 * z),
        lambda flow, w, s, t: w + flow.decode(0 * w, t)[0] - flow.decode(0 * w, s)[0],
        lambda flow, w, s, t: w + flow.decode(0 * w, t - s)[0],
    ),
    (
        "ladj_used",
        "ladj has no place in an edit: only where the point goes counts",
        _latent_changed(lambda z, other, ladj: z + ladj[:, None]),
        lambda flow, w, s, t: edit(flow, w, s, t) + flow.encode(w, s)[1][:, None],
        lambda flow, w, s, t: edit(flow, w, s, t) * flow.encode(w, s)[1].exp()[:, None],
    ),
    (
        "drawn",
        "z is drawn anew: that is another face with these attributes; encode the one that is to be edited",
        lambda flow, w, s, t: flow.decode(torch.randn_like(w), t)[0],
    ),
    (
        "reversed_rows",
        "the rows are in another order: row n belongs to face n",
        _after(lambda new, w, z: new.flip(0).roll(1, 1) if len(new) == 1 else new.flip(0)),
    ),
    (
        "pair",
        "a pair is returned: w' alone is asked for, the first of what decode returns",
        lambda flow, w, s, t: flow.decode(flow.encode(w, s)[0], t),
        lambda flow, w, s, t: (flow.encode(w, s)[0], flow.decode(flow.encode(w, s)[0], t)[0]),
        lambda flow, w, s, t: (flow.decode(flow.encode(w, s)[0], t)[0], flow.encode(w, s)[0]),
    ),
    (
        "ladj",
        "this is ladj, the second of what decode returns: w' is the first",
        lambda flow, w, s, t: flow.decode(flow.encode(w, s)[0], t)[1],
        lambda flow, w, s, t: sum((flow.encode(w, s)[1], flow.decode(flow.encode(w, s)[0], t)[1])),
    ),
    (
        "not_unpacked",
        "encode returns a pair: unpack it, z, ladj = flow.encode(w, source)",
        lambda flow, w, s, t: flow.decode(flow.encode(w, s), t)[0],
    ),
    (
        "called",
        "the flow itself is called: encode and decode are its methods",
        lambda flow, w, s, t: flow(w, s),
    ),
)

EXERCISE = Exercise(
    id="12.edit",
    title="Edit a face",
    level="core",
    minutes=5,
    points=2,
    anchor="sec-12-edit",
    task=TASK,
    hints=HINTS,
    references=(edit,),
    returns=("w (N, F)",),
    cases=cases,
    mistakes=mistakes_of(_ROWS),
    independent=there_and_back,
)
