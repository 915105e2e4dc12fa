"""``subject_ref``: that several certificates are about one person, without saying who.

It is SHA-256(label || salt || CI). CI (연계정보) is the connecting information of a person: 64 bytes that nobody
guesses and that never leave the registers. The salt is of the wallet's choice, one for each rank of copies
(:mod:`ewallet.ranks`). So copies of one rank have the same reference, whichever agency issued them; a recipient who is
shown another rank sees another; and two people who agree on a salt have two references all the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Final

from ewallet.catalog.person import SUBJECT_REF
from ewallet.credential import Claims, Path
from ewallet.errors import UsageError
from ewallet.shape import Json, base64url, instance, refuse, to_base64url

SALT_SIZE: Final = 32
CI_SIZE: Final = 64  # an HMAC-SHA-512, written with 88 characters of base64
_LABEL: Final = b"ewallet subject_ref 1\0"
_MIN_VALUES: Final = 32  # of the 256 a byte can have: random ones have about 56, digits and letters of a number fewer


def reference(salt: bytes, ci: bytes) -> str:
    """The reference to a person under a salt; ``issue.invalid_value`` for a CI that somebody might guess."""
    if len(ci) != CI_SIZE or len(set(ci)) < _MIN_VALUES:
        raise UsageError("issue.invalid_value", f"connecting information that is not {CI_SIZE} random bytes")
    return to_base64url(sha256(_LABEL + salt + ci).digest())


def references(salts: Mapping[str, bytes], ci: bytes | None) -> dict[str, str]:
    """A reference for each salt; none of somebody who has no CI."""
    return {} if ci is None else {name: reference(salt, ci) for name, salt in salts.items()}


def read_salt(value: Json) -> bytes:
    """The salt as it travels; ``malformed.*``."""
    salt = base64url(instance(value, str, "a salt"), "a salt")
    if len(salt) != SALT_SIZE:
        refuse("malformed.claim_type", f"a salt of {len(salt)} bytes, expected {SALT_SIZE}")
    return salt


def is_reference(path: Path) -> bool:
    """Whether that is where a credential has its reference, in any format."""
    return path[-1:] == (SUBJECT_REF,) and len(path) <= 2


def placed(claims: Claims, path: Path, value: str) -> dict[str, Json]:
    """The claims with the reference at its path."""
    name, *below = path
    if not below:
        return {**claims, str(name): value}
    return {**claims, str(name): placed(claims.get(str(name), {}), tuple(below), value)}


def plain(claims: Claims) -> Iterator[tuple[str, Json]]:
    """The claims by their names, those of namespaces (whose names have dots) as if they stood at the top."""
    for name, value in claims.items():
        if "." in name and isinstance(value, Mapping):
            yield from value.items()
        else:
            yield name, value


def reference_of(claims: Claims) -> str | None:
    """The reference that is shown, if one is."""
    found = dict(plain(claims)).get(SUBJECT_REF)
    return found if isinstance(found, str) else None


def without(claims: Claims) -> dict[str, Json]:
    """The claims without the reference: what copies of one certificate have in common."""
    return {
        name: without(value) if "." in name and isinstance(value, Mapping) else value
        for name, value in claims.items()
        if name != SUBJECT_REF
    }
