"""The table of codes is closed, complete in both languages, and is what the reference page shows."""

from __future__ import annotations

import re
import runpy
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from ewallet.codes import TABLE, Words
from ewallet.errors import UNDECIDED, EWalletError

ROOT = Path(__file__).parents[2]

CODES = {
    "usage": "argument configuration file key_reused in_progress missing_extra",
    "malformed": "encoding json json_duplicate claim_type sdjwt cbor cose mdoc x509 url qr image pdf offer vp_token",
    "limit": "size depth count decompressed time rate",
    "crypto": "alg_not_allowed hash_not_allowed key_invalid signature_invalid crit_unsupported typ_mismatch"
    " decrypt_failed not_encrypted",
    "trust": "no_path self_signed cert_expired cert_profile cert_revoked revocation_unknown issuer_mismatch"
    " issuer_not_authorized list_invalid list_rollback",
    "sdjwt": "digest_duplicate disclosure_duplicate disclosure_unreferenced claim_reserved claim_collision"
    " validity_claim_disclosed",
    "kb": "missing typ signature_invalid aud nonce iat sd_hash",
    "mdoc": "doctype_mismatch digest_mismatch digest_missing device_auth device_namespace",
    "paper": "text_differs seal_invalid",
    "time": "expired not_yet_valid missing",
    "status": "revoked suspended unknown_value missing index_out_of_range uri_mismatch token_invalid stale rollback"
    " unavailable transition",
    "replay": "nonce_used response_used",
    "dcql": "invalid unsatisfied extra_claims",
    "policy": "vct_not_accepted type_metadata subject_mismatch subject_unknown joint_missing joint_twice"
    " joint_household transaction_data",
    "request": "invalid signature_invalid client_id_mismatch untrusted_verifier response_uri_mismatch issuer_mismatch"
    " declined expired no_legal_basis",
    "session": "ended unexpected refused",
    "offer": "untrusted_issuer refused unsupported",
    "access": "unauthenticated forbidden",
    "consent": "required expired withdrawn not_yet_valid scope purpose recipient authority",
    "receipt": "invalid",
    "log": "tampered forked omitted rollback unwitnessed",
    "fetch": "blocked redirect timeout unavailable",
    "issue": "reserved_claim invalid_value restricted",
    "storage": "auth_failed corrupt rollback locked unavailable not_found already_used loose_mode",
    "internal": "fault",
}

RAISED_AS = {
    "usage": {"UsageError"},
    "issue": {"UsageError", "Restricted"},
    "request": {"ProtocolError"},
    "session": {"ProtocolError"},
    "offer": {"ProtocolError"},
    "malformed": {"Malformed"},
    "limit": {"Malformed"},
    "trust": {"TrustError"},
    "crypto": {"CryptoError"},
    "sdjwt": {"DisclosureError"},
    "mdoc": {"DisclosureError", "BindingError"},
    "paper": {"DisclosureError"},
    "kb": {"BindingError"},
    "replay": {"BindingError"},
    "time": {"ValidityError"},
    "dcql": {"QueryError"},
    "status": {"StatusError"},
    "policy": {"PolicyError"},
    "receipt": {"PolicyError"},
    "log": {"PolicyError"},
    "access": {"ProtocolError"},
    "consent": {"ConsentError"},
    "storage": {"StoreError"},
    "fetch": {"TransportError"},
    "internal": {"EWalletError"},
}

EVERY_TEXT = [
    pytest.param(language, words, id=f"{code}-{language}")
    for code, row in TABLE.items()
    for language, words in row.items()
]


def classes(root: type[EWalletError] = EWalletError) -> Iterator[type[EWalletError]]:
    """The root and everything below it in the package."""
    yield root
    for child in root.__subclasses__():
        if child.__module__.startswith("ewallet"):
            yield from classes(child)


def test_the_table_holds_exactly_the_promised_codes_in_order() -> None:
    """Programs compare codes, so one that appears, moves or goes is a decision and not an accident."""
    promised = [f"{family}.{name}" for family, names in CODES.items() for name in names.split()]
    assert promised == list(TABLE)


def test_every_code_speaks_both_languages() -> None:
    """English and Korean, and no third one that only some codes have."""
    assert {("en", "ko")} == {tuple(row) for row in TABLE.values()}


@pytest.mark.parametrize(("language", "words"), EVERY_TEXT)
def test_a_text_is_one_sentence_in_its_language(language: str, words: Words) -> None:
    """A capitalised ASCII sentence in English, a polite Korean one with a full stop otherwise."""
    sentence = {
        "en": re.compile(r"[A-Z][ -~]*[^ .]\."),
        "ko": re.compile(r"[가-힣].*다\.|[가-힣A-Z].*시오\."),
    }[language]
    for text in words:
        assert sentence.fullmatch(text), text
        assert text.count(". ") == 0, text


@pytest.mark.parametrize("language", ["en", "ko"])
def test_no_two_codes_say_the_same(language: str) -> None:
    """Where two codes had the same sentence, the reader could not tell what happened."""
    told = Counter(row[language].what for row in TABLE.values())
    assert [what for what, times in told.items() if times > 1] == []


@pytest.mark.parametrize(("language", "words"), EVERY_TEXT)
def test_a_text_does_not_repeat_a_code(language: str, words: Words) -> None:
    """The code is shown beside the text; inside it, it would be jargon."""
    assert [code for code in TABLE if code in " ".join(words)] == [], language


def test_a_failed_unlock_does_not_say_which_half_failed() -> None:
    """Telling a wrong passphrase from a damaged key record would help someone who guesses."""
    words = TABLE["storage.auth_failed"]
    assert "cannot be told apart" in words["en"].what
    assert "구별할 수 없습니다" in words["ko"].what


@pytest.mark.parametrize("family", CODES)
def test_a_family_belongs_to_the_classes_that_list_it(family: str) -> None:
    """Whoever catches a class knows which families can arrive."""
    listing = {cls.__name__ for cls in classes() if family in vars(cls).get("families", ())}
    assert RAISED_AS[family] == listing


def test_no_class_lists_a_family_without_codes() -> None:
    """Such a class could never be raised."""
    assert set(CODES) == {family for cls in classes() for family in cls.families}


def test_undecided_codes_are_codes() -> None:
    """A misspelt one would turn "cannot tell" into a rejection."""
    assert set() == UNDECIDED - set(TABLE)


def test_the_table_cannot_be_changed() -> None:
    """One caller's correction would be every caller's surprise."""
    with pytest.raises(TypeError):
        TABLE["kb.missing"]["en"] = Words("Fine.", "Go on.")  # type: ignore[index]


def test_the_reference_page_is_the_table() -> None:
    """A new or reworded code is in the docs, or this fails: run ``python docs/generate_errors.py``."""
    generated = runpy.run_path(str(ROOT / "docs" / "generate_errors.py"))["page"]()
    assert generated == (ROOT / "docs" / "reference" / "errors.md").read_text(encoding="utf-8")


def test_the_reference_page_has_an_anchor_for_every_code() -> None:
    """Links of the form ``errors.md#kb.missing`` lead somewhere, once."""
    text = (ROOT / "docs" / "reference" / "errors.md").read_text(encoding="utf-8")
    assert list(TABLE) == re.findall(r'<a id="([^"]+)">', text)
