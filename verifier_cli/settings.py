"""What the command is set to: a flag, else ``EWALLET_*``, else ``./ewallet.toml``, else the user's, else a default.

A file's settings stand in its table ``[verifier]``; paths in it are relative to the file. What makes a verdict laxer is
set by a flag only, where whoever runs the command sees it. ``./ewallet.toml`` may have come with what is to be judged:
it sets what changes no verdict, and nothing else.
"""

from __future__ import annotations

import os
import tomllib
from argparse import Namespace
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from ewallet.errors import UsageError

_MAX: Final = 1 << 16
_LARGEST: Final = 999_999_999  # as of the flags
_HERE: Final = "ewallet.toml"
_HARMLESS: Final = frozenset({"lang", "max_bytes"})
_PATHS: Final = frozenset({"api_key_file", "chain", "signer", "tls_cert", "tls_key", "trust", "trust_key"})
_KINDS: Final[Mapping[str, type]] = {
    "api_key_file": str,
    "audience": str,
    "chain": str,
    "lang": str,
    "limits": str,
    "listen": str,
    "max_age": int,
    "max_bytes": int,
    "offline": bool,
    "proxies": int,
    "server": str,
    "signer": str,
    "state": str,
    "tls_cert": str,
    "tls_key": str,
    "trust": str,
    "trust_key": str,
    "url": str,
}
_TRUE: Final = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}


class Settings:
    """The settings of one run; each is looked up when it is asked for, and the files are read once."""

    def __init__(self, flags: Namespace, environment: Mapping[str, str] = os.environ) -> None:
        self._flags = vars(flags)
        self._environment = environment
        self._tables = [_table(path) for path in _files(environment)]

    def get(self, name: str) -> Any:
        """The value from the first place that has one, or None; ``usage.configuration`` for one of another kind."""
        flag = self._flags.get(name)
        if flag is not None and flag is not False:
            return flag
        text = self._environment.get(f"EWALLET_{name.upper()}")
        if text:
            return _of_text(name, text)
        return next((table[name] for table in self._tables if name in table), None)

    def required(self, name: str) -> str:
        """The same, and it must be set; ``usage.configuration``."""
        value = self.get(name)
        if value is None:
            flag = "--" + name.replace("_", "-")
            raise UsageError("usage.configuration", f"{flag} is missing, and so is EWALLET_{name.upper()}")
        return str(value)


def _files(environment: Mapping[str, str]) -> Iterator[Path]:
    yield Path(_HERE)
    if os.name == "nt":
        home = environment.get("APPDATA")
    else:
        home = environment.get("XDG_CONFIG_HOME") or (f"{environment['HOME']}/.config" if "HOME" in environment else "")
    if home and Path(home).is_absolute():  # else it is to be ignored (XDG Base Directory Specification)
        yield Path(home) / "ewallet" / "config.toml"


def _table(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    table = _document(path).get("verifier", {})
    if not isinstance(table, dict) or not table.keys() <= _KINDS.keys():
        raise UsageError("usage.configuration", f"{path.name} has a setting that does not exist in [verifier]")
    if path == Path(_HERE):
        _refuse_beliefs(table)
    for name, value in table.items():
        if type(value) is not _KINDS[name] or (type(value) is int and not 0 <= value <= _LARGEST):
            raise UsageError("usage.configuration", f"{path.name} has a value of another kind for {name}")
    return {name: str(path.parent / value) if name in _PATHS else value for name, value in table.items()}


def _refuse_beliefs(table: Mapping[str, Any]) -> None:
    for name in sorted(table.keys() - _HARMLESS):
        flag = "--" + name.replace("_", "-")
        places = f"expected {flag}, EWALLET_{name.upper()} or config.toml of the user's configuration folder"
        raise UsageError("usage.configuration", f"{_HERE} of the working folder sets {name}, {places}")


def _document(path: Path) -> dict[str, Any]:
    from ewallet.files import read_own

    try:
        return tomllib.loads(read_own(str(path), limit=_MAX, what=path.name).decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError):
        raise UsageError("usage.configuration", f"{path.name} is not toml") from None


def _of_text(name: str, text: str) -> Any:
    kind = _KINDS.get(name, str)
    if kind is str:
        return text
    if kind is bool and text.lower() in _TRUE:
        return _TRUE[text.lower()]
    if kind is int and text.isascii() and text.isdigit() and len(text) < 10:
        return int(text)
    raise UsageError("usage.configuration", f"EWALLET_{name.upper()} has a value of another kind")
