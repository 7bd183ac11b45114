"""Exemplar sagas, one for each phase, made by commands to the state machine and never put together from their fields.

`tenant_in("Failed settled")` gives the exemplar; `ask(saga, command, ...)` gives the saga after these commands.
"""

from uuid import UUID

from tenancy.saga import commands as c
from tenancy.saga.attempt_values import PlanEntry
from tenancy.saga.decide import decide
from tenancy.saga.evolve import fold
from tenancy.saga.names import ActivityName, RunId, TaskInstanceId, TenantId
from tenancy.saga.states import ActivityKind, Phase
from tenancy.saga.tenant import Credential, Intent, Lease, Parameters, Saga

TENANT = TenantId(UUID("018f0000-0000-7000-8000-00000000acae"))
ACME = Parameters(slug="acme", name="Acme", plan="small", region="eu", admin_email="ada@acme.test")
BETA = Parameters(slug="acme", name="Acme", plan="large", region="eu", admin_email="ada@acme.test")
RUN, OLD_RUN, OTHER_RUN = RunId("run-1"), RunId("run-0"), RunId("run-9")

VALIDATE = ActivityName("validate_request")
STORAGE = ActivityName("allocate_storage")
HANDLE = ActivityName("allocate_workflow_handle")
SCHEMA = ActivityName("apply_tenant_schema")
DEPLOY = ActivityName("deploy_workloads")
WAIT = ActivityName("wait_for_workloads_ready")
MARK_ACTIVE = ActivityName("mark_active")

PLAN = (
    PlanEntry(VALIDATE, ActivityKind.CHECK),
    PlanEntry(STORAGE, ActivityKind.COMPENSATABLE),
    PlanEntry(HANDLE, ActivityKind.COMPENSATABLE),
    PlanEntry(SCHEMA, ActivityKind.COMPENSATABLE),
    PlanEntry(DEPLOY, ActivityKind.COMPENSATABLE),
    PlanEntry(WAIT, ActivityKind.PIVOT),
    PlanEntry(MARK_ACTIVE, ActivityKind.RETRIABLE),
)
ORDER = tuple(entry.activity for entry in PLAN)

PROOF = "tenancy:test:acme"
INTENTS: dict[ActivityName, tuple[Intent, ...]] = {
    STORAGE: (Intent("role", "acme_1", PROOF, Credential("k1", 1)), Intent("database", "acme_1", PROOF)),
    HANDLE: (Intent("connection", "acme_1", PROOF),),
    SCHEMA: (Intent("schema", "acme_1", PROOF),),
    DEPLOY: (Intent("namespace", "acme-1", PROOF), Intent("release", "acme-1", PROOF)),
}

NO_SAGA = "no tenant"
PHASES = tuple(Phase)


def ask(saga: Saga | None, *commands: c.Command) -> Saga:
    """The saga after the state machine accepted all these commands, one after the other."""
    for command in commands:
        saga = fold(decide(saga, command), saga)
    assert saga is not None
    return saga


def start(
    run_id: RunId = RUN, parameters: Parameters = ACME, tenant_id: TenantId = TENANT, *, cleared: int = 0
) -> c.StartAttempt:
    """`cleared`: how often the run has been cleared in Airflow."""
    return c.StartAttempt(tenant_id, run_id, parameters, PLAN, "1", clear_number=cleared)


def holder(number: int) -> TaskInstanceId:
    """An Airflow task instance; the greater number is the newer one."""
    return TaskInstanceId(f"ti-{number:06}")


def lease(activity: ActivityName, number: int = 1, run_id: RunId = RUN) -> Lease:
    return Lease(run_id, activity, holder(number))


def begin(activity: ActivityName, number: int = 1, run_id: RunId = RUN) -> c.BeginActivity:
    return c.BeginActivity(lease(activity, number, run_id), 1, INTENTS.get(activity, ()))


def complete(activity: ActivityName, number: int = 1, run_id: RunId = RUN) -> c.CompleteActivity:
    return c.CompleteActivity(lease(activity, number, run_id))


def fail(activity: ActivityName, number: int = 1, run_id: RunId = RUN) -> c.FailActivity:
    return c.FailActivity(lease(activity, number, run_id), "TransientError", "no answer")


def progress(activity: ActivityName, number: int = 1, message: str = "0 of 1 pods ready") -> c.ReportProgress:
    return c.ReportProgress(lease(activity, number), message)


def give_up(activity: ActivityName | None = None, number: int | None = None, run_id: RunId = RUN) -> c.GiveUp:
    return c.GiveUp(run_id, "out of tries", activity, None if number is None else holder(number))


def done(*activities: ActivityName, number: int = 1, run_id: RunId = RUN) -> tuple[c.Command, ...]:
    """These activities, each begun and completed by one task instance."""
    return tuple(make(activity, number, run_id) for activity in activities for make in (begin, complete))


def unwound(saga: Saga) -> Saga:
    """Every live resource released, last made first, and then settled."""
    for resource in reversed(saga.live_resources):
        named = (saga.generation, resource.kind, resource.name)
        saga = ask(saga, c.ReleaseResource(*named), c.ConfirmReleased(*named))
    return ask(saga, c.Settle(saga.generation))


def tenant_in(phase: str) -> Saga:
    """The exemplar of a phase: attempt 1 of run-1, every task instance numbered 1.

    A failed or cancelled one got as far as allocate_workflow_handle, which is still under way while it provisions.
    """
    return _EXEMPLARS[phase]


def _exemplars() -> dict[str, Saga]:
    provisioning = ask(None, start(), *done(VALIDATE, STORAGE), begin(HANDLE))
    unwinding = ask(provisioning, fail(HANDLE), give_up(HANDLE, 1))
    settled = unwound(unwinding)
    failing = ("connection", "acme_1")
    stuck = ask(
        unwinding,
        c.ReleaseResource(1, *failing),
        c.ReportCompensationFailure(1, *failing, "TransientError", "no answer"),
        c.ExhaustUnwinding(1),
    )
    before_flip = ask(None, start(), *done(*ORDER[:-1]), begin(MARK_ACTIVE))
    active = ask(before_flip, complete(MARK_ACTIVE))
    decommissioning = ask(active, c.Decommission())
    sagas = (
        provisioning,
        ask(provisioning, c.Cancel()),
        unwinding,
        settled,
        ask(settled, c.Reset()),
        ask(before_flip, fail(MARK_ACTIVE), give_up(MARK_ACTIVE, 1)),
        stuck,
        active,
        decommissioning,
        unwound(decommissioning),
    )
    return {saga.phase: saga for saga in sagas}


_EXEMPLARS = _exemplars()
