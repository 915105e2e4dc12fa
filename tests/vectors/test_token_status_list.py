"""Token Status List: every outside list and JWT gives its listed statuses or its verdict, in the order of §8.3."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from ewallet.credential import StatusRef
from ewallet.errors import EWalletError, StatusError
from ewallet.flow import Request
from ewallet.formats.sdjwt import SdJwt
from ewallet.keys import PublicKey
from ewallet.status import StatusList, StatusToken, check_value
from ewallet.testing.peers import IssuerPeer

_CODES = {
    "neg-alg-none": "status.token_invalid",
    "neg-bits-3": "status.token_invalid",
    "neg-cwt-lst-base64-text": "status.token_invalid",
    "neg-cwt-missing-type-header": "status.token_invalid",
    "neg-cwt-type-jwt": "status.token_invalid",
    "neg-decompression-bomb": "limit.decompressed",
    "neg-expired-token": "status.stale",
    "neg-gzip-instead-of-zlib": "status.token_invalid",
    "neg-index-out-of-bounds": "status.index_out_of_range",
    "neg-missing-iat": "status.stale",
    "neg-missing-status_list": "status.token_invalid",
    "neg-raw-deflate-no-zlib-header": "status.token_invalid",
    "neg-sub-mismatch": "status.uri_mismatch",
    "neg-sub-trailing-slash": "status.uri_mismatch",
    "neg-typ-missing": "status.token_invalid",
    "neg-wrong-typ": "status.token_invalid",
}


def _judged(token, jwk, ref, now):
    read = StatusToken.read(token)
    read.check_signature(PublicKey.of_jwk({name: jwk[name] for name in ("kty", "crv", "x", "y")}))
    read.check_current(ref, datetime.fromtimestamp(now, UTC), max_age=timedelta(days=1), stale_for=timedelta(0))
    return read.list[ref.index]


def _entries(case):
    return {int(index): value for index, value in case.items()}


@pytest.mark.vectors("standards/vectors/token-status-list/*.json", count=21, without="tsl-*")
def test_verdict_is_the_listed_one(vector):
    """A token of the wrong kind, signer, address, time or list is refused; any other gives the listed status."""
    case = json.loads(vector.read_bytes())
    if "status_list_token_hex" in case:
        given = (bytes.fromhex(case["status_list_token_hex"]), case["jwk"], StatusRef(case["uri"], case["idx"]))
    else:
        entry = case["referenced"]["status"]["status_list"]
        given = (case["status_list_token"], case["jwk"], StatusRef(entry["uri"], entry["idx"]))
    if vector.stem == "policy-cwt-untagged-cose":  # either way; the draft that HAIP 1.0 names has no tag
        assert 1 == _judged(*given, case["now"])
        return
    if case["expect"]["result"] == "valid":
        assert case["expect"]["status"] == _judged(*given, case["now"])
        return
    with pytest.raises(EWalletError) as refused:
        _judged(*given, case["now"])
    assert _CODES.get(vector.stem, refused.value.code) == refused.value.code


@pytest.mark.vectors("standards/vectors/token-status-list/tsl-8*-token-jwt.json", count=1)
def test_token_of_the_specification_gives_its_statuses(vector):
    """The example token of §8.2, with its members beyond the required ones."""
    case = json.loads(vector.read_bytes())
    for index, value in _entries(case["expect"]["statuses"]).items():
        assert value == _judged(case["status_list_token"], case["jwk"], StatusRef(case["uri"], index), case["now"])


@pytest.mark.vectors("standards/vectors/token-status-list/tsl-6*-referenced-sdjwt.json", count=1)
def test_referenced_token_of_the_specification_is_revoked(vector):
    """The example of §6.2: the credential names an entry, and the entry says that it is not valid."""
    case = json.loads(vector.read_bytes())
    sd_jwt = SdJwt.parse(case["referenced_token"], typ=None)
    sd_jwt.check_signature(PublicKey.of_jwk(case["issuer_jwk"]))
    entry = sd_jwt.processed["status"]["status_list"]
    assert case["expect"]["status_list"] == entry
    value = _judged(case["status_list_token"], case["status_jwk"], StatusRef(entry["uri"], entry["idx"]), case["now"])
    assert case["expect"]["status"] == value
    with pytest.raises(StatusError) as refused:
        check_value(value)
    assert refused.value.code == "status.revoked"


@pytest.mark.vectors("standards/vectors/token-status-list/tsl-4*.json", count=2)
def test_small_list_is_packed_and_read_as_printed(vector):
    """§4: least significant bit first, byte for byte the printed array, and back."""
    case = json.loads(vector.read_bytes())
    listed = _entries(case["statuses"])
    made = StatusList.empty(case["n"], bits=case["bits"])
    for index, value in listed.items():
        made[index] = value
    assert case["byte_array_hex"] == made.data.hex()
    read = StatusList.of_json(case["json"])
    assert listed == {index: read[index] for index in range(len(read))}


def _check_large(statuses, listed, size):
    assert size == len(statuses)
    assert {i: value for i, value in listed.items() if value} == {
        index: statuses[index]
        for byte, packed in enumerate(statuses.data)
        if packed
        for index in range(byte * 8 // statuses.bits, (byte + 1) * 8 // statuses.bits)
        if statuses[index]
    }


@pytest.mark.vectors("standards/vectors/token-status-list/tsl-C*.json", count=2)
def test_large_list_has_the_listed_entries_and_no_others(vector):
    """Appendix C: a million entries, of which a few are set."""
    case = json.loads(vector.read_bytes())
    _check_large(StatusList.of_json(case["json"]), _entries(case["statuses_nonzero_or_listed"]), case["n"])


@pytest.mark.vectors("security/vectors/statuslist/appendixC.json", count=1)
def test_lists_of_appendix_c_have_the_listed_entries_and_no_others(vector):
    """Appendix C for 1, 2, 4 and 8 bits, in JSON."""
    for case in json.loads(vector.read_bytes())["vectors"]:
        _check_large(StatusList.of_json(case["json"]), _entries(case["nonzero"]), case["entries"])


@pytest.mark.vectors("standards/vectors/token-status-list/tsl-9*-aggregation.json", count=1)
def test_what_we_list_has_the_form_of_the_specification(vector, ewallet_kit):
    """§9.3: the same members of the same media type, each entry the address of a list that is there."""
    case = json.loads(vector.read_bytes())
    peer = IssuerPeer(ewallet_kit)
    ewallet_kit.wallet.accept(peer.offer("resident_register_copy"), copies=1)
    answer = peer.issuance(Request("GET", peer.issuance.server.metadata.status_lists or ""))
    listed = json.loads(answer.body)["status_lists"]

    assert (200, case["content_type"]) == (answer.status, answer.headers["content-type"])
    assert case["body"].keys() == json.loads(answer.body).keys()
    assert [200] == [peer.issuance(Request("GET", uri)).status for uri in listed]
