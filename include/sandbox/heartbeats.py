"""Heartbeats that Airflow's health report does not contain: of each of two schedulers, and of Celery's workers.

The report has only the newest heartbeat of all schedulers, and none of workers. Schedulers are distinguished by the
host names in Airflow's database, workers by their connections to Redis, which they use every few seconds.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import psutil

from sandbox import health, servers
from sandbox.broker import Broker
from sandbox.components import SCHEDULERS, WORKERS
from sandbox.database_names import AIRFLOW
from sandbox.executors import Executor
from sandbox.layout import Layout
from sandbox.processes import Register
from sandbox.secrets import Secrets

DEAD_AFTER: Final = timedelta(seconds=30)
"""The same as for schedulers in Airflow's health report."""
_SCHEDULER_HEARTBEATS: Final = (
    "select hostname, max(latest_heartbeat) from job where job_type = 'SchedulerJob' and state = 'running' "
    "and latest_heartbeat > now() - interval '1 hour' group by hostname"
)


def report(
    layout: Layout, ports: Mapping[str, int], secrets: Secrets, executor: Executor, *, timeout_seconds: float = 3.0
) -> health.Report | None:
    """Airflow's health report. With Celery each scheduler and each worker is added by name."""
    answer = health.report(ports["api"], timeout_seconds=timeout_seconds)
    if answer is None or executor == "local":
        return answer
    beats = _scheduler_heartbeats(layout, ports, secrets) | worker_heartbeats(
        Register(layout.processes), Broker.of(layout, ports, secrets)
    )
    return answer | {name: _health_entry(name, beats.get(name)) for name in (*SCHEDULERS, *WORKERS)}


def _scheduler_heartbeats(layout: Layout, ports: Mapping[str, int], secrets: Secrets) -> dict[str, datetime]:
    # Imported here, because it takes 0.2 s and is not needed with one scheduler.
    import psycopg

    dsn = servers.server(servers.PLATFORM, layout, ports, secrets).dsn(AIRFLOW, AIRFLOW, secrets.airflow_database)
    try:
        with psycopg.connect(dsn, autocommit=True, connect_timeout=3) as connection:
            return {str(name): beat for name, beat in connection.execute(_SCHEDULER_HEARTBEATS)}
    except psycopg.Error:
        return {}


def worker_heartbeats(register: Register, broker: Broker) -> dict[str, datetime]:
    """When each connected worker last used its connection."""
    idle, now = broker.idle_seconds(), datetime.now(UTC)
    seconds = {name: [idle[port] for port in _client_ports(register, name) if port in idle] for name in WORKERS}
    return {name: now - timedelta(seconds=min(those)) for name, those in seconds.items() if those}


def _client_ports(register: Register, name: str) -> list[int]:
    """The local ports of this daemon's connections."""
    daemon = register.get(name)
    try:
        connections = psutil.Process(daemon.pid).net_connections("tcp") if daemon and daemon.alive else []
    except psutil.Error:
        return []
    return [each.laddr.port for each in connections if each.laddr]


def _health_entry(name: str, beat: datetime | None) -> dict[str, Any]:
    if beat is None:
        return {"status": None}
    lives = datetime.now(UTC) - beat < DEAD_AFTER
    return {"status": "healthy" if lives else "unhealthy", f"latest_{name}_heartbeat": beat.isoformat()}
