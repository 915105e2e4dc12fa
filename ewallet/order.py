"""An order for a certificate: carried out once, however often it is placed, and whoever crashes meanwhile.

A wallet that got no answer asks again. What it then gets is what was issued for the order, sealed until it is over with
a key that only those have who placed it; nothing more is issued. An order that a crash left between intent and
completion is taken up by the next who places it: the intent is given up then, and if its process lives after all, that
process cannot complete it any more.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from ewallet.errors import AlreadyUsed, NotFound

if TYPE_CHECKING:  # few orders leave one, and what it takes is loaded by those who do
    from ewallet.trace import Trace


@dataclass(frozen=True, kw_only=True)
class Order:
    """What a certificate is issued for.

    ``digest`` names it, ``holders`` is a digest of the keys. ``once`` are digests that may not come again before their
    time: they are used up with the intent, or if the order was carried out before. ``seal`` makes of the certificate's
    id and its copies what is kept until ``until`` for those who place it again. In the transaction that completes the
    certificate ``trace`` is put on record, and it is seen that nobody has ended any of ``unless``.
    """

    digest: bytes
    holders: bytes
    once: Mapping[bytes, datetime]
    until: datetime
    seal: Callable[[str, Sequence[str]], bytes] = field(repr=False)
    trace: Trace | None = None
    unless: frozenset[bytes] = frozenset()

    def check_lasting(self, ended: Container[bytes]) -> None:
        """Return if none of what it is placed under is over; :class:`NotFound`."""
        if any(digest in ended for digest in self.unless):
            raise NotFound("storage.not_found", "what the order was placed under has been ended")


class RepeatedError(AlreadyUsed):
    """Nothing was issued: the digests ``used`` came before, or none did, and the order had been carried out.

    ``sealed`` is what was kept of it, ``holders`` the keys for which it was.
    """

    def __init__(self, *, used: frozenset[bytes] = frozenset(), sealed: bytes = b"", holders: bytes = b"") -> None:
        super().__init__("storage.already_used", "an order that was carried out, or something in it that was used")
        self.used = used
        self.sealed = sealed
        self.holders = holders
