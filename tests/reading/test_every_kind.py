"""Every kind is printed and read back: no value of an honest page differs, in either language and style."""

import os

import pytest

from ewallet.formats.paper import Paper
from ewallet.paper import Form, apart, on_paper, pdf
from ewallet.paper.comparison import differences

pytest.importorskip("typst")
pytest.importorskip("pypdfium2")

STEP = 1 if os.environ.get("EWALLET_FULL") else 16


@pytest.mark.sweep
@pytest.mark.parametrize("style", ["standard", "large_print"])
@pytest.mark.parametrize("lang", ["ko", "en"])
def test_an_honest_page_does_not_differ(lang, style, ewallet_kit):
    """What is printed is what is signed, all of it and nothing else, and the code is found on it."""
    found = {}
    for kind in list(ewallet_kit.catalog)[::STEP]:
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
