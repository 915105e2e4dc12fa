"""Rows X5T of the security matrix: which certificates may stand behind a credential.

Trust lists (17) are in ``test_x5t_list.py``, revocation lists (16) in ``test_x5t_crl.py``, names of verifiers (21) in
``tests/unit/test_oid4vp_request.py``, row 23 is in ``tests/vectors``.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from ewallet.errors import EWalletError
from ewallet.keys import SigningKey
from ewallet.testing.clock import START
from ewallet.testing.misbehave import another_pki, self_signed
from ewallet.testing.pki import Authority, Pki, issue_certificate, private_key
from ewallet.trust import KEY_USAGE, TrustAnchor

VCT = "urn:example:kr-ewallet:resident_register_copy:1"
TAX = "urn:example:kr-ewallet:local_tax_payment_certificate:1"  # whose authority may have others below it
AT = START


@pytest.fixture
def check(pki):
    """A function: the code with which a chain is refused as a signer of resident register copies, None if trusted."""

    def code(chain, *, at=AT, trust=None, purpose="issuer", type_id=VCT):
        try:
            (trust or pki.trust_list()).check(chain, purpose, at, type_id=type_id)
        except EWalletError as exc:
            return exc.code
        return None

    return code


def _key():
    return ec.generate_private_key(ec.SECP256R1())


def _der(*certificates):
    return tuple(each.public_bytes(Encoding.DER) for each in certificates)


def _leaf(pki, **change):
    """A leaf of the resident authority with a changed profile."""
    return issue_certificate(replace(pki.profile(), **change), _key().public_key(), by=pki.authorities["resident"])


def _below(pki, **change):
    """An authority below one of the tax system, and a good leaf below that."""
    key = SigningKey.generate()
    profile = replace(pki.profile(), subject="a branch", ca=True, usage=None, names=(), **change)
    own = issue_certificate(profile, private_key(key).public_key(), by=pki.authorities["tax_local"])
    branch = Authority(id="branch", certificate=own, key=key)
    return issue_certificate(pki.profile(), _key().public_key(), by=branch), own


def test_what_the_pki_makes_is_trusted(pki, check):
    """G8: a leaf, and a leaf below a further authority."""
    assert [None, None] == [check(_der(_leaf(pki))), check(_der(*_below(pki)), type_id=TAX)]


def test_x5t_01_self_signed(stage, judge):
    """X5T-01: a signer that vouches for itself is nobody."""
    assert "trust.self_signed" == judge(self_signed(stage))


@pytest.mark.parametrize(("listed", "code"), [(True, None), (False, "trust.self_signed")])
def test_x5t_01_self_signed_but_listed(listed, code, pki, check):
    """X5T-01: unless that very certificate is an anchor, and an anchor that may sign by itself."""
    key = _key()
    own, twin = (issue_certificate(pki.profile(), key.public_key(), by=key) for _ in range(2))
    anchor = TrustAnchor(id="itself", purpose="issuer", certificate=own, types=frozenset({VCT}), end_entity=listed)
    trust = replace(pki.trust_list(), anchors=(anchor,))

    assert (code, "trust.self_signed") == (check(_der(own), trust=trust), check(_der(twin), trust=trust))


def test_x5t_02_an_unknown_root(stage, judge):
    """X5T-02: a whole PKI in the message is still not ours."""
    assert "trust.no_path" == judge(another_pki(stage))


def test_x5t_02_a_root_of_the_same_name(pki, check):
    """X5T-02: nor is one that calls itself what ours is called."""
    other = Pki.make(at=pki.at, systems=pki.types, issuer=pki.issuer)
    chain = (*other.signers["resident"].chain, other.authorities["resident"].der, other.root.der)

    assert ["trust.no_path"] * 3 == [check(chain[:length]) for length in (1, 2, 3)]


def test_x5t_02_our_own_root_vouches_for_nobody(pki, check):
    """X5T-02: the list names the authorities; whatever else the root has signed is unknown."""
    leaf = issue_certificate(pki.profile(), _key().public_key(), by=pki.root)

    assert "trust.no_path" == check((*_der(leaf), pki.root.der))


def test_x5t_02_an_anchor_that_is_trusted_no_more(pki, check):
    """X5T-02: the operator withdraws trust from a date on, to the second."""
    trust = pki.trust_list()
    anchors = tuple(replace(anchor, distrust_after=AT) for anchor in trust.anchors)
    withdrawn = replace(trust, anchors=anchors)

    assert "trust.no_path" == check(pki.signers["resident"].chain, trust=withdrawn)
    assert None is check(pki.signers["resident"].chain, trust=withdrawn, at=AT - timedelta(seconds=1))


@pytest.mark.parametrize("kind", ["leaf", "branch"])
@pytest.mark.parametrize(("since", "until"), [(-2, -1), (1, 2)], ids=["expired", "not_yet_valid"])
def test_x5t_04_out_of_its_time(kind, since, until, pki, check):
    """X5T-04: leaf or authority, over or not begun."""
    change = {"since": AT + timedelta(days=since), "until": AT + timedelta(days=until)}
    chain = _der(_leaf(pki, **change)) if kind == "leaf" else _der(*_below(pki, **change))

    assert "trust.cert_expired" == check(chain, type_id=VCT if kind == "leaf" else TAX)


def test_x5t_04_the_second_it_ends(pki, check):
    """X5T-04: the end belongs to the validity (RFC 5280 §4.1.2.5), the next second does not."""
    leaf = _der(_leaf(pki, until=AT))

    assert [None, "trust.cert_expired"] == [check(leaf), check(leaf, at=AT + timedelta(seconds=1))]


def test_x5t_04_an_anchor_that_is_over(pki, check):
    """X5T-04: five years on even the authority has expired."""
    later = AT + timedelta(days=365 * 6)
    leaf = _der(_leaf(pki, since=later - timedelta(days=1), until=later + timedelta(days=1)))
    trust = replace(pki.trust_list(), until=later + timedelta(days=1))

    assert "trust.cert_expired" == check(leaf, trust=trust, at=later)


@pytest.mark.parametrize("ca", [False, None])
def test_x5t_05_a_leaf_that_signs_another(ca, pki, check):
    """X5T-05: without the CA bit, or without basic constraints at all."""
    key = SigningKey.generate()
    profile = replace(pki.profile(subject="a leaf"), ca=ca)
    first = issue_certificate(profile, private_key(key).public_key(), by=pki.authorities["resident"])
    by = Authority(id="a leaf", certificate=first, key=key)

    assert "trust.no_path" == check(_der(issue_certificate(pki.profile(), _key().public_key(), by=by), first))


UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.55555.1"), b"\x05\x00")


@pytest.mark.parametrize(("critical", "code"), [(True, "trust.cert_profile"), (False, None)])
def test_x5t_07_unknown_extensions(critical, code, pki, check):
    """X5T-07: a critical one is refused wherever it stands, another one is not looked at."""
    extra = (*pki.profile().extra, (UNKNOWN, critical))

    assert code == check(_der(_leaf(pki, extra=extra)))
    assert code == check(_der(*_below(pki, extra=extra)), type_id=TAX)


def test_x5t_09_too_many_certificates(stage, judge, check):
    """X5T-09: counted before any of them is read."""
    chain = [b64encode(stage.signer.chain[0]).decode()] * 6

    assert "limit.count" == judge(stage.forge(header={**stage.header, "x5c": chain}))
    assert "limit.count" == check(stage.signer.chain * 100)


def test_x5t_09_a_maze_of_one_name(pki, check):
    """X5T-09: as many certificates as are read, all of one name and key, lead nowhere and come to an end."""
    key = SigningKey.generate()
    public, profile = private_key(key).public_key(), replace(pki.profile(), subject="a maze", ca=True, usage=None)
    maze = [issue_certificate(profile, public, by=key) for _ in range(4)]
    leaf = issue_certificate(pki.profile(), _key().public_key(), by=Authority(id="maze", certificate=maze[0], key=key))

    assert "trust.no_path" == check(_der(leaf, *maze))


@pytest.mark.parametrize("x5c", [None, "a", [], [1], [""], ["!"], ["AAAA"], [["a"]], {"0": "a"}], ids=json.dumps)
def test_x5t_09_a_chain_that_is_none(x5c, stage, judge):
    """X5T-09: what is no array of certificates is refused as what it is."""
    code = judge(stage.forge(header={**stage.header, "x5c": x5c}))

    assert code in ("malformed.claim_type", "malformed.encoding", "malformed.x509")


WEAK: dict[str, Callable[[], Any]] = {
    "rsa-1024": lambda: rsa.generate_private_key(65537, 1024),  # noqa: S505 - refused below
    "rsa-2048": lambda: rsa.generate_private_key(65537, 2048),
    "dsa": lambda: dsa.generate_private_key(1024),  # noqa: S505 - refused below
    "p-192": lambda: ec.generate_private_key(ec.SECP192R1()),
    "p-224": lambda: ec.generate_private_key(ec.SECP224R1()),
    "secp256k1": lambda: ec.generate_private_key(ec.SECP256K1()),
    "brainpool": lambda: ec.generate_private_key(ec.BrainpoolP256R1()),
    "ed448": ed448.Ed448PrivateKey.generate,
}


@pytest.mark.parametrize("kind", WEAK)
def test_x5t_11_keys_that_sign_no_credentials(kind, pki, check):
    """X5T-11: of another kind, too short, or on a curve that is not ours."""
    public = WEAK[kind]().public_key()

    assert "trust.cert_profile" == check(_der(issue_certificate(pki.profile(), public, by=pki.authorities["resident"])))


@pytest.mark.parametrize("digest", [hashes.SHA224(), hashes.SHA3_256()], ids=lambda digest: digest.name)
def test_x5t_11_weak_or_unusual_hashes(digest, pki, check):
    """X5T-11: certificates are signed with SHA-256, SHA-384 or SHA-512."""
    assert "trust.cert_profile" == check(_der(_leaf(pki, digest=digest)))


def _tlv(tag, content):
    length = len(content)
    size = length.to_bytes((length.bit_length() + 7) // 8 or 1, "big")
    return bytes([tag]) + (size if length < 128 else bytes([128 | len(size)]) + size) + content


def _parts(der):
    """The elements of a DER sequence, each with its tag and length."""
    rest, parts = der[_head(der) :], []
    while rest:
        end = _head(rest) + _length(rest)
        parts.append(rest[:end])
        rest = rest[end:]
    return parts


def _head(der):
    return 2 + (der[1] & 127 if der[1] > 127 else 0)


def _length(der):
    return int.from_bytes(der[2 : _head(der)], "big") if der[1] > 127 else der[1]


SHA256, SHA1 = (_tlv(0x30, _tlv(6, bytes.fromhex(oid))) for oid in ("2a8648ce3d040302", "2a8648ce3d0401"))
MD5_RSA = _tlv(0x30, _tlv(6, bytes.fromhex("2a864886f70d010104")) + b"\x05\x00")
_PLACES = {
    "version": 0,
    "serial": 1,
    "algorithm": 2,
    "issuer": 3,
    "validity": 4,
    "subject": 5,
    "key": 6,
    "extensions": 7,
}


def _signed(pki, *, outside=SHA256, hash_=None, **change):
    """A leaf of which some parts were replaced before the resident authority signed it."""
    parts = _parts(_leaf(pki).tbs_certificate_bytes)
    for name, part in change.items():
        parts[_PLACES[name]] = part(parts[_PLACES[name]]) if callable(part) else part
    tbs = _tlv(0x30, b"".join(parts))
    signature = private_key(pki.authorities["resident"].key).sign(tbs, ec.ECDSA(hash_ or hashes.SHA256()))
    return _tlv(0x30, tbs + outside + _tlv(3, b"\0" + signature))


def test_the_surgery_leaves_a_good_certificate(pki, check):
    """What the tests below change is all that is wrong with a certificate."""
    assert None is check((_signed(pki),))


def test_x5t_11_sha1_and_md5(pki, check):
    """X5T-11: even if the authority itself signed like that."""
    sha1 = _signed(pki, algorithm=SHA1, outside=SHA1, hash_=hashes.SHA1())  # noqa: S303 - refused below
    md5 = _signed(pki, algorithm=MD5_RSA, outside=MD5_RSA)

    assert ["trust.cert_profile"] * 2 == [check((sha1,)), check((md5,))]


@pytest.mark.parametrize("inside", [SHA1, MD5_RSA])
def test_x5t_11_two_algorithms(inside, pki, check):
    """X5T-11: the algorithm outside, which nobody signed, is another one than inside."""
    assert check((_signed(pki, algorithm=inside),)) in ("trust.cert_profile", "trust.no_path")


def _twice(extensions):
    first, *_ = inner = _parts(_parts(extensions)[0])
    return _tlv(0xA3, _tlv(0x30, b"".join([*inner, first])))


MALFORMED = {
    "serial_zero": {"serial": _tlv(2, b"\0")},
    "serial_negative": {"serial": _tlv(2, b"\x80\x01")},
    "serial_of_21_octets": {"serial": _tlv(2, b"\x01" * 21)},
    "version_1": {"version": b"", "extensions": b""},
    "version_2": {"version": _tlv(0xA0, _tlv(2, b"\x01")), "extensions": b""},
    "empty_issuer": {"issuer": _tlv(0x30, b"")},
    "repeated_extension": {"extensions": _twice},
}


@pytest.mark.parametrize("kind", MALFORMED)
def test_x5t_20_a_certificate_of_another_profile(kind, pki, check):
    """X5T-20: correctly signed by the authority, and not what a certificate is."""
    assert check((_signed(pki, **MALFORMED[kind]),)) in ("trust.cert_profile", "malformed.x509")


@pytest.mark.parametrize("purpose", sorted(set(KEY_USAGE) - {"issuer"}))
def test_x5t_13_made_for_another_purpose(purpose, pki, check):
    """X5T-13: the right authority, but a certificate for something else."""
    assert "trust.cert_profile" == check(_der(_leaf(pki, usage=KEY_USAGE[purpose])))


@pytest.mark.parametrize(
    "usage", [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE], ids=["tls", "any"]
)
def test_x5t_13_made_for_tls_or_for_anything(usage, pki, check):
    """X5T-13: neither a web server's certificate nor one for everything."""
    assert "trust.cert_profile" == check(_der(_leaf(pki, usage=usage.dotted_string)))


