"""The peer ``@sd-jwt/sd-jwt-vc`` (npm): what we issue and present verifies there, and the other way round.

Needs node 20 and what ``.ci/run`` installs in this folder. Where it departs from RFC 9901, as of 0.19.0; nothing of it
is worked around in the library:

- keys and signatures are its user's: the verifying function sees neither ``alg`` nor ``typ`` of the header, which
  nobody judges then; nor the ``aud`` and the age of a key binding (§7.3 step 5);
- a disclosure that no digest refers to is passed over (§7.1 step 5 rejects), so that without a key binding a changed
  or added disclosure goes unnoticed;
- of two members of one name the disclosed one wins; digests may come twice, ``_sd`` and ``...`` be names, elements
  stand for members and members for elements; hashes are its user's to refuse (§4.1.1, §7.1 steps 3 and 4);
- a claim named by the empty string is never disclosed;
- an issuer may hide parts of ``cnf`` and ``status``, and all of ``aud`` (§9.7; SD-JWT VC §2.2.2);
- a status list token may be about another uri than the one asked for, and of any ``typ``;
- a credential is still good in the second of its ``exp`` (RFC 7519 §4.1.4: it is not).
"""

from __future__ import annotations

import json
import shutil
import subprocess
from base64 import b64encode
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from ewallet.credential import StatusRef
from ewallet.errors import EWalletError
from ewallet.formats.sdjwt import TYP
from ewallet.keys import SigningKey
from ewallet.status import StatusToken
from ewallet.verdict import Accepted

_HERE = Path(__file__).parent
_PEER = "the peer @sd-jwt/sd-jwt-vc (npm)"


def _node():
    """The command, unless something is absent: then all tests of the file are skipped, and why is said once."""
    node = shutil.which("node")
    if node is None:
        pytest.skip(f"{_PEER} needs node, which is not installed", allow_module_level=True)
    if not (_HERE / "node_modules/@sd-jwt/sd-jwt-vc").is_dir():
        pytest.skip(f"{_PEER} is not installed: npm install, as .ci/run does it, here", allow_module_level=True)
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if int(version.removeprefix("v").partition(".")[0]) < 20:
        pytest.skip(f"{_PEER} needs node 20, found {version}", allow_module_level=True)
    return node


_NODE = _node()


class Refused(Exception):
    """The peer's own words for what it does not accept."""


