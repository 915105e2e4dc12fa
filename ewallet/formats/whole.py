"""A credential that is signed in one piece, a compact JWS, and shown whole or not at all.

What :mod:`ewallet.formats.paper` and :mod:`ewallet.formats.member` have in common. Both say ``vct``, ``iss``, ``iat``,
``nbf``, ``exp`` and ``status`` as an SD-JWT VC does; neither is bound to a holder, and what it is bound to instead each
says for itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Self

from ewallet import jose
from ewallet.credential import Claims, Credential, StatusRef, Validity, moment
from ewallet.formats.once import Once
from ewallet.keys import PublicKey
from ewallet.shape import Json, member, numeric_date, refuse


@dataclass(eq=False)
class Whole:
    """One taken apart; nothing of it believed."""

    TYP: ClassVar[str]
    WHAT: ClassVar[str]  # what errors call it

    jws: jose.Jws
    raw: str = field(repr=False)

    @classmethod
    def open(cls, raw: str) -> Self:
        """Take one apart; ``malformed.*``, ``limit.*``, ``crypto.typ_mismatch``, ``crypto.alg_not_allowed``."""
        if not raw.isascii():
            refuse("malformed.encoding", f"a {cls.WHAT} with other characters than ascii")
        return cls(jose.parse(raw, cls.TYP, what=f"the {cls.WHAT}"), raw)

    @Once
    def payload(self) -> dict[str, Json]:
        """The payload as signed; ``malformed.*``."""
        return self.jws.claims

    @property
    def chain(self) -> tuple[bytes, ...]:
        """The issuer's DER certificates, leaf first; empty without ``x5c``."""
        return self.jws.chain

    @property
    def type_id(self) -> str:
        """The ``vct``."""
        return member(self.payload, "vct", str)

    @property
    def issuer(self) -> str:
        """The ``iss``."""
        return member(self.payload, "iss", str)

    def check_signature(self, key: PublicKey) -> None:
        """Return if that key signed it; ``crypto.*``."""
        self.jws.verify(key)

    def says(self, claims: Claims, status: StatusRef | None) -> Credential:
        """These claims, with what it says of itself; ``malformed.*``."""
        since, issued, until = (self._date(name) for name in ("nbf", "iat", "exp"))
        return Credential(
            format=self.TYP,
            type_id=self.type_id,
            issuer=self.issuer,
            validity=Validity(since, until),
            issued=issued,
            holder=None,
            status=status,
            claims=claims,
        )

    def _date(self, name: str) -> datetime:
        return moment(numeric_date(member(self.payload, name, int), name))
