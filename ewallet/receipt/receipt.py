"""Receipts of consent, signed on both sides (ISO/IEC TS 27560, in terms of the Data Privacy Vocabulary).

The holder's half is what shows that the key binding of an answer confirmed the consent, without anything that was
disclosed with it. The recipient's half is a compact JWS of type ``consent-receipt+jwt``, signed with the certificate
that its requests are signed with::

    jti, iss, iat, event      the receipt's identifier, the recipient's client identifier, when, and what happened
    consent                   the digest of the record of the consent
    request, confirmation     the digests of what was asked, and of the holder's half
    answer                    by query, the digest of each presentation as it came
    disclosed                 by query, the claims paths that were shown; what is optional is there if it was given
    log                       the place of the event in the log of use and its newest checkpoint, where there is one

What happens later to the consent is signed likewise, with the same ``jti`` and without the members of the answer. So a
receipt outlives the data: it has no claim in it, and whoever holds the answer can still prove that it was this one.

Where a portal provides, it is the portal that asks and signs, and its recipients sign for packages (:mod:`taken`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from hashlib import sha256
from typing import Final

from ewallet import jose
from ewallet import verdict as verdicts
from ewallet.catalog import Catalog
from ewallet.consent import TRANSACTION, Consent, consenting
from ewallet.consent.options import main_in, taken_up
from ewallet.credential import Path
from ewallet.env import SKEW, Env
from ewallet.errors import UsageError
from ewallet.expectation import FORMAT, check_proxy, confirming, proxy_in
from ewallet.flow import Send, offline, run
from ewallet.formats import FORMATS
from ewallet.history import Believed
from ewallet.keys import PublicKey, Signer
from ewallet.oid4vp import AuthorizationRequest, VpToken
from ewallet.oid4vp.request import check_identified
from ewallet.receipt import dpv, taken
from ewallet.receipt.countersignature import (
    TYP,
    Event,
    Later,
    Logged,
    Signed,
    check_order,
    check_places,
    checking,
    goes_on,
    invalid,
    sign,
)
from ewallet.receipt.dpv import Happened
from ewallet.shape import MAX_DOCUMENT, Json, instance, json_object, member, refuse, strings, to_base64url
from ewallet.trust import TrustList
from ewallet.verdict import Rung, Verdict

SCHEMA: Final = "ewallet.receipt/1"
WITHDRAWAL: Final = "withdrawal"  # of the recipient's half
_ID: Final = 16  # bytes
_MOMENT: Final = timedelta(microseconds=1)  # times are in seconds: also the last one that a datetime holds has one more
MAX_EVENTS: Final = 2000  # a daily provision for five years, with its beginning and end

#: What of a request is kept: whom it is from, what it asks and what it has confirmed; it reads as a request again.
_ASKED: Final = frozenset({"response_type", "client_id", "nonce", "dcql_query", "transaction_data", "iat", "exp"})


@dataclass(frozen=True)
class Receipt:
    """A receipt of both halves: ``events`` are compact JWS, the first of them says that the consent was given.

    ``taken`` are the halves of a portal's recipients (:mod:`ewallet.receipt.taken`), one for each event that names one.
    """

    request: AuthorizationRequest
    confirmation: str = field(repr=False)
    events: tuple[str, ...] = field(repr=False)
    taken: tuple[str, ...] = field(default=(), repr=False)

    @classmethod
    def make(
        cls,
        request: AuthorizationRequest,
        token: VpToken,
        signer: Signer,
        *,
        id_: str,
        at: datetime,
        logged: Logged | None = None,
        more: Mapping[str, Json] | None = None,
    ) -> Receipt:
        """The receipt for an answer that was accepted; ``usage.argument`` where the request has no consent.

        ``more`` is what the recipient says besides, such as where it can be asked to delete (:mod:`ewallet.deletion`).
        """
        stated = {**_stated(request, token), **(more or {})}
        event = sign("given", request.client_id, signer, id_=id_, at=at, logged=logged, stated=stated)
        return cls(request, _confirmation(request, token), (event,))

    @classmethod
    def of_answer(cls, request: AuthorizationRequest, token: VpToken, event: str) -> Receipt:
        """The receipt that a recipient gave for this very answer; ``receipt.invalid``."""
        with checking("the recipient's half"):
            claims = Signed.parse(event).claims
        if any(claims.get(name) != found for name, found in _stated(request, token).items()):
            invalid("a receipt for another request or another answer")
        return cls(request, _confirmation(request, token), (event,))

    @classmethod
    def parse(cls, raw: str | bytes) -> Receipt:
        """The receipt of a JSON text; ``receipt.invalid``, ``limit.*``."""
        with checking("the receipt"):
            found = json_object(raw, "the receipt", limit=MAX_DOCUMENT)
            request = AuthorizationRequest.parse(_canonical(member(found, "request", dict)))
            events = strings(found.get("events"), "events")
            halves = strings(found[taken.NAMED], "taken") if taken.NAMED in found else ()
            receipt = cls(request, member(found, "confirmation", str), events, halves)
        if not 0 < len(events) <= MAX_EVENTS or found != receipt.to_json():
            invalid(f"a receipt with other members than {SCHEMA} has")
        return receipt

    def to_json(self) -> dict[str, Json]:
        """The file."""
        return {
            "schema": SCHEMA,
            "request": _asked(self.request),
            "confirmation": self.confirmation,
            "events": list(self.events),
            **({taken.NAMED: list(self.taken)} if self.taken else {}),
        }

    def to_bytes(self) -> bytes:
        """The file as a JSON text."""
        return jose.to_json(self.to_json())

    @cached_property
    def consent(self) -> Consent:
        """What was consented to; ``receipt.invalid``."""
        return consenting.consent_in(self.request) or invalid("a receipt of a request without a consent")

    @property
    def options(self) -> tuple[tuple[Consent, bool], ...]:
        """The optional consents beside it, and whether each was given; ``receipt.invalid``, ``malformed.*``."""
        return taken_up(self.request, self._answered)

    @cached_property
    def signed(self) -> tuple[Signed, ...]:
        """The events taken apart; ``receipt.invalid``."""
        with checking("the recipient's half"):
            return tuple(Signed.parse(event) for event in self.events)

    @property
    def id(self) -> str:
        """The receipt's identifier."""
        return self.signed[0].id

    @property
    def at(self) -> datetime:
        """When the consent was given, as the recipient says."""
        return self.signed[0].at

    @property
    def event(self) -> Event:
        """What happened last."""
        return self.signed[-1].event

    def after(
        self, event: Event, signer: Signer, *, at: datetime, logged: Logged | None = None, half: str | None = None
    ) -> Receipt:
        """The receipt after one more event, signed by whoever signed the first; ``usage.argument``."""
        return self.after_all((Later(event=event, at=at, logged=logged, half=half),), signer)

    def after_all(self, happened: Iterable[Later], signer: Signer) -> Receipt:
        """The receipt after all of these, in order; ``usage.argument``."""
        events, halves, names = list(self.events), list(self.taken), [signed.event for signed in self.signed]
        last, ended = names[-1], "withdrawn" in names
        by, digest = self.request.client_id, self.consent.digest
        for each in happened:
            if each.event == "given" or last == "deleted":
                raise UsageError("usage.argument", "a consent is given once, and nothing comes after its deletion")
            if ended and each.event != "deleted":
                raise UsageError("usage.argument", "nothing but its deletion comes after a withdrawal")
            named = {taken.NAMED: taken.digest_of(each.half.encode())} if each.half else {}
            stated: dict[str, Json] = {"consent": digest, **named}
            events.append(sign(each.event, by, signer, id_=self.id, at=each.at, logged=each.logged, stated=stated))
            halves += [each.half] if each.half else []
            last, ended = each.event, ended or each.event == "withdrawn"
        return replace(self, events=tuple(events), taken=tuple(halves))

    def placed(self, signer: Signer, logged: Logged) -> Receipt:
        """The same once its first event is in the log, signed again with its place there."""
        claims = {**self.signed[0].claims, "log": logged.to_json()}
        return replace(self, events=(jose.sign(TYP, claims, signer), *self.events[1:]))

    def view(self) -> dict[str, Json]:
        """The receipt in the terms of :mod:`ewallet.receipt.dpv`."""
        events = [Happened(event=e.event, at=e.at, seq=e.logged.seq if e.logged else None) for e in self.signed]
        agreed = (each for each in self.request.confirmed(self._answered) if each.type == TRANSACTION)
        signed_for = {taken.NAMED: [taken.Taken.parse(half).view() for half in self.taken]} if self.taken else {}
        return signed_for | dpv.receipt(
            self.consent,
            "\n".join(each.fields["text"] for each in agreed),
            id_=self.id,
            events=events,
            disclosed=self.disclosed,
            withdrawal=self.withdrawal,
            options=self.options,
        )

    @property
    def withdrawal(self) -> str | None:
        """Where the consent can be withdrawn, as the recipient says; None where it has not said."""
        stated = self.signed[0].claims.get(WITHDRAWAL)
        return stated if isinstance(stated, str) else None

    def check(self, trust: TrustList, catalog: Catalog, believed: Believed | None = None) -> None:
        """Return if both halves hold and are of one consent, request and answer.

        Certificates are judged as of the time that the recipient signed. Checkpoints are checked where it is said whom
        to believe about the log. Raises ``receipt.invalid``, or ``trust.list_invalid`` for a list of ours.
        """
        self.check_recipient(trust, believed)
        self.check_taken(catalog, believed)
        self.check_holder(trust)
        self.check_consented(catalog)

    def check_recipient(self, trust: TrustList, believed: Believed | None = None) -> None:
        """Return if whoever asked signed every event, in their order, and the first for this request and answer."""
        check_order(self.signed)
        with checking("the recipient's half"):
            digest = self.consent.digest
            for signed in self.signed:
                path = _as_of(trust, signed.at).check(signed.jws.chain, "verifier", signed.at, type_id=None)
                signed.jws.verify(path.key)
                if signed.by != self.request.client_id:
                    invalid("signed by another recipient than the one who asked")
                check_identified(self.request.client_id, signed.jws.chain[0], None)
                if signed.claims.get("consent") != digest or signed.id != self.id:
                    invalid("an event of another consent")
            check_places(self.signed, believed)
        self._check_halves()

    def check_taken(self, catalog: Catalog, believed: Believed | None = None) -> None:
        """Return if what a portal's recipients signed is what the portal names, and of this consent."""
        taken.check_halves(self.signed, self.taken, self.consent, catalog, believed)

    def check_countersigned(self, key: PublicKey) -> None:
        """Return if that key, which is our own, signed every event, and the first for this request and answer."""
        with checking("the recipient's half"):
            for signed in self.signed:
                signed.jws.verify(key)
        self._check_halves()

    def _check_halves(self) -> None:
        first = self.signed[0].claims
        if first.get("request") != _digest(_canonical(_asked(self.request))):
            invalid("countersigned for another request")
        if first.get("confirmation") != _digest(self.confirmation.encode()):
            invalid("countersigned for another confirmation")

    def check_past(self, at: datetime) -> None:
        """Return if nothing in it is of a time that is to come."""
        if max(signed.at for signed in self.signed) > at + SKEW:
            invalid("an event of a time that is to come")

    def check_holder(self, trust: TrustList) -> None:
        """Return if the holder of what was asked for confirmed the consent of this request."""
        with checking("the holder's half"):
            asked = self.request.query.get(self._confirming)
            if asked is None:
                invalid("confirmed with a credential that was not asked for")
            half = confirming(self.request, FORMATS[asked.format].open_confirmation(self.confirmation))
            if half.type_id not in asked.type_ids:
                invalid("confirmed with a credential of another type than was asked for")
            path = _as_of(trust, self.at).check(half.chain, "issuer", self.at, type_id=half.type_id)
            path.check_issuer(half.issuer)
            half.check_signature(path.key)
            half.check_confirmation(self.request.bindings(self._answered)[asked.id], self.at)
            check_proxy(self.consent, proxy_in(half))

    def check_consented(self, catalog: Catalog) -> None:
        """Return if the consent held then, and covers what was asked and what was shown."""
        with checking("the consent"):
            self.consent.check_in_force(self.at)
            consenting.check_asked(self.request, self.consent, catalog)
            if not self.disclosed.keys() <= {*self._answered}:
                invalid("something was shown that was not answered with")
            for id_, paths in self.disclosed.items():
                asked = self.request.query.get(id_)
                if asked is None or not set(paths) <= {claim.path for claim in asked.claims}:
                    invalid("something was shown that was not asked for")

    @property
    def holder(self) -> PublicKey:
        """The key that confirmed the consent, as the holder's half says; ``receipt.invalid``."""
        with checking("the holder's half"):
            asked = self.request.query.get(self._confirming)
            if asked is None:
                invalid("confirmed with a credential that was not asked for")
            return confirming(self.request, FORMATS[asked.format].open_confirmation(self.confirmation)).holder

    @property
    def _answered(self) -> tuple[str, ...]:
        return tuple(member(self.signed[0].claims, "answer", dict))

    @property
    def _confirming(self) -> str:
        return _confirming(self.request, self._answered)

    @property
    def disclosed(self) -> Mapping[str, tuple[Path, ...]]:
        """By query, the claims paths that were shown, as the recipient says; ``malformed.*``."""
        found = member(self.signed[0].claims, "disclosed", dict)
        return {
            id_: tuple(_path(instance(path, list, "a path")) for path in instance(paths, list, "paths"))
            for id_, paths in found.items()
        }


