"""COSE_Sign1 and COSE_Mac0 (RFC 9052), keys and certificate chains in CBOR (RFC 9053, RFC 9360), strict on read.

Section numbers without a document are those of RFC 9052.

Rules of this file: only the protected header names the algorithm; what is verified are the protected header and the
payload exactly as they were received.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from hmac import compare_digest, digest
from typing import Any, Final, NamedTuple

from ewallet.errors import CryptoError
from ewallet.keys import PublicKey, Signer
from ewallet.shape import MAX_CERTIFICATE, MAX_CHAIN, byte_string, cbor, refuse, to_cbor

#: Signature algorithms by number, those of RFC 9864 too, with the JOSE name of the key each is used with.
ALGORITHMS: Final[Mapping[int, str]] = {
    -7: "ES256",
    -9: "ES256",
    -35: "ES384",
    -51: "ES384",
    -36: "ES512",
    -52: "ES512",
    -8: "EdDSA",
    -19: "EdDSA",
}
#: The number that stands in what we sign, by the JOSE name of the key.
NUMBERS: Final[Mapping[str, int]] = {"ES256": -7, "ES384": -35, "ES512": -36, "EdDSA": -8}
HMAC_256: Final = 5

_ALG, _CRIT, _X5CHAIN = 1, 2, 33
_SIGN1_TAG: Final = b"\xd2"  # 18, and 17 for a MAC: optional where the context says what it is (§2)
_MAC0_TAG: Final = b"\xd1"
_LABELS: Final = frozenset({int, str})  # §1.4
_SIGNATURES, _MACS = frozenset(ALGORITHMS), frozenset({HMAC_256})
_CURVES: Final = {1: "P-256", 2: "P-384", 3: "P-521", 6: "Ed25519"}  # RFC 9053 §7.1
_CURVE_NUMBERS: Final = {name: number for number, name in _CURVES.items()}

Header = Mapping[Any, Any]


class Sign1(NamedTuple):  # made in a third of the time of a frozen dataclass
    """A COSE_Sign1 taken apart, nothing of it believed: ``protected`` exactly as received."""

    header: Header
    unprotected: Header
    protected: bytes
    payload: bytes | None
    signature: bytes

    def __repr__(self) -> str:
        return f"Sign1(alg={self.header[_ALG]!r})"

    @classmethod
    def of(cls, value: Any, what: str) -> Sign1:
        """The message of an array that stands inside another item; ``malformed.*``, ``crypto.*``."""
        return cls(*_parts(value, what, _SIGNATURES))

    @classmethod
    def parse(cls, raw: bytes, what: str) -> Sign1:
        """The message of its encoding, tagged or not; ``malformed.*``, ``limit.*``, ``crypto.*``."""
        return cls.of(cbor(raw.removeprefix(_SIGN1_TAG), what), what)

    @property
    def alg(self) -> str:
        """The JOSE name of the algorithm."""
        return ALGORITHMS[self.header[_ALG]]

    @property
    def chain(self) -> tuple[bytes, ...]:
        """The DER certificates of ``x5chain``, leaf first (RFC 9360 §2), or none; ``malformed.cose``, ``limit.*``."""
        return _chain(self.header.get(_X5CHAIN, self.unprotected.get(_X5CHAIN)))

    def verify(self, key: PublicKey, payload: bytes | None = None, *, aad: bytes = b"") -> None:
        """Return if the key signed it, or the detached payload (§4.4).

        Raises ``crypto.alg_not_allowed`` where the header names another algorithm than that of the key,
        ``crypto.signature_invalid``, or ``malformed.cose`` where the payload is both inside and detached, or neither.
        """
        if self.alg != key.alg:
            raise CryptoError("crypto.alg_not_allowed", "the header's alg is not that of the key")
        key.verify(self.signature, to_be_signed(self.protected, _only(self.payload, payload), aad))


class Mac0(NamedTuple):
    """A COSE_Mac0 taken apart, nothing of it believed: ``protected`` exactly as received."""

    header: Header
    unprotected: Header
    protected: bytes
    payload: bytes | None
    tag: bytes

    def __repr__(self) -> str:
        return f"Mac0(alg={self.header[_ALG]!r})"

    @classmethod
    def of(cls, value: Any, what: str) -> Mac0:
        """The message of an array that stands inside another item; ``malformed.*``, ``crypto.*``."""
        return cls(*_parts(value, what, _MACS))

    @classmethod
    def parse(cls, raw: bytes, what: str) -> Mac0:
        """The message of its encoding, tagged or not; ``malformed.*``, ``limit.*``, ``crypto.*``."""
        return cls.of(cbor(raw.removeprefix(_MAC0_TAG), what), what)

    def verify(self, key: bytes, payload: bytes | None = None, *, aad: bytes = b"") -> None:
        """Return if the tag was made with that key, over the payload or a detached one (§6.3).

        Raises ``crypto.signature_invalid``, or ``malformed.cose`` as :meth:`Sign1.verify`.
        """
        if not compare_digest(self.tag, mac(key, self.protected, _only(self.payload, payload), aad)):
            raise CryptoError("crypto.signature_invalid", "the tag is not this key's over this text")


def _only(attached: bytes | None, detached: bytes | None) -> bytes:
    payload = detached if attached is None else attached
    if payload is None or (attached is not None and detached is not None):
        refuse("malformed.cose", "a payload that is neither inside nor detached, or both")
    return payload


def _parts(value: Any, what: str, algorithms: frozenset[int]) -> tuple[Header, Header, bytes, bytes | None, bytes]:
    if type(value) is not list or len(value) != 4:
        refuse("malformed.cose", f"{what} is not an array of four")
    protected, unprotected, payload, proof = value
    if type(protected) is not bytes or type(unprotected) is not dict or type(proof) is not bytes:
        refuse("malformed.cose", f"{what} has a header, signature or tag of another kind")
    if payload is not None and type(payload) is not bytes:
        refuse("malformed.cose", f"{what} has a payload of another kind than bytes or null")
    header = _header(protected, algorithms)
    _check_labels(unprotected)
    if _CRIT in unprotected:
        raise CryptoError("crypto.crit_unsupported", "the header has critical extensions, expected none")
    if not header.keys().isdisjoint(unprotected):
        refuse("malformed.cose", f"{what} has a header parameter both protected and not")
    return header, unprotected, protected, payload, proof


@lru_cache(maxsize=256)  # an issuer's protected header is the same bytes for everything it signs
def _header(protected: bytes, algorithms: frozenset[int]) -> Header:
    header = cbor(protected, "the protected header") if protected else {}
    if type(header) is not dict:
        refuse("malformed.cose", "the protected header is no map")
    _check_labels(header)
    alg = header.get(_ALG)
    if type(alg) is not int or alg not in algorithms:
        raise CryptoError("crypto.alg_not_allowed", "no protected alg, or none that is allowed here")
    if _CRIT in header:  # §3.1: this library understands no extension
        raise CryptoError("crypto.crit_unsupported", "the header has critical extensions, expected none")
    return header


def _check_labels(header: Header) -> None:
    """§1.4: a label is a number or a text; true, or 1.0, would be found where 1 is looked for."""
    if not _LABELS.issuperset(map(type, header)):
        refuse("malformed.cose", "a header with a label that is neither a number nor a text")


def _chain(x5chain: Any) -> tuple[bytes, ...]:
    if x5chain is None:
        return ()
    chain = tuple(x5chain) if type(x5chain) is list else (x5chain,)
    if len(chain) > MAX_CHAIN:
        refuse("limit.count", f"x5chain has {len(chain)} certificates, at most {MAX_CHAIN} are read")
    if not chain or any(type(der) is not bytes for der in chain):
        refuse("malformed.cose", "x5chain is no byte string, nor an array of some")
    if any(len(der) > MAX_CERTIFICATE for der in chain):
        refuse("limit.size", "a certificate of x5chain is too long")
    return chain


# What we write.


@lru_cache(maxsize=16)
def protected(alg: str) -> bytes:
    """The protected header that names a key's algorithm, by its JOSE name, and nothing else."""
    return to_cbor({_ALG: NUMBERS[alg]})


