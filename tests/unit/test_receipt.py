"""A receipt: both halves, of one consent, request and answer; whatever is changed in it, it is none any more."""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ewallet import jose, receipt
from ewallet.cli import words
from ewallet.consent import Choice, Consent, Party, consenting
from ewallet.dcql import Query
from ewallet.errors import EWalletError, PolicyError, UsageError
from ewallet.flow import Response
from ewallet.formats import FORMATS
from ewallet.history import Believed, Head, NoteKey
from ewallet.keys import SigningKey
from ewallet.oid4vp import TransactionData
from ewallet.receipt import WITHDRAWAL, Receipt
from ewallet.receipt.countersignature import TYP, Logged
from ewallet.shape import MAX_TIME, base64url, json_object
from ewallet.testing.history import Register
from ewallet.testing.kit import CLIENT_ID, PURPOSE, Kit
from ewallet.verdict import Accepted, Rejected, Undecided

KINDS = ("income_amount_certificate", "national_tax_payment_certificate", "local_tax_payment_certificate")
NAME = {"ko": "가상은행", "en": "가상은행"}


class Counter:
    """A bank at which a holder has consented, and the halves of the receipt."""

    def __init__(self, *, formats=("dc+sd-jwt",), bundle="bank_personal_loan"):
        self.kit = kit = Kit.make()
        self.catalog, self.trust = kit.catalog, kit.pki.trust_list()
        self.bundle = kit.catalog.bundle(bundle)
        for position, item in enumerate(self.bundle.items):
            kit.issue(
                item.type_id,
                format_id=formats[position % len(formats)],
            )
        self.consent = self.proposed()
        self.request = self.asked()
        self.token = self.answered(self.request)

    def proposed(self, recipient=CLIENT_ID):
        """A consent to the bundle."""
        party, at = Party(id=recipient, names=NAME), self.kit.clock.now()
        choice = Choice(road="wallet", days=30)
        return Consent.propose(self.bundle, self.catalog, choice, id_="consent-1", recipient=party, since=at)

    def asked(self, consent=None):
        """A request of the bank for that consent."""
        consent = consent or self.consent
        query = consenting.query(consent, self.catalog)
        request = self.kit.verifier.ask(query, purpose=PURPOSE)
        agreed = consenting.transaction(consent, query, self.catalog)
        return replace(request, transaction_data=(agreed,), verifier_name=NAME["ko"])

    def answered(self, request):
        """The answer of a wallet that agrees to anything."""
        kit, answer, at = self.kit, self.kit.wallet.match(request.query), self.kit.clock.now()
        bindings = request.bindings(choice.query.id for choice in answer.choices)
        token = {}
        for choice in answer.choices:
            copies = kit.wallet_store.copies(choice.candidate.id)
            key = SigningKey.of_secret(kit.wallet_store.key(copies[0].key))
            made = FORMATS[choice.query.format].present(copies[0].raw, choice.paths, bindings[choice.query.id], key, at)
            token[choice.query.id] = (made,)
        return token

    def made(self, **changes):
        """The bank's receipt."""
        wanted: dict[str, Any] = {"id_": "receipt-1", "at": self.kit.clock.now()} | changes
        return Receipt.make(self.request, self.token, wanted.pop("signer", self.kit.pki.verifier), **wanted)

    def verdict(self, raw, **options):
        """What is thought of a file."""
        return receipt.verify(raw, self.trust, self.catalog, **({"at": self.kit.clock.now()} | options))


@pytest.fixture(scope="module")
def counter():
    """One counter for all: a holder has nine copies of each."""
    return Counter()


@pytest.fixture(scope="module")
def good(counter):
    """Its receipt."""
    return counter.made()


def _code(call, *arguments):
    with pytest.raises(EWalletError) as refused:
        call(*arguments)
    return refused.value.code


