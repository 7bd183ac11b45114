"""Rights that our account lacks in a cluster: named, held while provisioning, and no obstacle that lasts to undoing."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tenancy.saga import commands as c
from tenancy.saga import facts as f
from tenancy.saga.causes import Cause
from tenancy.saga.errors import PlatformError, TenancyError
from tenancy.saga.states import State
from tests.integration.engine_harness import DEPLOY, NO_OBJECTS, EngineHarness


@contextmanager
def without(harness: EngineHarness, verb: str, resource: str) -> Iterator[None]:
    """Our account lacks this right in every namespace of the platform."""
    platform = f"tenancy.internal/platform={harness.tenancy.platform.name}"
    clear = harness.kubernetes.fault(kind="forbidden", selector=platform, verb=verb, resource=resource)
    try:
        yield
    finally:
        clear()


RIGHTS = [
    ("get", "resourcequotas"),
    ("create", "resourcequotas"),
    ("list", "secrets"),
    ("create", "secrets"),
    ("update", "secrets"),
    ("patch", "deployments"),
]


@pytest.mark.parametrize(("verb", "resource"), RIGHTS)
def test_a_missing_right_holds_the_attempt_and_it_continues_once_it_is_granted(
    harness: EngineHarness, verb: str, resource: str
):
    harness.run_until(DEPLOY)
    with without(harness, verb, resource), pytest.raises(PlatformError, match=f"may not {verb} {resource}") as lacks:
        harness.run(DEPLOY)
    assert lacks.value.cause is Cause.CLUSTER_RIGHTS
    assert harness.saga.state is State.PROVISIONING
    assert harness.facts(f.UnwindingStarted) == []
    harness.run_until(DEPLOY, 2)
    assert harness.run_all(3).phase == "Active"


@pytest.mark.parametrize("verb", ["get", "create", "update"])
def test_undoing_needs_no_right_to_the_quota(harness: EngineHarness, verb: str):
    harness.run_until(DEPLOY)
    harness.run(DEPLOY)
    harness.record_commands(c.Cancel())
    with without(harness, verb, "resourcequotas"):
        assert harness.unwind().phase == "Failed settled"
    assert harness.external_objects == NO_OBJECTS


def test_a_release_that_could_not_be_made_goes_with_its_namespace(harness: EngineHarness):
    harness.run_until(DEPLOY)
    with without(harness, "list", "secrets"):
        with pytest.raises(TenancyError):
            harness.run(DEPLOY)
        harness.record_commands(c.Cancel())
        assert harness.unwind().phase == "Failed settled"
    assert harness.external_objects == NO_OBJECTS


def test_a_release_is_checked_before_its_namespace_is_deleted(harness: EngineHarness):
    """Its cluster-scoped objects would stay: undoing waits for the right, and names it."""
    harness.run_until(DEPLOY)
    harness.run(DEPLOY)
    harness.record_commands(c.Cancel())
    with without(harness, "list", "secrets"), pytest.raises(TenancyError):
        harness.unwind(last_try=False)
    assert harness.external_objects["namespace"]
    assert 'cannot list resource "secrets"' in harness.facts(f.CompensationFailed)[-1].message
    assert harness.unwind().phase == "Failed settled"
    assert harness.external_objects == NO_OBJECTS


def test_undoing_without_the_right_to_delete_is_tried_again(harness: EngineHarness):
    harness.run_until(DEPLOY)
    harness.run(DEPLOY)
    harness.record_commands(c.Cancel())
    with without(harness, "delete", "namespaces"), pytest.raises(TenancyError, match=r"\w"):
        harness.unwind(last_try=False)
    assert harness.external_objects["namespace"]
    assert harness.unwind().phase == "Failed settled"
    assert harness.external_objects == NO_OBJECTS
