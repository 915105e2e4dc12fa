"""What ``@owf/mdoc`` and ``@auth0/mdl`` (npm) present is refused here if it was changed, or made for something else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ewallet.errors import EWalletError
from ewallet.keys import SigningKey

KIND = "mobile_resident_card"
PEERS = ("owf", "auth0")
TAMPERINGS = (
    "element-changed", "element-renamed", "random-changed", "digest-of-another", "element-twice", "digests-removed",
    "namespace-removed", "type-changed-inside", "type-changed-outside", "issuer-signature-changed",
    "signed-before-the-certificate", "expired", "device-signature-changed", "device-signature-removed",
    "device-states-more",
)  # fmt: skip


@pytest.fixture
def code(ours, scenes):
    """Our code for a presentation in a session."""

    def refusal(presented, session):
        with pytest.raises(EWalletError) as refused:
            ours.verify(presented, session, scenes(KIND))
        return refused.value.code

    return refusal


@pytest.fixture
def shown(ours, cases, scenes):
    """A presentation of the peer, of what we issued."""

    def present(peer, session, scene=None):
        case = cases[KIND]
        return peer.present(ours.issue(case, scenes(KIND)), case, case.some, session, scene or scenes(KIND))

    return present


@pytest.mark.parametrize("peer", PEERS)
@pytest.mark.parametrize("tampered_with", TAMPERINGS)
def test_changed_on_its_way(peer, tampered_with, house, shown, sessions, scenes, tampered, code):
    """Each change gets its exact code."""
    session = sessions["redirect"]()
    presented, wanted = tampered(tampered_with, shown(house(peer), session), scenes(KIND))

    assert wanted == code(presented, session)


@pytest.mark.parametrize("peer", PEERS)
@pytest.mark.parametrize("made_for", ["another-nonce", "browser", "redirect-encrypted", "close"])
def test_made_for_another_session(peer, made_for, house, shown, sessions, code):
    """With another nonce, of another kind, or encrypted where ours was not."""
    assert "mdoc.device_auth" == code(shown(house(peer), sessions[made_for]()), sessions["redirect"]())


@pytest.mark.parametrize("peer", PEERS)
def test_made_by_another_device(peer, house, shown, sessions, scenes, code):
    """The key is the one that the issuer named."""
    session, thief = sessions["redirect"](), replace(scenes(KIND), device=SigningKey.generate())

    assert "mdoc.device_auth" == code(shown(house(peer), session, thief), session)


@pytest.mark.parametrize("peer", PEERS)
def test_a_mac_for_another_reader(peer, house, ours, cases, scenes, sessions, code):
    """And one for a session in which no key is there to agree with."""
    case, scene, session = cases[KIND], scenes(KIND), sessions["close"]()
    presented = house(peer).present_with_mac(ours.issue(case, scene), case, case.some, session, scene)
    for reader in (SigningKey.generate(), None):
        elsewhere = replace(session, binding=replace(session.binding, reader_key=reader))
        assert "mdoc.device_auth" == code(presented, elsewhere)
