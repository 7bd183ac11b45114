"""A release that kill -9 left in pending-install: the DAG repairs ours and leaves a stranger's alone."""

import os
import signal
from collections.abc import Iterator

import psutil
import pytest
from kubernetes.client import CoreV1Api
from kubernetes.config import new_client_from_config

from sandbox.access import Access
from sandbox.faults.client import FaultClient
from tests.acceptance import gates, operators, runs
from tests.acceptance.tenant_objects import assert_complete, find_objects

STARTED, DEPLOY = "tenant.provisioning.step.started", "deploy_workloads"


@pytest.fixture
def core(sandbox: Access) -> Iterator[CoreV1Api]:
    with new_client_from_config(str(sandbox.layout.kubeconfig)) as client:
        yield CoreV1Api(client)


def namespace_of(access: Access, slug: str) -> str:
    row = runs.tenant(access, slug)
    assert row is not None
    return f"{slug}-{row['id'].hex[-10:]}"


def revisions(core: CoreV1Api, namespace: str) -> list[tuple[str, str]]:
    """Every revision Helm has stored there, with its status."""
    secrets = core.list_namespaced_secret(namespace, label_selector="owner=helm").items
    return [(secret.metadata.name, secret.metadata.labels["status"]) for secret in secrets]


def test_a_release_left_pending_by_a_killed_task_is_brought_back_by_the_next_try(
    sandbox: Access, fault_client: FaultClient, core: CoreV1Api
):
    slug = runs.new_slug("pending")
    with gates.before_fact_of(sandbox, slug, STARTED, DEPLOY):
        run_id = runs.trigger(sandbox, runs.request(slug))
        runs.wait_until(lambda: _is_next(sandbox, slug), "deploying to be next")
        # Each of Helm's writes takes so long that it can be killed after its first.
        fault_client.set("slow", tenant=slug, on=["write"], milliseconds=3000)
    namespace = namespace_of(sandbox, slug)
    left = [(f"sh.helm.release.v1.{namespace}.v1", "pending-install")]
    runs.wait_until(lambda: revisions(core, namespace) == left, "Helm to have begun")
    assert _kill_with_its_helm(sandbox) == 1
    assert revisions(core, namespace) == left
    fault_client.clear()

    assert runs.await_end(sandbox, run_id) == "success"
    assert runs.phase(sandbox, slug) == "Active"
    assert assert_complete(sandbox, slug).releases == (f"sh.helm.release.v1.{namespace}.v1",)
    assert revisions(core, namespace) == [(f"sh.helm.release.v1.{namespace}.v1", "deployed")]


def test_a_strangers_pending_release_of_the_same_name_is_reported_and_stays_byte_for_byte(
    sandbox: Access, core: CoreV1Api
):
    slug = runs.new_slug("foreign")
    with gates.before_fact_of(sandbox, slug, STARTED, DEPLOY):
        runs.trigger(sandbox, runs.request(slug))
        runs.wait_until(lambda: _is_next(sandbox, slug), "deploying to be next")
        namespace = namespace_of(sandbox, slug)
        _a_strangers(core, namespace)
        before = _picture(core, namespace)

    runs.wait_until(
        lambda: "compensation.failed" in " ".join(runs.fact_kinds(sandbox, slug)), "undoing to meet it as well"
    )
    errors = operators.get(sandbox, f"/tenants/{slug}/errors")["errors"]
    assert any(
        f"A namespace {namespace} exists" in each["message"] and "not ours" in each["message"] for each in errors
    )
    assert _picture(core, namespace) == before

    core.delete_namespace(namespace)  # its owner was found
    runs.await_phase(sandbox, slug, "Failed settled")
    assert find_objects(sandbox, slug).is_empty


def _is_next(access: Access, slug: str) -> bool:
    row = runs.tenant(access, slug)
    return bool(row and row["activity"] == DEPLOY)


def _kill_with_its_helm(access: Access) -> int:
    """kill -9 of the task's whole process group; how many Helm children were in it."""
    task = gates.task_process(access)
    group = os.getpgid(task.pid)
    assert group == task.pid, "the supervisor lives"
    with_it = [child for child in task.children(recursive=True) if os.getpgid(child.pid) == group]
    helms = [child for child in with_it if "helm_child" in " ".join(child.cmdline())]
    os.killpg(group, signal.SIGKILL)
    psutil.wait_procs([task, *with_it], timeout=30)
    return len(helms)


def _a_strangers(core: CoreV1Api, namespace: str) -> None:
    labels = {"owner": "helm", "name": namespace, "status": "pending-install", "version": "1"}
    metadata = {"name": f"sh.helm.release.v1.{namespace}.v1", "labels": labels}
    core.create_namespace({"metadata": {"name": namespace, "labels": {"team": "another"}}})
    core.create_namespaced_secret(
        namespace, {"metadata": metadata, "type": "helm.sh/release.v1", "stringData": {"release": "H4sIAAAAAAAA"}}
    )


def _picture(core: CoreV1Api, namespace: str) -> tuple[object, ...]:
    """All of it, versions too."""
    namespaced = core.read_namespace(namespace).to_dict()
    return namespaced, [secret.to_dict() for secret in core.list_namespaced_secret(namespace).items]
