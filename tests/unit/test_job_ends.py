"""How long an activity awaits its Job, and what it makes of its end."""

import pytest

from tenancy.activities.job_ends import patience_for, require_success
from tenancy.adapters.job_outcome import JobEnd
from tenancy.saga.causes import Cause
from tenancy.saga.errors import PermanentError


def test_a_job_is_awaited_longer_than_its_limit_so_that_the_cluster_ends_it_first() -> None:
    assert patience_for(5, None) == 330


def test_in_an_unwinding_a_job_is_awaited_as_long_as_its_systems_budget_lasts() -> None:
    assert patience_for(5, 12.0) == 12.0


def test_the_end_of_a_log_shows_no_secret_also_where_it_is_cut() -> None:
    secret = "s3cret-word"
    log = f"{secret}{'x' * 995}"
    with pytest.raises(PermanentError) as error:
        require_success(JobEnd(succeeded=False, code=1, log=log, hidden=(secret,)), 5, Cause.CLUSTER_JOB)
    assert "word" not in str(error.value)
