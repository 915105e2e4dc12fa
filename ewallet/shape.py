"""Untrusted bytes into known shapes, or :class:`Malformed`; every limit is a constant of this file.

Rules of this file: nothing else in the library parses JSON, CBOR, base64, DER or compressed data that came from
outside; nothing here believes what it parses; only :class:`Malformed` leaves. Library defaults are lenient (duplicate
members, NaN, padded or non-canonical base64, trailing bytes) and are tightened here.
"""

from __future__ import annotations

import binascii
import json
import re
import zlib
from base64 import b64decode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Mapping
from functools import cache, lru_cache
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from ewallet.errors import Malformed

if TYPE_CHECKING:
    import cbor2

MAX_CREDENTIAL: Final = 512 * 1024  # bytes of one credential or presentation; a portrait is about 30 KiB
MAX_DOCUMENT: Final = 4 * 1024 * 1024  # bytes of a trust list, status token, request or answer
MAX_DISCLOSURES: Final = 1_000  # a household of twenty with eleven members each is 240
MAX_DIGESTS: Final = 4_000  # with decoys
MAX_NAMESPACES: Final = 100  # of an mdoc; the licence has 3
MAX_DOCUMENTS: Final = 16  # in one device response
MAX_DEPTH: Final = 32  # of JSON and of CBOR; the deepest kind of ours has 6
MAX_ITEMS: Final = 10_000  # of CBOR, keys of maps among them: as many digests as are read have 8 000
MAX_CHAIN: Final = 5  # certificates in x5c or x5chain
MAX_HEADER: Final = 64 * 1024  # characters of a JWS header: five certificates of usual size are 15 Ki
MAX_CERTIFICATE: Final = 16 * 1024  # bytes of DER
MAX_CRL: Final = 1024 * 1024  # bytes of a revocation list: 25 000 entries
MAX_STATUS_LIST: Final = 16 * 1024 * 1024  # bytes after inflating: 16 Mi entries of 8 bits
MAX_TIME: Final = 253_402_300_799  # 9999-12-31T23:59:59Z, the last second a datetime can hold
MAX_NOTE: Final = 64 * 1024  # bytes of a signed note: a checkpoint with sixteen signatures is 3 KiB
MAX_INTEGER: Final = 1 << 53  # RFC 8259 §6: beyond it peers disagree about the value
MAX_TEXT: Final = 100_000  # characters of one name, path or header

T = TypeVar("T")
Json = Any  # None, bool, int, float, str, list, dict; the checks below narrow it


def refuse(code: str, detail: str = "") -> NoReturn:
    """Raise :class:`Malformed` without a cause, nor a context: a parser's own error has the input with it."""
    error = Malformed(code, detail)
    try:
        raise error from None
    finally:
        error.__context__ = None


_ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_LAST: Final = (_ALPHABET, "", "AQgw", "AEIMQUYcgkosw048")  # by length modulo 4: what leaves no bits over

try:  # the extra "fast"; what it reads and refuses is the same
    from pybase64 import b64decode as _b64decode
    from pybase64 import b64encode_as_string

    def to_base64url(raw: bytes) -> str:
        """Unpadded base64url."""
        return b64encode_as_string(raw, b"-_").rstrip("=")

    def _from_base64url(text: str) -> bytes:
        if "+" in text or "/" in text:  # which it takes for - and _
            raise ValueError
        return _b64decode(text + "==="[: -len(text) % 4], b"-_", validate=True)

except ImportError:

    def to_base64url(raw: bytes) -> str:
        """Unpadded base64url."""
        return urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")

    def _from_base64url(text: str) -> bytes:
        encoded = text.encode("ascii")
        if encoded.translate(None, _ALPHABET.encode()):  # a third of the time of a regular expression
            raise ValueError
        return urlsafe_b64decode(encoded + b"===")


def base64url(text: str, what: str = "base64url") -> bytes:
    """The bytes of an unpadded, canonical base64url text (RFC 4648 §5; RFC 7515 §2); ``malformed.encoding``."""
    try:
        raw = _from_base64url(text)
    except ValueError:
        refuse("malformed.encoding", f"{what} is not unpadded base64url")
    if text[-1:] not in _LAST[len(text) % 4]:
        refuse("malformed.encoding", f"{what} is not canonical base64url")
    return raw


def base64(text: str, what: str = "base64") -> bytes:
    """The bytes of a padded, canonical standard base64 text, as in ``x5c``; ``malformed.encoding``."""
    try:
        raw = b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        refuse("malformed.encoding", f"{what} is not padded base64")
    if binascii.b2a_base64(raw, newline=False) != text.encode("ascii"):
        refuse("malformed.encoding", f"{what} is not canonical base64")
    return raw


