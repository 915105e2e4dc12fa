"""Mutated evidence: nothing escapes but our errors, and nothing is accepted with changed content.

Two kinds of mutation. Outside a signature, bytes of the text as it travels are changed: what is still accepted says
what the original said, or less of it. Inside a signature, the JSON of payloads, headers and disclosures is changed and
signed again with the right key, so that the parsers behind the signature are reached too.

A normal run takes a sample, the same in every run; EWALLET_FULL=1 runs a hundred thousand.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from ewallet import jose
from ewallet.answer import Candidate, match
from ewallet.disclosure import digest, hash_of
from ewallet.errors import EWalletError
from ewallet.formats.sdjwt import KB_TYP, SD_JWT, SdJwt
from ewallet.keys import SigningKey
from ewallet.oid4vp import AuthorizationRequest, parse_vp_token
from ewallet.shape import base64url, certificate, to_base64url
from ewallet.status import StatusToken
from ewallet.testing.kit import Kit
from ewallet.testing.stores import MemoryVerifierStore, MemoryWalletStore
from ewallet.trust import TrustList
from ewallet.type_metadata import TypeMetadata
from ewallet.verdict import Accepted
from ewallet.verifier import Verifier
from ewallet.wallet import Wallet

_FULL = os.environ.get("EWALLET_FULL") == "1"
_EACH = 9_000 if _FULL else 170  # of twelve subjects
_TYPE = "resident_register_copy"
_ASKED = ("resident_address", "is_householder")

_STRANGE: tuple[Any, ...] = (
    None, True, False, 0, -1, 1.5, 1 << 63, "", " ", "\x00", "가", "\ud800", "sha-1", "...", "_sd", [], {}, [[]], [{}],
    {"...": "x"}, {"_sd": []}, {"_sd": ["x"]}, {"_sd_alg": "md5"}, [None] * 40, "A" * 5_000, 253_402_300_800,
)  # fmt: skip
_NAMES = (
    "_sd",
    "_sd_alg",
    "...",
    "iss",
    "vct",
    "exp",
    "nbf",
    "iat",
    "cnf",
    "status",
    "aka_vcts",
    "",
    "__class__",
    "가",
)


# -- mutations ---------------------------------------------------------------------------------------------


def _bytes(text: str, random: Random) -> str:
    """One to three changes of characters: flip, delete, double, insert, cut, splice."""
    for _ in range(random.randint(1, 3)):
        at, to = sorted(random.randrange(len(text) + 1) for _ in range(2))
        text = random.choice(
            (
                text[:at] + chr(random.randrange(32, 127)) + text[at + 1 :],
                text[:at] + text[at + 1 :],
                text[:at] + text[at : at + 1] + text[at:],
                text[:at] + random.choice('.~=-_\n {["\u00e9\x00') + text[at:],
                text[:at] if random.random() < 0.2 else text[:at] + text[min(to, at + 8) :],
                text[:at] + text[at : min(to, at + 400)] + text[at:],
                _swapped(text, random),
            )
        )
    return text


def _swapped(text: str, random: Random) -> str:
    """Two parts between tildes exchanged, or one of them left out or sent twice."""
    parts = text.split("~")
    one, other = random.randrange(len(parts)), random.randrange(len(parts))
    parts[one], parts[other] = parts[other], parts[one]
    if random.random() < 0.5:
        parts.insert(one, parts[other]) if random.random() < 0.5 else parts.pop(other)
    return "~".join(parts)


def _places(node, at=()):
    yield at
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for name, child in children:
        yield from _places(child, (*at, name))


def _changed(node, at, change):
    if not at:
        return change(node)
    copy = dict(node) if isinstance(node, dict) else list(node)
    copy[at[0]] = _changed(node[at[0]], at[1:], change)
    return copy


def _strange(node, random: Random):
    """A node in place of another: of another kind, wrapped, doubled, renamed, without a member, with one more."""
    if isinstance(node, dict) and node and random.random() < 0.6:
        name = random.choice(list(node))
        rest = {key: value for key, value in node.items() if key != name}
        return random.choice(
            (rest, rest | {random.choice(_NAMES): node[name]}, node | {random.choice(_NAMES): random.choice(_STRANGE)})
        )
    if isinstance(node, list) and node and random.random() < 0.6:
        one = random.randrange(len(node))
        return random.choice((node[:one] + node[one + 1 :], [*node, node[one]], [*node, random.choice(_STRANGE)]))
    return random.choice((random.choice(_STRANGE), [node], {"...": node}, {"_sd": node}, {"_sd": [node]}))


def _json(text: bytes, random: Random) -> bytes:
    """A JSON text with one to three changes of its tree; sometimes of its bytes, or a member written twice."""
    if random.random() < 0.2:
        return _bytes(text.decode(), random).encode("utf-8", "surrogatepass")
    value = json.loads(text)
    for _ in range(random.randint(1, 3)):
        at = random.choice(list(_places(value)))
        value = _changed(value, at, lambda node: _strange(node, random))
    changed = json.dumps(value, ensure_ascii=random.random() < 0.5)
    if random.random() < 0.1 and isinstance(value, dict) and value:
        name = json.dumps(random.choice(list(value)))
        changed = f"{{{name}: 1, {changed[1:]}"
    return changed.encode("utf-8", "surrogatepass")


def _signed(header: bytes, payload: bytes, signer: SigningKey) -> str:
    text = f"{to_base64url(header)}.{to_base64url(payload)}"
    return f"{text}.{to_base64url(signer.sign(text.encode('ascii')))}"


def _resigned(compact: str, signer: SigningKey, random: Random) -> str:
    """The same JWS with its payload, or rarely its header, changed under the same key."""
    header, payload = (base64url(part) for part in compact.split(".")[:2])
    if random.random() < 0.15:
        return _signed(_json(header, random), payload, signer)
    return _signed(header, _json(payload, random), signer)


def _redisclosed(issued: str, disclosures: list[str], signer: SigningKey, random: Random) -> str:
    """One disclosure changed, its digest in the payload along with it, under the same key."""
    header, payload = (base64url(part) for part in issued.split(".")[:2])
    one = random.randrange(len(disclosures))
    changed = to_base64url(_json(base64url(disclosures[one]), random))
    hash_ = hash_of({})
    payload = payload.replace(digest(hash_, disclosures[one]).encode(), digest(hash_, changed).encode())
    disclosures[one] = changed
    return _signed(header, payload, signer)


# -- what is mutated ---------------------------------------------------------------------------------------


class _Forgetful(MemoryVerifierStore):
    """Lets every answer come again."""

    def take_nonce(self, nonce, until):
        pass


class _Oblivious(MemoryWalletStore):
    """Does not know what it holds, so that the same certificate may be received again."""

    def held(self):
        return ()


@dataclass(frozen=True)
class _World:
    kit: Kit
    wallet: Wallet
    signer: SigningKey
    holder: SigningKey
    credential: str
    claims: dict
    presentation: str
    request: AuthorizationRequest
    honest: dict
    verifier: Verifier

    def rebound(self, issued: str, disclosures: list[str]) -> str:
        """A presentation of what an issuer might have signed, bound as the request wants it."""
        shown = "~".join((issued, *disclosures, ""))
        claims = {
            "iat": int(self.kit.clock.now().timestamp()),
            "aud": self.request.client_id,
            "nonce": self.request.nonce,
            "sd_hash": digest(hash_of({}), shown),
        }
        return shown + jose.sign(KB_TYP, claims, self.holder)


@pytest.fixture(scope="module")
def world():
    """A certificate in a wallet, and its presentation to a verifier that accepts it."""
    kit = Kit.make()
    document = kit.issue(_TYPE)
    (copy,) = kit.wallet_store.copies(document.id)
    presented = kit.present(kit.query(_TYPE, _ASKED))
    key = kit.wallet_store.key(copy.key)
    oblivious = _Oblivious()
    oblivious.put_keys({copy.key: key})
    verifier = Verifier(
        presented.request.client_id,
        trust=kit.pki.trust_list(),
        store=_Forgetful(),
        send=kit.network,
        env=kit.env,
    )
    honest = verifier.verify(presented.presentation, presented.request)
    assert isinstance(honest, Accepted)
    return _World(
        kit=kit,
        wallet=Wallet(store=oblivious, trust=kit.pki.trust_list(), catalog=kit.catalog, env=kit.env),
        signer=kit.pki.signers[kit.catalog.type(_TYPE).system],
        holder=SigningKey.of_secret(key),
        credential=copy.raw,
        claims=dict(document.credential.claims),
        presentation=presented.presentation,
        request=presented.request,
        honest=dict(honest.claims),
        verifier=verifier,
    )


def _within(part, whole) -> bool:
    """Whether one tree says nothing that the other does not."""
    if isinstance(part, dict) and isinstance(whole, dict):
        return all(name in whole and _within(value, whole[name]) for name, value in part.items())
    if isinstance(part, list) and isinstance(whole, list):
        return all(any(_within(value, other) for other in whole) for value in part)
    return type(part) is type(whole) and part == whole


def _put(world, raw):
    """The claims of a credential that the wallet takes, or None where it refuses it."""
    try:
        return dict(world.wallet.put([raw]).credential.claims)
    except EWalletError:
        return None


def _verified(world, raw):
    """The claims of an accepted presentation, or None; the verdict itself may never fail."""
    verdict = world.verifier.verify(raw, world.request)
    json.dumps(verdict.to_json())
    return dict(verdict.claims) if isinstance(verdict, Accepted) else None


def _cases(name):
    for number in range(_EACH):
        yield Random(f"{name} {number}")


@pytest.mark.sweep
def test_changed_credential_is_never_kept_with_other_content(world):
    """A wallet keeps what the issuer signed, whole or without some disclosures, or nothing."""
    for random in _cases("credential"):
        claims = _put(world, _bytes(world.credential, random))
        assert claims is None or _within(claims, world.claims)


@pytest.mark.sweep
def test_changed_presentation_is_never_accepted_with_other_content(world):
    """A verifier accepts what the holder bound, to the last character that counts, or nothing."""
    for random in _cases("presentation"):
        claims = _verified(world, _bytes(world.presentation, random))
        assert claims is None or claims == world.honest


@pytest.mark.sweep
def test_strange_payload_under_the_right_key_raises_our_errors_only(world):
    """What an issuer could sign by mistake reaches the parsers behind the signature, in wallet and verifier."""
    parsed = SdJwt.parse(world.presentation)
    issued, *disclosures, _ = world.credential.split("~")
    for random in _cases("payload"):
        _put(world, "~".join((_resigned(issued, world.signer, random), *disclosures, "")))
        _verified(world, world.rebound(_resigned(parsed.issued, world.signer, random), list(parsed.disclosures)))


@pytest.mark.sweep
def test_strange_disclosure_under_the_right_key_raises_our_errors_only(world):
    """The same for disclosures whose digest was signed."""
    parsed = SdJwt.parse(world.presentation)
    issued, *disclosures, _ = world.credential.split("~")
    for random in _cases("disclosure"):
        held, shown = list(disclosures), list(parsed.disclosures)
        _put(world, "~".join((_redisclosed(issued, held, world.signer, random), *held, "")))
        _verified(world, world.rebound(_redisclosed(parsed.issued, shown, world.signer, random), shown))


@pytest.mark.sweep
def test_strange_key_binding_never_changes_what_is_accepted(world):
    """Whatever the holder signs, the content is the issuer's."""
    shown, _, binding = world.presentation.rpartition("~")
    for random in _cases("binding"):
        claims = _verified(world, f"{shown}~{_resigned(binding, world.holder, random)}")
        assert claims is None or claims == world.honest


