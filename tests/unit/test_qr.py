from __future__ import annotations

import random
import string
from collections.abc import Callable
from io import BytesIO
from zlib import crc32

import pytest
from PIL import Image, ImageDraw, ImageFilter

from ewallet import qr
from ewallet.errors import EWalletError, Malformed, UsageError

_LETTERS = string.ascii_letters + string.digits + "-_.~"
_OFFER = "openid-credential-offer://?credential_offer_uri=https%3A%2F%2Fissuer.example%2Foffers%2F7d1c"


def _text(length: int, seed: int = 1) -> str:
    return "".join(random.Random(seed).choices(_LETTERS, k=length))


def _bytes(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    file = BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def _image(raw: bytes) -> Image.Image:
    return Image.open(BytesIO(raw)).convert("L")


def _beside(*pictures: bytes) -> bytes:
    images = [_image(raw) for raw in pictures]
    page = Image.new("L", (sum(image.width for image in images), max(image.height for image in images)), 255)
    left = 0
    for image in images:
        page.paste(image, (left, 0))
        left += image.width
    return _bytes(page)


def _code(call: Callable[[], object]) -> str:
    with pytest.raises(EWalletError) as caught:
        call()
    return caught.value.code


@pytest.mark.parametrize(
    "text", [_OFFER, "1", "가상은행 대출 심사", _text(2331)], ids=["offer", "digit", "korean", "full"]
)
def test_a_written_picture_reads_back(text):
    """The text of a PNG picture is the text that was drawn."""
    assert text == qr.read(qr.png(text))


def test_a_picture_is_written_to_the_path(tmp_path):
    """The file holds the bytes that are returned."""
    raw = qr.png(_OFFER, tmp_path / "offer.png", scale=3, level="Q")
    assert raw == (tmp_path / "offer.png").read_bytes()
    assert _OFFER == qr.read(raw)


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda: qr.png("a" * 2332), "limit.size"),
        (lambda: qr.svg("a" * 2332), "limit.size"),
        (lambda: qr.terminal("a" * 2332), "limit.size"),
        (lambda: qr.png(""), "usage.argument"),
        (lambda: qr.terminal(""), "usage.argument"),
        (lambda: qr.png("a", scale=0), "usage.argument"),
    ],
    ids=["png long", "svg long", "terminal long", "png empty", "terminal empty", "no scale"],
)
def test_what_fits_in_no_code_is_refused(call, code):
    """Too long, empty or without size: an error of ours."""
    assert code == _code(call)


def test_a_jpeg_and_a_transparent_picture_read_back():
    """JPEG is read, and dark modules on a transparent ground are dark on white."""
    code = _image(qr.png(_OFFER))
    clear = Image.new("RGBA", code.size, (0, 0, 0, 0))
    clear.paste((0, 0, 0, 255), mask=code.point(lambda shade: 255 - shade))
    assert [_OFFER, _OFFER] == [qr.read(_bytes(code.convert("RGB"), "JPEG")), qr.read(_bytes(clear))]


def test_the_svg_element_draws_the_same_modules():
    """Every run of the SVG path, painted on white, gives a readable code."""
    element = qr.svg(_OFFER)
    side = int(element.split('viewBox="0 0 ')[1].split(" ")[0])
    page = Image.new("L", (side, side), 255)
    for run in element.split('d="')[2].split('"')[0].split("M")[1:]:
        (left, rest) = run.split(" ")
        (top, width) = rest.split("v")[0].split("h")
        ImageDraw.Draw(page).rectangle((int(left), int(top), int(left) + int(width) - 1, int(top)), fill=0)
    assert _OFFER == qr.read(_bytes(page.resize((side * 4, side * 4), Image.Resampling.NEAREST)))


def test_the_terminal_drawing_is_the_code():
    """Half blocks, seen as light pixels on a dark ground, give a readable code."""
    lines = qr.terminal(_OFFER).splitlines()
    page = Image.new("L", (max(map(len, lines)), 2 * len(lines)), 0)
    for y, line in enumerate(lines):
        for x, block in enumerate(line.replace("\xa0", " ")):
            page.putpixel((x, 2 * y), 255 if block in "█▀" else 0)
            page.putpixel((x, 2 * y + 1), 255 if block in "█▄" else 0)
    assert _OFFER == qr.read(_bytes(page.resize((page.width * 4, page.height * 4), Image.Resampling.NEAREST)))


@pytest.mark.parametrize("length", [1, 900, 901, 3000, 8000, 64 * 900])
def test_frames_join_in_any_order(length):
    """Shuffled and repeated frames give the text again."""
    text = _text(length)
    frames = list(qr.frames(text)) * 2
    random.Random(2).shuffle(frames)
    assert text == qr.join(frames)


def test_a_frame_fits_a_phone():
    """The longest frame is a code of version 25 or below at level M: 117 modules and the quiet zone."""
    frame = max(qr.frames(_text(64 * 900)), key=len)
    assert _image(qr.png(frame, scale=1)).width <= 117 + 8


