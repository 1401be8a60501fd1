"""nf-course doctor: what is there, what is missing, what is broken, and how to mend it; one line each.

Exit status: 0 all that a learner needs is there; 1 something is not, and its line begins with an asterisk.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence

from nf_course.doctor import Finding, examine

__all__ = ["add_doctor", "alone", "doctor"]


def add_doctor(commands: argparse._SubParsersAction) -> None:
    """The command's own option."""
    parser = commands.add_parser(
        "doctor",
        help="what is there, what is missing, how to mend it",
        description=__doc__,
        epilog="examples:\n  nf-course doctor\n  nf-course doctor --json",
    )
    _add_options(parser)
    parser.set_defaults(run=doctor)


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="for a script: {ok, findings: [{name, status, ...}]}")


def alone(arguments: Sequence[str], error: Exception) -> int:
    """The command where the package cannot be imported, because of `error`."""
    parser = argparse.ArgumentParser("nf-course doctor", description=__doc__.splitlines()[0])
    _add_options(parser)
    return doctor(parser.parse_args(arguments), error)


def doctor(given: argparse.Namespace, error: Exception | None = None) -> int:
    """Run the command; the exit status."""
    findings = examine(error)
    lacks = [finding.name for finding in findings if finding.needed and finding.status != "ok"]
    if given.json:
        print(json.dumps({"ok": not lacks, "findings": [finding._asdict() for finding in findings]}, indent=1))
    else:
        print("\n".join(map(_line, findings)))
        print(f"\nA learner lacks: {', '.join(lacks)}" if lacks else "\nAll that a learner needs is there.")
    return 1 if lacks else 0


def _line(finding: Finding) -> str:
    mark = "*" if finding.needed and finding.status != "ok" else " "
    mend = f": {finding.mend}" if finding.mend else ""
    return f"{mark} {finding.status:8} {finding.name:12} {finding.says}{mend}"
