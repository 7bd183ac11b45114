"""Health verdicts on the workflow engine and on our periodic DAGs. Pure; verdicts.py has the other systems."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

from tenancy.adapters.engine_health import ComponentHeartbeat, EngineWork, PoolStatus
from tenancy.adapters.server_health import WriteLocks
from tenancy.airflow_settings import PERIODIC_TASK_POOL
from tenancy.engine.engine_status import silence_sentence
from tenancy.engine.health.check_results import DEFAULT_POOL, POOL, CheckResult, Condition, System
from tenancy.engine.health.verdicts import LONG_WAIT_SECONDS, Verdict, ago, format_seconds
from tenancy.engine.reconciliation.drift_check import BEAT as REALITY_CHECK
from tenancy.engine.reconciliation.reconcile import BEAT as RECONCILIATION
from tenancy.ledger.heartbeats import Heartbeat
from tenancy.saga.platform import Platform

API: Final = "API"
DATABASE: Final = "database"
DAGS: Final = "DAGs"
QUEUE: Final = "queue"
_LOST: Final = {
    DEFAULT_POOL: "nothing of any tenant runs",
    PERIODIC_TASK_POOL: "the reconciler, the drift check and notifications stop",
}
"""What stops when a shared pool is missing."""
WRITTEN: Final = ("connection", "dag_run", "task_instance")
"""The tables of Airflow's database that provisioning a tenant writes to."""
LONG_QUEUE: Final = timedelta(minutes=1)
LATE_AFTER: Final = {RECONCILIATION: timedelta(minutes=3), REALITY_CHECK: timedelta(minutes=95)}
"""Three missed heartbeats. A periodic job that is not named here is late after an hour."""
_OK, _DEGRADED, _DOWN, _UNKNOWN = Condition.OK, Condition.DEGRADED, Condition.DOWN, Condition.UNKNOWN


def heartbeats(beats: Iterable[ComponentHeartbeat], now: datetime) -> tuple[CheckResult, ...]:
    """The engine's parts, by its own health report."""
    return tuple(_api(beat) if beat.part == "metadatabase" else _part(beat, now) for beat in beats)


def _api(metadatabase: ComponentHeartbeat) -> CheckResult:
    if metadatabase.status == "unhealthy":
        return engine_result(API, (_DOWN, "It responds, but its own database does not: no task runs."))
    return engine_result(API, (_OK, "It responds."))


def _part(beat: ComponentHeartbeat, now: datetime) -> CheckResult:
    name = part_name(beat.part)
    if beat.status == "healthy":
        last = f"; its last heartbeat was {ago(beat.last, now)} ago" if beat.last else ""
        return engine_result(name, (_OK, f"It is running{last}."))
    if beat.status == "unhealthy":
        return engine_result(name, (_DOWN, silence_sentence((name,))), since=beat.last)
    return engine_result(name, (_UNKNOWN, "It has never sent a heartbeat."))


def part_name(part: str) -> str:
    """The part's name with spaces."""
    return part.replace("_", " ")


def work(observation: EngineWork, platform: Platform, dags: Iterable[str], now: datetime) -> tuple[CheckResult, ...]:
    """DAGs, the queue, and the pools."""
    return (_dags(observation.dags, tuple(dags)), _queue(observation, now), *_pools(observation.pools, platform))


def _dags(known: Mapping[str, bool], required: tuple[str, ...]) -> CheckResult:
    missing = [dag for dag in required if dag not in known]
    paused = [dag for dag in required if known.get(dag)]
    measured = {"paused": len(paused), "missing": len(missing)}
    if missing:
        verdict = (
            _DOWN,
            f"The workflow engine does not know {' and '.join(missing)}: check that the file imports.",
        )
    elif paused:
        verdict = _DEGRADED, f"Paused, until somebody unpauses it in Airflow: {' and '.join(paused)}."
    else:
        verdict = _OK, f"All {len(required)} are there, none is paused."
    return engine_result(DAGS, verdict, measured=measured)


