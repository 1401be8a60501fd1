"""nf-course: train and list recipes, measure, enlarge a picture, grade a class, begin an exercise, look for faults.

nf-course train glow-digits;  table;  upscale IMAGE;  measure edits;  grade FOLDER;  new exercise 03.roundtrip;  doctor.
Chapters 6, 8 and 11 to 16.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import nf_course
from nf_course.cli_doctor import add_doctor
from nf_course.cli_grade import add_grade
from nf_course.cli_measures import add_measure
from nf_course.cli_models import add_models
from nf_course.cli_new import add_new
from nf_course.cli_parser import Parser, bash

__all__ = ["main"]

STATUS = """exit status:
  0  done
  1  doctor: a learner lacks something, which it names
  2  nothing was done, and one line says what was expected
  3  grade: done, but some files could not be read or graded
  130  interrupted by Ctrl-C; grade goes on when it is called again (train ends early, with 0, and keeps the best)

nf-course COMMAND --help has examples of each command."""


def main(arguments: Sequence[str] | None = None) -> int:
    """The command `nf-course`; the exit status.

    >>> main(["train", "no-such-recipe"])
    2
    """
    given = _parser().parse_args(arguments)
    try:
        status = given.run(given) or 0
        sys.stdout.flush()  # while a reader that has gone can still be told apart
        return status
    except BrokenPipeError:  # `nf-course recipes | head -1`: the reader has what he wants
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (ValueError, OSError, RuntimeError) as error:
        print(f"nf-course: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("nf-course: interrupted", file=sys.stderr)
        return 130


def _parser() -> Parser:
    parser = Parser("nf-course", description="The command of the course on normalizing flows.", epilog=STATUS)
    parser.add_argument("--version", action="version", version=f"nf-course {nf_course.__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for add in (add_models, add_measure, add_grade, add_new, add_doctor):
        add(commands)
    shell = commands.add_parser(
        "completion",
        help="words that a shell can complete",
        epilog='examples:\n  eval "$(nf-course completion bash)"      # in ~/.bashrc',
    )
    shell.add_argument("shell", choices=["bash"])
    shell.set_defaults(run=lambda given: print(bash(parser)))
    return parser


if __name__ == "__main__":
    sys.exit(main())
