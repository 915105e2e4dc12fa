"""Delegation (위임): a person lets somebody else show a credential of theirs, for one query in one case, until a time.

The person's wallet selects what may be shown and signs, with the key that the credential is bound to, a statement of
its own type, ``delegation+jwt``, in the place of a key binding. The delegate keeps it, and shows it with a proof of
their own key, ``delegate-proof+jwt``, separated by a comma::

    <issuer's jwt>~<disclosure>~...~<delegation+jwt>,<delegate-proof+jwt>

    delegation:  iat, exp, sd_hash, delegate: {jkt, name}, principal: {name}, query, case, and aud where it is for one
                 recipient only; query is the SHA-256 of the DCQL query in RFC 8785 spelling
    proof:       iat, aud, nonce, delegation: the SHA-256 of the delegation, and the transactions it confirms; its
                 header has the delegate's jwk (RFC 7638 thumbprint: jkt)

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
from ewallet.shape import Json, member, numeric_date, optional, to_base64url

TYP: Final = "delegation+jwt"
PROOF_TYP: Final = "delegate-proof+jwt"
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

    ``principal`` is the name of the person who delegates.
    """

    delegate: PublicKey
    delegate_name: str
    principal: str
    query: Query
    case: str
    until: datetime
    recipient: str | None = None

    def check(self, at: datetime) -> None:
        """Return if they end in a time that is to come and not too far off; ``usage.argument``."""
        if not timedelta() < self.until - at <= MAX_LIFE:
            raise UsageError("usage.argument", f"a delegation is for at most {MAX_LIFE.days} days")


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
    claims: dict[str, Json] = {
        "iat": int(at.timestamp()),
        "exp": int(terms.until.timestamp()),
        "sd_hash": sd_hash,
        "delegate": {"jkt": terms.delegate.thumbprint, "name": terms.delegate_name},
        "principal": {"name": terms.principal},
        "query": query_digest(terms.query),
        "case": terms.case,
    }
    if terms.recipient is not None:
        claims["aud"] = terms.recipient
    return shown + jose.sign(TYP, claims, signer)


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
    """A verifier expects a delegate, with what was delegated for this query in this case (:class:`..acting.Acting`)."""

    query: Query
    case: str

    def evidence(self, shown: Evidence) -> Evidence:
        if not isinstance(shown, SdJwt):
            raise BindingError("kb.missing", "a format without delegation")
        return Delegated(shown, query_digest(self.query), self.case)

    def check(self, shown: Sequence[Evidence], credentials: Sequence[Credential], _to: str, _at: datetime) -> None:
        if any(ACT in credential.claims for credential in credentials):
            raise ConsentError("consent.authority", "a delegation by somebody who acts for another")
        names = {name for each in credentials for key in _NAMES if isinstance(name := each.claims.get(key), str)}
        if len({(each.agent, each.principal) for each in _delegated(shown)}) != 1:
            raise ConsentError("consent.authority", "delegations by several people, or to several")
        if not names <= {each.principal for each in _delegated(shown)}:
            raise ConsentError("consent.authority", "a delegation in another name than the credential's")

    def once(self, _credentials: Sequence[Credential]) -> tuple[tuple[str, datetime], ...]:
        return ()

    def told(self, shown: Sequence[Evidence], _credentials: Sequence[Credential]) -> Mapping[str, Json]:
        """Both people, by the names that the person signed."""
        first = next(_delegated(shown))
        jkt, name = first.agent
        people = {"principal": {"name": first.principal}, "agent": {"name": name, "jkt": jkt}}
        return {"as": "delegate", **people, "case": self.case}


@dataclass(eq=False)
class Delegated:
    """A presentation by a delegate taken apart; nothing of it believed."""

    shown: SdJwt
    query: str
    case: str

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

    @cached_property
    def _statement(self) -> dict[str, Json]:
        return binding_claims(self._parts[0], self.shown.holder, TYP)

    @property
    def agent(self) -> tuple[str, str]:
        """The thumbprint of the delegate's key, and their name."""
        said = member(self._statement, "delegate", dict)
        return member(said, "jkt", str), member(said, "name", str)

    @property
    def principal(self) -> str:
        """The name of the person who delegated."""
        return member(member(self._statement, "principal", dict), "name", str)

    def check_binding(self, binding: Binding | None, at: datetime) -> None:
        """Return if the person delegated just this, and the delegate shows it for that binding, just now.

        Raises ``kb.*``, ``time.*``, ``consent.authority``, ``consent.recipient``, ``policy.transaction_data``.
        """
        if binding is None:
            raise BindingError("kb.missing", "a delegate answers nothing that asks for no binding")
        self._check_statement(binding, at)
        proof = self._proof()
        check_fresh(proof, at)
        check_addressed(proof, binding)
        if proof.get("delegation") != _digest(self._parts[0]):
            raise BindingError("kb.sd_hash", "the proof of another delegation")
        check_confirmed(proof, binding)

    def _check_statement(self, binding: Binding, at: datetime) -> None:
        said = self._statement
        if said.get("sd_hash") != self.shown.sd_hash:
            raise BindingError("kb.sd_hash", "a delegation of other disclosures")
        since, until = (moment(numeric_date(member(said, name, int), name)) for name in ("iat", "exp"))
        Validity(since, until).check(at)
        if until - since > MAX_LIFE:
            raise ConsentError("consent.authority", f"a delegation for more than {MAX_LIFE.days} days")
        if member(said, "query", str) != self.query or member(said, "case", str) != self.case:
            raise ConsentError("consent.authority", "a delegation for another query or case")
        if optional(said, "aud", str) not in {None, binding.audience}:
            raise ConsentError("consent.recipient", "a delegation for another recipient")

    def _proof(self) -> dict[str, Json]:
        compact = self._parts[1]
        key = PublicKey.of_jwk(member(jose.parse(compact, None, what="the proof").header, "jwk", dict))
        if key.thumbprint != self.agent[0]:
            raise ConsentError("consent.authority", "shown by another than the delegate")
        return binding_claims(compact, key, PROOF_TYP)


def _delegated(shown: Sequence[Evidence]) -> Iterator[Delegated]:
    return (each for each in shown if isinstance(each, Delegated))


def _digest(compact: str) -> str:
    return to_base64url(sha256(compact.encode("ascii")).digest())
