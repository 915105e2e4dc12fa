"""What reaches the verifier in odd forms is judged, never raised."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from cryptography import x509

from ewallet import trust as trusts
from ewallet.testing import Kit
from ewallet.trust import TrustPaths
from ewallet.verdict import Accepted, Rejected

KIND = "resident_register_copy"


def _code(kit: Kit, presented: Any, request: Any) -> str:
    verdict = kit.verifier.verify(presented, request)
    assert isinstance(verdict, Rejected)
    return verdict.code


@pytest.fixture
def shown(ewallet_kit: Kit):
    """A kit, and a presentation made in it."""
    ewallet_kit.issue(KIND)
    return ewallet_kit, ewallet_kit.present(ewallet_kit.query(KIND, ["subject_name"]))


def test_an_answer_that_is_not_utf8_is_rejected(shown):
    """Bytes that are no text are an encoding error of the sender."""
    kit, presented = shown

    assert "malformed.encoding" == _code(kit, b"\xff\xfe", presented.request)


def test_one_presentation_must_have_one_query_to_answer(shown):
    """Without a query id nobody can tell which of two queries it answers."""
    kit, presented = shown
    query = type(presented.request.query)(
        (*presented.request.query.credentials, *kit.query("resident_register_abstract", ["name"]).credentials)
    )
    request = kit.verifier.ask(query, purpose="two at once")

    assert "malformed.vp_token" == _code(kit, presented.presentation, request)


def test_an_answer_to_a_query_that_nobody_asked_is_rejected(shown):
    """Before it is opened, since nobody knows by which format."""
    kit, presented = shown

    assert "malformed.vp_token" == _code(kit, {"other": [presented.presentation]}, presented.request)


@pytest.mark.parametrize("token", [{"q": [1]}, {"q": {1, 2}}, {"q": ["\ud800"]}])
def test_an_object_that_is_no_vp_token_is_rejected(shown, token):
    """Whatever a lenient parser made of what came."""
    kit, presented = shown

    assert "malformed.vp_token" == _code(kit, token, presented.request)


def test_remembered_paths_are_bounded(shown, monkeypatch):
    """A thousand signers later the memory is emptied, and paths are found anew."""
    kit, presented = shown
    monkeypatch.setattr(trusts, "_REMEMBERED", 1)
    chains = [kit.pki.signers[system].chain for system in ("resident", "tax_local")]
    paths = TrustPaths(kit.pki.trust_list(), "issuer")

    found = [paths.check(chain, kit.clock.now(), type_id=None).anchor.id for chain in chains]

    assert ["resident", "tax_local"] == found
    assert isinstance(kit.verify(presented.token, presented.request), Accepted)


def test_a_certificate_that_cannot_be_read_vouches_for_nothing(ewallet_kit: Kit):
    """One that was sent along twists an extension into a second of the same kind: it has no authority to name."""
    odd = [x509.UnrecognizedExtension(x509.ObjectIdentifier(f"1.2.3.{last}"), b"\x05\x00") for last in (4, 5)]
    signer = ewallet_kit.pki.signer(
        "resident", replace(ewallet_kit.pki.profile(), extra=tuple((e, False) for e in odd))
    )
    twisted = signer.chain[0].replace(b"\x06\x03\x2a\x03\x05", b"\x06\x03\x2a\x03\x04")

    assert frozenset() == trusts.authorities([twisted])
    assert frozenset() != trusts.authorities([twisted, signer.chain[0]])
