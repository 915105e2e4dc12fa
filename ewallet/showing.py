"""Which copies are shown in one answer: of one rank, where their references must be alike (:mod:`ewallet.subject`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ewallet.answer import Answer
from ewallet.errors import AlreadyUsed
from ewallet.holding import Copy, Held, WalletStore
from ewallet.subject import is_reference


def together(store: WalletStore, answer: Answer, audience: str) -> dict[str, str]:
    """The copy to show for each query that asks for the reference, by their identifiers.

    All are of the first rank of which each of them has a copy to use, and which nobody else has seen. It is noted who
    sees it. :class:`AlreadyUsed` where there is no such rank.
    """
    asked = {c.query.id: c.candidate.id for c in answer.choices if any(map(is_reference, c.paths))}
    held = {one.id: one for one in store.held() if one.id in asked.values()}
    ranked = {id_: _ranked(store.copies(id_)) for id_ in held}
    known = sorted({rank for copies in ranked.values() for rank in copies})
    seen = store.rank_audiences(known)
    for rank in known:
        found = {id_: copies[rank] for id_, copies in ranked.items() if rank in copies}
        usable = all(_usable(held[id_], copy, rank in seen) for id_, copy in found.items())
        if found.keys() == held.keys() and usable and seen.get(rank, audience) == audience:
            store.show_rank(rank, audience)
            return {query_id: found[id_].id for query_id, id_ in asked.items()}
    if asked:
        raise AlreadyUsed("storage.already_used", "no copies are left that can be shown together")
    return {}


def _ranked(copies: Sequence[Copy]) -> Mapping[int, Copy]:
    return {copy.rank: copy for copy in copies if copy.rank is not None}


def _usable(held: Held, copy: Copy, seen: bool) -> bool:  # noqa: FBT001 - of whom is compared by the caller
    """Whether it was not used, or may be used again by whoever has seen it."""
    return copy.uses == 0 or held.use == "reuse" or (held.use == "per_verifier" and seen)
