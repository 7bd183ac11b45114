"""The example tenant with which `product check` renders a product's values template."""

from typing import Any

from tenancy.activities.allocate_storage import AllocateStorage
from tenancy.activities.plan import example_outputs, plan_of
from tenancy.activities.workload_values import EXAMPLE
from tenancy.adapters.parameter_schema import example_of
from tenancy.saga.platform import Plan
from tenancy.saga.product import Product


def example_plan() -> Plan:
    """The plan of EXAMPLE."""
    return Plan(workflow_pool="example", **EXAMPLE["plan"])


def example_variables(product: Product) -> dict[str, Any]:
    """EXAMPLE as this product's template gets it: with its parameters, the outputs of its activities, and a database if
    it has one."""
    outputs = example_outputs(plan_of(product))
    parameters = {each.key: example_of(each) for each in product.parameters}
    secrets = {"parameters": {each.key: "a-secret" for each in product.parameters if each.is_secret}}
    if AllocateStorage.name in product.activities:
        outputs, secrets = {**outputs, **EXAMPLE["outputs"]}, {**EXAMPLE["secrets"], **secrets}
    else:
        secrets = {"admin_invitation_digest": EXAMPLE["secrets"]["admin_invitation_digest"], **secrets}
    return {**EXAMPLE, "parameters": parameters, "outputs": outputs, "secrets": secrets}
