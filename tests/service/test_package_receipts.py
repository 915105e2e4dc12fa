"""What a recipient signs of a package at a portal: made by the client, compared, kept, shown, and gone when asked."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qsl

import pytest

from ewallet import jose, receipt
from ewallet.errors import ProtocolError
from ewallet.flow import Response
from ewallet.history import Believed, key_of
from ewallet.keys import SigningKey
from ewallet.oauth import Authorization
from ewallet.portal.client import Granted, PortalClient
from ewallet.receipt import Receipt
from ewallet.receipt.taken import TYP, Expected, Taken, digest_of, sign
from ewallet.testing.bank import Bank
from ewallet.testing.clock import Clock
from ewallet.verdict import Accepted

ORIGIN = "issuer.example.go.kr/mydata/log"
ISSUER = "https://issuer.example.go.kr"
HTML = {"accept": "text/html"}
SIGNED = "받는 곳이 수령했다고 서명함"
UNSIGNED = "받는 곳이 아직 서명하지 않음"
_NOTHING = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"
_CHANGES: tuple[dict[str, object], ...] = (
    {"package": _NOTHING},
    {"request": _NOTHING},
    {"consent": _NOTHING},
    {"answer": {}},
    {"disclosed": {}},
    {"aud": "https://other.example/mydata"},
    {"iss": "other.example"},
    {"iat": 1},
    {"iat": 1 << 40},
    {"iat": "now"},
    {"log": {"seq": 0, "checkpoint": "nothing"}},
    {"log": {"seq": 99, "checkpoint": "nothing"}},
    {"log": {}},
    {"note": "what else a recipient would have kept"},
)


@pytest.fixture
def granted(portal):
    """A token of the bank, after everything."""
    return portal.granted()


@pytest.fixture
def unsigned(portal, granted):
    """What a bank would sign that has downloaded, and has not handed anything in."""
    key, id_ = portal.bank.key.public.thumbprint, portal.bank.recipient.id
    package = portal.site.desk.mydata.download(granted.consent_id, recipient=id_, key=key)
    expected = Expected(recipient=id_, key=key, portal=f"{ISSUER}/mydata", request=granted.request)
    return dict(Taken.parse(sign(package, portal.bank.key, expected, portal.site.clock.now())).claims)


def _client(portal, send):
    """The bank, whose calls go another way."""
    id_, back = portal.bank.recipient.id, min(portal.bank.recipient.redirect_uris)
    env = portal.site.clock.env("another program of the bank")
    return PortalClient(f"{ISSUER}/mydata", id_, signer=portal.bank.key, redirect_uri=back, send=send, env=env)


def _hand_in(portal, granted, half):
    return portal.client._handed_in(half, Authorization(scheme="DPoP", token=granted.token))


def _refused(portal, granted, half):
    with pytest.raises(ProtocolError) as refused:
        _hand_in(portal, granted, half)
    return refused.value.status, refused.value.error


def _signed(claims, key):
    return jose.sign(TYP, claims, key, {"jwk": dict(key.public.jwk)})


def _file(portal):
    (given,) = portal.site.desk.mydata.consents("hong")
    return portal.site.browser.get(f"/my/consents/{given.consent.id}/receipt", headers=HTML).content


def _verdict(portal, raw):
    key = SigningKey.load(portal.site.service.settings.data / "issuer" / "log.key").public
    terms = {"at": portal.site.clock.now(), "believed": Believed(log=(key_of(ORIGIN, key),))}
    terms |= {"send": portal.site.send}
    return receipt.verify(raw, portal.wallet._trust, portal.site.service.issuer.catalog, **terms)


def test_the_bank_signs_for_what_it_took_and_both_halves_hold(portal, granted):
    """By the client itself; the person downloads both, and whoever has the trust list and the log's key may check."""
    received = portal.client.take(granted)
    raw = _file(portal)
    assert (received.receipt,) == Receipt.parse(raw).taken
    verdict = _verdict(portal, raw)
    assert isinstance(verdict, Accepted)
    (told,) = verdict.claims["taken"]
    assert (portal.bank.recipient.id, received.package.logged.inclusion.index) == (told["by"], told["seq"])
    assert {each.type_id for each in received.package.evidence()} == told["disclosed"].keys()


def test_the_digest_is_of_the_body_as_it_came(portal, granted):
    """So whoever downloads with another program hashes what it got, and nothing has to be put in order first."""
    bodies = []

    def send(request):
        answer = portal.site.send(request)
        bodies.append(answer.body)
        return answer

    half = Taken.parse(_client(portal, send).take(granted).receipt)
    (body,) = [body for body in bodies if b"ewallet.package/1" in body]
    assert digest_of(body) == half.claims["package"]
    asked = '[{"type":"urn:example:kr-ewallet:bundle:1","bundle":"bank_personal_loan","days":30,"lang":"ko"}]'
    assert digest_of(asked.encode()) == half.claims["request"]


