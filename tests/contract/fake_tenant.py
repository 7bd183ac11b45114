"""A scripted tenant for tests of the API's clients: each request for it plays the next phase of its script."""

import uuid
from dataclasses import dataclass, field
from typing import Any

ACTIVITIES = {
    "validate_request": "Validate request",
    "allocate_storage": "Allocate storage",
    "deploy_workloads": "Deploy tenant workloads",
    "mark_active": "Mark active",
}
NEXT_ACTIONS = {
    "Provisioning": "Cancel first: it releases the resources cleanly.",
    "Cancelling": "Wait 2 minutes for the cancel to complete, cancel again if it has not, then reset.",
    "Failed unwinding": "Wait until the compensations are done, cancel again if they hang.",
    "Failed stuck": "Compensations ran out of retries: remove the cause, then cancel again.",
    "Failed settled": "Reset, then retry.",
    "Failed retained": "Reset, then retry: its resources are kept.",
    "Failed ready": "Retry, or decommission.",
    "Active": "It is done; decommission it if it is no longer wanted.",
    "Decommissioning": "Wait until everything is released, or decommission again if it hangs.",
    "Decommissioned": "Create the tenant anew if it is wanted again.",
}
RUNNING = {"Provisioning", "Cancelling", "Failed unwinding"}
TRANSITIONS = {
    "cancel": (RUNNING | {"Failed stuck", "Failed retained"}, "Cancelling"),
    "reset": ({"Failed settled", "Failed retained"}, "Failed ready"),
    "retry": ({"Failed ready"}, "Provisioning"),
    "decommission": (set(NEXT_ACTIONS) - RUNNING - {"Decommissioned"}, "Decommissioning"),
    "recreate": ({"Decommissioned"}, "Decommissioned"),
    "escalate": (set(NEXT_ACTIONS) - {"Decommissioned"}, ""),
}
Moment = str | tuple[str, str, str]
"""A phase, or (phase, activity, message) for the failure that it begins with."""
_USUAL: dict[str, list[Moment]] = {
    "cancel": ["Cancelling", "Failed settled"],
    "retry": ["Provisioning", "Active"],
    "decommission": ["Decommissioning", "Decommissioned"],
}


@dataclass
class FakeTenant:
    """`script` is played one moment at each request; `after` says what follows an accepted action."""

    slug: str
    phase: str = "Provisioning"
    name: str = "Acme"
    attempt: int = 1
    activity: str = "deploy_workloads"
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    script: list[Moment] = field(default_factory=list)
    after: dict[str, list[list[Moment]]] = field(default_factory=dict)
    failures: list[dict[str, Any]] = field(default_factory=list)
    facts: list[str] = field(default_factory=lambda: ["tenant.provisioning.requested"])
    left: list[str] = field(default_factory=lambda: ["database acme_1", "role acme_1"])
    held: str = ""
    past_no_return: bool = False
    why: str = ""
    seconds: float = 421.5
    warnings: list[str] = field(default_factory=list)
    needs_attention: bool = False
    stalled: bool = False
    stop: str = ""
    """Why a recovery of it stops."""
    recovered: list[str] = field(default_factory=list)
    """The actions that recoveries took."""
    errors: list[dict[str, Any]] = field(default_factory=list)
    findings: list[dict[str, Any]] = field(default_factory=list)
    notes: list[dict[str, Any]] = field(default_factory=list)
    """Newest first."""

    def play(self) -> None:
        """The next moment of the script, if there is one."""
        if self.script:
            self.turn(self.script.pop(0))

    def turn(self, moment: Moment) -> None:
        """Be in this phase."""
        if not isinstance(moment, str):
            moment, activity, message = moment
            self.failures.append({"attempt": self.attempt, "activity": activity, "message": message})
        self.phase = moment
        if moment in {"Failed settled", "Decommissioned"}:
            self.left = []

    def act(self, action: str) -> None:
        """As an accepted action changes it."""
        self.facts.append(
            {"cancel": "tenant.provisioning.cancel.requested"}.get(action, f"tenant.provisioning.{action}")
        )
        if action == "retry":
            self.facts[-1] = "tenant.provisioning.retried"
            self.attempt += 1
            self.needs_attention = self.stalled = False
        self.phase = TRANSITIONS[action][1] or self.phase
        follows = self.after.get(action, [])
        self.script = follows.pop(0) if follows else list(_USUAL.get(action, []))

    def note(self, text: str) -> None:
        """As somebody's note changes it."""
        self.facts.append("tenant.note.added")
        self.notes.insert(0, {"seq": self.seq, "at": "2026-11-22T03:04:05Z", "actor": "op", "text": text})

    @property
    def seq(self) -> int:
        """The number of its newest fact."""
        return len(self.facts)

    @property
    def slug_typed_for(self) -> set[str]:
        typed = {"decommission"} | ({"cancel"} if self.past_no_return else set())
        return typed | ({"retry"} if self.attempt >= 3 else set())
