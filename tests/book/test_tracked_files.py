"""tools/tracked_files.py: what must not be committed is caught."""

from __future__ import annotations

import subprocess

from tools import tracked_files


def test_large_files_and_local_paths_are_caught(tmp_path):
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    (tmp_path / "nf_course" / "data").mkdir(parents=True)
    (tmp_path / ".gitignore").write_text("_build/\n")
    (tmp_path / "_build").mkdir()
    (tmp_path / "_build" / "page.html").write_text("/" + "home/someone/course")  # ignored by git: not looked at
    (tmp_path / "fine.md").write_text("See book/intro.md and https://example.org/home/x, or a/tmp/b.")
    (tmp_path / "nf_course" / "data" / "photos.npz").write_bytes(bytes(2_000_000))
    (tmp_path / "tests" / "grading" / "corpus").mkdir(parents=True)
    (tmp_path / "tests" / "grading" / "corpus" / "attack.py").write_text("open('/" + "tmp/won')")
    assert tracked_files.problems(tmp_path) == []

    (tmp_path / "movie.npz").write_bytes(bytes(2_000_000))
    (tmp_path / "notes.md").write_text("the data lie in /" + "home/someone/course")
    found = sorted(tracked_files.problems(tmp_path))
    assert [line.split(":")[0] for line in found] == ["movie.npz", "notes.md"]
