"""Rows SDJ of the security matrix: what an SD-JWT, its signature and its JSON may be made of.

Each test is one row, over several inputs that break the same rule; one input per peer that misbehaves is in
``test_misbehave.py``.
"""

from __future__ import annotations

import hashlib
import hmac
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ewallet.keys import SigningKey
from ewallet.shape import base64url, to_base64url
from ewallet.testing.pki import private_key
from ewallet.testing.stage import digest, disclosure, items_of, jws

KIND = "resident_register_copy"
SALT = "c2FsdCBvZiBhIGhvc3RpbGUgcGVlcg"


def _text(stage, members):
    """The payload as JSON text with raw members in front, which may repeat or break what follows."""
    return "{" + members + "," + json.dumps(stage.payload)[1:]


def _hiding(stage, name, value):
    """A presentation that delivers a claim by disclosure instead of in the open."""
    hidden = disclosure(SALT, name, value)
    payload = {key: member for key, member in stage.payload.items() if key != name}
    payload["_sd"] = [*payload["_sd"], digest(hidden)]
    return stage.forge(payload=payload, disclosures=(*stage.disclosures, hidden))


def _now(stage):
    return int(stage.at.timestamp())


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize(
    "alg", ["none", "None", "nOnE", "", "es256", 1, None, ["ES256"], {"alg": "ES256"}], ids=json.dumps
)
def test_sdj_01_no_signature_algorithm(alg, signed, stage, judge):
    """SDJ-01: ``none`` in any spelling, and whatever is no algorithm at all, with and without a signature."""
    header = {**stage.header, "alg": alg}
    token = jws(header, stage.payload, stage.signer.sign if signed else None)

    assert "crypto.alg_not_allowed" == judge(stage.bind(stage.join(token, stage.disclosures)))


def test_sdj_01_absent_algorithm(stage, judge):
    """SDJ-01: a header without ``alg``."""
    header = {name: value for name, value in stage.header.items() if name != "alg"}

    assert "crypto.alg_not_allowed" == judge(stage.forge(header=header))


def _secrets(key: SigningKey):
    public = private_key(key).public_key()
    return {
        "pem": public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "spki": public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        "point": public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint),
        "leaf": key.chain[0],
        "jwk": json.dumps(key.public.jwk).encode(),
        "nothing": b"",
    }


@pytest.mark.parametrize("alg", ["HS256", "HS384", "HS512"])
@pytest.mark.parametrize("secret", ["pem", "spki", "point", "leaf", "jwk", "nothing"])
def test_sdj_02_a_public_key_is_no_secret(secret, alg, stage, judge):
    """SDJ-02: a MAC whose secret everybody knows."""
    key, hash_ = _secrets(stage.signer)[secret], getattr(hashlib, f"sha{alg[2:]}")
    token = jws({**stage.header, "alg": alg}, stage.payload, lambda data: hmac.new(key, data, hash_).digest())

    assert "crypto.alg_not_allowed" == judge(stage.bind(stage.join(token, stage.disclosures)))


@pytest.mark.parametrize("source", ["jwk", "jku", "x5u", "kid", "nothing"])
def test_sdj_04_no_key_comes_from_the_header(source, stage, judge, ewallet_kit):
    """SDJ-04: neither a key in the header nor an address of one is a key source; nothing is fetched."""
    mine = SigningKey.generate()
    values = {"jwk": mine.public.jwk, "kid": mine.public.thumbprint}
    header = {"alg": "ES256", "typ": "dc+sd-jwt", source: values.get(source, "https://evil.example/keys")}

    assert "trust.no_path" == judge(stage.forge(header=header, signer=mine))
    assert [] == ewallet_kit.network.requests