_A, _B = qr.frames(_text(2000)), qr.frames(_text(2000, seed=2))
_SAME_DIGEST = _A[0][:17] + ("x" if _A[0][17] != "x" else "y") + _A[0][18:]


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        ([], "malformed.qr"),
        (_A[:2], "malformed.qr"),
        ((*_A, _B[0]), "malformed.qr"),
        ((_A[0], _A[1], _B[2]), "malformed.qr"),
        ((*_A, _SAME_DIGEST), "malformed.qr"),
        ((_SAME_DIGEST, *_A[1:]), "malformed.qr"),
        (["EW1:00000000:2/1:x"], "malformed.qr"),
        (["EW1:00000000:0/1:x"], "malformed.qr"),
        (["EW1:00000000:01/1:x"], "malformed.qr"),
        (["EW1:00000000:1/1:"], "malformed.qr"),
        (["EW1:0000000G:1/1:x"], "malformed.qr"),
        (["EW1:00000000:1/1:가"], "malformed.qr"),
        (["EW1:00000000:\u0661/1:x"], "malformed.qr"),
        (["EW2:00000000:1/1:x"], "malformed.qr"),
        (["EW1:00000000:1/65:x"], "limit.count"),
    ],
    ids=[
        "none", "missing", "two messages", "mixed", "disagreeing", "wrong digest", "beyond", "zero", "leading zero",
        "empty part", "not hex", "not ascii", "arabic digit", "other version", "too many",
    ],
)  # fmt: skip
def test_frames_that_do_not_belong_together_are_refused(frames, code):
    """A missing, foreign, disagreeing or damaged frame gives no text."""
    assert code == _code(lambda: qr.join(frames))


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda: qr.frames("가상"), "usage.argument"),
        (lambda: qr.frames(""), "usage.argument"),
        (lambda: qr.frames("a", 0), "usage.argument"),
        (lambda: qr.frames("a", 901), "usage.argument"),
        (lambda: qr.frames("a" * (64 * 900 + 1)), "limit.count"),
    ],
    ids=["not ascii", "empty", "no size", "large size", "too long"],
)
def test_what_cannot_be_framed_is_refused(call, code):
    """Frames take up to 64 parts of ASCII."""
    assert code == _code(call)


@pytest.mark.parametrize("length", [300, 900, 901, 3000, 5000, 8000, 20_000])
def test_a_sheet_reads_back(length, tmp_path):
    """One picture carries a text of any length that is presented."""
    text = _text(length, seed=length)
    assert text == qr.read(qr.sheet(text, tmp_path / "sheet.png"))
    assert text == qr.read((tmp_path / "sheet.png").read_bytes())


def test_a_sheet_reads_back_from_a_poor_picture():
    """A sheet of a whole presentation survives being shrunk by a third, turned a little and stored as JPEG."""
    text = _text(8000)
    page = _image(qr.sheet(text))
    page = page.resize((page.width * 2 // 3, page.height * 2 // 3), Image.Resampling.BILINEAR)
    page = page.rotate(3, Image.Resampling.BICUBIC, expand=True, fillcolor=255)
    assert text == qr.read(_bytes(page, "JPEG", quality=75))


def test_a_short_text_that_looks_like_a_frame_reads_back():
    """A text with the mark of frames is framed itself."""
    assert "EW1:x" == qr.read(qr.sheet("EW1:x"))


def test_several_pictures_give_one_message():
    """Frames photographed one by one, in any order and twice, are joined."""
    text = _text(2500)
    pictures = [qr.png(frame, scale=3) for frame in qr.frames(text)]
    assert text == qr.read_all([*pictures[::-1], pictures[0]])


def test_the_same_code_twice_is_one_message():
    """A page that repeats its code is not ambiguous."""
    assert _OFFER == qr.read(_beside(qr.png(_OFFER), qr.png(_OFFER, scale=4)))


_PNG = qr.png(_OFFER)
_STILL = Image.new("L", (40, 40), 255)


def _vast() -> bytes:
    return _bytes(Image.new("1", (8000, 5001)))


def _claiming(side: int) -> bytes:
    """A small PNG file whose header claims to be that large."""
    header = b"IHDR" + side.to_bytes(4, "big") * 2 + b"\1\0\0\0\0"
    return _PNG[:12] + header + crc32(header).to_bytes(4, "big") + _PNG[33:]


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "malformed.image"),
        (b"\x89PNG\r\n\x1a\n", "malformed.image"),
        (b"\xff\xd8\xff", "malformed.image"),
        (_PNG[:-40], "malformed.image"),
        (_bytes(_image(_PNG), "JPEG")[:900], "malformed.image"),
        (qr.svg(_OFFER).encode(), "malformed.image"),
        (_bytes(_image(_PNG), "GIF"), "malformed.image"),
        (_bytes(_STILL, "GIF", save_all=True, append_images=[Image.new("L", (40, 40), 0)]), "malformed.image"),
        (_bytes(_STILL, "PNG", save_all=True, append_images=[Image.new("L", (40, 40), 0)]), "malformed.image"),
        (_bytes(_image(_PNG), "BMP"), "malformed.image"),
        (_vast(), "limit.size"),
        (_claiming(30_000), "limit.size"),
        (b"\xff\xd8\xff" + bytes(20 * 1024 * 1024), "limit.size"),
        (_bytes(_STILL), "malformed.qr"),
        (_beside(_PNG, qr.png("https://bank.example/other")), "malformed.qr"),
        (_beside(_PNG, qr.png(qr.frames(_OFFER)[0])), "malformed.qr"),
        (qr.png(qr.frames(_text(1000))[0]), "malformed.qr"),
    ],
    ids=[
        "empty", "png magic", "jpeg magic", "cut png", "cut jpeg", "svg", "gif", "moving gif", "moving png", "bmp",
        "vast", "30000 x 30000", "many bytes", "no code", "two codes", "code and frame", "lone frame",
    ],
)  # fmt: skip
def test_pictures_without_one_message_are_refused(raw, code):
    """QRC-08: what is not one whole still picture of one message has its code."""
    assert code == _code(lambda: qr.read(raw))


