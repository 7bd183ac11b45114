"""Every phase can be reached and has a way out, shown by searching the graph that `decide` and `evolve` really span.

Two sagas that differ only in numbers (attempt, generation, task instances, runs) are one place of the graph, and once
an attempt is over it no longer matters which activity it had reached.
"""

from collections.abc import Callable, Iterator
from functools import cache
from uuid import UUID

import pytest

from tenancy.saga import commands as c
from tenancy.saga.decide import decide
from tenancy.saga.errors import Refused
from tenancy.saga.evolve import fold
from tenancy.saga.names import RunId, TenantId
from tenancy.saga.states import StepStatus
from tenancy.saga.tenant import Saga
from tests.unit.sagas import ORDER, PHASES, ask, begin, complete, give_up, start, tenant_in

Place = tuple[object, ...]
Moves = Callable[[Saga], Iterator[c.Command]]
FORCED = c.Reset(force=True, platform_role=True, reason="INC-7")


def place_of(saga: Saga) -> Place:
    steps = tuple(saga.step(activity).status for activity in ORDER) if saga.phase == "Provisioning" else ()
    resources = frozenset((resource.kind, resource.state) for resource in saga.resources)
    return (saga.phase, steps, resources)


def operator_acts(saga: Saga) -> Iterator[c.Command]:
    yield c.Cancel()
    yield c.Reset()
    yield c.Decommission()
    yield start(RunId(f"run-{saga.attempt + 1}"))  # Retry
    yield start(saga.run_id)  # clear the whole run


def activities_succeed(saga: Saga) -> Iterator[c.Command]:
    """The first activity that is not done begins as a new task instance, or completes."""
    activity = saga.current_activity
    if activity is None:
        return
    number = int(saga.step(activity).holder[3:] or 0)
    if saga.step(activity).status is StepStatus.RUNNING:
        yield complete(activity, number, saga.run_id)
    yield begin(activity, saga.seq, saga.run_id)


def compensations_succeed(saga: Saga) -> Iterator[c.Command]:
    """The last live resource is released; when none is left, the saga settles."""
    for resource in saga.live_resources[-1:]:
        yield c.ReleaseResource(saga.generation, resource.kind, resource.name)
        yield c.ConfirmReleased(saga.generation, resource.kind, resource.name)
    yield c.Settle(saga.generation)


def something_fails(saga: Saga) -> Iterator[c.Command]:
    yield give_up(run_id=saga.run_id)
    yield c.ExhaustUnwinding(saga.generation)
    yield FORCED
    for resource in saga.resources:
        yield c.ReportFoundAgain(saga.generation, resource.kind, resource.name)


def successors(saga: Saga, moves: tuple[Moves, ...]) -> Iterator[Saga]:
    for move in moves:
        for command in move(saga):
            try:
                facts = decide(saga, command)
            except Refused:
                continue
            after = fold(facts, saga)
            assert after is not None
            yield after


def search(origins: list[Saga], moves: tuple[Moves, ...], enough: int = 100_000) -> dict[Place, Saga]:
    """One saga for each place that these moves lead to."""
    found = {place_of(saga): saga for saga in origins}
    front = list(found.values())
    while front:
        for after in successors(front.pop(), moves):
            if place_of(after) not in found:
                found[place_of(after)] = after
                front.append(after)
        assert len(found) < enough, "the graph is no longer finite: something must be left out of place_of"
    return found


GOOD = (operator_acts, activities_succeed, compensations_succeed)


@cache
def graph() -> dict[Place, Saga]:
    return search([ask(None, start())], (*GOOD, something_fails))


@cache
def places_that_lead_to(phase: str) -> frozenset[Place]:
    """All places from where operators' actions and successful activities alone lead to this phase."""
    before: dict[Place, set[Place]] = {}
    for place, saga in graph().items():
        for after in successors(saga, GOOD):
            before.setdefault(place_of(after), set()).add(place)
    front = [place for place, saga in graph().items() if saga.phase == phase]
    found = set(front)
    while front:
        new = before.get(front.pop(), set()) - found
        found |= new
        front += new
    return frozenset(found)


def places_of(phase: str) -> list[Place]:
    return [place for place, saga in graph().items() if saga.phase == phase]


