"""Selective disclosure: claims into digests and back, and every way in which they do not fit together."""

from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ewallet import shape
from ewallet.disclosure import Packing, Selection, Unpacking, digest, hash_of
from ewallet.errors import EWalletError
from ewallet.formats.sdjwt import PROTECTED
from ewallet.shape import to_base64url
from ewallet.testing.clock import Clock

_CLAIMS = {
    "성명": "홍길동",
    "주소": {"시도": "가상시", "상세": "예시로 1"},
    "세대원": [{"성명": "홍하나", "관계": "자녀"}, {"성명": "홍둘", "관계": "자녀"}],
    "수": 3,
    "비고": None,
}
_PATHS = frozenset(
    {("성명",), ("주소",), ("주소", "상세"), ("세대원",), ("세대원", None), ("세대원", None, "성명"), ("없음",)}
)


def _code(check, *args):
    with pytest.raises(EWalletError) as refused:
        check(*args)
    return refused.value.code


def _packed(claims=None, paths=_PATHS, decoys=0):
    packing = Packing(frozenset(paths), decoys, Clock().env().random)
    return packing.top(_CLAIMS if claims is None else claims), packing.disclosures


def _unpacked(payload, disclosures):
    return Unpacking(hash_of(payload), disclosures, PROTECTED).payload(payload)


def _encoded(*items):
    return to_base64url(json.dumps(list(items)).encode())


def _hash(encoded):
    return digest(hashlib.sha256, encoded)


@pytest.mark.parametrize("decoys", [0, 8])
def test_claims_come_back_from_their_disclosures(decoys):
    """Nested, in arrays, recursive; with decoys nothing more is seen."""
    payload, disclosures = _packed(decoys=decoys)
    assert _CLAIMS == _unpacked(payload, disclosures)
    assert _unpacked(payload, []) == {"수": 3, "비고": None}
    assert payload["_sd"] == sorted(payload["_sd"])
    assert len(payload["_sd"]) == (decoys or 3)


_NAMES = st.text(min_size=1, max_size=4).filter(lambda name: name not in PROTECTED)


@given(st.dictionaries(_NAMES, st.integers() | st.text(max_size=4), min_size=1, max_size=6))
def test_any_claims_come_back(claims):
    """Whatever their names, but the reserved ones."""
    claims = {
        name: value for name, value in claims.items() if not name.startswith(("_sd", "...")) and name.isprintable()
    }
    assert claims == _unpacked(*_packed(claims, {(name,) for name in claims}))


def test_hash_is_the_one_named():
    """SHA-256 where none is, and no weak one."""
    for name in ("sha-256", "sha-384", "sha-512"):
        encoded = _encoded("salt", "a", 1)
        payload = {"_sd_alg": name, "_sd": [digest(hash_of({"_sd_alg": name}), encoded)]}
        assert _unpacked(payload, [encoded]) == {"a": 1}
    wrongs: tuple[object, ...] = ("sha-1", "md5", "SHA-256", "sha-256-128", "", 1, None, [])
    for wrong in wrongs:
        assert _code(hash_of, {"_sd_alg": wrong}) == "crypto.hash_not_allowed"


def _code_of(encoded, payload=None):
    return _code(_unpacked, payload or {"_sd": [_hash(encoded)]}, [encoded])


@pytest.mark.parametrize(
    ("items", "code"),
    [
        (("s", 1), "malformed.sdjwt"),
        (("s",), "malformed.sdjwt"),
        (("s", "a", 1, 2), "malformed.sdjwt"),
        ((1, "a", 1), "malformed.sdjwt"),
        (("s", 1, 1), "malformed.sdjwt"),
        (("s", "_sd", []), "sdjwt.claim_reserved"),
        (("s", "...", 1), "sdjwt.claim_reserved"),
        (("s", "_sd_alg", "md5"), "crypto.hash_not_allowed"),
        (("s", "exp", 1), "sdjwt.validity_claim_disclosed"),
        (("s", "a", {"_sd_alg": "md5"}), "crypto.hash_not_allowed"),
        (("s", "a", {"_sd": "x"}), "malformed.sdjwt"),
        (("s", "a", {"_sd": [1]}), "malformed.sdjwt"),
        (("s", "a", {"...": "x"}), "malformed.sdjwt"),
        (("s", "a", [{"...": "x", "b": 1}]), "malformed.sdjwt"),
        (("s", "a", [{"...": 1}]), "malformed.sdjwt"),
    ],
    ids=range(15),
)
def test_disclosure_of_the_wrong_shape_or_name_is_refused(items, code):
    """Elements, salt, name; reserved names; claims that must be visible; misuse of the mechanism inside."""
    assert code == _code_of(_encoded(*items))


@pytest.mark.parametrize("text", ["{}", '"a"', "1", '["s","a",1', '["s","a",{"b":1,"b":2}]'], ids=range(5))
def test_disclosure_that_is_no_array_is_refused(text):
    """Or no JSON, or JSON with repeated members."""
    assert _code_of(to_base64url(text.encode())) in {"malformed.sdjwt", "malformed.json", "malformed.json_duplicate"}


