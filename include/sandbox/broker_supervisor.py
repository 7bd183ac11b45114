"""Keeps Redis running where Celery needs it, and stopped where it does not. Called by `lifecycle`."""

from dataclasses import dataclass
from typing import Final

from sandbox import broker, heartbeats, shutdown
from sandbox.broker import Broker
from sandbox.components import WORKERS
from sandbox.polling import RESPONSE_SECONDS, poll
from sandbox.processes import Register
from sandbox.progress import ProgressReporter

RECONNECT_SECONDS: Final = 60.0


@dataclass(frozen=True)
class BrokerSupervisor:
    """Starts and stops the Redis of one sandbox."""

    broker: Broker
    register: Register
    progress: ProgressReporter
    needed: bool

    def is_healthy(self) -> bool:
        """It runs and answers, or it is stopped and not needed."""
        if not self.needed:
            return self.register.get(broker.NAME) is None
        return self._alive(broker.NAME) and poll(RESPONSE_SECONDS, self.broker.healthy)

    def start_or_stop(self) -> None:
        """Airflow's processes reconnect by themselves: a new Redis has the old one's address and messages."""
        if self.is_healthy():
            return
        shutdown.stop_broker(self.register)
        if self.needed:
            with self.progress.step(f"Start Redis on port {self.broker.port}"):
                self.broker.start(self.register.put)
            self._await_workers()

    def _await_workers(self) -> None:
        """Living workers reconnect by themselves, after 2 s at first, after 30 s later (kombu 5.6)."""
        living = {name for name in WORKERS if self._alive(name)}
        if living:
            with self.progress.step("Wait for Celery's workers to find it"):
                poll(
                    RECONNECT_SECONDS, lambda: living <= heartbeats.worker_heartbeats(self.register, self.broker).keys()
                )

    def _alive(self, name: str) -> bool:
        daemon = self.register.get(name)
        return daemon is not None and daemon.alive