@pytest.mark.parametrize(
    "kid", ["../../etc/passwd", "' OR 1=1--", "k" * 10_240, "\0", "a\r\nSet-Cookie: b", "\x1b[31m", "${jndi:ldap://x}"]
)
def test_sdj_06_a_key_identifier_leads_nowhere(kid, stage, judge):
    """SDJ-06: ``kid`` is not looked up anywhere, and not repeated (the judge reads logs and details)."""
    header = {name: value for name, value in stage.header.items() if name != "x5c"}

    assert "trust.no_path" == judge(stage.forge(header={**header, "kid": kid}))


@pytest.mark.parametrize(
    "extension",
    [
        {"crit": ["urn:example:unknown"], "urn:example:unknown": 1},
        {"crit": []},
        {"crit": ["alg"]},
        {"crit": ["absent"]},
        {"crit": "b64"},
        {"crit": None},
        {"b64": False, "crit": ["b64"]},
        {"b64": False},
    ],
    ids=json.dumps,
)
def test_sdj_08_critical_extensions(extension, stage, judge):
    """SDJ-08: this library understands no extension, so it reads nothing that demands one."""
    assert "crypto.crit_unsupported" == judge(stage.forge(header={**stage.header, **extension}))


@pytest.mark.parametrize(
    "typ",
    [
        *["kb+jwt", "openid4vci-proof+jwt", "statuslist+jwt", "oauth-authz-req+jwt", "openidvci-issuer-metadata+jwt"],
        *["JWT", "", "DC+SD-JWT", "vc+sd-jwt", None, 1, ["dc+sd-jwt"]],
    ],
    ids=json.dumps,
)
def test_sdj_09_a_token_of_another_type(typ, stage, judge):
    """SDJ-09: what the trusted issuer signed as something else is no credential."""
    assert "crypto.typ_mismatch" == judge(stage.forge(header={**stage.header, "typ": typ}))


def test_sdj_09_a_token_without_type(stage, judge):
    """SDJ-09: nor is what it signed as nothing in particular."""
    header = {name: value for name, value in stage.header.items() if name != "typ"}

    assert "crypto.typ_mismatch" == judge(stage.forge(header=header))


@pytest.mark.parametrize("again", ['"alg":"none"', '"\\u0061lg":"none"', '"alg":"ES256"'])
def test_sdj_10_repeated_member_of_the_header(again, stage, judge):
    """SDJ-10: not even the same value twice, however it is spelt."""
    header = "{" + again + "," + json.dumps(stage.header)[1:]

    assert "malformed.json_duplicate" == judge(stage.forge(header=header))


@pytest.mark.parametrize("again", ['"exp":9999999999', '"\\u0065xp":9999999999', '"_sd":[]', '"x":{"a":1,"a":1}'])
def test_sdj_10_repeated_member_of_the_payload(again, stage, judge):
    """SDJ-10: at any depth."""
    assert "malformed.json_duplicate" == judge(stage.forge(payload=_text(stage, again)))


@pytest.mark.parametrize("value", ['{"vct":"a","vct":"b"}', '[{"a":1,"\\u0061":2}]', '{"a":{"b":1,"b":1}}'])
def test_sdj_10_repeated_member_of_a_disclosure(value, stage, judge):
    """SDJ-10: in a disclosed value too."""
    assert "malformed.json_duplicate" == judge(stage.disclosing(to_base64url(f'["{SALT}","x",{value}]'.encode())))


_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256


def _broken(signature: bytes):
    r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
    wide = [(0, s), (r, 0), (0, 0), (_ORDER, s), (r, _ORDER), (2**256 - 1, s), (1, 1), (s, r)]
    yield from (a.to_bytes(32, "big") + b.to_bytes(32, "big") for a, b in wide)
    yield from (encode_dss_signature(r, s), signature[:-1], signature + b"\0", b"\0" + signature, b"")
    yield (r + _ORDER).to_bytes(33, "big") + signature[32:]
    yield bytes(64)


