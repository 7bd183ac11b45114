"""What we rely on in Airflow 3.3.2 and would break silently if it changed."""

import inspect
import time
from datetime import timedelta
from pathlib import Path

import airflow
import kombu.transport.redis
import pytest
from airflow.configuration import conf
from airflow.jobs import scheduler_job_runner
from airflow.models import taskinstance
from airflow.providers.celery.get_provider_info import get_provider_info
from airflow.sdk import RetryAction
from airflow.sdk.exceptions import AirflowTaskTimeout
from airflow.sdk.execution_time import supervisor, task_runner

from tenancy.activities.plan import stall_limit
from tenancy.adapters import airflow_client
from tenancy.airflow_settings import DATABASE_LOCK_SECONDS, celery_settings, shipped_settings
from tenancy.bootstrap import platform
from tenancy.engine.tenancy import Timings
from tenancy.orchestration.retry_policies import MAX_RETRY_DELAY, RETRIES, retry_policy, unwinding_retry_policy
from tenancy.saga.errors import (
    LedgerOutdatedError,
    OutOfTurn,
    PermanentError,
    PlatformError,
    PlatformFileError,
    Refused,
    StaleLease,
    TransientError,
)
from tests.products import PLAN


def test_a_newer_task_instance_has_a_greater_id():
    ids = []
    for _ in range(50):
        ids.append(str(taskinstance.uuid7()))
        time.sleep(0.001)
    assert ids == sorted(ids)


def test_a_clear_or_a_retry_gives_the_task_instance_a_new_id():
    assert "self.id = uuid7()" in inspect.getsource(taskinstance.TaskInstance.prepare_db_for_next_try)


def test_errors_are_retried_by_what_the_caller_should_do():
    policy = retry_policy()

    def action(error: BaseException) -> RetryAction:
        return policy.evaluate(error, 1, RETRIES).action

    assert action(Refused("no")) is RetryAction.FAIL
    assert action(StaleLease("no")) is RetryAction.FAIL
    assert action(PermanentError("no")) is RetryAction.FAIL
    assert action(OutOfTurn("wait")) is RetryAction.RETRY
    assert action(TransientError("later")) is RetryAction.RETRY
    assert action(RuntimeError("unknown")) is RetryAction.RETRY
    assert action(AirflowTaskTimeout("too long")) is RetryAction.RETRY


@pytest.mark.parametrize("error", [PlatformError("no"), LedgerOutdatedError("no"), PlatformFileError("no")], ids=repr)
@pytest.mark.parametrize(("try_number", "seconds"), [(1, 1), (4, 8), (9, 120), (RETRIES, 120)])
def test_a_fault_of_the_platform_is_tried_again_however_long_it_lasts(
    error: PlatformError, try_number: int, seconds: float
):
    decision = retry_policy().evaluate(error, try_number, RETRIES)
    assert (decision.action, decision.retry_delay) == (RetryAction.RETRY, timedelta(seconds=seconds))


def test_airflow_gives_a_task_as_many_tries_as_it_has_retries_and_no_policy_more():
    """So the number is large, and the engine decides (provisioning/retry_window.py). The server says if (3.3.2)."""
    server = Path(airflow.__file__).parent / "api_fastapi/execution_api/routes/task_instances.py"
    assert "return max_tries != 0 and try_number <= max_tries" in server.read_text()
    assert "should_retry" in inspect.getsource(task_runner._finalize_task_failure)


def test_a_process_that_was_killed_is_tried_again_without_asking_the_policy():
    """So the engine counts such deaths itself: Airflow's own count is no bound any more."""
    source = inspect.getsource(supervisor.ActivitySubprocess.final_state.fget)
    assert "self._exit_code != 0 and self._should_retry" in source


@pytest.mark.parametrize(
    ("asked", "try_number", "waited"), [(7, 1, 7), (0, 1, 1), (1, 3, 4), (3600, 1, MAX_RETRY_DELAY.total_seconds())]
)
def test_a_system_that_asks_to_wait_is_left_alone_so_long(asked: int, try_number: int, waited: float):
    error = TransientError("too many requests")
    error.retry_after = asked
    decision = retry_policy().evaluate(error, try_number, 3)
    assert decision.action is RetryAction.RETRY
    assert decision.retry_delay == timedelta(seconds=waited)


def test_undoing_calls_it_too_and_is_tried_again_after_any_error():
    error = TransientError("too many requests")
    error.retry_after = 45
    policy = unwinding_retry_policy()
    assert policy.evaluate(error, 1, 5).retry_delay == timedelta(seconds=45)
    assert policy.evaluate(PermanentError("no"), 1, 5).action is RetryAction.DEFAULT


def test_what_a_killed_scheduler_left_is_adopted_within_the_two_minutes_of_an_in_between_state():
    """By its last heartbeat a dead one still lives when the next starts at once: its second look counts."""
    dead_after = conf.getfloat("scheduler", "scheduler_health_check_threshold")
    next_look = float(shipped_settings()["AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL"])
    assert dead_after + next_look <= 60


def test_the_bounds_are_in_their_order():
    """Callback limit < task_success_overtime < heartbeat time-out, and a short api-server restart kills nothing."""
    settings = shipped_settings()
    overtime = float(settings["AIRFLOW__CORE__TASK_SUCCESS_OVERTIME"])
    heartbeat = float(settings["AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT"])
    interval = float(settings["AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL"])
    failures = float(settings["AIRFLOW__WORKERS__MAX_FAILED_HEARTBEATS"])

    assert Timings().unwind_limit + Timings().lock_patience < overtime < heartbeat
    assert interval * failures >= 60
    assert DATABASE_LOCK_SECONDS < airflow_client.READ_SECONDS


def test_a_task_whose_message_celery_lost_continues_within_the_two_minutes_of_an_in_between_state():
    settings = celery_settings()
    silence = float(settings["AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT"])
    next_look = float(settings["AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT_CHECK_INTERVAL"])
    assert silence + next_look <= 90


def test_redis_gives_no_message_away_that_is_being_worked_on():
    longest = max(stall_limit(platform(), activity) for activity in PLAN).total_seconds()
    visibility = celery_settings()["AIRFLOW__CELERY_BROKER_TRANSPORT_OPTIONS__VISIBILITY_TIMEOUT"]
    assert float(visibility) > 10 * longest


def test_every_setting_of_celery_is_one_that_airflow_knows():
    """A misspelt one would be ignored silently. Airflow's lists lack one of the scheduler's (3.3.2), and kombu's."""
    others = inspect.getsource(scheduler_job_runner) + inspect.getsource(kombu.transport.redis.Channel)
    celerys = {section: each["options"] for section, each in get_provider_info()["config"].items()}
    for name in celery_settings():
        _, section, option = name.lower().split("__")
        known = option in celerys.get(section, {}) or conf.has_option(section, option)
        assert known or f'"{option}"' in others or f"'{option}'" in others, name


def test_clearing_a_run_whose_deadline_counts_from_its_queueing_still_fails_in_airflow():
    """So ours counts from a moment of its own (orchestration/deadline.py). Airflow 3.3.2 stores an interval as a dict
    and takes it for seconds: 500 to every clear of a run with DAGRUN_QUEUED_AT. When this fails, it may be mended."""
    source = inspect.getsource(taskinstance._recalculate_dagrun_queued_at_deadlines)
    assert "timedelta(seconds=deadline_alert.interval)" in source
