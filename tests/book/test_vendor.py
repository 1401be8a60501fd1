"""tools/vendor.py takes nothing whose digest differs from the one written down, and never leaves half of it."""

from __future__ import annotations

import hashlib
import tarfile

import pytest

from tools import vendor


@pytest.fixture
def npm(tmp_path):
    """A command that answers `npm pack` with an archive of its own."""
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "a.js").write_text("let a;")
    with tarfile.open(tmp_path / "made.tgz", "w:gz") as tar:
        tar.add(tmp_path / "package", "package")
    command = tmp_path / "npm"
    command.write_text(f'#!/bin/sh\ncp "{tmp_path}/made.tgz" "$4/a-1.0.0.tgz"\necho a-1.0.0.tgz\n')
    command.chmod(0o755)
    (tmp_path / "download").mkdir()
    return command


def test_another_digest_is_refused(npm, tmp_path):
    with pytest.raises(SystemExit, match="a@1.0.0 has the sha256 .*, expected 1234"):
        vendor.fetch("a@1.0.0", "1234", tmp_path / "download", str(npm))


def test_the_wanted_files_and_no_others(npm, tmp_path):
    digest = hashlib.sha256((tmp_path / "made.tgz").read_bytes()).hexdigest()
    archive = vendor.fetch("a@1.0.0", digest, tmp_path / "download", str(npm))
    vendor.unpack(archive, {"a.js": ["x/a.js", "y/b.js"]}, tmp_path / "out")
    assert sorted(str(p.relative_to(tmp_path / "out")) for p in (tmp_path / "out").rglob("*.js")) == [
        "x/a.js",
        "y/b.js",
    ]
    with pytest.raises(SystemExit, match="lacks"):
        vendor.unpack(archive, {"lost.js": ["x/lost.js"]}, tmp_path / "out")


def test_no_network_is_said_in_one_line(npm, tmp_path):
    npm.write_text("#!/bin/sh\necho getaddrinfo ENOTFOUND >&2\nexit 1\n")
    with pytest.raises(SystemExit, match="is there a network"):
        vendor.fetch("a@1.0.0", "1234", tmp_path / "download", str(npm))
