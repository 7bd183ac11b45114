"""Migrations that are an image: a Job in the tenant's namespace, with the tenant's own credentials."""

import json
import multiprocessing
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tenancy.saga import commands as c
from tenancy.saga.causes import Cause
from tenancy.saga.errors import PermanentError, PlatformError, TransientError
from tenancy.saga.product import MigrationJob
from tests.conformance.server import eventually
from tests.integration.engine_harness import (
    DEPLOY,
    HANDLE,
    MARK_ACTIVE,
    NO_OBJECTS,
    SCHEMA,
    STORAGE,
    VALIDATE,
    WAIT,
    EngineHarness,
)
from tests.products import SAMPLE, only
from tests.real_systems import superuser

ORDER = (VALIDATE, STORAGE, HANDLE, DEPLOY, SCHEMA, WAIT, MARK_ACTIVE)
MIGRATES = """
import os, sys, psycopg
print("migrating", sys.argv[1:])
with psycopg.connect(os.environ["DATABASE_URL"], options=os.environ["PGOPTIONS"]) as session:
    session.execute("create table if not exists notes (id int)")
"""


class MigratedTenant:
    """A platform whose product's migrations are an image, which each test chooses."""

    def __init__(self, harness: EngineHarness, programs: Path) -> None:
        self.harness, self._programs = harness, programs
        self.job = MigrationJob(f"registry.example/migrate:{uuid4().hex[:8]}", "42", ("--to", "42"))
        self.install(self.job)
        self.program(MIGRATES)

    def install(self, job: MigrationJob) -> None:
        self.job = job
        product = replace(SAMPLE, activities=ORDER, migrations=None, admin_account=None, migration_job=job)
        self.harness.tenancy = replace(self.harness.tenancy, products=only(lambda: product))

    def program(self, text: str) -> None:
        draft = self._programs.with_suffix(".new")
        known = json.loads(self._programs.read_text())
        draft.write_text(json.dumps({**known, self.job.image: [sys.executable, "-c", text]}))
        draft.replace(self._programs)

    def run_until(self, last: str) -> Any:
        for activity in ORDER[: ORDER.index(last) + 1]:
            self.harness.run(activity)
        return self.harness.saga

    def rows(self, statement: str) -> list[dict[str, Any]]:
        [database] = self.harness.external_objects["database"]
        with superuser(self.harness.server, database) as session:
            return session.execute(statement).fetchall()


@pytest.fixture
def tenant(harness: EngineHarness, cluster_programs: Path) -> MigratedTenant:
    return MigratedTenant(harness, cluster_programs)


def test_a_tenant_whose_migrations_are_an_image_becomes_active_and_is_decommissioned(tenant: MigratedTenant) -> None:
    assert tenant.run_until(MARK_ACTIVE).phase == "Active"
    assert tenant.rows("select * from tenant.notes") == []
    [recorded] = tenant.rows("select number, version from tenant.tenancy_migration")
    assert recorded == {"number": 1, "version": "42"}
    tenant.harness.record_commands(c.Decommission())
    assert tenant.harness.unwind().phase == "Decommissioned"
    assert tenant.harness.external_objects == NO_OBJECTS


def test_a_schema_that_is_at_the_version_is_not_migrated_again(tenant: MigratedTenant) -> None:
    tenant.run_until(SCHEMA)
    tenant.program("raise SystemExit(1)")
    tenant.harness.run(SCHEMA, 2)
    assert len(tenant.rows("select * from tenant.tenancy_migration")) == 1


def test_a_failed_migrations_output_is_in_the_error_log_without_the_password(tenant: MigratedTenant) -> None:
    tenant.program(
        "import os; print('V43: no relation; tried', os.environ['DATABASE_URL'], os.environ['PGPASSWORD']); exit(2)"
    )
    with pytest.raises(PermanentError) as error:
        tenant.run_until(SCHEMA)
    message = str(error.value)
    assert message.startswith("sample/product.toml, migrations: the Job of the image registry.example/migrate")
    assert "it failed with exit code 2; the end of its log: V43: no relation; tried postgresql://" in message
    assert ":***@" in message
    assert error.value.cause is Cause.SCHEMA_MIGRATION
    assert tenant.rows("select * from tenant.tenancy_migration") == []


def test_a_migration_whose_worker_died_is_awaited_and_not_started_twice(tenant: MigratedTenant, tmp_path: Path) -> None:
    go, starts = tmp_path / "go", tmp_path / "starts"
    counts = f"import os, time\nopen({str(starts)!r}, 'a').write('x')\n"
    tenant.program(f"{counts}while not os.path.exists({str(go)!r}): time.sleep(0.05)\n{MIGRATES}")
    tenant.run_until(DEPLOY)
    worker = multiprocessing.get_context("fork").Process(target=tenant.harness.run, args=(SCHEMA,), daemon=True)
    worker.start()
    eventually(lambda: starts.exists() and starts.read_text())
    assert worker.pid
    os.kill(worker.pid, signal.SIGKILL)
    go.touch()
    tenant.harness.run(SCHEMA, 2)
    assert starts.read_text() == "x"
    assert len(tenant.rows("select * from tenant.tenancy_migration")) == 1


def test_an_attempt_for_another_version_needs_the_product_that_has_it(tenant: MigratedTenant) -> None:
    tenant.run_until(DEPLOY)
    tenant.install(replace(tenant.job, version="43"))
    with pytest.raises(PlatformError, match=r"The attempt migrates to 42, and the product's image .* leads to 43"):
        tenant.harness.run(SCHEMA)


def test_a_migration_that_asks_for_another_try_gets_it(tenant: MigratedTenant) -> None:
    tenant.program("raise SystemExit(75)")
    with pytest.raises(TransientError, match="exit code 75"):
        tenant.run_until(SCHEMA)
    tenant.program(MIGRATES)
    tenant.harness.run(SCHEMA, 2)
    assert len(tenant.rows("select * from tenant.tenancy_migration")) == 1


def test_an_image_that_cannot_be_pulled_holds_the_tenant(tenant: MigratedTenant) -> None:
    tenant.install(replace(tenant.job, image="no.such.registry.invalid/migrate:1"))
    with pytest.raises(PlatformError, match="ImagePullBackOff"):
        tenant.run_until(SCHEMA)
