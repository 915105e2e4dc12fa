"""Reading one kind file, strictly: a member that is not known (a ``$ref``, a ``pattern``) is refused, not ignored.

What a file may hold is also written as JSON Schema in ``schemas/meta/credential-type.schema.json``, for editors and for
``make catalogue``; the reader here needs no validator, and adds what a schema cannot say: names used once, predicates
that ask only about claims of the kind, resident numbers never required.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, Final, TypeVar

from ewallet import shape
from ewallet.catalog import reading
from ewallet.catalog.acting import ACT
from ewallet.catalog.claims import ClaimType, Derivation, IssueOption, Pattern, PredicateType, PredicateVector
from ewallet.catalog.kinds import RESERVED, RESERVED_EVERYWHERE, CredentialType

META: Final = "../../meta/credential-type.schema.json"
STANDINGS: Final = ("source_checked", "partly_checked", "draft")
COPIES: Final = ("once", "per_verifier", "reuse")
RULES: Final = ("acceptance", "printed", "unlimited", "renewed")
TYPES: Final = ("string", "date", "datetime", "integer", "number", "amount_krw", "boolean", "array", "object")
FORMATS: Final = ("year", "year-month", "phone", "image")
DISCLOSURES: Final = ("whole", "per_element", "whole_and_per_element")
SENSITIVITIES: Final = (
    *("public", "doc", "personal", "contact", "family", "business", "financial"),
    *("sensitive", "biometric", "unique_id", "rrn"),
)
MAX_DAYS: Final = 36_500  # of validity: a century, and the calendar does not end before it
MAX_CLAIMS: Final = 300  # of one kind, rows and members included; the largest has 80

_VCT: Final = re.compile(r"(?:urn:|https://)[!-~]{1,500}\Z")
_DOCTYPE: Final = re.compile(r"[A-Za-z0-9_.-]{1,200}\Z")
_SERVICE_CODE: Final = re.compile(r"[A-Z0-9]{5,20}\Z")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")  # ISO 8601 has other forms, which no other file here has
_FILE: Final = frozenset(
    {"$schema", "id", "category", "name", "formats", "issuer", "legal_basis", "standing", "validity", "fee", "copies"}
    | {"claims", "issue_options", "predicates", "sample", "predicate_vectors"}
)
_FILE_OPTIONAL: Final = frozenset(
    {"used_by", "variants", "attestation", "note", "gov24_service_code", "rrn_legal_basis"}
)
_CLAIM: Final = frozenset({"name", "label", "type", "sensitivity", "required"})
_CLAIM_OPTIONAL: Final = frozenset(
    {"format", "enum", "disclosure", "derived", "derived_from", "items", "members", "mdoc"}
)
_PREDICATE: Final = frozenset({"id", "label", "expression", "parameterised", "time_dependent", "presign"})
_PLACE: Final = frozenset({"namespace", "element"})

Json = Any
T = TypeVar("T")


def read(raw: bytes) -> CredentialType:
    """The kind in a file's bytes; ``malformed.*``, ``limit.*`` or ``usage.configuration`` with place and reason."""
    file = shape.json_object(raw, "kind file")
    reading.members(file, "kind file", _FILE, _FILE_OPTIONAL)
    if file["$schema"] != META:
        reading.refuse(f"$schema is not {META}")
    kind = _kind(file)
    _check_claims(kind)
    _check_options(kind)
    _check_predicates(kind)
    _once(kind.elements.values(), "element")
    return kind


def _kind(file: Mapping[str, Json]) -> CredentialType:
    issuer = reading.members(file["issuer"], "issuer", {"system", "agency"})
    validity = reading.members(file["validity"], "validity", {"days", "rule", "meaning"})
    vct, doctype = _formats(file["formats"])
    fee = reading.members(file["fee"], "fee", {"electronic_krw", "counter_krw"})
    claims = reading.each(file["claims"], "claims", lambda item, place: _claim(item, place, ()))
    if not claims:
        reading.refuse("claims is empty")
    return CredentialType(
        id=reading.name(file["id"], "id"),
        category=reading.name(file["category"], "category"),
        names=reading.words(file["name"], "name"),
        vct=vct,
        doctype=doctype,
        system=reading.name(issuer["system"], "issuer.system"),
        agencies=reading.words(issuer["agency"], "issuer.agency"),
        legal_basis=reading.text(file["legal_basis"], "legal_basis"),
        standing=reading.one_of(file["standing"], STANDINGS, "standing"),
        validity_days=reading.count(validity["days"], "validity.days", most=MAX_DAYS),
        validity_rule=reading.one_of(validity["rule"], RULES, "validity.rule"),
        validity_meaning=reading.words(validity["meaning"], "validity.meaning"),
        fee={name: None if amount is None else reading.count(amount, f"fee.{name}", 0) for name, amount in fee.items()},
        copies=reading.one_of(file["copies"], COPIES, "copies"),
        claims=claims,
        predicates=reading.each(file["predicates"], "predicates", _predicate),
        issue_options=reading.each(file["issue_options"], "issue_options", _issue_option),
        sample=shape.instance(file["sample"], dict, "sample"),
        vectors=reading.each(file["predicate_vectors"], "predicate_vectors", _vector),
        used_by=reading.texts(file.get("used_by", []), "used_by"),
        variants=reading.texts(file.get("variants", []), "variants"),
        gov24_service_code=_service_code(file["gov24_service_code"]) if "gov24_service_code" in file else None,
        attestation=reading.words(file["attestation"], "attestation", {"ko"}) if "attestation" in file else None,
        note=reading.words(file["note"], "note", {"ko"}) if "note" in file else None,
        rrn_legal_basis=reading.text(file["rrn_legal_basis"], "rrn_legal_basis") if "rrn_legal_basis" in file else None,
    )


