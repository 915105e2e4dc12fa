"""Answers to a DCQL query (OpenID4VP 1.0 §6.4, §7-8): the least that satisfies it, and whether what came does.

The wallet calls :func:`match`; the verifier :func:`check` and :func:`asked_claims`. Both walk the same claims paths.
Section numbers are those of OpenID4VP 1.0.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NoReturn

from ewallet.credential import Credential, Path
from ewallet.dcql import ClaimQuery, CredentialQuery, CredentialSet, Query
from ewallet.errors import Malformed, PolicyError, QueryError, TrustError, UsageError
from ewallet.jose import to_json
from ewallet.shape import Json
from ewallet.subject import is_reference


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A credential that may answer: ``id`` is the holder's or sender's own, ``authorities`` those of its path."""

    id: str
    credential: Credential
    authorities: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One credential for one credential query, and exactly what it would disclose."""

    query: CredentialQuery
    candidate: Candidate
    claims: tuple[ClaimQuery, ...]

    @property
    def paths(self) -> tuple[Path, ...]:
        """The concrete paths to disclose, each once."""
        claims = self.candidate.credential.claims
        return tuple(dict.fromkeys(path for claim in self.claims for path, _ in claim.select(claims)))

    @property
    def told(self) -> int:
        """How much it discloses; that several certificates are about one person is asked for and tells no more."""
        return sum(not is_reference(path) for path in self.paths)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a wallet may send: ``choices`` is the least that satisfies the query, unless its holder chose otherwise.

    ``candidates`` lists every choice for every credential query, the least first; ``options`` the answerable options of
    every credential set, by position. ``taken`` is the option taken for each set, None to leave an optional one out;
    ``picked`` the held credential picked for a credential query.
    """

    query: Query
    candidates: Mapping[str, tuple[Choice, ...]] = field(repr=False)
    options: tuple[tuple[int, ...], ...] = ()
    taken: tuple[int | None, ...] = ()
    picked: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def choices(self) -> tuple[Choice, ...]:
        """One choice for each credential query that is answered."""
        return tuple(self._choice(id_) for id_ in self._answered())

    @property
    def disclosed(self) -> tuple[tuple[str, Path], ...]:
        """(Credential id, concrete path) of everything that would leave."""
        return tuple((choice.candidate.id, path) for choice in self.choices for path in choice.paths)

    def choose(self, query_id: str, candidate_id: str) -> Answer:
        """The answer with another of the holder's credentials for one query; ``usage.argument``."""
        if not any(choice.candidate.id == candidate_id for choice in self.candidates.get(query_id, ())):
            raise UsageError("usage.argument", "that credential does not answer that query")
        return replace(self, picked={**self.picked, query_id: candidate_id})

    def take(self, position: int, option: int) -> Answer:
        """The answer with another option of a credential set, or with an optional set answered; ``usage.argument``."""
        if not 0 <= position < len(self.options) or option not in self.options[position]:
            raise UsageError("usage.argument", "that option cannot be answered")
        return replace(self, taken=(*self.taken[:position], option, *self.taken[position + 1 :]))

    @property
    def left_out(self) -> tuple[str, ...]:
        """The names of what is optional and not given."""
        return left_out(self.query, self._answered())

    @property
    def offerable(self) -> tuple[str, ...]:
        """The names of what is optional and can be given, given or not."""
        return tuple(name for name in self.query.optional if self._optional(name))

    def give(self, name: str) -> Answer:
        """The answer with something optional, by its name; ``usage.argument``, or ``dcql.unsatisfied`` for want of it.

        Until its holder says so, nothing optional is given.
        """
        if name not in self.query.optional:
            raise UsageError("usage.argument", "nothing optional of that name is asked for")
        found = self._optional(name)
        if not found:
            exc = QueryError("dcql.unsatisfied", "nothing that is held answers what is optional")
            exc.members = (name,)
            raise exc
        position, options = found[0]
        return self.take(position, options[0])

    def withhold(self, name: str) -> Answer:
        """The answer without something optional."""
        positions = {position for position, _ in self._optional(name)}
        return replace(self, taken=tuple(None if i in positions else one for i, one in enumerate(self.taken)))

    def _optional(self, name: str) -> list[tuple[int, list[int]]]:
        """The optional sets that can be answered with that name, each with the options that do, the least first."""
        found = []
        for position, (set_, answerable) in enumerate(zip(self.query.credential_sets, self.options, strict=True)):
            named = [option for option in answerable if name in self.query.names(set_.options[option])]
            if named and not set_.required:
                found.append((position, sorted(named, key=lambda option: self._told(set_.options[option]))))
        return found

    def _told(self, ids: Iterable[str]) -> int:
        return sum(self._choice(id_).told for id_ in ids)

    def _answered(self) -> Iterable[str]:
        """The ids of the credential queries to answer, each once, in order (§6.4.2)."""
        if not self.query.credential_sets:
            return self.candidates
        pairs = zip(self.query.credential_sets, self.taken, strict=True)
        return dict.fromkeys(id_ for set_, option in pairs if option is not None for id_ in set_.options[option])

    def _choice(self, query_id: str) -> Choice:
        choices = self.candidates[query_id]
        wanted = self.picked.get(query_id)
        return next((choice for choice in choices if choice.candidate.id == wanted), choices[0])


