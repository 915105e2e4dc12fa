"""A verifier that asks over the wire (OpenID4VP 1.0): requests are fetched, answers posted, verdicts read.

Three parties know three things. The bank knows the *id* of an exchange and reads the verdict with it. The wallet knows
its *handle*, from the link or QR, with which it fetches the request and posts its answer. On the same device, whoever
comes back to the bank brings a *response code* that the wallet was given for its answer (§13.3, §14.3). Each is random
and of no use for the others.

What is kept tells little: identifiers and codes are kept as digests, and what was asked is sealed with a key that is
made of the handle, the key for the answer among it. Both are gone once it is answered. What was shown is sealed with a
key that is made of the id, and stays until it is first read, ten minutes at most, unless ``retain`` says otherwise. So
a copy of the database alone opens nothing. The record of the checks stays for a day; it has no claim in it.

Section numbers are those of OpenID4VP 1.0.
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final, NoReturn, TypeAlias
from urllib.parse import urlencode, urlsplit

from ewallet import jose, oauth
from ewallet import verdict as verdicts
from ewallet.dcql import Query
from ewallet.env import Env
from ewallet.errors import AlreadyUsed, BindingError, Malformed, NotFound, ProtocolError, UsageError
from ewallet.flow import Flow, run
from ewallet.keys import Signer
from ewallet.oid4vp import AuthorizationRequest, ResponseMode, TransactionData, VpToken, invalid
from ewallet.oid4vp.metadata import ClientMetadata
from ewallet.oid4vp.request import Fetch, link, signed
from ewallet.oid4vp.response import Declined, Posted, reply
from ewallet.sealing import Sealer
from ewallet.settlement import ExchangeStore, Kept, Sealed, Settled
from ewallet.shape import Json, base64url, json_object, to_base64url
from ewallet.verdict import Accepted, Check, Verdict
from ewallet.verifier import Verifier

_LOG: Final = logging.getLogger("ewallet")

LIFE: Final = timedelta(minutes=5)  # of a request: long enough to find the phone
PAUSE: Final = timedelta(milliseconds=500)  # between two looks at one exchange
_UNREAD: Final = timedelta(minutes=10)  # claims that nobody reads
_KEPT: Final = timedelta(days=1)  # the record of an exchange that is over
_TIDY: Final = timedelta(minutes=1)
_ENTROPY: Final = 24  # bytes; §13.3 and §14.3 want 16


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """Nobody has answered yet; the request stands until then."""

    until: datetime


@dataclass(frozen=True)
class Expired:
    """Nobody has answered, and nobody can any more."""


@dataclass(frozen=True, kw_only=True)
class Collected:
    """It was accepted, and its claims have been read before or their time is over."""

    checks: tuple[Check, ...]
    at: datetime

    def to_json(self) -> dict[str, Json]:
        """The verdict document ``ewallet.verify/1`` without its claims, nor who acted for whom."""
        return Accepted(checks=self.checks, at=self.at, claims={}).to_json() | {"claims": None}


#: What has become of a request.
Outcome: TypeAlias = Waiting | Expired | Declined | Collected | Verdict


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request on its way: ``id`` is for whoever reads the verdict and nobody else, ``link`` for the QR or button."""

    id: str = field(repr=False)
    link: str
    handle: str
    request: AuthorizationRequest = field(repr=False)

    @property
    def until(self) -> datetime:
        """When it is over."""
        return self.request.until


@dataclass(frozen=True, kw_only=True)
class _Record:
    """What is sealed while a request waits: ``results`` is the key that claims will be sealed with."""

    request: AuthorizationRequest
    key: Mapping[str, Json] | None
    results: bytes
    redirect_to: str | None

    def to_bytes(self) -> bytes:
        return jose.to_json(
            {
                "request": self.request.to_json(),
                "key": dict(self.key) if self.key else None,
                "results": to_base64url(self.results),
                "redirect_to": self.redirect_to,
            }
        )

    @classmethod
    def parse(cls, raw: bytes) -> _Record:
        members = json_object(raw, "the record")
        return cls(
            request=AuthorizationRequest.parse(jose.to_json(members["request"])),
            key=members["key"],
            results=base64url(members["results"]),
            redirect_to=members["redirect_to"],
        )


