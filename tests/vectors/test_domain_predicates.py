"""The domain's own answers: 69 yes/no questions about the samples of 13 kinds, each in the file of its kind."""

from __future__ import annotations

from datetime import date

import pytest
import yaml  # type: ignore[import-untyped]

from ewallet.catalog import PredicateVector

KINDS = 205
VECTORS = 69
CARDS = 16
STALE = {"age_in_years"}  # no longer true on a birthday within a copy's life: the age rungs answer instead


def _vectors(described):
    """The vectors of one file of the domain, as a kind has them."""
    return [
        PredicateVector(
            predicate=each["predicate"],
            params=each["params"],
            as_of=date.fromisoformat(str(each["as_of"])),
            expected=each["expected"] in (True, "Y"),
        )
        for each in described.get("predicate_test_vectors", [])
    ]


@pytest.mark.vectors("domain/fields/*.yaml", count=KINDS)
def test_every_answer_of_the_domain_is_in_the_file_of_its_kind(vector, ewallet_catalog):
    """With the same question, parameters, day and answer."""
    described = yaml.safe_load(vector.read_text(encoding="utf-8"))
    kind = ewallet_catalog.type(described["id"])
    assert [] == [each for each in _vectors(described) if each not in kind.vectors]


@pytest.mark.vectors("domain/fields/*.yaml", count=KINDS)
def test_kind_says_what_the_domain_says(vector, ewallet_catalog):
    """Names, law and standing; nothing stands firmer here than where it comes from."""
    described = yaml.safe_load(vector.read_text(encoding="utf-8"))
    kind = ewallet_catalog.type(described["id"])
    standing = described["fields_confidence"]
    assert (described["name_ko"], described["name_en"]) == (kind.label("ko"), kind.label("en"))
    assert (described["legal_basis"], described["category"]) == (kind.legal_basis, kind.category)
    assert ("draft" if standing == "memory" else standing) == kind.standing
    assert described["credential"]["vct"] == kind.vct


@pytest.mark.vectors("domain/mobile_ids.yaml", count=1)
def test_a_mobile_id_has_its_elements_where_the_domain_has_them(vector, ewallet_catalog):
    """Claims and answers alike, by namespace and element."""
    cards = yaml.safe_load(vector.read_text(encoding="utf-8"))["cards"]
    listed = {
        (card["id"], each["claim"]): (each["namespace"], each["element"]) for card in cards for each in card["map"]
    }
    wanted = {place: element for place, element in listed.items() if place[1] not in STALE}
    found = {(kind, claim): ewallet_catalog.type(kind).elements.get(claim) for kind, claim in listed}

    assert CARDS == len(cards)
    assert wanted == {place: element for place, element in found.items() if element is not None}


def test_no_answer_was_lost(ewallet_catalog):
    """As many as the domain has."""
    assert VECTORS <= sum(len(kind.vectors) for kind in ewallet_catalog)
