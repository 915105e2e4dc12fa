"""The paper credential: what is printed on a certificate of paper, signed, and attached to the file it is printed from.

A compact JWS of its own type, ``paper+jwt``. It names no holder's key, because whoever has the paper can copy it, and
so it is none of :data:`ewallet.formats.FORMATS`: nobody can present it as a credential that is bound to a holder, and a
presentation is no paper credential. Its payload::

    vct, iss, iat, nbf, exp, status      as in an SD-JWT VC
    document_number                      as printed; an identifier of the issuer's where the kind has none
    recipient, purpose                   for whom it was made (제출처) and what for (용도)
    printed                              the claims that stand on the page, and no others
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Final

from ewallet import jose
from ewallet.credential import Binding, Claims, Credential, StatusRef, Validity
from ewallet.errors import BindingError
from ewallet.formats.whole import Whole
from ewallet.keys import Signer
from ewallet.shape import Json, member, optional, refuse

TYP: Final = "paper+jwt"


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """What is put on paper: everything an issuer signs, but the key and the status entry.

    ``number`` is the document number, ``name`` that of the person or company, empty where the kind is about neither.
    """

    type_id: str
    issuer: str
    number: str
    name: str = field(repr=False)
    claims: Claims = field(repr=False)
    recipient: str = field(repr=False)
    purpose: str = field(repr=False)
    validity: Validity

    @property
    def dates(self) -> dict[str, Json]:
        """``iat`` and ``exp``; ``nbf`` is the same as ``iat``."""
        since, until = self.validity.since, self.validity.until
        return {name: int(date.timestamp()) for name, date in (("iat", since), ("exp", until)) if date}


def prepare(sheet: Sheet, status: StatusRef, signer: Signer) -> jose.Unsigned:
    """The credential, ready for the signer's signature; the key is not used yet."""
    dates = sheet.dates
    payload = {
        "vct": sheet.type_id,
        "iss": sheet.issuer,
        **dates,
        "nbf": dates["iat"],
        "status": {"status_list": status.to_json()},
        "document_number": sheet.number,
        "recipient": sheet.recipient,
        "purpose": sheet.purpose,
        "printed": dict(sheet.claims),
    }
    return jose.unsigned(TYP, payload, signer)


def digest(signed: bytes) -> bytes:
    """The SHA-256 by which a lean code names the credential: of what was signed, so that it is known before."""
    return sha256(signed).digest()


class Paper(Whole):
    """A paper credential taken apart; nothing of it believed."""

    TYP = TYP
    WHAT = "paper credential"

    @property
    def digest(self) -> bytes:
        """By which a lean code names it."""
        return digest(self.jws.signed)

    @property
    def number(self) -> str:
        """The document number."""
        return member(self.payload, "document_number", str)

    @property
    def recipient(self) -> str:
        """For whom it was made."""
        return member(self.payload, "recipient", str)

    @property
    def purpose(self) -> str:
        """What it was made for."""
        return member(self.payload, "purpose", str)

    def check_disclosures(self) -> Credential:
        """What it says; ``malformed.*``. One with a holder's key is no paper credential."""
        if "cnf" in self.payload:
            refuse("malformed.claim_type", "cnf in a paper credential, which has no holder")
        _ = self.number, self.recipient, self.purpose
        return self.says(member(self.payload, "printed", dict), self._status())

    def _status(self) -> StatusRef | None:
        status = optional(self.payload, "status", dict)
        return StatusRef.of_json(member(status, "status_list", dict)) if status is not None else None

    def check_binding(self, binding: Binding | None, at: datetime) -> None:
        """Nobody is its holder: ``kb.missing`` where somebody has to be."""
        if binding is not None:
            raise BindingError("kb.missing", "a paper credential, which anybody may have copied")