@dataclass(frozen=True, kw_only=True)
class Countersigner:
    """The recipient's side of an exchange: a receipt for each accepted answer with a consent, once it is kept.

    Where ``keep`` finds one that was kept for the same answer before, it returns that.
    """

    signer: Signer
    env: Env
    keep: Callable[[Receipt], Receipt | None]
    states: Callable[[AuthorizationRequest], Mapping[str, Json]] = lambda _: {}

    def __call__(self, request: AuthorizationRequest, token: VpToken) -> str | None:
        """The recipient's half for the wallet; None for an answer without a consent."""
        if consenting.consent_in(request) is None:
            return None
        id_, at = to_base64url(self.env.random(_ID)), self.env.now()
        made = Receipt.make(request, token, self.signer, id_=id_, at=at, more=self.states(request))
        return (self.keep(made) or made).events[0]


def verify(
    raw: str | bytes,
    trust: TrustList,
    catalog: Catalog,
    *,
    at: datetime,
    believed: Believed | None = None,
    seen: Sequence[bytes] = (),
    send: Send = offline,
) -> Verdict:
    """The verdict on a receipt; its claims are the receipt in the terms of :mod:`ewallet.receipt.dpv`.

    Where it is said whom to believe about the log, ``seen`` are checkpoints of it that were seen before the last event
    of the receipt: the newest in it must go on from them, for which the log is asked by ``send``.
    """
    found: list[Receipt] = []

    def read() -> None:
        found.append(Receipt.parse(raw))
        trust.check_in_force(at)

    def countersigned() -> None:
        found[0].check_recipient(trust, believed)
        found[0].check_taken(catalog, believed)
        found[0].check_past(at)

    def told() -> dict[str, Json]:
        return found[0].view()

    rungs = (
        Rung("format", read),
        Rung("signature", countersigned),
        Rung("holder", lambda: found[0].check_holder(trust)),
        Rung("query", lambda: found[0].check_consented(catalog)),
        *((Rung("log", lambda: goes_on(found[0].signed, seen, believed)),) if believed else ()),
    )
    return verdicts.decide(run(verdicts.climb(rungs), send), at, told)


