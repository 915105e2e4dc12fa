"""A presentation with everything a hostile peer could wish for: the holder's key, the issuer's, and what stayed hidden.

From a :class:`Stage` any presentation can be forged so that one thing is wrong and the rest is in order::

    stage = Stage.of(kit, kit.present(query))
    late = stage.bind(stage.shown, change={"iat": 0})
    undated = stage.forge(payload={**stage.payload, "exp": None})
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from hashlib import sha256
from typing import Final

from ewallet import jose
from ewallet.credential import Binding
from ewallet.errors import UsageError
from ewallet.formats.sdjwt import KB_TYP
from ewallet.keys import Signer, SigningKey
from ewallet.shape import Json, base64url, json_object, json_value, to_base64url
from ewallet.testing.kit import Kit, Presented
from ewallet.testing.pki import Pki

Sign = Callable[[bytes], bytes]

_NOTHING: Final[Mapping[str, Json]] = {}


def digest(text: str) -> str:
    """The digest of a disclosure, or of what was presented (RFC 9901 §4.2.3, §4.3.1), with SHA-256."""
    return to_base64url(sha256(text.encode("ascii")).digest())


def disclosure(*items: Json) -> str:
    """A disclosure of whatever items; an honest one has ``salt, name, value`` or ``salt, value``."""
    return to_base64url(jose.to_json(list(items)))


def items_of(encoded: str) -> Json:
    """What a disclosure says."""
    return json_value(base64url(encoded))


def jws(header: Mapping[str, Json] | str, payload: Mapping[str, Json] | str, sign: Sign | None) -> str:
    """A compact JWS with header and payload as they are given, JSON or not; unsigned without ``sign``."""
    encoded = (part if isinstance(part, str) else jose.to_json(part).decode() for part in (header, payload))
    signed = ".".join(to_base64url(part.encode()) for part in encoded)
    return f"{signed}.{to_base64url(sign(signed.encode())) if sign else ''}"


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One honest SD-JWT VC presentation, and what it takes to spoil it."""

    presentation: str = field(repr=False)
    held: str = field(repr=False)
    key: SigningKey
    signer: SigningKey
    binding: Binding
    at: datetime
    pki: Pki

    @classmethod
    def of(cls, kit: Kit, presented: Presented) -> Stage:
        """The stage of the kit's answer to a request that asks for one credential."""
        issued = presented.presentation.partition("~")[0]
        for document in kit.wallet.documents():
            for copy in kit.wallet_store.copies(document.id):
                if copy.raw.startswith(issued) and document.type:
                    return cls(
                        presentation=presented.presentation,
                        held=copy.raw,
                        key=SigningKey.of_secret(kit.wallet_store.key(copy.key)),
                        signer=kit.pki.signers[document.type.system],
                        binding=presented.request.binding,
                        at=kit.clock.now(),
                        pki=kit.pki,
                    )
        raise UsageError("usage.argument", "not a presentation of what the wallet holds")

    # -- what is there -----------------------------------------------------------------------------------------

    @cached_property
    def issued(self) -> str:
        """The issuer's JWT."""
        return self.presentation.partition("~")[0]

    @cached_property
    def header(self) -> dict[str, Json]:
        """Its header."""
        return json_object(base64url(self.issued.split(".")[0]))

    @cached_property
    def payload(self) -> dict[str, Json]:
        """Its payload, digests and all."""
        return json_object(base64url(self.issued.split(".")[1]))

    @cached_property
    def disclosures(self) -> tuple[str, ...]:
        """The disclosures that were shown."""
        return tuple(self.presentation.split("~")[1:-1])

    @cached_property
    def hidden(self) -> tuple[str, ...]:
        """The disclosures that were not."""
        return tuple(each for each in self.held.split("~")[1:-1] if each not in self.disclosures)

    @property
    def shown(self) -> str:
        """The presentation without its key binding."""
        return self.join(self.issued, self.disclosures)

    @property
    def key_binding(self) -> str:
        """The key binding JWT."""
        return self.presentation.rpartition("~")[2]

    # -- what can be made of it --------------------------------------------------------------------------------

    @staticmethod
    def join(issued: str, disclosures: Iterable[str]) -> str:
        """An SD-JWT without key binding."""
        return "~".join((issued, *disclosures, ""))

    def binding_claims(self, shown: str) -> dict[str, Json]:
        """What an honest key binding of that SD-JWT says."""
        return {
            "iat": int(self.at.timestamp()),
            "aud": self.binding.audience,
            "nonce": self.binding.nonce,
            "sd_hash": digest(shown),
        }

    def bind(
        self,
        shown: str,
        *,
        change: Mapping[str, Json] = _NOTHING,
        without: str = "",
        typ: str = KB_TYP,
        key: Signer | None = None,
    ) -> str:
        """That SD-JWT with a key binding, honest but for what is changed, left out or signed with another key."""
        claims = {name: value for name, value in {**self.binding_claims(shown), **change}.items() if name != without}
        return shown + jose.sign(typ, claims, key or self.key)

    def forge(
        self,
        *,
        payload: Mapping[str, Json] | str | None = None,
        header: Mapping[str, Json] | str | None = None,
        disclosures: Iterable[str] | None = None,
        signer: SigningKey | None = None,
    ) -> str:
        """A presentation whose issuer signed something else, bound by the holder as if nothing were wrong."""
        issued = self.issue(payload=payload, header=header, signer=signer)
        return self.bind(self.join(issued, self.disclosures if disclosures is None else disclosures))

    def issue(
        self,
        *,
        payload: Mapping[str, Json] | str | None = None,
        header: Mapping[str, Json] | str | None = None,
        signer: SigningKey | None = None,
    ) -> str:
        """An issuer's JWT with that payload and header, signed with the issuer's key or another."""
        return jws(
            self.header if header is None else header,
            self.payload if payload is None else payload,
            (signer or self.signer).sign,
        )

    def disclosing(self, *disclosures: str) -> str:
        """A presentation whose issuer added these disclosures at the top level, all of them shown."""
        added = sorted([*self.payload["_sd"], *map(digest, disclosures)])
        return self.forge(payload={**self.payload, "_sd": added}, disclosures=(*self.disclosures, *disclosures))
