"""What the wallet has seen of logs of use, listed, and said aloud where one departs from it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from ewallet.command import complain
from ewallet.terminal import moment, plain, stamp

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ewallet.cli.session import Session
    from ewallet.errors import Language
    from ewallet.shape import Json
    from ewallet.sighting import Departure, Sighting
    from ewallet.wallet import Wallet

_DEPARTED: Final = 1
_SAYS: Final[dict[str, dict[Language, str]]] = {
    "seen": {
        "ko": "이용내역 {0}: {1}건까지 확인 ({2}, {3})",
        "en": "log of use {0}: seen up to {1} entries ({2}, {3})",
    },
    "departed": {
        "ko": "{0}  이용내역 {1}: {4}건을 확인한 뒤 {2}에서 {3}건을 보임 [{5}]",
        "en": "{0}  log of use {1}: {2} showed {3} entries after {4} had been seen [{5}]",
    },
    "kept": {
        "ko": "받은 것은 그대로 보관하고, 서명된 두 체크포인트도 증거로 보관합니다: ewallet history --json",
        "en": "What came is kept, and so are both signed checkpoints, as evidence: ewallet history --json",
    },
}


def lines(wallet: Wallet, lang: Language) -> Iterator[str]:
    """One for each log that was seen, one for each time that one was not as it had been."""
    for sighting in wallet.sightings():
        head = sighting.head
        told = plain(head.origin), head.size, moment(sighting.at, lang), plain(sighting.by)
        yield _SAYS["seen"][lang].format(*told)
    for departure in wallet.departures():
        before, after = departure.heads
        when = moment(departure.at, lang), plain(after.origin), plain(departure.by)
        yield _SAYS["departed"][lang].format(*when, after.size, before.size, departure.code)


def since(wallet: Wallet, count: int) -> tuple[Departure, ...]:
    """What was noticed since there were so many."""
    departures = wallet.departures()
    return departures[: len(departures) - count]


def seen(sighting: Sighting) -> dict[str, Json]:
    """A log in JSON, with the checkpoint to hold it to."""
    return {
        "origin": sighting.head.origin,
        "by": sighting.by,
        "at": stamp(sighting.at),
        "size": sighting.head.size,
        "checkpoint": sighting.raw.decode(),
    }


def departed(departure: Departure) -> dict[str, Json]:
    """What was noticed in JSON, with both checkpoints."""
    before, after = departure.heads
    return {
        "code": departure.code,
        "origin": after.origin,
        "by": departure.by,
        "at": stamp(departure.at),
        "seen": {"size": before.size, "checkpoint": departure.earlier.decode()},
        "shown": {"size": after.size, "checkpoint": departure.later.decode()},
    }


def said(session: Session, departures: Sequence[Departure]) -> int:
    """The exit code, after each of them was said on stderr."""
    for departure in departures:
        complain("ewallet", departure.error, session.lang)
    if departures:
        print(_SAYS["kept"][session.lang], file=sys.stderr)
    return _DEPARTED if departures else 0
