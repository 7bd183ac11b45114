"""`recover --class`, carried out: one tenant first, then a few at a time, until all are Active or the first one is not.

It can be stopped and started again: who is Active by then, or was retried already, is left as it is.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tenantctl.batching import Case, in_order
from tenantctl.exits import CtlError, Exit
from tenantctl.recovering import Stop
from tenantctl.recovery import Pause, Recovery
from tenantctl.session import Session
from tenantctl.waiting import POLL_SECONDS

RECOVERED, FAILED, LEFT, SKIPPED, NOT_BEGUN = "recovered", "failed", "left under way", "skipped", "not begun"


@dataclass
class Patient:
    """One tenant while it is recovered."""

    case: Case
    recovery: Recovery | None = None
    """None until its turn has come."""
    due_at: float = 0.0
    outcome: str = NOT_BEGUN
    said: str = ""
    code: Exit = Exit.DONE

    @property
    def told(self) -> dict[str, Any]:
        """What the report has of it."""
        tenant = self.case.tenant
        about = {"id": tenant.id, "slug": tenant.slug}
        did = list(self.recovery.done) if self.recovery else []
        return {**about, "outcome": self.outcome, "did": did, "said": self.said}

    def end(self, outcome: str, said: str, code: Exit = Exit.DONE) -> None:
        """Nothing more is done about it."""
        self.outcome, self.said, self.code = outcome, said, code


@dataclass
class Batch:
    """A class's recovery. `at_once`: how many are under way at the same time, after the first one."""

    session: Session
    class_id: int
    cases: list[Case]
    reason: str
    at_once: int
    timeout: float
    patients: list[Patient] = field(default_factory=list)

    def run(self) -> Exit:
        """DONE when all are Active; else how the first one ended that is not."""
        self.patients = [Patient(case) for case in in_order(self.cases)]
        if self._through(self.patients[:1], at_once=1):
            self._through(self.patients[1:], at_once=self.at_once)
        skipped = any(case.course is None and case.tenant.phase != "Active" for case in self.cases)
        worst = max((patient.code for patient in self.patients), default=Exit.DONE)
        return worst or (Exit.FAILED if skipped else Exit.DONE)

    @property
    def told(self) -> list[dict[str, Any]]:
        """The report: every tenant, and what became of it."""
        skipped = [case for case in self.cases if case.course is None]
        of_them = [
            {"id": each.tenant.id, "slug": each.tenant.slug, "outcome": SKIPPED, "did": [], "said": each.why}
            for each in skipped
        ]
        return [*(patient.told for patient in self.patients), *of_them]

    def _through(self, patients: Iterable[Patient], *, at_once: int) -> bool:
        """Are all of them Active? After a failure nobody else is begun, and nothing more is done to the others."""
        waiting, moving = deque(patients), list[Patient]()
        while waiting or moving:
            while waiting and len(moving) < at_once:
                moving.append(self._begun(waiting.popleft()))
            for patient in moving:
                self._look(patient)
            if any(patient.outcome == FAILED for patient in moving):
                self._leave(moving)
                return False
            moving = [patient for patient in moving if patient.outcome == LEFT]
            self._sleep(moving)
        return True

    def _begun(self, patient: Patient) -> Patient:
        """Its time begins now. Whatever ends us leaves it under way."""
        case, key = patient.case, f"class-{self.class_id}"
        patient.recovery = Recovery(
            self.session, case.tenant, reason=self.reason, timeout=self.timeout, key=key, course=case.course
        )
        patient.outcome = LEFT
        return patient

    def _look(self, patient: Patient) -> None:
        if patient.recovery is None or patient.due_at > self.session.world.clock():
            return
        try:
            self._step(patient, patient.recovery)
        except CtlError as error:
            patient.end(FAILED, error.sentence, error.code)
        if patient.outcome != LEFT:
            self._tell(patient)

    def _step(self, patient: Patient, recovery: Recovery) -> None:
        match recovery.step():
            case Pause() as pause:
                patient.due_at = self.session.world.clock() + pause.seconds
                recovery.require_time(pause)
            case Stop() as stop:
                patient.end(RECOVERED if stop.code is Exit.DONE else FAILED, stop.said, stop.code)

    def _tell(self, patient: Patient) -> None:
        if patient.outcome == RECOVERED:
            self.session.say(patient.said, "green")
        else:
            self.session.warn(f"tenantctl: {patient.said}")

    def _leave(self, moving: Iterable[Patient]) -> None:
        for patient in moving:
            if patient.outcome == LEFT:
                patient.said = "It was under way when another one failed; what was begun goes on without us."

    def _sleep(self, moving: list[Patient]) -> None:
        if moving:
            soonest = min(patient.due_at for patient in moving) - self.session.world.clock()
            if soonest > 0:
                self.session.world.sleep(min(soonest, POLL_SECONDS))
