"""One certificate kind: its claims and yes/no questions, and the rules that a record must keep to be issued as it."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from functools import cached_property
from types import NoneType
from typing import Any, Final, Literal, NoReturn

from ewallet import shape
from ewallet.catalog.acting import ACT, SCHEMA
from ewallet.catalog.claims import ClaimType, IssueOption, Pattern, PredicateType, PredicateVector
from ewallet.catalog.elapsed import dated_after
from ewallet.catalog.person import CLAIM, SUBJECT_REF, is_about_person
from ewallet.errors import Language, PolicyError, UsageError

KST: Final = timezone(timedelta(hours=9), "KST")  # Korea has had no daylight saving time since 1988
RESERVED: Final = frozenset({"iss", "sub", "aud", "iat", "nbf", "exp", "vct", "cnf", "status"})
RESERVED_EVERYWHERE: Final = frozenset({"_sd", "_sd_alg", "...", SUBJECT_REF})  # RFC 9901 §4.1

_MAX_RECORD: Final = shape.MAX_CREDENTIAL // 2  # bytes of JSON: base64url and digests are added to it

Standing = Literal["source_checked", "partly_checked", "draft"]
Copies = Literal["once", "per_verifier", "reuse"]
Json = Any


@dataclass(frozen=True, kw_only=True)
class CredentialType:
    """One certificate kind.

    ``validity_days`` is how long its credentials are valid, the same for everybody; ``validity_rule`` says where the
    figure comes from: receivers' habit (``acceptance``), the certificate itself (``printed``), or a choice of ours for
    a certificate that does not expire (``unlimited``) or a card whose copies are renewed while it holds (``renewed``).
    ``system`` is the national system that signs. ``rrn_legal_basis`` is the law by which its certificates may hold
    whole resident numbers; without one they are left out of what is issued.
    """

    id: str
    category: str
    names: Mapping[str, str]
    vct: str
    doctype: str | None
    system: str
    agencies: Mapping[str, str]
    legal_basis: str
    standing: Standing
    validity_days: int
    validity_rule: str
    validity_meaning: Mapping[str, str]
    fee: Mapping[str, int | None]
    copies: Copies
    claims: tuple[ClaimType, ...]
    predicates: tuple[PredicateType, ...]
    issue_options: tuple[IssueOption, ...]
    sample: Mapping[str, Json] = field(repr=False)
    vectors: tuple[PredicateVector, ...] = field(repr=False)
    used_by: tuple[str, ...] = ()
    variants: tuple[str, ...] = ()
    gov24_service_code: str | None = None
    attestation: Mapping[str, str] | None = None
    note: Mapping[str, str] | None = None
    rrn_legal_basis: str | None = None

    def label(self, lang: Language = "ko") -> str:
        """The name of the kind."""
        return self.names[lang]

    @cached_property
    def type_ids(self) -> frozenset[str]:
        """What its credentials call their type: the ``vct``, and the docType if it has one."""
        return frozenset(filter(None, (self.vct, self.doctype)))

    def agency(self, lang: Language = "ko") -> str:
        """Who issues the certificate."""
        return self.agencies[lang]

    @cached_property
    def signed(self) -> Mapping[str, ClaimType]:
        """What may be signed at the top level, by name: the claims, answers signed in advance, the reference."""
        answers = {p.id: _answer_claim(p) for p in self.predicates if p.presign}
        own = {SUBJECT_REF: CLAIM} if self.is_about_person else {}
        return {claim.name: claim for claim in self.claims} | answers | own

    @cached_property
    def is_about_person(self) -> bool:
        """Whether it is about one person, so that its copies may have a :data:`ewallet.catalog.person.CLAIM`."""
        return is_about_person(claim.name for claim in self.claims)

    @cached_property
    def elements(self) -> Mapping[str, tuple[str, str]]:
        """Where each of :attr:`signed` lies in an mdoc: (namespace, element); none of a kind without a docType.

        What no standard has a place for lies in a namespace of the kind's own, which is called as its docType.
        """
        if self.doctype is None:
            return {}
        own = {name: {"namespace": self.doctype, "element": name} for name in self.signed}
        places = {name: claim.mdoc or own[name] for name, claim in self.signed.items()}
        return {name: (place["namespace"], place["element"]) for name, place in places.items()}

    @cached_property
    def _by_path(self) -> dict[Pattern, ClaimType]:
        return {claim.path: claim for top in self.signed.values() for claim in top.walk()}

    @cached_property
    def _by_element(self) -> dict[tuple[str | int | None, ...], str]:
        return {element: name for name, element in self.elements.items()}

    def own_path(self, path: Sequence[str | int | None]) -> tuple[str | int | None, ...]:
        """A path as the kind has it, which a path into an mdoc, beginning with (namespace, element), is not."""
        name = self._by_element.get(tuple(path[:2]))
        return tuple(path) if name is None else (name, *path[2:])

    def claim(self, path: Sequence[str | int | None]) -> ClaimType | None:
        """The claim at a path, whose array indexes (or None) all mean the same claim; None where there is none.

        The path of an array element gives the array's claim; a pre-signed answer is a claim too. A path may begin
        with the claim's name or with its (namespace, element).
        """
        pattern = tuple(step if isinstance(step, str) else None for step in self.own_path(path))
        if pattern and pattern[-1] is None:
            found = self._by_path.get(pattern[:-1])
            return found if found and found.type == "array" else None
        return self._by_path.get(pattern)

    def label_of(self, path: Sequence[str | int | None], lang: Language = "ko") -> str:
        """The words for a path; its last name where the kind does not know it."""
        found = self.claim(path)
        return found.label(lang) if found else next((s for s in reversed(path) if isinstance(s, str)), "")

    def tells_of_others(self, path: Sequence[str | int | None]) -> bool:
        """Whether what is at a path, or what it is part of, is about third persons."""
        own = self.own_path(path)
        above = [self.claim(own[:length]) for length in range(1, len(own))]
        whole = self.claim(own)
        found = [*above, *(whole.walk() if whole else ())]
        return any(claim is not None and claim.sensitivity == "family" for claim in found)

    @cached_property
    def disclosable(self) -> frozenset[Pattern]:
        """The paths for which a disclosure of its own is made; None stands for each element of an array.

        Every claim and yes/no answer, every row of an array whose rows may be shown apart, and every member of an
        object or of such a row: a resident number inside an object must not leave with the name beside it.
        """
        tops = [pattern for claim in self.claims for pattern in _disclosures(claim)]
        own = {CLAIM.path} if self.is_about_person else set()
        return frozenset(tops) | {(p.id,) for p in self.predicates if p.presign} | own

    @cached_property
    def numbers(self) -> frozenset[Pattern]:
        """The paths of whole resident numbers."""
        return frozenset(path for path, claim in self._by_path.items() if claim.sensitivity == "rrn")

    def issuable(
        self, claims: Mapping[str, Json], *, alone: Callable[[Pattern], bool] = lambda _path: True
    ) -> dict[str, Json]:
        """A record as it is signed: completed, in NFC, and without resident numbers that may not be in it.

        Those are all of them unless the kind has a law for them, and those that cannot be shown ``alone``: a number
        that is inseparable from a name would leave with it.
        """
        record = self.normalised(self.completed(claims))
        unlawful = frozenset(path for path in self.numbers if not (self.rrn_legal_basis and alone(path)))
        return _without(record, unlawful, ()) if unlawful else record

    def completed(self, claims: Mapping[str, Json]) -> dict[str, Json]:
        """The same record with what follows from it by a table of the kind, where it does not say so itself."""
        found = {
            claim.name: claim.derivation.rows(claims[claim.derivation.claim], [each.name for each in claim.members])
            for claim in self.claims
            if claim.derivation and isinstance(claims.get(claim.derivation.claim), list)
        }
        return found | dict(claims)

    def normalised(self, claims: Mapping[str, Json]) -> dict[str, Json]:
        """The same claims with every text in NFC, the form that is signed."""
        return {name: _nfc(value, 1) for name, value in claims.items()}

    def check(self, claims: Mapping[str, Json], at: datetime | None = None) -> None:
        """Raise ``issue.reserved_claim`` or ``issue.invalid_value`` where a record cannot be issued (``at`` a time)."""
        _check_texts(claims, ())
        for error in self._validator.iter_errors(dict(claims)):
            path = ".".join(str(step) for step in error.instance_path) or "record"
            _invalid(path, _reason(error))
        for later in dated_after(self.claims, claims, at.astimezone(KST).date()) if at else ():
            _invalid(later, "a day that has not come yet")
        if len(json.dumps(dict(claims), ensure_ascii=False).encode()) > _MAX_RECORD:
            _invalid("record", "too long")

    def check_shown(self, claims: Mapping[str, Json]) -> None:
        """Raise ``policy.type_metadata`` where a value that was shown is none of this kind.

        ``claims`` are those of a presentation in any format. What was withheld is not missed, and what the kind does
        not know is let pass: a later edition of it may have more.
        """
        for error in self._shown_validator.iter_errors(self._own(claims)):
            path = ".".join(str(step) for step in error.instance_path)
            raise PolicyError("policy.type_metadata", f"{path}: {_reason(error)}") from None

    def _own(self, claims: Mapping[str, Json]) -> dict[str, Json]:
        """The claims by their names in this kind, wherever a format has put them."""
        found = {name: claims[name] for name in self.signed if name in claims}
        for name, (namespace, element) in self.elements.items():
            elements = claims.get(namespace)
            if isinstance(elements, Mapping) and element in elements:
                found[name] = elements[element]
        return found

    @cached_property
    def json_schema(self) -> dict[str, Json]:
        """JSON Schema (2020-12) of a whole record, answers included."""
        return self._json_schema(whole=True)

    def _json_schema(self, *, whole: bool) -> dict[str, Json]:
        schema = _object_schema(self.claims, whole=whole)
        schema["properties"] |= {p.id: {"type": "boolean"} for p in self.predicates if p.presign}
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": self.names["en"],
            **schema,
        }

    @cached_property
    def _validator(self) -> Any:
        schema = self.json_schema
        return _validator({**schema, "properties": {**schema["properties"], ACT: SCHEMA}})

    @cached_property
    def _shown_validator(self) -> Any:
        return _validator(self._json_schema(whole=False))

    def predicate(self, predicate_id: str) -> PredicateType | None:
        """The yes/no question of that identifier."""
        return next((p for p in self.predicates if p.id == predicate_id), None)

    def answer(
        self,
        predicate_id: str,
        claims: Mapping[str, Json],
        as_of: date,
        params: Mapping[str, Json] | None = None,
        *,
        holder: Mapping[str, Json] | None = None,
    ) -> bool | None:
        """Yes, no, or None where the record does not say; ``usage.argument`` for a question the kind has not."""
        found = self.predicate(predicate_id)
        if found is None:
            raise UsageError("usage.argument", f"{self.id} has no such yes/no question")
        return found.predicate.answer(claims, as_of, params, holder=holder, enums=self._enums)

    @cached_property
    def _enums(self) -> tuple[tuple[str, ...], ...]:
        return tuple(claim.enum for claim in self._by_path.values() if claim.enum)

    def answered(
        self, claims: Mapping[str, Json], at: datetime, *, holder: Mapping[str, Json] | None = None
    ) -> dict[str, Json]:
        """A record with its :meth:`presigned` answers, and without any that it states itself: those may go stale."""
        asked = {p.id for p in self.predicates if p.presign}
        stated = {name: value for name, value in claims.items() if name not in asked}
        return stated | self.presigned(stated, at, holder=holder)

    def presigned(
        self, claims: Mapping[str, Json], at: datetime, *, holder: Mapping[str, Json] | None = None
    ) -> dict[str, bool]:
        """The yes/no claims to sign beside a record at that time: those that hold on every day of a copy's life.

        Left out: what may be another answer before the copies are over, what the record does not say, and a no to a
        question of which only a yes is signed. Questions about ``holder`` (is the applicant the owner?) are answered
        where the issuer passes who that is.
        """
        first = at.astimezone(KST).date()
        last = first + timedelta(days=max(self.validity_days - 1, 1))  # copies begin with the day, but short-lived ones
        answers = {
            p.id: p.predicate.lasting(claims, first, last, holder=holder, enums=self._enums)
            for p in self.predicates
            if p.presign
        }
        never_no = {p.id for p in self.predicates if p.presign == "when_true"}
        return {
            name: answer for name, answer in answers.items() if answer is not None and (answer or name not in never_no)
        }


def _answer_claim(predicate: PredicateType) -> ClaimType:
    return ClaimType(
        path=(predicate.id,),
        type="boolean",
        labels=predicate.labels,
        sensitivity="personal",
        derived=True,
        mdoc=predicate.mdoc,
    )


def _disclosures(claim: ClaimType) -> Iterator[Pattern]:
    yield claim.path
    if claim.type == "array":
        if claim.disclosure == "whole":
            return
        yield claim.below
    for member in claim.members:
        yield from _disclosures(member)


def _without(value: Json, paths: frozenset[Pattern], at: Pattern) -> Json:
    """The same but for what is at these paths; what lies deeper than they do is not looked at."""
    if len(at) >= max(map(len, paths)):
        return value
    if isinstance(value, Mapping):
        return {
            name: _without(member, paths, (*at, name)) for name, member in value.items() if (*at, name) not in paths
        }
    return [_without(item, paths, (*at, None)) for item in value] if isinstance(value, list) else value


def _nfc(value: Json, depth: int) -> Json:
    """In NFC as deep as a record may be; what is below is refused by the check."""
    if isinstance(value, str):
        return value if value.isascii() else unicodedata.normalize("NFC", value)
    if depth > shape.MAX_DEPTH:
        return value
    if isinstance(value, Mapping):
        return {name: _nfc(member, depth + 1) for name, member in value.items()}
    return [_nfc(item, depth + 1) for item in value] if isinstance(value, list | tuple) else value


def _invalid(path: str, reason: str) -> NoReturn:
    raise UsageError("issue.invalid_value", f"{path}: {reason}") from None


def _check_texts(value: Json, path: tuple[str, ...]) -> None:
    if len(path) > shape.MAX_DEPTH:
        _invalid(path[0], "nested too deep")
    if isinstance(value, str):
        if _has_unseen(value):
            _invalid(".".join(path), "control characters, or others that are not seen")
    elif isinstance(value, Mapping):
        for name, member in value.items():
            _check_name(name, path)
            _check_texts(member, (*path, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _check_texts(item, (*path, str(index)))
    elif not isinstance(value, int | float | NoneType):
        _invalid(".".join(path), "another type of value")


def _check_name(name: Json, path: tuple[str, ...]) -> None:
    if name in RESERVED_EVERYWHERE or (not path and name in RESERVED):
        raise UsageError("issue.reserved_claim", f"{'.'.join((*path, name))} has a meaning of its own in a credential")
    if not isinstance(name, str) or _has_unseen(name):
        _invalid(".".join(path) or "record", "a name that is not one")


_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})  # controls, directions, joiners, surrogates, line ends
_FILLERS: Final = frozenset("\u115f\u1160\u3164\uffa0")  # letters of Hangul that nobody sees


def _has_unseen(text: str) -> bool:
    """Whether there is more in a text than one sees: what is signed is what was read."""
    if text.isascii():
        return not text.isprintable()
    unprintable = not text.isprintable() and any(unicodedata.category(sign) in _UNSEEN for sign in text)
    return unprintable or not _FILLERS.isdisjoint(text)


#: Said in our own words: a validator's message quotes the value.
_REASONS: Final = {
    "type": "another type of value",
    "enum": "not one of the listed values",
    "format": "not a date that exists",
    "pattern": "not written as this kind of value is",
    "required": "a required claim is missing",
    "additionalProperties": "a claim that this kind has not",
    "maxLength": "too long",
    "minLength": "empty",
    "maxItems": "too many rows",
    "minimum": "too small",
    "maximum": "too large",
}


def _reason(error: Any) -> str:
    keyword = str(error.schema_path[-1]) if error.schema_path else ""
    missing = getattr(error.kind, "property", None) if keyword == "required" else None
    return f"{missing} is missing" if missing else _REASONS.get(keyword, "not what this kind expects")


_YEAR: Final = "^(000[1-9]|00[1-9]|0[1-9]|[1-9])"  # the calendar begins with the year 1
_BASE64: Final = "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?$"  # and canonical
_HIDDEN: Final = r"^(\P{Nd}*\p{Nd}){0,7}\P{Nd}*$"  # of thirteen digits at most the birth date and the sex are seen
_VALUES: Final[dict[str, dict[str, Json]]] = {
    "string": {"type": "string", "minLength": 1, "maxLength": 20_000},
    "date": {"type": "string", "format": "date", "pattern": _YEAR},
    "datetime": {"type": "string", "format": "date-time", "pattern": _YEAR},
    "integer": {"type": "integer", "minimum": -shape.MAX_INTEGER, "maximum": shape.MAX_INTEGER},
    "number": {"type": "number", "minimum": -shape.MAX_INTEGER, "maximum": shape.MAX_INTEGER},
    "amount_krw": {"type": "integer", "minimum": -shape.MAX_INTEGER, "maximum": shape.MAX_INTEGER},
    "boolean": {"type": "boolean"},
}
_FORMATS: Final[dict[str, dict[str, Json]]] = {
    "year": {"minimum": 1800, "maximum": 2999},
    "year-month": {"pattern": "^[0-9]{4}-(0[1-9]|1[0-2])$"},
    "phone": {"pattern": "^[0-9+() -]{3,30}$"},
    "image": {"maxLength": shape.MAX_CREDENTIAL, "pattern": _BASE64},
}


def _validator(schema: Mapping[str, Json]) -> Any:
    import jsonschema_rs  # 20 ms, which whoever only holds certificates does not need

    return jsonschema_rs.Draft202012Validator(dict(schema), validate_formats=True)


def _schema(claim: ClaimType, *, whole: bool) -> dict[str, Json]:
    if claim.type == "array":
        rows = _object_schema(claim.members, whole=whole)
        return {"type": "array", "maxItems": shape.MAX_DISCLOSURES, "items": rows}
    if claim.type == "object":
        return _object_schema(claim.members, whole=whole)
    if claim.enum:
        return {"type": "string", "enum": list(claim.enum)}
    if claim.hides_number:
        return _VALUES["string"] | {"pattern": _HIDDEN}
    if claim.format == "year" and claim.type == "string":
        return {"type": "string", "pattern": "^[0-9]{4}$"}
    return _VALUES[claim.type] | _FORMATS.get(claim.format or "", {})


def _object_schema(members: Iterable[ClaimType], *, whole: bool) -> dict[str, Json]:
    """Of a whole record, or of what is shown of one."""
    listed = tuple(members)
    return {
        "type": "object",
        "properties": {claim.name: _schema(claim, whole=whole) for claim in listed},
        "required": [claim.name for claim in listed if claim.required and whole],
        "additionalProperties": not whole,
    }
