"""What a recipient asks the portal for: a pushed authorization request (RFC 9126) of one documented type (RFC 9396).

``authorization_details`` is an array of one object::

    {"type": "urn:example:kr-ewallet:bundle:1", "bundle": "bank_personal_loan", "days": 30, "lang": "ko"}

``bundle`` is one that the recipient is registered for, ``days`` how long the consent is to hold, ``lang`` the language
it is worded in. ``purpose`` may be said; it has to be the purpose of the bundle in that language, for the words that a
person reads are the portal's. Once consent is given, ``consent`` names it instead of all these (§7), which is how what
is provided again and again is asked for the next time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NoReturn, cast
from urllib.parse import parse_qsl, urlencode, urlsplit

from ewallet import jose, oauth
from ewallet.catalog import Bundle, Catalog
from ewallet.catalog.claims import Pattern
from ewallet.consent import MAX_DAYS
from ewallet.errors import Language, ProtocolError
from ewallet.receipt.taken import digest_of
from ewallet.shape import Json, instance, json_object, json_value, member, optional, refuse

DETAILS: Final = "urn:example:kr-ewallet:bundle:1"
REQUEST_URI: Final = "urn:ietf:params:oauth:request_uri:"
MAX_STATE: Final = 1024  # characters
_MAX_DETAILS: Final = 4 * 1024  # characters
_NEW: Final = frozenset({"type", "bundle", "days", "lang", "purpose"})
_AGAIN: Final = frozenset({"type", "consent"})


@dataclass(frozen=True, kw_only=True)
class Details:
    """One bundle for so many days, worded in that language."""

    bundle_id: str
    days: int
    lang: Language
    purpose: str | None = None

    @classmethod
    def parse(cls, raw: str | None) -> Details:
        """The details of a request; error ``invalid_authorization_details`` (RFC 9396 §5)."""
        with oauth.refusing("invalid_authorization_details"):
            found = _only(raw, _NEW)
            days, lang = member(found, "days", int), member(found, "lang", str)
            if lang not in {"ko", "en"} or not 0 < days <= MAX_DAYS:
                refuse("malformed.claim_type", f"lang is ko or en, days are 1 to {MAX_DAYS}")
            return cls(
                bundle_id=member(found, "bundle", str),
                days=days,
                lang=cast(Language, lang),
                purpose=optional(found, "purpose", str),
            )

    def bundle(self, catalog: Catalog) -> Bundle:
        """The bundle that is meant; error ``invalid_authorization_details``."""
        found = next((bundle for bundle in catalog.bundles() if bundle.id == self.bundle_id), None)
        if found is None or self.purpose not in (None, found.purpose(self.lang)):
            _not_taken("a bundle that there is not, or another purpose than it has")
        if found.route == "presentation" or not found.identity:
            _not_taken("a bundle that the holder shows, and that no law lets agencies provide")
        return found

    def to_json(self) -> dict[str, Json]:
        """The one object of the array."""
        said = {"type": DETAILS, "bundle": self.bundle_id, "days": self.days, "lang": self.lang}
        return said | ({"purpose": self.purpose} if self.purpose is not None else {})


def request_of(parameters: Mapping[str, str]) -> str:
    """The digest of the authorization details of a request, to the letter: under which a recipient signs for it."""
    return digest_of(parameters.get("authorization_details", "").encode("utf-8", "surrogatepass"))


def consent_of(raw: str | None) -> str:
    """The consent that the details of a later token request name; error ``invalid_authorization_details``."""
    with oauth.refusing("invalid_authorization_details"):
        return member(_only(raw, _AGAIN), "consent", str)


def _only(raw: str | None, known: frozenset[str]) -> dict[str, Json]:
    if raw is None or len(raw) > _MAX_DETAILS:
        refuse("limit.size", f"authorization_details are missing, or have more than {_MAX_DETAILS} characters")
    found = instance(json_value(raw, "authorization_details"), list, "authorization_details")
    if len(found) != 1:
        refuse("malformed.claim_type", f"{len(found)} authorization details, expected 1")
    details = instance(found[0], dict, "the authorization details")
    if details.get("type") != DETAILS:
        _not_taken("authorization details of another type than is documented here")
    if not details.keys() <= known:  # §5: unknown fields are refused, not overlooked
        refuse("malformed.claim_type", "authorization details with unknown members")
    return details


def _not_taken(detail: str) -> NoReturn:
    raise ProtocolError("request.invalid", detail, error="invalid_authorization_details")


@dataclass(frozen=True, kw_only=True)
class Pushed:
    """A pushed request, its client authenticated; ``thumbprint`` is the key that code and token are bound to.

    ``request`` is the digest of the authorization details as they came.
    """

    client_id: str
    redirect_uri: str
    code_challenge: str
    state: str
    thumbprint: str
    details: Details
    request: str = ""

    @classmethod
    def of(cls, parameters: Mapping[str, str], *, client_id: str, thumbprint: str) -> Pushed:
        """The request of these parameters; errors ``invalid_request``, ``invalid_authorization_details``."""
        if parameters.get("response_type") != "code":
            raise ProtocolError("request.invalid", "response_type is code", error="unsupported_response_type")
        if "request_uri" in parameters or "request" in parameters:  # RFC 9126 §2.1
            raise ProtocolError("request.invalid", "a pushed request that refers to another one")
        if parameters.get("dpop_jkt", thumbprint) != thumbprint:
            raise ProtocolError("request.invalid", "dpop_jkt is another key than the one that signed the assertion")
        challenge = parameters.get("code_challenge")
        oauth.check_code_challenge(challenge, parameters.get("code_challenge_method"))
        state = parameters.get("state", "")
        if len(state) > MAX_STATE or not (state.isascii() and state.isprintable()):
            raise ProtocolError("request.invalid", f"state is no text of at most {MAX_STATE} characters")
        return cls(
            client_id=client_id,
            redirect_uri=parameters.get("redirect_uri", ""),
            code_challenge=challenge or "",
            state=state,
            thumbprint=thumbprint,
            details=Details.parse(parameters.get("authorization_details")),
            request=request_of(parameters),
        )

    @classmethod
    def read(cls, raw: bytes) -> Pushed:
        """What :meth:`to_bytes` wrote."""
        found: dict[str, Any] = json_object(raw, "the pushed request")
        return cls(**{**found, "details": Details(**found["details"])})

    def to_bytes(self) -> bytes:
        """As it is kept."""
        details = {
            "bundle_id": self.details.bundle_id,
            "days": self.details.days,
            "lang": self.details.lang,
            "purpose": self.details.purpose,
        }
        said = {name: getattr(self, name) for name in ("client_id", "redirect_uri", "code_challenge", "state")}
        return jose.to_json({**said, "thumbprint": self.thumbprint, "details": details, "request": self.request})

    def back(self, issuer: str, **answer: str) -> str:
        """Where the answer leads: the recipient's own address, with ``state`` and ``iss`` (RFC 9207)."""
        said = {**answer, **({"state": self.state} if self.state else {}), "iss": issuer}
        joint = "&" if urlsplit(self.redirect_uri).query else "?"
        return f"{self.redirect_uri}{joint}{urlencode(said)}"