def _queue(observation: EngineWork, now: datetime) -> CheckResult:
    measured = {"queued": observation.queued}
    if not observation.queued or observation.queued_since is None:
        return engine_result(QUEUE, (_OK, "No tenant's run waits in it."), measured=measured)
    runs = "1 run waits" if observation.queued == 1 else f"{observation.queued} runs wait"
    sentence = f"{runs} in it, the first for {ago(observation.queued_since, now)}."
    if now - observation.queued_since <= LONG_QUEUE:
        return engine_result(QUEUE, (_OK, sentence), measured=measured)
    return engine_result(QUEUE, (_DEGRADED, sentence), measured=measured, since=observation.queued_since)


def _pools(known: Mapping[str, PoolStatus], platform: Platform) -> tuple[CheckResult, ...]:
    return tuple(_pool(name, known.get(name)) for name in pools(platform))


def pools(platform: Platform) -> tuple[str, ...]:
    """The saga's own, the reconciler's, and those of the plans."""
    plans = (plan.of(product) for plan in platform.plans.values() for product in ("", *plan.products))
    return tuple(dict.fromkeys((DEFAULT_POOL, PERIODIC_TASK_POOL, *(plan.workflow_pool for plan in plans))))


def _pool(name: str, observation: PoolStatus | None) -> CheckResult:
    part = POOL + name
    if observation is None:
        lost = _LOST.get(name, "no tenant of its plan gets a handle")
        return engine_result(part, (_DOWN, f"The workflow engine has no such pool: {lost}. Make it (Admin, Pools)."))
    measured = {"slots": observation.slots, "occupied": observation.occupied, "queued": observation.queued}
    if observation.slots >= 0 and observation.open <= 0 and observation.queued:
        sentence = f"All {observation.slots} slots are taken, and {observation.queued} tasks wait."
        return engine_result(part, (_DEGRADED, sentence), measured=measured)
    slots = observation.slots if observation.slots >= 0 else "any number of"
    return engine_result(part, (_OK, f"{observation.occupied} of {slots} slots are taken."), measured=measured)


def database(observation: WriteLocks) -> CheckResult:
    """Can the engine write in its own database?"""
    longest = observation.longest_wait_seconds or 0.0
    measured = {"longest_wait_seconds": round(longest, 1)}
    verdict: Verdict = _OK, "Nothing keeps it from writing."
    if observation.locked:
        what = " and ".join(f'"{table}"' for table in observation.locked)
        verdict = _DEGRADED, f"Somebody holds a lock on its table {what}: every session that writes there waits."
    elif longest > LONG_WAIT_SECONDS:
        verdict = _DEGRADED, f"A session has waited for a lock for {format_seconds(longest)}."
    return engine_result(DATABASE, verdict, measured=measured)


def reconcilers(beats: Iterable[Heartbeat], now: datetime) -> tuple[CheckResult, ...]:
    """The periodic jobs: the reconciler and the drift check."""
    known = {beat.name: beat for beat in beats}
    return tuple(_reconciler(name, known.get(name), now) for name in LATE_AFTER)


def _reconciler(name: str, beat: Heartbeat | None, now: datetime) -> CheckResult:
    if beat is None:
        return engine_result(name, (_UNKNOWN, "It has never run: check that its DAG exists and is not paused."))
    measured = {"took_seconds": round(beat.took_seconds, 2)}
    if now - beat.at <= LATE_AFTER[name]:
        return engine_result(name, (_OK, f"It ran {ago(beat.at, now)} ago."), measured=measured)
    state = _DOWN if name == RECONCILIATION else _DEGRADED
    return engine_result(
        name, (state, f"It is late: it last ran {ago(beat.at, now)} ago."), measured=measured, since=beat.at
    )


def engine_result(
    part: str,
    verdict: Verdict,
    *,
    measured: Mapping[str, int | float | str] | None = None,
    since: datetime | None = None,
) -> CheckResult:
    """A check of one part of the engine."""
    return CheckResult(System.ENGINE, verdict[0], verdict[1], part=part, measured=measured or {}, since=since)
