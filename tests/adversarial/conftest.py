"""An honest presentation to start from, and a judge that holds the rules of every negative case."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from ewallet.testing.kit import Kit, Presented
from ewallet.testing.mdoc import MdocStage
from ewallet.testing.pki import Pki, systems_of
from ewallet.testing.stage import Stage
from ewallet.verdict import Accepted

KIND = "resident_register_copy"
CARD, SHOWN = "mobile_resident_card", ("name", "birth_date")


@pytest.fixture
def pki(ewallet_clock, ewallet_catalog):
    """A PKI whose local taxes vouch for no mobile document, so that other authorities may stand below theirs."""
    systems = systems_of(ewallet_catalog)
    papers = {id_ for id_ in systems["tax_local"] if id_.startswith("urn:")}
    return Pki.make(at=ewallet_clock.now(), systems=systems | {"tax_local": papers})


@pytest.fixture
def presented(ewallet_kit):
    """An honest answer with two claims."""
    ewallet_kit.issue(KIND)
    return ewallet_kit.present(ewallet_kit.query(KIND, ["resident_address", "is_householder"]))


@pytest.fixture
def stage(ewallet_kit, presented):
    """That answer, and everything it takes to spoil it."""
    return Stage.of(ewallet_kit, presented)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for member in value.values():
            yield from _texts(member)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, str) and len(value) > 1:
        yield value


def _canaries(kit: Kit, stage: Stage) -> set[str]:
    """What must be written nowhere: every text of the record, every disclosure, signature and nonce."""
    parts = {stage.key_binding, stage.binding.nonce, *stage.issued.split("."), *stage.disclosures, *stage.hidden}
    sample = kit.catalog.type(KIND).sample
    return (parts | set(_texts(sample))) - {sample["issue_date"]}  # a verdict says on which day it was made


@pytest.fixture
def judge(ewallet_kit, presented, stage, caplog):
    """The code with which a presentation is refused, once rules G1, G3 and G6 have been checked; None if accepted."""
    caplog.set_level(logging.DEBUG)
    canaries = _canaries(ewallet_kit, stage)

    def refused(raw, *, by=None, fetches=0):
        verdict = ewallet_kit.verify(raw, presented.request, by=by)
        if isinstance(verdict, Accepted):
            return None
        said = repr(verdict) + json.dumps(verdict.to_json(), ensure_ascii=False) + caplog.text
        assert [] == [canary for canary in canaries if canary in said]
        assert fetches == len(ewallet_kit.network.requests)
        return verdict.code

    return refused


@dataclass(frozen=True)
class World:
    """An honest answer, and everything it takes to spoil it."""

    kit: Kit
    presented: Presented
    stage: MdocStage

    def judge(self, raw, *, by=None):
        """The code with which a presentation is refused, no claim said and nothing fetched; None if accepted."""
        fetched = len(self.kit.network.requests)
        (query_id,) = self.presented.token
        by = by or self.kit.another_verifier()
        verdict = self.kit.verify({query_id: (raw,)}, self.presented.request, by=by)
        if isinstance(verdict, Accepted):
            return None
        said = repr(verdict) + json.dumps(verdict.to_json(), ensure_ascii=False)
        sample = self.kit.catalog.type(CARD).sample
        assert [] == [name for name in SHOWN if sample[name] in said]
        assert fetched == len(self.kit.network.requests)
        return verdict.code


@pytest.fixture(scope="module")
def world():
    """Two elements of an mdoc; one for all tests of a file, because a verdict changes nothing in it."""
    kit = Kit.make()
    kit.issue(CARD, format_id="mso_mdoc")
    presented = kit.present(kit.query(CARD, SHOWN))
    return World(kit, presented, MdocStage.of(kit, presented))
