"""SD-JWT VC: selective disclosure JWTs (RFC 9901) as credentials (draft-ietf-oauth-sd-jwt-vc-19).

``<issuer JWT>~<disclosure>~...~[<key binding JWT>]``; the disclosures themselves are in :mod:`ewallet.disclosure`.
Section numbers without a document are those of RFC 9901.

Rule of this file: whether key binding is needed is decided by who verifies, never by what was sent (§7.3).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from ewallet import jose
from ewallet.catalog.acting import ACT
from ewallet.catalog.kinds import CredentialType
from ewallet.credential import Binding, Claims, Credential, Draft, Path, StatusRef, Validity, moment
from ewallet.disclosure import HASHES, Packing, Selection, Unpacking, digest, hash_of
from ewallet.env import Random
from ewallet.errors import BindingError, CryptoError, DisclosureError, PolicyError, QueryError, ValidityError
from ewallet.formats.once import Once
from ewallet.keys import ALGORITHMS, PublicKey, Signer
from ewallet.shape import (
    MAX_CREDENTIAL,
    MAX_DISCLOSURES,
    Json,
    instance,
    json_object,
    member,
    numeric_date,
    optional,
    refuse,
    strings,
    to_base64url,
)

TYP: Final = "dc+sd-jwt"
KB_TYP: Final = "kb+jwt"

#: Claims that are never selectively disclosable (§9.7; SD-JWT VC §2.2.2), nor any part of them; nor is who acts.
PROTECTED: Final = frozenset({"iss", "aud", "exp", "nbf", "cnf", "vct", "vct#integrity", "aka_vcts", "status", ACT})
_REGISTERED: Final = PROTECTED | {"iat", "_sd_alg"}
_USUAL_HASH: Final = "sha-256"  # of transactions, where the request names none
_FRESH: Final = 300  # seconds either way; neither RFC 9901 nor HAIP gives a figure, phone clocks drift


def _split(raw: str) -> tuple[str, list[str], str]:
    """The issuer JWT, the disclosures and the key binding JWT (empty without one) of either serialisation (§4, §8)."""
    if len(raw) > MAX_CREDENTIAL:
        refuse("limit.size", f"{len(raw)} characters, at most {MAX_CREDENTIAL} are read")
    compact = _compact(raw) if raw.startswith("{") else raw
    if not compact.isascii():
        refuse("malformed.encoding", "an sd-jwt with other characters than ascii")
    parts = compact.split("~", MAX_DISCLOSURES + 2)
    if len(parts) > MAX_DISCLOSURES + 2:
        refuse("limit.count", f"more than {MAX_DISCLOSURES} disclosures")
    if len(parts) < 2:
        refuse("malformed.sdjwt", "no tilde after the issuer's jwt")
    disclosures = parts[1:-1]
    if "" in disclosures:
        refuse("malformed.sdjwt", "an empty disclosure")
    return parts[0], disclosures, parts[-1]


def _compact(raw: str) -> str:
    """§8: the compact form of a JWS JSON serialisation; of several signatures the first counts."""
    message = json_object(raw, "the sd-jwt", limit=MAX_CREDENTIAL)
    signature = message
    if "signatures" in message:
        signatures = member(message, "signatures", list)
        if not signatures or "signature" in message:
            refuse("malformed.sdjwt", "neither the flattened nor the general serialisation")
        signature = instance(signatures[0], dict, "a signature")
    header = optional(signature, "header", dict) or {}
    disclosures = [instance(item, str, "a disclosure") for item in optional(header, "disclosures", list) or []]
    parts = [member(signature, "protected", str), member(message, "payload", str), member(signature, "signature", str)]
    tail = [".".join(parts), *disclosures, optional(header, "kb_jwt", str) or ""]
    if any("~" in part for part in tail):
        refuse("malformed.sdjwt", "a tilde inside a member")
    return "~".join(tail)


@dataclass(eq=False)  # not frozen, which takes four times as long to make: nothing but this file sets anything of it
class SdJwt:
    """An SD-JWT VC taken apart: the issuer's JWS, its payload, the disclosures and the key binding JWT, if any."""

    jws: jose.Jws
    issued: str = field(repr=False)
    disclosures: tuple[str, ...] = field(repr=False)
    binding: str = field(repr=False)

    @classmethod
    def parse(cls, raw: str, *, typ: str | None = TYP) -> SdJwt:
        """Take one apart; ``malformed.*``, ``limit.*``, ``crypto.typ_mismatch``, ``sdjwt.disclosure_duplicate``."""
        issued, disclosures, binding = _split(raw)
        jws = jose.parse(issued, typ, what="the sd-jwt")
        if len(set(disclosures)) < len(disclosures):
            raise DisclosureError("sdjwt.disclosure_duplicate", "the same disclosure twice")
        return cls(jws, issued, tuple(disclosures), binding)

    @Once
    def payload(self) -> dict[str, Json]:
        """The payload as signed, digests and all."""
        return self.jws.claims

    @Once
    def _unpacked(self) -> tuple[dict[str, Json], tuple[Path, ...]]:
        unpacking = Unpacking(hash_of(self.payload), self.disclosures, PROTECTED)
        return unpacking.payload(self.payload), tuple(unpacking.shown)

    @property
    def processed(self) -> dict[str, Json]:
        """The processed payload (§7.1); ``sdjwt.*``, ``malformed.sdjwt``, ``crypto.hash_not_allowed``."""
        return self._unpacked[0]

    @property
    def shown(self) -> tuple[Path, ...]:
        """The concrete paths that came by disclosure."""
        return self._unpacked[1]

    @Once
    def _holder(self) -> PublicKey | None:
        """The key of ``cnf``, which is never selectively disclosable: the same in the payload as signed."""
        cnf = optional(self.payload, "cnf", dict)
        return PublicKey.of_jwk(member(cnf, "jwk", dict)) if cnf is not None else None

    @property
    def sd_hash(self) -> str:
        """The hash of what is shown, which key bindings name (§4.3.1)."""
        return digest(hash_of(self.payload), "~".join((self.issued, *self.disclosures, "")))

    @property
    def holder(self) -> PublicKey:
        """The key that it is bound to; ``kb.missing`` where it is bound to none."""
        if self._holder is None:
            raise BindingError("kb.missing", "the credential names no holder's key")
        return self._holder

    @property
    def chain(self) -> tuple[bytes, ...]:
        """The issuer's DER certificates, leaf first; empty without ``x5c``."""
        return self.jws.chain

    @property
    def type_id(self) -> str:
        """The ``vct``."""
        return member(self.payload, "vct", str)

    @property
    def issuer(self) -> str | None:
        """The ``iss``, if there is one."""
        return optional(self.payload, "iss", str)

    def check_signature(self, key: PublicKey) -> None:
        """Return if that key signed it; ``crypto.*``."""
        self.jws.verify(key)

    def check_disclosures(self) -> Credential:
        """What it says; ``sdjwt.*``, ``malformed.*``."""
        processed, shown = self._unpacked
        return _credential(processed, shown, self._holder)

    def check_binding(self, binding: Binding | None, at: datetime) -> None:
        """§7.3: Return if the key of ``cnf`` made it for this binding, just now; ``kb.*``, ``policy.*``."""
        if not self.binding and binding is None:
            return
        if binding is not None:
            self._check_meant_for(binding.audience)
        claims = self._bound(binding, at)
        if claims.get("sd_hash") != self.sd_hash:
            raise BindingError("kb.sd_hash", "sd_hash is not that of what was presented")
        if binding is not None:
            check_confirmed(claims, binding)

    def _check_meant_for(self, audience: str) -> None:
        """RFC 7519 §4.1.3: an issuer that names who may rely on the credential has named this verifier too."""
        named = self.payload.get("aud", audience)
        if audience not in (named if type(named) is list else [named]):
            raise BindingError("kb.aud", "the credential was issued for another audience")

    def check_confirmation(self, binding: Binding, at: datetime) -> None:
        """As :meth:`check_binding` for its transactions, whatever was disclosed with it and is not here any more."""
        check_confirmed(self._bound(binding, at), binding)

    def _bound(self, binding: Binding | None, at: datetime) -> dict[str, Json]:
        """What the key of ``cnf`` signed, for this binding where there is one."""
        if not self.binding:
            raise BindingError("kb.missing", "no key binding jwt")
        claims = binding_claims(self.binding, self.holder)
        if binding is not None:
            check_fresh(claims, at)
            check_addressed(claims, binding)
        return claims


