"""JWS and JWE: the envelope is taken apart strictly, and only what is expected is opened."""

from __future__ import annotations

import json
from base64 import b64encode

import pytest
from joserfc import jwe
from joserfc.jwk import ECKey

from ewallet import jose, shape
from ewallet.errors import EWalletError
from ewallet.keys import SigningKey
from ewallet.shape import to_base64url

_KEY = SigningKey.generate()


def _code(check, *args, **kwargs):
    with pytest.raises(EWalletError) as refused:
        check(*args, **kwargs)
    return refused.value.code


def _jws(header, payload="{}", signature=b"x"):
    encoded = (part if isinstance(part, bytes) else part.encode() for part in (header, payload))
    return ".".join((*(to_base64url(part) for part in encoded), to_base64url(signature)))


def _header(**members):
    return json.dumps({"alg": "ES256", "typ": "a+jwt"} | members)


def test_message_comes_back_from_its_signature():
    """Its claims, under its key."""
    read = jose.parse(jose.sign("a+jwt", {"이름": "홍길동"}, _KEY), "a+jwt")
    read.verify(_KEY.public)
    assert read.claims == {"이름": "홍길동"}
    assert read.chain == ()
    assert _code(read.verify, SigningKey.generate().public) == "crypto.signature_invalid"
    assert _code(read.verify, SigningKey.generate("ES384").public) == "crypto.alg_not_allowed"


@pytest.mark.parametrize("alg", ["EdDSA", "Ed25519"])
def test_a_signature_of_ed25519_has_either_name(alg):
    """RFC 9864 §2.2 gave it the second; no other key signs under it."""
    key = SigningKey.generate("EdDSA")
    signed = f"{to_base64url(_header(alg=alg).encode())}.{to_base64url(b'{}')}"
    read = jose.parse(f"{signed}.{to_base64url(key.sign(signed.encode()))}", "a+jwt")
    read.verify(key.public)

    assert _code(read.verify, SigningKey.generate("EdDSA").public) == "crypto.signature_invalid"
    assert _code(read.verify, _KEY.public) == "crypto.alg_not_allowed"


@pytest.mark.parametrize(
    "alg",
    ["none", "None", "nOnE", "", None, 1, [], {}, "HS256", "RS256", "PS256", "es256", "ES256K", "ed25519", "Ed448"],
    ids=range(15),
)
def test_algorithm_outside_the_list_is_refused_before_any_key(alg):
    """Whether or not there is a signature."""
    assert _code(jose.parse, _jws(_header(alg=alg)), None) == "crypto.alg_not_allowed"
    assert _code(jose.parse, _jws(_header(alg=alg), signature=b""), None) == "crypto.alg_not_allowed"
    assert _code(jose.parse, _jws("{}"), None) == "crypto.alg_not_allowed"


@pytest.mark.parametrize(
    "members", [{"crit": ["x"]}, {"crit": []}, {"crit": ["alg"]}, {"b64": False}, {"crit": ["b64"], "b64": True}]
)
def test_critical_extension_is_refused(members):
    """None is understood here."""
    assert _code(jose.parse, _jws(_header(**members)), "a+jwt") == "crypto.crit_unsupported"


@pytest.mark.parametrize("typ", [None, "b+jwt", "A+JWT", 1, ["a+jwt"]])
def test_message_of_another_type_is_refused(typ):
    """Compared exactly."""
    assert _code(jose.parse, _jws(_header(typ=typ)), "a+jwt") == "crypto.typ_mismatch"


@pytest.mark.parametrize(
    ("compact", "code"),
    [
        ("", "malformed.encoding"),
        ("a.b", "malformed.encoding"),
        ("a.b.c.d", "malformed.encoding"),
        (_jws("[]"), "malformed.claim_type"),
        (_jws('{"alg":"none","alg":"ES256"}'), "malformed.json_duplicate"),
        (_jws("{"), "malformed.json"),
        (_jws(b"\xff"), "malformed.json"),
        (_jws(_header()) + "=", "malformed.encoding"),
        (_jws(_header()).replace(".", ".é", 1), "malformed.encoding"),
        ("." * 1_000, "malformed.encoding"),
        ("A" * 600_000, "limit.size"),
    ],
    ids=range(11),
)
def test_text_that_is_no_message_is_refused(compact, code):
    """By parts, encoding, JSON and length."""
    assert code == _code(jose.parse, compact, "a+jwt")


