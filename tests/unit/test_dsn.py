"""Addresses of PostgreSQL servers: built by us, read back by libpq, for every form of host that libpq allows."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from psycopg.conninfo import conninfo_to_dict

from tenancy.adapters.dsn import Dsn, dsn_of_conninfo
from tenancy.adapters.sqlalchemy_url import dsn_of_url
from tenancy.saga.causes import Cause
from tenancy.saga.errors import PlatformError

TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=20)
NAMES = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?(\.[a-z]{2,5})?", fullmatch=True)
IPV4 = st.ip_addresses(v=4).map(str)
IPV6 = st.one_of(st.ip_addresses(v=6).map(str), st.sampled_from(["::1", "::", "fe80::1%eth0", "::ffff:10.0.0.1"]))
SOCKETS = st.sampled_from(["/var/run/postgresql", "/tmp", "/a dir/with ü & ?", "@abstract"])
HOST = st.one_of(NAMES, IPV4, IPV6, SOCKETS)
PORTS = st.integers(1, 65535)
PLACES = st.one_of(
    st.tuples(HOST, PORTS),
    st.lists(HOST, min_size=2, max_size=4).flatmap(
        lambda hosts: st.tuples(
            st.just(",".join(hosts)),
            st.one_of(PORTS, st.lists(PORTS, min_size=len(hosts), max_size=len(hosts)).map(_joined)),
        )
    ),
)
OPTIONS = st.fixed_dictionaries(
    {},
    optional={"sslmode": st.sampled_from(["require", "verify-full"]), "sslrootcert": TEXTS, "options": TEXTS},
)


def _joined(ports: list[int]) -> str:
    return ",".join(map(str, ports))


def _ports_each(host: str, port: object) -> list[str]:
    ports = str(port).split(",")
    return ports if len(ports) > 1 else ports * len(host.split(","))


@given(PLACES, TEXTS, TEXTS, TEXTS, OPTIONS)
@example(("::1", 43561), "acme", "acme", "p", {})
@example(("/var/run/postgresql", 5432), "a/b?c#d", "o'neil@home:1", "p@:/?#[]%20+& =ü", {"sslmode": "require"})
@example(("a.test,::1,10.0.0.1", "1,2,3"), "acme", "acme", "p", {})
def test_libpq_reads_a_uri_back_as_it_was_meant(
    place: tuple[str, Any], dbname: str, user: str, password: str, options: dict[str, str]
):
    host, port = place
    read = conninfo_to_dict(Dsn(host, port, dbname, user, password, options=options).url)
    assert _ports_each(str(read.pop("host")), read.pop("port")) == _ports_each(host, port)
    assert read == {"dbname": dbname, "user": user, "password": password, **options}
    again = conninfo_to_dict(Dsn(host, port, dbname, user, password, options=options).url)
    assert str(again["host"]) == host


@given(PLACES, TEXTS, TEXTS, TEXTS)
def test_a_uri_is_read_back_as_the_same_dsn(place: tuple[str, Any], dbname: str, user: str, password: str):
    host, port = place
    again = dsn_of_conninfo(Dsn(host, port, dbname, user, password).url, "PostgreSQL")
    assert (again.host, again.dbname, again.user, again.password) == (host, dbname, user, password)
    assert _ports_each(again.host, again.port) == _ports_each(host, port)


@pytest.mark.parametrize(
    ("host", "port", "written"),
    [
        ("::1", 43561, "postgresql://acme:p@[::1]:43561/acme"),
        ("10.0.0.1", 5432, "postgresql://acme:p@10.0.0.1:5432/acme"),
        ("db.test", 5432, "postgresql://acme:p@db.test:5432/acme"),
        ("a.test,b.test", 5432, "postgresql://acme:p@a.test:5432,b.test:5432/acme"),
        ("a.test,::1", "1,2", "postgresql://acme:p@a.test:1,[::1]:2/acme"),
        ("fe80::1%eth0", 5432, "postgresql://acme:p@[fe80::1%25eth0]:5432/acme"),
        ("/run/pg", 5433, "postgresql://acme:p@/acme?host=%2Frun%2Fpg&port=5433"),
    ],
)
def test_a_uri_is_written_so_that_other_drivers_read_it_too(host: str, port: int | str, written: str):
    assert Dsn(host, port, "acme", "acme", "p").url == written


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("postgresql+psycopg2://u:p@[::1]:5433/airflow", ("::1", 5433, "airflow", "u", "p", {})),
        ("postgresql://u%40x:p%2F%3A@db.test/meta", ("db.test", 5432, "meta", "u@x", "p/:", {})),
        ("postgresql+psycopg://u:p@/airflow?host=/run/pg&port=5433", ("/run/pg", "5433", "airflow", "u", "p", {})),
        (
            "postgresql+psycopg://u:p@/airflow?host=a.test:1&host=b.test:2&target_session_attrs=read-write",
            ("a.test,b.test", "1,2", "airflow", "u", "p", {"target_session_attrs": "read-write"}),
        ),
        (
            "postgresql+psycopg2://u:p@db.test/airflow?sslmode=require&prepared_statement_cache_size=0",
            ("db.test", 5432, "airflow", "u", "p", {"sslmode": "require"}),
        ),
    ],
)
def test_a_url_of_sqlalchemy_is_read_as_sqlalchemy_means_it(url: str, place: tuple[Any, ...]):
    dsn = dsn_of_url(url, "the workflow engine's database")
    assert dsn is not None
    assert (dsn.host, dsn.port, dsn.dbname, dsn.user, dsn.password, dsn.options) == place


ADMIN: dict[str, Any] = {
    "sslcert": "/airflow/admin.crt", "sslkey": "/airflow/admin.key", "sslpassword": "s", "options": "-c work_mem=1MB",
    "sslcrl": "/airflow/crl.pem",
}  # fmt: skip


def of_tenant(options: dict[str, Any], tenants: dict[str, str]) -> dict[str, Any]:
    server = Dsn("db.test", 5432, "postgres", "admin", "x", options={**ADMIN, **options}, tenant_overrides=tenants)
    return conninfo_to_dict(server.for_tenant("acme", user="acme", password="p").url)


@pytest.mark.parametrize(
    ("options", "tenants", "expected"),
    [
        ({}, {}, {}),
        ({"sslmode": "require"}, {}, {"sslmode": "require"}),
        ({"sslmode": "require", "sslrootcert": "/airflow/ca.pem"}, {}, {"sslmode": "require"}),
        (
            {"sslmode": "verify-full", "sslrootcert": "system"}, {},
            {"sslmode": "verify-full", "sslrootcert": "system"},
        ),
        (
            {"sslmode": "verify-full", "sslrootcert": "/airflow/ca.pem"}, {"sslrootcert": "/pod/ca.pem"},
            {"sslmode": "verify-full", "sslrootcert": "/pod/ca.pem"},
        ),
        (
            {"sslmode": "verify-ca", "sslrootcert": "/airflow/ca.pem"}, {"sslmode": "require"},
            {"sslmode": "require"},
        ),
        ({"channel_binding": "require"}, {"target_session_attrs": "read-write"},
         {"channel_binding": "require", "target_session_attrs": "read-write"}),
        ({}, {"host": "db.internal", "port": "6432"}, {"host": "db.internal", "port": "6432"}),
    ],
)  # fmt: skip
def test_tenants_learn_how_to_connect_and_nothing_of_the_administrators_disk(
    options: dict[str, Any], tenants: dict[str, str], expected: dict[str, str]
):
    where = {"host": "db.test", "port": "5432", "dbname": "acme", "user": "acme", "password": "p"}
    assert of_tenant(options, tenants) == {**where, **expected}


@pytest.mark.parametrize("tenants", [{}, {"sslmode": "verify-full"}, {"sslmode": "verify-ca"}])
def test_a_verification_that_tenants_cannot_do_is_the_platforms_matter(tenants: dict[str, str]):
    with pytest.raises(PlatformError, match=r"how tenants verify PostgreSQL .*tenant_sslrootcert") as refused:
        of_tenant({"sslmode": "verify-full", "sslrootcert": "/airflow/ca.pem"}, tenants)
    assert refused.value.cause is Cause.STORAGE_CONNECTION


def test_a_tenants_session_of_ours_has_nothing_of_the_administrators_identity():
    server = Dsn("db.test", 5432, "postgres", "admin", "x", options={**ADMIN, "sslrootcert": "/airflow/ca.pem"})
    assert server.to_database("acme", user="acme", password="p").options == {
        "sslcrl": "/airflow/crl.pem",
        "sslrootcert": "/airflow/ca.pem",
    }
    assert server.to_database("other").options == server.options
