"""Hypothesis profiles: `default` for every run, `deep` for `make test-deep` (HYPOTHESIS_PROFILE=deep)."""

import os

from hypothesis import HealthCheck, settings

settings.register_profile("default", max_examples=100, stateful_step_count=50, deadline=None)
settings.register_profile(
    "deep",
    max_examples=1000,  # of 50 steps each: 50,000 steps in all
    stateful_step_count=50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))
