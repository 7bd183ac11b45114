"""What is wrong with the platform, in lines above every page: which system, and what that means for tenants. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tenancy.console.pages import words
from tenancy.engine.engine_report import NOTIFICATIONS_DAG, REALITY_CHECK_DAG, RECONCILIATION_DAG, EngineReport
from tenancy.engine.health.engine_verdicts import LATE_AFTER
from tenancy.engine.reconciliation.drift_check import BEAT as REALITY_CHECK
from tenancy.engine.reconciliation.reconcile import BEAT as RECONCILIATION
from tenancy.engine.workflow import COMPENSATION_DAG
from tenancy.ledger.heartbeats import Heartbeat

_PROVISIONING_PAUSED: Final = "new tenants and retries wait until it is unpaused in Airflow."
_PAUSED: Final = {
    COMPENSATION_DAG: "what is cancelled or decommissioned is not undone until it is unpaused in Airflow.",
    RECONCILIATION_DAG: "what callbacks miss is not found until it is unpaused in Airflow.",
    REALITY_CHECK_DAG: "where ledger and world differ is not found until it is unpaused in Airflow.",
    NOTIFICATIONS_DAG: "no alert is sent to Slack, mail or a webhook until it is unpaused in Airflow.",
}


@dataclass(frozen=True)
class PlatformLine:
    """One problem. `tone` is bad if nothing continues, warn if something waits."""

    tone: str
    what: str
    meaning: str


def platform_lines(report: EngineReport, beats: Iterable[Heartbeat], now: datetime) -> tuple[PlatformLine, ...]:
    """All that is wrong; none when all is well."""
    return (*_engine(report), *_paused(report), *_reconciler({beat.name: beat for beat in beats}, now))


def _engine(report: EngineReport) -> tuple[PlatformLine, ...]:
    if report.trouble:
        return (
            PlatformLine(
                "bad",
                "The workflow engine does not respond.",
                "This is not the tenants' fault: this page comes from the ledger and is correct, but tenants may not "
                "continue, and actions may have to wait. Escalate to platform engineering if it lasts.",
            ),
        )
    return tuple(_silent(part) for part in report.silent)


def _silent(part: str) -> PlatformLine:
    name = part.replace("_", " ")
    effect = _SILENT_EFFECTS.get(name, "")
    meaning = f"{effect} This is not the tenants' fault: escalate to platform engineering.".strip()
    return PlatformLine("bad", f"The workflow engine's {name} sends no heartbeat.", meaning)


_SILENT_EFFECTS: Final = {
    "scheduler": "Nothing new is started.",
    "triggerer": "Tasks start, but tenants that wait for their workloads do not continue.",
    "dag processor": "Tasks start, but changed DAGs are not read and some failures are found by the reconciler only.",
}


def _paused(report: EngineReport) -> tuple[PlatformLine, ...]:
    return tuple(
        PlatformLine("warn", f"The DAG {dag} is paused:", _PAUSED.get(dag, _PROVISIONING_PAUSED))
        for dag in report.paused
    )


def _reconciler(beats: dict[str, Heartbeat], now: datetime) -> tuple[PlatformLine, ...]:
    return tuple(line for name in LATE_AFTER if (line := _late(name, beats.get(name), now)))


def _late(name: str, beat: Heartbeat | None, now: datetime) -> PlatformLine | None:
    if beat is None:  # the first drift check may take half an hour
        return (
            PlatformLine("warn", "The reconciler has never run.", _RECONCILER_MEANINGS[name])
            if name == RECONCILIATION
            else None
        )
    seconds = (now - beat.at).total_seconds()
    if seconds <= LATE_AFTER[name].total_seconds():
        return None
    return PlatformLine(
        "warn", f"The {_RECONCILER_NAMES[name]} last ran {words.duration(seconds)} ago.", _RECONCILER_MEANINGS[name]
    )


_RECONCILER_NAMES: Final = {RECONCILIATION: "reconciler", REALITY_CHECK: "reality check"}
_RECONCILER_MEANINGS: Final = {
    RECONCILIATION: "What callbacks miss is not found meanwhile. Is its DAG paused, or the engine away?",
    REALITY_CHECK: "Where ledger and world differ is not found meanwhile. Is its DAG paused, or the engine away?",
}
