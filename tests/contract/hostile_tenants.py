"""Attacks that the owner of a database and its role can make on the platform, as a list of functions.

The tenant's own role makes each with its own password, in its own database, as far as PostgreSQL allows it. The
superuser only prepares what an operator might have allowed.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass

import psycopg
from psycopg import sql

from tenancy.activities.allocate_storage import PASSWORD
from tenancy.adapters.dsn import Dsn
from tenancy.saga.names import lock_key
from tests.contract.workbench import Workbench
from tests.real_systems import superuser


@dataclass(frozen=True)
class HostileTenant:
    """A provisioned tenant whose role and database are in the wrong hands."""

    bench: Workbench
    stack: ExitStack
    """Sessions that are left open close at its end."""

    @property
    def name(self) -> str:
        """Of its role and its database."""
        return next(r.name for r in self.bench.saga.resources if r.kind == "database")

    @property
    def dsn(self) -> Dsn:
        password = self.bench.context.secret(PASSWORD)
        return self.bench.line.dsn.to_database(self.name, user=self.name, password=password)

    def enter(self, database: str = "") -> "psycopg.Connection[tuple[object, ...]]":
        """A session of its own that stays open."""
        dsn = self.dsn.to_database(database or self.name)
        url = self.bench.server.dsn(dsn.dbname, dsn.user, dsn.password)
        session = psycopg.connect(url, autocommit=True)
        self.stack.callback(session.close)
        return session

    def execute(self, *statements: str) -> None:
        """In one session that is closed afterwards; `{me}` is its name."""
        dsn = self.dsn
        with psycopg.connect(self.bench.server.dsn(dsn.dbname, dsn.user, dsn.password), autocommit=True) as session:
            for statement in statements:
                session.execute(sql.SQL(statement).format(me=sql.Identifier(self.name)))

    def try_to(self, statement: str) -> None:
        """Whether PostgreSQL lets it or not."""
        with suppress(psycopg.Error):
            self.execute(statement)


Tamper = Callable[[HostileTenant], None]


def _trap(tenant: HostileTenant, returns: str, body: str) -> str:
    """PL/pgSQL that tries, as whoever calls it, to make its owner an administrator; and notes who called."""
    name = sql.Literal(tenant.name).as_string(None)
    take_over = f"""
        insert into evil.calls values (current_user);
        begin execute format('alter role %I createrole createdb', {name}); exception when others then null; end;
        begin execute format('grant pg_read_all_data to %I', {name}); exception when others then null; end;"""
    return f"returns {returns} language plpgsql as $trap$ begin {take_over} {body} end $trap$"


def hides_the_catalogues(tenant: HostileTenant) -> None:
    """Views of the names that an unqualified query would find, whose functions act as whoever reads them."""
    tenant.execute("create schema evil", "create table evil.calls (who text)", "grant usage on schema evil to public")
    tenant.execute("grant insert on evil.calls to public")
    for catalogue in ("pg_namespace", "pg_database", "pg_roles", "pg_class", "pg_stat_activity", "pg_locks"):
        tenant.execute(
            f"create function evil.trap_{catalogue}() {_trap(tenant, 'bool', 'return true;')}",
            f"create view evil.{catalogue} as select * from pg_catalog.{catalogue} where evil.trap_{catalogue}()",
        )
    tenant.execute(
        "alter database {me} set search_path = evil, pg_catalog", "alter role {me} set search_path = evil, pg_catalog"
    )


def replaces_functions_and_operators(tenant: HostileTenant) -> None:
    """Better matches for what our statements call: name = text, text = text, now(), count(*)."""
    hides_the_catalogues(tenant)
    for left in ("name", "text"):
        trap = _trap(tenant, "bool", "return $1::pg_catalog.text operator(pg_catalog.=) $2;")
        tenant.execute(
            f"create function evil.equals(pg_catalog.{left}, pg_catalog.text) {trap}",
            f"create operator evil.= (leftarg = pg_catalog.{left}, rightarg = pg_catalog.text, function = evil.equals)",
        )
    for function in ("pg_get_userbyid(oid)", "set_config(text, text, bool)", "pg_advisory_lock(bigint)"):
        tenant.execute(f"create function evil.{function} {_trap(tenant, 'text', 'return null;')}")


def makes_casts_that_act(tenant: HostileTenant) -> None:
    hides_the_catalogues(tenant)
    tenant.execute("create type evil.mood as enum ('well', 'ill')")
    tenant.execute(f"create function evil.cast(evil.mood) {_trap(tenant, 'text', 'return null;')}")
    tenant.execute("create cast (evil.mood as pg_catalog.text) with function evil.cast(evil.mood) as implicit")


def settings_of_its_role(tenant: HostileTenant) -> None:
    for setting in (
        "search_path = public", "timezone = 'Asia/Kolkata'", "datestyle = 'German'", "lc_messages = 'C'",
        "default_transaction_read_only = on", "statement_timeout = '1ms'", "lock_timeout = '1ms'",
        "client_encoding = 'LATIN1'", "row_security = off", "bytea_output = 'escape'", "role = 'none'",
    ):  # fmt: skip
        tenant.try_to(f"alter role {{me}} set {setting}")
        tenant.try_to(f"alter database {{me}} set {setting}")


def makes_it_a_template(tenant: HostileTenant) -> None:
    tenant.execute("alter database {me} is_template true")


def closes_it(tenant: HostileTenant) -> None:
    """Which takes a session in another database, as on a server that leaves `postgres` open to everybody."""
    with superuser(tenant.bench.server) as connection:
        connection.execute("grant connect on database postgres to public")
        statement = sql.SQL("alter database {} allow_connections false").format(sql.Identifier(tenant.name))
        tenant.enter("postgres").execute(statement)
        connection.execute("revoke connect on database postgres from public")


def limits_it_to_nobody(tenant: HostileTenant) -> None:
    tenant.execute("alter database {me} connection limit 0")


def lifts_its_limit(tenant: HostileTenant) -> None:
    tenant.execute("alter database {me} connection limit -1")


def takes_the_mark_away(tenant: HostileTenant) -> None:
    tenant.execute("comment on database {me} is null")


def marks_it_as_anothers(tenant: HostileTenant) -> None:
    other = f"tenancy:{tenant.bench.platform.name}:018f0000-0000-7000-8000-00000000acae"
    tenant.execute(f"comment on database {{me}} is '{other}'")


def marks_it_as_another_platforms(tenant: HostileTenant) -> None:
    tenant.execute("comment on database {me} is 'tenancy:other:018f0000-0000-7000-8000-00000000acae'")
    tenant.try_to("comment on role {me} is 'tenancy:other:018f0000-0000-7000-8000-00000000acae'")


def renames_or_gives_it_away(tenant: HostileTenant) -> None:
    for statement in (
        "alter database {me} rename to mine", "alter role {me} rename to mine", "alter database {me} owner to postgres",
        "reassign owned by {me} to postgres", "alter role {me} createrole", "alter role {me} connection limit -1",
        "alter database {me} set tablespace pg_default", "drop database {me}", "drop role {me}",
    ):  # fmt: skip
        tenant.try_to(statement)


def changes_its_password(tenant: HostileTenant) -> None:
    tenant.execute("alter role {me} password 'mine alone'")


def lets_everybody_in(tenant: HostileTenant) -> None:
    tenant.execute("grant all on database {me} to public")


def lets_others_have_its_role(tenant: HostileTenant) -> None:
    tenant.try_to("grant {me} to storage_admin")
    tenant.try_to("grant {me} to public")
    tenant.try_to("create role accomplice role {me}")


def changes_default_privileges(tenant: HostileTenant) -> None:
    tenant.execute("alter default privileges grant all on tables to public", "alter default privileges grant all on "
                   "schemas to storage_admin", "grant create on schema public to public")  # fmt: skip


def makes_event_triggers(tenant: HostileTenant) -> None:
    hides_the_catalogues(tenant)
    tenant.execute("create function evil.on_event() returns event_trigger language plpgsql as $$ begin end $$")
    for event in ("login", "ddl_command_start", "sql_drop"):
        tenant.try_to(f"create event trigger evil_{event} on {event} execute function evil.on_event()")


def leaves_large_objects(tenant: HostileTenant) -> None:
    tenant.execute("select lo_create(0) from generate_series(1, 10)")


def leaves_prepared_transactions(tenant: HostileTenant) -> None:
    for number in range(3):
        with tenant.enter().cursor() as cursor:
            cursor.execute("begin")
            cursor.execute(f"create table public.pending_{number} (id int)".encode())
            cursor.execute(f"prepare transaction 'left ''behind'' {tenant.name} {number}'".encode())


def prepares_and_locks_itself_in(tenant: HostileTenant) -> None:
    """With another password, no connection left, and closed for everybody, its own role included."""
    leaves_prepared_transactions(tenant)
    changes_its_password_last(tenant)


def changes_its_password_last(tenant: HostileTenant) -> None:
    tenant.execute("alter database {me} connection limit 0", "alter role {me} password 'mine alone'")


def holds_sessions_in_its_database(tenant: HostileTenant) -> None:
    for _ in range(tenant.bench.context.plan.database_connections):
        tenant.enter().execute("begin")


def holds_sessions_everywhere(tenant: HostileTenant) -> None:
    for database in ("template1", "postgres", "template0", "storage_admin"):
        with suppress(psycopg.OperationalError):
            tenant.enter(database)


def holds_the_tenants_lock(tenant: HostileTenant) -> None:
    """Everybody may read the key of an advisory lock in pg_locks, and take it in their own database."""
    tenant.enter().execute(f"select pg_advisory_lock({lock_key(tenant.bench.context.tenant_id)})".encode())


def drops_its_schema(tenant: HostileTenant) -> None:
    tenant.execute("drop schema tenant cascade")


def puts_views_in_place_of_our_tables(tenant: HostileTenant) -> None:
    """They return what they like, as often as they like."""
    tenant.execute(
        "alter table tenant.alembic_version rename to was_version",
        "create view tenant.alembic_version as select repeat('9', 100000000)::text as version_num",
        "create view tenant.tenancy_migration as select n as number, repeat('9', 1000000) as version, 'x' as checksum "
        "from generate_series(1, 100000) as n",
    )


TAMPERS: tuple[Tamper, ...] = (
    hides_the_catalogues,
    replaces_functions_and_operators,
    makes_casts_that_act,
    settings_of_its_role,
    makes_it_a_template,
    closes_it,
    limits_it_to_nobody,
    lifts_its_limit,
    takes_the_mark_away,
    marks_it_as_anothers,
    marks_it_as_another_platforms,
    renames_or_gives_it_away,
    changes_its_password,
    lets_everybody_in,
    lets_others_have_its_role,
    changes_default_privileges,
    makes_event_triggers,
    leaves_large_objects,
    leaves_prepared_transactions,
    prepares_and_locks_itself_in,
    holds_sessions_in_its_database,
    holds_sessions_everywhere,
    holds_the_tenants_lock,
    drops_its_schema,
    puts_views_in_place_of_our_tables,
)


@contextmanager
def hostile(bench: Workbench) -> Iterator[HostileTenant]:
    with ExitStack() as stack:
        yield HostileTenant(bench, stack)
