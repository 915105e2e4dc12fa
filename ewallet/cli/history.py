"""``ewallet history``: what left the wallet, when, for whom and why, and how far logs of use were seen."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ewallet.cli.session import Session
    from ewallet.holding import Shown
    from ewallet.receipt import Receipt
    from ewallet.shape import Json


def add(parser: ArgumentParser) -> None:
    """The arguments of this verb."""
    parser.add_argument(
        "--receipt", metavar="ID", help="the receipt of a consent whole, to be kept or checked elsewhere"
    )


def run(session: Session) -> int:
    """One line for each presentation, the newest first, for each receipt of a consent, and for each log of use."""
    from ewallet.cli import noticed, words

    wallet = session.wallet()
    if session.args.receipt:
        return _whole(session.args.receipt, wallet.receipts())
    entries, receipts = wallet.history(), wallet.receipts()
    lines = [words.sent(shown, session.catalog.by_type_id(shown.type_id), session.lang) for shown in entries]
    lines += [words.receipted(receipt, session.lang) for receipt in receipts]
    session.answer(
        [*(lines or [words.SAYS["nothing_left"][session.lang]]), *noticed.lines(wallet, session.lang)],
        sent=[_entry(shown) for shown in entries],
        receipts=[_receipt(receipt) for receipt in receipts],
        logs=[noticed.seen(sighting) for sighting in wallet.sightings()],
        departures=[noticed.departed(departure) for departure in wallet.departures()],
    )
    return 0


def _whole(id_: str, receipts: Iterable[Receipt]) -> int:
    """The file, whatever else was asked: it is for a program."""
    from ewallet.errors import NotFound

    found = next((receipt for receipt in receipts if receipt.id == id_), None)
    if found is None:
        raise NotFound("storage.not_found", "no receipt of that identifier")
    print(found.to_bytes().decode())
    return 0


def _receipt(receipt: Receipt) -> dict[str, Json]:
    from ewallet.terminal import stamp

    consent = receipt.consent
    return {
        "id": receipt.id,
        "at": stamp(receipt.at),
        "event": receipt.event,
        "recipient": {"id": consent.recipient.id, "name": dict(consent.recipient.names)},
        "bundle": consent.bundle_id,
        "consent": consent.digest,
        "until": stamp(consent.until),
        "optional": [{"type": option.items[0].type_id, "given": given} for option, given in receipt.options],
    }


def _entry(shown: Shown) -> dict[str, Json]:
    from ewallet.terminal import stamp

    return {
        "at": stamp(shown.at),
        "audience": shown.audience,
        "name": shown.name,
        "purpose": shown.purpose,
        "certificate": shown.held,
        "type": shown.type_id,
        "claims": [list(path) for path in shown.paths],
        **({"acting": shown.acting.to_json()} if shown.acting else {}),
    }
