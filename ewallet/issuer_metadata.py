"""JWT VC Issuer Metadata: where an issuer without certificates publishes its keys (draft-ietf-oauth-sd-jwt-vc-19 §4).

Credentials of the framework are signed under certificates; this is for those of other houses. Nothing is fetched here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from ewallet import links
from ewallet.errors import CryptoError, TrustError
from ewallet.keys import PublicKey
from ewallet.shape import MAX_TEXT, Json, instance, json_object, member, refuse

NAME: Final = "jwt-vc-issuer"
_MAX_KEYS: Final = 100


def well_known(identifier: str, name: str = NAME) -> str:
    """The address of an issuer's metadata document; ``malformed.url`` for what is no identifier."""
    _check_https(identifier, "an issuer identifier")
    return links.well_known(identifier, name)


def _check_https(text: str, what: str) -> None:
    """Return for an https URL that has a host, a port and a path at most."""
    if len(text) > MAX_TEXT or not text.isascii() or not text.isprintable() or set(text) & set(' "<>\\^`{|}'):
        refuse("malformed.url", f"{what} is not a url")
    try:
        parts = urlsplit(text)
        host = parts.hostname and parts.port != 0
    except ValueError:
        refuse("malformed.url", f"{what} is not a url")
    if parts.scheme != "https" or not host or "@" in parts.netloc or "?" in text or "#" in text:
        refuse("malformed.url", f"{what} is not an https url without user, query and fragment")


@dataclass(frozen=True, kw_only=True)
class IssuerMetadata:
    """An issuer's document: its keys, or where they are."""

    issuer: str
    keys: tuple[Mapping[str, Json], ...] = ()
    jwks_uri: str | None = None

    @classmethod
    def read(cls, raw: bytes, issuer: str) -> IssuerMetadata:
        """The document of the issuer that a credential names; ``trust.issuer_mismatch``, ``malformed.*``."""
        members = json_object(raw, "issuer metadata")
        if member(members, "issuer", str) != issuer:
            raise TrustError("trust.issuer_mismatch", "issuer metadata of another issuer than was asked for")
        if ("jwks" in members) == ("jwks_uri" in members):
            refuse("malformed.claim_type", "issuer metadata needs one of jwks and jwks_uri")
        if "jwks_uri" in members:
            _check_https(member(members, "jwks_uri", str).partition("?")[0], "jwks_uri")
            return cls(issuer=issuer, jwks_uri=members["jwks_uri"])
        keys = member(member(members, "jwks", dict), "keys", list)
        if not 0 < len(keys) <= _MAX_KEYS:
            refuse("limit.count", f"jwks has {len(keys)} keys, expected 1 to {_MAX_KEYS}")
        return cls(issuer=issuer, keys=tuple(instance(key, dict, "a key") for key in keys))

    def key(self, kid: str | None) -> PublicKey:
        """The one key of that identifier, or the only key where the credential names none; ``crypto.key_invalid``."""
        found = [key for key in self.keys if kid is None or key.get("kid") == kid]
        if len(found) != 1:
            raise CryptoError("crypto.key_invalid", f"{len(found)} keys of the issuer fit, expected one")
        return PublicKey.of_jwk(found[0])
