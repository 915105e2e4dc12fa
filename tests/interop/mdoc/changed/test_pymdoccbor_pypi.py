"""The peer ``pymdoccbor`` (PyPI) reads what we issue and present.

Where it departs from ISO/IEC 18013-5, as of 1.4.0; nothing of it is worked around in the library:

- the signature of the device is not checked (§9.1.3), and a presentation without one is valid;
- digests are compared only where that is not switched off, and as SHA-256 whatever the issuer says (§9.3.1 step 5);
- neither the validity nor the docType of what is signed is compared with anything (§9.3.1 steps 4 and 6).
"""

from __future__ import annotations

import json
import logging
from base64 import b64encode
from datetime import date

import cbor2
import pytest

from ewallet.errors import EWalletError
from ewallet.shape import base64url

_ABSENT = "the peer pymdoccbor (PyPI) is not installed"
verifier = pytest.importorskip("pymdoccbor.mdoc.verifier", reason=_ABSENT)

KIND = "mobile_driver_license"
KINDS = (KIND, "mobile_resident_card", "mobile_student_card")


@pytest.fixture(autouse=True)
def quiet(caplog):
    """It logs what it refuses."""
    caplog.set_level(logging.CRITICAL, logger="pymdoccbor")


def _verified(presented, *, verify_hashes=True):
    mdoc = verifier.MdocCbor()
    mdoc.loads(data=base64url(presented))
    return mdoc.verify(verify_hashes=verify_hashes), mdoc


def _claims(mdoc):
    """The elements of its document, as text."""
    (document,) = mdoc.documents
    found = {name: dict(map(_element, items)) for name, items in document.issuersigned.namespaces.items()}
    return json.dumps(found, sort_keys=True, ensure_ascii=False, default=_in_json)


def _element(item):
    members = cbor2.loads(item.value)
    return members["elementIdentifier"], members["elementValue"]


def _in_json(value):
    return value.isoformat() if isinstance(value, date) else b64encode(value).decode()


@pytest.fixture
def shown(ours, office, cases, scenes, sessions):
    """A presentation of what our issuer sends, and the elements in it."""

    def present(kind, paths="some"):
        case = cases[kind]
        chosen = getattr(case, paths)
        presented = ours.present(office(kind), case, chosen, sessions["redirect"](), scenes(kind))
        return presented, case.seen(chosen)

    return present


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("paths", ["all", "some"])
def test_it_reads_what_we_issue_and_present(kind, paths, shown, text):
    """The signature of our issuer and the digests hold there, and the elements are those that were chosen."""
    presented, seen = shown(kind, paths)
    accepted, mdoc = _verified(presented)

    assert accepted
    assert text(seen) == _claims(mdoc)


@pytest.mark.parametrize(
    "change",
    ["element-changed", "random-changed", "digest-of-another", "digests-removed", "issuer-signature-changed"],
)
def test_it_refuses_ours_if_it_was_changed(change, shown, scenes, tampered):
    """Items by their digests, and digests by the signature over them."""
    presented, _ = tampered(change, shown(KIND)[0], scenes(KIND))
    accepted, _ = _verified(presented)

    assert not accepted


@pytest.mark.parametrize("change", ["device-signature-changed", "device-signature-removed", "expired"])
def test_what_it_does_not_check_is_refused_here(change, shown, ours, sessions, scenes, tampered):
    """The device, and time."""
    presented, code = tampered(change, shown(KIND)[0], scenes(KIND))
    accepted, _ = _verified(presented)

    assert accepted
    with pytest.raises(EWalletError) as refused:
        ours.verify(presented, sessions["redirect"](), scenes(KIND))
    assert code == refused.value.code


def test_without_digests_it_reads_another_element(shown, ours, sessions, scenes, tampered):
    """Which we compare always."""
    presented, code = tampered("element-changed", shown(KIND)[0], scenes(KIND))
    accepted, _ = _verified(presented, verify_hashes=False)

    assert accepted
    with pytest.raises(EWalletError) as refused:
        ours.verify(presented, sessions["redirect"](), scenes(KIND))
    assert code == refused.value.code
