"""Many certificates at once: each row of a batch issued exactly once, on any executor, resumable after any end.

A :class:`Batch` takes rows and an output, and gives a result for each row::

    def desk() -> Desk:  # called once in each worker: a signer, a database handle
        database = Database("sqlite:///issuer.db")
        issuer = Issuer(..., store=database.issuer)
        return Desk(issuer=issuer, records=records, store=database.bulk)

    with Spool("issued.jsonl") as output, ProcessPoolExecutor(4, mp_context=get_context("spawn")) as workers:
        batch = Batch(terms=Terms(batch=batch_digest("january")), make=desk, executor=workers)
        for result in batch.run(rows, output):
            print(result.id, result.outcome, result.code)
        output.finish()
"""

from ewallet.bulk.batch import Batch, Output
from ewallet.bulk.desk import Desk, Terms
from ewallet.bulk.rows import Begun, BulkStore, Result, Row, Step, batch_digest, row_name
from ewallet.bulk.spool import Spool

__all__ = [
    "Batch",
    "Begun",
    "BulkStore",
    "Desk",
    "Output",
    "Result",
    "Row",
    "Spool",
    "Step",
    "Terms",
    "batch_digest",
    "row_name",
]
