"""Several files at once: all are written, or all are as they were."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

__all__ = ["write_all"]


def write_all(texts: dict[Path, str]) -> None:
    """Write each text to its path, as UTF-8. Errors: `RuntimeError`, after which every file is as it was."""
    try:
        before = {path: path.read_bytes() if path.exists() else None for path in texts}
    except OSError as error:
        raise RuntimeError(f"nothing was written: {error}") from error
    begun: list[Path] = []
    made: list[Path] = []  # folders
    try:
        for path, text in texts.items():
            for folder in reversed([parent for parent in path.parents if not parent.exists()]):
                folder.mkdir()
                made.append(folder)
            begun.append(path)
            path.write_bytes(text.encode())
    except BaseException as error:  # an interrupt leaves no half either
        lost = [path for path in begun if not _put_back(path, before[path])]
        for folder in reversed(made):
            with suppress(OSError):
                folder.rmdir()
        if not isinstance(error, OSError):
            raise
        but = f", but for {', '.join(map(str, lost))}: get it back with git" if lost else ""
        raise RuntimeError(f"{error}; every file is as it was{but}") from error


def _put_back(path: Path, old: bytes | None) -> bool:
    try:
        if old is None:
            path.unlink(missing_ok=True)
        elif path.read_bytes() != old:
            path.write_bytes(old)
    except OSError:
        return False
    return True
