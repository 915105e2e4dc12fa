"""Bundles at the bank: a request with its consent, the receipts that are kept, what a verdict says of each member."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ewallet.acting import Proxy
from ewallet.catalog import Catalog
from ewallet.catalog.joint import for_case, identified
from ewallet.consent import Choice, Consent, Party, consenting
from ewallet.consent.options import offer
from ewallet.dcql import Query
from ewallet.env import Env
from ewallet.errors import Language, UsageError
from ewallet.labels import fee, kind_name
from ewallet.oid4vp.request import subject_name
from ewallet.receipt import Countersigner, Receipt
from ewallet.shape import Json, instance, member, optional, to_base64url
from ewallet.terminal import coloured
from ewallet.verdict import Accepted, Check, Verdict
from verifier_cli import deletions, keeping

if TYPE_CHECKING:
    from ewallet.catalog import CredentialType
    from ewallet.keys import SigningKey

_ID: Final = 12  # bytes
_SAYS: Final = {
    "members": {"ko": "꾸러미 구성", "en": "members"},
    "shown": {"ko": "확인", "en": "shown"},
    "problem": {"ko": "문제", "en": "PROBLEM"},
    "left_out": {"ko": "선택, 제출하지 않음", "en": "optional, not given"},
    "not_judged": {"ko": "판정 안 함", "en": "not judged"},
}


def recipient(client_id: str, signer: SigningKey) -> Party:
    """Who asks, as consents name it: a wallet compares the name with the certificate's."""
    name = subject_name(signer.chain[0]) or client_id
    return Party(id=client_id, names={"ko": name, "en": name})


def countersigner(signer: SigningKey, folder: str | None, url: str) -> Countersigner:
    """The receipts of the service at that address, each a new file of the folder where one is set; ``usage.file``."""
    keep: Callable[[Receipt], Receipt] = partial(keeping.keep, Path(folder)) if folder else lambda made: made
    return Countersigner(signer=signer, env=Env(), keep=keep, states=lambda request: deletions.where(url, request))


# -- asking ------------------------------------------------------------------------------------------------------


def consent(
    members: Mapping[str, Json], recipient: Party, *, acting: Proxy | None = None, joint: bool = False
) -> Consent:
    """The consent that a request for a bundle proposes, ``joint`` in a case; ``usage.argument``, ``malformed.*``."""
    env, catalog = Env(), Catalog.bundled()
    lang = optional(members, "lang", str) or "ko"
    if lang not in ("ko", "en"):
        raise UsageError("usage.argument", "lang is neither ko nor en")
    bundle = catalog.bundle(member(members, "bundle", str))
    asked = for_case(bundle, catalog.type) if joint else bundle
    chosen = _named(members) - {item.type_id for item in asked.leavable}
    choice = Choice(
        optional=identified(bundle, asked, chosen) if joint else chosen,
        road="wallet",
        days=member(members, "days", int),
        lang="en" if lang == "en" else "ko",
        joint=joint,
    )
    id_ = to_base64url(env.random(_ID))
    return Consent.propose(bundle, catalog, choice, id_=id_, recipient=recipient, since=env.now(), acting=acting)


def optional_consents(consent: Consent, members: Mapping[str, Json]) -> tuple[Consent, ...]:
    """Those to the optional members that the holder is offered beside it, and may leave out."""
    catalog = Catalog.bundled()
    bundle = consenting.asked_of(consent, catalog.bundle(consent.bundle_id), catalog)
    offered = _named(members) & {item.type_id for item in bundle.leavable}
    return offer(consent, bundle, offered, catalog)


def query(members: Mapping[str, Json]) -> Query:
    """What it asks for."""
    catalog = Catalog.bundled()
    bundle, named = catalog.bundle(member(members, "bundle", str)), _named(members)
    offered = {item.type_id for item in bundle.leavable} & named
    return consenting.query_for(bundle, named - offered, catalog, offered=offered)


def _named(members: Mapping[str, Json]) -> frozenset[str]:
    return frozenset(instance(each, str, "an optional member") for each in optional(members, "optional", list) or ())


# -- what came of it ---------------------------------------------------------------------------------------------


def report(verdict: Verdict, asked: Iterable[str] = ()) -> list[Json]:
    """Every member of which something is known, with where to get it and its fee where something is wrong with it."""
    concerned = {name: check for check in verdict.checks for name in check.members}
    standings = _standings(verdict) if isinstance(verdict, Accepted) else {}
    names = dict.fromkeys([*asked, *standings, *concerned])
    return [_told(name, concerned.get(name), standings.get(name, "not_judged")) for name in names]


def _standings(verdict: Accepted) -> dict[str, str]:
    """How each member of an accepted answer stands; what was not given because it is optional is no loss."""
    return dict.fromkeys(verdict.claims, "shown") | dict.fromkeys(verdict.left_out, "left_out")


def _told(name: str, check: Check | None, standing: str) -> dict[str, Json]:
    told: dict[str, Json] = {
        "type": name,
        "standing": "problem" if check else standing,
        "code": check.code if check else None,
    }
    kind = _kind(name)
    if check and kind:
        told |= {"name": dict(kind.names), "agency": dict(kind.agencies), "fee": dict(kind.fee)}
    return told


def _kind(name: str) -> CredentialType | None:
    catalog = Catalog.bundled()
    return catalog.type(name) if name in catalog else None


def lines(told: Iterable[Mapping[str, Json]], lang: Language) -> Iterator[str]:
    """The same in words."""
    yield ""
    yield f"{_SAYS['members'][lang]}:"
    for each in told:
        mark = _SAYS[each["standing"]][lang]
        shown = coloured(mark, "red", sys.stdout) if each["standing"] == "problem" else mark
        code = f" [{each['code']}]" if each["code"] else ""
        yield f"  [{shown}] {kind_name(_kind(each['type']), each['type'], lang)}{code}{_where(each, lang)}"


def _where(each: Mapping[str, Json], lang: Language) -> str:
    kind = _kind(each["type"])
    return f" ({kind.agency(lang)}, {fee(kind, lang)})" if kind and "agency" in each else ""
