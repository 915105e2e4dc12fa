"""References to a person: what they are made of, who has none, and how they are asked for."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest

from ewallet import subject
from ewallet.catalog import Catalog
from ewallet.catalog.person import SUBJECT_REF
from ewallet.dcql import ClaimQuery, Query
from ewallet.errors import Malformed, UsageError
from ewallet.records import references
from ewallet.shape import to_base64url
from ewallet.testing.issuance import SampleRecords, invented_ci
from ewallet.type_metadata import describe

CATALOG = Catalog.bundled()
REGISTER, LAND = CATALOG.type("resident_register_copy"), CATALOG.type("land_register")
SALT, CI = bytes(range(32)), invented_ci("somebody")


def test_a_reference_is_the_digest_of_label_salt_and_ci():
    """So that every agency makes the same of them."""
    expected = to_base64url(sha256(b"ewallet subject_ref 1\0" + SALT + CI).digest())
    assert expected == subject.reference(SALT, CI)


def test_a_reference_tells_people_and_salts_apart():
    """Another person, or another rank, has another."""
    made = {subject.reference(salt, ci) for salt in (SALT, bytes(32)) for ci in (CI, invented_ci("another"))}
    assert 4 == len(made)


GUESSED = f"900302{1_000_000}".encode().ljust(64, b"0")


@pytest.mark.parametrize("ci", [b"", CI[:63], CI + b"0", GUESSED, b"0123456789" * 6 + b"0123"], ids=range(5))
def test_connecting_information_that_can_be_guessed_is_refused(ci):
    """Short, long, or a number filled up: who knows the salt could try them all."""
    with pytest.raises(UsageError) as refused:
        subject.reference(SALT, ci)
    assert "issue.invalid_value" == refused.value.code


@pytest.mark.parametrize(
    ("salt", "code"),
    [
        (None, "malformed.claim_type"),
        (7, "malformed.claim_type"),
        ("", "malformed.claim_type"),
        ("=", "malformed.encoding"),
        (to_base64url(bytes(31)), "malformed.claim_type"),
        (to_base64url(bytes(33)), "malformed.claim_type"),
    ],
)
def test_a_salt_of_another_size_or_type_is_refused(salt, code):
    """Whatever a wallet sends."""
    with pytest.raises(Malformed) as refused:
        subject.read_salt(salt)
    assert code == refused.value.code


def test_who_has_no_ci_has_no_reference():
    """A company, and everybody of a register that knows of none."""
    records = SampleRecords(CATALOG, people={"company": None})
    assert {} == references(records, "company", {"k": SALT})
    unknowing: Any = object()
    assert {} == references(unknowing, "somebody", {"k": SALT})
    assert {"k": subject.reference(SALT, CI)} == references(records, "somebody", {"k": SALT})


def test_kinds_about_a_person_have_the_claim_and_no_others():
    """As a disclosure in one format and as an element of the kind's own namespace in the other."""
    assert REGISTER.is_about_person
    assert (SUBJECT_REF,) in REGISTER.disclosable
    assert (REGISTER.doctype, SUBJECT_REF) == REGISTER.elements[SUBJECT_REF]
    assert not LAND.is_about_person
    assert SUBJECT_REF not in LAND.signed
    assert 0 < sum(kind.is_about_person for kind in CATALOG) < len(tuple(CATALOG))


def test_certificates_of_a_loan_are_all_laid_beside_each_other():
    """A trader's tax certificate names no day of birth, and is somebody's all the same."""
    items = CATALOG.bundle("bank_personal_loan").items
    assert [] == [item.type_id for item in items if not CATALOG.type(item.type_id).is_about_person]


def test_no_record_and_no_kind_file_may_have_a_claim_of_that_name():
    """What a register says under this name would be believed as a proof."""
    with pytest.raises(UsageError) as refused:
        REGISTER.check({**REGISTER.sample, SUBJECT_REF: "x"})
    assert "issue.reserved_claim" == refused.value.code


def test_type_metadata_names_it_as_a_disclosure():
    """In both languages; never among what is always visible."""
    (entry,) = [
        each for each in describe(REGISTER, cards="https://x.example")["claims"] if each["path"] == [SUBJECT_REF]
    ]
    assert "always" == entry["sd"]
    assert {"ko", "en"} == {label["locale"] for label in entry["display"]}
    assert not [e for e in describe(LAND, cards="https://x.example")["claims"] if e["path"] == [SUBJECT_REF]]


def test_it_is_asked_of_those_who_have_one():
    """Whoever has none answers without; a claim keeps the name under which a verdict reports it."""
    path = ("household_members", None, "name")
    query = Query.for_type(REGISTER, ["resident_address", path], same_person=True)
    (first,) = query.credentials
    plain, element = Query.for_type(REGISTER, ["resident_address"], same_person=True).credentials

    assert ["resident_address", "household_members.*.name", SUBJECT_REF] == [claim.key for claim in first.claims]
    assert (("resident_address", "--1", SUBJECT_REF), ("resident_address", "--1")) == first.claim_sets
    assert query == Query.parse(query.to_json())
    assert first.asks_who
    assert ClaimQuery(path=(REGISTER.doctype, SUBJECT_REF), id=SUBJECT_REF) in element.claims
    assert ClaimQuery(path=(SUBJECT_REF,), id=SUBJECT_REF) in plain.claims
    assert not Query.for_type(LAND, ["issuing_authority"], same_person=True).credentials[0].asks_who


def test_a_bundle_asks_for_it_where_several_are_about_a_person():
    """Unless it is told not to."""
    bundle = next(b for b in CATALOG.bundles() if sum(CATALOG.type(i.type_id).is_about_person for i in b.items) > 1)
    assert any(asked.asks_who for asked in Query.for_bundle(bundle, CATALOG).credentials)
    assert not any(asked.asks_who for asked in Query.for_bundle(bundle, CATALOG, same_person=False).credentials)
