"""What an attempt is: how it starts, what it keeps from the one before, and what its end means."""

from dataclasses import replace
from uuid import UUID

import pytest

from tenancy.saga import commands as c
from tenancy.saga import facts as f
from tenancy.saga.attempt_values import PlanEntry
from tenancy.saga.decide import decide
from tenancy.saga.errors import Refused
from tenancy.saga.evolve import evolve, fold
from tenancy.saga.names import ActivityName, TenantId
from tenancy.saga.states import ActivityKind, ResourceState, State, StepStatus
from tenancy.saga.tenant import Intent, Parameters
from tests.unit.sagas import (
    ACME,
    BETA,
    DEPLOY,
    HANDLE,
    INTENTS,
    MARK_ACTIVE,
    ORDER,
    OTHER_RUN,
    PLAN,
    STORAGE,
    VALIDATE,
    WAIT,
    ask,
    begin,
    complete,
    done,
    fail,
    give_up,
    lease,
    start,
    tenant_in,
)


def test_an_attempts_first_fact_keeps_the_plan_and_schema_version_it_runs_with() -> None:
    facts = decide(None, start())
    assert facts[1] == f.AttemptStarted(1, start().run_id, ACME, PLAN, "1")


def test_a_running_attempt_keeps_its_plan_when_the_code_has_a_newer_one() -> None:
    newer = replace(
        start(), plan=(*PLAN, PlanEntry(ActivityName("warm_caches"), ActivityKind.RETRIABLE)), schema_version="2"
    )
    saga = ask(tenant_in("Provisioning"), newer)
    assert (saga.current_attempt.plan, saga.current_attempt.schema_version) == (PLAN, "1")


def test_an_activity_that_is_not_in_the_attempts_plan_may_not_act() -> None:
    unknown = ActivityName("warm_caches")
    for command in (begin(unknown), give_up(unknown), give_up(unknown, 1)):
        with pytest.raises(Refused, match="not in the plan this attempt started with"):
            decide(tenant_in("Provisioning"), command)


def test_a_retry_takes_the_newest_plan() -> None:
    newer = replace(start(OTHER_RUN), plan=PLAN[:-1], schema_version="2")
    saga = ask(tenant_in("Failed ready"), newer)
    assert (saga.current_attempt.plan, saga.current_attempt.schema_version, saga.attempt) == (PLAN[:-1], "2", 2)


def test_a_retry_begins_every_activity_anew() -> None:
    saga = ask(tenant_in("Failed retained"), c.Reset(), start(OTHER_RUN))
    assert {saga.step(activity).status for activity in ORDER} == {StepStatus.IDLE}
    assert saga.current_activity == VALIDATE


def test_intents_are_committed_with_the_start_of_their_activity() -> None:
    saga = ask(None, start(), *done(VALIDATE))
    started, *intended = decide(saga, begin(STORAGE))
    assert started == f.ActivityStarted(STORAGE, lease(STORAGE).holder, 1)
    assert [(fact.resource, fact.name) for fact in intended if isinstance(fact, f.ResourceIntended)] == [
        ("role", "acme_1"),
        ("database", "acme_1"),
    ]


def test_a_try_again_does_not_intend_anew_what_may_exist() -> None:
    facts = decide(tenant_in("Provisioning"), begin(HANDLE, 2))
    assert [type(fact) for fact in facts] == [f.ActivityStarted]


def test_a_retained_tenant_adopts_everything_on_retry() -> None:
    retained = tenant_in("Failed retained")
    saga = ask(retained, c.Reset(), start(OTHER_RUN), *done(*ORDER, number=2, run_id=OTHER_RUN))
    assert saga.phase == "Active"
    assert saga.resources == retained.resources


def test_a_retained_tenants_retry_must_ask_for_what_it_has() -> None:
    ready = ask(tenant_in("Failed retained"), c.Reset())
    with pytest.raises(Refused, match="decommission it and create it anew") as refusal:
        decide(ready, start(OTHER_RUN, BETA))
    assert refusal.value.field == "plan"


def test_a_settled_tenants_retry_may_ask_for_something_else() -> None:
    assert ask(tenant_in("Failed ready"), start(OTHER_RUN, BETA)).parameters == BETA


