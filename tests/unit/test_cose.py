"""COSE messages, keys and chains: what holds, what is refused, and the bytes that are signed."""

from __future__ import annotations

import cbor2
import pytest

from ewallet import cose
from ewallet.errors import EWalletError
from ewallet.keys import SigningKey
from ewallet.shape import MAX_CERTIFICATE, MAX_CHAIN

_KEYS = {alg: SigningKey.generate(alg) for alg in cose.NUMBERS}
_KEY = _KEYS["ES256"]
_SECRET = bytes(range(32))


def _code(call, *args, **kwargs):
    with pytest.raises(EWalletError) as refused:
        call(*args, **kwargs)
    return refused.value.code


def _signed(payload=b"what is said", *, key=_KEY, number=None, detached=False, aad=b"", unprotected=None):
    protected = cose.protected(key.public.alg) if number is None else cbor2.dumps({1: number})
    signature = key.sign(cose.to_be_signed(protected, payload, aad))
    return [protected, unprotected or {}, None if detached else payload, signature]


def _mac(payload=b"what is said", *, number=5, detached=False, aad=b""):
    protected = cbor2.dumps({1: number})
    return [protected, {}, None if detached else payload, cose.mac(_SECRET, protected, payload, aad)]


@pytest.mark.parametrize(
    ("number", "alg"),
    cose.ALGORITHMS.items(),
)
def test_signature_holds_by_either_number(number, alg):
    """The usual and the fully specified number mean the same, with the one key they are for."""
    message = cose.Sign1.of(_signed(key=_KEYS[alg], number=number), "it")
    message.verify(_KEYS[alg].public)

    other = _KEYS["ES384" if alg == "ES256" else "ES256"]
    assert alg == message.alg
    assert "crypto.alg_not_allowed" == _code(message.verify, other.public)
    assert "crypto.signature_invalid" == _code(message.verify, SigningKey.generate(alg).public)


@pytest.mark.parametrize("tag", [b"", b"\xd2"])
def test_message_is_read_with_and_without_its_tag(tag):
    """The context says what it is, or tag 18 does; another tag is refused."""
    raw = cbor2.dumps(_signed())
    cose.Sign1.parse(tag + raw, "it").verify(_KEY.public)

    assert "malformed.cbor" == _code(cose.Sign1.parse, b"\xd1" + raw, "it")
    assert "malformed.cbor" == _code(cose.Sign1.parse, raw + b"\x00", "it")


def test_payload_may_be_elsewhere():
    """Detached it is given to the check; both inside and given, or neither, is no message."""
    detached, attached = (cose.Sign1.of(_signed(detached=where), "it") for where in (True, False))
    detached.verify(_KEY.public, b"what is said")

    assert "crypto.signature_invalid" == _code(detached.verify, _KEY.public, b"something else")
    assert "malformed.cose" == _code(detached.verify, _KEY.public)
    assert "malformed.cose" == _code(attached.verify, _KEY.public, b"what is said")


def test_what_is_said_outside_counts():
    """External data are part of what is signed."""
    message = cose.Sign1.of(_signed(aad=b"outside"), "it")
    message.verify(_KEY.public, aad=b"outside")

    assert "crypto.signature_invalid" == _code(message.verify, _KEY.public)


@pytest.mark.parametrize("tag", [b"", b"\xd1"])
def test_mac_holds_for_its_key(tag):
    """Over the payload, inside or detached, and the external data."""
    message = cose.Mac0.parse(tag + cbor2.dumps(_mac(aad=b"outside")), "it")
    message.verify(_SECRET, aad=b"outside")
    cose.Mac0.of(_mac(detached=True), "it").verify(_SECRET, b"what is said")

    assert "crypto.signature_invalid" == _code(message.verify, _SECRET)
    assert "crypto.signature_invalid" == _code(message.verify, bytes(32), aad=b"outside")
    assert "crypto.alg_not_allowed" == _code(cose.Mac0.of, _mac(number=4), "it")
    assert "crypto.alg_not_allowed" == _code(cose.Mac0.of, _signed(), "it")
    assert "crypto.alg_not_allowed" == _code(cose.Sign1.of, _mac(), "it")


