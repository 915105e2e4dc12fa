"""Delegation (위임): a person lets somebody else show a credential of theirs, for one query in one case, until a time.

The person's wallet selects what may be shown and signs, with the key that the credential is bound to, a statement of
its own type, ``delegation+jwt``, in the place of a key binding. The delegate keeps it, and shows it with a proof of
their own key, ``delegate-proof+jwt``, separated by a comma::

    <issuer's jwt>~<disclosure>~...~<delegation+jwt>,<delegate-proof+jwt>

    delegation:  iat, exp, sd_hash, delegate: {jkt, name}, principal: {name}, query, case, aud where it is for one
                 recipient only, and consent where the delegate is to give one: what it may say, by its digest; query is
                 the SHA-256 of the DCQL query in RFC 8785 spelling
    proof:       iat, aud, nonce, delegation: the SHA-256 of the delegation, and the transactions it confirms; its
                 header has the delegate's jwk (RFC 7638 thumbprint: jkt)

What the delegate keeps is a file, :class:`Delegation`: the query, and what was signed over for each part of it.

A key binding of the person cannot stand for it, nor it for a key binding. It cannot be handed on: only the key of the
credential delegates, and what was issued to somebody who acts already is not delegated. An mdoc has no place for it,
since its device signs nothing but the transcript of a session.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from hashlib import sha256
from typing import Final

from ewallet import jose
from ewallet.acting import Proxy
from ewallet.catalog.acting import ACT
from ewallet.credential import Binding, Credential, Path, Validity, moment
from ewallet.dcql import Query
from ewallet.errors import BindingError, ConsentError, UsageError
from ewallet.formats import Evidence
from ewallet.formats.sdjwt import (
    SdJwt,
    binding_claims,
    check_addressed,
    check_confirmed,
    check_fresh,
    confirmed,
    select,
)
from ewallet.keys import PublicKey, Signer
from ewallet.shape import MAX_DOCUMENT, Json, json_object, member, numeric_date, optional, refuse, strings, to_base64url

TYP: Final = "delegation+jwt"
PROOF_TYP: Final = "delegate-proof+jwt"
SCHEMA: Final = "ewallet.delegation/1"
MAX_LIFE: Final = timedelta(days=30)  # a case that takes longer is worth asking the person again

_SEPARATOR: Final = ","  # in no JWS
_NAMES: Final = ("name", "subject_name")  # what kinds call the name of whom they are about


def query_digest(query: Query) -> str:
    """What names a query: the SHA-256 of its one spelling."""
    text = json.dumps(query.to_json(), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return to_base64url(sha256(text.encode()).digest())


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What is delegated to whom: the delegate's key and name, the query, the case, until when, and at whom if at one.

    ``principal`` is the name of the person who delegates, ``consent`` the digest of what the delegate may consent to in
    their place (:attr:`ewallet.consent.Consent.scope`).
    """

    delegate: PublicKey
    delegate_name: str
    principal: str
    query: Query
    case: str
    until: datetime
    recipient: str | None = None
    consent: str | None = None

    @property
    def proxy(self) -> Proxy:
        """Both people by name; ``usage.argument`` for a name that is no line."""
        return Proxy(role="delegate", principal=self.principal, agent=self.delegate_name)

    def check(self, at: datetime) -> None:
        """Return if they end in a time that is to come and not too far off; ``usage.argument``."""
        if not timedelta() < self.until - at <= MAX_LIFE:
            raise UsageError("usage.argument", f"a delegation is for at most {MAX_LIFE.days} days")

    def claims(self, at: datetime, sd_hash: str) -> dict[str, Json]:
        """What the person signs over those disclosures."""
        bound = {"aud": self.recipient, "consent": self.consent}
        return {
            "iat": int(at.timestamp()),
            "exp": int(self.until.timestamp()),
            "sd_hash": sd_hash,
            "delegate": {"jkt": self.delegate.thumbprint, "name": self.delegate_name},
            "principal": {"name": self.principal},
            "query": query_digest(self.query),
            "case": self.case,
            **{name: value for name, value in bound.items() if value is not None},
        }


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What a delegate is expected to have: a delegation for this query in this case, at this recipient.

    ``consent`` is the digest of what a consent that is asked for says, None where none is.
    """

    query: str
    case: str
    recipient: str
    consent: str | None = None


@dataclass(frozen=True, kw_only=True)
class Statement:
    """What a person signed for their delegate, taken apart; ``jkt`` is the thumbprint of the delegate's key."""

    jkt: str
    proxy: Proxy
    query: str
    case: str
    since: datetime
    until: datetime
    sd_hash: str
    recipient: str | None
    consent: str | None

    @classmethod
    def of(cls, said: Mapping[str, Json]) -> Statement:
        """Of its claims; ``malformed.claim_type``."""
        delegate, principal = member(said, "delegate", dict), member(said, "principal", dict)
        since, until = (moment(numeric_date(member(said, name, int), name)) for name in ("iat", "exp"))
        return cls(
            jkt=member(delegate, "jkt", str),
            proxy=_proxy(member(principal, "name", str), member(delegate, "name", str)),
            query=member(said, "query", str),
            case=member(said, "case", str),
            since=since,
            until=until,
            sd_hash=member(said, "sd_hash", str),
            recipient=optional(said, "aud", str),
            consent=optional(said, "consent", str),
        )

    def check(self, expected: Expected, at: datetime) -> None:
        """Return if it lets the delegate do just that, at that time.

        Raises ``time.*``, ``consent.authority``, ``consent.recipient``, ``consent.required``.
        """
        Validity(self.since, self.until).check(at)
        if self.until - self.since > MAX_LIFE:
            raise ConsentError("consent.authority", f"a delegation for more than {MAX_LIFE.days} days")
        if (self.query, self.case) != (expected.query, expected.case):
            raise ConsentError("consent.authority", "a delegation for another query or case")
        if self.recipient not in {None, expected.recipient}:
            raise ConsentError("consent.recipient", "a delegation for another recipient")
        if expected.consent is not None and self.consent != expected.consent:
            raise ConsentError(
                "consent.required", "the person let their delegate consent to nothing, or to other things"
            )


