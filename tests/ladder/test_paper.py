"""Every rung that paper can fail on: a file and a code that fail exactly there.

The rungs of the holder and of the query are always skipped by name: nobody is bound to paper, and nothing was asked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from ewallet import policy
from ewallet.credential import Validity
from ewallet.errors import UNDECIDED
from ewallet.formats import lean, paper
from ewallet.formats.paper import Sheet
from ewallet.keys import SigningKey
from ewallet.paper import Form, pdf
from ewallet.paper.reading import verify
from ewallet.paper.seal import seal
from ewallet.status import Status
from ewallet.testing.kit import Kit
from ewallet.testing.pki import Pki
from ewallet.verifier import LADDER, Verifier

pytest.importorskip("typst")
pytest.importorskip("pyhanko")
pytest.importorskip("pypdfium2")

KIND = "resident_register_copy"
SKIPPED = {"holder": "holder_not_bound", "query": "no_query"}
FORMS = ("file", "code")


@dataclass(frozen=True)
class Made:
    """What an issuer, honest or not, puts on paper."""

    kit: Kit
    sheet: Sheet
    signer: Any
    status: tuple[Any, Any]

    @classmethod
    def honest(cls, kit: Kit) -> Made:
        kind = kit.catalog.type(KIND)
        issued = kit.issuer.issue_paper(KIND, kind.sample, subject="citizen-1", recipient="가상은행", purpose="대출")
        whole = paper.Paper.open(issued.credential)
        said, short = whole.check_disclosures(), lean.Lean.open(issued.code).check_disclosures()
        sheet = Sheet(
            type_id=said.type_id,
            issuer=whole.issuer,
            number=whole.number,
            name="홍길동",
            claims=said.claims,
            recipient=whole.recipient,
            purpose=whole.purpose,
            validity=said.validity,
        )
        return cls(kit, sheet, kit.issuer.signer(KIND), (said.status, short.status))

    def on_sheet(self, **changes: Any) -> Made:
        return replace(self, sheet=replace(self.sheet, **changes))

    def given(self, form: str, *, spoil: Callable[[str], str] = str) -> bytes | str:
        """The sealed file, or the code; ``spoil`` changes what is attached, or the code."""
        whole = paper.prepare(self.sheet, self.status[0], self.signer)
        credential = whole.complete(self.signer.sign(whole.data))
        short = lean.prepare(self.sheet, paper.digest(whole.data), self.status[1], self.signer)
        code = short.complete(self.signer.sign(short.data))
        if form == "code":
            return spoil(code)
        kind, sheet = self.kit.catalog.type(KIND), self.sheet
        page = Form.of(kind, sheet.claims, receiver=sheet.recipient, purpose=sheet.purpose)
        at = self.kit.clock.now()
        return seal(pdf(page, credential=spoil(credential), code=code, at=at), self.kit.issuer.signer(KIND), at)


def _verdict(made: Made, given: bytes | str, by: Verifier | None = None):
    return verify(by or made.kit.verifier, given, catalog=made.kit.catalog).verdict


def _cut(made, form):
    return _verdict(made, made.given(form, spoil=lambda text: text[:40]))


def _stranger(made, form):
    """Signed below an authority that is on another list."""
    kit = made.kit
    system = kit.catalog.type(KIND).system
    other = Pki.make(at=kit.clock.now(), systems={system: [made.sheet.type_id]}, issuer=made.sheet.issuer)
    return _verdict(made, replace(made, signer=other.signers[system]).given(form))


class _Liar:
    """Another key under the certificate of the issuer."""

    def __init__(self, real):
        self.public, self.chain = real.public, real.chain
        self.sign = SigningKey.generate().sign


def _forged(made, form):
    return _verdict(made, replace(made, signer=_Liar(made.signer)).given(form))


def _other_page(made, form):
    """The file: another value on the page. The code: a name that is no text, by the issuer's own key."""
    if form == "code":
        return _verdict(made, made.on_sheet(number=7).given(form))
    kind, at = made.kit.catalog.type(KIND), made.kit.clock.now()
    whole = paper.prepare(made.sheet, made.status[0], made.signer)
    credential = whole.complete(made.signer.sign(whole.data))
    page = Form.of(kind, made.sheet.claims | {"applicant_name": "아무개"}, receiver="가상은행", purpose="대출")
    code = made.given("code")
    return _verdict(made, seal(pdf(page, credential=credential, code=code, at=at), made.signer, at))


def _over(made, form):
    since = made.kit.clock.now() - timedelta(days=1)
    return _verdict(made, made.on_sheet(validity=Validity(since, since + timedelta(hours=1))).given(form))


def _set(value):
    def revoked(made, form):
        given = made.given(form)
        (certificate,) = made.kit.issuer.certificates("citizen-1")
        made.kit.issuer_store.set_status(certificate.id, value, "a test", made.kit.clock.now())
        return _verdict(made, given)

    return revoked


def _unwanted(made, form):
    other = made.kit.another_verifier(policy=policy.AcceptTypes(frozenset({"urn:example:other"})))
    return _verdict(made, made.given(form), other)


CASES = {
    "cut": ("format", {"file": "malformed.encoding", "code": "malformed.encoding"}, _cut),
    "stranger": ("issuer", dict.fromkeys(FORMS, "trust.no_path"), _stranger),
    "forged": ("signature", dict.fromkeys(FORMS, "crypto.signature_invalid"), _forged),
    "other_page": ("disclosures", {"file": "paper.text_differs", "code": "malformed.claim_type"}, _other_page),
    "over": ("validity", dict.fromkeys(FORMS, "time.expired"), _over),
    "revoked": ("status", dict.fromkeys(FORMS, "status.revoked"), _set(Status.REVOKED)),
    "suspended": ("status", dict.fromkeys(FORMS, "status.suspended"), _set(Status.SUSPENDED)),
    "unwanted": ("policy", dict.fromkeys(FORMS, "policy.vct_not_accepted"), _unwanted),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", CASES)
def test_paper_fails_there_and_nowhere_else(name, form, ewallet_kit):
    """The rungs below have passed or are skipped by name, and those above are not reached."""
    rung, codes, act = CASES[name]

    verdict = act(Made.honest(ewallet_kit), form)

    failed = LADDER.index(rung)
    below = [("skipped", SKIPPED[name]) if name in SKIPPED else ("passed", None) for name in LADDER[:failed]]
    outcome = "unknown" if codes[form] in UNDECIDED else "failed"
    above = [("not_reached", None)] * (len(LADDER) - failed - 1)
    assert [*below, (outcome, codes[form]), *above] == [(check.outcome, check.code) for check in verdict.checks]


def test_every_other_rung_has_a_case():
    """A rung is either skipped by name or shown to refuse something."""
    assert set(LADDER) == {rung for rung, _, _ in CASES.values()} | SKIPPED.keys()
