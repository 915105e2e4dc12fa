"""What a holder reads before sending: who else it is about, and by which law a number is asked for."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import replace

import pytest

from ewallet.cli import consent
from ewallet.cli.session import Session
from ewallet.testing.kit import Kit

KIND = "resident_register_copy"
LAW = "가상법 제3조"


@pytest.fixture
def kit():
    """A holder of a register copy with a family in it."""
    kit = Kit.make()
    kit.issue(KIND, copies=2)
    return kit


def _screen(kit, asked, *, lang="ko", **known):
    request = replace(kit.verifier.ask(kit.query(KIND, asked), purpose="가상 심사"), **known)
    answer = kit.wallet.match(request.query)
    return list(consent.lines(request, answer, kit.wallet, Session(Namespace(lang=lang)), values=False))


@pytest.mark.parametrize(("lang", "mark"), [("ko", "[다른 사람의 정보]"), ("en", "[about other people]")])
def test_what_is_about_other_people_is_marked(kit, lang, mark):
    """Rows of a household are, one by one; the holder's own address is not."""
    lines = _screen(kit, ["resident_address", ("household_members", 1, "name")], lang=lang)
    sent = [line for line in lines if line.startswith("    - ")]

    assert [False, True] == [mark in line for line in sent]


def test_nothing_about_other_people_leaves_unasked(kit):
    """What is not asked for stays, rows of the family first of all."""
    kind = kit.catalog.type(KIND)
    asked = [claim.name for claim in kind.claims if claim.sensitivity != "family" and claim.name in kind.sample]
    request = kit.verifier.ask(kit.query(KIND, asked), purpose="가상 심사")
    disclosed = [path for _, path in kit.wallet.match(request.query).disclosed]

    assert len(asked) == len(disclosed)
    assert [] == [path for path in disclosed if kind.tells_of_others(path)]


def test_the_law_of_whoever_may_ask_for_a_number_is_shown(kit):
    """It comes from the trust list, and is not shown where there is none."""
    line = f"주민등록번호를 요구하는 법적 근거: {LAW}"

    assert [True, False] == [line in _screen(kit, ["subject_name"], rrn_legal_basis=law) for law in (LAW, "")]
