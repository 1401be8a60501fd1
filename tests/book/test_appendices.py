"""The pages at the end of the book: errata, plans for teaching, uses, credits. Their numbers are those of the course."""

from __future__ import annotations

import json
import re
from pathlib import Path

import nf_cards
import nf_map
import pytest

from nf_course.data import photo_credits
from nf_course.grading.registry import chapters, find

ROOT = Path(__file__).resolve().parents[2]
BOOK = ROOT / "book"
TEACHING, USES, CREDITS = (
    (BOOK / f"{name}.md").read_text(encoding="utf-8") for name in ("teaching", "uses", "credits")
)
ERRATA = json.loads((BOOK / "errata.ipynb").read_text(encoding="utf-8"))["cells"]
README = dict(re.findall(r"\]\(book/(\w+)\.ipynb\) \|.*\| (\d+) \|$", (ROOT / "README.md").read_text("utf-8"), re.M))


def part(text: str, label: str) -> str:
    """A section, by its label."""
    return re.split(r"^\(\w[\w-]*\)=$", text.split(f"({label})=\n", 1)[1], maxsplit=1, flags=re.M)[0]


def rows(text: str) -> list[list[str]]:
    """The rows of the first table, without its head."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


# ---- errata


def test_every_item_has_its_row_its_section_and_a_cell_that_shows_it():
    titles = [re.match(r"\(errata-(\d+)\)=\n## (\d+)\. (.+)", "".join(cell["source"])) for cell in ERRATA]
    found = [(place, *title.groups()) for place, title in enumerate(titles) if title]
    assert [int(number) for _, label, number, _ in found if label == number] == list(range(1, len(found) + 1))
    assert len(found) >= 20
    table = [row[:2] for row in rows("".join(ERRATA[0]["source"]))]
    assert table == [[f"[{number}](#errata-{number})", title] for _, _, number, title in found]
    for place, *_ in found:
        assert re.search(r"\]\(\w+\.ipynb#sec-\d\d-", "".join(ERRATA[place]["source"])), "no link to a derivation"
        assert "nbval-check-output" in ERRATA[place + 1]["metadata"]["tags"] and ERRATA[place + 1]["outputs"]


# ---- plans for teaching


@pytest.mark.parametrize("plan", ["teaching-four-weeks", "teaching-term"])
def test_the_minutes_of_a_plan_are_those_of_chapters_and_exercises(plan):
    *weeks, total = rows(part(TEACHING, plan))
    read, work, taught = [], [], set()
    for number, (week, names, minutes, exercises, to_work, left_out) in enumerate(weeks, 1):
        stems, ids = re.findall(r"\((\w+)\.ipynb\)", names), re.findall(r"`([\w.]+)`", exercises)
        found = [find(name) for name in ids]
        read.append(sum(int(README[stem]) for stem in stems))
        work.append(sum(exercise.minutes for _, exercise, _ in found))
        assert (week, minutes, to_work) == (str(number), str(read[-1]), str(work[-1]))
        assert {chapter.stem for chapter, _, _ in found} <= set(stems) and stems
        taught |= set(stems)
        for stem in stems:
            assert set(nf_cards.read(stem).needs) <= taught, f"{stem} comes before what it needs"
        skipped = re.findall(r"\((\w+)\.ipynb#([\w-]+)\)", left_out)
        assert {stem for stem, _ in skipped} <= set(stems)
        assert not {section for _, section in skipped} & {exercise.anchor for _, exercise, _ in found}
    assert total == ["all", "", str(sum(read)), "", str(sum(work)), ""]


def test_a_term_has_every_exercise_of_its_chapters():
    text = part(TEACHING, "teaching-term")
    taught = {stem for row in rows(text) for stem in re.findall(r"\((\w+)\.ipynb\)", row[1])}
    named = re.findall(r"`(\d\d\.\w+)`", text)
    assert named == [exercise.id for chapter in chapters() if chapter.stem in taught for exercise in chapter.exercises]


def test_the_lecture_fills_ninety_minutes_and_its_homework_is_counted():
    *parts, total = rows(part(TEACHING, "teaching-lecture"))
    assert sum(int(row[0]) for row in parts) == int(total[0]) == 90
    home = part(TEACHING, "teaching-lecture").split("At home:")[1].split("\n\n")[0]
    stem, minutes = re.search(r"\((\w+)\.ipynb\), (\d+) minutes to read", home).groups()
    assert minutes == README[stem]
    work = re.search(r"(\d+) minutes to work", home)[1]
    assert int(work) == sum(find(name)[1].minutes for name in re.findall(r"`([\w.]+)`", home))


# ---- uses and credits


def test_every_use_leads_to_a_chapter_that_measures_it_and_to_where_it_fails():
    uses = re.findall(r"^\((uses-\w[\w-]*)\)=$", USES, re.M)
    assert len(uses) == 9
    for use in uses[:-1]:
        text = part(USES, use)
        assert len(re.findall(r"\]\(\w+\.ipynb#sec-\d\d-", text)) >= 2, use
        assert "The limit:" in text


def test_every_application_has_its_use():
    linked = {int(number) for number in re.findall(r"\((\d\d)_\w+\.ipynb#", USES)}
    assert set(range(10, 18)) <= linked


def test_every_file_of_data_is_credited():
    files = {path.name for path in (ROOT / "nf_course" / "data").glob("*.npz")}
    credited = re.findall(r"^\| `([\w.]+)` \|", CREDITS, re.M)
    assert sorted(credited) == sorted(files)
    notice = (ROOT / "NOTICE").read_text(encoding="utf-8")
    assert all(name in notice for name in files)


def test_every_photograph_is_credited():
    listed = {name: row[1] for row in rows(part(CREDITS, "credits-photos")) for name in row[0].split(", ")}
    shipped = photo_credits()
    assert sorted(listed) == sorted(shipped)
    notice = (ROOT / "NOTICE").read_text(encoding="utf-8")
    for name, author in listed.items():
        assert re.search(rf"^  {name}: {re.escape(author.split(',')[0])}", notice, re.M), name


def test_the_plans_lead_to_the_map():
    assert "(intro.ipynb#sec-map)" in TEACHING and set(nf_map.chapters()) == {c.stem for c in chapters()}
