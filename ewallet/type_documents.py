"""What an issuer publishes about its kinds: type metadata (SD-JWT VC draft-19 §5) and the cards it refers to.

The documents are the same for everybody and as long as the process lives, and so are made once.
"""

from __future__ import annotations

from typing import Final

from ewallet import card, jose
from ewallet.catalog import Catalog
from ewallet.errors import NotFound
from ewallet.flow import Response
from ewallet.type_metadata import describe

_PUBLIC: Final = {"cache-control": "public, max-age=300", "access-control-allow-origin": "*"}


class TypeDocuments:
    """The documents of the kinds of a catalogue, below an issuer's identifier."""

    def __init__(self, catalog: Catalog, identifier: str) -> None:
        self._catalog = catalog
        self._cards = f"{identifier}/cards"
        self._made: dict[str, Response] = {}

    def metadata(self, vct: str) -> Response:
        """The description of a kind; :class:`ewallet.errors.NotFound`."""
        kind = self._catalog.by_type_id(vct)
        if kind is None or kind.vct != vct:
            raise NotFound("storage.not_found", "no kind of that vct")
        if vct not in self._made:
            body = jose.to_json(describe(kind, cards=self._cards))
            self._made[vct] = Response(200, {"content-type": "application/json", **_PUBLIC}, body)
        return self._made[vct]

    def card(self, name: str) -> Response:
        """The card of that name (:meth:`ewallet.card.Look.name`); :class:`ewallet.errors.NotFound`."""
        type_id = name.partition(".")[0]
        kind = self._catalog.type(type_id) if type_id in self._catalog else None
        look = next((look for look in card.LOOKS if kind and look.name(kind) == name), None)
        if kind is None or look is None:
            raise NotFound("storage.not_found", "no card of that name")
        return Response(200, {"content-type": card.MEDIA_TYPE, **_PUBLIC}, card.template(kind, look))
