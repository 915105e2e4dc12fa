"""Another program on the same database: does what it is told, a JSON object a line, and says how it went.

A command is done at its time ``at``, so that many workers do it at once. All workers are forked from one process, which
has imported what they need.
"""

from __future__ import annotations

import gc
import json
import os
import random
import signal
import socket
import sys
import time
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import count

from ewallet.authorization import Attempt
from ewallet.catalog import Catalog
from ewallet.credential import StatusRef
from ewallet.documents import Inquiry
from ewallet.env import Env
from ewallet.errors import AlreadyUsed, EWalletError
from ewallet.flow import Request
from ewallet.holding import Copy, Held, Shown
from ewallet.intents import Certificate, Intent
from ewallet.issuance import Issuance
from ewallet.issuer import Issuer
from ewallet.settlement import Sealed, Settled
from ewallet.sql import Database
from ewallet.status import Status
from ewallet.testing.clock import Entropy
from ewallet.testing.history import event
from ewallet.testing.issuance import SampleRecords
from ewallet.testing.pki import Pki

AT = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
SIZE = 1000
_OPEN: list[Database] = []


@lru_cache(maxsize=1)
def _database(url: str) -> Database:
    _close_last()
    _OPEN.append(Database(url))
    return _OPEN[-1]


def _close_last():
    while _OPEN:
        _OPEN.pop().close()
    _wallet.cache_clear()
    _issuance.cache_clear()


@lru_cache(maxsize=1)
def _wallet(url: str, passphrase: str):
    return _database(url).wallet(passphrase)


def _open_all(command):
    database = _database(command["url"])
    _ = database.issuer, database.issuance, database.verifier
    return "open"


def _redeem(command):
    """With the worker's own token and key proof, or with those that are named."""
    number = command["number"]
    attempt = Attempt(
        code=command["code"].encode(),
        tx_code=command["tx_code"].encode() if command["tx_code"] else None,
        token=f"token-{command['code']}-{number}".encode(),
        thumbprint=None,
        until=AT,
        once={command.get("once", f"{command['code']}-{number}-{command['tx_code']}").encode(): AT},
        source=command.get("source", f"source-{number:03}").encode(),
        window=timedelta(hours=1),
    )
    return _database(command["url"]).issuance.redeem(attempt, AT)[0]


def _inquire(command):
    """About one number, from one source."""
    asked = Inquiry(
        digest=f"{command['digest']}-{command['number']}".encode(),
        counters=frozenset({b"source", b"number"}),
        window=timedelta(hours=1),
    )
    return _database(command["url"]).issuer.inquire(asked, AT)


def _take(command):
    return len(_database(command["url"]).issuance.take({command["digest"].encode(): AT}))


def _arrived(command):
    return _database(command["url"]).issuance.arrived(command["token"].encode(), command["configuration"])


def _settle(command):
    """The one verdict."""
    claims = Sealed(record=b"claims", until=AT + timedelta(hours=1))
    nonce = command.get("nonce", command["id"])
    settled = Settled(outcome="{}", nonce=nonce, until=AT, code=b"code", claims=claims)
    return _is_first(lambda store: store.settle_exchange(command["id"].encode(), settled), command)


def _take_code(command):
    return _is_first(lambda store: store.take_code(command["id"].encode(), b"code"), command)


def _is_first(action, command):
    try:
        action(_database(command["url"]).verifier)
    except AlreadyUsed:
        return False
    return True


def _read_claims(command):
    return _database(command["url"]).verifier.take_claims(command["id"].encode(), AT) is not None


def _take_nonce(command):
    _database(command["url"]).verifier.take_nonce(command["nonce"], AT)
    return "taken"


def _status_list(command):
    return _database(command["url"]).issuer.status_list(SIZE, _uri)


def _intend(command):
    """The certificate is this worker's own; the first entry is everybody's, the second its own."""
    store, number = _database(command["url"]).issuer, command["number"]
    entries = [command["contested"], command["first"] + number]
    return [ref.index for ref in store.intend(_certificate(f"{command['contested']}-{number}"), _intents(entries))]


@lru_cache(maxsize=1)
def _pki(folder: str):
    return Pki.load(folder)


@lru_cache(maxsize=1)
def _catalog():
    return Catalog.bundled()


@lru_cache(maxsize=1)
def _issuance(url: str, pki: str):
    made, catalog, database = _pki(pki), _catalog(), _database(url)
    env = Env(now=lambda: AT)
    issuer = Issuer(
        made.issuer,
        signers=made.signers,
        status_signer=made.status_signer,
        catalog=catalog,
        store=database.issuer,
        env=env,
    )
    return Issuance(issuer, records=SampleRecords(catalog), store=database.issuance, env=env)


