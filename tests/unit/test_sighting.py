"""What a wallet remembers of logs of use, and what it says of one that is not what it was."""

from __future__ import annotations

import json
import logging
from base64 import b64encode
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from ewallet.errors import EWalletError, TransportError, TrustError
from ewallet.flow import Response, offline, run
from ewallet.history import Believed, Note, key_of
from ewallet.history.note import Signature
from ewallet.jose import to_json
from ewallet.keys import SigningKey
from ewallet.shape import base64url, json_object
from ewallet.sighting import HEADER, Lookout
from ewallet.testing.clock import START, Clock
from ewallet.testing.history import ORIGIN, Register
from ewallet.testing.peers import IssuerPeer
from ewallet.testing.pki import ISSUER as ISSUED_AT
from ewallet.testing.pki import Pki, listed_log
from ewallet.testing.stores import MemoryWalletStore

LOG = SigningKey.generate("EdDSA")
HOST = ORIGIN.partition("/")[0]
ISSUER = f"https://{HOST}/issuer"
PKI = Pki.make(at=START)
TRUST = PKI.with_log(ORIGIN, LOG).trust_list()


def _register(count, seed="history"):
    return Register(seed=seed, key=LOG).fill(count)


class Wallet:
    """What is remembered, and what was asked for it."""

    def __init__(self):
        self.store = MemoryWalletStore()
        self.asked = []

    def lookout(self, by=ISSUER, trust=TRUST):
        """Made before anything is asked."""
        return Lookout(self.store, trust, Clock().env("wallet"), by)

    def sees(self, raw, register=None, **given):
        """A checkpoint, shown by the one whose log gives that proof."""
        lookout = self.lookout(**given)
        lookout.hear(b64encode(raw).decode())
        self.judged(lookout, register)

    def judged(self, lookout, register=None):
        """What was heard, with the log as it is now."""

        def send(request):
            self.asked.append(request.url)
            asked = parse_qs(urlsplit(request.url).query)
            path = register.log.consistency(int(asked["old"][0]), int(asked["size"][0]))
            return Response(200, {}, json.dumps({"path": [b64encode(each).decode() for each in path]}).encode())

        run(lookout.judge(), send if register else offline)

    @property
    def sizes(self):
        """How far each log was."""
        return [sighting.head.size for sighting in self.store.sightings()]

    @property
    def noticed(self):
        """By code, the newest first."""
        return [departure.code for departure in self.store.departures()]


@pytest.fixture
def wallet():
    """One that has seen five entries of a log."""
    wallet = Wallet()
    wallet.sees(_register(5).log.checkpoint())
    return wallet


def test_the_first_checkpoint_is_kept(wallet):
    """With who showed it; nothing is asked for it."""
    (seen,) = wallet.store.sightings()
    assert (ORIGIN, 5, HOST, []) == (seen.head.origin, seen.head.size, seen.by, wallet.asked)


def test_a_log_that_proves_that_it_went_on_is_kept_as_it_is_now(wallet):
    """It is asked where it is, once."""
    later = _register(9)
    wallet.sees(later.log.checkpoint(), later)
    assert ([9], [], [f"https://{ORIGIN}/consistency?old=5&size=9"]) == (wallet.sizes, wallet.noticed, wallet.asked)


def test_a_smaller_log_is_a_rollback(wallet, caplog):
    """Both checkpoints are kept, and the larger one stays what the log is held to."""
    before, after = _register(5).log.checkpoint(), _register(3).log.checkpoint()
    with caplog.at_level(logging.WARNING, "ewallet"):
        wallet.sees(after)
    (noticed,) = wallet.store.departures()
    assert ("log.rollback", before, after, HOST) == (noticed.code, noticed.earlier, noticed.later, noticed.by)
    assert "log.rollback" == noticed.error.code
    assert [5] == wallet.sizes
    assert [f"log of use {ORIGIN}: log.rollback"] == [record.getMessage() for record in caplog.records]


def test_another_root_of_the_same_size_is_a_fork(wallet):
    """That needs no proof: both are signed."""
    wallet.sees(_register(5, seed="another history").log.checkpoint())
    assert (["log.forked"], [5], []) == (wallet.noticed, wallet.sizes, wallet.asked)


