"""Revocation lists as a verifier keeps them: fetched when due, believed when signed, never older than one seen.

Section numbers are those of RFC 5280.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from hashlib import sha256
from itertools import pairwise
from typing import Final, Protocol

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from ewallet.annex_b import crl_uri
from ewallet.crl import Crl, unknown
from ewallet.errors import Malformed, TransportError, TrustError
from ewallet.flow import Flow, Request
from ewallet.policy import StatusFresh
from ewallet.profile import by_class
from ewallet.shape import MAX_CRL
from ewallet.trust import TrustPath

_REMEMBERED: Final = 64  # lists in memory, each up to a megabyte but usually some hundred bytes
_ACCEPT: Final[Mapping[str, str]] = {"accept": "application/pkix-crl, application/pem-certificate-chain, */*"}


class CrlStore(Protocol):
    """Where lists outlive the process. Every method is one transaction, on disk when it returns."""

    def crl(self, authority: bytes) -> bytes | None:
        """The newest list kept of that authority, by the digest of its certificate."""

    def put_crl(self, authority: bytes, raw: bytes, number: int) -> bool:
        """Keep a list, unless one of a higher number, or another of the same, is kept; whether it is kept now."""


class Crls:
    """The lists a verifier has seen, in memory and in its store."""

    def __init__(self, store: CrlStore) -> None:
        self._store = store
        self._lists: dict[bytes, Crl] = {}
        self._looked: dict[bytes, datetime] = {}
        self._given: list[Crl] = []

    def check(self, path: TrustPath, fresh: StatusFresh, at: datetime) -> Flow[None]:
        """Return if no certificate below the anchor is revoked, where the anchor says that lists tell.

        Raises ``trust.cert_revoked``, ``trust.revocation_unknown``.
        """
        if not path.anchor.crl:
            return
        for presented, authority in pairwise(path.certificates):
            crl = yield from self._current(presented, authority, fresh, at)
            crl.check_current(at, stale_for=fresh.stale_for)
            crl.check(presented)

    def put(self, raw: bytes, at: datetime) -> None:
        """Take a list that was not fetched here; who signed it is checked when it is used.

        Raises ``trust.revocation_unknown``.
        """
        crl = Crl.read(raw)
        crl.check_issued(at)
        self._given = [*self._given[1 - _REMEMBERED :], crl]

    def _current(
        self, presented: x509.Certificate, authority: x509.Certificate, fresh: StatusFresh, at: datetime
    ) -> Flow[Crl]:
        """The list to judge by: the one at hand, unless it is time to look for a newer one and there is one."""
        id_ = sha256(authority.public_bytes(Encoding.DER)).digest()
        self._take_given(id_, authority, at)
        held = self._held(id_, authority)
        if held and at < held.until and at - self._looked.get(id_, held.since) < fresh.max_age:
            return held
        try:
            return (yield from self._fetched(id_, presented, authority, at))
        except TrustError:
            if held:  # what somebody else answers takes nothing away from it
                return held
            raise

    def _fetched(self, id_: bytes, presented: x509.Certificate, authority: x509.Certificate, at: datetime) -> Flow[Crl]:
        """§4.2.1.13: the list at the address that the certificate names."""
        points = by_class(presented.extensions).get(x509.CRLDistributionPoints)
        uri = crl_uri(points) if points else None
        if uri is None:
            unknown("no revocation list at hand, and none address of one")
        try:
            response = yield Request("GET", uri, _ACCEPT, limit=MAX_CRL, signed=True)
        except (TransportError, Malformed) as exc:
            unknown(f"no revocation list: {exc}")
        if response.status != 200:
            unknown(f"the revocation list came with http status {response.status}")
        crl = self._remember(id_, Crl.read(response.body), authority, at)
        self._looked[id_] = at
        return crl

    def _take_given(self, id_: bytes, authority: x509.Certificate, at: datetime) -> None:
        """Remember what was given of that authority; a list older than one seen falls away."""
        for crl in [crl for crl in self._given if crl.issuer == authority.subject]:
            with suppress(TrustError):
                crl.check_signature(authority)
                self._given = [other for other in self._given if other is not crl]
                self._remember(id_, crl, authority, at)
                self._looked[id_] = at

    def _held(self, id_: bytes, authority: x509.Certificate) -> Crl | None:
        if id_ in self._lists:
            return self._lists[id_]
        raw = self._store.crl(id_)
        if raw is None:
            return None
        try:
            crl = Crl.read(raw)
            crl.check_signature(authority)
        except TrustError:
            return None
        return self._cached(id_, crl)

    def _remember(self, id_: bytes, crl: Crl, authority: x509.Certificate, at: datetime) -> Crl:
        """Keep a list that came, if it is signed and not older than one seen; one of the future is not kept."""
        crl.check_signature(authority)
        crl.check_issued(at)
        if not self._store.put_crl(id_, crl.raw, crl.number):
            self._lists.pop(id_, None)  # another process has seen a newer one
            unknown("a revocation list older than one seen before")
        return self._cached(id_, crl)

    def _cached(self, id_: bytes, crl: Crl) -> Crl:
        if len(self._lists) >= _REMEMBERED:
            self._lists.clear()
        self._lists[id_] = crl
        return crl
