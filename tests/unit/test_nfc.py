"""A name that a register keeps in NFD is signed in NFC, byte by byte, in every format."""

from __future__ import annotations

import unicodedata

import pytest

from ewallet.formats import FORMATS
from ewallet.shape import base64url

KIND = "family_relation_certificate"
APART = unicodedata.normalize("NFD", "홍길동")
WHOLE = unicodedata.normalize("NFC", APART)


def _apart(value):
    """The same record as a register on another system keeps it."""
    if isinstance(value, dict):
        return {name: _apart(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_apart(item) for item in value]
    return unicodedata.normalize("NFD", value) if isinstance(value, str) else value


def _signed(raw, format_id):
    """The bytes that are hashed: the disclosures of an SD-JWT, the whole of an mdoc."""
    if format_id == "mso_mdoc":
        return base64url(raw)
    return b"\n".join(base64url(part) for part in raw.split("~")[1:-1])


@pytest.mark.parametrize("format_id", FORMATS)
def test_what_is_hashed_is_in_nfc(ewallet_kit, format_id):
    """Names of people, in rows and objects too; nothing in the other form is left in what is signed."""
    sample = ewallet_kit.catalog.type(KIND).sample
    (raw,) = ewallet_kit.issuer.issue(
        KIND, _apart(sample), subject="citizen-1", holders=ewallet_kit.wallet.new_keys(), format_id=format_id
    ).credentials
    signed = _signed(raw, format_id)

    assert APART.encode() != WHOLE.encode()
    assert (True, False) == (WHOLE.encode() in signed, APART.encode() in signed)
    for sign in ("\u1100", "\u1112", "\u1161"):  # letters that an NFC text of Korean names never has by themselves
        assert sign.encode() not in signed


def test_both_forms_of_a_record_give_the_same_claims(ewallet_kit):
    """A verifier cannot tell from a name which system a register runs on."""
    kind = ewallet_kit.catalog.type(KIND)

    assert kind.issuable(kind.sample) == kind.issuable(_apart(kind.sample))
