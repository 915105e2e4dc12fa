"""``ewallet-verify``: the command line. Exit codes: 0 accepted, 1 rejected, 2 used wrongly, 3 undecided, 70 our fault.

stdout has the result: one JSON document, or words where somebody looks; stderr is for people and never says anything
of what was judged.
"""

from __future__ import annotations

import os
import sys
from argparse import Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence
from importlib import import_module
from types import ModuleType
from typing import Final

from ewallet import command, terminal
from ewallet.command import Misuse, Parser
from verifier_cli.arguments import add_output

VERBS: Final = {
    "verify": "judge a presentation: accepted (exit 0), rejected (1), undecided (3)",
    "request": "ask a wallet by QR code, wait for its answer, and judge that",
    "case": "ask several people, each alone, and judge what they show together",
    "reader": "ask a device face to face by the code that it shows, and judge its answer",
    "serve": "serve wallets, and an API for the bank's own programs",
    "inspect": "take a presentation apart, without checking or believing any of it",
    "history": "check a log of use or a proof from it, and name the first place that was changed",
    "trust": "show the trust list (who is believed, for what, until when), or make one",
    "explain": "say what a code means and what to do about it",
}
_EPILOG: Final = """\
exit codes: 0 accepted, 1 rejected, 2 used wrongly, 3 undecided, 70 a fault of this program

example: ewallet-verify verify answer.txt --request request.json --trust trust.jwt --trust-key operator.pem
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    return command.run(_run, argv)


def _run(argv: list[str]) -> int:
    parser = Parser(
        prog="ewallet-verify",
        description="Judge what somebody presents from a wallet: is it genuine, theirs, and still valid?",
        epilog=_EPILOG,
        formatter_class=RawDescriptionHelpFormatter,
    )
    command.add_verbs(parser, VERBS, argv, _add)
    try:
        args = parser.parse_args(argv)
    except Misuse as exc:
        flags = {name: f"--{name}" in argv for name in ("json", "text", "quiet")}
        return _refused(exc, Namespace(**flags, lang=command.asked_language(argv)))
    return _answer(args)


def _module(verb: str) -> ModuleType:
    return import_module(f"verifier_cli.commands.{verb}")


def _add(verb: str, parser: Parser) -> None:
    _module(verb).add(parser)
    add_output(parser)


def _answer(args: Namespace) -> int:
    from verifier_cli.session import Session

    if args.verbose:
        import logging

        logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(name)s: %(message)s")
    try:
        code: int = _module(args.verb).run(Session.of(args, machine=_machine(args)))
    except BrokenPipeError:
        raise
    except Exception as exc:  # noqa: BLE001 - whatever it is, people get words and programs a document
        return _refused(exc, args)
    return code


def _machine(args: Namespace) -> bool:
    return bool(args.json or not (args.text or sys.stdout.isatty()))


def _refused(exc: Exception, args: Namespace) -> int:
    import json

    from ewallet.env import Env
    from verifier_cli import failure

    error = command.understood(exc)
    if _machine(args):
        print(json.dumps(failure.document(error, Env().now())), flush=True)
    if not args.quiet:
        lang = terminal.language(args.lang or os.environ.get("EWALLET_LANG"))
        command.complain("ewallet-verify", error, lang)
    return failure.exit_code(error)


if __name__ == "__main__":
    sys.exit(main())
