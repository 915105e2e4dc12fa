"""What was acknowledged under load is there after kill -9, once: a checker of I1 to I5, as far as stores go.

Each client is a process that does what services do, as fast as it can, and keeps a journal: a line before each
operation, and one with its outcome. Clients are killed at random and others take their place; PostgreSQL itself is
stopped as in a crash. Then the database is compared with what the journals say (rows F-02, F-09, F-20, F-23, F-24).
An operation that was begun and has no outcome, or failed with ``storage.*``, is *unknown*: it was done or it was not,
and nothing in between.
"""

from __future__ import annotations

import json
import os
import random
import re
import signal
import time
from collections import Counter, defaultdict
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import zip_longest

import pytest

from ewallet.authorization import Attempt, Code, Grant
from ewallet.credential import StatusRef
from ewallet.errors import AlreadyUsed, StoreError
from ewallet.intents import Certificate, Intent
from ewallet.settlement import Kept, Settled
from ewallet.sql import Database
from ewallet.status import Status

FULL = bool(os.environ.get("EWALLET_FULL"))
CLIENTS, KILLS, KEYS = (16, 100, 4000) if FULL else (4, 6, 150)
SIZE = 1 << 20
WANTED = 16_384 if FULL else 512  # entries that the clients choose from: few enough that they collide
AT = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
LATER = AT + timedelta(hours=1)
URI = "https://issuer.example/status/{}"
NONCES = {sha256(f"nonce-{key}".encode()).digest() for key in range(KEYS)}
SHORT = 30  # bytes of a line of a journal, about
_KEY = re.compile(r'"(?:nonce|redeem|answer)", "(\d+)"')


# -- the load ----------------------------------------------------------------------------------------------


@dataclass
class Client:
    """One process: its operations return their outcome."""

    database: Database
    name: str
    first: int
    chance: random.Random
    revocable: list[str] = field(default_factory=list)
    revoked: dict[str, list[int]] = field(default_factory=dict)
    entries: dict[str, list[int]] = field(default_factory=dict)

    def operation(self, number):
        """What is done next, to what, and how; the keys are those that the other clients use at about this time."""
        key = str(min(self.first + number // 12, KEYS - 1))
        kind = ("issue", "nonce", "redeem", "answer", "issue", "revoke")[number % 6]
        if kind == "issue":
            certificate = f"{self.name}-{number}"
            self.entries[certificate] = self.chance.sample(range(WANTED), 3)
            return kind, certificate, self.entries[certificate], self.issue
        if kind == "revoke":
            return kind, self.revocable.pop() if self.revocable else "", [], self.revoke
        return kind, key, [], {"nonce": self.nonce, "redeem": self.redeem, "answer": self.answer}[kind]

    def issue(self, id_):
        """Intent, signature, completion."""
        certificate = Certificate(id=id_, type_id="kind", subject="s-1", issued=AT, until=LATER)
        intents = [Intent(status=StatusRef(URI.format(1), index), digest=bytes(32)) for index in self.entries[id_]]
        if self.database.issuer.intend(certificate, intents):
            return "refused"
        self.database.issuer.complete(id_)
        self.revocable.append(id_)
        return "done"

    def revoke(self, id_):
        """And look whether all that was revoked before is published still."""
        if not id_:
            return "refused"
        self.database.issuer.set_status(id_, Status.REVOKED, "a test", AT)
        self.revoked[id_] = self.entries[id_]
        published = self.database.issuer.statuses(URI.format(1))[1]
        missing = [index for indexes in self.revoked.values() for index in indexes if index not in published]
        return f"not published: {missing}" if missing else "done"

    def nonce(self, key):
        """Use it up."""
        self.database.verifier.take_nonce(f"nonce-{key}", LATER)
        return "done"

    def answer(self, key):
        """Answer that request."""
        settled = Settled(outcome="{}", nonce=f"answer-{key}", until=LATER)
        self.database.verifier.settle_exchange(f"e-{key}".encode(), settled)
        return "done"

    def redeem(self, key):
        """Get the token for that code."""
        attempt = Attempt(
            code=f"code-{key}".encode(),
            tx_code=None,
            token=f"{key}/{self.name}".encode(),
            thumbprint=None,
            until=LATER,
            once={},
            source=f"{key}/{self.name}".encode(),
        )
        return "done" if self.database.issuance.redeem(attempt, AT)[0] == "redeemed" else "refused"


def _run(url, journal, name, first):
    """The life of a client, until it is killed."""
    with closing(Database(url)) as database, journal.open("a", buffering=1) as lines:
        client = Client(database, name, first, random.Random(name))
        number = 0
        while True:
            kind, key, entries, do = client.operation(number)
            lines.write(json.dumps([number, kind, key, entries]) + "\n")
            try:
                outcome = do(key)
            except AlreadyUsed:
                outcome = "refused"
            except StoreError as exc:
                outcome = exc.code
            lines.write(json.dumps([number, outcome]) + "\n")
            number += 1


def _start(url, folder, number, first):
    """A client in a process of its own; it leaves by being killed, or shows what went wrong in its journal."""
    journal = folder / f"{number}.journal"
    child = os.fork()
    if child == 0:
        try:
            _run(url, journal, f"k{number}", first)
        except BaseException as exc:  # noqa: BLE001 - nothing of this process may go on
            with journal.open("a") as lines:
                lines.write(json.dumps(["broken", repr(exc)]) + "\n")
        finally:
            os._exit(0)
    return child


def _kill(child):
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def _load(url, folder, disturb):
    """Clients that are killed one after another, and in the middle of it a disturbance."""
    chance = random.Random(2)
    children = [_start(url, folder, number, 0) for number in range(CLIENTS)]
    for killed in range(KILLS):
        _wait(folder, 40 * (killed + 1))
        time.sleep(chance.uniform(0.1, 0.4))
        if killed % 25 == KILLS // 2:
            disturb()
        _kill(children.pop(chance.randrange(CLIENTS)))
        children.append(_start(url, folder, CLIENTS + killed, _progress(folder)))
    time.sleep(0.3)
    for child in children:
        _kill(child)


def _wait(folder, lines):
    """Until the clients have done so much, on a slow machine, too."""
    deadline = time.monotonic() + 30
    while sum(path.stat().st_size for path in folder.glob("*.journal")) < lines * SHORT:
        assert time.monotonic() < deadline, "the clients stand still"
        time.sleep(0.05)


def _progress(folder):
    """The key that clients use now: a new one joins them."""
    keys = (int(key) for path in folder.glob("*.journal") for key in _KEY.findall(_end(path)))
    return max(keys, default=0)


def _end(path):
    """The last lines of a journal; all of it takes long to read, and it is asked for often."""
    with path.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - 2000))
        return file.read().decode()


