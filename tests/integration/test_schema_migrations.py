"""Migrations of a schema: every error of alembic, of a script or of the schema's state is one of ours."""

from pathlib import Path

import psycopg
import pytest

from tenancy.adapters.dsn import dsn_of_conninfo
from tenancy.adapters.schema_migrations import migrate
from tenancy.adapters.sessions import session
from tenancy.adapters.tenant_database import TenantDatabase
from tenancy.ledger.migrations import upgrade
from tenancy.saga.causes import Cause
from tenancy.saga.errors import PermanentError
from tests.products import SCRIPTS
from tests.unit.tenants import furnish

REVISION = """
from alembic import op
revision, down_revision, branch_labels, depends_on = "{revision}", {down}, None, None
def upgrade():
    {body}
"""


def scripts(folder: Path, **revisions: tuple[str | None, str]) -> Path:
    (folder / "versions").mkdir()
    (folder / "env.py").write_text(
        "from tenancy.adapters.schema_migrations import run_environment\nrun_environment()\n"
    )
    (folder / "script.py.mako").write_text("")
    for revision, (down, body) in revisions.items():
        text = REVISION.format(revision=revision, down=repr(down), body=body)
        (folder / "versions" / f"{revision}.py").write_text(text)
    return folder


def run(dsn: str, folder: Path, target: str = "head") -> None:
    with session(dsn_of_conninfo(dsn, "the tests' storage"), application="t") as opened:
        migrate(opened, folder, schema="tenant", target=target)


@pytest.mark.parametrize("revision", ["0099", "head'; drop table x", "ae1027a6acf"])
def test_a_schema_of_a_newer_version_is_reported_in_one_sentence(fresh_database: str, revision: str):
    furnish(fresh_database)
    with psycopg.connect(fresh_database, autocommit=True) as connection:
        connection.execute("alter table tenant.alembic_version alter version_num type text")
        connection.execute("update tenant.alembic_version set version_num = %s", (revision,))
    with pytest.raises(PermanentError, match=r"The schema tenant of the database \S+ is at revision") as refused:
        run(fresh_database, SCRIPTS)
    assert refused.value.cause is Cause.SCHEMA_MIGRATION
    for part in (revision, "its newest is 0002", "a newer version migrated it", "Deploy that newer version"):
        assert part in str(refused.value)
    with psycopg.connect(fresh_database) as connection:
        assert connection.execute("select version_num from tenant.alembic_version").fetchall() == [(revision,)]


def test_a_tenant_of_a_newer_version_is_refused_by_its_activity(fresh_database: str):
    furnish(fresh_database)
    with psycopg.connect(fresh_database, autocommit=True) as connection:
        connection.execute("update tenant.alembic_version set version_num = '0099'")
    with pytest.raises(PermanentError, match="a newer version migrated it"):
        furnish(fresh_database)
    schema = TenantDatabase(dsn_of_conninfo(fresh_database, "the tests' storage")).load_schema("t", None)
    assert schema is not None
    assert schema.version == "0099"


def test_a_ledger_of_a_newer_version_is_not_migrated(fresh_database: str):
    upgrade(fresh_database)
    with psycopg.connect(fresh_database, autocommit=True) as connection:
        connection.execute("update ledger.alembic_version set version_num = '9999'")
    with pytest.raises(PermanentError, match=r"The schema ledger of the database .* is at revision 9999"):
        upgrade(fresh_database)


BROKEN: dict[str, tuple[dict[str, tuple[str | None, str]], str, str]] = {
    "two heads": ({"a1": (None, "pass"), "b1": (None, "pass")}, "head", "[Mm]ultiple head"),
    "a missing predecessor": ({"a1": ("a0", "pass")}, "head", "a0"),
    "no such target": ({"a1": (None, "pass")}, "zz", "zz"),
    "a script that fails": ({"a1": (None, "raise KeyError('lost')")}, "head", "KeyError: 'lost'"),
    "a script that uses alembic wrongly": ({"a1": (None, "op.no_such_call()")}, "head", "no_such_call"),
    "a script that cannot be read": ({"a1": (None, "return (")}, "head", "SyntaxError"),
    "no head at all": ({"a1": ("a1", "pass")}, "head", "a1"),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("what", BROKEN)
def test_whatever_is_wrong_with_the_scripts_is_an_error_of_ours(fresh_database: str, tmp_path: Path, what: str):
    revisions, target, message = BROKEN[what]
    with pytest.raises(PermanentError, match=message) as refused:
        run(fresh_database, scripts(tmp_path, **revisions), target)
    assert refused.value.cause is Cause.SCHEMA_MIGRATION
    assert "\n" not in str(refused.value)
    with psycopg.connect(fresh_database) as connection:
        assert connection.execute("select to_regnamespace('tenant')").fetchone() == (None,)


def test_a_migration_finds_its_own_tables_first(fresh_database: str, tmp_path: Path):
    body = "op.execute('create table things (id int)'); op.execute('insert into things values (1)')"
    run(fresh_database, scripts(tmp_path, a1=(None, body)))
    with psycopg.connect(fresh_database) as connection:
        assert connection.execute("select id from tenant.things").fetchall() == [(1,)]
