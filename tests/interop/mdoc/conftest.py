"""Three houses that issue, hold and verify mdocs: ours, ``@owf/mdoc`` and ``@auth0/mdl``; and what is tested with them.

A house has three methods: ``issue`` a case, ``present`` some of its elements for a session, ``verify`` what was
presented and give back the elements. The peers run behind pipes, each in a process of its own.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path as FilePath
from typing import Any, Final

import cbor2
import pytest
from cbor2 import CBORTag

from ewallet import cose
from ewallet.credential import Binding, Draft, Path, Validity
from ewallet.env import Env
from ewallet.formats.document import Mdoc
from ewallet.formats.mdoc import MDOC
from ewallet.formats.mso import EMBEDDED, FULL_DATE
from ewallet.formats.transcript import of_binding, proximity
from ewallet.keys import SigningKey
from ewallet.shape import base64url, embed, to_base64url, to_cbor
from ewallet.testing import Clock, Kit
from ewallet.testing.pki import certified, issue_certificate, private_key

_HERE: Final = FilePath(__file__).parent
_DAY: Final = timedelta(days=1)
KINDS: Final = ("mobile_driver_license", "mobile_resident_card", "mobile_student_card")
CLIENT_ID: Final = "x509_san_dns:bank.example"
RESPONSE_URI: Final = "https://bank.example/response"
ORIGIN: Final = "https://bank.example"


class Refused(Exception):
    """The peer's own words for what it does not accept."""


@dataclass(frozen=True)
class Program:
    """A script of this folder at the other end of a pipe."""

    process: subprocess.Popen[str]

    def __call__(self, operation: str, **request: Any) -> Any:
        """Its answer, or its refusal."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps({"operation": operation, **request}) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if "error" in answer:
            raise Refused(answer["error"])
        return answer["ok"]


def _node(package: str) -> str:
    """The command; each test that needs what is absent is skipped, and counted under its name."""
    peer = f"the peer {package} (npm)"
    node = shutil.which("node")
    if node is None:
        pytest.skip(f"{peer} needs node, which is not installed")
    if not (_HERE.parent / "node_modules" / package).is_dir():
        pytest.skip(f"{peer} is not installed: npm install, as .ci/run does it, in tests/interop")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if int(version.removeprefix("v").partition(".")[0]) < 20:
        pytest.skip(f"{peer} needs node 20, found {version}")
    return node


@contextmanager
def _program(script: str, package: str) -> Iterator[Program]:
    command = [_node(package), str(_HERE / script)]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "encoding": "utf-8"}
    with subprocess.Popen(command, **pipes) as process:
        try:
            yield Program(process)
        finally:
            process.kill()


@pytest.fixture
def refused():
    """The block ends with the peer's refusal, in these words."""
    return lambda words: pytest.raises(Refused, match=re.escape(words))


@dataclass(frozen=True, kw_only=True)
class Case:
    """A kind's document: what it is called, its elements as CBOR has them and as a verdict shows them."""

    doc_type: str
    elements: Mapping[str, Mapping[str, Any]]
    claims: Mapping[str, Mapping[str, Any]]

    @property
    def all(self) -> tuple[Path, ...]:
        """The path of every element."""
        return tuple((namespace, element) for namespace, found in self.claims.items() for element in found)

    @property
    def some(self) -> tuple[Path, ...]:
        """The paths of the second and the last element of each namespace."""
        return tuple(
            (name, element) for name, found in self.claims.items() for element in {*list(found)[1:2], list(found)[-1]}
        )

    def seen(self, paths: Iterable[Path]) -> dict[str, dict[str, Any]]:
        """What a presentation of those paths shows."""
        shown: dict[str, dict[str, Any]] = {}
        for namespace, element in paths:
            shown.setdefault(str(namespace), {})[str(element)] = self.claims[str(namespace)][str(element)]
        return shown


@dataclass(frozen=True, kw_only=True)
class Session:
    """What a presentation is bound to, as we say it and as the peers do."""

    binding: Binding
    told: Mapping[str, Any]

    @property
    def transcript(self) -> str:
        """The encoded transcript as an embedded item, for a peer that knows no handover of today."""
        return to_base64url(embed(of_binding(self.binding)))


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Who issues, under whom, to which device, and when."""

    issuer: SigningKey
    trusted: tuple[bytes, ...]
    device: SigningKey
    at: datetime
    hash: str = "SHA-256"
    more: Mapping[str, Any] = field(default_factory=dict)


def redirect(nonce: str = "n-0S6_WzA2Mj", recipient: str | None = None) -> Session:
    """OpenID4VP 1.0 by redirect, encrypted to a key where its thumbprint is given."""
    binding = Binding(audience=CLIENT_ID, nonce=nonce, response_uri=RESPONSE_URI, recipient=recipient)
    told = {"clientId": CLIENT_ID, "nonce": nonce, "responseUri": RESPONSE_URI, "jwkThumbprint": recipient}
    return Session(binding=binding, told={"redirect": told})


def browser(nonce: str = "n-0S6_WzA2Mj", recipient: str | None = None) -> Session:
    """OpenID4VP 1.0 through the API of a browser."""
    binding = Binding(audience=f"origin:{ORIGIN}", nonce=nonce, origin=ORIGIN, recipient=recipient)
    return Session(binding=binding, told={"browser": {"origin": ORIGIN, "nonce": nonce, "jwkThumbprint": recipient}})


def close(reader: SigningKey | None = None) -> Session:
    """ISO/IEC 18013-5 at close range, engaged by a QR code; the reader's key agrees on MACs."""
    key = reader or SigningKey.generate()
    ephemeral = to_cbor(cose.cose_key(SigningKey.generate().public))
    engagement = to_cbor({0: "1.0", 1: [1, CBORTag(EMBEDDED, ephemeral)]})
    reader_key = to_cbor(cose.cose_key(key.public))
    binding = Binding(audience="", nonce="", transcript=proximity(engagement, reader_key), reader_key=key)
    told = {"engagement": to_base64url(engagement), "readerKey": to_base64url(reader_key)}
    return Session(binding=binding, told={"qr": told})


