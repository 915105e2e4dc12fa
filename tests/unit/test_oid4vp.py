"""Requests and vp_tokens of OpenID4VP: what is read, what is refused and with which error of §8.5."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from ewallet.errors import Malformed, PolicyError, ProtocolError, QueryError, UsageError
from ewallet.jose import new_encryption_key
from ewallet.oid4vp import AuthorizationRequest, TransactionData, parse_vp_token, vp_token_bytes
from ewallet.oid4vp.metadata import ClientMetadata
from ewallet.shape import MAX_CREDENTIAL, Json, to_base64url
from ewallet.testing.clock import START
from ewallet.verdict import Accepted

TYPES = {"kr.example.payment": frozenset({"amount", "payee"})}
PAYMENT = TransactionData.make("kr.example.payment", ["register"], {"amount": "10000", "payee": "가상상점"})


def _members(**changed):
    """The parameters of a good request; None leaves one out."""
    members = {
        "response_type": "vp_token",
        "response_mode": "direct_post",
        "response_uri": "https://bank.example/answers/1",
        "client_id": "x509_san_dns:bank.example",
        "nonce": "n-0S6_WzA2Mj4~.aX",
        "state": "af0ifjsldkj",
        "dcql_query": {
            "credentials": [
                {"id": "register", "format": "dc+sd-jwt", "meta": {"vct_values": ["urn:example:register"]}},
                {
                    "id": "unbound",
                    "format": "dc+sd-jwt",
                    "meta": {"vct_values": ["urn:example:register"]},
                    "require_cryptographic_holder_binding": False,
                },
            ]
        },
        **changed,
    }
    return {name: value for name, value in members.items() if value is not None}


def _request(**changed):
    return AuthorizationRequest.of(_members(**changed), at=START)


def test_a_request_travels_whole():
    """What a verifier wrote down is what it reads back, with metadata, transactions and information about itself."""
    request = _request(
        client_metadata=ClientMetadata.make(new_encryption_key()).to_json(),
        response_mode="direct_post.jwt",
        transaction_data=[PAYMENT.raw],
        verifier_info=[{"format": "registration", "data": "x", "credential_ids": ["register"]}],
        purpose="가상 대출 심사",
        iat=1,
        exp=2,
    )

    assert request == AuthorizationRequest.parse(request.to_bytes())
    assert _request(purpose="", iat=1, exp=2) == AuthorizationRequest.parse(_request(iat=1, exp=2).to_bytes())


WEIRD: list[Json] = [None, True, -1, 1.5, 1e300, "", "é", "a b", "https://[", [], [None], ["a"], {}, {"a": {}}]


def _changed(value):
    """The value with one thing in it, or all of it, replaced by something else."""
    yield from WEIRD
    if isinstance(value, dict):
        for name, each in value.items():
            yield {other: kept for other, kept in value.items() if other != name}
            yield from ({**value, name: changed} for changed in _changed(each))
    elif isinstance(value, list):
        for position, each in enumerate(value):
            yield from ([*value[:position], changed, *value[position + 1 :]] for changed in _changed(each))


def test_whatever_comes_is_read_or_refused_by_us():
    """A request with any one thing in it changed travels as it is, or is refused with an error of ours."""
    whole = _members(
        response_mode="direct_post.jwt",
        client_metadata=ClientMetadata.make(new_encryption_key()).to_json(),
        transaction_data=[PAYMENT.raw],
        verifier_info=[{"format": "registration", "data": "x", "credential_ids": ["register"]}],
        purpose="가상 대출 심사",
        iat=1,
        exp=2,
    )
    outcomes = [_outcome(members) for members in _changed(whole) if isinstance(members, dict)]

    assert {"read", "request.invalid", "request.response_uri_mismatch", "dcql.invalid"} == set(outcomes)


def _outcome(members):
    try:
        request = AuthorizationRequest.of(members, at=START)
        request.check_answerable(TYPES)
    except (ProtocolError, QueryError) as exc:
        return exc.code
    return "read" if request == AuthorizationRequest.parse(request.to_bytes()) else "changed"


def test_metadata_says_no_more_than_there_is():
    """Keys and encryptions travel together, and what says nothing is left out."""
    ours = ClientMetadata.make().to_json()

    assert {} == ClientMetadata.parse({}).to_json()
    assert ["vp_formats_supported"] == list(ours)
    assert {"sd-jwt_alg_values", "kb-jwt_alg_values"} == set(ours["vp_formats_supported"]["dc+sd-jwt"])


def test_the_private_half_of_a_key_does_not_travel():
    """A request holds what anybody may encrypt to, and nothing to read it with."""
    key = new_encryption_key()
    metadata = ClientMetadata.make(key).to_json()

    assert {"jwks": {"keys": [{name: value for name, value in key.items() if name != "d"}]}}.items() <= metadata.items()
    assert ["A128GCM", "A256GCM"] == metadata["encrypted_response_enc_values_supported"]


def test_a_request_that_names_no_times_stands_for_five_minutes():
    """It is taken as made when it came; as a file it must say both."""
    request = _request()

    assert (START, START + timedelta(minutes=5)) == (request.issued, request.until)
    with pytest.raises(ProtocolError, match=r"iat is null") as refused:
        AuthorizationRequest.parse(json.dumps(_members()))
    assert "request.invalid" == refused.value.code


INVALID = {
    "another response type": ({"response_type": "vp_token id_token"}, "unsupported_response_type"),
    "no response type": ({"response_type": None}, "unsupported_response_type"),
    "a fragment": ({"response_mode": "fragment"}, "invalid_request"),
    "the browser's mode": ({"response_mode": "dc_api"}, "invalid_request"),
    "a mode of another kind": ({"response_mode": ["direct_post"]}, "invalid_request"),
    "no response_uri": ({"response_uri": None}, "invalid_request"),
    "redirect_uri as well": ({"redirect_uri": "https://bank.example/"}, "invalid_request"),
    "WAL-04: no nonce": ({"nonce": None}, "invalid_request"),
    "an empty nonce": ({"nonce": ""}, "invalid_request"),
    "a nonce with a space": ({"nonce": "a b"}, "invalid_request"),
    "a nonce with a line end": ({"nonce": "abc\n"}, "invalid_request"),
    "a state that is not for a url": ({"state": "상태"}, "invalid_request"),
    "no state without holder binding": ({"state": None}, "invalid_request"),
    "no query": ({"dcql_query": None}, "invalid_request"),
    "query and scope": ({"scope": "com.example.register"}, "invalid_request"),
    "scope alone": ({"dcql_query": None, "scope": "com.example.register"}, "invalid_scope"),
    "a query as text": ({"dcql_query": "{}"}, "invalid_request"),
    "metadata of another kind": ({"client_metadata": []}, "invalid_request"),
    "keys of another kind": ({"client_metadata": {"jwks": {"keys": ["a"]}}}, "invalid_request"),
    "no keys in jwks": ({"client_metadata": {"jwks": {}}}, "invalid_request"),
    "formats of another kind": ({"client_metadata": {"vp_formats_supported": {"dc+sd-jwt": []}}}, "invalid_request"),
    "transactions that are none": ({"transaction_data": []}, "invalid_transaction_data"),
    "too many transactions": ({"transaction_data": [PAYMENT.raw] * 21}, "invalid_transaction_data"),
    "a transaction that is no base64url": ({"transaction_data": ["{}"]}, "invalid_transaction_data"),
    "a transaction for another credential": (
        {"transaction_data": [TransactionData.make("t", ["other"], {}).raw]},
        "invalid_transaction_data",
    ),
    "a transaction without holder binding": (
        {"transaction_data": [TransactionData.make("t", ["unbound"], {}).raw]},
        "invalid_transaction_data",
    ),
    "verifier_info of another kind": ({"verifier_info": ["a"]}, "invalid_request"),
    "verifier_info without format": ({"verifier_info": [{"data": "x"}]}, "invalid_request"),
    "verifier_info without data": ({"verifier_info": [{"format": "x"}]}, "invalid_request"),
    "verifier_info about another credential": (
        {"verifier_info": [{"format": "x", "data": "x", "credential_ids": ["other"]}]},
        "invalid_request",
    ),
}


@pytest.mark.parametrize(("changed", "error"), INVALID.values(), ids=INVALID.keys())
def test_a_request_that_breaks_a_rule_is_refused(changed, error):
    """Each rule of §5 has its error of §8.5."""
    with pytest.raises(ProtocolError) as refused:
        _request(**changed)

    assert ("request.invalid", error) == (refused.value.code, refused.value.error)


@pytest.mark.parametrize("address", ["http://bank.example/a", "https://me@bank.example/", "bank.example", "https://"])
def test_an_answer_goes_to_a_plain_https_address(address):
    """WAL-06: any other address is refused before anything is sent there."""
    with pytest.raises(ProtocolError) as refused:
        _request(response_uri=address)

    assert "request.response_uri_mismatch" == refused.value.code


def test_a_malformed_query_keeps_its_code():
    """What is wrong with the query itself is said as such."""
    with pytest.raises(QueryError) as refused:
        _request(dcql_query={"credentials": []})

    assert "dcql.invalid" == refused.value.code


def _metadata(keys=None, enc=None, formats=None):
    members = {
        "jwks": keys and {"keys": keys},
        "encrypted_response_enc_values_supported": enc,
        "vp_formats_supported": formats,
    }
    return {name: value for name, value in members.items() if value is not None}


def _public(**changed):
    key = {name: value for name, value in new_encryption_key().items() if name != "d"} | changed
    return {name: value for name, value in key.items() if value is not None}


OKP = {"kty": "OKP", "crv": "Ed25519", "x": to_base64url(bytes(32)), "kid": "o", "alg": "ECDH-ES"}
UNUSABLE = {
    "no alg": _public(alg=None),
    "another alg": _public(alg="ECDH-ES+A128KW"),
    "no kid": _public(kid=None),
    "a kid of another kind": _public(kid=1),
    "for signatures": _public(use="sig"),
    "a private key": new_encryption_key(),
    "off its curve": _public(x=to_base64url(bytes(32))),
    "no point": _public(y=None),
    "another kind of key": OKP,
}


@pytest.mark.parametrize("key", UNUSABLE.values(), ids=UNUSABLE.keys())
def test_a_key_that_is_not_usable_is_passed_over(key):
    """The next one is taken; where there is none, nothing goes in the clear instead (§8.3)."""
    good = _public()
    request = _request(response_mode="direct_post.jwt", client_metadata=_metadata([key, good]))
    alone = _request(response_mode="direct_post.jwt", client_metadata=_metadata([key]))

    assert good["kid"] == request.recipient.jwk["kid"]
    with pytest.raises(ProtocolError) as refused:
        alone.check_answerable(TYPES)
    assert ("request.invalid", "invalid_request") == (refused.value.code, refused.value.error)


@pytest.mark.parametrize(
    ("offered", "taken"),
    [(None, "A128GCM"), (["A128GCM"], "A128GCM"), (["A128GCM", "A256GCM"], "A256GCM"), (["A192GCM"], None)],
)
def test_the_longest_offered_encryption_is_taken(offered, taken):
    """Where the verifier offers none, only A128GCM may be used (§8.3)."""
    recipient = ClientMetadata.parse(_metadata([_public()], offered)).recipient

    assert taken == (recipient and recipient.enc)


def test_an_answer_in_the_clear_needs_no_key():
    """Keys that come with a request for a clear answer are not used."""
    assert _request(client_metadata=_metadata([_public()])).recipient is None
    with pytest.raises(ProtocolError, match="no key") as refused:
        replace(_request(), response_mode="direct_post.jwt").recipient  # noqa: B018 - reading it refuses
    assert "request.invalid" == refused.value.code


@pytest.mark.parametrize(
    ("formats", "read"),
    [
        (None, True),
        ({"dc+sd-jwt": {}}, True),
        ({"dc+sd-jwt": {"sd-jwt_alg_values": ["ES256"], "kb-jwt_alg_values": ["ES256", "X"]}}, True),
        ({"mso_mdoc": {}}, False),
        ({"dc+sd-jwt": {"sd-jwt_alg_values": ["RS256"]}}, False),
        ({"dc+sd-jwt": {"sd-jwt_alg_values": "ES256"}}, False),
    ],
)
def test_a_format_in_common_is_needed(formats, read):
    """A verifier that reads nothing of ours gets ``vp_formats_not_supported``."""
    request = _request(client_metadata=_metadata(formats=formats))

    if read:
        request.check_answerable(TYPES)
        return
    with pytest.raises(ProtocolError) as refused:
        request.check_answerable(TYPES)
    assert ("request.invalid", "vp_formats_not_supported") == (refused.value.code, refused.value.error)


def test_a_query_in_unknown_formats_only_is_not_answerable():
    """A format that only the verifier speaks is none in common."""
    query = {"credentials": [{"id": "a", "format": "ldp_vc", "meta": {}}]}

    with pytest.raises(ProtocolError) as refused:
        _request(dcql_query=query).check_answerable(TYPES)
    assert ("request.invalid", "vp_formats_not_supported") == (refused.value.code, refused.value.error)


UNKNOWN = {
    "WAL-09: an unknown type": ("kr.example.gift", {"amount": "1", "payee": "A"}),
    "a missing field": ("kr.example.payment", {"amount": "1"}),
    "an unknown field": ("kr.example.payment", {"amount": "1", "payee": "A", "memo": "B"}),
    "a field of another kind": ("kr.example.payment", {"amount": 1, "payee": "A"}),
    "an empty field": ("kr.example.payment", {"amount": "1", "payee": ""}),
}


@pytest.mark.parametrize(("type_", "fields"), UNKNOWN.values(), ids=UNKNOWN.keys())
def test_a_transaction_that_cannot_be_shown_is_not_confirmed(type_, fields):
    """The wallet knows each type with its fields, or refuses the request with ``invalid_transaction_data``."""
    raw = TransactionData.make(type_, ["register"], fields).raw

    with pytest.raises(ProtocolError) as refused:
        _request(transaction_data=[raw]).check_answerable(TYPES)
    assert ("request.invalid", "invalid_transaction_data") == (refused.value.code, refused.value.error)
    _request(transaction_data=[PAYMENT.raw]).check_answerable(TYPES)


def _transaction(ids, hashes=None):
    members = {"type": "kr.example.payment", "credential_ids": ids, "amount": "1", "payee": "A"}
    return to_base64url(json.dumps(members | ({"transaction_data_hashes_alg": hashes} if hashes else {})).encode())


def test_a_transaction_is_confirmed_by_the_first_of_its_credentials_that_is_answered():
    """Wallet and verifier come to the same without telling each other."""
    query = {
        "credentials": [
            {"id": id_, "format": "dc+sd-jwt", "meta": {"vct_values": ["urn:example:register"]}} for id_ in "ab"
        ]
    }
    either, second = _transaction(["a", "b"]), _transaction(["b"])
    request = _request(dcql_query=query, transaction_data=[either, second])

    both, one = request.bindings(["b", "a"]), request.bindings(["b"])
    assert ((either,), (second,)) == (both["a"].transaction_data, both["b"].transaction_data)
    assert (either, second) == one["b"].transaction_data
    with pytest.raises(PolicyError) as refused:
        request.bindings(["a"])
    assert "policy.transaction_data" == refused.value.code


@pytest.mark.parametrize(
    ("hashes", "common"),
    [
        ((None, None), ()),
        ((["sha-512", "sha-256"], None), ("sha-256",)),
        ((["sha-512", "sha-384"], ["sha-384", "md5"]), ("sha-384",)),
    ],
)
def test_all_transactions_of_an_answer_are_hashed_alike(hashes, common):
    """The key binding names one hash, so that it is one they all allow."""
    request = _request(transaction_data=[_transaction(["register"], each) for each in hashes])

    assert common == request.bindings(["register"])["register"].transaction_hashes


def test_transactions_without_a_hash_in_common_are_refused():
    """Nothing could be said that confirms them all."""
    with pytest.raises(ProtocolError) as refused:
        _request(transaction_data=[_transaction(["register"], ["sha-512"]), _transaction(["register"])])

    assert ("request.invalid", "invalid_transaction_data") == (refused.value.code, refused.value.error)


def _kit_request(kit, *raws):
    kit.issue("resident_register_copy")
    query = kit.query("resident_register_copy", ["is_householder"])
    asked = kit.verifier.ask(query, purpose="가상 이체")
    return replace(asked, transaction_data=tuple(map(TransactionData.parse, raws)))


@pytest.mark.parametrize("hashes", [None, ["sha-384"]], ids=["unnamed", "named"])
def test_the_holder_confirms_the_transaction_it_was_shown(ewallet_kit, hashes):
    """The verdict accepts exactly the transaction that was asked, whatever hash was asked for."""
    request = _kit_request(ewallet_kit, _transaction(["resident_register_copy"], hashes))
    token, _ = ewallet_kit.answer(request)
    other = replace(request, transaction_data=(replace(request.transaction_data[0], raw=PAYMENT.raw),))

    assert "policy.transaction_data" == ewallet_kit.verify(token, other).code
    assert isinstance(ewallet_kit.verify(token, request), Accepted)


@pytest.mark.parametrize("asked", [None, ["sha-512"]], ids=["nothing", "another hash"])
def test_a_transaction_that_nobody_confirmed_is_rejected(ewallet_kit, asked):
    """Neither silence nor another hash than was asked for confirms anything."""
    request = _kit_request(ewallet_kit, _transaction(["resident_register_copy"], asked))
    silent = replace(request, transaction_data=() if asked is None else _plain(request))
    token, _ = ewallet_kit.answer(silent)

    assert "policy.transaction_data" == ewallet_kit.verify(token, request).code


def _plain(request):
    return tuple(replace(transaction, hashes=("sha-256",)) for transaction in request.transaction_data)


def test_a_transaction_nothing_answers_is_not_presented(ewallet_kit):
    """The wallet sends nothing rather than an answer that leaves a transaction out."""
    request = _kit_request(ewallet_kit, _transaction(["another"]))

    with pytest.raises(PolicyError) as refused:
        ewallet_kit.answer(request)
    assert "policy.transaction_data" == refused.value.code


BAD_TOKENS = {
    "VPV-10: not an object": "[]",
    "a text": '"eyJ"',
    "not json": "eyJ",
    "a text instead of an array": '{"a": "x"}',
    "an empty array": '{"a": []}',
    "an item of another kind": '{"a": [{}]}',
    "nothing": "{}",
}


@pytest.mark.parametrize("raw", BAD_TOKENS.values(), ids=BAD_TOKENS.keys())
def test_a_vp_token_of_another_shape_is_malformed(raw):
    """VPV-10: an answer is an object of arrays of texts, none of them empty."""
    with pytest.raises(Malformed) as refused:
        parse_vp_token(raw)

    assert "malformed.vp_token" == refused.value.code


def test_a_vp_token_has_limits():
    """A presentation that is too long says so."""
    with pytest.raises(Malformed) as refused:
        parse_vp_token(json.dumps({"a": ["x" * (MAX_CREDENTIAL + 1)]}))

    assert "limit.size" == refused.value.code


def test_a_vp_token_travels():
    """What is written is read back."""
    token = {"a": ("x~", "y~"), "b": ("z~",)}

    assert token == parse_vp_token(vp_token_bytes(token))


def test_an_expired_request_is_not_answered(ewallet_kit):
    """A request is over when its time is."""
    request = _kit_request(ewallet_kit)
    answer = ewallet_kit.wallet.match(request.query)
    ewallet_kit.clock.set(request.until)

    with pytest.raises(UsageError) as refused:
        ewallet_kit.wallet.present(request, answer)
    assert "usage.argument" == refused.value.code


def test_an_answer_that_was_not_asked_for_is_malformed(ewallet_kit):
    """VPV-10: an unknown query id, and two presentations where one was asked for."""
    request = _kit_request(ewallet_kit)
    token, _ = ewallet_kit.answer(request)
    ((id_, presentations),) = token.items()
    wrong = [{"another": presentations}, {id_: presentations * 2}]

    assert ["malformed.vp_token"] * 2 == [ewallet_kit.verify(each, request).code for each in wrong]
