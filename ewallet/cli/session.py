"""One run of ``ewallet``: where the wallet is, what unlocks it, and how it answers."""

from __future__ import annotations

import json
import os
import sys
from argparse import Namespace
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ewallet import terminal
from ewallet.catalog import Catalog
from ewallet.cli.trusted import KeptTrust
from ewallet.env import Env
from ewallet.errors import UsageError
from ewallet.files import read_operator, read_own, read_secret
from ewallet.flow import offline
from ewallet.http import Http
from ewallet.shape import Json
from ewallet.transactions import KNOWN
from ewallet.trust import TrustList
from ewallet.wallet import Wallet

if TYPE_CHECKING:
    from ewallet.errors import Language
    from ewallet.holding import WalletStore
    from ewallet.sql import Database, SqlWalletStore

SCHEMA: Final = "ewallet.wallet/1"
_PROMPT: Final = {"ko": "지갑 암호: ", "en": "Passphrase of the wallet: "}
_AGAIN: Final = {"ko": "한 번 더: ", "en": "Once more: "}


@dataclass(frozen=True)
class Session:
    """The arguments, and everything that follows from them."""

    args: Namespace
    env: Env = field(default_factory=Env)

    @property
    def lang(self) -> Language:
        """The language of words."""
        return terminal.language(self.args.lang or os.environ.get("EWALLET_LANG"))

    @cached_property
    def catalog(self) -> Catalog:
        """The kinds that give labels their words."""
        return Catalog.bundled()

    # -- the wallet ----------------------------------------------------------------------------------------------

    @property
    def folder(self) -> Path:
        """The wallet's own folder: below ``--data``, ``EWALLET_DATA`` or the platform's data folder."""
        named = self.args.data or os.environ.get("EWALLET_DATA")
        if named:
            return Path(named) / "wallet"
        from platformdirs import user_data_path

        return user_data_path("ewallet", appauthor=False) / "wallet"

    @property
    def kept_trust(self) -> KeptTrust:
        """The trust list of ``init``, or a newer one that was named since."""
        return KeptTrust(self.folder)

    def named_trust(self) -> tuple[str, str] | None:
        """The files of flags or environment: the trust list and the key of its operator; ``usage.configuration``."""
        list_ = self.args.trust or os.environ.get("EWALLET_TRUST")
        key = self.args.trust_key or os.environ.get("EWALLET_TRUST_KEY")
        if bool(list_) != bool(key):
            raise UsageError("usage.configuration", "--trust goes with --trust-key")
        return (list_, key) if list_ and key else None

    def trust(self) -> TrustList:
        """The trust list that was named, none older than the one that is kept, else that; ``usage.*``, ``trust.*``."""
        kept = self.kept_trust
        named = self.named_trust()
        if not (named or kept.list.exists()):
            raise UsageError("usage.configuration", "no trust list, expected --trust here or at init")
        list_, key = named or (str(kept.list), str(kept.key))
        operator, raw = read_operator(key), read_own(list_, what="the trust list")
        seen = kept.version(operator)
        trust = TrustList.read(raw, operator, at=self.env.now(), seen=seen)
        if 0 < seen < trust.version:
            kept.keep(raw, kept.key.read_bytes())
        return trust

    @contextmanager
    def keeping_trust(self) -> Iterator[None]:
        """Check the trust list that was named, if any, before the block makes a wallet, and keep it beside that."""
        named = self.named_trust()
        if named:
            self.trust()
        files = [read_own(name, what="a file of trust") for name in named or ()]
        yield
        if named:
            self.kept_trust.keep(*files)

    def wallet(self, *, believing: bool = False, create: bool = False) -> Wallet:
        """The wallet, unlocked; it believes nobody and talks to nobody unless it is to receive or to be asked."""
        trust = self.trust() if believing else None
        return self.wallet_of(self.store(create=create), trust)

    def wallet_of(self, store: WalletStore, trust: TrustList | None = None) -> Wallet:
        """The wallet on an unlocked store; without a trust list it believes nobody and talks to nobody."""
        at, send = self.env.now(), Http() if trust else offline
        trust = trust or TrustList(anchors=(), version=0, since=at, until=at)
        return Wallet(store=store, trust=trust, send=send, catalog=self.catalog, transaction_types=KNOWN, env=self.env)

    def store(self, *, create: bool = False) -> SqlWalletStore:
        """What the wallet is kept in, unlocked."""
        return self.database().wallet(self.passphrase(twice=create), create=create)

    def database(self) -> Database:
        """The wallet's file, not opened yet."""
        from ewallet.sql import Database  # takes as long to load as everything else

        return Database(f"sqlite:///{self.folder / 'wallet.db'}", env=self.env)

    def passphrase(self, *, twice: bool = False) -> str:
        """That of the file that was named, else what the person types; ``usage.*``, ``storage.loose_mode``."""
        named = self.args.passphrase_file or os.environ.get("EWALLET_PASSPHRASE_FILE")
        if named:
            return read_secret(named, what="the passphrase file")
        if not sys.stdin.isatty():
            raise UsageError("usage.configuration", "no terminal to ask for the passphrase, expected --passphrase-file")
        from getpass import getpass

        passphrase = getpass(_PROMPT[self.lang])
        if twice and getpass(_AGAIN[self.lang]) != passphrase:
            raise UsageError("usage.argument", "the two passphrases differ")
        return passphrase

    # -- answers ---------------------------------------------------------------------------------------------------

    def answer(self, lines: Iterable[str], **members: Json) -> None:
        """The result on stdout: lines of words, or with ``--json`` one document with these members."""
        if self.args.json:
            print(json.dumps({"schema": SCHEMA, **members}))
        else:
            terminal.show(lines, sys.stdout)
