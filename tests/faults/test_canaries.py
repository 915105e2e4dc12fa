"""A name that stands on somebody's records, looked for in everything that a portal writes: never there in clear.

The service is a process of its own that logs all there is to log; its database is SQLite or PostgreSQL, whose data
folder is read with its write-ahead log. Folder for temporary files, logs and databases are read before the deletion as
after it: what is sealed before it was ever written cannot be left over anywhere.
"""

from __future__ import annotations

import json
from contextlib import closing

import pytest

from ewallet.env import Env
from ewallet.shape import base64url
from ewallet.sql import Database
from ewallet.testing.canary import found
from ewallet.testing.visit import CITIZEN, IDENTITY, PortalSite, Visit
from ewallet.vault import Vault

pytestmark = pytest.mark.loopback

CANARY = "카나리아 canary-7f3a91"
BUNDLE = "bank_personal_loan"
LOUD = """\
import logging, sys
logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
"""


class Site(PortalSite):
    """A portal with records of one person, keys beside the database or in it, and temporary files of its own."""

    def __init__(self, nursery, town, folder, catalog, *, database, vault):
        super().__init__(nursery, town, folder / "portal", database=database)
        self.vault = vault
        self.folder.mkdir()
        self.temporary = self.folder / "temporary"
        self.temporary.mkdir()
        self.records = folder / "records" / CITIZEN
        self.records.mkdir(parents=True)
        person, canary = json.dumps(catalog.type(IDENTITY).sample["name"]), json.dumps(CANARY)
        for kind in {IDENTITY, *(item.type_id for item in catalog.bundle(BUNDLE).items)}:
            record = json.loads(json.dumps(catalog.type(kind).sample).replace(person, canary))
            (self.records / f"{kind}.json").write_text(json.dumps(record), "utf-8")

    def environment(self, port):
        settings = {"RECORDS": f"folder:{self.records.parent}", "VAULT": self.vault}
        return {
            **super().environment(port),
            **{f"EWALLET_{name}": value for name, value in settings.items()},
            "TMPDIR": str(self.temporary),
        }

    def keys(self):
        """The keys of everybody, as they open what was sealed."""
        master = base64url((self.folder / "issuer" / "vault.key").read_text("ascii").strip())
        with closing(Database(self.vault)) as database, database._engine.reading() as connection:
            names = connection.exec_driver_sql("SELECT subject FROM person_keys").scalars().all()
            vault = Vault(database.keys, master, Env().random)
            return [vault._sealer(name, create=False)._master for name in names]


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.slow)])
def kept(request, tmp_path):
    """Databases of each engine, for what is sealed and for keys, further folders with files, and how to settle."""
    if request.param == "sqlite":
        files = [tmp_path / "portal" / f"{name}.db" for name in ("portal", "keys")]
        return *(f"sqlite:///{file}" for file in files), [], lambda: None
    server = request.getfixturevalue("postgres")
    return server.empty(), server.empty(), [server.data], server.settle


def test_a_name_on_record_is_nowhere_in_clear(kept, nursery, town, tmp_path, ewallet_catalog):
    """Neither before nor after the deletion: databases, their logs, temporary files, what was logged (I10, MYD-11)."""
    database, vault, further, settle = kept
    with closing(Site(nursery, town, tmp_path, ewallet_catalog, database=database, vault=vault)) as site:
        site.start(before=LOUD)
        visit = Visit(site, site.wallet())
        assert visit.go_on("package"), site.log
        members = [member.payload for member in visit.heard["package"].evidence()]
        assert CANARY in json.dumps(members, ensure_ascii=False)
        assert all(CANARY in visit.exported(format_id).decode() for format_id in ("json", "csv"))
        keys = site.keys()
        settle()
        words = (CANARY, "canary-7f3a91", visit.heard["package"].members[0])
        assert [] == [hit for folder in (site.folder, *further) for hit in found(folder, *words, *keys)]
        consent_id = visit.heard["granted"].consent_id
        assert all(found(folder, consent_id) for folder in (further or [site.folder])), "what is looked through"
        assert [] != keys
        assert "DEBUG" in site.log

        assert visit.go_on(), site.log
        settle()
        assert [] == [hit for folder in (site.folder, *further) for hit in found(folder, *words, *keys)]
        assert [] == [*site.temporary.iterdir()]
        assert not {*keys} & {*site.keys()}
