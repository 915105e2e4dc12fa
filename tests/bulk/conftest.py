"""An issuer with a memory of batches, and rows for it."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from ewallet.bulk import Batch, Desk, Row, Spool, Terms, batch_digest
from ewallet.catalog import Catalog
from ewallet.env import Env
from ewallet.issuance import Issuance
from ewallet.issuer import Issuer
from ewallet.keys import SigningKey
from ewallet.sql import Database
from ewallet.testing.clock import Clock
from ewallet.testing.issuance import SampleRecords
from ewallet.testing.pki import Pki

KIND = "resident_register_copy"


@pytest.fixture(params=["sqlite", "postgres"])
def bulk_url(request, tmp_path):
    """An empty database of each engine."""
    if request.param == "postgres":
        return request.getfixturevalue("postgres").empty()
    return f"sqlite:///{tmp_path}/bulk.db"


@dataclass
class Office:
    """One issuer, its database and a folder for what it writes."""

    url: str
    folder: Path
    env: Env
    pki: Pki
    list_size: int = 1 << 12

    @cached_property
    def database(self):
        """The database, opened."""
        return Database(self.url, env=self.env)

    @cached_property
    def desk(self):
        """A desk with offers, whose records say the sample of every kind."""
        catalog = Catalog.bundled()
        issuer = Issuer(
            self.pki.issuer,
            signers=self.pki.signers,
            status_signer=self.pki.status_signer,
            catalog=catalog,
            store=self.database.issuer,
            env=self.env,
            list_size=self.list_size,
        )
        records = SampleRecords(catalog)
        issuance = Issuance(issuer, records=records, store=self.database.issuance, env=self.env)
        return Desk(issuer=issuer, records=records, store=self.database.bulk, issuance=issuance, env=self.env)

    def batch(self, name="a batch", **options):
        """A batch at that desk."""
        terms = Terms(batch=batch_digest(name), **options.pop("terms", {}))
        return Batch(terms=terms, make=lambda: self.desk, **options)

    def run(self, rows, *, output="issued.jsonl", tx_codes="codes.jsonl", **options):
        """The results of a whole run."""
        with Spool(self.folder / output, tx_codes=self.folder / tx_codes) as spool:
            results = list(self.batch(**options).run(rows, spool))
            spool.finish()
        return results

    def lines(self, output="issued.jsonl"):
        """What was written."""
        return [json.loads(line) for line in (self.folder / output).read_text("utf-8").splitlines()]

    def select(self, statement):
        """Rows of the database."""
        with self.database._engine.reading() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(statement)]

    def counts(self):
        """How many certificates are issued, how many there are at all, and how many entries were given."""
        issued = self.select("SELECT count(*) FROM certificates WHERE stage = 1")
        return (
            issued[0][0],
            self.select("SELECT count(*) FROM certificates")[0][0],
            self.select("SELECT count(*) FROM entries")[0][0],
        )


@pytest.fixture(scope="session")
def bulk_pki():
    """One PKI for all."""
    return Pki.make(at=Clock().now())


@pytest.fixture
def office(bulk_url, bulk_pki, tmp_path):
    """An issuer on an empty database."""
    office = Office(bulk_url, tmp_path, Clock().env("bulk"), bulk_pki)
    with closing(office.database):
        yield office


def row(number: int, **changed: Any) -> Row:
    """The row of that number; two copies for keys of its own."""
    keys = tuple(SigningKey.generate().public.jwk for _ in range(2))
    members = {"id": f"row-{number}", "subject": f"citizen-{number}", "type_id": KIND, "format_id": "dc+sd-jwt"}
    return Row(**{"number": number, "keys": keys, **members, **changed})


@pytest.fixture
def rows():
    """Ten of them."""
    return [row(number) for number in range(1, 11)]


@pytest.fixture
def new_row():
    """Makes a row."""
    return row
