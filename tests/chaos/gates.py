"""Holds a tenant at a fact: a trigger delays the insert until the gate opens. The product has no hook for it.

Unlike those of tests/acceptance/gates.py, the session that waits can be found and cancelled, and a gate survives a
killed server.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import httpx
import psycopg
import urllib3
from kubernetes.client import ApiException

from tests.chaos.addresses import AttackAddresses, rows

_LOCK = 7236899
_INSTALL = f"""
create table if not exists public.chaos_gate (
    id integer generated always as identity primary key, slug text, kind text, what text);
grant select on public.chaos_gate to public;
create or replace function public.wait_at_chaos_gate() returns trigger language plpgsql as $$
declare
    gate integer;
begin
    if not exists (select from public.chaos_gate) then
        return new;
    end if;
    select g.id into gate from public.chaos_gate as g
     where g.slug = coalesce((select t.slug from ledger.tenant as t where t.id = new.stream),
                             new.data #>> '{{parameters,slug}}')
       and g.kind = new.kind and g.what in ('', coalesce(new.data ->> 'activity', new.data ->> 'resource', ''));
    if gate is not null then
        perform pg_advisory_xact_lock_shared({_LOCK}, gate);
        while exists (select from public.chaos_gate where id = gate) loop
            perform pg_sleep(0.02);
        end loop;
    end if;
    return new;
end $$;
create or replace trigger wait_at_chaos_gate before insert on ledger.fact
    for each row execute function public.wait_at_chaos_gate();
"""


def install(addresses: AttackAddresses) -> None:
    """Once per campaign. Also opens the gates that a killed campaign left closed."""
    rows(addresses.ledger, _INSTALL)
    rows(addresses.ledger, "delete from public.chaos_gate")


@dataclass(frozen=True)
class Gate:
    """One closed gate."""

    addresses: AttackAddresses
    id: int

    def holds(self) -> int | None:
        """The pid of the backend that waits at it."""
        held = "select pid from pg_locks where locktype = 'advisory' and granted and classid = %s and objid = %s"
        found = rows(self.addresses.ledger, held, _LOCK, self.id)
        return found[0]["pid"] if found else None

    def open(self) -> None:
        retry_until_done(lambda: rows(self.addresses.ledger, "delete from public.chaos_gate where id = %s", self.id))


@contextmanager
def closed_gate(addresses: AttackAddresses, slug: str, kind: str, what: str = "") -> Iterator[Gate]:
    """No session can record this fact of the slug's tenant. `what` is its activity or its kind of resource."""
    made = "insert into public.chaos_gate (slug, kind, what) values (%s, %s, %s) returning id"
    gate = Gate(addresses, rows(addresses.ledger, made, slug, kind, what)[0]["id"])
    try:
        yield gate
    finally:
        gate.open()


@contextmanager
def locked(dsn: str, *statements: str) -> Iterator[None]:
    """A session that runs these statements and does not commit. Its server may die meanwhile."""
    session = psycopg.connect(dsn)
    try:
        for statement in statements:
            session.execute(statement.encode())
        yield
    finally:
        with suppress(psycopg.Error):
            session.rollback()
        session.close()


def waiting(dsn: str, statement: str) -> int | None:
    """The pid of the backend in which a statement like this one waits."""
    asked = "select pid from pg_stat_activity where state = 'active' and query ilike %s and pid <> pg_backend_pid()"
    found = rows(dsn, asked, statement)
    return found[0]["pid"] if found else None


def blocked(dsn: str) -> int:
    """How many sessions of this server wait for another transaction."""
    statement = "select count(*) as number from pg_stat_activity where wait_event_type = 'Lock' and query ilike %s"
    return int(rows(dsn, statement, "%insert into ledger.fact%")[0]["number"])


def retry_until_done(action: Callable[[], object], *, seconds: float = 120.0) -> None:
    """Retry until a killed server is back."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            action()
        except (psycopg.Error, OSError, httpx.HTTPError, urllib3.exceptions.HTTPError, ApiException) as error:
            if time.monotonic() > deadline:
                raise TimeoutError(f"for {seconds:.0f} s: {error}") from error
            time.sleep(0.3)
        else:
            return
