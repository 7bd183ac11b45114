"""Cancel at every activity, before, during and after its effect, by the API and by Airflow's own button.

All resources are released in reverse order, and never before the activity that made them has ended.
"""

import time
from contextlib import ExitStack

import pytest

from sandbox.access import Access
from tests.acceptance import cancel_cases, runs
from tests.acceptance.cancel_cases import CancelCase
from tests.acceptance.tenant_objects import find_objects
from tests.products import PLAN

LATE_SECONDS = 3.0
"""What a dead process left in a server shows within 2 s (client_connection_check_interval)."""


@pytest.mark.timeout(400)
@pytest.mark.parametrize("activity", [activity.name for activity in PLAN])
def test_cancel_undoes_all_in_reverse_wherever_it_strikes(sandbox: Access, activity: str):
    with ExitStack() as stack:
        cases = cancel_cases.hold_tenants(sandbox, activity, stack)
        for case in cases:
            answer = cancel_cases.cancel(sandbox, case)
            if answer is not None:
                _tells_three_facts(answer, case)
        for case in cases:  # a mark in Airflow is heeded a moment later; until then the activity may not continue
            runs.wait_until(
                lambda case=case: runs.phase(sandbox, case.slug) != "Provisioning", f"{case} to be cancelled"
            )
    for case in cases:
        runs.wait_until(lambda case=case: runs.phase(sandbox, case.slug) == "Failed settled", f"{case} to settle")
    time.sleep(LATE_SECONDS)
    for case in cases:
        assert find_objects(sandbox, case.slug).is_empty, case
        assert runs.phase(sandbox, case.slug) == "Failed settled"
        _undone_in_reverse(sandbox, case)


def _tells_three_facts(answer: dict[str, object], case: CancelCase) -> None:
    progress = answer["progress"]
    assert isinstance(progress, dict)
    assert {"in_flight", "undone", "to_undo", "left"} <= progress.keys()
    assert len(progress["left"]) == progress["to_undo"] - progress["undone"], case


def _undoing_order(intended: list[str]) -> list[str]:
    """The reverse order of creation, except for the schema, which is dropped with its database."""
    order = [kind for kind in reversed(intended) if kind != "schema"]
    if "schema" in intended:
        order.insert(order.index("database") + 1, "schema")
    return order


def _undone_in_reverse(access: Access, case: CancelCase) -> None:
    facts = runs.ledger(
        access,
        "select kind, data from ledger.fact join ledger.tenant on stream = id where slug = %s order by fact.seq",
        case.slug,
    )
    kinds = [fact["kind"] for fact in facts]
    after = facts[kinds.index("tenant.provisioning.cancel.requested") :]
    intended = [fact["data"]["resource"] for fact in facts if fact["kind"] == "tenant.resource.intended"]
    # Not when each was released: a system that answers late is asked again after the others.
    tried = [fact["data"]["resource"] for fact in after if fact["kind"] == "tenant.resource.releasing"]
    assert list(dict.fromkeys(tried)) == _undoing_order(intended), case  # what was made late, twice
    assert not [fact for fact in after if fact["kind"].endswith("step.completed")], "nothing is done any more"
