"""Where and when the tasks run that look after tenants: who says that tenants wait must not wait with them."""

from typing import Any, Final

from tenancy.airflow_settings import UPKEEP_POOL

UPKEEP: Final[dict[str, Any]] = {
    "pool": UPKEEP_POOL,
    # Before every activity: where all of the executor's places are taken, theirs is the next (the scheduler takes tasks
    # by weight, and by default the first of a tenant's seven weighs 7).
    "priority_weight": 1000,
    "weight_rule": "absolute",
}
"""Arguments of their operators."""
