"""The wallet's store: every record sealed, bound to its place, and counted.

In the clear are random identifiers, keyed tags and use counters; a counter carries a tag too, so that whoever can
write the file but not open it cannot make a used copy unused, but by putting back what the file had before. Nor does
the file tell that lines of its history, or whole certificates, were deleted from it. Times are inside the sealed
records, as ISO 8601 in UTC.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import count
from os import PathLike
from pathlib import Path as FilePath
from typing import Any, Final, NoReturn, cast

from sqlalchemy import Connection, Row, delete, select, update

from ewallet.acting import Proxy
from ewallet.collection import Pending
from ewallet.credential import Path
from ewallet.env import Random
from ewallet.errors import AlreadyUsed, Malformed, NotFound, StoreError, UsageError
from ewallet.holding import Arrival, Copy, Held, Shown, Use
from ewallet.oauth import Authorization
from ewallet.sealing import Sealer
from ewallet.shape import Json, base64url, json_object, to_base64url
from ewallet.sighting import Departure, Sighting
from ewallet.sql import backup
from ewallet.sql.engine import Engine, insert_into
from ewallet.sql.sighting import SqlSightingStore
from ewallet.sql.tables import copies, held, history, keys, master, receipts
from ewallet.sql.tables import pending as awaited

_NOBODY: Final = b""
_MASTER: Final = 1  # the only row of its table


class SqlWalletStore:
    """A :class:`ewallet.wallet.WalletStore` in a database, unlocked."""

    def __init__(self, engine: Engine, sealer: Sealer, random: Random) -> None:
        self._engine = engine
        self._sealer = sealer
        self._random = random
        self._logs = SqlSightingStore(engine, sealer, random)

    @classmethod
    def create(
        cls, engine: Engine, passphrase: str, random: Random, *, unsafe_fast_kdf: bool = False
    ) -> SqlWalletStore:
        """A new wallet in prepared tables; ``usage.file`` if there is one."""
        sealer = Sealer.create(random)
        record = sealer.key_record(passphrase, unsafe_fast_kdf=unsafe_fast_kdf)
        with engine.writing() as connection:
            new = insert_into(master, connection).values(id=_MASTER, record=record).on_conflict_do_nothing()
            if connection.execute(new.returning(master.c.id)).first() is None:
                raise UsageError("usage.file", "there is a wallet already")
        return cls(engine, sealer, random)

    @classmethod
    def open(cls, engine: Engine, passphrase: str, random: Random) -> SqlWalletStore:
        """The wallet that was created here; ``storage.auth_failed``, :class:`NotFound`."""
        with engine.reading() as connection:
            record = connection.scalar(select(master.c.record).where(master.c.id == _MASTER))
        if record is None:
            raise NotFound("storage.not_found", "no wallet here, expected one that was created before")
        return cls(engine, Sealer.open(record, passphrase, random), random)

    def change_passphrase(self, passphrase: str) -> None:
        """Wrap the master key with another passphrase; no other record is touched."""
        record = self._sealer.key_record(passphrase)
        with self._engine.writing() as connection:
            connection.execute(update(master).where(master.c.id == _MASTER).values(record=record))

    def backup(self, path: str | PathLike[str], *, replace: bool = False) -> None:
        """The whole wallet as it is now, sealed as it is, in a file for :meth:`ewallet.sql.Database.restore`.

        Raises ``usage.file`` if there is a file already, unless it is to be replaced, ``storage.loose_mode`` for a
        link, ``storage.corrupt`` for a wallet that could not be restored, ``usage.configuration`` on PostgreSQL.
        """
        self._check_records()
        backup.write(FilePath(path), self._engine, self._random, replace=replace)

    def count_as_shown(self) -> None:
        """What a restored wallet calls fresh may have been shown since the backup: from now on it is not.

        Copies and ranks that nobody had seen count as seen by somebody unknown. What was pending is dropped, and keys
        without a certificate: copies for them may have come since, and been shown.
        """
        self._check_records()
        unknown = self._sealer.tag("restored")
        with self._engine.writing() as connection:
            for row in connection.execute(select(copies).where(copies.c.uses == 0)).all():
                self._used(connection, row, unknown)
            connection.execute(delete(awaited))
            kept = self._settled_ranks(connection) | set(connection.scalars(select(copies.c.key)))
            for tag in set(connection.scalars(select(keys.c.tag))) - kept:
                connection.execute(delete(keys).where(keys.c.tag == tag))

    def put_keys(self, keys: Mapping[str, bytes]) -> None:
        with self._engine.writing() as connection:
            for thumbprint, secret in keys.items():
                _put_key(connection, self._key_tag(thumbprint), self._sealer.seal(secret, "keys", thumbprint))

    def key(self, thumbprint: str) -> bytes:
        with self._engine.reading() as connection:
            sealed = connection.scalar(select(keys.c.sealed).where(keys.c.tag == self._key_tag(thumbprint)))
        if sealed is None:
            raise NotFound("storage.not_found", "no key of that thumbprint")
        return self._sealer.unseal(sealed, "keys", thumbprint)

    def put(self, held: Held, copies: Sequence[Copy]) -> None:
        with self._engine.writing() as connection:
            self._put(connection, held, copies)

    def receive(
        self, arrivals: Sequence[Arrival], *, pending: Sequence[Pending] = (), over: Sequence[str] = ()
    ) -> None:
        tags = [self._pending_tag(id_) for id_ in over]
        with self._engine.writing() as connection:
            connection.execute(delete(awaited).where(awaited.c.tag.in_(tags)))
            for one in pending:
                tag = self._pending_tag(one.id)
                connection.execute(awaited.insert().values(tag=tag, sealed=self._seal(_record(one), *_waiting(tag))))
            for arrival in arrivals:
                for name, secret in arrival.keys.items():
                    _put_key(connection, self._key_tag(name), self._sealer.seal(secret, "keys", name))
                self._put(connection, arrival.held, arrival.copies)

    def pending(self) -> tuple[Pending, ...]:
        with self._engine.reading() as connection:
            rows = connection.execute(select(awaited)).all()
        found = (_pending(self._unseal(row.sealed, *_waiting(row.tag))) for row in rows)
        return tuple(sorted(found, key=lambda one: one.due))

    def held(self) -> tuple[Held, ...]:
        with self._engine.reading() as connection:
            rows = connection.execute(select(held).order_by(held.c.number.desc())).all()
        return tuple(sorted((self._held(row) for row in rows), key=lambda one: one.received, reverse=True))

    def copies(self, held_id: str) -> tuple[Copy, ...]:
        with self._engine.reading() as connection:
            certificate = connection.execute(select(held).where(held.c.id == held_id)).first()
            rows = _copies(connection, held_id)
        if certificate is None:
            return ()
        if len(rows) != self._unseal(certificate.sealed, "held", held_id).get("copies"):
            _corrupt("a certificate with fewer or more copies than it came with")
        return tuple(self._copy(row) for row in rows)

    def salt(self, rank: int, fresh: bytes) -> bytes:
        return self._settled("salt", rank, fresh)

    def rank_audiences(self, ranks: Sequence[int]) -> Mapping[int, str]:
        tags = {self._rank_tag("audience", rank): rank for rank in ranks}
        with self._engine.reading() as connection:
            rows = connection.execute(select(keys).where(keys.c.tag.in_(tags))).all()
        return {
            rank: self._sealer.unseal(row.sealed, "audience", str(rank)).decode()
            for row in rows
            for rank in [tags[bytes(row.tag)]]
        }

    def show_rank(self, rank: int, audience: str) -> None:
        if self._settled("audience", rank, audience.encode()) != audience.encode():
            raise AlreadyUsed("storage.already_used", "somebody else has seen that rank")

    def _settled(self, what: str, rank: int, value: bytes) -> bytes:
        """What is kept of a rank: what came first. It lies among the keys, and looks like one."""
        tag = self._rank_tag(what, rank)
        with self._engine.writing() as connection:
            _put_key(connection, tag, self._sealer.seal(value, what, str(rank)))
            sealed = connection.scalar(select(keys.c.sealed).where(keys.c.tag == tag))
        return self._sealer.unseal(sealed or b"", what, str(rank))

    def spend(self, shown: Shown, use: Use, copy: str | None = None) -> Copy:
        audience = self._sealer.tag("audience", shown.held, shown.audience) if use == "per_verifier" else _NOBODY
        with self._engine.writing() as connection:
            _locked(connection, shown.held)
            rows = [row for row in _copies(connection, shown.held) if copy in (None, row.id)]
            used = self._used(connection, _chosen(rows, use, audience), audience)
            self._put_shown(connection, shown)
        return used

    def note(self, shown: Shown) -> None:
        with self._engine.writing() as connection:
            self._put_shown(connection, shown)

    def history(self) -> tuple[Shown, ...]:
        with self._engine.reading() as connection:
            rows = connection.execute(select(history).order_by(history.c.number.desc())).all()
        return tuple(sorted((self._shown(row) for row in rows), key=lambda one: one.at, reverse=True))

    def put_receipt(self, raw: bytes) -> None:
        id_ = to_base64url(self._random(16))
        with self._engine.writing() as connection:
            connection.execute(receipts.insert().values(id=id_, sealed=self._sealer.seal(raw, "receipts", id_)))

    def change_receipt(self, before: bytes, after: bytes) -> None:
        with self._engine.writing() as connection:
            for row in connection.execute(select(receipts)).all():
                if self._sealer.unseal(row.sealed, "receipts", row.id) == before:
                    sealed = self._sealer.seal(after, "receipts", row.id)
                    connection.execute(update(receipts).where(receipts.c.id == row.id).values(sealed=sealed))

    def receipts(self) -> tuple[bytes, ...]:
        with self._engine.reading() as connection:
            rows = connection.execute(select(receipts).order_by(receipts.c.number.desc())).all()
        return tuple(self._sealer.unseal(row.sealed, "receipts", row.id) for row in rows)

    def sightings(self) -> tuple[Sighting, ...]:
        return self._logs.sightings()

    def put_sighting(self, sighting: Sighting, *, after: Sighting | None) -> None:
        self._logs.put_sighting(sighting, after=after)

    def departures(self) -> tuple[Departure, ...]:
        return self._logs.departures()

    def put_departure(self, departure: Departure) -> None:
        self._logs.put_departure(departure)

    def forget(self, held_id: str) -> None:
        """As the role says; the file is rewritten, later if another program is using it now."""
        with self._engine.writing() as connection:
            if _locked(connection, held_id) is None:
                raise NotFound("storage.not_found", "no certificate of that identifier")
            elsewhere = select(copies.c.key).where(copies.c.held != held_id)
            its = select(copies.c.key).where(copies.c.held == held_id, copies.c.key.not_in(elsewhere))
            connection.execute(delete(keys).where(keys.c.tag.in_(its)))
            connection.execute(delete(copies).where(copies.c.held == held_id))
            connection.execute(delete(held).where(held.c.id == held_id))
        self._engine.scrub()

    def _check_records(self) -> None:
        """Return if every record opens; ``storage.corrupt``."""
        self.history()
        self.receipts()
        self.sightings()
        self.departures()
        self.pending()
        for copy in (copy for one in self.held() for copy in self.copies(one.id)):
            try:
                self.key(copy.key)
            except NotFound:
                _corrupt("a copy without its key")

    def _settled_ranks(self, connection: Connection) -> set[bytes]:
        """The tags of all ranks that have a salt, each of which has been seen now. They are counted without gaps."""
        present, found = set(connection.scalars(select(keys.c.tag))), set[bytes]()
        for rank in count():
            salt, audience = self._rank_tag("salt", rank), self._rank_tag("audience", rank)
            if salt not in present:
                return found
            _put_key(connection, audience, self._sealer.seal(_NOBODY, "audience", str(rank)))
            found |= {salt, audience}
        return found

    def _put(self, connection: Connection, held: Held, copies: Sequence[Copy]) -> None:
        record = {
            "format": held.format,
            "type_id": held.type_id,
            "received": held.received.isoformat(),
            "use": held.use,
            "copies": len(copies),
        }
        _put_held(connection, held.id, self._seal(record, "held", held.id))
        for position, copy in enumerate(copies):
            self._put_copy(connection, held.id, position, copy)

    def _put_copy(self, connection: Connection, held_id: str, position: int, copy: Copy) -> None:
        key = self._key_tag(copy.key)
        row = {
            "id": copy.id,
            "held": held_id,
            "position": position,
            "key": key,
            "sealed": self._seal(
                {"key": copy.key, "raw": copy.raw, "rank": copy.rank}, *_place(held_id, copy.id, position, key)
            ),
            "uses": copy.uses,
            "audience": _NOBODY,
            "mark": self._mark(copy.id, copy.uses, _NOBODY),
        }
        connection.execute(copies.insert().values(row))

    def _used(self, connection: Connection, row: Row[Any], audience: bytes) -> Copy:
        """That copy, used once more; the statement finds nothing if it was used in the meantime."""
        self._copy(row)
        uses = row.uses + 1
        use = (
            update(copies)
            .where(copies.c.id == row.id, copies.c.uses == row.uses)
            .values(uses=uses, audience=audience, mark=self._mark(row.id, uses, audience))
        )
        used = connection.execute(use.returning(copies)).first()
        if used is None:
            raise AlreadyUsed("storage.already_used", "the copy was used just now")
        return self._copy(used)

    def _put_shown(self, connection: Connection, shown: Shown) -> None:
        id_ = to_base64url(self._random(16))
        record = {
            "at": shown.at.isoformat(),
            "audience": shown.audience,
            "purpose": shown.purpose,
            "held": shown.held,
            "type_id": shown.type_id,
            "paths": shown.paths,
            "name": shown.name,
            "acting": shown.acting.to_json() if shown.acting else None,
        }
        connection.execute(history.insert().values(id=id_, sealed=self._seal(record, "history", id_)))

    def _held(self, row: Row[Any]) -> Held:
        record = self._unseal(row.sealed, "held", row.id)
        return Held(
            id=row.id,
            format=record["format"],
            type_id=record["type_id"],
            received=datetime.fromisoformat(record["received"]),
            use=cast(Use, record["use"]),
        )

    def _copy(self, row: Row[Any]) -> Copy:
        record = self._unseal(row.sealed, *_place(row.held, row.id, row.position, row.key))
        if row.mark != self._mark(row.id, row.uses, row.audience):
            _corrupt("a use counter that was changed")
        rank = record.get("rank")  # earlier versions had none
        return Copy(id=row.id, key=record["key"], raw=record["raw"], uses=row.uses, rank=rank)

    def _shown(self, row: Row[Any]) -> Shown:
        record = self._unseal(row.sealed, "history", row.id)
        return Shown(
            at=datetime.fromisoformat(record["at"]),
            audience=record["audience"],
            purpose=record["purpose"],
            held=record["held"],
            type_id=record["type_id"],
            paths=tuple(cast(Path, tuple(path)) for path in record["paths"]),
            name=record.get("name", ""),  # earlier versions did not keep it
            acting=Proxy.of_json(acting) if (acting := record.get("acting")) else None,
        )

    def _seal(self, record: Mapping[str, Json], *place: str) -> bytes:
        return self._sealer.seal(json.dumps(record).encode("ascii"), *place)

    def _unseal(self, sealed: bytes, *place: str) -> dict[str, Json]:
        try:
            return json_object(self._sealer.unseal(sealed, *place), "a sealed record")
        except Malformed:
            _corrupt("a sealed record of another program")

    def _key_tag(self, thumbprint: str) -> bytes:
        return self._sealer.tag("key", thumbprint)

    def _rank_tag(self, what: str, rank: int) -> bytes:
        return self._sealer.tag("rank", what, str(rank))

    def _pending_tag(self, id_: str) -> bytes:
        return self._sealer.tag("pending", id_)

    def _mark(self, copy_id: str, uses: int, audience: bytes) -> bytes:
        return self._sealer.tag("uses", copy_id, str(uses), audience.hex())


def _put_key(connection: Connection, tag: bytes, sealed: bytes) -> None:
    connection.execute(insert_into(keys, connection).values(tag=tag, sealed=sealed).on_conflict_do_nothing())


def _put_held(connection: Connection, held_id: str, sealed: bytes) -> None:
    new = insert_into(held, connection).values(id=held_id, sealed=sealed).on_conflict_do_nothing()
    if connection.execute(new.returning(held.c.id)).first() is None:
        raise AlreadyUsed("storage.already_used", "a certificate of that identifier is held")


def _place(held_id: str, copy_id: str, position: int, key: bytes) -> tuple[str, ...]:
    """Where a copy belongs: everything about it that is in the clear and does not change."""
    return ("copies", held_id, copy_id, str(position), key.hex())


def _waiting(tag: bytes) -> tuple[str, ...]:
    """Where a record of what is pending belongs."""
    return ("pending", tag.hex())


def _record(pending: Pending) -> dict[str, Json]:
    return {
        "issuer": pending.issuer,
        "configuration_id": pending.configuration_id,
        "type_id": pending.type_id,
        "due": pending.due.isoformat(),
        "transaction_id": pending.transaction_id,
        "scheme": pending.token.scheme,
        "token": pending.token.token,
        "bound": to_base64url(pending.bound) if pending.bound else None,
        "keys": {name: to_base64url(secret) for name, secret in pending.keys.items()},
        "ranks": dict(pending.ranks),
    }


def _pending(record: Mapping[str, Json]) -> Pending:
    return Pending(
        issuer=record["issuer"],
        configuration_id=record["configuration_id"],
        type_id=record["type_id"],
        due=datetime.fromisoformat(record["due"]),
        transaction_id=record["transaction_id"],
        token=Authorization(scheme=record["scheme"], token=record["token"]),
        bound=base64url(record["bound"]) if record["bound"] else None,
        keys={name: base64url(secret) for name, secret in record["keys"].items()},
        ranks=record.get("ranks", {}),  # earlier versions had none
    )


def _locked(connection: Connection, held_id: str) -> Row[Any] | None:
    """The row of a certificate; on PostgreSQL, others who want to use or forget it wait."""
    return connection.execute(select(held.c.id).where(held.c.id == held_id).with_for_update()).first()


def _copies(connection: Connection, held_id: str) -> Sequence[Row[Any]]:
    return connection.execute(select(copies).where(copies.c.held == held_id).order_by(copies.c.position)).all()


def _chosen(rows: Sequence[Row[Any]], use: Use, audience: bytes) -> Row[Any]:
    """The copy for this showing; :class:`AlreadyUsed`."""
    fresh = [row for row in rows if row.uses == 0]
    if use == "per_verifier":
        fresh = [row for row in rows if row.audience == audience] or fresh
    elif use == "reuse":
        fresh = sorted(rows, key=lambda row: row.uses)
    if not fresh:
        raise AlreadyUsed("storage.already_used", "no copy is left to use")
    return fresh[0]


def _corrupt(detail: str) -> NoReturn:
    raise StoreError("storage.corrupt", detail) from None
