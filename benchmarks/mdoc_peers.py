"""The same work on mdocs by us and by the other Python packages, each through its own public face.

Where a peer does less than we do, its note in the tables says so.
"""

from __future__ import annotations

import asyncio
from typing import Any

import cbor2
from mdoc_work import DOCTYPE, ELEMENTS, FORMAT, NAMESPACE, MdocWorld
from peers import Run
from work import FLAT

from ewallet.formats.transcript import of_binding
from ewallet.shape import base64url
from ewallet.trust import TrustPaths


def ours(mdocs: MdocWorld, presentations: list[str] | None = None, *, cold: bool = False) -> Run:
    """Signature, path of the issuer, digests, device, dates: the path remembered, or with ``cold`` checked anew."""
    texts, at, trust = presentations or mdocs.presentations, mdocs.world.now, mdocs.world.trust
    remembered, bindings = TrustPaths(trust, "issuer"), mdocs.bindings

    def path(chain: tuple[bytes, ...], type_id: str) -> Any:
        return (
            trust.check(chain, "issuer", at, type_id=type_id) if cold else remembered.check(chain, at, type_id=type_id)
        )

    def run(number: int) -> Any:
        evidence = FORMAT.open(texts[number])
        trusted = path(evidence.chain, evidence.type_id)
        trusted.check_issuer(evidence.issuer)
        evidence.check_signature(trusted.key)
        credential = evidence.check_disclosures()
        evidence.check_binding(bindings[number], at)
        credential.check_validity(at)
        return credential.claims[NAMESPACE]

    return run


def ours_cold(mdocs: MdocWorld, presentations: list[str] | None = None) -> Run:
    """The same with nothing remembered of the issuer."""
    return ours(mdocs, presentations, cold=True)


# -- isomdoc ------------------------------------------------------------------------------------------------


def isomdoc_issue(mdocs: MdocWorld) -> Run:
    """One issued mdoc, as CBOR; without a status, which it has no place for."""
    from isomdoc import create_mdoc

    world = mdocs.world
    since, until = world.validity.since, world.validity.until
    keys = [holder.private.public_key() for holder in mdocs.holders]

    def run(number: int) -> bytes:
        mdoc = create_mdoc(DOCTYPE, [world.leaf], world.private)
        for name, value in FLAT.items():
            mdoc.add_data_item(NAMESPACE, name, value)
        return bytes(mdoc.generate_credential(keys[number], since, since, until))

    return run


def isomdoc_verify(mdocs: MdocWorld, presentations: list[str] | None = None) -> Run:
    """The elements of one presentation, by the key of whatever certificate came with it."""
    from isomdoc import verify_device_response

    texts = presentations or mdocs.presentations
    sessions = [cbor2.loads(of_binding(binding)) for binding in mdocs.bindings]

    def run(number: int) -> Any:
        response = verify_device_response(base64url(texts[number]), sessions[number])
        items = response.documents[0].issuer_signed.namespaces[NAMESPACE]
        return {item.element_identifier: item.element_value for item in items}

    return run


# -- openvc-core --------------------------------------------------------------------------------------------


def openvc_verify(mdocs: MdocWorld, presentations: list[str] | None = None) -> Run:
    """The elements of one presentation, its certificate chain checked from scratch."""
    from openvc.mdoc import verify_device_response

    texts, anchors = presentations or mdocs.presentations, [mdocs.world.root]
    sessions = [of_binding(binding) for binding in mdocs.bindings]

    def run(number: int) -> Any:
        raw = base64url(texts[number])
        (found,) = verify_device_response(
            raw, trust_anchors=anchors, session_transcript=sessions[number], expected_doc_type=DOCTYPE
        )
        return found.elements(NAMESPACE)

    return run


# -- openid4vci ---------------------------------------------------------------------------------------------


def openid4vci_issue(mdocs: MdocWorld) -> Run:
    """One issued mdoc, without a status, dated by the machine's clock."""
    from openid4vci.adapters.mdoc import LocalCoseSigner, MdocAdapter
    from pycose.keys import EC2Key

    numbers = mdocs.world.private.private_numbers()
    x, y, d = (
        value.to_bytes(32, "big")
        for value in (numbers.public_numbers.x, numbers.public_numbers.y, numbers.private_value)
    )
    signer = LocalCoseSigner(EC2Key(crv="P_256", x=x, y=y, d=d), list(mdocs.world.signer.chain))
    adapter, loop = MdocAdapter(DOCTYPE, signer), asyncio.new_event_loop()
    jwks = [holder.jwk for holder in mdocs.holders]
    return lambda number: loop.run_until_complete(adapter.issue(ELEMENTS, holder_key=jwks[number]))
