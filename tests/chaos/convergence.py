"""After the attack: nobody acts until each tenant rests, within a time limit, and no tenant is in transition for long.

A tenant that needs an operator is handled as in the runbook: a retained tenant is reset and retried, or cancelled; one
that is stuck because its compensation was made to fail is cancelled again.
"""

import time
from dataclasses import dataclass, field
from typing import Any

import psycopg

from tests.chaos import verdict
from tests.chaos.addresses import rows
from tests.chaos.operator_attacks import confirmation
from tests.chaos.trial_context import TrialContext
from tests.chaos.trial_generator import RESTORE_FAULT

BOUND_SECONDS = 240.0
TRANSIENT_SECONDS = 120.0
_TRANSIENT_PHASES = {"Provisioning", "Cancelling", "Failed unwinding", "Decommissioning"}
_MAY_GET_STUCK = {"compensation fails", "compensation hangs", RESTORE_FAULT}


@dataclass
class ObservedFacts:
    """The hash of every fact read so far, by stream and number: none may change or disappear."""

    hashes: dict[tuple[str, int], str] = field(default_factory=dict)

    def add(self, facts: list[dict[str, Any]]) -> list[str]:
        """Record the facts of now, all of them. Returns a sentence for each earlier fact that is lost."""
        now = {(str(fact["stream"]), int(fact["seq"])): str(fact["hash"]) for fact in facts}
        lost = [place for place, digest in self.hashes.items() if now.get(place) != digest]
        self.hashes |= now
        return [f"fact {seq} of {stream} is lost" for stream, seq in lost]

    def forget_after(self, newest: dict[str, int]) -> None:
        """A restore has legitimately removed the facts of these streams that are newer than this."""
        self.hashes = {place: each for place, each in self.hashes.items() if place[1] <= newest.get(place[0], place[1])}


@dataclass
class Convergence:
    """Waits for the tenants of one trial to come to rest, from the moment that everything is repaired."""

    context: TrialContext
    observed: ObservedFacts
    mended_at: float = field(default_factory=time.time)
    assisted: set[tuple[str, str]] = field(default_factory=set)
    """Slug and phase."""
    violations: list[str] = field(default_factory=list)

    def wait(self) -> list[str]:
        """Returns sentences about tenants that did not come to rest and facts that were lost."""
        deadline = time.monotonic() + BOUND_SECONDS
        while not self.violations and not self._all_rest():
            if time.monotonic() > deadline:
                return [f"not at rest after {BOUND_SECONDS:.0f} s: {self._phases()}, live runs: {self._live_runs()}"]
            time.sleep(0.5)
        return self.violations

    def _all_rest(self) -> bool:
        try:
            self.violations += self.observed.add(verdict.facts(self.context.addresses, self.context.slugs))
            resting = [self._rests(row) for row in self._rows()]
            return all(resting) and not self._live_runs()
        except psycopg.OperationalError:  # the server is still coming back
            return False

    def _rests(self, row: dict[str, Any]) -> bool:
        phase = _phase(row)
        if phase in _TRANSIENT_PHASES:
            since = max(row["state_since"].timestamp(), self.mended_at)
            if time.time() - since > TRANSIENT_SECONDS:
                self.violations.append(f"{row['slug']} is {phase} for more than {TRANSIENT_SECONDS:.0f} s")
            return False
        if phase == "Failed stuck" and not _MAY_GET_STUCK & {each.fault for each in self.context.trial.attacks}:
            self.violations.append(f"{row['slug']} is stuck, and nobody made its compensation fail")
        if phase in {"Failed stuck", "Failed retained"}:
            self._assist(row["slug"], phase)
            return False
        return True

    def _assist(self, slug: str, phase: str) -> None:
        """As an operator would, once in each phase: after a restore, a cancelled tenant asks for a second Cancel."""
        if (slug, phase) not in self.assisted:
            self.assisted.add((slug, phase))
            retry = phase == "Failed retained" and self.context.rng.random() < 0.5
            for action in ("reset", "retry") if retry else ("cancel",):
                with self.context.addresses.api_as("operator") as client:
                    body = {"reason": "the runbook", **(confirmation(client, slug) if action == "cancel" else {})}
                    client.post(f"/tenancy/api/v1/tenants/{slug}/{action}", json=body)

    def _rows(self) -> list[dict[str, Any]]:
        return rows(
            self.context.addresses.ledger, "select * from ledger.tenant where slug = any(%s)", self.context.slugs
        )

    def _phases(self) -> dict[str, str]:
        return {row["slug"]: _phase(row) for row in self._rows()}

    def _live_runs(self) -> list[str]:
        ids = [f"compensate\\_\\_{row['id']}%" for row in self._rows()]
        statement = (
            "select run_id from dag_run where state in ('running', 'queued') "
            "and (conf ->> 'slug' = any(%s) or run_id like any(%s))"
        )
        return [row["run_id"] for row in rows(self.context.addresses.airflow, statement, self.context.slugs, ids)]


def _phase(row: dict[str, Any]) -> str:
    return " ".join(filter(None, (row["state"], row["substate"])))
