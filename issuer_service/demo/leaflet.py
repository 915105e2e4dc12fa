"""The page that tells the owner of a phone, in Korean and English, how to trust the demo, with the certificate to load.

It comes by plain http, since it comes before that trust; the fingerprint on the terminal says whether it arrived whole.
"""

from __future__ import annotations

from hashlib import sha256
from html import escape
from textwrap import wrap
from typing import Final
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.serialization import Encoding

from ewallet.asgi import Application, Deliver, Guard, Receive, Scope
from ewallet.errors import Language
from issuer_service.demo.page import POLICY, whole
from issuer_service.demo.place import Place

CERTIFICATE: Final = "ewallet-demo-ca.crt"

STEPS: Final[dict[Language, tuple[str, ...]]] = {
    "ko": (
        "휴대전화를 이 컴퓨터와 같은 네트워크(와이파이)에 연결하고 {leaflet} 을 엽니다.",
        "인증서 {certificate} 를 내려받습니다.",
        "iPhone: 설정 > 프로파일이 다운로드됨 > 설치. 이어서 설정 > 일반 > 정보 > 인증서 신뢰 설정에서 켭니다.",
        "Android: 설정에서 'CA 인증서'를 찾아 설치 > 내려받은 파일을 고릅니다.",
        "지문이 같은지 봅니다: {fingerprint}",
        "{issuer} 를 엽니다. 시연이 끝나면 설치한 인증서를 지웁니다.",
    ),
    "en": (
        "Join the network (Wi-Fi) of this computer with the phone, and open {leaflet}",
        "Download the certificate {certificate}.",
        "iPhone: Settings > Profile Downloaded > Install, then General > About > Certificate Trust Settings.",
        "Android: search the settings for 'CA certificate' > Install > choose the downloaded file.",
        "Compare the fingerprint: {fingerprint}",
        "Open {issuer} and, when the demo is over, remove the certificate again.",
    ),
}
_TITLES: Final[dict[Language, str]] = {
    "ko": "휴대전화로 시연 보기",
    "en": "The demo on your phone",
}
_DESK: Final[dict[Language, str]] = {
    "ko": "은행 대출 창구(마이데이터 동의를 해 볼 수 있습니다)",
    "en": "A bank's loan desk, where you can try a MyData consent",
}
#: The page cannot vouch for itself: what is to be compared stands on the terminal.
_THERE: Final[dict[Language, str]] = {
    "ko": "컴퓨터 화면에 나온 값",
    "en": "it is on the computer's screen",
}


def told(place: Place, language: Language, fingerprint: str) -> list[str]:
    """The steps in words, with the addresses of this demo."""
    values = {
        "leaflet": place.leaflet,
        "certificate": CERTIFICATE,
        "fingerprint": fingerprint,
        "issuer": f"{place.issuer}/",
    }
    return [step.format(**values) for step in STEPS[language]]


def fingerprint(place: Place) -> str:
    """The SHA-256 fingerprint of the authority's certificate, as phones show it."""
    return " ".join(wrap(sha256(_certificate(place)).hexdigest().upper(), 4))


def app(place: Place) -> Guard:
    """The page and the certificate, and nothing else."""
    certificate, page = _certificate(place), _page(place).encode()
    answers = {
        "/": (200, "text/html; charset=utf-8", page),
        f"/{CERTIFICATE}": (200, "application/x-x509-ca-cert", certificate),
    }
    return Guard(_answering(answers), hosts=[urlsplit(place.leaflet).netloc])


def _certificate(place: Place) -> bytes:
    return place.tls.authority_certificate.public_bytes(Encoding.DER) if place.tls else b""


def _answering(answers: dict[str, tuple[int, str, bytes]]) -> Application:
    async def answer(scope: Scope, receive: Receive, send: Deliver) -> None:
        if scope["type"] == "lifespan":
            for phase in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{phase}.complete"})
            return
        status, kind, body = answers.get(scope["path"], (404, "text/plain", b"not here"))
        headers = [(b"content-type", kind.encode()), (b"content-security-policy", POLICY.encode())]
        length = (b"content-length", str(len(body)).encode())
        await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    return answer


def _page(place: Place) -> str:
    return whole(_TITLES["ko"], "".join(_part(place, language) for language in STEPS))


def _part(place: Place, language: Language) -> str:
    items = "".join(f"<li>{escape(step)}</li>" for step in told(place, language, _THERE[language])[1:])
    links = (
        f'<p><a class="load" href="/{CERTIFICATE}" download>{CERTIFICATE}</a></p>'
        f'<p><a href="{escape(place.issuer)}/">{escape(place.issuer)}/</a></p>'
        f'<p>{_DESK[language]}: <a href="{escape(place.desk)}/">{escape(place.desk)}/</a></p>'
    )
    return f'<section lang="{language}"><h1>{_TITLES[language]}</h1><ol>{items}</ol>{links}</section>'
