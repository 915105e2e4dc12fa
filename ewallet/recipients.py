"""Recipients (이용기관): who may be provided with what on people's requests, registered by the operator of a portal.

A recipient is registered under an identifier that is also the ``client_id`` it asks under, with its keys, the bundles
it may have, and an end. Whether it may have whole resident numbers is not said here: that is in the trust list alone
(:attr:`ewallet.anchor.TrustAnchor.rrn_legal_basis`), under the same identifier.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Final, Literal, NoReturn, Protocol

from ewallet import oauth
from ewallet.catalog import Bundle
from ewallet.consent import Party
from ewallet.credential import moment
from ewallet.errors import NotFound, ProtocolError
from ewallet.files import read_own
from ewallet.keys import PublicKey
from ewallet.shape import Json, instance, json_object, member, numeric_date, optional, refuse, strings

SCHEMA: Final = "ewallet.recipients/1"

#: Parties of a portal that are nobody's registration: people with their own data, and the yes/no service.
OWN: Final = "self"
ANSWERS: Final = "eligibility"


@dataclass(frozen=True, kw_only=True)
class Recipient:
    """Whoever receives: ``keys`` are public, and what is provided is bound to one of them.

    ``class_`` is what it is (a bank, a ministry), ``bundles`` the services that it is registered for, ``until`` the end
    of the registration. ``redirect_uris`` are the addresses to which a portal leads people back, compared as they are.
    """

    id: str
    names: Mapping[str, str]
    class_: str
    keys: tuple[PublicKey, ...]
    bundles: frozenset[str]
    until: datetime
    suspended: bool = False
    redirect_uris: frozenset[str] = frozenset()

    @classmethod
    def of_json(cls, found: Mapping[str, Json]) -> Recipient:
        """The recipient of its members; ``malformed.*``, ``crypto.*``."""
        keys = [instance(key, dict, "a key") for key in member(found, "keys", list)]
        names = member(found, "names", dict)
        if not keys:
            refuse("malformed.claim_type", "a recipient without a key")
        if not all(isinstance(shown, str) and shown.isprintable() for shown in (found.get("id"), *names.values())):
            refuse("malformed.claim_type", "an identifier or a name with characters that are not shown as they are")
        if found.get("id") in {OWN, ANSWERS}:
            refuse("malformed.claim_type", "an identifier that a portal keeps for itself")
        return cls(
            id=member(found, "id", str),
            names={lang: member(names, lang, str) for lang in ("ko", "en")},
            class_=member(found, "class", str),
            keys=tuple(PublicKey.of_jwk(key) for key in keys),
            bundles=frozenset(strings(found.get("bundles"), "bundles")),
            until=moment(numeric_date(member(found, "until", int), "until")),
            suspended=optional(found, "suspended", bool) or False,
            redirect_uris=_addresses(found.get("redirect_uris") or []),
        )

    def to_json(self) -> dict[str, Json]:
        """The members that :meth:`of_json` reads."""
        return {
            "id": self.id,
            "names": dict(self.names),
            "class": self.class_,
            "keys": [dict(key.jwk) for key in self.keys],
            "bundles": sorted(self.bundles),
            "until": int(self.until.timestamp()),
            "suspended": self.suspended,
            "redirect_uris": sorted(self.redirect_uris),
        }

    @property
    def party(self) -> Party:
        """As consents name it."""
        return Party(id=self.id, names=self.names)

    def check(self, bundle: Bundle, at: datetime) -> None:
        """Return if it may have that bundle now; ``access.forbidden``."""
        if self.suspended or at >= self.until:
            _forbidden("a recipient whose registration is suspended or over")
        if bundle.id not in self.bundles or bundle.recipient_class != self.class_:
            _forbidden("a recipient that is not registered for this bundle")

    def key(self, thumbprint: str | None = None) -> PublicKey:
        """Its key with that thumbprint, else the first; ``access.forbidden`` where it has none such."""
        found = next((key for key in self.keys if thumbprint in (None, key.thumbprint)), None)
        return found or _forbidden("a key that is none of the recipient's")


class Recipients(Protocol):
    """Where registrations are; read anew for every use, so that a suspension takes effect at once."""

    def recipient(self, id_: str) -> Recipient:
        """The recipient of that identifier; :class:`ewallet.errors.NotFound`."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """What was done with a registration, by which operator, why, and when."""

    what: Literal["registered", "suspended", "resumed"]
    by: str
    reason: str
    at: datetime


class Registry(Recipients, Protocol):
    """Registrations that operators change. Each change is one transaction, on record, and in force when it returns."""

    def recipients(self) -> Sequence[Recipient]:
        """All of them, by identifier."""

    def register(self, recipient: Recipient, change: Change) -> Recipient:
        """Register it, or register it anew; whether it is suspended stays as it is. As it is from now on."""

    def suspend(self, id_: str, change: Change, *, suspended: bool = True) -> Recipient:
        """Let it have nothing until it is resumed, with ``suspended=False``; :class:`ewallet.errors.NotFound`."""

    def changes(self, id_: str) -> Sequence[Change]:
        """All that was done with a registration, the newest first; :class:`ewallet.errors.NotFound`."""


@dataclass(frozen=True)
class RecipientFile:
    """The registrations in a JSON file of schema ``ewallet.recipients/1``, read anew each time."""

    path: Path

    def recipient(self, id_: str) -> Recipient:
        """The recipient of that identifier; :class:`NotFound`, ``usage.file``, ``malformed.*``."""
        return _found(self._recipients(), id_)

    def _recipients(self) -> Mapping[str, Recipient]:
        found = json_object(read_own(str(self.path), what="the recipients"), "the recipients")
        if found.get("schema") != SCHEMA:
            refuse("malformed.claim_type", f"recipients of another schema than {SCHEMA}")
        entries = member(found, "recipients", list)
        return _by_id(Recipient.of_json(instance(each, dict, "a recipient")) for each in entries)


@dataclass(frozen=True)
class RecipientTable:
    """The registrations that are given, in memory."""

    recipients: tuple[Recipient, ...]

    def recipient(self, id_: str) -> Recipient:
        """The recipient of that identifier; :class:`NotFound`."""
        return _found(self._by_id, id_)

    @cached_property
    def _by_id(self) -> Mapping[str, Recipient]:
        return _by_id(self.recipients)


def _addresses(found: Json) -> frozenset[str]:
    """Where people may be led back to: https, or a program on their own machine (RFC 8252 §7.3); ``malformed.url``."""
    addresses = instance(found, list, "redirect_uris")
    checked = (oauth.url(instance(each, str, "a redirect_uri"), "a redirect_uri", loopback=True) for each in addresses)
    return frozenset(checked)


def _by_id(recipients: Iterable[Recipient]) -> Mapping[str, Recipient]:
    found: dict[str, Recipient] = {}
    for recipient in recipients:
        if found.setdefault(recipient.id, recipient) is not recipient:
            refuse("malformed.claim_type", "one identifier of two recipients")
    return found


def _found(recipients: Mapping[str, Recipient], id_: str) -> Recipient:
    return recipients.get(id_) or unregistered()


def unregistered() -> NoReturn:
    """Refuse an identifier that nobody is registered under."""
    raise NotFound("storage.not_found", "no recipient is registered under that identifier")


def _forbidden(detail: str) -> NoReturn:
    raise ProtocolError("access.forbidden", detail, error="access_denied", status=403)
