"""Where claims come from: the demo register, an agency's files, or an agency's own service.

A source of records is whatever has ``claims(subject, type_id)`` (:class:`ewallet.issuance.Records`). Three are here:

``demo``          :mod:`.demo`, seven invented lives, of which every kind of certificate can be issued
``folder:PATH``   :mod:`.folder`, one file for each kind with a row for each subject, or one for each record
``https://...``   :mod:`.remote`, a service that answers ``GET {base}/{subject}/{kind}``
"""

from __future__ import annotations

from pathlib import Path

from ewallet.catalog import Catalog
from ewallet.env import Env
from ewallet.errors import UsageError
from ewallet.records import Records
from issuer_service.records.citizens import CITIZENS, Citizen
from issuer_service.records.demo import DemoRecords
from issuer_service.records.folder import FolderRecords
from issuer_service.records.remote import Access, RemoteRecords

__all__ = ["CITIZENS", "Access", "Citizen", "DemoRecords", "FolderRecords", "RemoteRecords", "records_of"]


def records_of(setting: str, catalog: Catalog, env: Env | None = None, access: Access | None = None) -> Records:
    """What ``EWALLET_RECORDS`` names: ``demo``, ``folder:PATH`` or an https address; ``usage.configuration``."""
    if setting == "demo":
        return DemoRecords(catalog, env)
    kind, _, rest = setting.partition(":")
    if kind == "folder" and rest:
        return FolderRecords(Path(rest), catalog)
    if kind in {"https", "http"} and rest:
        return RemoteRecords.at(setting, access or Access())
    raise UsageError("usage.configuration", "EWALLET_RECORDS is neither demo nor folder:PATH nor an https address")
