"""A product's chart with every kind of workload reaches ready on a cluster, and what keeps it is named."""

import secrets
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tenancy.activities.plan import plan_problems
from tenancy.adapters.cluster import Cluster
from tenancy.adapters.helm import Release
from tenancy.adapters.namespaces import PLATFORM_LABEL
from tenancy.adapters.product_file import load_product
from tenancy.adapters.releases import DIGEST_LABEL
from tenancy.adapters.workload_readiness import Readiness
from tenancy.saga import facts as f
from tenancy.saga.causes import Cause
from tenancy.saga.errors import PermanentError
from tests.clusters import Kubernetes, cluster
from tests.conformance.server import Server, eventually
from tests.integration.engine_harness import NO_OBJECTS, WAIT, EngineHarness
from tests.products import SAMPLE, only

PROOF = "tenancy:test:readiness"
QUOTA = {"pods": "12"}
_CHART = "apiVersion: v2\nname: several\nversion: 1.0.0\n"
_VALUES: dict[str, Any] = {"replicas": 2, "storageClass": "standard", "backoffLimit": 0}
_TEMPLATE = """
{{- define "pod" }}
metadata: {labels: {app: {{ .name }}}}
spec:
  {{- if .once }}
  restartPolicy: Never
  {{- end }}
  terminationGracePeriodSeconds: 1
  containers: [{name: main, image: "registry.k8s.io/pause:3.10"}]
{{- end }}
{{- $name := .Release.Name }}
{{- range list $name (printf "%s-worker" $name) }}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ . }}}
spec:
  replicas: {{ if eq . $name }}{{ $.Values.replicas }}{{ else }}1{{ end }}
  selector: {matchLabels: {app: {{ . }}}}
  template: {{- include "pod" (dict "name" .) | nindent 4 }}
{{- end }}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: {{ $name }}-db}
spec:
  replicas: 2
  serviceName: {{ $name }}
  selector: {matchLabels: {app: {{ $name }}-db}}
  template: {{- include "pod" (dict "name" (printf "%s-db" $name)) | nindent 4 }}
  volumeClaimTemplates:
    - metadata: {name: data}
      spec:
        accessModes: [ReadWriteOnce]
        storageClassName: {{ .Values.storageClass }}
        resources: {requests: {storage: 1Gi}}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: {{ $name }}-agent}
spec:
  selector: {matchLabels: {app: {{ $name }}-agent}}
  template: {{- include "pod" (dict "name" (printf "%s-agent" $name)) | nindent 4 }}
---
apiVersion: batch/v1
kind: Job
metadata: {name: {{ $name }}-seed}
spec:
  backoffLimit: {{ .Values.backoffLimit }}
  template: {{- include "pod" (dict "name" (printf "%s-seed" $name) "once" true) | nindent 4 }}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: {{ $name }}-files}
spec:
  accessModes: [ReadWriteOnce]
  storageClassName: {{ .Values.storageClass }}
  resources: {requests: {storage: 1Gi}}
---
apiVersion: coordination.k8s.io/v1
kind: Lease
metadata: {name: {{ $name }}-leader}
spec: {}
---
apiVersion: v1
kind: Service
metadata: {name: {{ $name }}}
spec:
  selector: {app: {{ $name }}}
  ports: [{name: http, port: 80, protocol: TCP}]
"""


def _free() -> None:
    """A fence that lets everything pass."""


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    (tmp_path / "several" / "templates").mkdir(parents=True)
    (tmp_path / "several" / "Chart.yaml").write_text(_CHART)
    (tmp_path / "several" / "templates" / "all.yaml").write_text(_TEMPLATE)
    return tmp_path / "several"


@pytest.fixture
def name(cluster_server: Server) -> Iterator[str]:
    yield f"s{secrets.token_hex(4)}"
    Kubernetes(cluster_server).drop_all("test")


@pytest.fixture
def ours(cluster_server: Server, name: str) -> Cluster:
    """A cluster in which our namespace stands."""
    entered = cluster(cluster_server)
    entered.namespaces.ensure(name, labels={PLATFORM_LABEL: "test"}, proof=PROOF, quota=QUOTA, fence=_free)
    return entered


def install(entered: Cluster, chart: Path, name: str, **changes: Any) -> None:
    labels = {PLATFORM_LABEL: "test", DIGEST_LABEL: "d1"}
    entered.releases.ensure(Release(chart, name, name, _VALUES | changes, labels), proof=PROOF, fence=_free)


def waiting_for(entered: Cluster, name: str, words: str) -> Readiness:
    def look() -> Readiness | None:
        found = entered.readiness(name, name, 2)
        return found if words in found.reason else None

    found = eventually(look)
    assert not found.ready
    return found


