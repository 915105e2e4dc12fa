"""A recipient that asks a portal for a person's bundle: request, answer, token, package (:mod:`ewallet.portal`).

::

    client = PortalClient(portal, "bank.example", signer=key, redirect_uri=our_address, send=Http())
    asking = client.ask("bank_personal_loan", days=30)
    ...                                   # the person is led to asking.url, and comes back to redirect_uri
    received = client.take(client.token(asking, came_back_to))

What comes is not believed yet: :meth:`ewallet.verifier.Verifier.verify_package` judges ``received.package``. The client
signs for what came, and hands that in at once; ``received.receipt`` is to be kept with it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Final
from urllib.parse import urlencode

from ewallet import oauth
from ewallet.catalog.claims import Pattern
from ewallet.conversation import Conversation
from ewallet.credential import moment
from ewallet.env import Env
from ewallet.errors import EWalletError, Language, Malformed, ProtocolError, UsageError
from ewallet.flow import Flow, Request, Response, Send, run
from ewallet.jose import to_json
from ewallet.keys import SigningKey
from ewallet.links import well_known
from ewallet.oauth import Authorization, ErrorResponse
from ewallet.oid4vci.metadata import AUTHORIZATION_SERVER
from ewallet.package import Package
from ewallet.portal import assertion
from ewallet.portal.pushed import DETAILS, Details, request_of
from ewallet.receipt.taken import Expected, Taken, sign
from ewallet.shape import MAX_DOCUMENT, Json, instance, json_object, member, numeric_date

_LOG: Final = logging.getLogger("ewallet")
_FORM: Final = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
_WHATEVER: Final[Mapping[str, Iterable[Pattern]]] = {}
_MAX_ANSWER: Final = 64 * 1024  # bytes of everything but a package


@dataclass(frozen=True, kw_only=True)
class Asking:
    """A request on its way: ``url`` is where a person is led; the rest stays with their session until they return.

    ``request`` is the digest of what was asked for.
    """

    url: str
    state: str
    code_verifier: str = field(repr=False)
    request: str = ""


@dataclass(frozen=True, kw_only=True)
class Granted:
    """A token, and the consent that it is for, by which what is provided in cycles is asked for again.

    ``request`` is the digest of what it was asked for with.
    """

    token: str = field(repr=False)
    consent_id: str
    request: str = ""


@dataclass(frozen=True, kw_only=True)
class Received:
    """A package, and what was signed for it and taken by the portal: None where it was not, and is by asking again."""

    package: Package
    receipt: str | None = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Told:
    """What a portal tells: ``package.ready``, ``consent.withdrawn`` or ``recipient.stopped``, and of which consent."""

    id: str
    about: str
    consent: str
    at: datetime

    @classmethod
    def of(cls, found: Mapping[str, Json]) -> Told:
        """Of its members; ``malformed.*``."""
        id_, about, consent = (member(found, name, str) for name in ("id", "about", "consent"))
        return cls(id=id_, about=about, consent=consent, at=moment(numeric_date(member(found, "at", int), "at")))


class PortalClient:
    """One recipient at one portal, under the identifier, key and address that are registered there.

    ``usage.argument`` for an address that is none.
    """

    def __init__(
        self,
        portal: str,
        client_id: str,
        *,
        signer: SigningKey,
        redirect_uri: str,
        send: Send,
        env: Env | None = None,
    ) -> None:
        self.portal = _own(portal, "the portal's identifier")
        self.client_id = client_id
        self.redirect_uri = _own(redirect_uri, "the address to come back to")
        self._signer = signer
        self._send = send
        self._env = env or Env()

    def ask(self, bundle_id: str, *, days: int, lang: Language = "ko") -> Asking:
        """Push a request for a bundle; ``request.invalid`` with what the portal says against it."""
        state, code_verifier = (oauth.code_verifier(self._env.random) for _ in range(2))
        details = Details(bundle_id=bundle_id, days=days, lang=lang)
        asked = {
            "response_type": "code",
            "redirect_uri": self.redirect_uri,
            "state": state,
            "code_challenge": oauth.code_challenge(code_verifier),
            "code_challenge_method": "S256",
            "authorization_details": to_json([details.to_json()]).decode(),
        }
        answer = self._posted("pushed_authorization_request_endpoint", asked, Conversation(self._env), 201)
        told = {"client_id": self.client_id, "request_uri": member(answer, "request_uri", str)}
        url = f"{self._endpoint('authorization_endpoint')}?{urlencode(told)}"
        return Asking(url=url, state=state, code_verifier=code_verifier, request=request_of(asked))

    def token(self, asking: Asking, came_back_to: str) -> Granted:
        """The token for the code with which the person came back.

        ``request.invalid`` with error ``access_denied`` where they said no, and where the answer is not to this request
        or not of this portal (RFC 9207).
        """
        answer = oauth.answered(came_back_to)
        if answer.get("iss") != self.portal or answer.get("state") != asking.state:
            raise ProtocolError("request.invalid", "an answer of another portal, or to another request")
        if "code" not in answer:
            said = oauth.printable(answer.get("error", "server_error"))
            raise ProtocolError("request.invalid", f"the portal answered {said}", error=said, status=403)
        return self._granted(
            {
                "grant_type": "authorization_code",
                "code": answer["code"],
                "redirect_uri": self.redirect_uri,
                "code_verifier": asking.code_verifier,
            },
            asking.request,
        )

    def again(self, consent_id: str) -> Granted:
        """A token for what is provided in cycles, under a consent that was given before."""
        details = [{"type": DETAILS, "consent": consent_id}]
        asked = {"grant_type": "client_credentials", "authorization_details": to_json(details).decode()}
        return self._granted(asked, request_of(asked))

    def package(self, granted: Granted, *, asked: Mapping[str, Iterable[Pattern]] = _WHATEVER) -> Package:
        """As :meth:`take`, without what was signed for it."""
        return self.take(granted, asked=asked).package

    def take(self, granted: Granted, *, asked: Mapping[str, Iterable[Pattern]] = _WHATEVER) -> Received:
        """The package that a token is for, signed for; asked again with the same token it is the same one.

        ``asked`` are kinds and claims that are to be in it, else ``request.invalid`` with error ``consent.scope``.
        Where a member that has to be there is missing, the error is ``storage.not_found`` and the ``missing`` of its
        ``extensions`` says of each which agency has it, and for what fee.
        """
        said = to_json({kind: [list(path) for path in paths] for kind, paths in asked.items()})
        url = f"{self.portal}/packages" + (f"?{urlencode({'asked': said})}" if asked else "")
        token = Authorization(scheme="DPoP", token=granted.token)
        request = Request("GET", url, {"accept": "application/json"}, limit=MAX_DOCUMENT)
        package = Package.parse(self._run(Conversation(self._env, key=self._signer).send(request, token)).body)
        return Received(package=package, receipt=self._receipt(package, granted))

    def messages(self, *, told: Iterable[str] = (), fulfilled: str = "") -> tuple[Told, ...]:
        """What the portal has to tell: what is ready, what was withdrawn or stopped.

        What it was ``told`` it is told no more; under a consent that is ``fulfilled`` nothing more is provided.
        """
        said = {"told": " ".join(told)} | ({"fulfilled": fulfilled} if fulfilled else {})
        shown = assertion.prove(self.client_id, self.portal, self._signer, at=self._env.now(), random=self._env.random)
        request = Request("POST", f"{self.portal}/messages", _FORM, oauth.form({**said, **shown}), limit=_MAX_ANSWER)
        answer = json_object(self._run(Conversation(self._env).send(request)).body, "the answer")
        return tuple(Told.of(instance(each, dict, "a message")) for each in member(answer, "messages", list))

    def _receipt(self, package: Package, granted: Granted) -> str | None:
        """What is signed for a package, once the portal has it; the one of an earlier time where that was lost here.

        What came is not given up because it cannot be signed for now.
        """
        key = self._signer.public.thumbprint
        expected = Expected(recipient=self.client_id, key=key, portal=self.portal, request=granted.request)
        try:
            half = sign(package, self._signer, expected, self._env.now())
            return self._handed_in(half, Authorization(scheme="DPoP", token=granted.token))
        except EWalletError as exc:
            _LOG.warning("consent %s: no receipt was handed in: %s", granted.consent_id[:16], exc)
            return None

    def _handed_in(self, half: str, token: Authorization) -> str:
        form = oauth.form({"receipt": half})
        request = Request("POST", f"{self.portal}/receipts", _FORM, form, limit=_MAX_ANSWER)
        try:
            self._run(Conversation(self._env, key=self._signer).send(request, token))
        except ProtocolError as exc:
            if exc.error != "storage.already_used":
                raise
            half = member(exc.extensions, "receipt", str)
            Taken.parse(half).jws.verify(self._signer.public)
        return half

    def _granted(self, asked: Mapping[str, str], request: str) -> Granted:
        answer = self._posted("token_endpoint", asked, Conversation(self._env, key=self._signer), 200)
        details = [instance(each, dict, "the details") for each in member(answer, "authorization_details", list)]
        if len(details) != 1:
            raise ProtocolError("request.invalid", f"a token with {len(details)} authorization details, expected 1")
        if answer.get("token_type") != "DPoP":
            raise ProtocolError("request.invalid", "a token that is not bound to a key")
        token, consent_id = member(answer, "access_token", str), member(details[0], "consent", str)
        return Granted(token=token, consent_id=consent_id, request=request)

    def _posted(
        self, endpoint: str, asked: Mapping[str, str], conversation: Conversation, expected: int
    ) -> dict[str, Json]:
        shown = assertion.prove(self.client_id, self.portal, self._signer, at=self._env.now(), random=self._env.random)
        body = oauth.form({**asked, **shown})
        request = Request("POST", self._endpoint(endpoint), _FORM, body, limit=_MAX_ANSWER)
        return json_object(self._run(conversation.send(request), expected).body, "the answer")

    def _run(self, flow: Flow[Response], expected: int = 200) -> Response:
        answer = run(flow, self._send)
        if answer.status != expected:
            raise _refused(answer)
        return answer

    def _endpoint(self, name: str) -> str:
        return oauth.url(member(self._metadata, name, str), name, loopback=True)

    @cached_property
    def _metadata(self) -> dict[str, Json]:
        url = well_known(self.portal, AUTHORIZATION_SERVER)
        asked = Conversation(self._env).get(url, limit=_MAX_ANSWER)
        found = json_object(run(asked, self._send), "the metadata of the portal")
        if found.get("issuer") != self.portal:  # RFC 8414 §3.3
            raise ProtocolError("request.invalid", "metadata of another portal than was asked for")
        return found


def _own(address: str, what: str) -> str:
    try:
        return oauth.url(address, what, loopback=True)
    except Malformed as exc:
        raise UsageError("usage.argument", exc.detail) from None


def _refused(answer: Response) -> ProtocolError:
    """What a portal says against a request: an OAuth error, or a problem document that names its code (RFC 9457)."""
    if answer.headers.get("content-type", "").startswith("application/problem+json"):
        problem = json_object(answer.body, "the problem")
        code = oauth.printable(str(problem.get("code")))
        refusal = ProtocolError("request.invalid", f"the portal answered {code}", error=code, status=answer.status)
        refusal.extensions = {name: problem[name] for name in ("missing", "receipt") if name in problem}
        return refusal
    return ErrorResponse.received(answer).refusal(answer.status)
