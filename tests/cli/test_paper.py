"""Paper at the counter: files, pictures and codes, in words and as documents, and how each ends."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ewallet import qr
from ewallet.formats.paper import Paper
from ewallet.paper import Form, pdf
from ewallet.shape import to_base64url
from ewallet.testing.kit import Kit

pytest.importorskip("typst")
pytest.importorskip("pypdfium2")
seal = pytest.importorskip("ewallet.paper.seal").seal

KIND = "resident_register_copy"


@pytest.fixture(scope="module")
def papers(tmp_path_factory, desk):
    """A folder of paper: a good file, one with another digit, and the pictures of two codes, one revoked."""
    folder = tmp_path_factory.mktemp("papers")
    kit = Kit.make()
    kind = kit.catalog.type(KIND)

    def issue():
        return kit.issuer.issue_paper(KIND, kind.sample, subject="citizen-1", recipient="가상은행", purpose="대출")

    def drawn(issued, claims: dict[str, Any]):
        form = Form.of(kind, claims, receiver="가상은행", purpose="대출")
        return pdf(form, credential=issued.credential, code=issued.code, at=kit.clock.now())

    good, revoked = issue(), issue()
    kit.issuer.revoke(revoked.certificate.id, reason="a test")
    claims = dict(Paper.open(good.credential).check_disclosures().claims)
    (folder / "good.pdf").write_bytes(seal(drawn(good, claims), kit.issuer.signer(KIND), kit.clock.now()))
    (folder / "edited.pdf").write_bytes(drawn(good, claims | {"resident_address": "가상특별시 예시구 견본로 7"}))
    (folder / "good.png").write_bytes(qr.png(good.code))
    (folder / "revoked.png").write_bytes(qr.png(revoked.code))
    (folder / "large.pdf").write_bytes(b"%PDF-1.7\n" + bytes(100_000_000))
    (folder / "batch.jsonl").write_text(
        json.dumps({"presentation": good.code})
        + "\n"
        + json.dumps({"paper": to_base64url((folder / "edited.pdf").read_bytes())})
        + "\n"
    )
    key = kit.pki.operator_key
    (folder / "trust.jwt").write_text(kit.pki.signed_trust_list(), "ascii")
    (folder / "operator.jwk").write_text(json.dumps(key.jwk), "ascii")
    (uri,) = kit.issuer.status_lists()
    (folder / "status.jwt").write_text(kit.issuer.status_token(uri), "ascii")
    terms = ("--trust", "trust.jwt", "--trust-key", "operator.jwk", "--at", desk.at, "--offline")

    def run(*arguments: str, verb: str = "verify", stdin: bytes = b""):
        given = terms if verb == "verify" else ()
        return type(desk)(folder=folder, at=desk.at).run("ewallet-verify", verb, *arguments, *given, stdin=stdin)

    return run


STATUS = ("--status", "status.jwt")


@pytest.mark.parametrize(
    ("file", "more", "code", "reason"),
    [
        ("good.pdf", STATUS, 0, None),
        ("edited.pdf", STATUS, 1, "paper.text_differs"),
        ("good.png", STATUS, 0, None),
        ("good.png", (), 3, "status.unavailable"),
        ("revoked.png", STATUS, 1, "status.revoked"),
        ("large.pdf", STATUS, 1, "limit.size"),
    ],
)
def test_each_ends_as_it_must(file, more, code, reason, papers):
    """Exit codes and documents, as for what wallets show."""
    ended = papers(file, *more, "--json")

    assert (code, reason) == (ended.code, ended.document["code"])
    if reason != "limit.size":
        assert "not_bound" == ended.document["paper"]["holder"]


def test_the_changed_value_is_named_in_words(papers):
    """In both languages, by its label; what is signed is shown for comparison."""
    korean = papers("edited.pdf", *STATUS, "--text", "--lang", "ko").stdout
    english = papers("edited.pdf", *STATUS, "--text", "--lang", "en").stdout

    assert "주소 (서명된 값: 가상특별시 예시구 견본로 1" in korean
    assert "Current address (signed: 가상특별시 예시구 견본로 1" in english
    assert "holder not bound" in english


def test_without_a_list_it_says_so_and_shows_what_to_compare(papers):
    """Undecided, and still of use to a clerk with the page in hand."""
    said = papers("good.png", "--text", "--lang", "en").stdout

    assert "revocation not checked" in said
    assert "print: not read" in said
    assert "0000-1111-2222-3333" in said


def test_standard_input_and_batches_take_paper(papers):
    """A file from a pipe; a code and a file as lines."""
    good = papers("-", *STATUS, "--json", stdin=b"%PDF-1.7\nnothing")
    batch = papers("--batch", "batch.jsonl", *STATUS, "--json")

    assert "malformed.pdf" == good.document["code"]
    verdicts = [json.loads(line) for line in batch.stdout.splitlines()]
    assert (1, ["accepted", "rejected"]) == (batch.code, [each["verdict"] for each in verdicts])


def test_paper_answers_no_request(papers):
    """Where a nonce was given out, a holder must answer it."""
    ended = papers("good.png", *STATUS, "--nonce", "n-1", "--audience", "x509_san_dns:bank.example", "--json")

    assert (1, "format") == (ended.code, ended.document["checks"][0]["name"])
    assert "rejected" == ended.document["verdict"]


def test_inspect_takes_it_apart_and_believes_nothing(papers):
    """The claims of what is attached, under the words that nothing was checked."""
    ended = papers("good.pdf", "--json", verb="inspect")

    (credential,) = ended.document["credentials"]
    assert (False, "paper+jwt", None) == (ended.document["checked"], credential["format"], credential["holder_key"])