def test_nothing_of_a_message_is_printed():
    """Payload and signature stay out of what is logged."""
    assert "Sign1(alg=-7)" == repr(cose.Sign1.of(_signed(), "it"))
    assert "Mac0(alg=5)" == repr(cose.Mac0.of(_mac(), "it"))


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (None, "malformed.cose"), ([b"", {}, b""], "malformed.cose"), (["", {}, b"", b""], "malformed.cose"),
        ([b"", [], b"", b""], "malformed.cose"), ([b"", {}, b"", ""], "malformed.cose"),
        ([b"\xa1\x01\x26", {}, "", b""], "malformed.cose"), ([b"\x80", {}, b"", b""], "malformed.cose"),
        ([b"\xa0", {}, b"", b""], "crypto.alg_not_allowed"), ([b"", {1: -7}, b"", b""], "crypto.alg_not_allowed"),
        ([b"\xa1\x01\x26", {1: -7}, b"", b""], "malformed.cose"),
        ([b"\xa1\x01\x26", {2: [1]}, b"", b""], "crypto.crit_unsupported"),
        ([b"\xa2\x01\x26\x02\x81\x01", {}, b"", b""], "crypto.crit_unsupported"),
        ([b"\xff", {}, b"", b""], "malformed.cbor"),
    ],
    ids=repr,
)  # fmt: skip
def test_what_is_no_message_is_refused(value, code):
    """Another shape, a header of another kind, in both buckets, or with demands."""
    assert code == _code(cose.Sign1.of, value, "it")


def _chain(x5chain):
    return cose.Sign1.of(_signed(unprotected={33: x5chain}), "it").chain


def test_certificates_are_read_leaf_first():
    """One as it is or in an array, more in an array; none where there are none."""
    assert () == cose.Sign1.of(_signed(), "it").chain
    assert (b"a",) == _chain(b"a") == _chain([b"a"])
    assert (b"a", b"b") == _chain([b"a", b"b"])
    assert {33: b"a"} == cose.unprotected((b"a",))
    assert {33: [b"a", b"b"]} == cose.unprotected((b"a", b"b"))
    assert {} == cose.unprotected(())


@pytest.mark.parametrize(
    ("x5chain", "code"),
    [
        ([], "malformed.cose"), (5, "malformed.cose"), ([b"a", "b"], "malformed.cose"), ("a", "malformed.cose"),
        ([b"a"] * (MAX_CHAIN + 1), "limit.count"), (bytes(MAX_CERTIFICATE + 1), "limit.size"),
    ],
)  # fmt: skip
def test_what_is_no_chain_is_refused(x5chain, code):
    """Too many, too long, or no certificates."""
    message = cose.Sign1.of(_signed(unprotected={33: x5chain}), "it")
    assert code == _code(lambda: message.chain)


@pytest.mark.parametrize("alg", cose.NUMBERS)
def test_key_comes_back(alg):
    """A public key in CBOR and back, with and without the algorithm it is for."""
    public = _KEYS[alg].public
    members = cose.cose_key(public)

    assert public == cose.key_of(members) == cose.key_of({**members, 3: cose.NUMBERS[alg], 2: b"a name"})


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({-4: bytes(32)}, "crypto.key_invalid"), ({-1: 8}, "crypto.key_invalid"), ({-1: "P-256"}, "crypto.key_invalid"),
        ({-1: True}, "crypto.key_invalid"), ({1: 1}, "crypto.key_invalid"), ({1: None}, "crypto.key_invalid"),
        ({-1: 6}, "crypto.key_invalid"), ({-2: "x"}, "crypto.key_invalid"), ({-3: True}, "crypto.key_invalid"),
        ({-3: None}, "crypto.key_invalid"), ({-2: bytes(31)}, "crypto.key_invalid"),
        ({-3: bytes(32)}, "crypto.key_invalid"),
        ({3: -35}, "crypto.key_invalid"), ({3: "ES256"}, "crypto.key_invalid"), ({-1: 2}, "crypto.key_invalid"),
    ],
    ids=repr,
)  # fmt: skip
def test_what_is_no_key_of_ours_is_refused(change, code):
    """Private, compressed, of another curve, too short, off its curve, for another algorithm."""
    assert code == _code(cose.key_of, {**cose.cose_key(_KEY.public), **change})
    assert "malformed.cose" == _code(cose.key_of, [1, 2])


def test_edwards_key_has_one_coordinate():
    """And it is of the kind that has one."""
    members = cose.cose_key(_KEYS["EdDSA"].public)

    assert [1, -1, -2] == list(members)
    assert "crypto.key_invalid" == _code(cose.key_of, {**members, -3: bytes(32)})
    assert "crypto.key_invalid" == _code(cose.key_of, {**members, 1: 2})
    assert "crypto.key_invalid" == _code(cose.key_of, {**members, -2: bytes(31)})


def test_keys_agree_on_a_secret_on_their_curve():
    """Both ways the same, and with another curve or another kind of key none at all."""
    one, other = SigningKey.generate(), SigningKey.generate()

    assert one.agree(other.public) == other.agree(one.public)
    assert "crypto.key_invalid" == _code(one.agree, _KEYS["ES384"].public)
    assert "crypto.key_invalid" == _code(_KEYS["EdDSA"].agree, _KEYS["EdDSA"].public)
