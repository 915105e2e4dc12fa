"""What a relying party wants beyond a valid credential, as values that combine.

A policy has one method, :meth:`Policy.check`. An empty :class:`AllOf` is an error, because "no rule" is too easily
an oversight; what is lax is called ``Unsafe``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from ewallet.credential import Credential
from ewallet.errors import PolicyError, StatusError, UsageError, ValidityError, VerificationError


class Policy(Protocol):
    """A relying party's rule."""

    def check(self, credential: Credential, at: datetime) -> None:
        """Return if the rule holds; raise a :class:`ewallet.errors.VerificationError` if not."""


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
        for policy in self.policies:
            policy.check(credential, at)


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
        for policy in self.policies[:-1]:
            try:
                return policy.check(credential, at)
            except VerificationError:
                continue
        return self.policies[-1].check(credential, at)


@dataclass(frozen=True)
class AcceptTypes:
    """Only these credential types (``vct`` or docType)."""

    types: frozenset[str]

    def check(self, credential: Credential, at: datetime) -> None:
        """``policy.vct_not_accepted``."""
        if credential.type_id not in self.types:
            raise PolicyError("policy.vct_not_accepted", "a type that is not accepted here")


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
