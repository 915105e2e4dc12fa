"""The document-number check: what is asked, what is answered, and what is kept for it."""

from __future__ import annotations

from datetime import date, timedelta
from unicodedata import normalize

import pytest

from ewallet.catalog import Catalog
from ewallet.documents import LIFE, MAX_MISSES, MAX_TEXT, WINDOW, Documents
from ewallet.errors import Malformed, UsageError
from ewallet.issuer import Issuer
from ewallet.keys import SigningKey
from ewallet.testing.clock import Clock
from ewallet.testing.pki import Pki
from ewallet.testing.stores import MemoryIssuerStore

KIND = "resident_register_copy"
CATALOG = Catalog.bundled()
SAMPLE = CATALOG.type(KIND).sample
NUMBER, NAME = SAMPLE["document_number"], SAMPLE["subject_name"]
DAY = date.fromisoformat(SAMPLE["issue_date"])


@pytest.fixture
def office():
    """An issuer that has issued one certificate, and its clock."""
    clock, store = Clock(), MemoryIssuerStore()
    pki = Pki.make(at=clock.now(), issuer="https://issuer.example.go.kr")
    issuer = Issuer(
        pki.issuer,
        signers=pki.signers,
        status_signer=pki.status_signer,
        catalog=CATALOG,
        store=store,
        env=clock.env("office"),
    )
    made = issuer.issue(KIND, SAMPLE, subject="s-1", holders=[SigningKey.generate("ES256").public])
    return issuer, clock, made.certificate


MATCHING = {
    "as printed": (NUMBER, NAME, None),
    "with the day": (NUMBER, NAME, DAY),
    "without dashes": (NUMBER.replace("-", ""), NAME, None),
    "with spaces": (f"  {NUMBER.replace('-', '   ')}", " ".join(NAME), None),
    "wide": (NUMBER.translate({ord(digit): ord(digit) + 0xFEE0 for digit in "0123456789-"}), NAME, None),
    "in single letters": (NUMBER, normalize("NFD", NAME), DAY),
}


@pytest.mark.parametrize("how", MATCHING)
def test_a_document_is_found_by_what_is_printed(office, how):
    """However it is typed."""
    number, name, issued = MATCHING[how]

    assert office[0].documents.check(number, name=name, issued=issued)


MISSING = {
    "another number": ("9999-9999-9999-9999", NAME, None),
    "another name": (NUMBER, "성춘향", None),
    "another day": (NUMBER, NAME, DAY + timedelta(days=1)),
    "no name": (NUMBER, "", DAY),
    "a part of the number": (NUMBER[:-1], NAME, None),
    "both in one": (f"{NUMBER}:{NAME}", NAME, None),
    "html": ("<b>1</b>", "<script>", None),
    "controls": ("1\x00\x1b[2J", "\u202e이름", None),
}


@pytest.mark.parametrize("how", MISSING)
def test_anything_else_is_no_match(office, how):
    """Without a word about what was wrong."""
    number, name, issued = MISSING[how]

    assert not office[0].documents.check(number, name=name, issued=issued)


@pytest.mark.parametrize("end", ["revoke", "suspend", "wait"])
def test_what_does_not_hold_any_more_is_no_match(office, end):
    """Revoked, suspended, or 90 days old."""
    issuer, clock, certificate = office
    if end == "wait":
        clock.advance(LIFE)
    else:
        getattr(issuer, end)(certificate.id, reason="a reason")

    assert not issuer.documents.check(NUMBER, name=NAME)


ASKED_WRONGLY = [("", NAME, None), ("---", NAME, DAY), (NUMBER, "", None), (NUMBER, "x" * (MAX_TEXT + 1), None)]


@pytest.mark.parametrize(("number", "name", "issued"), ASKED_WRONGLY)
def test_a_number_alone_is_not_asked_for(office, number, name, issued):
    """Nor an endless one."""
    with pytest.raises(UsageError) as caught:
        office[0].documents.check(number, name=name, issued=issued)

    assert "usage.argument" == caught.value.code


def test_ten_misses_are_enough_of_one_source(office):
    """The eleventh question is not answered, not even a right one; an hour later all begins anew."""
    issuer, clock, _ = office
    for number in range(MAX_MISSES):
        assert not issuer.documents.check(f"number-{number}", name=NAME, source="192.0.2.1")
    with pytest.raises(Malformed) as caught:
        issuer.documents.check(NUMBER, name=NAME, source="192.0.2.1")

    assert "limit.rate" == caught.value.code
    assert issuer.documents.check(NUMBER, name=NAME, source="192.0.2.2")
    clock.advance(WINDOW)
    assert issuer.documents.check(NUMBER, name=NAME, source="192.0.2.1")


def test_ten_misses_are_enough_for_one_number(office):
    """From however many sources, and whether there is a document of that number or not."""
    issuer = office[0]
    for number in (NUMBER, "there is none"):
        for source in range(MAX_MISSES):
            assert not issuer.documents.check(number, name="성춘향", source=f"192.0.2.{source}")
        with pytest.raises(Malformed) as caught:
            issuer.documents.check(number, name=NAME, source="198.51.100.1")

        assert "limit.rate" == caught.value.code


def test_neither_number_nor_name_is_kept():
    """Only digests of 32 bytes, and other ones under another secret."""
    kind, at = CATALOG.type(KIND), Clock().now()
    kept = [
        Documents(MemoryIssuerStore(), env=Clock().env(seed)).entry(kind, SAMPLE, at) for seed in ("one", "another")
    ]

    assert {32} == {len(digest) for entry in kept if entry for digest in entry.digests}
    assert 8 == len({digest for entry in kept if entry for digest in entry.digests})


def test_every_document_can_be_asked_for_and_neither_card_nor_answer(office):
    """Whatever names it says; where it names nobody, by its number and day; without a number not at all."""
    documents, at = office[0].documents, Clock().now()
    kept = {kind.id: documents.entry(kind, kind.sample, at) for kind in CATALOG}

    numberless = {kind.id for kind in CATALOG if kind.category == "mobile_id"} | {"eligibility_answer"}
    assert numberless == {id_ for id_ in kept if kept[id_] is None}
    assert 206 == len(kept)
