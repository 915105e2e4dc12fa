"""A session at close range: every message in its order and direction, once, and none after the end."""

from __future__ import annotations

import pytest

from ewallet.errors import CryptoError, EWalletError, Malformed, ProtocolError, UsageError
from ewallet.keys import SigningKey
from ewallet.proximity import Answered, Asked, Ended, Engagement, Holder, Reader
from ewallet.proximity.session import MAX_EXCHANGES, MAX_MESSAGE, SessionData
from ewallet.shape import cbor, to_cbor
from ewallet.testing.proximity import Encounter
from ewallet.verdict import Accepted

KIND = "mobile_driver_license"
ASKED = ["not_juvenile"]


@pytest.fixture
def kit(ewallet_kit):
    """A kit whose wallet holds a driver's licence as an mdoc, in two copies."""
    ewallet_kit.issue(KIND, format_id="mso_mdoc", copies=2)
    return ewallet_kit


@pytest.fixture
def meeting(kit):
    """Its wallet and verifier, met and not yet talking."""
    return Encounter.of(kit)


@pytest.fixture
def query(kit):
    """A shop's question."""
    return kit.query(KIND, ASKED)


def _refused(receive, message):
    with pytest.raises(EWalletError) as caught:
        receive(message)
    return caught.value.code


def _status(farewell):
    return cbor(farewell)["status"]


# -- order, replay, direction, end -----------------------------------------------------------------------------


def test_a_request_that_is_played_again_ends_the_session(meeting, query):
    """A session is established once."""
    message = meeting.question(query)
    meeting.reply(meeting.hear(message))

    assert "session.unexpected" == _refused(meeting.hear, message)


def test_a_second_request_before_the_answer_ends_the_session(meeting, query):
    """Whoever cannot wait is not answered at all."""
    message = meeting.question(query)
    meeting.hear(message)

    assert "session.unexpected" == _refused(meeting.hear, message)
    with pytest.raises(ProtocolError) as caught:
        meeting.holder.answer({})
    assert "session.ended" == caught.value.code


def test_a_message_before_the_session_is_established_is_not_due(meeting):
    """There is no key to open it with."""
    assert "session.unexpected" == _refused(meeting.hear, SessionData(bytes(32)).to_bytes())


def test_a_later_request_that_is_played_again_is_not_opened(meeting, query):
    """The counter has moved on."""
    meeting.show(query)
    message = meeting.question(query)
    meeting.reply(meeting.hear(message))

    assert "crypto.decrypt_failed" == _refused(meeting.hear, message)
    assert 10 == _status(meeting.holder.farewell)


def test_a_message_that_was_left_out_is_noticed(meeting, query):
    """The one after it does not open."""
    meeting.asked(query)
    seal = meeting.holder._ciphers.device.seal
    seal(b"lost")

    assert "crypto.decrypt_failed" == _refused(meeting.reader.receive, SessionData(seal(b"next")).to_bytes())


def test_a_message_of_ones_own_is_not_opened(meeting, query):
    """What is sent back unchanged was sealed for the other direction."""
    message = cbor(meeting.question(query))

    assert "crypto.decrypt_failed" == _refused(meeting.reader.receive, SessionData(message["data"]).to_bytes())


def test_an_answer_that_is_played_again_is_not_due(meeting, query):
    """Each answer belongs to one question."""
    message = meeting.reply(meeting.asked(query))
    meeting.reader.receive(message)

    assert "session.unexpected" == _refused(meeting.reader.receive, message)


def test_an_answer_that_is_played_again_to_a_second_question_is_not_opened(meeting, query):
    """The counter has moved on."""
    message = meeting.reply(meeting.asked(query))
    meeting.reader.receive(message)
    meeting.question(query)

    assert "crypto.decrypt_failed" == _refused(meeting.reader.receive, message)


def test_a_device_does_not_establish_sessions(meeting, query):
    """The reader's own first message, sent back."""
    assert "session.unexpected" == _refused(meeting.reader.receive, meeting.question(query))


@pytest.mark.parametrize("length", [0, 1, 15, 16, 40])
def test_a_message_that_is_cut_off_is_not_opened(meeting, query, length):
    """Shorter than a tag, or with the end of another one."""
    data = cbor(meeting.reply(meeting.asked(query)))["data"]

    assert "crypto.decrypt_failed" == _refused(meeting.reader.receive, SessionData(data[:length]).to_bytes())


def test_a_third_device_cannot_answer(kit, query):
    """It saw the code, but does not have the key behind it."""
    meeting, other = Encounter.of(kit), Encounter.of(kit)
    meeting.question(query)
    message = other.reply(other.asked(query))

    assert "crypto.decrypt_failed" == _refused(meeting.reader.receive, message)


@pytest.mark.parametrize("status", [10, 11, 0, 99, -1])
def test_a_peer_that_could_not_read_us_ends_the_session(meeting, query, status):
    """With no farewell: it has gone."""
    meeting.question(query)

    assert "session.refused" == _refused(meeting.reader.receive, SessionData(status=status).to_bytes())
    assert (True, None) == (meeting.reader.over, meeting.reader.farewell)


