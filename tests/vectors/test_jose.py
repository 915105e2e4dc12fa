"""Wycheproof: signatures, keys and encryption of JOSE, and the primitives below them.

What is listed as invalid is never accepted. What is listed as valid is refused only by an allow-list or by our stricter
base64url, and then with the code of that rule.
"""

from __future__ import annotations

import json

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ewallet import jose
from ewallet.errors import CryptoError, EWalletError
from ewallet.keys import PublicKey
from ewallet.shape import base64url, to_base64url

#: Valid for their authors, refused by us, by comment of the case.
_STRICTER = {
    "InvalidCharacterInsertedInHeader": "malformed.encoding",  # a line break inside base64url
    "Figure27": "crypto.key_invalid",  # a JWK that says ES521, which is no algorithm
}


def _cases(vector):
    for group in json.loads(vector.read_bytes())["testGroups"]:
        for case in group["tests"]:
            yield group, case


def _key(group):
    """The public key a group is verified with: of a set the first, because a key set is chosen from before."""
    jwk = group.get("public") or group["private"]
    jwk = jwk["keys"][0] if "keys" in jwk else jwk
    return jwk if "public" in group else {name: value for name, value in jwk.items() if name not in ("d", "k")}


def _jwk(point):
    """The JWK of an uncompressed point."""
    half = len(point) // 2
    crv = {32: "P-256", 48: "P-384", 66: "P-521"}.get(half, "P-256")
    return {"kty": "EC", "crv": crv, "x": to_base64url(point[1 : half + 1]), "y": to_base64url(point[half + 1 :])}


def _refusal(check):
    """The code of the error of ours that the check ends in, or None."""
    try:
        check()
    except EWalletError as exc:
        return exc.code
    return None


def _text(message):
    return message if isinstance(message, str) else json.dumps(message)


@pytest.mark.vectors("security/vectors/wycheproof/ecdsa*p1363*.json", "standards/vectors/jose/*p1363*.json", count=4)
def test_fixed_width_signatures_are_judged_as_listed(vector):
    """A raw ``r || s`` of the exact width and range verifies, and nothing else."""
    for group, case in _cases(vector):
        key = PublicKey.of_jwk(_jwk(bytes.fromhex(group["publicKey"]["uncompressed"])))
        code = _refusal(lambda: key.verify(bytes.fromhex(case["sig"]), bytes.fromhex(case["msg"])))  # noqa: B023
        assert (case["tcId"], None if case["result"] == "valid" else "crypto.signature_invalid") == (case["tcId"], code)


@pytest.mark.vectors("security/vectors/wycheproof/ed25519_test.json", count=1)
def test_ed25519_signatures_are_judged_as_listed(vector):
    """Ed25519 with its short, long and malleable signatures."""
    for group, case in _cases(vector):
        key = PublicKey.of_jwk({name: group["publicKeyJwk"][name] for name in ("kty", "crv", "x")})
        code = _refusal(lambda: key.verify(bytes.fromhex(case["sig"]), bytes.fromhex(case["msg"])))  # noqa: B023
        assert (case["tcId"], None if case["result"] == "valid" else "crypto.signature_invalid") == (case["tcId"], code)


def _check_jws(group, case):
    jws = jose.parse(_text(case["jws"]), None)
    jws.verify(PublicKey.of_jwk(_key(group)))


@pytest.mark.vectors("security/vectors/wycheproof/json_web_[!e]*.json", "standards/vectors/jose/*jws*.json", count=4)
def test_signed_messages_are_judged_as_listed(vector):
    """No invalid JWS is accepted; a valid one is refused for its algorithm only."""
    judged = 0
    for group, case in _cases(vector):
        if "jws" not in case:
            continue
        judged += 1
        code = _refusal(lambda: _check_jws(group, case))  # noqa: B023
        if case["result"] == "invalid":
            assert code is not None, case["tcId"]
        elif code is not None:
            assert (case["tcId"], _STRICTER.get(case["comment"], "crypto.alg_not_allowed")) == (case["tcId"], code)
    assert judged > 0


