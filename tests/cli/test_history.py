"""``ewallet-verify history``: exit code, document and words for a log and for proofs from it (MYD-08)."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ewallet.history import Logged, export, key_of, tiles
from ewallet.keys import SigningKey
from ewallet.testing.clock import START
from ewallet.testing.history import ORIGIN, WITNESS, Register
from ewallet.testing.pki import Profile, issue_certificate, private_key
from ewallet.trust import KEY_USAGE, TrustAnchor, TrustList

REGISTER = Register().fill(30, checkpoint_each=10)


class Table:
    """A folder with an export of the log, the same with one entry changed, a mirror, proofs, and a trust list."""

    def __init__(self, desk, folder):
        self.desk = replace(desk, folder=folder)
        self.folder = folder

    def check(self, *arguments, stdin=b""):
        """The command, with the log's key."""
        return self.run(*arguments, "--log-key", str(REGISTER.believed.log[0]), stdin=stdin)

    def run(self, *arguments, stdin=b""):
        """The command alone."""
        return self.desk.run("ewallet-verify", "history", *arguments, stdin=stdin)


def _cosigned():
    raw = REGISTER.log.checkpoint()
    return REGISTER.log.add_signatures(
        raw, [REGISTER.witness.signed(raw.decode().partition("\n\n")[0] + "\n", REGISTER.witness_key, START)]
    )


def _listed(key, name, what):
    year = timedelta(days=365)
    profile = Profile(subject=name, since=START - year, until=START + year, usage=KEY_USAGE["log"])
    certificate = issue_certificate(profile, private_key(key).public_key(), by=key)
    names, types = frozenset({name}), frozenset({what})
    return TrustAnchor(id=name, purpose="log", certificate=certificate, types=types, issuers=names, end_entity=True)


def _write_trust(folder):
    operator = SigningKey.generate()
    anchors = (_listed(REGISTER.key, ORIGIN, "checkpoint"), _listed(REGISTER.witness_key, WITNESS, "cosignature"))
    trust = TrustList(anchors=anchors, version=1, since=START, until=START + timedelta(days=30))
    (folder / "trust.jwt").write_text(trust.signed(operator))
    pem = operator.public._key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (folder / "operator.pem").write_bytes(pem)


@pytest.fixture(scope="session")
def table(desk, tmp_path_factory):
    """That folder."""
    folder = tmp_path_factory.mktemp("history")
    checkpoint = _cosigned()
    with (folder / "log.jsonl").open("wb") as file:
        export(REGISTER.log, file)
    lines = (folder / "log.jsonl").read_bytes().splitlines(keepends=True)
    place = next(number for number, line in enumerate(lines) if b'"seq":17,' in line)
    changed = lines[place].replace(b'"outcome":"done"', b'"outcome":"refused"')
    (folder / "changed.jsonl").write_bytes(b"".join([*lines[:place], changed, *lines[place + 1 :]]))
    (folder / "short.jsonl").write_bytes(b"".join(lines[: place - 5]))
    (folder / "newest.txt").write_bytes(checkpoint)
    tiles.publish(REGISTER.log, folder / "mirror", checkpoint)
    logged = Logged(REGISTER.store.entries(17, 1)[0], REGISTER.log.inclusion(17))
    (folder / "proof.json").write_text(json.dumps(logged.to_json()))
    moved = replace(logged, inclusion=replace(logged.inclusion, index=18))
    (folder / "moved.json").write_text(json.dumps(moved.to_json()))
    since = REGISTER.log.since(REGISTER.store.checkpoints()[0])
    (folder / "since.json").write_text(json.dumps(since.to_json()))
    back = replace(since, earlier=since.later, later=since.earlier)
    (folder / "back.json").write_text(json.dumps(back.to_json()))
    _write_trust(folder)
    return Table(desk, folder)


WITNESSED = ("--witness-key", str(REGISTER.witness), "--quorum", "1")
CASES = {
    "whole": (("log.jsonl",), 0, None, None),
    "with a mirror": (("log.jsonl", "--mirror", "mirror"), 0, None, None),
    "goes on": (("log.jsonl", "--seen", "newest.txt"), 0, None, None),
    "goes on as witnessed": (("log.jsonl", *WITNESSED), 0, None, None),
    "changed": (("changed.jsonl",), 1, "log.tampered", 17),
    "changed beside a mirror": (("changed.jsonl", "--mirror", "mirror"), 1, "log.tampered", 17),
    "short": (("short.jsonl",), 1, "log.tampered", 10),
    "no log": (("operator.pem",), 1, "malformed.json", 0),
    "proof": (("proof.json",), 0, None, None),
    "proof with witness": (("proof.json", *WITNESSED), 0, None, None),
    "moved proof": (("moved.json",), 1, "log.omitted", None),
    "later": (("since.json", *WITNESSED), 0, None, None),
    "step back": (("back.json",), 1, "log.rollback", None),
}


