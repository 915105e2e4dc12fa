"""The tables of a role in a database: made, brought up to date, or refused.

``schema_versions`` says for each role which version its tables have. A new database is made in the newest; an older
one goes through ``ewallet/sql/migrations``, all in one transaction: a process killed on the way leaves it as it was.
"""

from __future__ import annotations

from importlib import import_module
from typing import Final, NoReturn

from sqlalchemy import Connection, MetaData, func, inspect, select, update

from ewallet.errors import StoreError, UsageError
from ewallet.sql.tables import SCHEMA, schema_versions

_LOCK: Final = 0x65776C74  # of PostgreSQL's advisory locks; the number says "ewlt"


def recorded(connection: Connection) -> dict[str, int]:
    """The version of each role's tables; none in a database that is not ours yet."""
    if not inspect(connection).has_table(schema_versions.name):
        return {}
    return {row.role: row.version for row in connection.execute(select(schema_versions))}


def settle(connection: Connection, role: str, tables: MetaData, version: int) -> None:
    """Make or upgrade the tables in this transaction; whoever comes at the same time finds them done."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    SCHEMA.create_all(connection)
    found = connection.scalar(select(schema_versions.c.version).where(schema_versions.c.role == role))
    if found is None:
        _create(connection, tables)
        connection.execute(schema_versions.insert().values(role=role, version=version))
    elif found > version:
        newer(found, version)
    else:
        _migrate(connection, role, found, version)
        connection.execute(update(schema_versions).where(schema_versions.c.role == role).values(version=version))


def touch(connection: Connection, role: str, version: int) -> None:
    """Write the version that is there already, to see whether the database can be written.

    By way of another one: SQLite leaves out a write that changes nothing, and would not notice a full disk.
    """
    written = update(schema_versions).where(schema_versions.c.role == role)
    connection.execute(written.values(version=schema_versions.c.version + 1))
    same = written.values(version=schema_versions.c.version - 1)
    found = connection.scalar(same.returning(schema_versions.c.version))
    if found is None:
        raise StoreError("storage.corrupt", "the tables that were there before are gone")
    if found != version:
        newer(found, version)


def check_whole(connection: Connection) -> None:
    """Return if SQLite finds nothing wrong with its file."""
    if connection.exec_driver_sql("PRAGMA integrity_check(1)").scalar() != "ok":
        raise StoreError("storage.corrupt", "the database is damaged")


def check_tables(connection: Connection, tables: MetaData) -> None:
    """Return if all tables are there."""
    if tables.tables.keys() - _names(connection):
        raise StoreError("storage.corrupt", "a database that lacks some of its tables")


def newer(found: int, known: int) -> NoReturn:
    """Refuse a database that a newer program has written."""
    raise UsageError("usage.configuration", f"the database has schema {found}, this program knows {known}")


def _create(connection: Connection, tables: MetaData) -> None:
    if tables.tables.keys() & _names(connection):
        raise StoreError("storage.corrupt", "a database with such tables already, of which no version is on record")
    tables.create_all(connection)


def _names(connection: Connection) -> set[str]:
    return set(inspect(connection).get_table_names())


def _migrate(connection: Connection, role: str, found: int, version: int) -> None:
    if found == version:
        return
    from alembic.operations import Operations
    from alembic.runtime.migration import MigrationContext

    operations = Operations(MigrationContext.configure(connection))
    for number in range(found + 1, version + 1):
        import_module(f"ewallet.sql.migrations.{role}_{number}").upgrade(operations)
