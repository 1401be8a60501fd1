"""The data: shapes, seeds, ranges, splits; the diamonds' change of units; clear errors; the origin of each file."""

import importlib.util
import math
from pathlib import Path

import numpy as np
import pytest
import torch

import nf_course
from nf_course import data
from nf_course.data import _files

TOYS = [data.moons, data.rings, data.pinwheel, data.checkerboard, data.gaussians, data.spiral]
LABELLED = [
    (data.moons, data.moons_labels, 2),
    (data.rings, data.rings_labels, 3),
    (data.pinwheel, data.pinwheel_labels, 5),
    (data.gaussians, data.gaussians_labels, 8),
]


@pytest.mark.parametrize("toy", TOYS, ids=lambda f: f.__name__)
def test_toy_shape_dtype_scale(toy):
    points = toy(4000)
    assert points.shape == (4000, 2) and points.dtype == torch.float32 and points.device.type == "cpu"
    reach = points.abs().flatten().quantile(0.999)
    assert 2 < reach < 3.6
    assert points.mean(dim=0).abs().max() < 0.7


@pytest.mark.parametrize("toy", TOYS, ids=lambda f: f.__name__)
def test_toy_seed(toy):
    torch.manual_seed(3)
    state = torch.get_rng_state()
    first = toy(100, seed=5)
    assert torch.equal(torch.get_rng_state(), state), "the global generator must not move"
    torch.manual_seed(4)
    assert torch.equal(first, toy(100, seed=5))
    assert not torch.equal(first, toy(100, seed=6))


