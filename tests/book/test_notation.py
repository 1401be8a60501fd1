"""The rows of book/notation.md about other libraries, found by running them: which way does each "forward" go?

A map that doubles its input has log|det| = D log 2 in the direction that doubles. Each library builds a flow whose
"forward" doubles; its density at x then tells which way forward goes: if forward is data to latent, then
log p(x) = log N(2x) + D log 2, otherwise log p(x) = log N(x/2) - D log 2.
"""

from __future__ import annotations

import math
import re
from importlib.metadata import version
from pathlib import Path

import pytest
import torch
from torch import distributions

PAGE = (Path(__file__).resolve().parents[2] / "book" / "notation.md").read_text(encoding="utf-8")
D = 3
X = torch.tensor([[0.3, -1.0, 0.7], [1.2, 0.1, -0.4]])


def normal(z):
    return distributions.Normal(0.0, 1.0).log_prob(z).sum(1)


DATA_TO_LATENT = normal(2 * X) + D * math.log(2)
LATENT_TO_DATA = normal(X / 2) - D * math.log(2)


def row(name: str) -> str:
    return next(line for line in PAGE.splitlines() if re.match(rf"\| {re.escape(name)} ", line))


def says(name: str, package: str, words: str) -> None:
    assert words in row(name), row(name)
    assert version(package).split("+")[0] in row(name), f"the page names another version than {version(package)}"


def test_nflows():
    pytest.importorskip("nflows", reason="comes with the extra [bench]")
    from nflows.distributions import StandardNormal
    from nflows.flows import Flow
    from nflows.transforms import PointwiseAffineTransform

    transform = PointwiseAffineTransform(scale=2.0)
    assert torch.equal(transform.forward(X)[0], 2 * X)
    torch.testing.assert_close(Flow(transform, StandardNormal([D])).log_prob(X), DATA_TO_LATENT)
    says("nflows", "nflows", "data to latent")


def test_zuko():
    import zuko

    base = zuko.distributions.DiagNormal(torch.zeros(D), torch.ones(D))
    double = distributions.AffineTransform(0.0, 2.0)
    flow = zuko.distributions.NormalizingFlow(zuko.transforms.ComposedTransform(double), base)
    torch.testing.assert_close(flow.log_prob(X), DATA_TO_LATENT)
    z, ladj = flow.transform.call_and_ladj(X)
    assert torch.equal(z, 2 * X) and torch.allclose(ladj.sum(-1), torch.tensor(D * math.log(2)))
    says("zuko", "zuko", "data to latent")


def test_normflows():
    import normflows

    class Double(normflows.flows.Flow):
        def forward(self, z):
            return 2 * z, torch.full((len(z),), D * math.log(2))

        def inverse(self, x):
            return x / 2, torch.full((len(x),), -D * math.log(2))

    flow = normflows.NormalizingFlow(normflows.distributions.DiagGaussian(D, trainable=False), [Double()])
    torch.testing.assert_close(flow.log_prob(X), LATENT_TO_DATA)
    assert torch.equal(flow.forward(X), 2 * X)
    says("normflows", "normflows", "**latent to data**")


def test_torch_distributions():
    double = distributions.AffineTransform(0.0, 2.0, event_dim=1)
    base = distributions.Independent(distributions.Normal(torch.zeros(D), torch.ones(D)), 1)
    torch.testing.assert_close(distributions.TransformedDistribution(base, double).log_prob(X), LATENT_TO_DATA)
    assert torch.allclose(double.log_abs_det_jacobian(X, double(X)), torch.tensor(D * math.log(2)))
    says("torch.distributions", "torch", "**latent to data**")


def test_freia():
    """FrEIA leaves the density to its user, so only the pair of directions is to be seen."""
    freia = pytest.importorskip("FrEIA.framework", reason="comes with the extra [bench]")
    from FrEIA.modules import FixedLinearTransform

    inn = freia.SequenceINN(D)
    inn.append(FixedLinearTransform, M=2 * torch.eye(D))
    z, log_det = inn(X)
    assert torch.allclose(z, 2 * X) and torch.allclose(log_det, torch.tensor(D * math.log(2)))
    assert torch.allclose(inn(z, rev=True)[0], X)
    assert "x_or_z" in inn.forward.__code__.co_varnames, "its own word for the two directions"
    says("FrEIA", "FrEIA", "data to latent")


def test_this_course():
    import nf_course

    class Double(nf_course.Bijection):
        def encode(self, x, context=None):
            return 2 * x, x.new_full((len(x),), D * math.log(2))

        def decode(self, z, context=None):
            return z / 2, z.new_full((len(z),), -D * math.log(2))

    flow = nf_course.Flow(Double(), nf_course.StandardNormal((D,)))
    torch.testing.assert_close(flow.log_prob(X), DATA_TO_LATENT)
