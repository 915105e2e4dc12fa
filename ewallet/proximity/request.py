"""What a reader asks at close range: DeviceRequest, and who the reader is (ISO/IEC 18013-5 §8.3.2.1.2.1, §9.1.4).

A device request says the same as a DCQL query for mdocs, and is turned into one: the wallet matches and presents as
for any other request, and a person sees the same screen. Where a DCQL query says more, a reader cannot ask it here.

Rules of this file: a reader is known by its signature over this very session, or not at all; one that is not known is
shown as such and never believed in part.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple

from cbor2 import CBORTag

from ewallet import cose
from ewallet.cose import Sign1
from ewallet.dcql import ClaimQuery, CredentialQuery, Query
from ewallet.errors import ProtocolError, UsageError
from ewallet.formats import FORMATS
from ewallet.formats.document import ID
from ewallet.formats.mso import EMBEDDED, embedded, optional, received
from ewallet.formats.mso import field as member
from ewallet.keys import Signer
from ewallet.oid4vp.request import establishing, hash_id, shown_text, subject_name
from ewallet.shape import MAX_DOCUMENTS, MAX_NAMESPACES, cbor, embed, refuse, to_cbor
from ewallet.trust import TrustList

MAX_REQUEST: Final = 64 * 1024  # bytes, decrypted: sixteen documents with a certificate chain each
#: Where a request of ours says why it asks; the standard leaves ``requestInfo`` to those who agree about it.
PURPOSE: Final = "example.kr-ewallet.purpose"

_VERSION: Final = "1.0"
_MAJOR: Final = "1."  # a later minor version adds what may be ignored
_MAX_ELEMENTS: Final = 100  # of one document, as in DCQL


class Items(NamedTuple):
    """One document that is asked for: its elements, each with whether the reader means to keep it."""

    content: bytes
    doc_type: str
    elements: Mapping[tuple[str, str], bool]
    purpose: str
    auth: Sign1 | None

    @classmethod
    def of(cls, value: Any, message: bytes) -> Items:
        """Of an item of ``docRequests``; ``malformed.*``, ``limit.count``, ``crypto.*``."""
        asked = member({"docRequest": value}, "docRequest", dict)
        content = embedded(asked.get("itemsRequest"), "the items of a request")
        received(message, [content], "the items of a request")
        items = member({"items": cbor(content, "the items of a request")}, "items", dict)
        info = optional(items, "requestInfo", dict) or {}
        return cls(
            content=content,
            doc_type=member(items, "docType", str),
            elements=dict(_elements(member(items, "nameSpaces", dict))),
            purpose=shown_text(optional(info, PURPOSE, str) or ""),
            auth=Sign1.of(asked["readerAuth"], "the reader's signature") if "readerAuth" in asked else None,
        )

    def query(self, id_: str) -> CredentialQuery:
        """The same question in DCQL."""
        claims = tuple(ClaimQuery(path=path, intent_to_retain=kept) for path, kept in self.elements.items())
        return CredentialQuery(id=id_, format=ID, meta=FORMATS[ID].meta(self.doc_type), claims=claims)


def _elements(namespaces: Mapping[Any, Any]) -> Iterator[tuple[tuple[str, str], bool]]:
    if not 0 < len(namespaces) <= MAX_NAMESPACES:
        refuse("limit.count" if namespaces else "malformed.mdoc", f"{len(namespaces)} namespaces are asked for")
    for namespace, elements in namespaces.items():
        if type(namespace) is not str or type(elements) is not dict or not elements:
            refuse("malformed.mdoc", "a namespace that is no text, or of which nothing is asked")
        if len(elements) > _MAX_ELEMENTS:
            refuse("limit.count", f"{len(elements)} elements, at most {_MAX_ELEMENTS} are asked for")
        for element, kept in elements.items():
            if type(element) is not str or type(kept) is not bool:
                refuse("malformed.mdoc", "an element that is no text, or without saying whether it is kept")
            yield (namespace, element), kept


def parse(message: bytes) -> tuple[Items, ...]:
    """The documents that a device request asks for, nobody believed yet; ``malformed.*``, ``limit.*``, ``crypto.*``."""
    members = cbor(message, "the request", limit=MAX_REQUEST)
    members = member({"request": members}, "request", dict)
    if not member(members, "version", str).startswith(_MAJOR):
        refuse("malformed.mdoc", "a device request of another version than 1")
    asked = member(members, "docRequests", list)
    if not 0 < len(asked) <= MAX_DOCUMENTS:
        refuse("limit.count" if asked else "malformed.mdoc", f"{len(asked)} documents are asked for")
    return tuple(Items.of(each, message) for each in asked)


def query(asked: Sequence[Items]) -> Query:
    """All of it in DCQL."""
    return Query(tuple(items.query(f"doc{position}") for position, items in enumerate(asked, 1)))


@dataclass(frozen=True, kw_only=True)
class ReaderName:
    """Who asks: an identifier, and the name of its certificate, empty where it is not known; ``doubt`` says why not.

    ``rrn_legal_basis`` is what the trust list has of it.
    """

    client_id: str = ""
    name: str = ""
    rrn_legal_basis: str = ""
    doubt: str | None = None


def authenticate(asked: Sequence[Items], session: bytes, *, trust: TrustList, at: datetime) -> ReaderName:
    """Who asks for all of this in the session of that transcript.

    A reader that did not sign every part, or that the list does not know, has no name. Raises ``request.invalid``,
    ``request.signature_invalid`` for a signature that is none, and ``trust.list_invalid`` where our own list is not in
    force.
    """
    chains = {items.auth.chain if items.auth else () for items in asked}
    if len(chains) != 1 or () in chains:
        return ReaderName()
    (chain,) = chains
    try:
        with establishing():
            path = trust.check(chain, "verifier", at, type_id=None)
            for items in asked:
                if items.auth:
                    items.auth.verify(path.key, reader_authentication(items.content, session))
    except ProtocolError as exc:
        if exc.code != "request.untrusted_verifier":
            raise
        return ReaderName(doubt=exc.code)
    client_id = hash_id(chain[0])
    return ReaderName(
        client_id=client_id,
        name=subject_name(chain[0]) or client_id,
        rrn_legal_basis=path.anchor.rrn_legal_basis.get(client_id, ""),
    )


def reader_authentication(items: bytes, session: bytes) -> bytes:
    """ReaderAuthenticationBytes (§9.1.4.4), from the encoded items and transcript."""
    return embed(b"\x83" + to_cbor("ReaderAuthentication") + session + embed(items))


# What we ask.


@dataclass(frozen=True, kw_only=True)
class Asking:
    """A device request in the making: what of a query can be asked, and by which query each document is asked for."""

    query: Query
    purpose: str = field(default="")

    @classmethod
    def of(cls, asked: Query, purpose: str = "") -> Asking:
        """The part of the query that asks for mdocs; ``usage.argument`` where it is not enough, or cannot be said."""
        credentials = tuple(_mdocs(asked))
        if not credentials:
            raise UsageError("usage.argument", "a query that no mdoc can answer")
        if len(frozenset().union(*[each.type_ids for each in credentials])) < len(credentials):
            raise UsageError("usage.argument", "two queries for one docType, which answers could not be told apart")
        for each in credentials:
            _check_sayable(each)
        return cls(query=Query(credentials), purpose=purpose)

    def to_bytes(self, session: bytes, signer: Signer | None) -> bytes:
        """The request, signed by the reader for the session of that transcript, or by nobody."""
        asked = [_doc_request(self._items(each), session, signer) for each in self.query.credentials]
        return to_cbor({"version": _VERSION, "docRequests": asked})

    def _items(self, asked: CredentialQuery) -> bytes:
        namespaces: dict[Any, dict[Any, bool]] = {}
        for claim in asked.claims:
            namespace, element = claim.path
            namespaces.setdefault(namespace, {})[element] = bool(claim.intent_to_retain)
        (doc_type,) = asked.type_ids
        info = {"requestInfo": {PURPOSE: self.purpose}} if self.purpose else {}
        return to_cbor({"docType": doc_type, "nameSpaces": namespaces, **info})


def _mdocs(asked: Query) -> Iterator[CredentialQuery]:
    """The queries for mdocs that together answer it: of each set the first option that mdocs can answer alone."""
    mdocs = {each.id: each for each in asked.credentials if each.format == ID}
    if not asked.credential_sets:
        if len(mdocs) < len(asked.credentials):
            raise UsageError("usage.argument", "a query for a credential that is no mdoc")
        yield from mdocs.values()
        return
    chosen: dict[str, None] = {}
    for set_ in asked.credential_sets:
        option = next((option for option in set_.options if mdocs.keys() >= set(option)), None)
        if option is None and set_.required:
            raise UsageError("usage.argument", "a set of credentials that mdocs alone cannot answer")
        chosen |= dict.fromkeys(option or () if set_.required else ())
    yield from (mdocs[id_] for id_ in chosen)


def _check_sayable(asked: CredentialQuery) -> None:
    plain = not (asked.claim_sets or asked.multiple or asked.trusted_authorities)
    if not plain or not asked.claims or any(claim.values for claim in asked.claims):
        raise UsageError("usage.argument", "a query that says more than which elements of one document are wanted")


def _doc_request(items: bytes, session: bytes, signer: Signer | None) -> dict[str, Any]:
    asked: dict[str, Any] = {"itemsRequest": CBORTag(EMBEDDED, items)}
    if signer is None:
        return asked
    header = cose.protected(signer.public.alg)
    signature = signer.sign(cose.to_be_signed(header, reader_authentication(items, session)))
    return {**asked, "readerAuth": [header, cose.unprotected(signer.chain), None, signature]}
