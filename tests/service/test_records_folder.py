"""Records in the files of a folder: one each, or the rows of a table, with whatever may be wrong with them."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from ewallet.errors import EWalletError, NotFound, UsageError
from ewallet.testing.caller import KIND
from issuer_service.records import FolderRecords, records_of

TAX = "local_tax_payment_certificate"


def flattened(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """The names of columns, and what is in their cells."""
    if isinstance(value, dict | list):
        for name, member in value.items() if isinstance(value, dict) else enumerate(value):
            step = f"[{name}]" if isinstance(value, list) else f".{name}" if path else name
            yield from flattened(member, f"{path}{step}")
    else:
        yield path, str(value).lower() if isinstance(value, bool) else str(value)


def table(*records: tuple[str, dict[str, Any]]) -> str:
    """Records as CSV, the handle in the first column."""
    rows = [{"subject": who} | dict(flattened(record)) for who, record in records]
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, names, restval="", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


@pytest.fixture
def kind(ewallet_catalog):
    """The kind that the tables here are of."""
    return ewallet_catalog.type(KIND)


@pytest.fixture
def folder(tmp_path, ewallet_catalog):
    """Opens the records of a folder in which these files are."""

    def of(**files: str | bytes) -> FolderRecords:
        for name, content in files.items():
            path = tmp_path / name.replace("__", ".")
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        records = records_of(f"folder:{tmp_path}", ewallet_catalog)
        assert isinstance(records, FolderRecords)
        return records

    return of


def refusal(records: FolderRecords, subject: str, type_id: str = KIND) -> str:
    """What is told instead of a record."""
    with pytest.raises(EWalletError) as refused:
        records.claims(subject, type_id)
    return str(refused.value)


# -- one file for a record -----------------------------------------------------------------------------------------


def test_records_of_a_folder_are_read_and_nothing_beside_them(tmp_path, ewallet_catalog):
    """Another subject, a way out of the folder, a link, a missing and a broken file."""
    (tmp_path / "records" / "hong").mkdir(parents=True)
    (tmp_path / "outside").mkdir()
    for place in (tmp_path / "records" / "hong", tmp_path / "outside"):
        (place / f"{KIND}.json").write_text('{"a": 1}', "utf-8")
    (tmp_path / "records" / "hong" / f"{TAX}.json").write_text("{", "utf-8")
    (tmp_path / "records" / "linked").symlink_to(tmp_path / "outside")
    records = records_of(f"folder:{tmp_path}/records", ewallet_catalog)

    assert {"a": 1} == records.claims("hong", KIND)
    for subject in ("seong", "../outside", "..", ".", "", "linked", "hong\0", "hong/", "%2e%2e", "홍"):
        with pytest.raises(NotFound) as missing:
            records.claims(subject, KIND)
        assert "storage.not_found" == missing.value.code
    for type_id in ("other", "../hong/" + KIND, ""):
        with pytest.raises(NotFound) as missing:
            records.claims("hong", type_id)
        assert "storage.not_found" == missing.value.code
    with pytest.raises(UsageError) as refused:
        records.claims("hong", TAX)
    assert "issue.invalid_value" == refused.value.code


def test_kinds_on_record_are_told_from_files_and_rows(tmp_path, folder, kind):
    """Nobody else's, none outside the folder; a table that cannot be read is not said to have nothing."""
    (tmp_path / "hong").mkdir()
    for name in (f"{TAX}.json", "ci.json", "other.json"):
        (tmp_path / "hong" / name).write_text("{}", "utf-8")
    (tmp_path / "linked").symlink_to(tmp_path / "hong")
    rows = table(("hong", kind.sample), ("seong", kind.sample))
    records = folder(**{f"{KIND}__csv": rows, "other__csv": rows})

    expected = {"hong": {TAX, KIND}, "seong": {KIND}, "jo": set(), "linked": set(), "..": set(), "hong/": set()}
    assert expected == {subject: records.kinds(subject) for subject in expected}
    for broken in ("nobody\r\n", rows + "x\r\n"):
        (tmp_path / f"{KIND}.csv").write_text(broken, "utf-8")
        assert {KIND} == records.kinds("jo")
    (tmp_path / f"{KIND}.jsonl").touch()
    assert {KIND} == records.kinds("jo")


