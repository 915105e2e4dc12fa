"""The issuer's service as wallets, operators and strangers meet it on the network."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from starlette.testclient import TestClient

from ewallet.flow import Request
from ewallet.keys import SigningKey
from ewallet.oid4vci.offer import CredentialOffer, parse_link
from ewallet.shape import json_object
from ewallet.testing.caller import KIND, error, issued
from issuer_service import settings as settings_module
from issuer_service.app import create_app

ISSUER = "https://issuer.example.go.kr"
HTML = {"accept": "text/html"}


def test_a_bound_wallet_receives_through_the_web_framework(site):
    """DPoP with nonces of the server, ten copies, and the word that they arrived."""
    caller = site.caller(dpop_key=SigningKey.generate())
    token = caller.token(site.service.issuance.offer(KIND, subject="hong"))
    nonce = caller.nonce()
    received = issued(caller.credential(token, [caller.proof(nonce, SigningKey.generate()) for _ in range(10)]))
    body = json.dumps({"notification_id": received.notification_id, "event": "credential_accepted"}).encode()

    assert ("DPoP", 10) == (token.token_type, len(received.credentials))
    assert 204 == caller.post("/notification", body, caller.bearing(token, "/notification")).status


def test_repeated_headers_arrive_as_two(site):
    """VCI-22: two DPoP proofs are refused, though the framework would show one."""
    caller = site.caller(dpop_key=SigningKey.generate())
    made = site.service.issuance.offer(KIND, subject="hong")
    caller.redeem(made)
    proof = caller.form["dpop"]
    form = {"grant_type": "urn:ietf:params:oauth:grant-type:pre-authorized_code", "pre-authorized_code": "x"}
    answer = site.browser.post("/token", data=form, headers=[("dpop", proof), ("dpop", proof)])

    assert (400, "invalid_dpop_proof") == (answer.status_code, answer.json()["error"])


def test_a_token_in_the_address_is_refused(site):
    """VCI-20: it would be in logs."""
    caller = site.caller()
    token = caller.token(site.service.issuance.offer(KIND, subject="hong"))
    answer = caller.post(f"/credential?access_token={token.access_token}", b"{}", caller.bearing(token, "/credential"))

    assert (400, "invalid_request") == (answer.status, error(answer))


PROTECTED = {
    "/token": (400, "invalid_request"),
    "/credential": (401, "invalid_token"),
    "/deferred": (401, "invalid_token"),
    "/notification": (401, "invalid_token"),
}


@pytest.mark.parametrize(("path", "wanted"), PROTECTED.items(), ids=PROTECTED)
def test_wallets_get_errors_as_oauth_has_them(site, path, wanted):
    """JSON with an error, to browsers too, and nothing that caches or frames it."""
    answer = site.browser.post(path, headers=HTML)

    assert wanted == (answer.status_code, answer.json()["error"])
    assert ("no-store", "nosniff", "no-referrer") == (
        answer.headers["cache-control"],
        answer.headers["x-content-type-options"],
        answer.headers["referrer-policy"],
    )
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


def test_a_source_that_guesses_codes_is_slowed_down(site):
    """L-07: by its address, behind a proxy of ours by what that one says."""
    caller = site.caller()
    refused = [caller.redeem("made-up").status for _ in range(31)]

    assert [400] * 30 + [429] == refused
    assert "300" == caller.redeem("made-up").headers["retry-after"]


def test_a_proxy_of_ours_says_who_asks(open_site, settings):
    """And only the last word counts: what stands before it, anybody could have written."""
    site = open_site(settings | {"proxies": 1})

    def guess(told):
        form = {"grant_type": "urn:ietf:params:oauth:grant-type:pre-authorized_code", "pre-authorized_code": "x"}
        return site.browser.post("/token", data=form, headers={"x-forwarded-for": told}).status_code

    assert [400] * 30 + [429] == [guess(f"198.51.100.{number}, 192.0.2.1") for number in range(31)]
    assert 400 == guess("192.0.2.1, 192.0.2.2")


def test_a_source_that_asks_too_often_is_told_to_wait(settings):
    """L-07: whatever it asks for; as often as the settings say, and `off` is a setting too."""

    def asked(limits):
        app = create_app(settings_module.read(settings | {"limits": limits}))
        with TestClient(app, base_url=ISSUER) as browser:
            return [browser.get(path) for path in ("/healthz", "/status", "/nowhere", "/healthz")]

    found = asked("3/60")

    assert [200, 200, 404, 429] == [answer.status_code for answer in found]
    assert "limit.rate" == found[-1].json()["code"]
    assert 0 < int(found[-1].headers["retry-after"]) <= 20  # 60 s for three; less what the questions took
    assert [200, 200, 404, 200] == [answer.status_code for answer in asked("off")]


def test_addresses_come_from_the_configuration(site):
    """VCI-33, WEB-05: a Host that is not ours is refused, and forwarded ones change nothing."""
    spoofed = {"x-forwarded-host": "evil.example", "x-forwarded-proto": "http", "forwarded": "host=evil.example"}
    wrong = [
        site.browser.get("/", headers={"host": host}) for host in ("evil.example", f"{ISSUER[8:]}/x", "", "issuer")
    ]
    pages = [
        site.browser.get(path, headers=spoofed) for path in ("/.well-known/openid-credential-issuer", "/status", "/")
    ]

    assert [400] * 4 == [answer.status_code for answer in wrong]
    assert [200] * 3 == [answer.status_code for answer in pages]
    assert not any("evil" in answer.text for answer in pages)


def test_what_is_public_may_be_read_by_any_page_and_the_rest_by_none(site):
    """WEB-12: metadata and status lists, without credentials; nothing else says who may read it."""
    site.caller().credential(site.caller().token(site.service.issuance.offer(KIND, subject="hong")))
    origin = {"origin": "https://evil.example"}
    kind = site.service.issuer.catalog.type(KIND)
    public = [
        "/.well-known/openid-credential-issuer",
        "/.well-known/oauth-authorization-server",
        "/status",
        "/status/1",
        f"/types/{kind.vct}",
        f"/cards/{KIND}.ko.light.svg",
    ]
    answers = [site.browser.get(path, headers=origin) for path in public]
    private = [site.browser.get("/", headers=origin), site.browser.post("/nonce", headers=origin)]

    assert [(200, "*")] * 6 == [(a.status_code, a.headers.get("access-control-allow-origin")) for a in answers]
    assert not any("access-control-allow-credentials" in answer.headers for answer in answers)
    assert not any("access-control-allow-origin" in answer.headers for answer in private)


def test_too_much_is_not_read(site):
    """WEB-08: bodies, headers and addresses."""
    big = b"x" * ((1 << 20) + 1)
    sizes = [
        site.browser.post("/token", content=big).status_code,
        site.browser.post("/token", content=iter([big])).status_code,
        site.browser.get("/", headers={"x-long": "x" * 65_536}).status_code,
        site.browser.get("/?" + "x" * 60_000).status_code,
    ]

    assert [413, 413, 431, 414] == sizes


def test_a_part_of_a_list_cannot_be_asked_for(site):
    """WEB-07: ranges are not looked at."""
    site.caller().credential(site.caller().token(site.service.issuance.offer(KIND, subject="hong")))
    ranges = "bytes=" + ",".join(f"{n}-{n}" for n in range(1000))

    assert [200, 200] == [
        site.browser.get(path, headers={"range": ranges}).status_code for path in ("/status/1", "/static/style.css")
    ]


def test_descriptions_and_counters_are_not_for_everybody(site):
    """WEB-15: no documentation, no folders; metrics with a key."""
    closed = [
        site.browser.get(path).status_code for path in ("/docs", "/redoc", "/openapi.json", "/static/", "/metrics")
    ]

    assert [404, 404, 404, 404, 401] == closed
    assert 403 == site.operator("GET", "/metrics", "offer-key").status_code
    metrics = site.operator("GET", "/metrics", "read-key").text
    assert 'ewallet_requests_total{method="GET",route="/metrics",status="403"} 1.0' in metrics


def test_it_says_whether_it_lives_and_can_work(site):
    """Alive without a database, ready only with one."""
    ready = [site.browser.get(path).status_code for path in ("/healthz", "/readyz")]
    site.service.database.close()
    path = site.service.settings.data / "issuer" / "issuer.db"
    for file in path.parent.glob("issuer.db*"):
        file.unlink()
    path.mkdir()
    gone = [site.browser.get(path) for path in ("/healthz", "/readyz")]

    assert ([200, 200], [200, 503]) == (ready, [answer.status_code for answer in gone])
    assert "5" == gone[1].headers["retry-after"]
    assert "storage.unavailable" == gone[1].json()["code"]


class _Broken:
    def claims(self, _subject, _type_id):
        raise RuntimeError("canary 홍길동 990230 /etc/secret SELECT")


def test_a_fault_of_ours_tells_nothing(open_site, settings, caplog):
    """VCI-37: a number to ask about, for wallets and on pages; the log has the number, not the cause's words."""
    site = open_site(settings, _Broken())
    site.sign_in()
    with caplog.at_level(logging.DEBUG):
        caller = site.caller()
        answer = caller.credential(caller.token(site.service.issuance.offer(KIND, subject="hong")))
        page = site.browser.get(f"/kinds/{KIND}", headers=HTML)

    fault = json_object(answer.body)
    assert (500, "internal.fault", 500) == (answer.status, fault["code"], page.status_code)
    assert re.search(r"문의 번호: fault [0-9a-f]{8}", page.text)
    assert [] == [
        word for word in ("canary", "홍길동 9", "secret", "SELECT", "Traceback") if word in str(fault) + page.text
    ]
    assert "canary" not in caplog.text