def test_a_larger_log_of_another_history_is_a_fork(wallet):
    """Its own proof does not lead from what was seen."""
    other = _register(9, seed="another history")
    wallet.sees(other.log.checkpoint(), other)
    assert (["log.forked"], [5]) == (wallet.noticed, wallet.sizes)


def test_every_time_is_noticed(wallet):
    """Whoever shows it again has shown it again."""
    for _ in range(2):
        wallet.sees(_register(3).log.checkpoint())
    assert ["log.rollback", "log.rollback"] == wallet.noticed


def test_the_same_checkpoint_says_nothing_new(wallet):
    """When it was first seen stays."""
    (before,) = wallet.store.sightings()
    wallet.sees(_register(5).log.checkpoint())
    assert ((before,), []) == (wallet.store.sightings(), wallet.noticed)


def test_without_a_proof_what_was_seen_stays(wallet):
    """Nobody is accused; with the proof it is kept later, and a rollback of what was proven is still seen."""
    wallet.sees(_register(9).log.checkpoint())
    assert ([5], []) == (wallet.sizes, wallet.noticed)
    later = _register(12)
    wallet.sees(later.log.checkpoint(), later)
    assert ([12], []) == (wallet.sizes, wallet.noticed)


@pytest.mark.parametrize(
    "answer", [Response(404), Response(200, {}, b"no proof"), Response(200, {}, b'{"path": ["AAAA"]}')]
)
def test_an_answer_that_is_no_proof_is_none(wallet, answer):
    """Not an error of the person who only wanted a certificate."""
    lookout = wallet.lookout()
    lookout.see(_register(9).log.checkpoint())
    run(lookout.judge(), lambda _: answer)
    assert ([5], []) == (wallet.sizes, wallet.noticed)


def test_a_log_elsewhere_is_not_asked(wallet):
    """It would learn who gets certificates from somebody else; a smaller one is noticed all the same."""
    later = _register(9)
    wallet.sees(later.log.checkpoint(), later, by="https://another.example/offers/1")
    assert ([5], [], []) == (wallet.sizes, wallet.noticed, wallet.asked)
    wallet.sees(_register(3).log.checkpoint(), by="https://another.example/offers/1")
    assert ["another.example"] == [departure.by for departure in wallet.store.departures()]


def test_the_log_is_asked_as_whoever_showed_it_was(wallet):
    """On this machine a demo has no TLS."""
    later = _register(9)
    wallet.sees(later.log.checkpoint(), later, by=f"http://{HOST}")
    assert [f"http://{ORIGIN}/consistency?old=5&size=9"] == wallet.asked


def test_an_empty_log_may_become_any():
    """Every tree begins with the empty one: there is nothing to prove."""
    fresh = Wallet()
    fresh.sees(_register(0).log.checkpoint())
    fresh.sees(_register(5).log.checkpoint())
    assert ([5], [], []) == (fresh.sizes, fresh.noticed, fresh.asked)


def test_two_programs_at_once_accuse_nobody(wallet):
    """What one of them has seen since the other asked is newer than what that was answered."""
    slow, middle, later = wallet.lookout(), _register(7), _register(9)
    wallet.sees(later.log.checkpoint(), later)
    slow.see(middle.log.checkpoint())
    wallet.judged(slow, middle)
    assert ([9], []) == (wallet.sizes, wallet.noticed)


def test_two_programs_at_once_that_are_shown_two_histories_notice(caplog):
    """Whichever was faster: of one size there is one root, and no order of answers makes it two."""
    wallet = Wallet()
    slow = wallet.lookout()
    wallet.sees(_register(5).log.checkpoint())
    slow.see(_register(5, seed="another history").log.checkpoint())
    wallet.judged(slow)
    assert (["log.forked"], [5]) == (wallet.noticed, wallet.sizes)
    assert [f"log of use {ORIGIN}: log.forked"] == [record.getMessage() for record in caplog.records]


def test_several_of_one_conversation_are_held_to_each_other():
    """One after the other: what came first is seen when the next one comes."""
    wallet = Wallet()
    lookout = wallet.lookout()
    for count in (5, 3):
        lookout.see(_register(count).log.checkpoint())
    wallet.judged(lookout)
    assert (["log.rollback"], [5]) == (wallet.noticed, wallet.sizes)


