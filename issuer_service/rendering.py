"""The pages: Jinja templates with every value escaped, Korean first, English on request, and headers to match."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode

from fastapi import Request as WebRequest
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from ewallet.asgi import Problem, Scope
from ewallet.catalog.kinds import KST
from ewallet.errors import EWalletError, Language
from issuer_service import words
from issuer_service.records import CITIZENS
from issuer_service.service import Service
from issuer_service.session import Session

_CSP: Final = (
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'; "
    "script-src 'self'; style-src 'self'"
)
#: Where pages send forms, "no-referrer" would make browsers say that they come from nowhere: ``Origin: null``.
_SAID: Final = {"content-security-policy": _CSP, "referrer-policy": "same-origin"}
#: Codes of which the words are meant for the person who reads the page.
_SAID_SO: Final = frozenset({"issue.restricted", "usage.missing_extra"})
_LANGUAGE: Final = "lang"
_KOREAN: Final = re.compile(r"([\uac00-\ud7a3](?:[\uac00-\ud7a30-9· ]*[\uac00-\ud7a30-9])?)")
_BRACKETS: Final = re.compile(r"(\([^()\s]{1,6}/[^()\s]{1,6}\))")  # short ones, which fit on any line
_YEAR: Final = 365 * 24 * 3600


class Pages:
    """Renders the templates of ``issuer_service/pages``."""

    def __init__(self, service: Service) -> None:
        self._service = service
        loader = FileSystemLoader(Path(__file__).parent / "pages")
        self._templates = Environment(
            loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
        )
        self._templates.filters |= {"spoken": _spoken, "unbroken": _unbroken}

    def show(
        self, request: WebRequest, name: str, session: Session | None, /, status: int = HTTPStatus.OK, **values: Any
    ) -> HTMLResponse:
        """A page in the language of whoever asks."""
        language = self.language(request)
        other: Language = "en" if language == "ko" else "ko"
        settings = self._service.settings
        home = f"{settings.path}/"
        shown = status == HTTPStatus.OK and request.method == "GET"  # an unknown path may lead anywhere: //evil.example
        text = self._templates.get_template(f"{name}.html").render(
            t=partial(_word, language),
            lang=language,
            other=other,
            base=settings.path,
            elsewise=_elsewise(request, other) if shown else f"{home}?{_LANGUAGE}={other}",
            issuer_name=settings.issuer_name_ko if language == "ko" else settings.issuer_name_en,
            page=name,
            session=session,
            portal=settings.recipients is not None,
            citizen=CITIZENS[session.citizen_id].label(language) if session else "",
            **values,
        )
        response = HTMLResponse(text, status, headers={**_SAID, "content-language": language})
        if request.query_params.get(_LANGUAGE) == language:
            secure = settings.secure
            response.set_cookie(_LANGUAGE, language, max_age=_YEAR, secure=secure, httponly=True, samesite="lax")
        return response

    def problem(self, request: WebRequest, status: int, error: EWalletError | None = None) -> HTMLResponse:
        """What went wrong, to a person; of a fault of ours, only the number to ask about."""
        language = self.language(request)
        said = error.words(language) if error and error.code in _SAID_SO else None
        told = " ".join(said) if said else words.problem(status, language)
        reference = error.detail if error and error.code == "internal.fault" else ""
        return self.show(request, "problem", None, status=status, told=told, reference=reference)

    def refusal(self, scope: Scope, problem: Problem) -> Problem:
        """A refusal that came before any route, as a page where a person's browser asks."""
        request = WebRequest(scope)
        if not self.wants(request):
            return problem
        page = self.problem(request, problem.status)
        said = {name: value for name, value in page.headers.items() if name != "content-length"}
        return replace(problem, headers={**problem.headers, **said}, body=bytes(page.body))

    def wants(self, request: WebRequest) -> bool:
        """Whether a person's browser asks."""
        return "text/html" in request.headers.get("accept", "")

    def language(self, request: WebRequest) -> Language:
        """The language that was chosen, else the one the browser prefers, else Korean."""
        for chosen in (request.query_params.get(_LANGUAGE), request.cookies.get(_LANGUAGE)):
            if chosen in {"ko", "en"}:
                return "en" if chosen == "en" else "ko"
        preferred = request.headers.get("accept-language", "").lower()
        return "en" if preferred.startswith("en") else "ko"


def _elsewise(request: WebRequest, other: Language) -> str:
    """The same page in the other language, with all that its address asks for: a search, or somebody's request."""
    asked = [(name, value) for name, value in request.query_params.multi_items() if name != _LANGUAGE]
    return f"{quote(request.scope['path'])}?{urlencode([*asked, (_LANGUAGE, other)])}"


def _spoken(text: str, language: Language) -> Markup:
    """A text of that language in which what is Korean is said to be, for whoever has it read aloud; the same text."""
    if language == "ko":
        return escape(text)
    return Markup("").join(
        Markup('<span lang="ko">{}</span>').format(part) if number % 2 else escape(part)
        for number, part in enumerate(_KOREAN.split(text))
    )


def _unbroken(text: str) -> Markup:
    """The same text, whose short brackets stay on one line: browsers break Hangul behind a slash."""
    return Markup("").join(
        Markup('<span class="whole">{}</span>').format(part) if number % 2 else escape(part)
        for number, part in enumerate(_BRACKETS.split(text))
    )


def day(at: datetime, language: Language) -> str:
    """A day in Korea, as people write it."""
    local = at.astimezone(KST)
    return f"{local.year}. {local.month}. {local.day}." if language == "ko" else local.date().isoformat()


def last_day(until: datetime, language: Language) -> str:
    """The last day on which something holds that ends at that time: what ends at midnight, the day before."""
    return day(until - timedelta(microseconds=1), language)


def clock(at: datetime) -> str:
    """A time of day in Korea."""
    return at.astimezone(KST).strftime("%H:%M:%S")


def _word(language: Language, name: str, /, **values: object) -> str:
    return words.word(name, language, **values)
