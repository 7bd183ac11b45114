"""`watch`: a pane on a terminal, lines in a pipe, and an end that a script can read."""

import httpx
import pytest

from tests.contract.fake_tenancy_api import FakeTenancy
from tests.contract.fake_tenant import FakeTenant, Moment
from tests.unit.tenantctl_runner import SleepingClock, run


def with_script(*script: Moment, **facts: object) -> FakeTenancy:
    return FakeTenancy(FakeTenant("acme", script=list(script), **facts))  # type: ignore[arg-type]


def test_a_pipe_gets_one_line_whenever_something_changed():
    ended = run(with_script("Provisioning", "Provisioning", "Provisioning", "Active"), "watch", "acme")
    assert ended.code == 0
    rows = [line.strip() for line in ended.out.splitlines() if line.startswith("  ")]
    assert [row for row in rows if "Validate" in row] == ["✓ Validate request                 0.1 s"]
    assert [row[0] for row in rows if "Deploy" in row] == ["…", "✓"]
    assert "longer than the 5:00 min it may take" in ended.out
    assert "acme (attempt 1) is Active" in ended.out


def test_a_terminal_gets_a_pane_that_ends_with_the_final_state():
    ended = run(with_script("Provisioning", "Active"), "watch", "acme", terminal=True)
    assert ended.code == 0
    assert "acme (attempt 1) is Active" in ended.out


@pytest.mark.parametrize(
    ("phase", "code"),
    [("Active", 0), ("Decommissioned", 0), ("Failed settled", 1), ("Failed retained", 1), ("Failed stuck", 1)],
)
def test_it_ends_where_the_tenant_rests(phase: str, code: int):
    ended = run(with_script("Provisioning", phase), "watch", "acme")
    assert ended.code == code
    assert phase in ended.out


@pytest.mark.parametrize("phase", ["Cancelling", "Failed unwinding", "Decommissioning"])
def test_it_continues_while_the_saga_does(phase: str):
    ended = run(with_script(*[phase] * 99), "watch", "acme", "--timeout", "30", clock=SleepingClock())
    assert ended.code == 6
    assert f"acme is {phase}." in ended.err


def test_a_retry_whose_run_has_not_begun_is_waited_for():
    api = with_script(*["Failed ready"] * 99, held="the scheduler has not begun it")
    assert run(api, "watch", "acme", "--timeout", "5", clock=SleepingClock()).code == 6


def test_it_outlasts_an_api_that_restarts():
    api, away = with_script("Provisioning", "Provisioning", "Active"), [httpx.ReadTimeout("late")] * 2

    def flaky(request: httpx.Request) -> httpx.Response | None:
        if away and len(api.requests) > 4:
            raise away.pop()
        return None

    api.before.append(flaky)
    ended = run(api, "watch", "acme")
    assert ended.code == 0
    assert "Tenancy responds again." in ended.err


def test_ctrl_c_leaves_quietly_with_a_hint():
    api = with_script(*["Provisioning"] * 99)

    def interrupt(request: httpx.Request) -> httpx.Response | None:
        if len(api.requests) > 6:
            raise KeyboardInterrupt
        return None

    api.before.append(interrupt)
    ended = run(api, "watch", "acme")
    assert ended.code == 130
    assert "`tenantctl watch` shows it" in ended.err
    assert "Traceback" not in ended.err