class Peer:
    """The library as a house, at the other end of a pipe; one process for all tests."""

    def __init__(self, process, hash_name="sha-256"):
        self.process = process
        self._hash = hash_name

    def __call__(self, operation, **request):
        self.process.stdin.write(json.dumps({"operation": operation, **request}) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if "error" in answer:
            raise Refused(answer["error"])
        return answer["ok"]

    def issue(self, case, scene, *, frame=None):
        return self(
            "issue",
            claims={**scene.registered, "cnf": {"jwk": scene.holder.public.jwk}, **case.claims},
            frame=frame or _frame(case.claims, case.disclosable, case.decoys) or None,
            hash=self._hash,
            header={"typ": TYP, **scene.header},
            **_signer(scene.issuer),
        )

    def present(self, raw, paths, scene):
        made = {"aud": scene.binding.audience, "nonce": scene.binding.nonce, "iat": int(scene.at.timestamp())}
        return self("present", credential=raw, frame=_choice(paths), binding=made, **_signer(scene.holder))

    def verify(self, presented, scene, *, bound=True):
        return self(
            "verify",
            presented=presented,
            jwk=scene.issuer.public.jwk,
            nonce=scene.binding.nonce if bound else None,
            at=int(scene.at.timestamp()),
            statuses=dict(scene.statuses),
            statusJwk=scene.status_key and scene.status_key.jwk,
        )["payload"]


def _signer(key):
    return {"alg": key.public.alg, "secret": b64encode(key.secret()).decode()}


def _frame(value, paths, decoys=0):
    """What is to be disclosable, as the library's frame: names or indexes in ``_sd``, deeper frames beside it."""
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    below = {step: {path[1:] for path in paths if path[0] in (step, None)} for step, _ in steps}
    inner = {step: _frame(value[step], below[step] - {()}, decoys) for step in below}
    marked = [step for step in below if () in below[step]]
    frame = {str(step): deeper for step, deeper in inner.items() if deeper}
    return frame | ({"_sd": marked, "_sd_decoy": decoys} if marked else {})


def _choice(paths):
    """Concrete paths as the library's nested choice."""
    steps = {path[0] for path in paths}
    return {str(step): _choice({path[1:] for path in paths if path[0] == step and path[1:]}) or True for step in steps}


@pytest.fixture(scope="module")
def peer():
    """The peer's house."""
    command = [_NODE, _HERE / "peer.mjs"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8") as process:
        yield Peer(process)


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


def test_it_reads_our_status_list(kit, peer, certified, scene):
    """It follows the reference of a credential to our signed list, and refuses what is suspended or revoked."""
    kind = kit.catalog.type("resident_register_copy")
    issued = kit.issuer.issue(kind.id, kind.sample, subject="citizen-2", holders=[scene.holder.public])

    def read():
        statuses = {uri: kit.issuer.status_token(uri) for uri in certified.statuses}
        return peer.verify(issued.credentials[0], replace(certified, statuses=statuses), bound=False)

    assert kind.vct == read()["vct"]
    for change in (kit.issuer.suspend, kit.issuer.revoke):
        change(issued.certificate.id, reason="가상 사유")
        with pytest.raises(Refused, match="Status is not valid"):
            read()


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_its_status_lists_are_read_here(bits, peer, scene):
    """A signed list of the peer's has the same entries here, whatever their width."""
    entries, uri = [index % 2**bits for index in range(1000)], "https://issuer.example/status/0"
    claims = {name: scene.registered[name] for name in ("iat", "exp")} | {"sub": uri}
    raw = peer("statusList", statuses=entries, bits=bits, claims=claims, **_signer(scene.issuer))
    token = StatusToken.read(raw)
    token.check_signature(scene.issuer.public)
    token.check_current(StatusRef(uri, 0), scene.at, max_age=timedelta(0), stale_for=timedelta(0))
    assert entries == [token.list[index] for index in range(len(entries))]


@pytest.mark.parametrize("general", [False, True], ids=["flattened", "general"])
def test_its_json_serialisations_are_read_here(general, ours, peer, cases, scene):
    """A presentation in a JSON form of §8, key binding included, says what the compact one says."""
    case = cases["recursive"]
    presented = peer.present(peer.issue(case, scene), case.some, scene)
    serialised = json.dumps(peer("serialise", presented=presented, general=general))
    assert ours.verify(presented, scene) == ours.verify(serialised, scene)


@pytest.mark.parametrize("hash_name", ["sha-384", "sha-512"])
def test_its_other_hashes_verify_here(hash_name, journey, ours, peer, cases, chosen, scene):
    """Digests and ``sd_hash`` follow ``_sd_alg``, whichever house presents."""
    issuer = Peer(peer.process, hash_name)
    for holder, verifier in ((peer, ours), (ours, peer), (ours, ours)):
        expected, actual = journey(issuer, holder, verifier, cases["recursive"], chosen, scene)
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
    "issuer-signature-changed": "Verify Error: Invalid JWT Signature",
    "payload-changed": "Verify Error: Invalid JWT Signature",
    "disclosure-changed": "Invalid sd_hash in Key Binding JWT",
    "disclosure-added": "Invalid sd_hash in Key Binding JWT",
    "disclosure-repeated": "Invalid sd_hash in Key Binding JWT",
    "disclosure-dropped": "Invalid sd_hash in Key Binding JWT",
    "disclosures-reordered": "Invalid sd_hash in Key Binding JWT",
    "binding-dropped": "Key Binding JWT not exist",
    "binding-signature-changed": "Verify Error: Invalid JWT Signature",
}


def test_it_refuses_ours_when_tampered_with(tampering, tampered, ours, peer, cases, scene):
    """What changed on the way from our wallet does not verify there."""
    presented = ours.present(ours.issue(cases["flat"], scene), [("name",), ("town",)], scene)
    with pytest.raises(Refused, match=_REFUSED[tampering]):
        peer.verify(tampered(presented), scene)


def test_we_refuse_its_when_tampered_with(tampered, our_code, ours, peer, cases, scene):
    """What changed on the way from the peer's holder gets its exact code."""
    presented = peer.present(peer.issue(cases["flat"], scene), [("name",), ("town",)], scene)
    with pytest.raises(EWalletError) as refused:
        ours.verify(tampered(presented), scene)
    assert our_code == refused.value.code


def test_it_refuses_ours_made_for_another_request(ours, peer, cases, scene):
    """Our key binding in answer to another nonce does not verify there."""
    presented = ours.present(ours.issue(cases["flat"], scene), [], scene)
    elsewhere = replace(scene, binding=replace(scene.binding, nonce="another"))
    with pytest.raises(Refused, match="Verify Error: Invalid Nonce"):
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


#: Of what no issuer may sign, the one that it refuses.
_REFUSES = {"disclosure-of-four": "Invalid disclosure data"}


def test_what_no_issuer_may_sign_is_refused_here_and_mostly_read_there(crafted, craft, ours, peer, scene):
    """A signature does not mend what RFC 9901 forbids; the peer looks at the shape of a disclosure only."""
    raw, code = craft(crafted)
    if crafted in _REFUSES:
        with pytest.raises(Refused, match=_REFUSES[crafted]):
            peer.verify(raw, scene, bound=False)
    else:
        assert scene.registered.items() <= peer.verify(raw, scene, bound=False).items()
    with pytest.raises(EWalletError) as refused:
        ours.verify(raw, scene, bound=False)
    assert code == refused.value.code


def test_another_audience_passes_there_and_not_here(ours, peer, cases, scene):
    """It leaves ``aud`` to its user, who does not get to see it before the verdict."""
    presented = peer.present(peer.issue(cases["flat"], scene), [], scene)
    elsewhere = replace(scene, binding=replace(scene.binding, audience="another"))
    assert "open" == peer.verify(presented, elsewhere)["kind"]
    with pytest.raises(EWalletError) as refused:
        ours.verify(presented, elsewhere)
    assert "kb.aud" == refused.value.code


@pytest.mark.parametrize("typ", [None, "vc+sd-jwt"])
def test_a_type_of_no_credential_passes_there_and_not_here(typ, ours, peer, cases, scene):
    """It leaves the header to its user; ours has to say ``dc+sd-jwt``."""
    raw = peer.issue(cases["flat"], replace(scene, header={"typ": typ}))
    assert "Hong" == peer.verify(raw, scene, bound=False)["name"]
    with pytest.raises(EWalletError) as refused:
        ours.verify(raw, scene, bound=False)
    assert "crypto.typ_mismatch" == refused.value.code


@pytest.mark.parametrize("tampering", ["disclosure-added", "disclosure-changed", "disclosure-repeated"])
def test_without_a_binding_it_passes_over_what_we_refuse(tampered, our_code, ours, peer, cases, scene):
    """A disclosure that the issuer did not sign, or a repeated one, is ignored there; here it refuses the whole."""
    altered = tampered(ours.issue(cases["flat"], scene))
    seen = peer.verify(altered, scene, bound=False)
    assert "admin" not in seen
    assert "another" not in seen.values()
    with pytest.raises(EWalletError) as refused:
        ours.verify(altered, scene, bound=False)
    assert our_code == refused.value.code


@pytest.mark.parametrize(("name", "member"), [("cnf", "jwk"), ("status", "status_list")])
def test_a_hidden_part_of_its_that_must_be_visible_is_refused_here(name, member, ours, peer, cases, scene):
    """It keeps an issuer from hiding ``cnf`` and ``status``, but not what is in them."""
    with pytest.raises(Refused, match="Cannot disclose protected field"):
        peer.issue(cases["flat"], scene, frame={"_sd": [name]})
    registered = {**scene.registered, "status": {"status_list": {"idx": 1, "uri": "https://issuer.example/status/0"}}}
    raw = peer.issue(cases["flat"], replace(scene, registered=registered), frame={name: {"_sd": [member]}})
    with pytest.raises(EWalletError) as refused:
        ours.verify(raw, scene, bound=False)
    assert "sdjwt.validity_claim_disclosed" == refused.value.code


def test_a_hidden_audience_of_its_is_refused_here(ours, peer, cases, scene):
    """``aud`` is missing among the claims that it protects."""
    registered = {**scene.registered, "aud": "https://bank.example"}
    raw = peer.issue(cases["flat"], replace(scene, registered=registered), frame={"_sd": ["aud"]})
    with pytest.raises(EWalletError) as refused:
        ours.verify(raw, scene, bound=False)
    assert "sdjwt.validity_claim_disclosed" == refused.value.code


def test_the_second_of_expiry_is_over_here_and_not_there(ours, peer, cases, scene):
    """RFC 7519 §4.1.4: on or after ``exp`` it must not be accepted."""
    registered = {**scene.registered, "exp": int(scene.at.timestamp())}
    raw = ours.issue(cases["flat"], replace(scene, registered=registered))
    assert "Hong" == peer.verify(raw, scene, bound=False)["name"]
    with pytest.raises(EWalletError) as refused:
        ours.verify(raw, scene, bound=False)
    assert "time.expired" == refused.value.code


def test_an_expired_credential_of_ours_is_refused_there(ours, peer, cases, scene):
    """One second later it is over there too."""
    registered = {**scene.registered, "exp": int(scene.at.timestamp()) - 1}
    with pytest.raises(Refused, match="Verify Error: JWT is expired"):
        peer.verify(ours.issue(cases["flat"], replace(scene, registered=registered)), scene, bound=False)


def test_a_status_list_about_another_uri_passes_there_and_not_here(kit, peer, register, certified):
    """It does not compare ``sub`` with the reference; whoever answers there could show any good list."""
    entry = certified.registered["status"]["status_list"]
    claims = {name: certified.registered[name] for name in ("iat", "exp")} | {"sub": "https://issuer.example/status/0"}
    good = [0] * (entry["idx"] + 1)
    token = peer("statusList", statuses=good, bits=1, claims=claims, **_signer(kit.pki.status_signer))
    scene = replace(certified, statuses={entry["uri"]: token})
    assert register.claims.items() <= peer.verify(peer.issue(register, certified), scene, bound=False).items()
    ref = StatusRef(entry["uri"], entry["idx"])
    with pytest.raises(EWalletError) as refused:
        StatusToken.read(token).check_current(ref, scene.at, max_age=timedelta(0), stale_for=timedelta(0))
    assert "status.uri_mismatch" == refused.value.code
