"""Registrations of recipients: read strictly, anew each time, each under one identifier."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ewallet.errors import EWalletError, NotFound
from ewallet.keys import SigningKey
from ewallet.recipients import SCHEMA, Recipient, RecipientFile, RecipientTable
from ewallet.testing.clock import START

BANK = Recipient(
    id="bank-0001",
    names={"ko": "가상은행", "en": "Example Bank"},
    class_="bank",
    keys=(SigningKey.generate().public, SigningKey.generate("EdDSA").public),
    bundles=frozenset({"bank_personal_loan", "credit_recovery"}),
    until=START,
)


def _file(path: Path, *entries: Any, schema: str = SCHEMA) -> RecipientFile:
    path.write_text(json.dumps({"schema": schema, "recipients": entries}), "utf-8")
    return RecipientFile(path)


def test_registration_is_read_as_it_was_written(tmp_path: Path) -> None:
    """Names, keys, bundles, end; and again after the file has changed."""
    file = _file(tmp_path / "recipients.json", BANK.to_json())
    assert BANK == file.recipient(BANK.id)
    suspended = replace(BANK, suspended=True)
    _file(tmp_path / "recipients.json", suspended.to_json())
    assert suspended == file.recipient(BANK.id)
    assert BANK == RecipientTable((BANK,)).recipient(BANK.id)


def test_unknown_one_is_not_found(tmp_path: Path) -> None:
    """In a file as in memory."""
    for recipients in (_file(tmp_path / "r.json", BANK.to_json()), RecipientTable((BANK,))):
        with pytest.raises(NotFound) as refused:
            recipients.recipient("bank-0002")
        assert "storage.not_found" == refused.value.code


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"id": 1}, "malformed.claim_type"),
        ({"id": "self"}, "malformed.claim_type"),
        ({"id": "eligibility"}, "malformed.claim_type"),
        ({"names": {"ko": "가상은행"}}, "malformed.claim_type"),
        ({"keys": []}, "malformed.claim_type"),
        ({"keys": [{"kty": "oct", "k": "AA"}]}, "crypto.key_invalid"),
        ({"bundles": []}, "malformed.claim_type"),
        ({"bundles": ["a", 1]}, "malformed.claim_type"),
        ({"until": "2028"}, "malformed.claim_type"),
        ({"suspended": "no"}, "malformed.claim_type"),
        ({"id": "bank\u202e1000"}, "malformed.claim_type"),
        ({"names": {"ko": "가상은행\n목적: 없음", "en": "Example Bank"}}, "malformed.claim_type"),
        ({"names": {"ko": "가상은행", "en": "Example\u200bBank"}}, "malformed.claim_type"),
        ({"redirect_uris": "https://bank.example/return"}, "malformed.claim_type"),
        ({"redirect_uris": [1]}, "malformed.claim_type"),
        ({"redirect_uris": ["http://bank.example/return"]}, "malformed.url"),
        ({"redirect_uris": ["javascript:alert(1)"]}, "malformed.url"),
        ({"redirect_uris": ["https://bank.example/return#part"]}, "malformed.url"),
        ({"redirect_uris": ["https://bank.example@evil.example/"]}, "malformed.url"),
    ],
)
def test_entry_that_is_none_is_refused(tmp_path: Path, changes: dict[str, Any], code: str) -> None:
    """By name, before anybody is provided with anything."""
    file = _file(tmp_path / "recipients.json", BANK.to_json() | changes)
    with pytest.raises(EWalletError) as refused:
        file.recipient(BANK.id)
    assert code == refused.value.code


def test_one_identifier_of_two_is_refused(tmp_path: Path) -> None:
    """Nobody could say which of them is meant; nor is a file of another schema read."""
    for file in (
        _file(tmp_path / "a.json", BANK.to_json(), BANK.to_json()),
        _file(tmp_path / "b.json", BANK.to_json(), schema="x"),
    ):
        with pytest.raises(EWalletError) as refused:
            file.recipient(BANK.id)
        assert "malformed.claim_type" == refused.value.code


def test_key_is_one_of_its_own() -> None:
    """The first where none is named."""
    assert BANK.keys[0] == BANK.key()
    assert BANK.keys[1] == BANK.key(BANK.keys[1].thumbprint)
    with pytest.raises(EWalletError) as refused:
        BANK.key(SigningKey.generate().public.thumbprint)
    assert "access.forbidden" == refused.value.code
