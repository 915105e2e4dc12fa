"""Signed notes (C2SP signed-note): a text, and lines that sign it, each by a named key.

Ed25519 alone: type 0x01 over the text, and type 0x04 over the text and a time (C2SP tlog-cosignature), by which a
witness says what it saw and when. A line of a key that nobody named is left aside; one of a key that somebody named
must verify, or the whole note is refused.
"""

from __future__ import annotations

import re
import unicodedata
from base64 import b64encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final, Literal

from ewallet.errors import UsageError
from ewallet.keys import PublicKey, Signer
from ewallet.shape import MAX_NOTE, MAX_TIME, base64, refuse

_MAX_SIGNATURES: Final = 64  # lines; C2SP wants sixteen at least to be read
_MAX_NAME: Final = 255  # characters; it is an address without a scheme
_ID: Final = 4
_TIME: Final = 8
_KEY: Final = 32
_DASH: Final = "\N{EM DASH} "
_CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f]")

#: The byte in a key's identifier that says what it signs: the text itself, or the text as of a time.
Kind = Literal[1, 4]
LOG: Final[Kind] = 1
WITNESS: Final[Kind] = 4


@dataclass(frozen=True)
class NoteKey:
    """Whose signatures of a note count: a name, an Ed25519 key, and what it signs. ``usage.argument`` for others."""

    name: str
    public: PublicKey
    kind: Kind = LOG

    def __post_init__(self) -> None:
        if self.public.alg != "EdDSA":
            raise UsageError("usage.argument", f"a key for {self.public.alg}, notes are signed with ed25519")
        if not is_key_name(self.name):
            raise UsageError("usage.argument", "a key name that is empty, too long, or has a space or a plus sign")

    @classmethod
    def read(cls, text: str) -> NoteKey:
        """The key of a text ``name+id+key``, as Go's sumdb writes them; ``malformed.encoding``."""
        name, _, rest = text.partition("+")
        id_, _, encoded = rest.partition("+")
        raw = base64(encoded, "a note's key")
        if len(raw) != 1 + _KEY or raw[0] not in (LOG, WITNESS) or not is_key_name(name):
            refuse("malformed.encoding", "a note's key that is not name+id+key of an ed25519 key")
        key = cls(name, PublicKey.of_point("Ed25519", raw[1:]), LOG if raw[0] == LOG else WITNESS)
        if key.id.hex() != id_:
            refuse("malformed.encoding", "a note's key whose id is that of another one")
        return key

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{b64encode(self._encoded).decode('ascii')}"

    @property
    def id(self) -> bytes:
        """Four bytes that find it among others; they prove nothing."""
        return sha256(self.name.encode() + b"\n" + self._encoded).digest()[:_ID]

    @property
    def _encoded(self) -> bytes:
        return bytes([self.kind]) + self.public.point[1]

    def signed(self, text: str, signer: Signer, at: datetime | None = None) -> Signature:
        """What its private half signs: the text, or for a witness the text at that time."""
        stamp = b"" if self.kind == LOG else _stamp(at)
        return Signature(self.name, self.id, stamp + signer.sign(_said(text, stamp)))

    def check(self, text: str, signature: Signature) -> datetime | None:
        """Return if it signs the text, with the time it gives; ``crypto.signature_invalid``, ``malformed.*``."""
        stamp = b"" if self.kind == LOG else signature.raw[:_TIME]
        self.public.verify(signature.raw[len(stamp) :], _said(text, stamp))
        return _time(stamp) if stamp else None


def _stamp(at: datetime | None) -> bytes:
    if at is None:
        raise UsageError("usage.argument", "a witness signs a time, and there is none")
    return int(at.timestamp()).to_bytes(_TIME, "big")


def _said(text: str, stamp: bytes) -> bytes:
    time = f"cosignature/v1\ntime {int.from_bytes(stamp, 'big')}\n" if stamp else ""
    return (time + text).encode()


def _time(stamp: bytes) -> datetime:
    seconds = int.from_bytes(stamp, "big")
    if seconds > MAX_TIME:
        refuse("malformed.encoding", "a cosignature of a time after the year 9999")
    return datetime.fromtimestamp(seconds, UTC)


@dataclass(frozen=True)
class Signature:
    """One line under a note: who says so, and with which key."""

    name: str
    id: bytes
    raw: bytes = field(repr=False)

    def __str__(self) -> str:
        return f"{_DASH}{self.name} {b64encode(self.id + self.raw).decode('ascii')}\n"


@dataclass(frozen=True)
class Note:
    """A text that ends its last line, and the signatures under it, not yet believed."""

    text: str
    signatures: tuple[Signature, ...]

    @classmethod
    def read(cls, raw: bytes) -> Note:
        """The note of these bytes, all of them; ``malformed.encoding``, ``limit.size``, ``limit.count``."""
        text, blank, lines = _decoded(raw).rpartition("\n\n")
        if not blank or not text:
            refuse("malformed.encoding", "a note without a blank line between its text and its signatures")
        signatures = tuple(read_signatures(lines))
        if not signatures:
            refuse("malformed.encoding", "a note without signatures")
        return cls(text + "\n", signatures)

    def __str__(self) -> str:
        return f"{self.text}\n{''.join(map(str, self.signatures))}"

    def to_bytes(self) -> bytes:
        """The note as it was read."""
        return str(self).encode()

    def with_signatures(self, added: Iterable[Signature]) -> Note:
        """The same text with these besides; a key that signs again takes the place of its line."""
        lines = {(line.name, line.id): line for line in (*self.signatures, *added)}
        return Note(self.text, tuple(lines.values()))

    def of(self, key: NoteKey) -> Signature | None:
        """The line of that key, not yet checked."""
        return next((line for line in self.signatures if (line.name, line.id) == (key.name, key.id)), None)


def read_signatures(lines: str) -> Iterator[Signature]:
    """The signatures of lines that each end; a key signs once; ``malformed.encoding``, ``limit.count``."""
    if lines and not lines.endswith("\n"):
        refuse("malformed.encoding", "a note whose last line does not end")
    split = lines.split("\n")[:-1]
    if len(split) > _MAX_SIGNATURES:
        refuse("limit.count", f"{len(split)} signatures of a note, at most {_MAX_SIGNATURES} are read")
    found = [_signature(line) for line in split]
    if len({(line.name, line.id) for line in found}) != len(found):
        refuse("malformed.encoding", "a note that one key signs twice")
    yield from found


def _signature(line: str) -> Signature:
    name, space, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not space or not is_key_name(name):
        refuse("malformed.encoding", "a signature line that is not a dash, a name and base64")
    raw = base64(encoded, "a note's signature")
    if len(raw) <= _ID:
        refuse("malformed.encoding", "a note's signature of no bytes")
    return Signature(name, raw[:_ID], raw[_ID:])


def is_key_name(name: str) -> bool:
    """Whether a key may be called so: no space of any kind, no plus sign, nothing invisible."""
    fit = 0 < len(name) <= _MAX_NAME and "+" not in name
    return fit and not any(unicodedata.category(sign)[0] in "ZC" for sign in name)


def _decoded(raw: bytes) -> str:
    if len(raw) > MAX_NOTE:
        refuse("limit.size", f"a note of {len(raw)} bytes, at most {MAX_NOTE} are read")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        refuse("malformed.encoding", "a note that is not utf-8")
    if _CONTROL.search(text):
        refuse("malformed.encoding", "a note with control characters")
    return text
