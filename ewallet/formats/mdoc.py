"""mdoc: mobile documents (ISO/IEC 18013-5) as OpenID4VCI 1.0 App. A.2 and OpenID4VP 1.0 App. B.2 carry them.

An issuer sends ``IssuerSigned``, a holder shows a ``DeviceResponse`` with one document, both as base64url. Claims are
``{namespace: {element: value}}``, and a claims path is a namespace and an element.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NoReturn

from ewallet import cose
from ewallet.catalog.kinds import CredentialType
from ewallet.credential import Binding, Claims, Credential, Draft, Path
from ewallet.env import Random
from ewallet.errors import PolicyError, QueryError, UsageError
from ewallet.formats import elements, mso, transcript
from ewallet.formats.document import ID, NO_ELEMENTS, Mdoc, device_authentication, response_of
from ewallet.formats.mso import Item
from ewallet.keys import Signer
from ewallet.shape import Json, embed, instance, member, refuse, text_string, to_base64url, to_cbor

_IDENTIFIER: Final = b"\x71elementIdentifier"  # as it stands in an item before its name
_NUMBERS: Final = tuple(sorted(cose.ALGORITHMS, reverse=True))


@dataclass(frozen=True)
class _ToSign:
    alg: str
    chain: tuple[bytes, ...] = field(repr=False)
    payload: bytes = field(repr=False)
    items: Mapping[str, list[bytes]] = field(repr=False)

    @property
    def data(self) -> bytes:
        return cose.to_be_signed(cose.protected(self.alg), self.payload)

    def complete(self, signature: bytes) -> str:
        auth = cose.assemble(cose.protected(self.alg), cose.certified(self.chain), self.payload, signature)
        return to_base64url(_issuer_signed(self.items, auth))


class MdocFormat:
    """mdoc as one of :data:`ewallet.formats.FORMATS`."""

    id: Final = ID
    confirms: Final = False
    algorithms: Final[Mapping[str, tuple[str | int, ...]]] = {
        "issuerauth_alg_values": _NUMBERS,
        "deviceauth_alg_values": _NUMBERS,
    }

    def type_id(self, type_: CredentialType) -> str | None:
        """The docType, which not every kind has."""
        return type_.doctype

    def arrange(self, type_: CredentialType, claims: Claims) -> Claims:
        """The record as namespaces and elements."""
        return elements.arrange(type_, claims)

    def path(self, type_: CredentialType, path: Path) -> Path | None:
        """The namespace and element."""
        return elements.place(type_, path)

    def check_path(self, path: Path) -> None:
        """OpenID4VP 1.0 §7.2: a path is a namespace and an element; ``dcql.invalid``."""
        if len(path) != 2 or not all(type(component) is str for component in path):
            raise QueryError("dcql.invalid", "a path into an mdoc is not a namespace and an element")

    def prepare(self, draft: Draft, signer: Signer, random: Random) -> _ToSign:
        """One copy of the draft with fresh salts and digest identifiers, ready for the signer's signature."""
        payload, items = mso.pack(draft, random)
        return _ToSign(signer.public.alg, signer.chain, payload, items)

    def read(self, raw: str) -> Credential:
        """What the issuer sent to a holder; a device response is none: ``malformed.mdoc``."""
        return _held(raw).check_disclosures()

    def present(self, raw: str, paths: Iterable[Path], binding: Binding, signer: Signer, at: datetime) -> str:
        """A device response with those elements, signed by the device for the session of the binding."""
        held = _held(raw)
        if binding.transaction_data:
            _confirms_nothing()
        auth = held.issuer_auth
        issuer_auth = cose.assemble(auth.protected, to_cbor(auth.unprotected), auth.payload, auth.signature)
        issuer_signed = _issuer_signed(_chosen(held, paths), issuer_auth)
        doc_type = mso.doc_type(auth.payload or b"")
        device_signed = _device_signed(doc_type, transcript.of_binding(binding), signer)
        signed = b"\x6cissuerSigned" + issuer_signed + b"\x6cdeviceSigned" + device_signed
        return response_of(b"\xa3\x67docType" + text_string(doc_type) + signed)

    def open(self, presented: str) -> Mdoc:
        """Take a presentation apart; ``malformed.*``, ``limit.*``, ``crypto.*``."""
        return Mdoc.parse(presented)

    def confirmation(self, presented: str) -> NoReturn:
        """No element is agreed for that."""
        _confirms_nothing()

    def open_confirmation(self, raw: str) -> NoReturn:
        """There is none."""
        _confirms_nothing()

    def type_ids(self, meta: Mapping[str, Json]) -> frozenset[str]:
        """The ``doctype_value`` (OpenID4VP 1.0 App. B.2.3); ``dcql.invalid``."""
        value = meta.get("doctype_value")
        if type(value) is not str:
            raise QueryError("dcql.invalid", "doctype_value is not a string")
        return frozenset({value})

    def meta(self, type_id: str) -> dict[str, Json]:
        """The DCQL ``meta`` for that docType."""
        return {"doctype_value": type_id}

    def configuration(self, type_: CredentialType, algorithms: Sequence[str]) -> dict[str, Json] | None:
        """OpenID4VCI 1.0 App. A.2.2: the docType, and algorithms by their COSE numbers; None without a docType."""
        if type_.doctype is None:
            return None
        return {
            "doctype": type_.doctype,
            "credential_signing_alg_values_supported": [cose.NUMBERS[name] for name in algorithms],
            "cryptographic_binding_methods_supported": ["cose_key"],
        }

    def configured_type(self, configuration: Mapping[str, Json]) -> str:
        """The ``doctype``."""
        name = "credential_signing_alg_values_supported"
        numbers = member(configuration, name, list) if name in configuration else [0]
        if not [instance(number, int, f"an item of {name}") for number in numbers]:
            refuse("malformed.claim_type", f"{name} is empty")
        return member(configuration, "doctype", str)


