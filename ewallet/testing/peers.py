"""An issuer and a bank over the wire, in memory: what the tests of a wallet talk to.

Both are the real roles behind the network of a kit, honest until an answer of theirs is spoiled::

    issuer = IssuerPeer(ewallet_kit)
    ewallet_kit.wallet.accept(issuer.offer("resident_register_copy"))

    bank = VerifierPeer(ewallet_kit)
    request = ewallet_kit.wallet.open(bank.ask(query))
    ewallet_kit.wallet.answer(request, ewallet_kit.wallet.match(request.query))
    assert isinstance(bank.verdict(), Accepted)

    issuer.spoil["/nonce"] = lambda request, response: Response(500)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

from ewallet.authorization import Offered
from ewallet.dcql import Query
from ewallet.errors import EWalletError, NotFound, ProtocolError
from ewallet.exchange import Asked, Exchange, Outcome
from ewallet.flow import Request, Response
from ewallet.issuance import Issuance
from ewallet.jose import new_encryption_key
from ewallet.oauth import ErrorResponse
from ewallet.oid4vp.request import MEDIA_TYPE, Fetch
from ewallet.testing.issuance import MemoryIssuanceStore, SampleRecords
from ewallet.testing.kit import PURPOSE, SUBJECT, Kit
from ewallet.testing.pki import VERIFIER
from ewallet.testing.stores import MemoryVerifierStore

#: Given a request and the honest answer: what is answered instead.
Spoil = Callable[[Request, Response], Response]

_JSON: Final = {"content-type": "application/json"}


class _Spoilt:
    """A host whose answers can be spoiled by the first part of their path, or by the whole of it."""

    def __init__(self, host: Callable[[Request], Response]) -> None:
        self._host = host
        self.spoil: dict[str, Spoil] = {}

    def __call__(self, request: Request) -> Response:
        """The honest answer, or what is made of it."""
        path, response = urlsplit(request.url).path, self._host(request)
        spoil = self.spoil.get(path) or self.spoil.get(f"/{path.split('/')[1]}")
        return spoil(request, response) if spoil else response


class IssuerPeer:
    """The kit's issuer, with its endpoints; the person of every offer is :data:`ewallet.testing.kit.SUBJECT`.

    ``records`` are those of :class:`ewallet.testing.issuance.SampleRecords`, ``store`` lists what wallets told.
    ``spoil`` has functions by path (``/token``, ``/.well-known/openid-credential-issuer``).
    """

    def __init__(self, kit: Kit, *, encrypted: bool = False, batch_size: int = 10) -> None:
        self.records = SampleRecords(kit.catalog)
        self.store = MemoryIssuanceStore(kit.issuer_store)
        self.issuance = Issuance(
            kit.issuer,
            records=self.records,
            store=self.store,
            env=kit.env,
            encryption_keys=[new_encryption_key()] if encrypted else [],
            require_encryption=encrypted,
            batch_size=batch_size,
        )
        self._host = _Spoilt(self.issuance)
        self.spoil = self._host.spoil
        kit.network.route(f"{kit.issuer.identifier}/", self._host)

    def offer(self, *type_ids: str) -> str:
        """The link of an offer by value, without a further code."""
        return self.offered(*type_ids).offer.uri

    def offered(self, *type_ids: str, tx_code: bool = False) -> Offered:
        """An offer by value and by reference, with its further code."""
        return self.issuance.offer(*type_ids, subject=SUBJECT, tx_code=tx_code)


class VerifierPeer:
    """The kit's verifier, asking over the wire under the certificate of the kit's PKI; ``spoil`` as in the issuer's."""

    def __init__(self, kit: Kit) -> None:
        store = MemoryVerifierStore()
        self.exchange = Exchange(VERIFIER, verifier=kit.verifier, signer=kit.pki.verifier, store=store, env=kit.env)
        self.asked: list[Asked] = []
        self._host = _Spoilt(bank_host(self.exchange))
        self.spoil = self._host.spoil
        kit.network.route(f"{VERIFIER}/", self._host)

    def ask(self, query: Query, **options: Any) -> str:
        """The link to a request; options are those of :meth:`ewallet.exchange.Exchange.ask`."""
        self.asked.append(self.exchange.ask(query, **{"purpose": PURPOSE, **options}))
        return self.asked[-1].link

    def verdict(self) -> Outcome:
        """What became of the last request; claims are in it once."""
        return self.exchange.verdict(self.asked[-1].id)


def bank_host(exchange: Exchange) -> Callable[[Request], Response]:
    """The wallet's addresses of an exchange, as its service has them."""

    def answer(request: Request) -> Response:
        _, place, handle = urlsplit(request.url).path.split("/")
        try:
            if place == "request":
                fetch = Fetch.parse(request.body) if request.method == "POST" else None
                compact = exchange.request_object(handle, fetch)
                return Response(200, {"content-type": MEDIA_TYPE}, compact.encode("ascii"))
            return Response(200, _JSON, exchange.respond(handle, request.body))
        except NotFound:
            return Response(404)
        except EWalletError as exc:
            status, error = (exc.status, exc.error) if isinstance(exc, ProtocolError) else (400, "invalid_request")
            return Response(status, _JSON, ErrorResponse(error=error).to_bytes())

    return answer