class _Duplicate(ValueError):
    pass


def _members(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _Duplicate
    return members


def _no_constant(text: str) -> NoReturn:
    raise ValueError(text)


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError
    return number


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_members, parse_constant=_no_constant, parse_float=_finite, strict=True
)
_SCAN: Final[Callable[[str, int], tuple[Json, int]]] = _DECODER.scan_once  # type: ignore[attr-defined]
_SURROGATE_ESCAPE: Final = re.compile(r"\\u[dD][89a-fA-F]")


def json_value(raw: bytes | str, what: str = "json", *, limit: int = MAX_DOCUMENT) -> Json:
    """The value of a JSON text (RFC 8259, UTF-8, no duplicate members, no NaN, no unpaired surrogates).

    Raises ``malformed.json``, ``malformed.json_duplicate``, ``limit.size`` or ``limit.depth``.
    """
    if len(raw) > limit:
        refuse("limit.size", f"{what} has {len(raw)} bytes, at most {limit} are read")
    try:
        text = raw if isinstance(raw, str) else raw.decode("utf-8")
        value = _scanned(text)
        if "\\" in text and _SURROGATE_ESCAPE.search(text):
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except _Duplicate:
        refuse("malformed.json_duplicate", f"{what} repeats a member")
    except RecursionError:
        refuse("limit.depth", f"{what} is nested more than {MAX_DEPTH} deep")
    except (ValueError, UnicodeError):
        refuse("malformed.json", f"{what} is not json")
    if text.count("[") + text.count("{") > MAX_DEPTH and not _shallow(value):
        refuse("limit.depth", f"{what} is nested more than {MAX_DEPTH} deep")
    return value


def _scanned(text: str) -> Json:
    """As ``decode``, which looks for space around: twice the time of a disclosure."""
    try:
        value, end = _SCAN(text, 0)
    except StopIteration:  # space in front, or no JSON
        return _DECODER.decode(text)
    return value if not text[end:].strip(" \t\n\r") else _DECODER.decode(text)


def _shallow(value: Json) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in _children(node) if type(child) in _NESTED]
        if not level:
            return True
    return False


_NESTED: Final = (dict, list)


def _children(node: Json) -> Iterable[Json]:
    if isinstance(node, dict):
        return node.values()
    return node if isinstance(node, list) else ()


def json_object(raw: bytes | str, what: str = "json", *, limit: int = MAX_DOCUMENT) -> dict[str, Json]:
    """As :func:`json_value`, and it must be an object."""
    return instance(json_value(raw, what, limit=limit), dict, what)


_NAMES: Final = {
    dict: "an object",
    list: "an array",
    str: "a string",
    int: "an integer",
    bool: "a boolean",
    bytes: "a byte string",
}


def instance(value: Json, kind: type[T], what: str) -> T:
    """The value, if it is exactly of that kind (a boolean is no integer); ``malformed.claim_type``."""
    if type(value) is not kind:
        refuse("malformed.claim_type", f"{what} is {kind_of(value)}, expected {_NAMES[kind]}")
    return value


def kind_of(value: Json) -> str:
    """The JSON kind of a value, for a message that must not quote it."""
    if value is None:
        return "null"
    return _NAMES.get(type(value), "a number" if isinstance(value, float) else "another kind")


def member(members: Mapping[str, Json], name: str, kind: type[T]) -> T:
    """A member that must be there, of that kind; ``malformed.claim_type``."""
    value = members.get(name)
    if type(value) is kind:  # nearly always; a call of its own costs as much as all the rest
        return value
    if name not in members:
        refuse("malformed.claim_type", f"{name} is missing")
    return instance(value, kind, name)


def optional(members: Mapping[str, Json], name: str, kind: type[T]) -> T | None:
    """A member of that kind, or None where it is absent; null is not absent; ``malformed.claim_type``."""
    value = members.get(name)
    return value if type(value) is kind or name not in members else instance(value, kind, name)


def strings(value: Json, what: str) -> tuple[str, ...]:
    """A non-empty array of strings; ``malformed.claim_type``."""
    items = instance(value, list, what)
    if not items:
        refuse("malformed.claim_type", f"{what} is empty")
    return tuple(instance(item, str, f"an item of {what}") for item in items)


def numeric_date(value: Json, what: str) -> int:
    """Seconds since 1970 (RFC 7519 §2): an integer or a number, rounded down, from 0 to the year 9999."""
    if type(value) not in (int, float):
        refuse("malformed.claim_type", f"{what} is {kind_of(value)}, expected a number")
    if not 0 <= value <= MAX_TIME:
        refuse("malformed.claim_type", f"{what} is outside the years 1970 to 9999")
    return int(value)


