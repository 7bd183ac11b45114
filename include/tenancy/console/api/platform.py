"""Routes about the platform: what may be asked for, whether what finishes things is at work, and what it found."""

import time
from datetime import datetime, timedelta
from typing import Final

from fastapi import APIRouter

from tenancy.console.api import portrait, shapes
from tenancy.console.api.access import SECURITY, GuardedRoute, PartsOf, needs
from tenancy.console.api.desk import opened
from tenancy.console.api.problems import documented
from tenancy.console.callers import Right
from tenancy.engine.reality import BEAT as REALITY_CHECK
from tenancy.engine.reconcile import BEAT as RECONCILIATION
from tenancy.ledger.findings import open_findings
from tenancy.ledger.migrations import LEDGER_VERSION
from tenancy.ledger.rounds import Beat, beats

router = APIRouter(route_class=GuardedRoute, dependencies=list(SECURITY), tags=["platform"])
_RESPONSES = documented(401, 403, 503)

LATE_AFTER: Final = {RECONCILIATION: timedelta(minutes=3), REALITY_CHECK: timedelta(minutes=95)}
"""Three beats missed. One that is not named here is late after an hour."""
FINDINGS_LIMIT: Final = 500
_NEVER: Final = "It has never run: is its DAG there, and not paused?"


@router.get("/platform", responses=_RESPONSES)
@needs(Right.READ)
def show_platform(parts: PartsOf) -> shapes.PlatformShape:
    """The regions and plans of this platform."""
    platform = parts.tenancy().platform
    return shapes.PlatformShape(name=platform.name, regions=list(platform.regions), plans=list(platform.plans))


@router.get("/health", responses=_RESPONSES)
@needs(Right.READ)
def show_health(parts: PartsOf) -> shapes.Health:
    """The ledger's answer time, what is wrong with the engine, each reconciler's pulse; 503 without a ledger."""
    parts.tenancy()  # joined now and then; that is not the ledger's time
    began = time.monotonic()
    with opened(parts) as desk:
        seen = {beat.name: beat for beat in beats(desk.ledger)}
    took = (time.monotonic() - began) * 1000
    names = list(dict.fromkeys([*LATE_AFTER, *seen]))
    return shapes.Health(
        ledger=shapes.LedgerHealth(version=LEDGER_VERSION, milliseconds=round(took, 1)),
        engine=parts.engine().said,
        reconcilers=[_pulse(name, seen.get(name), parts.clock()) for name in names],
    )


@router.get("/findings", responses=_RESPONSES)
@needs(Right.READ)
def list_findings(parts: PartsOf) -> shapes.Findings:
    """Where the ledger and the world differ, oldest first, and when somebody last looked."""
    with opened(parts) as desk:
        found = open_findings(desk.ledger, limit=FINDINGS_LIMIT + 1)
        beat = next((beat for beat in beats(desk.ledger) if beat.name == REALITY_CHECK), None)
    return shapes.Findings(
        findings=[portrait.finding(each) for each in found[:FINDINGS_LIMIT]],
        cut=len(found) > FINDINGS_LIMIT,
        check=_pulse(REALITY_CHECK, beat, parts.clock()),
    )


def _pulse(name: str, beat: Beat | None, now: datetime) -> shapes.Reconciler:
    if beat is None:
        return shapes.Reconciler(name=name, last_beat=None, late=True, summary=_NEVER)
    late = now - beat.at > LATE_AFTER.get(name, timedelta(hours=1))
    return shapes.Reconciler(name=name, last_beat=beat.at, late=late, summary=beat.summary)
