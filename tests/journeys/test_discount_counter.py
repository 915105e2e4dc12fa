"""A discount at a public facility (자격확인): the counter learns yes and by which rule, and nobody learns why.

The issuer keeps its databases in files, so that what is written can be looked at, whoever was answered.
"""

from __future__ import annotations

import json
import logging
import sqlite3
from contextlib import closing
from dataclasses import replace
from shutil import copy, copytree
from typing import Any

import pytest

from ewallet.catalog import Catalog
from ewallet.dcql import Query
from ewallet.eligibility import KIND, NO, YES, EligibilityRecords
from ewallet.errors import NotFound, ProtocolError, QueryError, TransportError
from ewallet.issuance import Issuance
from ewallet.issuer import Issuer
from ewallet.recipients import ANSWERS
from ewallet.sql import Database
from ewallet.testing.clock import Clock
from ewallet.testing.history import Register
from ewallet.testing.kit import SUBJECT, Kit
from ewallet.testing.mydata import World
from ewallet.testing.network import Network
from ewallet.testing.peers import VerifierPeer
from ewallet.testing.stores import MemoryWalletStore
from ewallet.verdict import Accepted
from ewallet.wallet import Wallet

RULE = "public_facility_discount"
CANARY = "2015-05-05"  # since when somebody is disabled
SOURCES = {"disabled_person_certificate", "is_disabled", "disability_registration_date", CANARY}
DOWN = "national_merit_certificate"

#: What makes somebody eligible; the last is none of it.
PEOPLE = {
    "disabled": {"disabled_person_certificate": {"disability_registration_date": CANARY}},
    "old": {"resident_register_abstract": {"birth_date": "1950-01-01"}},
    "both": {
        "disabled_person_certificate": {"disability_registration_date": CANARY},
        "resident_register_abstract": {"birth_date": "1950-01-01"},
    },
    "neither": {},
}


class Welfare:
    """One person's records; ``down`` while an agency is not to be reached, ``asked`` are the kinds in order."""

    def __init__(self, record):
        self.record = record
        self.down = False
        self.asked = []

    def claims(self, _subject, type_id):
        self.asked.append(type_id)
        if self.down and type_id == DOWN:
            raise TransportError("fetch.unavailable", "the records answered 503")
        if type_id in self.record:
            return self.record[type_id]
        raise NotFound("storage.not_found", "nothing is on record")


class Office:
    """An eligibility issuer that answers for the records that it is given, and everybody around it.

    Its keys and certificates are those of ``base``, and its dice fall alike for everybody.
    """

    def __init__(self, folder, records, base):
        folder.mkdir()
        self.database, self.keys = (Database(f"sqlite:///{folder}/{name}.db") for name in ("issuer", "keys"))
        self.folder, self.records, self.sent = folder, records, []
        self.kit = _another(base, self.database.issuer)
        log: Any = self.database.history  # any log will do, but for tests that look into one in memory
        register = Register(clock=self.kit.clock, store=log)
        self.world = World.make(kit=self.kit, register=register, store=self.database.mydata, keys=self.keys.keys)
        answers = EligibilityRecords(records, self.kit.catalog, inbox=self.world.mydata, env=self.kit.env)
        self.rule = self.kit.catalog.rule(RULE)
        self.issuance = Issuance(self.kit.issuer, records=answers, store=self.database.issuance, env=self.kit.env)
        self.kit.network.route(f"{self.kit.issuer.identifier}/", self._answered)
        self.kit.network.route(f"{self.kit.issuer.identifier}/status/", self.issuance)

    def _answered(self, request):
        response = self.issuance(request)
        if request.method == "POST":
            self.sent.append((request.url.rpartition("/")[2], response.status, len(response.body)))
        return response

    def accept(self, format_id="dc+sd-jwt", copies=2):
        """What the wallet gets for an offer of the answer."""
        offered = self.issuance.offer(self.rule.asked, subject=SUBJECT, format_id=format_id)
        return self.kit.wallet.accept(offered.offer.uri, copies=copies)

    def collect(self):
        """What it gets when it comes again, as soon as it may."""
        (pending,) = self.kit.wallet.pending
        self.kit.clock.set(pending.due)
        return self.kit.wallet.collect()

    def past(self):
        """What happened to the person's data, and how it went."""
        return [(past.party, past.entry.event.type) for past in self.world.mydata.history(SUBJECT)]

    def query(self):
        """What a counter asks: a yes to the rule as it is now."""
        return Query.for_rule(self.rule, self.kit.catalog.type(KIND))

    def tables(self):
        """Every row of both databases by table: how long each column is, and what is a number."""
        return {
            (name, table): sorted(map(_outline, _rows(self.folder / name, table)))
            for name in ("issuer.db", "keys.db")
            for table in _tables(self.folder / name)
        }


