"""Super-resolution: reducing and enlarging, what is measured, pictures of any size in tiles, files of any kind."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import pytest
import torch
from PIL import Image

from nf_course import AffineInjector, ConvNet, Encoded, Flow, Guess, StandardLaplace, StandardNormal, data, models
from nf_course.latents import join_parts, latent_parts, part_shapes
from nf_course.pictures import read_picture, write_picture
from nf_course.quality import diversity, psnr, ssim, texture_distance
from nf_course.resize import Enlarge, enlarge, reduce
from nf_course.upscale import Upscaler


def small_srflow(shape=(3, 32, 32), scale=4):
    return models.srflow(shape, scale, steps=1, hidden=8, features=8, blocks=1)


@pytest.fixture(scope="module")
def flow():
    """A small SRFlow after twenty steps: ActNorm is set, no network is zero any more."""
    torch.manual_seed(0)
    flow, pairs = small_srflow(), data.photo_pairs("valid", 32, 4)
    optimizer = torch.optim.Adam(flow.parameters(), 3e-3)
    for rows in torch.arange(320).view(20, 16):
        optimizer.zero_grad()
        (-flow.log_prob(pairs.high[rows], pairs.low[rows]).mean()).backward()
        optimizer.step()
    return flow.eval()


@pytest.fixture(scope="module")
def photo():
    return data.photos("test")["drum"][:, 100:292, 200:392] / 255


# ------------------------------------------------------------------------------------------- reduce and enlarge


@pytest.mark.parametrize("scale", [2, 4])
def test_reduce_is_what_image_programs_do(photo, scale):
    """Pillow's bicubic: the same kernel, with a rounding to 8 bits after each direction."""
    image = Image.fromarray((255 * photo).round().to(torch.uint8).permute(1, 2, 0).numpy())
    size = (photo.shape[2] // scale, photo.shape[1] // scale)
    theirs = torch.from_numpy(np.array(image.resize(size, Image.Resampling.BICUBIC))).permute(2, 0, 1) / 255
    apart = (reduce(photo[None], scale)[0].clamp(0, 1) - theirs).abs()
    assert apart.max() < 2.5 / 255 and apart.mean() < 0.5 / 255


def test_reduce_forgets_and_enlarge_does_not_bring_back(photo):
    small = reduce(photo[None], 4)
    assert psnr(reduce(enlarge(small, 4), 4), small).item() > 35 > psnr(enlarge(small, 4), photo[None]).item()
    assert torch.allclose(small.mean(), photo.mean(), atol=1e-3)
    with pytest.raises(ValueError, match="that 4 divides, got 30 x 32"):
        reduce(torch.zeros(1, 3, 30, 32), 4)


def test_photo_pairs_are_cut_at_the_same_place():
    for stride in (None, 16):
        high, low = data.photo_pairs("test", size=32, scale=4, stride=stride)
        assert high.dtype == torch.uint8 and 0 <= low.min() and low.max() <= 1
        inner = (
            reduce(high / 255, 4).clamp(0, 1)[:, :, 2:-2, 2:-2] - low[:, :, 2:-2, 2:-2]
        )  # the border has seen its neighbours
        assert inner.abs().max() < 1.5 / 255
    assert len(high) > 3 * 560
    with pytest.raises(ValueError, match="multiples of the scale, 4, got 30 and 30"):
        data.photo_pairs("test", size=30)


# ------------------------------------------------------------------------------------------- what is measured


def test_psnr_and_ssim_by_hand(photo):
    """Against the formulas of the papers, written again with loops over windows."""
    x, truth = (photo[None, :, :24, :20] + 0.05).clamp(0, 1).double(), photo[None, :, :24, :20].double()
    assert math.isclose(psnr(x, truth).item(), -10 * math.log10(((x - truth) ** 2).mean().item()), rel_tol=1e-9)
    grey = [(0.299 * y[0, 0] + 0.587 * y[0, 1] + 0.114 * y[0, 2]).numpy() for y in (x, truth)]
    distance = np.arange(-5, 6)
    window = np.exp(-(distance[:, None] ** 2 + distance[None] ** 2) / (2 * 1.5**2))
    window /= window.sum()
    found = []
    for i in range(24 - 10):
        for j in range(20 - 10):
            a, b = (g[i : i + 11, j : j + 11] for g in grey)
            ma, mb = (window * a).sum(), (window * b).sum()
            va, vb = (window * (a - ma) ** 2).sum(), (window * (b - mb) ** 2).sum()
            cov = (window * (a - ma) * (b - mb)).sum()
            found.append((2 * ma * mb + 1e-4) * (2 * cov + 9e-4) / ((ma**2 + mb**2 + 1e-4) * (va + vb + 9e-4)))
    assert math.isclose(ssim(x, truth).item(), np.mean(found), rel_tol=1e-6)


def test_texture_distance_sees_a_missing_texture_and_not_a_moved_one(photo):
    truth = photo[None]
    blurred = enlarge(reduce(truth, 4), 4).clamp(0, 1)
    noisy = (truth + 0.1 * torch.randn(truth.shape, generator=torch.Generator().manual_seed(0))).clamp(0, 1)
    moved = truth.roll((3, 5), (2, 3))
    pictures = {"blurred": blurred, "noisy": noisy, "moved": moved}
    distances = {name: texture_distance(x, truth).item() for name, x in pictures.items()}
    assert distances["moved"] < 0.2 * min(distances["blurred"], distances["noisy"])
    assert psnr(moved, truth).item() < psnr(blurred, truth).item()  # PSNR says the opposite
    assert texture_distance(truth, truth).item() == 0


def test_diversity_is_the_deviation_between_samples():
    samples = 0.3 + 0.1 * torch.randn(2000, 2, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(diversity(samples), torch.full((2,), 0.1), atol=0.003, rtol=0)


# ------------------------------------------------------------------------------------------- the model


def test_the_encoder_is_asked_once_and_learns(monkeypatch):
    torch.manual_seed(0)
    flow, pairs = small_srflow(), data.photo_pairs("valid", 32, 4)
    encoder = flow.bijection[2].encoder
    calls = []
    encoder.register_forward_hook(lambda *_: calls.append(1))
    optimizer = torch.optim.Adam(flow.parameters(), 1e-2)
    for _ in range(2):  # the first step only wakes the networks that start at zero
        optimizer.zero_grad()
        (-flow.log_prob(pairs.high[:8], pairs.low[:8]).mean()).backward()
        optimizer.step()
    assert len(calls) == 2 and all(p.grad.abs().sum() > 0 for p in encoder.parameters())
    assert flow.context_features == 3


def test_a_guess_and_a_laplace_base_are_l1_training():
    torch.manual_seed(0)
    net = torch.nn.Linear(2, 3)
    flow = Flow(AffineInjector(Guess(net)), StandardLaplace(3))
    x, c = torch.randn(5, 3), torch.randn(5, 2)
    torch.testing.assert_close(-flow.log_prob(x, c), (x - net(c)).abs().sum(1) + 3 * math.log(2))
    assert torch.equal(flow.sample(5, c, temperature=0), net(c))
    draws = StandardLaplace(1).sample(100_000)
    assert abs(draws.abs().mean().item() - 1) < 0.02 and abs(draws.std().item() - math.sqrt(2)) < 0.03


def test_a_context_that_does_not_fit_is_refused():
    flow = small_srflow()
    x, c = torch.zeros(2, 3, 32, 32, dtype=torch.uint8), torch.zeros(2, 3, 8, 8)
    for bad, words in [
        (None, "expected a context of shape"),
        (c[:1], "1 contexts for 2 samples"),
        (c[:, :1], r"\(2, 3, H, W\)"),
        (torch.zeros(2, 3, 4, 4), "expected the conditioner to give"),
        (c.fill_(math.nan).clone(), "NaN"),
    ]:
        with pytest.raises((ValueError, TypeError), match=words):
            flow.log_prob(x, bad)
    with pytest.raises(ValueError, match="scale of 2, 4, 8 or 16, got 3"):
        models.srflow((3, 32, 32), scale=3)
    with pytest.raises(TypeError, match="knows how many features"):
        Encoded(torch.nn.ReLU(), AffineInjector(ConvNet(3, 6)))
    with pytest.raises(ValueError, match=r"\(2, 8\)"):
        AffineInjector(torch.nn.Linear(3, 6)).encode(torch.zeros(2, 4), torch.zeros(2, 3))


def test_the_parts_of_the_latent_are_those_of_the_flow(flow):
    """The last one is the half of the channels that leaves the first level, and so on."""
    shape, levels = (3, 32, 32), 3
    assert sum(map(math.prod, part_shapes(shape, levels))) == math.prod(shape)
    high, low = data.photo_pairs("valid", 32, 4)
    high, low = high[:16], low[:16]
    x, _ = flow.bijection[0].encode(high)
    rest = flow.bijection[1:]
    z, _ = rest.encode(x, low)
    parts = latent_parts(z, shape, levels)
    assert torch.equal(join_parts(parts), z)
    without_guess, _ = rest[0].encode(x, low)
    multi_scale, features = rest[1].bijection, rest[1].encoder(low)
    first_level, _ = multi_scale[:-1].encode(without_guess, features)
    assert torch.equal(first_level[:, 6:], parts[-1]) and parts[0].shape == (16, 48, 4, 4)


# ------------------------------------------------------------------------------------------- pictures of any size


def test_tiles_give_what_the_whole_picture_gives(flow, photo):
    low = reduce(photo[None], 4)[0].clamp(0, 1)
    whole = Upscaler(small_srflow, flow, scale=4, levels=3, tile=48)(low, samples=2, seed=3)
    tiled = Upscaler(small_srflow, flow, scale=4, levels=3, tile=16, margin=12)(low, samples=2, seed=3)
    assert whole.shape == (2, 3, 192, 192) and not torch.equal(whole[0], whole[1])
    assert (whole - tiled).abs().max() <= 2 / 255
    near = Upscaler(small_srflow, flow, scale=4, levels=3, tile=16, margin=0)(low, samples=2, seed=3)
    assert (whole - near).abs().max() > 2 / 255  # without a margin one sees the tiles


@pytest.mark.parametrize("size", [(8, 8), (9, 13), (31, 50)])
def test_any_size(flow, size):
    upscale = Upscaler(small_srflow, flow, scale=4, levels=3, tile=16, margin=4)
    x = upscale(torch.rand(3, *size), temperature=0.5, seed=1)
    assert x.shape == (1, 3, 4 * size[0], 4 * size[1]) and 0 <= x.min() and x.max() <= 1
    assert torch.equal((255 * x).round() / 255, x)


@pytest.mark.parametrize(
    ("picture", "words"),
    [
        (torch.zeros(3, 7, 20), "at least 8 x 8 pixels, got 7 x 20"),
        (torch.zeros(1, 20, 20), r"expected a picture \(3, h, w\), got \(1, 20, 20\)"),
        (torch.full((3, 20, 20), 200.0), "values from 0 to 1, got 200 to 200; divide by 255"),
        (torch.full((3, 20, 20), math.nan), "expected finite numbers"),
        (torch.zeros(3, 20, 20, dtype=torch.uint8), "expected floating-point numbers"),
        (np.zeros((3, 20, 20)), "got ndarray"),
    ],
)
def test_what_is_no_picture_is_refused(flow, picture, words):
    with pytest.raises((ValueError, TypeError), match=words):
        Upscaler(small_srflow, flow, scale=4, levels=3)(picture)


# ------------------------------------------------------------------------------------------- files


def saved(path, image, **how):
    image.save(path, **how)
    return path


RGB = np.arange(3 * 12 * 10, dtype=np.uint8).reshape(12, 10, 3)
KINDS = {
    "rgb.png": (lambda p: saved(p, Image.fromarray(RGB)), False, False),
    "rgb.jpg": (lambda p: saved(p, Image.fromarray(RGB)), False, False),
    "rgb.webp": (lambda p: saved(p, Image.fromarray(RGB)), False, False),
    "grey.png": (lambda p: saved(p, Image.fromarray(RGB[..., 0])), True, False),
    "one-bit.png": (lambda p: saved(p, Image.fromarray(RGB[..., 0] > 90)), True, False),
    "grey16.png": (lambda p: saved(p, Image.fromarray(RGB[..., 0].astype(np.uint16) * 257)), True, False),
    "grey-alpha.png": (lambda p: saved(p, Image.fromarray(RGB[..., :2], "LA")), True, True),
    "rgba.png": (lambda p: saved(p, Image.fromarray(np.dstack((RGB, RGB[..., 0])))), False, True),
    "palette.png": (lambda p: saved(p, Image.fromarray(RGB).quantize(16)), False, False),
    "palette-clear.png": (lambda p: saved(p, Image.fromarray(RGB).quantize(16), transparency=0), False, True),
    "cmyk.jpg": (lambda p: saved(p, Image.fromarray(RGB).convert("CMYK")), False, False),
    "moving.gif": (
        lambda p: saved(p, Image.fromarray(RGB), save_all=True, append_images=[Image.fromarray(RGB[::-1])]),
        False,
        False,
    ),
}


@pytest.mark.parametrize("name", KINDS)
def test_pictures_of_every_kind(tmp_path, name):
    make, grey, clear = KINDS[name]
    picture = read_picture(make(tmp_path / name))
    assert picture.colours.shape == (3, 12, 10) and picture.colours.dtype == torch.float32
    assert 0 <= picture.colours.min() and picture.colours.max() <= 1
    assert (picture.grey, picture.opacity is not None) == (grey, clear)
    if name in ("rgb.png", "rgba.png"):
        assert torch.equal(picture.colours, torch.from_numpy(RGB).permute(2, 0, 1) / 255)
    if name == "grey16.png":
        torch.testing.assert_close(picture.colours[1], torch.from_numpy(RGB[..., 0]) / 255)
    write_picture(tmp_path / "again.png", picture.colours, picture.opacity, picture.grey)
    again = read_picture(tmp_path / "again.png")
    assert (again.grey, again.opacity is not None) == (grey, clear)
    torch.testing.assert_close(again.colours, picture.colours, atol=0.51 / 255, rtol=0)


def test_a_photograph_stands_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # taken with the camera on its side
    Image.fromarray(RGB).save(tmp_path / "turned.jpg", exif=exif)
    assert read_picture(tmp_path / "turned.jpg").colours.shape == (3, 10, 12)


def test_what_cannot_be_read_or_written(tmp_path):
    whole = saved(tmp_path / "whole.png", Image.fromarray(RGB)).read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.png").write_text("no picture")
    Image.fromarray(np.ones((12, 10), dtype=np.float32)).save(tmp_path / "float.tif")
    for name, words in [
        ("cut.png", "expected a picture .* cannot be read"),
        ("text.png", "expected a picture .* cannot be read"),
        ("float.tif", "expected 8 or 16 bits"),
        ("none.png", "there is no file"),
        ("", "is a folder"),
    ]:
        with pytest.raises((ValueError, FileNotFoundError), match=words):
            read_picture(tmp_path / name)
    colours, opacity = torch.rand(3, 4, 4), torch.rand(1, 4, 4)
    with pytest.raises(ValueError, match=r"ends in .png.*'.xyz'"):
        write_picture(tmp_path / "a.xyz", colours)
    with pytest.raises(ValueError, match="JPEG file has no transparency"):
        write_picture(tmp_path / "a.jpg", colours, opacity)
    assert not list(tmp_path.glob("*a.*"))


def test_the_flow_is_a_flow(flow):
    """Its density over the residual, decoded and encoded again, is the same number."""
    high, low = data.photo_pairs("test", 32, 4)
    rest = Flow(flow.bijection[1:], StandardNormal(3072))
    x = rest.sample(4, low[:4])
    z, ladj = rest.bijection.encode(x, low[:4])
    back, ladj_back = rest.bijection.decode(z, low[:4])
    torch.testing.assert_close(back, x, atol=1e-4, rtol=0)
    torch.testing.assert_close(ladj, -ladj_back, atol=0.05, rtol=1e-4)
    assert isinstance(Enlarge(3, 4), torch.nn.Module) and partial(small_srflow, scale=4)().context_features == 3
