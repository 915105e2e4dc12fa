"""How far logs of use were signed: kept in the database of the keys, which is not restored with that of the log."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, MetaData, Table, Text, select

from ewallet.history import Head
from ewallet.sql.engine import Engine, insert_into

HEADS: Final = MetaData()
HEADS_VERSION: Final = 1

_BIG: Final = BigInteger().with_variant(Integer, "sqlite")

signed_heads: Final = Table(
    "signed_heads",
    HEADS,
    Column("log", Text, primary_key=True),
    Column("origin", Text, nullable=False),
    Column("size", _BIG, nullable=False),
    Column("root", LargeBinary, nullable=False),
    sqlite_strict=True,
)


class SqlHeads:
    """An :class:`ewallet.history.log.Heads`."""

    def __init__(self, engine: Engine) -> None:
        engine.prepare("heads", HEADS, HEADS_VERSION)
        self._engine = engine

    def newest(self, log: str) -> Head | None:
        asked = select(signed_heads.c.origin, signed_heads.c.size, signed_heads.c.root).where(signed_heads.c.log == log)
        with self._engine.glancing() as connection:
            row = connection.execute(asked).first()
            return None if row is None else Head(row.origin, int(row.size), bytes(row.root))

    def remember(self, log: str, head: Head) -> None:
        kept = {"origin": head.origin, "size": head.size, "root": head.root}
        with self._engine.writing() as connection:
            put = insert_into(signed_heads, connection).values(log=log, **kept)
            newer = signed_heads.c.size < head.size
            connection.execute(put.on_conflict_do_update(index_elements=["log"], set_=kept, where=newer))
