"""Who shows a credential that is about somebody else (대리), and what a verifier expects of them.

A guardian, and an official for somebody who has no phone, hold credentials of their own about the person they act for:
each says so in the claim ``act``, which cannot be withheld (:mod:`ewallet.catalog.acting`). Whoever verifies says whom
they expect: by default the person, and then a credential with ``act`` is refused, because its claims would be taken for
those of whoever stands there. What a person delegates with their own key is :mod:`ewallet.delegation`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final, Literal, Protocol, cast, get_args

from ewallet.catalog.acting import ACT
from ewallet.catalog.kinds import KST
from ewallet.credential import Claims, Credential, Validity, moment
from ewallet.errors import ConsentError, Language, UsageError
from ewallet.formats import Evidence
from ewallet.shape import Json, instance, member, numeric_date, optional, to_base64url

MAX_MANDATE: Final = timedelta(hours=8)  # a working day: who comes again tomorrow is identified again

#: How somebody acts for somebody, in verdicts and in consents.
Role = Literal["delegate", "guardian", "official"]

_SAYS: Final[dict[Language, str]] = {
    "ko": (
        "대리 처리 확인서\n사건: {case}\n본인: {for}\n처리한 공무원: {name} ({office})\n"
        "본인 확인: {identified}\n근거: {law}\n"
        "받는 곳: {aud}\n대신 제출하는 증명서: {kinds}\n효력: {since}부터 {until}까지, 이 사건에 한 번만\n"
        "부탁하지 않은 일이면 위 기관에 알려 주십시오. 즉시 폐지할 수 있습니다.\n"
    ),
    "en": (
        "Confirmation of a mandate\nCase: {case}\nPerson: {for}\nOfficial: {name} ({office})\n"
        "Identified by: {identified}\nLegal basis: {law}\nReceiver: {aud}\nShown on your behalf: {kinds}\n"
        "In force: {since} to {until}, for this case and once\n"
        "If you did not ask for this, tell the office above. It can be revoked at once.\n"
    ),
}


@dataclass(frozen=True, kw_only=True)
class Mandate:
    """What an official may do for a person they have identified: one case, at one recipient, once, within hours."""

    office: str
    identified: str
    case: str
    recipient: str
    since: datetime
    until: datetime


@dataclass(frozen=True, kw_only=True)
class Act:
    """Who acts for whom, and by which law; an official with a mandate."""

    name: str
    principal: str
    law: str
    mandate: Mandate | None = None

    @classmethod
    def of(cls, claims: Claims) -> Act | None:
        """What a credential says about it, or None; ``malformed.claim_type``."""
        if ACT not in claims:
            return None
        said = instance(claims[ACT], dict, ACT)
        mandate = optional(said, "mandate", dict)
        return cls(
            name=member(said, "name", str),
            principal=member(said, "for", str),
            law=member(said, "law", str),
            mandate=_mandate(mandate) if mandate is not None else None,
        )

    @property
    def proxy(self) -> Proxy:
        """Both people by name, and how one acts for the other; ``usage.argument`` for a name that is no line."""
        return Proxy(role="official" if self.mandate else "guardian", principal=self.principal, agent=self.name)

    def claims(self) -> dict[str, Json]:
        """The claim, to be put into a record that is issued to whoever acts; ``usage.argument``."""
        said: dict[str, Json] = {"name": self.name, "for": self.principal, "law": self.law}
        if self.mandate is None:
            return {ACT: said}
        made = self.mandate
        if not timedelta() < made.until - made.since <= MAX_MANDATE:
            raise UsageError("usage.argument", f"a mandate is for at most {MAX_MANDATE}")
        times = {"iat": int(made.since.timestamp()), "exp": int(made.until.timestamp())}
        words = {"office": made.office, "identified": made.identified, "case": made.case, "aud": made.recipient}
        return {ACT: said | {"mandate": words | times}}

    def receipt(self, kinds: Sequence[str], lang: Language = "ko") -> str:
        """What the person takes home on paper: what an official does for them; ``usage.argument`` for no mandate."""
        if self.mandate is None:
            raise UsageError("usage.argument", "no official acts here")
        said = self.claims()[ACT]
        times = {"since": _local(self.mandate.since), "until": _local(self.mandate.until)}
        return _SAYS[lang].format(**said, **said["mandate"], **times, kinds=", ".join(kinds))


@dataclass(frozen=True, kw_only=True)
class Proxy:
    """Who consents in somebody's place, and the person: both by name, since both have to read it."""

    role: Role
    principal: str
    agent: str

    def __post_init__(self) -> None:
        if self.role not in get_args(Role) or not all(map(is_line, (self.principal, self.agent))):
            raise UsageError("usage.argument", "somebody who acts as nobody does, or a name that is no line")

    @classmethod
    def of_json(cls, found: Claims) -> Proxy:
        """As it stands in a consent; ``malformed.claim_type``, ``usage.argument``."""
        role, principal, agent = (member(found, name, str) for name in ("as", "principal", "agent"))
        return cls(role=cast("Role", role), principal=principal, agent=agent)

    @classmethod
    def told(cls, acting: Claims) -> Proxy:
        """As a verdict says it; ``consent.authority`` for a name that is no line."""
        names = (member(member(acting, who, dict), "name", str) for who in ("principal", "agent"))
        try:
            return cls(role=cast("Role", member(acting, "as", str)), principal=next(names), agent=next(names))
        except UsageError as exc:
            raise ConsentError("consent.authority", exc.detail) from None

    def to_json(self) -> dict[str, Json]:
        """The member of a consent."""
        return {"as": self.role, "principal": self.principal, "agent": self.agent}