def _another(base, store):
    """An issuer with the same keys and another store, and who has to do with it."""
    clock, network = Clock(), Network()
    env, trust = clock.env(), base.pki.trust_list()
    keys = {"signers": base.pki.signers, "status_signer": base.pki.status_signer}
    issuer = Issuer(base.issuer.identifier, **keys, catalog=base.catalog, store=store, env=env)
    wallet = Wallet(store=MemoryWalletStore(), trust=trust, send=network, catalog=base.catalog, env=env)
    made = replace(base, clock=clock, env=env, network=network, issuer=issuer, issuer_store=store, wallet=wallet)
    return replace(made, verifier=made.another_verifier())


def _tables(file):
    with closing(sqlite3.connect(file)) as found:
        return sorted(name for (name,) in found.execute("select name from sqlite_master where type = 'table'"))


def _rows(file, table):
    with closing(sqlite3.connect(file)) as found:
        return found.execute(f'select * from "{table}"').fetchall()  # noqa: S608 - a name from the schema


def _outline(row):
    return tuple(len(value) if isinstance(value, str | bytes) else value is None for value in row)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """Keys, and of the catalogue what the rules are about: what the issuer has is read in a moment then."""
    whole, folder = Catalog.bundled(), tmp_path_factory.mktemp("schemas")
    copytree(whole.folder / "rules", folder / "rules")
    for type_id in {KIND, *(branch.type_id for rule in whole.rules() for branch in rule.branches)}:
        (file,) = whole.folder.glob(f"types/*/{type_id}.json")
        (folder / "types" / file.parent.name).mkdir(parents=True, exist_ok=True)
        copy(file, folder / "types" / file.parent.name)
    return Kit.make(catalog=Catalog.load(folder))


@pytest.fixture
def office(tmp_path, base):
    """Opens an office for one of these people."""
    opened = []

    def open_(name):
        opened.append(Office(tmp_path / name, Welfare(PEOPLE[name]), base))
        return opened[-1]

    yield open_
    for each in opened:
        each.database.close()
        each.keys.close()


# -- what a counter learns -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("format_id", ["dc+sd-jwt", "mso_mdoc"])
def test_the_counter_learns_yes_and_by_which_rule(office, format_id):
    """In either format, and nothing that would say why; not even which documents there were."""
    here = office("disabled")
    here.accept(format_id)
    counter = VerifierPeer(here.kit)
    request = here.kit.wallet.open(counter.ask(here.query()))
    here.kit.wallet.answer(request, here.kit.wallet.match(request.query))
    verdict = counter.verdict()
    assert isinstance(verdict, Accepted)
    assert {KIND: {"rule": RULE, "version": 1, "answer": YES}} == verdict.claims
    assert not [source for source in SOURCES if source in json.dumps(verdict.to_json())]


def test_a_no_is_seen_by_the_holder_and_by_nobody_else(office):
    """The wallet shows it as soon as it has it, and has nothing for a counter that asks for a yes."""
    here = office("neither")
    (document,) = here.accept()
    counter = VerifierPeer(here.kit)
    request = here.kit.wallet.open(counter.ask(here.query()))
    with pytest.raises(QueryError) as refused:
        here.kit.wallet.match(request.query)
    assert (NO, "dcql.unsatisfied") == (document.credential.claims["answer"], refused.value.code)
    assert 2 == here.kit.wallet.get(document.id).copies_left


