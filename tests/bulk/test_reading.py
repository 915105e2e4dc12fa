"""Rows from files: what is none is named by its line and a stable code, and the others go on."""

from __future__ import annotations

import io
import json

import pytest

from ewallet.bulk import Row
from ewallet.bulk.reading import MAX_LINE, Reader
from ewallet.catalog import Catalog
from ewallet.errors import UsageError
from ewallet.keys import SigningKey

KIND = "resident_register_copy"
KEY = SigningKey.generate().public.jwk


@pytest.fixture(scope="module")
def reader():
    """A reader of the bundled kinds."""
    return Reader(catalog=Catalog.bundled())


def _csv(reader, *lines):
    text = b"\n".join(line if isinstance(line, bytes) else line.encode() for line in lines)
    return list(reader.csv(io.BytesIO(text)))


def _jsonl(reader, *rows):
    lines = [row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows]
    return list(reader.jsonl(io.BytesIO(b"\n".join(lines))))


def _quoted(cell):
    return '"{}"'.format(cell.replace('"', '""'))


def test_a_row_is_the_same_in_both_forms(reader):
    """Keys are a JWK, a list of them, or a JWK Set as a wallet prints it."""
    row = {"id": "1", "subject": "hong", "kind": KIND}
    for keys in (KEY, [KEY], {"keys": [KEY]}):
        cells = _quoted(json.dumps(keys))
        expected = Row(number=2, id="1", subject="hong", type_id=KIND, format_id="dc+sd-jwt", keys=(KEY,))
        assert [expected] == _csv(reader, "id,subject,kind,keys", f"1,hong,{KIND},{cells}")
        assert [expected] == _jsonl(reader, b"", {**row, "keys": keys})


def test_columns_that_are_none_of_ours_are_claims(reader):
    """Of their own types, in rows of arrays too; a cell that is empty is a claim that is not there."""
    head = "subject,kind,household_size,household_members[0].name,household_head_name,claims.document_number"
    (row,) = _csv(reader, head, f"hong,{KIND},2,홍길동,,0000-1")

    assert {"household_size": 2, "household_members": [{"name": "홍길동"}], "document_number": "0000-1"} == row.claims


def test_a_row_without_claims_is_read_from_the_records(reader):
    """Also where the file has columns for those of others."""
    (row,) = _csv(reader, "subject,kind,household_size", f"hong,{KIND},")

    assert row.claims is None


def test_what_looks_like_a_formula_stays_what_it_says(reader):
    """A cell is a value and nothing else."""
    text = '=HYPERLINK("http://example.test")'
    (row,) = _csv(reader, "subject,kind,household_head_name", f"@hong,{KIND},{_quoted(text)}")

    assert ("@hong", text) == (row.subject, row.claims["household_head_name"])


def test_a_row_that_names_no_kind_has_that_of_the_file():
    """And its format."""
    reader = Reader(catalog=Catalog.bundled(), kind=KIND, format_id="mso_mdoc")
    (row,) = _csv(reader, "subject", "hong")

    assert (KIND, "mso_mdoc") == (row.type_id, row.format_id)


def test_a_row_without_an_id_is_called_after_what_it_says(reader):
    """So that it is the same row when the file is read again, wherever it stands by then."""
    one, two = (_jsonl(reader, *before, {"subject": "hong", "kind": KIND})[-1] for before in ([], [b"{}"]))

    assert one.id == two.id
    assert one.number != two.number
    assert one.id != _jsonl(reader, {"subject": "seong", "kind": KIND})[0].id


