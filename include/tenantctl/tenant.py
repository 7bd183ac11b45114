"""A tenant from the API, with the fields that decisions need. Pure. Missing fields get defaults."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tenantctl.phases import Phase

IN_MOTION = frozenset({Phase.PROVISIONING, Phase.CANCELLING, Phase.FAILED_UNWINDING, Phase.DECOMMISSIONING})
"""Phases in which the saga continues by itself."""


@dataclass(frozen=True)
class Failure:
    """Where and how an attempt failed."""

    attempt: int
    activity: str
    message: str


@dataclass(frozen=True)
class UnwindingProgress:
    """The progress of an unwinding. `in_flight` is "" when no task of the tenant runs any more."""

    in_flight: str = ""
    undone: int = 0
    to_undo: int = 0
    left: tuple[str, ...] = ()

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> "UnwindingProgress":
        """From the API's `progress`."""
        left = tuple(f"{each.get('kind', '')} {each.get('name', '')}".strip() for each in data.get("left") or ())
        return cls(str(data.get("in_flight") or ""), int(data.get("undone") or 0), int(data.get("to_undo") or 0), left)


@dataclass(frozen=True)
class Tenant:
    """`phase` is state and substate, such as `Failed settled`."""

    id: str
    slug: str
    phase: str
    attempt: int = 0
    activity_label: str = ""
    seconds: float = 0.0
    needs_attention: bool = False
    held: str = ""
    why: str = ""
    """The cause of its stall or wait."""
    next_action: str = ""
    failures: tuple[Failure, ...] = ()
    progress: UnwindingProgress = UnwindingProgress()

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> "Tenant":
        """From the API's Tenant or TenantRow."""
        return cls(
            id=str(data.get("id") or ""),
            slug=str(data.get("slug") or ""),
            phase=phase(data),
            attempt=int(data.get("attempt") or 0),
            activity_label=str(data.get("activity_label") or data.get("activity") or ""),
            seconds=float(data.get("seconds_in_state") or 0.0),
            needs_attention=bool(data.get("needs_attention")),
            held=str(data.get("held") or ""),
            why=str(data.get("why") or ""),
            next_action=str(data.get("next_action") or ""),
            failures=tuple(
                Failure(int(each.get("attempt") or 0), str(each.get("activity") or ""), str(each.get("message") or ""))
                for each in data.get("failures") or ()
            ),
            progress=UnwindingProgress.of(data.get("progress") or {}),
        )

    @property
    def has_failed(self) -> bool:
        """Whether it is Failed, in any substate."""
        return self.phase.startswith("Failed")

    @property
    def is_in_motion(self) -> bool:
        """Whether it continues by itself. Also after a reset, while a new run waits to begin."""
        return self.phase in IN_MOTION or (self.phase == Phase.FAILED_READY and bool(self.held))


def phase(data: Mapping[str, Any]) -> str:
    """State and substate as one text, such as `Failed settled`."""
    return f"{data.get('state') or 'unknown'} {data.get('substate') or ''}".strip()
