"""A request that a later activity could not carry out fails in `validate_request`, before anything is made."""

import base64
import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from tenancy.activities.allocate_workflow_handle import AllocateWorkflowHandle
from tenancy.activities.context import ActivityContext
from tenancy.activities.deploy_workloads import DeployWorkloads
from tenancy.engine.provisioning import admission
from tenancy.saga.causes import Cause
from tenancy.saga.errors import PermanentError, PlatformError, TenancyError
from tenancy.saga.names import ActivityName
from tenancy.saga.outputs import Outputs
from tenancy.saga.product import Product
from tests.integration.engine_harness import HANDLE, NO_OBJECTS, RUN, STORAGE, VALIDATE, EngineHarness
from tests.integration.test_engine_parameters import CANARY, CONNECTION, VALUES, give
from tests.products import PLAN_ENTRIES, write_product_with_parameters

_ENCODED = base64.b64encode(CANARY.encode()).decode()


@pytest.fixture
def product(tmp_path: Path) -> Product:
    return write_product_with_parameters(tmp_path / "crm")


def _limit_seats(product: Product, most: int) -> None:
    """The chart's own schema is stricter than the product's parameters."""
    file = product.folder / "chart" / "values.schema.json"
    schema = json.loads(file.read_text())
    schema["properties"]["global"] = {"type": "object", "properties": {"seats": {"maximum": most}}}
    file.write_text(json.dumps(schema))


def test_values_that_the_charts_schema_refuses_fail_the_attempt_and_nothing_is_made(
    harness: EngineHarness, product: Product
):
    _limit_seats(product, 50)
    give(harness, product, {CONNECTION: CANARY})
    with pytest.raises(PermanentError, match=r"(?s)chart of crm does not take this request: .*seats") as failed:
        harness.run(VALIDATE, **VALUES | {"seats": 60})
    assert failed.value.cause is Cause.INPUT
    harness.give_up(VALIDATE)
    assert (harness.saga.phase, harness.saga.resources, harness.external_objects) == ("Failed settled", (), NO_OBJECTS)


@pytest.mark.parametrize("secret", ["{{ .Values.global.password }}", "{{ .Values.global.password | b64enc }}"])
def test_a_template_that_fails_on_a_value_fails_the_attempt_without_a_secret(
    harness: EngineHarness, product: Product, secret: str
):
    text = f'{{{{ fail (print "got " ({secret.strip("{} ")})) }}}}'
    (product.folder / "chart" / "templates" / "boom.yaml").write_text(text)
    give(harness, product, {CONNECTION: CANARY})
    with pytest.raises(PermanentError, match=r"got \*\*\*") as failed:
        harness.run(VALIDATE, **VALUES)
    recorded = json.dumps([each.data for each in harness.envelopes])
    assert not any(secret in shown for secret in (CANARY, _ENCODED) for shown in (str(failed.value), recorded))


def test_a_chart_that_cannot_be_loaded_is_no_mistake_of_the_request(harness: EngineHarness, product: Product):
    give(harness, product, {CONNECTION: CANARY})
    (product.folder / "chart" / "Chart.yaml").unlink()
    with pytest.raises(TenancyError) as failed:
        harness.run(VALIDATE, **VALUES)
    assert failed.value.cause is not Cause.INPUT
    assert "does not take this request" not in str(failed.value)


def test_a_values_template_that_fails_on_a_request_holds_it_before_anything_is_made(
    harness: EngineHarness, product: Product
):
    with (product.folder / "values.yaml.j2").open("a") as template:
        template.write("  odd: {{ 1 // (parameters.seats - 7) }}\n")
    give(harness, product, {CONNECTION: CANARY})
    with pytest.raises(PlatformError, match=r"values\.yaml\.j2 in line \d+: ZeroDivisionError"):
        harness.run(VALIDATE, **VALUES)
    assert (harness.saga.phase, harness.external_objects) == ("Provisioning", NO_OBJECTS)


def test_every_activity_checks_the_request_with_examples_of_all_outputs(
    harness: EngineHarness, monkeypatch: pytest.MonkeyPatch
):
    def check(_self: DeployWorkloads, _context: ActivityContext, outputs: Mapping[ActivityName, Outputs]) -> None:
        raise PermanentError(f"not with {outputs[HANDLE]}")

    monkeypatch.setattr(AllocateWorkflowHandle, "example_outputs", {"url": "https://jobs.example"})
    monkeypatch.setattr(DeployWorkloads, "check_request", check)
    with pytest.raises(PermanentError, match=r"not with .*jobs\.example"):
        harness.run(VALIDATE)


def test_an_activity_that_the_attempts_plan_does_not_have_is_not_asked(
    harness: EngineHarness, monkeypatch: pytest.MonkeyPatch
):
    """The product of now has it, and an older version began the attempt."""

    def check(*_: object) -> None:
        raise PermanentError("no handle")

    monkeypatch.setattr(AllocateWorkflowHandle, "check_request", check)
    older = tuple(entry for entry in PLAN_ENTRIES if entry.activity != HANDLE)
    monkeypatch.setattr(admission, "plan_entries", lambda product: older)
    assert harness.run(VALIDATE).phase == "Provisioning"


def test_a_chart_that_only_the_cluster_makes_fail_is_no_mistake_of_the_request(
    harness: EngineHarness, product: Product
):
    text = '{{ if lookup "v1" "Namespace" "" .Release.Namespace }}{{ fail "there" }}{{ end }}'
    (product.folder / "chart" / "templates" / "boom.yaml").write_text(text)
    give(harness, product, {CONNECTION: CANARY})
    assert harness.run(VALIDATE, **VALUES).phase == "Provisioning"
    assert harness.run(STORAGE, **VALUES).current_attempt.run_id == RUN