class Exchange:
    """Asks at its own address, ``url``, and gives what comes to its verifier to judge.

    ``signer`` signs the requests; the verifier's ``client_id`` must be that of its certificate. ``retain`` says how
    long claims may be read: None for once, within ten minutes; a time for as often as one likes, so long; zero for
    never, where the verdict is all that matters. ``redirects`` are the origins, besides its own, to which an answer
    given on the same device may lead back. ``confirmed`` is told of each accepted answer that confirms something,
    before it is settled, and gives the receipt for the wallet.
    """

    def __init__(
        self,
        url: str,
        *,
        verifier: Verifier,
        signer: Signer,
        store: ExchangeStore,
        retain: timedelta | None = None,
        redirects: Iterable[str] = (),
        confirmed: Callable[[AuthorizationRequest, VpToken], str | None] | None = None,
        env: Env | None = None,
    ) -> None:
        self.url = _own(url)
        self._verifier = verifier
        self._signer = signer
        self._store = store
        self._retain = retain
        self._origins = frozenset(_origin(address) for address in (url, *redirects))
        self._confirmed = confirmed
        self._env = env or Env()
        self._tidied = datetime.min.replace(tzinfo=UTC)

    def ask(
        self,
        query: Query,
        *,
        purpose: str,
        response_mode: ResponseMode = "direct_post.jwt",
        transaction_data: Iterable[TransactionData] = (),
        verifier_info: Iterable[Mapping[str, Json]] = (),
        redirect_to: str | None = None,
        life: timedelta = LIFE,
    ) -> Asked:
        """A request that waits for a wallet; ``usage.argument`` where no wallet would take it.

        ``redirect_to`` is where a wallet on the same device leads back to, with ``response_code`` added. Where claims
        are kept for longer than it takes to read them, the request says so.
        """
        at = self._env.now().replace(microsecond=0)  # as it travels
        id_, handle, nonce, state = (to_base64url(self._env.random(_ENTROPY)) for _ in range(4))
        key = jose.new_encryption_key() if response_mode == "direct_post.jwt" else None
        request = AuthorizationRequest(
            client_id=self._verifier.client_id,
            nonce=nonce,
            query=query.retained() if self._retain and self._retain > _UNREAD else query,
            purpose=purpose,
            issued=at,
            until=at + life,
            response_mode=response_mode,
            response_uri=f"{self.url}/response/{handle}",
            state=state,
            metadata=ClientMetadata.make(key),
            transaction_data=tuple(transaction_data),
            verifier_info=tuple(verifier_info),
        )
        signed(request, self._signer)  # what no wallet would take is not kept
        way = self._way(redirect_to)
        self._keep(id_, handle, _Record(request=request, key=key, results=_key(id_), redirect_to=way))
        where = link(request.client_id, f"{self.url}/request/{handle}", post=True)
        return Asked(id=id_, link=where, handle=handle, request=request)

    def verdict(self, id_: str, *, response_code: str | None = None) -> Outcome:
        """What has become of a request; claims are in it once, unless they are retained.

        Raises ``storage.not_found``, alike for what never was and what is long over, and ``request.invalid`` with
        status 403 where an answer was given on the same device and the code that came back with it is missing, wrong
        or was used before.
        """
        at = self._env.now()
        kept = self._store.exchange(_digest(id_))
        if kept.outcome is None:
            return Expired() if at >= kept.until else Waiting(until=kept.until)
        if kept.guarded:
            self._take_code(kept, response_code)
        return _outcome(json_object(kept.outcome), lambda: self._told(id_, at))

    def is_waiting(self, id_: str) -> bool:
        """Whether somebody can still answer it; ``storage.not_found``."""
        kept = self._store.exchange(_digest(id_))
        return kept.outcome is None and self._env.now() < kept.until

    def pace(self, id_: str) -> None:
        """Return unless somebody asked for the same within half a second: ``limit.rate``; for whoever serves others."""
        at, id_digest = self._env.now(), _digest(id_)
        if not self._store.pace_exchange(id_digest, at, at - PAUSE):
            self._store.exchange(id_digest)  # what is not there is not there, however often one asks
            raise Malformed("limit.rate", "asked again within half a second")

    def forget(self, id_: str) -> bool:
        """Delete a request with all that came of it, at once; whether there was anything."""
        return self._store.drop_exchange(_digest(id_))

    def forget_answer(self, reference: str) -> bool:
        """The same by what a receipt says (:func:`reference`); ``malformed.encoding``."""
        try:
            kept = self._store.exchange_of(base64url(reference, "the reference"))
        except NotFound:
            return False
        return self._store.drop_exchange(kept.id)

    def tidy(self) -> int:
        """Delete what need not be kept any longer; also done once a minute when requests are made. How many were."""
        return self._store.forget_exchanges(at := self._env.now(), at - _KEPT)

    def request_object(self, handle: str, fetch: Fetch | None = None) -> str:
        """The signed request, as often as it is fetched, until it is answered or over: ``storage.not_found``."""
        kept = self._store.exchange_of(_digest(handle))
        if not kept.open or self._env.now() >= kept.until:
            raise NotFound("storage.not_found", "no request of that address")
        nonce = fetch.wallet_nonce if fetch else None
        return signed(self._record(kept, handle).request, self._signer, wallet_nonce=nonce)

    def respond(self, handle: str, body: bytes) -> bytes:
        """The JSON reply to an answer that was posted; what is thought of the answer is the bank's to know.

        Raises ``replay.response_used`` for any answer but the first, ``request.invalid`` for one to no request of ours,
        ``crypto.*`` or ``malformed.*`` for one that cannot be read; the request stays open then. Of answers that can
        be read the first that is judged closes it, whether the credential is accepted, rejected, or none is given.
        Until that is on disk nothing has happened: whatever goes wrong before, the wallet may answer again.
        """
        return run(self.responding(handle, body), self._verifier.send)

    def responding(self, handle: str, body: bytes) -> Flow[bytes]:
        """As :meth:`respond`, as a flow for whoever drives it."""
        posted = Posted.parse(body)
        try:
            self._check_open(kept := self._store.exchange_of(_digest(handle)))
        except NotFound:
            invalid("an answer to no request of ours")
        record = self._record(kept, handle)
        said = posted.read(record.request, record.key)
        if isinstance(said, Declined):
            return self._settle(kept, record, said)
        verdict = yield from self._verifier.judge(said, record.request, use_up=False)
        confirm = self._confirmed if record.request.transaction_data and isinstance(verdict, Accepted) else None
        return self._settle(kept, record, verdict, confirm(record.request, said) if confirm else None)

    def _way(self, redirect_to: str | None) -> str | None:
        if redirect_to is not None and _origin(redirect_to) not in self._origins:
            raise UsageError("usage.argument", "redirect_to leads to an origin that was not named")
        return redirect_to

    def _keep(self, id_: str, handle: str, record: _Record) -> None:
        until, guarded = record.request.until, record.redirect_to is not None
        kept = Kept(id=_digest(id_), handle=_digest(handle), until=until, guarded=guarded)
        sealed = self._sealer(handle).seal(record.to_bytes(), "request", kept.id.hex())
        self._store.put_exchange(replace(kept, record=sealed))
        self._tidy_at_times()

    def _record(self, kept: Kept, handle: str) -> _Record:
        return _Record.parse(self._sealer(handle).unseal(kept.record or b"", "request", kept.id.hex()))

    def _sealer(self, secret: str) -> Sealer:
        return Sealer(secret.encode("ascii"), self._env.random)

    def _check_open(self, kept: Kept) -> None:
        if not kept.open:
            _used()
        if self._env.now() >= kept.until:
            invalid("the request was over before it was answered")

    def _tidy_at_times(self) -> None:
        at = self._env.now()
        if at - self._tidied >= _TIDY:
            self._tidied = at
            self.tidy()

    def _settle(self, kept: Kept, record: _Record, outcome: Declined | Verdict, receipt: str | None = None) -> bytes:
        code = to_base64url(self._env.random(_ENTROPY)) if record.redirect_to else None
        settled = Settled(
            outcome=jose.to_json(_document(outcome)).decode(),
            nonce=record.request.nonce,
            until=record.request.until,
            code=_digest(code) if code else None,
            claims=self._sealed(kept, record, outcome),
            once=outcome.once if isinstance(outcome, Accepted) else (),
        )
        try:
            self._store.settle_exchange(kept.id, settled)
        except AlreadyUsed:
            if isinstance(outcome, Accepted) and outcome.once:  # it, or the request: then this fails too
                return self._settle(kept, record, outcome.used_before())
            _used()
        told = outcome.error if isinstance(outcome, Declined) else outcome.code or "accepted"
        _LOG.info("exchange %s: %s", kept.id.hex()[:16], told)
        return reply(_with_code(record.redirect_to, code) if record.redirect_to and code else None, receipt)

    def _sealed(self, kept: Kept, record: _Record, outcome: Declined | Verdict) -> Sealed | None:
        if not isinstance(outcome, Accepted) or self._retain == timedelta(0):
            return None
        sealer = Sealer(record.results, self._env.random)
        claims = sealer.seal(jose.to_json(outcome.told()), "claims", kept.id.hex())
        return Sealed(record=claims, until=self._env.now() + (self._retain or _UNREAD))

    def _take_code(self, kept: Kept, code: str | None) -> None:
        try:
            self._store.take_code(kept.id, _digest(code or ""))
        except AlreadyUsed:
            detail = "no response_code, another one, or one that was used before"
            raise ProtocolError("request.invalid", detail, error="access_denied", status=403) from None

    def _told(self, id_: str, at: datetime) -> dict[str, Json] | None:
        sealed = self._store.take_claims(_digest(id_), at, keep=self._retain is not None)
        if sealed is None:
            return None
        return json_object(Sealer(_key(id_), self._env.random).unseal(sealed, "claims", _digest(id_).hex()))


