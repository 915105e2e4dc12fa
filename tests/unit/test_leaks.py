"""No whole resident number is in the project or in what its tests write, and one that is would be found."""

from __future__ import annotations

import gzip
import subprocess
import sys
import zlib
from base64 import b64encode, urlsafe_b64encode
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from ewallet import qr
from ewallet.testing.leaks import leaks, ways

ROOT = Path(__file__).parents[2]
FRONT, BACK = "990230", "1" * 7  # never beside each other in a file, so that this one may be read too
DASHED, PLAIN = f"{FRONT}-{BACK}".encode(), f"{'990130'}{BACK}".encode()

WRITTEN = {
    "text": (b'{"number": "' + DASHED + b'"}', "text"),
    "without a dash": (b"<dd>" + PLAIN + b"</dd>", "text"),
    "a column of a database": (b"\x00\x17" + DASHED + b"\x00\x01", "text"),
    "utf-16": (DASHED.decode().encode("utf-16-le"), "utf-16"),
    "base64": (b64encode(b'["salt","number","' + DASHED + b'"]'), "base64 > text"),
    "a disclosure of a disclosure": (
        urlsafe_b64encode(b'{"_sd": "' + urlsafe_b64encode(b'["salt","' + DASHED + b'"]') + b'"}'),
        "base64 > base64 > text",
    ),
    "the last part of a path": (b"https://issuer.example/offers/x" + b"/" + b64encode(DASHED), "base64 > text"),
    "hexadecimal": ((b'"' + DASHED + b'"').hex().encode(), "hex > text"),
    "a link": (b"?claims=%22" + DASHED.replace(b"-", b"%2D") + b"%22", "percent > text"),
    "a stream of a pdf": (b"stream\n" + zlib.compress(b"(" + DASHED + b") Tj") + b"endstream", "stream > text"),
    "a compressed file": (gzip.compress(b"number," + DASHED + b"\n"), "stream > text"),
}
HARMLESS = {
    "a masked number": f"{FRONT}-1******".encode(),
    "a company": b"110111-0000000",
    "milliseconds": b'{"at": 1795219200000}',
    "a document number": b"0000-1111-2222-3333",
    "a longer number": b"9901301111111111",
    "an identifier": b"a9901301111111",
}


@pytest.mark.parametrize(("raw", "way"), WRITTEN.values(), ids=WRITTEN)
def test_a_number_is_found_however_it_is_written(raw, way):
    """The way to it is told, and the number is not."""
    assert way in set(ways(raw))


@pytest.mark.parametrize("raw", HARMLESS.values(), ids=HARMLESS)
def test_what_is_no_number_is_not_taken_for_one(raw):
    """Masked and invented forms, times and other numbers."""
    assert [] == list(ways(raw))


def test_a_number_in_a_picture_is_found(tmp_path):
    """What a QR code says is read; the picture is drawn into a folder that is looked at now and then removed."""
    picture = tmp_path / "offer.png"
    qr.png(DASHED.decode(), picture)
    found = list(leaks(tmp_path))
    picture.unlink()

    assert ["offer.png: qr > text"] == found


def test_there_is_no_number_in_the_project():
    """Schemas, documents, tests and programs, and what lies beside them."""
    assert [] == list(leaks(ROOT))


PLANTING = """\
from base64 import b64encode


def test_writes(tmp_path):
    number = "-".join(("990230", "1" * 7))
    (tmp_path / "wallet.json").write_bytes(b64encode(f'{{"number": "{number}"}}'.encode()))


def test_prints():
    print("-".join(("700199", "2" * 7)))
"""


@pytest.mark.parametrize(
    ("chosen", "found"),
    [
        ("test_writes", "test_writes0/wallet.json: base64 > text"),
        ("test_prints", "Captured stdout call: text"),
    ],
)
def test_a_run_that_writes_a_number_fails(chosen, found):
    """A run of its own, outside of the folder that this run looks through: its test passes and the run does not."""
    with TemporaryDirectory() as folder:
        Path(folder, "test_planted.py").write_text(PLANTING, encoding="utf-8")
        options = [
            "-p",
            "ewallet.testing.leaks",
            "-p",
            "no:cacheprovider",
            "--basetemp",
            f"{folder}/base",
            "-k",
            chosen,
        ]
        run = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", *options, "--rootdir", folder, f"{folder}/test_planted.py"],
            cwd=folder,
            env={"PYTHONPATH": str(ROOT), "PATH": ""},
            capture_output=True,
            text=True,
            check=False,
        )

    assert 1 == run.returncode, run.stdout + run.stderr
    assert "RESIDENT NUMBER " in run.stdout
    assert found in run.stdout
    assert "1 passed" in run.stdout
