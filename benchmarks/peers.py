"""The same work by the other Python packages, each through its own public face; None where one is not installed.

Where a peer does less than we do, its note says so.
"""

from __future__ import annotations

import importlib.util
import json
from base64 import b64encode
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from work import AUDIENCE, FLAT, ISSUER, MEMBERS, RELEASED, SCALARS, STATUS_URI, VCT, World

Run = Callable[[int], Any]
NAMES = {"sd-jwt": "sd_jwt", "openvc-core": "openvc", "openid4vci": "openid4vci"}


def installed(name: str) -> bool:
    """Whether the peer can be imported."""
    return importlib.util.find_spec(NAMES[name]) is not None


def _visible(world: World, number: int) -> dict[str, Any]:
    """The claims that are never selectively disclosable."""
    draft = world.draft(number)
    since, until = draft.validity.since, draft.validity.until
    assert since
    assert until
    return {
        "vct": VCT,
        "iss": ISSUER,
        "iat": int(since.timestamp()),
        "nbf": int(since.timestamp()),
        "exp": int(until.timestamp()),
        "status": {"status_list": {"idx": number, "uri": STATUS_URI}},
    }


def _x5c(world: World) -> list[str]:
    return [b64encode(der).decode() for der in world.signer.chain]


def _jwcrypto(private: Any) -> Any:
    from jwcrypto.jwk import JWK

    return JWK.from_pem(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


# -- sd-jwt -------------------------------------------------------------------------------------------------


def sd_jwt_issue(world: World) -> Run:
    """One issued credential, nested as ours."""
    from sd_jwt.common import SDObj
    from sd_jwt.issuer import SDJWTIssuer

    key, holders = _jwcrypto(world.private), [_jwcrypto(holder.private) for holder in world.holders]
    visible = [_visible(world, number) for number in range(len(holders))]
    header = {"typ": "dc+sd-jwt", "x5c": _x5c(world)}

    def run(number: int) -> str:
        claims = visible[number] | {SDObj(name): value for name, value in SCALARS.items()}
        claims[SDObj("household")] = [SDObj(member) for member in MEMBERS]
        issued = SDJWTIssuer(claims, key, holders[number], extra_header_parameters=header)
        return str(issued.sd_jwt_issuance)

    return run


def sd_jwt_present(world: World) -> Run:
    """One presentation of four claims."""
    from sd_jwt.holder import SDJWTHolder

    holders = [_jwcrypto(holder.private) for holder in world.holders]
    wanted = dict.fromkeys(RELEASED, True)

    def run(number: int) -> str:
        held = SDJWTHolder(world.credentials[number])
        held.create_presentation(wanted, world.holders[number].nonce, AUDIENCE, holders[number])
        return str(held.sd_jwt_presentation)

    return run


def sd_jwt_verify(world: World, presentations: list[str] | None = None) -> Run:
    """The claims of one presentation; it checks neither dates nor the issuer's certificate nor unused disclosures."""
    from jwcrypto.jwk import JWK
    from sd_jwt.verifier import SDJWTVerifier

    key = JWK(**world.signer.public.jwk)
    texts = presentations or world.presentations

    def run(number: int) -> Any:
        nonce = world.holders[number].nonce
        return SDJWTVerifier(texts[number], lambda *_: key, AUDIENCE, nonce).get_verified_payload()

    return run


# -- openvc-core --------------------------------------------------------------------------------------------


def openvc_issue(world: World) -> Run:
    """One issued credential, flat: it has no nested disclosures."""
    from openvc.keys import P256SigningKey
    from openvc.proof.sd_jwt import SdJwtVcProofSuite

    suite, key, x5c = SdJwtVcProofSuite(), P256SigningKey(world.private, "k"), _x5c(world)
    visible = [_visible(world, number) for number in range(len(world.holders))]
    jwks = [holder.jwk for holder in world.holders]

    def run(number: int) -> str:
        claims = visible[number] | FLAT
        return suite.issue(claims, signing_key=key, disclosable=FLAT, holder_jwk=jwks[number], x5c=x5c)

    return run


def openvc_verify(world: World, presentations: list[str] | None = None) -> Run:
    """The claims of one presentation, with its dates, by the issuer's known key."""
    from openvc.proof.sd_jwt import SdJwtVcProofSuite

    suite, jwk = SdJwtVcProofSuite(), dict(world.signer.public.jwk)
    texts = presentations or world.presentations

    def run(number: int) -> Any:
        nonce = world.holders[number].nonce
        return suite.verify(
            texts[number], public_key_jwk=jwk, audience=AUDIENCE, nonce=nonce, require_key_binding=True
        ).claims

    return run


def openvc_verify_cold(world: World, presentations: list[str] | None = None) -> Run:
    """The claims of one presentation, its certificate chain checked from scratch."""
    from openvc.proof.sd_jwt import SdJwtVcProofSuite
    from openvc.x5c import resolve_x5c_key

    suite, texts = SdJwtVcProofSuite(), presentations or world.presentations

    def run(number: int) -> Any:
        header = json.loads(_unpadded(texts[number].partition(".")[0]))
        jwk = resolve_x5c_key(header["x5c"], ISSUER, trust_anchors=[world.root])
        nonce = world.holders[number].nonce
        return suite.verify(
            texts[number], public_key_jwk=jwk, audience=AUDIENCE, nonce=nonce, require_key_binding=True
        ).claims

    return run


def _unpadded(text: str) -> bytes:
    from base64 import urlsafe_b64decode

    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


# -- openid4vci ---------------------------------------------------------------------------------------------


def openid4vci_issue(world: World) -> Run:
    """One issued credential, flat and without x5c: its adapter has neither nested disclosures nor header members."""
    from joserfc.jwk import ECKey
    from openid4vci.adapters.sd_jwt_vc import SdJwtVcAdapter
    from openid4vci.crypto.signer import LocalJwsSigner

    pem = world.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    signer = LocalJwsSigner(ECKey.import_key(pem))
    visible = [_visible(world, number) for number in range(len(world.holders))]
    adapter = SdJwtVcAdapter(VCT, signer, ISSUER, always_visible=visible[0])
    jwks = [holder.jwk for holder in world.holders]

    def run(number: int) -> str:
        coroutine = adapter.issue(visible[number] | FLAT, holder_key=jwks[number])
        try:
            coroutine.send(None)  # it awaits nothing; an event loop would only cost it time
        except StopIteration as stop:
            return str(stop.value)
        raise AssertionError

    return run
