"""One-time means once, through HTTP: a crowd of processes sends the same code, nonce, proof, answer or response code.

Rows F-20, F-21 and F-26 and the counts of L-07. Two workers are on one database, half of the crowd goes to each; eight
processes in a plain run, a hundred in full. Each has its connection open and all but the last byte of its request sent
before all are let go (:mod:`ewallet.testing.crowd`).
"""

from __future__ import annotations

import os
from contextlib import closing
from itertools import count
from time import sleep
from urllib.parse import parse_qs, urlsplit

import pytest

from ewallet import dpop
from ewallet.env import Env
from ewallet.http import Http
from ewallet.keys import SigningKey
from ewallet.oid4vci import CredentialRequest, TokenRequest
from ewallet.oid4vci.offer import CredentialOffer, parse_link
from ewallet.oid4vp import response as oid4vp_response
from ewallet.sql import Database
from ewallet.testing.caller import FORM, KIND, Caller, error
from ewallet.testing.crowd import crowd
from ewallet.testing.nursery import free_port
from ewallet.testing.sites import BankSite, IssuerSite
from ewallet.testing.stores import MemoryWalletStore
from ewallet.wallet import Wallet

pytestmark = [pytest.mark.loopback, pytest.mark.sweep]

FULL = bool(os.environ.get("EWALLET_FULL"))
CROWD = 100 if FULL else 8
ROUNDS = 3 if FULL else 1
FAILURES = 30  # of one source in its minutes


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def base(request, tmp_path_factory):
    """A folder, and what makes the URL of an empty database of each engine."""
    folder = tmp_path_factory.mktemp("crowds")
    if request.param == "postgres":
        return folder, request.getfixturevalue("postgres").empty
    return folder, lambda: f"sqlite:///{folder}/{len(list(folder.iterdir()))}.db"


@pytest.fixture(scope="module")
def pair(nursery, town, base):
    """An issuer's service in two processes on one database."""
    folder, empty = base
    with closing(_both(IssuerSite(nursery, town, folder, database=empty()))) as site:
        yield site


@pytest.fixture(scope="module")
def desk(nursery, town, base):
    """A bank's service in two processes on one database."""
    folder, empty = base
    with closing(_both(BankSite(nursery, town, folder, database=empty()))) as site:
        yield site


def _both(site):
    site.start()
    site.start(free_port())
    return site


def _all(site, requests):
    """The answers to a crowd's requests, which go to the processes in turn."""
    ports = [*site.children]
    sent = [
        site.sent(method, path, headers=headers, body=body, port=ports[number % len(ports)])
        for number, (method, path, headers, body) in enumerate(requests)
    ]
    return crowd(sent)


_SOURCES = (f"198.18.{number >> 8}.{number & 255}" for number in count(1))


def _redeeming(code, *, source=None, proof=None, tx_code=None):
    """From another source each time, so that failures of one are not counted for the others."""
    proofs = {"dpop": proof} if proof else {}
    headers = {"content-type": FORM, "x-forwarded-for": source or next(_SOURCES), **proofs}
    return "POST", "/token", headers, TokenRequest(code=code, tx_code=tx_code).to_bytes()


def _wanting(caller, token, nonce, key, proof=None):
    asked = CredentialRequest(
        configuration_id=f"{KIND}.dc+sd-jwt", proof_type="jwt", proofs=(caller.proof(nonce, key),)
    )
    headers = {"content-type": "application/json", "authorization": token.authorization.header}
    return "POST", "/credential", headers | ({"dpop": proof} if proof else {}), asked.to_bytes()


def _told(answers):
    """How often there was which error; '' is success."""
    told = [error(answer) if answer.status < 500 else f"{answer.status}" for answer in answers]
    return {each: told.count(each) for each in set(told)}


def _one(answers, refused):
    """Whether one was served and the others were refused so; who finds the database busy for long hears 503."""
    told = _told(answers)
    return told.pop("") == 1 and told.keys() <= {refused, "503"} and refused in told


def _issued(site):
    """How many certificates are on record."""
    with closing(Database(site.database)) as database, database._engine.reading() as connection:
        return connection.exec_driver_sql("SELECT count(*) FROM certificates").scalar()


def test_one_of_a_crowd_gets_the_token_of_a_code(pair):
    """The others are told that it was used, in whichever worker they are (F-20)."""
    for _ in range(ROUNDS):
        code = Caller.code(pair.offer())

        assert _one(_all(pair, [_redeeming(code) for _ in range(CROWD)]), "invalid_grant")


def test_one_of_a_crowd_gets_a_token_with_one_proof(pair):
    """A DPoP proof whose ``jti`` was seen is refused, with whatever code it comes (F-20)."""
    key, caller = SigningKey.generate(), pair.caller(dpop=True)
    caller.token(pair.offer())  # which learns the nonce of the server
    at, nonce = Env().now(), caller.dpop_nonce
    proof = dpop.prove("POST", f"{pair.address}/token", key, at=at, random=Env().random, nonce=nonce)
    requests = [_redeeming(Caller.code(pair.offer()), proof=proof) for _ in range(CROWD)]

    assert _one(_all(pair, requests), "invalid_dpop_proof")


