"""Any batch, any width, any image: hypothesis looks for a shape at which a bijection does not come back."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nf_course import (
    MLP,
    ActNorm,
    AffineCoupling,
    Alternating,
    Checkerboard,
    ConvNet,
    Flatten,
    Halves,
    IndexMask,
    LULinear,
    Split,
    Squeeze,
    randomise,
)

side = st.integers(1, 4)
seeds = st.integers(0, 10_000)
quick = settings(max_examples=40, deadline=None)


def comes_back(bijection, x):
    randomise(bijection.double()).eval()
    z, ladj = bijection.encode(x)
    back, ladj_back = bijection.decode(z)
    assert z.numel() == x.numel() and ladj.shape == (len(x),)
    torch.testing.assert_close(back, x, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(ladj_back, -ladj, rtol=1e-9, atol=1e-9)


def normal(*shape, seed):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@quick
@given(n=st.integers(0, 5), d=st.integers(2, 9), seed=seeds, keep_first=st.booleans())
def test_halves_and_alternating(n, d, seed, keep_first):
    for mask in (Halves(), Alternating()):
        mask = mask if keep_first else mask.flipped()
        kept, moved = mask.split(torch.zeros(1, d))
        assert mask.as_bool(d).sum() == kept.shape[1]
        comes_back(AffineCoupling(MLP(kept.shape[1], 2 * moved.shape[1], (5,)), mask), normal(n, d, seed=seed))


@quick
@given(n=st.integers(1, 4), keep=st.lists(st.booleans(), min_size=2, max_size=9).filter(lambda k: 0 < sum(k) < len(k)), seed=seeds)  # fmt: skip
def test_any_mask(n, keep, seed):
    mask = IndexMask(keep)
    assert mask.as_bool(len(keep)).tolist() == keep
    assert mask.flipped().as_bool(len(keep)).tolist() == [not k for k in keep] and mask.flipped().flipped() == mask
    moved = len(keep) - sum(keep)
    comes_back(AffineCoupling(MLP(sum(keep), 2 * moved, (5,)), mask), normal(n, len(keep), seed=seed))


@quick
@given(n=st.integers(0, 3), c=st.integers(1, 3), h=side, w=side, seed=seeds)
def test_images(n, c, h, w, seed):
    x = normal(n, c, 2 * h, 2 * w, seed=seed)
    comes_back(Squeeze(), x)
    comes_back(Flatten((c, 2 * h, 2 * w)), x)
    comes_back(AffineCoupling(ConvNet(2 * c, 4 * c, 4), Checkerboard()), x)
    comes_back(ActNorm(c), x)
    comes_back(LULinear(c), x)
    if c > 1:
        comes_back(Split(Flatten((c // 2, 2 * h, 2 * w)), (c, 2 * h, 2 * w)), x)
        comes_back(AffineCoupling(ConvNet(c // 2, 2 * (c - c // 2), 4)), x)


@quick
@given(n=st.integers(1, 3), c=st.integers(1, 3), h=side, w=side, seed=seeds)
def test_squeeze_is_pixel_unshuffle(n, c, h, w, seed):
    x = normal(n, c, 2 * h, 2 * w, seed=seed)
    assert torch.equal(Squeeze().encode(x)[0], torch.nn.functional.pixel_unshuffle(x, 2))
    assert torch.equal(Squeeze().decode(Squeeze().encode(x)[0])[0], x)


@quick
@given(h=side, w=side)
def test_checkerboard_is_a_checkerboard(h, w):
    rows, columns = torch.meshgrid(torch.arange(2 * h), torch.arange(2 * w), indexing="ij")
    assert torch.equal(Checkerboard().as_bool(1, 2 * h, 2 * w)[0], (rows + columns) % 2 == 0)