def _path(steps: Iterable[Json]) -> Path:
    path = tuple(steps)
    if not all(step is None or type(step) in (str, int) for step in path):
        refuse("malformed.claim_type", "a path of other than names, numbers and nulls")
    return path


def _asked(request: AuthorizationRequest) -> dict[str, Json]:
    expected = [dict(each) for each in request.verifier_info if each["format"] == FORMAT]
    kept = {name: value for name, value in request.to_json().items() if name in _ASKED}
    return kept | ({"verifier_info": expected} if expected else {})


def _canonical(members: Mapping[str, Json]) -> bytes:
    return json.dumps(dict(members), ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _digest(raw: bytes) -> str:
    return to_base64url(sha256(raw).digest())


def _stated(request: AuthorizationRequest, token: VpToken) -> dict[str, Json]:
    """What the recipient says about request and answer; the holder says it too, having made the answer."""
    consent = consenting.consent_in(request)
    if consent is None:
        raise UsageError("usage.argument", "a receipt for a request without a consent")
    return {
        "consent": consent.digest,
        "request": _digest(_canonical(_asked(request))),
        "confirmation": _digest(_confirmation(request, token).encode()),
        "answer": {id_: [_digest(each.encode()) for each in presented] for id_, presented in token.items()},
        "disclosed": {id_: _shown(request, id_, presented) for id_, presented in token.items()},
    }


def _shown(request: AuthorizationRequest, id_: str, presented: Iterable[str]) -> list[Json]:
    """The paths that answer a query; more is in no answer that is accepted."""
    asked = request.query.get(id_)
    if asked is None:
        return []
    credentials = [FORMATS[asked.format].open(each).check_disclosures() for each in presented]
    claims = [claim for credential in credentials for claim in asked.answered(credential) or ()]
    return [list(path) for path in dict.fromkeys(claim.path for claim in claims)]


def _confirming(request: AuthorizationRequest, answered: Iterable[str]) -> str:
    """The query that is answered by whoever confirms the consent; ``policy.transaction_data`` where none is."""
    main = main_in(request) or invalid("a receipt of a request without a consent")
    bindings = request.bindings(answered).items()
    return next(id_ for id_, binding in bindings if main.raw in binding.transaction_data)


def _confirmation(request: AuthorizationRequest, token: VpToken) -> str:
    id_ = _confirming(request, token)
    asked = request.query.get(id_)
    if asked is None:
        invalid("confirmed with a credential that was not asked for")
    return FORMATS[asked.format].confirmation(token[id_][0])


def _as_of(trust: TrustList, at: datetime) -> TrustList:
    """The list for what was signed before it or in its time: an anchor says itself from when on it is distrusted."""
    return replace(trust, since=min(trust.since, at), until=max(trust.until, at + _MOMENT))
