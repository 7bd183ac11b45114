"""The form for a new tenant, rendered by the real application on a real ledger."""

from dataclasses import replace
from typing import Any

import httpx

from tests.asgi_requests import ask
from tests.integration.console_client import Console
from tests.products import SAMPLE, FewProducts

WRITES = {"X-Tenancy-Request": "1", "Content-Type": "application/x-www-form-urlencoded"}
REQUEST = {
    "slug": "acme",
    "name": "Acme",
    "plan": "starter",
    "region": "eu-central",
    "admin_email": "admin@acme.example",
}


def submit(console: Console, **changes: Any) -> httpx.Response:
    body = str(httpx.QueryParams({**REQUEST, "key": "one-key", "reason": "INC-7", **changes}))
    return ask(console.app, "POST", "/new", headers=WRITES, content=body.encode())


def test_the_empty_form_has_every_field(console: Console):
    page = console.get("/new")
    assert page.status_code == 200
    for field in ("slug", "name", "plan", "region", "admin_email", "reason"):
        assert f'name="{field}"' in page.text


def test_the_product_is_a_choice_where_there_are_several(console: Console):
    assert 'name="product"' not in console.get("/new").text
    several = FewProducts({"sample": lambda: SAMPLE, "crm": lambda: replace(SAMPLE, name="crm")})
    console.tenancy = replace(console.tenancy, products=several)
    assert "<option>crm</option><option selected>sample</option>" in console.get("/new").text
    assert submit(console, product="crm").status_code == 201
    text = console.get("/tenants/acme").text
    assert '<dt>product</dt><dd class="mono">crm</dd>' in text
    assert "dags/tenant_provisioning__crm/runs/" in text
    assert 'id="tenant-acme"' in console.get("/?product=crm").text
    assert 'id="tenant-acme"' not in console.get("/?product=sample").text


def test_a_product_that_is_not_there_is_named_beside_its_field(console: Console):
    several = FewProducts({"sample": lambda: SAMPLE, "crm": lambda: replace(SAMPLE, name="crm")})
    console.tenancy = replace(console.tenancy, products=several)
    answer = submit(console, product="erp")
    assert answer.status_code == 409
    assert 'id="wrong-product"' in answer.text


def test_a_mistake_is_named_beside_its_field_and_what_was_typed_stays(console: Console):
    answer = submit(console, slug="No Slug", name="Acme <b>GmbH</b>")
    assert answer.status_code == 400
    assert 'id="wrong-slug"' in answer.text
    assert 'value="No Slug"' in answer.text
    assert "Acme &lt;b&gt;GmbH&lt;/b&gt;" in answer.text
