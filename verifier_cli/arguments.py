"""The arguments that several verbs have."""

from __future__ import annotations

from argparse import ArgumentParser, _ArgumentGroup

from ewallet.command import count


def add_output(parser: ArgumentParser) -> None:
    """How every verb answers."""
    shown = parser.add_argument_group("how to answer")
    form = shown.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one JSON document; so it is when stdout is no terminal")
    form.add_argument("--text", action="store_true", help="words, also where stdout is no terminal")
    shown.add_argument("--lang", choices=("ko", "en"), help="the language of words; else that of LANG")
    shown.add_argument("--quiet", action="store_true", help="no words: the exit code says it")
    shown.add_argument("--verbose", action="store_true", help="what happens, on stderr; identifiers only")


def add_trust(parser: ArgumentParser, *, now: bool = False) -> None:
    """Whom to believe, and when: ``now`` where no other time makes sense."""
    trust = parser.add_argument_group("whom to believe")
    trust.add_argument("--trust", metavar="FILE", help="the signed trust list")
    trust.add_argument("--trust-key", metavar="FILE", help="the public key of whoever signs it, JWK or PEM")
    if now:
        parser.set_defaults(at=None)
        return
    trust.add_argument("--at", metavar="TIME", help="judge as of that time (RFC 3339) instead of now")


def add_asked(parser: ArgumentParser) -> _ArgumentGroup:
    """What is asked, and why."""
    asked = parser.add_argument_group("what is asked")
    asked.add_argument("--type", dest="kind", metavar="ID", help="the kind of certificate, with --claims")
    asked.add_argument("--claims", metavar="NAMES", help="the claims to show, with commas")
    asked.add_argument("--query", metavar="FILE", help="instead of a kind: a DCQL query")
    asked.add_argument("--purpose", metavar="TEXT", help="why, for the holder to read")
    return asked


def add_acting(parser: ArgumentParser) -> None:
    """Who acts for the person."""
    acting = parser.add_argument_group("somebody who acts for the person; unsaid, only the person is believed")
    roles = ("delegate", "guardian", "official")
    acting.add_argument("--acting", choices=roles, help="as what they act")
    acting.add_argument("--case", metavar="TEXT", help="the case of a delegate or an official, as your files have it")
    acting.add_argument("--principal", metavar="NAME", help="with --bundle: the person, as the consent names them")
    acting.add_argument("--agent", metavar="NAME", help="with --bundle: whoever acts for them")


def add_reader(parser: ArgumentParser) -> None:
    """Who asks face to face."""
    reader = parser.add_argument_group("who asks; unsaid, the holder is told that nobody knows")
    reader.add_argument("--signer", metavar="FILE", help="the key that signs requests, PEM")
    reader.add_argument("--chain", metavar="FILE", help="its certificates, PEM, the own one first")


def add_service(parser: ArgumentParser, *, listen: str) -> None:
    """Who asks, and where wallets find it."""
    service = parser.add_argument_group("who asks, and where")
    service.add_argument("--signer", metavar="FILE", help="the key that signs requests, PEM")
    service.add_argument("--chain", metavar="FILE", help="its certificates, PEM, the own one first")
    prefix = ("x509_hash", "x509_san_dns")
    service.add_argument("--prefix", choices=prefix, default=prefix[0], help="how the client_id names it (x509_hash)")
    service.add_argument("--url", metavar="URL", help="the address that wallets use; else where it listens")
    service.add_argument("--listen", metavar="HOST:PORT", help=f"where it listens ({listen})")
    service.add_argument("--tls-cert", metavar="FILE", help="serve https with this certificate, PEM")
    service.add_argument("--tls-key", metavar="FILE", help="and its key, PEM")


def add_same_person(group: ArgumentParser | _ArgumentGroup) -> None:
    """The rule about all certificates of an answer."""
    group.add_argument("--same-person", action="store_true", help="the certificates of one answer are of one person")


def add_terms(parser: ArgumentParser, *, state: str, types: bool = False) -> None:
    """How answers are judged: ``types`` where no question says of which kind."""
    terms = parser.add_argument_group("how answers are judged")
    if types:
        terms.add_argument("--type", action="append", metavar="ID", help="a kind that is accepted; may be repeated")
    terms.add_argument("--max-age", type=count, metavar="DAYS", help="issued at most so long ago")
    add_same_person(terms)
    terms.add_argument("--drop-extra", action="store_true", help="let claims fall away that were not asked for")
    terms.add_argument("--stale-for", type=count, metavar="HOURS", help="how long past its end a status list will do")
    terms.add_argument("--offline", action="store_true", help="fetch nothing")
    terms.add_argument("--status", action="append", metavar="FILE", help="a status list that came some other way")
    terms.add_argument("--crl", action="append", metavar="FILE", help="a revocation list of certificates, likewise")
    terms.add_argument("--unsafe-skip-status", action="store_true", help="do not ask whether it was revoked")
    terms.add_argument("--state", metavar="URL", help=f"the database; else {state}")
