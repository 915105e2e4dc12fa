"""Receipts of consent, whose two halves the holder and the recipient sign (ISO/IEC TS 27560).

:mod:`receipt` puts the halves together and checks them, :mod:`countersignature` is what whoever asked signs of each
event, :mod:`taken` what a portal's recipient signs of each package, :mod:`dpv` says the same in the terms of the Data
Privacy Vocabulary.
"""

from ewallet.receipt.receipt import WITHDRAWAL, Countersigner, Receipt, verify

__all__ = ["WITHDRAWAL", "Countersigner", "Receipt", "verify"]