def test_no_log_holds_what_opens_or_names_anything(site, caplog):
    """WEB-17, G3: a whole flow with its failures, everything logged."""
    with caplog.at_level(logging.DEBUG):
        site.sign_in()
        page = site.page(f"/kinds/{KIND}/offer", tx_code="on")
        (digits,) = re.findall(r'<strong class="digits">(\d{6})</strong>', page)
        offer, caller = site.scanned(page), site.caller()
        caller.redeem(offer, "000000")
        token = caller.token(offer, digits)
        nonce = caller.nonce()
        received = issued(caller.credential(token, [caller.proof(nonce)]))
        caller.credential(token, [caller.proof(nonce)])
    secrets = [offer.pre_authorized.code, digits, token.access_token, nonce, received.credentials[0][-40:], "홍길동"]

    assert [] == [number for number, secret in enumerate(secrets) if secret in caplog.text]


def test_an_operator_offers_revokes_suspends_and_resumes(site):
    """Each change is seen in the list of the person's certificates."""
    made = site.operator("POST", "/v1/offers", subject="hong", types=[KIND], tx_code=True)
    offer = CredentialOffer.parse(site.send(Request("GET", f"{ISSUER}/offers/{made.json()['handle']}")).body)
    caller = site.caller()
    caller.credential(caller.token(offer, made.json()["tx_code"]))
    path, states = "/v1/certificates", []
    (first,) = site.operator("GET", f"{path}?subject=hong").json()["certificates"]
    for change in ("suspend", "resume", "revoke"):
        assert 204 == site.operator("POST", f"{path}/{first['id']}/{change}", reason="a test").status_code
        states += [each["status"] for each in site.operator("GET", f"{path}?subject=hong").json()["certificates"]]
    again = site.operator("POST", f"{path}/{first['id']}/resume", reason="a test")

    assert (201, parse_link(made.json()["uri"])) == (made.status_code, offer)
    assert ["suspended", "valid", "revoked"] == states
    assert (400, "status.transition") == (again.status_code, again.json()["code"])