def test_sdj_12_misshapen_signatures_of_the_issuer(stage, judge):
    """SDJ-12: DER, too short, too long, none, and numbers outside the group."""
    signed, _, signature = stage.issued.rpartition(".")
    forged = [f"{signed}.{to_base64url(broken)}" for broken in _broken(base64url(signature))]

    codes = [judge(stage.bind(stage.join(token, stage.disclosures))) for token in forged]

    assert ["crypto.signature_invalid"] * len(forged) == codes


def test_sdj_12_misshapen_signatures_of_the_holder(stage, judge):
    """SDJ-12: the same of a key binding."""
    signed, _, signature = stage.key_binding.rpartition(".")
    forged = [f"{stage.shown}{signed}.{to_base64url(broken)}" for broken in _broken(base64url(signature))]

    assert ["kb.signature_invalid"] * len(forged) == [judge(each) for each in forged]


@pytest.mark.parametrize("place", ["same", "nested", "array", "disclosed"])
def test_sdj_15_repeated_digest(place, stage, judge):
    """SDJ-15: the same digest in one array, in two, or again inside a disclosure."""
    again = stage.payload["_sd"][0]
    payloads = {
        "same": {**stage.payload, "_sd": [*stage.payload["_sd"], again]},
        "nested": {**stage.payload, "nested": {"_sd": [again]}},
        "array": {**stage.payload, "rows": [{"...": again}]},
    }
    if place == "disclosed":
        assert "sdjwt.digest_duplicate" == judge(stage.disclosing(disclosure(SALT, "nested", {"_sd": [again]})))
    else:
        assert "sdjwt.digest_duplicate" == judge(stage.forge(payload=payloads[place]))


@pytest.mark.parametrize("position", [0, 1, 2])
def test_sdj_17_repeated_disclosure(position, stage, judge):
    """SDJ-17: wherever the second one stands."""
    shown = list(stage.disclosures)
    shown.insert(position, stage.disclosures[0])

    assert "sdjwt.disclosure_duplicate" == judge(stage.bind(stage.join(stage.issued, shown)))


@pytest.mark.parametrize("items", [[SALT, "age_over_19", True], [SALT, "element"], [SALT, "vct", "other"]])
def test_sdj_18_a_disclosure_that_nobody_signed(items, stage, judge):
    """SDJ-18: its digest occurs nowhere."""
    shown = stage.join(stage.issued, (*stage.disclosures, disclosure(*items)))

    assert "sdjwt.disclosure_unreferenced" == judge(stage.bind(shown))


def test_sdj_18_the_same_claim_encoded_anew(stage, judge):
    """SDJ-18: other white space is another disclosure, because the bytes received are hashed."""
    spaced = to_base64url(json.dumps(items_of(stage.disclosures[0]), ensure_ascii=False, indent=1).encode())

    shown = stage.join(stage.issued, (spaced, *stage.disclosures[1:]))

    assert "sdjwt.disclosure_unreferenced" == judge(stage.bind(shown))


def test_sdj_18_disclosures_of_a_payload_without_digests(stage, judge):
    """SDJ-18: nothing refers to any of them."""
    payload = {name: value for name, value in stage.payload.items() if name not in ("_sd", "_sd_alg")}

    assert "sdjwt.disclosure_unreferenced" == judge(stage.forge(payload=payload))


@pytest.mark.parametrize("name", ["_sd", "..."])
@pytest.mark.parametrize("value", ["x", [], ["a"], {}])
def test_sdj_19_reserved_names(name, value, stage, judge):
    """SDJ-19: whatever the value, and one level down too."""
    assert "sdjwt.claim_reserved" == judge(stage.disclosing(disclosure(SALT, name, value)))


@pytest.mark.parametrize("name", ["iss", "exp", "이름", "iat"])
def test_sdj_20_a_claim_that_is_already_there(name, stage, judge):
    """SDJ-20: a disclosed claim never takes the place of a visible one."""
    payload = {"이름": "견본", **stage.payload}
    hidden = disclosure(SALT, name, payload[name])
    payload["_sd"] = [*payload["_sd"], digest(hidden)]

    forged = stage.forge(payload=payload, disclosures=(*stage.disclosures, hidden))

    assert "sdjwt.claim_collision" == judge(forged)