def test_a_receipt_is_read_as_it_was_written_and_holds(counter, good):
    """Both halves, in the order of the rungs; its claims are a plain view."""
    verdict = counter.verdict(good.to_bytes())

    assert good.to_bytes() == Receipt.parse(good.to_bytes()).to_bytes()
    assert isinstance(verdict, Accepted)
    assert ["format", "signature", "holder", "query"] == [check.name for check in verdict.checks]
    assert good.view() == verdict.claims
    good.check(counter.trust, counter.catalog)


def test_a_receipt_has_no_claim_in_it(counter, good):
    """So that it may be kept when the data is not: no disclosure, and nothing of what they say."""
    text = json.dumps(good.to_json(), ensure_ascii=False)
    shown = [part for each in counter.token.values() for part in each[0].split("~")[1:-1]]

    assert shown
    assert not [part for part in shown if part in text]
    assert good.confirmation.count("~") == 1


def test_the_view_has_the_fields_of_the_standard(good, counter):
    """Who, why, by what right, which data, how long, until when, the words, and what happened."""
    view = good.view()

    assert counter.consent.words(counter.catalog) == view["dpv:hasNotice"]["dct:description"]
    assert {"dct:identifier": CLIENT_ID, "dct:title": NAME} == view["dpv:hasRecipient"]
    assert counter.consent.digest == view["record"]["sha256"]
    assert view["dpv:hasRecipient"] == view["dpv:hasDataController"]
    assert {"ko", "en"} == view["dpv:hasRight"]["dct:description"].keys()
    assert "P90D" == view["dpv:hasStorageCondition"]["dpv:hasDuration"]
    assert [["total_income_latest_year"]] == view["disclosed"]["income_amount_certificate"][1:]
    assert [{"event": "given", "dpv:isIndicatedAtTime": "2026-11-21T03:00:00Z"}] == view["events"]


def test_the_view_says_where_to_withdraw(good, counter):
    """At the address that the recipient states in its half; nothing where it states none."""
    stated = counter.made(more={WITHDRAWAL: "https://bank.example/withdraw"})
    control = [each.view()["dpv:hasConsentControl"] for each in (stated, counter.made(more={WITHDRAWAL: 1}), good)]

    assert ["https://bank.example/withdraw", None, None] == [each["dct:source"] for each in control]


@pytest.mark.parametrize("formats", [("dc+sd-jwt", "mso_mdoc"), ("mso_mdoc", "dc+sd-jwt")])
def test_answers_of_both_formats_are_receipted(formats):
    """Whichever can confirm a transaction confirms it, wherever it is in the answer."""
    mixed = Counter(formats=formats)
    made = mixed.made()

    assert {"dc+sd-jwt", "mso_mdoc"} == {mixed.request.query.get(id_).format for id_ in mixed.token}
    assert isinstance(mixed.verdict(made.to_bytes()), Accepted)
    Receipt.of_answer(mixed.request, mixed.token, made.events[0]).check(mixed.trust, mixed.catalog)


def test_the_holder_recognises_the_receipt_for_the_own_answer(counter, good):
    """The recipient's half is enough: the holder has the other one."""
    assert good == Receipt.of_answer(counter.request, counter.token, good.events[0])


def test_a_receipt_for_another_answer_is_none(counter, good):
    """MYD-07: Nor one for another request."""
    again = counter.asked()
    other = counter.answered(again)

    assert "receipt.invalid" == _code(Receipt.of_answer, counter.request, other, good.events[0])
    assert "receipt.invalid" == _code(Receipt.of_answer, again, counter.token, good.events[0])
    assert "receipt.invalid" == _code(Receipt.of_answer, counter.request, counter.token, "a.b.c")


