"""The cluster emulator runs Jobs for real: a local program in the place of an image."""

import json
import os
import signal
import sys
import urllib.error
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.clusters import Kubernetes
from tests.conformance.server import EmulatorProcess, eventually

IMAGE = "registry.example/tool:1"
JOBS, PODS = "/apis/batch/v1/namespaces/default/jobs", "/api/v1/namespaces/default/pods"


@dataclass
class ProgramCluster:
    """A cluster, and the one image that it runs for real."""

    folder: Path
    emulator: EmulatorProcess

    def __post_init__(self) -> None:
        self.api = Kubernetes(self.emulator.start())

    def run(self, program: str, *, spec: dict[str, Any] | None = None, **container: Any) -> None:
        """Make the Job `seed`, whose container runs this Python text."""
        (self.folder / "programs.json").write_text(json.dumps({IMAGE: [sys.executable, "-c", program]}))
        template = {
            "spec": {"restartPolicy": "Never", "containers": [{"name": "main", "image": IMAGE, **container}]},
        }
        document = {"metadata": {"name": "seed"}, "spec": {"backoffLimit": 0, "template": template, **(spec or {})}}
        self.api.ask("POST", JOBS, {"apiVersion": "batch/v1", "kind": "Job", **document})

    def ended(self) -> dict[str, Any]:
        """The Job's condition, once it has ended."""

        def find() -> Any:
            conditions = self.api.ask("GET", f"{JOBS}/seed")["status"].get("conditions") or []
            return next((each for each in conditions if each["type"] in ("Complete", "Failed")), None)

        return dict(eventually(find))

    def pod(self) -> dict[str, Any]:
        return dict(eventually(lambda: self.api.items(PODS))[0])

    def terminated(self) -> dict[str, Any]:
        return dict(self.pod()["status"]["containerStatuses"][0]["state"]["terminated"])

    def log(self, query: str = "") -> str:
        server = self.emulator.server
        return server.get(f"{PODS}/{self.pod()['metadata']['name']}/log{query}")

    def started_process(self) -> int:
        """The number of the program's process, which it writes into `pid` first of all."""
        file = self.folder / "pid"
        return int(eventually(lambda: file.exists() and file.read_text()))

    def announcing(self, program: str) -> str:
        return f"import os; open({str(self.folder / 'pid')!r}, 'w').write(str(os.getpid())); {program}"


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[ProgramCluster]:
    data = tmp_path / "cluster"
    data.mkdir()
    options = ("--programs", str(tmp_path / "programs.json"), "--speed", "5", "--namespace-delay", "0.1")
    emulator = EmulatorProcess(data, options)
    try:
        yield ProgramCluster(tmp_path, emulator)
    finally:
        emulator.stop()


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{process}/stat").read_text().split()[2] != "Z" if Path("/proc").exists() else True


def test_a_job_runs_its_program_and_reports_result_and_log(cluster: ProgramCluster) -> None:
    cluster.run(
        "import os, sys; print('one'); print('two'); open(os.environ['RESULT'], 'w').write(' '.join(sys.argv[1:]))",
        args=["it", "worked"],
        env=[{"name": "RESULT", "value": "/dev/termination-log"}],
    )
    assert cluster.ended()["type"] == "Complete"
    assert cluster.pod()["status"]["phase"] == "Succeeded"
    assert cluster.terminated()["message"] == "it worked"
    assert cluster.log() == "one\ntwo\n"
    assert cluster.log("?tailLines=1") == "two\n"


def test_a_program_that_fails_fails_its_job(cluster: ProgramCluster) -> None:
    cluster.run(
        "import sys; print('cannot', file=sys.stderr); sys.exit(3)", terminationMessagePolicy="FallbackToLogsOnError"
    )
    assert cluster.ended()["reason"] == "BackoffLimitExceeded"
    assert cluster.terminated()["exitCode"] == 3
    assert cluster.terminated()["message"] == "cannot\n"


def test_a_program_that_cannot_be_started_says_so(cluster: ProgramCluster) -> None:
    cluster.run("pass")
    assert cluster.ended()["type"] == "Complete"
    (cluster.folder / "programs.json").write_text(json.dumps({IMAGE: ["/no/such/program"]}))
    cluster.api.ask("POST", PODS, bare_pod())
    ended = eventually(lambda: state_of(cluster, "bare").get("terminated"))
    assert ended["exitCode"] == 128
    assert "No such file or directory" in cluster.emulator.server.get(f"{PODS}/bare/log")


