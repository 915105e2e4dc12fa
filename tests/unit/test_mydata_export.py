"""Own data as a file (MYD-17): whatever a record says, the file says it and does nothing."""

from __future__ import annotations

import csv
from base64 import b64decode
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest

from ewallet.acting import Proxy
from ewallet.errors import UsageError
from ewallet.history import Checkpoint
from ewallet.mydata import Exporter
from ewallet.mydata.exports import cell
from ewallet.shape import json_object
from ewallet.testing.leaks import ways
from ewallet.testing.mydata import CITIZEN, World

KIND = "resident_register_copy"
HOSTILE = (
    '=HYPERLINK("http://evil.example","x")',
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "+1+1",
    "-1+1",
    "\t=1+1",
    "\r\n=1+1",
    "  =1+1",
    "\uff1d1+1",
    "\ufeff=1+1",
    "|calc",
    "%0A=1",
    "\x00=1+1",
    "\x01@SUM(1)",
    "\x7f=1+1",
    "\u2060=1+1",
    "\u00ad=1+1",
    "\u202e=1+1",
    "\ufe0f=1+1",
    "\u3164=1+1",
    "\u22121+1",
    "\ufe66=1",
)


@pytest.fixture(scope="module")
def world() -> World:
    """A portal and a person."""
    return World.make()


def _rows(content: bytes) -> list[dict[str, str]]:
    assert content.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(StringIO(content.decode("utf-8-sig"), newline="")))


@pytest.mark.parametrize("text", HOSTILE)
def test_cell_is_no_formula(text: str) -> None:
    """It begins with an apostrophe and has one line."""
    said = cell(text)
    assert said.startswith("'")
    assert [] == [sign for sign in said if ord(sign) < 32]


@pytest.mark.parametrize(
    ("text", "said"), [("-5", "-5"), ("-0.25", "-0.25"), ("가상로 1", "가상로 1"), ("a\nb", "a b")]
)
def test_cell_that_does_nothing_is_left(text: str, said: str) -> None:
    """A negative number is one, and a name a name."""
    assert said == cell(text)


@pytest.mark.parametrize("text", HOSTILE)
def test_table_neutralises_every_value(world: World, text: str) -> None:
    """Also within rows of a record; nothing becomes a line of its own."""
    sample = world.catalog.type(KIND).sample
    world.kit.records.given[CITIZEN, KIND] = {**sample, "subject_name": text}
    rows = _rows(world.mydata.export(CITIZEN, "csv", kinds=[KIND]).content)

    assert cell(text) == next(row["value"] for row in rows if row["claim"] == "subject_name")
    assert {KIND, "log"} == {row["type"] for row in rows}


def test_object_has_no_tags(world: World) -> None:
    """A browser that takes it for a page shows nothing of it as one."""
    text = "</script><script>alert(1)</script>&amp;\u2028"
    world.kit.records.given[CITIZEN, KIND] = {**world.catalog.type(KIND).sample, "subject_name": text}
    exported = world.mydata.export(CITIZEN, "json", kinds=[KIND])

    assert [] == [sign for sign in "<>&\u2028" if sign.encode() in exported.content]
    (record,) = json_object(exported.content)["records"]
    assert text == record["claims"]["subject_name"]


def test_name_of_the_file_is_ours(world: World) -> None:
    """Made of the day in Korea, and of nothing that came from outside."""
    for format_id in ("json", "csv"):
        exported = world.mydata.export(CITIZEN, format_id)
        assert f"mydata-2026-11-21.{format_id}" == exported.name
    for format_id in ("../json", "json\r\nx: y", "xlsx", ""):
        with pytest.raises(UsageError) as refused:
            world.mydata.export(CITIZEN, format_id)
        assert "usage.argument" == refused.value.code


@pytest.mark.parametrize("format_id", ["json", "csv"])
def test_whole_resident_numbers_stay_behind(world: World, format_id: str) -> None:
    """Of every kind that has one; the masked one is there."""
    kinds = [kind.id for kind in world.catalog if kind.numbers]
    content = world.mydata.export("citizen-3", format_id, kinds=kinds).content

    assert len(kinds) > 3
    assert [] == list(ways(content))


def test_export_is_on_record_and_has_what_is_kept(world: World) -> None:
    """Consents and notices with it; the log says that there was one, not of what."""
    consent = world.given(subject="citizen-4")
    world.mydata.download(consent.id, recipient=world.bank.id)
    own: dict[str, Any] = json_object(world.mydata.export("citizen-4", "json").content)
    past = world.mydata.history("citizen-4")[-1]

    assert ["given"] == [each["state"] for each in own["consents"]]
    assert [consent.to_json()] == [each["record"] for each in own["consents"]]
    assert ["가상은행"] == [each["recipient"]["ko"] for each in own["notices"]]
    assert "data.exported" == past.entry.event.type
    assert 1 == len(world.mydata.notices("citizen-4"))


def test_table_has_consents_and_notices_as_the_object_has(world: World) -> None:
    """A line for each value of each, under a type that no kind has; a name is no formula there either."""
    acting = Proxy(role="delegate", principal="가상이", agent="=1+1")
    for days in (30, 60):
        consent = world.given(subject="citizen-8", days=days, acting=acting)
    world.mydata.download(consent.id, recipient=world.bank.id)
    own: dict[str, Any] = json_object(world.mydata.export("citizen-8", "json").content)
    rows = _rows(world.mydata.export("citizen-8", "csv").content)
    told = {(row["type"], row["claim"]): row["value"] for row in rows}

    assert len(rows) == len(told)
    for n, each in enumerate(own["consents"]):
        assert each["state"] == told["consent", f"[{n}].state"]
        assert each["record"]["id"] == told["consent", f"[{n}].record.id"]
        assert "'=1+1" == told["consent", f"[{n}].record.acting.agent"]
    (notice,) = own["notices"]
    assert notice["at"] == told["notice", "[0].at"]
    assert notice["information"]["ko"].replace("\n", " ") == told["notice", "[0].information.ko"]
    assert not {"consent", "notice", "log"} & {kind.id for kind in world.catalog}


def test_export_has_a_checkpoint_that_it_is_in_itself(world: World) -> None:
    """Whoever keeps the file can hold the log to it."""
    given = world.given(subject="citizen-5")
    told = json_object(world.mydata.export("citizen-5", "json").content)["checkpoint"].encode()
    entry, _ = world.mydata.history("citizen-5")[-1].logged.check(world.register.believed)
    (row,) = (row for row in _rows(world.mydata.export("citizen-5", "csv").content) if row["type"] == "log")
    later = Checkpoint.read(b64decode(row["value"]), world.register.believed).head

    assert "data.exported" == entry.event.type
    assert entry.seq + 1 == Checkpoint.read(told, world.register.believed).head.size == later.size - 1
    assert given.id not in told.decode()


def test_kind_without_a_record_is_left_out(world: World) -> None:
    """The others are there."""
    world.kit.records.pending[KIND] = timedelta(minutes=1)
    own = json_object(world.mydata.export(CITIZEN, "json", kinds=[KIND, "income_amount_certificate"]).content)
    assert ["income_amount_certificate"] == [record["type"] for record in own["records"]]


def test_other_formats_are_given_to_the_portal() -> None:
    """Paper, for one."""
    world = World.make(exporters={"txt": Exporter("txt", "text/plain", lambda own: own.day.isoformat().encode())})
    assert b"2026-11-21" == world.mydata.export(CITIZEN, "txt").content
