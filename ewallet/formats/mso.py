"""What the issuer of an mdoc signs: the mobile security object, and the items it has digests of.

ISO/IEC 18013-5 §9.1.2; section numbers without a document are those of that standard.

Rules of this file: an item is hashed as it was received, tag and length included; nothing signed is encoded again.
"""

from __future__ import annotations

import hashlib
import math
import re
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from operator import itemgetter
from struct import unpack
from typing import Any, Final, NamedTuple, TypeVar

from ewallet import cose
from ewallet.credential import Draft, StatusRef, Validity
from ewallet.env import Random
from ewallet.errors import CryptoError, DisclosureError, UsageError
from ewallet.shape import (
    MAX_DIGESTS,
    MAX_DISCLOSURES,
    MAX_NAMESPACES,
    Json,
    cbor,
    embed,
    head,
    refuse,
    text_string,
    to_cbor,
)

VERSION: Final = "1.0"
HASHES: Final[Mapping[str, Callable[[bytes], Any]]] = {
    "SHA-256": hashlib.sha256,
    "SHA-384": hashlib.sha384,
    "SHA-512": hashlib.sha512,
}
TDATE, EMBEDDED, FULL_DATE = 0, 24, 1004  # tags (RFC 8949 §3.4, RFC 8943)

_DOC_TYPE: Final = b"\x67docType"  # as it stands before what it names
_MAX_ID: Final = 1 << 31  # §9.1.2.4: digest identifiers are below it
_SALT: Final = 32  # bytes; §9.1.2.5 asks for 16
_NOISE: Final = 8  # bytes by which items are put in an unpredictable order
_TDATE: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)
_FULL_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)

#: Kinds that many values at once are held to: with ``issuperset`` in two thirds of the time of a loop.
TEXT, NUMBER, BYTES, MAP, ARRAY = (frozenset({kind}) for kind in (str, int, bytes, dict, list))
_SIMPLE: Final = frozenset({str, int, bool, type(None)})

T = TypeVar("T")


def field(members: Mapping[Any, Any], name: str, kind: type[T]) -> T:
    """A member that must be there, of that kind; ``malformed.mdoc``."""
    value = members.get(name)
    if type(value) is not kind:
        refuse("malformed.mdoc", f"{name} is missing, or of another kind")
    return value


def optional(members: Mapping[Any, Any], name: str, kind: type[T]) -> T | None:
    """A member of that kind, or None where it is absent; null is not absent; ``malformed.mdoc``."""
    value = members.get(name)
    return value if type(value) is kind or name not in members else field(members, name, kind)


def mapping(value: Any, what: str) -> Mapping[Any, Any]:
    """A map, whatever is in it; ``malformed.mdoc``."""
    if type(value) is not dict:
        refuse("malformed.mdoc", f"{what} is no map")
    return value


def embedded(value: Any, what: str) -> bytes:
    """The content of an embedded item, tag 24; ``malformed.mdoc``."""
    if getattr(value, "tag", None) != EMBEDDED or type(value.value) is not bytes:
        refuse("malformed.mdoc", f"{what} is not embedded with tag 24")
    content: bytes = value.value
    return content


def contents(items: Sequence[Any]) -> list[bytes]:
    """The content of each of the items of a namespace, as :func:`embedded` in half the time; ``malformed.mdoc``."""
    found = [item.value for item in items if getattr(item, "tag", None) == EMBEDDED]
    if len(found) < len(items) or not BYTES.issuperset(map(type, found)):
        refuse("malformed.mdoc", "an item is not embedded with tag 24")
    return found


def received(message: bytes, contents: Iterable[bytes], what: str) -> list[bytes]:
    """Embedded items as they stand in a message, one after the other, tag and length included; ``malformed.mdoc``.

    What is hashed has one form only, the shortest: an item in another one is not what its issuer hashed.
    """
    items = [embed(content) for content in contents]
    if b"".join(items) not in message:
        refuse("malformed.mdoc", f"{what} is not embedded in the shortest form")
    return items


class Authorized(NamedTuple):
    """What the device may state itself (§9.1.2.4 KeyAuthorizations): whole namespaces, or elements of others."""

    namespaces: frozenset[str] = frozenset()
    elements: Mapping[str, frozenset[str]] = {}

    @classmethod
    def of(cls, value: Any) -> Authorized:
        """Read it; ``malformed.mdoc``."""
        members = mapping(value, "keyAuthorizations")
        namespaces = _texts(optional(members, "nameSpaces", list) or [])
        listed = optional(members, "dataElements", dict) or {}
        elements = {name: _texts(field(listed, name, list)) for name in _texts(listed)}
        if not namespaces.isdisjoint(elements):
            refuse("malformed.mdoc", "keyAuthorizations has a namespace both whole and in part")
        return cls(namespaces, elements)

    def allows(self, namespace: str, element: str) -> bool:
        """Whether the device may state that element."""
        return namespace in self.namespaces or element in self.elements.get(namespace, ())


