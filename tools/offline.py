"""The built book as one zip file that opens without a server: unpack it, open index.html. No network is asked.

python tools/offline.py [FILE]      (default: _build/normalizing-flows.zip; `make zip` builds the book first)
"""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tools.browser import HTML

OUT = HTML.parent / "normalizing-flows.zip"
SUMMARY = "SHOW_SEARCH_SUMMARY: true"  # a search then fetches the pages that it found, which no browser lets files do


def pack(out: Path, html: Path = HTML) -> None:
    """Write the zip: one folder, the same bytes each time for the same book."""
    if not (html / "index.html").exists():
        raise SystemExit(f"no book in {html}: run `make book` first")
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in sorted(html.rglob("*")):
            inside = path.relative_to(html)
            if path.is_dir() or inside.name.startswith("."):  # the build's own notes
                continue
            data = path.read_bytes()
            if inside.name == "documentation_options.js":
                text = data.decode()
                if SUMMARY not in text:
                    raise SystemExit(f"{path}: expected {SUMMARY}, which Sphinx used to write")
                data = text.replace(SUMMARY, SUMMARY.replace("true", "false")).encode()
            archive.writestr(zipfile.ZipInfo(f"normalizing-flows/{inside}"), data, zipfile.ZIP_DEFLATED, 9)


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else OUT
    pack(target)
    print(f"{target}: {target.stat().st_size / 1e6:.1f} MB")