def test_what_happens_later_is_signed_with_it(counter, good):
    """Renewed, fulfilled, withdrawn, deleted, each with its place in the log."""
    at, log = counter.kit.clock.now(), SigningKey.generate("EdDSA")
    head = Head("log.example", 9, bytes(32)).signed(log).to_bytes().decode()
    later = good
    for seq, event in enumerate(("renewed", "fulfilled", "withdrawn", "deleted")):
        place = Logged(seq=seq, checkpoint=head)
        later = later.after(event, counter.kit.pki.verifier, at=at + timedelta(days=seq), logged=place)
    believed = Believed(log=(NoteKey("log.example", log.public),))
    stranger = Believed(log=(NoteKey("log.example", SigningKey.generate("EdDSA").public),))

    later.check(counter.trust, counter.catalog, believed)
    assert isinstance(counter.verdict(later.to_bytes(), at=later.signed[-1].at), Accepted)
    refused = counter.verdict(later.to_bytes(), at=later.signed[-1].at, believed=stranger)
    assert ["receipt.invalid"] == [check.code for check in refused.reasons]
    assert "dpv:ConsentInvalidated" == later.view()["dpv:hasConsentStatus"]
    assert [None, 0, 1, 2, 3] == [event.get("seq") for event in later.view()["events"]]
    withdrawn = good.after("withdrawn", counter.kit.pki.verifier, at=at)
    for receipt_, event in ((later, "renewed"), (good, "given"), (withdrawn, "renewed")):
        with pytest.raises(UsageError) as impossible:
            receipt_.after(event, counter.kit.pki.verifier, at=at)
        assert "usage.argument" == impossible.value.code


def test_nothing_happened_at_a_time_that_is_to_come(counter, good):
    """But for what clocks differ by: a recipient does not sign for next year that it will delete then."""
    at = good.at
    for later, name in ((60, "Accepted"), (61, "Rejected")):
        made = good.after("withdrawn", counter.kit.pki.verifier, at=at + timedelta(seconds=later))
        assert name == type(counter.verdict(made.to_bytes(), at=at)).__name__


LOG = SigningKey.generate("EdDSA")


def _logged(seq, size, root=bytes(32), origin="log.example"):
    return Logged(seq=seq, checkpoint=Head(origin, size, root).signed(LOG).to_bytes().decode())


PLACES = {
    "the last one": ((_logged(2, 3),), None),
    "not there yet": ((_logged(None, 3),), None),
    "behind the end": ((_logged(3, 3),), "log.omitted"),
    "before the beginning": ((_logged(-1, 3),), "log.omitted"),
    "no checkpoint": ((Logged(seq=0, checkpoint="nothing"),), "receipt.invalid"),
    "grown": ((_logged(0, 3), _logged(3, 4)), None),
    "shrunk": ((_logged(0, 4), _logged(1, 3)), "log.rollback"),
    "forked": ((_logged(0, 3), _logged(1, 3, b"\1" * 32)), "log.forked"),
    "another log": ((_logged(0, 3), _logged(1, 4, origin="other.example")), "log.forked"),
}


@pytest.mark.parametrize(("places", "code"), PLACES.values(), ids=PLACES)
def test_myd_07_a_place_is_in_a_log_that_grows(counter, good, places, code):
    """MYD-07: Whoever does not know whom to believe about the log sees that much all the same."""
    made = good
    for place in places:
        made = made.after("renewed", counter.kit.pki.verifier, at=good.at, logged=place)
    assert code == counter.verdict(made.to_bytes()).code


def _asked_of(log):
    """Whoever asks a log for the way from one size to another."""

    def send(request):
        old, size = (int(part.partition("=")[2]) for part in request.url.partition("?")[2].split("&"))
        path = [b64encode(hash_).decode() for hash_ in log.log.consistency(old, size)]
        return Response(200, {}, jose.to_json({"old": old, "size": size, "path": path}))

    return send


HONEST, FORKED = (Register(seed=seed, key=LOG).fill(8, checkpoint_each=1) for seed in ("one", "other"))
OLD, NOW, NEWER = (HONEST.store.checkpoints()[size - 1] for size in (3, 6, 7))
SEEN = {
    "the same": (NOW, HONEST, None),
    "older": (OLD, HONEST, None),
    "newer": (NEWER, HONEST, "log.rollback"),
    "forked": (FORKED.store.checkpoints()[5], HONEST, "log.forked"),
    "forked before": (FORKED.store.checkpoints()[2], HONEST, "log.forked"),
    "a proof of another": (OLD, FORKED, "log.forked"),
    "no checkpoint": (b"nothing", HONEST, "malformed.encoding"),
}


