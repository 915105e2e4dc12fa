"""The arguments that several verbs have."""

from __future__ import annotations

from argparse import ArgumentParser


def add_output(parser: ArgumentParser) -> None:
    """How every verb answers."""
    shown = parser.add_argument_group("how to answer")
    form = shown.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one JSON document; so it is when stdout is no terminal")
    form.add_argument("--text", action="store_true", help="words, also where stdout is no terminal")
    shown.add_argument("--lang", choices=("ko", "en"), help="the language of words; else that of LANG")
    shown.add_argument("--quiet", action="store_true", help="no words: the exit code says it")
    shown.add_argument("--verbose", action="store_true", help="what happens, on stderr; identifiers only")


def add_trust(parser: ArgumentParser) -> None:
    """Whom to believe, and when."""
    trust = parser.add_argument_group("whom to believe")
    trust.add_argument("--trust", metavar="FILE", help="the signed trust list")
    trust.add_argument("--trust-key", metavar="FILE", help="the public key of whoever signs it, JWK or PEM")
    trust.add_argument("--at", metavar="TIME", help="judge as of that time (RFC 3339) instead of now")
