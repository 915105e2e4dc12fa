"""Face to face (ISO/IEC 18013-5): a shop's device reads the code of a phone, and the two talk without a network.

Few computers have the radio of a phone: a connection inside this machine stands in for BLE and NFC.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from ewallet import qr
from ewallet.catalog import Catalog
from ewallet.labels import item_value, path_name
from ewallet.proximity.engagement import SCHEME
from ewallet.shape import json_object
from ewallet.status import CWT_MEDIA_TYPE
from issuer_service.demo.browser import expect
from issuer_service.demo.keyring import SHOP
from issuer_service.demo.pictures import await_picture
from issuer_service.demo.stage import Stage, Step

LICENCE: Final = "mobile_driver_license"
_ASKED: Final = "not_juvenile"
_HEAD: Final = 2  # lines of what the wallet shows: who asks, and why
_SHOWN: Final = 40  # characters of the code


def _meet(stage: Stage) -> None:
    """The phone waits with its code; the shop reads it, says by its certificate who it is, and asks one thing."""
    lists = _fetched_before(stage)
    code = stage.path("engagement.png")
    phone = stage.begin("ewallet", "present", "--proximity", stage.place.meeting, "--qr", str(code), "--yes")
    engagement = qr.read(Path(await_picture(stage, code.stem, phone)).read_bytes())
    expect(engagement.startswith(SCHEME), "the code is none of a mobile document")
    stage.done(f"{engagement[:_SHOWN]}…")
    said = _read(stage, code, lists)
    print("   … ewallet present --proximity")
    told = stage.finish(phone, expected=0, shown=_HEAD)
    expect(SHOP in told.partition("\n")[0], "the phone does not know the shop by its certificate")
    _check_nothing_else(stage, said)


def _fetched_before(stage: Stage) -> Path:
    """The list of what is revoked, as the shop's device took it along while it had a network."""
    answer = stage.client.get(f"{stage.place.issuer}/status/1", headers={"accept": CWT_MEDIA_TYPE})
    expect(answer.is_success, f"no status list: {answer.status_code}")
    stage.path("status.cwt").write_bytes(answer.content)
    return stage.path("status.cwt")


def _read(stage: Stage, code: Path, lists: Path) -> str:
    """What the shop's device says, which fetches nothing and has a certificate of its own."""
    shop, purpose = stage.path("shop"), "주류 판매" if stage.language == "ko" else "sale of alcohol"
    who = ("--signer", str(shop / "signer.key"), "--chain", str(shop / "signer.pem"))
    asked = ("--type", LICENCE, "--claims", _ASKED, "--purpose", purpose)
    judged = ("--offline", "--status", str(lists), "--json")
    reader = stage.begin("ewallet-verify", "reader", str(code), "--connect", stage.place.meeting, *asked, *who, *judged)
    return stage.finish(reader, expected=0, shown=0)


def _check_nothing_else(stage: Stage, said: str) -> None:
    verdict, kind = json_object(said, "the verdict"), Catalog.bundled().type(LICENCE)
    expect(verdict["verdict"] == "accepted", f"the verdict is {verdict['code']}")
    expect(list(verdict["claims"].values()) == [{_ASKED: True}], "something else was learned than one yes")
    stage.show(f"{path_name(kind, (_ASKED,), stage.language)}: {item_value(kind, (_ASKED,), True, stage.language)}")
    stage.done(
        "진위 확인됨. 가게 단말기가 알게 된 것은 이것뿐이고, 네트워크는 쓰지 않았습니다.",
        "accepted: that is all the shop's device has learned, and it has used no network.",
    )


STEPS: Final = (
    Step(
        _meet,
        "대면: 홍길동의 휴대전화가 코드를 보이고, 네트워크가 없는 가게 단말기가 그것을 읽어 성인인지만 묻습니다.",
        "Face to face: Hong's phone shows a code; a shop's device without a network reads it, and asks for one yes.",
    ),
)