_CHUNK: Final = 1 << 18  # grows the output step by step, so that a bomb costs no more memory than the limit


def inflate(raw: bytes, what: str, *, limit: int = MAX_STATUS_LIST) -> bytes:
    """The bytes of one complete ZLIB stream (RFC 1950), never more than ``limit``; ``limit.decompressed``."""
    return _inflated(raw, what, "a zlib stream", zlib.MAX_WBITS, limit)


def gunzip(raw: bytes, what: str, *, limit: int = MAX_DOCUMENT) -> bytes:
    """The bytes of one complete gzip member (RFC 1952), never more than ``limit``; ``limit.decompressed``."""
    return _inflated(raw, what, "a gzip member", 16 + zlib.MAX_WBITS, limit)


def inflate_raw(raw: bytes, what: str, *, dictionary: bytes, limit: int) -> bytes:
    """The bytes of one complete DEFLATE stream (RFC 1951) made with that dictionary; ``limit.decompressed``."""
    return _inflated(raw, what, "a deflate stream", -zlib.MAX_WBITS, limit, dictionary)


def _inflated(raw: bytes, what: str, kind: str, window: int, limit: int, dictionary: bytes = b"") -> bytes:
    stream = zlib.decompressobj(window, dictionary)
    data = bytearray()
    try:
        while not stream.eof and (chunk := stream.decompress(stream.unconsumed_tail if data else raw, _CHUNK)):
            data += chunk
            if len(data) > limit:
                refuse("limit.decompressed", f"{what} inflates to more than {limit} bytes")
    except zlib.error:
        refuse("malformed.encoding", f"{what} is not {kind}")
    if not stream.eof or stream.unused_data:
        refuse("malformed.encoding", f"{what} is not one complete {kind.removeprefix('a ')}")
    return bytes(data)


def certificate(der: bytes) -> x509.Certificate:
    """The certificate of a DER text (RFC 5280), read but not believed; ``malformed.x509``, ``limit.size``."""
    if len(der) > MAX_CERTIFICATE:
        refuse("limit.size", f"a certificate has {len(der)} bytes, at most {MAX_CERTIFICATE} are read")
    try:
        read = x509.load_der_x509_certificate(der)
        _ = read.subject, read.issuer, read.not_valid_before_utc, read.not_valid_after_utc  # read when asked for
    except (ValueError, TypeError, x509.InvalidVersion, Warning):  # a serial below 1 warns, raises under -W error
        refuse("malformed.x509", "not a der certificate")
    _check_signature_whole(read.signature, der)
    return read


def _check_signature_whole(signature: bytes, der: bytes) -> None:
    """X.690 §8.6.2: A signature fills its bit string; said unused, its last bits could be changed with no effect."""
    if not der.endswith(b"\0" + signature):
        refuse("malformed.x509", "a signature that does not end with a whole byte")


def certificates(pem: bytes) -> tuple[x509.Certificate, ...]:
    """The certificates of a PEM text, in order, at least one; ``malformed.x509``."""
    try:
        return tuple(x509.load_pem_x509_certificates(pem))
    except (ValueError, x509.InvalidVersion, Warning):
        refuse("malformed.x509", "not a pem certificate")


def revocation_list(raw: bytes) -> x509.CertificateRevocationList:
    """The revocation list of a DER or PEM text (RFC 5280 §5), read but not believed.

    Its entries and extensions are read when they are asked for, and may raise then. Raises ``malformed.x509``,
    ``limit.size``.
    """
    if len(raw) > MAX_CRL:
        refuse("limit.size", f"a revocation list has {len(raw)} bytes, at most {MAX_CRL} are read")
    load = x509.load_pem_x509_crl if raw.startswith(b"-----BEGIN") else x509.load_der_x509_crl
    try:
        read = load(raw)
    except (ValueError, TypeError, x509.InvalidVersion, Warning):
        refuse("malformed.x509", "not a der or pem revocation list")
    _check_signature_whole(read.signature, read.public_bytes(Encoding.DER))
    return read


_TEXT_TAGS: Final = (0, 1004)  # tdate and full-date stay text: ISO/IEC 18013-5 has its own rules for both
_BUILT_IN_TAGS: Final = (1, 2, 3, 4, 5, 25, 28, 29, 30, 35, 36, 37, 100, 256, 258, 260, 261, 43000, 55799)
_BIG_NUMBER: Final = 2  # an unsigned integer of more than 64 bits
_NO_TAG: Final = -1


def _no_tag(_value: object, _immutable: object) -> NoReturn:
    raise ValueError