@pytest.mark.parametrize("toy", TOYS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("n", [0, -3, 2.5, "many", None, True])
def test_toy_bad_n(toy, n):
    with pytest.raises(ValueError, match="n should be a positive whole number"):
        toy(n)


@pytest.mark.parametrize("toy", [t for t in TOYS if t is not data.checkerboard], ids=lambda f: f.__name__)
@pytest.mark.parametrize("noise", [-0.1, math.nan, math.inf])
def test_toy_bad_noise(toy, noise):
    with pytest.raises(ValueError, match="noise should be"):
        toy(10, noise=noise)


@pytest.mark.parametrize(("toy", "labels", "pieces"), LABELLED, ids=lambda f: getattr(f, "__name__", f))
def test_labels_belong_to_their_points(toy, labels, pieces):
    points, piece = toy(3000, seed=2), labels(3000, seed=2)
    assert piece.shape == (3000,) and piece.dtype == torch.int64
    counts = torch.bincount(piece, minlength=pieces)
    assert len(counts) == pieces and counts.min() > 3000 / pieces * 0.8
    # Another seed's labels are no better than chance: the spread within a piece must be far below the whole spread.
    within = torch.cat([points[piece == k] - points[piece == k].mean(dim=0) for k in range(pieces)]).var()
    shuffled = labels(3000, seed=3)
    chance = torch.cat([points[shuffled == k] - points[shuffled == k].mean(dim=0) for k in range(pieces)]).var()
    if toy is data.rings:  # rings share one centre: compare radii instead
        radius = points.norm(dim=1)
        within = torch.cat([radius[piece == k] - radius[piece == k].mean() for k in range(3)]).var()
        chance = radius.var()
    assert within < 0.75 * chance


def test_checkerboard_is_uniform_on_its_squares():
    points = data.checkerboard(80_000)
    column, row = (points / 1.5).floor().long().unbind(dim=1)
    assert ((column + row) % 2 == 0).all() and points.min() >= -3 and points.max() < 3
    counts = torch.bincount((row + 2) * 4 + column + 2, minlength=16)
    full = counts[counts > 0]
    assert len(full) == 8 and (full / 10_000 - 1).abs().max() < 0.05
    inner = (points / 1.5) % 1
    assert (inner.mean(dim=0) - 0.5).abs().max() < 0.01 and (inner.var(dim=0) - 1 / 12).abs().max() < 0.002


def test_moons_meet_their_formula():
    points, moon = data.moons(2000, noise=0.0), data.moons_labels(2000)
    centre = torch.where(moon[:, None] == 0, torch.tensor([-1.0, -0.5]), torch.tensor([1.0, 0.5]))
    assert torch.allclose((points - centre).norm(dim=1), torch.tensor(2.0), atol=1e-5)
    assert (data.moons(50_000, noise=0.3) - data.moons(50_000, noise=0.0)).std().item() == pytest.approx(0.3, abs=5e-3)


def test_rings_bad_radii():
    for radii in [(), (1.0, -1.0), (1.0, math.nan), (math.inf,)]:
        with pytest.raises(ValueError, match="radii"):
            data.rings(3, radii=radii)


@pytest.mark.parametrize("loader", [data.digits, data.diamonds], ids=lambda f: f.__name__)
def test_splits(loader):
    sizes = {data.digits: (1397, 200, 200), data.diamonds: (43136, 5392, 5392)}[loader]
    parts = [loader(split) for split in ("train", "valid", "test")]
    assert tuple(len(part.images if loader is data.digits else part) for part in parts) == sizes
    with pytest.raises(ValueError, match=r"'train', 'valid', 'test'.*got 'validation'"):
        loader("validation")


def test_splits_are_disjoint():
    rows = torch.cat([_files.split_rows(1000, 100, 50, split, seed=0) for split in _files.SPLITS])
    assert torch.equal(rows.sort().values, torch.arange(1000))


def test_digits():
    images, labels = data.digits("train")
    assert images.dtype == torch.uint8 and images.shape == (1397, 1, 8, 8) and images.max() == 16
    assert labels.dtype == torch.int64 and labels.unique().tolist() == list(range(10))
    images.zero_()  # what a caller does to his copy must not reach the next one
    assert data.digits("train").images.max() == 16


def test_digits_go_through_dequantize():
    images = data.digits("valid").images
    torch.manual_seed(0)
    layer = nf_course.Dequantize(bins=17)
    z, _ = layer.encode(images)
    assert torch.equal(layer.decode(z)[0].byte(), images)


def test_airports():
    here, everywhere = data.airports(), data.airports(contiguous=False)
    assert here.shape == (3069, 2) and everywhere.shape == (3376, 2) and here.dtype == torch.float32
    longitude, latitude = here.unbind(dim=1)
    assert longitude.min() > -125 and longitude.max() < -66 and latitude.min() > 24 and latitude.max() < 50
    assert everywhere[:, 0].abs().max() <= 180 and everywhere[:, 1].abs().max() <= 90
    assert (here.unique(dim=0, return_counts=True)[1] == 1).all()  # no two airports in one place


def test_faithful():
    splits = [data.faithful(split) for split in ("train", "valid", "test")]
    assert [len(split) for split in splits] == [172, 50, 50] and splits[0].x.dtype == torch.float32
    assert splits[0].x.mean(0).abs().max() < 1e-4 and (splits[0].x.std(0, correction=0) - 1).abs().max() < 1e-3
    assert all(torch.equal(split.std, splits[0].std) for split in splits)
    minutes = torch.cat([data.faithful(split, raw=True).x for split in ("train", "valid", "test")])
    assert minutes[:, 0].min() == 1.6 and minutes[:, 0].max() == 5.1 and (minutes[:, 1] % 1 == 0).all()
    for split, name in zip(splits, ("train", "valid", "test")):
        away = (split.undo(split.x.double()) - data.faithful(name, raw=True).x).abs()
        assert (away[:, 0] < 0.5 / 60 + 1e-6).all() and (away[:, 1] < 0.5 + 1e-5).all() and (away > 0).all()
        bare = data.faithful(name, noise=False)
        torch.testing.assert_close(bare.undo(bare.x), data.faithful(name, raw=True).x, rtol=0, atol=1e-5)
        x = split.x[0].double()
        full = torch.autograd.functional.jacobian(lambda u, split=split: (u - split.mean) / split.std, split.undo(x))
        torch.testing.assert_close(split.ladj(x[None])[0], full.slogdet().logabsdet)
    with pytest.raises(ValueError, match="split should be one of"):
        data.faithful("all")


def test_diamonds_are_standardised_by_the_training_rows():
    train, test = data.diamonds("train"), data.diamonds("test")
    assert train.x.dtype == torch.float32 and train.grades.dtype == torch.int64
    assert train.x.mean(dim=0).abs().max() < 1e-4 and (train.x.std(dim=0) - 1).abs().max() < 1e-3
    assert 1e-4 < test.x.mean(dim=0).abs().max() < 0.05  # near, and not at, 0: these are not its own statistics
    assert torch.equal(train.mean, test.mean) and torch.equal(train.std, test.std)
    assert train.x.isfinite().all() and train.x.abs().max() < 20
    assert torch.equal(train.x, data.diamonds("train").x)


def test_diamonds_undo_gives_the_table_to_half_a_rounding_step():
    prepared, raw = data.diamonds("valid"), data.diamonds("valid", raw=True)
    ordinary = (raw.x[:, 5] <= 11) & (raw.x[:, 6] >= 2) & (raw.x[:, 6] <= 7)
    off = (prepared.undo(prepared.x.double()) - raw.x).abs()[ordinary]
    step = torch.tensor([0.01, 0.1, 1, 1, 0.01, 0.01, 0.01])
    assert (off <= step / 2 * 1.001 + 1e-3 * step).all() and (off.max(dim=0).values > 0.45 * step).all()


def test_diamonds_clip_changes_six_rows():
    changed, extremes = 0, []
    for split in _files.SPLITS:
        raw, clipped = data.diamonds(split, raw=True), data.diamonds(split, noise=False)
        there = clipped.undo(clipped.x.double())
        changed += ((there - raw.x).abs() > 1e-2).any(dim=1).sum().item()
        extremes.append(there.max(dim=0).values)
    assert changed == 6
    assert torch.stack(extremes).max(dim=0).values[5] < 11.01
    assert data.diamonds("train", clip=False).x.abs().max() > 20


def test_diamonds_noise_ends_the_ties():
    smooth, lattice = data.diamonds("train"), data.diamonds("train", noise=False)
    assert len(lattice.x[:, 0].unique()) < 300 and len(smooth.x[:, 0].unique()) > 40_000


def test_diamonds_raw_is_untouched():
    raw = data.diamonds("train", raw=True)
    assert torch.equal(raw.undo(raw.x), raw.x) and torch.equal(raw.ladj(raw.x), torch.zeros(len(raw)))
    assert raw.x[:, 3].min() >= 326 and torch.equal(raw.x[:, 3], raw.x[:, 3].round())


def test_diamonds_ladj_is_the_jacobian_of_the_standardisation():
    table = data.diamonds("test")
    x = table.x[:5].double()
    for row, ladj in zip(x, table.ladj(x)):
        there = torch.func.jacrev(lambda r: table.undo(r[None])[0])(row)
        assert ladj.item() == pytest.approx(-torch.linalg.slogdet(there).logabsdet.item(), abs=1e-9)
    assert table.ladj(x).dtype == torch.float64 and table.ladj(table.x).dtype == torch.float32


def test_diamonds_grades():
    table = data.diamonds("train")
    assert table.grades.min(dim=0).values.tolist() == [0, 0, 0]
    assert table.grades.max(dim=0).values.tolist() == [4, 6, 7]
    assert [len(words) for _, words in table.grade_names] == [5, 7, 8]
    assert table.context.shape == (43136, 3) and table.context.abs().max() == 1
    # Better clarity at one weight costs more: the ranks run the right way.
    weight = table.undo(table.x)[:, 0]
    one_carat, price = (weight > 0.98) & (weight < 1.05), table.undo(table.x)[:, 3]
    means = [price[one_carat & (table.grades[:, 2] == k)].mean().item() for k in (0, 3, 7)]
    assert means == sorted(means)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(_files, "FOLDER", tmp_path)
    return tmp_path


def test_missing_file(folder):
    with pytest.raises(data.DataFileError, match=r"digits\.npz is missing\. Expected at .*images.*git checkout"):
        data.digits()


@pytest.mark.parametrize("damage", ["cut", "text", "empty"])
def test_corrupt_file(folder, damage):
    whole = (Path(data.__file__).parent / "digits.npz").read_bytes()
    broken = {"cut": whole[: len(whole) // 2], "text": b"version https://git-lfs", "empty": b""}[damage]
    (folder / "digits.npz").write_bytes(broken)
    with pytest.raises(data.DataFileError, match=r"digits\.npz cannot be read .*Expected at"):
        data.digits()


def test_flipped_bytes_inside_an_array(folder):
    whole = bytearray((Path(data.__file__).parent / "digits.npz").read_bytes())
    whole[5000:5040] = bytes(40)
    (folder / "digits.npz").write_bytes(bytes(whole))
    with pytest.raises(data.DataFileError, match="cannot be read"):
        data.digits()


def test_wrong_contents(folder):
    np.savez(folder / "digits.npz", images=np.zeros((3, 8, 8), np.uint8), labels=np.zeros(3, np.uint8))
    with pytest.raises(data.DataFileError, match=r"another 'images': shape \(3, 8, 8\)"):
        data.digits()


def test_missing_array(folder):
    np.savez(folder / "airports.npz", longitude=np.zeros(3376, np.float32))
    with pytest.raises(data.DataFileError, match="has no array 'latitude'"):
        data.airports()


def test_pickles_are_refused(folder):
    np.savez(folder / "airports.npz", longitude=np.array([{}], dtype=object), latitude=np.zeros(3376, np.float32))
    with pytest.raises(data.DataFileError, match="cannot be read"):
        data.airports()


LARGER = {  # bytes
    "photos.npz": 2_100_000,  # fifteen photographs, compressed little: their pixels are the data
    "face_generator_int8.npz": 3_200_000,  # three million weights, one byte each
    "furniture.npz": 2_800_000,  # half a million points, three coordinates of two bytes
}
MEASURED = {"face_attributes"}  # by the package itself, see tools/face_attributes.py
DRAWN = {"furniture"}  # by chance, see tools/check_furniture.py


def test_small_files_with_credits():
    root = Path(__file__).parents[2]
    notice = (root / "NOTICE").read_text()
    for file in Path(data.__file__).parent.glob("*.npz"):
        assert file.stat().st_size < LARGER.get(file.name, 1_000_000), file
        assert f"nf_course/data/{file.name}" in notice, f"NOTICE gives no credit for {file.name}"


def tool(name):
    """A script of tools/ as a module."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).parents[2] / "tools" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("point", "way"), [((0.2, 0.0, 0.3), 0.0), ((0.2, 0.5, 0.3), 0.5), ((2, 0, 0), 1.0), ((-1, 0, 0.5), 1.0)]
)
def test_the_check_of_furniture_sees_how_far_a_point_is_from_a_surface(point, way):
    surface = np.array([[[0, 0, 0], [1, 0, 0], [0, 0, 1]], [[1, 0, 0], [1, 0, 1], [0, 0, 1]]], float)  # a square
    found = tool("check_furniture").farthest(np.array([[0.5, 0, 0.5], point]), surface)
    assert abs(found - way) < 1e-12


@pytest.mark.parametrize(
    "name", ["digits", "diamonds", "airports", "faithful", "mnist5k", "photos", "face_generator_int8", "poses"]
)
def test_derived_from_its_origin(name):
    """Where the package that a file came from is installed, derive it again; elsewhere only compare() is tested."""
    derive_data = tool("derive_data")
    assert set(derive_data.ORIGINS) | MEASURED | DRAWN == {
        file.stem for file in Path(data.__file__).parent.glob("*.npz")
    }
    with np.load(Path(data.__file__).parent / f"{name}.npz", allow_pickle=False) as file:
        shipped = {key: file[key] for key in file.files}
    assert derive_data.differences(shipped, shipped) == []
    first = next(iter(shipped))
    assert derive_data.differences(shipped | {first: shipped[first][:-1]}, shipped)
    changed = shipped[first].copy()
    changed.flat[-1] += 1
    assert derive_data.differences(shipped | {first: changed}, shipped) == [
        f"{first}: 1 of {changed.size} values differ"
    ]
    try:
        derived = derive_data.ORIGINS[name][0]()
    except ModuleNotFoundError:
        return
    assert derive_data.differences(derived, shipped) == []
