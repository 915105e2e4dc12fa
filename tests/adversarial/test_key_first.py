"""Who asks is looked at before what is asked: a stranger gets the same answer to every call that wants a key or token.

The calls are those of the descriptions, so that a new one is among them.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "openapi"
TYPES = (
    "application/json",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/jwt",
    "application/pdf",
    "image/png",
    "text/plain",
)
BODIES = (b"", b"{", b"{}", b"\xff\xfe", b"[" * 20_000, b'{"a": 1, "a": ' + b"9" * 10_000, b"--x\r\n\r\ncsrf=%zz")
SHOWN = ("", "Bearer", "Bearer another-key", "Basic YTpi", "Bearer \xff", "Bearer " + "k" * 9_000)


def _keyed():
    for service in ("issuer", "verifier"):
        described = json.loads((REFERENCE / f"{service}.json").read_text("utf-8"))
        for path, operations in described["paths"].items():
            for method, operation in operations.items():
                if "security" in operation:
                    yield service, method.upper(), path


@pytest.mark.parametrize(("service", "method", "path"), list(_keyed()))
def test_a_stranger_gets_one_answer(services, service, method, path):
    """401 in the same bytes, whatever the body is, and whatever it is said to be."""
    call = method, re.sub(r"{\w+}", "no-such-thing", path)
    answers = [
        services[service].browser.request(*call, content=body, headers={"content-type": media_type})
        for media_type in TYPES
        for body in BODIES
    ]

    assert {401} == {answer.status_code for answer in answers}
    assert 1 == len({answer.content for answer in answers})


@pytest.mark.parametrize("shown", SHOWN, ids=range(len(SHOWN)))
@pytest.mark.parametrize(("service", "method", "path"), list(_keyed()))
def test_a_key_that_is_none_is_not_believed(services, service, method, path, shown):
    """Whatever it is, nothing of the body is read."""
    head = {"authorization": shown.encode("latin-1"), "content-type": "application/json"}
    call = method, re.sub(r"{\w+}", "no-such-thing", path)
    answers = [services[service].browser.request(*call, content=body, headers=head) for body in (b"{", b"{}")]

    assert {401} == {answer.status_code for answer in answers}
    assert 1 == len({answer.content for answer in answers})
