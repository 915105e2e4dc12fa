"""What ``@owf/mdoc`` and ``@auth0/mdl`` (npm) refuse of ours if it is spoilt, and where they depart from the standard.

Nothing of that is worked around in the library. ``@owf/mdoc`` as of 0.6.0:

- half of its digest identifiers are 2^31 or more (ISO/IEC 18013-5 §9.1.2.4 keeps them below it);
- a MAC is made without the empty ``external_aad`` (RFC 9052 §6.3) unless that is said, and its verifier takes none;
- the docType outside is not compared with the one that is signed (§9.3.1 step 4);
- without an element a presentation has no ``nameSpaces`` (they are optional), which it cannot read;
- which certificates are believed, and every signature, are its user's.

``@auth0/mdl`` as of 3.0.1:

- it knows the transcripts of drafts only, and needs a tag around those it is given;
- of an element that is not there it prints a line, and presents the others;
- digest identifiers and the order of the items are those of the input.

Both take an element that comes twice, and a holder of theirs answers ``age_over_NN`` with another age that implies it.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from ewallet.errors import EWalletError
from ewallet.keys import SigningKey
from ewallet.shape import to_base64url
from ewallet.verdict import Accepted

KIND = "mobile_resident_card"
_DIGEST = "attribute must match the digest in the issuerAuth element"
_DEVICE = "Device signature must be valid"
_SIGNED = "must be within the validity period of the certificate"
_OVER = "The MSO must be valid at the time of verification"
#: What each says to a presentation of ours that was changed on its way.
WORDS = {
    "owf": {
        **dict.fromkeys(("element-changed", "element-renamed", "random-changed", "digest-of-another"), _DIGEST),
        "digests-removed": _DIGEST,
        "namespace-removed": "Issuer Auth must include digests for namespace",
        "type-changed-outside": _DEVICE,
        "issuer-signature-changed": "Issuer auth signature is invalid",
        "signed-before-the-certificate": _SIGNED,
        "expired": _OVER,
        "device-signature-changed": _DEVICE,
        "device-signature-removed": "Device Auth must contain a deviceSignature or deviceMac element",
        "device-states-more": _DEVICE,
    },
    "auth0": {
        **dict.fromkeys(("element-changed", "element-renamed", "random-changed", "digest-of-another"), _DIGEST),
        "digests-removed": _DIGEST,
        "namespace-removed": "Issuer Auth must include digests for namespace",
        "type-changed-inside": "The issuerAuth docType must be org.iso.23220.photoid.1",
        "type-changed-outside": "The issuerAuth docType must be x",
        "issuer-signature-changed": "Issuer signature must be valid",
        "signed-before-the-certificate": _SIGNED,
        "expired": _OVER,
        "device-signature-changed": _DEVICE,
        "device-signature-removed": "deviceMac is not iterable",
        "device-states-more": _DEVICE,
    },
}
#: What each accepts all the same; our codes for these are in ``test_hostile_npm.py``.
ACCEPTED = {"owf": ("element-twice", "type-changed-inside"), "auth0": ("element-twice",)}


@pytest.fixture
def shown(ours, cases, scenes):
    """A presentation of ours."""

    def present(session, scene=None):
        return ours.present(ours.issue(cases[KIND], scenes(KIND)), cases[KIND], _some(cases), session, scene)

    return present


def _some(cases):
    return cases[KIND].some


@pytest.mark.parametrize(("peer", "change"), [(peer, change) for peer, words in WORDS.items() for change in words])
def test_they_refuse_ours_if_it_was_changed(peer, change, house, shown, sessions, scenes, tampered, refused):
    """For what is wrong with it."""
    session, scene = sessions["redirect"](), scenes(KIND)
    presented, _ = tampered(change, shown(session, scene), scene)
    with refused(WORDS[peer][change]):
        house(peer).verify(presented, session, scene)


@pytest.mark.parametrize(("peer", "change"), [(peer, change) for peer, found in ACCEPTED.items() for change in found])
def test_some_changes_they_do_not_see(peer, change, house, shown, cases, sessions, scenes, tampered):
    """Which are refused here."""
    session, scene = sessions["redirect"](), scenes(KIND)
    presented, _ = tampered(change, shown(session, scene), scene)

    assert cases[KIND].seen(_some(cases)) == house(peer).verify(presented, session, scene)


@pytest.mark.parametrize("peer", ["owf", "auth0"])
@pytest.mark.parametrize("made_for", ["another-nonce", "browser", "redirect-encrypted", "close"])
def test_they_refuse_ours_for_another_session(peer, made_for, house, shown, sessions, scenes, refused):
    """With another nonce, of another kind, or encrypted where it was not."""
    presented = shown(sessions[made_for](), scenes(KIND))
    with refused(_DEVICE):
        house(peer).verify(presented, sessions["redirect"](), scenes(KIND))


@pytest.mark.parametrize("peer", ["owf", "auth0"])
def test_they_refuse_another_device_of_ours(peer, house, shown, sessions, scenes, refused):
    """Than the one whose key the issuer named."""
    session = sessions["redirect"]()
    presented = shown(session, replace(scenes(KIND), device=SigningKey.generate()))
    with refused(_DEVICE):
        house(peer).verify(presented, session, scenes(KIND))


@pytest.mark.parametrize(
    ("peer", "words"),
    [("owf", "no trusted certificate above the one that signs"), ("auth0", "No valid certificate paths found")],
)
def test_they_refuse_an_issuer_that_they_do_not_know(peer, words, house, shown, sessions, scenes, refused):
    """Another authority, of another national system."""
    session, (stranger, _) = sessions["redirect"](), scenes("mobile_student_card").trusted
    presented = shown(session, scenes(KIND))
    with refused(words):
        house(peer).verify(presented, session, replace(scenes(KIND), trusted=(stranger,)))


# -- in our own hands ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("peer", ["owf", "auth0"])
@pytest.mark.parametrize("kind", ["mobile_driver_license", "mobile_resident_card", "mobile_student_card"])
def test_our_verifier_accepts_theirs(peer, kind, house, kit, cases, scenes, session_of):
    """Issued there under a certificate we trust, but without a status, and presented there, it passes the ladder."""
    asked = replace(
        kit.verifier.ask(kit.query(kind, ["birth_date", "portrait"]), purpose="가상 창구"),
        response_uri="https://bank.example/response",
    )
    (query,) = (each for each in asked.query.credentials if each.format == "mso_mdoc")
    paths = [claim.path for claim in query.claims]

    presented = house(peer).present(
        house(peer).issue(cases[kind], scenes(kind)), cases[kind], paths, session_of(asked), scenes(kind)
    )
    verdict = kit.verify(presented, asked, by=kit.another_verifier(status=None))

    assert isinstance(verdict, Accepted), verdict
    assert {"birth_date", "portrait"} == verdict.claims[kind].keys()


@pytest.mark.parametrize("peer", ["owf", "auth0"])
def test_our_wallet_keeps_and_shows_theirs(peer, house, kit, cases, scenes):
    """Issued there, put into our wallet and shown from it, it passes the whole ladder."""
    (key,) = kit.wallet.new_keys(1)
    scene = replace(scenes("mobile_student_card"), device=SigningKey.of_secret(kit.wallet_store.key(key.thumbprint)))
    document = kit.wallet.put([house(peer).issue(cases["mobile_student_card"], scene)])
    asked = kit.verifier.ask(kit.query("mobile_student_card", ["name"]), purpose="가상 도서관")
    verdict = kit.verify(*kit.answer(asked), by=kit.another_verifier(status=None))
    kit.wallet.forget(document.id)

    assert isinstance(verdict, Accepted), verdict


# -- where they depart ---------------------------------------------------------------------------------------------


def test_a_mac_without_external_aad_is_refused_here(owf, ours, auth0, cases, scenes, sessions, refused):
    """As ``@owf/mdoc`` makes it unless told otherwise; the other peer refuses it too."""
    case, scene, session = cases[KIND], scenes(KIND), sessions["close"]()
    presented = owf.present_with_mac(ours.issue(case, scene), case, case.some, session, scene, asPublished=True)
    with pytest.raises(EWalletError) as caught:
        ours.verify(presented, session, scene)
    assert "mdoc.device_auth" == caught.value.code
    with refused("Device MAC must be valid"):
        auth0.verify(presented, session, scene)


@pytest.mark.parametrize("holder", ["owf", "auth0"])
def test_no_mac_is_read_by_owf_and_any_by_auth0(holder, house, owf, auth0, cases, scenes, sessions, refused):
    """``@owf/mdoc`` compares the name of the algorithm with its number."""
    case, scene, session = cases[KIND], scenes(KIND), sessions["close"]()
    presented = house(holder).present_with_mac(auth0.issue(case, scene), case, case.some, session, scene)

    assert case.seen(case.some) == auth0.verify(presented, session, scene)
    with refused("Device MAC must use alg 5 (HMAC 256/256)"):
        owf.verify(presented, session, scene)


def test_digest_identifiers_of_32_bits_are_refused_here(owf, ours, cases, scenes):
    """Of a document with many elements it is all but certain that one is too large."""
    scene = replace(scenes(KIND), more={"wide": True})
    with pytest.raises(EWalletError) as caught:
        ours.verify(owf.issue(cases[KIND], scene), None, scene)
    assert "malformed.mdoc" == caught.value.code


def test_nothing_shown_is_read_here_and_not_there(owf, ours, cases, scenes, sessions, refused):
    """That somebody has such a document may be all that is asked."""
    case, scene, session = cases[KIND], scenes(KIND), sessions["redirect"]()
    presented = ours.present(ours.issue(case, scene), case, (), session, scene)

    assert {} == ours.verify(presented, session, scene)
    with refused("Error decoding IssuerNamespaces"):
        owf.verify(presented, session, scene)


def test_what_we_issue_is_received_there(owf, office, cases, scenes):
    """As the holder of OpenID4VCI, who has no presentation yet."""
    scene = scenes(KIND)
    trusted = [to_base64url(der) for der in scene.trusted]
    received = owf.program("receive", raw=office(KIND), trusted=trusted, at=scene.at.isoformat())
    assert cases[KIND].claims == received
