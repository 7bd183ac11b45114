"""The ledger's schema: its migrations, and what code that finds another version says."""

import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

import tenancy
from sandbox.postgres import PostgresServer
from tenancy.adapters.dsn import dsn_of_conninfo
from tenancy.adapters.schema_migrations import migrate
from tenancy.adapters.sessions import session
from tenancy.ledger import migrations
from tenancy.ledger.ledger import Ledger
from tenancy.ledger.migrations import LEDGER_VERSION, upgrade
from tenancy.ledger.queries import query
from tenancy.saga.errors import LedgerOutdatedError, PermanentError
from tests.products import SCHEMA_VERSION, SCRIPTS
from tests.real_systems import as_dsn, superuser

_INCLUDE = Path(tenancy.__file__).parent


def _newest(scripts: Path) -> str:
    return max(path.name.split("_")[0] for path in (scripts / "versions").glob("[0-9]*.py"))


def test_the_code_needs_the_newest_ledger_script():
    assert _newest(Path(migrations.__file__).parent) == LEDGER_VERSION


def test_new_attempts_run_with_the_newest_tenant_script():
    assert _newest(SCRIPTS) == SCHEMA_VERSION


def _queries() -> str:
    return "\n".join(path.read_text() for path in (_INCLUDE / "ledger" / "queries").glob("*.sql"))


def test_every_named_query_is_used_and_every_used_query_is_named():
    named = set(re.findall(r"^-- name: (\w+)$", _queries(), re.MULTILINE))
    code = "\n".join(path.read_text() for path in _INCLUDE.rglob("*.py"))
    used = set(re.findall(r'(?:query|_tenant_id|rows)\(\s*"(\w+)"', code))
    assert named == used


def test_every_named_query_says_what_it_is_for():
    text = _queries()
    headings = len(re.findall(r"^-- (?:name|fragment): \w+$", text, re.MULTILINE))
    assert len(re.findall(r"^-- (?:name|fragment): \w+\n-- [A-Z].*[.?:,]?", text, re.MULTILINE)) == headings


def test_every_fragment_is_included_and_every_included_fragment_exists():
    text = _queries()
    defined, included = re.findall(r"^-- fragment: (\w+)$", text, re.MULTILINE), re.findall(r"\$\{(\w+)\}", text)
    assert sorted(defined) == sorted(set(included))
    assert not any("${" in query(name) for name in re.findall(r"^-- name: (\w+)$", text, re.MULTILINE))


@pytest.fixture
def connection(fresh_database: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(fresh_database, autocommit=True) as opened:
        yield opened


def _open(url: str) -> None:
    with Ledger(as_dsn(url, "the ledger")).open("test"):
        pass


def test_upgrading_twice_is_upgrading_once(fresh_database: str, connection: psycopg.Connection):
    upgrade(fresh_database)
    once = connection.execute(_EVERYTHING).fetchall()
    upgrade(fresh_database)
    assert connection.execute(_EVERYTHING).fetchall() == once
    _open(fresh_database)


def test_upgrading_keeps_what_is_in_the_ledger(fresh_database: str, connection: psycopg.Connection):
    upgrade(fresh_database)
    connection.execute(
        """insert into ledger.fact values (gen_random_uuid(), 1, 'tenant.x', 0, '', 'ada', '', now(), '{}', '',
                                           repeat('b', 64))"""
    )
    upgrade(fresh_database)
    assert connection.execute("select count(*) from ledger.fact").fetchone() == (1,)


def test_an_empty_ledger_is_named_and_so_is_the_remedy(fresh_database: str):
    with pytest.raises(LedgerOutdatedError) as outdated:
        _open(fresh_database)
    assert str(outdated.value) == (
        f"The ledger's schema is empty, this code needs {LEDGER_VERSION}. "
        "Bring it up to date (sandbox: make up), then run this again."
    )


@pytest.mark.parametrize("version", ["0000", "9999"])
def test_another_version_of_the_ledger_is_not_touched(
    fresh_database: str, connection: psycopg.Connection, version: str
):
    upgrade(fresh_database)
    connection.execute("update ledger.alembic_version set version_num = %s", (version,))
    with pytest.raises(LedgerOutdatedError, match=f"schema is {version}, this code needs {LEDGER_VERSION}"):
        _open(fresh_database)


def test_a_failing_migration_leaves_nothing_behind(fresh_database: str, connection: psycopg.Connection):
    connection.execute("create schema ledger")
    connection.execute("create table ledger.tenant ()")  # in the way of the script's own
    with pytest.raises(Exception, match="already exists"):
        upgrade(fresh_database)
    assert connection.execute(_EVERYTHING).fetchall() == [("tenant",)]


_EVERYTHING = """
    select relname from pg_class where relnamespace = (select oid from pg_namespace where nspname = 'ledger') order by 1
"""


def test_names_of_an_older_ledger_are_found_after_the_upgrade(fresh_database: str, connection: psycopg.Connection):
    """Rows in decomposed letters that the index of revision 0013 held as they were."""
    with session(dsn_of_conninfo(fresh_database, "the ledger"), application="t") as opened:
        migrate(opened, Path(migrations.__file__).parent, schema="ledger", target="0013")
    connection.execute(
        "insert into ledger.tenant (id, slug, name, plan, region, admin_email, state, attempt, generation, run_id, seq,"
        " created_at, state_since, updated_at)"
        " values (gen_random_uuid(), 'acme', %s, 'p', 'r', 'e', 'Active', 1, 1, 'run', 1, now(), now(), now())",
        ("Cafe\u0301",),
    )
    connection.commit()
    upgrade(fresh_database)
    connection.execute("set enable_seqscan = off")
    search = "select slug from ledger.tenant where ledger.name_words(name) @@ ledger.words_begin(%s)"
    for text in ("Caf\u00e9", "cafe\u0301", "CAF"):
        assert connection.execute(search, (text,)).fetchall() == [("acme",)], text
        plan = "\n".join(row[0] for row in connection.execute(f"explain {search}", (text,)))
        assert "tenant_by_name" in plan


def test_a_database_that_cannot_hold_every_name_is_refused(fast_server: PostgresServer):
    with superuser(fast_server) as connection:
        connection.execute("create database latin encoding 'LATIN1' locale 'C' template template0")
        try:
            with pytest.raises(
                PermanentError, match=r"has the encoding LATIN1, .* create database latin encoding 'UTF8'"
            ):
                upgrade(fast_server.superuser_dsn("latin"))
        finally:
            connection.execute("drop database latin")
