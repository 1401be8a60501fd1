"""The image data: counts, ranges, splits that share nothing; files of one's own, read right and refused when broken."""

from __future__ import annotations

import gzip
import os
import pickle
import struct
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

import nf_course
from nf_course import data
from nf_course.data import _files

SPLITS = ("train", "valid", "test")


# Every set: (loader, the sizes of its splits, the shape of one image)
SHIPPED = [
    (data.mnist5k, (4000, 500, 500), (1, 28, 28)),
    (data.photo_patches, (2678, 520, 560), (3, 32, 32)),
    (lambda split: data.photo_patches(split, size=64), (626, 120, 130), (3, 64, 64)),
    (lambda split: data.photo_patches(split, 8), (43998, 8560, 9040), (3, 8, 8)),
]


def images_of(found) -> torch.Tensor:
    return found if isinstance(found, torch.Tensor) else found.images


@pytest.mark.parametrize(("loader", "sizes", "shape"), SHIPPED, ids=["mnist5k", "patches", "patches64", "patches8"])
def test_shapes_and_ranges(loader, sizes, shape):
    for split, size in zip(SPLITS, sizes):
        images = images_of(loader(split))
        assert images.dtype == torch.uint8 and images.shape == (size, *shape) and images.is_contiguous()
        assert images.min() == 0 and images.max() == 255
        assert torch.equal(images, images_of(loader(split)))
        images.zero_()  # what a caller does to his copy must not reach the next one
        assert images_of(loader(split)).max() == 255
    with pytest.raises(ValueError, match=r"'train', 'valid', 'test'.*got 'validation'"):
        loader("validation")


@pytest.mark.parametrize(("loader", "sizes", "shape"), SHIPPED[:3], ids=["mnist5k", "patches", "patches64"])
def test_no_image_is_in_two_splits(loader, sizes, shape):
    parts = [{image.numpy().tobytes() for image in images_of(loader(split))} for split in SPLITS]
    assert len(set.union(*parts)) == sum(map(len, parts))
    if loader is data.mnist5k:  # nor twice in one; patches clipped to black or to white may be equal
        assert tuple(map(len, parts)) == sizes


def test_mnist5k_has_as_many_of_each_digit():
    for split, each in zip(SPLITS, (400, 50, 50)):
        labels = data.mnist5k(split).labels
        assert labels.dtype == torch.int64 and labels.bincount().tolist() == [each] * 10
        assert (labels[1:] != labels[:-1]).float().mean() > 0.8  # mixed, not sorted


def test_mnist5k_labels_belong_to_their_images():
    """The nearest mean image of a class is the right one for about four of five digits, by chance for one in ten."""
    images, labels = data.mnist5k("train")
    means = torch.stack([images[labels == k].float().mean(dim=0).flatten() for k in range(10)])
    images, labels = data.mnist5k("test")
    nearest = torch.cdist(images.flatten(1).float(), means).argmin(dim=1)
    assert (nearest == labels).float().mean() > 0.75


def test_mnist5k_goes_through_dequantize():
    images = data.mnist5k("valid").images
    torch.manual_seed(0)
    layer = nf_course.Dequantize()
    z, _ = layer.encode(images)
    assert torch.equal(layer.decode(z)[0].round().byte(), images)


@pytest.mark.parametrize("pixels", [0, 1, 2])
@pytest.mark.parametrize("shape", [(4, 1, 6, 5), (3, 5, 6), (2, 3, 1, 4, 4)])
def test_shifted_order_and_zero_filling(pixels, shape):
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(1, 256, shape, generator=generator, dtype=torch.uint8)
    found = data.shifted(images, pixels)
    (n, *_, height, width), s = shape, 2 * pixels + 1
    assert found.dtype == torch.uint8 and found.shape == (s * s * n, *shape[1:])
    for i in range(n):
        for down in range(-pixels, pixels + 1):
            for right in range(-pixels, pixels + 1):
                moved = found[((down + pixels) * s + right + pixels) * n + i]
                for y in range(height):
                    for x in range(width):
                        inside = 0 <= y - down < height and 0 <= x - right < width
                        here = images[i, ..., y - down, x - right] if inside else torch.zeros(1, dtype=torch.uint8)
                        assert (moved[..., y, x] == here).all()