def _post(command):
    """Any request to the issuing endpoints, as a wallet sends it: the status, and what came."""
    issuance = _issuance(command["url"], command["pki"])
    if "path" not in command:
        return "ready"
    url = f"{issuance.issuer.identifier}{command['path']}"
    body = command["bodies"][command["number"]] if "bodies" in command else command["body"]
    answer = issuance(Request("POST", url, command["headers"], body.encode()))
    return [answer.status, answer.body.decode()]


def _fill(command):
    """Issue certificates of ten copies each, from small lists; an entry that was given is drawn anew."""
    store, chance = _database(command["url"]).issuer, random.Random(command["number"])
    for number in range(command["count"]):
        uri = store.status_list(command["size"], _uri)
        entries = set(chance.sample(range(command["size"]), 10))
        while taken := _taken(store, f"f-{command['number']}-{number}", uri, entries):
            entries -= taken
            while len(entries) < 10:
                entries.add(chance.randrange(command["size"]))
    return "done"


def _taken(store, id_, uri, entries):
    intents = [Intent(status=StatusRef(uri, entry), digest=b"\0" * 32) for entry in entries]
    return {ref.index for ref in store.intend(_certificate(id_), intents)}


def _revoke(command):
    _database(command["url"]).issuer.set_status(command["certificate"], Status.REVOKED, "lost", AT)
    return "revoked"


def _unlock(command):
    _wallet(command["url"], command["passphrase"])
    return "open"


def _key(command):
    _wallet(command["url"], command["passphrase"]).key(command["thumbprint"])
    return "there"


def _spend(command):
    shown = Shown(
        at=AT, audience=command["audience"], purpose="", held=command["held"], type_id="urn:example:kind", paths=()
    )
    return _wallet(command["url"], command["passphrase"]).spend(shown, command["use"]).id


def _put_token(command):
    issued = AT + timedelta(seconds=command["number"])
    return _database(command["url"]).verifier.put_status_token(
        "https://issuer.example/1", f"{command['number']}", issued
    )


def _put_version(command):
    return _database(command["url"]).verifier.put_trust_version("operator", command["number"] + 1)


def _save_for_ever(command):
    """Keep certificates until this process is killed; each is told when it is kept."""
    store = _wallet(command["url"], command["passphrase"])
    for number in count():
        copies = [Copy(id=f"{number}-{i}", key=f"key-{i}", raw="x" * 2000) for i in range(3)]
        store.put(Held(id=f"{number}", format="dc+sd-jwt", type_id="t", received=AT, use="once"), copies)
        _say(number)


def _intend_for_ever(command):
    """Record intents until this process is killed; each is told when it is on record."""
    store = _database(command["url"]).issuer
    for entry in count(command["first"]):
        store.intend(_certificate(f"c-{entry}"), _intents([entry]))
        _say(entry)


def _log_events(command):
    """Write so many events to the log; their places."""
    store, random = _database(command["url"]).history, Entropy(str(command["number"]))
    return [store.append(event(random)).seq for _ in range(command["count"])]


def _log_for_ever(command):
    """Write events to the log until this process is killed; each place is told when it is on disk."""
    store, random = _database(command["url"]).history, Entropy("for ever")
    while True:
        _say(store.append(event(random)).seq)


def _certificate(id_):
    return Certificate(id=id_, type_id="resident_register_copy", subject="subject-1", issued=AT, until=AT)


def _intents(entries):
    return [Intent(status=StatusRef(_uri(1), entry), digest=b"\0" * 32) for entry in entries]


def _uri(number):
    return f"https://issuer.example/status/{number}"


COMMANDS = {
    command.__name__[1:]: command
    for command in (
        _open_all,
        _take_nonce,
        _redeem,
        _inquire,
        _take,
        _arrived,
        _settle,
        _take_code,
        _read_claims,
        _status_list,
        _intend,
        _fill,
        _post,
        _revoke,
        _unlock,
        _key,
        _spend,
        _put_token,
        _put_version,
        _save_for_ever,
        _intend_for_ever,
        _log_events,
        _log_for_ever,
    )
}


def _say(answer):
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def _work():
    for line in sys.stdin:
        command = json.loads(line)
        while time.time() < command["at"]:
            pass
        try:
            answer = COMMANDS[command["do"]](command)
        except EWalletError as exc:
            answer = exc.code
        _say(answer)
    _close_last()


def _main(number):
    """Fork a worker for every pair of pipes that comes."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
    _catalog()
    gc.freeze()  # else every worker copies all of it at its first collection
    with socket.socket(fileno=number) as near:
        while (pipes := socket.recv_fds(near, 1, 2)[1]) != []:
            child = os.fork()
            if child == 0:
                near.close()
                for place, pipe in enumerate(pipes):
                    os.dup2(pipe, place)
                    os.close(pipe)
                try:
                    _work()
                finally:
                    os._exit(0)
            for pipe in pipes:
                os.close(pipe)
            near.sendall(str(child).encode())


if __name__ == "__main__":
    _main(int(sys.argv[1]))
