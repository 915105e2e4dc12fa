"""An issuer's service as a process of its own on this machine, with fresh keys and an empty database."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from ewallet.env import Env
from ewallet.errors import UsageError
from ewallet.testing.nursery import free_port
from ewallet.testing.pki import Pki, common_name

_HOST: Final = "127.0.0.1"
_PATIENCE: Final = 60.0  # seconds: several processes may start at once on two cores


@dataclass(frozen=True, kw_only=True)
class Office:
    """Where a running service answers, and the file of what it said."""

    origin: str
    log: Path


@contextmanager
def office(
    folder: Path, *, records: str = "demo", secure: bool = False, settings: Mapping[str, str] | None = None
) -> Iterator[Office]:
    """The service, while the block runs; ``secure`` by https, with a certificate that nobody knows."""
    port = free_port()
    origin = f"{'https' if secure else 'http'}://{_HOST}:{port}"
    pki = Pki.make(at=Env().now() - timedelta(days=1), issuer=origin)
    pki.save(folder)
    said = {
        "ISSUER": origin,
        "ISSUER_KEYS": str(folder / "signers"),
        "RECORDS": records,
        "DATA": str(folder / "data"),
        "LISTEN": f"{_HOST}:{port}",
        "UNSAFE_LOOPBACK": "1",
        "LIMITS": "off",
        **(_certificate(folder) if secure else {}),
        **(settings or {}),
    }
    environment = os.environ | {f"EWALLET_{name}": value for name, value in said.items()}
    found = Office(origin=origin, log=folder / "issuer.log")
    with found.log.open("wb") as log:
        command = [sys.executable, "-m", "issuer_service"]
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)  # noqa: S603 - our own module
    try:
        _await(process, port)
        yield found
    finally:
        process.terminate()
        process.wait(timeout=_PATIENCE)


def _await(process: subprocess.Popen[bytes], port: int) -> None:
    end = time.monotonic() + _PATIENCE
    while process.poll() is None and time.monotonic() < end:
        try:
            socket.create_connection((_HOST, port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise UsageError("usage.configuration", "the service does not start")


def _certificate(folder: Path) -> Mapping[str, str]:
    """The settings for TLS with a certificate of this host."""
    key, now = ec.generate_private_key(ec.SECP256R1()), Env().now()
    name = common_name("a service of a test")
    names = x509.SubjectAlternativeName([x509.IPAddress(ip_address(_HOST))])
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    made = made.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    chain, private = folder / "tls.pem", folder / "tls.key"
    chain.write_bytes(made.add_extension(names, critical=False).sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return {"TLS_CHAIN": str(chain), "TLS_KEY": str(private)}
