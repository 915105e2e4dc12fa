"""A certificate on paper, as citizens download it, and as nobody should (MYD-17 for what is downloaded)."""

from __future__ import annotations

import re
from email.message import Message
from typing import Any
from urllib.parse import unquote

import pytest

from ewallet.errors import UsageError
from ewallet.testing.caller import KIND
from issuer_service import printing
from issuer_service.downloads import attachment

HTML = {"accept": "text/html"}
FORM = {"recipient": "가상은행", "purpose": "대출 심사", "shape": "text", "language": "ko"}
PAPER = f"/kinds/{KIND}/paper"
TYPES = {
    "pdf": "application/pdf",
    "large": "application/pdf",
    "page": "text/html; charset=utf-8",
    "text": "text/plain; charset=utf-8",
}
needs_paper = pytest.mark.skipif(not printing.is_available(), reason="the extra paper is absent: nothing is drawn")


@pytest.fixture
def signed_in(site):
    """A citizen who is signed in."""
    site.sign_in()
    return site


def _print(site, **changes):
    form = {"csrf": site.csrf, **FORM, **changes}
    return site.browser.post(PAPER, data=form, headers=HTML, follow_redirects=False)


def _issued(site):
    return len(site.service.issuer.certificates("hong"))


@needs_paper
@pytest.mark.parametrize("shape", TYPES)
def test_a_certificate_is_printed_in_each_shape(signed_in, shape):
    """Kept by nobody on its way, listed, and revoked like any other."""
    answer = _print(signed_in, shape=shape)
    listed = signed_in.page("/my/certificates")
    (id_,) = re.findall(r'action="/my/certificates/([^/]+)/revoke"', listed)

    assert (200, TYPES[shape], "no-store") == (
        answer.status_code,
        answer.headers["content-type"],
        answer.headers["cache-control"],
    )
    assert "증명서를 폐지했습니다." in signed_in.page(f"/my/certificates/{id_}/revoke", reason="lost")


@pytest.mark.parametrize(
    ("language", "said"), [("ko", "종이 인쇄본, 12:00:00 인쇄"), ("en", "Print on paper, made at 12:00:00")]
)
def test_a_print_is_listed_as_one(signed_in, language, said):
    """With the time, and without recipient or purpose; what went to a wallet is not."""
    _print(signed_in)
    listed = signed_in.page(f"/my/certificates?lang={language}")

    assert 1 == listed.count(said)
    assert "가상은행" not in listed


@needs_paper
def test_a_pdf_is_saved_under_the_name_of_the_certificate(signed_in):
    """In Korean letters where they are understood, in others where not."""
    answer = _print(signed_in, shape="pdf")

    assert answer.content.startswith(b"%PDF-")
    assert (
        "attachment; filename=document.pdf; "
        "filename*=UTF-8''%EC%A3%BC%EB%AF%BC%EB%93%B1%EB%A1%9D%ED%91%9C%20%EB%93%B1%EB%B3%B8%202026-11-21.pdf"
    ) == answer.headers["content-disposition"]


def test_what_was_said_stands_on_the_paper(signed_in):
    """Recipient and purpose, the number, and where it can be checked; in either language."""
    korean, english = _print(signed_in).text, _print(signed_in, language="en").text

    assert "가상은행" in korean
    assert "대출 심사" in korean
    assert "https://issuer.example.go.kr/documents" in korean
    assert "Certified Copy of Resident Registration" in english


def test_a_paper_is_found_by_its_number(signed_in):
    """On the page whose address it names."""
    printed = _print(signed_in).text
    (number,) = re.findall(r"문서확인번호: (\S+)", printed)
    (name,) = re.findall(r"세대주 성명: (\S+)", printed)

    assert "일치하는 문서가 있습니다." in signed_in.page("/documents", number=number, name=name)


