"""Where a PostgreSQL server is and as whom to enter: values that bootstrap reads from Airflow connections."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from psycopg.conninfo import conninfo_to_dict

from tenancy.adapters.session_settings import CLIENT_ENCODING, merged, named, options_of, settings_of
from tenancy.saga.errors import PlatformError

CONNECT_TIMEOUT_SECONDS = 5
DEFAULT_PORT = 5432
_KEEPALIVE = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 20000}


@dataclass(frozen=True)
class Dsn:
    """One database. `label` names the system in error sentences, such as "the storage of region eu-central"."""

    host: str
    port: int
    dbname: str
    user: str
    password: str = field(repr=False)
    label: str = "PostgreSQL"
    is_tenant: bool = False
    """Entered as the role of a tenant."""
    is_ledger: bool = False
    """Its trouble is the ledger's then, not a storage's."""
    options: dict[str, Any] = field(default_factory=dict)
    """Further libpq parameters, such as sslmode."""
    connect_seconds: int = CONNECT_TIMEOUT_SECONDS
    """How long to wait to be let in; libpq knows no shorter bound than 2 s."""

    def to_database(self, dbname: str, *, user: str | None = None, password: str | None = None) -> Self:
        """The same server, another database and perhaps another user."""
        tenant = self.is_tenant or user is not None
        return replace(
            self, dbname=dbname, user=user or self.user, password=password or self.password, is_tenant=tenant
        )

    @property
    def place(self) -> str:
        """Where it is, for sentences."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}/{self.dbname}"

    @property
    def url(self) -> str:
        """As a libpq URL, password and all: for a Secret, never for a log."""
        who = f"{quote(self.user, safe='')}:{quote(self.password, safe='')}"
        options = f"?{urlencode(self.options)}" if self.options else ""
        return f"postgresql://{who}@{self.host}:{self.port}/{quote(self.dbname, safe='')}{options}"

    def parameters(self, settings: Mapping[str, str], *, application: str = "") -> dict[str, Any]:
        """Keyword arguments for psycopg.connect. Ours come last: keep-alives, a bound on connecting, the settings.

        PlatformError when the `options` of the connection's extra cannot be read.
        """
        return {
            **self.options,
            "host": self.host,
            "port": self.port,
            "dbname": self.dbname,
            "user": self.user,
            "password": self.password,
            "client_encoding": CLIENT_ENCODING,
            "connect_timeout": self.connect_seconds,
            "options": options_of(merged(self._own_settings(), named(settings, application))),
            **_KEEPALIVE,
        }

    def _own_settings(self) -> dict[str, str]:
        try:
            return settings_of(str(self.options.get("options", "")))
        except ValueError as error:
            raise PlatformError(
                f"The `options` of the connection to {self.label} cannot be read at {error}: write each setting as "
                "`-c name=value`."
            ) from error


def dsn_of_conninfo(conninfo: str, label: str) -> Dsn:
    """The place that a libpq connection string or URI names, as libpq reads it.

    psycopg.ProgrammingError when it is neither.
    """
    given = {name: str(value) for name, value in conninfo_to_dict(conninfo).items() if value is not None}
    return Dsn(
        host=given.pop("host", ""),
        port=int(given.pop("port", DEFAULT_PORT)),
        dbname=given.pop("dbname", ""),
        user=given.pop("user", ""),
        password=given.pop("password", ""),
        label=label,
        options=given,
    )


def dsn_of_url(url: str, label: str) -> Dsn | None:
    """The place that a URL of SQLAlchemy names, `postgresql+psycopg2://…`; None when it is no PostgreSQL's."""
    given = urlsplit(url)
    if given.scheme.partition("+")[0] not in {"postgres", "postgresql"} or not given.hostname:
        return None
    return Dsn(
        host=given.hostname,
        port=given.port or 5432,
        dbname=unquote(given.path.lstrip("/")),
        user=unquote(given.username or ""),
        password=unquote(given.password or ""),
        label=label,
        options=dict(parse_qsl(given.query)),
    )
