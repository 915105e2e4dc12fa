"""Consent on the wallet road: the request that asks for a bundle with its consent, and what a wallet makes of one.

A consent is confirmed with the answer, so whoever asks puts both into one request: :func:`query` and
:func:`transaction`. The wallet's rule is :func:`agreeable`: nobody confirms a consent whose words are not those of its
record, which names another receiver than the one who asks, beside which more is asked than it covers, or which is not
what everybody proposes for that bundle: words are read in one language, and not all that is on record is in them. What
is optional has consents of its own (:mod:`.options`).

On the portal road the same transaction travels to whoever provides the data, with an identity credential and nothing
else: what is consented to is not in that answer.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, NoReturn

from ewallet.catalog import Bundle, Catalog
from ewallet.catalog.claims import Pattern
from ewallet.catalog.joint import for_case
from ewallet.catalog.kinds import KST, CredentialType
from ewallet.consent.options import check_offered, main_in, options_in
from ewallet.consent.record import MAX_DAYS, Choice, Consent, Road
from ewallet.credential import Path
from ewallet.dcql import CredentialQuery, Query
from ewallet.env import SKEW
from ewallet.errors import ConsentError, PolicyError, UsageError
from ewallet.formats import FORMATS
from ewallet.oid4vp import AuthorizationRequest, TransactionData
from ewallet.oid4vp.request import shown_text
from ewallet.subject import is_reference

_LONGEST: Final = timedelta(days=MAX_DAYS + 1)


def query(consent: Consent, catalog: Catalog, optional: Iterable[Consent] = ()) -> Query:
    """Ask for what the consent covers and nothing else, each member in whatever format the holder has it.

    What the optional ones cover may be left out of the answer.
    """
    bundle = asked_of(consent, catalog.bundle(consent.bundle_id), catalog)
    offered = {item.type_id for option in optional for item in option.items}
    return query_for(bundle, {item.type_id for item in consent.items}, catalog, offered=offered)


def query_for(bundle: Bundle, chosen: Collection[str], catalog: Catalog, *, offered: Collection[str] = ()) -> Query:
    """The same for what is required of a bundle and these members, and for those that may be left out."""
    needed = {item.type_id for item in bundle.items if item.required} | {*chosen}
    kept = (item for item in bundle.items if item.type_id in needed.union(offered))
    items = tuple(replace(item, required=item.type_id in needed) for item in kept)
    return Query.for_bundle(replace(bundle, items=items, one_of=()), catalog)


def transaction(consent: Consent, asked: Query, catalog: Catalog) -> TransactionData:
    """The consent, to be confirmed with whichever credential of every answer is of a format that can."""
    surely = (each for each in asked.credentials if each.name not in asked.optional)
    confirming = (each.id for each in surely if each.format in FORMATS and FORMATS[each.format].confirms)
    return consent.transaction(confirming, catalog)


def consent_in(request: AuthorizationRequest) -> Consent | None:
    """The consent that the request asks for, if it asks for one; ``receipt.invalid``."""
    main = main_in(request)
    consent = Consent.of(main) if main else None
    if consent and consent.optional:
        _invalid("an optional consent that cannot be refused alone")
    return consent


def agreeable(request: AuthorizationRequest, catalog: Catalog, at: datetime) -> AuthorizationRequest:
    """The request, if a holder who agrees to it agrees to what they read.

    Raises ``receipt.invalid``, ``consent.recipient``, ``consent.scope``, ``consent.expired``,
    ``consent.not_yet_valid``.
    """
    consent = consent_in(request)
    if consent is not None:
        consent.check_in_force(max(at, min(consent.since, at + SKEW)))
        check_asked(request, consent, catalog)
        _check_named(request, consent)
        _check_words(request, consent, catalog)
        check_proposed(consent, bundle := _bundle(catalog, consent.bundle_id), catalog)
        if consent.road == "wallet" or options_in(request):
            check_offered(request, consent, asked_of(consent, bundle, catalog), catalog)
    return request


def check_asked(request: AuthorizationRequest, consent: Consent, catalog: Catalog) -> None:
    """Return if the request asks what its consent allows, of whom it allows it.

    Raises ``consent.recipient``, ``consent.scope``.
    """
    if consent.road == "wallet" and consent.recipient.id != request.client_id:
        raise ConsentError("consent.recipient", "the consent names another recipient than the one who asks")
    options = options_in(request)
    for asked in request.query.credentials:
        covering = options.get(asked.name, consent) if asked.name in request.query.optional else consent
        for type_id in asked.type_ids:
            _ASKED[consent.road](asked, _kind(catalog, type_id), covering, catalog)


def check_proposed(consent: Consent, bundle: Bundle, catalog: Catalog) -> None:
    """Return if it is, word for word, what is proposed for that bundle and for what was chosen; ``consent.scope``."""
    since, acting, to = consent.since, consent.acting, consent.recipient
    last = (consent.until - timedelta(seconds=1)).astimezone(KST).date()
    days = (last - since.astimezone(KST).date()).days
    try:
        asked = asked_of(consent, bundle, catalog)
        optional = frozenset(item.type_id for item in asked.items if not item.required)
        chosen = optional & {item.type_id for item in consent.items}
        choice = Choice(optional=chosen, road=consent.road, days=days, lang=consent.lang, joint=consent.joint)
        made = Consent.propose(bundle, catalog, choice, id_=consent.id, recipient=to, since=since, acting=acting)
    except UsageError as exc:
        raise ConsentError("consent.scope", exc.detail) from None
    if made != consent:
        raise ConsentError("consent.scope", "another consent than is proposed for this bundle")


def asked_of(consent: Consent, bundle: Bundle, catalog: Catalog) -> Bundle:
    """The bundle as whoever consents is asked for it."""
    return for_case(bundle, catalog.type) if consent.joint else bundle


def pattern(kind: CredentialType, path: Path) -> Pattern:
    """A claims path of any format as a consent has it: by the names of the kind, None for elements of arrays."""
    return tuple(step if isinstance(step, str) else None for step in kind.own_path(path))


def _check_covered(asked: CredentialQuery, kind: CredentialType, consent: Consent, _catalog: Catalog) -> None:
    told = (claim.path for claim in asked.claims if not is_reference(claim.path))  # compared, and nothing is kept of it
    consent.check_covers(kind.id, (pattern(kind, path) for path in told))


def _check_identity(_asked: CredentialQuery, kind: CredentialType, consent: Consent, catalog: Catalog) -> None:
    identities = {id_ for bundle in catalog.bundles() if bundle.id == consent.bundle_id for id_ in bundle.identity}
    if kind.id not in identities:
        raise ConsentError("consent.scope", "more than an identity is asked for beside a consent for a portal")


_ASKED: Final[Mapping[Road, Callable[[CredentialQuery, CredentialType, Consent, Catalog], None]]] = {
    "wallet": _check_covered,
    "portal": _check_identity,
}


def _check_named(request: AuthorizationRequest, consent: Consent) -> None:
    """By the name that the certificate of whoever asks has: words are read, identifiers are not."""
    names = {shown_text(name) for name in consent.recipient.names.values()}
    if consent.road == "wallet" and names != {request.verifier_name}:
        raise ConsentError("consent.recipient", "the consent calls its recipient otherwise than the certificate does")


def _check_words(request: AuthorizationRequest, consent: Consent, catalog: Catalog) -> None:
    """Return if the words say what the record says; whoever asks might have written anything else."""
    if consent.until - consent.since > _LONGEST:
        _invalid("a consent for longer than anybody may ask")
    if not all(text.isprintable() for text in _texts(consent)):
        _invalid("a consent with characters that are not shown as they are")
    for item in consent.items:
        kind = _kind(catalog, item.type_id, of_consent=True)
        asked = [kind.claim(path) for path in item.claims] + [kind.predicate(q.predicate) for q in item.questions]
        if None in asked:
            raise ConsentError("consent.scope", "a claim or a question that is unknown here")
    main = main_in(request)
    if main is None or main.fields["text"] != consent.words(catalog):
        _invalid("other words than those for the record of the consent")


def _bundle(catalog: Catalog, id_: str) -> Bundle:
    found = next((bundle for bundle in catalog.bundles() if bundle.id == id_), None)
    if found is None:
        raise ConsentError("consent.scope", "a bundle that is unknown here")
    return found


def _texts(consent: Consent) -> Iterator[str]:
    for words in (consent.recipient.names, consent.purposes, consent.retention.words):
        yield from words.values()
    yield from (consent.id, consent.recipient.id, consent.legal_basis)
    yield from (consent.acting.principal, consent.acting.agent) if consent.acting else ()
    yield from (str(value) for item in consent.items for question in item.questions for _, value in question.params)


def _kind(catalog: Catalog, id_: str, *, of_consent: bool = False) -> CredentialType:
    """The kind of an identifier of its own, or of one of a format."""
    found = (catalog.type(id_) if id_ in catalog else None) if of_consent else catalog.by_type_id(id_)
    if found is None:
        raise ConsentError("consent.scope", "a kind of certificate that is unknown here")
    return found


def _invalid(detail: str) -> NoReturn:
    raise PolicyError("receipt.invalid", detail)
