"""A holder and a reader at close range: what is asked, what is answered, and how a session ends."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from ewallet.dcql import Query
from ewallet.errors import EWalletError, QueryError
from ewallet.formats.document import Mdoc
from ewallet.keys import SigningKey
from ewallet.oid4vp.request import client_id
from ewallet.proximity import Answered, Declined
from ewallet.proximity.session import SessionData
from ewallet.shape import cbor, to_cbor
from ewallet.testing.kit import PURPOSE
from ewallet.testing.pki import certified, issue_certificate, private_key
from ewallet.testing.proximity import Encounter
from ewallet.verdict import Accepted, Rejected

KIND = "mobile_driver_license"
ASKED = ["not_juvenile"]


@pytest.fixture
def kit(ewallet_kit):
    """A kit whose wallet holds a driver's licence as an mdoc, in three copies."""
    ewallet_kit.issue(KIND, format_id="mso_mdoc", copies=3)
    return ewallet_kit


@pytest.fixture
def meeting(kit):
    """Its wallet and verifier, met and not yet talking."""
    return Encounter.of(kit)


@pytest.fixture
def query(kit):
    """A shop's question."""
    return kit.query(KIND, ASKED)


def _refused(receive, message, **at):
    with pytest.raises(EWalletError) as caught:
        receive(message, **at)
    return caught.value.code


def _status(farewell):
    return cbor(farewell)["status"]


# -- what is asked and answered --------------------------------------------------------------------------------


def test_a_shop_learns_one_yes_and_nothing_else(meeting, query):
    """One element was asked for, one leaves the wallet, and the verdict reports one."""
    answered = meeting.show(query)
    assert isinstance(answered, Answered)
    ((presentation,),) = answered.token.values()
    shown = Mdoc.parse(presentation).check_disclosures().shown
    verdict = meeting.judge(answered)

    assert ["not_juvenile"] == [element for _, element in shown]
    assert isinstance(verdict, Accepted)
    assert {KIND: {"not_juvenile": True}} == verdict.claims


def test_the_holder_sees_who_asks_and_why(meeting, query):
    """The name comes from the certificate that signed this very session."""
    asked = meeting.asked(query)

    assert ("Example verifier signer", PURPOSE, None) == (
        asked.request.verifier_name,
        asked.request.purpose,
        asked.doubt,
    )
    assert client_id(meeting.kit.pki.verifier) == asked.request.client_id


def test_the_history_says_what_left_and_for_whom(meeting, query):
    """As for any other presentation."""
    meeting.show(query)

    (shown,) = meeting.kit.wallet.history()
    assert (client_id(meeting.kit.pki.verifier), PURPOSE, 1) == (shown.audience, shown.purpose, len(shown.paths))


def test_what_the_reader_keeps_is_told(meeting, query):
    """Intent to retain arrives with each element."""
    (mdoc,) = [each for each in query.credentials if each.format == "mso_mdoc"]
    kept = Query((replace(mdoc, claims=tuple(replace(claim, intent_to_retain=True) for claim in mdoc.claims)),))

    (read,) = meeting.asked(kept).request.query.credentials

    assert [True] == [claim.intent_to_retain for claim in read.claims]


def test_a_bank_gets_name_birth_date_and_portrait(meeting, kit):
    """Three elements, of which one is a picture."""
    verdict = meeting.judge(meeting.show(kit.query(KIND, ["name", "birth_date", "portrait"])))

    assert isinstance(verdict, Accepted)
    assert {"name", "birth_date", "portrait"} == verdict.claims[KIND].keys()


def test_two_documents_are_one_answer(kit):
    """Each is judged on its own rungs, and the verdict names both."""
    other = "mobile_resident_card"
    kit.issue(other, format_id="mso_mdoc")
    both = Query(tuple(each for id_ in (KIND, other) for each in _mdocs(kit.query(id_, ASKED))))
    meeting = Encounter.of(kit)

    verdict = meeting.judge(meeting.show(both))

    assert isinstance(verdict, Accepted)
    assert {KIND: {"not_juvenile": True}, other: {"not_juvenile": True}} == verdict.claims


def _mdocs(query):
    return [replace(each, id=each.name) for each in query.credentials if each.format == "mso_mdoc"]


def test_a_second_question_gets_a_second_copy(meeting, query):
    """A session may go on; what was shown once is not shown again."""
    verdicts = [meeting.judge(meeting.show(query)) for _ in range(2)]

    assert [Accepted, Accepted] == [type(verdict) for verdict in verdicts]
    assert [1] == [document.copies_left for document in meeting.kit.wallet.documents()]


def test_an_answer_is_judged_once(meeting, query):
    """The same bytes taken to the verifier again are a replay."""
    answered = meeting.show(query)
    meeting.judge(answered)

    assert "replay.response_used" == meeting.judge(answered).code


def test_an_answer_of_another_session_is_not_the_holders(kit, query):
    """What one reader got cannot be shown to another: the device signed for its session."""
    first, second = Encounter.of(kit), Encounter.of(kit)
    answered = first.show(query)
    second.asked(query)
    assert isinstance(answered, Answered)

    verdict = kit.verifier.verify(answered.token, second.reader.request)

    assert isinstance(verdict, Rejected)
    assert "mdoc.device_auth" == verdict.code


