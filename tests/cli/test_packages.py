"""A package at its recipient's command: in words and as a document, believed only with the log, and what is refused."""

from __future__ import annotations

import json

import pytest

from ewallet.keys import SigningKey
from ewallet.testing.mydata import BANK, World

LOAN = "bank_personal_loan"


@pytest.fixture(scope="module")
def received(folder, desk):
    """Puts a package there, and what its recipient knows; runs the command on it."""
    world = World.make()
    package = world.mydata.download(world.given(LOAN).id, recipient=BANK)
    (folder / "package.json").write_bytes(package.to_bytes())
    (folder / "bank.jwk").write_text(json.dumps(world.key.public.jwk), "ascii")
    (folder / "other.jwk").write_text(json.dumps(SigningKey.generate().public.jwk), "ascii")
    (folder / "trust.jwt").write_text(world.kit.pki.signed_trust_list(), "ascii")
    (folder / "operator.jwk").write_text(json.dumps(world.kit.pki.operator_key.jwk), "ascii")
    lists = [folder / f"status-{number}.jwt" for number, _ in enumerate(world.kit.issuer.status_lists())]
    for path, uri in zip(lists, world.kit.issuer.status_lists(), strict=True):
        path.write_text(world.kit.issuer.status_token(uri), "ascii")
    (key,) = world.register.believed.log
    known = ["--trust", "trust.jwt", "--trust-key", "operator.jwk", "--at", desk.at, "--offline"]
    known += [each for path in lists for each in ("--status", path.name)]

    def run(*arguments, log=str(key), holder="bank.jwk", audience=BANK):
        who = ("--type", "package", "--audience", audience, "--recipient-key", holder, "--log-key", log)
        here = type(desk)(folder=folder, at=desk.at)
        return here.run("ewallet-verify", "verify", *who, *known, *arguments)

    return run


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where it came to."""
    return tmp_path_factory.mktemp("received")


def test_what_was_provided_is_shown_by_its_kinds(received):
    """In the words of the catalogue, with the answers to questions."""
    told = received("package.json", "--text", "--lang", "ko")
    assert 0 == told.code, told
    assert "소득금액증명" in told.stdout
    found = received("package.json", "--json").document
    assert ("accepted", 5) == (found["verdict"], len(found["claims"]))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"audience": "bank-0002"}, "kb.aud"),
        ({"holder": "other.jwk"}, "kb.signature_invalid"),
        ({"log": "another"}, "crypto.signature_invalid"),
    ],
)
def test_what_was_made_for_somebody_else_is_rejected(received, changes, code):
    """Another recipient, another key of theirs, a log of that name with another key."""
    if "log" in changes:
        changes = {"log": str(World.make().register.believed.log[0])}
    told = received("package.json", "--json", **changes)
    assert (1, code) == (told.code, told.document["code"])


def test_a_member_that_was_left_out_is_missed(received, folder):
    """Handing over just these is on no record."""
    found = json.loads((folder / "package.json").read_bytes())
    (folder / "fewer.json").write_text(json.dumps(found | {"members": found["members"][1:]}), "utf-8")
    told = received("fewer.json", "--json")
    assert (1, "log.omitted") == (told.code, told.document["code"])


def test_a_recipient_says_who_it_is(received):
    """Otherwise nobody could tell for whom it was made."""
    told = received("package.json", audience="")
    assert (2, True) == (told.code, "usage.argument" in told.stderr)


@pytest.mark.parametrize("flag", ["--unsafe-no-binding", "--drop-extra", "--same-person"])
def test_a_flag_about_presentations_is_not_overlooked(received, flag):
    """Whoever gives it expects something of it."""
    told = received("package.json", flag)
    assert (2, True) == (told.code, "usage.argument" in told.stderr)


def test_a_package_may_be_too_old(received):
    """As a certificate may be."""
    told = received("package.json", "--json", "--max-age", "0", "--at", "2026-11-21T12:00:01Z")
    assert (1, "time.expired") == (told.code, told.document["code"])
