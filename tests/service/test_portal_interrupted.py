"""What a portal does when a step fails in the middle: the same step again ends what was begun."""

from __future__ import annotations

from contextlib import contextmanager

import pytest

from ewallet.errors import EWalletError
from ewallet.receipt import Receipt


@contextmanager
def _refusing(database, table):
    """A database that changes no row of a table, while the block runs."""
    with database._engine.writing() as connection:
        connection.exec_driver_sql(
            f"CREATE TRIGGER refusing BEFORE UPDATE ON {table} BEGIN SELECT RAISE(ABORT, 'disk I/O error'); END"
        )
    yield
    with database._engine.writing() as connection:
        connection.exec_driver_sql("DROP TRIGGER refusing")


def test_the_receipt_on_record_is_that_of_the_answer_that_counted(portal):
    """A wallet whose first answer failed to be kept answers again, and both sides keep one and the same receipt."""
    portal.site.sign_in()
    portal.hold()
    asking = portal.asked()
    address = portal.chosen(asking)
    with _refusing(portal.site.service.database, "exchanges"), pytest.raises(EWalletError) as failed:
        portal.confirm(address)
    assert "fetch.unavailable" == failed.value.code
    assert () == portal.wallet.receipts()
    portal.confirm(address)
    portal.client.token(asking, portal.back(address))

    (given,) = portal.site.desk.mydata.consents("hong")
    assert portal.wallet.receipts() == (Receipt.parse(given.evidence),)
