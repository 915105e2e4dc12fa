"""The history of use (유통이력): a Merkle log whose operator cannot change, drop, reorder or hide what was written.

:mod:`tree` hashes and proves, :mod:`entry` says what is on record, :mod:`note` and :mod:`checkpoint` sign how far it
goes, :mod:`inclusion` is what leaves with a package, :mod:`log` keeps it, :mod:`witness` watches it, :mod:`tiles`
publishes it, and :mod:`audit` checks all of it. Names and wire forms are those of RFC 9162 and of C2SP (signed-note,
tlog-checkpoint, tlog-cosignature, tlog-witness, tlog-tiles).
"""

from ewallet.history.audit import Audit, Finding, check_history, export
from ewallet.history.checkpoint import Believed, Checkpoint, Cosigned, Head, key_of
from ewallet.history.entry import Commitment, Entry, Event, EventType, Outcome, commit, new_handle
from ewallet.history.inclusion import Consistency, Inclusion, Logged
from ewallet.history.log import Log, LogStore
from ewallet.history.note import Note, NoteKey
from ewallet.history.witness import Seen, Witness, WitnessState, check_newest, cosign

__all__ = [
    "Audit",
    "Believed",
    "Checkpoint",
    "Commitment",
    "Consistency",
    "Cosigned",
    "Entry",
    "Event",
    "EventType",
    "Finding",
    "Head",
    "Inclusion",
    "Log",
    "LogStore",
    "Logged",
    "Note",
    "NoteKey",
    "Outcome",
    "Seen",
    "Witness",
    "WitnessState",
    "check_history",
    "check_newest",
    "commit",
    "cosign",
    "export",
    "key_of",
    "new_handle",
]
