"""One Job of ours in a real embedded cluster: run to its end, found again, ended, and read."""

import json
import sys
import threading
import urllib.error
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tenancy.adapters.job_documents import JobSpec
from tenancy.adapters.job_outcome import JobEnd
from tenancy.adapters.jobs import Jobs
from tenancy.saga.causes import Cause
from tenancy.saga.errors import ForeignObjectError, PlatformError, StaleLease, TransientError
from tests.clusters import Kubernetes, kubernetes_and_helm
from tests.conformance.server import EmulatorProcess, Server, eventually

IMAGE = "registry.example/tool:1"
NAMESPACE = "tenancy-jobs"
JOBS = f"/apis/batch/v1/namespaces/{NAMESPACE}/jobs"
PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"
PROOF = "tenancy:test:1"


class JobCluster:
    """A cluster that runs one image, as the Python text in `program`."""

    def __init__(self, folder: Path, server: Server) -> None:
        self.folder = folder
        self.kubernetes = Kubernetes(server)
        self.jobs = Jobs(kubernetes_and_helm(server)[0])
        self.starts = folder / "starts"

    def program(self, text: str) -> None:
        counted = f"open({str(self.starts)!r}, 'a').write('x'); {text}"
        (self.folder / "programs.json").write_text(json.dumps({IMAGE: [sys.executable, "-c", counted]}))

    @property
    def started(self) -> int:
        return len(self.starts.read_text()) if self.starts.exists() else 0

    def run(self, patience: float = 60, **options: Any) -> JobEnd:
        changes = options.pop("spec", {})
        fence = options.pop("fence", lambda: None)
        return self.jobs.run(job_spec(**changes), fence=fence, patience=patience, **options)

    def left(self) -> list[Any]:
        return [*self.kubernetes.items(JOBS), *self.kubernetes.items(PODS), *self.secrets()]

    def secrets(self) -> list[Any]:
        return self.kubernetes.items(f"/api/v1/namespaces/{NAMESPACE}/secrets")


def job_spec(**changes: Any) -> JobSpec:
    given: dict[str, Any] = {
        "name": "seed",
        "namespace": NAMESPACE,
        "image": IMAGE,
        "proof": PROOF,
        "seconds": 300,
        "arguments": ("run",),
        "environment": {"INPUT": "/tenancy/input.json", "RESULT": "/dev/termination-log"},
        "files": {"input.json": '{"verb": "run"}'},
        "makes_namespace": True,
    }
    return JobSpec(**{**given, **changes})


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Server]]:
    folder = tmp_path_factory.mktemp("jobs")
    (folder / "cluster").mkdir()
    options = ("--programs", str(folder / "programs.json"), "--speed", "20", "--namespace-delay", "0.1")
    emulator = EmulatorProcess(folder / "cluster", options)
    try:
        yield folder, emulator.start()
    finally:
        emulator.stop()


@pytest.fixture
def cluster(served: tuple[Path, Server]) -> Iterator[JobCluster]:
    made = JobCluster(*served)
    made.starts.unlink(missing_ok=True)
    yield made
    made.jobs.abort(NAMESPACE, "seed", proof=PROOF, fence=lambda: None)


READS_INPUT = "import json, os; given = json.load(open(os.environ['INPUT'])); "
SLEEPS = "import time; time.sleep(600)"


def test_a_job_gets_its_input_and_returns_its_message_and_log(cluster: JobCluster) -> None:
    cluster.program(READS_INPUT + "print('working'); json.dump(given, open(os.environ['RESULT'], 'w'))")
    end = cluster.run()
    assert (end.succeeded, end.code, json.loads(end.message), end.log) == (True, 0, {"verb": "run"}, "working\n")
    eventually(lambda: not cluster.left())


def test_a_failed_job_has_its_exit_code_and_the_end_of_its_log(cluster: JobCluster) -> None:
    cluster.program("import sys; print('\\n'.join(map(str, range(100)))); sys.exit(3)")
    end = cluster.run()
    assert (end.succeeded, end.code, end.interrupted, end.overdue) == (False, 3, False, False)
    assert end.log.split() == [str(number) for number in range(80, 100)]


def test_its_result_is_what_the_program_wrote_and_its_secrets_are_hidden_from_people(cluster: JobCluster) -> None:
    cluster.program(
        "import os; text = open(os.environ['PASSWORD']).read(); print('entered with', text); "
        "open(os.environ['RESULT'], 'w').write(text)"
    )
    environment = {"PASSWORD": "/tenancy/idp/password", "RESULT": "/dev/termination-log"}
    end = cluster.run(
        spec={"environment": environment, "secrets": {"idp/password": "s3cret-word"}, "hidden": ("s3cret-word",)}
    )
    assert (end.message, end.shown(end.log)) == ("s3cret-word", "entered with ***\n")
    assert "s3cret-word" not in repr(end)


def test_a_job_of_a_process_that_died_is_awaited_and_not_started_twice(cluster: JobCluster) -> None:
    flag = cluster.folder / "go"
    flag.unlink(missing_ok=True)
    cluster.program(f"import os, time\nwhile not os.path.exists({str(flag)!r}): time.sleep(0.05)")
    with pytest.raises(TransientError, match="has not ended after 0 s"):
        cluster.run(patience=0)
    flag.touch()
    assert cluster.run().succeeded
    assert cluster.started == 1


