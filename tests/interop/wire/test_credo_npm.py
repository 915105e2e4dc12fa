"""The peer ``@credo-ts/openid4vc`` (npm) as issuer and verifier: our wallet receives from and presents to it, by HTTP.

Needs node 20, what ``.ci/run`` installs in the folder above, and from PyPI ``aries-askar``, whose shared library keeps
the peer's keys and records. As of 0.6.3, and not copied here:

- it names its ``request_uri`` as the audience of a request, where OpenID4VP 1.0 §5.8 has one fixed value; a JWT for
  somebody else is refused (RFC 7519 §4.1.3), so that here it is told what to name;
- it verifies a status list with the key of the credential, whoever signed the list (Token Status List §11.3 leaves
  that to trust), so that here our issuer signs both with one key;
- it reads no error responses (OpenID4VP 1.0 §8.5), and ends the request with an error of its own;
- it wants to be told by which algorithm transactions are hashed, also where it named none (App. B.3.3.1);
- it makes offers by reference only, encrypts no credentials and has no notification endpoint.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from base64 import b64encode
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path

import pytest

from ewallet import aio
from ewallet.catalog import Catalog
from ewallet.dcql import Query
from ewallet.env import Env
from ewallet.errors import EWalletError, ProtocolError
from ewallet.http import Http
from ewallet.shape import to_base64url
from ewallet.sql import Database
from ewallet.testing.pki import Pki, private_key
from ewallet.wallet import Wallet

pytestmark = pytest.mark.loopback

PACKAGES = ("@credo-ts/core", "@credo-ts/openid4vc", "@credo-ts/askar", "@openwallet-foundation/askar-nodejs")
BINDING = Path(__file__).parent.parent / "node_modules/@2060.io/ffi-napi/build/Release"
KIND = "resident_register_copy"
ASKED = ("resident_address", "is_householder")
SELF_ISSUED = "https://self-issued.me/v2"
PASSPHRASE = "a passphrase of nobody"
LOAN = "urn:example:loan"
TRANSACTION = {
    "type": LOAN,
    "credential_ids": [KIND],
    "transaction_data_hashes_alg": ["sha-256"],
    "amount": "1000000",
    "lender": "가상은행",
}
_REGISTERED = {"vct", "iss", "iat", "nbf", "exp", "cnf", "status"}
_PREFIXES = ("x509_hash", "x509_san_dns")


def _library():
    """The folder of askar's shared library; each test that needs it is skipped, and counted, where it is absent."""
    found = find_spec("aries_askar")
    if found is None or not found.submodule_search_locations:
        pytest.skip("the peer @credo-ts/openid4vc (npm) needs aries-askar (PyPI), which is not installed")
    return found.submodule_search_locations[0]


@pytest.fixture(scope="module")
def credo(start_program):
    """The peer, with nothing set up yet."""
    library = _library()
    with start_program("credo.mjs", *PACKAGES, LIB_ASKAR_PATH=library) as program:
        if not BINDING.is_dir():
            pytest.skip("the peer @credo-ts/openid4vc (npm) needs the bindings of @2060.io/ffi-napi: npm rebuild")
        yield program


@pytest.fixture(scope="module")
def peer(credo, found_town):
    """The peer as an issuer and a verifier that are on the trust list of a town, and the town."""
    addresses = credo("addresses")
    pki = Pki.make(at=Env().now(), issuer=addresses["issuer"], verifier=addresses["verifier"])
    with found_town("x509_hash", one_key=True, credo=pki) as town:
        trusted = [b64encode(each.der).decode() for own in (pki, town.pki) for each in own.authorities.values()]
        kind = Catalog.bundled().type(KIND)
        signers = {"signer": _signer(pki.signers[kind.system]), "reader": _signer(pki.verifier)}
        credo("start", **signers, trusted=trusted, kinds={kind.id: _record(kind)})
        yield credo, town


def _signer(key):
    secret = private_key(key).private_numbers().private_value
    jwk = {**key.public.jwk, "d": to_base64url(secret.to_bytes(32, "big"))}
    return {"jwk": jwk, "chain": [b64encode(each).decode() for each in key.chain]}


def _record(kind):
    at = Env().now()
    since, until = (int((at + timedelta(days=days)).timestamp()) for days in (-1, 30))
    claims = {**kind.sample, **kind.presigned(kind.sample, at)}
    return {"vct": kind.vct, "claims": claims, "registered": {"iat": since, "nbf": since, "exp": until}}


