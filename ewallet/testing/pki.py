"""A small PKI of the kind the framework has: one root, an authority per national system, document signers below them.

The trust list names the authorities of the national systems, each with the types it may vouch for, and apart from
them an authority for status lists and one for verifiers. The root signs the authorities and nothing else. Where a
system has mobile documents, its authority is a root of its own (IACA), and its signers keep the profile of ISO/IEC
18013-5 Annex B.

    pki = Pki.make(at=clock.now())
    trust = pki.trust_list()
    signer = pki.signers["resident"]

A certificate that should be refused comes from :func:`issue_certificate` with a changed :class:`Profile`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, load_der_private_key
from cryptography.x509.oid import NameOID

from ewallet.catalog import Catalog
from ewallet.env import Env, Random
from ewallet.keys import PublicKey, SigningKey
from ewallet.shape import certificate, certificates, json_object
from ewallet.trust import KEY_USAGE, Purpose, TrustAnchor, TrustList

ISSUER: Final = "https://issuer.example.go.kr"
VERIFIER: Final = "https://bank.example"

#: A document signer signs for 90 days; its certificate outlives the longest credential it signed on the last of them.
#: ISO/IEC 18013-5 Annex B allows 457 days.
SIGNING: Final = timedelta(days=90)
SIGNER_LIFE: Final = SIGNING + timedelta(days=365)
_AUTHORITY_LIFE: Final = timedelta(days=365 * 5)
_ROOT_LIFE: Final = timedelta(days=365 * 15)
_LIST_LIFE: Final = timedelta(days=365)  # a real operator signs anew every few days
_BACKDATED: Final = timedelta(days=2)  # clocks differ, and validities begin with the day


@dataclass(frozen=True, kw_only=True)
class Profile:
    """What stands in a certificate; the defaults make an end entity that may sign.

    ``names`` are https URLs, entered as URI and as host name. ``ca`` None leaves the basic constraints out,
    ``path_length`` says how many authorities may be below, ``usage`` is an extended key usage, ``extra`` adds
    extensions with their criticality.
    """

    subject: str
    since: datetime
    until: datetime
    names: tuple[str, ...] = ()
    ca: bool | None = False
    path_length: int | None = None
    usage: str | None = None
    key_usage: bool = True
    serial: int | None = None
    digest: hashes.SHA256 | hashes.SHA384 | hashes.SHA512 = field(default_factory=hashes.SHA256)
    extra: tuple[tuple[x509.ExtensionType, bool], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Authority:
    """A certification authority: who it is, and the key it signs certificates with. It has no chain of its own."""

    id: str
    certificate: x509.Certificate
    key: SigningKey

    @property
    def der(self) -> bytes:
        """Its certificate."""
        return self.certificate.public_bytes(Encoding.DER)


def private_key(key: SigningKey) -> Any:
    """The key as ``cryptography`` has it."""
    return load_der_private_key(key.secret(), password=None)


def common_name(name: str) -> x509.Name:
    """A distinguished name that consists of a common name in Korea; empty for an empty name."""
    if not name:
        return x509.Name([])
    return x509.Name([x509.NameAttribute(NameOID.COUNTRY_NAME, "KR"), x509.NameAttribute(NameOID.COMMON_NAME, name)])


def issue_certificate(
    profile: Profile, subject: Any, *, by: Authority | SigningKey | Any, random: Random | None = None
) -> x509.Certificate:
    """A certificate of that profile for a public key of ``cryptography``, whatever it is.

    ``by`` an authority; by the subject's own private key it is self-signed.
    """
    issuer, key = (by.certificate.subject, private_key(by.key)) if isinstance(by, Authority) else (None, by)
    key = private_key(key) if isinstance(key, SigningKey) else key
    serial = profile.serial or int.from_bytes((random or Env().random)(16), "big") | 1
    builder = (
        x509.CertificateBuilder()
        .subject_name(common_name(profile.subject))
        .issuer_name(issuer or common_name(profile.subject))
        .public_key(subject)
        .serial_number(serial)
        .not_valid_before(profile.since)
        .not_valid_after(profile.until)
    )
    for extension, critical in _extensions(profile, subject, key.public_key()):
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(key, None if isinstance(key, ed25519.Ed25519PrivateKey) else profile.digest)


def _extensions(profile: Profile, subject: Any, issuer: Any) -> Iterable[tuple[x509.ExtensionType, bool]]:
    if profile.ca is not None:
        yield x509.BasicConstraints(ca=profile.ca, path_length=profile.path_length), True
    if profile.key_usage:
        yield _key_usage(ca=bool(profile.ca)), True
    yield x509.SubjectKeyIdentifier.from_public_key(subject), False
    yield x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer), False
    if profile.usage:
        yield x509.ExtendedKeyUsage([x509.ObjectIdentifier(profile.usage)]), True
    if profile.names:
        uris = [x509.UniformResourceIdentifier(name) for name in profile.names]
        hosts = [x509.DNSName(urlsplit(name).hostname or name) for name in profile.names]
        yield x509.SubjectAlternativeName([*uris, *hosts]), False
    yield from profile.extra


def _key_usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )


def certified(key: SigningKey, certificate: x509.Certificate, *above: x509.Certificate) -> SigningKey:
    """The key with that certificate, and those above it, as its chain."""
    return key.with_chain(tuple(each.public_bytes(Encoding.DER) for each in (certificate, *above)))


@dataclass(frozen=True, kw_only=True)
class Pki:
    """Root, authorities and signers; ``types`` are those each national system may vouch for."""

    at: datetime
    issuer: str
    types: Mapping[str, frozenset[str]]
    root: Authority
    authorities: Mapping[str, Authority]
    signers: Mapping[str, SigningKey]
    status_signer: SigningKey
    verifier: SigningKey
    operator: SigningKey
    logs: tuple[TrustAnchor, ...] = ()

    @classmethod
    def make(
        cls,
        *,
        at: datetime,
        systems: Mapping[str, Iterable[str]] | None = None,
        issuer: str = ISSUER,
        verifier: str = VERIFIER,
        random: Random | None = None,
    ) -> Pki:
        """A fresh PKI as of that time, backdated two days.

        ``systems`` says which types (``vct`` or docType) the national systems vouch for; unsaid, those of the bundled
        catalogue. Serial numbers come from ``random``, keys from the operating system.
        """
        types = {id_: frozenset(found) for id_, found in (systems or _bundled_systems()).items()}
        maker = _Maker(at, random or Env().random, issuer)
        root = maker.authority("root", None)
        authorities = {
            id_: maker.iaca(id_) if has_documents(types.get(id_, ())) else maker.authority(id_, root)
            for id_ in (*types, "status", "verifier")
        }
        return cls(
            at=at,
            issuer=issuer,
            types=types,
            root=root,
            authorities=authorities,
            signers={id_: maker.signer(authorities[id_], "issuer", issuer) for id_ in types},
            status_signer=maker.signer(authorities["status"], "status", issuer),
            verifier=maker.signer(authorities["verifier"], "verifier", verifier),
            operator=SigningKey.generate(),
        )

    def profile(self, purpose: Purpose = "issuer", *, subject: str = "a signer", by: str = "resident") -> Profile:
        """The profile of a good signer for that purpose, to be changed with :func:`dataclasses.replace`.

        ``by`` is the authority whose revocation list it names.
        """
        return _signer_profile(subject, purpose, self.issuer, self.at, crl_uri(self.issuer, by))

    def signer(self, authority_id: str, profile: Profile, *, random: Random | None = None) -> SigningKey:
        """A fresh key with a certificate of that profile from one of the authorities."""
        key = SigningKey.generate()
        public = private_key(key).public_key()
        return certified(key, issue_certificate(profile, public, by=self.authorities[authority_id], random=random))

    def with_log(self, origin: str, key: SigningKey) -> Pki:
        """The same with a log of use on the trust list, by the very certificate of its key."""
        return replace(self, logs=(*self.logs, listed_log(origin, key, self.at)))

    @cached_property
    def anchors(self) -> tuple[TrustAnchor, ...]:
        """What the trust list says: every authority below the root, for its purpose and types, and the logs."""
        everything = frozenset().union(*self.types.values())
        entries: dict[str, tuple[Purpose, frozenset[str]]] = {
            **{id_: ("issuer", types) for id_, types in self.types.items()},
            "status": ("status", everything),
            "verifier": ("verifier", frozenset({"*"})),
        }
        authorities = (
            TrustAnchor(
                id=id_,
                purpose=purpose,
                certificate=self.authorities[id_].certificate,
                types=types,
                issuers=frozenset({self.issuer}) if purpose == "issuer" else frozenset(),
                profile="iso18013-5" if purpose == "issuer" and has_documents(types) else None,
            )
            for id_, (purpose, types) in entries.items()
        )
        return (*authorities, *self.logs)

    def trust_list(self, *, version: int = 1) -> TrustList:
        """The trust list, in force from the beginning and for a year."""
        since = self.at - _BACKDATED
        return TrustList(anchors=self.anchors, version=version, since=since, until=since + _LIST_LIFE)

    def signed_trust_list(self, *, version: int = 1) -> str:
        """The trust list as its operator publishes it."""
        return self.trust_list(version=version).signed(self.operator)

    @property
    def operator_key(self) -> PublicKey:
        """The key that everybody reads the trust list with."""
        return self.operator.public

    # -- as files ----------------------------------------------------------------------------------------------

    def save(self, folder: Path | str) -> None:
        """Write keys (mode 0600), certificates and the signed trust list into a new folder.

        An issuer loads all of ``signers/``: ``<id>.key`` and ``.pem``. A verifier signs with ``verifier.key`` and
        ``verifier.pem``, which are therefore beside it; ``trust-list.jwt`` and ``operator.jwk`` are for everybody.
        """
        folder = Path(folder)
        for place in ("authorities", "signers"):
            (folder / place).mkdir(mode=0o700, parents=True, exist_ok=True)
        for authority in (self.root, *self.authorities.values()):
            _save(folder / "authorities" / authority.id, authority.key, [authority.der])
        for id_, signer in {**self.signers, "status": self.status_signer}.items():
            _save(folder / "signers" / id_, signer, signer.chain)
        _save(folder / "verifier", self.verifier, self.verifier.chain)
        self.operator.save(folder / "operator.key")
        (folder / "operator.jwk").write_text(json.dumps(self.operator_key.jwk), encoding="ascii")
        (folder / "trust-list.jwt").write_text(self.signed_trust_list(), encoding="ascii")
        members = {
            "at": self.at.isoformat(),
            "issuer": self.issuer,
            "types": {k: sorted(v) for k, v in self.types.items()},
            "logs": {log.id: log.certificate.public_bytes(Encoding.PEM).decode("ascii") for log in self.logs},
        }
        (folder / "pki.json").write_text(json.dumps(members, indent=2), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path | str) -> Pki:
        """What :meth:`save` wrote; ``usage.file``, ``storage.loose_mode``."""
        folder = Path(folder)
        members = json_object((folder / "pki.json").read_bytes(), "pki.json")
        types = {id_: frozenset(found) for id_, found in members["types"].items()}
        return cls(
            at=datetime.fromisoformat(members["at"]),
            issuer=members["issuer"],
            types=types,
            root=_load_authority(folder, "root"),
            authorities={id_: _load_authority(folder, id_) for id_ in (*types, "status", "verifier")},
            signers={id_: _load_signer(folder / "signers" / id_) for id_ in types},
            status_signer=_load_signer(folder / "signers" / "status"),
            verifier=_load_signer(folder / "verifier"),
            operator=SigningKey.load(folder / "operator.key"),
            logs=tuple(
                _log(origin, found) for origin, pem in members["logs"].items() for found in certificates(pem.encode())
            ),
        )


def listed_log(origin: str, key: SigningKey, at: datetime) -> TrustAnchor:
    """The anchor of a log of use, for a self-signed certificate of its key."""
    since = at - _BACKDATED
    profile = Profile(subject=origin, since=since, until=since + _AUTHORITY_LIFE, usage=KEY_USAGE["log"])
    return _log(origin, issue_certificate(profile, private_key(key).public_key(), by=key))


def _log(origin: str, certificate: x509.Certificate) -> TrustAnchor:
    names, types = frozenset({origin}), frozenset({"checkpoint"})
    return TrustAnchor(id=origin, purpose="log", certificate=certificate, types=types, issuers=names, end_entity=True)


def systems_of(catalog: Catalog) -> dict[str, frozenset[str]]:
    """The national systems of a catalogue and the types they vouch for, by ``vct`` and docType."""
    systems: dict[str, frozenset[str]] = {}
    for kind in catalog:
        systems[kind.system] = systems.get(kind.system, frozenset()) | kind.type_ids
    return systems


@cache
def _bundled_systems() -> dict[str, frozenset[str]]:
    """Those of the bundled catalogue, which is read once for however many PKIs."""
    return systems_of(Catalog.bundled())


def has_documents(types: Iterable[str]) -> bool:
    """Whether there is a docType among them: what is no URN is one."""
    return any(not type_.startswith("urn:") for type_ in types)


def crl_uri(issuer: str, authority_id: str) -> str:
    """Where an authority publishes its revocation list."""
    return f"{issuer}/crl/{authority_id}.crl"


@dataclass(frozen=True)
class _Maker:
    at: datetime
    random: Random
    issuer: str

    def authority(self, id_: str, by: Authority | None) -> Authority:
        return self._authority(self._profile(id_, _AUTHORITY_LIFE if by else _ROOT_LIFE), id_, by)

    def iaca(self, id_: str) -> Authority:
        """A root for mobile documents (ISO/IEC 18013-5 Table B.1)."""
        profile = self._profile(id_, _AUTHORITY_LIFE)
        extra = _published(self.issuer, crl_uri(self.issuer, id_))
        return self._authority(replace(profile, path_length=0, extra=extra), id_, None)

    def _profile(self, id_: str, life: timedelta) -> Profile:
        since = self.at - _BACKDATED
        return Profile(subject=f"Example {id_} authority", since=since, until=since + life, ca=True)

    def _authority(self, profile: Profile, id_: str, by: Authority | None) -> Authority:
        key = SigningKey.generate()
        public = private_key(key).public_key()
        certificate = issue_certificate(profile, public, by=by or key, random=self.random)
        return Authority(id=id_, certificate=certificate, key=key)

    def signer(self, by: Authority, purpose: Purpose, name: str) -> SigningKey:
        key = SigningKey.generate()
        crl = crl_uri(self.issuer, by.id)
        profile = _signer_profile(f"Example {by.id} signer", purpose, name, self.at, crl)
        return certified(key, issue_certificate(profile, private_key(key).public_key(), by=by, random=self.random))


def _signer_profile(subject: str, purpose: Purpose, name: str, at: datetime, crl: str) -> Profile:
    since = at - _BACKDATED
    used = x509.PrivateKeyUsagePeriod(since, since + SIGNING)
    profile = Profile(subject=subject, since=since, until=since + SIGNER_LIFE, names=(name,), usage=KEY_USAGE[purpose])
    return replace(profile, extra=((used, False), *_published(name, crl)))


def _published(name: str, crl: str) -> tuple[tuple[x509.ExtensionType, bool], ...]:
    """Whom to ask about an authority, and where its revocation list is."""
    names = x509.IssuerAlternativeName([x509.UniformResourceIdentifier(name)])
    point = x509.DistributionPoint([x509.UniformResourceIdentifier(crl)], None, None, None)
    return (names, False), (x509.CRLDistributionPoints([point]), False)


def _save(path: Path, key: SigningKey, chain: Iterable[bytes]) -> None:
    key.save(path.with_suffix(".key"))
    pem = b"".join(certificate(der).public_bytes(Encoding.PEM) for der in chain)
    path.with_suffix(".pem").write_bytes(pem)


def _load_authority(folder: Path, id_: str) -> Authority:
    path = folder / "authorities" / id_
    (own,) = certificates(path.with_suffix(".pem").read_bytes())
    return Authority(id=id_, certificate=own, key=SigningKey.load(path.with_suffix(".key")))


def _load_signer(path: Path) -> SigningKey:
    return SigningKey.load(path.with_suffix(".key"), chain=path.with_suffix(".pem"))
