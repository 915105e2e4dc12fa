"""The document-number check over HTTP: match or no match, ten misses an hour, and nothing else (QRC-12)."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from ewallet.documents import MAX_MISSES
from ewallet.testing.caller import KIND

ISSUER = "https://issuer.example.go.kr"
HTML = {"accept": "text/html"}
ASK = "/v1/documents/check"
HOSTILE = ["<script>alert(1)</script>", "\u202e\u2066이름", "\x00\x1b[2J", "' OR 1=1 --", "=HYPERLINK(1)", "x" * 10_000]


@pytest.fixture
def paper(site):
    """What is printed on a certificate of the signed-in citizen, and its id."""
    site.sign_in()
    record = site.service.records.claims("hong", KIND)
    caller = site.caller()
    caller.credential(caller.token(site.service.issuance.offer(KIND, subject="hong")))
    (certificate,) = site.service.issuer.certificates("hong")
    printed = {"document_number": record["document_number"], "name": record["subject_name"]}
    return printed, record["issue_date"], certificate.id


def test_a_document_matches_as_it_is_printed(site, paper):
    """With its number and a name, and its day where that is said."""
    printed, day, _ = paper
    asked = [printed, {**printed, "issue_date": day}, {**printed, "issue_date": "2020-02-29"}]

    assert [{"match": True}, {"match": True}, {"match": False}] == [
        site.browser.post(ASK, json=each).json() for each in asked
    ]


def test_every_miss_has_the_same_answer(site, paper):
    """Unknown, another name, revoked or too old: byte for byte, headers and all."""
    printed, _, certificate = paper
    answers = [
        site.browser.post(ASK, json=printed | {"document_number": "9999-9999-9999-9999"}),
        site.browser.post(ASK, json=printed | {"name": "성춘향"}),
    ]
    site.service.issuer.suspend(certificate, reason="a reason")
    answers.append(site.browser.post(ASK, json=printed))
    site.service.issuer.revoke(certificate, reason="a reason")
    answers.append(site.browser.post(ASK, json=printed))
    site.clock.advance(timedelta(days=90))
    answers.append(site.browser.post(ASK, json=printed))

    assert [(200, b'{"match":false}')] * 5 == [(answer.status_code, answer.content) for answer in answers]
    assert 1 == len({str(sorted(answer.headers.items())) for answer in answers})


def test_the_eleventh_miss_is_not_answered(site, paper):
    """Of one source, and for one number; with the time to wait."""
    printed, _, _ = paper
    for number in range(MAX_MISSES):
        assert {"match": False} == site.browser.post(ASK, json=printed | {"document_number": f"{number}"}).json()
    refused = site.browser.post(ASK, json=printed)

    assert (429, "limit.rate", "3600") == (
        refused.status_code,
        refused.json()["code"],
        refused.headers["retry-after"],
    )
    site.clock.advance(timedelta(hours=1))
    assert {"match": True} == site.browser.post(ASK, json=printed).json()


def test_workers_count_together(settings, open_site):
    """Two services on one database: ten misses are ten, whoever of them is asked."""
    one, other = open_site(settings), open_site(settings)
    asked = [(one, other)[number % 2].browser.post(ASK, json={"document_number": f"{number}", "name": "홍길동"})
             for number in range(MAX_MISSES + 2)]  # fmt: skip

    assert [200] * MAX_MISSES + [429] * 2 == [answer.status_code for answer in asked]


BODIES = {
    "{}": 422,
    '{"document_number": 1, "name": "x"}': 422,
    '{"document_number": "1", "name": "x", "more": 1}': 422,
    '{"document_number": "1", "issue_date": "2026-02-30"}': 422,
    '{"document_number": "1", "issue_date": "tomorrow"}': 422,
    '{"document_number": "1"}': 400,
    '{"document_number": "---", "name": "x"}': 400,
    '{"document_number": "1", "name": "\\u202e"}': 400,
    "not json": 400,
    '{"document_number": "1", "document_number": "2", "name": "x"}': 400,
}


@pytest.mark.parametrize("body", BODIES)
def test_what_is_not_a_question_is_refused(site, body):
    """With a problem document, and nothing of it repeated."""
    answer = site.browser.post(ASK, content=body, headers={"content-type": "application/json"})

    assert BODIES[body] == answer.status_code
    assert answer.json()["code"] in {"request.invalid", "usage.argument", "malformed.json", "malformed.json_duplicate"}
    assert "x" not in answer.json()["detail"].replace("expected", "")


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_hostile_text_is_a_miss_or_refused(site, hostile):
    """Wherever it stands."""
    answers = [
        site.browser.post(ASK, json={"document_number": "1", "name": "x"} | {field: hostile})
        for field in ("document_number", "name")
    ]

    assert {answer.status_code for answer in answers} <= ({422} if len(hostile) > 200 else {200, 400})


def test_the_page_says_match_and_no_match(site, paper):
    """To whoever opens it, signed in or not."""
    printed, day, _ = paper
    form = {"number": printed["document_number"], "name": printed["name"]}
    signed_in = site.page("/documents", **form, issued=day)
    site.browser.cookies.clear()
    empty = site.page("/documents")

    assert "일치하는 문서가 있습니다." in signed_in
    assert 'role="status"' not in empty
    assert "There is such a document." in site.page("/documents?lang=en", **form)
    assert "There is no such document." in site.page("/documents", **form | {"name": "성춘향"})
    assert 'href="/documents"' in site.page("/")


@pytest.mark.parametrize("hostile", HOSTILE[:5])
def test_the_page_shows_a_hostile_text_as_text(site, hostile):
    """In the field that it was entered into, escaped."""
    answer = site.browser.post("/documents", data={"number": hostile, "name": hostile}, headers=HTML)

    assert answer.status_code in {200, 400}
    assert not re.search(r"<script>alert|\x1b", answer.text.replace("\x1b[2J", "" if "\x1b" in hostile else "\x1b"))
    assert "&lt;script&gt;" in answer.text or "<script" not in hostile


MISUSED = {
    "nothing": ({}, 400),
    "a number alone": ({"number": "1"}, 400),
    "a day that is none": ({"number": "1", "issued": "2026-02-30"}, 422),
    "an endless name": ({"number": "1", "name": "x" * 201}, 422),
}


@pytest.mark.parametrize("how", MISUSED)
def test_the_page_asks_for_what_is_missing(site, how):
    """With a page."""
    form, status = MISUSED[how]
    answer = site.browser.post("/documents", data=form, headers=HTML)

    assert (status, '<html lang="ko">') == (answer.status_code, answer.text.splitlines()[1])


def test_the_page_says_when_there_were_too_many(site):
    """And what to do instead."""
    for number in range(MAX_MISSES):
        site.page("/documents", number=f"{number}", name="홍길동")
    answer = site.browser.post("/documents", data={"number": "1", "name": "홍길동"}, headers=HTML)

    assert 429 == answer.status_code
    assert "여러 번 틀려서" in answer.text


def test_another_site_cannot_ask_in_a_visitor_s_name(site):
    """It would use up the misses of whoever opened it."""
    form = {"number": "1", "name": "x"}
    answers = [
        site.browser.post("/documents", data=form, headers=HTML | said)
        for said in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"})
    ]

    assert [403, 403] == [answer.status_code for answer in answers]


def test_who_asks_is_told_apart_behind_a_proxy(settings, open_site):
    """Where the service stands behind a proxy of its own, misses are counted for those before it."""
    site = open_site(settings)
    behind = replace(site.service, settings=site.service.settings.model_copy(update={"proxies": 1}))
    site.service.__dict__.update(behind.__dict__)
    for number in range(MAX_MISSES + 1):
        sent = {"x-forwarded-for": "192.0.2.1"}
        last = site.browser.post(ASK, json={"document_number": f"{number}", "name": "x"}, headers=sent)
    other = site.browser.post(ASK, json={"document_number": "a", "name": "x"}, headers={"x-forwarded-for": "192.0.2.2"})

    assert (429, 200) == (last.status_code, other.status_code)
