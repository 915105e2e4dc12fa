"""Files that people name, read without surprises: regular ones only, whole, and never more than a limit."""

from __future__ import annotations

import os
import stat
import sys
from datetime import datetime
from typing import BinaryIO, Final

from ewallet.errors import CryptoError, Malformed, StoreError, UsageError
from ewallet.keys import PublicKey
from ewallet.shape import MAX_DOCUMENT
from ewallet.trust import TrustList, TrustVersions

STDIN: Final = "-"
_SECRET: Final = 4096  # bytes of a passphrase file


def read(name: str, *, limit: int = MAX_DOCUMENT, what: str = "the file") -> bytes:
    """The bytes of a file, or of standard input for ``-``.

    A folder, a device, a pipe with a name and an empty file are refused: ``usage.file``; a file with more bytes than
    the limit is not read at all: :class:`Malformed` with ``limit.size``.
    """
    if name == STDIN:
        return _whole(sys.stdin.buffer, limit, what)
    with _opened(name, what) as file:
        if os.fstat(file.fileno()).st_size > limit:
            raise _too_large(what, limit)
        return _whole(file, limit, what)


def stream(name: str, *, limit: int, what: str) -> BinaryIO:
    """As :func:`read`, to be read piece by piece; standard input has no limit then."""
    if name == STDIN:
        return sys.stdin.buffer
    file = _opened(name, what)
    if os.fstat(file.fileno()).st_size > limit:
        file.close()
        raise _too_large(what, limit)
    return file


def read_own(name: str, *, limit: int = MAX_DOCUMENT, what: str) -> bytes:
    """As :func:`read`, for a file that is ours to get right: too large is ``usage.file`` as well."""
    try:
        return read(name, limit=limit, what=what)
    except Malformed as exc:
        raise UsageError("usage.file", exc.detail) from None


def read_secret(name: str, *, what: str) -> str:
    """The first line of a file that only its owner may read; ``storage.loose_mode``, ``usage.file``."""
    if name != STDIN and os.name == "posix":
        with _opened(name, what) as file:
            mode = os.fstat(file.fileno()).st_mode
        if mode & 0o077:
            raise StoreError("storage.loose_mode", f"{what} has mode {mode & 0o777:04o}, expected 0600")
    try:
        return read_own(name, limit=_SECRET, what=what).decode("utf-8").splitlines()[0]
    except UnicodeDecodeError:
        raise UsageError("usage.file", f"{what} is not utf-8") from None


def read_trust(name: str, key: str, at: datetime, versions: TrustVersions) -> TrustList:
    """The trust list of a file, signed by the key of another and none older than one seen.

    Raises ``usage.*``, ``trust.list_*``.
    """
    operator = read_operator(key)
    return TrustList.read_newest(read_own(name, what="the trust list"), operator, at=at, versions=versions)


def read_operator(name: str) -> PublicKey:
    """The key of whoever signs trust lists, PEM or JWK; ``usage.*``."""
    return read_key(name, what="the key of the trust list")


def read_key(name: str, *, what: str) -> PublicKey:
    """A public key, PEM or JWK; ``usage.*``."""
    try:
        return PublicKey.read(read_own(name, limit=1 << 16, what=what))
    except (CryptoError, Malformed) as exc:
        raise UsageError("usage.configuration", f"{what}: {exc}") from None


def _opened(name: str, what: str) -> BinaryIO:
    try:
        # without O_NONBLOCK, opening a pipe with a name waits for somebody to write to it
        handle = os.open(name, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError as exc:
        raise UsageError("usage.file", f"{what} cannot be read: {_reason(exc)}") from None
    except ValueError:
        raise UsageError("usage.file", f"{what} has a name that no file has") from None
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise UsageError("usage.file", f"{what} is not a regular file")
    return os.fdopen(handle, "rb")


def _reason(exc: OSError) -> str:
    return (exc.strerror or "no reason given").lower()


def _whole(file: BinaryIO, limit: int, what: str) -> bytes:
    try:
        raw = file.read(limit + 1)
    except OSError as exc:
        raise UsageError("usage.file", f"{what} cannot be read: {_reason(exc)}") from None
    if len(raw) > limit:
        raise _too_large(what, limit)
    if not raw:
        raise UsageError("usage.file", f"{what} is empty")
    return raw


def _too_large(what: str, limit: int) -> Malformed:
    return Malformed("limit.size", f"{what} has more than {limit} bytes")