def match(query: Query, held: Sequence[Candidate]) -> Answer:
    """The least disclosure among the held credentials that answers the query, and the choices beside it (§6.4).

    Optional sets are left out. Raises ``dcql.unsatisfied`` where the query cannot be answered whole: then nothing is
    sent at all, not even what could be.
    """
    candidates = {asked.id: _choices(asked, held) for asked in query.credentials}
    options = tuple(_answerable(set_, candidates) for set_ in query.credential_sets)
    lacking = any(set_.required and not found for set_, found in zip(query.credential_sets, options, strict=True))
    if lacking or not (query.credential_sets or all(candidates.values())):
        _unsatisfied(query, {id_ for id_, choices in candidates.items() if choices})
    pairs = zip(query.credential_sets, options, strict=True)
    sizes = {id_: choices[0].told for id_, choices in candidates.items() if choices}
    taken = tuple(_least(set_, found, sizes) if set_.required else None for set_, found in pairs)
    return Answer(query=query, candidates=candidates, options=options, taken=taken)


def _choices(asked: CredentialQuery, held: Sequence[Candidate]) -> tuple[Choice, ...]:
    """Every held credential that answers one credential query, the one that discloses least first.

    Of equals that first which can show whom it is about.
    """
    choices = []
    for candidate in held:
        credential = candidate.credential
        fits = credential.format == asked.format and credential.type_id in asked.type_ids
        bound = credential.holder is not None or not asked.holder_binding
        if fits and bound and asked.vouched_for(candidate.authorities):
            claims = asked.answered(credential)
            if claims is not None:
                choices.append(Choice(query=asked, candidate=candidate, claims=claims))
    return tuple(sorted(choices, key=lambda choice: (choice.told, -len(choice.paths))))


def _answerable(set_: CredentialSet, candidates: Mapping[str, Sequence[Choice]]) -> tuple[int, ...]:
    return tuple(i for i, option in enumerate(set_.options) if all(candidates[id_] for id_ in option))


def _least(set_: CredentialSet, answerable: Sequence[int], sizes: Mapping[str, int]) -> int:
    """The answerable option that discloses least, the verifier's favourite among equals."""
    return min(answerable, key=lambda i: sum(sizes[id_] for id_ in set_.options[i]))


def left_out(query: Query, answered: Iterable[str]) -> tuple[str, ...]:
    """The names of what is optional and not among these answers: nothing is wrong with that."""
    given = query.names(answered)
    return tuple(name for name in query.optional if name not in given)


def _unsatisfied(query: Query, answered: AbstractSet[str]) -> NoReturn:
    """Name what is missing of several, of alternatives the first."""
    exc = QueryError("dcql.unsatisfied", "the query cannot be answered whole")
    exc.members = tuple(_missing(query, set(answered))) if len({asked.name for asked in query.credentials}) > 1 else ()
    raise exc


