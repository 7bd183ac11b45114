"""The operators' actions. Each is recorded in the ledger first; then Airflow is brought in line with the ledger.

Called by action_service.py only. A refused action is recorded in the audit log and raised as Refused. If Airflow cannot
be changed now, the result has a warning, and the reconciler tries again.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Literal, get_args

from tenancy.activities.validate_request import check_request, corrected
from tenancy.engine.actions.preview import require_recreatable, require_retriable
from tenancy.engine.actions.refusals import load_saga, record_refusal
from tenancy.engine.engine_identity import open_runs
from tenancy.engine.engine_status import EngineStatus, load_engine_status
from tenancy.engine.provisioning.admission import admit, origin_of, retry_of
from tenancy.engine.recovery.escalation import send_escalations
from tenancy.engine.recovery.progress import Progress, load_progress
from tenancy.engine.tenancy import Tenancy
from tenancy.engine.workflow import new_run_id, sync_workflow_engine
from tenancy.ledger.envelope import Stamp
from tenancy.ledger.ledger import LedgerSession
from tenancy.saga import commands as c
from tenancy.saga import retry_loops
from tenancy.saga.confirmation import require_same_tenant
from tenancy.saga.errors import Refused
from tenancy.saga.names import RunId, TenantId
from tenancy.saga.states import State
from tenancy.saga.tenant import Saga

ActionName = Literal["cancel", "reset", "retry", "decommission", "recreate", "escalate"]
ACTIONS: Final[tuple[ActionName, ...]] = get_args(ActionName)
"""The actions on an existing tenant, in the order in which they are offered."""


@dataclass(frozen=True)
class ActionResult:
    """The result of an action. `message` is one sentence: what happened, and what follows."""

    saga: Saga
    message: str
    warnings: tuple[str, ...]
    progress: Progress


def create(
    tenancy: Tenancy, request: Mapping[str, Any], *, by: Stamp, run_id: RunId | None = None, product: str = ""
) -> ActionResult:
    """Create a tenant: reserve the slug, record the run's id, then trigger the run. Raises Refused with the field.

    `product`: its name; empty for the default one.
    """
    with tenancy.ledger.open(f"tenancy create {by.actor}") as ledger:
        chosen_run_id = run_id or new_run_id(str(request.get("slug", "")))
        origin = origin_of(tenancy.products, chosen_run_id, product)
        tenant_id = admit(tenancy, ledger, origin, request, by)
        return _sync_and_describe(tenancy, ledger, load_saga(ledger, tenant_id), by, "Provisioning has been requested.")


def cancel(
    tenancy: Tenancy, tenant_id: TenantId, *, by: Stamp, confirm_id: str | None = None, confirm_slug: str = ""
) -> ActionResult:
    """Cancel provisioning. Repeated, it ends the tasks again and starts the next generation of compensation.

    A task that runs is stopped in three ways: Airflow ends it with SIGTERM, because its run is marked failed
    (adapters/airflow_runs.py, `fail`). If it lives on, the ledger fences it: it may record nothing and begin no effect
    (saga/leases.py). If it still holds the tenant's lock, unwinding terminates its session
    (adapters/advisory_lock.py).

    If this destroys a customer's data, `confirm_slug` is required. `confirm_id`, here and below: the id in the request,
    "" if the request had none, None if the caller addressed the tenant by its id and not by its slug.
    """
    message = "Cancel is under way: what was made is being undone."
    return _record_and_sync(
        tenancy, tenant_id, _with_confirmation(c.Cancel(), tenant_id, confirm_id, confirm_slug), by, message
    )


def reset(
    tenancy: Tenancy,
    tenant_id: TenantId,
    *,
    by: Stamp,
    force: bool = False,
    platform_role: bool = False,
    confirm_id: str | None = None,
    confirm_slug: str = "",
) -> ActionResult:
    """Reset provisioning, so that a retry can start. Nothing is created or deleted; the ledger keeps the history."""
    command = c.Reset(force=force, platform_role=platform_role, reason=by.reason)
    message = "The saga is reset. Nothing was reallocated; retry starts it afresh."
    return _record_and_sync(
        tenancy, tenant_id, _with_confirmation(command, tenant_id, confirm_id, confirm_slug), by, message
    )


def retry(
    tenancy: Tenancy,
    tenant_id: TenantId,
    *,
    by: Stamp,
    corrections: Mapping[str, Any] | None = None,
    confirm_id: str | None = None,
    confirm_slug: str = "",
) -> ActionResult:
    """Start another attempt of the same tenant. `corrections` of its parameters need a tenant without resources."""
    with tenancy.ledger.open(f"tenancy retry {by.actor}") as ledger:
        saga = load_saga(ledger, tenant_id)
        with record_refusal(ledger, tenant_id, "retry", by):
            require_retriable(saga)
            require_same_tenant(saga, confirm_id or "")
            if retry_loops.retry_needs_slug(saga):
                _require_typed(saga, confirm_slug, "retry it once more")
            retried = retry_of(tenancy, ledger, saga, corrections or {}, by)
        return _sync_and_describe(
            tenancy, ledger, retried, by, f"Attempt {retried.attempt} starts: watch its timeline."
        )


def decommission(
    tenancy: Tenancy, tenant_id: TenantId, *, by: Stamp, confirm_id: str | None = None, confirm_slug: str = ""
) -> ActionResult:
    """Release all resources and free the slug. If anything would be destroyed, `confirm_slug` is required."""
    command = _with_confirmation(c.Decommission(), tenant_id, confirm_id, confirm_slug)
    with _recorded(tenancy, tenant_id, command, by) as (ledger, after):
        gone = after.state is State.DECOMMISSIONED
        message = "Nothing was left: the slug is free." if gone else "Everything the tenant has is being released."
        return _sync_and_describe(tenancy, ledger, after, by, message)


def recreate(
    tenancy: Tenancy,
    tenant_id: TenantId,
    *,
    by: Stamp,
    corrections: Mapping[str, Any] | None = None,
    confirm_id: str | None = None,
    confirm_slug: str = "",
    product: str = "",
) -> ActionResult:
    """Create a new tenant with the same slug, linked to this one, which must have nothing left. Returns the new one.

    `product`: the new one's; empty for the same.
    """
    with tenancy.ledger.open(f"tenancy recreate {by.actor}") as ledger:
        saga = load_saga(ledger, tenant_id)
        with record_refusal(ledger, tenant_id, "recreate", by):
            slug = saga.parameters.slug
            origin = origin_of(tenancy.products, new_run_id(slug), product or saga.product)
            made_of = tenancy.products.named(origin.product)
            request = corrected(saga.parameters, corrections or {}, made_of)
            if request["slug"] != slug:
                raise Refused(
                    "A tenant in its place has its slug. For another slug, create another tenant.", field="slug"
                )
            check_request(request, tenancy.platform, made_of)
            with ledger.admission():
                require_recreatable(load_saga(ledger, tenant_id))
                require_same_tenant(saga, confirm_id or "")
                if saga.state is not State.DECOMMISSIONED:
                    command = _with_confirmation(c.Decommission(), tenant_id, confirm_id, confirm_slug)
                    ledger.record(tenant_id, command, stamp=by)
                new_id = admit(tenancy, ledger, origin, request, by)
        return _sync_and_describe(
            tenancy, ledger, load_saga(ledger, new_id), by, "A new tenant is being provisioned in its place."
        )


def escalate(
    tenancy: Tenancy, tenant_id: TenantId, *, by: Stamp, confirm_id: str | None = None, confirm_slug: str = ""
) -> ActionResult:
    """Hand the tenant over to platform engineering; changes no state."""
    command = _with_confirmation(c.Escalate(), tenant_id, confirm_id, confirm_slug)
    with _recorded(tenancy, tenant_id, command, by) as (ledger, after):
        send_escalations(ledger)  # if this process dies here, the reconciler's next pass sends it
        message = "Recorded. The message to platform engineering is sent through the notification channels."
        return _sync_and_describe(tenancy, ledger, after, by, message)


def _with_confirmation(command: c.Command, tenant_id: TenantId, named: str | None, slug: str) -> c.Confirmed:
    """The command with its confirmation, which `decide` checks inside the ledger's transaction."""
    return c.Confirmed(command, str(tenant_id) if named is None else named, slug)