def test_what_was_released_is_intended_again_and_made_last() -> None:
    saga = ask(tenant_in("Failed ready"), start(OTHER_RUN), *done(VALIDATE, STORAGE, number=2, run_id=OTHER_RUN))
    assert [resource.kind for resource in saga.live_resources] == ["role", "database"]
    assert [resource.kind for resource in saga.resources] == ["connection", "role", "database"]


def test_after_a_forced_reset_a_retry_adopts_what_was_half_released() -> None:
    releasing = ask(tenant_in("Cancelling"), c.ReleaseResource(1, "database", "acme_1"))
    ready = ask(releasing, c.Reset(force=True, platform_role=True, reason="INC-7"))
    assert ready.live_resources == releasing.live_resources
    saga = ask(ready, start(OTHER_RUN), *done(*ORDER, number=2, run_id=OTHER_RUN))
    assert saga.phase == "Active"
    assert {resource.state for resource in saga.resources} == {ResourceState.PRESENT}


def test_a_forced_reset_says_so_and_a_plain_one_does_not() -> None:
    forced = c.Reset(force=True, platform_role=True, reason="INC-7")
    assert decide(tenant_in("Provisioning"), forced) == (f.RunReset(forced=True),)
    assert decide(tenant_in("Failed settled"), forced) == (f.RunReset(forced=False),)


def test_completing_records_only_the_activitys_own_resources_as_present() -> None:
    facts = decide(tenant_in("Provisioning"), complete(HANDLE))
    assert facts == (f.ResourcePresent("connection", "acme_1"), f.ActivityCompleted(HANDLE))


def test_the_last_completion_is_the_flip_to_active() -> None:
    saga = ask(None, start(), *done(*ORDER[:-1]), begin(MARK_ACTIVE))
    assert decide(saga, complete(MARK_ACTIVE)) == (f.ActivityCompleted(MARK_ACTIVE), f.ProvisioningCompleted())


@pytest.mark.parametrize("activity", [entry.activity for entry in PLAN if entry.kind is not ActivityKind.RETRIABLE])
def test_giving_up_before_the_flip_unwinds(activity: ActivityName) -> None:
    saga = ask(None, start(), *done(*ORDER[: ORDER.index(activity)]), begin(activity), give_up(activity, 1))
    assert (saga.phase, saga.generation) == ("Failed unwinding", 1)


@pytest.mark.parametrize("command", [give_up(MARK_ACTIVE, 1), give_up()])
def test_giving_up_the_flip_keeps_everything(command: c.Command) -> None:
    saga = ask(None, start(), *done(*ORDER[:-1]), begin(MARK_ACTIVE), command)
    assert (saga.phase, saga.generation) == ("Failed retained", 0)
    assert len(saga.live_resources) == sum(len(intents) for intents in INTENTS.values())


def test_a_run_that_times_out_before_the_flip_began_keeps_everything() -> None:
    assert ask(None, start(), *done(*ORDER[:-1]), give_up()).phase == "Failed retained"


def test_the_flip_given_up_before_everything_is_made_unwinds() -> None:
    saga = ask(None, start(), *done(*ORDER[: ORDER.index(DEPLOY)]), begin(DEPLOY), give_up(MARK_ACTIVE))
    assert saga.phase == "Failed unwinding"


def test_the_flip_given_up_while_a_cleared_activity_verifies_keeps_everything() -> None:
    saga = ask(None, start(), *done(*ORDER[:-1]), begin(MARK_ACTIVE), begin(STORAGE, 2), give_up(MARK_ACTIVE, 1))
    assert saga.phase == "Failed retained"


def test_giving_up_is_reported_twice_and_recorded_once() -> None:
    """The task's callback and the DAG's may both say it."""
    assert decide(tenant_in("Failed unwinding"), give_up()) == ()
    assert decide(tenant_in("Failed retained"), give_up()) == ()


def test_the_last_trys_error_is_the_attempts_failure() -> None:
    saga = ask(tenant_in("Provisioning"), fail(HANDLE), give_up(HANDLE, 1))
    assert [(failure.attempt, failure.activity, failure.message) for failure in saga.failures] == [
        (1, HANDLE, "no answer")
    ]