# -- what the journals say ---------------------------------------------------------------------------------


def _journals(folder):
    """Of each client every line that was written to its end."""
    for path in sorted(folder.glob("*.journal")):
        lines = [json.loads(line) for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")]
        assert not any(line[0] == "broken" for line in lines), lines[-1]
        yield lines


@dataclass
class History:
    """All that was begun, by its outcome: done, refused or unknown."""

    outcomes: dict[str, dict[str, list[str]]]
    entries: dict[str, list[int]]

    def of(self, kind, outcome):
        """The keys of these operations."""
        return [key for key, outcomes in self.outcomes[kind].items() for one in outcomes if one == outcome]


def _history(folder):
    outcomes: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    entries: dict[str, list[int]] = {}
    for journal in _journals(folder):
        for begun, ended in zip_longest(journal[::2], journal[1::2]):
            _, kind, key, wanted = begun
            outcome = ended[1] if ended else "storage.unavailable"
            outcomes[kind][key].append("unknown" if outcome.startswith("storage.") else outcome)
            if kind == "issue":
                entries[key] = wanted
    return History(outcomes, entries)


# -- the checker -------------------------------------------------------------------------------------------


@dataclass
class Found:
    """What the database has, when all clients are gone."""

    certificates: dict[str, tuple[int, int]]
    entries: dict[str, list[int]]
    nonces: int
    tokens: Counter[str]
    answered: set[str]
    events: Counter[str]


def _found(url):
    with closing(Database(url)) as database:
        _ = database.issuer, database.issuance, database.verifier
        with database._engine.reading() as connection:

            def rows(statement):
                return connection.exec_driver_sql(statement).all()

            entries = defaultdict(list)
            for certificate, entry in rows("SELECT certificate, entry FROM entries ORDER BY entry"):
                entries[certificate].append(entry)
            return Found(
                {id_: (stage, status) for id_, stage, status in rows("SELECT id, stage, status FROM certificates")},
                entries,
                len({bytes(digest) for (digest,) in rows("SELECT digest FROM nonces")} & NONCES),
                Counter(bytes(token).decode().partition("/")[0] for (token,) in rows("SELECT digest FROM tokens")),
                {bytes(id_).decode()[2:] for (id_,) in rows("SELECT id FROM exchanges WHERE open = 0")},
                Counter(certificate for (certificate,) in rows("SELECT certificate FROM status_events")),
            )


def _check_issued(history, found):
    """I1 and I2: all of an acknowledged certificate, all or nothing of an unknown one, no entry twice."""
    for id_ in history.of("issue", "done"):
        assert found.certificates[id_][0] == 1, id_
        assert sorted(history.entries[id_]) == found.entries[id_], id_
    for id_ in history.of("issue", "unknown"):
        wanted = sorted(history.entries[id_]) if id_ in found.certificates else []
        assert wanted == found.entries.get(id_, []), id_
    for id_ in history.of("issue", "refused"):
        assert id_ not in found.certificates, id_
    given = [entry for entries in found.entries.values() for entry in entries]
    assert len(given) == len(set(given))
    acknowledged, unknown = len(history.of("issue", "done")), len(history.of("issue", "unknown"))
    assert acknowledged <= len(found.certificates) <= acknowledged + unknown


def _check_once(history, found):
    """I3: at most one was told yes, and what one was told is there."""
    for kind in ("nonce", "redeem", "answer"):
        assert {1} == set(Counter(history.of(kind, "done")).values()), kind
    for code, outcomes in history.outcomes["redeem"].items():
        assert outcomes.count("done") <= found.tokens[code] <= 1, code
    done, unknown = set(history.of("answer", "done")), set(history.of("answer", "unknown"))
    assert done <= found.answered <= done | unknown
    assert len(history.of("nonce", "done")) <= found.nonces <= len(history.outcomes["nonce"])


def _check_revoked(url, history, found):
    """I4 and I5: nothing stays undecided, what was revoked is published for good."""
    assert [] == [one for outcomes in history.outcomes["revoke"].values() for one in outcomes if "published" in one]
    with closing(Database(url)) as database:
        undecided = [id_ for id_, (stage, _) in found.certificates.items() if stage == 0]
        assert sum(len(found.entries[id_]) for id_ in undecided) == database.issuer.void(LATER)
        published = database.issuer.statuses(URI.format(1))[1]
    for id_ in [*history.of("revoke", "done"), *undecided]:
        assert {Status.REVOKED} == {published.get(entry) for entry in found.entries[id_]}, id_
    allowed = {*history.of("revoke", "done"), *history.of("revoke", "unknown"), *undecided}
    assert set(published) <= {entry for id_ in allowed for entry in found.entries.get(id_, [])}
    assert all(found.events[id_] == 1 for id_ in history.of("revoke", "done"))


@pytest.mark.sweep
def test_what_was_acknowledged_survives_kills_under_load(fault_url, request, tmp_path):
    """Nothing is lost, given twice or half done, whoever dies (I1 to I5)."""
    folder = tmp_path / "journals"
    folder.mkdir()
    grant = Grant(subject="s-1", configuration_ids=("kind",), until=LATER)
    with closing(Database(fault_url)) as database:
        database.issuer.status_list(SIZE, URI.format)
        for key in range(KEYS):
            database.issuance.put_code(Code(digest=f"code-{key}".encode(), grant=grant), AT)
            database.verifier.put_exchange(Kept(id=f"e-{key}".encode(), handle=f"h-{key}".encode(), until=LATER))

    _load(fault_url, folder, _disturbance(fault_url, request))
    history, found = _history(folder), _found(fault_url)

    for kind in ("issue", "nonce", "redeem", "answer", "revoke"):
        assert history.of(kind, "done"), kind
    assert history.of("issue", "refused"), "clients wanted the same entries"
    _check_issued(history, found)
    _check_once(history, found)
    _check_revoked(fault_url, history, found)


def _disturbance(url, request):
    if url.startswith("sqlite"):
        return lambda: None
    server = request.getfixturevalue("postgres")

    def crash():
        server.stop("immediate")
        server.start()

    return crash
