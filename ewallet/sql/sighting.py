"""What a wallet remembers of logs of use: sealed as its other records are; in the clear are keyed tags."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import select, update

from ewallet.env import Random
from ewallet.sealing import Sealer
from ewallet.shape import Json, json_object, to_base64url
from ewallet.sighting import Departure, Sighting
from ewallet.sql.engine import Engine, insert_into
from ewallet.sql.tables import departures, sightings


class SqlSightingStore:
    """A :class:`ewallet.sighting.SightingStore` in an unlocked wallet."""

    def __init__(self, engine: Engine, sealer: Sealer, random: Random) -> None:
        self._engine = engine
        self._sealer = sealer
        self._random = random

    def sightings(self) -> tuple[Sighting, ...]:
        with self._engine.reading() as connection:
            rows = connection.execute(select(sightings)).all()
        found = (self._sighting(row.tag, row.sealed) for row in rows)
        return tuple(sorted(found, key=lambda sighting: sighting.head.origin))

    def put_sighting(self, sighting: Sighting, *, after: Sighting | None) -> None:
        tag = self._sealer.tag("sightings", sighting.head.origin)
        record = {"raw": sighting.raw.decode(), "by": sighting.by, "at": sighting.at.isoformat()}
        sealed = self._seal(record, "sightings", tag.hex())
        with self._engine.writing() as connection:
            if after is None:
                new = insert_into(sightings, connection).values(tag=tag, sealed=sealed)
                connection.execute(new.on_conflict_do_nothing())
                return
            kept = connection.scalar(select(sightings.c.sealed).where(sightings.c.tag == tag).with_for_update())
            if kept is not None and self._sighting(tag, kept) == after:
                connection.execute(update(sightings).where(sightings.c.tag == tag).values(sealed=sealed))

    def departures(self) -> tuple[Departure, ...]:
        with self._engine.reading() as connection:
            rows = connection.execute(select(departures).order_by(departures.c.number.desc())).all()
        return tuple(self._departure(row.id, row.sealed) for row in rows)

    def put_departure(self, departure: Departure) -> None:
        id_ = to_base64url(self._random(16))
        record = {
            "code": departure.code,
            "earlier": departure.earlier.decode(),
            "later": departure.later.decode(),
            "by": departure.by,
            "at": departure.at.isoformat(),
        }
        with self._engine.writing() as connection:
            connection.execute(departures.insert().values(id=id_, sealed=self._seal(record, "departures", id_)))

    def _sighting(self, tag: bytes, sealed: bytes) -> Sighting:
        record = self._unseal(sealed, "sightings", bytes(tag).hex())
        return Sighting(raw=record["raw"].encode(), by=record["by"], at=datetime.fromisoformat(record["at"]))

    def _departure(self, id_: str, sealed: bytes) -> Departure:
        record = self._unseal(sealed, "departures", id_)
        return Departure(
            code=record["code"],
            earlier=record["earlier"].encode(),
            later=record["later"].encode(),
            by=record["by"],
            at=datetime.fromisoformat(record["at"]),
        )

    def _seal(self, record: Mapping[str, Json], *place: str) -> bytes:
        return self._sealer.seal(json.dumps(record).encode("ascii"), *place)

    def _unseal(self, sealed: bytes, *place: str) -> dict[str, Json]:
        return json_object(self._sealer.unseal(sealed, *place), "a sealed record")
