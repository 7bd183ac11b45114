"""The ledger: loads sagas from facts, and appends the facts that the domain decides.

Called by the engine and the console. It decides nothing itself: every fact of a tenant comes from `saga.decide`. Facts
and the rows that follow from them are written in one transaction, guarded by the key (stream, seq). When two writers
conflict, the loser loads the saga again and decides again; the caller does not notice.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.types.json import Jsonb

from tenancy.adapters.advisory_lock import Holder, acquire_lock, find_holder, release_lock
from tenancy.adapters.dsn import Dsn
from tenancy.adapters.session_pool import SessionPool
from tenancy.adapters.sessions import Session, session
from tenancy.ledger.envelope import Envelope, Stamp, envelope_of, seal
from tenancy.ledger.fact_log import log_facts
from tenancy.ledger.migrations import LEDGER_VERSION
from tenancy.ledger.projection import resource_rows, run_row, tenant_row
from tenancy.ledger.queries import query
from tenancy.saga.commands import Command
from tenancy.saga.decide import decide
from tenancy.saga.errors import LedgerOutdatedError, TransientError
from tenancy.saga.evolve import evolve
from tenancy.saga.facts import Fact
from tenancy.saga.names import PLATFORM_STREAM, RunId, TenantId, lock_key
from tenancy.saga.tenant import Saga

_WRITE_CONFLICTS = 8
"""Two writers rarely conflict more than once. Eight conflicts in a row mean that something else is wrong."""

_NOT_PREPARED = frozenset({"tenant_summaries", "tenants_matching_text"})
"""The best plan of these depends on the parameters; a prepared statement would get one plan for all of them."""

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The real clock, in UTC."""
    return datetime.now(UTC)


class Ledger:
    """The address of the ledger. Opens sessions; holds no connection itself."""

    def __init__(self, dsn: Dsn, *, clock: Clock = utc_now) -> None:
        self._dsn = dsn
        self._clock = clock

    @contextmanager
    def open(self, application: str) -> Iterator["LedgerSession"]:
        """One database session; `application` names its user in pg_stat_activity.

        Raises TransientError when the ledger does not respond, LedgerOutdatedError when its schema is not this code's.
        """
        with session(self._dsn, application=application) as connection:
            _require_version(connection)
            yield LedgerSession(connection, self._clock)

    @contextmanager
    def open_pooled(self, lending: SessionPool, application: str) -> Iterator["LedgerSession"]:
        """The same on a pooled session, for callers that read often."""
        with lending.session(self._dsn, application) as connection:
            _require_version(connection)
            yield LedgerSession(connection, self._clock)


def _require_version(connection: Session) -> None:
    try:
        row = connection.execute(query("version")).fetchone()
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
        row = None
    found = row["version_num"] if row else "empty"
    if found != LEDGER_VERSION:
        raise LedgerOutdatedError(
            f"The ledger's schema is {found}, this code needs {LEDGER_VERSION}. "
            "Bring it up to date (sandbox: make up), then run this again."
        )


@dataclass(frozen=True)
class RecordedEngine:
    """The identity of the engine that has the tenants' runs; empty if none is known. `by_fact`: an EngineRecorded
    states it. Ledgers of before have only their connections' systems."""

    system: str
    by_fact: bool


