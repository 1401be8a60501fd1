"""The package's own files: modules, data, weights, the scripts of its figures."""

from __future__ import annotations

import base64
import hashlib
import importlib
import importlib.metadata
import json
from pathlib import Path

from nf_course.doctor.finding import FOLDER, Amiss, again

__all__ = ["DATA", "WEIGHTS", "data", "figures", "files", "package", "weights"]

DATA = (
    *("airports", "diamonds", "digits", "face_generator", "faces", "faithful", "furniture"),
    *("mnist5k", "photos", "poses"),
)
WEIGHTS = 18  # files of weights that ship


def package(error: Exception | None) -> str:
    """Its version and place, where it can be imported."""
    if isinstance(error, ModuleNotFoundError):
        raise error
    if error is not None:
        raise Amiss("broken", f"cannot be imported: {type(error).__name__}: {error}", again())
    return f"{importlib.import_module('nf_course').__version__}, {FOLDER}"


def files() -> str:
    """All that a wheel brought is as the wheel had it. In a checkout git knows better."""
    try:
        own = importlib.metadata.distribution("nf_course")
        listed = [file for file in own.files or [] if file.parts[0] == "nf_course" and file.hash]
    except importlib.metadata.PackageNotFoundError:
        listed = []
    if not listed or Path(str(own.locate_file("nf_course"))).resolve() != FOLDER.resolve():
        return "of a checkout: `git status` says which ones are changed"
    for file in listed:
        path = Path(str(file.locate()))
        if not path.exists():
            raise Amiss("missing", str(file), again())
        digest = base64.urlsafe_b64encode(hashlib.new(file.hash.mode, path.read_bytes()).digest()).rstrip(b"=")
        if digest.decode() != file.hash.value:
            raise Amiss("broken", f"{file} is not what was installed", again())
    return f"{len(listed)}, each as it was installed"


def data() -> str:
    """Every data set, by its own loader."""
    sets = importlib.import_module("nf_course.data")
    for name in DATA:
        getattr(sets, name)()
    return f"{len(DATA)} data sets can be read"


def weights() -> str:
    """Every file of weights, with its card."""
    from safetensors.torch import load_file

    folder = FOLDER / "trained"
    names = sorted(path.stem for path in folder.glob("*.safetensors"))
    cards = sorted(path.stem for path in folder.glob("*.json"))
    if odd := sorted(set(cards) ^ set(names)):
        raise Amiss("missing", f"weights or card of {', '.join(odd)}", again())
    if len(names) < WEIGHTS:
        raise Amiss("missing", f"{len(names)} of {WEIGHTS} weights are there", again())
    for name in names:
        try:
            json.loads((folder / f"{name}.json").read_text("utf-8"))
            load_file(folder / f"{name}.safetensors")
        except Exception as error:  # safetensors' errors are no ValueError
            raise Amiss("broken", f"{name}: {error}", again()) from error
    return f"{len(names)} trained flows can be read"


def figures() -> str:
    """The scripts of the figures that move."""
    widgets = importlib.import_module("nf_course.widgets")
    scripts = sorted((FOLDER / "widgets").glob("*.js"))
    empty = [path.name for path in scripts if not path.read_text("utf-8").strip()]
    if empty or not scripts:
        raise Amiss("broken", f"empty scripts: {', '.join(empty) or 'none there'}", again())
    return f"{sum(name[0].isupper() for name in widgets.__all__)} kinds that move, {len(scripts)} scripts"
