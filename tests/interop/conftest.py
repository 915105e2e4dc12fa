"""What both peers are tested with: the cases, our side of them, and what happens to a presentation on its way.

A house, ours or a peer's, has three methods: ``issue`` a case, ``present`` some of its paths, ``verify`` what was
presented and give back the claims. Any house can stand in any of the three places.
"""

from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import product
from pathlib import Path as FilePath
from typing import Any, Final

import pytest

from ewallet import jose
from ewallet.credential import Binding, Draft, Path, Validity, moment
from ewallet.disclosure import digest
from ewallet.env import Env
from ewallet.formats.sdjwt import SD_JWT, TYP, SdJwt
from ewallet.keys import PublicKey, SigningKey
from ewallet.testing import Clock, Kit

VCT: Final = "urn:example:interop:1"
ISSUER: Final = "https://issuer.example"
DAY: Final = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Case:
    """Claims, which of them are disclosable, and what is seen: with nothing disclosed, and with ``some``."""

    id: str
    claims: dict[str, Any]
    disclosable: frozenset[Path]
    none: dict[str, Any]
    some: tuple[Path, ...]
    seen: dict[str, Any]
    decoys: int = 0

    @classmethod
    def of(cls, members: dict[str, Any]) -> Case:
        """A case of ``cases.json``, where a path is ``rows/*/name`` or ``rows/0/name``."""
        disclosable, some = (map(_path, members[name]) for name in ("disclosable", "some"))
        return cls(**members | {"disclosable": frozenset(disclosable), "some": tuple(some)})


def _path(text: str) -> Path:
    return tuple(None if step == "*" else int(step) if step.isdecimal() else step for step in text.split("/"))


CASES: Final = tuple(map(Case.of, json.loads(FilePath(__file__).with_name("cases.json").read_text(encoding="utf-8"))))


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Who issues, who holds, for whom it is presented, and when.

    ``header`` is what a peer's issuer adds to its own; ``statuses`` are status lists by their uri.
    """

    issuer: SigningKey
    holder: SigningKey
    binding: Binding
    at: datetime
    registered: Mapping[str, Any]
    header: Mapping[str, Any] = field(default_factory=dict)
    statuses: Mapping[str, str] = field(default_factory=dict)
    status_key: PublicKey | None = None


class Ours:
    """The library under test, without trust: the peers have none."""

    def issue(self, case: Case, scene: Scene) -> str:
        """The case as a credential."""
        draft = Draft(
            type_id=VCT,
            issuer=ISSUER,
            claims=case.claims,
            validity=Validity(moment(scene.registered["nbf"]), moment(scene.registered["exp"])),
            disclosable=case.disclosable,
            holder=scene.holder.public,
            decoys=case.decoys,
        )
        copy = SD_JWT.prepare(draft, scene.issuer, Env().random)
        return copy.complete(scene.issuer.sign(copy.data))

    def present(self, raw: str, paths: Iterable[Path], scene: Scene) -> str:
        """Those paths, bound."""
        return SD_JWT.present(raw, paths, scene.binding, scene.holder, scene.at)

    def verify(self, presented: str, scene: Scene, *, bound: bool = True) -> Mapping[str, Any]:
        """Everything the presentation says."""
        evidence = SdJwt.parse(presented)
        evidence.check_signature(scene.issuer.public)
        credential = evidence.check_disclosures()
        evidence.check_binding(scene.binding if bound else None, scene.at)
        credential.check_validity(scene.at)
        return credential.claims


@dataclass(frozen=True)
class Office:
    """Our issuer as it runs: a kind of the catalogue with decoys, status, certificate chain and pre-signed answers."""

    kit: Kit

    def issue(self, case: Case, scene: Scene) -> str:
        """The sample of the case's kind."""
        kind = self.kit.catalog.type(case.id)
        issued = self.kit.issuer.issue(kind.id, kind.sample, subject="citizen-1", holders=[scene.holder.public])
        return issued.credentials[0]


def _text(claims: Mapping[str, Any]) -> str:
    """The claims of a case alone; as text, because in Python 1, 1.0 and True are equal."""
    registered = {"vct", "iss", "iat", "nbf", "exp", "cnf", "status"}
    return json.dumps({name: claims[name] for name in claims.keys() - registered}, sort_keys=True)


def _journey(issuer: Any, holder: Any, verifier: Any, case: Case, chosen: str, scene: Scene) -> tuple[str, str]:
    """The expected claims and the actual ones, after three houses had the case in their hands."""
    raw = issuer.issue(case, scene)
    paths = {"all": SdJwt.parse(raw).shown, "some": case.some, "none": ()}[chosen]
    presented = holder.present(raw, paths, scene)
    expected = {"all": case.claims, "some": case.seen, "none": case.none}[chosen]
    return _text(expected), _text(verifier.verify(presented, scene))


