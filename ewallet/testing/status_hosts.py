"""Hosts of status lists that misbehave on demand: what a verifier's fetch may run into.

::

    ewallet_network.route(ISSUER + "/status/", status_hosts.host(misdeed, ewallet_kit))

Each of :data:`STATUS_HOSTS` has the row of the security matrix it belongs to and the code of the rung ``status``.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Final, NoReturn

from ewallet import jose
from ewallet.errors import TransportError
from ewallet.flow import Request, Response, Send
from ewallet.keys import Signer
from ewallet.shape import MAX_STATUS_LIST, Json, to_base64url
from ewallet.status import MEDIA_TYPE, TYP, StatusList
from ewallet.testing.kit import Kit
from ewallet.testing.misbehave import Misdeed, listed
from ewallet.trust import KEY_USAGE

Answer = Callable[[Kit, Request], Response]

_hosts: list[Misdeed[Answer]] = []
_RUNG: Final = "status"


def host(misdeed: Misdeed[Answer], kit: Kit) -> Send:
    """The host, to be routed in place of the issuer's."""
    return lambda request: misdeed.act(kit, request)


def claims(kit: Kit, request: Request) -> dict[str, Json]:
    """What an honest token for that address says: everything is valid."""
    at = int(kit.clock.now().timestamp())
    lst = StatusList.empty(1 << 12).to_json()
    return {"sub": request.url, "iat": at, "exp": at + 86_400, "ttl": 60, "status_list": lst}


def reply(kit: Kit, content: Mapping[str, Json], *, typ: str = TYP, signer: Signer | None = None) -> Response:
    """Those claims, signed by the status signer or another, as a host serves them."""
    token = jose.sign(typ, content, signer or kit.pki.status_signer)
    return Response(200, {"content-type": MEDIA_TYPE}, token.encode("ascii"))


@listed(_hosts, "STA-12", _RUNG, "status.unavailable")
def refused(_kit: Kit, _request: Request) -> NoReturn:
    """STA-12: does not answer."""
    raise TransportError("fetch.unavailable", "connection refused")


@listed(_hosts, "STA-12", _RUNG, "status.unavailable")
def too_slow(_kit: Kit, _request: Request) -> NoReturn:
    """STA-12: answers too late."""
    raise TransportError("fetch.timeout", "no answer in time")


@listed(_hosts, "STA-12", _RUNG, "status.unavailable")
def not_found(_kit: Kit, _request: Request) -> Response:
    """STA-12: knows no such list."""
    return Response(404, {"content-type": MEDIA_TYPE}, b"")


@listed(_hosts, "STA-12", _RUNG, "status.unavailable")
def broken(_kit: Kit, _request: Request) -> Response:
    """STA-12: is out of order."""
    return Response(500)


@listed(_hosts, "STA-12", _RUNG, "status.unavailable")
def web_page(_kit: Kit, _request: Request) -> Response:
    """STA-12: answers everything with a page for people."""
    return Response(200, {"content-type": "text/html"}, b"<!doctype html><p>Welcome")


@listed(_hosts, "STA-12", _RUNG, "status.unavailable")
def empty(_kit: Kit, _request: Request) -> Response:
    """STA-12: answers with nothing."""
    return Response(200, {"content-type": MEDIA_TYPE}, b"")


@listed(_hosts, "STA-15", _RUNG, "fetch.blocked")
def private_address(_kit: Kit, _request: Request) -> NoReturn:
    """STA-15: has an address inside our own network."""
    raise TransportError("fetch.blocked", "an address that is not public")


@listed(_hosts, "STA-07", _RUNG, "status.uri_mismatch")
def another_list(kit: Kit, request: Request) -> Response:
    """STA-07: serves the token of another list."""
    return reply(kit, claims(kit, request) | {"sub": request.url + "0"})


@listed(_hosts, "STA-08", _RUNG, "status.token_invalid")
def another_type(kit: Kit, request: Request) -> Response:
    """STA-08: serves a signed token of another type."""
    return reply(kit, claims(kit, request), typ="JWT")


@listed(_hosts, "STA-08", _RUNG, "status.token_invalid")
def unsigned(kit: Kit, request: Request) -> Response:
    """STA-08: serves a token that nobody signed."""
    token = reply(kit, claims(kit, request)).body.rpartition(b".")[0]
    return Response(200, {"content-type": MEDIA_TYPE}, token + b".")


@listed(_hosts, "STA-08", _RUNG, "status.token_invalid")
def document_signer(kit: Kit, request: Request) -> Response:
    """STA-08: has the list signed by one who signs credentials."""
    return reply(kit, claims(kit, request), signer=kit.pki.signers["resident"])


@listed(_hosts, "STA-08", _RUNG, "status.token_invalid")
def usurper(kit: Kit, request: Request) -> Response:
    """STA-08: has it signed with a certificate for status lists from an authority that is not trusted for them."""
    profile = replace(kit.pki.profile("status"), usage=KEY_USAGE["status"])
    return reply(kit, claims(kit, request), signer=kit.pki.signer("resident", profile))


@listed(_hosts, "STA-09", _RUNG, "status.stale")
def stale(kit: Kit, request: Request) -> Response:
    """STA-09: serves a token that is over."""
    yesterday = int((kit.clock.now() - timedelta(days=1)).timestamp())
    return reply(kit, claims(kit, request) | {"iat": yesterday, "exp": int(kit.clock.now().timestamp())})


@listed(_hosts, "STA-09", _RUNG, "status.stale")
def ahead_of_time(kit: Kit, request: Request) -> Response:
    """STA-09: serves a token of tomorrow."""
    return reply(kit, claims(kit, request) | {"iat": int((kit.clock.now() + timedelta(days=1)).timestamp())})


@listed(_hosts, "STA-13", _RUNG, "limit.decompressed")
def bomb(kit: Kit, request: Request) -> Response:
    """STA-13: serves a list that inflates to more than any verifier reads."""
    lst = to_base64url(zlib.compress(bytes(MAX_STATUS_LIST + 1), 9))
    return reply(kit, claims(kit, request) | {"status_list": {"bits": 2, "lst": lst}})


@listed(_hosts, "STA-03", _RUNG, "status.index_out_of_range")
def short_list(kit: Kit, request: Request) -> Response:
    """STA-03: serves a list too short for the entry."""
    return reply(kit, claims(kit, request) | {"status_list": StatusList(2, bytearray()).to_json()})


@listed(_hosts, "STA-01", _RUNG, "status.revoked")
def everything_revoked(kit: Kit, request: Request) -> Response:
    """STA-01: says that everything is revoked."""
    return reply(kit, claims(kit, request) | {"status_list": StatusList(1, bytearray(b"\xff" * 512)).to_json()})


@listed(_hosts, "STA-02", _RUNG, "status.suspended")
def everything_suspended(kit: Kit, request: Request) -> Response:
    """STA-02: says that everything is suspended."""
    return reply(kit, claims(kit, request) | {"status_list": StatusList(2, bytearray(b"\xaa" * 1024)).to_json()})


@listed(_hosts, "STA-02", _RUNG, "status.unknown_value")
def everything_else(kit: Kit, request: Request) -> Response:
    """STA-02: gives every entry a meaning of its own."""
    return reply(kit, claims(kit, request) | {"status_list": StatusList(2, bytearray(b"\xff" * 1024)).to_json()})


STATUS_HOSTS: Final = tuple(_hosts)