@pytest.mark.sweep
def test_strange_answer_raises_our_errors_only(world):
    """The vp_token around the presentations."""
    token = json.dumps({world.request.query.credentials[0].id: [world.presentation]})
    for random in _cases("answer"):
        text = _json(token.encode(), random).decode("utf-8", "replace")
        claims = _verified(world, text)
        assert claims is None or claims == world.honest
        try:
            parse_vp_token(text)
        except EWalletError:
            continue


def _status_token(world):
    (uri,) = {SdJwt.parse(world.credential).payload["status"]["status_list"]["uri"]}
    return world.kit.issuer.status_token(uri)


def _read_status(world, raw):
    try:
        token = StatusToken.read(raw)
        token.check_signature(world.kit.pki.status_signer.public)
    except EWalletError:
        return None
    return token


@pytest.mark.sweep
def test_changed_status_token_is_never_believed_with_other_content(world):
    """A status list is the signed one or none; a strange one under the right key is read or refused."""
    raw = _status_token(world)
    honest = _read_status(world, raw)
    for random in _cases("status"):
        token = _read_status(world, _bytes(raw, random))
        assert token is None or (token.uri, token.issued, token.list.data) == (
            honest.uri,
            honest.issued,
            honest.list.data,
        )
        _read_status(world, _resigned(raw, world.kit.pki.status_signer, random))


