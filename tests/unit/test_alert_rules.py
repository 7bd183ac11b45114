"""The example rules for Prometheus and the documents: they name what is exposed, with labels that there are."""

import json
import re
from typing import Any

import jsonschema
import pytest
import yaml

from sandbox.layout import PROJECT
from tenancy.console.metrics_view import exposition
from tests.openmetrics_reader import Document, read
from tests.unit.test_alert_messages import message
from tests.unit.test_openmetrics import BUSY

DOCS = PROJECT / "docs"
_SELECTOR = re.compile(r"\b(tenancy_[a-z_]+)(?:\{([^}]*)\})?")
_MATCHER = re.compile(r'([a-z_]+)(=~|=)"([^"]*)"')
_OTHER_NAMES = {"tenancy_notify_slack", "tenancy_notify_smtp", "tenancy_notify_webhook"}


def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load((DOCS / "reference" / "alerts.example.yml").read_text())["groups"]
    return list(group["rules"])


def exposed() -> Document:
    return read(exposition(BUSY).decode())


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_a_rule_asks_for_what_is_exposed_and_says_what_to_do(rule: dict[str, Any]):
    document = exposed()
    for name, matchers in _SELECTOR.findall(rule["expr"]):
        labels = [sample.labels for sample in document.families[name].samples]
        for label, operator, value in _MATCHER.findall(matchers):
            pattern = value if operator == "=~" else re.escape(value)
            assert any(re.fullmatch(pattern, each.get(label, "")) for each in labels), f"no {label} is {value}"
    assert rule["annotations"]["runbook"].endswith(".")
    assert rule["labels"]["severity"] in {"page", "ticket"}


def test_the_rules_are_those_that_were_wanted():
    names = {rule["alert"].removeprefix("Tenancy") for rule in rules()}
    assert names >= {"Stall", "ClassOfStalls", "ReconcilerLate", "InBetween", "Stuck", "Slow"}


def test_what_sums_are_made_by_are_labels():
    for rule in rules():
        for labels, name in re.findall(r"sum by \(([^)]*)\) \((tenancy_[a-z_]+)\)", rule["expr"]):
            (first, *_) = exposed().families[name].samples
            assert {each.strip() for each in labels.split(",")} <= set(first.labels)


def test_the_document_lists_exactly_what_is_exposed():
    page = (DOCS / "reference" / "metrics.md").read_text()
    rows = re.findall(r"^\| `(tenancy_[a-z_]+)` \|([^|]*)\|", page, re.MULTILINE)
    listed = {name: set(re.findall(r"`([a-z_]+)`", labels)) for name, labels in rows}
    assert listed == {
        name: set(family.samples[0].labels) for name, family in exposed().families.items() if family.samples
    }


def test_the_webhooks_schema_has_every_field_of_its_body():
    example, schema = re.findall(r"```json\n(.*?)```", (DOCS / "operating" / "notifications.md").read_text(), re.DOTALL)
    shape, body = json.loads(schema), message().webhook()
    assert set(body) == set(shape["required"]) == set(shape["properties"]) == set(json.loads(example))
    jsonschema.validate(body, shape)
    jsonschema.validate(json.loads(example), shape)
