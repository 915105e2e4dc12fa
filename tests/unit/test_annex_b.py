"""The certificate profiles of ISO/IEC 18013-5 Annex B, and the anchors below which they are kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ewallet import annex_b
from ewallet.anchor import KEY_USAGE, TrustAnchor
from ewallet.errors import EWalletError, Malformed, UsageError
from ewallet.keys import SigningKey
from ewallet.testing import pki as pkis
from ewallet.testing.clock import START
from ewallet.testing.pki import Authority, Pki, issue_certificate, private_key
from ewallet.trust import TrustList

_DAY = timedelta(days=1)
_DOCTYPE = "org.iso.18013.5.1.mDL"
_URI = "https://issuer.example.go.kr"


@pytest.fixture(scope="module")
def pki():
    """A PKI of one national system, which has mobile documents."""
    return Pki.make(at=START, systems={"licence": {_DOCTYPE}})


def _anchored(pki, by, purpose):
    anchor = replace(pki.anchors[0], purpose=purpose, certificate=by.certificate)
    return replace(pki.trust_list(), anchors=(anchor,))


def _code(pki, made, *above, by=None, purpose="issuer"):
    """The code with which a leaf is refused below an anchor of the profile; None if it is trusted."""
    chain = [each.public_bytes(Encoding.DER) for each in (made, *above)]
    try:
        _anchored(pki, by or pki.authorities["licence"], purpose).check(chain, purpose, START, type_id=None)
    except EWalletError as exc:
        return exc.code
    return None


def _leaf(pki, purpose="issuer", *, by=None, **change):
    key = private_key(SigningKey.generate()).public_key()
    profile = replace(pki.profile(purpose), **change)
    return issue_certificate(profile, key, by=by or pki.authorities["licence"])


def _name(**members):
    oids = {"c": NameOID.COUNTRY_NAME, "cn": NameOID.COMMON_NAME, "st": NameOID.STATE_OR_PROVINCE_NAME}
    pairs = [(oids[kind], value) for kind, values in members.items() for value in values]
    return x509.Name([x509.NameAttribute(oid, value, _validate=False) for oid, value in pairs])


@pytest.fixture
def named(monkeypatch):
    """A function that gives the subjects of certificates made from now on those names."""

    def use(**members):
        monkeypatch.setattr(pkis, "common_name", lambda _text: _name(**members))

    return use


@pytest.mark.parametrize("purpose", sorted(annex_b.LIFE))
def test_a_signer_of_the_profile_is_trusted(purpose, pki):
    """Of documents, of status lists, and of requests."""
    assert None is _code(pki, _leaf(pki, purpose), purpose=purpose)


@pytest.mark.parametrize(("purpose", "days"), [("issuer", 457), ("status", 457), ("verifier", 1187)])
def test_no_signer_is_certified_for_longer_than_its_kind(purpose, days, pki):
    """To the second."""
    since = START - _DAY
    codes = [
        _code(pki, _leaf(pki, purpose, since=since, until=since + life), purpose=purpose)
        for life in (days * _DAY, days * _DAY + timedelta(seconds=1))
    ]

    assert [None, "trust.cert_profile"] == codes


def _with(pki, *extra):
    return (*pki.profile().extra, *extra)


def _usage(*names, critical=True):
    bits = dict.fromkeys(
        "digital_signature content_commitment key_encipherment data_encipherment key_agreement key_cert_sign "
        "crl_sign encipher_only decipher_only".split(),
        False,
    )
    return x509.KeyUsage(**bits | dict.fromkeys(names, True)), critical


SIGNING = _usage("digital_signature")
SIGNER = x509.ObjectIdentifier(KEY_USAGE["issuer"])
NAMES = x509.IssuerAlternativeName([x509.DNSName("issuer.example.go.kr")])
LIST = x509.CRLDistributionPoints(
    [x509.DistributionPoint([x509.UniformResourceIdentifier(f"{_URI}/1.crl")], None, None, None)]
)
SPOILED: dict[str, dict[str, Any]] = {
    "no_key_usage": {"key_usage": False},
    "key_usage_not_critical": {"key_usage": False, "more": [_usage("digital_signature", critical=False)]},
    "more_than_signatures": {"key_usage": False, "more": [_usage("digital_signature", "content_commitment")]},
    "signs_lists": {"key_usage": False, "more": [_usage("digital_signature", "crl_sign")]},
    "no_extended_usage": {"usage": None},
    "extended_not_critical": {"usage": None, "more": [(x509.ExtendedKeyUsage([SIGNER]), False)]},
    "two_usages": {"usage": None, "more": [(x509.ExtendedKeyUsage([SIGNER, ExtendedKeyUsageOID.SERVER_AUTH]), True)]},
    "nobody_to_ask": {"extra": ((LIST, False),)},
    "nobody_but_a_host": {"extra": ((LIST, False), (NAMES, False))},
    "no_list": {"extra": ((x509.IssuerAlternativeName([x509.RFC822Name("a@issuer.example.go.kr")]), False),)},
    "policy_constraints": {"more": [(x509.PolicyConstraints(0, None), False)]},
    "inhibit_any_policy": {"more": [(x509.InhibitAnyPolicy(0), False)]},
    "freshest_crl": {"more": [(x509.FreshestCRL(list(LIST)), False)]},
    "policy_mappings": {
        "more": [(x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.33"), bytes.fromhex("3000")), False)]
    },
}


@pytest.mark.parametrize("kind", SPOILED)
def test_a_signer_that_departs_from_the_profile_is_nobody(kind, pki):
    """Even in a point that RFC 5280 leaves open."""
    change = dict(SPOILED[kind])
    more = change.pop("more", [])
    change.setdefault("extra", _with(pki, *more))

    assert "trust.cert_profile" == _code(pki, _leaf(pki, **change))


@pytest.mark.parametrize(
    "subject",
    [
        {"cn": ["a signer"]},
        {"c": ["US"], "cn": ["a signer"]},
        {"c": ["kr"], "cn": ["a signer"]},
        {"c": ["K1"], "cn": ["a signer"]},
        {"c": ["KR", "KR"], "cn": ["a signer"]},
        {"c": ["KR"]},
        {"c": ["KR"], "st": ["KR-11"], "cn": ["a signer"]},
    ],
    ids=str,
)
def test_a_signer_is_of_the_country_of_its_root(subject, named, pki):
    """One country in two capital letters, the state that the root names or none, and a name."""
    named(**subject)

    assert "trust.cert_profile" == _code(pki, _leaf(pki))


def _root(pki, *, life=365 * _DAY, path_length=0, **change):
    """Another root, self-signed, that may depart from its profile."""
    key = SigningKey.generate()
    extra = tuple(each for each in pki.profile().extra if not isinstance(each[0], x509.PrivateKeyUsagePeriod))
    profile = pkis.Profile(
        subject="a root", since=START - _DAY, until=START - _DAY + life, ca=True, path_length=path_length, extra=extra
    )
    made = issue_certificate(replace(profile, **change), private_key(key).public_key(), by=key)
    return Authority(id="root", certificate=made, key=key)


@pytest.mark.parametrize(
    ("state", "code"), [(["KR-11"], None), (["KR-26"], "trust.cert_profile"), ([], "trust.cert_profile")]
)
def test_a_signer_is_of_the_state_of_its_root(state, code, named, pki):
    """Also where one of them names none."""
    named(c=["KR"], st=["KR-11"], cn=["a root"])
    root = _root(pki)
    named(c=["KR"], st=state, cn=["a signer"])

    assert code == _code(pki, _leaf(pki, by=root), by=root)


def test_a_reader_is_of_no_country(named, pki):
    """It has a name, and is certified by whoever certifies readers."""
    named(cn=["a reader"])

    assert None is _code(pki, _leaf(pki, "verifier"), purpose="verifier")


@pytest.mark.parametrize(("purpose", "code"), [("issuer", "trust.cert_profile"), ("verifier", None)])
def test_nobody_stands_between_a_document_signer_and_its_root(purpose, code, pki):
    """Not even below a root that would allow it; readers are another matter."""
    root, key = _root(pki, path_length=None), SigningKey.generate()
    own = issue_certificate(
        replace(pki.profile(), subject="a branch", ca=True, usage=None, names=()),
        private_key(key).public_key(),
        by=root,
    )
    made = _leaf(pki, purpose, by=Authority(id="branch", certificate=own, key=key))

    assert code == _code(pki, made, own, by=root, purpose=purpose)


def test_a_signer_names_the_key_of_its_root(pki):
    """Also where the trust list tolerates certificates without identifiers."""
    root = pki.authorities["licence"]
    anchor = replace(pki.anchors[0], key_identifiers=False)
    trust = replace(pki.trust_list(), anchors=(anchor,))
    other = x509.AuthorityKeyIdentifier(b"another key", None, None)
    key = private_key(SigningKey.generate()).public_key()
    builder = x509.CertificateBuilder(
        issuer_name=root.certificate.subject,
        subject_name=_name(c=["KR"], cn=["a signer"]),
        public_key=key,
        serial_number=1 << 100,
        not_valid_before=START - _DAY,
        not_valid_after=START + _DAY,
    )
    extensions = [each for each in _leaf(pki).extensions if not isinstance(each.value, x509.AuthorityKeyIdentifier)]
    for extension in extensions:
        builder = builder.add_extension(extension.value, extension.critical)

    def code(made):
        try:
            trust.check([made.public_bytes(Encoding.DER)], "issuer", START, type_id=None)
        except EWalletError as exc:
            return exc.code
        return None

    signing = (builder, builder.add_extension(other, critical=False))
    assert ["trust.cert_profile"] * 2 == [code(each.sign(private_key(root.key), SHA256())) for each in signing]


def test_the_profile_is_the_anchors_and_not_the_formats(pki):
    """Below an anchor that names none, a certificate of RFC 5280 will do, whatever it signs."""
    made = _leaf(pki, extra=(), usage=None)
    plain = replace(pki.trust_list(), anchors=(replace(pki.anchors[0], profile=None),))

    assert made.public_bytes(Encoding.DER)
    assert plain.check([made.public_bytes(Encoding.DER)], "issuer", START, type_id=_DOCTYPE).anchor.profile is None
    assert "trust.cert_profile" == _code(pki, made)


# -- roots -------------------------------------------------------------------------------------------------


def test_our_own_roots_keep_their_profile():
    """Those of all national systems that have mobile documents; the others name no profile."""
    made = Pki.make(at=START, systems={"licence": {_DOCTYPE}, "register": {"urn:example:a"}})
    profiles = {anchor.id: (anchor.profile, annex_b.departures(anchor.certificate)) for anchor in made.anchors}

    assert ("iso18013-5", ()) == profiles["licence"]
    assert None is profiles["register"][0]
    assert () != profiles["register"][1]


ROOTS: dict[str, dict[str, Any]] = {
    "21_years": {"life": 366 * 21 * _DAY},
    "authorities_below": {"path_length": None},
    "one_authority_below": {"path_length": 1},
    "no_key_usage": {"key_usage": False},
    "signs_documents": {"key_usage": False, "more": [_usage("key_cert_sign", "crl_sign", "digital_signature")]},
    "signs_no_lists": {"key_usage": False, "more": [_usage("key_cert_sign")]},
    "extended_usage": {"usage": KEY_USAGE["issuer"]},
    "nobody_to_ask": {"extra": ((LIST, False),)},
    "no_list": {"extra": ()},
    "name_constraints": {"more": [(x509.NameConstraints([x509.DNSName("a.example")], None), True)]},
    "policy_constraints": {"more": [(x509.PolicyConstraints(0, None), False)]},
    "no_name": {"subject": ""},
}


@pytest.mark.parametrize("kind", ROOTS)
def test_a_root_that_departs_is_told_apart_and_not_refused(kind, pki):
    """It is for the operator to judge, once."""
    change = dict(ROOTS[kind])
    more = change.pop("more", [])
    root = _root(pki, **change)
    if more:
        kept = tuple(each for each in pki.profile().extra if not isinstance(each[0], x509.PrivateKeyUsagePeriod))
        root = _root(pki, **change, extra=(*kept, *more))

    assert annex_b.departures(root.certificate)


# -- what a trust list says --------------------------------------------------------------------------------


def test_profile_and_lists_come_back_from_the_signature(pki):
    """As they went in; where they are not said, none is meant."""
    first, *rest = pki.anchors
    trust = replace(pki.trust_list(), anchors=(replace(first, crl=True), *rest))

    read = TrustList.read(trust.signed(pki.operator), pki.operator_key, at=START)

    assert trust == read
    assert [("iso18013-5", True), (None, False)] == [(each.profile, each.crl) for each in read.anchors[:2]]


@pytest.mark.parametrize(
    "change",
    [
        {"profile": "ISO18013-5"},
        {"profile": ""},
        {"profile": None},
        {"profile": True},
        {"profile": ["iso18013-5"]},
        {"crl": "true"},
        {"crl": 1},
        {"crl": None},
        {"purpose": "wallet"},
        {"purpose": "verifier", "profile": "iso18013-5", "crl": True},
        {"purpose": "log", "crl": True},
        {"end_entity": True},
    ],
    ids=str,
)
def test_a_restriction_that_nobody_understands_is_no_entry(change, pki):
    """Nor one that nobody would look at, for that purpose or below that certificate."""
    entry = {**pki.anchors[0].to_json(), **change}

    with pytest.raises(Malformed) as refused:
        TrustAnchor.of_json(entry)

    assert "malformed.claim_type" == refused.value.code


@pytest.mark.parametrize("change", [{"purpose": "wallet"}, {"end_entity": True}, {"profile": None, "purpose": "log"}])
def test_an_anchor_whose_checks_nobody_makes_is_not_made(change, pki):
    """Not by a program, either."""
    with pytest.raises(UsageError) as refused:
        replace(pki.anchors[0], crl=True, **change)

    assert "usage.argument" == refused.value.code
