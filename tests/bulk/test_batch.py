"""A batch: every row once, however often it is run, whoever runs it, wherever it was stopped."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import islice

import pytest

from ewallet import collection
from ewallet.bulk import Spool
from ewallet.errors import StoreError, UsageError


def _outcomes(results):
    return [(result.outcome, result.code) for result in results]


def _x(copy):
    assert copy.holder is not None
    return copy.holder.jwk["x"]


def test_every_row_is_issued_and_written_once(office, rows):
    """Each credential is for its own keys, its entry is on record, and the file has its name at the end."""
    results = office.run(rows, chunk=3)
    trust, at = office.pki.trust_list(), office.env.now()
    held = [[collection.check(raw, trust, at) for raw in line["credentials"]] for line in office.lines()]

    assert [("issued", "")] * 10 == _outcomes(results)
    assert [row.id for row in rows] == [line["id"] for line in office.lines()]
    assert [[jwk["x"] for jwk in row.keys] for row in rows] == [[_x(copy) for copy in copies] for copies in held]
    assert (10, 10, 20) == office.counts()
    assert 20 == len({copy.status for copies in held for copy in copies})
    assert not (office.folder / "issued.jsonl.part").exists()


def test_a_batch_that_is_run_again_issues_nothing(office, rows):
    """The output stays as it is, whatever it is called by then."""
    office.run(rows)
    before = office.lines()

    assert [("already", "")] * 10 == _outcomes(office.run(rows))
    assert before == office.lines()
    assert [("already", "")] * 10 == _outcomes(office.run(rows, output="other.jsonl", tx_codes="others"))
    assert (10, 10, 20) == office.counts()


def test_no_list_of_people_is_answered(office, rows, new_row):
    """An answer to a rule is worked out for whoever asks, and they are told: not even with its claims is it issued."""
    claims = {"rule": "public_facility_discount", "version": 1, "answer": "Y"}
    answers = [replace(new_row(number), type_id="eligibility_answer", claims=claims) for number in (10, 11)]
    keyless = replace(answers[1], keys=())

    assert [("refused", "usage.argument")] * 2 == _outcomes(office.run([*rows, answers[0], keyless]))[10:]


def test_a_row_that_was_mended_is_issued_by_the_next_run(office, rows, new_row):
    """And added to the output of the first."""
    broken = new_row(3, claims={"household_size": "many"})
    first = office.run([*rows[:2], broken, *rows[3:]])
    second = office.run([*rows[:2], replace(broken, claims=None), *rows[3:]])

    assert ("refused", "issue.invalid_value") == _outcomes(first)[2]
    assert ("issued", "") == _outcomes(second)[2]
    assert sorted(row.id for row in rows) == sorted(line["id"] for line in office.lines())


def test_a_row_that_asks_for_something_else_under_the_same_id_is_refused(office, rows, new_row):
    """An id names one certificate for ever."""
    office.run(rows)

    assert [("refused", "usage.key_reused")] == _outcomes(office.run([new_row(1)]))
    assert (10, 10, 20) == office.counts()


def test_an_id_that_comes_twice_is_refused_the_second_time(office, rows, new_row):
    """In the same piece and in another."""
    results = office.run([*rows, new_row(10), rows[0]], chunk=11)

    assert [("refused", "usage.argument")] * 2 == _outcomes(results)[10:]
    assert (10, 10, 20) == office.counts()


def test_one_rows_trouble_is_not_that_of_the_next(office, rows, new_row):
    """Each is named by its own code, with the place and without the value."""
    bad = [
        new_row(11, type_id="no_such_kind"),
        new_row(12, format_id="no such format"),
        new_row(13, keys=({"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},)),
        new_row(14, keys=rows[0].keys * 2),
        new_row(15, keys=(), claims={}),
        new_row(16, claims={"nobody": "홍길동"}),
    ]
    results = office.run([each for pair in zip(rows, bad, strict=False) for each in pair])
    codes = [result.code for result in results[1::2]]

    assert [("issued", "")] * 6 == _outcomes(results[::2])
    assert ["usage.argument", "crypto.key_invalid", "usage.argument", "usage.argument"] == codes[1:5]
    assert ["usage.argument", "issue.invalid_value"] == [codes[0], codes[5]]
    assert "홍길동" not in "".join(result.detail for result in results)


@pytest.mark.parametrize("stop", ["begun", "written"])
def test_a_run_that_was_stopped_is_finished_with_the_same_entries(office, rows, stop):
    """Between intent and signature, or between output and record; a service that starts meanwhile is no harm."""
    batch = office.batch(chunk=5)
    with Spool(office.folder / "issued.jsonl") as spool:
        desk, terms = office.desk, replace(batch.terms, run=b"first")
        desk.store.take_over(terms.batch, terms.run)
        results = desk.issue(terms, rows[:5])
        if stop == "written":
            spool.write(results)
    given = office.select("SELECT certificate, entry FROM entries")
    office.desk.issuer._store.void(office.env.now() + timedelta(days=1))
    again = office.run(rows)

    assert (10, 10, 20) == office.counts()
    assert set(given) < set(office.select("SELECT certificate, entry FROM entries"))
    assert sorted(row.id for row in rows) == sorted(line["id"] for line in office.lines())
    assert {"begun": 10, "written": 5}[stop] == sum(result.outcome == "issued" for result in again)


def test_a_line_that_is_torn_is_written_again(office, rows):
    """What is behind the last whole line goes."""
    with Spool(office.folder / "issued.jsonl") as spool:
        list(islice(office.batch(chunk=5).run(rows, spool), 5))
    part = office.folder / "issued.jsonl.part"
    desk = office.desk
    with desk.store._engine.writing() as connection:  # as if the last row had not been recorded as written
        connection.exec_driver_sql("UPDATE certificates SET stage = 3 WHERE subject = 'citizen-5'")
        undone = "UPDATE batch_rows SET done = 0 WHERE certificate IN (SELECT id FROM certificates WHERE stage = 3)"
        connection.exec_driver_sql(undone)
    part.write_bytes(part.read_bytes()[:-40])
    office.run(rows)

    assert sorted(row.id for row in rows) == sorted(line["id"] for line in office.lines())
    assert (10, 10, 20) == office.counts()


def test_a_later_run_takes_the_batch_over(office, rows):
    """The earlier one ends at its next step, and no row has two certificates."""
    with Spool(office.folder / "a.jsonl") as one, Spool(office.folder / "b.jsonl") as two:
        earlier, later = office.batch(chunk=2).run(rows, one), office.batch(chunk=2).run(rows, two)
        next(earlier)
        taken = [next(later) for _ in range(4)]
        with pytest.raises(UsageError) as refused:
            list(earlier)
        rest = list(later)

    assert "usage.in_progress" == refused.value.code
    assert [("already", "")] * 2 + [("issued", "")] * 8 == _outcomes([*taken, *rest])
    assert (10, 10, 20) == office.counts()


def test_runs_that_come_after_one_another_share(office, rows):
    """What one has done the other does not do again."""
    with Spool(office.folder / "a.jsonl") as one, Spool(office.folder / "b.jsonl") as two:
        earlier = office.batch(chunk=2).run(rows, one)
        next(earlier)
        list(office.batch(chunk=2).run(rows, two))
        rest = list(earlier)

    assert [("issued", "")] + [("already", "")] * 8 == _outcomes(rest)
    assert (10, 10, 20) == office.counts()


def test_one_run_at_a_time_writes_an_output(office):
    """The second is told so before it takes anything over."""
    with Spool(office.folder / "issued.jsonl"), pytest.raises(UsageError) as refused:
        Spool(office.folder / "issued.jsonl")

    assert "usage.in_progress" == refused.value.code


def test_an_output_of_another_batch_is_not_added_to(office, rows):
    """Its rows are not known."""
    office.run(rows)
    with Spool(office.folder / "issued.jsonl") as spool, pytest.raises(UsageError) as refused:
        list(office.batch("another").run(rows, spool))

    assert "usage.file" == refused.value.code


def test_threads_share_a_desk(office, rows, new_row):
    """Any executor will do; results come in the order of the rows."""
    many = [*rows, *(new_row(number) for number in range(11, 61))]
    with ThreadPoolExecutor(4) as executor:
        results = office.run(many, executor=executor, chunk=4)

    assert [row.id for row in many] == [result.id for result in results]
    assert [("issued", "")] * 60 == _outcomes(results)
    assert (60, 60, 120) == office.counts()


class _Afar(ThreadPoolExecutor):
    """What it is given arrives as something new each time, as with workers in other processes."""

    def submit(self, fn, /, *args, **kwargs):
        make, *others = args
        return super().submit(fn, partial(make.func, *make.args), *others, **kwargs)


def test_a_worker_opens_one_desk_for_a_run(office, rows):
    """It is kept from piece to piece, though each piece brings a way of its own to open one."""
    opened = []

    def at(place):
        opened.append(place)
        return office.desk

    make = partial(at, "a place")
    with _Afar(1) as executor, Spool(office.folder / "issued.jsonl") as spool:
        results = list(replace(office.batch(), make=make, executor=executor, chunk=2).run(rows, spool))

    assert [("issued", "")] * 10 == _outcomes(results)
    assert ["a place"] == opened


def test_entries_that_others_have_are_drawn_again(office, rows):
    """With a list that is nearly half full some are hit, and none is given twice."""
    office.list_size = 64
    results = office.run(rows, chunk=5)

    assert [("issued", "")] * 10 == _outcomes(results)
    assert 20 == len(set(office.select("SELECT list, entry FROM entries")))


def test_whoever_has_no_key_is_offered_the_certificate(office, new_row):
    """Once: the link and the digits are in two files, and a run that was stopped makes the same offer again."""
    wanted = [new_row(number, keys=()) for number in (1, 2)]
    first = office.desk.issue(replace(office.batch().terms, run=_run(office)), wanted)
    results = office.run(wanted)
    codes = office.lines("codes.jsonl")

    assert [("offered", "")] * 2 == _outcomes(results)
    assert (
        [each.offer for each in first] == [each.offer for each in results] == [line["offer"] for line in office.lines()]
    )
    assert [(each.id, each.tx_code) for each in results] == [(line["id"], line["tx_code"]) for line in codes]
    assert not any(line["tx_code"] in str(office.lines()) for line in codes)
    assert [(2,)] == office.select("SELECT count(*) FROM codes")


def _run(office):
    office.desk.store.take_over(office.batch().terms.batch, b"earlier")
    return b"earlier"


def test_an_offer_needs_a_record(office, new_row):
    """Nobody is sent a link that leads to nothing."""
    results = office.run([new_row(1, keys=(), type_id="no_such_kind")])

    assert [("refused", "usage.argument")] == _outcomes(results)


def test_a_preview_records_nothing(office, rows, new_row):
    """It says what a run would say."""
    wanted = [*rows[:2], new_row(3, claims={}), new_row(4, keys=()), rows[0]]
    results = list(office.batch().preview(wanted))

    assert ["ready", "ready", "refused", "ready", "refused"] == [result.outcome for result in results]
    assert (0, 0, 0) == office.counts()
    assert [] == office.select("SELECT 1 FROM batch_rows")


def test_a_database_that_fails_ends_the_run(office, rows):
    """It is not the rows' fault, and they are not refused."""
    office.desk.store._engine.close()
    office.desk.store.begun = _failing

    with Spool(office.folder / "issued.jsonl") as spool, pytest.raises(StoreError) as failed:
        list(office.batch().run(rows, spool))

    assert "storage.unavailable" == failed.value.code


