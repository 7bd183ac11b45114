# mypy: ignore-errors
# ruff: noqa
"""Stands in for engine/actions.py until it is there."""

from dataclasses import dataclass
from typing import Any

from tenancy.saga import commands as c
from tenancy.saga.decide import decide
from tenancy.saga.errors import PermanentError, Refused


@dataclass(frozen=True)
class Progress:
    in_flight: str = ""
    undone: int = 0
    to_undo: int = 0
    left: tuple = ()


@dataclass(frozen=True)
class Preview:
    action: str
    allowed: bool = True
    refusal: str = ""
    retry_after: int | None = None
    undone: tuple = ()
    kept: tuple = ()
    confirm_slug: bool = False
    warnings: tuple = ()
    said: str = ""


@dataclass(frozen=True)
class Answer:
    saga: Any
    said: str = ""
    warnings: tuple = ()
    progress: Progress = Progress()


COMMANDS = {"cancel": c.Cancel, "reset": c.Reset, "decommission": c.Decommission, "escalate": c.Escalate}


def preview(tenancy, saga, action):
    if action not in COMMANDS:
        return Preview(action, allowed=False, refusal="not yet")
    try:
        decide(saga, COMMANDS[action]())
    except Refused as refusal:
        return Preview(action, allowed=False, refusal=str(refusal), retry_after=refusal.retry_after)
    return Preview(action, undone=tuple(reversed(saga.live_resources)))


def progress(ledger, saga):
    return Progress(left=saga.live_resources)


def _record(action):
    def perform(tenancy, tenant_id, *, by, **_):
        with tenancy.ledger.open("interim") as ledger:
            return Answer(ledger.record(tenant_id, COMMANDS[action](), stamp=by), f"{action} recorded")

    return perform


cancel, reset, decommission, escalate = (_record(a) for a in ("cancel", "reset", "decommission", "escalate"))


def retry(*_, **__):
    raise PermanentError("not yet")


create = recreate = retry
