"""``ewallet-issuer``: the commands of an issuing office. Their settings are those of the service, ``EWALLET_*``.

Exit codes: 0 done, 1 some rows were refused or the log does not hold, 2 used wrongly, 70 a fault of this program,
130 interrupted.
"""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Final

from ewallet import command, terminal
from ewallet.command import Parser

if TYPE_CHECKING:
    from ewallet.errors import Language

PROGRAM: Final = "ewallet-issuer"
VERBS: Final = {
    "serve": "serve wallets, citizens and the office's own programs",
    "bulk": "issue a certificate for each row of a file",
    "history": "write the log of use of a portal into a file that anybody can check",
}
_EPILOG: Final = """\
exit codes: 0 done, 1 some rows were refused or the log does not hold, 2 used wrongly, 70 a fault of this program,
            130 interrupted

example: ewallet-issuer bulk january.csv --output january.jsonl --processes 4
         ewallet-issuer history --output log.jsonl --tiles public/log
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    return command.run(_run, argv)


def _run(argv: list[str]) -> int:
    parser = Parser(
        prog=PROGRAM,
        description="Issue certificates, for whoever asks or many at once. Settings are EWALLET_* variables.",
        epilog=_EPILOG,
        formatter_class=RawDescriptionHelpFormatter,
    )
    command.add_verbs(parser, VERBS, argv, _add)
    args = Namespace(lang=command.asked_language(argv))
    try:
        args = parser.parse_args(argv)
        code: int = _module(args.verb).run(args)
    except BrokenPipeError:
        raise
    except ImportError as exc:
        return _fail(_missing(exc), args)
    except Exception as exc:  # noqa: BLE001 - every end of the program is a sentence and a code
        return _fail(exc, args)
    return code


def language(args: Namespace) -> Language:
    """The language of words."""
    return terminal.language(args.lang or os.environ.get("EWALLET_LANG"))


def _module(verb: str) -> ModuleType:
    return import_module(f"issuer_service.commands.{verb}")


def _add(verb: str, parser: ArgumentParser) -> None:
    _module(verb).add(parser)
    parser.add_argument("--lang", choices=("ko", "en"), help="the language of words; else that of LANG")


def _missing(exc: ImportError) -> Exception:
    from ewallet.errors import UsageError

    ours = (exc.name or "").partition(".")[0] in {"ewallet", "issuer_service", ""}
    return exc if ours else UsageError("usage.missing_extra", "pip install 'ewallet[issuer]'")


def _fail(exc: Exception, args: Namespace) -> int:
    error = command.understood(exc)
    command.complain(PROGRAM, error, language(args))
    return command.FAULT if error.code == "internal.fault" else command.MISUSED
