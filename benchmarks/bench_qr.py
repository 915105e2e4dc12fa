"""Row 11: a text drawn as one QR code of version 20 at level M, to PNG bytes."""

from __future__ import annotations

import importlib.util
from io import BytesIO

import limits
from measure import Contender, Target, absent, interleaved, judge, ratio, show
from work import World

from ewallet import qr

TITLE = "Row 11: QR encode, version 20-M"
_LENGTH = 660  # bytes; version 20-M holds 666


def run(world: World, rounds: int) -> bool:
    """Print the table; whether what must hold holds."""
    text = world.presentations[0][:_LENGTH]
    assert qr.read(qr.png(text)) == text, "what is drawn does not read back"
    contenders = [Contender("ewallet", lambda: qr.png(text), 1, "ewallet.qr.png")]
    if importlib.util.find_spec("qrcode") is None:
        absent("qrcode", "not installed")
        return True
    contenders.insert(0, Contender(limits.LIMIT, lambda: _qrcode(text), 1, "qrcode with its defaults"))
    times = interleaved(contenders, max(3, rounds // 2))
    show(contenders, times, limits.LIMIT)
    return judge([Target("qrcode over ewallet", ratio(times, limits.LIMIT, "ewallet"), 5, 20, unit="x")])


def _qrcode(text: str) -> bytes:
    import qrcode

    picture = BytesIO()
    qrcode.make(text).save(picture)
    return picture.getvalue()
