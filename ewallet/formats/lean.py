"""The lean form of a paper credential: what fits into the one QR code of a page, and is verified with no network.

A CWT (RFC 8392) in a COSE_Sign1 with the certificate of the signer inside; the authority above it is on the trust list.
It is deflated with a dictionary of what all of them have in common (:data:`DICTIONARY`), which is published and never
changed, and written in base45 behind a prefix of its own::

    EWP1:<base45 of raw DEFLATE of CBOR>

Claims::

    4, 6              exp, iat
    65535             status, an entry of its own beside that of the credential
    vct               the kind
    document_number   as printed
    name              of the person or company, cut short with an ellipsis where it is longer than most
    issue_date        as printed, where it is
    digest            SHA-256 of the signed part of the paper credential
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from ewallet import cose
from ewallet.base45 import base45, to_base45
from ewallet.credential import Binding, Credential, StatusRef, Validity, moment
from ewallet.errors import BindingError, CryptoError
from ewallet.formats.once import Once
from ewallet.formats.paper import Sheet
from ewallet.keys import PublicKey, Signer
from ewallet.shape import (
    Json,
    byte_string,
    cbor,
    inflate_raw,
    instance,
    member,
    numeric_date,
    optional,
    refuse,
    to_cbor,
)

TYP: Final = "application/paper+cwt"
PREFIX: Final = "EWP1:"

_TYP, _EXP, _IAT, _STATUS = 16, 4, 6, 65535
_NAME: Final = 180  # bytes: sixty syllables; more would make some codes larger than version 25 at level M
_MAX_TEXT: Final = 4296  # characters: version 40 at level L
_MAX_RAW: Final = 4096  # bytes of CBOR, of which we write a thousand

#: What all codes have in common, the most frequent last: names of claims, prefixes of identifiers, and the fixed parts
#: of a signer's certificate (:mod:`ewallet.profile`). A code that was printed is read with these very bytes.
DICTIONARY: Final = b"".join(
    (
        bytes.fromhex("30820273308202"),
        b".go.kr.or.kr.kr/crl/.crl0",
        bytes.fromhex("301d0603551d0e04160414301f0603551d230418301680143016060355"),
        bytes.fromhex("1d250101ff040c300a0608"),
        bytes.fromhex("0603551d1104163014861268747470733a2f2f8210"),
        bytes.fromhex("0603551d1204"),
        bytes.fromhex("0603551d1f04"),
        b"0\x82\x01\x00https://issuer.example",
        bytes.fromhex("302b0603551d1004243022800f3230323630313031303030303030"),
        bytes.fromhex("5a810f32303237303130313030303030305a"),
        bytes.fromhex("300b3009060355040613024b52310b3009060355040613024b52"),
        bytes.fromhex("31273025060355040a0c1e301e170d3236303130313030303030305a170d3237303130313030303030305a"),
        b"Example ",
        b" signer",
        b" authority",
        bytes.fromhex("300c0603551d130101ff04023000300e0603551d0f0101ff040403020780"),
        bytes.fromhex("300a06082a8648ce3d04030203480030450220022100"),
        bytes.fromhex("a003020102021000300a06082a8648ce3d0403023059301306072a8648ce3d020106082a8648ce3d03010703420004"),
        bytes.fromhex("84582ba2012610") + b"\x75" + TYP.encode(),
        bytes.fromhex("a11821"),
        b"https://",
        b"/status/1",
        bytes.fromhex("a6041a066919ffffa16b") + b"status_list\xa2cidx\x1acuri",
        b"cvctx\x18urn:example:kr-ewallet:certificate_registration:1odocument_number",
        b"dnamejissue_date\x6a2026-fdigest\x58\x20",
    )
)


def prepare(sheet: Sheet, whole: bytes, status: StatusRef, signer: Signer) -> _ToSign:
    """The lean form of that sheet, whose whole has that digest, ready for the signer's signature."""
    dates, issued = sheet.dates, sheet.claims.get("issue_date")
    claims: dict[Any, Any] = {
        _EXP: dates["exp"],
        _IAT: dates["iat"],
        _STATUS: {"status_list": status.to_json()},
        "vct": sheet.type_id,
        "document_number": sheet.number,
        **({"name": shortened(sheet.name)} if sheet.name else {}),
        **({"issue_date": issued} if isinstance(issued, str) else {}),
        "digest": whole,
    }
    header = to_cbor({1: cose.NUMBERS[signer.public.alg], _TYP: TYP})
    return _ToSign(header, to_cbor(claims), signer.chain[:1])


