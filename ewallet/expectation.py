"""Whom a request expects to answer: the person themselves, unless it says who acts for them, and in which case (대리).

It is said in ``verifier_info`` (OpenID4VP 1.0 §5.1), which is signed with the request and which wallets of other houses
ignore::

    {"format": "urn:example:kr-ewallet:acting:1", "data": {"as": "delegate", "case": "2026-가상-0001"}}

A wallet answers with what :func:`fits` it, and whoever asked judges the answer by the same words (:func:`acting`).
Where a consent is asked for, it names both people, and they must be those who answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, cast, get_args

from ewallet.acting import OWN, Act, Acting, Guardian, Official, Proxy, Role, is_line
from ewallet.consent import Consent
from ewallet.consent.consenting import consent_in
from ewallet.credential import Credential
from ewallet.delegation import Delegate, Delegated, Expected, Terms, query_digest
from ewallet.errors import ConsentError, Malformed, UsageError
from ewallet.formats import BoundConfirmation, Confirmation, Evidence
from ewallet.formats.sdjwt import SdJwt
from ewallet.keys import PublicKey
from ewallet.oid4vp import AuthorizationRequest, invalid
from ewallet.shape import Json, instance, member, optional

FORMAT: Final = "urn:example:kr-ewallet:acting:1"
_ALONE: Final = frozenset({"guardian"})  # acts in any case, and names none


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """Somebody who acts for the person, in this case; ``usage.argument`` for one that nobody could meet.

    A guardian acts in any case and has none; a delegate and an official act in one.
    """

    role: Role
    case: str = ""

    def __post_init__(self) -> None:
        if self.role not in get_args(Role):
            raise UsageError("usage.argument", f"expected one of {', '.join(get_args(Role))}")
        if (self.role in _ALONE) == bool(self.case) or (self.case and not is_line(self.case)):
            raise UsageError("usage.argument", "a guardian acts without a case, a delegate and an official in one")

    @classmethod
    def read(cls, found: Mapping[str, Json]) -> Expectation:
        """Of its members, ``as`` and ``case``; ``malformed.claim_type``, ``usage.argument``."""
        return cls(role=cast("Role", member(found, "as", str)), case=optional(found, "case", str) or "")

    @classmethod
    def of(cls, request: AuthorizationRequest) -> Expectation | None:
        """That of a request, None where it expects the person themselves; ``request.invalid``."""
        found = [info["data"] for info in request.verifier_info if info["format"] == FORMAT]
        if not found:
            return None
        try:
            (only,) = found
            return cls.read(instance(only, dict, "who is expected"))
        except (Malformed, UsageError, ValueError):
            invalid("who is expected to answer is said twice, or in words that nobody knows")

    def info(self) -> dict[str, Json]:
        """The item of ``verifier_info``."""
        return {"format": FORMAT, "data": {"as": self.role, **({"case": self.case} if self.case else {})}}


def fits(expected: Expectation | None, credential: Credential) -> bool:
    """Whether its holder may answer with it: a person with their own, and who acts with what says so.

    A delegate answers with nothing that they hold themselves.
    """
    act = Act.of(credential.claims)
    if expected is None or act is None:
        return expected is None and act is None
    case = act.mandate.case if act.mandate else ""
    return (expected.role, expected.case) == (act.proxy.role, case)


def acting(request: AuthorizationRequest) -> Acting:
    """How an answer to the request is judged: by whom it expects, and whom its consent names; ``request.invalid``."""
    expected, consent = Expectation.of(request), consent_in(request)
    judged = _acting(expected, request, consent) if expected else OWN
    return Named(judged, consent) if consent else judged


def expected_of_delegate(request: AuthorizationRequest) -> Expected:
    """What a delegation must be for, to be an answer; ``consent.authority`` where no delegate is expected."""
    expected, consent = Expectation.of(request), consent_in(request)
    if expected is None or expected.role != "delegate":
        raise ConsentError("consent.authority", "a request that expects no delegate")
    return Expected(
        query=query_digest(request.query),
        case=expected.case,
        recipient=request.client_id,
        consent=consent.scope if consent else None,
    )


def terms_for(
    request: AuthorizationRequest, *, delegate: PublicKey, delegate_name: str, principal: str, until: datetime
) -> Terms:
    """What a person signs so that a delegate may answer requests like this one, of this very recipient.

    Raises ``consent.authority`` where none is expected, or where the consent to be given names other people.
    """
    expected = expected_of_delegate(request)
    terms = Terms(
        delegate=delegate,
        delegate_name=delegate_name,
        principal=principal,
        query=request.query,
        case=expected.case,
        until=until,
        recipient=expected.recipient,
        consent=expected.consent,
    )
    check_proxy(consent_in(request), terms.proxy)
    return terms


def confirming(request: AuthorizationRequest, half: BoundConfirmation) -> BoundConfirmation:
    """What shows that a consent was confirmed, judged as the answer was: a delegate's as a delegate's."""
    expected = Expectation.of(request)
    if expected is None or expected.role != "delegate" or not isinstance(half, SdJwt):
        return half
    wanted = expected_of_delegate(request)
    return Delegated(half, wanted.query, wanted.case, wanted.consent)


def proxy_in(half: Confirmation) -> Proxy | None:
    """Both people, by what shows that a consent was confirmed; what is signed of it has been checked."""
    if isinstance(half, Delegated):
        return half.statement.proxy
    act = Act.of(half.payload) if isinstance(half, SdJwt) else None
    return act.proxy if act else None


def check_proxy(consent: Consent | None, proxy: Proxy | None) -> None:
    """Return if a consent names just those who answer; ``consent.authority``."""
    if consent is not None and consent.acting != proxy:
        raise ConsentError("consent.authority", "the consent names other people than those who answer")


def _acting(expected: Expectation, request: AuthorizationRequest, consent: Consent | None) -> Acting:
    if expected.role == "guardian":
        return Guardian()
    if expected.role == "official":
        return Official(expected.case)
    return Delegate(request.query, expected.case, consent.scope if consent else None)


@dataclass(frozen=True)
class Named:
    """As ``judged``, and a consent that is confirmed with the answer names the same people."""

    judged: Acting
    consent: Consent

    def evidence(self, shown: Evidence) -> Evidence:
        return self.judged.evidence(shown)

    def check(self, shown: Sequence[Evidence], credentials: Sequence[Credential], audience: str, at: datetime) -> None:
        self.judged.check(shown, credentials, audience, at)
        told = self.judged.told(shown, credentials)
        check_proxy(self.consent, Proxy.told(told) if told else None)

    def once(self, shown: Sequence[Evidence], credentials: Sequence[Credential]) -> tuple[tuple[str, datetime], ...]:
        return self.judged.once(shown, credentials)

    def told(self, shown: Sequence[Evidence], credentials: Sequence[Credential]) -> Mapping[str, Json] | None:
        return self.judged.told(shown, credentials)
