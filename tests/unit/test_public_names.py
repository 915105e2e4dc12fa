"""The public surface is pinned: a name that comes or goes is seen here first."""

from __future__ import annotations

import subprocess
import sys

import ewallet

PUBLIC = """
    Accepted Answer AuthorizationRequest Binding Bundle Catalog Check Consent Credential CredentialOffer CredentialType
    Database EWalletError Env Exchange Http Issuer MyData Package ProtocolError PublicKey Query Rejected Signer
    SigningKey TrustAnchor TrustList Undecided Verdict VerificationError Verifier Wallet aio errors offline policy qr
""".split()


def test_the_public_names_are_these() -> None:
    """The names a developer imports are pinned, and every one of them can be had."""
    assert sorted(PUBLIC) == sorted(ewallet.__all__)
    assert [name for name in PUBLIC if getattr(ewallet, name) is None] == []


def test_an_unknown_name_is_an_attribute_error() -> None:
    """A name outside the surface is refused as any module refuses it."""
    assert not hasattr(ewallet, "Certificate")


def test_importing_the_package_loads_no_role() -> None:
    """``import ewallet`` costs what the interpreter costs, and little more."""
    script = "import sys, ewallet; print([m for m in sys.modules if m.startswith('ewallet.')])"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert "[]" == run.stdout.strip()