def _texts(values: Iterable[Any]) -> frozenset[str]:
    found = tuple(values)
    if not TEXT.issuperset(map(type, found)):
        refuse("malformed.mdoc", "a name that is no text")
    return frozenset(found)


class Mso(NamedTuple):
    """A mobile security object: of what type, which digests, whose key, from when until when."""

    doc_type: str
    hash: Callable[[bytes], Any]
    digests: Mapping[str, Mapping[int, bytes]]
    device_key: Any
    authorized: Authorized
    signed: datetime
    validity: Validity
    status: StatusRef | None

    @classmethod
    def parse(cls, payload: bytes) -> Mso:
        """The object of what was signed; ``malformed.*``, ``limit.count``, ``crypto.hash_not_allowed``."""
        members = mapping(cbor(_content(payload), "the mobile security object"), "the mobile security object")
        if members.get("version") != VERSION:
            refuse("malformed.mdoc", f"a mobile security object whose version is not {VERSION}")
        key_info = field(members, "deviceKeyInfo", dict)
        signed, validity = _validity(field(members, "validityInfo", dict))
        return cls(
            doc_type=field(members, "docType", str),
            hash=_hash(members.get("digestAlgorithm")),
            digests=_digests(field(members, "valueDigests", dict)),
            device_key=field(key_info, "deviceKey", dict),
            authorized=Authorized.of(key_info["keyAuthorizations"]) if "keyAuthorizations" in key_info else _NOTHING,
            signed=signed,
            validity=validity,
            status=_status(members),
        )

    def check(self, namespace: str, item: Item, as_received: bytes) -> None:
        """Return if it has the digest of that item; ``mdoc.digest_missing``, ``mdoc.digest_mismatch``."""
        expected = self.digests.get(namespace, {}).get(item.digest_id)
        if expected is None:
            raise DisclosureError("mdoc.digest_missing", "an item of which the issuer signed no digest")
        if expected != self.hash(as_received).digest():
            raise DisclosureError("mdoc.digest_mismatch", "an item whose digest is not the one that the issuer signed")


def doc_type(payload: bytes) -> str:
    """The docType of a payload that its holder has read whole before, without the digests being read again.

    Its name stands there once, in front of it; where that is otherwise, all is read. Nothing is decided with it here:
    who verifies compares it with what was signed.
    """
    _, _, after = payload.partition(_DOC_TYPE)
    found = None if _DOC_TYPE in after else _first_text(after)
    return Mso.parse(payload).doc_type if found is None else found


def _first_text(encoded: bytes) -> str | None:
    """The text of up to 255 letters that an encoding begins with; None where it begins with something else."""
    match tuple(encoded[:2]):
        case 0x78, length:
            start = 2
        case kind, _ if 0x60 <= kind < 0x78:
            start, length = 1, kind - 0x60
        case _:
            return None
    text = encoded[start : start + length]
    return text.decode("ascii") if len(text) == length and text.isascii() else None


def _content(payload: bytes) -> bytes:
    """What is embedded in a payload, which takes no decoder where its head has five bytes, as from 256 bytes on."""
    content = payload[5:]
    if payload == embed(content):
        return content
    return embedded(cbor(payload, "the signed payload"), "the mobile security object")


_NOTHING: Final = Authorized()


def _hash(name: Any) -> Callable[[bytes], Any]:
    if type(name) is not str or name not in HASHES:
        raise CryptoError("crypto.hash_not_allowed", f"digestAlgorithm is not one of {', '.join(HASHES)}")
    return HASHES[name]


def _digests(value: Mapping[Any, Any]) -> Mapping[str, Mapping[int, bytes]]:
    if len(value) > MAX_NAMESPACES:
        refuse("limit.count", f"digests in {len(value)} namespaces, at most {MAX_NAMESPACES} are read")
    _texts(value)
    if not MAP.issuperset(map(type, value.values())):
        refuse("malformed.mdoc", "the digests of a namespace are no map")
    if sum(map(len, value.values())) > MAX_DIGESTS:
        refuse("limit.count", f"more than {MAX_DIGESTS} digests")
    for digests in value.values():
        if not NUMBER.issuperset(map(type, digests)) or not BYTES.issuperset(map(type, digests.values())):
            refuse("malformed.mdoc", "a digest that is no byte string, or whose identifier is no number")
        if digests and not 0 <= min(digests) <= max(digests) < _MAX_ID:
            refuse("malformed.mdoc", "the identifier of a digest is out of range")
    return value


