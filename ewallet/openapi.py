"""What the OpenAPI 3.1 descriptions of our services have in common: how errors are told, and who may call.

A framework describes the routes; :func:`finished` adds what it cannot know. Errors are described by the codes of
:mod:`ewallet.codes`, so that a description cannot name one that does not exist.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

from ewallet.errors import words

Schema: TypeAlias = dict[str, Any]
#: Responses by status, as they stand in a description.
Responses: TypeAlias = dict[int | str, dict[str, Any]]

PROBLEM_TYPE: Final = "application/problem+json"

_PROBLEM: Final[Schema] = {
    "title": "Problem",
    "description": "What went wrong (RFC 9457). `code` is stable; docs/reference/errors.md explains each.",
    "type": "object",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string", "description": "`urn:ewallet:error:` and the code; about:blank where there is none"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string", "description": "what was found and what was expected, and no value of it"},
        "code": {"type": "string", "pattern": r"^[a-z]+\.[a-z0-9_]+$"},
        "missing": {
            "type": "array",
            "description": "members of a bundle that are missing, each with its agency, and its fee in won by channel",
            "items": {"type": "object", "required": ["type", "name", "agency", "fee", "pending"]},
        },
    },
}
_ERROR: Final[Schema] = {
    "title": "Error",
    "description": "What went wrong, as OAuth 2.0 tells it (RFC 6749 §5.2).",
    "type": "object",
    "required": ["error"],
    "properties": {"error": {"type": "string"}, "error_description": {"type": "string"}},
}
_GUARD: Final[Schema] = {
    "description": "Refused by the head of the request: another host, too large, too slow",
    "content": {"text/plain": {"schema": {"type": "string"}, "example": "too large"}},
}
_RETRY: Final[Schema] = {"retry-after": {"description": "seconds", "schema": {"type": "integer", "minimum": 1}}}


def json_content(schema: Schema, *, example: Any = None, media_type: str = "application/json") -> Schema:
    """The content of a body or an answer, with an example if there is one."""
    return {"content": {media_type: {"schema": schema} | ({} if example is None else {"example": example})}}


def ref(name: str) -> Schema:
    """A schema of the description's own, by name."""
    return {"$ref": f"#/components/schemas/{name}"}


def problems(found: Mapping[int, Mapping[str, str]]) -> Responses:
    """Problem documents: for each status the codes there may be, each with a detail as an example."""
    return {status: _problem(status, codes) for status, codes in found.items()}


def _problem(status: int, codes: Mapping[str, str]) -> Schema:
    examples = {
        code: {
            "value": {
                "type": f"urn:ewallet:error:{code}",
                "title": words(code).what,
                "status": status,
                "detail": detail,
                "code": code,
            }
        }
        for code, detail in codes.items()
    }
    described = {"description": "; ".join(f"`{code}`" for code in codes)}
    headers = {"headers": _RETRY} if status in {429, 503} else {}
    return described | headers | {"content": {PROBLEM_TYPE: {"schema": ref("Problem"), "examples": examples}}}


def errors(found: Mapping[int, Sequence[str]]) -> Responses:
    """OAuth errors: for each status the errors there may be."""
    return {
        status: {
            "description": ", ".join(f"`{error}`" for error in names),
            "content": {
                "application/json": {
                    "schema": ref("Error"),
                    "examples": {name: {"value": {"error": name}} for name in names},
                }
            },
        }
        for status, names in found.items()
    }


def finished(
    document: Schema,
    *,
    server: str,
    schemas: Mapping[str, Schema],
    schemes: Mapping[str, Schema],
    secured: Mapping[str, Sequence[str]],
) -> Schema:
    """The description with what all its routes have in common.

    ``schemes`` say how a caller shows who it is; ``secured`` has those that will do, by tag or by operation.
    """
    components = document.setdefault("components", {})
    named = {**components.get("schemas", {}), "Problem": _PROBLEM, "Error": _ERROR, **schemas}
    named.pop("HTTPValidationError", None)
    named.pop("ValidationError", None)
    components["schemas"] = dict(sorted(named.items()))
    components["responses"] = _everywhere()
    components["securitySchemes"] = dict(schemes)
    document["servers"] = [{"url": server}]
    for operation in _operations(document):
        _finish(operation, secured)
    return document


def _operations(document: Schema) -> Iterator[Schema]:
    for path in document["paths"].values():
        yield from path.values()


def _everywhere() -> dict[str, Schema]:
    """What any call may come to."""
    made = {
        "Later": problems({429: {"limit.rate": "more requests of one source than are taken"}}),
        "Fault": problems({500: {"internal.fault": f"fault 0a1b2c3d: {words('internal.fault').remedy}"}}),
        "Away": problems({503: {"storage.unavailable": words("storage.unavailable").remedy}}),
    }
    return {"Guard": _GUARD} | {name: response for name, found in made.items() for response in found.values()}


def _finish(operation: Schema, secured: Mapping[str, Sequence[str]]) -> None:
    found = operation["responses"]
    if "HTTPValidationError" in str(found.get("422")):
        del found["422"]
    for status, name in {"429": "Later", "500": "Fault", "503": "Away", "4XX": "Guard"}.items():
        found.setdefault(status, {"$ref": f"#/components/responses/{name}"})
    operation["responses"] = dict(sorted(found.items()))
    if "description" in operation:
        operation["summary"] = operation.pop("description").rstrip(".")
    names = secured.get(operation["operationId"]) or next(
        (secured[tag] for tag in operation.get("tags", ()) if tag in secured), ()
    )
    if names:
        operation["security"] = [{name: []} for name in names]
