"""`tenantctl` as an operator runs it: as a process, against the real sandbox, with no flags but the command's."""

import json
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from sandbox.access import Access
from sandbox.faults.client import FaultClient
from tests.acceptance.command_line import WHY, Operator
from tests.acceptance.runs import await_phase, fact_kinds, new_slug, phase


@pytest.fixture
def operator(sandbox: Access) -> Operator:
    return Operator(sandbox)


@pytest.fixture
def fault_client(sandbox: Access) -> Iterator[FaultClient]:
    fault_client = FaultClient(sandbox.layout)
    yield fault_client
    fault_client.clear()


@pytest.fixture
def slow(sandbox: Access, fault_client: FaultClient, operator: Operator) -> Callable[[], str]:
    """A tenant that waits for its pods, which take a minute longer."""

    def make() -> str:
        slug = new_slug("slow")
        fault_client.set("slow-start", tenant=slug, seconds=60)
        operator.create(slug)
        return slug

    return make


def test_create_and_watch_until_active(operator: Operator):
    slug = new_slug("ctl")
    operator.create(slug)

    output = operator.run("watch", slug)

    assert "✓ Mark active" in output
    assert f"{slug} (attempt 1) is Active" in output
    assert slug in operator.run("list", "--state", "Active")
    assert operator.json("show", slug)["state"] == "Active"
    for verb in ("show", "timeline", "errors", "audit", "resources"):
        assert operator.run(verb, slug)


def test_cancel_of_a_waiting_tenant_then_reset_and_retry(
    sandbox: Access, fault_client: FaultClient, operator: Operator, slow: Callable[[], str]
):
    slug = slow()
    await_phase(sandbox, slug, "Provisioning")
    refused = operator("reset", slug, *WHY)
    assert refused.returncode == 3
    assert "Try again in 2 minutes." in refused.stderr

    output = operator.run("cancel", slug, "--wait", *WHY)

    assert "resources left none" in output.splitlines()[-2]
    assert operator.json("show", slug)["substate"] == "settled"

    fault_client.clear()
    operator.run("reset", slug, *WHY)
    operator.run("retry", slug, *WHY)
    assert f"{slug} (attempt 2) is Active" in operator.run("watch", slug)


def test_recover_of_a_failed_tenant(sandbox: Access, fault_client: FaultClient, operator: Operator):
    slug = new_slug("rec")
    fault_client.set("failing-revision")
    operator.create(slug)
    assert await_phase(sandbox, slug, "Failed settled") == "Failed settled"
    assert operator("watch", slug).returncode == 1
    fault_client.clear()

    output = operator.run("recover", slug, *WHY)

    assert [line.split()[1] for line in output.splitlines() if line.startswith("→")] == ["reset", "retry"]
    assert f"{slug} is Active: attempt 2 succeeded." in output
    assert fact_kinds(sandbox, slug)[-1] == "tenant.provisioning.completed"


def test_recover_of_an_attempt_that_continues_waits_for_it_and_cancels_nothing(
    sandbox: Access, operator: Operator, slow: Callable[[], str]
):
    slug = slow()
    await_phase(sandbox, slug, "Provisioning")

    output = operator.run("recover", slug, *WHY)

    assert "it is not stalled, so nothing is cancelled" in output
    assert f"{slug} is Active" in output
    assert "tenant.provisioning.cancel.requested" not in fact_kinds(sandbox, slug)


def test_two_operators_who_recover_at_once_start_one_attempt(
    sandbox: Access, fault_client: FaultClient, operator: Operator
):
    slug = new_slug("two")
    fault_client.set("failing-revision")
    operator.create(slug)
    await_phase(sandbox, slug, "Failed settled")
    fault_client.clear()

    with ThreadPoolExecutor() as both:
        output = list(both.map(lambda _: operator.run("recover", slug, *WHY), range(2)))

    assert all(f"{slug} is Active: attempt 2 succeeded." in each for each in output)
    assert fact_kinds(sandbox, slug).count("tenant.provisioning.retried") == 1


def test_ctrl_c_leaves_a_watch_and_stops_nothing(sandbox: Access, operator: Operator, slow: Callable[[], str]):
    slug = slow()
    watching = operator.start("watch", slug)
    assert watching.stdout is not None
    assert slug in watching.stdout.readline()

    watching.send_signal(signal.SIGINT)

    _, output = watching.communicate(timeout=10)
    assert watching.returncode == 130
    assert output == "\nInterrupted. The operation continues; `tenantctl watch` shows it.\n"
    assert phase(sandbox, slug) == "Provisioning"


def test_recover_stops_when_the_cause_stays(sandbox: Access, fault_client: FaultClient, operator: Operator):
    slug = new_slug("perm")
    fault_client.set("failing-revision")
    operator.create(slug)
    await_phase(sandbox, slug, "Failed settled")

    ended = operator("recover", slug, *WHY)

    assert ended.returncode == 1
    assert "with the same error as before" in ended.stderr
    captured = operator.run("escalate", slug, *WHY)
    assert "Already tried:            cancel no, reset yes, retry yes" in captured


def test_decommission_wants_the_slug_and_leaves_nothing(operator: Operator):
    slug = new_slug("gone")
    operator.create(slug)
    operator.run("watch", slug)

    assert operator("decommission", slug, *WHY).returncode == 2
    assert operator("decommission", slug, "--confirm", slug, *WHY).returncode == 2
    tenant_id = json.loads(operator.run("show", slug, "--json"))["id"]
    assert "nothing is left" in operator.run("decommission", tenant_id, "--confirm", slug, "--wait", *WHY)


def test_what_the_viewer_may_not_do(operator: Operator):
    slug = new_slug("see")
    operator.create(slug)
    assert operator("cancel", slug, *WHY, "--user", "viewer").returncode == 5
    assert operator("show", slug, "--user", "viewer").returncode == 0
    assert operator("show", "no-such-tenant").returncode == 4