def test_an_answer_that_comes_late_is_not_accepted(meeting, query):
    """A request stands for five minutes."""
    answered = meeting.show(query)
    meeting.kit.clock.advance(timedelta(minutes=5))

    assert "kb.nonce" == meeting.judge(answered).code


def test_more_than_was_asked_is_refused(meeting, kit, query):
    """A wallet that shows more than the reader wanted to know shows it in vain."""
    asked = meeting.asked(query)
    much = kit.query(KIND, ["not_juvenile", "name"])
    (mdoc,) = _mdocs(much)
    request = replace(asked.request, query=Query((mdoc,)))
    message = meeting.holder.answer(kit.wallet.present(request, kit.wallet.match(request.query)))

    assert "dcql.extra_claims" == meeting.judge(meeting.reader.receive(message)).code


def test_a_document_that_was_not_asked_for_is_refused(meeting, kit, query):
    """The verifier says so, on the first rung."""
    kit.issue("mobile_resident_card", format_id="mso_mdoc")
    asked = meeting.asked(query)
    (mdoc,) = _mdocs(kit.query("mobile_resident_card", ASKED))
    request = replace(asked.request, query=Query((mdoc,)))
    message = meeting.holder.answer(kit.wallet.present(request, kit.wallet.match(request.query)))

    assert "malformed.vp_token" == meeting.judge(meeting.reader.receive(message)).code


@pytest.mark.parametrize(
    ("response", "code"),
    [
        (b"\xff", "malformed.cbor"),
        (to_cbor({"version": "1.0", "status": 10}), "malformed.mdoc"),
        (to_cbor({"version": "1.0", "documents": [{}], "status": 0}), "malformed.mdoc"),
        (to_cbor([]), "malformed.mdoc"),
    ],
)
def test_an_answer_that_is_none_is_rejected_as_such(meeting, query, response, code):
    """It decrypts, so it is judged, and fails on the first rung."""
    meeting.asked(query)
    message = SessionData(meeting.holder._ciphers.device.seal(response)).to_bytes()

    assert code == meeting.judge(meeting.reader.receive(message)).code


def test_a_refusal_returns_nothing_and_ends_the_session(meeting, query):
    """Whoever declines says neither why nor whether there is anything to show."""
    meeting.asked(query)

    assert Declined() == meeting.reader.receive(meeting.holder.decline())
    assert (True, True) == (meeting.holder.over, meeting.reader.over)


def test_what_the_wallet_does_not_hold_is_not_answered(kit):
    """The wallet answers the whole question or nothing of it."""
    meeting = Encounter.of(kit)
    asked = meeting.asked(kit.query("mobile_veteran_card", ASKED))

    with pytest.raises(QueryError) as caught:
        kit.wallet.match(asked.request.query)

    assert "dcql.unsatisfied" == caught.value.code


# -- who asks --------------------------------------------------------------------------------------------------


def test_a_reader_without_a_signature_has_no_name(kit, query):
    """And another identifier in each session, so that no copy is shown twice."""
    asked = [Encounter.of(kit, signed=False).asked(query) for _ in range(2)]

    assert ["", ""] == [each.request.verifier_name for each in asked]
    assert asked[0].request.client_id != asked[1].request.client_id


def test_a_reader_that_nobody_vouches_for_has_no_name(kit, query):
    """The holder is told that the list does not know it."""
    profile = kit.pki.profile("verifier", subject="Reader of nobody")
    key = SigningKey.generate()
    stranger = certified(key, issue_certificate(profile, private_key(key).public_key(), by=key))

    asked = Encounter.of(kit, signer=stranger).asked(query)

    assert ("", "request.untrusted_verifier") == (asked.request.verifier_name, asked.doubt)


def test_a_document_signer_is_no_reader(kit, query):
    """Trusted for one purpose is not trusted for another."""
    asked = Encounter.of(kit, signer=kit.pki.signers["resident"]).asked(query)

    assert ("", "request.untrusted_verifier") == (asked.request.verifier_name, asked.doubt)


def test_a_signature_for_another_session_ends_the_session(kit, query):
    """A captured request cannot be played to another device under the name of its reader."""
    captured, meeting = Encounter.of(kit), Encounter.of(kit)
    other = captured.reader._ciphers.transcript
    meeting.reader._ciphers = replace(meeting.reader._ciphers, transcript=other)
    message = meeting.question(query)

    assert "request.signature_invalid" == _refused(meeting.hear, message)
    assert (True, 20) == (meeting.holder.over, _status(meeting.holder.farewell))


def test_a_list_that_is_not_in_force_names_nobody(meeting, query):
    """It is our own list that is at fault: nothing is asked of the person."""
    message = meeting.question(query)
    late = meeting.kit.clock.now() + timedelta(days=400)

    assert "trust.list_invalid" == _refused(meeting.holder.receive, message, at=late)
