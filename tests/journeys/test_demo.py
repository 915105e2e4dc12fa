"""The demo as people start it: it walks the whole road, says where it ended, and leaves no process behind."""

from __future__ import annotations

import json
import os
import re
import signal
import ssl
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

import pytest

from ewallet import qr
from ewallet.links import purpose

pytestmark = pytest.mark.loopback

STEPS = 22
PATIENCE = 600  # seconds; about fifteen where nothing else runs


class Demo:
    """A demo in a folder of its own, and what it has said so far."""

    def __init__(self, folder, *arguments):
        self.folder = folder
        self._said = folder / f"said-{len(list(folder.iterdir()))}.txt"
        environment = {name: text for name, text in os.environ.items() if not name.startswith("EWALLET_")}
        paths = [str(Path(path).resolve()) for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
        environment["PYTHONPATH"] = os.pathsep.join([*paths, str(Path(__file__).parents[2])])
        with self._said.open("w") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "issuer_service.demo", "--lang", "en", *arguments],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )

    @property
    def said(self):
        return self._said.read_text("utf-8")

    @property
    def children(self):
        """The processes that it has started and that still run."""
        with suppress(OSError):
            listed = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text("ascii")
            return [int(each) for each in listed.split()]
        return []

    def address(self, before):
        """The address that stands behind some words."""
        (found,) = re.findall(rf"{before} +(https?://\S+)", self.said)
        return found

    def wait_for(self, text):
        """Return when it has said that."""
        end = time.monotonic() + PATIENCE
        while text not in self.said:
            assert self.process.poll() is None, self.said
            assert time.monotonic() < end, self.said
            time.sleep(0.1)

    def ended(self):
        """Its exit code, once it has ended."""
        return self.process.wait(PATIENCE)


@pytest.fixture
def start(tmp_path):
    """Starts demos, and ends what is left of them."""
    started = []

    def demo(*arguments):
        started.append(Demo(tmp_path, *arguments))
        return started[-1]

    yield demo
    for each in started:
        each.process.kill()
        each.process.wait()


def _alive(pids):
    return [pid for pid in pids if Path(f"/proc/{pid}").exists()]


linux = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs the process table of Linux")


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """A demo that was played to its end and looked at, with its services, what a page answered, and its exit code."""
    demo = Demo(tmp_path_factory.mktemp("played"))
    try:
        demo.wait_for("Ctrl-C closes everything.")
        with urllib.request.urlopen(demo.address("the issuer's pages"), timeout=10) as page:  # noqa: S310 - http, of here
            answered = page.status
        children = demo.children
        demo.process.send_signal(signal.SIGINT)
        yield demo, children, answered, demo.ended()
    finally:
        demo.process.kill()
        demo.process.wait()


@linux
def test_every_step_holds_and_the_pages_stay_up_until_ctrl_c(played):
    """Services with databases of their own, QR pictures that can be read, pages that answer, and a clean end."""
    demo, children, answered, code = played

    assert (200, 4) == (answered, len(children))
    assert (0, []) == (code, _alive(children))
    assert [str(number) for number in range(1, STEPS + 1)] == re.findall(r"^(\d+)\. ", demo.said, re.MULTILINE)
    assert "ACCEPTED" in demo.said
    assert "[status.revoked]" in demo.said
    folder = demo.folder / ".demo"
    links = [purpose(qr.read((folder / name).read_bytes())) for name in ("offer.png", "request.png", "request-2.png")]
    assert ["offer", "request", "request"] == links
    databases = {path.relative_to(folder).as_posix() for path in folder.rglob("*.db")}
    copies = {"issuer-backup.db", "issuer-copy.db"}
    services = {"desk/desk.db", "issuer/issuer.db", "issuer/keys.db", "verifier/verifier.db"}
    assert copies | services | {"wallet/wallet.db"} == databases


@linux
def test_a_shop_without_a_network_reads_one_yes_off_a_phone(played):
    """Face to face, by a certificate that the phone knows, and by the code that the phone shows."""
    demo, *_ = played
    met = demo.said.split("Face to face: ")[1].split("\n\n")[0]

    assert "ewallet-verify reader" in met
    assert "--offline" in met
    assert "receiver: 가상편의점 (Example Shop) (on the trust list, face to face)" in met
    assert re.search(r"calendar-year rule\): yes\n +✓ accepted: that is all", met)
    assert qr.read((demo.folder / ".demo" / "engagement.png").read_bytes()).startswith("mdoc:")