def _proxy(principal: str, agent: str) -> Proxy:
    try:
        return Proxy(role="delegate", principal=principal, agent=agent)
    except UsageError:
        refuse("malformed.claim_type", "a name in a delegation that is no line")


@dataclass(frozen=True, kw_only=True)
class Delegation:
    """What a delegate keeps: the query, and by its ids what was signed over to them."""

    query: Query
    delegated: Mapping[str, tuple[str, ...]]

    @classmethod
    def parse(cls, raw: str | bytes) -> Delegation:
        """The delegation of a file, its signatures not looked at; ``malformed.*``, ``limit.*``, ``dcql.invalid``."""
        found = json_object(raw, "the delegation", limit=MAX_DOCUMENT)
        if found.get("schema") != SCHEMA:
            refuse("malformed.claim_type", f"a document of another schema, expected {SCHEMA}")
        delegated = member(found, "delegated", dict)
        made = cls(
            query=Query.parse(member(found, "query", dict)),
            delegated={id_: strings(each, "what was delegated") for id_, each in delegated.items()},
        )
        if len(set(made.people)) != 1:
            refuse("malformed.claim_type", "delegations of no or of several people, or to several")
        if not made.delegated.keys() <= {asked.id for asked in made.query.credentials}:
            refuse("malformed.claim_type", "something was delegated that its query does not ask for")
        return made

    def to_bytes(self) -> bytes:
        """The file."""
        delegated = {id_: list(each) for id_, each in self.delegated.items()}
        return jose.to_json({"schema": SCHEMA, "query": self.query.to_json(), "delegated": delegated})

    @cached_property
    def statements(self) -> tuple[Statement, ...]:
        """What the person signed, credential by credential; ``malformed.*``, ``kb.*``."""
        return tuple(_stated(each) for all_ in self.delegated.values() for each in all_)

    @cached_property
    def credentials(self) -> tuple[Credential, ...]:
        """What was signed over, as it says it, its issuer's signature not looked at."""
        return tuple(SdJwt.parse(each).check_disclosures() for all_ in self.delegated.values() for each in all_)

    @property
    def people(self) -> tuple[tuple[str, Proxy], ...]:
        """Whose key shows each of them, and both people."""
        return tuple((each.jkt, each.proxy) for each in self.statements)

    @property
    def first(self) -> Statement:
        """Any of the statements, which differ in nothing but what they are about."""
        return self.statements[0]

    def check(self, expected: Expected, at: datetime) -> None:
        """Return if all of it is for just that; as :meth:`Statement.check`."""
        for statement in self.statements:
            statement.check(expected, at)


