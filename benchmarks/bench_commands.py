"""Row 13: the verify command for one presentation, over the least a process that checks one signature can cost.

CPU time of the child processes, interpreter start included.
"""

from __future__ import annotations

import importlib.util
import json
import os
import resource
import subprocess
import sys
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import limits
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from measure import Contender, Target, absent, interleaved, judge, ratio, show
from work import AUDIENCE, STATUS_URI, World

from ewallet import status
from ewallet.keys import SigningKey
from ewallet.status import StatusList

TITLE = "Row 13: one-shot commands"
_MODULE = "verifier_cli.__main__"
_COMMAND = f"import sys; from {_MODULE} import main; sys.exit(main())"  # as the installed script
_ROOT = Path(__file__).resolve().parent.parent
_ONE_SIGNATURE = """
import base64, json, sys
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
jws = open(sys.argv[1]).read().partition("~")[0]
data, _, signature = jws.rpartition(".")
raw = base64.urlsafe_b64decode(signature + "==")
der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
key = serialization.load_pem_public_key(open(sys.argv[2], "rb").read())
key.verify(der, data.encode(), ec.ECDSA(hashes.SHA256()))
payload = data.partition(".")[2]
print(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["vct"])
"""


def run(world: World, rounds: int) -> bool:
    """Print the table; whether what must hold holds."""
    if importlib.util.find_spec("verifier_cli") is None or importlib.util.find_spec(_MODULE) is None:
        absent("ewallet-verify", "not there yet")
        return True
    with TemporaryDirectory() as folder:
        presentation, key = Path(folder, "presentation.txt"), Path(folder, "issuer.pem")
        presentation.write_text(world.presentations[0])
        key.write_bytes(world.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
        known = (*_asked(world), *_known(world, Path(folder)))
        verify = ("-c", _COMMAND, "verify", str(presentation), "--offline", *known)
        process = partial(_process, Path(folder, "compiled"))
        contenders = [
            process(limits.LIMIT, ("-c", _ONE_SIGNATURE, str(presentation), str(key)), "one signature, cryptography"),
            process("bare python", ("-c", "pass"), "the interpreter"),
            process("import ewallet", ("-c", "import ewallet"), "the package"),
            process("ewallet-verify verify", verify, "the verdict on one presentation, status from a file"),
            process("ewallet-verify --help", ("-c", _COMMAND, "--help"), ""),
        ]
        times = interleaved(contenders, max(5, rounds // 3), _children)
    show(contenders, times, limits.LIMIT)
    over = ratio(times, "ewallet-verify verify", limits.LIMIT), ratio(times, "ewallet-verify --help", "bare python")
    return judge(
        [
            Target("verify over one signature", over[0], 3, 2, most=True, unit="x"),
            Target("--help over bare python", over[1], 3, 2, most=True, unit="x"),
        ]
    )


def _asked(world: World) -> Sequence[str]:
    return f"--nonce={world.holders[0].nonce}", "--audience", AUDIENCE  # a nonce may begin with a hyphen


def _known(world: World, folder: Path) -> Sequence[str]:
    """The trust list, its operator's key, and a status list, as files."""
    operator = SigningKey.generate()
    life = timedelta(days=1)
    token = status.sign(
        StatusList.empty(1 << 17), uri=STATUS_URI, at=world.now, until=world.now + life, ttl=life, signer=world.signer
    )
    texts = {
        "--trust": world.trust.signed(operator),
        "--trust-key": json.dumps(operator.public.jwk),
        "--status": token,
    }
    flags = []
    for flag, text in texts.items():
        path = folder / flag.strip("-")
        path.write_text(text)
        flags += [flag, str(path)]
    return flags


def _process(folder: Path, name: str, arguments: Sequence[str], note: str) -> Contender:
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(_ROOT), *filter(None, sys.path)]),
        "PYTHONPYCACHEPREFIX": str(folder),
    }
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # what is installed is compiled
    command = [sys.executable, *arguments]

    def run() -> None:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
        assert done.returncode == 0, f"{name} ends with {done.returncode}: {done.stdout}{done.stderr}"

    return Contender(name, run, 1, note)


def _children() -> float:
    """CPU seconds of all children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
