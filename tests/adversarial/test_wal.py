"""The rows of the security matrix about wallets, as far as one without a network reaches, each by its number."""

from __future__ import annotations

import json
import time

import pytest

from ewallet.dcql import Query
from ewallet.errors import AlreadyUsed, QueryError, UsageError

KIND = "resident_register_copy"


def _issued(kit, keys, **change):
    sample = {**kit.catalog.type(KIND).sample, **change}
    return kit.issuer.issue(KIND, sample, subject="citizen-1", holders=keys).credentials


def test_wal_21_a_copy_that_came_twice_is_kept_once(ewallet_kit):
    """WAL-21: shown to two verifiers, the same copy would link; each is used once however often it is received."""
    issued = _issued(ewallet_kit, ewallet_kit.wallet.new_keys(1))
    ewallet_kit.wallet.put(issued)

    with pytest.raises(AlreadyUsed) as refused:
        ewallet_kit.wallet.put(issued)
    assert "storage.already_used" == refused.value.code
    assert 1 == len(ewallet_kit.wallet.documents())


def test_wal_21_a_key_is_not_bound_twice(ewallet_kit):
    """WAL-21: nor is a second certificate kept for a key that another one shows already."""
    keys = ewallet_kit.wallet.new_keys(1)
    ewallet_kit.wallet.put(_issued(ewallet_kit, keys))

    with pytest.raises(AlreadyUsed) as refused:
        ewallet_kit.wallet.put(_issued(ewallet_kit, keys))
    assert "storage.already_used" == refused.value.code


def test_wal_11_copies_that_say_different_things_are_not_one_certificate(ewallet_kit):
    """WAL-11: the holder agrees to what the first copy says; any other copy that is spent must say the same."""
    one, other = ewallet_kit.wallet.new_keys(2)
    issued = (*_issued(ewallet_kit, [one]), *_issued(ewallet_kit, [other], resident_address="가상특별시 다른길 2"))

    with pytest.raises(UsageError) as refused:
        ewallet_kit.wallet.put(issued)
    assert "usage.argument" == refused.value.code
    assert () == ewallet_kit.wallet.documents()


def _asked(kit, claims, **more):
    return {"format": "dc+sd-jwt", "meta": {"vct_values": [kit.catalog.type(KIND).vct]}, "claims": claims, **more}


def _combinations(kit):
    claims = [{"id": "ok", "path": ["resident_address"]}, {"id": "no", "path": ["absent"]}]
    sets = [["ok"] * 60 + ["no"]] * 100
    return [{"id": f"c{n}", **_asked(kit, claims, claim_sets=sets)} for n in range(100)]


def _marks(kit):
    values = ["\u0316\u0300" * 150_000] * 4  # NFC takes the square of the time to put them in order
    return [{"id": "c", **_asked(kit, [{"path": ["resident_address"], "values": values}])}]


@pytest.mark.parametrize("bomb", [_combinations, _marks])
def test_wal_11_a_request_cannot_keep_a_wallet_busy(bomb, ewallet_kit):
    """WAL-11: the largest questions are answered, with no, in the time of others."""
    for _ in range(5):
        ewallet_kit.issue(KIND)
    query = Query.parse(json.dumps({"credentials": bomb(ewallet_kit)}, ensure_ascii=False))
    started = time.process_time()

    with pytest.raises(QueryError) as refused:
        ewallet_kit.wallet.match(query)
    assert "dcql.unsatisfied" == refused.value.code
    assert 2 > time.process_time() - started  # 0.05 s; without the bounds 5 s and more


@pytest.mark.parametrize("member", ["claim_sets", "options"])
def test_wal_11_combinations_without_end_are_no_question(member, ewallet_kit):
    """WAL-11: one combination has no more parts than there can be."""
    many = [["a"] * 101]
    asked = _asked(ewallet_kit, [{"id": "a", "path": ["resident_address"]}])
    query = {"credentials": [{"id": "a", **asked}]}
    if member == "claim_sets":
        query["credentials"][0]["claim_sets"] = many
    else:
        query["credential_sets"] = [{"options": many}]

    with pytest.raises(QueryError) as refused:
        Query.parse(query)
    assert "dcql.invalid" == refused.value.code