_ROLES: Final = [roles for roles in product(("ours", "peer"), repeat=3) if len(set(roles)) == 2]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every case, every choice, every way to share the roles and every tampering, unless a test names its own."""
    everything: dict[str, Iterable[Any]] = {
        "case": [pytest.param(case, id=case.id) for case in CASES],
        "chosen": ["all", "some", "none"],
        "roles": [pytest.param(roles, id="-".join(roles)) for roles in _ROLES],
        "tampering": sorted(TAMPERINGS),
        "crafted": sorted(CRAFTED),
    }
    named = {marker.args[0] for marker in metafunc.definition.iter_markers("parametrize")}
    for name, values in everything.items():
        if name in metafunc.fixturenames and name not in named:
            metafunc.parametrize(name, values)


@pytest.fixture
def journey():
    """Expected and actual claims of a case that went through three houses."""
    return _journey


@pytest.fixture
def ours():
    """Our house."""
    return Ours()


@pytest.fixture
def houses(roles, ours, peer):
    """Issuer, holder and verifier, as ``roles`` says."""
    return [{"ours": ours, "peer": peer}[role] for role in roles]


@pytest.fixture(scope="session")
def cases():
    """The cases by name."""
    return {case.id: case for case in CASES}


@pytest.fixture(scope="session")
def scene():
    """Fresh P-256 keys, a nonce and an audience; now, because a peer dates its key binding by the machine's clock."""
    at = Env().now()
    since, until = (int((at + days).timestamp()) for days in (-DAY, DAY))
    return Scene(
        issuer=SigningKey.generate(),
        holder=SigningKey.generate(),
        binding=Binding(audience="x509_san_dns:bank.example", nonce="n-0S6_WzA2Mj"),
        at=at,
        registered={"vct": VCT, "iss": ISSUER, "iat": since, "nbf": since, "exp": until},
    )


# -- with a certificate --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def kit(scene):
    """Our issuer, wallet and verifier at that time; the wallet has the holder's key."""
    kit = Kit.make(clock=Clock(scene.at))
    kit.wallet_store.put_keys({scene.holder.public.thumbprint: scene.holder.secret()})
    return kit


@pytest.fixture(scope="module")
def office(kit):
    """Our issuer as a house."""
    return Office(kit)


@pytest.fixture(scope="module")
def register(kit):
    """A whole kind of ours as a case: everything in it is disclosable, answers that the issuer adds included."""
    kind = kit.catalog.type("resident_register_copy")
    return Case(
        id=kind.id,
        claims={**kind.sample, **kind.presigned(kind.sample, kit.clock.now())},
        disclosable=kind.disclosable,
        none={},
        some=(("resident_address",), ("household_members", 1, "name"), ("household_members", 1, "is_foreigner")),
        seen={
            "resident_address": "가상특별시 예시구 견본로 1, 101동 101호(표본동)",
            "household_members": [{"name": "성춘향", "is_foreigner": False}],
        },
    )


@pytest.fixture(scope="module")
def certified(kit, office, register, scene):
    """The scene in which our trusted signer issues that kind, with its chain in ``x5c`` and a status entry."""
    issued = SdJwt.parse(office.issue(register, scene))
    uri = issued.payload["status"]["status_list"]["uri"]
    return replace(
        scene,
        issuer=kit.pki.signers["resident"],
        registered={name: value for name, value in issued.payload.items() if name not in {"cnf", "_sd", "_sd_alg"}},
        header={"x5c": [b64encode(der).decode() for der in issued.chain]},
        statuses={uri: kit.issuer.status_token(uri)},
        status_key=kit.pki.status_signer.public,
    )


@pytest.fixture
def asked(kit):
    """A fresh request of our verifier, for an address and the names of a household."""
    query = kit.query("resident_register_copy", ["resident_address", ("household_members", None, "name")])
    return kit.verifier.ask(query, purpose="가상 대출 심사")


@pytest.fixture
def asked_paths():
    """What the request is about, as concrete paths into the sample."""
    return [("resident_address",), *(("household_members", member, "name") for member in range(4))]


@pytest.fixture
def answered(register):
    """What the verdict on the answer shows."""
    names = [member["name"] for member in register.claims["household_members"]]
    address = register.claims["resident_address"]
    return {register.id: {"resident_address": address, "household_members.*.name": names}}


# -- on the way ----------------------------------------------------------------------------------------------------


def _encoded(value: Any) -> str:
    return urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def _decoded(text: str) -> Any:
    return json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def _other_signature(jws: str) -> str:
    signed, _, signature = jws.rpartition(".")
    return f"{signed}.{'B' if signature[0] == 'A' else 'A'}{signature[1:]}"


def _other_payload(jws: str) -> str:
    header, payload, signature = jws.split(".")
    return ".".join((header, _encoded(_decoded(payload) | {"iss": "https://thief.example"}), signature))


def _signature(jwt: str, *rest: str) -> list[str]:
    return [_other_signature(jwt), *rest]


def _payload(jwt: str, *rest: str) -> list[str]:
    return [_other_payload(jwt), *rest]


def _disclosure(jwt: str, first: str, *rest: str) -> list[str]:
    salt, name, _ = _decoded(first)
    return [jwt, _encoded([salt, name, "another"]), *rest]


