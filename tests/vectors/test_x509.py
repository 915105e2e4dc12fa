"""Certificates of other houses: read as they are, and refused by the profile where they break it."""

from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from ewallet.keys import PublicKey
from ewallet.shape import certificate, certificates


def _texts(vector):
    if vector.suffix == ".pem":
        return [vector.read_bytes()]
    return [entry["cert_pem"].encode() for entry in json.loads(vector.read_bytes())["certs"]]


@pytest.mark.filterwarnings("ignore:Parsed a serial number")  # one of them has a negative one
@pytest.mark.vectors("standards/vectors/x509/*.*", count=3)
def test_certificates_in_use_are_read(vector):
    """Roots of driving licence authorities and a document signer: PEM to DER and back, and the key where it is ours."""
    for text in _texts(vector):
        (read,) = certificates(text)
        assert read == certificate(read.public_bytes(Encoding.DER))
        assert PublicKey.of_certificate(read).alg in {"ES256", "ES384", "ES512"}
