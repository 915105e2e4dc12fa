"""Rows X5T-14 and SDJ-04 of the security matrix: what a header says about the certificates that came with it."""

from __future__ import annotations

from hashlib import sha256

import pytest

from ewallet import jose
from ewallet.errors import StatusError
from ewallet.shape import to_base64url
from ewallet.status import StatusToken
from ewallet.testing.stage import jws


def _thumbprint(der):
    return to_base64url(sha256(der).digest())


def test_x5t_14_the_thumbprint_of_the_leaf(stage, judge):
    """X5T-14: a thumbprint beside the chain is believed where it is that of the leaf."""
    header = {**stage.header, "x5t#S256": _thumbprint(stage.signer.chain[0])}

    assert None is judge(stage.forge(header=header))


@pytest.mark.parametrize("kind", ["authority", "padded", "empty", "number", "null"])
def test_x5t_14_the_thumbprint_of_something_else(kind, stage, judge, ewallet_kit):
    """X5T-14: two names for the key that signed, and they disagree."""
    leaf = _thumbprint(stage.signer.chain[0])
    values = {
        "authority": _thumbprint(ewallet_kit.pki.root.der),
        "padded": f"{leaf}=",
        "empty": "",
        "number": 5,
        "null": None,
    }

    assert "trust.no_path" == judge(stage.forge(header={**stage.header, "x5t#S256": values[kind]}))


def test_x5t_14_a_status_list_whose_header_disagrees(stage, ewallet_kit):
    """X5T-14: of a status list, it is one that is not to be believed, and decides nothing about the credential."""
    raw = ewallet_kit.issuer.status_token(stage.payload["status"]["status_list"]["uri"])
    parsed = jose.parse(raw, "statuslist+jwt")
    forged = jws({**parsed.header, "x5t#S256": "x"}, parsed.claims, ewallet_kit.pki.status_signer.sign)

    with pytest.raises(StatusError) as refused:
        StatusToken.read(forged)
    assert "status.token_invalid" == refused.value.code