def test_an_operator_offers_in_the_format_that_is_named(site):
    """An mdoc where the kind has that form, and no offer in a format that it has not."""
    made = site.operator("POST", "/v1/offers", subject="hong", types=["mobile_driver_license"], format="mso_mdoc")
    offer = CredentialOffer.parse(site.send(Request("GET", f"{ISSUER}/offers/{made.json()['handle']}")).body)
    unknown = site.operator("POST", "/v1/offers", subject="hong", types=[KIND], format="paper")

    assert ("mobile_driver_license.mso_mdoc",) == offer.configuration_ids
    assert (400, "usage.argument") == (unknown.status_code, unknown.json()["code"])


def test_an_operator_withdraws_an_offer(site):
    """Afterwards its code gets nothing (VCI-03), and there is nothing to withdraw."""
    made = site.operator("POST", "/v1/offers", subject="hong", types=[KIND]).json()
    offer = CredentialOffer.parse(site.send(Request("GET", f"{ISSUER}/offers/{made['handle']}")).body)
    withdrawn = [site.operator("DELETE", f"/v1/offers/{made['handle']}").status_code for _ in range(2)]

    assert [204, 404] == withdrawn
    assert "invalid_grant" == error(site.caller().redeem(offer))


NO_RIGHT = {
    "none": ("", 401, "access.unauthenticated", "Bearer"),
    "made up": ("made-up", 401, "access.unauthenticated", "Bearer"),
    "of a court": ("status-key", 403, "access.forbidden", 'Bearer error="insufficient_scope", scope="offer"'),
    "of an auditor": ("read-key", 403, "access.forbidden", 'Bearer error="insufficient_scope", scope="offer"'),
}


