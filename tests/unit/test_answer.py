"""Answers: the least that satisfies a query, and whether what came does."""

from __future__ import annotations

import pytest

from ewallet.answer import Candidate, asked_claims, check, match
from ewallet.credential import Credential, Validity
from ewallet.dcql import Query
from ewallet.errors import EWalletError
from ewallet.keys import SigningKey

_HOLDER = SigningKey.generate().public
_SMALL, _LARGE = "urn:example:small", "urn:example:large"


def _code(answer, *args, **kwargs):
    with pytest.raises(EWalletError) as refused:
        answer(*args, **kwargs)
    return refused.value.code


def _held(id_, type_id=_SMALL, claims=None, **changes):
    credential = Credential(
        format=changes.pop("format", "dc+sd-jwt"),
        type_id=type_id,
        issuer=None,
        validity=Validity(),
        issued=None,
        holder=changes.pop("holder", _HOLDER),
        status=None,
        claims={"a": 1, "b": {"c": "x", "d": [1, 2]}} if claims is None else claims,
        shown=changes.pop("shown", ()),
    )
    return Candidate(id=id_, credential=credential, **changes)


def _asked(id_="q", type_id=_SMALL, **members):
    return {"id": id_, "format": "dc+sd-jwt", "meta": {"vct_values": [type_id]}} | members


def _query(*credentials, **members):
    return Query.parse({"credentials": list(credentials)} | members)


def _paths(*paths):
    return [{"path": list(path)} for path in paths]


def test_answer_is_the_credential_that_discloses_least():
    """With all others beside it, and a choice among them."""
    query = _query(_asked(claims=_paths(("b", "d", None))))
    many = _held("many", claims={"b": {"d": [1, 2, 3]}})
    answer = match(query, [many, _held("few"), _held("none", claims={})])
    assert [choice.candidate.id for choice in answer.choices] == ["few"]
    assert answer.disclosed == (("few", ("b", "d", 0)), ("few", ("b", "d", 1)))
    assert [choice.candidate.id for choice in answer.candidates["q"]] == ["few", "many"]
    assert answer.choose("q", "many").choices[0].candidate.id == "many"
    for query_id, candidate_id in (("q", "none"), ("z", "few")):
        assert _code(answer.choose, query_id, candidate_id) == "usage.argument"


@pytest.mark.parametrize(
    "held",
    [
        _held("x", format="mso_mdoc"),
        _held("x", type_id=_LARGE),
        _held("x", holder=None),
        _held("x", claims={"b": 1}),
        _held("x", claims={"a": 2}),
    ],
    ids=["format", "type", "unbound", "absent", "value"],
)
def test_credential_that_does_not_fit_answers_nothing(held):
    """Then nothing is sent at all."""
    query = _query(_asked(claims=[{"path": ["a"], "values": [1]}]))
    assert _code(match, query, [held]) == "dcql.unsatisfied"
    assert _code(match, _query(_asked()), []) == "dcql.unsatisfied"


def test_unbound_credential_answers_where_no_binding_is_asked():
    """The verifier says so."""
    query = _query(_asked(require_cryptographic_holder_binding=False))
    (choice,) = match(query, [_held("x", holder=None)]).choices
    assert choice.paths == ()


def test_favourite_of_the_claim_sets_comes_first():
    """The first that can be answered."""
    claims = [{"id": "a", "path": ["a"]}, {"id": "z", "path": ["z"]}, {"id": "c", "path": ["b", "c"]}]
    answer = match(_query(_asked(claims=claims, claim_sets=[["z"], ["c", "a"], ["a"]])), [_held("x")])
    assert answer.choices[0].paths == (("b", "c"), ("a",))


def test_path_of_the_issuer_has_an_authority_that_is_named():
    """Where any are."""
    named = [{"type": "aki", "values": ["k"]}]
    held = [_held("other", authorities=frozenset({"j"})), _held("own", authorities=frozenset({"k"}))]
    (choice,) = match(_query(_asked(trusted_authorities=named)), held).choices
    assert choice.candidate.id == "own"


def test_sets_are_answered_by_their_smallest_option():
    """Optional ones are left out, credentials outside all sets too."""
    query = _query(
        _asked("large", _LARGE, claims=_paths(("a",), ("b",))),
        _asked("small", claims=_paths(("a",))),
        _asked("extra"),
        _asked("absent", "urn:example:absent"),
        credential_sets=[{"options": [["absent"], ["large"], ["small"]]}, {"options": [["extra"]], "required": False}],
    )
    answer = match(query, [_held("1", _LARGE), _held("2")])
    assert [choice.query.id for choice in answer.choices] == ["small"]
    assert answer.options == ((1, 2), (0,))
    nothing = _query(_asked("absent", "urn:x"), credential_sets=[{"options": [["absent"]]}])
    assert _code(match, nothing, []) == "dcql.unsatisfied"


