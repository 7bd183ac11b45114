"""What the extra of an Airflow connection to PostgreSQL may have; each refusal names connection, key and remedy."""

from pathlib import Path
from typing import Any

import pytest
from psycopg import pq

from tenancy.adapters.connection_extra import _OURS, ACCEPTED, FILES, FOR_TENANTS, dsn_of_connection
from tenancy.adapters.dsn import Dsn
from tenancy.adapters.sessions import session_settings
from tenancy.saga.causes import Cause
from tenancy.saga.errors import PlatformError


def read(extra: dict[str, Any], **fields: Any) -> Dsn:
    given = {"host": "db.test", "port": None, "dbname": "postgres", "user": "admin", "password": "x", **fields}
    return dsn_of_connection("tenancy_storage_eu", "the storage of region eu", extra=extra, **given)


def test_every_key_that_is_listed_is_one_of_libpqs():
    known = {option.keyword.decode() for option in pq.Conninfo.get_defaults()}
    assert known >= ACCEPTED
    assert known >= _OURS - {"fallback_application_name"}


def test_every_parameter_of_libpq_is_decided():
    """Accepted, ours, or refused with its reason: a sentence for each."""
    for option in pq.Conninfo.get_defaults():
        key = option.keyword.decode()
        if key in ACCEPTED or key == "port":
            continue
        with pytest.raises(PlatformError, match=rf"The Airflow connection tenancy_storage_eu has `{key}` in its extra"):
            read({key: "x"})


@pytest.mark.parametrize(
    ("key", "remedy"),
    [
        ("ssl_mode", "Did you mean `sslmode`?"),
        ("tenant_ssl_mode", "Did you mean `tenant_sslmode`?"),
        ("tenant_sslkey", "Remove it, or use one of: "),
        ("sslmod", "Did you mean `sslmode`?"),
        ("pool", "Remove it, or use one of: "),
        ("cursor", "Remove it"),
        ("SSLMODE", "Remove it"),
        ("password", "belongs in its field Password. Move it there."),
        ("dbname", "belongs in its field Schema"),
        ("service", "whose file could change any other parameter"),
        ("connect_timeout", "which Tenancy sets itself. Remove it."),
        ("application_name", "which Tenancy sets itself"),
        ("replication", "which Tenancy sets itself"),
    ],
)
def test_a_key_that_is_not_accepted_is_refused_with_what_to_do(key: str, remedy: str):
    with pytest.raises(PlatformError) as refused:
        read({key: "x"})
    assert str(refused.value).startswith(f"The Airflow connection tenancy_storage_eu has `{key}` in its extra")
    assert remedy in str(refused.value)
    assert refused.value.cause is Cause.STORAGE_CONNECTION


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ({"sslmode": "on"}, "`sslmode` 'on' .* Use one of: disable, allow"),
        ({"tenant_sslmode": "TRUE"}, "`tenant_sslmode` 'TRUE' .* Use one of"),
        ({"sslmode": {"a": 1}}, "no text or number at `sslmode`"),
        ({"port": "many"}, "`port` 'many' .* numbers from 1 to 65535"),
        ({"tenant_port": 70000}, "`tenant_port` '70000'"),
        ({"options": "-c"}, "`options` .* cannot be read at -c.*`-c name=value`"),
        ({"sslrootcert": "/no/such/ca.pem"}, "`sslrootcert` '/no/such/ca.pem' .* cannot read.* Mount the file"),
    ],
)
def test_a_value_that_libpq_would_not_take_is_refused(extra: dict[str, Any], message: str):
    with pytest.raises(PlatformError, match=f"The Airflow connection tenancy_storage_eu .*{message}"):
        read(extra)


@pytest.mark.parametrize("field", ["host", "dbname", "user"])
@pytest.mark.parametrize("empty", [None, ""])
def test_a_connection_that_lacks_a_field_is_named(field: str, empty: str | None):
    name = {"host": "Host", "dbname": "Schema", "user": "Login"}[field]
    with pytest.raises(PlatformError, match=f"tenancy_storage_eu lacks {name}. Fill it in"):
        read({}, **{field: empty})


def test_what_is_empty_is_not_given():
    assert read({"sslmode": "", "sslcert": None}).options == {}


def test_everything_that_is_accepted_reaches_libpq(tmp_path: Path):
    file = tmp_path / "file"
    file.touch()
    extra = {**dict.fromkeys(FILES, str(file)), "sslmode": "verify-full", "sslsni": True, "port": "1,2"}
    dsn = read(extra, host="a.test,b.test")
    assert dsn.parameters(session_settings("t")).items() >= {**extra, "sslsni": "1"}.items()
    assert (dsn.host, dsn.port) == ("a.test,b.test", "1,2")


def test_what_is_for_tenants_is_kept_apart():
    dsn = read({**dict.fromkeys(FOR_TENANTS, "any"), "tenant_sslmode": "require", "tenant_channel_binding": "prefer",
                "tenant_port": 6432, "sslmode": "disable"})  # fmt: skip
    assert dsn.options == {"sslmode": "disable"}
    assert dsn.tenant_overrides == {"host": "any", "port": "6432", "sslmode": "require", "sslrootcert": "any",
                           "channel_binding": "prefer", "target_session_attrs": "any"}  # fmt: skip
