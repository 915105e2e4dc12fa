"""Requests as the bank's side words them, and what has become of one, as JSON documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast, get_args

from ewallet.catalog import Catalog
from ewallet.catalog.eligibility import KIND
from ewallet.consent import Party, consenting
from ewallet.credential import Path
from ewallet.dcql import Query
from ewallet.errors import UsageError
from ewallet.exchange import Asked, Collected, Exchange, Expired, Outcome, Waiting
from ewallet.expectation import Expectation
from ewallet.oid4vp import ResponseMode, TransactionData
from ewallet.oid4vp.response import Declined
from ewallet.shape import Json, instance, json_object, member, optional, strings
from ewallet.terminal import stamp
from verifier_cli import bundles, deputies

SCHEMA: Final = "ewallet.request/1"
_WAY: Final = frozenset({"acting", "purpose", "response_mode", "redirect_to"})
_KNOWN: Final = _WAY | {"query", "type", "claims", "rule", "transaction_data", "verifier_info"}
_BUNDLE: Final = _WAY | {"bundle", "optional", "days", "lang"}


def ask(exchange: Exchange, raw: bytes | str, recipient: Party, *, joint: bool = False) -> Asked:
    """The request that a JSON text words; ``usage.argument``, ``dcql.invalid``, ``malformed.*``.

    It has a ``query`` (DCQL), or a ``type`` with its ``claims``, or a ``rule`` that is to be answered with yes; a
    ``purpose``, which a rule has by itself; and at will ``redirect_to``, ``response_mode``, ``transaction_data``,
    ``verifier_info``, and ``acting`` where somebody acts for the person (:mod:`.deputies`). Or it has a ``bundle``,
    with the ``days`` for which its consent to this recipient is to hold, the ``optional`` members that the holder is
    offered (of several of which one will do, the one that is asked for), and its language; ``joint`` where it is asked
    of one of several people, who are then told by name and date of birth.
    """
    members = json_object(raw, "the request")
    if "bundle" in members:
        return _ask_bundle(exchange, members, recipient, joint=joint)
    if members.keys() - _KNOWN:
        raise UsageError("usage.argument", f"unknown members, expected some of {', '.join(sorted(_KNOWN))}")
    return exchange.ask(
        query(members),
        purpose=_purpose(members),
        response_mode=_mode(members),
        redirect_to=optional(members, "redirect_to", str),
        transaction_data=[_transaction(item) for item in optional(members, "transaction_data", list) or ()],
        verifier_info=[
            *(instance(item, dict, "an item") for item in optional(members, "verifier_info", list) or ()),
            *_said(deputies.expected(members)),
        ],
    )


def _ask_bundle(exchange: Exchange, members: Mapping[str, Json], recipient: Party, *, joint: bool) -> Asked:
    if members.keys() - _BUNDLE:
        raise UsageError("usage.argument", f"unknown members, expected some of {', '.join(sorted(_BUNDLE))}")
    expected, proxy = deputies.with_people(members)
    catalog, consent = Catalog.bundled(), bundles.consent(members, recipient, acting=proxy, joint=joint)
    options = bundles.optional_consents(consent, members)
    asked = consenting.query(consent, catalog, options)
    return exchange.ask(
        asked,
        purpose=optional(members, "purpose", str) or consent.purposes[consent.lang],
        response_mode=_mode(members),
        redirect_to=optional(members, "redirect_to", str),
        transaction_data=[consenting.transaction(each, asked, catalog) for each in (consent, *options)],
        verifier_info=_said(expected),
    )


def _said(expected: Expectation | None) -> list[dict[str, Json]]:
    return [expected.info()] if expected else []


def _purpose(members: Mapping[str, Json]) -> str:
    """Why, for the holder to read: of a rule its name, where nothing else is said."""
    if "rule" in members and "purpose" not in members:
        return Catalog.bundled().rule(member(members, "rule", str)).label()
    purpose = member(members, "purpose", str)
    if not purpose.strip():
        raise UsageError("usage.argument", "purpose is empty")
    return purpose


def query(members: Mapping[str, Json]) -> Query:
    """What is asked: a bundle, a DCQL query, a yes to a rule, or claims of one kind in any format the holder has."""
    if "bundle" in members:
        return bundles.query(members)
    if len(members.keys() & {"query", "type", "rule"}) != 1:
        raise UsageError("usage.argument", "not exactly one of query, type and rule")
    if "query" in members:
        return Query.parse(member(members, "query", dict))
    if "rule" in members:
        catalog = Catalog.bundled()
        return Query.for_rule(catalog.rule(member(members, "rule", str)), catalog.type(KIND))
    kind = Catalog.bundled().type(member(members, "type", str))
    return Query.for_type(kind, [_claim(item) for item in member(members, "claims", list)])


def _claim(item: Json) -> str | Path:
    return item if isinstance(item, str) else tuple(instance(item, list, "a claim"))


def _mode(members: Mapping[str, Json]) -> ResponseMode:
    mode = optional(members, "response_mode", str) or "direct_post.jwt"
    if mode not in get_args(ResponseMode):
        raise UsageError("usage.argument", f"response_mode is not one of {', '.join(get_args(ResponseMode))}")
    return cast("ResponseMode", mode)


def _transaction(item: Json) -> TransactionData:
    members = instance(item, dict, "a transaction")
    fields = {name: value for name, value in members.items() if name not in {"type", "credential_ids"}}
    ids = strings(members.get("credential_ids"), "credential_ids")
    return TransactionData.make(member(members, "type", str), ids, fields)


def created(asked: Asked) -> dict[str, Json]:
    """What the bank is told of a new request."""
    told = {"schema": SCHEMA, "id": asked.id, "status": "pending", "link": asked.link, "until": stamp(asked.until)}
    consent = consenting.consent_in(asked.request)
    return told | ({"consent": consent.id} if consent else {})


def became(id_: str, outcome: Outcome) -> dict[str, Json]:
    """What has become of it: ``status`` is pending, answered, declined or expired; answered has a ``verdict``."""
    told: dict[str, Json] = {"schema": SCHEMA, "id": id_, "status": "answered", "code": None, "verdict": None}
    if isinstance(outcome, Waiting):
        return told | {"status": "pending", "until": stamp(outcome.until)}
    if isinstance(outcome, Expired):
        return told | {"status": "expired", "code": "request.expired"}
    if isinstance(outcome, Declined):
        said = {"error": outcome.error, "description": outcome.description}
        return told | {"status": "declined", "code": "request.declined"} | said
    document = outcome.to_json()
    members = [] if isinstance(outcome, Collected) else bundles.report(outcome)
    named = {"members": members} if len(members) > 1 or any(each["code"] for each in members) else {}
    return told | {"code": document["code"], "verdict": document} | named
