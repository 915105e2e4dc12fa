"""Status list tokens as a verifier keeps them: fetched when due, believed when trusted, never older than one seen.

Section numbers are those of draft-ietf-oauth-status-list-20.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Protocol

from ewallet.credential import Credential, StatusRef
from ewallet.errors import Malformed, StatusError, TransportError, TrustError
from ewallet.flow import Flow, Request, Response
from ewallet.policy import StatusFresh
from ewallet.revocation import Crls
from ewallet.shape import MAX_DOCUMENT
from ewallet.status import CWT_MEDIA_TYPE, MEDIA_TYPE, StatusToken, check_value, media_type
from ewallet.trust import TrustList, TrustPath, TrustPaths

_REMEMBERED: Final = 64  # lists in memory, each up to 16 MiB but usually a quarter of one
_WITH_A_TOKEN: Final = frozenset(range(200, 300)) - {204, 205, 206}  # §8.2; these have nothing in them, or a part
_ACCEPT: Final[Mapping[str, str]] = {"accept": f"{MEDIA_TYPE}, {CWT_MEDIA_TYPE}"}


class StatusStore(Protocol):
    """Where tokens outlive the process. Every method is one transaction, on disk when it returns."""

    def status_token(self, uri: str) -> str | None:
        """The newest token kept for that uri."""

    def put_status_token(self, uri: str, raw: str, issued: datetime) -> bool:
        """Keep a token, unless one issued later is kept already; whether it was kept."""


class StatusTokens:
    """The tokens a verifier has seen, in memory and in its store."""

    def __init__(self, trust: TrustList, store: StatusStore, crls: Crls) -> None:
        self._paths = TrustPaths(trust, "status")
        self._store = store
        self._crls = crls
        self._tokens: dict[str, StatusToken] = {}

    def check(self, credential: Credential, fresh: StatusFresh, at: datetime) -> Flow[str | None]:
        """Return if the credential's status is valid; ``status.stale`` or ``status.missing`` if with a reservation.

        Raises ``status.*``, ``trust.revocation_unknown`` or ``fetch.blocked``.
        """
        ref = credential.status
        if ref is None:
            if fresh.unsafe_without_reference:
                return "status.missing"
            raise StatusError("status.missing", "the credential says nowhere how to learn its status")
        token = yield from self._current(ref, credential.type_id, fresh, at)
        token.check_current(ref, at, max_age=fresh.max_age, stale_for=fresh.stale_for)
        yield from self._check_not_revoked(self._trusted(token, at, credential.type_id), fresh, at)
        check_value(token.list[ref.index])
        return "status.stale" if token.due(at, default=fresh.refresh) else None

    def put(self, raw: str | bytes, at: datetime) -> None:
        """Take a token that was not fetched here; the types it may speak for are checked when it is used.

        Raises ``status.token_invalid``, ``status.rollback``.
        """
        self._remember(raw, at)

    def _current(self, ref: StatusRef, type_id: str, fresh: StatusFresh, at: datetime) -> Flow[StatusToken]:
        """The token to judge by: one at hand that is not due (§8.1), else a newer one, else the one at hand."""
        held = self._held(ref.uri, type_id, at)
        if held and not (held.due(at, default=fresh.refresh) or held.over(at, max_age=fresh.max_age)):
            return held
        try:
            response = yield Request("GET", ref.uri, _ACCEPT, limit=MAX_DOCUMENT)
            return self._remember(_body(response), at, ref.uri, type_id)
        except TransportError as exc:
            if exc.code == "fetch.blocked":
                raise
            if held:
                return held
            raise StatusError("status.unavailable", str(exc)) from None

    def _held(self, uri: str, type_id: str, at: datetime) -> StatusToken | None:
        """The token at hand; none where its signer is trusted no more, since another may have taken its place."""
        try:
            if uri not in self._tokens:
                raw = self._store.status_token(uri)
                return self._cached(self._believed(raw, at, type_id)) if raw is not None else None
            self._trusted(self._tokens[uri], at, type_id)
        except StatusError:
            return None
        return self._tokens[uri]

    def _cached(self, token: StatusToken) -> StatusToken:
        if len(self._tokens) >= _REMEMBERED:
            self._tokens.clear()
        self._tokens[token.uri] = token
        return token

    def _remember(
        self, raw: str | bytes, at: datetime, uri: str | None = None, type_id: str | None = None
    ) -> StatusToken:
        """Keep a token that came, if it is signed for us and not older than one seen.

        What is kept keeps older ones out, so a token of the future, or of a signer for other types, is not kept.
        """
        token = self._believed(raw, at, type_id)
        token.check_issued(at)
        if uri not in (None, token.uri):
            raise StatusError("status.uri_mismatch", "sub is not the uri the credential refers to")
        self._check_no_undoing(token)
        if not self._store.put_status_token(token.uri, token.raw, token.issued):
            raise StatusError("status.rollback", "the status list is older than one seen before")
        return self._cached(token)

    def _check_no_undoing(self, token: StatusToken) -> None:
        """Return unless it takes back what one of the same second says: which is newer, their dates do not tell."""
        raw = self._store.status_token(token.uri)
        if raw is None or raw == token.raw:
            return
        seen = StatusToken.read(raw)
        if seen.issued == token.issued and not seen.list.within(token.list):
            raise StatusError("status.rollback", "the status list takes back what one of the same second says")

    def _believed(self, raw: str | bytes, at: datetime, type_id: str | None) -> StatusToken:
        token = StatusToken.read(raw)
        token.check_signature(self._trusted(token, at, type_id).key)
        return token

    def _trusted(self, token: StatusToken, at: datetime, type_id: str | None) -> TrustPath:
        """§8.3 step 3: the path of a status signer that is trusted for this type of credential."""
        try:
            return self._paths.check(token.chain, at, type_id=type_id)
        except (Malformed, TrustError) as exc:
            raise StatusError("status.token_invalid", str(exc)) from None

    def _check_not_revoked(self, signer: TrustPath, fresh: StatusFresh, at: datetime) -> Flow[None]:
        """What a revoked signer says of a credential is nothing, neither good nor bad."""
        try:
            yield from self._crls.check(signer, fresh, at)
        except TrustError as exc:
            if exc.code != "trust.cert_revoked":
                raise
            raise StatusError("status.token_invalid", str(exc)) from None


def _body(response: Response) -> bytes:
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if response.status not in _WITH_A_TOKEN or kind != media_type(response.body) or not response.body:
        raise StatusError("status.unavailable", f"the status list came with http status {response.status}")
    return response.body
