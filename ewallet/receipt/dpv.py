"""A consent and what became of it, in the terms of the Data Privacy Vocabulary (W3C DPV 2) for ISO/IEC TS 27560.

A plain JSON view for whoever reads such records, made from the signed receipt and never read back. The prefixes stand
for vocabularies and are never fetched.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ewallet.consent import Consent, ConsentItem
from ewallet.credential import Path
from ewallet.shape import Json
from ewallet.terminal import stamp

_STATUS: Final[Mapping[str, str]] = {
    "given": "dpv:ConsentGiven",
    "renewed": "dpv:RenewedConsentGiven",
    "withdrawn": "dpv:ConsentWithdrawn",
    "fulfilled": "dpv:ConsentGiven",
    "deleted": "dpv:ConsentInvalidated",
}
_RIGHTS: Final = {
    "ko": "열람·정정·삭제·처리정지를 요구하고 동의를 철회할 수 있습니다 (개인정보 보호법 제35조부터 제37조까지).",
    "en": "You may ask to see, correct, delete and stop the use of the data, and withdraw the consent "
    "(Personal Information Protection Act, articles 35 to 37).",
}
_STANDARD: Final = "ISO/IEC TS 27560:2023"


@dataclass(frozen=True, kw_only=True)
class Happened:
    """One event of a consent, ``seq`` its place in the log of use where it has one."""

    event: str
    at: datetime
    seq: int | None = None


def receipt(
    consent: Consent,
    text: str,
    *,
    id_: str,
    events: Sequence[Happened],
    disclosed: Mapping[str, Iterable[Path]],
    withdrawal: str | None = None,
    options: Sequence[tuple[Consent, bool]] = (),
) -> dict[str, Json]:
    """The receipt as a record of its fields; ``withdrawal`` is the address where the consent can be withdrawn.

    ``options`` are the optional consents beside it, and whether each was given.
    """
    items = (*consent.items, *(item for option, given in options if given for item in option.items))
    beside: dict[str, Json] = {"acting": consent.acting.to_json()} if consent.acting else {}
    beside |= {"optional": [_optional(*option) for option in options]} if options else {}
    recipient: dict[str, Json] = {"dct:identifier": consent.recipient.id, "dct:title": dict(consent.recipient.names)}
    return beside | {
        "@type": "dpv:ConsentReceipt",
        "dct:identifier": id_,
        "dct:conformsTo": _STANDARD,
        "dpv:hasConsentStatus": _STATUS[events[-1].event],
        "record": {"dct:identifier": consent.id, "sha256": consent.digest},
        "dpv:hasNotice": {"@type": "dpv:ConsentNotice", "dct:language": consent.lang, "dct:description": text},
        "dpv:hasRecipient": recipient,
        "dpv:hasDataController": recipient,  # whoever receives it answers for it from then on
        "dpv:hasThirdParty": [],  # a consent names one recipient, and nobody whom that one may pass it on to
        "bundle": consent.bundle_id,
        "dpv:hasPurpose": dict(consent.purposes),
        "dpv:hasLegalBasis": {"@type": "dpv:Consent", "route": consent.route, "dct:description": consent.legal_basis},
        "dpv:hasProcessing": {"@type": "dpv:Collect", "road": consent.road},
        "dpv:hasPersonalData": [_data(item) for item in items],
        "dpv:hasStorageCondition": {
            "dpv:hasDuration": f"P{consent.retention.days}D",
            "dct:description": dict(consent.retention.words),
        },
        "dpv:hasFrequency": {"mode": consent.provision.mode, "cycle": consent.provision.cycle},
        "dpv:hasConsentControl": {"@type": "dpv:WithdrawConsent", "dct:source": withdrawal},
        "dpv:hasRight": {"@type": "dpv:DataSubjectRight", "dct:description": dict(_RIGHTS)},
        "dct:valid": {"start": stamp(consent.since), "end": stamp(consent.until)},
        "disclosed": {name: [list(path) for path in paths] for name, paths in disclosed.items()},
        "events": [_event(each) for each in events],
    }


def _data(item: ConsentItem) -> dict[str, Json]:
    return {
        "type": item.type_id,
        "claims": [list(path) for path in item.claims],
        "answers": [question.name for question in item.questions],
    }


def _optional(option: Consent, given: bool) -> dict[str, Json]:  # noqa: FBT001 - one of two outcomes
    return {"type": option.items[0].type_id, "sha256": option.digest, "given": given}


def _event(happened: Happened) -> dict[str, Json]:
    seq = {} if happened.seq is None else {"seq": happened.seq}
    return {"event": happened.event, "dpv:isIndicatedAtTime": stamp(happened.at), **seq}
