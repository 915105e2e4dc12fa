"""Rows STA of the security matrix: what a status list may say, who may say it, and when it may be fetched.

The vectors of row STA-05 are in ``tests/vectors``; gzip bombs of row STA-13 are the HTTP client's.
"""

from __future__ import annotations

import os
import tracemalloc
import zlib
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest

from ewallet import jose
from ewallet.errors import StatusError
from ewallet.flow import Response
from ewallet.formats import FORMATS
from ewallet.http import Http
from ewallet.policy import StatusFresh
from ewallet.shape import MAX_STATUS_LIST, to_base64url
from ewallet.status import MEDIA_TYPE, Status, StatusList
from ewallet.testing.kit import CLIENT_ID
from ewallet.testing.pki import ISSUER
from ewallet.testing.stage import Stage
from ewallet.testing.status_hosts import claims, reply
from ewallet.testing.stores import MemoryVerifierStore
from ewallet.verdict import Accepted, Rejected, Undecided
from ewallet.verifier import Verifier

KIND = "resident_register_copy"
HOST = f"{ISSUER}/status/"


@pytest.fixture
def serve(ewallet_kit):
    """A function that lets the host answer with a token of changed claims, and tells the verdict on a fresh answer."""

    def served(presented, **change):
        ewallet_kit.network.route(HOST, lambda request: reply(ewallet_kit, {**claims(ewallet_kit, request), **change}))
        return ewallet_kit.verify(*presented)

    return served


def _index(stage):
    return stage.payload["status"]["status_list"]["idx"]


def _list(bits, size, entries):
    statuses = StatusList.empty(size, bits=bits)
    for index, value in entries.items():
        statuses[index] = value
    return statuses.to_json()


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_sta_01_a_set_bit_is_revoked(bits, stage, presented, serve):
    """STA-01: whatever the width of an entry."""
    verdict = serve(presented, status_list=_list(bits, 1 << 12, {_index(stage): 1}))

    assert isinstance(verdict, Rejected)
    assert "status.revoked" == verdict.code


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_sta_01_a_neighbours_bit_is_not_ours(bits, stage, presented, serve):
    """STA-01: every other entry of the list may be revoked."""
    others = {index: 1 for index in range(1 << 12) if index != _index(stage)}

    assert isinstance(serve(presented, status_list=_list(bits, 1 << 12, others)), Accepted)


@pytest.mark.parametrize(
    ("bits", "value", "code"),
    [(2, 2, "status.suspended"), (2, 3, "status.unknown_value"), (4, 2, "status.suspended")]
    + [(4, value, "status.unknown_value") for value in (3, 4, 15)]
    + [(8, value, "status.unknown_value") for value in (3, 11, 12, 15, 16, 255)],
)
def test_sta_02_other_values(bits, value, code, stage, presented, serve):
    """STA-02: suspended, and everything that has no registered meaning."""
    verdict = serve(presented, status_list=_list(bits, 1 << 12, {_index(stage): value}))

    assert isinstance(verdict, Rejected)
    assert code == verdict.code


@pytest.mark.parametrize("index", [1 << 12, (1 << 12) + 1, 1 << 40, (1 << 53) - 1])
def test_sta_03_an_index_beyond_the_list(index, stage, ewallet_kit, presented):
    """STA-03: an entry that the list does not have is not valid."""
    status = {"status_list": {"uri": f"{HOST}1", "idx": index}}

    verdict = ewallet_kit.verify(stage.forge(payload={**stage.payload, "status": status}), presented.request)

    assert isinstance(verdict, Rejected)
    assert "status.index_out_of_range" == verdict.code


@pytest.mark.parametrize("index", [-1, 1.5, "1", True, None, [1]])
def test_sta_03_an_index_that_is_none(index, stage, judge):
    """STA-03: nothing is fetched for a reference that cannot be read."""
    status = {"status_list": {"uri": f"{HOST}1", "idx": index}}

    assert "malformed.claim_type" == judge(stage.forge(payload={**stage.payload, "status": status}))


@pytest.mark.parametrize("sub", [f"{HOST}2", f"{HOST}1/", f"{HOST}1?", HOST, "", f"{HOST}1".upper()])
def test_sta_07_the_token_of_another_list(sub, presented, serve):
    """STA-07: compared byte by byte."""
    assert "status.uri_mismatch" == serve(presented, sub=sub).code


