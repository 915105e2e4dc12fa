"""X5T-16 at the counter: revocation lists that came in a file."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from ewallet.oid4vp import vp_token_bytes
from ewallet.testing.crls import Listed, crl
from ewallet.testing.kit import Kit
from ewallet.testing.pki import ISSUER

CARD, SYSTEM = "mobile_resident_card", "resident"


@pytest.fixture
def counter(empty_desk):
    """A counter without a network, an mdoc to be judged there, and lists of all kinds."""
    kit, folder = Kit.make(), empty_desk.folder
    trust = kit.pki.trust_list()
    anchors = tuple(replace(anchor, crl=anchor.purpose == "issuer") for anchor in trust.anchors)
    kit.issue(CARD, format_id="mso_mdoc", copies=2)
    signer = x509.load_der_x509_certificate(kit.pki.signers[SYSTEM].chain[0])
    at = kit.clock.now()
    lists = {
        "good": Listed(since=at),
        "bad": Listed(since=at, number=2, revoked=(signer.serial_number,)),
        "old": Listed(since=at - timedelta(days=30)),
    }
    for name, listed in lists.items():
        (folder / f"{name}.crl").write_bytes(crl(listed, by=kit.pki.authorities[SYSTEM]))
    pem = x509.load_der_x509_crl((folder / "good.crl").read_bytes()).public_bytes(Encoding.PEM)
    (folder / "good.pem").write_bytes(pem)
    (folder / "torn.crl").write_bytes((folder / "good.crl").read_bytes()[:-1])
    (folder / "trust.jwt").write_text(replace(trust, anchors=anchors).signed(kit.pki.operator), "ascii")
    (folder / "operator.pem").write_text(json.dumps(kit.pki.operator_key.jwk), "ascii")
    (folder / "status.jwt").write_text(kit.issuer.status_token(f"{ISSUER}/status/1"), "ascii")
    for number in ("", "-2"):
        presented = kit.present(kit.query(CARD, ["name"]))
        (folder / f"answer{number}.json").write_bytes(vp_token_bytes(presented.token))
        (folder / f"request{number}.json").write_bytes(presented.request.to_bytes())
    return replace(empty_desk, at=at.strftime("%Y-%m-%dT%H:%M:%SZ"))


UNKNOWN = (3, "trust.revocation_unknown")


@pytest.mark.parametrize(
    ("lists", "ends"),
    [
        (["good.crl"], (0, None)),
        (["good.pem"], (0, None)),
        (["bad.crl"], (1, "trust.cert_revoked")),
        (["good.crl", "bad.crl"], (1, "trust.cert_revoked")),
        (["bad.crl", "good.crl"], (1, "trust.cert_revoked")),
        ([], UNKNOWN),
        (["old.crl"], UNKNOWN),
        (["torn.crl"], UNKNOWN),
        (["status.jwt"], UNKNOWN),
    ],
    ids=str,
)
def test_x5t_16_lists_at_hand(lists, ends, counter):
    """X5T-16: the newest of them counts; one that cannot be used is as good as none."""
    flags = [word for name in lists for word in ("--crl", name)]
    ended = counter.verify("answer.json", "--request", "request.json", *flags)

    assert ends == (ended.code, ended.document["code"])


def test_x5t_16_a_list_that_is_none_is_told(counter):
    """X5T-16: on stderr, by the number of the flag."""
    ended = counter.verify("answer.json", "--request", "request.json", "--crl", "good.crl", "--crl", "torn.crl")

    assert 0 == ended.code
    assert "--crl 2:" in ended.stderr


def test_x5t_16_a_state_remembers_the_newest_list(counter):
    """X5T-16: the next day an older one does not undo a revocation."""
    state = ("--state", "sqlite:///seen.db")
    seen = counter.verify("answer.json", "--request", "request.json", *state, "--crl", "bad.crl")
    again = counter.verify("answer-2.json", "--request", "request-2.json", *state, "--crl", "good.crl")

    assert [(1, "trust.cert_revoked")] * 2 == [(ended.code, ended.document["code"]) for ended in (seen, again)]
