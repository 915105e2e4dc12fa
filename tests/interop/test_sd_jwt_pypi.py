"""The peer ``sd-jwt`` (PyPI): what we issue and present verifies there, and what it issues and presents, here.

Where it departs from RFC 9901, as of 0.10.4; nothing of it is worked around in the library:

- its ``typ`` is ``example+sd-jwt`` unless told otherwise, and its verifier reads any;
- a disclosure that no digest refers to is passed over (§7.1 step 5 rejects), so that without a key binding a changed
  or added disclosure goes unnoticed;
- a digest twice in arrays, the names ``_sd`` and ``...`` in a disclosure, an array digest with members beside it and
  ``_sd_alg`` below the top are read (§4.1, §4.2.1, §4.2.4.2, §7.1 steps 3 and 4);
- ``nbf``, ``exp`` and the ``iat`` of a key binding are not judged, and an issuer may hide ``exp`` (§9.7);
- key bindings are verified as ES256 only, disclosures as SHA-256 only (a class attribute, replaced below);
- with decoys on, every object gets some, the protected ``status`` too (SD-JWT VC §2.2.2);
- its JSON serialisation has ``disclosures`` at the top level, as drafts had (§8.1 puts them into ``header``).
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from ewallet.errors import EWalletError
from ewallet.formats.sdjwt import TYP
from ewallet.keys import SigningKey
from ewallet.testing.pki import private_key
from ewallet.verdict import Accepted

_ABSENT = "the peer sd-jwt (PyPI) is not installed"
common = pytest.importorskip("sd_jwt.common", reason=_ABSENT)
issuing = pytest.importorskip("sd_jwt.issuer", reason=_ABSENT)
holding = pytest.importorskip("sd_jwt.holder", reason=_ABSENT)
verifying = pytest.importorskip("sd_jwt.verifier", reason=_ABSENT)
jwk = pytest.importorskip("jwcrypto.jwk", reason=_ABSENT)
jws = pytest.importorskip("jwcrypto.jws", reason=_ABSENT)

_REFUSALS = (ValueError, jws.InvalidJWSSignature, jws.InvalidJWSObject)


class Peer:
    """The library as a house; ``hash_name`` replaces its only hash function."""

    def __init__(self, hash_name="sha-256"):
        self._hash = {"name": hash_name, "fn": getattr(hashlib, hash_name.replace("-", ""))}

    def _class(self, base):
        return type(base.__name__, (base,), {"HASH_ALG": self._hash})

    def issue(self, case, scene, *, serialization="compact"):
        return self._class(issuing.SDJWTIssuer)(
            scene.registered | _marked(case.claims, case.disclosable),
            _jwk(scene.issuer),
            jwk.JWK(**scene.holder.public.jwk),
            sign_alg=scene.issuer.public.alg,
            add_decoy_claims=case.decoys > 0,
            serialization_format=serialization,
            extra_header_parameters={"typ": TYP, **scene.header},
        ).sd_jwt_issuance

    def present(self, raw, paths, scene):
        holder = self._class(holding.SDJWTHolder)(raw)
        binding = scene.binding
        holder.create_presentation(
            _choice(paths), binding.nonce, binding.audience, _jwk(scene.holder), scene.holder.public.alg
        )
        return holder.sd_jwt_presentation

    def verify(self, presented, scene, *, bound=True):
        expected = (scene.binding.audience, scene.binding.nonce) if bound else ()
        key = jwk.JWK(**scene.issuer.public.jwk)
        return self._class(verifying.SDJWTVerifier)(presented, lambda *_: key, *expected).get_verified_payload()


def _jwk(key):
    return jwk.JWK.from_pyca(private_key(key))


def _below(paths, step):
    return {path[1:] for path in paths if path[0] == step}


def _marked(value, paths):
    """The claims with the library's mark around what is to be disclosable."""
    if isinstance(value, dict):
        found = {name: _below(paths, name) for name in value}
        marked = {name: _marked(value[name], below - {()}) for name, below in found.items()}
        return {common.SDObj(name) if () in found[name] else name: inner for name, inner in marked.items()}
    if isinstance(value, list):
        below = _below(paths, None)
        elements = [_marked(element, below - {()}) for element in value]
        return [common.SDObj(element) for element in elements] if () in below else elements
    return value


def _choice(paths):
    """Concrete paths as the library's nested choice: ``True``, a dict of members, a list of elements."""
    steps = {path[0] for path in paths}
    below = {step: _choice({path for path in _below(paths, step) if path}) or True for step in steps}
    if steps and all(isinstance(step, int) for step in steps):
        return [below.get(index) for index in range(max(steps) + 1)]
    return below


@pytest.fixture
def peer():
    """The peer's house."""
    return Peer()