def unprotected(chain: tuple[bytes, ...]) -> dict[int, bytes | list[bytes]]:
    """The unprotected header with the certificates, leaf first, if there are any (RFC 9360 §2)."""
    return {_X5CHAIN: chain[0] if len(chain) == 1 else list(chain)} if chain else {}


@lru_cache(maxsize=256)  # an issuer's certificates are the same in everything it signs
def certified(chain: tuple[bytes, ...]) -> bytes:
    """The encoding of :func:`unprotected`."""
    return to_cbor(unprotected(chain))


def sign1(payload: bytes, signer: Signer, header: Mapping[int, Any]) -> bytes:
    """A tagged COSE_Sign1 with those protected parameters beside ``alg``, and the signer's certificates (§4.2)."""
    named = to_cbor({_ALG: NUMBERS[signer.public.alg], **header})
    signature = signer.sign(to_be_signed(named, payload))
    return _SIGN1_TAG + assemble(named, certified(signer.chain), payload, signature)


def assemble(protected: bytes, unprotected: bytes, payload: bytes | None, proof: bytes) -> bytes:
    """A message without its tag, of encoded headers, the payload None where it is detached (§4.2, §6.2)."""
    content = b"\xf6" if payload is None else byte_string(payload)
    return b"\x84" + byte_string(protected) + unprotected + content + byte_string(proof)


