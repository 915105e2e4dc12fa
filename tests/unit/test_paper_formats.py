"""The two forms of a certificate on paper: what they carry, and what each refuses."""

import json
import zlib
from dataclasses import replace
from hashlib import sha256

import pytest
from zxingcpp import BarcodeFormat, create_barcode

from ewallet import cose, jose
from ewallet.base45 import to_base45
from ewallet.credential import Binding
from ewallet.errors import BindingError, EWalletError, UsageError
from ewallet.formats import lean, paper
from ewallet.formats.lean import Lean
from ewallet.formats.paper import Paper
from ewallet.shape import to_cbor
from ewallet.sheet import is_printable, sheet

KIND = "resident_register_copy"
CAPACITY = 1451  # characters of version 25 at level M


@pytest.fixture
def signer(ewallet_kit):
    """Who signs the kind."""
    return ewallet_kit.issuer.signer(KIND)


@pytest.fixture
def issued(ewallet_kit):
    """One certificate on paper."""
    sample = ewallet_kit.catalog.type(KIND).sample
    return ewallet_kit.issuer.issue_paper(KIND, sample, subject="citizen-1", recipient="가상은행", purpose="대출 심사")


def _code(open_, raw):
    with pytest.raises(EWalletError) as caught:
        open_(raw)
    return caught.value.code


def _resigned(issued, signer, **changes):
    """The paper credential with other members, by the issuer's own key; None takes one away."""
    payload = Paper.open(issued.credential).payload | changes
    return Paper.open(jose.sign(paper.TYP, {k: v for k, v in payload.items() if v is not None}, signer))


def _lean(signer, claims, *, typ=lean.TYP):
    raw = cose.sign1(to_cbor(claims), signer, {16: typ})
    return _packed(raw)


def _packed(raw):
    packing = zlib.compressobj(9, wbits=-15, zdict=lean.DICTIONARY)
    return lean.PREFIX + to_base45(packing.compress(raw) + packing.flush())


def test_both_forms_say_the_same(issued):
    """The lean form names its credential by digest; both are of one certificate, each with an entry of its own."""
    whole, short = Paper.open(issued.credential), Lean.open(issued.code)
    said, told = whole.check_disclosures(), short.check_disclosures()

    assert whole.digest == short.digest
    assert (said.type_id, said.validity, said.holder) == (told.type_id, told.validity, None)
    assert ("가상은행", "대출 심사") == (whole.recipient, whole.purpose)
    assert {"document_number": whole.number, "name": "홍길동", "issue_date": "2026-11-21"} == told.claims
    assert said.status != told.status


def test_no_resident_number_is_ever_printed(ewallet_kit):
    """Neither at the top nor in a row, though the record has them; their masked forms stay."""
    kind, number = ewallet_kit.catalog.type(KIND), f"990230-{1_000_000}"
    members = [row | {"resident_registration_number": number} for row in kind.sample["household_members"]]
    issued = ewallet_kit.issuer.issue_paper(
        KIND, kind.sample | {"household_members": members}, subject="citizen-1", recipient="가상은행", purpose="대출"
    )

    printed = json.dumps(Paper.open(issued.credential).check_disclosures().claims)
    assert "resident_registration_number_masked" in printed
    assert number not in printed


def test_only_the_named_claims_are_printed(ewallet_kit):
    """What the applicant leaves out is not in the credential."""
    sample = ewallet_kit.catalog.type(KIND).sample
    issued = ewallet_kit.issuer.issue_paper(
        KIND, sample, subject="c", recipient="가상은행", purpose="대출", printed={"document_number", "resident_address"}
    )

    claims = Paper.open(issued.credential).check_disclosures().claims
    assert {"document_number", "resident_address"} == claims.keys()
    assert "name" not in Lean.open(issued.code).check_disclosures().claims


