"""An office that issues on paper, and a counter where it is handed in again."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pytest

from ewallet.formats.paper import Paper
from ewallet.issuer import IssuedPaper
from ewallet.paper import Form, pdf
from ewallet.paper.reading import PaperVerdict, verify
from ewallet.testing.kit import Kit
from ewallet.verifier import Verifier

KIND = "resident_register_copy"
RECIPIENT, PURPOSE = "가상은행", "대출 심사"


@dataclass(frozen=True)
class Office:
    """One certificate on paper, its file before and after it is sealed, and what the counter says of it."""

    kit: Kit
    kind_id: str = KIND

    @cached_property
    def issued(self) -> IssuedPaper:
        sample = self.kit.catalog.type(self.kind_id).sample
        return self.kit.issuer.issue_paper(
            self.kind_id, sample, subject="citizen-1", recipient=RECIPIENT, purpose=PURPOSE
        )

    @cached_property
    def claims(self) -> dict[str, Any]:
        return dict(Paper.open(self.issued.credential).check_disclosures().claims)

    def file(self, claims: dict[str, Any] | None = None, *, credential: str | None = None, code: str | None = None):
        """The file, or one that says something else than its credential."""
        form = Form.of(
            self.kit.catalog.type(self.kind_id),
            self.claims if claims is None else claims,
            receiver=RECIPIENT,
            purpose=PURPOSE,
        )
        return pdf(
            form,
            credential=credential or self.issued.credential,
            code=code or self.issued.code,
            at=self.kit.clock.now(),
        )

    def sealed(self, raw: bytes | None = None) -> bytes:
        """The file with the seal of its issuer."""
        from ewallet.paper.seal import seal

        return seal(raw or self.file(), self.kit.issuer.signer(self.kind_id), self.kit.clock.now())

    def verify(self, raw: bytes | str, *, by: Verifier | None = None) -> PaperVerdict:
        return verify(by or self.kit.verifier, raw, catalog=self.kit.catalog)


@pytest.fixture
def office(ewallet_kit):
    """The office of the kit."""
    pytest.importorskip("pyhanko")
    pytest.importorskip("pypdfium2")
    pytest.importorskip("typst")
    return Office(ewallet_kit)
