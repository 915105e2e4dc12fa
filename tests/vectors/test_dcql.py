"""DCQL (OpenID4VP 1.0 §6-7): every outside query is refused or matched as listed."""

from __future__ import annotations

import json

import pytest

from ewallet.answer import Candidate, match
from ewallet.credential import Credential, Validity, lookup
from ewallet.dcql import Query
from ewallet.errors import QueryError
from ewallet.formats import FORMATS
from ewallet.keys import SigningKey

_HOLDER = SigningKey.generate().public

#: Where the specification leaves the choice: whether ours finds it satisfiable.
_POLICY = {
    "vct-extends": False,  # a type that extends another one is not taken for it (SD-JWT VC §7.7)
}


def _speaks(query):
    """Whether every format of a query, well formed or not, is one this version speaks."""
    return all(item.get("format") in {None, *FORMATS} for item in query.get("credentials", ()))


def _candidate(held):
    credential = Credential(
        format=held["format"],
        type_id=held.get("vct") or held["doctype"],
        issuer=None,
        validity=Validity(),
        issued=None,
        holder=_HOLDER if held.get("holder_binding", True) else None,
        status=None,
        claims=held.get("claims") or held["namespaces"],
    )
    return Candidate(
        id=held["name"],
        credential=credential,
        authorities=frozenset(held.get("authority", {}).get("aki", ())),
    )


def _matches(answer):
    return {
        id_: sorted((choice.candidate.id, [list(claim.path) for claim in choice.claims]) for choice in choices)
        for id_, choices in answer.candidates.items()
    }


def _listed(matches):
    return {
        id_: sorted((entry["credential"], entry["claims"]) for entry in entries) for id_, entries in matches.items()
    }


@pytest.mark.vectors("standards/vectors/dcql/*.json", count=35, without="claims-path-*")
def test_query_is_judged_as_listed(vector):
    """An ill-formed query is refused; a well-formed one selects exactly the listed credentials and claims."""
    case = json.loads(vector.read_bytes())
    query, expect = case["query"], case["expect"]
    if not _speaks(query):
        pytest.skip(f"{vector.stem}: asks for mso_mdoc, a format that is not there yet")
    if expect["result"] == "invalid":
        with pytest.raises(QueryError) as refused:
            Query.parse(json.dumps(query))
        assert refused.value.code == "dcql.invalid"
        return
    parsed, held = Query.parse(json.dumps(query)), [_candidate(entry) for entry in case["credentials"]]
    if not _POLICY.get(vector.stem, expect["can_be_satisfied"]):
        with pytest.raises(QueryError) as refused:
            match(parsed, held)
        assert refused.value.code == "dcql.unsatisfied"
        return
    answer = match(parsed, held)
    assert _listed(expect["matches"]) == _matches(answer)
    for set_, listed, options in zip(
        parsed.credential_sets, expect.get("credential_sets") or (), answer.options, strict=True
    ):
        assert listed == {"required": set_.required, "satisfiable_options": list(options)}


@pytest.mark.vectors("standards/vectors/dcql/claims-path-pointer-json*.json", count=1)
def test_path_pointer_selects_as_listed(vector):
    """A claims path pointer selects the listed values at the listed places, or nothing where it is an error (§7.1)."""
    case = json.loads(vector.read_bytes())
    for pointer in case["cases"]:
        found = lookup(case["document"], pointer["path"])
        assert pointer.get("selected", []) == [value for _, value in found]
        if "concrete_paths" in pointer:
            assert pointer["concrete_paths"] == [list(path) for path, _ in found]


@pytest.mark.vectors("standards/vectors/dcql/claims-path-pointer-mdoc*.json", count=1)
def test_mdoc_path_pointer_selects_as_listed(vector):
    """In an mdoc a path is a namespace and an element (§7.2)."""
    case = json.loads(vector.read_bytes())
    for pointer in case["cases"]:
        if "selected" in pointer:
            assert pointer["selected"] == [value for _, value in lookup(case["namespaces"], pointer["path"])]