def binding_claims(compact: str, key: PublicKey, typ: str = KB_TYP) -> dict[str, Json]:
    """What that key says in a key binding JWT, or in another such statement; ``kb.typ``, ``kb.signature_invalid``."""
    try:
        jws = jose.parse(compact, typ, what="the key binding jwt")
        jws.verify(key)
    except CryptoError as exc:
        code = {"crypto.typ_mismatch": "kb.typ", "crypto.signature_invalid": "kb.signature_invalid"}.get(exc.code)
        if code is None:
            raise
        raise BindingError(code, exc.detail) from None
    return jws.claims


def check_fresh(claims: Claims, at: datetime) -> None:
    """Return if it was made just now; ``kb.iat``, ``time.*``."""
    if "iat" not in claims:
        raise BindingError("kb.iat", "iat is missing")
    now, made = at.timestamp(), numeric_date(claims["iat"], "iat")
    if abs(now - made) > _FRESH:
        raise BindingError("kb.iat", f"made more than {_FRESH} seconds from now")
    if "exp" in claims and now >= numeric_date(claims["exp"], "exp"):
        raise ValidityError("time.expired", "the key binding jwt has expired")
    if "nbf" in claims and now + _FRESH < numeric_date(claims["nbf"], "nbf"):
        raise ValidityError("time.not_yet_valid", "the key binding jwt is not valid yet")


