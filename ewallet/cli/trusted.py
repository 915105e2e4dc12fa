"""The trust list that a wallet keeps beside its file, with the key of its operator: the newest that was named."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from ewallet.files import read_operator, read_own
from ewallet.keys import PublicKey
from ewallet.trust import TrustList


@dataclass(frozen=True)
class KeptTrust:
    """Two files in the wallet's folder, if there are any."""

    folder: Path

    @property
    def list(self) -> Path:
        """The list as it was signed."""
        return self.folder / "trust-list.jwt"

    @property
    def key(self) -> Path:
        """The operator's key."""
        return self.folder / "trust-key"

    def version(self, operator: PublicKey) -> int:
        """The version of the list that is kept, in force or not; 0 where there is none of that operator."""
        if not self.list.exists() or read_operator(str(self.key)).thumbprint != operator.thumbprint:
            return 0
        return TrustList.read_version(read_own(str(self.list), what="the trust list of the wallet"), operator)

    def keep(self, list_: bytes, key: bytes) -> None:
        """Keep a list, once it has been read, in place of the one before."""
        _replace(self.key, key)
        _replace(self.list, list_)


def _replace(path: Path, raw: bytes) -> None:
    """The whole file or, where the machine fails in between, the one before."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(raw)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