def test_one_checkpoint_under_which_more_and_more_stands_is_one(wallet):
    """Anybody can add lines in names that nobody knows: nothing fills the wallet so, and the log is asked once."""
    lookout = wallet.lookout()
    for number in range(20):
        line = Signature(f"nobody{number}.example", bytes(4), bytes(64))
        for count in (3, 9):
            lookout.see(Note.read(_register(count).log.checkpoint()).with_signatures([line]).to_bytes())
    asked = []

    def send(request):
        asked.append(request.url)
        return Response(503)

    run(lookout.judge(), send)
    assert (["log.rollback"], [5], 1) == (wallet.noticed, wallet.sizes, len(asked))


UNBELIEVED = {
    "another key": Register(key=SigningKey.generate("EdDSA")).fill(3).log.checkpoint(),
    "no note": b"a text",
    "no text": b"\xff\xfe",
    "changed": _register(3).log.checkpoint().replace(b"\n3\n", b"\n2\n"),
}


@pytest.mark.parametrize("raw", UNBELIEVED.values(), ids=UNBELIEVED)
def test_what_the_log_has_not_signed_says_nothing(wallet, raw):
    """Anybody could have made it, to accuse the log or to have it forgotten."""
    wallet.sees(raw)
    assert ([5], []) == (wallet.sizes, wallet.noticed)


def test_a_header_that_is_no_base64_says_nothing(wallet):
    """It is not read any further."""
    lookout = wallet.lookout()
    lookout.hear("*")
    wallet.judged(lookout)
    assert ([5], []) == (wallet.sizes, wallet.noticed)


def test_a_log_that_the_trust_list_does_not_name_is_not_remembered():
    """There would be no telling who signed it."""
    wallet = Wallet()
    wallet.sees(_register(5).log.checkpoint(), trust=PKI.trust_list())
    assert [] == wallet.sizes


def test_a_log_with_another_key_on_the_list_begins_anew(wallet):
    """Its operator lost something and says so; held to what the old key signed it would be accused for ever."""
    key = SigningKey.generate("EdDSA")
    anew = Register(key=key).fill(2).log.checkpoint()
    wallet.sees(anew, trust=PKI.with_log(ORIGIN, key).trust_list())
    assert ([2], []) == (wallet.sizes, wallet.noticed)


def test_a_log_whose_old_key_stays_on_the_list_goes_on(wallet):
    """Then there is no reason for it to be smaller."""
    key = SigningKey.generate("EdDSA")
    both = PKI.with_log(ORIGIN, LOG).with_log(ORIGIN, key).trust_list()
    wallet.sees(Register(key=key).fill(2).log.checkpoint(), trust=both)
    assert (["log.rollback"], [5]) == (wallet.noticed, wallet.sizes)


# -- what stands beside a log on the list ------------------------------------------------------------------

STRANGER = SigningKey.generate("EdDSA")
OVER = START - timedelta(days=20 * 366)
WATCHING = frozenset({"cosignature"})
BESIDE = {
    "another log, over": listed_log("another.example/log", STRANGER, OVER),
    "another log of another algorithm": listed_log("another.example/log", SigningKey.generate("ES256"), START),
    "a witness, over": replace(listed_log("witness.example", STRANGER, OVER), types=WATCHING),
    "a witness of two names": replace(
        listed_log("witness.example", STRANGER, START),
        issuers=frozenset({"one.example", "two.example"}),
        types=WATCHING,
    ),
    "its key in a renewed certificate": replace(listed_log(ORIGIN, LOG, START), id="renewed"),
    "its key before, over": replace(listed_log(ORIGIN, STRANGER, OVER), id="before"),
}


@pytest.mark.parametrize("anchor", BESIDE.values(), ids=BESIDE)
def test_what_is_wrong_beside_a_log_does_not_hide_it(wallet, anchor):
    """Nobody would hear that it is held to nothing any more."""
    wallet.sees(_register(3).log.checkpoint(), trust=replace(TRUST, anchors=(anchor, *TRUST.anchors)))
    assert (["log.rollback"], [5]) == (wallet.noticed, wallet.sizes)


@pytest.mark.parametrize("name", ["its key before, over", "a witness, over"])
def test_who_believes_a_log_and_its_witnesses_is_not_stopped_by_one_that_is_over(name):
    """It counts for nothing, and the others for what they are."""
    believed = Believed.of(replace(TRUST, anchors=(BESIDE[name], *TRUST.anchors)), ORIGIN, START)
    assert ((key_of(ORIGIN, LOG.public),), ()) == (believed.log, believed.witnesses)


