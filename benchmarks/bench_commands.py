"""Row 13: the verify command for one presentation, over the least a process that checks one signature can cost.

CPU time of the child processes, interpreter start included.
"""

from __future__ import annotations

import importlib.util
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

import limits
from measure import Contender, Target, absent, interleaved, judge, ratio, show
from work import AUDIENCE, World

TITLE = "Row 13: one-shot commands"
_COMMAND = "verifier_cli.__main__"
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
    if importlib.util.find_spec("verifier_cli") is None or importlib.util.find_spec(_COMMAND) is None:
        absent("ewallet-verify", "not there yet")
        return True
    with TemporaryDirectory() as folder:
        presentation, key = Path(folder, "presentation.txt"), Path(folder, "issuer.pem")
        presentation.write_text(world.presentations[0])
        key.write_bytes(world.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
        asked = ("--nonce", world.holders[0].nonce, "--audience", AUDIENCE)
        verify = ("-m", "verifier_cli", "verify", str(presentation), *asked, *_trust(world, Path(folder)))
        contenders = [
            _process(limits.LIMIT, ("-c", _ONE_SIGNATURE, str(presentation), str(key)), "one signature, cryptography"),
            _process("bare python", ("-c", "pass"), "the interpreter"),
            _process("import ewallet", ("-c", "import ewallet"), "the package"),
            _process("ewallet-verify verify", verify, "the verdict on one presentation", (0,)),
            _process("ewallet-verify --help", ("-m", "verifier_cli", "--help"), ""),
        ]
        times = interleaved(contenders, max(5, rounds // 3), _children)
    show(contenders, times, limits.LIMIT)
    return judge(
        [
            Target("verify over one signature", ratio(times, "ewallet-verify verify", limits.LIMIT), 3, 2, most=True),
            Target("--help over bare python", ratio(times, "ewallet-verify --help", "bare python"), 3, 2, most=True),
        ]
    )
