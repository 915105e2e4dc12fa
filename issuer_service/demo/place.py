"""Where the demo plays: its folder, and the addresses of its services on this machine or in its network."""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from ewallet.errors import UsageError
from ewallet.serving import listening
from issuer_service.demo.tls import HostCertificate

FOLDER: Final = ".demo"
_BESIDE: Final = 9  # demos that run at once
_LOCK: Final = ".lock"
_TLS: Final = "tls"
_LOOPBACK: Final = "127.0.0.1"
_PORTS: Final = {"http": (8000, 8010, 8020), "https": (8443, 8453, 8463)}
_LEAFLET: Final = 8080
_MEETING: Final = 8040
_ELSEWHERE: Final = ("192.0.2.1", 9)  # RFC 5737; nothing is sent to it


class Unplaced(Exception):
    """There is no place for the demo; in Korean and in English."""

    def __init__(self, ko: str, en: str) -> None:
        super().__init__(en)
        self.words = {"ko": ko, "en": en}


@dataclass(frozen=True, kw_only=True)
class Place:
    """A folder, a host and its ports; ``tls`` where other devices come too, and a ``leaflet`` that tells them how."""

    folder: Path
    host: str
    issuer_port: int
    bank_port: int
    desk_port: int
    meeting_port: int
    leaflet_port: int = 0
    tls: HostCertificate | None = None

    @property
    def issuer(self) -> str:
        """The address of the issuer, its identifier."""
        return self._address(self.issuer_port)

    @property
    def bank(self) -> str:
        """The address of the bank."""
        return self._address(self.bank_port)

    @property
    def desk(self) -> str:
        """The address of the bank's loan desk, which asks the portal."""
        return self._address(self.desk_port)

    @property
    def portal(self) -> str:
        """The identifier of the portal, which the issuer's service is as well."""
        return f"{self.issuer}/mydata"

    @property
    def meeting(self) -> str:
        """Where a phone and a reader meet: inside this machine, whoever else may come to the services."""
        return _netloc(_LOOPBACK, self.meeting_port)

    @property
    def leaflet(self) -> str:
        """The address of the page that says how to trust the certificate: of http, for it comes before that."""
        return f"http://{_netloc(self.host, self.leaflet_port)}/"

    def listens(self, port: int) -> str:
        """Host and port as the services take them."""
        return _netloc(self.host, port)

    def _address(self, port: int) -> str:
        return f"{'https' if self.tls else 'http'}://{_netloc(self.host, port)}"


def _netloc(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


@contextmanager
def folder() -> Iterator[Path]:
    """An empty folder that is ours as long as the block runs: ``.demo``, or ``.demo-2`` where another demo has that."""
    for number in range(1, _BESIDE + 1):
        found = Path(FOLDER if number == 1 else f"{FOLDER}-{number}")
        found.mkdir(mode=0o700, exist_ok=True)
        with (found / _LOCK).open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                continue
            _clear(found)
            yield found
            return
    raise Unplaced(f"시연 {_BESIDE}개가 이미 열려 있습니다.", f"{_BESIDE} demos are running already.")


def _clear(folder: Path) -> None:
    for path in folder.iterdir():
        if path.name in {_LOCK, _TLS}:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def here(folder: Path, claims: ExitStack) -> Place:
    """On this machine only, by http."""
    issuer, bank, desk, meeting = _free_ports(claims, _LOOPBACK, *_PORTS["http"], _MEETING)
    return Place(
        folder=folder, host=_LOOPBACK, issuer_port=issuer, bank_port=bank, desk_port=desk, meeting_port=meeting
    )


def network(folder: Path, claims: ExitStack, named: str, at: datetime) -> Place:
    """In the network of this machine, by https: at that name or address of it; ``1`` for the one it goes out by."""
    host = _outgoing() if named == "1" else named
    issuer, bank, desk, leaflet = _free_ports(claims, host, *_PORTS["https"], _LEAFLET)
    (meeting,) = _free_ports(claims, _LOOPBACK, _MEETING)
    tls = HostCertificate.for_hosts(_names(host), folder=folder / _TLS, at=at)
    return Place(
        folder=folder,
        host=host,
        issuer_port=issuer,
        bank_port=bank,
        desk_port=desk,
        meeting_port=meeting,
        leaflet_port=leaflet,
        tls=tls,
    )


def _names(host: str) -> list[str]:
    """What a phone may call this machine, the address of the services first."""
    own = socket.gethostname().partition(".")[0].lower()
    return list(dict.fromkeys([host, own, f"{own}.local", "localhost", _LOOPBACK]))


def _outgoing() -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as outgoing:
        try:
            outgoing.connect(_ELSEWHERE)
        except OSError:
            ko = "이 컴퓨터가 연결된 네트워크가 없습니다. 주소를 알면 make demo LAN=주소 로 실행하십시오."
            raise Unplaced(
                ko, "This machine is in no network. If you know its address: make demo LAN=ADDRESS"
            ) from None
        return str(outgoing.getsockname()[0])


def _free_ports(claims: ExitStack, host: str, *preferred: int) -> list[int]:
    """The preferred ports, or any other where one is taken or claimed."""
    return [_claimed(claims, host, port) or _claimed_anywhere(claims, host) for port in preferred]


def _claimed(claims: ExitStack, host: str, port: int) -> int:
    """The port if it is free, else 0.

    A service takes a second to listen there. Until then a datagram socket of that number, which nobody else needs,
    keeps other demos away; the claim ends with the demo, however it ends.
    """
    try:
        with listening(host, port) as bound:
            found: int = bound.getsockname()[1]
            claim = socket.socket(bound.family, socket.SOCK_DGRAM)
            claims.enter_context(claim).bind(bound.getsockname())
    except (UsageError, OSError):
        return 0
    return found


def _claimed_anywhere(claims: ExitStack, host: str) -> int:
    found = next(filter(None, (_claimed(claims, host, 0) for _ in range(_BESIDE))), 0)
    if not found:
        raise Unplaced(f"{host}: 이 컴퓨터의 주소가 아닙니다.", f"{host} is no address of this machine.")
    return found


def write_private(path: Path, text: str) -> None:
    """A new file that only its owner may read."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