def test_disclosures_and_digests_fit_one_to_one():
    """Each digest once, at any level; each disclosure used; no claim twice."""
    one, element = _encoded("s", "a", 1), _encoded("s", 1)
    nested = _encoded("s", "b", {"_sd": [_hash(one)]})
    assert _code(_unpacked, {"_sd": [_hash(one)] * 2}, [one]) == "sdjwt.digest_duplicate"
    assert _code(_unpacked, {"_sd": [_hash(one), _hash(nested)]}, [one, nested]) == "sdjwt.digest_duplicate"
    assert _code(_unpacked, {"c": [{"...": "x"}], "_sd": ["x"]}, []) == "sdjwt.digest_duplicate"
    assert _code(_unpacked, {}, [one]) == "sdjwt.disclosure_unreferenced"
    assert _code(_unpacked, {"a": 2, "_sd": [_hash(one)]}, [one]) == "sdjwt.claim_collision"
    assert _code(_unpacked, {"_sd": [_hash(element)]}, [element]) == "malformed.sdjwt"
    assert _code(_unpacked, {"c": [{"...": _hash(one)}]}, [one]) == "malformed.sdjwt"
    iss = _encoded("s", "iss", "x")
    assert _code(_unpacked, {"iss": "y", "_sd": [_hash(iss)]}, [iss]) == "sdjwt.claim_collision"


@pytest.mark.parametrize(
    "claim", [{"jwk": {"_sd": ["x"]}}, [{"...": "x"}], {"_sd_alg": "sha-256"}, [[{"_sd": []}]]], ids=range(4)
)
def test_no_part_of_a_visible_claim_is_disclosable(claim):
    """Of ``cnf`` or ``status``, at any depth."""
    assert _code(_unpacked, {"cnf": claim}, []) == "sdjwt.validity_claim_disclosed"


def test_digests_and_depth_are_bounded():
    """Also where disclosures lead deeper than one text could."""
    many = [f"{number:043}" for number in range(shape.MAX_DIGESTS + 1)]
    assert _code(_unpacked, {"_sd": many}, []) == "limit.count"
    for nested in (lambda inner: {"_sd": [_hash(inner)]}, lambda inner: [{"...": _hash(inner)}]):
        disclosures = [_encoded("s", "a", 1) if isinstance(nested("x"), dict) else _encoded("s", 1)]
        for _ in range(shape.MAX_DEPTH + 2):
            value = nested(disclosures[-1])
            disclosures.append(_encoded("s", "a", value) if isinstance(value, dict) else _encoded("s", value))
        top = (
            {"_sd": [_hash(disclosures[-1])]}
            if isinstance(nested("x"), dict)
            else {"a": [{"...": _hash(disclosures[-1])}]}
        )
        assert _code(_unpacked, top, disclosures) == "limit.depth"


def _shown(paths, decoys=0):
    payload, disclosures = _packed(decoys=decoys)
    selection = Selection(payload, disclosures)
    for path in paths:
        selection.add(path)
    return _unpacked(payload, selection.disclosures())


@pytest.mark.parametrize("decoys", [0, 4])
def test_selection_shows_a_value_with_all_in_it_and_what_leads_to_it(decoys):
    """And nothing else."""
    clear = {"수": 3, "비고": None}
    assert clear == _shown([("수",)], decoys)
    assert clear | {"성명": "홍길동"} == _shown([("성명",)], decoys)
    assert clear | {"주소": {"시도": "가상시"}} == _shown([("주소", "시도")], decoys)
    assert clear | {"주소": _CLAIMS["주소"]} == _shown([("주소",)], decoys)
    assert clear | {"세대원": [{"성명": "홍둘", "관계": "자녀"}]} == _shown([("세대원", 1)], decoys)
    assert clear | {"세대원": [{"관계": "자녀"}]} == _shown([("세대원", 0, "관계")], decoys)
    assert _CLAIMS == _shown([("성명",), ("주소",), ("세대원",)], decoys)


def test_selection_counts_elements_as_they_are_read():
    """A null is an element, a decoy is none."""
    disclosures = [_encoded("s", None), _encoded("s", {"b": 1})]
    hidden = [{"...": _hash(encoded)} for encoded in disclosures]
    payload = {"a": [None, {"...": "decoy"}, hidden[0], "x", hidden[1]]}
    assert _unpacked(payload, disclosures) == {"a": [None, None, "x", {"b": 1}]}
    selection = Selection(payload, disclosures)
    selection.add(("a", 3, "b"))
    assert disclosures[1:] == selection.disclosures()


def test_array_of_objects_may_hide_members_alone():
    """The elements themselves stay in sight."""
    claims = {"a": [{"b": 1, "c": 2}]}
    payload, disclosures = _packed(claims, {("a", None, "b")})
    assert _unpacked(payload, []) == {"a": [{"c": 2}]}
    assert claims == _unpacked(payload, disclosures)


def test_held_text_that_is_no_disclosure_is_refused():
    """Whatever was stored."""
    held = to_base64url(bytes(6))
    selection = Selection({"_sd": [_hash(held)]}, [held])
    assert _code(selection.add, ("a",)) == "malformed.json"


@pytest.mark.parametrize(
    "path", [("없다",), ("성명", "x"), ("수", 0), ("주소", 0), ("세대원", "x"), (None,)], ids=range(6)
)
def test_selection_of_what_is_not_held_is_refused(path):
    """A mistake of the caller."""
    payload, disclosures = _packed()
    assert _code(Selection(payload, disclosures).add, path) == "usage.argument"


def test_selection_finds_names_however_they_are_written():
    """With escapes, with space, beside a value that looks like the name."""
    written = ('["s" , "\\u0061" , 1]', '["s","b","a"]')
    disclosures = [to_base64url(text.encode()) for text in written]
    selection = Selection({"_sd": [_hash(encoded) for encoded in disclosures]}, disclosures)
    selection.add(("a",))
    assert disclosures[:1] == selection.disclosures()
