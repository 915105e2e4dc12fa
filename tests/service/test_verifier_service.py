"""The bank's service: what wallets and the bank's programs send it, and what it answers."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from starlette.testclient import TestClient

from ewallet.consent import Party
from ewallet.errors import StoreError, TrustError
from ewallet.exchange import Exchange
from ewallet.flow import Response
from ewallet.idempotency import Calls
from ewallet.joint import Cases
from ewallet.oid4vp import vp_token_json
from ewallet.oid4vp.request import RequestLink, authenticate, fetched
from ewallet.oid4vp.response import answer, refusal
from ewallet.sql import Database
from ewallet.testing.kit import Kit
from verifier_cli.server import Desk, create_app

KIND = "resident_register_copy"
BANK = "https://bank.example"
KEY = "an-api-key-of-nobody"
ASKED = {"type": KIND, "claims": ["resident_address"], "purpose": "가상 대출 심사"}


@dataclass
class Service:
    """The service, a citizen with a wallet, and what the bank's programs call."""

    kit: Kit
    client: TestClient
    failures: list[Exception] = field(default_factory=list)

    def bank(self, method, path, *, key=KEY, document=None, **options):
        headers = {"authorization": f"Bearer {key}"} if key else {}
        content = None if document is None else {"json": document}
        return self.client.request(method, path, headers=headers, **(content or {}), **options)

    def ask(self, **changes):
        answered = self.bank("POST", "/v1/requests", document=ASKED | changes)
        assert 201 == answered.status_code, answered.text
        return answered.json()

    def look(self, asked, **parameters):
        self.kit.clock.advance(timedelta(seconds=1))
        return self.bank("GET", f"/v1/requests/{asked['id']}", params=parameters)

    def open(self, asked):
        """The wallet's way from the link to the request."""
        link, at = RequestLink.read(asked["link"]), self.kit.clock.now()
        sent = link.fetch("a-nonce-of-the-wallet")
        got = self.client.request(sent.method, sent.url, headers=dict(sent.headers), content=sent.body)
        compact = fetched(Response(got.status_code, got.headers, got.content))
        trust = self.kit.pki.trust_list()
        found = authenticate(link, compact, trust=trust, at=at, wallet_nonce="a-nonce-of-the-wallet")
        return found.request(at, transaction_types={})

    def post(self, sent):
        return self.client.request(sent.method, sent.url, headers=dict(sent.headers), content=sent.body)

    def present(self, asked):
        request = self.open(asked)
        return self.post(answer(request, self.kit.answer(request).token))


@pytest.fixture
def service(ewallet_kit, tmp_path):
    """A service on a database of its own."""
    kit = ewallet_kit
    kit.issue(KIND, copies=4)
    database = Database(f"sqlite:///{tmp_path}/bank.db")
    made = Service(kit, None)  # type: ignore[arg-type]

    def check_ready():
        database.ready()
        for failure in made.failures:
            raise failure

    store = database.verifier
    exchange = Exchange(BANK, verifier=kit.verifier, signer=kit.pki.verifier, store=store, env=kit.env)
    desk = Desk(
        exchange=exchange,
        cases=Cases(exchange, store=database.cases, env=kit.env),
        verifier=kit.verifier,
        recipient=Party(id="https://bank.example", names={"ko": "가상은행", "en": "Invented Bank"}),
        calls=Calls(database.verifier_calls, env=kit.env),
        check_ready=check_ready,
        hosts=frozenset({"bank.example"}),
        api_key=KEY,
    )
    with TestClient(create_app(desk), base_url=BANK, raise_server_exceptions=False) as client:
        made.client = client
        yield made
    database.close()


# -- the road ------------------------------------------------------------------------------------------------


def test_a_bank_asks_a_wallet_answers_and_the_bank_reads(service):
    """By nothing but HTTP, encrypted; what was asked comes once."""
    asked = service.ask()
    pending = service.look(asked).json()
    reply = service.present(asked)
    first, second = service.look(asked).json(), service.look(asked).json()

    assert ("pending", "pending", 200, {}) == (asked["status"], pending["status"], reply.status_code, reply.json())
    assert ("answered", "accepted") == (first["status"], first["verdict"]["verdict"])
    assert {KIND: {"resident_address": service.kit.catalog.type(KIND).sample["resident_address"]}} == first["verdict"][
        "claims"
    ]
    assert (None, "accepted") == (second["verdict"]["claims"], second["verdict"]["verdict"])