def test_what_one_house_makes_the_other_reads(journey, houses, case, chosen, scene):
    """Issued, presented and verified by either house in turn, a case shows exactly the claims that were chosen."""
    expected, actual = journey(*houses, case, chosen, scene)
    assert expected == actual


def test_a_whole_kind_of_ours_is_read_there(journey, office, ours, peer, register, chosen, certified):
    """A register copy of our issuer, with chain and status, shows what was chosen, whoever presents and verifies."""
    for holder, verifier in ((ours, peer), (peer, ours), (peer, peer)):
        expected, actual = journey(office, holder, verifier, register, chosen, certified)
        assert expected == actual


def test_its_presentation_is_accepted_by_our_verifier(kit, peer, register, certified, asked, asked_paths, answered):
    """Issued there under a certificate we trust, and presented there, it passes the whole ladder."""
    scene = replace(certified, binding=asked.binding)
    verdict = kit.verify(peer.present(peer.issue(register, scene), asked_paths, scene), asked)
    assert isinstance(verdict, Accepted), verdict
    assert answered == verdict.claims


def test_its_credential_is_kept_and_shown_by_our_wallet(kit, peer, register, certified, asked, answered):
    """Issued there, put into our wallet and shown from it, it passes the whole ladder."""
    kit.wallet.put([peer.issue(register, certified)])
    verdict = kit.verify(*kit.answer(asked))
    assert isinstance(verdict, Accepted), verdict
    assert answered == verdict.claims


@pytest.mark.parametrize("hash_name", ["sha-384", "sha-512"])
def test_its_other_hashes_verify_here(hash_name, journey, ours, cases, chosen, scene):
    """Digests and ``sd_hash`` follow ``_sd_alg``, whichever house presents."""
    peer = Peer(hash_name)
    for holder, verifier in ((peer, ours), (ours, peer), (ours, ours)):
        expected, actual = journey(peer, holder, verifier, cases["recursive"], chosen, scene)
        assert expected == actual


@pytest.mark.parametrize("alg", ["ES384", "ES512", "EdDSA"])
def test_other_algorithms_of_an_issuer_verify_in_both(alg, journey, ours, peer, cases, scene):
    """P-384, P-521 and Ed25519 signatures of one house hold in the other."""
    scene = replace(scene, issuer=SigningKey.generate(alg))
    for issuer, verifier in ((ours, peer), (peer, ours)):
        expected, actual = journey(issuer, issuer, verifier, cases["flat"], "some", scene)
        assert expected == actual


def test_an_issued_credential_verifies_without_binding_in_both(ours, peer, case, scene):
    """What an issuer hands out, all disclosures and no key binding, is read by the other house."""
    for issuer, verifier in ((ours, peer), (peer, ours)):
        claims = verifier.verify(issuer.issue(case, scene), scene, bound=False)
        assert case.claims == {name: claims[name] for name in case.claims}


_REFUSED = {
    "issuer-signature-changed": "Verification failed",
    "payload-changed": "Verification failed",
    "disclosure-changed": "Invalid digest in KB-JWT",
    "disclosure-added": "Invalid digest in KB-JWT",
    "disclosure-repeated": "Duplicate disclosure hash",
    "disclosure-dropped": "Invalid digest in KB-JWT",
    "disclosures-reordered": "Invalid digest in KB-JWT",
    "binding-dropped": "Invalid",
    "binding-signature-changed": "Verification failed",
}


def test_it_refuses_ours_when_tampered_with(tampering, tampered, ours, peer, cases, scene):
    """What changed on the way from our wallet does not verify there."""
    presented = ours.present(ours.issue(cases["flat"], scene), [("name",), ("town",)], scene)
    with pytest.raises(_REFUSALS, match=_REFUSED[tampering]):
        peer.verify(tampered(presented), scene)


def test_we_refuse_its_when_tampered_with(tampered, our_code, ours, peer, cases, scene):
    """What changed on the way from the peer's holder gets its exact code."""
    presented = peer.present(peer.issue(cases["flat"], scene), [("name",), ("town",)], scene)
    with pytest.raises(EWalletError) as refused:
        ours.verify(tampered(presented), scene)
    assert our_code == refused.value.code


@pytest.mark.parametrize("member", ["audience", "nonce"])
def test_it_refuses_ours_made_for_another_request(member, ours, peer, cases, scene):
    """Our key binding for another audience, or in answer to another nonce, does not verify there."""
    presented = ours.present(ours.issue(cases["flat"], scene), [], scene)
    elsewhere = replace(scene, binding=replace(scene.binding, **{member: "another"}))
    with pytest.raises(ValueError, match=f"Invalid {member} in KB-JWT"):
        peer.verify(presented, elsewhere)


