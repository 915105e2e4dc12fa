"""Type metadata: read strictly, extended by tightening only, enforced on credentials."""

from __future__ import annotations

import json
from base64 import b64encode
from hashlib import sha256, sha384, sha512

import pytest

from ewallet.errors import EWalletError
from ewallet.type_metadata import ClaimMetadata, TypeMetadata, check_integrity

_VCT = "urn:example:a"


def _code(check, *args, **kwargs):
    with pytest.raises(EWalletError) as refused:
        check(*args, **kwargs)
    return refused.value.code


def _documents(**documents):
    return {
        f"urn:example:{name}": json.dumps({"vct": f"urn:example:{name}"} | rest).encode()
        for name, rest in documents.items()
    }


def _read(**documents):
    return TypeMetadata.read(_documents(**documents), _VCT)


def _integrity(hash_, raw):
    return f"{hash_().name}-{b64encode(hash_(raw).digest()).decode()}"


def test_strongest_named_digest_decides():
    """Any of several of the strongest; weaker ones do not count, unknown ones alone refuse."""
    raw = b"document"
    names = {hash_: _integrity(hash_, raw) for hash_ in (sha256, sha384, sha512)}
    for integrity in (*names.values(), f"{names[sha256]}?x md5-AAAA", f"sha512-AAAA {names[sha512]}"):
        check_integrity(raw, integrity)
    for integrity in ("", "md5-AAAA", "sha256", "sha256-AAAA", f"{names[sha256]} sha512-AAAA", names[sha256][:-1]):
        assert _code(check_integrity, raw, integrity) == "policy.type_metadata"


def test_documents_come_from_a_mapping_or_a_function():
    """And are compared with the digest that refers to them."""
    documents = _documents(a={"name": "a", "description": "one"})
    found = TypeMetadata.read(documents, _VCT, integrity=_integrity(sha256, documents[_VCT]))
    assert found == TypeMetadata.read(documents.get, _VCT)
    assert (found.vct, found.name, found.description, found.chain) == (_VCT, "a", "one", (_VCT,))
    assert _code(TypeMetadata.read, documents, _VCT, integrity="sha256-AAAA") == "policy.type_metadata"
    assert _code(TypeMetadata.read, {}, _VCT) == "policy.type_metadata"


_ENTRY = {"locale": "ko", "name": "종류"}


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"vct": "urn:example:b"}, "policy.type_metadata"),
        ({"vct": 1}, "malformed.claim_type"),
        ({"name": 1}, "malformed.claim_type"),
        ({"extends": 1}, "malformed.claim_type"),
        ({"extends": _VCT}, "policy.type_metadata"),
        ({"extends": "urn:example:z"}, "policy.type_metadata"),
        ({"claims": {}}, "malformed.claim_type"),
        ({"claims": [1]}, "malformed.claim_type"),
        ({"claims": [{"path": ["a"]}] * 1_001}, "limit.count"),
        ({"claims": [{"path": ["a"]}, {"path": ["a"]}]}, "malformed.claim_type"),
        ({"claims": [{"path": []}]}, "malformed.claim_type"),
        ({"claims": [{"path": [True]}]}, "malformed.claim_type"),
        ({"claims": [{"path": [-1]}]}, "malformed.claim_type"),
        ({"claims": [{"path": [1.0]}]}, "malformed.claim_type"),
        ({"claims": [{"path": ["a"], "sd": "sometimes"}]}, "malformed.claim_type"),
        ({"claims": [{"path": ["a"], "mandatory": "yes"}]}, "malformed.claim_type"),
        ({"claims": [{"path": ["a"], "svg_id": "1a"}]}, "malformed.claim_type"),
        ({"claims": [{"path": ["a"], "svg_id": "x"}, {"path": ["b"], "svg_id": "x"}]}, "malformed.claim_type"),
        ({"claims": [{"path": ["a"], "display": [{"locale": "ko"}]}]}, "malformed.claim_type"),
        ({"claims": [{"path": ["a"], "display": [{"label": "가"}]}]}, "malformed.claim_type"),
        ({"display": [{"locale": "ko"}]}, "malformed.claim_type"),
        ({"display": [_ENTRY | {"rendering": []}]}, "malformed.claim_type"),
        ({"display": [_ENTRY | {"rendering": {"simple": {"logo": {"uri": "http://a.example"}}}}]}, "malformed.url"),
        ({"display": [_ENTRY | {"rendering": {"simple": {"text_color": 1}}}]}, "malformed.claim_type"),
        ({"display": [_ENTRY | {"rendering": {"svg_templates": [{"uri": "data:,"}] * 2}}]}, "malformed.claim_type"),
    ],
    ids=range(25),
)
def test_bad_document_is_refused(members, code):
    """By its form, or because it is not what was asked for."""
    assert code == _code(_read, a=members)


