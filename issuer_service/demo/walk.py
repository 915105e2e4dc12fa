"""The road, step by step: each says what it does, does it by the commands and by HTTP, and checks what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from ewallet import qr
from ewallet.catalog import Catalog
from ewallet.dcql import Query
from ewallet.errors import Malformed, words
from ewallet.labels import item_value, path_name
from ewallet.links import scanned
from ewallet.oid4vp.request import client_id
from ewallet.shape import base64url, json_object, to_base64url
from ewallet.sql import Database
from ewallet.trust import TrustList
from ewallet.verifier import Verifier
from issuer_service.demo import meeting, mydata
from issuer_service.demo.browser import Unexpected, call, expect
from issuer_service.demo.keyring import log_origin
from issuer_service.demo.meeting import LICENCE
from issuer_service.demo.pictures import await_picture, downloaded, drawn
from issuer_service.demo.stage import PREFIX, Stage, Step, as_json
from issuer_service.demo.watch import open_witness

KIND: Final = "resident_register_copy"
ASKED: Final = ("subject_name", "resident_address", "is_householder")
_CITIZEN: Final = "hong"
_CHILD: Final = "홍일동"  # of the same household; nobody asks for the name
_REJECTED: Final = 1
_UNDECIDED: Final = 3
_ALL: Final = 1000  # lines
_WHY: Final = 3  # lines of a verdict that say what it is, why and what to do


def walk(stage: Stage) -> None:
    """All steps in order; the first that does not hold raises."""
    for number, step in enumerate((*_STEPS, *mydata.STEPS), 1):
        stage.step(number, step.ko, step.en)
        step.act(stage)


def _open_services(stage: Stage) -> None:
    place = stage.place
    open_witness(stage)
    issuer, bank, desk = stage.open_issuer(), stage.open_bank(), stage.open_desk()
    stage.run("ewallet", "init")
    stage.await_ready(issuer, place.issuer, stage.operator, "issuer.log")
    stage.done(f"발급기관  {place.issuer}", f"issuer  {place.issuer}")
    stage.await_ready(bank, place.bank, stage.clerk, "verifier.log")
    stage.done(f"은행     {place.bank}", f"bank    {place.bank}")
    stage.await_ready(desk, f"{place.desk}/", "", "desk.log")
    stage.done(f"대출창구  {place.desk}", f"loan desk  {place.desk}")


def _apply(stage: Stage) -> None:
    with stage.browser(stage.place.issuer) as browser:
        home = browser.send(browser.open("/").form("/sign-in"), citizen=_CITIZEN)
        expect(f"/kinds/{KIND}" in home.text, "the kind is not on the page")
        offer = browser.send(browser.open(f"/kinds/{KIND}").form(f"/kinds/{KIND}/offer"))
        downloaded(stage, browser, offer, "offer")
    stage.done(f"QR 그림 {stage.path('offer.png')}: 페이지의 링크와 같습니다.", _same(stage, "offer.png", "the page"))


def _same(stage: Stage, name: str, of: str) -> str:
    return f"{stage.path(name)} was read back: the same link as {of} has."


def _receive(stage: Stage) -> None:
    stage.run("ewallet", "receive", str(stage.path("offer.png")), "--yes")


def _ask(stage: Stage, kind: str, claims: Sequence[str], purpose: str) -> dict[str, Any]:
    body = {"type": kind, "claims": list(claims), "purpose": purpose}
    asked: dict[str, Any] = call(stage.client, "POST", f"{stage.place.bank}/v1/requests", stage.clerk, body)
    return asked


def _purpose(stage: Stage) -> str:
    return "대출 심사" if stage.language == "ko" else "loan application"


def _ask_and_answer(stage: Stage) -> None:
    asked = _ask(stage, KIND, ASKED, _purpose(stage))
    stage.call("POST", f"{stage.place.bank}/v1/requests")
    picture = stage.path("request.png")
    qr.png(asked["link"], picture)
    expect(scanned(qr.read(picture.read_bytes())) == asked["link"], "the QR code holds another link")
    stage.done(f"QR 그림 {picture}: 은행의 링크와 같습니다.", _same(stage, "request.png", "the bank"))
    stage.run("ewallet", "present", str(picture), "--yes")
    stage.write("request-id", asked["id"])


def _read_verdict(stage: Stage) -> None:
    verdict = _learned(stage, stage.path("request-id").read_text("utf-8"), KIND, ASKED)
    stage.write("verdict.json", as_json(verdict))


def _learned(stage: Stage, request_id: str, kind_id: str, asked: Sequence[str]) -> Mapping[str, Any]:
    """The verdict on an answer, which must be accepted and say what was asked and nothing else."""
    became: dict[str, Any] = call(stage.client, "GET", f"{stage.place.bank}/v1/requests/{request_id}", stage.clerk)
    verdict: Mapping[str, Any] | None = became["verdict"]
    stage.call("GET", f"{stage.place.bank}/v1/requests/…")
    if verdict is None or verdict["verdict"] != "accepted":
        raise Unexpected(f"the verdict is {became['code']}")
    (claims,) = verdict["claims"].values()
    expect(set(claims) == set(asked), "something else was learned than was asked")
    stage.done("진위 확인됨", "accepted")
    kind = Catalog.bundled().type(kind_id)
    for name, found in claims.items():
        print(f"     {path_name(kind, (name,), stage.language)}: {item_value(kind, (name,), found, stage.language)}")
    return verdict


def _verify_in_a_branch(stage: Stage) -> None:
    """Without a network: the request came as a file, the answer as QR codes, the status list the evening before."""
    _write_request(stage)
    stage.write("status.jwt", _status_list(stage))
    answer = str(stage.path("answer.png"))
    arguments = ("present", "--request", str(stage.path("request.json")), "--qr", answer, "--yes")
    stage.run("ewallet", *arguments, shown=0)
    presented = qr.read(stage.path("answer.png").read_bytes())
    expect(_CHILD not in presented, "the name of a child left the wallet")
    stage.write("answer.json", presented)
    _verify(stage, "--status", str(stage.path("status.jwt")))


def _verify(stage: Stage, *status: str, expected: int = 0, shown: int = _ALL) -> str:
    asked = ("--request", str(stage.path("request.json")), *status, "--offline", "--text")
    verifying = stage.begin("ewallet-verify", "verify", str(stage.path("answer.png")), *asked)
    return stage.finish(verifying, expected=expected, shown=shown)


def _write_request(stage: Stage) -> None:
    now = stage.env.now()
    nobody = TrustList(anchors=(), version=0, since=now, until=now)
    verifier = Verifier(
        client_id(stage.verifier, PREFIX), trust=nobody, store=Database("sqlite://").verifier, env=stage.env
    )
    query = Query.for_type(Catalog.bundled().type(KIND), ASKED)
    stage.write("request.json", verifier.ask(query, purpose=_purpose(stage)).to_bytes().decode())


def _status_list(stage: Stage) -> str:
    answer = stage.client.get(f"{stage.place.issuer}/status/1")
    expect(answer.is_success, f"no status list: {answer.status_code}")
    return answer.text


def _refuse(stage: Stage) -> None:
    """Sent to the bank as it was, and with another address in it; each is judged for itself."""
    presented = stage.path("answer.json").read_text("utf-8")
    good, forged = (_judged(stage, text) for text in (presented, _forged(presented)))
    stage.call("POST", f"{stage.place.bank}/v1/verify")
    expect(good["verdict"] == "accepted", f"the unchanged answer: {good['code']}")
    expect(forged["code"] == "sdjwt.disclosure_unreferenced", f"the changed answer: {forged['code']}")
    stage.done(f"{words(forged['code'], stage.language).what} [{forged['code']}]")
    told = _verify(stage, expected=_UNDECIDED, shown=_WHY)
    expect("status.unavailable" in told, "undecided for another reason")


def _forged(presented: str) -> str:
    """The answer with one digit of the address changed, as its holder might wish."""
    (whole,) = (part for part in presented.split("~") if _is_address(part))
    forged = base64url(whole).replace("견본로 1".encode(), "견본로 2".encode())
    return presented.replace(whole, to_base64url(forged))


def _is_address(part: str) -> bool:
    """Whether it is the disclosure of the address (RFC 9901 §4.2.1); the first and last parts are none."""
    try:
        return b'"resident_address"' in base64url(part)
    except Malformed:
        return False


def _judged(stage: Stage, presented: str) -> Mapping[str, Any]:
    body = {
        "presentation": json_object(presented, "the answer"),
        "request": json_object(stage.path("request.json").read_text("utf-8"), "the request"),
    }
    verdict: dict[str, Any] = call(stage.client, "POST", f"{stage.place.bank}/v1/verify", stage.clerk, body)
    return verdict


def _revoke(stage: Stage) -> None:
    issuer = stage.place.issuer
    listed: dict[str, Any] = call(stage.client, "GET", f"{issuer}/v1/certificates?subject={_CITIZEN}", stage.operator)
    (certificate,) = listed["certificates"]
    reason = {"reason": "moved out"}
    call(stage.client, "POST", f"{issuer}/v1/certificates/{certificate['id']}/revoke", stage.operator, reason)
    stage.call("POST", f"{issuer}/v1/certificates/…/revoke")
    picture = stage.path("request-2.png")
    asked = ("--type", KIND, "--claims", "is_householder", "--purpose", _purpose(stage), "--qr", str(picture))
    clerk = stage.begin("ewallet-verify", "request", *asked, "--prefix", PREFIX, "--text")
    stage.run("ewallet", "present", await_picture(stage, "request-2", clerk), "--yes", shown=0)
    print("   … ewallet-verify request")
    told = stage.finish(clerk, expected=_REJECTED, shown=_WHY)
    expect("status.revoked" in told, "rejected for another reason")


def _show_licence(stage: Stage) -> None:
    """An ISO mdoc this time; who asks need not know, and asks by the same names."""
    body = {"subject": _CITIZEN, "types": [LICENCE], "format": "mso_mdoc"}
    offer: dict[str, Any] = call(stage.client, "POST", f"{stage.place.issuer}/v1/offers", stage.operator, body)
    stage.run("ewallet", "receive", drawn(stage, offer["uri"], "licence"), "--yes", shown=0)
    for asked, who, ko, en in _LOOKS:
        request = _ask(stage, LICENCE, asked, ko if stage.language == "ko" else en)
        stage.run("ewallet", "present", drawn(stage, request["link"], who), "--yes", shown=0)
        _learned(stage, request["id"], LICENCE, asked)


def _look_back(stage: Stage) -> None:
    stage.run("ewallet", "list")
    *sent, log = stage.run("ewallet", "history").splitlines()
    expect(len(sent) == 3 + len(_LOOKS) + len(meeting.STEPS), "the history lacks a line, or has one too many")
    expect(log_origin(stage.place) in log, "the history does not say how far the log of use was seen")


#: What is asked of the licence, by whom, and why.
_LOOKS: Final = (
    (("not_juvenile",), "shop", "주류 판매", "sale of alcohol"),
    (("name", "birth_date", "portrait"), "counter", "계좌 개설", "opening an account"),
)

_STEPS: Final = (
    Step(
        _open_services,
        "운영자가 '누가 무엇을 발급해도 되는지' 서명한 신뢰목록을 내고, 발급기관과 은행이 문을 엽니다.",
        "An operator signs the list of who may issue what; an issuer and a bank open their services.",
    ),
    Step(
        _apply,
        "홍길동이 발급기관 페이지에 로그인해 주민등록표 등본을 신청하고 QR을 받습니다.",
        "Hong Gildong signs in at the issuer's page, asks for a resident register copy and gets a QR code.",
    ),
    Step(
        _receive,
        "지갑이 그 QR을 읽어 증명서를 받습니다. 사본마다 서명이 달라 제출끼리 이어 볼 수 없습니다.",
        "The wallet reads the code and receives it, in copies that nobody can link.",
    ),
    Step(
        _ask_and_answer,
        "은행이 세 항목만 묻는 QR을 띄우고, 지갑은 그것만 보냅니다.",
        "The bank shows a QR code that asks three things, and the wallet sends just these.",
    ),
    Step(_read_verdict, "은행이 판정을 읽습니다.", "The bank reads the verdict."),
    Step(
        _verify_in_a_branch,
        "인터넷이 끊긴 지점에서는 답을 QR 그림으로 받아 그 자리에서 검증합니다.",
        "A branch without a network takes the answer as QR codes and verifies it on the spot.",
    ),
    Step(
        _refuse,
        "주소의 숫자 하나만 바꿔도 거절하고, 폐지 여부를 알 수 없으면 '판정할 수 없음'이라고 합니다.",
        "One changed digit of the address is refused; where nobody can tell if it was revoked, it is undecided.",
    ),
    Step(
        _revoke,
        "발급기관이 증명서를 폐지하자, 창구의 다음 판정이 그렇게 말합니다.",
        "The issuer revokes the certificate, and the next verdict at the counter says so.",
    ),
    Step(
        _show_licence,
        "모바일 운전면허증(ISO mdoc): 가게는 성인인지만 묻고 '예'만 봅니다. 은행은 이름, 생년월일, 사진을 봅니다.",
        "A mobile driving licence (ISO mdoc): a shop sees one yes, of age; a bank sees name, date of birth and face.",
    ),
    *meeting.STEPS,
    Step(
        _look_back,
        "쓴 사본은 줄고, 언제 무엇이 누구에게 나갔는지는 지갑에 남습니다.",
        "The wallet has fewer copies, and a record of what left, when and for whom.",
    ),
)