def test_a_bank_may_ask_with_a_query_of_its_own(service):
    """DCQL as it is, and an answer in the clear."""
    query = service.kit.query(KIND, ["is_householder"]).to_json()
    made = service.bank(
        "POST", "/v1/requests", document={"query": query, "purpose": "a test", "response_mode": "direct_post"}
    )
    asked = made.json()
    service.present(asked)

    assert f"/v1/requests/{asked['id']}" == made.headers["location"]
    assert asked["qr"].startswith("<svg")
    assert "accepted" == service.look(asked).json()["verdict"]["verdict"]


def test_on_the_same_device_the_verdict_comes_with_the_code(service):
    """VPV-05: 403 without, with a wrong and with a used one."""
    asked = service.ask(redirect_to=f"{BANK}/done")
    address = urlsplit(service.present(asked).json()["redirect_uri"])
    (code,) = parse_qs(address.query)["response_code"]
    tried = [service.look(asked, **each) for each in ({}, {"response_code": "x"}, {"response_code": code})]
    tried.append(service.look(asked, response_code=code))

    assert ("bank.example", "/done") == (address.netloc, address.path)
    assert [403, 403, 200, 403] == [each.status_code for each in tried]
    assert "accepted" == tried[2].json()["verdict"]["verdict"]


def test_a_holder_declines(service):
    """VPV-17: the bank is told, and what the wallet says is text."""
    asked = service.ask()
    request = service.open(asked)
    form = {"error": "access_denied", "error_description": "<b>\r\n", "state": request.state}
    sent = refusal(request.response_uri, request.state, "access_denied")
    reply = service.client.post(sent.url, headers=dict(sent.headers), content=urlencode(form))
    told = service.look(asked).json()

    assert (200, {}) == (reply.status_code, reply.json())
    assert ("declined", "request.declined", None) == (told["status"], told["code"], told["verdict"])
    assert not set("<>\r\n") & set(told["description"])


def test_nobody_answers(service):
    """After five minutes the request is over, also for the wallet."""
    asked = service.ask()
    service.kit.clock.advance(timedelta(minutes=5))
    link = RequestLink.read(asked["link"])

    assert ("expired", "request.expired") == tuple(service.look(asked).json()[name] for name in ("status", "code"))
    assert 404 == service.client.get(link.request_uri).status_code


def test_a_presentation_is_judged_at_once(service):
    """For answers that came to the bank on ways of its own; a second time it is a replay."""
    presented = service.kit.present(service.kit.query(KIND, ["resident_address"]))
    document = {"presentation": vp_token_json(presented.token), "request": presented.request.to_json()}
    found = [service.bank("POST", "/v1/verify", document=document).json() for _ in range(2)]

    assert ["accepted", "rejected"] == [each["verdict"] for each in found]
    assert "replay.response_used" == found[1]["code"]


# -- what wallets may not do ---------------------------------------------------------------------------------


def test_a_request_is_fetched_as_often_as_one_likes(service):
    """VPV-09: by GET and POST, signed anew, with the media type it has; other methods are none."""
    address = RequestLink.read(service.ask()["link"]).request_uri
    got = [service.client.get(address), service.client.get(address), service.client.post(address, data={})]

    assert [200, 200, 415] == [each.status_code for each in got]
    assert "application/oauth-authz-req+jwt" == got[0].headers["content-type"]
    assert 405 == service.client.put(address).status_code


def test_an_answer_counts_once(service):
    """VPV-02: the second is refused without a word about why."""
    asked = service.ask()
    request = service.open(asked)
    sent = answer(request, service.kit.answer(request).token)
    found = [service.post(sent) for _ in range(3)]

    assert [200, 400, 400] == [each.status_code for each in found]
    assert {"error": "invalid_request"}.items() <= found[1].json().items()
    assert "accepted" == service.look(asked).json()["verdict"]["verdict"]


def test_answers_to_nothing_leave_nothing(service, tmp_path):
    """VPV-01: the database does not grow."""
    service.ask()
    before = sum(path.stat().st_size for path in tmp_path.iterdir())
    form = {"vp_token": '{"a": ["x"]}', "state": "x" * 32}
    found = {service.client.post(f"/response/{number}", data=form).status_code for number in range(200)}

    assert {400} == found
    assert before == sum(path.stat().st_size for path in tmp_path.iterdir())


@pytest.mark.parametrize("media_type", ["text/plain", "application/json", "multipart/form-data", "", "x" * 1000])
def test_an_answer_is_a_form(media_type, service):
    """WEB-03, WEB-07: nothing else is parsed."""
    found = service.client.post("/response/x", headers={"content-type": media_type}, content=b"vp_token=x")

    assert 415 == found.status_code


