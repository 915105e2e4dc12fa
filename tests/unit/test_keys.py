"""Keys: which ones are taken, what they sign, and that private ones stay where they are."""

from __future__ import annotations

import copy
import os
import pickle

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ewallet.errors import EWalletError
from ewallet.keys import ALGORITHMS, PublicKey, SigningKey
from ewallet.shape import to_base64url
from ewallet.testing.clock import START
from ewallet.testing.pki import Pki, private_key

_DATA = b"what is signed"


def _code(check, *args, **kwargs):
    with pytest.raises(EWalletError) as refused:
        check(*args, **kwargs)
    return refused.value.code


@pytest.mark.parametrize("alg", sorted(ALGORITHMS))
def test_signature_verifies_under_its_key_and_text_only(alg):
    """Whatever the curve; its width is fixed."""
    key = SigningKey.generate(alg)
    signature = key.sign(_DATA)
    key.public.verify(signature, _DATA)
    assert alg == key.public.alg
    other = SigningKey.generate(alg).public
    for public, text, sent in (
        (other, _DATA, signature),
        (key.public, b"another", signature),
        (key.public, _DATA, signature[:-1]),
        (key.public, _DATA, b"\x00" + signature),
        (key.public, _DATA, bytes(len(signature))),
        (key.public, _DATA, b""),
    ):
        assert _code(public.verify, sent, text) == "crypto.signature_invalid"


@pytest.mark.parametrize("alg", sorted(ALGORITHMS))
def test_key_comes_back_from_its_jwk_pem_and_secret(alg):
    """The same key, with the same thumbprint."""
    key = SigningKey.generate(alg)
    assert key.public == PublicKey.of_jwk(key.public.jwk)
    assert key.public == PublicKey.of_jwk(key.public.jwk | {"use": "sig", "alg": alg, "key_ops": ["verify"]})
    assert key.public == SigningKey.of_secret(key.secret()).public
    assert key.public.thumbprint == PublicKey.of_jwk(key.public.jwk).thumbprint
    pem = private_key(key).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    assert key.public == PublicKey.read(pem)


def test_thumbprint_is_that_of_rfc_8037():
    """Its appendix A.3: the members in order, and nothing else."""
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "kid": "other"}
    assert PublicKey.of_jwk(jwk).thumbprint == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_a_jwk_may_have_the_newer_name_of_its_algorithm():
    """RFC 9864 §2.2: EdDSA did not say with which curve."""
    public = SigningKey.generate("EdDSA").public
    assert [public] * 2 == [PublicKey.of_jwk(public.jwk | {"alg": alg}) for alg in ("EdDSA", "Ed25519")]


_P256 = SigningKey.generate().public.jwk
_ED25519 = SigningKey.generate("EdDSA").public.jwk


@pytest.mark.parametrize(
    ("jwk", "code"),
    [
        (_P256 | {"d": "AA"}, "crypto.key_invalid"),
        ({"kty": "oct", "k": "AA"}, "crypto.key_invalid"),
        (_P256 | {"use": "enc"}, "crypto.key_invalid"),
        (_P256 | {"alg": "Ed25519"}, "crypto.key_invalid"),
        (_P256 | {"key_ops": ["encrypt"]}, "crypto.key_invalid"),
        (_P256 | {"key_ops": []}, "crypto.key_invalid"),
        (_P256 | {"key_ops": 5}, "malformed.claim_type"),
        (_P256 | {"key_ops": "verify"}, "malformed.claim_type"),
        (_P256 | {"alg": "ES384"}, "crypto.key_invalid"),
        (_P256 | {"crv": "secp256k1"}, "crypto.key_invalid"),
        (_P256 | {"crv": 1}, "malformed.claim_type"),
        (_P256 | {"kty": "RSA"}, "crypto.key_invalid"),
        (_P256 | {"x": "AA"}, "crypto.key_invalid"),
        (_P256 | {"x": "A="}, "malformed.encoding"),
        (_P256 | {"x": _P256["y"]}, "crypto.key_invalid"),
        ({"kty": "EC", "crv": "P-256", "x": _P256["x"]}, "malformed.claim_type"),
        (_P256 | {"x": to_base64url(bytes(32)), "y": to_base64url(bytes(32))}, "crypto.key_invalid"),
        (_ED25519 | {"crv": "X25519"}, "crypto.key_invalid"),
        (_ED25519 | {"x": "AAAA"}, "crypto.key_invalid"),
        ({}, "crypto.key_invalid"),
    ],
    ids=range(20),
)
def test_jwk_that_is_no_signer_of_ours_is_refused(jwk, code):
    """Private, for another use, of another kind or curve, too short, off its curve."""
    assert code == _code(PublicKey.of_jwk, jwk)


def test_key_of_another_kind_is_refused():
    """From wherever it comes."""
    other = rsa.generate_private_key(65537, 2048)
    assert _code(PublicKey.of, other.public_key()) == "crypto.key_invalid"
    assert _code(PublicKey.of, ec.generate_private_key(ec.SECP256K1()).public_key()) == "crypto.key_invalid"
    assert _code(SigningKey.of, other) == "crypto.key_invalid"
    assert _code(SigningKey.generate, "RS256") == "usage.argument"
    pem = other.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    assert _code(PublicKey.read, pem) == "crypto.key_invalid"
    assert _code(PublicKey.read, b"-----BEGIN PUBLIC KEY-----") == "crypto.key_invalid"
    assert _code(PublicKey.read, b"[]") == "malformed.claim_type"


def test_file_of_a_key_is_private_and_new(tmp_path):
    """Readable by its owner, never overwritten, refused where everybody may read it."""
    key, path = SigningKey.generate(), tmp_path / "own.key"
    key.save(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert key.public == SigningKey.load(path).public
    assert _code(key.save, path) == "usage.file"
    path.chmod(0o604)
    assert _code(SigningKey.load, path) == "storage.loose_mode"


def test_file_that_holds_no_key_is_refused(tmp_path):
    """Absent, a folder, a pipe that would block, something else."""
    text, pipe = tmp_path / "text", tmp_path / "pipe"
    text.write_bytes(b"no key")
    text.chmod(0o600)
    os.mkfifo(pipe, 0o600)
    assert _code(SigningKey.load, text) == "usage.configuration"
    for path in (tmp_path / "absent", tmp_path, pipe):
        assert _code(SigningKey.load, path) == "usage.file"


def test_chain_is_that_of_the_key(tmp_path):
    """With a certificate for another key it is refused."""
    pki = Pki.make(at=START, systems={"x": {"*"}})
    pki.save(tmp_path)
    signer = pki.signers["x"]
    path = tmp_path / "signers" / "x.key"
    loaded = SigningKey.load(path, chain=path.with_suffix(".pem"))
    assert _code(SigningKey.load, path, chain=tmp_path / "absent") == "usage.file"
    assert _code(SigningKey.load, path, chain=path) == "malformed.x509"
    assert (signer.public, signer.chain) == (loaded.public, loaded.chain)
    assert _code(SigningKey.generate().with_chain, signer.chain) == "usage.configuration"


def test_private_key_is_not_copied_printed_or_compared():
    """Its secret leaves by :meth:`secret` and by nothing else."""
    key = SigningKey.generate()
    for leak in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match="not pickled"):
            leak(key)
    assert repr(key) == "SigningKey()"
    assert repr(key.public) == "PublicKey()"