def to_be_signed(protected: bytes, payload: bytes, aad: bytes = b"") -> bytes:
    """The ``Sig_structure`` of a COSE_Sign1 (§4.4)."""
    return b"\x84\x6aSignature1" + byte_string(protected) + byte_string(aad) + byte_string(payload)


def mac(key: bytes, protected: bytes, payload: bytes, aad: bytes = b"") -> bytes:
    """The HMAC 256/256 tag of a COSE_Mac0 (§6.3)."""
    return digest(key, to_cbor(["MAC0", protected, aad, payload]), "sha256")


def key_of(members: Any) -> PublicKey:
    """The public key of a COSE_Key (RFC 9053 §7); ``malformed.cose``, ``crypto.key_invalid``."""
    if type(members) is not dict:
        refuse("malformed.cose", "a cose_key that is no map")
    _check_labels(members)
    kty, crv, x, y = members.get(1), members.get(-1), members.get(-2), members.get(-3)
    if type(kty) is not int or type(crv) is not int or crv not in _CURVES:
        raise CryptoError("crypto.key_invalid", "a cose_key of another kty or crv")
    if -4 in members or kty != (1 if crv == 6 else 2):
        raise CryptoError("crypto.key_invalid", "a cose_key with private members, or of another kty or crv")
    if type(x) is not bytes or type(y) is not (bytes if kty == 2 else type(None)):
        raise CryptoError("crypto.key_invalid", "a cose_key whose coordinates are not there, or not whole")
    key = PublicKey.of_point(_CURVES[crv], x, y or b"")
    if 3 in members and (type(members[3]) is not int or ALGORITHMS.get(members[3]) != key.alg):
        raise CryptoError("crypto.key_invalid", "a cose_key whose alg is not that of its curve")
    return key


def cose_key(key: PublicKey) -> dict[int, Any]:
    """The COSE_Key of a public key, with its required members only, in the order of their encoding."""
    crv, x, y = key.point
    members: dict[int, Any] = {1: 2 if y else 1, -1: _CURVE_NUMBERS[crv], -2: x}
    return members | {-3: y} if y else members