# -- what the bank's programs may not do ---------------------------------------------------------------------


def test_a_counter_asks_for_a_yes_to_a_rule(service):
    """By its identifier alone; its name is the purpose, and the answer is the one there is."""
    service.kit.issue("eligibility_answer", claims={"rule": "museum_free_admission", "version": 1, "answer": "Y"})
    made = service.bank("POST", "/v1/requests", document={"rule": "museum_free_admission"})
    request = service.open(made.json())
    assert ("공립 박물관 무료 관람", [["museum_free_admission"], [1], ["Y"]] * 2) == (
        request.purpose,
        [list(claim.values) for query in request.query.credentials for claim in query.claims],
    )
    refused = [{"rule": "no_such_rule"}, ASKED | {"rule": "museum_free_admission"}, {"purpose": "a test"}]
    assert [400] * 3 == [service.bank("POST", "/v1/requests", document=each).status_code for each in refused]


BANKS = [("POST", "/v1/requests"), ("GET", "/v1/requests/x"), ("POST", "/v1/verify")]


@pytest.mark.parametrize(("method", "path"), [*BANKS, ("GET", "/metrics"), ("GET", "/v1/openapi.json")])
@pytest.mark.parametrize("key", ["", "another-api-key-of-nobody", KEY[:-1], f"{KEY}x"])
def test_the_banks_side_takes_the_banks_key(method, path, key, service):
    """WEB-15: description and figures too."""
    found = service.bank(method, path, key=key, document={} if method == "POST" else None)

    assert (401, "Bearer") == (found.status_code, found.headers["www-authenticate"])
    assert "access.unauthenticated" == found.json()["code"]


@pytest.mark.parametrize(
    "path", ["/docs", "/redoc", "/openapi.json", "/debug", "/", "/request", "/v1", "/v1/requests/"]
)
def test_there_is_nothing_else(path, service):
    """WEB-15: no page of a framework."""
    found = service.bank("GET", path)

    assert (404, "application/problem+json") == (found.status_code, found.headers["content-type"])


WRONG = {
    "not json": ("{", "malformed.json"),
    "no object": ("[]", "malformed.claim_type"),
    "twice": ('{"purpose": "a", "purpose": "b"}', "malformed.json_duplicate"),
    "no purpose": (json.dumps({"type": KIND, "claims": ["resident_address"]}), "malformed.claim_type"),
    "empty purpose": (json.dumps(ASKED | {"purpose": " "}), "usage.argument"),
    "neither query nor type": (json.dumps({"purpose": "x"}), "usage.argument"),
    "both": (json.dumps(ASKED | {"query": {}}), "usage.argument"),
    "no such kind": (json.dumps(ASKED | {"type": "../../etc/passwd"}), "usage.argument"),
    "no such claim": (json.dumps(ASKED | {"claims": ["nothing"]}), "usage.argument"),
    "a claim of another kind": (json.dumps(ASKED | {"claims": [1]}), "malformed.claim_type"),
    "another mode": (json.dumps(ASKED | {"response_mode": "fragment"}), "usage.argument"),
    "an unknown member": (json.dumps(ASKED | {"redirect": "x"}), "usage.argument"),
    "a bad query": (json.dumps({"query": {"credentials": []}, "purpose": "x"}), "dcql.invalid"),
    "a bad transaction": (json.dumps(ASKED | {"transaction_data": [{"type": "x"}]}), "malformed.claim_type"),
    "WEB-04": (json.dumps(ASKED | {"redirect_to": "//evil.example"}), "usage.argument"),
}


@pytest.mark.parametrize(("body", "code"), WRONG.values(), ids=WRONG.keys())
def test_a_request_that_makes_no_sense_is_refused(body, code, service):
    """With a problem document that names the code."""
    headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
    found = service.client.post("/v1/requests", headers=headers, content=body)

    assert (400, code) == (found.status_code, found.json()["code"])
    assert "application/problem+json" == found.headers["content-type"]


@pytest.mark.parametrize("body", [{}, {"presentation": 1}, {"presentation": "x", "request": {}}])
def test_what_cannot_be_judged_is_refused(body, service):
    """A call that makes no sense gets no verdict."""
    assert 400 == service.bank("POST", "/v1/verify", document=body).status_code


