"""Selective disclosure (RFC 9901): claims into digests and disclosures, back again, and a choice among them.

A disclosure is the base64url text of ``[salt, name, value]`` or, for an array element, ``[salt, value]``; its digest is
over that text as received. Section numbers are those of RFC 9901.

Rules of this file: what was received is never re-encoded; a digest that appears twice, or a disclosure that nothing
refers to, refuses the whole.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from itertools import accumulate
from typing import Any, Final, NamedTuple, NoReturn

from ewallet.credential import Claims, Path
from ewallet.env import Random
from ewallet.errors import CryptoError, DisclosureError, UsageError
from ewallet.jose import to_json
from ewallet.shape import MAX_DEPTH, MAX_DIGESTS, Json, base64url, json_value, refuse, to_base64url

Hash = Callable[[bytes], Any]

_SALT: Final = 24  # base64url characters: 144 bits, and no padding to cut (§9.3 asks for 128)
_NESTED: Final = (dict, list)
_STRING: Final = frozenset({str})
_MECHANISM: Final = frozenset({"_sd", "...", "_sd_alg"})
#: The hashes that are spoken here, by their names in the registry of RFC 6920.
HASHES: Final[Mapping[str, Hash]] = {
    "sha-256": hashlib.sha256,
    "sha-384": hashlib.sha384,
    "sha-512": hashlib.sha512,
}


class _Disclosure(NamedTuple):  # made in half the time of a frozen dataclass
    """One disclosure read: ``name`` is None for an array element."""

    encoded: str
    name: str | None
    value: Json


def _disclosure(encoded: str) -> _Disclosure:
    """§7.1 step 3: the array of two or three elements behind a disclosure's text."""
    items = json_value(base64url(encoded, "a disclosure"), "a disclosure")
    if type(items) is not list or not 2 <= len(items) <= 3 or type(items[0]) is not str:
        refuse("malformed.sdjwt", "a disclosure is not [salt, name, value] or [salt, value]")
    if len(items) == 2:
        return _Disclosure(encoded, None, items[1])
    if type(items[1]) is not str:
        refuse("malformed.sdjwt", "a disclosure's name is not a string")
    return _Disclosure(encoded, items[1], items[2])


def hash_of(payload: Claims) -> Hash:
    """§4.1.1: the hash that ``_sd_alg`` names, SHA-256 where it is absent; ``crypto.hash_not_allowed``."""
    name = payload.get("_sd_alg", "sha-256")
    if not isinstance(name, str) or name not in HASHES:
        raise CryptoError("crypto.hash_not_allowed", f"_sd_alg is not one of {', '.join(HASHES)}")
    return HASHES[name]


def digest(hash_: Hash, text: str) -> str:
    """§4.2.3: the base64url digest of an ASCII text."""
    return to_base64url(hash_(text.encode("ascii")).digest())


class Unpacking:
    """§7.1 steps 3 to 5: the processed payload, each digest and each disclosure seen at most once."""

    def __init__(self, hash_: Hash, disclosures: Iterable[str], protected: frozenset[str]) -> None:
        self._available = {digest(hash_, encoded): _disclosure(encoded) for encoded in disclosures}
        self._protected = protected
        self._seen: set[str] = set()
        self._used = 0
        self.shown: list[Path] = []

    def payload(self, payload: Mapping[str, Json]) -> dict[str, Json]:
        """The payload with every disclosed value in its place and nothing of the mechanism left."""
        rest = dict(payload)
        rest.pop("_sd_alg", None)
        visible = {name: rest.pop(name) for name in payload if name in self._protected}
        _check_plain(visible)
        claims = self._object(rest, ())
        hidden = self._protected.intersection(claims)
        if not hidden.isdisjoint(visible):
            raise DisclosureError("sdjwt.claim_collision", "a disclosed claim is already there")
        if hidden:
            raise DisclosureError("sdjwt.validity_claim_disclosed", "a claim that must be visible is disclosed")
        if self._used < len(self._available):
            raise DisclosureError("sdjwt.disclosure_unreferenced", "a disclosure that no digest refers to")
        return visible | claims

    def _value(self, value: Json, at: Path) -> Json:
        if type(value) not in _NESTED:
            return value
        return self._object(value, at) if type(value) is dict else self._array(value, at)

    def _object(self, node: Mapping[str, Json], at: Path) -> dict[str, Json]:
        if len(at) > MAX_DEPTH:
            refuse("limit.depth", f"claims are nested more than {MAX_DEPTH} deep")
        if "_sd_alg" in node:
            raise CryptoError("crypto.hash_not_allowed", "_sd_alg below the top level")
        if "..." in node:
            refuse("malformed.sdjwt", "a digest of an array element outside an array")
        claims = {
            name: self._value(value, (*at, name)) if type(value) in _NESTED else value
            for name, value in node.items()
            if name != "_sd"
        }
        for disclosure in self._take(node["_sd"]) if "_sd" in node else ():
            name, value = _member_name(disclosure), disclosure.value
            if name in claims:
                raise DisclosureError("sdjwt.claim_collision", "a disclosed claim is already there")
            path = (*at, name)
            self.shown.append(path)
            claims[name] = self._value(value, path) if type(value) in _NESTED else value
        return claims

    def _array(self, node: list[Json], at: Path) -> list[Json]:
        if len(at) > MAX_DEPTH:
            refuse("limit.depth", f"claims are nested more than {MAX_DEPTH} deep")
        elements: list[Json] = []
        for element in node:
            here = (*at, len(elements))
            if type(element) is not dict or "..." not in element:
                elements.append(self._value(element, here))
                continue
            if len(element) != 1:
                refuse("malformed.sdjwt", "an array digest with other members beside it")
            for disclosure in self._take([element["..."]]):
                if disclosure.name is not None:
                    refuse("malformed.sdjwt", "a disclosure with a name for an array element")
                self.shown.append(here)
                elements.append(self._value(disclosure.value, here))
        return elements

    def _take(self, digests: Json) -> list[_Disclosure]:
        """The disclosures of these digests, in the order they were sent; digests without one stay hidden."""
        if type(digests) is not list or not _STRING.issuperset(map(type, digests)):
            refuse("malformed.sdjwt", "digests that are not strings in an array")
        unique = set(digests)
        if len(unique) < len(digests) or not unique.isdisjoint(self._seen):
            raise DisclosureError("sdjwt.digest_duplicate", "the same digest twice")
        self._seen |= unique
        if len(self._seen) > MAX_DIGESTS:
            refuse("limit.count", f"more than {MAX_DIGESTS} digests")
        taken = [disclosure for digest, disclosure in self._available.items() if digest in unique]
        self._used += len(taken)
        return taken