def test_a_log_whose_only_certificate_is_over_is_refused_for_that():
    """It is said why."""
    with pytest.raises(TrustError) as refused:
        Believed.of(PKI.trust_list(), ORIGIN, START)
    assert "trust.no_path" == refused.value.code
    with pytest.raises(TrustError) as refused:
        Believed.of(replace(TRUST, anchors=(listed_log(ORIGIN, LOG, OVER),)), ORIGIN, START)
    assert "trust.cert_expired" == refused.value.code


def test_a_line_in_the_name_of_a_key_to_come_does_not_let_a_log_begin_anew():
    """A log knows its next key before the list has it, and what it writes under a checkpoint is kept with it."""
    wallet, key = Wallet(), SigningKey.generate("EdDSA")
    line = Signature(ORIGIN, key_of(ORIGIN, key.public).id, bytes(64))
    wallet.sees(Note.read(_register(5).log.checkpoint()).with_signatures([line]).to_bytes())
    both = PKI.with_log(ORIGIN, LOG).with_log(ORIGIN, key).trust_list()
    wallet.sees(Register(key=key).fill(2).log.checkpoint(), trust=both)
    assert (["log.rollback"], [5]) == (wallet.noticed, wallet.sizes)


# -- who shows it, in a conversation -----------------------------------------------------------------------

KIND, LOGIN = "resident_register_copy", "https://login.example"
METADATA = "/.well-known/openid-credential-issuer"


@pytest.fixture
def person(ewallet_kit):
    """The kit's wallet, whose trust list names the log of the issuer, and the issuer, whose log it has seen."""
    issuer, wallet = IssuerPeer(ewallet_kit), ewallet_kit.wallet
    listed = listed_log(ORIGIN, LOG, ewallet_kit.clock.now())
    wallet._trust = replace(wallet._trust, anchors=(*wallet._trust.anchors, listed))
    issuer.spoil["/credential"] = _dated(_register(5))
    wallet.accept(issuer.offer(KIND))
    assert [5] == [sighting.head.size for sighting in wallet.sightings()]
    return wallet, issuer, ewallet_kit.network


def _dated(register, **changes):
    header = {HEADER: b64encode(register.log.checkpoint()).decode()}
    return lambda _, response: replace(response, headers={**response.headers, **header}, **changes)


def test_a_log_is_judged_by_an_issuer_that_gives_nothing_too(person):
    """What was shown is signed all the same, and the certificate might never come."""
    wallet, issuer, _ = person
    issuer.spoil["/credential"] = _dated(_register(3), status=500)
    with pytest.raises(TransportError) as refused:
        wallet.accept(issuer.offer(KIND))
    assert "fetch.unavailable" == refused.value.code
    assert ["log.rollback"] == [departure.code for departure in wallet.departures()]


def test_a_log_is_judged_where_what_was_deferred_does_not_come_too(person, ewallet_kit):
    """Asked for again, the issuer refuses."""
    wallet, issuer, _ = person
    issuer.records.pending[KIND] = timedelta(minutes=1)
    wallet.accept(issuer.offer(KIND))
    ewallet_kit.clock.advance(timedelta(minutes=2))
    issuer.spoil["/deferred"] = _dated(_register(3), status=500)
    with pytest.raises(TransportError) as refused:
        wallet.collect()
    assert "fetch.unavailable" == refused.value.code
    assert ["log.rollback"] == [departure.code for departure in wallet.departures()]


def test_who_showed_it_is_named_and_nobody_else(person):
    """The authorization server is somebody else's here: an issuer is not accused of what that one kept."""
    wallet, issuer, network = person

    def named(_, response):
        said = json_object(base64url(response.body.decode().split(".")[1])) | {"authorization_servers": [LOGIN]}
        return replace(response, headers={"content-type": "application/json"}, body=to_json(said))

    def login(request):
        answer = issuer.issuance(replace(request, url=request.url.replace(LOGIN, ISSUED_AT)))
        return _dated(_register(3))(
            request, replace(answer, body=answer.body.replace(ISSUED_AT.encode(), LOGIN.encode()))
        )

    issuer.spoil[METADATA] = named
    network.route(f"{LOGIN}/", login)
    with suppress(EWalletError):  # proofs for another address
        wallet.accept(issuer.offer(KIND))
    assert [("log.rollback", "login.example")] == [(each.code, each.by) for each in wallet.departures()]