def test_every_phase_can_be_reached_from_a_first_request() -> None:
    assert {saga.phase for saga in graph().values()} == set(PHASES)


@pytest.mark.parametrize("phase", [phase for phase in PHASES if phase not in {"Decommissioning", "Decommissioned"}])
def test_every_phase_has_a_way_to_active(phase: str) -> None:
    assert [place for place in places_of(phase) if place not in places_that_lead_to("Active")] == []


@pytest.mark.parametrize("phase", PHASES)
def test_every_phase_has_a_way_to_decommissioned(phase: str) -> None:
    assert [place for place in places_of(phase) if place not in places_that_lead_to("Decommissioned")] == []


def test_a_decommissioning_tenant_becomes_active_again_only_as_a_new_tenant() -> None:
    gone = tenant_in("Decommissioned")
    successor = TenantId(UUID(int=7))
    parameters = gone.parameters
    request = c.StartAttempt(
        successor, RunId("run-7"), parameters, gone.current_attempt.plan, "1", predecessor=gone.tenant_id
    )
    anew = ask(None, request)
    assert (anew.phase, anew.predecessor, anew.tenant_id) == ("Provisioning", gone.tenant_id, successor)
    assert "Active" in {saga.phase for saga in search([anew], (activities_succeed,)).values()}
    assert not places_that_lead_to("Active") & {*places_of("Decommissioning"), *places_of("Decommissioned")}


@pytest.mark.parametrize(
    ("phase", "end"),
    [
        ("Cancelling", "Failed settled"),
        ("Failed unwinding", "Failed settled"),
        ("Decommissioning", "Decommissioned"),
    ],
)
def test_from_every_unwinding_place_compensations_alone_lead_to_the_end(phase: str, end: str) -> None:
    for place in places_of(phase):
        ends = {saga.phase for saga in search([graph()[place]], (compensations_succeed,)).values()}
        assert ends == {phase, end}, place


def test_from_every_stuck_place_a_cancel_and_compensations_lead_to_settled() -> None:
    for place in places_of("Failed stuck"):
        cancelled = ask(graph()[place], c.Cancel())
        phases = {saga.phase for saga in search([cancelled], (compensations_succeed,)).values()}
        assert phases == {"Cancelling", "Failed settled"}


def test_from_every_place_of_an_attempt_its_activities_alone_lead_to_active() -> None:
    for place in places_of("Provisioning"):
        phases = {saga.phase for saga in search([graph()[place]], (activities_succeed,)).values()}
        assert phases == {"Provisioning", "Active"}


def test_the_runbook_works_from_every_place_of_an_attempt() -> None:
    """Cancel, wait, reset, retry, wait: Active."""
    for place in places_of("Provisioning"):
        cancelled = ask(graph()[place], c.Cancel())
        settled = next(s for s in search([cancelled], (compensations_succeed,)).values() if s.substate == "settled")
        retried = ask(settled, c.Reset(), start(RunId("run-again")))
        assert "Active" in {saga.phase for saga in search([retried], (activities_succeed,)).values()}


def nobody_destroys(saga: Saga) -> Iterator[c.Command]:
    """All that operators may do short of Cancel and Decommission."""
    yield from (command for command in operator_acts(saga) if not isinstance(command, (c.Cancel, c.Decommission)))


def test_behind_the_point_of_no_return_nothing_but_a_person_leads_to_an_unwinding() -> None:
    """From every place of an attempt, which turns out to be older than its run."""
    provisioning = [graph()[place] for place in places_of("Provisioning")]
    past = [ask(saga, c.ResumeAttempt(saga.run_id, "the ledger is older than its run")) for saga in provisioning]
    moves = (nobody_destroys, activities_succeed, compensations_succeed, something_fails)
    phases = {saga.phase for saga in search(past, moves).values()}
    assert phases == {"Provisioning", "Active", "Failed retained", "Failed ready"}


def test_nothing_leads_out_of_decommissioned() -> None:
    for place in places_of("Decommissioned"):
        assert list(successors(graph()[place], (*GOOD, something_fails))) == []


def test_active_is_left_only_by_decommission() -> None:
    for place in places_of("Active"):
        phases = {saga.phase for saga in successors(graph()[place], (*GOOD, something_fails))}
        assert phases == {"Active", "Decommissioning"}