def _formats(value: Json) -> tuple[str, str | None]:
    formats = reading.members(value, "formats", {"dc+sd-jwt"}, {"mso_mdoc"})
    vct = reading.members(formats["dc+sd-jwt"], "formats.dc+sd-jwt", {"vct"})["vct"]
    if not _VCT.match(shape.instance(vct, str, "vct")):
        reading.refuse("vct is neither a urn: nor an https: identifier")
    if "mso_mdoc" not in formats:
        return vct, None
    doctype = reading.members(formats["mso_mdoc"], "formats.mso_mdoc", {"doctype"})["doctype"]
    if not _DOCTYPE.match(shape.instance(doctype, str, "doctype")):
        reading.refuse("doctype has other signs than letters, digits, dots, hyphens and underscores")
    return vct, doctype


def _service_code(value: Json) -> str:
    code = shape.instance(value, str, "gov24_service_code")
    if not _SERVICE_CODE.match(code):
        reading.refuse("gov24_service_code is not five to twenty capitals and digits")
    return code


def _claim(value: Json, where: str, above: Pattern) -> ClaimType:
    claim = reading.members(value, where, _CLAIM, _CLAIM_OPTIONAL)
    path = (*above, reading.name(claim["name"], f"{where}.name"))
    kind = reading.one_of(claim["type"], TYPES, f"{where}.type")
    below = {"array": (*path, None), "object": path}.get(kind, path)
    return ClaimType(
        path=path,
        type=kind,
        labels=reading.words(claim["label"], f"{where}.label"),
        sensitivity=reading.one_of(claim["sensitivity"], SENSITIVITIES, f"{where}.sensitivity"),
        required=shape.instance(claim["required"], bool, f"{where}.required"),
        format=reading.one_of(claim["format"], FORMATS, f"{where}.format") if "format" in claim else None,
        enum=_enum(claim["enum"], f"{where}.enum") if "enum" in claim else (),
        members=_below(claim, kind, where, below),
        disclosure=_disclosure(claim, kind, where),
        derived=shape.instance(claim.get("derived", False), bool, f"{where}.derived"),
        mdoc=_place(claim, where),
        derivation=_derivation(claim["derived_from"], f"{where}.derived_from") if "derived_from" in claim else None,
    )


def _enum(value: Json, where: str) -> tuple[str, ...]:
    listed = reading.texts(value, where)
    if not listed or len(set(listed)) < len(listed):
        reading.refuse(f"{where} is empty, or has a word twice")
    return listed


def _disclosure(claim: Mapping[str, Json], kind: str, where: str) -> str:
    """Whether rows can be shown one by one is said of every array, and of nothing else."""
    if (kind == "array") != ("disclosure" in claim):
        reading.refuse(f"{where} {'lacks' if kind == 'array' else 'is no array and has'} disclosure")
    return str(reading.one_of(claim.get("disclosure", "whole"), DISCLOSURES, f"{where}.disclosure"))


def _derivation(value: Json, where: str) -> Derivation:
    derivation = reading.members(value, where, {"claim", "member", "into", "table"})
    table = shape.member(derivation, "table", dict)
    return Derivation(
        claim=reading.name(derivation["claim"], f"{where}.claim"),
        member=reading.name(derivation["member"], f"{where}.member"),
        into=reading.name(derivation["into"], f"{where}.into"),
        table={word: reading.texts(words, f"{where}.table") for word, words in table.items()},
    )


def _place(value: Mapping[str, Json], where: str) -> Mapping[str, str] | None:
    if "mdoc" not in value:
        return None
    place = reading.members(value["mdoc"], f"{where}.mdoc", _PLACE)
    return {name: reading.text(text, f"{where}.mdoc.{name}") for name, text in place.items()}


def _below(claim: Mapping[str, Json], kind: str, where: str, path: Pattern) -> tuple[ClaimType, ...]:
    name = {"array": "items", "object": "members"}.get(kind)
    for other in {"items", "members"} - {name}:
        if other in claim:
            reading.refuse(f"{where} is no {'array' if other == 'items' else 'object'} and has {other}")
    if name is None:
        return ()
    if not claim.get(name):
        reading.refuse(f"{where} lacks {name}")
    return reading.each(claim[name], f"{where}.{name}", lambda item, place: _claim(item, place, path))