@pytest.mark.parametrize(("member", "code"), [("audience", "kb.aud"), ("nonce", "kb.nonce")])
def test_we_refuse_its_made_for_another_request(member, code, ours, peer, cases, scene):
    """The peer's key binding for another request is refused by its code."""
    presented = peer.present(peer.issue(cases["flat"], scene), [], scene)
    elsewhere = replace(scene, binding=replace(scene.binding, **{member: "another"}))
    with pytest.raises(EWalletError) as refused:
        ours.verify(presented, elsewhere)
    assert code == refused.value.code


# -- where it departs ----------------------------------------------------------------------------------------------


#: Of what no issuer may sign, what it reads.
_READS = frozenset(
    {
        "digest-beside-other-member",
        "digest-twice-in-array",
        "hash-below-the-top",
        "member-named-_sd",
        "member-named-by-number",
        "member-named-dots",
    }
)


def test_what_no_issuer_may_sign_is_refused_here_and_partly_read_there(crafted, craft, ours, peer, scene):
    """A signature does not mend what RFC 9901 forbids; the peer looks at part of it."""
    raw, code = craft(crafted)
    if crafted in _READS:
        assert scene.registered.items() <= peer.verify(raw, scene, bound=False).items()
    else:
        with pytest.raises(ValueError, match=r"Duplicate|Invalid hash|values to unpack"):
            peer.verify(raw, scene, bound=False)
    with pytest.raises(EWalletError) as refused:
        ours.verify(raw, scene, bound=False)
    assert code == refused.value.code


def test_its_own_type_is_refused_here(ours, peer, cases, scene):
    """Its default ``typ`` names an example, not a credential; it reads it, we do not."""
    raw = peer.issue(cases["flat"], replace(scene, header={"typ": "example+sd-jwt"}))
    assert "Hong" == peer.verify(raw, scene, bound=False)["name"]
    with pytest.raises(EWalletError) as refused:
        ours.verify(raw, scene, bound=False)
    assert "crypto.typ_mismatch" == refused.value.code


@pytest.mark.parametrize("tampering", ["disclosure-added", "disclosure-changed"])
def test_without_a_binding_it_passes_over_what_we_refuse(tampered, ours, peer, cases, scene):
    """A disclosure that the issuer did not sign is ignored there; here it refuses the whole."""
    altered = tampered(ours.issue(cases["flat"], scene))
    seen = peer.verify(altered, scene, bound=False)
    assert "admin" not in seen
    assert "another" not in seen.values()
    with pytest.raises(EWalletError) as refused:
        ours.verify(altered, scene, bound=False)
    assert "sdjwt.disclosure_unreferenced" == refused.value.code


@pytest.mark.parametrize("name", ["exp", "vct", "status"])
def test_a_hidden_claim_of_its_that_must_be_visible_is_refused_here(name, ours, peer, cases, scene):
    """It lets an issuer hide any claim, and the holder of such a credential could choose when it ends."""
    registered = {"status": {}, **scene.registered}
    registered[common.SDObj(name)] = registered.pop(name)
    raw = peer.issue(cases["flat"], replace(scene, registered=registered))
    assert name in peer.verify(raw, scene, bound=False)
    with pytest.raises(EWalletError) as refused:
        ours.verify(raw, scene, bound=False)
    assert "sdjwt.validity_claim_disclosed" == refused.value.code


def test_its_decoys_inside_a_protected_claim_are_refused_here(ours, peer, cases, scene):
    """With decoys on it puts some into ``status`` too, of which no part may be disclosable."""
    status = {"status_list": {"idx": 1, "uri": "https://issuer.example/status/0"}}
    raw = peer.issue(cases["decoys"], replace(scene, registered={**scene.registered, "status": status}))
    with pytest.raises(EWalletError) as refused:
        ours.verify(raw, scene, bound=False)
    assert "sdjwt.validity_claim_disclosed" == refused.value.code


def test_its_json_serialisation_discloses_nothing_here(ours, peer, cases, scene):
    """Disclosures at the top level of the JSON form are where a draft had them; they are not looked for there."""
    raw = peer.issue(cases["flat"], scene, serialization="json")
    claims = ours.verify(raw, scene, bound=False)
    assert ("open", False) == (claims["kind"], "name" in claims)


def test_an_expired_credential_of_ours_passes_there_and_not_here(ours, peer, cases, scene):
    """It leaves the dates to its user."""
    registered = {**scene.registered, "exp": scene.registered["nbf"]}
    raw = ours.issue(cases["flat"], replace(scene, registered=registered))
    assert "Hong" == peer.verify(raw, scene, bound=False)["name"]
    with pytest.raises(EWalletError) as refused:
        ours.verify(raw, scene, bound=False)
    assert "time.expired" == refused.value.code
