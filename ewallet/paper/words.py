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
}


def word(name: str, lang: Language) -> str:
    """One word or sentence; where it has a place for something, that is still in braces."""
    return _WORDS[name][lang == "en"]