def _validity(info: Mapping[Any, Any]) -> tuple[datetime, Validity]:
    signed = _tdate(info.get("signed"), "signed")
    since, until = _tdate(info.get("validFrom"), "validFrom"), _tdate(info.get("validUntil"), "validUntil")
    if not signed <= since < until:
        refuse("malformed.mdoc", "signed, validFrom and validUntil are out of order")
    if "expectedUpdate" in info:
        _tdate(info["expectedUpdate"], "expectedUpdate")
    return signed, Validity(since, until)


def _tdate(value: Any, what: str) -> datetime:
    if getattr(value, "tag", None) != TDATE or type(value.value) is not str:
        refuse("malformed.mdoc", f"{what} is no tdate")
    return moment(value.value)


@lru_cache(maxsize=1024)  # issuers round to the day
def moment(text: str) -> datetime:
    """§7.2.1: a date and time in UTC, to the second; ``malformed.mdoc``."""
    try:
        return datetime.fromisoformat(text if _TDATE.fullmatch(text) else "")
    except ValueError:
        refuse("malformed.mdoc", "not a date and time in utc, to the second")


def _status(members: Mapping[Any, Any]) -> StatusRef | None:
    """Token Status List §6.3; another kind of status is not known here, which is none."""
    status = optional(members, "status", dict)
    entry = optional(status, "status_list", dict) if status else None
    if entry is None:
        return None
    index = field(entry, "idx", int)
    if index < 0:
        refuse("malformed.mdoc", "idx is negative")
    return StatusRef(field(entry, "uri", str), index)


class Item(NamedTuple):
    """One issuer-signed item: the identifier of its digest, what it is called, and its value in CBOR's types."""

    digest_id: int
    element: str
    value: Any

    @classmethod
    def parse(cls, content: bytes) -> Item:
        """The item of its encoding; ``malformed.*``."""
        try:
            digest_id, random, element, value = _MEMBERS(cbor(content, "an item"))
        except (TypeError, KeyError, IndexError):
            refuse("malformed.mdoc", "an item that is no map, or lacks one of its four members")
        if type(digest_id) is not int or type(random) is not bytes or type(element) is not str:
            refuse("malformed.mdoc", "digestID, random or elementIdentifier is of another kind")
        if not 0 <= digest_id < _MAX_ID:
            refuse("malformed.mdoc", "the identifier of a digest is out of range")
        if len(random) < 16:
            refuse("malformed.mdoc", "random has less than 16 bytes")
        return cls(digest_id, element, value)


_MEMBERS: Final = itemgetter("digestID", "random", "elementIdentifier", "elementValue")  # in a call instead of eight


def items_of(namespaces: Mapping[Any, Any]) -> Mapping[str, list[Any]]:
    """The items by namespace, still encoded; ``malformed.mdoc``, ``limit.count``."""
    if len(namespaces) > MAX_NAMESPACES:
        refuse("limit.count", f"{len(namespaces)} namespaces, at most {MAX_NAMESPACES} are read")
    _texts(namespaces)
    if not ARRAY.issuperset(map(type, namespaces.values())):
        refuse("malformed.mdoc", "the items of a namespace are no array")
    if sum(map(len, namespaces.values())) > MAX_DISCLOSURES:
        refuse("limit.count", f"more than {MAX_DISCLOSURES} items")
    return namespaces


def to_json(value: Any) -> Json:
    """A value as a kind has it in JSON: dates are text, and bytes base64, as pictures are; ``malformed.mdoc``."""
    kind = type(value)
    if kind in _SIMPLE:
        return value
    if kind is bytes:
        return b64encode(value).decode("ascii")
    if kind is list:
        return [to_json(item) for item in value]
    if kind is dict:
        return _object(value)
    if kind is float and math.isfinite(value):
        return value
    return _tagged(value)


def _object(value: Mapping[Any, Any]) -> dict[str, Json]:
    if not (TEXT | NUMBER).issuperset(map(type, value)):
        refuse("malformed.mdoc", "a map with keys that are no texts")
    members = {str(name): to_json(member) for name, member in value.items()}
    if len(members) < len(value):
        refuse("malformed.mdoc", "a map with a number and the same number as a text")
    return members