def _missing(query: Query, answered: AbstractSet[str]) -> Iterator[str]:
    sets = [set_.options for set_ in query.credential_sets if set_.required]
    for options in sets if query.credential_sets else [((asked.id,),) for asked in query.credentials]:
        if not any(answered >= set(option) for option in options):
            lacking = (query.get(id_) for id_ in options[0] if id_ not in answered)
            yield from dict.fromkeys(asked.name for asked in lacking if asked)


Presented = Mapping[str, Sequence[Candidate]]


def check(query: Query, presented: Presented, *, drop_extra: bool = False) -> None:
    """Return if what was presented is what was asked, whatever the wallet says (§8.6).

    Raises ``malformed.vp_token``, ``policy.vct_not_accepted``, ``trust.no_path``, ``kb.missing``, ``dcql.unsatisfied``
    or, unless ``drop_extra`` lets them fall under the table, ``dcql.extra_claims``.
    """
    for id_, candidates in presented.items():
        asked = query.get(id_)
        if asked is None:
            raise Malformed("malformed.vp_token", "an answer to a query that was not asked")
        if not candidates or (len(candidates) > 1 and not asked.multiple):
            raise Malformed("malformed.vp_token", f"{len(candidates)} presentations for one query")
        entries = [entry for candidate in candidates if (entry := candidate.credential.status)]
        if len(set(entries)) < len(entries):
            raise Malformed("malformed.vp_token", "the same credential twice in answer to one query")
        for candidate in candidates:
            _check_one(asked, candidate, drop_extra=drop_extra)
    if not _satisfied(query, presented.keys()):
        _unsatisfied(query, presented.keys())


def _check_one(asked: CredentialQuery, candidate: Candidate, *, drop_extra: bool) -> None:
    credential = candidate.credential
    if credential.format != asked.format or credential.type_id not in asked.type_ids:
        raise PolicyError("policy.vct_not_accepted", "a credential of another type than was asked")
    if not asked.vouched_for(candidate.authorities):
        raise TrustError("trust.no_path", "no trusted authority of the query is in the issuer's path")
    claims = asked.answered(credential)
    if claims is None:
        raise QueryError("dcql.unsatisfied", "a claim that was asked is missing or has another value")
    wanted = [path for claim in claims for path, _ in claim.select(credential.claims)]
    if not drop_extra and any(_extra(shown, wanted) for shown in credential.shown):
        raise QueryError("dcql.extra_claims", "claims were disclosed that were not asked for")


def _extra(shown: Path, wanted: Sequence[Path]) -> bool:
    """Whether a disclosed path neither leads to an asked one nor lies within one."""
    return not any(shown == path[: len(shown)] or path == shown[: len(path)] for path in wanted)


def _satisfied(query: Query, answered: Iterable[str]) -> bool:
    ids = set(answered)
    if not query.credential_sets:
        return ids.issuperset(asked.id for asked in query.credentials)
    required = (set_ for set_ in query.credential_sets if set_.required)
    return all(any(ids.issuperset(option) for option in set_.options) for set_ in required)


def asked_claims(query: Query, presented: Presented) -> dict[str, Json]:
    """``{query name: {claim key: value}}`` of what was asked and nothing else; a list of those where it is multiple.

    Where two answers would have one name, or two claims one key, the later has its whole id, or its path as JSON.
    """
    claims: dict[str, Json] = {}
    for asked in query.credentials:
        if asked.id in presented:
            values = [_values(asked, candidate) for candidate in presented[asked.id]]
            claims[asked.id if asked.name in claims else asked.name] = values if asked.multiple else values[0]
    return claims


def _values(asked: CredentialQuery, candidate: Candidate) -> dict[str, Json]:
    claims = candidate.credential.claims
    values: dict[str, Json] = {}
    for claim in asked.answered(candidate.credential) or ():
        if is_reference(claim.path):
            continue  # compared, and of no use for anything else
        found = [value for _, value in claim.select(claims)]
        key = to_json(list(claim.path)).decode() if claim.key in values else claim.key
        values[key] = found if None in claim.path else found[0]
    return values
