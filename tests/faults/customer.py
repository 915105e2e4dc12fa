"""A client of the issuer's service that does all that wallets and operators do, and keeps a journal of it.

A line is written before each operation and one after it, both with the time of a clock that all processes share. The
codes of all clients stand in one file, and each is tried by several of them. Run by ``test_load.py``, which kills the
service, or the database below it, in the meantime.
"""

from __future__ import annotations

import base64
import json
import random
import sys
import time
from pathlib import Path

from ewallet.env import Env
from ewallet.errors import EWalletError
from ewallet.flow import Response
from ewallet.keys import SigningKey
from ewallet.oid4vci import TokenRequest, TokenResponse
from ewallet.status import Status, StatusToken
from ewallet.testing.caller import FORM, KIND, Caller, error, issued
from ewallet.testing.crowd import Answered, Sent
from ewallet.testing.sites import IssuerSite, exchanged

TRIES = 3  # clients that try a code
PAUSE = 0.02  # seconds after a failure


class Refused(Exception):
    """The service said no; the text is its error."""


class Client:
    """One of them: ``settings`` say where the service is, who this is and how many there are."""

    def __init__(self, settings):
        self.settings = settings
        self.name, self.clients = settings["number"], settings["clients"]
        self.chance = random.Random(settings["seed"])
        self.journal = Path(settings["journal"])
        self.codes = Path(settings["codes"])
        self.read, self.count, self.sources = 0, 0, 0
        self.revocable: list[str] = []
        self.caller = Caller(self.send, settings["issuer"], Env())
        self.keys = [SigningKey.generate() for _ in range(settings["copies"])]

    def send(self, request):
        """To one of the workers."""
        port = self.chance.choice(self.settings["ports"])
        path = request.url.removeprefix(self.settings["issuer"])
        host = self.settings["issuer"].removeprefix("http://")
        sent = Sent.of(port, request.method, path, host=host, headers=request.headers, body=request.body)
        got = exchanged(sent, seconds=30)
        if got.status >= 500 and got.status != 503:
            raise AssertionError(got)
        if got.status == 503:
            raise ConnectionRefusedError
        return Response(got.status, got.headers, got.body)

    def done(self, kind, key, do):
        """The result of an operation, None where there is none; both are written down."""
        self.count += 1
        self.note(kind=kind, key=key)
        try:
            result, told = do()
        except Refused as exc:
            self.note(refused=str(exc))
            return None
        except (OSError, EWalletError) as exc:
            self.note(unknown=type(exc).__name__)
            time.sleep(PAUSE)
            return None
        self.note(done=told)
        return result

    def note(self, **what):
        """A line."""
        line = json.dumps({"op": self.count, "at": time.monotonic(), **what})
        with self.journal.open("a", encoding="ascii") as journal:
            journal.write(f"{line}\n")

    # -- the operations ----------------------------------------------------------------------------------------

    def offer(self):
        body = json.dumps({"subject": "hong", "types": [KIND]}).encode()
        answer = _good(self.caller.post("/v1/offers", body, IssuerSite.operator))
        code = Caller.code(IssuerSite.offered(Answered(answer.status, answer.headers, answer.body)))
        with self.codes.open("a", encoding="ascii") as codes:
            codes.write(code + "\n")
        return code, code

    def redeem(self, code):
        self.sources += 1
        source = f"10.{self.name}.{self.sources >> 8 & 255}.{self.sources & 255}"
        headers = {"content-type": FORM, "x-forwarded-for": source}
        answer = _good(self.caller.post("/token", TokenRequest(code=code).to_bytes(), headers))
        return TokenResponse.parse(answer.body), True

    def receive(self, token):
        nonce = self.caller.nonce()
        proofs = [self.caller.proof(nonce, key) for key in self.keys]
        response = issued(_good(self.caller.credential(token, proofs)))
        certificate = str(response.notification_id).partition(".")[0]
        self.revocable.append(certificate)
        return response, [certificate, list(response.credentials)]

    def revoke(self, certificate):
        body = json.dumps({"reason": "a test"}).encode()
        _good(self.caller.post(f"/v1/certificates/{certificate}/revoke", body, IssuerSite.operator))
        return True, True

    def look(self):
        """Which entries the list has as revoked; two bits each."""
        data = StatusToken.read(_good(self.caller.get("/status/1")).body).list.data
        places = [(place, byte) for place, byte in enumerate(data) if byte]
        found = [
            4 * place + part for place, byte in places for part in range(4) if byte >> 2 * part & 3 == Status.REVOKED
        ]
        return True, found

    # -- the life ----------------------------------------------------------------------------------------------

    def live(self):
        """Until it is killed."""
        while True:
            self.done("offer", "", self.offer)
            for code in self.fresh():
                token = self.done("redeem", code, lambda code=code: self.redeem(code))
                if token:
                    self.use(code, token)
            if self.count % 5 == 0:
                self.done("look", "", self.look)

    def use(self, code, token):
        """Receive, a second time where the answer was lost, and perhaps revoke."""
        for _ in range(2):
            if self.done("receive", code, lambda: self.receive(token)):
                break
        if self.revocable and self.chance.random() < 0.5:
            certificate = self.revocable.pop()
            self.done("revoke", certificate, lambda: self.revoke(certificate))

    def fresh(self):
        """The codes that were added, as far as this client tries them."""
        with self.codes.open("rb") as codes:
            codes.seek(self.read)
            added = codes.read().rpartition(b"\n")[0]
        self.read += len(added) + bool(added)
        for code in added.decode().split():
            if (base64.urlsafe_b64decode(code + "==")[0] - self.name) % self.clients < TRIES:
                yield code


def _good(answer):
    if answer.status >= 400:
        raise Refused(error(answer) if b'"error"' in answer.body else str(answer.status))
    return answer


if __name__ == "__main__":
    Client(json.loads(sys.argv[1])).live()