@pytest.mark.usefixtures("unsigned")
def test_the_person_sees_whether_it_was_signed_for(portal, granted):
    """On the page of consents, in the history and in their own data: not yet, and then when."""
    assert [True, True] == [UNSIGNED in portal.site.page(f"/my/{name}") for name in ("consents", "history")]
    assert isinstance(_verdict(portal, _file(portal)), Accepted)
    taken = portal.client.take(granted)
    for name in ("consents", "history"):
        page = portal.site.page(f"/my/{name}")
        assert SIGNED in page
        assert UNSIGNED not in page
    own = json.loads(portal.site.desk.mydata.export("hong", "json").content)
    (provided,) = own["consents"][0]["provided"]
    assert (taken.receipt, taken.package.logged.inclusion.index) == (provided["receipt"], provided["seq"])


def test_the_same_again_is_taken_again_and_another_is_refused(portal, granted, unsigned):
    """A lost answer is harmless; who signs anew is told what was signed before, and the person keeps the first."""
    first = _signed(unsigned, portal.bank.key)
    assert [first, first] == [_hand_in(portal, granted, first) for _ in range(2)]
    assert first == _hand_in(portal, granted, _signed(unsigned, portal.bank.key))
    assert first == portal.client.take(granted).receipt
    (provided,) = portal.site.desk.mydata.provided("hong")
    assert first == provided.half


def test_myd_07_a_half_for_something_else_is_refused(portal, granted, unsigned):
    """Another hash, other paths, another consent, party or time: 400 ``receipt.invalid``, and nothing is kept."""
    for change in _CHANGES:
        half = _signed(unsigned | change, portal.bank.key)
        assert (400, "receipt.invalid") == _refused(portal, granted, half), change
    assert [None] == [each.half for each in portal.site.desk.mydata.provided("hong")]


def test_one_path_less_or_more_is_another_claim(portal, granted, unsigned):
    """What is signed for is what was provided, no less either."""
    kind, paths = next(iter(unsigned["disclosed"].items()))
    for other in (paths[1:], [*paths, ["resident_number"]]):
        spoilt = unsigned | {"disclosed": unsigned["disclosed"] | {kind: other}}
        assert (400, "receipt.invalid") == _refused(portal, granted, _signed(spoilt, portal.bank.key))


def test_another_key_does_not_sign(portal, granted, unsigned):
    """Neither a stranger's with its own key in the header, nor one that says it is the bank's."""
    stranger = SigningKey.generate()
    pretending = jose.sign(TYP, unsigned, stranger, {"jwk": dict(portal.bank.key.public.jwk)})
    for half in (_signed(unsigned, stranger), pretending, jose.sign(TYP, unsigned, portal.bank.key)):
        assert (400, "receipt.invalid") == _refused(portal, granted, half)
    wrong_type = jose.sign("consent-receipt+jwt", unsigned, portal.bank.key, {"jwk": dict(portal.bank.key.public.jwk)})
    assert (400, "receipt.invalid") == _refused(portal, granted, wrong_type)


def test_a_checkpoint_that_the_log_did_not_sign_is_refused(portal, granted, unsigned):
    """Of the right size, with another root: what the person gets says nothing that the log did not."""
    origin, size, _, *rest = unsigned["log"]["checkpoint"].split("\n")
    forged = "\n".join((origin, size, "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", *rest))
    spoilt = unsigned | {"log": unsigned["log"] | {"checkpoint": forged}}
    assert (400, "receipt.invalid") == _refused(portal, granted, _signed(spoilt, portal.bank.key))


def test_a_half_of_another_consent_is_refused(portal, granted):
    """What was signed for one package is played to the token of another."""
    first = portal.client.take(granted).receipt
    second = portal.granted()
    portal.client.package(second)
    assert (400, "receipt.invalid") == _refused(portal, second, first)


def test_nobody_hands_in_without_token_and_key(portal, granted, unsigned):
    """As nobody downloads without them."""
    half = _signed(unsigned, portal.bank.key)
    assert (401, "invalid_token") == _refused(portal, Granted(token="none", consent_id=granted.consent_id), half)
    headers = {"authorization": f"Bearer {granted.token}"}
    answer = portal.site.browser.post("/mydata/receipts", data={"receipt": half}, headers=headers)
    assert 401 == answer.status_code
    assert [None] == [each.half for each in portal.site.desk.mydata.provided("hong")]


def test_myd_07_no_half_is_left_out_or_exchanged_unseen(portal, granted):
    """The portal names in its own half what the recipient signed: a file with something else is no receipt."""
    half = portal.client.take(granted).receipt
    found = json.loads(_file(portal))
    for other in ([], [half, half], [half[:-4] + "AAAA"], ["nothing"]):
        assert "receipt.invalid" == _verdict(portal, json.dumps(found | {"taken": other})).code, other
    without = {name: value for name, value in found.items() if name != "taken"}
    assert "receipt.invalid" == _verdict(portal, json.dumps(without)).code
    assert "receipt.invalid" == _verdict(portal, json.dumps(found | {"events": found["events"][:1]})).code


