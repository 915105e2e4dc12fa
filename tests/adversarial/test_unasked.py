"""What nobody asked for, and what nobody sees: confirmations in a key binding, and characters in a record.

OpenID4VP 1.0 App. B.3.3 (transactions) and row VCI-34 of the security matrix.
"""

from __future__ import annotations

import pytest

from ewallet.credential import Binding
from ewallet.dcql import Query
from ewallet.errors import PolicyError, UsageError
from ewallet.formats import FORMATS, sdjwt
from ewallet.oid4vp import TransactionData
from ewallet.testing.stage import Stage

KIND = "resident_register_copy"
HASH = "uBzI0j_wTr5mKFxh8tHzHnH4Fh3pLJ3EEoHoyfhqlXU"


@pytest.mark.parametrize("hashes", [[HASH], [], "x", None])
def test_a_confirmation_that_was_not_asked_for_is_refused(ewallet_kit, hashes):
    """Nobody here knows what the holder has agreed to with it: the answer was made for somebody else's question."""
    ewallet_kit.issue(KIND)
    presented = ewallet_kit.present(ewallet_kit.query(KIND, ["resident_address"]))
    stage = Stage.of(ewallet_kit, presented)
    verdict = ewallet_kit.verify(stage.bind(stage.shown, change={"transaction_data_hashes": hashes}), presented.request)

    assert "policy.transaction_data" == verdict.code


def test_more_confirmations_than_were_asked_for_are_refused(ewallet_kit):
    """The transaction of this bank, and another one beside it."""
    ewallet_kit.issue(KIND)
    presented = ewallet_kit.present(ewallet_kit.query(KIND, ["resident_address"]))
    stage = Stage.of(ewallet_kit, presented)
    asked, other = (TransactionData.make("urn:example:loan", ["a"], {"amount": text}).raw for text in ("1", "2"))
    binding = Binding(audience=stage.binding.audience, nonce=stage.binding.nonce, transaction_data=(asked,))
    both = Binding(audience=stage.binding.audience, nonce=stage.binding.nonce, transaction_data=(asked, other))
    format_ = FORMATS["dc+sd-jwt"]

    def check(made):
        raw = stage.bind(stage.shown, change=sdjwt.confirmed(made))
        format_.open(raw).check_binding(binding, stage.at)

    check(binding)
    with pytest.raises(PolicyError) as refused:
        check(both)
    assert "policy.transaction_data" == refused.value.code


UNSEEN = {
    "right to left override": "가상\u202e시특상가",
    "isolate": "\u2066가상특별시\u2069",
    "left to right mark": "가상\u200e특별시",
    "zero width space": "가상\u200b특별시",
    "zero width joiner": "가상\u200d특별시",
    "byte order mark": "\ufeff가상특별시",
    "soft hyphen": "가상\u00ad특별시",
    "line separator": "가상\u2028특별시",
    "paragraph separator": "가상\u2029특별시",
    "tag": "가상\U000e0041특별시",
    "hangul filler": "가상\u3164특별시",
    "half width filler": "가상\uffa0특별시",
    "leading consonant filler": "\u115f가상특별시",
    "medial vowel filler": "가상특별시\u1160",
}


@pytest.mark.parametrize("text", UNSEEN.values(), ids=UNSEEN)
def test_vci_34_what_is_not_seen_is_not_signed(ewallet_kit, text):
    """VCI-34: two records that look alike are alike; the claim is named, its value is not, and nothing is allocated."""
    sample = ewallet_kit.catalog.type(KIND).sample | {"resident_address": text}
    with pytest.raises(UsageError) as refused:
        ewallet_kit.issuer.issue(KIND, sample, subject="citizen-1", holders=ewallet_kit.wallet.new_keys(1))

    assert "issue.invalid_value" == refused.value.code
    assert "resident_address" in refused.value.detail
    assert text not in refused.value.detail
    assert () == ewallet_kit.issuer.status_lists()


SEEN = [
    "가상특별시 없는길 1, 101동 1001호",
    "가상\u3000특별시",
    "假想特別市",
    "Ōsaka Straße",
    "㈜가상",
    "가상특별시—동",
]


@pytest.mark.parametrize("text", SEEN)
def test_what_is_seen_is_signed(ewallet_kit, text):
    """Korean, Chinese and Latin letters, and spaces of every width."""
    ewallet_kit.issue(KIND, claims=ewallet_kit.catalog.type(KIND).sample | {"resident_address": text})
    query = Query.for_type(ewallet_kit.catalog.type(KIND), ["resident_address"])

    presented = ewallet_kit.present(query)

    assert ewallet_kit.verify(presented.token, presented.request).code is None
