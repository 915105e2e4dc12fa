"""``make demo``: one certificate from the issuer to the bank's verdict, in plain words, with the files it makes.

The issuer and the bank's question are the library; the wallet and the verdict are the two commands, run as a citizen
and a clerk run them. Every step says what it expects, and the demo ends with 1 where that is not what happens.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from ewallet import Catalog, Database, Env, Issuer, PublicKey, Query, Verifier, errors
from ewallet.catalog.kinds import KST
from ewallet.shape import json_object
from ewallet.testing.pki import Pki

FOLDER: Final = ".demo"
_ISSUER: Final = "https://issuer.example.go.kr"
_BANK: Final = "x509_san_dns:bank.example"
_KIND: Final = "resident_register_copy"
_ASKED: Final = ("subject_name", "resident_address", "is_householder")


class Unexpected(Exception):
    """A step did not do what it promised."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Where the demo keeps its things, in which language it speaks, and who takes part."""

    folder: Path
    language: errors.Language
    env: Env
    pki: Pki
    issuer: Issuer
    bank: Verifier

    @classmethod
    def build(cls, folder: Path, language: errors.Language, env: Env) -> Stage:
        """A fresh folder with a small PKI and an empty issuer's database."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700)
        pki = Pki.make(at=env.now() - timedelta(days=2), issuer=_ISSUER)
        issuer = Issuer(
            _ISSUER,
            signers=pki.signers,
            status_signer=pki.status_signer,
            catalog=Catalog.bundled(),
            store=Database(f"sqlite:///{folder / 'issuer.db'}").issuer,
            env=env,
        )
        bank = Verifier(_BANK, trust=pki.trust_list(), store=Database("sqlite://").verifier, env=env)
        return cls(folder=folder, language=language, env=env, pki=pki, issuer=issuer, bank=bank)

    def say(self, ko: str, en: str) -> None:
        """One line to whoever watches."""
        print(ko if self.language == "ko" else en, flush=True)

    def write(self, name: str, text: str) -> Path:
        """A file of the demo that only its owner may read."""
        path = self.folder / name
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def wallet(self, *arguments: str, shown: bool = False) -> Any:
        """Run ``ewallet`` and give back what it says as JSON; with ``shown``, as the citizen sees it too."""
        fixed = ("--data", str(self.folder / "wallet"), "--passphrase-file", str(self.folder / "passphrase.txt"))
        done = _run("ewallet.cli", *arguments, *fixed, *(("--lang", self.language) if shown else ("--json",)))
        if shown:
            self._show("ewallet", arguments, done.stdout)
        _expect(done.returncode == 0, f"ewallet {arguments[0]} ended with {done.returncode}: {done.stderr}")
        return None if shown else json_object(done.stdout)

    def verify(self, *arguments: str, stdin: str = "", expected: int = 0) -> Mapping[str, Any]:
        """Run ``ewallet-verify verify`` as the clerk does and give back the verdict; its exit code is the judgement."""
        files = [f"--{name}={self.folder / file}" for name, file in _BANK_FILES.items()]
        done = _run("verifier_cli", "verify", "--offline", "--json", *files, *arguments, stdin=stdin)
        _expect(done.returncode == expected, f"the verdict ended with {done.returncode}, expected {expected}")
        verdict = json_object(done.stdout)
        why = f": {errors.words(verdict['code'], self.language).what}" if verdict["code"] else ""
        print(f"  $ ewallet-verify verify {' '.join(arguments)}\n    {verdict['verdict']}{why}", flush=True)
        return verdict

    def _show(self, name: str, arguments: Sequence[str], text: str) -> None:
        print(f"  $ {name} {' '.join(arguments)}")
        print("".join(f"    {line}\n" for line in text.splitlines()), end="", flush=True)


_BANK_FILES: Final = {"trust": "trust.jwt", "trust-key": "operator.jwk", "request": "request.json"}


def _run(module: str, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONIOENCODING": "utf-8", "NO_COLOR": "1"}
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(  # noqa: S603 - our own modules, arguments of this file
        command, input=stdin, capture_output=True, text=True, encoding="utf-8", check=False, env=environment
    )


def _expect(held: bool, otherwise: str) -> None:  # noqa: FBT001 - reads as a sentence
    if not held:
        raise Unexpected(otherwise)


def trust(stage: Stage) -> None:
    """The operator of the trust framework says who may issue what."""
    stage.say(
        "1. 신뢰 체계 운영자가 '누가 어떤 증명서를 발급해도 되는지'를 서명한 신뢰목록을 냅니다.",
        "1. The trust framework's operator signs a list of who may issue what.",
    )
    stage.write("trust.jwt", stage.pki.signed_trust_list())
    stage.write("operator.jwk", json.dumps(stage.pki.operator.public.jwk))
    stage.write("passphrase.txt", "a passphrase for the demo only\n")


def issue(stage: Stage) -> str:
    """A resident register copy, three copies of it, signed into keys of the citizen's wallet."""
    stage.say(
        "2. 시민의 지갑이 열쇠 3개를 만들고, 구청이 주민등록표 등본을 그 열쇠에 묶어 서명합니다.",
        "2. The citizen's wallet makes three keys; the office signs a resident register copy into them.",
    )
    lists = ("--trust", str(stage.folder / "trust.jwt"), "--trust-key", str(stage.folder / "operator.jwk"))
    stage.wallet("init", *lists)
    keys = [PublicKey.of_jwk(jwk) for jwk in stage.wallet("keys", "--count", "3")["keys"]]
    today = stage.env.now().astimezone(KST).date().isoformat()
    record = {**Catalog.bundled().type(_KIND).sample, "issue_date": today}
    issued = stage.issuer.issue(_KIND, record, subject="citizen-0001", holders=keys)
    stage.write("credentials.json", json.dumps(issued.credentials))
    stage.wallet("receive", str(stage.folder / "credentials.json"))
    stage.wallet("list", shown=True)
    return issued.certificate.id


