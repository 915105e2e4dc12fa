"""Rows SDJ-27 to SDJ-49 of the security matrix: limits, numbers, times, key binding, types, issuers and texts."""

from __future__ import annotations

import json
import tracemalloc
import unicodedata

import pytest

from ewallet import policy
from ewallet.disclosure import Packing
from ewallet.env import Env
from ewallet.errors import Malformed, NotFound
from ewallet.shape import MAX_DISCLOSURES, base64url, to_base64url
from ewallet.testing.kit import CLIENT_ID
from ewallet.testing.pki import ISSUER
from ewallet.testing.stage import Stage, digest, disclosure, items_of
from ewallet.verdict import Accepted

KIND = "resident_register_copy"
SALT = "c2FsdCBvZiBhIGhvc3RpbGUgcGVlcg"


def _text(stage, members):
    """The payload as JSON text with raw members in front."""
    return "{" + members + "," + json.dumps(stage.payload)[1:]


def _without(stage, name):
    return {key: value for key, value in stage.payload.items() if key != name}


def _now(stage):
    return int(stage.at.timestamp())


def _too_much(stage):
    many = [disclosure(SALT, f"n{i}", i) for i in range(10_000)]
    digests = [to_base64url(i.to_bytes(32, "big")) for i in range(100_000)]
    return {
        "disclosures": stage.bind(stage.join(stage.issued, many)),
        "one_too_many": stage.bind(stage.join(stage.issued, many[: MAX_DISCLOSURES + 1])),
        "digests": stage.forge(payload={**stage.payload, "_sd": digests}, disclosures=()),
        "digests_below": stage.forge(payload=_sparse(stage), disclosures=()),
        "megabytes": stage.shown + "A" * (5 << 20),
        "dots": "." * 1_000_000,
        "tildes": stage.issued + "~" * 1_000_000,
        "half_the_tildes": stage.issued + "~" * 400_000,
    }


def _sparse(stage):
    """Digests that are few in every array and many in all."""
    arrays = {f"a{i}": {"_sd": [to_base64url(bytes([i, j]) * 16) for j in range(50)]} for i in range(100)}
    return {**stage.payload, **arrays}


SIZES = ["disclosures", "one_too_many", "digests", "digests_below", "megabytes", "dots", "tildes", "half_the_tildes"]


@pytest.mark.parametrize("kind", SIZES)
def test_sdj_27_too_much_of_anything(kind, stage, judge):
    """SDJ-27: refused for its size or number, without reading it all into memory."""
    raw = _too_much(stage)[kind]
    tracemalloc.start()
    code = judge(raw)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert code in ("limit.size", "limit.count")
    assert peak < 32 << 20


NUMBERS = ["1" * 5_000, "NaN", "-Infinity", "Infinity", "1e400", "-1e400", "01", "+1", "1.", ".5", "0x10"]


@pytest.mark.parametrize("number", NUMBERS, ids=lambda text: text[:10])
@pytest.mark.parametrize("place", ["exp", "claim", "disclosed"])
def test_sdj_29_numbers_that_are_none(place, number, stage, judge):
    """SDJ-29: neither as a time nor as a claim, visible or disclosed."""
    forged = {
        "exp": lambda: stage.forge(payload=_text(stage, f'"nbf":{number}')),
        "claim": lambda: stage.forge(payload=_text(stage, f'"n":{number}')),
        "disclosed": lambda: stage.disclosing(to_base64url(f'["{SALT}","n",{number}]'.encode())),
    }

    assert "malformed.json" == judge(forged[place]())


@pytest.mark.parametrize(
    "value", ["1", "1767193200", True, [1], {"a": 1}, None, -1, 2**53 + 1, -0.5, 1e300], ids=json.dumps
)
@pytest.mark.parametrize("name", ["exp", "nbf", "iat"])
def test_sdj_31_times_that_are_none(name, value, stage, judge):
    """SDJ-31: a time is a number of seconds between 1970 and 9999."""
    assert "malformed.claim_type" == judge(stage.forge(payload={**stage.payload, name: value}))