@pytest.mark.parametrize(
    "change",
    [
        {"recipient": ""},
        {"purpose": "줄\n바꿈"},
        {"recipient": "가" * 101},
        {"printed": {"no_such_claim"}},
        {"purpose": f"본인 990230-{1_000_000} 확인"},
        {"recipient": f"\uff19\uff19\uff10\uff12\uff13\uff10-{1_000_000}"},
        {"recipient": f"990230{1_000_000}"},
    ],
    ids=range(7),
)
def test_what_cannot_be_printed_is_refused_before_anything_is_recorded(change, ewallet_kit):
    """A recipient or purpose that is no line or has a resident number, and a claim that the kind has not."""
    terms = {"subject": "citizen-1", "recipient": "가상은행", "purpose": "대출"} | change

    with pytest.raises(UsageError) as caught:
        ewallet_kit.issuer.issue_paper(KIND, ewallet_kit.catalog.type(KIND).sample, **terms)

    assert "usage.argument" == caught.value.code
    assert () == ewallet_kit.issuer.certificates("citizen-1")


def test_an_entry_that_was_given_is_drawn_again(ewallet_kit):
    """In a list of few entries the two of a paper are soon taken; each certificate still has two of its own."""
    kit = ewallet_kit
    kit.issuer._intents = replace(kit.issuer._intents, size=16)
    sample = kit.catalog.type(KIND).sample
    made = [
        kit.issuer.issue_paper(KIND, sample, subject="citizen-1", recipient="가상은행", purpose="대출")
        for _ in range(6)
    ]

    entries = [Paper.open(each.credential).check_disclosures().status for each in made]
    entries += [Lean.open(each.code).check_disclosures().status for each in made]
    assert 12 == len(set(entries))


@pytest.mark.parametrize(
    "member", ["document_number", "recipient", "purpose", "printed", "nbf", "iat", "exp", "vct", "iss"]
)
def test_a_paper_credential_lacks_nothing(member, issued, signer):
    """Every member is there, of its kind."""
    evidence = _resigned(issued, signer, **{member: None})

    assert "malformed.claim_type" == _code(lambda _: (evidence.type_id, evidence.check_disclosures()), None)


def test_a_holders_key_is_refused(issued, signer):
    """What is bound to a key is no paper credential."""
    evidence = _resigned(issued, signer, cnf={"jwk": signer.public.jwk})

    assert "malformed.claim_type" == _code(lambda _: evidence.check_disclosures(), None)


def test_without_a_status_there_is_none(issued, signer):
    """The rung of the status says what to make of it."""
    assert None is _resigned(issued, signer, status=None).check_disclosures().status


@pytest.mark.parametrize("form", ["credential", "code"])
def test_nobody_is_the_holder(form, issued, ewallet_kit):
    """Whoever asks for a binding gets none."""
    evidence = Paper.open(issued.credential) if form == "credential" else Lean.open(issued.code)

    evidence.check_binding(None, ewallet_kit.clock.now())
    with pytest.raises(BindingError) as caught:
        evidence.check_binding(Binding(audience="a", nonce="n"), ewallet_kit.clock.now())

    assert "kb.missing" == caught.value.code


def test_another_type_of_token_is_none(issued, signer):
    """The labels are signed, and must be these."""
    assert "crypto.typ_mismatch" == _code(Paper.open, jose.sign("dc+sd-jwt", {}, signer))
    assert "crypto.typ_mismatch" == _code(Lean.open, _lean(signer, {}, typ="application/statuslist+cwt"))
    assert "malformed.encoding" == _code(Paper.open, issued.credential + "가")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({4: None}, "malformed.claim_type"),
        ({6: "2026"}, "malformed.claim_type"),
        ({"digest": b"short"}, "malformed.claim_type"),
        ({"name": 7}, "malformed.claim_type"),
        ({65535: []}, "malformed.claim_type"),
        ({65535: {"status_list": {"idx": -1, "uri": "https://a.example"}}}, "malformed.claim_type"),
    ],
)
def test_a_code_whose_claims_are_of_another_kind_is_refused(change, code, issued, signer):
    """Signed by the issuer's own key, and still not believed."""
    evidence = Lean.open(_lean(signer, dict(Lean.open(issued.code).payload) | change))

    assert code == _code(lambda _: evidence.check_disclosures(), None)


