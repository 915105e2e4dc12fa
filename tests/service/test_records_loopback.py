"""Records of a service over a real connection: who shows a certificate and a token gets them, in our own network."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_address
from pathlib import Path
from threading import Thread

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ewallet.errors import TransportError
from ewallet.testing.caller import KIND
from issuer_service.records import Access, RemoteRecords

pytestmark = pytest.mark.loopback


class Register(BaseHTTPRequestHandler):
    """One record, for whoever has the token."""

    def do_GET(self) -> None:
        allowed = self.headers.get("authorization") == "Bearer of-a-test"
        body = json.dumps({"path": self.path} if allowed else {}).encode()
        self.send_response(200 if allowed else 401)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """A certificate that signed itself, for this machine, and its key."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    builder = x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    signed = builder.add_extension(names, critical=False).sign(key, hashes.SHA256())
    chain, secret = folder / f"{name}.pem", folder / f"{name}.key"
    chain.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    encoded = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    secret.write_bytes(key.private_bytes(*encoded))
    secret.chmod(0o600)
    return chain, secret


@pytest.fixture
def register(tmp_path, monkeypatch) -> Iterator[str]:
    """The address of a register that wants a certificate which it knows, and that we are told to believe."""
    (chain, key), (client, _) = (_certificate(tmp_path, name) for name in ("server", "client"))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(client))
    context.load_cert_chain(chain, key)
    context.verify_mode = ssl.CERT_REQUIRED
    monkeypatch.setenv("EWALLET_TLS_CA", str(chain))
    (tmp_path / "token").write_text("of-a-test\n", "utf-8")
    (tmp_path / "token").chmod(0o600)
    with HTTPServer(("127.0.0.1", 0), Register) as server:
        server.handle_error = lambda *_: None  # type: ignore[method-assign] # who is refused hangs up
        server.socket = context.wrap_socket(server.socket, server_side=True)
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"https://127.0.0.1:{server.server_port}/v1"
        server.shutdown()


def test_who_shows_certificate_and_token_gets_the_record(register, tmp_path):
    """At the address that says who and what."""
    own = {"token": tmp_path / "token", "chain": tmp_path / "client.pem", "key": tmp_path / "client.key"}
    records = RemoteRecords.at(register, Access(**own, loopback=True))

    assert {"path": f"/v1/hong/{KIND}"} == records.claims("hong", KIND)


@pytest.mark.parametrize("shown", [("chain", "key"), ("token",)])
def test_who_shows_less_gets_nothing(register, tmp_path, shown):
    """Without the token it is refused, without the certificate there is no connection."""
    own = {"token": tmp_path / "token", "chain": tmp_path / "client.pem", "key": tmp_path / "client.key"}
    records = RemoteRecords.at(register, Access(**{name: own[name] for name in shown}, loopback=True))

    with pytest.raises(TransportError) as refused:
        records.claims("hong", KIND)
    assert "fetch.unavailable" == refused.value.code
