"""Finds what keeps a database from being dropped: sessions, prepared transactions, subscriptions, active replication
slots.

Reads the shared catalogues, in the storage connection's own database. Changes nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from psycopg import sql

from tenancy.adapters.sessions import Session
from tenancy.saga.causes import Cause
from tenancy.saga.errors import TransientError

_NAMED: Final = 5
"""How many holders a sentence names."""


@dataclass(frozen=True)
class DatabaseHolder:
    """One thing that uses a database. `pid` is None if it is no process. `passing`: PostgreSQL itself ends it when the
    database is dropped (autovacuum)."""

    kind: str
    name: str
    owner: str
    pid: int | None
    passing: bool

    def __str__(self) -> str:
        named = f"the {self.kind} {self.name}" if self.name else f"a {self.kind}"
        of = f" of {self.owner}" if self.owner else ""
        return f"{named}{of}{f' (backend {self.pid})' if self.pid else ''}"


def find_holders(connection: Session, database: str) -> tuple[DatabaseHolder, ...]:
    """Everything that uses it now, except this session."""
    return tuple(DatabaseHolder(**row) for row in connection.execute(_HOLDERS, {"database": database}))


def database_held_error(database: str, holders: Iterable[DatabaseHolder], admin: str) -> TransientError:
    """The error that names them, each with the way to remove it. `admin`: the role that may not end them."""
    found = tuple(holders)
    named = ", ".join(str(holder) for holder in found[:_NAMED])
    more = f", and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    remedies = dict.fromkeys(_remedy(holder, database, admin) for holder in found[:_NAMED])
    return TransientError(
        f"The database {database} cannot be dropped: it is held by {named or 'a session that left meanwhile'}{more}. "
        f"Nothing in it was deleted. {' '.join(remedies)}".rstrip(),
        cause=Cause.STORAGE_DATABASE_HELD,
    )


def _remedy(holder: DatabaseHolder, database: str, admin: str) -> str:
    name, inside = sql.Literal(holder.name).as_string(None), f"In the database {database}"
    if holder.kind == "prepared transaction":
        return f"{inside}, as {holder.owner} or a superuser: rollback prepared {name};"
    if holder.kind == "subscription":
        quoted = sql.Identifier(holder.name).as_string(None)
        return (
            f"{inside}, as {holder.owner}: alter subscription {quoted} disable; "
            f"alter subscription {quoted} set (slot_name = none); drop subscription {quoted};"
        )
    if holder.kind == "replication slot":
        return f"End what reads the slot, then: select pg_drop_replication_slot({name});"
    if holder.passing:
        return "It ends by itself."
    end = f"As a superuser: select pg_terminate_backend({holder.pid});"
    if holder.kind.startswith("superuser"):
        return end
    return f"{end} or once for all such sessions: grant pg_signal_backend to {sql.Identifier(admin).as_string(None)};"


# Without pg_read_all_stats the kind of others' processes is hidden; that they are there, and whose, is not.
_HOLDERS: Final = """
    select case when r.rolsuper then 'superuser''s ' else '' end
               || case when a.backend_type = 'client backend' then 'session'
                       when a.backend_type is not null then a.backend_type
                       when a.usesysid is null then 'background process' else 'session' end as kind,
           pg_catalog.quote_ident(a.application_name) as name, coalesce(a.usename::pg_catalog.text, '') as owner,
           a.pid, a.usesysid is null as passing
      from pg_catalog.pg_stat_activity as a left join pg_catalog.pg_roles as r on r.oid = a.usesysid
     where a.datname = %(database)s and a.pid <> pg_catalog.pg_backend_pid()
    union all
    select 'prepared transaction', gid, owner::pg_catalog.text, null, false
      from pg_catalog.pg_prepared_xacts where database = %(database)s
    union all
    select 'subscription', s.subname::pg_catalog.text, pg_catalog.pg_get_userbyid(s.subowner)::pg_catalog.text,
           null, false
      from pg_catalog.pg_subscription as s join pg_catalog.pg_database as d on d.oid = s.subdbid
     where d.datname = %(database)s
    union all
    select 'replication slot', slot_name::pg_catalog.text, '', active_pid, false
      from pg_catalog.pg_replication_slots where database = %(database)s and active
     order by passing, pid nulls first
"""
