"""What a holder may give besides, or not: each optional member of a bundle has a consent of its own (선택 동의).

It stands in the request beside the consent to what is required, on the same terms, and is confirmed if its member is
given and otherwise not (:attr:`ewallet.oid4vp.TransactionData.only_with`). So whoever gives nothing optional signs what
they would have signed had nothing optional been asked, and a signature says what was given and no more: confirmed by
the same key binding, one option more or fewer is another signature.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import NoReturn

from ewallet.catalog import Bundle, BundleItem, Catalog
from ewallet.consent.record import TRANSACTION, Consent, item_of
from ewallet.errors import ConsentError, PolicyError, UsageError
from ewallet.oid4vp import AuthorizationRequest, TransactionData


def offer(consent: Consent, bundle: Bundle, offered: Collection[str], catalog: Catalog) -> tuple[Consent, ...]:
    """The optional consents beside one, to these members of its bundle; ``usage.argument`` for what is not optional."""
    items = tuple(item for item in bundle.leavable if item.type_id in offered)
    if len(items) != len({*offered}):
        raise UsageError("usage.argument", "offered are optional members of the bundle")
    if items and (consent.road != "wallet" or _is_by_delegate(consent)):
        raise UsageError("usage.argument", "something optional for a portal or for a delegate")
    return tuple(_option(consent, item, catalog) for item in items)


def _option(consent: Consent, item: BundleItem, catalog: Catalog) -> Consent:
    asked = item_of(item, catalog.type(item.type_id), consent.road)
    return replace(consent, items=(asked,), optional=True).worded(catalog)


def _is_by_delegate(consent: Consent) -> bool:
    """Whether it is given by somebody who was told beforehand what to consent to."""
    return consent.acting is not None and consent.acting.role == "delegate"


def main_in(request: AuthorizationRequest) -> TransactionData | None:
    """The transaction of the consent that is asked for, if one is; ``receipt.invalid``."""
    found = [each for each in request.transaction_data if each.type == TRANSACTION]
    main = [each for each in found if each.only_with is None]
    if len(main) > 1 or (found and not main):
        _invalid("two consents in one request, or an optional one alone")
    return main[0] if main else None


def options_in(request: AuthorizationRequest) -> dict[str, Consent]:
    """The optional consents beside it, by the name of the answer that each goes with; ``receipt.invalid``.

    They are confirmed with whatever confirms the consent, and on its terms.
    """
    main, found = main_in(request), {}
    for transaction in request.transaction_data if main else ():
        name = transaction.only_with
        if main is not None and name is not None and transaction.type == TRANSACTION:
            if name in found:
                _invalid("two optional consents to one member")
            found[name] = _beside(main, transaction)
    return found


def _beside(main: TransactionData, transaction: TransactionData) -> Consent:
    option, consent = Consent.of(transaction), Consent.of(main)
    if (transaction.credential_ids, transaction.hashes) != (main.credential_ids, main.hashes):
        _invalid("an optional consent that is confirmed otherwise than the one beside it")
    if [transaction.only_with] != [item.type_id for item in option.items]:
        _invalid("an optional consent that goes with something else than it is about")
    if option != replace(consent, items=option.items, text=option.text, optional=True):
        _invalid("an optional consent on other terms than the one beside it")
    return option


def taken_up(request: AuthorizationRequest, answered: Iterable[str]) -> tuple[tuple[Consent, bool], ...]:
    """The optional consents, and whether each is given in an answer to these queries; ``receipt.invalid``."""
    names = request.query.names(answered)
    return tuple((option, name in names) for name, option in options_in(request).items())


def check_offered(request: AuthorizationRequest, consent: Consent, bundle: Bundle, catalog: Catalog) -> None:
    """Return if what is optional in the bundle can be refused in the answer, and at no cost; ``consent.scope``."""
    options, proposed = options_in(request), {item.type_id: item for item in bundle.leavable}
    if options.keys() != {*request.query.optional}:
        _beyond("something optional without a consent of its own, or one to what is not")
    if options and _is_by_delegate(consent):
        _beyond("something optional of a delegate")
    for name, option in options.items():
        if name not in proposed or option != _option(consent, proposed[name], catalog):
            _beyond("another optional consent than is proposed for this bundle")
    _check_confirmable(request)


def _check_confirmable(request: AuthorizationRequest) -> None:
    """Return if nobody has to give something optional to be able to confirm; ``consent.scope``."""
    main = main_in(request)
    if main and not request.query.names(main.credential_ids).isdisjoint(request.query.optional):
        _beyond("a consent that is confirmed with something optional")


def _beyond(detail: str) -> NoReturn:
    raise ConsentError("consent.scope", detail)


def _invalid(detail: str) -> NoReturn:
    raise PolicyError("receipt.invalid", detail)
