"""Whole resident numbers: shown only to those whom an Act or decree lets ask for them.

Consent is not enough (Personal Information Protection Act, article 24-2), so a wallet refuses in its holder's place
unless the trust list has a law for whoever asks (:attr:`ewallet.anchor.TrustAnchor.rrn_legal_basis`). Which claims are
such numbers is said by their kind; the masked form is a claim of its own and is shown like any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NoReturn

from ewallet.answer import Answer, Choice
from ewallet.catalog import Catalog
from ewallet.catalog.claims import Pattern
from ewallet.catalog.kinds import CredentialType
from ewallet.credential import Path, covers, lookup
from ewallet.errors import ProtocolError
from ewallet.oid4vp import AuthorizationRequest
from ewallet.shape import Json


def lawful(request: AuthorizationRequest, catalog: Catalog) -> AuthorizationRequest:
    """The request, unless it names such a number without a law for it; ``request.no_legal_basis``."""
    for query in request.query.credentials if not request.rrn_legal_basis else ():
        for kind in filter(None, map(catalog.by_type_id, query.type_ids)):
            if any(_is_number(kind, claim.path) for claim in query.claims):
                _refuse()
    return request


def check_leaving(request: AuthorizationRequest, answer: Answer, catalog: Catalog) -> None:
    """Return if no such number would leave without a law, not even within what was asked; as :func:`lawful`."""
    lawful(request, catalog)
    if not request.rrn_legal_basis and any(_discloses(choice, catalog) for choice in answer.choices):
        _refuse()


def check_delegated(answer: Answer, catalog: Catalog) -> None:
    """Return if no such number would be given to a delegate, whom no law lets have one."""
    if any(_discloses(choice, catalog) for choice in answer.choices):
        _refuse()


def check_provided(asked: Iterable[tuple[CredentialType, Iterable[Pattern]]], legal_basis: str) -> None:
    """As :func:`lawful`, for claims of kinds that agencies are to provide to somebody with that law, or with none."""
    for kind, paths in asked if not legal_basis else ():
        if any(covers(path, number[: len(path)]) for path in paths for number in kind.numbers):
            _refuse()


def _discloses(choice: Choice, catalog: Catalog) -> bool:
    credential = choice.candidate.credential
    kind = catalog.by_type_id(credential.type_id)
    shown = ((path, value) for path in choice.paths for _, value in lookup(credential.claims, path))
    return kind is not None and any(_is_number(kind, leaf) for path, value in shown for leaf in _leaves(value, path))


def _leaves(value: Json, path: Path) -> Iterator[Path]:
    """The paths of what is in a value, rows and objects taken apart."""
    if isinstance(value, dict | list):
        for step, member in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _leaves(member, (*path, step))
    else:
        yield path


def _is_number(kind: CredentialType, path: Path) -> bool:
    claim = kind.claim(path)
    return claim is not None and claim.sensitivity == "rrn"


def _refuse() -> NoReturn:
    detail = "a resident number is asked for, and the trust list has no legal basis for whoever asks"
    raise ProtocolError("request.no_legal_basis", detail, error="access_denied")
