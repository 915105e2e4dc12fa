"""``ewallet-verify``: the command line. Exit codes: 0 accepted, 1 rejected, 2 used wrongly, 3 undecided, 70 our fault.

stdout has the result: one JSON document, or words where somebody looks; stderr is for people and never says anything
of what was judged. A result that could not be written is no result, so it never ends with 0.
"""

from __future__ import annotations

import logging
import os
import sys
from argparse import Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence
from importlib import import_module
from types import ModuleType
from typing import Final

from ewallet import terminal
from verifier_cli.arguments import Misuse, Parser, add_output

VERBS: Final = ("verify", "inspect", "trust", "explain")
_EPILOG: Final = """\
exit codes: 0 accepted, 1 rejected, 2 used wrongly, 3 undecided, 70 a fault of this program

example: ewallet-verify verify answer.txt --request request.json --trust trust.jwt --trust-key operator.pem
"""
_UNWRITTEN: Final = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    terminal.prepare()
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        code = _run(arguments)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return 130  # 128 + SIGINT, as shells count
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the interpreter flushes once more at its end
        return _UNWRITTEN
    return code


def _run(argv: list[str]) -> int:
    modules = {verb: import_module(f"verifier_cli.commands.{verb}") for verb in VERBS}
    parser = _parser(modules)
    _complete(parser)
    try:
        args = parser.parse_args(argv)
    except Misuse as exc:
        from ewallet.errors import UsageError

        flags = Namespace(json="--json" in argv, text="--text" in argv, quiet="--quiet" in argv, lang=None)
        return _refused(UsageError("usage.argument", terminal.plain(str(exc))), flags)
    return _answer(args, modules[args.verb])


def _parser(modules: dict[str, ModuleType]) -> Parser:
    parser = Parser(
        prog="ewallet-verify",
        description="Judge what somebody presents from a wallet: is it genuine, theirs, and still valid?",
        epilog=_EPILOG,
        formatter_class=RawDescriptionHelpFormatter,
    )
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    for verb, module in modules.items():
        sub = verbs.add_parser(verb, help=module.HELP, description=module.HELP)
        module.add(sub)
        add_output(sub)
    return parser


def _complete(parser: Parser) -> None:
    if "_ARGCOMPLETE" in os.environ:
        import argcomplete

        argcomplete.autocomplete(parser)


def _answer(args: Namespace, verb: ModuleType) -> int:
    from verifier_cli.session import Session

    if args.verbose:
        logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(name)s: %(message)s")
    try:
        code: int = verb.run(Session.of(args, machine=_machine(args)))
    except OSError:
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

    error = failure.understood(exc)
    if _machine(args):
        print(json.dumps(failure.document(error, Env().now())), flush=True)
    if not args.quiet:
        told = error.words(terminal.language(args.lang or os.environ.get("EWALLET_LANG")))
        detail = f": {terminal.plain(error.detail)}" if error.detail else ""
        print(f"ewallet-verify: {told.what} [{error.code}{detail}]\nhint: {told.remedy}", file=sys.stderr)
    return failure.exit_code(error)


if __name__ == "__main__":
    sys.exit(main())