def test_one_of_a_crowd_gets_a_credential_with_one_nonce(pair):
    """Each has a proof of its own with the same ``c_nonce``: one credential, and one record of it (F-21)."""
    caller, keys = pair.caller(), [SigningKey.generate() for _ in range(CROWD)]
    before = _issued(pair)
    for round_ in range(ROUNDS):
        token, nonce = caller.token(pair.offer()), caller.nonce()
        answers = _all(pair, [_wanting(caller, token, nonce, key) for key in keys])

        assert _one(answers, "invalid_nonce")
        assert before + round_ + 1 == _issued(pair)


def test_one_of_a_crowd_is_heard_with_one_proof_of_its_token(pair):
    """A DPoP proof is good for one credential request, whatever nonces the requests have (F-21)."""
    caller = pair.caller(dpop=True)
    token = caller.token(pair.offer())
    before, nonces = _issued(pair), [caller.nonce() for _ in range(CROWD)]
    proof = caller.proof_header("/credential", token.access_token)["dpop"]
    answers = _all(pair, [_wanting(caller, token, nonce, caller.key, proof) for nonce in nonces])

    assert _one(answers, "invalid_dpop_proof")
    assert before + 1 == _issued(pair)


def test_the_failures_of_one_source_are_counted_exactly(pair):
    """As many guesses as are allowed, over both workers and a restart, and no more (L-07)."""
    guesses = [_redeeming(f"none-{n}", source="192.0.2.1") for n in range(2 * CROWD if FULL else FAILURES + 8)]
    half = len(guesses) // 2
    answers = _all(pair, guesses[:half])
    pair.restart()
    answers += _all(pair, guesses[half:])

    told = _told(answers)
    assert FAILURES == told["invalid_grant"]
    assert (
        {"invalid_grant", "temporarily_unavailable"}
        <= told.keys()
        <= {"invalid_grant", "temporarily_unavailable", "503"}
    )
    assert all(answer.headers["retry-after"] for answer in answers if answer.status == 429)


def test_a_transaction_code_is_guessed_five_times(pair):
    """Over both workers; the right one comes too late then (L-07)."""
    made = pair.call("POST", "/v1/offers", subject="hong", types=[KIND], tx_code=True).document
    offer, right = parse_link(made["uri"], loopback=True), made["tx_code"]
    assert isinstance(offer, CredentialOffer)
    code = Caller.code(offer)
    wrong = [f"{(int(right) + number + 1) % 10**6:06}" for number in range(CROWD)]
    told = _told(_all(pair, [_redeeming(code, tx_code=guess) for guess in wrong]))

    assert {"invalid_grant"} <= told.keys() <= {"invalid_grant", "503"}
    assert {"invalid_grant": 1} == _told(_all(pair, [_redeeming(code, tx_code=right)]))


# -- the bank --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def wallet(pair, town):
    """A wallet with certificates of that issuer."""
    wallet = Wallet(store=MemoryWalletStore(), trust=town.pki.trust_list(), send=Http(unsafe_loopback=True))
    wallet.accept(pair.offer().uri, copies=2 * ROUNDS)
    return wallet


def _answered(wallet, link):
    """What a wallet would send to whoever asks, and what it would send to decline."""
    request = wallet.open(link)
    token = wallet.present(request, wallet.match(request.query))
    sent = (
        oid4vp_response.answer(request, token),
        oid4vp_response.refusal(request.response_uri, request.state, "access_denied"),
    )
    return [(each.method, urlsplit(each.url).path, each.headers, each.body) for each in sent]


def test_one_of_a_crowd_answers_a_request(desk, wallet):
    """Some agree and some decline, all with the same state: one is heard, and that is what the bank reads (F-26)."""
    for _ in range(ROUNDS):
        id_, link = desk.request()
        agreed, declined = _answered(wallet, link)
        answers = _all(desk, [(agreed, declined)[n % 4 == 3] for n in range(CROWD)])
        (heard,) = [n for n, answer in enumerate(answers) if answer.status == 200]
        outcome = desk.outcome(id_).document

        assert {400, 503} >= {answer.status for n, answer in enumerate(answers) if n != heard}
        assert ("declined" if heard % 4 == 3 else "answered") == outcome["status"]


def test_one_of_a_crowd_reads_the_result_with_the_response_code(desk, wallet):
    """The claims are given once, to one who has the code; the others are refused or told to wait (F-26)."""
    for _ in range(ROUNDS):
        id_, link = desk.request(redirect_to=f"{desk.address}/done")
        method, path, headers, body = _answered(wallet, link)[0]
        led = desk.ask(method, path, headers=headers, body=body).document["redirect_uri"]
        (code,) = parse_qs(urlsplit(led).query)["response_code"]
        looking = "GET", f"/v1/requests/{id_}?response_code={code}", desk.member, b""
        first = _all(desk, [looking] * CROWD)
        sleep(0.6)  # the bank may look twice a second
        second = _all(desk, [looking] * CROWD)

        assert ["answered"] == [answer.document["status"] for answer in first if answer.status == 200]
        assert {403, 429, 503} >= {answer.status for answer in first if answer.status != 200}
        assert {403, 429, 503} >= {answer.status for answer in second}
        assert 403 in {answer.status for answer in second}
