"""Base45 (RFC 9285): bytes as the forty-five characters that a QR code packs tightest, strict on read."""

from __future__ import annotations

from typing import Final

from ewallet.shape import refuse

_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_VALUES: Final = {character: value for value, character in enumerate(_ALPHABET)}


def to_base45(raw: bytes) -> str:
    """Three characters for two bytes, two for a last one that is alone."""
    pairs = (raw[start : start + 2] for start in range(0, len(raw), 2))
    return "".join(_written(int.from_bytes(pair, "big"), len(pair) + 1) for pair in pairs)


def _written(number: int, width: int) -> str:
    return "".join(_ALPHABET[number // 45**place % 45] for place in range(width))


def base45(text: str, what: str = "base45") -> bytes:
    """The bytes of a base45 text; ``malformed.encoding`` for another character, small letters among them.

    There is no padding, and each text stands for other bytes.
    """
    if len(text) % 3 == 1 or not _VALUES.keys() >= set(text):
        refuse("malformed.encoding", f"{what} is not base45")
    groups = [text[start : start + 3] for start in range(0, len(text), 3)]
    numbers = [sum(_VALUES[character] * 45**place for place, character in enumerate(group)) for group in groups]
    if any(number >> 8 * (len(group) - 1) for number, group in zip(numbers, groups, strict=True)):
        refuse("malformed.encoding", f"{what} is not base45")
    return b"".join(n.to_bytes(len(group) - 1, "big") for n, group in zip(numbers, groups, strict=True))
