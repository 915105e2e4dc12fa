"""Electronic certificates: issue them, hold them, show the least of them, and judge what is shown.

Three roles do the work. They are given what they may not choose themselves: trust, a store, the network; and, for
tests, the clock and entropy::

    >>> from ewallet import Query
    >>> from ewallet.testing import Kit
    >>> kit = Kit.make()                                             # an issuer, a wallet and a bank, in memory
    >>> document = kit.issue("resident_register_copy")               # signed, checked and held
    >>> query = Query.for_type(document.type, ["subject_name", "is_householder"], name="register")
    >>> request = kit.verifier.ask(query, purpose="loan application")
    >>> answer = kit.wallet.match(request.query)                     # the least that satisfies the request
    >>> [path for _, path in answer.disclosed]
    [('subject_name',), ('is_householder',)]
    >>> token = kit.wallet.present(request, answer)
    >>> kit.verify(token, request).claims["register"]["is_householder"]
    True

Names are loaded when first used, so that ``import ewallet`` costs little.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from ewallet import aio as aio
    from ewallet import errors as errors
    from ewallet import policy as policy
    from ewallet import qr as qr
    from ewallet.answer import Answer as Answer
    from ewallet.catalog import Bundle as Bundle
    from ewallet.catalog import Catalog as Catalog
    from ewallet.catalog.kinds import CredentialType as CredentialType
    from ewallet.consent import Consent as Consent
    from ewallet.credential import Binding as Binding
    from ewallet.credential import Credential as Credential
    from ewallet.dcql import Query as Query
    from ewallet.env import Env as Env
    from ewallet.errors import EWalletError as EWalletError
    from ewallet.errors import ProtocolError as ProtocolError
    from ewallet.errors import VerificationError as VerificationError
    from ewallet.exchange import Exchange as Exchange
    from ewallet.flow import offline as offline
    from ewallet.http import Http as Http
    from ewallet.issuer import Issuer as Issuer
    from ewallet.keys import PublicKey as PublicKey
    from ewallet.keys import Signer as Signer
    from ewallet.keys import SigningKey as SigningKey
    from ewallet.mydata import MyData as MyData
    from ewallet.oid4vci.offer import CredentialOffer as CredentialOffer
    from ewallet.oid4vp import AuthorizationRequest as AuthorizationRequest
    from ewallet.package import Package as Package
    from ewallet.sql import Database as Database
    from ewallet.trust import TrustAnchor as TrustAnchor
    from ewallet.trust import TrustList as TrustList
    from ewallet.verdict import Accepted as Accepted
    from ewallet.verdict import Check as Check
    from ewallet.verdict import Rejected as Rejected
    from ewallet.verdict import Undecided as Undecided
    from ewallet.verdict import Verdict as Verdict
    from ewallet.verifier import Verifier as Verifier
    from ewallet.wallet import Wallet as Wallet

_HOME: Final = {
    "Accepted": "verdict",
    "Answer": "answer",
    "AuthorizationRequest": "oid4vp",
    "Binding": "credential",
    "Bundle": "catalog",
    "Catalog": "catalog",
    "Check": "verdict",
    "Consent": "consent",
    "Credential": "credential",
    "CredentialOffer": "oid4vci.offer",
    "CredentialType": "catalog",
    "Database": "sql",
    "EWalletError": "errors",
    "Env": "env",
    "Exchange": "exchange",
    "Http": "http",
    "Issuer": "issuer",
    "MyData": "mydata",
    "Package": "package",
    "ProtocolError": "errors",
    "PublicKey": "keys",
    "Query": "dcql",
    "Rejected": "verdict",
    "Signer": "keys",
    "SigningKey": "keys",
    "TrustAnchor": "trust",
    "TrustList": "trust",
    "Undecided": "verdict",
    "Verdict": "verdict",
    "VerificationError": "errors",
    "Verifier": "verifier",
    "Wallet": "wallet",
    "offline": "flow",
}
_MODULES: Final = ("aio", "errors", "policy", "qr")

__all__ = [*_HOME, *_MODULES]  # noqa: PLE0604 - strings all of them
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"ewallet.{name}")
    if name in _HOME:
        return getattr(import_module(f"ewallet.{_HOME[name]}"), name)
    raise AttributeError(f"module 'ewallet' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
