"""What is handed to the library by its own callers, and what its errors carry along: rules G2 and G3."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ewallet.errors import EWalletError, UsageError
from ewallet.formats.sdjwt import SdJwt
from ewallet.shape import to_base64url

KIND = "resident_register_copy"
CANARY = "가나리아시 비밀길 7"


def _deep():
    value: Any = []
    for _ in range(10_000):
        value = [value]
    return value


def _cyclic():
    value: Any = []
    value.append(value)
    return value


RECORDS = {"bytes": b"text", "set": {1}, "deep": _deep(), "cyclic": _cyclic()}


@pytest.mark.parametrize("value", RECORDS.values(), ids=RECORDS)
@pytest.mark.parametrize("claim", ["resident_address", "address_history"])
def test_g2_a_record_that_is_none_is_not_issued(claim, value, ewallet_kit):
    """G2: a source of records that goes wrong gets one of our errors, before anything is recorded."""
    sample = {**ewallet_kit.catalog.type(KIND).sample, claim: value}
    with pytest.raises(UsageError) as refused:
        ewallet_kit.issuer.issue(KIND, sample, subject="citizen-1", holders=ewallet_kit.wallet.new_keys(1))

    assert "issue.invalid_value" == refused.value.code
    assert () == ewallet_kit.issuer.certificates("citizen-1")


def test_g2_a_format_that_does_not_exist_is_a_wrong_argument(ewallet_kit):
    """G2: the name of a format may come from a request."""
    sample = ewallet_kit.catalog.type(KIND).sample
    with pytest.raises(UsageError) as refused:
        ewallet_kit.issuer.issue(
            KIND, sample, subject="citizen-1", holders=ewallet_kit.wallet.new_keys(1), format_id="of tomorrow"
        )

    assert "usage.argument" == refused.value.code


def _behind(exc: BaseException | None) -> Iterator[BaseException]:
    while exc is not None:
        yield exc
        exc = exc.__cause__ or exc.__context__


@pytest.mark.parametrize("end", [b'"', b'"]\xff', b'", 1e999]'], ids=["json", "utf-8", "number"])
def test_g3_an_error_carries_nothing_of_what_was_read(end, stage):
    """G3: also behind an error, where reporters of errors look, there is no parser's error that holds its input."""
    broken = to_base64url(f'["salt","resident_address","{CANARY}'.encode() + end)
    with pytest.raises(EWalletError) as refused:
        SdJwt.parse(stage.join(stage.issued, [broken])).check_disclosures()
    carried = [(repr(exc), vars(exc), getattr(exc, "object", b"")) for exc in _behind(refused.value)]

    assert "malformed.json" == refused.value.code
    assert CANARY not in str(carried)
    assert CANARY.encode() not in b"".join(found for *_, found in carried)
