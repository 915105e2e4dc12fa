"""The words of consents, which their digests are of: another word here is another consent."""

from __future__ import annotations

from typing import Final

from ewallet.errors import Language

SAYS: Final[dict[str, dict[Language, str]]] = {
    "civil_petition": {
        "ko": "본인정보 공동이용 요구서 (민원 처리에 관한 법률 제10조의2)",
        "en": "Request to share my own data for a petition (Civil Petitions Act, article 10-2)",
    },
    "provision_request": {
        "ko": "본인 행정정보 제공 요구서 (전자정부법 제43조의2)",
        "en": "Request to provide my administrative data (Electronic Government Act, article 43-2)",
    },
    "shared_use": {
        "ko": "행정정보 공동이용 사전동의서 (전자정부법 제36조·제42조)",
        "en": "Prior consent to shared use of administrative data (Electronic Government Act, articles 36 and 42)",
    },
    "presentation": {"ko": "개인정보 수집·이용 동의서", "en": "Consent to the collection and use of personal data"},
    "recipient": {"ko": "받는 곳", "en": "Receiver"},
    "acting": {"ko": "대리: {0} 님을 대신하여 {1}", "en": "Acting: {1}, on behalf of {0}"},
    "joint": {
        "ko": "공동 심사: 다른 사람과 한 건으로 심사하며, 누구인지는 성명과 생년월일로 확인합니다",
        "en": "Joint case: judged as one with other people; who is who is told by name and date of birth",
    },
    "purpose": {"ko": "목적", "en": "Purpose"},
    "law": {"ko": "근거", "en": "Legal basis"},
    "wallet": {"ko": "방법: 지갑에서 직접 제출합니다", "en": "How: shown from the wallet"},
    "portal": {
        "ko": "방법: 발급기관이 받는 곳에 직접 제공합니다",
        "en": "How: the agencies provide it to the receiver",
    },
    "items": {"ko": "제공하는 항목", "en": "What is provided"},
    "yes_no": {"ko": "{0} (예/아니요만)", "en": "{0} (yes or no only)"},
    "retention": {"ko": "보유기간", "en": "Kept for"},
    "once": {"ko": "제공 방식: 한 번만", "en": "Provided: once"},
    "P1D": {"ko": "제공 방식: 매일", "en": "Provided: every day"},
    "P7D": {"ko": "제공 방식: 매주", "en": "Provided: every week"},
    "P1M": {"ko": "제공 방식: 매월", "en": "Provided: every month"},
    "P1Y": {"ko": "제공 방식: 매년", "en": "Provided: every year"},
    "period": {"ko": "동의 기간: {0}부터 {1}까지", "en": "The consent holds from {0} to {1}"},
    "refuse": {
        "ko": "동의를 거부할 수 있습니다. 거부하면 이용할 수 없으나, 선택 항목만 거부하면 불이익이 없습니다.",
        "en": "You may refuse. This service cannot be used then; refusing only what is optional has no disadvantage.",
    },
    "optional": {
        "ko": "선택 동의입니다. 거부해도 불이익이 없으며, 함께 하는 필수 동의는 그대로입니다.",
        "en": "This is optional. Refusing it has no disadvantage, and the consent beside it stays as it is.",
    },
    "withdraw": {
        "ko": "동의는 언제든지 철회할 수 있습니다. 철회 전에 적법하게 제공된 것은 무효가 되지 않습니다.",
        "en": "You may withdraw your consent at any time. What was lawfully provided before stays provided.",
    },
}  # fmt: skip
