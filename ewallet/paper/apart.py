"""A PDF of somebody else taken apart, in a process of its own: ``python -P -m ewallet.paper.apart < file``.

What it finds it writes as one JSON document: the text and the codes of the pages, what is attached, and the seal, whose
signer nobody has judged yet; or why the file is refused. The process gives up its rights to time, memory and files
before it reads: a parser that runs wild ends itself, not whoever started it. What cannot be bounded: a fault in the
native renderer (PDFium) could take over this process, which still has the rights of its user; but it holds no key, and
what is attached is judged by its signature elsewhere.

Rules of this file: a file that could act (scripts, forms, actions, layers, media) is refused whatever it would do.
"""

from __future__ import annotations

import json
import sys
from base64 import b64encode
from collections.abc import Iterator
from io import BytesIO
from typing import Any, Final, NoReturn

MAX_PDF: Final = 20 * 1024 * 1024  # bytes; a certificate of ten pages with its fonts has 200 KiB
MAX_PAGES: Final = 40
MAX_OBJECTS: Final = 100_000  # dictionaries and arrays that are looked at
MAX_TEXT: Final = 400_000  # characters of all pages
MAX_ATTACHED: Final = 512 * 1024  # bytes, as MAX_CREDENTIAL of ewallet.shape
MAX_LOOKED_AT: Final = 4  # pages that are searched for codes
SECONDS: Final = 20  # of computing time; the largest certificate of the catalogue takes one
_MEMORY: Final = 1 << 30  # bytes of addresses
_DPI: Final = 200  # a code of 109 modules in 40 mm has then 3 pixels for each
_HASHES: Final = ("sha256", "sha384", "sha512")
_EXPECTED: Final = (ValueError, TypeError, LookupError, ArithmeticError, AttributeError, RecursionError, MemoryError)

#: Members of dictionaries that make a file act, or hold more than it shows.
_ACTIVE: Final = {
    "/OpenAction": "an action on opening",
    "/AA": "additional actions",
    "/JS": "a script",
    "/JavaScript": "a script",
    "/XFA": "an xfa form",
    "/Collection": "a portfolio",
    "/OCProperties": "layers",
    "/Launch": "a launch action",
    "/RichMediaContent": "rich media",
    "/RichMediaSettings": "rich media",
}
#: Actions by their ``/S``; one that leads to a place inside the file does no harm.
_ACTIONS: Final = frozenset(
    "/JavaScript /Launch /URI /GoToR /GoToE /GoToDp /SubmitForm /ResetForm /ImportData /Rendition /Movie /Sound /Hide"
    " /Named /SetOCGState /Trans /GoTo3DView /RichMediaExecute /Thread".split()
)
_ANNOTATIONS: Final = frozenset({"/Widget", "/Link"})


class Refused(Exception):
    """Why the file is not read on."""


def _refuse(why: str) -> NoReturn:
    raise Refused(why) from None


def main() -> int:
    """Take apart what is on standard input."""
    _confine()
    raw = sys.stdin.buffer.read(MAX_PDF + 1)
    try:
        found = apart(raw)
    except Refused as exc:
        found = {"refused": str(exc)}
    except MemoryError:
        found = {"refused": "more than can be read in the memory there is"}
    sys.stdout.write(json.dumps(found))
    return 0


