"""Which executor a sandbox has, and what it needs besides."""

from pathlib import Path

import pytest

from sandbox import executors
from sandbox.cli import main
from sandbox.components import COMPONENTS, EVERY_NAME, SCHEDULERS, WORKERS
from sandbox.layout import Layout


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout(tmp_path / "home")
    layout.create()
    return layout


def test_a_new_sandbox_runs_tasks_without_celery(layout: Layout):
    assert executors.remembered(layout) == "local"


def test_the_executor_is_remembered_until_a_purge(layout: Layout):
    executors.remember(layout, "celery")
    assert executors.remembered(layout) == "celery"

    layout.remove()

    assert executors.remembered(layout) == "local"


def test_celery_has_two_schedulers_and_two_workers_that_are_distinguished():
    hostnames = [component.hostname for component in COMPONENTS["celery"] if component.hostname]
    assert sorted(hostnames) == sorted((*SCHEDULERS, *WORKERS))


def test_whatever_an_executor_needs_can_be_stopped():
    assert {component.name for those in COMPONENTS.values() for component in those} == set(EVERY_NAME)


def test_a_machine_without_redis_reports_what_to_install(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PATH", str(tmp_path))

    assert main(["up", "--executor", "celery", "--home", str(tmp_path / "home")]) == 1

    assert capsys.readouterr().err == (
        "sandbox: Celery takes its tasks from Redis, and this machine has no redis-server; install it "
        "(Debian: apt-get install redis-server), or run tasks without it (make up EXECUTOR=local).\n"
    )
