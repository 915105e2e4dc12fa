"""What may be used once: digests in the issuer's table ``taken``, each taken by a single statement."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cache

from sqlalchemy import Connection, Executable, select

from ewallet.order import Order
from ewallet.sql.engine import each, insert_for, micros, take_turns
from ewallet.sql.tables import taken


def used_before(connection: Connection, once: Mapping[bytes, datetime]) -> frozenset[bytes]:
    """Take the digests, and say which of them had been taken."""
    if not once:
        return frozenset()
    rows = [{"digest": digest, "until": micros(once[digest])} for digest in sorted(once)]  # in one order: no deadlocks
    return frozenset(once) - {bytes(digest) for (digest,) in each(connection, _take(connection.dialect.name), rows)}


def end(connection: Connection, digest: bytes, until: datetime) -> None:
    """Take a digest that may have been taken, once nobody is about to do what it ends (:func:`check_lasting`)."""
    take_turns(connection, digest)
    used_before(connection, {digest: until})


def check_lasting(connection: Connection, order: Order) -> None:
    """Return if nothing that the order is placed under was ended, or is before this transaction; :class:`NotFound`."""
    if order.unless:
        take_turns(connection, *order.unless)
        ended = connection.scalars(select(taken.c.digest).where(taken.c.digest.in_(order.unless)))
        order.check_lasting({bytes(digest) for digest in ended})


@cache
def _take(dialect: str) -> Executable:
    return insert_for(taken, dialect).on_conflict_do_nothing().returning(taken.c.digest)
