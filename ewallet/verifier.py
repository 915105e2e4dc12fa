"""The verifier: asks, and judges what comes, rung by rung, the same for every format.

The ladder follows "VP Token Validation" of OpenID4VP 1.0 (§8.6), and one rule besides: nothing is fetched for
something that is not yet authentic. So status lists, and revocation lists of certificates, are asked for only when
signature, trust, holder, time and query have held.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, Protocol

from ewallet import answer as answers
from ewallet import policy as policies
from ewallet import verdict as verdicts
from ewallet.acting import OWN, Acting
from ewallet.answer import Candidate
from ewallet.credential import Binding, Credential
from ewallet.dcql import Query
from ewallet.env import Env
from ewallet.errors import AlreadyUsed, BindingError, EWalletError, Malformed, TrustError
from ewallet.flow import Flow, Send, offline, run
from ewallet.formats import Evidence
from ewallet.oid4vp import AuthorizationRequest
from ewallet.policy import Policy, SamePerson, StatusFresh
from ewallet.presented import Answered, Shown, taken_apart
from ewallet.revocation import Crls, CrlStore
from ewallet.shape import Json, to_base64url
from ewallet.statuses import StatusStore, StatusTokens
from ewallet.trust import TrustList, TrustPath, TrustPaths
from ewallet.verdict import Accepted, Check, Rung, Verdict

if TYPE_CHECKING:  # for the sake of verifiers whom nobody sends packages
    from ewallet.package import Delivered, Receiving

LIFE: Final = timedelta(minutes=5)  # of a request: long enough to find the phone
_FRESH: Final = StatusFresh()
_SAME_PERSON: Final = SamePerson()

#: The rungs in order.
LADDER: Final = ("format", "issuer", "signature", "disclosures", "holder", "validity", "query", "status", "policy")


class VerifierStore(StatusStore, CrlStore, Protocol):
    """What a verifier must not forget. Every method is one transaction, on disk when it returns."""

    def take_nonce(self, nonce: str, until: datetime) -> None:
        """Use up a nonce, for as long as its request lives; :class:`AlreadyUsed` the second time."""


class Printout(Protocol):
    """A certificate on paper that somebody handed in: a file, or the code on a picture of it."""

    @property
    def evidence(self) -> Evidence:
        """What is signed of it."""

    def check_page(self, credential: Credential) -> None:
        """Return if what is printed, as far as it was read, is what is signed; ``paper.text_differs``."""

    def check_seal(self) -> tuple[bytes, ...]:
        """The DER certificates of whoever sealed the file, none where there is no file; ``paper.seal_invalid``."""


class Verifier:
    """Asks for credentials and judges what comes.

    ``client_id`` is whom holders bind their answers to. ``trust`` says whom to believe; ``send`` fetches status and
    revocation lists, :func:`ewallet.flow.offline` where nothing may be fetched. ``policy`` is what is wanted beyond a
    valid credential, ``status`` how fresh these lists must be, None to waive them. A presentation that discloses more
    than was asked is rejected, unless ``drop_extra`` lets the surplus fall away.
    """

    def __init__(
        self,
        client_id: str,
        *,
        trust: TrustList,
        store: VerifierStore,
        send: Send = offline,
        policy: Policy | None = None,
        status: StatusFresh | None = _FRESH,
        drop_extra: bool = False,
        env: Env | None = None,
    ) -> None:
        self.client_id = client_id
        self.send = send
        self._env = env or Env()
        crls = Crls(store)
        self._means = _Means(
            issuers=TrustPaths(trust, "issuer"),
            crls=crls,
            statuses=StatusTokens(trust, store, crls),
            store=store,
            policy=policy,
            status=status,
            drop_extra=drop_extra,
        )

    def ask(
        self,
        query: Query,
        *,
        purpose: str,
        life: timedelta = LIFE,
        verifier_info: Iterable[Mapping[str, Json]] = (),
    ) -> AuthorizationRequest:
        """A request with a fresh nonce, to be answered within its life."""
        at = self._env.now()
        return AuthorizationRequest(
            client_id=self.client_id,
            nonce=to_base64url(self._env.random(24)),
            query=query,
            purpose=purpose,
            issued=at,
            until=at + life,
            verifier_info=tuple(verifier_info),
        )

    def verify(
        self, presented: Answered, request: AuthorizationRequest | Binding | None, *, acting: Acting | None = None
    ) -> Verdict:
        """The verdict on an answer to a request: a ``vp_token``, or one presentation where one credential was asked.

        With a :class:`Binding` alone the query is not judged; with neither, the holder's rung fails. ``acting`` says
        whom to expect, unless the request does (:class:`ewallet.expectation.Expectation`).
        """
        return run(self.judge(presented, request, acting=acting), self.send)

    def judge(
        self,
        presented: Answered,
        request: AuthorizationRequest | Binding | None,
        *,
        use_up: bool = True,
        acting: Acting | None = None,
    ) -> Flow[Verdict]:
        """As :meth:`verify`, as a flow for whoever drives it.

        Without ``use_up`` the nonce of the request is left to the caller, who uses it up with the verdict.
        """
        if isinstance(request, AuthorizationRequest):
            acting = acting or _expected(request)
            terms = _Terms(query=request.query, binding=request.binding, until=request.until, request=request)
        else:
            terms = _Terms(binding=request)
        return self._verify(presented, replace(terms, acting=acting or OWN), use_up=use_up)

    def unsafe_verify_unbound(self, presented: Answered) -> Verdict:
        """The verdict on a presentation that anybody may have copied: the holder is not checked, and it says so."""
        return run(self._verify_unbound(presented), self.send)

    def verify_paper(self, read: Callable[[], Printout]) -> Verdict:
        """The verdict on a certificate on paper, which is read on the first rung.

        Anybody may have copied it, and the holder's rung says so: ``holder_not_bound``.
        """
        return run(self._verify_paper(read), self.send)

    def verify_package(self, raw: bytes | str, receiving: Receiving) -> Verdict:
        """The verdict on a package: made for this recipient and key, on record, and what its consent covers.

        In the place of a holder stands the recipient. The claims are named by the ids of their kinds.
        """
        return run(self._verify_package(raw, receiving), self.send)

    def put_status_token(self, raw: str | bytes) -> None:
        """Take a status list token that came some other way, as one that was fetched; ``status.token_invalid``."""
        self._means.statuses.put(raw, self._env.now())

    def put_crl(self, raw: bytes) -> None:
        """Take a revocation list, DER or PEM, that came some other way; ``trust.revocation_unknown``."""
        self._means.crls.put(raw, self._env.now())

    def _verify(self, presented: Answered, terms: _Terms, *, use_up: bool) -> Flow[Verdict]:
        at = self._env.now()
        climb = _Climb(self._means, terms, at)
        checks = yield from verdicts.climb(climb.rungs(lambda: climb.open(presented)))
        judged = climb.use_up(checks) if use_up else checks
        verdict = verdicts.decide(judged, at, climb.claims, climb.acting, climb.once, climb.left_out)
        return self._settled(verdict) if use_up and isinstance(verdict, Accepted) else verdict

    def _verify_unbound(self, presented: Answered) -> Flow[Verdict]:
        return self._verify(presented, _Terms(unbound="unsafe_no_binding"), use_up=False)

    def _verify_paper(self, read: Callable[[], Printout]) -> Flow[Verdict]:
        climb = _Climb(self._means, _Terms(unbound="holder_not_bound"), self._env.now())
        return climb.verdict(lambda: climb.lay_down(read()))

    def _verify_package(self, raw: bytes | str, receiving: Receiving) -> Flow[Verdict]:
        climb = _Climb(self._means, _Terms(binding=receiving.binding), self._env.now(), receiving)
        return climb.verdict(lambda: climb.unpack(receiving.open(raw)))

    def _settled(self, verdict: Accepted) -> Verdict:
        """The verdict, after what it uses up beside the nonce is used up."""
        try:
            for used, until in verdict.once:
                self._means.store.take_nonce(used, until)
        except AlreadyUsed:
            return verdict.used_before()
        return verdict


@dataclass(frozen=True, kw_only=True)
class _Means:
    """What a verifier judges with, the same for every presentation."""

    issuers: TrustPaths
    crls: Crls
    statuses: StatusTokens
    store: VerifierStore
    policy: Policy | None
    status: StatusFresh | None
    drop_extra: bool


@dataclass(frozen=True, kw_only=True)
class _Terms:
    """What a presentation is judged by; ``unbound`` says why its holder is not."""

    query: Query | None = None
    binding: Binding | None = None
    until: datetime | None = None
    request: AuthorizationRequest | None = None
    unbound: str | None = None
    acting: Acting = OWN


class _Climb:
    """One presentation, or several in one answer, on the way up; a rung holds if it holds for each of them."""

    def __init__(self, means: _Means, terms: _Terms, at: datetime, receiving: Receiving | None = None) -> None:
        self._means = means
        self._terms = terms
        self._at = at
        self._shown: list[Shown] = []
        self._paths: list[TrustPath] = []
        self._credentials: list[Credential] = []
        self._printouts: list[Printout] = []
        self._receiving = receiving
        self._delivered: Delivered | None = None

    def rungs(self, opening: Callable[[], None]) -> tuple[Rung, ...]:
        """The ladder, in order."""
        terms, status = self._terms, self._means.status
        return (
            Rung("format", opening),
            Rung("issuer", self._check_issuer),
            Rung("signature", self._check_signature),
            Rung("disclosures", self._check_disclosures),
            Rung("holder", self._check_holder, waived=terms.unbound),
            Rung("validity", self._check_validity),
            Rung("query", self._check_query, waived=None if terms.query or self._receiving else "no_query"),
            Rung("status", self._check_status, waived=None if status else "unsafe_skip_status"),
            Rung("policy", self._check_policy),
        )

    def verdict(self, opening: Callable[[], None]) -> Flow[Verdict]:
        """The verdict of all rungs, nothing used up."""
        checks = yield from verdicts.climb(self.rungs(opening))
        return verdicts.decide(checks, self._at, self.claims)

    def claims(self) -> dict[str, Json]:
        """What was asked and nothing else; where nothing in particular was, all that belongs to the person."""
        if self._terms.query:
            return answers.asked_claims(self._terms.query, self._presented())
        return {
            self._name(credential): {k: v for k, v in credential.claims.items() if k not in credential.registered}
            for credential in self._credentials
        }

    def acting(self) -> Mapping[str, Json] | None:
        """Both people, where somebody acts for the person."""
        return self._terms.acting.told(self._evidence, self._credentials)

    def left_out(self) -> tuple[str, ...]:
        """The names of what was asked as optional and not given."""
        query = self._terms.query
        return answers.left_out(query, (shown.query_id for shown in self._shown)) if query else ()

    def once(self) -> tuple[tuple[str, datetime], ...]:
        """What is used up beside the nonce."""
        return self._terms.acting.once(self._evidence, self._credentials)

    @property
    def _evidence(self) -> list[Evidence]:
        return [shown.evidence for shown in self._shown]

    def _name(self, credential: Credential) -> str:
        return self._delivered.name(credential) if self._delivered else credential.type_id

    def use_up(self, checks: tuple[Check, ...]) -> tuple[Check, ...]:
        """The record, after the nonce of an authentic answer is used up: a second answer fails the holder's rung.

        An answer that nobody authentic made does not use it up, nor one that could not be judged: it may come again.
        """
        binding, record = self._terms.binding, {check.name: check.outcome for check in checks}
        if binding is None or record["holder"] != "passed" or "unknown" in record.values():
            return checks
        try:
            self._means.store.take_nonce(binding.nonce, self._terms.until or self._at + LIFE)
        except AlreadyUsed:
            return verdicts.failed_at("holder", checks, "replay.response_used", "this was answered before")
        return checks

    def open(self, presented: Answered) -> None:
        """Take an answer apart."""
        take = self._terms.acting.evidence
        self._shown.extend(
            replace(each, evidence=take(each.evidence)) for each in taken_apart(presented, self._terms.query)
        )

    def unpack(self, delivered: Delivered) -> None:
        """Take what is in a package as what is shown."""
        self._delivered = delivered
        self._shown.extend(Shown(query_id="", format="", evidence=each) for each in delivered.members)

    def lay_down(self, printout: Printout) -> None:
        """Take what is on paper as the one thing that is shown."""
        self._printouts.append(printout)
        self._shown.append(Shown(query_id="", format="", evidence=printout.evidence))

    def _check_issuer(self) -> None:
        for shown in self._shown:
            evidence = shown.evidence
            path = self._means.issuers.check(evidence.chain, self._at, type_id=evidence.type_id)
            path.check_issuer(evidence.issuer)
            self._paths.append(path)

    def _check_signature(self) -> None:
        for shown, path in zip(self._shown, self._paths, strict=True):
            shown.evidence.check_signature(path.key)

    def _check_disclosures(self) -> None:
        self._credentials.extend(shown.evidence.check_disclosures() for shown in self._shown)
        for printout in self._printouts:
            printout.check_page(self._credentials[0])
            self._paths.extend(self._sealed_by(printout.check_seal()))

    def _sealed_by(self, chain: tuple[bytes, ...]) -> Iterable[TrustPath]:
        """The path of whoever sealed a file, below the very anchor of whoever signed what is attached to it."""
        if not chain:
            return ()
        path = self._means.issuers.check(chain, self._at, type_id=self._shown[0].evidence.type_id)
        if path.anchor != self._paths[0].anchor:
            raise TrustError("trust.issuer_mismatch", "the file is sealed under another authority than its credential")
        return (path,)

    def _check_holder(self) -> str | None:
        terms = self._terms
        if terms.binding is None and not terms.unbound:
            raise BindingError("kb.missing", "no request, or nonce and audience, to compare with")
        if terms.until and self._at >= terms.until:
            raise BindingError("kb.nonce", "the request was over before it was answered")
        bindings = self._bindings()
        for shown in self._shown:
            shown.evidence.check_binding(bindings[shown.query_id], self._at)
        if self._delivered:
            self._delivered.check_handed_over()
        terms.acting.check(self._evidence, self._credentials, terms.binding.audience if terms.binding else "", self._at)
        return None if all(bindings.values()) else "kb.missing"  # a query may say that it wants no binding

    def _bindings(self) -> Mapping[str, Binding | None]:
        """What the presentations of each query must be bound to, with the transactions they confirm."""
        answered, request = [shown.query_id for shown in self._shown], self._terms.request
        if request is None:
            return dict.fromkeys(answered, self._terms.binding)
        bound = {query.id for query in request.query.credentials if query.holder_binding}
        return {id_: binding if id_ in bound else None for id_, binding in request.bindings(answered).items()}

    @contextmanager
    def _about(self, shown: Shown) -> Iterator[None]:
        """While one of several answers is looked at: what is wrong is wrong with that one."""
        try:
            yield
        except EWalletError as exc:
            asked = self._terms.query.get(shown.query_id) if self._terms.query else None
            exc.members = (asked.name,) if asked and len(self._shown) > 1 else ()
            raise

    def _check_validity(self) -> None:
        for shown, credential in zip(self._shown, self._credentials, strict=True):
            with self._about(shown):
                credential.check_validity(self._at)

    def _check_query(self) -> None:
        if self._delivered:
            self._delivered.check_consented(self._credentials)
        elif self._terms.query:
            answers.check(self._terms.query, self._presented(), drop_extra=self._means.drop_extra)
        elif len({credential.type_id for credential in self._credentials}) < len(self._credentials):
            raise Malformed("malformed.vp_token", "two presentations of one type, and no query that asked for them")

    def _presented(self) -> dict[str, list[Candidate]]:
        presented: dict[str, list[Candidate]] = {}
        for shown, path, credential in zip(self._shown, self._paths, self._credentials, strict=True):
            candidate = Candidate(id=shown.query_id, credential=credential, authorities=path.authorities)
            presented.setdefault(shown.query_id, []).append(candidate)
        return presented

    def _check_status(self) -> Flow[str | None]:
        reservation, fresh = None, self._means.status
        if fresh is None:
            return None
        for path in self._paths:
            yield from self._means.crls.check(path, fresh, self._at)
        for shown, credential in zip(self._shown, self._credentials, strict=True):
            with self._about(shown):
                found = yield from self._means.statuses.check(credential, fresh, self._at)
            reservation = found or reservation
        return reservation

    def _check_policy(self) -> None:
        _SAME_PERSON.check_answer(self._asked_who(), self._at)
        if self._means.policy:
            policies.check(self._means.policy, self._credentials, self._at)

    def _asked_who(self) -> list[Credential]:
        """The credentials of the queries that ask for a reference to a person: all must be about one."""
        query = self._terms.query
        who = {asked.id for asked in query.credentials if asked.asks_who} if query else set()
        return [c for shown, c in zip(self._shown, self._credentials, strict=True) if shown.query_id in who]


def _expected(request: AuthorizationRequest) -> Acting:
    """Whom a request expects; what it takes to read that is not loaded for the many that say nothing of it."""
    if not (request.verifier_info or request.transaction_data):
        return OWN
    from ewallet.expectation import acting

    return acting(request)
