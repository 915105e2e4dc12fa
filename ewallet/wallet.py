"""The wallet: a holder's certificates and keys, what a request would disclose, and a record of what left.

Everything is kept sealed; a store that is not unlocked gives nothing away. A copy of a certificate is used as often as
its kind allows, usually once, and is spent before the presentation exists: nothing leaves that is not in the history.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal, Protocol

from ewallet import answer as answers
from ewallet.answer import Answer, Candidate, Choice
from ewallet.catalog import Catalog
from ewallet.credential import Credential, Path
from ewallet.dcql import Query
from ewallet.env import Env
from ewallet.errors import AlreadyUsed, CryptoError, NotFound, UsageError
from ewallet.formats import FORMATS, open_any
from ewallet.keys import PublicKey, SigningKey
from ewallet.kinds import CredentialType
from ewallet.oid4vp import AuthorizationRequest, VpToken
from ewallet.shape import to_base64url
from ewallet.trust import TrustList, authorities

Use = Literal["once", "per_verifier", "reuse"]
_MAX_KEYS: Final = 30  # made at a time


@dataclass(frozen=True, kw_only=True)
class Copy:
    """One copy of a held certificate, and the thumbprint of the key it is bound to."""

    id: str
    key: str
    raw: str = field(repr=False)
    uses: int = 0


@dataclass(frozen=True, kw_only=True)
class Held:
    """A held certificate: ``format`` and ``type_id`` of its copies, when it came, how its copies may be used."""

    id: str
    format: str
    type_id: str
    received: datetime
    use: Use


@dataclass(frozen=True, kw_only=True)
class Shown:
    """One line of the history: at which time which claims of which certificate left, for whom and why."""

    at: datetime
    audience: str
    purpose: str
    held: str
    type_id: str
    paths: tuple[Path, ...]


class WalletStore(Protocol):
    """What a wallet keeps, sealed. Every method is one transaction; ``storage.corrupt`` where a record was changed."""

    def put_keys(self, keys: Mapping[str, bytes]) -> None:
        """Keep private keys by thumbprint."""

    def key(self, thumbprint: str) -> bytes:
        """A private key; :class:`NotFound`."""

    def put(self, held: Held, copies: Sequence[Copy]) -> None:
        """Keep a certificate with its copies."""

    def held(self) -> tuple[Held, ...]:
        """Every certificate, the newest first."""

    def copies(self, held_id: str) -> tuple[Copy, ...]:
        """The copies of a certificate, with their uses, in the order they came; empty if there is none."""

    def spend(self, shown: Shown, use: Use) -> Copy:
        """Take a copy for this showing and write it down; :class:`AlreadyUsed` when none is left to use.

        ``once``: a copy never used. ``per_verifier``: the copy this audience has seen, else one never used.
        ``reuse``: the copy used least.
        """

    def history(self) -> tuple[Shown, ...]:
        """Everything that left, the newest first."""

    def forget(self, held_id: str) -> None:
        """Delete a certificate, its copies and their keys; :class:`NotFound`."""


@dataclass(frozen=True, kw_only=True)
class Document:
    """A held certificate as its holder sees it; ``type`` is None for a kind that is not in the catalogue."""

    held: Held
    credential: Credential
    authorities: frozenset[str]
    type: CredentialType | None
    copies_left: int

    @property
    def id(self) -> str:
        """The wallet's own identifier of it."""
        return self.held.id