# -- the verifier's side -----------------------------------------------------------------------------------


def test_what_was_asked_is_accepted_and_reported_under_its_names():
    """And nothing else is reported."""
    query = _query(_asked(claims=_paths(("a",), ("b", "d", None))), _asked("all", multiple=True, claims=_paths(("a",))))
    presented = {"q": [_held("1")], "all": [_held("2"), _held("3")]}
    check(query, presented)
    assert asked_claims(query, presented) == {"q": {"a": 1, "b.d.*": [1, 2]}, "all": [{"a": 1}, {"a": 1}]}
    assert asked_claims(query, {"q": [_held("1")]}).keys() == {"q"}


@pytest.mark.parametrize(
    ("presented", "code"),
    [
        ({}, "dcql.unsatisfied"),
        ({"z": [_held("x")]}, "malformed.vp_token"),
        ({"q": []}, "malformed.vp_token"),
        ({"q": [_held("x"), _held("y")]}, "malformed.vp_token"),
        ({"q": [_held("x", _LARGE)]}, "policy.vct_not_accepted"),
        ({"q": [_held("x", format="mso_mdoc")]}, "policy.vct_not_accepted"),
        ({"q": [_held("x", authorities=frozenset({"j"}))]}, "trust.no_path"),
        ({"q": [_held("x", claims={}, authorities=frozenset({"k"}))]}, "dcql.unsatisfied"),
        ({"q": [_held("x", shown=(("a",), ("b", "c")), authorities=frozenset({"k"}))]}, "dcql.extra_claims"),
    ],
    ids=range(9),
)
def test_answer_to_something_else_is_refused(presented, code):
    """No answer, an answer nobody asked for, too many, another type or format, other authorities, less, more."""
    query = _query(_asked(claims=_paths(("a",)), trusted_authorities=[{"type": "aki", "values": ["k"]}]))
    assert code == _code(check, query, presented)


def test_more_than_was_asked_may_fall_under_the_table():
    """If the verifier wants that; what leads to an asked claim or lies within one is no more than asked."""
    query = _query(_asked(claims=_paths(("b", "d"))))
    within = _held("x", shown=(("b",), ("b", "d"), ("b", "d", 0)))
    check(query, {"q": [within]})
    check(query, {"q": [_held("x", shown=(("a",),))]}, drop_extra=True)
    assert _code(check, query, {"q": [_held("x", shown=(("a",),))]}) == "dcql.extra_claims"


def test_sets_are_satisfied_by_any_option():
    """Required ones."""
    sets = [{"options": [["q", "r"], ["s"]]}, {"options": [["t"]], "required": False}]
    query = _query(*(_asked(id_) for id_ in "qrst"), credential_sets=sets)
    check(query, {"s": [_held("x")]})
    check(query, {"q": [_held("x")], "r": [_held("y")]})
    assert _code(check, query, {"q": [_held("x")]}) == "dcql.unsatisfied"


def test_holder_may_take_another_option_or_answer_an_optional_set():
    """What cannot be answered cannot be taken."""
    query = _query(
        _asked("large", _LARGE, claims=_paths(("a",), ("b",))),
        _asked("small", claims=_paths(("a",))),
        _asked("extra"),
        credential_sets=[{"options": [["large"], ["small"]]}, {"options": [["extra"]], "required": False}],
    )
    answer = match(query, [_held("1", _LARGE), _held("2")])

    assert [choice.query.id for choice in answer.take(0, 0).choices] == ["large"]
    assert [choice.query.id for choice in answer.take(1, 0).choices] == ["small", "extra"]
    for position, option in ((0, 2), (2, 0), (-1, 0)):
        assert _code(answer.take, position, option) == "usage.argument"


def test_no_claim_is_reported_over_another():
    """Of two claims with one key, and two answers with one name, the later has a longer one."""
    claims = [{"path": ["b"], "id": "a"}, {"path": ["a"]}]
    query = _query(_asked("x--1", claims=claims), _asked("x--2", claims=_paths(("a",))))
    held = _held("1")

    assert asked_claims(query, {"x--1": [held], "x--2": [held]}) == {
        "x": {"a": {"c": "x", "d": [1, 2]}, '["a"]': 1},
        "x--2": {"a": 1},
    }
