"""X5T-17 at the commands: an older trust list, genuine and in force, does not come back."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from ewallet.env import Env
from ewallet.testing.clock import Clock
from ewallet.testing.pki import Pki

KEPT = "data/wallet/trust-list.jwt"
PLACE = ("--data", "data", "--passphrase-file", "passphrase")


@pytest.fixture(scope="module")
def operators() -> tuple[Pki, Pki]:
    """Two PKIs, each with an operator of its own, from now on."""
    clocks = [Clock(Env().now() - timedelta(hours=1)) for _ in range(2)]
    first, second = (Pki.make(at=clock.now(), random=clock.env(f"pki {i}").random) for i, clock in enumerate(clocks))
    return first, second


@pytest.fixture
def lists(wallet, operators):
    """Their lists, three versions each, and their keys, in the holder's folder."""
    for name, pki in zip("ab", operators, strict=True):
        (wallet.folder / f"{name}.jwk").write_text(json.dumps(pki.operator_key.jwk), "ascii")
        for version in (1, 2, 3):
            (wallet.folder / f"{name}{version}.jwt").write_text(pki.signed_trust_list(version=version), "ascii")
    return wallet


def _named(list_):
    return ("--trust", f"{list_}.jwt", "--trust-key", f"{list_[0]}.jwk")


def _verdict(desk, list_, *state):
    ended = desk.run("ewallet-verify", "verify", "no-presentation", *_named(list_), "--offline", *state)
    return ended.code, ended.document["code"]


@pytest.fixture
def verified(lists):
    """``ewallet-verify verify`` with one of the lists; what is judged is a file that is no presentation."""
    (lists.folder / "no-presentation").write_text("{}")

    def verify(list_, *, state=True):
        return _verdict(lists, list_, *(("--state", "sqlite:///seen.db") if state else ()))

    return verify


JUDGED = (1, "malformed.vp_token")
REFUSED = (2, "trust.list_rollback")


def test_x5t_17_a_state_remembers_the_newest_list_of_each_operator(verified):
    """X5T-17: a lower version of the same operator ends with 2; the same, a higher, another's do not."""
    assert [JUDGED, REFUSED, JUDGED, JUDGED, REFUSED, JUDGED] == [
        verified(list_) for list_ in ("a2", "a1", "a2", "a3", "a2", "b1")
    ]


def test_x5t_17_a_list_that_was_refused_is_not_remembered(verified, lists):
    """X5T-17: neither one that another signed, nor one that is over."""
    (lists.folder / "b9.jwt").write_bytes((lists.folder / "a3.jwt").read_bytes())

    assert (2, "trust.list_invalid") == verified("b9")
    assert JUDGED == verified("b1")


def test_x5t_17_without_a_state_nothing_is_remembered(verified):
    """X5T-17: which is why a bank names one."""
    assert [JUDGED, JUDGED] == [verified(list_, state=False) for list_ in ("a2", "a1")]


def test_x5t_17_the_verb_trust_compares_as_well(verified, lists):
    """X5T-17: what is no verdict's trust list is not shown as one."""
    verified("a2")
    ended = lists.run("ewallet-verify", "trust", *_named("a1"), env={"EWALLET_STATE": "sqlite:///seen.db"})

    assert REFUSED == (ended.code, ended.document["code"])


def _version(pki, desk):
    raw = (desk.folder / KEPT).read_bytes()
    return type(pki.trust_list()).read_version(raw, pki.operator_key)


def _received(desk, *arguments):
    """The code of what went wrong once the trust list was believed or not; the file is nothing to receive."""
    return desk.run("ewallet", "receive", "request.json", *PLACE, *arguments, "--json").document["error"]


@pytest.fixture
def holder(lists):
    """A wallet that was made with version 2."""
    (lists.folder / "data" / "wallet" / "wallet.db").unlink()
    assert 0 == lists.run("ewallet", "init", *PLACE, *_named("a2")).code
    return lists


def test_x5t_17_a_wallet_takes_no_older_list_than_its_own(holder, operators):
    """X5T-17: neither from a flag nor from the environment; what it keeps stays."""
    env = {"EWALLET_TRUST": "a1.jwt", "EWALLET_TRUST_KEY": "a.jwk"}
    by_environment = holder.run("ewallet", "receive", "request.json", *PLACE, "--json", env=env)

    assert "trust.list_rollback" == _received(holder, *_named("a1"))
    assert (1, "trust.list_rollback") == (by_environment.code, by_environment.document["error"])
    assert 2 == _version(operators[0], holder)


def test_x5t_17_a_wallet_keeps_the_newer_list(holder, operators):
    """X5T-17: then the one of ``init`` is an older one too; another operator's list is not kept."""
    assert "trust.list_rollback" not in [_received(holder, *_named(list_)) for list_ in ("a3", "b1")]
    assert 3 == _version(operators[0], holder)
    assert "trust.list_rollback" == _received(holder, *_named("a2"))


def test_x5t_17_a_new_wallet_in_the_old_folder_takes_no_older_list(holder, operators):
    """X5T-17: ``init`` compares with what is there, and makes nothing."""
    (holder.folder / "data" / "wallet" / "wallet.db").unlink()
    ended = holder.run("ewallet", "init", *PLACE, *_named("a1"), "--json")

    assert "trust.list_rollback" == ended.document["error"]
    assert not (holder.folder / "data" / "wallet" / "wallet.db").exists()
    assert 2 == _version(operators[0], holder)
