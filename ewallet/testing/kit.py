"""Issuer, wallet and verifier of one example, in memory, with a clock that stands still.

kit = Kit.make()
received = kit.issue("resident_register_copy")
presented = kit.present(kit.query("resident_register_copy", ["resident_address", "is_householder"]))
verdict = kit.verify(presented)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Final, NamedTuple

from ewallet.catalog import Catalog
from ewallet.credential import Binding, Claims, Path
from ewallet.dcql import Query
from ewallet.env import Env
from ewallet.errors import NotFound
from ewallet.expectation import Expectation
from ewallet.flow import Request, Response, Send
from ewallet.holding import WalletStore
from ewallet.issuance import Issuance
from ewallet.issuer import Issuer, IssuerStore
from ewallet.oid4vp import AuthorizationRequest, VpToken, vp_token_bytes
from ewallet.policy import Policy, StatusFresh
from ewallet.status import MEDIA_TYPE
from ewallet.testing.clock import Clock
from ewallet.testing.issuance import MemoryIssuanceStore, SampleRecords
from ewallet.testing.network import Network
from ewallet.testing.pki import ISSUER, Pki
from ewallet.testing.stores import MemoryIssuerStore, MemoryVerifierStore, MemoryWalletStore
from ewallet.verdict import Verdict
from ewallet.verifier import Verifier, VerifierStore
from ewallet.wallet import Document, Wallet

CLIENT_ID: Final = "x509_san_dns:bank.example"
SUBJECT: Final = "citizen-1"
NAMES: Final = {"ko": "가상 발급기관", "en": "Invented Issuer"}
PURPOSE: Final = "가상 대출 심사"
_LIST_SIZE: Final = 1 << 12  # a small list: a test reads many
_FRESH: Final = StatusFresh()


class Presented(NamedTuple):
    """An answer and the request it answers, in the order in which :meth:`Kit.verify` takes them."""

    token: VpToken
    request: AuthorizationRequest

    @property
    def presentation(self) -> str:
        """The only presentation of the answer."""
        ((only,),) = self.token.values()
        return only


@cache
def _bundled() -> Catalog:
    """The bundled catalogue, read once for however many kits."""
    return Catalog.bundled()


@dataclass(frozen=True, kw_only=True)
class Kit:
    """One of each, trusting the same PKI; ``network`` leads to the issuer and counts."""

    clock: Clock
    env: Env
    pki: Pki
    catalog: Catalog
    network: Network
    issuer: Issuer
    issuer_store: IssuerStore
    wallet: Wallet
    wallet_store: WalletStore
    verifier: Verifier
    verifier_store: VerifierStore
    issuance: Issuance
    records: SampleRecords
    _issued: dict[str, str] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def make(
        cls,
        *,
        clock: Clock | None = None,
        catalog: Catalog | None = None,
        issuer_store: IssuerStore | None = None,
        wallet_store: WalletStore | None = None,
        verifier_store: VerifierStore | None = None,
    ) -> Kit:
        """A fresh kit; stores are in memory unless others are given."""
        clock, catalog = clock or Clock(), catalog or _bundled()
        issuer_store = issuer_store or MemoryIssuerStore()
        wallet_store = wallet_store or MemoryWalletStore()
        verifier_store = verifier_store or MemoryVerifierStore()
        env, network = clock.env(), Network()
        pki = Pki.make(at=clock.now(), random=clock.env("pki").random)
        trust = pki.trust_list()
        issuer = Issuer(
            ISSUER,
            signers=pki.signers,
            status_signer=pki.status_signer,
            catalog=catalog,
            store=issuer_store,
            env=env,
            list_size=_LIST_SIZE,
        )
        records = SampleRecords(catalog)
        issuance = Issuance(issuer, records=records, store=MemoryIssuanceStore(issuer_store), env=env, names=NAMES)
        network.route(f"{ISSUER}/", issuance)
        network.route(f"{ISSUER}/status/", status_host(issuer))
        return cls(
            clock=clock,
            env=env,
            pki=pki,
            catalog=catalog,
            network=network,
            issuer=issuer,
            issuer_store=issuer_store,
            wallet=Wallet(store=wallet_store, trust=trust, send=network, catalog=catalog, env=env),
            wallet_store=wallet_store,
            verifier=Verifier(CLIENT_ID, trust=trust, store=verifier_store, send=network, env=env),
            verifier_store=verifier_store,
            issuance=issuance,
            records=records,
        )

    def issue(
        self,
        type_id: str,
        *,
        claims: Claims | None = None,
        copies: int = 1,
        subject: str = SUBJECT,
        format_id: str = "dc+sd-jwt",
    ) -> Document:
        """A certificate of that kind, about the sample's people unless claims are given, received by the wallet."""
        issued = self.issuer.issue(
            type_id,
            self.catalog.type(type_id).sample if claims is None else claims,
            subject=subject,
            holders=self.wallet.new_keys(copies),
            format_id=format_id,
        )
        document = self.wallet.put(issued.credentials)
        self._issued[document.id] = issued.certificate.id
        return document

    def certificate_id(self, document: Document) -> str:
        """The identifier under which the issuer revokes what the wallet holds."""
        return self._issued[document.id]

    def query(self, type_id: str, claims: Iterable[str | Path]) -> Query:
        """Those claims of that kind."""
        return Query.for_type(self.catalog.type(type_id), claims)

    def present(self, query: Query, *, expected: Expectation | None = None) -> Presented:
        """The wallet's answer to a fresh request of the verifier: the least that satisfies it."""
        return self.answer(
            self.verifier.ask(query, purpose=PURPOSE, verifier_info=[expected.info()] if expected else [])
        )

    def answer(self, request: AuthorizationRequest) -> Presented:
        """The wallet's answer to a request."""
        answer = self.wallet.match(request.query, expected=Expectation.of(request))
        return Presented(self.wallet.present(request, answer), request)

    def verify(
        self,
        presented: VpToken | str | bytes,
        request: AuthorizationRequest | Binding | None,
        *,
        by: Verifier | None = None,
    ) -> Verdict:
        """The verdict of the kit's verifier, or of another, on an answer or on one presentation."""
        raw = vp_token_bytes(presented) if isinstance(presented, Mapping) else presented
        return (by or self.verifier).verify(raw, request)

    def another_verifier(
        self,
        client_id: str = CLIENT_ID,
        *,
        send: Send | None = None,
        policy: Policy | None = None,
        status: StatusFresh | None = _FRESH,
        drop_extra: bool = False,
    ) -> Verifier:
        """A verifier with a memory of its own and other terms; it trusts the same list."""
        return Verifier(
            client_id,
            trust=self.pki.trust_list(),
            store=MemoryVerifierStore(),
            send=send or self.network,
            policy=policy,
            status=status,
            drop_extra=drop_extra,
            env=self.env,
        )


def status_host(issuer: Issuer) -> Send:
    """The issuer's status lists, as its service publishes them."""

    def answer(request: Request) -> Response:
        try:
            token = issuer.status_token(request.url)
        except NotFound:
            return Response(404)
        return Response(200, {"content-type": MEDIA_TYPE}, token.encode("ascii"))

    return answer
