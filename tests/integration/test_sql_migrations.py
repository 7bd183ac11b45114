"""Plain SQL migrations on a real PostgreSQL: applied once, in order, as written, and recorded."""

import pytest

from tenancy.adapters.admin_account import AdminAccount
from tenancy.saga.causes import Cause
from tenancy.saga.errors import PermanentError, ProductFileError, TransientError
from tests.integration.sql_tenant import COUNT, NOTES, SqlTenant


def test_each_file_is_applied_once_and_recorded(sql_tenant: SqlTenant):
    sql_tenant.write("0002_count", COUNT)
    assert sql_tenant.version is None
    for _ in range(2):
        sql_tenant.apply()
        assert sql_tenant.version == "0002_count"
    assert sql_tenant.rows("select body from tenant.notes") == [("100% of it; all",)]
    recorded = sql_tenant.rows("select number, version, length(checksum) from tenant.tenancy_migration order by 1")
    assert recorded == [(1, "0001_notes", 64), (2, "0002_count", 64)]


def test_an_attempt_migrates_to_the_version_that_it_recorded(sql_tenant: SqlTenant):
    sql_tenant.write("0002_count", COUNT)
    sql_tenant.apply("0001_notes")
    assert sql_tenant.version == "0001_notes"
    sql_tenant.apply()
    sql_tenant.apply("0001_notes")  # nothing to do: there is no way back
    assert sql_tenant.version == "0002_count"


def test_a_version_that_the_folder_does_not_have_is_refused(sql_tenant: SqlTenant):
    assert "migrations has no 0007_lost.sql" in sql_tenant.refused("0007_lost")


def test_a_file_that_was_changed_after_it_was_applied_is_named(sql_tenant: SqlTenant):
    sql_tenant.apply()
    sql_tenant.write("0001_notes", NOTES + "-- more\n")
    assert "migrations/0001_notes.sql was changed after it was applied" in sql_tenant.refused()


def test_a_file_that_was_renamed_after_it_was_applied_is_named(sql_tenant: SqlTenant):
    sql_tenant.apply()
    (sql_tenant.folder / "0001_notes.sql").rename(sql_tenant.folder / "0001_memos.sql")
    sentence = sql_tenant.refused()
    assert "migrations/0001_memos.sql was called 0001_notes.sql when it was applied" in sentence


def test_a_schema_of_a_newer_version_is_refused_as_alembics_is(sql_tenant: SqlTenant):
    sql_tenant.write("0002_count", COUNT)
    sql_tenant.apply()
    (sql_tenant.folder / "0002_count.sql").unlink()
    sentence = sql_tenant.refused()
    for part in ("The schema tenant of the database", "is at revision 0002_count, which this version does not have",
                 "its newest is 0001_notes", "a newer version migrated it", "Nothing was changed"):  # fmt: skip
        assert part in sentence


def test_a_file_before_one_that_was_applied_is_refused(sql_tenant: SqlTenant):
    sql_tenant.write("0003_count", COUNT)
    sql_tenant.apply()
    sql_tenant.write("0002_late", "create table late (id int);")
    sentence = sql_tenant.refused()
    assert "migrations/0002_late.sql comes before one that was applied already: give it a higher number" in sentence


def test_a_folder_with_mistakes_changes_nothing(sql_tenant: SqlTenant):
    sql_tenant.write("0001_again", COUNT)
    with pytest.raises(ProductFileError, match="has the same number"):
        sql_tenant.apply("0001_notes")
    assert not sql_tenant.has_schema


@pytest.mark.parametrize(
    "text",
    ["", "-- only a comment\n", "select '\\', E'\\'', $a$ ' $a$, 'it''s %s %% %(x)s';", "select 1;;select 2",
     "create function f() returns int begin atomic select 1; end;",
     "select pg_catalog.set_config('search_path', '', false)",
     "set search_path to public; create table elsewhere (id int)",
     "do $outer$ begin execute $inner$ create table deep (a text default '$x$') $inner$; end $outer$;",
     "create type mood as enum ('well'); alter type mood add value 'ill'; create table moods (m mood)",
     "create table é (\"ü\" text default 'ß €'); comment on table é is E'\\u20ac'"],
)  # fmt: skip
def test_a_file_is_run_as_it_is_written(sql_tenant: SqlTenant, text: str):
    sql_tenant.write("0002_x", text)
    sql_tenant.write("0003_count", COUNT)  # finds the first file's table, whatever the second one set
    sql_tenant.apply()
    sql_tenant.apply()
    assert sql_tenant.version == "0003_count"


def test_a_thousand_statements_and_a_megabyte_are_one_file(sql_tenant: SqlTenant):
    lines = [f"insert into notes values ({number}, '{'x' * 1000}');" for number in range(1000)]
    sql_tenant.write("0002_many", "\n".join(lines))
    sql_tenant.apply()
    assert sql_tenant.rows("select count(*) from tenant.notes") == [(1001,)]


def test_the_admin_is_made_in_the_same_transaction(sql_tenant: SqlTenant):
    statements = sql_tenant.folder.parent / "admin"
    statements.mkdir()
    (statements / "create.sql").write_text("insert into notes (body) values (%(email)s)")
    admin = AdminAccount(statements, tenant_id="1", slug="acme", name="Acme", email="a@acme.example", digest="d")
    sql_tenant.apply(admin=admin)
    assert sql_tenant.rows("select body from tenant.notes where id is null") == [("a@acme.example",)]
    sql_tenant.session.execute("drop schema tenant cascade")
    (statements / "create.sql").write_text("insert into users (email) values (%(email)s)")
    with pytest.raises(PermanentError, match=r"failed at admin/create\.sql: .*users. does not exist"):
        sql_tenant.apply(admin=admin)
    assert not sql_tenant.has_schema


def test_what_waits_for_a_lock_is_tried_again(sql_tenant: SqlTenant):
    """A lock time-out is the tenant's session's doing, not a mistake of the file."""
    sql_tenant.apply()
    sql_tenant.write("0002_x", "set local lock_timeout = '100ms'; alter table notes add column at timestamptz")
    with sql_tenant.session.transaction():
        sql_tenant.session.execute("lock table tenant.notes in share mode")
        with pytest.raises(TransientError) as error:
            sql_tenant.apply()
    assert error.value.cause is Cause.STORAGE_BLOCKED
    sql_tenant.apply()


def test_the_kind_that_made_a_schema_is_asked_for_its_version(sql_tenant: SqlTenant):
    """Its product may have changed from alembic to SQL since."""
    sql_tenant.session.execute("create schema tenant")
    assert sql_tenant.version is None
    sql_tenant.session.execute("create table tenant.alembic_version (version_num text)")
    sql_tenant.session.execute("insert into tenant.alembic_version values ('0002')")
    assert sql_tenant.version == "0002"
    sql_tenant.apply()
    assert sql_tenant.version == "0001_notes"