def test_a_chart_with_every_kind_of_workload_gets_ready(ours: Cluster, chart: Path, name: str):
    install(ours, chart, name)
    eventually(lambda: ours.readiness(name, name, 2).ready)
    assert ours.readiness(name, name, 2).reason == "all 7 workloads are ready"


def test_a_failed_job_can_never_be_ready(ours: Cluster, cluster_server: Server, chart: Path, name: str):
    clear = Kubernetes(cluster_server).fault(kind="crash-loop-backoff", namespace=name)
    install(ours, chart, name)
    found = waiting_for(ours, name, f"Job {name}-seed failed: BackoffLimitExceeded: Job has reached the specified")
    assert (found.final, found.cause) == (True, Cause.CLUSTER_JOB)
    clear()


def test_a_claim_that_gets_no_volume_is_named(ours: Cluster, chart: Path, name: str):
    install(ours, chart, name, storageClass="no-such-class")
    words = 'pending; ProvisioningFailed: storageclass.storage.k8s.io "no-such-class" not found'
    found = waiting_for(ours, name, f"PersistentVolumeClaim {name}-files: {words}")
    assert found.cause is Cause.CLUSTER_VOLUME


GONE = {
    # A kind that Tenancy does not know: the cluster says where its objects are.
    "leases/{0}-leader": (
        "/apis/coordination.k8s.io/v1/namespaces/{0}/leases/{0}-leader",
        "Lease {0}-leader does not exist",
    ),
    "services/{0}": ("/api/v1/namespaces/{0}/services/{0}", "Service {0} does not exist"),
    "daemonsets/{0}-agent": ("/apis/apps/v1/namespaces/{0}/daemonsets/{0}-agent", "DaemonSet {0}-agent does not exist"),
    "deployments/{0}": ("/apis/apps/v1/namespaces/{0}/deployments/{0}", "Deployment {0} does not exist"),
}


@pytest.mark.parametrize("each", GONE)
def test_an_object_that_is_gone_is_named(ours: Cluster, cluster_server: Server, chart: Path, name: str, each: str):
    path, words = GONE[each]
    install(ours, chart, name)
    eventually(lambda: ours.readiness(name, name, 2).ready)
    Kubernetes(cluster_server).ask("DELETE", path.format(name))
    assert ours.readiness(name, name, 2) == Readiness(ready=False, reason=words.format(name))


def test_undoing_leaves_neither_claims_nor_anything_else(ours: Cluster, cluster_server: Server, chart: Path, name: str):
    install(ours, chart, name)
    eventually(lambda: ours.readiness(name, name, 2).ready)
    kubernetes, claims = Kubernetes(cluster_server), f"/api/v1/namespaces/{name}/persistentvolumeclaims"
    assert len(kubernetes.items(claims)) == 3
    ours.releases.delete(name, name, proof=PROOF, fence=_free)
    eventually(lambda: len(kubernetes.items(claims)) == 2)  # Helm knows nothing of those of the StatefulSet
    ours.namespaces.delete(name, proof=PROOF, fence=_free)
    assert kubernetes.items("/api/v1/persistentvolumeclaims") == []
    assert ours.namespaces.find(name) is None


_JOB = """
apiVersion: batch/v1
kind: Job
metadata: {name: {{ .Release.Name }}-seed}
spec:
  backoffLimit: 0
  template:
    spec:
      restartPolicy: Never
      containers:
        - name: main
          image: registry.k8s.io/pause:3.10
          resources: {limits: {cpu: 10m, memory: 16Mi}}
"""


def test_a_failed_job_fails_the_attempt_at_once_and_is_undone(harness: EngineHarness, tmp_path: Path):
    folder = Path(shutil.copytree(SAMPLE.folder, tmp_path / SAMPLE.folder.name))
    (folder / "chart" / "templates" / "job.yaml").write_text(_JOB)
    product = load_product(folder, plan_problems)
    harness.tenancy = replace(harness.tenancy, products=only(lambda: product))
    platform = f"tenancy.internal/platform={harness.tenancy.platform.name}"
    clear = harness.kubernetes.fault(kind="crash-loop-backoff", selector=platform)
    harness.run_until(WAIT)
    with pytest.raises(
        PermanentError, match=r"^Job \S+-seed failed: BackoffLimitExceeded: Job has reached .* limit\.$"
    ):
        eventually(lambda: harness.run_once(WAIT) is None)
    clear()
    (failed,) = harness.facts(f.ActivityFailed)
    assert failed.cause == Cause.CLUSTER_JOB
    after = harness.give_up(WAIT)
    assert after is not None
    assert (after.phase, harness.external_objects) == ("Failed settled", NO_OBJECTS)
