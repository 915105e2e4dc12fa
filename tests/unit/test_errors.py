"""Errors carry one code of the table, say it in two languages, and form the tree the module draws."""

from __future__ import annotations

import copy
import pickle
import re
from collections.abc import Callable

import pytest

from ewallet import errors
from ewallet.codes import TABLE
from ewallet.errors import (
    AlreadyUsed,
    BindingError,
    DisclosureError,
    EWalletError,
    Malformed,
    NotFound,
    StoreError,
    TrustError,
    UsageError,
    VerificationError,
    words,
)


@pytest.mark.parametrize("code", ["kb.absent", "kb", "", "kb.missing ", "KB.MISSING"])
def test_an_unknown_code_is_refused(code: str) -> None:
    """A misspelt code is a bug of ours and must not travel as an error of the peer."""
    with pytest.raises(LookupError, match="BindingError has no code") as caught:
        BindingError(code)
    assert not isinstance(caught.value, EWalletError)


def test_a_code_of_another_family_is_refused() -> None:
    """Whoever catches ``TrustError`` must not meet a key-binding code."""
    with pytest.raises(LookupError, match=re.escape("TrustError has no code 'kb.missing'")):
        TrustError("kb.missing")


@pytest.mark.parametrize("raised", [DisclosureError, BindingError])
def test_a_family_may_belong_to_two_classes(raised: type[EWalletError]) -> None:
    """An mdoc fails on its digests or on its device, and both codes are of family ``mdoc``."""
    assert raised("mdoc.device_auth").code == "mdoc.device_auth"


def test_the_text_is_the_code_alone_without_a_detail() -> None:
    """No dangling colon in logs."""
    assert str(BindingError("kb.missing")) == "kb.missing"


def test_the_text_is_code_and_detail() -> None:
    """Both are there for the developer who reads the last line of a traceback."""
    error = Malformed("limit.size", "found 600000 bytes, expected at most 524288")
    assert str(error) == "limit.size: found 600000 bytes, expected at most 524288"
    assert (error.code, error.detail) == ("limit.size", "found 600000 bytes, expected at most 524288")


@pytest.mark.parametrize("language", ["en", "ko"])
def test_an_error_says_its_words_in_either_language(language: errors.Language) -> None:
    """The words are those of the table, through the error or through its code."""
    expected = TABLE["status.revoked"][language]
    assert expected == errors.StatusError("status.revoked").words(language)
    assert expected == words("status.revoked", language)


def test_words_are_english_unless_asked_otherwise() -> None:
    """Developers meet the default; the commands and pages pass a language."""
    assert TABLE["kb.aud"]["en"] == BindingError("kb.aud").words() == words("kb.aud")


def test_words_of_an_unknown_code_are_refused() -> None:
    """The commands that explain a code turn this into a usage error."""
    with pytest.raises(LookupError):
        words("kb.absent")


@pytest.mark.parametrize("clone", [copy.copy, lambda error: pickle.loads(pickle.dumps(error))])  # noqa: S301
def test_an_error_survives_a_process_boundary(clone: Callable[[EWalletError], EWalletError]) -> None:
    """Worker processes hand errors back whole, with code and detail."""
    error = TrustError("trust.no_path", "no anchor for purpose issuer")
    twin = clone(error)
    assert (TrustError, "trust.no_path", "no anchor for purpose issuer") == (type(twin), twin.code, twin.detail)


def test_a_usage_error_is_a_value_error() -> None:
    """Callers that know nothing of this library still catch a wrong argument."""
    assert issubclass(UsageError, ValueError)


def test_store_errors_share_codes_and_a_parent() -> None:
    """Absent and used up are store errors that callers may tell apart."""
    assert (StoreError,) == NotFound.__bases__ == AlreadyUsed.__bases__
    assert NotFound("storage.not_found").families == ("storage",)


def test_the_tree_is_the_one_the_module_draws() -> None:
    """The drawing in the docstring is the first thing read, so it names every class at its depth."""
    drawn = re.findall(r"^    ([│├└─ ]*)(\w+)", errors.__doc__ or "", re.MULTILINE)
    assert _lineage(EWalletError, 0) == [(len(lead) // 3, name) for lead, name in drawn]


def _lineage(cls: type[EWalletError], depth: int) -> list[tuple[int, str]]:
    children = [child for child in cls.__subclasses__() if child.__module__ == errors.__name__]
    return [(depth, cls.__name__)] + [row for child in children for row in _lineage(child, depth + 1)]


@pytest.mark.parametrize("rung", VerificationError.__subclasses__())
def test_every_rung_has_a_class_with_codes_of_its_own(rung: type[VerificationError]) -> None:
    """A rung that inherited the codes of the root could only say that something went wrong inside."""
    assert "families" in vars(rung)
    assert "internal" not in rung.families