def _confine() -> None:
    try:
        import resource
    except ImportError:  # not on Windows, where only the time is bounded, by whoever started this
        return
    for limit, value in (
        (resource.RLIMIT_AS, _MEMORY),
        (resource.RLIMIT_CPU, SECONDS),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(limit)
        resource.setrlimit(limit, (value if hard == resource.RLIM_INFINITY else min(value, hard), hard))


def apart(raw: bytes) -> dict[str, Any]:
    """What is in a file, or :class:`Refused`."""
    if len(raw) > MAX_PDF:
        _refuse(f"more than {MAX_PDF} bytes")
    if not raw.startswith(b"%PDF-"):
        _refuse("not a pdf")
    attached, seal = _structure(raw)
    return {"attached": attached, "seal": seal, **_pages(raw)}


# -- structure, by pyHanko -----------------------------------------------------------------------------------


def _structure(raw: bytes) -> tuple[list[str], dict[str, Any] | None]:
    """What is attached, and the seal. A file that is not as the standard has it may be a scan, and is no more."""
    from pyhanko.pdf_utils.misc import PdfError

    for strict in (True, False):
        try:
            attached, seal = _files_and_seal(raw, strict=strict)
        except (PdfError, *_EXPECTED):
            continue
        if strict or not (attached or seal):
            return attached, seal
    _refuse("damaged, or not as the standard has it")


def _files_and_seal(raw: bytes, *, strict: bool) -> tuple[list[str], dict[str, Any] | None]:
    from pyhanko.pdf_utils.reader import PdfFileReader

    reader = PdfFileReader(BytesIO(raw), strict=strict)
    if "/Encrypt" in reader.trailer or reader.security_handler is not None:
        _refuse("encrypted")
    files: dict[Any, Any] = {}
    for found in _dictionaries(reader):
        _check_quiet(found)
        if "/EF" in found:
            for name in found["/EF"]:
                files[_reference(found["/EF"].raw_get(name))] = found["/EF"][name]
    return [b64encode(_content(stream)).decode("ascii") for stream in files.values()], _seal(reader, raw)


def _dictionaries(reader: Any) -> Iterator[Any]:
    """Every dictionary that can be reached from the trailer, streams among them."""
    from pyhanko.pdf_utils import generic

    seen: set[Any] = set()
    waiting = [reader.trailer.raw_get(name) for name in ("/Root", "/Info") if name in reader.trailer]
    for _ in range(MAX_OBJECTS):
        if not waiting:
            return
        value = waiting.pop()
        if isinstance(value, generic.IndirectObject):
            if value.reference in seen:
                continue
            seen.add(value.reference)
            value = value.get_object()
        if isinstance(value, generic.DictionaryObject):
            yield value
            waiting.extend(value.raw_get(name) for name in value)
        elif isinstance(value, generic.ArrayObject):
            waiting.extend(value.raw_get(index) for index in range(len(value)))
    _refuse(f"more than {MAX_OBJECTS} objects")


def _check_quiet(found: Any) -> None:
    """Return unless the dictionary could make the file act, or differ from what it shows."""
    for name, what in _ACTIVE.items():
        if name in found:
            _refuse(what)
    if str(found.get("/S")) in _ACTIONS:
        _refuse(f"an action: {found['/S']}")
    if "/FT" in found and str(found["/FT"]) != "/Sig":
        _refuse("a form")
    if str(found.get("/Subtype")) == "/Widget" and found.keys().isdisjoint({"/FT", "/Parent"}):
        _refuse("a form")  # a field of no kind, which some readers draw all the same
    annotations = found.get("/Annots", ())
    if any(str(annotations[index].get("/Subtype")) not in _ANNOTATIONS for index in range(len(annotations))):
        _refuse("an annotation")


def _reference(value: Any) -> Any:
    return getattr(value, "reference", id(value))


def _content(stream: Any) -> bytes:
    content: bytes = stream.data
    if len(content) > MAX_ATTACHED:
        _refuse(f"an attachment of more than {MAX_ATTACHED} bytes")
    return content


def _seal(reader: Any, raw: bytes) -> dict[str, Any] | None:
    signatures = reader.embedded_signatures
    if not signatures:
        return None
    if len(signatures) > 1:
        _refuse(f"{len(signatures)} signatures, expected one")
    from pyhanko.sign.general import CMSExtractionError, CMSStructuralError, SigningError
    from pyhanko.sign.validation.errors import SignatureValidationError

    (signature,) = signatures
    try:
        return _taken_apart(signature, raw)
    except (SigningError, SignatureValidationError, CMSExtractionError, CMSStructuralError, *_EXPECTED):
        return {"whole": False, "intact": False, "chain": []}


def _taken_apart(signature: Any, raw: bytes) -> dict[str, Any]:
    from pyhanko.sign.validation.generic_cms import validate_sig_integrity

    chain = [signature.signer_cert, *signature.other_embedded_certs]
    digested, signed = validate_sig_integrity(
        signature.signer_info, signature.signer_cert, "data", signature.compute_digest()
    )
    usual = signature.sig_object.get("/SubFilter") == "/ETSI.CAdES.detached" and signature.md_algorithm in _HASHES
    return {
        "whole": _covers(signature, raw),
        "intact": digested and signed and usual,
        "chain": [b64encode(certificate.dump()).decode("ascii") for certificate in chain],
    }


def _covers(signature: Any, raw: bytes) -> bool:
    """Whether it covers the file from the first byte to the last, but for the place that it stands in itself."""
    first, until, start, length = (int(number) for number in signature.byte_range)
    placed = raw[until:start]
    return (
        (first, start + length) == (0, len(raw))
        and placed[:1] + placed[-1:] == b"<>"
        and bytes.fromhex(placed[1:-1].decode("ascii")) == signature.pkcs7_content
    )


# -- pages, by PDFium ----------------------------------------------------------------------------------------


def _pages(raw: bytes) -> dict[str, Any]:
    from pypdfium2 import PdfDocument, PdfiumError

    try:
        document = PdfDocument(raw)
        if len(document) > MAX_PAGES:
            _refuse(f"{len(document)} pages, at most {MAX_PAGES} are read")
        texts = list(_texts(document))
        return {"pages": texts, "codes": [code for number in _ends(len(texts)) for code in _codes(document[number])]}
    except (PdfiumError, *_EXPECTED):
        _refuse("a page that cannot be drawn")


def _ends(count: int) -> list[int]:
    """The first pages, and the last, where the code of a long certificate is."""
    half = MAX_LOOKED_AT // 2
    return sorted({*range(min(half, count)), *range(max(count - half, 0), count)})


def _texts(document: Any) -> Iterator[str]:
    left = MAX_TEXT
    for page in document:
        text: str = page.get_textpage().get_text_range()
        left -= len(text)
        if left < 0:
            _refuse(f"more than {MAX_TEXT} characters on its pages")
        yield text


def _codes(page: Any) -> list[str]:
    from zxingcpp import BarcodeFormat, BarcodeFormats, TextMode, read_barcodes

    width, height = page.get_size()
    scale = min(_DPI / 72, 4000 / max(width, height, 1))
    picture = page.render(scale=scale, grayscale=True).to_pil()
    codes = read_barcodes(picture, formats=BarcodeFormats(BarcodeFormat.QRCode), text_mode=TextMode.Plain)
    return [code.text for code in codes]


if __name__ == "__main__":
    sys.exit(main())
