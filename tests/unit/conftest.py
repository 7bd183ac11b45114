"""Hypothesis profiles: `default` for every run, `deep` for `make test-deep` (HYPOTHESIS_PROFILE=deep).

And a tenant's database for tests of its application.
"""

import os

import pytest
from hypothesis import HealthCheck, settings

from tests.unit.tenants import furnish

settings.register_profile("default", max_examples=100, stateful_step_count=50, deadline=None)
settings.register_profile(
    "deep",
    max_examples=1000,  # of 50 steps each: 50,000 steps in all
    stateful_step_count=50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


@pytest.fixture
def tenant_database(fresh_database: str) -> str:
    """The DSN of a database with a tenant's schema and admin account, made by the product's own migrations."""
    furnish(fresh_database)
    return fresh_database
