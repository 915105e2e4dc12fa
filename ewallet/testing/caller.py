"""A wallet that sends one request of OpenID4VCI at a time, each as it should be or spoiled on purpose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ewallet import dpop, jose
from ewallet.authorization import Offered
from ewallet.env import Env
from ewallet.flow import Request, Response, Send
from ewallet.keys import SigningKey
from ewallet.oid4vci import (
    CredentialRequest,
    CredentialResponse,
    DeferredResponse,
    TokenRequest,
    TokenResponse,
    parse_credential_response,
    parse_nonce_response,
)
from ewallet.oid4vci.offer import CredentialOffer
from ewallet.oid4vci.proof import prove
from ewallet.shape import Json, json_object

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
KIND = "resident_register_copy"


@dataclass
class Caller:
    """Speaks to one issuer; with a ``dpop_key`` its tokens are bound to that key, and nonces are learned on the way."""

    send: Send
    issuer: str
    env: Env
    dpop_key: SigningKey | None = None
    dpop_nonce: str = ""
    key: SigningKey = field(default_factory=SigningKey.generate)

    def post(self, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Response:
        """Any request."""
        return self._sent(Request("POST", f"{self.issuer}{path}", dict(headers or {}), body))

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Response:
        """Any question."""
        return self._sent(Request("GET", f"{self.issuer}{path}", dict(headers or {})))

    def redeem(self, offered: Offered | CredentialOffer | str, tx_code: str | None = None) -> Response:
        """A code, or that of an offer, for a token."""
        code = offered if isinstance(offered, str) else self.code(offered)
        return self.post("/token", TokenRequest(code=code, tx_code=tx_code).to_bytes(), self.form)

    @property
    def form(self) -> dict[str, str]:
        """The headers of a token request."""
        return {"content-type": FORM} | self.proof_header("/token")

    @staticmethod
    def code(offered: Offered | CredentialOffer) -> str:
        """The code of an offer."""
        offer = offered.offer if isinstance(offered, Offered) else offered
        assert offer.pre_authorized
        return offer.pre_authorized.code

    def token(self, offered: Offered | CredentialOffer, tx_code: str | None = None) -> TokenResponse:
        """The token of an offer; with a key, in two steps where the server wants its own nonce."""
        answer = self.redeem(offered, tx_code)
        if error(answer) == "use_dpop_nonce":
            answer = self.redeem(offered, tx_code)
        return TokenResponse.parse(answer.body)

    def nonce(self) -> str:
        """A fresh ``c_nonce``."""
        return parse_nonce_response(self.post("/nonce").body)

    def proof(self, nonce: str | None, key: SigningKey | None = None) -> str:
        """A key proof as it should be."""
        return prove(key or self.key, issuer=self.issuer, at=self.env.now(), nonce=nonce)

    def spoiled(
        self,
        nonce: str,
        *,
        claims: Mapping[str, Json] | None = None,
        header: Mapping[str, Json] | None = None,
        typ: str = "openid4vci-proof+jwt",
    ) -> str:
        """A key proof in which something is otherwise; None leaves a claim out."""
        said = {"aud": self.issuer, "iat": int(self.env.now().timestamp()), "nonce": nonce, **(claims or {})}
        kept = {name: value for name, value in said.items() if value is not None}
        return jose.sign(typ, kept, self.key, {"jwk": self.key.public.jwk, **(header or {})})

    def credential(
        self,
        token: TokenResponse,
        proofs: Sequence[str] | None = None,
        *,
        kind: str = KIND,
        members: Mapping[str, Json] | None = None,
    ) -> Response:
        """A credential, with a proof of its own unless others are given; ``members`` replace those of the request."""
        given = (self.proof(self.nonce()),) if proofs is None else tuple(proofs)
        wanted = CredentialRequest(configuration_id=f"{kind}.dc+sd-jwt", proof_type="jwt", proofs=given)
        asked = {**json_object(wanted.to_bytes()), **(members or {})}
        body = jose.to_json({name: value for name, value in asked.items() if value is not None})
        return self.post("/credential", body, self.bearing(token, "/credential"))

    def bearing(self, token: TokenResponse, path: str) -> dict[str, str]:
        """The headers of a request with a token."""
        proof = self.proof_header(path, token.access_token)
        return {"content-type": JSON, "authorization": token.authorization.header} | proof

    def proof_header(self, path: str, token: str | None = None) -> dict[str, str]:
        """The ``DPoP`` header, where there is a key."""
        if self.dpop_key is None:
            return {}
        url, env = f"{self.issuer}{path}", self.env
        proof = dpop.prove(
            "POST", url, self.dpop_key, at=env.now(), random=env.random, token=token, nonce=self.dpop_nonce
        )
        return {"dpop": proof}

    def _sent(self, request: Request) -> Response:
        answer = self.send(request)
        self.dpop_nonce = dpop.given_nonce(answer) or self.dpop_nonce
        return answer


def error(response: Response) -> str:
    """The OAuth error of a response; empty where it is a success."""
    return "" if response.status < 400 else str(json_object(response.body)["error"])


def issued(response: Response) -> CredentialResponse:
    """The credentials of a response."""
    found = parse_credential_response(response.body, response.status)
    assert isinstance(found, CredentialResponse)
    return found


def promised(response: Response) -> DeferredResponse:
    """The promise of a response."""
    found = parse_credential_response(response.body, response.status)
    assert isinstance(found, DeferredResponse)
    return found