def ask(stage: Stage) -> None:
    """The bank asks for two claims and one yes/no."""
    stage.say(
        "3. 은행이 두 항목과 '세대주인가요?'(예/아니요) 하나만 묻습니다.",
        "3. The bank asks for two claims and one yes/no: is this the head of the household?",
    )
    query = Query.for_type(Catalog.bundled().type(_KIND), _ASKED, name="register")
    request = stage.bank.ask(query, purpose="대출 심사" if stage.language == "ko" else "loan application")
    stage.write("request.json", request.to_bytes().decode())


def present(stage: Stage) -> None:
    """The wallet shows what would leave, and sends that and nothing else."""
    stage.say(
        "4. 지갑이 보낼 것만 골라 답을 만듭니다. 한 번은 파일로, 한 번은 QR 그림으로, 매번 다른 사본을 씁니다.",
        "4. The wallet answers with exactly that, once as a file, once as a QR picture, each time with another copy.",
    )
    request = ("present", "--yes", "--request", str(stage.folder / "request.json"))
    stage.wallet(*request, "--out", str(stage.folder / "answer.json"), shown=True)
    stage.wallet(*request, "--qr", str(stage.folder / "answer.png"), shown=True)
    shown = (stage.folder / "answer.json").read_text("utf-8")
    _expect((stage.folder / "answer.png").stat().st_size > 0, "no QR picture was drawn")
    _expect("홍이동" not in shown, "the name of a child left the wallet")


def accept(stage: Stage) -> None:
    """The same verdict from a file, a pipe and a picture."""
    stage.say(
        "5. 은행 창구의 명령이 파일, 파이프, QR 그림을 검증합니다. 셋 다 같은 판정입니다.",
        "5. The bank's command verifies the file, a pipe and the QR picture: one verdict.",
    )
    publish(stage)
    answer, status = stage.folder / "answer.json", f"--status={stage.folder / 'status.jwt'}"
    verdicts = [
        stage.verify(str(answer), status),
        stage.verify("-", status, stdin=answer.read_text("utf-8")),
        stage.verify(str(stage.folder / "answer.png"), status),
    ]
    claims = verdicts[0]["claims"]
    _expect(all(verdict["claims"] == claims for verdict in verdicts), "three verdicts on one answer differ")
    _expect(set(claims["register"]) == set(_ASKED), "the bank learned something else than it asked")
    for name, value in claims["register"].items():
        print(f"    {name}: {value}")


def refuse(stage: Stage) -> None:
    """A changed answer is rejected; without a status list there is no verdict."""
    stage.say(
        "6. 글자 하나만 바꿔도 거절합니다. 폐지 여부를 알 수 없으면 '판정 불가'라고 말합니다.",
        "6. One changed character is rejected; where the status cannot be known, the verdict is 'undecided'.",
    )
    text = (stage.folder / "answer.json").read_text("utf-8")
    middle = text.index("~") + 20
    changed = text[:middle] + ("A" if text[middle] != "A" else "B") + text[middle + 1 :]
    stage.write("changed.json", changed)
    stage.verify(str(stage.folder / "changed.json"), f"--status={stage.folder / 'status.jwt'}", expected=1)
    unknown = stage.verify(str(stage.folder / "answer.json"), expected=3)
    _expect(unknown["code"] == "status.unavailable", f"undecided for another reason: {unknown['code']}")


def revoke(stage: Stage, certificate_id: str) -> None:
    """After the office revokes the certificate, the same answer is refused."""
    stage.say(
        "7. 구청이 증명서를 폐지하면, 같은 답이 더는 통하지 않습니다.",
        "7. The office revokes the certificate; the same answer is refused from then on.",
    )
    stage.issuer.revoke(certificate_id, reason="moved away")
    publish(stage)
    answer, status = stage.folder / "answer.json", f"--status={stage.folder / 'status.jwt'}"
    verdict = stage.verify(str(answer), status, expected=1)
    _expect(verdict["code"] == "status.revoked", f"rejected for another reason: {verdict['code']}")


def look_back(stage: Stage) -> None:
    """The citizen's own record of what left."""
    stage.say(
        "8. 무엇이 누구에게 나갔는지는 시민의 지갑에 남습니다.", "8. What left, and for whom, stays in the wallet."
    )
    stage.wallet("history", shown=True)


def publish(stage: Stage) -> None:
    """The issuer's status list as it stands now."""
    stage.write("status.jwt", stage.issuer.status_token(f"{_ISSUER}/status/1"))


def main() -> int:
    """Walk all steps; 1 where one did not hold."""
    language: errors.Language = "ko" if os.environ.get("LANG", "").startswith("ko") else "en"
    stage = Stage.build(Path(FOLDER), language, Env())
    try:
        trust(stage)
        certificate_id = issue(stage)
        ask(stage)
        present(stage)
        accept(stage)
        refuse(stage)
        revoke(stage, certificate_id)
        look_back(stage)
    except Unexpected as exc:
        stage.say(f"시연이 멈췄습니다: {exc}", f"the demo stopped: {exc}")
        return 1
    stage.say(
        f"모든 단계가 약속대로 되었습니다. 파일과 QR 그림은 {FOLDER}/ 에 있습니다.",
        f"Every step held. The files and the QR picture are in {FOLDER}/.",
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
