"""Write nf_course/data/FURNITURE.md, the credits of the 233 shapes, from the file that holds them.

python tools/furniture_credits.py            write it
python tools/furniture_credits.py --check    exit 1 if it is out of date
"""

import sys
from pathlib import Path

from nf_course.data import furniture

FILE = Path(__file__).resolve().parent.parent / "nf_course" / "data" / "FURNITURE.md"
HEAD = """# Credits of the furniture

The 233 shapes of `furniture.npz` are clouds of points that were drawn from models of Debian's sweethome3d-furniture
1.8-1. CC0-1.0 is https://creativecommons.org/publicdomain/zero/1.0/, CC-BY-3.0
https://creativecommons.org/licenses/by/3.0/. Changed: 2048 points of each surface, moved and scaled to the box from -1
to 1, in place of the model. This table is made by `tools/furniture_credits.py`.

| shape | kind | creator | licence | model in the package |
| --- | --- | --- | --- | --- |
"""


def table() -> str:
    """The whole text."""
    whole = furniture(points=1)
    rows = zip(whole.names, whole.kind_names(), whole.creators, whole.licences, whole.ids)
    return HEAD + "".join(f"| {' | '.join(row)} |\n" for row in rows)


if __name__ == "__main__":
    if "--check" in sys.argv[1:]:
        sys.exit(int(FILE.read_text("utf-8") != table()))
    FILE.write_text(table(), "utf-8")
