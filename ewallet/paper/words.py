"""The words that stand on every form, in Korean and English, whatever its kind; Korean is the legal text."""

from __future__ import annotations

from typing import Final

from ewallet.errors import Language

_WORDS: Final[dict[str, tuple[str, str]]] = {
    "number": ("문서확인번호", "Document number"),
    "receiver": ("제출처", "Submitted to"),
    "purpose": ("제출 목적", "Purpose of submission"),
    "issued": ("발급", "Issue"),
    "answers": ("확인 사항", "Confirmed"),
    "yes": ("예", "Yes"),
    "no": ("아니요", "No"),
    "none": ("해당 사항 없음", "None"),
    "row": ("{label} {number}", "{label} {number}"),
    "date": ("발급일", "Date of issue"),
    "authority": ("발급기관", "Issuing authority"),
    "seal": ("{authority}의 전자관인 표시", "Mark of the electronic seal of {authority}"),
    "code": ("위변조 확인용 QR 코드", "QR code for checking this document"),
    "free": ("수수료 무료", "No fee"),
    "fee": ("수수료 {amount}", "Fee {amount}"),
    "certified": ("위와 같이 증명합니다.", "This is to certify that the above is true."),
    "confirmed": ("위와 같이 확인합니다.", "This is to confirm that the above is true."),
    "online": (
        "이 문서는 온라인으로 발급한 전자문서를 출력한 것입니다.",
        "This document was issued online and printed from the electronic original.",
    ),
    "check": (
        "발급일부터 90일 동안 발급기관의 진위확인 화면에서, 언제든지 QR 코드로 위조·변조 여부를 확인할 수 있습니다.",
        "For 90 days from issue its number can be checked on the issuer's page, its QR code at any time.",
    ),
    "scan": (
        "QR 코드를 읽어 위조·변조 여부를 확인할 수 있습니다.",
        "Its QR code can be read to check that nothing in it was changed.",
    ),
    "page": ("진위확인: {address}", "Check at: {address}"),
    "picture": ("{label} (그림)", "{label} (a picture)"),
    "end": ("문서 끝", "End of document"),
    "own_title": ("본인정보 내려받기", "Own data"),
    "own_day": ("내려받은 날: {day}", "Downloaded on {day}"),
    "own_note": (
        "본인이 보려고 내려받은 것으로, 제출할 수 있는 증명서가 아닙니다.",
        "For the person's own use: this is no certificate and cannot be submitted as one.",
    ),
    "own_numbers": (
        "주민등록번호 전체는 적지 않습니다.",
        "Whole resident registration numbers are left out.",
    ),
    "own_records": ("기록", "Records"),
    "own_consents": ("동의", "Consents"),
    "own_looks": ("조회 내역", "Looks at this data"),
    "own_checkpoint": ("유통이력의 체크포인트", "Checkpoint of the log of use"),
    "own_line": ("{number}행", "Line {number}"),
    "own_recipient": ("이용기관", "Recipient"),
    "own_purpose": ("목적", "Purpose"),
    "own_law": ("근거 법령", "Legal basis"),
    "own_period": ("동의 기간", "Period"),
    "own_state": ("상태", "State"),
    "own_id": ("동의 번호", "Consent"),
    "own_information": ("정보", "Information"),
    "own_at": ("일시", "Time"),
    "own_acting": ("대리", "Acting"),
    "own_people": ("{principal} 님을 대신하여 {agent} ({role})", "{agent} ({role}), on behalf of {principal}"),
    "own_delegate": ("대리인", "delegate"),
    "own_guardian": ("보호자", "guardian"),
    "own_official": ("공무원", "official"),
    "own_given": ("동의함", "Given"),
    "own_stopped": ("제공 중지", "Stopped"),
    "own_fulfilled": ("목적 달성", "Fulfilled"),
    "own_renewed": ("갱신됨", "Renewed"),
    "own_withdrawn": ("철회함", "Withdrawn"),
    "own_erased": ("삭제됨", "Deleted"),
}


def word(name: str, lang: Language) -> str:
    """One word or sentence; where it has a place for something, that is still in braces."""
    return _WORDS[name][lang == "en"]
