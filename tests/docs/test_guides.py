"""The guides are followed, in both languages, as their readers follow them: real processes, real HTTP."""

from __future__ import annotations

import ast
import re
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GUIDES = ROOT / "docs" / "guides"
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md"))]
NAMES = sorted(path.stem for path in (GUIDES / "en").glob("*.md"))
FIRST = "issue-your-first-certificate"
LANGUAGES = ("en", "ko")
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")

NEEDED = [program for program in ("bash", "curl", "openssl", "sha256sum") if shutil.which(program) is None]


@pytest.mark.loopback
@pytest.mark.skipif(bool(NEEDED), reason=f"absent, and used by the guides: {', '.join(NEEDED)}")
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", [FIRST, *(name for name in NAMES if name != FIRST)])
def test_whoever_follows_a_guide_sees_what_it_shows(desk, blocks, language, name):
    """Every block runs, and every command says what the page says it does."""
    place = desk(language)  # where the first guide has been followed

    if name != FIRST and len(blocks(language, FIRST)) == place.followed.get(FIRST):
        place.follow(GUIDES / language / f"{name}.md")

    assert len(blocks(language, name)) == place.followed.get(name, 0)


def test_there_is_a_guide_for_each_reader_in_each_language():
    """A guide that is in one language only would leave the readers of the other behind."""
    english, korean = ({path.name for path in (GUIDES / language).iterdir()} for language in LANGUAGES)

    assert english == korean
    assert len(english) == 6


@pytest.mark.parametrize("name", NAMES)
def test_a_guide_has_the_same_blocks_in_both_languages(blocks, name):
    """The same files and the same commands; comments and what is said are in the language of the page."""
    english, korean = (blocks(language, name) for language in LANGUAGES)

    assert [(block.language, block.words) for block in english] == [(block.language, block.words) for block in korean]
    assert [_substance(block) for block in english] == [_substance(block) for block in korean]


def _substance(block):
    if block.language == "console":
        return [step.command for step in block.steps]
    if block.language == "python":
        return ast.dump(ast.parse(block.text))
    return re.sub(r"^(export EWALLET_LANG=)..$| *#.*$", r"\1", block.text, flags=re.MULTILINE)


@pytest.mark.skipif(not (ROOT / "schemas").is_dir(), reason="needs the source tree")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_what_a_page_links_to_is_there(page):
    """A link to another page of ours leads somewhere."""
    links = LINK.findall(page.read_text("utf-8"))

    assert [] == [link for link in links if not (page.parent / link).exists()]