def test_myd_07_a_half_that_is_no_recipients_holds_for_no_portal(portal, granted, unsigned):
    """Whatever a portal names: another's, of another consent or provision, for more than was consented to."""
    desk, kind = portal.site.desk, next(iter(unsigned["disclosed"]))
    (given,), (provided,), pasts = (
        each("hong") for each in (desk.mydata.consents, desk.mydata.provided, desk.mydata.history)
    )
    more = {"disclosed": unsigned["disclosed"] | {kind: [["resident_number"]]}}
    changes: tuple[dict[str, object], ...] = (
        {},
        {"iss": "other.example"},
        {"consent": _NOTHING},
        {"iat": 1},
        more,
        {"disclosed": {}},
    )
    for change in changes:
        half = _signed(unsigned | change, portal.bank.key)
        made = desk.receipts.to_date(given, pasts, [replace(provided, half=half)])
        assert (None if not change else "receipt.invalid") == _verdict(portal, made.to_bytes()).code, change
    other = {"log": unsigned["log"] | {"seq": given.logged.inclusion.index}}
    made = desk.receipts.to_date(given, pasts, [replace(provided, half=_signed(unsigned | other, portal.bank.key))])
    assert "receipt.invalid" == _verdict(portal, made.to_bytes()).code
    assert granted.consent_id == given.consent.id


def test_after_a_withdrawal_it_is_still_signed_for(portal, granted, unsigned):
    """It was received; whether anything more is, is another question."""
    portal.site.desk.mydata.withdraw(granted.consent_id, "hong")
    half = _signed(unsigned, portal.bank.key)
    assert half == _hand_in(portal, granted, half)
    assert isinstance(_verdict(portal, _file(portal)), Accepted)


def test_it_goes_with_the_person(portal, granted):
    """MYD-10: it is in the database under seal only, and not at all once the person has deleted everything."""
    half = portal.client.take(granted).receipt
    desk = portal.site.desk
    files = [path for path in portal.site.service.settings.data.rglob("*") if path.is_file()]
    assert not any(half.rpartition(".")[2].encode() in path.read_bytes() for path in files)
    desk.mydata.erase("hong")
    assert () == desk.mydata.provided("hong")
    assert (403, "consent.required") == _refused(portal, granted, half)


def test_what_came_is_not_given_up_because_it_cannot_be_signed_for(portal, granted, caplog):
    """A portal that takes no receipts now: the package is there, a warning says why, and asking again signs."""

    def send(request):
        return portal.site.send(replace(request, url=request.url.replace("/receipts", "/nowhere")))

    received = _client(portal, send).take(granted)
    assert received.receipt is None
    assert "no receipt was handed in" in caplog.text
    again = portal.client.take(granted)
    assert received.package == again.package
    assert (again.receipt,) == Receipt.parse(_file(portal)).taken


def test_what_a_portal_says_was_signed_before_is_signed_by_this_key(portal, granted):
    """A portal cannot make a bank keep as its own what it has not signed."""
    stranger = SigningKey.generate()
    said = {"type": "urn:ewallet:error:storage.already_used", "code": "storage.already_used"}

    def send(request):
        if not request.url.endswith("/receipts"):
            return portal.site.send(request)
        half = _signed(Taken.parse(dict(parse_qsl(request.body.decode()))["receipt"]).claims, stranger)
        body = json.dumps({**said, "receipt": half}).encode()
        return Response(409, {"content-type": "application/problem+json"}, body)

    assert _client(portal, send).take(granted).receipt is None


class TestInCycles:
    """What is provided each month is signed for each month."""

    @pytest.fixture
    def loan_bank(self):
        """An office of a city, which may be provided for each month."""
        return Bank.make(Clock().now(), class_="local_government")

    def test_each_run_is_signed_for(self, portal):
        """With the token of a code, and then with those that the recipient asks for itself."""
        portal.site.sign_in()
        portal.hold()
        asking = portal.client.ask("local_youth_job_support", days=90)
        address = portal.chosen(asking)
        portal.confirm(address)
        granted = portal.client.token(asking, portal.back(address))
        halves = [portal.client.take(granted).receipt]
        portal.site.clock.advance(timedelta(days=31))
        portal.site.desk.mydata.run_due()
        portal.site.sign_in()
        assert [True, True] == [each in portal.site.page("/my/consents") for each in (SIGNED, UNSIGNED)]
        halves.append(portal.client.take(portal.client.again(granted.consent_id)).receipt)
        assert tuple(halves) == Receipt.parse(_file(portal)).taken
        assert isinstance(_verdict(portal, _file(portal)), Accepted)
        assert UNSIGNED not in portal.site.page("/my/consents")