def _failing(_names):
    raise StoreError("storage.unavailable", "a test")


def test_a_signature_that_fails_leaves_its_row_to_the_next_run(office, rows):
    """With the same entry as before."""

    class Broken:
        public, chain = office.pki.signers["resident"].public, office.pki.signers["resident"].chain

        def sign(self, _data):
            raise OSError("a hardware module that was pulled out")

    signers = office.desk.issuer._signers
    whole = dict(signers)
    signers["resident"] = Broken()
    first = office.run(rows)
    signers.update(whole)
    second = office.run(rows)

    assert {("refused", "usage.file")} == set(_outcomes(first))
    assert {("issued", "")} == set(_outcomes(second))
    assert (10, 10, 20) == office.counts()


@pytest.mark.parametrize("name", ["issued.jsonl", "issued.jsonl.part", "codes.jsonl"])
@pytest.mark.parametrize("text", ["id,subject\nrow-1,hong\n", '{"id": "row-1", "subject": "hong"}\n'])
def test_a_file_that_no_batch_wrote_stays_what_it_is(name, text, tmp_path):
    """Somebody's rows, named as an output by mistake: refused before a byte of them is lost."""
    (tmp_path / name).write_text(text, "utf-8")

    with pytest.raises(UsageError) as refused:
        Spool(tmp_path / "issued.jsonl", tx_codes=tmp_path / "codes.jsonl")

    assert ("usage.file", "the output is a file that no batch has written") == (
        refused.value.code,
        refused.value.detail,
    )
    assert {name: text} == {path.name: path.read_text("utf-8") for path in tmp_path.iterdir()}
