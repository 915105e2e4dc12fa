"""A kind that nobody has seen: one file dropped into the folder, and everything there is knows it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import jsonschema_rs
import pytest

import ewallet
import issuer_service
import verifier_cli
from ewallet.catalog import Catalog
from ewallet.formats import FORMATS
from ewallet.keys import SigningKey
from ewallet.shape import base64url

KIND = "library_card"
VCT = f"urn:example:kr-ewallet:{KIND}:1"
ASKED = {
    "reader_name": "홍길동",
    "loans": [{"title": "가상의 책", "due_date": "2026-12-01"}],
    "may_borrow": True,
}
PLACE = ("--data", "data", "--passphrase-file", "passphrase")


def _claim(name, ko, en, type_="string", sensitivity="doc", **more):
    label = {"ko": ko, "en": en}
    return {"name": name, "label": label, "type": type_, "sensitivity": sensitivity, "required": True} | more


_WORDS = {"ko": "가상도서관 열람증", "en": "Invented Library Card"}
FILE = {
    "$schema": "../../meta/credential-type.schema.json",
    "id": KIND,
    "category": "other",
    "name": _WORDS,
    "formats": {
        "dc+sd-jwt": {"vct": VCT},
        "mso_mdoc": {"doctype": f"example.kr-ewallet.{KIND}.1"},
    },
    "issuer": {"system": "libraries", "agency": {"ko": "가상도서관장", "en": "Head of the invented library"}},
    "legal_basis": "가상 도서관법 제1조",
    "standing": "draft",
    "validity": {"days": 90, "rule": "acceptance", "meaning": _WORDS},
    "fee": {"electronic_krw": 0, "counter_krw": None},
    "copies": "once",
    "claims": [
        _claim("document_number", "발급번호", "Document number"),
        _claim("issue_date", "발급일", "Date of issue", "date"),
        _claim("issuing_authority", "발급기관", "Issuing authority"),
        _claim("reader_name", "열람자 이름", "Name of the reader", sensitivity="personal"),
        _claim(
            "loans",
            "대출 중인 책",
            "Books on loan",
            "array",
            "personal",
            disclosure="per_element",
            items=[_claim("title", "서명", "Title"), _claim("due_date", "반납일", "Due on", "date")],
        ),
        _claim("banned", "대출 정지", "Banned from borrowing", "boolean", "personal"),
    ],
    "issue_options": [],
    "predicates": [
        {
            "id": "may_borrow",
            "label": {"ko": "대출 가능", "en": "May borrow"},
            "expression": "not banned",
            "parameterised": False,
            "time_dependent": False,
            "presign": True,
        }
    ],
    "sample": {
        "document_number": "0000-0000",
        "issue_date": "2026-11-21",
        "issuing_authority": "가상도서관장",
        "reader_name": "홍길동",
        "loans": ASKED["loans"],
        "banned": False,
    },
    "predicate_vectors": [{"predicate": "may_borrow", "params": {}, "as_of": "2026-11-21", "expected": True}],
}


@dataclass(frozen=True)
class Copy:
    """The project as it is, with one file more."""

    folder: Path
    work: Path

    def run(self, *command, **settings):
        """A program of the copy, in the folder of the work, that ended well."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("EWALLET_", "LANG", "LC_"))}
        ended = subprocess.run(
            [sys.executable, *command],
            cwd=self.work,
            env=kept
            | {"PYTHONPATH": str(self.folder), "LANG": "C.UTF-8", "COLUMNS": "100", "HOME": str(self.work)}
            | {f"EWALLET_{name.upper()}": str(value) for name, value in settings.items()},
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert 0 == ended.returncode, ended.stderr
        return ended


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """Not a line of code is changed."""
    folder, work = tmp_path_factory.mktemp("copy"), tmp_path_factory.mktemp("work")
    for package in (ewallet, issuer_service, verifier_cli):
        place = Path(str(package.__file__)).parent
        shutil.copytree(place, folder / place.name, ignore=shutil.ignore_patterns("__pycache__"))
    shipped = folder / "ewallet" / "schemas"
    schemas = shipped if shipped.is_dir() else shutil.copytree(Catalog.bundled().folder, folder / "schemas")
    text = json.dumps(FILE, ensure_ascii=False, indent=2) + "\n"
    (Path(schemas) / "types" / "other" / f"{KIND}.json").write_text(text, "utf-8")
    (work / "passphrase").write_text("a passphrase of nobody\n", "utf-8")
    (work / "passphrase").chmod(0o600)
    return Copy(folder, work)


@pytest.fixture(scope="module")
def seen(copy):
    """What became of the kind."""
    return _walked(copy, "carried", "served")


def _walked(copy, *walks):
    return json.loads(copy.run(str(Path(__file__).with_name("unseen_kind.py")), KIND, str(copy.work), *walks).stdout)


def test_the_catalogue_lists_it(copy):
    """It is checked with the others, and nothing is wrong with it."""
    assert f"| {KIND} | 가상도서관 열람증 | libraries | draft |" in copy.run("-m", "ewallet.catalog").stdout


@pytest.mark.parametrize("format_id", list(FORMATS))
def test_it_is_issued_shown_and_judged(seen, format_id):
    """Over the wire, in every format, with a row and a yes that was signed in advance."""
    found = seen["carried"][format_id]
    assert format_id == found["held"]
    assert ("accepted", {KIND: ASKED}) == (found["verdict"]["verdict"], found["verdict"]["claims"])


def test_citizens_find_it_on_the_pages(seen):
    """In the listing and on a page of its own, in both languages, with the words of its file."""
    pages = seen["served"]
    assert "가상도서관 열람증" in pages["listing"]
    assert all(words in pages["detail"] for words in ("가상도서관 열람증", "열람자 이름", "대출 중인 책", "대출 가능"))
    assert all(words in pages["detail_en"] for words in ("Invented Library Card", "Books on loan", "May borrow"))


def test_wallets_find_it_described(seen):
    """As type metadata with its card, and among what the issuer offers, in every format."""
    described = json.loads(seen["served"]["types"])
    offered = json.loads(seen["served"]["metadata"])["credential_configurations_supported"]
    assert ["가상도서관 열람증", "Invented Library Card"] == [entry["name"] for entry in described["display"]]
    assert "{{reader_name}}" in seen["served"]["card"]
    assert {f"{KIND}.{format_id}" for format_id in FORMATS} <= offered.keys()


@pytest.mark.usefixtures("seen")
@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("ko", ("가상도서관 열람증", "열람자 이름", "대출 중인 책", "대출 가능")),
        ("en", ("Invented Library Card", "Name of the reader", "Books on loan", "May borrow")),
    ],
)
def test_holder_is_asked_and_bank_told_in_its_words(copy, lang, words):
    """The wallet's command before anything is shown, and the bank's command in its verdict."""
    answer = f"answer-{lang}.json"
    shown = copy.run(
        "-m", "ewallet.cli", "present", "--request", "request.json", *PLACE, "--lang", lang, "--yes", "--out", answer
    )
    terms = ("--trust", "trust.jwt", "--trust-key", "operator.jwk", "--offline", "--status", "status.jwt")
    told = copy.run(
        "-m", "verifier_cli", "verify", answer, "--request", "request.json", *terms, "--lang", lang, "--text"
    )
    assert [] == [word for word in words if word not in shown.stdout + shown.stderr]
    assert [] == [word for word in words if word not in told.stdout]


