"""An mdoc taken apart, as an issuer sends it or as a device shows it (ISO/IEC 18013-5 §8.3.2.1.2.2, §9.1, §9.3).

What the issuer signs is in :mod:`ewallet.formats.mso`, what the device signs over in :mod:`ewallet.formats.transcript`.
Section numbers without a document are those of ISO/IEC 18013-5.

Rules of this file: a presentation is one document (HAIP 1.0 §5.3.1); what the device states itself is never taken for
what the issuer signed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple

from cryptography.x509.oid import NameOID

from ewallet import cose
from ewallet.cose import Mac0, Sign1
from ewallet.credential import Binding, Credential
from ewallet.errors import BindingError, CryptoError, DisclosureError, PolicyError, TrustError
from ewallet.formats import mso, transcript
from ewallet.formats.mso import Item, Mso
from ewallet.formats.once import Once
from ewallet.keys import PublicKey
from ewallet.shape import (
    MAX_CREDENTIAL,
    MAX_DOCUMENTS,
    Json,
    base64url,
    cbor,
    certificate,
    embed,
    refuse,
    text_string,
    to_base64url,
    to_cbor,
)

ID: Final = "mso_mdoc"
_VERSIONS: Final = ("1.0", "1.1")  # of a device response
NO_ELEMENTS: Final = b"\xa0"  # that the device states itself: the usual case


@dataclass(eq=False)  # as SdJwt: not frozen, which takes four times as long to make
class Mdoc:
    """One document taken apart: ``message`` is what it came in, ``doc_type`` None where an issuer sent it."""

    message: bytes = field(repr=False)
    doc_type: str | None
    namespaces: Mapping[str, list[Any]] = field(repr=False)
    issuer_auth: Sign1
    device_signed: Mapping[Any, Any] | None = field(repr=False)

    @classmethod
    def parse(cls, presented: str) -> Mdoc:
        """The one document of a device response, or what an issuer sent; ``malformed.*``, ``limit.*``, ``crypto.*``."""
        message = _decoded(presented)
        members = _members(message)
        if "issuerAuth" in members:
            return cls.of(message, None, members, None)
        documents = _documents(members)
        if len(documents) != 1:
            refuse("malformed.mdoc", f"{len(documents)} documents in one presentation, expected 1")
        return cls.of_document(message, documents[0])

    @classmethod
    def of_document(cls, message: bytes, document: Mapping[Any, Any]) -> Mdoc:
        """A document of a device response (§8.3.2.1.2.2)."""
        mso.optional(document, "errors", dict)
        issuer_signed = mso.field(document, "issuerSigned", dict)
        device_signed = mso.optional(document, "deviceSigned", dict)  # without it nothing is bound: the holder's rung
        return cls.of(message, mso.field(document, "docType", str), issuer_signed, device_signed)

    @classmethod
    def of(cls, message: bytes, doc_type: str | None, issuer_signed: Mapping[Any, Any], device_signed: Any) -> Mdoc:
        """A document of its parts; ``malformed.*``, ``limit.count``, ``crypto.*``."""
        if not issuer_signed.keys() <= {"nameSpaces", "issuerAuth"}:
            refuse("malformed.mdoc", "what the issuer signed has other members than nameSpaces and issuerAuth")
        issuer_auth = Sign1.of(issuer_signed.get("issuerAuth"), "the issuer's signature")
        if issuer_auth.payload is None:
            refuse("malformed.cose", "the issuer's signature has no payload")
        namespaces = mso.items_of(mso.optional(issuer_signed, "nameSpaces", dict) or {})
        return cls(message, doc_type, namespaces, issuer_auth, device_signed)

    @Once
    def mso(self) -> Mso:
        """What the issuer signed."""
        return Mso.parse(self.issuer_auth.payload or b"")

    @Once
    def holder(self) -> PublicKey:
        """The device key."""
        return cose.key_of(self.mso.device_key)

    @Once
    def chain(self) -> tuple[bytes, ...]:
        """The issuer's DER certificates, leaf first; empty without ``x5chain``."""
        return self.issuer_auth.chain

    @property
    def type_id(self) -> str:
        """The docType, as it is said outside where that is said."""
        return self.mso.doc_type if self.doc_type is None else self.doc_type

    @property
    def issuer(self) -> str | None:
        """An mdoc names none but in its certificate."""
        return None

    def check_signature(self, key: PublicKey) -> None:
        """§9.3.1 steps 1 to 3: Return if that key signed it while its certificate was valid, as this type of document.

        Raises ``crypto.*``, ``mdoc.doctype_mismatch``, ``trust.cert_expired``, ``malformed.*``.
        """
        self.issuer_auth.verify(key)
        if self.type_id != self.mso.doc_type:
            raise DisclosureError("mdoc.doctype_mismatch", "the docType outside is not the one that was signed")
        signer = _signer(self.chain[0]) if self.chain else None
        if signer and not signer.since <= self.mso.signed <= signer.until:
            raise TrustError("trust.cert_expired", "signed when the certificate of the signer was not valid")

    def check_disclosures(self) -> Credential:
        """What it says; ``mdoc.*``, ``malformed.*``, ``trust.issuer_mismatch``."""
        signed = self.mso
        claims = {namespace: self._elements(namespace, items) for namespace, items in self.namespaces.items()}
        self._check_device_elements()
        if self.chain:
            _check_country(claims, _signer(self.chain[0]))
        return Credential(
            format=ID,
            type_id=signed.doc_type,
            issuer=None,
            validity=signed.validity,
            issued=signed.signed,
            holder=self.holder,
            status=signed.status,
            claims=claims,
            shown=tuple([(namespace, element) for namespace, found in claims.items() for element in found]),
        )

    def _elements(self, namespace: str, items: Sequence[Any]) -> dict[str, Json]:
        contents = mso.contents(items)
        received = mso.received(self.message, contents, "an item")
        found: dict[str, Json] = {}
        for content, as_received in zip(contents, received, strict=True):
            item = Item.parse(content)
            self.mso.check(namespace, item, as_received)
            if item.element in found:
                refuse("malformed.mdoc", "an element twice")
            found[item.element] = mso.to_json(item.value)
        return found

    @Once
    def _device_namespaces(self) -> bytes:
        """The encoded elements that the device states itself."""
        return mso.embedded((self.device_signed or {}).get("nameSpaces"), "nameSpaces of the device")

    def _check_device_elements(self) -> None:
        """§9.1.2.4: the device states nothing that the issuer did not authorize its key for."""
        if self.device_signed is None or self._device_namespaces == NO_ELEMENTS:
            return
        what = "nameSpaces of the device"
        for namespace, found in mso.mapping(cbor(self._device_namespaces, what), what).items():
            elements = found if type(found) is dict else {}
            if not elements or not all(self.mso.authorized.allows(namespace, element) for element in elements):
                raise DisclosureError("mdoc.device_namespace", "the device states what it is not authorized to")

    def check_binding(self, binding: Binding | None, at: datetime) -> None:
        """§9.1.3: Return if the device key made it for this session; ``mdoc.device_auth``, ``policy.*``, ``crypto.*``.

        Without a binding there is no session to compare with, so that only its form is looked at. An mdoc confirms no
        transaction: no element is agreed for that.
        """
        if binding is None and self.device_signed is None:
            return
        proof = self._device_auth()
        if binding is None:
            return
        if binding.transaction_data:
            raise PolicyError("policy.transaction_data", "an mdoc, which confirms no transaction")
        session = transcript.of_binding(binding)
        key = self.holder if isinstance(proof, Sign1) else self._mac_key(binding, session)
        try:
            proof.verify(key, self._device_authentication(session))  # type: ignore[arg-type]  # each with its own key
        except CryptoError as exc:
            if exc.code != "crypto.signature_invalid":
                raise
            raise BindingError("mdoc.device_auth", "not made by the device key for this session") from None

    def _device_auth(self) -> Sign1 | Mac0:
        """The signature or the MAC: there is one of them, and its payload is not sent (§9.1.3.6)."""
        auth = (self.device_signed or {}).get("deviceAuth")
        if type(auth) is not dict or len(auth) != 1 or not auth.keys() <= {"deviceSignature", "deviceMac"}:
            raise BindingError("mdoc.device_auth", "neither a signature of the device nor a mac, or both")
        ((name, value),) = auth.items()
        kind: type[Sign1 | Mac0] = Sign1 if name == "deviceSignature" else Mac0
        proof = kind.of(value, "the device's signature or mac")
        if proof.payload is not None:
            refuse("malformed.cose", "the device's signature or mac brings its payload")
        return proof

    def _device_authentication(self, session: bytes) -> bytes:
        (stated,) = mso.received(self.message, [self._device_namespaces], "nameSpaces of the device")
        return device_authentication(session, self.type_id, stated)

    def _mac_key(self, binding: Binding, session: bytes) -> bytes:
        if binding.reader_key is None:
            raise BindingError("mdoc.device_auth", "a mac, although the reader has no key to agree with")
        return transcript.mac_key(binding.reader_key.agree(self.holder), session)


