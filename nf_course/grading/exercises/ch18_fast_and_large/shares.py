"""18.shares: one gradient out of those of several devices, and its norm clipped as one device would clip it."""

import torch

from nf_course.grading.exercise import Case, Exercise, Finding, mistakes_of

TASK = r"""
A batch of $N = \sum_r n_r$ rows was shared out to $R$ devices. Device $r$ had $n_r$ rows and reports the mean loss
$m_r$ over them and its gradient $g_r = \nabla m_r$. Return what one device with the whole batch would have: the pair
`(loss, gradient)`, the mean loss of all rows, one number, and its gradient, shape `(P,)`, then *clipped*: multiplied by
$c / \lVert g \rVert$ if its norm $\lVert g \rVert$ exceeds $c$, and left alone if not.

`losses` has shape `(R,)`, `gradients` has `(R, P)`, `rows` holds the $n_r$ as whole numbers, `(R,)`, and `clip` is $c$,
a number. A device may have had no row at all; what it reports is then zero.
"""

HINTS = (
    "Write the mean over all rows as a sum over devices: how much of it is the mean over one of them?",
    "The weights are n_r / N, for losses and gradients alike. Clip once, what has been put together: one device would "
    "never see the g_r.",
    "share = rows.to(losses) / rows.sum(); gradient = share @ gradients; gradient * min(1, clip / |gradient|).",
)


def combine(losses, gradients, rows, clip):
    share = rows.to(losses) / rows.sum()  # (R,)
    gradient = share @ gradients  # (P,)
    return share @ losses, gradient * (clip / gradient.norm()).clamp(max=1)


def cases(draw):
    """Equal and unequal shares, one device, one without rows; a clip that cuts and one that does not."""
    made = []
    for rows, p, clip in (
        ((4, 3), 5, 0.3),
        ((4, 4), 3, 100.0),
        ((1, 6, 2), 4, 0.2),
        ((5,), 2, 0.5),
        ((3, 0, 8), 6, 0.1),
        ((2, 7, 1, 3), 5, 50.0),
    ):
        losses, gradients = draw.normal(len(rows)) + 2.0, draw.normal(len(rows), p) + 0.5
        counts = torch.tensor(rows, device=losses.device)
        there = (counts > 0).to(losses)
        made.append(Case((losses * there, gradients * there[:, None], counts, clip)))
    return made


def as_one_device(ask, draw):
    """Against autograd over the whole batch, of a small loss."""
    for rows in ((3, 5), (1, 1, 4)):
        x, w, clip = draw.normal(sum(rows), 4), draw.normal(4), 0.2
        device = x.device

        def mean_and_gradient(part, w=w):
            leaf = w.clone().requires_grad_()
            loss = torch.tanh(part @ leaf).square().mean()
            return loss.detach(), torch.autograd.grad(loss, leaf)[0]

        losses, gradients = zip(*(mean_and_gradient(part) for part in x.split(rows)))
        loss, gradient = mean_and_gradient(x)
        wanted = gradient * min(1.0, clip / gradient.norm().item())
        got = ask(torch.stack(losses), torch.stack(gradients), torch.tensor(rows, device=device), clip)
        if abs(float(got[0]) - loss.item()) > 1e-6 or (got[1].to(wanted) - wanted).abs().max() > 1e-6:
            return Finding("property", f"the loss {loss.item():.4f} of the whole batch", f"{float(got[0]):.4f}")
    return None


def _weights(rows, losses):
    return rows.to(losses) / rows.sum()


def _clipped(gradient, clip):
    return gradient * (clip / gradient.norm()).clamp(max=1)


def _by(loss, gradient, clip=_clipped):
    """`loss(share, losses)` and `gradient(share, gradients)`, then `clip(gradient, c)`."""

    def answer(losses, gradients, rows, c):
        share = _weights(rows, losses)
        return loss(share, losses), clip(gradient(share, gradients), c)

    return answer


def _right_loss(share, losses):
    return share @ losses


def _right_gradient(share, gradients):
    return share @ gradients


def _clip_each(losses, gradients, rows, clip):
    share, norms = _weights(rows, losses), gradients.norm(dim=1, keepdim=True).clamp(min=1e-12)
    return share @ losses, share @ (gradients * (clip / norms).clamp(max=1))


_ROWS = (
    (
        "plain_mean",
        "the plain mean over devices: rows of a small share would count for more than those of a large one",
        _by(lambda s, m: m.mean(), lambda s, g: g.mean(0)),
        _by(_right_loss, lambda s, g: g.mean(0)),
        _by(lambda s, m: m.mean(), _right_gradient),
    ),
    (
        "sum",
        "a sum over devices: the loss is a mean over rows, so each device has the weight n_r / N",
        _by(lambda s, m: m.sum(), lambda s, g: g.sum(0)),
        _by(_right_loss, lambda s, g: g.sum(0)),
    ),
    (
        "not_divided",
        "multiplied by n_r, and not divided by N: the weights n_r / N add up to one",
        lambda losses, gradients, rows, clip: (
            rows.to(losses) @ losses,
            _clipped(rows.to(losses) @ gradients, clip),
        ),
    ),
    (
        "mean_of_weighted",
        "divided by the number of devices once more: the weights n_r / N add up to one already",
        _by(lambda s, m: (s * m).mean(), lambda s, g: (s[:, None] * g).mean(0)),
    ),
    (
        "inverse_weights",
        "the weights are upside down: n_r / N, not N / n_r or 1 / n_r",
        _by(lambda s, m: _inverse(s) @ m, lambda s, g: _inverse(s) @ g),
    ),
    (
        "clipped_each",
        "clipped before they are put together: one device sees the whole gradient only, and clips that",
        _clip_each,
    ),
    ("not_clipped", "the gradient is not clipped", _by(_right_loss, _right_gradient, lambda g, c: g)),
    (
        "always_scaled",
        "a gradient whose norm is below clip is left alone: the factor is at most 1",
        _by(_right_loss, _right_gradient, lambda g, c: g * c / g.norm()),
    ),
    (
        "clipped_by_value",
        "each number is clipped by itself: it is the norm that must not exceed clip",
        _by(_right_loss, _right_gradient, lambda g, c: g.clamp(-c, c)),
    ),
    (
        "squared_norm",
        "the norm is the root of the sum of squares",
        _by(_right_loss, _right_gradient, lambda g, c: g * (c / g.square().sum()).clamp(max=1)),
    ),
    (
        "other_norm",
        "another norm: the root of the sum of squares is meant",
        _by(_right_loss, _right_gradient, lambda g, c: g * (c / g.abs().sum()).clamp(max=1)),
        _by(_right_loss, _right_gradient, lambda g, c: g * (c / g.abs().max()).clamp(max=1)),
    ),
    (
        "zeroed",
        "a gradient that is too long is shortened, not thrown away",
        _by(_right_loss, _right_gradient, lambda g, c: g * (g.norm() <= c)),
    ),
)


def _inverse(share):
    weights = torch.where(share > 0, 1 / share.clamp(min=1e-12), torch.zeros_like(share))
    return weights / weights.sum()


EXERCISE = Exercise(
    id="18.shares",
    title="One gradient out of several",
    level="core",
    minutes=10,
    points=3,
    anchor="sec-18-devices",
    task=TASK,
    hints=HINTS,
    references=(combine,),
    returns=("loss", "gradient (P,)"),
    cases=cases,
    mistakes=mistakes_of(_ROWS),
    independent=as_one_device,
)
