"""The portal as a service: a bank asks, a person consents with the wallet, the bank downloads, and what is refused."""

from __future__ import annotations

import json
import logging
import re
from datetime import timedelta
from html import unescape

import pytest

from ewallet.consent import TRANSACTION
from ewallet.errors import ConsentError, ProtocolError
from ewallet.flow import Request
from ewallet.history import Believed, Entry, Inclusion, Log, Logged, key_of
from ewallet.history.tiles import tiles
from ewallet.jose import to_json
from ewallet.keys import SigningKey
from ewallet.package import Receiving
from ewallet.receipt import Receipt
from ewallet.shape import json_object
from ewallet.testing.stores import MemoryVerifierStore
from ewallet.transactions import KNOWN
from ewallet.verdict import Accepted
from ewallet.verifier import Verifier

ISSUER = "https://issuer.example.go.kr"
HTML = {"accept": "text/html"}
ORIGIN = "issuer.example.go.kr/mydata/log"


def _believed(portal):
    key = SigningKey.load(portal.site.service.settings.data / "issuer" / "log.key")
    return Believed(log=(key_of(ORIGIN, key.public),))


def _judged(portal, package):
    """What the bank makes of a package."""
    receiving = Receiving(
        recipient=portal.bank.recipient.id,
        key=portal.bank.key.public.thumbprint,
        believed=_believed(portal),
        catalog=portal.site.service.issuer.catalog,
    )
    trust = portal.wallet._trust
    verifier = Verifier(
        "bank.example", trust=trust, store=MemoryVerifierStore(), send=portal.site.send, env=portal.site.service.env
    )
    return verifier.verify_package(package.to_bytes(), receiving)


def _status(portal, method, path, **said):
    return portal.site.browser.request(method, path, headers=HTML, follow_redirects=False, **said).status_code


def _refused(call, *arguments):
    with pytest.raises(ProtocolError) as refused:
        call(*arguments)
    assert "request.invalid" == refused.value.code
    return refused.value.status, refused.value.error


def _hidden(page):
    return dict(re.findall(r'<input type="hidden" name="(client_id|request_uri)" value="([^"]+)"', page))


# -- the whole road ----------------------------------------------------------------------------------------------


def test_a_bank_downloads_what_a_person_consented_to(portal):
    """Pushed, chosen, signed with the wallet, a code, a token, the package, believed; a lost answer is given again."""
    granted = portal.granted()
    package = portal.client.package(granted)
    assert granted.consent_id == package.consent.id
    assert isinstance(_judged(portal, package), Accepted)
    assert package.to_bytes() == portal.client.package(granted).to_bytes()


def test_what_is_read_is_what_is_signed(portal):
    """MYD-15: the text on the page, in the wallet and in the record are the same bytes."""
    portal.site.sign_in()
    portal.hold()
    page = portal.site.page(portal.chosen(portal.asked()))
    (shown,) = re.findall(r'<pre class="words" id="text"[^>]*>\n(.*?)</pre>', page, re.DOTALL)
    (link,) = re.findall(r'<a class="button" href="(openid4vp:[^"]+)"', page)
    (asked,) = portal.wallet.open(unescape(link)).transaction_data
    assert TRANSACTION == asked.type
    assert asked.fields["text"].encode() == unescape(shown).encode()


def test_optional_items_are_unticked_and_leaving_them_blocks_nothing(portal):
    """MYD-15: nothing is chosen beforehand, and what is not chosen is in neither consent nor package."""
    portal.site.sign_in()
    page = portal.site.page(portal.asked().url.removeprefix(ISSUER))
    boxes = re.findall(r'<input type="checkbox" name="chosen" value="([^"]+)"([^>]*)>', page)
    assert [("resident_register_copy", ""), ("health_insurance_payment_confirmation", "")] == boxes
    without = portal.client.package(portal.granted()).consent
    assert "resident_register_copy" not in {item.type_id for item in without.items}


def test_what_is_ticked_is_in_the_consent(portal):
    """And in the package, if there is a record of it."""
    package = portal.client.package(portal.granted("bank_personal_loan", "resident_register_copy"))
    assert "resident_register_copy" in {item.type_id for item in package.consent.items}


