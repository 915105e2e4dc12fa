"""What an issuer publishes about its kinds holds together, and is read as strictly as that of others."""

from __future__ import annotations

import json

import pytest

from ewallet import card
from ewallet.catalog import Catalog
from ewallet.errors import NotFound
from ewallet.type_documents import TypeDocuments
from ewallet.type_metadata import TypeMetadata, check_integrity

CATALOG = Catalog.bundled()
ISSUER = "https://issuer.example.go.kr"
DOCUMENTS = TypeDocuments(CATALOG, ISSUER)
every_kind = pytest.mark.parametrize("kind", [pytest.param(kind, id=kind.id) for kind in CATALOG])


@every_kind
def test_description_is_read_back_and_leads_to_its_cards(kind):
    """Both languages, a card in light and in dark for each, unchanged since it was described."""
    raw = DOCUMENTS.metadata(kind.vct).body
    read = TypeMetadata.read({kind.vct: raw}, kind.vct)
    assert [kind.label("ko"), kind.label("en")] == [entry["name"] for entry in read.display]
    for entry in read.display:
        templates = entry["rendering"]["svg_templates"]
        assert ["light", "dark"] == [template["properties"]["color_scheme"] for template in templates]
        for template in templates:
            name = template["uri"].removeprefix(f"{ISSUER}/cards/")
            check_integrity(DOCUMENTS.card(name).body, template["uri#integrity"])


@every_kind
def test_card_of_the_sample_is_drawn(kind):
    """Every placeholder has a claim of the description behind it, and the value of the sample in its place."""
    read = TypeMetadata.read({kind.vct: DOCUMENTS.metadata(kind.vct).body}, kind.vct)
    values = read.placeholders(kind.sample)
    drawing = card.filled(card.template(kind, card.LOOKS[0]).decode(), values)
    assert "{{" not in drawing
    assert set(values) == {card.svg_id(claim) for claim in card.drawn(kind)}
    assert kind.sample.get("issue_date") == values.get("issue_date")


def test_withheld_claim_leaves_its_place_empty():
    """A card of a presentation that shows less."""
    kind = CATALOG.type("resident_register_copy")
    read = TypeMetadata.read({kind.vct: DOCUMENTS.metadata(kind.vct).body}, kind.vct)
    assert {"issue_date": "2026-11-21"} == {
        n: v for n, v in read.placeholders({"issue_date": "2026-11-21"}).items() if v
    }


def test_claims_are_described_once_with_labels_in_both_languages():
    """All that is disclosed by itself, rows and yes/no answers too."""
    kind = CATALOG.type("resident_register_copy")
    document = json.loads(DOCUMENTS.metadata(kind.vct).body)
    described = {tuple(claim["path"]): claim for claim in document["claims"]}
    labels = [{"locale": "ko", "label": "세대주 여부"}, {"locale": "en", "label": "Holder is the head of household"}]
    assert {"path": ["is_householder"], "display": labels, "sd": "always"} == described["is_householder",]
    assert described["subject_name",]["mandatory"] is True
    assert kind.disclosable <= described.keys() | {path for path in kind.disclosable if path[-1] is None}


def test_documents_are_public():
    """A wallet in a browser may read them, and keep them a while."""
    for response, media_type in (
        (DOCUMENTS.metadata("urn:example:kr-ewallet:resident_register_copy:1"), "application/json"),
        (DOCUMENTS.card("resident_register_copy.ko.light.svg"), "image/svg+xml"),
    ):
        assert media_type == response.headers["content-type"]
        assert ("*", "public, max-age=300") == (
            response.headers["access-control-allow-origin"],
            response.headers["cache-control"],
        )


@pytest.mark.parametrize(
    "name",
    ["", "x", "resident_register_copy", "resident_register_copy.ko.light", "../x.ko.light.svg", "x.ko.light.svg"],
)
def test_card_that_is_none_is_not_found(name):
    """No other file is behind a name."""
    with pytest.raises(NotFound) as caught:
        DOCUMENTS.card(name)
    assert "storage.not_found" == caught.value.code


def test_doctype_has_no_description():
    """Type metadata is about a `vct`."""
    with pytest.raises(NotFound) as caught:
        DOCUMENTS.metadata("example.kr-ewallet.resident_register_copy.1")
    assert "storage.not_found" == caught.value.code
