"""Parser: argparse that says which word was meant, and keeps examples as they are written; bash completion from it."""

from __future__ import annotations

import argparse
import difflib
import re
from collections.abc import Iterable
from typing import NoReturn

__all__ = ["Parser", "bash", "meant"]


def meant(word: str, words: Iterable[str]) -> str:
    """'; is X meant?' for the nearest of the words, nothing where none is near.

    >>> meant("tran", ["train", "table"])
    "; is 'train' meant?"
    """
    close = difflib.get_close_matches(word, list(words), 1)
    return f"; is {close[0]!r} meant?" if close else ""


class Parser(argparse.ArgumentParser):
    """An unknown word ends with status 2 and one line that names the nearest known one."""

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **{"formatter_class": argparse.RawDescriptionHelpFormatter, **kwargs})

    def parse_args(self, args=None, namespace=None) -> argparse.Namespace:
        """As argparse does, but an unknown option is compared with those of the command that it was given to."""
        given, unknown = self.parse_known_args(args, namespace)
        if unknown:
            own = self
            for name in (getattr(given, "command", None), getattr(given, "kind", None)):
                own = _commands(own).get(name, own)
            first = next((word for word in unknown if word.startswith("-")), unknown[0]).partition("=")[0]
            own.error(f"unrecognized arguments: {' '.join(unknown)}{meant(first, own._option_string_actions)}")
        return given

    def error(self, message: str) -> NoReturn:
        """One line, no usage above it: `--help` has that."""
        choice = re.search(r"invalid choice: '([^']*)' \(choose from (.*)\)", message)
        if choice:
            message += meant(choice[1], re.findall(r"[\w.-]+", choice[2]))
        self.exit(2, f"{self.prog}: {message}. {self.prog} --help says more\n")


def _commands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    found = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    return dict(found[0].choices) if found else {}


def bash(parser: argparse.ArgumentParser) -> str:
    """A completion for bash: commands, then their options and choices; file names where nothing else fits."""
    cases = [f"  {parser.prog}) words={' '.join([*_commands(parser), *_words(parser)])!r} ;;"]
    for name, command in _commands(parser).items():
        cases.append(f"  {name}) words={' '.join([*_commands(command), *_words(command)])!r} ;;")
        cases += [f"  '{name} {kind}') words={' '.join(_words(own))!r} ;;" for kind, own in _commands(command).items()]
    kinds = [name for name, command in _commands(parser).items() if _commands(command)]
    return "\n".join(
        [
            "_nf_course() {",
            "  local place=nf-course words",
            '  if [ "$COMP_CWORD" -gt 1 ]; then place=${COMP_WORDS[1]}; fi',
            f'  case "$place" in {"|".join(kinds)})',
            '    if [ "$COMP_CWORD" -gt 2 ]; then place="$place ${COMP_WORDS[2]}"; fi ;;',
            "  esac",
            '  case "$place" in',
            *cases,
            "  esac",
            '  COMPREPLY=($(compgen -W "$words" -- "${COMP_WORDS[COMP_CWORD]}"))',
            "}",
            "complete -o default -F _nf_course nf-course",
        ]
    )


def _words(parser: argparse.ArgumentParser) -> list[str]:
    options = [option for action in parser._actions for option in action.option_strings if option.startswith("--")]
    plain = [action for action in parser._actions if not isinstance(action, argparse._SubParsersAction)]
    return options + [str(choice) for action in plain for choice in action.choices or ()]
