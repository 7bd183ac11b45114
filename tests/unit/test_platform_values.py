"""Whatever the platform file accepts, the chart's schema, the cluster, PostgreSQL and Airflow accept."""

import copy
import json
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from kubernetes.utils.quantity import parse_quantity

import sandbox
from cluster_emulator import quantities, validation
from cluster_emulator.kinds import DEPLOYMENT, INGRESS, NAMESPACE
from tenancy.activities.deploy_workloads import quota_of
from tenancy.adapters.platform_file import parse_platform
from tenancy.saga.errors import PlatformFileError
from tenancy.saga.platform import Platform
from tenancy.saga.product import ExtraQuota
from tests.conformance.manifests import deployment, ingress
from tests.products import CHART
from tests.unit.test_chart import VALUES

SHIPPED = tomllib.loads((Path(sandbox.__file__).parent / "platform.toml").read_text())
SCHEMA = json.loads((CHART / "values.schema.json").read_text())
PLAN, REGION = ("plans", "starter"), ("regions", "eu-central")
CRM = (*PLAN, "products")
DEFAULTS = {"image": {"repository": "r", "tag": "1"}, "databasePort": 5432}


def parse(*changes: tuple[tuple[str, ...], Any]) -> Platform:
    document = copy.deepcopy(SHIPPED)
    for (*path, last), value in changes:
        table = document
        for step in path:
            table = table[step]
        table[last] = value
    return parse_platform(document, ())


def complaints(*changes: tuple[tuple[str, ...], Any]) -> str:
    with pytest.raises(PlatformFileError) as wrong:
        parse(*changes)
    return str(wrong.value)


WRONG = [
    ((*PLAN, "memory"), "128m", "[plans.starter] memory = 128m is 0.128 bytes"),
    ((*PLAN, "memory"), "128", "memory = 128 is 128 bytes"),
    ((*PLAN, "memory"), "128k", "at least 4Mi"),
    ((*PLAN, "memory"), "0", "at least 4Mi"),
    ((*PLAN, "memory"), "-1Gi", "at least 4Mi"),
    ((*PLAN, "memory"), "1000000000.5", "whole bytes"),
    ((*PLAN, "memory"), "8Ei", "must be at most"),
    ((*PLAN, "memory"), "1e30", "must be at most"),
    ((*PLAN, "memory"), "1e999", "must be a Kubernetes quantity"),
    ((*PLAN, "memory"), "128MB", "must be a Kubernetes quantity"),
    ((*PLAN, "memory"), "128mi", "must be a Kubernetes quantity"),
    ((*PLAN, "cpu"), "0", "at least 1m"),
    ((*PLAN, "cpu"), "0.0001", "at least 1m"),
    ((*PLAN, "cpu"), "100u", "at least 1m"),
    ((*PLAN, "cpu"), "1.5m", "whole thousandths"),
    ((*PLAN, "cpu"), "1e50", "must be at most"),
    ((*PLAN, "replicas"), 51, "replicas must be at most 50"),
    ((*PLAN, "database_connections"), 2**31, "database_connections must be at most 262143"),
    ((*PLAN, "workflow_pool"), "p" * 257, "workflow_pool must have at most 256 characters"),
    (
        (*REGION, "ingress_domain"),
        "https://Upper.example.com",
        "[regions.eu-central] ingress_domain must be a DNS name",
    ),
    ((*REGION, "ingress_domain"), "Upper.example.com", "must be a DNS name"),
    ((*REGION, "ingress_domain"), "eu.example.com/", "must be a DNS name"),
    ((*REGION, "ingress_domain"), "eu.example.com:443", "must be a DNS name"),
    ((*REGION, "ingress_domain"), "eu..example.com", "must be a DNS name"),
    ((*REGION, "ingress_domain"), "eu.example.com.", "must be a DNS name"),
    ((*REGION, "ingress_domain"), "*.example.com", "must be a DNS name"),
    ((*REGION, "ingress_domain"), "eu_1.example.com", "must be a DNS name"),
    ((*REGION, "ingress_domain"), "-eu.example.com", "must be a DNS name"),
    ((*REGION, "ingress_domain"), "eu.example.com\n", "must be a DNS name"),
    ((*REGION, "ingress_domain"), "bücher.example.com", "must be a DNS name"),
    ((*REGION, "ingress_domain"), f"{'a' * 64}.example.com", "must be a DNS name"),
    ((*REGION, "ingress_domain"), ".".join(["a" * 60] * 4), "must be a DNS name"),
    ((*REGION, "cluster_connection"), "my cluster", "cluster_connection must be the id of an Airflow connection"),
    ((*REGION, "storage_connection"), "c" * 201, "storage_connection must be the id of an Airflow connection"),
    ((*REGION, "connections"), {"object_store": "my store"}, "connections.object_store must be the id of an Airflow"),
    ((*REGION, "connections"), {"Object-Store": "store"}, "connections.Object-Store: a kind of system must be of a-z"),
    (("platform", "name"), "ends-", "[platform] name must be a lower-case word"),
    (("plans", "ends-"), SHIPPED["plans"]["starter"], "[plans.ends-] must have a lower-case name"),
]


@pytest.mark.parametrize(("place", "value", "complaint"), WRONG)
def test_what_a_later_activity_would_refuse_is_refused(place: tuple[str, ...], value: Any, complaint: str):
    assert complaint in complaints((place, value))


