"""``ewallet``: the wallet at a terminal.

Exit codes: 0 done, 1 refused (by its holder, or because of what came) or done by somebody whose log of use is not what
it was, 2 used wrongly, 70 a fault of this program.
"""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Final

from ewallet import command, terminal
from ewallet.command import FAULT, MISUSED, Parser

if TYPE_CHECKING:
    from ewallet.errors import EWalletError

VERBS: Final = {
    "init": "make a wallet; --trust and --trust-key are kept for later",
    "keys": "make keys, and print their public halves for an issuer (a JWK Set)",
    "receive": "take what an issuer offers by link, QR or file",
    "list": "what the wallet holds",
    "show": "everything that one certificate says",
    "present": "answer a request with the least that satisfies it",
    "erase": "have a receiver delete what it keeps of an answer",
    "delegate": "let somebody else answer a request, once, with what you hold",
    "history": "what left the wallet, when, for whom and why; how far logs of use were seen",
    "backup": "the whole wallet in one sealed file",
    "restore": "a wallet from its backup; copies that may have been shown since count as sent",
}
_REFUSED: Final = 1


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    return command.run(_run, argv)


def _run(argv: list[str]) -> int:
    parser = Parser(prog="ewallet", description="Keep certificates, and show the least of them that will do.")
    command.add_verbs(parser, VERBS, argv, _add)
    args = Namespace(json="--json" in argv, lang=command.asked_language(argv))
    try:
        args = parser.parse_args(argv)
        return _answer(args)
    except BrokenPipeError:
        raise
    except Exception as exc:  # noqa: BLE001 - whatever it is, people get words and programs a document
        return _fail(exc, args)


def _module(verb: str) -> ModuleType:
    return import_module(f"ewallet.cli.{verb}")


def _add(verb: str, parser: Parser) -> None:
    _module(verb).add(parser)
    _add_place(parser)


def _answer(args: Namespace) -> int:
    from ewallet.cli.session import Session

    code: int = _module(args.verb).run(Session(args))
    return code


def _add_place(parser: ArgumentParser) -> None:
    place = parser.add_argument_group("the wallet")
    place.add_argument("--data", metavar="DIR", help="where it is; else EWALLET_DATA, else the platform's data folder")
    place.add_argument("--passphrase-file", metavar="FILE", help="what unlocks it; else it is asked for")
    place.add_argument("--trust", metavar="FILE", help="the signed trust list; one newer than that of init is kept")
    place.add_argument("--trust-key", metavar="FILE", help="the public key of whoever signs it, JWK or PEM")
    shown = parser.add_argument_group("how to answer")
    shown.add_argument("--json", action="store_true", help="one JSON document on stdout")
    shown.add_argument("--lang", choices=("ko", "en"), help="the language of words; else that of LANG")


def _fail(exc: Exception, args: Namespace) -> int:
    import json

    error = command.understood(exc)
    if args.json:
        print(json.dumps({"schema": "ewallet.wallet/1", "error": error.code, "detail": error.detail}))
    command.complain("ewallet", error, terminal.language(args.lang or os.environ.get("EWALLET_LANG")))
    return _exit_code(error)


def _exit_code(error: EWalletError) -> int:
    from ewallet.errors import AlreadyUsed, StoreError, UsageError

    if error.code == "internal.fault":
        return FAULT
    own = isinstance(error, (UsageError, StoreError)) and not isinstance(error, AlreadyUsed)
    return MISUSED if own else _REFUSED
