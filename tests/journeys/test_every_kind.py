"""Every kind of the catalogue, there and back in every format: issued, shown in part and in full, judged.

A kind is data, so this is the test of all that is derived from it. What a holder can carry otherwise than in a wallet
has a test of its own that goes over the same kinds (:data:`KINDS`).
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from ewallet.catalog import Catalog
from ewallet.formats import FORMATS
from ewallet.policy import FitsKind
from ewallet.testing.clock import Clock
from ewallet.testing.kit import Kit
from ewallet.testing.stores import MemoryWalletStore
from ewallet.verdict import Accepted
from ewallet.wallet import Wallet

CATALOG = Catalog.bundled()
KINDS = [pytest.param(kind, id=kind.id) for kind in CATALOG]
_SELF_EVIDENT = frozenset({"doc", "public"})


@pytest.fixture(scope="module")
def office():
    """One issuer for all of them: keys and certificates are made once."""
    return Kit.make(clock=Clock(), catalog=CATALOG)


@pytest.fixture(scope="module")
def bank(office):
    """One bank, which takes no value that the kind has not."""
    return office.another_verifier(policy=FitsKind(CATALOG))


def _holder(office):
    """Somebody with an empty wallet."""
    trust = office.pki.trust_list()
    return Wallet(store=MemoryWalletStore(), trust=trust, send=office.network, catalog=CATALOG, env=office.env)


def _record(kind, at):
    """The sample with the answers that are signed beside it."""
    return kind.normalised(kind.completed(kind.sample)) | kind.presigned(kind.sample, at)


def _least(kind, record):
    """The smallest thing that is worth asking: a yes or no where there is one, else one fact about the person."""
    answers = [question.id for question in kind.predicates if question.id in record]
    facts = [
        claim.name
        for claim in kind.claims
        if claim.name in record and not claim.members and claim.sensitivity not in _SELF_EVIDENT
    ]
    return (answers or facts or ["issuing_authority"])[0]


def _outline(claims):
    """The names in a tree of claims, those one level down too."""
    return {name: sorted(value) if isinstance(value, Mapping) else None for name, value in claims.items()}


def _disclosed(token, format_id):
    """The names of what the one presentation of an answer discloses."""
    ((presentation,),) = token.values()
    credential = FORMATS[format_id].open(presentation).check_disclosures()
    return _outline({name: value for name, value in credential.claims.items() if name not in credential.registered})


@pytest.mark.parametrize("format_id", list(FORMATS))
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_goes_there_and_back(office, bank, kind, format_id):
    """One claim is shown and nothing beside it; all claims are shown and are those of the record."""
    record, holder = _record(kind, office.env.now()), _holder(office)
    keys = holder.new_keys(2)
    issued = office.issuer.issue(kind.id, kind.sample, subject="citizen-1", holders=keys, format_id=format_id)
    holder.put(issued.credentials)

    for names in ([_least(kind, record)], list(record)):
        request = bank.ask(office.query(kind.id, names), purpose="가상 심사")
        token = holder.present(request, holder.match(request.query))
        verdict = bank.verify(token, request)

        wanted = {name: record[name] for name in names}
        assert _outline(FORMATS[format_id].arrange(kind, wanted)) == _disclosed(token, format_id)
        assert isinstance(verdict, Accepted)
        assert {kind.id: wanted} == verdict.claims