def test_header_is_bounded():
    """Long before the whole text is."""
    assert _code(jose.parse, _jws(_header(x="A" * shape.MAX_HEADER)), "a+jwt") == "limit.size"


def test_integers_of_any_size_are_written():
    """With or without the faster writer."""
    assert jose.to_json({"이름": 1 << 80}) == f'{{"이름":{1 << 80}}}'.encode()


def test_payload_is_read_when_asked_for():
    """As an object without repeated members."""
    assert _code(lambda: jose.parse(_jws(_header(), '{"a":1,"a":2}'), "a+jwt").claims) == "malformed.json_duplicate"
    assert _code(lambda: jose.parse(_jws(_header(), "[]"), "a+jwt").claims) == "malformed.claim_type"


@pytest.mark.parametrize(
    ("x5c", "code"),
    [
        ([], "malformed.claim_type"),
        ("AAAA", "malformed.claim_type"),
        ([1], "malformed.claim_type"),
        (["A-AA"], "malformed.encoding"),
        (["AAAA"] * (shape.MAX_CHAIN + 1), "limit.count"),
        (["A" * (2 * shape.MAX_CERTIFICATE + 4)], "limit.size"),
    ],
    ids=range(6),
)
def test_bad_chain_is_refused(x5c, code):
    """Empty, no array, no texts, base64url, too many, too long."""
    assert code == _code(lambda: jose.parse(_jws(_header(x5c=x5c)), "a+jwt").chain)


def test_chain_is_that_of_the_header():
    """Leaf first, as sent."""
    sent = [b64encode(der).decode() for der in (b"leaf", b"above")]
    assert jose.parse(_jws(_header(x5c=sent)), "a+jwt").chain == (b"leaf", b"above")


# -- encryption --------------------------------------------------------------------------------------------

_OWN = ECKey.generate_key("P-256")
_PRIVATE = _OWN.as_dict(private=True)


def _sealed(enc="A128GCM", alg="ECDH-ES", **members):
    registry = jwe.JWERegistry(algorithms=[alg, enc, "DEF"])
    return jwe.encrypt_compact({"alg": alg, "enc": enc} | members, b"text", _OWN, registry=registry)


@pytest.mark.parametrize("enc", jose.ENCRYPTION)
def test_sealed_text_opens_with_its_key(enc):
    """And with no other."""
    assert jose.decrypt(_sealed(enc), _PRIVATE) == b"text"
    other = ECKey.generate_key("P-256").as_dict(private=True)
    assert _code(jose.decrypt, _sealed(enc), other) == "crypto.decrypt_failed"


def _reheaded(compact, **members):
    """The message with another header, which its seal covers."""
    header, rest = compact.split(".", 1)
    changed = json.loads(shape.base64url(header)) | members
    return f"{to_base64url(json.dumps(changed).encode())}.{rest}"


@pytest.mark.parametrize(
    ("compact", "code"),
    [
        (_sealed("A128CBC-HS256"), "crypto.alg_not_allowed"),
        (_sealed(alg="ECDH-ES+A128KW"), "crypto.alg_not_allowed"),
        (_sealed(zip="DEF"), "crypto.crit_unsupported"),
        (_reheaded(_sealed(), crit=["x"]), "crypto.crit_unsupported"),
        (_reheaded(_sealed(), alg=["ECDH-ES"]), "crypto.alg_not_allowed"),
        (_reheaded(_sealed(), epk=None), "crypto.decrypt_failed"),
        (_reheaded(_sealed(), epk=1), "crypto.decrypt_failed"),
        (_reheaded(_sealed(), epk={}), "crypto.decrypt_failed"),
        (_reheaded(_sealed(), epk={"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}), "crypto.decrypt_failed"),
        (_reheaded(_sealed(), epk=ECKey.generate_key("P-384").as_dict(private=False)), "crypto.decrypt_failed"),
        (_reheaded(_sealed(), apu=1), "crypto.decrypt_failed"),
        (_reheaded(_sealed(), apv="=="), "crypto.decrypt_failed"),
        (_sealed()[:-4], "crypto.decrypt_failed"),
        (_sealed() + "é", "crypto.decrypt_failed"),
        (_sealed().rpartition(".")[0], "crypto.decrypt_failed"),
        ("", "malformed.json"),
        ("A" * 2_000_000, "limit.size"),
    ],
    ids=range(17),
)
def test_message_that_does_not_open_is_refused(compact, code):
    """Other algorithms, compression, keys off the curve, of another curve or kind, a cut text."""
    assert code == _code(jose.decrypt, compact, _PRIVATE)
