"""What the runbook forbids, by the command line and the API, with the roles that Airflow itself keeps."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from sandbox.access import Access
from sandbox.faults.client import FaultClient
from tenancy.saga.names import lock_key
from tests.acceptance import operators, runs
from tests.acceptance.command_line import WHY, Operator
from tests.acceptance.tenant_objects import assert_complete, find_objects

REFUSED, MISUSE, NOT_ALLOWED = 3, 2, 5


@pytest.fixture
def operator(sandbox: Access) -> Operator:
    return Operator(sandbox)


@pytest.fixture
def waiting(sandbox: Access, fault_client: FaultClient) -> str:
    """A tenant that waits for its pods."""
    slug = runs.new_slug("no")
    fault_client.set("slow-start", tenant=slug, seconds=600)
    operators.create(sandbox, runs.request(slug))
    runs.wait_until(lambda: runs.is_waiting_for_pods(sandbox, slug), f"{slug} to wait for its pods")
    return slug


@contextmanager
def undoing_held(access: Access, slug: str) -> Iterator[None]:
    """Nothing is undone meanwhile: whoever holds the tenant's lock looks like a later unwinder."""
    row = runs.tenant(access, slug)
    assert row is not None
    later = "tenancy unwind 999 test"
    with psycopg.connect(access.ledger_dsn, autocommit=True, application_name=later) as connection:
        connection.execute("select pg_advisory_lock(%s)", (lock_key(row["id"]),))
        yield


def refused(operator: Operator, *words: str) -> dict[str, object]:
    """The problem the API answered; the command line ends with the code of a refusal."""
    ended = operator(*words, *WHY, "--json")
    assert ended.returncode == REFUSED, f"{words}: {ended.returncode} {ended.stderr}"
    problem = dict(json.loads(ended.stdout))
    assert problem["status"] == 409
    return problem


def _id(access: Access, slug: str) -> str:
    row = runs.tenant(access, slug)
    assert row is not None
    return str(row["id"])


def test_actions_that_the_runbook_forbids_are_refused_with_the_next_step(
    sandbox: Access, operator: Operator, waiting: str
):
    tenant_id = _id(sandbox, waiting)
    cancel_first = "Cancel first: it releases the resources cleanly."
    reset = refused(operator, "reset", waiting)
    assert reset["retry_after"] == 120
    assert cancel_first in str(reset["detail"])
    assert cancel_first in str(refused(operator, "decommission", tenant_id, "--confirm", waiting)["detail"])
    refused(operator, "retry", waiting)
    refused(operator, "recreate", waiting)

    with undoing_held(sandbox, waiting):
        operator.run("cancel", waiting, *WHY)
        wait = "Wait 2 minutes for the cancel to complete, cancel again if it has not, then reset."
        reset = refused(operator, "reset", waiting)
        assert reset["retry_after"] == 120
        assert wait in str(reset["detail"])
        assert wait in str(refused(operator, "decommission", tenant_id, "--confirm", waiting)["detail"])
        refused(operator, "retry", waiting)
        refused(operator, "recreate", waiting)

    runs.await_phase(sandbox, waiting, "Failed settled")
    refused(operator, "retry", waiting)  # before its reset
    operator.run("reset", waiting, *WHY)
    assert len(runs.refusals(sandbox, waiting)) == 9


def test_a_forced_reset_wants_the_engineers_role_and_a_reason_and_is_audited(
    sandbox: Access, fault_client: FaultClient, operator: Operator, waiting: str
):
    forced = {"force": True, "reason": "INC-7: the engine has lost it"}
    assert operators.send(sandbox, f"/tenants/{waiting}/reset", forced).status_code == 403
    for reason in ({}, {"reason": ""}, {"reason": " "}):
        body = {"force": True, **reason}
        answer = operators.send(sandbox, f"/tenants/{waiting}/reset", body, user="engineer")
        assert 400 <= answer.status_code < 500, answer.text
        assert answer.json()["field"] == "reason"
    assert operator("reset", waiting, "--force", *WHY).returncode == NOT_ALLOWED
    assert operator("reset", waiting, "--force", "--yes", "--user", "engineer").returncode == MISUSE
    assert runs.phase(sandbox, waiting) == "Provisioning"

    done = operator("reset", waiting, "--force", "--reason", "INC-7", "--yes", "--user", "engineer")

    assert done.returncode == 0, done.stderr
    assert runs.phase(sandbox, waiting) == "Failed ready"
    question = (
        "select actor, reason, data from ledger.fact join ledger.tenant on stream = id where slug = %s and kind = %s"
    )
    (fact,) = runs.ledger(sandbox, question, waiting, "tenant.provisioning.reset")
    assert (fact["actor"], fact["reason"], fact["data"]["forced"]) == ("engineer", "INC-7", True)
    _what_it_had_is_taken_over(sandbox, fault_client, operator, waiting)


def _what_it_had_is_taken_over(access: Access, fault_client: FaultClient, operator: Operator, slug: str) -> None:
    """A forced reset looks at nothing and releases nothing."""
    fault_client.clear()
    operator.run("retry", slug, *WHY)
    assert "(attempt 2) is Active" in operator.run("watch", slug)
    assert_complete(access, slug)
    tenant_id = _id(access, slug)
    operator.run("decommission", tenant_id, "--confirm", slug, "--wait", *WHY)
    assert find_objects(access, slug).is_empty
