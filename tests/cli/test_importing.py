"""``ewallet-verify trust import``: a trust list made of a made-up VICAL and of roots, and what is told of it."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from ewallet.env import Env
from ewallet.testing.clock import Clock
from ewallet.testing.pki import Pki
from ewallet.testing.vicals import Provider
from ewallet.trust import TrustList

LICENCE, CARD = "org.iso.18013.5.1.mDL", "org.iso.23220.photoid.1"


@pytest.fixture(scope="module")
def provider(desk):
    """A provider whose list and root are in the folder, with authorities to be listed."""
    clock = Clock(Env().now().replace(microsecond=0) - timedelta(hours=1))
    pki = Pki.make(at=clock.now(), systems={"licence": {LICENCE}, "resident": {CARD}, "plain": {"urn:example:a"}})
    provider = Provider.make(clock.now())
    roots = {id_: pki.authorities[id_].certificate for id_ in ("licence", "resident", "plain")}
    listed = {roots["licence"]: [LICENCE], roots["resident"]: [CARD, LICENCE]}
    (desk.folder / "vical.cbor").write_bytes(provider.vical(listed))
    (desk.folder / "vical-root.der").write_bytes(provider.root.der)
    for name, root in roots.items():
        (desk.folder / f"{name}.pem").write_bytes(root.public_bytes(Encoding.PEM))
    pki.operator.save(desk.folder / "operator.key")
    (desk.folder / "lists.jwk").write_text(json.dumps(pki.operator_key.jwk), "ascii")
    return provider, pki


@pytest.fixture
def imports(desk, provider):
    """A function: ``trust import`` of those files, and how it ended."""
    assert provider
    (desk.folder / "lists.jwt").unlink(missing_ok=True)

    def run(*words):
        return desk.run("ewallet-verify", "trust", "import", *words)

    return run


VICAL = ("vical.cbor", "--vical-root", "vical-root.der")
SIGNED = ("--sign", "operator.key", "--out", "lists.jwt")


def _types(trust):
    return {next(iter(anchor.names.values())): set(anchor.types) for anchor in trust.anchors}


def test_a_vical_becomes_a_signed_list(imports, desk, provider):
    """For the types it lists and until it is over itself; whoever verifies can then read it."""
    maker, pki = provider
    ended = imports(*VICAL, *SIGNED, "--days", "300", "--on-crl")
    raw = (desk.folder / "lists.jwt").read_text("ascii")
    trust = TrustList.read(raw, pki.operator_key, at=Env().now())
    shown = desk.run("ewallet-verify", "trust", "--trust", "lists.jwt", "--trust-key", "lists.jwk")

    assert (0, "") == (ended.code, ended.stderr)
    assert maker.at + timedelta(days=30) == trust.until
    assert {"Example licence authority": {LICENCE}, "Example resident authority": {CARD, LICENCE}} == _types(trust)
    assert {("iso18013-5", True)} == {(anchor.profile, anchor.crl) for anchor in trust.anchors}
    assert (0, ended.document) == (shown.code, shown.document)


def test_a_list_is_left_to_be_signed_elsewhere(imports, desk, provider):
    """What an operator with a key in a device signs is the same that is signed here."""
    _, pki = provider
    assert 0 == imports(*VICAL, "--out", "lists.json").code
    assert 0 == imports(*VICAL, *SIGNED).code
    claims = json.loads((desk.folder / "lists.json").read_text("ascii"))
    trust = TrustList.read((desk.folder / "lists.jwt").read_text("ascii"), pki.operator_key, at=Env().now())

    assert trust.to_json()["anchors"] == claims["anchors"]
    assert {"anchors", "exp", "iat", "version"} == claims.keys()


def test_roots_are_added_to_a_list_for_the_types_that_are_named(imports, desk, provider):
    """The next version of it; a root that was there already is there once."""
    _, pki = provider
    assert 0 == imports(*VICAL, *SIGNED).code
    base = ("--trust", "lists.jwt", "--trust-key", "lists.jwk")
    ended = imports("resident.pem", "--type", CARD, *base, *SIGNED)
    trust = TrustList.read((desk.folder / "lists.jwt").read_text("ascii"), pki.operator_key, at=Env().now())

    assert (0, 2) == (ended.code, trust.version)
    assert {"Example licence authority": {LICENCE}, "Example resident authority": {CARD}} == _types(trust)


def test_only_what_is_wanted_of_a_vical(imports, desk, provider):
    """A kind may be named by its id."""
    _, pki = provider
    assert 0 == imports(*VICAL, *SIGNED, "--type", "mobile_resident_card").code
    trust = TrustList.read((desk.folder / "lists.jwt").read_text("ascii"), pki.operator_key, at=Env().now())

    assert {"Example resident authority": {CARD}} == _types(trust)


def test_a_root_that_departs_from_its_profile_is_told_and_taken(imports):
    """Whoever imports it decides; what it departs in is said each time the list is shown."""
    ended = imports("plain.pem", "--type", LICENCE, *SIGNED)

    (anchor,) = ended.document["anchors"]
    assert 0 == ended.code
    assert "a root that another authority has signed" in anchor["departures"]
    assert all(departure in ended.stderr for departure in anchor["departures"])


@pytest.mark.parametrize(
    ("words", "code", "ends"),
    [
        ((), "usage.argument", 2),
        (("vical.cbor",), "usage.argument", 2),
        (("vical.cbor", *SIGNED), "trust.no_path", 2),
        (("vical.cbor", "--vical-root", "licence.pem", *SIGNED), "trust.no_path", 2),
        (("vical.cbor", "--vical-root", "vical.cbor", *SIGNED), "malformed.x509", 1),
        (("licence.pem", *SIGNED), "usage.argument", 2),
        (("lists.jwk", *VICAL[1:], *SIGNED), "trust.list_invalid", 2),
        ((*VICAL, *SIGNED, "--days", "0"), "usage.argument", 2),
        ((*VICAL, *SIGNED, "--days", "367"), "usage.argument", 2),
        ((*VICAL, *SIGNED, "--type", "no_such_kind"), "usage.argument", 2),
        ((*VICAL, *SIGNED, "--type", "org.example.other"), "usage.argument", 2),
        ((*VICAL, "--sign", "lists.jwk", "--out", "lists.jwt"), "storage.loose_mode", 2),
        ((*VICAL, "--sign", "operator.key", "--out", "none/lists.jwt"), "usage.file", 2),
        ((*VICAL, *SIGNED, "--at", "2036-11-21T03:00:00Z"), "trust.cert_expired", 2),
    ],
    ids=str,
)
def test_what_is_refused_writes_no_list(words, code, ends, imports, desk):
    """And says why."""
    ended = imports(*words)

    assert (ends, code) == (ended.code, ended.document["code"])
    assert not (desk.folder / "lists.jwt").exists()


def test_what_belongs_to_import_is_refused_without_it(desk):
    """So that nobody believes a list was made."""
    ended = desk.run("ewallet-verify", "trust", "--out", "lists.jwt")

    assert (2, "usage.argument") == (ended.code, ended.document["code"])
