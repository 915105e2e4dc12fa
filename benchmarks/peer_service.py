"""``openid4vci`` as a service: its FastAPI router, its backend in memory, and the two routes it leaves to others.

The routes added, for the offer and the token, are as short as FastAPI lets them be; codes and tokens are in a dict.
"""

from __future__ import annotations

import secrets
from typing import Any
from urllib.parse import parse_qsl

from work import FLAT, ISSUER, VCT, World

CONFIGURATION = "copy.dc+sd-jwt"
_METADATA = {
    "credential_issuer": ISSUER,
    "credential_endpoint": f"{ISSUER}/credential",
    "nonce_endpoint": f"{ISSUER}/nonce",
    "credential_configurations_supported": {CONFIGURATION: {"format": "dc+sd-jwt", "vct": VCT}},
}


class PeerService:
    """The application, and the code of a fresh offer by its handle."""

    def __init__(self, world: World) -> None:
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
        from fastapi import FastAPI
        from joserfc.jwk import ECKey
        from openid4vci.adapters.sd_jwt_vc import SdJwtVcAdapter
        from openid4vci.crypto.signer import LocalJwsSigner
        from openid4vci.reference import InMemoryIssuerBackend
        from openid4vci.server_fastapi.app import create_router

        pem = world.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        dates = {"iat": int(world.now.timestamp()), "exp": int(world.now.timestamp()) + 86_400}
        self._claims = dates | FLAT
        self._adapter = SdJwtVcAdapter(VCT, LocalJwsSigner(ECKey.import_key(pem)), ISSUER, always_visible=dates)
        self._codes: dict[str, str] = {}
        self._tokens: set[str] = set()
        self._backend = InMemoryIssuerBackend(_METADATA, self._mint)
        self.app = FastAPI()
        self.app.include_router(create_router(self._backend))
        self._add_routes()

    def offer(self) -> str:
        """The handle of a fresh offer."""
        handle = secrets.token_urlsafe(24)
        self._codes[handle] = secrets.token_urlsafe(24)
        return handle

    def _add_routes(self) -> None:
        from fastapi import Request

        @self.app.get("/offers/{handle}")
        async def offer(handle: str) -> dict[str, Any]:
            grant = {"urn:ietf:params:oauth:grant-type:pre-authorized_code": {"pre-authorized_code": handle}}
            return {"credential_issuer": ISSUER, "credential_configuration_ids": [CONFIGURATION], "grants": grant}

        async def token(request: Request) -> dict[str, Any]:
            form = dict(parse_qsl((await request.body()).decode()))
            del self._codes[form["pre-authorized_code"]]
            token = secrets.token_urlsafe(32)
            self._tokens.add(token)
            return {"access_token": token, "token_type": "Bearer", "expires_in": 300}

        token.__annotations__["request"] = Request
        self.app.post("/token")(token)

    async def _mint(self, request: Any, context: Any) -> Any:
        from openid4vci.crypto.proofs import validate_jwt_proof
        from openid4vci.models.credential import CredentialResponse, IssuedCredential

        if context.access_token not in self._tokens:
            raise PermissionError
        (proof,) = request.proofs["jwt"]
        shown = validate_jwt_proof(proof, credential_issuer=ISSUER, supported_algorithms=["ES256"])
        if not self._backend.nonces.consume(shown.claims["nonce"]):
            raise PermissionError
        text = await self._adapter.issue(self._claims, holder_key=shown.bound_key)
        return CredentialResponse(credentials=[IssuedCredential(credential=text)])
