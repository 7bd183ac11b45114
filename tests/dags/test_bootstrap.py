"""Joining the real parts from Airflow's connections: what is missing, and what only seems to be."""

import json

import pytest

from tenancy import bootstrap
from tenancy.saga.errors import PlatformError


@pytest.fixture
def _no_secrets_backend_finds_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a task whose api-server does not respond: Airflow tells no difference."""
    monkeypatch.setattr("airflow.sdk.execution_time.supervisor.ensure_secrets_backend_loaded", list)


@pytest.mark.usefixtures("_no_secrets_backend_finds_anything")
def test_a_connection_that_airflow_does_not_find_is_the_platforms_fault():
    with pytest.raises(PlatformError, match=r"tenancy_ledger cannot be read: it is not there, or .* does not respond"):
        bootstrap.tenancy()


@pytest.mark.usefixtures("_no_secrets_backend_finds_anything")
def test_so_is_a_clusters():
    region = bootstrap.platform().regions["eu-central"]
    with pytest.raises(PlatformError, match="tenancy_cluster_eu cannot be read"):
        bootstrap._cluster(region)


def test_an_activity_of_a_package_gets_a_connections_values(monkeypatch: pytest.MonkeyPatch):
    _set(monkeypatch, "objects", conn_type="aws", host="s3.test", port=443, login="key", password="x", extra={"a": 1})
    found = bootstrap.connection_values("objects")
    assert (found.id, found.host, found.port, found.login, found.password) == ("objects", "s3.test", 443, "key", "x")
    assert found.extra == {"a": 1}
    assert "password" not in repr(found)


def test_a_connection_to_no_server_is_refused_too(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AIRFLOW_CONN_TENANCY_CLUSTER_EU", '{"conn_type": "kubernetes", "extra": {"kube_config": "{}"}}')
    region = bootstrap.platform().regions["eu-central"]
    with pytest.raises(PlatformError, match="tenancy_cluster_eu cannot be used: Invalid kube-config"):
        bootstrap._cluster(region)


def _set(monkeypatch: pytest.MonkeyPatch, conn_id: str, **fields: object) -> None:
    monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(fields))


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"conn_type": "postgres"}, "lacks Host"),
        ({"conn_type": "postgres", "host": "db", "schema": "x"}, "lacks Login"),
        ({"conn_type": "postgres", "host": "db", "login": "x"}, "lacks Schema"),
    ],
)
def test_a_connection_that_lacks_something_is_named_with_it(
    monkeypatch: pytest.MonkeyPatch, fields: dict[str, object], sentence: str
):
    _set(monkeypatch, bootstrap.LEDGER_CONNECTION, **fields)
    with pytest.raises(PlatformError, match=f"tenancy_ledger {sentence}"):
        bootstrap.ledger_dsn()


@pytest.mark.parametrize(
    ("fields", "url"),
    [
        ({"host": "airflow"}, "http://airflow"),
        ({"host": "airflow", "port": 8080}, "http://airflow:8080"),
        ({"host": "airflow", "schema": "https"}, "https://airflow"),
        ({"host": "::1", "port": 8080}, "http://[::1]:8080"),
    ],
)
def test_the_engines_address_needs_no_port(monkeypatch: pytest.MonkeyPatch, fields: dict[str, object], url: str):
    _set(monkeypatch, bootstrap.AIRFLOW_CONNECTION, conn_type="http", login="service", password="x", **fields)
    assert bootstrap.engine_client(1)._url == url


def test_all_uses_of_the_engines_api_share_one_login(monkeypatch: pytest.MonkeyPatch):
    engine = {"conn_type": "http", "host": "airflow", "login": "service"}
    _set(monkeypatch, bootstrap.AIRFLOW_CONNECTION, password="old", **engine)
    first, second = bootstrap.engine_client(1), bootstrap.engine_client(2)
    _set(monkeypatch, bootstrap.AIRFLOW_CONNECTION, password="new", **engine)
    assert second._token is first._token
    assert bootstrap.engine_client(1)._token is not first._token


@pytest.mark.parametrize(
    "fields", [{"login": "k1", "password": "not hexadecimal"}, {"login": "k1"}, {"password": "ab"}]
)
def test_a_key_ring_that_is_none_is_named_and_its_keys_are_not(
    monkeypatch: pytest.MonkeyPatch, fields: dict[str, object]
):
    _set(monkeypatch, bootstrap.CREDENTIALS_CONNECTION, conn_type="generic", **fields)
    with pytest.raises(PlatformError, match="tenancy_credentials") as raised:
        bootstrap._keyring()
    assert "not hexadecimal" not in str(raised.value)
    assert raised.value.__cause__ is None


@pytest.mark.parametrize("port", ["eighty", "-1", "8 0"])
def test_a_port_that_is_none_is_the_platforms_fault(monkeypatch: pytest.MonkeyPatch, port: str):
    monkeypatch.setenv(bootstrap.INGRESS_PORT, port)
    with pytest.raises(PlatformError, match=bootstrap.INGRESS_PORT):
        bootstrap.ingress_port()
