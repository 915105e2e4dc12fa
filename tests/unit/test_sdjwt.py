"""SD-JWT VC as a format: taken apart in every serialisation, issued, presented, and bound."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from ewallet import jose, shape
from ewallet.credential import Binding, Draft, StatusRef, Validity
from ewallet.disclosure import digest, hash_of
from ewallet.errors import EWalletError
from ewallet.formats import open_any
from ewallet.formats.sdjwt import KB_TYP, SD_JWT, TYP, SdJwt
from ewallet.keys import SigningKey
from ewallet.testing.clock import START, Clock

_ISSUER, _HOLDER = SigningKey.generate(), SigningKey.generate()
_TO = Binding(audience="x509_san_dns:bank.example", nonce="n-1")
_DAY = timedelta(days=1)
_CLAIMS = {"성명": "홍길동", "주소": "가상로 1"}


def _code(check, *args, **kwargs):
    with pytest.raises(EWalletError) as refused:
        check(*args, **kwargs)
    return refused.value.code


def _draft(**changes):
    members: dict[str, Any] = {
        "type_id": "urn:example:a",
        "issuer": "https://issuer.example",
        "claims": _CLAIMS,
        "validity": Validity(START, START + _DAY),
        "disclosable": frozenset({("성명",), ("주소",)}),
        "holder": _HOLDER.public,
        "status": StatusRef("https://issuer.example/status/1", 7),
    }
    return Draft(**members | changes)


def _issued(**changes):
    to_sign = SD_JWT.prepare(_draft(**changes), _ISSUER, Clock().env().random)
    return to_sign.complete(_ISSUER.sign(to_sign.data))


def _presented(at=START):
    return SD_JWT.present(_issued(), [("성명",)], _TO, _HOLDER, at)


def _signed(**claims):
    """A credential of the issuer without disclosures."""
    return jose.sign(TYP, {"vct": "urn:example:a"} | claims, _ISSUER) + "~"


def test_credential_comes_back_from_its_issuance():
    """All of it for the holder, with its dates, key, status and what came by disclosure."""
    credential = SD_JWT.read(_issued())
    assert credential.claims.items() >= _CLAIMS.items()
    assert (credential.type_id, credential.issuer) == ("urn:example:a", "https://issuer.example")
    assert (credential.validity, credential.issued) == (Validity(START, START + _DAY), START)
    assert credential.holder == _HOLDER.public
    assert credential.status == StatusRef("https://issuer.example/status/1", 7)
    assert set(credential.shown) == {("성명",), ("주소",)}


def test_bare_credential_has_no_dates_key_or_status():
    """What is not said is absent."""
    credential = SD_JWT.read(_issued(validity=Validity(), holder=None, status=None, claims={}))
    assert (credential.validity, credential.issued) == (Validity(), None)
    assert (credential.holder, credential.status) == (None, None)
    assert SD_JWT.read(_signed(status={})).status is None


def test_presentation_shows_what_was_chosen_and_is_bound():
    """To the receiver and the nonce, for five minutes either way."""
    format_id, evidence = open_any(_presented())
    assert format_id == TYP
    evidence.check_signature(_ISSUER.public)
    assert evidence.check_disclosures().shown == SdJwt.parse(_presented()).shown == (("성명",),)
    assert (evidence.type_id, evidence.issuer, evidence.chain) == ("urn:example:a", "https://issuer.example", ())
    for seconds in (-300, 0, 300):
        evidence.check_binding(_TO, START + timedelta(seconds=seconds))
    evidence.check_binding(None, START + _DAY)
    for seconds in (-301, 301):
        assert _code(evidence.check_binding, _TO, START + timedelta(seconds=seconds)) == "kb.iat"
    for other in (Binding(audience="bank.example", nonce="n-1"), Binding(audience=_TO.audience.upper(), nonce="n-1")):
        assert _code(evidence.check_binding, other, START) == "kb.aud"
    assert _code(evidence.check_binding, Binding(audience=_TO.audience, nonce="n-2"), START) == "kb.nonce"
    assert _code(evidence.check_signature, _HOLDER.public) == "crypto.signature_invalid"


def test_binding_is_asked_for_by_the_receiver():
    """Absent, or of a credential that names no key."""
    bare = SD_JWT.open(_issued())
    bare.check_binding(None, START)
    assert _code(bare.check_binding, _TO, START) == "kb.missing"
    unbound = SD_JWT.present(_issued(holder=None), [], _TO, _HOLDER, START)
    assert _code(SD_JWT.open(unbound).check_binding, _TO, START) == "kb.missing"
    assert _code(SD_JWT.read, _presented()) == "malformed.sdjwt"


def _bound(signer=_HOLDER, typ=KB_TYP, **changes):
    shown = _signed(cnf={"jwk": _HOLDER.public.jwk})
    claims = {
        "iat": int(START.timestamp()),
        "aud": _TO.audience,
        "nonce": _TO.nonce,
        "sd_hash": digest(hash_of({}), shown),
    }
    kept = {name: value for name, value in (claims | changes).items() if value is not None}
    return SD_JWT.open(shown + jose.sign(typ, kept, signer))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"signer": _ISSUER}, "kb.signature_invalid"),
        ({"signer": SigningKey.generate("ES384")}, "crypto.alg_not_allowed"),
        ({"typ": TYP}, "kb.typ"),
        ({"iat": None}, "kb.iat"),
        ({"iat": "1"}, "malformed.claim_type"),
        ({"aud": None}, "kb.aud"),
        ({"aud": [_TO.audience]}, "kb.aud"),
        ({"nonce": 1}, "kb.nonce"),
        ({"sd_hash": None}, "kb.sd_hash"),
        ({"sd_hash": "x"}, "kb.sd_hash"),
        ({"exp": int(START.timestamp())}, "time.expired"),
        ({"nbf": int(START.timestamp()) + 301}, "time.not_yet_valid"),
    ],
    ids=range(12),
)
def test_proof_of_the_holder_that_does_not_hold_is_refused(changes, code):
    """By key, type, time, receiver, nonce and content."""
    _bound().check_binding(_TO, START)
    assert code == _code(_bound(**changes).check_binding, _TO, START)


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"vct": 1}, "malformed.claim_type"),
        ({"iss": 1}, "malformed.claim_type"),
        ({"exp": "1"}, "malformed.claim_type"),
        ({"iat": True}, "malformed.claim_type"),
        ({"nbf": -1}, "malformed.claim_type"),
        ({"cnf": 1}, "malformed.claim_type"),
        ({"cnf": {}}, "malformed.claim_type"),
        ({"cnf": {"jwk": {}}}, "crypto.key_invalid"),
        ({"aka_vcts": []}, "malformed.claim_type"),
        ({"aka_vcts": ["urn:example:a"]}, "malformed.claim_type"),
        ({"vct#integrity": 1}, "malformed.claim_type"),
        ({"status": 1}, "malformed.claim_type"),
        ({"status": {"status_list": {"idx": -1, "uri": "x"}}}, "malformed.claim_type"),
        ({"status": {"status_list": {"idx": 1}}}, "malformed.claim_type"),
        ({"_sd_alg": "md5"}, "crypto.hash_not_allowed"),
    ],
    ids=range(15),
)
def test_registered_claim_of_the_wrong_shape_is_refused(claims, code):
    """Signed or not."""
    assert code == _code(SD_JWT.read, _signed(**claims))


def _json(raw, **changes):
    """The flattened serialisation (RFC 9901 §8.1)."""
    parsed = SdJwt.parse(raw)
    protected, payload, signature = parsed.issued.split(".")
    header = {"disclosures": list(parsed.disclosures)} | ({"kb_jwt": parsed.binding} if parsed.binding else {})
    return {"protected": protected, "payload": payload, "signature": signature, "header": header} | changes


def test_json_serialisations_say_the_same():
    """Flattened or general, of whose signatures the first counts."""
    raw = _presented()
    flat = _json(raw)
    signatures = [{name: flat[name] for name in ("protected", "signature", "header")}, {"protected": "x"}]
    for message in (flat, {"payload": flat["payload"], "signatures": signatures}):
        read = SdJwt.parse(json.dumps(message))
        read.check_signature(_ISSUER.public)
        read.check_binding(_TO, START)
        assert SdJwt.parse(raw).processed == read.processed
    bare = _json(_signed())
    del bare["header"]
    assert SdJwt.parse(json.dumps(bare)).disclosures == ()


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("a.b.c", "malformed.sdjwt"),
        ("a.b.c~~", "malformed.sdjwt"),
        ("é~", "malformed.encoding"),
        ("A" * (shape.MAX_CREDENTIAL + 1), "limit.size"),
        ("~" * (shape.MAX_DISCLOSURES + 2), "limit.count"),
        (_signed() + "WyJzIiwxXQ~WyJzIiwxXQ~", "sdjwt.disclosure_duplicate"),
        ("{}", "malformed.claim_type"),
        (json.dumps(_json(_signed(), signatures=[])), "malformed.sdjwt"),
        (json.dumps({"payload": "", "signatures": [1]}), "malformed.claim_type"),
        (json.dumps(_json(_signed(), header={"disclosures": ["a~b"]})), "malformed.sdjwt"),
        (json.dumps(_json(_signed(), header={"disclosures": [1]})), "malformed.claim_type"),
        (jose.sign("vc+sd-jwt", {}, _ISSUER) + "~", "crypto.typ_mismatch"),
    ],
    ids=range(12),
)
def test_text_that_is_no_sd_jwt_is_refused(raw, code):
    """Before anything is hashed or verified."""
    assert code == _code(SdJwt.parse, raw)


def test_text_of_no_format_is_refused():
    """As malformed."""
    assert _code(open_any, "hello") == "malformed.sdjwt"


def test_type_is_asked_for_by_its_values():
    """At least one text."""
    assert SD_JWT.type_ids(SD_JWT.meta("urn:example:a")) == frozenset({"urn:example:a"})
    metas: tuple[dict[str, object], ...] = ({}, {"vct_values": []}, {"vct_values": "a"}, {"vct_values": [1]})
    for meta in metas:
        assert _code(SD_JWT.type_ids, meta) == "dcql.invalid"


def test_confirmation_with_disclosures_is_none(ewallet_kit):
    """What a receipt keeps has no claim in it: a presentation whole is refused in its place."""
    ewallet_kit.issue("resident_register_copy")
    shown = ewallet_kit.present(ewallet_kit.query("resident_register_copy", ["resident_address"])).presentation
    assert not SD_JWT.open_confirmation(SD_JWT.confirmation(shown)).disclosures
    with pytest.raises(EWalletError) as refused:
        SD_JWT.open_confirmation(shown)
    assert "malformed.sdjwt" == refused.value.code