@pytest.fixture
def holder(peer):
    """An empty wallet of ours."""
    _, town = peer
    shown = {LOAN: frozenset({"amount", "lender"})}
    return Wallet(store=_store(), trust=town.trust, send=Http(unsafe_loopback=True), transaction_types=shown)


def _store():
    return Database("sqlite://").wallet(PASSPHRASE, unsafe_fast_kdf=True)


def _offer(credo, *, tx_code=False, dpop=True, defer=False):
    return credo("offer", ids=[KIND], txCode=tx_code, dpop=dpop, defer=defer)


def _ask(credo, prefix="x509_hash", mode="direct_post.jwt", audience=SELF_ISSUED, **more):
    query = Query.for_type(Catalog.bundled().type(KIND), ASKED)
    return credo("ask", query=query.to_json(), prefix=prefix, mode=mode, audience=audience, **more)


def _shown(outcome):
    return outcome["state"], outcome["claims"][KIND].keys() - _REGISTERED


# -- receiving -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tx_code", [False, True], ids=["plain", "tx-code"])
@pytest.mark.parametrize("dpop", [False, True], ids=["offered", "demanded"])
def test_we_receive_from_it(tx_code, dpop, peer, holder):
    """A batch, each copy bound to a key of its own, with DPoP whether it is offered or demanded."""
    credo, _ = peer
    offer = _offer(credo, tx_code=tx_code, dpop=dpop)
    (document,) = holder.accept(offer["link"], tx_code=offer.get("txCode"), copies=4)

    assert (KIND, 4) == (document.type and document.type.id, document.copies_left)
    assert "Completed" == credo("issued", id=offer["id"])


def test_a_wrong_code_is_refused_there(peer, holder):
    """In our words for its refusal, and nothing is kept; the right one is good afterwards."""
    credo, _ = peer
    offer = _offer(credo, tx_code=True)
    wrong = f"{(int(offer['txCode']) + 1) % 1_000_000:06}"
    with pytest.raises(EWalletError) as refused:
        holder.accept(offer["link"], tx_code=wrong, copies=1)

    assert "offer.refused" == refused.value.code
    assert () == tuple(holder.documents())
    assert 1 == len(holder.accept(offer["link"], tx_code=offer["txCode"], copies=1))


def test_what_it_defers_is_collected(peer, holder):
    """Not before it is ready."""
    credo, _ = peer
    offer = _offer(credo, defer=True)
    first = holder.accept(offer["link"], copies=2)
    time.sleep(1)
    early = holder.collect()
    credo("finishDeferred")
    time.sleep(1)
    (document,) = holder.collect()

    assert ((), ()) == (tuple(first), tuple(early))
    assert (KIND, 2, ()) == (document.type and document.type.id, document.copies_left, tuple(holder.pending))


# -- presenting ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prefix", _PREFIXES)
@pytest.mark.parametrize("mode", ["direct_post", "direct_post.jwt"])
@pytest.mark.parametrize("issuer", ["theirs", "ours"])
def test_we_present_to_it(prefix, mode, issuer, peer, holder):
    """It verifies the least that it asked for, whoever issued it; of ours it fetches the status list."""
    credo, town = peer
    holder.accept(_offer(credo)["link"] if issuer == "theirs" else town.offer()["uri"], copies=1)
    asked = _ask(credo, prefix, mode)
    request = holder.open(asked["link"])
    holder.answer(request, holder.match(request.query))

    assert ("ResponseVerified", set(ASKED)) == _shown(credo("outcome", id=asked["id"]))


def test_it_leads_back(peer, holder):
    """To the address that it named for the same device."""
    credo, _ = peer
    holder.accept(_offer(credo)["link"], copies=1)
    request = holder.open(_ask(credo, redirectTo="https://bank.example/done?session=1")["link"])

    assert "https://bank.example/done?session=1" == holder.answer(request, holder.match(request.query))


def test_we_confirm_a_transaction_to_it(peer, holder):
    """Of a type that our wallet was told of; it finds the hash where it expects it."""
    credo, _ = peer
    holder.accept(_offer(credo)["link"], copies=1)
    asked = _ask(credo, transactions=[TRANSACTION])
    request = holder.open(asked["link"])
    holder.answer(request, holder.match(request.query))
    outcome = credo("outcome", id=asked["id"])

    assert ("ResponseVerified", [TRANSACTION]) == (outcome["state"], outcome["confirmed"])


