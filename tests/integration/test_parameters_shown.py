"""A product's parameters in the console's forms and in the API: each mistake at its field, and nothing created."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tenancy.adapters.parameter_values import check_values
from tenancy.adapters.product_error import product_error
from tenancy.console.api.app import create_api
from tenancy.console.engine_watch import engine_watch
from tenancy.console.services import Services
from tenancy.saga import commands as c
from tenancy.saga.product import Product
from tenancy.saga.product_parameters import schema_of
from tenancy.saga.tenant import Parameters
from tests.asgi_requests import ask
from tests.integration.console_client import Console
from tests.products import PROPERTIES, SAMPLE, FewProducts, with_parameters
from tests.unit.sagas import start

WRITES = {"X-Tenancy-Request": "1", "Content-Type": "application/x-www-form-urlencoded"}
REQUEST = {"slug": "acme", "name": "Acme", "plan": "starter", "region": "eu-central", "admin_email": "ada@acme.example"}
READY = (start(parameters=Parameters(**REQUEST, values={"seats": 7})), c.Cancel(), c.Settle(1), c.Reset())
"""A tenant that was reset and can be retried."""
Post = Callable[..., httpx.Response]


@pytest.fixture
def form(console: Console) -> Console:
    """The console of two products: the sample with parameters, and crm with one that is required."""
    crm = with_parameters({"colour": {"type": "string", "title": "Colour"}}, required=("colour",))
    loaders = {"sample": with_parameters, "crm": lambda: replace(crm, name="crm")}
    console.tenancy = replace(console.tenancy, products=FewProducts(loaders))
    return console


@pytest.fixture
def api(form: Console) -> FastAPI:
    services = Services(lambda: form.tenancy, lambda: form.now, engine_watch(lambda: form.tenancy))
    return create_api(services, form._authenticate)


@pytest.fixture
def post(api: FastAPI) -> Post:
    def post(path: str = "/tenants", **body: Any) -> httpx.Response:
        return ask(api, "POST", path, headers={"X-Tenancy-Request": "1"}, json=body)

    return post


def submit(console: Console, path: str = "/new", **changes: Any) -> httpx.Response:
    body = str(httpx.QueryParams({**REQUEST, "key": "one-key", **changes}))
    return ask(console.app, "POST", path, headers=WRITES, content=body.encode())


def count(console: Console) -> int:
    with console.ledger.open("test") as session:
        return int(session.rows("tenants_by_state")[0]["tenants"]) if session.rows("tenants_by_state") else 0


def test_the_form_has_a_field_of_its_kind_for_each_parameter(form: Console):
    page = form.get("/new").text
    assert all(f'name="parameters.{key}"' in page for key in PROPERTIES)
    assert re.search(r'name="parameters.seats" type="number" step="1" maxlength="1000" value="5"', page)
    assert re.search(r'<select id="field-parameters.tier".*><option selected></option><option>basic</option>', page)
    assert re.search(r'name="parameters.trial"><option selected></option><option>true</option><option>false<', page)
    assert "optional; the id of an Airflow connection whose password is the secret" in page


def test_each_mistake_stands_beside_its_field_and_nothing_is_created(form: Console):
    sent = {"parameters.seats": "many", "parameters.tier": "lead", "parameters.smtp_password": "hunter2"}
    answer = submit(form, slug="No Slug", **sent)
    assert answer.status_code == 400
    for field, sentence in (
        ("slug", "slug: must be 3 to 40"),
        ("parameters.seats", "seats: must be a whole number."),
        ("parameters.tier", "tier: must be one of basic, gold."),
        ("parameters.smtp_password", "smtp_password: must be the id of an Airflow connection"),
    ):
        assert re.search(rf'id="wrong-{field}">{re.escape(sentence)}', answer.text), field
    assert 'value="many"' in answer.text  # what was typed stays
    assert count(form) == 0


def test_what_was_typed_is_recorded_as_the_schema_reads_it(form: Console):
    sent = {"parameters.seats": " 7 ", "parameters.trial": "true", "parameters.tier": ""}
    assert submit(form, **sent).status_code == 201
    (conf,) = form.runs.confs.values()
    assert conf == {**REQUEST, "seats": 7, "trial": True}


def test_another_product_has_other_fields_and_what_was_typed_stays(form: Console):
    other = submit(form, "/new/form", product="crm", name="Acme & Co")
    assert other.status_code == 200
    assert 'name="parameters.colour"' in other.text
    assert 'name="parameters.seats"' not in other.text
    assert "Acme &amp; Co" in other.text
    assert count(form) == 0
    assert "colour: is missing." in submit(form, product="crm").text
    assert submit(form, product="crm", **{"parameters.colour": "red"}).status_code == 201


def test_a_field_that_the_product_has_no_more_is_named_above_the_form(form: Console):
    answer = submit(form, **{"parameters.colour": "red"})
    assert answer.status_code == 400
    assert re.search(r'role="alert"><b>Not created.</b> colour: no such field\.', answer.text)


def test_a_tenants_page_shows_its_parameters(form: Console):
    values = {"seats": 7, "trial": True, "smtp_password": "secret_a"}
    tenant_id = form.tenant(start(parameters=Parameters(**REQUEST, values=values)))
    page = form.get(f"/tenants/{tenant_id}").text
    for key, value in (("seats", "7"), ("trial", "true"), ("smtp_password", "secret_a")):
        assert f"<dt>{key}</dt><dd>{value}</dd>" in page


def test_a_retry_shows_the_present_values_and_takes_corrections(form: Console):
    tenant_id = form.tenant(*READY)
    dialog = form.get(f"/tenants/{tenant_id}/actions/retry").text
    assert re.search(r'name="parameters.seats"[^>]*value="7"', dialog)
    path = f"/tenants/{tenant_id}/actions/retry"
    wrong = submit(form, path, reason="typo", **{"parameters.seats": "100"})
    assert wrong.status_code == 400
    assert re.search(r'id="wrong-parameters.seats">seats: must be at most 99\.', wrong.text)
    assert "<details open>" in wrong.text
    right = submit(form, path, reason="typo", key="another-key", **{"parameters.seats": "8"})
    assert right.status_code == 200, right.text
    with form.ledger.open("test") as session:
        saga = session.saga(tenant_id)
    assert saga is not None
    assert saga.parameters.values == {"seats": 8}


# -- the API


def test_the_api_creates_a_tenant_with_parameters_and_returns_them(post: Post):
    answer = post(**REQUEST, parameters={"seats": 7, "discount": 0.25, "tier": None, "trial": "false"})
    assert answer.status_code == 201
    assert answer.json()["tenant"]["parameters"] == {"seats": 7, "discount": 0.25, "trial": False}


def test_the_api_names_every_field_at_fault(post: Post, form: Console):
    answer = post(**{**REQUEST, "plan": "golden"}, parameters={"seats": 0, "trial": 1})
    assert answer.status_code == 400
    problem = answer.json()
    assert problem["field"] == "plan"
    assert list(problem["fields"]) == ["plan", "parameters.seats", "parameters.trial"]
    assert problem["fields"]["parameters.seats"] == "seats: must be at least 1."
    assert problem["detail"] == " ".join(problem["fields"].values())
    assert count(form) == 0


@pytest.mark.parametrize(
    ("parameters", "field", "words"),
    [
        ({"colour": "red"}, "parameters.colour", "colour: no such field. A request has"),
        ({"slug": "other"}, "parameters.slug", "slug: is no parameter but a field of the request"),
        ({"seats": [5]}, "parameters.seats", "must be a text, a number, true or false"),
        ({"seats": {"a": 1}}, "parameters.seats", "must be a text, a number, true or false"),
        ({"tier": "a\0"}, "parameters.tier", "must not contain the character NUL"),
        ({"k" * 64: 1}, "parameters." + "k" * 64 + ".[key]", "is longer than 63 characters"),
        ({f"k{n}": 1 for n in range(51)}, "parameters", "is longer than 50"),
        ([], "parameters", "must be an object"),
    ],
)
def test_the_api_refuses_what_is_no_parameter(post: Post, form: Console, parameters: Any, field: str, words: str):
    answer = post(**REQUEST, parameters=parameters)
    assert (answer.status_code, answer.json()["field"]) == (400, field)
    assert words in answer.json()["detail"]
    assert count(form) == 0


def test_a_dry_run_refuses_a_wrong_parameter_with_its_field(post: Post):
    answer = post("/tenants?dry_run=true", **REQUEST, parameters={"seats": 0})
    assert (answer.status_code, answer.json()["field"]) == (400, "parameters.seats")
    assert post("/tenants?dry_run=true", **REQUEST, parameters={"seats": 7}).json()["allowed"] is True


def test_the_api_corrects_a_parameter_on_a_retry(post: Post, form: Console):
    form.tenant(*READY)
    path = "/tenants/acme/retry"
    wrong = post(path, reason="typo", corrections={"parameters": {"seats": 100}})
    assert (wrong.status_code, wrong.json()["field"]) == (400, "parameters.seats")
    right = post(path, reason="typo", corrections={"parameters": {"seats": 8}})
    assert right.json()["tenant"]["parameters"] == {"seats": 8}


def test_a_product_without_parameters_has_none(post: Post, form: Console):
    form.tenancy = replace(form.tenancy, products=FewProducts({"sample": lambda: SAMPLE}))
    answer = post(**REQUEST, parameters={"seats": 5})
    assert (answer.status_code, answer.json()["field"]) == (400, "parameters.seats")
    assert post(**REQUEST).json()["tenant"]["parameters"] == {}


def _broken() -> Product:
    raise product_error(Path("erp"), ["product.toml: colour", "product.toml: shape"])


def test_the_api_lists_each_product_with_the_schema_of_its_parameters_or_its_mistakes(form: Console, api: FastAPI):
    crm = replace(with_parameters({"colour": {"type": "string"}}, required=("colour",)), plans=("starter",))
    loaders = {"sample": lambda: SAMPLE, "crm": lambda: replace(crm, name="crm"), "erp": _broken}
    form.tenancy = replace(form.tenancy, products=FewProducts(loaders))
    of_crm, of_erp, of_sample = ask(api, "GET", "/products").json()["products"]
    assert of_crm["dag"] == "tenant_provisioning__crm"
    assert of_crm["plans"] == ["starter"]
    assert of_crm["parameters"]["required"] == ["colour"]
    assert of_crm["parameters"]["properties"]["colour"]["type"] == "string"
    assert (of_erp["mistakes"], of_erp["version"]) == (["product.toml: colour", "product.toml: shape"], "")
    assert (of_sample["default"], of_sample["dag"]) == (True, "tenant_provisioning")
    assert of_sample["activities"] == list(SAMPLE.activities)
    assert of_sample["parameters"]["properties"] == {}


@given(
    values=st.fixed_dictionaries({}, optional={"seats": st.integers(), "trial": st.one_of(st.booleans(), st.text())})
)
def test_what_the_listed_schema_accepts_a_request_may_have(values: dict[str, Any]):
    parameters = with_parameters().parameters
    listed = Draft202012Validator(schema_of(parameters)).is_valid(values)
    _, wrong = check_values(parameters, {**REQUEST, **values})
    assert not (listed and wrong)


def _plans_in(page: str) -> list[str]:
    found = re.search('<select id="field-plan".*?</select>', page)
    assert found
    return re.findall("<option[^>]*>([^<]*)<", found[0])


def test_the_forms_offer_the_plans_of_the_product(form: Console):
    offered = list(form.tenancy.platform.offered_plans)
    only = replace(with_parameters(), name="crm", plans=(offered[1],))
    form.tenancy = replace(form.tenancy, products=FewProducts({"sample": with_parameters, "crm": lambda: only}))
    assert _plans_in(form.get("/new").text) == offered
    assert _plans_in(submit(form, "/new/form", product="crm").text) == [offered[1]]


def test_a_retry_offers_the_plans_of_the_product_and_the_present_one(form: Console):
    form.tenant(*READY)
    offered = list(form.tenancy.platform.offered_plans)
    only = replace(with_parameters(), plans=(offered[1],))
    form.tenancy = replace(form.tenancy, products=FewProducts({"sample": lambda: only}))
    assert _plans_in(form.get("/tenants/acme/actions/retry").text) == [offered[1], READY[0].parameters.plan]
