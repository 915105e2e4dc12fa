"""Certificates of other houses: read as they are, and refused by the profile where they break it."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from ewallet import annex_b
from ewallet.errors import TrustError
from ewallet.keys import PublicKey
from ewallet.profile import Checked, by_class
from ewallet.shape import certificate, certificates
from ewallet.trust import KEY_USAGE, TrustAnchor, TrustList


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


@pytest.mark.filterwarnings("ignore:Parsed a serial number")
@pytest.mark.vectors("standards/vectors/x509/*.*", count=3)
def test_roots_in_use_keep_the_profile_of_mobile_documents(vector):
    """Those of driving licence authorities do; a document signer is no root."""
    for text in _texts(vector):
        (read,) = certificates(text)
        assert ("_ds_" in vector.name) == bool(annex_b.departures(read))


@pytest.mark.filterwarnings("ignore:Parsed a serial number")
@pytest.mark.vectors("standards/vectors/x509/owf_multipaz_ds_p384.pem", count=1)
def test_a_document_signer_in_use_is_refused_for_its_serial_number_alone(vector):
    """X5T-20: it is negative; the rest is what ISO/IEC 18013-5 asks for."""
    (signer,), (root,) = (
        certificates(vector.with_name(f"owf_multipaz_{name}_p384.pem").read_bytes()) for name in ("ds", "iaca")
    )
    at = signer.not_valid_before_utc
    anchor = TrustAnchor(id="a", purpose="issuer", certificate=root, types=frozenset({"*"}), profile="iso18013-5")
    trust = TrustList(anchors=(anchor,), version=1, since=at, until=at + timedelta(days=1))

    with pytest.raises(TrustError, match="serial number") as refused:
        trust.check([signer.public_bytes(Encoding.DER)], "issuer", at, type_id=None)
    assert "trust.cert_profile" == refused.value.code
    read = Checked(signer.public_key(), by_class(signer.extensions), at, signer.not_valid_after_utc)
    annex_b.check_signer((signer, root), read, purpose="issuer", usage=KEY_USAGE["issuer"])
