"""Whom to believe: the signed list, the path to an anchor, and the profile of every certificate on it."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from ewallet import jose, trust
from ewallet.errors import EWalletError, Malformed, TrustError
from ewallet.keys import SigningKey
from ewallet.testing.clock import START
from ewallet.testing.pki import Authority, Pki, Profile, certified, common_name, issue_certificate, private_key
from ewallet.trust import TYP, TrustAnchor, TrustList, TrustPaths, authorities

_SYSTEM = "resident"
_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)


@pytest.fixture(scope="module")
def pki():
    """A PKI of one national system."""
    return Pki.make(at=START, systems={_SYSTEM: {"urn:example:a", "urn:example:b"}})


@pytest.fixture
def listed(pki):
    """Its trust list."""
    return pki.trust_list()


def _code(check, *args, **kwargs):
    with pytest.raises(EWalletError) as refused:
        check(*args, **kwargs)
    return refused.value.code


def _chain(pki, profile, *, by=None, above=()):
    """The chain of a fresh key with that profile."""
    key = SigningKey.generate()
    public = private_key(key).public_key()
    made = issue_certificate(profile, public, by=by or pki.authorities[_SYSTEM])
    return certified(key, made, *above).chain


def _below(pki, **changes):
    """An authority below that of the national system."""
    key = SigningKey.generate()
    profile = replace(Profile(subject="below", since=START - _DAY, until=START + 90 * _DAY, ca=True), **changes)
    made = issue_certificate(profile, private_key(key).public_key(), by=pki.authorities[_SYSTEM])
    return Authority(id="below", certificate=made, key=key)


# -- the list ----------------------------------------------------------------------------------------------


def test_list_comes_back_from_its_signature(pki, listed):
    """Names, dates, switches and types survive; text and bytes are the same."""
    anchor = replace(
        listed.anchors[0],
        id="other",
        names={"ko": "예시", "en": "example"},
        distrust_after=START + _DAY,
        end_entity=True,
        key_identifiers=False,
    )
    wanted = replace(listed, anchors=(*listed.anchors, anchor))
    raw = wanted.signed(pki.operator)
    assert wanted == TrustList.read(raw, pki.operator_key, at=START)
    assert wanted == TrustList.read(raw.encode(), pki.operator_key, at=START, seen=1)


def test_list_of_another_signer_time_or_version_is_refused(pki, listed):
    """Another key, not yet, no longer, rolled back, not a list, too long."""
    raw, key = listed.signed(pki.operator), pki.operator_key
    assert _code(TrustList.read, raw, SigningKey.generate().public, at=START) == "trust.list_invalid"
    assert _code(TrustList.read, raw, key, at=listed.since - 61 * _SECOND) == "trust.list_invalid"
    assert _code(TrustList.read, raw, key, at=listed.until) == "trust.list_invalid"
    assert _code(TrustList.read, raw, key, at=START, seen=2) == "trust.list_rollback"
    assert _code(TrustList.read, "é", key, at=START) == "trust.list_invalid"
    assert _code(TrustList.read, b"\xff", key, at=START) == "trust.list_invalid"
    assert _code(TrustList.read, "A" * 5_000_000, key, at=START) == "trust.list_invalid"
    assert _code(TrustList.read, jose.sign("jwt", {}, pki.operator), key, at=START) == "trust.list_invalid"
    TrustList.read(raw, key, at=listed.since - 60 * _SECOND)


def _entry(pki, **changes):
    der = pki.authorities[_SYSTEM].der
    return {"id": "a", "purpose": "issuer", "types": ["*"], "certificate": b64encode(der).decode()} | changes


@pytest.mark.parametrize(
    "anchors",
    [
        [],
        [{"purpose": "everything"}],
        [{"types": []}],
        [{"names": {"ko": 1}}],
        [{"certificate": "AAAA"}],
        [{"end_entity": "yes"}],
        [{}, {}],
    ],
    ids=["none", "purpose", "types", "names", "certificate", "end entity", "same id"],
)
def test_list_with_a_bad_anchor_is_refused(pki, anchors):
    """A signature does not excuse the content."""
    claims = {
        "version": 1,
        "iat": int(START.timestamp()),
        "exp": int((START + _DAY).timestamp()),
        "anchors": [_entry(pki, **changes) for changes in anchors],
    }
    raw = jose.sign(TYP, claims, pki.operator)
    assert _code(TrustList.read, raw, pki.operator_key, at=START) == "trust.list_invalid"


# -- the path ----------------------------------------------------------------------------------------------


def test_path_gives_key_names_authorities_and_its_time(pki, listed):
    """What the verifier needs of a signer."""
    signer = pki.signers[_SYSTEM]
    path = listed.check(signer.chain, "issuer", START, type_id="urn:example:a")
    assert signer.public == path.key
    assert path.anchor.id == _SYSTEM
    path.check_issuer(pki.issuer)
    path.check_issuer(None)
    path.check_issuer(f"{pki.issuer}/tenant")
    assert _code(path.check_issuer, "https://another.example") == "trust.issuer_mismatch"
    assert authorities(signer.chain) <= path.authorities
    assert path.holds(START)
    assert not path.holds(path.until + _SECOND)


def test_time_of_a_path_ends_with_its_last_second(pki, listed):
    """A fraction of that second is still within it."""
    chain = _chain(pki, replace(pki.profile(), until=START + _DAY))
    last = START + _DAY + timedelta(milliseconds=900)
    assert listed.check(chain, "issuer", last, type_id=None).holds(last)
    assert _code(listed.check, chain, "issuer", START + _DAY + _SECOND, type_id=None) == "trust.cert_expired"


def test_chain_that_leads_elsewhere_is_refused(pki, listed):
    """None, too many, self-signed, of another root, expired, not yet valid, of another type or purpose."""
    other = Pki.make(at=START, systems={_SYSTEM: {"*"}})
    signer, at = pki.signers[_SYSTEM], START
    assert _code(listed.check, (), "issuer", at, type_id=None) == "trust.no_path"
    assert _code(listed.check, signer.chain * 6, "issuer", at, type_id=None) == "limit.count"
    assert _code(listed.check, (b"abc",), "issuer", at, type_id=None) == "malformed.x509"
    assert _code(listed.check, other.signers[_SYSTEM].chain, "issuer", at, type_id=None) == "trust.no_path"
    rooted = (*other.signers[_SYSTEM].chain, other.authorities[_SYSTEM].der, other.root.der)
    assert _code(listed.check, rooted, "issuer", at, type_id=None) == "trust.no_path"
    assert _code(listed.check, (pki.root.der,), "issuer", at, type_id=None) == "trust.self_signed"
    for since, until in ((-9, -1), (1, 9)):
        chain = _chain(pki, replace(pki.profile(), since=at + since * _DAY, until=at + until * _DAY))
        assert _code(listed.check, chain, "issuer", at, type_id=None) == "trust.cert_expired"
    assert _code(listed.check, signer.chain, "status", at, type_id=None) == "trust.cert_profile"
    assert _code(listed.check, signer.chain, "issuer", at, type_id="urn:x") == "trust.issuer_not_authorized"
    assert _code(listed.check, pki.status_signer.chain, "issuer", at, type_id=None) == "trust.cert_profile"


def test_anchor_counts_until_its_operator_distrusts_it(pki, listed):
    """Or until its certificate ends."""
    chain = pki.signers[_SYSTEM].chain
    distrusted = replace(
        listed, anchors=tuple(replace(anchor, distrust_after=START + _DAY) for anchor in listed.anchors)
    )
    assert distrusted.check(chain, "issuer", START, type_id=None).holds(START)
    assert _code(distrusted.check, chain, "issuer", START + _DAY, type_id=None) == "trust.no_path"
    long = replace(listed, until=START + 9_000 * _DAY)
    eternal = _chain(pki, replace(pki.profile(), until=START + 9_000 * _DAY))
    assert _code(long.check, eternal, "issuer", START + 8_000 * _DAY, type_id=None) == "trust.cert_expired"


def _anchor(certificate, **changes):
    return replace(TrustAnchor(id="own", purpose="issuer", certificate=certificate, types=frozenset("*")), **changes)


def test_listed_leaf_may_sign_itself(pki, listed):
    """A self-signed certificate is believed only as this very end entity."""
    key = SigningKey.generate()
    made = issue_certificate(pki.profile(), private_key(key).public_key(), by=key)
    chain = certified(key, made).chain
    own = replace(listed, anchors=(_anchor(made, end_entity=True),))
    assert key.public == own.check(chain, "issuer", START, type_id=None).key
    assert _code(replace(own, anchors=(_anchor(made),)).check, chain, "issuer", START, type_id=None) == (
        "trust.self_signed"
    )


def test_listed_authority_does_not_sign_credentials(pki, listed):
    """An anchor is no leaf, however it is listed."""
    authority = pki.authorities[_SYSTEM]
    as_leaf = replace(listed, anchors=(_anchor(authority.certificate, end_entity=True),))
    assert _code(as_leaf.check, (authority.der,), "issuer", START, type_id=None) == "trust.cert_profile"


def test_intermediates_are_followed_and_needless_ones_ignored(pki, listed):
    """A path of three; an expired certificate beside it does not matter, on it it does."""
    below, expired = _below(pki), _below(pki, until=START - _SECOND, subject="expired")
    chain = _chain(pki, pki.profile(), by=below, above=(below.certificate,))
    listed.check((*chain, expired.der), "issuer", START, type_id=None)
    assert _code(listed.check, chain[:1], "issuer", START, type_id=None) == "trust.no_path"
    late = _chain(pki, pki.profile(), by=expired, above=(expired.certificate,))
    assert _code(listed.check, late, "issuer", START, type_id=None) == "trust.cert_expired"


def test_authority_may_certify_its_own_next_key(pki, listed):
    """The same name twice on a path, under two keys."""
    key, own = SigningKey.generate(), pki.authorities[_SYSTEM]
    profile = Profile(subject=f"Example {_SYSTEM} authority", since=START - _DAY, until=START + _DAY, ca=True)
    link = issue_certificate(profile, private_key(key).public_key(), by=own)
    assert link.issuer == link.subject
    chain = _chain(pki, pki.profile(), by=Authority(id="next", certificate=link, key=key), above=(link,))
    assert listed.check(chain, "issuer", START, type_id=None).anchor.id == _SYSTEM


def test_leaf_is_no_authority(pki, listed):
    """What a leaf signs ends nowhere, nor does what an authority without constraints signs."""
    for changes in ({"ca": False}, {"ca": None}, {"ca": False, "key_usage": False}):
        below = _below(pki, **changes)
        chain = _chain(pki, pki.profile(), by=below, above=(below.certificate,))
        assert _code(listed.check, chain, "issuer", START, type_id=None) == "trust.no_path"


def test_paths_are_remembered_while_they_hold(pki, listed, monkeypatch):
    """By chain and type; not beyond the list, and not without bound."""
    monkeypatch.setattr(trust, "_REMEMBERED", 1)
    paths, chain = TrustPaths(listed, "issuer"), pki.signers[_SYSTEM].chain
    first = paths.check(chain, START, type_id="urn:example:a")
    assert first is paths.check(chain, START, type_id="urn:example:a")
    assert first == paths.check(chain, START, type_id="urn:example:b")
    assert first is not paths.check(chain, START, type_id="urn:example:a")
    assert _code(paths.check, chain, listed.until, type_id="urn:example:a") == "trust.list_invalid"


# -- the profile -------------------------------------------------------------------------------------------


def _usage(**changes):
    bits = dict.fromkeys(
        (
            "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
            "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
        ),
        False,
    )  # fmt: skip
    return x509.KeyUsage(**bits | changes)


_UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
_ANY_USAGE = x509.ExtendedKeyUsage(
    [x509.ObjectIdentifier(trust.KEY_USAGE["issuer"]), ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE]
)


@pytest.mark.parametrize(
    "changes",
    [
        {"ca": True},
        {"extra": ((_UNKNOWN, True),)},
        {"usage": "1.3.6.1.5.5.7.3.1"},
        {"usage": trust.KEY_USAGE["status"]},
        {"usage": None, "extra": ((_ANY_USAGE, False),)},
        {"key_usage": False, "extra": ((_usage(key_agreement=True), True),)},
        {"key_usage": False, "extra": ((_usage(digital_signature=True, key_cert_sign=True), True),)},
    ],
    ids=["authority", "critical", "server", "status", "any usage", "agreement", "certificates"],
)
def test_leaf_outside_the_profile_is_refused(pki, listed, changes):
    """An authority, an unknown critical extension, a usage of another purpose, of any purpose, of other operations."""
    chain = _chain(pki, replace(pki.profile(), **changes))
    assert _code(listed.check, chain, "issuer", START, type_id=None) == "trust.cert_profile"


def test_leaf_without_usages_is_taken(pki, listed):
    """The anchor has the purpose; an extension that is not critical may be unknown."""
    chain = _chain(pki, replace(pki.profile(), usage=None, key_usage=False, ca=None, extra=((_UNKNOWN, False),)))
    assert listed.check(chain, "issuer", START, type_id=None).anchor.id == _SYSTEM


@pytest.mark.parametrize(
    "key",
    [rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP256K1())],
    ids=["rsa", "another curve"],
)
def test_leaf_with_another_kind_of_key_is_refused(pki, listed, key):
    """Whatever its strength."""
    made = issue_certificate(pki.profile(), key.public_key(), by=pki.authorities[_SYSTEM])
    chain = (made.public_bytes(Encoding.DER),)
    assert _code(listed.check, chain, "issuer", START, type_id=None) == "trust.cert_profile"


def _raw(pki, *, issuer="Example resident authority", algorithm=None, key=None, extensions=()):
    """A certificate outside what the kit makes, signed by the authority of the national system."""
    signer = key or private_key(pki.authorities[_SYSTEM].key)
    builder = (
        x509.CertificateBuilder()
        .subject_name(common_name("leaf"))
        .issuer_name(common_name(issuer))
        .public_key(private_key(SigningKey.generate()).public_key())
        .serial_number(7)
        .not_valid_before(START - _DAY)
        .not_valid_after(START + _DAY)
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(signer, algorithm or hashes.SHA256()).public_bytes(Encoding.DER)


def _names_key(pki, **changes):
    identifier = x509.SubjectKeyIdentifier.from_public_key(private_key(pki.authorities[_SYSTEM].key).public_key())
    members = {"key_identifier": identifier.digest, "authority_cert_issuer": None, "authority_cert_serial_number": None}
    return x509.AuthorityKeyIdentifier(**members | changes)


def test_certificate_that_names_its_signer_badly_is_refused(pki, listed):
    """No key identifier, none inside, more than one; no issuer at all; a weak digest."""
    names = [x509.DirectoryName(common_name("x"))]
    bad = (
        _raw(pki),
        _raw(pki, extensions=[_names_key(pki, key_identifier=None, authority_cert_issuer=names,
                                         authority_cert_serial_number=1)]),
        _raw(pki, extensions=[_names_key(pki, authority_cert_issuer=names, authority_cert_serial_number=1)]),
        _raw(pki, issuer="", extensions=[_names_key(pki)]),
        _raw(pki, extensions=[_names_key(pki)], algorithm=hashes.SHA3_256()),
    )  # fmt: skip
    for der in bad:
        assert _code(listed.check, (der,), "issuer", START, type_id=None) == "trust.cert_profile"
    listed.check((_raw(pki, extensions=[_names_key(pki)]),), "issuer", START, type_id=None)


@pytest.mark.filterwarnings("ignore:Parsed a serial number")
def test_serial_number_version_and_repeated_extensions_are_refused(pki, listed):
    """Zero, negative, version 1, an extension twice: by changing the bytes, before the signature counts."""
    der = _raw(pki, extensions=[_names_key(pki), x509.BasicConstraints(ca=False, path_length=None)])
    twice = [x509.UnrecognizedExtension(x509.ObjectIdentifier(oid), b"\x05\x00") for oid in ("1.2.3.4", "1.2.3.5")]
    changed = (
        der.replace(b"\x02\x01\x07", b"\x02\x01\x00", 1),
        der.replace(b"\x02\x01\x07", b"\x02\x01\xff", 1),
        der.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x00", 1),
        _raw(pki, extensions=[_names_key(pki), *twice]).replace(b"\x2a\x03\x05", b"\x2a\x03\x04", 1),
    )
    for raw in changed:
        assert raw != der
        assert _code(listed.check, (raw,), "issuer", START, type_id=None) in {"trust.cert_profile", "malformed.x509"}


@pytest.mark.filterwarnings("error")
def test_serial_number_below_one_is_refused_where_warnings_are_errors(pki, listed):
    """``cryptography`` warns about it."""
    der = _raw(pki, extensions=[_names_key(pki)]).replace(b"\x02\x01\x07", b"\x02\x01\x00", 1)
    assert _code(listed.check, (der,), "issuer", START, type_id=None) in {"malformed.x509", "trust.cert_profile"}


def _rooted(pki, extensions, *, criticals=()):
    """A chain and the list whose only anchor is a self-signed root with those extensions."""
    key = SigningKey.generate()
    own = private_key(key)
    builder = (
        x509.CertificateBuilder()
        .subject_name(common_name("root"))
        .issuer_name(common_name("root"))
        .public_key(own.public_key())
        .serial_number(7)
        .not_valid_before(START - _DAY)
        .not_valid_after(START + _DAY)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    )
    for extension in (*extensions(own.public_key()), *criticals):
        builder = builder.add_extension(extension, critical=extension in criticals)
    root = builder.sign(own, hashes.SHA256())
    chain = _chain(pki, pki.profile(), by=Authority(id="root", certificate=root, key=key))
    return chain, replace(pki.trust_list(), anchors=(_anchor(root),))


def _own(key):
    return [x509.SubjectKeyIdentifier.from_public_key(key)]


def test_authority_outside_the_profile_is_refused(pki):
    """No identifier of its own, one of another key, another usage, an extended usage, a critical identifier."""
    other = private_key(SigningKey.generate()).public_key()
    wrong = x509.AuthorityKeyIdentifier.from_issuer_public_key(other)
    cases: tuple[Any, ...] = (
        (lambda _key: [], ()),
        (lambda key: [*_own(key), wrong], ()),
        (lambda key: [*_own(key), _usage(crl_sign=True)], ()),
        (lambda key: [*_own(key), x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])], ()),
        (_own, (wrong,)),
    )
    for extensions, criticals in cases:
        chain, listed = _rooted(pki, extensions, criticals=criticals)
        assert _code(listed.check, chain, "issuer", START, type_id=None) in {"trust.cert_profile", "trust.no_path"}
    chain, listed = _rooted(pki, _own)
    assert listed.check(chain, "issuer", START, type_id=None).anchor.id == "own"


def test_operator_may_tolerate_authorities_without_identifiers(pki):
    """For the authorities of small houses."""
    chain, listed = _rooted(pki, lambda _key: [])
    tolerant = replace(listed, anchors=tuple(replace(anchor, key_identifiers=False) for anchor in listed.anchors))
    assert tolerant.check(chain, "issuer", START, type_id=None).anchor.id == "own"
    assert _code(listed.check, chain, "issuer", START, type_id=None) == "trust.cert_profile"


def test_certificate_without_alternative_names_speaks_for_nobody(pki, listed):
    """Only a credential that names no issuer."""
    chain = _chain(pki, replace(pki.profile(), names=()))
    path = listed.check(chain, "issuer", START, type_id=None)
    assert path.names == frozenset()
    path.check_issuer(None)
    with pytest.raises(TrustError) as refused:
        path.check_issuer(pki.issuer)
    assert refused.value.code == "trust.issuer_mismatch"


def test_many_certificates_of_one_name_are_refused_at_once(pki, listed):
    """A hundred with the same subject and key."""
    key = SigningKey.generate()
    made = issue_certificate(pki.profile(), private_key(key).public_key(), by=key).public_bytes(Encoding.DER)
    with pytest.raises(Malformed) as refused:
        listed.check((made,) * 100, "issuer", START, type_id=None)
    assert refused.value.code == "limit.count"


class _Overtaken:
    """Remembers versions, while another program is a moment faster with a newer one."""

    def trust_version(self, operator):
        return 0

    def put_trust_version(self, operator, version):
        return False


def test_list_that_was_overtaken_while_it_was_read_is_refused(pki):
    """What another program has just seen counts, although it was not there when the reading began."""
    signed = pki.signed_trust_list()

    assert _code(TrustList.read_newest, signed, pki.operator_key, at=START, versions=_Overtaken()) == (
        "trust.list_rollback"
    )
