"""Who may operate the issuer by API: keys, kept as digests, and what each may do.

A line of the file is ``sha256-of-the-key name right ...``; rights are ``offer``, ``status``, ``read``,
``register`` and ``mandate``.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final, Literal, get_args

from ewallet.errors import ProtocolError, UsageError
from ewallet.files import read_own

Right = Literal["offer", "status", "read", "register", "mandate"]
_LINE: Final = re.compile(r"([0-9a-f]{64}) ([A-Za-z0-9._-]{1,64}) ([a-z ]+)")


@dataclass(frozen=True, kw_only=True)
class Operator:
    """A key by its digest, whose it is, and what it may be used for."""

    digest: bytes
    name: str
    rights: frozenset[str]


def read(path: Path | None) -> tuple[Operator, ...]:
    """The operators of a file; none without one; ``usage.configuration``."""
    if path is None:
        return ()
    text = read_own(str(path), limit=1 << 16, what="the operators' file").decode("utf-8", "replace")
    return tuple(_operator(line, number) for number, line in enumerate(text.splitlines(), 1) if line.strip())


def check(operators: Sequence[Operator], authorization: str, right: Right) -> Operator:
    """Whose key it is, if it has that right: 401 for none of ours, 403 for one without it (RFC 6750 §3.1)."""
    scheme = authorization.partition(" ")[0]
    digest = sha256(key_of(authorization).encode("utf-8", "surrogatepass")).digest()
    found = [each for each in operators if hmac.compare_digest(each.digest, digest)]
    if scheme.lower() != "bearer" or not found:
        detail, headers = "no key of an operator, expected one as bearer", {"WWW-Authenticate": "Bearer"}
        raise ProtocolError("access.unauthenticated", detail, error="invalid_token", status=401, headers=headers)
    if right not in found[0].rights:
        headers = {"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{right}"'}
        detail = f"the key has no right to {right}"
        raise ProtocolError("access.forbidden", detail, error="insufficient_scope", status=403, headers=headers)
    return found[0]


def key_of(authorization: str) -> str:
    """The key itself, in whatever spelling its header is."""
    return authorization.partition(" ")[2].strip()


def _operator(line: str, number: int) -> Operator:
    found = _LINE.fullmatch(line.strip())
    rights = frozenset(found[3].split()) if found else frozenset({""})
    if found is None or not rights <= set(get_args(Right)):
        raise UsageError("usage.configuration", f"line {number} of the operators' file is not: sha256 name right ...")
    return Operator(digest=bytes.fromhex(found[1]), name=found[2], rights=rights)
