"""The wallet road of MyData: a bank asks for a bundle with its consent, and both sides keep a receipt of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from ewallet.catalog import Catalog
from ewallet.shape import json_object
from issuer_service.demo.browser import call, expect
from issuer_service.demo.keyring import BUNDLE, CITIZEN
from issuer_service.demo.pictures import await_picture, drawn
from issuer_service.demo.stage import PREFIX, Stage, Step

_IDENTITY: Final = "mobile_resident_card"
_OPTIONAL: Final = "health_insurance_payment_confirmation"
_UNTICKED: Final = "[ ] "
_DAYS: Final = "30"
_FEW: Final = "5"  # copies; the walk shows one or two, and some are left for whoever goes on by hand
_ALL: Final = 1000  # lines
_HEAD: Final = 2  # paragraphs of what the wallet shows: who asks, and the consent
_CHECKS: Final = -2  # paragraphs of a verdict: what was checked, which was shown before, and the members once more
_RECEIPT: Final = "receipt.json"


def members() -> list[str]:
    """The kinds that the bundle cannot do without."""
    return [item.type_id for item in Catalog.bundled().bundle(BUNDLE).items if item.required]


def consent(stage: Stage, picture: str, receipt: str, *, shown: int = _ALL) -> None:
    """Let the wallet confirm a consent, show what its holder has read of it, and write the wallet's receipt."""
    told = stage.run("ewallet", "present", picture, "--yes", shown=0)
    head = "\n\n".join(told.split("\n\n")[:_HEAD]).splitlines()
    unticked = [line for line in told.splitlines() if _UNTICKED in line]
    stage.show("\n".join([*head[:shown], *(["…"] if head[shown:] else []), *unticked, told.splitlines()[-1]]))
    id_ = told.split()[-1]
    stage.write(receipt, stage.run("ewallet", "history", "--receipt", id_, shown=0))


def check_receipt(stage: Stage, receipt: Path) -> None:
    """Return if both halves hold, says the command that anybody may run."""
    told = stage.run("ewallet-verify", "verify", "--type", "receipt", str(receipt), "--text", shown=1)
    stage.show(told.split("\n\n")[-1])


def _receive(stage: Stage) -> None:
    """One offer of everything; a person would pick it kind by kind at the issuer's page."""
    body = {"subject": CITIZEN, "types": [*members(), _OPTIONAL, _IDENTITY]}
    offer: dict[str, Any] = call(stage.client, "POST", f"{stage.place.issuer}/v1/offers", stage.operator, body)
    stage.call("POST", f"{stage.place.issuer}/v1/offers")
    told = stage.run("ewallet", "receive", drawn(stage, offer["uri"], "bundle-offer"), "--yes", "--copies", _FEW)
    expect(len(told.splitlines()) == len(members()) + 2, "something of the bundle was not received")


def _ask_and_consent(stage: Stage) -> None:
    receipts = stage.path("verifier") / "receipts"
    receipts.mkdir(mode=0o700)
    asked = ("--bundle", BUNDLE, "--optional", _OPTIONAL, "--days", _DAYS, "--consent-lang", stage.language)
    kept = ("--receipts", str(receipts), "--qr", str(stage.path("bundle.png")), "--prefix", PREFIX, "--text")
    clerk = stage.begin("ewallet-verify", "request", *asked, *kept)
    consent(stage, await_picture(stage, "bundle", clerk), _RECEIPT)
    print("   … ewallet-verify request")
    parts = stage.finish(clerk, expected=0, shown=0).split("\n\n")
    listed, name = parts[-1].splitlines(), Catalog.bundled().type(_OPTIONAL).label(stage.language)
    left_out = [line for line in listed if name in line]
    stage.show("\n".join(["\n\n".join(parts[:_CHECKS]), "", *left_out]))
    expect(len(listed) == len(members()) + 2, "the verdict does not name every member")
    expect(len(left_out) == 1 and name not in "".join(parts[:_CHECKS]), "what is optional was given, or is not named")


def _check_receipts(stage: Stage) -> None:
    (kept,) = (stage.path("verifier") / "receipts").glob("*.json")
    own, countersigned = (json_object(path.read_bytes(), "a receipt") for path in (stage.path(_RECEIPT), kept))
    expect(own == countersigned, "wallet and bank keep different receipts")
    stage.done("지갑과 은행이 보관한 영수증이 같습니다.", "The wallet and the bank keep the same receipt.")
    check_receipt(stage, kept)


STEPS: Final = (
    Step(
        _receive,
        "마이데이터: 홍길동의 지갑이 신용대출에 필요한 증명서 꾸러미와 모바일 주민등록증을 받습니다.",
        "MyData: Hong's wallet receives the bundle that a bank loan needs, and a mobile resident card.",
    ),
    Step(
        _ask_and_consent,
        "지갑 경로: 은행이 꾸러미를 한 번에 묻습니다. 지갑은 동의문에 서명해 함께 보내고, 선택 항목은 빼 둡니다.",
        "By the wallet: the bank asks for the bundle at once. The wallet signs the consent, to the letter as read, "
        "and leaves out what is optional.",
    ),
    Step(
        _check_receipts,
        "은행이 맞서명한 동의 영수증을 양쪽이 보관합니다. 누구나 두 서명을 확인할 수 있습니다.",
        "The bank countersigns, and both keep the receipt of the consent. Anybody can check both halves.",
    ),
)