def check_addressed(claims: Claims, binding: Binding) -> None:
    """Return if it was made for that audience and nonce; ``kb.aud``, ``kb.nonce``."""
    if claims.get("aud") != binding.audience:  # one string, the whole client identifier with its prefix
        raise BindingError("kb.aud", "made for another audience")
    if claims.get("nonce") != binding.nonce:
        raise BindingError("kb.nonce", "made in answer to another nonce")


def check_confirmed(claims: Claims, binding: Binding) -> None:
    """OpenID4VP 1.0 App. B.3.3: every transaction is confirmed by the hash of its text as sent, and none besides."""
    if not binding.transaction_data:
        if "transaction_data_hashes" in claims:
            raise PolicyError("policy.transaction_data", "a confirmation of transactions that were not asked about")
        return
    name = claims.get("transaction_data_hashes_alg", _USUAL_HASH)
    hashes = claims.get("transaction_data_hashes")
    if name not in (binding.transaction_hashes or (_USUAL_HASH,)) or not isinstance(hashes, list):
        raise PolicyError("policy.transaction_data", "no hashes of the transactions, or other ones than were asked for")
    if len(hashes) > len(binding.transaction_data):
        raise PolicyError("policy.transaction_data", "more transactions than were asked about")
    if not all(digest(HASHES[name], raw) in hashes for raw in binding.transaction_data):
        raise PolicyError("policy.transaction_data", "a transaction that the holder did not confirm")


def confirmed(binding: Binding) -> dict[str, Json]:
    """The claims that confirm the transactions of a binding, if it has any."""
    if not binding.transaction_data:
        return {}
    name = (binding.transaction_hashes or (_USUAL_HASH,))[0]
    hashes = [digest(HASHES[name], raw) for raw in binding.transaction_data]
    named: dict[str, Json] = {"transaction_data_hashes_alg": name} if binding.transaction_hashes else {}
    return {"transaction_data_hashes": hashes, **named}


def _credential(payload: Claims, shown: tuple[Path, ...], holder: PublicKey | None) -> Credential:
    """SD-JWT VC §2.2.2: the registered claims in their shapes."""
    if "aka_vcts" in payload and payload["vct"] in strings(payload["aka_vcts"], "aka_vcts"):
        refuse("malformed.claim_type", "aka_vcts contains the vct")
    optional(payload, "vct#integrity", str)
    dates = {name: moment(numeric_date(payload[name], name)) for name in ("nbf", "exp", "iat") if name in payload}
    return Credential(
        format=TYP,
        type_id=member(payload, "vct", str),
        issuer=optional(payload, "iss", str),
        validity=Validity(dates.get("nbf"), dates.get("exp")),
        issued=dates.get("iat"),
        holder=holder,
        status=_status(payload),
        claims=payload,
        shown=shown,
        registered=_REGISTERED,
    )


def _status(payload: Claims) -> StatusRef | None:
    status = optional(payload, "status", dict)
    entry = optional(status, "status_list", dict) if status else None
    return None if entry is None else StatusRef.of_json(entry)


def select(raw: str, paths: Iterable[Path]) -> tuple[str, str]:
    """The held credential with the disclosures for those concrete paths, and the hash that a key binding names."""
    held = SdJwt.parse(raw)
    selection = Selection(held.payload, held.disclosures)
    for path in paths:
        selection.add(path)
    shown = "~".join((held.issued, *selection.disclosures(), ""))
    return shown, digest(hash_of(held.payload), shown)


@dataclass(frozen=True)
class _ToSign:
    text: str = field(repr=False)
    disclosures: tuple[str, ...] = field(repr=False)

    @property
    def data(self) -> bytes:
        return self.text.encode("ascii")

    def complete(self, signature: bytes) -> str:
        return "~".join((f"{self.text}.{to_base64url(signature)}", *self.disclosures, ""))


