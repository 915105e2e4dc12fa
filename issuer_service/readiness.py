"""Whether a service can do its work, for whoever decides if anybody is sent to it: databases, status lists, log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from ewallet.errors import EWalletError, StatusError, StoreError
from ewallet.flow import Request
from ewallet.keys import SigningKey
from ewallet.shape import certificate
from ewallet.status import StatusToken
from issuer_service.mydata import MyDataDesk
from issuer_service.service import Service


class Readiness:
    """What ``/readyz`` looks at; ``desk`` where the service is a portal."""

    def __init__(self, service: Service, desk: MyDataDesk | None = None) -> None:
        self._service = service
        self._desk = desk
        self._believed = ""

    def check(self) -> None:
        """Return if nothing is in the way; ``storage.unavailable`` with the code of what is, or ``storage.*``."""
        self._service.database.ready()
        with _in_the_way():
            self._check_signer(self._service.status_signer, self._service.env.now())
            self._check_list()
        if self._desk:
            self._desk.keys.ready()  # of people, which must be had and kept
            with _in_the_way():
                self._desk.log.check()

    @staticmethod
    def _check_signer(signer: SigningKey, at: datetime) -> None:
        """Nobody believes a list whose signer's certificate is over, and nothing that was issued is accepted then."""
        if signer.chain and certificate(signer.chain[0]).not_valid_after_utc <= at:
            raise StatusError("status.token_invalid", "the certificate of the signer of status lists has expired")

    def _check_list(self) -> None:
        """The newest of our lists as everybody gets it: signed anew only if that is due, and verified once."""
        own = f"{self._service.settings.issuer}/status/"
        for uri in [each for each in self._service.issuer.status_lists() if each.startswith(own)][-1:]:
            answer = self._service.issuance.status_list(uri.rpartition("/")[2], Request("GET", uri))
            if answer.headers["etag"] != self._believed:
                StatusToken.read(answer.body).check_signature(self._service.status_signer.public)
                self._believed = answer.headers["etag"]


@contextmanager
def _in_the_way() -> Iterator[None]:
    try:
        yield
    except StoreError:
        raise
    except EWalletError as exc:
        raise StoreError("storage.unavailable", exc.code) from None
