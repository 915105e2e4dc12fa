"""What a wallet does where somebody acts for somebody: it signs over to a delegate, and shows what was so.

Either is in the history before it leaves. A wallet shows only what its own key was named for, and what the request
would be answered with: another query or case, another recipient, or a consent that the person did not let their
delegate give, is refused here already, and whoever asks refuses it again.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from ewallet import delegation
from ewallet.acting import Act, Proxy
from ewallet.answer import Answer, Choice
from ewallet.consent.consenting import consent_in
from ewallet.credential import Credential, Path
from ewallet.delegation import Delegation, Terms
from ewallet.errors import ConsentError, NotFound
from ewallet.expectation import check_proxy, expected_of_delegate
from ewallet.formats import FORMATS
from ewallet.holding import Held, Shown, WalletStore
from ewallet.keys import SigningKey
from ewallet.oid4vp import AuthorizationRequest, VpToken
from ewallet.showing import together


def proxy_of(credential: Credential) -> Proxy | None:
    """Both people, where whoever holds it acts for whom it is about."""
    act = Act.of(credential.claims)
    return act.proxy if act else None


class Entrusting:
    """Signs over to delegates, and shows what was signed over, out of one store; ``held`` finds a held certificate."""

    def __init__(self, store: WalletStore, held: Callable[[str], Held]) -> None:
        self._store = store
        self._held = held

    def delegate(self, terms: Terms, answer: Answer, at: datetime) -> Delegation:
        """What the delegate keeps; as :meth:`ewallet.wallet.Wallet.delegate`."""
        terms.check(at)
        proxy = terms.proxy
        for choice in answer.choices:
            held = self._held(choice.candidate.id)
            delegation.check_delegable(FORMATS[held.format].open(self._store.copies(held.id)[0].raw))
        chosen = together(self._store, answer, terms.delegate.thumbprint)
        delegated: dict[str, tuple[str, ...]] = {}
        for choice in answer.choices:
            signed = self._sign(terms, proxy, choice, at, chosen.get(choice.query.id))
            delegated[choice.query.id] = (*delegated.get(choice.query.id, ()), signed)
        return Delegation(query=terms.query, delegated=delegated)

    def present(self, request: AuthorizationRequest, kept: Delegation, at: datetime) -> VpToken:
        """What the delegate shows; as :meth:`ewallet.wallet.Wallet.present`."""
        kept.check(expected_of_delegate(request), at)
        check_proxy(consent_in(request), kept.first.proxy)
        signer = self._signer(kept)
        bindings = request.bindings(kept.delegated)
        for shown in _shown(request, kept, at):
            self._store.note(shown)
        return {
            id_: tuple(delegation.present(each, bindings[id_], signer, at) for each in all_)
            for id_, all_ in kept.delegated.items()
        }

    def _sign(self, terms: Terms, proxy: Proxy, choice: Choice, at: datetime, copy_id: str | None) -> str:
        held = self._held(choice.candidate.id)
        shown = Shown(
            at=at,
            audience=terms.delegate.thumbprint,
            purpose=terms.case,
            held=held.id,
            type_id=held.type_id,
            paths=choice.paths,
            name=terms.delegate_name,
            acting=proxy,
        )
        copy = self._store.spend(shown, held.use, copy_id)
        signer = SigningKey.of_secret(self._store.key(copy.key))
        return delegation.delegate(copy.raw, choice.paths, terms, signer, at)

    def _signer(self, kept: Delegation) -> SigningKey:
        try:
            return SigningKey.of_secret(self._store.key(kept.first.jkt))
        except NotFound:
            raise ConsentError("consent.authority", "delegated to another than the holder of this wallet") from None


def _shown(request: AuthorizationRequest, kept: Delegation, at: datetime) -> list[Shown]:
    return [
        Shown(
            at=at,
            audience=request.client_id,
            purpose=request.purpose,
            held="",
            type_id=each.type_id,
            paths=_paths(each),
            name=request.verifier_name,
            acting=kept.first.proxy,
        )
        for each in kept.credentials
    ]


def _paths(credential: Credential) -> tuple[Path, ...]:
    """What is disclosed, without the parts of what is."""
    found = set(credential.shown)
    return tuple(path for path in credential.shown if not any(path[:n] in found for n in range(1, len(path))))