def _dropped(jwt: str, _: str, *rest: str) -> list[str]:
    return [jwt, *rest]


def _added(jwt: str, *rest: str) -> list[str]:
    return [jwt, _encoded(["c2FsdC1zYWx0LXNhbHQtcw", "admin", True]), *rest]


def _repeated(jwt: str, first: str, *rest: str) -> list[str]:
    return [jwt, first, first, *rest]


def _reordered(jwt: str, first: str, second: str, *rest: str) -> list[str]:
    return [jwt, second, first, *rest]


def _unbound(*parts: str) -> list[str]:
    return [*parts[:-1], ""]


def _bound_by_another(*parts: str) -> list[str]:
    return [*parts[:-1], _other_signature(parts[-1])]


#: What happens to a presentation of two disclosures, and what we say to it.
TAMPERINGS: Final[Mapping[str, tuple[Callable[..., list[str]], str]]] = {
    "issuer-signature-changed": (_signature, "crypto.signature_invalid"),
    "payload-changed": (_payload, "crypto.signature_invalid"),
    "disclosure-changed": (_disclosure, "sdjwt.disclosure_unreferenced"),
    "disclosure-added": (_added, "sdjwt.disclosure_unreferenced"),
    "disclosure-repeated": (_repeated, "sdjwt.disclosure_duplicate"),
    "disclosure-dropped": (_dropped, "kb.sd_hash"),
    "disclosures-reordered": (_reordered, "kb.sd_hash"),
    "binding-dropped": (_unbound, "kb.missing"),
    "binding-signature-changed": (_bound_by_another, "kb.signature_invalid"),
}


@pytest.fixture
def tampered(tampering):
    """A function that does it to a presentation."""
    change, _ = TAMPERINGS[tampering]
    return lambda presented: "~".join(change(*presented.split("~")))


@pytest.fixture
def our_code(tampering):
    """What we say to it."""
    return TAMPERINGS[tampering][1]


# -- signed, and wrong all the same --------------------------------------------------------------------------------


def _item(*items: Any) -> tuple[str, str]:
    """A disclosure and its digest."""
    text = _encoded(["c2FsdC1zYWx0LXNhbHQtcw", *items])
    return text, digest(sha256, text)


_NAME: Final = _item("name", "Hong")
_ELEMENT: Final = _item("Hong")
_SD: Final = _item("_sd", ["Hong"])
_DOTS: Final = _item("...", "Hong")
_NUMBER: Final = _item(1, "Hong")
_FOUR: Final = _item("name", "Hong", "Hong")

#: What no issuer may sign: payload, disclosures, and what we say to it.
CRAFTED: Final[Mapping[str, tuple[dict[str, Any], list[str], str]]] = {
    "member-already-there": ({"name": "Hong", "_sd": [_NAME[1]]}, [_NAME[0]], "sdjwt.claim_collision"),
    "digest-twice": ({"_sd": [_NAME[1], _NAME[1]]}, [_NAME[0]], "sdjwt.digest_duplicate"),
    "digest-twice-undisclosed": ({"_sd": [_NAME[1], _NAME[1]]}, [], "sdjwt.digest_duplicate"),
    "digest-on-two-levels": ({"_sd": [_NAME[1]], "a": {"_sd": [_NAME[1]]}}, [_NAME[0]], "sdjwt.digest_duplicate"),
    "digest-twice-in-array": ({"a": [{"...": _ELEMENT[1]}] * 2}, [_ELEMENT[0]], "sdjwt.digest_duplicate"),
    "member-named-_sd": ({"_sd": [_SD[1]]}, [_SD[0]], "sdjwt.claim_reserved"),
    "member-named-dots": ({"_sd": [_DOTS[1]]}, [_DOTS[0]], "sdjwt.claim_reserved"),
    "member-named-by-number": ({"_sd": [_NUMBER[1]]}, [_NUMBER[0]], "malformed.sdjwt"),
    "element-for-member": ({"_sd": [_ELEMENT[1]]}, [_ELEMENT[0]], "malformed.sdjwt"),
    "member-for-element": ({"a": [{"...": _NAME[1]}]}, [_NAME[0]], "malformed.sdjwt"),
    "digest-beside-other-member": ({"a": [{"...": _ELEMENT[1], "b": 1}]}, [_ELEMENT[0]], "malformed.sdjwt"),
    "disclosure-of-four": ({"_sd": [_FOUR[1]]}, [_FOUR[0]], "malformed.sdjwt"),
    "unknown-hash": ({"_sd_alg": "sha-1", "_sd": []}, [], "crypto.hash_not_allowed"),
    "hash-below-the-top": ({"a": {"_sd_alg": "sha-256"}}, [], "crypto.hash_not_allowed"),
}


@pytest.fixture
def craft(scene):
    """A function that signs one of them, and says what our code for it is."""

    def made(name: str) -> tuple[str, str]:
        payload, disclosures, code = CRAFTED[name]
        return "~".join((jose.sign(TYP, {**scene.registered, **payload}, scene.issuer), *disclosures, "")), code

    return made
