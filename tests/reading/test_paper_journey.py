"""A certificate is issued on paper, printed, sealed, handed in and judged; then one digit is another."""

from io import BytesIO

import pytest
from jsonschema_rs import validator_for

from ewallet import qr
from ewallet.shape import json_object
from ewallet.verdict import Accepted, Rejected, Undecided
from ewallet.verifier import LADDER, Verifier

CODES = {
    "holder": ("skipped", "holder_not_bound"),
    "query": ("skipped", "no_query"),
}


def _record(judged):
    return [(check.name, check.outcome, check.code) for check in judged.verdict.checks]


def _schema(kit):
    return validator_for(json_object((kit.catalog.folder / "verdict.schema.json").read_bytes()))


def test_a_sealed_file_is_accepted_and_never_bound_to_a_holder(office):
    """Every rung is climbed, the print is compared, and the verdict says that nobody is its holder."""
    judged = office.verify(office.sealed())

    assert isinstance(judged.verdict, Accepted)
    assert [(name, *CODES.get(name, ("passed", None))) for name in LADDER] == _record(judged)
    assert ("compared", (), "가상은행", "대출 심사") == (
        judged.print,
        judged.differences,
        judged.recipient,
        judged.purpose,
    )
    assert office.claims == judged.verdict.claims[office.kit.catalog.type(office.kind_id).vct]
    document = judged.to_json()
    assert ("not_bound", "checked") == (document["paper"]["holder"], document["paper"]["revocation"])
    assert [] == list(_schema(office.kit).iter_errors(document))


def test_one_digit_on_the_page_is_named(office):
    """Whoever changes the page and leaves the credential is told which value it was."""
    changed = office.claims["resident_address"].replace("견본로 1", "견본로 7")
    judged = office.verify(office.file(office.claims | {"resident_address": changed}))

    assert isinstance(judged.verdict, Rejected)
    assert "paper.text_differs" == judged.verdict.code
    assert [("resident_address",)] == [each.path for each in judged.differences]
    assert "disclosures" == judged.verdict.reasons[0].name
    assert changed not in judged.verdict.reasons[0].detail
    assert [] == list(_schema(office.kit).iter_errors(judged.to_json()))


def test_an_edited_page_is_named_though_its_seal_is_whole(office):
    """Not even the issuer's own seal makes another print good."""
    edited = office.sealed(office.file(office.claims | {"applicant_name": "성춘향"}))

    judged = office.verify(edited)

    assert "paper.text_differs" == judged.verdict.code
    assert [("applicant_name",)] == [each.path for each in judged.differences]


def test_the_code_alone_verifies_with_no_network(office):
    """A status list that is at hand is all that is needed; the print was not read, and the verdict says so."""
    code = office.issued.code
    (uri,) = office.kit.issuer.status_lists()
    counter = office.kit.another_verifier(send=_nowhere)
    counter.put_status_token(office.kit.issuer.status_token(uri))

    judged = office.verify(code, by=counter)

    assert isinstance(judged.verdict, Accepted)
    assert "not_read" == judged.print
    assert {"document_number", "name", "issue_date"} == judged.signed.keys()


def _nowhere(request):
    raise AssertionError(request.url)


def test_offline_without_a_list_it_is_undecided_and_shows_what_is_signed(office):
    """Unknown is not valid; but the clerk may compare what the issuer signed with the page."""
    from ewallet.flow import offline

    judged = office.verify(office.issued.code, by=office.kit.another_verifier(send=offline))

    assert isinstance(judged.verdict, Undecided)
    assert ("status.unavailable", False) == (judged.verdict.code, judged.checked_online)
    assert "not_checked" == judged.to_json()["paper"]["revocation"]
    assert "0000-1111-2222-3333" == judged.signed["document_number"]
    assert [] == list(_schema(office.kit).iter_errors(judged.to_json()))


@pytest.mark.parametrize("form", ["code", "file"])
def test_revoking_the_certificate_kills_the_paper(form, office):
    """QRC-13: a photocopy is as dead as the original, whichever part of it is looked at."""
    given = office.issued.code if form == "code" else office.sealed()
    office.kit.issuer.revoke(office.issued.certificate.id, reason="a test")

    judged = office.verify(given)

    assert "status.revoked" == judged.verdict.code
    assert ("holder", "skipped", "holder_not_bound") in _record(judged)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "PDF"])
def test_a_scan_of_the_page_is_read_by_its_code(kind, office):
    """Of a photograph, or a file that is one, only the code is read."""
    from pypdfium2 import PdfDocument

    page = PdfDocument(office.sealed())[0].render(scale=200 / 72).to_pil().convert("L").rotate(2, fillcolor=255)
    scan = BytesIO()
    page.save(scan, kind)

    judged = office.verify(scan.getvalue() if kind == "PDF" else qr.read(scan.getvalue()))

    assert isinstance(judged.verdict, Accepted)
    assert "not_read" == judged.print


def test_a_picture_is_read_as_it_is(office):
    """The bytes of a picture, not only the text of its code."""
    assert isinstance(office.verify(qr.png(office.issued.code)).verdict, Accepted)


def test_it_ends_with_the_day_that_it_says(office):
    """A print of last year says the truth of last year."""
    code = office.issued.code
    life = office.issued.certificate.until - office.kit.clock.now()
    office.kit.clock.advance(life)

    assert "time.expired" == office.verify(code).verdict.code


def test_what_was_read_of_a_picture_is_of_no_use_as_a_presentation(office):
    """Neither form of paper is taken for an answer of a wallet, nor the other way round."""
    kit = office.kit
    kit.issue(office.kind_id)
    shown = kit.present(kit.query(office.kind_id, ["resident_address"])).presentation

    assert "format" == kit.verifier.unsafe_verify_unbound(office.issued.credential).reasons[0].name
    assert "format" == kit.verifier.unsafe_verify_unbound(office.issued.code).reasons[0].name
    assert "format" == office.verify(shown).verdict.reasons[0].name


def test_a_verifier_is_all_that_it_takes(office):
    """Whoever has a trust list and a store judges paper."""
    from ewallet.testing.stores import MemoryVerifierStore

    kit = office.kit
    bank = Verifier("any", trust=kit.pki.trust_list(), store=MemoryVerifierStore(), send=kit.network, env=kit.env)

    assert isinstance(office.verify(office.issued.code, by=bank).verdict, Accepted)
