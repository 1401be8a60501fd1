"""What `nf-course new` writes into a checkout of the course: the templates beside this file, and how they get there.

`checkout.py` and `definition.py` read the course without running it, `insert.py` edits Python by the places that `ast`
gives, `sheet.py` and `names.py` make the cells of a sheet, `pages.py` whole notebooks, `exercise.py` puts an exercise
together, `chapter.py` a chapter, `write.py` writes all files or none.
"""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

__all__ = ["fill"]

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    undefined=StrictUndefined,  # a word that nobody fills in is an error, no gap
    keep_trailing_newline=True,
    autoescape=False,
)


def fill(template: str, **words: object) -> str:
    """The template of this name (`exercise.py`), filled in."""
    return _TEMPLATES.get_template(f"{template}.jinja").render(words)
