"""What the document-number check keeps: digests beside the certificates that they are about."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Final

from sqlalchemy import Connection, Executable, bindparam, delete, select

from ewallet.documents import Entry, Inquiry, Outcome
from ewallet.sql.engine import each, first, insert_for, micros, put, take_turns
from ewallet.sql.failures import count_failure, failed
from ewallet.sql.tables import Stage, certificates, documents
from ewallet.status import Status

_FIND: Final = (
    select(certificates.c.id)
    .join(documents, documents.c.certificate == certificates.c.id)
    .where(
        documents.c.digest == bindparam("of"),
        documents.c.until > bindparam("at"),
        certificates.c.stage == Stage.ISSUED,
        certificates.c.status == Status.VALID,
    )
)
_FORGET: Final = delete(documents).where(documents.c.until <= bindparam("at"))


def inquire(connection: Connection, inquiry: Inquiry, at: datetime) -> Outcome:
    """Whether a valid certificate has that digest; a miss is counted, and what is over forgotten."""
    take_turns(connection, *inquiry.counters)  # else misses made at once would count as one
    put(connection, _FORGET, {"at": micros(at)})
    misses = [failed(connection, counter, at) for counter in inquiry.counters]
    if max(misses) >= inquiry.max_misses:
        return "too_many"
    if first(connection, _FIND, {"of": inquiry.digest, "at": micros(at)}) is not None:
        return "match"
    for counter in sorted(inquiry.counters):  # in one order: no deadlocks
        count_failure(connection, counter, at, inquiry.window)
    return "no_match"


def keep(connection: Connection, certificate_id: str, entry: Entry) -> None:
    """Keep what may be asked about a certificate, in the transaction that completes it; forget what is over by then."""
    put(connection, _FORGET, {"at": micros(entry.at)})
    rows = [
        {"digest": digest, "certificate": certificate_id, "until": micros(entry.until)}
        for digest in sorted(entry.digests)
    ]
    each(connection, _insert(connection.dialect.name), rows)


@cache
def _insert(dialect: str) -> Executable:
    return insert_for(documents, dialect).returning(documents.c.digest)
