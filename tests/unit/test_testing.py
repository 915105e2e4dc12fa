"""What the library offers to the tests of others: the PKI as files, the clock, the entropy and the plugin itself."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from stat import S_IMODE

import pytest

from ewallet.env import Env
from ewallet.errors import StoreError, TransportError
from ewallet.flow import Request, Response
from ewallet.keys import PublicKey, SigningKey
from ewallet.shape import json_object
from ewallet.testing import Clock, Entropy, Kit, Network, Pki
from ewallet.trust import TrustList
from ewallet.verdict import Accepted

SYSTEMS = {"resident": ["urn:example:a:1"], "tax": ["urn:example:b:1"]}


@pytest.fixture
def pki(ewallet_clock):
    """A small PKI of two national systems."""
    return Pki.make(at=ewallet_clock.now(), systems=SYSTEMS)


def test_a_pki_comes_back_from_its_files(pki, tmp_path):
    """Names, types, certificates and keys; what it signs after loading is believed as before."""
    pki.save(tmp_path)
    loaded = Pki.load(tmp_path)

    assert pki == loaded
    read = TrustList.read(loaded.signed_trust_list(), pki.operator_key, at=pki.at)
    assert pki.trust_list() == read


def test_its_keys_are_for_their_owner_only(pki, tmp_path):
    """Every key file has mode 0600, and one that was opened to everybody is refused."""
    pki.save(tmp_path)
    keys = sorted(tmp_path.rglob("*.key"))

    assert {0o600} == {S_IMODE(key.stat().st_mode) for key in keys}
    keys[0].chmod(0o604)
    with pytest.raises(StoreError) as refused:
        Pki.load(tmp_path)
    assert "storage.loose_mode" == refused.value.code


def test_its_files_are_what_the_library_loads(pki, tmp_path):
    """An issuer loads a signer, a verifier the list and the operator's key, each from its file."""
    pki.save(tmp_path)
    signer = SigningKey.load(tmp_path / "signers/tax.key", chain=tmp_path / "signers/tax.pem")
    operator = PublicKey.of_jwk(json_object((tmp_path / "operator.jwk").read_bytes()))
    trust = TrustList.read((tmp_path / "trust-list.jwt").read_text(), operator, at=pki.at)

    assert "tax" == trust.check(signer.chain, "issuer", pki.at, type_id="urn:example:b:1").anchor.id


def test_the_key_of_a_verifier_is_not_among_those_of_an_issuer(pki, tmp_path):
    """What an issuer loads is one key for each national system and one for status lists, and no more."""
    pki.save(tmp_path)
    loaded = {path.stem for path in (tmp_path / "signers").glob("*.key")}
    verifier = SigningKey.load(tmp_path / "verifier.key", chain=tmp_path / "verifier.pem")

    assert {*pki.signers, "status"} == loaded
    assert pki.verifier.public.thumbprint == verifier.public.thumbprint


def test_a_signer_outlives_the_last_credential_it_signed(pki):
    """Ninety days of signing and the longest validity of a kind, a year, fit into its certificate."""
    last_day = pki.at + timedelta(days=87)  # it was made two days before
    chain = pki.signers["resident"].chain
    path = pki.trust_list().check(chain, "issuer", pki.at, type_id="urn:example:a:1")

    assert path.until >= last_day + timedelta(days=365)


def test_serial_numbers_come_from_the_entropy_that_is_given(ewallet_clock):
    """The same seed, the same serial numbers."""
    made = [Pki.make(at=ewallet_clock.now(), systems=SYSTEMS, random=Entropy("seed")) for _ in range(2)]
    serials = [[authority.certificate.serial_number for authority in pki.authorities.values()] for pki in made]

    assert serials[0] == serials[1]
    assert len(serials[0]) == len(set(serials[0]))


def test_entropy_repeats_with_its_seed_only():
    """Two streams of one seed are equal, of two seeds not, and no draw repeats another."""
    one, same, other = Entropy("a"), Entropy("a"), Entropy("b")
    draws = [one(16) for _ in range(3)]

    assert draws == [same(16) for _ in range(3)]
    assert 6 == len({*draws, *(other(16) for _ in range(3))})


def test_a_clock_moves_only_when_told():
    """Forward, backward and to a time."""
    clock = Clock()
    start = clock.now()

    assert start == clock.now() == clock.env().now()
    assert start + timedelta(hours=1) == clock.advance(timedelta(hours=1))
    clock.set(start)
    assert start == clock.now()


def test_a_network_refuses_what_it_does_not_know():
    """The longest prefix answers; without any the connection is refused, and remembered all the same."""
    network = Network()
    network.route("https://a.example/", lambda _request: Response(200, {}, b"host"))
    network.route("https://a.example/deep/", lambda _request: Response(200, {}, b"deep"))

    assert b"deep" == network(Request("GET", "https://a.example/deep/1")).body
    assert b"host" == network(Request("GET", "https://a.example/1")).body
    with pytest.raises(TransportError) as refused:
        network(Request("GET", "https://b.example/"))
    assert "fetch.unavailable" == refused.value.code
    assert 3 == len(network.requests)


def test_a_kit_works_over_a_database():
    """The stores in memory can be replaced by those in a database, role by role."""
    from ewallet.sql import Database

    clock = Clock()
    database = Database("sqlite://", env=Env(now=clock.now))
    kit = Kit.make(clock=clock, issuer_store=database.issuer, verifier_store=database.verifier)
    kit.issue("local_tax_payment_certificate")
    token, request = kit.present(kit.query("local_tax_payment_certificate", ["issue_date"]))

    assert isinstance(kit.verify(token, request), Accepted)
    database.close()


PLUGIN = """
from ewallet.testing import plugin
import sys
heavy = {"cryptography", "sqlalchemy", "fastapi", "httpx2", "cbor2", "jsonschema_rs", "ewallet.keys", "ewallet.catalog"}
print(sorted(heavy & set(sys.modules)))
"""


def test_the_plugin_imports_nothing_until_it_is_asked():
    """Suites that use none of its fixtures do not pay for it."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}
    command = [sys.executable, "-c", PLUGIN]

    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)

    assert "[]\n" == done.stdout


def test_every_name_of_the_package_can_be_loaded():
    """What is listed is there, and what is not raises as usual."""
    from ewallet import testing

    assert [Clock, Entropy, Kit, Network, Pki] == [getattr(testing, name) for name in sorted(testing.__all__)]
    with pytest.raises(AttributeError):
        testing.nothing  # noqa: B018 - reading it is the test
