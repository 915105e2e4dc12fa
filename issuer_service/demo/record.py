"""The log of use (유통이력): one row changed in a copy of the database, and the place found by anybody's command."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from ewallet.history import Log, export
from ewallet.keys import SigningKey
from ewallet.sql import Database
from issuer_service.demo.browser import expect
from issuer_service.demo.keyring import log_origin
from issuer_service.demo.stage import Stage, Step
from issuer_service.demo.watch import cosign_now

_TAMPERED: Final = 1
_SHOWN: Final = 4  # lines: what it is, whose, where, and why
_FIND: Final = """SELECT seq FROM log_entries WHERE instr(entry, '"type":"package.downloaded"')"""
_CHANGE: Final = """UPDATE log_entries SET entry = CAST(replace(entry, '"done"', '"refused"') AS BLOB) WHERE seq = ?"""


def copied(source: Path, target: Path) -> Path:
    """A copy of a database that is in use, as a backup makes one."""
    with closing(sqlite3.connect(source)) as live, closing(sqlite3.connect(target)) as copy:
        live.backup(copy)
    return target


def _find_the_changed_row(stage: Stage) -> None:
    cosign_now(stage)
    database = copied(stage.path("issuer") / "issuer.db", stage.path("issuer-copy.db"))
    _check(stage, _exported(stage, database, "history.jsonl"), expected=0)
    stage.done(
        "포털 밖의 외부 증인도 이 이력에 함께 서명했습니다(--quorum 1): 포털 혼자서는 다른 이력을 보여 줄 수 없습니다.",
        "A witness beside the portal has cosigned it (--quorum 1): the portal alone cannot show another history.",
    )
    place = _changed(database)
    stage.done(
        f"사본의 {place}번 기록에서 '제공함'을 '거절함'으로 고쳤습니다.",
        f"In the copy, entry {place} now says that the download was refused.",
    )
    told = _check(stage, _exported(stage, database, "history-changed.jsonl"), expected=_TAMPERED)
    expect(told.splitlines()[_SHOWN - 2].endswith(f": {place}"), "another place was named")


def _exported(stage: Stage, database: Path, name: str) -> Path:
    """The log as one file, which the operator gives to whoever checks it."""
    key = SigningKey.load(stage.path("portal") / "log.key")
    with closing(Database(f"sqlite:///{database}", env=stage.env)) as opened, stage.path(name).open("xb") as file:
        export(Log(log_origin(stage.place), key, opened.history), file)
    return stage.path(name)


def _changed(database: Path) -> int:
    """Make a download look as if it had never happened; at which place."""
    with closing(sqlite3.connect(database)) as copy, copy:
        (place,) = copy.execute(_FIND).fetchone()
        copy.execute(_CHANGE, (place,))
    return int(place)


def _check(stage: Stage, history: Path, *, expected: int) -> str:
    log, witness = ((stage.path("trust") / f"{who}.vkey").read_text("ascii") for who in ("log", "witness"))
    wanted = ("--log-key", log, "--witness-key", witness, "--quorum", "1")
    checking = stage.begin("ewallet-verify", "history", str(history), *wanted, "--text")
    return stage.finish(checking, expected=expected, shown=_SHOWN)


STEPS: Final = (
    Step(
        _find_the_changed_row,
        "이용내역은 고칠 수 없습니다. 데이터베이스 사본에서 한 줄을 고치자, 검사 명령이 그 자리를 짚습니다.",
        "The log of use cannot be rewritten: one row is changed in a copy of the database, and the check says which.",
    ),
)
