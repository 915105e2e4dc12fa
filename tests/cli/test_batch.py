"""Many presentations in one run: JSON Lines in, one verdict a line out."""

from __future__ import annotations

import json

import jsonschema_rs
import pytest

from ewallet.catalog import Catalog

VALIDATOR = jsonschema_rs.Draft202012Validator(
    json.loads((Catalog.bundled().folder / "verdict.schema.json").read_text("utf-8"))
)


def _line(desk, answer="answer", request="answer", **members) -> bytes:
    presentation = json.loads((desk.folder / f"{answer}.json").read_bytes())
    asked = json.loads((desk.folder / f"{request}.request.json").read_bytes())
    return json.dumps({"presentation": presentation, "request": asked} | members).encode()


def _run(desk, *lines: bytes, files: tuple[str, ...] = ()):
    ended = desk.verify("--batch", *files, stdin=b"\n".join(lines))
    documents = [json.loads(line) for line in ended.stdout.splitlines()]
    for document in documents:
        VALIDATOR.validate(document)
    return ended.code, [(document["verdict"], document["code"]) for document in documents]


ACCEPTED = ("accepted", None)


def test_verdicts_come_in_the_order_of_the_lines(desk):
    """Good, bad and broken lines each get their own verdict; the exit code is the worst."""
    lines = (_line(desk), _line(desk, request="other"), b"no json", b"", _line(desk, answer="other", request="other"))
    expected = [ACCEPTED, ("rejected", "kb.nonce"), ("error", "malformed.json"), ACCEPTED]

    assert (2, expected) == _run(desk, *lines)


def test_an_answer_counts_once_in_a_batch(desk):
    """The second answer to one request is a replay."""
    assert (1, [ACCEPTED, ("rejected", "replay.response_used")]) == _run(desk, _line(desk), _line(desk))


def test_a_line_may_bring_nonce_and_audience_instead_of_a_request(desk):
    """A presentation as a text is judged against the nonce beside it; with neither, nobody is the holder."""
    bare = {"presentation": (desk.folder / "presentation.txt").read_text("ascii")}
    lines = (json.dumps(bare | desk.names).encode(), json.dumps(bare).encode())

    assert (1, [ACCEPTED, ("rejected", "kb.missing")]) == _run(desk, *lines)


def test_undecided_is_worse_than_accepted_and_better_than_rejected(desk):
    """The order of exit codes is 70, 2, 1, 3, 0."""
    trust = desk.terms[: desk.terms.index("--status")]
    ended = desk.run("ewallet-verify", "verify", "--batch", *trust, stdin=_line(desk))
    mixed = (_line(desk), _line(desk, request="other"))
    worse = desk.run("ewallet-verify", "verify", "--batch", *trust, stdin=b"\n".join(mixed))

    assert (3, 1) == (ended.code, worse.code)


def test_a_batch_may_be_a_file(desk):
    """A file is read as stdin is."""
    (desk.folder / "batch.jsonl").write_bytes(_line(desk))

    assert (0, [ACCEPTED]) == _run(desk, files=("batch.jsonl",))


@pytest.mark.parametrize(
    "arguments", [(), ("one.jsonl", "two.jsonl"), ("--request", "answer.request.json"), ("--nonce", "n")]
)
def test_a_batch_that_makes_no_sense_is_a_wrong_argument(desk, arguments):
    """An empty batch, several files, and what belongs into the lines."""
    ended = desk.verify("--batch", *arguments)

    assert (2, "error") == (ended.code, ended.document["verdict"])


def test_a_line_without_end_is_refused_and_the_next_one_read(desk):
    """A line of more than 8 MiB is not kept in memory, and spoils no other."""
    assert (2, [("error", "limit.size"), ACCEPTED]) == _run(desk, b"x" * (9 << 20), _line(desk))
