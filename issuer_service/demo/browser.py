"""A citizen's browser and a program's HTTP client: cookies, forms and pictures as they come over the wire."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Final, Self
from urllib.parse import urljoin, urlsplit

import httpx2

from ewallet.errors import Language
from ewallet.jose import to_json
from ewallet.shape import Json, json_value

_TIMEOUT: Final = 10.0
_WHOLE: Final = frozenset({"code", "pre", "textarea"})


class Unexpected(Exception):
    """A step did not do what it promised."""


def expect(held: bool, otherwise: str) -> None:  # noqa: FBT001 - reads as a sentence
    """Return if a step did what it promised."""
    if not held:
        raise Unexpected(otherwise)


@dataclass(frozen=True)
class Form:
    """A form of a page: the address it goes to and what it holds already."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)


class Page(HTMLParser):
    """What a person finds on a page: forms, buttons that lead on, the QR code and the link beside it.

    ``texts`` are those that are to be read or kept as they are, by the ``id`` of the element.
    """

    def __init__(self, address: str, text: str) -> None:
        super().__init__()
        self.address = address
        self.text = text
        self.forms: list[Form] = []
        self.buttons: list[str] = []
        self.texts: dict[str, str] = {}
        self.picture = ""
        self.link = ""
        self._within = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(urljoin(self.address, found.get("action", ""))))
        elif tag == "input" and found.get("type") == "hidden" and self.forms:
            self.forms[-1].fields[found["name"]] = found["value"]
        elif tag == "img" and found.get("class") == "qr":
            self.picture = found["src"]
        elif tag == "input" and found.get("id") == "link":
            self.link = found["value"]
        elif tag == "a" and found.get("class") == "button":
            self.buttons.append(urljoin(self.address, found["href"]))
        elif tag in _WHOLE:
            self._within = found.get("id", "")

    def handle_data(self, data: str) -> None:
        if self._within:
            self.texts[self._within] = self.texts.get(self._within, "") + data

    def handle_endtag(self, tag: str) -> None:
        if tag in _WHOLE:
            self._within = ""

    def form(self, ending: str) -> Form:
        """The form that goes to an address with that ending."""
        fitting = [form for form in self.forms if form.action.endswith(ending)]
        expect(bool(fitting), f"{self.address} has no form for {ending}")
        return fitting[0]


class Browser:
    """One person's browser; ``authorities`` are those whose https it believes, unsaid the usual ones."""

    def __init__(self, site: str, language: Language, authorities: Path | None) -> None:
        self._site = site
        self._client = client(authorities, headers={"accept": "text/html", "accept-language": language})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_ended: object) -> None:
        self._client.close()

    def open(self, address: str) -> Page:
        """The page at an address, or at a path of the site it was opened for."""
        return _page(_good(self._client.get(urljoin(self._site, address))))

    def send(self, form: Form, **filled: str) -> Page:
        """The page that follows when a form is filled in and sent."""
        return _page(_good(self._sent(form, filled)))

    def refused(self, form: Form) -> Page:
        """The page that says why a form does nothing."""
        answer = self._sent(form, {})
        expect(answer.is_client_error, f"{form.action} was not refused")
        return _page(answer)

    def download(self, path: str) -> bytes:
        """What is at a path of the site."""
        return _good(self._client.get(urljoin(self._site, path))).content

    def _sent(self, form: Form, filled: Mapping[str, str]) -> httpx2.Response:
        parts = urlsplit(form.action)
        headers = {"origin": f"{parts.scheme}://{parts.netloc}", "sec-fetch-site": "same-origin"}
        return self._client.post(form.action, data=form.fields | dict(filled), headers=headers)


def _page(answer: httpx2.Response) -> Page:
    return Page(str(answer.url), answer.text)


def call(to: httpx2.Client, method: str, url: str, key: str, body: Mapping[str, Json] | None = None) -> Json:
    """What a service answers a program that shows its key, as JSON; None where there is nothing to say."""
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    content = None if body is None else to_json(dict(body))
    answer = _good(to.request(method, url, headers=headers, content=content))
    return json_value(answer.content, "the answer") if answer.content else None


def client(authorities: Path | None, headers: Mapping[str, str] | None = None) -> httpx2.Client:
    """A client that follows redirects as browsers do, and knows no proxies: nothing here leaves this machine."""
    import ssl

    tls = ssl.create_default_context(cafile=authorities)
    return httpx2.Client(
        verify=tls, trust_env=False, follow_redirects=True, headers=dict(headers or {}), timeout=_TIMEOUT
    )


def _good(answer: httpx2.Response) -> httpx2.Response:
    asked = f"{answer.request.method} {answer.url.path}"
    expect(answer.is_success, f"{asked} was answered with {answer.status_code}")
    return answer
