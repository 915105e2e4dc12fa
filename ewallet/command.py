"""What the commands have in common: how they take arguments, and how they end.

A command ends with a code that says what happened, with one message where something is wrong, and without a traceback.
"""

from __future__ import annotations

import os
import re
import sys
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, NoReturn

from ewallet import terminal

if TYPE_CHECKING:  # a command that only prints its help loads no codes
    from ewallet.errors import EWalletError, Language

FAULT: Final = 70  # EX_SOFTWARE of sysexits.h
MISUSED: Final = 2
_INTERRUPTED: Final = 130  # 128 + SIGINT, as shells count
_DIGITS: Final = 9  # of a count; there have not been as many days
_IDENTIFIER: Final = re.compile(r"-(?!-?[a-z-]+\Z)[A-Za-z0-9_-]{11,}")  # unlike an option: of more than small letters


class Misuse(Exception):
    """The arguments make no sense; argparse would print and exit."""


class Parser(ArgumentParser):
    """An argument parser whose refusals are raised, and which takes no abbreviated options.

    Identifiers are base64url of nine bytes and more, and one in 64 begins with a dash: what looks like one is a value.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        raise Misuse(f"{message}; see `{self.prog} --help`")

    def _parse_optional(self, arg_string: str) -> Any:
        return None if _IDENTIFIER.fullmatch(arg_string) else super()._parse_optional(arg_string)


def count(text: str) -> int:
    """The number of an argument, from 0."""
    if text.isascii() and text.isdigit() and len(text) <= _DIGITS:
        return int(text)
    raise ArgumentTypeError("not a number from 0 to 999999999")


def asked_language(argv: Sequence[str]) -> str | None:
    """The language of ``--lang``, also where the other arguments make no sense."""
    flags = argv[: argv.index("--")] if "--" in argv else argv
    named = [word for flag, word in pairwise(flags) if flag == "--lang"]
    named += [flag.removeprefix("--lang=") for flag in flags if flag.startswith("--lang=")]
    return next((name for name in named if name in ("ko", "en")), None)


def add_verbs(
    parser: Parser, verbs: Mapping[str, str], argv: Sequence[str], add: Callable[[str, Parser], None]
) -> None:
    """The verbs with their help; only the arguments of the one that is wanted are made, unless a shell asks for all."""
    choices = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    asked = "_ARGCOMPLETE" in os.environ
    for verb, told in verbs.items():
        sub = choices.add_parser(verb, help=told, description=told)
        if asked or verb in argv:
            add(verb, sub)
    if asked:
        import argcomplete

        argcomplete.autocomplete(parser)


def run(program: Callable[[list[str]], int], argv: Sequence[str] | None) -> int:
    """The exit code of a program; what could not be written to stdout was not done, so it never ends with 0 then."""
    if sys.stdout is None:  # closed by whoever started it
        return MISUSED
    terminal.prepare()
    try:
        code = program(list(sys.argv[1:] if argv is None else argv))
        sys.stdout.flush()
    except KeyboardInterrupt:
        return _INTERRUPTED
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the interpreter flushes once more at its end
        return MISUSED
    return code


def understood(exc: Exception) -> EWalletError:
    """The error as one of ours; one that nobody raised on purpose is a fault, named by the place it came from.

    The same fault has the same name on every machine, and the name tells nothing about what was being done.
    """
    import traceback
    from hashlib import sha256

    from ewallet.errors import EWalletError, UsageError

    if isinstance(exc, EWalletError):
        return exc
    if isinstance(exc, Misuse):
        return UsageError("usage.argument", terminal.plain(str(exc)))
    if isinstance(exc, OSError):
        return UsageError("usage.file", f"a file or the output failed: {(exc.strerror or 'no reason given').lower()}")
    if os.environ.get("EWALLET_DEBUG") == "1":
        traceback.print_exception(exc)
    frames = traceback.extract_tb(exc.__traceback__)
    place = ":".join([type(exc).__name__, *(f"{frame.name}.{frame.lineno}" for frame in frames[-3:])])
    return EWalletError("internal.fault", f"fault {sha256(place.encode()).hexdigest()[:8]}")


def complain(program: str, error: EWalletError, lang: Language) -> None:
    """Two lines on stderr: what is wrong, and what to do."""
    told = error.words(lang)
    detail = f": {terminal.plain(error.detail)}" if error.detail else ""
    print(f"{program}: {told.what} [{error.code}{detail}]\nhint: {told.remedy}", file=sys.stderr)