# -- rows ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_a_row_of_csv_is_a_record(folder, kind, mark):
    """With a byte order mark, as spreadsheets write it, and without; nested claims by their paths."""
    other = {**kind.sample, "subject_name": '쉼표, "따옴표"와\n줄'}
    records = folder(**{f"{KIND}__csv": mark + table(("hong", kind.sample), ("seong", other)).encode()})

    assert kind.sample == records.claims("hong", KIND)
    with pytest.raises(
        UsageError, match=r"subject_name: control characters.*\(resident_register_copy.csv, line 3\)"
    ) as refused:
        records.claims("seong", KIND)
    assert "issue.invalid_value" == refused.value.code
    with pytest.raises(NotFound) as missing:
        records.claims("jo", KIND)
    assert "storage.not_found" == missing.value.code


def test_a_row_with_lines_in_it_moves_those_below(folder, kind):
    """Lines are counted as an editor counts them."""
    long = {**kind.sample, "purpose": "한\n두\n줄"}
    wrong = {**kind.sample, "household_size": "넷"}
    records = folder(**{f"{KIND}__csv": table(("a", long), ("b", wrong), ("c", kind.sample))})

    assert kind.sample == records.claims("c", KIND)
    told = refusal(records, "b")
    assert "issue.invalid_value: household_size: not a whole number, in digits alone" in told
    assert told.endswith("(resident_register_copy.csv, line 5)")
    assert "넷" not in told


def test_a_line_of_json_is_a_record(folder, kind):
    """Empty lines do not count as records, and count as lines."""
    lines = ["", json.dumps({"subject": "hong", "claims": kind.sample}), ""]
    lines.append(json.dumps({"subject": "seong", "claims": {**kind.sample, "household_size": "4"}}))
    records = folder(**{f"{KIND}__jsonl": "\n".join(lines)})

    assert kind.sample == records.claims("hong", KIND)
    told = "issue.invalid_value: household_size: another type of value (resident_register_copy.jsonl, line 4)"
    assert told == refusal(records, "seong")


def test_a_file_of_ones_own_goes_before_a_row(folder, kind, tmp_path):
    """And two tables of one kind are one too many."""
    (tmp_path / "hong").mkdir()
    (tmp_path / "hong" / f"{KIND}.json").write_text('{"own": true}', "utf-8")
    records = folder(**{f"{KIND}__csv": table(("hong", kind.sample), ("seong", kind.sample))})

    assert [{"own": True}, kind.sample] == [records.claims(who, KIND) for who in ("hong", "seong")]
    (tmp_path / f"{KIND}.jsonl").write_text("", "utf-8")
    assert refusal(records, "seong").startswith("usage.configuration: resident_register_copy is in two files")


