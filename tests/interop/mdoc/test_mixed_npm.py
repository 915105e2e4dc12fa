"""The peers ``@owf/mdoc`` and ``@auth0/mdl`` (npm) and we issue, hold and verify each other's mdocs.

Needs node 20 and the packages of ``tests/interop/package.json``. What of the standard the two do not do is said, and
shown, in ``changed/test_departures_npm.py``.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

KINDS = ("mobile_driver_license", "mobile_resident_card", "mobile_student_card")
#: Issuer, holder and verifier: every mix in which we are one.
TRIOS = [trio for trio in product(("ours", "owf", "auth0"), repeat=3) if 0 < trio.count("ours") < 3]
SESSIONS = ("redirect", "redirect-encrypted", "browser", "browser-encrypted", "close")


@pytest.mark.parametrize("trio", TRIOS, ids="-".join)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shown", ["all", "some"])
def test_what_one_makes_the_others_read(trio, kind, shown, house, cases, scenes, sessions, text):
    """Issued, presented and verified by three houses in turn, a document shows the elements that were chosen."""
    (issuer, holder, verifier), case = map(house, trio), cases[kind]
    paths, scene, session = getattr(case, shown), scenes(kind), sessions["redirect"]()

    presented = holder.present(issuer.issue(case, scene), case, paths, session, scene)

    assert text(case.seen(paths)) == text(verifier.verify(presented, session, scene))


@pytest.mark.parametrize("trio", TRIOS, ids="-".join)
@pytest.mark.parametrize("session", SESSIONS[1:])
def test_it_is_bound_to_any_kind_of_session(trio, session, house, cases, scenes, sessions, text):
    """By redirect, through a browser, encrypted or not, and at close range."""
    (issuer, holder, verifier), case = map(house, trio), cases[KINDS[1]]
    scene, begun = scenes(KINDS[1]), sessions[session]()

    presented = holder.present(issuer.issue(case, scene), case, case.some, begun, scene)

    assert text(case.seen(case.some)) == text(verifier.verify(presented, begun, scene))


@pytest.mark.parametrize("trio", TRIOS, ids="-".join)
def test_they_agree_on_p_384(trio, house, cases, scenes, sessions, text):
    """An issuer and a device with keys of that curve."""
    (issuer, holder, verifier), case = map(house, trio), cases[KINDS[0]]
    scene, session = scenes(KINDS[0], "ES384"), sessions["redirect"]()

    presented = holder.present(issuer.issue(case, scene), case, case.some, session, scene)

    assert text(case.seen(case.some)) == text(verifier.verify(presented, session, scene))


@pytest.mark.parametrize("peer", ["owf", "auth0"])
@pytest.mark.parametrize("hash_name", ["SHA-384", "SHA-512"])
def test_their_other_digests_are_read_here(peer, hash_name, house, ours, cases, scenes, sessions, text):
    """``digestAlgorithm`` is that of the signed object."""
    case, session = cases[KINDS[2]], sessions["redirect"]()
    scene = replace(scenes(KINDS[2]), hash=hash_name)

    presented = ours.present(house(peer).issue(case, scene), case, case.some, session, scene)

    assert text(case.seen(case.some)) == text(ours.verify(presented, session, scene))


@pytest.mark.parametrize("peer", ["owf", "auth0"])
@pytest.mark.parametrize("issuer", ["ours", "owf", "auth0"])
def test_their_macs_are_read_here(peer, issuer, house, ours, cases, scenes, sessions, text):
    """At close range a device may prove itself to the reader alone."""
    case, scene, session = cases[KINDS[0]], scenes(KINDS[0]), sessions["close"]()

    presented = house(peer).present_with_mac(house(issuer).issue(case, scene), case, case.some, session, scene)

    assert text(case.seen(case.some)) == text(ours.verify(presented, session, scene))


@pytest.mark.parametrize("peer", ["owf", "auth0"])
@pytest.mark.parametrize("kind", KINDS)
def test_what_our_issuer_sends_is_read_there(peer, kind, house, office, cases, scenes, sessions, text):
    """With decoys, status, chain and the answers that an issuer gives beforehand, whoever presents it."""
    case, scene, session = cases[kind], scenes(kind), sessions["redirect"]()
    for holder in ("ours", peer):
        presented = house(holder).present(office(kind), case, case.all, session, scene)
        assert text(case.claims) == text(house(peer).verify(presented, session, scene))
