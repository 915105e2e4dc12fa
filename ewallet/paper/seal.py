"""The seal of a file: a PAdES baseline signature (ETSI EN 319 142-1) by the national system's document signer.

Made by pyHanko with any :class:`ewallet.keys.Signer`, also one whose key is in a hardware module. The field is without
a picture and outside of what is shown, is named for screen readers, and allows no change of the document afterwards, so
that PDF/A-3a and PDF/UA-1 stay what they were.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from io import BytesIO
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from pyhanko.keys import load_certs_from_pemder_data
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.sign.fields import MDPPerm, SigFieldSpec, SigSeedSubFilter
from pyhanko.sign.general import SigningError
from pyhanko.sign.signers import cms_embedder, pdf_byterange, pdf_cms

from ewallet.errors import Malformed, UsageError
from ewallet.keys import Signer

FIELD: Final = "issuer-seal"
_TITLE: Final = "발급기관 전자서명 · seal of the issuer"
_HASHES: Final = {"ES256": "sha256", "ES384": "sha384", "ES512": "sha512"}
_ROOM: Final = 8 * 1024  # bytes kept for the signature; five certificates of usual size are 5 KiB


def seal(pdf: bytes, signer: Signer, at: datetime) -> bytes:
    """The same file with the signer's seal over all of it, dated with that time; not to be called in an event loop.

    ``usage.configuration`` for a signer without a certificate or of an algorithm that CMS has not, ``malformed.pdf``.
    """
    hash_ = _HASHES.get(signer.public.alg)
    if hash_ is None or not signer.chain:
        raise UsageError("usage.configuration", "a seal needs an ecdsa key with its certificates")
    try:
        return _sealed(pdf, _PdfSigner(signer), hash_, at)
    except (PdfError, SigningError):
        raise Malformed("malformed.pdf", "a file that cannot be sealed") from None


def _sealed(pdf: bytes, signer: _PdfSigner, hash_: str, at: datetime) -> bytes:
    writer = _Writer(BytesIO(pdf))
    _tab_in_order(writer)
    spec = SigFieldSpec(FIELD, box=None, readable_field_name=_TITLE)
    steps: Any = cms_embedder.PdfCMSEmbedder(new_field_spec=spec).write_cms(field_name=FIELD, writer=writer)
    next(steps)
    placeholder = pdf_byterange.PdfSignedData(
        pdf_name("/Sig"), subfilter=SigSeedSubFilter.PADES, timestamp=at, bytes_reserved=2 * _ROOM
    )
    mdp = cms_embedder.SigMDPSetup(md_algorithm=hash_, certify=True, docmdp_perms=MDPPerm.NO_CHANGES)
    steps.send(cms_embedder.SigObjSetup(sig_placeholder=placeholder, mdp_setup=mdp))
    prepared, output = steps.send(cms_embedder.SigIOSetup(md_algorithm=hash_))
    steps.send(asyncio.run(signer.async_sign(prepared.document_digest, hash_, use_pades=True)))
    return bytes(output.getvalue())


def _tab_in_order(writer: IncrementalPdfFileWriter) -> None:
    """ISO 14289-1 §7.18.3: on a page with a field, the order of tabs is that of the structure."""
    page_ref, _ = writer.find_page_for_modification(0)
    page = page_ref.get_object()
    page[pdf_name("/Tabs")] = pdf_name("/S")
    writer.mark_update(page_ref)


class _Writer(IncrementalPdfFileWriter):
    """Leaves the metadata as they are: pyHanko would enter itself and the time of the machine."""

    def _update_meta(self) -> None:
        pass


class _PdfSigner(pdf_cms.Signer):
    """One of ours as pyHanko has them."""

    def __init__(self, signer: Signer) -> None:
        leaf, *above = (found for der in signer.chain for found in load_certs_from_pemder_data(der))
        super().__init__(signing_cert=leaf)
        self.cert_registry.register_multiple(above)
        self._signer = signer

    async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run: bool = False) -> bytes:  # noqa: FBT001, FBT002 - pyHanko's
        """The signature over the data, in the DER that CMS wants."""
        raw = bytes(150) if dry_run else self._signer.sign(data)
        half = len(raw) // 2
        return encode_dss_signature(int.from_bytes(raw[:half], "big"), int.from_bytes(raw[half:], "big"))