@pytest.mark.parametrize(("key", "status", "code", "challenge"), NO_RIGHT.values(), ids=NO_RIGHT)
def test_an_offer_needs_a_key_with_the_right(site, key, status, code, challenge):
    """VCI-31: nobody's key, and the keys of others; which right is wanting is said, and no key is."""
    answer = site.operator("POST", "/v1/offers", key, subject="hong", types=[KIND])
    problem = answer.json()

    assert (status, code, status) == (answer.status_code, problem["code"], problem["status"])
    assert ("application/problem+json", challenge) == tuple(
        answer.headers[n] for n in ("content-type", "www-authenticate")
    )
    assert not key or key not in answer.text


def test_an_offer_that_is_made_again_is_the_same_offer(site):
    """F-14: with an Idempotency-Key, for the operator who made it."""

    def make(key, operator="all-key", subject="hong"):
        headers = {"authorization": f"Bearer {operator}", "idempotency-key": key}
        return site.browser.post("/v1/offers", headers=headers, json={"subject": subject, "types": [KIND]})

    first, again, other, others = make('"one"'), make('"one"'), make('"two"'), make('"one"', operator="offer-key")
    refused = make('"one"', subject="kim")

    assert [201] * 4 == [each.status_code for each in (first, again, other, others)]
    assert first.json() == again.json()
    assert 3 == len({each.json()["handle"] for each in (first, other, others)})
    assert (422, "usage.key_reused") == (refused.status_code, refused.json()["code"])


def test_what_was_issued_is_read_page_by_page(site):
    """The newest first; what is issued meanwhile moves nothing, and a cursor that is none is refused."""

    def issue():
        site.clock.advance(timedelta(seconds=1))
        site.caller().credential(site.caller().token(site.service.issuance.offer(KIND, subject="hong")))

    def page(**asked):
        return site.operator("GET", f"/v1/certificates?{urlencode({'subject': 'hong', **asked})}")

    for _ in range(5):
        issue()
    whole = [each["id"] for each in page().json()["certificates"]]
    first = page(limit=2).json()
    issue()
    second = page(limit=2, cursor=first["next"]).json()
    third = page(limit=2, cursor=second["next"]).json()
    pages = [[each["id"] for each in found["certificates"]] for found in (first, second, third)]

    assert [whole[:2], whole[2:4], whole[4:]] == pages
    assert (None, 6) == (third["next"], len(page().json()["certificates"]))
    assert [400, 400, 422, 422] == [
        page(**wrong).status_code for wrong in ({"cursor": "x"}, {"cursor": "a" * 99}, {"limit": 0}, {"limit": 201})
    ]