class Wallet:
    """Holds certificates for one person: ``trust`` says whose, ``store`` keeps them, ``catalog`` explains them."""

    def __init__(
        self, *, store: WalletStore, trust: TrustList, catalog: Catalog | None = None, env: Env | None = None
    ) -> None:
        self._store = store
        self._trust = trust
        self._catalog = catalog or Catalog.bundled()
        self._env = env or Env()

    def new_keys(self, count: int = 1, *, alg: str = "ES256") -> tuple[PublicKey, ...]:
        """The public halves of fresh keys, one for each copy that an issuer is asked for."""
        if not 0 < count <= _MAX_KEYS:
            raise UsageError("usage.argument", f"{count} keys, expected 1 to {_MAX_KEYS}")
        keys = [SigningKey.generate(alg) for _ in range(count)]
        self._store.put_keys({key.public.thumbprint: key.secret() for key in keys})
        return tuple(key.public for key in keys)

    def put(self, credentials: Sequence[str]) -> Document:
        """Keep the copies of one certificate as the issuer sent them, once each of them has been checked.

        Raises ``trust.*``, ``crypto.*``, ``sdjwt.*``, ``time.*``, ``malformed.*``; nothing is kept then.
        """
        at = self._env.now()
        checked = [self._check(raw, at) for raw in credentials]
        if len({(credential.format, credential.type_id) for credential in checked}) != 1:
            raise UsageError("usage.argument", "copies of no or of several kinds, expected one")
        first = checked[0]
        if any(_said(credential) != _said(first) for credential in checked):
            raise UsageError("usage.argument", "copies that do not say the same, expected those of one certificate")
        self._check_new({_key(credential) for credential in checked}, len(checked))
        type_ = self._catalog.by_vct(first.type_id)
        held = Held(
            id=to_base64url(self._env.random(9)),
            format=first.format,
            type_id=first.type_id,
            received=at,
            use=type_.copies if type_ else "once",
        )
        pairs = zip(credentials, checked, strict=True)
        copies = [Copy(id=to_base64url(self._env.random(9)), key=_key(checked), raw=raw) for raw, checked in pairs]
        self._store.put(held, copies)
        return self._document(held)

    def _check_new(self, keys: AbstractSet[str], count: int) -> None:
        """Return if each copy has a key of its own that no copy had before: what is shown twice under one key links."""
        if len(keys) < count:
            raise CryptoError("crypto.key_invalid", "two copies bound to the same key")
        known = {copy.key for held in self._store.held() for copy in self._store.copies(held.id)}
        if not keys.isdisjoint(known):
            raise AlreadyUsed("storage.already_used", "a copy bound to a key that another copy is bound to")

    def documents(self) -> tuple[Document, ...]:
        """Every held certificate, the newest first."""
        return tuple(self._document(held) for held in self._store.held())

    def get(self, held_id: str) -> Document:
        """One held certificate; :class:`ewallet.errors.NotFound`."""
        return self._document(self._held(held_id))

    def match(self, query: Query) -> Answer:
        """The least of what is held that satisfies the query; ``dcql.unsatisfied``."""
        candidates = [
            Candidate(id=document.id, credential=document.credential, authorities=document.authorities)
            for document in self.documents()
            if document.copies_left or document.held.use != "once"
        ]
        return answers.match(query, candidates)

    def present(self, request: AuthorizationRequest, answer: Answer) -> VpToken:
        """The presentations that answer the request: exactly what the answer discloses, bound to who asked.

        Raises :class:`ewallet.errors.AlreadyUsed` where no copy is left, ``time.expired`` for a request that is over.
        """
        at = self._env.now()
        if at >= request.until:
            raise UsageError("usage.argument", "the request has expired")
        return _token(answer, lambda choice: self._present(request, choice, at))

    def rehearse(self, request: AuthorizationRequest, answer: Answer) -> VpToken:
        """What :meth:`present` would give, but signed with keys of nobody: as long, give or take a few characters.

        No copy is spent, and nobody accepts it.
        """
        at = self._env.now()
        return _token(answer, lambda choice: self._rehearse(request, choice, at))

    def history(self) -> tuple[Shown, ...]:
        """Everything that left, the newest first."""
        return self._store.history()

    def forget(self, held_id: str) -> None:
        """Delete a certificate with its copies and keys; :class:`ewallet.errors.NotFound`."""
        self._store.forget(held_id)

    def _held(self, held_id: str) -> Held:
        for held in self._store.held():
            if held.id == held_id:
                return held
        raise NotFound("storage.not_found", "no certificate of that identifier")

    def _present(self, request: AuthorizationRequest, choice: Choice, at: datetime) -> str:
        held = self._held(choice.candidate.id)
        shown = Shown(
            at=at,
            audience=request.client_id,
            purpose=request.purpose,
            held=held.id,
            type_id=held.type_id,
            paths=choice.paths,
        )
        copy = self._store.spend(shown, held.use)
        signer = SigningKey.of_secret(self._store.key(copy.key))
        return FORMATS[held.format].present(copy.raw, choice.paths, request.binding, signer, at)

    def _rehearse(self, request: AuthorizationRequest, choice: Choice, at: datetime) -> str:
        held = self._held(choice.candidate.id)
        longest = max((copy.raw for copy in self._store.copies(held.id)), key=len)
        return FORMATS[held.format].present(longest, choice.paths, request.binding, SigningKey.generate(), at)

    def _check(self, raw: str, at: datetime) -> Credential:
        format_id, evidence = open_any(raw)
        path = self._trust.check(evidence.chain, "issuer", at, type_id=evidence.type_id)
        path.check_issuer(evidence.issuer)
        evidence.check_signature(path.key)
        credential = FORMATS[format_id].read(raw)
        credential.validity.check(at)
        self._store.key(_key(credential))
        return credential

    def _document(self, held: Held) -> Document:
        copies = self._store.copies(held.id)
        credential = FORMATS[held.format].read(copies[0].raw)
        chain = FORMATS[held.format].open(copies[0].raw).chain
        return Document(
            held=held,
            credential=credential,
            authorities=authorities(chain),
            type=self._catalog.by_vct(held.type_id),
            copies_left=sum(copy.uses == 0 for copy in copies),
        )


def _token(answer: Answer, presented: Callable[[Choice], str]) -> VpToken:
    token: dict[str, tuple[str, ...]] = {}
    for choice in answer.choices:
        token[choice.query.id] = (*token.get(choice.query.id, ()), presented(choice))
    return token


def _said(credential: Credential) -> tuple[str, tuple[Path, ...]]:
    """What a copy says of the person, to be compared: JSON, since 1 is not true there."""
    claims = {name: value for name, value in credential.claims.items() if name not in credential.registered}
    return json.dumps(claims, sort_keys=True), tuple(sorted(credential.shown, key=repr))


def _key(credential: Credential) -> str:
    if credential.holder is None:
        raise CryptoError("crypto.key_invalid", "a copy that is bound to no key")
    return credential.holder.thumbprint
