"""What a PDF says, read by PDFium, which had no part in making it."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO

import pypdfium2
import pytest

from ewallet.paper import Form

HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "#strong[x] $x^2$ = a *b* _c_ @d <e> `f` \\ // /* \" ' #{sys.inputs}",
    "a\u202eb\u200bc\x00\x1b[31m\r\n\u2028",
    "\u1112\u1161\u11ab\u1100\u1173\u11af",
    "\U0001f600\u0301\u05e9\ufeff\ue000",
    "홍길동 " * 2_500,
    "A" * 10_000,
)


@dataclass(frozen=True)
class Read:
    """The pages of a PDF without their spaces, and what else it has."""

    pages: tuple[str, ...]
    attached: dict[str, bytes]
    metadata: dict[str, str]
    pictures: tuple[bytes, ...]

    def missing(self, form: Form) -> list[str]:
        """The labels of the values that are on no page."""
        text = "".join(self.pages)
        return [field.label for field in form.fields if "".join(field.value.split()) not in text]

    def without_footers(self, form: Form) -> str:
        """All pages as one text, as a value is read that goes on on the next page."""
        assert form.number
        number = "".join(f"{form.number.label}{form.number.value}".split())
        marks = (f"{number}{page}/{len(self.pages)}" for page in range(1, len(self.pages) + 1))
        return "".join(page.replace(mark, "") for page, mark in zip(self.pages, marks, strict=True))


def _read(pdf: bytes, *, drawn: bool) -> Read:
    document = pypdfium2.PdfDocument(pdf)
    pages = tuple("".join(page.get_textpage().get_text_bounded().split()) for page in document)
    attached = [document.get_attachment(index) for index in range(document.count_attachments())]
    pictures = []
    for page in document if drawn else ():
        page.render(scale=3).to_pil().save(picture := BytesIO(), "PNG")
        pictures.append(picture.getvalue())
    return Read(
        pages=pages,
        attached={each.get_name(): bytes(each.get_data()) for each in attached},
        metadata=document.get_metadata_dict(),
        pictures=tuple(pictures),
    )


@pytest.fixture
def read():
    """Takes a PDF apart."""
    return lambda pdf, drawn=False: _read(pdf, drawn=drawn)


@pytest.fixture(params=range(len(HOSTILE)))
def hostile(request):
    """A text that would do harm where it is not taken as text."""
    return HOSTILE[request.param]