@pytest.mark.parametrize(
    "change",
    [
        {"status_list": None},
        {"status_list": {}},
        {"status_list": {"bits": 3, "lst": "eJwDAAAAAAE"}},
        {"status_list": {"bits": "1", "lst": "eJwDAAAAAAE"}},
        {"status_list": {"bits": 1, "lst": "????"}},
        {"status_list": {"bits": 1, "lst": to_base64url(b"not zlib")}},
        {"status_list": {"bits": 1, "lst": to_base64url(zlib.compress(bytes(512))[:-3])}},
        {"status_list": {"bits": 1, "lst": to_base64url(zlib.compress(bytes(512)) + b"more")}},
        {"ttl": 0},
        {"ttl": -1},
        {"ttl": "60"},
        {"exp": "never"},
        {"iat": "now"},
        {"sub": 1},
    ],
    ids=str,
)
def test_sta_08_a_token_that_is_none(change, presented, serve):
    """STA-08: signed by the right signer, and still not a status list."""
    verdict = serve(presented, **change)

    assert isinstance(verdict, Undecided)
    assert "status.token_invalid" == verdict.code


@pytest.mark.parametrize("typ", ["JWT", "dc+sd-jwt", "statuslist+cwt", "application/statuslist+jwt", ""])
def test_sta_08_a_token_of_another_type(typ, ewallet_kit, presented):
    """STA-08: a token that was signed as something else."""
    ewallet_kit.network.route(HOST, lambda request: reply(ewallet_kit, claims(ewallet_kit, request), typ=typ))

    assert "status.token_invalid" == ewallet_kit.verify(*presented).code


def test_sta_08_a_signer_who_is_not_entitled_to_that_list(ewallet_kit, presented):
    """STA-08: a status authority speaks for the types it is listed with, and for no others."""
    trust = ewallet_kit.pki.trust_list()
    anchors = (
        replace(anchor, types=frozenset({"urn:example:other"})) if anchor.purpose == "status" else anchor
        for anchor in trust.anchors
    )
    verifier = Verifier(
        CLIENT_ID,
        trust=replace(trust, anchors=tuple(anchors)),
        store=MemoryVerifierStore(),
        send=ewallet_kit.network,
        env=ewallet_kit.env,
    )

    verdict = ewallet_kit.verify(*presented, by=verifier)

    assert isinstance(verdict, Undecided)
    assert "status.token_invalid" == verdict.code


@pytest.mark.parametrize(
    ("made", "ends"),
    [(-60, 0), (-86_400, -3_600), (61, 86_400), (86_400, 172_800)],
    ids=["over_this_second", "over_long_ago", "a_minute_ahead", "tomorrow"],
)
def test_sta_09_a_token_that_says_nothing_about_now(made, ends, stage, presented, serve):
    """STA-09: over, or dated in the future."""
    now = int(stage.at.timestamp())

    verdict = serve(presented, iat=now + made, exp=now + ends)

    assert isinstance(verdict, Undecided)
    assert "status.stale" == verdict.code


def _without(kit, name, **change):
    def host(request):
        content = {key: value for key, value in {**claims(kit, request), **change}.items() if key != name}
        return reply(kit, content)

    return host


def test_sta_09_a_token_without_a_date(ewallet_kit, presented):
    """STA-09: nobody can tell how old it is."""
    ewallet_kit.network.route(HOST, _without(ewallet_kit, "iat"))

    assert "status.stale" == ewallet_kit.verify(*presented).code


@pytest.mark.parametrize(
    ("age", "code"), [(0, None), (86_399, None), (86_400, "status.stale"), (31_536_000, "status.stale")]
)
def test_sta_09_a_token_without_an_end(age, code, stage, ewallet_kit, presented):
    """STA-09: is read for a day, because a revocation may have happened since."""
    ewallet_kit.network.route(HOST, _without(ewallet_kit, "exp", iat=int(stage.at.timestamp()) - age))

    assert code == ewallet_kit.verify(*presented).code


def _show(kit, copies=1):
    if copies:
        kit.issue(KIND, copies=copies)
    return kit.present(kit.query(KIND, ["resident_address"]))


def _host(token):
    return lambda _request: Response(200, {"content-type": MEDIA_TYPE}, token.encode())


