"""A product with a container activity in a real Airflow: its Job is cancelled, retried, undone, and leaves nothing."""

import pytest

from sandbox.access import Access
from tests.acceptance import operators, runs
from tests.acceptance.products.mailboxes import Mailboxes
from tests.acceptance.tenant_objects import find_objects


@pytest.mark.timeout(600)
def test_a_tenant_is_cancelled_in_the_middle_of_its_job_retried_active_and_decommissioned(
    several: Access, mailboxes: Mailboxes
):
    slug = runs.new_slug("mail")
    held = mailboxes.hold(slug)
    operators.create(several, {**runs.request(slug), "product": "mail"})
    runs.wait_until(lambda: mailboxes.has_begun(slug), "the Job to run")
    operators.perform(several, slug, "cancel")
    runs.await_phase(several, slug, "Failed settled")
    assert mailboxes.names == []
    held.unlink()

    operators.perform(several, slug, "reset")
    operators.perform(several, slug, "retry")
    runs.await_phase(several, slug, "Active")
    assert [name.rpartition("-")[0] for name in mailboxes.names] == [slug]
    tenant = operators.get(several, f"/tenants/{slug}")
    assert tenant["outputs"]["create_mailbox"] == {"address": f"{slug}@mail.example"}

    operators.perform(several, slug, "decommission", confirm_slug=slug)
    runs.await_phase(several, slug, "Decommissioned")
    assert mailboxes.names == []
    assert find_objects(several, slug).is_empty
