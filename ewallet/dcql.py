"""Digital Credentials Query Language (OpenID4VP 1.0 §6): what is asked. What answers it is in :mod:`ewallet.answer`.

Section numbers are those of OpenID4VP 1.0.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, NoReturn
from unicodedata import normalize

from ewallet.catalog.person import SUBJECT_REF
from ewallet.credential import Credential, Path, lookup
from ewallet.errors import Malformed, QueryError, UsageError
from ewallet.formats import FORMATS
from ewallet.shape import Json, instance, json_object, member, optional, strings
from ewallet.subject import is_reference

if TYPE_CHECKING:  # for the sake of verifiers, which need no catalogue: it is a third of what they would load
    from ewallet.catalog import Bundle, Catalog, CredentialType, Rule

_ID: Final = re.compile(r"[A-Za-z0-9_-]+\Z")
_MAX_QUERIES: Final = 100  # credentials, sets, options, claims: more is no question anybody asks
_ALTERNATIVE: Final = "--"  # ``name--2`` is another way to answer ``name``; a verdict files both under ``name``
_NAMELESS: Final = "--"  # begins an id that ``claim_sets`` need and a verdict does not report


@dataclass(frozen=True, kw_only=True)
class ClaimQuery:
    """One claim that is asked, by path; with ``values``, only if it has one of them (§6.3)."""

    path: Path
    id: str | None = None
    values: tuple[str | int | bool, ...] = ()
    intent_to_retain: bool | None = None

    @property
    def key(self) -> str:
        """The name under which a verdict reports it: its id, or its path with dots, ``*`` for all elements."""
        named = self.id if self.id and not self.id.startswith(_NAMELESS) else None
        return named or ".".join("*" if component is None else str(component) for component in self.path)

    def select(self, claims: Json) -> list[tuple[Path, Json]]:
        """The (concrete path, value) pairs of the claims that answer it; values compare by type and value (§6.4.1)."""
        found = lookup(claims, self.path)
        if not self.values:
            return found
        return [(path, value) for path, value in found if any(_same(value, wanted) for wanted in self.values)]

    def to_json(self) -> dict[str, Json]:
        """As it travels."""
        members: dict[str, Json] = {"path": list(self.path)}
        if self.id is not None:
            members["id"] = self.id
        if self.values:
            members["values"] = list(self.values)
        if self.intent_to_retain is not None:
            members["intent_to_retain"] = self.intent_to_retain
        return members


def _same(value: Json, wanted: Json) -> bool:
    """By type and value; texts in NFC, since a name typed on another keyboard is the same name."""
    if isinstance(value, str) and isinstance(wanted, str):
        alike = value == wanted or _alike(len(value), len(wanted))
        return alike and normalize("NFC", value) == normalize("NFC", wanted)
    return type(value) is type(wanted) and bool(value == wanted)


def _alike(one: int, other: int) -> bool:
    """Whether texts of these lengths can have the same NFC: a character becomes at most four (UAX #15 §2).

    Composing takes the square of the time for a text of combining marks, so what is asked may not be of any length.
    """
    return one <= 4 * other and other <= 4 * one


@dataclass(frozen=True)
class TrustedAuthorities:
    """A kind of authority and the values of which one must be in the issuer's path (§6.1.1)."""

    type: str
    values: tuple[str, ...]

    def vouch_for(self, authorities: frozenset[str]) -> bool:
        """Whether the key identifiers of a path contain one of them; kinds other than ``aki`` match nothing."""
        return self.type == "aki" and not authorities.isdisjoint(self.values)


@dataclass(frozen=True, kw_only=True)
class CredentialQuery:
    """One credential that is asked (§6.1). ``claims`` None asks for nothing that could be withheld."""

    id: str
    format: str
    meta: Mapping[str, Json]
    claims: tuple[ClaimQuery, ...] = ()
    claim_sets: tuple[tuple[str, ...], ...] = ()
    multiple: bool = False
    trusted_authorities: tuple[TrustedAuthorities, ...] = ()
    holder_binding: bool = True

    @property
    def name(self) -> str:
        """The name under which a verdict reports the answer."""
        return self.id.partition(_ALTERNATIVE)[0]

    @property
    def asks_who(self) -> bool:
        """Whether it asks for the reference by which several certificates are about one person."""
        return any(is_reference(claim.path) for claim in self.claims)

    @property
    def type_ids(self) -> frozenset[str]:
        """The types it asks for; none where this library does not speak the format."""
        return FORMATS[self.format].type_ids(self.meta) if self.format in FORMATS else frozenset()

    def answered(self, credential: Credential) -> tuple[ClaimQuery, ...] | None:
        """The claims to answer with, of ``claim_sets`` the first that the credential has whole (§6.4.1), or None."""
        lacking = {claim.id for claim in self.claims if not claim.select(credential.claims)}  # each is looked up once
        if not self.claim_sets:
            return None if lacking else self.claims
        by_id = {claim.id: claim for claim in self.claims}
        found = next((ids for ids in self.claim_sets if lacking.isdisjoint(ids)), None)
        return None if found is None else tuple(by_id[id_] for id_ in found)

    def vouched_for(self, authorities: frozenset[str]) -> bool:
        """Whether the issuer's path has one of the trusted authorities, where any are named."""
        return not self.trusted_authorities or any(ta.vouch_for(authorities) for ta in self.trusted_authorities)

    def to_json(self) -> dict[str, Json]:
        """As it travels."""
        members: dict[str, Json] = {"id": self.id, "format": self.format, "meta": dict(self.meta)}
        if self.multiple:
            members["multiple"] = True
        if not self.holder_binding:
            members["require_cryptographic_holder_binding"] = False
        if self.trusted_authorities:
            members["trusted_authorities"] = [
                {"type": ta.type, "values": list(ta.values)} for ta in self.trusted_authorities
            ]
        if self.claims:
            members["claims"] = [claim.to_json() for claim in self.claims]
        if self.claim_sets:
            members["claim_sets"] = [list(ids) for ids in self.claim_sets]
        return members


@dataclass(frozen=True)
class CredentialSet:
    """Alternatives: one option is a set of credential queries that together will do (§6.2)."""

    options: tuple[tuple[str, ...], ...]
    required: bool = True

    def to_json(self) -> dict[str, Json]:
        """As it travels."""
        return {"options": [list(option) for option in self.options], "required": self.required}


@dataclass(frozen=True)
class Query:
    """A DCQL query (§6)."""

    credentials: tuple[CredentialQuery, ...]
    credential_sets: tuple[CredentialSet, ...] = ()

    @classmethod
    def parse(cls, raw: bytes | str | Mapping[str, Json]) -> Query:
        """The query of a JSON text or object, unknown members ignored; ``dcql.invalid``."""
        try:
            return _query(raw if isinstance(raw, Mapping) else json_object(raw, "the query"))
        except Malformed as exc:
            raise QueryError("dcql.invalid", str(exc)) from None

    @classmethod
    def for_type(
        cls, type_: CredentialType, claims: Iterable[str | Path], *, name: str = "", same_person: bool = False
    ) -> Query:
        """Ask for these claims of one type, in whatever format the holder has it.

        A claim is the name of a top-level claim or yes/no, or a path; ``name`` names the answer (the type's id). With
        ``same_person`` its ``subject_ref`` is asked as well, from whoever has one, if the type is about a person.
        """
        asked = tuple(ClaimQuery(path=(claim,) if isinstance(claim, str) else claim) for claim in claims)
        for claim in asked:
            if type_.claim(claim.path) is None:
                raise UsageError("usage.argument", f"{type_.id} has no claim {claim.key}")
        name = _id(name or type_.id, "the name")
        queries = tuple(
            replace(query, id=name if position == 0 else f"{name}{_ALTERNATIVE}{position + 1}")
            for position, query in enumerate(_in_every_format(type_, asked, who=same_person and type_.is_about_person))
        )
        sets = (CredentialSet(tuple((query.id,) for query in queries)),) if len(queries) > 1 else ()
        return cls(queries, sets)

    def retained(self) -> Query:
        """The same, from who means to keep what is shown (``intent_to_retain``, OpenID4VP 1.0 App. B.2.4)."""
        credentials = (
            replace(each, claims=tuple(replace(claim, intent_to_retain=True) for claim in each.claims))
            for each in self.credentials
        )
        return replace(self, credentials=tuple(credentials))

    @classmethod
    def for_rule(cls, rule: Rule, kind: CredentialType) -> Query:
        """Ask for a yes to a rule as it is now, in an answer of that kind; whoever has a no has nothing to show."""
        asked = cls.for_type(kind, rule.yes)
        return replace(asked, credentials=tuple(_only(each, rule.yes) for each in asked.credentials))

    @classmethod
    def for_bundle(cls, bundle: Bundle, catalog: Catalog, *, same_person: bool | None = None) -> Query:
        """Ask for a bundle at once: each member in whatever format the holder has it, the optional ones if they like.

        The answers are named by the ids of their kinds. ``same_person`` asks that those about a person be about one;
        None does where there are several.
        """
        kinds = [catalog.type(item.type_id) for item in bundle.items]
        who = sum(kind.is_about_person for kind in kinds) > 1 if same_person is None else same_person
        options = {
            item.type_id: cls.for_type(kind, item.paths(kind), same_person=who)
            for item, kind in zip(bundle.items, kinds, strict=True)
        }
        formats = {id_: tuple((query.id,) for query in asked.credentials) for id_, asked in options.items()}
        alternatives = [CredentialSet(tuple(one for id_ in set_ for one in formats[id_])) for set_ in bundle.one_of]
        chosen = {id_ for set_ in bundle.one_of for id_ in set_}
        alone = [
            CredentialSet(formats[item.type_id], required=item.required)
            for item in bundle.items
            if item.type_id not in chosen
        ]
        queries = tuple(query for asked in options.values() for query in asked.credentials)
        return cls(queries, (*alone, *alternatives))

    def get(self, id_: str) -> CredentialQuery | None:
        """The credential query of that id, or None."""
        return next((query for query in self.credentials if query.id == id_), None)

    @property
    def optional(self) -> tuple[str, ...]:
        """The names of what may be left out of an answer: of no required set is any query of that name (§6.4.2)."""
        if not self.credential_sets:
            return ()
        required = {id_ for set_ in self.credential_sets if set_.required for option in set_.options for id_ in option}
        needed = self.names(required)
        return tuple(dict.fromkeys(query.name for query in self.credentials if query.name not in needed))

    def names(self, ids: Iterable[str]) -> frozenset[str]:
        """The names under which a verdict reports the answers to these credential queries."""
        return frozenset(query.name for query in map(self.get, ids) if query)

    def to_json(self) -> dict[str, Json]:
        """As it travels."""
        members: dict[str, Json] = {"credentials": [query.to_json() for query in self.credentials]}
        if self.credential_sets:
            members["credential_sets"] = [set_.to_json() for set_ in self.credential_sets]
        return members


def _in_every_format(type_: CredentialType, asked: tuple[ClaimQuery, ...], *, who: bool) -> Iterator[CredentialQuery]:
    """The same question for each format that has a form of the kind and can show those claims on their own."""
    for format_ in FORMATS.values():
        type_id = format_.type_id(type_)
        paths = [format_.path(type_, claim.path) for claim in asked]
        if type_id is not None and all(paths):
            claims = tuple(_placed(claim, path) for claim, path in zip(asked, paths, strict=True) if path)
            query = CredentialQuery(id="", format=format_.id, meta=format_.meta(type_id), claims=claims)
            reference = format_.path(type_, (SUBJECT_REF,)) if who else None
            yield _asking_who(query, reference) if reference else query


def _asking_who(query: CredentialQuery, path: Path) -> CredentialQuery:
    """The query with the reference at that path, and without it for those who have none (§6.4.1)."""
    claims = tuple(
        claim if claim.id else replace(claim, id=claim.key if _ID.match(claim.key) else f"{_NAMELESS}{position}")
        for position, claim in enumerate(query.claims)
    )
    ids = tuple(str(claim.id) for claim in claims)
    sets = ((*ids, SUBJECT_REF), ids) if ids else ()
    return replace(query, claims=(*claims, ClaimQuery(path=path, id=SUBJECT_REF)), claim_sets=sets)


def _placed(claim: ClaimQuery, path: Path) -> ClaimQuery:
    """The claim at its place in a format, with an id where a verdict would report it under another name."""
    return claim if path == claim.path else replace(claim, path=path, id=claim.key)


def _invalid(detail: str) -> NoReturn:
    raise QueryError("dcql.invalid", detail)


def _items(members: Mapping[str, Json], name: str) -> list[Json]:
    items = member(members, name, list)
    if not 0 < len(items) <= _MAX_QUERIES:
        _invalid(f"{name} has {len(items)} items, expected 1 to {_MAX_QUERIES}")
    return items


def _optional_items(members: Mapping[str, Json], name: str) -> list[Json]:
    return _items(members, name) if name in members else []


def _id(value: Json, what: str) -> str:
    id_ = instance(value, str, what)
    if not _ID.match(id_):
        _invalid(f"{what} has other characters than letters, digits, _ and -")
    return id_


def _query(members: Mapping[str, Json]) -> Query:
    queries = tuple(_credential_query(instance(item, dict, "a credential")) for item in _items(members, "credentials"))
    ids = {query.id for query in queries}
    if len(ids) < len(queries):
        _invalid("two credentials have the same id")
    sets = tuple(_set(instance(item, dict, "a set"), ids) for item in _optional_items(members, "credential_sets"))
    return Query(queries, sets)


def _credential_query(members: Mapping[str, Json]) -> CredentialQuery:
    claims = tuple(_claim(instance(item, dict, "a claim")) for item in _optional_items(members, "claims"))
    ids = [claim.id for claim in claims if claim.id is not None]
    if len(set(ids)) < len(ids):
        _invalid("two claims have the same id")
    query = CredentialQuery(
        id=_id(members.get("id"), "an id"),
        format=member(members, "format", str),
        meta=member(members, "meta", dict),
        claims=claims,
        claim_sets=_references(members, "claim_sets", set(ids)),
        multiple=optional(members, "multiple", bool) or False,
        trusted_authorities=tuple(
            _authority(instance(item, dict, "an authority")) for item in _optional_items(members, "trusted_authorities")
        ),
        holder_binding=optional(members, "require_cryptographic_holder_binding", bool) is not False,
    )
    if query.claim_sets and len(ids) < len(claims):
        _invalid("claim_sets beside claims without an id")
    query.type_ids  # noqa: B018 - refuses a meta that its format does not understand
    for claim in query.claims if query.format in FORMATS else ():
        FORMATS[query.format].check_path(claim.path)
    return query


def _references(members: Mapping[str, Json], name: str, ids: set[str]) -> tuple[tuple[str, ...], ...]:
    sets = tuple(strings(item, f"an item of {name}") for item in _optional_items(members, name))
    if any(len(set_) > _MAX_QUERIES for set_ in sets):
        _invalid(f"an item of {name} has more than {_MAX_QUERIES} items")
    if not ids.issuperset(id_ for set_ in sets for id_ in set_):
        _invalid(f"{name} names an id that is not there")
    return sets


def _only(query: CredentialQuery, wanted: Mapping[str, str | int]) -> CredentialQuery:
    """The same, and each claim only with that value."""
    claims = (replace(claim, values=(wanted[str(claim.path[-1])],)) for claim in query.claims)
    return replace(query, claims=tuple(claims))


def _claim(members: Mapping[str, Json]) -> ClaimQuery:
    path = tuple(_items(members, "path"))
    if not all(component is None or _component(component) for component in path):
        _invalid("a path has another component than a string, null or a number from 0")
    values = tuple(_optional_items(members, "values"))
    if not all(type(value) in (str, int, bool) for value in values):
        _invalid("values has another item than a string, an integer or a boolean")
    return ClaimQuery(
        path=path,
        id=_id(members["id"], "an id") if "id" in members else None,
        values=values,
        intent_to_retain=optional(members, "intent_to_retain", bool),
    )


def _component(component: Json) -> bool:
    return type(component) is str or (type(component) is int and component >= 0)


def _authority(members: Mapping[str, Json]) -> TrustedAuthorities:
    return TrustedAuthorities(member(members, "type", str), strings(members.get("values"), "values"))


def _set(members: Mapping[str, Json], ids: set[str]) -> CredentialSet:
    _items(members, "options")
    required = optional(members, "required", bool)
    return CredentialSet(_references(members, "options", ids), required is not False)
