"""DCQL: questions are read strictly, written as read, and asked by kind."""

from __future__ import annotations

import json

import pytest

from ewallet.catalog import Catalog
from ewallet.dcql import ClaimQuery, Query, TrustedAuthorities
from ewallet.errors import QueryError, UsageError

_META = {"vct_values": ["urn:example:a"]}
_ONE = {"id": "a", "format": "dc+sd-jwt", "meta": _META}
_CLAIM = {"id": "x", "path": ["x"]}


def _query(**members):
    return {"credentials": [_ONE | members]}


def test_query_comes_back_as_it_was_written():
    """Every member of the language."""
    full = {
        "credentials": [
            _ONE
            | {
                "multiple": True,
                "require_cryptographic_holder_binding": False,
                "trusted_authorities": [{"type": "aki", "values": ["s9tIpPmhxdiuNkHMEWNpYim8S8Y"]}],
                "claims": [
                    _CLAIM | {"values": ["a", 1, True], "intent_to_retain": True},
                    {"id": "y", "path": ["y", None, 0]},
                ],
                "claim_sets": [["x", "y"], ["y"]],
            },
            _ONE | {"id": "b"},
        ],
        "credential_sets": [{"options": [["a"], ["b"]], "required": False}],
    }
    read = Query.parse(json.dumps(full))
    assert full == read.to_json()
    assert read == Query.parse(read.to_json()) == Query.parse(json.dumps(full | {"unknown": 1}).encode())
    assert read.get("b") is read.credentials[1]
    assert read.get("c") is None


@pytest.mark.parametrize(
    "query",
    [
        "[]", "{", "{}", {"credentials": []}, {"credentials": {}}, {"credentials": [1]}, {"credentials": [_ONE] * 101},
        {"credentials": [_ONE, _ONE]}, _query(id=""), _query(id="a b"), _query(id=1), _query(id="é"), _query(format=1),
        _query(meta=None), _query(meta={}), _query(meta={"vct_values": []}), _query(meta={"vct_values": "a"}),
        _query(meta={"vct_values": [1]}), _query(multiple="true"), _query(multiple=None),
        _query(require_cryptographic_holder_binding=1), _query(claims=[]), _query(claims=[{}]),
        _query(claims=[{"path": []}]), _query(claims=[{"path": "a"}]), _query(claims=[{"path": [-1]}]),
        _query(claims=[{"path": [True]}]), _query(claims=[{"path": [1.5]}]), _query(claims=[_CLAIM, _CLAIM]),
        _query(claims=[_CLAIM | {"id": "a.b"}]), _query(claims=[_CLAIM | {"values": []}]),
        _query(claims=[_CLAIM | {"values": [None]}]), _query(claims=[_CLAIM | {"values": [1.5]}]),
        _query(claims=[_CLAIM | {"intent_to_retain": 1}]), _query(claim_sets=[["x"]]),
        _query(claims=[_CLAIM], claim_sets=[]), _query(claims=[_CLAIM], claim_sets=[[]]),
        _query(claims=[_CLAIM], claim_sets=[["y"]]), _query(claims=[_CLAIM, {"path": ["y"]}], claim_sets=[["x"]]),
        _query(trusted_authorities=[]), _query(trusted_authorities=[{"type": "aki"}]),
        _query(trusted_authorities=[{"type": "aki", "values": []}]), _query() | {"credential_sets": []},
        _query() | {"credential_sets": [{}]}, _query() | {"credential_sets": [{"options": []}]},
        _query() | {"credential_sets": [{"options": [["b"]]}]},
        _query() | {"credential_sets": [{"options": [["a"]], "required": 1}]},
    ],
    ids=range(47),
)  # fmt: skip
def test_question_outside_the_language_is_refused(query):
    """One code, whatever is wrong."""
    with pytest.raises(QueryError) as refused:
        Query.parse(query if isinstance(query, str) else json.dumps(query))
    assert refused.value.code == "dcql.invalid"


def test_claims_are_selected_by_path_and_value():
    """Types count: a number is not its text, one is not true."""
    claims = {"a": [1, True, "1"], "b": {"c": None}}
    assert ClaimQuery(path=("a", None)).select(claims) == [(("a", 0), 1), (("a", 1), True), (("a", 2), "1")]
    assert ClaimQuery(path=("a", None), values=(1,)).select(claims) == [(("a", 0), 1)]
    assert ClaimQuery(path=("a", None), values=(True,)).select(claims) == [(("a", 1), True)]
    assert ClaimQuery(path=("b", "c")).select(claims) == [(("b", "c"), None)]
    assert ClaimQuery(path=("b", 0)).select(claims) == []


def test_claim_is_reported_under_its_id_or_path():
    """With a star for all elements."""
    assert ClaimQuery(path=("a", None, 0, "b")).key == "a.*.0.b"
    assert ClaimQuery(path=("a",), id="x").key == "x"


def test_authorities_are_key_identifiers_of_the_path():
    """Other kinds vouch for nothing."""
    assert TrustedAuthorities("aki", ("a", "b")).vouch_for(frozenset({"b"}))
    assert not TrustedAuthorities("aki", ("a",)).vouch_for(frozenset({"b"}))
    assert not TrustedAuthorities("etsi_tl", ("a",)).vouch_for(frozenset({"a"}))


def test_kind_is_asked_for_by_its_claims():
    """Whose names are known."""
    kind = Catalog.bundled().type("resident_register_copy")
    query = Query.for_type(kind, ["resident_address", ("is_householder",)])
    asked, other = query.credentials
    assert (asked.id, asked.name, asked.type_ids) == (kind.id, kind.id, frozenset({kind.vct}))
    assert (other.name, other.type_ids) == (kind.id, frozenset({kind.doctype}))
    assert [claim.key for claim in asked.claims] == ["resident_address", "is_householder"]
    assert query == Query.parse(query.to_json())
    assert Query.for_type(kind, [], name="proof").credentials[0].id == "proof"
    with pytest.raises(UsageError) as refused:
        Query.for_type(kind, ["no_such_claim"])
    assert refused.value.code == "usage.argument"


def test_unknown_format_asks_for_no_type():
    """It may stand in a query, and nothing answers it."""
    (asked,) = Query.parse({"credentials": [_ONE | {"format": "ldp_vc", "meta": {}}]}).credentials
    assert asked.type_ids == frozenset()
