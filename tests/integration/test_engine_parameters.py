"""A product's own parameters: recorded with the attempt, rendered into the chart's values; a secret is nowhere else."""

import base64
import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tenancy.adapters.parameter_values import check_values
from tenancy.engine.actions import actions
from tenancy.engine.actions.action_service import ActionRequest, ActionService, Actor
from tenancy.engine.actions.dry_run import for_dry_run
from tenancy.engine.provisioning.admission import Origin, admit
from tenancy.ledger.ledger import utc_now
from tenancy.saga import facts as f
from tenancy.saga.causes import Cause
from tenancy.saga.commands import Reset
from tenancy.saga.connections import Connection
from tenancy.saga.errors import PlatformError, Refused
from tenancy.saga.names import RunId
from tenancy.saga.product import PROVISIONING_DAG, Product
from tests import real_systems
from tests.integration.engine_harness import (
    DEPLOY,
    MARK_ACTIVE,
    NO_OBJECTS,
    ORDER,
    RUN,
    STAMP,
    STORAGE,
    VALIDATE,
    EngineHarness,
)
from tests.products import PROPERTIES, SAMPLE, FewProducts, with_parameters, write_product_with_parameters

CANARY = "canary-7f3a hunter2"
CONNECTION = "secret_acme_smtp"
VALUES: dict[str, Any] = {"seats": 7, "tier": "gold", "smtp_password": CONNECTION}
_FITTING = st.fixed_dictionaries(
    {"seats": st.integers(1, 99)},
    optional={
        "tier": st.sampled_from(["basic", "gold"]),
        "discount": st.floats(-(2**53), 0.5),
        "trial": st.booleans(),
        "note": st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=50),
    },
)
_WITH_NOTE = {**PROPERTIES, "note": {"type": "string"}}
_SLOW = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def give(harness: EngineHarness, product: Product, passwords: dict[str, str] | None = None) -> None:
    def connection(conn_id: str) -> Connection:
        if conn_id not in (passwords or {}):
            raise PlatformError(f"There is no connection {conn_id}.", cause=Cause.PLATFORM_CONNECTION)
        return Connection(conn_id, password=(passwords or {})[conn_id])

    clients = replace(harness.tenancy.clients, connection=connection)
    harness.tenancy = replace(harness.tenancy, products=FewProducts({product.name: lambda: product}), clients=clients)


@pytest.fixture
def product(tmp_path: Path) -> Product:
    return write_product_with_parameters(tmp_path / "crm")


@_SLOW
@given(values=_FITTING)
def test_values_that_fit_come_back_unchanged_from_the_ledger(harness: EngineHarness, values: dict[str, Any]):
    give(harness, with_parameters(_WITH_NOTE))
    slug = f"t{uuid4().hex[:12]}"
    with harness.tenancy.ledger.open("test") as ledger:
        origin = Origin(RunId(slug), SAMPLE.name, PROVISIONING_DAG)
        tenant_id = admit(harness.tenancy, ledger, origin, real_systems.request(slug, **values), STAMP)
        saga = ledger.saga(tenant_id)
    assert saga is not None
    assert (saga.parameters.values, saga.parameters.conf) == (values, real_systems.request(slug, **values))


@_SLOW
@given(
    key=st.sampled_from(sorted(PROPERTIES)),
    value=st.one_of(
        st.lists(st.none(), min_size=1), st.just("\0"), st.just(float("nan")), st.just(10**30), st.just("?")
    ),
)
def test_a_value_that_does_not_fit_is_refused_with_its_field_and_nothing_is_recorded(
    harness: EngineHarness, key: str, value: Any
):
    give(harness, with_parameters())
    with harness.tenancy.ledger.open("test") as ledger:
        origin = Origin(RUN, SAMPLE.name, PROVISIONING_DAG)
        with pytest.raises(Refused) as refused:
            admit(harness.tenancy, ledger, origin, real_systems.request(**{key: value}), STAMP)
        assert ledger.tenant_of_slug("acme") is None
    assert refused.value.field == f"parameters.{key}"
    refusal = harness.refusals[-1]
    assert isinstance(refusal, f.RequestRefused)
    assert (refusal.field, refusal.message) == (f"parameters.{key}", str(refused.value))


def test_the_conf_of_a_run_has_fields_and_parameters_side_by_side(harness: EngineHarness):
    give(harness, with_parameters())
    actions.create(harness.tenancy, real_systems.request(tier="gold"), by=STAMP)
    (conf,) = harness.runs.confs.values()
    assert conf == real_systems.request(seats=5, tier="gold")


