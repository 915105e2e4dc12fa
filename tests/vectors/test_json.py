"""JSONTestSuite: the strict loader reads what is JSON and refuses what is not."""

from __future__ import annotations

import pytest

from ewallet.errors import Malformed
from ewallet.shape import json_value

#: Well-formed by RFC 8259, which only discourages repeated names; we refuse them.
_REPEATED = {"y_object_duplicated_key", "y_object_duplicated_key_and_value"}


@pytest.mark.vectors("security/vectors/json/test_parsing/[yn]_*.json", count=283)
def test_text_is_read_or_refused_as_listed(vector):
    """Every ``y_`` file is read, every ``n_`` file refused; repeated members are refused by name."""
    text = vector.read_bytes()
    if vector.stem.startswith("y_") and vector.stem not in _REPEATED:
        json_value(text)
        return
    with pytest.raises(Malformed) as refused:
        json_value(text)
    codes = {"malformed.json_duplicate"} if vector.stem in _REPEATED else {"malformed.json", "limit.depth"}
    assert refused.value.code in codes


@pytest.mark.vectors("security/vectors/json/test_parsing/i_*.json", count=35)
def test_undecided_text_is_read_or_refused_by_our_error(vector):
    """Where readers may differ, ours refuses unpaired surrogates, infinities and foreign encodings."""
    text = vector.read_bytes()
    try:
        json_value(text)
    except Malformed as refused:
        assert refused.code in {"malformed.json", "limit.depth"}
    else:
        text.decode("utf-8")