BROKEN = {
    "too few cells": ("1,hong", "malformed.encoding"),
    "too many cells": (f"1,hong,{KIND},,", "malformed.encoding"),
    "a mark that does not close": (f'1,"hong,{KIND},', "malformed.encoding"),
    "text behind a mark": (f'1,"hong"x,{KIND},', "malformed.encoding"),
    "not utf-8": (b"1,\xff,resident_register_copy,", "malformed.encoding"),
    "a nul": (f"1,ho\0ng,{KIND},", "malformed.encoding"),
    "a line without an end": ("1," + "x" * (MAX_LINE + 1), "limit.size"),
    "no subject": (f"1,,{KIND},", "malformed.claim_type"),
    "no kind": ("1,hong,,", "usage.argument"),
    "an id without end": (f"{'x' * 300},hong,{KIND},", "usage.argument"),
    "a key that is no json": (f"1,hong,{KIND},key", "malformed.json"),
    "a key that is a number": (f"1,hong,{KIND},7", "malformed.claim_type"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_line_that_is_no_row_is_refused_and_the_next_is_read(reader, name):
    """With its line and its code, and without its values."""
    line, code = BROKEN[name]
    broken, fine = _csv(reader, "id,subject,kind,keys", line, f"2,seong,{KIND},")

    assert (2, "refused", code) == (broken.number, broken.outcome, broken.code)
    assert (3, "seong") == (fine.number, fine.subject)
    assert "hong" not in broken.detail


LINES = {
    "no json": (b"{", "malformed.json"),
    "no object": (b"[]", "malformed.claim_type"),
    "a member twice": (b'{"subject": "a", "subject": "b"}', "malformed.json_duplicate"),
    "a member of no meaning": ({"subject": "hong", "kind": KIND, "key": KEY}, "usage.argument"),
    "claims that are a text": ({"subject": "hong", "kind": KIND, "claims": "none"}, "malformed.claim_type"),
    "a subject that is a number": ({"subject": 7, "kind": KIND}, "malformed.claim_type"),
    "nested without end": (b"[" * 100_000, "limit.depth"),
}


@pytest.mark.parametrize("name", LINES)
def test_a_line_that_is_no_object_of_ours_is_refused_and_the_next_is_read(reader, name):
    """As in CSV."""
    line, code = LINES[name]
    broken, fine = _jsonl(reader, line, {"subject": "seong", "kind": KIND})

    assert (1, "refused", code) == (broken.number, broken.outcome, broken.code)
    assert (2, "seong") == (fine.number, fine.subject)


CELLS = {
    "not a number": ("household_size", "four", "issue.invalid_value", "household_size"),
    "of another kind": ("no_such_claim", "x", "issue.invalid_value", "column 3"),
}


@pytest.mark.parametrize("name", CELLS)
def test_a_cell_that_is_no_claim_of_the_kind_is_named(reader, name):
    """By its path or its column, and not by its value."""
    column, cell, code, path = CELLS[name]
    (broken,) = _csv(reader, f"subject,kind,{column}", f"hong,{KIND},{cell}")

    assert (code, path) == (broken.code, broken.path)
    assert cell not in broken.detail.split(":")[0]


HEADS = {
    "nothing": b"",
    "a column twice": b"subject,kind,subject",
    "a column without a name": b"subject,kind,",
    "no subject": b"id,kind",
    "no kind": b"id,subject",
    "not utf-8": b"subject,kind,\xff",
    "a line without an end": b"x" * (MAX_LINE + 1),
}


@pytest.mark.parametrize("name", HEADS)
def test_a_head_line_that_makes_no_sense_ends_it(reader, name):
    """Nothing can be read then."""
    with pytest.raises(UsageError) as refused:
        _csv(reader, HEADS[name], "hong")

    assert "usage.file" == refused.value.code


def test_a_byte_order_mark_and_other_line_ends_are_no_harm(reader):
    """As spreadsheets write them."""
    (row,) = reader.csv(io.BytesIO(f"\ufeffsubject,kind\r\nhong,{KIND}\r\n".encode()))

    assert ("hong", KIND) == (row.subject, row.type_id)


def test_memory_does_not_grow_with_a_line(reader):
    """A gigabyte without a line end is read piece by piece."""

    class Endless(io.RawIOBase):
        left = 1 << 26
        most = 0

        def readline(self, size=-1):
            self.most = max(self.most, size)
            self.left -= (now := min(size, self.left))
            return b"x" * now

    file = Endless()
    (broken,) = reader.jsonl(file)

    assert "limit.size" == broken.code
    assert file.most <= MAX_LINE + 1