def test_shifted_keeps_dtype_and_the_unmoved_block():
    images, labels = data.mnist5k("test")
    found = data.shifted(images.float() / 255, pixels=2)
    assert found.dtype == torch.float32 and torch.equal(found[12 * 500 : 13 * 500], images.float() / 255)
    assert labels.repeat(25).shape == (len(found),)


@pytest.mark.parametrize("pixels", [-1, 28, True, 1.0, "1", None])
def test_shifted_bad_pixels(pixels):
    with pytest.raises(ValueError, match="pixels should be a whole number from 0 to 27"):
        data.shifted(torch.zeros(2, 1, 28, 28), pixels)


def test_shifted_bad_images():
    with pytest.raises(ValueError, match=r"shape \(n, ..., height, width\), got \(28, 28\)"):
        data.shifted(torch.zeros(28, 28))


# Photographs


def test_photos():
    pictures = data.photos()
    assert len(pictures) == 15
    for picture in pictures.values():
        assert picture.dtype == torch.uint8 and picture.shape[0] == 3 and picture.is_contiguous()
        assert min(picture.shape[1:]) >= 300 and 451 <= max(picture.shape[1:]) <= 640
    red, _, blue = pictures["sunset"][:, :100].float().mean(dim=(1, 2))  # a blue sky, and not a red one
    assert blue > 1.1 * red
    red, green, blue = pictures["coffee"].float().mean(dim=(1, 2))  # a red cup on brown wood
    assert red > green > blue


def test_each_photo_is_in_one_split():
    names = [list(data.photos(split)) for split in SPLITS]
    assert names[1:] == [["sunset", "fig"], ["peaks", "drum"]] and len(names[0]) == 11
    assert sorted(names[0] + names[1] + names[2]) == sorted(data.photos())
    with pytest.raises(ValueError, match="split should be one of"):
        data.photos("all")
    with pytest.raises(ValueError, match="split should be one of"):
        data.photo_patches(None)


@pytest.mark.parametrize(("size", "count"), [(8, 61598), (32, 3758), (64, 876), (300, 28)])
def test_patches_are_counted(size, count):
    assert sum(len(data.photo_patches(split, size)) for split in SPLITS) == count


@pytest.mark.parametrize("size", [7, 32, 100])
def test_patches_tile_their_photo(size):
    patches = data.photo_patches("test", size)
    for picture in data.photos("test").values():
        rows, columns = picture.shape[1] // size, picture.shape[2] // size
        mine, patches = patches[: rows * columns], patches[rows * columns :]
        for k, patch in enumerate(mine):
            top, left = k // columns * size, k % columns * size
            assert torch.equal(patch, picture[:, top : top + size, left : left + size])
    assert len(patches) == 0


@pytest.mark.parametrize("size", [0, -8, 301, 8.0, True, "8"])
def test_patches_bad_size(size):
    with pytest.raises(ValueError, match="size should be a whole number from 1 to 300"):
        data.photo_patches("train", size)


def test_photo_credits():
    credits = data.photo_credits()
    assert list(credits) == list(data.photos())
    with np.load(Path(data.__file__).parent / "photos.npz") as file:
        stored = file["_credits"].tolist()
    notice = (Path(__file__).parents[2] / "NOTICE").read_text()
    for name, line, original in zip(credits, credits.values(), stored):
        assert original in notice
        about, _, rest = original.rpartition("; ")[0].rpartition("; ")
        about = about.rpartition("; ")[0]
        assert line.startswith(f"{about}; ") and f"; {rest}; " in line and name == line.partition(":")[0]
        assert "https://creativecommons.org/" in line or "; public domain; " in line


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(_files, "FOLDER", tmp_path)
    return tmp_path


@pytest.mark.parametrize("loader", [data.mnist5k, data.photos, data.photo_patches, data.photo_credits])
def test_shipped_file_missing(folder, loader):
    with pytest.raises(data.DataFileError, match=r"(mnist5k|photos)\.npz is missing.*git checkout"):
        loader()


def test_photos_that_are_no_jpeg(folder):
    with np.load(Path(data.__file__).parent / "photos.npz") as file:
        arrays = {key: file[key] for key in file.files}
    np.savez(folder / "photos.npz", **arrays | {"cat": np.zeros_like(arrays["cat"])})
    with pytest.raises(data.DataFileError, match=r"photos\.npz holds no JPEG image 'cat'.*git checkout"):
        data.photos()
    arrays["cat"][20_000:] = arrays["cat"][:1]  # a JPEG that breaks off
    np.savez(folder / "cut.npz", **arrays)
    (folder / "cut.npz").rename(folder / "photos.npz")
    _files._read.cache_clear()
    with pytest.raises(data.DataFileError, match=r"photos\.npz holds no JPEG image 'cat'"):
        data.photos()