class Acting(Protocol):
    """Whom a verifier expects to show a credential, and how it is judged that they may."""

    def evidence(self, shown: Evidence) -> Evidence:
        """What is shown, to be judged as theirs; ``kb.missing`` where nothing says that they may."""

    def check(self, shown: Sequence[Evidence], credentials: Sequence[Credential], audience: str, at: datetime) -> None:
        """Return if they may show these; ``consent.*``, ``time.*``."""

    def once(self, shown: Sequence[Evidence], credentials: Sequence[Credential]) -> tuple[tuple[str, datetime], ...]:
        """What is used up with these beside the nonce, and until when it has to be remembered."""

    def told(self, shown: Sequence[Evidence], credentials: Sequence[Credential]) -> Mapping[str, Json] | None:
        """Both people, for the verdict; None where the person themselves is there."""


@dataclass(frozen=True)
class Own:
    """The person themselves: nobody acts for anybody."""

    def evidence(self, shown: Evidence) -> Evidence:
        return shown

    def check(self, _shown: Sequence[Evidence], credentials: Sequence[Credential], _to: str, _at: datetime) -> None:
        if any(ACT in credential.claims for credential in credentials):
            raise ConsentError("consent.authority", "shown by somebody who acts for another, which was not expected")

    def once(self, _shown: Sequence[Evidence], _credentials: Sequence[Credential]) -> tuple[tuple[str, datetime], ...]:
        return ()

    def told(self, _shown: Sequence[Evidence], _credentials: Sequence[Credential]) -> None:
        return None


OWN: Final = Own()


@dataclass(frozen=True)
class Guardian:
    """A parent or guardian, with credentials about their ward that the agency issued to the guardian's own key."""

    def evidence(self, shown: Evidence) -> Evidence:
        return shown

    def check(self, _shown: Sequence[Evidence], credentials: Sequence[Credential], _to: str, _at: datetime) -> None:
        if _act(credentials).mandate is not None:
            raise ConsentError("consent.authority", "an official's mandate, expected a guardian")

    def once(self, _shown: Sequence[Evidence], _credentials: Sequence[Credential]) -> tuple[tuple[str, datetime], ...]:
        return ()

    def told(self, _shown: Sequence[Evidence], credentials: Sequence[Credential]) -> Mapping[str, Json]:
        return _told("guardian", _act(credentials))


@dataclass(frozen=True)
class Official:
    """An official who acts for somebody without a phone, in this case alone."""

    case: str

    def evidence(self, shown: Evidence) -> Evidence:
        return shown

    def check(self, _shown: Sequence[Evidence], credentials: Sequence[Credential], to: str, at: datetime) -> None:
        mandate = _act(credentials).mandate
        if mandate is None or mandate.case != self.case:
            raise ConsentError("consent.authority", "no mandate for this case")
        if mandate.recipient != to:
            raise ConsentError("consent.recipient", "a mandate for another recipient")
        if mandate.until - mandate.since > MAX_MANDATE:
            raise ConsentError("consent.authority", f"a mandate for more than {MAX_MANDATE}")
        Validity(mandate.since, mandate.until).check(at)

    def once(self, _shown: Sequence[Evidence], credentials: Sequence[Credential]) -> tuple[tuple[str, datetime], ...]:
        mandate = _act(credentials).mandate
        said = [json.dumps([each.type_id, each.claims.get(ACT)], sort_keys=True) for each in credentials]
        used = [to_base64url(sha256(f"mandate:{each}".encode()).digest()) for each in said]
        return tuple((each, mandate.until) for each in used if mandate)  # whichever copy of it is shown

    def told(self, _shown: Sequence[Evidence], credentials: Sequence[Credential]) -> Mapping[str, Json]:
        act = _act(credentials)
        return _told("official", act) | {"case": self.case, "office": act.mandate.office if act.mandate else ""}


def _act(credentials: Sequence[Credential]) -> Act:
    """What all of them say; ``consent.authority`` where one says nothing, or something else."""
    said = {Act.of(credential.claims) for credential in credentials}
    only = said.pop() if len(said) == 1 else None
    if only is None:
        raise ConsentError("consent.authority", "nothing, or not all, says who acts for whom")
    return only


def is_line(name: str) -> bool:
    """Whether it is one line of a text that is read before anybody agrees."""
    return bool(name.strip()) and name.isprintable()


def _told(role: Role, act: Act) -> dict[str, Json]:
    return {"as": role, "principal": {"name": act.principal}, "agent": {"name": act.name}, "law": act.law}


def _mandate(said: Claims) -> Mandate:
    since, until = (moment(numeric_date(member(said, name, int), name)) for name in ("iat", "exp"))
    return Mandate(
        office=member(said, "office", str),
        identified=member(said, "identified", str),
        case=member(said, "case", str),
        recipient=member(said, "aud", str),
        since=since,
        until=until,
    )


def _local(at: datetime) -> str:
    return at.astimezone(KST).strftime("%Y-%m-%d %H:%M")
