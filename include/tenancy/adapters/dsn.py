"""Where a PostgreSQL server is and as whom to enter: values that bootstrap reads from Airflow connections."""

from dataclasses import dataclass, field, replace
from typing import Any, Self
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

CONNECT_TIMEOUT_SECONDS = 5
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
    is_ledger: bool = False
    """Its trouble is the ledger's then, not a storage's."""
    options: dict[str, Any] = field(default_factory=dict)
    """Further libpq parameters, such as sslmode."""

    def to_database(self, dbname: str, *, user: str | None = None, password: str | None = None) -> Self:
        """The same server, another database and perhaps another user."""
        return replace(self, dbname=dbname, user=user or self.user, password=password or self.password)

    @property
    def url(self) -> str:
        """As a libpq URL, password and all: for a Secret, never for a log."""
        who = f"{quote(self.user, safe='')}:{quote(self.password, safe='')}"
        options = f"?{urlencode(self.options)}" if self.options else ""
        return f"postgresql://{who}@{self.host}:{self.port}/{quote(self.dbname, safe='')}{options}"

    def parameters(self, *, application: str, settings: dict[str, str]) -> dict[str, Any]:
        """Keyword arguments for psycopg.connect: keep-alives, a bound on connecting, and the session's settings."""
        return {
            "host": self.host,
            "port": self.port,
            "dbname": self.dbname,
            "user": self.user,
            "password": self.password,
            "application_name": application[:63],
            "connect_timeout": CONNECT_TIMEOUT_SECONDS,
            "options": " ".join(f"-c {name}={value}" for name, value in settings.items()),
            **_KEEPALIVE,
            **self.options,
        }


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