def _read_list(world, raw):
    try:
        return TrustList.read(raw, world.kit.pki.operator_key, at=world.kit.clock.now())
    except EWalletError:
        return None


@pytest.mark.sweep
def test_changed_trust_list_is_never_believed_with_other_content(world):
    """A trust list is the signed one or none; a strange one under the right key is read or refused, and then used."""
    raw = world.kit.pki.signed_trust_list()
    honest = _read_list(world, raw)
    chain = SdJwt.parse(world.credential).chain
    for random in _cases("trust list"):
        assert _read_list(world, _bytes(raw, random)) in (None, honest)
        strange = _read_list(world, _resigned(raw, world.kit.pki.operator, random))
        if strange is not None:
            try:
                strange.check(chain, "issuer", world.kit.clock.now(), type_id=None)
            except EWalletError:
                continue


@pytest.mark.sweep
def test_changed_certificate_is_never_believed(world):
    """A leaf with a changed bit ends in no anchor, unless the bit is in the wrapping of the signature."""
    trust, at = world.kit.pki.trust_list(), world.kit.clock.now()
    chain = SdJwt.parse(world.credential).chain
    good = trust.check(chain, "issuer", at, type_id=None)
    for random in _cases("certificate"):
        der = bytearray(chain[0])
        for _ in range(random.randint(1, 2)):
            der[random.randrange(len(der))] ^= 1 << random.randrange(8)
        try:
            path = trust.check((bytes(der), *chain[1:]), "issuer", at, type_id=None)
        except EWalletError:
            continue
        assert certificate(chain[0]).tbs_certificate_bytes == certificate(bytes(der)).tbs_certificate_bytes
        assert good == path


