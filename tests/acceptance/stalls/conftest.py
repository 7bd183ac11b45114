"""A sandbox of its own whose limits are seconds, so that clocks, reconciler and pages find stalls by themselves."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox import lifecycle
from sandbox.access import Access
from sandbox.faults.client import FaultClient
from sandbox.layout import Layout
from tests.acceptance.stalls.stall_cases import GIVEN_UP, LIMITS
from tests.sandboxes import AIRFLOW_OPTIONS, kept_up


@pytest.fixture(scope="package")
def limited_layout(sandbox_layout: Layout) -> Layout:
    return Layout.find(sandbox_layout.home.with_name(f"{sandbox_layout.home.name}-limited"))


@pytest.fixture(scope="package")
def limited_platform_file(limited_layout: Layout, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The platform file of this sandbox alone: a test may break it."""
    return _platform_file(limited_layout, tmp_path_factory.mktemp("platform"))


@pytest.fixture(scope="package")
def limited_up(limited_layout: Layout, limited_platform_file: Path) -> Callable[[], None]:
    """Bring it up, or heal it: for tests that break it."""
    changes = {
        "TENANCY_PLATFORM_FILE": str(limited_platform_file),
        # Pauses between tries are seconds, too: undoing has six of them, and a DAG that cannot be built three.
        "AIRFLOW__CORE__MAX_TASK_RETRY_DELAY": "2",
        "AIRFLOW__WORKERS__MISSING_DAG_RETRY_DELAY": "5",
    }
    airflow_options = replace(AIRFLOW_OPTIONS, extra_env={**AIRFLOW_OPTIONS.extra_env, **changes})
    return lambda: lifecycle.up(limited_layout, airflow_options=airflow_options, usual_ports=False)


@pytest.fixture(scope="package")
def limited(limited_layout: Layout, limited_up: Callable[[], None]) -> Iterator[Access]:
    with kept_up(limited_layout, limited_up) as access:
        yield access


@pytest.fixture(scope="module")
def limited_fault_client(limited: Access) -> Iterator[FaultClient]:
    fault_client = FaultClient(limited.layout)
    fault_client.clear()  # of a kept sandbox whose tests were broken off
    yield fault_client
    fault_client.clear()


def _platform_file(layout: Layout, folder: Path) -> Path:
    """The sandbox's own with other limits."""
    section = "[stall_limits_minutes]\n"
    limits = _seconds(LIMITS)
    usual = layout.platform_file.read_text(encoding="utf-8")
    assert section in usual
    assert _GIVE_UP in usual
    limited = usual.replace(section, section + limits).replace(_GIVE_UP, _GIVE_UP + _seconds(GIVEN_UP))
    (folder / "platform.toml").write_text(limited, encoding="utf-8")
    return folder / "platform.toml"


_GIVE_UP = "[give_up_minutes]\n"


def _seconds(limits: dict[str, int]) -> str:
    return "".join(f"{name} = {seconds / 60}\n" for name, seconds in limits.items())
