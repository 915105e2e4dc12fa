"""Credential formats: one file each, and the table that lists them. No other module asks which format it has.

A new format is a file with an object of the :class:`Format` protocol, an entry in :data:`FORMATS`, and a column of
fixtures in ``tests/ladder``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Final, Protocol

from ewallet.catalog.kinds import CredentialType
from ewallet.credential import Binding, Claims, Credential, Draft, Path
from ewallet.env import Random
from ewallet.errors import Malformed
from ewallet.formats.mdoc import MDOC
from ewallet.formats.sdjwt import SD_JWT
from ewallet.keys import PublicKey, Signer
from ewallet.shape import Json


class ToSign(Protocol):
    """A credential that lacks nothing but the issuer's signature."""

    @property
    def data(self) -> bytes:
        """The bytes to be signed."""

    def complete(self, signature: bytes) -> str:
        """The credential as it travels."""


class Evidence(Protocol):
    """A presentation taken apart. Its members are claims of the sender until the checks have passed."""

    @property
    def chain(self) -> tuple[bytes, ...]:
        """DER certificates of the issuer, leaf first; empty where it sent none."""

    @property
    def type_id(self) -> str:
        """The type it says it is."""

    @property
    def issuer(self) -> str | None:
        """The issuer it names, if it names one."""

    def check_signature(self, key: PublicKey) -> None:
        """Return if that key signed it, with an allowed algorithm; ``crypto.*``."""

    def check_disclosures(self) -> Credential:
        """What it says, every value one that the issuer signed, once; ``sdjwt.*``, ``mdoc.*``."""

    def check_binding(self, binding: Binding | None, at: datetime) -> None:
        """Return if the bound key made it for that binding, just now.

        Raises ``kb.*``, ``mdoc.*``, or ``policy.transaction_data`` for a transaction it does not confirm. None asks
        for no binding: whatever proof is there must still hold together.
        """


class Confirmation(Protocol):
    """What shows that a holder confirmed transactions, and nothing of what was disclosed with it."""

    @property
    def chain(self) -> tuple[bytes, ...]:
        """As of :class:`Evidence`."""

    @property
    def type_id(self) -> str:
        """As of :class:`Evidence`."""

    @property
    def issuer(self) -> str | None:
        """As of :class:`Evidence`."""

    def check_signature(self, key: PublicKey) -> None:
        """As of :class:`Evidence`."""

    def check_confirmation(self, binding: Binding, at: datetime) -> None:
        """Return if the bound key confirmed the transactions of that binding at that time.

        Raises ``kb.*``, ``policy.transaction_data``.
        """


class BoundConfirmation(Confirmation, Protocol):
    """The same, of whoever holds the credential themselves."""

    @property
    def holder(self) -> PublicKey:
        """The key that it is bound to; ``kb.missing``."""


class Format(Protocol):
    """What a credential format can do."""

    @property
    def id(self) -> str:
        """The format identifier of OpenID4VCI and OpenID4VP."""

    @property
    def confirms(self) -> bool:
        """Whether a presentation can confirm transactions (OpenID4VP 1.0 §8.4)."""

    @property
    def algorithms(self) -> Mapping[str, tuple[str | int, ...]]:
        """What it verifies, by the names of ``vp_formats_supported`` (OpenID4VP 1.0 App. B)."""

    def type_id(self, type_: CredentialType) -> str | None:
        """What a credential of that kind calls its type; None where the kind has no form in this format."""

    def arrange(self, type_: CredentialType, claims: Claims) -> Claims:
        """A record of that kind, answers included, as the tree of claims that :meth:`prepare` signs."""

    def path(self, type_: CredentialType, path: Path) -> Path | None:
        """Where in that tree the claim at a path of the kind is; None where it cannot be shown on its own."""

    def check_path(self, path: Path) -> None:
        """Return if a claims path of a query can lead anywhere in this format; ``dcql.invalid``."""

    def prepare(self, draft: Draft, signer: Signer, random: Random) -> ToSign:
        """One copy, ready for the signer's signature; the key is not used yet."""

    def read(self, raw: str) -> Credential:
        """What the issuer sent to a holder, all of it disclosed; not believed yet."""

    def present(self, raw: str, paths: Iterable[Path], binding: Binding, signer: Signer, at: datetime) -> str:
        """A presentation of a held credential that discloses the values at those concrete paths and no others."""

    def open(self, presented: str) -> Evidence:
        """Take a presentation apart; ``malformed.*``, ``limit.*``."""

    def confirmation(self, presented: str) -> str:
        """What of a presentation shows what was confirmed with it; ``policy.transaction_data`` where nothing does."""

    def open_confirmation(self, raw: str) -> BoundConfirmation:
        """Take that apart; ``malformed.*``, ``limit.*``, ``policy.transaction_data``."""

    def type_ids(self, meta: Mapping[str, Json]) -> frozenset[str]:
        """The types a DCQL ``meta`` asks for; ``dcql.invalid``."""

    def meta(self, type_id: str) -> dict[str, Json]:
        """The DCQL ``meta`` that asks for that type."""

    def configuration(self, type_: CredentialType, algorithms: Sequence[str]) -> dict[str, Json] | None:
        """What issuer metadata says of a kind signed with those JOSE algorithms (OpenID4VCI 1.0 App. A).

        None where the kind has no form in this format.
        """

    def configured_type(self, configuration: Mapping[str, Json]) -> str:
        """The type that a configuration in issuer metadata is for; ``malformed.claim_type``."""


#: Every format this library speaks, by identifier.
FORMATS: Final[Mapping[str, Format]] = MappingProxyType({format_.id: format_ for format_ in (SD_JWT, MDOC)})

_UNREADABLE: Final = frozenset({"malformed.encoding", "malformed.cbor"})


def open_any(presented: str) -> tuple[str, Evidence]:
    """Take apart a presentation that came without its format's name.

    Raises ``malformed.*`` of the first format, or of a later one that could at least read it.
    """
    refused: Malformed | None = None
    for id_, format_ in FORMATS.items():
        try:
            return id_, format_.open(presented)
        except Malformed as exc:
            refused = exc if refused is None or exc.code not in _UNREADABLE else refused
    raise refused or Malformed("malformed.vp_token", "no format is known")
