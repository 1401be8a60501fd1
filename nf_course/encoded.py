"""Encoded: a bijection that sees the context through a network, which is asked once for all layers inside.

z, ladj = bijection.encode(x, e(c)):  the log-det has no term for e, which may be any network.
Chapter 11.
"""

from __future__ import annotations

from torch import nn

from nf_course.bijection import Bijection
from nf_course.expect import expect_context

__all__ = ["Encoded"]


class Encoded(Bijection):
    r"""The same bijection, given features e(c) of the context in place of c.

    .. math:: z = f(x; e(c)), \qquad \text{ladj} = \log\left|\det \frac{\partial f(x; e(c))}{\partial x}\right|

    The encoder is learned with the rest, through the likelihood. It need not be invertible: c is given, not modelled.

    Shapes: those of `bijection`; context whatever `encoder` takes; it must know their number as `in_features` or
    `in_channels`. Cost: one evaluation of the encoder for each call, however many layers use its features.

    >>> import torch
    >>> from nf_course import MLP, AffineInjector
    >>> _ = torch.manual_seed(0)
    >>> layer = Encoded(MLP(1, 8, zero_init=False), AffineInjector(MLP(8, 2 * 2)))
    >>> z, ladj = layer.encode(torch.ones(5, 2), torch.ones(5, 1))
    >>> z.shape, layer.context_features
    (torch.Size([5, 2]), 1)
    """

    def __init__(self, encoder: nn.Module, bijection: Bijection) -> None:
        super().__init__()
        features = getattr(encoder, "in_features", getattr(encoder, "in_channels", None))
        if not isinstance(features, int):
            raise TypeError(
                "Encoded: expected an encoder that knows how many features its context has, as `in_features` or "
                f"`in_channels`, got {type(encoder).__name__}"
            )
        self.encoder, self.bijection = encoder, bijection
        self.context_features = features

    def encode(self, x, context=None):
        return self.bijection.encode(x, self.features(x, context))

    def decode(self, z, context=None):
        return self.bijection.decode(z, self.features(z, context))

    def features(self, like, context):
        expect_context(context, self.context_features, len(like), "Encoded")
        return self.encoder(context)