# MNIST of one's own. The files have their full size, but as holes: they take no room on most disks.


def write_idx(path: Path, shape: tuple[int, ...], marks: dict[int, bytes], labels: bool = False) -> None:
    """An idx file of zeros, with the given bytes at the beginning of some of its items; labels count 0 to 9."""
    item = int(np.prod(shape[1:]))
    with open(path, "wb") as file:
        file.write(struct.pack(f">HBB{len(shape)}I", 0, 8, len(shape), *shape))
        begin = file.tell()
        if labels:
            file.write(bytes(k % 10 for k in range(shape[0])))
        for k, mark in marks.items():
            file.seek(begin + k * item)
            file.write(mark)
        file.truncate(begin + shape[0] * item)


def write_mnist(folder: Path, names: tuple[str, ...] = ("train", "t10k")) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        n = {"train": 60_000, "t10k": 10_000}[name]
        marks = {0: bytes([11]), 54_999: bytes([12]), 55_000: bytes([13, 14]), 59_999: bytes([15])}
        marks = marks if name == "train" else {0: bytes([21]), 1: bytes(30) + b"\x16", 9_999: bytes([23])}
        write_idx(folder / f"{name}-images-idx3-ubyte", (n, 28, 28), marks)
        write_idx(folder / f"{name}-labels-idx1-ubyte", (n,), {}, labels=True)
    return folder


def zip_it(path: Path) -> Path:
    zipped = path.with_name(path.name + ".gz")
    zipped.write_bytes(gzip.compress(path.read_bytes(), compresslevel=1))
    path.unlink()
    return zipped


@pytest.mark.parametrize("layout", ["plain", "gz", "torchvision", "unpacked but named gz"])
def test_mnist(tmp_path, layout):
    place = write_mnist(tmp_path / "MNIST" / "raw" if layout == "torchvision" else tmp_path)
    for path in list(place.iterdir()):
        if layout == "gz":
            zip_it(path)
        elif layout == "unpacked but named gz":
            path.rename(path.with_name(path.name + ".gz"))
    parts = [data.mnist(str(tmp_path), split) for split in SPLITS]
    for (images, labels), n in zip(parts, (55_000, 5_000, 10_000)):
        assert images.shape == (n, 1, 28, 28) and images.dtype == torch.uint8
        assert labels.shape == (n,) and labels.dtype == torch.int64
        assert torch.equal(labels, torch.arange(n) % 10)
    train, valid, test = (images.flatten(1) for images, _ in parts)
    assert (train[0, 0], train[-1, 0], train.sum()) == (11, 12, 23)
    assert (valid[0, 0], valid[0, 1], valid[-1, 0]) == (13, 14, 15)
    assert (test[0, 0], test[1, 30], test[-1, 0]) == (21, 22, 23) and parts[2].images[1, 0, 1, 2] == 22
    parts[2].images.zero_()  # a copy
    with pytest.raises(ValueError, match=r"'train', 'valid', 'test'.*got 'validation'"):
        data.mnist(tmp_path, "validation")


def cut(path: Path, size: int) -> None:
    with open(path, "r+b") as file:
        file.truncate(size)


def put(path: Path, at: int, content: bytes) -> None:
    with open(path, "r+b") as file:
        file.seek(at)
        file.write(content)


def zip_and(path: Path, how) -> None:
    zipped = zip_it(path)
    content = bytearray(zipped.read_bytes())
    zipped.write_bytes(bytes(how(content)))


def flip(content: bytearray) -> bytearray:
    content[-6] ^= 0xFF  # of the checksum
    return content