def _tagged(value: Any) -> str:
    tag, content = getattr(value, "tag", None), getattr(value, "value", None)
    if tag == EMBEDDED and type(content) is bytes:
        return b64encode(content).decode("ascii")
    if tag == TDATE and type(content) is str:
        moment(content)
        return content
    if tag != FULL_DATE or type(content) is not str:
        refuse("malformed.mdoc", "a value that has no form in json")
    try:
        date.fromisoformat(content if _FULL_DATE.fullmatch(content) else "")
    except ValueError:
        refuse("malformed.mdoc", "not a date that exists")
    return content


# What we sign.


def pack(draft: Draft, random: Random) -> tuple[bytes, dict[str, list[bytes]]]:
    """The payload to be signed for a draft, and its embedded items by namespace; ``usage.argument``."""
    if draft.holder is None or draft.validity.since is None or draft.validity.until is None:
        raise UsageError("usage.argument", "an mdoc needs a device key, and a time from when and until when it holds")
    digests: dict[str, bytes] = {}
    items: dict[str, list[bytes]] = {}
    for namespace, elements in draft.claims.items():
        digests[namespace], items[namespace] = _pack(elements, draft.decoys, random)
    since, until = _encoded_tdate(draft.validity.since), _encoded_tdate(draft.validity.until)
    members = {
        "version": text_string(VERSION),
        "digestAlgorithm": text_string("SHA-256"),
        "valueDigests": _map(digests),
        "deviceKeyInfo": _map({"deviceKey": to_cbor(cose.cose_key(draft.holder))}),
        "docType": text_string(draft.type_id),
        "validityInfo": _map({"signed": since, "validFrom": since, "validUntil": until}),
    }
    if draft.status:
        members["status"] = to_cbor({"status_list": {"idx": draft.status.index, "uri": draft.status.uri}})
    return embed(_map(members)), items


def _map(members: Mapping[str, bytes]) -> bytes:
    """The encoding of a map whose values are encoded already."""
    parts = [head(0xA0, len(members))]
    for name, content in members.items():
        parts += text_string(name), content
    return b"".join(parts)


def _pack(elements: Mapping[str, Any], decoys: int, random: Random) -> tuple[bytes, list[bytes]]:
    """The encoded digests of one namespace in the order of their identifiers, among them decoys, and the items."""
    count = len(elements) + (-len(elements) % decoys if decoys else 0)
    drawn = unpack(f"{_NOISE}s" * count + f"{_SALT}s" * count, random(count * (_NOISE + _SALT)))
    ids, salts = sorted(range(count), key=drawn.__getitem__), drawn[count:]  # by the noise, which comes first
    openings, entries = _heads(count)
    items, digests = [], list(entries)
    for id_, salt, named, value in zip(ids, salts, _names(tuple(elements)), elements.values(), strict=False):
        item = embed(b"".join((openings[id_], salt, named, to_cbor(value))))
        items.append(item)
        digests[id_] += hashlib.sha256(item).digest()
    for id_, salt in zip(ids[len(items) :], salts[len(items) :], strict=True):
        digests[id_] += salt  # a decoy: as long as a digest, and as random
    return head(0xA0, count) + b"".join(digests), items


@lru_cache(maxsize=64)
def _heads(count: int) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
    """By identifier, how the encoding of an item begins, up to its salt, and that of the entry with its digest."""
    ids, length = [to_cbor(id_) for id_ in range(count)], head(0x40, _SALT)
    opening, random = b"\xa4\x68digestID", b"\x66random" + length
    return tuple([opening + id_ + random for id_ in ids]), tuple([id_ + length for id_ in ids])


@lru_cache(maxsize=256)  # the same in every copy of a kind
def _names(elements: tuple[str, ...]) -> tuple[bytes, ...]:
    """What stands in each item between salt and value."""
    return tuple([b"\x71elementIdentifier" + to_cbor(element) + b"\x6celementValue" for element in elements])


def assemble(items: Mapping[str, list[bytes]]) -> bytes:
    """The encoding of items by namespace, each of them encoded already."""
    return _map({namespace: b"".join([head(0x80, len(encoded)), *encoded]) for namespace, encoded in items.items()})


@lru_cache(maxsize=1024)  # issuers round to the day
def _encoded_tdate(at: datetime) -> bytes:
    return head(0xC0, TDATE) + to_cbor(at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
