"""QR codes as files: drawn for whoever reads them, downloaded from a page, awaited where a command draws them."""

from __future__ import annotations

import subprocess
from time import monotonic, sleep
from typing import Final

from ewallet import qr
from ewallet.errors import Malformed
from ewallet.links import scanned
from issuer_service.demo.browser import Browser, Page, expect
from issuer_service.demo.stage import Stage

_PICTURE: Final = 60.0  # seconds until a command has drawn its QR code
_GLANCE: Final = 0.05


def drawn(stage: Stage, link: str, name: str) -> str:
    """A link as a picture of its QR code."""
    picture = stage.path(f"{name}.png")
    qr.png(link, picture)
    return str(picture)


def downloaded(stage: Stage, browser: Browser, page: Page, name: str) -> str:
    """The picture of the QR code on a page, which holds the same link as the page."""
    expect(bool(page.picture), "no QR code on the page")
    picture = stage.path(f"{name}.png")
    picture.write_bytes(browser.download(page.picture.removesuffix(".svg") + ".png"))
    expect(scanned(qr.read(picture.read_bytes())) == page.link, "the QR code and the link of the page differ")
    return str(picture)


def await_picture(stage: Stage, name: str, clerk: subprocess.Popen[str]) -> str:
    """The picture that a command draws, when its code is there and can be read."""
    picture, end = stage.path(f"{name}.png"), monotonic() + _PICTURE
    while monotonic() < end and clerk.poll() is None:
        try:
            qr.read(picture.read_bytes())
        except (OSError, Malformed):
            sleep(_GLANCE)
        else:
            return str(picture)
    expect(clerk.poll() is not None, "no QR code was drawn")
    return str(picture)  # the command has ended: what it said is told by whoever finishes it
