"""The rows of the security matrix about answers, as far as a verifier without a service reaches, each by its number."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ewallet.dcql import Query
from ewallet.verdict import Accepted

KIND = "resident_register_copy"


def _query(kit, id_="a", **change):
    asked = {"id": id_, "format": "dc+sd-jwt", "meta": {"vct_values": [kit.catalog.type(KIND).vct]}}
    return Query.parse({"credentials": [{**asked, "claims": [{"path": ["resident_address"]}], **change}]})


ODD = {
    "surrogate": ["\ud800"],
    "integer": 5,
    "null": None,
    "large integer": [1 << 70],
    "bytes": [b"x"],
    "no strings": [{}],
}


@pytest.mark.parametrize("value", ODD.values(), ids=ODD)
def test_vpv_10_an_answer_from_a_lenient_parser(value, ewallet_kit, presented):
    """VPV-10: a service may hand on what its own JSON parser made of a body; it is judged, whatever is in it."""
    verdict = ewallet_kit.verifier.verify({KIND: value}, presented.request)

    assert "malformed.vp_token" == verdict.code


def test_vpv_10_an_object_without_end(ewallet_kit, presented):
    """VPV-10: nesting that no encoder follows is malformed as well."""
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]

    assert "malformed.vp_token" == ewallet_kit.verifier.verify({KIND: deep}, presented.request).code


def test_vpv_10_many_presentations(ewallet_kit, presented):
    """VPV-10: how many are judged has a limit, and it is decided before any signature is verified."""
    verdict = ewallet_kit.verify({KIND: (presented.presentation,) * 101}, presented.request)

    assert ("limit.count", "failed") == (verdict.code, verdict.checks[0].outcome)


def test_vpv_10_a_query_may_have_any_name(ewallet_kit):
    """VPV-10: an answer to a query that is named like a member of the JSON serialisation is still an answer."""
    ewallet_kit.issue(KIND)
    presented = ewallet_kit.present(_query(ewallet_kit, "payload"))

    assert isinstance(ewallet_kit.verify(presented.token, presented.request), Accepted)


def test_vpv_10_one_certificate_is_not_two(ewallet_kit):
    """VPV-10: where several are asked, each has to be another one."""
    ewallet_kit.issue(KIND)
    presented = ewallet_kit.present(_query(ewallet_kit, multiple=True))
    verdict = ewallet_kit.verify({"a": presented.token["a"] * 2}, presented.request)

    assert "malformed.vp_token" == verdict.code


def test_vpv_15_without_a_query_no_certificate_hides_another(ewallet_kit, presented):
    """VPV-15: two certificates of one type, perhaps of two people, are no answer to a bare nonce."""
    ewallet_kit.issue(KIND)
    other = ewallet_kit.answer(presented.request)
    raw = json.dumps({"one": [presented.presentation], "other": [other.presentation]})

    assert "malformed.vp_token" == ewallet_kit.verify(raw, presented.request.binding).code


def test_vpv_21_a_query_that_wants_no_binding_leaves_its_mark(ewallet_kit):
    """VPV-21: where the query itself waives the proof of the holder, the verdict says under which reservation."""
    ewallet_kit.issue(KIND)
    presented = ewallet_kit.present(_query(ewallet_kit, require_cryptographic_holder_binding=False))
    unbound = presented.presentation.rpartition("~")[0] + "~"
    verdict = ewallet_kit.verify({"a": (unbound,)}, presented.request)

    assert isinstance(verdict, Accepted)
    assert [("holder", "passed", "kb.missing")] == [(c.name, c.outcome, c.code) for c in verdict.checks if c.code]