@pytest.mark.parametrize(("seen", "log", "code"), SEEN.values(), ids=SEEN)
def test_a_receipt_goes_on_from_what_was_seen_of_its_log(counter, good, seen, log, code):
    """An older checkpoint than was seen, or one of another history, is refused by name; the log proves the way."""
    place = Logged(seq=2, checkpoint=NOW.decode())
    made = good.after("withdrawn", counter.kit.pki.verifier, at=good.at, logged=place).to_bytes()
    assert code == counter.verdict(made, believed=HONEST.believed, seen=[seen], send=_asked_of(log)).code


def test_what_a_log_cannot_be_asked_is_not_decided(counter, good):
    """Without a network, or where it does not answer; neither yes nor no."""
    place = Logged(seq=2, checkpoint=NOW.decode())
    made = good.after("withdrawn", counter.kit.pki.verifier, at=good.at, logged=place).to_bytes()
    options = {"believed": HONEST.believed, "seen": [OLD]}
    assert isinstance(counter.verdict(made, **options), Undecided)
    assert isinstance(counter.verdict(made, send=lambda _: Response(503, {}, b""), **options), Undecided)


def test_a_receipt_that_no_log_has_is_refused_where_one_is_asked_for(counter, good):
    """On the wallet's road there is none; only whoever says whom to believe wants one."""
    assert counter.verdict(good.to_bytes()).code is None
    assert "log.omitted" == counter.verdict(good.to_bytes(), believed=HONEST.believed).code


def _resigned(good, signer, **changes):
    """The same statement with other members, signed by that key."""
    claims = json_object(base64url(good.events[0].split(".")[1])) | changes
    told = {name: value for name, value in claims.items() if value is not None}
    return replace(good, events=(jose.sign(TYP, told, signer),))


def _flip(text, position):
    return text[:position] + ("A" if text[position] != "A" else "B") + text[position + 1 :]


def _other_receipt(counter, **terms):
    """A receipt of the same parties for another consent."""
    other = replace(counter.consent, id="consent-2", **terms)
    request = counter.asked(other)
    token = counter.answered(request)
    return Receipt.make(request, token, counter.kit.pki.verifier, id_="receipt-2", at=counter.kit.clock.now())


def _text_changed(_counter, good):
    (asked,) = good.request.transaction_data
    fields = {**asked.fields, "text": asked.fields["text"].replace("한 번만", "매일")}
    return replace(
        good,
        request=replace(
            good.request, transaction_data=(TransactionData.make(asked.type, asked.credential_ids, fields),)
        ),
    )


def _for_another(counter, _good):
    """A bank hands in a consent that names another recipient."""
    request = counter.asked(counter.proposed("x509_san_dns:other.example"))
    token = counter.answered(request)
    return Receipt.make(request, token, counter.kit.pki.verifier, id_="r", at=counter.kit.clock.now())


def _beyond(counter, _good):
    """A bank asks for more than the consent covers."""
    extra = Query.for_type(counter.catalog.type("income_amount_certificate"), ["total_income_latest_year", "name"])
    query = replace(counter.request.query, credentials=extra.credentials, credential_sets=extra.credential_sets)
    request = replace(
        counter.kit.verifier.ask(query, purpose=PURPOSE),
        transaction_data=(consenting.transaction(counter.consent, query, counter.catalog),),
    )
    token = counter.answered(request)
    return Receipt.make(request, token, counter.kit.pki.verifier, id_="r", at=counter.kit.clock.now())


def test_the_name_of_a_receipt_commands_no_terminal(counter):
    """The recipient gives it, and a wallet shows it in a list."""
    made = counter.made(id_="r\x1b[2J\n1")
    shown = words.receipted(made, "en")
    assert "[r\\u001b[2J\\u000a1]" in shown
    assert shown.isprintable()


