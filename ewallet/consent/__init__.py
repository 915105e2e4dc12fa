"""Consent (동의): what a person agrees to, and the request on which they do.

:mod:`record` says it whole, in words and for machines; :mod:`consenting` asks for it beside an answer, and is the
wallet's rule for what nobody should confirm.
"""

from ewallet.consent.item import ConsentItem, Question, provided
from ewallet.consent.record import (
    MAX_DAYS,
    TRANSACTION,
    Choice,
    Consent,
    Party,
    Road,
    item_of,
)

__all__ = [
    "MAX_DAYS",
    "TRANSACTION",
    "Choice",
    "Consent",
    "ConsentItem",
    "Party",
    "Question",
    "Road",
    "item_of",
    "provided",
]
