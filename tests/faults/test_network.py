"""A network that loses, cuts, doubles and delays: what was asked for twice is done once, and nobody waits for ever.

Rows F-14 and F-16, through :class:`ewallet.testing.proxy.Proxy`, which stands at the address of the service; and a
wallet that is killed while it receives.
"""

from __future__ import annotations

import os
import time
from contextlib import closing, suppress
from datetime import timedelta
from hashlib import sha256

import pytest

from ewallet.errors import EWalletError, TransportError
from ewallet.http import Http
from ewallet.issuance import Deferral
from ewallet.oid4vci import DeferredRequest, NotificationRequest
from ewallet.oid4vp import response as oid4vp_response
from ewallet.sql import Database
from ewallet.testing.caller import KIND, error, issued
from ewallet.testing.nursery import free_port
from ewallet.testing.proxy import Fault, Proxy
from ewallet.testing.stores import MemoryWalletStore
from ewallet.wallet import Wallet

pytestmark = [pytest.mark.loopback, pytest.mark.sweep]

FULL = bool(os.environ.get("EWALLET_FULL"))
BROKEN = [fault for fault in Fault if fault not in {Fault.NONE, Fault.DOUBLE}]
SLOW = {Fault.STALL, Fault.DRIP}
QUICK = BROKEN if FULL else [fault for fault in BROKEN if fault not in SLOW]
HUNG = 60.0  # seconds; a fetch gives up after five
PASSPHRASE = "correct horse battery staple"


@pytest.fixture
def before_issuer(issuer):
    """The issuer's service, and what stands before it."""
    port = free_port()
    issuer.start(port)
    with closing(Proxy(port, port=issuer.port)) as proxy:
        yield proxy


@pytest.fixture
def before_bank(bank):
    """The bank's service, and what stands before it."""
    port = free_port()
    bank.start(port)
    with closing(Proxy(port, port=bank.port)) as proxy:
        yield proxy


@pytest.fixture
def wallet(town):
    """An empty wallet that comes by HTTP."""
    return Wallet(store=MemoryWalletStore(), trust=town.pki.trust_list(), send=Http(unsafe_loopback=True))


# -- what is asked twice ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [Fault.LOSE, Fault.DOUBLE])
def test_a_request_that_arrives_twice_is_done_once(issuer, before_issuer, ledger, fault):
    """Code, proof and notification of one issuance: the second time brings the same, or is refused (F-14)."""
    caller = issuer.caller(dpop=True)
    caller.token(issuer.offer())  # learns the nonce
    offer = issuer.offer()
    before_issuer.once("/token", fault)
    first = _again(lambda: caller.redeem(offer))
    token = caller.token(issuer.offer())
    proof = [caller.proof(caller.nonce())]
    before_issuer.once("/credential", fault)
    second = _again(lambda: caller.credential(token, proof))
    response = issued(caller.credential(token))
    ledger.told.append(response.credentials)
    body = NotificationRequest(notification_id=response.notification_id or "", event="credential_accepted").to_bytes()
    before_issuer.once("/notification", fault)
    third = _again(lambda: caller.post("/notification", body, caller.bearing(token, "/notification")))

    assert before_issuer.suffered
    assert error(first) in {"invalid_grant", "invalid_dpop_proof"}
    assert error(second) in {"", "invalid_nonce", "invalid_dpop_proof"}
    assert third.status == 204 or error(third) == "invalid_dpop_proof"
    assert 1 == ledger.check()


@pytest.mark.parametrize("fault", [Fault.LOSE, Fault.DOUBLE])
@pytest.mark.parametrize("bound", [False, True])
def test_what_was_deferred_and_is_collected_twice_is_one_certificate(issuer, before_issuer, ledger, fault, bound):
    """VCI-29: what was lost on the way is given again until the wallet says that it came (F-14, F-01)."""
    caller = issuer.caller(dpop=bound)
    token = caller.token(issuer.offer())
    promise = _promised(issuer, caller, token)

    def collect():
        return caller.post("/deferred", promise, caller.bearing(token, "/deferred"))

    before_issuer.once("/deferred", fault)
    first = _again(collect)
    second = collect()
    response = issued(second)
    ledger.told.append(response.credentials)
    body = NotificationRequest(notification_id=response.notification_id or "", event="credential_accepted").to_bytes()
    told = caller.post("/notification", body, caller.bearing(token, "/notification"))

    assert before_issuer.suffered
    assert first.body == second.body or error(first) == "invalid_dpop_proof"
    assert (204, "invalid_transaction_id") == (told.status, error(collect()))
    assert 1 == ledger.check()