FORGED = {
    "the holder's signature": lambda _c, g: replace(g, confirmation=_flip(g.confirmation, -10)),
    "the issuer's signature": lambda _c, g: replace(
        g, confirmation=_flip(g.confirmation, g.confirmation.index("~") - 9)
    ),
    "the recipient's signature": lambda _c, g: replace(g, events=(_flip(g.events[0], -10),)),
    "no key binding": lambda _c, g: replace(g, confirmation=g.confirmation.split("~")[0] + "~"),
    "a disclosure beside the confirmation": lambda _c, g: replace(g, confirmation=g.confirmation.replace("~", "~e30~")),
    "no certificate": lambda _c, g: replace(
        g, events=(jose.sign(TYP, g.signed[0].claims, SigningKey.generate("ES256")),)
    ),
    "the key of an issuer": lambda c, g: _resigned(g, c.kit.pki.signers["resident"]),
    "the name of another": lambda c, g: _resigned(g, c.kit.pki.verifier, iss="x509_san_dns:other.example"),
    "another event first": lambda c, g: _resigned(g, c.kit.pki.verifier, event="renewed"),
    "an event of no consent": lambda c, g: _resigned(g, c.kit.pki.verifier, event="sold"),
    "another consent": lambda c, g: _resigned(g, c.kit.pki.verifier, consent="x"),
    "another request": lambda c, g: _resigned(g, c.kit.pki.verifier, request="x"),
    "another confirmation": lambda c, g: _resigned(g, c.kit.pki.verifier, confirmation="x"),
    "no disclosed paths": lambda c, g: _resigned(g, c.kit.pki.verifier, disclosed=None),
    "paths that were not asked for": lambda c, g: _resigned(
        g, c.kit.pki.verifier, disclosed={"income_amount_certificate": [["name"]]}
    ),
    "paths of a query that was not asked": lambda c, g: _resigned(g, c.kit.pki.verifier, disclosed={"x": []}),
    "an answer to nothing": lambda c, g: _resigned(g, c.kit.pki.verifier, answer={}),
    "paths of anything": lambda c, g: _resigned(g, c.kit.pki.verifier, disclosed={"income_amount_certificate": [[{}]]}),
    "dated the last second": lambda c, g: _resigned(g, c.kit.pki.verifier, iat=MAX_TIME),
    "dated later": lambda c, g: _resigned(g, c.kit.pki.verifier, iat=g.signed[0].claims["iat"] + 301),
    "dated before the consent": lambda c, g: _resigned(g, c.kit.pki.verifier, iat=g.signed[0].claims["iat"] - 1),
    "a log without a place": lambda c, g: _resigned(g, c.kit.pki.verifier, log={"checkpoint": "x"}),
    "other letters": lambda _c, g: replace(g, events=("é.e30.e30",)),
    "the words of the consent": _text_changed,
    "another recipient": _for_another,
    "more than was consented to": _beyond,
    "the halves of two receipts": lambda c, g: replace(_other_receipt(c), events=g.events),
    "the request of another receipt": lambda c, g: replace(g, request=_other_receipt(c).request),
    "the confirmation of another receipt": lambda c, g: replace(g, confirmation=_other_receipt(c).confirmation),
    "an event of another receipt": lambda c, g: replace(
        g, events=(*g.events, _other_receipt(c).after("withdrawn", c.kit.pki.verifier, at=g.at).events[1])
    ),
    "events in another order": lambda c, g: replace(
        g, events=(*g.events, *g.after("withdrawn", c.kit.pki.verifier, at=g.at - timedelta(days=1)).events[1:])
    ),
    "something after the deletion": lambda c, g: replace(
        g,
        events=(
            *g.after("deleted", c.kit.pki.verifier, at=g.at).events,
            *g.after("renewed", c.kit.pki.verifier, at=g.at).events[1:],
        ),
    ),
    "renewed after the withdrawal": lambda c, g: replace(
        g,
        events=(
            *g.after("withdrawn", c.kit.pki.verifier, at=g.at).events,
            *g.after("renewed", c.kit.pki.verifier, at=g.at).events[1:],
        ),
    ),
    "an event twice": lambda c, g: replace(
        g, events=(*g.events, *g.after("renewed", c.kit.pki.verifier, at=g.at).events[1:] * 2)
    ),
    "given twice": lambda _c, g: replace(g, events=(*g.events, *g.events)),
    "a request without a consent": lambda _c, g: replace(g, request=replace(g.request, transaction_data=())),
    "two consents": lambda _c, g: replace(
        g, request=replace(g.request, transaction_data=(*g.request.transaction_data, *g.request.transaction_data))
    ),
}


