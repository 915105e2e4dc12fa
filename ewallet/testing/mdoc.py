"""An mdoc presentation with everything a hostile peer could wish for: the device's key, the issuer's, what is signed.

From an :class:`MdocStage` any presentation can be forged so that one thing is wrong and the rest is in order::

    stage = MdocStage.of(kit, kit.present(query))
    stolen = stage.show(key=SigningKey.generate())
    eternal = stage.forge({**stage.mso, "validityInfo": {}})
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

import cbor2
from cbor2 import CBORTag

from ewallet import cose
from ewallet.credential import Binding
from ewallet.errors import UsageError
from ewallet.formats.document import device_authentication
from ewallet.formats.mso import EMBEDDED
from ewallet.formats.transcript import of_binding
from ewallet.keys import Signer, SigningKey
from ewallet.shape import base64url, cbor, embed, to_base64url
from ewallet.testing.kit import Kit, Presented
from ewallet.testing.pki import Pki

Contents = Mapping[str, list[bytes]]

_NOTHING: Final = b"\xa0"


def item(digest_id: Any, element: Any, value: Any, **members: Any) -> bytes:
    """The encoding of an issuer-signed item of whatever members."""
    honest = {"digestID": digest_id, "random": bytes(32), "elementIdentifier": element, "elementValue": value}
    return cbor2.dumps(honest | members)


def response(*documents: Any, **members: Any) -> str:
    """A device response with those documents, and other members in place of the honest ones."""
    honest = {"version": "1.0", "documents": list(documents), "status": 0}
    return to_base64url(cbor2.dumps(honest | members))


@dataclass(frozen=True, kw_only=True)
class MdocStage:
    """One honest mdoc presentation, and what it takes to spoil it; ``auth`` is the issuer's COSE_Sign1 as an array."""

    presentation: str = field(repr=False)
    held: str = field(repr=False)
    doc_type: str
    key: SigningKey
    signer: SigningKey
    binding: Binding
    at: datetime
    pki: Pki
    auth: tuple[Any, ...] = field(repr=False)
    contents: Contents = field(repr=False)

    @classmethod
    def of(cls, kit: Kit, presented: Presented) -> MdocStage:
        """The stage of the kit's answer to a request that asks for one credential."""
        issued = cbor(base64url(presented.presentation))["documents"][0]["issuerSigned"]
        for document in kit.wallet.documents():
            for copy in kit.wallet_store.copies(document.id):
                if document.type and cbor(base64url(copy.raw))["issuerAuth"] == issued["issuerAuth"]:
                    return cls(
                        presentation=presented.presentation,
                        held=copy.raw,
                        doc_type=document.type.doctype or "",
                        key=SigningKey.of_secret(kit.wallet_store.key(copy.key)),
                        signer=kit.pki.signers[document.type.system],
                        binding=presented.request.binding,
                        at=kit.clock.now(),
                        pki=kit.pki,
                        auth=tuple(issued["issuerAuth"]),
                        contents=_contents(issued),
                    )
        raise UsageError("usage.argument", "not a presentation of what the wallet holds")

    # -- what is there -----------------------------------------------------------------------------------------

    @property
    def document(self) -> dict[str, Any]:
        """The document, taken apart anew each time."""
        document: dict[str, Any] = cbor(base64url(self.presentation))["documents"][0]
        return document

    @property
    def mso(self) -> dict[str, Any]:
        """The mobile security object, taken apart anew each time."""
        members: dict[str, Any] = cbor(cbor(self.auth[2]).value)
        return members

    @property
    def namespace(self) -> str:
        """The namespace of the first element that was shown."""
        return next(iter(self.contents))

    @property
    def first(self) -> dict[str, Any]:
        """The first item that was shown."""
        members: dict[str, Any] = cbor(self.contents[self.namespace][0])
        return members

    @property
    def hidden(self) -> Contents:
        """The items that were not shown."""
        held = _contents(cbor(base64url(self.held)))
        shown = {each for found in self.contents.values() for each in found}
        return {name: [each for each in found if each not in shown] for name, found in held.items()}

    # -- what can be made of it --------------------------------------------------------------------------------

    def sign(
        self,
        payload: bytes | None,
        *,
        header: Mapping[Any, Any] | bytes | None = None,
        unprotected: Mapping[Any, Any] | None = None,
        signer: Signer | None = None,
    ) -> MdocStage:
        """The same, but this payload signed by the issuer, or whoever, under whatever headers."""
        protected = header if isinstance(header, bytes) else cbor2.dumps(header) if header is not None else self.auth[0]
        signature = (signer or self.signer).sign(cose.to_be_signed(protected, payload or b""))
        certified = cose.unprotected(signer.chain) if signer and signer.chain else self.auth[1]
        return replace(self, auth=(protected, certified if unprotected is None else unprotected, payload, signature))

    def forge(self, mso: Any, **headers: Any) -> str:
        """A presentation of what was shown, under another object that the issuer signed."""
        return self.sign(embed(cbor2.dumps(mso)), **headers).show()

    def disclosing(self, items: Mapping[Any, bytes], **mso: Any) -> str:
        """A presentation whose issuer signed these items, by digest identifier, in the first namespace."""
        digests = {digest_id: sha256(embed(content)).digest() for digest_id, content in items.items()}
        stage = replace(self, contents={self.namespace: list(items.values())})
        return stage.forge({**self.mso, "valueDigests": {self.namespace: digests}, **mso})

    def issuer_signed(self) -> dict[str, Any]:
        """What the issuer signed of what is shown."""
        namespaces = {
            name: [CBORTag(EMBEDDED, content) for content in contents] for name, contents in self.contents.items()
        }
        return {"nameSpaces": namespaces, "issuerAuth": list(self.auth)}

    def device_signed(
        self,
        *,
        binding: Binding | None = None,
        key: Signer | None = None,
        doc_type: str | None = None,
        stated: bytes = _NOTHING,
        payload: bytes | None = None,
    ) -> dict[str, Any]:
        """What the device, or whoever, signs for a session."""
        signer, session = key or self.key, of_binding(binding or self.binding)
        header = cose.protected(signer.public.alg)
        authentication = device_authentication(session, doc_type or self.doc_type, embed(stated))
        signature = signer.sign(cose.to_be_signed(header, authentication))
        auth: dict[str, Any] = {"deviceSignature": [header, {}, payload, signature]}
        return {"nameSpaces": CBORTag(EMBEDDED, stated), "deviceAuth": auth}

    def show(
        self, *, doc_type: str | None = None, change: Callable[[dict[str, Any]], Any] | None = None, **device: Any
    ) -> str:
        """A presentation of what is there, signed by the device; ``change`` spoils the document afterwards."""
        document = {
            "docType": doc_type or self.doc_type,
            "issuerSigned": self.issuer_signed(),
            "deviceSigned": self.device_signed(doc_type=doc_type, **device),
        }
        if change:
            change(document)
        return response(document)

    def showing(self, contents: Contents) -> str:
        """A presentation of other items than those that were shown."""
        return replace(self, contents=contents).show()


def _contents(issuer_signed: Mapping[str, Any]) -> Contents:
    return {name: [each.value for each in found] for name, found in issuer_signed["nameSpaces"].items()}