@pytest.mark.sweep
def test_strange_request_raises_our_errors_only(world):
    """A request that is read can also be written, and matched against what is held."""
    text, held = world.request.to_bytes(), [Candidate(id="held", credential=SD_JWT.read(world.credential))]
    for random in _cases("request"):
        try:
            request = AuthorizationRequest.parse(_json(text, random))
            assert request == AuthorizationRequest.parse(request.to_bytes())
            match(request.query, held)
        except EWalletError:
            continue


@pytest.mark.sweep
def test_strange_type_metadata_raises_our_errors_only(world):
    """A description that is read can be applied."""
    parsed = SdJwt.parse(world.presentation)
    description = {
        "vct": parsed.type_id,
        "name": "a kind",
        "display": [{"locale": "ko", "name": "종류", "rendering": {"svg_templates": [{"uri": "https://a.example/b"}]}}],
        "claims": [
            {"path": ["resident_address"], "sd": "always", "mandatory": True, "svg_id": "a"},
            {"path": ["household_members", None, "name"], "display": [{"locale": "ko", "label": "성명"}]},
            {"path": ["issuer_code"], "sd": "never"},
        ],
    }
    text = json.dumps(description).encode()
    for random in _cases("metadata"):
        try:
            metadata = TypeMetadata.read({parsed.type_id: _json(text, random)}, parsed.type_id)
            metadata.check(parsed.processed, parsed.shown, role="holder")
        except EWalletError:
            continue


def test_what_is_not_changed_is_accepted(world):
    """The test of the tests: signing the same again changes nothing."""
    parsed = SdJwt.parse(world.presentation)
    assert world.honest == _verified(world, world.rebound(parsed.issued, list(parsed.disclosures)))
    assert world.claims == _put(world, world.credential)
    world.kit.clock.advance(timedelta(0))