def _check_plain(visible: Json) -> None:
    """Return if no part of the protected claims is disclosable (SD-JWT VC §2.2.2); ``visible`` is a dict or a list."""
    if type(visible) is dict:
        if not _MECHANISM.isdisjoint(visible):
            raise DisclosureError("sdjwt.validity_claim_disclosed", "part of a claim that must be visible is hidden")
        visible = visible.values()
    for child in visible:
        if type(child) in _NESTED:
            _check_plain(child)


def _member_name(disclosure: _Disclosure) -> str:
    name = disclosure.name
    if name is None:
        refuse("malformed.sdjwt", "a disclosure without a name for an object member")
    if name in ("_sd", "..."):
        raise DisclosureError("sdjwt.claim_reserved", "a disclosed claim has a reserved name")
    if name == "_sd_alg":
        raise CryptoError("crypto.hash_not_allowed", "_sd_alg in a disclosure")
    return name


_BATCH: Final = 32  # salts per call for entropy


def _salts(random: Random) -> Iterator[str]:
    while True:
        text = to_base64url(random(_BATCH * _SALT * 3 // 4))
        yield from (text[i : i + _SALT] for i in range(0, len(text), _SALT))


class Packing:
    """§4.2: claims into digests and disclosures."""

    def __init__(self, disclosable: frozenset[Path], decoys: int, random: Random) -> None:
        self._tree = _tree(disclosable)
        self._decoys = decoys
        self._random = random
        self._salts = _salts(random)
        self.disclosures: list[str] = []

    def top(self, claims: Claims) -> dict[str, Json]:
        """The payload members these claims become."""
        return self._object(claims, self._tree)

    def _value(self, value: Json, tree: Mapping[Any, Any]) -> Json:
        if tree and isinstance(value, dict):
            return self._object(value, tree)
        return self._array(value, tree) if tree and isinstance(value, list) else value

    def _object(self, node: Claims, tree: Mapping[Any, Any]) -> dict[str, Json]:
        packed: dict[str, Json] = {}
        hidden = []
        for name, value in node.items():
            disclosed, below = tree.get(name, _CLEAR)
            inner = self._value(value, below) if below else value
            if disclosed:
                hidden.append((next(self._salts), name, inner))
            else:
                packed[name] = inner
        if hidden:
            digests = self._digests(hidden)
            digests.sort()  # an order that has nothing to do with that of the claims (§4.2.4.1)
            packed["_sd"] = digests
        return packed

    def _array(self, node: list[Json], tree: Mapping[Any, Any]) -> list[Json]:
        disclosed, below = tree.get(None, _CLEAR)
        elements = [self._value(element, below) for element in node]
        if not disclosed:
            return elements
        return [{"...": digest} for digest in self._digests([(next(self._salts), element) for element in elements])]

    def _digests(self, hidden: Sequence[tuple[Json, ...]]) -> list[str]:
        """The digests of new disclosures, and decoys: as long as a digest, and as random (§4.2.7)."""
        encoded = [to_base64url(to_json(items)) for items in hidden]
        self.disclosures += encoded
        decoys = -len(encoded) % self._decoys if self._decoys else 0
        digests = [hashlib.sha256(text.encode("ascii")).digest() for text in encoded]
        noise = self._random(32 * decoys)
        digests += [noise[at : at + 32] for at in range(0, len(noise), 32)]
        texts = to_base64url(b"\0".join(digests))  # at one go: of each 44 characters the last is the zero byte's alone
        return [texts[at : at + 43] for at in range(0, len(texts), 44)]


_FILL: Final = ("", "AAA", "AA", "A")  # by length modulo 4


_CLEAR: Final[tuple[bool, Mapping[Any, Any]]] = (False, {})


@lru_cache(maxsize=512)  # one entry a type of credential
def _tree(paths: frozenset[Path]) -> Mapping[Any, Any]:
    """Paths as a tree of ``{component: (disclosed, below)}``."""
    tree: dict[Any, Any] = {}
    for path in sorted(paths, key=len):
        below = tree
        for component in path[:-1]:
            below = below.setdefault(component, (False, {}))[1]
        below[path[-1]] = (True, below.get(path[-1], _CLEAR)[1] or {})
    return tree


class Selection:
    """The disclosures that show some values of a held SD-JWT, and no others."""

    def __init__(self, payload: Claims, disclosures: Sequence[str]) -> None:
        self._payload = payload
        self._hash = hash_of(payload)
        self._encoded = disclosures
        self._chosen: set[str] = set()

    def add(self, path: Path) -> None:
        """Show the value at a concrete path, all of it, and what leads to it (§7.2 step 5)."""
        node: Json = self._payload
        for component in path:
            node = self._step(node, component)
        if type(node) in _NESTED:
            self._whole(node)

    def disclosures(self) -> list[str]:
        """The chosen ones, in the order the issuer sent them."""
        return [encoded for encoded in self._encoded if encoded in self._chosen]

    def _step(self, node: Json, component: str | int | None) -> Json:
        if isinstance(component, str) and isinstance(node, dict):
            return node[component] if component in node else self._member(node, component)
        if isinstance(component, int) and isinstance(node, list):
            return self._show(self._elements(node)[component])
        _not_held()

    def _member(self, node: Claims, name: str) -> Json:
        digests = node.get("_sd", ())
        for encoded in self._named(name):
            if digest(self._hash, encoded) in digests:
                disclosure = _disclosure(encoded)
                if disclosure.name == name:
                    self._chosen.add(encoded)
                    return disclosure.value
        _not_held()

    def _named(self, name: str) -> Iterator[str]:
        """All disclosures, those first that look as if they had that name."""
        wanted = _looks_named(name)
        texts, ends = self._texts
        at = texts.find(wanted)
        while at >= 0:
            yield self._encoded[bisect_right(ends, at // 3 * 4)]
            at = texts.find(wanted, at + 1)
        yield from self._encoded  # the name may be written with escapes, or with space behind it

    @cached_property
    def _texts(self) -> tuple[bytes, list[int]]:
        """What the disclosures say, for a search only, and where each ends, in characters.

        Decoded at one go, which is three times as fast: each is filled up to whole groups.
        """
        filled = [encoded + _FILL[len(encoded) % 4] for encoded in self._encoded]
        return base64url("".join(filled), "a disclosure"), list(accumulate(map(len, filled)))

    @cached_property
    def _by_digest(self) -> dict[str, _Disclosure]:
        return {digest(self._hash, encoded): _disclosure(encoded) for encoded in self._encoded}

    def _elements(self, node: list[Json]) -> list[Json | _Disclosure]:
        """The elements of an array as the holder counts them: decoys are none."""
        held = self._by_digest
        return [
            held[element["..."]] if _hidden(element) else element
            for element in node
            if not _hidden(element) or element["..."] in held
        ]

    def _show(self, element: Json | _Disclosure) -> Json:
        if not isinstance(element, _Disclosure):
            return element
        self._chosen.add(element.encoded)
        return element.value

    def _whole(self, node: Json) -> None:
        if isinstance(node, list):
            for element in self._elements(node):
                self._whole(self._show(element))
        elif isinstance(node, dict):
            for digest in node.get("_sd", ()):
                if disclosure := self._by_digest.get(digest):
                    self._whole(self._show(disclosure))
            for name in node.keys() - {"_sd"}:
                self._whole(node[name])


@lru_cache(maxsize=1024)  # the same in every copy of a kind
def _looks_named(name: str) -> bytes:
    """What stands in a disclosure of that name, as most issuers write it."""
    return to_json(name) + b","


def _hidden(element: Json) -> bool:
    return isinstance(element, dict) and "..." in element


def _not_held() -> NoReturn:
    raise UsageError("usage.argument", "a path that the credential does not have")