@pytest.mark.parametrize("name", FORGED)
def test_myd_07_whatever_is_changed_it_is_no_receipt(counter, good, name):
    """MYD-07: An altered member, another key, other words, another recipient, request or answer."""
    verdict = counter.verdict(FORGED[name](counter, good).to_bytes())

    assert isinstance(verdict, Rejected)
    assert "receipt.invalid" == verdict.code
    assert 1 == len(verdict.reasons)


@pytest.mark.parametrize("member", ["schema", "request", "confirmation", "events"])
def test_myd_07_a_receipt_lacks_nothing(counter, good, member):
    """MYD-07: Each half is there, and nothing besides."""
    found = good.to_json()
    for spoilt in (
        {name: value for name, value in found.items() if name != member},
        found | {member: None},
        found | {member: [] if member == "events" else ""},
        found | {"more": 1},
    ):
        assert "receipt.invalid" == counter.verdict(jose.to_json(spoilt)).code


def test_myd_07_each_member_of_the_request_is_signed(counter, good):
    """MYD-07: Whatever is changed of what was asked, one of the halves does not fit."""
    for member in good.to_json()["request"]:
        found = good.to_json()
        value = found["request"][member]
        found["request"][member] = value + 1 if isinstance(value, int) else "x"
        assert "receipt.invalid" == counter.verdict(jose.to_json(found)).code, member


@pytest.mark.parametrize("raw", [b"", b"[]", b"{", b'{"schema":"ewallet.receipt/1"}', b"\xff"])
def test_what_is_no_receipt_is_none(counter, raw):
    """Whatever else it is."""
    assert "receipt.invalid" == counter.verdict(raw).code


def test_certificates_are_judged_as_of_the_day(counter, good):
    """Years later the certificates are over, and the receipt is what it was; only our own list has to be in force."""
    at = counter.kit.clock.now() + timedelta(days=3650)
    trust = replace(counter.trust, since=at - timedelta(days=1), until=at + timedelta(days=1))

    assert isinstance(receipt.verify(good.to_bytes(), trust, counter.catalog, at=at), Accepted)
    late = receipt.verify(good.to_bytes(), counter.trust, counter.catalog, at=at)
    assert (Rejected, "trust.list_invalid") == (type(late), late.code)


def test_where_nothing_can_confirm_there_is_no_answer():
    """An mdoc confirms no transaction; nothing leaves, no copy is spent."""
    only = Counter.__new__(Counter)
    with pytest.raises(PolicyError) as refused:
        Counter.__init__(only, formats=("mso_mdoc",))
    assert "policy.transaction_data" == refused.value.code
    assert () == only.kit.wallet.history()
    for call in (FORMATS["mso_mdoc"].confirmation, FORMATS["mso_mdoc"].open_confirmation):
        assert "policy.transaction_data" == _code(call, "x")


def test_a_receipt_needs_a_consent(counter):
    """A request without one is answered without a receipt."""
    request = counter.kit.verifier.ask(counter.kit.query("income_amount_certificate", ["name"]), purpose=PURPOSE)
    with pytest.raises(UsageError) as refused:
        Receipt.make(request, {}, counter.kit.pki.verifier, id_="r", at=counter.kit.clock.now())
    assert "usage.argument" == refused.value.code
