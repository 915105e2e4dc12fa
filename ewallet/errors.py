"""Every exception this library raises on purpose, and the words that go with it.

::

    EWalletError              one stable ``code`` each; the closed table is in :mod:`ewallet.codes`
    ├─ UsageError             we were called wrongly (also a ``ValueError``)
    ├─ ProtocolError          the peer broke the protocol, or is not who it says
    │  └─ Restricted          issuing to whoever asks is forbidden
    ├─ Malformed              bytes that are not what they claim to be, or too many of them
    ├─ VerificationError      evidence that does not hold; one class per rung of the ladder
    │  ├─ TrustError          issuer
    │  ├─ CryptoError         signature
    │  ├─ DisclosureError     disclosures
    │  ├─ BindingError        holder
    │  ├─ ValidityError       validity
    │  ├─ QueryError          query
    │  ├─ StatusError         status
    │  ├─ PolicyError         policy
    │  └─ ConsentError        a consent is missing, over, or does not cover the request
    ├─ StoreError             what is kept cannot be read or written
    │  ├─ NotFound
    │  └─ AlreadyUsed
    └─ TransportError         the network failed us

Details say what was found and what was expected, in lower case, and never carry a claim value, token, key or
personal number. Anything else that escapes this library is a bug.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Literal

from ewallet.codes import TABLE, Words

Language = Literal["ko", "en"]


class EWalletError(Exception):
    """The root: ``code`` is one of :data:`ewallet.codes.TABLE`, ``detail`` is for developers and may be empty.

    ``members`` are the names of the credentials of a query that it is about, where it is about some of several;
    ``extensions`` what its problem document says besides (RFC 9457 §3.2).
    """

    families: ClassVar[tuple[str, ...]] = ("internal",)
    members: tuple[str, ...] = ()
    extensions: Mapping[str, Any] = MappingProxyType({})

    def __init__(self, code: str, detail: str = "") -> None:
        if code not in TABLE or code.partition(".")[0] not in self.families:
            raise LookupError(f"{type(self).__name__} has no code {code!r}")
        super().__init__(code, detail)
        self.code = code
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}" if self.detail else self.code

    def words(self, language: Language = "en") -> Words:
        """What happened and what to do about it, for people, in Korean or English."""
        return words(self.code, language)


class UsageError(EWalletError, ValueError):
    """The caller asked for something this library cannot do."""

    families = ("usage", "issue")


class ProtocolError(EWalletError):
    """The peer's message breaks the protocol, or the peer is not who it claims to be.

    On the wire it is the OAuth or OpenID ``error`` of its row, with that HTTP status and those headers.
    """

    families: ClassVar[tuple[str, ...]] = ("request", "offer", "access", "session")

    def __init__(
        self,
        code: str,
        detail: str = "",
        *,
        error: str = "invalid_request",
        status: int = 400,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(code, detail)
        self.error = error
        self.status = status
        self.headers = dict(headers or {})


class Restricted(ProtocolError):
    """The records forbid issuing this to whoever asks; why, and since when, is never said."""

    families = ("issue",)

    def __init__(self, code: str = "issue.restricted", detail: str = "issuance_restricted") -> None:
        super().__init__(code, detail, error="credential_request_denied")


class Malformed(EWalletError):
    """Bytes that are not what they claim to be, or that exceed a limit."""

    families = ("malformed", "limit")


class VerificationError(EWalletError):
    """Evidence that does not hold."""


class TrustError(VerificationError):
    """The chain does not end in an anchor trusted for this purpose, type and time."""

    families = ("trust",)


class CryptoError(VerificationError):
    """An algorithm, key, signature or encryption that is not acceptable."""

    families = ("crypto",)


class DisclosureError(VerificationError):
    """A disclosed value is not one the issuer signed, once."""

    families = ("sdjwt", "mdoc", "paper")


class BindingError(VerificationError):
    """The presentation was not made by the bound key, for this audience and nonce, just now."""

    families = ("kb", "mdoc", "replay")


class ValidityError(VerificationError):
    """The credential is not valid at this time."""

    families = ("time",)


class QueryError(VerificationError):
    """The answer is not what was asked, or the question itself is not DCQL."""

    families = ("dcql",)


class StatusError(VerificationError):
    """The status is not valid, or cannot be known."""

    families = ("status",)


class PolicyError(VerificationError):
    """The relying party does not want it."""

    families = ("policy", "receipt", "log")


class ConsentError(VerificationError):
    """A consent is missing, over, or does not cover the request."""

    families = ("consent",)


class StoreError(EWalletError):
    """What is kept cannot be read or written."""

    families = ("storage",)


class NotFound(StoreError):
    """Nothing is kept under that identifier."""


class AlreadyUsed(StoreError):
    """It could be taken once, and has been."""


class TransportError(EWalletError):
    """The network failed us, or must not be used for this."""

    families = ("fetch",)


def words(code: str, language: Language = "en") -> Words:
    """The text and remedy of a code in one language; ``LookupError`` for a code outside the table."""
    return TABLE[code][language]


#: Our own material is missing or stale: the answer is "cannot tell", neither yes nor no.
UNDECIDED = frozenset(
    {
        "status.unavailable",
        "status.stale",
        "status.missing",
        "status.token_invalid",
        "status.uri_mismatch",
        "trust.revocation_unknown",
        "policy.subject_unknown",
        "policy.joint_missing",
        "fetch.blocked",
        "fetch.redirect",
        "fetch.timeout",
        "fetch.unavailable",
    }
)