def handle_of(request_uri: str) -> str:
    """The handle of a pushed request, as it is in its ``request_uri``; error ``invalid_request_uri``."""
    if not request_uri.startswith(REQUEST_URI):
        raise ProtocolError("request.invalid", "a request_uri that is none of ours", error="invalid_request_uri")
    return request_uri.removeprefix(REQUEST_URI)


def asked_in(query: str) -> dict[str, list[Pattern]]:
    """What a recipient believes to be in a package: claims paths by kind, of ``asked`` in a query; ``malformed.*``.

    Nothing where it says nothing, which is then whatever was consented to.
    """
    said = [value for name, value in parse_qsl(query) if name == "asked"]
    if len(said) > 1:
        refuse("malformed.encoding", "the query repeats a parameter")
    found = json_object(said[0], "asked") if said else {}
    return {kind: [_path(path) for path in instance(paths, list, "paths")] for kind, paths in found.items()}


def _path(found: Json) -> Pattern:
    steps = instance(found, list, "a path")
    if not all(step is None or isinstance(step, str) for step in steps):
        refuse("malformed.claim_type", "a path whose steps are neither names nor null")
    return tuple(steps)


def check_redirect(redirect_uri: str, registered: frozenset[str]) -> None:
    """Return if that very address is registered: no beginning of one, no other spelling; error ``invalid_request``."""
    if redirect_uri not in registered:
        raise ProtocolError("request.invalid", "redirect_uri is not one that is registered for this client")
