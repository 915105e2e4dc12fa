"""Every kind is printed, read back and judged: no value of an honest page differs, in either language and style."""

import os

import pytest

from ewallet.formats.paper import Paper
from ewallet.paper import Form, apart, on_paper, pdf
from ewallet.paper.comparison import differences
from ewallet.paper.reading import verify
from ewallet.sheet import is_printable
from ewallet.verdict import Accepted

pytest.importorskip("typst")
pytest.importorskip("pypdfium2")

STEP = 1 if os.environ.get("EWALLET_FULL") else 16


@pytest.mark.sweep
@pytest.mark.parametrize("style", ["standard", "large_print"])
@pytest.mark.parametrize("lang", ["ko", "en"])
def test_an_honest_page_does_not_differ(lang, style, ewallet_kit):
    """What is printed is what is signed, all of it and nothing else, and the code is found on it."""
    found = {}
    for kind in [kind for kind in ewallet_kit.catalog if is_printable(kind)][::STEP]:
        issued = ewallet_kit.issuer.issue_paper(
            kind.id, kind.sample, subject="citizen-1", recipient="가상은행", purpose="대출 심사"
        )
        claims = Paper.open(issued.credential).check_disclosures().claims
        assert claims == on_paper(kind, claims)
        form = Form.of(kind, claims, lang=lang, receiver="가상은행", purpose="대출 심사")
        at = ewallet_kit.clock.now()
        read = apart.apart(pdf(form, credential=issued.credential, code=issued.code, at=at, style=style))
        found[kind.id] = (differences(form, read["pages"]), read["codes"] == [issued.code])

    assert dict.fromkeys(found, ((), True)) == found


@pytest.mark.sweep
def test_a_sealed_page_of_every_kind_is_accepted(ewallet_kit):
    """Issued, printed, sealed, handed in and judged: a counter is told what the issuer signed, whatever the kind."""
    seal = pytest.importorskip("ewallet.paper.seal").seal
    found = {}
    for kind in [kind for kind in ewallet_kit.catalog if is_printable(kind)][STEP // 2 :: STEP]:
        issued = ewallet_kit.issuer.issue_paper(
            kind.id, kind.sample, subject="citizen-1", recipient="가상은행", purpose="대출 심사"
        )
        claims = Paper.open(issued.credential).check_disclosures().claims
        form, at = Form.of(kind, claims, receiver="가상은행", purpose="대출 심사"), ewallet_kit.clock.now()
        file = pdf(form, credential=issued.credential, code=issued.code, at=at)
        raw = seal(file, ewallet_kit.issuer.signer(kind.id), at)
        told = verify(ewallet_kit.verifier, raw, catalog=ewallet_kit.catalog)
        found[kind.id] = (type(told.verdict), told.print, told.differences, _said(told.verdict) == {kind.vct: claims})

    assert dict.fromkeys(found, (Accepted, "compared", (), True)) == found


def _said(verdict):
    return verdict.claims if isinstance(verdict, Accepted) else {}


HOSTILE = {
    "markup": "<script>alert(1)</script> & #set page() $x$ *b* _i_ `c` \\",
    "control": "가상\x07\x1b[31m은행",
    "direction": "가상\u202e행은\u202c\u2066x\u2069",
    "decomposed": "가상은행",
    "long": "가나다라마바사아자차" * 1000,
    "emoji": "가상 \U0001f600 은행",
    "spaces": "  가상   은행  ",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_value_is_read_as_it_was_printed(name, ewallet_kit):
    """Escaped and whole on the page, and therefore found there; one letter less is missed."""
    kind = ewallet_kit.catalog.type("resident_register_copy")
    claims = dict(kind.sample) | {"resident_address": HOSTILE[name]}
    form = Form.of(kind, claims, receiver="가상은행", purpose="대출")
    other = Form.of(kind, claims | {"resident_address": HOSTILE[name][:-2]}, receiver="가상은행", purpose="대출")

    pages = apart.apart(pdf(form, credential="x", code="x", at=ewallet_kit.clock.now()))["pages"]

    assert () == differences(form, pages)
    if name != "spaces":
        assert ("resident_address",) in [each.path for each in differences(other, pages)]
