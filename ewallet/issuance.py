"""The issuing endpoints: what a wallet asks of an issuer over HTTP, without the HTTP (OpenID4VCI 1.0, Status List).

Requests and responses are values of :mod:`ewallet.flow`, so that a web framework only carries them. Addresses come from
the issuer's identifier and never from a request. Section numbers are those of OpenID4VCI 1.0.

What is certified is read from the records when a credential is issued: neither whoever makes an offer nor the wallet
has a say in it. A token is good for one certificate of each configuration. A wallet that got no answer proves its keys
again and gets the same one, which is kept for that, sealed with the token, as long as the token is good.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property, partial
from hashlib import sha256
from typing import Final, NoReturn, Protocol
from urllib.parse import unquote

from ewallet import jose
from ewallet.authorization import (
    LATE,
    AuthorizationServer,
    AuthorizationStore,
    Authorized,
    Offered,
    check_media_type,
    refusal,
    values,
)
from ewallet.catalog.eligibility import Rule, kind_of, offered
from ewallet.credential import Claims
from ewallet.env import Env
from ewallet.errors import NotFound, ProtocolError, Restricted, UsageError
from ewallet.flow import Request, Response
from ewallet.issuer import MAX_COPIES, Issued, Issuer
from ewallet.keys import PublicKey
from ewallet.links import path_of, well_known
from ewallet.oid4vci import (
    CredentialRequest,
    CredentialResponse,
    DeferredRequest,
    DeferredResponse,
    NotificationRequest,
    nonce_response,
    open_request,
)
from ewallet.oid4vci.metadata import (
    AUTHORIZATION_SERVER,
    ISSUER,
    SIGNED,
    IssuerMetadata,
    Recipient,
    RequestEncryption,
    ResponseEncryption,
    prefers_signed,
)
from ewallet.oid4vci.proof import ProofRules, check_proofs
from ewallet.order import Order, RepeatedError
from ewallet.publication import ANYBODY, Publication, squeezed
from ewallet.records import Pending, Records, endings, references, rules, trace
from ewallet.sealing import Sealer
from ewallet.shape import Json, to_base64url
from ewallet.type_documents import TypeDocuments

_LOG: Final = logging.getLogger("ewallet")

_JSON: Final = "application/json"
_PUBLIC: Final = {"cache-control": "public, max-age=300", **ANYBODY}


@dataclass(frozen=True, kw_only=True)
class Deferral:
    """A credential that was asked for before its record was ready; ``digest`` is that of the transaction id.

    ``salts`` are those of the keys that have one, by thumbprint.
    """

    digest: bytes
    token: bytes
    configuration_id: str
    keys: tuple[PublicKey, ...]
    due: datetime
    until: datetime
    salts: Mapping[str, bytes] = field(default_factory=dict, repr=False)


class IssuanceStore(AuthorizationStore, Protocol):
    """What the issuing endpoints must not forget. Every method is one transaction, on disk when it returns."""

    def defer(self, deferral: Deferral) -> None:
        """Keep what was asked for."""

    def deferral(self, digest: bytes, token: bytes, at: datetime) -> Deferral | None:
        """What was deferred for that token and has not arrived, while it can be collected."""

    def arrived(self, token: bytes, configuration_id: str) -> bool:
        """Forget what was deferred for that token and configuration; False if nothing is, or not any more."""

    def notify(self, certificate_id: str, event: str, at: datetime) -> None:
        """Keep what became of a certificate; again changes nothing."""


@dataclass(frozen=True, kw_only=True)
class _Wanted:
    """A credential that may be issued: under which token, into which keys, and how the answer travels.

    ``once`` is what asking for it uses up, ``until`` how long it may be asked for again.
    """

    authorized: Authorized
    configuration_id: str
    keys: tuple[PublicKey, ...]
    salts: Mapping[str, bytes]
    recipient: Recipient | None
    once: Mapping[bytes, datetime]
    until: datetime
    at: datetime


class Issuance:
    """What wallets call. It is itself a :data:`ewallet.flow.Send`, for tests and programs in one process.

    ``encryption_keys`` are private JWKs (:func:`ewallet.jose.new_encryption_key`) that all workers share; with them,
    requests and responses may be encrypted, and with ``require_encryption`` must be. ``names`` are the issuer's by
    language. Each endpoint takes a request and gives a response, or raises the :class:`ewallet.errors.ProtocolError`
    that :func:`ewallet.authorization.refusal` makes a response of.
    """

    def __init__(
        self,
        issuer: Issuer,
        *,
        records: Records,
        store: IssuanceStore,
        env: Env | None = None,
        names: Mapping[str, str] | None = None,
        encryption_keys: Sequence[Mapping[str, Json]] = (),
        require_encryption: bool = False,
        batch_size: int = MAX_COPIES,
    ) -> None:
        self.issuer = issuer
        self.server = AuthorizationServer(issuer.identifier, store=store, env=env)
        self._described = partial(
            IssuerMetadata.build,
            issuer.identifier,
            algorithms=issuer.algorithms,
            names=names,
            batch_size=batch_size,
            request_encryption=RequestEncryption.with_keys(encryption_keys, required=require_encryption),
            response_encryption=ResponseEncryption(required=require_encryption) if encryption_keys else None,
        )
        self._records = records
        self._store = store
        self._env = env or Env()
        self._keys = tuple(encryption_keys)
        self._publication = Publication(issuer, self._env)
        self._documents = TypeDocuments(issuer.catalog, issuer.identifier)

    @cached_property
    def metadata(self) -> IssuerMetadata:
        """What the issuer says of itself and of its kinds; made when it is first asked for."""
        return self._described(offered(self.issuer.catalog, self.rules))

    @property
    def rules(self) -> Sequence[Rule]:
        """The rules that are answered here, each offered as :attr:`ewallet.catalog.eligibility.Rule.asked`."""
        return rules(self._records)

    def offer(self, *type_ids: str, subject: str, tx_code: bool = False, format_id: str = "dc+sd-jwt") -> Offered:
        """An offer of these kinds, or answers to rules, to that person; ``usage.argument`` for what is not issued."""
        wanted = [f"{type_id}.{format_id}" for type_id in type_ids]
        if not wanted or not set(wanted) <= set(self.metadata.configurations):
            raise UsageError("usage.argument", "a kind that is not issued here in that format")
        if len(set(wanted)) < len(wanted):
            raise UsageError("usage.argument", "a kind that is named twice, which no wallet takes")  # §4.1.1
        return self.server.offer(wanted, subject=subject, tx_code=tx_code)

    def nonce(self, _request: Request) -> Response:
        """A fresh ``c_nonce`` (§7)."""
        at = self._env.now()
        return self.server.answer(nonce_response(self.server.nonce(at)), at)

    def credential(self, request: Request) -> Response:
        """Credentials for the keys that were proven (§8), or the promise of them; the errors are those of §8.3.1."""
        at = self._env.now()
        authorized = self.server.authorize(request, "/credential", at)
        body, encrypted = self._opened(request)
        asked = CredentialRequest.parse(body, encrypted=encrypted)
        configuration = asked.check(self.metadata, granted=authorized.grant.configuration_ids)
        rules = ProofRules(
            issuer=self.issuer.identifier,
            at=at,
            proof_types=configuration.proof_types,
            accepts=lambda nonce: self.server.is_good_nonce(nonce, at),
        )
        proven = check_proofs(asked.proof_type, asked.proofs, rules)
        wanted = _Wanted(
            authorized=authorized,
            configuration_id=configuration.id,
            keys=proven.keys,
            salts=proven.salts,
            recipient=asked.recipient,
            once=self.server.once(authorized, proven.nonces, at),
            until=authorized.grant.until,
            at=at,
        )
        record = self._record(wanted)
        return self._defer(wanted, record) if isinstance(record, Pending) else self._issue(wanted, record)

    def deferred(self, request: Request) -> Response:
        """What was promised (§9), once its record is ready: ``invalid_transaction_id``."""
        at = self._env.now()
        authorized = self.server.authorize(request, "/deferred", at, late=True)
        body, encrypted = self._opened(request)
        asked = DeferredRequest.parse(body, encrypted=encrypted)
        asked.check(self.metadata)
        found = self._store.deferral(_digest(asked.transaction_id), authorized.token, at)
        if found is None:
            raise _no_transaction()
        wanted = _Wanted(
            authorized=authorized,
            configuration_id=found.configuration_id,
            keys=found.keys,
            salts=found.salts,
            recipient=asked.recipient,
            once=self.server.once(authorized, (), at),
            until=found.until,
            at=at,
        )
        record = Pending(found.due - at) if at < found.due else self._record(wanted)  # nobody is asked too early
        if isinstance(record, Pending):
            self.server.take(authorized, wanted.once)
            return self._wait(wanted, asked.transaction_id, record.interval)
        return self._issue(wanted, record)  # and kept till the wallet says that it came: an answer may be lost

    def notification(self, request: Request) -> Response:
        """Keep what a wallet says became of a certificate (§11): ``invalid_notification_id``."""
        at = self._env.now()
        authorized = self.server.authorize(request, "/notification", at, late=True)
        check_media_type(request, _JSON, "invalid_notification_request")
        told = NotificationRequest.parse(request.body)
        certificate_id = told.notification_id.partition(".")[0]
        named = {self._notification_id(certificate_id, authorized, it): it for it in authorized.grant.configuration_ids}
        if told.notification_id not in named:
            raise ProtocolError("request.invalid", "not one of our identifiers", error="invalid_notification_id")
        self.server.take(authorized, authorized.once)
        self._store.notify(certificate_id, told.event, at)
        if told.event != "credential_failure":  # whoever could not keep it may ask again
            self._store.arrived(authorized.token, named[told.notification_id])
        answer = self.server.answer(b"", at, bound=authorized.grant.thumbprint is not None, status=204)
        return Response(answer.status, {name: text for name, text in answer.headers.items() if name != "content-type"})

    def offered(self, handle: str) -> Response:
        """The offer of a reference (§4.1.3); :class:`ewallet.errors.NotFound`."""
        return self.server.answer(self.server.offered(handle).to_bytes(), self._env.now(), bound=False)

    def issuer_metadata(self, request: Request) -> Response:
        """What is issued here (§12.2), signed (§12.2.3) for those who would rather have it so."""
        media_type, body = _JSON, self.metadata.to_bytes()
        if prefers_signed(values(request, "accept")):
            media_type, body = SIGNED, self._publication.metadata(self.metadata)
        return squeezed(Response(200, {"content-type": media_type, **_PUBLIC, "vary": "accept"}, body), request)

    def server_metadata(self, _request: Request) -> Response:
        """How tokens are had here (§12.3, RFC 8414)."""
        return Response(200, {"content-type": _JSON, **_PUBLIC}, self.server.metadata.to_bytes())

    def type_metadata(self, vct: str) -> Response:
        """The description of a kind; :class:`ewallet.errors.NotFound`."""
        return self._documents.metadata(vct)

    def card(self, name: str) -> Response:
        """A card that such a description refers to; :class:`ewallet.errors.NotFound`."""
        return self._documents.card(name)

    def status_list(self, number: str, request: Request) -> Response:
        """A signed status list; unchanged for those who have it (304); :class:`ewallet.errors.NotFound`."""
        return self._publication.status_list(f"{self.issuer.identifier}/status/{number}", request)

    def status_lists(self, _request: Request) -> Response:
        """Where all status lists are (Token Status List §9)."""
        body = jose.to_json({"status_lists": list(self.issuer.status_lists())})
        return Response(200, {"content-type": _JSON, **_PUBLIC}, body)

    def __call__(self, request: Request) -> Response:
        """The answer to a request to any of these addresses, errors and all."""
        try:
            return self._route(request)
        except ProtocolError as exc:
            return refusal(exc)
        except NotFound:
            return Response(404)

    def _route(self, request: Request) -> Response:
        path = path_of(request.url).removeprefix(path_of(self.issuer.identifier).rstrip("/"))
        method, endpoint = self._endpoints.get(path, ("GET", None))
        if endpoint is None:
            endpoint = self._below(path)
        if request.method != method:
            return Response(405, {"allow": method})
        return endpoint(request)

    def _below(self, path: str) -> Callable[[Request], Response]:
        folder, _, name = path.lstrip("/").partition("/")
        folders: Mapping[str, Callable[[Request], Response]] = {
            "status": lambda request: self.status_list(name, request),
            "offers": lambda _: self.offered(name),
            "types": lambda _: self.type_metadata(unquote(name)),
            "cards": lambda _: self.card(name),
        }
        if folder in folders:
            return folders[folder]
        raise NotFound("storage.not_found", "nothing is at that address")

    @property
    def _endpoints(self) -> Mapping[str, tuple[str, Callable[[Request], Response]]]:
        known = {name: path_of(well_known(self.issuer.identifier, name)) for name in (ISSUER, AUTHORIZATION_SERVER)}
        return {
            "/token": ("POST", self.server.token),
            "/nonce": ("POST", self.nonce),
            "/credential": ("POST", self.credential),
            "/deferred": ("POST", self.deferred),
            "/notification": ("POST", self.notification),
            "/status": ("GET", self.status_lists),
            known[ISSUER]: ("GET", self.issuer_metadata),
            known[AUTHORIZATION_SERVER]: ("GET", self.server_metadata),
        }

    def _opened(self, request: Request) -> tuple[bytes, bool]:
        (content_type,) = values(request, "content-type") or ("",)
        return open_request(request.body, content_type, self._keys)

    def _record(self, wanted: _Wanted) -> Claims | Pending:
        type_id, *_ = wanted.configuration_id.partition(".")
        try:
            return self._records.claims(wanted.authorized.grant.subject, type_id)
        except NotFound:
            self._deny(wanted, _denied("nothing is on record"))
        except Restricted as exc:
            self._deny(wanted, exc)

    def _defer(self, wanted: _Wanted, pending: Pending) -> Response:
        transaction_id = to_base64url(self._env.random(32))
        deferral = Deferral(
            digest=_digest(transaction_id),
            token=wanted.authorized.token,
            configuration_id=wanted.configuration_id,
            keys=wanted.keys,
            salts=wanted.salts,
            due=wanted.at + pending.interval,
            until=wanted.at + LATE,
        )
        self.server.take(wanted.authorized, wanted.once)
        self._store.defer(deferral)
        return self._wait(wanted, transaction_id, pending.interval)

    def _wait(self, wanted: _Wanted, transaction_id: str, wait: timedelta) -> Response:
        seconds = max(1, -(-wait // timedelta(seconds=1)))
        answer = DeferredResponse(transaction_id=transaction_id, interval=seconds)
        return self._sent(wanted, answer.to_bytes(), status=answer.status)

    def _issue(self, wanted: _Wanted, record: Claims) -> Response:
        order = self._order(wanted)
        try:
            issued = self._certified(wanted, record, order)
        except RepeatedError as exc:
            self.server.check(wanted.authorized, exc.used)
            return self._sent(wanted, self._kept(wanted, order, exc))
        return self._sent(wanted, self._answer(wanted, issued.certificate.id, issued.credentials))

    def _certified(self, wanted: _Wanted, record: Claims, order: Order) -> Issued:
        asked, _, format_id = wanted.configuration_id.partition(".")
        type_id, subject = kind_of(asked), wanted.authorized.grant.subject
        try:
            order = replace(order, trace=trace(self._records, subject, asked), unless=endings(self._records, subject))
            refs = references(self._records, subject, wanted.salts)
            return self.issuer.issue(
                type_id, record, subject=subject, holders=wanted.keys, format_id=format_id, order=order, references=refs
            )
        except NotFound:
            raise _denied("the same was asked for again meanwhile, or the data is being deleted") from None
        except UsageError as exc:
            if not exc.code.startswith("issue."):
                raise
            _LOG.warning("a record for %s cannot be issued: %s", type_id, exc)  # it names the claim, not its value
            self._deny(wanted, _denied("the record cannot be certified"))

    def _order(self, wanted: _Wanted) -> Order:
        """One for each token and configuration."""
        digest = sha256(wanted.authorized.token + wanted.configuration_id.encode()).digest()

        def seal(certificate_id: str, credentials: Sequence[str]) -> bytes:
            answer = self._answer(wanted, certificate_id, credentials)
            return self._sealer(wanted).seal(answer, "order", digest.hex())

        return Order(
            digest=digest,
            holders=_digest(" ".join(sorted(key.thumbprint for key in wanted.keys))),
            once=wanted.once,
            until=wanted.until,
            seal=seal,
        )

    def _kept(self, wanted: _Wanted, order: Order, done: RepeatedError) -> bytes:
        """What was answered the first time, for those who prove the same keys."""
        if done.holders != order.holders:
            raise _denied("the token was used for other keys")
        return self._sealer(wanted).unseal(done.sealed, "order", order.digest.hex())

    def _sealer(self, wanted: _Wanted) -> Sealer:
        return Sealer(wanted.authorized.secret.encode("ascii"), self._env.random)

    def _answer(self, wanted: _Wanted, certificate_id: str, credentials: Sequence[str]) -> bytes:
        notification_id = self._notification_id(certificate_id, wanted.authorized, wanted.configuration_id)
        return CredentialResponse(credentials=tuple(credentials), notification_id=notification_id).to_bytes()

    def _deny(self, wanted: _Wanted, refused: ProtocolError) -> NoReturn:
        """What was shown is used up all the same."""
        self.server.take(wanted.authorized, wanted.once)
        raise refused from None

    def _sent(self, wanted: _Wanted, body: bytes, *, status: int = 200) -> Response:
        content_type = _JSON
        if wanted.recipient is not None:
            body, content_type = wanted.recipient.encrypt(body).encode("ascii"), "application/jwt"
        bound = wanted.authorized.grant.thumbprint is not None
        return self.server.answer(body, wanted.at, bound=bound, status=status, content_type=content_type)

    def _notification_id(self, certificate_id: str, authorized: Authorized, configuration_id: str) -> str:
        """Nothing has to be kept to know it again, and no other token or configuration has it."""
        tag = self.server.tag(f"notification:{certificate_id}:{authorized.token.hex()}:{configuration_id}")
        return f"{certificate_id}.{to_base64url(tag[:16])}"


def _digest(text: str) -> bytes:
    return sha256(text.encode()).digest()


def _no_transaction() -> ProtocolError:
    detail = "no transaction of that identifier waits for this token"
    return ProtocolError("request.invalid", detail, error="invalid_transaction_id")


def _denied(detail: str) -> ProtocolError:
    return ProtocolError("request.invalid", detail, error="credential_request_denied")
