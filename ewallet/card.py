"""The card that a wallet shows for a credential: an SVG template drawn from the kind (SD-JWT VC draft-19 §5.5.1.2).

A template has the words of the kind in one language and, where values belong, placeholders ``{{svg_id}}`` that a wallet
fills in. Placeholders stand in text and nowhere else; nothing in a template is fetched, styled by a sheet or run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, get_args
from xml.sax.saxutils import escape

from ewallet.catalog.claims import ClaimType
from ewallet.catalog.kinds import CredentialType
from ewallet.errors import Language, PolicyError

Scheme = Literal["light", "dark"]

MEDIA_TYPE: Final = "image/svg+xml"


@dataclass(frozen=True, kw_only=True)
class _Colours:
    paper: str
    ink: str
    words: str


#: Ink and words stand out from the paper by more than 7:1, which WCAG 2.2 calls enhanced contrast.
SCHEMES: Final[Mapping[Scheme, _Colours]] = {
    "light": _Colours(paper="#f4f6f9", ink="#16202c", words="#1d4675"),
    "dark": _Colours(paper="#16202c", ink="#f4f6f9", words="#a9cbf5"),
}


class Look(NamedTuple):
    """One of the ways in which a card is drawn."""

    lang: Language
    scheme: Scheme

    def name(self, kind: CredentialType) -> str:
        """The name of the file."""
        return f"{kind.id}.{self.lang}.{self.scheme}.svg"


LOOKS: Final = tuple(Look(lang, scheme) for lang in get_args(Language) for scheme in SCHEMES)

_WIDTH, _HEIGHT = 428, 270  # the ratio of an ID-1 card (ISO/IEC 7810)
_ROWS: Final = 4  # of values; a card is looked at, not read
_HIDDEN: Final = frozenset({"rrn", "unique_id", "sensitive", "biometric", "family"})  # a card lies open on a table
_PLACEHOLDER: Final = re.compile(r"\{\{([A-Za-z_][A-Za-z0-9_]*)\}\}")
_IN_MARKUP: Final = re.compile(r"<[^>]*\{\{")
_ESCAPED: Final = {'"': "&quot;", "'": "&#39;"}


def drawn(kind: CredentialType) -> tuple[ClaimType, ...]:
    """The claims whose values are on the card: whom it is about first, then what is certified, last the date."""
    shown = [claim for claim in _single(kind) if claim.required and claim.sensitivity not in _HIDDEN]
    facts = sorted((c for c in shown if c.sensitivity != "doc"), key=lambda claim: claim.sensitivity != "personal")
    dates = [claim for claim in shown if claim.path == ("issue_date",)]
    return (*facts[: _ROWS - len(dates)], *dates)


def _single(kind: CredentialType) -> Iterator[ClaimType]:
    """The claims of one value each that stand by themselves or in a box of their own."""
    for top in kind.claims:
        for claim in top.members if top.type == "object" else (top,):
            if not claim.members and claim.format != "image":
                yield claim


def svg_id(claim: ClaimType) -> str:
    """The name of a drawn claim in the templates of its kind."""
    return "_".join(str(step) for step in claim.path)


def template(kind: CredentialType, look: Look) -> bytes:
    """The card of a kind, landscape, with placeholders for the values."""
    lang, colours = look.lang, SCHEMES[look.scheme]
    parts = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" rx="14" fill="{colours.paper}"/>',
        _text(24, 44, 20, colours.ink, kind.label(lang), bold=True),
        _text(24, 66, 11, colours.words, kind.agency(lang)),
        *_rows(kind, lang, colours),
        "</svg>",
    )
    return "\n".join(parts).encode()


def _rows(kind: CredentialType, lang: Language, colours: _Colours) -> Iterator[str]:
    for row, claim in enumerate(drawn(kind)):
        top = 96 + row * 42
        yield _text(24, top, 10, colours.words, claim.label(lang))
        yield _text(24, top + 19, 15, colours.ink, f"{{{{{svg_id(claim)}}}}}")


def _text(x: int, y: int, size: int, colour: str, words: str, *, bold: bool = False) -> str:
    weight = ' font-weight="bold"' if bold else ""
    fitting = min(size, (_WIDTH - 2 * x) / _ems(words) * 10 // 1 / 10)
    return f'<text x="{x}" y="{y}" font-size="{fitting:g}" fill="{colour}"{weight}>{escape(words, _ESCAPED)}</text>'


def _ems(words: str) -> float:
    """How wide a text is in the size of its font, roughly: Hangul fills a square, Latin letters about half of one."""
    return sum(0.56 if sign.isascii() else 1.0 for sign in words)


def filled(drawing: str, values: Mapping[str, str]) -> str:
    """The template with the values in their places, whatever signs they hold (§5.5.1.2.2).

    ``values`` are those of every ``svg_id`` of the type metadata, empty for a claim that is not there. Raises
    ``policy.type_metadata`` for a placeholder that is none of them, or that is not in text.
    """
    if _IN_MARKUP.search(drawing):
        raise PolicyError("policy.type_metadata", "a placeholder that is not in text")
    if unknown := {found[1] for found in _PLACEHOLDER.finditer(drawing)} - values.keys():
        raise PolicyError("policy.type_metadata", f"{len(unknown)} placeholders without a claim")
    return _PLACEHOLDER.sub(lambda found: escape(values[found[1]], _ESCAPED), drawing)
