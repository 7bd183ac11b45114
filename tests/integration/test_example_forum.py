"""examples/products/forum: a chart with several workloads, a subchart, a volume and a hook; a Job that migrates by SQL.

It is provisioned on a real PostgreSQL and by Helm, cancelled after each activity, and leaves nothing.
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sandbox.layout import PROJECT
from sandbox.programs import programs_in
from tenancy.activities.plan import plan_problems
from tenancy.adapters.product_file import load_product
from tenancy.products.check import check_product
from tenancy.saga import commands as c
from tenancy.saga.errors import PermanentError
from tenancy.saga.product import Product
from tests.integration.engine_harness import NO_OBJECTS, EngineHarness
from tests.products import FewProducts
from tests.real_systems import superuser

FOLDER = PROJECT / "examples" / "products" / "forum"
FORUM: Product = load_product(FOLDER, plan_problems)
ANNOUNCED = "registry.example/forum-announce:1"


class Forum:
    """The engine with this product alone."""

    def __init__(self, harness: EngineHarness, programs: Path) -> None:
        self.harness, self._programs = harness, programs
        harness.tenancy = replace(harness.tenancy, products=FewProducts({"forum": lambda: FORUM}))
        self.install(programs_in(FOLDER / "sandbox.toml"))

    def install(self, images: dict[str, list[str]]) -> None:
        draft = self._programs.with_suffix(".new")
        draft.write_text(json.dumps({**json.loads(self._programs.read_text()), **images}))
        draft.replace(self._programs)

    def run_until(self, last: str, number: int = 1) -> str:
        for activity in FORUM.activities[: FORUM.activities.index(last) + 1]:
            self.harness.run(activity, number)
        return self.harness.saga.phase

    def rows(self, statement: str) -> list[dict[str, Any]]:
        [database] = self.harness.external_objects["database"]
        with superuser(self.harness.server, database) as session:
            return session.execute(statement).fetchall()

    def names(self, kind: str) -> list[str]:
        """Of the tenant's namespace, without the release's name before them."""
        [namespace] = self.harness.external_objects["namespace"]
        found = self.harness.kubernetes.ask("GET", f"/{kind.format(f'namespaces/{namespace}')}")["items"]
        return sorted(each["metadata"]["name"].replace(namespace, "acme") for each in found)


@pytest.fixture
def forum(harness: EngineHarness, cluster_programs: Path) -> Forum:
    return Forum(harness, cluster_programs)


def test_it_has_no_mistakes():
    assert check_product(FOLDER) == []


def test_a_forum_is_provisioned_with_all_its_parts_and_decommissioned(forum: Forum):
    assert forum.run_until("mark_active") == "Active"
    assert forum.rows("select title from tenant.topic") == [{"title": "Welcome"}]
    assert forum.names("apis/apps/v1/{}/deployments") == ["acme", "acme-worker"]
    assert forum.names("apis/apps/v1/{}/statefulsets") == ["acme-cache"]
    assert forum.names("api/v1/{}/persistentvolumeclaims") == ["data-acme-cache-0"]
    assert forum.names("apis/batch/v1/{}/jobs") == []  # the hook's Job went once it had ended, and so did the migration
    forum.harness.record_commands(c.Decommission())
    assert forum.harness.unwind().phase == "Decommissioned"
    assert forum.harness.external_objects == NO_OBJECTS


@pytest.mark.parametrize("last", FORUM.activities[:-1])
def test_a_forum_that_is_cancelled_after_any_activity_leaves_nothing(forum: Forum, last: str):
    forum.run_until(last)
    forum.harness.record_commands(c.Cancel())
    assert forum.harness.unwind().phase == "Failed settled"
    assert forum.harness.external_objects == NO_OBJECTS


def test_a_hook_that_fails_fails_the_attempt_with_its_name_and_leaves_nothing(forum: Forum):
    forum.install({ANNOUNCED: ["false"]})
    with pytest.raises(PermanentError, match="announce"):
        forum.run_until("deploy_workloads")
    forum.harness.give_up("deploy_workloads")
    assert forum.harness.saga.phase == "Failed settled"
    assert forum.harness.external_objects == NO_OBJECTS