def _promised(issuer, caller, token):
    """The request for what was deferred for that token, its time come."""
    at = caller.env.now()
    deferral = Deferral(
        digest=sha256(b"a promise").digest(),
        token=sha256(token.access_token.encode()).digest(),
        configuration_id=f"{KIND}.dc+sd-jwt",
        keys=(caller.key.public,),
        due=at,
        until=at + timedelta(hours=1),
    )
    with closing(Database(issuer.database)) as database:
        database.issuance.defer(deferral)
    return DeferredRequest(transaction_id="a promise").to_bytes()


def _again(ask):
    """The answer to what was asked, asked once more where it was lost."""
    try:
        return ask()
    except TransportError:
        return ask()


@pytest.mark.parametrize("fault", [Fault.LOSE, Fault.DOUBLE])
def test_a_revocation_that_arrives_twice_is_one(issuer, before_issuer, ledger, fault):
    """It may be said again without harm (F-14)."""
    caller = issuer.caller()
    response = issued(caller.credential(caller.token(issuer.offer())))
    ledger.told.append(response.credentials)
    (certificate,) = ledger.stages()
    path = f"/v1/certificates/{certificate}/revoke"
    before_issuer.once(path, fault)
    try:
        answer = issuer.call("POST", path, reason="a test")
    except OSError:
        answer = issuer.call("POST", path, reason="a test")
    with closing(Database(issuer.database)) as database, database._engine.reading() as connection:
        events = connection.exec_driver_sql("SELECT count(*) FROM status_events").scalar()

    assert (204, 1) == (answer.status, events)


@pytest.mark.parametrize("fault", [Fault.LOSE, Fault.DOUBLE])
def test_an_answer_that_arrives_twice_is_judged_once(issuer, bank, before_bank, wallet, fault):
    """The wallet that repeats itself is told that it was heard, and the bank has its verdict (F-14)."""
    issuer.start()
    wallet.accept(issuer.offer().uri, copies=1)
    id_, link = bank.request()
    request = wallet.open(link)
    sent = oid4vp_response.answer(request, wallet.present(request, wallet.match(request.query)))
    before_bank.once("/response/", fault)
    send = bank.sender()
    answer = _again(lambda: send(sent))
    outcome = bank.outcome(id_).document

    assert answer.status in {200, 400}
    assert ("answered", "accepted") == (outcome["status"], outcome["verdict"]["verdict"])


# -- what does not arrive --------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/.well-known/", "/token", "/nonce", "/credential"])
@pytest.mark.parametrize("fault", QUICK)
def test_a_wallet_that_loses_its_issuer_keeps_nothing_and_tries_again(issuer, before_issuer, wallet, path, fault):
    """Within seconds it says so; a fresh offer is received as if nothing had happened (F-16)."""
    offer = issuer.offer()
    before_issuer.always(path, fault)
    code, took = _refused(lambda: wallet.accept(offer.uri, copies=1))
    before_issuer.calm()
    kept = wallet.documents()
    wallet.accept(issuer.offer().uri, copies=1)

    assert code in {"fetch.unavailable", "fetch.timeout"}
    assert took < HUNG
    assert () == kept
    assert 1 == len(wallet.documents())


@pytest.mark.parametrize("fault", QUICK)
def test_a_wallet_that_loses_the_bank_shows_nothing_twice(issuer, bank, before_bank, wallet, fault):
    """A request that cannot be fetched is not answered, and one whose answer is lost has spent its copy (F-16)."""
    issuer.start()
    wallet.accept(issuer.offer().uri, copies=2)
    _, link = bank.request()
    before_bank.always("/request/", fault)
    unread, took = _refused(lambda: wallet.open(link))
    before_bank.calm()
    request = wallet.open(link)
    before_bank.always("/response/", fault)
    unheard, _ = _refused(lambda: wallet.answer(request, wallet.match(request.query)))
    (document,) = wallet.documents()

    assert {unread, unheard} <= {"fetch.unavailable", "fetch.timeout"}
    assert took < HUNG
    assert 1 == document.copies_left == 2 - len(wallet.history())


