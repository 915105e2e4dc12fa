"""What OpenAPI says about the calls by which operators register, suspend and resume recipients."""

from __future__ import annotations

from typing import Final

from ewallet.openapi import Responses, problems

_NO_KEY: Final = {
    401: {"access.unauthenticated": "no key of an operator, expected one as bearer"},
    403: {"access.forbidden": "the key has no right to register"},
}
_WRONG: Final = {422: {"request.invalid": "missing, unknown or wrong: reason"}}
_NONE: Final = {404: {"storage.not_found": "no recipient is registered under that identifier"}}

LISTED: Final[Responses] = problems(_NO_KEY)
FOUND: Final[Responses] = problems({**_NO_KEY, **_NONE, **_WRONG})
REGISTERED: Final[Responses] = problems(
    {
        **_NO_KEY,
        **_WRONG,
        400: {
            "usage.argument": "a bundle that there is not, or that is for recipients of another class",
            "crypto.key_invalid": "a key that is none",
            "malformed.url": "a redirect_uri that is no https address",
        },
    }
)
CHANGED: Final[Responses] = problems(
    {**_NO_KEY, **_NONE, **_WRONG, 400: {"request.invalid": "a body that is no json, expected an object with a reason"}}
)