@pytest.mark.parametrize(
    ("name", "seconds", "code"),
    [
        ("exp", -1, "time.expired"),
        ("exp", 0, "time.expired"),
        ("exp", 1, None),
        ("nbf", 61, "time.not_yet_valid"),
        ("nbf", 60, None),
        ("iat", 61, "time.not_yet_valid"),
        ("iat", 60, None),
    ],
)
def test_sdj_32_the_second_that_decides(name, seconds, code, stage, judge):
    """SDJ-32: no grace at the end, sixty seconds at the beginning, and not one more."""
    assert code == judge(stage.forge(payload={**stage.payload, name: _now(stage) + seconds}))


def test_sdj_32_no_end_where_policy_wants_one(stage, judge, ewallet_kit):
    """SDJ-32: a credential that says nothing of its end is refused only by a verifier that wants one."""
    endless = stage.forge(payload=_without(stage, "exp"))
    strict = ewallet_kit.another_verifier(policy=policy.RequireExpiry())

    assert "time.missing" == judge(endless, by=strict, fetches=1)
    assert None is judge(endless)


def test_sdj_33_binding_is_the_verifiers_decision(stage, judge):
    """SDJ-33: left out by the holder, made impossible by the issuer, or both: never accepted."""
    unbound = stage.issue(payload=_without(stage, "cnf"))
    sent = [
        stage.shown,
        stage.forge(payload=_without(stage, "cnf")),
        stage.join(unbound, stage.disclosures),
    ]

    assert ["kb.missing"] * 3 == [judge(each) for each in sent]


@pytest.mark.parametrize("kind", ["issuer", "other", "swapped"])
def test_sdj_35_a_key_other_than_the_bound_one(kind, stage, judge, ewallet_kit, presented):
    """SDJ-35: not the issuer's key, not any, and not that of another copy of the same holder."""
    ewallet_kit.issue(KIND)
    other = Stage.of(ewallet_kit, ewallet_kit.answer(presented.request))
    key = {"issuer": stage.signer.with_chain(()), "other": other.pki.operator, "swapped": other.key}[kind]

    assert "kb.signature_invalid" == judge(stage.bind(stage.shown, key=key))


AUDIENCES = [
    "https://shop.example",
    CLIENT_ID.partition(":")[2],
    f"https://{CLIENT_ID.partition(':')[2]}",
    [CLIENT_ID],
    [CLIENT_ID, "https://shop.example"],
    CLIENT_ID.upper(),
    f"{CLIENT_ID} ",
    f"{CLIENT_ID}.evil.example",
    "",
    None,
    1,
    {"aud": CLIENT_ID},
]


@pytest.mark.parametrize("audience", AUDIENCES, ids=json.dumps)
def test_sdj_36_made_for_somebody_else(audience, stage, judge):
    """SDJ-36: the audience is our whole client identifier, one string, nothing else."""
    assert "kb.aud" == judge(stage.bind(stage.shown, change={"aud": audience}))


@pytest.mark.parametrize("named", ["https://shop.example", ["https://shop.example"], [], None, 1], ids=repr)
def test_sdj_36_issued_for_somebody_else(named, stage, judge):
    """SDJ-36: an issuer that names who may rely on a credential has to name us (RFC 7519 §4.1.3)."""
    assert "kb.aud" == judge(stage.forge(payload={**stage.payload, "aud": named}))


@pytest.mark.parametrize("named", [[], ["https://shop.example"]], ids=["alone", "beside-another"])
def test_sdj_36_issued_for_us(named, stage, judge):
    """SDJ-36: where it does, the credential is as good as one for everybody."""
    ours = stage.binding.audience
    assert judge(stage.forge(payload={**stage.payload, "aud": [*named, ours] if named else ours})) is None


@pytest.mark.parametrize(("name", "code"), [("aud", "kb.aud"), ("nonce", "kb.nonce"), ("iat", "kb.iat")])
def test_sdj_36_bound_to_nothing(name, code, stage, judge):
    """SDJ-36: what is left out does not match."""
    assert code == judge(stage.bind(stage.shown, without=name))


def _after_binding(stage):
    first, second = stage.disclosures
    added = stage.hidden[0]
    for shown in ([first], [second], [], [second, first], [first, second, added], [added, first, second]):
        yield stage.join(stage.issued, shown) + stage.key_binding


