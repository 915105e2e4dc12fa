"""QR codes: texts into pictures, pictures back into texts, and long texts as numbered frames.

One code holds what a phone still reads at arm's length, version 25 at level M (ISO/IEC 18004). A presentation of
several kilobytes does not fit, so it is cut into frames, each a code of its own::

    EW1:<first 8 hex digits of SHA-256 of the text>:<number>/<count>:<part>

The digest keeps frames of two texts apart and notices a frame that was read wrongly; it protects nothing, that is what
the signatures inside the text do. The order of frames does not matter. :func:`sheet` draws all frames in one picture.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from io import BytesIO, StringIO
from math import ceil, isqrt
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, cast

from ewallet.errors import Malformed, UsageError

if TYPE_CHECKING:
    from PIL.Image import Image

Level = Literal["L", "M", "Q", "H"]

FRAME: Final = 900  # characters of one part; with its label it fills version 25 at level M but for 70 bytes
MAX_FRAMES: Final = 64  # about 56 KiB, more than anyone will scan
MAX_TEXT: Final = FRAME * MAX_FRAMES
MAX_PICTURE: Final = 20 * 1024 * 1024  # bytes of a picture; a phone's photograph has 3 to 12 MiB
MAX_PIXELS: Final = 40_000_000  # a page of A4 at 600 dpi has 35 million
_SMALL: Final = 1_000_000  # pixels up to which a second look, at double size, is cheap; it reads what is printed small
_MODULE: Final = 4  # pixels of one module on a sheet
_GAP: Final = 8  # modules between codes besides their quiet zones; without it one sheet in seven lost a frame

_MARK: Final = "EW1:"
_LABEL: Final = re.compile(r"EW1:([0-9a-f]{8}):([1-9][0-9]{0,4})/([1-9][0-9]{0,4}):(.+)\Z", re.DOTALL)

PNG: Final = b"\x89PNG\r\n\x1a\n"
JPEG: Final = b"\xff\xd8\xff"
_OTHER_PICTURES: Final = (b"GIF8", b"BM", b"II*\0", b"MM\0*", b"<svg", b"<?xml", b"<!DOCTYPE svg")


def png(text: str, path: str | PathLike[str] | None = None, *, scale: int = 8, level: Level = "M") -> bytes:
    """A PNG picture of one code, with its quiet zone, also written to ``path``; ``limit.size`` where it is too long.

    ``scale`` is the number of pixels of one module, ``level`` the error correction.
    """
    return _save(_picture(text, scale=scale, level=level), path)


def svg(text: str, *, level: Level = "M") -> str:
    """An SVG element of one code, black on white with its quiet zone; it takes the size that its page gives it."""
    side, modules = _modules(text, 1, level)
    rows = (modules[start : start + side] for start in range(0, side * side, side))
    runs = (f"M{run.start()} {y}h{len(run[0])}v1H{run.start()}z" for y, row in enumerate(rows) for run in _dark(row))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}" shape-rendering="crispEdges">'
        f'<path fill="#fff" d="M0 0h{side}v{side}H0z"/><path d="{"".join(runs)}"/></svg>'
    )


def _dark(row: bytes) -> Iterator[re.Match[bytes]]:
    return re.finditer(rb"\0+", row)


def terminal(text: str) -> str:
    """The code drawn with half blocks, for light text on a dark terminal, two rows of modules in each line."""
    from qrcode import QRCode
    from qrcode.constants import ERROR_CORRECT_M
    from qrcode.exceptions import DataOverflowError

    code = QRCode(error_correction=ERROR_CORRECT_M, border=4)
    _refuse_empty(text)
    code.add_data(text)
    drawing = StringIO()
    try:
        code.print_ascii(out=drawing, invert=True)
    except (DataOverflowError, ValueError):
        raise _too_long(text, "M") from None
    return drawing.getvalue()


def _picture(text: str, *, scale: int, level: Level) -> Image:
    from PIL import Image

    side, pixels = _modules(text, scale, level)
    return Image.frombytes("L", (side, side), pixels)


def _modules(text: str, scale: int, level: Level) -> tuple[int, bytes]:
    """The side of the picture and its pixels, one byte each, 0 for dark."""
    from zxingcpp import BarcodeFormat, create_barcode

    if scale < 1:
        raise UsageError("usage.argument", f"scale is {scale}, at least 1 is expected")
    _refuse_empty(text)
    try:
        image = create_barcode(text, BarcodeFormat.QRCode, ec_level=level).to_image(scale=scale)
    except ValueError:
        raise _too_long(text, level) from None
    return image.shape[0], memoryview(cast("bytes", image)).tobytes()


def _refuse_empty(text: str) -> None:
    if not text:
        raise UsageError("usage.argument", "an empty text has no code")


def _too_long(text: str, level: Level) -> Malformed:
    return Malformed("limit.size", f"{len(text)} characters fit in no single code of level {level}")


def _save(image: Image, path: str | PathLike[str] | None) -> bytes:
    from PIL.Image import Dither

    file = BytesIO()
    image.convert("1", dither=Dither.NONE).save(file, "PNG")  # nothing is grey, and looking for it takes half the time
    raw = file.getvalue()
    if path is not None:
        Path(path).write_bytes(raw)
    return raw


def frames(text: str, size: int = FRAME) -> tuple[str, ...]:
    """The text cut into numbered frames of at most ``size`` characters besides their label.

    The text is ASCII, as offers, requests and presentations are; ``usage.argument``, or ``limit.count`` for more than
    64 frames.
    """
    if not text.isascii() or not 0 < size <= FRAME:
        raise UsageError("usage.argument", f"frames take ascii text and a size from 1 to {FRAME}")
    _refuse_empty(text)
    parts = [text[start : start + size] for start in range(0, len(text), size)]
    if len(parts) > MAX_FRAMES:
        raise Malformed("limit.count", f"the text needs {len(parts)} frames, at most {MAX_FRAMES} are drawn")
    digest = _digest(text)
    return tuple(f"{_MARK}{digest}:{number}/{len(parts)}:{part}" for number, part in enumerate(parts, 1))


def join(frames: Iterable[str]) -> str:
    """The text of its frames, in any order, each at least once.

    ``malformed.qr`` for a missing, foreign, disagreeing or damaged frame, ``limit.count`` for more than 64.
    """
    parts: dict[int, str] = {}
    whole: tuple[str, int] | None = None
    for frame in frames:
        digest, number, count, part = _parse(frame)
        if whole not in (None, (digest, count)):
            raise Malformed("malformed.qr", "frames of two different messages")
        whole = (digest, count)
        if parts.setdefault(number, part) != part:
            raise Malformed("malformed.qr", f"two different frames are number {number}")
    if whole is None:
        raise Malformed("malformed.qr", "no frame")
    return _assembled(parts, *whole)


def _parse(frame: str) -> tuple[str, int, int, str]:
    label = _LABEL.match(frame)
    if not label or not frame.isascii():
        raise Malformed("malformed.qr", "not a frame")
    digest, number, count, part = label[1], int(label[2]), int(label[3]), label[4]
    if count > MAX_FRAMES:
        raise Malformed("limit.count", f"a message of {count} frames, at most {MAX_FRAMES} are read")
    if number > count:
        raise Malformed("malformed.qr", f"frame {number} of {count}")
    return digest, number, count, part


def _assembled(parts: dict[int, str], digest: str, count: int) -> str:
    missing = [str(number) for number in range(1, count + 1) if number not in parts]
    if missing:
        raise Malformed("malformed.qr", f"of {count} frames, {', '.join(missing)} missing")
    text = "".join(parts[number] for number in range(1, count + 1))
    if _digest(text) != digest:
        raise Malformed("malformed.qr", "the frames do not add up to their digest")
    return text


def _digest(text: str) -> str:
    return sha256(text.encode("ascii")).hexdigest()[:8]


def sheet(text: str, path: str | PathLike[str] | None = None) -> bytes:
    """A PNG picture of the whole text, also written to ``path``: one code where it fits, else all frames in a grid."""
    whole = len(text.encode()) <= FRAME and not text.startswith(_MARK)
    return _save(_grid([text] if whole else frames(text)), path)


def _grid(texts: Sequence[str]) -> Image:
    from PIL import Image

    codes = [_picture(text, scale=_MODULE, level="M") for text in texts]
    gap = _GAP * _MODULE if len(codes) > 1 else 0
    side = max(code.width for code in codes) + gap  # digits pack tighter, so that even full frames differ
    columns = isqrt(len(codes) - 1) + 1
    picture = Image.new("L", (columns * side - gap, ceil(len(codes) / columns) * side - gap), 255)
    for index, code in enumerate(codes):
        picture.paste(code, (index % columns * side, index // columns * side))
    return picture


def is_picture(raw: bytes) -> bool:
    """True for the first bytes of a picture of any usual kind, also of the kinds that :func:`read` refuses."""
    webp = raw[:4] == b"RIFF" and raw[8:12] == b"WEBP"
    return webp or raw.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(_OTHER_PICTURES) or raw.startswith((PNG, JPEG))


def look(raw: bytes) -> tuple[str, tuple[int, int]]:
    """The media type, width and height of a whole PNG or JPEG picture, whatever it shows; errors as in :func:`read`."""
    _decoded(raw)
    return "image/png" if raw.startswith(PNG) else "image/jpeg", _opened(raw).size


def read(raw: bytes) -> str:
    """The one message in a PNG or JPEG picture, whether it is one code or all frames of one text.

    ``malformed.image`` for what is no whole PNG or JPEG picture, ``limit.size`` for one that is too large,
    ``malformed.qr`` where there is no message, a part of one, or two different ones.
    """
    return read_all([raw])


def read_all(pictures: Sequence[bytes]) -> str:
    """As :func:`read`, for a message whose frames are spread over several pictures."""
    if len(pictures) > MAX_FRAMES:
        raise Malformed("limit.count", f"{len(pictures)} pictures, at most {MAX_FRAMES} are read")
    texts = {text for raw in pictures for text in _codes(raw)}
    if not texts:
        raise Malformed("malformed.qr", "no code in the picture")
    if all(text.startswith(_MARK) for text in texts):
        return join(texts)
    if len(texts) > 1:
        raise Malformed("malformed.qr", f"{len(texts)} different codes, one message is expected")
    return texts.pop()


def _codes(raw: bytes) -> list[str]:
    image = _decoded(raw)
    found = _found(image)
    if not found and image.width * image.height <= _SMALL:
        found = _found(image.resize((2 * image.width, 2 * image.height)))
    return found


def _found(image: Image) -> list[str]:
    from zxingcpp import BarcodeFormat, BarcodeFormats, TextMode, read_barcodes

    codes = read_barcodes(image, formats=BarcodeFormats(BarcodeFormat.QRCode), text_mode=TextMode.Plain)
    return [code.text for code in codes]


def _decoded(raw: bytes) -> Image:
    """The picture in shades of grey; its size is known from its header before any pixel is decoded."""
    image = _opened(raw)
    if image.width * image.height > MAX_PIXELS:
        raise Malformed("limit.size", f"a picture of {image.width} x {image.height}, at most {MAX_PIXELS} pixels")
    if getattr(image, "is_animated", False):
        raise Malformed("malformed.image", "a moving picture, expected a still one")
    try:
        image.draft("L", image.size)
        return _on_white(image)
    except _BROKEN:
        raise Malformed("malformed.image", "the picture is damaged or cut off") from None


# Pillow's plugins raise what their parsing happens to raise
_BROKEN: Final = (OSError, SyntaxError, ValueError, LookupError, TypeError, ArithmeticError, AttributeError)


def _opened(raw: bytes) -> Image:
    from PIL.JpegImagePlugin import JpegImageFile
    from PIL.PngImagePlugin import PngImageFile

    if len(raw) > MAX_PICTURE:
        raise Malformed("limit.size", f"a picture of {len(raw)} bytes, at most {MAX_PICTURE} are read")
    if not raw.startswith((PNG, JPEG)):
        raise Malformed("malformed.image", "neither a png nor a jpeg picture")
    try:
        # by class: Image.open has a size limit of its own, which warns first and is a global of the process
        return PngImageFile(BytesIO(raw)) if raw.startswith(PNG) else JpegImageFile(BytesIO(raw))
    except _BROKEN:
        raise Malformed("malformed.image", "the picture's header is damaged") from None


def _on_white(image: Image) -> Image:
    """In grey; what is transparent becomes white, as it is on a page."""
    from PIL import Image as Pillow

    if not image.has_transparency_data:
        return image.convert("L")
    layers = image.convert("LA")
    page = Pillow.new("L", image.size, 255)
    page.paste(layers.getchannel("L"), mask=layers.getchannel("A"))
    return page