def reference(request: AuthorizationRequest) -> str:
    """By what the exchange of a request is found again, to be forgotten, from a receipt: it opens nothing."""
    return to_base64url(_digest((request.response_uri or "").rpartition("/")[2]))


def _digest(secret: str) -> bytes:
    return sha256(secret.encode("utf-8", "surrogatepass")).digest()


def _key(id_: str) -> bytes:
    """The key of what is kept under an id; its digest, under which it is kept, does not tell it."""
    return hmac.digest(id_.encode("utf-8", "surrogatepass"), b"ewallet exchange claims", "sha256")


def _used() -> NoReturn:
    raise BindingError("replay.response_used", "the request was answered before") from None


def _own(url: str) -> str:
    try:
        return oauth.url(url, "the verifier's address", loopback=True).rstrip("/")
    except Malformed as exc:
        raise UsageError("usage.configuration", exc.detail) from None


def _origin(address: str) -> str:
    try:
        parts = urlsplit(oauth.url(address, "an address to lead back to", loopback=True))
    except Malformed as exc:
        raise UsageError("usage.argument", exc.detail) from None
    return f"{parts.scheme}://{parts.netloc}".lower()


def _with_code(address: str, code: str) -> str:
    return f"{address}{'&' if urlsplit(address).query else '?'}{urlencode({'response_code': code})}"


def _document(outcome: Declined | Verdict) -> dict[str, Json]:
    """What is kept of an outcome in the clear: nothing that tells who it is about."""
    if isinstance(outcome, Declined):
        return {"declined": outcome.error, "description": outcome.description}
    if isinstance(outcome, Accepted):
        return Collected(checks=outcome.checks, at=outcome.at).to_json()
    return outcome.to_json()


def _outcome(
    document: Mapping[str, Json], told: Callable[[], Mapping[str, Json] | None]
) -> Declined | Collected | Verdict:
    if "declined" in document:
        return Declined(error=document["declined"], description=document["description"])
    if document["verdict"] != "accepted":
        return verdicts.parse(document)
    found = told()
    verdict = verdicts.parse({**document, **(found or {"claims": {}})})
    return Collected(checks=verdict.checks, at=verdict.at) if found is None else verdict
