"""Records that an agency's own service hands out, by https.

``GET {base}/{subject}/{kind}``, ``accept: application/json``, answered by

200   the record, a JSON object of claims
202   not ready yet; ``retry-after`` says in how many seconds it may be
403   with ``{"error": "issuance_restricted"}``: it is on record, and not to be issued to whoever asks
404   nothing is on record

``GET {base}/{subject}/ci`` is answered 200 with ``{"ci": "..."}``, the connecting information (CI) of a person as 88
characters of base64, or 404 for those who have none: then certificates have no ``subject_ref``.

Anything else is a service that is not available (``fetch.unavailable``). Neither address nor answer is told to anybody:
the address has the handle of a person in it. We show who we are by a client certificate, by a bearer token from a file
that is read anew each time, or by both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from ewallet import oauth
from ewallet.errors import Malformed, NotFound, Restricted, TransportError, UsageError
from ewallet.files import read_secret
from ewallet.flow import Request, Response, Send
from ewallet.http import Http, authorities
from ewallet.records import Pending
from ewallet.shape import MAX_CREDENTIAL, json_object
from issuer_service.records.folder import HANDLE, read_ci

Record = Mapping[str, Any]

_JSON: Final = "application/json"
_RESTRICTED: Final = "issuance_restricted"
_WAIT: Final = 60  # seconds, where the service does not say how long
_LONGEST: Final = 7 * 24 * 3600  # a wallet that was told a longer one would never come back


@dataclass(frozen=True, kw_only=True)
class Access:
    """How we show who we are: files of a bearer token, of a certificate chain and its key; ``loopback`` for demos."""

    token: Path | None = None
    chain: Path | None = None
    key: Path | None = None
    loopback: bool = False


class RemoteRecords:
    """The records of one service; ``authorize`` gives the headers that it wants."""

    def __init__(self, base: str, send: Send, *, token: Path | None = None) -> None:
        self._base = base.rstrip("/")
        self._send = send
        self._token = token

    @classmethod
    def at(cls, base: str, access: Access) -> RemoteRecords:
        """Those of an address; ``usage.configuration`` and ``usage.file`` say what is wrong with the settings."""
        try:
            oauth.url(base, "EWALLET_RECORDS", loopback=access.loopback)
        except Malformed as exc:
            raise UsageError("usage.configuration", exc.detail) from None
        if "?" in base or "#" in base:
            raise UsageError("usage.configuration", "EWALLET_RECORDS has a query or a fragment")
        if access.token:
            read_secret(str(access.token), what="the token for the records")
        return cls(base, _sender(access), token=access.token)

    def ci(self, subject: str) -> bytes | None:
        """The connecting information of a subject, if the service knows any."""
        try:
            found = self.claims(subject, "ci")
        except NotFound:
            return None
        return None if isinstance(found, Pending) else read_ci(found)

    def claims(self, subject: str, type_id: str) -> Record | Pending:
        if not HANDLE.match(subject) or not HANDLE.match(type_id):
            raise NotFound("storage.not_found", "nothing is on record")
        request = Request("GET", f"{self._base}/{subject}/{type_id}", headers=self._headers(), limit=MAX_CREDENTIAL)
        try:
            return _record(self._send(request))
        except Malformed as exc:
            raise UsageError("issue.invalid_value", f"record: {exc.code}") from None

    def _headers(self) -> Mapping[str, str]:
        if self._token is None:
            return {"accept": _JSON}
        token = read_secret(str(self._token), what="the token for the records")
        return {"accept": _JSON, "authorization": f"Bearer {token}"}


def _record(response: Response) -> Record | Pending:
    if response.status == HTTPStatus.OK:
        return json_object(response.body, "the record", limit=MAX_CREDENTIAL)
    if response.status == HTTPStatus.ACCEPTED:
        return Pending(timedelta(seconds=_seconds(response.headers.get("retry-after", ""))))
    if response.status == HTTPStatus.NOT_FOUND:
        raise NotFound("storage.not_found", "nothing is on record")
    if response.status == HTTPStatus.FORBIDDEN and _error(response.body) == _RESTRICTED:
        raise Restricted
    raise TransportError("fetch.unavailable", f"the records answered {response.status}")


def _seconds(text: str) -> int:
    """The wait that a service asks for, within reason; a date is not read."""
    return min(max(int(text), 1), _LONGEST) if text.isascii() and text.isdigit() and len(text) < 10 else _WAIT


def _error(body: bytes) -> Any:
    try:
        return json_object(body, "the refusal").get("error")
    except Malformed:
        return None


def _sender(access: Access) -> Send:
    """The network; the address is one that we were set to, so that it may be in a network of our own."""
    if bool(access.chain) != bool(access.key):
        raise UsageError("usage.configuration", "EWALLET_RECORDS_CHAIN and EWALLET_RECORDS_KEY go together")
    if access.chain is None or access.key is None:
        return Http(unsafe_loopback=access.loopback, own_network=True)
    context = authorities()
    try:
        context.load_cert_chain(access.chain, access.key)
    except OSError:  # an ssl.SSLError is one too
        raise UsageError("usage.configuration", "the certificate for the records, or its key, cannot be read") from None
    return Http(unsafe_loopback=access.loopback, own_network=True, tls=context)