def test_as_published_it_hears_no_refusal(peer, holder):
    """It answers that with an error, which we say; the request is over there, as it should be."""
    credo, _ = peer
    asked = _ask(credo)
    with pytest.raises(EWalletError) as refused:
        holder.decline(holder.open(asked["link"]))

    assert "fetch.unavailable" == refused.value.code
    assert "Error" == credo("outcome", id=asked["id"])["state"]


def test_it_refuses_what_we_revoked(peer, holder):
    """Its verifier reads our status list."""
    credo, town = peer
    holder.accept(town.offer()["uri"], copies=1)
    (newest, *_) = town.certificates()
    town.revoke(newest["id"])
    asked = _ask(credo)
    request = holder.open(asked["link"])
    with pytest.raises(EWalletError) as refused:
        holder.answer(request, holder.match(request.query))
    outcome = credo("outcome", id=asked["id"])

    assert "fetch.unavailable" == refused.value.code
    assert ("Error", True) == (outcome["state"], "Status is not valid" in outcome["error"])


def test_our_bank_reads_what_it_issued(peer, holder):
    """It issues without a status; a bank that wants to know leaves the verdict open, and does not say yes."""
    credo, town = peer
    holder.accept(_offer(credo)["link"], copies=1)
    asked = town.ask()
    request = holder.open(asked["link"])
    holder.answer(request, holder.match(request.query))

    assert ("undecided", "status.missing") == town.verdict(asked)


def test_as_published_its_requests_are_for_somebody_else(peer, holder):
    """They are refused, and nothing is sent."""
    credo, _ = peer
    asked = _ask(credo, audience=None)
    with pytest.raises(ProtocolError) as refused:
        holder.open(asked["link"])

    assert ("request.invalid", "aud is not https://self-issued.me/v2") == (refused.value.code, refused.value.detail)
    assert "RequestUriRetrieved" == credo("outcome", id=asked["id"])["state"]


# -- in other ways -------------------------------------------------------------------------------------------------


def test_a_program_that_awaits_does_the_same(peer):
    """The asynchronous wallet receives and presents."""
    credo, town = peer
    asked = _ask(credo)

    async def walk():
        send = aio.threaded(Http(unsafe_loopback=True))
        wallet = aio.AsyncWallet(store=_store(), trust=town.trust, send=send)
        await wallet.accept(_offer(credo)["link"], copies=1)
        request = await wallet.open(asked["link"])
        await wallet.answer(request, await wallet.match(request.query))

    asyncio.run(walk())
    assert ("ResponseVerified", set(ASKED)) == _shown(credo("outcome", id=asked["id"]))


def _write_private(path, text):
    path.write_text(f"{text}\n", "utf-8")
    path.chmod(0o600)


@pytest.fixture
def command(peer, tmp_path):
    """Runs ``ewallet`` over an empty wallet."""
    _, town = peer
    database = Database(f"sqlite:///{tmp_path / 'wallet' / 'wallet.db'}")
    database.wallet(PASSPHRASE, create=True, unsafe_fast_kdf=True)
    database.close()
    _write_private(tmp_path / "passphrase", PASSPHRASE)
    trust = ("--trust", "trust.jwt", "--trust-key", "operator.jwk")

    def run(*arguments):
        place = ("--data", tmp_path, "--passphrase-file", tmp_path / "passphrase")
        given = [sys.executable, "-m", "ewallet.cli", *arguments, *trust, *place]
        return subprocess.run(given, cwd=town.folder, env=town.environment, capture_output=True, text=True, check=False)

    return run


def test_the_command_receives_and_presents(peer, command, tmp_path):
    """With the code from a file, and the bank's name before anything is sent."""
    credo, _ = peer
    offer, asked = _offer(credo, tx_code=True), _ask(credo)
    _write_private(tmp_path / "code", offer["txCode"])
    received = command("receive", offer["link"], "--tx-code-file", tmp_path / "code", "--copies", "2", "--yes")
    presented = command("present", asked["link"], "--yes")

    assert (0, 0) == (received.returncode, presented.returncode), received.stderr + presented.stderr
    assert "copies left: 2" in received.stdout
    assert "receiver: Example verifier signer" in presented.stderr + presented.stdout
    assert ("ResponseVerified", set(ASKED)) == _shown(credo("outcome", id=asked["id"]))
