"""Row 14: the citizen's pages from an issuer that is a process of its own, over loopback: p50 and p95.

Wall time from the request to the last byte, one citizen after the other. The limit is a page that answers from memory.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory

import httpx2
from measure import Target, judge
from work import World

from ewallet.env import Env
from ewallet.flow import Request, Response
from ewallet.oid4vci.offer import CredentialOffer, OfferReference, parse_link
from ewallet.testing.caller import KIND, Caller
from ewallet.testing.office import office

TITLE = "Row 14: the citizen's pages, wall time over loopback"
_CERTIFICATES = 20  # in the list: a citizen who came often
_MUST, _AIM = 100.0, 25.0  # milliseconds


class _Citizen:
    """Somebody who is signed in."""

    def __init__(self, client: httpx2.Client, origin: str) -> None:
        self._client = client
        self._origin = origin
        self.post("/sign-in", citizen="hong")
        (self._csrf,) = set(re.findall(r'name="csrf" value="([^"]+)"', self.get("/")))

    def get(self, path: str, status: int = httpx2.codes.OK) -> str:
        """A page, or a picture."""
        return self._good(self._client.get(self._origin + path), status)

    def post(self, path: str, **fields: str) -> str:
        """A form, and the page that follows."""
        return self._good(self._client.post(self._origin + path, data=fields, headers={"origin": self._origin}))

    def offer(self) -> str:
        """The page with a new QR code."""
        return self.post(f"/kinds/{KIND}/offer", csrf=self._csrf)

    def receive(self) -> None:
        """Take a certificate, as a wallet does."""
        (link,) = re.findall(r'<input id="link" value="([^"]+)"', self.offer())
        reference = parse_link(link, loopback=True)
        assert isinstance(reference, OfferReference)
        offer = CredentialOffer.parse(self._send(Request("GET", reference.url)).body, loopback=True)
        wallet = Caller(self._send, self._origin, Env())
        wallet.credential(wallet.token(offer))

    def _send(self, request: Request) -> Response:
        answer = self._client.request(request.method, request.url, content=request.body, headers=dict(request.headers))
        return Response(answer.status_code, dict(answer.headers), answer.content)

    @staticmethod
    def _good(answer: httpx2.Response, status: int = httpx2.codes.OK) -> str:
        assert answer.status_code == status, f"{answer.request.url.path} is answered with {answer.status_code}"
        return answer.text


def run(_world: World, rounds: int) -> bool:
    """Print the table; whether what must hold holds."""
    with (
        TemporaryDirectory() as folder,
        office(Path(folder)) as found,
        httpx2.Client(headers={"accept": "text/html"}, follow_redirects=True, trust_env=False) as client,
    ):
        citizen = _Citizen(client, found.origin)
        for _ in range(_CERTIFICATES):
            citizen.receive()
        times = {name: _times(work, 4 * rounds) for name, work in _pages(citizen).items()}
    return _told(times)


def _pages(citizen: _Citizen) -> dict[str, Callable[[], object]]:
    (picture,) = re.findall(r'src="(/my/offers/[^"]+)\.svg"', citizen.offer())
    return {
        "limit: /healthz": lambda: citizen.get("/healthz"),
        "kinds": lambda: citizen.get("/"),
        "one kind, with what it contains": lambda: citizen.get(f"/kinds/{KIND}"),
        "an offer (POST, to disk)": citizen.offer,
        "its QR code, SVG": lambda: citizen.get(f"{picture}.svg"),
        "its QR code, PNG": lambda: citizen.get(f"{picture}.png"),
        f"my {_CERTIFICATES} certificates": lambda: citizen.get("/my/certificates"),
        "an unknown address": lambda: citizen.get("/there-is-no-such-page", httpx2.codes.NOT_FOUND),
    }


def _times(work: Callable[[], object], count: int) -> list[float]:
    """Milliseconds of every turn but the first."""
    work()
    times = []
    for _ in range(count):
        start = time.perf_counter()
        work()
        times.append((time.perf_counter() - start) * 1e3)
    return times


def _told(times: dict[str, list[float]]) -> bool:
    worst = {name: quantiles(each, n=20)[-1] for name, each in times.items()}
    for name, each in times.items():
        print(f"  {name:<34}p50{median(each):>9.2f} ms   p95{worst[name]:>9.2f} ms")
    slowest = max(worst.values())
    return judge([Target("p95 of the slowest page", slowest, _MUST, _AIM, most=True, unit=" ms")])