THUMBPRINT: Final = SigningKey.generate().public.thumbprint
SESSIONS: Final[Mapping[str, Callable[[], Session]]] = {
    "redirect": redirect,
    "another-nonce": lambda: redirect(nonce="n-of-another-request"),
    "redirect-encrypted": lambda: redirect(recipient=THUMBPRINT),
    "browser": browser,
    "browser-encrypted": lambda: browser(recipient=THUMBPRINT),
    "close": close,
}


@pytest.fixture
def sessions():
    """How to begin each session."""
    return SESSIONS


@pytest.fixture
def session_of():
    """The session of a request of our verifier."""

    def begun(request: Any) -> Session:
        bound: Binding = request.binding
        told = {"clientId": bound.audience, "nonce": bound.nonce, "responseUri": bound.response_uri}
        return Session(binding=bound, told={"redirect": told | {"jwkThumbprint": bound.recipient}})

    return begun


class Ours:
    """The library under test, without trust: a peer's issuer may be anybody."""

    def issue(self, case: Case, scene: Scene) -> str:
        """The case as a credential."""
        draft = Draft(
            type_id=case.doc_type,
            issuer="",
            claims=case.elements,
            validity=Validity(scene.at - _DAY / 2, scene.at + _DAY),
            disclosable=frozenset(),
            holder=scene.device.public,
        )
        copy = MDOC.prepare(draft, scene.issuer, Env().random)
        return copy.complete(scene.issuer.sign(copy.data))

    def present(self, raw: str, case: Case, paths: Iterable[Path], session: Session, scene: Scene) -> str:
        """Those elements, signed by the device."""
        return MDOC.present(raw, paths, session.binding, scene.device, scene.at)

    def verify(self, presented: str, session: Session | None, scene: Scene) -> Any:
        """Everything the issuer signed of it."""
        evidence = Mdoc.parse(presented)
        evidence.check_signature(scene.issuer.public)
        credential = evidence.check_disclosures()
        evidence.check_binding(session.binding if session else None, scene.at)
        credential.check_validity(scene.at)
        return credential.claims


@dataclass(frozen=True)
class Peer:
    """A peer as a house."""

    program: Program

    def issue(self, case: Case, scene: Scene) -> str:
        """The case as a credential."""
        validity = (scene.at - _DAY / 2, scene.at - _DAY / 2, scene.at + _DAY)
        issued: str = self.program(
            "issue",
            docType=case.doc_type,
            namespaces={name: {"map": _members(found)} for name, found in case.elements.items()},
            validity=[each.isoformat() for each in validity],
            device=scene.device.public.jwk,
            key=_secret(scene.issuer),
            alg=self._alg(scene.issuer),
            hash=scene.hash,
            chain=[to_base64url(der) for der in scene.issuer.chain],
            **scene.more,
        )
        return issued

    def present(self, raw: str, case: Case, paths: Iterable[Path], session: Session, scene: Scene) -> str:
        """Those elements, signed by the device."""
        asked = self._asked(raw, case, paths, session, scene)
        presented: str = self.program("present", alg=scene.device.public.alg, **asked)
        return presented

    def present_with_mac(
        self, raw: str, case: Case, paths: Iterable[Path], session: Session, scene: Scene, **more: Any
    ) -> str:
        """Those elements, with a MAC for the reader."""
        assert session.binding.reader_key
        reader = session.binding.reader_key.public.jwk
        asked = self._asked(raw, case, paths, session, scene)
        presented: str = self.program("presentWithMac", reader=reader, **asked, **more)
        return presented

    def verify(self, presented: str, session: Session, scene: Scene) -> Any:
        """Everything the issuer signed of it."""
        reader = session.binding.reader_key
        return self.program(
            "verify",
            presented=presented,
            session=session.told,
            transcript=session.transcript,
            trusted=[to_base64url(der) for der in scene.trusted],
            at=scene.at.isoformat(),
            reader=_secret(reader) if reader else None,
        )

    def _asked(self, raw: str, case: Case, paths: Iterable[Path], session: Session, scene: Scene) -> dict[str, Any]:
        return {
            "raw": raw,
            "docType": case.doc_type,
            "paths": list(paths),
            "session": session.told,
            "transcript": session.transcript,
            "key": _secret(scene.device),
        }

    def _alg(self, key: SigningKey) -> str | int:
        return key.public.alg


