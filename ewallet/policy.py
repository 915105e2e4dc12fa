"""What a relying party wants beyond a valid credential, as values that combine.

A policy has one method, :meth:`Policy.check`, for each credential of an answer; a rule about all of them together has
:meth:`AnswerPolicy.check_answer` besides. An empty :class:`AllOf` is an error, because "no rule" is too easily
an oversight; what is lax is called ``Unsafe``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable
from unicodedata import normalize

from ewallet.catalog import Catalog
from ewallet.catalog.person import PERSON
from ewallet.credential import Credential
from ewallet.errors import PolicyError, StatusError, UsageError, ValidityError, VerificationError
from ewallet.subject import plain, reference_of


class Policy(Protocol):
    """A relying party's rule."""

    def check(self, credential: Credential, at: datetime) -> None:
        """Return if the rule holds; raise a :class:`ewallet.errors.VerificationError` if not."""


@runtime_checkable
class AnswerPolicy(Policy, Protocol):
    """A rule about all credentials of one answer, as one that combines others is."""

    def check_answer(self, credentials: Sequence[Credential], at: datetime) -> None:
        """Return if the rule holds; raise a :class:`ewallet.errors.VerificationError` if not."""


def check(policy: Policy, credentials: Sequence[Credential], at: datetime) -> None:
    """Return if a rule holds for an answer: for all of it, or for each of its credentials."""
    if isinstance(policy, AnswerPolicy):
        policy.check_answer(credentials, at)
        return
    for credential in credentials:
        policy.check(credential, at)


@dataclass(frozen=True, init=False)
class AllOf:
    """Every one of these rules."""

    policies: tuple[Policy, ...]

    def __init__(self, *policies: Policy) -> None:
        if not policies:
            raise UsageError("usage.argument", "AllOf of no policy, expected at least one")
        object.__setattr__(self, "policies", policies)

    def check(self, credential: Credential, at: datetime) -> None:
        """Return if all of them hold; raise what the first one raises."""
        self.check_answer([credential], at)

    def check_answer(self, credentials: Sequence[Credential], at: datetime) -> None:
        """The same, for all credentials of an answer."""
        for policy in self.policies:
            check(policy, credentials, at)


@dataclass(frozen=True, init=False)
class AnyOf:
    """At least one of these rules."""

    policies: tuple[Policy, ...]

    def __init__(self, *policies: Policy) -> None:
        if not policies:
            raise UsageError("usage.argument", "AnyOf of no policy, expected at least one")
        object.__setattr__(self, "policies", policies)

    def check(self, credential: Credential, at: datetime) -> None:
        """Return if one of them holds; raise what the last one raises."""
        self.check_answer([credential], at)

    def check_answer(self, credentials: Sequence[Credential], at: datetime) -> None:
        """The same, for each credential of an answer by itself, or for all by a rule that is about all."""
        if any(isinstance(policy, AnswerPolicy) for policy in self.policies):
            self._check_any(credentials, at)
            return
        for credential in credentials:
            self._check_any([credential], at)

    def _check_any(self, credentials: Sequence[Credential], at: datetime) -> None:
        for policy in self.policies[:-1]:
            try:
                return check(policy, credentials, at)
            except VerificationError:
                continue
        return check(self.policies[-1], credentials, at)


@dataclass(frozen=True)
class AcceptTypes:
    """Only these credential types (``vct`` or docType)."""

    types: frozenset[str]

    def check(self, credential: Credential, at: datetime) -> None:
        """``policy.vct_not_accepted``."""
        if credential.type_id not in self.types:
            raise PolicyError("policy.vct_not_accepted", "a type that is not accepted here")


@dataclass(frozen=True)
class FitsKind:
    """What is shown of a kind of the catalogue has the values that its file allows: types, listed words, real dates.

    A trusted issuer may be mistaken, and who reads an amount wants a number. Types that the catalogue has not are let
    pass; :class:`AcceptTypes` refuses them.
    """

    catalog: Catalog

    def check(self, credential: Credential, at: datetime) -> None:
        """``policy.type_metadata``, with the place and without the value."""
        kind = self.catalog.by_type_id(credential.type_id)
        if kind is not None:
            kind.check_shown(credential.claims)


@dataclass(frozen=True)
class IssuedWithin:
    """Issued at most this long ago: many receivers want a certificate of the last 90 days."""

    age: timedelta

    def check(self, credential: Credential, at: datetime) -> None:
        """``time.missing`` where it does not say when, ``time.expired`` where that is too long ago."""
        issued = credential.issued or credential.validity.since
        if issued is None:
            raise ValidityError("time.missing", "no iat and no nbf, expected a date of issue")
        if at - issued > self.age:
            raise ValidityError("time.expired", f"issued more than {self.age.days} days ago")


@dataclass(frozen=True)
class RequireExpiry:
    """It must say until when it holds."""

    def check(self, credential: Credential, at: datetime) -> None:
        """``time.missing``."""
        if credential.validity.until is None:
            raise ValidityError("time.missing", "no exp, expected one")


@dataclass(frozen=True)
class RequireStatus:
    """It must say where its status is found."""

    def check(self, credential: Credential, at: datetime) -> None:
        """``status.missing``."""
        if credential.status is None:
            raise StatusError("status.missing", "no status reference, expected one")


@dataclass(frozen=True)
class SamePerson:
    """All certificates of one answer are about one person (OpenID4VP 1.0 §14.5).

    By ``subject_ref`` where each of them has one, else by name and date of birth, which must have been asked for.
    ``persons`` are the pairs of claims by which kinds call these.
    """

    persons: tuple[tuple[str, str], ...] = PERSON

    def check(self, credential: Credential, at: datetime) -> None:
        """One certificate is about one person."""

    def check_answer(self, credentials: Sequence[Credential], at: datetime) -> None:
        """``policy.subject_mismatch``; ``policy.subject_unknown`` where it cannot be told."""
        references = [reference_of(credential.claims) for credential in credentials]
        _check_alike(filter(None, references))  # one that is withheld leaves the others to be compared
        if len(credentials) > 1 and not all(references):
            found = [self._person(dict(plain(credential.claims))) for credential in credentials]
            _check_alike(person for person in found if person)
            if None in found:
                raise PolicyError("policy.subject_unknown", "a certificate without subject_ref, or name and birth date")

    def _person(self, claims: Mapping[str, object]) -> tuple[str, ...] | None:
        """Name and date of birth, as they compare."""
        for names in self.persons:
            values = [claims.get(name) for name in names]
            if all(isinstance(value, str) for value in values):
                return tuple(normalize("NFC", str(value)) for value in values)
        return None


def _check_alike(marks: Iterable[object]) -> None:
    if len(set(marks)) > 1:
        raise PolicyError("policy.subject_mismatch", "certificates of more than one person")


@dataclass(frozen=True, kw_only=True)
class StatusFresh:
    """How the status rung treats what it finds.

    ``stale_for``: how long after its end a status list is still read. ``refresh`` and ``max_age``: after how long to
    look for a newer list, and when one ends, where the list itself does not say. A verdict on a list that is past its
    time to look for a newer one says ``status.stale``. For revocation lists of certificates, which say when they end,
    ``max_age`` is when to look for a newer one. ``unsafe_without_reference`` accepts a credential that names no status
    list, which nobody could have revoked.
    """

    stale_for: timedelta = timedelta(0)
    refresh: timedelta = timedelta(hours=1)
    max_age: timedelta = timedelta(hours=24)
    unsafe_without_reference: bool = False