@pytest.mark.parametrize("path", ["/v1/certificates?subject=hong", "/metrics"])
@pytest.mark.parametrize(("key", "status"), [("", 401), ("offer-key", 403), ("read-key", 200)])
def test_what_was_issued_and_how_much_is_read_with_the_right_to_read(site, path, key, status):
    """VCI-31, WEB-15: a key that makes offers does not list people's certificates."""
    assert status == site.operator("GET", path, key).status_code


def test_claims_are_not_taken_from_a_call(site):
    """VCI-31, VCI-35: a field that does not exist is named, and its value is not."""
    answer = site.operator("POST", "/v1/offers", subject="hong", types=[KIND], claims={"name": "canary"})
    wrong = site.operator("POST", "/v1/offers", subject="hong", types="canary")
    unknown = site.operator("POST", "/v1/offers", subject="hong", types=["canary"])

    assert [422, 422, 400] == [each.status_code for each in (answer, wrong, unknown)]
    assert ["claims" in answer.text, "types" in wrong.text] == [True, True]
    assert not any("canary" in each.text for each in (answer, wrong, unknown))


@pytest.mark.parametrize(
    ("path", "key", "told"),
    [
        ("/v1/offers", "offer-key", {"subject": "hong"}),
        ("/v1/guardians", "mandate-key", {"guardian": "seong", "ward": "sim"}),
    ],
)
def test_a_kind_that_is_no_text_is_no_fault_of_ours(site, path, key, told):
    """Half a surrogate pair, which JSON can say and UTF-8 cannot."""
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    answer = site.browser.post(path, content=json.dumps({"types": ["\ud800"], **told}), headers=headers)

    assert (400, "malformed.json") == (answer.status_code, answer.json()["code"])


def test_an_endpoint_that_runs_out_of_something_answers(site, monkeypatch):
    """With a fault, as any other error that nobody thought of; it left whoever asked waiting for ever."""
    sent, headers = [], [(b"host", b"issuer.example.go.kr")]
    scope = {"type": "http", "method": "GET", "path": "/status", "raw_path": b"/status", "headers": headers}
    monkeypatch.setattr(site.service.issuance, "status_lists", lambda _request: next(iter(())))

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        sent.append(message)

    async def ask():
        await asyncio.wait_for(site.browser.app(scope | {"query_string": b""}, receive, send), 5)

    asyncio.run(ask())
    assert (500, "internal.fault") == (sent[0]["status"], json.loads(sent[1]["body"])["code"])


INJECTIONS = [
    "' OR 1=1 --",
    '"; DROP TABLE codes; --',
    "%27%20OR%201=1",
    "hong' UNION SELECT secret FROM issuer_secrets--",
]


@pytest.mark.parametrize("text", INJECTIONS)
def test_statements_in_parameters_are_only_text(site, text):
    """WEB-13: no fault, and nobody's certificates."""
    site.caller().credential(site.caller().token(site.service.issuance.offer(KIND, subject="hong")))
    listed = site.operator("GET", f"/v1/certificates?subject={text}")
    changed = site.operator("POST", f"/v1/certificates/{text}/revoke", reason=text)

    assert (422, 404) == (listed.status_code, changed.status_code)
    assert [400, 404] == [site.caller().redeem(text).status, site.browser.get(f"/status/{text}").status_code]


def test_the_description_is_openapi_3_1_where_it_is_served(open_site, settings):
    """In a demonstration, on this machine; every address of wallets and operators is in it."""
    site = open_site(settings | {"unsafe_loopback": True})
    described = site.browser.get("/openapi.json").json()

    assert "3.1" == described["openapi"][:3]
    assert {"/token", "/credential", "/status/{number}", "/v1/offers", "/v1/certificates/{id}/revoke"} <= set(
        described["paths"]
    )