def _record_and_sync(
    tenancy: Tenancy, tenant_id: TenantId, command: c.Confirmed, by: Stamp, message: str
) -> ActionResult:
    with _recorded(tenancy, tenant_id, command, by) as (ledger, after):
        return _sync_and_describe(tenancy, ledger, after, by, message)


@contextmanager
def _recorded(
    tenancy: Tenancy, tenant_id: TenantId, command: c.Confirmed, by: Stamp
) -> Iterator[tuple[LedgerSession, Saga]]:
    """Record the action, or its refusal. Yields the open ledger and the saga afterwards."""
    action = type(command.command).__name__.lower()
    with tenancy.ledger.open(f"tenancy {action} {by.actor}") as ledger:
        load_saga(ledger, tenant_id)
        with record_refusal(ledger, tenant_id, action, by):
            after = ledger.record(tenant_id, command, stamp=by)
        yield ledger, after


def _sync_and_describe(tenancy: Tenancy, ledger: LedgerSession, saga: Saga, by: Stamp, message: str) -> ActionResult:
    warnings = sync_workflow_engine(partial(open_runs, tenancy, ledger), ledger, saga, stamp=by)
    now = load_saga(ledger, saga.tenant_id)
    return ActionResult(
        now,
        message,
        (*_scheduler_warning(tenancy, now), *warnings, *retry_loops.retry_warnings(now)),
        load_progress(ledger, now),
    )


def _scheduler_warning(tenancy: Tenancy, saga: Saga) -> tuple[str, ...]:
    """A warning while the scheduler is down: Airflow accepts a run that it will not start yet."""
    # Only silent parts count here: if the engine does not respond at all, sync_workflow_engine has already warned.
    waits = EngineStatus(load_engine_status(tenancy.runs).silent).holds(saga)
    return (f"It is recorded, and continues by itself when the engine does. {waits}",) if waits else ()


def _require_typed(saga: Saga, typed: str, what: str) -> None:
    slug = saga.parameters.slug
    if typed != slug:
        raise Refused(f"Type the slug {slug} to {what}.", field="confirm_slug")
