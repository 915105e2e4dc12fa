"""MyData: consents that can be proved, packages under them, and everything that a person may do about both.

    >>> from ewallet.testing.mydata import World
    >>> world = World.make()                            # a portal with its issuer and log, a registered bank, in memory
    >>> mydata, citizen, bank = world.mydata, world.citizen, world.bank
    >>> consent = mydata.propose("bank_personal_loan", recipient=bank.id, days=30)
    >>> print(consent.words(world.catalog).splitlines()[1])
    받는 곳: 가상은행 (bank-0001)
    >>> given = mydata.give(consent, citizen, evidence=b"the presentation that confirmed it")
    >>> package = mydata.download(consent.id, recipient=bank.id)     # the least, fresh, for this recipient's key alone
    >>> len(package.members)
    5
    >>> type(world.judge(package)).__name__                         # at the bank: signatures, status, log
    'Accepted'
    >>> [notice.recipient.names["ko"] for notice in mydata.notices(citizen)]
    ['가상은행']
    >>> [past.entry.event.type for past in mydata.history(citizen)]
    ['consent.given', 'package.downloaded']
    >>> mydata.withdraw(consent.id, citizen)
    >>> mydata.download(consent.id, recipient=bank.id)
    Traceback (most recent call last):
      ...
    ewallet.errors.ConsentError: consent.withdrawn: the consent was withdrawn

:mod:`role` has the verbs; :mod:`consents`, :mod:`providing`, :mod:`taking`, :mod:`notices`, :mod:`exports` and
:mod:`erasure` do the work; :mod:`people` leads from a person to what is kept, :mod:`ledger` writes the log,
:mod:`store` says what is kept, and :mod:`terms` when what stands is due.
"""

from ewallet.mydata.consents import Given
from ewallet.mydata.erasure import Cache, Deletion, Erased, Kept, read_acknowledgement
from ewallet.mydata.exports import Exported, Exporter, Own
from ewallet.mydata.ledger import Past
from ewallet.mydata.notices import Notice, Seen
from ewallet.mydata.providing import MembersMissing, Missing, Registers
from ewallet.mydata.role import MyData, Run
from ewallet.mydata.store import Message, MyDataStore, State
from ewallet.mydata.taking import Provided

__all__ = [
    "Cache",
    "Deletion",
    "Erased",
    "Exported",
    "Exporter",
    "Given",
    "Kept",
    "MembersMissing",
    "Message",
    "Missing",
    "MyData",
    "MyDataStore",
    "Notice",
    "Own",
    "Past",
    "Provided",
    "Registers",
    "Run",
    "Seen",
    "State",
    "read_acknowledgement",
]
