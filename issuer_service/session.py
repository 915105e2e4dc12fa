"""Who the citizen is: a demo sign-in, a signed cookie, and tokens that a page of another site cannot have.

The cookie holds a random id, the citizen's handle and an end, and proves itself; that somebody signed out is kept in
the store, so that a copied cookie is of no use afterwards.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final

from ewallet.authorization import AuthorizationServer, AuthorizationStore
from ewallet.env import Env
from ewallet.errors import ProtocolError
from ewallet.shape import to_base64url
from issuer_service.records import CITIZENS

LIFE: Final = timedelta(minutes=30)
_MAX_COOKIE: Final = 512


@dataclass(frozen=True, kw_only=True)
class Session:
    """Somebody who signed in; ``csrf`` goes into every form of a page."""

    id: str
    citizen_id: str
    until: datetime
    csrf: str


class Sessions:
    """Begins, reads and ends sessions; ``secure`` where browsers come by https."""

    def __init__(
        self, server: AuthorizationServer, store: AuthorizationStore, *, secure: bool, env: Env | None = None
    ) -> None:
        self.cookie: Final = "__Host-ewallet" if secure else "ewallet"  # the prefix needs https
        self.secure: Final = secure
        self._server = server
        self._store = store
        self._env = env or Env()

    def begin(self, citizen_id: str) -> str:
        """The cookie of a new session, with an id of its own."""
        until = int((self._env.now() + LIFE).timestamp())
        text = f"{to_base64url(self._env.random(16))}.{citizen_id}.{until}"
        return f"{text}.{self._mac('session', text)}"

    def read(self, cookie: str) -> Session | None:
        """The session of a cookie that is ours, not over and not ended."""
        text, _, mac = cookie.rpartition(".")
        if len(cookie) > _MAX_COOKIE or not hmac.compare_digest(mac.encode(), self._mac("session", text).encode()):
            return None
        id_, citizen_id, until = text.split(".")
        end = datetime.fromtimestamp(int(until), UTC)
        if citizen_id not in CITIZENS or self._env.now() >= end or self._store.is_taken(_ended(id_)):
            return None
        return Session(id=id_, citizen_id=citizen_id, until=end, csrf=self._mac("csrf", id_))

    def end(self, session: Session) -> None:
        """End it for good, wherever its cookie is."""
        self._store.take({_ended(session.id): session.until})

    def _mac(self, purpose: str, text: str) -> str:
        return to_base64url(self._server.tag(f"{purpose}:{text}"))


def check_form(session: Session, token: str) -> None:
    """Return if a form was on a page of that session; 403."""
    if not hmac.compare_digest(token.encode(), session.csrf.encode()):
        raise ProtocolError("request.invalid", "the form is not of this session", error="access_denied", status=403)


def check_origin(origin: str | None, site: str | None, own: str) -> None:
    """Return if a browser says that a page of ours sent the form, or is none; 403."""
    if (origin is not None and origin != own) or site not in {None, "same-origin", "none"}:
        raise ProtocolError("request.invalid", "a form of another site", error="access_denied", status=403)


def _ended(id_: str) -> bytes:
    return sha256(f"session:{id_}".encode()).digest()