def _stated(delegated: str) -> Statement:
    """What is signed of one credential, by whom it is bound to."""
    shown = SdJwt.parse(delegated)
    if not shown.binding or _SEPARATOR in shown.binding:
        raise BindingError("kb.missing", "no delegation, or one with a proof of a delegate")
    return Statement.of(binding_claims(shown.binding, shown.holder, TYP))


def check_delegable(issued: Evidence) -> None:
    """Return if what an issuer sent can be delegated; ``kb.missing``, ``consent.authority`` for what has ``act``."""
    if not isinstance(issued, SdJwt):
        raise BindingError("kb.missing", "a format without delegation")
    if ACT in issued.payload:
        raise ConsentError("consent.authority", "a delegation by somebody who acts for another")


def delegate(raw: str, paths: Iterable[Path], terms: Terms, signer: Signer, at: datetime) -> str:
    """The held credential with the disclosures for those concrete paths, and what its holder signs for the delegate.

    ``signer`` is the key that the credential is bound to. ``usage.argument`` for a time that is over or too far off.
    """
    terms.check(at)
    shown, sd_hash = select(raw, paths)
    return shown + jose.sign(TYP, terms.claims(at, sd_hash), signer)


def present(delegated: str, binding: Binding, signer: Signer, at: datetime) -> str:
    """What the delegate shows of what was delegated to them, in answer to a request."""
    claims = {
        "iat": int(at.timestamp()),
        "aud": binding.audience,
        "nonce": binding.nonce,
        "delegation": _digest(delegated.rpartition("~")[2]),
        **confirmed(binding),
    }
    return delegated + _SEPARATOR + jose.sign(PROOF_TYP, claims, signer, {"jwk": signer.public.jwk})


@dataclass(frozen=True)
class Delegate:
    """A verifier expects a delegate, with what was delegated for this query in this case (:class:`..acting.Acting`).

    ``consent`` is the digest of what they consent to in the person's place, where they are asked to.
    """

    query: Query
    case: str
    consent: str | None = None

    def evidence(self, shown: Evidence) -> Evidence:
        if not isinstance(shown, SdJwt):
            raise BindingError("kb.missing", "a format without delegation")
        return Delegated(shown, query_digest(self.query), self.case, self.consent)

    def check(self, shown: Sequence[Evidence], credentials: Sequence[Credential], _to: str, _at: datetime) -> None:
        if any(ACT in credential.claims for credential in credentials):
            raise ConsentError("consent.authority", "a delegation by somebody who acts for another")
        people = {(each.jkt, each.proxy) for each in _statements(shown)}
        if len(people) != 1:
            raise ConsentError("consent.authority", "delegations by several people, or to several")
        if not names_in(credentials) <= {proxy.principal for _, proxy in people}:
            raise ConsentError("consent.authority", "a delegation in another name than the credential's")

    def once(self, shown: Sequence[Evidence], _credentials: Sequence[Credential]) -> tuple[tuple[str, datetime], ...]:
        """Each delegation: the person said yes to one showing.

        By what was signed alone: of an ECDSA signature anybody makes a second one that holds as well.
        """
        found = (each for each in shown if isinstance(each, Delegated))
        said = ((each.delegation.rpartition(".")[0], each.statement.until) for each in found)
        return tuple((f"delegation:{_digest(signed)}", until) for signed, until in said)

    def told(self, shown: Sequence[Evidence], _credentials: Sequence[Credential]) -> Mapping[str, Json]:
        """Both people, by the names that the person signed."""
        first = next(_statements(shown))
        agent = {"name": first.proxy.agent, "jkt": first.jkt}
        return {"as": "delegate", "principal": {"name": first.proxy.principal}, "agent": agent, "case": self.case}


