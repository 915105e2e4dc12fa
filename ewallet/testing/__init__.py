"""What the tests of those who build on this library need.

A small PKI, a virtual clock, issuer, wallet and verifier in memory, and peers that misbehave on demand; pytest loads
the fixtures as its plugin ``ewallet``. Nothing here belongs into a program that serves people: the keys are made on
the spot and the people are invented. Names are loaded when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from ewallet.testing.clock import Clock as Clock
    from ewallet.testing.clock import Entropy as Entropy
    from ewallet.testing.kit import Kit as Kit
    from ewallet.testing.network import Network as Network
    from ewallet.testing.pki import Pki as Pki

_HOME: Final = {"Clock": "clock", "Entropy": "clock", "Kit": "kit", "Network": "network", "Pki": "pki"}
__all__ = [*_HOME]  # noqa: PLE0604 - strings all of them


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