def _payload(draft: Draft) -> dict[str, Json]:
    payload: dict[str, Json] = {"vct": draft.type_id, "iss": draft.issuer}
    if draft.validity.since:
        payload["iat"] = payload["nbf"] = int(draft.validity.since.timestamp())
    if draft.validity.until:
        payload["exp"] = int(draft.validity.until.timestamp())
    if draft.holder:
        payload["cnf"] = {"jwk": draft.holder.jwk}
    if draft.status:
        payload["status"] = {"status_list": draft.status.to_json()}
    return payload


class SdJwtFormat:
    """SD-JWT VC as one of :data:`ewallet.formats.FORMATS`."""

    id: Final = TYP
    confirms: Final = True
    algorithms: Final[Mapping[str, tuple[str | int, ...]]] = {
        "sd-jwt_alg_values": tuple(sorted(ALGORITHMS)),
        "kb-jwt_alg_values": tuple(sorted(ALGORITHMS)),
    }

    def type_id(self, type_: CredentialType) -> str:
        """The ``vct``: every kind has one."""
        return type_.vct

    def arrange(self, type_: CredentialType, claims: Claims) -> Claims:
        """The record as it is."""
        return claims

    def path(self, type_: CredentialType, path: Path) -> Path:
        """The same path: an SD-JWT VC has the claims as the kind has them."""
        return path

    def check_path(self, path: Path) -> None:
        """Every claims path may lead somewhere."""

    def prepare(self, draft: Draft, signer: Signer, random: Random) -> _ToSign:
        """One copy of the draft with fresh salts, ready for the signer's signature."""
        packing = Packing(draft.disclosable, draft.decoys, random)
        payload = _payload(draft) | packing.top(draft.claims)
        text = jose.signing_input(TYP, jose.to_json(payload), signer.public.alg, signer.chain)
        return _ToSign(text, tuple(packing.disclosures))

    def read(self, raw: str) -> Credential:
        """What the issuer sent to a holder; an issuer does not send a key binding JWT (§7.2): ``malformed.sdjwt``."""
        held = SdJwt.parse(raw)
        if held.binding:
            refuse("malformed.sdjwt", "a key binding jwt from an issuer")
        return held.check_disclosures()

    def present(self, raw: str, paths: Iterable[Path], binding: Binding, signer: Signer, at: datetime) -> str:
        """The held credential with the disclosures for those concrete paths, and a key binding JWT (§7.2)."""
        shown, sd_hash = select(raw, paths)
        claims = {
            "iat": int(at.timestamp()),
            "aud": binding.audience,
            "nonce": binding.nonce,
            "sd_hash": sd_hash,
            **confirmed(binding),
        }
        return shown + jose.sign(KB_TYP, claims, signer)

    def open(self, presented: str) -> SdJwt:
        """Take a presentation apart; ``malformed.*``, ``limit.*``."""
        return SdJwt.parse(presented)

    def confirmation(self, presented: str) -> str:
        """The issuer's JWT and the key binding JWT."""
        found = SdJwt.parse(presented)
        return f"{found.issued}~{found.binding}"

    def open_confirmation(self, raw: str) -> SdJwt:
        """The same, taken apart."""
        found = SdJwt.parse(raw)
        if found.disclosures:
            refuse("malformed.sdjwt", "disclosures beside a confirmation")
        return found

    def type_ids(self, meta: Mapping[str, Json]) -> frozenset[str]:
        """The ``vct_values`` (OpenID4VP 1.0 App. B.3.5); ``dcql.invalid``."""
        values = meta.get("vct_values")
        if type(values) is not list or not values or not all(type(value) is str for value in values):
            raise QueryError("dcql.invalid", "vct_values is not a non-empty array of strings")
        return frozenset(values)

    def meta(self, type_id: str) -> dict[str, Json]:
        """The DCQL ``meta`` for that ``vct``."""
        return {"vct_values": [type_id]}

    def configuration(self, type_: CredentialType, algorithms: Sequence[str]) -> dict[str, Json] | None:
        """OpenID4VCI 1.0 App. A.3.2: the ``vct``, and algorithms by their JOSE names."""
        return {
            "vct": type_.vct,
            "credential_signing_alg_values_supported": list(algorithms),
            "cryptographic_binding_methods_supported": ["jwk"],
        }

    def configured_type(self, configuration: Mapping[str, Json]) -> str:
        """The ``vct``."""
        if "credential_signing_alg_values_supported" in configuration:
            strings(configuration["credential_signing_alg_values_supported"], "credential_signing_alg_values_supported")
        return member(configuration, "vct", str)


SD_JWT: Final = SdJwtFormat()
