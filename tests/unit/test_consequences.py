"""What a dialog says is what will happen: by the tenant as it is now, not by the action's name."""

from dataclasses import replace

import pytest

from tenancy.engine.actions.actions import ACTIONS
from tenancy.engine.actions.consequences import describe_consequence, describe_removed
from tenancy.engine.actions.preview import preview
from tenancy.saga import commands as c
from tenancy.saga.tenant import Saga
from tests.unit.sagas import PHASES, STORAGE, VALIDATE, ask, begin, done, start, tenant_in, unwound

FOR_GOOD = "Permanently deletes this tenant's database, workloads and credentials. This cannot be undone."


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("action", ACTIONS)
def test_every_action_says_something_in_every_phase_and_a_dry_run_says_the_same(phase: str, action: str):
    sentence = describe_consequence(tenant_in(phase), action)
    assert sentence.endswith(".")
    assert preview(tenant_in(phase), action).consequence == sentence


@pytest.mark.parametrize("phase", ["Active", "Failed retained"])
def test_consequences_name_customer_data_that_is_deleted_for_good(phase: str):
    saga = replace(tenant_in(phase), past_no_return=True)
    if preview(saga, "decommission").allowed:
        assert describe_consequence(saga, "decommission").startswith(FOR_GOOD)
    if preview(saga, "cancel").allowed:
        assert describe_consequence(saga, "cancel").startswith(FOR_GOOD)


def test_an_active_tenants_data_too_where_its_ledger_knows_no_point_of_no_return():
    saga = replace(tenant_in("Active"), past_no_return=False)
    assert describe_consequence(saga, "decommission").startswith(FOR_GOOD)


@pytest.mark.parametrize("phase", ["Failed settled", "Failed ready"])
def test_recreating_a_failed_tenant_decommissions_it_first_and_says_so(phase: str):
    sentence = describe_consequence(tenant_in(phase), "recreate")
    assert sentence.startswith("First decommissions this tenant: it cannot be retried any more. Then creates a new")
    assert "First decommissions" not in describe_consequence(tenant_in("Decommissioned"), "recreate")


def test_what_deletes_nothing_does_not_say_that_it_deletes():
    saga = tenant_in("Failed settled")
    assert saga.has_nothing_left
    assert describe_consequence(saga, "decommission").startswith("Nothing of this tenant is left to delete.")
    for action in ("reset", "retry", "escalate"):
        assert "cannot be undone" not in describe_consequence(saga, action)


@pytest.mark.parametrize("phase", ["Cancelling", "Failed unwinding", "Failed stuck"])
def test_a_second_cancel_says_that_it_starts_again(phase: str):
    assert "starts removing what is left again" in describe_consequence(
        replace(tenant_in(phase), past_no_return=False), "cancel"
    )


def _cancelled() -> Saga:
    return ask(None, start(), *done(VALIDATE), begin(STORAGE), c.Cancel())


def test_what_was_made_and_removed_is_counted():
    assert describe_removed(ask(None, start())) == "Nothing was created: there is nothing to remove."
    assert describe_removed(_cancelled()) == ""
    made = len(_cancelled().live_resources)
    sentence = describe_removed(unwound(_cancelled()))
    assert sentence == f"{made} objects were created and removed; nothing is left to remove."