def _other_tag(tag: cbor2.CBORTag, _immutable: object) -> cbor2.CBORTag:
    return tag if tag.tag == 24 else _no_tag(None, False)  # 24: embedded CBOR, kept as received


@cache
def _dumps() -> Callable[[Any], bytes]:
    import cbor2

    return cbor2.dumps


def to_cbor(value: Any) -> bytes:
    """The value in the preferred encoding (RFC 8949 §4.1), members in their order."""
    if type(value) is str:  # nearly always, and in two thirds of the time
        text = value.encode()
        return head(0x60, len(text)) + text
    return _dumps()(value)


@lru_cache(maxsize=4096)
def head(kind: int, length: int) -> bytes:
    """How a byte string (0x40), text (0x60), array (0x80), map (0xa0) or tag (0xc0) begins (RFC 8949 §3)."""
    number = to_cbor(length)
    return bytes([number[0] | kind]) + number[1:]


@lru_cache(maxsize=1024)
def text_string(name: str) -> bytes:
    """As :func:`to_cbor`, of a name that is written again and again."""
    return to_cbor(name)


def byte_string(content: bytes) -> bytes:
    """As :func:`to_cbor`, in a third of the time."""
    return head(0x40, len(content)) + content


def embed(content: bytes) -> bytes:
    """Encoded CBOR as an embedded item, tag 24 and all (RFC 8949 §3.4.5.1)."""
    return _embedding(len(content)) + content


@lru_cache(maxsize=4096)
def _embedding(length: int) -> bytes:
    return b"\xd8\x18" + head(0x40, length)


@cache
def _reader(more: int) -> tuple[Callable[[BytesIO], Any], tuple[type[Exception], ...]]:
    """How to read the next item of a source, that tag too, and what is raised where it cannot be read."""
    import cbor2  # 8 ms, which a process for an SD-JWT does not need

    def keep(tag: int) -> Callable[[object, bool], cbor2.CBORTag]:
        return lambda value, _immutable: cbor2.CBORTag(tag, value)

    tags = dict.fromkeys(_BUILT_IN_TAGS, _no_tag) | {tag: keep(tag) for tag in _TEXT_TAGS}
    tags.pop(more, None)  # the decoder's own reading of it

    def read(source: BytesIO) -> Any:  # which takes less time than to make a decoder, or a partial function
        return cbor2.load(
            source, tag_hook=_other_tag, semantic_decoders=tags, max_depth=MAX_DEPTH, allow_duplicate_keys=False
        )

    return read, (cbor2.CBORError, ArithmeticError, ValueError, TypeError, RecursionError, MemoryError)


def _end(raw: bytes, items: int) -> int:
    """Where that many items end, or all; embedded CBOR counts as a byte string, indefinite lengths by their parts."""
    at, end = 0, len(raw)
    for _ in range(items):
        if at >= end:
            return end
        kind, argument = raw[at] >> 5, raw[at] & 31
        at += 1
        if 24 <= argument < 28:
            width = 1 << argument - 24
            argument = int.from_bytes(raw[at : at + width], "big")
            at += width
        elif argument > 27:  # of indefinite length, or the end of it
            continue
        if kind in (2, 3):
            at += argument
    return min(at, end)


def cbor(
    raw: bytes, what: str = "cbor", *, limit: int = MAX_DOCUMENT, items: int = MAX_ITEMS, big: bool = False
) -> Any:
    """The value of one CBOR item (RFC 8949): no duplicate keys, no trailing bytes, no tags but 0, 24 and 1004.

    Tagged values come as ``cbor2.CBORTag``. With ``big``, numbers of more than 64 bits are read too. No more than so
    many ``items`` are read: numbers and arrays as keys of a map can be chosen so that their hashes collide, and reading
    them takes the square of the time. Raises ``malformed.cbor``, ``limit.size``, ``limit.count`` or ``limit.depth``.
    """
    size = len(raw)
    if size > limit:
        refuse("limit.size", f"{what} has {size} bytes, at most {limit} are read")
    end = size if size <= items else _end(raw, items)  # each has a byte at least
    read, errors = _reader(_BIG_NUMBER if big else _NO_TAG)
    source = BytesIO(raw[:end])
    try:
        value = read(source)
    except errors as exc:
        if "nesting depth" in str(exc):
            refuse("limit.depth", f"{what} is nested more than {MAX_DEPTH} deep")
        if end < size:
            refuse("limit.count", f"{what} has more than {items} items")
        refuse("malformed.cbor", f"{what} is not strict cbor")
    if source.tell() != size:
        refuse("malformed.cbor", f"{what} has trailing bytes")
    return value