def test_what_proves_a_consent_is_a_receipt_of_both_halves(portal):
    """The wallet has the portal's half, the portal has both, and either convinces somebody else."""
    granted = portal.granted()
    desk = portal.site.desk
    (given,) = desk.mydata.consents("hong")
    receipt = Receipt.parse(given.evidence)
    receipt.check(portal.wallet._trust, portal.site.service.issuer.catalog)
    assert granted.consent_id == receipt.consent.id
    assert f"{ISSUER}/my/consents" == receipt.withdrawal


def test_who_says_no_is_led_back_with_that(portal):
    """Before the text as on it: the bank learns ``access_denied`` and nothing else."""
    portal.site.sign_in()
    asking = portal.asked()
    hidden = re.findall(
        r'<input type="hidden" name="(client_id|request_uri)" value="([^"]+)"',
        portal.site.page(asking.url.removeprefix(ISSUER)),
    )
    page = portal.site.page("/mydata/refuse", **dict(hidden))
    (back,) = re.findall(r'<a class="button" href="(https://bank[^"]+)"', page)
    assert (403, "access_denied") == _refused(portal.client.token, asking, unescape(back))
    assert 400 == _status(portal, "GET", asking.url.removeprefix(ISSUER))


def test_who_is_not_signed_in_is_asked_for_consent_after_signing_in(portal):
    """The request waits in the form, and leads to no other address than ours."""
    asking = portal.asked()
    page = portal.site.page(asking.url.removeprefix(ISSUER))
    hidden = dict(re.findall(r'<input type="hidden" name="(client_id|request_uri)" value="([^"]+)"', page))
    said = {"citizen": "hong", **hidden}
    answer = portal.site.browser.post("/sign-in", data=said, headers=HTML, follow_redirects=False)
    assert answer.headers["location"].startswith("/mydata/authorize?client_id=bank.example&request_uri=")
    evil = portal.site.browser.post(
        "/sign-in", data={"citizen": "hong", "request_uri": "//evil.example"}, headers=HTML, follow_redirects=False
    )
    assert evil.headers["location"].startswith("/mydata/authorize?")


# -- whose wallet ------------------------------------------------------------------------------------------------


def test_another_persons_wallet_gives_no_consent(portal):
    """Who is signed in and who shows the identity are one person, or nothing is given."""
    portal.site.sign_in("hong")
    portal.hold("seong")
    address = portal.chosen(portal.asked())
    portal.confirm(address)
    page = portal.site.page(address, csrf=portal.site.csrf)
    assert "다릅니다" in page
    assert 403 == _status(portal, "GET", f"{address}/return")
    assert () == portal.site.desk.mydata.consents("hong")


def test_nothing_is_given_before_the_wallet_has_confirmed(portal):
    """The page says so and waits on; the way back is closed."""
    portal.site.sign_in()
    portal.hold()
    address = portal.chosen(portal.asked())
    assert "아직 지갑의 답이 오지 않았습니다" in portal.site.page(address, csrf=portal.site.csrf)
    assert 403 == _status(portal, "GET", f"{address}/return")


def test_a_code_is_made_once_for_a_consent(portal):
    """Whoever goes back and forth is led back with the same one, and with none when somebody has shown it."""
    portal.site.sign_in()
    portal.hold()
    asking = portal.asked()
    address = portal.chosen(asking)
    portal.confirm(address)
    back = portal.back(address)
    assert back == portal.back(address)
    portal.client.token(asking, back)
    assert 400 == _status(portal, "GET", f"{address}/return")


def test_who_says_no_after_signing_has_consented_to_nothing(portal):
    """The wallet has confirmed, and then the person refuses: going on leads nowhere, and nothing is on record."""
    portal.site.sign_in()
    portal.hold()
    asking = portal.asked()
    address = portal.chosen(asking)
    portal.confirm(address)
    portal.site.page("/mydata/refuse", **_hidden(portal.site.page(address)))
    assert f'href="{address}/return"' not in portal.site.page(address, csrf=portal.site.csrf)
    assert 403 == _status(portal, "GET", f"{address}/return")
    assert () == portal.site.desk.mydata.consents("hong")


