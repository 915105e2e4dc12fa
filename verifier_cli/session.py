"""One run of the command: its arguments and settings, and the two streams it answers on."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from ewallet import terminal
from ewallet.env import Env
from ewallet.shape import Json
from verifier_cli.inputs import moment
from verifier_cli.settings import Settings

if TYPE_CHECKING:
    from ewallet.errors import Language


@dataclass(frozen=True)
class Session:
    """``machine`` says whether stdout gets JSON documents instead of words."""

    args: Namespace
    settings: Settings
    lang: Language
    machine: bool

    @classmethod
    def of(cls, args: Namespace, *, machine: bool) -> Session:
        """The session of parsed arguments; ``usage.configuration``."""
        settings = Settings(args)
        return cls(args, settings, terminal.language(settings.get("lang")), machine)

    @cached_property
    def env(self) -> Env:
        """The clock of this run, which stands still at ``--at``."""
        if self.args.at is None:
            return Env()
        at = moment(self.args.at)
        return Env(now=lambda: at)

    @property
    def at(self) -> datetime:
        """The time to judge by."""
        return self.env.now()

    def emit(self, document: Json) -> None:
        """One JSON document on one line, in ASCII: the same in every locale, and nothing a terminal would obey."""
        print(json.dumps(document), flush=True)

    def say(self, lines: Iterable[str]) -> None:
        """Words on stdout, unless they are not wanted."""
        if not self.args.quiet:
            for line in lines:
                print(line)

    def hint(self, lines: Iterable[str]) -> None:
        """Words on stderr, where the result is for a program."""
        if not self.args.quiet:
            for line in lines:
                print(line, file=sys.stderr, flush=True)

    def warn(self, text: str) -> None:
        """One line on stderr."""
        if not self.args.quiet:
            print(f"ewallet-verify: {text}", file=sys.stderr)
