"""What the tables of mdocs have in common: the limit, and what every contender's answers are checked with."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from limits import LIMIT
from mdoc_peers import ours
from mdoc_work import FORMAT, NAMESPACE, SHOWN, MdocWorld, forgeries
from measure import Contender, absent, interleaved, show
from peers import Run
from tables import Times, batch, refused
from work import FLAT, HOLDERS

from ewallet.shape import to_base64url

_ECDSA = ec.ECDSA(hashes.SHA256())
_MODULES = {"isomdoc": "isomdoc", "openvc-core": "openvc.mdoc", "openid4vci": "openid4vci.adapters.mdoc"}


@dataclass(frozen=True)
class Entry:
    """A contender before it is checked."""

    name: str
    make: Callable[..., Run]
    check: Callable[[MdocWorld, Entry], None]
    note: str


def table(mdocs: MdocWorld, limit: Contender, entries: Sequence[Entry], rounds: int) -> Times:
    """The times of the limit and of every entry that is installed and right; a wrong answer ends the run."""
    contenders = [limit]
    for entry in entries:
        if not _installed(entry.name):
            absent(entry.name, "not installed")
            continue
        entry.check(mdocs, entry)
        contenders.append(Contender(entry.name, batch(entry.make(mdocs)), HOLDERS, entry.note))
    times = interleaved(contenders, rounds)
    show(contenders, times, LIMIT)
    return times


def _installed(name: str) -> bool:
    module = _MODULES.get(name, "ewallet")
    return importlib.util.find_spec(module.partition(".")[0]) is not None


def sign_limit(mdocs: MdocWorld) -> Contender:
    """One P-256 signature each, over what an issuer signs."""
    data = [mdocs.signed(number)[0][1] for number in range(HOLDERS)]

    def run() -> None:
        for text in data:
            mdocs.world.private.sign(text, _ECDSA)

    return Contender(LIMIT, run, HOLDERS, "one P-256 signature")


def device_limit(mdocs: MdocWorld) -> Contender:
    """One P-256 signature each, over what a device signs."""
    work = [(mdocs.holders[number].private, mdocs.signed(number)[1][1]) for number in range(HOLDERS)]

    def run() -> None:
        for key, text in work:
            key.sign(text, _ECDSA)

    return Contender(LIMIT, run, HOLDERS, "one P-256 signature")


def verify_limit(mdocs: MdocWorld) -> Contender:
    """Two P-256 verifications each: the issuer's signature and the device's."""
    issuer_key = mdocs.world.private.public_key()
    work = []
    for number, holder in enumerate(mdocs.holders):
        (issued, payload), (bound, authentication) = mdocs.signed(number)
        work.append((holder.private.public_key(), _dss(issued), payload, _dss(bound), authentication))

    def run() -> None:
        for key, signature, data, device_signature, device_data in work:
            issuer_key.verify(signature, data, _ECDSA)
            key.verify(device_signature, device_data, _ECDSA)

    return Contender(LIMIT, run, HOLDERS, "two P-256 verifications")


def _dss(raw: bytes) -> bytes:
    r, s = (int.from_bytes(half, "big") for half in (raw[:32], raw[32:]))
    return encode_dss_signature(r, s)


def check_verifies(mdocs: MdocWorld, entry: Entry) -> None:
    """The four shown elements come out and none of the others, and each of three forgeries is refused."""
    run = entry.make(mdocs)
    for number in range(HOLDERS):
        assert dict(run(number)) == SHOWN, f"{entry.name} gives other elements than were shown"
    for forgery in forgeries(mdocs.presentations[0]):
        assert refused(entry.make(mdocs, [forgery])), f"{entry.name} accepts a forgery"


def check_issues(mdocs: MdocWorld, entry: Entry) -> None:
    """What was issued reads back, 24 elements, bound to its holder."""
    run = entry.make(mdocs)
    for number in range(0, HOLDERS, 16):
        issued = run(number)
        evidence = FORMAT.open(issued if isinstance(issued, str) else to_base64url(issued))
        evidence.check_signature(mdocs.world.signer.public)
        credential = evidence.check_disclosures()
        assert credential.claims == {NAMESPACE: FLAT}, f"{entry.name} issues other elements"
        assert credential.holder
        assert credential.holder.jwk == mdocs.holders[number].jwk, f"{entry.name} binds to another key"


def check_presents(mdocs: MdocWorld, entry: Entry) -> None:
    """What was presented verifies, with the four shown elements and no others."""
    run = entry.make(mdocs)
    presented = [run(number) for number in range(HOLDERS)]
    verify = ours(mdocs, presented)
    for number in range(HOLDERS):
        assert verify(number) == SHOWN, f"{entry.name} shows other elements"
