"""What travels in OpenID4VP 1.0: the request of a verifier, and the ``vp_token`` that answers it.

How a request travels and who asks is in :mod:`ewallet.oid4vp.request`, how an answer travels in
:mod:`ewallet.oid4vp.response`. Section numbers are those of OpenID4VP 1.0.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final, Literal, NoReturn, TypeAlias, cast, get_args

from ewallet import oauth
from ewallet.credential import Binding, moment
from ewallet.dcql import Query
from ewallet.disclosure import HASHES
from ewallet.errors import Malformed, PolicyError, ProtocolError
from ewallet.formats import FORMATS
from ewallet.jose import to_json
from ewallet.keys import SigningKey
from ewallet.oid4vp.metadata import ClientMetadata, Recipient
from ewallet.shape import (
    MAX_CREDENTIAL,
    MAX_DOCUMENT,
    Json,
    base64url,
    instance,
    json_object,
    member,
    numeric_date,
    optional,
    strings,
    to_base64url,
)

VpToken: TypeAlias = Mapping[str, tuple[str, ...]]
ResponseMode = Literal["direct_post", "direct_post.jwt"]

#: The types of transaction a wallet can show, each with the fields it must have, all of them texts.
TransactionTypes: TypeAlias = Mapping[str, frozenset[str]]

_RESPONSE_TYPE: Final = "vp_token"
_LIFE: Final = timedelta(minutes=5)  # of a request that does not say until when it stands
_URL_SAFE: Final = re.compile(r"[A-Za-z0-9._~-]+\Z")
_MAX_TRANSACTIONS: Final = 20  # more is nothing a person confirms on a phone
_TRANSACTION_MEMBERS: Final = frozenset({"type", "credential_ids", "transaction_data_hashes_alg", "only_with"})
_USUAL_HASH: Final = ("sha-256",)
_MAX_PRESENTATIONS: Final = 100  # of one answer; each costs two signatures, and no query has more parts than that


def invalid(detail: str, error: str = "invalid_request") -> NoReturn:
    """Refuse a request with the error of §8.5."""
    raise ProtocolError("request.invalid", detail, error=error)


@dataclass(frozen=True, kw_only=True)
class TransactionData:
    """A transaction that the holder confirms with the answer (§8.4).

    ``raw`` is the text as it travels: that, and no other encoding of it, is hashed. It is confirmed with one of the
    credentials of ``credential_ids``, by one of the ``hashes`` where it names any. Where it names an answer that may be
    left out, ``only_with`` (a member of ours), it is confirmed if that is given, and otherwise not.
    """

    raw: str = field(repr=False)
    type: str
    credential_ids: tuple[str, ...]
    fields: Mapping[str, Json] = field(repr=False)
    hashes: tuple[str, ...] = ()
    only_with: str | None = None

    @classmethod
    def make(
        cls, type_: str, credential_ids: Iterable[str], fields: Mapping[str, str], *, only_with: str | None = None
    ) -> TransactionData:
        """A transaction to be asked about."""
        members = {"type": type_, "credential_ids": list(credential_ids), **fields}
        members |= {"only_with": only_with} if only_with else {}
        return cls.parse(to_base64url(to_json(members)))

    @classmethod
    def parse(cls, raw: str) -> TransactionData:
        """The transaction of a base64url text; ``malformed.*``."""
        members = json_object(base64url(raw, "transaction_data"), "transaction_data")
        return cls(
            raw=raw,
            type=member(members, "type", str),
            credential_ids=strings(members.get("credential_ids"), "credential_ids"),
            fields={name: value for name, value in members.items() if name not in _TRANSACTION_MEMBERS},
            hashes=strings(members["transaction_data_hashes_alg"], "transaction_data_hashes_alg")
            if "transaction_data_hashes_alg" in members
            else (),
            only_with=optional(members, "only_with", str),
        )

    def check_known(self, types: TransactionTypes) -> None:
        """Return if it is of one of these types, with its fields and no others; ``invalid_transaction_data``."""
        if self.type not in types:
            _unconfirmable("a type of transaction that is not known here")
        if self.fields.keys() != types[self.type]:
            _unconfirmable("a transaction with other fields than those of its type")
        if not all(isinstance(value, str) and value for value in self.fields.values()):
            _unconfirmable("a transaction with a field that is no text")


def _unconfirmable(detail: str) -> NoReturn:
    invalid(detail, "invalid_transaction_data")


@dataclass(frozen=True, kw_only=True)
class AuthorizationRequest:
    """What a verifier asks (§5): whom it says it is, a nonce that binds the answer, the query, and why it asks.

    Without a ``response_mode`` it is a request that is handed over as a file, and so is its answer. ``verifier_name``
    is what the certificate of the verifier says, once that has been checked, ready to be shown; it does not travel.
    Neither do ``transcript`` and ``reader_key`` of a request at close range (:mod:`ewallet.proximity`), nor
    ``rrn_legal_basis``: the law by which the trust list lets this verifier ask for resident numbers, empty for none.
    """

    client_id: str
    nonce: str
    query: Query
    purpose: str
    issued: datetime
    until: datetime
    response_mode: ResponseMode | None = None
    response_uri: str | None = None
    state: str | None = None
    metadata: ClientMetadata | None = None
    transaction_data: tuple[TransactionData, ...] = ()
    verifier_info: tuple[Mapping[str, Json], ...] = ()
    verifier_name: str = ""
    rrn_legal_basis: str = ""
    transcript: bytes | None = field(default=None, repr=False)
    reader_key: SigningKey | None = field(default=None, repr=False)

    @property
    def binding(self) -> Binding:
        """What an answer without transactions must be bound to: the whole client identifier, nonce and way back."""
        return self._binding(())

    def confirmed(self, answered: Iterable[str]) -> tuple[TransactionData, ...]:
        """The transactions that an answer with these query ids confirms: all, but for what goes with something else."""
        given = self.query.names(answered)
        return tuple(each for each in self.transaction_data if each.only_with is None or each.only_with in given)

    def bindings(self, answered: Iterable[str]) -> dict[str, Binding]:
        """What the presentations for these query ids must be bound to, the same for who makes and who checks them.

        Each transaction is confirmed by the first of its credentials that is answered; ``policy.transaction_data``
        where none is.
        """
        ids = tuple(answered)
        confirmed: dict[str, tuple[str, ...]] = dict.fromkeys(ids, ())
        for transaction in self.confirmed(ids):
            by = next((id_ for id_ in transaction.credential_ids if id_ in confirmed), None)
            if by is None:
                raise PolicyError("policy.transaction_data", "no credential that could confirm a transaction")
            confirmed[by] = (*confirmed[by], transaction.raw)
        return {id_: self._binding(texts) for id_, texts in confirmed.items()}

    def _binding(self, texts: tuple[str, ...]) -> Binding:
        return Binding(
            audience=self.client_id,
            nonce=self.nonce,
            transaction_data=texts,
            transaction_hashes=self._hashes or (),
            response_uri=self.response_uri,
            recipient=self._recipient,
            transcript=self.transcript,
            reader_key=self.reader_key,
        )

    @cached_property
    def _recipient(self) -> str | None:
        """The thumbprint of the key that the answer is encrypted to, if it can be and is."""
        found = self.metadata.recipient if self.encrypted and self.metadata else None
        return found.thumbprint if found else None

    @cached_property
    def _hashes(self) -> tuple[str, ...] | None:
        """The hashes that all transactions allow, none where none names any; None where they have none in common."""
        named = [transaction.hashes for transaction in self.transaction_data]
        if not any(named):
            return ()
        return tuple(name for name in HASHES if all(name in (hashes or _USUAL_HASH) for hashes in named)) or None

    @property
    def encrypted(self) -> bool:
        """Whether the answer must be encrypted."""
        return self.response_mode == "direct_post.jwt"

    @cached_property
    def recipient(self) -> Recipient | None:
        """What the answer is encrypted to, None where it goes in the clear (§8.3).

        ``request.invalid`` where it must be encrypted and cannot be: it is never sent in the clear instead.
        """
        if not self.encrypted:
            return None
        found = self.metadata.recipient if self.metadata else None
        return found or invalid("no key or no encryption that is usable here, and the answer must be encrypted")

    def check_answerable(self, transaction_types: TransactionTypes) -> None:
        """Return if this library can answer it at all: a format in common, a key to encrypt to, known transactions.

        ``request.invalid`` with the error ``vp_formats_not_supported``, ``invalid_request`` or
        ``invalid_transaction_data`` (§8.5).
        """
        metadata = self.metadata or ClientMetadata()
        asked = {query.format for query in self.query.credentials}
        if not any(id_ in asked and metadata.reads(id_, format_.algorithms) for id_, format_ in FORMATS.items()):
            invalid("no format and algorithm in common", "vp_formats_not_supported")
        self.recipient  # noqa: B018 - refuses where there is none to encrypt to
        for transaction in self.transaction_data:
            transaction.check_known(transaction_types)

    def to_json(self) -> dict[str, Json]:
        """The request parameters as a JSON object."""
        metadata = self.metadata.to_json() if self.metadata else None
        return {
            "response_type": _RESPONSE_TYPE,
            "client_id": self.client_id,
            "nonce": self.nonce,
            "dcql_query": self.query.to_json(),
            "purpose": self.purpose,
            "iat": int(self.issued.timestamp()),
            "exp": int(self.until.timestamp()),
            **({"response_mode": self.response_mode} if self.response_mode else {}),
            **({"response_uri": self.response_uri} if self.response_uri else {}),
            **({"state": self.state} if self.state else {}),
            **({"client_metadata": metadata} if metadata else {}),
            **({"transaction_data": [each.raw for each in self.transaction_data]} if self.transaction_data else {}),
            **({"verifier_info": [dict(each) for each in self.verifier_info]} if self.verifier_info else {}),
        }

    def to_bytes(self) -> bytes:
        """The request parameters as a JSON text."""
        return to_json(self.to_json())

    @classmethod
    def parse(cls, raw: bytes | str) -> AuthorizationRequest:
        """The request of a JSON text, who asks not established; ``request.invalid``, ``dcql.invalid``."""
        try:
            return _request(json_object(raw, "the request"), None)
        except Malformed as exc:
            raise ProtocolError("request.invalid", str(exc)) from None

    @classmethod
    def of(cls, members: Mapping[str, Json], *, at: datetime) -> AuthorizationRequest:
        """The request of its parameters as they came at that time; ``request.*``, ``dcql.invalid``."""
        try:
            return _request(members, at)
        except Malformed as exc:
            raise ProtocolError("request.invalid", str(exc)) from None


def _request(members: Mapping[str, Json], at: datetime | None) -> AuthorizationRequest:
    if members.get("response_type") != _RESPONSE_TYPE:
        invalid(f"response_type is not {_RESPONSE_TYPE}", "unsupported_response_type")
    _check_asked(members)
    query = Query.parse(member(members, "dcql_query", dict))
    metadata = optional(members, "client_metadata", dict)
    request = AuthorizationRequest(
        client_id=_some(members, "client_id"),
        nonce=_some(members, "nonce"),
        query=query,
        purpose=optional(members, "purpose", str) or "",
        issued=_moment(members, "iat", at),
        until=_moment(members, "exp", at and at + _LIFE),
        response_mode=_response_mode(members),
        response_uri=_response_uri(members),
        state=optional(members, "state", str),
        metadata=None if metadata is None else ClientMetadata.parse(metadata),
        transaction_data=_transactions(members, query),
        verifier_info=_verifier_info(members, query),
    )
    _check_transport(request, members)
    if request._hashes is None:  # noqa: SLF001 - of the class above
        _unconfirmable("transactions that have no hash in common with each other and with us")
    return request


def _some(members: Mapping[str, Json], name: str) -> str:
    text = member(members, name, str)
    if not text:
        invalid(f"{name} is empty")
    return text


def _moment(members: Mapping[str, Json], name: str, default: datetime | None) -> datetime:
    return default if default and name not in members else moment(numeric_date(members.get(name), name))


def _check_asked(members: Mapping[str, Json]) -> None:
    """§5.1: exactly one of dcql_query and scope; scopes that stand for queries are not known here."""
    if ("dcql_query" in members) == ("scope" in members):
        invalid("both or neither of dcql_query and scope")
    if "scope" in members:
        invalid("a scope that stands for no query here", "invalid_scope")


def _response_mode(members: Mapping[str, Json]) -> ResponseMode | None:
    mode = optional(members, "response_mode", str)
    if mode is not None and mode not in get_args(ResponseMode):
        invalid(f"response_mode is not one of {', '.join(get_args(ResponseMode))}")
    return cast("ResponseMode | None", mode)


def _response_uri(members: Mapping[str, Json]) -> str | None:
    address = optional(members, "response_uri", str)
    return None if address is None else response_address(address)


def response_address(address: str) -> str:
    """The address, if an answer may be sent there; ``request.response_uri_mismatch``."""
    try:
        return oauth.url(address, "response_uri", loopback=True)  # nothing is sent to this machine unless Http is told
    except Malformed as exc:
        raise ProtocolError("request.response_uri_mismatch", str(exc)) from None


def _check_transport(request: AuthorizationRequest, members: Mapping[str, Json]) -> None:
    """§5.2, §8.2: what an answer by direct_post needs."""
    for name in ("nonce", "state") if request.response_mode else ():
        if name in members and not _URL_SAFE.match(members[name]):
            invalid(f"{name} has other characters than those of a url")
    if request.response_mode and (request.response_uri is None or "redirect_uri" in members):
        invalid("direct_post without response_uri, or with redirect_uri")
    unbound = any(not query.holder_binding for query in request.query.credentials)
    if request.response_mode and unbound and request.state is None:
        invalid("no state, although a credential is asked for without holder binding")


def _transactions(members: Mapping[str, Json], query: Query) -> tuple[TransactionData, ...]:
    if "transaction_data" not in members:
        return ()
    try:
        texts = strings(members["transaction_data"], "transaction_data")
        found = tuple(TransactionData.parse(text) for text in texts)
    except Malformed as exc:
        _unconfirmable(str(exc))
    if len(found) > _MAX_TRANSACTIONS:
        _unconfirmable(f"{len(found)} transactions, at most {_MAX_TRANSACTIONS} are confirmed")
    for id_ in (id_ for transaction in found for id_ in transaction.credential_ids):
        asked = query.get(id_)
        if asked is None or not asked.holder_binding:
            _unconfirmable("a transaction for a credential that is not asked for, or not with holder binding")
    if not {each.only_with for each in found} <= {None, *query.optional}:
        _unconfirmable("a transaction that goes with what is not asked for, or not as optional")
    return found


def _verifier_info(members: Mapping[str, Json], query: Query) -> tuple[Mapping[str, Json], ...]:
    """§5.1: kept as it came; formats that nobody knows are ignored by whoever shows them."""
    found = tuple(
        instance(item, dict, "an item of verifier_info") for item in optional(members, "verifier_info", list) or ()
    )
    for info in found:
        member(info, "format", str)
        ids = strings(info["credential_ids"], "credential_ids") if "credential_ids" in info else ()
        if "data" not in info or any(query.get(id_) is None for id_ in ids):
            invalid("verifier_info without data, or about a credential that is not asked for")
    return found


def is_vp_token(text: str) -> bool:
    """Whether it is a vp_token rather than one presentation, compact or as JSON (RFC 9901 §8); ``malformed.json``.

    An answer to a query named ``payload`` is an array, the payload of a JSON serialisation is a text.
    """
    return text.startswith("{") and not isinstance(json_object(text, "the answer").get("payload"), str)


def parse_vp_token(raw: str | bytes) -> VpToken:
    """The presentations by query id (§8.1): arrays always, never empty; ``malformed.vp_token``, ``limit.*``."""
    try:
        members = json_object(raw, "the vp_token", limit=MAX_DOCUMENT)
    except Malformed as exc:
        _no_vp_token(exc)
    return read_vp_token(members)


def read_vp_token(members: Json) -> VpToken:
    """As :func:`parse_vp_token`, of an object that came inside another one."""
    try:
        answers = instance(members, dict, "the vp_token")
        token = {id_: tuple(_presentations(value)) for id_, value in answers.items()}
    except Malformed as exc:
        _no_vp_token(exc)
    if not token:
        raise Malformed("malformed.vp_token", "no presentation")
    count = sum(map(len, token.values()))
    if count > _MAX_PRESENTATIONS:
        raise Malformed("limit.count", f"{count} presentations, at most {_MAX_PRESENTATIONS} are read")
    return token


def _no_vp_token(exc: Malformed) -> NoReturn:
    raise exc if exc.code.startswith("limit.") else Malformed("malformed.vp_token", str(exc)) from None


def _presentations(value: Json) -> list[str]:
    items = instance(value, list, "an answer")
    if not items:
        raise Malformed("malformed.vp_token", "an empty answer")
    return [_presentation(item) for item in items]


def _presentation(item: Json) -> str:
    text = instance(item, str, "a presentation")
    if len(text) > MAX_CREDENTIAL:
        raise Malformed("limit.size", f"a presentation has {len(text)} characters, at most {MAX_CREDENTIAL} are read")
    return text


def vp_token_json(token: VpToken) -> dict[str, Json]:
    """The presentations as a JSON object."""
    return {id_: list(presentations) for id_, presentations in token.items()}


def vp_token_bytes(token: VpToken) -> bytes:
    """The presentations as a JSON text."""
    return to_json(vp_token_json(token))
