"""Rows STA of the security matrix for what an mdoc refers to: a status list as a CWT (Token Status List §5.2).

The rung is the one of ``test_sta.py``; what differs is the token: COSE around it, CBOR in it, and the store keeps it as
text. The vectors of row STA-05 are in ``tests/vectors``.
"""

from __future__ import annotations

import os
import random
import tracemalloc
import zlib
from dataclasses import dataclass
from datetime import timedelta

import cbor2
import pytest
from cbor2 import CBORTag

from ewallet import cose
from ewallet.flow import Response
from ewallet.http import Http
from ewallet.keys import SigningKey
from ewallet.shape import MAX_DOCUMENT, MAX_STATUS_LIST, base64url, cbor
from ewallet.status import CWT_MEDIA_TYPE, MEDIA_TYPE, Status, StatusList
from ewallet.testing.kit import CLIENT_ID, Kit, Presented
from ewallet.testing.mdoc import MdocStage
from ewallet.testing.misbehave_mdoc import tdate
from ewallet.testing.pki import ISSUER
from ewallet.verdict import Accepted, Rejected, Undecided
from ewallet.verifier import Verifier

CARD = "mobile_resident_card"
HOST = f"{ISSUER}/status/"
SUB, EXP, IAT, LIST, TTL = 2, 4, 6, 65533, 65534
TYP = 16


@dataclass(frozen=True)
class Counter:
    """An mdoc that was shown, the entry of the status list it refers to, and a host of whatever list."""

    kit: Kit
    presented: Presented
    uri: str
    index: int

    def claims(self, **change):
        """What an honest list says, by the names of its members, with those changed; None leaves one out."""
        at = int(self.kit.clock.now().timestamp())
        honest = {"sub": self.uri, "exp": at + 86_400, "iat": at, "ttl": 60, "list": _valid()}
        numbers = {"sub": SUB, "exp": EXP, "iat": IAT, "ttl": TTL, "list": LIST}
        return {numbers[name]: value for name, value in (honest | change).items() if value is not None}

    def token(self, *, signer=None, header=None, **change):
        """An honest list, signed by the status signer or another."""
        named = {TYP: CWT_MEDIA_TYPE} if header is None else header
        return cose.sign1(cbor2.dumps(self.claims(**change)), signer or self.kit.pki.status_signer, named)

    def verdict(self, raw, *, media_type=CWT_MEDIA_TYPE, status=200):
        """The verdict of a fresh verifier where the host serves that."""
        answer = Response(status, {"content-type": media_type} if media_type else {}, raw)
        self.kit.network.route(HOST, lambda _request: answer)
        return self.kit.verify(*self.presented, by=self.kit.another_verifier())


def _valid():
    return StatusList.empty(1 << 12).to_cbor()


def _list(bits, entries):
    statuses = StatusList.empty(1 << 12, bits=bits)
    for index, value in entries.items():
        statuses[index] = value
    return statuses.to_cbor()


@pytest.fixture(scope="module")
def counter():
    """One for all tests of the file: every verifier is a fresh one."""
    kit = Kit.make()
    kit.issue(CARD, format_id="mso_mdoc")
    presented = kit.present(kit.query(CARD, ["name"]))
    entry = MdocStage.of(kit, presented).mso["status"]["status_list"]
    return Counter(kit, presented, entry["uri"], entry["idx"])


def _undecided(verdict):
    assert isinstance(verdict, Undecided)
    return verdict.code


def test_an_honest_list_is_read_tagged_or_not(counter):
    """G8: as the draft asks for it, and as the one before did."""
    raw = counter.token()

    assert isinstance(counter.verdict(raw), Accepted)
    assert isinstance(counter.verdict(raw[1:]), Accepted)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_sta_01_a_set_bit_is_revoked(bits, counter):
    """STA-01: ours, and nobody else's."""
    mine = counter.verdict(counter.token(list=_list(bits, {counter.index: 1})))
    others = {index: 1 for index in range(1 << 12) if index != counter.index}

    assert isinstance(mine, Rejected)
    assert "status.revoked" == mine.code
    assert isinstance(counter.verdict(counter.token(list=_list(bits, others))), Accepted)


@pytest.mark.parametrize(
    ("bits", "value", "code"),
    [(2, 2, "status.suspended")] + [(8, value, "status.unknown_value") for value in (3, 11, 12, 15, 16, 255)],
)
def test_sta_02_other_values(bits, value, code, counter):
    """STA-02: suspended, and everything that has no registered meaning."""
    verdict = counter.verdict(counter.token(list=_list(bits, {counter.index: value})))

    assert isinstance(verdict, Rejected)
    assert code == verdict.code