def test_sdj_38_disclosures_changed_after_binding(stage, judge):
    """SDJ-38: one removed, all removed, reordered, one added; the mechanism itself would accept each of them."""
    codes = [judge(each) for each in _after_binding(stage)]

    # A disclosure whose parent stays hidden refers to nothing, and is refused a rung earlier.
    assert ["kb.sd_hash"] * 4 == codes[:4]
    assert {"kb.sd_hash", "sdjwt.disclosure_unreferenced"} >= set(codes[4:])


@pytest.mark.parametrize("kind", ["wrong", "empty", "null", "no_tilde", "issuer_only", "hexadecimal"])
def test_sdj_38_a_hash_of_something_else(kind, stage, judge):
    """SDJ-38: ``sd_hash`` is over exactly what precedes the key binding."""
    hashes = {
        "wrong": digest("something else"),
        "empty": "",
        "null": None,
        "no_tilde": digest(stage.shown[:-1]),
        "issuer_only": digest(stage.issued + "~"),
        "hexadecimal": base64url(digest(stage.shown)).hex(),
    }

    assert "kb.sd_hash" == judge(stage.bind(stage.shown, change={"sd_hash": hashes[kind]}))


@pytest.mark.parametrize(
    ("seconds", "code"),
    [(-31_536_000, "kb.iat"), (-301, "kb.iat"), (-300, None), (300, None), (301, "kb.iat"), (31_536_000, "kb.iat")],
)
def test_sdj_39_made_just_now(seconds, code, stage, judge):
    """SDJ-39: within five minutes either way."""
    assert code == judge(stage.bind(stage.shown, change={"iat": _now(stage) + seconds}))


@pytest.mark.parametrize("value", ["now", None, True, -1, 1e300], ids=json.dumps)
def test_sdj_39_a_time_that_is_none(value, stage, judge):
    """SDJ-39: ``iat`` of the wrong kind."""
    assert "malformed.claim_type" == judge(stage.bind(stage.shown, change={"iat": value}))


@pytest.mark.parametrize(("seconds", "code"), [(-1, "time.expired"), (0, "time.expired"), (1, None)])
def test_sdj_39_a_binding_that_ends(seconds, code, stage, judge):
    """SDJ-39: a key binding may say how long it holds, and is held to it."""
    assert code == judge(stage.bind(stage.shown, change={"exp": _now(stage) + seconds}))


def test_sdj_42_an_issuer_sends_no_key_binding(stage, ewallet_kit):
    """SDJ-42: the wallet keeps nothing of what came as a presentation."""
    before = ewallet_kit.wallet.documents()

    with pytest.raises(Malformed) as refused:
        ewallet_kit.wallet.put([stage.bind(stage.held)])

    assert "malformed.sdjwt" == refused.value.code
    assert before == ewallet_kit.wallet.documents()


def test_sdj_42_nor_a_credential_for_somebody_elses_key(stage, ewallet_kit):
    """SDJ-42: a wallet keeps only what it has the key for."""
    payload = {**stage.payload, "cnf": {"jwk": ewallet_kit.pki.operator.public.jwk}}
    before = ewallet_kit.wallet.documents()

    with pytest.raises(NotFound) as refused:
        ewallet_kit.wallet.put([stage.join(stage.issue(payload=payload), (*stage.disclosures, *stage.hidden))])
    assert "storage.not_found" == refused.value.code

    assert before == ewallet_kit.wallet.documents()


ABSTRACT = "urn:example:kr-ewallet:resident_register_abstract:1"  # of the same national system


@pytest.mark.parametrize(
    "more", [{}, {"aka_vcts": ["{vct}"]}, {"extends": "{vct}"}, {"vct#integrity": "sha256-AA"}], ids=json.dumps
)
def test_sdj_43_another_type(more, stage, judge):
    """SDJ-43: a type that says it extends the wanted one is still another one."""
    more = {name: json.loads(json.dumps(value).replace("{vct}", stage.payload["vct"])) for name, value in more.items()}

    assert "policy.vct_not_accepted" == judge(stage.forge(payload={**stage.payload, "vct": ABSTRACT, **more}))


@pytest.mark.parametrize("vct", ["urn:example:kr-ewallet:family_relation_certificate:1", "urn:example:evil", "*", ""])
def test_sdj_43_a_type_of_another_system(vct, stage, judge):
    """SDJ-43: a national system vouches for its own types only."""
    assert "trust.issuer_not_authorized" == judge(stage.forge(payload={**stage.payload, "vct": vct}))


