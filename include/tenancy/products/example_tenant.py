"""The example tenant with which `product check` renders a product's values template."""

from typing import Any

from tenancy.activities.plan import plan_of
from tenancy.activities.workload_values import EXAMPLE
from tenancy.saga.product import Product


def example_variables(product: Product) -> dict[str, Any]:
    """EXAMPLE as this product's template gets it: with the outputs of its activities, and a database if it has one."""
    outputs = {activity.name: activity.example_outputs for activity in plan_of(product) if activity.example_outputs}
    if "allocate_storage" in product.activities:
        return {**EXAMPLE, "outputs": {**outputs, **EXAMPLE["outputs"]}}
    digest = EXAMPLE["secrets"]["admin_invitation_digest"]
    return {**EXAMPLE, "outputs": outputs, "secrets": {"admin_invitation_digest": digest}}
