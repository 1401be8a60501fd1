"""The text of a report: one line for a success, at most twelve for anything else, the same for the same seed."""

from __future__ import annotations

import re
import textwrap

from nf_course.grading.exercise import Chapter, Exercise
from nf_course.grading.verdict import Verdict

__all__ = ["MAX_LINES", "WIDTH", "report"]

WIDTH, MAX_LINES = 100, 12


def report(
    chapter: Chapter, exercise: Exercise, place: int, verdict: Verdict, seed: int, hint: int | None
) -> list[str]:
    """The lines to print."""
    status = verdict.status
    lines = [_head(chapter, exercise, place, status)]
    if status == "not answered yet":
        lines += _blank(chapter, exercise, verdict)
    elif status == "wrong":
        lines += _wrong(chapter, exercise, verdict, seed, hinted=hint is not None)
    if hint is not None:
        level = min(max(int(hint), 1), len(exercise.hints))
        lines += _line(f"hint {level}", exercise.hints[level - 1])
    elif status == "not answered yet":
        lines += _line("hint", f"check({_call(exercise)}, hint=1), then 2, then 3")
    return [_clean(line) for line in lines][:MAX_LINES]


def _head(chapter: Chapter, exercise: Exercise, place: int, status: str) -> str:
    mark, earned = {"right": ("ok", exercise.points), "not answered yet": ("-", 0)}.get(status, ("x", 0))
    left = f"{mark} {exercise.id}  {earned}/{exercise.points}"
    if status == "not answered yet":
        left += "  not answered yet"
    return f"{left:<55}Exercise {place}, {chapter.title}"


def _blank(chapter: Chapter, exercise: Exercise, verdict: Verdict) -> list[str]:
    lines = []
    for function in range(len(exercise.references)):
        result = ", ".join(exercise.returns)
        lines += _line("write", f"{exercise.signature(function)} -> {result}")
    if verdict.finding and verdict.finding.got:
        lines += _line("got", verdict.finding.got)
    return lines + _line("read", _section(chapter, exercise))


def _wrong(chapter: Chapter, exercise: Exercise, verdict: Verdict, seed: int, hinted: bool) -> list[str]:
    found = verdict.finding
    lines = _line("called", found.called, most=2) if found.called else []
    if found.test == "error":
        lines += _line("error", found.got, most=2)
        lines += _line("at", found.remark, most=1) if found.remark else []
    else:
        remark = f"   ({found.remark})" if found.remark else ""
        together = f"{found.expected}    got {found.got}{remark}"
        if found.expected and len(together) <= WIDTH - 12:
            lines += _line("expected", together)
        else:
            lines += _line("expected", found.expected, most=2) if found.expected else []
            lines += _line("got", found.got + remark, most=2) if found.got else []
    if found.likely:
        lines += _line("likely", found.likely, most=2)
    elif not hinted:
        lines += _line("hint", f"check({_call(exercise)}, hint=1)")
    again = f"check({_call(exercise)}, seed=0x{seed:04X})"
    read = f"  read      {_section(chapter, exercise)}"
    together = f"{read}    again: {again}"
    return lines + ([together] if len(together) <= WIDTH else [read, f"  again     {again}"])


def _call(exercise: Exercise) -> str:
    return f'"{exercise.id}", {", ".join(exercise.names)}'


def _section(chapter: Chapter, exercise: Exercise) -> str:
    return f"book/{chapter.stem}.html#{exercise.anchor}"


def _line(label: str, text: str, most: int = 6) -> list[str]:
    """One labelled entry, wrapped; `most` lines of it."""
    wrapped = textwrap.wrap(text, WIDTH - 12, max_lines=most, placeholder=" ...", break_on_hyphens=False) or [""]
    return [f"  {label:<10}{wrapped[0]}"] + [f"{'':12}{more}" for more in wrapped[1:]]


def _clean(line: str) -> str:
    """No control characters (an error message may hold anything), and no line too long for a screen."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]", "?", line)[:120].rstrip()