ISSUERS = [
    "https://another.example.go.kr",
    f"{ISSUER}.evil.example",
    ISSUER.replace("https", "http"),
    ISSUER.replace("https://", "https://evil.example@"),
    ISSUER.replace("https://", "https://evil.example/"),
    ISSUER.replace("https://", "https://["),
    ISSUER.replace("example", "exam\nple"),
    "did:web:issuer.example.go.kr",
    "issuer",
    "",
]


@pytest.mark.parametrize("issuer", ISSUERS)
def test_sdj_44_a_name_that_is_not_in_the_certificate(issuer, stage, judge):
    """SDJ-44: a trusted issuer speaks for itself only."""
    assert "trust.issuer_mismatch" == judge(stage.forge(payload={**stage.payload, "iss": issuer}))


@pytest.mark.parametrize("issuer", [ISSUER, f"{ISSUER}/"])
def test_sdj_44_its_own_name(issuer, stage, judge):
    """SDJ-44: its URL, and a path below its host."""
    assert None is judge(stage.forge(payload={**stage.payload, "iss": issuer}))


NAME = "홍길동"
DECOMPOSED = unicodedata.normalize("NFD", NAME)


def test_sdj_46_an_issuer_signs_composed_names(ewallet_kit):
    """SDJ-46: what came decomposed from a register is signed in NFC."""
    sample = {**ewallet_kit.catalog.type(KIND).sample, "applicant_name": DECOMPOSED}
    document = ewallet_kit.issue(KIND, claims=sample)

    assert NAME == document.credential.claims["applicant_name"] != DECOMPOSED


def test_sdj_46_a_verifier_hashes_what_it_received(stage, ewallet_kit, presented):
    """SDJ-46: another issuer's decomposed text is verified byte by byte, and handed on as it was signed."""
    old = next(each for each in stage.disclosures if items_of(each)[1] == "resident_address")
    new = disclosure(SALT, "resident_address", DECOMPOSED)
    digests = [digest(new) if each == digest(old) else each for each in stage.payload["_sd"]]
    shown = [new if each == old else each for each in stage.disclosures]

    verdict = ewallet_kit.verify(
        stage.forge(payload={**stage.payload, "_sd": digests}, disclosures=shown), presented.request
    )

    assert isinstance(verdict, Accepted)
    assert DECOMPOSED == verdict.claims[KIND]["resident_address"]


def test_sdj_49_nothing_links_two_certificates_of_one_person(ewallet_kit):
    """SDJ-49: no digest, salt, key or signature in common, and digests in an order of their own."""
    one, two = (Stage.of(ewallet_kit, _shown(ewallet_kit)) for _ in range(2))

    assert one.payload["_sd"] == sorted(one.payload["_sd"])
    assert set() == set(one.payload["_sd"]) & set(two.payload["_sd"])
    assert set() == _salts(one) & _salts(two)
    assert _visible(one) == _visible(two)


def _shown(kit):
    kit.issue(KIND)
    return kit.present(kit.query(KIND, ["resident_address"]))


def _salts(stage):
    return {items_of(each)[0] for each in stage.held.split("~")[1:-1]}


def _visible(stage):
    return {name: stage.payload[name] for name in ("vct", "iss", "iat", "nbf", "exp")}


def test_sdj_49_decoys_hide_how_many_claims_there_are(stage):
    """SDJ-49: the number of digests is a multiple of eight, and some of them stand for nothing."""
    real = {digest(each) for each in (*stage.disclosures, *stage.hidden)}

    assert 0 == len(stage.payload["_sd"]) % 8
    assert set() != set(stage.payload["_sd"]) - real


def test_sdj_49_salts_never_come_again():
    """SDJ-49: a hundred thousand salts of at least 128 bits, all different."""
    names = [f"n{i}" for i in range(1_000)]
    packing = Packing(frozenset((name,) for name in names), 0, Env().random)
    for _ in range(100):
        packing.top(dict.fromkeys(names, 1))
    salts = [items_of(each)[0] for each in packing.disclosures]

    assert 100_000 == len(set(salts)) == len(salts)
    assert 16 <= min(len(base64url(salt)) for salt in salts)