def test_who_has_said_yes_withdraws(portal):
    """On a page that is still open nobody says no to what is on record: the recipient would be told so."""
    portal.site.sign_in()
    portal.hold()
    asking = portal.asked()
    address = portal.chosen(asking)
    portal.confirm(address)
    said = {"csrf": portal.site.csrf, **_hidden(portal.site.page(address))}
    back = portal.back(address)
    assert 400 == _status(portal, "POST", "/mydata/refuse", data=said)
    assert portal.client.token(asking, back).consent_id == portal.site.desk.mydata.consents("hong")[0].consent.id


def test_what_is_kept_of_an_answer_opens_with_nothing_on_record(portal):
    """Not with the identifiers of consents, exchanges or requests that databases have in the clear."""
    granted = portal.granted()
    desk = portal.site.desk
    (given,) = desk.mydata.consents("hong")
    event = Entry.read(given.logged.entry).event
    signed = Receipt.parse(given.evidence)
    for known in (granted.consent_id, event.object, event.subject, event.consent, signed.id, signed.request.nonce):
        assert desk.portal.steps.see("receipt", known) is None


def test_what_proves_a_consent_was_signed_by_whoever_gave_it(portal):
    """Two wallets answer at once, and the other one comes between: what it signed is not taken for the person's."""
    portal.site.sign_in()
    portal.hold("hong")
    address = portal.chosen(portal.asked())
    proposal = portal.site.desk.agreement.proposal(address.rpartition("/")[2], "hong")
    portal.confirm(address)
    steps = portal.site.desk.portal.steps
    kept = json_object(steps.see("receipt", proposal.receipt))
    (shown,) = kept["shown"].values()
    shown["name"] = "somebody else"
    steps.begin("receipt", to_json(kept), life=timedelta(minutes=1), secret=proposal.receipt)
    with pytest.raises(ConsentError) as refused:
        portal.site.desk.agreement.state(proposal)
    assert "consent.authority" == refused.value.code
    assert () == portal.site.desk.mydata.consents("hong")


# -- what others may not -----------------------------------------------------------------------------------------


def test_a_proposal_is_for_the_person_it_was_made_to(portal, caplog):
    """MYD-06: to anybody else it is not there, at each of its addresses, and the attempt is logged without a name."""
    portal.site.sign_in()
    address = portal.chosen(portal.asked())
    portal.site.sign_in("seong")
    with caplog.at_level(logging.WARNING, "ewallet"):
        found = [_status(portal, "GET", f"{address}{end}") for end in ("", ".svg", "/return")]
        found.append(_status(portal, "POST", address, data={"csrf": portal.site.csrf}))
    assert [404] * 4 == found
    assert 4 == sum("somebody it was not proposed to" in record.message for record in caplog.records)
    assert not [record for record in caplog.records if "hong" in record.message or "seong" in record.message]


def test_a_consent_is_withdrawn_by_whoever_gave_it(portal):
    """MYD-06: to anybody else it is not there, and it stays in force."""
    granted = portal.granted()
    portal.site.sign_in("seong")
    portal.site.page("/my/data")
    said = {"csrf": portal.site.csrf}
    assert 404 == _status(portal, "POST", f"/my/consents/{granted.consent_id}/withdraw", data=said)
    assert 404 == _status(portal, "POST", "/my/recipients/stop", data={**said, "recipient": "bank.example"})
    assert granted.consent_id == portal.client.package(granted).consent.id


POSTS = [
    "/mydata/authorize",
    "/mydata/refuse",
    "/mydata/proposals/x",
    "/my/consents/x/withdraw",
    "/my/recipients/stop",
    "/my/data/export",
    "/my/data/erase",
]


@pytest.mark.parametrize("path", POSTS)
def test_a_form_of_another_page_does_nothing(portal, path):
    """WEB-03: without our token, with another's, or sent by another site."""
    portal.site.sign_in()
    portal.site.page("/my/data")
    said = {"sure": "on", "format": "json"}
    assert 403 == _status(portal, "POST", path, data=said)
    assert 403 == _status(portal, "POST", path, data={**said, "csrf": "x" * 43})
    evil = {**HTML, "origin": "https://evil.example"}
    answer = portal.site.browser.post(path, data={**said, "csrf": portal.site.csrf}, headers=evil)
    assert 403 == answer.status_code