def test_good_display_is_read_as_written():
    """With pictures, several drawings, and the older name of the language."""
    templates = [
        {"uri": "data:,", "properties": {"contrast": "high"}},
        {"uri": "data:,", "properties": {"contrast": "normal"}},
    ]
    rendering = {"simple": {"logo": {"uri": "https://a.example/b"}, "text_color": "#fff"}, "svg_templates": templates}
    display = [_ENTRY | {"rendering": rendering}, {"lang": "en", "name": "kind"}]
    assert display == list(_read(a={"display": display}).display)


def test_parents_are_tightened_member_by_member():
    """From the outermost inwards; what is not said again stays."""
    base = [{"path": ["x"], "sd": "allowed", "svg_id": "x", "display": []}, {"path": ["y", None, 0], "mandatory": True}]
    own = [{"path": ["x"], "sd": "always", "mandatory": True}, {"path": ["z"]}]
    read = _read(a={"extends": "urn:example:b", "claims": own}, b={"claims": base, "display": [_ENTRY]})
    assert read.chain == (_VCT, "urn:example:b")
    assert read.display == (_ENTRY,)
    assert [claim.to_json() for claim in read.claims] == [
        {"path": ["x"], "sd": "always", "mandatory": True, "svg_id": "x", "display": []},
        {"path": ["y", None, 0], "mandatory": True},
        {"path": ["z"]},
    ]


@pytest.mark.parametrize(
    ("parent", "child"),
    [
        ({"sd": "always"}, {"sd": "never"}),
        ({"sd": "never"}, {"sd": "allowed"}),
        ({"mandatory": True}, {"mandatory": False}),
    ],
)
def test_nothing_is_relaxed(parent, child):
    """Neither disclosure nor duty."""
    documents = {
        "a": {"extends": "urn:example:b", "claims": [{"path": ["x"]} | child]},
        "b": {"claims": [{"path": ["x"]} | parent]},
    }
    assert _code(_read, **documents) == "policy.type_metadata"


def test_identifiers_of_drawings_are_unique_with_those_of_the_parents():
    """A placeholder stands for one claim."""
    documents = {
        "a": {"extends": "urn:example:b", "claims": [{"path": ["x"], "svg_id": "s"}]},
        "b": {"claims": [{"path": ["y"], "svg_id": "s"}]},
    }
    assert _code(_read, **documents) == "malformed.claim_type"


def test_parents_have_an_end():
    """Neither circles nor endless lines."""
    line = {f"urn:{n}": json.dumps({"vct": f"urn:{n}", "extends": f"urn:{n + 1}"}).encode() for n in range(20)}
    assert _code(TypeMetadata.read, line, "urn:0") == "limit.count"
    assert _code(_read, a={"extends": "urn:example:b"}, b={"extends": _VCT}) == "policy.type_metadata"


def _check(rule, claims, shown=(), role="holder"):
    metadata = TypeMetadata(vct=_VCT, chain=(_VCT,), claims=(rule,))
    metadata.check({"vct": _VCT} | claims, shown, role=role)


def test_credential_fits_its_description():
    """What must be disclosable came by disclosure, what must not did not, what is mandatory is there."""
    always = ClaimMetadata(path=("x", None), sd="always", mandatory=True)
    _check(always, {"x": [1]}, [("x", 0)])
    _check(always, {}, role="verifier")
    _check(ClaimMetadata(path=("x",), sd="never"), {"x": 1})
    _check(ClaimMetadata(path=("x",)), {})
    _check(ClaimMetadata(path=("x", 3), mandatory=True), {"x": 1}, role="verifier")


def test_credential_that_does_not_fit_is_refused():
    """Each by the same code."""
    rule = ClaimMetadata(path=("x", None), sd="always", mandatory=True)
    for claims, shown in (({"x": [1]}, ()), ({"x": []}, ()), ({}, ()), ({"x": 1}, ())):
        assert _code(_check, rule, claims, shown) == "policy.type_metadata"
    never = ClaimMetadata(path=("x",), sd="never")
    assert _code(_check, never, {"x": 1}, [("x",)]) == "policy.type_metadata"
    assert _code(_check, never, {"vct": "urn:example:b"}) == "policy.type_metadata"
