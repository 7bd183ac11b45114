"""Attempts and their product: one that is broken holds, one of before goes on, and undoing needs none."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tenancy.adapters.product_digests import product_version
from tenancy.engine.provisioning import admission
from tenancy.saga import facts as f
from tenancy.saga.causes import Cause
from tenancy.saga.commands import Cancel
from tenancy.saga.errors import ProductFileError
from tenancy.saga.names import ActivityName
from tenancy.saga.product import Product
from tests.integration.engine_harness import DEPLOY, HANDLE, NO_OBJECTS, ORDER, SCHEMA, WAIT, EngineHarness
from tests.products import CHART_VERSION, SAMPLE, SCHEMA_VERSION, only


def _broken() -> Product:
    raise ProductFileError("The product in products/sample is wrong: product.toml: name is missing.")


def _give(harness: EngineHarness, product: Callable[[], Product]) -> None:
    harness.tenancy = replace(harness.tenancy, products=only(product))


def test_an_attempt_records_the_versions_of_the_product(harness: EngineHarness):
    harness.run(ORDER[0])
    started = harness.facts(f.AttemptStarted)[0]
    assert (started.chart_version, started.schema_version) == (CHART_VERSION, SCHEMA_VERSION)
    assert started.product == product_version(SAMPLE)
    assert tuple(entry.activity for entry in started.plan) == SAMPLE.activities


def test_an_attempt_with_plain_sql_migrations_becomes_active(harness: EngineHarness, tmp_path: Path):
    folder = tmp_path / "migrations"
    folder.mkdir()
    (folder / "0001_notes.sql").write_text("create table notes (id int);")
    _give(harness, lambda: replace(SAMPLE, migrations=folder, admin_account=None))
    assert [harness.run(each).phase for each in ORDER][-1] == "Active"
    assert harness.facts(f.AttemptStarted)[0].schema_version == "0001_notes"
    harness.run(SCHEMA, 2)  # as somebody who clears the task has it
    assert harness.saga.phase == "Active"


@pytest.mark.parametrize("activity", [HANDLE, WAIT])
def test_everything_is_undone_although_the_product_is_gone(harness: EngineHarness, activity: ActivityName):
    harness.run_until(activity)
    assert harness.external_objects != NO_OBJECTS
    _give(harness, _broken)
    harness.record_commands(Cancel())
    assert harness.unwind().phase == "Failed settled"
    assert harness.external_objects == NO_OBJECTS


def test_a_broken_product_holds_the_attempt_until_it_is_mended(harness: EngineHarness):
    harness.run_until(SCHEMA)
    made = harness.external_objects
    _give(harness, _broken)
    with pytest.raises(ProductFileError, match="name is missing"):
        harness.run(SCHEMA)
    harness.give_up(SCHEMA)
    assert (harness.saga.phase, harness.saga.hold.cause) == ("Provisioning", Cause.PLATFORM_FILE)
    assert harness.external_objects == made
    _give(harness, lambda: SAMPLE)
    for each in ORDER[ORDER.index(SCHEMA) :]:
        harness.run(each, 2)
    assert harness.saga.phase == "Active"


@pytest.mark.parametrize("chart", ["", "1.0.0"])
def test_an_attempt_of_an_older_version_is_finished_or_undone(
    harness: EngineHarness, monkeypatch: pytest.MonkeyPatch, chart: str
):
    """Its facts name an older chart, or none at all: version 0.1 recorded none."""
    with monkeypatch.context() as before:
        before.setattr(admission, "chart_version", lambda product: chart)
        harness.run_until(DEPLOY)
    assert harness.facts(f.AttemptStarted)[0].chart_version == chart
    if chart:
        assert [harness.run(each).phase for each in ORDER[ORDER.index(DEPLOY) :]][-1] == "Active"
    else:
        harness.record_commands(Cancel())
        assert harness.unwind().phase == "Failed settled"
        assert harness.external_objects == NO_OBJECTS