@pytest.mark.parametrize("path", ["/my/consents", "/my/notices", "/my/history", "/my/data", "/mydata/proposals/x"])
def test_who_is_not_signed_in_sees_nothing(portal, path):
    """They are led to the page on which one signs in."""
    answer = portal.site.browser.get(path, headers=HTML, follow_redirects=False)
    assert (303, "/") == (answer.status_code, answer.headers["location"])


def test_a_program_is_told_what_was_wrong_as_oauth_tells_it(portal):
    """Not as a page: status, error, and nothing of what was sent."""
    answer = portal.site.send(Request("POST", f"{ISSUER}/mydata/par", {"content-type": "text/plain"}, b"secret-value"))
    assert (400, "invalid_request") == (answer.status, json.loads(answer.body)["error"])
    answer = portal.site.send(Request("GET", f"{ISSUER}/mydata/packages"))
    assert (401, "invalid_token") == (answer.status, json.loads(answer.body)["error"])
    assert answer.headers["www-authenticate"].startswith("DPoP") or "Bearer" in answer.headers["www-authenticate"]


# -- afterwards --------------------------------------------------------------------------------------------------


def test_withdrawal_stops_the_next_download_and_revokes_the_last(portal):
    """MYD-01, MYD-13: 403, not one byte of data, and what was handed over is not believed any more."""
    granted = portal.granted()
    package = portal.client.package(granted)
    portal.site.page("/my/consents")
    portal.site.page(f"/my/consents/{granted.consent_id}/withdraw", csrf=portal.site.csrf)
    assert (403, "consent.withdrawn") == _refused(portal.client.package, granted)
    assert "status.revoked" == _judged(portal, package).code
    assert "철회함" in portal.site.page("/my/consents")


def test_stopping_a_recipient_ends_all_that_it_may_have(portal):
    """Nothing more, but what was provided stays good."""
    granted = portal.granted()
    portal.site.page("/my/consents")
    portal.site.page("/my/recipients/stop", csrf=portal.site.csrf, recipient="bank.example")
    assert (403, "consent.withdrawn") == _refused(portal.client.package, granted)


def test_every_look_leaves_a_notice_with_five_fields(portal):
    """Who is concerned, who looked, what for, at what, when; the refused attempt is in the history."""
    granted = portal.granted()
    portal.client.package(granted)
    page = portal.site.page("/my/notices")
    fields = dict(re.findall(r"<dt>([^<]+)</dt><dd>(.*?)</dd>", page))
    assert ["민원인", "조회기관", "목적", "정보", "일시"] == list(fields)
    assert ("가상은행", True) == (fields["조회기관"], fields["일시"].startswith("2026. 11. 21."))


def test_the_history_has_a_proof_for_each_entry(portal):
    """Each convinces somebody who has nothing but the page and the key of the log."""
    granted = portal.granted()
    portal.client.package(granted)
    page = portal.site.page("/my/history")
    proofs = [unescape(found) for found in re.findall(r'<pre class="words"[^>]*>(.*?)</pre>', page, re.DOTALL)]
    believed = _believed(portal)
    entries = [Logged.read(proof.encode()).check(believed)[0] for proof in proofs]
    assert ["package.downloaded", "consent.given"] == [entry.event.type for entry in entries]
    (checkpoint,) = re.findall(r"<textarea[^>]*>\n(.*?)</textarea>", page, re.DOTALL)
    assert checkpoint in unescape(json.loads(proofs[0])["checkpoint"])


def test_own_data_is_downloaded_as_a_file(portal):
    """JSON, CSV and PDF, under a name that is ours; no other format."""
    portal.site.sign_in()
    portal.site.page("/my/data")
    for kind in ("json", "csv", "pdf"):
        said = {"csrf": portal.site.csrf, "format": kind}
        answer = portal.site.browser.post("/my/data/export", data=said, headers=HTML)
        assert 200 == answer.status_code
        assert f"filename=mydata-2026-11-21.{kind};" in answer.headers["content-disposition"]
    assert 404 == _status(portal, "POST", "/my/data/export", data={"csrf": portal.site.csrf, "format": "../x"})


