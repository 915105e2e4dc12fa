"""``ewallet-witness``: watches logs of use from another host, and cosigns what goes on from what it saw.

``serve`` answers ``POST /add-checkpoint`` (C2SP tlog-witness); ``key`` prints what others know a key by. Exit codes: 0
done, 2 used wrongly, 70 a fault of this program. Nothing is logged but that it serves.
"""

from __future__ import annotations

import asyncio
import sys
from argparse import Namespace
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ewallet import command
from ewallet.command import FAULT, MISUSED, Parser

if TYPE_CHECKING:
    from ewallet.asgi import Application, Deliver, Receive, Scope
    from ewallet.flow import Response
    from ewallet.history import Believed, Witness

VERBS: Final = {
    "serve": "cosign checkpoints of the logs that are named",
    "key": "print the key of a witness, or of a log, as others are given it",
}
_LISTEN: Final = "127.0.0.1:8030"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    return command.run(_run, argv)


def _run(argv: list[str]) -> int:
    parser = Parser(prog="ewallet-witness", description="See to it that a log of use has one history only.")
    command.add_verbs(parser, VERBS, argv, _add)
    try:
        args = parser.parse_args(argv)
        return _serve(args) if args.verb == "serve" else _print_key(args)
    except BrokenPipeError:
        raise
    except Exception as exc:  # noqa: BLE001 - every end of the program is a sentence and a code
        error = command.understood(exc)
        command.complain("ewallet-witness", error, "en")
        return FAULT if error.code == "internal.fault" else MISUSED


def _add(verb: str, parser: Parser) -> None:
    parser.add_argument("--name", required=True, metavar="NAME", help="such as witness.example.org")
    parser.add_argument("--key", required=True, metavar="FILE", help="the ed25519 key that signs, PEM")
    if verb == "key":
        parser.add_argument("--log", action="store_true", help="it is the key of a log, and the name its origin")
        return
    parser.add_argument("--log", required=True, action="append", metavar="KEY", help="of a log; may be repeated")
    parser.add_argument("--state", required=True, metavar="FILE", help="what it saw of each log")
    parser.add_argument("--new", action="store_true", help="make that file: this witness has seen nothing yet")
    parser.add_argument("--listen", default=_LISTEN, metavar="HOST:PORT", help=f"where it listens ({_LISTEN})")
    parser.add_argument("--host", action="append", metavar="NAME", help="another name that it is asked by")


def _print_key(args: Namespace) -> int:
    from ewallet.history import key_of
    from ewallet.keys import SigningKey

    print(key_of(args.name, SigningKey.load(args.key).public, witness=not args.log))
    return 0


def _serve(args: Namespace) -> int:
    from ewallet.history import Witness
    from ewallet.history.state import StateFile
    from ewallet.keys import SigningKey
    from ewallet.serving import listening, serve

    host, port = _address(args.listen)
    signer, logs = SigningKey.load(args.key), _logs(args.log)
    state = StateFile.create(Path(args.state)) if args.new else StateFile(Path(args.state))
    with closing(state), listening(host, port) as bound:
        witness = Witness(name=args.name, signer=signer, logs=logs, state=state)
        at = f"{host}:{bound.getsockname()[1]}"
        print(f"ewallet-witness: {witness.key} at http://{at}", file=sys.stderr, flush=True)
        serve(application(witness, hosts=[at, *(args.host or ())]), bound)
    return 0


def _address(text: str) -> tuple[str, int]:
    from ewallet.errors import UsageError

    host, colon, port = text.rpartition(":")
    if not colon or not host or not (port.isascii() and port.isdigit() and int(port) <= 0xFFFF):
        raise UsageError("usage.argument", "not HOST:PORT, such as 127.0.0.1:8030")
    return host.strip("[]"), int(port)


def _logs(texts: Sequence[str]) -> dict[str, Believed]:
    """By origin; several keys of one origin are those of one log, which is changing its key."""
    from ewallet.history import Believed, NoteKey

    keys: dict[str, list[NoteKey]] = {}
    for text in texts:
        key = NoteKey.read(text)
        keys.setdefault(key.name, []).append(key)
    return {origin: Believed(log=tuple(named)) for origin, named in keys.items()}


def application(witness: Witness, *, hosts: Sequence[str]) -> Application:
    """The witness as an ASGI application, addressed by one of these hosts."""
    from ewallet.asgi import Guard
    from ewallet.history.witness import MAX_REQUEST
    from ewallet.rate import RATE, Limiter, Rate

    rate = Rate.parse(RATE)
    return Guard(_answering(witness), hosts=hosts, max_body=MAX_REQUEST, limiter=Limiter(rate) if rate else None)


def _answering(witness: Witness) -> Application:
    from ewallet.history.witness import PATH

    async def answer(scope: Scope, receive: Receive, send: Deliver) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["path"] != PATH:
            await _send(send, 404, b"not found\n")
        elif scope["method"] != "POST":
            await _send(send, 405, b"post it\n")
        else:
            body = (await receive())["body"]
            await _respond(send, await asyncio.to_thread(witness.answer, body))  # which waits for the disk

    return answer


async def _live(receive: Receive, send: Deliver) -> None:
    while (message := await receive())["type"] != "lifespan.shutdown":
        await send({"type": f"{message['type']}.complete"})
    await send({"type": "lifespan.shutdown.complete"})


async def _respond(send: Deliver, response: Response) -> None:
    await _send(send, response.status, response.body, response.headers["content-type"])


async def _send(send: Deliver, status: int, body: bytes, kind: str = "text/plain; charset=utf-8") -> None:
    headers = [(b"content-type", kind.encode("ascii")), (b"content-length", str(len(body)).encode("ascii"))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


if __name__ == "__main__":
    sys.exit(main())
