"""What a look at somebody's data leaves behind: an entry in the log of use, and a notice to the person.

Both are put on record in the transaction of whatever the look was for, so that there is neither without the other.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ewallet.history.entry import Event


@dataclass(frozen=True, kw_only=True)
class Happened:
    """An event for the log, and sealed for the person, what it commits to and the key that shows it."""

    event: Event
    opening: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class NoticeRow:
    """What a person is told about one look at their data."""

    handle: str
    id: str
    sealed: bytes = field(repr=False)
    seq: int = -1


@dataclass(frozen=True, kw_only=True)
class Trace:
    """One look at the data of a person, ready to be put on record."""

    subject: str
    happened: Happened
    notice: NoticeRow
