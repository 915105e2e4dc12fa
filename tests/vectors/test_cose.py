"""The examples of the COSE working group: what passes, what fails, and the bytes that are signed."""

from __future__ import annotations

import json

import pytest

from ewallet import cose
from ewallet.errors import EWalletError
from ewallet.keys import PublicKey
from ewallet.shape import base64url

#: Valid for their authors, refused by us, by the code of the rule.
_STRICTER = {
    "mac-pass-01": "crypto.alg_not_allowed",  # an algorithm that is not protected
    "mac-pass-02": "crypto.alg_not_allowed",
    "mac-pass-03": "crypto.alg_not_allowed",
    "ecdsa-sig-04": "crypto.alg_not_allowed",  # ES512 with a P-256 key
    "sign-pass-01": "crypto.alg_not_allowed",
}


def _key(jwk):
    return PublicKey.of_jwk({name: value for name, value in jwk.items() if name not in ("d", "kid")})


def _checked(case):
    """Nothing, or the code it is refused with."""
    raw, aad = bytes.fromhex(case["cose_hex"]), bytes.fromhex(case.get("external_aad_hex") or "")
    try:
        if case["kind"] == "cose-mac0":
            cose.Mac0.parse(raw, "a mac").verify(bytes.fromhex(case["key_hex"]), aad=aad)
        else:
            cose.Sign1.parse(raw, "a message").verify(_key(case["jwk"]), aad=aad)
    except EWalletError as exc:
        return exc.code
    return None


@pytest.mark.vectors("standards/vectors/cose/*.json", count=14)
def test_message_is_judged_as_listed(vector):
    """A signature or MAC holds as listed, unless a rule of ours refuses it."""
    case = json.loads(vector.read_bytes())
    code = _checked(case)
    if case["expect"]["result"] == "valid":
        assert _STRICTER.get(vector.stem) == code
    else:
        assert code in {"crypto.signature_invalid", "crypto.alg_not_allowed", "malformed.cose", "malformed.cbor"}


def _signed(case):
    """An example of the working group as one of ours."""
    given = case["input"]
    part = given.get("sign0") or given["mac0"]
    common = {"cose_hex": case["output"]["cbor"], "external_aad_hex": part.get("external", "")}
    if "sign0" in given:
        return common | {"kind": "cose-sign1", "jwk": part["key"]}
    return common | {"kind": "cose-mac0", "key_hex": base64url(part["recipients"][0]["key"]["k"]).hex()}


@pytest.mark.vectors(
    "security/vectors/cose/sign1-tests/*.json",
    "security/vectors/cose/mac0-tests/mac-*.json",
    "security/vectors/cose/ecdsa-examples/ecdsa-sig-*.json",
    count=20,
)
def test_example_is_judged_as_marked(vector):
    """What is marked as failing fails; what is not holds, unless a rule of ours refuses it."""
    case = json.loads(vector.read_bytes())
    code = _checked(_signed(case))
    if case.get("fail"):
        assert code is not None
    else:
        assert _STRICTER.get(vector.stem) == code


@pytest.mark.vectors("security/vectors/cose/sign1-tests/sign-pass-0[23].json", count=2)
def test_signed_bytes_are_those_of_the_example(vector):
    """The structure that is signed, encoded as its authors did."""
    case = json.loads(vector.read_bytes())
    given = case["input"]
    message = cose.Sign1.parse(bytes.fromhex(case["output"]["cbor"]), "a message")
    signed = cose.to_be_signed(
        message.protected, given["plaintext"].encode(), bytes.fromhex(given["sign0"].get("external", ""))
    )
    assert case["intermediates"]["ToBeSign_hex"].lower() == signed.hex()
