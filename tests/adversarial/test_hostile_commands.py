"""What strangers write, in every argument and every file of every command: a sentence with a code, and never a fault.

The arguments are those of the parsers, so that a new one is among them.
"""

from __future__ import annotations

import io
import os
import re
import signal
import sys
from argparse import SUPPRESS, _SubParsersAction
from dataclasses import dataclass
from typing import Any

import pytest

from ewallet import cli, command, witness
from ewallet.codes import TABLE
from ewallet.command import Parser
from ewallet.env import Env
from ewallet.testing.pki import Pki
from issuer_service import commands as issuer
from verifier_cli import __main__ as verifier

PROGRAMS = {"ewallet": cli, "ewallet-verify": verifier, "ewallet-issuer": issuer, "ewallet-witness": witness}
#: What is in a file, or the argument itself where it fits there.
WRITTEN = {
    "escape": b"\x1b[2J\x1b]0;pwned\x07",
    "lines": b"1\r\nhint: forged\r\n",
    "nul": b"a\0b",
    "surrogate": rb'{"a": "\ud800"}',
    "raw surrogate": b"\xed\xa0\x80",
    "not utf-8": b"\xff\xfe",
    "backwards": "\u202eabc\u200b".encode(),
    "digits": b'{"a": ' + b"9" * 1_000_000 + b"}",
    "nested": b"[" * 10_000,
    "nested objects": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "nan": b'{"a": NaN}',
    "minus zero": b"-0",
    "twice": b'{"a": 1, "a": 2}',
    "url": b"http://[",
    "scheme": b"openid4vp://?request_uri=http://[&client_id=\x1b",
    "dots": b".".join([b"eyJhIjoxfQ"] * 3),
    "null": b"null",
    "nothing": b"",
}
#: Arguments of every verb of a program: they are tried with one of them.
COMMON = {"ewallet": ("list", {"data", "passphrase_file", "trust", "trust_key"})}
#: Of all texts every sixth, other ones for each argument; all of them with EWALLET_FULL.
STEP = 1 if os.environ.get("EWALLET_FULL") else 6
_LONGEST = 4_096  # of an argument
_PATIENCE = 20  # seconds


def _tried(name, words, parser):
    verb, common = COMMON.get(name, ("", set()))
    return [action for action in _taking(parser) if words[0] == verb or action.dest not in common]


def _leaves(parser: Parser, words: tuple[str, ...]):
    below = [action for action in parser._actions if isinstance(action, _SubParsersAction)]
    for action in below:
        for name, sub in action.choices.items():
            yield from _leaves(sub, (*words, name))
    if not below:
        yield words, parser


def _commands():
    for name, program in PROGRAMS.items():
        for verb in program.VERBS:
            whole = Parser(prog=name)
            command.add_verbs(whole, {verb: ""}, [verb], program._add)
            for words, parser in _leaves(whole, ()):
                yield pytest.param(name, words, parser, id=" ".join((name, *words)))


def _taking(parser):
    """The arguments that take a text."""
    return [
        action
        for action in parser._actions
        if action.nargs != 0 and action.choices is None and action.help is not SUPPRESS and action.dest != "help"
    ]


@dataclass
class Place:
    """Where there is a file of each, and what commands are told that they may need."""

    folder: Any
    known: dict[str, str]

    def words(self, parser, fuzzed, text):
        """The arguments: what is required, what helps to get further, and the one that is tried."""
        told: list[str] = []
        behind: list[str] = []
        for action in _taking(parser):
            value = text if action is fuzzed else self.known.get(action.dest)
            if value is None and (action.required or (not action.option_strings and action.nargs not in ("?", "*"))):
                value = self.known["plain"]
            if value is None:
                continue
            if action.option_strings:
                told.append(f"{action.option_strings[-1]}={value}")
            else:
                behind.append(value)
        return [*told, "--", *behind] if behind else told


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a file for each text, keys, a trust list, and a wallet."""
    folder = tmp_path_factory.mktemp("hostile")
    Pki.make(at=Env().now(), issuer="https://issuer.example.go.kr").save(folder)
    for name, written in WRITTEN.items():
        (folder / f"{name}.file").write_bytes(written)
    (folder / "plain").write_text("x", "utf-8")
    (folder / "passphrase").write_text("a passphrase of nobody", "utf-8")
    (folder / "passphrase").chmod(0o600)
    known = {
        "plain": str(folder / "plain"),
        "data": str(folder / "wallet"),
        "passphrase_file": str(folder / "passphrase"),
        "trust": str(folder / "trust-list.jwt"),
        "trust_key": str(folder / "operator.jwk"),
    }
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in known.items() if name != "plain"]
    assert 0 == cli.main(["init", *flags])
    return Place(folder, known)


def _give_up(*_):
    raise TimeoutError


@pytest.fixture
def ended(place, monkeypatch, capfd):
    """How a command ends: its code, and what it said."""
    monkeypatch.chdir(place.folder)
    monkeypatch.setenv("EWALLET_DATA", str(place.folder / "data"))
    signal.signal(signal.SIGALRM, _give_up)

    def run(name, argv):
        monkeypatch.setattr(sys, "stdin", io.StringIO(""))
        signal.alarm(_PATIENCE)
        try:
            code = PROGRAMS[name].main(argv)
        finally:
            signal.alarm(0)
        return (code, *capfd.readouterr())

    return run


@pytest.mark.sweep
@pytest.mark.parametrize(("name", "words", "parser"), list(_commands()))
def test_every_command_refuses_by_name(place, ended, name, words, parser):
    """Each argument in turn, as a text and as a file: no fault, no traceback, nothing that a terminal obeys."""
    for action in _tried(name, words, parser):
        texts = [written.decode("utf-8", "surrogateescape") for written in WRITTEN.values()]
        texts = [text for text in texts if "\0" not in text and len(text) < _LONGEST]  # as systems pass them
        files = [str(place.folder / f"{each}.file") for each in WRITTEN]
        for text in [*texts, *files][len(action.dest) % STEP :: STEP]:
            argv = [*words, *place.words(parser, action, text)]
            code, out, err = ended(name, argv)

            assert code in (0, 1, 2, 3), (argv[-1], err)
            assert "Traceback" not in out + err, argv
            assert (out + err).replace("\n", "").replace("\t", " ").isprintable(), (argv, out, err)
            named = re.findall(r"\[([a-z_0-9]+\.[a-z_0-9]+)(?:: .*)?\]$", err, re.MULTILINE)
            assert named or not err.startswith(name), (argv, err)
            assert set(named) <= TABLE.keys(), argv


NAMELESS = (["present", ""], ["present", "--request="], ["present", "--proximity="], ["backup", ""], ["restore", ""])


@pytest.mark.parametrize("argv", NAMELESS, ids=" ".join)
def test_a_name_that_is_empty_is_refused(place, ended, argv):
    """It is there, and is none: what an unset variable of a script leaves."""
    known = [f"--{name.replace('_', '-')}={place.known[name]}" for name in ("data", "passphrase_file")]
    code, _, err = ended("ewallet", [argv[0], *known, *argv[1:]])

    assert code in (1, 2)
    assert "internal.fault" not in err