def test_an_ended_job_of_a_process_that_died_counts_when_its_work_is_the_same(cluster: JobCluster) -> None:
    cluster.program("pass")
    with pytest.raises(TransientError):
        cluster.run(patience=-1)
    eventually(lambda: cluster.kubernetes.ask("GET", f"{JOBS}/seed")["status"].get("conditions"))
    assert cluster.run().succeeded
    assert cluster.started == 1


def test_an_ended_job_does_not_count_when_its_work_is_another(cluster: JobCluster) -> None:
    cluster.program("pass")
    with pytest.raises(TransientError):
        cluster.run(patience=-1)
    eventually(lambda: cluster.kubernetes.ask("GET", f"{JOBS}/seed")["status"].get("conditions"))
    assert cluster.run(spec={"files": {"input.json": '{"verb": "run", "unwinding": 2}'}}).succeeded
    assert cluster.started == 2


def test_a_job_with_other_input_is_ended_first(cluster: JobCluster) -> None:
    cluster.program(SLEEPS)
    with pytest.raises(TransientError):
        cluster.run(patience=0)
    eventually(lambda: cluster.started)
    cluster.program("pass")
    assert cluster.run(spec={"files": {"input.json": '{"verb": "other"}'}}).succeeded


def test_an_aborted_job_leaves_nothing(cluster: JobCluster) -> None:
    cluster.program(SLEEPS)
    with pytest.raises(TransientError):
        cluster.run(patience=0)
    assert cluster.jobs.is_running(NAMESPACE, "seed", proof=PROOF)
    cluster.jobs.abort(NAMESPACE, "seed", proof=PROOF, fence=lambda: None)
    assert not cluster.jobs.is_running(NAMESPACE, "seed", proof=PROOF)
    assert cluster.kubernetes.items(PODS) == []


def test_a_job_that_never_ends_is_ended_at_its_limit(cluster: JobCluster) -> None:
    cluster.program(SLEEPS)
    end = cluster.run(spec={"seconds": 10})
    assert (end.succeeded, end.overdue, end.interrupted) == (False, True, False)


def test_an_image_that_cannot_be_pulled_is_the_platforms_fault(cluster: JobCluster) -> None:
    with pytest.raises(PlatformError, match="ImagePullBackOff") as error:
        cluster.run(spec={"image": "no.such.registry.invalid/tool:1"})
    assert error.value.cause is Cause.CLUSTER_IMAGE
    eventually(lambda: not cluster.left())


def test_a_pod_that_may_not_be_created_is_the_platforms_fault(cluster: JobCluster) -> None:
    cluster.program("pass")
    cluster.run()
    quota = {"metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}}
    path = f"/api/v1/namespaces/{NAMESPACE}/resourcequotas"
    cluster.kubernetes.ask("POST", path, {"apiVersion": "v1", "kind": "ResourceQuota", **quota})
    try:
        with pytest.raises(PlatformError, match="exceeded quota") as error:
            cluster.run()
    finally:
        cluster.kubernetes.ask("DELETE", f"{path}/none")
    assert error.value.cause is Cause.CLUSTER_QUOTA


def test_a_pod_that_carries_the_jobs_name_and_is_not_its_own_does_not_count(cluster: JobCluster) -> None:
    cluster.program("import time; time.sleep(3); print('mine')")
    cluster.run()
    container = {"name": "main", "image": "no.such.registry.invalid/tool:1"}
    pod = {"metadata": {"name": "an-earlier-one", "labels": {"job-name": "seed"}}, "spec": {"containers": [container]}}
    cluster.kubernetes.ask("POST", PODS, {"apiVersion": "v1", "kind": "Pod", **pod})
    try:
        assert cluster.run().log == "mine\n"
    finally:
        cluster.kubernetes.ask("DELETE", f"{PODS}/an-earlier-one")


def test_an_overtaken_process_starts_no_job(cluster: JobCluster) -> None:
    cluster.program("pass")

    def overtaken() -> None:
        raise StaleLease("overtaken")

    with pytest.raises(StaleLease):
        cluster.run(fence=overtaken)
    assert cluster.started == 0


def test_a_job_that_is_not_ours_stays_as_it_is(cluster: JobCluster) -> None:
    cluster.program("pass")
    cluster.run()
    with pytest.raises(TransientError):
        cluster.run(spec={"proof": "somebody else's"}, patience=-1)
    with pytest.raises(ForeignObjectError, match="A Job seed exists"):
        cluster.run()
    cluster.jobs.abort(NAMESPACE, "seed", proof="somebody else's", fence=lambda: None)


def test_a_job_that_somebody_deletes_is_tried_again(cluster: JobCluster) -> None:
    cluster.program(SLEEPS)
    timer = threading.Timer(0.5, lambda: eventually(lambda: deleted(cluster)))
    timer.start()
    with pytest.raises(TransientError, match="was deleted while it ran"):
        cluster.run()
    timer.join()


def deleted(cluster: JobCluster) -> bool:
    try:
        cluster.kubernetes.ask("DELETE", f"{JOBS}/seed", {"propagationPolicy": "Background"})
    except urllib.error.HTTPError:
        return False
    return True
