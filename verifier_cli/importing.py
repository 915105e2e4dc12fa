"""A trust list made of what others publish: VICALs, and roots of authorities of mobile documents.

It is the operator's: whoever signs it says whom to believe. Each root goes in for the types that a VICAL lists it with,
or that whoever imports it names, and below it signers keep the profile of ISO/IEC 18013-5.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509

from ewallet import shape
from ewallet.anchor import TrustAnchor
from ewallet.errors import UsageError
from ewallet.files import read_own
from ewallet.keys import SigningKey
from ewallet.trust import TrustList
from ewallet.vical import Vical, anchor_of
from verifier_cli import judge
from verifier_cli.session import Session

_DAYS: Final = 30
_DAY_LIMIT: Final = 366  # of --days: a list that is in force for years is not looked at for years
_FLAGS: Final = ("vical_root", "type", "on_crl", "days", "sign", "out")


def refuse_flags(session: Session) -> None:
    """Return unless something is to be imported, but nobody said so; ``usage.argument``."""
    given = [flag for flag in _FLAGS if getattr(session.args, flag)]
    if given:
        raise UsageError("usage.argument", f"--{given[0].replace('_', '-')} goes with import")


def imported(session: Session) -> TrustList:
    """The list with what the files name; ``usage.*``, ``malformed.x509``, ``trust.*``, ``limit.*``."""
    args = session.args
    if not args.files or not args.out:
        raise UsageError("usage.argument", "import takes files, and --out for what it makes of them")
    types = frozenset(judge.type_ids(args.type)) if args.type else None
    found: dict[str, TrustAnchor] = {}
    until = session.at + _life(args.days)
    for name in args.files:
        anchors, end = _anchors(session, name, types)
        until = min(until, end or until)
        for anchor in anchors:
            known = found.get(anchor.id, anchor)
            found[anchor.id] = replace(anchor, types=anchor.types | known.types)
    if not found:
        raise UsageError("usage.argument", "nothing is left to import, for any of these kinds")
    return _added(session, found, until)


def _life(days: int | None) -> timedelta:
    if days is not None and not 0 < days <= _DAY_LIMIT:
        raise UsageError("usage.argument", f"--days {days}, expected 1 to {_DAY_LIMIT}")
    return timedelta(days=days or _DAYS)


def _anchors(
    session: Session, name: str, types: frozenset[str] | None
) -> tuple[tuple[TrustAnchor, ...], datetime | None]:
    """What a file names, and until when whoever published it says so."""
    raw, on_crl = read_own(name, what="what is imported"), session.args.on_crl
    if not _is_certificate(raw):
        roots = [root for file in session.args.vical_root or () for root in _certificates(_read(file))]
        vical = Vical.read(raw, roots, at=session.at)
        return vical.anchors(types, crl=on_crl), vical.until
    if types is None:
        raise UsageError("usage.argument", "certificates do not say for which documents, expected --type")
    return tuple(anchor_of(root, types, crl=on_crl) for root in _certificates(raw)), None


def _read(name: str) -> bytes:
    return read_own(name, what="a root of whoever signs vicals")


def _is_certificate(raw: bytes) -> bool:
    """PEM, or the sequence that DER begins with; COSE begins with neither."""
    return raw.startswith((b"-----BEGIN", b"\x30"))


def _certificates(raw: bytes) -> tuple[x509.Certificate, ...]:
    return shape.certificates(raw) if raw.startswith(b"-----BEGIN") else (shape.certificate(raw),)


def _added(session: Session, found: Mapping[str, TrustAnchor], until: datetime) -> TrustList:
    """The list that is set with these in place of those of the same root, or a first one."""
    since = session.at.replace(microsecond=0)
    first = TrustList(anchors=tuple(found.values()), version=1, since=since, until=until.replace(microsecond=0))
    if session.settings.get("trust") is None:
        return first
    before = judge.trust(session, judge.store(session))
    kept = tuple(anchor for anchor in before.anchors if anchor.id not in found)
    return replace(first, anchors=(*kept, *first.anchors), version=before.version + 1)


def write(session: Session, trust: TrustList) -> None:
    """Write it where it is wanted, signed or to be signed; ``usage.*``, ``storage.loose_mode``."""
    key = session.args.sign
    text = trust.signed(SigningKey.load(key)) if key else json.dumps(trust.to_json(), indent=2)
    try:
        Path(session.args.out).write_text(text, encoding="ascii")
    except (OSError, ValueError):
        raise UsageError("usage.file", "the list cannot be written there") from None
