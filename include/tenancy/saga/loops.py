"""When retrying is no help any more: warnings by count and by sameness, never a refusal by count (runbook).

"Don't loop retry -> fail -> retry -> fail more than 2-3 times. Each attempt costs allocation churn. After the 3rd
failure, decommission + recreate is cleaner. Loop detection is a humans-only safeguard."
"""

from typing import Final

from tenancy.saga.sameness import steady
from tenancy.saga.tenant import Failure, Saga

ENOUGH: Final = 3
"""Failures after which the runbook advises to decommission and recreate."""


def warnings(saga: Saga) -> tuple[str, ...]:
    """Sentences an operator should read before another retry."""
    found = []
    if same_error_again(saga):
        found.append(
            f"Not transient: {saga.failures[-1].activity} failed twice with the same error. Check the platform's "
            "health, the tenant's plan and region, and quotas before another retry."
        )
    if len(saga.failures) >= ENOUGH:
        found.append(
            f"This tenant failed {len(saga.failures)} times; its attempts made and released {saga.churn} resources so "
            "far. Decommission and recreate is cleaner than another retry."
        )
    return tuple(found)


def same_error_again(saga: Saga) -> bool:
    """Did the last two attempts fail at the same activity with the same error, numbers and ids apart?"""
    return len(saga.failures) > 1 and _sameness(saga.failures[-1]) == _sameness(saga.failures[-2])


def wants_typed_slug(saga: Saga) -> bool:
    """Before a retry that would be the fourth attempt, or a later one."""
    return len(saga.failures) >= ENOUGH


def _sameness(failure: Failure) -> tuple[str, str]:
    return failure.activity, steady(failure.message)
