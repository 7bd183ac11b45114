"""The workflow engine's identity: the runs of a ledger are in one Airflow, and only that one is believed or changed.

Why: another Airflow has none of these runs. To believe it would undo every tenant in flight and start runs there. So
the ledger records the first engine that answers, and everything that reads or changes tenants' runs opens them here.
"""

from dataclasses import dataclass, field

from tenancy.activities.expected_handles import LABEL
from tenancy.engine.recorded_engine import expected_engine
from tenancy.engine.tenancy import Tenancy
from tenancy.engine.workflow import Runs
from tenancy.ledger.envelope import Stamp
from tenancy.ledger.ledger import LedgerSession
from tenancy.saga.errors import TenancyError
from tenancy.saga.facts import EngineRecorded
from tenancy.saga.names import PLATFORM_STREAM
from tenancy.saga.platform import Platform

_STAMP = Stamp("engine")


def open_runs(tenancy: Tenancy, ledger: LedgerSession) -> Runs:
    """The engine's runs, after it has stated that it is the recorded one. OtherSystemError if it is another."""
    runs = tenancy.runs()
    if tenancy.asks_engine:
        _require_recorded(runs, ledger, tenancy.platform)
    return runs


def _require_recorded(runs: Runs, ledger: LedgerSession, platform: Platform) -> None:
    recorded = ledger.recorded_engine()
    expected = expected_engine(recorded.system, platform)
    found = runs.identity(make=not expected.accepted)
    expected.require(found, LABEL)
    if found and (not recorded.by_fact or found != recorded.system):
        ledger.append_notice(PLATFORM_STREAM, EngineRecorded(found), stamp=_STAMP)


@dataclass
class EngineOfPass:
    """Opens the runs when they are first needed in a pass, and asks for the identity once, whatever the answer is."""

    tenancy: Tenancy
    ledger: LedgerSession
    fault: TenancyError | None = field(default=None, init=False)
    """Why the runs could not be opened."""
    _runs: Runs | None = field(default=None, init=False)

    def __call__(self) -> Runs:
        if self.fault is not None:
            raise self.fault
        if self._runs is None:
            try:
                self._runs = open_runs(self.tenancy, self.ledger)
            except TenancyError as error:
                self.fault = error
                raise
        return self._runs
