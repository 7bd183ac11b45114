"""Addresses and logins of PostgreSQL databases, which bootstrap reads from Airflow connections.

libpq builds and reads all addresses. `host` and `port` may be lists; a host may be a name, an IPv4 or IPv6 address or a
directory of Unix sockets (PostgreSQL documentation, "Connection Strings").
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Self
from urllib.parse import quote, urlencode

from psycopg.conninfo import conninfo_to_dict

from tenancy.adapters.session_settings import CLIENT_ENCODING, merged, named, options_of, settings_of
from tenancy.saga.causes import Cause
from tenancy.saga.errors import PlatformError

CONNECT_TIMEOUT_SECONDS: Final = 5
DEFAULT_PORT: Final = 5432
_KEEPALIVE: Final = {
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20000,
}
_VERIFYING: Final = ("verify-ca", "verify-full")
_IDENTITY: Final = ("sslcert", "sslkey", "sslpassword", "require_auth", "krbsrvname", "gssdelegation", "options")
"""Parameters of the administrator's login and sessions. They do not apply to a tenant's role."""
TENANT_PARAMETERS: Final = ("sslmode", "sslrootcert", "channel_binding", "target_session_attrs")
"""Connection parameters that tenants get. None of them reveals the administrator's identity (certificate, key,
options)."""


@dataclass(frozen=True)
class Dsn:
    """One database. `label` names the system in error sentences, such as "the storage of region eu-central"."""

    host: str
    port: int | str
    """A number, or a list in libpq's format: one port for all hosts, or one for each."""
    dbname: str
    user: str
    password: str = field(repr=False)
    label: str = "PostgreSQL"
    connection: str = field(default="", compare=False)
    """The Airflow connection that it was read from, if any."""
    is_tenant: bool = False
    """Sessions log in as a tenant's role."""
    is_ledger: bool = False
    """It is the ledger: errors have the ledger's causes, not a storage's."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Further libpq parameters, such as sslmode."""
    tenant_overrides: Mapping[str, str] = field(default_factory=dict)
    """Values that tenants use instead of ours: host, port and TENANT_PARAMETERS."""
    connect_seconds: int = CONNECT_TIMEOUT_SECONDS
    """Time limit for connecting; libpq allows no less than 2 s."""

    def to_database(self, dbname: str, *, user: str | None = None, password: str | None = None) -> Self:
        """Another database of the same server, perhaps as another user, for Airflow's processes."""
        if user is None:
            return replace(self, dbname=dbname, password=password or self.password)
        options = {name: value for name, value in self.options.items() if name not in _IDENTITY}
        return replace(
            self, dbname=dbname, user=user, password=password or self.password, is_tenant=True, options=options
        )

    def for_tenant(self, dbname: str, *, user: str, password: str) -> Self:
        """The same server for the tenant's workloads: they connect from their own network and without files of
        Airflow's disk.

        PlatformError if nothing states how they verify the server.
        """
        parameters = {name: self.tenant_overrides[name] for name in TENANT_PARAMETERS if name in self.tenant_overrides}
        return replace(
            self.to_database(dbname, user=user, password=password),
            host=self.tenant_overrides.get("host", self.host),
            port=self.tenant_overrides.get("port", self.port),
            options={**self._shared_parameters(parameters), **parameters},
            tenant_overrides={},
        )

    def _shared_parameters(self, stated: Mapping[str, str]) -> dict[str, str]:
        """Our parameters that apply to tenants, too. The certificate authority's file does not, unless it is the
        system's."""
        ours = {name: str(self.options[name]) for name in TENANT_PARAMETERS if self.options.get(name)}
        if ours.get("sslrootcert") != "system":
            ours.pop("sslrootcert", None)
        mode = stated.get("sslmode", ours.get("sslmode", ""))
        if mode in _VERIFYING and "sslrootcert" not in {*stated, *ours}:
            raise PlatformError(
                f"It is not stated how tenants verify {self.label} (sslmode {mode}): the file of the certificate "
                "authority is on Airflow's disk, which their pods do not have. Add `tenant_sslrootcert` to the extra "
                'of the storage connection, a path inside the pod or `system`, or `"tenant_sslmode": "require"`.',
                cause=Cause.STORAGE_CONNECTION,
            )
        return ours

    @property
    def job_parameters(self) -> dict[str, str]:
        """Further parameters of a tenant's own Airflow connection. Its jobs run where Airflow's files are."""
        several = {} if isinstance(self.port, int) else {"port": self.port}
        return {name: str(self.options[name]) for name in TENANT_PARAMETERS if self.options.get(name)} | several

    @property
    def location(self) -> str:
        """Hosts, ports and database, for sentences."""
        return f"{self.address}/{self.dbname}"

    @property
    def address(self) -> str:
        """Hosts and ports, as in a URI."""
        return _authority(self.host, str(self.port))

    @property
    def ports(self) -> frozenset[int]:
        """Every port by which it may be reached."""
        return frozenset(int(port or DEFAULT_PORT) for port in str(self.port).split(","))

    @property
    def url(self) -> str:
        """A libpq URI with the password: for a Secret, never for a log (tests/unit/test_dsn.py reads it back)."""
        who = quote(self.user, safe="") + (f":{quote(self.password, safe='')}" if self.password else "")
        hosts = _split(self.host)
        query = {name: str(value) for name, value in self.options.items()}
        if any(_is_socket(host) for host in hosts):  # a path is no authority for drivers other than libpq
            query = {"host": self.host, "port": str(self.port), **query}
            authority = ""
        else:
            authority = _authority(self.host, str(self.port))
        parameters = f"?{urlencode(query, quote_via=quote, safe='')}" if query else ""
        return f"postgresql://{who}@{authority}/{quote(self.dbname, safe='')}{parameters}"

    def parameters(self, settings: Mapping[str, str], *, application: str = "") -> dict[str, Any]:
        """Keyword arguments for psycopg.connect. Ours override the others: keep-alives, the connect time-out, the
        settings.

        PlatformError if the `options` of the connection's extra cannot be read.
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
                "`-c name=value`.",
                cause=Cause.STORAGE_CONNECTION,
            ) from error


def dsn_of_conninfo(conninfo: str, label: str) -> Dsn:
    """The database that a libpq connection string or URI names. psycopg.ProgrammingError if it is neither."""
    given = {name: str(value) for name, value in conninfo_to_dict(conninfo).items() if value is not None}
    return Dsn(
        host=given.pop("host", ""),
        port=_port(given.pop("port", "")),
        dbname=given.pop("dbname", ""),
        user=given.pop("user", ""),
        password=given.pop("password", ""),
        label=label,
        options=given,
    )


def _port(given: str) -> int | str:
    return int(given or DEFAULT_PORT) if given.isdecimal() or not given else given


def _split(hosts: str) -> list[str]:
    return hosts.split(",")


def _is_socket(host: str) -> bool:
    """A directory, or a name in Linux's abstract namespace (libpq: is_unixsock_path)."""
    return host.startswith(("/", "@"))


def _authority(host: str, port: str) -> str:
    """`host:port`, each host with its port; IPv6 in brackets."""
    hosts, ports = _split(host), port.split(",")
    each = ports if len(ports) == len(hosts) else ports * len(hosts)
    return ",".join(f"{_bracketed(name)}:{number or DEFAULT_PORT}" for name, number in zip(hosts, each, strict=False))


def _bracketed(host: str) -> str:
    return f"[{quote(host, safe=':')}]" if ":" in host else quote(host, safe="")
