"""Tenants that stall or fail, for tests of incident groups. Nothing is created outside the ledger."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from tenancy.ledger.envelope import Stamp
from tenancy.ledger.ledger import LedgerSession
from tenancy.saga import commands as c
from tenancy.saga.causes import Cause, Evidence
from tenancy.saga.names import ActivityName, RunId, TenantId
from tenancy.saga.stalls import Stall, StallKind
from tests.unit.sagas import ACME, ORDER, STORAGE, TENANT, VALIDATE, give_up, lease, start

STAMP = Stamp("ada", reason="because")


def numbered(number: int) -> TenantId:
    return TenantId(UUID(int=TENANT.int + number))


def run_of(number: int) -> RunId:
    return RunId(f"run-of-{number}")


def begin(activity: ActivityName, run: RunId) -> c.Command:
    """It makes nothing, so that no two tenants meet."""
    return c.BeginActivity(lease(activity, 1, run))


def done(run: RunId, *activities: ActivityName) -> list[c.Command]:
    return [make for each in activities for make in (begin(each, run), c.CompleteActivity(lease(each, 1, run)))]


def record(ledger: LedgerSession, number: int, *commands: c.Command) -> None:
    ledger.record(numbered(number), *commands, stamp=STAMP)


def begun(ledger: LedgerSession, number: int, region: str = "eu") -> None:
    run, parameters = run_of(number), replace(ACME, slug=f"t-{number:02}", region=region)
    request = replace(start(run, parameters, numbered(number)), chart_version="1.0.0")
    record(ledger, number, request, *done(run, VALIDATE), begin(STORAGE, run))


def failed(ledger: LedgerSession, number: int, region: str = "eu") -> None:
    """For a cause that it shares with the others of its region; each is told of its own objects."""
    begun(ledger, number, region)
    message = f"The storage refuses role t_{number:02}_018f00ac{number:02}: backend {number} was ended."
    fails = c.FailActivity(lease(STORAGE, 1, run_of(number)), "TransientError", message, Cause.STORAGE_BLOCKED)
    record(ledger, number, fails, give_up(STORAGE, 1, run_of(number)))


def stalled(ledger: LedgerSession, number: int, message: str = "a session blocks it") -> None:
    begun(ledger, number)
    stall = Stall(StallKind.ACTIVITY, STORAGE, ledger.now, timedelta(minutes=5))
    record(ledger, number, c.RecordStall(stall, Evidence(Cause.STORAGE_BLOCKED, message)))


def settled(ledger: LedgerSession, number: int) -> None:
    saga = ledger.saga(numbered(number))
    assert saga is not None
    record(ledger, number, c.Settle(saga.generation))


def recovered(ledger: LedgerSession, number: int) -> None:
    settled(ledger, number)
    run = RunId(f"again-{number}")
    request = replace(start(run, replace(ACME, slug=f"t-{number:02}"), numbered(number)), chart_version="1.0.0")
    record(ledger, number, c.Reset(), request, *done(run, *ORDER))
