"""A file that is the old one or the new one at every moment, and on disk when whoever asked for it goes on."""

from __future__ import annotations

import os
from pathlib import Path


def replace_durably(path: Path, raw: bytes, *, mode: int = 0o644) -> None:
    """Put these bytes in the place of the file, which need not be there yet."""
    new = path.with_name(f"{path.name}.new")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
        file.write(raw)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Have a new name, or that one is gone, on disk, too; Windows has no such thing, and does not open folders."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
