"""An answer leaves when what it says is on disk, at every address of issuer and portal that changes anything (F-04).

One long conversation with a real service, which ``strace`` watches. That no address is left out is read off the
routes of the service itself: an address that is new is asked for here, too, or this test fails.
"""

from __future__ import annotations

import re
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256
from time import sleep
from typing import Any

import pytest
from fastapi.routing import APIRoute
from prometheus_client import CollectorRegistry

from ewallet import jose
from ewallet.oid4vci import DeferredRequest, NotificationRequest
from ewallet.oid4vci.offer import parse_link
from ewallet.testing.caller import KIND, issued, promised
from ewallet.testing.visit import CITIZEN, PortalSite, Visit
from issuer_service import settings
from issuer_service.app import framework
from issuer_service.mydata import MyDataDesk
from issuer_service.service import Service

pytestmark = [pytest.mark.loopback, pytest.mark.sweep]

LATE = "local_tax_payment_certificate"  # the kind of which the records of this service know nothing at first
RECORDS = f"""
from datetime import timedelta
from ewallet.records import Pending
from issuer_service.records.demo import DemoRecords
known, asked = DemoRecords.claims, set()
def claims(self, subject, type_id):
    if type_id == {LATE!r} and type_id not in asked:
        asked.add(type_id)
        return Pending(timedelta(seconds=1))
    return known(self, subject, type_id)
DemoRecords.claims = claims
"""
KEY = "the-key-of-an-invented-chief"
RIGHTS = "offer read status mandate register"
CAUSE = {"reason": "가상 사유"}
WARDED = {"guardian": "seong", "ward": "sim", "types": ["resident_register_abstract"]}
MANDATED = {
    "subject": "sim",
    "types": ["resident_register_abstract"],
    "official": "김가상",
    "office": "가상특별시 예시구청",
    "identified": "주민등록증과 얼굴",
    "law": "민원 처리에 관한 법률 제10조",
    "case": "2026-가상-0001",
    "recipient": "x509_san_dns:bank.example",
    "hours": 4,
}


class Watched(PortalSite):
    """A portal whose recipients are in its database; ``heard`` are the requests that were answered with a yes."""

    def __init__(self, *given):
        super().__init__(*given)
        known, operators = (self.town.folder / "operators").read_text("utf-8"), self.folder / "operators"
        operators.write_text(f"{known}{sha256(KEY.encode()).hexdigest()} chief {RIGHTS}\n", "utf-8")
        self.settings = {**self.settings, "OPERATORS": str(operators), "RECIPIENTS": "database"}
        self.heard = set()

    def ask(self, method, path, **said):
        answer = super().ask(method, path, **said)
        if 200 <= answer.status < 400:
            self.heard.add((method, path.partition("?")[0]))
        return answer

    def wallet(self):
        wallet = super().wallet()
        wallet._send = self.sender()
        return wallet

    def chief(self, method, path, **body):
        """A call of an operator who may do everything; what it brings."""
        headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
        answer = self.ask(method, path, body=jose.to_json(body) if body else b"", headers=headers)
        assert answer.status < 300, answer
        return answer.document if answer.body else None

    def changing(self):
        """Every address that this service has and that is not merely read: method, and what its paths look like."""
        told = {name.removeprefix("EWALLET_").lower(): value for name, value in self.environment(0).items()}
        service = Service.of(settings.read(told | {"unsafe_loopback": True}))
        desk = MyDataDesk.of(service)
        assert desk
        with closing(service.database), closing(desk.keys):
            found = [*_routes(framework(service, CollectorRegistry(), desk))]
            return {(method, route.path_regex) for route in found for method in {*(route.methods or ())} - {"GET"}}


def _routes(router):
    """Those of a router and of all that it has included."""
    for route in router.routes:
        if isinstance(route, APIRoute):
            yield route
        elif hasattr(route, "original_router"):
            yield from _routes(route.original_router)


@dataclass
class Clerks:
    """What operators do."""

    site: Any

    def registers(self):
        """A recipient, suspended and resumed."""
        bank = self.site.bank.recipient
        said = {name: value for name, value in bank.to_json().items() if name not in {"id", "suspended"}}
        said |= {"bundles": ["bank_personal_loan"], "until": bank.until.isoformat(), **CAUSE}
        self.site.chief("PUT", f"/v1/recipients/{bank.id}", **said)
        for change in ("suspend", "resume"):
            self.site.chief("POST", f"/v1/recipients/{bank.id}/{change}", **CAUSE)

    def offers(self):
        """One that is withdrawn, one for a guardian and one for an official, which are revoked."""
        made = self.site.chief("POST", "/v1/offers", subject=CITIZEN, types=[KIND])
        self.site.chief("DELETE", f"/v1/offers/{made['handle']}")
        self.site.chief("POST", "/v1/guardians", **WARDED)
        acting = self.site.chief("POST", "/v1/mandates", **MANDATED)
        self.site.chief("POST", "/v1/mandates/revoke", subject=acting["subject"], **CAUSE)

    def changes(self, id_):
        """The status of a certificate, until it is revoked."""
        for change in ("suspend", "resume", "revoke"):
            self.site.chief("POST", f"/v1/certificates/{id_}/{change}", **CAUSE)

    def checks(self):
        """A number that no document has."""
        asked = {"document_number": "0000-1111-2222-3333", "name": "홍길동"}
        assert {"match": False} == self.site.chief("POST", "/v1/documents/check", **asked)


