# ruff: noqa: INP001, T201 - a script, which says what it makes
"""Pictures of forms as they print: ``python docs/take_forms.py [FOLDER]``.

Without a folder, those that the documentation shows, into ``docs/pictures/forms``; with one, every kind in both
languages, into that folder. Everybody on them is invented, and so is what their codes say.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Final

from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from ewallet.catalog import Catalog
from ewallet.errors import Language
from ewallet.paper import Form, page, typeset

_SHOWN: Final[tuple[tuple[str, Language], ...]] = (
    ("resident_register_copy", "ko"),
    ("family_relation_certificate", "ko"),
    ("seal_certificate", "ko"),
    ("income_amount_certificate", "ko"),
    ("local_tax_payment_certificate", "ko"),
    ("health_insurance_qualification_history", "ko"),
    ("national_pension_contribution_history", "ko"),
    ("real_estate_registry_building", "ko"),
    ("cadastral_map_copy", "ko"),
    ("business_registration_certificate", "ko"),
    ("vehicle_register_gap", "ko"),
    ("university_transcript", "ko"),
    ("vaccination_certificate", "ko"),
    ("mobile_driver_license", "ko"),
    ("resident_register_copy", "en"),
    ("entry_exit_fact_certificate", "en"),
)
_CODE: Final = "EXAMPLE " * 80  # as long as the lean form of a credential
_PPI: Final = 96
_GREYS: Final = [shade for step in range(16) for shade in (step * 17,) * 3]
_REDS: Final = [shade for step in range(7) for shade in (195 + step * 8, 20 + step * 33, 29 + step * 32)]
_WIDTH: Final = 860  # pixels of the screen that shows the HTML


def main() -> int:
    """Draw them; the page on screen only where Chromium is."""
    folder = Path(sys.argv[1]) if sys.argv[1:] else Path(__file__).parent / "pictures" / "forms"
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [(kind, lang) for kind in Catalog.bundled().ids() for lang in ("ko", "en")] if sys.argv[1:] else _SHOWN
    for kind_id, lang in wanted:
        _save(typeset.png(_form(kind_id, lang), code=_CODE, ppi=_PPI), folder / f"{kind_id}-{lang}.png")
    large = typeset.png(_form("resident_register_copy", "ko"), code=_CODE, ppi=_PPI / 2, style="large_print")
    _save([_beside(large)], folder / "resident_register_copy-ko-large.png")
    for picture in _on_screen(_form("resident_register_copy", "ko")):
        _save([picture], folder / "resident_register_copy-ko-screen.png")
    return 0


def _form(kind_id: str, lang: Language) -> Form:
    kind = Catalog.bundled().type(kind_id)
    return Form.of(
        kind,
        kind.sample,
        lang=lang,
        receiver="가상은행",
        purpose="대출 심사",
        check_page="https://issuer.example/check",
    )


def _beside(pages: list[bytes]) -> bytes:
    """All pages of a form in one row."""
    opened = [Image.open(BytesIO(each)).convert("RGB") for each in pages]
    row = Image.new("RGB", (sum(each.width + 8 for each in opened) - 8, opened[0].height), "#888")
    for number, each in enumerate(opened):
        row.paste(each, (number * (each.width + 8), 0))
    row.save(drawn := BytesIO(), "PNG")
    return drawn.getvalue()


def _on_screen(form: Form) -> Iterator[bytes]:
    browser_path = shutil.which("chromium")
    if browser_path is None:
        print("Chromium is absent: no picture of the page on screen is taken")
        return
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=browser_path, args=["--no-sandbox", "--disable-gpu"])
        shown = browser.new_page(viewport={"width": _WIDTH, "height": 600})
        shown.set_content(page.document(form, code=_CODE))
        yield shown.screenshot(full_page=True)
        browser.close()


def _save(pages: list[bytes], path: Path) -> None:
    """The first page, in black, greys and the red of seals."""
    palette = Image.new("P", (1, 1))
    palette.putpalette(_GREYS + _REDS)
    opened = Image.open(BytesIO(pages[0])).convert("RGB")
    opened.quantize(palette=palette, dither=Image.Dither.NONE).save(path, optimize=True)
    print(path)


if __name__ == "__main__":
    sys.exit(main())