def _refused(action):
    begun = time.monotonic()
    with pytest.raises(EWalletError) as caught:
        action()
    return caught.value.code, time.monotonic() - begun


@pytest.mark.parametrize("fault", QUICK)
def test_a_bank_that_loses_the_status_list_cannot_tell(issuer, before_issuer, bank, wallet, fault):
    """It is undecided and says what is missing; a list that was had before is used while it holds (F-16)."""
    bank.start()
    wallet.accept(issuer.offer().uri, copies=3)
    before_issuer.always("/status", fault)
    without = _judged(bank, wallet)
    before_issuer.calm()
    had = _judged(bank, wallet)
    before_issuer.always("/status", fault)
    kept = _judged(bank, wallet)

    assert ("undecided", "accepted", "accepted") == (without["verdict"], had["verdict"], kept["verdict"])
    assert without["missing"]
    assert "status." in without["code"] or "fetch." in without["code"]


def _judged(bank, wallet):
    id_, link = bank.request()
    request = wallet.open(link)
    with suppress(TransportError):  # the bank may wait for the list as long as the wallet waits for the bank
        wallet.answer(request, wallet.match(request.query))
    deadline = time.monotonic() + HUNG
    while (verdict := bank.outcome(id_).document.get("verdict")) is None:
        assert time.monotonic() < deadline
        time.sleep(0.6)
    return verdict


# -- a wallet that dies ----------------------------------------------------------------------------------------

RECEIVING = """
import sys
from ewallet.http import Http
from ewallet.sql import Database
from ewallet.env import Env
from ewallet.files import read_trust
from ewallet.testing.stores import MemoryVerifierStore
from ewallet.wallet import Wallet
url, folder, *offers = sys.argv[1:]
store = Database(url).wallet({passphrase!r})
signed, key = folder + "/trust-list.jwt", folder + "/operator.jwk"
trust = read_trust(signed, key, Env().now(), MemoryVerifierStore())
wallet = Wallet(store=store, trust=trust, send=Http(unsafe_loopback=True))
for offer in offers:
    wallet.accept(offer, copies=2)
    print("received", flush=True)
"""


def test_a_wallet_killed_while_it_receives_has_all_or_nothing(issuer, ledger, town, nursery, tmp_path):
    """Whatever it said it has is there with its copies and keys; at most one more was issued to it (F-01)."""
    issuer.start()
    program = tmp_path / "receiving.py"
    program.write_text(RECEIVING.format(passphrase=PASSPHRASE), "utf-8")
    url = f"sqlite:///{tmp_path}/purse/wallet.db"
    with closing(Database(url)) as database:
        database.wallet(PASSPHRASE, create=True, unsafe_fast_kdf=True)
    for round_ in range(40 if FULL else 4):
        log = tmp_path / f"log-{round_}"
        offers = [issuer.offer().uri for _ in range(8)]
        child = nursery.run(str(program), url, str(town.folder), *offers, log=log)
        _wait_for(log, child)
        time.sleep(round_ * 0.003)
        child.kill()
        with closing(Database(url)) as database:
            store = database.wallet(PASSPHRASE)
            held = {each.id: store.copies(each.id) for each in store.held()}
            for copies in held.values():
                assert 2 == len(copies)
                assert all(store.key(copy.key) for copy in copies)
            for id_ in held:
                store.forget(id_)
        said = log.read_text("utf-8").count("received")
        assert said <= len(held) <= said + 1
        ledger.told += [[copy.raw for copy in copies] for copies in held.values()]
        ledger.unknown += 1

    assert ledger.told
    ledger.check()


def _wait_for(log, child):
    """Until it has received something."""
    deadline = time.monotonic() + 30
    while not log.exists() or "received" not in log.read_text("utf-8"):
        assert child.ended is None, log.read_text("utf-8")
        assert time.monotonic() < deadline
        time.sleep(0.005)