def test_data_is_deleted_when_one_is_sure(portal):
    """MYD-11: not without the tick; then nothing is there, and the answer says until when backups have it."""
    granted = portal.granted()
    portal.site.page("/my/data")
    assert 400 == _status(portal, "POST", "/my/data/erase", data={"csrf": portal.site.csrf})
    page = portal.site.page("/my/data/erase", csrf=portal.site.csrf, sure="on")
    assert "2026-11-29" in page
    assert (403, "consent.required") == _refused(portal.client.package, granted)
    assert "동의한 적이 없습니다" in portal.site.page("/my/consents")


def test_a_page_that_is_opened_again_after_a_deletion_gives_nothing_again(portal):
    """Not by going on once more, nor by the way back: the token that the bank has gets nothing any more."""
    portal.site.sign_in()
    portal.hold()
    asking = portal.asked()
    address = portal.chosen(asking)
    portal.confirm(address)
    granted = portal.client.token(asking, portal.back(address))
    portal.site.page("/my/data")
    portal.site.page("/my/data/erase", csrf=portal.site.csrf, sure="on")
    portal.site.page(address, csrf=portal.site.csrf)
    _status(portal, "GET", f"{address}/return")
    assert () == portal.site.desk.mydata.consents("hong")
    assert (403, "consent.required") == _refused(portal.client.package, granted)


# -- the log, to anybody -----------------------------------------------------------------------------------------


def test_anybody_may_check_the_log(portal):
    """Checkpoint, inclusion, consistency and tiles by address; no entry is published, for it is somebody's."""
    first = portal.site.browser.get("/mydata/log/checkpoint").content
    portal.client.package(portal.granted())
    log: Log = portal.site.desk.log
    proof = Inclusion.of_json(portal.site.browser.get("/mydata/log/inclusion/1").json())
    assert 2 == proof.check(log.store.entries(1, 1)[0], _believed(portal)).head.size
    assert b"\n0\n" in first
    found = portal.site.browser.get("/mydata/log/consistency?old=1&size=2").json()
    assert 1 == len(found["path"])
    (tile,) = tiles(2)
    assert tile.hashes(log) == portal.site.browser.get(f"/mydata/log/{tile.path}").content


@pytest.mark.parametrize(
    "path",
    [
        "inclusion/0",
        "inclusion/-1",
        "inclusion/99999999999999999999",
        "consistency?old=1&size=9",
        "tile/0/000.p/9",
        "tile/0/000",
        "tile/9/000",
        "tile/0/x000/000.p/1",
        "tile/0/0",
        "tile/0/../checkpoint",
    ],
)
def test_what_the_log_does_not_have_is_not_found(portal, path):
    """Whatever number is tried."""
    assert 404 == portal.site.browser.get(f"/mydata/log/{path}").status_code


def test_metadata_is_where_the_identifier_says(portal):
    """RFC 8414 §3.1: the well-known part between host and path."""
    found = portal.site.browser.get("/.well-known/oauth-authorization-server/mydata").json()
    assert (f"{ISSUER}/mydata", f"{ISSUER}/mydata/par") == (
        found["issuer"],
        found["pushed_authorization_request_endpoint"],
    )


def test_a_service_without_registrations_is_no_portal(site):
    """None of the addresses is there, and no page names them."""
    site.sign_in()
    assert "/my/consents" not in site.page("/")
    for path in ("/mydata/log/checkpoint", "/my/consents", "/.well-known/oauth-authorization-server/mydata"):
        assert 404 == site.browser.get(path).status_code


def test_a_wallet_that_knows_no_consents_confirms_none():
    """The transaction is one that wallets of ours show in full."""
    assert {"text", "record"} == KNOWN[TRANSACTION]


def test_a_text_in_english_says_where_it_is_korean_and_stays_the_same(portal):
    """The name of a law has no English one; what is signed has no marks in it."""
    portal.site.sign_in()
    portal.hold()
    page = portal.site.page(portal.chosen(portal.client.ask("bank_personal_loan", days=30, lang="en")))
    (shown,) = re.findall(r'<pre class="words" id="text" lang="en"[^>]*>\n(.*?)</pre>', page, re.DOTALL)
    (link,) = re.findall(r'<a class="button" href="(openid4vp:[^"]+)"', page)
    (asked,) = portal.wallet.open(unescape(link)).transaction_data
    assert '<span lang="ko">전자정부법 제43조의2</span>' in shown
    assert asked.fields["text"] == unescape(re.sub(r"</?span[^>]*>", "", shown))
