"""The tables of the three roles. Each role has a schema version of its own and shares no table with another.

SQLite's are ``STRICT``: a value of another type than its column's is damage, and is found as such.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
)

_BIG: Final = BigInteger().with_variant(Integer, "sqlite")  # a rowid has to be called INTEGER
_SMALL: Final = SmallInteger().with_variant(Integer, "sqlite")  # STRICT tables know one kind of integer

SCHEMA: Final = MetaData()
schema_versions: Final = Table(
    "schema_versions",
    SCHEMA,
    Column("role", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    sqlite_strict=True,
)

# -- issuer: what was issued to whom and whether it still holds; no claim of anybody ----------------------

ISSUER: Final = MetaData()
ISSUER_VERSION: Final = 4


class Stage(IntEnum):
    """How far a certificate is; what a batch has begun is not given up, the next run of the batch finishes it."""

    INTENDED = 0
    ISSUED = 1
    VOID = 2
    BEGUN = 3


status_lists: Final = Table(
    "status_lists",
    ISSUER,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("uri", Text, nullable=False, unique=True),
    Column("size", _BIG, nullable=False),
    Column("given", _BIG, nullable=False),
    sqlite_strict=True,
)
certificates: Final = Table(
    "certificates",
    ISSUER,
    Column("id", Text, primary_key=True),
    Column("type_id", Text, nullable=False),
    Column("subject", Text, nullable=False, index=True),
    Column("issued", _BIG, nullable=False),
    Column("until", _BIG, nullable=False),
    Column("stage", _SMALL, nullable=False),
    Column("status", _SMALL, nullable=False, index=True),
    Column("carrier", Text, nullable=False, server_default="wallet"),
    Index("ix_certificates_stage_issued", "stage", "issued"),
    sqlite_strict=True,
)
# Rows are never deleted: an entry that is in this table is never given again.
entries: Final = Table(
    "entries",
    ISSUER,
    Column("list", Integer, ForeignKey("status_lists.number"), nullable=False),
    Column("entry", _BIG, nullable=False),
    Column("certificate", Text, ForeignKey("certificates.id"), nullable=False, index=True),
    Column("digest", LargeBinary, nullable=False),
    PrimaryKeyConstraint("list", "entry"),
    sqlite_strict=True,
)
status_events: Final = Table(
    "status_events",
    ISSUER,
    Column("id", _BIG, primary_key=True),
    Column("certificate", Text, ForeignKey("certificates.id"), nullable=False, index=True),
    Column("at", _BIG, nullable=False),
    Column("status", _SMALL, nullable=False),
    Column("reason", Text, nullable=False),
    sqlite_strict=True,
)

issuer_secrets: Final = Table(
    "issuer_secrets",
    ISSUER,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("secret", LargeBinary, nullable=False),
    sqlite_strict=True,
)
# Codes, tokens and nonces are here as digests.
codes: Final = Table(
    "codes",
    ISSUER,
    Column("digest", LargeBinary, primary_key=True),
    Column("subject", Text, nullable=False),
    Column("configurations", Text, nullable=False),
    Column("until", _BIG, nullable=False, index=True),
    Column("tx_code", LargeBinary),
    Column("tries", _SMALL, nullable=False),
    Column("redeemed", _SMALL, nullable=False),
    sqlite_strict=True,
)
tokens: Final = Table(
    "tokens",
    ISSUER,
    Column("digest", LargeBinary, primary_key=True),
    Column("subject", Text, nullable=False),
    Column("configurations", Text, nullable=False),
    Column("until", _BIG, nullable=False, index=True),
    Column("thumbprint", Text),
    sqlite_strict=True,
)
taken: Final = Table(
    "taken",
    ISSUER,
    Column("digest", LargeBinary, primary_key=True),
    Column("until", _BIG, nullable=False, index=True),
    sqlite_strict=True,
)
failures: Final = Table(
    "failures",
    ISSUER,
    Column("source", LargeBinary, primary_key=True),
    Column("until", _BIG, nullable=False, index=True),
    Column("count", Integer, nullable=False),
    sqlite_strict=True,
)
deferrals: Final = Table(
    "deferrals",
    ISSUER,
    Column("digest", LargeBinary, primary_key=True),
    Column("token", LargeBinary, nullable=False),
    Column("configuration", Text, nullable=False),
    Column("holders", Text, nullable=False),
    Column("due", _BIG, nullable=False),
    Column("until", _BIG, nullable=False, index=True),
    sqlite_strict=True,
)
# ``certificate`` and ``previous`` may name what is not on record: they are taken before it is.
orders: Final = Table(
    "orders",
    ISSUER,
    Column("digest", LargeBinary, primary_key=True),
    Column("holders", LargeBinary, nullable=False),
    Column("certificate", Text, nullable=False),
    Column("previous", Text),
    Column("sealed", LargeBinary),
    Column("until", _BIG, nullable=False, index=True),
    sqlite_strict=True,
)
notifications: Final = Table(
    "notifications",
    ISSUER,
    Column("certificate", Text, ForeignKey("certificates.id"), nullable=False),
    Column("event", Text, nullable=False),
    Column("at", _BIG, nullable=False),
    PrimaryKeyConstraint("certificate", "event"),
    sqlite_strict=True,
)
# Digests under the issuer's secret: neither numbers nor names.
documents: Final = Table(
    "documents",
    ISSUER,
    Column("digest", LargeBinary, nullable=False),
    Column("certificate", Text, ForeignKey("certificates.id"), nullable=False),
    Column("until", _BIG, nullable=False, index=True),
    PrimaryKeyConstraint("digest", "certificate"),
    sqlite_strict=True,
)
issuer_calls: Final = Table(
    "issuer_calls",
    ISSUER,
    Column("name", LargeBinary, primary_key=True),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("answer", LargeBinary),
    Column("until", _BIG, nullable=False, index=True),
    sqlite_strict=True,
)

# -- batches: which of their rows were begun and written; beside the issuer's tables, without a claim of anybody --

BULK: Final = MetaData()
BULK_VERSION: Final = 1

# All names are digests; ``run`` is random and says whose turn it is.
batches: Final = Table(
    "batches",
    BULK,
    Column("name", LargeBinary, primary_key=True),
    Column("run", LargeBinary, nullable=False),
    sqlite_strict=True,
)
batch_rows: Final = Table(
    "batch_rows",
    BULK,
    Column("name", LargeBinary, primary_key=True),
    Column("batch", LargeBinary, nullable=False),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("certificate", Text),
    Column("done", _SMALL, nullable=False),
    sqlite_strict=True,
)

# -- verifier: what keeps an answer from being accepted twice, and lists from going back; what was asked, sealed

VERIFIER: Final = MetaData()
VERIFIER_VERSION: Final = 3

nonces: Final = Table(
    "nonces",
    VERIFIER,
    Column("digest", LargeBinary, primary_key=True),
    Column("until", _BIG, nullable=False, index=True),
    sqlite_strict=True,
)
status_tokens: Final = Table(
    "status_tokens",
    VERIFIER,
    Column("uri", Text, primary_key=True),
    Column("raw", Text, nullable=False),
    Column("issued", _BIG, nullable=False),
    sqlite_strict=True,
)
trust_lists: Final = Table(
    "trust_lists",
    VERIFIER,
    Column("operator", Text, primary_key=True),
    Column("version", _BIG, nullable=False),
    sqlite_strict=True,
)
crls: Final = Table(
    "crls",
    VERIFIER,
    Column("authority", LargeBinary, primary_key=True),
    Column("raw", LargeBinary, nullable=False),
    Column("number", LargeBinary, nullable=False),
    sqlite_strict=True,
)
exchanges: Final = Table(
    "exchanges",
    VERIFIER,
    Column("id", LargeBinary, primary_key=True),
    Column("handle", LargeBinary, nullable=False, unique=True),
    Column("until", _BIG, nullable=False, index=True),
    Column("guarded", _SMALL, nullable=False),
    Column("open", _SMALL, nullable=False),
    Column("record", LargeBinary),
    Column("outcome", Text),
    Column("code", LargeBinary),
    Column("seen", _BIG, nullable=False),
    sqlite_strict=True,
)
exchange_claims: Final = Table(
    "exchange_claims",
    VERIFIER,
    Column("id", LargeBinary, ForeignKey("exchanges.id", ondelete="CASCADE"), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("until", _BIG, nullable=False, index=True),
    sqlite_strict=True,
)
verifier_calls: Final = Table(
    "verifier_calls",
    VERIFIER,
    Column("name", LargeBinary, primary_key=True),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("answer", LargeBinary),
    Column("until", _BIG, nullable=False, index=True),
    sqlite_strict=True,
)

# -- history: what happened to whose data, under names that say nothing; the hashes over it; what was signed -

HISTORY: Final = MetaData()
HISTORY_VERSION: Final = 1

log_head: Final = Table(
    "log_head",
    HISTORY,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("size", _BIG, nullable=False),
    Column("peaks", LargeBinary, nullable=False),
    sqlite_strict=True,
)
log_entries: Final = Table(
    "log_entries",
    HISTORY,
    Column("seq", _BIG, primary_key=True, autoincrement=False),
    Column("subject", Text, nullable=False, index=True),
    Column("entry", LargeBinary, nullable=False),
    sqlite_strict=True,
)
log_nodes: Final = Table(
    "log_nodes",
    HISTORY,
    Column("number", _BIG, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, nullable=False),
    sqlite_strict=True,
)
log_checkpoints: Final = Table(
    "log_checkpoints",
    HISTORY,
    Column("size", _BIG, primary_key=True, autoincrement=False),
    Column("note", LargeBinary, nullable=False),
    sqlite_strict=True,
)

# -- wallet: sealed records; in the clear only random identifiers, keyed tags and counters ----------------

WALLET: Final = MetaData()
WALLET_VERSION: Final = 4

master: Final = Table(
    "master",
    WALLET,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("record", LargeBinary, nullable=False),
    sqlite_strict=True,
)
keys: Final = Table(
    "keys",
    WALLET,
    Column("tag", LargeBinary, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    sqlite_strict=True,
)
held: Final = Table(
    "held",
    WALLET,
    Column("number", _BIG, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("sealed", LargeBinary, nullable=False),
    sqlite_strict=True,
)
copies: Final = Table(
    "copies",
    WALLET,
    Column("id", Text, primary_key=True),
    Column("held", Text, ForeignKey("held.id"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("key", LargeBinary, nullable=False, index=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("uses", Integer, nullable=False),
    Column("audience", LargeBinary, nullable=False),
    Column("mark", LargeBinary, nullable=False),
    UniqueConstraint("held", "position"),
    sqlite_strict=True,
)
history: Final = Table(
    "history",
    WALLET,
    Column("number", _BIG, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("sealed", LargeBinary, nullable=False),
    sqlite_strict=True,
)
receipts: Final = Table(
    "receipts",
    WALLET,
    Column("number", _BIG, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("sealed", LargeBinary, nullable=False),
    sqlite_strict=True,
)
pending: Final = Table(
    "pending",
    WALLET,
    Column("tag", LargeBinary, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    sqlite_strict=True,
)
sightings: Final = Table(
    "sightings",
    WALLET,
    Column("tag", LargeBinary, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    sqlite_strict=True,
)
departures: Final = Table(
    "departures",
    WALLET,
    Column("number", _BIG, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("sealed", LargeBinary, nullable=False),
    sqlite_strict=True,
)
