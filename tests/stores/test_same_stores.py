"""What the three roles need of their stores, in memory as in a database."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Protocol

import pytest

from ewallet.credential import StatusRef
from ewallet.errors import AlreadyUsed, NotFound, StatusError
from ewallet.holding import Copy, Held, Shown, WalletStore
from ewallet.intents import Certificate, Intent
from ewallet.issuer import IssuerStore
from ewallet.sql import Database
from ewallet.status import Status
from ewallet.testing.clock import START
from ewallet.testing.stores import MemoryIssuerStore, MemoryVerifierStore, MemoryWalletStore
from ewallet.trust import TrustVersions
from ewallet.verifier import VerifierStore

AT = START
URI = "https://issuer.example.go.kr/status/{}"


class RememberingStore(VerifierStore, TrustVersions, Protocol):
    """What a verifier must not forget, trust lists included."""


@dataclass
class Stores:
    """One store for each role."""

    issuer: IssuerStore
    wallet: WalletStore
    verifier: RememberingStore


@pytest.fixture(params=["memory", "database"])
def stores(request, tmp_path):
    """Fresh stores of one kind."""
    if request.param == "memory":
        yield Stores(MemoryIssuerStore(), MemoryWalletStore(), MemoryVerifierStore())
        return
    database, wallet = Database("sqlite://"), Database(f"sqlite:///{tmp_path}/wallet.db")
    sealed = wallet.wallet("an invented passphrase", create=True, unsafe_fast_kdf=True)
    yield Stores(database.issuer, sealed, database.verifier)
    database.close()
    wallet.close()


def _certificate(id_="c-1", **changes):
    made = Certificate(id=id_, type_id="kind", subject="s-1", issued=AT, until=AT + timedelta(days=90))
    return replace(made, **changes)


def _intents(uri, *indexes):
    return [Intent(status=StatusRef(uri, index), digest=bytes([index]) * 32) for index in indexes]


def _list(stores, size=100):
    return stores.issuer.status_list(size, URI.format)


def test_an_entry_is_given_once(stores):
    """A certificate that wants an entry given before gets none at all, and learns which."""
    uri = _list(stores)
    first = stores.issuer.intend(_certificate(), _intents(uri, 1, 2))
    second = stores.issuer.intend(_certificate("c-2"), _intents(uri, 2, 3))
    third = stores.issuer.intend(_certificate("c-2"), _intents(uri, 3, 4))

    assert (frozenset(), {StatusRef(uri, 2)}, frozenset()) == (first, second, third)


@pytest.mark.parametrize("carrier", ["wallet", "paper", "package"])
def test_what_a_certificate_was_made_for_is_kept(stores, carrier):
    """Of one that is on paper, that it is."""
    made = _certificate(carrier=carrier)
    stores.issuer.intend(made, _intents(_list(stores), 1))
    stores.issuer.complete("c-1")

    assert (made,) == stores.issuer.certificates("s-1")


def test_a_list_is_left_when_it_is_half_full(stores):
    """The next one has the next number."""
    uri = _list(stores, 4)
    stores.issuer.intend(_certificate(), _intents(uri, 0, 1))

    assert (URI.format(1), URI.format(2)) == (uri, _list(stores, 4))


def test_entries_of_a_process_that_is_gone_stay_burnt(stores):
    """What was given up is not given again; what was completed is not given up."""
    uri = _list(stores)
    stores.issuer.intend(_certificate(), _intents(uri, 1, 2))
    stores.issuer.intend(_certificate("c-2"), _intents(uri, 3))
    stores.issuer.complete("c-2")

    assert 2 == stores.issuer.void(AT + timedelta(seconds=1))
    assert {StatusRef(uri, 1)} == stores.issuer.intend(_certificate("c-3"), _intents(uri, 1))
    assert ["c-2"] == [found.id for found in stores.issuer.certificates("s-1")]


def test_all_copies_change_together_and_revoked_is_for_good(stores):
    """And whoever is not on record cannot be revoked."""
    uri = _list(stores)
    stores.issuer.intend(_certificate(), _intents(uri, 1, 2))
    stores.issuer.complete("c-1")
    stores.issuer.set_status("c-1", Status.REVOKED, "a test", AT)

    assert (100, {1: Status.REVOKED, 2: Status.REVOKED}) == stores.issuer.statuses(uri)
    with pytest.raises(StatusError) as refused:
        stores.issuer.set_status("c-1", Status.VALID, "a test", AT)
    assert "status.transition" == refused.value.code
    with pytest.raises(NotFound) as missing:
        stores.issuer.set_status("c-9", Status.REVOKED, "a test", AT)
    assert "storage.not_found" == missing.value.code
    with pytest.raises(NotFound) as missing:
        stores.issuer.statuses(URI.format(9))
    assert "storage.not_found" == missing.value.code


def _hold(stores, use):
    copies = [Copy(id=f"copy-{i}", key=f"key-{i}", raw=f"raw-{i}") for i in range(2)]
    stores.wallet.put_keys({copy.key: b"key" for copy in copies})
    stores.wallet.put(Held(id="h-1", format="dc+sd-jwt", type_id="kind", received=AT, use=use), copies)


def _spend(stores, use, audience):
    shown = Shown(at=AT, audience=audience, purpose="a test", held="h-1", type_id="kind", paths=(("a",),))
    return stores.wallet.spend(shown, use).id


@pytest.mark.parametrize(
    ("use", "audiences", "spent"),
    [
        ("once", "ab", ["copy-0", "copy-1"]),
        ("per_verifier", "aaba", ["copy-0", "copy-0", "copy-1", "copy-0"]),
        ("reuse", "aaaa", ["copy-0", "copy-1", "copy-0", "copy-1"]),
    ],
)
def test_copies_are_spent_as_their_kind_allows(use, audiences, spent, stores):
    """Once, once per verifier, or the one used least; each showing is written down."""
    _hold(stores, use)

    assert spent == [_spend(stores, use, audience) for audience in audiences]
    assert list(reversed(audiences)) == [line.audience for line in stores.wallet.history()]


@pytest.mark.parametrize(("use", "audiences"), [("once", "ab"), ("per_verifier", "ab")])
def test_no_copy_is_left(use, audiences, stores):
    """The next verifier gets none, and nothing is written down."""
    _hold(stores, use)
    for audience in audiences:
        _spend(stores, use, audience)

    with pytest.raises(AlreadyUsed) as refused:
        _spend(stores, use, "c")
    assert "storage.already_used" == refused.value.code
    assert 2 == len(stores.wallet.history())


def test_what_is_forgotten_takes_its_keys_along(stores):
    """Twice is once too often."""
    _hold(stores, "once")
    stores.wallet.forget("h-1")

    assert ((), ()) == (stores.wallet.held(), stores.wallet.copies("h-1"))
    for forgotten in (lambda: stores.wallet.key("key-0"), lambda: stores.wallet.forget("h-1")):
        with pytest.raises(NotFound) as missing:
            forgotten()
        assert "storage.not_found" == missing.value.code


def test_a_nonce_is_taken_once(stores):
    """Whoever comes second is told."""
    stores.verifier.take_nonce("n-1", AT + timedelta(minutes=5))

    with pytest.raises(AlreadyUsed) as refused:
        stores.verifier.take_nonce("n-1", AT + timedelta(minutes=5))
    assert "storage.already_used" == refused.value.code


def test_an_older_status_token_is_not_kept(stores):
    """One of the same second is."""
    later = AT + timedelta(seconds=1)
    kept = [stores.verifier.put_status_token("u", raw, at) for raw, at in [("b", later), ("a", AT), ("c", later)]]

    assert [True, False, True] == kept
    assert ("c", None) == (stores.verifier.status_token("u"), stores.verifier.status_token("v"))


@pytest.mark.parametrize("number", [1, 255, 256, (1 << 159) - 2])
def test_x5t_16_the_newest_revocation_list_of_each_authority_is_kept(number, stores):
    """X5T-16: by its number, of up to 20 octets; the same list may come again, another of the same number may not."""
    put = stores.verifier.put_crl
    lists = [(b"b", number), (b"b", number), (b"c", number), (b"a", number - 1), (b"d", number + 1), (b"b", number)]
    kept = [put(b"authority", raw, number) for raw, number in lists]

    assert [True, True, False, False, True, False] == kept
    assert (b"d", None) == (stores.verifier.crl(b"authority"), stores.verifier.crl(b"another"))


def test_x5t_17_the_highest_version_of_each_operator_is_remembered(stores):
    """X5T-17: the same one may come again, a lower one may not; another operator counts for itself."""
    versions = [("a", 2), ("a", 1), ("a", 2), ("a", 3), ("b", 1)]
    kept = [stores.verifier.put_trust_version(operator, version) for operator, version in versions]

    assert [True, False, True, True, True] == kept
    assert (3, 1, 0) == tuple(stores.verifier.trust_version(operator) for operator in "abc")


def test_a_listing_goes_on_after_any_of_it(stores):
    """Newest first, those of the same time by their ids; what is not issued whole is not in it."""
    uri = _list(stores)
    ids = ["b", "a", "c", "d"]
    for index, id_ in enumerate(ids):
        issued = AT + timedelta(seconds=index // 2)
        stores.issuer.intend(_certificate(id_, issued=issued), _intents(uri, index))
        if id_ != "d":
            stores.issuer.complete(id_)
    whole = [(each.issued, each.id) for each in stores.issuer.certificates("s-1")]

    assert ["c", "a", "b"] == [id_ for _, id_ in whole]
    assert [["c", "a"], ["a", "b"], ["b"], []] == [
        [each.id for each in stores.issuer.certificates("s-1", after=after, limit=2)] for after in (None, *whole)
    ]