BROKEN_CSV = {
    "no subject": ("name\nx\n", "issue.invalid_value: subject: no such column (resident_register_copy.csv, line 1)"),
    "no claim": ("subject,x\nhong,1\n", "column 2: its name is not the path of a claim of this kind"),
    "empty": ("\n", "issue.invalid_value: subject: no such column"),
    "cells": ("subject,subject_name\nhong,a,b\n", "record: 3 columns, expected 2 (resident_register_copy.csv, line 2)"),
    "quotes": ('subject,subject_name\nhong,"a"b\n', "quotes that are not those of csv"),
    "open": ('subject,subject_name\nhong,"a\n', "quotes that are not those of csv"),
    "missing": ("subject,subject_name\nhong,a\n", "is missing (resident_register_copy.csv, line 2)"),
    "latin": (b"subject,subject_name\nhong,\xff\n", "record: not utf-8 (resident_register_copy.csv, line 2)"),
    "twice": ("subject,subject_name\nhong,a\nhong,b\n", "a second row of one (resident_register_copy.csv, line 3)"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN_CSV)
def test_a_broken_table_says_file_and_line(folder, name):
    """And nothing of what is in it."""
    content, told = BROKEN_CSV[name]
    found = refusal(folder(**{f"{KIND}__csv": content}), "hong")

    assert told in found
    assert "issue.invalid_value" == found.partition(":")[0]


@pytest.mark.parametrize("line", ["{", "[]", '{"subject": 1}', '{"claims": {}}', '{"subject": "b", "subject": "c"}'])
def test_a_broken_line_stops_only_those_who_may_be_in_it(folder, kind, line):
    """Whose row is found has a record; of others it cannot be said that there is none."""
    good = json.dumps({"subject": "hong", "claims": kind.sample})
    records = folder(**{f"{KIND}__jsonl": f"{good}\n{line}\n"})

    assert kind.sample == records.claims("hong", KIND)
    assert refusal(records, "seong").endswith("(resident_register_copy.jsonl, line 2)")


def test_claims_that_are_none_are_refused(folder):
    """A line without an object of claims."""
    records = folder(**{f"{KIND}__jsonl": '{"subject": "hong", "claims": 1}'})

    assert refusal(records, "hong").startswith("issue.invalid_value: record: ")


def test_a_row_without_end_is_refused(folder):
    """Before it fills the memory."""
    records = folder(**{f"{KIND}__jsonl": "x" * ((1 << 20) + 1)})

    assert "usage.file: a row with more than 1048576 bytes, line 1" == refusal(records, "hong")


def test_an_empty_table_is_not_a_table(folder):
    """A file of no bytes has no head; one of lines has nobody."""
    assert refusal(folder(**{f"{KIND}__jsonl": ""}), "hong").startswith("storage.not_found")


# -- large, and changing -------------------------------------------------------------------------------------------


def test_a_changed_file_is_read_anew(folder, kind, tmp_path):
    """Whether it is written in place or replaced."""
    path = tmp_path / f"{KIND}.csv"
    records = folder(**{path.name.replace(".", "__"): table(("hong", kind.sample))})
    first = records.claims("hong", KIND)
    path.write_text(table(("seong", kind.sample), ("hong", {**kind.sample, "household_size": 5})), "utf-8")
    second = records.claims("hong", KIND)
    draft = tmp_path / "draft"
    draft.write_text(table(("seong", kind.sample)), "utf-8")
    draft.replace(path)

    assert (4, 5) == (first["household_size"], second["household_size"])
    assert refusal(records, "hong").startswith("storage.not_found")
    path.unlink()
    assert refusal(records, "seong").startswith("storage.not_found")


def _large(path: Path, kind: Any, rows: int) -> None:
    with path.open("w", encoding="utf-8") as file:
        for number in range(rows):
            claims = {**kind.sample, "subject_name": f"홍{number}"}
            file.write(json.dumps({"subject": f"s{number}", "claims": claims}, ensure_ascii=False) + "\n")


@pytest.mark.sweep
def test_of_a_large_table_only_a_row_is_read(folder, kind, tmp_path):
    """After it was indexed, a row costs a row: as many bytes, wherever it is."""
    rows = 100_000 if os.environ.get("EWALLET_FULL") == "1" else 2_000
    path = tmp_path / f"{KIND}.jsonl"
    _large(path, kind, rows)
    records = folder()
    asked = [0, rows // 2, rows - 1]

    assert [f"홍{number}" for number in asked] == [records.claims(f"s{n}", KIND)["subject_name"] for n in asked]
    index = records._tables[path.resolve()]._index
    records.claims("s7", KIND)
    assert index is records._tables[path.resolve()]._index
    assert rows == len(index.rows)


def test_many_ask_one_table_at_once(folder, kind):
    """Each gets its own row."""
    people = [(f"s{number}", {**kind.sample, "household_size": number}) for number in range(1, 41)]
    records, found = folder(**{f"{KIND}__csv": table(*people)}), {}

    def ask(who: str) -> None:
        found[who] = records.claims(who, KIND)["household_size"]

    threads = [Thread(target=ask, args=(who,)) for who, _ in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {who: record["household_size"] for who, record in people} == found


def test_a_pipe_is_not_waited_for(folder, tmp_path):
    """Nor is a folder taken for a table."""
    os.mkfifo(tmp_path / f"{KIND}.csv")
    (tmp_path / f"{TAX}.csv").mkdir()
    records = folder()

    assert [refusal(records, "hong", kind).partition(":")[0] for kind in (KIND, TAX)] == ["storage.not_found"] * 2