def test_x5t_13_an_anchor_for_another_purpose(pki, check):
    """X5T-13: verifiers and status signers have authorities of their own, which vouch for no credential."""
    assert ["trust.cert_profile"] * 2 == [check(signer.chain) for signer in (pki.verifier, pki.status_signer)]
    assert "trust.cert_profile" == check(pki.signers["resident"].chain, purpose="status")
    assert "trust.cert_profile" == check(pki.signers["resident"].chain, purpose="verifier")


@pytest.mark.parametrize("change", [{"ca": True}, {"ca": True, "key_usage": False}], ids=["ca", "ca_without_usage"])
def test_x5t_13_an_authority_that_signs_credentials(change, pki, check):
    """X5T-13: an authority signs certificates and nothing else."""
    assert "trust.cert_profile" == check(_der(_leaf(pki, **change)))


def test_x5t_13_another_national_system(pki, check):
    """X5T-13: a tax office's signer cannot vouch for a resident register."""
    assert "trust.issuer_not_authorized" == check(pki.signers["tax_national"].chain)


def test_x5t_14_a_borrowed_chain(stage, judge):
    """X5T-14: the certificates are good, the signature is another key's."""
    assert "crypto.signature_invalid" == judge(stage.forge(signer=SigningKey.generate()))


def test_x5t_14_two_leaves(stage, judge):
    """X5T-14: the key is that of the first certificate, whatever else is in the chain."""
    profile = stage.pki.profile()
    mine = stage.pki.signer("resident", profile)
    chain = [b64encode(der).decode() for der in (*stage.signer.chain, *mine.chain)]

    assert "crypto.signature_invalid" == judge(stage.forge(header={**stage.header, "x5c": chain}, signer=mine))