def test_an_answer_is_for_its_own_rule_only(office):
    """A yes to one rule is nothing to a counter that asks about another."""
    here = office("disabled")
    here.accept()
    other = Query.for_rule(here.kit.catalog.rule("museum_free_admission"), here.kit.catalog.type(KIND))
    with pytest.raises(QueryError) as refused:
        here.kit.wallet.match(other)
    assert "dcql.unsatisfied" == refused.value.code


# -- what the person is told ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", PEOPLE)
def test_every_answer_leaves_a_notice_and_an_entry(office, who):
    """The five fields, with all that was looked at and not what it said; one for each answer, in the log as well."""
    here = office(who)
    here.accept()
    here.accept()
    notices = here.world.mydata.notices(SUBJECT)
    assert [(ANSWERS, "eligibility.answered")] * 2 == here.past()
    assert [notice.seq for notice in notices] == [
        past.entry.seq for past in reversed(here.world.mydata.history(SUBJECT))
    ]
    first = notices[0]
    assert (SUBJECT, "자격확인 시스템") == (first.person, first.recipient.names["ko"])
    assert (here.rule.names, here.kit.clock.now()) == (first.purposes, first.at)
    assert len(here.rule.branches) == len(first.information["ko"].splitlines())
    assert "장애인증명서: 등록장애인 여부 (예/아니요만)" in first.information["ko"].splitlines()


def test_while_an_agency_is_down_the_wallet_waits_and_nothing_is_on_record(office):
    """However often it comes, and although all the others were asked; once it is answered, that is on record once."""
    here = office("disabled")
    here.records.down = True
    assert () == here.accept()
    assert [(), (), []] == [here.collect(), here.collect(), here.past()]
    assert [] == list(here.world.mydata.notices(SUBJECT))
    here.records.down = False
    (document,) = here.collect()
    assert YES == document.credential.claims["answer"]
    assert [(ANSWERS, "eligibility.answered")] == here.past()
    assert 1 == len(here.world.mydata.notices(SUBJECT))


def test_a_person_whose_data_is_being_deleted_is_not_answered(office):
    """Nothing is kept for them, so there could be no notice: the wallet is refused, and no certificate is issued."""
    here = office("disabled")
    here.accept()
    offered = here.issuance.offer(here.rule.asked, subject=SUBJECT)
    with closing(sqlite3.connect(here.folder / "issuer.db")) as found:
        found.execute("insert into mydata_erasures (id, subject, at, blinding) values ('e', ?, 0, x'')", (SUBJECT,))
        found.commit()
    with pytest.raises(ProtocolError) as refused:
        here.kit.wallet.accept(offered.offer.uri)
    assert "offer.refused" == refused.value.code
    assert 1 == len(here.kit.issuer.certificates(SUBJECT))


# -- what others could tell ----------------------------------------------------------------------------------------


def _seen(office, who, *, down):
    """All that whoever stands beside the wire, the disks or the log sees of one answer."""
    here = office(who)
    here.records.down = down
    received = here.accept("dc+sd-jwt")
    received += here.accept("mso_mdoc")
    return {"sent": here.sent, "received": len(received), "asked": here.records.asked, "tables": here.tables()}


@pytest.mark.parametrize("down", [False, True], ids=["up", "down"])
def test_answers_look_the_same_from_outside(office, caplog, down):
    """MYD-21: messages, credentials, rows, log lines and what agencies are asked, whichever branch is true or none."""
    caplog.set_level(logging.DEBUG)
    seen, said = {}, {}
    for who in PEOPLE:
        caplog.clear()
        seen[who] = _seen(office, who, down=down)
        said[who] = [(record.name, record.levelno, record.getMessage()) for record in caplog.records]
    expected = seen["neither"]
    assert len(expected["asked"]) == 2 * 6
    assert dict.fromkeys(PEOPLE, expected) == seen
    assert dict.fromkeys(PEOPLE, said["neither"]) == said


@pytest.mark.parametrize("who", PEOPLE)
def test_neither_value_nor_source_is_kept(office, tmp_path, who):
    """MYD-21: no byte of what the issuer writes names a source or says what it said."""
    office(who).accept()
    written = b"".join(path.read_bytes() for path in sorted(tmp_path.rglob("*")) if path.is_file())
    assert KIND.encode() in written
    assert [] == [source for source in SOURCES if source.encode() in written]