def test_a_failed_container_is_restarted_when_its_pod_says_so(cluster: ProgramCluster) -> None:
    runs = cluster.folder / "runs"
    cluster.run(f"import sys; f = open({str(runs)!r}, 'a'); f.write('x'); f.flush(); sys.exit(f.tell() < 2)")
    cluster.ended()
    runs.unlink()
    cluster.api.ask("POST", PODS, bare_pod(restartPolicy="OnFailure"))
    assert eventually(lambda: state_of(cluster, "bare").get("terminated"))["exitCode"] == 0
    assert runs.read_text() == "xx"


def test_a_job_over_its_deadline_fails_and_its_program_ends(cluster: ProgramCluster) -> None:
    cluster.run(cluster.announcing("import time; time.sleep(600)"), spec={"activeDeadlineSeconds": 20})
    process = cluster.started_process()
    assert cluster.ended()["reason"] == "DeadlineExceeded"
    eventually(lambda: not is_alive(process))


def test_a_deleted_job_ends_its_program_and_all_that_it_started(cluster: ProgramCluster) -> None:
    child = f"open({str(cluster.folder / 'pid')!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    cluster.run(f"import os, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); os.fork(); {child}")
    process = cluster.started_process()
    cluster.api.ask("DELETE", f"{JOBS}/seed", {"propagationPolicy": "Foreground"})
    eventually(lambda: is_gone(cluster, f"{JOBS}/seed"))
    assert cluster.api.items(PODS) == []
    eventually(lambda: not is_alive(process))


def test_a_job_leaves_its_pods_when_the_client_states_nothing(cluster: ProgramCluster) -> None:
    cluster.run("pass")
    cluster.ended()
    cluster.api.ask("DELETE", f"{JOBS}/seed")
    eventually(lambda: is_gone(cluster, f"{JOBS}/seed"))
    assert "ownerReferences" not in cluster.pod()["metadata"]


def test_a_killed_emulator_takes_its_programs_with_it(cluster: ProgramCluster) -> None:
    cluster.run(cluster.announcing("import time; time.sleep(600)"))
    process = cluster.started_process()
    cluster.emulator.stop(signal.SIGKILL)
    eventually(lambda: not is_alive(process))
    cluster.emulator.start()
    assert cluster.ended()["type"] == "Failed"
    assert cluster.terminated()["reason"] == "ContainerStatusUnknown"


def test_a_program_gets_nothing_of_the_emulators_environment(
    cluster: ProgramCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.emulator.stop()
    monkeypatch.setenv("EMULATORS_OWN_SECRET", "x")
    cluster.emulator.start()
    cluster.run("import os; print(sorted(os.environ))")
    cluster.ended()
    assert cluster.log().strip() == str(sorted(["HOME", "HOSTNAME", "PATH", *locale_variable()]))


def test_an_image_without_a_program_is_simulated(cluster: ProgramCluster) -> None:
    cluster.run("raise SystemExit(1)", image="registry.example/other:1")
    assert cluster.ended()["type"] == "Complete"
    assert "emulator: main ended with exit code 0" in cluster.log()


def test_a_finished_programs_files_go_with_its_pod(cluster: ProgramCluster) -> None:
    cluster.run("pass")
    cluster.ended()
    folders = cluster.folder / "cluster" / "containers"
    assert len(list(folders.iterdir())) == 1
    cluster.api.ask("DELETE", f"{JOBS}/seed", {"propagationPolicy": "Background"})
    eventually(lambda: not list(folders.iterdir()))


def bare_pod(**spec: Any) -> dict[str, Any]:
    container = {"name": "main", "image": IMAGE}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "bare"},
        "spec": {"restartPolicy": "Never", "containers": [container], **spec},
    }


def state_of(cluster: ProgramCluster, pod: str) -> dict[str, Any]:
    statuses = cluster.api.ask("GET", f"{PODS}/{pod}")["status"].get("containerStatuses") or [{}]
    return dict(statuses[0].get("state") or {})


def is_gone(cluster: ProgramCluster, path: str) -> bool:
    try:
        cluster.api.ask("GET", path)
    except urllib.error.HTTPError as error:
        return error.code == 404
    return False


def locale_variable() -> list[str]:
    """Python sets it in itself when the locale is the C one (PEP 538)."""
    return ["LC_CTYPE"]
