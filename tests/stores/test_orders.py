"""An order for a certificate, in memory as in each database: carried out once, by many at once and over crashes."""

from __future__ import annotations

import json
import os
import signal
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Engine, event

from ewallet.authorization import LATE, Code, Grant
from ewallet.catalog import Catalog
from ewallet.credential import StatusRef
from ewallet.env import Env
from ewallet.errors import NotFound
from ewallet.flow import Request
from ewallet.intents import Certificate, Intent
from ewallet.issuance import Issuance
from ewallet.issuer import Issuer
from ewallet.order import Order, RepeatedError
from ewallet.sql import Database
from ewallet.testing.caller import KIND, Caller, error, issued
from ewallet.testing.clock import START as AT
from ewallet.testing.issuance import SampleRecords
from ewallet.testing.pki import Pki
from ewallet.testing.stores import MemoryIssuerStore

MINUTE = timedelta(minutes=1)
URI = "https://issuer.example/status/{}"


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def store(request):
    """An empty issuer's store of each kind."""
    if request.param == "memory":
        yield MemoryIssuerStore()
        return
    database = Database(request.getfixturevalue("postgres").empty() if request.param == "postgres" else "sqlite://")
    yield database.issuer
    database.close()


def _order(nonce=b"n-1", **changes):
    made = Order(
        digest=b"order-1", holders=b"keys-1", once={nonce: AT + MINUTE}, until=AT + MINUTE, seal=lambda *_: b"sealed"
    )
    return replace(made, **changes)


def _certificate(number):
    return Certificate(id=f"c-{number}", type_id="kind", subject="s-1", issued=AT, until=AT + MINUTE)


def _intend(store, number, order, *, entry=None):
    uri = store.status_list(100, URI.format)
    intents = [Intent(status=StatusRef(uri, entry or number), digest=b"\0" * 32)]
    return store.intend(_certificate(number), intents, order)


def _repeated(store, number, order):
    with pytest.raises(RepeatedError) as caught:
        _intend(store, number, order)
    return caught.value.used, caught.value.sealed, caught.value.holders


def _issued(store):
    return [found.id for found in store.certificates("s-1")]


def test_an_order_is_carried_out_once(store):
    """Whoever places it again learns what was kept, and for which keys; what was shown with it is used up."""
    _intend(store, 1, _order())
    store.complete("c-1", _order(), b"sealed")
    again = [_repeated(store, 2, _order(b"n-2", holders=b"keys-2")) for _ in range(2)]

    assert [(frozenset(), b"sealed", b"keys-1"), (frozenset({b"n-2"}), b"", b"")] == again
    assert ["c-1"] == _issued(store)


def test_an_order_that_was_begun_is_taken_over(store):
    """The first attempt is given up, its entry stays burnt, and it cannot be completed any more."""
    _intend(store, 1, _order())
    _intend(store, 2, _order(b"n-2"))
    with pytest.raises(NotFound) as caught:
        store.complete("c-1", _order(), b"sealed")
    assert "storage.not_found" == caught.value.code
    store.complete("c-2", _order(b"n-2"), b"sealed")

    assert ["c-2"] == _issued(store)
    assert 0 == store.void(AT + MINUTE)


def test_what_an_order_uses_up_is_used_with_its_intent_or_not_at_all(store):
    """An entry that was given before leaves the nonce good; a nonce that was used leaves the entry free."""
    _intend(store, 1, None)
    collided = _intend(store, 2, _order(), entry=1)
    _intend(store, 2, _order())
    used, _, _ = _repeated(store, 3, _order(digest=b"order-2"))

    assert ({StatusRef(URI.format(1), 1)}, {b"n-1"}) == (collided, used)
    assert frozenset() == _intend(store, 3, _order(b"n-2", digest=b"order-2"))


