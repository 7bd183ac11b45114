"""The storage role's rights: one list, and what the documentation says of it."""

import pytest
from psycopg import sql

from sandbox.layout import PROJECT
from tenancy.adapters.storage_rights import RIGHTS, MissingRight, StorageRight, missing_right_sentence

RIGHTS_PAGE = (PROJECT / "docs" / "integrating" / "rights.md").read_text()


@pytest.mark.parametrize("right", RIGHTS, ids=lambda right: right.name)
def test_each_right_is_documented_with_the_statement_that_grants_it(right: StorageRight):
    statement = sql.SQL(right.grant).format(admin=sql.Identifier("storage_admin")).as_string(None)
    (row,) = [line for line in RIGHTS_PAGE.splitlines() if line.startswith(f"| {right.name} |")]
    assert f"`{statement}`" in row
    assert right.purpose in row.replace(" (a backup, a monitor)", "")


def test_a_missing_right_is_reported_with_its_purpose_and_its_statement():
    missing = MissingRight("CREATEDB", "create tenants' databases", 'alter role "a" createdb', vital=True)
    assert missing_right_sentence(missing, "a") == (
        "The role a may not create tenants' databases: it lacks CREATEDB. "
        'As a superuser, or a role that may grant it: alter role "a" createdb;'
    )


@pytest.mark.parametrize(("count", "more"), [(1, ""), (3, " and so for 2 more roles;")])
def test_a_right_that_is_missing_on_many_roles_is_reported_once(count: int, more: str):
    missing = MissingRight("the ADMIN option", "drop roles", 'grant "r" to "a"', vital=False, count=count)
    assert missing_right_sentence(missing, "a").endswith(f'grant "r" to "a";{more}')
    assert missing.stops_work