def device_authentication(session: bytes, doc_type: str, stated: bytes) -> bytes:
    """DeviceAuthenticationBytes (§9.1.3.4), from the encoded transcript and DeviceNameSpacesBytes."""
    return embed(b"\x84\x74DeviceAuthentication" + session + text_string(doc_type) + stated)


def split(response: bytes) -> tuple[tuple[str, str], ...]:
    """The (docType, presentation) of each document of a device response; ``malformed.*``, ``limit.*``.

    In a session at close range one response answers for all documents that were asked for; each is judged on its own.
    """
    if len(response) > MAX_CREDENTIAL:
        refuse("limit.size", f"{len(response)} bytes, at most {MAX_CREDENTIAL} are read")
    members = _members(response)
    documents = _documents(members)
    types = [Mdoc.of_document(response, document).type_id for document in documents]
    return tuple((type_id, response_of(to_cbor(document))) for type_id, document in zip(types, documents, strict=True))


def response_of(document: bytes) -> str:
    """A device response with that document, which is encoded already, as it travels."""
    return to_base64url(b"\xa3\x67version\x631.0\x69documents\x81" + document + b"\x66status\x00")


def _decoded(text: str) -> bytes:
    if len(text) > MAX_CREDENTIAL:
        refuse("limit.size", f"{len(text)} characters, at most {MAX_CREDENTIAL} are read")
    return base64url(text, "the mdoc")