def test_a_run_given_up_without_an_error_of_its_own_keeps_the_callers_message() -> None:
    assert ask(tenant_in("Provisioning"), give_up()).failures[-1].message == "out of tries"


def test_a_run_given_up_fails_at_the_first_activity_that_is_not_done() -> None:
    assert ask(tenant_in("Provisioning"), give_up()).failures[-1].activity == HANDLE
    assert ask(None, start(), *done(*ORDER[:-2]), give_up()).failures[-1].activity == WAIT


def test_failures_of_all_attempts_are_kept_and_never_block_a_retry() -> None:
    saga = ask(None, start())
    for attempt in range(1, 6):
        run_id = saga.run_id
        saga = ask(saga, *done(VALIDATE, number=attempt, run_id=run_id), give_up(run_id=run_id), c.Settle(attempt))
        saga = ask(saga, c.Reset(), start(type(run_id)(f"run-{attempt + 1}")))
    assert [failure.attempt for failure in saga.failures] == [1, 2, 3, 4, 5]
    assert (saga.state, saga.attempt) == (State.PROVISIONING, 6)


def test_a_recreated_tenant_names_its_predecessor() -> None:
    before = TenantId(UUID(int=1))
    saga = ask(None, replace(start(), predecessor=before))
    assert saga.predecessor == before


def test_an_intent_carries_its_proof_and_credential_into_the_resource() -> None:
    saga = ask(None, start(), *done(VALIDATE), begin(STORAGE))
    role: Intent = INTENTS[STORAGE][0]
    resource = saga.resources[0]
    assert (resource.kind, resource.name, resource.proof, resource.credential, resource.state) == (
        role.kind,
        role.name,
        role.proof,
        role.credential,
        ResourceState.INTENDED,
    )


def test_a_stream_begins_with_the_request() -> None:
    with pytest.raises(ValueError, match=r"cannot begin with tenant\.provisioning\.settled"):
        evolve(None, f.Settled())
    assert fold(()) is None


def test_a_fact_about_an_object_that_was_never_intended_is_an_error() -> None:
    with pytest.raises(ValueError, match="no fact intended the database acme_2"):
        evolve(tenant_in("Provisioning"), f.ResourcePresent("database", "acme_2"))


@pytest.mark.parametrize(
    "fact",
    [
        f.ActivityRefused(HANDLE, OTHER_RUN, "no"),
        f.RetryRequested(OTHER_RUN),
        f.RequestRefused("acme", OTHER_RUN, "no"),
        f.ActionRefused("reset", "no"),
        f.HolderEvicted("ledger", "pid 7"),
        f.RawActionNoted("mark run failed", OTHER_RUN),
        f.StallExplained("storage.blocked", "pid 7"),
        f.StallCleared("activity", HANDLE),
    ],
)
def test_facts_that_only_inform_change_nothing_but_the_number_of_facts(fact: f.Fact) -> None:
    saga = tenant_in("Provisioning")
    assert evolve(saga, fact) == replace(saga, seq=saga.seq + 1)


def test_every_kind_of_fact_has_a_name_of_its_own() -> None:
    assert len(f.FACTS) == len(f.Fact.__subclasses__())
    assert all(kind.startswith("tenant.") for kind in f.FACTS)


@pytest.mark.parametrize("then", [(), (c.Reset(),)])
def test_a_run_that_was_cancelled_before_it_began_stays_cancelled_however_late_it_comes(then: tuple[c.Command, ...]):
    saga = ask(None, start(), c.Cancel(), c.Settle(1), *then)
    with pytest.raises(Refused, match="cancelled before it began"):
        decide(saga, start())
    assert ask(saga, *([] if then else [c.Reset()]), start(OTHER_RUN)).attempt == 2


def test_a_request_is_the_same_in_every_form_of_unicode():
    """A tenant whose name an older version stored decomposed may be retried with the name as it is composed now."""
    stored = Parameters("acme", "Cafe\u0301", "starter", "eu", "a@b.test")
    assert stored.first_difference(replace(stored, name="Caf\u00e9")) is None
    assert stored.first_difference(replace(stored, name="Cafe")) == "name"
