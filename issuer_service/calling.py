"""How the agency's own programs call: with a key that has the right, in exact terms, and once under one name."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Annotated, Any, Final

from fastapi import Depends, Header
from fastapi import Request as WebRequest
from fastapi import Response as WebResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, Field

from ewallet.shape import json_value
from issuer_service import operators
from issuer_service.operators import Operator, Right
from issuer_service.service import Service

_AGAIN: Final = "a text in double quotes that names this call: made again under the same one, it has the same answer"

Key = Annotated[str, Header(alias="authorization", include_in_schema=False)]
Again = Annotated[str | None, Header(alias="idempotency-key", description=_AGAIN)]
Subject = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9._-]+$")]
#: The identifier of a kind.
TypeId = Annotated[str, Field(max_length=200)]


class Strict(BaseModel):
    """What a call says: nothing beside what is described, and nothing of another type."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Called(APIRoute):
    """A route for programs: first who asks is looked at, then the body, and only then the framework reads it.

    The dependencies of such a route take the request and nothing else. The framework would read the body before it asks
    them, and would take JSON that two programs understand differently.
    """

    def get_route_handler(self) -> Callable[[WebRequest], Coroutine[Any, Any, WebResponse]]:
        """The framework's, after that."""
        handle = super().get_route_handler()

        async def handler(request: WebRequest) -> WebResponse:
            for each in self.dependencies:
                if each.dependency:
                    await each.dependency(request)
            if self.body_field and (body := await request.body()):
                json_value(body, "the body")
            return await handle(request)

        return handler


def may(service: Service, right: Right) -> Any:
    """Who asks is looked at before what is asked, so that strangers learn nothing of it; 401, 403."""

    async def check(request: WebRequest) -> Operator:
        return operators.check(service.operators, request.headers.get("authorization", ""), right)

    return Depends(check)


def once(
    service: Service, wanted: BaseModel, make: Callable[[], BaseModel], *, authorization: str, key: str | None
) -> WebResponse:
    """What was made of it; the same again under the same name, see `ewallet.idempotency.Calls.once`."""
    caller, asked = operators.key_of(authorization), wanted.model_dump_json().encode()
    made = service.calls.once(key, caller=caller, asked=asked, perform=lambda: make().model_dump_json().encode())
    return WebResponse(made, 201, media_type="application/json")
