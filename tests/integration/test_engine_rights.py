"""Rights that our account lacks in a cluster: named, held while provisioning, and no obstacle that lasts to undoing."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tenancy.saga import commands as c
from tenancy.saga import facts as f
from tenancy.saga.causes import Cause
from tenancy.saga.errors import PlatformError, TenancyError
from tenancy.saga.states import State
from tests.integration.engine_harness import DEPLOY, NOTHING, Stage


@contextmanager
def without(stage: Stage, verb: str, resource: str) -> Iterator[None]:
    """Our account lacks this right in every namespace of the platform."""
    platform = f"tenancy.internal/platform={stage.tenancy.platform.name}"
    clear = stage.kubernetes.fault(kind="forbidden", selector=platform, verb=verb, resource=resource)
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
def test_a_missing_right_holds_the_attempt_and_it_goes_on_once_it_is_granted(stage: Stage, verb: str, resource: str):
    stage.run_until(DEPLOY)
    with without(stage, verb, resource), pytest.raises(PlatformError, match=f"may not {verb} {resource}") as lacks:
        stage.run(DEPLOY)
    assert lacks.value.cause is Cause.CLUSTER_RIGHTS
    assert stage.saga.state is State.PROVISIONING
    assert stage.facts(f.UnwindingStarted) == []
    stage.run_until(DEPLOY, 2)
    assert stage.run_all(3).phase == "Active"


@pytest.mark.parametrize("verb", ["get", "create", "update"])
def test_undoing_needs_no_right_to_the_quota(stage: Stage, verb: str):
    stage.run_until(DEPLOY)
    stage.run(DEPLOY)
    stage.ask(c.Cancel())
    with without(stage, verb, "resourcequotas"):
        assert stage.unwind().phase == "Failed settled"
    assert stage.outside == NOTHING


def test_a_release_that_could_not_be_made_goes_with_its_namespace(stage: Stage):
    stage.run_until(DEPLOY)
    with without(stage, "list", "secrets"):
        with pytest.raises(TenancyError):
            stage.run(DEPLOY)
        stage.ask(c.Cancel())
        assert stage.unwind().phase == "Failed settled"
    assert stage.outside == NOTHING


def test_a_release_that_was_made_is_looked_for_before_its_namespace_goes(stage: Stage):
    """Its cluster-scoped objects would stay: undoing waits for the right, and names it."""
    stage.run_until(DEPLOY)
    stage.run(DEPLOY)
    stage.ask(c.Cancel())
    with without(stage, "list", "secrets"), pytest.raises(TenancyError):
        stage.unwind(last_try=False)
    assert stage.outside["namespace"]
    assert 'cannot list resource "secrets"' in stage.facts(f.CompensationFailed)[-1].message
    assert stage.unwind().phase == "Failed settled"
    assert stage.outside == NOTHING


def test_undoing_without_the_right_to_delete_is_tried_again(stage: Stage):
    stage.run_until(DEPLOY)
    stage.run(DEPLOY)
    stage.ask(c.Cancel())
    with without(stage, "delete", "namespaces"), pytest.raises(TenancyError, match=r"\w"):
        stage.unwind(last_try=False)
    assert stage.outside["namespace"]
    assert stage.unwind().phase == "Failed settled"
    assert stage.outside == NOTHING
