"""Optional members in real processes: a bank offers them, and a holder ticks them or not."""

from __future__ import annotations

import json

import pytest

from ewallet.catalog import Catalog

pytestmark = pytest.mark.loopback

CATALOG = Catalog.bundled()
LOAN = CATALOG.bundle("bank_personal_loan")
REQUIRED = [item.type_id for item in LOAN.items if item.required]
HOUSEHOLD, PREMIUMS = OPTIONAL = [item.type_id for item in LOAN.items if not item.required]
ASK = ("request", "--bundle", LOAN.id, "--days", "30", "--receipts", "receipts", "--qr", "request.png")
OFFER = ("--optional", HOUSEHOLD, "--optional", PREMIUMS)
LOOPBACK = {"EWALLET_UNSAFE_LOOPBACK": "1"}


@pytest.fixture
def bank(open_bank):
    """A citizen who has what is required, and one of two optional members."""
    return open_bank(*REQUIRED, PREMIUMS)


def _wallet(bank, *arguments, stdin=b""):
    where = (*bank.TRUST, "--data", "data", "--passphrase-file", "passphrase")
    return bank.desk.run("ewallet", *arguments, *where, env=LOOPBACK, stdin=stdin)


def _presented(bank, *how, stdin=b"y\n", lang="en"):
    """How the wallet ended, what the bank was told, and how each member stands."""
    with bank.running(*ASK, *OFFER) as asking:
        bank.desk.drawn("request.png", asking)
        sent = _wallet(bank, "present", "request.png", "--lang", lang, *how, stdin=stdin)
        told, _ = asking.communicate(timeout=60)
    verdict = json.loads(told)
    return sent, verdict, {each["type"]: each["standing"] for each in verdict.get("members", [])}


SHOWN = dict.fromkeys(REQUIRED, "shown")


def test_nothing_optional_is_given_unless_it_is_ticked(bank):
    """The holder reads what is optional and costs nothing, and where to get what they have not."""
    sent, verdict, standings = _presented(bank)
    kind = CATALOG.type(HOUSEHOLD)

    assert (0, "accepted") == (sent.code, verdict["verdict"]), sent.stderr
    assert SHOWN | dict.fromkeys(OPTIONAL, "left_out") == standings
    assert sorted(OPTIONAL) == sorted(verdict["left_out"])
    assert "optional: nothing is lost without it" in sent.stdout
    assert f"1. [ ] {CATALOG.type(PREMIUMS).label('en')}" in sent.stdout
    assert f"- [ ] {kind.label('en')}" in sent.stdout
    assert f"missing: {kind.label('en')} ({kind.agency('en')}, " in sent.stdout
    assert 1 == sent.stdout.count("with this you confirm")
    (kept,) = json.loads(_wallet(bank, "history", "--json").stdout)["receipts"]
    assert [(kind, False) for kind in OPTIONAL] == [(each["type"], each["given"]) for each in kept["optional"]]


@pytest.mark.parametrize(
    ("how", "stdin"), [(("--with", PREMIUMS, "--yes"), b""), ((), b"1\ny\n"), ((), b"1\n1\n1\ny\n")]
)
def test_what_is_ticked_is_given_and_consented_to(bank, how, stdin):
    """By its name, or by its number at the prompt; both sides' receipts, and their words, say so."""
    sent, verdict, standings = _presented(bank, *how, stdin=stdin, lang="ko")
    (text,) = bank.receipts
    (bank.desk.folder / "receipt.json").write_text(text, "utf-8")
    words = bank.receipt("receipt.json", "--text", "--lang", "ko")
    history = _wallet(bank, "history", "--lang", "ko").stdout

    assert (0, "accepted") == (sent.code, verdict["verdict"]), sent.stderr
    assert SHOWN | {PREMIUMS: "shown", HOUSEHOLD: "left_out"} == standings
    assert [HOUSEHOLD] == verdict["left_out"]
    assert f"1. [x] {CATALOG.type(PREMIUMS).label('ko')}" in sent.stdout
    assert "선택 동의입니다. 거부해도 불이익이 없으며" in sent.stdout
    assert "선택 동의입니다." in words.stdout
    assert f"선택 항목 중 제출하지 않은 것: {CATALOG.type(HOUSEHOLD).label('ko')}" in words.stdout
    assert "선택 항목 2건 중 1건 보냄" in history


def test_what_is_not_held_or_not_optional_cannot_be_ticked(bank):
    """The holder is told, nothing is sent, and the request can still be answered."""
    with bank.running(*ASK, *OFFER) as asking:
        bank.desk.drawn("request.png", asking)
        refused = [_wallet(bank, "present", "request.png", "--json", "--with", k) for k in (HOUSEHOLD, REQUIRED[0])]
        sent = _wallet(bank, "present", "request.png", "--yes", "--json")
        asking.communicate(timeout=60)

    assert ["dcql.unsatisfied", "usage.argument"] == [each.document["error"] for each in refused]
    assert (0, {*OPTIONAL}) == (sent.code, {*sent.document["left_out"]}), sent.stderr
    assert (0, 0) == (asking.returncode, len(_wallet(bank, "history", "--json").document["departures"]))


def test_a_member_that_is_required_is_not_offered(bank):
    """The bank hears it before anybody is asked."""
    with bank.running(*ASK, "--optional", REQUIRED[0]) as asking:
        told, _ = asking.communicate(timeout=60)

    assert (2, "usage.argument") == (asking.returncode, json.loads(told)["code"])
