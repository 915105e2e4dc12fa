"""What an mdoc presentation is bound to: the SessionTranscript (ISO/IEC 18013-5 §9.1.5.1; OpenID4VP 1.0 App. B.2.6).

A transcript is the encoding of ``[DeviceEngagementBytes, EReaderKeyBytes, Handover]``; it enters what is signed as it
is, and the derivation of keys as an embedded item.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any, TypeAlias

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ewallet.credential import Binding
from ewallet.shape import base64url, byte_string, embed, text_string, to_cbor

#: What NFC exchanged instead of a QR code: the handover select message, and the request where it was negotiated.
NfcHandover: TypeAlias = tuple[bytes, bytes | None]

_NEITHER = b"\x83\xf6\xf6"  # an array of three that begins with two nulls: no engagement, no reader's key


def of_binding(binding: Binding) -> bytes:
    """The transcript of a binding: the one it brings, else the handover of the browser's API or of a redirect."""
    if binding.transcript is not None:
        return binding.transcript
    if binding.origin is not None:
        return dc_api(binding.origin, binding.nonce, binding.recipient)
    return redirect(binding.audience, binding.nonce, binding.recipient, binding.response_uri)


def redirect(client_id: str, nonce: str, recipient: str | None, response_uri: str | None) -> bytes:
    """OpenID4VP 1.0 App. B.2.6.1; a request that is handed over as a file has no ``response_uri``: null in its place.

    ``recipient`` is the thumbprint of the key that the answer is encrypted to, None where it goes in the clear.
    """
    return _handover("OpenID4VPHandover", [client_id, nonce, _thumbprint(recipient), response_uri])


def dc_api(origin: str, nonce: str, recipient: str | None) -> bytes:
    """OpenID4VP 1.0 App. B.2.6.2: the origin as the platform delivered it, without a prefix."""
    return _handover("OpenID4VPDCAPIHandover", [origin, nonce, _thumbprint(recipient)])


def proximity(device_engagement: bytes, reader_key: bytes, nfc: NfcHandover | None = None) -> bytes:
    """ISO/IEC 18013-5 §9.1.5.1: both as the encodings that were exchanged; no handover after engagement by QR."""
    handover = to_cbor(None if nfc is None else list(nfc))
    return b"\x83" + embed(device_engagement) + embed(reader_key) + handover


def mac_key(secret: bytes, transcript: bytes) -> bytes:
    """EMacKey of ISO/IEC 18013-5 §9.1.3.5, from the secret that device key and reader's key agree on."""
    return key(secret, transcript, b"EMacKey")


def key(secret: bytes, transcript: bytes, info: bytes) -> bytes:
    """A key of ISO/IEC 18013-5 §9.1.1.5 or §9.1.3.5, by its name, for the session of that transcript."""
    return HKDF(hashes.SHA256(), 32, sha256(embed(transcript)).digest(), info).derive(secret)


def _thumbprint(recipient: str | None) -> bytes | None:
    return None if recipient is None else base64url(recipient, "a thumbprint")


def _handover(name: str, info: list[Any]) -> bytes:
    return _NEITHER + b"\x82" + text_string(name) + byte_string(sha256(to_cbor(info)).digest())