def test_only_what_is_kept_is_printed(signed_in):
    """What may be left out is left out unless its box is ticked; what must be there is there."""
    page = signed_in.page(f"/kinds/{KIND}")
    boxes = re.findall(r'name="keep" value="([a-z_]+)"', page)
    bare, full = _print(signed_in).text, _print(signed_in, keep=boxes).text

    assert {"household_composition"} <= set(boxes)
    assert "household_members" not in boxes
    assert "세대원 1/" in bare
    assert len(bare) < len(full)


def test_an_option_of_the_issuing_form_is_as_its_kind_says(signed_in):
    """Off where the office leaves it out by itself, on otherwise; ticked, it brings all claims that it is about."""
    page = signed_in.page(f"/kinds/{KIND}")
    options = _print(signed_in).text, _print(signed_in, keep=["household_composition"]).text

    assert re.search(r'value="household_composition"> ', page)
    assert re.search(r'value="[a-z_]+" checked> ', page)
    assert [False, True] == ["세대구성 사유" in text and "세대구성 일자" in text for text in options]


def test_the_page_shows_its_style_and_nothing_from_elsewhere(signed_in):
    """A policy of its own: one style, by its digest, and no script."""
    policy = _print(signed_in, shape="page").headers["content-security-policy"]

    assert re.fullmatch(
        r"default-src 'none'; style-src 'sha256-[A-Za-z0-9+/=]+'; img-src data:; base-uri 'none'; "
        r"frame-ancestors 'none'",
        policy,
    )


HOSTILE = {
    "html": "<script>alert(1)</script>",
    "markup of typst": '#import "x"; $ #eval("1") $',
    "a formula": "=HYPERLINK(1)",
    "a path": "../../../etc/passwd",
    "letters apart": "\u1100\u1161\u1102\u1161\u11ab",
}
REFUSED = {
    "nothing": "",
    "a control": "a\x00b",
    "an escape": "\x1b[2Jb",
    "a direction": "\u202eevil",
    "two lines": "a\r\nSet-Cookie: x=y",
    "ten thousand letters": "가" * 10_000,
    "one letter too many": "가" * 101,
}


@pytest.mark.parametrize("field", ["recipient", "purpose"])
@pytest.mark.parametrize("how", HOSTILE)
def test_a_hostile_text_is_printed_as_text(signed_in, how, field):
    """Escaped and whole, composed."""
    as_text = _print(signed_in, **{field: HOSTILE[how]})
    as_page = _print(signed_in, shape="page", **{field: HOSTILE[how]})

    assert ("가난" if how == "letters apart" else HOSTILE[how]) in as_text.text
    assert "<script" not in as_page.text
    assert "passwd" not in as_text.headers["content-disposition"]


@needs_paper
@pytest.mark.parametrize("how", HOSTILE)
def test_a_hostile_text_does_not_break_a_pdf(signed_in, how):
    """It is data to whatever draws."""
    assert 200 == _print(signed_in, shape="pdf", recipient=HOSTILE[how], purpose=HOSTILE[how]).status_code


@pytest.mark.parametrize("field", ["recipient", "purpose"])
@pytest.mark.parametrize("how", REFUSED)
def test_what_is_no_line_is_refused_before_anything_is_issued(signed_in, how, field):
    """With a page, and without a certificate."""
    answer = _print(signed_in, **{field: REFUSED[how]})

    assert answer.status_code in {400, 422}
    assert '<html lang="ko">' == answer.text.splitlines()[1]
    assert 0 == _issued(signed_in)


MISUSED: dict[str, tuple[dict[str, Any], int]] = {
    "another token": ({"csrf": "x" * 43}, 403),
    "no token": ({"csrf": ""}, 403),
    "an endless token": ({"csrf": "x" * 65}, 422),
    "a shape that is none": ({"shape": "exe"}, 422),
    "a language that is none": ({"language": "xx"}, 422),
    "three hundred and one boxes": ({"keep": ["name"] * 301}, 422),
    "an endless box": ({"keep": ["x" * 65]}, 422),
}


