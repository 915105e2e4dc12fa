"""Registrations of recipients, in memory and in databases: the newest is in force, and every change stays on record."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest

from ewallet.errors import NotFound
from ewallet.keys import SigningKey
from ewallet.recipients import Change, Recipient
from ewallet.sql import Database
from ewallet.testing.clock import START
from ewallet.testing.registry import MemoryRegistry

BANK = Recipient(
    id="bank.example",
    names={"ko": "가상은행", "en": "Example Bank"},
    class_="bank",
    keys=(SigningKey.generate().public, SigningKey.generate("EdDSA").public),
    bundles=frozenset({"bank_personal_loan", "credit_recovery"}),
    until=START + timedelta(days=365),
    redirect_uris=frozenset({"https://bank.example/return"}),
)
REGISTERED = Change(what="registered", by="desk", reason="가상 사유: 등록", at=START)
SUSPENDED = Change(what="suspended", by="court", reason="가상 사유: 정지", at=START + timedelta(seconds=1))
RESUMED = Change(what="resumed", by="court", reason="가상 사유: 재개", at=START + timedelta(seconds=2))


@pytest.fixture(params=[False, True], ids=["in-database", "in-memory"])
def registry(request, store_url):
    """An empty registry of each kind; the one in memory beside each of the databases."""
    if request.param:
        yield MemoryRegistry()
        return
    with closing(Database(store_url)) as database:
        yield database.recipients


def test_a_recipient_is_read_as_it_was_registered(registry):
    """With all its keys and addresses, alone and among others."""
    other = replace(BANK, id="another.example")
    assert [BANK, other] == [registry.register(each, REGISTERED) for each in (BANK, other)]
    assert BANK == registry.recipient(BANK.id)
    assert [other, BANK] == [*registry.recipients()]


def test_who_is_registered_anew_is_as_the_newest_says(registry):
    """With other keys, and an end that may be sooner: so a registration is ended."""
    registry.register(BANK, REGISTERED)
    anew = replace(BANK, keys=BANK.keys[:1], until=START)
    registry.register(anew, REGISTERED)
    assert anew == registry.recipient(BANK.id)
    assert [anew] == [*registry.recipients()]


def test_suspension_stands_until_it_is_lifted(registry):
    """Whoever is registered anew in the meantime is suspended still."""
    registry.register(BANK, REGISTERED)
    assert registry.suspend(BANK.id, SUSPENDED).suspended
    assert registry.register(replace(BANK, keys=BANK.keys[:1]), REGISTERED).suspended
    assert registry.recipient(BANK.id).suspended
    resumed = registry.suspend(BANK.id, RESUMED, suspended=False)
    assert replace(BANK, keys=BANK.keys[:1]) == resumed == registry.recipient(BANK.id)


def test_every_change_stays_on_record(registry):
    """Who did what, why and when, the newest first."""
    registry.register(BANK, REGISTERED)
    registry.suspend(BANK.id, SUSPENDED)
    registry.suspend(BANK.id, RESUMED, suspended=False)
    assert [RESUMED, SUSPENDED, REGISTERED] == [*registry.changes(BANK.id)]


@pytest.mark.parametrize(
    "ask",
    [
        lambda registry: registry.recipient("nobody.example"),
        lambda registry: registry.suspend("nobody.example", SUSPENDED),
        lambda registry: registry.changes("nobody.example"),
    ],
    ids=["read", "suspend", "changes"],
)
def test_nobody_is_registered_under_another_identifier(registry, ask):
    """And nothing is put on record by whoever asks."""
    registry.register(BANK, REGISTERED)
    with pytest.raises(NotFound) as refused:
        ask(registry)
    assert "storage.not_found" == refused.value.code
    assert [BANK] == [*registry.recipients()]


def test_a_suspension_holds_for_every_worker_at_once(shared_url):
    """Another process reads what was written, and not what it had read before."""
    with closing(Database(shared_url)) as one, closing(Database(shared_url)) as other:
        one.recipients.register(BANK, REGISTERED)
        assert not other.recipients.recipient(BANK.id).suspended
        one.recipients.suspend(BANK.id, SUSPENDED)
        assert other.recipients.recipient(BANK.id).suspended


def test_a_suspension_is_not_lost_to_who_registers_at_the_same_time(shared_url):
    """Whatever comes first: registering keeps the suspension, and suspending keeps the registration."""
    with closing(Database(shared_url)) as database:
        registry = database.recipients
        registry.register(BANK, REGISTERED)
        anew = [replace(BANK, names={"ko": f"가상은행 {n}", "en": f"Example Bank {n}"}) for n in range(12)]
        with ThreadPoolExecutor(8) as pool:
            doing = [pool.submit(registry.register, each, REGISTERED) for each in anew]
            doing.insert(6, pool.submit(registry.suspend, BANK.id, SUSPENDED))
            for each in doing:
                each.result()
        assert registry.recipient(BANK.id).suspended
        assert 14 == len(registry.changes(BANK.id))