@pytest.mark.parametrize("restarted", [False, True])
def test_sta_11_a_revocation_cannot_be_undone_by_an_old_token(restarted, ewallet_kit):
    """STA-11: the host serves yesterday's list, still in force, after today's was seen; restarts forget nothing."""
    first = _show(ewallet_kit, copies=3)
    old = ewallet_kit.issuer.status_token(f"{HOST}1")
    certificate, *_ = ewallet_kit.issuer.certificates("citizen-1")
    assert isinstance(ewallet_kit.verify(*first), Accepted)
    ewallet_kit.clock.advance(timedelta(minutes=1))
    ewallet_kit.issuer.revoke(certificate.id, reason="a test")
    revoked = ewallet_kit.verify(*_show(ewallet_kit, copies=0))
    ewallet_kit.clock.advance(timedelta(minutes=1))
    ewallet_kit.network.route(HOST, _host(old))
    verifier = _restarted(ewallet_kit) if restarted else ewallet_kit.verifier

    undone = ewallet_kit.verify(*_show(ewallet_kit, copies=0), by=verifier)

    assert ("status.revoked", "status.rollback") == (revoked.code, undone.code)
    assert isinstance(undone, Rejected)


def _restarted(kit):
    """The same verifier after a restart."""
    return Verifier(CLIENT_ID, trust=kit.pki.trust_list(), store=kit.verifier_store, send=kit.network, env=kit.env)


@pytest.mark.parametrize("status", [201, 203])
def test_sta_12_any_success_brings_a_list(status, ewallet_kit, presented):
    """STA-12: which one is for the host to say (Token Status List §8.2)."""
    token = {"content-type": MEDIA_TYPE}, ewallet_kit.issuer.status_token(f"{HOST}1").encode()
    ewallet_kit.network.route(HOST, lambda _request: Response(status, *token))

    assert isinstance(ewallet_kit.verify(*presented), Accepted)


@pytest.mark.parametrize("status", [199, 204, 205, 206, 300, 301, 302, 304, 400, 401, 403, 404, 410, 429, 500, 503])
def test_sta_12_no_other_answer_is_a_list(status, ewallet_kit, presented):
    """STA-12: not even with a good token as its body."""
    token = {"content-type": MEDIA_TYPE}, ewallet_kit.issuer.status_token(f"{HOST}1").encode()
    ewallet_kit.network.route(HOST, lambda _request: Response(status, *token))

    verdict = ewallet_kit.verify(*presented)

    assert isinstance(verdict, Undecided)
    assert "status.unavailable" == verdict.code


@pytest.mark.parametrize("kind", ["text/html", "text/plain", "application/json", "", "application/statuslist+cwt"])
def test_sta_12_nor_one_of_another_kind(kind, ewallet_kit, presented):
    """STA-12: a list is served as what it is."""
    token = ewallet_kit.issuer.status_token(f"{HOST}1").encode()
    ewallet_kit.network.route(HOST, lambda _request: Response(200, {"content-type": kind} if kind else {}, token))

    assert "status.unavailable" == ewallet_kit.verify(*presented).code


@pytest.mark.parametrize("size", [MAX_STATUS_LIST + 1, 256 << 20])
def test_sta_13_a_bomb(size, ewallet_kit, presented):
    """STA-13: stopped at the limit, at the cost of little more memory than the limit."""
    deflate = zlib.compressobj(9)
    chunk = bytes(1 << 20)
    packed = b"".join([*(deflate.compress(chunk) for _ in range(size >> 20)), deflate.compress(b"\0"), deflate.flush()])
    token = jose.sign(
        "statuslist+jwt",
        {"sub": f"{HOST}1", "iat": 1_700_000_000, "status_list": {"bits": 8, "lst": to_base64url(packed)}},
        ewallet_kit.pki.status_signer,
    )
    ewallet_kit.network.route(HOST, _host(token))
    tracemalloc.start()
    verdict = ewallet_kit.verify(*presented)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert "limit.decompressed" == verdict.code
    assert peak < 32 << 20


ADDRESSES = [
    "http://issuer.example.go.kr/status/1",
    "file:///etc/passwd",
    "ftp://issuer.example.go.kr/status/1",
    "https://127.0.0.1/status/1",
    "https://[::1]/status/1",
    "https://[::ffff:127.0.0.1]/status/1",
    "https://169.254.169.254/latest/meta-data",
    "https://10.0.0.1/status/1",
    "https://192.168.0.1/status/1",
    "https://2130706433/status/1",
    "https://0x7f.1/status/1",
    "https://localhost./status/1",
    "https://issuer.example.go.kr@127.0.0.1/status/1",
    "https://[::1",
    "",
    "status/1",
]


@pytest.mark.parametrize("uri", ADDRESSES)
def test_sta_15_an_address_that_is_not_public(uri, stage, ewallet_kit, presented):
    """STA-15: the issuer's reference does not lead a verifier into its own network."""
    status = {"status_list": {"uri": uri, "idx": 1}}
    verifier = ewallet_kit.another_verifier(send=Http())

    verdict = ewallet_kit.verify(
        stage.forge(payload={**stage.payload, "status": status}), presented.request, by=verifier
    )

    assert isinstance(verdict, Undecided)
    assert "fetch.blocked" == verdict.code


