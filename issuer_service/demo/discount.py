"""The yes/no service (자격확인): a ticket counter learns that somebody pays less, and neither why nor who it is."""

from __future__ import annotations

from typing import Final

from ewallet.catalog import Catalog
from ewallet.shape import json_object
from issuer_service.demo.browser import expect
from issuer_service.demo.keyring import CITIZEN
from issuer_service.demo.pictures import await_picture, downloaded
from issuer_service.demo.portal import signed_in
from issuer_service.demo.stage import PREFIX, Stage, Step, as_json
from issuer_service.records import CITIZENS

RULE: Final = "public_facility_discount"
_FEW: Final = "2"  # copies; it is good for a day


def _get_the_answer(stage: Stage) -> None:
    """The service consults all agencies of the rule, and signs one letter."""
    rule = Catalog.bundled().rule(RULE)
    with signed_in(stage) as citizen:
        page = citizen.open(f"/eligibility/{RULE}")
        offer = citizen.send(page.form(f"/eligibility/{RULE}/offer"))
        picture = downloaded(stage, citizen, offer, "discount-offer")
    stage.done(
        f"{rule.label('ko')}: 조건 {len(rule.branches)}가지를 모두 조회합니다.",
        f"{rule.label('en')}: all {len(rule.branches)} conditions of the rule are looked up.",
    )
    stage.run("ewallet", "receive", picture, "--yes", "--copies", _FEW)


def _show_it(stage: Stage) -> None:
    purpose = "이용요금 감면" if stage.language == "ko" else "a discount"
    counter = stage.path("counter")
    who = ("--signer", str(counter / "signer.key"), "--chain", str(counter / "signer.pem"), "--prefix", PREFIX)
    asked = ("--rule", RULE, "--purpose", purpose, "--qr", str(stage.path("discount.png")), "--json")
    asking = stage.begin("ewallet-verify", "request", *asked, *who)
    stage.run("ewallet", "present", await_picture(stage, "discount", asking), "--yes")
    print("   … ewallet-verify request")
    received = stage.finish(asking, expected=0, shown=0)
    stage.show(as_json(json_object(received, "the verdict")["claims"]))
    _check_nothing_else(received)
    stage.done(
        "창구가 알게 된 것은 이것뿐입니다. 이름도, 생년월일도, 어느 증명서 때문인지도 없습니다.",
        "That is all the counter has learned: no name, no date of birth, and not which certificate was the reason.",
    )


def _check_nothing_else(received: str) -> None:
    verdict, rule, citizen = json_object(received, "the verdict"), Catalog.bundled().rule(RULE), CITIZENS[CITIZEN]
    expect(verdict["verdict"] == "accepted", f"the verdict is {verdict['code']}")
    expect(list(verdict["claims"].values()) == [dict(rule.yes)], "something else was learned than yes")
    said = [citizen.name, citizen.birth_date, *(branch.type_id for branch in rule.branches)]
    expect(not [each for each in said if each in received], "the counter could know who it is, or why")


STEPS: Final = (
    Step(
        _get_the_answer,
        "자격확인: 홍길동이 감면 대상인지 묻습니다. 어느 조건 때문인지는 빼고 '예/아니요'만 서명해 지갑에 줍니다.",
        "Yes or no: Hong asks whether he pays less. Only the answer is signed for his wallet, and not the reason.",
    ),
    Step(
        _show_it,
        "체육관 매표소는 '예'만 봅니다. 왜 감면되는지는 아무도 모릅니다.",
        "The ticket counter of a sports centre sees a yes. Nobody learns why.",
    ),
)
