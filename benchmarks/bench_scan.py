"""Scan to verdict: an issuer, a bank and a wallet as they are run, over HTTP on this machine.

The clock starts when the wallet has the text of the QR code, and stops when the bank has read the verdict by GET. The
wallet fetches the signed request, finds what is asked, signs and posts it encrypted; the bank asks the issuer for the
status list when its own is due. Every answer is of another copy, and every verdict is looked at.
"""

from __future__ import annotations

import importlib.util
import time
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from measure import Target, absent, judge
from work import World

if TYPE_CHECKING:
    from ewallet.testing.sites import BankSite, IssuerSite, Town
    from ewallet.wallet import Wallet

TITLE = "Scan to verdict, on loopback"
_COPIES = 10
_MUST, _AIM = 300.0, 100.0  # milliseconds


def run(_world: World, rounds: int) -> bool:
    """Print the table; whether what must hold holds."""
    if any(importlib.util.find_spec(name) is None for name in ("issuer_service", "verifier_cli", "fastapi")):
        absent("ewallet", "without the extras [issuer] and [verifier]")
        return True
    from ewallet.testing.nursery import Nursery
    from ewallet.testing.sites import IMPORTS, BankSite, IssuerSite, Town

    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "wallet").mkdir(mode=0o700)
        town, nursery = Town.make(folder / "town"), Nursery(*IMPORTS)
        issuer, bank = IssuerSite(nursery, town, folder), BankSite(nursery, town, folder)
        try:
            issuer.start()
            bank.start()
            return _table(_scans(_wallet(town, folder), issuer, bank, rounds))
        finally:
            nursery.close()


def _wallet(town: Town, folder: Path) -> Wallet:
    from ewallet.http import Http
    from ewallet.sql import Database
    from ewallet.wallet import Wallet

    store = Database(f"sqlite:///{folder / 'wallet' / 'wallet.db'}").wallet("an invented passphrase", create=True)
    return Wallet(store=store, trust=town.pki.trust_list(), send=Http(unsafe_loopback=True))


def _scans(wallet: Wallet, issuer: IssuerSite, bank: BankSite, rounds: int) -> list[float]:
    """Milliseconds of each scan, the first left out: connections, caches and the first status list."""
    took = []
    for number in range(rounds + 1):
        if number % _COPIES == 0:
            wallet.accept(issuer.offer().uri, copies=_COPIES)
        took.append(_scan(wallet, bank))
    return took[1:]


def _scan(wallet: Wallet, bank: BankSite) -> float:
    id_, link = bank.request()
    begun = time.perf_counter()
    request = wallet.open(link)
    wallet.answer(request, wallet.match(request.query))
    outcome = bank.outcome(id_)
    took = (time.perf_counter() - begun) * 1000
    assert outcome.document["verdict"]["verdict"] == "accepted", outcome
    return took


def _table(took: list[float]) -> bool:
    p95 = quantiles(took, n=20)[-1] if len(took) > 1 else took[0]
    print(f"  {len(took)} scans: median {median(took):.0f} ms, p95 {p95:.0f} ms, longest {max(took):.0f} ms")
    return judge([Target("p95 of a scan to its verdict", p95, _MUST, _AIM, most=True, unit=" ms")])