def _enc_and_alg(message):
    header = message.partition(".")[0]
    return json.loads(base64url(header))


@pytest.mark.vectors("security/vectors/wycheproof/json_web_*ryp*.json", "standards/vectors/jose/*jwe*.json", count=3)
def test_encrypted_messages_are_judged_as_listed(vector):
    """ECDH-ES with AES-GCM opens to the listed text; every other algorithm is refused for what it is."""
    for group, case in _cases(vector):
        if "jwe" not in case:
            continue
        try:
            plain = jose.decrypt(_text(case["jwe"]), group["private"])
        except EWalletError as exc:
            if case["result"] == "valid":
                assert (case["tcId"], "crypto.alg_not_allowed") == (case["tcId"], exc.code)
                header = _enc_and_alg(case["jwe"])
                assert header["alg"] != "ECDH-ES" or header["enc"] not in jose.ENCRYPTION
        else:
            assert (case["result"], case.get("pt")) == ("valid", plain.hex())


@pytest.mark.vectors("security/vectors/wycheproof/ecdh_secp256r1_webcrypto_test.json", count=1)
def test_points_of_jwks_are_judged_as_listed(vector):
    """A JWK whose point is not on its curve is no key (RFC 8725 §3.4)."""
    for _, case in _cases(vector):
        if case["flags"] == ["WrongCurve"]:
            continue  # a sound key of another curve than its counterpart
        code = _refusal(lambda: PublicKey.of_jwk(case["public"]))  # noqa: B023
        assert (case["tcId"], case["result"] == "valid") == (case["tcId"], code is None)
        assert code in {None, "crypto.key_invalid", "malformed.claim_type"}


@pytest.mark.vectors("security/vectors/wycheproof/*ecpoint*.json", "standards/vectors/jose/*ecdh-p256*.json", count=2)
def test_points_are_judged_as_listed(vector):
    """The same for encoded points; only uncompressed ones can be written as a JWK."""
    for _, case in _cases(vector):
        point = bytes.fromhex(case["public"])
        if point[:1] != b"\x04":
            continue
        jwk = _jwk(point)
        if case["result"] == "valid":
            assert jwk == PublicKey.of_jwk(jwk).jwk
        else:
            with pytest.raises(CryptoError) as refused:
                PublicKey.of_jwk(jwk)
            assert refused.value.code == "crypto.key_invalid"


def _decrypted(case):
    cipher = AESGCM(bytes.fromhex(case["key"]))
    sealed = bytes.fromhex(case["ct"]) + bytes.fromhex(case["tag"])
    return cipher.decrypt(bytes.fromhex(case["iv"]), sealed, bytes.fromhex(case["aad"]))


@pytest.mark.vectors("security/vectors/wycheproof/aes_gcm*.json", "standards/vectors/jose/*aes-gcm*.json", count=2)
def test_aes_gcm_of_the_installed_library_is_sound(vector):
    """What seals the stores and the sessions: 96-bit nonces and 128-bit tags, nothing shorter."""
    for group, case in _cases(vector):
        if (group["ivSize"], group["tagSize"]) != (96, 128):
            continue
        if case["result"] == "valid":
            assert case["msg"] == _decrypted(case).hex()
        else:
            with pytest.raises(InvalidTag):
                _decrypted(case)


@pytest.mark.vectors("security/vectors/wycheproof/hkdf*.json", "standards/vectors/jose/*hkdf*.json", count=2)
def test_hkdf_of_the_installed_library_is_sound(vector):
    """What derives the session keys."""
    for _, case in _cases(vector):
        salt, info, ikm = (bytes.fromhex(case[name]) for name in ("salt", "info", "ikm"))
        if case["result"] == "valid":
            assert case["okm"] == HKDF(SHA256(), case["size"], salt, info).derive(ikm).hex()
        else:
            with pytest.raises(ValueError, match="larger"):
                HKDF(SHA256(), case["size"], salt, info)
