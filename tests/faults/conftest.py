"""An issuer's and a bank's service as processes of their own, on databases of their own, to be ill-treated."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from hashlib import sha256

import pytest

from ewallet import collection
from ewallet.credential import StatusRef
from ewallet.env import Env
from ewallet.sql import Database
from ewallet.testing.nursery import Nursery
from ewallet.testing.sites import IMPORTS, BankSite, IssuerSite, Town


@pytest.fixture(params=["sqlite", "postgres"])
def fault_url(request, tmp_path):
    """An empty database of each engine."""
    if request.param == "postgres":
        return request.getfixturevalue("postgres").empty()
    return f"sqlite:///{tmp_path}/service.db"


@pytest.fixture(scope="package")
def nursery():
    """The process that services are forked from."""
    with closing(Nursery(*IMPORTS)) as nursery:
        yield nursery


@pytest.fixture(scope="package")
def town(tmp_path_factory):
    """One PKI for all tests."""
    return Town.make(tmp_path_factory.mktemp("town") / "keys")


@pytest.fixture
def issuer(nursery, town, tmp_path):
    """The issuer's service, not started, without a database yet."""
    with closing(IssuerSite(nursery, town, tmp_path)) as site:
        yield site


@pytest.fixture
def bank(nursery, town, tmp_path):
    """The bank's service, not started, without a database yet."""
    with closing(BankSite(nursery, town, tmp_path)) as site:
        yield site


# -- what wallets were told, and what is on disk ---------------------------------------------------------------

ISSUED = 1  # the stage of a certificate whose copies may have left


@dataclass
class Ledger:
    """A checker of I1 to I4: ``told`` are the copies of each credential response that a wallet has received.

    ``unknown`` counts the credential requests whose answers were lost: done, or not, and nothing in between.
    """

    site: IssuerSite
    told: list[Sequence[str]] = field(default_factory=list)
    unknown: int = 0

    def check(self):
        """Compare; the number of certificates on disk."""
        with closing(Database(self.site.database)) as database, database._engine.reading() as connection:
            stages = dict(tuple(row) for row in connection.exec_driver_sql("SELECT id, stage FROM certificates"))
            rows = connection.exec_driver_sql(
                "SELECT uri, entry, certificate, digest FROM entries JOIN status_lists ON list = number"
            ).all()
        entries = {bytes(digest): (uri, entry, certificate) for uri, entry, certificate, digest in rows}
        given = [(uri, entry) for uri, entry, _, _ in rows]
        assert len(given) == len(set(given)), "an entry was given twice (I2)"
        self._check_told(stages, entries)
        assert {id_ for _, _, id_ in entries.values()} == set(stages), "a certificate without entries"
        issued = sum(stage == ISSUED for stage in stages.values())
        assert len(self.told) <= len(stages) <= len(self.told) + self.unknown, "acknowledged <= stored <= begun (I1)"
        return issued

    def _check_told(self, stages, entries):
        trust, at = self.site.town.pki.trust_list(), Env().now()
        seen = []
        for raws in self.told:
            owners = set()
            for raw in raws:
                credential = collection.check(raw, trust, at)
                uri, entry, owner = entries[_digest(raw)]
                assert credential.status == StatusRef(uri, entry), "another entry than is on record (I4)"
                owners.add(owner)
                seen.append((uri, entry))
            (owner,) = owners
            assert ISSUED == stages[owner], "received, and not on record as issued (I1)"
        assert len(seen) == len(set(seen)), "two copies with one entry (I2)"


def _digest(raw):
    """Of what was signed, as it was recorded before that."""
    return sha256(raw.partition("~")[0].rpartition(".")[0].encode("ascii")).digest()


@pytest.fixture
def ledger(issuer):
    """What the wallets of a test were told."""
    return Ledger(issuer)