@pytest.mark.parametrize("how", MISUSED)
def test_a_form_that_no_page_has_prints_nothing(signed_in, how):
    """Each with its status."""
    changes, status = MISUSED[how]

    assert status == _print(signed_in, **changes).status_code
    assert 0 == _issued(signed_in)


def test_a_box_that_is_not_on_the_page_changes_nothing(signed_in):
    """Whatever it is called: what an office does not print is not printed by asking."""
    names = ["resident_registration_number", "connecting_information", "subject_birth_date", "no_such_claim"]

    assert _print(signed_in).text == _print(signed_in, keep=names).text


def test_another_site_prints_nothing(signed_in):
    """Not even with the right token."""
    form = {"csrf": signed_in.csrf, **FORM}
    answers = [
        signed_in.browser.post(PAPER, data=form, headers=HTML | said)
        for said in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"})
    ]

    assert [403, 403] == [answer.status_code for answer in answers]
    assert 0 == _issued(signed_in)


def test_who_is_not_signed_in_is_asked_to(site):
    """And who opens the address is shown the kind."""
    sent = _print(site)
    opened = site.browser.get(PAPER, headers=HTML, follow_redirects=False)

    assert [(303, "/"), (303, f"/kinds/{KIND}")] == [
        (answer.status_code, answer.headers["location"]) for answer in (sent, opened)
    ]


def test_what_is_not_on_record_is_not_printed(signed_in):
    """Nor is a kind that there is not."""
    on_record = signed_in.service.records.kinds("hong")
    absent = next(id_ for id_ in signed_in.service.issuer.catalog.ids() if id_ not in on_record)
    form = {"csrf": signed_in.csrf, **FORM}
    answers = [signed_in.browser.post(f"/kinds/{id_}/paper", data=form, headers=HTML) for id_ in (absent, "none")]

    assert [404, 404] == [answer.status_code for answer in answers]


def test_without_the_extra_there_is_no_button_and_no_pdf(signed_in, monkeypatch):
    """What needs nothing more is there still, and the route says what is missing."""
    monkeypatch.setattr(printing, "find_spec", lambda _: None)
    page, refused = signed_in.page(f"/kinds/{KIND}"), _print(signed_in, shape="pdf")

    assert 'value="pdf"' not in page
    assert 'value="page"' in page
    assert (501, 0) == (refused.status_code, _issued(signed_in))
    assert "설치되어 있지 않습니다" in refused.text


NAMES = {
    "../../etc/passwd": "etc_passwd",
    "..\\..\\x": "x",
    ".hidden": "hidden",
    'a"; filename="b.exe': "a__ filename__b_exe",
    "a\r\nSet-Cookie: x": "a__Set-Cookie_ x",
    "=HYPERLINK(1)": "HYPERLINK(1)",
    "\u202efdp.exe": "fdp_exe",
    "\u1100\u1161": "가",
    "": "document",
    "x" * 300: "x" * 80,
}


@pytest.mark.parametrize("name", NAMES)
def test_a_file_has_a_safe_name(name):
    """No folders, quotes, lines, formulas or marks of direction, whatever it is made from."""
    header = attachment(name, "pdf")
    message = Message()
    message["content-disposition"] = header

    assert header.isascii()
    assert header.isprintable()
    assert re.fullmatch(r"attachment; filename=[A-Za-z0-9_-]+\.pdf; filename\*=UTF-8''[A-Za-z0-9%_.~-]+", header)
    assert f"{NAMES[name]}.pdf" == unquote(header.rpartition("''")[2])


def test_nothing_is_issued_that_cannot_be_drawn(site):
    """The library says so, too."""
    kind = site.service.issuer.catalog.type(KIND)
    order = printing.Order(subject="hong", recipient="", purpose="x", language="ko", shape="text", kept=frozenset())
    with pytest.raises(UsageError) as caught:
        printing.made(site.service.issuer, kind, site.service.records.claims("hong", KIND), order)

    assert ("usage.argument", 0) == (caught.value.code, _issued(site))