IMAGES, LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"
BROKEN_MNIST = {  # what was done to the folder: (how, the message)
    "no images": (
        lambda f: (f / IMAGES).unlink(),
        rf"{IMAGES} is missing: neither it nor {IMAGES}.gz is in .* or .*raw",
    ),
    "no labels": (lambda f: (f / LABELS).unlink(), rf"{LABELS} is missing: neither it nor {LABELS}.gz is in"),
    "a folder of that name": (
        lambda f: ((f / LABELS).unlink(), (f / LABELS).mkdir()),
        f"{LABELS} is missing",
    ),
    "images cut": (lambda f: cut(f / IMAGES, 1_000_000), "is cut off: 1000000 of 7840016 bytes"),
    "labels cut": (lambda f: cut(f / LABELS, 10_007), "is cut off: 10007 of 10008 bytes"),
    "header cut": (lambda f: cut(f / IMAGES, 15), "is cut off: 15 of 7840016 bytes"),
    "empty": (lambda f: cut(f / IMAGES, 0), "is cut off: 0 of 7840016 bytes"),
    "too long": (lambda f: put(f / LABELS, 10_008, b"\0"), "goes on after its 10008 bytes"),
    "labels as images": (
        lambda f: (f / LABELS).replace(f / IMAGES),
        "starts with the magic number 0x00000801, not 0x00000803 of an idx file of images",
    ),
    "images as labels": (
        lambda f: (f / IMAGES).rename(f / LABELS) and write_idx(f / IMAGES, (10_000, 28, 28), {}),
        "starts with the magic number 0x00000803, not 0x00000801 of an idx file of labels",
    ),
    "a page of a web site": (lambda f: put(f / IMAGES, 0, b"<!DOCTYPE html>"), "magic number 0x3c21444f"),
    "floating-point idx": (lambda f: put(f / IMAGES, 0, b"\0\0\x0d\x03"), "magic number 0x00000d03"),
    "fewer images": (
        lambda f: write_idx(f / IMAGES, (9_999, 28, 28), {}),
        r"says it holds an array \(9999, 28, 28\), not \(10000, 28, 28\)",
    ),
    "the training file": (lambda f: write_idx(f / LABELS, (60_000,), {}), r"says it holds an array \(60000,\)"),
    "a label 77": (lambda f: put(f / LABELS, 500, b"\x4d"), "holds the label 77, and digits are 0 to 9"),
    "gz cut": (lambda f: zip_and(f / IMAGES, lambda c: c[: len(c) // 2]), r"\.gz cannot be read \(.*ended before"),
    "gz flipped": (lambda f: zip_and(f / LABELS, flip), r"\.gz cannot be read \(.*CRC"),
    "gz empty": (lambda f: zip_and(f / LABELS, lambda c: b""), r"\.gz is cut off: 0 of 10008 bytes"),
    "gz of less": (
        lambda f: (cut(f / LABELS, 5_000), zip_it(f / LABELS)),
        r"\.gz is cut off: 5000 of 10008 bytes",
    ),
}


@pytest.mark.parametrize("case", BROKEN_MNIST)
def test_broken_mnist(tmp_path, case):
    damage, message = BROKEN_MNIST[case]
    damage(write_mnist(tmp_path, ("t10k",)))
    with pytest.raises(data.DataFileError, match=rf"(?s){message}.*four files.*yann\.lecun\.com.*downloads nothing"):
        data.mnist(tmp_path, "test")


# CIFAR-10 of one's own


def text(value: bytes) -> bytes:
    return b"U" + bytes([len(value)]) + value


def reference(module: str, name: str) -> bytes:
    return f"c{module}\n{name}\n".encode()


def write_pickle(path: Path, marks: dict[int, bytes] | None = None, **other) -> None:
    """A batch as Python 2 pickled it (protocol 2, byte strings), pixels all 0 but the marks; ``other`` breaks it."""
    shape = other.get("shape", (10_000, 3072))
    labels = other.get("labels", [k % 10 for k in range(10_000)])
    rebuild = other.get("rebuild", reference("numpy.core.multiarray", "_reconstruct"))
    dtype = reference("numpy", "dtype") + text(other.get("dtype", b"u1")) + b"K\0K\1\x87R"
    dtype += b"(K\3" + text(b"|") + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb"
    size = int(np.prod(shape))
    with open(path, "wb") as file:
        file.write(b"\x80\x02}(" + text(b"batch_label") + text(b"a batch") + text(b"data"))
        file.write(rebuild + reference("numpy", "ndarray") + b"K\0\x85" + text(b"b") + b"\x87R")
        file.write(b"(K\1" + b"".join(b"M" + struct.pack("<H", length) for length in shape) + b"\x86" + dtype)
        file.write(b"\x88" if other.get("fortran") else b"\x89")
        file.write(b"T" + struct.pack("<i", size))
        begin = file.tell()
        for k, mark in (marks or {}).items():
            file.seek(begin + 3072 * k)
            file.write(mark)
        file.seek(begin + size)
        file.write(b"tb" + text(other.get("key", b"labels")))
        file.write(b"](" + b"".join(b"K" + bytes([label]) for label in labels) + b"eu.")


def write_binary(path: Path, marks: dict[int, bytes] | None = None) -> None:
    with open(path, "wb") as file:
        for k in range(10_000):
            file.seek(3073 * k)
            file.write(bytes([k % 10]) + (marks or {}).get(k, b""))
        file.truncate(30_730_000)


WRITERS = {"cifar-10-batches-py": (write_pickle, ""), "cifar-10-batches-bin": (write_binary, ".bin")}


def colour(value: int) -> bytes:
    """An image with one colour all over: red, green and blue planes."""
    return bytes([value]) * 1024 + bytes([value + 50]) * 1024 + bytes([value + 100]) * 1024


@pytest.mark.parametrize("inside", [True, False])
@pytest.mark.parametrize("layout", WRITERS)
def test_cifar10(tmp_path, layout, inside):
    write, ending = WRITERS[layout]
    place = tmp_path / layout if inside else tmp_path
    place.mkdir(exist_ok=True)
    corner = bytes(2 * 1024 + 32 + 3) + b"\x09"  # blue, row 1, column 3
    for k in range(1, 6):
        write(place / f"data_batch_{k}{ending}", {0: colour(k), 4_999: colour(10 + k), 5_000: colour(20 + k)})
    write(place / f"test_batch{ending}", {0: colour(40), 1: corner, 9_999: colour(41)})
    parts = [data.cifar10(str(tmp_path), split) for split in SPLITS]
    for (images, labels), n in zip(parts, (45_000, 5_000, 10_000)):
        assert images.shape == (n, 3, 32, 32) and images.dtype == torch.uint8
        assert labels.dtype == torch.int64 and torch.equal(labels, torch.arange(n) % 10)
    train, valid, test = (images for images, _ in parts)
    assert train[::10_000, 0, 5, 5].tolist() == [1, 2, 3, 4, 5] and train[-1, 0, 0, 0] == 15
    assert valid[0, 0, 0, 0] == 25 and valid[1:].max() == 0
    assert test[0].unique().tolist() == [40, 90, 140] and test[0, :, 7, 9].tolist() == [40, 90, 140]
    assert test[1, 2, 1, 3] == 9 and test[1].sum() == 9 and test[-1, 2, 31, 31] == 141
    test.zero_()  # a copy, which can be written to
    with pytest.raises(ValueError, match=r"'train', 'valid', 'test'.*got 'validation'"):
        data.cifar10(tmp_path, "validation")


@pytest.mark.parametrize("fortran", [False, True])
def test_cifar10_pickle_gives_what_numpy_gives(tmp_path, fortran):
    """The pickles written above are read by NumPy itself too, and to the same values."""
    generator = np.random.default_rng(0)
    marks = {k: generator.bytes(3072) for k in (0, 17, 9_999)}
    write_pickle(tmp_path / "test_batch", marks, fortran=fortran)
    with open(tmp_path / "test_batch", "rb") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of NumPy, about its old name
        theirs = pickle.load(file, encoding="bytes")
    ours = data.cifar10(tmp_path, "test")
    assert np.array_equal(ours.images.numpy().reshape(10_000, 3072), theirs[b"data"])
    assert ours.labels.tolist() == theirs[b"labels"]


class Runs:
    """Pickles as a call of a function."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


BROKEN_PICKLES = {  # what is wrong: (how to write it at path, the message)
    "missing": (lambda p: None, r"test_batch is missing: neither it nor test_batch\.bin is in one of .*batches-bin"),
    "empty": (lambda p: p.write_bytes(b""), "cannot be read"),
    "a page of a web site": (lambda p: p.write_bytes(b"<!DOCTYPE html>"), "cannot be read"),
    "the archive": (lambda p: p.write_bytes(gzip.compress(b"data")), "cannot be read"),
    "cut": (lambda p: (write_pickle(p), cut(p, 20_000_000)), "cannot be read .*truncated"),
    "cut in the labels": (lambda p: (write_pickle(p), cut(p, 30_725_000)), "cannot be read"),
    "a list": (lambda p: p.write_bytes(pickle.dumps([1, 2])), "no dictionary with 'data' and 'labels'"),
    "CIFAR-100": (lambda p: write_pickle(p, key=b"fine_labels"), "no dictionary with 'data' and 'labels'"),
    "data as bytes": (
        lambda p: p.write_bytes(pickle.dumps({b"data": b"", b"labels": []})),
        "its 'data' are no array",
    ),
    "fewer images": (
        lambda p: write_pickle(p, shape=(5_000, 3072)),
        r"its 'data' are an array \(5000, 3072\) of b'u1', not \(10000, 3072\) of bytes",
    ),
    "other numbers": (lambda p: write_pickle(p, dtype=b"f4"), r"an array \(10000, 3072\) of b'f4'"),
    "fewer labels": (lambda p: write_pickle(p, labels=[0, 1]), "'labels' are not 10000 whole numbers"),
    "a label 10": (lambda p: write_pickle(p, labels=[10] * 10_000), "holds labels 10 to 10, not 0 to 9"),
    "labels that are no numbers": (
        lambda p: (write_pickle(p, labels=[]), p.write_bytes(p.read_bytes()[:-3] + b"N" * 10_000 + b"eu.")),
        "'labels' are not 10000 whole numbers",
    ),
    "runs code": (lambda p: p.write_bytes(pickle.dumps(Runs(os.mkdir, str(p.parent / "trace")))), r"mkdir.*refused"),
    "runs code inside": (
        lambda p: p.write_bytes(pickle.dumps({b"data": Runs(os.mkdir, str(p.parent / "trace")), b"labels": []})),
        r"mkdir.*refused",
    ),
    "evaluates": (
        lambda p: p.write_bytes(pickle.dumps(Runs(eval, f"__import__('os').mkdir({str(p.parent / 'trace')!r})"))),
        r"it asks for builtins\.eval, which CIFAR-10 has no use for: it was refused",
    ),
    "runs another function of NumPy": (
        lambda p: write_pickle(p, rebuild=reference("numpy", "fromfile")),
        r"numpy\.fromfile.*refused",
    ),
    "asks for a part of an allowed name": (
        lambda p: p.write_bytes(
            b"\x80\x04" + pickle.SHORT_BINUNICODE + b"\5numpy" + pickle.SHORT_BINUNICODE + b"\x0bndarray.tob\x93."
        ),
        r"numpy\.ndarray\.tob.*refused",
    ),
}


@pytest.mark.parametrize("case", BROKEN_PICKLES)
def test_broken_cifar10_pickle(tmp_path, case):
    write, message = BROKEN_PICKLES[case]
    write(tmp_path / "test_batch")
    with pytest.raises(data.DataFileError, match=rf"(?s){message}.*six files.*toronto\.edu.*downloads nothing"):
        data.cifar10(tmp_path, "test")
    assert not (tmp_path / "trace").exists()


def test_the_forbidden_pickles_would_run():
    """What the reader refuses is no harmless file: pickle itself obeys it."""
    assert pickle.loads(pickle.dumps(Runs(eval, "6 * 7"))) == 42


BROKEN_BINARIES = {
    "empty": (lambda p: cut(p, 0), "it has 0 bytes, not 30730000"),
    "cut": (lambda p: cut(p, 20_000_000), "it has 20000000 bytes, not 30730000"),
    "CIFAR-100, two labels each": (lambda p: cut(p, 30_740_000), "it has 30740000 bytes, not 30730000"),
    "a label 10": (lambda p: put(p, 3073 * 77, b"\x0a"), "holds labels 0 to 10, not 0 to 9"),
}


@pytest.mark.parametrize("case", BROKEN_BINARIES)
def test_broken_cifar10_binary(tmp_path, case):
    damage, message = BROKEN_BINARIES[case]
    write_binary(tmp_path / "test_batch.bin")
    damage(tmp_path / "test_batch.bin")
    with pytest.raises(data.DataFileError, match=rf"(?s){message}.*six files.*toronto\.edu.*downloads nothing"):
        data.cifar10(tmp_path, "test")


def test_cifar10_misses_one_training_file(tmp_path):
    for k in (1, 2, 4, 5):
        write_binary(tmp_path / f"data_batch_{k}.bin")
    assert len(data.cifar10(tmp_path, "valid").labels) == 5_000  # needs only the last
    with pytest.raises(data.DataFileError, match="data_batch_3 is missing"):
        data.cifar10(tmp_path, "train")
