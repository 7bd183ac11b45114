"""Helm 4's own library against the server: the whole life of a release, and the two ways it is left half done."""

import base64
import time
from pathlib import Path

import pytest
from kubernetes.client import AppsV1Api, CoreV1Api

from .helm import HelmCommand, HelmError
from .manifests import IMAGE, NO_IMAGE
from .server import eventually


def statuses(helm: HelmCommand) -> list[tuple[int, str]]:
    return [(release["revision"], release["status"]) for release in helm("history", "web")]


def test_it_reaches_the_cluster(helm: HelmCommand) -> None:
    helm("check_reachable")


def test_it_installs_and_waits_until_ready(helm: HelmCommand, chart: Path, apps: AppsV1Api) -> None:
    helm("install", chart, "web", wait="watcher", timeout=30)
    found = apps.read_namespaced_deployment("web", helm.namespace)
    assert found.status.available_replicas == 2
    assert statuses(helm) == [(1, "deployed")]


def test_releases_are_kept_in_secrets_of_their_type(helm: HelmCommand, chart: Path, core: CoreV1Api) -> None:
    helm("install", chart, "web")
    found = core.list_namespaced_secret(helm.namespace, field_selector="type=helm.sh/release.v1").items
    assert [s.metadata.name for s in found] == ["sh.helm.release.v1.web.v1"]
    assert found[0].metadata.labels["owner"] == "helm"
    assert base64.b64decode(found[0].data["release"])


def test_objects_carry_the_release(helm: HelmCommand, chart: Path, apps: AppsV1Api) -> None:
    helm("install", chart, "web")
    metadata = apps.read_namespaced_deployment("web", helm.namespace).metadata
    assert metadata.labels["app.kubernetes.io/managed-by"] == "Helm"
    assert metadata.annotations["meta.helm.sh/release-name"] == "web"


def test_it_upgrades_and_keeps_history(helm: HelmCommand, chart: Path, core: CoreV1Api) -> None:
    helm("install", chart, "web")
    helm("upgrade", chart, "web", {"greeting": "good day"}, wait="watcher", timeout=30)
    assert core.read_namespaced_config_map("web", helm.namespace).data == {"greeting": "good day"}
    assert statuses(helm) == [(1, "superseded"), (2, "deployed")]


def test_it_rolls_back(helm: HelmCommand, chart: Path, core: CoreV1Api) -> None:
    helm("install", chart, "web")
    helm("upgrade", chart, "web", {"greeting": "good day", "replicas": 1})
    helm("rollback", "web", version=1, wait="watcher", timeout=30)
    assert core.read_namespaced_config_map("web", helm.namespace).data == {"greeting": "hello"}
    assert statuses(helm) == [(1, "superseded"), (2, "superseded"), (3, "deployed")]


def test_it_uninstalls_everything(helm: HelmCommand, chart: Path, apps: AppsV1Api, core: CoreV1Api) -> None:
    helm("install", chart, "web", wait="watcher", timeout=30)
    helm("uninstall", "web", wait="watcher", timeout=30)
    eventually(lambda: not apps.list_namespaced_deployment(helm.namespace).items)
    eventually(lambda: not core.list_namespaced_pod(helm.namespace).items)
    assert core.list_namespaced_secret(helm.namespace).items == []
    assert core.list_namespaced_service(helm.namespace).items == []


def test_an_uninstalled_release_is_unknown(helm: HelmCommand) -> None:
    with pytest.raises(HelmError, match="not found"):
        helm("uninstall", "web")
    with pytest.raises(HelmError, match="not found"):
        helm("status", "web")


def test_it_lists_its_releases(helm: HelmCommand, chart: Path) -> None:
    helm("install", chart, "web")
    assert [r["name"] for r in helm("list")] == ["web"]


def test_values_are_given_back(helm: HelmCommand, chart: Path) -> None:
    helm("install", chart, "web", {"greeting": "good day"})
    assert helm("get_values", "web") == {"greeting": "good day"}


def test_a_dry_run_on_the_server_leaves_nothing(helm: HelmCommand, chart: Path, core: CoreV1Api) -> None:
    helm("install", chart, "web", dry_run="server")
    assert core.list_namespaced_secret(helm.namespace).items == []


def test_a_release_that_never_gets_ready_has_failed(helm: HelmCommand, chart: Path) -> None:
    with pytest.raises(HelmError):
        helm("install", chart, "web", {"image": NO_IMAGE}, wait="watcher", timeout=2)
    assert statuses(helm) == [(1, "failed")]


def test_a_failed_release_is_upgraded_not_installed(helm: HelmCommand, chart: Path) -> None:
    with pytest.raises(HelmError):
        helm("install", chart, "web", {"image": NO_IMAGE}, wait="watcher", timeout=2)
    with pytest.raises(HelmError, match=r"cannot re-?use a name"):
        helm("install", chart, "web")
    # With values: Helm takes the failed release's where none are given.
    helm("upgrade", chart, "web", {"image": IMAGE}, wait="watcher", timeout=30)
    assert statuses(helm) == [(1, "superseded"), (2, "deployed")]


def test_a_killed_install_stays_pending_until_it_is_uninstalled(helm: HelmCommand, chart: Path) -> None:
    child = helm.start("install", chart, "web", {"image": NO_IMAGE}, wait="watcher", timeout=60)
    try:
        eventually(lambda: helm("list", all_states=True))
        time.sleep(0.5)
    finally:
        child.kill()
        child.communicate()
    assert statuses(helm) == [(1, "pending-install")]
    with pytest.raises(HelmError):
        helm("install", chart, "web")
    helm("uninstall", "web")
    helm("install", chart, "web", wait="watcher", timeout=30)
    assert statuses(helm)[-1][1] == "deployed"


def test_a_field_taken_manually_conflicts_with_an_upgrade(helm: HelmCommand, chart: Path, apps: AppsV1Api) -> None:
    helm("install", chart, "web")
    body = {"spec": {"replicas": 5}}
    apps.patch_namespaced_deployment("web", helm.namespace, body, field_manager="hand")
    with pytest.raises(HelmError, match="conflict"):
        helm("upgrade", chart, "web", {"replicas": 1})