def test_what_is_sealed_is_forgotten_when_its_time_is_over(tmp_path):
    """With the next code that is made then, and in the file, too."""
    database = Database(f"sqlite:///{tmp_path}/issuer.db")
    _intend(database.issuer, 1, _order())
    database.issuer.complete("c-1", _order(), b"what was answered")
    grant = Grant(subject="s-1", configuration_ids=("a",), until=AT + LATE)
    for number, at in enumerate((AT, AT + MINUTE)):
        database.issuance.put_code(Code(digest=bytes([number]), grant=grant), at)
    database.close()

    assert b"what was answered" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())


# -- many at once, and crashes -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pki_folder(tmp_path_factory):
    """The keys that all processes sign with."""
    folder = tmp_path_factory.mktemp("pki")
    Pki.make(at=AT).save(folder)
    return str(folder)


def _issuance(database, folder):
    pki, catalog, env = Pki.load(folder), Catalog.bundled(), Env(now=lambda: AT)
    issuer = Issuer(
        pki.issuer,
        signers=pki.signers,
        status_signer=pki.status_signer,
        catalog=catalog,
        store=database.issuer,
        env=env,
    )
    return Issuance(issuer, records=SampleRecords(catalog), store=database.issuance, env=env)


def _caller(issuance):
    return Caller(issuance, issuance.issuer.identifier, Env(now=lambda: AT))


def _body(caller):
    proofs = {"jwt": [caller.proof(caller.nonce())]}
    return json.dumps({"credential_configuration_id": f"{KIND}.dc+sd-jwt", "proofs": proofs})


def test_a_crowd_that_places_one_order_gets_one_certificate(crowd, shared_url, pki_folder):
    """Each with a nonce of its own: some are told to ask again, all others get the same (F-01, F-14)."""
    with closing(Database(shared_url)) as database:
        issuance = _issuance(database, pki_folder)
        caller = _caller(issuance)
        token = caller.token(issuance.offer(KIND, subject="s-1"))
        headers = caller.bearing(token, "/credential")
        crowd.do("post", url=shared_url, pki=pki_folder)
        bodies = [_body(caller) for _ in crowd.workers]
        path = "/credential"
        answers = crowd.do("post", url=shared_url, pki=pki_folder, path=path, headers=headers, bodies=bodies)

        assert {200} <= {status for status, _ in answers} <= {200, 400}
        assert 1 == len({text for status, text in answers if status == 200})
        assert 1 == len(issuance.issuer.certificates("s-1"))
        assert issued(caller.credential(token)).to_bytes().decode() in {text for _, text in answers}


def _killed(url, folder, request, number):
    """Answer in a process that is killed at its transaction's beginning or end of that number; whether it was."""
    child = os.fork()
    if child == 0:
        try:
            with closing(Database(url)) as database:
                issuance = _issuance(database, folder)
                issuance.server.nonce(AT)  # what is asked for once is there
                _die_at(number)
                issuance(request)
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def _die_at(number):
    left = [number]

    def count(_connection):
        left[0] -= 1
        if left[0] < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "begin", count)
    event.listen(Engine, "commit", count)


def test_a_process_killed_in_between_leaves_no_second_certificate(shared_url, pki_folder):
    """Before, in or after either transaction: the wallet asks again with what it has, and one certificate is valid."""
    subjects = 0
    with closing(Database(shared_url)) as database:
        issuance = _issuance(database, pki_folder)
        caller, more = _caller(issuance), True
        while more:
            subject = f"s-{subjects}"
            token = caller.token(issuance.offer(KIND, subject=subject))
            url = f"{issuance.issuer.identifier}/credential"
            request = Request("POST", url, caller.bearing(token, "/credential"), _body(caller).encode())
            more = _killed(shared_url, pki_folder, request, subjects)
            again = issuance(request)
            answer = again if not error(again) else caller.credential(token)
            (certificate,) = issuance.issuer.certificates(subject)

            assert error(again) in {"", "invalid_nonce"}
            assert str(issued(answer).notification_id).startswith(certificate.id)
            subjects += 1

        assert subjects > 4
        assert 0 == database.issuer.void(AT + MINUTE)