@pytest.mark.parametrize(("arguments", "code", "error", "position"), CASES.values(), ids=CASES)
def test_the_exit_code_and_the_document_agree(arguments, code, error, position, table):
    """0 where all holds, 1 where something does not."""
    ended = table.check(*arguments)
    document = ended.document

    assert (code, "") == (ended.code, ended.stderr)
    assert ("ewallet.history-check/1", code == 0, error, position) == (
        document["schema"],
        document["holds"],
        document["code"],
        document.get("position"),
    )


def test_standard_input_is_read_as_well(table):
    """And says nothing with ``--quiet`` but by its exit code."""
    raw = (table.folder / "changed.jsonl").read_bytes()

    assert 17 == table.check("-", stdin=raw).document["position"]
    assert (1, "", "") == _parts(table.check("-", "--quiet", "--text", stdin=raw))


def _parts(ended):
    return ended.code, ended.stdout, ended.stderr


def test_it_speaks_both_languages(table):
    """The place, what it means and what to do."""
    english = table.check("changed.jsonl", "--text", "--lang", "en").stdout.splitlines()
    korean = table.check("changed.jsonl", "--text", "--lang", "ko").stdout.splitlines()

    assert ["THE HISTORY DOES NOT HOLD", f"log: {ORIGIN}", "first bad position: 17"] == english[:3]
    assert ["이용내역이 온전하지 않음", f"이력: {ORIGIN}", "처음 어긋난 자리: 17"] == korean[:3]
    assert "[log.tampered]" in english[3]
    assert "THE HISTORY HOLDS" == table.check("proof.json", "--text", "--lang", "en").stdout.splitlines()[0]


def test_a_trust_list_knows_the_keys(table):
    """By the log's name; the witness's word counts then, too."""
    terms = ("--trust", "trust.jwt", "--trust-key", "operator.pem", "--at", "2026-11-21T12:00:00+09:00")
    known = table.run("proof.json", "--origin", ORIGIN, "--quorum", "1", *terms)
    unknown = table.run("proof.json", "--origin", "elsewhere.example", *terms)

    assert (0, [WITNESS]) == (known.code, known.document["witnesses"])
    assert (2, "trust.no_path") == (unknown.code, unknown.document["code"])


MISUSES = {
    "no key": (("log.jsonl",), "usage.argument"),
    "key that is none": (("log.jsonl", "--log-key", "a+b+c"), "usage.argument"),
    "witness as log": (("log.jsonl", "--log-key", str(REGISTER.witness)), "usage.argument"),
    "quorum of nobody": (("log.jsonl", "--log-key", str(REGISTER.believed.log[0]), "--quorum", "1"), "usage.argument"),
    "key and origin": (
        ("log.jsonl", "--log-key", str(REGISTER.believed.log[0]), "--origin", ORIGIN),
        "usage.argument",
    ),
    "no file": (("none.jsonl", "--log-key", str(REGISTER.believed.log[0])), "usage.file"),
    "no checkpoint": (("log.jsonl", "--log-key", str(REGISTER.believed.log[0]), "--seen", "none.txt"), "usage.file"),
}


@pytest.mark.parametrize(("arguments", "code"), MISUSES.values(), ids=MISUSES)
def test_wrong_use_says_what_is_wrong(arguments, code, table):
    """With exit code 2."""
    ended = table.run(*arguments)

    assert (2, code) == (ended.code, ended.document["code"])


def test_a_damaged_mirror_says_nothing_about_the_log(table):
    """It is named itself, and no place of the log is."""
    ended = table.check("log.jsonl", "--mirror", ".")

    assert (1, "log.tampered", "checkpoint is missing") == (
        ended.code,
        ended.document["code"],
        ended.document["detail"],
    )
    assert "position" not in ended.document


def test_another_key_is_not_the_logs(table):
    """Whatever it says its name is; nothing of it is believed."""
    other = str(key_of(ORIGIN, SigningKey.generate("EdDSA").public))
    ended = table.run("proof.json", "--log-key", other)

    assert (1, "crypto.signature_invalid") == (ended.code, ended.document["code"])