def test_a_code_may_name_no_status(issued, signer):
    """Then the rung of the status has nothing to ask."""
    claims = {k: v for k, v in Lean.open(issued.code).payload.items() if k != 65535}

    assert None is Lean.open(_lean(signer, claims)).check_disclosures().status


def _of(raw):
    """A code of these bytes, not deflated with the dictionary."""
    return lean.PREFIX + to_base45(raw)


HOSTILE = {
    "other_prefix": (lambda code: "EW1:" + code, "malformed.qr"),
    "script": (lambda _: "javascript:alert(1)", "malformed.qr"),
    "lower_case": (lambda code: code[:5] + code[5:].lower(), "malformed.encoding"),
    "other_alphabet": (lambda code: code[:-1] + "_", "malformed.encoding"),
    "padding": (lambda code: code + "=", "malformed.encoding"),
    "trailing": (lambda code: code + "000", "malformed.encoding"),
    "cut": (lambda code: code[:-3], "malformed.encoding"),
    "not_deflated": (lambda _: _of(b"\xff" * 40), "malformed.encoding"),
    "bomb": (lambda _: _packed(bytes(5000)), "limit.decompressed"),
    "large_bomb": (lambda _: _packed(bytes(1_500_000)), "limit.decompressed"),
    "long": (lambda code: code[:5] + "0" * 4300, "limit.size"),
    "cbor_after_cbor": (lambda _: _packed(b"\x80\x80"), "malformed.cbor"),
    "no_message": (lambda _: _packed(b"\x80"), "malformed.cose"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_code_is_refused_by_name(name, issued):
    """QRC-01, QRC-06: bombs, other alphabets, small letters, padding, what is left over, and other schemes."""
    spoil, code = HOSTILE[name]

    assert code == _code(Lean.open, spoil(issued.code))


def test_the_code_of_every_kind_fits_into_version_25(ewallet_kit):
    """At level M, with a certificate inside and a name as long as names get."""
    longest = 0
    for kind in filter(is_printable, ewallet_kit.catalog):
        signer = ewallet_kit.issuer.signer(kind.id)
        issued = ewallet_kit.issuer.issue_paper(
            kind.id, kind.sample, subject="citizen-1", recipient="가상은행", purpose="대출"
        )
        said = Paper.open(issued.credential).check_disclosures()
        made = sheet(
            kind,
            kind.sample,
            printed=None,
            issuer=ewallet_kit.issuer.identifier,
            number="A" * 22,
            recipient="가상은행",
            purpose="대출",
            validity=said.validity,
        )
        assert said.status
        ready = lean.prepare(replace(made, name="가나다라마바사아자차" * 20), bytes(range(32)), said.status, signer)
        longest = max(longest, len(ready.complete(signer.sign(ready.data))))

    assert longest <= CAPACITY
    symbol = create_barcode("A" * longest, BarcodeFormat.QRCode, ec_level="M")
    assert (symbol.to_image(scale=1, add_quiet_zones=False).shape[0] - 17) // 4 <= 25


def test_a_long_name_is_cut_where_a_letter_ends():
    """With an ellipsis, so that nobody takes it for the whole."""
    assert "가" * 60 == lean.shortened("가" * 60)
    assert "가" * 59 + "…" == lean.shortened("가" * 61)


def test_the_dictionary_never_changes():
    """What was printed must be read for as long as paper lasts."""
    assert DICTIONARY_DIGEST == sha256(lean.DICTIONARY).hexdigest()


DICTIONARY_DIGEST = "921779a344688f8f5f6aadacad20b1cf5530b2f2ed42b5ee0df60c92c238aa0e"
