"""Row X5T-17 of the security matrix: which trust lists are read, and for how long."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from ewallet import jose
from ewallet.errors import TrustError
from ewallet.keys import SigningKey
from ewallet.testing.clock import START
from ewallet.trust import TrustList

AT = START


@pytest.fixture
def pki(ewallet_pki):
    """The PKI of the kit."""
    return ewallet_pki


TRUST = "trust-list+jwt"


def _claims(pki, **change):
    listed = jose.parse(pki.signed_trust_list(), TRUST).claims
    return {**listed, **change}


@pytest.mark.parametrize(
    "change",
    [
        {"anchors": []},
        {"anchors": "all"},
        {"anchors": [{}]},
        {"version": "1"},
        {"version": None},
        {"exp": int(AT.timestamp())},
        {"exp": "never"},
        {"iat": int(AT.timestamp()) + 61},
    ],
    ids=str,
)
def test_x5t_17_a_list_that_says_nothing(change, pki):
    """X5T-17: over, ahead of time, empty or misshapen."""
    raw = jose.sign(TRUST, _claims(pki, **change), pki.operator)

    with pytest.raises(TrustError) as refused:
        TrustList.read(raw, pki.operator_key, at=AT)

    assert "trust.list_invalid" == refused.value.code


@pytest.mark.parametrize("kind", ["twice", "purpose", "certificate", "types", "distrust"])
def test_x5t_17_an_entry_that_says_nothing(kind, pki):
    """X5T-17: two of one name, or one that cannot be read."""
    first, *rest = _claims(pki)["anchors"]
    spoiled = {
        "twice": [first, first],
        "purpose": [{**first, "purpose": "everything"}],
        "certificate": [{**first, "certificate": "AAAA"}],
        "types": [{**first, "types": []}],
        "distrust": [{**first, "distrust_after": "soon"}],
    }
    raw = jose.sign(TRUST, _claims(pki, anchors=[*spoiled[kind], *rest]), pki.operator)

    with pytest.raises(TrustError) as refused:
        TrustList.read(raw, pki.operator_key, at=AT)

    assert "trust.list_invalid" == refused.value.code


def _lists(pki):
    signed = pki.signed_trust_list()
    yield pki.trust_list().signed(SigningKey.generate())
    yield signed[:-8] + "AAAAAAAA"
    yield signed.rpartition(".")[0] + "."
    yield jose.sign("JWT", _claims(pki), pki.operator)
    yield signed + "A" * (50 << 20)
    yield "\u200b" + signed
    yield ""
    yield "{}"


def test_x5t_17_a_list_that_its_operator_did_not_sign(pki):
    """X5T-17: another key, a changed signature, none, another type, fifty megabytes, nothing."""
    for raw in _lists(pki):
        with pytest.raises(TrustError) as refused:
            TrustList.read(raw, pki.operator_key, at=AT)

        assert "trust.list_invalid" == refused.value.code


def test_x5t_17_an_older_list(pki):
    """X5T-17: refused once a newer one was seen; the same one is not older."""
    older, newer = (pki.signed_trust_list(version=version) for version in (1, 2))

    assert 2 == TrustList.read(newer, pki.operator_key, at=AT, seen=2).version
    with pytest.raises(TrustError) as refused:
        TrustList.read(older, pki.operator_key, at=AT, seen=2)
    assert "trust.list_rollback" == refused.value.code


def test_x5t_17_a_list_in_use_that_has_ended(pki):
    """X5T-17: the last good list stays in force until its own end, and not longer."""
    trust = replace(pki.trust_list(), until=AT)
    chain, type_id = pki.signers["resident"].chain, "urn:example:kr-ewallet:resident_register_copy:1"

    assert "resident" == trust.check(chain, "issuer", AT - timedelta(seconds=1), type_id=type_id).anchor.id
    with pytest.raises(TrustError) as refused:
        trust.check(chain, "issuer", AT, type_id=type_id)
    assert "trust.list_invalid" == refused.value.code


def test_x5t_17_what_was_signed_is_what_is_read(pki):
    """G8: every anchor comes back as it was, with its purpose, types and date."""
    assert pki.trust_list() == TrustList.read(pki.signed_trust_list(), pki.operator_key, at=AT)