@dataclass
class Person(Visit):
    """All that somebody does at the pages, besides a visit."""

    def uses_pages(self):
        """Offers, paper, a certificate that is given up, a document that is looked up."""
        assert self.go_on("cookie")
        csrf = self._csrf("/")
        self._sent(f"/kinds/{KIND}/offer", csrf=csrf)
        self._sent("/eligibility/public_facility_discount/offer", csrf=csrf)
        self._sent(f"/kinds/{KIND}/paper", csrf=csrf, shape="text", recipient="가상은행", purpose="가상 심사")
        (certificate, *_) = re.findall(r'action="(/my/certificates/[^"]+/revoke)"', self._page("/my/certificates"))
        self._sent(certificate, csrf=csrf, reason="lost")
        self._sent("/documents", number="0000-1111-2222-3333", name="홍길동")

    def says_no(self):
        """To a request of the bank."""
        asking = self.site.client().ask("bank_personal_loan", days=30)
        page = self._page(asking.url.removeprefix(self.site.address))
        hidden = dict(re.findall(r'<input type="hidden" name="(client_id|request_uri)" value="([^"]+)"', page))
        self._sent("/mydata/refuse", csrf=_token(page), **hidden)

    def leaves(self):
        """With the data; the recipient is stopped and hears of it; all is deleted, and the session ends."""
        assert self.go_on("signed"), self.site.log
        self.exported("json")
        self.stopped()
        assert self.site.client().messages()
        assert self.go_on(), self.site.log
        self._sent("/sign-out", csrf=self._csrf("/"))

    def _csrf(self, path):
        return _token(self._page(path))


def _token(page):
    return str(re.findall(r'name="csrf" value="([^"]+)"', page)[0])


def _collected(site):
    """A wallet gets what is issued later, and says that it came; the identifier of the certificate."""
    caller = site.caller(dpop=True)
    made = site.chief("POST", "/v1/offers", subject=CITIZEN, types=[LATE])
    token = caller.token(parse_link(made["uri"], loopback=True))
    later = promised(caller.credential(token, kind=LATE))
    sleep(later.interval)
    body = DeferredRequest(transaction_id=later.transaction_id).to_bytes()
    response = issued(caller.post("/deferred", body, caller.bearing(token, "/deferred")))
    id_ = response.notification_id or ""
    said = NotificationRequest(notification_id=id_, event="credential_accepted").to_bytes()
    assert 204 == caller.post("/notification", said, caller.bearing(token, "/notification")).status
    return id_.partition(".")[0]


def test_every_answer_that_changes_something_follows_the_disk(nursery, town, tmp_path, strace):
    """Wallets, people, recipients and operators, at all addresses; none is told of what is not on disk."""
    with closing(Watched(nursery, town, tmp_path)) as site:
        child, clerks = site.start(before=RECORDS), Clerks(site)
        with strace.attached(child, "trace=fdatasync,pwrite64,sendto"):
            clerks.registers()
            clerks.offers()
            clerks.checks()
            clerks.changes(_collected(site))
            person = Person(site, site.wallet())
            person.uses_pages()
            person.says_no()
            person.leaves()
        changing = site.changing()
        unasked = {
            (method, path.pattern)
            for method, path in changing
            if not any(method == asked and path.match(where) for asked, where in site.heard)
        }

        assert len(changing) > 30
        assert set() == unasked, "an address that changes something, and that nobody has asked for here"
        assert [] == strace.early
        assert sum(name == "fdatasync" for _, name, _ in strace.lines) > len(site.heard)


EARLY = {
    "the answer after the sync": (["pwrite64 a", "fdatasync a", "sendto"], 0),
    "the answer before the sync": (["pwrite64 a", "sendto", "fdatasync a"], 1),
    "the sync of another database": (["pwrite64 a", "pwrite64 b", "fdatasync b", "sendto", "fdatasync a"], 1),
    "nothing to be synced": (["sendto"], 0),
    "no sync at all": (["pwrite64 a", "sendto", "sendto"], 2),
}


@pytest.mark.parametrize(("calls", "wanted"), EARLY.values(), ids=EARLY)
def test_the_watcher_sees_an_answer_that_leaves_too_early(early_of, calls, wanted):
    """And none that waited for its own database, whatever another one has brought to the disk."""
    lines = [
        ("1", name, f"5</data/{which}.db-wal>, ..." if which else '7<socket:[1]>, "HTTP/1.1 200 OK"')
        for name, _, which in (call.partition(" ") for call in calls)
    ]

    assert wanted == len(early_of(lines))
