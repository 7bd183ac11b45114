"""After the attack: all is left alone until each tenant rests, within a bound, and nothing is in between for long.

What the promise wants of people is done as the runbook says: a retained tenant is reset and retried, or cancelled; one
that is stuck because its compensation was made to fail is cancelled again.
"""

import time
from dataclasses import dataclass, field
from typing import Any

import psycopg

from tests.chaos import verdict
from tests.chaos.by_operators import named
from tests.chaos.places import rows
from tests.chaos.scene import Scene

BOUND_SECONDS = 240.0
IN_BETWEEN_SECONDS = 120.0
_IN_BETWEEN = {"Provisioning", "Cancelling", "Failed unwinding", "Decommissioning"}
_MAY_GET_STUCK = {"compensation fails", "compensation hangs"}


@dataclass
class Seen:
    """Every fact that was seen once, by stream and number: it must be there for ever."""

    hashes: dict[tuple[str, int], str] = field(default_factory=dict)

    def add(self, facts: list[dict[str, Any]]) -> list[str]:
        """Remember these, which are all there are; sentences about what is lost."""
        now = {(str(fact["stream"]), int(fact["seq"])): str(fact["hash"]) for fact in facts}
        lost = [place for place, digest in self.hashes.items() if now.get(place) != digest]
        self.hashes |= now
        return [f"fact {seq} of {stream} is lost" for stream, seq in lost]


@dataclass
class Rest:
    """The tenants of one scene, from the moment that everything is mended."""

    scene: Scene
    seen: Seen
    mended_at: float = field(default_factory=time.time)
    helped: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)

    def await_it(self) -> list[str]:
        """Sentences about what did not come to rest, or was lost; none when all is well."""
        deadline = time.monotonic() + BOUND_SECONDS
        while not self.wrong and not self._all_rest():
            if time.monotonic() > deadline:
                return [f"not at rest after {BOUND_SECONDS:.0f} s: {self._phases()}, live runs: {self._live_runs()}"]
            time.sleep(0.5)
        return self.wrong

    def _all_rest(self) -> bool:
        try:
            self.wrong += self.seen.add(verdict.facts(self.scene.places, self.scene.slugs))
            resting = [self._rests(row) for row in self._rows()]
            return all(resting) and not self._live_runs()
        except psycopg.OperationalError:  # the server is still coming back
            return False

    def _rests(self, row: dict[str, Any]) -> bool:
        phase = _phase(row)
        if phase in _IN_BETWEEN:
            since = max(row["state_since"].timestamp(), self.mended_at)
            if time.time() - since > IN_BETWEEN_SECONDS:
                self.wrong.append(f"{row['slug']} is {phase} for more than {IN_BETWEEN_SECONDS:.0f} s")
            return False
        if phase == "Failed stuck" and not _MAY_GET_STUCK & {each.fault for each in self.scene.trial.attacks}:
            self.wrong.append(f"{row['slug']} is stuck, and nobody made its compensation fail")
        if phase in {"Failed stuck", "Failed retained"}:
            self._help(row["slug"], phase)
            return False
        return True

    def _help(self, slug: str, phase: str) -> None:
        """As an operator would, once."""
        if slug not in self.helped:
            self.helped.add(slug)
            retry = phase == "Failed retained" and self.scene.chance.random() < 0.5
            for action in ("reset", "retry") if retry else ("cancel",):
                with self.scene.places.api_as("operator") as client:
                    body = {"reason": "the runbook", **(named(client, slug) if action == "cancel" else {})}
                    client.post(f"/tenancy/api/v1/tenants/{slug}/{action}", json=body)

    def _rows(self) -> list[dict[str, Any]]:
        return rows(self.scene.places.ledger, "select * from ledger.tenant where slug = any(%s)", self.scene.slugs)

    def _phases(self) -> dict[str, str]:
        return {row["slug"]: _phase(row) for row in self._rows()}

    def _live_runs(self) -> list[str]:
        ids = [f"compensate\\_\\_{row['id']}%" for row in self._rows()]
        statement = (
            "select run_id from dag_run where state in ('running', 'queued') "
            "and (conf ->> 'slug' = any(%s) or run_id like any(%s))"
        )
        return [row["run_id"] for row in rows(self.scene.places.airflow, statement, self.scene.slugs, ids)]


def _phase(row: dict[str, Any]) -> str:
    return " ".join(filter(None, (row["state"], row["substate"])))