class Owf(Peer):
    """``@owf/mdoc``, which takes the number of an algorithm."""

    def _alg(self, key: SigningKey) -> int:
        return cose.NUMBERS[key.public.alg]


def _secret(key: SigningKey) -> dict[str, str]:
    value = private_key(key).private_numbers().private_value
    width = len(base64url(key.public.jwk["x"]))
    return key.public.jwk | {"d": to_base64url(value.to_bytes(width, "big"))}


def _members(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _value(value) for name, value in values.items()}


def _value(value: Any) -> Any:
    """As ``values.mjs`` reads it."""
    if isinstance(value, bytes):
        return {"bytes": b64encode(value).decode()}
    if isinstance(value, CBORTag):
        assert value.tag == FULL_DATE
        return {"date": value.value}
    if isinstance(value, list):
        return [_value(item) for item in value]
    return {"map": _members(value)} if isinstance(value, dict) else value


@pytest.fixture(scope="session")
def ours():
    """Our house."""
    return Ours()


@pytest.fixture(scope="session")
def owf():
    """The house of ``@owf/mdoc``."""
    with _program("owf.mjs", "@owf/mdoc") as program:
        yield Owf(program)


@pytest.fixture(scope="session")
def auth0():
    """The house of ``@auth0/mdl``."""
    with _program("auth0.mjs", "@auth0/mdl") as program:
        yield Peer(program)


@pytest.fixture(scope="session")
def wallet():
    """A wallet of ``@openid4vc/openid4vp`` and ``@owf/mdoc``."""
    _node("@owf/mdoc")
    with _program("wallet.mjs", "@openid4vc/openid4vp") as program:
        yield program


@pytest.fixture(scope="session")
def secret():
    """A private key as a peer takes it."""
    return _secret


@pytest.fixture
def house(request):
    """A house by its name; those that nobody asks for are not started."""
    return request.getfixturevalue


@pytest.fixture(scope="session")
def kit():
    """Our issuer, wallet and verifier, now: a peer has no other clock."""
    return Kit.make(clock=Clock(Env().now().replace(microsecond=0)))


@pytest.fixture(scope="session")
def device(kit):
    """The key of a device, which is in our wallet too."""
    key = SigningKey.generate()
    kit.wallet_store.put_keys({key.public.thumbprint: key.secret()})
    return key


@pytest.fixture(scope="session")
def office(kit, device):
    """Issues a kind as our issuer does: with decoys, status and certificate chain."""

    def issue(kind_id: str) -> str:
        kind = kit.catalog.type(kind_id)
        issued = kit.issuer.issue(
            kind.id, kind.sample, subject="citizen-1", holders=[device.public], format_id="mso_mdoc"
        )
        raw: str = issued.credentials[0]
        return raw

    return issue


@pytest.fixture(scope="session")
def cases(office):
    """Each kind with the elements that our issuer gives it."""
    return {kind: _case(office(kind)) for kind in KINDS}


def _case(raw: str) -> Case:
    issued = cbor2.loads(base64url(raw))
    items = {
        name: [cbor2.loads(item.value, tag_hook=lambda tag, _: tag, semantic_decoders=_AS_THEY_ARE) for item in found]
        for name, found in issued["nameSpaces"].items()
    }
    read = MDOC.read(raw)
    return Case(
        doc_type=read.type_id,
        elements={name: {each["elementIdentifier"]: each["elementValue"] for each in items[name]} for name in items},
        claims=read.claims,
    )


_AS_THEY_ARE: Final = {FULL_DATE: lambda value, _: CBORTag(FULL_DATE, value)}


@pytest.fixture(scope="session")
def scenes(kit, device):
    """For each kind the scene in which our trusted signer issues it."""

    def found(kind_id: str, alg: str = "ES256") -> Scene:
        system = kit.catalog.type(kind_id).system
        signer, holder = kit.pki.signers[system], device
        if alg != "ES256":
            signer, holder = _signer(kit.pki, system, alg), SigningKey.generate(alg)
        trusted = (kit.pki.authorities[system].der, kit.pki.root.der)
        return Scene(issuer=signer, trusted=trusted, device=holder, at=kit.clock.now())

    return found


def _signer(pki: Any, system: str, alg: str) -> SigningKey:
    key = SigningKey.generate(alg)
    by = pki.authorities[system]
    return certified(key, issue_certificate(pki.profile(), private_key(key).public_key(), by=by))


@pytest.fixture
def text():
    """Elements as text, because in Python 1, 1.0 and True are equal."""
    return lambda claims: json.dumps(claims, sort_keys=True, ensure_ascii=False)