def test_sta_03_a_list_that_is_too_short(counter):
    """STA-03: an entry that the list does not have is not valid."""
    verdict = counter.verdict(counter.token(list=StatusList(2, bytearray(counter.index // 4)).to_cbor()))

    assert "status.index_out_of_range" == verdict.code


@pytest.mark.parametrize("index", [-1, 1.5, "1", True, None, 1 << 64])
def test_sta_03_an_index_that_is_none(index, world):
    """STA-03: nothing is fetched for a reference that cannot be read."""
    status = {"status_list": {"idx": index, "uri": f"{HOST}1"}}

    assert world.judge(world.stage.forge({**world.stage.mso, "status": status})) in {
        "malformed.mdoc",
        "malformed.cbor",
    }


@pytest.mark.parametrize("sub", [f"{HOST}2", f"{HOST}1/", "", f"{HOST}1".upper()])
def test_sta_07_the_token_of_another_list(sub, counter):
    """STA-07: compared byte by byte."""
    assert "status.uri_mismatch" == _undecided(counter.verdict(counter.token(sub=sub)))


MISSHAPEN = [
    {"list": 1},
    {"list": {}},
    {"list": {"bits": 3, "lst": b""}},
    {"list": {"bits": "1", "lst": b""}},
    {"list": {"bits": 1, "lst": "eJwDAAAAAAE"}},
    {"list": {"bits": 1, "lst": b"not zlib"}},
    {"list": {"bits": 1, "lst": zlib.compress(bytes(512))[:-3]}},
    {"list": {"bits": 1, "lst": zlib.compress(bytes(512)) + b"more"}},
    {"list": {"bits": 1, "lst": zlib.compress(bytes(512))[2:-4]}},
    {"ttl": 0},
    {"ttl": -1},
    {"ttl": "60"},
    {"exp": "never"},
    {"exp": CBORTag(0, "2026-11-21T03:00:00Z")},
    {"iat": "now"},
    {"iat": True},
    {"sub": 1},
    {"sub": b"https://issuer.example.go.kr/status/1"},
    {"sub": None, "list": None},
]


@pytest.mark.parametrize("change", MISSHAPEN, ids=str)
def test_sta_08_a_token_that_is_none(change, counter):
    """STA-08: signed by the right signer, and still not a status list."""
    assert "status.token_invalid" == _undecided(counter.verdict(counter.token(**change)))


HEADERS = {
    "no_typ": {},
    "typ_of_the_jwt": {TYP: MEDIA_TYPE},
    "typ_without_application": {TYP: "statuslist+cwt"},
    "typ_in_capitals": {TYP: CWT_MEDIA_TYPE.upper()},
    "typ_of_a_cwt": {TYP: "application/cwt"},
    "typ_as_a_number": {TYP: 61},
    "critical": {TYP: CWT_MEDIA_TYPE, 2: [16]},
}


@pytest.mark.parametrize("kind", HEADERS)
def test_sta_08_a_token_of_another_type(kind, counter):
    """STA-08: a token that was signed as something else, or asks for what nobody understands."""
    assert "status.token_invalid" == _undecided(counter.verdict(counter.token(header=HEADERS[kind])))


def _typ_unprotected(counter):
    parts = list(cbor(counter.token(header={})[1:]))
    parts[1] = {**parts[1], TYP: CWT_MEDIA_TYPE}
    return cbor2.dumps(parts)


def _mac(counter):
    """A MAC with a key that everybody has: that of the signer, in public."""
    header, payload = cbor2.dumps({1: 5, TYP: CWT_MEDIA_TYPE}), cbor2.dumps(counter.claims())
    x5chain = cose.unprotected(counter.kit.pki.status_signer.chain)
    key = counter.kit.pki.status_signer.chain[0]
    return b"\xd1" + cbor2.dumps([header, x5chain, payload, cose.mac(key, header, payload)])


def _parts(counter, position, value):
    parts = list(cbor(counter.token()[1:]))
    parts[position] = value
    return b"\xd2" + cbor2.dumps(parts)


def _chain(counter, *chain):
    return _parts(counter, 1, {33: list(chain)})


FORGED = {
    "a_chain_of_nothing": lambda c: _chain(c, b""),
    "a_chain_of_noise": lambda c: _chain(c, b"noise"),
    "wrapped_in_the_cwt_tag": lambda c: b"\xd8\x3d" + c.token(),
    "tagged_twice": lambda c: b"\xd2" + c.token(),
    "tagged_as_a_mac": lambda c: b"\xd1" + c.token()[1:],
    "a_mac": _mac,
    "a_mac_tagged_as_signed": lambda c: b"\xd2" + _mac(c)[1:],
    "typ_not_signed": _typ_unprotected,
    "another_key": lambda c: _parts(c, 3, bytes(64)),
    "no_signature": lambda c: _parts(c, 3, b""),
    "no_algorithm": lambda c: _parts(c, 0, cbor2.dumps({TYP: CWT_MEDIA_TYPE})),
    "no_payload": lambda c: _parts(c, 2, None),
    "no_chain": lambda c: c.token(signer=SigningKey.generate()),
    "another_pki": lambda c: c.token(signer=Kit.make().pki.status_signer),
    "a_document_signer": lambda c: c.token(signer=c.kit.pki.signers["resident"]),
    "a_verifier": lambda c: c.token(signer=c.kit.pki.verifier),
    "trailing_bytes": lambda c: c.token() + b"\x00",
    "torn": lambda c: c.token()[:-1],
    "an_mdoc": lambda c: base64url(c.presented.presentation),
}


@pytest.mark.parametrize("kind", FORGED)
def test_sta_08_a_token_that_nobody_entitled_has_signed(kind, counter):
    """STA-08: whatever stands around the list."""
    assert "status.token_invalid" == _undecided(counter.verdict(FORGED[kind](counter)))


def test_sta_08_a_chain_that_is_too_long(counter):
    """STA-08, X5T-09: counted before any of it is read."""
    raw = _chain(counter, *counter.kit.pki.status_signer.chain * 6)

    assert "limit.count" == counter.verdict(raw).code


def test_sta_08_duplicate_claims(counter):
    """STA-08: two answers to one question."""
    payload = cbor2.dumps(counter.claims())
    doubled = bytes([payload[0] + 1]) + payload[1:] + cbor2.dumps(SUB) + cbor2.dumps(counter.uri)
    raw = cose.sign1(doubled, counter.kit.pki.status_signer, {TYP: CWT_MEDIA_TYPE})

    assert "status.token_invalid" == _undecided(counter.verdict(raw))


@pytest.mark.parametrize(
    ("made", "ends"),
    [(-60, 0), (-86_400, -3_600), (61, 86_400), (-86_400, None)],
    ids=["over_this_second", "over_long_ago", "a_minute_ahead", "without_an_end_and_a_day_old"],
)
def test_sta_09_a_token_that_says_nothing_about_now(made, ends, counter):
    """STA-09: over, dated in the future, or without an end and too old."""
    now = int(counter.kit.clock.now().timestamp())
    raw = counter.token(iat=now + made, exp=None if ends is None else now + ends)

    assert "status.stale" == _undecided(counter.verdict(raw))


def test_sta_09_a_token_without_a_date(counter):
    """STA-09: nobody can tell how old it is."""
    assert "status.stale" == _undecided(counter.verdict(counter.token(iat=None)))


@pytest.mark.parametrize(
    "kind", [MEDIA_TYPE, "application/cwt", "application/cbor", "text/html", "", "application/cose"]
)
def test_sta_12_a_list_of_another_media_type(kind, counter):
    """STA-12: a CWT is served as what it is, and a JWT not as a CWT."""
    jwt = counter.kit.issuer.status_token(counter.uri).encode()

    assert "status.unavailable" == _undecided(counter.verdict(counter.token(), media_type=kind))
    assert "status.unavailable" == _undecided(counter.verdict(jwt, media_type=CWT_MEDIA_TYPE))


@pytest.mark.parametrize(("raw", "status"), [(b"", 200), (b"\xd2", 404), (b"\xd2", 500), (b"\xd2", 206)])
def test_sta_12_no_list(raw, status, counter):
    """STA-12: nothing, or a page of the host about it."""
    assert "status.unavailable" == _undecided(counter.verdict(raw, status=status))


@pytest.mark.parametrize("size", [MAX_STATUS_LIST + 1, 256 << 20])
def test_sta_13_a_bomb(size, counter):
    """STA-13: stopped at the limit, at the cost of little more memory than the limit."""
    deflate, chunk = zlib.compressobj(9), bytes(1 << 20)
    packed = b"".join([*(deflate.compress(chunk) for _ in range(size >> 20)), deflate.compress(b"\0"), deflate.flush()])
    raw = counter.token(list={"bits": 8, "lst": packed})
    tracemalloc.start()
    verdict = counter.verdict(raw)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert "limit.decompressed" == verdict.code
    assert peak < 32 << 20


def test_sta_13_a_token_that_is_too_long(counter):
    """STA-13: it is not taken apart."""
    raw = counter.token(list={"bits": 8, "lst": random.Random(1).randbytes(MAX_DOCUMENT)})

    assert "limit.size" == counter.verdict(raw).code


@pytest.mark.parametrize(
    "uri", ["http://issuer.example.go.kr/1", "file:///etc/passwd", "https://127.0.0.1/1", "https://[::1]/1", ""]
)
def test_sta_15_an_address_that_is_not_public(uri, world):
    """STA-15: a signed object does not lead a verifier into its own network."""
    status = {"status_list": {"idx": 1, "uri": uri}}
    raw = world.stage.forge({**world.stage.mso, "status": status})

    assert "fetch.blocked" == world.judge(raw, by=world.kit.another_verifier(send=Http()))


def test_sta_17_nothing_is_fetched_for_what_is_not_authentic(world):
    """STA-17: the address in an object that nobody entitled has signed is no address."""
    status = {"status_list": {"idx": 1, "uri": "https://evil.example/track"}}
    mso = {**world.stage.mso, "status": status, "validityInfo": world.stage.mso["validityInfo"]}

    assert "crypto.signature_invalid" == world.judge(world.stage.forge(mso, signer=world.stage.pki.operator))
    at = world.stage.at
    over = {"signed": tdate(at - timedelta(hours=2)), "validFrom": tdate(at - timedelta(hours=2))}
    mso["validityInfo"] = over | {"validUntil": tdate(at - timedelta(hours=1))}
    assert "time.expired" == world.judge(world.stage.forge(mso))


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize("form", ["cwt", "jwt"])
def test_sta_11_a_revocation_cannot_be_undone(form, restarted, ewallet_kit):
    """STA-11: by an older list, in whichever form it comes; restarts forget nothing."""
    document = ewallet_kit.issue(CARD, format_id="mso_mdoc", copies=2)
    issuer, uri = ewallet_kit.issuer, f"{HOST}1"
    old = issuer.status_cwt(uri) if form == "cwt" else issuer.status_token(uri).encode()
    ewallet_kit.clock.advance(timedelta(minutes=1))
    issuer.revoke(ewallet_kit.certificate_id(document), reason="a test")
    _serve(ewallet_kit, issuer.status_cwt(uri), CWT_MEDIA_TYPE)
    revoked = ewallet_kit.verify(*_show(ewallet_kit))
    ewallet_kit.clock.advance(timedelta(minutes=1))
    _serve(ewallet_kit, old, CWT_MEDIA_TYPE if form == "cwt" else MEDIA_TYPE)

    undone = ewallet_kit.verify(*_show(ewallet_kit), by=_restarted(ewallet_kit) if restarted else None)

    assert ("status.revoked", "status.rollback") == (revoked.code, undone.code)


def _serve(kit, raw, media_type):
    kit.network.route(HOST, lambda _request: Response(200, {"content-type": media_type}, raw))


def _show(kit):
    return kit.present(kit.query(CARD, ["name"]))


def _restarted(kit):
    """The same verifier after a restart."""
    return Verifier(CLIENT_ID, trust=kit.pki.trust_list(), store=kit.verifier_store, send=kit.network, env=kit.env)


@pytest.mark.sweep
def test_sta_08_any_byte_that_changes(counter):
    """STA-08: what was signed may not change; what was not decides nothing else."""
    raw = counter.token(list=_list(1, {counter.index: 1}))
    full = bool(os.environ.get("EWALLET_FULL"))
    codes = set()
    for position in range(0, len(raw), 1 if full else 11):
        for bit in range(8) if full else (position % 8,):
            changed = raw[:position] + bytes([raw[position] ^ 1 << bit]) + raw[position + 1 :]
            codes.add(counter.verdict(changed).code)

    undecided = {"status.token_invalid", "status.stale", "status.unavailable", "status.uri_mismatch"}
    assert codes <= {"status.revoked", "limit.depth", "limit.size"} | undecided
    assert "status.token_invalid" in codes


def test_sta_23_all_copies_in_one_token(ewallet_kit):
    """STA-23: ten entries are set at once, and nobody else's."""
    ewallet_kit.issue(CARD, format_id="mso_mdoc")
    document = ewallet_kit.issue(CARD, format_id="mso_mdoc", copies=10)
    ewallet_kit.issuer.revoke(ewallet_kit.certificate_id(document), reason="a test")

    _, statuses = ewallet_kit.issuer_store.statuses(f"{HOST}1")

    assert (10, {Status.REVOKED}) == (len(statuses), set(statuses.values()))
