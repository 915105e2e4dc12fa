"""Bundles as they are asked of one of several people who are judged together.

Whoever judges has to tell people apart, and to find each in the household that one of them shows. So beside what the
service needs, each shows name and date of birth, if not with a member of the bundle then with an identity credential
that it names, and where the rows of a household are shown, these have both too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from ewallet.catalog.bundles import Bundle, BundleItem
from ewallet.catalog.claims import Pattern
from ewallet.catalog.kinds import CredentialType
from ewallet.catalog.person import PERSON
from ewallet.errors import UsageError

HOUSEHOLD: Final = "household_members"
_WHO: Final = tuple((name,) for name in PERSON[0])
_ROWS: Final = tuple((HOUSEHOLD, None, name) for name in PERSON[0])


def for_case(bundle: Bundle, kind: Callable[[str], CredentialType]) -> Bundle:
    """The bundle as one member of a case is asked for it; ``usage.argument`` where nothing of it says who they are.

    Where no member that is asked of everybody says it, the holder gives one of the identity credentials, as of each
    set in ``one_of``.
    """
    items = tuple(_told(item, kind(item.type_id), bundle) for item in bundle.items)
    if any(item.required and _says_who(item) for item in items):
        return replace(bundle, items=items)
    if any(all(_says_who(item) for item in items if item.type_id in set_) for set_ in bundle.one_of):
        return replace(bundle, items=items)
    present = {item.type_id for item in items}
    cards = tuple(type_id for type_id in bundle.identity if type_id not in present)
    if not cards:
        raise UsageError("usage.argument", "a bundle that does not say who somebody is, expected one that does")
    shown = tuple(BundleItem(type_id=card, required=False, claims=_WHO) for card in cards)
    return replace(bundle, items=(*shown, *items), one_of=(*bundle.one_of, cards))


def identified(bundle: Bundle, asked: Bundle, chosen: frozenset[str]) -> frozenset[str]:
    """What was chosen of a bundle, and the first identity credential where its case needs one and none was chosen."""
    added = [set_ for set_ in asked.one_of if set_ not in bundle.one_of and chosen.isdisjoint(set_)]
    return chosen | {set_[0] for set_ in added}


def _told(item: BundleItem, kind: CredentialType, bundle: Bundle) -> BundleItem:
    asked = item.paths(kind)
    wanted: tuple[Pattern, ...] = _WHO if item.type_id in bundle.identity else ()
    if any(path[0] == HOUSEHOLD and len(path) > 1 for path in asked) and (HOUSEHOLD,) not in asked:
        wanted += _ROWS
    return replace(item, claims=tuple(dict.fromkeys((*item.claims, *(path for path in wanted if kind.claim(path))))))


def _says_who(item: BundleItem) -> bool:
    return any({(name,), (birth_date,)} <= set(item.claims) for name, birth_date in PERSON)