def test_it_is_printed_and_the_paper_judged(copy):
    """A file with every value on its page, and the code that is on it: each is taken for what the issuer signed."""
    pytest.importorskip("typst")
    pytest.importorskip("pyhanko")
    pytest.importorskip("pypdfium2")

    told = _walked(copy, "printed")["printed"]

    assert ["accepted", "accepted"] == [told[form]["verdict"] for form in ("file", "code")]
    assert "compared" == told["file"]["paper"]["print"]
    assert ASKED["reader_name"] == told["file"]["claims"][VCT]["reader_name"]
    assert (copy.work / "printed.pdf").read_bytes().startswith(b"%PDF-")


@pytest.mark.usefixtures("seen")
def test_a_batch_has_a_row_of_it(copy):
    """The office's command takes a file with one row, and issues it to a key."""
    row = {"id": "1", "subject": "hong", "kind": KIND, "keys": [SigningKey.generate().public.jwk]}
    (copy.work / "rows.jsonl").write_text(json.dumps(row) + "\n", "utf-8")
    office = {
        "issuer": "https://issuer.example.go.kr",
        "issuer_keys": copy.work / "pki" / "signers",
        "records": f"folder:{copy.work / 'records'}",
        "data": copy.work / "batch",
    }
    (copy.work / "batch").mkdir()
    batch = ("bulk", "rows.jsonl", "--output", "done.jsonl", "--no-tx-codes", "--processes", "1", "--json")

    told = [
        json.loads(line) for line in copy.run("-m", "issuer_service.commands", *batch, **office).stdout.splitlines()
    ]
    (done,) = [json.loads(line) for line in (copy.work / "done.jsonl").read_text("utf-8").splitlines()]

    assert [("1", "issued")] == [(each["id"], each["outcome"]) for each in told[:-1]]
    (raw,) = done["credentials"]
    signed = json.loads(base64url(raw.split(".")[1]))
    assert VCT == signed["vct"]


def test_programs_may_ask_for_it_as_the_service_describes(seen):
    """The description has no list of kinds: an offer of this one fits it, and an offer of a number does not."""
    described = json.loads(seen["served"]["description"])
    asked = described["paths"]["/v1/offers"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    offer = jsonschema_rs.validator_for({**asked, "components": described["components"]})

    assert [True, False] == [offer.is_valid({"subject": "hong", "types": [kind]}) for kind in (KIND, 1)]
    assert "/types/{vct}" in described["paths"]
