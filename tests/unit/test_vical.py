"""VICALs of a made-up provider (ISO/IEC 18013-5 Annex C): what goes from them into a trust list, and what does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import cbor2
import pytest
from cbor2 import CBORTag

from ewallet.errors import EWalletError
from ewallet.keys import SigningKey
from ewallet.testing.clock import START
from ewallet.testing.pki import Pki, certified, issue_certificate, private_key
from ewallet.testing.vicals import Provider, info, tdate
from ewallet.trust import KEY_USAGE
from ewallet.vical import Vical

LICENCE, CARD = "org.iso.18013.5.1.mDL", "org.iso.23220.photoid.1"
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def provider():
    """Somebody who looks at authorities."""
    return Provider.make(START)


@pytest.fixture(scope="module")
def pki():
    """Two authorities to be looked at."""
    return Pki.make(at=START, systems={"licence": {LICENCE}, "resident": {CARD}})


@pytest.fixture(scope="module")
def roots(pki):
    """Their roots."""
    return [pki.authorities[id_].certificate for id_ in ("licence", "resident")]


@pytest.fixture
def listed(roots):
    """What is listed of them."""
    return {roots[0]: [LICENCE], roots[1]: [CARD, LICENCE]}


def _read(provider, raw, *, at=START, roots=None):
    return Vical.read(raw, [provider.root.certificate] if roots is None else roots, at=at)


def _code(provider, raw, **how):
    with pytest.raises(EWalletError) as refused:
        _read(provider, raw, **how)
    return refused.value.code


@pytest.mark.parametrize("tagged", [True, False])
def test_a_list_is_read_tagged_or_not(tagged, provider, roots, listed):
    """Each certificate for its own docTypes; the provider's root is sent along and counts for nothing."""
    raw = provider.vical(listed)
    read = _read(provider, raw if tagged else raw[1:])

    assert ("Example Provider", START, START + 30 * DAY) == (read.provider, read.since, read.until)
    assert {roots[0]: {LICENCE}, roots[1]: {CARD, LICENCE}} == read.listed


def test_what_it_lists_is_trusted_for_that_and_nothing_else(provider, pki, listed, roots):
    """An anchor of the profile for each root, below which the trust list believes."""
    anchors = _read(provider, provider.vical(listed)).anchors()
    trust = replace(pki.trust_list(), anchors=anchors)
    path = trust.check(pki.signers["licence"].chain, "issuer", START, type_id=LICENCE)

    assert ("iso18013-5", False, roots[0]) == (path.anchor.profile, path.anchor.crl, path.anchor.certificate)
    with pytest.raises(EWalletError) as refused:
        trust.check(pki.signers["licence"].chain, "issuer", START, type_id=CARD)
    assert "trust.issuer_not_authorized" == refused.value.code


def test_an_operator_takes_what_it_wants_of_it(provider, listed):
    """For some types only; an authority of which nothing is left is left out."""
    read = _read(provider, provider.vical(listed))

    assert [{CARD}] == [anchor.types for anchor in read.anchors(frozenset({CARD, "other"}))]
    assert [True, True] == [anchor.crl for anchor in read.anchors(crl=True)]


def test_a_root_that_is_listed_twice_may_issue_what_is_said_of_it_anywhere(provider, roots):
    """It is one anchor."""
    infos = [info(roots[0], [LICENCE]), info(roots[0], [CARD])]

    assert {roots[0]: {LICENCE, CARD}} == _read(provider, provider.vical({}, certificateInfos=infos)).listed


def test_a_list_without_an_end_is_read(provider, listed):
    """The member is optional."""
    claims = provider.claims(listed)
    del claims["nextUpdate"]

    assert None is _read(provider, provider.sign(claims)).until


@pytest.mark.parametrize(
    "members",
    [
        {"version": "2.0"},
        {"version": 1},
        {"vicalProvider": None},
        {"date": "2026-11-21T03:00:00Z"},
        {"date": CBORTag(0, "today")},
        {"date": tdate(START + timedelta(minutes=2))},
        {"nextUpdate": tdate(START)},
        {"nextUpdate": None},
        {"certificateInfos": {}},
        {"certificateInfos": [1]},
        {"certificateInfos": [{}]},
    ],
    ids=str,
)
def test_a_list_that_says_nothing_of_now(members, provider, listed):
    """Over, ahead of time, or misshapen."""
    assert "trust.list_invalid" == _code(provider, provider.vical(listed, **members))


@pytest.mark.parametrize(
    "members",
    [
        {"certificate": b""},
        {"certificate": "text"},
        {"docType": []},
        {"docType": LICENCE},
        {"docType": [1]},
        {"docType": None},
        {"ski": b"another"},
        {"ski": "text"},
        {"serialNumber": 7},
        {"serialNumber": "7"},
        {"serialNumber": -1},
    ],
    ids=str,
)
def test_an_entry_that_contradicts_its_certificate(members, provider, roots):
    """One bad entry makes a bad list: what else is wrong with it nobody knows."""
    infos = [info(roots[1], [CARD]), info(roots[0], [LICENCE], **members)]

    assert "trust.list_invalid" == _code(provider, provider.vical({}, certificateInfos=infos))


@pytest.mark.parametrize("count", [0, 1_001])
def test_a_list_of_nobody_or_of_too_many(count, provider, roots):
    """Counted before any certificate is read."""
    infos = [info(roots[0], [LICENCE])] * count

    assert "limit.count" == _code(provider, provider.vical({}, certificateInfos=infos))


def test_a_list_of_somebody_else(provider, listed):
    """Of another provider, of nobody in particular, or by another key than that of the certificate."""
    other = Provider.make(START)

    assert "trust.no_path" == _code(provider, other.vical(listed))
    assert "trust.no_path" == _code(provider, provider.vical(listed), roots=[])
    signed = list(cbor2.loads(provider.sign(provider.claims(listed), signer=SigningKey.generate())).value)
    assert "trust.no_path" == _code(provider, cbor2.dumps(signed))
    signed[1] = cbor2.loads(provider.vical(listed)).value[1]
    assert "trust.list_invalid" == _code(provider, cbor2.dumps(signed))


@pytest.mark.parametrize("purpose", sorted(set(KEY_USAGE) - {"vical"}))
def test_a_signer_for_something_else(purpose, provider, pki, listed):
    """Who signs documents or requests below the provider's root signs no lists."""
    profile = pki.profile(purpose)
    key = SigningKey.generate()
    own = issue_certificate(profile, private_key(key).public_key(), by=provider.root)
    raw = provider.sign(provider.claims(listed), signer=certified(key, own))

    assert "trust.cert_profile" == _code(provider, raw)


@pytest.mark.parametrize("raw", [b"", b"\xd2", b"\x84", cbor2.dumps({}), b"\xd2\x84\x40\xa0\x40\x40", b"PK\x03\x04"])
def test_what_is_no_list(raw, provider):
    """Whatever else somebody has sent."""
    assert "trust.list_invalid" == _code(provider, raw)


def test_any_byte_that_changes(provider, listed):
    """Nothing of it that was signed may change; what was not, the certificates sent along, decides nothing else."""
    raw = provider.vical(listed)
    good = _read(provider, raw)
    for position in range(0, len(raw), 7):
        changed = raw[:position] + bytes([raw[position] ^ 1]) + raw[position + 1 :]
        try:
            assert good == _read(provider, changed)
        except EWalletError as exc:
            assert exc.code.partition(".")[0] in {"trust", "limit", "malformed", "crypto"}
