"""Hostile kind files and records: refused where they come in, with file and path, while the others go on."""

from __future__ import annotations

import copy
import json
import os
import shutil

import pytest

from ewallet.catalog import Catalog
from ewallet.errors import UsageError
from ewallet.printed import on_paper

KIND = "resident_register_copy"
FULL = f"990230-{1_234_567}"  # nobody's: there is no 30 February


@pytest.fixture
def folder(tmp_path, ewallet_kit):
    """A folder of schemas with one kind of the catalogue."""
    kind = ewallet_kit.catalog.type(KIND)
    place = tmp_path / "types" / kind.category
    place.mkdir(parents=True)
    shutil.copy(ewallet_kit.catalog.folder / "types" / kind.category / f"{KIND}.json", place)
    return tmp_path


def _put(folder, change):
    """A second kind, which is the first but for a change."""
    (path,) = folder.glob(f"types/*/{KIND}.json")
    kind = json.loads(path.read_bytes()) | {"id": "other"}
    kind["formats"] = {"dc+sd-jwt": {"vct": "urn:example:other:1"}, "mso_mdoc": {"doctype": "example.other.1"}}
    change(kind)
    path.with_name("other.json").write_text(json.dumps(kind), encoding="utf-8")


def _words(text):
    return lambda kind: kind.update(name={"ko": text, "en": "Other"})


#: What would go out on pages, terminals and paper, or fail there: a change, and what is said of it.
UNFIT = {
    "escape": (_words("가\x1b[31m나"), "name.ko has line breaks, control characters, or others that are not seen"),
    "bidi": (_words("가\u202e나"), "name.ko has line breaks, control characters, or others that are not seen"),
    "line": (_words("가\n나"), "name.ko has line breaks, control characters, or others that are not seen"),
    "long": (_words("가" * 2_001), "name.ko has 2001 characters, at most 2000 are read"),
    "endless": (lambda kind: kind["validity"].update(days=100_000_000), "validity.days is out of range"),
}


@pytest.mark.parametrize("case", UNFIT)
def test_what_no_surface_could_show_is_refused_at_load(case, folder):
    """By its file and its place, and the other kind is there."""
    change, reason = UNFIT[case]
    _put(folder, change)

    catalog = Catalog.load(folder)

    assert [f"types/resident/other.json: {reason}"] == [str(problem) for problem in catalog.problems]
    assert [KIND] == [kind.id for kind in catalog]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_among_the_files_is_not_waited_for(folder):
    """Whoever may write into the folder cannot make a service hang at its start."""
    os.mkfifo(folder / "types" / "resident" / "other.json")

    assert ["types/resident/other.json: cannot be read"] == [str(problem) for problem in Catalog.load(folder).problems]


def _masked(claims, path):
    """Every place of a masked number in the claims of a kind."""
    for claim in claims:
        if claim.hides_number:
            yield (*path, claim.name)
        yield from _masked(claim.members, (*path, claim.name))


def _placed(value, path, text):
    """The same record with that text at the path, in every row there is; None where there is no such place."""
    if isinstance(value, list):
        rows = [_placed(row, path, text) for row in value]
        return rows if rows and None not in rows else None
    first, *rest = path
    if rest and first not in value:
        return None
    below = _placed(value[first], rest, text) if rest else text
    return None if below is None else value | {first: below}


@pytest.mark.parametrize("number", [FULL, FULL.replace("-", ""), "\uff19\uff19\uff10\uff12\uff13\uff10-1234567"])
def test_a_whole_number_in_the_place_of_the_masked_one_is_not_issued(number, ewallet_kit):
    """A register that forgot to mask: no kind takes it, wherever the masked form stands, nor tells what it was."""
    tried = 0
    for kind in ewallet_kit.catalog:
        for path in _masked(kind.claims, ()):
            record = _placed(copy.deepcopy(dict(kind.sample)), path, number)
            if record is None:
                continue
            tried += 1
            with pytest.raises(UsageError) as refused:
                kind.check(kind.issuable(record))
            assert "issue.invalid_value" == refused.value.code
            assert refused.value.detail.endswith("not written as this kind of value is")
            assert number not in refused.value.detail
    assert tried > 100


def test_masked_numbers_are_printed(ewallet_kit):
    """So that what is refused above is refused for its digits."""
    kind = ewallet_kit.catalog.type(KIND)
    rows = on_paper(kind, kind.sample)["household_members"]

    assert all(row["resident_registration_number_masked"].endswith("******") for row in rows)