def test_after_the_end_nothing_is_read_or_sent(meeting, query):
    """Whoever ended it, on both sides."""
    message = meeting.question(query)
    end = meeting.reader.end()

    assert Ended() == meeting.hear(end)
    assert "session.ended" == _refused(meeting.hear, message)
    assert "session.ended" == _refused(meeting.reader.receive, message)
    for send in (meeting.holder.end, meeting.holder.decline, meeting.reader.end, lambda: meeting.question(query)):
        with pytest.raises(ProtocolError) as caught:
            send()
        assert "session.ended" == caught.value.code


def test_a_reader_may_give_up_while_the_holder_thinks(meeting, query):
    """Nothing leaves after that."""
    asked = meeting.asked(query)
    meeting.hear(meeting.reader.end())

    with pytest.raises(ProtocolError) as caught:
        meeting.holder.answer({asked.request.query.credentials[0].id: ()})

    assert "session.ended" == caught.value.code


def test_what_is_no_cbor_is_answered_with_its_status(meeting):
    """ISO/IEC 18013-5 Table 20: 11."""
    assert "malformed.cbor" == _refused(meeting.hear, b"\xff")
    assert 11 == _status(meeting.holder.farewell)


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (bytes(MAX_MESSAGE + 1), "limit.size"),
        (to_cbor([]), "malformed.mdoc"),
        (to_cbor({}), "malformed.mdoc"),
        (to_cbor({"data": "text"}), "malformed.mdoc"),
        (to_cbor({"status": "20"}), "malformed.mdoc"),
        (to_cbor({"eReaderKey": b"", "data": b""}), "malformed.mdoc"),
        (to_cbor({"eReaderKey": b""}), "malformed.mdoc"),
    ],
)
def test_a_message_of_no_known_form_ends_the_session(kit, message, code):
    """On both sides alike."""
    holder, reader = Encounter.of(kit), Encounter.of(kit)

    assert code == _refused(holder.hear, message)
    assert code == _refused(reader.reader.receive, message)
    assert (True, True) == (holder.holder.over, reader.reader.over)


def test_a_session_has_an_end(meeting, query):
    """Sixteen questions are asked; whoever goes on is not heard."""
    meeting.holder._course.asked = MAX_EXCHANGES

    assert "limit.count" == _refused(meeting.hear, meeting.question(query))


def test_a_reader_asks_no_more_than_is_heard(meeting, query):
    """Its own limit is the same."""
    meeting.reader._course.asked = MAX_EXCHANGES

    with pytest.raises(Malformed) as caught:
        meeting.question(query)

    assert "limit.count" == caught.value.code


def test_a_key_of_another_curve_is_refused(kit):
    """The device agrees only on the curve of its own key."""
    meeting = Encounter.of(kit)
    key = SigningKey.generate("ES384")
    other = Engagement.make(key.public)
    message = Reader(other).ask(kit.query(KIND, ASKED), at=kit.clock.now())

    assert "crypto.key_invalid" == _refused(meeting.hear, message)


def test_sessions_on_another_curve_work_too(kit, query):
    """The reader follows the engagement."""
    key = SigningKey.generate("ES384")
    holder = Holder(key, Engagement.make(key.public), trust=kit.pki.trust_list())
    reader = Reader(Engagement.read(holder.engagement.text), signer=kit.pki.verifier)

    meeting = Encounter(kit=kit, holder=holder, reader=reader)

    assert isinstance(meeting.judge(meeting.show(query)), Accepted)


def test_an_engagement_with_a_key_that_agrees_with_nobody_is_refused():
    """Ed25519 signs, and nothing else."""
    engagement = Engagement.make(SigningKey.generate("EdDSA").public)

    with pytest.raises(CryptoError) as caught:
        Reader(engagement)

    assert "crypto.key_invalid" == caught.value.code


# -- being called wrongly --------------------------------------------------------------------------------------


def test_there_is_no_answer_without_a_question(meeting):
    """Nor a refusal."""
    for call in (lambda: meeting.holder.answer({}), meeting.holder.decline):
        with pytest.raises(UsageError) as caught:
            call()
        assert "usage.argument" == caught.value.code
    assert not meeting.holder.over


def test_a_reader_waits_for_the_answer(meeting, query):
    """Before it asks again."""
    meeting.question(query)

    with pytest.raises(UsageError) as caught:
        meeting.question(query)
    assert "usage.argument" == caught.value.code


def test_before_a_question_there_is_no_request(meeting):
    """Nothing to judge by."""
    with pytest.raises(UsageError) as caught:
        _ = meeting.reader.request
    assert "usage.argument" == caught.value.code


def test_an_answer_is_not_printed(meeting, query):
    """Neither tokens nor keys stand in a representation."""
    asked = meeting.asked(query)
    answered = meeting.reader.receive(meeting.reply(asked))

    assert isinstance(asked, Asked)
    assert isinstance(answered, Answered)
    assert "Answered()" == repr(answered)
    assert "transcript" not in repr(asked)