@linux
def test_what_becomes_of_peoples_data_is_shown_and_is_so_in_the_files(played):
    """Receipts of both roads, the witness, the changed row, the refused download, the yes, a deletion in the bytes."""
    demo, *_ = played
    folder, said = demo.folder / ".demo", demo.said

    assert 2 == said.count("RECEIPT HOLDS")
    assert "1. [ ] Confirmation of Health Insurance Premium Payment" in said
    assert "[optional, not given] Confirmation of Health Insurance Premium Payment" in said
    assert re.search(r"entry 1 now says .*\n.*\n +THE HISTORY DOES NOT HOLD\n.*\n +first bad position: 1\n", said)
    assert "✓ A witness beside the portal has cosigned it (--quorum 1)" in said
    assert "\u2014 witness.example.org " in (folder / "history.jsonl").read_text("utf-8").splitlines()[-1]
    assert "withdrawn the consent. [consent.withdrawn]" in said
    assert '"answer": "Y"' in said.split("ticket counter")[1].split("That is all")[0]
    assert "there is no key. [storage.not_found]" in said
    verdict = json.loads((folder / "desk" / "verdict.json").read_bytes())
    assert "주식회사 가상전자" == verdict["claims"]["health_insurance_qualification_history"]["current_workplace_name"]
    files = [path for path in (folder / "issuer").rglob("*") if path.is_file()]
    assert [] == [path.name for path in files if "주식회사 가상전자".encode() in path.read_bytes()]
    assert 2 == (folder / "acknowledgement.jwt").read_text("ascii").count(".")


@linux
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_demo_that_is_ended_on_the_way_leaves_no_process(number, start):
    """In the middle of its first step, with all services beginning."""
    demo = start("--once")
    demo.wait_for("1. ")
    while len(demo.children) < 5:
        time.sleep(0.01)
    children = demo.children
    demo.process.send_signal(number)

    assert (128 + number, []) == (demo.ended(), _alive(children))


@linux
def test_a_step_that_does_not_hold_ends_the_demo_with_one(start):
    """The issuer dies before anybody could ask it: the demo says so, and ends the others as well."""
    demo = start("--once")
    demo.wait_for("1. ")
    while len(children := demo.children) < 4:
        time.sleep(0.01)
    os.kill(children[1], signal.SIGKILL)

    assert 1 == demo.ended()
    assert "the demo stopped: no service at http://127.0.0.1:" in demo.said
    assert [] == _alive(children)


def test_a_second_demo_plays_beside_the_first(start):
    """In a folder and at ports of its own."""
    first = start("--once")
    first.wait_for("1. ")
    second = start("--once")

    assert [0, 0] == [second.ended(), first.ended()], second.said
    assert {".demo", ".demo-2"} <= {path.name for path in first.folder.iterdir()}


def test_in_the_network_it_is_https_under_an_authority_that_a_phone_can_load(start):
    """Who trusts the certificate of the leaflet reaches the pages; who does not, does not."""
    demo = start("--lan", "127.0.0.1")
    demo.wait_for("Ctrl-C closes everything.")
    leaflet, issuer, desk = (demo.address(it) for it in ("and open", "the issuer's pages", "its loan desk"))
    with urllib.request.urlopen(f"{leaflet}ewallet-demo-ca.crt", timeout=10) as loaded:  # noqa: S310 - of this machine
        authority = ssl.DER_cert_to_PEM_cert(loaded.read())
    trusting = ssl.create_default_context(cadata=authority)
    for address in (issuer, desk):
        with urllib.request.urlopen(address, timeout=10, context=trusting) as page:  # noqa: S310 - https
            assert (200, True) == (page.status, address.startswith("https:"))
    with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
        urllib.request.urlopen(issuer, timeout=10, context=ssl.create_default_context())  # noqa: S310 - https
    demo.process.send_signal(signal.SIGTERM)

    assert 0 == demo.ended()


def test_an_address_of_another_machine_is_refused_in_words(start):
    """Nothing is begun."""
    demo = start("--once", "--lan", "192.0.2.250")

    assert 1 == demo.ended()
    assert "192.0.2.250 is no address of this machine." in demo.said
