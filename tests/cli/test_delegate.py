"""A person lets somebody else answer a bank, in real processes: two wallets, a file between them, and the bank."""

from __future__ import annotations

import json
from contextlib import contextmanager

import pytest

from ewallet.sql import Database

pytestmark = pytest.mark.loopback

KIND = "resident_register_abstract"
BUNDLE = "car_rental"
CARD = "mobile_driver_license"
CASE = "2026-가상-0001"
AGENT = "성춘향"
LOOPBACK = {"EWALLET_UNSAFE_LOOPBACK": "1"}
NAME = ("--type", KIND, "--claims", "name", "--purpose", "가상 대출 심사")
DELEGATE = ("--acting", "delegate", "--case", CASE)


class Town:
    """A person with certificates, a friend with an empty wallet, and a bank, in one folder."""

    def __init__(self, bank):
        self.bank, self.desk, self.codes = bank, bank.desk, 0
        self.principal = bank.kit.catalog.type(KIND).sample["name"]
        friends = Database(f"sqlite:///{self.desk.folder / 'friends-data' / 'wallet' / 'wallet.db'}")
        friends.wallet("a passphrase of nobody", create=True, unsafe_fast_kdf=True)
        friends.close()
        (self.desk.folder / "key.json").write_text(self.agent("keys").stdout, "ascii")

    @contextmanager
    def asking(self, *question):
        """A clerk of the bank asks; the picture of the code, and the process."""
        self.codes += 1
        picture = f"request-{self.codes}.png"
        with self.bank.running("request", *question, "--state", "sqlite:///bank.db", "--qr", picture) as process:
            self.desk.drawn(picture, process)
            yield picture, process

    def person(self, *arguments, stdin=b"y\n"):
        """The wallet of whom it is about."""
        return self._wallet("data", arguments, stdin)

    def agent(self, *arguments, stdin=b"y\n"):
        """The wallet of their friend."""
        return self._wallet("friends-data", arguments, stdin)

    def _wallet(self, data, arguments, stdin):
        where = (*self.bank.TRUST, "--data", data, "--passphrase-file", "passphrase")
        return self.desk.run("ewallet", *arguments, *where, env=LOOPBACK, stdin=stdin)

    def delegate(self, picture, *more):
        """The person signs over to their friend."""
        made = self.person("delegate", picture, "--to", "key.json", "--name", AGENT, *more)
        assert 0 == made.code, made.stderr
        return made


@pytest.fixture
def town(open_bank):
    """Everybody, and what the bank asks for."""
    return Town(open_bank(KIND, copies=6))


def _judged(bank):
    told, err = bank.communicate(timeout=60)
    return json.loads(told), err


def test_friend_answers_for_a_person_once(town):
    """The verdict and both histories name both people; the second time the delegation is used up."""
    with town.asking(*NAME, *DELEGATE) as (picture, bank):
        made = town.delegate(picture, "--out", "delegation.json", "--lang", "en")
        shown = town.agent("present", picture, "--acting", "delegation.json", "--lang", "en")
        verdict, _ = _judged(bank)
    with town.asking(*NAME, *DELEGATE) as (picture, bank):
        again = town.agent("present", picture, "--acting", "delegation.json")
        refused, _ = _judged(bank)

    assert (0, "accepted", {KIND: {"name": town.principal}}) == (shown.code, verdict["verdict"], verdict["claims"])
    acting = verdict["acting"]
    assert ("delegate", CASE) == (acting["as"], acting["case"])
    assert (town.principal, AGENT) == (acting["principal"]["name"], acting["agent"]["name"])
    people = f"{AGENT} (delegate), on behalf of {town.principal}"
    assert [] == [line for line in (f"delegate: {AGENT} (key ", f"case: {CASE}") if line not in made.stdout]
    assert [] == [line for line in (people, f"case: {CASE}", f": {town.principal}") if line not in shown.stdout]
    assert (0, "replay.response_used") == (again.code, refused["code"])
    assert people in town.person("history", "--lang", "en").stdout
    named = {"as": "delegate", "principal": town.principal, "agent": AGENT}
    assert [named, named] == [each["acting"] for each in json.loads(town.agent("history", "--json").stdout)["sent"]]


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("ko", ["위임받은 대리인이 제출함", f"제출한 사람: {AGENT}", f"사건: {CASE}"]),
        ("en", ["shown by a delegate", f"by: {AGENT}", f"case: {CASE}"]),
    ],
)
def test_clerk_reads_who_stood_there_for_whom(town, lang, words):
    """In words, in the clerk's language; the delegation came as a picture."""
    with town.asking(*NAME, *DELEGATE, "--text", "--lang", lang) as (picture, bank):
        town.delegate(picture, "--qr", "delegation.png")
        town.agent("present", picture, "--acting", "delegation.png")
        told, _ = bank.communicate(timeout=60)
    assert [] == [each for each in (*words, town.principal) if each not in told]


