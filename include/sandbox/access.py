"""How tests, the demo and the bench reach a running sandbox: addresses, users, tokens.

It reads the sandbox's files and calls its api-server; it changes nothing. Passwords leave it only as return values.
"""

from functools import cached_property

import httpx

from sandbox import ports, secrets, servers
from sandbox.airflow_contents import SERVICE_USER
from sandbox.cluster_server import ClusterServer
from sandbox.database_names import AIRFLOW, LEDGER, STORAGE_ADMIN
from sandbox.layout import Layout
from sandbox.postgres import PostgresServer
from sandbox.secrets import Secrets

__all__ = ["SERVICE_USER", "Access"]


class Access:
    """Addresses and credentials of the sandbox at `layout`, which must have been started once."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self._tokens: dict[tuple[str, str, str], str] = {}
        """(address, user, password) -> token."""

    @cached_property
    def _secrets(self) -> Secrets:
        return secrets.load(self.layout.secrets)

    @property
    def ports(self) -> dict[str, int]:
        """Read again each time, because an `up` after a crash may choose another port."""
        return ports.recorded(self.layout.ports)

    @property
    def api_url(self) -> str:
        """Without a trailing slash. The REST API is below /api/v2, the console's login at /."""
        return f"http://{ports.HOST}:{self.ports['api']}"

    def tenant_url(self, host: str) -> str:
        """The URL of a tenant's application, by its host name; *.localhost resolves to this machine."""
        return f"http://{host}:{self.ports['ingress']}"

    @property
    def cluster(self) -> ClusterServer:
        return ClusterServer.of(self.layout, self.ports)

    def password(self, user: str) -> str:
        return self._secrets.users[user]

    def token(self, user: str) -> str:
        """A bearer token for one of our users."""
        answer = httpx.post(
            f"{self.api_url}/auth/token",
            json={"username": user, "password": self.password(user)},
            timeout=30,
            trust_env=False,
        )
        answer.raise_for_status()
        return str(answer.json()["access_token"])

    def client(self, user: str) -> httpx.Client:
        """A client of the REST API as `user`; close it. The token of an earlier client is used again: the check of a
        password takes a tenth of a second of a core, and Airflow's tokens are valid for a day."""
        login = (self.api_url, user, self.password(user))
        if login not in self._tokens:
            self._tokens[login] = self.token(user)
        return httpx.Client(
            base_url=self.api_url,
            headers={"Authorization": f"Bearer {self._tokens[login]}"},
            timeout=30,
            trust_env=False,
        )

    def server(self, name: str) -> PostgresServer:
        return servers.server(name, self.layout, self.ports, self._secrets)

    @property
    def metadata_dsn(self) -> str:
        return self.server(servers.PLATFORM).dsn(AIRFLOW, AIRFLOW, self._secrets.airflow_database)

    @property
    def ledger_dsn(self) -> str:
        return self.server(servers.PLATFORM).dsn(LEDGER, LEDGER, self._secrets.ledger_database)

    @property
    def storage_admin_dsn(self) -> str:
        return self.server(servers.STORAGE).dsn(STORAGE_ADMIN, STORAGE_ADMIN, self._secrets.storage_admin)

    def storage_admin_dsn_of(self, database: str) -> str:
        """The DSN of a tenant's database for the storage admin."""
        return self.server(servers.STORAGE).dsn(database, STORAGE_ADMIN, self._secrets.storage_admin)

    def superuser_dsn(self, server: str, database: str = "postgres") -> str:
        """`server` is "platform" or "storage"."""
        return self.server(server).superuser_dsn(database)
