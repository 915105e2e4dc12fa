"""Deletion (삭제) in the bytes: what opened before opens no more, and is nowhere in the files of the portal."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ewallet.errors import NotFound
from ewallet.formats.member import Member
from ewallet.history import Believed, NoteKey
from ewallet.keys import SigningKey
from ewallet.mydata.erasure import facts_of, read_acknowledgement
from ewallet.shape import base64url, json_object
from ewallet.sql import Database
from ewallet.vault import Vault
from issuer_service.demo.browser import expect
from issuer_service.demo.portal import signed_in
from issuer_service.demo.record import copied
from issuer_service.demo.stage import Stage, Step

_CANARY: Final = ("health_insurance_qualification_history", "current_workplace_name")
_SOME: Final = 24  # bytes of what is sealed, which nobody else has


@dataclass(frozen=True)
class _Sealed:
    """What the portal keeps of a package: the handle whose key seals it, its id, and the bytes."""

    handle: str
    id: str
    raw: bytes


def _canary(stage: Stage) -> str:
    """Where Hong works: a value that the portal has handed over, and keeps sealed."""
    verdict = json_object((stage.path("desk") / "verdict.json").read_bytes(), "the verdict")
    kind_id, name = _CANARY
    return str(verdict["claims"][kind_id][name])


def _delete(stage: Stage) -> None:
    canary = _canary(stage)
    sealed = _find(stage)
    opened = _opened(stage, stage.path("issuer") / "keys.db", sealed)
    expect(canary in opened, "the canary is not in what is kept")
    expect(bool(_places(stage, [sealed.raw[:_SOME]])), "what is sealed is not in the database")
    expect(not _places(stage, list(_spellings(canary))), "the canary is in the clear")
    stage.done(
        f"지우기 전: 봉인된 {len(sealed.raw):,}바이트가 열쇠로 열리고, 그 안에 '{canary}'이(가) 있습니다.",
        f"before: {len(sealed.raw):,} sealed bytes open with the person's key, and have '{canary}' in them.",
    )
    acknowledgement = _erased(stage)
    stage.call("POST", f"{stage.place.issuer}/my/data/erase")
    _check_gone(stage, sealed, canary)
    _show_acknowledgement(stage, acknowledgement)


def _find(stage: Stage) -> _Sealed:
    """The package in a copy of the database, as somebody with a backup would find it."""
    backup = copied(stage.path("issuer") / "issuer.db", stage.path("issuer-backup.db"))
    package = json_object((stage.path("desk") / "package.json").read_bytes(), "the package")
    consent_id = json_object(package["consent"], "the consent")["id"]
    with closing(Database(f"sqlite:///{backup}", env=stage.env)) as database:
        store = database.mydata
        consent = store.consent(consent_id)
        (row,) = store.packages(consent_id)
        expect(consent is not None, "the portal keeps no such consent")
        return _Sealed(consent.handle if consent else "", row.id, row.sealed)


def _opened(stage: Stage, keys: Path, sealed: _Sealed) -> str:
    """The claims of what is sealed, through the vault; :class:`NotFound` where there is no key."""
    master = base64url((stage.path("issuer") / "vault.key").read_text("ascii").strip(), "the key of the vault")
    with closing(Database(f"sqlite:///{keys}", env=stage.env)) as database:
        vault = Vault(database.keys, master, stage.env.random)
        found = json_object(vault.unseal(sealed.handle, sealed.raw, "package", sealed.id), "the package")
    return json.dumps([Member.open(raw).check_disclosures().claims for raw in found["members"]], ensure_ascii=False)


def _erased(stage: Stage) -> str:
    """The acknowledgement on the page that follows."""
    with signed_in(stage) as citizen:
        page = citizen.send(citizen.open("/my/data").form("/erase"), sure="on")
    return stage.write("acknowledgement.jwt", page.texts["acknowledgement"].strip()).read_text("ascii")


def _check_gone(stage: Stage, sealed: _Sealed, canary: str) -> None:
    try:
        _opened(stage, stage.path("issuer") / "keys.db", sealed)
    except NotFound as exc:
        stage.done(
            f"지운 뒤: 백업에 남은 그 바이트는 열쇠가 없어 열리지 않습니다. [{exc.code}]",
            f"after: the same bytes, from a backup, do not open; there is no key. [{exc.code}]",
        )
    else:
        expect(False, "what was deleted can be opened")
    places = _places(stage, [sealed.raw[:_SOME], *_spellings(canary)])
    expect(not places, f"what was deleted is still in {', '.join(places)}")
    names = ", ".join(path.name for path in _files(stage))
    stage.done(f"어느 파일에도 없습니다: {names}", f"neither they nor the value are in any file: {names}")


def _files(stage: Stage) -> list[Path]:
    """Everything that the portal writes: databases with their logs, keys, and what it says."""
    found = [path for path in stage.path("issuer").iterdir() if path.is_file()]
    return sorted([*found, stage.path("issuer.log")])


def _places(stage: Stage, wanted: list[bytes]) -> list[str]:
    """The files that have any of it."""
    return [path.name for path in _files(stage) if any(each in path.read_bytes() for each in wanted)]


def _spellings(text: str) -> Iterator[bytes]:
    """A text as files have it: as it is, escaped in JSON, and within base64, where it begins in one of three places."""
    raw = text.encode()
    yield raw
    yield json.dumps(text)[1:-1].encode()
    yield raw.hex().encode()
    for skipped in range(3):
        encoded = base64.urlsafe_b64encode(b"\0" * skipped + raw).rstrip(b"=")
        whole = encoded[4 if skipped else 0 : -1]
        yield from {whole, whole.replace(b"-", b"+").replace(b"_", b"/")}


def _show_acknowledgement(stage: Stage, raw: str) -> None:
    signer = min((stage.path("issuer") / "signers").glob("*.key"))
    claims, logged = read_acknowledgement(raw, SigningKey.load(signer).public)
    believed = Believed(log=(NoteKey.read((stage.path("trust") / "log.vkey").read_text("ascii")),))
    entry, _ = logged.check_payload(facts_of(claims), "data.deleted", believed)
    seq, final = entry.seq, claims["final"]
    stage.done(
        f"서명된 확인서(이력 {seq}번). 열쇠의 백업까지 사라지는 날: {final}. 법에 따라 남는 것:",
        f"signed acknowledgement (log entry {seq}). No backup has the keys from {final} on. Kept by law:",
    )
    for kept in claims["kept"]:
        stage.show(f"{kept['what'][stage.language]} ({kept['law']}, ~{kept['until']})")


STEPS: Final = (
    Step(
        _delete,
        "홍길동이 데이터를 지웁니다. 포털은 열쇠를 없애고, 무엇이 법에 따라 남는지 서명한 확인서를 줍니다.",
        "Hong deletes his data. The portal destroys the keys, and signs what it did and what the law makes it keep.",
    ),
)
