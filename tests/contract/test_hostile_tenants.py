"""The storage against a tenant who owns a database and a role, and does with them whatever PostgreSQL allows."""

from collections.abc import Iterator
from contextlib import suppress

import pytest
from psycopg import sql

from tenancy.activities.activity import Activity
from tenancy.activities.allocate_storage import PASSWORD
from tenancy.saga.errors import TenancyError, TransientError
from tests.contract.hostile_tenants import TAMPERS, HostileTenant, Tamper, hostile
from tests.contract.workbench import Workbench
from tests.products import PLAN
from tests.real_systems import superuser

SCHEMA = next(activity for activity in PLAN if activity.name == "apply_tenant_schema")
STORAGE = next(activity for activity in PLAN if activity.name == "allocate_storage")
MARK_ACTIVE = PLAN[-1]
each_tamper = pytest.mark.parametrize("tamper", TAMPERS, ids=lambda tamper: tamper.__name__)


@pytest.fixture
def tenant(bench: Workbench) -> Iterator[HostileTenant]:
    """Provisioned as far as storage goes."""
    bench.prepare(SCHEMA)
    bench.run(SCHEMA)
    with hostile(bench) as tenant:
        yield tenant
    bench.undo_all()


def _rights(bench: Workbench, role: str) -> list[dict[str, object]]:
    with superuser(bench.server) as connection:
        return connection.execute(_RIGHTS, {"role": role}).fetchall()


_RIGHTS = """
    select rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls,
           array(select roleid::regrole::text from pg_auth_members where member = r.oid order by 1) as member_of,
           array(select member::regrole::text from pg_auth_members where roleid = r.oid order by 1) as members
      from pg_roles as r where rolname = %(role)s
"""


def _look_everywhere(bench: Workbench) -> None:
    """Every look that the product takes, whatever it says."""
    for activity in (STORAGE, SCHEMA):
        for look in (
            lambda a=activity: a.observe(bench.context),
            lambda a=activity: a.explain(bench.context),
            lambda a=activity: a.discover(bench.clients, bench.platform),
        ):
            with suppress(TenancyError):
                look()


@each_tamper
def test_its_role_gains_no_right_by_anything_that_the_product_does(tenant: HostileTenant, tamper: Tamper):
    before = _rights(tenant.bench, tenant.name)
    tamper(tenant)
    _look_everywhere(tenant.bench)
    for activity in (STORAGE, SCHEMA):
        with suppress(TenancyError):
            tenant.bench.run(activity)
    assert _rights(tenant.bench, tenant.name) == before
    tenant.bench.undo_all()
    assert _rights(tenant.bench, tenant.name) == []


@each_tamper
def test_no_code_of_its_own_is_run_by_anybody_but_itself(tenant: HostileTenant, tamper: Tamper):
    tamper(tenant)
    _look_everywhere(tenant.bench)
    with superuser(tenant.bench.server) as connection:
        connection.execute(sql.SQL("alter database {} allow_connections true").format(sql.Identifier(tenant.name)))
    with superuser(tenant.bench.server, tenant.name) as connection:
        if connection.execute("select to_regclass('evil.calls') as calls").fetchone() != {"calls": None}:
            callers = connection.execute("select distinct who from evil.calls").fetchall()
            assert {row["who"] for row in callers} <= {tenant.name}


@each_tamper
def test_it_is_undone_wholly(tenant: HostileTenant, tamper: Tamper):
    tamper(tenant)
    tenant.bench.undo_all()
    with superuser(tenant.bench.server) as connection:
        left = connection.execute(_LEFT, {"name": tenant.name}).fetchall()
    assert left == []


_LEFT = """
    select datname::text as name from pg_database where datname = %(name)s
    union all select rolname from pg_roles where rolname = %(name)s
    union all select gid from pg_prepared_xacts where gid like '%%' || %(name)s || '%%'
"""


@each_tamper
def test_another_tenant_is_provisioned_and_found_meanwhile(tenant: HostileTenant, tamper: Tamper):
    tamper(tenant)
    bench = tenant.bench
    other = Workbench(bench.server, bench.line, bench.handles, bench.platform, bench.cluster_server)
    other.request("globex")
    other.prepare(SCHEMA)
    other.run(SCHEMA)
    assert all(observation.healthy for each in (STORAGE, SCHEMA) for observation in each.observe(other.context))
    for activity in (STORAGE, SCHEMA):
        theirs = {(found.kind, found.name, found.proof) for found in other.found(activity)}
        assert {(r.kind, r.name, other.context.proof) for r in other.own(activity)} <= theirs


@each_tamper
def test_what_is_found_of_it_carries_its_own_proof_and_no_others(tenant: HostileTenant, tamper: Tamper):
    tamper(tenant)
    for activity in (STORAGE, SCHEMA):
        proofs = {found.proof for found in tenant.bench.found(activity) if found.name == tenant.name}
        assert proofs <= {tenant.bench.context.proof}
    assert {found.kind for found in tenant.bench.found(STORAGE)} == {"role", "database"}


MENDED = [tamper for tamper in TAMPERS if tamper.__name__ != "puts_views_in_place_of_our_tables"]


