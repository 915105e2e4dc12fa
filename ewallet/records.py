"""Where claims come from: the registers of the agencies, as an issuer sees them.

A source of records may know the connecting information (CI, 연계정보) of people besides. It is told to the issuer only,
who makes references of it (:mod:`ewallet.subject`); it is no claim, and is neither kept nor logged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol, TypeGuard, runtime_checkable

from ewallet import subject as subjects
from ewallet.credential import Claims

if TYPE_CHECKING:  # the catalogue and the log are for those who answer
    from ewallet.catalog import Rule
    from ewallet.trace import Trace


@dataclass(frozen=True)
class Pending:
    """A record that is not ready yet; ask again after that time."""

    interval: timedelta


class Records(Protocol):
    """Where claims come from; one that knows people's CI is :class:`PersonRecords`."""

    def claims(self, subject: str, type_id: str) -> Claims | Pending:
        """The record as it stands now; :class:`NotFound` where there is none, :class:`Restricted` where it forbids."""


@runtime_checkable
class PersonRecords(Records, Protocol):
    """Records whose subjects are people with connecting information."""

    def ci(self, subject: str) -> bytes | None:
        """The 64 bytes of whoever that is; None for those who have none, as companies."""


class AnsweringRecords(Records, Protocol):
    """Records that also answer rules, each under :attr:`ewallet.catalog.eligibility.Rule.asked`, and never unseen."""

    @property
    def rules(self) -> Sequence[Rule]:
        """The rules that are answered."""

    def trace(self, subject: str, type_id: str) -> Trace | None:
        """What is put on record with an answer; None for what is none. :class:`NotFound` while data is deleted."""


def rules(records: Records) -> Sequence[Rule]:
    """The rules that these records answer, most of them none."""
    return records.rules if _are_answering(records) else ()


def trace(records: Records, subject: str, type_id: str) -> Trace | None:
    """What is put on record with that record, where it is an answer."""
    return records.trace(subject, type_id) if _are_answering(records) else None


@runtime_checkable
class EndingRecords(Protocol):
    """Records some of which may end while something is issued from them."""

    def endings(self, subject: str) -> frozenset[bytes]:
        """The digests that are taken with the end of it (:attr:`ewallet.order.Order.unless`)."""


def endings(records: Records, subject: str) -> frozenset[bytes]:
    """What must not have ended when something is issued to that subject; most of the time nothing."""
    return records.endings(subject) if isinstance(records, EndingRecords) else frozenset()


def _are_answering(records: Records) -> TypeGuard[AnsweringRecords]:
    """By their members; ``isinstance`` would look through the whole protocol for each record that is asked for."""
    return hasattr(records, "trace") and hasattr(records, "rules")


def references(records: Records, subject: str, salts: Mapping[str, bytes]) -> Mapping[str, str]:
    """A reference to the subject for each salt; none where the records know no CI. ``issue.invalid_value``."""
    if not salts or not isinstance(records, PersonRecords):
        return {}
    return subjects.references(salts, records.ci(subject))
