"""What `nf-course grade` writes for the instructor, read on a phone."""

from __future__ import annotations

import pytest

from nf_course.grading.classroom.output import write_all
from tests.book.pages import PHONE

LONG = "submissions_of_my_second_group.zip/a_student_with_a_long_name/03_coupling_layers.ipynb"


@pytest.mark.browser
def test_no_page_is_wider_than_a_phone(browser, tmp_path):
    row = {"id": "03.logdet", "title": "x", "chapter": 3, "place": 1, "earned": 0, "possible": 2, "status": "wrong"}
    row |= {"test": "value", "mistake": "sign", "seed": 1, "report": [f"x {'w' * 90}", f"  likely    {'w' * 80}"]}
    record = {"file": LONG, "status": "graded", "reason": LONG, "sha256": "0" * 64, "sandboxed": True, "earned": 0}
    record |= {"possible": 2, "seconds": 0.1, "exercises": [row]}
    write_all([record, record], "the course", True, tmp_path)
    page = browser.new_page(viewport=PHONE)
    for name in ("class.html", "students/0001.html"):
        page.goto((tmp_path / name).as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], name
    page.close()
