"""A portal as a service of its own on this machine, and a person and a bank who take the whole road there.

A :class:`Visit` remembers what was answered, and goes on with the first step that was not: as a browser, a wallet and a
recipient do that got no answer and ask again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import unescape
from io import BytesIO
from pathlib import Path
from typing import Any, ClassVar, Final
from urllib.parse import urlencode

from ewallet.env import Env
from ewallet.errors import BindingError, NotFound, ProtocolError, TransportError
from ewallet.history import Believed, Entry, Log, key_of
from ewallet.history.audit import Finding, check_history, export
from ewallet.http import Http
from ewallet.keys import SigningKey
from ewallet.package import Package
from ewallet.portal.client import Asking, Granted, PortalClient
from ewallet.receipt import Receipt
from ewallet.sql import Database
from ewallet.testing import bank
from ewallet.testing.crowd import Answered
from ewallet.testing.nursery import Nursery
from ewallet.testing.sites import IssuerSite, Town
from ewallet.testing.stores import MemoryWalletStore
from ewallet.transactions import KNOWN
from ewallet.wallet import Wallet

CITIZEN: Final = "hong"
IDENTITY: Final = "mobile_resident_card"
_UNAVAILABLE: Final = 503
_FORM: Final = {"accept": "text/html", "content-type": "application/x-www-form-urlencoded"}


class LostError(Exception):
    """The service did not answer, or said that it cannot now."""


class PortalSite(IssuerSite):
    """An issuer's service that is a portal, where one bank is registered."""

    def __init__(self, nursery: Nursery, town: Town, folder: Path, *, database: str = "") -> None:
        super().__init__(nursery, town, folder, database=database)
        self.bank = bank.Bank.make(Env().now())
        self.settings = bank.portal(town.folder, self.bank)
        self.env = Env()

    def environment(self, port: int) -> Mapping[str, str]:
        return {**super().environment(port), **{f"EWALLET_{name}": value for name, value in self.settings.items()}}

    def client(self) -> PortalClient:
        """The bank."""
        back, signer = min(self.bank.recipient.redirect_uris), self.bank.key
        id_, send = self.bank.recipient.id, self.sender()
        return PortalClient(f"{self.address}/mydata", id_, signer=signer, redirect_uri=back, send=send, env=self.env)

    def wallet(self) -> Wallet:
        """A wallet with one identity of the person, in two copies."""
        trust = self.town.pki.trust_list()
        send = Http(unsafe_loopback=True)
        wallet = Wallet(store=MemoryWalletStore(), trust=trust, send=send, transaction_types=KNOWN)
        wallet.accept(self.offer(IDENTITY).uri, copies=10)
        return wallet

    def entries(self) -> list[str]:
        """The types of all entries of the log, in their order."""
        database = Database(self.database)
        try:
            return [Entry.read(raw).event.type for raw in database.history.entries(0, 10_000)]
        finally:
            database.close()

    def finding(self) -> Finding | None:
        """The first thing that is wrong with the log: a place, a hash, a checkpoint that is no beginning of it."""
        key, database = SigningKey.load(self.file.with_name("log.key")), Database(self.database)
        log, file = Log(f"{self.host}/mydata/log", key, database.history), BytesIO()
        try:
            export(log, file)
        finally:
            database.close()
        file.seek(0)
        return check_history(file, Believed(log=(key_of(log.origin, key.public),))).finding