def _members(message: bytes) -> Mapping[Any, Any]:
    return mso.mapping(cbor(message, "the mdoc", limit=MAX_CREDENTIAL), "the mdoc")


def _documents(response: Mapping[Any, Any]) -> list[Mapping[Any, Any]]:
    """§8.3.2.1.2.2: the documents of a response that reports no error about itself or any of them."""
    if response.get("version") not in _VERSIONS:
        refuse("malformed.mdoc", f"a device response whose version is not one of {', '.join(_VERSIONS)}")
    if mso.field(response, "status", int) != 0:
        refuse("malformed.mdoc", "a device response whose status is not 0")
    documents = mso.field(response, "documents", list)
    if len(documents) > MAX_DOCUMENTS:
        refuse("limit.count", f"{len(documents)} documents, at most {MAX_DOCUMENTS} are read")
    if not documents or not mso.MAP.issuperset(map(type, documents)):
        refuse("malformed.mdoc", "no document, or one that is no map")
    missing = mso.optional(response, "documentErrors", list) or []
    if missing:
        _check_missing(missing, documents)
    return documents


def _check_missing(missing: Sequence[Any], documents: Sequence[Mapping[Any, Any]]) -> None:
    """Return if documentErrors are error codes by docType, of documents that did not come."""
    if not all(type(error) is dict and set(map(type, error.values())) == {int} for error in missing):
        refuse("malformed.mdoc", "documentErrors is no array of error codes by docType")
    types = {mso.field(document, "docType", str) for document in documents}
    if any(not types.isdisjoint(error) for error in missing):
        refuse("malformed.mdoc", "an error about a document that came")


class _Signer(NamedTuple):
    """What the certificate of a document signer says that its documents must agree with (Annex B.1.4)."""

    since: datetime
    until: datetime
    country: tuple[str, ...]
    state: tuple[str, ...]


@lru_cache(maxsize=256)
def _signer(der: bytes) -> _Signer:
    read = certificate(der)
    country, state = (
        tuple(str(name.value) for name in read.subject.get_attributes_for_oid(oid))
        for oid in (NameOID.COUNTRY_NAME, NameOID.STATE_OR_PROVINCE_NAME)
    )
    return _Signer(read.not_valid_before_utc, read.not_valid_after_utc, country, state)


def _check_country(claims: Mapping[str, Mapping[str, Json]], signer: _Signer) -> None:
    """§9.3.1: the country and jurisdiction that it names are those of whoever signed it, where both say one."""
    for element, names in (("issuing_country", signer.country), ("issuing_jurisdiction", signer.state)):
        for found in claims.values() if names else ():
            if element in found and found[element] not in names:
                raise TrustError("trust.issuer_mismatch", f"{element} is not that of the certificate that signs")
