"""Showing an mdoc at close range, without a radio (ISO/IEC 18013-5 §8, §9.1): what an app puts on BLE or NFC.

A holder's device shows a code (:class:`Engagement`), a reader asks (:class:`Reader`), the device answers
(:class:`Holder`). Both are given bytes and give bytes; they open no sockets and read no clock. The wallet decides what
leaves and the verifier what is believed, as over the wire.
"""

from ewallet.proximity.engagement import Engagement, Method
from ewallet.proximity.holder import Asked, Ended, Holder
from ewallet.proximity.reader import Answered, Declined, Reader

__all__ = ["Answered", "Asked", "Declined", "Ended", "Engagement", "Holder", "Method", "Reader"]