def test_sdj_20_two_disclosures_of_one_name(stage, judge):
    """SDJ-20: nor of another disclosed one."""
    name = items_of(stage.disclosures[0])[1]

    assert "sdjwt.claim_collision" == judge(stage.disclosing(disclosure(SALT, name, "another")))


SHAPES = [
    '["s"]',
    "[]",
    '["s","n",1,2]',
    '["s",1]',
    '{"s":1}',
    '"s"',
    "1",
    "null",
    '["s",1,1]',
    '[1,"n",1]',
    "[[],[],1]",
]


@pytest.mark.parametrize("shape", SHAPES)
def test_sdj_22_a_disclosure_of_another_shape(shape, stage, judge):
    """SDJ-22: other than ``[salt, name, value]`` for a member."""
    assert "malformed.sdjwt" == judge(stage.disclosing(to_base64url(shape.encode())))


@pytest.mark.parametrize("shape", ['["s","n",1]', '["s"]', "[]", '["s",1,2,3]', '{"s":1}', "[1,1]"])
def test_sdj_22_an_element_of_another_shape(shape, stage, judge):
    """SDJ-22: other than ``[salt, value]`` for an element of an array."""
    element = to_base64url(shape.encode())
    forged = stage.forge(
        payload={**stage.payload, "rows": [{"...": digest(element)}]}, disclosures=(*stage.disclosures, element)
    )

    assert "malformed.sdjwt" == judge(forged)


HASHES = ["sha-1", "md5", "sha-256-128", "SHA-256", "sha256", "unknown", "", 256, None, ["sha-256"], "SHA3-256"]


@pytest.mark.parametrize("name", HASHES, ids=json.dumps)
def test_sdj_24_a_hash_that_is_not_allowed(name, stage, judge):
    """SDJ-24: only what the registry calls strong enough, as the registry spells it."""
    assert "crypto.hash_not_allowed" == judge(stage.forge(payload={**stage.payload, "_sd_alg": name}))


def test_sdj_24_a_hash_named_below_the_top(stage, judge):
    """SDJ-24: neither in a nested object, nor in a disclosure, nor as one."""
    nested = stage.forge(payload={**stage.payload, "nested": {"_sd_alg": "sha-256"}})
    disclosed = stage.disclosing(disclosure(SALT, "nested", {"_sd_alg": "sha-256"}))
    named = stage.disclosing(disclosure(SALT, "_sd_alg", "sha-256"))

    assert ["crypto.hash_not_allowed"] * 3 == [judge(each) for each in (nested, disclosed, named)]


@pytest.mark.parametrize("name", ["exp", "nbf", "iss", "cnf", "status", "aud", "vct#integrity"])
def test_sdj_25_a_protected_claim_by_disclosure(name, stage, judge):
    """SDJ-25: what limits a credential cannot be something that its holder may keep back."""
    assert "sdjwt.validity_claim_disclosed" == judge(_hiding(stage, name, stage.payload.get(name, "x")))


def test_sdj_25_the_type_by_disclosure(stage, judge):
    """SDJ-25: without a visible type there is nobody to ask whom to trust, so it is refused a rung earlier."""
    assert "malformed.claim_type" == judge(_hiding(stage, "vct", stage.payload["vct"]))


@pytest.mark.parametrize("name", ["cnf", "status"])
def test_sdj_25_part_of_a_protected_claim_by_disclosure(name, stage, judge):
    """SDJ-25: nor may any part of it be hidden."""
    hidden = disclosure(SALT, "x", 1)
    payload = {**stage.payload, name: {**stage.payload[name], "_sd": [digest(hidden)]}}

    forged = stage.forge(payload=payload, disclosures=(*stage.disclosures, hidden))

    assert "sdjwt.validity_claim_disclosed" == judge(forged)