@pytest.mark.parametrize("tamper", MENDED, ids=lambda tamper: tamper.__name__)
def test_running_the_activities_again_repairs_it(tenant: HostileTenant, tamper: Tamper):
    tamper(tenant)
    tenant.stack.close()  # its sessions are over
    for activity in (STORAGE, SCHEMA):
        tenant.bench.run(activity)
    observations = [o for each in (STORAGE, SCHEMA) for o in each.observe(tenant.bench.context)]
    assert all(observation.healthy for observation in observations)


def test_a_tenant_may_connect_to_its_own_database_and_to_no_other_of_the_server(tenant: HostileTenant):
    with superuser(tenant.bench.server) as connection:
        for row in connection.execute("select datname from pg_database where datconnlimit <> -2").fetchall():
            statement = sql.SQL("revoke all on database {} from public")
            connection.execute(statement.format(sql.Identifier(row["datname"])))
        rows = connection.execute(_MAY_CONNECT, (tenant.name,)).fetchall()
    assert [row["name"] for row in rows] == [tenant.name]


_MAY_CONNECT = """
    select datname::text as name from pg_database where has_database_privilege(%s, oid, 'connect')
"""


@pytest.mark.parametrize("activity", [STORAGE, SCHEMA], ids=lambda activity: activity.name)
def test_an_administrators_session_never_enters_a_tenants_database(tenant: HostileTenant, activity: Activity):
    """Nobody but the tenant's own role is ever seen to have logged in there."""
    bench = tenant.bench
    with superuser(bench.server) as connection:
        connection.execute("alter system set log_connections = 'all'")
        connection.execute("select pg_reload_conf()")
        start = bench.server.log.stat().st_size
        try:
            _look_everywhere(bench)
            bench.run(activity)
            activity.observe(bench.context)
            bench.undo_all()
        finally:
            connection.execute("alter system reset log_connections")
            connection.execute("select pg_reload_conf()")
    with bench.server.log.open() as log:
        log.seek(start)
        entered = [line for line in log if "connection authorized" in line and f"database={tenant.name}" in line]
    assert entered
    assert all(f"user={tenant.name} " in line for line in entered)


def test_a_database_is_made_from_a_template_in_which_nobody_can_be(bench: Workbench):
    """What somebody left in template1 is in no tenant's database, and a session there keeps nobody waiting."""
    with superuser(bench.server, "template1") as connection:
        connection.execute("create table public.left_behind (id int)")
        try:
            bench.prepare(SCHEMA)
            bench.run(SCHEMA)
        finally:
            connection.execute("drop table public.left_behind")
    name = next(r.name for r in bench.saga.resources if r.kind == "database")
    with superuser(bench.server, name) as connection:
        assert connection.execute("select to_regclass('public.left_behind') as left").fetchone() == {"left": None}
        row = connection.execute(_LOCALE).fetchone()
    assert row == {"encoding": "UTF8", "provider": "b", "locale": "C.UTF-8"}


_LOCALE = """
    select pg_encoding_to_char(encoding) as encoding, datlocprovider::text as provider, datlocale as locale
      from pg_database where datname = current_database()
"""


def test_this_server_lets_a_tenant_leave_prepared_transactions_behind(bench: Workbench):
    """PostgreSQL's default, 0, would hide what they do."""
    with superuser(bench.server) as connection:
        assert connection.execute("show max_prepared_transactions").fetchone() == {"max_prepared_transactions": "20"}


PASSWORDS = ["alter role {me} password 'mine alone'", "alter role {me} password null"]


@pytest.mark.parametrize("statement", PASSWORDS)
def test_a_tenant_that_changes_its_password_while_its_schema_is_applied_gets_the_recorded_one_again(
    tenant: HostileTenant, statement: str
):
    tenant.execute(statement)
    tenant.bench.run(SCHEMA)
    assert all(observation.healthy for observation in SCHEMA.observe(tenant.bench.context))
    assert tenant.dsn.password == tenant.bench.context.secret(PASSWORD)
    tenant.execute("select 1")


@pytest.mark.parametrize("statement", PASSWORDS)
def test_a_changed_password_is_a_finding_with_the_statement_that_repairs_it(tenant: HostileTenant, statement: str):
    """Observing changes nothing, and is not held: the attempt may end, and the next one sets the password again."""
    tenant.execute(statement)
    (observation,) = SCHEMA.observe(tenant.bench.context)
    assert (observation.present, observation.healthy) == (True, False)
    assert "the tenant has changed it" in observation.why
    _, _, repair = observation.why.partition("and run: ")
    with superuser(tenant.bench.server) as connection:
        connection.execute(repair.replace("<password>", tenant.bench.context.secret(PASSWORD)).encode())
    assert all(each.healthy for each in SCHEMA.observe(tenant.bench.context))


def test_a_changed_password_keeps_a_tenant_from_active_without_holding_it(bench: Workbench):
    bench.prepare(MARK_ACTIVE)
    with hostile(bench) as tenant:
        tenant.execute(PASSWORDS[0])
        with pytest.raises(TransientError, match="the tenant has changed it"):
            bench.run(MARK_ACTIVE)
        bench.run(STORAGE)
        bench.run(MARK_ACTIVE)
    bench.undo_all()


def test_the_password_of_a_tenant_is_its_derived_one_again_after_a_retry(tenant: HostileTenant):
    tenant.execute("alter role {me} password 'mine alone'")
    tenant.bench.run(STORAGE)
    dsn = tenant.dsn
    assert dsn.password == tenant.bench.context.secret(PASSWORD)
    tenant.execute("select 1")
