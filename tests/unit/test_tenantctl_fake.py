"""The fake that `tenantctl` is tested with speaks as the real API does: its documents fit the API's own models."""

from typing import Any

import pytest
from pydantic import BaseModel

from tenancy.console.api import history_models, incident_group_models, platform_models, tenant_models
from tenancy.console.api.problems import Problem
from tests.contract.fake_documents import BASE, ORPHAN, problem
from tests.contract.fake_tenancy_api import FakeTenancy
from tests.contract.fake_tenant import FakeTenant
from tests.unit.tenantctl_runner import run


def last_answer(*words: str) -> dict[str, Any]:
    """What the fake answered last."""
    error = {"at": "2026-11-22T03:04:05Z", "attempt": 1, "activity": "a", "error": "E", "message": "m"}
    facts = ["tenant.provisioning.requested", "tenant.provisioning.reset"]
    failure = {"attempt": 1, "activity": "a", "message": "m"}
    acme = FakeTenant("acme", "Failed ready", facts=facts, errors=[error], failures=[failure], findings=[ORPHAN])
    acme.note("until 08:00")
    api = FakeTenancy(acme)
    api.findings = [ORPHAN]
    api.classes = {7: [FakeTenant("gone", "Active")]}
    run(api, *words)
    return dict(api.answers[-1].json())


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (tenant_models.Tenants, "list"),
        (tenant_models.Tenant, "show acme"),
        (history_models.TimelineShape, "timeline acme"),
        (history_models.Errors, "errors acme"),
        (history_models.ActionHistory, "escalate acme --dry-run"),
        (history_models.Audit, "audit acme"),
        (tenant_models.Resources, "resources acme"),
        (platform_models.Health, "health"),
        (platform_models.Findings, "findings"),
        (incident_group_models.Classes, "classes"),
        (incident_group_models.ClassInFull, "recover --class 7 --dry-run"),
        (tenant_models.Action, "retry acme -m why"),
        (tenant_models.Action, "note acme why"),
        (tenant_models.PreviewShape, "cancel acme --dry-run"),
        (tenant_models.Recovery, "recover acme --dry-run"),
        (tenant_models.Recovery, "recover acme -m why"),
    ],
)
def test_a_document_of_the_fake_fits_the_apis_model(model: type[BaseModel], words: str):
    document = last_answer(*words.split())
    assert _names(model.model_validate(document).model_dump(mode="json")) == _names(document)


def test_a_problem_of_the_fake_fits_the_apis_model():
    body = problem(409, "Not now.", field="reason", headers={"Retry-After": "5"}).json()
    assert Problem.model_validate(body).model_dump(exclude_none=True) == body
    assert body["instance"] == BASE


def _names(value: Any) -> Any:
    """The names in a document, at every depth."""
    if isinstance(value, dict):
        return {name: _names(each) for name, each in value.items()}
    return [_names(each) for each in value] if isinstance(value, list) else None