class LedgerSession:
    """One connection to the ledger. A tenant's lock lasts as long as it does: a writer that lost its lock cannot
    write."""

    def __init__(self, connection: Session, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock
        self._sagas: dict[TenantId, Saga] = {}
        self._hashes: dict[TenantId, str] = {}
        self._unlogged: list[tuple[Saga | None, list[Envelope]]] = []
        """What was appended in a transaction that is still open."""

    # -- reading

    def envelopes(self, stream: TenantId, *, after: int = 0) -> list[Envelope]:
        """The facts of a stream with a seq above `after`, oldest first."""
        rows = self._connection.execute(query("facts_after"), {"stream": stream, "seq": after})
        return [envelope_of(row) for row in rows]

    def saga(self, tenant_id: TenantId) -> Saga | None:
        """The tenant as of now; None when there is no such tenant."""
        saga = self._sagas.get(tenant_id)
        for envelope in self.envelopes(tenant_id, after=saga.seq if saga else 0):
            saga = evolve(saga, envelope.fact)
            self._hashes[tenant_id] = envelope.hash
        if saga is not None:
            self._sagas[tenant_id] = saga
        return saga

    def tenant_of_run(self, run_id: RunId) -> TenantId | None:
        """The tenant whose attempt this Airflow run is, or was."""
        return self._tenant_id("tenant_of_run", run_id=run_id)

    def tenant_of_slug(self, slug: str) -> TenantId | None:
        """The tenant that has the slug now."""
        return self._tenant_id("tenant_of_slug", slug=slug)

    def predecessor_of_slug(self, slug: str) -> TenantId | None:
        """The last decommissioned tenant that had the slug."""
        return self._tenant_id("predecessor_of_slug", slug=slug)

    def count_usage(self, *, region: str, plan: str) -> tuple[int, int]:
        """How many tenants count against the region's capacity and against the plan's quota."""
        row = self._connection.execute(query("usage"), {"region": region, "plan": plan}).fetchone()
        assert row is not None  # an aggregate always has its row
        return row["region"], row["plan"]

    def usage_by_region_and_plan(self) -> dict[tuple[str, str], int]:
        """The same by region and plan, for all of them."""
        return {(row["region"], row["plan"]): row["tenants"] for row in self.rows("usage_by_region_and_plan")}

    def recorded_engine(self) -> RecordedEngine:
        """The workflow engine that has the tenants' runs."""
        (row,) = self.rows("recorded_engine")
        return RecordedEngine(row["system"], row["by_fact"])

    def can_rewrite_facts(self) -> bool:
        """Can the role of this session change facts? Then its owner could forge the audit log."""
        (row,) = self.rows("can_rewrite_facts")
        return bool(row["allowed"])

    # -- writing

    def record(self, tenant_id: TenantId, *commands: Command, stamp: Stamp) -> Saga:
        """Decide the commands in order, append their facts in one transaction, and return the saga afterwards.

        Raises Refused (or StaleLease) when the domain refuses one of them; then none is recorded.
        """
        for _ in range(_WRITE_CONFLICTS):
            before = self.saga(tenant_id)
            facts, after = _decide_all(before, commands)
            try:
                self._append(tenant_id, before, facts, stamp, obeyed=stamp.key)
            except psycopg.errors.UniqueViolation:
                self._forget(tenant_id)
                continue
            self._log_committed()
            assert after is not None  # a command that passed has a tenant
            return after
        raise TransientError("Other writers kept changing this tenant; try again.")

    def append_notice(self, tenant_id: TenantId, fact: Fact, *, stamp: Stamp, obeyed: str = "") -> None:
        """Append a fact that only informs, such as a refusal; to PLATFORM_STREAM when it concerns no tenant.

        `obeyed`: the idempotency key of a request that this fact carries out; a refusal carries out none.
        """
        for _ in range(_WRITE_CONFLICTS):
            try:
                with self._connection.transaction():
                    # Refusals come in bursts, and all go to one stream. Without this lock, most would conflict.
                    self._connection.execute(query("lock_notices"), {"stream": tenant_id})
                    before = self.saga(tenant_id) if tenant_id != PLATFORM_STREAM else None
                    self._append(tenant_id, before, (fact,), stamp, obeyed=obeyed)
            except psycopg.errors.UniqueViolation:
                self._forget(tenant_id)
            else:
                self._log_committed()
                return
        raise TransientError("Other writers kept changing this stream; try again.")

    @contextmanager
    def admission(self) -> Iterator[None]:
        """A transaction in which no other request is admitted, so that counting and reserving see the same usage."""
        try:
            with self._connection.transaction():
                self._connection.execute(query("lock_admission"))
                yield
        except BaseException:
            self._forget_all()  # they may contain facts that were rolled back
            raise
        self._log_committed()

    @contextmanager
    def dry_run(self) -> Iterator[None]:
        """A transaction that is always rolled back: for dry runs."""
        try:
            with self._connection.transaction(force_rollback=True):
                yield
        finally:
            self._forget_all()

    # -- the tenant's lock

    @contextmanager
    def hold_lock(
        self, tenant_id: TenantId, *, patience_seconds: float, may_evict: Callable[[Holder], bool]
    ) -> Iterator[tuple[Holder, ...]]:
        """Hold the tenant's lock; yields the holders that had to be evicted. TransientError when it cannot be had."""
        key = lock_key(tenant_id)
        yield acquire_lock(self._connection, key, patience_seconds=patience_seconds, may_evict=may_evict)
        # After an error the lock goes with the session, which ends then.
        release_lock(self._connection, key)

    def lock_holder(self, tenant_id: TenantId) -> Holder | None:
        """Who holds the tenant's lock now."""
        return find_holder(self._connection, lock_key(tenant_id))

    def rows(self, name: str, /, **parameters: Any) -> list[dict[str, Any]]:
        """The rows of one statement of queries/."""
        prepare = False if name in _NOT_PREPARED else None
        cursor = self._connection.execute(query(name), parameters, prepare=prepare)
        return cursor.fetchall() if cursor.description else []

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """All reads within see one moment. Keep it short: PostgreSQL ends a session that is idle in it for 5 s."""
        with self._connection.transaction():
            self._connection.execute(query("snapshot"))
            yield

    @property
    def now(self) -> datetime:
        """The ledger's clock."""
        return self._clock()

    # -- private

    def _tenant_id(self, name: str, **parameters: str) -> TenantId | None:
        row = self._connection.execute(query(name), parameters).fetchone()
        return TenantId(row["tenant_id"]) if row else None

    def _append(
        self, stream: TenantId, before: Saga | None, facts: tuple[Fact, ...], stamp: Stamp, *, obeyed: str = ""
    ) -> None:
        if not facts:
            return
        with self._connection.transaction():
            envelopes = self._seal(stream, before, facts, stamp)
            # Not executemany: it pipelines, and the server's time-out for open transactions does not see a stopped
            # client within a pipeline (PostgreSQL 18.4, psycopg 3.3; tests/acceptance/test_stop.py).
            for envelope in envelopes:
                self._connection.execute(query("insert_fact"), _fact_row(envelope))
            saga = self._project(stream, before, envelopes)
            if obeyed:
                self.rows("mark_answer_performed", actor=stamp.actor, key=obeyed, tenant=str(stream))
        self._hashes[stream] = envelopes[-1].hash
        if saga is not None:
            self._sagas[stream] = saga
        self._unlogged.append((saga, envelopes))

    def _log_committed(self) -> None:
        if self._connection.info.transaction_status is TransactionStatus.IDLE:
            for saga, envelopes in self._unlogged:
                log_facts(saga, envelopes)
            self._unlogged.clear()

    def _seal(self, stream: TenantId, before: Saga | None, facts: tuple[Fact, ...], stamp: Stamp) -> list[Envelope]:
        seq, prev = (before.seq, self._hashes[stream]) if before else self._end_of(stream)
        saga, envelopes, at = before, [], self._clock()
        for fact in facts:
            saga = evolve(saga, fact) if stream != PLATFORM_STREAM else None
            attempt, seq = (saga.attempt if saga else 0), seq + 1
            envelopes.append(seal(stream, fact, seq=seq, at=at, attempt=attempt, stamp=stamp, prev=prev))
            prev = envelopes[-1].hash
        return envelopes

    def _end_of(self, stream: TenantId) -> tuple[int, str]:
        row = self._connection.execute(query("last_fact"), {"stream": stream}).fetchone()
        return (row["seq"], row["hash"]) if row else (0, "")

    def _project(self, stream: TenantId, before: Saga | None, envelopes: list[Envelope]) -> Saga | None:
        """Write the rows that follow from the new facts."""
        if stream == PLATFORM_STREAM:
            return None
        saga, at = before, envelopes[-1].at
        for envelope in envelopes:
            saga = evolve(saga, envelope.fact)
        assert saga is not None  # there is at least one fact
        cursor = self._connection.cursor()
        cursor.execute(query("upsert_tenant"), tenant_row(saga, at))
        for row in resource_rows(before, saga, at):
            cursor.execute(query("upsert_resource"), row)
        if before is None or before.attempt != saga.attempt:
            cursor.execute(query("upsert_run"), run_row(stream, saga.run_id, saga.attempt))
        return saga

    def _forget(self, stream: TenantId) -> None:
        self._sagas.pop(stream, None)
        self._hashes.pop(stream, None)

    def _forget_all(self) -> None:
        self._sagas.clear()
        self._hashes.clear()
        self._unlogged.clear()


def _decide_all(saga: Saga | None, commands: tuple[Command, ...]) -> tuple[tuple[Fact, ...], Saga | None]:
    facts: list[Fact] = []
    for command in commands:
        for fact in decide(saga, command):
            saga = evolve(saga, fact)
            facts.append(fact)
    return tuple(facts), saga


def _fact_row(envelope: Envelope) -> dict[str, Any]:
    return {
        "stream": envelope.stream,
        "seq": envelope.seq,
        "kind": envelope.fact.kind,
        "attempt": envelope.attempt,
        "lease": envelope.stamp.lease,
        "actor": envelope.stamp.actor,
        "reason": envelope.stamp.reason,
        "at": envelope.at,
        "data": Jsonb(envelope.data),
        "prev_hash": envelope.prev_hash,
        "hash": envelope.hash,
    }
