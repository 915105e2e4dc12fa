"""The portal road of MyData: a registered bank asks, the citizen signs in and consents, the bank downloads."""

from __future__ import annotations

import re
from html import unescape
from typing import Final
from urllib.parse import urlsplit

from ewallet.errors import words
from ewallet.shape import json_object
from issuer_service.demo.browser import Browser, Form, Page, expect
from issuer_service.demo.bundle import check_receipt, consent, members
from issuer_service.demo.keyring import CITIZEN
from issuer_service.demo.pictures import drawn
from issuer_service.demo.stage import Stage, Step
from issuer_service.demo.told import told

_FIELDS: Final = re.compile(r"<dt>([^<]+)</dt><dd[^>]*>(.*?)</dd>", re.DOTALL)
_TAG: Final = re.compile(r"<[^>]+>")
_LINE: Final = '<span class="line">'
_NOTICE: Final = 5  # fields
_HEAD: Final = 9  # lines of a consent: who asks whom, what for, by which law and how
_RECEIPT: Final = "receipt-portal.json"


def _ask_and_consent(stage: Stage) -> None:
    """One person's browser, from the bank to the portal and back."""
    with stage.browser(stage.place.desk) as browser:
        page = browser.send(browser.open("/").form("/ask"))
        expect(page.address.startswith(f"{stage.place.portal}/authorize?"), "the bank does not lead to the portal")
        stage.call("POST", f"{stage.place.portal}/par")
        stage.done(
            "은행이 무엇을 요청하는지 포털에 먼저 넣고(PAR, PKCE, authorization_details), 홍길동을 그리로 보냅니다.",
            "the bank has pushed what it asks for (PAR, PKCE, authorization_details), and leads Hong there",
        )
        choices = browser.send(page.form("/sign-in"), citizen=CITIZEN)
        signing = browser.send(choices.form("/mydata/authorize"))
        given = browser.send(_confirmed(stage, signing))
        expect(bool(given.buttons), "the consent was not given")
        back = browser.open(given.buttons[0])
    expect(back.address.startswith(f"{stage.place.desk}/consents/"), "nobody was led back to the bank")


def _confirmed(stage: Stage, signing: Page) -> Form:
    """The form by which one goes on, once the wallet has signed what stands on the page."""
    consent(stage, drawn(stage, signing.buttons[0], "consent"), _RECEIPT, shown=_HEAD)
    return signing.form(urlsplit(signing.address).path)


def _show_package(stage: Stage) -> None:
    folder = stage.path("desk")
    verdict = json_object((folder / "verdict.json").read_bytes(), "the verdict")
    expect(verdict["verdict"] == "accepted", f"the package: {verdict['code']}")
    expect(set(verdict["claims"]) == set(members()), "the package has other members than were consented to")
    stage.call("POST", f"{stage.place.portal}/token")
    stage.call("GET", f"{stage.place.portal}/packages")
    expect((folder / "package-receipt.jwt").is_file(), "the bank has not signed for the package")
    stage.call("POST", f"{stage.place.portal}/receipts")
    stage.done(
        "진위 확인됨(은행의 열쇠로만 쓸 수 있는 토큰, DPoP)",
        "accepted (by a token that only the bank's key can use, DPoP)",
    )
    for title, lines in told(verdict["claims"], stage.language):
        stage.show("\n".join([title, *(f"  {line}" for line in lines)]))
    check_receipt(stage, stage.path(_RECEIPT))


def _read_notice(stage: Stage) -> None:
    with signed_in(stage) as browser:
        page = browser.open("/my/notices")
    stage.call("GET", f"{stage.place.issuer}/my/notices")
    fields = [(name, lines(told)) for name, told in _FIELDS.findall(page.text)]
    expect(len(fields) == _NOTICE, "a notice has five fields")
    stage.show("\n".join(f"{name}: " + "\n  ".join(said) for name, said in fields))


def lines(told: str) -> list[str]:
    """What stands in a field of a page, line by line as the page has it."""
    parts = (" ".join(unescape(_TAG.sub("", part)).split()) for part in told.split(_LINE))
    return [part for part in parts if part]


def signed_in(stage: Stage) -> Browser:
    """The citizen's browser at the issuer's pages."""
    browser = stage.browser(stage.place.issuer)
    browser.send(browser.open("/").form("/sign-in"), citizen=CITIZEN)
    return browser


def _withdraw(stage: Stage) -> None:
    with stage.browser(stage.place.desk) as bank, signed_in(stage) as citizen:
        bank.send(bank.open("/").form("/again"))
        stage.done("동의가 있는 동안에는 다시 줍니다.", "while the consent holds, the bank is given the package again")
        citizen.send(citizen.open("/my/consents").form("/withdraw"))
        stage.call("POST", f"{stage.place.issuer}/my/consents/…/withdraw")
        refused = bank.refused(bank.open("/").form("/again"))
    stage.call("GET", f"{stage.place.portal}/packages")
    expect(refused.texts.get("code") == "consent.withdrawn", "the download was refused for another reason")
    stage.done(f"{words('consent.withdrawn', stage.language).what} [consent.withdrawn]")


STEPS: Final = (
    Step(
        _ask_and_consent,
        "포털 경로: 홍길동이 은행 대출 창구에서 포털로 넘어가 로그인하고, 지갑으로 동의문에 서명합니다.",
        "By the portal: the bank's loan desk leads Hong to the portal, where he signs in and signs the consent.",
    ),
    Step(
        _show_package,
        "은행이 자기 앞으로 새로 발급된 꾸러미를 내려받아 검증합니다. 이 동의에도 영수증이 있습니다.",
        "The bank downloads the package, issued fresh for it alone, and verifies it. This consent has a receipt, too.",
    ),
    Step(
        _read_notice,
        "홍길동은 누가, 무슨 목적으로, 무엇을, 언제 보았는지 알림을 받습니다.",
        "Hong finds a notice of it: who looked, what for, at what, and when.",
    ),
)
ENDING: Final = (
    Step(
        _withdraw,
        "홍길동이 동의를 철회하자, 은행의 다음 내려받기가 거절됩니다.",
        "Hong withdraws the consent, and the bank's next download is refused.",
    ),
)