@dataclass
class Visit:
    """One consent from the request to the deletion; ``consents`` counts those that were begun.

    ``interrupted`` is the last step that got no answer.
    """

    STEPS: ClassVar[tuple[str, ...]] = (
        "cookie",
        "asking",
        "address",
        "confirmed",
        "way",
        "back",
        "granted",
        "package",
        "signed",
        "withdrawn",
        "erased",
    )

    site: PortalSite
    wallet: Wallet
    heard: dict[str, Any] = field(default_factory=dict)
    consents: int = 1
    interrupted: str = ""

    def go_on(self, until: str = "") -> bool:
        """Whether it came to its end, or to that of a step."""
        steps = self.STEPS
        try:
            for step in steps[: steps.index(until or steps[-1]) + 1]:
                if step not in self.heard:
                    self.heard[step] = getattr(self, f"_{step}")()
        except (LostError, TransportError, OSError):
            self.interrupted = step
            return False
        except ProtocolError as exc:
            if exc.status != _UNAVAILABLE:
                raise
            self.interrupted = step
            return False
        return True

    # -- the steps ---------------------------------------------------------------------------------------------

    def _cookie(self) -> str:
        return self._sent("/sign-in", citizen=CITIZEN).headers["set-cookie"].partition(";")[0]

    def _asking(self) -> Asking:
        return self.site.client().ask("bank_personal_loan", days=30)

    def _address(self) -> str:
        page = self._page(self.heard["asking"].url.removeprefix(self.site.address))
        hidden = dict(re.findall(r'<input type="hidden" name="(client_id|request_uri)" value="([^"]+)"', page))
        return self._sent("/mydata/authorize", csrf=_csrf(page), **hidden).headers["location"]

    def _confirmed(self) -> str:
        """By the wallet; where its answer was heard and only the reply was lost, that is said."""
        page = self._page(self.heard["address"])
        links = re.findall(r'<a class="button" href="(openid4vp:[^"]+)"', page)
        try:
            request = self.wallet.open(unescape(links[0]))
            self.wallet.answer(request, self.wallet.match(request.query))
        except (BindingError, NotFound, ProtocolError, TransportError) as exc:
            if self.interrupted != "confirmed" or getattr(exc, "status", 0) == _UNAVAILABLE:
                raise
            return exc.code  # if it was not heard the first time, the next step says so
        return "accepted"

    def _way(self) -> str:
        page = self._sent(self.heard["address"], csrf=_csrf(self._page(self.heard["address"]))).body.decode()
        found = re.findall(r'<a class="button" href="([^"]+/return)"', page)
        assert found, page
        return str(found[0])

    def _back(self) -> str:
        answer = self._heard(self.site.ask("GET", self.heard["way"], headers=self._headers))
        assert answer.status == 303, answer
        return str(answer.headers["location"])

    def _granted(self) -> Granted:
        """Where the answer was lost the code is used up: then the bank begins anew, and the person consents again."""
        try:
            return self.site.client().token(self.heard["asking"], self.heard["back"])
        except ProtocolError as exc:
            if (exc.error, self.interrupted) != ("invalid_grant", "granted"):
                raise
        self.consents += 1
        for step in ("asking", "address", "confirmed", "way", "back"):
            del self.heard[step]
        for step in ("asking", "address", "confirmed", "way", "back", "granted"):
            self.heard[step] = getattr(self, f"_{step}")()
        granted: Granted = self.heard["granted"]
        return granted

    def _package(self) -> Package:
        """The same one as often as it is asked for."""
        package, again = self._downloaded(), self._downloaded()
        assert package.to_bytes() == again.to_bytes()
        return package

    def _signed(self) -> str:
        """What the bank signed for the package, which the person has in the receipt; until then it is not heard."""
        granted = self.heard["granted"]
        signed = self.site.client().take(granted).receipt
        if signed is None:
            raise LostError
        receipt = Receipt.parse(self._page(f"/my/consents/{granted.consent_id}/receipt"))
        assert receipt.taken == (signed,)
        return signed

    def _withdrawn(self) -> int:
        page = self._page("/my/consents")
        path = f"/my/consents/{self.heard['granted'].consent_id}/withdraw"
        return self._sent(path, csrf=_csrf(page)).status

    def _erased(self) -> int:
        page = self._sent("/my/data/erase", csrf=_csrf(self._page("/my/data")), sure="on")
        assert page.status == 200, page
        return page.status

    # -- how ---------------------------------------------------------------------------------------------------

    def exported(self, format_id: str) -> bytes:
        """The person's own data, as a file."""
        page = self._page("/my/data")
        return self._sent("/my/data/export", csrf=_csrf(page), format=format_id).body

    def stopped(self) -> int:
        """That recipient gets nothing more under what was given so far."""
        page = self._page("/my/consents")
        return self._sent("/my/recipients/stop", csrf=_csrf(page), recipient=self.site.bank.recipient.id).status

    def _downloaded(self) -> Package:
        return self.site.client().package(self.heard["granted"])

    @property
    def _headers(self) -> Mapping[str, str]:
        return {**_FORM, "cookie": self.heard.get("cookie", "")}

    def _page(self, path: str) -> str:
        return self._heard(self.site.ask("GET", path, headers=self._headers)).body.decode()

    def _sent(self, path: str, **form: str) -> Answered:
        return self._heard(self.site.ask("POST", path, headers=self._headers, body=urlencode(form).encode()))

    def _heard(self, answer: Answered) -> Answered:
        if answer.status >= 500:
            assert (answer.status, "retry-after" in answer.headers) == (_UNAVAILABLE, True), answer
            raise LostError
        assert answer.status < 400, answer
        return answer


def _csrf(page: str) -> str:
    return str(re.findall(r'name="csrf" value="([^"]+)"', page)[0])