@dataclass(eq=False)
class Delegated:
    """A presentation by a delegate taken apart; nothing of it believed."""

    shown: SdJwt
    query: str
    case: str
    consent: str | None = None

    @property
    def chain(self) -> tuple[bytes, ...]:
        """As of what is shown."""
        return self.shown.chain

    @property
    def type_id(self) -> str:
        """As of what is shown."""
        return self.shown.type_id

    @property
    def issuer(self) -> str | None:
        """As of what is shown."""
        return self.shown.issuer

    def check_signature(self, key: PublicKey) -> None:
        """As of what is shown."""
        self.shown.check_signature(key)

    def check_disclosures(self) -> Credential:
        """As of what is shown."""
        return self.shown.check_disclosures()

    @cached_property
    def _parts(self) -> tuple[str, str]:
        found = self.shown.binding.split(_SEPARATOR)
        if len(found) < 2:
            raise BindingError("kb.missing", "no delegation with the proof of a delegate")
        if len(found) > 2:
            raise ConsentError("consent.authority", "a delegation of a delegation")
        return found[0], found[1]

    @property
    def delegation(self) -> str:
        """What the person signed, as it came."""
        return self._parts[0]

    @cached_property
    def statement(self) -> Statement:
        """What the person signed, taken apart; ``kb.*``, ``malformed.claim_type``."""
        return Statement.of(binding_claims(self.delegation, self.shown.holder, TYP))

    def check_binding(self, binding: Binding | None, at: datetime) -> None:
        """Return if the person delegated just this, and the delegate shows it for that binding, just now.

        Raises ``kb.*``, ``time.*``, ``consent.*``, ``policy.transaction_data``.
        """
        if binding is None:
            raise BindingError("kb.missing", "a delegate answers nothing that asks for no binding")
        if self.statement.sd_hash != self.shown.sd_hash:
            raise BindingError("kb.sd_hash", "a delegation of other disclosures")
        self.check_confirmation(binding, at)

    def check_confirmation(self, binding: Binding, at: datetime) -> None:
        """As :meth:`check_binding`, whatever was disclosed with it and is not here any more."""
        expected = Expected(query=self.query, case=self.case, recipient=binding.audience, consent=self.consent)
        self.statement.check(expected, at)
        proof = self._proof()
        check_fresh(proof, at)
        check_addressed(proof, binding)
        if proof.get("delegation") != _digest(self.delegation):
            raise BindingError("kb.sd_hash", "the proof of another delegation")
        check_confirmed(proof, binding)

    @property
    def holder(self) -> PublicKey:
        """The delegate's key, which confirms what is confirmed; ``consent.authority`` for another than was named."""
        key = PublicKey.of_jwk(member(jose.parse(self._parts[1], None, what="the proof").header, "jwk", dict))
        if key.thumbprint != self.statement.jkt:
            raise ConsentError("consent.authority", "shown by another than the delegate")
        return key

    def _proof(self) -> dict[str, Json]:
        return binding_claims(self._parts[1], self.holder, PROOF_TYP)


def names_in(credentials: Iterable[Credential]) -> frozenset[str]:
    """The names of whom they are about, as far as they say."""
    found = (each.claims.get(key) for each in credentials for key in _NAMES)
    return frozenset(name for name in found if isinstance(name, str))


def _statements(shown: Sequence[Evidence]) -> Iterator[Statement]:
    return (each.statement for each in shown if isinstance(each, Delegated))


def _digest(compact: str) -> str:
    return to_base64url(sha256(compact.encode("ascii")).digest())