def test_sta_17_nothing_is_fetched_for_what_is_not_authentic(stage, judge, ewallet_kit):
    """STA-17: neither for a broken signature nor for an untrusted issuer, whatever address it names."""
    ewallet_kit.network.route("https://evil.example/", lambda _request: Response(200))
    payload = {**stage.payload, "status": {"status_list": {"uri": "https://evil.example/track", "idx": 1}}}
    forged = stage.forge(payload=payload, signer=stage.pki.operator)

    assert "crypto.signature_invalid" == judge(forged)
    assert [] == ewallet_kit.network.requests


def _batches(kit, count):
    for i in range(count):
        keys = kit.wallet.new_keys(10)
        sample = kit.catalog.type("local_tax_payment_certificate").sample
        yield kit.issuer.issue("local_tax_payment_certificate", sample, subject=f"citizen-{i}", holders=keys)


def _refs(issued):
    return [FORMATS["dc+sd-jwt"].read(raw).status for raw in issued.credentials]


@pytest.mark.sweep
def test_sta_19_indexes_say_nothing(ewallet_kit):
    """STA-19: never twice, in no order within a batch, and everywhere in the list alike."""
    batches = [_refs(issued) for issued in _batches(ewallet_kit, 1_000 if os.environ.get("EWALLET_FULL") else 60)]
    refs = [ref for batch in batches for ref in batch]

    assert len(refs) == len(set(refs))
    assert all(1 < len({b.index - a.index for a, b in pairwise(batch)}) for batch in batches)
    bins = Counter(ref.index * 16 >> 12 for ref in refs)
    even = len(refs) / 16
    assert 37.7 > sum((bins[i] - even) ** 2 / even for i in range(16))  # chi², 15 degrees of freedom, p = 0.001


@pytest.mark.parametrize(
    ("steps", "code"),
    [
        (["revoke", "resume"], "status.transition"),
        (["revoke", "suspend"], "status.transition"),
        (["suspend", "revoke", "resume"], "status.transition"),
        (["suspend", "resume"], None),
        (["revoke", "revoke"], None),
        (["suspend", "suspend"], None),
        (["resume"], None),
    ],
    ids=str,
)
def test_sta_20_revoked_is_for_good(steps, code, ewallet_kit):
    """STA-20: everything but a revocation can be taken back."""
    certificate = ewallet_kit.certificate_id(ewallet_kit.issue(KIND))
    found = None
    for step in steps:
        try:
            getattr(ewallet_kit.issuer, step)(certificate, reason="a test")
        except StatusError as exc:
            found = exc.code

    assert code == found


def test_sta_23_all_copies_in_one_token(ewallet_kit):
    """STA-23: ten entries are set at once, and nobody else's."""
    ewallet_kit.issue(KIND)
    document = ewallet_kit.issue(KIND, copies=10)
    stages = [Stage.of(ewallet_kit, _show(ewallet_kit, copies=0)) for _ in range(11)]
    ewallet_kit.issuer.revoke(ewallet_kit.certificate_id(document), reason="a test")

    size, statuses = ewallet_kit.issuer_store.statuses(f"{HOST}1")

    assert (10, {Status.REVOKED}) == (len(statuses), set(statuses.values()))
    assert set(statuses) < {_index(stage) for stage in stages}
    assert 1 << 12 == size


def test_a_cached_list_is_read_until_it_is_due(ewallet_kit):
    """The issuer asks for a look every minute; between two looks nothing is fetched, whoever presents."""
    for _ in range(3):
        ewallet_kit.verify(*_show(ewallet_kit))
    within = len(ewallet_kit.network.requests)
    ewallet_kit.clock.advance(timedelta(seconds=60))
    ewallet_kit.verify(*_show(ewallet_kit))

    assert (1, 2) == (within, len(ewallet_kit.network.requests))


def test_a_list_without_ttl_is_due_when_the_verifier_says(ewallet_kit):
    """Where the list itself does not say, the verifier's policy does."""
    ewallet_kit.network.route(HOST, _without(ewallet_kit, "ttl"))
    verifier = ewallet_kit.another_verifier(status=StatusFresh(refresh=timedelta(minutes=10)))
    for minutes in (0, 9, 1):
        ewallet_kit.clock.advance(timedelta(minutes=minutes))
        ewallet_kit.verify(*_show(ewallet_kit), by=verifier)

    assert 2 == len(ewallet_kit.network.requests)