def test_a_request_that_is_made_again_is_the_same_request(service):
    """F-14: with an Idempotency-Key, after a reply that was lost; another body under it is refused."""

    def ask(key, **changes):
        headers = {"authorization": f"Bearer {KEY}", "idempotency-key": key}
        return service.client.post("/v1/requests", headers=headers, json=ASKED | changes)

    first, again, other = ask('"one"'), ask('"one"'), ask('"two"')
    refused = [ask('"one"', purpose="가상 다른 목적"), ask("bare")]

    assert [201] * 3 == [each.status_code for each in (first, again, other)]
    assert (first.json(), first.headers["location"]) == (again.json(), again.headers["location"])
    assert first.json()["id"] != other.json()["id"]
    assert [(422, "usage.key_reused"), (400, "usage.argument")] == [(e.status_code, e.json()["code"]) for e in refused]


def test_a_body_is_json_by_name(service):
    """WEB-03: what a form of another site can send is not read."""
    headers = {"authorization": f"Bearer {KEY}", "content-type": "text/plain"}

    assert 415 == service.client.post("/v1/requests", headers=headers, content=json.dumps(ASKED)).status_code


def test_polling_has_its_pace(service):
    """VPV-08: 429 for each request by itself, and strangers' ids look alike however often."""
    asked, other = service.ask(), service.ask()
    path = "/v1/requests/{}"
    found = [service.bank("GET", path.format(each["id"])) for each in (asked, asked, other)]
    strangers = [service.bank("GET", path.format(each)) for each in ("x", "x", "y" * 32, "%00", "' OR 1=1 --")]

    assert [200, 429, 200] == [each.status_code for each in found]
    assert "1" == found[1].headers["retry-after"]
    assert {404} == {each.status_code for each in strangers}
    assert 1 == len({each.text for each in strangers})


# -- the guard, and those who run it -------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["evil.example", "bank.example:8443", "bank.example.evil.example", "bank.example/x"])
def test_another_host_is_not_served(host, service):
    """WEB-05."""
    found = service.client.get("/healthz", headers={"host": host, "x-forwarded-host": "bank.example"})

    assert 400 == found.status_code


def test_a_megabyte_and_a_byte_is_too_much(service):
    """WEB-08."""
    assert 413 == service.client.post("/response/x", content=b"x" * ((1 << 20) + 1)).status_code


@pytest.mark.parametrize("path", ["/healthz", "/request/x", "/v1/requests/x"])
def test_nothing_is_cached_framed_or_shared(path, service):
    """WEB-12, WEB-19."""
    headers = service.client.get(path, headers={"origin": "https://evil.example"}).headers

    assert ("no-store", "nosniff") == (headers["cache-control"], headers["x-content-type-options"])
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize("failure", [StoreError("storage.locked"), TrustError("trust.list_invalid")])
def test_a_service_that_cannot_work_says_so(failure, service):
    """It answers, but it is not ready; which is why, it says by code."""
    before = service.client.get("/readyz").status_code
    service.failures.append(failure)
    found = service.client.get("/readyz")

    assert (200, 503, 200) == (before, found.status_code, service.client.get("/healthz").status_code)
    assert ("5", "storage.unavailable") == (found.headers["retry-after"], found.json()["code"])


def test_figures_name_routes_and_no_ids(service):
    """WEB-17: counters are by template."""
    asked = service.ask()
    service.look(asked)
    service.client.get("/whatever/else")
    figures = service.bank("GET", "/metrics").text

    assert 'ewallet_requests_total{method="POST",route="/v1/requests",status="201"} 1.0' in figures
    assert 'route="/v1/requests/{id_}"' in figures
    assert not any(secret in figures for secret in (asked["id"], "whatever"))


def test_the_description_is_openapi(service):
    """3.1, with the routes and the bodies that our own parser reads."""
    description = service.bank("GET", "/v1/openapi.json").json()

    assert description["openapi"].startswith("3.1")
    assert {"/request/{handle}", "/response/{handle}", "/v1/requests", "/v1/verify"} <= description["paths"].keys()
    assert "requestBody" in description["paths"]["/v1/requests"]["post"]


def test_logs_tell_nothing(service, caplog):
    """WEB-17: at DEBUG, neither keys nor ids nor what was shown."""
    caplog.set_level("DEBUG", logger="ewallet")
    asked = service.ask()
    service.present(asked)
    told = service.look(asked).json()
    logged = "\n".join(record.getMessage() for record in caplog.records if record.name == "ewallet")

    assert "accepted" in logged
    assert not any(secret in logged for secret in (KEY, asked["id"], *told["verdict"]["claims"][KIND].values()))
