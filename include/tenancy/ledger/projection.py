"""The rows of tenant, resource and run that follow from a saga. Pure, so that tests can compare rows with facts."""

from datetime import datetime
from typing import Any, Final

from tenancy.saga.attempt_values import Step
from tenancy.saga.causes import Cause
from tenancy.saga.names import RunId, TenantId
from tenancy.saga.retry_loops import same_error_again
from tenancy.saga.states import State
from tenancy.saga.tenant import Resource, Saga

_REQUESTED: Final = ("slug", "name", "plan", "region", "admin_email")
"""Columns of the request. The product's own parameters are in the facts only."""


def tenant_row(saga: Saga, at: datetime) -> dict[str, Any]:
    """The tenant's row; `at` is the time of the newest fact."""
    return {
        "id": saga.tenant_id,
        **{field: getattr(saga.parameters, field) for field in _REQUESTED},
        "state": saga.state.value,
        "substate": saga.substate and saga.substate.value,
        "attempt": saga.attempt,
        "generation": saga.generation,
        "run_id": saga.run_id,
        "activity": saga.current_activity,
        "seq": saga.seq,
        "predecessor": saga.predecessor,
        "held": saga.hold.reason,
        "held_by": saga.hold.cause and saga.hold.cause.value,
        "stall": saga.stall and saga.stall.kind,
        "stall_activity": saga.stall and saga.stall.activity,
        "stall_cause": saga.stall and saga.stall.cause.value,
        "stall_said": saga.stall.message if saga.stall else "",
        **_activity_columns(saga),
        "cancelled": saga.current_attempt.cancelled,
        "past_no_return": saga.past_no_return,
        "escalated": saga.escalation is not None,
        "escalation_sent": bool(saga.escalation and saga.escalation.sent_to),
        "failures": len(saga.failures),
        "failure_cause": saga.failures[-1].cause.value if saga.failures else None,
        "repeats": same_error_again(saga),
        "failure_activity": saga.failures[-1].activity if saga.failures else None,
        "failure_said": saga.failures[-1].message if saga.failures else "",
        "schema_version": saga.current_attempt.schema_version,
        "chart_version": saga.current_attempt.chart_version,
        "history_cleared": saga.current_attempt.history_cleared,
        "product": saga.product,
        "at": at,
    }


def _activity_columns(saga: Saga) -> dict[str, str | None]:
    """Why the running activity is not done, by its last try or its wait."""
    under_way = saga.current_activity if saga.state is State.PROVISIONING else None
    step = saga.step(under_way) if under_way else Step()
    cause = None if step.cause is Cause.UNKNOWN else step.cause.value
    return {"activity_cause": cause, "activity_said": step.message}


def resource_rows(before: Saga | None, after: Saga, at: datetime) -> list[dict[str, Any]]:
    """The rows of the resources that changed. A resource that is intended again moves all behind it by one position."""
    known = set(enumerate(before.resources)) if before else set()
    return [
        _resource_row(after, resource, position, at)
        for position, resource in enumerate(after.resources)
        if (position, resource) not in known
    ]


def run_row(tenant_id: TenantId, run_id: RunId, attempt: int) -> dict[str, Any]:
    """Which Airflow run an attempt runs in."""
    return {"tenant_id": tenant_id, "run_id": run_id, "attempt": attempt}


def _resource_row(saga: Saga, resource: Resource, position: int, at: datetime) -> dict[str, Any]:
    credential = resource.credential
    return {
        "tenant_id": saga.tenant_id,
        "kind": resource.kind,
        "name": resource.name,
        "proof": resource.proof,
        "activity": resource.activity,
        "state": resource.state.value,
        "position": position,
        "kid": credential and credential.kid,
        "credential_generation": credential and credential.generation,
        "system": resource.system,
        "region": resource.region,
        "connection": resource.connection,
        "at": at,
    }