def _confirms_nothing() -> NoReturn:
    raise PolicyError("policy.transaction_data", "an mdoc, which confirms no transaction")


def _held(raw: str) -> Mdoc:
    held = Mdoc.parse(raw)
    if held.doc_type is not None:
        refuse("malformed.mdoc", "a device response from an issuer")
    return held


def _issuer_signed(items: Mapping[str, list[bytes]], auth: bytes) -> bytes:
    """``IssuerSigned`` of items and a signature that are encoded already."""
    if not items:
        return b"\xa1\x6aissuerAuth" + auth
    return b"\xa2\x6anameSpaces" + mso.assemble(items) + b"\x6aissuerAuth" + auth


def _chosen(held: Mdoc, paths: Iterable[Path]) -> dict[str, list[bytes]]:
    """The items at those paths, in the order the issuer sent them; ``usage.argument`` for one that is not held."""
    wanted: dict[Any, set[Any]] = {}
    for path in paths:
        wanted.setdefault(path[0], set()).add(path[1] if len(path) > 1 else None)
    return {namespace: _items(held.namespaces.get(namespace, ()), names) for namespace, names in wanted.items()}


def _items(items: Sequence[Any], names: AbstractSet[str]) -> list[bytes]:
    """Those of the items that have these names; of all only those that probably do are read, as that takes long."""
    needles = tuple([_IDENTIFIER + text_string(name) for name in names])
    contents = mso.contents(items)
    likely = [content for content in contents if content.startswith(needles, content.find(_IDENTIFIER))]
    for some in (likely, contents):  # all, where an item was encoded in an unusual way
        found = {Item.parse(content).element: content for content in some}
        if names <= found.keys():
            return [embed(content) for name, content in found.items() if name in names]
    raise UsageError("usage.argument", "a path that the credential does not have")


def _device_signed(doc_type: str, session: bytes, signer: Signer) -> bytes:
    header = cose.protected(signer.public.alg)
    stated = embed(NO_ELEMENTS)
    signature = signer.sign(cose.to_be_signed(header, device_authentication(session, doc_type, stated)))
    auth = b"\xa1\x6fdeviceSignature" + cose.assemble(header, cose.certified(()), None, signature)
    return b"\xa2\x6anameSpaces" + stated + b"\x6adeviceAuth" + auth


MDOC: Final = MdocFormat()