def test_parameters_end_in_the_chart_and_a_secret_only_there(
    harness: EngineHarness, product: Product, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    give(harness, product, {CONNECTION: CANARY})
    saga = harness.run_all(**VALUES)
    assert saga.phase == "Active"
    (namespace,) = harness.external_objects["namespace"]
    path = f"/api/v1/namespaces/{namespace}"
    assert harness.kubernetes.ask("GET", f"{path}/configmaps/parameters")["data"] == {"seats": "7", "tier": "gold"}
    password = harness.kubernetes.ask("GET", f"{path}/secrets/smtp")["data"]["password"]
    assert base64.b64decode(password).decode() == CANARY
    recorded = json.dumps([each.data for each in harness.envelopes])
    assert CONNECTION in recorded
    for shown in (recorded, str(harness.runs.confs), str(harness.handles.stored), caplog.text):
        assert CANARY not in shown


def test_a_secret_is_not_in_the_error_of_a_chart_that_fails_on_it_in_the_cluster(
    harness: EngineHarness, product: Product
):
    (product.folder / "chart" / "templates" / "boom.yaml").write_text(
        '{{ if lookup "v1" "Namespace" "" .Release.Namespace }}{{ fail (print "got " .Values.global.password) }}'
        "{{ end }}"
    )
    give(harness, product, {CONNECTION: CANARY})
    harness.run_until(DEPLOY, **VALUES)
    with pytest.raises(Exception, match="got") as failed:
        harness.run(DEPLOY, **VALUES)
    assert CANARY not in str(failed.value)
    assert CANARY not in json.dumps([each.data for each in harness.envelopes])


def test_a_missing_connection_holds_the_tenant_before_anything_is_made(harness: EngineHarness, product: Product):
    give(harness, product)
    with pytest.raises(PlatformError, match=f"There is no connection.*airflow connections add {CONNECTION} "):
        harness.run(VALIDATE, **VALUES)
    give(harness, product, {CONNECTION: ""})
    with pytest.raises(PlatformError, match=f"{CONNECTION}, which a parameter names, has no password"):
        harness.run(VALIDATE, **VALUES)
    assert (harness.saga.phase, harness.saga.hold.cause) == ("Provisioning", Cause.PLATFORM_CONNECTION)
    assert harness.external_objects == NO_OBJECTS
    give(harness, product, {CONNECTION: CANARY})
    assert [harness.run(each, 2, **VALUES).phase for each in ORDER][-1] == "Active"


def test_a_dry_run_needs_no_connection_and_checks_the_values(harness: EngineHarness, product: Product):
    give(harness, product)
    actions.create(for_dry_run(harness.tenancy), real_systems.request(**VALUES), by=STAMP)
    with pytest.raises(Refused, match="seats: must be at most 99"):
        actions.create(for_dry_run(harness.tenancy), real_systems.request(seats=100), by=STAMP)


def _fail_and_reset(harness: EngineHarness, **values: Any) -> None:
    harness.run_until(STORAGE, **values)
    harness.run_failed()
    harness.record_commands(Reset())


def test_a_retry_corrects_a_parameter_and_keeps_the_others(harness: EngineHarness):
    give(harness, with_parameters())
    _fail_and_reset(harness, seats=7, tier="gold")
    actions.retry(harness.tenancy, harness.tenant_id, by=STAMP, corrections={"seats": "8"})
    assert harness.saga.parameters.values == {"seats": 8, "tier": "gold"}


def test_a_retry_goes_on_when_the_product_lost_a_parameter_and_got_another(harness: EngineHarness):
    give(harness, with_parameters())
    _fail_and_reset(harness, seats=7, tier="gold")
    give(harness, with_parameters({"tier": PROPERTIES["tier"], "colour": {"type": "string", "default": "red"}}))
    actions.retry(harness.tenancy, harness.tenant_id, by=STAMP)
    assert harness.saga.parameters.values == {"tier": "gold", "colour": "red"}


def _keep_and_reset(harness: EngineHarness, **values: Any) -> None:
    harness.run_until(MARK_ACTIVE, **values)
    harness.handles.failing = 1
    harness.fail_for_good(MARK_ACTIVE)
    assert harness.saga.phase == "Failed retained"
    harness.record_commands(Reset())


@pytest.mark.parametrize("corrections", [{}, {"seats": "30"}], ids=["nothing sent", "the form sends all values"])
def test_a_tenant_that_kept_its_resources_is_retried_with_values_that_no_longer_fit(
    harness: EngineHarness, corrections: dict[str, Any]
):
    give(harness, with_parameters())
    _keep_and_reset(harness, seats=30)
    give(harness, with_parameters({"seats": {"type": "integer", "maximum": 10}}))
    service = ActionService(harness.tenancy, utc_now, lambda: harness.tenancy.ledger.open("test"), lambda _: {})
    tenant_id = harness.tenant_id
    request = ActionRequest("retry", "again", tenant_id, confirm_id=str(tenant_id), parameters=corrections)
    service.perform(request, Actor("ada"))
    run_id, conf = harness.saga.run_id, harness.saga.parameters.values
    assert (harness.saga.attempt, conf) == (2, {"seats": 30})
    assert harness.run_all(2, run_id, **conf).phase == "Active"


def test_another_value_must_fit_and_a_tenant_without_resources_must_be_corrected(harness: EngineHarness):
    stricter = with_parameters({"seats": {"type": "integer", "maximum": 10}})
    give(harness, with_parameters())
    _fail_and_reset(harness, seats=30)
    give(harness, stricter)
    with pytest.raises(Refused, match="seats: must be at most 10"):
        actions.retry(harness.tenancy, harness.tenant_id, by=STAMP)
    values, mistakes = check_values(stricter.parameters, {"seats": 31}, {"seats": 30})
    assert (values, mistakes) == ({}, {"seats": "must be at most 10"})


def test_a_kept_value_that_has_become_a_secret_must_name_a_connection_all_the_same():
    """Otherwise a text that somebody once sent could read the connections of the platform."""
    secret = with_parameters({"note": {"type": "string", "writeOnly": True}})
    assert "note" in check_values(secret.parameters, {"note": "tenancy_ledger"}, {"note": "tenancy_ledger"})[1]


def test_recreate_takes_parameters_over_and_corrects_them(harness: EngineHarness):
    give(harness, with_parameters())
    _fail_and_reset(harness, seats=7, tier="gold")
    result = actions.recreate(harness.tenancy, harness.tenant_id, by=STAMP, corrections={"tier": "basic"})
    assert result.saga.parameters.values == {"seats": 7, "tier": "basic"}
