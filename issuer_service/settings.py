"""What the service is set to, by ``EWALLET_*`` variables; each has its line in ``.env.example``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from platformdirs import user_data_path
from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from ewallet import oauth
from ewallet.errors import Malformed, UsageError
from ewallet.rate import RATE, Rate

_PREFIX: Final = "EWALLET_"


class Settings(BaseSettings):
    """The settings of an issuer; ``issuer``, ``issuer_keys`` and ``records`` have no default.

    ``issuer`` is the identifier, from which every address follows: what a request says of its host is not believed.
    ``issuer_keys`` is a folder with ``<national system>.key`` and ``.pem``, and ``status.key`` and ``.pem``. With
    ``recipients`` it is a portal, too; that needs ``trust``, ``trust_key``, ``portal_key`` and ``portal_chain``.
    """

    model_config = SettingsConfigDict(env_prefix=_PREFIX, extra="ignore", frozen=True)

    issuer: str
    issuer_keys: Path
    records: str
    records_token: Path | None = None
    records_chain: Path | None = None
    records_key: Path | None = None
    issuer_name_ko: str = "가상 전자증명서 발급기관"
    issuer_name_en: str = "Example Certificate Issuer"
    data: Path = Field(default_factory=lambda: user_data_path("ewallet"))
    database: str = ""
    listen: str = "127.0.0.1:8000"
    operators: Path | None = None
    encryption_keys: Path | None = None
    recipients: Path | None = None
    trust: Path | None = None
    trust_key: Path | None = None
    portal_key: Path | None = None
    portal_chain: Path | None = None
    log_key: Path | None = None
    witnesses: Path | None = None
    vault_key: Path | None = None
    vault: str = ""
    tls_chain: Path | None = None
    tls_key: Path | None = None
    proxies: int = Field(default=0, ge=0, le=10)
    limits: str = RATE
    unsafe_loopback: bool = False

    @property
    def database_url(self) -> str:
        """The database; unsaid, a file in the data folder."""
        return self.database or f"sqlite:///{self.data / 'issuer' / 'issuer.db'}"

    @property
    def database_name(self) -> str:
        """The name of the database, which is no secret, as the rest of the URL may be."""
        return urlsplit(self.database_url).path.rpartition("/")[2]

    @property
    def vault_url(self) -> str:
        """The database of people's keys; unsaid, a file of its own in the data folder."""
        return self.vault or f"sqlite:///{self.data / 'issuer' / 'keys.db'}"

    @property
    def portal(self) -> str:
        """The identifier of the portal."""
        return f"{self.issuer.rstrip('/')}/mydata"

    @property
    def path(self) -> str:
        """The path below which the service answers, of the identifier."""
        return urlsplit(self.issuer).path.rstrip("/")

    @property
    def origin(self) -> str:
        """The origin of the pages, as browsers say it."""
        parts = urlsplit(self.issuer)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def hosts(self) -> frozenset[str]:
        """The names by which the service may be addressed."""
        return frozenset({urlsplit(self.issuer).netloc})

    @property
    def rate(self) -> Rate | None:
        """How often one source may ask."""
        return Rate.parse(self.limits)

    @property
    def secure(self) -> bool:
        """Whether browsers come by https."""
        return self.issuer.startswith("https://")

    @property
    def address(self) -> tuple[str, int]:
        """Where to listen."""
        host, _, port = self.listen.rpartition(":")
        return host.strip("[]"), int(port)


def read(values: Mapping[str, Any] | None = None) -> Settings:
    """The settings of the environment, or of ``values``; ``usage.configuration`` names what is wrong, not its value."""
    try:
        found = Settings(**(values or {}))
        oauth.url(found.issuer, f"{_PREFIX}ISSUER", loopback=found.unsafe_loopback)
        _ = found.address, found.rate
    except ValidationError as exc:
        names = sorted({f"{_PREFIX}{error['loc'][0]}".upper() for error in exc.errors()})
        raise UsageError("usage.configuration", f"missing or wrong: {', '.join(names)}") from None
    except Malformed as exc:
        loopback = f"http to this machine takes {_PREFIX}UNSAFE_LOOPBACK=1"
        raise UsageError("usage.configuration", f"{exc.detail}, {loopback}") from None
    except UsageError as exc:
        raise UsageError("usage.configuration", exc.detail) from None
    except ValueError:
        raise UsageError("usage.configuration", f"{_PREFIX}LISTEN is not host:port") from None
    if "?" in found.issuer or found.issuer.endswith("/"):
        raise UsageError("usage.configuration", f"{_PREFIX}ISSUER has a query or ends with a slash")
    return found
