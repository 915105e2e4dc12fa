"""Killed at any durable write, or told that it failed: nothing acknowledged is lost, nothing is given twice.

Rows F-01, F-04 and F-06. The services are real processes; ``strace`` kills them at the n-th call that writes to the
database or to a socket, or lets that call fail, for every n in a sweep and for some in a plain run. Then whoever got no
answer goes on where it was, and repeats what it asked for.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from time import sleep
from typing import Any

import pytest

from ewallet.errors import TransportError
from ewallet.http import Http
from ewallet.oid4vci import NotificationRequest, TokenResponse
from ewallet.oid4vp import response as oid4vp_response
from ewallet.status import Status, StatusToken
from ewallet.testing.caller import error, issued
from ewallet.testing.sites import shifted
from ewallet.testing.stores import MemoryWalletStore
from ewallet.wallet import Wallet

pytestmark = [pytest.mark.loopback, pytest.mark.sweep]

FULL = bool(os.environ.get("EWALLET_FULL"))
WRITES = ("fdatasync", "pwrite64", "sendto")
POINTS = 1 << 20 if FULL else 5  # of each sweep


class LostError(Exception):
    """The service did not answer, or said that it cannot now."""


def _heard(answer):
    if answer.status >= 500:
        assert (503, True) == (answer.status, "retry-after" in answer.headers), answer
        raise LostError
    return answer


@dataclass
class Holder:
    """Receives one credential, from the offer to the notification, and goes on where it was interrupted."""

    site: Any
    ledger: Any
    caller: Any = field(init=False)
    offer: Any = None
    token: Any = None
    response: Any = None
    done: bool = False
    tries: int = 0

    def __post_init__(self):
        self.caller = self.site.caller(dpop=True)

    def go_on(self):
        """Whether it came to its end."""
        self.tries += 1
        try:
            self.offer = self.offer or self._offered()
            self.token = self.token or self._redeemed()
            self.response = self.response or self._received()
            self._notify()
        except (LostError, TransportError, OSError):
            return False
        self.done = True
        return True

    def _offered(self):
        return self.site.offered(_heard(self.site.offering()))

    def _redeemed(self):
        """Where the answer was lost the code may be used up; then the person asks for another offer."""
        answer = self._redeeming()
        if error(answer) == "invalid_grant" and self.tries > 1:
            self.offer = self._offered()
            answer = self._redeeming()
        return TokenResponse.parse(answer.body)

    def _redeeming(self):
        answer = _heard(self.caller.redeem(self.offer))
        return _heard(self.caller.redeem(self.offer)) if error(answer) == "use_dpop_nonce" else answer

    def _received(self):
        """The same keys are proven again, with another nonce."""
        response = issued(_heard(self.caller.credential(self.token)))
        self.ledger.told.append(response.credentials)
        return response

    def _notify(self):
        body = NotificationRequest(notification_id=self.response.notification_id, event="credential_accepted")
        headers = self.caller.bearing(self.token, "/notification")
        assert 204 == _heard(self.caller.post("/notification", body.to_bytes(), headers)).status


@dataclass
class Customer:
    """Answers one request of the bank, and sees that the bank has read the verdict."""

    site: Any
    wallet: Any
    asked: Any = None
    sent: Any = None
    outcome: Any = None
    answered: bool = False

    def go_on(self):
        """Whether it came to its end."""
        try:
            self.asked = self.asked or self.site.request()
            self.sent = self.sent or self._answer()
            self.answered = self.answered or self._post()
            self.outcome = self._told()
        except (LostError, TransportError, OSError):
            return False
        return True

    def _told(self):
        """What has become of the request; asked again only when the bank may be."""
        while (answer := _heard(self.site.outcome(self.asked[0]))).status == 429:
            sleep(float(answer.headers["retry-after"]))
        return answer.document

    def _answer(self):
        request = self.wallet.open(self.asked[1])
        return oid4vp_response.answer(request, self.wallet.present(request, self.wallet.match(request.query)))

    def _post(self):
        """Heard, now or when it was sent before."""
        answer = _heard(self.site.sender()(self.sent))
        assert answer.status in {200, 400}, answer
        return True


# -- the points ------------------------------------------------------------------------------------------------


def _points(strace, site, walk, names=WRITES):
    """Every call of one undisturbed walk: its name, and its number among those of its thread.

    Which thread serves is chance: another walk may have it spread over more of them, and never come to the last ones.
    """
    (child,) = site.children.values()
    with strace.attached(child, f"trace={','.join(names)}"):
        assert walk.go_on()
    counts = Counter((thread, name) for thread, name, _ in strace.lines)
    most = {name: max((count for (_, of), count in counts.items() if of == name), default=0) for name in names}
    found = [(name, number) for name in names for number in range(1, most[name] + 1)]
    return found[:: max(1, len(found) // POINTS)]


def _killed(strace, site, walk, point):
    """Whether the service died at that call."""
    name, number = point
    (child,) = site.children.values()
    with strace.attached(child, f"trace={name}", f"inject={name}:signal=KILL:when={number}"):
        done = walk.go_on()
    if done and site.is_ready():
        return False
    child.wait()
    return True


@pytest.fixture
def wallet(issuer, town):
    """A wallet with many copies of a certificate."""
    issuer.start()
    wallet = Wallet(store=MemoryWalletStore(), trust=town.pki.trust_list(), send=Http(unsafe_loopback=True))
    for _ in range(12 if FULL else 1):
        wallet.accept(issuer.offer().uri, copies=10)
    return wallet


def test_an_issuer_killed_at_any_write_forgets_nothing(issuer, ledger, strace):
    """Every credential that was received is on record, once, and no token has two of them (F-01, I1 to I4)."""
    issuer.start()
    killed, points = 0, _points(strace, issuer, Holder(issuer, ledger))
    for point in points:
        holder = Holder(issuer, ledger)
        if _killed(strace, issuer, holder, point):
            killed += 1
            issuer.restart()
            assert holder.go_on(), point
        ledger.unknown = killed
        assert len(ledger.told) == ledger.check(), point

    assert killed > len(points) // 3
    assert ledger.check() == len(ledger.told) == 1 + len(points)


def test_what_was_undecided_is_given_up_after_a_minute(issuer, ledger, strace, tmp_path):
    """What was cut short between intent and completion counts as revoked from the first start a minute later (I4)."""
    child = issuer.start()
    holder = Holder(issuer, ledger)
    holder.offer = issuer.offer()
    holder.token = holder._redeemed()
    with strace.attached(child, "trace=fdatasync", "inject=fdatasync:signal=KILL:when=2"):  # that of the completion
        assert not holder.go_on()
    child.wait()
    clock = tmp_path / "clock"
    clock.write_text("120")
    before = ledger.stages()
    issuer.start(before=shifted(clock))
    after = ledger.stages()

    assert [0] == [*before.values()]
    assert [2] == [*after.values()]
    statuses = StatusToken.read(issuer.ask("GET", "/status/1").body).list
    assert [Status.REVOKED] == [statuses[entry] for entry in ledger.given()]


def test_a_bank_killed_at_any_write_keeps_what_it_was_told(bank, wallet, strace):
    """An answer that was sent is judged, once, whenever the service died (F-01, I3)."""
    bank.start()
    killed, points = 0, _points(strace, bank, Customer(bank, wallet))
    for point in points:
        customer = Customer(bank, wallet)
        if _killed(strace, bank, customer, point):
            killed += 1
            bank.restart()
            assert customer.go_on(), point
        assert ("answered", "accepted") == _told(customer.outcome), point

    assert killed > len(points) // 3


def _told(outcome):
    return outcome["status"], (outcome["verdict"] or {}).get("verdict")


# -- replies follow the disk -----------------------------------------------------------------------------------


def _synced(lines):
    """How often the log of a database was brought to the disk."""
    return sum(name == "fdatasync" and "-wal>" in rest for _, name, rest in lines)


def test_replies_of_the_issuer_follow_the_disk(issuer, ledger, strace):
    """Offer, token, credential, notification, suspension, revocation: each leaves after its transaction (F-04)."""
    child = issuer.start()
    holder = Holder(issuer, ledger)
    with strace.attached(child, "trace=fdatasync,pwrite64,sendto"):
        assert holder.go_on()
        id_ = holder.response.notification_id.partition(".")[0]
        for change in ("suspend", "resume", "revoke"):
            assert 204 == issuer.call("POST", f"/v1/certificates/{id_}/{change}", reason="a test").status

    assert [] == strace.early
    assert _synced(strace.lines) >= 7


def test_replies_of_the_bank_follow_the_disk(bank, wallet, strace):
    """A request, an answer, the claims that are read once: each leaves after its transaction (F-04)."""
    child = bank.start()
    customer = Customer(bank, wallet)
    with strace.attached(child, "trace=fdatasync,pwrite64,sendto"):
        assert customer.go_on()

    assert ("answered", "accepted") == _told(customer.outcome)
    assert [] == strace.early
    assert _synced(strace.lines) >= 4


# -- writes that fail ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", ["EIO", "ENOSPC"])
def test_a_write_that_fails_is_told_and_undone(issuer, ledger, strace, reason):
    """Whichever it is: 503, nothing half done, and the same process goes on when the disk does (F-06, I4)."""
    child = issuer.start()
    points = _points(strace, issuer, Holder(issuer, ledger), names=WRITES[:2])
    for name, number in points:
        holder = Holder(issuer, ledger)
        with strace.attached(child, f"trace={name}", f"inject={name}:error={reason}:when={number}"):
            holder.go_on()
        ledger.unknown += not holder.done
        assert issuer.is_ready(), (name, number)
        assert holder.done or holder.go_on(), (name, number)
        assert len(ledger.told) == ledger.check(), (name, number)

    assert ledger.unknown > len(points) // 3
    assert child.ended is None
    assert "Traceback" not in issuer.log
