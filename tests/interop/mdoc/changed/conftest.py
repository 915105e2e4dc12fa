"""What happens to a presentation on its way, and what we say to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import cbor2
import pytest
from cbor2 import CBORTag

from ewallet import cose
from ewallet.formats.mso import EMBEDDED, FULL_DATE
from ewallet.keys import SigningKey
from ewallet.shape import base64url, embed, to_base64url

_AS_THEY_ARE: Final = {FULL_DATE: lambda value, _: CBORTag(FULL_DATE, value)}


@dataclass(frozen=True)
class Mail:
    """A presentation taken apart; ``resign`` makes the issuer sign another object."""

    document: dict[str, Any]
    issuer: SigningKey

    @property
    def items(self) -> list[Any]:
        """The items of the first namespace."""
        return next(iter(self.document["issuerSigned"]["nameSpaces"].values()))

    def change(self, **members: Any) -> None:
        """Put other members into the first item."""
        content = cbor2.loads(self.items[0].value, semantic_decoders=_AS_THEY_ARE)
        self.items[0] = CBORTag(EMBEDDED, cbor2.dumps(content | members))

    def resign(self, change: Callable[[dict[str, Any]], Any]) -> None:
        """Let the issuer sign the object with that change."""
        auth = self.document["issuerSigned"]["issuerAuth"]
        signed = cbor2.loads(cbor2.loads(auth[2]).value, semantic_decoders=_TIMES)
        change(signed)
        auth[2] = embed(cbor2.dumps(signed))
        auth[3] = self.issuer.sign(cose.to_be_signed(auth[0], auth[2]))


_TIMES: Final = {0: lambda value, _: CBORTag(0, value)}


def _digests(signed: dict[str, Any]) -> dict[int, bytes]:
    found: dict[int, bytes] = next(iter(signed["valueDigests"].values()))
    return found


def _flipped(proof: list[Any]) -> None:
    proof[3] = bytes([proof[3][0] ^ 1]) + proof[3][1:]


def _device(mail: Mail) -> Any:
    return mail.document["deviceSigned"]


def _authentication(mail: Mail) -> dict[str, Any]:
    found: dict[str, Any] = _device(mail)["deviceAuth"]
    return found


def _long_ago(signed: dict[str, Any]) -> None:
    signed["validityInfo"]["signed"] = CBORTag(0, "2019-01-01T00:00:00Z")


def _over(signed: dict[str, Any]) -> None:
    since = datetime.fromisoformat(signed["validityInfo"]["validFrom"].value)
    signed["validityInfo"]["validUntil"] = CBORTag(0, f"{since + timedelta(minutes=1):%Y-%m-%dT%H:%M:%SZ}")


#: What is changed, and our code for it.
TAMPERINGS: Final[Mapping[str, tuple[Callable[[Mail], Any], str]]] = {
    "element-changed": (lambda mail: mail.change(elementValue="another"), "mdoc.digest_mismatch"),
    "element-renamed": (lambda mail: mail.change(elementIdentifier="another"), "mdoc.digest_mismatch"),
    "random-changed": (lambda mail: mail.change(random=bytes(32)), "mdoc.digest_mismatch"),
    "digest-of-another": (lambda mail: mail.change(digestID=2**31 - 1), "mdoc.digest_missing"),
    "element-twice": (lambda mail: mail.items.append(mail.items[0]), "malformed.mdoc"),
    "digests-removed": (lambda mail: mail.resign(lambda signed: _digests(signed).clear()), "mdoc.digest_missing"),
    "namespace-removed": (
        lambda mail: mail.resign(lambda signed: signed["valueDigests"].clear()),
        "mdoc.digest_missing",
    ),
    "type-changed-inside": (
        lambda mail: mail.resign(lambda signed: signed.update(docType="x")),
        "mdoc.doctype_mismatch",
    ),
    "type-changed-outside": (lambda mail: mail.document.update(docType="x"), "mdoc.doctype_mismatch"),
    "issuer-signature-changed": (
        lambda mail: _flipped(mail.document["issuerSigned"]["issuerAuth"]),
        "crypto.signature_invalid",
    ),
    "signed-before-the-certificate": (lambda mail: mail.resign(_long_ago), "trust.cert_expired"),
    "expired": (lambda mail: mail.resign(_over), "time.expired"),
    "device-signature-changed": (lambda mail: _flipped(_authentication(mail)["deviceSignature"]), "mdoc.device_auth"),
    "device-signature-removed": (lambda mail: _authentication(mail).clear(), "mdoc.device_auth"),
    "device-states-more": (
        lambda mail: _device(mail).update(nameSpaces=CBORTag(EMBEDDED, cbor2.dumps({"x": {"y": 1}}))),
        "mdoc.device_namespace",
    ),
}


def _tampered(tampering: str, presented: str, issuer: SigningKey) -> str:
    response = cbor2.loads(base64url(presented))
    (document,) = response["documents"]
    document["issuerSigned"]["issuerAuth"] = list(document["issuerSigned"]["issuerAuth"])
    for name, proof in document["deviceSigned"]["deviceAuth"].items():
        document["deviceSigned"]["deviceAuth"][name] = list(proof)
    for name, items in document["issuerSigned"]["nameSpaces"].items():
        document["issuerSigned"]["nameSpaces"][name] = list(items)
    TAMPERINGS[tampering][0](Mail(document, issuer))
    return to_base64url(cbor2.dumps(response))


@pytest.fixture
def tampered():
    """A function that does it to a presentation, and says what our code for it is."""
    return lambda name, presented, scene: (_tampered(name, presented, scene.issuer), TAMPERINGS[name][1])