def test_nobody_sends_a_delegation_to_where_it_is_not_for(town):
    """Another case, another query, another wallet, or nobody expected: the friend's wallet refuses before it sends."""
    with town.asking(*NAME, *DELEGATE) as (picture, _):
        town.delegate(picture, "--out", "delegation.json")
        stranger = town.person("present", picture, "--acting", "delegation.json", "--json")
        unnamed = town.agent("present", picture, "--json")
    other = {
        "case": (*NAME, "--acting", "delegate", "--case", "2026-가상-0002"),
        "query": ("--type", KIND, "--claims", "name,birth_date", "--purpose", "가상", *DELEGATE),
        "nobody": NAME,
    }
    codes = {}
    for what, question in other.items():
        with town.asking(*question) as (picture, _):
            codes[what] = town.agent("present", picture, "--acting", "delegation.json", "--json").document["error"]
    expected = {"case": "consent.authority", "query": "consent.authority", "nobody": "usage.argument"}
    assert expected == codes
    assert ("consent.authority", "usage.argument") == (stranger.document["error"], unnamed.document["error"])
    assert [] == json.loads(town.agent("history", "--json").stdout)["sent"]


def _bundle(town, agent=AGENT, case=CASE):
    people = ("--acting", "delegate", "--case", case, "--principal", town.principal, "--agent", agent)
    return ("--bundle", BUNDLE, "--days", "30", "--receipts", "receipts", *people)


def test_consent_through_a_delegate_names_both_and_is_receipted(open_bank):
    """The person reads the consent when they sign over, the friend when they answer; the receipt names both."""
    town = Town(open_bank(CARD, copies=6))
    with town.asking(*_bundle(town)) as (picture, bank):
        signed = town.delegate(picture, "--out", "delegation.json")
        sent = town.agent("present", picture, "--acting", "delegation.json")
        verdict, err = _judged(bank)
    assert (0, "accepted") == (sent.code, verdict["verdict"]), f"{sent.stderr}{err}"
    line = f"대리: {town.principal} 님을 대신하여 {AGENT}"
    assert (True, True) == (line in signed.stdout, line in sent.stdout)

    (kept,) = json.loads(town.agent("history", "--json").stdout)["receipts"]
    receipt = json.loads(town.agent("history", "--receipt", kept["id"]).stdout)
    assert [receipt] == [json.loads(text) for text in town.bank.receipts]
    (town.desk.folder / "receipt.json").write_text(json.dumps(receipt), "utf-8")
    judged = town.bank.receipt("receipt.json").document
    people = {"as": "delegate", "principal": town.principal, "agent": AGENT}
    assert ("accepted", people) == (judged["verdict"], judged["claims"]["acting"])


def test_consent_that_the_person_did_not_give_is_not_given_for_them(open_bank):
    """The consent that the bank asks for names somebody else than the friend: nothing is signed over."""
    town = Town(open_bank(CARD, copies=6))
    with town.asking(*_bundle(town, agent="이가상")) as (picture, _):
        refused = town.person("delegate", picture, "--to", "key.json", "--name", AGENT, "--json")
    assert (1, "consent.authority") == (refused.code, refused.document["error"])
    assert [] == json.loads(town.person("history", "--json").stdout)["sent"]