@pytest.mark.parametrize("memory", ["128M", "1Ti", "1.5Gi", "134217728", "1e9", "512Mi", "1G", ".5Gi"])
@pytest.mark.parametrize("cpu", ["1", "100m", "0.5", "2.", "1k", "1e3", "1500000u"])
def test_every_form_of_a_quantity_is_accepted(memory: str, cpu: str):
    plan = parse(((*PLAN, "memory"), memory), ((*PLAN, "cpu"), cpu)).plans["starter"]
    assert (plan.memory, plan.cpu) == (memory, cpu)


def test_all_of_these_mistakes_are_named_at_once():
    messages = complaints(
        ((*PLAN, "memory"), "128m"), ((*REGION, "ingress_domain"), "https://x"), ((*PLAN, "replicas"), 51)
    )
    assert all(key in messages for key in ("memory", "ingress_domain", "replicas"))


QUANTITIES = st.one_of(
    st.from_regex(r"[0-9]{1,9}(\.[0-9]{0,3})?(m|u|k|M|G|T|Ki|Mi|Gi|Ti|Pi|e[0-9]{1,2})?", fullmatch=True),
    st.text(alphabet="0123456789.+-mkKMGTiEe ", max_size=8),
)
DOMAINS = st.one_of(
    st.from_regex(r"[a-z0-9-]{1,8}(\.[a-z0-9-]{1,8}){0,3}", fullmatch=True),
    st.text(alphabet="aZ09.-_:/ é", max_size=12),
)
NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,40}", fullmatch=True)


PLACES = st.one_of(
    st.tuples(st.just((*PLAN, "cpu")), QUANTITIES),
    st.tuples(st.just((*PLAN, "memory")), QUANTITIES),
    st.tuples(st.just((*REGION, "ingress_domain")), DOMAINS),
    st.tuples(st.just(("platform", "name")), NAMES),
    st.tuples(st.just((*PLAN, "replicas")), st.integers(-1, 60)),
)


@settings(max_examples=300)
@given(PLACES)
@example((("platform", "name"), "true"))
@example(((*PLAN, "replicas"), 50))
def test_whatever_the_file_accepts_the_chart_and_the_cluster_accept(change: tuple[tuple[str, ...], Any]):
    try:
        accepted = parse(change)
    except PlatformFileError:
        return
    plan, region = accepted.plans["starter"], accepted.regions["eu-central"]
    _chart_accepts(accepted.name, plan.replicas, plan.cpu, plan.memory, region.ingress_domain)
    _cluster_accepts(accepted.name, plan.cpu, plan.memory, region.ingress_domain)
    for limit in quota_of(plan, ExtraQuota()).values():
        assert parse_quantity(limit) == quantities.parse(limit) > 0
        assert parse_quantity(limit) * 1000 <= 2**63 - 1


def _chart_accepts(name: str, replicas: int, cpu: str, memory: str, domain: str) -> None:
    tenant = {**VALUES["tenant"], "platform": name, "proof": f"tenancy:{name}:{VALUES['tenant']['id']}"}
    resources = {"cpu": cpu, "memory": memory}
    changed = {"tenant": tenant, "replicas": replicas, "resources": resources, "ingress": {"domain": domain}}
    jsonschema.validate({**VALUES, **DEFAULTS, **changed}, SCHEMA)


def _cluster_accepts(name: str, cpu: str, memory: str, domain: str) -> None:
    """With the longest slug that there is."""
    web = deployment()
    limits = {"cpu": cpu, "memory": memory}
    web["spec"]["template"]["spec"]["containers"][0]["resources"] = {"limits": limits, "requests": limits}
    validation.check(DEPLOYMENT, web)
    validation.check(INGRESS, ingress(host=f"{'s' * 40}.{domain}"))
    validation.check(NAMESPACE, {"metadata": {"name": "a", "labels": {"tenancy.internal/platform": name}}})


def test_a_region_and_a_plan_are_keys_of_caches():
    """bootstrap.py keeps one client for each region."""
    platform = parse((CRM, {"crm": {"replicas": 2}}))
    assert len({*platform.regions.values(), *platform.plans.values()}) == len(platform.regions) + len(platform.plans)


def test_a_plan_has_other_values_for_one_product():
    plan = parse((CRM, {"crm": {"replicas": 3, "memory": "512Mi"}})).plans["starter"]
    assert (plan.of("crm").replicas, plan.of("crm").memory, plan.of("crm").cpu) == (3, "512Mi", plan.cpu)
    assert plan.of("sample").replicas == plan.replicas


@pytest.mark.parametrize(
    ("products", "problem"),
    [
        ({"crm": {"colour": "red"}}, "[plans.starter.products.crm] has an unknown key colour"),
        ({"crm": {"quota": 3}}, "[plans.starter.products.crm] has an unknown key quota"),
        ({"crm": {"offered": False}}, "[plans.starter.products.crm] has an unknown key offered"),
        ({"crm": {"replicas": "two"}}, "[plans.starter.products.crm] replicas must be a positive whole number"),
        ({"crm": {"replicas": 51}}, "[plans.starter.products.crm] replicas must be at most 50"),
        ({"crm": {"memory": "128m"}}, "[plans.starter.products.crm] memory = 128m is 0.128 bytes"),
        ({"crm": 3}, "[plans.starter.products.crm] must be a table"),
        ({"Crm!": {}}, "[plans.starter.products.Crm!] must have the name of a product"),
        (3, "[plans.starter] products must be a table of tables"),
    ],
)
def test_a_wrong_value_for_one_product_is_named_with_its_place(products: Any, problem: str):
    assert problem in complaints((CRM, products))