def _predicate(value: Json, where: str) -> PredicateType:
    predicate = reading.members(value, where, _PREDICATE, {"mdoc"})
    return PredicateType(
        id=reading.name(predicate["id"], f"{where}.id"),
        labels=reading.words(predicate["label"], f"{where}.label"),
        expression=reading.text(predicate["expression"], f"{where}.expression"),
        parameterised=shape.instance(predicate["parameterised"], bool, f"{where}.parameterised"),
        time_dependent=shape.instance(predicate["time_dependent"], bool, f"{where}.time_dependent"),
        presign=reading.one_of(predicate["presign"], (True, False, "when_true"), f"{where}.presign"),
        mdoc=_place(predicate, where),
    )


def _issue_option(value: Json, where: str) -> IssueOption:
    option = reading.members(value, where, {"id", "label", "default"}, {"claims"})
    return IssueOption(
        id=reading.name(option["id"], f"{where}.id"),
        labels=reading.words(option["label"], f"{where}.label"),
        default=reading.text(option["default"], f"{where}.default"),
        claims=reading.each(option.get("claims", []), f"{where}.claims", reading.name),
    )


def _vector(value: Json, where: str) -> PredicateVector:
    vector = reading.members(value, where, {"predicate", "params", "as_of", "expected"})
    return PredicateVector(
        predicate=reading.name(vector["predicate"], f"{where}.predicate"),
        params=shape.instance(vector["params"], dict, f"{where}.params"),
        as_of=_day(vector["as_of"], f"{where}.as_of"),
        expected=shape.instance(vector["expected"], bool, f"{where}.expected"),
    )


def _day(value: Json, where: str) -> date:
    text = shape.instance(value, str, where)
    try:
        if _DAY.match(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    reading.refuse(f"{where} is not a date")


def _check_options(kind: CredentialType) -> None:
    """What an applicant may leave out, a record may lack."""
    optional = {claim.name for claim in kind.claims if not claim.required}
    for option in kind.issue_options:
        if not optional.issuperset(option.claims):
            reading.refuse(f"option {option.id} is about a claim that is required, or that this kind has not")


def _check_claims(kind: CredentialType) -> None:
    walked = [claim for top in kind.claims for claim in top.walk()]
    if len(walked) > MAX_CLAIMS:
        reading.refuse(f"{len(walked)} claims, at most {MAX_CLAIMS} are read")
    _once((claim.path for claim in walked), "claim")
    for claim in walked:
        if claim.name in RESERVED_EVERYWHERE or claim.path[0] in RESERVED | {ACT}:
            reading.refuse(f"claim {_dotted(claim.path)} has a reserved name")
        if claim.sensitivity == "rrn" and claim.required:
            reading.refuse(f"claim {_dotted(claim.path)} is a resident number and required")
        if claim.derivation and not _follows(kind, claim, claim.derivation):
            reading.refuse(f"claim {_dotted(claim.path)} does not follow, word for word, from rows of this kind")
        if claim.mdoc and (kind.doctype is None or len(claim.path) > 1):
            reading.refuse(f"claim {_dotted(claim.path)} has a place in an mdoc, which the kind or its level has not")


def _follows(kind: CredentialType, claim: ClaimType, derivation: Derivation) -> bool:
    """Whether the source, its member and the member it becomes are there, and the table has all of its words."""
    source = kind.claim((derivation.claim, None, derivation.member))
    into = kind.claim((*claim.below, derivation.into)) if claim.type == "array" else None
    return source is not None and into is not None and set(source.enum) == set(derivation.table)


def _check_predicates(kind: CredentialType) -> None:
    paths = {tuple(step for step in claim.path if step) for top in kind.claims for claim in top.walk()}
    _once(((predicate.id,) for predicate in kind.predicates), "predicate")
    claims = {claim.name for claim in kind.claims}
    for predicate in kind.predicates:
        if predicate.presign and (predicate.parameterised or predicate.id in claims | RESERVED | {ACT}):
            reading.refuse(f"predicate {predicate.id} cannot be signed in advance")
        if predicate.presign and predicate.predicate.uses("status"):
            reading.refuse(f"predicate {predicate.id} asks the status list and is signed in advance")
        if predicate.predicate.moves and not predicate.time_dependent:
            reading.refuse(f"predicate {predicate.id} depends on the day and does not say so")
        for path in sorted(predicate.predicate.paths() - paths):
            reading.refuse(f"predicate {predicate.id} asks about {'.'.join(path)[:100]}, which is no claim here")
    known = {predicate.id for predicate in kind.predicates}
    for vector in kind.vectors:
        if vector.predicate not in known:
            reading.refuse(f"a vector of {vector.predicate[:64]}, which is no predicate here")


def _once(paths: Iterable[Pattern], what: str) -> None:
    for path, times in Counter(paths).items():
        if times > 1:
            reading.refuse(f"{what} {_dotted(path)} occurs {times} times")


def _dotted(path: Pattern) -> str:
    return ".".join("*" if step is None else step for step in path)