def shortened(name: str) -> str:
    """The name, or as much of its beginning as fits, with an ellipsis."""
    if len(name.encode()) <= _NAME:
        return name
    return name.encode()[: _NAME - 3].decode(errors="ignore") + "…"


@dataclass(frozen=True)
class _ToSign:
    header: bytes
    payload: bytes = field(repr=False)
    chain: tuple[bytes, ...] = field(repr=False)

    @property
    def data(self) -> bytes:
        return cose.to_be_signed(self.header, self.payload)

    def complete(self, signature: bytes) -> str:
        parts = (byte_string(self.header), cose.certified(self.chain), byte_string(self.payload))
        packing = zlib.compressobj(9, wbits=-zlib.MAX_WBITS, memLevel=9, zdict=DICTIONARY)
        packed = packing.compress(b"".join((b"\x84", *parts, byte_string(signature)))) + packing.flush()
        return PREFIX + to_base45(packed)


@dataclass(eq=False)
class Lean:
    """A lean code taken apart; nothing of it believed."""

    message: cose.Sign1
    raw: str = field(repr=False)

    @classmethod
    def open(cls, text: str) -> Lean:
        """Take one apart; ``malformed.*``, ``limit.*``, ``crypto.typ_mismatch``, ``crypto.alg_not_allowed``."""
        if len(text) > _MAX_TEXT:
            refuse("limit.size", f"{len(text)} characters, at most {_MAX_TEXT} are read")
        if not text.startswith(PREFIX):
            refuse("malformed.qr", "a code of another kind than a paper certificate has")
        packed = base45(text.removeprefix(PREFIX), "the code")
        raw = inflate_raw(packed, "the code", dictionary=DICTIONARY, limit=_MAX_RAW)
        message = cose.Sign1.parse(raw, "the code")
        if message.header.get(_TYP) != TYP:
            raise CryptoError("crypto.typ_mismatch", f"typ is not {TYP}")
        return cls(message, text)

    @Once
    def payload(self) -> Mapping[Any, Json]:
        """The claims as signed; ``malformed.*``."""
        return instance(cbor(self.message.payload or b"", "the code"), dict, "the claims")

    @property
    def chain(self) -> tuple[bytes, ...]:
        """The certificate of whoever signed it, DER; empty without."""
        return self.message.chain

    @property
    def type_id(self) -> str:
        """The ``vct``."""
        return member(self.payload, "vct", str)

    @property
    def issuer(self) -> None:
        """It names no issuer beside the certificate."""
        return

    @property
    def digest(self) -> bytes:
        """The SHA-256 of the paper credential that it is the lean form of."""
        return member(self.payload, "digest", bytes)

    def check_signature(self, key: PublicKey) -> None:
        """Return if that key signed it; ``crypto.*``."""
        self.message.verify(key)

    def check_disclosures(self) -> Credential:
        """What it says; ``malformed.*``."""
        issued, until = (self._date(label, name) for label, name in ((_IAT, "iat"), (_EXP, "exp")))
        named = {"document_number": member(self.payload, "document_number", str)}
        optionally = {name: optional(self.payload, name, str) for name in ("name", "issue_date")}
        if len(self.digest) != 32:
            refuse("malformed.claim_type", "digest is not as wide as a sha-256")
        return Credential(
            format=TYP,
            type_id=self.type_id,
            issuer=None,
            validity=Validity(issued, until),
            issued=issued,
            holder=None,
            status=self._status(),
            claims=named | {name: value for name, value in optionally.items() if value is not None},
        )

    def _date(self, label: int, name: str) -> datetime:
        return moment(numeric_date(instance(self.payload.get(label), int, name), name))

    def _status(self) -> StatusRef | None:
        if _STATUS not in self.payload:
            return None
        status = instance(self.payload[_STATUS], dict, "status")
        return StatusRef.of_json(member(status, "status_list", dict))

    def check_binding(self, binding: Binding | None, at: datetime) -> None:
        """Nobody is its holder: ``kb.missing`` where somebody has to be."""
        if binding is not None:
            raise BindingError("kb.missing", "a code on paper, which anybody may have copied")