def test_too_many_pictures_are_refused():
    """No more pictures are looked at than a message has frames."""
    assert "limit.count" == _code(lambda: qr.read_all([_PNG] * 65))


def test_mutated_pictures_raise_our_errors_only():
    """A picture with bytes changed or cut is read as before, or refused as malformed or too large."""
    rng = random.Random(3)
    originals = [_PNG, _bytes(_image(_PNG), "JPEG"), _bytes(_image(_PNG).convert("P"))]
    outcomes: set[bool | str] = set()
    for raw in [bytearray(rng.choice(originals)) for _ in range(600)]:
        for _ in range(rng.randint(1, 4)):
            raw[rng.randrange(8, min(len(raw), 400))] = rng.randrange(256)
        try:
            outcomes.add(qr.read(bytes(raw)) == _OFFER)
        except Malformed as error:
            outcomes.add(error.code)
    assert {True, "malformed.image"} <= outcomes <= {True, "malformed.image", "malformed.qr", "limit.size"}


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (_PNG, True),
        (_bytes(_STILL, "JPEG"), True),
        (_bytes(_STILL, "GIF"), True),
        (_bytes(_STILL, "WEBP"), True),
        (b"\n" + qr.svg("a").encode(), True),
        (b"eyJhbGciOiJFUzI1NiJ9.e30.AA~", False),
        (b"{}", False),
        (b"", False),
    ],
    ids=["png", "jpeg", "gif", "webp", "svg", "sd-jwt", "json", "empty"],
)
def test_pictures_are_told_from_texts(raw, expected):
    """Every usual kind of picture is recognised, so that it is refused as a picture and not as a text."""
    assert expected == qr.is_picture(raw)


def _blurred(code: Image.Image, _rng: random.Random) -> Image.Image:
    return code.filter(ImageFilter.GaussianBlur(3))


def _turned(code: Image.Image, rng: random.Random) -> Image.Image:
    return code.rotate(rng.choice((-15, 15)), Image.Resampling.BICUBIC, expand=True, fillcolor=255)


def _damaged(code: Image.Image, rng: random.Random) -> Image.Image:
    """Five per cent of the area painted over by one blot, at any place off the finder patterns' corners."""
    inner = code.width - 64
    side = round(inner * 0.05**0.5)
    left, top = (32 + rng.randint(round(inner * 0.3), inner - side) for _ in range(2))
    ImageDraw.Draw(code).rectangle((left, top, left + side, top + side), fill=rng.choice((0, 128, 255)))
    return code


def _printed(code: Image.Image, _rng: random.Random) -> Image.Image:
    return code.resize((200, 200), Image.Resampling.LANCZOS)


def _read_share(distort: Callable[[Image.Image, random.Random], Image.Image], count: int) -> float:
    rng = random.Random(4)
    read = 0
    for seed in range(count):
        text = "https://issuer.example/" + _text(rng.randint(40, 277), seed)
        try:
            read += text == qr.read(_bytes(distort(_image(qr.png(text)), rng)))
        except Malformed:
            continue
    return read / count


@pytest.mark.parametrize("distort", [_blurred, _turned, _damaged, _printed])
@pytest.mark.parametrize("count", [20, pytest.param(100, marks=pytest.mark.slow)])
def test_poor_pictures_of_a_code_are_read(distort, count):
    """Blur, a turn of 15 degrees, 5 % damage or a print of 200 pixels leaves at least 95 of 100 codes readable."""
    assert _read_share(distort, count) >= 0.95


def test_usage_errors_are_value_errors():
    """A caller that knows nothing of this library catches what it expects."""
    with pytest.raises(ValueError, match=r"usage\.argument") as caught:
        qr.png("")
    assert isinstance(caught.value, UsageError)
