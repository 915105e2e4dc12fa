"""The same work as an mdoc: 24 elements, 4 of them shown, a device signature for a session of OpenID4VP by redirect.

Everybody and everything in it is invented, as in :mod:`work`; its holders, keys and certificates are the same.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import cbor2
from cbor2 import CBORTag
from work import FLAT, HOLDERS, RELEASED, SCALARS, STATUS_URI, Holder, World

from ewallet import cose
from ewallet.credential import Binding, Draft, StatusRef
from ewallet.formats import FORMATS
from ewallet.formats.document import Mdoc, device_authentication
from ewallet.formats.transcript import of_binding
from ewallet.keys import PublicKey, SigningKey
from ewallet.shape import base64url, embed, to_base64url

DOCTYPE = "example.kr-ewallet.resident_register_copy.1"
NAMESPACE = "example.kr-ewallet.1"
RESPONSE_URI = "https://bank.example/response"
FORMAT = FORMATS["mso_mdoc"]
ELEMENTS: dict[str, Any] = {NAMESPACE: FLAT}
PATHS = tuple((NAMESPACE, name) for name in RELEASED)
SHOWN = {name: SCALARS[name] for name in RELEASED}


@dataclass(frozen=True)
class MdocWorld:
    """The world with mdocs in it."""

    world: World

    @property
    def holders(self) -> list[Holder]:
        """Those of the world."""
        return self.world.holders

    @cached_property
    def bindings(self) -> list[Binding]:
        """What each presentation is bound to."""
        return [replace(holder.binding, response_uri=RESPONSE_URI) for holder in self.holders]

    @cached_property
    def credentials(self) -> list[str]:
        """One issued mdoc a holder."""
        return [self.issue(number) for number in range(HOLDERS)]

    @cached_property
    def presentations(self) -> list[str]:
        """One presentation a holder: four elements of 24."""
        return [self.present(number) for number in range(HOLDERS)]

    def issue(self, number: int) -> str:
        """One mdoc, by our own public face."""
        draft = Draft(
            type_id=DOCTYPE,
            issuer="",
            claims=ELEMENTS,
            validity=self.world.validity,
            disclosable=frozenset(),
            holder=PublicKey.of(self.holders[number].private.public_key()),
            status=StatusRef(STATUS_URI, number),
        )
        copy = FORMAT.prepare(draft, self.world.signer, secrets.token_bytes)
        return copy.complete(self.world.signer.sign(copy.data))

    def present(self, number: int) -> str:
        """One presentation, by our own public face."""
        signer = self.holders[number].signer
        return FORMAT.present(self.credentials[number], PATHS, self.bindings[number], signer, self.world.now)

    def signed(self, number: int) -> tuple[tuple[bytes, bytes], tuple[bytes, bytes]]:
        """The issuer's signature and the device's of one presentation, each with what it is over."""
        document = Mdoc.parse(self.presentations[number])
        auth = document.issuer_auth
        assert auth.payload
        assert document.device_signed
        protected, _, _, signature = document.device_signed["deviceAuth"]["deviceSignature"]
        authentication = device_authentication(of_binding(self.bindings[number]), DOCTYPE, embed(b"\xa0"))
        return (
            (auth.signature, cose.to_be_signed(auth.protected, auth.payload)),
            (signature, cose.to_be_signed(protected, authentication)),
        )


def forgeries(presentation: str) -> list[str]:
    """The presentation with another element shown, with another issuer's signature, and with another device's."""
    response = cbor2.loads(base64url(presentation))
    (document,) = response["documents"]
    items = document["issuerSigned"]["nameSpaces"][NAMESPACE]
    auth = document["issuerSigned"]["issuerAuth"]
    proof = document["deviceSigned"]["deviceAuth"]["deviceSignature"]
    made = []
    for place, position, other in (
        (items, 0, CBORTag(24, cbor2.dumps(cbor2.loads(items[0].value) | {"elementValue": "another"}))),
        (auth, 3, SigningKey.generate().sign(cose.to_be_signed(auth[0], auth[2]))),
        (proof, 3, SigningKey.generate().sign(b"another session")),
    ):
        honest, place[position] = place[position], other
        made.append(to_base64url(cbor2.dumps(response)))
        place[position] = honest
    return made
